%% Operations on Elixir's registries.
-module(reference_registries).
-export([perform/3]).

-define(REGISTRY, (reference_system:api(registry))).
-define(CALL_MS, 1000).

%% Its processes write after a death what others read, so they have to be quiet too.
perform("reg_start", [Name, Keys], _) ->
    {ok, Supervisor} = ?REGISTRY:start_link([{keys, list_to_atom(Keys)}, {name, registry(Name)}]),
    [reference_memory:put(helper, {Name, Id}, Pid) || {Id, Pid, _, _} <- supervisor:which_children(Supervisor)],
    "ok";
perform(Operation, [Name | Arguments], _) ->
    try perform_at(Operation, registry(Name), Arguments)
    catch
        error:#{'__struct__' := 'Elixir.ArgumentError'} -> "error noproc" % there is none of that name
    end.

%% With a blank, as no name of a scenario is.
registry(Name) ->
    list_to_atom("registry " ++ Name).

%% ---- by the owner of an entry ----

perform_at("reg_register", Registry, [Key, Value]) ->
    case ?REGISTRY:register(Registry, reference_words:term(Key), reference_words:term(Value)) of
        {ok, _} -> "ok";
        {error, {already_registered, Pid}} -> ["error already_registered ", reference_recorder:label(Pid)]
    end;
perform_at("reg_unregister", Registry, [Key]) ->
    atom_to_list(?REGISTRY:unregister(Registry, reference_words:term(Key)));
perform_at("reg_unregister_match", Registry, [Key, Value]) ->
    atom_to_list(?REGISTRY:unregister_match(Registry, reference_words:term(Key), reference_words:term(Value)));
perform_at("reg_update", Registry, [Key, Value]) ->
    case ?REGISTRY:update_value(Registry, reference_words:term(Key), fun(_) -> reference_words:term(Value) end) of
        {_, Old} -> ["ok ", reference_words:text(Old)];
        error -> "error"
    end;

%% ---- by main ----

perform_at("reg_lookup", Registry, [Key]) ->
    ["entries", reference_words:sorted([lists:append([reference_recorder:label(Pid), "/", reference_words:text(Value)])
                                        || {Pid, Value} <- ?REGISTRY:lookup(Registry, reference_words:term(Key))])];
perform_at("reg_whereis", Registry, [Key]) ->
    reference_words:text(?REGISTRY:whereis_name({Registry, reference_words:term(Key)}));
perform_at("reg_keys", Registry, [Whom]) ->
    Keys = ?REGISTRY:keys(Registry, reference_operation:process(Whom)),
    ["keys", reference_words:sorted([reference_words:text(Key) || Key <- Keys])];
perform_at("reg_count", Registry, []) ->
    integer_to_list(?REGISTRY:count(Registry));
perform_at("reg_dispatch", Registry, [Key, X]) ->
    Message = reference_words:term(X),
    Send = fun(Entries) -> [Pid ! Message || {Pid, _} <- Entries] end,
    atom_to_list(?REGISTRY:dispatch(Registry, reference_words:term(Key), Send));
perform_at("reg_call", Registry, [Key, Request]) ->
    Whom = {via, ?REGISTRY, {Registry, reference_words:term(Key)}},
    try ["reply ", reference_words:text(reference_worker:request(Whom, Request, ?CALL_MS))]
    catch exit:Failure -> reference_operation:failure(Failure)
    end.
