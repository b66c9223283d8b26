%% Supervisors of tasks, and of partitions, whose children are code of the BEAM.
-module(regrow_task_supervisor_tests).
-include_lib("eunit/include/eunit.hrl").

task_supervisor_test_() ->
    {foreach,
     fun() -> #{level := Level} = logger:get_primary_config(), logger:set_primary_config(level, none),
              {regrow_test:runtime(#{log_level => silent}), Level} end,
     fun({Runtime, Level}) -> regrow_test:over(Runtime), logger:set_primary_config(level, Level) end,
     [fun({Runtime, _}) -> {Name, {timeout, regrow_test:limit(60), fun() -> Test(Runtime) end}} end
      || {Name, Test} <-
             [{"a task under a supervisor gives its value to its owner", fun values/1},
              {"a task that fails ends its owner, or tells it", fun failures/1},
              {"tasks that nobody waits for are restarted as they say", fun restarts/1},
              {"tasks end with their supervisor, and at its limit none is taken", fun limits/1},
              {"a task for each element, so many at once, in their order", fun streams/1},
              {"elements that fail or take too long", fun stream_failures/1},
              {"tasks of a stream end with who asked for it", fun stream_owner/1},
              {"keys lead to their partitions", fun partitions/1},
              {"a partition is found again after a restart", fun partition_restarts/1},
              {"keys lead to partitions of native supervisors", fun native_partitions/1},
              {"wrong arguments raise badarg", fun bad_arguments/1}]]}.

supervisor(Runtime) -> supervisor(Runtime, #{}).

supervisor(Runtime, Options) ->
    {ok, Supervisor} = regrow_task_supervisor:start_link(Runtime, Options),
    Supervisor.

%% ---- tasks ----

values(Runtime) ->
    Supervisor = supervisor(Runtime),
    Task = regrow_task_supervisor:async(Supervisor, fun() -> {self(), 42} end),
    {Pid, 42} = regrow_task:await(Task),
    ?assertNotEqual(self(), Pid),
    ?assertEqual(6, regrow_task:await(regrow_task_supervisor:async_nolink(Supervisor, {lists, sum, [[1, 2, 3]]}))),
    Test = self(),
    {ok, Child} = regrow_task_supervisor:start_child(Supervisor, fun() -> Test ! {self(), get('$ancestors')}, receive stop -> ok end end),
    receive {Child, Ancestors} -> ?assertEqual(Supervisor, hd(Ancestors)) end,
    %% The value of a task comes before its end, as in Elixir.
    ?assert(regrow_test:until(fun() -> regrow_task_supervisor:children(Supervisor) =:= [Child] end)),
    ?assertEqual(ok, regrow_task_supervisor:terminate_child(Supervisor, Child)),
    ?assertEqual({error, not_found}, regrow_task_supervisor:terminate_child(Supervisor, Child)),
    ?assertEqual([], regrow_task_supervisor:children(Supervisor)).

failures(Runtime) ->
    Supervisor = supervisor(Runtime),
    Task = regrow_task_supervisor:async_nolink(Supervisor, fun() -> exit(boom) end),
    ?assertEqual({exit, boom}, regrow_task:yield(Task)),
    {_, Monitor} = spawn_monitor(fun() ->
        regrow_task:await(regrow_task_supervisor:async(Supervisor, fun() -> exit(boom) end))
    end),
    %% By its link, or by what await/1 exits with.
    Why = receive {'DOWN', Monitor, process, _, Reason} -> Reason end,
    ?assert(Why =:= boom orelse element(1, Why) =:= boom),
    %% A linked one ends with its owner, another goes on.
    Test = self(),
    Body = fun() -> Test ! {up, self()}, receive stop -> ok end end,
    Owner = spawn(fun() ->
        _ = regrow_task_supervisor:async(Supervisor, Body),
        _ = regrow_task_supervisor:async_nolink(Supervisor, Body),
        receive stop -> ok end
    end),
    [Linked, Other] = [receive {up, Pid} -> regrow_test:monitored(Pid), Pid end || _ <- [1, 2]],
    exit(Owner, kill),
    receive {'DOWN', _, process, Ended, killed} -> ?assert(lists:member(Ended, [Linked, Other])) end,
    ?assertEqual([Linked, Other] -- [Ended], regrow_task_supervisor:children(Supervisor)).

restarts(Runtime) ->
    Supervisor = supervisor(Runtime),
    Test = self(),
    Body = fun() -> Test ! {up, self()}, receive {exit, Reason} -> exit(Reason) end end,
    {ok, First} = regrow_task_supervisor:start_child(Supervisor, Body, #{restart => transient}),
    receive {up, First} -> First ! {exit, boom} end,
    Second = receive {up, Pid} -> Pid end,
    ?assertNotEqual(First, Second),
    Monitor = erlang:monitor(process, Second),
    Second ! {exit, normal},
    receive {'DOWN', Monitor, process, _, normal} -> ok end,
    ?assert(regrow_test:until(fun() -> regrow_task_supervisor:children(Supervisor) =:= [] end)).

limits(Runtime) ->
    Supervisor = supervisor(Runtime, #{max_children => 1, name => {local, ?MODULE}}),
    {ok, Child} = regrow_task_supervisor:start_child(?MODULE, fun() -> receive stop -> ok end end),
    ?assertEqual({error, max_children}, regrow_task_supervisor:start_child(Supervisor, fun() -> ok end)),
    ?assertError(max_children, regrow_task_supervisor:async(Supervisor, fun() -> ok end)),
    ?assertExit({max_children, {regrow_task_supervisor, async_stream_nolink, _}},
                regrow_task_supervisor:async_stream_nolink(Supervisor, fun(X) -> X end, [1])),
    Monitor = regrow_test:monitored(Child),
    unlink(Supervisor),
    gen_server:stop(Supervisor, shutdown, 5000),
    ?assertEqual({'DOWN', Monitor, process, Child, shutdown}, regrow_test:receive_one()).

%% ---- streams ----

streams(Runtime) ->
    Supervisor = supervisor(Runtime),
    Stream = fun(Function, List, Options) -> regrow_task_supervisor:async_stream_nolink(Supervisor, Function, List, Options) end,
    ?assertEqual([{ok, 2 * N} || N <- lists:seq(1, 50)], Stream(fun(N) -> 2 * N end, lists:seq(1, 50), #{})),
    ?assertEqual([], Stream(fun(N) -> N end, [], #{})),
    %% Three at once, and no more; the first ends last.
    Counter = atomics:new(2, []),
    Test = self(),
    Body = fun(N) ->
        Now = atomics:add_get(Counter, 1, 1),
        atomics:put(Counter, 2, max(Now, atomics:get(Counter, 2))),
        Test ! {running, N, self()},
        receive go -> atomics:sub(Counter, 1, 1), N end
    end,
    Asker = spawn_link(fun() -> Test ! {given, Stream(Body, lists:seq(1, 6), #{max_concurrency => 3, ordered => false})} end),
    Pids = [receive {running, N, Pid} -> {N, Pid} end || N <- [1, 2, 3]],
    ?assertNotEqual([], Asker),
    Second = erlang:monitor(process, element(2, lists:keyfind(2, 1, Pids))),
    [element(2, lists:keyfind(N, 1, Pids)) ! go || N <- [2]],
    receive {running, 4, Fourth} -> Fourth ! go end,
    receive {running, 5, Fifth} -> Fifth ! go end,
    receive {running, 6, Sixth} -> Sixth ! go end,
    %% Its value came before its end.
    receive {'DOWN', Second, process, _, normal} -> ok end,
    [element(2, lists:keyfind(N, 1, Pids)) ! go || N <- [3]],
    ?assert(regrow_test:until(fun() -> length(regrow_task_supervisor:children(Supervisor)) =:= 1 end)),
    [element(2, lists:keyfind(N, 1, Pids)) ! go || N <- [1]],
    {given, Given} = regrow_test:receive_one(),
    ?assertEqual([{ok, N} || N <- lists:seq(1, 6)], lists:sort(Given)),
    ?assertEqual([{ok, 2}, {ok, 1}], [hd(Given), lists:last(Given)]),
    ?assertEqual(3, atomics:get(Counter, 2)).

stream_failures(Runtime) ->
    Supervisor = supervisor(Runtime),
    Body = fun(crash) -> exit(boom); (hang) -> receive after infinity -> ok end; (X) -> X end,
    Stream = fun(List, Options) -> regrow_task_supervisor:async_stream_nolink(Supervisor, Body, List, Options) end,
    ?assertEqual([{ok, a}, {exit, boom}, {ok, b}], Stream([a, crash, b], #{})),
    %% It is what the others have, too, to give their values in.
    ?assertEqual([{ok, a}, {exit, timeout}, {ok, b}],
                 Stream([a, hang, b], #{timeout => 2000, on_timeout => kill_task})),
    ?assertExit({timeout, {regrow_task_supervisor, async_stream_nolink, _}}, Stream([a, hang, hang], #{timeout => 50})),
    ?assert(regrow_test:until(fun() -> regrow_task_supervisor:children(Supervisor) =:= [] end)),
    ?assertEqual(nothing, receive Message -> Message after 0 -> nothing end).

stream_owner(Runtime) ->
    Supervisor = supervisor(Runtime),
    Test = self(),
    Body = fun(_) -> Test ! {up, self()}, receive after infinity -> ok end end,
    Asker = spawn(fun() -> regrow_task_supervisor:async_stream_nolink(Supervisor, Body, [1, 2], #{max_concurrency => 2}) end),
    Monitors = [receive {up, Pid} -> regrow_test:monitored(Pid) end || _ <- [1, 2]],
    exit(Asker, kill),
    [receive {'DOWN', Monitor, process, _, Reason} -> ?assertEqual(killed, Reason) end || Monitor <- Monitors],
    ?assert(regrow_test:until(fun() -> regrow_task_supervisor:children(Supervisor) =:= [] end)).

%% ---- partitions ----

agent() -> #{id => agent, start => {regrow_agent, start_link, [fun() -> 0 end]}}.

via(Key) -> {via, regrow_partition_supervisor, {?MODULE, Key}}.

partitions(Runtime) ->
    Options = #{partitions => 4, with_arguments => fun([_], Number) -> [fun() -> Number end] end},
    {ok, Supervisor} = regrow_partition_supervisor:start_link(Runtime, ?MODULE, agent(), Options),
    ?assertEqual({error, {already_started, Supervisor}},
                 begin process_flag(trap_exit, true), regrow_partition_supervisor:start_link(Runtime, ?MODULE, agent(), Options) end),
    process_flag(trap_exit, false),
    regrow_test:flush(),
    ?assertEqual(4, regrow_partition_supervisor:partitions(?MODULE)),
    ?assertEqual([0, 1, 2, 3, 0, 1], [regrow_agent:get(via(Key), fun(N) -> N end) || Key <- [0, 1, 2, 3, 4, -5]]),
    [?assertEqual(erlang:phash2(Key, 4), gen_server:call(via(Key), {get, fun(N) -> N end}))
     || Key <- [a, <<"b">>, {c, 1}, self(), 1.0]],
    ?assertEqual([0, 1, 2, 3], lists:sort([Id || {Id, _, worker, [regrow_agent]} <- regrow_partition_supervisor:which_children(?MODULE)])),
    ?assertEqual(4, proplists:get_value(active, regrow_partition_supervisor:count_children(?MODULE))),
    ?assertError(badarg, regrow_partition_supervisor:register_name({?MODULE, 1}, self())),
    unlink(Supervisor),
    gen_server:stop(Supervisor),
    ?assertExit({noproc, {regrow_partition_supervisor, partitions, [?MODULE]}}, regrow_partition_supervisor:whereis_name({?MODULE, 1})).

partition_restarts(Runtime) ->
    {ok, Supervisor} = regrow_partition_supervisor:start_link(Runtime, ?MODULE, agent(), #{partitions => 2}),
    Old = regrow_partition_supervisor:whereis_name({?MODULE, 1}),
    Monitor = erlang:monitor(process, Old),
    exit(Old, kill),
    receive {'DOWN', Monitor, process, Old, _} -> ok end,
    ?assertNotEqual(Old, regrow_partition_supervisor:whereis_name({?MODULE, 1})),
    ?assert(regrow_test:until(fun() -> is_pid(regrow_partition_supervisor:whereis_name({?MODULE, 1})) end)),
    unlink(Supervisor),
    gen_server:stop(Supervisor).

native_partitions(Runtime) ->
    regrow_test:plugin(counter),
    Child = #{kind => behaviour, behaviour => <<"counter">>, id => counter, arg => 0},
    {ok, Native} = regrow:start(Runtime, #{kind => partition_supervisor, child => Child, partitions => 3}),
    ?assertEqual(3, regrow_partition_supervisor:partitions(Native)),
    {ok, 7} = regrow:call(regrow_partition_supervisor:whereis_name({Native, 1}), {add, 7}),
    ?assertEqual([0, 7, 0, 7], [element(2, regrow:call(regrow_partition_supervisor:whereis_name({Native, Key}), get)) || Key <- [0, 1, 2, 4]]),
    regrow_partition_supervisor:whereis_name({Native, erlang:phash2(key, 3)}) =:=
        regrow_partition_supervisor:whereis_name({Native, key}) orelse error(another_hash),
    ok = regrow:stop(Native),
    ?assertEqual(undefined, regrow_partition_supervisor:whereis_name({Native, 1})),
    ?assertExit({noproc, _}, regrow_partition_supervisor:partitions(Native)).

bad_arguments(Runtime) ->
    Supervisor = supervisor(Runtime),
    [?assertError(badarg, Call())
     || Call <- [fun() -> regrow_task_supervisor:async(Supervisor, not_a_function) end,
                 fun() -> regrow_task_supervisor:async(Supervisor, fun() -> ok end, #{restart => permanent}) end,
                 fun() -> regrow_task_supervisor:start_child(Supervisor, fun(_) -> ok end) end,
                 fun() -> regrow_task_supervisor:start_child(Supervisor, fun() -> ok end, [restart]) end,
                 fun() -> regrow_task_supervisor:async_stream_nolink(Supervisor, fun() -> ok end, [1]) end,
                 fun() -> regrow_task_supervisor:async_stream_nolink(Supervisor, fun(X) -> X end, [1], #{max_concurrency => 0}) end,
                 fun() -> regrow_task_supervisor:async_stream_nolink(Supervisor, fun(X) -> X end, [1], #{unknown => 0}) end,
                 fun() -> regrow_partition_supervisor:start_link(Runtime, "name", agent(), #{}) end,
                 fun() -> regrow_partition_supervisor:start_link(Runtime, ?MODULE, #{}, #{}) end,
                 fun() -> regrow_partition_supervisor:start_link(Runtime, ?MODULE, agent(), #{partitions => 0}) end,
                 fun() -> regrow_partition_supervisor:start_link(Runtime, ?MODULE, agent(), #{name => x}) end,
                 fun() -> regrow_partition_supervisor:partitions("name") end,
                 fun() -> regrow_partition_supervisor:send({regrow_partition_supervisor:start_link(Runtime, x, agent(), no_map), 1}, x) end]],
    ?assertMatch({error, _}, regrow_task_supervisor:start_child(Supervisor, fun() -> ok end, #{restart => sometimes})).
