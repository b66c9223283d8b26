/*
 * regrow.h - processes, supervisors, registries and agents for C programs.
 *
 * Generated from src/ffi by cbindgen; edit the Rust, not this file.
 *
 * Six rules cover the whole header.
 *
 *   Ownership  A regrow_term passed by value is moved: regrow frees it, also when the call
 *              fails. A const pointer is borrowed for the call. A plain pointer is an
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
 *              identity (in a callback, or a thread that has entered), two threads on one
 *              regrow_term variable, and signal handlers.
 *   Callbacks  A callback must return: no longjmp, no C++ exception, no unwinding. What it
 *              returns is a constant or what regrow_reply() and its like gave; zero is an
 *              error, so that a forgotten return is seen. A drop function runs exactly
 *              once, on any thread, also when the call fails.
 *   Forks      In the child of a fork no runtime lives: functions return
 *              REGROW_ERR_FORKED, and nothing is freed.
 *
 * Contents: terms
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

/// max_restarts: none, where zero means the default.
#define REGROW_NONE 0xFFFFFFFE

/// shutdown_ms: killed at once.
#define REGROW_BRUTAL_KILL 0xFFFFFFFE

/// init: the process is up.
#define REGROW_READY 0x52470001

/// init: do not start it, and do not call that an error.
#define REGROW_IGNORE 0x52470002

/// handle_...: go on. For a call that was not put off with regrow_defer(): its caller gets no answer.
#define REGROW_NOREPLY 0x52470003

/// Bodies of processes, functions of agents: ended well.
#define REGROW_DONE 0x52470004

/// kind: a server; `spec` is a regrow_server_spec.
#define REGROW_SERVER 0

/// kind: a supervisor; `spec` is a regrow_supervisor_spec.
#define REGROW_SUPERVISOR 1

/// kind: a registry; `spec` is a regrow_registry_spec.
#define REGROW_REGISTRY 2

/// kind: an agent; `spec` is a regrow_agent_spec.
#define REGROW_AGENT 3

/// kind: a body that runs once, and may receive; `spec` is a regrow_process_spec.
#define REGROW_PROCESS 4

/// kind: a process that lives in another language's runtime; `spec` is a regrow_host_spec.
#define REGROW_HOST 5

/// restart: always.
#define REGROW_PERMANENT 0

/// restart: after any reason but normal, shutdown and {shutdown, _}.
#define REGROW_TRANSIENT 1

/// restart: never.
#define REGROW_TEMPORARY 2

/// strategy: when a child ends, restarts that child.
#define REGROW_ONE_FOR_ONE 0

/// strategy: when a child ends, restarts every child.
#define REGROW_ONE_FOR_ALL 1

/// strategy: when a child ends, restarts it and those started after it.
#define REGROW_REST_FOR_ONE 2

/// home: on the runtime's workers.
#define REGROW_SHARED 0

/// home: on a thread of its own, for callbacks that block.
#define REGROW_THREAD 1

/// flags: runs without a stack of its own; calls that wait return REGROW_ERR_WOULD_BLOCK.
#define REGROW_NO_PARK 1

/// flags: answers calls on the caller's thread while it is idle.
#define REGROW_INLINE 2

/// keys: one process for each.
#define REGROW_UNIQUE 0

/// keys: any number of processes for each.
#define REGROW_DUPLICATE 1

/// clock: the system's monotonic one.
#define REGROW_MONOTONIC 0

/// clock: stands still but for regrow_advance(); for tests.
#define REGROW_MANUAL 1

/// regrow_demonitor(), regrow_cancel_timer(): removes the message too, if it has come already.
#define REGROW_FLUSH 1

/// regrow_settled.state: nothing runs, and no timer is pending.
#define REGROW_QUIET 0

/// regrow_settled.state: nothing runs; the next timer is due at deadline_ms.
#define REGROW_WAITING 1

/// regrow_settled.kind: regrow_send_after() and its like, idle timeouts.
#define REGROW_TIMER_USER 0

/// regrow_settled.kind: limits of init, of shutdown, of restarts.
#define REGROW_TIMER_SUPERVISION 1

/// regrow_settled.kind: a callback in regrow_sleep(), or in a call that waits with a time limit.
#define REGROW_TIMER_SLEEP 2

/// log_level: every detail.
#define REGROW_LOG_DEBUG 1

/// log_level: starts and ends, and what is worse.
#define REGROW_LOG_INFO 2

/// log_level: what may be wrong, and what is worse.
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
  /// The process is not alive, or never was.
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
  /// The runtime is shut down.
  REGROW_ERR_NOT_ALIVE = 11,
  /// A process called itself.
  REGROW_ERR_SELF_CALL = 12,
  /// The caller may not wait here.
  REGROW_ERR_WOULD_BLOCK = 13,
  /// What would be waited for waits for the caller.
  REGROW_ERR_WOULD_DEADLOCK = 14,
  /// A process, or a term, of another kind is needed.
  REGROW_ERR_WRONG_KIND = 15,
  /// A limit is reached: processes, stacks, threads, memory.
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
} regrow_error;

/// The callback at hand: what it answers with, and how it says what comes next. Good until that callback returns.
typedef struct regrow_context regrow_context;

/// Something under way: an answer, an end or a start that is waited for later. Free it, or hand it to
/// regrow_on_reply().
typedef struct regrow_request regrow_request;

/// A value: immutable, cheap to copy around, safe to share between threads.
///
/// Zeroed it is `[]`. The fields are regrow's own; read it with regrow_as_*.
typedef struct regrow_term {
  uint64_t meta;
  uint64_t value;
} regrow_term;

/// A process: a plain number, never freed, never reused. Zero is no process.
typedef struct regrow_pid {
  uint64_t id;
} regrow_pid;

/// A reference: a monitor or a timer.
typedef struct regrow_ref {
  uint64_t id;
} regrow_ref;

/// Frees what belongs to a pointer: called exactly once, on any thread. It may use terms, but not wait.
typedef void (*regrow_drop_callback)(void *user);

/// Whom to answer later: one call, put off with regrow_defer(). A plain number, like a pid.
typedef struct regrow_caller {
  uint64_t server;
  uint64_t call;
} regrow_caller;

/// What a callback returns: one of REGROW_READY ... REGROW_DONE, or what regrow_reply(), regrow_stop_self() and their
/// like gave. Anything else, zero included, ends the process with `bad_return_value`.
typedef int32_t regrow_next;

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

/// The whole life of a process. Returns REGROW_DONE, or what regrow_stop_self() gave.
typedef regrow_next (*regrow_body_callback)(regrow_context *context, void *user);

/// Runs in an agent (or for an entry of a registry) on what it keeps.
///
/// `state` is borrowed. `next` (updates only) and `reply` (what gives a value only) are nil until they are written; a
/// term written there is moved. Returns REGROW_DONE, or what regrow_stop_self() gave: then nothing changes.
typedef regrow_next (*regrow_agent_callback)(regrow_context *context,
                                             void *user,
                                             const regrow_term *state,
                                             regrow_term *next,
                                             regrow_term *reply);

/// Gets the outcome of a request, once; `result` is borrowed.
typedef void (*regrow_reply_callback)(void *user, regrow_error error, const regrow_term *result);

/// Takes a message of a host process out to where it lives; `message` is borrowed. `caller` is zero unless it is a
/// call, which is answered with regrow_answer().
typedef void (*regrow_deliver_callback)(void *user, regrow_pid pid, const regrow_term *message, regrow_caller caller);

/// Tells the outside that a host process is to end; `reason` is borrowed.
typedef void (*regrow_exit_callback)(void *user, regrow_pid pid, const regrow_term *reason);

/// Takes one line of the log; `text` and `report` are borrowed. May run on any thread, on several at once.
typedef void (*regrow_log_callback)(void *user, uint32_t level, const char *text, const regrow_term *report);

/// Gets the entries of a registry one by one; `value` is borrowed.
typedef void (*regrow_each_callback)(void *user, regrow_pid pid, const regrow_term *value);

/// Whether this is the message waited for; `message` is borrowed. It must not wait, receive or send.
typedef bool (*regrow_match_callback)(void *user, const regrow_term *message);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* ---- Terms ---- */

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

/// Another owner of the same value; yours. Nothing is copied. Invalid when the term is NULL, spent or invalid. Any
/// thread.
regrow_term regrow_term_clone(const regrow_term *term);

/// Gives a term back. The variable is left nil, so that freeing it twice is harmless; NULL does nothing. Any thread.
void regrow_term_free(regrow_term *term);

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

/// Decodes a term from Erlang's External Term Format; the bytes need not be trusted.
///
/// @param term  out.
/// @return REGROW_ERR_ARGUMENT when the bytes are no term, or more than one; REGROW_ERR_LIMIT when they unpack to more
///         than 64 MiB, hold more than 1,000 new atoms, or an integer of more than 128 KiB. Any thread.
regrow_error regrow_term_decode(const void *data, size_t size, regrow_term *term);

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
REGROW_LAYOUT(4, regrow_term, 16);
REGROW_LAYOUT(5, regrow_caller, 16);
REGROW_LAYOUT(6, size_t, 8);
REGROW_LAYOUT(7, void *, 8);
#undef REGROW_LAYOUT

#endif  /* REGROW_H */
