%% Exercise 3: a pool of database connections, each in the hands of a worker that may crash.
%%
%%     DatabaseSystem       supervisor, one_for_one
%%     |- Registry          where worker N is: {db_worker, N}
%%     `- database_pool     supervisor, one_for_one: a query leads to the worker phash2(Query, 3) + 1
%%        `- 1, 2, 3        servers
%%
%% A query asks for whoever is there now, and waits while that is nobody: a restart is none of its business.
-module(exercise_3_database).
-behaviour(gen_server).
-export([main/0, start_worker/1]).
-export([init/1, handle_call/3, handle_cast/2]).

main() ->
    Runtime = drill:start(),
    {ok, _} = regrow_table:new(Runtime, [public, {name, <<"connections">>}]),
    Users = <<"SELECT * FROM users">>,
    Posts = <<"SELECT * FROM posts">>,

    io:format("1. Three workers, each with its connection.~n"),
    {ok, _} = regrow_supervisor:start_link(Runtime, ?MODULE, system),
    [query(Sql) || Sql <- [Users, Posts]],

    io:format("2. {db_worker, 2} is killed. Queries go on, also the next one to it, over a fresh connection.~n"),
    kill_worker(2),
    [query(Sql) || Sql <- [Users, Posts]],

    io:format("3. A query that fails is its worker's end, and nobody else's.~n"),
    [query(Sql) || Sql <- [<<"DROP EVERYTHING">>, Users, Posts]],

    io:format("4. What a worker was at when it was killed is lost; it may have had its effect. What waited is not.~n"),
    %% The restarts until now do not count any more.
    drill:advance(10000),
    [First, Second] = [send_query(Users), send_query(Users)],
    drill:advance(25),
    kill_worker(2),
    drill:settle(),
    [print_outcome(Users, finish(Query)) || Query <- [First, Second]],

    io:format("5. Four kills within five seconds are the pool's end too, and the system starts another.~n"),
    drill:advance(10000),
    Before = whereis(database_pool),
    Outcomes = [begin kill_worker(2), finish(send_query(Users)) end || _ <- lists:seq(1, 4)],
    io:format("   a new pool: ~s; queries: ~b answered, ~b errors~n",
              [drill:yes_or_no(whereis(database_pool) =/= Before), length([ok || {ok, _} <- Outcomes]),
               length([error || {error, _} <- Outcomes])]).

kill_worker(Id) -> drill:kill(drill:whereis(drill:via({db_worker, Id}))).

%% ---- queries ----

query(Sql) -> print_outcome(Sql, finish(send_query(Sql))).

%% It goes on by itself while this process moves the clock.
send_query(Sql) ->
    Query = regrow_task:async(fun() -> drill:ask({db_worker, erlang:phash2(Sql, 3) + 1}, {query, Sql}) end),
    drill:settle(),
    Query.

%% Lets time go on until there is an outcome.
finish(Query) ->
    case regrow_task:yield(Query, 0) of
        {ok, Outcome} -> Outcome;
        undefined -> drill:advance(50), finish(Query)
    end.

print_outcome(_, {ok, {Result, {Id, Connection, QueryCount}}}) ->
    io:format("   ~s (worker ~b, its connection ~b, query ~b)~n", [Result, Id, Connection, QueryCount]);
print_outcome(Sql, {error, Reason}) ->
    io:format("   ~s: the worker ended, ~w~n", [Sql, Reason]).

%% ---- callbacks: of the supervisors, and of a worker ----

start_worker(Id) -> gen_server:start_link(drill:via({db_worker, Id}), ?MODULE, {worker, Id}, []).

init(system) ->
    Start = {regrow_supervisor, start_link, [drill:runtime(), {local, database_pool}, ?MODULE, pool]},
    {ok, {#{}, [#{id => registry, kind => registry, keys => unique, name => <<"Registry">>},
                #{id => database_pool, type => supervisor, start => Start}]}};
init(pool) ->
    {ok, {#{intensity => 3}, [#{id => {db_worker, Id}, start => {?MODULE, start_worker, [Id]}} || Id <- [1, 2, 3]]}};
%% The table counts the connections that each worker has had, over all its lives.
init({worker, Id}) ->
    io:format("   db worker ~b is connecting~n", [Id]),
    {ok, Connections} = regrow_table:whereis(drill:runtime(), <<"connections">>),
    {ok, Connection} = regrow_table:update_counter(Connections, Id, 1, {Id, 0}),
    {ok, {Id, Connection, 0}}.

handle_call({Request, {query, Sql}}, _, {Id, Connection, QueryCount} = State) ->
    drill:begin_with(Request),
    drill:sleep(50),
    case Sql of
        <<"SELECT ", _/binary>> ->
            New = {Id, Connection, QueryCount + 1},
            {reply, {["Result for: ", Sql], New}, New};
        _ ->
            {stop, syntax_error, State}
    end.

handle_cast(_, State) -> {noreply, State}.
