%% Exercise 2: a to-do list for each name, kept by a server that is started when it is first asked for.
%%
%%     TodoSystem           supervisor, one_for_one
%%     |- Registry          which server has which list
%%     `- todo_cache        dynamic supervisor
%%        |- "Bob's list"   server, temporary
%%        `- ...
-module(exercise_2_todo).
-behaviour(gen_server).
-export([main/0, start_server/1]).
-export([init/1, handle_call/3, handle_cast/2]).

main() ->
    {ok, Starts} = regrow_agent:start_link(fun() -> 0 end),
    register(starts, Starts),
    {ok, _} = regrow_supervisor:start_link(drill:start(), ?MODULE, system),

    io:format("1. Bob and Alice have lists of their own.~n"),
    Bob = server_process("Bob's list"),
    add_entry("Bob's list", "2026-01-22", "Dentist"),
    Alice = server_process("Alice's list"),
    add_entry("Alice's list", "2026-01-22", "Meeting"),
    add_entry("Alice's list", "2026-01-23", "Train"),
    add_entry("Alice's list", "2026-01-22", "Dinner"),
    io:format("   different processes: ~s~n", [drill:yes_or_no(Bob =/= Alice)]),
    print_entries("Bob's list", "2026-01-22"),
    print_entries("Alice's list", "2026-01-22"),

    io:format("2. Bob's server is killed. Nobody starts it again ...~n"),
    drill:kill(Bob),
    drill:settle(),
    Lost = add_entry_if_there("Bob's list", "2026-01-22", "lost"),
    Active = proplists:get_value(active, regrow_dynamic_supervisor:count_children(todo_cache)),
    io:format("   children: ~b; a cast to his list's key: ~s~n", [Active, drill:code(Lost)]),
    io:format("   Alice's is the same: ~s~n", [drill:yes_or_no(server_process("Alice's list") =:= Alice)]),
    print_entries("Alice's list", "2026-01-22"),

    io:format("3. ... before it is asked for. His entries were in its memory.~n"),
    NewBob = server_process("Bob's list"),
    io:format("   a new process: ~s~n", [drill:yes_or_no(NewBob =/= Bob)]),
    print_entries("Bob's list", "2026-01-22"),
    add_entry("Bob's list", "2026-01-22", "Dentist, again"),
    print_entries("Bob's list", "2026-01-22"),

    io:format("4. Many ask for a new list at once.~n"),
    Before = count_starts(),
    Visits = [regrow_task:async(fun() -> server_process("x") end) || _ <- lists:seq(1, 50)],
    [First | Others] = regrow_task:await_many(Visits, infinity),
    io:format("   50 asked, ~b started, ~b got another pid than the first~n",
              [count_starts() - Before, length([Pid || Pid <- Others, Pid =/= First])]).

count_starts() -> regrow_agent:get(starts, fun(Count) -> Count end).

%% ---- the cache ----

%% Of many who ask at once one starts the server; the others are told who that is.
server_process(List) ->
    Spec = #{id => List, start => {?MODULE, start_server, [List]}, restart => temporary},
    case regrow_dynamic_supervisor:start_child(todo_cache, Spec) of
        {ok, Pid} -> Pid;
        {error, {already_started, Pid}} -> Pid
    end.

%% ---- a list ----

%% To a server that is there for certain: a cast to whoever may have the name would be lost when nobody has.
add_entry(List, Date, Title) -> gen_server:cast(server_process(List), {add_entry, {Date, Title}}).

%% gen_server:cast/2 is ok also when nobody has the name, so that is looked up here.
add_entry_if_there(List, Date, Title) ->
    case drill:whereis(drill:via({todo_server, List})) of
        undefined -> {error, not_found};
        Pid -> gen_server:cast(Pid, {add_entry, {Date, Title}})
    end.

print_entries(List, Date) ->
    Titles = [[" ", Title, ";"] || {_, Title} <- gen_server:call(server_process(List), {entries, Date})],
    io:format("   ~s on ~s:~s~n", [List, Date, case Titles of [] -> " nothing"; _ -> Titles end]).

start_server(List) -> gen_server:start_link(drill:via({todo_server, List}), ?MODULE, {list, List}, []).

%% ---- callbacks: of the system, and of a list, whose state is the entries, the last added first ----

init(system) ->
    Start = {regrow_dynamic_supervisor, start_link, [drill:runtime(), #{name => {local, todo_cache}}]},
    {ok, {#{}, [#{id => registry, kind => registry, keys => unique, name => <<"Registry">>},
                #{id => todo_cache, type => supervisor, start => Start}]}};
init({list, List}) ->
    io:format("   starting a server for ~s~n", [List]),
    ok = regrow_agent:update(starts, fun(Count) -> Count + 1 end),
    {ok, []}.

handle_call({entries, Date}, _, Entries) ->
    {reply, [Entry || {Day, _} = Entry <- lists:reverse(Entries), Day =:= Date], Entries}.

handle_cast({add_entry, Entry}, Entries) -> {noreply, [Entry | Entries]}.
