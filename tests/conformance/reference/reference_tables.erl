%% Operations on ETS tables. Whoever issues one is the process that carries it out, so OTP checks the access.
-module(reference_tables).
-export([perform/3]).

perform(Operation, [Name | Arguments], Options) ->
    try perform_at(Operation, table(Name), Name, Arguments, Options)
    catch error:badarg -> "error badarg"
    end.

%% For a name that no table has, one that ets does not know either.
table(Name) ->
    case reference_memory:get(table, Name) of
        none -> 'no table';
        Table -> Table
    end.

%% ---- tables ----

perform_at("ets_new", _, Name, [Type, Access], Options) ->
    Heir = case Options of
        #{"heir" := Whom} -> {heir, reference_operation:process(Whom), inherited};
        #{} -> {heir, none}
    end,
    reference_memory:put(table, Name, ets:new(table, [list_to_atom(Type), list_to_atom(Access), Heir])),
    "ok";
perform_at("ets_drop", Table, _, [], _) ->
    atom_to_list(ets:delete(Table));
perform_at("ets_clear", Table, _, [], _) ->
    atom_to_list(ets:delete_all_objects(Table));
perform_at("ets_size", Table, _, [], _) ->
    reference_words:text(ets:info(Table, size));
perform_at("ets_owner", Table, _, [], _) ->
    reference_words:text(ets:info(Table, owner));
perform_at("ets_give", Table, _, [Whom], _) ->
    atom_to_list(ets:give_away(Table, reference_operation:process(Whom), given));
perform_at("ets_setopts", Table, _, [Whom], _) ->
    atom_to_list(ets:setopts(Table, {heir, reference_operation:process(Whom), inherited}));

%% ---- objects ----

perform_at("ets_insert", Table, _, [Key, Value], _) ->
    atom_to_list(ets:insert(Table, object(Key, Value)));
perform_at("ets_insert_new", Table, _, [Key, Value], _) ->
    atom_to_list(ets:insert_new(Table, object(Key, Value)));
perform_at("ets_delete", Table, _, [Key], _) ->
    atom_to_list(ets:delete(Table, reference_words:term(Key)));
perform_at("ets_delete_object", Table, _, [Key, Value], _) ->
    atom_to_list(ets:delete_object(Table, object(Key, Value)));
perform_at("ets_member", Table, _, [Key], _) ->
    atom_to_list(ets:member(Table, reference_words:term(Key)));
perform_at("ets_update", Table, _, [Key, Value], _) ->
    atom_to_list(ets:update_element(Table, reference_words:term(Key), {2, reference_words:term(Value)}));
perform_at("ets_lookup", Table, _, [Key], _) ->
    objects(ets:lookup(Table, reference_words:term(Key)));
perform_at("ets_take", Table, _, [Key], _) ->
    objects(ets:take(Table, reference_words:term(Key)));
perform_at("ets_lookup_element", Table, _, [Key], _) ->
    case ets:lookup_element(Table, reference_words:term(Key), 2) of
        Values when is_list(Values) -> ["elements", [[$\s, reference_words:text(Value)] || Value <- Values]];
        Value -> ["element ", reference_words:text(Value)]
    end;
perform_at("ets_list", Table, _, [], _) ->
    case {ets:info(Table, type), ets:tab2list(Table)} of
        {ordered_set, Objects} -> objects(Objects);
        {_, Objects} -> ["objects", reference_words:sorted([lists:flatten(text(Object)) || Object <- Objects])]
    end;
perform_at("ets_counter", Table, _, [Key, Increment], Options) ->
    Operation = case Options of
        #{"threshold" := Threshold, "setvalue" := Value} ->
            {2, reference_words:term(Increment), reference_words:term(Threshold), reference_words:term(Value)};
        #{} ->
            {2, reference_words:term(Increment)}
    end,
    reference_words:text(case Options of
        #{"default" := Default} ->
            ets:update_counter(Table, reference_words:term(Key), Operation, object(Key, Default));
        #{} -> ets:update_counter(Table, reference_words:term(Key), Operation)
    end);

%% ---- order ----

perform_at("ets_first", Table, _, [], _) ->
    key(ets:first(Table));
perform_at("ets_last", Table, _, [], _) ->
    key(ets:last(Table));
perform_at("ets_next", Table, _, [Key], _) ->
    key(ets:next(Table, reference_words:term(Key)));
perform_at("ets_prev", Table, _, [Key], _) ->
    key(ets:prev(Table, reference_words:term(Key))).

key('$end_of_table') -> "end_of_table";
key(Key) -> reference_words:text(Key).

object(Key, Value) ->
    {reference_words:term(Key), reference_words:term(Value)}.

objects(Objects) ->
    ["objects", [[$\s, text(Object)] || Object <- Objects]].

text({Key, Value}) ->
    [reference_words:text(Key), $/, reference_words:text(Value)].
