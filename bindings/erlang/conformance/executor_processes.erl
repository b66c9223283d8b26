%% Operations on processes: signals, messages, names, links, monitors, timers. The processes are of the BEAM, and so is
%% whoever carries an operation out; names and timers are native.
-module(executor_processes).
-export([perform/3]).

perform("exit", [Whom, Reason], _) ->
    true = regrow:exit(reference_operation:process(Whom), reference_words:reason(Reason)),
    "ok";
perform("alive", [Whom], _) ->
    atom_to_list(regrow:is_alive(reference_operation:process(Whom)));
perform("send", [Whom, X], _) ->
    case reference_operation:target(Whom) of
        undefined -> "error badarg";
        Pid -> atom_to_list(regrow:send(Pid, reference_words:term(X)))
    end;

%% ---- names ----

perform("register", [Name], _) ->
    registered(Name, self());
perform("register", [Name, Whom], _) ->
    registered(Name, reference_operation:process(Whom));
perform("unregister", [Name], _) ->
    true_or_badarg(regrow:unregister(executor_runtime:get(), list_to_atom(Name)));
perform("whereis", [Name], _) ->
    reference_words:text(executor_runtime:named(Name));

%% ---- links and monitors ----

%% For one that never was there is no pid, which is a bad argument.
perform("link", [Whom], _) ->
    try atom_to_list(regrow:link(reference_recorder:find(Whom)))
    catch error:Reason -> ["error ", atom_to_list(Reason)]
    end;
perform("unlink", [Whom], _) ->
    try atom_to_list(regrow:unlink(reference_recorder:find(Whom)))
    catch error:badarg -> "error badarg"
    end;
perform("monitor", ["@" ++ Name], #{"as" := Mark}) ->
    Runtime = executor_runtime:get(),
    monitors(Mark, regrow:root(Runtime), regrow:monitor(Runtime, list_to_atom(Name)));
perform("monitor", [Whom], #{"as" := Mark}) ->
    Pid = reference_operation:process(Whom),
    monitors(Mark, Pid, regrow:monitor(Pid));
perform("demonitor", [Mark | Options], _) ->
    case reference_memory:get(monitor, Mark) of
        none ->
            "error badarg";
        Ref ->
            Flags = [list_to_atom(Option) || Option <- Options],
            atom_to_list(regrow:demonitor(reference_memory:get(monitored, Ref), Ref, Flags))
    end;

%% ---- timers ----

perform("timer", [Mark, Ms, X], _) ->
    Message = {'reference timer', reference_words:term(X)},
    {ok, Timer} = regrow_timer:send_after(executor_runtime:get(), reference_words:number(Ms), self(), Message),
    reference_memory:put(native_timer, Mark, Timer),
    "ok";
perform("cancel", [Mark], _) ->
    left(Mark, fun regrow_timer:cancel/2);
perform("read_timer", [Mark], _) ->
    left(Mark, fun regrow_timer:read/2).

left(Mark, Ask) ->
    case reference_memory:get(native_timer, Mark) of
        none ->
            "false";
        Timer ->
            case Ask(executor_runtime:get(), Timer) of
                {ok, Ms} when is_integer(Ms) -> "left";
                {error, not_found} -> "false"
            end
    end.

%% Whom it is of is needed to take it away.
monitors(Mark, Pid, Ref) ->
    reference_memory:put(monitor, Mark, Ref),
    reference_memory:put(monitored, Ref, Pid),
    "ok".

registered(Name, Pid) ->
    true_or_badarg(regrow:register(executor_runtime:get(), list_to_atom(Name), Pid)).

true_or_badarg(ok) -> "true";
true_or_badarg({error, _}) -> "error badarg".
