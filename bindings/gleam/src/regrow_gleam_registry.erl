%% What regrow/registry asks of regrow_registry.
-module(regrow_gleam_registry).

-export([start/4, spec/3, find/2, register/3, register_value/4, unregister/2, unregister_process/3, lookup/2,
         lookup_all/2, entries/2, whereis/2, keys/2, count/1, dispatch/3]).

start(Runtime, Keys, Partitions, Name) -> regrow_gleam_runtime:start_native(Runtime, spec(Keys, Partitions, Name)).

spec(Keys, Partitions, {ok, Name}) -> (spec(Keys, Partitions, {error, nil}))#{name => Name};
spec(Keys, Partitions, {error, nil}) -> #{kind => registry, keys => Keys, partitions => Partitions}.

find(Runtime, Name) ->
    case regrow:whereis(Runtime, Name) of
        {ok, Pid} ->
            case is_registry(Pid) of
                true -> {ok, Pid};
                false -> {error, not_found}
            end;
        {error, _} ->
            {error, not_found}
    end.

is_registry(Pid) ->
    case regrow:is_native(Pid) andalso regrow_registry:count(Pid) of
        {ok, _} -> true;
        _ -> false
    end.

register(Registry, Key, {_, Owner, _} = Subject) -> register_value(Registry, Key, Owner, Subject).

register_value(Registry, Key, Pid, Value) ->
    case regrow_registry:register(Registry, Key, Pid, Value) of
        ok -> {ok, nil};
        {error, {already_registered, Other}} -> {error, {already_registered, Other}};
        {error, noproc} ->
            case regrow:is_alive(Registry) of
                true -> {error, dead_process};
                false -> {error, dead_registry}
            end;
        Outcome -> outcome(Outcome)
    end.

unregister(Registry, Key) ->
    case entries(Registry, Key) of
        {ok, []} -> {error, not_found};
        {ok, Entries} -> unregister_all(Registry, Key, lists:usort([Pid || {Pid, _} <- Entries]));
        Error -> Error
    end.

unregister_all(_, _, []) ->
    {ok, nil};
unregister_all(Registry, Key, [Pid | Rest]) ->
    case unregister_process(Registry, Key, Pid) of
        {ok, nil} -> unregister_all(Registry, Key, Rest);
        Error -> Error
    end.

unregister_process(Registry, Key, Pid) ->
    outcome(regrow_registry:unregister(Registry, Key, Pid)).

lookup(Registry, Key) ->
    case entries(Registry, Key) of
        {ok, []} -> {error, not_found};
        {ok, [Entry | _]} -> subject(Entry);
        Error -> Error
    end.

lookup_all(Registry, Key) ->
    case entries(Registry, Key) of
        {ok, Entries} -> subjects(Entries, []);
        Error -> Error
    end.

subjects([], Found) ->
    {ok, lists:reverse(Found)};
subjects([Entry | Rest], Found) ->
    case subject(Entry) of
        {ok, Subject} -> subjects(Rest, [Subject | Found]);
        Error -> Error
    end.

%% What somebody else registered there may be anything.
subject({Pid, {Kind, Pid, _} = Subject}) when Kind =:= subject; Kind =:= reply -> {ok, Subject};
subject({_, Other}) -> {error, {undecodable, [regrow_gleam_dynamic:mismatch(<<"Subject">>, Other)]}}.

entries(Registry, Key) -> outcome(regrow_registry:lookup(Registry, Key)).

whereis(Registry, Key) ->
    case entries(Registry, Key) of
        {ok, []} -> {error, not_found};
        {ok, [{Pid, _} | _]} -> {ok, Pid};
        Error -> Error
    end.

keys(Registry, Pid) -> outcome(regrow_registry:keys(Registry, Pid)).

count(Registry) -> outcome(regrow_registry:count(Registry)).

dispatch(Registry, Key, Message) ->
    case lookup_all(Registry, Key) of
        {ok, Subjects} ->
            [regrow_gleam_process:send(Subject, Message) || Subject <- Subjects],
            {ok, length(Subjects)};
        Error ->
            Error
    end.

outcome(ok) -> {ok, nil};
outcome({ok, Value}) -> {ok, Value};
outcome({error, Reason}) -> {error, why(Reason)}.

why(noproc) -> dead_registry;
why(not_alive) -> dead_registry;
why(wrong_kind) -> dead_registry;
why(not_found) -> not_found;
why(Reason) -> {failed, Reason}.
