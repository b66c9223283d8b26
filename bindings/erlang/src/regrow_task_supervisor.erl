%% Supervisors of tasks, as Elixir's Task.Supervisor, over a native dynamic supervisor: its limits and restarts are
%% regrow's, and the tasks are those of regrow_task. A task's function is a fun without arguments, or
%% {Module, Function, Arguments}.
%%
%% For native tasks there is a spec of the kind task_supervisor: see regrow:start/2.
-module(regrow_task_supervisor).

-export([start_link/1, start_link/2, start_child/2, start_child/3, async/2, async/3, async_nolink/2, async_nolink/3,
         async_stream_nolink/3, async_stream_nolink/4, children/1, terminate_child/2]).
-export_type([function_to_run/0]).

-type function_to_run() :: fun(() -> term()) | {module(), atom(), [term()]}.

start_link(Runtime) -> start_link(Runtime, #{}).

%% Starts one in a runtime, linked with the caller. Options: max_children (infinity), max_restarts (3), max_seconds (5),
%% name, as gen_server takes it.
-spec start_link(regrow:runtime(), map()) -> {ok, pid()} | {error, term()}.
start_link(Runtime, Options) -> regrow_dynamic_supervisor:start_link(Runtime, Options).

start_child(Supervisor, Function) -> start_child(Supervisor, Function, #{}).

%% Starts a task that nobody waits for. Options: restart (temporary), shutdown (5000).
-spec start_child(regrow_supervisor:sup_ref(), function_to_run(), map()) -> {ok, pid()} | {error, max_children | term()}.
start_child(Supervisor, Function, Options) -> begin_task(Supervisor, start_link, [call(Function)], Options, [restart, shutdown]).

async(Supervisor, Function) -> async(Supervisor, Function, #{}).

%% Starts a task that is linked with the caller, who waits for it, with regrow_task:await/2 and its like. Raises
%% max_children. Options: shutdown (5000).
-spec async(regrow_supervisor:sup_ref(), function_to_run(), map()) -> regrow_task:task().
async(Supervisor, Function, Options) -> owned(Supervisor, Function, Options, link).

async_nolink(Supervisor, Function) -> async_nolink(Supervisor, Function, #{}).

%% The same, not linked with the caller: its failure is told by regrow_task:yield/2, and await/2 exits with it.
-spec async_nolink(regrow_supervisor:sup_ref(), function_to_run(), map()) -> regrow_task:task().
async_nolink(Supervisor, Function, Options) -> owned(Supervisor, Function, Options, nolink).

owned(Supervisor, Function, Options, How) ->
    case begin_task(Supervisor, start_owned, [self(), call(Function)], Options, [shutdown]) of
        {ok, Pid} -> regrow_task:adopt(Pid, How);
        {error, Reason} -> erlang:error(Reason)
    end.

begin_task(Supervisor, Start, Arguments, Options, Known) when is_map(Options) ->
    maps:keys(Options) -- Known =:= [] orelse erlang:error(badarg),
    Spec = #{id => task, start => {regrow_task, Start, Arguments}, restart => temporary, shutdown => 5000},
    regrow_dynamic_supervisor:start_child(Supervisor, maps:merge(Spec, Options));
begin_task(_, _, _, _, _) ->
    erlang:error(badarg).

call(Function) when is_function(Function, 0) -> {erlang, apply, [Function, []]};
call({Module, Function, Arguments} = Call) when is_atom(Module), is_atom(Function), is_list(Arguments) -> Call;
call(_) -> erlang:error(badarg).

-spec children(regrow_supervisor:sup_ref()) -> [pid()].
children(Supervisor) -> [Pid || {_, Pid, _, _} <- regrow_dynamic_supervisor:which_children(Supervisor), is_pid(Pid)].

%% Ends a task, by its pid.
-spec terminate_child(regrow_supervisor:sup_ref(), pid()) -> ok | {error, not_found | term()}.
terminate_child(Supervisor, Pid) -> regrow_dynamic_supervisor:terminate_child(Supervisor, Pid).

%% ---- a task for each of many ----

async_stream_nolink(Supervisor, Function, List) -> async_stream_nolink(Supervisor, Function, List, #{}).

%% What a function gives for each element, in a task each: {ok, Value}, or {exit, Reason} where the task failed. The
%% tasks end with the caller. Options: max_concurrency (as many as there are schedulers), ordered (true; else as they
%% end), timeout (5000, of each task), on_timeout (exit: the caller exits with timeout; kill_task: {exit, timeout}),
%% shutdown (5000). Exits with max_children, too, when the supervisor takes no more.
-spec async_stream_nolink(regrow_supervisor:sup_ref(), fun((term()) -> term()), [term()], map()) ->
    [{ok, term()} | {exit, term()}].
async_stream_nolink(Supervisor, Function, List, Options) when is_function(Function, 1), is_list(List), is_map(Options) ->
    Defaults = #{max_concurrency => erlang:system_info(schedulers_online), ordered => true, timeout => 5000,
                 on_timeout => exit, shutdown => 5000},
    All = maps:merge(Defaults, Options),
    #{max_concurrency := Most, ordered := Ordered, timeout := Timeout, on_timeout := OnTimeout} = All,
    Good = maps:size(All) =:= maps:size(Defaults) andalso is_integer(Most) andalso Most > 0 andalso
        is_boolean(Ordered) andalso (Timeout =:= infinity orelse is_integer(Timeout) andalso Timeout >= 0) andalso
        (OnTimeout =:= exit orelse OnTimeout =:= kill_task),
    Good orelse erlang:error(badarg),
    Caller = self(),
    %% A process between the two: the tasks' ends are messages to it, and its own ends them.
    {Pid, Monitor} = spawn_monitor(fun() ->
        process_flag(trap_exit, true),
        Owner = erlang:monitor(process, Caller),
        exit({?MODULE, stream({Supervisor, Function, All, Owner}, lists:enumerate(List), #{}, [])})
    end),
    receive
        {'DOWN', Monitor, process, Pid, {?MODULE, Ended}} ->
            [Outcome || {_, Outcome} <- case Ordered of true -> lists:sort(Ended); false -> lists:reverse(Ended) end];
        {'DOWN', Monitor, process, Pid, Reason} ->
            exit({Reason, {?MODULE, ?FUNCTION_NAME, [Supervisor, Function, List, Options]}})
    end;
async_stream_nolink(_, _, _, _) ->
    erlang:error(badarg).

%% `Running` has {Number, Task, Timer} by the task's Ref; `Ended` the outcomes with their numbers, the last in front.
stream(_, [], Running, Ended) when map_size(Running) =:= 0 ->
    Ended;
stream({Supervisor, Function, #{max_concurrency := Most} = Options, _} = How, [{Number, Element} | Rest], Running, Ended)
  when map_size(Running) < Most ->
    try async(Supervisor, {erlang, apply, [Function, [Element]]}, maps:with([shutdown], Options)) of
        Task ->
            Ref = regrow_task:reference(Task),
            stream(How, Rest, Running#{Ref => {Number, Task, timer(Ref, maps:get(timeout, Options))}}, Ended)
    catch
        error:Reason -> exit(Reason)
    end;
stream({_, _, Options, Owner} = How, Todo, Running, Ended) ->
    receive
        {Ref, Value} when is_map_key(Ref, Running) ->
            erlang:demonitor(Ref, [flush]),
            over(How, Todo, Ref, Running, {ok, Value}, Ended);
        {'DOWN', Owner, process, _, Reason} ->
            exit(Reason);
        {'DOWN', Ref, process, _, Reason} when is_map_key(Ref, Running) ->
            over(How, Todo, Ref, Running, {exit, Reason}, Ended);
        {timeout, _, Ref} when is_map_key(Ref, Running) ->
            maps:get(on_timeout, Options) =:= kill_task orelse exit(timeout),
            {_, Task, _} = maps:get(Ref, Running),
            Outcome = case regrow_task:shutdown(Task, brutal_kill) of {ok, Value} -> {ok, Value}; _ -> {exit, timeout} end,
            over(How, Todo, Ref, Running, Outcome, Ended);
        _ ->
            %% The EXIT of one that is over, or a timer that was too late.
            stream(How, Todo, Running, Ended)
    end.

over(How, Todo, Ref, Running, Outcome, Ended) ->
    {{Number, _, Timer}, Left} = maps:take(Ref, Running),
    Timer =:= none orelse erlang:cancel_timer(Timer),
    stream(How, Todo, Left, [{Number, Outcome} | Ended]).

timer(_, infinity) -> none;
timer(Ref, Timeout) -> erlang:start_timer(Timeout, self(), Ref).
