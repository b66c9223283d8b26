#!/usr/bin/env escript
%% Random match specifications and objects, and what Erlang makes of them.
%%
%%   match_specs.escript make SEED COUNT FILE    [{Object, Spec, Result}, ...] in the external format
%%   match_specs.escript record SEED COUNT       a line for each: the same as text, a tab, its external form in hex
%%
%% Result is {ok, Value}, false when nothing matches, or error when Erlang refuses the specification.
main(["make", Seed, Count, File]) ->
    ok = file:write_file(File, term_to_binary(cases(list_to_integer(Seed), list_to_integer(Count))));
main(["record", Seed, Count]) ->
    [io:format("~s\t~s~n", [io_lib:format("~0w", [Case]), binary:encode_hex(term_to_binary(Case))])
     || Case <- cases(list_to_integer(Seed), list_to_integer(Count))].

cases(Seed, Count) ->
    rand:seed(exsss, Seed),
    [one() || _ <- lists:seq(1, Count)].

one() ->
    Object = object(),
    Spec = [clause(Object) || _ <- lists:seq(1, rand:uniform(2))],
    {Object, Spec, result(Object, Spec)}.

%% From a table, since a select tells a result of false from no match. There a key without names is looked up, so that
%% a map in that place matches only its equal.
result(Object, Spec) ->
    Table = ets:new(table, []),
    ets:insert(Table, Object),
    Result = try ets:select(Table, Spec) of [] -> false; [Value] -> {ok, Value} catch error:badarg -> error end,
    ets:delete(Table),
    Result.

object() -> list_to_tuple([term(2) || _ <- lists:seq(1, rand:uniform(4))]).

clause(Object) ->
    %% No name for the whole object: OTP 25 does not copy it into maps.
    Head = case rand:uniform(30) of
        1 -> flat();
        2 -> '_';
        _ -> list_to_tuple([blur(Part) || Part <- tuple_to_list(Object)])
    end,
    put(names, case [Name || Name <- names(Head), rand:uniform(40) > 1] of [] -> ['$_', '$$']; Names -> Names end),
    Guards = [case rand:uniform(3) of 1 -> expression(3); _ -> test(2) end || _ <- lists:seq(1, rand:uniform(3) - 1)],
    Body = [expression(3) || _ <- lists:seq(1, pick([1, 1, 1, 2]))],
    case rand:uniform(200) of
        1 -> {Head, Guards};
        2 -> {Head, foo, Body};
        3 -> {Head, Guards, []};
        4 -> {Head, Guards ++ foo, Body};
        _ -> {Head, Guards, Body}
    end.

names(Term) when is_tuple(Term) -> names(tuple_to_list(Term));
names(Term) when is_map(Term) -> names(maps:values(Term));
names([Head | Tail]) -> names(Head) ++ names(Tail);
names(Term) -> [Term || lists:member(Term, ['$1', '$2', '$3', '$0', '$17', '$4', '$5', '$6', '$7'])].

%% The object, with holes.
blur(Term) ->
    case rand:uniform(10) of
        N when N =< 3 -> name();
        4 -> '_';
        5 -> case rand:uniform(6) of 1 -> flat(); _ -> Term end;
        6 when is_integer(Term), abs(Term) < 1000 -> pick([Term, Term * 1.0]);
        _ when is_tuple(Term) -> list_to_tuple([blur(Part) || Part <- tuple_to_list(Term)]);
        _ when is_map(Term) -> maps:from_list([{Key, blur(Value)} || {Key, Value} <- maps:to_list(Term), coin()]);
        _ when is_list(Term) -> blur_list(Term);
        _ -> Term
    end.

blur_list([Head | Tail]) -> [blur(Head) | case rand:uniform(6) of 1 -> name(); _ -> blur_list(Tail) end];
blur_list(Tail) -> Tail.

term(0) -> flat();
term(Depth) ->
    case rand:uniform(8) of
        1 -> list_to_tuple([term(Depth - 1) || _ <- lists:seq(1, rand:uniform(4) - 1)]);
        2 -> [term(Depth - 1) || _ <- lists:seq(1, rand:uniform(4) - 1)];
        3 -> maps:from_list([{flat(), term(Depth - 1)} || _ <- lists:seq(1, rand:uniform(4) - 1)]);
        4 -> [flat() | flat()];
        _ -> flat()
    end.

flat() ->
    case rand:uniform(12) of
        1 -> pick([true, false]);
        2 -> pick([a, b, r]);
        3 -> pick([<<>>, <<"abc">>, <<"a longer binary">>, <<5:3>>]);
        4 -> pick([1.0, -2.5, 0.0, 1.0e300, 3.5e18, -1.0e25, 0.5, 1.5, -0.5]);
        5 -> big();
        6 -> pick([{}, [], #{}]);
        7 -> rand:uniform(70) - 3;
        _ -> rand:uniform(5) - 2
    end.

big() ->
    Near = pick([1 bsl 31, 1 bsl 53, 1 bsl 59, 1 bsl 63, 1 bsl 64, 1 bsl 128, rand:uniform(1 bsl 200)]),
    (Near + rand:uniform(5) - 3) * pick([1, -1]).

name() -> pick(['$1', '$2', '$3', '$0', '$17', '$4', '$5', '$6', '$7']).
coin() -> rand:uniform(2) =:= 1.
pick(List) -> lists:nth(rand:uniform(length(List)), List).

expression(0) ->
    case rand:uniform(12) of
        N when N =< 4 -> pick(get(names));
        N when N =< 6 -> '$_';
        7 -> '$$';
        8 -> {const, term(2)};
        9 -> '_';
        10 -> {node};
        _ -> case flat() of {} -> {{}}; Flat -> Flat end
    end;
expression(Depth) ->
    E = fun() -> expression(Depth - 1) end,
    Some = fun(Most) -> [E() || _ <- lists:seq(1, rand:uniform(Most + 1) - 1)] end,
    case rand:uniform(24) of
        1 -> {list_to_tuple(Some(4))};
        2 -> Some(3);
        3 -> [E() | E()];
        %% Only plain keys: OTP 25 does not copy what a key is made of, and may crash.
        4 -> #{flat_key() => E(), k => E()};
        5 -> list_to_tuple([pick(['and', 'or', 'andalso', 'orelse']) | Some(3)]);
        6 -> {pick(['and', 'or', 'andalso', 'orelse', 'xor']), test(Depth - 1), test(Depth - 1)};
        7 -> {'not', test(Depth - 1)};
        N when N =< 10 -> {pick(['>', '>=', '<', '=<', '=:=', '==', '=/=', '/=']), E(), E()};
        N when N =< 13 -> {pick(['+', '-', '*', '/', 'div', 'rem', 'band', 'bor', 'bxor']), E(), E()};
        14 -> {pick(['bsl', 'bsr']), E(), rand:uniform(200) - 100};
        15 -> {pick(['+', '-', 'bnot', abs, round, trunc, float]), E()};
        16 -> {element, rand:uniform(5) - 1, E()};
        17 -> {pick([hd, tl, length, size, map_size, bit_size, byte_size]), E()};
        18 -> {pick([map_get, is_map_key]), E(), E()};
        19 -> {binary_part, E(), rand:uniform(4) - 1, rand:uniform(8) - 4};
        20 -> {is_record, E(), pick([r, E()]), pick([2, 3, E()])};
        21 -> test(Depth - 1);
        22 when Depth =:= 1 -> pick([{foo, a}, {"x"}, {}, {is_atom}, {self, a}, {const}, {element, 1}, '$9']);
        _ -> expression(0)
    end.

flat_key() -> case flat() of Key when is_tuple(Key); is_map(Key) -> k; Key -> Key end.

test(Depth) ->
    Type = pick([is_atom, is_float, is_integer, is_list, is_number, is_pid, is_port, is_reference, is_tuple, is_map,
                 is_binary, is_function]),
    case rand:uniform(3) of
        1 -> {Type, expression(Depth)};
        2 -> {pick(['>', '=<', '=:=', '==']), expression(Depth), expression(Depth)};
        3 -> pick([true, true, true, false])
    end.
