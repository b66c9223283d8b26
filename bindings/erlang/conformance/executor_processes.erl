%% Operations on processes: signals, messages, names, links, monitors. The processes are of the BEAM, and so is whoever
%% carries an operation out; the names are native.
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
perform("monitor", [Whom], #{"as" := Mark}) ->
    Pid = reference_operation:process(Whom),
    Ref = regrow:monitor(Pid),
    reference_memory:put(monitor, Mark, Ref),
    reference_memory:put(monitored, Ref, Pid),
    "ok";
perform("demonitor", [Mark | _Flush], _) ->
    case reference_memory:get(monitor, Mark) of
        none -> "error badarg";
        Ref -> atom_to_list(regrow:demonitor(reference_memory:get(monitored, Ref), Ref))
    end.

registered(Name, Pid) ->
    true_or_badarg(regrow:register(executor_runtime:get(), list_to_atom(Name), Pid)).

true_or_badarg(ok) -> "true";
true_or_badarg({error, _}) -> "error badarg".
