%% The operations by name: who may issue each, and which module carries it out.
%%
%% A module's perform/3 gets the name, the words behind it and the line's options, acts for the process that calls it,
%% and returns the result as text.
-module(reference_operation).
-export([is_known/1, by_main/1, by_process/1, target/1, process/1, attempt/1, failure/1]).

-include("reference.hrl").

%% ---- names ----

module(main, Name) -> maps:get(Name, main(), none);
module(process, Name) -> maps:get(Name, process(), none).

main() ->
    table([{reference_supervisors, ["start", "start_child", "terminate_child", "restart_child", "delete_child",
                                    "which_children", "count_children", "get_childspec"]},
           {reference_processes, ["spawn", "stop", "exit", "call", "cast", "send", "alive", "register", "unregister",
                                  "whereis", "sleep"]},
           {reference_registries, ["reg_start", "reg_lookup", "reg_whereis", "reg_keys", "reg_count", "reg_dispatch",
                                   "reg_call"]},
           {reference_tables, tables()},
           {reference_groups, ["members", "publish"]},
           {reference_agents, ["agent_start", "agent_get", "agent_add", "agent_cast_add", "agent_fetch_add",
                               "agent_crash", "agent_stop"]}]).

process() ->
    table([{reference_processes, ["link", "unlink", "monitor", "demonitor", "exit", "trap", "register", "unregister",
                                  "send", "call", "timer", "cancel", "read_timer"]},
           {reference_registries, ["reg_register", "reg_unregister", "reg_unregister_match", "reg_update"]},
           {reference_tables, ["ets_new" | tables()]},
           {reference_groups, ["join", "leave"]},
           {reference_tasks, ["task_await", "task_yield", "task_shutdown", "task_kill", "task_nolink"]}]).

tables() ->
    ["ets_insert", "ets_insert_new", "ets_delete", "ets_delete_object", "ets_clear", "ets_drop", "ets_member",
     "ets_update", "ets_lookup", "ets_take", "ets_lookup_element", "ets_list", "ets_counter", "ets_first", "ets_last",
     "ets_next", "ets_prev", "ets_size", "ets_owner", "ets_give", "ets_setopts"].

table(Modules) ->
    maps:from_list([{Name, Module} || {Module, Names} <- Modules, Name <- Names]).

is_known(#line{words = ["do", _, Name | _]}) -> module(process, Name) =/= none;
is_known(#line{words = [Name | _]}) -> module(main, Name) =/= none.

%% ---- carrying out ----

%% Returns a function that gives the result once the step is over: what a dead process answered does not count.
by_main(#line{words = ["do", Whom | Words]} = Line) ->
    case reference_recorder:find(Whom) of
        none -> fun() -> "error noproc" end;
        Pid -> by(Pid, reference_recorder:is_dead(Pid), Line#line{words = Words})
    end;
by_main(#line{} = Line) ->
    Result = perform(main, Line),
    fun() -> Result end.

by(_, true, _) ->
    fun() -> "error noproc" end;
by(Pid, false, Operation) ->
    Result = try reference_worker:do(Pid, Operation) catch exit:_ -> "no result, and alive" end,
    fun() ->
        case reference_recorder:is_dead(Pid) of
            true -> "died " ++ reference_words:reason_text(reference_recorder:reason(Pid));
            false -> Result
        end
    end.

by_process(Operation) ->
    perform(process, Operation).

perform(Who, #line{words = [Name | Arguments], options = Options}) ->
    Module = module(Who, Name),
    try
        lists:flatten(Module:perform(Name, Arguments, Options))
    catch
        throw:{result, Result} -> Result
    end.

%% ---- whom it is about ----

%% A process, or a name.
target("@" ++ Name) -> list_to_atom(Name);
target(Word) -> process(Word).

%% Ends the operation when there never was one.
process(Word) ->
    case reference_recorder:find(Word) of
        none -> throw({result, "error noproc"});
        Pid -> Pid
    end.

attempt(Word) ->
    reference_recorder:attempt(process(Word)).

%% ---- how it failed ----

%% What a call exited with: the reason, and the call.
failure({Reason, {_, _, _}}) -> "error " ++ reference_words:reason_text(Reason);
failure(Reason) -> "error " ++ reference_words:reason_text(Reason).
