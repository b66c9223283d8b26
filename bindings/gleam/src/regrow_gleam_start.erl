%% Starts modules with gen_server's callbacks, linked with the caller, such that one which does not start is an error
%% and no exit signal: gen_server:start_link of OTP 25 sends one, and a caller that does not trap exits ends by it.
-module(regrow_gleam_start).

-export([link/3, start_error/1, reason/1]).
-export([init/3]).

%% {ok, Pid}, or {error, StartError} as regrow/start has it. An init says {stop, {start_error, Error}} for one of these.
link(Module, Arguments, Timeout) ->
    case proc_lib:start_link(?MODULE, init, [self(), Module, Arguments], Timeout) of
        {ok, Pid} -> {ok, Pid};
        {refused, Error} -> {error, Error};
        {error, timeout} -> {error, init_timeout};
        {error, Reason} -> {error, {init_exited, regrow_gleam_process:reason(Reason)}}
    end.

init(Parent, Module, Arguments) ->
    try returned(Module, Arguments) of
        {ok, State} -> enter(Parent, Module, State, infinity);
        {ok, State, Action} -> enter(Parent, Module, State, Action);
        ignore -> refuse(Parent, ignored, normal);
        {stop, Reason} -> refuse(Parent, start_error(Reason), exit_reason(Reason));
        Other -> refuse(Parent, {not_started, {bad_return_value, Other}}, {bad_return_value, Other})
    catch
        exit:Reason -> refuse(Parent, {init_exited, regrow_gleam_process:reason(Reason)}, Reason);
        error:Reason:Stack -> refuse(Parent, {init_exited, {abnormal, {Reason, Stack}}}, {Reason, Stack})
    end.

%% What is thrown is as good, as in gen_server.
returned(Module, Arguments) ->
    try
        Module:init(Arguments)
    catch
        throw:Value -> Value
    end.

enter(Parent, Module, State, Action) ->
    proc_lib:init_ack(Parent, {ok, self()}),
    gen_server:enter_loop(Module, [], State, Action).

%% Whoever it has started and is linked with goes too, so it does not end normally.
refuse(Parent, Error, Reason) ->
    unlink(Parent),
    proc_lib:init_ack(Parent, {refused, Error}),
    exit(Reason).

%% What its monitors are told.
exit_reason({shutdown, _} = Reason) -> Reason;
exit_reason(_) -> shutdown.

%% The reason that a child's start function gives its supervisor. That of a supervisor is OTP's.
reason({child_failed, Id, Error}) -> {shutdown, {failed_to_start_child, Id, reason(Error)}};
reason(Error) -> {start_error, Error}.

%% An Erlang reason for not starting, as regrow/start has it.
start_error({start_error, Error}) -> Error;
start_error({already_started, Pid}) when is_pid(Pid) -> {name_in_use, Pid};
start_error(max_children) -> max_children;
start_error(ignore) -> ignored;
start_error(noproc) -> runtime_is_over;
start_error(not_alive) -> runtime_is_over;
start_error({shutdown, {failed_to_start_child, Id, Reason}}) -> {child_failed, Id, start_error(Reason)};
start_error(Reason) -> {not_started, Reason}.
