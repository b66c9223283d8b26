%% What regrow/task_supervisor asks of regrow_task_supervisor. A supervisor is the pid of its shadow.
-module(regrow_gleam_task_supervisor).

-export([start/2, start_child/3, async/2, async_linked/2, each/5, terminate_child/2, children/1]).

start({builder, MaxChildren, Intensity, Period}, Runtime) ->
    Init = fun() -> regrow_gleam_dynamic_supervisor:flags(MaxChildren, Intensity, Period) end,
    %% What regrow_task_supervisor:start_link/2 starts; see regrow_gleam_start for why not that.
    case regrow_gleam_start:link(regrow_shadow, {dynamic, Runtime, ?MODULE, Init}, infinity) of
        {ok, Pid} -> {ok, {started, Pid, Pid}};
        Error -> Error
    end.

start_child(Supervisor, Restart, Function) ->
    case started(fun() -> regrow_task_supervisor:start_child(Supervisor, Function, #{restart => Restart}) end) of
        {ok, {error, Reason}} -> {error, regrow_gleam_start:start_error(Reason)};
        {ok, Started} -> Started;
        Error -> Error
    end.

async(Supervisor, Function) -> started(fun() -> regrow_task_supervisor:async_nolink(Supervisor, run(Function)) end).

async_linked(Supervisor, Function) -> started(fun() -> regrow_task_supervisor:async(Supervisor, run(Function)) end).

%% A panic is a value, as in regrow/task.
run(Function) -> {regrow_gleam_task, run, [Function]}.

each(Supervisor, Items, Function, Most, Timeout) ->
    Options = #{max_concurrency => Most, timeout => regrow_gleam_process:timeout(Timeout), on_timeout => kill_task},
    Run = fun(Item) -> regrow_gleam_task:run(fun() -> Function(Item) end) end,
    case started(fun() -> regrow_task_supervisor:async_stream_nolink(Supervisor, Run, Items, Options) end) of
        {ok, Outcomes} -> {ok, [outcome(Outcome) || Outcome <- Outcomes]};
        Error -> Error
    end.

outcome({exit, timeout}) -> {error, timeout};
outcome(Outcome) -> regrow_gleam_task:outcome(Outcome).

terminate_child(Supervisor, Pid) ->
    case asked(fun() -> regrow_task_supervisor:terminate_child(Supervisor, Pid) end) of
        {ok, ok} -> {ok, nil};
        {ok, {error, _}} -> {error, not_found};
        Error -> Error
    end.

children(Supervisor) -> asked(fun() -> regrow_task_supervisor:children(Supervisor) end).

asked(Ask) -> regrow_gleam_supervisor:asked(Ask).

%% The reason for which nothing is started is raised: as an error, or by the call to a dead supervisor, perhaps in the
%% process between.
started(Start) ->
    try
        {ok, Start()}
    catch
        error:Reason -> {error, regrow_gleam_start:start_error(Reason)};
        exit:Reason -> {error, regrow_gleam_start:start_error(raised(Reason))}
    end.

raised({Reason, {Module, Function, Arguments}}) when is_atom(Module), is_atom(Function), is_list(Arguments) ->
    raised(Reason);
raised(Reason) ->
    Reason.
