%% Drill 4: which siblings are stopped (T) and started (S) again, and in which order, when a worker crashes.
-module(drill_4_strategies).
-behaviour(gen_server).
-export([main/0, start_link/1]).
-export([init/1, handle_call/3, handle_cast/2, terminate/2]).

main() ->
    _ = drill:start(),
    %% What is linked with a supervisor that is stopped would end as that does.
    process_flag(trap_exit, true),
    {ok, Log} = regrow_agent:start_link(fun() -> [] end),
    register(log, Log),

    %% A new tree for each crash: the log of one.
    [begin
        start(Strategy, [permanent, permanent, permanent]),
        end_with(Id, crash),
        print_log(io_lib:format("~s, ~b crashes", [Strategy, Id])),
        stop(),
        take()
     end || {Strategy, Id} <- [{one_for_one, 2}, {one_for_all, 1}, {one_for_all, 2}, {one_for_all, 3},
                               {rest_for_one, 1}, {rest_for_one, 2}, {rest_for_one, 3}]],

    start(one_for_all, [permanent, permanent, permanent]),
    end_with(2, crash),
    drill:settle(),
    io:format("~-52s~s~n", ["which_children, after any of these",
                            [io_lib:format(" ~b", [Id]) || {Id, _, _, _} <- regrow_supervisor:which_children(demo)]]),
    take(),
    stop(),
    print_log("the supervisor stops"),

    start(one_for_all, [permanent, temporary, transient]),
    end_with(1, crash),
    print_log("one_for_all, 2 temporary, 3 transient, 1 crashes"),
    end_with(3, normal),
    print_log("one_for_all, 3 transient, 3 ends as it should"),
    stop(),

    start(one_for_one, [permanent, permanent, permanent]),
    {'EXIT', Reason} = Exit = end_with(2, crash),
    io:format("the caller of the crash: ~s, ~w~n", [drill:code(Exit), Reason]).

%% ---- the demo: three workers under a supervisor ----

%% Forgets what was noted of the start.
start(Strategy, Restarts) ->
    {ok, _} = regrow_supervisor:start_link(drill:runtime(), {local, demo}, ?MODULE, {Strategy, Restarts}),
    take().

stop() -> gen_server:stop(demo, shutdown, infinity).

start_link(Id) -> gen_server:start_link({local, name(Id)}, ?MODULE, Id, []).

%% The caller's call ends as the worker does: who does not want to end as well catches that.
end_with(Id, Reason) ->
    try
        gen_server:call(name(Id), {end_with, Reason})
    catch
        exit:{Why, {gen_server, call, _}} -> {'EXIT', Why}
    end.

name(Id) -> element(Id, {worker_1, worker_2, worker_3}).

init({Strategy, Restarts}) ->
    Children = [#{id => Id, start => {?MODULE, start_link, [Id]}, restart => Restart}
                || {Id, Restart} <- lists:zip([1, 2, 3], Restarts)],
    {ok, {#{strategy => Strategy, intensity => 3, period => 5}, Children}};
%% It traps exits, so that it is heard of when it is stopped too.
init(Id) ->
    process_flag(trap_exit, true),
    note("S", Id),
    {ok, Id}.

handle_call({end_with, Reason}, _, Id) -> {stop, Reason, Id}.

handle_cast(_, Id) -> {noreply, Id}.

terminate(_, Id) -> note("T", Id).

%% ---- the log ----

note(What, Id) -> ok = regrow_agent:update(log, fun(Log) -> [Log, io_lib:format(" ~s~b", [What, Id])] end).

take() -> regrow_agent:get_and_update(log, fun(Log) -> {Log, []} end).

print_log(What) ->
    drill:settle(),
    io:format("~-52s~s~n", [What, take()]).
