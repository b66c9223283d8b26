-module(regrow_table_tests).
-include_lib("eunit/include/eunit.hrl").

table_test_() ->
    {foreach, fun() -> regrow_test:runtime() end, fun(Runtime) -> regrow_test:over(Runtime) end,
     [fun(Runtime) -> {Name, {timeout, 60, fun() -> Test(Runtime) end}} end
      || {Name, Test} <-
             [{"random operations give what ets gives", fun as_ets/1},
              {"what is protected or private is the owner's", fun access/1},
              {"a table goes with its owner, before anybody sees that end", fun owners/1},
              {"an heir gets the table, and so does whom it is given", fun heirs/1},
              {"an heir is named, changed and taken away later, as in ets", fun new_heirs/1},
              {"a table with a name is found", fun names/1},
              {"many objects come back at once", fun many/1},
              {"wrong tables and arguments are errors", fun wrong/1}]]}.

as_ets(Runtime) ->
    rand:seed(exsss, {4, 5, 6}),
    [begin
         {ok, Table} = regrow_table:new(Runtime, [Kind, public]),
         Ets = ets:new(table, [Kind, public]),
         [step(Table, Ets, Kind, 1 + rand:uniform(8)) || _ <- lists:seq(1, regrow_test:rounds(500))],
         {ok, All} = regrow_table:tab2list(Table),
         ?assertEqual(sorted(ets:tab2list(Ets)), sorted(All))
     end || Kind <- [set, ordered_set, bag, duplicate_bag]].

key() -> lists:nth(rand:uniform(8), [1, 1.0, a, <<"b">>, {c}, [d], #{e => f}, 1 bsl 80]).

step(Table, Ets, Kind, N) -> step(N, Table, Ets, key(), Kind, rand:uniform(5)).

step(2, Table, Ets, Key, _, V) -> true = ets:insert(Ets, {Key, V}), ok = regrow_table:insert(Table, {Key, V});
step(3, Table, Ets, Key, _, V) -> ?assertEqual({ok, ets:insert_new(Ets, {Key, V})}, regrow_table:insert_new(Table, {Key, V}));
step(4, Table, Ets, Key, _, _) -> ?assertEqual({ok, ets:lookup(Ets, Key)}, regrow_table:lookup(Table, Key));
step(5, Table, Ets, Key, _, _) -> ?assertEqual({ok, ets:take(Ets, Key)}, regrow_table:take(Table, Key));
step(6, Table, Ets, Key, _, _) -> ?assertEqual({ok, ets:member(Ets, Key)}, regrow_table:member(Table, Key));
step(7, Table, Ets, Key, Kind, V) when Kind =:= set; Kind =:= ordered_set ->
    ?assertEqual({ok, ets:update_counter(Ets, Key, V, {Key, 0})}, regrow_table:update_counter(Table, Key, V, {Key, 0}));
step(8, Table, Ets, Key, _, V) -> true = ets:delete_object(Ets, {Key, V}), ok = regrow_table:delete_object(Table, {Key, V});
step(9, Table, Ets, _, _, V) ->
    Spec = [{{'$1', '$2'}, [{'>', '$2', V}], ['$_']}],
    {ok, Found} = regrow_table:select(Table, Spec),
    ?assertEqual(sorted(ets:select(Ets, Spec)), sorted(Found)),
    ?assertEqual({ok, ets:select_count(Ets, [{{'$1', V}, [], [true]}])},
                 regrow_table:select_count(Table, [{{'$1', V}, [], [true]}]));
step(_, Table, Ets, Key, _, _) -> true = ets:delete(Ets, Key), ok = regrow_table:delete(Table, Key).

%% Also 1 and 1.0, which sort as equal.
sorted(Objects) -> lists:sort([term_to_binary(Object) || Object <- Objects]).

access(Runtime) ->
    {ok, Protected} = regrow_table:new(Runtime, []),
    {ok, Private} = regrow_table:new(Runtime, [private]),
    ok = regrow_table:insert(Protected, {a, 1}),
    ok = regrow_table:insert(Private, {a, 1}),
    ?assertEqual({ok, [{a, 1}]}, regrow_table:lookup(Private, a)),
    Test = self(),
    spawn_link(fun() ->
        Test ! [regrow_table:insert(Protected, {b, 1}), regrow_table:lookup(Protected, a), regrow_table:lookup(Private, a),
                regrow_table:delete(Protected), regrow_table:give_away(Private, self(), x)]
    end),
    ?assertEqual([{error, access}, {ok, [{a, 1}]}, {error, access}, {error, access}, {error, access}],
                 regrow_test:receive_one()).

owners(Runtime) ->
    Left = [Table || _ <- lists:seq(1, regrow_test:rounds(2000)), begin Table = of_the_dead(Runtime), true end,
                     regrow_table:lookup(Table, a) =/= {error, no_table}],
    ?assertEqual([], Left).

of_the_dead(Runtime) ->
    Test = self(),
    {Pid, Monitor} = spawn_monitor(fun() ->
        {ok, Made} = regrow_table:new(Runtime, [public]),
        ok = regrow_table:insert(Made, {a, 1}),
        Test ! {made, Made}
    end),
    Table = receive {made, T} -> T end,
    receive {'DOWN', Monitor, process, Pid, _} -> ok end,
    Table.

heirs(Runtime) ->
    Test = self(),
    {_, _} = spawn_monitor(fun() ->
        {ok, Table} = regrow_table:new(Runtime, [{heir, Test, data}]),
        ok = regrow_table:insert(Table, {a, 1})
    end),
    Messages = [regrow_test:receive_one(), regrow_test:receive_one()],
    [{'ETS-TRANSFER', Ref, From, data}] = [M || M <- Messages, element(1, M) =:= 'ETS-TRANSFER'],
    ?assertNot(is_process_alive(From)),
    Table = regrow_table:of_ref(Runtime, Ref),
    ok = regrow_table:insert(Table, {b, 2}),
    Given = spawn_link(fun() -> receive {'ETS-TRANSFER', R, Test, gift} -> Test ! {got, regrow_table:insert(regrow_table:of_ref(Runtime, R), {c, 3})} end, receive stop -> ok end end),
    ok = regrow_table:give_away(Table, Given, gift),
    ?assertEqual({got, ok}, regrow_test:receive_one()),
    ?assertEqual({error, access}, regrow_table:insert(Table, {d, 4})),
    ?assertEqual({ok, 3}, regrow_table:size(Table)),
    ?assertEqual({error, access}, regrow_table:setopts(Table, {heir, self(), mine})),
    Given ! stop.

%% The same of ets.
new_heirs(Runtime) ->
    Test = self(),
    New = fun(regrow_table, Options) -> {ok, Table} = regrow_table:new(Runtime, Options), Table;
             (ets, Options) -> ets:new(table, Options)
          end,
    Heard = fun(Module) ->
        [begin
            {Owner, Monitor} = spawn_monitor(fun() ->
                Table = New(Module, Given),
                [Module:setopts(Table, Option) || Option <- Changes]
            end),
            [receive
                {'ETS-TRANSFER', _, Owner, Data} -> Data;
                {'DOWN', Monitor, process, Owner, normal} -> ended
             after 100 -> none
             end || _ <- [1, 2]]
         end || {Given, Changes} <-
                    [{[], [{heir, Test, late}]}, {[{heir, Test, early}], [{heir, none}]},
                     {[{heir, Test, early}], [{heir, Test, late}]}, {[], [{heir, dead(), lost}]}]]
    end,
    Ours = [lists:sort(Each) || Each <- Heard(regrow_table)],
    ?assertEqual([lists:sort(Each) || Each <- Heard(ets)], Ours),
    ?assertEqual([[ended, late], [ended, none], [ended, late], [ended, none]], Ours),
    Mine = New(regrow_table, []),
    [?assertError(badarg, regrow_table:setopts(Mine, Wrong)) || Wrong <- [{heir, name, x}, {keypos, 2}, heir]],
    ?assertError(badarg, regrow_table:setopts(none, {heir, none})),
    ok = regrow_table:delete(Mine),
    ?assertEqual({error, no_table}, regrow_table:setopts(Mine, {heir, none})).

dead() ->
    {Pid, Monitor} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Monitor, process, Pid, _} -> Pid end.

names(Runtime) ->
    {ok, Table} = regrow_table:new(Runtime, [{name, <<"name">>}]),
    ?assertEqual({ok, Table}, regrow_table:whereis(Runtime, <<"name">>)),
    ?assertMatch({error, _}, regrow_table:new(Runtime, [{name, <<"name">>}])),
    {ok, Info} = regrow_table:info(Table),
    ?assertEqual(<<"name">>, proplists:get_value(name, Info)),
    ?assertEqual(self(), proplists:get_value(owner, Info)),
    ok = regrow_table:delete(Table),
    ?assertEqual({error, not_found}, regrow_table:whereis(Runtime, <<"name">>)).

many(Runtime) ->
    {ok, Table} = regrow_table:new(Runtime, [ordered_set, public]),
    Objects = [{N, self(), <<"object">>} || N <- lists:seq(1, 20000)],
    ok = regrow_table:insert(Table, Objects),
    ?assertEqual({ok, Objects}, regrow_table:tab2list(Table)),
    ?assertEqual({ok, 1}, regrow_table:first(Table)),
    ?assertEqual({ok, 20000}, regrow_table:last(Table)),
    ?assertEqual({ok, 8}, regrow_table:next(Table, 7)),
    ?assertEqual({ok, 6}, regrow_table:prev(Table, 7)),
    ?assertEqual({ok, 10000}, regrow_table:select_delete(Table, [{{'$1', '_', '_'}, [{'>', '$1', 10000}], [true]}])),
    ?assertEqual({ok, 10000}, regrow_table:match_delete(Table, {'_', self(), '_'})),
    ?assertEqual({ok, 0}, regrow_table:size(Table)),
    %% The same object many times over is one large result.
    Huge = {key, binary:copy(<<"x">>, 100000), lists:seq(1, 5000)},
    ok = regrow_table:insert(Table, Huge),
    ?assertEqual({ok, [Huge]}, regrow_table:take(Table, key)),
    ?assertEqual({ok, []}, regrow_table:take(Table, key)).

wrong(Runtime) ->
    {ok, Table} = regrow_table:new(Runtime, [public]),
    [?assertError(badarg, Call())
     || Call <- [fun() -> regrow_table:new(Runtime, [unknown]) end, fun() -> regrow_table:new(Runtime, [{keypos, 0}]) end,
                 fun() -> regrow_table:new(Runtime, [{name, a}]) end, fun() -> regrow_table:new(self(), []) end,
                 fun() -> regrow_table:lookup(table, a) end, fun() -> regrow_table:lookup(make_ref(), a) end,
                 fun() -> regrow_table:insert(Table, not_a_tuple) end, fun() -> regrow_table:insert(Table, {}) end,
                 fun() -> regrow_table:insert(Table, [{a} | b]) end, fun() -> regrow_table:select(Table, spec) end,
                 fun() -> regrow_table:lookup_element(Table, a, -1) end,
                 fun() -> ok = regrow_table:insert(Table, {a, b}), regrow_table:update_counter(Table, a, 1) end]],
    ?assertEqual({error, no_table}, regrow_table:lookup(regrow_table:of_ref(Runtime, make_ref()), a)),
    ?assertEqual({error, not_found}, regrow_table:lookup_element(Table, none, 2)),
    ok = regrow_table:delete(Table),
    ?assertEqual({error, no_table}, regrow_table:insert(Table, {a})),
    Other = regrow_test:runtime(),
    {ok, There} = regrow_table:new(Other, [public]),
    ok = regrow:shutdown(Other),
    ?assertEqual({error, no_table}, regrow_table:insert(There, {a})).
