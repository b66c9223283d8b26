%% What OTP's sys does, of native processes; of a local pid it is sys's own. Servers, agents, supervisors, registries and
%% pubsubs; others are {error, wrong_kind}.
-module(regrow_sys).

-export([suspend/1, suspend/2, resume/1, resume/2, get_status/1, get_status/2, trace/2, trace/3]).

suspend(Pid) -> suspend(Pid, 5000).

%% Has a process handle nothing until resume/1; what comes meanwhile is kept in its order.
-spec suspend(pid(), timeout()) -> ok | {error, term()}.
suspend(Pid, Timeout) -> ask(sys_suspend, Pid, {regrow:ms(Timeout)}, fun() -> sys:suspend(Pid, Timeout) end).

resume(Pid) -> resume(Pid, 5000).

-spec resume(pid(), timeout()) -> ok | {error, term()}.
resume(Pid, Timeout) -> ask(sys_resume, Pid, {regrow:ms(Timeout)}, fun() -> sys:resume(Pid, Timeout) end).

get_status(Pid) -> get_status(Pid, 5000).

%% Of a native process a map: see regrow_get_status() in regrow.h. Of another what sys:get_status/2 gives.
-spec get_status(pid(), timeout()) -> {ok, map() | tuple()} | {error, term()}.
get_status(Pid, Timeout) ->
    ask(sys_get_status, Pid, {regrow:ms(Timeout)}, fun() -> {ok, sys:get_status(Pid, Timeout)} end).

trace(Pid, On) -> trace(Pid, On, 5000).

%% Has a process write to the log whatever comes in and goes out, as debug, or no more: a native one to its runtime's,
%% and so to logger.
-spec trace(pid(), boolean(), timeout()) -> ok | {error, term()}.
trace(Pid, On, Timeout) when is_boolean(On) ->
    ask(sys_trace, Pid, {On, regrow:ms(Timeout)}, fun() -> sys:trace(Pid, On, Timeout) end);
trace(_, _, _) ->
    erlang:error(badarg).

ask(Operation, Pid, Items, Local) when is_pid(Pid) ->
    case regrow:is_native(Pid) of
        true -> plain(regrow_nif:await(Operation, Pid, Items));
        false -> locally(Local)
    end;
ask(_, _, _, _) ->
    erlang:error(badarg).

locally(Local) ->
    try
        Local()
    catch
        exit:{Reason, _} -> {error, Reason};
        exit:Reason -> {error, Reason}
    end.

plain({ok, ok}) -> ok;
plain(Outcome) -> Outcome.
