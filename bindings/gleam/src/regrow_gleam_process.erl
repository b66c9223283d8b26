%% What regrow/process cannot say in Gleam; and what the other modules share: times, reasons, the errors of calls.
%%
%% A subject is {subject, Owner, Tag}, whose messages are {Tag, Message}; or, for the answer to a call, {reply, Owner,
%% Alias}, whose message goes to the alias and is dropped when nobody waits for it any more.
-module(regrow_gleam_process).

-export([spawn/1, spawn_link/1, exit/2, stop/2, stop/3, sleep/1, link/1, unlink/1, trap_exits/1, receive_exit/1,
         demonitor/2, receive_down/2]).
-export([new_subject/0, owner/1, send/2, 'receive'/2, call/3]).
-export([send_after/3, cancel_timer/1, time_left/1, addressed/2]).
-export([timeout/1, reason/1, exit_reason/1, signal/1, call_error/1, asking/1, living/2]).

%% With proc_lib, so that a crash is logged with its reason, and $ancestors are there.
spawn(Function) -> proc_lib:spawn(Function).

spawn_link(Function) -> proc_lib:spawn_link(Function).

exit(Pid, Reason) ->
    _ = regrow:exit(Pid, signal(Reason)),
    nil.

stop(Pid, Timeout) -> stop(Pid, normal, Timeout).

stop(Pid, Reason, Timeout) ->
    case regrow:stop(Pid, exit_reason(Reason), timeout(Timeout)) of
        ok -> {ok, nil};
        {error, Why} -> {error, call_error(Why)}
    end.

sleep(Milliseconds) ->
    timer:sleep(timeout(Milliseconds)),
    nil.

link(Pid) ->
    try regrow:link(Pid) of
        true -> {ok, nil};
        {error, _} -> {error, nil}
    catch
        error:noproc -> {error, nil}
    end.

unlink(Pid) ->
    _ = regrow:unlink(Pid),
    nil.

trap_exits(Trap) -> process_flag(trap_exit, Trap).

receive_exit(Timeout) ->
    receive
        {'EXIT', Pid, Reason} -> {ok, {down, Pid, reason(Reason)}}
    after timeout(Timeout) -> {error, nothing_came}
    end.

demonitor(Pid, Monitor) -> regrow:demonitor(Pid, Monitor, [flush, info]).

receive_down(Monitor, Timeout) ->
    receive
        {'DOWN', Monitor, process, Pid, Reason} -> {ok, {down, Pid, reason(Reason)}}
    after timeout(Timeout) -> {error, nothing_came}
    end.

%% ---- subjects ----

new_subject() -> {subject, self(), make_ref()}.

owner({_, Pid, _}) -> Pid.

send({subject, Pid, Tag}, Message) ->
    Pid ! {Tag, Message},
    nil;
send({reply, _, Alias}, Message) ->
    Alias ! {Alias, Message},
    nil.

'receive'({_, Owner, Tag}, Timeout) when Owner =:= self() ->
    receive
        {Tag, Message} -> {ok, Message}
    after timeout(Timeout) -> {error, nothing_came}
    end;
'receive'(_, _) ->
    {error, not_the_owner}.

call({_, Owner, _}, _, _) when Owner =:= self() ->
    {error, calling_self};
call({_, Owner, _} = Subject, Make, Timeout) ->
    Ref = erlang:monitor(process, Owner, [{alias, reply_demonitor}]),
    send(Subject, Make({reply, self(), Ref})),
    receive
        {Ref, Reply} -> {ok, Reply};
        {'DOWN', Ref, process, _, Reason} -> {error, call_error(Reason)}
    after timeout(Timeout) ->
        erlang:demonitor(Ref, [flush]),
        receive
            {Ref, Reply} -> {ok, Reply}
        after 0 -> {error, timeout}
        end
    end.

%% ---- timers ----

%% {Timer, Courier}: the BEAM's timers do not send to aliases, so for these it is a process that does.
send_after(Subject, Milliseconds, Message) ->
    {Pid, Addressed, Courier} = addressed(Subject, Message),
    {erlang:send_after(timeout(Milliseconds), Pid, Addressed), Courier}.

%% Whom a timer is to send what for a subject to get a message, and the courier.
addressed({subject, Pid, Tag}, Message) ->
    {Pid, {Tag, Message}, none};
addressed({reply, Owner, Alias}, Message) ->
    Courier = erlang:spawn(fun() -> carry(erlang:monitor(process, Owner), Alias) end),
    {Courier, {Alias, Message}, Courier}.

carry(Monitor, Alias) ->
    receive
        {Alias, _} = Message -> Alias ! Message;
        {'DOWN', Monitor, process, _, _} -> ok
    end.

cancel_timer({Timer, Courier}) ->
    Left = left(erlang:cancel_timer(Timer)),
    [erlang:exit(Courier, kill) || {ok, _} <- [Left], is_pid(Courier)],
    Left.

time_left({Timer, _}) -> left(erlang:read_timer(Timer)).

left(false) -> {error, nil};
left(Milliseconds) -> {ok, Milliseconds}.

%% ---- shared ----

%% As timers take it.
timeout(Milliseconds) -> max(0, min(Milliseconds, 16#FFFFFFFD)).

reason(normal) -> normal;
reason(shutdown) -> shutdown;
reason(killed) -> killed;
reason(Reason) -> {abnormal, Reason}.

%% The way back.
exit_reason({abnormal, Reason}) -> Reason;
exit_reason(Reason) -> Reason.

signal(killed) -> kill;
signal(Reason) -> exit_reason(Reason).

call_error(noproc) -> no_process;
call_error(not_alive) -> no_process;
call_error(timeout) -> timeout;
call_error(calling_self) -> calling_self;
call_error(Reason) -> {exited, reason(Reason)}.

%% What was done for a process, unless that is dead: native code, which did it, may hear of its end a moment later, and
%% undoes it then.
living(Pid, {ok, _} = Outcome) ->
    case regrow:is_alive(Pid) of
        true -> Outcome;
        false -> {error, dead_process}
    end;
living(_, Error) ->
    Error.

%% The outcome of a function that exits where it has none, as gen_server:call does. Not of one that was killed: a signal
%% is no exception.
asking(Ask) ->
    try
        {ok, Ask()}
    catch
        exit:{Reason, {Module, Function, Arguments}} when is_atom(Module), is_atom(Function), is_list(Arguments) ->
            {error, call_error(Reason)};
        exit:Reason ->
            {error, call_error(Reason)}
    end.
