%% Servers of both kinds, as gen_server has them. A server whose code is Erlang is an ordinary process of the BEAM with
%% gen_server's callbacks; one that is native is called the same way.
%%
%% A server is a pid of either kind, a name as gen_server takes it, or {Registry, Key}: whoever has that key there.
-module(regrow_server).

-export([start/3, start_link/3, call/2, call/3, cast/2, reply/2, stop/1, stop/3, whereis/1]).
-export_type([server/0]).

-type server() :: pid() | atom() | {Registry :: pid(), Key :: term()} | {via, module(), term()} | {global, term()}.

%% Starts a module with gen_server's callbacks. Options are gen_server's, and {name, Name}: {local, Atom},
%% {via, Module, Name}, {global, Name} or {Registry, Key}.
-spec start(module(), term(), [term()]) -> gen_server:start_ret().
start(Module, Args, Options) ->
    started(fun gen_server:start/3, fun gen_server:start/4, Module, Args, Options).

-spec start_link(module(), term(), [term()]) -> gen_server:start_ret().
start_link(Module, Args, Options) ->
    started(fun gen_server:start_link/3, fun gen_server:start_link/4, Module, Args, Options).

started(Unnamed, Named, Module, Args, Options) when is_atom(Module), is_list(Options) ->
    case lists:keytake(name, 1, Options) of
        false -> Unnamed(Module, Args, Options);
        {value, {name, {Registry, Key}}, Rest} when is_pid(Registry) ->
            Named({via, regrow_registry, {Registry, Key}}, Module, Args, Rest);
        {value, {name, Name}, Rest} when is_tuple(Name) -> Named(Name, Module, Args, Rest);
        _ -> erlang:error(badarg)
    end;
started(_, _, _, _, _) ->
    erlang:error(badarg).

-spec call(server(), term()) -> term().
call(Server, Request) ->
    call(Server, Request, 5000).

%% Exits with {Reason, {regrow_server, call, [Server, Request, Timeout]}} where gen_server:call/3 exits.
-spec call(server(), term(), timeout()) -> term().
call(Server, Request, Timeout) ->
    case ?MODULE:whereis(Server) of
        undefined ->
            failed(noproc, call, [Server, Request, Timeout]);
        Pid when is_pid(Pid) ->
            case regrow:call(Pid, Request, Timeout) of
                {ok, Reply} -> Reply;
                {error, Reason} -> failed(Reason, call, [Server, Request, Timeout])
            end;
        Elsewhere ->
            gen_server:call(Elsewhere, Request, Timeout)
    end.

%% Always ok, as gen_server:cast/2.
-spec cast(server(), term()) -> ok.
cast(Server, Message) ->
    case ?MODULE:whereis(Server) of
        undefined -> ok;
        Pid when is_pid(Pid) -> _ = regrow:cast(Pid, Message), ok;
        Elsewhere -> gen_server:cast(Elsewhere, Message)
    end.

-spec reply(gen_server:from(), term()) -> ok.
reply(From, Reply) ->
    gen_server:reply(From, Reply).

-spec stop(server()) -> ok.
stop(Server) ->
    stop(Server, normal, infinity).

%% Exits with noproc, timeout, or the reason with which it ended where that is another, as gen_server:stop/3.
-spec stop(server(), term(), timeout()) -> ok.
stop(Server, Reason, Timeout) ->
    case ?MODULE:whereis(Server) of
        undefined ->
            exit(noproc);
        Pid when is_pid(Pid) ->
            case regrow:stop(Pid, Reason, Timeout) of
                ok -> ok;
                {error, Why} -> exit(Why)
            end;
        Elsewhere ->
            gen_server:stop(Elsewhere, Reason, Timeout)
    end.

%% The pid of a server; undefined: there is none now; {Name, Node} stays that.
-spec whereis(server()) -> pid() | undefined | {atom(), node()}.
whereis(Pid) when is_pid(Pid) -> Pid;
whereis(Name) when is_atom(Name) -> erlang:whereis(Name);
whereis({Registry, Key}) when is_pid(Registry) -> regrow_registry:whereis_name({Registry, Key});
whereis({via, Module, Name}) -> Module:whereis_name(Name);
whereis({global, Name}) -> global:whereis_name(Name);
whereis({Name, Node} = Elsewhere) when is_atom(Name), is_atom(Node) -> Elsewhere;
whereis(_) -> erlang:error(badarg).

failed(Reason, Function, Arguments) ->
    exit({Reason, {?MODULE, Function, Arguments}}).
