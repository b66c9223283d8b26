%% Operations on tables, through what is as `ets`. Whoever issues one is the process that carries it out, so that the
%% access is checked.
-module(reference_tables).
-export([perform/3]).

-define(ETS, (reference_system:api(table))).

perform("ets_new", [Name, Type, Access], Options) ->
    Heir = case Options of
        #{"heir" := Whom} -> {heir, reference_operation:process(Whom), inherited};
        #{} -> {heir, none}
    end,
    Table = ?ETS:new(table, [list_to_atom(Type), list_to_atom(Access), Heir]),
    reference_memory:put(table, Name, Table),
    reference_memory:put(table_ref, Name, reference_system:table_ref(Table)),
    "ok";
perform(Operation, [Name | Arguments], Options) ->
    case reference_memory:get(table, Name) of
        none when Operation =:= "ets_size"; Operation =:= "ets_owner" ->
            "undefined";
        none when Operation =:= "ets_give"; Operation =:= "ets_setopts" ->
            %% Who is not there is looked for first.
            _ = reference_operation:process(hd(Arguments)),
            "error badarg";
        none ->
            "error badarg";
        Table ->
            try perform_at(Operation, Table, Name, Arguments, Options)
            catch
                error:badarg -> "error badarg";
                error:#{'__struct__' := 'Elixir.ArgumentError'} -> "error badarg"
            end
    end.

%% ---- tables ----

perform_at("ets_drop", Table, _, [], _) ->
    atom_to_list(?ETS:delete(Table));
perform_at("ets_clear", Table, _, [], _) ->
    atom_to_list(?ETS:delete_all_objects(Table));
perform_at("ets_size", Table, _, [], _) ->
    reference_words:text(?ETS:info(Table, size));
perform_at("ets_owner", Table, _, [], _) ->
    reference_words:text(?ETS:info(Table, owner));
perform_at("ets_give", Table, _, [Whom], _) ->
    atom_to_list(?ETS:give_away(Table, reference_operation:process(Whom), given));
perform_at("ets_setopts", Table, _, [Whom], _) ->
    atom_to_list(?ETS:setopts(Table, {heir, reference_operation:process(Whom), inherited}));

%% ---- objects ----

perform_at("ets_insert", Table, _, [Key, Value], _) ->
    atom_to_list(?ETS:insert(Table, object(Key, Value)));
perform_at("ets_insert_new", Table, _, [Key, Value], _) ->
    atom_to_list(?ETS:insert_new(Table, object(Key, Value)));
perform_at("ets_delete", Table, _, [Key], _) ->
    atom_to_list(?ETS:delete(Table, reference_words:term(Key)));
perform_at("ets_delete_object", Table, _, [Key, Value], _) ->
    atom_to_list(?ETS:delete_object(Table, object(Key, Value)));
perform_at("ets_member", Table, _, [Key], _) ->
    atom_to_list(?ETS:member(Table, reference_words:term(Key)));
perform_at("ets_update", Table, _, [Key, Value], _) ->
    atom_to_list(?ETS:update_element(Table, reference_words:term(Key), {2, reference_words:term(Value)}));
perform_at("ets_lookup", Table, _, [Key], _) ->
    objects(?ETS:lookup(Table, reference_words:term(Key)));
perform_at("ets_take", Table, _, [Key], _) ->
    objects(?ETS:take(Table, reference_words:term(Key)));
perform_at("ets_lookup_element", Table, _, [Key], _) ->
    case ?ETS:lookup_element(Table, reference_words:term(Key), 2) of
        Values when is_list(Values) -> ["elements", [[$\s, reference_words:text(Value)] || Value <- Values]];
        Value -> ["element ", reference_words:text(Value)]
    end;
perform_at("ets_list", Table, _, [], _) ->
    case {?ETS:info(Table, type), ?ETS:tab2list(Table)} of
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
            ?ETS:update_counter(Table, reference_words:term(Key), Operation, object(Key, Default));
        #{} -> ?ETS:update_counter(Table, reference_words:term(Key), Operation)
    end);

%% ---- order ----

perform_at("ets_first", Table, _, [], _) ->
    key(?ETS:first(Table));
perform_at("ets_last", Table, _, [], _) ->
    key(?ETS:last(Table));
perform_at("ets_next", Table, _, [Key], _) ->
    key(?ETS:next(Table, reference_words:term(Key)));
perform_at("ets_prev", Table, _, [Key], _) ->
    key(?ETS:prev(Table, reference_words:term(Key))).

key('$end_of_table') -> "end_of_table";
key(Key) -> reference_words:text(Key).

object(Key, Value) ->
    {reference_words:term(Key), reference_words:term(Value)}.

objects(Objects) ->
    ["objects", [[$\s, text(Object)] || Object <- Objects]].

text({Key, Value}) ->
    [reference_words:text(Key), $/, reference_words:text(Value)].
