%% Modules of the BEAM as children of native supervisors, beside native ones.
-module(regrow_supervisor_tests).
-include_lib("eunit/include/eunit.hrl").
-behaviour(regrow_supervisor).
-export([init/1, either/1, good/0, info/0, bad/0, ignored/0, crashing/0, odd/0, named/2, logged/2, stubborn/1, server/0]).

supervisor_test_() ->
    {foreach,
     fun() -> #{level := Level} = logger:get_primary_config(), logger:set_primary_config(level, none),
              process_flag(trap_exit, true), {regrow_test:runtime(#{log_level => silent}), Level} end,
     fun({Runtime, Level}) -> regrow_test:over(Runtime), process_flag(trap_exit, false), regrow_test:flush(),
                              logger:set_primary_config(level, Level) end,
     [fun({Runtime, _}) -> {Name, {timeout, regrow_test:limit(60), fun() -> process_flag(trap_exit, true), Test(Runtime) end}} end
      || {Name, Test} <-
             [{"its functions give what OTP's give", fun as_otp/1},
              {"simple_one_for_one gives what OTP's gives", fun simple/1},
              {"OTP's own functions work on it", fun otp_on_it/1},
              {"children are started in order, stopped in the other, and each strategy restarts whom it should", fun strategies/1},
              {"too many restarts end it, with reason shutdown", fun intensity/1},
              {"restart types look at the reason of the end", fun restarts/1},
              {"one that does not end in time is killed", fun shutdown_times/1},
              {"a name is free when a child that was killed is started again", fun names/1},
              {"supervisor and shadow end together", fun together/1},
              {"a child is linked with the shadow, and so is a supervisor above", fun family/1},
              {"trees hold trees, and native children", fun trees/1},
              {"a start that fails is as OTP's, and leaves nothing behind", fun failed_starts/1},
              {"a relay stands for a native process, under OTP's supervisors too", fun relays/1},
              {"a dynamic supervisor's children come and go", fun dynamic/1},
              {"the end of a child that has unlinked itself is not noticed, as in OTP", fun unlinked/1},
              {"a temporary child is forgotten when it has ended", fun temporary/1},
              {"a dynamic supervisor may have its options from a module's init", fun dynamic_module/1},
              {"1,000 children that crash at random are all there again", fun many/1}]]}.

%% ---- children ----

init({ok, Options}) -> {ok, Options};
init({Flags, Specs}) -> {ok, {Flags, Specs}};
init(Other) -> Other.

body() ->
    receive
        {exit, Reason} -> exit(Reason);
        {unlink, Other, From} -> unlink(Other), From ! unlinked, body()
    end.

good() -> {ok, proc_lib:spawn_link(fun body/0)}.
info() -> {ok, proc_lib:spawn_link(fun body/0), extra}.
bad() -> {error, nope}.
ignored() -> ignore.
crashing() -> exit(bang).
odd() -> what.
server() -> gen_server:start_link(regrow_process_tests, [], []).

named(Name, Test) ->
    {ok, proc_lib:spawn_link(fun() -> register(Name, self()), Test ! {up, Name, self()}, body() end)}.

%% Tells of its start and of its end.
logged(Name, Test) ->
    Test ! {start, Name},
    %% It is up once it traps exits: it may be told to end at once.
    proc_lib:start_link(erlang, apply, [fun begin_logged/2, [Name, Test]]).

begin_logged(Name, Test) ->
    process_flag(trap_exit, true),
    proc_lib:init_ack({ok, self()}),
    wait(Name, Test).

wait(Name, Test) ->
    receive
        {'EXIT', _, Reason} -> Test ! {stop, Name}, exit(Reason);
        {exit, Reason} -> exit(Reason)
    end.

stubborn(Test) ->
    {ok, proc_lib:spawn_link(fun() -> process_flag(trap_exit, true), Test ! {up, self()}, stay() end)}.

stay() -> receive never -> ok end.

spec(Function) -> spec(Function, Function, []).
spec(Id, Function, Arguments) -> #{id => Id, start => {?MODULE, Function, Arguments}}.

%% ---- tests ----

start(Runtime, Flags, Specs) ->
    {ok, Supervisor} = regrow_supervisor:start_link(Runtime, ?MODULE, {Flags, Specs}),
    Supervisor.

over(Supervisor) ->
    unlink(Supervisor),
    Monitor = monitor(process, Supervisor),
    exit(Supervisor, shutdown),
    receive {'DOWN', Monitor, process, Supervisor, Reason} -> Reason end.

%% Pids and stack traces are not the same twice.
shape(Pid) when is_pid(Pid) -> pid;
shape({'EXIT', {undef, _}}) -> undef;
shape(Tuple) when is_tuple(Tuple) -> list_to_tuple(shape(tuple_to_list(Tuple)));
shape([Head | Tail]) -> [shape(Head) | shape(Tail)];
shape(Term) -> Term.

script() ->
    [{start_child, [spec(Function)]} || Function <- [bad, ignored, crashing, odd, good, info, undefined_function]] ++
    [{start_child, [spec(good)]}, {which_children, []}, {count_children, []}, {terminate_child, [good]},
     {terminate_child, [good]}, {terminate_child, [none]}, {start_child, [spec(good)]}, {which_children, []},
     {delete_child, [info]}, {delete_child, [none]}, {delete_child, [good]}, {delete_child, [good]},
     {restart_child, [info]}, {restart_child, [none]}, {restart_child, [ignored]}, {get_childspec, [info]},
     {get_childspec, [none]}, {start_child, [#{id => x}]}, {start_child, [(spec(good))#{restart => often}]},
     {start_child, [{tuple, {?MODULE, good, []}, temporary, 100, worker, [?MODULE]}]},
     {start_child, [(spec(temporary, ignored, []))#{restart => temporary}]},
     {start_child, [(spec(significant, good, []))#{restart => transient, significant => true}]},
     {start_child, [(spec(significant, good, []))#{significant => true}]},
     {start_child, [(spec(s, good, []))#{type => supervisor, modules => dynamic}]},
     {terminate_child, [tuple]}, {terminate_child, [info]}, {restart_child, [info]}, {which_children, []}, {count_children, []}].

as_otp(Runtime) ->
    Ours = start(Runtime, #{}, [spec(first, good, [])]),
    {ok, Theirs} = supervisor:start_link(?MODULE, {#{}, [spec(first, good, [])]}),
    [?assertEqual({Function, shape(apply(supervisor, Function, [Theirs | Arguments]))},
                  {Function, shape(apply(regrow_supervisor, Function, [Ours | Arguments]))})
     || {Function, Arguments} <- script()],
    ?assertEqual(shutdown, over(Theirs)),
    ?assertEqual(shutdown, over(Ours)).

%% By a template whose start function is told what to do by the arguments of each.
either(Function) -> apply(?MODULE, Function, []).

simple(Runtime) ->
    Given = {#{strategy => simple_one_for_one, intensity => 2, period => 600}, [spec(template, either, [])]},
    {ok, Theirs} = supervisor:start_link(?MODULE, Given),
    {ok, Ours} = regrow_supervisor:start_link(Runtime, ?MODULE, Given),
    Asked = fun(Module, Supervisor) ->
        Started = [Module:start_child(Supervisor, Extra)
                   || Extra <- [[good], [info], [bad], [ignored], [crashing], [odd], [undefined_function], [good, more]]],
        [{ok, First}, {ok, Second, extra} | _] = Started,
        Answers = [Module:which_children(Supervisor), Module:count_children(Supervisor),
                   [Module:Ask(Supervisor, template) || Ask <- [terminate_child, restart_child, delete_child]],
                   [Module:get_childspec(Supervisor, Id) || Id <- [template, First, none, self()]],
                   Module:terminate_child(Supervisor, First), Module:terminate_child(Supervisor, First),
                   Module:terminate_child(Supervisor, self()), Module:count_children(Supervisor)],
        Monitor = monitor(process, Second),
        exit(Second, kill),
        receive {'DOWN', Monitor, process, Second, killed} -> ok end,
        shape([Started, Answers, Module:which_children(Supervisor), Module:count_children(Supervisor)])
    end,
    ?assertEqual(Asked(supervisor, Theirs), Asked(regrow_supervisor, Ours)),
    Tuple = {template, {?MODULE, either, []}, temporary, 100, worker, [?MODULE]},
    {ok, OfTuple} = regrow_supervisor:start_link(Runtime, ?MODULE, {{simple_one_for_one, 1, 5}, [Tuple]}),
    ?assertMatch({ok, _}, regrow_supervisor:start_child(OfTuple, [good])),
    ?assertEqual(shutdown, over(OfTuple)),
    %% The limit is that of all.
    [begin
        [{undefined, Pid, worker, _}] = Module:which_children(Supervisor),
        exit(Pid, kill)
     end || {Module, Supervisor} <- [{supervisor, Theirs}, {regrow_supervisor, Ours}], _ <- [1, 2],
            regrow_test:until(fun() -> not is_process_alive(Supervisor) orelse is_up(Module:which_children(Supervisor)) end)],
    [receive {'EXIT', Supervisor, Reason} -> ?assertEqual(shutdown, Reason) end || Supervisor <- [Theirs, Ours]].

is_up([{undefined, Pid, worker, _}]) -> is_pid(Pid) andalso is_process_alive(Pid).

otp_on_it(Runtime) ->
    Ours = start(Runtime, #{}, []),
    {ok, Pid} = supervisor:start_child(Ours, spec(good)),
    ?assertEqual([{good, Pid, worker, [?MODULE]}], supervisor:which_children(Ours)),
    ok = supervisor:terminate_child(Ours, good),
    ok = supervisor:delete_child(Ours, good),
    ?assertEqual([{specs, 0}, {active, 0}, {supervisors, 0}, {workers, 0}], supervisor:count_children(Ours)),
    over(Ours).

%% Asked of both, as are the next.
both(Runtime, Specs, Ask) ->
    Ours = start(Runtime, #{}, Specs),
    {ok, Theirs} = supervisor:start_link(?MODULE, {#{}, Specs}),
    ?assertEqual(Ask(supervisor, Theirs), Ask(regrow_supervisor, Ours)),
    ?assertEqual([shutdown, shutdown], [over(Theirs), over(Ours)]).

unlinked(Runtime) ->
    both(Runtime, [spec(apart, logged, [apart, self()]), spec(alone, good, [])], fun(Module, Supervisor) ->
        Alone = child(Supervisor, alone),
        Monitor = monitor(process, Alone),
        true = unlink_from(Supervisor, Alone),
        exit(Alone, kill),
        receive {'DOWN', Monitor, process, Alone, killed} -> ok end,
        Asked = [Module:which_children(Supervisor), Module:count_children(Supervisor),
                 child(Supervisor, alone) =:= Alone, Module:terminate_child(Supervisor, alone),
                 Module:terminate_child(Supervisor, apart), element(1, Module:restart_child(Supervisor, alone)),
                 Module:count_children(Supervisor)],
        regrow_test:flush(),
        shape(Asked)
    end).

%% Has a child give up its link.
unlink_from(Supervisor, Child) ->
    Child ! {unlink, Supervisor, self()},
    receive unlinked -> true after 20000 -> false end.

temporary(Runtime) ->
    Temporary = (spec(brief, good, []))#{restart => temporary},
    both(Runtime, [Temporary], fun(Module, Supervisor) ->
        Before = Module:get_childspec(Supervisor, brief),
        Pid = child(Supervisor, brief),
        exit(Pid, kill),
        true = regrow_test:until(fun() -> Module:which_children(Supervisor) =:= [] end),
        [Before, Module:get_childspec(Supervisor, brief), shape(Module:start_child(Supervisor, Temporary)),
         Module:terminate_child(Supervisor, brief), Module:get_childspec(Supervisor, brief)]
    end),
    %% Nothing is kept of those that have ended.
    Supervisor = start(Runtime, #{}, []),
    [begin
        {ok, Pid} = regrow_supervisor:start_child(Supervisor, Temporary#{id => {brief, Number}}),
        exit(Pid, kill)
     end || Number <- lists:seq(1, 100)],
    ?assert(regrow_test:until(fun() -> regrow_supervisor:which_children(Supervisor) =:= [] end)),
    ?assertNot(lists:member({brief, 1}, held(sys:get_state(Supervisor)))),
    over(Supervisor).

%% All terms in a state.
held(Tuple) when is_tuple(Tuple) -> [Tuple | held(tuple_to_list(Tuple))];
held([Head | Tail]) -> held(Head) ++ held(Tail);
held(Map) when is_map(Map) -> held(maps:to_list(Map));
held(Term) -> [Term].

dynamic_module(Runtime) ->
    Start = fun(Given) -> regrow_dynamic_supervisor:start_link(Runtime, ?MODULE, Given) end,
    {ok, Supervisor} = Start({ok, #{max_children => 1}}),
    {ok, Pid} = regrow_dynamic_supervisor:start_child(Supervisor, spec(good)),
    ?assertEqual({error, max_children}, regrow_dynamic_supervisor:start_child(Supervisor, spec(good))),
    ?assertEqual(ok, regrow_dynamic_supervisor:terminate_child(Supervisor, Pid)),
    %% Significance says nothing there.
    Significant = (spec(good))#{restart => transient, significant => true},
    ?assertMatch({ok, _}, regrow_dynamic_supervisor:start_child(Supervisor, Significant)),
    ?assertEqual(shutdown, over(Supervisor)),
    ?assertEqual(ignore, Start(ignore)),
    ?assertEqual({error, {supervisor_data, {bad_option, #{most => 1}}}}, Start({ok, #{most => 1}})),
    ?assertEqual({error, {supervisor_data, {bad_option, #{max_children => -1}}}}, Start({ok, #{max_children => -1}})),
    ?assertEqual({error, {bad_return, {?MODULE, init, nonsense}}}, Start(nonsense)).

child(Supervisor, Id) ->
    {Id, Pid, _, _} = lists:keyfind(Id, 1, regrow_supervisor:which_children(Supervisor)),
    Pid.

heard(Count) -> [regrow_test:receive_one() || _ <- lists:seq(1, Count)].

strategies(Runtime) ->
    Test = self(),
    [begin
         Supervisor = start(Runtime, #{strategy => Strategy, intensity => 5}, [spec(N, logged, [N, Test]) || N <- [a, b, c]]),
         ?assertEqual([{start, a}, {start, b}, {start, c}], heard(3)),
         child(Supervisor, b) ! {exit, crash},
         ?assertEqual(Expected, heard(length(Expected))),
         ?assertEqual(3, proplists:get_value(active, regrow_supervisor:count_children(Supervisor))),
         ?assertEqual(shutdown, over(Supervisor)),
         ?assertEqual([{stop, c}, {stop, b}, {stop, a}], heard(3))
     end || {Strategy, Expected} <- [{one_for_one, [{start, b}]},
                                     {rest_for_one, [{stop, c}, {start, b}, {start, c}]},
                                     {one_for_all, [{stop, c}, {stop, a}, {start, a}, {start, b}, {start, c}]}]].

intensity(Runtime) ->
    Supervisor = start(Runtime, #{intensity => 2, period => 100}, [spec(good), spec(other, good, [])]),
    Other = child(Supervisor, other),
    Monitor = monitor(process, Other),
    [begin child(Supervisor, good) ! {exit, N}, regrow_test:until(fun() -> {ok, History} = regrow_supervisor:history(Supervisor), length(History) =:= N end) end
     || N <- [1, 2]],
    child(Supervisor, good) ! {exit, 3},
    ?assertEqual({'DOWN', Monitor, process, Other, shutdown}, receive {'DOWN', _, _, _, _} = Down -> Down end),
    ?assertEqual({'EXIT', Supervisor, shutdown}, regrow_test:receive_one()).

restarts(Runtime) ->
    [begin
         Supervisor = start(Runtime, #{}, [(spec(good))#{restart => Restart}]),
         Old = child(Supervisor, good),
         Old ! {exit, Reason},
         ?assert(regrow_test:until(fun() -> case regrow_supervisor:which_children(Supervisor) of
                                                [{good, New, _, _}] when Becomes =:= again -> is_pid(New) andalso New =/= Old;
                                                [{good, undefined, _, _}] -> Becomes =:= stays;
                                                [] -> Becomes =:= forgotten;
                                                _ -> false
                                            end end)),
         over(Supervisor)
     end || {Restart, Reason, Becomes} <- [{permanent, normal, again}, {permanent, boom, again}, {transient, normal, stays},
                                           {transient, {shutdown, x}, stays}, {transient, boom, again},
                                           {temporary, boom, forgotten}, {temporary, normal, forgotten}]].

shutdown_times(Runtime) ->
    Test = self(),
    [begin
         Supervisor = start(Runtime, #{}, [(spec(s, stubborn, [Test]))#{shutdown => Shutdown}]),
         {up, Pid} = regrow_test:receive_one(),
         Monitor = regrow_test:monitored(Pid),
         ?assertEqual(ok, regrow_supervisor:terminate_child(Supervisor, s)),
         ?assertEqual({'DOWN', Monitor, process, Pid, killed}, regrow_test:receive_one()),
         ?assertEqual(undefined, child(Supervisor, s)),
         over(Supervisor)
     end || Shutdown <- [brutal_kill, 20]].

names(Runtime) ->
    Test = self(),
    Supervisor = start(Runtime, #{strategy => one_for_all, intensity => 1000},
                       [(spec(a, named, [regrow_named, Test]))#{shutdown => brutal_kill}, spec(b, good, [])]),
    {up, _, First} = regrow_test:receive_one(),
    Last = lists:foldl(fun(_, Old) ->
        child(Supervisor, b) ! {exit, boom},
        {up, _, New} = regrow_test:receive_one(),
        ?assertNotEqual(Old, New),
        ?assertNot(is_process_alive(Old)),
        New
    end, First, lists:seq(1, 100)),
    ?assertEqual(Last, whereis(regrow_named)),
    over(Supervisor).

together(Runtime) ->
    Supervisor = start(Runtime, #{}, [spec(good)]),
    Native = regrow_supervisor:native(Supervisor),
    Monitors = [monitor(process, child(Supervisor, good)), regrow:monitor(Native)],
    exit(Supervisor, kill),
    Downs = [receive {'DOWN', Monitor, _, _, _} -> down after 20000 -> nothing end || Monitor <- Monitors],
    ?assertEqual([down, down], Downs),
    ?assertEqual({'EXIT', Supervisor, killed}, regrow_test:receive_one()),
    Other = start(Runtime, #{}, [spec(good)]),
    Down = monitor(process, child(Other, good)),
    true = regrow:exit(regrow_supervisor:native(Other), kill),
    receive {'DOWN', Down, _, _, _} -> ok after 20000 -> error(no_down) end,
    ?assertEqual({'EXIT', Other, killed}, regrow_test:receive_one()),
    %% The runtime's end.
    Own = regrow_test:runtime(#{log_level => silent}),
    Last = start(Own, #{}, [spec(good)]),
    Left = monitor(process, child(Last, good)),
    ok = regrow:shutdown(Own),
    receive {'DOWN', Left, _, _, _} -> ok after 20000 -> error(no_down) end,
    ?assertMatch({'EXIT', Last, _}, regrow_test:receive_one()).

family(Runtime) ->
    Ours = #{id => ours, type => supervisor, start => {regrow_supervisor, start_link, [Runtime, ?MODULE, {#{}, [spec(good), spec(server, server, [])]}]}},
    {ok, Above} = supervisor:start_link(?MODULE, {#{}, [Ours]}),
    [{ours, Shadow, supervisor, _}] = supervisor:which_children(Above),
    Child = child(Shadow, server),
    {links, Links} = process_info(Child, links),
    ?assert(lists:member(Shadow, Links)),
    {dictionary, Dictionary} = process_info(Child, dictionary),
    ?assertMatch([Shadow, Above | _], proplists:get_value('$ancestors', Dictionary)),
    Monitor = regrow_test:monitored(Child),
    exit(Shadow, kill),
    receive {'DOWN', Monitor, _, _, killed} -> ok after 20000 -> error(no_down) end,
    ?assert(regrow_test:until(fun() -> case supervisor:which_children(Above) of [{ours, New, _, _}] -> is_pid(New) andalso New =/= Shadow end end)),
    ?assertEqual(shutdown, over(Above)).

trees(Runtime) ->
    regrow_test:plugin(counter),
    Below = #{id => below, type => supervisor, start => {regrow_supervisor, start_link, [Runtime, ?MODULE, {#{}, [spec(good)]}]}},
    Native = #{id => counter, kind => behaviour, behaviour => <<"counter">>, arg => 40, name => <<"counter">>},
    Supervisor = start(Runtime, #{strategy => one_for_all, intensity => 3}, [Below, Native, spec(server, server, [])]),
    [{server, Server, worker, _}, {counter, Counter, worker, [server]}, {below, Inner, supervisor, _}] =
        regrow_supervisor:which_children(Supervisor),
    ?assertEqual({ok, 42}, regrow:call(Counter, {add, 2})),
    ?assertEqual({ok, Counter}, regrow:whereis(Runtime, <<"counter">>)),
    Deep = child(Inner, good),
    Monitors = [monitor(process, Pid) || Pid <- [Server, Inner, Deep]],
    {error, {unknown_request, what}} = regrow:call(Counter, what),
    [receive {'DOWN', Monitor, _, _, _} -> ok after 20000 -> error(no_down) end || Monitor <- Monitors],
    ?assert(regrow_test:until(fun() -> proplists:get_value(active, regrow_supervisor:count_children(Supervisor)) =:= 3 end)),
    ?assertEqual({ok, 40}, regrow:call(child(Supervisor, counter), get)),
    {ok, #{children := Shown}} = regrow_supervisor:tree(Supervisor),
    ?assertEqual(3, length(Shown)),
    %% A native supervisor, and native children of it.
    {ok, Plain} = regrow:start_link(Runtime, #{kind => supervisor, children => [Native#{name => <<"other">>}]}),
    ?assertMatch([{counter, _, worker, _}], regrow_supervisor:which_children(Plain)),
    ?assertMatch({ok, _}, regrow_supervisor:start_child(Plain, #{id => agent, kind => agent, initial => 1})),
    ?assertEqual([{specs, 2}, {active, 2}, {supervisors, 0}, {workers, 2}], regrow_supervisor:count_children(Plain)),
    ?assertEqual({error, {already_started, child(Plain, agent)}}, regrow_supervisor:start_child(Plain, #{id => agent, kind => agent})),
    ok = regrow_supervisor:terminate_child(Plain, agent),
    {ok, _} = regrow_supervisor:restart_child(Plain, agent),
    ?assertEqual({error, running}, regrow_supervisor:delete_child(Plain, agent)),
    ?assertMatch({ok, #{id := agent}}, regrow_supervisor:get_childspec(Plain, agent)),
    ok = regrow:stop(Plain),
    over(Supervisor).

failed_starts(Runtime) ->
    %% Whoever serves the runtime has begun.
    {ok, quiet} = regrow:settle(Runtime),
    Before = length(processes()),
    [begin
         Theirs = supervisor:start_link(?MODULE, Given),
         ?assertEqual(shape(Theirs), shape(regrow_supervisor:start_link(Runtime, ?MODULE, Given))),
         regrow_test:flush()
     end || Given <- [{#{}, [spec(good), spec(bad)]}, {#{}, [spec(good), spec(crashing)]}, {#{}, [spec(good), spec(good)]},
                      {#{}, [#{id => x}]}, ignore, nonsense]],
    ?assertEqual({error, {start_spec, not_a_list}}, regrow_supervisor:start_link(Runtime, ?MODULE, {#{}, not_a_list})),
    [?assertEqual(supervisor:start_link(?MODULE, {Flags, []}), regrow_supervisor:start_link(Runtime, ?MODULE, {Flags, []}))
     || Flags <- [#{strategy => some, intensity => -1}, #{intensity => -1, period => 0}, #{period => infinity},
                  #{auto_shutdown => x}, {some, 1, 1}, {one_for_one, x, 1}, {one_for_one, 1, 0}, 17, []]],
    [?assertMatch({error, {Why, _}}, regrow_supervisor:start_link(Runtime, ?MODULE, {Flags, Specs}))
     || {Why, Flags, Specs} <-
            [{supervisor_data, #{strategy => often}, []}, {bad_start_spec, #{strategy => simple_one_for_one}, []},
             {supervisor_data, #{strategy => simple_one_for_one, auto_shutdown => any_significant}, [spec(good)]},
             {bad_start_spec, #{strategy => simple_one_for_one}, [spec(good), spec(info)]},
             {bad_start_spec, #{strategy => simple_one_for_one}, [#{id => native, kind => agent}]}]],
    ?assertError(badarg, regrow_supervisor:start_link(Runtime, "module", [])),
    ?assert(regrow_test:until(fun() -> length(processes()) =< Before + 1 end)),
    regrow_test:flush().

relays(Runtime) ->
    regrow_test:plugin(counter),
    Counter = #{kind => behaviour, behaviour => <<"counter">>, arg => 7, name => <<"relayed">>},
    {ok, Above} = supervisor:start_link(?MODULE, {#{}, [#{id => c, start => {regrow_relay, start_link, [Runtime, Counter]}}]}),
    [{c, Relay, worker, _}] = supervisor:which_children(Above),
    {ok, Native} = regrow:whereis(Runtime, <<"relayed">>),
    ?assertEqual(8, gen_server:call(Relay, {add, 1})),
    ok = gen_server:cast(Relay, reset),
    ?assertEqual(7, gen_server:call(Relay, get)),
    Monitor = monitor(process, Relay),
    ?assertExit({{unknown_request, what}, _}, gen_server:call(Relay, what)),
    ?assertEqual({'DOWN', Monitor, process, Relay, {unknown_request, what}}, regrow_test:receive_one()),
    ?assert(regrow_test:until(fun() -> case regrow:whereis(Runtime, <<"relayed">>) of {ok, New} -> New =/= Native; _ -> false end end)),
    {ok, Last} = regrow:whereis(Runtime, <<"relayed">>),
    ?assertEqual(shutdown, over(Above)),
    ?assertNot(regrow:is_alive(Last)),
    %% Of a process that was there before.
    Actor = regrow_test:actor(Runtime),
    {ok, Pid} = regrow:to_pid(Actor),
    ?assertEqual({ok, Pid}, regrow:to_pid(Pid)),
    Pid ! hello,
    ?assertEqual({actor, hello}, regrow_test:receive_one()),
    Down = regrow:monitor(Actor),
    exit(Pid, boom),
    ?assertEqual({'DOWN', Down, process, Actor, boom}, regrow_test:receive_one()),
    ?assert(regrow_test:until(fun() -> not is_process_alive(Pid) end)),
    ?assertEqual({error, noproc}, regrow:to_pid(Actor)),
    ?assertEqual({error, badarg}, regrow_relay:start_link(Runtime, #{kind => unknown})),
    ?assertEqual({error, not_found}, regrow_relay:start_link(Runtime, Counter#{behaviour => <<"nobody">>})),
    ?assertError(badarg, regrow_relay:start(self())),
    ?assertError(badarg, regrow:to_pid(17)).

dynamic(Runtime) ->
    {ok, Supervisor} = regrow_dynamic_supervisor:start_link(Runtime, #{max_children => 3, name => {local, regrow_dynamic}}),
    {ok, First} = regrow_dynamic_supervisor:start_child(regrow_dynamic, spec(good)),
    {ok, Second, extra} = regrow_dynamic_supervisor:start_child(Supervisor, spec(info)),
    ?assertEqual(ignore, regrow_dynamic_supervisor:start_child(Supervisor, spec(ignored))),
    ?assertEqual({error, nope}, regrow_dynamic_supervisor:start_child(Supervisor, spec(bad))),
    ?assertEqual({error, missing_start}, regrow_dynamic_supervisor:start_child(Supervisor, #{id => x})),
    regrow_test:plugin(counter),
    {ok, Native} = regrow_dynamic_supervisor:start_child(Supervisor, #{id => x, kind => behaviour, behaviour => <<"counter">>}),
    ?assertEqual({error, max_children}, regrow_dynamic_supervisor:start_child(Supervisor, spec(good))),
    ?assertEqual(lists:sort([{undefined, First, worker, [?MODULE]}, {undefined, Second, worker, [?MODULE]}, {undefined, Native, worker, [server]}]),
                 lists:sort(regrow_dynamic_supervisor:which_children(Supervisor))),
    ?assertEqual([{specs, 3}, {active, 3}, {supervisors, 0}, {workers, 3}], regrow_dynamic_supervisor:count_children(Supervisor)),
    ok = regrow_dynamic_supervisor:terminate_child(Supervisor, First),
    ?assertNot(is_process_alive(First)),
    ?assertEqual({error, not_found}, regrow_dynamic_supervisor:terminate_child(Supervisor, First)),
    ok = regrow_dynamic_supervisor:terminate_child(Supervisor, Native),
    Second ! {exit, boom},
    ?assert(regrow_test:until(fun() -> case regrow_dynamic_supervisor:which_children(Supervisor) of
                                           [{undefined, New, worker, _}] -> is_pid(New) andalso New =/= Second;
                                           _ -> false
                                       end end)),
    ?assertEqual(shutdown, over(Supervisor)),
    [?assertError(badarg, regrow_dynamic_supervisor:start_link(Runtime, Options))
     || Options <- [[], #{max_children => -1}, #{max_seconds => 0}, #{unknown => 1}, #{name => name}, #{max_restarts => infinity}]].

many(Runtime) ->
    {ok, Supervisor} = regrow_dynamic_supervisor:start_link(Runtime, #{max_restarts => 1000000}),
    Count = min(1000, regrow_test:rounds(1000)),
    Pids = [begin {ok, Pid} = regrow_dynamic_supervisor:start_child(Supervisor, spec(good)), Pid end || _ <- lists:seq(1, Count)],
    Crashing = [Pid || Pid <- Pids, rand:uniform(2) =:= 1],
    Monitors = [begin Monitor = monitor(process, Pid), Pid ! {exit, boom}, Monitor end || Pid <- Crashing],
    [receive {'DOWN', Monitor, process, _, boom} -> ok end || Monitor <- Monitors],
    ?assert(regrow_test:until(fun() ->
        Now = [Pid || {_, Pid, _, _} <- regrow_dynamic_supervisor:which_children(Supervisor)],
        length(Now) =:= Count andalso lists:all(fun(Pid) -> is_pid(Pid) andalso not regrow:is_native(Pid) andalso is_process_alive(Pid) end, Now)
    end)),
    ?assertEqual(shutdown, over(Supervisor)),
    ?assert(regrow_test:until(fun() -> {ok, #{processes := Left}} = regrow:stats(Runtime), Left =< 3 end)).
