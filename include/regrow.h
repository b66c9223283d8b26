/*
 * regrow.h - processes, supervisors, registries, agents, tasks, groups and tables, for C.
 *
 * Generated from src/ffi by cbindgen; edit the Rust, not this file.
 *
 * Seven rules cover the whole header.
 *
 *   Ownership  A regrow_term passed by value is moved: regrow frees it, also when the call
 *              fails; so are the items of a plain array that comes with a count. A const
 *              pointer is borrowed for the call. Any other plain pointer is an
 *              out-parameter, written only on success; a term written there is yours to
 *              give to regrow_term_free(). Strings are UTF-8, NUL-terminated, copied.
 *   Structs    Start with `.size = sizeof x`; a field left zero takes its default. They are
 *              read during the call and may live on the stack.
 *   Errors     A function that can fail returns regrow_error; REGROW_OK is 0, and
 *              regrow_last_reason() gives the reason as OTP would. NULL where a pointer is
 *              needed is REGROW_ERR_ARGUMENT, never a crash. A term that could not be made
 *              is the invalid term, which containers pass on and every function refuses.
 *   Threads    Any function may be called from any thread, except those that take a
 *              regrow_context (only in the callback that got it), those that need an
 *              identity (in a callback, or a thread that has entered), those that are "not in a
 *              callback", two threads on one regrow_term variable, and signal handlers.
 *   Waiting    A function that may wait says so. In a callback the process is parked then,
 *              and its thread runs others: hold no lock over it, and no state that a
 *              library keeps for the thread. errno, the floating-point control words, the
 *              last error and, with regrow_exception_globals(), C++'s exceptions are kept.
 *   Callbacks  A callback must return: no longjmp, no C++ exception, no unwinding. An
 *              exception that leaves one aborts the program; a longjmp out of one is
 *              undefined. What it returns is a constant or what regrow_reply() and its like gave; zero is an
 *              error, so that a forgotten return is seen. A drop function runs exactly
 *              once, on any thread, also when the call fails.
 *   Forks      In the child of a fork no runtime lives: functions return
 *              REGROW_ERR_FORKED, and nothing is freed.
 *
 * Contents: runtime . making terms . reading terms . processes . priority messages
 *           starting . plain processes . asking processes . servers . host processes
 *           addresses . requests . supervisors . partition supervisors . observing
 *           registries . agents . groups and topics . tasks . task supervisors . tables
 *           selecting from tables . exceptions of c++
 *
 * Platforms: Linux on 64-bit little-endian machines.
 */

#ifndef REGROW_H
#define REGROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The release that this header is from; regrow_version() tells the library's.
#define REGROW_VERSION "0.1.0"
#define REGROW_VERSION_MAJOR 0
#define REGROW_VERSION_MINOR 1
#define REGROW_VERSION_PATCH 0

/// The layout that this header speaks; regrow_abi_version() tells the library's.
#define REGROW_ABI_VERSION 1

/// In every `_ms`: no limit.
#define REGROW_INFINITY UINT32_MAX

/// max_restarts, max_children: none, where zero means the default.
#define REGROW_NONE 0xFFFFFFFE

/// shutdown_ms, and the limit of regrow_task_shutdown(): killed at once.
#define REGROW_BRUTAL_KILL 0xFFFFFFFE

/// init: the process is up.
#define REGROW_READY 0x52470001

/// init: do not start it, and do not call that an error.
#define REGROW_IGNORE 0x52470002

/// handle_...: go on. A call that was not put off with regrow_defer() ends with REGROW_ERR_EXITED, `no_reply`.
#define REGROW_NOREPLY 0x52470003

/// Bodies of processes, functions of agents, tasks: ended well.
#define REGROW_DONE 0x52470004

/// kind: a server; `spec` is a regrow_server_spec.
#define REGROW_SERVER 1

/// kind: a supervisor; `spec` is a regrow_supervisor_spec.
#define REGROW_SUPERVISOR 2

/// kind: a registry; `spec` is a regrow_registry_spec.
#define REGROW_REGISTRY 3

/// kind: an agent; `spec` is a regrow_agent_spec.
#define REGROW_AGENT 4

/// kind: a body that runs once, and may receive; `spec` is a regrow_process_spec.
#define REGROW_PROCESS 5

/// kind: a process that lives in another language's runtime; `spec` is a regrow_host_spec.
#define REGROW_HOST 6

/// kind: a supervisor whose children come and go; `spec` is a regrow_dynamic_supervisor_spec.
#define REGROW_DYNAMIC_SUPERVISOR 7

/// kind: a supervisor of the same child several times; `spec` is a regrow_partition_supervisor_spec.
#define REGROW_PARTITION_SUPERVISOR 8

/// kind: a supervisor of tasks; `spec` is a regrow_task_supervisor_spec.
#define REGROW_TASK_SUPERVISOR 9

/// kind: groups and topics; `spec` is a regrow_pubsub_spec.
#define REGROW_PUBSUB 10

/// kind: a task; `spec` is a regrow_task_spec.
#define REGROW_TASK 11

/// kind: a server whose callbacks go by a name; `spec` is a regrow_behaviour_spec.
#define REGROW_BEHAVIOUR 12

/// restart: always.
#define REGROW_PERMANENT 1

/// restart: after any reason but normal, shutdown and {shutdown, _}.
#define REGROW_TRANSIENT 2

/// restart: never.
#define REGROW_TEMPORARY 3

/// strategy: when a child ends, restarts that child.
#define REGROW_ONE_FOR_ONE 0

/// strategy: when a child ends, restarts every child.
#define REGROW_ONE_FOR_ALL 1

/// strategy: when a child ends, restarts it and those started after it.
#define REGROW_REST_FOR_ONE 2

/// strategy: all children are instances of one template, started and stopped on request, and restarted alone.
#define REGROW_SIMPLE_ONE_FOR_ONE 3

/// auto_shutdown: the supervisor does not end with its children.
#define REGROW_NEVER 0

/// auto_shutdown: it ends when one of its significant children has ended by itself.
#define REGROW_ANY_SIGNIFICANT 1

/// auto_shutdown: it ends when the last of its significant children has ended by itself.
#define REGROW_ALL_SIGNIFICANT 2

/// flags of a supervisor: children that are started together are started at once, and not one after the other.
#define REGROW_PARALLEL_START 1

/// flags of a dynamic supervisor: no two of its children have the same id.
#define REGROW_UNIQUE_IDS 1

/// flags of a partition supervisor: each partition gets its number as one more argument of its init.
#define REGROW_WITH_NUMBER 1

/// at_limit of a backoff: the supervisor ends, as in OTP.
#define REGROW_END 0

/// at_limit of a backoff: the child stays down until regrow_supervisor_restart_child().
#define REGROW_PARK 1

/// home: on the runtime's workers.
#define REGROW_SHARED 0

/// home: on a thread of its own, for callbacks that block.
#define REGROW_THREAD 1

/// flags of a server, process, agent or task: runs without a stack of its own; what would wait is
/// REGROW_ERR_WOULD_BLOCK.
#define REGROW_NO_PARK 1

/// flags of a server or agent: answers calls on the caller's thread while it is idle.
#define REGROW_INLINE 2

/// flags of a host process: its unanswered calls do not keep the runtime from being quiet.
#define REGROW_NOT_BUSY 4

/// flags of a host process: casts come as {'$gen_cast', Message}, so that they are told from plain messages.
#define REGROW_TAG_CASTS 8

/// at_limit of a task supervisor: one task too many is refused.
#define REGROW_REFUSE 0

/// at_limit of a task supervisor: it waits for its turn.
#define REGROW_QUEUE 1

/// place: linked with the caller.
#define REGROW_LINKED 0

/// place: not linked with the caller; needs a supervisor.
#define REGROW_UNLINKED 1

/// order: results come in the order of the items.
#define REGROW_ORDERED 0

/// order: results come as they are ready.
#define REGROW_UNORDERED 1

/// on_timeout: the stream ends with REGROW_ERR_TIMEOUT.
#define REGROW_EXIT_STREAM 0

/// on_timeout: that task is killed; its result is {exit, timeout}.
#define REGROW_KILL_TASK 1

/// mailbox_policy: what does not fit is refused.
#define REGROW_REJECT 0

/// mailbox_policy, overflow: what has waited longest is dropped.
#define REGROW_DROP_OLDEST 1

/// mailbox_policy, overflow: what comes at the limit is dropped.
#define REGROW_DROP_NEWEST 2

/// mailbox_policy: the sender waits for room.
#define REGROW_BLOCK 3

/// keys: one process for each.
#define REGROW_UNIQUE 0

/// keys: any number of processes for each.
#define REGROW_DUPLICATE 1

/// A table's kind: one object for each key. Keys are compared exactly.
#define REGROW_SET 0

/// A table's kind: one object for each key, in the order of the keys; 1 and 1.0 are one key.
#define REGROW_ORDERED_SET 1

/// A table's kind: any number of different objects for each key.
#define REGROW_BAG 2

/// A table's kind: any number of objects for each key, equal ones too.
#define REGROW_DUPLICATE_BAG 3

/// access: everybody reads, the owner writes.
#define REGROW_PROTECTED 0

/// access: everybody reads and writes.
#define REGROW_PUBLIC 1

/// access: only the owner reads and writes.
#define REGROW_PRIVATE 2

/// clock: the system's monotonic one.
#define REGROW_MONOTONIC 0

/// clock: stands still but for regrow_advance(); for tests.
#define REGROW_MANUAL 1

/// `format` of regrow_tree(): nested maps.
#define REGROW_TREE_TERM 0

/// `format` of regrow_tree(): text, a line for each process.
#define REGROW_TREE_TEXT 1

/// `format` of regrow_tree(): JSON.
#define REGROW_TREE_JSON 2

/// regrow_demonitor(), regrow_cancel_timer(): removes the message too, if it has come already.
#define REGROW_FLUSH 1

/// flags of an alias, of what is sent by one, of a link and of a monitor: before all ordinary messages.
#define REGROW_PRIORITY 1

/// regrow_settled.state: nothing runs, and no timer is pending.
#define REGROW_QUIET 0

/// regrow_settled.state: nothing runs; the next timer is due at deadline_ms.
#define REGROW_WAITING 1

/// regrow_settled.kind: regrow_send_after() and its like, idle timeouts.
#define REGROW_TIMER_USER 0

/// regrow_settled.kind: limits of init, of shutdown, of restarts.
#define REGROW_TIMER_SUPERVISION 1

/// regrow_settled.kind: the time limit of whoever waits: regrow_sleep(), calls, requests, addresses.
#define REGROW_TIMER_SLEEP 2

/// log_level: what is traced, too.
#define REGROW_LOG_DEBUG 1

/// log_level: children that are up (OTP's progress reports), and what is worse.
#define REGROW_LOG_INFO 2

/// log_level: what may be wrong, such as messages that nobody handles, and what is worse.
#define REGROW_LOG_WARNING 3

/// log_level: crashes.
#define REGROW_LOG_ERROR 4

/// log_level: nothing is logged.
#define REGROW_LOG_SILENT 5

/// Why a call failed. Numbers never change meaning and are never reused.
typedef enum regrow_error {
  /// The call did what it says.
  REGROW_OK = 0,
  /// A pointer was NULL, a number out of range, a string not UTF-8, a term spent or invalid.
  REGROW_ERR_ARGUMENT = 1,
  /// A struct is larger than this library knows: the header is newer than the library.
  REGROW_ERR_VERSION = 2,
  /// The process is not alive, or never was. So is a root that is given as a process after its runtime's shutdown.
  REGROW_ERR_NO_PROCESS = 3,
  /// The time given ran out; a late answer is dropped.
  REGROW_ERR_TIMEOUT = 4,
  /// The process ended before it answered; regrow_last_reason() gives its reason.
  REGROW_ERR_EXITED = 5,
  /// A process refused to start; regrow_last_reason() tells why.
  REGROW_ERR_START = 6,
  /// That id, name or key is taken; regrow_last_reason() tells by whom.
  REGROW_ERR_EXISTS = 7,
  /// Nothing goes by that id, name, key or ref.
  REGROW_ERR_NOT_FOUND = 8,
  /// A bug in regrow: a panic was caught here. Please report it.
  REGROW_ERR_INTERNAL = 9,
  /// The calling process is dead: return from the callback.
  REGROW_ERR_KILLED = 10,
  /// The runtime is shut down; or what was given as the `runtime`, of which any process will do, is not alive.
  REGROW_ERR_NOT_ALIVE = 11,
  /// A process called itself.
  REGROW_ERR_SELF_CALL = 12,
  /// The caller may not wait here.
  REGROW_ERR_WOULD_BLOCK = 13,
  /// What would be waited for waits for the caller.
  REGROW_ERR_WOULD_DEADLOCK = 14,
  /// A process, or a term, of another kind is needed.
  REGROW_ERR_WRONG_KIND = 15,
  /// A limit is reached: processes, stacks, threads, memory, children, what a mailbox takes.
  REGROW_ERR_LIMIT = 16,
  /// This is the child of a fork: no runtime lives here.
  REGROW_ERR_FORKED = 17,
  /// The process lives in another runtime.
  REGROW_ERR_OTHER_RUNTIME = 18,
  /// Needs an identity: a callback, or a thread that has entered; or another callback than this.
  REGROW_ERR_CONTEXT = 19,
  /// Its init answered ignore: nothing was started.
  REGROW_ERR_IGNORED = 20,
  /// The child is running.
  REGROW_ERR_RUNNING = 21,
  /// The child is being restarted.
  REGROW_ERR_RESTARTING = 22,
  /// There is no such table, or not any more.
  REGROW_ERR_NO_TABLE = 23,
  /// The table is private or protected, and not the caller's.
  REGROW_ERR_ACCESS = 24,
  /// A file could not be read or written, or is torn; regrow_last_reason() tells which.
  REGROW_ERR_FILE = 25,
} regrow_error;

/// The children that a supervisor is about to start with. Good until the callback that got it returns.
typedef struct regrow_children regrow_children;

/// The callback at hand: what it answers with, and how it says what comes next. Good until that callback returns.
typedef struct regrow_context regrow_context;

/// Something under way: an answer, an end or a start that is waited for later. Free it, or hand it to
/// regrow_on_reply().
typedef struct regrow_request regrow_request;

/// A value: immutable, cheap to copy around, safe to share between threads.
///
/// Zeroed it is `[]`. The fields are regrow's own; read it with regrow_as_*.
typedef struct regrow_term {
  /// What it is; regrow's own.
  uint64_t meta;
  /// What it holds; regrow's own.
  uint64_t value;
} regrow_term;

/// Takes one line of the log; `text` and `report` are borrowed. May run on any thread, on several at once.
typedef void (*regrow_log_callback)(void *user, uint32_t level, const char *text, const regrow_term *report);

/// A process: a plain number, never freed, never reused. Zero is no process.
typedef struct regrow_pid {
  /// Equal in equal pids; regrow's own otherwise.
  uint64_t id;
} regrow_pid;

/// Shown a message that ended without having been handled: whom it was for, and why that did not get it. `message` and
/// `reason` are borrowed. May run on any thread, on several at once; as nobody, and it may not wait.
typedef void (*regrow_undelivered_callback)(void *user,
                                            regrow_pid pid,
                                            const regrow_term *message,
                                            const regrow_term *reason);

/// How a runtime is made. A field left zero takes its default.
typedef struct regrow_options {
  /// sizeof(regrow_options).
  size_t size;
  /// Threads that run processes; 0: one for each core.
  uint32_t workers;
  /// REGROW_MONOTONIC (0), or REGROW_MANUAL: time moves only by regrow_advance().
  uint32_t clock;
  /// Usable bytes of the stack that a waiting callback keeps, committed as it is touched; 0: 256 KiB.
  uint32_t stack_size;
  /// Most processes at one time; 0: 2^27.
  uint32_t max_processes;
  /// Restarts of the root's children before it gives up; 0: 3, REGROW_NONE: none.
  uint32_t max_restarts;
  /// Within this many milliseconds; 0: 5000.
  uint32_t period_ms;
  /// The least level that is logged; 0: REGROW_LOG_WARNING.
  uint32_t log_level;
  /// Zero.
  uint32_t reserved;
  /// Gets the log; NULL: it goes to stderr.
  regrow_log_callback log;
  /// Passed to `log`.
  void *log_user;
  /// Shown each message that ends unhandled and whose sender is not told: those in the mailbox of a process that ends
  /// (its reason), those that a mailbox with a limit drops (`mailbox_full`), those to a process that is not there
  /// (`noproc`), or to an alias that it has taken away (`noalias`). A function for an agent shows as the atom
  /// `request`. Not after regrow_shutdown() has returned REGROW_OK. NULL: they are counted only.
  regrow_undelivered_callback undelivered;
  /// Passed to `undelivered`.
  void *undelivered_user;
} regrow_options;

/// What a quiet runtime waits for.
typedef struct regrow_settled {
  /// sizeof(regrow_settled).
  size_t size;
  /// REGROW_QUIET: no timer is pending. REGROW_WAITING: the next is due at `deadline_ms`.
  uint32_t state;
  /// What that timer is for: REGROW_TIMER_USER, REGROW_TIMER_SUPERVISION or REGROW_TIMER_SLEEP.
  uint32_t kind;
  /// The runtime's time, in milliseconds since it started.
  uint64_t now_ms;
  /// When the next timer is due, on the same clock, rounded up.
  uint64_t deadline_ms;
} regrow_settled;

/// A reference: a monitor, a timer or a busy token.
typedef struct regrow_ref {
  /// Equal in equal references; regrow's own otherwise.
  uint64_t id;
} regrow_ref;

/// Runs once, in the caller.
typedef void (*regrow_run_callback)(void *user);

/// Numbers about a runtime, each of the moment it was read.
typedef struct regrow_stats {
  /// sizeof(regrow_stats).
  size_t size;
  /// Processes alive, the root and entered threads included.
  uint64_t processes;
  /// Worker threads, relief included.
  uint64_t workers;
  /// Worker threads beyond the wanted number: others are, or were, stuck.
  uint64_t relief_workers;
  /// Workers that were in one callback for a whole tick of 10 ms, and did not only wait for a processor.
  uint64_t stuck;
  /// Dead processes whose callback has not returned.
  uint64_t ghosts;
  /// Stacks that were ever needed at one time, rounded up to the slab.
  uint64_t stacks;
  /// Busy tokens, and calls that host processes have not answered: what regrow_settle() waits for outside.
  uint64_t busy;
  /// Messages and requests that were sent, refused ones included; once all is at rest, the sum of the next three and
  /// of what lies in mailboxes. Not counted: signals, answers, what a system asks, calls to processes that are not
  /// there, and what is broadcast to subscriptions with max_messages.
  uint64_t sent;
  /// Of those, given to whom they were for: to a callback, by a receive, or flushed.
  uint64_t handled;
  /// Of those, told to their senders as an error: refused, or calls to a process that ended first.
  uint64_t returned;
  /// Of those, shown to `undelivered`.
  uint64_t undelivered;
  /// Processes that were ended by their `watchdog_ms`; those whose callback has not returned are `ghosts`.
  uint64_t watchdog;
} regrow_stats;

/// Frees what belongs to a pointer: called exactly once, on any thread. It may use terms, but not wait.
typedef void (*regrow_drop_callback)(void *user);

/// Whether this is the message waited for; `message` is borrowed. It has no identity and may not wait: what would is
/// refused. It must return soon: while it runs its process is not ended, neither from outside nor by its watchdog.
typedef bool (*regrow_match_callback)(void *user, const regrow_term *message);

/// Whom to talk to, by name or by registry and key, so that a restart is none of your business.
typedef struct regrow_address {
  /// sizeof(regrow_address).
  size_t size;
  /// The root, or any other process, of the runtime to look in. Zero: the caller's own, else that of `registry`.
  regrow_pid runtime;
  /// A local name; or NULL, and `name_term`, or a registry and a key.
  const char *name;
  /// The registry, by pid (or a partition supervisor: then the key's partition is meant) ...
  regrow_pid registry;
  /// ... or by its own name.
  const char *registry_name;
  /// Borrowed: the key in the registry.
  const regrow_term *key;
  /// Borrowed: the value beside it, where the address is used to register; NULL: [].
  const regrow_term *value;
  /// How long to wait for somebody to be there; 0: not at all. On the runtime's clock. Who waits for the same is
  /// served in the order in which they came.
  /// With the pid of a registry: on the clock of that one's runtime, and no longer than it lives.
  uint32_t wait_ms;
  /// Zero.
  uint32_t reserved;
  /// Borrowed: a local name that is any term, in place of `name`.
  const regrow_term *name_term;
  /// Borrowed: the same in place of `registry_name`.
  const regrow_term *registry_name_term;
} regrow_address;

/// When a child that failed is started again, and how often. Without it: at once, and as often as its supervisor's
/// max_restarts says. Copied when used.
///
/// Each failure that is followed by a restart, a start that fails included, waits longer than the one before. While it
/// waits the child shows as `restarting` (regrow_tree() tells until when), and regrow_supervisor_terminate_child() ends
/// the wait. With
/// REGROW_ONE_FOR_ALL and REGROW_REST_FOR_ONE the siblings that are restarted with it are stopped at once, and wait
/// too.
typedef struct regrow_backoff_spec {
  /// sizeof(regrow_backoff_spec).
  size_t size;
  /// The first wait; 0: none, ever.
  uint32_t initial_ms;
  /// The longest wait; 0: 30000.
  uint32_t max_ms;
  /// What a wait is to the one before, in percent, at least 100; 0: 200, twice as long.
  uint32_t factor_percent;
  /// Each wait is up to so many percent longer or shorter, by chance; at most 100.
  uint32_t jitter_percent;
  /// A child that was up for so long begins anew with the first wait; 0: as `max_ms`.
  uint32_t reset_after_ms;
  /// A limit of this child's own: more than this many restarts ...; 0: its supervisor counts them, with those of
  /// its siblings. REGROW_NONE: none is allowed.
  uint32_t max_restarts;
  /// ... within this many milliseconds; 0: 5000.
  uint32_t period_ms;
  /// What happens at the limit, its own or its supervisor's. REGROW_END (0): the supervisor ends. REGROW_PARK: the
  /// child stays down, shows as `parked`, and the siblings that are restarted with it stay down too, until
  /// regrow_supervisor_restart_child().
  uint32_t at_limit;
} regrow_backoff_spec;

/// How to start a process of any kind, and, as a child, what to do when it ends. Copied when used.
///
/// In an array each has the same `.size`, which is also the distance from one to the next.
typedef struct regrow_child_spec {
  /// sizeof(regrow_child_spec).
  size_t size;
  /// What it goes by under its supervisor, where it is unique; becomes a text term.
  const char *id;
  /// Borrowed: the same as any term. A child has one of the two.
  const regrow_term *id_term;
  /// What `spec` is; has no default. REGROW_SERVER, REGROW_SUPERVISOR, REGROW_DYNAMIC_SUPERVISOR,
  /// REGROW_PARTITION_SUPERVISOR, REGROW_TASK_SUPERVISOR, REGROW_REGISTRY, REGROW_AGENT, REGROW_PROCESS, REGROW_TASK,
  /// REGROW_HOST, REGROW_PUBSUB or REGROW_BEHAVIOUR.
  uint32_t kind;
  /// REGROW_PERMANENT: restarted whenever it ends. REGROW_TRANSIENT: unless with `normal`, `shutdown` or
  /// `{shutdown, _}`. REGROW_TEMPORARY: never, and forgotten then. 0: a task is temporary, all others are permanent.
  uint32_t restart;
  /// Time it has to end when it is told to shut down, before it is killed; 0: 5000, for a supervisor
  /// REGROW_INFINITY. REGROW_BRUTAL_KILL: killed at once.
  uint32_t shutdown_ms;
  /// Zero.
  uint32_t reserved;
  /// Borrowed: the spec of that kind, such as a regrow_server_spec. That it is one cannot be checked: read as another
  /// kind's, its fields would be taken for functions.
  const void *spec;
  /// A name that is registered for it before it runs, at each start. NULL: none, or `name_term`.
  const char *name;
  /// Borrowed: a registry and a key that it is registered under likewise. NULL: none.
  const regrow_address *via;
  /// 1: when it ends by itself its supervisor may end too, as that one's auto_shutdown says; not for a permanent one.
  uint32_t significant;
  /// Zero.
  uint32_t reserved_2;
  /// Borrowed: when and how often it is restarted. NULL: at once, and as its supervisor says.
  const regrow_backoff_spec *backoff;
  /// Borrowed: a name that is any term, in place of `name`.
  const regrow_term *name_term;
} regrow_child_spec;

/// What a callback returns: one of REGROW_READY ... REGROW_DONE, or what regrow_reply(), regrow_stop_self() and their
/// like gave. Anything else, zero included, ends the process with `bad_return_value`.
typedef int32_t regrow_next;

/// The whole life of a process. Returns REGROW_DONE, or what regrow_stop_self() gave.
typedef regrow_next (*regrow_body_callback)(regrow_context *context, void *user);

/// A plain process: a function that runs once, in a process of its own, and may receive.
typedef struct regrow_process_spec {
  /// sizeof(regrow_process_spec).
  size_t size;
  /// What it does.
  regrow_body_callback body;
  /// Passed to it, at each start.
  void *user;
  /// Gives `user` back, once for each call that took this struct, also when the call failed. NULL: nothing.
  regrow_drop_callback drop_user;
  /// REGROW_SHARED (0) or REGROW_THREAD.
  uint32_t home;
  /// REGROW_NO_PARK: it never waits.
  uint32_t flags;
  /// As in regrow_server_spec; messages that regrow_receive_match() passes over count too.
  uint32_t mailbox_limit;
  /// REGROW_REJECT (0), REGROW_DROP_OLDEST, REGROW_DROP_NEWEST or REGROW_BLOCK.
  uint32_t mailbox_policy;
  /// As in regrow_server_spec.
  uint32_t mailbox_wait_ms;
  /// As in regrow_server_spec: how long it may run without waiting or receiving.
  uint32_t watchdog_ms;
} regrow_process_spec;

/// Whom to answer later: one call, put off with regrow_defer(). A plain number, like a pid.
typedef struct regrow_caller {
  /// regrow's own.
  uint64_t server;
  /// regrow's own.
  uint64_t call;
} regrow_caller;

/// Makes the state of a server; runs before anyone sees the process.
///
/// `arg` is borrowed. `state` is an out-parameter, and stays NULL when it is not written. Returns REGROW_READY,
/// REGROW_IGNORE, or what regrow_stop_self() gave.
typedef regrow_next (*regrow_init_callback)(regrow_context *context, void *user, const regrow_term *arg, void **state);

/// Handles one message of a server; `message` is borrowed. Returns REGROW_NOREPLY, or what regrow_reply(),
/// regrow_stop_self() and their like gave.
typedef regrow_next (*regrow_handle_callback)(regrow_context *context, void *state, const regrow_term *message);

/// The last callback of a server that ends in order; `reason` is borrowed. The state is dropped after it.
typedef void (*regrow_terminate_callback)(regrow_context *context, void *state, const regrow_term *reason);

/// Shows a server's state as a term: write it to `*shown`, which is yours to make and the caller's to free.
typedef regrow_error (*regrow_get_state_callback)(void *state, regrow_term *shown);

/// Takes over a state that was given as a term; borrowed.
typedef regrow_error (*regrow_replace_state_callback)(void *state, const regrow_term *given);

/// A server: the callbacks it answers with. Copied when used.
///
/// Each start makes a state of its own by `init`, which the other callbacks get. They run one at a time. What they
/// return says what comes next: see regrow_reply() and its neighbours. Zero is no answer: a forgotten return ends the
/// server with `bad_return_value`.
typedef struct regrow_server_spec {
  /// sizeof(regrow_server_spec).
  size_t size;
  /// Makes the state, before the starter goes on. NULL: the state is NULL, and the server is up at once.
  regrow_init_callback init;
  /// A question from regrow_call(): return regrow_reply(). NULL: the caller gets REGROW_ERR_EXITED, `no_reply`.
  regrow_handle_callback handle_call;
  /// A message from regrow_cast(). NULL: dropped.
  regrow_handle_callback handle_cast;
  /// Any other message: regrow_send(), timers, DOWN, EXIT. NULL: dropped.
  regrow_handle_callback handle_info;
  /// The argument of regrow_continue(), before any message. NULL: dropped.
  regrow_handle_callback handle_continue;
  /// The server ends by itself, crashed, is stopped, or its parent told it to and it traps exits. Not called on other
  /// ends. NULL: nothing.
  regrow_terminate_callback terminate;
  /// Frees the state: once for each `init` that answered REGROW_READY, whatever ended the server. It runs on any
  /// thread, and may not wait. NULL: nothing.
  regrow_drop_callback drop;
  /// For regrow_get_state(). NULL: that is refused.
  regrow_get_state_callback get_state;
  /// For regrow_replace_state(). NULL: that is refused.
  regrow_replace_state_callback replace_state;
  /// Borrowed and cloned: passed to `init` at each start; NULL: [].
  const regrow_term *arg;
  /// Passed to `init` at each start.
  void *user;
  /// Gives `user` back, once for each call that took this struct, also when the call failed. NULL: nothing.
  regrow_drop_callback drop_user;
  /// REGROW_SHARED (0): on the workers. REGROW_THREAD: on a thread of its own, for code that blocks.
  uint32_t home;
  /// REGROW_NO_PARK: it never waits: calls that would are REGROW_ERR_WOULD_BLOCK. REGROW_INLINE: while it is idle, a
  /// call is answered there and then, on the caller's thread. From a process on the workers: on a stack of its own,
  /// so that the caller's limit holds when the callback waits. From a thread that is no worker, entered or not: on
  /// that thread's stack; a callback that waits then blocks that thread, and the limit is not kept. A server with a
  /// thread of its own, and calls from one, are queued as without it.
  uint32_t flags;
  /// How long `init` may take before the start fails with `timeout`; 0: no limit.
  uint32_t init_timeout_ms;
  /// How long a callback, `init` and `terminate` included, may run without waiting; 0: for ever. The time begins with
  /// the callback, and anew each time that it has waited or received; real time, whatever the clock. After that the
  /// process ends with the reason {watchdog, Ms}, as if it were killed: what the callback then asks of regrow is
  /// REGROW_ERR_KILLED, its state is dropped when it returns, and its thread is replaced. Calls are not answered
  /// inline.
  uint32_t watchdog_ms;
  /// How many messages its mailbox takes; 0: no limit. What users send counts (regrow_send(), regrow_cast(), calls,
  /// broadcasts), as long as it has not been taken up; what is broadcast to a subscription with max_messages counts
  /// against that instead. Exit signals, DOWN, timers, answers, what supervisors, registries, tables and groups tell
  /// of themselves, and what a system asks (regrow_stop(), regrow_suspend() and the like) are always taken, and never
  /// dropped.
  uint32_t mailbox_limit;
  /// What becomes of the message after that. REGROW_REJECT (0): its sender gets REGROW_ERR_LIMIT, `mailbox_full`.
  /// REGROW_DROP_OLDEST: the oldest one that counts is dropped for it. REGROW_DROP_NEWEST: it is dropped.
  /// REGROW_BLOCK: its sender waits for room, and gets REGROW_ERR_LIMIT when there is none in time; calls that are
  /// collected later do not wait. A call that is dropped fails at once with REGROW_ERR_LIMIT.
  uint32_t mailbox_policy;
  /// REGROW_BLOCK: how long a sender waits, at least 1 and not REGROW_INFINITY; a call no longer than its own limit,
  /// and then it is REGROW_ERR_TIMEOUT. Else 0.
  uint32_t mailbox_wait_ms;
  /// Zero.
  uint32_t mailbox_reserved;
} regrow_server_spec;

/// Gets the outcome of a request, once; `result` is borrowed.
typedef void (*regrow_reply_callback)(void *user, regrow_error error, const regrow_term *result);

/// How many children a supervisor has.
typedef struct regrow_child_count {
  /// sizeof(regrow_child_count).
  size_t size;
  /// All children, running or not.
  uint64_t specs;
  /// Those that are alive.
  uint64_t active;
  /// Those that are supervisors, running or not.
  uint64_t supervisors;
  /// Those that are not.
  uint64_t workers;
} regrow_child_count;

/// Runs in an agent (or for an entry of a registry) on what it keeps.
///
/// `state` is borrowed. A term written to `next` (updates only) or `reply` (what gives a value only) is moved; one that
/// is left alone means the state as it was, and []. They are never NULL, and hold nothing to be freed before. Returns
/// REGROW_DONE, or what regrow_stop_self() gave: then the state stays as it was, and the agent ends.
typedef regrow_next (*regrow_agent_callback)(regrow_context *context,
                                             void *user,
                                             const regrow_term *state,
                                             regrow_term *next,
                                             regrow_term *reply);

/// Gets the entries of a registry one by one; `value` is borrowed.
typedef void (*regrow_each_callback)(void *user, regrow_pid pid, const regrow_term *value);

/// How a subscription is.
typedef struct regrow_subscription {
  /// sizeof(regrow_subscription).
  size_t size;
  /// A queue group: each message goes to one of its members, in turn, whichever topics and patterns these are
  /// subscribed to. NULL: none.
  const char *queue;
  /// So many messages that the process has not received yet are kept; 0: any number. At the limit messages are
  /// dropped, and {lag, Topic, Count} comes in the place of those that are missing.
  uint32_t max_messages;
  /// Which are dropped: REGROW_DROP_NEWEST, and so with 0, or REGROW_DROP_OLDEST.
  uint32_t overflow;
} regrow_subscription;

/// What a task does. `argument` is borrowed: that of its spec, or the item of a stream.
///
/// A term written to `value` is moved, and what is waited for; one that is left alone means []. It is never NULL, and
/// holds nothing to be freed before. Returns REGROW_DONE, or what regrow_stop_self() gave.
typedef regrow_next (*regrow_task_callback)(regrow_context *context,
                                            void *user,
                                            const regrow_term *argument,
                                            regrow_term *value);

/// A task: a function that runs once, in a process of its own, for its value.
typedef struct regrow_task_spec {
  /// sizeof(regrow_task_spec).
  size_t size;
  /// What it does.
  regrow_task_callback run;
  /// Passed to it, each time it runs.
  void *user;
  /// Gives `user` back, once for each call that took this struct, also when the call failed: after the last run of a
  /// task that is restarted. NULL: nothing.
  regrow_drop_callback drop_user;
  /// Borrowed: passed to it, each time it runs. NULL: [].
  const regrow_term *argument;
  /// REGROW_SHARED (0) or REGROW_THREAD.
  uint32_t home;
  /// REGROW_NO_PARK: it never waits.
  uint32_t flags;
  /// As in regrow_server_spec: how long it may run without waiting or receiving. Not the time that its owner waits.
  uint32_t watchdog_ms;
  /// Only for regrow_task_supervisor_start_child(): REGROW_TEMPORARY (also 0): it runs once. REGROW_TRANSIENT: it is
  /// run again unless it ended with `normal`, `shutdown` or `{shutdown, _}`. REGROW_PERMANENT: whenever it has ended.
  /// Each run is a process of its own, and gets the same `user` and `argument`. As a child of another supervisor its
  /// regrow_child_spec says it. Elsewhere a task runs once: its value is waited for.
  uint32_t restart;
  /// As a task supervisor's: the time it has to end when it is told to shut down; 0: as that supervisor's spec says.
  /// REGROW_BRUTAL_KILL, REGROW_INFINITY. As a child of another supervisor its regrow_child_spec says it.
  uint32_t shutdown_ms;
  /// Zero.
  uint32_t reserved;
} regrow_task_spec;

/// A task, as its owner knows it. A plain number, like a pid.
typedef struct regrow_task {
  /// Its process.
  regrow_pid pid;
  /// Its value comes to the owner as {Ref, Value}, its end as the DOWN of the same Ref.
  regrow_ref monitor;
} regrow_task;

/// Gives the next item of a stream; false: there is none. Runs in the caller of regrow_task_stream(), and may wait.
/// What the tasks give comes to the caller's mailbox, so that it may receive only what is known not to be theirs
/// (regrow_receive_match()). A term written to `item` is moved.
typedef bool (*regrow_source_callback)(void *user, regrow_term *item);

/// Gets the results of a stream one by one: {ok, Value} or {exit, Reason}; `result` is borrowed. Runs in the caller of
/// regrow_task_stream(), and may wait, as regrow_source_callback. False: it wants no more.
typedef bool (*regrow_result_callback)(void *user, const regrow_term *result);

/// A task for each item of a source.
typedef struct regrow_stream_spec {
  /// sizeof(regrow_stream_spec).
  size_t size;
  /// Borrowed: what each task does; its `argument` is the item.
  const regrow_task_spec *task;
  /// Gives the items: asked for the next one only when a task may be started for it.
  regrow_source_callback source;
  /// Gets the results.
  regrow_result_callback result;
  /// Passed to both; used only during the call.
  void *user;
  /// The task supervisor that the tasks are children of. Zero: none.
  regrow_pid supervisor;
  /// REGROW_LINKED (0): a task that crashes ends the caller too, unless that traps exits. REGROW_UNLINKED: it does
  /// not; needs a supervisor.
  uint32_t place;
  /// So many tasks run at once; 0: as many as the runtime has workers.
  uint32_t max_concurrency;
  /// Of each task, in milliseconds; 0: 5000. REGROW_INFINITY.
  uint32_t timeout_ms;
  /// REGROW_EXIT_STREAM (0) or REGROW_KILL_TASK.
  uint32_t on_timeout;
  /// REGROW_ORDERED (0) or REGROW_UNORDERED.
  uint32_t order;
  /// Zero.
  uint32_t reserved;
} regrow_stream_spec;

/// A table. All zero: an unnamed, protected set, whose objects have their key in front.
typedef struct regrow_table_spec {
  /// sizeof(regrow_table_spec).
  size_t size;
  /// The name by which regrow_table_whereis() finds it, one of its own in the runtime. NULL: none.
  const char *name;
  /// Who gets the table when its owner ends. Zero: nobody, and the table goes.
  regrow_pid heir;
  /// Borrowed: the data of the message that tells the heir. NULL: [].
  const regrow_term *heir_data;
  /// REGROW_SET (0), REGROW_ORDERED_SET, REGROW_BAG or REGROW_DUPLICATE_BAG.
  uint32_t kind;
  /// REGROW_PROTECTED (0), REGROW_PUBLIC or REGROW_PRIVATE.
  uint32_t access;
  /// Which element of an object is its key, from 1. Zero: the first.
  uint32_t key_position;
  /// Zero.
  uint32_t reserved;
} regrow_table_spec;

/// A table: a plain number, never freed, never reused. Zero is no table. What is asked of one that is gone is
/// REGROW_ERR_NO_TABLE; what its access does not allow the caller, REGROW_ERR_ACCESS.
typedef struct regrow_table {
  /// Equal in equal tables; regrow's own otherwise.
  uint64_t id;
} regrow_table;

/// Gives the calling thread's `__cxa_eh_globals`, of the Itanium ABI for C++.
typedef void *(*regrow_globals_callback)(void);

/// Runs in a supervisor at each of its starts, before its children are started; it may wait. `arg` is borrowed: that of
/// the spec. `children` is where regrow_children_add() adds to those of the spec; NULL in a dynamic supervisor. Returns
/// REGROW_READY, REGROW_IGNORE or what regrow_stop_self() gave.
typedef regrow_next (*regrow_supervisor_init_callback)(regrow_context *context,
                                                       void *user,
                                                       const regrow_term *arg,
                                                       regrow_children *children);

/// Takes a message of a host process out to where it lives; `message` is borrowed. `caller` is zero unless it is a
/// call, which is answered with regrow_answer().
typedef void (*regrow_deliver_callback)(void *user, regrow_pid pid, const regrow_term *message, regrow_caller caller);

/// Told once that a host process has ended; nothing is delivered after it. `reason` is borrowed. It may not wait.
typedef void (*regrow_exit_callback)(void *user, regrow_pid pid, const regrow_term *reason);

/// A server whose callbacks were registered under a name. Copied when used.
typedef struct regrow_behaviour_spec {
  /// sizeof(regrow_behaviour_spec).
  size_t size;
  /// What it was registered as, by regrow_behaviour_register().
  const char *name;
  /// Borrowed and cloned: passed to `init` at each start, in place of what was registered; NULL: that.
  const regrow_term *arg;
} regrow_behaviour_spec;

/// A host process: its messages go to a function of the embedding program, one at a time, on some worker. For event
/// loops and other runtimes, whose objects become processes that way: named, linked, monitored, supervised.
typedef struct regrow_host_spec {
  /// sizeof(regrow_host_spec).
  size_t size;
  /// Gets each message.
  regrow_deliver_callback deliver;
  /// Told of the end. NULL: nothing.
  regrow_exit_callback exit;
  /// Passed to both.
  void *user;
  /// Gives `user` back, once for each call that took this struct, also when the call failed. NULL: nothing.
  regrow_drop_callback drop_user;
  /// REGROW_NOT_BUSY: calls to it may stay unanswered for long. Else regrow_settle() and regrow_advance() wait until
  /// each is answered, or its caller has given up. REGROW_TAG_CASTS: casts come as {'$gen_cast', Message}.
  uint32_t flags;
  /// As in regrow_server_spec, of `deliver`; `exit` is called when that has returned.
  uint32_t watchdog_ms;
  /// As in regrow_server_spec, of messages that were not delivered yet. See regrow_host_hold().
  uint32_t mailbox_limit;
  /// REGROW_REJECT (0), REGROW_DROP_OLDEST, REGROW_DROP_NEWEST or REGROW_BLOCK.
  uint32_t mailbox_policy;
  /// As in regrow_server_spec.
  uint32_t mailbox_wait_ms;
  /// Zero.
  uint32_t mailbox_reserved;
} regrow_host_spec;

/// A supervisor, and the children it starts with. Copied when used.
typedef struct regrow_supervisor_spec {
  /// sizeof(regrow_supervisor_spec).
  size_t size;
  /// Who is stopped and started again with a child that ended: REGROW_ONE_FOR_ONE (0): nobody else.
  /// REGROW_ONE_FOR_ALL: all children. REGROW_REST_FOR_ONE: those that were started after it.
  /// REGROW_SIMPLE_ONE_FOR_ONE: nobody else; the one child here is the template of all children, and none is started
  /// before regrow_supervisor_start_instance(). They are started and stopped side by side, as those of a
  /// regrow_dynamic_supervisor_spec.
  uint32_t strategy;
  /// More than this many restarts ...; 0: 3, REGROW_NONE: none is allowed.
  uint32_t max_restarts;
  /// ... within this many milliseconds end the supervisor itself, with reason `shutdown`; 0: 5000.
  uint32_t period_ms;
  /// Zero.
  uint32_t reserved;
  /// Borrowed: started in this order, each when the one before is up, and stopped in the other.
  const regrow_child_spec *children;
  /// How many they are.
  size_t child_count;
  /// Runs before its children are started, at each start; can add children, made from `arg`. NULL: nothing.
  regrow_supervisor_init_callback init;
  /// Passed to `init`.
  void *user;
  /// Gives `user` back, once for each call that took this struct, also when the call failed. NULL: nothing.
  regrow_drop_callback drop_user;
  /// Whether the supervisor ends, with reason `shutdown`, when significant children have ended by themselves:
  /// REGROW_NEVER (0), REGROW_ANY_SIGNIFICANT or REGROW_ALL_SIGNIFICANT.
  uint32_t auto_shutdown;
  /// REGROW_PARALLEL_START: children that are started together, at first and when a group is restarted, are started
  /// all at once, and the start is over when the last of them is up. They are stopped one after the other.
  uint32_t flags;
  /// Borrowed: passed to `init`. NULL: [].
  const regrow_term *arg;
} regrow_supervisor_spec;

/// A supervisor that starts empty: regrow_supervisor_start_child() gives it children of any kind, each with a spec of
/// its own, any number at a time. They are started, restarted and stopped side by side, and a child may start a sibling
/// from its init. One that has ended and is not restarted is forgotten. Copied when used.
typedef struct regrow_dynamic_supervisor_spec {
  /// sizeof(regrow_dynamic_supervisor_spec).
  size_t size;
  /// So many children at once, those that are being started or restarted included; one more is REGROW_ERR_LIMIT with
  /// reason `max_children`. 0: any number. REGROW_NONE: none.
  uint32_t max_children;
  /// More than this many restarts ...; 0: 3, REGROW_NONE: none is allowed.
  uint32_t max_restarts;
  /// ... within this many milliseconds end the supervisor itself, with reason `shutdown`; 0: 5000.
  uint32_t period_ms;
  /// REGROW_UNIQUE_IDS: an id that a child has is REGROW_ERR_EXISTS, told once that child is up (at once in a child's
  /// init and to who answers a call of one, which would be waited for); one that fails to start, or is being
  /// stopped, makes way. Else any number of children may have the same, and are told apart by their pids.
  uint32_t flags;
  /// Runs at each start. NULL: nothing.
  regrow_supervisor_init_callback init;
  /// Passed to `init`.
  void *user;
  /// Gives `user` back, once for each call that took this struct, also when the call failed. NULL: nothing.
  regrow_drop_callback drop_user;
  /// Borrowed: passed to `init`. NULL: [].
  const regrow_term *arg;
} regrow_dynamic_supervisor_spec;

/// A supervisor of the same child several times, once for each partition: what would be one process that everybody
/// waits for becomes several. A key leads to its partition by regrow_partition_whereis(), or by a regrow_address with
/// the supervisor in place of a registry. The children's ids are 0, 1, 2, ... Copied when used.
typedef struct regrow_partition_supervisor_spec {
  /// sizeof(regrow_partition_supervisor_spec).
  size_t size;
  /// Borrowed: what each partition is. Its id is not looked at; it has no name and no via.
  const regrow_child_spec *child;
  /// How many, at most 65536; 0: one for each processor.
  uint32_t partitions;
  /// As in regrow_supervisor_spec, but for REGROW_SIMPLE_ONE_FOR_ONE.
  uint32_t strategy;
  /// As in regrow_supervisor_spec.
  uint32_t max_restarts;
  /// As in regrow_supervisor_spec.
  uint32_t period_ms;
  /// REGROW_WITH_NUMBER: each gets the number of its partition as one more argument, as in
  /// regrow_supervisor_start_instance(), which tells which kinds take one.
  uint32_t flags;
  /// Zero.
  uint32_t reserved;
} regrow_partition_supervisor_spec;

/// A registry. Whoever enters it is linked with it by each entry, if it is not already, until it has none: one that is
/// killed takes them along.
typedef struct regrow_registry_spec {
  /// sizeof(regrow_registry_spec).
  size_t size;
  /// REGROW_UNIQUE (0): one entry for each key. REGROW_DUPLICATE: any number.
  uint32_t keys;
  /// Into how many parts its table is cut, each with a lock of its own; no function's result depends on it. 0: 64.
  uint32_t partitions;
  /// The names of processes that are told what comes and goes, by messages in the order in which it happened:
  /// {register, Registry, Key, Pid, Value} for each entry, and {unregister, Registry, Key, Pid} once Pid has no
  /// entry left under Key, for whatever reason, a crash included: the entry is gone then, but not yet all else
  /// of a process that ends. Registry is the registry's name as text, or its pid. A name that nobody has at that moment
  /// misses the event.
  const char *const *listeners;
  /// How many listeners.
  size_t listener_count;
  /// Borrowed: a map of what is kept beside the entries at each start; see regrow_registry_put_meta(). NULL: nothing.
  const regrow_term *meta;
} regrow_registry_spec;

/// An agent: keeps a term, and runs functions over it one after the other.
typedef struct regrow_agent_spec {
  /// sizeof(regrow_agent_spec).
  size_t size;
  /// Borrowed: the state at each start. NULL: [].
  const regrow_term *initial;
  /// Makes the state, `next`, from `initial`, in the agent; its start waits for that. NULL: `initial` is the state.
  regrow_agent_callback init;
  /// Passed to `init`.
  void *user;
  /// Gives `user` back, once for each call that took this struct, also when the call failed. NULL: nothing.
  regrow_drop_callback drop_user;
  /// REGROW_NO_PARK: its functions never wait. REGROW_INLINE: as in regrow_server_spec.
  uint32_t flags;
  /// As in regrow_server_spec, of `init` and of each function. Whoever lent a function that is ended so still waits
  /// until it has returned.
  uint32_t watchdog_ms;
  /// As in regrow_server_spec; functions count.
  uint32_t mailbox_limit;
  /// REGROW_REJECT (0), REGROW_DROP_OLDEST, REGROW_DROP_NEWEST or REGROW_BLOCK.
  uint32_t mailbox_policy;
  /// As in regrow_server_spec.
  uint32_t mailbox_wait_ms;
  /// Zero.
  uint32_t mailbox_reserved;
} regrow_agent_spec;

/// A pubsub: groups and topics. Nobody is linked with it, and it starts empty.
typedef struct regrow_pubsub_spec {
  /// sizeof(regrow_pubsub_spec).
  size_t size;
  /// Zero.
  uint64_t reserved;
} regrow_pubsub_spec;

/// A supervisor of tasks. They are temporary, but for those that were started to be restarted: see regrow_task_spec.
/// One that is restarted keeps its place, and begins at once if it had begun, whoever waits for a turn.
///
/// regrow_supervisor_which_children(), regrow_supervisor_count_children(), regrow_supervisor_terminate_child(),
/// regrow_supervisor_subscribe(), regrow_supervisor_unsubscribe() and regrow_supervisor_history() take one too; its
/// tasks have the id `undefined`, and go by their pids.
typedef struct regrow_task_supervisor_spec {
  /// sizeof(regrow_task_supervisor_spec).
  size_t size;
  /// So many tasks run at once; 0: any number.
  uint32_t max_children;
  /// What becomes of one too many: REGROW_REFUSE (0): REGROW_ERR_LIMIT. REGROW_QUEUE: it is started, and begins when
  /// its turn has come. While a task awaits (or yields for, or streams over) tasks of its own supervisor, one of them
  /// after the other runs in its place; one that waits for them in another way keeps it, perhaps for ever.
  uint32_t at_limit;
  /// The time that a task has to end when it is stopped, if its own spec does not say it; 0: 5000.
  /// REGROW_INFINITY. A supervisor that stops tells all of them at once.
  uint32_t task_shutdown_ms;
  /// Zero.
  uint32_t reserved;
  /// More than this many restarts ...; 0: 3, REGROW_NONE: none is allowed.
  uint32_t max_restarts;
  /// ... within this many milliseconds end the supervisor itself, with reason `shutdown`; 0: 5000.
  uint32_t period_ms;
} regrow_task_supervisor_spec;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* ---- Runtime: start, stop, time, errors ---- */

/// The library's binary interface, as a number that grows with each change: REGROW_ABI_VERSION of its own header. Any
/// thread.
uint32_t regrow_abi_version(void);

/// The library's version, such as "0.1.0"; static. Any thread.
const char *regrow_version(void);

/// Starts a runtime and returns its root supervisor, the handle to all of it. May wait.
///
/// @param options  borrowed; NULL takes every default.
/// @param root     out: the root: start children under it, stop everything with regrow_shutdown().
/// @return REGROW_ERR_LIMIT when no thread can be had.
regrow_error regrow_init(const regrow_options *options, regrow_pid *root);

/// Stops a runtime: every process, children last to first, then the threads. Waits; not in a callback.
///
/// After REGROW_OK no callback runs and none will. At REGROW_ERR_TIMEOUT everything has been killed, and what is still
/// inside a callback is stuck: call again to go on waiting. A thread that entered this runtime leaves it.
///
/// @param timeout_ms  also what the children's shutdown times are cut off at; REGROW_INFINITY: none.
/// @param stuck       out, also at REGROW_ERR_TIMEOUT: a list of the pids whose callbacks have not returned, or
///                    whose ends are not over; yours. NULL: not wanted.
regrow_error regrow_shutdown(regrow_pid root, uint32_t timeout_ms, regrow_term *stuck);

/// Makes the calling thread a process of the runtime, until it leaves or ends: it may link, monitor and receive. Any
/// thread that is none yet.
///
/// @param runtime  the root, or any other process, of the runtime.
/// @param pid      out. NULL: not wanted.
/// @return REGROW_ERR_EXISTS when it is one already, or runs a callback.
regrow_error regrow_enter(regrow_pid runtime, regrow_pid *pid);

/// Ends the calling thread's process, with reason normal; the thread goes on without an identity. Entered threads.
///
/// @return REGROW_ERR_CONTEXT when it did not enter.
regrow_error regrow_leave(void);

/// An eventfd that is readable when a message, or the answer to a request of this thread, has come. For event loops:
/// read it, then take with time limit 0 until there is nothing. It stays regrow's: do not close it. Entered threads.
regrow_error regrow_thread_fd(int32_t *fd);

/// Waits until the runtime is quiet: nothing runs, no signal is under way, and only a timer, or a call from outside,
/// could change that. Not in a callback (REGROW_ERR_WOULD_DEADLOCK). A dead process's callback does not count.
///
/// Work outside counts where regrow is told of it: by a busy token (regrow_busy()), and by a call to a host process
/// that is not answered. A call that a server has put off with regrow_defer() does not count by itself.
///
/// @param timeout_ms  real time, whatever the clock.
/// @param settled     in-out: `.size` set; filled in. NULL: not wanted.
regrow_error regrow_settle(regrow_pid runtime, uint32_t timeout_ms, regrow_settled *settled);

/// As regrow_settle(), to be collected later: `quiet`, or `{waiting, DeadlineMs, user | supervision | sleep}`. Any
/// thread.
regrow_error regrow_settle_async(regrow_pid runtime, regrow_request **pending);

/// Tells the runtime that work for it goes on where it cannot see that: until the token is given back with
/// regrow_done(), regrow_settle() and regrow_advance() wait. Any thread, also in a callback.
///
/// Take it before the work is handed out, such as a call put off with regrow_defer() that a thread of yours answers;
/// give it back after the last call that the work makes. regrow_shutdown() does not wait for tokens.
///
/// @param runtime  the root, or any other process of the runtime.
/// @param token    out: a plain value, good on any thread; to be given back once.
regrow_error regrow_busy(regrow_pid runtime, regrow_ref *token);

/// Gives a busy token back. Any thread, also in a callback, and in that of a killed process.
///
/// @param runtime  the root, or any other process of the runtime that the token is from.
/// @return REGROW_ERR_NOT_FOUND when it was given back before, or is none of this runtime's.
regrow_error regrow_done(regrow_pid runtime, regrow_ref token);

/// Runs a function in which nothing waits: what would is REGROW_ERR_WOULD_BLOCK. For threads that may not be held up,
/// such as those of an event loop or of another language's scheduler. Any thread.
///
/// As in a drop function there is no identity in it, whoever the caller is.
///
/// @param run   called once, before this returns.
/// @param user  passed to it.
regrow_error regrow_without_waiting(regrow_run_callback run, void *user);

/// Moves a manual clock on by `ms`, from deadline to deadline, and lets the runtime come to rest at each. Time stands
/// still while work goes on outside, as regrow_settle() sees it. Waits; not in a callback.
///
/// @return REGROW_ERR_ARGUMENT when the clock is not manual.
regrow_error regrow_advance(regrow_pid runtime, uint64_t ms);

/// The runtime's time, in milliseconds since it started. Any thread.
regrow_error regrow_now(regrow_pid runtime, uint64_t *ms);

/// Reads the runtime's numbers. Any thread.
///
/// @param stats  in-out: `.size` set; filled in.
regrow_error regrow_stats_read(regrow_pid runtime, regrow_stats *stats);

/// The name of an error, such as "REGROW_ERR_TIMEOUT"; static, never NULL. Any thread, also in a forked child.
const char *regrow_error_name(int32_t error);

/// Tells what the caller's last failed call complained of. The last error belongs to the process in whose callback it
/// happened, or else to the thread; calls that succeed leave it alone. Any thread.
///
/// @param text  out: a sentence, cut to `size` bytes with its NUL. NULL: not wanted.
/// @return the last error's code; REGROW_OK when there was none.
regrow_error regrow_last_error(char *text, size_t size);

/// OTP's term for the caller's last error: `noproc`, `{already_started, Pid}`, the reason of the process that ended.
/// Any thread.
///
/// @param reason  out; yours.
/// @return REGROW_ERR_NOT_FOUND when there was no error yet.
regrow_error regrow_last_reason(regrow_term *reason);

/* ---- Making terms ---- */

/// The empty list, `[]`, which is also what a zeroed regrow_term is. Any thread.
regrow_term regrow_nil(void);

/// An integer. Any thread.
regrow_term regrow_int(int64_t value);

/// A float. Infinities and NaN, which Erlang has not, give the invalid term. Any thread.
regrow_term regrow_float(double value);

/// The atom `true` or `false`. Any thread.
regrow_term regrow_bool(bool value);

/// An atom: a constant name of at most 255 characters, such as "ok".
///
/// Atoms are never freed; a name that comes from outside the program is better a text. Invalid for NULL, for what is
/// not UTF-8, and when there are 1,048,576 atoms. Any thread.
regrow_term regrow_atom(const char *name);

/// Text; a binary in Erlang. Invalid for NULL and for what is not UTF-8. Any thread.
regrow_term regrow_text(const char *utf8);

/// Bytes; a binary in Erlang. Invalid for NULL, unless `size` is 0. Any thread.
regrow_term regrow_bytes(const void *data, size_t size);

/// A tuple of `count` terms.
///
/// The items are moved out of the array, which is left nil, also when the tuple is invalid: because an item is, or
/// beyond 16,777,215 items. Any thread.
regrow_term regrow_tuple(regrow_term *items, size_t count);

/// A list of `count` terms. The items are moved out of the array, which is left nil, also when one of them is invalid
/// and so the list is. Any thread.
regrow_term regrow_list(regrow_term *items, size_t count);

/// `[Head | Tail]`: a list with one more term in front. Both are moved. Any thread.
regrow_term regrow_cons(regrow_term head, regrow_term tail);

/// A map of `count` keys and their values; of equal keys the last one wins.
///
/// Keys and values are moved out of the arrays, which are left nil, also when one is invalid and so the map is. Keys
/// are equal as regrow_term_equal() says: 1 and 1.0 are two. Any thread.
regrow_term regrow_map(regrow_term *keys, regrow_term *values, size_t count);

/// A process, to be sent inside a message. Any thread.
regrow_term regrow_from_pid(regrow_pid pid);

/// A reference, to be sent inside a message. Any thread.
regrow_term regrow_from_ref(regrow_ref reference);

/// A pointer of yours, to be sent inside a message.
///
/// `drop` is called with it once the last clone of the term is freed, by the thread that frees it; also when the term
/// could not be made. NULL: nothing is to be done. Any thread.
regrow_term regrow_resource(void *pointer, regrow_drop_callback drop);

/// Another owner of the same value; yours. Nothing is copied. Invalid when the term is NULL, spent or invalid. Any
/// thread.
regrow_term regrow_term_clone(const regrow_term *term);

/// Gives a term back. The variable is left nil, so that freeing it twice is harmless; NULL does nothing. Any thread.
void regrow_term_free(regrow_term *term);

/// Decodes a term from Erlang's External Term Format; the bytes need not be trusted.
///
/// @param term  out.
/// @return REGROW_ERR_ARGUMENT when the bytes are no term, or more than one; REGROW_ERR_LIMIT when they unpack to more
///         than 64 MiB, hold more than 1,000 new atoms, or an integer of more than 128 KiB. Any thread.
regrow_error regrow_term_decode(const void *data, size_t size, regrow_term *term);

/* ---- Reading terms ---- */

/// Whether it is a term at all: not NULL, not spent, not invalid. Any thread.
bool regrow_is_valid(const regrow_term *term);

/// Whether it is the empty list. Any thread.
bool regrow_is_nil(const regrow_term *term);

/// Whether it is the atom of that name. Any thread.
bool regrow_is_atom(const regrow_term *term, const char *name);

/// Whether it is an integer, of any size. Any thread.
bool regrow_is_int(const regrow_term *term);

/// Whether it is a float. Any thread.
bool regrow_is_float(const regrow_term *term);

/// Whether it is bytes or text. Any thread.
bool regrow_is_bytes(const regrow_term *term);

/// Whether it is a tuple. Any thread.
bool regrow_is_tuple(const regrow_term *term);

/// Whether it is a list, empty or not, proper or not. Any thread.
bool regrow_is_list(const regrow_term *term);

/// Whether it is a map. Any thread.
bool regrow_is_map(const regrow_term *term);

/// Whether it is the pid of a regrow process. Any thread.
bool regrow_is_pid(const regrow_term *term);

/// Whether it is a reference of regrow. Any thread.
bool regrow_is_ref(const regrow_term *term);

/// Whether it is what regrow_resource() made. Any thread.
bool regrow_is_resource(const regrow_term *term);

/// Reads an integer. False, and `value` untouched, when it is none or does not fit. Any thread.
bool regrow_as_int(const regrow_term *term, int64_t *value);

/// Reads a float. False, and `value` untouched, when it is none; an integer is none. Any thread.
bool regrow_as_float(const regrow_term *term, double *value);

/// Reads the atom `true` or `false`. False, and `value` untouched, when it is neither. Any thread.
bool regrow_as_bool(const regrow_term *term, bool *value);

/// Reads the name of an atom, which stays for ever. False, and `name` untouched, when it is none, or has a NUL in its
/// name. Any thread.
bool regrow_as_atom(const regrow_term *term, const char **name);

/// Reads text or the name of an atom, NUL-terminated.
///
/// Good until this very variable is moved, freed or leaves its scope: short text lies inside it. False, and `utf8`
/// untouched, when it is neither, is not UTF-8, or has a NUL in it. Any thread.
bool regrow_as_text(const regrow_term *term, const char **utf8);

/// Reads bytes or text.
///
/// Good until this very variable is moved, freed or leaves its scope: short bytes lie inside it. False, and nothing
/// written, when it is neither. Either out-parameter may be NULL: not wanted. Any thread.
bool regrow_as_bytes(const regrow_term *term, const uint8_t **data, size_t *size);

/// Reads a pid. False, and `pid` untouched, when it is none. Any thread.
bool regrow_as_pid(const regrow_term *term, regrow_pid *pid);

/// Reads a reference. False, and `reference` untouched, when it is none. Any thread.
bool regrow_as_ref(const regrow_term *term, regrow_ref *reference);

/// Reads the pointer of a resource; good as long as any clone of the term. False, and `pointer` untouched, when it is
/// none. Any thread.
bool regrow_as_resource(const regrow_term *term, void **pointer);

/// How many items a tuple has. False, and `size` untouched, when it is none. Any thread.
bool regrow_tuple_size(const regrow_term *term, size_t *size);

/// An item of a tuple, from 0; borrowed, as long as the tuple lives. NULL beyond the last, and when it is no tuple. Any
/// thread.
const regrow_term *regrow_tuple_get(const regrow_term *term, size_t index);

/// The first term of a list; borrowed, as long as the list lives. NULL when it is empty, or no list. Any thread.
const regrow_term *regrow_list_head(const regrow_term *list);

/// A list but for its first term; borrowed, as long as the list lives. NULL when it is empty, or no list. Any thread.
const regrow_term *regrow_list_tail(const regrow_term *list);

/// How many terms a list has, which are counted one by one. False, and `length` untouched, when it is no list, or does
/// not end in `[]`. Any thread.
bool regrow_list_length(const regrow_term *list, size_t *length);

/// How many keys a map has. False, and `size` untouched, when it is none. Any thread.
bool regrow_map_size(const regrow_term *term, size_t *size);

/// The value of a key; borrowed, as long as the map lives. NULL when there is no such key, and when it is no map. Any
/// thread.
const regrow_term *regrow_map_get(const regrow_term *map, const regrow_term *key);

/// A key and its value by place, from 0, in Erlang's order of keys; both borrowed, as long as the map lives.
///
/// False, and nothing written, beyond the last, and when it is no map. Either out-parameter may be NULL: not wanted.
/// Any thread.
bool regrow_map_at(const regrow_term *map, size_t index, const regrow_term **key, const regrow_term **value);

/// Erlang's order of terms: below 0, 0 (`==`) or above 0. What is NULL, spent or invalid comes before every term. Any
/// thread.
int regrow_term_compare(const regrow_term *left, const regrow_term *right);

/// Whether two terms are the same (`=:=`): 1 and 1.0 are not. False when one is NULL, spent or invalid. Any thread.
bool regrow_term_equal(const regrow_term *left, const regrow_term *right);

/// Writes a term as Erlang's `~w` does, cut to `size` bytes, NUL-terminated.
///
/// Returns the length of all of it, without the NUL, as snprintf does. `text` may be NULL when `size` is 0. What is
/// NULL, spent or invalid is written as the invalid term is. Any thread.
size_t regrow_term_print(const regrow_term *term, char *text, size_t size);

/// Encodes a term in Erlang's External Term Format.
///
/// @param bytes  out: a bytes term.
/// @return REGROW_ERR_WRONG_KIND when the term is a resource or holds one; REGROW_ERR_LIMIT when something in it has
///         more than 2^32 - 1 bytes or items. Any thread.
regrow_error regrow_term_encode(const regrow_term *term, regrow_term *bytes);

/* ---- Processes ---- */

/// The calling process: the one whose callback this is, or that this thread entered as. Needs an identity.
///
/// @return REGROW_ERR_CONTEXT on a thread that is none.
regrow_error regrow_self(regrow_pid *pid);

/// The root of the runtime that a process lives in. Any thread.
regrow_error regrow_root(regrow_pid pid, regrow_pid *root);

/// Whether the process is alive. It says no only once everything the process held is released. Any thread.
///
/// Never waits, as OTP's is_process_alive/1 may: one that was told to end while its code runs, or that has much to
/// release, is alive until it has ended. Its DOWN tells when that is.
bool regrow_is_alive(regrow_pid pid);

/// Sends a plain message, which a server gets in `handle_info`, and others with regrow_receive(). Any thread.
///
/// REGROW_OK also when the process is dead: the message is dropped. A process whose mailbox has a limit may refuse it
/// (regrow_server_spec.mailbox_limit): REGROW_ERR_LIMIT, `mailbox_full`. With REGROW_BLOCK, and only then, this may
/// wait: REGROW_ERR_WOULD_BLOCK where that is not allowed, REGROW_ERR_WOULD_DEADLOCK when it is the caller's own
/// mailbox.
///
/// @param message  moved.
regrow_error regrow_send(regrow_pid pid, regrow_term message);

/// Sends the same message to many. Any thread. A mailbox that is full is passed over, whatever its policy: this does
/// not wait, and is REGROW_OK.
///
/// @param message  borrowed; nothing is copied but the handle.
/// @param pids     borrowed; `count` of them.
regrow_error regrow_broadcast(const regrow_term *message, const regrow_pid *pids, size_t count);

/// Takes the oldest message, waiting for one if there is none; a priority message (regrow_alias_opt()) before the
/// others. May wait; needs an identity.
///
/// EXIT and DOWN come as {'EXIT', Pid, Reason} and {'DOWN', Ref, process, Pid, Reason}.
///
/// @param timeout_ms  0 looks once and never waits.
/// @param message     out; yours.
regrow_error regrow_receive(uint32_t timeout_ms, regrow_term *message);

/// Takes the oldest message that `matches` takes; the others stay, in their order. May wait; needs an identity.
regrow_error regrow_receive_match(regrow_match_callback matches, void *user, uint32_t timeout_ms, regrow_term *message);

/// Drops the messages that are there now. Needs an identity.
///
/// @param count  out: how many. NULL: not wanted.
regrow_error regrow_flush(size_t *count);

/// Does nothing for `ms` milliseconds of the runtime's clock (real time on a thread without identity); 0 lets others
/// run first. May wait.
regrow_error regrow_sleep(uint32_t ms);

/// Sends an exit signal, by the rules of OTP's exit/2. REGROW_OK also when the process is dead. Any thread.
///
/// `kill` ends any process at once, with reason `killed`. `normal` does nothing to another process, and ends the caller
/// itself. Any other reason ends a process that does not trap exits, and becomes {'EXIT', From, Reason} in one that
/// does.
///
/// @param reason  moved.
regrow_error regrow_exit(regrow_pid pid, regrow_term reason);

/// Links the caller with another process: the end of either is an exit signal to the other. Once, however often it is
/// asked for. Needs an identity.
///
/// @return REGROW_ERR_NO_PROCESS when it is dead; a caller that traps exits gets an EXIT with `noproc` instead.
regrow_error regrow_link(regrow_pid pid);

/// Takes the link away; no EXIT of it comes after this. Needs an identity.
regrow_error regrow_unlink(regrow_pid pid);

/// Has the caller get {'DOWN', Ref, process, Pid, Reason} once the process ends; at once, with `noproc`, if it is dead.
/// Each monitor gives one message. Needs an identity.
///
/// @param monitor  out: the Ref.
regrow_error regrow_monitor(regrow_pid pid, regrow_ref *monitor);

/// Takes a monitor away. Needs an identity.
///
/// @param flags    REGROW_FLUSH: takes its DOWN out of the mailbox too.
/// @param removed  out: false when it had fired, or never was. NULL: not wanted.
regrow_error regrow_demonitor(regrow_ref monitor, uint32_t flags, bool *removed);

/// Makes a Ref that others can send to with regrow_send_alias(), until it is taken away or the caller ends: for answers
/// that are not wanted for ever. Needs an identity.
///
/// The Ref of a monitor (or task) is an alias too, until its DOWN has come or it was taken away.
///
/// @param alias  out: the Ref.
regrow_error regrow_alias(regrow_ref *alias);

/// Takes an alias of the caller's away: what is sent to it from now on is dropped before it comes to the mailbox. Needs
/// an identity.
///
/// @param removed  out: false when it was none. NULL: not wanted.
regrow_error regrow_unalias(regrow_ref alias, bool *removed);

/// As regrow_send(), to an alias of a process, and never waits: no limit of its mailbox holds this up. REGROW_OK also
/// when the alias has been taken away: the message is dropped, and shown to regrow_options.undelivered. Any thread.
///
/// @param message  moved.
regrow_error regrow_send_alias(regrow_pid pid, regrow_ref alias, regrow_term message);

/// Says whether exit signals to the caller become messages. Needs an identity.
///
/// @param previous  out: how it was. NULL: not wanted.
regrow_error regrow_trap_exit(bool trap, bool *previous);

/// Gives a process a name, until it ends. One name for each process. Any thread.
///
/// @param name  not empty.
/// @return REGROW_ERR_EXISTS when somebody has the name, or the process has one; REGROW_ERR_NO_PROCESS when it is dead.
regrow_error regrow_register(regrow_pid pid, const char *name);

/// As regrow_register(), with a name of any kind; compared exactly: 1 is not 1.0. One that is text is the same as with
/// regrow_register(). Any thread.
///
/// @param name  moved.
regrow_error regrow_register_term(regrow_pid pid, regrow_term name);

/// Takes a name away. Any thread.
///
/// @param runtime  the root, or any other process, of the runtime meant.
regrow_error regrow_unregister(regrow_pid runtime, const char *name);

/// As regrow_unregister(), with a name of any kind. Any thread.
///
/// @param name  borrowed.
regrow_error regrow_unregister_term(regrow_pid runtime, const regrow_term *name);

/// The process that goes by a name now. Any thread.
///
/// @param runtime  the root, or any other process, of the runtime to look in.
/// @param pid      out.
/// @return REGROW_ERR_NOT_FOUND also while the process is between two lives.
regrow_error regrow_whereis(regrow_pid runtime, const char *name, regrow_pid *pid);

/// As regrow_whereis(), with a name of any kind. Any thread.
///
/// @param name  borrowed.
regrow_error regrow_whereis_term(regrow_pid runtime, const regrow_term *name, regrow_pid *pid);

/// Sends a message after a while; never early. The timer ends with the process it is for. Any thread.
///
/// REGROW_OK also when the process is dead: the timer is one that has fired.
///
/// @param message  moved.
/// @param timer    out, for regrow_cancel_timer(). NULL: not wanted.
regrow_error regrow_send_after(regrow_pid pid, uint32_t ms, regrow_term message, regrow_ref *timer);

/// As regrow_send_after(); the message comes as {timeout, Ref, Message}. Any thread.
regrow_error regrow_start_timer(regrow_pid pid, uint32_t ms, regrow_term message, regrow_ref *timer);

/// Sends a message every `ms` milliseconds, the k-th at k times `ms`, without drift; after a standstill it catches up.
/// Ends with the process it is for. Any thread.
///
/// @param ms       at least 1.
/// @param message  moved.
/// @param timer    out. NULL: not wanted.
regrow_error regrow_send_interval(regrow_pid pid, uint32_t ms, regrow_term message, regrow_ref *timer);

/// Cancels a timer. Any thread.
///
/// @param runtime  the root, or any other process, of the runtime it was started in.
/// @param flags    REGROW_FLUSH: when it has fired, takes its message out of the caller's mailbox (only of timers made
///                 by regrow_start_timer(), whose message names the timer).
/// @param left_ms  out: the milliseconds that were left, rounded up. NULL: not wanted.
/// @return REGROW_ERR_NOT_FOUND when it has fired, even if its message waits in the mailbox, or was cancelled before.
regrow_error regrow_cancel_timer(regrow_pid runtime, regrow_ref timer, uint32_t flags, uint64_t *left_ms);

/// The time a timer has left. Any thread.
///
/// @return REGROW_ERR_NOT_FOUND when it has fired or was cancelled.
regrow_error regrow_read_timer(regrow_pid runtime, regrow_ref timer, uint64_t *left_ms);

/// Gives the calling process a label, for people and tools. Needs an identity.
///
/// @param label  borrowed.
regrow_error regrow_set_label(const regrow_term *label);

/// What can be said of a process without asking it. Any thread.
///
/// `ancestors` are the parent, its parent and so on (at most 64), as they were when the process started, dead or alive:
/// a name for who had one then, else the pid.
///
/// `message_queue_len` counts the messages that wait to be handled: exact while none comes or goes.
///
/// `behind` is undefined, as a rule. A process that waited in a callback goes on on the thread where that began; while
/// another's callback has that thread, `behind` is that other, dead or alive.
///
/// @param map  out: #{pid, kind, status, behind, message_queue_len, name, label, parent, ancestors, links, callers,
///             trap_exit}; yours.
regrow_error regrow_info(regrow_pid pid, regrow_term *map);

/// Tells a server something. REGROW_OK means queued, not handled; also when the process is dead. It waits, or is
/// refused, only where the mailbox has a limit: as regrow_send(). Any thread.
///
/// @param message  moved; `handle_cast` gets it. A plain process, a task and an entered thread drop it: regrow_send()
///                 is for those.
regrow_error regrow_cast(regrow_pid pid, regrow_term message);

/* ---- Priority messages ---- */

/// As regrow_alias(). With REGROW_PRIORITY it is a priority alias: by it others can send priority messages to the
/// caller, if they say so. Needs an identity.
///
/// A priority message comes before all ordinary messages that are in the mailbox, and after the priority messages
/// there; for its receiver it is a message as any other. No limit of a mailbox holds it up. Use it for what cannot wait
/// behind a long queue, and little else: it has no place in code that sends much.
///
/// @param flags  0 or REGROW_PRIORITY.
/// @param alias  out: the Ref, to be given to those who may.
regrow_error regrow_alias_opt(uint32_t flags, regrow_ref *alias);

/// As regrow_send_alias(). With REGROW_PRIORITY, and to a priority alias, it is a priority message: to any other alias,
/// or without the flag, an ordinary one. Any thread.
///
/// @param message  moved.
/// @param flags    0 or REGROW_PRIORITY.
regrow_error regrow_send_alias_opt(regrow_pid pid, regrow_ref alias, regrow_term message, uint32_t flags);

/// As regrow_exit(), to an alias of a process. REGROW_OK also when it has been taken away: nothing happens. Any thread.
///
/// With REGROW_PRIORITY, and to a priority alias, the {'EXIT', From, Reason} of a process that traps exits is a
/// priority message. To one that does not trap them the flag makes no difference.
///
/// @param reason  moved.
/// @param flags   0 or REGROW_PRIORITY.
regrow_error regrow_exit_alias(regrow_pid pid, regrow_ref alias, regrow_term reason, uint32_t flags);

/// As regrow_link(). With REGROW_PRIORITY the EXIT that the link gives the caller, if it traps exits, is a priority
/// message; the other end notices nothing. Needs an identity.
///
/// Where there is a link already (to the parent, to a process that was started), it is made one of that kind, or
/// without the flag, and by regrow_link(), one that is ordinary again.
///
/// @param flags  0 or REGROW_PRIORITY.
/// @return REGROW_ERR_NO_PROCESS when it is dead; a caller that traps exits gets an EXIT with `noproc` instead.
regrow_error regrow_link_opt(regrow_pid pid, uint32_t flags);

/// As regrow_monitor(). With REGROW_PRIORITY its DOWN is a priority message; what is sent to its Ref, as to an alias,
/// is ordinary. Needs an identity.
///
/// @param flags    0 or REGROW_PRIORITY.
/// @param monitor  out: the Ref.
regrow_error regrow_monitor_opt(regrow_pid pid, uint32_t flags, regrow_ref *monitor);

/* ---- Starting ---- */

/// Starts any kind of process, without parent or link, and waits until it is up. May wait.
///
/// @param runtime  the root, or any other process, of the runtime to start it in.
/// @param spec     borrowed, and copied; its id, restart and shutdown are not looked at.
/// @param pid      out. NULL: not wanted.
/// @return REGROW_ERR_START when its init stopped: regrow_last_reason(); REGROW_ERR_IGNORED; REGROW_ERR_EXISTS when its
///         name is taken.
regrow_error regrow_start(regrow_pid runtime, const regrow_child_spec *spec, regrow_pid *pid);

/// As regrow_start(), linked with the caller, which is its parent. Needs an identity; may wait.
///
/// A start that fails is an exit signal to the caller too, as in OTP: with its reason, normal when it was ignored.
regrow_error regrow_start_link(const regrow_child_spec *spec, regrow_pid *pid);

/// As regrow_start(), with a host process for its parent: for code behind the host, which is not on any worker and so
/// cannot start it as the host. It is not linked with that: the host does so, or monitors it, once it has the pid. Any
/// thread; may wait.
///
/// @return REGROW_ERR_WRONG_KIND when `host` is no host process; REGROW_ERR_NO_PROCESS when it is dead; else as
///         regrow_start().
regrow_error regrow_start_for(regrow_pid host, const regrow_child_spec *spec, regrow_pid *pid);

/// As regrow_start(), monitored by the caller before its first instruction. Needs an identity; may wait.
///
/// @param monitor  out: the Ref that its DOWN carries. NULL: not wanted.
regrow_error regrow_start_monitor(const regrow_child_spec *spec, regrow_pid *pid, regrow_ref *monitor);

/* ---- Plain processes ---- */

/// Runs a function in a process of its own, and does not wait. Any thread.
///
/// @param runtime  the root, or any other process, of the runtime to run it in.
/// @param spec     borrowed.
/// @param pid      out. NULL: not wanted.
regrow_error regrow_spawn(regrow_pid runtime, const regrow_process_spec *spec, regrow_pid *pid);

/// As regrow_spawn(), linked with the caller, which is its parent, before its first instruction. Needs an identity.
regrow_error regrow_spawn_link(const regrow_process_spec *spec, regrow_pid *pid);

/// As regrow_spawn(), monitored by the caller before its first instruction. Needs an identity.
///
/// @param monitor  out: the Ref that its DOWN carries. NULL: not wanted.
regrow_error regrow_spawn_monitor(const regrow_process_spec *spec, regrow_pid *pid, regrow_ref *monitor);

/* ---- Asking processes: calls, stops, states ---- */

/// Asks a server and waits for its answer. May wait.
///
/// @param request     moved; `handle_call` gets it.
/// @param timeout_ms  how long to wait; the server goes on, and a late answer is dropped.
/// @param reply       out: the answer; yours. NULL: not wanted.
/// @return REGROW_ERR_NO_PROCESS, REGROW_ERR_TIMEOUT, REGROW_ERR_SELF_CALL, or REGROW_ERR_EXITED when the server ended
///         before it answered; regrow_last_reason() gives its reason. REGROW_ERR_WRONG_KIND: it is neither a server
///         nor a host process.
regrow_error regrow_call(regrow_pid pid, regrow_term request, uint32_t timeout_ms, regrow_term *reply);

/// As regrow_call(), to be collected later. REGROW_ERR_LIMIT when its mailbox is full: this does not wait for room. Any
/// thread.
///
/// A server that is REGROW_INLINE and REGROW_NO_PARK is asked there and then while it is idle, and has answered when
/// this returns; others are not, for this would wait when they do.
///
/// @param request     moved.
/// @param timeout_ms  the request's own limit.
/// @param pending     out: the request, for regrow_request_wait() or regrow_on_reply(); yours to free.
/// @return REGROW_ERR_NO_PROCESS, REGROW_ERR_SELF_CALL or REGROW_ERR_WRONG_KIND at once; then there is no request.
regrow_error regrow_call_async(regrow_pid pid, regrow_term request, uint32_t timeout_ms, regrow_request **pending);

/// Asks a process to end, after its `terminate`, and waits until it has. May wait.
///
/// A plain process and an entered thread are not asked: they do not look for it, so this waits until they end by
/// themselves, as gen_server:stop/3 does in OTP. regrow_exit() ends those.
///
/// @param reason  moved.
/// @return REGROW_ERR_NO_PROCESS; REGROW_ERR_EXITED when it ended with another reason; REGROW_ERR_TIMEOUT: it goes on.
regrow_error regrow_stop(regrow_pid pid, regrow_term reason, uint32_t timeout_ms);

/// As regrow_stop(), to be collected later. Any thread.
regrow_error regrow_stop_async(regrow_pid pid, regrow_term reason, uint32_t timeout_ms, regrow_request **pending);

/// The state of a process: of a server as its `get_state` shows it, of other kinds as in regrow_get_status(). May wait.
///
/// @param state  out; yours.
/// @return REGROW_ERR_WRONG_KIND when it is a server without that callback, or of a kind without a state.
regrow_error regrow_get_state(regrow_pid pid, uint32_t timeout_ms, regrow_term *state);

/// What there is to be known of a process, asked of it itself, as by OTP's sys:get_status/1. Any kind but plain
/// processes, tasks and entered threads, which answer nothing: regrow_info() tells of those. May wait.
///
/// @param status  out: #{pid, kind, name, label, parent, sys_state, trace}, where `sys_state` is running or suspended;
///                and `state`, where there is one to be shown: what `get_state` shows of a server, what an agent keeps,
///                #{strategy, max_restarts, period_ms, children} of a supervisor, #{max_children, shutdown,
///                max_restarts, period_ms, children, waiting} of a task supervisor, #{keys, entries} of a registry,
///                #{groups} of a pubsub. Yours.
/// @return REGROW_ERR_WRONG_KIND; REGROW_ERR_EXITED when it ended before it answered.
regrow_error regrow_get_status(regrow_pid pid, uint32_t timeout_ms, regrow_term *status);

/// Has a process write to the log whatever comes in and goes out, as OTP's sys:trace/2; `on` false: no more. Any kind
/// that regrow_suspend() takes. May wait.
///
/// Each event is a line of the level REGROW_LOG_DEBUG, which is written whatever the log's level; its report is #{pid,
/// name, event}. The events: {in, {'$gen_call', From, Request}}, {in, {'$gen_cast', Message}}, {in, Message}, {out,
/// Answer}, and noreply when nothing was answered. Answers given with regrow_answer() are not the server's doing.
///
/// The requests of the other kinds are OTP's: which_children, {start_child, Spec} and so on of a supervisor; get,
/// update, get_and_update, cast of an agent. A refusal goes out as {error, Reason}. What others read or write without
/// asking the process (a lookup in a registry, a broadcast) does not come in.
///
/// @return REGROW_ERR_WRONG_KIND.
regrow_error regrow_trace(regrow_pid pid, bool on, uint32_t timeout_ms);

/// Gives a server another state, through its `replace_state`, or an agent. May wait.
///
/// @param state  moved.
/// @return REGROW_ERR_WRONG_KIND for any other kind, and for a server that has no such callback or does not take it.
regrow_error regrow_replace_state(regrow_pid pid, regrow_term state, uint32_t timeout_ms);

/// Has a process handle nothing until regrow_resume(), as OTP's sys:suspend/1; what comes meanwhile is kept in its
/// order, requests such as this one are answered, and its parent can still end it. Suspending it again changes nothing.
/// May wait.
///
/// Servers, agents, supervisors of every kind, registries and pubsubs. A suspended supervisor restarts nobody until it
/// is resumed, but goes on with starts and stops that are under way. What does not go through the process goes on:
/// finding and registering in a registry, broadcasts; what a registry's or pubsub's process does waits: locks,
/// listeners, monitors of groups.
///
/// @return REGROW_ERR_WRONG_KIND for plain processes, tasks, entered threads and host processes: their code is not ours
///         to hold.
regrow_error regrow_suspend(regrow_pid pid, uint32_t timeout_ms);

/// Ends a suspension, however often it was asked for; fine when there is none. May wait.
regrow_error regrow_resume(regrow_pid pid, uint32_t timeout_ms);

/* ---- Servers ---- */

/// Callback only: answers the call at hand. Write `return regrow_reply(context, answer);`
///
/// @param answer  moved.
regrow_next regrow_reply(regrow_context *context, regrow_term answer);

/// Callback only: answers the call at hand and ends the server. The caller gets the answer once the server's names are
/// free again.
///
/// @param answer, reason  moved.
regrow_next regrow_reply_stop(regrow_context *context, regrow_term answer, regrow_term reason);

/// Callback only: ends this process. Any reason but `normal`, `shutdown` and `{shutdown, _}` is a crash to its
/// supervisor. Write `return regrow_stop_self(context, regrow_atom("why"));`
///
/// @param reason  moved.
regrow_next regrow_stop_self(regrow_context *context, regrow_term reason);

/// Callback only: has `handle_continue` called with `argument` before any message. Wraps what the callback would have
/// returned: `return regrow_continue(context, REGROW_READY, regrow_atom("load"));`
///
/// @param argument  moved.
regrow_next regrow_continue(regrow_context *context, regrow_next next, regrow_term argument);

/// Callback only: has `handle_info` get the atom `timeout` when no message comes for `timeout_ms`; any message ends the
/// wait. Wraps what the callback would have returned.
regrow_next regrow_idle_timeout(regrow_context *context, regrow_next next, uint32_t timeout_ms);

/// Callback only: puts the answer to the call at hand off, to be given with regrow_answer(); return REGROW_NOREPLY
/// then. A call that is neither answered nor put off ends at once, with `no_reply`. One that is put off does not keep
/// regrow_settle() waiting: where the answer comes from outside the runtime, take a token with regrow_busy().
///
/// @param caller  out: whom to answer; a plain value, good on any thread.
/// @return REGROW_ERR_CONTEXT when there is no call at hand, or it was put off before.
regrow_error regrow_defer(regrow_context *context, regrow_caller *caller);

/// Answers a call that was put off. Any thread, at most once.
///
/// @param answer  moved.
/// @return REGROW_ERR_NOT_FOUND when it was answered before, or its server has ended: the caller knows.
regrow_error regrow_answer(regrow_caller caller, regrow_term answer);

/// Gives the callbacks of a server a name, by which child specs of the kind REGROW_BEHAVIOUR start such servers. For
/// good, in all runtimes of the program: a library that registers some is not to be unloaded. Any thread.
///
/// @param name  not empty.
/// @param spec  borrowed, and copied; its `arg` is for those that give none. `drop_user` runs if the call fails.
/// @return REGROW_ERR_EXISTS when the name is taken.
regrow_error regrow_behaviour_register(const char *name, const regrow_server_spec *spec);

/* ---- Host processes ---- */

/// Says that what is behind a host process cannot keep up, or can again: while it is held, no message that counts fits
/// its mailbox, as if that were at its limit, and its policy has effect (with REGROW_DROP_OLDEST the sender is refused,
/// since what waits is yet to be delivered). What is there already is delivered, and what does not count as before.
/// Holding it twice is holding it once. Any thread.
///
/// @return REGROW_ERR_WRONG_KIND when it is no host process; REGROW_ERR_ARGUMENT when its mailbox has no limit.
regrow_error regrow_host_hold(regrow_pid host, bool hold);

/// Ends a host process, as if it had ended by itself: what it stands for is gone. Any thread.
///
/// @param reason  moved.
/// @return REGROW_ERR_WRONG_KIND when it is none.
regrow_error regrow_host_exit(regrow_pid host, regrow_term reason);

/* ---- Addresses: by name instead of pid ---- */

/// The process that an address leads to now. May wait for one, as long as the address says; any thread.
///
/// @param address  borrowed.
/// @param pid      out.
regrow_error regrow_whereis_at(const regrow_address *address, regrow_pid *pid);

/// As regrow_call(). A process that ends before it takes the call up is looked for again while the address waits. May
/// wait; any thread.
regrow_error regrow_call_at(const regrow_address *address, regrow_term request, uint32_t timeout_ms, regrow_term *reply);

/// As regrow_call_async(), and as regrow_call_at() without waiting: the request follows a restart. Any thread.
///
/// While nobody is there it waits for somebody, as long as the address says, and when whoever has it ends before taking
/// it up, it goes to the next who is there. What cannot be done at once is an error here when the address waits for
/// nobody, and else the request's: REGROW_ERR_NOT_FOUND or REGROW_ERR_NO_PROCESS when nobody came, REGROW_ERR_EXITED
/// when the last one ended, REGROW_ERR_NOT_ALIVE when the runtime was shut down meanwhile.
///
/// @param timeout_ms  from when somebody has it.
regrow_error regrow_call_async_at(const regrow_address *address,
                                  regrow_term request,
                                  uint32_t timeout_ms,
                                  regrow_request **pending);

/// As regrow_cast(), but REGROW_ERR_NOT_FOUND when nobody is there: nothing was told to anybody. May wait for somebody,
/// as long as the address says; any thread.
regrow_error regrow_cast_at(const regrow_address *address, regrow_term message);

/// As regrow_send(), but REGROW_ERR_NOT_FOUND when nobody is there. May wait for somebody, as long as the address says;
/// any thread.
regrow_error regrow_send_at(const regrow_address *address, regrow_term message);

/// As regrow_send_after(), to whoever is there when the time has come; then nobody is waited for, and without anybody
/// the message is dropped. Unlike a timer to a pid this one ends with nobody: it outlasts a restart. Any thread.
///
/// @param address  borrowed; its `wait_ms` means nothing here.
/// @param message  moved.
/// @param timer    out, for regrow_cancel_timer(). NULL: not wanted.
regrow_error regrow_send_after_at(const regrow_address *address, uint32_t ms, regrow_term message, regrow_ref *timer);

/// As regrow_monitor(); the DOWN names the name or the key in place of the pid. When nobody is there, after the time
/// that the address waits, it comes at once, with `noproc`. Needs an identity; may wait.
///
/// @return REGROW_ERR_NO_PROCESS when the address has the pid of a registry that is dead.
regrow_error regrow_monitor_at(const regrow_address *address, regrow_ref *monitor);

/// As regrow_stop(). May wait; any thread.
regrow_error regrow_stop_at(const regrow_address *address, regrow_term reason, uint32_t timeout_ms);

/* ---- Requests: what is waited for later ---- */

/// Waits for the outcome of a request. May wait; any thread.
///
/// @param pending  borrowed: free it afterwards, whatever this returned.
/// @param timeout_ms  of this wait: REGROW_ERR_TIMEOUT means "still under way", if the request has no limit of its own
///                    that has run out. 0 looks once.
/// @param result   out: the answer, a pid for a start, a list of children; yours. NULL: not wanted.
regrow_error regrow_request_wait(regrow_request *pending, uint32_t timeout_ms, regrow_term *result);

/// Has a function called with the outcome, once, from whatever thread it becomes known on; at once if it is. Any
/// thread.
///
/// Within such functions that is so eight deep; what comes to be told deeper is told, in its order, by the same thread
/// as soon as they have returned. So they may ask again and again.
///
/// @param pending  moved, also when the call fails.
/// @param drop     gives `user` back, exactly once, after `reply` or without it. NULL: nothing.
regrow_error regrow_on_reply(regrow_request *pending,
                             regrow_reply_callback reply,
                             void *user,
                             regrow_drop_callback drop);

/// Gives a request up: an answer that still comes is dropped. NULL: nothing. Any thread.
void regrow_request_free(regrow_request *pending);

/* ---- Supervisors ---- */

/// In the init of a supervisor: adds a child behind those that are there. Never waits.
///
/// Ids, names and arguments may come from what the init got: so a REGROW_SIMPLE_ONE_FOR_ONE can have a tree of its own
/// for each argument. That ids are unique is checked when the init has returned.
///
/// @param children  what the init got.
/// @param child     borrowed, and copied.
regrow_error regrow_children_add(regrow_children *children, const regrow_child_spec *child);

/// Starts one more child, waits until it is up, and keeps its spec. May wait; any thread.
///
/// @param child  borrowed, and copied: it may live on the stack.
/// @param pid    out: the child's present pid, a restart gives it another: keep a name or the id rather than this. Zero
///               when its init answered ignore: the spec is kept, unless it is temporary. NULL: not wanted.
/// @return REGROW_ERR_EXISTS when there is a child of that id (`{already_started, Pid}`, or `already_present` if it
///         does not run) or the name is taken; REGROW_ERR_START when its init stopped: nothing is kept;
///         REGROW_ERR_WOULD_DEADLOCK from an init that this supervisor waits for, and from who answers a call of such
///         an init; REGROW_ERR_ARGUMENT with `{bad_combination, ...}` for a significant child that cannot be one. Of a
///         dynamic supervisor also REGROW_ERR_IGNORED: nothing is kept; REGROW_ERR_LIMIT with `max_children`.
regrow_error regrow_supervisor_start_child(regrow_pid supervisor, const regrow_child_spec *child, regrow_pid *pid);

/// Starts one more instance of a REGROW_SIMPLE_ONE_FOR_ONE's template, and waits until it is up. May wait; any thread.
///
/// @param extra  borrowed: one more argument, at each of its starts. A server's init gets the template's `arg` and this
///               one appended, each taken as a list (what is no list is a list of one); so do the `init` of a
///               supervisor of any kind but the next, that of an agent (`initial`), and a task (`argument`). A
///               partition supervisor hands it on to its partitions. What would get it nowhere, another kind, or one of
///               these without an init, is refused with REGROW_ERR_ARGUMENT, unless it is `[]`.
/// @param pid    out: zero when its init answered ignore: it is forgotten. NULL: not wanted.
/// @return REGROW_ERR_WRONG_KIND for a supervisor of another kind; REGROW_ERR_START; REGROW_ERR_EXISTS when its name is
///         taken.
regrow_error regrow_supervisor_start_instance(regrow_pid supervisor, const regrow_term *extra, regrow_pid *pid);

/// As regrow_supervisor_start_child(), to be collected later: the result is the pid, or `undefined`. Any thread.
///
/// @param pending  out: free it, or give it to regrow_on_reply().
regrow_error regrow_supervisor_start_child_async(regrow_pid supervisor,
                                                 const regrow_child_spec *child,
                                                 regrow_request **pending);

/// Stops a child, as its shutdown time says, and waits until it has ended. Its spec is kept, unless it is temporary.
/// REGROW_OK also when it did not run. May wait; any thread.
///
/// @param id  borrowed. A child of a dynamic supervisor goes by its id (of several with that id the one started last)
///            or its pid, one of a REGROW_SIMPLE_ONE_FOR_ONE by its pid; it is forgotten. One that is being started is
///            stopped when it is up, and its init gets no more time than a shutdown.
/// @return REGROW_ERR_NOT_FOUND when there is no such child, or its start failed; REGROW_ERR_WRONG_KIND with
///         `simple_one_for_one` when that needs a pid; REGROW_ERR_WOULD_DEADLOCK in the start that is to be stopped.
regrow_error regrow_supervisor_terminate_child(regrow_pid supervisor, const regrow_term *id);

/// Starts a child again that does not run. One that was parked brings the siblings up with it that went down with it;
/// of a dynamic supervisor only parked children can be started again. Where one is being started or stopped, this waits
/// for that. May wait; any thread.
///
/// @param id   borrowed; as in regrow_supervisor_terminate_child().
/// @param pid  out: zero when its init answered ignore. NULL: not wanted.
/// @return REGROW_ERR_RUNNING, REGROW_ERR_RESTARTING, REGROW_ERR_NOT_FOUND, REGROW_ERR_EXISTS when its name is taken;
///         REGROW_ERR_START when its init stopped, which is not tried again; REGROW_ERR_WOULD_DEADLOCK as in
///         regrow_supervisor_start_child(), of a dynamic supervisor where this would wait for a start.
regrow_error regrow_supervisor_restart_child(regrow_pid supervisor, const regrow_term *id, regrow_pid *pid);

/// Forgets a child that does not run. Where one is being started or stopped, this waits for that. May wait; any thread.
///
/// @param id  borrowed.
/// @return REGROW_ERR_RUNNING, REGROW_ERR_RESTARTING or REGROW_ERR_NOT_FOUND; REGROW_ERR_WOULD_DEADLOCK as in
///         regrow_supervisor_restart_child().
regrow_error regrow_supervisor_delete_child(regrow_pid supervisor, const regrow_term *id);

/// The children, the last started first: `[{Id, Pid, Type, Kind}]`. May wait; any thread.
///
/// In place of a pid there is `undefined` for a child that does not run, `restarting` for one whose restart failed and
/// is about to be tried again or waits for its time, `parked` for one that failed too often (see regrow_backoff_spec).
/// The Id of a REGROW_SIMPLE_ONE_FOR_ONE's children, and of tasks, is `undefined`. Type is `worker` or `supervisor`;
/// Kind is what the constant is called: `server`, `supervisor`, `registry`, ...
///
/// @param children  out; yours.
regrow_error regrow_supervisor_which_children(regrow_pid supervisor, regrow_term *children);

/// As regrow_supervisor_which_children(), to be collected later. Any thread.
///
/// @param pending  out: free it, or give it to regrow_on_reply().
regrow_error regrow_supervisor_which_children_async(regrow_pid supervisor, regrow_request **pending);

/// How many children there are. May wait; any thread.
///
/// @param count  in-out: `.size` set; filled in.
regrow_error regrow_supervisor_count_children(regrow_pid supervisor, regrow_child_count *count);

/// What a child was started with: `#{id, restart, shutdown, significant, type, kind}`. May wait; any thread.
///
/// @param id   borrowed.
/// @param map  out; yours.
/// @return REGROW_ERR_NOT_FOUND when there is no child of that id.
regrow_error regrow_supervisor_get_childspec(regrow_pid supervisor, const regrow_term *id, regrow_term *map);

/// The pid that a child has now. May wait; any thread.
///
/// @param id   borrowed; as in regrow_supervisor_terminate_child().
/// @param pid  out: zero when it does not run.
/// @return REGROW_ERR_NOT_FOUND when there is no child of that id.
regrow_error regrow_supervisor_lookup(regrow_pid supervisor, const regrow_term *id, regrow_pid *pid);

/// Has the caller told of each change of the supervisor's children from now on, in order. Needs an identity; may wait.
///
/// Each message is `{child, Ref, Supervisor, Event}`; Event is a map with the key `event` and others: `started` (id,
/// pid); `restarted`, for a child that had failed (id, pid, old, reason, count); `terminated`, for one that was up (id,
/// pid, reason); `parked` and `limit`, for one that failed too often and stays down or ends the supervisor (id, old,
/// reason, count). `old` is the pid it had, or `undefined`; `count` how often it was to be restarted. The subscription
/// ends with the supervisor, of which nothing tells but a monitor, or with the caller.
///
/// @param subscription  out: the Ref.
regrow_error regrow_supervisor_subscribe(regrow_pid supervisor, regrow_ref *subscription);

/// Ends a subscription: no message of it is sent after this. May wait; any thread.
///
/// @return REGROW_ERR_NOT_FOUND when it has ended already, or never was.
regrow_error regrow_supervisor_unsubscribe(regrow_pid supervisor, regrow_ref subscription);

/// The last 100 failures of its children, oldest first: `[#{id, pid, reason, count, time_ms, uptime_ms, verdict}]`. May
/// wait; any thread.
///
/// An entry is made each time that a child was to be restarted: the pid that it had (`undefined` if none), why it ended
/// or did not start, how often this child was to be restarted so far, when that was on the runtime's clock, how long
/// it had been up (0 when it did not start), and what became of it: `{restart, DelayMs}`, `parked`, or `shutdown` when
/// the supervisor ended.
///
/// @param failures  out; yours.
regrow_error regrow_supervisor_history(regrow_pid supervisor, regrow_term *failures);

/* ---- Partition supervisors ---- */

/// The process of a key's partition. Never waits; any thread.
///
/// An integer belongs to the partition of its remainder by their number, any other key to that of Erlang's
/// `phash2(Key, Number)`.
///
/// @param key  borrowed.
/// @param pid  out: the partition's present pid, a restart gives it another.
/// @return REGROW_ERR_NO_PROCESS when the partition, or the supervisor, is not alive at this moment.
regrow_error regrow_partition_whereis(regrow_pid supervisor, const regrow_term *key, regrow_pid *pid);

/// How many partitions a partition supervisor has. Never waits; any thread.
///
/// @param count  out.
regrow_error regrow_partition_count(regrow_pid supervisor, uint32_t *count);

/* ---- Observing ---- */

/// A supervisor and all below it: who is there, what each is doing, how much waits for it, how often it was restarted.
/// May wait, but with a time limit of 0; any thread.
///
/// No process is held up: the supervisors alone get a message, and are asked all at once. One that does not answer in
/// time, being suspended or in the middle of a start, is shown so; its children are then what its links show. What is
/// below other processes is what their links show, too.
///
/// @param supervisor  of any kind, the root included.
/// @param format      REGROW_TREE_TERM: nested maps #{id, pid, kind, name, label, status, behind, message_queue_len,
///                    links, monitors, monitored_by, restarts, next_at_ms, answered, children}. `status` is that of
///                    regrow_info(), or `starting`, `dead`, or of a child that does not run `stopped`, `restarting` or
///                    `given_up` (parked by its backoff); `behind` is as in regrow_info(); `restarts` how often its
///                    supervisor was to restart it, as its history counts; `next_at_ms` when one whose restart waits
///                    for its backoff is started, on the runtime's clock (regrow_now()); `answered` whether a
///                    supervisor answered in time; `children` a list in the order of the starts. `undefined` stands for
///                    what is not known or not there. REGROW_TREE_TEXT: text with a line for each. REGROW_TREE_JSON:
///                    text, with the keys of the maps; pids and other terms are strings.
/// @param timeout_ms  of the whole call, by the runtime's clock; 0 asks nobody. REGROW_INFINITY waits for every
///                    supervisor.
/// @param dump        out; yours.
/// @return REGROW_ERR_WRONG_KIND for what is no supervisor. Never REGROW_ERR_TIMEOUT.
regrow_error regrow_tree(regrow_pid supervisor, uint32_t format, uint32_t timeout_ms, regrow_term *dump);

/// As regrow_tree(), to be collected later. Any thread.
///
/// @param pending  out: free it, or give it to regrow_on_reply().
regrow_error regrow_tree_async(regrow_pid supervisor, uint32_t format, uint32_t timeout_ms, regrow_request **pending);

/* ---- Registries ---- */

/// Gives a process an entry: gone again, at the latest, before anybody can see that it has ended. Any thread.
///
/// @param key    moved. Compared exactly: 1 is not 1.0.
/// @param pid    who is found by it; needs not be the caller.
/// @param value  moved; what is kept beside it.
/// @return REGROW_ERR_EXISTS when the key of a unique registry is taken: {already_registered, Pid}.
regrow_error regrow_registry_register(regrow_pid registry, regrow_term key, regrow_pid pid, regrow_term value);

/// Takes the entries of a process under a key away. REGROW_OK also when there were none. Any thread.
///
/// @param key  borrowed.
regrow_error regrow_registry_unregister(regrow_pid registry, const regrow_term *key, regrow_pid pid);

/// As regrow_registry_unregister(), only the entries whose value matches. Any thread.
///
/// @param pattern  borrowed. Matches what is exactly equal; in it the atom _ matches anything, '$1', '$2', ... match
///                 anything and name it for the guards.
/// @param guards   borrowed: a list of conditions as in a match specification, such as {'>', '$1', 3}. NULL: none.
/// @return REGROW_ERR_ARGUMENT when they are malformed; regrow_last_error() says where.
regrow_error regrow_registry_unregister_match(regrow_pid registry,
                                              const regrow_term *key,
                                              regrow_pid pid,
                                              const regrow_term *pattern,
                                              const regrow_term *guards);

/// Gives the caller's own entry in a unique registry another value. Needs an identity.
///
/// @param key        borrowed.
/// @param update     makes the new value, `next`, from the old, `state`; runs in the caller, and must not wait.
/// @param old_value  out: the value until now. NULL: not wanted.
/// @return REGROW_ERR_NOT_FOUND when the caller does not have the key. REGROW_ERR_ARGUMENT when `update` did not return
///         REGROW_DONE: the value stays, and regrow_last_reason() gives what it returned regrow_stop_self() with.
regrow_error regrow_registry_update(regrow_pid registry,
                                    const regrow_term *key,
                                    regrow_agent_callback update,
                                    void *user,
                                    regrow_term *old_value);

/// Who has a key of a unique registry. Any thread.
///
/// @param key  borrowed.
/// @param pid  out.
/// @return REGROW_ERR_NOT_FOUND when nobody has it.
regrow_error regrow_registry_whereis(regrow_pid registry, const regrow_term *key, regrow_pid *pid);

/// All entries of a key, in the order in which they were registered. Any thread.
///
/// @param key      borrowed.
/// @param entries  out: a list of {Pid, Value}; yours.
regrow_error regrow_registry_lookup(regrow_pid registry, const regrow_term *key, regrow_term *entries);

/// The entries of a key whose value matches, in the order in which they were registered. Any thread.
///
/// @param key               borrowed.
/// @param pattern, guards   as regrow_registry_unregister_match() takes them.
/// @param entries           out: a list of {Pid, Value}; yours.
/// @return as regrow_registry_unregister_match().
regrow_error regrow_registry_match(regrow_pid registry,
                                   const regrow_term *key,
                                   const regrow_term *pattern,
                                   const regrow_term *guards,
                                   regrow_term *entries);

/// How many entries of a key have a value that matches. Any thread. As regrow_registry_match().
///
/// @param count  out.
regrow_error regrow_registry_count_match(regrow_pid registry,
                                         const regrow_term *key,
                                         const regrow_term *pattern,
                                         const regrow_term *guards,
                                         size_t *count);

/// What a match specification makes of the entries, in no order. Any thread.
///
/// Entries that come and go meanwhile may be seen or not; the others are seen once. A specification whose heads name
/// their keys looks at these alone.
///
/// @param spec     borrowed: a list of {Head, Guards, Body}, as for ets:select; each head is a {Key, Pid, Value}.
/// @param results  out: a list; yours.
/// @return as regrow_registry_unregister_match().
regrow_error regrow_registry_select(regrow_pid registry, const regrow_term *spec, regrow_term *results);

/// For how many entries a match specification gives `true`. Any thread. As regrow_registry_select().
///
/// @param count  out.
regrow_error regrow_registry_count_select(regrow_pid registry, const regrow_term *spec, size_t *count);

/// The keys that a process has, in no order; in a duplicate registry each as often as it has it. Any thread.
///
/// @param keys  out: a list; yours.
regrow_error regrow_registry_keys(regrow_pid registry, regrow_pid pid, regrow_term *keys);

/// The values that a process has under a key, in the order in which they were registered. Any thread.
///
/// @param key     borrowed.
/// @param values  out: a list; yours.
regrow_error regrow_registry_values(regrow_pid registry, const regrow_term *key, regrow_pid pid, regrow_term *values);

/// How many entries there are. Any thread.
///
/// @param count  out.
regrow_error regrow_registry_count(regrow_pid registry, size_t *count);

/// Calls a function for every entry that a key has now; in the caller, without a lock, so that it may register and
/// unregister. Not called for a process that has ended meanwhile. Any thread; waits when `each` does.
///
/// @param key  borrowed.
regrow_error regrow_registry_dispatch(regrow_pid registry,
                                      const regrow_term *key,
                                      regrow_each_callback each,
                                      void *user);

/// As regrow_registry_dispatch(), with the entries cut up by their processes into as many parts as the registry has
/// partitions, and each part that has any in a process of its own: there `each` runs, and may wait, at the same time as
/// for other parts. May wait, for all of them; any thread. A unique registry, or one with a single partition, is not
/// cut up: then `each` runs in the caller.
///
/// Once this has returned, whatever it returns, `each` does not run any more. Waiting in it for the caller is to wait
/// for ever.
///
/// @param key   borrowed.
/// @param each  regrow_self() in it is the part's process; that one's end leaves out the rest of its part, and nothing
///              of the others.
/// @return REGROW_ERR_EXITED when such a process was ended: its reason. REGROW_ERR_LIMIT, REGROW_ERR_NOT_ALIVE when one
///         could not be started. REGROW_ERR_KILLED: the caller was killed, and they with it.
regrow_error regrow_registry_dispatch_parallel(regrow_pid registry,
                                               const regrow_term *key,
                                               regrow_each_callback each,
                                               void *user);

/// What is kept under a key beside the entries. Any thread.
///
/// @param key    borrowed.
/// @param value  out; yours.
/// @return REGROW_ERR_NOT_FOUND when nothing is.
regrow_error regrow_registry_meta(regrow_pid registry, const regrow_term *key, regrow_term *value);

/// Keeps a value under a key beside the entries, instead of what was there; until the registry ends. Any thread.
///
/// @param key, value  moved. These keys have nothing to do with those of entries.
regrow_error regrow_registry_put_meta(regrow_pid registry, regrow_term key, regrow_term value);

/// Forgets what regrow_registry_put_meta() kept under a key. REGROW_OK also when nothing was. Any thread.
///
/// @param key  borrowed.
regrow_error regrow_registry_delete_meta(regrow_pid registry, const regrow_term *key);

/// Runs a function in the caller while nobody else runs one under the same key of the same registry. May wait.
///
/// The lock is given on in the order in which it was asked for: when `run` returns, and when the process that has it
/// dies. Locks of several keys may be nested; two processes that take them in different orders wait for each other,
/// until a time limit.
///
/// @param key         borrowed. The keys of locks have nothing to do with those of entries.
/// @param run         may wait.
/// @param timeout_ms  how long to wait for the lock; 0: not at all, if somebody has it.
/// @return REGROW_ERR_TIMEOUT: `run` was not called. REGROW_ERR_WOULD_DEADLOCK: the calling process has that lock.
regrow_error regrow_registry_lock(regrow_pid registry,
                                  const regrow_term *key,
                                  regrow_run_callback run,
                                  void *user,
                                  uint32_t timeout_ms);

/* ---- Agents ---- */

/// Runs a function that reads an agent's state, in the agent. May wait; any thread.
///
/// It returns, even to a caller that was killed, only once `get` has ended or never will run, so `user` may lie on the
/// stack. A function that ends with regrow_stop_self(), or panics, ends the agent too.
///
/// @param get         gives the answer in `reply`. NULL: the answer is the state itself.
/// @param timeout_ms  how long to wait for it to begin. The agent lives on.
/// @param value       out: the answer; yours. NULL: not wanted.
/// @return REGROW_ERR_EXITED when the agent ended first: regrow_last_reason(); REGROW_ERR_NO_PROCESS;
///         REGROW_ERR_TIMEOUT; REGROW_ERR_SELF_CALL.
regrow_error regrow_agent_get(regrow_pid agent,
                              regrow_agent_callback get,
                              void *user,
                              uint32_t timeout_ms,
                              regrow_term *value);

/// Runs a function that makes a new state, `next`, in the agent. May wait; any thread. As regrow_agent_get().
regrow_error regrow_agent_update(regrow_pid agent, regrow_agent_callback update, void *user, uint32_t timeout_ms);

/// Runs a function that makes a new state, `next`, and an answer, `reply`. May wait; any thread. As regrow_agent_get().
regrow_error regrow_agent_get_and_update(regrow_pid agent,
                                         regrow_agent_callback update,
                                         void *user,
                                         uint32_t timeout_ms,
                                         regrow_term *value);

/// As regrow_agent_update(), without waiting. Any thread.
///
/// @param drop     gives `user` back, exactly once, after `update` or without it. NULL: nothing.
/// @param pending  out: the request; its result is the atom ok. The function runs also when nobody waits any more.
regrow_error regrow_agent_update_async(regrow_pid agent,
                                       regrow_agent_callback update,
                                       void *user,
                                       regrow_drop_callback drop,
                                       uint32_t timeout_ms,
                                       regrow_request **pending);

/// Has a function make a new state, and does not wait for that. REGROW_OK also when the agent is dead; refused, or
/// waiting for room, as regrow_send(). Any thread.
///
/// @param drop  gives `user` back, exactly once, after `update` or without it. NULL: nothing.
regrow_error regrow_agent_cast(regrow_pid agent, regrow_agent_callback update, void *user, regrow_drop_callback drop);

/* ---- Groups and topics ---- */

/// Makes a process a member of a group; once more if it is one. Any thread.
///
/// It is a member until it leaves as often, or ends: whoever can see that it has ended finds it a member no more.
///
/// @param group  borrowed; any term, compared exactly.
/// @param pid    needs not be the caller.
/// @return REGROW_ERR_NO_PROCESS when it, or the pubsub, is dead.
regrow_error regrow_group_join(regrow_pid pubsub, const regrow_term *group, regrow_pid pid);

/// Takes a process out of a group, once. Any thread.
///
/// @param group  borrowed.
/// @return REGROW_ERR_NOT_FOUND, reason not_joined, when it is no member.
regrow_error regrow_group_leave(regrow_pid pubsub, const regrow_term *group, regrow_pid pid);

/// The members of a group. Any thread.
///
/// @param group  borrowed.
/// @param pids   out: a list, in no order, each as often as it joined; yours.
regrow_error regrow_group_members(regrow_pid pubsub, const regrow_term *group, regrow_term *pids);

/// The groups that have members. Any thread.
///
/// @param groups  out: a list, in no order; yours.
regrow_error regrow_group_which(regrow_pid pubsub, regrow_term *groups);

/// Sends a message to the members of a group, to each as often as it joined. Any thread.
///
/// @param group    borrowed.
/// @param message  moved.
/// @param count    out: how many times it was sent. NULL: not wanted.
regrow_error regrow_group_send(regrow_pid pubsub, const regrow_term *group, regrow_term message, size_t *count);

/// Has the caller told of all that changes in a group from now on. Needs an identity.
///
/// {Ref, join, Group, Pids} and {Ref, leave, Group, Pids} come in the order of the changes, and the DOWN of the same
/// Ref when the pubsub ends. That a process has left because it ended comes once it has: whoever is told finds nothing
/// of it any more, neither names nor tables, whatever it got first.
///
/// @param group    borrowed.
/// @param monitor  out: the Ref.
/// @param pids     out: the members as they are now; yours. NULL: not wanted.
regrow_error regrow_group_monitor(regrow_pid pubsub, const regrow_term *group, regrow_ref *monitor, regrow_term *pids);

/// Takes a monitor of the caller's away; nothing of it comes any more, and what had come is gone. Needs an identity.
///
/// @return REGROW_ERR_NOT_FOUND when the caller has none of that Ref.
regrow_error regrow_group_demonitor(regrow_pid pubsub, regrow_ref monitor);

/// Subscribes a process to a topic: it gets each message that is broadcast to it, as it was sent. Any thread.
///
/// Subscribed twice it gets each twice; it unsubscribes once. It is subscribed until then, or until it ends.
///
/// @param topic  any text, or a pattern: with `*` for one piece between dots (a.*.c), and `>` at the end for one or
///               more (a.>).
/// @param pid    needs not be the caller.
/// @param how    borrowed. NULL: no queue group, no limit.
/// @return REGROW_ERR_NO_PROCESS when the process, or the pubsub, is dead.
regrow_error regrow_pubsub_subscribe(regrow_pid pubsub,
                                     const char *topic,
                                     regrow_pid pid,
                                     const regrow_subscription *how);

/// As regrow_pubsub_subscribe(), but nothing happens when the process is subscribed to that topic, in whatever way.
/// Any thread.
regrow_error regrow_pubsub_subscribe_once(regrow_pid pubsub,
                                          const char *topic,
                                          regrow_pid pid,
                                          const regrow_subscription *how);

/// Takes all subscriptions of a process to a topic, or to a pattern as it was given, away. REGROW_OK also when there
/// were none. Messages that were broadcast before may still come. Any thread.
regrow_error regrow_pubsub_unsubscribe(regrow_pid pubsub, const char *topic, regrow_pid pid);

/// Sends a message to all subscribers of a topic, and never waits for one. REGROW_OK also when there are none. Any
/// thread.
///
/// @param topic    no pattern.
/// @param message  moved.
regrow_error regrow_pubsub_broadcast(regrow_pid pubsub, const char *topic, regrow_term message);

/// As regrow_pubsub_broadcast(), but not to one process, as a rule the sender. Any thread.
///
/// @param from     who does not get it.
/// @param message  moved.
regrow_error regrow_pubsub_broadcast_from(regrow_pid pubsub, regrow_pid from, const char *topic, regrow_term message);

/// How many subscriptions a broadcast to a topic meets, each member of a queue group counted; of a pattern, how many
/// there are to it. Any thread.
///
/// @param count  out.
regrow_error regrow_pubsub_subscriber_count(regrow_pid pubsub, const char *topic, size_t *count);

/* ---- Tasks ---- */

/// Starts a task that is linked with the caller, its owner. Needs an identity.
///
/// The link, the monitor and the Ref are there before its first instruction. If it crashes, so does the owner, unless
/// that traps exits; and if the owner ends with another reason than normal, so does it. Who does not wait for it
/// gets its value as {Ref, Value}, and its end as the DOWN of the same Ref, among the messages. regrow_info() of it
/// tells its callers: the owner, the one on whose behalf that runs, ...
///
/// @param spec  borrowed.
/// @param task  out.
regrow_error regrow_task_async(const regrow_task_spec *spec, regrow_task *task);

/// Waits for the value of a task of the caller's. May wait; needs an identity.
///
/// @param value  out; yours. NULL: not wanted.
/// @return REGROW_ERR_TIMEOUT: the task runs on, ends with its owner if they are linked, and its value will be dropped;
///         REGROW_ERR_EXITED when it ended without one: regrow_last_reason(); REGROW_ERR_NOT_FOUND when nothing will
///         ever come: the caller does not own it, or has taken its value, or has given it up.
regrow_error regrow_task_await(regrow_task task, uint32_t timeout_ms, regrow_term *value);

/// Waits for the values of all. May wait; needs an identity. As regrow_task_await(), which see.
///
/// When one ends without a value (REGROW_ERR_EXITED), or the time for all together runs out, all are given up.
///
/// @param tasks   borrowed; `count` of them.
/// @param values  out: a list, in the order of `tasks`; yours. NULL: not wanted.
regrow_error regrow_task_await_many(const regrow_task *tasks, size_t count, uint32_t timeout_ms, regrow_term *values);

/// As regrow_task_await(), but after REGROW_ERR_TIMEOUT the task can be waited for again. May wait; needs an identity.
regrow_error regrow_task_yield(regrow_task task, uint32_t timeout_ms, regrow_term *value);

/// Waits until all have ended, or the time is over. May wait; needs an identity.
///
/// @param tasks  borrowed; `count` of them.
/// @param ends   out: a list, in the order of `tasks`: {ok, Value}, {exit, Reason}, or nil for one that runs, and can
///               be waited for again; yours.
regrow_error regrow_task_yield_many(const regrow_task *tasks, size_t count, uint32_t timeout_ms, regrow_term *ends);

/// Unlinks a task, ends it, and waits until it has ended. May wait; needs an identity.
///
/// @param timeout_ms  the time it has once it was told to shut down; then it is killed. REGROW_BRUTAL_KILL: at once.
/// @param value       out: what it had been before; yours. NULL: not wanted.
/// @return REGROW_ERR_NOT_FOUND when it ended as it was told, and without a value, or is not the caller's;
///         REGROW_ERR_EXITED when it ended, or had ended, in another way: regrow_last_reason().
regrow_error regrow_task_shutdown(regrow_task task, uint32_t timeout_ms, regrow_term *value);

/// Lets a task go: it runs on, unlinked from the caller, and nothing of it comes any more. Needs an identity.
///
/// @param value  out: its value, if it has ended; yours. NULL: not wanted.
/// @return REGROW_ERR_TIMEOUT when it runs on; REGROW_ERR_EXITED when it has ended without a value;
///         REGROW_ERR_NOT_FOUND as regrow_task_await().
regrow_error regrow_task_ignore(regrow_task task, regrow_term *value);

/// Runs a task for each item of a source, so many at a time, and hands on their results. Waits; needs an identity.
///
/// The tasks are the caller's; when this returns none of them runs, and nothing of them is left among the messages.
///
/// @param spec      borrowed.
/// @param finished  out: false when `result` wanted no more. NULL: not wanted.
/// @return REGROW_ERR_TIMEOUT when a task took too long and on_timeout is REGROW_EXIT_STREAM; REGROW_ERR_LIMIT when its
///         supervisor has no room; REGROW_ERR_ARGUMENT when the source gave an invalid term.
regrow_error regrow_task_stream(const regrow_stream_spec *spec, bool *finished);

/* ---- Task supervisors ---- */

/// Starts a task that nobody waits for. May wait, for the supervisor's turn; any thread.
///
/// @param spec  borrowed. Its `restart` says whether the task is run again when it has ended.
/// @param pid   out: a restart gives it another. NULL: not wanted.
/// @return REGROW_ERR_LIMIT, reason max_children.
regrow_error regrow_task_supervisor_start_child(regrow_pid supervisor, const regrow_task_spec *spec, regrow_pid *pid);

/// As regrow_task_async(): the task is linked with the caller, its owner, and a child of the supervisor. May wait, for
/// the supervisor's turn; needs an identity.
///
/// @return REGROW_ERR_LIMIT, reason max_children.
regrow_error regrow_task_supervisor_async(regrow_pid supervisor, const regrow_task_spec *spec, regrow_task *task);

/// As regrow_task_supervisor_async(), without the link with the caller: the owner outlives the task's crash, and the
/// task its owner. May wait, for the supervisor's turn; needs an identity.
regrow_error regrow_task_supervisor_async_nolink(regrow_pid supervisor, const regrow_task_spec *spec, regrow_task *task);

/// Starts a task whose value is the result of a request, and does not wait: for threads without an identity, and for
/// event loops. Any thread.
///
/// @param timeout_ms  of the request; the task itself runs on.
/// @param pending     out: free it, or give it to regrow_on_reply(). REGROW_ERR_EXITED when the task ended without a
///                    value; REGROW_ERR_LIMIT, reason max_children.
regrow_error regrow_task_supervisor_run_async(regrow_pid supervisor,
                                              const regrow_task_spec *spec,
                                              uint32_t timeout_ms,
                                              regrow_request **pending);

/// The tasks that have not ended, those that wait for their turn among them. May wait; any thread.
///
/// @param pids  out: a list, in no order; yours.
regrow_error regrow_task_supervisor_children(regrow_pid supervisor, regrow_term *pids);

/// Ends a task of a supervisor's, and waits until it has ended; it is not restarted. May wait; any thread.
///
/// @return REGROW_ERR_NOT_FOUND when the task is none of its.
regrow_error regrow_task_supervisor_terminate_child(regrow_pid supervisor, regrow_pid task);

/* ---- Tables ---- */

/// Makes a table of the calling process. Needs an identity.
///
/// It goes when its owner ends, before anybody can see that, or becomes its heir's, which gets the message
/// {'ETS-TRANSFER', Table, OldOwner, Data}.
///
/// @param spec   borrowed.
/// @param table  out.
/// @return REGROW_ERR_EXISTS when the name is taken.
regrow_error regrow_table_new(const regrow_table_spec *spec, regrow_table *table);

/// The table with a name. Any thread.
///
/// @param runtime  the root, or any other process, of the runtime to look in.
/// @param table    out.
/// @return REGROW_ERR_NOT_FOUND when no table has it.
regrow_error regrow_table_whereis(regrow_pid runtime, const char *name, regrow_table *table);

/// A table as a term, to be sent inside a message: a reference. Any thread.
regrow_term regrow_from_table(regrow_table table);

/// Reads a table out of a term, such as {'ETS-TRANSFER', Table, OldOwner, Data} has. False, and `table` untouched, when
/// it is none; true also for a table that is gone. Any thread.
bool regrow_as_table(const regrow_term *term, regrow_table *table);

/// Deletes a table. Any thread, if it may write to it.
regrow_error regrow_table_delete(regrow_table table);

/// Gives a named table another name. Any thread, if it may write to it.
///
/// @return REGROW_ERR_EXISTS when that name is taken.
regrow_error regrow_table_rename(regrow_table table, const char *name);

/// Gives a table of the caller's to another process of its runtime, which gets {'ETS-TRANSFER', Table, From, Data}.
/// Needs an identity.
///
/// @param data  moved.
/// @return REGROW_ERR_ACCESS when it is not the caller's, REGROW_ERR_NO_PROCESS when that process is dead.
regrow_error regrow_table_give_away(regrow_table table, regrow_pid pid, regrow_term data);

/// Sets who gets a table of the caller's when the caller ends. Needs an identity.
///
/// @param heir  zero: nobody.
/// @param data  moved.
regrow_error regrow_table_set_heir(regrow_table table, regrow_pid heir, regrow_term data);

/// Fixes a table for the caller, or takes one fixation away: while it is fixed, regrow_table_next() goes on from a key
/// that was deleted. Fixations are counted, and end with the caller at the latest. Needs an identity.
regrow_error regrow_table_fix(regrow_table table, bool fix);

/// What is known of a table: a list of {Item, Value}, with the items id, owner, heir, name, named_table, size, type,
/// keypos, protection and fixed, as in ets:info/1; a name is text. Any thread, whatever the access.
///
/// @param info  out: yours.
regrow_error regrow_table_info(regrow_table table, regrow_term *info);

/// How many objects a table has. Any thread, whatever the access.
///
/// @param size  out.
regrow_error regrow_table_size(regrow_table table, size_t *size);

/// Inserts an object, a tuple that has a key, or a list of them, all at once. What had that key goes, but in bags. Any
/// thread.
///
/// @param objects  moved.
regrow_error regrow_table_insert(regrow_table table, regrow_term objects);

/// As regrow_table_insert(), but only when none of the keys is there. Any thread.
///
/// @param objects   moved.
/// @param inserted  out: false when one was there. NULL: not wanted.
regrow_error regrow_table_insert_new(regrow_table table, regrow_term objects, bool *inserted);

/// The objects of a key, in the order in which they came; [] when there is none. Any thread.
///
/// @param key      borrowed.
/// @param objects  out: a list; yours.
regrow_error regrow_table_lookup(regrow_table table, const regrow_term *key, regrow_term *objects);

/// The object of a key, or the first of a bag's. Any thread.
///
/// @param key     borrowed.
/// @param object  out: yours.
/// @return REGROW_ERR_NOT_FOUND when there is none.
regrow_error regrow_table_get(regrow_table table, const regrow_term *key, regrow_term *object);

/// One element of the object of a key; in bags a list of that of each. Any thread.
///
/// @param key       borrowed.
/// @param position  from 1.
/// @param element   out: yours.
/// @return REGROW_ERR_NOT_FOUND when there is no such key, REGROW_ERR_ARGUMENT when an object has no such element.
regrow_error regrow_table_lookup_element(regrow_table table,
                                         const regrow_term *key,
                                         size_t position,
                                         regrow_term *element);

/// Whether there is an object with a key. Any thread.
///
/// @param key     borrowed.
/// @param member  out.
regrow_error regrow_table_member(regrow_table table, const regrow_term *key, bool *member);

/// Takes the objects of a key out. Any thread.
///
/// @param key      borrowed.
/// @param objects  out: a list, as regrow_table_lookup() gives it; yours. NULL: not wanted.
regrow_error regrow_table_take(regrow_table table, const regrow_term *key, regrow_term *objects);

/// Deletes the objects of a key. REGROW_OK also when there were none. Any thread.
///
/// @param key  borrowed.
regrow_error regrow_table_delete_key(regrow_table table, const regrow_term *key);

/// Deletes every object that is exactly this one. REGROW_OK also when there was none. Any thread.
///
/// @param object  borrowed.
regrow_error regrow_table_delete_object(regrow_table table, const regrow_term *object);

/// Deletes all objects at once. Any thread.
regrow_error regrow_table_delete_all_objects(regrow_table table);

/// Counts, in the object of a key, at once. Not in bags. Any thread.
///
/// @param key        borrowed.
/// @param operation  moved: an increment, of the element behind the key; {Position, Increment}; {Position, Increment,
///                   Limit, Value}, where a sum beyond the limit (below it, for a negative increment) becomes the
///                   value; or a list of the latter two.
/// @param fallback   borrowed: the object that is inserted first, with that key, when there is none. NULL: none.
/// @param value      out: the new value, or a list of them; yours. NULL: not wanted.
/// @return REGROW_ERR_NOT_FOUND when there is no such key, REGROW_ERR_ARGUMENT when an element is no integer. Then
///         nothing was changed.
regrow_error regrow_table_update_counter(regrow_table table,
                                         const regrow_term *key,
                                         regrow_term operation,
                                         const regrow_term *fallback,
                                         regrow_term *value);

/// Sets elements of the object of a key, at once. Not in bags. Any thread.
///
/// @param key       borrowed.
/// @param elements  moved: {Position, Value}, or a list of them.
/// @param updated   out: false when there is no such key. NULL: not wanted.
regrow_error regrow_table_update_element(regrow_table table,
                                         const regrow_term *key,
                                         regrow_term elements,
                                         bool *updated);

/// The first key, in an ordered set the least; the atom '$end_of_table' when there is none. Any thread.
///
/// @param key  out: yours.
regrow_error regrow_table_first(regrow_table table, regrow_term *key);

/// The last key of an ordered set; of other tables the first. Any thread.
///
/// @param key  out: yours.
regrow_error regrow_table_last(regrow_table table, regrow_term *key);

/// The key behind another, or '$end_of_table'. Keys that are there all the time come once each, whatever else is
/// inserted and deleted meanwhile. Any thread.
///
/// @param key   borrowed.
/// @param next  out: yours.
/// @return REGROW_ERR_NOT_FOUND when the key is not there, but in an ordered set or a table that is fixed.
regrow_error regrow_table_next(regrow_table table, const regrow_term *key, regrow_term *next);

/// The key in front of another in an ordered set; in other tables as regrow_table_next(). Any thread.
///
/// @param key       borrowed.
/// @param previous  out: yours.
regrow_error regrow_table_prev(regrow_table table, const regrow_term *key, regrow_term *previous);

/// Writes a table to a file, which takes the place of what was there once it is whole on the disk. Any thread, which it
/// blocks.
///
/// @return REGROW_ERR_FILE: the file is as it was.
regrow_error regrow_table_to_file(regrow_table table, const char *path);

/// Makes a table of the caller's from a file, as it was written, with its name, kind, access and key position, without
/// an heir. Needs an identity; blocks the thread.
///
/// @param table  out.
/// @return REGROW_ERR_FILE when it cannot be read, is cut off or was changed: then there is no table.
///         REGROW_ERR_EXISTS when its name is taken.
regrow_error regrow_table_from_file(const char *path, regrow_table *table);

/* ---- Selecting from tables ---- */

/// All objects, as a list; of an ordered set in its order. Any thread.
///
/// @param objects  out: yours.
regrow_error regrow_table_to_list(regrow_table table, regrow_term *objects);

/// For each object that a pattern matches, the list of what $1, $2, ... stand for, in the order of their numbers. Any
/// thread.
///
/// @param pattern  borrowed: the atom _ matches anything, and so do $1, $2, ..., but the same one only equal things.
/// @param results  out: a list of lists; yours.
regrow_error regrow_table_match(regrow_table table, const regrow_term *pattern, regrow_term *results);

/// The objects that a pattern matches. Any thread.
///
/// @param pattern  borrowed.
/// @param objects  out: a list; yours.
regrow_error regrow_table_match_object(regrow_table table, const regrow_term *pattern, regrow_term *objects);

/// Deletes the objects that a pattern matches. Any thread.
///
/// @param pattern  borrowed.
/// @param count    out: how many. NULL: not wanted.
regrow_error regrow_table_match_delete(regrow_table table, const regrow_term *pattern, size_t *count);

/// What a match specification gives for the objects it matches, as ets:select/2; of an ordered set in its order. Any
/// thread.
///
/// @param spec     borrowed: a list of {Head, Guards, Body}.
/// @param results  out: a list; yours.
/// @return REGROW_ERR_ARGUMENT when it is malformed; regrow_last_error() says where.
regrow_error regrow_table_select(regrow_table table, const regrow_term *spec, regrow_term *results);

/// As regrow_table_select(), from the last object of an ordered set to the first. Any thread.
///
/// @param spec     borrowed.
/// @param results  out: a list; yours.
regrow_error regrow_table_select_reverse(regrow_table table, const regrow_term *spec, regrow_term *results);

/// How many objects a match specification gives true for. Any thread.
///
/// @param spec   borrowed.
/// @param count  out.
regrow_error regrow_table_select_count(regrow_table table, const regrow_term *spec, size_t *count);

/// Deletes the objects that a match specification gives true for. Any thread.
///
/// @param spec   borrowed.
/// @param count  out: how many. NULL: not wanted.
regrow_error regrow_table_select_delete(regrow_table table, const regrow_term *spec, size_t *count);

/// Puts what a match specification gives in the place of each object that it matches; not in a REGROW_BAG. Any thread.
///
/// @param spec   borrowed. What it makes must have the same key, and show so: its last expression is '$_', or a tuple
///               with what stands in the head for the key, or {element, KeyPosition, '$_'}.
/// @param count  out: how many. NULL: not wanted.
regrow_error regrow_table_select_replace(regrow_table table, const regrow_term *spec, size_t *count);

/// As regrow_table_match(), part by part. Any thread.
///
/// @param pattern       borrowed.
/// @param limit         most results of a part; not 0.
/// @param results       out: the first part; yours.
/// @param continuation  out: for regrow_table_select_next(); yours. The atom '$end_of_table' when there is no more.
regrow_error regrow_table_match_limit(regrow_table table,
                                      const regrow_term *pattern,
                                      size_t limit,
                                      regrow_term *results,
                                      regrow_term *continuation);

/// As regrow_table_match_object(), part by part: see regrow_table_match_limit(). Any thread.
///
/// @param pattern       borrowed.
/// @param results       out: yours.
/// @param continuation  out: yours.
regrow_error regrow_table_match_object_limit(regrow_table table,
                                             const regrow_term *pattern,
                                             size_t limit,
                                             regrow_term *results,
                                             regrow_term *continuation);

/// As regrow_table_select(), part by part: see regrow_table_match_limit(). Any thread.
///
/// @param spec          borrowed.
/// @param results       out: yours.
/// @param continuation  out: yours.
regrow_error regrow_table_select_limit(regrow_table table,
                                       const regrow_term *spec,
                                       size_t limit,
                                       regrow_term *results,
                                       regrow_term *continuation);

/// As regrow_table_select_reverse(), part by part: see regrow_table_match_limit(). Any thread.
///
/// @param spec          borrowed.
/// @param results       out: yours.
/// @param continuation  out: yours.
regrow_error regrow_table_select_reverse_limit(regrow_table table,
                                               const regrow_term *spec,
                                               size_t limit,
                                               regrow_term *results,
                                               regrow_term *continuation);

/// The next part of what a function with a limit began. An object that is in the table all the time is in exactly one
/// part, whatever else is inserted and deleted meanwhile. Any thread.
///
/// @param continuation  borrowed; it may be used again, and be kept.
/// @param results       out: yours; [] behind the end.
/// @param next          out: yours; the atom '$end_of_table' when there is no more. Not the variable that
///                      `continuation` points to, which is to be freed.
regrow_error regrow_table_select_next(const regrow_term *continuation, regrow_term *results, regrow_term *next);

/* ---- Exceptions of C++ ---- */

/// Tells where C++ keeps what it knows of a thread's exceptions: `__cxa_get_globals` of the program's C++ runtime, as
/// regrow.hpp does by itself. Once for the program, for ever; the same again changes nothing. Any thread.
///
/// From then on a callback may wait in a handler (`catch`) while others throw and catch on its thread. What runs while
/// an exception is in flight, a destructor that is, may not wait in processes on the workers: REGROW_ERR_WOULD_BLOCK.
///
/// @param globals  called on any thread; gives that thread's `__cxa_eh_globals`. It may neither wait nor call
///                 regrow.
/// @return REGROW_ERR_EXISTS when it is another one than before: two C++ runtimes are in the program. Callbacks of the
///         second one must not wait in a handler.
regrow_error regrow_exception_globals(regrow_globals_callback globals);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/* The layout that the library was built for; an error here means an unsupported compiler or machine. */
#if defined(__cplusplus)
#define REGROW_LAYOUT(number, type, size) static_assert(sizeof(type) == (size), #type)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define REGROW_LAYOUT(number, type, size) _Static_assert(sizeof(type) == (size), #type)
#else
#define REGROW_LAYOUT(number, type, size) typedef char regrow_layout_##number[sizeof(type) == (size) ? 1 : -1]
#endif
REGROW_LAYOUT(0, regrow_error, 4);
REGROW_LAYOUT(1, regrow_next, 4);
REGROW_LAYOUT(2, regrow_pid, 8);
REGROW_LAYOUT(3, regrow_ref, 8);
REGROW_LAYOUT(4, regrow_table, 8);
REGROW_LAYOUT(5, regrow_term, 16);
REGROW_LAYOUT(6, regrow_caller, 16);
REGROW_LAYOUT(7, regrow_task, 16);
REGROW_LAYOUT(8, size_t, 8);
REGROW_LAYOUT(9, void *, 8);
#undef REGROW_LAYOUT

#endif  /* REGROW_H */
