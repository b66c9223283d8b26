%% Drill 5: jobs are children that come when they are asked for, and go when they are done.
-module(drill_5_dynamic).
-behaviour(gen_server).
-export([main/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

main() ->
    Runtime = drill:start(),

    io:format("1. A supervisor without children.~n"),
    {ok, Jobs} = regrow_dynamic_supervisor:start_link(Runtime, #{}),
    print_count(Jobs),

    io:format("2. Five jobs, a second apart.~n"),
    Data = ["process_data", "send_email", "resize_image", "write_report", "clean_up"],
    [_, Second | _] = [begin
        Id > 1 andalso drill:advance(1000),
        start_job(Jobs, Id, What)
    end || {Id, What} <- lists:zip(lists:seq(1, 5), Data)],

    io:format("3. How many there are. A child is a spec: as in Elixir there are as many.~n"),
    print_count(Jobs),

    io:format("4. Job 2 is stopped.~n"),
    ok = regrow_dynamic_supervisor:terminate_child(Jobs, Second),
    print_count(Jobs),

    io:format("5. The others complete; after five seconds there is none.~n"),
    drill:advance(5000),
    print_count(Jobs),

    io:format("6. Temporary: a job that is killed is not started again.~n"),
    drill:kill(start_job(Jobs, 6, "crash_test")),
    drill:settle(),
    print_count(Jobs).

%% Temporary: a job that crashed halfway is not done again behind the back of whoever asked for it.
start_job(Jobs, Id, Data) ->
    Spec = #{id => job, start => {gen_server, start_link, [?MODULE, {Id, Data}, []]}, restart => temporary},
    {ok, Pid} = regrow_dynamic_supervisor:start_child(Jobs, Spec),
    Pid.

print_count(Jobs) ->
    Count = maps:from_list(regrow_dynamic_supervisor:count_children(Jobs)),
    io:format("   active ~b, specs ~b, supervisors ~b, workers ~b~n",
              [map_get(Key, Count) || Key <- [active, specs, supervisors, workers]]).

%% ---- a job ----

init({Id, Data}) ->
    io:format("   job ~b started with ~s~n", [Id, Data]),
    %% As erlang:send_after/3, by the clock of these programs.
    drill:send_after(self(), work_done, 5000),
    {ok, Id}.

handle_call(_, _, Id) -> {noreply, Id}.

handle_cast(_, Id) -> {noreply, Id}.

handle_info(work_done, Id) ->
    io:format("   job ~b completed~n", [Id]),
    {stop, normal, Id}.
