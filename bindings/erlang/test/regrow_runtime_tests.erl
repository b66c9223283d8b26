%% Runtimes end with their owners, with their handles, and with what looks after them; and no call holds a scheduler up.
-module(regrow_runtime_tests).
-include_lib("eunit/include/eunit.hrl").

runtime_test_() ->
    [{Name, {timeout, regrow_test:limit(120), Test}}
     || {Name, Test} <-
            [{"a runtime ends with its owner", fun owner/0},
             {"a runtime ends with its steward", fun steward/0},
             {"a handle that is collected ends its runtime", fun collected/0},
             {"the end of a runtime ends nobody for being registered there", fun registered/0},
             {"processes of the BEAM do not keep a runtime from ending at once", fun ends_at_once/0},
             {"a manual clock stands still until it is moved", fun clock/0},
             {"the NIF is found although another folder is named as the application", fun found/0},
             {"timers are on the runtime's clock, for processes of both kinds", fun timers/0},
             {"a runtime that cannot end in time says who is stuck, and ends later", fun stuck/0},
             {"the log goes to logger", fun log/0},
             {"the module is purged and loaded anew while native processes run", fun purged/0},
             {"a call waits for room in a mailbox, and its scheduler does not", fun full_mailbox/0},
             {"no call holds a scheduler for a millisecond", fun schedulers/0},
             {"10,000 operations whose owners are killed leave nothing behind", fun nothing_left/0}]].

alive(Root) -> regrow:is_alive(Root).

%% An entry is a link with its registry, which is killed with all others in no order.
registered() ->
    [begin
        {Pid, Monitor} = spawn_monitor(fun() ->
            Runtime = regrow_test:runtime(),
            {ok, Registry} = regrow_registry:start(Runtime, #{}),
            ok = regrow_registry:register(Registry, key, self(), value),
            ok = regrow:shutdown(Runtime),
            %% What a killed registry sends would be on its way.
            timer:sleep(20),
            exit(spared)
        end),
        ?assertEqual({'DOWN', Monitor, process, Pid, spared}, regrow_test:receive_one())
     end || _ <- lists:seq(1, 30)].

%% What stands outside a runtime's tree and traps exits, as those processes do, has 100 ms to end by itself. A runtime
%% that waited for it would wait each time; one that takes long now and then has waited for a processor.
ends_at_once() ->
    Took = [end_one() || _ <- lists:seq(1, 10)],
    ?assert(lists:min(Took) < 50000 orelse lists:any(fun(_) -> end_one() < 50000 end, lists:seq(1, 90))).

end_one() ->
    Runtime = regrow_test:runtime(),
    {ok, Registry} = regrow_registry:start(Runtime, #{}),
    Others = [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, 10)],
    [ok = regrow_registry:register(Registry, Pid, Pid, value) || Pid <- [self() | Others]],
    Monitor = regrow:monitor(Registry),
    {Microseconds, ok} = timer:tc(fun() -> regrow:shutdown(Runtime) end),
    ?assertMatch({'DOWN', Monitor, process, Registry, _}, regrow_test:receive_one()),
    ?assertEqual([], [Pid || Pid <- Others, not is_process_alive(Pid)]),
    [Pid ! stop || Pid <- Others],
    Microseconds.

owner() ->
    Test = self(),
    Owner = spawn(fun() ->
        Runtime = regrow_test:runtime(),
        {ok, Registry} = regrow_registry:start(Runtime, #{}),
        Test ! {up, Runtime, Registry},
        receive stop -> ok end
    end),
    %% That others have the handle too does not keep it alive.
    {up, Runtime, Registry} = regrow_test:receive_one(),
    Monitor = regrow:monitor(Registry),
    exit(Owner, kill),
    ?assertMatch({'DOWN', Monitor, process, Registry, Reason} when Reason =:= shutdown; Reason =:= killed,
                 regrow_test:receive_one()),
    ?assert(regrow_test:until(fun() -> not alive(regrow:root(Runtime)) end)),
    ?assert(regrow_test:until(fun() -> element(1, regrow_registry:start(Runtime, #{})) =:= error end)),
    %% One who is dead from the first.
    {Dead, Down} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Down, process, Dead, _} -> ok end,
    {ok, Orphan} = regrow:init(#{owner => Dead}),
    ?assert(regrow_test:until(fun() -> not alive(regrow:root(Orphan)) end)).

steward() ->
    Runtime = regrow_test:runtime(),
    Root = regrow:root(Runtime),
    exit(regrow_nif:steward(Root), kill),
    ?assert(regrow_test:until(fun() -> not alive(Root) end)),
    ?assert(regrow_test:until(fun() -> element(1, regrow:stats(Runtime)) =:= error end)).

collected() ->
    Test = self(),
    Keeper = spawn_link(fun() ->
        Test ! {root, regrow:root(regrow_test:runtime())},
        erlang:garbage_collect(),
        receive stop -> ok end
    end),
    {root, Root} = regrow_test:receive_one(),
    ?assert(regrow_test:until(fun() -> not alive(Root) end)),
    Keeper ! stop.

clock() ->
    Runtime = regrow_test:runtime(#{clock => manual}),
    Actor = regrow_test:actor(Runtime),
    Test = self(),
    spawn_link(fun() -> Test ! {outcome, regrow:call(Actor, {sleep, 60000}, 1000)} end),
    ?assert(regrow_test:until(fun() -> regrow:settle(Runtime) =:= {ok, {waiting, 1000, sleep}} end)),
    ok = regrow:advance(Runtime, 999),
    ?assertEqual({ok, {waiting, 1000, sleep}}, regrow:settle(Runtime)),
    ok = regrow:advance(Runtime, 1),
    ?assertEqual({outcome, {error, timeout}}, regrow_test:receive_one()),
    ?assertEqual({ok, 1000}, regrow:now(Runtime)),
    regrow_test:over(Runtime).

found() ->
    Ebin = filename:dirname(code:which(regrow_nif)),
    Folder = filename:join(filename:dirname(code:which(?MODULE)), "regrow-other"),
    ok = filelib:ensure_dir(filename:join(Folder, "file")),
    ?assertEqual("true", os:cmd("erl -noshell -pa " ++ Ebin ++ " -pa " ++ Folder ++
                                " -eval 'io:format(\"~p\", [regrow:is_native(self()) =:= false]), halt().'")).

timers() ->
    Runtime = regrow_test:runtime(#{clock => manual}),
    Actor = regrow_test:actor(Runtime),
    {ok, Timer} = regrow_timer:send_after(Runtime, 100, self(), hello),
    {ok, _} = regrow_timer:send_after(Runtime, 200, Actor, there),
    {ok, Cancelled} = regrow_timer:send_after(Runtime, 150, self(), never),
    ?assertEqual({ok, {waiting, 100, user}}, regrow:settle(Runtime)),
    ok = regrow:advance(Runtime, 40),
    ?assertEqual({ok, 60}, regrow_timer:read(Runtime, Timer)),
    ?assertEqual({ok, 110}, regrow_timer:cancel(Runtime, Cancelled)),
    ?assertEqual({error, not_found}, regrow_timer:cancel(Runtime, Cancelled)),
    ok = regrow:advance(Runtime, 60),
    ?assertEqual({messages, [hello]}, process_info(self(), messages)),
    ?assertEqual({error, not_found}, regrow_timer:read(Runtime, Timer)),
    ok = regrow:advance(Runtime, 100),
    ?assertEqual({messages, [hello, {actor, there}]}, process_info(self(), messages)),
    %% It ends with the process that it is for.
    {Pid, Monitor} = spawn_monitor(fun() -> receive stop -> ok end end),
    {ok, Mine} = regrow_timer:send_after(Runtime, 100, Pid, late),
    Pid ! stop,
    receive {'DOWN', Monitor, process, Pid, normal} -> ok end,
    ?assert(regrow_test:until(fun() -> regrow:settle(Runtime) =:= {ok, quiet} end)),
    ?assertEqual({error, not_found}, regrow_timer:read(Runtime, Mine)),
    ?assertEqual({error, noproc}, regrow_timer:send_after(Runtime, 100, Pid, late)),
    [?assertError(badarg, regrow_timer:send_after(Runtime, Ms, To, x))
     || {Ms, To} <- [{-1, self()}, {x, self()}, {1, name}]],
    [?assertError(badarg, regrow_timer:Function(Runtime, x)) || Function <- [cancel, read]],
    ?assertEqual({error, not_found}, regrow_timer:cancel(Runtime, make_ref())),
    regrow_test:over(Runtime).

stuck() ->
    Runtime = regrow_test:runtime(),
    Actor = regrow_test:actor(Runtime),
    Other = regrow_test:runtime(),
    Friend = regrow_test:actor(Other),
    spawn(fun() -> regrow:call(Actor, {wedge}, infinity) end),
    ?assert(regrow_test:until(fun() -> regrow:call(Friend, {is_wedged}) =:= {ok, {ok, true}} end)),
    %% In which all others end.
    ?assertEqual({error, {stuck, [Actor]}}, regrow:shutdown(Runtime, 2000)),
    {ok, {ok, _}} = regrow:call(Friend, {free}),
    ?assert(regrow_test:until(fun() -> regrow:shutdown(Runtime) =:= {error, not_alive} end)),
    regrow_test:over(Other).

log() ->
    Test = self(),
    Runtime = regrow_test:runtime(),
    ok = logger:add_handler(?MODULE, regrow_test, #{config => Test}),
    {error, boom} = regrow:call(regrow_test:actor(Runtime), {crash, boom}),
    %% Processes of tests before may still log something.
    #{level := Level, msg := {_, [Text]}} = receive {log, #{meta := #{domain := [regrow]}} = Event} -> Event end,
    ok = logger:remove_handler(?MODULE),
    ?assertEqual(error, Level),
    ?assertNotEqual(nomatch, string:find(Text, "boom")),
    regrow_test:over(Runtime).

purged() ->
    Runtime = regrow_test:runtime(),
    Actor = regrow_test:actor(Runtime),
    Monitor = regrow:monitor(Actor),
    [begin
         Test = self(),
         spawn_link(fun() -> Test ! {slept, regrow:call(Actor, {sleep, 5})} end),
         code:purge(regrow_nif),
         {module, regrow_nif} = code:load_file(regrow_nif),
         ?assertEqual({slept, {ok, {ok, []}}}, regrow_test:receive_one())
     end || _ <- lists:seq(1, 50)],
    code:purge(regrow_nif),
    code:delete(regrow_nif),
    code:purge(regrow_nif),
    ?assertEqual({ok, 1}, regrow:call(Actor, {echo, 1})),
    true = regrow:exit(Actor, kill),
    ?assertEqual({'DOWN', Monitor, process, Actor, killed}, regrow_test:receive_one()),
    regrow_test:over(Runtime).

full_mailbox() ->
    Runtime = regrow_test:runtime(),
    regrow_test:plugin(actor),
    {ok, Narrow} = regrow:start(Runtime, #{kind => behaviour, behaviour => <<"narrow">>, arg => self()}),
    Holder = regrow_test:hold(Narrow),
    ?assertEqual(ok, regrow:send(Narrow, first)),
    ?assertEqual(wait, regrow_nif:send(Narrow, refused)),
    Test = self(),
    spawn_link(fun() -> Test ! {sent, regrow:send(Narrow, second)} end),
    regrow_test:let_go(Holder),
    ?assertEqual([{actor, first}, {actor, second}], [receive {actor, _} = Told -> Told end || _ <- [first, second]]),
    ?assertEqual(ok, receive {sent, Sent} -> Sent end),
    regrow_test:over(Runtime).

%% Each kind of call, small and large, many times under load: which of them is seen to hold its scheduler. What is slow
%% is slow each time; a scheduler that waits for a processor is seen now and then, on a busy machine often, and not ten
%% times over.
schedulers() ->
    Runtime = regrow_test:runtime(),
    Actor = regrow_test:actor(Runtime, none),
    {ok, Registry} = regrow_registry:start(Runtime, #{keys => duplicate}),
    {ok, Pubsub} = regrow_pubsub:start(Runtime, #{}),
    {ok, Table} = regrow_table:new(Runtime, [public]),
    {ok, Large} = regrow_table:new(Runtime, [public]),
    Objects = [{N, N} || N <- lists:seq(1, 50000)],
    ok = regrow_table:insert(Large, Objects),
    ok = regrow_table:insert(Table, {large, Objects}),
    Members = [spawn_link(fun Loop() -> receive stop -> ok; _ -> Loop() end end) || _ <- lists:seq(1, 3000)],
    [ok = regrow_pubsub:join(Pubsub, group, Pid) || Pid <- Members],
    [ok = regrow_pubsub:subscribe(Pubsub, <<"topic">>, #{pid => Pid}) || Pid <- Members],
    [ok = regrow_registry:register(Registry, key, Pid, []) || Pid <- Members],
    Binary = binary:copy(<<"x">>, 10000000),
    Load = [spawn_link(fun() -> load(Actor, Registry) end) || _ <- lists:seq(1, 2)],
    Calls = [{"a call", 1000, fun() -> regrow:call(Actor, {echo, a}) end},
             {"a call with a large answer", 20, fun() -> regrow:call(Actor, {echo, Objects}) end},
             {"a call with a large binary", 20, fun() -> regrow:call(Actor, {echo, Binary}) end},
             {"a call that waits", 20, fun() -> regrow:call(Actor, {sleep, 5}) end},
             {"a large cast", 20, fun() -> regrow:cast(Actor, Objects) end},
             {"an entry", 1000, fun() -> regrow_registry:register(Registry, own, []), regrow_registry:unregister(Registry, own) end},
             {"3,000 entries", 20, fun() -> regrow_registry:lookup(Registry, key) end},
             {"a select", 20, fun() -> regrow_registry:select(Registry, [{{'$1', '_', '_'}, [], ['$1']}]) end},
             {"a group of 3,000", 20, fun() -> regrow_pubsub:send(Pubsub, group, hello) end},
             {"a topic of 3,000", 20, fun() -> regrow_pubsub:broadcast(Pubsub, <<"topic">>, hello) end},
             {"3,000 members", 20, fun() -> regrow_pubsub:members(Pubsub, group) end},
             {"an object", 1000, fun() -> regrow_table:insert(Table, {a, b}), regrow_table:lookup(Table, a) end},
             {"a large object", 20, fun() -> regrow_table:lookup(Table, large) end},
             {"a large list of objects", 20, fun() -> regrow_table:insert(Table, Objects), regrow_table:delete_all_objects(Table),
                                                      regrow_table:insert(Table, {large, Objects}) end},
             {"a whole table", 20, fun() -> regrow_table:tab2list(Large) end},
             {"a search", 20, fun() -> regrow_table:match(Large, {'$1', 1}) end},
             {"starting and stopping", 100, fun() -> {ok, Pid} = regrow:start(Runtime, #{kind => agent}), regrow:stop(Pid) end},
             {"a runtime", 10, fun() -> {ok, Other} = regrow:init(), regrow:shutdown(Other) end},
             {"links and monitors", 100, fun() -> regrow:link(Actor), regrow:demonitor(Actor, regrow:monitor(Actor)), regrow:unlink(Actor) end}],
    IsHeld = fun(Count, Call) -> held(Count, Call) > Count div 4 + 1 end,
    Held = [What || {What, Count, Call} <- Calls, lists:all(fun(_) -> IsHeld(Count, Call) end, lists:seq(1, 10))],
    [begin unlink(Pid), exit(Pid, kill) end || Pid <- Load],
    [begin unlink(Pid), Pid ! stop end || Pid <- Members],
    regrow_test:over(Runtime),
    ?assertEqual([], Held).

load(Actor, Registry) ->
    _ = regrow:call(Actor, {echo, lists:seq(1, 100)}),
    _ = regrow_registry:lookup(Registry, none),
    load(Actor, Registry).

%% How often a call in a process of its own was seen to run for a millisecond, in this library's NIF.
held(Count, Call) ->
    Test = self(),
    Watch = spawn_link(fun() -> erlang:system_monitor(self(), [{long_schedule, 1}]), Test ! watching, watch(0) end),
    receive watching -> ok end,
    {Pid, Monitor} = spawn_monitor(fun() -> receive go -> [Call() || _ <- lists:seq(1, Count)] end end),
    Watch ! {only, Pid},
    Pid ! go,
    receive {'DOWN', Monitor, process, Pid, Reason} -> ?assertEqual(normal, Reason) end,
    erlang:system_monitor(undefined),
    Watch ! {seen, self()},
    receive {seen, Seen} -> Seen end.

watch(Seen) -> receive {only, Pid} -> watch(Pid, Seen) end.

watch(Pid, Seen) ->
    receive
        {monitor, Pid, long_schedule, Info} ->
            InNif = [place || {Way, {regrow_nif, _, _}} <- Info, Way =:= in orelse Way =:= out],
            watch(Pid, Seen + min(1, length(InNif)));
        {seen, Test} -> Test ! {seen, Seen};
        _ -> watch(Pid, Seen)
    end.

%% Random operations by processes that are killed at any moment, some of them the owners of runtimes.
nothing_left() ->
    rand:seed(exsss, {7, 8, 9}),
    Kept = regrow_test:runtime(),
    {ok, Registry} = regrow_registry:start(Kept, #{keys => duplicate}),
    {ok, Pubsub} = regrow_pubsub:start(Kept, #{}),
    Actor = regrow_test:actor(Kept, none),
    %% Those that are linked with it are killed.
    {ok, {ok, []}} = regrow:call(Actor, {trap}),
    Round = fun(Operations) ->
        Workers = [spawn_monitor(fun() -> rand:seed(exsss, {N, Operations, 1}), operate(Kept, Registry, Pubsub, Actor, Operations) end)
                   || N <- lists:seq(1, 8)],
        [begin timer:sleep(rand:uniform(5)), exit(Pid, kill) end || {Pid, _} <- Workers, rand:uniform(2) =:= 1],
        [receive {'DOWN', Monitor, process, Pid, _} -> ok end || {Pid, Monitor} <- Workers]
    end,
    [Round(20) || _ <- lists:seq(1, 20)],
    Before = settled(Kept),
    [Round(25) || _ <- lists:seq(1, regrow_test:rounds(50))],
    After = settled(Kept),
    ?assertEqual(setelement(5, Before, 0), setelement(5, After, 0)),
    ?assert(element(5, After) - element(5, Before) < 30000),
    ?assertEqual({ok, 0}, regrow_registry:count(Registry)),
    ?assertEqual({ok, []}, regrow_pubsub:which_groups(Pubsub)),
    regrow_test:over(Kept).

%% What is left once it is the same three times.
settled(Runtime) -> settled(Runtime, left(Runtime), 0, 200).

settled(_, Left, 3, _) -> Left;
settled(_, Left, _, 0) -> {unsettled, Left};
settled(Runtime, Left, Times, Looks) ->
    timer:sleep(400),
    [erlang:garbage_collect(Pid) || Pid <- processes()],
    Now = left(Runtime),
    case setelement(5, Now, 0) =:= setelement(5, Left, 0) of
        true -> settled(Runtime, Now, Times + 1, Looks - 1);
        false -> settled(Runtime, Now, 0, Looks - 1)
    end.

%% Native processes, processes of the BEAM, files, threads, and resident memory in kilobytes.
left(Runtime) ->
    {ok, #{processes := Native}} = regrow:stats(Runtime),
    {ok, Files} = file:list_dir("/proc/self/fd"),
    {ok, Threads} = file:list_dir("/proc/self/task"),
    {ok, Status} = file:read_file("/proc/self/status"),
    {match, [Resident]} = re:run(Status, "VmRSS:\\s+(\\d+)", [{capture, all_but_first, list}]),
    {Native, length(processes()), length(Files), length(Threads), list_to_integer(Resident)}.

operate(_, _, _, _, 0) -> ok;
operate(Kept, Registry, Pubsub, Actor, Left) ->
    _ = operation(rand:uniform(14), Kept, Registry, Pubsub, Actor),
    operate(Kept, Registry, Pubsub, Actor, Left - 1).

operation(1, _, Registry, _, _) -> regrow_registry:register(Registry, rand:uniform(5), binary:copy(<<"x">>, 10000));
operation(2, _, Registry, _, _) -> regrow_registry:lookup(Registry, rand:uniform(5));
operation(3, _, _, Pubsub, _) -> regrow_pubsub:join(Pubsub, rand:uniform(5));
operation(4, _, _, Pubsub, _) -> regrow_pubsub:send(Pubsub, rand:uniform(5), {hello, make_ref()});
operation(5, _, _, _, Actor) -> regrow:call(Actor, {echo, lists:seq(1, 2000)});
operation(6, _, _, _, Actor) -> regrow:monitor(Actor);
operation(7, _, _, _, Actor) -> regrow:call(Actor, {call, self(), hello, 1});
operation(8, Kept, _, _, _) -> {ok, Table} = regrow_table:new(Kept, []), regrow_table:insert(Table, {a, binary:copy(<<"x">>, 10000)});
operation(9, Kept, _, _, _) -> {ok, Agent} = regrow:start_link(Kept, #{kind => agent, initial => [self()]}), regrow:stop(Agent);
operation(10, _, _, _, Actor) -> regrow:link(Actor), regrow:unlink(Actor);
operation(11, Kept, _, _, _) -> regrow:register(Kept, {name, rand:uniform(5)}, self());
operation(12, _, _, _, Actor) -> regrow:call(Actor, {sleep, 3}, 1);
operation(13, _, _, _, _) -> {ok, Own} = regrow:init(#{workers => 1}), regrow_registry:start(Own, #{});
operation(14, _, _, _, Actor) -> regrow:send(Actor, {self(), fun() -> self() end}).
