%% Tasks: functions in processes of the BEAM of their own, whose values are waited for, as Elixir's Task.
%%
%% A task is linked with its owner, the process that began it, and ends with it; only the owner can wait for it.
-module(regrow_task).

-export([async/1, async/3, await/1, await/2, await_many/1, await_many/2, yield/1, yield/2, shutdown/1, shutdown/2,
         ignore/1]).
%% For regrow_task_supervisor.
-export([start_link/1, start_owned/2, adopt/2, reference/1]).
-export([run/3]).
-export_type([task/0]).

-opaque task() :: {?MODULE, pid(), reference(), Owner :: pid()}.

-spec async(fun(() -> term())) -> task().
async(Function) when is_function(Function, 0) -> async(erlang, apply, [Function, []]);
async(_) -> erlang:error(badarg).

-spec async(module(), atom(), [term()]) -> task().
async(Module, Function, Arguments) when is_atom(Module), is_atom(Function), is_list(Arguments) ->
    %% The monitor is an alias, so that a value which comes too late is dropped, and the task has it before it begins.
    {ok, Pid} = start_owned(self(), {Module, Function, Arguments}),
    adopt(Pid, nolink);
async(_, _, _) ->
    erlang:error(badarg).

%% One that nobody waits for.
start_link({Module, Function, Arguments}) ->
    {ok, proc_lib:spawn_link(Module, Function, Arguments)}.

%% One that begins when its owner adopts it, and ends if that ends before.
start_owned(Owner, Call) ->
    {ok, proc_lib:spawn_link(?MODULE, run, [Owner, Call, ?MODULE])}.

adopt(Pid, How) ->
    How =:= nolink orelse link(Pid),
    Ref = erlang:monitor(process, Pid, [{alias, demonitor}]),
    Pid ! {?MODULE, Ref},
    {?MODULE, Pid, Ref, self()}.

reference({?MODULE, _, Ref, _}) -> Ref.

%% The task's own process.
run(Owner, {Module, Function, Arguments}, Tag) ->
    Monitor = erlang:monitor(process, Owner),
    receive
        {Tag, Ref} ->
            erlang:demonitor(Monitor, [flush]),
            Ref ! {Ref, apply(Module, Function, Arguments)};
        {'DOWN', Monitor, process, Owner, Reason} ->
            exit(Reason)
    end.

await(Task) -> await(Task, 5000).

%% The value. Exits with {Reason, {regrow_task, await, [Task, Timeout]}} when it ended without one, and with timeout.
-spec await(task(), timeout()) -> term().
await({?MODULE, _, _, Owner} = Task, Timeout) ->
    Owner =:= self() orelse erlang:error(not_owner),
    case taken(Task, Timeout) of
        {ok, Value} ->
            Value;
        {exit, Reason} ->
            exit({Reason, {?MODULE, await, [Task, Timeout]}});
        undefined ->
            give_up(Task),
            exit({timeout, {?MODULE, await, [Task, Timeout]}})
    end;
await(_, _) ->
    erlang:error(badarg).

await_many(Tasks) -> await_many(Tasks, 5000).

%% The values of all, in their order, within one time.
-spec await_many([task()], timeout()) -> [term()].
await_many(Tasks, Timeout) when is_list(Tasks) ->
    End = deadline(Timeout),
    [await(Task, left(End)) || Task <- Tasks];
await_many(_, _) ->
    erlang:error(badarg).

yield(Task) -> yield(Task, 5000).

%% {ok, Value}, {exit, Reason}, or undefined: it runs, and can be waited for again.
-spec yield(task(), timeout()) -> {ok, term()} | {exit, term()} | undefined.
yield({?MODULE, _, _, Owner} = Task, Timeout) ->
    Owner =:= self() orelse erlang:error(not_owner),
    taken(Task, Timeout);
yield(_, _) ->
    erlang:error(badarg).

shutdown(Task) -> shutdown(Task, 5000).

%% Ends a task, and waits until it has ended: {ok, Value} when it had one before, undefined when it ended as it was
%% told, {exit, Reason} when it ended in another way.
-spec shutdown(task(), timeout() | brutal_kill) -> {ok, term()} | {exit, term()} | undefined.
shutdown({?MODULE, Pid, Ref, Owner}, How) ->
    Owner =:= self() orelse erlang:error(not_owner),
    unlink(Pid),
    exit(Pid, case How of brutal_kill -> kill; _ -> shutdown end),
    Timeout = case How of brutal_kill -> infinity; _ -> How end,
    receive
        {Ref, Value} -> erlang:demonitor(Ref, [flush]), {ok, Value};
        {'DOWN', Ref, process, Pid, Reason} -> ended(Reason, How)
    after Timeout ->
        exit(Pid, kill),
        receive
            {Ref, Value} -> erlang:demonitor(Ref, [flush]), {ok, Value};
            {'DOWN', Ref, process, Pid, Reason} -> {exit, Reason}
        end
    end;
shutdown(_, _) ->
    erlang:error(badarg).

%% Lets a task go: it runs on, unlinked, and nothing of it comes any more.
-spec ignore(task()) -> {ok, term()} | {exit, term()} | undefined.
ignore({?MODULE, Pid, _, Owner} = Task) ->
    Owner =:= self() orelse erlang:error(not_owner),
    case taken(Task, 0) of
        undefined -> unlink(Pid), give_up(Task), undefined;
        Outcome -> Outcome
    end;
ignore(_) ->
    erlang:error(badarg).

taken({?MODULE, Pid, Ref, _}, Timeout) ->
    receive
        {Ref, Value} -> erlang:demonitor(Ref, [flush]), {ok, Value};
        {'DOWN', Ref, process, Pid, Reason} -> {exit, Reason}
    after Timeout -> undefined
    end.

give_up({?MODULE, _, Ref, _}) ->
    erlang:demonitor(Ref, [flush]),
    receive
        {Ref, _} -> ok
    after 0 -> ok
    end.

%% As it was told.
ended(killed, brutal_kill) -> undefined;
ended(shutdown, How) when How =/= brutal_kill -> undefined;
ended(Reason, _) -> {exit, Reason}.

deadline(infinity) -> infinity;
deadline(Timeout) -> erlang:monotonic_time(millisecond) + Timeout.

left(infinity) -> infinity;
left(End) -> max(0, End - erlang:monotonic_time(millisecond)).
