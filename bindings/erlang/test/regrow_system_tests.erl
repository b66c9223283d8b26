%% Addresses, timers, aliases, and what is asked as of sys.
-module(regrow_system_tests).
-include_lib("eunit/include/eunit.hrl").

system_test_() ->
    {foreach, fun() -> regrow_test:runtime() end, fun(Runtime) -> regrow_test:over(Runtime) end,
     [fun(Runtime) -> {Name, {timeout, regrow_test:limit(60), fun() -> Test(Runtime) end}} end
      || {Name, Test} <-
             [{"an address leads to who has a name or key, of both kinds", fun addresses/1},
              {"an address is a name of OTP's", fun via/1},
              {"what is told by an address comes before what is sent after it", fun in_order/1},
              {"an address waits for who is restarted", fun through_a_restart/1},
              {"an address waits for as long as it says", fun not_for_ever/1},
              {"timers send by the runtime's clock, to both kinds", fun timers/1},
              {"an alias is sent to until it is taken away", fun aliases/1},
              {"a priority message comes before all others", fun priorities/1},
              {"a process that is suspended handles nothing", fun suspended/1},
              {"the status of a process, and its trace", fun status/1},
              {"wrong arguments raise badarg, and what is dead is an error", fun wrong/1}]]}.

counter(Argument) ->
    regrow_test:plugin(counter),
    #{kind => behaviour, behaviour => <<"counter">>, arg => Argument}.

%% ---- addresses ----

addresses(Runtime) ->
    {ok, Registry} = regrow_registry:start(Runtime, #{}),
    {ok, Native} = regrow:start(Runtime, (counter(1))#{name => {native, 1}}),
    {ok, Beam} = gen_server:start_link(regrow_process_tests, [], []),
    ok = regrow:register(Runtime, beam, Beam),
    ok = regrow_registry:register(Registry, native, Native, []),
    ok = regrow_registry:register(Registry, beam, Beam, []),
    Natives = [#{runtime => Runtime, name => {native, 1}}, #{registry => Registry, key => native, wait_ms => 1000}],
    Beams = [#{runtime => Runtime, name => beam}, #{registry => Registry, key => beam, wait_ms => 1000}],
    [begin
         ?assertEqual({ok, Native}, regrow_address:whereis(Address)),
         {ok, Before} = regrow_address:call(Address, get),
         ?assertEqual({ok, Before + 5}, regrow_address:call(Address, {add, 5})),
         ?assertEqual(ok, regrow_address:cast(Address, reset)),
         ?assertEqual({ok, 1}, regrow_address:call(Address, get, infinity))
     end || Address <- Natives],
    [begin
         ?assertEqual({ok, Beam}, regrow_address:whereis(Address)),
         ?assertEqual({ok, {x, Beam}}, regrow_address:call(Address, {reply, {x, Beam}})),
         ?assertEqual(ok, regrow_address:cast(Address, told)),
         ?assertEqual(ok, regrow_address:send(Address, sent)),
         ?assertEqual({ok, here}, regrow_address:call(Address, {reply, here})),
         ?assertEqual([{info, sent}, {cast, told}], lists:sublist(gen_server:call(Beam, state), 2))
     end || Address <- Beams],
    ?assertEqual({error, timeout}, regrow_address:call(hd(Beams), late, 10)),
    ok = regrow:register(Runtime, me, self()),
    {ok, Timer} = regrow_address:send_after(#{runtime => Runtime, name => me}, 10, due),
    ?assertEqual(due, regrow_test:receive_one()),
    ?assertEqual({error, not_found}, regrow_timer:cancel(Runtime, Timer)),
    ?assertEqual(ok, regrow_address:stop(hd(Natives))),
    ?assertEqual(ok, regrow_address:stop(hd(Beams))),
    [?assertMatch({error, not_found}, Call())
     || Address <- [hd(Natives), hd(Beams), #{registry => Registry, key => beam}],
        Call <- [fun() -> regrow_address:whereis(Address) end, fun() -> regrow_address:call(Address, get) end,
                 fun() -> regrow_address:cast(Address, get) end, fun() -> regrow_address:send(Address, get) end,
                 fun() -> regrow_address:stop(Address) end]].

via(Runtime) ->
    {ok, Registry} = regrow_registry:start(Runtime, #{}),
    {ok, Native} = regrow:start(Runtime, (counter(1))#{name => native}),
    [begin
         Name = {via, regrow_address, Address},
         {ok, Server} = gen_server:start_link(Name, regrow_process_tests, [], []),
         ?assertEqual({error, {already_started, Server}}, gen_server:start(Name, regrow_process_tests, [], [])),
         ?assertEqual(x, gen_server:call(Name, {reply, x})),
         ok = gen_server:cast(Name, told),
         ?assertEqual([{cast, told}], gen_server:call(Name, state)),
         ok = gen_server:stop(Name),
         ?assertExit({noproc, _}, gen_server:call(Name, state))
     end || Address <- [#{runtime => Runtime, name => via}, #{registry => Registry, key => via}]],
    ?assertEqual(1, regrow_server:call({via, regrow_address, #{runtime => Runtime, name => native}}, get)),
    ?assertEqual(Native, regrow_address:whereis_name(#{runtime => Runtime, name => native})).

%% As from any process to another: also where native code that sends waits for the other to read.
in_order(Runtime) ->
    Actor = regrow_test:actor(Runtime, none),
    Test = self(),
    Numbers = lists:seq(1, regrow_test:rounds(2000)),
    Reader = spawn_link(fun() -> Test ! {told, told(2 * length(Numbers))} end),
    ok = regrow:register(Runtime, reader, Reader),
    [begin ok = regrow_address:cast(#{runtime => Runtime, name => reader}, N), Reader ! {then, N} end || N <- Numbers],
    ?assertEqual({told, lists:append([[{'$gen_cast', N}, {then, N}] || N <- Numbers])}, regrow_test:receive_one()),
    Slow = spawn_link(fun() -> receive begin_reading -> Test ! {told, told(3)} end end),
    ok = regrow:register(Runtime, slow, Slow),
    ?assertEqual({ok, {ok, []}}, regrow:call(Actor, {flood, Slow, 10010})),
    ?assert(regrow_test:until(fun() -> process_info(Slow, message_queue_len) >= {message_queue_len, 10000} end)),
    Address = #{runtime => Runtime, name => slow},
    ok = regrow_address:cast(Address, first),
    ok = regrow_address:send(Address, second),
    Slow ! third,
    Slow ! begin_reading,
    ?assertEqual({told, [{'$gen_cast', first}, second, third]}, regrow_test:receive_one()).

%% So many messages but numbers, in their order.
told(0) -> [];
told(Left) ->
    receive
        Number when is_integer(Number) -> told(Left);
        Message -> [Message | told(Left - 1)]
    end.

%% The clock stands still between the end of one and its restart: who does not wait finds nobody.
through_a_restart(_) ->
    Runtime = regrow_test:runtime(#{clock => manual, log_level => silent}),
    Backoff = #{initial_ms => 20, max_ms => 20, factor_percent => 100, jitter_percent => 0, reset_after_ms => 1000,
                max_restarts => 1000, period_ms => 1000},
    Spec = (counter(7))#{id => counter, name => counter, backoff => Backoff},
    {ok, _} = regrow:start(Runtime, #{kind => supervisor, children => [Spec], max_restarts => 1000}),
    Address = #{runtime => Runtime, name => counter, wait_ms => 5000},
    Test = self(),
    [begin
         {ok, Pid} = regrow_address:whereis(Address),
         true = regrow:exit(Pid, kill),
         ?assert(regrow_test:until(fun() ->
             regrow_address:call(maps:remove(wait_ms, Address), get) =:= {error, not_found}
         end)),
         spawn_link(fun() -> Test ! {got, regrow_address:call(Address, get)} end),
         {ok, {waiting, _, _}} = regrow:settle(Runtime),
         ?assertEqual(nothing, receive Early -> Early after 0 -> nothing end),
         ok = regrow:advance(Runtime, 20),
         ?assertEqual({got, {ok, 7}}, regrow_test:receive_one()),
         {ok, Next} = regrow_address:whereis(Address),
         ?assertNotEqual(Pid, Next)
     end || _ <- lists:seq(1, 5)],
    %% One of the BEAM, which is waited for in the same way.
    {Dead, Monitor} = spawn_monitor(fun() -> ok = regrow:register(Runtime, late, self()) end),
    receive {'DOWN', Monitor, process, Dead, normal} -> ok end,
    Late = #{runtime => Runtime, name => late, wait_ms => 5000},
    [spawn_link(fun() -> Test ! {Ask, regrow_address:Ask(Late)} end) || Ask <- [whereis]],
    spawn_link(fun() -> Test ! {call, regrow_address:call(Late, {reply, here})} end),
    {ok, Server} = gen_server:start_link(regrow_process_tests, [], []),
    ok = regrow:register(Runtime, late, Server),
    ?assertEqual([{call, {ok, here}}, {whereis, {ok, Server}}], lists:sort([regrow_test:receive_one() || _ <- [1, 2]])),
    regrow_test:over(Runtime).

not_for_ever(_) ->
    Runtime = regrow_test:runtime(#{clock => manual}),
    Test = self(),
    spawn_link(fun() -> Test ! regrow_address:whereis(#{runtime => Runtime, name => nobody, wait_ms => 1000}) end),
    ?assert(regrow_test:until(fun() -> regrow:settle(Runtime) =:= {ok, {waiting, 1000, sleep}} end)),
    ok = regrow:advance(Runtime, 999),
    ?assertEqual(nothing, receive Early -> Early after 0 -> nothing end),
    ok = regrow:advance(Runtime, 1),
    ?assertEqual({error, not_found}, regrow_test:receive_one()),
    regrow_test:over(Runtime).

%% ---- timers ----

timers(_) ->
    Runtime = regrow_test:runtime(#{clock => manual}),
    Actor = regrow_test:actor(Runtime),
    {ok, First} = regrow_timer:send_after(Runtime, 1000, self(), first),
    {ok, Second} = regrow_timer:start(Runtime, 2000, self(), second),
    {ok, _} = regrow_timer:send_after(Runtime, 3000, Actor, third),
    {ok, Cancelled} = regrow_timer:send_after(Runtime, 1500, self(), cancelled),
    ok = regrow:advance(Runtime, 400),
    ?assertEqual({ok, 600}, regrow_timer:read(Runtime, First)),
    ?assertEqual({ok, 1100}, regrow_timer:cancel(Runtime, Cancelled)),
    ?assertEqual({error, not_found}, regrow_timer:cancel(Runtime, Cancelled)),
    ?assertEqual(nothing, receive Early -> Early after 0 -> nothing end),
    ok = regrow:advance(Runtime, 3000),
    ?assertEqual([first, {timeout, Second, second}, {actor, third}], [regrow_test:receive_one() || _ <- [1, 2, 3]]),
    ?assertEqual({error, not_found}, regrow_timer:read(Runtime, First)),
    {ok, Interval} = regrow_timer:send_interval(Runtime, 10, self(), tick),
    ok = regrow:advance(Runtime, 35),
    ?assertEqual([tick, tick, tick], [regrow_test:receive_one() || _ <- [1, 2, 3]]),
    ?assertMatch({ok, _}, regrow_timer:cancel(Runtime, Interval)),
    ok = regrow:advance(Runtime, 100),
    ?assertEqual(nothing, receive Late -> Late after 0 -> nothing end),
    %% It ends with the process that it is for.
    {Dead, Monitor} = spawn_monitor(fun() -> receive stop -> ok end end),
    {ok, Orphan} = regrow_timer:send_after(Runtime, 1000, Dead, nobody),
    Dead ! stop,
    receive {'DOWN', Monitor, process, Dead, normal} -> ok end,
    ?assert(regrow_test:until(fun() -> regrow_timer:read(Runtime, Orphan) =:= {error, not_found} end)),
    ?assertEqual({error, noproc}, regrow_timer:send_after(Runtime, 1, Dead, nobody)),
    regrow_test:over(Runtime).

%% ---- aliases ----

aliases(Runtime) ->
    Actor = regrow_test:actor(Runtime),
    {ok, Alias} = regrow_alias:new(Runtime),
    ?assertEqual({ok, {ok, []}}, regrow:call(Actor, {send_alias, self(), Alias, one})),
    ?assertEqual(one, regrow_test:receive_one()),
    ?assertEqual({ok, true}, regrow_alias:remove(Runtime, Alias)),
    ?assertEqual({ok, false}, regrow_alias:remove(Runtime, Alias)),
    ?assertEqual({ok, {ok, []}}, regrow:call(Actor, {send_alias, self(), Alias, two})),
    {ok, quiet} = regrow:settle(Runtime),
    ?assertEqual(nothing, receive Late -> Late after 0 -> nothing end),
    %% One of a native process.
    {ok, {ok, Theirs}} = regrow:call(Actor, {alias, false}),
    ?assertEqual(ok, regrow_alias:send(Actor, Theirs, hello)),
    ?assertEqual({actor, hello}, regrow_test:receive_one()),
    {ok, {ok, []}} = regrow:call(Actor, {trap}),
    ?assertEqual(ok, regrow_alias:exit(Actor, Theirs, because)),
    ?assertEqual({actor, {'EXIT', self(), because}}, regrow_test:receive_one()),
    ?assertEqual(ok, regrow_alias:send(Actor, make_alias(), nobody)).

make_alias() ->
    Other = regrow_test:runtime(),
    {ok, Alias} = regrow_alias:new(Other),
    regrow_test:over(Other),
    Alias.

priorities(Runtime) ->
    Actor = regrow_test:actor(Runtime),
    {ok, {ok, Alias}} = regrow:call(Actor, {alias, true}),
    Holder = regrow_test:hold(Actor),
    [ok = regrow:send(Actor, N) || N <- lists:seq(1, 100)],
    ok = regrow_alias:send(Actor, Alias, ordinary),
    ok = regrow_alias:send(Actor, Alias, urgent, [priority]),
    regrow_test:let_go(Holder),
    Got = [receive {actor, Message} -> Message end || _ <- lists:seq(1, 102)],
    ?assertEqual([urgent | lists:seq(1, 100)] ++ [ordinary], Got).

%% ---- as sys ----

suspended(Runtime) ->
    {ok, Native} = regrow:start(Runtime, counter(0)),
    {ok, Beam} = gen_server:start_link(regrow_process_tests, [], []),
    [begin
         ?assertEqual(ok, regrow_sys:suspend(Pid)),
         ?assertEqual(ok, regrow_sys:suspend(Pid)),
         ?assertEqual({error, timeout}, regrow:call(Pid, Request, 20)),
         ok = regrow:cast(Pid, told),
         ?assertEqual(ok, regrow_sys:resume(Pid)),
         ?assertEqual(ok, regrow_sys:resume(Pid)),
         ?assertMatch({ok, _}, regrow:call(Pid, Request))
     end || {Pid, Request} <- [{Native, get}, {Beam, {reply, x}}]].

status(Runtime) ->
    {ok, Native} = regrow:start(Runtime, (counter(3))#{name => status}),
    ?assertMatch({ok, #{kind := server, name := status, sys_state := running, trace := false}}, regrow_sys:get_status(Native)),
    ok = regrow_sys:suspend(Native),
    ok = regrow_sys:trace(Native, true),
    ?assertMatch({ok, #{sys_state := suspended, trace := true}}, regrow_sys:get_status(Native)),
    ok = regrow_sys:resume(Native),
    #{level := Level} = logger:get_primary_config(),
    logger:set_primary_config(level, debug),
    ok = logger:add_handler(?MODULE, regrow_test, #{config => self()}),
    {ok, 5} = regrow:call(Native, {add, 2}),
    ?assertEqual(debug, level_of("{add,2}")),
    ok = logger:remove_handler(?MODULE),
    logger:set_primary_config(level, Level),
    ok = regrow_sys:trace(Native, false),
    {ok, Beam} = gen_server:start_link(regrow_process_tests, [], []),
    ?assertMatch({ok, {status, Beam, _, _}}, regrow_sys:get_status(Beam)),
    ?assertEqual(ok, regrow_sys:trace(Beam, false)).

%% At which level a text is logged; what was traced before may come first.
level_of(Part) ->
    receive
        {log, #{level := Level, meta := #{domain := [regrow]}, msg := {_, [Text]}}} ->
            case string:find(Text, Part) of
                nomatch -> level_of(Part);
                _ -> Level
            end
    after 20000 -> not_logged
    end.

wrong(Runtime) ->
    {ok, Registry} = regrow_registry:start(Runtime, #{}),
    Actor = regrow_test:actor(Runtime),
    Named = #{runtime => Runtime, name => x},
    [?assertError(badarg, Call())
     || Call <- [fun() -> regrow_address:whereis(#{}) end, fun() -> regrow_address:whereis(x) end,
                 fun() -> regrow_address:whereis(Named#{key => y}) end, fun() -> regrow_address:whereis(Named#{wait_ms => -1}) end,
                 fun() -> regrow_address:whereis(Named#{wait_ms => infinity}) end,
                 fun() -> regrow_address:whereis(#{registry => x, key => y}) end,
                 fun() -> regrow_address:whereis(#{runtime => x, name => y}) end,
                 fun() -> regrow_address:call(Named, x, soon) end, fun() -> regrow_address:send_after(Named, -1, x) end,
                 fun() -> regrow_timer:send_after(Runtime, -1, self(), x) end, fun() -> regrow_timer:send_after(Runtime, 1, x, x) end,
                 fun() -> regrow_timer:send_interval(Runtime, 0, self(), x) end, fun() -> regrow_timer:cancel(Runtime, x) end,
                 fun() -> regrow_timer:start(x, 1, self(), x) end, fun() -> regrow_timer:read(Runtime, x) end,
                 fun() -> regrow_alias:new(Runtime, [fast]) end, fun() -> regrow_alias:remove(Runtime, x) end,
                 fun() -> regrow_alias:send(Actor, x, y) end, fun() -> regrow_alias:send(Actor, make_ref(), y, x) end,
                 fun() -> regrow_sys:suspend(x) end, fun() -> regrow_sys:trace(Actor, maybe) end,
                 fun() -> regrow_sys:resume(Actor, soon) end]],
    ?assertEqual({error, not_found}, regrow_timer:cancel(Runtime, make_ref())),
    ?assertEqual({error, wrong_kind}, regrow_address:whereis(#{registry => Actor, key => x})),
    ok = regrow:stop(Registry),
    ?assertEqual({error, noproc}, regrow_address:whereis(#{registry => Registry, key => x})),
    ok = regrow:stop(Actor),
    [?assertEqual({error, noproc}, Call())
     || Call <- [fun() -> regrow_sys:suspend(Actor) end, fun() -> regrow_sys:resume(Actor) end,
                 fun() -> regrow_sys:get_status(Actor) end, fun() -> regrow_sys:trace(Actor, true) end]].
