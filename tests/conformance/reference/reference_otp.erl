%% OTP and Elixir as they are installed: what the traces are recorded from.
-module(reference_otp).
-behaviour(reference_system).
-export([operations/1, module/1, api/1, table_ref/1, named/1, refuses/1, begins/0, ends/0, stamp/0]).

-include("reference.hrl").

operations(main) ->
    [{reference_supervisors, ["start", "start_child", "terminate_child", "restart_child", "delete_child",
                              "which_children", "count_children", "get_childspec"]},
     {reference_processes, ["spawn", "stop", "exit", "call", "cast", "send", "alive", "register", "unregister",
                            "whereis", "sleep"]},
     {reference_registries, ["reg_start", "reg_lookup", "reg_whereis", "reg_keys", "reg_count", "reg_dispatch",
                             "reg_call"]},
     {reference_tables, tables()},
     {reference_groups, ["members", "publish"]},
     {reference_agents, ["agent_start", "agent_get", "agent_add", "agent_cast_add", "agent_fetch_add", "agent_crash",
                         "agent_stop"]}];
operations(process) ->
    [{reference_processes, ["link", "unlink", "monitor", "demonitor", "exit", "trap", "register", "unregister", "send",
                            "call", "timer", "cancel", "read_timer"]},
     {reference_registries, ["reg_register", "reg_unregister", "reg_unregister_match", "reg_update"]},
     {reference_tables, ["ets_new" | tables()]},
     {reference_groups, ["join", "leave"]},
     {reference_tasks, ["task_await", "task_yield", "task_shutdown", "task_kill", "task_nolink"]}].

tables() ->
    ["ets_insert", "ets_insert_new", "ets_delete", "ets_delete_object", "ets_clear", "ets_drop", "ets_member",
     "ets_update", "ets_lookup", "ets_take", "ets_lookup_element", "ets_list", "ets_counter", "ets_first", "ets_last",
     "ets_next", "ets_prev", "ets_size", "ets_owner", "ets_give", "ets_setopts"].

module(worker) -> reference_worker;
module(dynamic) -> reference_dynamic;
module(_) -> reference_supervisor.

api(server) -> gen_server;
api(supervisor) -> supervisor;
api(childspecs) -> supervisor;
api(dynamic_supervisor) -> 'Elixir.DynamicSupervisor';
api(agent) -> 'Elixir.Agent';
api(task) -> 'Elixir.Task';
api(task_supervisor) -> 'Elixir.Task.Supervisor';
api(registry) -> 'Elixir.Registry';
api(table) -> ets.

table_ref(Table) -> Table.

named(Name) -> list_to_atom(Name).

refuses(_) -> none.

begins() ->
    {ok, _} = application:ensure_all_started(elixir),
    ok.

ends() -> ok.

stamp() -> otp.
