%% What regrow/sys asks of regrow_sys.
-module(regrow_gleam_sys).

-export([suspend/2, resume/2, trace/3, status/2]).

suspend(Pid, Timeout) -> asked(fun(Most) -> regrow_sys:suspend(Pid, Most) end, Timeout).

resume(Pid, Timeout) -> asked(fun(Most) -> regrow_sys:resume(Pid, Most) end, Timeout).

trace(Pid, On, Timeout) -> asked(fun(Most) -> regrow_sys:trace(Pid, On, Most) end, Timeout).

status(Pid, Timeout) -> asked(fun(Most) -> regrow_sys:get_status(Pid, Most) end, Timeout).

asked(Ask, Timeout) ->
    case Ask(regrow_gleam_process:timeout(Timeout)) of
        ok -> {ok, nil};
        {ok, Answer} -> {ok, Answer};
        {error, None} when None =:= noproc; None =:= not_alive -> {error, no_process};
        {error, timeout} -> {error, timeout};
        {error, wrong_kind} -> {error, wrong_kind};
        {error, Reason} -> {error, {failed, Reason}}
    end.
