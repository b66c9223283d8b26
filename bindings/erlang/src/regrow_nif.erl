%% The NIF: the only way from the BEAM to libregrow. For the other modules of this library; nothing here checks more
%% than it must so that no argument does harm.
%%
%% A function whose last argument is a Ref answers at once, and its outcome comes as {Ref, {ok, Value}} or
%% {Ref, {error, Reason}}, exactly once.
-module(regrow_nif).

-export([init/3, shutdown/3, root/1, steward/1, is_native/1, call/4, call_many/4, send/2, cast/2, is_alive/1, ended/3, answer/3,
         credit/3, look/2, at_rest/2, done/2, now/3, later/4, registry_lookup/2, registry_whereis/2, number/1,
         load_plugin/1]).
-export([await/3, demand/3]).

-on_load(load/0).

-define(STUB, erlang:nif_error(not_loaded)).

load() ->
    erlang:load_nif(filename:join(directory(), "regrow_nif"), 0).

%% priv, in a release, under rebar3 and with a plain -pa ebin. By the name of the application alone a folder like
%% `regrow-src` that holds something else could be found.
directory() ->
    Beside = filename:join([filename:dirname(filename:dirname(filename:absname(code:which(?MODULE)))), "priv"]),
    case filelib:is_regular(filename:join(Beside, "regrow_nif.so")) of
        true -> Beside;
        false -> code:priv_dir(regrow)
    end.

init(_Options, _Owner, _Steward) -> ?STUB.
shutdown(_Runtime, _TimeoutMs, _Ref) -> ?STUB.
root(_Runtime) -> ?STUB.
steward(_Pid) -> ?STUB.
is_native(_Term) -> ?STUB.
call_once(_Pid, _Request, _TimeoutMs, _Ref) -> ?STUB.
call_many_once(_Pid, _Request, _TimeoutMs, _Ref) -> ?STUB.
send_once(_Pid, _Message) -> ?STUB.
cast_once(_Pid, _Message) -> ?STUB.
is_alive(_Pid) -> ?STUB.
ended(_Root, _Pid, _Reason) -> ?STUB.
answer(_Server, _Call, _Reply) -> ?STUB.
look(_Root, _Pid) -> ?STUB.
at_rest(_Root, _Pid) -> ?STUB.
done(_Root, _Token) -> ?STUB.
credit(_Root, _Pid, _Unread) -> ?STUB.
now_once(_Operation, _Pid, _Items) -> ?STUB.
later_once(_Operation, _Pid, _Items, _Ref) -> ?STUB.
registry_lookup_once(_Registry, _Key) -> ?STUB.
registry_whereis_once(_Registry, _Key) -> ?STUB.
number(_Pid) -> ?STUB.
load_plugin(_Path) -> ?STUB.

%% A call whose server answers there and then has its outcome at once; no message comes.
%%
%% What takes terms makes proxies of the pids in them; then it does nothing but say so, and is asked again once the
%% steward watches these processes: else the reason of one that ends at once could be lost.
call(Pid, Request, TimeoutMs, Ref) ->
    case call_once(Pid, Request, TimeoutMs, Ref) of
        {again, Steward, Count} -> sync(Steward, Count), call(Pid, Request, TimeoutMs, Ref);
        Outcome -> Outcome
    end.

call_many(Pid, Request, TimeoutMs, Ref) ->
    case call_many_once(Pid, Request, TimeoutMs, Ref) of
        {again, Steward, Count} -> sync(Steward, Count), call_many(Pid, Request, TimeoutMs, Ref);
        Outcome -> Outcome
    end.

send(Pid, Message) ->
    case send_once(Pid, Message) of
        {again, Steward, Count} -> sync(Steward, Count), send(Pid, Message);
        Outcome -> Outcome
    end.

cast(Pid, Message) ->
    case cast_once(Pid, Message) of
        {again, Steward, Count} -> sync(Steward, Count), cast(Pid, Message);
        Outcome -> Outcome
    end.

now(Operation, Pid, Items) ->
    case now_once(Operation, Pid, Items) of
        {again, Steward, Count} -> sync(Steward, Count), now(Operation, Pid, Items);
        Outcome -> Outcome
    end.

later(Operation, Pid, Items, Ref) ->
    case later_once(Operation, Pid, Items, Ref) of
        {again, Steward, Count} -> sync(Steward, Count), later(Operation, Pid, Items, Ref);
        Outcome -> Outcome
    end.

%% These two take a registry's number too: see number/1.
registry_lookup(Registry, Key) ->
    case registry_lookup_once(Registry, Key) of
        {again, Steward, Count} -> sync(Steward, Count), registry_lookup(Registry, Key);
        Outcome -> Outcome
    end.

registry_whereis(Registry, Key) ->
    case registry_whereis_once(Registry, Key) of
        {again, Steward, Count} -> sync(Steward, Count), registry_whereis(Registry, Key);
        Outcome -> Outcome
    end.

%% Returns once a steward watches as many processes as there were proxies by then.
sync(Steward, Count) ->
    Monitor = erlang:monitor(process, Steward),
    Steward ! {sync, Count, self(), Monitor},
    receive
        {Monitor, synced} -> erlang:demonitor(Monitor, [flush]), ok;
        {'DOWN', Monitor, process, Steward, _} -> ok
    end.

%% Carries an operation out and waits for its outcome.
-spec await(atom(), term(), tuple()) -> {ok, term()} | {error, term()}.
await(Operation, Pid, Items) ->
    Ref = make_ref(),
    case later(Operation, Pid, Items, Ref) of
        ok ->
            receive
                {Ref, {error, badarg}} -> erlang:error(badarg);
                {Ref, Outcome} -> Outcome
            end;
        {error, _} = Error ->
            Error
    end.

%% One that is over at once; of a table as its owner, where only that is let in.
-spec demand(atom(), term(), tuple()) -> {ok, term()} | {error, term()}.
demand(Operation, Pid, Items) ->
    case now(Operation, Pid, Items) of
        {error, access} -> await(Operation, Pid, Items);
        {error, owner_gone} -> settle_owner(Pid, element(1, Items)), demand(Operation, Pid, Items);
        Outcome -> Outcome
    end.

%% The owner of a table has ended this moment: returns once the table is gone, or its heir's.
settle_owner(Pid, Table) ->
    case now(table_owner, Pid, {Table}) of
        {ok, Owner} -> regrow_steward:gone(Pid, Owner);
        {error, _} -> ok
    end.
