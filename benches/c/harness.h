/* What every workload shares: the runtime, time, percentiles, the line of JSON.
 * The workloads are defined in benches/peers/README.md; what is timed, and the fields of `extra`, are the peers'. */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H
#include <stdio.h>
#include <stdlib.h>
#include <regrow.h>

/* A workload: runs n operations and prints its line. */
typedef void workload(const char *name, uint64_t n);

workload pingpong, large_list, large_list_copy, large_bin;    /* messages.c */
workload call_actor, call_thread, call_thread_queued;         /* calls.c */
workload counting, fanin;                                     /* streams.c */
workload threadring, big, chameneos;                          /* crowds.c */
workload spawn, idle, restart, dynsup;                        /* lives.c */
workload registry, timers, agent, task;                       /* one file each */
workload table_set, table_ordered, table_select;              /* table.c */

extern regrow_pid root;          /* the runtime */
extern regrow_pid main_pid;      /* the main thread, which entered it */
extern uint32_t server_flags;    /* inline=1: REGROW_INLINE, for the servers and agents that are called */
extern uint32_t call_timeout_ms; /* timeout=MS, for calls; else REGROW_INFINITY, for most peers wait without a limit */

/* Ends the program, with the line and the name of the error, unless the call went well. */
#define must(call) check((call), __FILE__, __LINE__, #call)
/* Ends the program unless the result is right. */
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

uint64_t now_ns(void);
uint64_t resident_bytes(void);

/* The line of JSON: `count` operations took `ns`. `extra` ends with an empty name; NULL: none. */
struct extra { const char *name; double value; };
void emit(const char *name, uint64_t n, uint64_t ns, uint64_t count, const struct extra *extra);
double per_second(uint64_t count, uint64_t ns);

/* Sorts the values; the median and the 99th of 100. */
struct percentiles { double p50, p99; };
struct percentiles percentiles(uint64_t *values, size_t count);

/* A row of the tables' benchmarks, and what selects of those whose number is `limit` or more: also for benches/floors. */
regrow_term table_row(int64_t key, int64_t value);
regrow_term table_specification(int64_t limit, regrow_term result);

/* What the agents of the benchmarks are asked. */
regrow_next read_number(regrow_context *context, void *user, const regrow_term *state, regrow_term *next, regrow_term *reply);
regrow_next count_up(regrow_context *context, void *user, const regrow_term *state, regrow_term *next, regrow_term *reply);

/* The generator of all peers, so that `big` and `timers` draw alike. */
uint64_t draw(uint64_t *seed);

/* Starts a server that handles plain messages with `state`, which must live as long as it does. */
regrow_pid start_server(regrow_handle_callback handle_info, void *state);
/* The same from a spec of the caller's. */
regrow_pid start_spec(const regrow_server_spec *spec);
/* init: the state is `user`. */
regrow_next take_user(regrow_context *context, void *user, const regrow_term *arg, void **state);

/* Runs `body(data)` as a process; does not wait. */
void start_process(void (*body)(void *data), void *data);
/* Runs `body(data)` as a process and waits until it returned. */
void in_process(void (*body)(void *data), void *data);

/* Tells the main thread that a workload is done, and its result. */
void tell_main(int64_t result);
/* Main thread: waits for the next tell_main. */
int64_t await_result(void);

/* Ends processes and waits until they are gone. */
void end_all(const regrow_pid *pids, size_t count);

/* Runs `body(data, index)` in `count` processes (or plain threads) at once: ns from the common start to the last end. */
uint64_t parallel_processes(size_t count, void (*body)(void *data, size_t index), void *data);
uint64_t parallel_threads(size_t count, void (*body)(void *data, size_t index), void *data);
#endif
