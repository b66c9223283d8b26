%% What regrow/timer asks of regrow. A timer is {timer, Runtime, Ref}.
-module(regrow_gleam_timer).

-export([send_after/4, cancel/1, left/1]).

send_after(Runtime, {_, Pid, Tag}, Milliseconds, Message) ->
    try regrow:send_after(Runtime, regrow_gleam_process:timeout(Milliseconds), Pid, {Tag, Message}) of
        {ok, Ref} -> {ok, {timer, Runtime, Ref}};
        {error, Dead} when Dead =:= noproc; Dead =:= not_alive -> {error, nobody_there};
        {error, Reason} -> {error, {failed, Reason}}
    catch
        error:badarg -> {error, {failed, badarg}}
    end.

cancel({timer, Runtime, Ref}) -> known(regrow:cancel_timer(Runtime, Ref)).

left({timer, Runtime, Ref}) -> known(regrow:read_timer(Runtime, Ref)).

known({ok, Left}) -> {ok, Left};
known({error, _}) -> {error, nil}.
