%% What regrow/registry asks of regrow_registry.
-module(regrow_gleam_registry).

-export([start/2, spec/1, find/2, register/3, register_value/4, unregister/2, unregister_process/3, lookup/2,
         lookup_all/2, entries/2, whereis/2, keys/2, count/1, dispatch/3]).
-export([entry/0, value/1, select/3, select_count/2, matching/3, matching_count/3, unregister_matching/3]).
-export([values_of/3, update_value/4, meta/2, put_meta/3, delete_meta/2, listen/1, changes/3]).

start(Runtime, Spec) -> regrow_gleam_runtime:start_native(Runtime, Spec).

spec({builder, Keys, Partitions, Name, Listeners, Meta}) ->
    Named = maps:from_list([{name, Text} || {ok, Text} <- [Name]]),
    Named#{kind => registry, keys => Keys, partitions => Partitions, listeners => lists:reverse(Listeners),
           meta => maps:from_list(lists:reverse(Meta))}.

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

%% ---- searches ----

entry() ->
    {entry, variable(1, fun trusted/1), variable(2, fun 'regrow@decode':pid/1), variable(3, fun trusted/1)}.

value(Decoder) -> variable(1, Decoder).

variable(Number, Decoder) -> regrow_gleam_match:variable(Number, Decoder).

trusted(Value) -> {ok, Value}.

select(Registry, Condition, Result) ->
    Spec = regrow_gleam_match:specification({'$1', '$2', '$3'}, Condition, Result),
    case asked(fun() -> regrow_registry:select(Registry, Spec) end) of
        {ok, Found} -> undecodable(regrow_gleam_match:results(Found, Result));
        Error -> Error
    end.

undecodable({error, Errors}) -> {error, {undecodable, Errors}};
undecodable(Decoded) -> Decoded.

select_count(Registry, Condition) ->
    Spec = regrow_gleam_match:specification({'$1', '$2', '$3'}, Condition, regrow_gleam_match:value(true)),
    asked(fun() -> regrow_registry:count_select(Registry, Spec) end).

matching(Registry, Key, Condition) ->
    asked(fun() -> regrow_registry:match(Registry, Key, '$1', regrow_gleam_match:conditions(Condition)) end).

matching_count(Registry, Key, Condition) ->
    asked(fun() -> regrow_registry:count_match(Registry, Key, '$1', regrow_gleam_match:conditions(Condition)) end).

unregister_matching(Registry, Key, Condition) ->
    asked(fun() -> regrow_registry:unregister_match(Registry, Key, '$1', regrow_gleam_match:conditions(Condition)) end).

%% ---- values ----

values_of(Registry, Key, Pid) -> asked(fun() -> regrow_registry:values(Registry, Key, Pid) end).

%% The function runs here; what it cannot be given is thrown over the code between.
update_value(Registry, Key, Decoder, Update) ->
    Tag = make_ref(),
    Make = fun(Old) -> updated(Decoder(Old), Update, Tag) end,
    try asked(fun() -> regrow_registry:update_value(Registry, Key, Make) end) of
        {ok, {New, Old}} ->
            {ok, Decoded} = Decoder(Old),
            {ok, {updated, New, Decoded}};
        Error ->
            Error
    catch
        throw:{Tag, Errors} -> {error, {undecodable, Errors}}
    end.

updated({ok, Old}, Update, _) -> Update(Old);
updated({error, Errors}, _, Tag) -> throw({Tag, Errors}).

meta(Registry, Key) -> asked(fun() -> regrow_registry:meta(Registry, Key) end).

put_meta(Registry, Key, Value) -> asked(fun() -> regrow_registry:put_meta(Registry, Key, Value) end).

delete_meta(Registry, Key) -> asked(fun() -> regrow_registry:delete_meta(Registry, Key) end).

%% ---- listeners ----

%% A registry tells of itself by its name, where it has one.
listen(Registry) ->
    case regrow:info(Registry) of
        {ok, #{kind := registry, name := undefined}} -> {ok, Registry};
        {ok, #{kind := registry, name := Name}} -> {ok, Name};
        _ -> {error, dead_registry}
    end.

changes(Selector, Home, Wrap) ->
    regrow_gleam_selector:input(Selector, {registry, Home}, fun
        ({register, _, Key, Pid, Value}) -> Wrap({registered, Key, Pid, Value});
        ({unregister, _, Key, Pid}) -> Wrap({unregistered, Key, Pid})
    end).

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
