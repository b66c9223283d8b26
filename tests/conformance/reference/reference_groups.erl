%% Operations on groups, through pg.
-module(reference_groups).
-export([perform/3]).

-define(SCOPE, 'reference groups').

perform(Operation, Arguments, _) ->
    start(),
    perform(Operation, Arguments).

perform("join", [Group]) ->
    atom_to_list(pg:join(?SCOPE, list_to_atom(Group), self()));
perform("leave", [Group]) ->
    atom_to_list(pg:leave(?SCOPE, list_to_atom(Group), self()));
perform("members", [Group]) ->
    ["members", reference_words:sorted([reference_recorder:label(Pid) || Pid <- members(Group)])];
perform("publish", [Group, X]) ->
    Members = members(Group),
    [Pid ! reference_words:term(X) || Pid <- Members],
    integer_to_list(length(Members)).

members(Group) ->
    pg:get_members(?SCOPE, list_to_atom(Group)).

%% The first time; it has to be quiet too before a step is over.
start() ->
    case pg:start(?SCOPE) of
        {ok, Pid} -> reference_memory:put(helper, groups, Pid);
        {error, {already_started, _}} -> ok
    end.
