%% What the examples share on the BEAM, in Erlang, Elixir and Gleam: a clock that stands still until it is moved on, and
%% waiting until nothing runs any more. So what takes seconds in an exercise takes none here, and each run prints the
%% same.
%%
%% The time is that of a runtime with a manual clock, by which its supervisors count restarts; sleep/1 and send_after/3
%% are for processes of the BEAM. There is one such clock in a program.
-module(drill).
-behaviour(gen_server).

-export([start_link/1, sleep/1, send_after/3, run_after/2, advance/1, now/0, settle/0, end_by/2, kill/1]).
%% What the programs in Erlang share beside that.
-export([start/0, runtime/0, via/1, whereis/1, ask/2, begin_with/1, code/1, yes_or_no/1]).
-export([init/1, handle_call/3, handle_cast/2]).

-spec start_link(regrow:runtime()) -> {ok, pid()}.
start_link(Runtime) ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, Runtime, []).

%% ---- the clock ----

%% Returns when so much time has passed.
-spec sleep(non_neg_integer()) -> ok.
sleep(Ms) ->
    gen_server:call(?MODULE, {sleep, Ms}, infinity).

%% Sends a process a message when so much time has passed.
-spec send_after(pid(), term(), non_neg_integer()) -> ok.
send_after(Pid, Message, Ms) ->
    run_after(fun() -> Pid ! Message end, Ms).

%% Calls a function, which must not wait, when so much time has passed.
-spec run_after(fun(() -> term()), non_neg_integer()) -> ok.
run_after(Run, Ms) ->
    gen_server:call(?MODULE, {run_after, Run, Ms}).

%% Moves the clock on, from deadline to deadline: whoever waits for one has done what follows before the next.
-spec advance(non_neg_integer()) -> ok.
advance(Ms) ->
    settle(),
    advance_to(drill:now() + Ms).

advance_to(End) ->
    Next = gen_server:call(?MODULE, {next, End}),
    ok = regrow:advance(runtime(), Next - drill:now()),
    ok = gen_server:call(?MODULE, {wake, Next}),
    settle(),
    case Next of
        End -> ok;
        _ -> advance_to(End)
    end.

-spec now() -> non_neg_integer().
now() ->
    {ok, Ms} = regrow:now(runtime()),
    Ms.

%% The state is the runtime, and the deadlines in their order: {{Time, Number}, WhatToDoThen}.
init(Runtime) ->
    {ok, {Runtime, []}}.

handle_call({sleep, Ms}, From, State) ->
    {noreply, wait(Ms, fun() -> gen_server:reply(From, ok) end, State)};
handle_call({run_after, Run, Ms}, _, State) ->
    {reply, ok, wait(Ms, Run, State)};
handle_call({next, End}, _, {_, Waiting} = State) ->
    {reply, lists:min([End | [At || {{At, _}, _} <- Waiting]]), State};
handle_call({wake, Now}, _, {Runtime, Waiting}) ->
    {Due, Later} = lists:splitwith(fun({{At, _}, _}) -> At =< Now end, Waiting),
    [Wake() || {_, Wake} <- Due],
    {reply, ok, {Runtime, Later}};
handle_call(runtime, _, {Runtime, _} = State) ->
    {reply, Runtime, State}.

handle_cast(_, State) ->
    {noreply, State}.

wait(0, Wake, State) ->
    Wake(),
    State;
wait(Ms, Wake, {Runtime, Waiting}) ->
    {ok, Now} = regrow:now(Runtime),
    {Runtime, lists:keysort(1, [{{Now + Ms, erlang:unique_integer([monotonic])}, Wake} | Waiting])}.

%% ---- quiet ----

%% Until nothing runs any more, neither natively nor on the BEAM: what follows from what was done has happened.
%% regrow:settle/2 waits for native processes, and for what they have sent to the BEAM; here it is all processes of the
%% BEAM. They are quiet when each of them waits, and none has done anything since it was looked at before. Nor may
%% anything else be at work there: a process that ends is not among the others any more while it still tells them.
%%
%% But two work for regrow:settle/2 itself: a steward, of which it is asked that nothing is left for it to do, and a
%% regrow_attention, which does nothing but look at others.
-spec settle() -> ok.
settle() ->
    settle(runtime(), running(regrow_steward), [self() | running(regrow_attention)], []).

running(Module) ->
    [Pid || Pid <- processes(), proc_lib:translate_initial_call(Pid) =:= {Module, init, 1}].

settle(Runtime, Stewards, Aside, Before) ->
    {ok, _} = regrow:settle(Runtime, infinity),
    Tasks = erlang:statistics(total_active_tasks),
    Now = [{at_work, Tasks} | [{Pid, seen(Pid, Stewards)} || Pid <- processes() -- Aside]],
    case Now =:= Before andalso lists:all(fun is_waiting/1, Now) of
        true -> ok;
        false -> settle(Runtime, Stewards, Aside, Now)
    end.

seen(Pid, Stewards) ->
    case lists:member(Pid, Stewards) of
        true -> process_info(Pid, [status, message_queue_len]);
        false -> process_info(Pid, [status, reductions])
    end.

%% This process is at work itself.
is_waiting({at_work, Count}) -> Count =:= 1;
is_waiting({_, [{status, waiting}, {message_queue_len, Count}]}) -> Count =:= 0;
is_waiting({_, [{status, Status} | _]}) -> Status =:= waiting;
is_waiting({_, undefined}) -> true.

%% ---- ends ----

%% Sends a process, of the BEAM or native, what ends it, and returns when it is dead, and not yet when what follows from
%% that has happened.
-spec end_by(fun((pid()) -> term()), pid()) -> ok.
end_by(Tell, Pid) ->
    Monitor = regrow:monitor(Pid),
    Tell(Pid),
    receive
        {'DOWN', Monitor, process, Pid, _} -> ok
    end.

-spec kill(pid()) -> ok.
kill(Pid) ->
    end_by(fun(Victim) -> regrow:exit(Victim, kill) end, Pid).

%% ---- for the programs in Erlang ----

%% Crashes are what these programs are about, so there are no reports of them.
-spec start() -> regrow:runtime().
start() ->
    ok = logger:set_primary_config(level, none),
    {ok, Runtime} = regrow:init(#{clock => manual, log_level => silent}),
    {ok, _} = start_link(Runtime),
    {ok, _} = regrow_table:new(Runtime, [public, {name, <<"begun">>}]),
    Runtime.

-spec runtime() -> regrow:runtime().
runtime() ->
    gen_server:call(?MODULE, runtime).

%% The name of whoever has a key in the registry "Registry".
via(Key) ->
    {ok, Registry} = regrow:whereis(runtime(), <<"Registry">>),
    {via, regrow_registry, {Registry, Key}}.

%% Who has a key there, or the name; undefined: nobody.
whereis({via, regrow_registry, Name}) -> regrow_registry:whereis_name(Name);
whereis(Name) -> erlang:whereis(Name).

%% Asks whoever has a key there, waiting while that is nobody; {error, Reason}: it ended over the request.
%%
%% The exit of a call does not say whether the server had begun with it, or whether it still lay in the mailbox. So
%% these servers say what they begin with, and what nobody has begun with goes to the next who has the key. Native calls
%% by key do that of themselves.
ask(Key, Request) ->
    Id = make_ref(),
    Name = {via, _, Where} = via(Key),
    case regrow_registry:whereis_name(Where) of
        undefined ->
            %% Without a sleep: whoever sleeps on the BEAM's time is quiet to settle/0.
            erlang:yield(),
            ask(Key, Request);
        _ ->
            try
                {ok, gen_server:call(Name, {Id, Request}, infinity)}
            catch
                exit:{Reason, {gen_server, call, _}} ->
                    case regrow_table:member(begun(), Id) of
                        {ok, true} -> {error, Reason};
                        {ok, false} -> ask(Key, Request)
                    end
            end
    end.

%% Called by a server when it begins with a request of ask/2.
begin_with(Id) ->
    ok = regrow_table:insert(begun(), {Id}).

begun() ->
    {ok, Begun} = regrow_table:whereis(runtime(), <<"begun">>),
    Begun.

%% What regrow.h calls the errors that these programs meet; Erlang has reasons, and no codes.
code({error, {Already, Pid}}) when is_pid(Pid), Already =:= already_registered orelse Already =:= already_started ->
    "REGROW_ERR_EXISTS";
code({error, {Reason, _}}) when Reason =:= shutdown; Reason =:= start_spec -> "REGROW_ERR_START";
code({error, not_found}) -> "REGROW_ERR_NOT_FOUND";
code({error, access}) -> "REGROW_ERR_ACCESS";
code({'EXIT', _}) -> "REGROW_ERR_EXITED".

yes_or_no(true) -> "yes";
yes_or_no(false) -> "no".
