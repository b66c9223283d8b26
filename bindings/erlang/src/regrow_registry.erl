%% Keys to processes, as in Elixir's Registry; native processes and processes of the BEAM alike. An entry is gone
%% before anybody can see that its process has ended: no answer is stale.
%%
%% {via, regrow_registry, {Registry, Key}} is a name for gen_server and its like.
-module(regrow_registry).

-export([start/2, start_link/2, register/3, register/4, unregister/2, unregister/3, unregister_match/3,
         unregister_match/4, update_value/3, whereis/2, lookup/2, match/3, match/4, count_match/3, count_match/4,
         select/2, count_select/2, keys/2, values/3, count/1, dispatch/3, meta/2, put_meta/3, delete_meta/2]).
-export([register_name/2, unregister_name/1, whereis_name/1, send/2]).
-export([settling/2]).

%% Starts a registry. Options: keys (unique | duplicate), partitions, listeners, meta, name.
-spec start(regrow:runtime(), map()) -> {ok, pid()} | {error, term()}.
start(Runtime, Options) when is_map(Options) ->
    regrow:start(Runtime, Options#{kind => registry});
start(_, _) ->
    erlang:error(badarg).

-spec start_link(regrow:runtime(), map()) -> {ok, pid()} | {error, term()}.
start_link(Runtime, Options) when is_map(Options) ->
    regrow:start_link(Runtime, Options#{kind => registry});
start_link(_, _) ->
    erlang:error(badarg).

%% Gives the caller an entry. {error, {already_registered, Pid}}: the key of a unique registry is taken.
-spec register(pid(), term(), term()) -> ok | {error, term()}.
register(Registry, Key, Value) ->
    register(Registry, Key, self(), Value).

%% Gives any process one. {error, noproc}: it, or the registry, is dead.
-spec register(pid(), term(), pid(), term()) -> ok | {error, term()}.
register(Registry, Key, Pid, Value) when is_pid(Pid) ->
    settling(Registry, fun() -> plain(regrow_nif:now(registry_register, Registry, {Key, Pid, Value})) end);
register(_, _, _, _) ->
    erlang:error(badarg).

-spec unregister(pid(), term()) -> ok | {error, term()}.
unregister(Registry, Key) ->
    unregister(Registry, Key, self()).

-spec unregister(pid(), term(), pid()) -> ok | {error, term()}.
unregister(Registry, Key, Pid) when is_pid(Pid) ->
    plain(regrow_nif:now(registry_unregister, Registry, {Key, Pid}));
unregister(_, _, _) ->
    erlang:error(badarg).

unregister_match(Registry, Key, Pattern) ->
    unregister_match(Registry, Key, Pattern, []).

%% Takes those of the caller's entries under a key away whose value matches; patterns and guards are as ets:match's.
-spec unregister_match(pid(), term(), term(), [term()]) -> ok | {error, term()}.
unregister_match(Registry, Key, Pattern, Guards) ->
    plain(regrow_nif:now(registry_unregister_match, Registry, {Key, self(), Pattern, Guards})).

%% Gives the caller's own entry in a unique registry another value, made from the old one.
-spec update_value(pid(), term(), fun((term()) -> term())) -> {ok, {New :: term(), Old :: term()}} | {error, term()}.
update_value(Registry, Key, Update) when is_function(Update, 1) ->
    case values(Registry, Key, self()) of
        {ok, [Old]} ->
            New = Update(Old),
            case regrow_nif:await(registry_update, Registry, {Key, New}) of
                {ok, Old} -> {ok, {New, Old}};
                Error -> Error
            end;
        {ok, _} ->
            {error, not_found};
        Error ->
            Error
    end;
update_value(_, _, _) ->
    erlang:error(badarg).

%% Who has a key of a unique registry.
-spec whereis(pid(), term()) -> {ok, pid()} | {error, term()}.
whereis(Registry, Key) when not is_integer(Registry) ->
    regrow_nif:registry_whereis(Registry, Key);
whereis(_, _) ->
    erlang:error(badarg).

%% The entries of a key, in the order in which they were registered.
-spec lookup(pid(), term()) -> {ok, [{pid(), term()}]} | {error, term()}.
lookup(Registry, Key) when not is_integer(Registry) ->
    regrow_nif:registry_lookup(Registry, Key);
lookup(_, _) ->
    erlang:error(badarg).

match(Registry, Key, Pattern) ->
    match(Registry, Key, Pattern, []).

-spec match(pid(), term(), term(), [term()]) -> {ok, [{pid(), term()}]} | {error, term()}.
match(Registry, Key, Pattern, Guards) ->
    regrow_nif:now(registry_match, Registry, {Key, Pattern, Guards}).

count_match(Registry, Key, Pattern) ->
    count_match(Registry, Key, Pattern, []).

-spec count_match(pid(), term(), term(), [term()]) -> {ok, non_neg_integer()} | {error, term()}.
count_match(Registry, Key, Pattern, Guards) ->
    regrow_nif:now(registry_count_match, Registry, {Key, Pattern, Guards}).

%% What a match specification makes of the entries; its heads are {Key, Pid, Value}. A malformed one raises badarg. In a
%% specification a pid is compared as it is written there.
-spec select(pid(), ets:match_spec()) -> {ok, [term()]} | {error, term()}.
select(Registry, Spec) ->
    regrow_nif:now(registry_select, Registry, {Spec}).

-spec count_select(pid(), ets:match_spec()) -> {ok, non_neg_integer()} | {error, term()}.
count_select(Registry, Spec) ->
    regrow_nif:now(registry_count_select, Registry, {Spec}).

%% The keys of a process, in no order.
-spec keys(pid(), pid()) -> {ok, [term()]} | {error, term()}.
keys(Registry, Pid) when is_pid(Pid) ->
    regrow_nif:now(registry_keys, Registry, {Pid});
keys(_, _) ->
    erlang:error(badarg).

-spec values(pid(), term(), pid()) -> {ok, [term()]} | {error, term()}.
values(Registry, Key, Pid) when is_pid(Pid) ->
    regrow_nif:now(registry_values, Registry, {Key, Pid});
values(_, _, _) ->
    erlang:error(badarg).

%% How many entries there are; those of processes that have ended this moment may be counted still.
-spec count(pid()) -> {ok, non_neg_integer()} | {error, term()}.
count(Registry) ->
    regrow_nif:now(registry_count, Registry, {}).

%% Calls a function, in the caller, with the entries of a key; not at all when there are none.
-spec dispatch(pid(), term(), fun(([{pid(), term()}]) -> term())) -> ok | {error, term()}.
dispatch(Registry, Key, Function) when is_function(Function, 1) ->
    case lookup(Registry, Key) of
        {ok, []} -> ok;
        {ok, Entries} -> _ = Function(Entries), ok;
        Error -> Error
    end;
dispatch(_, _, _) ->
    erlang:error(badarg).

-spec meta(pid(), term()) -> {ok, term()} | {error, term()}.
meta(Registry, Key) ->
    regrow_nif:now(registry_meta, Registry, {Key}).

-spec put_meta(pid(), term(), term()) -> ok | {error, term()}.
put_meta(Registry, Key, Value) ->
    plain(regrow_nif:now(registry_put_meta, Registry, {Key, Value})).

-spec delete_meta(pid(), term()) -> ok | {error, term()}.
delete_meta(Registry, Key) ->
    plain(regrow_nif:now(registry_delete_meta, Registry, {Key})).

%% ---- for {via, regrow_registry, {Registry, Key}} ----

register_name({Registry, Key}, Pid) ->
    case register(Registry, Key, Pid, []) of
        ok -> yes;
        {error, _} -> no
    end.

unregister_name({Registry, Key}) ->
    case whereis(Registry, Key) of
        {ok, Pid} -> unregister(Registry, Key, Pid);
        {error, _} -> ok
    end.

whereis_name({Registry, Key}) ->
    case whereis(Registry, Key) of
        {ok, Pid} -> Pid;
        {error, _} -> undefined
    end.

send({Registry, Key} = Name, Message) ->
    case whereis(Registry, Key) of
        {ok, Pid} -> _ = regrow:send(Pid, Message), Pid;
        {error, _} -> exit({badarg, {Name, Message}})
    end.

%% ---- the rest ----

%% Tries again when what is in the way is a process of the BEAM that has ended this moment, once nothing is left of it.
settling(Native, Try) ->
    case Try() of
        {error, {_, Pid}} = Taken when is_pid(Pid) ->
            case regrow:is_native(Pid) orelse is_process_alive(Pid) of
                true ->
                    Taken;
                false ->
                    regrow_steward:gone(Native, Pid),
                    settling(Native, Try)
            end;
        Outcome ->
            Outcome
    end.

plain({ok, ok}) -> ok;
plain({error, _} = Error) -> Error.
