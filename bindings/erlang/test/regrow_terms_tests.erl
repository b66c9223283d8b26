%% Terms cross both ways, all of them, unchanged.
-module(regrow_terms_tests).
-include_lib("eunit/include/eunit.hrl").

terms_test_() ->
    {setup, fun() -> Runtime = regrow_test:runtime(), {Runtime, regrow_test:actor(Runtime)} end,
     fun({Runtime, _}) -> regrow_test:over(Runtime) end,
     fun({Runtime, Actor}) ->
         [{"each kind of term comes back as it was", {timeout, regrow_test:limit(60), fun() -> each_kind(Actor) end}},
          {"2,000 random terms come back as they were", {timeout, regrow_test:limit(60), fun() -> random_terms(Actor) end}},
          {"a million cells, and a million levels", {timeout, regrow_test:limit(60), fun() -> large(Actor) end}},
          {"what crosses is the same to native code", {timeout, regrow_test:limit(60), fun() -> same_there(Runtime) end}},
          {"native code adds a bounded number of atoms", {timeout, regrow_test:limit(60), fun() -> atoms_are_bounded(Actor) end}},
          {"a native resource is held, and given back", {timeout, regrow_test:limit(60), fun() -> resources(Actor) end}},
          {"Erlang's own functions do nothing with a native pid", {timeout, regrow_test:limit(60), fun() -> own_functions(Actor) end}}]
     end}.

echo(Actor, Term) ->
    {ok, Back} = regrow:call(Actor, {echo, Term}, 60000),
    Back.

each_kind(Actor) ->
    Port = open_port({spawn, "true"}, []),
    Far = binary_to_term(<<131, 88, 100, 0, 5, "a@far", 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 3>>),
    X = 17,
    [?assert(Term =:= echo(Actor, Term))
     || Term <- [0, -1, 1 bsl 59, -(1 bsl 59) - 1, 1 bsl 63, -(1 bsl 63), 1 bsl 64, 1 bsl 5000, -(1 bsl 5000), 0.0, -0.0,
                 1.0e300, [], {}, #{}, <<>>, <<1:1>>, <<"abc", 5:3>>, <<0:80000>>, a, '', 'a b', 'ä', 'Ω€', 'a\0b',
                 list_to_atom(lists:duplicate(255, $x)), true, [a | b], [1, 2 | 3], "text", {{{}}}, [[[]]],
                 self(), make_ref(), Port, Far, spawn(fun() -> ok end), fun lists:map/2, fun(Y) -> X + Y end,
                 fun not_there:at_all/3, #{1 => a, 1.0 => b, {k} => #{}}, maps:from_list([{N, -N} || N <- lists:seq(1, 100)]),
                 list_to_tuple(lists:seq(1, 5000)), binary:copy(<<"x">>, 1000000), lists:seq(1, 100000), Actor]].

random_terms(Actor) ->
    rand:seed(exsss, {1, 2, 3}),
    [begin
         Term = term(4),
         ?assert(Term =:= echo(Actor, Term))
     end || _ <- lists:seq(1, regrow_test:rounds(2000))].

term(0) -> leaf(rand:uniform(11));
term(Depth) ->
    case rand:uniform(8) of
        1 -> [term(Depth - 1) || _ <- lists:seq(1, rand:uniform(6))];
        2 -> [term(Depth - 1) | term(Depth - 1)];
        3 -> list_to_tuple([term(Depth - 1) || _ <- lists:seq(1, rand:uniform(6))]);
        4 -> maps:from_list([{term(Depth - 1), term(Depth - 1)} || _ <- lists:seq(1, rand:uniform(40))]);
        5 -> Inner = term(Depth - 1), fun() -> Inner end;
        _ -> term(0)
    end.

leaf(1) -> rand:uniform(1 bsl 64) - (1 bsl 63);
leaf(2) -> rand:uniform(1 bsl 300) * (2 * rand:uniform(2) - 3);
leaf(3) -> rand:normal() * math:pow(10, rand:uniform(100));
leaf(4) -> rand:bytes(rand:uniform(300) - 1);
leaf(5) -> Size = rand:uniform(70), <<(rand:uniform(1 bsl 60)):Size>>;
leaf(6) -> lists:nth(rand:uniform(5), [a, ok, undefined, 'ö', '日本']);
leaf(7) -> self();
leaf(8) -> make_ref();
leaf(9) -> [];
leaf(10) -> fun erlang:abs/1;
leaf(11) -> rand:uniform(256) - 1.

large(Actor) ->
    Long = lists:seq(1, 1000000),
    ?assert(Long =:= echo(Actor, Long)),
    Deep = lists:foldl(fun(_, Inner) -> [Inner] end, [], lists:seq(1, 1000000)),
    Back = echo(Actor, Deep),
    ?assertEqual(1000000, depth(Back, 0)),
    Tuples = lists:foldl(fun(_, Inner) -> {Inner} end, {}, lists:seq(1, 1000000)),
    ?assert(is_tuple(echo(Actor, Tuples))).

depth([], Depth) -> Depth;
depth([Inner], Depth) -> depth(Inner, Depth + 1).

%% What native code sees is the term and no likeness of it: it is found under equal keys.
same_there(Runtime) ->
    {ok, Registry} = regrow_registry:start(Runtime, #{keys => unique}),
    Keys = [1, 1.0, -0.0, <<"a">>, a, {a}, [a], #{a => 1}, 1 bsl 70, <<1:3>>, self(), fun lists:map/2],
    [ok = regrow_registry:register(Registry, Key, {value, Key}) || Key <- Keys],
    [?assertEqual({ok, [{self(), {value, Key}}]}, regrow_registry:lookup(Registry, Key)) || Key <- Keys],
    ?assertEqual({ok, length(Keys)}, regrow_registry:count(Registry)).

atoms_are_bounded(Actor) ->
    Before = erlang:system_info(atom_count),
    Names = [<<"new_atom_of_native_code_", (integer_to_binary(N))/binary>> || N <- lists:seq(1, 10500)],
    Answers = [element(2, regrow:call(Actor, {atom, Name})) || Name <- Names],
    ?assert(lists:all(fun(Answer) -> is_atom(Answer) orelse element(1, Answer) =:= regrow_undecodable end, Answers)),
    ?assert(erlang:system_info(atom_count) - Before =< 10000),
    {regrow_undecodable, Bytes} = lists:last(Answers),
    ?assertError(badarg, binary_to_term(Bytes, [safe])),
    %% Those that are there cross as ever.
    ?assertEqual({ok, lists}, regrow:call(Actor, {atom, <<"lists">>})).

resources(Actor) ->
    {ok, Resource} = regrow:call(Actor, {resource, []}),
    ?assert(is_reference(Resource)),
    ?assertEqual({ok, {ok, true}}, regrow:call(Actor, {is_resource, Resource})),
    ?assertEqual({ok, {ok, false}}, regrow:call(Actor, {is_resource, make_ref()})).

own_functions(Actor) ->
    true = erlang:exit(Actor, kill),
    Monitor = erlang:monitor(process, Actor),
    ?assertMatch({'DOWN', Monitor, process, Actor, Reason} when Reason =:= noproc; Reason =:= noconnection,
                 regrow_test:receive_one()),
    ?assertNot(erlang:is_process_alive(Actor)),
    ?assert(regrow:is_alive(Actor)),
    ?assertEqual({ok, 1}, regrow:call(Actor, {echo, 1})).
