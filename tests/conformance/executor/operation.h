/* operation.h - the operations of a scenario, by name: what steps and `do P` have in common.
 *
 * The same function serves both where FORMAT.md has the operation in both tables; it acts for whoever calls it, main
 * or a process in its callback. An operation writes the result into `result`, which is empty at first. */
#ifndef EXECUTOR_OPERATION_H
#define EXECUTOR_OPERATION_H

#include "attempts.h"
#include "scenario.h"
#include "text.h"

enum { BY_MAIN = 1, BY_PROCESS = 2 };

struct arguments {
  const struct line *line;
  size_t first;       /* the word behind the operation's name */
  bool is_main;       /* main acts, not a process */
  regrow_pid runtime;
};

typedef void (*operation_callback)(const struct arguments *arguments, struct text *result);

/* NULL when there is none of that name for `who` (BY_MAIN or BY_PROCESS). */
operation_callback operation_named(const char *name, int who);

void operations_print(void); /* the names of all, a line each */

const char *argument(const struct arguments *arguments, size_t index);                /* "" when there is none */
uint32_t argument_ms(const struct arguments *arguments, size_t index, uint32_t default_ms);

/* Whom an operation is about. */
struct target {
  regrow_pid pid;            /* zero: the address */
  regrow_address address;
  struct attempt *attempt;   /* NULL: main, or a name */
};

/* An id, a label, `main` or `@NAME`. False, and the result `error noproc`: there never was such a process. */
bool find_target(const struct arguments *arguments, size_t index, struct target *target, struct text *result);

/* How a call failed. All four are to be called before anything else of regrow is: they ask for the last reason. */
void add_failure(struct text *result, regrow_error error);
void add_start_failure(struct text *result, regrow_error error);
/* `ok`, or how it failed. */
void add_ok(struct text *result, regrow_error error);
/* `reply T`, or how it failed. The reply is freed. */
void add_reply(struct text *result, regrow_error error, regrow_term *reply);

/* processes.c */
void op_spawn(const struct arguments *arguments, struct text *result);
void op_stop(const struct arguments *arguments, struct text *result);
void op_exit(const struct arguments *arguments, struct text *result);
void op_call(const struct arguments *arguments, struct text *result);
void op_cast(const struct arguments *arguments, struct text *result);
void op_send(const struct arguments *arguments, struct text *result);
void op_alive(const struct arguments *arguments, struct text *result);
void op_register(const struct arguments *arguments, struct text *result);
void op_unregister(const struct arguments *arguments, struct text *result);
void op_whereis(const struct arguments *arguments, struct text *result);
void op_sleep(const struct arguments *arguments, struct text *result);
void op_link(const struct arguments *arguments, struct text *result);
void op_unlink(const struct arguments *arguments, struct text *result);
void op_monitor(const struct arguments *arguments, struct text *result);
void op_demonitor(const struct arguments *arguments, struct text *result);
void op_trap(const struct arguments *arguments, struct text *result);
void op_timer(const struct arguments *arguments, struct text *result);
void op_cancel(const struct arguments *arguments, struct text *result);
void op_read_timer(const struct arguments *arguments, struct text *result);

/* supervisors.c */
void op_start(const struct arguments *arguments, struct text *result);
void op_start_child(const struct arguments *arguments, struct text *result);
void op_terminate_child(const struct arguments *arguments, struct text *result);
void op_restart_child(const struct arguments *arguments, struct text *result);
void op_delete_child(const struct arguments *arguments, struct text *result);
void op_which_children(const struct arguments *arguments, struct text *result);
void op_count_children(const struct arguments *arguments, struct text *result);
void op_get_childspec(const struct arguments *arguments, struct text *result);

/* registries.c */
void op_reg_start(const struct arguments *arguments, struct text *result);
void op_reg_register(const struct arguments *arguments, struct text *result);
void op_reg_unregister(const struct arguments *arguments, struct text *result);
void op_reg_unregister_match(const struct arguments *arguments, struct text *result);
void op_reg_update(const struct arguments *arguments, struct text *result);
void op_reg_lookup(const struct arguments *arguments, struct text *result);
void op_reg_whereis(const struct arguments *arguments, struct text *result);
void op_reg_keys(const struct arguments *arguments, struct text *result);
void op_reg_count(const struct arguments *arguments, struct text *result);
void op_reg_dispatch(const struct arguments *arguments, struct text *result);
void op_reg_call(const struct arguments *arguments, struct text *result);
void registries_free(void);

/* tables.c */
void op_ets_new(const struct arguments *arguments, struct text *result);
void op_ets_drop(const struct arguments *arguments, struct text *result);
void op_ets_give(const struct arguments *arguments, struct text *result);
void op_ets_setopts(const struct arguments *arguments, struct text *result);
void op_ets_size(const struct arguments *arguments, struct text *result);
void op_ets_owner(const struct arguments *arguments, struct text *result);
void op_ets_insert(const struct arguments *arguments, struct text *result);
void op_ets_insert_new(const struct arguments *arguments, struct text *result);
void op_ets_delete(const struct arguments *arguments, struct text *result);
void op_ets_delete_object(const struct arguments *arguments, struct text *result);
void op_ets_clear(const struct arguments *arguments, struct text *result);
void op_ets_member(const struct arguments *arguments, struct text *result);
void op_ets_update(const struct arguments *arguments, struct text *result);
void op_ets_lookup(const struct arguments *arguments, struct text *result);
void op_ets_take(const struct arguments *arguments, struct text *result);
void op_ets_lookup_element(const struct arguments *arguments, struct text *result);
void op_ets_list(const struct arguments *arguments, struct text *result);
void op_ets_counter(const struct arguments *arguments, struct text *result);
void op_ets_first(const struct arguments *arguments, struct text *result);
void op_ets_last(const struct arguments *arguments, struct text *result);
void op_ets_next(const struct arguments *arguments, struct text *result);
void op_ets_prev(const struct arguments *arguments, struct text *result);
void tables_free(void);
void add_table(struct text *text, const regrow_term *term); /* by its name in the scenario */

/* agents.c */
void op_agent_start(const struct arguments *arguments, struct text *result);
void op_agent_get(const struct arguments *arguments, struct text *result);
void op_agent_add(const struct arguments *arguments, struct text *result);
void op_agent_cast_add(const struct arguments *arguments, struct text *result);
void op_agent_fetch_add(const struct arguments *arguments, struct text *result);
void op_agent_crash(const struct arguments *arguments, struct text *result);
void op_agent_stop(const struct arguments *arguments, struct text *result);

/* groups.c */
void op_join(const struct arguments *arguments, struct text *result);
void op_leave(const struct arguments *arguments, struct text *result);
void op_members(const struct arguments *arguments, struct text *result);
void op_publish(const struct arguments *arguments, struct text *result);

/* tasks.c */
void op_task_await(const struct arguments *arguments, struct text *result);
void op_task_yield(const struct arguments *arguments, struct text *result);
void op_task_shutdown(const struct arguments *arguments, struct text *result);
void op_task_kill(const struct arguments *arguments, struct text *result);
void op_task_nolink(const struct arguments *arguments, struct text *result);

#endif
