%% What regrow/supervisor asks of regrow_supervisor.
-module(regrow_gleam_supervisor).
-behaviour(regrow_supervisor).

-export([start/2, start_child/2, terminate_child/2, restart_child/2, delete_child/2, which_children/1, status/2,
         child_spec/2, count_children/1, history/1, tree/1]).
-export([asked/1]).
-export([init/1]).

start(Initialise, Runtime) ->
    %% What regrow_supervisor:start_link/3 starts; see regrow_gleam_start for why not that.
    case regrow_gleam_start:link(regrow_shadow, {static, Runtime, ?MODULE, Initialise}, infinity) of
        {ok, Pid} -> {ok, {started, Pid, Pid}};
        Error -> Error
    end.

init(Initialise) ->
    case Initialise() of
        {ok, {builder, Strategy, Intensity, Period, AutoShutdown, Children}} ->
            Flags = #{strategy => Strategy, intensity => Intensity, period => Period, auto_shutdown => AutoShutdown},
            {ok, {Flags, [regrow_gleam_child:spec(Child) || Child <- lists:reverse(Children)]}};
        {error, ignored} ->
            ignore;
        {error, Error} ->
            %% For regrow_gleam_start, behind the shadow's back, which takes it for no init's answer.
            throw({stop, {start_error, Error}})
    end.

start_child(Supervisor, Child) ->
    case asked(fun() -> regrow_supervisor:start_child(Supervisor, regrow_gleam_child:spec(Child)) end) of
        {ok, {ok, undefined}} -> {error, {not_started, ignored}};
        {ok, {ok, Pid}} -> {ok, regrow_gleam_child:data(Child, Pid, [])};
        {ok, {ok, Pid, Data}} -> {ok, regrow_gleam_child:data(Child, Pid, [Data])};
        {ok, {error, {already_started, Pid}}} -> {error, {not_started, {name_in_use, Pid}}};
        {ok, {error, {Reason, {child, _, _, _, _, _, _, _, _}}}} -> {error, why(Reason)};
        {ok, {error, {Reason, #{kind := _}}}} -> {error, why(Reason)};
        {ok, {error, Reason}} -> {error, why(Reason)};
        Error -> Error
    end.

restart_child(Supervisor, Id) ->
    case asked(fun() -> regrow_supervisor:restart_child(Supervisor, Id) end) of
        {ok, {ok, undefined}} -> {error, {not_started, ignored}};
        {ok, {ok, Pid}} -> {ok, Pid};
        {ok, {ok, Pid, _}} -> {ok, Pid};
        {ok, {error, Reason}} -> {error, why(Reason)};
        Error -> Error
    end.

terminate_child(Supervisor, Id) -> done(asked(fun() -> regrow_supervisor:terminate_child(Supervisor, Id) end)).

delete_child(Supervisor, Id) -> done(asked(fun() -> regrow_supervisor:delete_child(Supervisor, Id) end)).

done({ok, ok}) -> {ok, nil};
done({ok, {error, Reason}}) -> {error, why(Reason)};
done(Error) -> Error.

which_children(Supervisor) ->
    case asked(fun() -> regrow_supervisor:which_children(Supervisor) end) of
        {ok, Children} when is_list(Children) -> {ok, [info(Child) || Child <- Children]};
        {ok, {error, Reason}} -> {error, why(Reason)};
        Error -> Error
    end.

child_spec(Supervisor, Id) ->
    case asked(fun() -> regrow_supervisor:get_childspec(Supervisor, Id) end) of
        {ok, {ok, #{id := Id, restart := Restart, shutdown := Shutdown, significant := Significant} = Spec}} ->
            {ok, {child_spec, Id, Restart, regrow_gleam_child:shutdown_of(Shutdown), kind(type(Spec)), Significant}};
        {ok, {error, Reason}} ->
            {error, why(Reason)};
        Error ->
            Error
    end.

type(#{type := Type}) -> Type;
type(#{kind := Kind}) ->
    case lists:member(Kind, [supervisor, dynamic_supervisor, partition_supervisor, task_supervisor]) of
        true -> supervisor;
        false -> worker
    end.

kind(worker) -> worker;
kind(supervisor) -> supervising.

%% Between two lives of a child its supervisor shows the native process that stands for it.
info({Id, Pid, Type, [regrow_gleam_child]}) when is_pid(Pid) ->
    info({Id, case regrow:is_native(Pid) of true -> restarting; false -> Pid end, Type, started});
info({Id, Pid, Type, _}) ->
    {child_info, Id, status_of(Pid), kind(Type)}.

status_of(Pid) when is_pid(Pid) -> {running, Pid};
status_of(undefined) -> stopped;
status_of(_) -> waiting.

status(Supervisor, Id) ->
    case which_children(Supervisor) of
        {ok, Children} ->
            case lists:keyfind(Id, 2, Children) of
                {child_info, Id, Status, _} -> {ok, Status};
                false -> {error, not_found}
            end;
        Error ->
            Error
    end.

count_children(Supervisor) ->
    case asked(fun() -> regrow_supervisor:count_children(Supervisor) end) of
        {ok, [{specs, Specs}, {active, Active}, {supervisors, Supervisors}, {workers, Workers}]} ->
            {ok, {counts, Specs, Active, Supervisors, Workers}};
        {ok, {error, Reason}} ->
            {error, why(Reason)};
        Error ->
            Error
    end.

history(Supervisor) ->
    case told(asked(fun() -> regrow_supervisor:history(Supervisor) end)) of
        {ok, Failures} -> {ok, [failure(Failure) || Failure <- Failures]};
        Error -> Error
    end.

failure(#{id := Id, pid := Pid, reason := Reason, count := Count, verdict := Verdict} = Failure) ->
    #{time_ms := At, uptime_ms := Uptime} = Failure,
    {failure, Id, pid(Pid), regrow_gleam_process:reason(Reason), Count, At, Uptime, verdict(Verdict)}.

verdict({restart, Delay}) -> {restarts, Delay};
verdict(parked) -> stays_down;
verdict(shutdown) -> gave_up.

tree(Supervisor) ->
    case told(asked(fun() -> regrow_supervisor:tree(Supervisor) end)) of
        {ok, Root} -> {ok, shown(Root)};
        Error -> Error
    end.

shown(#{id := Id, pid := Pid, kind := Kind, status := Status, children := Children} = Process) ->
    #{message_queue_len := Queue, restarts := Restarts} = Process,
    Below = [shown(Child) || Child <- Children],
    {node, Id, pid(Pid), atom_to_binary(Kind), atom_to_binary(Status), number(Queue), number(Restarts), Below}.

pid(Pid) when is_pid(Pid) -> {ok, Pid};
pid(undefined) -> {error, nil}.

%% Nothing waits for what is not there.
number(undefined) -> 0;
number(Number) -> Number.

told({ok, {ok, Answer}}) -> {ok, Answer};
told({ok, {error, Reason}}) -> {error, why(Reason)};
told(Error) -> Error.

%% What a supervisor was asked, unless it is dead.
asked(Ask) ->
    case regrow_gleam_process:asking(Ask) of
        {ok, Answer} -> {ok, Answer};
        {error, _} -> {error, dead_supervisor}
    end.

why(not_found) -> not_found;
why(running) -> still_running;
why(restarting) -> restarting;
why(already_present) -> already_present;
why(noproc) -> dead_supervisor;
why(Reason) -> {not_started, regrow_gleam_start:start_error(Reason)}.
