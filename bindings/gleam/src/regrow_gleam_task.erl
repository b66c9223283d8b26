%% What regrow/task asks of regrow_task. A function that panics is a value here, so that it does not end the owner by
%% their link; what ends the task from outside does, as in OTP, unless the owner traps exits.
-module(regrow_gleam_task).

-export([async/1, await/2, await_all/2, shutdown/2, kill/1, pid/1]).
-export([run/1, outcome/1]).

async(Function) -> regrow_task:async(?MODULE, run, [Function]).

run(Function) ->
    try
        {value, Function()}
    catch
        error:Reason:Stack -> {crashed, {Reason, Stack}};
        throw:Value -> {crashed, {nocatch, Value}}
    end.

await(Task, Timeout) -> asked(fun() -> regrow_task:yield(Task, regrow_gleam_process:timeout(Timeout)) end).

await_all(Tasks, Timeout) ->
    End = erlang:monotonic_time(millisecond) + regrow_gleam_process:timeout(Timeout),
    [await(Task, End - erlang:monotonic_time(millisecond)) || Task <- Tasks].

shutdown(Task, Timeout) ->
    case asked(fun() -> regrow_task:shutdown(Task, regrow_gleam_process:timeout(Timeout)) end) of
        %% It ended as it was told.
        {error, timeout} -> {error, {exited, shutdown}};
        Outcome -> Outcome
    end.

kill(Task) ->
    case asked(fun() -> regrow_task:shutdown(Task, brutal_kill) end) of
        {error, timeout} -> {error, {exited, killed}};
        Outcome -> Outcome
    end.

asked(Ask) ->
    try Ask() of
        undefined -> {error, timeout};
        Outcome -> outcome(Outcome)
    catch
        error:not_owner -> {error, not_the_owner}
    end.

%% What became of a task whose function run/1 called.
outcome({ok, {value, Value}}) -> {ok, Value};
outcome({ok, {crashed, With}}) -> {error, {crashed, With}};
outcome({exit, Reason}) -> {error, {exited, regrow_gleam_process:reason(Reason)}}.

pid({regrow_task, Pid, _, _}) -> Pid.
