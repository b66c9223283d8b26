%% Timers by a runtime's clock, so that a manual one moves them; erlang's go by the BEAM's. For processes of both kinds; a
%% timer ends with the process that it is for.
-module(regrow_timer).

-export([send_after/4, cancel/2, read/2]).

-define(NONE, 16#FFFFFFFE).

%% Sends a message after so many milliseconds; never early.
-spec send_after(regrow:runtime(), non_neg_integer(), pid(), term()) -> {ok, reference()} | {error, noproc | term()}.
send_after(Runtime, Ms, Pid, Message) when is_integer(Ms), Ms >= 0, Ms < ?NONE, is_pid(Pid) ->
    regrow_nif:now(timer_send_after, Runtime, {Pid, Ms, Message});
send_after(_, _, _, _) ->
    erlang:error(badarg).

%% {ok, Left}: so many milliseconds were left. {error, not_found}: it has fired, or was cancelled, or is none.
-spec cancel(regrow:runtime(), reference()) -> {ok, non_neg_integer()} | {error, not_found | term()}.
cancel(Runtime, Timer) when is_reference(Timer) -> regrow_nif:now(timer_cancel, Runtime, {Timer});
cancel(_, _) -> erlang:error(badarg).

-spec read(regrow:runtime(), reference()) -> {ok, non_neg_integer()} | {error, not_found | term()}.
read(Runtime, Timer) when is_reference(Timer) -> regrow_nif:now(timer_read, Runtime, {Timer});
read(_, _) -> erlang:error(badarg).
