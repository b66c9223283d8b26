//! The value types of the header and its constants.
#![allow(non_camel_case_types)]

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
}

/// A process: a plain number, never freed, never reused. Zero is no process.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct regrow_pid {
    pub id: u64,
}

/// A reference: a monitor or a timer.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct regrow_ref {
    pub id: u64,
}

/// A value: immutable, cheap to copy around, safe to share between threads.
///
/// Zeroed it is `[]`. The fields are regrow's own; read it with regrow_as_*.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct regrow_term {
    pub meta: u64,
    pub value: u64,
}
