-module(regrow_table_tests).
-include_lib("eunit/include/eunit.hrl").

table_test_() ->
    {foreach, fun() -> regrow_test:runtime() end, fun(Runtime) -> regrow_test:over(Runtime) end,
     [fun(Runtime) -> {Name, {timeout, regrow_test:limit(60), fun() -> Test(Runtime) end}} end
      || {Name, Test} <-
             [{"random operations give what ets gives", fun as_ets/1},
              {"what is protected or private is the owner's", fun access/1},
              {"a table goes with its owner, before anybody sees that end", fun owners/1},
              {"an heir gets the table, and so does whom it is given", fun heirs/1},
              {"an heir is named, changed and taken away later, as in ets", fun new_heirs/1},
              {"a table with a name is found", fun names/1},
              {"many objects come back at once", fun many/1},
              {"a search goes on part by part, as in ets", fun parts/1},
              {"what is left of a key is not copied with each part", fun parts_of_a_key/1},
              {"parts of a table that changes have what is there all the time", fun parts_of_changes/1},
              {"objects are replaced, and searched from the end", fun replaced/1},
              {"a table is written to a file, and read", fun files/1},
              {"names, heirs and fixations change", fun options/1},
              {"wrong tables and arguments are errors", fun wrong/1}]]}.

%% ---- parts ----

%% All parts, and whether each but the last was as large as it may be.
all_parts({ok, '$end_of_table'}, _, _) -> [];
all_parts({ok, {Found, '$end_of_table'}}, _, Limit) ->
    ?assert(length(Found) =< Limit),
    Found;
all_parts({ok, {Found, Continuation}}, Next, Limit) ->
    ?assertEqual(Limit, length(Found)),
    Found ++ all_parts(Next(Continuation), Next, Limit).

parts(Runtime) ->
    Objects = [{N, N rem 3} || N <- lists:seq(1, 100)],
    Pattern = {'$1', 1},
    Spec = [{{'$1', 1}, [], ['$1']}],
    [begin
         {ok, Table} = regrow_table:new(Runtime, [Kind, Access]),
         Ets = ets:new(table, [Kind]),
         true = ets:insert(Ets, Objects),
         ok = regrow_table:insert(Table, Objects),
         Same = fun(Expected, Given) when Kind =:= ordered_set -> ?assertEqual(Expected, Given);
                   (Expected, Given) -> ?assertEqual(lists:sort(Expected), lists:sort(Given))
                end,
         [begin
              Same(ets:match(Ets, Pattern), all_parts(regrow_table:match(Table, Pattern, Limit), fun regrow_table:match/1, Limit)),
              Same(ets:match_object(Ets, Pattern),
                   all_parts(regrow_table:match_object(Table, Pattern, Limit), fun regrow_table:match_object/1, Limit)),
              Same(ets:select(Ets, Spec), all_parts(regrow_table:select(Table, Spec, Limit), fun regrow_table:select/1, Limit)),
              Same(ets:select_reverse(Ets, Spec),
                   all_parts(regrow_table:select_reverse(Table, Spec, Limit), fun regrow_table:select_reverse/1, Limit))
          end || Limit <- [1, 7, 34, 100]],
         {ok, {_, Continuation}} = regrow_table:select(Table, Spec, 5),
         %% It may be used again, and in another process if that may read the table.
         ?assertEqual(regrow_table:select(Continuation), regrow_table:select(Continuation)),
         ?assertEqual({ok, '$end_of_table'}, regrow_table:select('$end_of_table')),
         ?assertEqual({ok, '$end_of_table'}, regrow_table:select(Table, [{{'$1', none}, [], ['$1']}], 5)),
         ok = regrow_table:delete(Table),
         ?assertEqual({error, no_table}, regrow_table:select(Continuation))
     end || Kind <- [set, ordered_set, bag], Access <- [public, private]].

parts_of_a_key(Runtime) ->
    [begin
         {ok, Table} = regrow_table:new(Runtime, [Kind]),
         ok = regrow_table:insert(Table, [{key, N} || N <- lists:seq(1, 2000)]),
         Spec = [{{key, '$1'}, [], ['$1']}],
         {ok, {_, Continuation}} = First = regrow_table:select(Table, Spec, 10),
         ?assert(erts_debug:flat_size(Continuation) < 100),
         ?assertEqual(lists:seq(1, 2000), all_parts(First, fun regrow_table:select/1, 10))
     end || Kind <- [bag, duplicate_bag]].

parts_of_changes(Runtime) ->
    {ok, Table} = regrow_table:new(Runtime, [public]),
    ok = regrow_table:insert(Table, [{{stays, N}, N} || N <- lists:seq(1, 1000)]),
    Test = self(),
    Changer = spawn_link(fun Loop() ->
        [ok = regrow_table:insert(Table, {{goes, N}, N}) || N <- lists:seq(1, 100)],
        [ok = regrow_table:delete(Table, {goes, N}) || N <- lists:seq(1, 100)],
        receive stop -> Test ! stopped after 0 -> Loop() end
    end),
    Spec = [{{{stays, '$1'}, '_'}, [], ['$1']}],
    [?assertEqual(lists:seq(1, 1000),
                  lists:sort(all_parts(regrow_table:select(Table, Spec, 37), fun regrow_table:select/1, 37)))
     || _ <- lists:seq(1, 5)],
    Changer ! stop,
    ?assertEqual(stopped, regrow_test:receive_one()).

replaced(Runtime) ->
    {ok, Table} = regrow_table:new(Runtime, [ordered_set]),
    ok = regrow_table:insert(Table, [{N, a} || N <- lists:seq(1, 5)]),
    ?assertEqual({ok, 2}, regrow_table:select_replace(Table, [{{'$1', a}, [{'>', '$1', 3}], [{{'$1', b}}]}])),
    ?assertEqual({ok, [5, 4]}, regrow_table:select_reverse(Table, [{{'$1', b}, [], ['$1']}])),
    ?assertError(badarg, regrow_table:select_replace(Table, [{{'$1', a}, [], [x]}])).

files(Runtime) ->
    {ok, Table} = regrow_table:new(Runtime, [ordered_set, {name, <<"filed">>}, {keypos, 2}]),
    Objects = [{N, {key, N}, [self(), <<"x">>, 1.5, #{a => N}]} || N <- lists:seq(1, 100)],
    ok = regrow_table:insert(Table, Objects),
    File = filename:join(filename:dirname(code:which(?MODULE)), "a table of " ++ os:getpid() ++ ".tab"),
    ?assertEqual(ok, regrow_table:tab2file(Table, File)),
    ?assertEqual({error, exists}, regrow_table:file2tab(Runtime, File)),
    ok = regrow_table:delete(Table),
    {ok, Again} = regrow_table:file2tab(Runtime, list_to_binary(File)),
    ?assertEqual({ok, Again}, regrow_table:whereis(Runtime, <<"filed">>)),
    {ok, [{_, {key, 7}, [_ | Rest]}]} = regrow_table:lookup(Again, {key, 7}),
    ?assertEqual([<<"x">>, 1.5, #{a => 7}], Rest),
    {ok, Info} = regrow_table:info(Again),
    ?assertEqual([{keypos, 2}, {owner, self()}, {size, 100}, {type, ordered_set}],
                 lists:sort([Item || {Key, _} = Item <- Info, lists:member(Key, [keypos, owner, size, type])])),
    ok = file:write_file(File, <<"something else">>),
    ?assertEqual({error, bad_file}, regrow_table:file2tab(Runtime, File)),
    ?assertEqual({error, enoent}, regrow_table:file2tab(Runtime, "/nowhere/table")),
    ?assertEqual({error, enoent}, regrow_table:tab2file(Again, "/nowhere/table")),
    ok = file:delete(File).

options(Runtime) ->
    {ok, Table} = regrow_table:new(Runtime, [{name, <<"one">>}]),
    {ok, _} = regrow_table:new(Runtime, [{name, <<"two">>}]),
    ?assertEqual({error, exists}, regrow_table:rename(Table, <<"two">>)),
    ?assertEqual(ok, regrow_table:rename(Table, <<"three">>)),
    ?assertEqual({ok, Table}, regrow_table:whereis(Runtime, <<"three">>)),
    ?assertEqual({error, not_found}, regrow_table:whereis(Runtime, <<"one">>)),
    Test = self(),
    {Owner, Monitor} = spawn_monitor(fun() ->
        {ok, Given} = regrow_table:new(Runtime, []),
        ok = regrow_table:setopts(Given, {heir, Test, data}),
        ok = regrow_table:setopts(Given, {heir, none}),
        ok = regrow_table:setopts(Given, {heir, Test, other_data}),
        Test ! {given, Given}
    end),
    {given, Given} = regrow_test:receive_one(),
    receive {'DOWN', Monitor, process, Owner, normal} -> ok end,
    Ref = regrow_table:ref(Given),
    ?assertEqual({'ETS-TRANSFER', Ref, Owner, other_data}, receive {'ETS-TRANSFER', _, _, _} = Transfer -> Transfer end),
    spawn_link(fun() -> Test ! {heir, regrow_table:setopts(Given, {heir, none})} end),
    ?assertEqual({heir, {error, access}}, regrow_test:receive_one()),
    %% Fixed, a traversal goes on from a key that was deleted.
    ok = regrow_table:insert(Table, [{N} || N <- lists:seq(1, 10)]),
    ok = regrow_table:safe_fixtable(Table, true),
    {ok, First} = regrow_table:first(Table),
    {ok, Second} = regrow_table:next(Table, First),
    ok = regrow_table:delete(Table, First),
    ?assertEqual({ok, Second}, regrow_table:next(Table, First)),
    ok = regrow_table:safe_fixtable(Table, false),
    ?assertEqual({error, not_found}, regrow_table:next(Table, First)).

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
            Ended = receive {'DOWN', Monitor, process, Owner, normal} -> ended end,
            %% A native heir is told a moment later.
            Module =:= ets orelse regrow_test:gone(Runtime, Owner),
            [Ended, receive {'ETS-TRANSFER', _, Owner, Data} -> Data after 0 -> none end]
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
                 fun() -> regrow_table:select(Table, [{'_', [], ['$_']}], 0) end, fun() -> regrow_table:select(Table, spec, 1) end,
                 fun() -> regrow_table:match(no_continuation) end, fun() -> regrow_table:match({regrow_table, Table, forged}) end,
                 fun() -> regrow_table:select_replace(Table, x) end, fun() -> regrow_table:rename(Table, name) end,
                 fun() -> regrow_table:setopts(Table, {heir, nobody, x}) end, fun() -> regrow_table:safe_fixtable(Table, x) end,
                 fun() -> regrow_table:tab2file(Table, {file}) end, fun() -> regrow_table:file2tab(Runtime, 1) end,
                 fun() -> regrow_table:safe_fixtable(table, true) end,
                 fun() -> ok = regrow_table:insert(Table, {a, b}), regrow_table:update_counter(Table, a, 1) end]],
    ?assertEqual({error, no_table}, regrow_table:lookup(regrow_table:of_ref(Runtime, make_ref()), a)),
    ?assertEqual({error, not_found}, regrow_table:lookup_element(Table, none, 2)),
    ok = regrow_table:delete(Table),
    ?assertEqual({error, no_table}, regrow_table:insert(Table, {a})),
    Other = regrow_test:runtime(),
    {ok, There} = regrow_table:new(Other, [public]),
    ok = regrow:shutdown(Other),
    ?assertEqual({error, no_table}, regrow_table:insert(There, {a})).
