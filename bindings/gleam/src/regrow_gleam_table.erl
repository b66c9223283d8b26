%% What regrow/table asks of regrow_table. A table is {table, That of regrow_table, Decoder of keys, Decoder of values}.
%% An object is {Key, Value}; others may have put larger ones there.
-module(regrow_gleam_table).

-export([create/2, find/4, drop/1]).
-export([insert/3, insert_new/3, insert_all/2, insert_all_new/2, replace/3, add/4, add_limited/6, delete/2,
         delete_value/3, clear/1]).
-export([lookup/2, lookup_all/2, take/2, take_all/2, contains/2, size/1, to_list/1, first/1, last/1, next/2,
         previous/2]).
-export([asked/1]).
-export([variables/1, select/3, select_count/2, select_delete/2, owner/1, set_heir/3, remove_heir/1, give_away/3,
         transfers/5]).

create({builder, Kind, Access, Name, Heir}, Runtime) ->
    Named = [{name, Text} || {ok, Text} <- [Name]],
    Inherited = [{heir, Pid, Data} || {ok, {Pid, Data}} <- [Heir]],
    Options = [Kind, Access | Named ++ Inherited],
    table(asked(fun() -> regrow_table:new(Runtime, Options) end), fun trusted/1, fun trusted/1).

find(Runtime, Name, Key, Value) ->
    case table(asked(fun() -> regrow_table:whereis(Runtime, Name) end), Key, Value) of
        {error, not_found} -> {error, no_table};
        Outcome -> Outcome
    end.

table({ok, Table}, Key, Value) -> {ok, {table, Table, Key, Value}};
table(Error, _, _) -> Error.

%% What the compiler has seen go in.
trusted(Value) -> {ok, Value}.

drop({_, Table, _, _}) -> asked(fun() -> regrow_table:delete(Table) end).

%% ---- writing ----

insert(Table, Key, Value) -> insert_all(Table, {Key, Value}).

insert_new(Table, Key, Value) -> insert_all_new(Table, {Key, Value}).

insert_all({_, Table, _, _}, Objects) -> asked(fun() -> regrow_table:insert(Table, Objects) end).

insert_all_new({_, Table, _, _}, Objects) -> asked(fun() -> regrow_table:insert_new(Table, Objects) end).

replace({_, Table, _, _}, Key, Value) ->
    case asked(fun() -> regrow_table:update_element(Table, Key, {2, Value}) end) of
        {ok, true} -> {ok, nil};
        {ok, false} -> {error, not_found};
        Error -> Error
    end.

add(Table, Key, Number, Start) -> added(Table, Key, {2, Number}, Start).

add_limited(Table, Key, Number, Start, Limit, Reset) -> added(Table, Key, {2, Number, Limit, Reset}, Start).

%% What is no number cannot be added to; then it is what the decoder does not take.
added({_, Table, Decoder, _}, Key, Operation, Start) ->
    Int = fun 'regrow@decode':int/1,
    case asked(fun() -> regrow_table:update_counter(Table, Key, Operation, {Key, Start}) end) of
        {error, {failed, badarg}} = Error ->
            case lookup({table, Table, Decoder, Int}, Key) of
                {error, {undecodable, _}} = Undecodable -> Undecodable;
                _ -> Error
            end;
        Outcome ->
            decoded(Outcome, Int)
    end.

delete({_, Table, _, _}, Key) -> asked(fun() -> regrow_table:delete(Table, Key) end).

delete_value({_, Table, _, _}, Key, Value) -> asked(fun() -> regrow_table:delete_object(Table, {Key, Value}) end).

clear({_, Table, _, _}) -> asked(fun() -> regrow_table:delete_all_objects(Table) end).

%% ---- reading ----

lookup({_, Table, _, Decoder}, Key) -> the_first(asked(fun() -> regrow_table:lookup(Table, Key) end), Decoder).

lookup_all({_, Table, _, Decoder}, Key) -> values(asked(fun() -> regrow_table:lookup(Table, Key) end), Decoder).

take({_, Table, _, Decoder}, Key) -> the_first(asked(fun() -> regrow_table:take(Table, Key) end), Decoder).

take_all({_, Table, _, Decoder}, Key) -> values(asked(fun() -> regrow_table:take(Table, Key) end), Decoder).

the_first({ok, []}, _) -> {error, not_found};
the_first({ok, [Object | _]}, Decoder) -> decoded({ok, Object}, value(Decoder));
the_first(Error, _) -> Error.

values(Outcome, Decoder) -> decoded(Outcome, 'regrow@decode':list(value(Decoder))).

%% Decodes the value of an object.
value(Decoder) ->
    fun
        ({_, Value}) -> Decoder(Value);
        (Object) -> {error, [regrow_gleam_dynamic:mismatch(<<"Tuple of 2">>, Object)]}
    end.

contains({_, Table, _, _}, Key) -> asked(fun() -> regrow_table:member(Table, Key) end).

size({_, Table, _, _}) -> asked(fun() -> regrow_table:size(Table) end).

to_list({_, Table, Key, Value}) ->
    Objects = asked(fun() -> regrow_table:tab2list(Table) end),
    decoded(Objects, 'regrow@decode':list('regrow@decode':pair(Key, Value))).

first({_, Table, Decoder, _}) -> key(asked(fun() -> regrow_table:first(Table) end), Decoder).

last({_, Table, Decoder, _}) -> key(asked(fun() -> regrow_table:last(Table) end), Decoder).

next({_, Table, Decoder, _}, Key) -> key(asked(fun() -> regrow_table:next(Table, Key) end), Decoder).

previous({_, Table, Decoder, _}, Key) -> key(asked(fun() -> regrow_table:prev(Table, Key) end), Decoder).

key({ok, '$end_of_table'}, _) -> {error, not_found};
key(Outcome, Decoder) -> decoded(Outcome, Decoder).

%% ---- searches ----

variables({_, _, Key, Value}) -> {regrow_gleam_match:variable(1, Key), regrow_gleam_match:variable(2, Value)}.

select({_, Table, _, _}, Condition, Result) ->
    Found = asked(fun() -> regrow_table:select(Table, specification(Condition, Result)) end),
    decoded(Found, fun(Values) -> regrow_gleam_match:results(Values, Result) end).

select_count({_, Table, _, _}, Condition) ->
    asked(fun() -> regrow_table:select_count(Table, specification(Condition)) end).

select_delete({_, Table, _, _}, Condition) ->
    asked(fun() -> regrow_table:select_delete(Table, specification(Condition)) end).

specification(Condition) -> specification(Condition, regrow_gleam_match:value(true)).

specification(Condition, Result) -> regrow_gleam_match:specification({'$1', '$2'}, Condition, Result).

%% ---- owners ----

owner({_, Table, _, _}) ->
    case asked(fun() -> regrow_table:info(Table) end) of
        {ok, Info} -> {ok, proplists:get_value(owner, Info)};
        Error -> Error
    end.

set_heir({_, Table, _, _}, Pid, Data) -> asked(fun() -> regrow_table:setopts(Table, {heir, Pid, Data}) end).

remove_heir({_, Table, _, _}) -> asked(fun() -> regrow_table:setopts(Table, {heir, none}) end).

give_away({_, Table, _, _}, Pid, Data) -> asked(fun() -> regrow_table:give_away(Table, Pid, Data) end).

transfers(Selector, Runtime, Key, Value, Wrap) ->
    regrow_gleam_selector:input(Selector, transfer, fun({_, Ref, From, Data}) ->
        Wrap({transfer, {table, regrow_table:of_ref(Runtime, Ref), Key, Value}, From, Data})
    end).

%% ---- the rest ----

decoded({ok, Value}, Decoder) ->
    case Decoder(Value) of
        {ok, Decoded} -> {ok, Decoded};
        {error, Errors} -> {error, {undecodable, Errors}}
    end;
decoded(Error, _) ->
    Error.

asked(Ask) ->
    try Ask() of
        ok -> {ok, nil};
        {ok, Answer} -> {ok, Answer};
        {error, access} -> {error, denied};
        {error, Gone} when Gone =:= no_table; Gone =:= owner_gone; Gone =:= not_alive; Gone =:= noproc ->
            {error, no_table};
        {error, not_found} -> {error, not_found};
        {error, exists} -> {error, name_taken};
        {error, {already_started, _}} -> {error, name_taken};
        {error, Reason} -> {error, {failed, Reason}}
    catch
        error:badarg -> {error, {failed, badarg}}
    end.
