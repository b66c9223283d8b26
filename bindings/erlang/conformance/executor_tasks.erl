%% Operations on tasks, through regrow_task and regrow_task_supervisor; each is started by the process that carries out
%% the operation.
-module(executor_tasks).
-export([perform/3]).

-define(LONG_MS, 20000).

perform("task_await", [Id, Body], _) ->
    try ["ok ", reference_words:text(regrow_task:await(start(Id, Body), patience_ms(Body)))]
    catch exit:{Reason, {_, _, _}} -> ["exit ", reference_words:reason_text(Reason)]
    end;
perform("task_yield", [Id, Body], _) ->
    result(regrow_task:yield(start(Id, Body), patience_ms(Body)));
perform("task_shutdown", [Id, Body], _) ->
    result(regrow_task:shutdown(started_fully(Id, Body), ending_ms(Body)));
perform("task_kill", [Id, Body], _) ->
    result(regrow_task:shutdown(started_fully(Id, Body), brutal_kill));
perform("task_nolink", [Id, Body], _) ->
    Supervisor = reference_tasks:supervisor(fun() -> regrow_task_supervisor:start_link(executor_runtime:get()) end),
    Task = regrow_task_supervisor:async_nolink(Supervisor, fun() -> reference_tasks:run(Id, Body) end),
    result(regrow_task:yield(Task, patience_ms(Body))).

%% Who does not hang has all the time that it needs, on a busy machine too; and so has, to end in, who ends when told.
patience_ms(Body) when Body =:= "hang"; Body =:= "traphang" -> reference_tasks:patience_ms(Body);
patience_ms(_) -> ?LONG_MS.

ending_ms("traphang" = Body) -> reference_tasks:patience_ms(Body);
ending_ms(_) -> ?LONG_MS.

start(Id, Body) ->
    regrow_task:async(fun() -> reference_tasks:run(Id, Body) end).

%% A task does not show its pid, so it is known by its label.
started_fully(Id, Body) ->
    Before = reference_recorder:newest(Id),
    Task = start(Id, Body),
    reference_tasks:wait_for(begun(Id, Before)),
    Task.

begun(Id, Before) ->
    case reference_recorder:newest(Id) of
        Before -> erlang:yield(), begun(Id, Before);
        Pid -> Pid
    end.

result(undefined) -> "nil";
result(Outcome) -> reference_tasks:result(Outcome).
