%% Drill 3: how far an error goes is decided by the tree. Each answer below is read off the pids.
%%
%%     System               supervisor, one_for_one
%%     |- Registry          where the database's workers are
%%     |- Database          supervisor, one_for_one
%%     |  |- 1, 2, 3        servers, registered as {db_worker, N}
%%     |- Cache             server
%%     `- API               server
-module(drill_3_trees).
-behaviour(gen_server).
-export([main/0, start_server/2, start_supervisor/2]).
-export([init/1, handle_call/3, handle_cast/2]).

main() ->
    _ = drill:start(),
    %% The end of a system is to be looked at, and not to be shared.
    process_flag(trap_exit, true),
    Others = [server('Cache', none), server('API', none)],

    io:format("1. The tree:~n"),
    {ok, First} = start_supervisor('System', [registry(), database() | Others]),
    io:format("   System~n"),
    draw('System', 2),

    io:format("2. A database worker crashes:~n"),
    crash('Worker2', 1),
    io:format("3. The database crashes:~n"),
    crash('Database', 1),
    io:format("4. The cache crashes:~n"),
    crash('Cache', 1),
    ok = gen_server:stop(First),

    io:format("5. The registry before the database, because the other way round the workers find none:~n"),
    {error, Reason} = Error = start_supervisor('System', [database(), registry() | Others]),
    io:format("   ~s~n   ~w~n", [drill:code(Error), Reason]),

    io:format("6. A supervisor of its own for the database: what is too much for it is one restart for the system.~n"),
    {ok, Second} = start_supervisor('System', [registry(), database() | Others]),
    crash('Worker1', 4),
    ok = gen_server:stop(Second),
    io:format("   With the workers directly under the system it is the system's end:~n"),
    {ok, _} = start_supervisor('System', [registry()] ++ workers() ++ Others),
    crash('Worker1', 4).

%% ---- the tree ----

server(Name, Key) -> #{id => Name, start => {?MODULE, start_server, [Name, Key]}}.

workers() -> [server(Name, {db_worker, Name}) || Name <- ['Worker1', 'Worker2', 'Worker3']].

database() -> #{id => 'Database', type => supervisor, start => {?MODULE, start_supervisor, ['Database', workers()]}}.

%% A native child, with a name in the runtime.
registry() -> #{id => 'Registry', kind => registry, keys => unique, name => <<"Registry">>}.

start_server(Name, Key) -> gen_server:start_link({local, Name}, ?MODULE, Key, []).

start_supervisor(Name, Children) ->
    regrow_supervisor:start_link(drill:runtime(), {local, Name}, ?MODULE, {supervisor, Children}).

init({supervisor, Children}) ->
    {ok, {#{strategy => one_for_one, intensity => 3, period => 5}, Children}};
init(none) ->
    {ok, none};
%% The database's workers register, so there must be a registry when they start.
init(Key) ->
    case regrow:whereis(drill:runtime(), <<"Registry">>) of
        {ok, Registry} ->
            ok = regrow_registry:register(Registry, Key, undefined),
            {ok, Key};
        {error, not_found} ->
            {stop, noproc}
    end.

handle_call(_, _, State) -> {noreply, State}.

handle_cast(_, State) -> {noreply, State}.

%% ---- looking at it ----

%% Children are told the last started first; drawn they are in the order of their start. Of a native child
%% which_children/1 tells the kind, of the others the modules.
draw(Supervisor, Depth) ->
    [begin
        Kind =
            case {Type, Modules} of
                {supervisor, _} -> supervisor;
                {worker, [?MODULE]} -> server;
                {worker, [Native]} -> Native
            end,
        io:format("~s~w, ~s~n", [lists:duplicate(3 * Depth, $\s), Id, Kind]),
        Kind =:= supervisor andalso draw(Pid, Depth + 1)
     end || {Id, Pid, Type, Modules} <- lists:reverse(regrow_supervisor:which_children(Supervisor))].

%% Kills who has that name, so many times, and tells who has another pid than before, and who has none.
crash(Name, Times) ->
    %% Earlier restarts do not count any more.
    drill:advance(10000),
    Before = look(),
    [begin drill:kill(erlang:whereis(Name)), drill:settle() end || _ <- lists:seq(1, Times)],
    Often = case Times of 1 -> "once"; 4 -> "four times" end,
    Changes = [[case Now of undefined -> " no "; _ -> " new " end, atom_to_list(Who), ","]
               || {{Who, Old}, {Who, Now}} <- lists:zip(Before, look()), Old =/= Now],
    io:format("   ~s is killed ~s:~s all else as before~n", [Name, Often, Changes]).

look() ->
    Registry = case regrow:whereis(drill:runtime(), <<"Registry">>) of {ok, Pid} -> Pid; _ -> undefined end,
    Local = fun(Names) -> [{Name, erlang:whereis(Name)} || Name <- Names] end,
    Local(['System']) ++ [{'Registry', Registry}]
        ++ Local(['Database', 'Worker1', 'Worker2', 'Worker3', 'Cache', 'API']).
