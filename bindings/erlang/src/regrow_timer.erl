%% Timers by a runtime's clock, so that a manual one moves them; erlang's go by the BEAM's. For processes of both kinds; a
%% timer ends with the process that it is for.
-module(regrow_timer).

-export([send_after/4, start/4, send_interval/4, cancel/2, read/2]).

%% Sends a message after so many milliseconds; never early.
-spec send_after(regrow:runtime(), non_neg_integer(), pid(), term()) -> {ok, reference()} | {error, term()}.
send_after(Runtime, Ms, Pid, Message) -> begin_timer(timer_send_after, Runtime, Ms, Pid, Message).

%% The same; the message comes as {timeout, Timer, Message}.
-spec start(regrow:runtime(), non_neg_integer(), pid(), term()) -> {ok, reference()} | {error, term()}.
start(Runtime, Ms, Pid, Message) -> begin_timer(timer_start, Runtime, Ms, Pid, Message).

%% Sends a message every so many milliseconds, at least 1, without drift.
-spec send_interval(regrow:runtime(), pos_integer(), pid(), term()) -> {ok, reference()} | {error, term()}.
send_interval(Runtime, Ms, Pid, Message) -> begin_timer(timer_send_interval, Runtime, Ms, Pid, Message).

%% {ok, Left}: so many milliseconds were left. {error, not_found}: it has fired, or was cancelled.
-spec cancel(regrow:runtime(), reference()) -> {ok, non_neg_integer()} | {error, not_found | term()}.
cancel(Runtime, Timer) when is_reference(Timer) -> regrow_nif:now(timer_cancel, Runtime, {Timer});
cancel(_, _) -> erlang:error(badarg).

-spec read(regrow:runtime(), reference()) -> {ok, non_neg_integer()} | {error, not_found | term()}.
read(Runtime, Timer) when is_reference(Timer) -> regrow_nif:now(timer_read, Runtime, {Timer});
read(_, _) -> erlang:error(badarg).

begin_timer(Operation, Runtime, Ms, Pid, Message) when is_integer(Ms), is_pid(Pid) ->
    regrow_nif:now(Operation, Runtime, {Pid, regrow:ms(Ms), Message});
begin_timer(_, _, _, _, _) ->
    erlang:error(badarg).
