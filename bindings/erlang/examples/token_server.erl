%% One server for each app keeps a token for it, gets another before it expires, and comes back when it crashes; for
%% tokens.erl.
%%
%%     Supervisor              supervisor, rest_for_one
%%     |- Registry             which app has which app server
%%     |- table_owner          owns the table of tokens, and does nothing that could end it
%%     |- task_supervisor      tokens are written to the storage in its children, each a process that does only that
%%     `- dynamic_supervisor   20 restarts in 60 s
%%        |- "my-app"          app servers, started when somebody asks for the app
%%        `- ...
%%
%% Without the registry everybody would be lost, so all begin anew. Without the table every app server would have to, so
%% they do; what they had is in the storage. An app server that ends ends alone. Every name begins as the user says:
%% several of these trees live in one program.
-module(token_server).
-behaviour(gen_server).

-export([start_link/1, resolve/2, whereis/2, get/2, refresh/2, rows/1, member/2]).
-export([start_owner/1, start_server/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

%% prefix (a binary); max_restarts of app servers; how long a token is good (ttl), and how long before its end it is
%% replaced (early); and the functions command (app to token), load (app to row or none), save (row) and started (of
%% nothing), of which all but the last may wait. A row is {App, Token, Expires}.
-type tokens() :: map().

%% ---- the tree ----

-spec start_link(tokens()) -> {ok, pid()}.
start_link(Tokens) ->
    regrow_supervisor:start_link(drill:runtime(), ?MODULE, {tree, Tokens}).

%% The name of one of its processes: of those of the BEAM an atom.
member(Tokens, Member) ->
    case regrow:whereis(drill:runtime(), name(Tokens, Member)) of
        {ok, Pid} -> Pid;
        {error, not_found} -> undefined
    end.

name(#{prefix := Prefix}, Member) -> <<Prefix/binary, ".", (atom_to_binary(Member))/binary>>.

%% A child of a static supervisor, which has its name in the runtime.
named({ok, Pid}, Tokens, Member) ->
    ok = regrow:register(drill:runtime(), name(Tokens, Member), Pid),
    {ok, Pid}.

start_owner({table_owner, Tokens}) ->
    named(gen_server:start_link(?MODULE, {table_owner, Tokens}, []), Tokens, table_owner);
start_owner({Member, Tokens, Options}) ->
    named(regrow_dynamic_supervisor:start_link(drill:runtime(), Options), Tokens, Member).

child(Id, Type, Argument) -> #{id => Id, type => Type, start => {?MODULE, start_owner, [Argument]}}.

%% ---- from an app to its server ----

%% The app server of an app; one is started if there is none. Of all who find nobody one starts it, and the others look
%% again: whom they were told of may have ended meanwhile.
resolve(Tokens, App) ->
    case ?MODULE:whereis(Tokens, App) of
        undefined ->
            Spec = #{id => App, start => {?MODULE, start_server, [Tokens, App]}},
            case start_child(member(Tokens, dynamic_supervisor), Spec) of
                {ok, Pid} -> Pid;
                _ -> timer:sleep(1), resolve(Tokens, App)
            end;
        Pid ->
            Pid
    end.

%% While it is started again there is none.
start_child(undefined, _) -> {error, noproc};
start_child(Supervisor, Spec) -> regrow_dynamic_supervisor:start_child(Supervisor, Spec).

%% An entry is gone before anybody can see that its process is, so what is found was alive when it was found.
whereis(Tokens, App) ->
    case member(Tokens, registry) of
        undefined -> undefined;
        Registry -> regrow_registry:whereis_name({Registry, App})
    end.

%% The token of an app. Nearly always the table has it, and no process is asked.
get(Tokens, App) ->
    case read(Tokens, App) of
        {App, Token, _} -> Token;
        none -> gen_server:call(resolve(Tokens, App), get, infinity)
    end.

%% A new one in any case, after which nobody is given the old one.
refresh(Tokens, App) -> gen_server:call(resolve(Tokens, App), refresh, infinity).

%% The table.
rows(Tokens) ->
    {ok, Rows} = regrow_table:whereis(drill:runtime(), name(Tokens, tokens)),
    Rows.

%% The row of an app, if there is one that has not expired.
read(Tokens, App) ->
    case regrow_table:lookup(rows(Tokens), App) of
        {ok, [Row]} -> good(Row);
        {ok, []} -> none
    end.

good(none) -> none;
good({_, _, Expires} = Row) ->
    case Expires > drill:now() of
        true -> Row;
        false -> none
    end.

%% ---- an app server: gets tokens for one app, one at a time ----

%% One that comes second, be it started again after a crash, gives way to who has the app by then.
start_server(Tokens, App) ->
    Name = {via, regrow_registry, {member(Tokens, registry), App}},
    case gen_server:start_link(Name, ?MODULE, {app, Tokens, App}, []) of
        {error, {already_started, _}} -> ignore;
        Outcome -> Outcome
    end.

init({tree, #{max_restarts := Restarts} = Tokens}) ->
    {ok, {#{strategy => rest_for_one, intensity => 3},
          [#{id => registry, kind => registry, keys => unique, name => name(Tokens, registry)},
           child(table_owner, worker, {table_owner, Tokens}),
           child(task_supervisor, supervisor, {task_supervisor, Tokens, #{}}),
           child(dynamic_supervisor, supervisor,
                 {dynamic_supervisor, Tokens, #{max_restarts => Restarts, max_seconds => 60}})]}};
init({table_owner, Tokens}) ->
    regrow_table:new(drill:runtime(), [public, {name, name(Tokens, tokens)}]);
%% One that is started again finds the token of the one before in the table.
init({app, #{started := Started} = Tokens, App}) ->
    Started(),
    State = {Tokens, App, none},
    case read(Tokens, App) of
        none -> {ok, State};
        Row -> {ok, start_timer(Row, State)}
    end.

%% Whoever asks while it is at a command waits, and then finds what it got.
handle_call(get, _, {#{load := Load} = Tokens, App, _} = State) ->
    case read(Tokens, App) of
        {App, Token, _} ->
            {reply, Token, State};
        none ->
            case good(Load(App)) of
                none -> acquire(State);
                {App, Token, _} = Row -> {reply, Token, write(Row, State)}
            end
    end;
%% The old token is out of the table before the new one is asked for: who looks meanwhile asks this server.
handle_call(refresh, _, {Tokens, App, _} = State) ->
    ok = regrow_table:delete(rows(Tokens), App),
    acquire(State).

handle_cast(_, State) -> {noreply, State}.

%% The token is still good, and stays in the table until there is another.
handle_info({soft_expiry, Timer}, {_, _, Timer} = State) ->
    {reply, _, New} = acquire(State),
    {noreply, New};
handle_info({soft_expiry, _}, State) ->
    {noreply, State}.

%% A new token, into the table and to the storage. The latter in a process of its own: a slow storage keeps nobody
%% waiting, and one that fails ends only that.
acquire({#{command := Command, ttl := Ttl, save := Save} = Tokens, App, _} = State) ->
    Token = Command(App),
    Row = {App, Token, drill:now() + Ttl},
    New = write(Row, State),
    Start = {proc_lib, start_link, [erlang, apply, [fun save/2, [Save, Row]]]},
    Task = #{id => save, start => Start, restart => temporary},
    {ok, _} = regrow_dynamic_supervisor:start_child(member(Tokens, task_supervisor), Task),
    {reply, Token, New}.

save(Save, Row) ->
    proc_lib:init_ack({ok, self()}),
    Save(Row).

write(Row, {Tokens, _, _} = State) ->
    ok = regrow_table:insert(rows(Tokens), Row),
    start_timer(Row, State).

%% Of the timers of before nobody takes notice any more.
start_timer({_, _, Expires}, {#{early := Early} = Tokens, App, _}) ->
    Timer = make_ref(),
    drill:send_after(self(), {soft_expiry, Timer}, max(Expires - drill:now() - Early, 0)),
    {Tokens, App, Timer}.
