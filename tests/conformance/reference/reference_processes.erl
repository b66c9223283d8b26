%% Operations on processes: starting and stopping, signals, messages, names, links, monitors, timers.
-module(reference_processes).
-export([perform/3]).

-define(CALL_MS, 1000).

perform("spawn", [Id], Options) ->
    Pid = reference_worker:start_plain(Id, maps:get("trap", Options, "false") =:= "true"),
    ["ok ", reference_recorder:label(Pid)];
perform("stop", [Whom, Reason], _) ->
    try
        Pid = reference_operation:process(Whom),
        (reference_system:api(server)):stop(Pid, reference_words:reason(Reason), infinity),
        "ok"
    catch
        exit:Failure -> reference_operation:failure(Failure)
    end;
perform("exit", [Whom, Reason], _) ->
    exit(reference_operation:process(Whom), reference_words:reason(Reason)),
    "ok";
perform("alive", [Whom], _) ->
    atom_to_list(is_process_alive(reference_operation:process(Whom)));
perform("sleep", [Ms], _) ->
    timer:sleep(reference_words:number(Ms)),
    "ok";

%% ---- messages ----

perform("call", [Whom, Request], Options) ->
    perform("call", [Whom, Request, integer_to_list(?CALL_MS)], Options);
perform("call", [Whom, Request, Ms], _) ->
    try
        Reply = reference_worker:request(reference_operation:target(Whom), Request, reference_words:number(Ms)),
        ["reply ", reference_words:text(Reply)]
    catch
        exit:Failure -> reference_operation:failure(Failure)
    end;
perform("cast", [Whom, Request], _) ->
    (reference_system:api(server)):cast(reference_operation:target(Whom), {request, Request}),
    "ok";
perform("send", [Whom, X], _) ->
    badarg_or(fun() -> reference_operation:target(Whom) ! reference_words:term(X), "ok" end);

%% ---- names ----

perform("register", [Name], _) ->
    badarg_or(fun() -> atom_to_list(register(list_to_atom(Name), self())) end);
perform("register", [Name, Whom], _) ->
    Pid = reference_operation:process(Whom),
    badarg_or(fun() -> atom_to_list(register(list_to_atom(Name), Pid)) end);
perform("unregister", [Name], _) ->
    badarg_or(fun() -> atom_to_list(unregister(list_to_atom(Name))) end);
perform("whereis", [Name], _) ->
    reference_words:text(whereis(list_to_atom(Name)));

%% ---- links, monitors, traps ----

%% For one that never was there is no pid, which is a bad argument.
perform("link", [Whom], _) ->
    try atom_to_list(link(reference_recorder:find(Whom)))
    catch error:Reason -> ["error ", atom_to_list(Reason)]
    end;
perform("unlink", [Whom], _) ->
    badarg_or(fun() -> atom_to_list(unlink(reference_recorder:find(Whom))) end);
perform("monitor", [Whom], #{"as" := Mark}) ->
    reference_memory:put(monitor, Mark, monitor(process, reference_operation:target(Whom))),
    "ok";
perform("demonitor", [Mark | Options], _) ->
    Flags = [list_to_atom(Option) || Option <- Options],
    badarg_or(fun() -> atom_to_list(demonitor(reference_memory:get(monitor, Mark), Flags)) end);
perform("trap", [Flag], _) ->
    atom_to_list(process_flag(trap_exit, list_to_atom(Flag)));

%% ---- timers ----

perform("timer", [Mark, Ms, X], _) ->
    Timer = erlang:send_after(reference_words:number(Ms), self(), {'reference timer', reference_words:term(X)}),
    reference_memory:put(timer, Mark, {Timer, reference_words:number(Ms)}),
    "ok";
perform("cancel", [Mark], _) ->
    left(reference_memory:get(timer, Mark), fun erlang:cancel_timer/1);
perform("read_timer", [Mark], _) ->
    left(reference_memory:get(timer, Mark), fun erlang:read_timer/1).

left(none, _) ->
    "false";
left({Timer, _}, Ask) ->
    case Ask(Timer) of
        false -> "false";
        Ms when is_integer(Ms) -> "left"
    end.

badarg_or(Operation) ->
    try Operation()
    catch error:badarg -> "error badarg"
    end.
