%% Whom to talk to by name or key, so that a restart is none of the caller's business. An address is a map:
%%   #{runtime := Runtime, name := Name}    a name, any term (regrow:register/3, or `name` of a spec)
%%   #{registry := Registry, key := Key}    a key in a registry, or of a partition supervisor that is native
%% and in both wait_ms (0): how long to wait for somebody to be there, on the runtime's clock. Who waits for the same is
%% served in the order in which they came. {error, not_found}: nobody is there.
%%
%% Both kinds of process are found. Raises badarg for any other map.
%%
%% It is a `via` module too: {via, regrow_address, Address} is a name for gen_server and its like, and for regrow_server,
%% which calls native ones by it as well.
-module(regrow_address).

-export([whereis/1, call/2, call/3, cast/2, send/2, send_after/3, stop/1, stop/3]).
-export([whereis_name/1, register_name/2, unregister_name/1]).
-export_type([address/0]).

-type address() ::
    #{runtime := regrow:runtime(), name := term(), wait_ms => non_neg_integer()}
    | #{registry := pid(), key := term(), wait_ms => non_neg_integer()}.

%% Who is there now, or comes in time.
-spec whereis(address()) -> {ok, pid()} | {error, not_found | term()}.
whereis(Address) -> ask(address_whereis, Address, {}).

call(Address, Request) -> call(Address, Request, 5000).

%% As regrow:call/3, whose time begins when somebody is there. A process that ends before it takes the call up is looked
%% for again while the address waits.
-spec call(address(), term(), timeout()) -> {ok, term()} | {error, term()}.
call(Address, Request, Timeout) -> ask(address_call, Address, {Request, regrow:ms(Timeout)}).

%% As regrow:cast/2; ok means that somebody was there. What the caller sends to the same process next comes after it.
-spec cast(address(), term()) -> ok | {error, not_found | term()}.
cast(Address, Message) -> posted(ask(address_cast, Address, {Message}), fun(Pid) -> gen_server:cast(Pid, Message) end).

-spec send(address(), term()) -> ok | {error, not_found | term()}.
send(Address, Message) -> posted(ask(address_send, Address, {Message}), fun(Pid) -> Pid ! Message end).

%% Sends a message after a while to who is there then; it waits for nobody. For regrow_timer:cancel/2.
-spec send_after(address(), non_neg_integer(), term()) -> {ok, reference()} | {error, term()}.
send_after(Address, Ms, Message) ->
    {Pid, Where} = where(Address),
    regrow_nif:now(address_send_after, Pid, {Where, time(Ms), Message}).

stop(Address) -> stop(Address, normal, infinity).

-spec stop(address(), term(), timeout()) -> ok | {error, term()}.
stop(Address, Reason, Timeout) -> plain(ask(address_stop, Address, {Reason, regrow:ms(Timeout)})).

%% ---- as a `via` module ----

-spec whereis_name(address()) -> pid() | undefined.
whereis_name(Address) ->
    case ?MODULE:whereis(Address) of
        {ok, Pid} -> Pid;
        {error, _} -> undefined
    end.

-spec register_name(address(), pid()) -> yes | no.
register_name(Address, Pid) ->
    _ = where(Address),
    Outcome =
        case Address of
            #{runtime := Runtime, name := Name} -> regrow:register(Runtime, Name, Pid);
            #{registry := Registry, key := Key} -> regrow_registry:register(Registry, Key, Pid, [])
        end,
    case Outcome of
        ok -> yes;
        {error, _} -> no
    end.

-spec unregister_name(address()) -> term().
unregister_name(#{runtime := Runtime, name := Name}) -> regrow:unregister(Runtime, Name);
unregister_name(#{registry := Registry, key := Key}) -> regrow_registry:unregister(Registry, Key).

%% ---- the rest ----

ask(Operation, Address, Rest) ->
    {Pid, Where} = where(Address),
    regrow_nif:await(Operation, Pid, erlang:insert_element(1, Rest, Where)).

where(#{runtime := Runtime, name := Name} = Address) -> {Runtime, {name, Name, wait(Address, 2)}};
where(#{registry := Registry, key := Key} = Address) when is_pid(Registry) -> {Registry, {key, Key, wait(Address, 2)}};
where(_) -> erlang:error(badarg).

wait(#{wait_ms := Ms} = Address, Others) when map_size(Address) =:= Others + 1 -> time(Ms);
wait(Address, Others) when map_size(Address) =:= Others -> 0;
wait(_, _) -> erlang:error(badarg).

time(infinity) -> erlang:error(badarg);
time(Ms) -> regrow:ms(Ms).

%% Told to a native process, or to be sent to one of the BEAM.
posted({ok, Pid}, Send) when is_pid(Pid) -> _ = Send(Pid), ok;
posted(Outcome, _) -> plain(Outcome).

plain({ok, ok}) -> ok;
plain({error, _} = Error) -> Error.
