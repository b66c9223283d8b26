%% Operations on registries, through regrow_registry.
-module(executor_registries).
-export([perform/3]).

-define(CALL_MS, 1000).

perform("reg_start", [Name, Keys], _) ->
    {ok, Registry} = regrow_registry:start(executor_runtime:get(), #{keys => list_to_atom(Keys)}),
    reference_memory:put(registry, Name, Registry),
    "ok";
perform(Operation, [Name | Arguments], _) ->
    case reference_memory:get(registry, Name) of
        none -> "error noproc";
        Registry -> perform_at(Operation, Registry, Arguments)
    end.

%% ---- by the owner of an entry ----

perform_at("reg_register", Registry, [Key, Value]) ->
    case regrow_registry:register(Registry, reference_words:term(Key), reference_words:term(Value)) of
        ok -> "ok";
        {error, {already_registered, Pid}} -> ["error already_registered ", reference_recorder:label(Pid)]
    end;
perform_at("reg_unregister", Registry, [Key]) ->
    done(regrow_registry:unregister(Registry, reference_words:term(Key)));
perform_at("reg_unregister_match", Registry, [Key, Value]) ->
    done(regrow_registry:unregister_match(Registry, reference_words:term(Key), reference_words:term(Value)));
perform_at("reg_update", Registry, [Key, Value]) ->
    case regrow_registry:update_value(Registry, reference_words:term(Key), fun(_) -> reference_words:term(Value) end) of
        {ok, {_, Old}} -> ["ok ", reference_words:text(Old)];
        {error, _} -> "error"
    end;

%% ---- by main ----

perform_at("reg_lookup", Registry, [Key]) ->
    {ok, Entries} = regrow_registry:lookup(Registry, reference_words:term(Key)),
    ["entries", reference_words:sorted([lists:append([reference_recorder:label(Pid), "/", reference_words:text(Value)])
                                        || {Pid, Value} <- Entries])];
perform_at("reg_whereis", Registry, [Key]) ->
    reference_words:text(regrow_registry:whereis_name({Registry, reference_words:term(Key)}));
perform_at("reg_keys", Registry, [Whom]) ->
    {ok, Keys} = regrow_registry:keys(Registry, reference_operation:process(Whom)),
    ["keys", reference_words:sorted([reference_words:text(Key) || Key <- Keys])];
perform_at("reg_count", Registry, []) ->
    {ok, Count} = regrow_registry:count(Registry),
    integer_to_list(Count);
perform_at("reg_dispatch", Registry, [Key, X]) ->
    Message = reference_words:term(X),
    Send = fun(Entries) -> [ok = regrow:send(Pid, Message) || {Pid, _} <- Entries] end,
    atom_to_list(regrow_registry:dispatch(Registry, reference_words:term(Key), Send));
perform_at("reg_call", Registry, [Key, Request]) ->
    Whom = {via, regrow_registry, {Registry, reference_words:term(Key)}},
    try ["reply ", reference_words:text(reference_worker:request(Whom, Request, ?CALL_MS))]
    catch exit:Failure -> reference_operation:failure(Failure)
    end.

%% An entry that is not there is none afterwards.
done(ok) -> "ok";
done({error, not_found}) -> "ok".
