%% The first lines of Pooly at the console, in Erlang, and what they give.
%%
%% A supervisor of workers that come and go is a dynamic one: each child is a spec of its own (`specs`), and
%% which_children/1 tells its module. A table is what new/2 gives, and not its name.
-module(console).
-behaviour(gen_server).
-export([main/0]).
-export([init/1, handle_call/3, handle_cast/2]).

main() ->
    Runtime = drill:start(),
    workers(Runtime),
    table(Runtime),
    monitor().

%% Shows a line and what it gives. Pids are numbered as they are first seen, so that two runs print the same.
show(Line, Given) ->
    io:format("~s~n  ~0p~n", [Line, numbered(Given)]),
    Given.

numbered(Pid) when is_pid(Pid) ->
    Seen = case get(seen) of undefined -> []; Pids -> Pids end,
    All = case lists:member(Pid, Seen) of true -> Seen; false -> Seen ++ [Pid] end,
    put(seen, All),
    list_to_atom("Pid" ++ integer_to_list(length(lists:takewhile(fun(One) -> One =/= Pid end, All)) + 1));
numbered(Tuple) when is_tuple(Tuple) -> list_to_tuple(numbered(tuple_to_list(Tuple)));
numbered(List) when is_list(List) -> [numbered(One) || One <- List];
numbered(Other) -> Other.

%% ---- a worker supervisor ----

workers(Runtime) ->
    io:format("-- a worker supervisor~n"),
    {ok, WorkerSup} = regrow_dynamic_supervisor:start_link(Runtime, #{max_restarts => 5, max_seconds => 5}),
    Spec = #{id => sample_worker, start => {gen_server, start_link, [?MODULE, [], []]}, modules => [?MODULE]},
    Start = fun() ->
        show("regrow_dynamic_supervisor:start_child(WorkerSup, Spec)",
             regrow_dynamic_supervisor:start_child(WorkerSup, Spec))
    end,
    Look = fun() ->
        show("regrow_dynamic_supervisor:which_children(WorkerSup)",
             lists:keysort(2, regrow_dynamic_supervisor:which_children(WorkerSup))),
        show("regrow_dynamic_supervisor:count_children(WorkerSup)",
             regrow_dynamic_supervisor:count_children(WorkerSup))
    end,
    Start(),
    Look(),
    {ok, Worker} = Start(),
    Ref = erlang:monitor(process, Worker),
    show("gen_server:call(Worker, stop)", gen_server:call(Worker, stop)),
    drill:settle(),
    print_down(Ref),
    %% The stopped one is permanent: another is there in its place.
    Look().

init(Arguments) -> {ok, Arguments}.

handle_call(stop, _, State) -> {stop, normal, ok, State}.

handle_cast(_, State) -> {noreply, State}.

print_down(Ref) ->
    receive
        {'DOWN', Ref, process, _, Reason} -> io:format("  {'DOWN',Ref,process,Pid,~w}~n", [Reason])
    after 0 -> nothing
    end.

%% ---- a table ----

table(Runtime) ->
    io:format("-- a table~n"),
    [{ok, _} = regrow_table:new(Runtime, Options) || Options <- [[], [set], [set, private]]],
    {ok, Faves} = regrow_table:new(Runtime, [set, private, {name, <<"mum_faves">>}]),
    [show(io_lib:format("regrow_table:insert(Faves, {~0p, 2025, ~0p})", [Name, Genre]),
          regrow_table:insert(Faves, {Name, 2025, Genre}))
     || {Name, Genre} <- [{"Bodyslam", "Rock"}, {"Oat Pramote", "Pop"}, {"GOT7", "Pop"}, {"Silly fool", "Rock"},
                          {"Potato", "Rock"}]],
    print_sorted("regrow_table:tab2list(Faves)", regrow_table:tab2list(Faves)),
    show("regrow_table:delete(Faves, \"GOT7\")", regrow_table:delete(Faves, "GOT7")),
    print_sorted("regrow_table:lookup(Faves, \"Bodyslam\")", regrow_table:lookup(Faves, "Bodyslam")),
    [print_sorted(io_lib:format("regrow_table:match(Faves, ~0p)", [Pattern]), regrow_table:match(Faves, Pattern))
     || Pattern <- [{'$1', 2025, '$2'}, {'$2', 2025, '$1'}, {'$1', 2025, '_'}]],
    Stranger = regrow_task:async(fun() ->
        {ok, Found} = regrow_table:whereis(Runtime, <<"mum_faves">>),
        regrow_table:lookup(Found, "Bodyslam")
    end),
    show("the same lookup by another process, since the table is private", regrow_task:await(Stranger)).

%% A set has no order that one may rely on, so its objects are shown sorted.
print_sorted(Line, {ok, Objects}) -> io:format("~s~n  ~0p~n", [Line, {ok, lists:sort(Objects)}]).

%% ---- a monitor ----

monitor() ->
    io:format("-- a monitor~n"),
    Pid = spawn(fun() -> drill:sleep(2000), exit(boom) end),
    Ref = erlang:monitor(process, Pid),
    io:format("Pid = spawn(fun() -> timer:sleep(2000), exit(boom) end)~nRef = erlang:monitor(process, Pid)~n"),
    drill:advance(1999),
    io:format("flush() after 1999 ms~n"),
    nothing = print_down(Ref),
    drill:advance(1),
    io:format("flush() after 2000 ms~n"),
    print_down(Ref).
