%% Tables: terms by key, shared with native code; the functions and results of ets, as {ok, Result} | {error, Reason}.
%%
%% A table belongs to the process that makes it, and goes when that ends, before anybody can see that, or becomes its
%% heir's. Errors: no_table, access (it is protected or private, and not the caller's), not_found, badarg where ets
%% raises it.
%%
%% What only the owner may do costs a message each way; so a table that one process writes to often is better public.
-module(regrow_table).

-export([new/2, whereis/2, of_ref/2, ref/1, delete/1, delete/2, give_away/3, info/1, size/1]).
-export([insert/2, insert_new/2, lookup/2, lookup_element/3, member/2, take/2, delete_object/2, delete_all_objects/1,
         update_counter/3, update_counter/4, update_element/3]).
-export([first/1, last/1, next/2, prev/2, tab2list/1, match/2, match_object/2, match_delete/2, select/2, select_count/2,
         select_delete/2, select_replace/2, select_reverse/2]).
-export([match/1, match/3, match_object/1, match_object/3, select/1, select/3, select_reverse/1, select_reverse/3]).
-export([rename/2, setopts/2, safe_fixtable/2, tab2file/2, file2tab/2]).
-export_type([table/0, continuation/0]).

%% A table is a reference to native code, and with a process of its runtime a table here.
-opaque table() :: {?MODULE, pid(), reference()}.
%% Where a search goes on.
-opaque continuation() :: {?MODULE, table(), term()}.

%% Makes a table of the caller's. Options, as in ets:new/2: set, ordered_set, bag, duplicate_bag; protected, public,
%% private; {keypos, Position}; {heir, Pid, Data} or {heir, none}; and {name, binary()}, by which whereis/2 finds it.
-spec new(regrow:runtime(), [term()]) -> {ok, table()} | {error, term()}.
new(Runtime, Options) when is_list(Options) ->
    Root = regrow:root(Runtime),
    {Name, Kind, Access, Position, Heir, Data} = lists:foldl(fun option/2, {[], 0, 0, 0, [], []}, Options),
    tabled(Root, regrow_nif:await(table_new, Root, {Name, Kind, Access, Position, Heir, Data}));
new(_, _) ->
    erlang:error(badarg).

option(set, Spec) -> setelement(2, Spec, 0);
option(ordered_set, Spec) -> setelement(2, Spec, 1);
option(bag, Spec) -> setelement(2, Spec, 2);
option(duplicate_bag, Spec) -> setelement(2, Spec, 3);
option(protected, Spec) -> setelement(3, Spec, 0);
option(public, Spec) -> setelement(3, Spec, 1);
option(private, Spec) -> setelement(3, Spec, 2);
option({keypos, Position}, Spec) when is_integer(Position), Position > 0 -> setelement(4, Spec, Position);
option({heir, none}, Spec) -> setelement(5, Spec, []);
option({heir, Pid, Data}, Spec) when is_pid(Pid) -> setelement(6, setelement(5, Spec, Pid), Data);
option({name, Name}, Spec) when is_binary(Name) -> setelement(1, Spec, Name);
option(_, _) -> erlang:error(badarg).

%% The table with a name.
-spec whereis(regrow:runtime(), binary()) -> {ok, table()} | {error, not_found}.
whereis(Runtime, Name) when is_binary(Name) ->
    Root = regrow:root(Runtime),
    tabled(Root, regrow_nif:now(table_whereis, Root, {Name}));
whereis(_, _) ->
    erlang:error(badarg).

%% The table that a native process, or {'ETS-TRANSFER', Ref, From, Data}, tells of.
-spec of_ref(regrow:runtime(), reference()) -> table().
of_ref(Runtime, Ref) when is_reference(Ref) ->
    {?MODULE, regrow:root(Runtime), Ref}.

%% What native code knows it by.
-spec ref(table()) -> reference().
ref({?MODULE, _, Ref}) ->
    Ref.

tabled(Root, {ok, Ref}) -> {ok, {?MODULE, Root, Ref}};
tabled(_, Error) -> Error.

%% Deletes a table.
-spec delete(table()) -> ok | {error, term()}.
delete(Table) -> plain(demand(table_delete, Table, [])).

%% Gives a table of the caller's to a process, which gets {'ETS-TRANSFER', Ref, From, Data}.
-spec give_away(table(), pid(), term()) -> ok | {error, term()}.
give_away({?MODULE, Root, Ref}, Pid, Data) when is_pid(Pid) ->
    plain(regrow_nif:await(table_give_away, Root, {Ref, Pid, Data}));
give_away(_, _, _) ->
    erlang:error(badarg).

%% As ets:info/1; a name is a binary.
-spec info(table()) -> {ok, [{atom(), term()}]} | {error, term()}.
info(Table) -> demand(table_info, Table, []).

-spec size(table()) -> {ok, non_neg_integer()} | {error, term()}.
size(Table) -> demand(table_size, Table, []).

%% Gives a table with a name another. {error, exists}.
-spec rename(table(), binary()) -> ok | {error, term()}.
rename(Table, Name) when is_binary(Name) -> plain(demand(table_rename, Table, [Name]));
rename(_, _) -> erlang:error(badarg).

%% Sets the heir of a table of the caller's.
-spec setopts(table(), {heir, none} | {heir, pid(), term()}) -> ok | {error, term()}.
setopts(Table, {heir, none}) -> plain(as_owner(table_set_heir, Table, [[], []]));
setopts(Table, {heir, Pid, Data}) when is_pid(Pid) -> plain(as_owner(table_set_heir, Table, [Pid, Data]));
setopts(_, _) -> erlang:error(badarg).

%% While a table is fixed by somebody, next/2 goes on from a key that was deleted.
-spec safe_fixtable(table(), boolean()) -> ok | {error, term()}.
safe_fixtable(Table, Fix) when is_boolean(Fix) -> plain(as_owner(table_fix, Table, [Fix]));
safe_fixtable(_, _) -> erlang:error(badarg).

%% Writes a table to a file, which takes the place of what was there once it is whole. {error, Reason}: enoent, eacces,
%% and what else a file may have.
-spec tab2file(table(), file:name_all()) -> ok | {error, term()}.
tab2file(Table, File) -> plain(demand(table_to_file, Table, [path(File)])).

%% Makes a table of the caller's from such a file, with its name, kind and access. {error, bad_file}: it was written by
%% something else, or is damaged.
-spec file2tab(regrow:runtime(), file:name_all()) -> {ok, table()} | {error, term()}.
file2tab(Runtime, File) ->
    Root = regrow:root(Runtime),
    tabled(Root, regrow_nif:await(table_from_file, Root, {path(File)})).

path(File) ->
    try unicode:characters_to_binary(File) of
        Path when is_binary(Path) -> Path;
        _ -> erlang:error(badarg)
    catch
        error:_ -> erlang:error(badarg)
    end.

%% ---- objects ----

%% Inserts an object, or a list of them all at once.
-spec insert(table(), tuple() | [tuple()]) -> ok | {error, term()}.
insert(Table, Objects) -> plain(demand(table_insert, Table, [Objects])).

-spec insert_new(table(), tuple() | [tuple()]) -> {ok, boolean()} | {error, term()}.
insert_new(Table, Objects) -> demand(table_insert_new, Table, [Objects]).

-spec lookup(table(), term()) -> {ok, [tuple()]} | {error, term()}.
lookup(Table, Key) -> demand(table_lookup, Table, [Key]).

-spec lookup_element(table(), term(), pos_integer()) -> {ok, term()} | {error, term()}.
lookup_element(Table, Key, Position) -> demand(table_lookup_element, Table, [Key, Position]).

-spec member(table(), term()) -> {ok, boolean()} | {error, term()}.
member(Table, Key) -> demand(table_member, Table, [Key]).

-spec take(table(), term()) -> {ok, [tuple()]} | {error, term()}.
take(Table, Key) -> demand(table_take, Table, [Key]).

%% Deletes the objects of a key.
-spec delete(table(), term()) -> ok | {error, term()}.
delete(Table, Key) -> plain(demand(table_delete_key, Table, [Key])).

-spec delete_object(table(), tuple()) -> ok | {error, term()}.
delete_object(Table, Object) -> plain(demand(table_delete_object, Table, [Object])).

-spec delete_all_objects(table()) -> ok | {error, term()}.
delete_all_objects(Table) -> plain(demand(table_delete_all_objects, Table, [])).

%% As ets:update_counter/3: an increment, {Position, Increment}, {Position, Increment, Limit, Value}, or a list.
-spec update_counter(table(), term(), term()) -> {ok, integer() | [integer()]} | {error, term()}.
update_counter(Table, Key, Operation) -> update_counter(Table, Key, Operation, []).

%% With the object that is inserted first when there is none of that key.
-spec update_counter(table(), term(), term(), tuple() | []) -> {ok, integer() | [integer()]} | {error, term()}.
update_counter(Table, Key, Operation, Default) ->
    demand(table_update_counter, Table, [Key, Operation, Default]).

%% {ok, false}: there is no such key.
-spec update_element(table(), term(), {pos_integer(), term()} | [{pos_integer(), term()}]) ->
    {ok, boolean()} | {error, term()}.
update_element(Table, Key, Elements) -> demand(table_update_element, Table, [Key, Elements]).

%% ---- many objects ----

-spec first(table()) -> {ok, term() | '$end_of_table'} | {error, term()}.
first(Table) -> demand(table_first, Table, []).

-spec last(table()) -> {ok, term() | '$end_of_table'} | {error, term()}.
last(Table) -> demand(table_last, Table, []).

-spec next(table(), term()) -> {ok, term() | '$end_of_table'} | {error, term()}.
next(Table, Key) -> demand(table_next, Table, [Key]).

-spec prev(table(), term()) -> {ok, term() | '$end_of_table'} | {error, term()}.
prev(Table, Key) -> demand(table_prev, Table, [Key]).

-spec tab2list(table()) -> {ok, [tuple()]} | {error, term()}.
tab2list(Table) -> demand(table_to_list, Table, []).

-spec match(table(), ets:match_pattern()) -> {ok, [[term()]]} | {error, term()}.
match(Table, Pattern) -> demand(table_match, Table, [Pattern]).

-spec match_object(table(), ets:match_pattern()) -> {ok, [tuple()]} | {error, term()}.
match_object(Table, Pattern) -> demand(table_match_object, Table, [Pattern]).

%% How many were deleted.
-spec match_delete(table(), ets:match_pattern()) -> {ok, non_neg_integer()} | {error, term()}.
match_delete(Table, Pattern) -> demand(table_match_delete, Table, [Pattern]).

%% A malformed specification raises badarg.
-spec select(table(), ets:match_spec()) -> {ok, [term()]} | {error, term()}.
select(Table, Spec) -> demand(table_select, Table, [Spec]).

-spec select_count(table(), ets:match_spec()) -> {ok, non_neg_integer()} | {error, term()}.
select_count(Table, Spec) -> demand(table_select_count, Table, [Spec]).

-spec select_delete(table(), ets:match_spec()) -> {ok, non_neg_integer()} | {error, term()}.
select_delete(Table, Spec) -> demand(table_select_delete, Table, [Spec]).

%% What a specification gives in place of each object that it matches, with the same key: how many.
-spec select_replace(table(), ets:match_spec()) -> {ok, non_neg_integer()} | {error, term()}.
select_replace(Table, Spec) -> demand(table_select_replace, Table, [Spec]).

-spec select_reverse(table(), ets:match_spec()) -> {ok, [term()]} | {error, term()}.
select_reverse(Table, Spec) -> demand(table_select_reverse, Table, [Spec]).

%% ---- many objects, part by part ----
%%
%% As those of ets with a limit. An object that is there all the time is in exactly one part, whatever is inserted and
%% deleted meanwhile; a continuation may be kept, and used again.

-type part(Result) :: {ok, {[Result], continuation() | '$end_of_table'} | '$end_of_table'} | {error, term()}.

-spec match(table(), ets:match_pattern(), pos_integer()) -> part([term()]).
match(Table, Pattern, Limit) -> part(table_match_part, Table, Pattern, Limit).

-spec match_object(table(), ets:match_pattern(), pos_integer()) -> part(tuple()).
match_object(Table, Pattern, Limit) -> part(table_match_object_part, Table, Pattern, Limit).

-spec select(table(), ets:match_spec(), pos_integer()) -> part(term()).
select(Table, Spec, Limit) -> part(table_select_part, Table, Spec, Limit).

-spec select_reverse(table(), ets:match_spec(), pos_integer()) -> part(term()).
select_reverse(Table, Spec, Limit) -> part(table_select_reverse_part, Table, Spec, Limit).

-spec match(continuation() | '$end_of_table') -> part([term()]).
match(Continuation) -> next_part(Continuation).

-spec match_object(continuation() | '$end_of_table') -> part(tuple()).
match_object(Continuation) -> next_part(Continuation).

-spec select(continuation() | '$end_of_table') -> part(term()).
select(Continuation) -> next_part(Continuation).

-spec select_reverse(continuation() | '$end_of_table') -> part(term()).
select_reverse(Continuation) -> next_part(Continuation).

part(Operation, Table, Pattern, Limit) when is_integer(Limit), Limit > 0, Limit < 16#FFFFFFFE ->
    parted(Table, demand(Operation, Table, [Pattern, Limit]));
part(_, _, _, _) ->
    erlang:error(badarg).

next_part('$end_of_table') -> {ok, '$end_of_table'};
next_part({?MODULE, Table, Native}) -> parted(Table, demand(table_next_part, Table, [Native]));
next_part(_) -> erlang:error(badarg).

parted(_, {ok, {[], '$end_of_table'}}) -> {ok, '$end_of_table'};
parted(_, {ok, {_, '$end_of_table'}} = Last) -> Last;
parted(Table, {ok, {Found, Native}}) -> {ok, {Found, {?MODULE, Table, Native}}};
parted(_, {error, _} = Error) -> Error.

%% ---- the rest ----

%% As the caller, in whose name it is.
as_owner(Operation, {?MODULE, Root, Ref}, Items) when is_reference(Ref) ->
    case regrow_nif:await(Operation, Root, list_to_tuple([Ref | Items])) of
        {error, noproc} -> {error, no_table};
        Outcome -> Outcome
    end;
as_owner(_, _, _) ->
    erlang:error(badarg).

%% What follows the table in an operation's items.
demand(Operation, {?MODULE, Root, Ref}, []) when is_reference(Ref) -> found(Operation, Root, {Ref});
demand(Operation, {?MODULE, Root, Ref}, [One]) when is_reference(Ref) -> found(Operation, Root, {Ref, One});
demand(Operation, {?MODULE, Root, Ref}, Items) when is_reference(Ref) ->
    found(Operation, Root, list_to_tuple([Ref | Items]));
demand(_, _, _) -> erlang:error(badarg).

found(Operation, Root, Items) ->
    case regrow_nif:demand(Operation, Root, Items) of
        {error, noproc} -> {error, no_table};
        Outcome -> Outcome
    end.

plain({ok, ok}) -> ok;
plain({error, _} = Error) -> Error.
