%% The system (reference_system) that the Erlang binding is: each scenario has a runtime of its own. Workers, plain
%% processes, agents and tasks are processes of the BEAM; supervisors are native ones with their shadows; names,
%% registries, tables and groups are native.
-module(regrow_executor).
-behaviour(reference_system).
-export([operations/1, module/1, api/1, table_ref/1, named/1, refuses/1, begins/0, ends/0, stamp/0]).

-include("reference.hrl").

-define(END_MS, 10000).

%% ---- the binding ----

operations(main) ->
    [{reference_supervisors, ["start", "start_child", "terminate_child", "restart_child", "delete_child",
                              "which_children", "count_children", "get_childspec"]},
     {reference_processes, ["spawn", "stop", "call", "cast", "sleep"]},
     {executor_processes, ["exit", "send", "alive", "register", "unregister", "whereis"]},
     {executor_registries, ["reg_start", "reg_lookup", "reg_whereis", "reg_keys", "reg_count", "reg_dispatch",
                            "reg_call"]},
     {executor_tables, tables()},
     {executor_groups, ["members", "publish"]},
     {reference_agents, ["agent_start", "agent_get", "agent_add", "agent_cast_add", "agent_fetch_add", "agent_crash",
                         "agent_stop"]}];
operations(process) ->
    [{reference_processes, ["call", "trap"]},
     {executor_processes, ["link", "unlink", "monitor", "demonitor", "exit", "register", "unregister", "send",
                           "timer", "cancel", "read_timer"]},
     {executor_registries, ["reg_register", "reg_unregister", "reg_unregister_match", "reg_update"]},
     {executor_tables, ["ets_new" | tables()]},
     {executor_groups, ["join", "leave"]},
     {executor_tasks, ["task_await", "task_yield", "task_shutdown", "task_kill", "task_nolink"]}].

tables() ->
    ["ets_insert", "ets_insert_new", "ets_delete", "ets_delete_object", "ets_clear", "ets_drop", "ets_member",
     "ets_update", "ets_lookup", "ets_take", "ets_lookup_element", "ets_list", "ets_counter", "ets_first", "ets_last",
     "ets_next", "ets_prev", "ets_size", "ets_owner", "ets_give", "ets_setopts"].

module(worker) -> reference_worker;
module(dynamic) -> executor_dynamic;
module(_) -> executor_supervisor.

api(server) -> regrow_server;
api(supervisor) -> regrow_supervisor;
api(childspecs) -> regrow_supervisor;
api(dynamic_supervisor) -> regrow_dynamic_supervisor;
api(agent) -> regrow_agent.

table_ref(Table) -> regrow_table:ref(Table).

named(Name) -> executor_runtime:named(Name).

refuses(_) -> none.

%% ---- its runtime ----

begins() ->
    Workers = case os:getenv("REGROW_WORKERS") of false -> #{}; Number -> #{workers => list_to_integer(Number)} end,
    {ok, Runtime} = regrow:init(Workers#{log_level => silent}),
    executor_runtime:use(Runtime).

%% What cannot be stopped is a failure.
ends() ->
    ok = regrow:shutdown(executor_runtime:get(), ?END_MS).

stamp() -> executor_runtime:stamp().
