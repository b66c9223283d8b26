%% What regrow/clock asks of regrow and regrow_timer. A timer is {timer, Runtime, Ref, Courier}.
-module(regrow_gleam_clock).

-export([now/1, settle/2, send_after/4, cancel/1, time_left/1]).

now(Runtime) ->
    case regrow:now(Runtime) of
        {ok, Milliseconds} -> {ok, Milliseconds};
        {error, _} -> {error, already_over}
    end.

settle(Runtime, Timeout) ->
    case regrow:settle(Runtime, regrow_gleam_process:timeout(Timeout)) of
        {ok, quiet} -> {ok, quiet};
        {ok, {waiting, Deadline, Whose}} -> {ok, {waits, Deadline, whose(Whose)}};
        {error, timeout} -> {error, timeout};
        {error, _} -> {error, already_over}
    end.

whose(user) -> timers;
whose(Other) -> Other.

send_after(Runtime, Subject, Milliseconds, Message) ->
    {Pid, Addressed, Courier} = regrow_gleam_process:addressed(Subject, Message),
    try regrow_timer:send_after(Runtime, regrow_gleam_process:timeout(Milliseconds), Pid, Addressed) of
        {ok, Ref} ->
            {ok, {timer, Runtime, Ref, Courier}};
        {error, _} ->
            dismiss(Courier),
            {error, missing(Runtime)}
    catch
        error:badarg ->
            dismiss(Courier),
            {error, {failed, badarg}}
    end.

missing(Runtime) ->
    case now(Runtime) of
        {ok, _} -> dead_process;
        {error, already_over} -> runtime_is_over
    end.

cancel({timer, Runtime, Ref, Courier}) ->
    Left = left(regrow_timer:cancel(Runtime, Ref)),
    [dismiss(Courier) || {ok, _} <- [Left]],
    Left.

dismiss(none) -> ok;
dismiss(Courier) -> exit(Courier, kill).

time_left({timer, Runtime, Ref, _}) -> left(regrow_timer:read(Runtime, Ref)).

left({ok, Milliseconds}) -> {ok, Milliseconds};
left({error, not_found}) -> {error, no_timer};
left({error, _}) -> {error, runtime_is_over}.
