%% What the examples share on the BEAM, in Erlang, Elixir and Gleam: a clock that stands still until it is moved on, and
%% waiting until nothing runs any more. So what takes seconds in an exercise takes none here, and each run prints the
%% same.
%%
%% The time is that of a runtime with a manual clock, by which its supervisors count restarts; sleep/1 and send_after/3
%% are for processes of the BEAM. There is one such clock in a program.
-module(drill).
-behaviour(gen_server).

-export([start_link/1, sleep/1, send_after/3, run_after/2, advance/1, now/0, settle/0, end_by/2, kill/1]).
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
    {Runtime, Next} = gen_server:call(?MODULE, {next, End}),
    ok = regrow:advance(Runtime, Next - drill:now()),
    ok = gen_server:call(?MODULE, {wake, Next}),
    settle(),
    case Next of
        End -> ok;
        _ -> advance_to(End)
    end.

-spec now() -> non_neg_integer().
now() ->
    {ok, Ms} = regrow:now(gen_server:call(?MODULE, runtime)),
    Ms.

%% The state is the runtime, and the deadlines in their order: {{Time, Number}, WhatToDoThen}.
init(Runtime) ->
    {ok, {Runtime, []}}.

handle_call({sleep, Ms}, From, State) ->
    {noreply, wait(Ms, fun() -> gen_server:reply(From, ok) end, State)};
handle_call({run_after, Run, Ms}, _, State) ->
    {reply, ok, wait(Ms, Run, State)};
handle_call({next, End}, _, {Runtime, Waiting} = State) ->
    {reply, {Runtime, lists:min([End | [At || {{At, _}, _} <- Waiting]])}, State};
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

%% Until nothing runs any more, neither natively nor on the BEAM: what follows from what was done has happened. On the
%% BEAM that is so when every process waits, and none has done anything since it was looked at before.
-spec settle() -> ok.
settle() ->
    settle(gen_server:call(?MODULE, runtime), []).

settle(Runtime, Before) ->
    {ok, _} = regrow:settle(Runtime, infinity),
    Now = [{Pid, process_info(Pid, [status, reductions])} || Pid <- processes(), Pid =/= self()],
    case Now =:= Before andalso lists:all(fun is_waiting/1, Now) of
        true -> ok;
        false -> settle(Runtime, Now)
    end.

is_waiting({_, [{status, Status} | _]}) -> Status =:= waiting;
is_waiting({_, undefined}) -> true.

%% ---- ends ----

%% Sends a process what ends it, and returns when it is dead, and not yet when what follows from that has happened.
-spec end_by(fun((pid()) -> term()), pid()) -> ok.
end_by(Tell, Pid) ->
    Monitor = erlang:monitor(process, Pid),
    Tell(Pid),
    receive
        {'DOWN', Monitor, process, Pid, _} -> ok
    end.

-spec kill(pid()) -> ok.
kill(Pid) ->
    end_by(fun(Victim) -> exit(Victim, kill) end, Pid).
