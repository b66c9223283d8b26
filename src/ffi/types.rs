//! The value types of the header, its constants, and the types of its callbacks.
// C and the tests read what Rust does not.
#![allow(non_camel_case_types, dead_code)]

use super::context::regrow_context;
use std::ffi::{c_char, c_void};

/// Why a call failed. Numbers never change meaning and are never reused.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum regrow_error {
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
}

/// A process: a plain number, never freed, never reused. Zero is no process.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct regrow_pid {
    /// Equal in equal pids; regrow's own otherwise.
    pub id: u64,
}

/// A reference: a monitor, a timer or a busy token.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct regrow_ref {
    /// Equal in equal references; regrow's own otherwise.
    pub id: u64,
}

/// A table: a plain number, never freed, never reused. Zero is no table. What is asked of one that is gone is
/// REGROW_ERR_NO_TABLE; what its access does not allow the caller, REGROW_ERR_ACCESS.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct regrow_table {
    /// Equal in equal tables; regrow's own otherwise.
    pub id: u64,
}

/// A value: immutable, cheap to copy around, safe to share between threads.
///
/// Zeroed it is `[]`. The fields are regrow's own; read it with regrow_as_*.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct regrow_term {
    /// What it is; regrow's own.
    pub meta: u64,
    /// What it holds; regrow's own.
    pub value: u64,
}

/// Whom to answer later: one call, put off with regrow_defer(). A plain number, like a pid.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct regrow_caller {
    /// regrow's own.
    pub server: u64,
    /// regrow's own.
    pub call: u64,
}

/// A task, as its owner knows it. A plain number, like a pid.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct regrow_task {
    /// Its process.
    pub pid: regrow_pid,
    /// Its value comes to the owner as {Ref, Value}, its end as the DOWN of the same Ref.
    pub monitor: regrow_ref,
}

const _: () = assert!(size_of::<regrow_task>() == 16 && align_of::<regrow_task>() == 8);
const _: () = assert!(size_of::<regrow_pid>() == 8 && align_of::<regrow_pid>() == 8);
const _: () = assert!(size_of::<regrow_ref>() == 8 && align_of::<regrow_ref>() == 8);
const _: () = assert!(size_of::<regrow_table>() == 8 && align_of::<regrow_table>() == 8);
const _: () = assert!(size_of::<regrow_term>() == 16 && align_of::<regrow_term>() == 8);
const _: () = assert!(size_of::<regrow_caller>() == 16 && align_of::<regrow_caller>() == 8);
const _: () = assert!(size_of::<regrow_error>() == 4);

/// Something under way: an answer, an end or a start that is waited for later. Free it, or hand it to
/// regrow_on_reply().
pub struct regrow_request {
    _opaque: [u8; 0],
}

/// What a callback returns: one of REGROW_READY ... REGROW_DONE, or what regrow_reply(), regrow_stop_self() and their
/// like gave. Anything else, zero included, ends the process with `bad_return_value`.
pub type regrow_next = i32;

/// The layout that this header speaks; regrow_abi_version() tells the library's.
pub const REGROW_ABI_VERSION: u32 = 1;

/// In every `_ms`: no limit.
pub const REGROW_INFINITY: u32 = u32::MAX;
/// max_restarts, max_children: none, where zero means the default.
pub const REGROW_NONE: u32 = 0xffff_fffe;
/// shutdown_ms, and the limit of regrow_task_shutdown(): killed at once.
pub const REGROW_BRUTAL_KILL: u32 = 0xffff_fffe;

/// init: the process is up.
pub const REGROW_READY: i32 = 0x5247_0001;
/// init: do not start it, and do not call that an error.
pub const REGROW_IGNORE: i32 = 0x5247_0002;
/// handle_...: go on. A call that was not put off with regrow_defer() ends with REGROW_ERR_EXITED, `no_reply`.
pub const REGROW_NOREPLY: i32 = 0x5247_0003;
/// Bodies of processes, functions of agents, tasks: ended well.
pub const REGROW_DONE: i32 = 0x5247_0004;

const _: () = assert!(REGROW_READY == crate::server::READY && REGROW_IGNORE == crate::server::IGNORE);
const _: () = assert!(REGROW_NOREPLY == crate::server::NOREPLY && REGROW_DONE == crate::server::DONE);

/// kind: a server; `spec` is a regrow_server_spec.
pub const REGROW_SERVER: u32 = 1;
/// kind: a supervisor; `spec` is a regrow_supervisor_spec.
pub const REGROW_SUPERVISOR: u32 = 2;
/// kind: a registry; `spec` is a regrow_registry_spec.
pub const REGROW_REGISTRY: u32 = 3;
/// kind: an agent; `spec` is a regrow_agent_spec.
pub const REGROW_AGENT: u32 = 4;
/// kind: a body that runs once, and may receive; `spec` is a regrow_process_spec.
pub const REGROW_PROCESS: u32 = 5;
/// kind: a process that lives in another language's runtime; `spec` is a regrow_host_spec.
pub const REGROW_HOST: u32 = 6;
/// kind: a supervisor whose children come and go; `spec` is a regrow_dynamic_supervisor_spec.
pub const REGROW_DYNAMIC_SUPERVISOR: u32 = 7;
/// kind: a supervisor of the same child several times; `spec` is a regrow_partition_supervisor_spec.
pub const REGROW_PARTITION_SUPERVISOR: u32 = 8;
/// kind: a supervisor of tasks; `spec` is a regrow_task_supervisor_spec.
pub const REGROW_TASK_SUPERVISOR: u32 = 9;
/// kind: groups and topics; `spec` is a regrow_pubsub_spec.
pub const REGROW_PUBSUB: u32 = 10;
/// kind: a task; `spec` is a regrow_task_spec.
pub const REGROW_TASK: u32 = 11;

/// kind: a server whose callbacks go by a name; `spec` is a regrow_behaviour_spec.
pub const REGROW_BEHAVIOUR: u32 = 12;

/// restart: always.
pub const REGROW_PERMANENT: u32 = 1;
/// restart: after any reason but normal, shutdown and {shutdown, _}.
pub const REGROW_TRANSIENT: u32 = 2;
/// restart: never.
pub const REGROW_TEMPORARY: u32 = 3;

/// strategy: when a child ends, restarts that child.
pub const REGROW_ONE_FOR_ONE: u32 = 0;
/// strategy: when a child ends, restarts every child.
pub const REGROW_ONE_FOR_ALL: u32 = 1;
/// strategy: when a child ends, restarts it and those started after it.
pub const REGROW_REST_FOR_ONE: u32 = 2;
/// strategy: all children are instances of one template, started and stopped on request, and restarted alone.
pub const REGROW_SIMPLE_ONE_FOR_ONE: u32 = 3;

/// auto_shutdown: the supervisor does not end with its children.
pub const REGROW_NEVER: u32 = 0;
/// auto_shutdown: it ends when one of its significant children has ended by itself.
pub const REGROW_ANY_SIGNIFICANT: u32 = 1;
/// auto_shutdown: it ends when the last of its significant children has ended by itself.
pub const REGROW_ALL_SIGNIFICANT: u32 = 2;

/// flags of a supervisor: children that are started together are started at once, and not one after the other.
pub const REGROW_PARALLEL_START: u32 = 1;
/// flags of a dynamic supervisor: no two of its children have the same id.
pub const REGROW_UNIQUE_IDS: u32 = 1;
/// flags of a partition supervisor: each partition gets its number as one more argument of its init.
pub const REGROW_WITH_NUMBER: u32 = 1;

/// at_limit of a backoff: the supervisor ends, as in OTP.
pub const REGROW_END: u32 = 0;
/// at_limit of a backoff: the child stays down until regrow_supervisor_restart_child().
pub const REGROW_PARK: u32 = 1;

/// home: on the runtime's workers.
pub const REGROW_SHARED: u32 = 0;
/// home: on a thread of its own, for callbacks that block.
pub const REGROW_THREAD: u32 = 1;

/// flags of a server, process, agent or task: runs without a stack of its own; what would wait is
/// REGROW_ERR_WOULD_BLOCK.
pub const REGROW_NO_PARK: u32 = 1;
/// flags of a server or agent: answers calls on the caller's thread while it is idle.
pub const REGROW_INLINE: u32 = 2;

/// flags of a host process: its unanswered calls do not keep the runtime from being quiet.
pub const REGROW_NOT_BUSY: u32 = 4;
/// flags of a host process: casts come as {'$gen_cast', Message}, so that they are told from plain messages.
pub const REGROW_TAG_CASTS: u32 = 8;
/// at_limit of a task supervisor: one task too many is refused.
pub const REGROW_REFUSE: u32 = 0;
/// at_limit of a task supervisor: it waits for its turn.
pub const REGROW_QUEUE: u32 = 1;

/// place: linked with the caller.
pub const REGROW_LINKED: u32 = 0;
/// place: not linked with the caller; needs a supervisor.
pub const REGROW_UNLINKED: u32 = 1;

/// order: results come in the order of the items.
pub const REGROW_ORDERED: u32 = 0;
/// order: results come as they are ready.
pub const REGROW_UNORDERED: u32 = 1;

/// on_timeout: the stream ends with REGROW_ERR_TIMEOUT.
pub const REGROW_EXIT_STREAM: u32 = 0;
/// on_timeout: that task is killed; its result is {exit, timeout}.
pub const REGROW_KILL_TASK: u32 = 1;

/// mailbox_policy: what does not fit is refused.
pub const REGROW_REJECT: u32 = 0;
/// mailbox_policy, overflow: what has waited longest is dropped.
pub const REGROW_DROP_OLDEST: u32 = 1;
/// mailbox_policy, overflow: what comes at the limit is dropped.
pub const REGROW_DROP_NEWEST: u32 = 2;
/// mailbox_policy: the sender waits for room.
pub const REGROW_BLOCK: u32 = 3;

/// keys: one process for each.
pub const REGROW_UNIQUE: u32 = 0;
/// keys: any number of processes for each.
pub const REGROW_DUPLICATE: u32 = 1;

/// A table's kind: one object for each key. Keys are compared exactly.
pub const REGROW_SET: u32 = 0;
/// A table's kind: one object for each key, in the order of the keys; 1 and 1.0 are one key.
pub const REGROW_ORDERED_SET: u32 = 1;
/// A table's kind: any number of different objects for each key.
pub const REGROW_BAG: u32 = 2;
/// A table's kind: any number of objects for each key, equal ones too.
pub const REGROW_DUPLICATE_BAG: u32 = 3;

/// access: everybody reads, the owner writes.
pub const REGROW_PROTECTED: u32 = 0;
/// access: everybody reads and writes.
pub const REGROW_PUBLIC: u32 = 1;
/// access: only the owner reads and writes.
pub const REGROW_PRIVATE: u32 = 2;

/// clock: the system's monotonic one.
pub const REGROW_MONOTONIC: u32 = 0;
/// clock: stands still but for regrow_advance(); for tests.
pub const REGROW_MANUAL: u32 = 1;

/// `format` of regrow_tree(): nested maps.
pub const REGROW_TREE_TERM: u32 = 0;
/// `format` of regrow_tree(): text, a line for each process.
pub const REGROW_TREE_TEXT: u32 = 1;
/// `format` of regrow_tree(): JSON.
pub const REGROW_TREE_JSON: u32 = 2;

/// regrow_demonitor(), regrow_cancel_timer(): removes the message too, if it has come already.
pub const REGROW_FLUSH: u32 = 1;

/// flags of an alias, of what is sent by one, of a link and of a monitor: before all ordinary messages.
pub const REGROW_PRIORITY: u32 = 1;

/// regrow_settled.state: nothing runs, and no timer is pending.
pub const REGROW_QUIET: u32 = 0;
/// regrow_settled.state: nothing runs; the next timer is due at deadline_ms.
pub const REGROW_WAITING: u32 = 1;

/// regrow_settled.kind: regrow_send_after() and its like, idle timeouts.
pub const REGROW_TIMER_USER: u32 = 0;
/// regrow_settled.kind: limits of init, of shutdown, of restarts.
pub const REGROW_TIMER_SUPERVISION: u32 = 1;
/// regrow_settled.kind: the time limit of whoever waits: regrow_sleep(), calls, requests, addresses.
pub const REGROW_TIMER_SLEEP: u32 = 2;

/// log_level: what is traced, too.
pub const REGROW_LOG_DEBUG: u32 = 1;
/// log_level: children that are up (OTP's progress reports), and what is worse.
pub const REGROW_LOG_INFO: u32 = 2;
/// log_level: what may be wrong, such as messages that nobody handles, and what is worse.
pub const REGROW_LOG_WARNING: u32 = 3;
/// log_level: crashes.
pub const REGROW_LOG_ERROR: u32 = 4;
/// log_level: nothing is logged.
pub const REGROW_LOG_SILENT: u32 = 5;

/// Makes the state of a server; runs before anyone sees the process.
///
/// `arg` is borrowed. `state` is an out-parameter, and stays NULL when it is not written. Returns REGROW_READY,
/// REGROW_IGNORE, or what regrow_stop_self() gave.
pub type regrow_init_callback = Option<
    unsafe extern "C-unwind" fn(
        context: *mut regrow_context,
        user: *mut c_void,
        arg: *const regrow_term,
        state: *mut *mut c_void,
    ) -> regrow_next,
>;

/// Handles one message of a server; `message` is borrowed. Returns REGROW_NOREPLY, or what regrow_reply(),
/// regrow_stop_self() and their like gave.
pub type regrow_handle_callback = Option<
    unsafe extern "C-unwind" fn(
        context: *mut regrow_context,
        state: *mut c_void,
        message: *const regrow_term,
    ) -> regrow_next,
>;

/// The last callback of a server that ends in order; `reason` is borrowed. The state is dropped after it.
pub type regrow_terminate_callback =
    Option<unsafe extern "C-unwind" fn(context: *mut regrow_context, state: *mut c_void, reason: *const regrow_term)>;

/// Frees what belongs to a pointer: called exactly once, on any thread. It may use terms, but not wait.
pub type regrow_drop_callback = Option<unsafe extern "C-unwind" fn(user: *mut c_void)>;

/// The children that a supervisor is about to start with. Good until the callback that got it returns.
pub struct regrow_children {
    _opaque: [u8; 0],
}

/// Runs in a supervisor at each of its starts, before its children are started; it may wait. `arg` is borrowed: that of
/// the spec. `children` is where regrow_children_add() adds to those of the spec; NULL in a dynamic supervisor. Returns
/// REGROW_READY, REGROW_IGNORE or what regrow_stop_self() gave.
pub type regrow_supervisor_init_callback = Option<
    unsafe extern "C-unwind" fn(
        context: *mut regrow_context,
        user: *mut c_void,
        arg: *const regrow_term,
        children: *mut regrow_children,
    ) -> regrow_next,
>;

/// The whole life of a process. Returns REGROW_DONE, or what regrow_stop_self() gave.
pub type regrow_body_callback =
    Option<unsafe extern "C-unwind" fn(context: *mut regrow_context, user: *mut c_void) -> regrow_next>;

/// What a task does. `argument` is borrowed: that of its spec, or the item of a stream.
///
/// A term written to `value` is moved, and what is waited for; one that is left alone means []. It is never NULL, and
/// holds nothing to be freed before. Returns REGROW_DONE, or what regrow_stop_self() gave.
pub type regrow_task_callback = Option<
    unsafe extern "C-unwind" fn(
        context: *mut regrow_context,
        user: *mut c_void,
        argument: *const regrow_term,
        value: *mut regrow_term,
    ) -> regrow_next,
>;

/// Gives the next item of a stream; false: there is none. Runs in the caller of regrow_task_stream(), and may wait.
/// What the tasks give comes to the caller's mailbox, so that it may receive only what is known not to be theirs
/// (regrow_receive_match()). A term written to `item` is moved.
pub type regrow_source_callback =
    Option<unsafe extern "C-unwind" fn(user: *mut c_void, item: *mut regrow_term) -> bool>;

/// Gets the results of a stream one by one: {ok, Value} or {exit, Reason}; `result` is borrowed. Runs in the caller of
/// regrow_task_stream(), and may wait, as regrow_source_callback. False: it wants no more.
pub type regrow_result_callback =
    Option<unsafe extern "C-unwind" fn(user: *mut c_void, result: *const regrow_term) -> bool>;

/// Runs in an agent (or for an entry of a registry) on what it keeps.
///
/// `state` is borrowed. A term written to `next` (updates only) or `reply` (what gives a value only) is moved; one that
/// is left alone means the state as it was, and []. They are never NULL, and hold nothing to be freed before. Returns
/// REGROW_DONE, or what regrow_stop_self() gave: then the state stays as it was, and the agent ends.
pub type regrow_agent_callback = Option<
    unsafe extern "C-unwind" fn(
        context: *mut regrow_context,
        user: *mut c_void,
        state: *const regrow_term,
        next: *mut regrow_term,
        reply: *mut regrow_term,
    ) -> regrow_next,
>;

/// Gets the outcome of a request, once; `result` is borrowed.
pub type regrow_reply_callback =
    Option<unsafe extern "C-unwind" fn(user: *mut c_void, error: regrow_error, result: *const regrow_term)>;

/// Takes a message of a host process out to where it lives; `message` is borrowed. `caller` is zero unless it is a
/// call, which is answered with regrow_answer().
pub type regrow_deliver_callback = Option<
    unsafe extern "C-unwind" fn(user: *mut c_void, pid: regrow_pid, message: *const regrow_term, caller: regrow_caller),
>;

/// Told once that a host process has ended; nothing is delivered after it. `reason` is borrowed. It may not wait.
pub type regrow_exit_callback =
    Option<unsafe extern "C-unwind" fn(user: *mut c_void, pid: regrow_pid, reason: *const regrow_term)>;

/// Takes one line of the log; `text` and `report` are borrowed. May run on any thread, on several at once.
pub type regrow_log_callback =
    Option<unsafe extern "C-unwind" fn(user: *mut c_void, level: u32, text: *const c_char, report: *const regrow_term)>;

/// Shown a message that ended without having been handled: whom it was for, and why that did not get it. `message` and
/// `reason` are borrowed. May run on any thread, on several at once; as nobody, and it may not wait.
pub type regrow_undelivered_callback = Option<
    unsafe extern "C-unwind" fn(
        user: *mut c_void,
        pid: regrow_pid,
        message: *const regrow_term,
        reason: *const regrow_term,
    ),
>;

/// Gets the entries of a registry one by one; `value` is borrowed.
pub type regrow_each_callback =
    Option<unsafe extern "C-unwind" fn(user: *mut c_void, pid: regrow_pid, value: *const regrow_term)>;

/// Gives the calling thread's `__cxa_eh_globals`, of the Itanium ABI for C++.
pub type regrow_globals_callback = Option<unsafe extern "C-unwind" fn() -> *mut c_void>;

/// Runs once, in the caller.
pub type regrow_run_callback = Option<unsafe extern "C-unwind" fn(user: *mut c_void)>;

/// Whether this is the message waited for; `message` is borrowed. It has no identity and may not wait: what would is
/// refused. It must return soon: while it runs its process is not ended, neither from outside nor by its watchdog.
pub type regrow_match_callback =
    Option<unsafe extern "C-unwind" fn(user: *mut c_void, message: *const regrow_term) -> bool>;
