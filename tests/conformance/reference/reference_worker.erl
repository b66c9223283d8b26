%% Workers and plain processes: servers with a state, at first 0 (FORMAT.md, "What a worker does").
-module(reference_worker).
-behaviour(gen_server).
-export([start_link/2, start_plain/2, request/3, do/2]).
-export([init/1, handle_continue/2, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-include("reference.hrl").

-define(SLOW_TERMINATE_MS, 300).

%% Id is what its label is made of; it behaves as Declared does.
start_link(Declared, Id) ->
    (reference_system:api(server)):start_link(?MODULE, {Declared, Id, self()}, []).

%% A server's parent is who started it, or, unlinked, the server itself: then its exits to itself would stop it. So it
%% gets a parent that nobody knows and that is no longer linked to it.
start_plain(Id, TrapsExits) ->
    Main = self(),
    Tag = make_ref(),
    spawn(fun() ->
        {ok, Pid} = (reference_system:api(server)):start_link(?MODULE, {plain, Id, TrapsExits}, []),
        unlink(Pid),
        Main ! {Tag, Pid}
    end),
    receive {Tag, Pid} -> Pid end.

request(Target, Request, Ms) ->
    (reference_system:api(server)):call(Target, {request, Request}, Ms).

%% Has it carry out an operation.
do(Target, Operation) ->
    gen_server:call(Target, {do, Operation}, infinity).

%% ---- init ----

init({plain, Id, TrapsExits}) ->
    "ok" = reference_recorder:begins(Id, worker, none, ["ok"]),
    process_flag(trap_exit, TrapsExits),
    up(none);
init({Declared, Id, Starter}) ->
    #line{options = Options} = Declaration = reference_scenario:declaration(Declared),
    process_flag(trap_exit, maps:get("trap", Options, "false") =:= "true"),
    case reference_recorder:begins(Id, worker, Starter, reference_specs:behaviours(Declaration)) of
        "ok" -> up(Declaration);
        "cont" -> erlang:append_element(up(Declaration), {continue, go});
        "ignore" -> ignore;
        "fail:" ++ Reason -> {stop, reference_words:reason(Reason)};
        "kill:" ++ Victim -> kill_and_wait(reference_recorder:newest(Victim)), up(Declaration)
    end.

%% The state: {Declaration, the server's own}.
up(Declaration) ->
    reference_recorder:came_up(),
    {ok, {Declaration, 0}}.

kill_and_wait(none) ->
    ok;
kill_and_wait(Victim) ->
    Monitor = monitor(process, Victim),
    exit(Victim, kill),
    receive {'DOWN', Monitor, process, _, _} -> ok end.

handle_continue(go, State) ->
    reference_recorder:message("continue"),
    {noreply, State}.

%% ---- requests ----

handle_call({do, Operation}, _, State) ->
    reference_noise:here(),
    {reply, reference_operation:by_process(Operation), State};
handle_call({request, Request}, From, {Declaration, Own} = State) ->
    reference_noise:here(),
    case Request of
        "ping" -> {reply, pong, State};
        "get" -> {reply, Own, State};
        "set:" ++ Word -> {reply, Own, {Declaration, reference_words:term(Word)}};
        "add:" ++ Word -> Sum = Own + reference_words:term(Word), {reply, Sum, {Declaration, Sum}};
        "late" -> self() ! {'reference late', From}, {noreply, State};
        "stopr:" ++ Reason -> {stop, reference_words:reason(Reason), bye, State};
        _ -> ends_or_goes_on(Request, State)
    end.

handle_cast({request, Request}, {Declaration, Own} = State) ->
    reference_noise:here(),
    case Request of
        "set:" ++ Word -> {noreply, {Declaration, reference_words:term(Word)}};
        "add:" ++ Word -> {noreply, {Declaration, Own + reference_words:term(Word)}};
        _ -> ends_or_goes_on(Request, State)
    end.

ends_or_goes_on("stop:" ++ Reason, State) -> {stop, reference_words:reason(Reason), State};
ends_or_goes_on("exit:" ++ Reason, _) -> exit(reference_words:reason(Reason));
ends_or_goes_on("bad", _) -> nothing_a_server_understands;
ends_or_goes_on(_, State) -> {noreply, State}.

%% ---- other messages ----

handle_info({'reference late', From}, State) ->
    gen_server:reply(From, late),
    {noreply, State};
handle_info(Message, State) ->
    reference_noise:here(),
    reference_recorder:message(described(Message)),
    {noreply, State}.

described({'EXIT', From, Reason}) ->
    lists:append(["EXIT ", reference_recorder:label(From), " ", reference_words:reason_text(Reason)]);
described({'DOWN', Monitor, process, Whom, Reason}) ->
    Name = case reference_memory:name(Monitor) of none -> "task"; Mark -> Mark end,
    lists:append(["DOWN ", Name, " ", monitored(Whom), " ", reference_words:reason_text(Reason)]);
described({'ETS-TRANSFER', Table, From, Data}) ->
    Name = reference_memory:name(Table),
    lists:append(["TRANSFER ", Name, " ", reference_recorder:label(From), " ", atom_to_list(Data)]);
described({'reference timer', X}) ->
    "timer " ++ reference_words:text(X);
described(X) ->
    "got " ++ reference_words:text(X).

monitored({Name, _Node}) -> "@" ++ atom_to_list(Name);
monitored(Name) when is_atom(Name) -> "@" ++ atom_to_list(Name); % of bindings
monitored(Pid) -> reference_recorder:label(Pid).

%% ---- terminate ----

terminate(Reason, {Declaration, _}) ->
    reference_noise:here(),
    reference_recorder:terminates(Reason),
    case Declaration of
        #line{options = #{"term" := "slow"}} -> timer:sleep(?SLOW_TERMINATE_MS);
        _ -> ok
    end.
