%% What regrow/table asks of regrow_table. An object is {Key, Value}; others may have put larger ones there.
-module(regrow_gleam_table).

-export([create/4, find/2, insert/3, insert_new/3, lookup/2, take/2, contains/2, delete/2, clear/1, add/4, size/1,
         to_list/1, give_away/2, drop/1]).

create(Runtime, Kind, Access, Name) ->
    Options = [Kind, Access | [{name, Text} || {ok, Text} <- [Name]]],
    asked(fun() -> regrow_table:new(Runtime, Options) end).

find(Runtime, Name) ->
    case asked(fun() -> regrow_table:whereis(Runtime, Name) end) of
        {error, not_found} -> {error, no_table};
        Outcome -> Outcome
    end.

insert(Table, Key, Value) -> asked(fun() -> regrow_table:insert(Table, {Key, Value}) end).

insert_new(Table, Key, Value) -> asked(fun() -> regrow_table:insert_new(Table, {Key, Value}) end).

lookup(Table, Key) -> value(asked(fun() -> regrow_table:lookup(Table, Key) end)).

take(Table, Key) -> value(asked(fun() -> regrow_table:take(Table, Key) end)).

value({ok, []}) -> {error, not_found};
value({ok, [{_, Value} | _]}) -> {ok, Value};
value({ok, [Object | _]}) -> {error, {undecodable, [regrow_gleam_dynamic:mismatch(<<"Tuple of 2">>, Object)]}};
value(Error) -> Error.

contains(Table, Key) -> asked(fun() -> regrow_table:member(Table, Key) end).

delete(Table, Key) -> asked(fun() -> regrow_table:delete(Table, Key) end).

clear(Table) -> asked(fun() -> regrow_table:delete_all_objects(Table) end).

%% What is no number cannot be added to; then it is what the caller's decoder does not take.
add(Table, Key, Number, Start) ->
    case asked(fun() -> regrow_table:update_counter(Table, Key, Number, {Key, Start}) end) of
        {error, {failed, badarg}} -> lookup(Table, Key);
        Outcome -> Outcome
    end.

size(Table) -> asked(fun() -> regrow_table:size(Table) end).

to_list(Table) -> asked(fun() -> regrow_table:tab2list(Table) end).

give_away(Table, Pid) -> asked(fun() -> regrow_table:give_away(Table, Pid, nil) end).

drop(Table) -> asked(fun() -> regrow_table:delete(Table) end).

asked(Ask) ->
    try Ask() of
        ok -> {ok, nil};
        {ok, Answer} -> {ok, Answer};
        {error, access} -> {error, denied};
        {error, Gone} when Gone =:= no_table; Gone =:= not_alive; Gone =:= noproc -> {error, no_table};
        {error, not_found} -> {error, not_found};
        {error, exists} -> {error, name_taken};
        {error, {already_started, _}} -> {error, name_taken};
        {error, Reason} -> {error, {failed, Reason}}
    catch
        error:badarg -> {error, {failed, badarg}}
    end.
