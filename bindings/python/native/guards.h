/* guards.h - what may wait is refused where Python must not, and regrow would let it (rp_may_not_wait in callbacks.c).
 *
 * Included before any use of these functions. */
#ifndef REGROW_PYTHON_GUARDS_H
#define REGROW_PYTHON_GUARDS_H

static regrow_error refuse_with(regrow_term moved)
{
  regrow_term_free(&moved);
  return REGROW_ERR_WOULD_BLOCK;
}

/* Never waits for room, as it might to a mailbox with REGROW_BLOCK. */
static regrow_error send_at_once(regrow_pid pid, regrow_term moved)
{
  regrow_error error = regrow_broadcast(&moved, &pid, 1);
  regrow_term_free(&moved);
  return error;
}

#define RP_GUARDED(call) (rp_may_not_wait ? REGROW_ERR_WOULD_BLOCK : (call))
#define RP_GUARDED_WITH(moved, call) (rp_may_not_wait ? refuse_with(moved) : (call))

#define regrow_send(pid, term) (rp_may_not_wait ? send_at_once(pid, term) : regrow_send(pid, term))
#define regrow_cast(pid, term) RP_GUARDED_WITH(term, regrow_cast(pid, term))
#define regrow_call(pid, term, ms, reply) RP_GUARDED_WITH(term, regrow_call(pid, term, ms, reply))
#define regrow_call_at(to, term, ms, reply) RP_GUARDED_WITH(term, regrow_call_at(to, term, ms, reply))
#define regrow_cast_at(to, term) RP_GUARDED_WITH(term, regrow_cast_at(to, term))
#define regrow_send_at(to, term) RP_GUARDED_WITH(term, regrow_send_at(to, term))
#define regrow_stop(pid, term, ms) RP_GUARDED_WITH(term, regrow_stop(pid, term, ms))
#define regrow_stop_at(to, term, ms) RP_GUARDED_WITH(term, regrow_stop_at(to, term, ms))
#define regrow_replace_state(pid, term, ms) RP_GUARDED_WITH(term, regrow_replace_state(pid, term, ms))

#define regrow_receive(...) RP_GUARDED(regrow_receive(__VA_ARGS__))
#define regrow_receive_match(...) RP_GUARDED(regrow_receive_match(__VA_ARGS__))
#define regrow_sleep(...) RP_GUARDED(regrow_sleep(__VA_ARGS__))
#define regrow_start(...) RP_GUARDED(regrow_start(__VA_ARGS__))
#define regrow_start_link(...) RP_GUARDED(regrow_start_link(__VA_ARGS__))
#define regrow_start_monitor(...) RP_GUARDED(regrow_start_monitor(__VA_ARGS__))
#define regrow_get_state(...) RP_GUARDED(regrow_get_state(__VA_ARGS__))
#define regrow_get_status(...) RP_GUARDED(regrow_get_status(__VA_ARGS__))
#define regrow_trace(...) RP_GUARDED(regrow_trace(__VA_ARGS__))
#define regrow_suspend(...) RP_GUARDED(regrow_suspend(__VA_ARGS__))
#define regrow_resume(...) RP_GUARDED(regrow_resume(__VA_ARGS__))
#define regrow_whereis_at(...) RP_GUARDED(regrow_whereis_at(__VA_ARGS__))
#define regrow_monitor_at(...) RP_GUARDED(regrow_monitor_at(__VA_ARGS__))
#define regrow_request_wait(...) RP_GUARDED(regrow_request_wait(__VA_ARGS__))
#define regrow_supervisor_start_child(...) RP_GUARDED(regrow_supervisor_start_child(__VA_ARGS__))
#define regrow_supervisor_start_instance(...) RP_GUARDED(regrow_supervisor_start_instance(__VA_ARGS__))
#define regrow_supervisor_terminate_child(...) RP_GUARDED(regrow_supervisor_terminate_child(__VA_ARGS__))
#define regrow_supervisor_restart_child(...) RP_GUARDED(regrow_supervisor_restart_child(__VA_ARGS__))
#define regrow_supervisor_delete_child(...) RP_GUARDED(regrow_supervisor_delete_child(__VA_ARGS__))
#define regrow_supervisor_which_children(...) RP_GUARDED(regrow_supervisor_which_children(__VA_ARGS__))
#define regrow_supervisor_count_children(...) RP_GUARDED(regrow_supervisor_count_children(__VA_ARGS__))
#define regrow_supervisor_get_childspec(...) RP_GUARDED(regrow_supervisor_get_childspec(__VA_ARGS__))
#define regrow_supervisor_lookup(...) RP_GUARDED(regrow_supervisor_lookup(__VA_ARGS__))
#define regrow_supervisor_subscribe(...) RP_GUARDED(regrow_supervisor_subscribe(__VA_ARGS__))
#define regrow_supervisor_unsubscribe(...) RP_GUARDED(regrow_supervisor_unsubscribe(__VA_ARGS__))
#define regrow_supervisor_history(...) RP_GUARDED(regrow_supervisor_history(__VA_ARGS__))
#define regrow_tree(...) RP_GUARDED(regrow_tree(__VA_ARGS__))
#define regrow_registry_dispatch_parallel(...) RP_GUARDED(regrow_registry_dispatch_parallel(__VA_ARGS__))
#define regrow_registry_lock(...) RP_GUARDED(regrow_registry_lock(__VA_ARGS__))
#define regrow_agent_get(...) RP_GUARDED(regrow_agent_get(__VA_ARGS__))
#define regrow_agent_update(...) RP_GUARDED(regrow_agent_update(__VA_ARGS__))
#define regrow_agent_get_and_update(...) RP_GUARDED(regrow_agent_get_and_update(__VA_ARGS__))
#define regrow_agent_cast(...) RP_GUARDED(regrow_agent_cast(__VA_ARGS__))
#define regrow_task_await(...) RP_GUARDED(regrow_task_await(__VA_ARGS__))
#define regrow_task_await_many(...) RP_GUARDED(regrow_task_await_many(__VA_ARGS__))
#define regrow_task_yield(...) RP_GUARDED(regrow_task_yield(__VA_ARGS__))
#define regrow_task_yield_many(...) RP_GUARDED(regrow_task_yield_many(__VA_ARGS__))
#define regrow_task_shutdown(...) RP_GUARDED(regrow_task_shutdown(__VA_ARGS__))
#define regrow_task_stream(...) RP_GUARDED(regrow_task_stream(__VA_ARGS__))
#define regrow_task_supervisor_start_child(...) RP_GUARDED(regrow_task_supervisor_start_child(__VA_ARGS__))
#define regrow_task_supervisor_async(...) RP_GUARDED(regrow_task_supervisor_async(__VA_ARGS__))
#define regrow_task_supervisor_async_nolink(...) RP_GUARDED(regrow_task_supervisor_async_nolink(__VA_ARGS__))
#define regrow_task_supervisor_children(...) RP_GUARDED(regrow_task_supervisor_children(__VA_ARGS__))
#define regrow_task_supervisor_terminate_child(...) RP_GUARDED(regrow_task_supervisor_terminate_child(__VA_ARGS__))

#endif
