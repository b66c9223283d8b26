/* How the cost of an operation grows with the number of processes, children, entries, timers, messages or threads.
 * docs/growth.md has what came out. Each case is a function of n that sets the scene, calls begin(), does what is
 * measured, and calls end() with how many operations that was. */
#ifndef BENCH_GROWTH_H
#define BENCH_GROWTH_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <regrow.h>

typedef void measured(uint64_t n);

/* processes.c */
measured spawn, kill_all, hops;
/* supervisors.c */
measured start_children, start_children_parallel, stop_children, restart_one, restart_rest, restart_all, crash_together,
  crash_together_for_all, restart_supervisor, significant_ends, dynamic_start, dynamic_crash, dynamic_terminate, dynamic_stop;
/* entries.c */
measured registry_insert, registry_lookup, registry_delete, table_insert, table_lookup, table_delete, ordered_insert, ordered_insert_down,
  ordered_lookup, ordered_delete, table_parts, ordered_parts, bag_parts;
/* threads.c */
measured thread_calls, thread_calls_inline, thread_lookups;
/* ends.c */
measured exit_names, exit_same_name, exit_links, exit_monitors, exit_monitored, exit_timers, exit_groups, exit_tables,
  exit_messages, leave_groups, leave_queue, demonitor_groups;
/* tasks.c */
measured await_queued, await_failed, stream_queued, stream_left, stream_awaits;
/* waits.c */
measured cancel_timers, receive_all, receive_matching, receive_late, receive_behind, call_with_messages;

extern regrow_pid root;      /* the runtime */
extern regrow_pid main_pid;  /* the main thread, which entered it */
extern uint64_t at_least;    /* small cases are repeated until they have done that many operations */

/* What is between the two is measured, and added up if it is several times. */
void begin(void);
void end(uint64_t operations);

/* How often a case of n operations is to be done. */
static inline uint64_t rounds(uint64_t n)
{
  return n >= at_least ? 1 : at_least / n;
}

/* How many operations are to be done where n is not their number. */
static inline uint64_t times(uint64_t n)
{
  return n > at_least ? n : at_least;
}

#define must(call) check((call), __FILE__, __LINE__, #call)
#define expect(condition) ((condition) ? (void)0 : wrong(__FILE__, __LINE__, #condition))

static inline void wrong(const char *file, int line, const char *what)
{
  fprintf(stderr, "%s:%d: %s\n", file, line, what);
  exit(1);
}

static inline void check(regrow_error error, const char *file, int line, const char *call)
{
  if (error != REGROW_OK) {
    fprintf(stderr, "%s: ", regrow_error_name(error));
    wrong(file, line, call);
  }
}

/* n of `size` bytes, all zero. */
void *room(uint64_t n, size_t size);

/* 0..n-1 in an order that jumps about: the place of `i`. */
static inline uint64_t scattered(uint64_t i, uint64_t n)
{
  return i * 2654435761u % n; /* a prime that divides none of our numbers */
}

/* Starts a server. */
regrow_pid start_server(const regrow_server_spec *spec);
/* Starts a child of whatever kind. */
regrow_pid start_kind(uint32_t kind, const void *spec);
/* init: the state is `user`. */
regrow_next take_user(regrow_context *context, void *user, const regrow_term *arg, void **state);
/* n servers that wait for messages and drop them. */
regrow_pid *start_idle(uint64_t n);

/* Runs body(data) as a process. */
regrow_pid start_process(void (*body)(void *data), void *data);
/* The same, and waits for its end. */
void in_process(void (*body)(void *data), void *data);

/* Tells the main thread a number. */
void tell_main(int64_t number);
/* Main thread: waits for the next number. */
int64_t await_main(void);
/* Waits until nothing of the runtime runs. */
void settle(void);
#endif
