%% Servers, agents and tasks whose code is Erlang, beside native ones.
-module(regrow_modules_tests).
-include_lib("eunit/include/eunit.hrl").

modules_test_() ->
    {foreach, fun() -> regrow_test:runtime() end, fun(Runtime) -> regrow_test:over(Runtime) end,
     [fun(Runtime) -> {Name, {timeout, regrow_test:limit(60), fun() -> Test(Runtime) end}} end
      || {Name, Test} <- [{"an agent keeps a term, and goes by a key", fun agents/1},
                          {"an agent's functions that fail end it", fun agents_end/1},
                          {"a native agent's term is exchanged", fun native_agents/1},
                          {"both kinds of server are called the same way", fun servers/1},
                          {"a task gives its value, or says why not", fun tasks/1},
                          {"tasks end with their owner, and only that waits for them", fun owners/1},
                          {"a registry is a via module", fun via/1},
                          {"a registry is looked up by its number, and whatever the size", fun numbers/1},
                          {"a dispatch and values of entries", fun entries/1},
                          {"groups and topics reach both kinds", fun topics/1}]]}.

agents(Runtime) ->
    {ok, Registry} = regrow_registry:start(Runtime, #{}),
    {ok, Agent} = regrow_agent:start_link(fun() -> #{a => 1} end, [{name, {Registry, agent}}]),
    ?assertEqual(1, regrow_agent:get({Registry, agent}, fun(#{a := A}) -> A end)),
    ?assertEqual(ok, regrow_agent:update(Agent, fun(State) -> State#{a := 2} end)),
    ?assertEqual(2, regrow_agent:get_and_update(Agent, fun(#{a := A} = State) -> {A, State#{a := 3}} end)),
    ?assertEqual(ok, regrow_agent:cast({Registry, agent}, fun(State) -> State#{b => 1} end)),
    ?assertEqual(#{a => 3, b => 1}, regrow_agent:get(Agent, fun(State) -> State end)),
    ?assertMatch({error, {already_started, Agent}}, regrow_agent:start(fun() -> x end, [{name, {Registry, agent}}])),
    ok = regrow_agent:stop(Agent),
    ?assertExit({noproc, {regrow_server, call, [{Registry, agent}, _, 5000]}},
                regrow_agent:get({Registry, agent}, fun(State) -> State end)),
    ?assertError(badarg, regrow_agent:get(Agent, not_a_function)),
    ?assertError(badarg, regrow_agent:start(not_a_function)).

native_agents(Runtime) ->
    {ok, Agent} = regrow:start(Runtime, #{kind => agent, initial => #{count => 1}}),
    ?assertEqual({ok, #{count => 1}}, regrow_agent:fetch(Agent, 5000)),
    ?assertEqual({ok, false}, regrow_agent:exchange(Agent, #{count => 1.0}, other, 5000)),
    ?assertEqual({ok, true}, regrow_agent:exchange(Agent, #{count => 1}, 0, infinity)),
    %% Eight processes, and no update is lost.
    Increment = fun Increment(0) -> ok;
                    Increment(Left) ->
                        {ok, Count} = regrow_agent:fetch(Agent, 5000),
                        case regrow_agent:exchange(Agent, Count, Count + 1, 5000) of
                            {ok, true} -> Increment(Left - 1);
                            {ok, false} -> Increment(Left)
                        end
                end,
    Tasks = [regrow_task:async(fun() -> Increment(100) end) || _ <- lists:seq(1, 8)],
    ?assertEqual(lists:duplicate(8, ok), regrow_task:await_many(Tasks, 30000)),
    ?assertEqual({ok, 800}, regrow_agent:fetch(Agent, 5000)),
    {ok, Other} = regrow:start(Runtime, #{kind => pubsub}),
    ?assertEqual({error, wrong_kind}, regrow_agent:fetch(Other, 5000)),
    ?assertEqual({error, wrong_kind}, regrow_agent:exchange(Other, 1, 2, 5000)),
    ?assertError(badarg, regrow_agent:fetch(Agent, soon)),
    ok = regrow:stop(Agent),
    ?assertEqual({error, noproc}, regrow_agent:fetch(Agent, 5000)),
    ?assertEqual({error, noproc}, regrow_agent:exchange(Agent, 1, 2, 5000)).

agents_end(_) ->
    logger:set_primary_config(level, none),
    {ok, Agent} = regrow_agent:start(fun() -> 0 end),
    ?assertExit({{badarith, _}, {regrow_server, call, _}}, regrow_agent:update(Agent, fun(State) -> 1 / State end)),
    {ok, Other} = regrow_agent:start(fun() -> 0 end),
    ?assertExit({{bad_return_value, no_pair}, _}, regrow_agent:get_and_update(Other, fun(_) -> no_pair end)),
    {ok, Slow} = regrow_agent:start(fun() -> 0 end),
    ?assertExit({timeout, _}, regrow_agent:get(Slow, fun(_) -> receive go -> went end end, 1)),
    Slow ! go,
    ?assertEqual(ok, regrow_agent:stop(Slow)),
    logger:set_primary_config(level, notice).

servers(Runtime) ->
    regrow_test:plugin(counter),
    {ok, Native} = regrow:start(Runtime, #{kind => behaviour, behaviour => <<"counter">>}),
    {ok, Beam} = regrow_server:start_link(regrow_process_tests, [], []),
    ?assertEqual(1, regrow_server:call(Native, {add, 1})),
    ?assertEqual(x, regrow_server:call(Beam, {reply, x})),
    ok = regrow_server:cast(Native, reset),
    ok = regrow_server:cast(Beam, told),
    ?assertEqual(0, regrow_server:call(Native, get)),
    ?assertEqual([{cast, told}], regrow_server:call(Beam, state)),
    ?assertExit({timeout, {regrow_server, call, [Beam, late, 1]}}, regrow_server:call(Beam, late, 1)),
    ?assertExit({{unknown_request, what}, {regrow_server, call, [Native, what, 5000]}}, regrow_server:call(Native, what)),
    ?assertExit({noproc, {regrow_server, call, [Native, get, 5000]}}, regrow_server:call(Native, get)),
    ?assertExit({noproc, _}, regrow_server:call(no_such_name, get)),
    ?assertEqual(ok, regrow_server:cast(no_such_name, get)),
    ?assertEqual(ok, regrow_server:stop(Beam)),
    ?assertExit(noproc, regrow_server:stop(Beam)),
    ?assertExit(noproc, regrow_server:stop(Native)),
    ?assertError(badarg, regrow_server:call(17, get)),
    ?assertError(badarg, regrow_server:start(regrow_process_tests, [], [{name, 17}])).

tasks(_) ->
    ?assertEqual(42, regrow_task:await(regrow_task:async(fun() -> 42 end))),
    ?assertEqual([1, 2, 3], regrow_task:await_many([regrow_task:async(fun() -> N end) || N <- [1, 2, 3]])),
    ?assertEqual(3, regrow_task:await(regrow_task:async(erlang, '+', [1, 2]))),
    process_flag(trap_exit, true),
    Crashed = regrow_task:async(fun() -> exit(boom) end),
    %% The crash is reported first, which takes seconds under valgrind.
    ?assertExit({boom, {regrow_task, await, [Crashed, 60000]}}, regrow_task:await(Crashed, 60000)),
    %% Those before may end only now, and normally.
    CrashedPid = element(2, Crashed),
    ?assertEqual(boom, receive {'EXIT', CrashedPid, Why} -> Why after 20000 -> nothing end),
    Slow = regrow_task:async(fun() -> receive go -> went end end),
    ?assertEqual(undefined, regrow_task:yield(Slow, 1)),
    element(2, Slow) ! go,
    ?assertEqual({ok, went}, regrow_task:yield(Slow)),
    Late = regrow_task:async(fun() -> receive go -> went end end),
    ?assertExit({timeout, _}, regrow_task:await(Late, 1)),
    element(2, Late) ! go,
    Stopped = regrow_task:async(fun() -> receive go -> went end end),
    ?assertEqual(undefined, regrow_task:shutdown(Stopped)),
    Killed = regrow_task:async(fun() -> process_flag(trap_exit, true), receive go -> went end end),
    ?assertEqual(undefined, regrow_task:shutdown(Killed, brutal_kill)),
    Trapping = fun(Body) ->
        Test = self(),
        Task = regrow_task:async(fun() -> process_flag(trap_exit, true), Test ! {traps, self()}, Body() end),
        Pid = element(2, Task),
        receive {traps, Pid} -> Task end
    end,
    Stubborn = Trapping(fun() -> receive go -> went end end),
    ?assertEqual({exit, killed}, regrow_task:shutdown(Stubborn, 5)),
    %% It answers when it is told to end.
    Ready = Trapping(fun() -> receive {'EXIT', _, shutdown} -> went end end),
    ?assertEqual({ok, went}, regrow_task:shutdown(Ready)),
    [begin
        Ended = regrow_task:async(fun() -> exit(shutdown) end),
        Pid = element(2, Ended),
        receive {'EXIT', Pid, shutdown} -> ok end,
        ?assertEqual(Outcome, regrow_task:shutdown(Ended, How))
     end || {How, Outcome} <- [{5000, undefined}, {brutal_kill, {exit, shutdown}}]],
    Ignored = regrow_task:async(fun() -> receive go -> went end end),
    ?assertEqual(undefined, regrow_task:ignore(Ignored)),
    element(2, Ignored) ! go,
    process_flag(trap_exit, false),
    ?assertEqual([], [M || M <- element(2, process_info(self(), messages)), element(1, M) =/= 'EXIT']),
    ?assertError(badarg, regrow_task:async(17)),
    ?assertError(badarg, regrow_task:await(17)).

owners(_) ->
    Test = self(),
    {Owner, Monitor} = spawn_monitor(fun() ->
        Task = regrow_task:async(fun() -> receive go -> went end end),
        Test ! {task, Task},
        receive stop -> exit(stopped) end
    end),
    {task, Task} = regrow_test:receive_one(),
    ?assertError(not_owner, regrow_task:await(Task)),
    Down = regrow_test:monitored(element(2, Task)),
    Owner ! stop,
    ?assertEqual(lists:sort([{Down, stopped}, {Monitor, stopped}]),
                 lists:sort([case regrow_test:receive_one() of {'DOWN', Ref, process, _, Why} -> {Ref, Why} end || _ <- [1, 2]])).

via(Runtime) ->
    {ok, Registry} = regrow_registry:start(Runtime, #{}),
    Name = {via, regrow_registry, {Registry, "name"}},
    {ok, Pid} = gen_server:start(Name, regrow_process_tests, [], []),
    ?assertEqual({error, {already_started, Pid}}, gen_server:start(Name, regrow_process_tests, [], [])),
    ?assertEqual(yes, gen_server:call(Name, {reply, yes})),
    ok = gen_server:cast(Name, told),
    ?assertEqual([{cast, told}], gen_server:call(Name, state)),
    ok = gen_server:stop(Name),
    ?assertEqual(undefined, regrow_registry:whereis_name({Registry, "name"})),
    ?assertExit({noproc, _}, gen_server:call(Name, state)),
    ?assertExit({badarg, _}, regrow_registry:send({Registry, "name"}, x)).

%% Keys and values of each kind; many entries, and large ones, are converted on a dirty scheduler.
numbers(Runtime) ->
    {ok, Registry} = regrow_registry:start(Runtime, #{keys => duplicate}),
    Number = regrow_nif:number(Registry),
    Native = regrow_test:actor(Runtime),
    Large = {lists:seq(1, 5000), binary:copy(<<"x">>, 100000), #{self() => [Native | []]}},
    [begin
         ok = regrow_registry:register(Registry, Key, Value),
         ok = regrow_registry:register(Registry, Key, Native, []),
         ?assertEqual({ok, [{self(), Value}, {Native, []}]}, regrow_registry:lookup(Registry, Key)),
         ?assertEqual({ok, [{self(), Value}, {Native, []}]}, regrow_nif:registry_lookup(Number, Key))
     end || Key <- [key, 'Ω', 7, 1 bsl 80, -0.5, <<"key">>, <<1:3>>, [], [a | b], {self(), Native}, #{k => []}, Large],
            Value <- [Large]],
    [ok = regrow_registry:register(Registry, many, N) || N <- lists:seq(1, 3000)],
    ?assertEqual({ok, [{self(), N} || N <- lists:seq(1, 3000)]}, regrow_nif:registry_lookup(Number, many)),
    ?assertEqual({ok, []}, regrow_nif:registry_lookup(Number, none)),
    {ok, Unique} = regrow_registry:start(Runtime, #{}),
    ok = regrow_registry:register(Unique, {Native}, Native, []),
    ?assertEqual({ok, Native}, regrow_nif:registry_whereis(regrow_nif:number(Unique), {Native})),
    ok = regrow:stop(Unique),
    ?assertEqual({error, noproc}, regrow_nif:registry_whereis(regrow_nif:number(Unique), {Native})),
    ?assertEqual({error, noproc}, regrow_nif:registry_lookup(0, key)),
    ?assertEqual({error, wrong_kind}, regrow_nif:registry_lookup(regrow_nif:number(Native), key)),
    ?assertError(badarg, regrow_nif:registry_lookup(-1, key)).

entries(Runtime) ->
    {ok, Registry} = regrow_registry:start(Runtime, #{keys => unique, meta => #{a => 1}}),
    ok = regrow_registry:register(Registry, key, 1),
    ?assertEqual({ok, {2, 1}}, regrow_registry:update_value(Registry, key, fun(N) -> N + 1 end)),
    ?assertEqual({error, not_found}, regrow_registry:update_value(Registry, none, fun(N) -> N end)),
    ?assertEqual({ok, [2]}, regrow_registry:values(Registry, key, self())),
    ok = regrow_registry:dispatch(Registry, key, fun(Entries) -> self() ! {dispatched, Entries} end),
    ?assertEqual({dispatched, [{self(), 2}]}, regrow_test:receive_one()),
    ok = regrow_registry:dispatch(Registry, none, fun(_) -> error(called) end),
    ?assertEqual({ok, [{self(), 2}]}, regrow_registry:match(Registry, key, '$1', [{'>', '$1', 1}])),
    ?assertEqual({ok, 0}, regrow_registry:count_match(Registry, key, '$1', [{'>', '$1', 2}])),
    ?assertEqual({ok, [{key, 2}]}, regrow_registry:select(Registry, [{{'$1', '_', '$2'}, [], [{{'$1', '$2'}}]}])),
    ?assertEqual({ok, 1}, regrow_registry:count_select(Registry, [{{'$1', '_', '_'}, [], [true]}])),
    ?assertEqual({ok, [key]}, regrow_registry:keys(Registry, self())),
    ?assertEqual({ok, 1}, regrow_registry:meta(Registry, a)),
    ok = regrow_registry:put_meta(Registry, b, 2),
    ?assertEqual({ok, 2}, regrow_registry:meta(Registry, b)),
    ok = regrow_registry:delete_meta(Registry, b),
    ?assertEqual({error, not_found}, regrow_registry:meta(Registry, b)),
    ok = regrow_registry:unregister_match(Registry, key, 3),
    ?assertEqual({ok, 1}, regrow_registry:count(Registry)),
    ok = regrow_registry:unregister_match(Registry, key, 2),
    ?assertEqual({ok, 0}, regrow_registry:count(Registry)).

topics(Runtime) ->
    {ok, Pubsub} = regrow_pubsub:start(Runtime, #{}),
    Actor = regrow_test:actor(Runtime),
    {ok, {Ref, []}} = regrow_pubsub:monitor(Pubsub, group),
    ok = regrow_pubsub:join(Pubsub, group),
    ok = regrow_pubsub:join(Pubsub, group, Actor),
    ?assertEqual({Ref, join, group, [self()]}, regrow_test:receive_one()),
    ?assertEqual({Ref, join, group, [Actor]}, regrow_test:receive_one()),
    {ok, Members} = regrow_pubsub:members(Pubsub, group),
    ?assertEqual(lists:sort([self(), Actor]), lists:sort(Members)),
    ?assertEqual({ok, [group]}, regrow_pubsub:which_groups(Pubsub)),
    ok = regrow_pubsub:demonitor(Pubsub, Ref),
    ?assertEqual({ok, 2}, regrow_pubsub:send(Pubsub, group, hello)),
    ?assertEqual([hello, {actor, hello}], lists:sort([regrow_test:receive_one(), regrow_test:receive_one()])),
    ok = regrow_pubsub:leave(Pubsub, group),
    ?assertEqual({error, not_joined}, regrow_pubsub:leave(Pubsub, group)),
    ok = regrow_pubsub:subscribe(Pubsub, <<"a.*">>),
    ok = regrow_pubsub:subscribe(Pubsub, <<"a.b">>, #{pid => Actor}),
    ok = regrow_pubsub:subscribe(Pubsub, <<"a.b">>, #{pid => Actor, once => true}),
    ?assertEqual({ok, 2}, regrow_pubsub:subscriber_count(Pubsub, <<"a.b">>)),
    ok = regrow_pubsub:broadcast(Pubsub, <<"a.b">>, {news, self()}),
    ?assertEqual([{actor, {news, self()}}, {news, self()}], lists:sort([regrow_test:receive_one(), regrow_test:receive_one()])),
    ok = regrow_pubsub:broadcast_from(Pubsub, self(), <<"a.b">>, more),
    ?assertEqual({actor, more}, regrow_test:receive_one()),
    %% Somebody else unsubscribes it.
    ok = regrow_pubsub:unsubscribe(Pubsub, <<"a.b">>, Actor),
    ok = regrow_pubsub:unsubscribe(Pubsub, <<"a.*">>),
    ?assertEqual({ok, 0}, regrow_pubsub:subscriber_count(Pubsub, <<"a.b">>)),
    ok = regrow_pubsub:subscribe(Pubsub, <<"narrow">>, #{max_messages => 1, overflow => drop_oldest}),
    [?assertError(badarg, Call()) || Call <- [fun() -> regrow_pubsub:subscribe(Pubsub, topic) end,
                                              fun() -> regrow_pubsub:subscribe(Pubsub, <<"a">>, #{unknown => 1}) end,
                                              fun() -> regrow_pubsub:subscribe(Pubsub, <<"a">>, #{pid => me}) end,
                                              fun() -> regrow_pubsub:subscribe(Pubsub, <<"a">>, #{overflow => some}) end,
                                              fun() -> regrow_pubsub:subscribe(Pubsub, <<"a\0b">>) end,
                                              fun() -> regrow_pubsub:broadcast(Pubsub, <<"a.*">>, x) end,
                                              fun() -> regrow_pubsub:join(Pubsub, group, me) end]].
