%% Exercise 1: a pool of workers, and three ways to choose one.
%%
%%     WorkerPool           supervisor, one_for_one
%%     |- Registry          where worker N is: {worker, N}
%%     `- PoolSupervisor    supervisor, one_for_one
%%        `- 1, ... 5       servers
%%
%% The exercise chooses by phash2(Task, 5) and calls that round robin, which it is not: all three ways are here.
-module(exercise_1_worker_pool).
-behaviour(gen_server).
-export([main/0, start_worker/1]).
-export([init/1, handle_call/3, handle_cast/2]).

-define(WORKERS, lists:seq(1, 5)).
-define(TASKS, lists:seq(1, 20)).

%% A run of twenty tasks: those without an outcome, as #{Task => {Worker, Call}}, and who answered which.
-record(run, {calls = #{}, answered = #{}}).

main() ->
    Runtime = drill:start(),
    io:format("Five workers.~n"),
    {ok, _} = regrow_supervisor:start_link(Runtime, ?MODULE, pool),

    io:format("20 tasks of 100 ms at once, by the hash of the task, which is even only in the long run:~n"),
    Answered = at_once(hash, never),
    io:format("   by task:~s~n", [spaced([map_get(Task, Answered) || Task <- ?TASKS])]),

    io:format("In turn, and to whoever has least to do, which is the same here:~n"),
    at_once(round_robin, never),
    at_once(least_loaded, never),

    io:format("A task every 50 ms, while worker 1 is at one of 1000 ms:~n"),
    beside_a_long_one(round_robin),
    beside_a_long_one(least_loaded),
    print_counters(),

    io:format("Worker 3 is killed after 150 ms. What it was at is lost; what waited for it goes to the next one:~n"),
    at_once(round_robin, 150),
    print_counters().

print_counters() ->
    Counts = [gen_server:call(drill:via({worker, Id}), count) || Id <- ?WORKERS],
    io:format("   tasks processed, as the workers count:~s~n", [spaced(Counts)]).

spaced(Numbers) -> [io_lib:format(" ~b", [Number]) || Number <- Numbers].

%% ---- choosing a worker ----

%% Of the tasks on their way it is told who has them.
choose(hash, Task, _) -> erlang:phash2(iolist_to_binary(io_lib:format("task_~b", [Task])), 5) + 1;
choose(round_robin, Task, _) -> (Task - 1) rem 5 + 1;
choose(least_loaded, _, Busy) ->
    {_, Worker} = lists:min([{length([Id || Id <- Busy, Id =:= Worker]), Worker} || Worker <- ?WORKERS]),
    Worker.

%% ---- a run ----

%% All tasks at once. At so many milliseconds worker 3 is killed.
at_once(Way, KillAt) ->
    Began = drill:now(),
    finish(lists:foldl(fun(Task, Run) -> submit(Task, Way, Run) end, #run{}, ?TASKS), Way, Began, KillAt).

%% A task every 50 ms, while worker 1 is at one that takes a second.
beside_a_long_one(Way) ->
    Began = drill:now(),
    Long = #run{calls = #{long => {1, call(1, 1000)}}},
    Submit = fun(Task, Run) ->
        Submitted = submit(Task, Way, Run),
        drill:advance(50),
        collect(Submitted)
    end,
    finish(lists:foldl(Submit, Long, ?TASKS), Way, Began, never).

submit(Task, Way, #run{calls = Calls} = Run) ->
    Worker = choose(Way, Task, [Busy || {Busy, _} <- maps:values(Calls)]),
    Run#run{calls = Calls#{Task => {Worker, call(Worker, 100)}}}.

%% The call is in the worker's queue when this returns, so that tasks come in the order in which they are submitted.
call(Worker, Ms) ->
    Call = regrow_task:async(fun() -> drill:ask({worker, Worker}, {process, Ms}) end),
    drill:settle(),
    Call.

collect(#run{calls = Calls} = Run) ->
    lists:foldl(fun collect_one/2, Run#run{calls = #{}}, lists:sort(maps:to_list(Calls))).

collect_one({Task, {Worker, Call}}, #run{calls = Calls, answered = Answered} = Run) ->
    case regrow_task:yield(Call, 0) of
        undefined ->
            Run#run{calls = Calls#{Task => {Worker, Call}}};
        {ok, {ok, Worker}} ->
            Run#run{answered = Answered#{Task => Worker}};
        {ok, {error, Reason}} ->
            io:format("   task ~p is lost: ~w~n", [Task, Reason]),
            Run
    end.

finish(#run{calls = Calls, answered = Answered}, Way, Began, _) when Calls =:= #{} ->
    ByWorker = [length([Task || Task <- ?TASKS, maps:get(Task, Answered, none) =:= Id]) || Id <- ?WORKERS],
    io:format("   ~s: ~b ms; tasks answered by worker:~s~n",
              [string:replace(atom_to_list(Way), "_", " "), drill:now() - Began, spaced(ByWorker)]),
    Answered;
finish(Run, Way, Began, KillAt) ->
    drill:advance(50),
    drill:now() - Began =:= KillAt andalso begin
        drill:kill(drill:whereis(drill:via({worker, 3}))),
        drill:settle()
    end,
    finish(collect(Run), Way, Began, KillAt).

%% ---- callbacks: of the supervisors, and of a worker ----

start_worker(Id) -> gen_server:start_link(drill:via({worker, Id}), ?MODULE, {worker, Id}, []).

init(pool) ->
    Start = {regrow_supervisor, start_link, [drill:runtime(), ?MODULE, workers]},
    {ok, {#{}, [#{id => registry, kind => registry, keys => unique, name => <<"Registry">>},
                #{id => pool_supervisor, type => supervisor, start => Start}]}};
init(workers) ->
    {ok, {#{intensity => 3}, [#{id => {worker, Id}, start => {?MODULE, start_worker, [Id]}} || Id <- ?WORKERS]}};
init({worker, Id}) ->
    io:format("   worker ~b started~n", [Id]),
    {ok, {Id, 0}}.

handle_call({Request, {process, Ms}}, _, {Id, Processed}) ->
    drill:begin_with(Request),
    drill:sleep(Ms),
    {reply, Id, {Id, Processed + 1}};
handle_call(count, _, {_, Processed} = State) ->
    {reply, Processed, State}.

handle_cast(_, State) -> {noreply, State}.
