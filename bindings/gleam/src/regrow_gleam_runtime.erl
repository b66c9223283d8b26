%% What regrow/runtime asks of the module regrow.
-module(regrow_gleam_runtime).

-export([start/3, shutdown/2, settle/2, advance/2, process_count/1, register/3, unregister/2, whereis/2]).
-export([start_native/2]).

%% A runtime is to end with who started it, and not when the last handle has been used for the last time, which is
%% before its processes have been: a handle nobody has is collected. So the starter keeps one.
start(Workers, Clock, Level) ->
    try regrow:init(#{workers => Workers, clock => Clock, log_level => level(Level)}) of
        {ok, Runtime} ->
            put({?MODULE, Runtime}, kept),
            {ok, Runtime};
        {error, Reason} -> {error, {failed, Reason}}
    catch
        error:badarg -> {error, bad_option}
    end.

level(failure) -> error;
level(Level) -> Level.

shutdown(Runtime, Timeout) ->
    Ended = ended(regrow:shutdown(Runtime, regrow_gleam_process:timeout(Timeout))),
    [erase({?MODULE, Runtime}) || Ended =:= {ok, nil}],
    Ended.

settle(Runtime, Timeout) -> ended(regrow:settle(Runtime, regrow_gleam_process:timeout(Timeout))).

advance(Runtime, Milliseconds) ->
    try
        ended(regrow:advance(Runtime, regrow_gleam_process:timeout(Milliseconds)))
    catch
        error:badarg -> {error, not_manual}
    end.

process_count(Runtime) ->
    case regrow:stats(Runtime) of
        {ok, #{processes := Count}} -> {ok, Count};
        {error, _} -> {error, already_over}
    end.

ended(ok) -> {ok, nil};
ended({ok, _}) -> {ok, nil};
ended({error, {stuck, Pids}}) -> {error, {stuck, Pids}};
ended({error, timeout}) -> {error, timeout};
ended({error, _}) -> {error, already_over}.

register(Runtime, Pid, Name) ->
    case regrow:register(Runtime, Name, Pid) of
        ok -> {ok, nil};
        {error, {_, Other}} when is_pid(Other) -> {error, {name_taken, Other}};
        {error, _} -> {error, dead_process}
    end.

unregister(Runtime, Name) ->
    case regrow:unregister(Runtime, Name) of
        ok -> {ok, nil};
        {error, _} -> {error, nil}
    end.

whereis(Runtime, Name) ->
    case regrow:whereis(Runtime, Name) of
        {ok, Pid} -> {ok, Pid};
        {error, _} -> {error, nil}
    end.

%% Starts what is native, unlinked: as a child of the runtime's root it ends with the runtime.
start_native(Runtime, Spec) ->
    try regrow:start(Runtime, Spec) of
        {ok, Pid} -> {ok, Pid};
        {error, {already_started, Pid}} -> {error, {name_in_use, Pid}};
        {error, Over} when Over =:= not_alive; Over =:= noproc -> {error, runtime_is_over};
        {error, Reason} -> {error, {not_started, Reason}}
    catch
        error:badarg -> {error, {not_started, badarg}}
    end.
