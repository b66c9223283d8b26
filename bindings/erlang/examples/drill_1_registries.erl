%% Drill 1: registries find processes by keys of any shape, and forget them before anyone can know of their end.
-module(drill_1_registries).
-export([main/0]).

main() ->
    Runtime = drill:start(),
    {ok, MyRegistry} = regrow_registry:start(Runtime, #{keys => unique}),

    io:format("1. Five processes register as {task, Number}.~n"),
    [First, Second, Third, Fourth, Fifth] = [spawn(fun() -> worker(MyRegistry, Id) end) || Id <- lists:seq(1, 5)],
    %% A spawn does not wait for what the process does first.
    drill:settle(),
    print_count("my_registry", MyRegistry),

    io:format("2. One is found by its key, and gets a message.~n"),
    look_up(MyRegistry, 2) ! {work, "important task"},
    drill:settle(),

    io:format("3. A second process for the same key is refused.~n"),
    {error, {Already, Holder}} = Error = regrow_registry:register(MyRegistry, {task, 2}, First, undefined),
    io:format("   ~s, {already_registered, Pid}: ~s; Pid is who has it: ~s~n",
              [drill:code(Error), drill:yes_or_no(Already =:= already_registered), drill:yes_or_no(Holder =:= Second)]),

    io:format("4. Who ends is not found any more, neither killed nor by itself.~n"),
    drill:kill(Third),
    look_up(MyRegistry, 3),
    drill:end_by(fun(Pid) -> Pid ! stop end, Fourth),
    look_up(MyRegistry, 4),
    %% A lookup is never stale; a count may be, for a moment.
    drill:settle(),
    print_count("my_registry", MyRegistry),

    io:format("5. In a duplicate registry many processes have one key, and one may have it twice.~n"),
    {ok, Crowd} = regrow_registry:start(Runtime, #{keys => duplicate}),
    [ok = regrow_registry:register(Crowd, workers, Pid, undefined) || Pid <- [First, Second, Fifth, Fifth]],
    print_count("crowd", Crowd),
    drill:kill(Fifth),
    regrow_registry:dispatch(Crowd, workers, fun(Entries) ->
        io:format("   one of them ends, and ~b entries are left to dispatch to~n", [length(Entries)])
    end).

worker(MyRegistry, Id) ->
    ok = regrow_registry:register(MyRegistry, {task, Id}, {priority, 10 - Id}),
    loop(Id).

loop(Id) ->
    receive
        {work, Data} ->
            io:format("   task ~b works at: ~s~n", [Id, Data]),
            loop(Id);
        stop ->
            ok
    end.

look_up(MyRegistry, Id) ->
    case regrow_registry:lookup(MyRegistry, {task, Id}) of
        {ok, []} ->
            io:format("   {task,~b}: 0 found~n", [Id]);
        {ok, [{Pid, Value}]} ->
            io:format("   {task,~b}: 1 found, beside it ~w~n", [Id, Value]),
            Pid
    end.

print_count(What, Registry) ->
    {ok, Count} = regrow_registry:count(Registry),
    io:format("   ~s: ~b entries~n", [What, Count]).
