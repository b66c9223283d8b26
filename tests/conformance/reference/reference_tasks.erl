%% Operations on Elixir's tasks, each started by the process that carries out the operation.
-module(reference_tasks).
-export([perform/3, stop_supervisor/0]).
-export([supervisor/1, run/2, wait_for/1, patience_ms/1, result/1]). % for systems whose tasks are others

-define(TASK, (reference_system:api(task))).
-define(SUPERVISOR, (reference_system:api(task_supervisor))).
-define(LONG_MS, 1000).
-define(SHORT_MS, 20).

perform("task_await", [Id, Body], _) ->
    try ["ok ", reference_words:text(?TASK:await(start(Id, Body), patience_ms(Body)))]
    catch exit:{Reason, {_, _, _}} -> ["exit ", reference_words:reason_text(Reason)]
    end;
perform("task_yield", [Id, Body], _) ->
    result(?TASK:yield(start(Id, Body), patience_ms(Body)));
perform("task_shutdown", [Id, Body], _) ->
    result(?TASK:shutdown(started_fully(Id, Body), patience_ms(Body)));
perform("task_kill", [Id, Body], _) ->
    result(?TASK:shutdown(started_fully(Id, Body), brutal_kill));
perform("task_nolink", [Id, Body], _) ->
    Task = ?SUPERVISOR:async_nolink(supervisor(fun() -> ?SUPERVISOR:start_link() end), fun() -> run(Id, Body) end),
    result(?TASK:yield(Task, patience_ms(Body))).

result(nil) -> "nil";
result({ok, Value}) -> ["ok ", reference_words:text(Value)];
result({exit, Reason}) -> ["exit ", reference_words:reason_text(Reason)].

patience_ms(Body) when Body =:= "hang"; Body =:= "traphang" -> ?SHORT_MS;
patience_ms(_) -> ?LONG_MS.

%% ---- the task ----

start(Id, Body) ->
    ?TASK:async(fun() -> run(Id, Body) end).

run(Id, Body) ->
    reference_recorder:begins(Id, task, none, ["ok"]),
    reference_recorder:came_up(),
    case Body of
        "ret:" ++ Word -> reference_words:term(Word);
        "exit:" ++ Reason -> exit(reference_words:reason(Reason));
        "hang" -> hang();
        "traphang" -> process_flag(trap_exit, true), hang()
    end.

hang() ->
    reference_memory:put(hanging, self(), true),
    receive after infinity -> ok end.

%% Started, and either hanging or ended, with all that follows its end.
started_fully(Id, Body) ->
    #{pid := Pid} = Task = start(Id, Body),
    wait_for(Pid),
    Task.

wait_for(Pid) ->
    HasEnded = not is_process_alive(Pid) andalso reference_quiet:nothing_runs(),
    case HasEnded orelse reference_memory:get(hanging, Pid) =/= none of
        true -> ok;
        false -> erlang:yield(), wait_for(Pid)
    end.

%% ---- the supervisor of unlinked tasks ----

%% Linked to nobody who lives: the process that needs it must outlive it.
supervisor(StartLink) ->
    Self = self(),
    Tag = make_ref(),
    spawn(fun() ->
        {ok, Pid} = StartLink(),
        unlink(Pid),
        Self ! {Tag, Pid}
    end),
    receive
        {Tag, Pid} ->
            reference_memory:put(nolink, supervisor, Pid),
            Pid
    end.

%% To be called by main at the end of each step. True when there was one.
stop_supervisor() ->
    case reference_memory:get(nolink, supervisor) of
        none -> false;
        Pid -> exit(Pid, kill), reference_memory:forget(nolink, supervisor)
    end.
