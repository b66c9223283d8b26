%% settle waits for what native code has handed to processes of the BEAM: see regrow_attention.
-module(regrow_settle_tests).
-include_lib("eunit/include/eunit.hrl").

-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2]).

settle_test_() ->
    [{Name, {timeout, regrow_test:limit(60), Test}}
     || {Name, Test} <-
            [{"settle waits for a process that deals with a message of native code", fun message/0},
             {"settle waits for a process that is told of an end", fun down/0},
             {"settle waits until an exit signal of native code has ended a process", fun signal/0},
             {"settle does not wait for a process that waits, and has messages that it does not take", fun passed_over/0},
             {"a process that never comes to rest is why settle says timeout, until it is killed", fun restless/0},
             {"settle waits for the other process that one of the BEAM has handed its work to", fun handed_on/0},
             {"settle waits for what a process does with an answer it asked for on account of a message", fun midway/0},
             {"a process that only asks by itself keeps no runtime busy", fun by_itself/0},
             {"time stands still while a process deals with a message", fun advance/0},
             {"after 10,000 messages to 50 processes, half of them killed, nothing keeps the runtime busy", fun many/0},
             {"a runtime ends with the process that gives its tokens back", fun attention_killed/0},
             {"hostile arguments are refused", fun hostile/0}]].

%% A process that does `Work` for each message that it gets, and tells the test that it has.
worker(Work) ->
    Test = self(),
    spawn_link(fun() -> work(Test, Work) end).

work(Test, Work) ->
    receive
        Message -> Test ! {done, Work(Message)}, work(Test, Work)
    end.

%% Has a process busy, not waiting, for so long.
spin(Ms) -> spin_until(erlang:monotonic_time(millisecond) + Ms).

spin_until(End) ->
    case erlang:monotonic_time(millisecond) < End of
        true -> spin_until(End);
        false -> ok
    end.

busy(Runtime) ->
    {ok, #{busy := Busy}} = regrow:stats(Runtime),
    Busy.

%% What is in the mailbox at this very moment.
now_there() ->
    receive Message -> Message after 0 -> nothing end.

tell(Actor, Pid, Message) ->
    {ok, {ok, _}} = regrow:call(Actor, {send, Pid, Message}).

message() ->
    Runtime = regrow_test:runtime(),
    Actor = regrow_test:actor(Runtime, none),
    Worker = worker(fun(Message) -> spin(50), Message end),
    tell(Actor, Worker, hello),
    ?assertEqual({ok, quiet}, regrow:settle(Runtime)),
    ?assertEqual({done, hello}, now_there()),
    regrow_test:over(Runtime).

down() ->
    Runtime = regrow_test:runtime(),
    Actor = regrow_test:actor(Runtime, none),
    Test = self(),
    Watcher = spawn_link(fun() ->
        Ref = regrow:monitor(Actor),
        Test ! watches,
        receive {'DOWN', Ref, process, Actor, Reason} -> spin(50), Test ! {down, Reason} end,
        receive stop -> ok end
    end),
    ?assertEqual(watches, regrow_test:receive_one()),
    true = regrow:exit(Actor, boom),
    ?assertEqual({ok, quiet}, regrow:settle(Runtime)),
    ?assertEqual({down, boom}, now_there()),
    Watcher ! stop,
    regrow_test:over(Runtime).

signal() ->
    Runtime = regrow_test:runtime(),
    [begin
        Actor = regrow_test:actor(Runtime, none),
        {Victim, Monitor} = spawn_monitor(fun() -> receive stop -> ok end end),
        {ok, {ok, _}} = regrow:call(Actor, {exit, Victim, boom}),
        ?assertEqual({ok, quiet}, regrow:settle(Runtime)),
        ?assertEqual({'DOWN', Monitor, process, Victim, boom}, now_there())
     end || _ <- lists:seq(1, 50)],
    regrow_test:over(Runtime).

passed_over() ->
    Runtime = regrow_test:runtime(),
    Actor = regrow_test:actor(Runtime, none),
    Choosy = spawn_link(fun() -> receive stop -> ok end end),
    tell(Actor, Choosy, not_this),
    ?assertEqual({ok, quiet}, regrow:settle(Runtime)),
    ?assertEqual({message_queue_len, 1}, process_info(Choosy, message_queue_len)),
    Choosy ! stop,
    regrow_test:over(Runtime).

restless() ->
    Runtime = regrow_test:runtime(),
    Actor = regrow_test:actor(Runtime, none),
    Worker = spawn(fun() -> receive go -> spin_until(infinity) end end),
    tell(Actor, Worker, go),
    ?assertEqual({error, timeout}, regrow:settle(Runtime, 50)),
    ?assertEqual(1, busy(Runtime)),
    exit(Worker, kill),
    ?assertEqual({ok, quiet}, regrow:settle(Runtime, 60000)),
    ?assertEqual(0, busy(Runtime)),
    regrow_test:over(Runtime).

%% The other one takes its time, and never answers; then the first waits alone.
init(never) -> {ok, never}.
handle_call({spin, Ms, Test}, _, State) -> spin(Ms), Test ! spun, {noreply, State}.
handle_cast(_, State) -> {noreply, State}.

handed_on() ->
    Runtime = regrow_test:runtime(),
    Actor = regrow_test:actor(Runtime, none),
    Test = self(),
    {ok, Other} = gen_server:start_link(?MODULE, never, []),
    Worker = worker(fun(go) -> gen_server:call(Other, {spin, 50, Test}, infinity) end),
    tell(Actor, Worker, go),
    ?assertEqual({ok, quiet}, regrow:settle(Runtime)),
    ?assertEqual(spun, now_there()),
    [begin unlink(Each), exit(Each, kill) end || Each <- [Worker, Other]],
    regrow_test:over(Runtime).

midway() ->
    Runtime = regrow_test:runtime(),
    Actor = regrow_test:actor(Runtime, none),
    Slow = regrow_test:actor(Runtime, none),
    %% Whoever waits for that answer is looked at meanwhile, and found at rest.
    Worker = worker(fun(go) -> {ok, {ok, _}} = regrow:call(Slow, {busy, 20}), spin(30), answered end),
    tell(Actor, Worker, go),
    ?assertEqual({ok, quiet}, regrow:settle(Runtime)),
    ?assertEqual({done, answered}, now_there()),
    ?assertEqual(0, busy(Runtime)),
    regrow_test:over(Runtime).

by_itself() ->
    Runtime = regrow_test:runtime(),
    Actor = regrow_test:actor(Runtime, none),
    Test = self(),
    spawn_link(fun() ->
        ok = regrow:register(Runtime, asker, self()),
        {ok, {ok, there}} = regrow:call(Actor, {echo, {ok, there}}),
        Test ! asked,
        spin(100),
        Test ! spun
    end),
    ?assertEqual(asked, regrow_test:receive_one()),
    ?assertEqual(0, busy(Runtime)),
    ?assertEqual(spun, regrow_test:receive_one()),
    regrow_test:over(Runtime).

advance() ->
    Runtime = regrow_test:runtime(#{clock => manual}),
    Actor = regrow_test:actor(Runtime, none),
    Worker = worker(fun(go) -> spin(50), regrow:now(Runtime) end),
    tell(Actor, Worker, go),
    ?assertEqual(ok, regrow:advance(Runtime, 1000)),
    ?assertEqual({done, {ok, 0}}, now_there()),
    ?assertEqual({ok, 1000}, regrow:now(Runtime)),
    regrow_test:over(Runtime).

many() ->
    Runtime = regrow_test:runtime(),
    Actor = regrow_test:actor(Runtime, none),
    Sink = spawn_link(fun Take() -> receive stop -> ok; _ -> Take() end end),
    Workers = [spawn(fun() -> work(Sink, fun(_) -> ok end) end) || _ <- lists:seq(1, 50)],
    Rounds = regrow_test:rounds(200),
    [tell(Actor, Worker, hello) || _ <- lists:seq(1, Rounds), Worker <- Workers],
    [exit(Worker, kill) || {Worker, Number} <- lists:zip(Workers, lists:seq(1, 50)), Number rem 2 =:= 0],
    ?assertEqual({ok, quiet}, regrow:settle(Runtime, 60000)),
    ?assertEqual(0, busy(Runtime)),
    [exit(Worker, kill) || Worker <- Workers],
    Sink ! stop,
    regrow_test:over(Runtime).

attention_killed() ->
    Runtime = regrow_test:runtime(),
    Root = regrow:root(Runtime),
    %% So that the steward has begun.
    {ok, quiet} = regrow:settle(Runtime),
    tell(regrow_test:actor(Runtime, none), spawn(fun() -> ok end), hello),
    {links, [Attention]} = process_info(regrow_nif:steward(Root), links),
    exit(Attention, kill),
    ?assert(regrow_test:until(fun() -> not regrow:is_alive(Root) end)).

hostile() ->
    Runtime = regrow_test:runtime(),
    Root = regrow:root(Runtime),
    [?assertError(badarg, regrow_nif:Function(Pid, Other))
     || {Function, Others} <- [{look, [1, Root, make_ref()]}, {at_rest, [1, Root]}, {done, [-1, self(), x]}],
        Pid <- [Root, self(), 1], Other <- Others],
    %% A token that is none, and processes that nothing was sent to.
    ?assertEqual(ok, regrow_nif:done(Root, 12345)),
    ?assertEqual(ok, regrow_nif:look(Root, self())),
    ?assertEqual(ok, regrow_nif:at_rest(Root, self())),
    ?assertEqual({ok, quiet}, regrow:settle(Runtime)),
    regrow_test:over(Runtime),
    ?assertEqual([ok, ok, ok], [regrow_nif:look(Root, self()), regrow_nif:at_rest(Root, self()), regrow_nif:done(Root, 1)]).
