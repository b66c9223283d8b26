%% Operations on groups, through regrow_pubsub.
-module(executor_groups).
-export([perform/3]).

perform("join", [Group], _) ->
    atom_to_list(regrow_pubsub:join(pubsub(), list_to_atom(Group)));
perform("leave", [Group], _) ->
    case regrow_pubsub:leave(pubsub(), list_to_atom(Group)) of
        ok -> "ok";
        {error, Why} -> atom_to_list(Why)
    end;
perform("members", [Group], _) ->
    {ok, Members} = regrow_pubsub:members(pubsub(), list_to_atom(Group)),
    ["members", reference_words:sorted([reference_recorder:label(Pid) || Pid <- Members])];
perform("publish", [Group, X], _) ->
    {ok, Times} = regrow_pubsub:send(pubsub(), list_to_atom(Group), reference_words:term(X)),
    integer_to_list(Times).

%% Started the first time.
pubsub() ->
    case reference_memory:get(pubsub, groups) of
        none ->
            {ok, Pubsub} = regrow_pubsub:start(executor_runtime:get(), #{}),
            reference_memory:put(pubsub, groups, Pubsub),
            Pubsub;
        Pubsub ->
            Pubsub
    end.
