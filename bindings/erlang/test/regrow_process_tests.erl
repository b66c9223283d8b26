%% Processes of the BEAM are processes to native code, and the other way round.
-module(regrow_process_tests).
-include_lib("eunit/include/eunit.hrl").
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

process_test_() ->
    {foreach, fun() -> regrow_test:runtime() end, fun(Runtime) -> regrow_test:over(Runtime) end,
     [fun(Runtime) -> {Name, {timeout, regrow_test:limit(60), fun() -> Test(Runtime) end}} end
      || {Name, Test} <-
             [{"a pid of the BEAM is one native pid, and comes back as itself", fun one_identity/1},
              {"native code sends to and calls a process of the BEAM", fun native_calls_beam/1},
              {"a call that the BEAM does not answer ends as the call protocol says", fun native_calls_end/1},
              {"the BEAM calls, casts and sends to a native server", fun beam_calls_native/1},
              {"a call to what is not there, or crashes, is an error", fun beam_calls_end/1},
              {"a server that never waits answers where it is called", fun quick_servers/1},
              {"many calls at once have their outcomes in one message", fun many_calls/1},
              {"many calls at once of what is not there, or ends", fun many_calls_end/1},
              {"a native process that crashes tells its monitors and links why", fun native_ends/1},
              {"a process of the BEAM that ends tells native monitors and links why", fun beam_ends/1},
              {"what is started with a link ends with its parent", fun parents/1},
              {"what is started with a link ends as its parent does, and when it is told so", fun parents_reasons/1},
              {"native code that sends too much waits", fun credit/1},
              {"a name is monitored, and demonitor says whether it took something away", fun monitored/1},
              {"an exit signal from native code ends a process of the BEAM", fun exits/1},
              {"an exit signal from the BEAM comes from who sent it", fun exits_name_their_sender/1},
              {"a dead process of the BEAM is nowhere to be found", fun no_stale_names/1},
              {"a name of a process that ended this moment can be taken", fun names_are_free/1},
              {"a call to a process of the BEAM keeps its runtime busy", fun calls_are_busy/1},
              {"wrong arguments raise badarg", fun bad_arguments/1},
              {"what is dead is an error", fun dead_handles/1}]]}.

%% ---- a server of the BEAM ----

init(State) -> {ok, State}.
handle_call({reply, Reply}, _, State) -> {reply, Reply, State};
handle_call(late, From, State) -> {noreply, [From | State]};
handle_call({crash, Reason}, _, _) -> exit(Reason);
handle_call(state, _, State) -> {reply, State, State}.
handle_cast(Message, State) -> {noreply, [{cast, Message} | State]}.
handle_info(Message, State) -> {noreply, [{info, Message} | State]}.

server() ->
    {ok, Pid} = gen_server:start(?MODULE, [], []),
    Pid.

quietly(Test) ->
    #{level := Level} = logger:get_primary_config(),
    logger:set_primary_config(level, none),
    try Test() after logger:set_primary_config(level, Level) end.

%% ---- tests ----

one_identity(Runtime) ->
    Actor = regrow_test:actor(Runtime),
    Pids = [spawn_link(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, 100)],
    [?assertEqual({ok, Pid}, regrow:call(Actor, {echo, Pid})) || Pid <- Pids ++ Pids],
    %% The root, the actor, the caller (told of in its argument), and one for each; whoever started the actor may still
    %% be on its way out.
    ?assert(regrow_test:until(fun() -> {ok, #{processes := Now}} = regrow:stats(Runtime), Now =:= 103 end)),
    [?assertEqual({ok, {ok, true}}, regrow:call(Actor, {is_pid, Pid})) || Pid <- Pids],
    Other = regrow_test:runtime(),
    [?assertEqual({ok, Pid}, regrow:call(regrow_test:actor(Other), {echo, Pid})) || Pid <- Pids],
    regrow_test:over(Other),
    [Pid ! stop || Pid <- Pids],
    ?assert(regrow_test:until(fun() -> {ok, #{processes := Left}} = regrow:stats(Runtime), Left =:= 3 end)),
    %% What has ended is still called what it was.
    ?assertEqual({ok, hd(Pids)}, regrow:call(Actor, {echo, hd(Pids)})).

native_calls_beam(Runtime) ->
    Actor = regrow_test:actor(Runtime),
    Server = server(),
    ?assertEqual({ok, {ok, {a, 1.5, Server}}}, regrow:call(Actor, {call, Server, {reply, {a, 1.5, Server}}, 5000})),
    ?assertEqual({ok, {ok, []}}, regrow:call(Actor, {send, Server, hello})),
    ?assertEqual({ok, {ok, []}}, regrow:call(Actor, {cast, Server, tell})),
    %% They are sent when the call is answered, and on their way.
    ?assert(regrow_test:until(fun() -> gen_server:call(Server, state) =:= [{cast, tell}, {info, hello}] end)),
    Large = lists:seq(1, 100000),
    ?assertEqual({ok, {ok, Large}}, regrow:call(Actor, {call, Server, {reply, Large}, 5000})),
    gen_server:stop(Server).

native_calls_end(Runtime) ->
    Actor = regrow_test:actor(Runtime),
    Server = server(),
    ?assertEqual({ok, {error, 'REGROW_ERR_TIMEOUT', timeout}}, regrow:call(Actor, {call, Server, late, 10})),
    %% The request is on its way all the same. The late answer does no harm.
    ?assert(regrow_test:until(fun() -> gen_server:call(Server, state) =/= [] end)),
    [From] = gen_server:call(Server, state),
    gen_server:reply(From, too_late),
    quietly(fun() ->
        ?assertEqual({ok, {error, 'REGROW_ERR_EXITED', {boom, 1}}},
                     regrow:call(Actor, {call, Server, {crash, {boom, 1}}, 5000}))
    end),
    ?assertMatch({ok, {error, 'REGROW_ERR_NO_PROCESS', noproc}}, regrow:call(Actor, {call, Server, late, 5000})).

beam_calls_native(Runtime) ->
    regrow_test:plugin(counter),
    {ok, Counter} = regrow:start(Runtime, #{kind => behaviour, behaviour => <<"counter">>, arg => 40}),
    ?assertEqual({ok, 42}, regrow:call(Counter, {add, 2})),
    ?assertEqual(ok, regrow:cast(Counter, reset)),
    ?assertEqual({ok, 40}, regrow:call(Counter, get)),
    Actor = regrow_test:actor(Runtime),
    ?assertEqual(ok, regrow:send(Actor, {any, <<"thing">>})),
    ?assertEqual({actor, {any, <<"thing">>}}, regrow_test:receive_one()).

beam_calls_end(Runtime) ->
    Actor = regrow_test:actor(Runtime),
    Holder = spawn_link(fun() ->
        receive let_go -> receive {'$gen_call', From, hold} -> gen_server:reply(From, late) end end
    end),
    ?assertEqual({error, timeout}, regrow:call(Actor, {call, Holder, hold, 60000}, 1)),
    Holder ! let_go,
    ?assertEqual({ok, 1}, regrow:call(Actor, {echo, 1})),
    quietly(fun() -> ?assertEqual({error, {boom, 1}}, regrow:call(Actor, {crash, {boom, 1}})) end),
    ?assertEqual({error, noproc}, regrow:call(Actor, {echo, 1})),
    ?assertEqual(ok, regrow:cast(Actor, 1)),
    ?assertEqual(ok, regrow:send(Actor, 1)),
    Forgetful = regrow_test:actor(Runtime),
    quietly(fun() -> ?assertEqual({error, bad_return_value}, regrow:call(Forgetful, {zero})) end),
    {ok, Registry} = regrow_registry:start(Runtime, #{}),
    ?assertEqual({error, wrong_kind}, regrow:call(Registry, x)),
    Sleeper = regrow_test:actor(Runtime),
    {_, Monitor} = spawn_monitor(fun() -> exit(regrow:call(Sleeper, {sleep, 60000}, infinity)) end),
    ?assert(regrow_test:until(fun() -> {ok, #{status := Status}} = regrow:info(Sleeper), Status =/= waiting end)),
    [?assertEqual({error, timeout}, regrow:call(Sleeper, {echo, 1}, Time)) || _ <- lists:seq(1, 500), Time <- [0, 1]],
    true = regrow:exit(Sleeper, kill),
    ?assertMatch({'DOWN', Monitor, process, _, {error, killed}}, regrow_test:receive_one()).

quick(Runtime) ->
    regrow_test:plugin(actor),
    {ok, Quick} = regrow:start(Runtime, #{kind => behaviour, behaviour => <<"quick">>, arg => self()}),
    Quick.

quick_servers(Runtime) ->
    Quick = quick(Runtime),
    Large = lists:seq(1, 100000),
    [?assertEqual({ok, Term}, regrow:call(Quick, {echo, Term})) || Term <- [1, Large, self(), fun() -> Large end]],
    ?assertEqual({ok, {ok, []}}, regrow:call(Quick, {send, self(), hello})),
    ?assertEqual(hello, regrow_test:receive_one()),
    ?assertMatch({ok, {error, 'REGROW_ERR_WOULD_BLOCK', _}}, regrow:call(Quick, {call, server(), late, 5000})),
    ?assertMatch({ok, {error, 'REGROW_ERR_WOULD_BLOCK', _}}, regrow:call(Quick, {sleep, 1})),
    {ok, Relay} = regrow:to_pid(Quick),
    ?assertEqual(relayed, gen_server:call(Relay, {echo, relayed})),
    %% Whoever finds it at work has the answer by a message.
    Callers = [spawn_monitor(fun() -> [{ok, N} = regrow:call(Quick, {echo, N}) || N <- lists:seq(1, 2000)] end)
               || _ <- lists:seq(1, 8)],
    [?assertEqual(normal, receive {'DOWN', Monitor, process, _, Reason} -> Reason end) || {_, Monitor} <- Callers],
    quietly(fun() -> ?assertEqual({error, {boom, 1}}, regrow:call(Quick, {crash, {boom, 1}})) end),
    ?assertEqual({error, noproc}, regrow:call(Quick, {echo, 1})),
    ?assertEqual(nothing, receive Message -> Message after 0 -> nothing end).

many_calls(Runtime) ->
    Large = lists:seq(1, 5000),
    Numbers = lists:seq(1, 3000),
    [begin
         ?assertEqual([], regrow:call_all(Server, [])),
         ?assertEqual([{ok, Term} || Term <- [1, Large, self()]],
                      regrow:call_all(Server, [{Echo, Term} || Term <- [1, Large, self()]])),
         ?assertEqual([{ok, N} || N <- Numbers], regrow:call_all(Server, [{Echo, N} || N <- Numbers], infinity))
     end || {Server, Echo} <- [{regrow_test:actor(Runtime), echo}, {quick(Runtime), echo}, {server(), reply}]],
    ?assertEqual(nothing, receive Message -> Message after 0 -> nothing end).

many_calls_end(Runtime) ->
    Actor = regrow_test:actor(Runtime),
    Sleeper = regrow_test:actor(Runtime),
    Local = server(),
    ?assertEqual([{error, timeout}, {error, timeout}], regrow:call_all(Sleeper, [{sleep, 60000}, {echo, 1}], 1)),
    %% The time of both is the same: it is what the second has to answer in.
    ?assertEqual([{error, timeout}, {ok, 1}], regrow:call_all(Local, [late, {reply, 1}], 2000)),
    quietly(fun() ->
        [begin
             [{ok, 1}, {error, boom} | Rest] = regrow:call_all(Server, [{Echo, 1}, {crash, boom}, {Echo, 2}, {Echo, 3}]),
             %% Asked before its end, or after it.
             ?assertEqual([], [Outcome || {error, Why} = Outcome <- Rest, Why =/= boom, Why =/= noproc]),
             ?assertEqual(2, length(Rest))
         end || {Server, Echo} <- [{Actor, echo}, {quick(Runtime), echo}, {Local, reply}]]
    end),
    [?assertEqual([{error, noproc}, {error, noproc}], regrow:call_all(Dead, [a, b])) || Dead <- [Actor, Local]],
    {ok, Registry} = regrow_registry:start(Runtime, #{}),
    ?assertEqual([{error, wrong_kind}], regrow:call_all(Registry, [x])),
    [?assertError(badarg, regrow:call_all(Pid, Requests, Time))
     || {Pid, Requests, Time} <- [{Sleeper, no_list, 1}, {Sleeper, [a | b], 1}, {Sleeper, [a], -1}, {no_pid, [a], 1}]],
    %% The runtime ends meanwhile.
    Other = regrow_test:runtime(),
    There = regrow_test:actor(Other),
    {_, Monitor} = spawn_monitor(fun() -> exit(regrow:call_all(There, [{sleep, 60000}, {echo, 1}], infinity)) end),
    ?assert(regrow_test:until(fun() -> {ok, #{status := Status}} = regrow:info(There), Status =/= waiting end)),
    ok = regrow:shutdown(Other),
    ?assertMatch({'DOWN', Monitor, process, _, [{error, _}, {error, _}]}, regrow_test:receive_one()),
    ?assertEqual([{error, noproc}], regrow:call_all(There, [x])).

native_ends(Runtime) ->
    quietly(fun() ->
        Actor = regrow_test:actor(Runtime),
        Monitor = regrow:monitor(Actor),
        Other = regrow:monitor(Actor),
        true = regrow:demonitor(Actor, Other),
        {error, boom} = regrow:call(Actor, {crash, boom}),
        ?assertEqual({'DOWN', Monitor, process, Actor, boom}, regrow_test:receive_one()),
        ?assertMatch({'DOWN', _, process, Actor, noproc}, begin regrow:monitor(Actor), regrow_test:receive_one() end),
        %% Linked: one that does not trap exits ends with the reason, one that does gets a message.
        Linked = regrow_test:actor(Runtime),
        {_, Down} = spawn_monitor(fun() -> true = regrow:link(Linked), receive after infinity -> ok end end),
        ?assert(regrow_test:until(fun() -> {ok, #{links := Links}} = regrow:info(Linked), Links =/= [] end)),
        process_flag(trap_exit, true),
        true = regrow:link(Linked),
        {error, boom} = regrow:call(Linked, {crash, boom}),
        ?assertEqual([{'DOWN', boom}, {'EXIT', Linked, boom}],
                     lists:sort([case regrow_test:receive_one() of
                                     {'DOWN', Down, process, _, Why} -> {'DOWN', Why};
                                     Message -> Message
                                 end || _ <- [1, 2]])),
        ?assertEqual({error, noproc}, regrow:call(Linked, x)),
        Unlinked = regrow_test:actor(Runtime),
        true = regrow:link(Unlinked),
        true = regrow:unlink(Unlinked),
        {error, boom} = regrow:call(Unlinked, {crash, boom}),
        ?assertEqual({error, noproc}, regrow:link(Unlinked)),
        ?assertEqual([], [Exit || {'EXIT', _, _} = Exit <- element(2, process_info(self(), messages))]),
        process_flag(trap_exit, false)
    end).

beam_ends(Runtime) ->
    Actor = regrow_test:actor(Runtime),
    Server = server(),
    {ok, {ok, Ref}} = regrow:call(Actor, {monitor, Server}),
    gen_server:stop(Server, {shutdown, why}, 5000),
    ?assertEqual({actor, {'DOWN', Ref, process, Server, {shutdown, why}}}, regrow_test:receive_one()),
    Partner = server(),
    {ok, {ok, []}} = regrow:call(Actor, {trap}),
    {ok, {ok, []}} = regrow:call(Actor, {link, Partner}),
    exit(Partner, kill),
    ?assertEqual({actor, {'EXIT', Partner, killed}}, regrow_test:receive_one()).

%% A registry traps exits, and ends with its parent all the same; so do a supervisor and a plain server.
parents(Runtime) ->
    regrow_test:plugin(counter),
    Test = self(),
    [begin
         Parent = spawn(fun() -> Test ! {started, regrow:start_link(Runtime, Spec)}, receive {exit, Reason} -> exit(Reason) end end),
         {started, {ok, Child}} = regrow_test:receive_one(),
         Monitor = regrow:monitor(Child),
         Parent ! {exit, boom},
         ?assertMatch({'DOWN', Monitor, process, Child, _}, regrow_test:receive_one())
     end || Spec <- [#{kind => registry}, #{kind => supervisor}, #{kind => pubsub}, #{kind => agent},
                     #{kind => behaviour, behaviour => <<"counter">>}]],
    ?assertEqual({error, failed}, regrow:start_link(Runtime, #{kind => behaviour, behaviour => <<"actor">>, arg => fail})),
    ?assert(regrow_test:until(fun() -> {ok, #{processes := Left}} = regrow:stats(Runtime), Left =:= 2 end)).

%% As a gen_server does, with its traps and without.
parents_reasons(Runtime) ->
    regrow_test:plugin(counter),
    Counter = #{kind => behaviour, behaviour => <<"counter">>},
    [?assertEqual({Reason, Spec}, {ends_with(Runtime, Spec, fun(_) -> exit(Reason) end), Spec})
     || Reason <- [killed, boom, {shutdown, why}, shutdown],
        Spec <- [#{kind => registry}, #{kind => supervisor}, #{kind => dynamic_supervisor}, #{kind => task_supervisor},
                 #{kind => pubsub}, #{kind => agent}, Counter]],
    [?assertEqual({normal, Spec}, {ends_with(Runtime, Spec, fun(_) -> exit(normal) end), Spec})
     || Spec <- [#{kind => registry}, #{kind => supervisor}, #{kind => pubsub}]],
    ?assertEqual(killed, ends_with(Runtime, #{kind => registry}, fun(_) -> exit(self(), kill), receive after infinity -> ok end end)),
    Tell = fun(Child) -> process_flag(trap_exit, true), regrow:exit(Child, because), receive {'EXIT', Child, Why} -> Why end end,
    [?assertEqual({because, Spec}, {ends_with(Runtime, Spec, Tell), Spec})
     || Spec <- [#{kind => registry}, #{kind => supervisor}, Counter]],
    %% Nobody but the parent is obeyed.
    {ok, Registry} = regrow:start_link(Runtime, #{kind => registry}),
    Monitor = regrow:monitor(Registry),
    process_flag(trap_exit, true),
    spawn(fun() -> regrow:exit(Registry, because), regrow:exit(Registry, kill) end),
    ?assertEqual({'DOWN', Monitor, process, Registry, killed}, receive {'DOWN', _, _, _, _} = Down -> Down end),
    ?assertEqual({'EXIT', Registry, killed}, regrow_test:receive_one()),
    process_flag(trap_exit, false).

ends_with(Runtime, Spec, What) ->
    Test = self(),
    Parent = spawn(fun() ->
        {ok, Child} = regrow:start_link(Runtime, Spec),
        Test ! {started, Child},
        receive go -> What(Child) end
    end),
    {started, Child} = regrow_test:receive_one(),
    Monitor = regrow:monitor(Child),
    Parent ! go,
    receive {'DOWN', Monitor, process, Child, Reason} -> Reason end.

credit(Runtime) ->
    Count = 100000,
    [Flooding, Other] = [regrow_test:actor(Runtime, none) || _ <- [1, 2]],
    Test = self(),
    Slow = spawn_link(fun() ->
        receive look -> ok end,
        %% What it asks for itself is not held up by what it has to read.
        Monitor = regrow:monitor(Other),
        true = regrow:demonitor(Other, Monitor),
        Test ! {unread, process_info(self(), message_queue_len)},
        receive begin_reading -> ok end,
        Test ! {got, lists:foldl(fun(N, Last) -> receive N when N =:= Last + 1 -> N end end, 0, lists:seq(1, Count))}
    end),
    spawn_link(fun() -> Test ! {flooded, regrow:call(Flooding, {flood, Slow, Count}, infinity)} end),
    %% It may wait before the other has got much, while nobody hands that on.
    ?assert(regrow_test:until(fun() ->
        {ok, #{status := Status}} = regrow:info(Flooding),
        {message_queue_len, Got} = process_info(Slow, message_queue_len),
        Status =:= parked andalso Got >= 10000
    end)),
    Slow ! look,
    {unread, {message_queue_len, Unread}} = regrow_test:receive_one(),
    ?assert(Unread >= 10000 andalso Unread < 25000),
    %% Not a call either; and one who does not wait for ever hears so.
    ?assertEqual({ok, {error, 'REGROW_ERR_TIMEOUT', timeout}}, regrow:call(Other, {call, Slow, hello, 20})),
    Slow ! begin_reading,
    ?assertEqual([{flooded, {ok, {ok, []}}}, {got, Count}], lists:sort([regrow_test:receive_one() || _ <- [1, 2]])).

monitored(Runtime) ->
    {Pid, Alone} = spawn_monitor(fun() -> receive {exit, Reason} -> exit(Reason) end end),
    ok = regrow:register(Runtime, {any, term}, Pid),
    Ref = regrow:monitor(Runtime, {any, term}),
    Other = regrow:monitor(Runtime, {any, term}),
    Root = regrow:root(Runtime),
    ?assertEqual(true, regrow:demonitor(Root, Other, [info])),
    ?assertEqual(false, regrow:demonitor(Root, Other, [info])),
    ?assertEqual(true, regrow:demonitor(Root, Other, [flush])),
    Pid ! {exit, boom},
    %% By different senders.
    Downs = [receive {'DOWN', Each, _, _, _} = Down -> Down end || Each <- [Alone, Ref]],
    ?assertEqual([{'DOWN', Alone, process, Pid, boom}, {'DOWN', Ref, process, {any, term}, boom}], Downs),
    Nobody = regrow:monitor(Runtime, nobody),
    ?assertEqual({'DOWN', Nobody, process, nobody, noproc}, regrow_test:receive_one()),
    %% Its message is there already, and stays unless it is flushed.
    Actor = regrow_test:actor(Runtime, none),
    Ends = [regrow:monitor(Actor) || _ <- [1, 2]],
    true = regrow:exit(Actor, boom),
    {ok, _} = regrow:settle(Runtime),
    ?assertEqual([false, false],
                 [regrow:demonitor(Actor, End, [info | Flush]) || {End, Flush} <- lists:zip(Ends, [[], [flush]])]),
    {ok, _} = regrow:settle(Runtime),
    ?assertEqual({messages, [{'DOWN', hd(Ends), process, Actor, boom}]}, process_info(self(), messages)),
    regrow_test:flush(),
    ?assertEqual([true, false], [regrow:demonitor(Actor, make_ref(), Info) || Info <- [[], [info]]]),
    %% Of processes of the BEAM as erlang:demonitor/2.
    Stays = spawn_link(fun() -> receive stop -> ok end end),
    Local = regrow:monitor(Stays),
    ?assertEqual([true, false], [regrow:demonitor(Stays, Local, [info]) || _ <- [1, 2]]),
    Stays ! stop,
    [?assertError(badarg, regrow:demonitor(Actor, Wrong, Options))
     || {Wrong, Options} <- [{Local, [flash]}, {Local, flush}, {none, []}]],
    ?assertError(badarg, regrow:monitor(self(), name)).

exits(Runtime) ->
    Actor = regrow_test:actor(Runtime),
    {Pid, Monitor} = spawn_monitor(fun() -> receive after infinity -> ok end end),
    {ok, {ok, []}} = regrow:call(Actor, {exit, Pid, normal}),
    {ok, {ok, []}} = regrow:call(Actor, {exit, Pid, because}),
    ?assertEqual({'DOWN', Monitor, process, Pid, because}, regrow_test:receive_one()),
    {Trapping, Down} = spawn_monitor(fun() -> process_flag(trap_exit, true), receive Message -> exit({got, Message}) end end),
    ?assert(regrow_test:until(fun() -> process_info(Trapping, trap_exit) =:= {trap_exit, true} end)),
    {ok, {ok, []}} = regrow:call(Actor, {exit, Trapping, because}),
    ?assertEqual({'DOWN', Down, process, Trapping, {got, {'EXIT', Actor, because}}}, regrow_test:receive_one()),
    {Killed, Last} = spawn_monitor(fun() -> process_flag(trap_exit, true), receive after infinity -> ok end end),
    {ok, {ok, []}} = regrow:call(Actor, {exit, Killed, kill}),
    ?assertEqual({'DOWN', Last, process, Killed, killed}, regrow_test:receive_one()).

exits_name_their_sender(Runtime) ->
    Actor = regrow_test:actor(Runtime),
    {ok, {ok, []}} = regrow:call(Actor, {trap}),
    ?assertEqual(true, regrow:exit(Actor, because)),
    ?assertEqual({actor, {'EXIT', self(), because}}, regrow_test:receive_one()),
    ?assertEqual(true, regrow:exit(Actor, normal)),
    ?assertEqual({actor, {'EXIT', self(), normal}}, regrow_test:receive_one()),
    Monitor = regrow:monitor(Actor),
    ?assertEqual(true, regrow:exit(Actor, kill)),
    ?assertEqual({'DOWN', Monitor, process, Actor, killed}, regrow_test:receive_one()).

%% Whoever has seen the end of a process finds nothing of it.
no_stale_names(Runtime) ->
    {ok, Registry} = regrow_registry:start(Runtime, #{keys => unique}),
    {ok, Pubsub} = regrow_pubsub:start(Runtime, #{}),
    Stale = [found || N <- lists:seq(1, regrow_test:rounds(20000)), not gone(Runtime, Registry, Pubsub, N)],
    ?assertEqual([], Stale),
    ?assert(regrow_test:until(fun() -> {ok, #{processes := Left}} = regrow:stats(Runtime), Left =:= 3 end)).

gone(Runtime, Registry, Pubsub, N) ->
    {Pid, Monitor} = spawn_monitor(fun() -> receive stop -> ok end end),
    ok = regrow_registry:register(Registry, key, Pid, N),
    ok = regrow_pubsub:join(Pubsub, group, Pid),
    ok = regrow:register(Runtime, name, Pid),
    {ok, Pid} = regrow_registry:whereis(Registry, key),
    Pid ! stop,
    receive {'DOWN', Monitor, process, Pid, _} -> ok end,
    regrow_registry:whereis(Registry, key) =:= {error, not_found} andalso
        regrow_registry:lookup(Registry, key) =:= {ok, []} andalso
        regrow_registry:keys(Registry, Pid) =:= {ok, []} andalso
        regrow:whereis(Runtime, name) =:= {error, not_found} andalso
        regrow_pubsub:members(Pubsub, group) =:= {ok, []}.

names_are_free(Runtime) ->
    {ok, Registry} = regrow_registry:start(Runtime, #{keys => unique}),
    [begin
         {Pid, Monitor} = spawn_monitor(fun() -> ok = regrow_registry:register(Registry, key, []), exit(N) end),
         receive {'DOWN', Monitor, process, Pid, N} -> ok end,
         ok = regrow_registry:register(Registry, key, N),
         ?assertEqual({error, {already_registered, self()}}, regrow_registry:register(Registry, key, N)),
         ok = regrow_registry:unregister(Registry, key)
     end || N <- lists:seq(1, regrow_test:rounds(2000))].

calls_are_busy(Runtime) ->
    Actor = regrow_test:actor(Runtime),
    Server = server(),
    Test = self(),
    spawn_link(fun() -> Test ! {answered, regrow:call(Actor, {call, Server, late, 60000}, infinity)} end),
    ?assert(regrow_test:until(fun() -> gen_server:call(Server, state) =/= [] end)),
    ?assertEqual({error, timeout}, regrow:settle(Runtime, 50)),
    [From] = gen_server:call(Server, state),
    gen_server:reply(From, now),
    ?assertEqual({answered, {ok, {ok, now}}}, regrow_test:receive_one()),
    ?assertEqual({ok, quiet}, regrow:settle(Runtime)).

bad_arguments(Runtime) ->
    {ok, Registry} = regrow_registry:start(Runtime, #{}),
    [?assertError(badarg, Call())
     || Call <- [fun() -> regrow:init([]) end, fun() -> regrow:init(#{workers => -1}) end,
                 fun() -> regrow:init(#{clock => sundial}) end, fun() -> regrow:init(#{unknown => 1}) end,
                 fun() -> regrow:init(#{owner => me}) end, fun() -> regrow:call(not_a_pid, x) end,
                 fun() -> regrow:call(Registry, x, -1) end, fun() -> regrow:call(Registry, x, soon) end,
                 fun() -> regrow:call(make_ref(), x) end, fun() -> regrow:shutdown(self()) end,
                 fun() -> regrow:start(Runtime, []) end, fun() -> regrow:start(Runtime, #{}) end,
                 fun() -> regrow:start(Runtime, #{kind => nothing}) end, fun() -> regrow:start(self(), #{kind => pubsub}) end,
                 fun() -> regrow:start(Runtime, #{kind => registry, keys => some}) end,
                 fun() -> regrow:start(Runtime, #{kind => registry, key => unique}) end,
                 fun() -> regrow:start(Runtime, #{kind => registry, listeners => [<<"a">> | b]}) end,
                 fun() -> regrow:start(Runtime, #{kind => registry, via => Registry}) end,
                 fun() -> regrow:start(Runtime, #{kind => behaviour}) end,
                 fun() -> regrow:start(Runtime, #{kind => supervisor, children => [x]}) end,
                 fun() -> regrow:start(Runtime, #{kind => supervisor, children => [#{kind => pubsub}]}) end,
                 fun() -> regrow:start(Runtime, deep(100)) end,
                 fun() -> regrow_registry:register(Registry, key, no_pid, v) end,
                 fun() -> regrow_registry:lookup(no_registry, key) end,
                 fun() -> regrow_registry:select(Registry, [nonsense]) end,
                 fun() -> regrow_nif:now(no_such_operation, Registry, {}) end,
                 fun() -> regrow_nif:now(registry_meta, Registry, {}) end,
                 fun() -> regrow_registry:lookup(regrow_nif:number(Registry), key) end,
                 fun() -> regrow_registry:whereis(regrow_nif:number(Registry), key) end,
                 fun() -> regrow_nif:number(key) end,
                 fun() -> regrow_nif:later(process_exit, Registry, not_a_tuple, x) end,
                 fun() -> regrow:load_plugin(17) end]],
    ?assertEqual({error, not_found}, regrow:start(Runtime, #{kind => behaviour, behaviour => <<"unknown">>})),
    ?assertMatch({error, {load_failed, _}}, regrow:load_plugin("/nowhere.so")),
    ?assertMatch({error, {load_failed, _}}, regrow:load_plugin("libm.so.6")),
    ?assertEqual({error, failed}, regrow:start(Runtime, #{kind => behaviour, behaviour => <<"actor">>, arg => fail})),
    ?assertEqual({error, ignore}, regrow:start(Runtime, #{kind => behaviour, behaviour => <<"actor">>, arg => ignore})),
    ?assertEqual({error, wrong_kind}, regrow_registry:lookup(regrow:root(Runtime), key)).

deep(0) -> #{kind => pubsub, id => x};
deep(Depth) -> #{kind => supervisor, id => x, children => [deep(Depth - 1)]}.

dead_handles(Runtime) ->
    Other = regrow_test:runtime(),
    {ok, Registry} = regrow_registry:start(Other, #{}),
    {ok, There} = regrow_registry:start(Runtime, #{}),
    ok = regrow:stop(There),
    ok = regrow:shutdown(Other),
    ?assertEqual({error, not_alive}, regrow:shutdown(Other)),
    [?assertMatch({error, _}, Call())
     || Dead <- [Registry, There],
        Call <- [fun() -> regrow_registry:register(Dead, k, v) end, fun() -> regrow_registry:lookup(Dead, k) end,
                 fun() -> regrow_registry:whereis(Dead, k) end, fun() -> regrow:stop(Dead) end,
                 fun() -> regrow:call(Dead, x) end, fun() -> regrow:start(Dead, #{kind => pubsub}) end,
                 fun() -> regrow:info(Dead) end, fun() -> regrow:link(Dead) end, fun() -> regrow:get_state(Dead) end]],
    ?assertNot(regrow:is_alive(Registry)),
    ?assertEqual(true, regrow:exit(Registry, kill)).
