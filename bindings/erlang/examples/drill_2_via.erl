%% Drill 2: workers are reached by a registry and a key, whichever process that is at the moment.
-module(drill_2_via).
-behaviour(gen_server).
-export([main/0, start_link/1]).
-export([init/1, handle_call/3, handle_cast/2]).

main() ->
    Runtime = drill:start(),

    io:format("1. The registry, and three workers.~n"),
    {ok, System} = regrow_supervisor:start_link(Runtime, ?MODULE, tree),

    io:format("2. Tasks go to ids.~n"),
    process_task(1, "read"),
    process_task(2, "write"),
    process_task(2, "sum up"),
    process_task(3, "tidy"),

    io:format("3. So do questions.~n"),
    [print_status(Id) || Id <- [1, 2, 3]],

    io:format("4. Worker 2 is killed, and its supervisor starts another.~n"),
    Before = drill:whereis(via(2)),
    drill:kill(Before),
    %% While there is no worker 2, a call to it would exit with noproc.
    drill:settle(),
    io:format("   the same id, a new pid: ~s~n", [drill:yes_or_no(drill:whereis(via(2)) =/= Before)]),
    print_status(2),
    process_task(2, "write again"),
    print_status(2),

    io:format("5. A second worker 1.~n"),
    {error, {Already, Other}} = Error = regrow_supervisor:start_child(System, worker(another, 1)),
    io:format("   ~s, {already_started, Pid}: ~s; Pid is the first: ~s~n",
              [drill:code(Error), drill:yes_or_no(Already =:= already_started),
               drill:yes_or_no(Other =:= drill:whereis(via(1)))]),
    print_status(1).

worker(Id, WorkerId) -> #{id => Id, start => {?MODULE, start_link, [WorkerId]}}.

%% ---- the functions of a worker, which take an id ----

start_link(WorkerId) -> gen_server:start_link(via(WorkerId), ?MODULE, WorkerId, []).

process_task(WorkerId, Task) ->
    gen_server:cast(via(WorkerId), {task, Task}),
    %% So that the lines of several workers come in order.
    drill:settle().

print_status(WorkerId) ->
    #{id := WorkerId, tasks_completed := Completed, current_task := Task} = gen_server:call(via(WorkerId), status),
    io:format("   worker ~b: ~b tasks completed, at \"~s\"~n", [WorkerId, Completed, Task]).

via(WorkerId) -> drill:via({task_worker, WorkerId}).

%% ---- callbacks, the first of the supervisor ----

init(tree) ->
    Registry = #{id => registry, kind => registry, keys => unique, name => <<"Registry">>},
    {ok, {#{strategy => one_for_one}, [Registry | [worker({worker, Id}, Id) || Id <- [1, 2, 3]]]}};
init(WorkerId) ->
    {ok, #{id => WorkerId, tasks_completed => 0, current_task => ""}}.

handle_call(status, _, State) -> {reply, State, State}.

handle_cast({task, Task}, #{id := Id, tasks_completed := Completed} = State) ->
    io:format("   worker ~b is processing: ~s~n", [Id, Task]),
    {noreply, State#{tasks_completed := Completed + 1, current_task := Task}}.
