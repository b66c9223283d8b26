#!/usr/bin/env escript
%% Random operations on ETS tables and what they gave: [{Kind, [{Operation, Result}, ...]}, ...] in the external format.
%%
%%   table_operations.escript SEED TABLES OPERATIONS FILE
%%
%% Result is badarg when Erlang refused. What has no order that is promised is sorted.
main([Seed, Tables, Operations, File]) ->
    rand:seed(exsss, list_to_integer(Seed)),
    Runs = [run(lists:nth(N rem 4 + 1, [set, ordered_set, bag, duplicate_bag]), list_to_integer(Operations))
            || N <- lists:seq(1, list_to_integer(Tables))],
    ok = file:write_file(File, term_to_binary(Runs)).

run(Kind, Count) ->
    Table = ets:new(table, [Kind]),
    Done = [begin Operation = operation(), {Operation, try_it(Kind, Table, Operation)} end || _ <- lists:seq(1, Count)],
    ets:delete(Table),
    {Kind, Done}.

try_it(Kind, Table, Operation) ->
    try {carry_out(Table, Operation), Kind, element(1, Operation)} of
        %% A bag's objects of one key have an order that no document of ETS promises.
        {List, ordered_set, _} -> List;
        {List, _, Name} when is_list(List), Name =/= update_counter, Name =/= info -> lists:sort(List);
        {Result, _, _} -> Result
    catch error:badarg -> badarg end.

carry_out(T, {insert, Objects}) -> ets:insert(T, Objects);
carry_out(T, {insert_new, Objects}) -> ets:insert_new(T, Objects);
carry_out(T, {lookup, Key}) -> ets:lookup(T, Key);
carry_out(T, {lookup_element, Key, At}) -> ets:lookup_element(T, Key, At);
carry_out(T, {member, Key}) -> ets:member(T, Key);
carry_out(T, {take, Key}) -> ets:take(T, Key);
carry_out(T, {delete, Key}) -> ets:delete(T, Key);
carry_out(T, {delete_object, Object}) -> ets:delete_object(T, Object);
carry_out(T, {delete_all_objects}) -> ets:delete_all_objects(T);
carry_out(T, {tab2list}) -> ets:tab2list(T);
carry_out(T, {size}) -> ets:info(T, size);
carry_out(T, {update_counter, Key, Operation}) -> ets:update_counter(T, Key, Operation);
carry_out(T, {update_counter, Key, Operation, Default}) -> ets:update_counter(T, Key, Operation, Default);
carry_out(T, {update_element, Key, Elements}) -> ets:update_element(T, Key, Elements);
carry_out(T, {match, Pattern}) -> ets:match(T, Pattern);
carry_out(T, {match_object, Pattern}) -> ets:match_object(T, Pattern);
carry_out(T, {match_delete, Pattern}) -> ets:match_delete(T, Pattern);
carry_out(T, {select, Spec}) -> ets:select(T, Spec);
carry_out(T, {select_reverse, Spec}) -> ets:select_reverse(T, Spec);
carry_out(T, {select_count, Spec}) -> ets:select_count(T, Spec);
carry_out(T, {select_delete, Spec}) -> ets:select_delete(T, Spec);
carry_out(T, {select_replace, Spec}) -> ets:select_replace(T, Spec);
carry_out(T, {pages, Spec, Limit}) -> pages(ets:select(T, Spec, Limit), ordered(T), fun ets:select/1);
carry_out(T, {pages_back, Spec, Limit}) -> pages(ets:select_reverse(T, Spec, Limit), ordered(T), fun ets:select_reverse/1);
%% Fixed: OTP 25 now and then passes over a key of a set that is not, as the hashes of that node fall.
carry_out(T, {keys}) ->
    ets:safe_fixtable(T, true),
    Keys = keys(T, ets:first(T)),
    ets:safe_fixtable(T, false),
    Keys;
carry_out(T, {next, Key}) -> case ordered(T) of true -> ets:next(T, Key); false -> ets:next(T, Key), found end;
carry_out(T, {prev, Key}) -> case ordered(T) of true -> ets:prev(T, Key); false -> ets:prev(T, Key), found end.

ordered(T) -> ets:info(T, type) =:= ordered_set.

%% The parts of an ordered set, all results of another.
pages('$end_of_table', _, _) -> [];
pages({List, Continuation}, true, Next) -> [List | pages(Next(Continuation), true, Next)];
pages({List, Continuation}, false, Next) -> List ++ pages(Next(Continuation), false, Next).

keys(_, '$end_of_table') -> [];
keys(T, Key) -> [Key | keys(T, ets:next(T, Key))].

operation() ->
    case rand:uniform(33) of
        N when N =< 6 -> {insert, object()};
        7 -> {insert, pick([[], [object() || _ <- lists:seq(1, rand:uniform(5))], [object(), foo], foo, {}, [object() | foo]])};
        8 -> {insert_new, object()};
        9 -> {insert_new, [object() || _ <- lists:seq(1, rand:uniform(3))]};
        10 -> {lookup, key()};
        11 -> {lookup_element, key(), rand:uniform(4) - 1};
        12 -> {member, key()};
        13 -> {take, key()};
        14 -> {delete, key()};
        15 -> {delete_object, object()};
        16 -> case rand:uniform(20) of 1 -> {delete_all_objects}; _ -> {tab2list} end;
        17 -> {size};
        N when N =< 19 -> {update_counter, key(), counter()};
        20 -> {update_counter, key(), counter(), pick([object(), {x}, foo, {x, 5, 5}, {x, 5}])};
        %% No malformed ones: without such a key ETS does not look at them, and says false.
        21 -> {update_element, key(), pick([pair(), [pair(), pair()], []])};
        22 -> {match, pattern()};
        23 -> {match_object, pattern()};
        24 -> case rand:uniform(4) of 1 -> {match_delete, pattern()}; _ -> {keys} end;
        25 -> {select, spec()};
        26 -> {select_reverse, spec()};
        27 -> {select_count, spec()};
        28 -> case rand:uniform(4) of 1 -> {select_delete, spec()}; _ -> {select, spec()} end;
        29 -> {select_replace, pick([spec(), [{{'$1', '$2'}, [], [{{'$1', {{'$2'}}}}]}], [{{'$1', '_'}, [], ['$_']}]])};
        30 -> {pages, spec(), rand:uniform(4) - 1};
        31 -> {pages_back, spec(), rand:uniform(4) - 1};
        32 -> {next, key()};
        33 -> {prev, key()}
    end.

pick(List) -> lists:nth(rand:uniform(length(List)), List).
key() -> pick([1, 2, 3, 1.0, 2.0, a, b, {k, 1}, {k, 1.0}, <<"text">>, [1], 1 bsl 70, #{a => 1}]).
value() -> pick([0, 1, 2, 10, -3, x, 1.5, 1 bsl 63, (1 bsl 63) - 1]).
object() ->
    case rand:uniform(6) of 1 -> {key()}; 2 -> {key(), value(), value()}; _ -> {key(), value()} end.
pair() -> {rand:uniform(5) - 1, value()}.
counter() ->
    Increment = fun() -> pick([1, -1, 5, 0, 1 bsl 62, -(1 bsl 64), x, 1.0]) end,
    Tuple = fun() ->
        At = pick([2, 2, 2, 3, 1, 0, x]),
        pick([{At, Increment()}, {At, Increment(), pick([5, 0, -2, x]), pick([0, 7, 1 bsl 65])}, {At}])
    end,
    pick([Increment(), Tuple(), Tuple(), [Tuple(), Tuple()], [{2, 1}, {2, 3}], [], [foo]]).
pattern() ->
    pick([{key(), '$1'}, {'$1', '$2'}, {'$1', '$1'}, {'_', value()}, {'$2', '$1', '$2'}, '_', '$1', foo, {{k, '$1'}, '_'},
          {key()}]).
spec() ->
    Head = pattern(),
    Guard = pick([[], [], [{is_integer, {element, 2, '$_'}}], [{'>', {element, 1, '$_'}, pick([1, a])}]]),
    Body = pick(['$_', '$$', true, true, {element, 1, '$_'}, [{{'$_'}}, x], {{key(), 1}}]),
    Clause = {Head, Guard, [Body]},
    pick([[Clause], [Clause], [Clause], [{{key(), '_'}, [], [Body]}, {{key(), '_'}, [], ['$_']}], [], [foo], foo]).
