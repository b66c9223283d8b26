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
    case asked(fun() -> regrow_registry:register(Registry, Key, Pid, Value) end) of
        %% Either of the two.
        {error, dead_registry} ->
            case regrow:is_alive(Registry) of
                true -> {error, dead_process};
                false -> {error, dead_registry}
            end;
        Outcome ->
            Outcome
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
    asked(fun() -> regrow_registry:unregister(Registry, Key, Pid) end).

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

entries(Registry, Key) -> asked(fun() -> regrow_registry:lookup(Registry, Key) end).

whereis(Registry, Key) ->
    case entries(Registry, Key) of
        {ok, []} -> {error, not_found};
        {ok, [{Pid, _} | _]} -> {ok, Pid};
        Error -> Error
    end.

keys(Registry, Pid) -> asked(fun() -> regrow_registry:keys(Registry, Pid) end).

count(Registry) -> asked(fun() -> regrow_registry:count(Registry) end).

dispatch(Registry, Key, Message) ->
    case lookup_all(Registry, Key) of
        {ok, Subjects} ->
            [regrow_gleam_process:send(Subject, Message) || Subject <- Subjects],
            {ok, length(Subjects)};
        Error ->
            Error
    end.

%% A key or value that cannot cross is an error, too.
asked(Ask) ->
    try Ask() of
        ok -> {ok, nil};
        {ok, Value} -> {ok, Value};
        {error, Reason} -> {error, why(Reason)}
    catch
        error:badarg -> {error, {failed, badarg}}
    end.

why(noproc) -> dead_registry;
why(not_alive) -> dead_registry;
why(wrong_kind) -> dead_registry;
why(not_found) -> not_found;
why({already_registered, Pid}) -> {already_registered, Pid};
why(Reason) -> {failed, Reason}.
