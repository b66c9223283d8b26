%% Operations on tables, through regrow_table. Whoever issues one is the process that carries it out.
-module(executor_tables).
-export([perform/3]).

perform("ets_new", [Name, Type, Access], Options) ->
    Heir = case Options of
        #{"heir" := Whom} -> {heir, reference_operation:process(Whom), inherited};
        #{} -> {heir, none}
    end,
    case regrow_table:new(executor_runtime:get(), [list_to_atom(Type), list_to_atom(Access), Heir]) of
        {ok, Table} ->
            reference_memory:put(table, Name, Table),
            %% As who gets it hears of it.
            reference_memory:put(table_type, Name, Type),
            reference_memory:put(table_ref, Name, regrow_table:ref(Table)),
            "ok";
        {error, _} ->
            "error badarg"
    end;
perform("ets_size", [Name], _) ->
    of_none(Name, fun(Table) -> value(regrow_table:size(Table)) end);
perform("ets_owner", [Name], _) ->
    of_none(Name, fun(Table) ->
        {ok, Info} = regrow_table:info(Table),
        reference_words:text(proplists:get_value(owner, Info))
    end);
perform(Operation, [Name | Arguments], Options) ->
    case reference_memory:get(table, Name) of
        none ->
            "error badarg";
        Table ->
            try perform_at(Operation, Table, [term(Operation, Argument) || Argument <- Arguments], Options) of
                ok -> "true";
                {ok, Outcome} -> shown(Operation, Outcome, Name);
                {error, _} -> "error badarg"
            catch
                error:badarg -> "error badarg"
            end
    end.

%% `undefined` when there is no such table.
of_none(Name, Ask) ->
    case reference_memory:get(table, Name) of
        none ->
            "undefined";
        Table ->
            try Ask(Table)
            catch error:{badmatch, {error, no_table}} -> "undefined"
            end
    end.

value({ok, Value}) -> reference_words:text(Value);
value({error, Why}) -> erlang:error({badmatch, {error, Why}}).

term(Operation, Whom) when Operation =:= "ets_give"; Operation =:= "ets_setopts" -> reference_operation:process(Whom);
term(_, Word) -> reference_words:term(Word).

perform_at("ets_drop", Table, [], _) -> regrow_table:delete(Table);
perform_at("ets_clear", Table, [], _) -> regrow_table:delete_all_objects(Table);
perform_at("ets_setopts", Table, [Pid], _) -> regrow_table:setopts(Table, {heir, Pid, inherited});
perform_at("ets_give", Table, [Pid], _) -> regrow_table:give_away(Table, Pid, given);
perform_at("ets_insert", Table, [Key, Value], _) -> regrow_table:insert(Table, {Key, Value});
perform_at("ets_insert_new", Table, [Key, Value], _) -> regrow_table:insert_new(Table, {Key, Value});
perform_at("ets_delete", Table, [Key], _) -> regrow_table:delete(Table, Key);
perform_at("ets_delete_object", Table, [Key, Value], _) -> regrow_table:delete_object(Table, {Key, Value});
perform_at("ets_member", Table, [Key], _) -> regrow_table:member(Table, Key);
perform_at("ets_update", Table, [Key, Value], _) -> regrow_table:update_element(Table, Key, {2, Value});
perform_at("ets_lookup", Table, [Key], _) -> regrow_table:lookup(Table, Key);
perform_at("ets_take", Table, [Key], _) -> regrow_table:take(Table, Key);
perform_at("ets_lookup_element", Table, [Key], _) -> regrow_table:lookup_element(Table, Key, 2);
perform_at("ets_list", Table, [], _) -> regrow_table:tab2list(Table);
perform_at("ets_first", Table, [], _) -> regrow_table:first(Table);
perform_at("ets_last", Table, [], _) -> regrow_table:last(Table);
perform_at("ets_next", Table, [Key], _) -> regrow_table:next(Table, Key);
perform_at("ets_prev", Table, [Key], _) -> regrow_table:prev(Table, Key);
perform_at("ets_counter", Table, [Key, Increment], Options) ->
    Operation = case Options of
        #{"threshold" := Threshold, "setvalue" := Value} ->
            {2, Increment, reference_words:term(Threshold), reference_words:term(Value)};
        #{} ->
            {2, Increment}
    end,
    case Options of
        #{"default" := Default} ->
            regrow_table:update_counter(Table, Key, Operation, {Key, reference_words:term(Default)});
        #{} ->
            regrow_table:update_counter(Table, Key, Operation)
    end.

%% ---- results ----

shown("ets_lookup_element", Values, _) when is_list(Values) ->
    ["elements", [[$\s, reference_words:text(Value)] || Value <- Values]];
shown("ets_lookup_element", Value, _) ->
    ["element ", reference_words:text(Value)];
shown("ets_list", Objects, Name) ->
    case reference_memory:get(table_type, Name) of
        "ordered_set" -> objects(Objects);
        _ -> ["objects", reference_words:sorted([lists:flatten(text(Object)) || Object <- Objects])]
    end;
shown(_, Objects, _) when is_list(Objects) ->
    objects(Objects);
shown(_, '$end_of_table', _) ->
    "end_of_table";
shown(_, Value, _) ->
    reference_words:text(Value).

objects(Objects) ->
    ["objects", [[$\s, text(Object)] || Object <- Objects]].

text({Key, Value}) ->
    [reference_words:text(Key), $/, reference_words:text(Value)].
