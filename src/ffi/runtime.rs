//! Starting, settling and stopping a runtime; threads that enter it; the last error.
#![allow(non_camel_case_types)]

use super::request::{pass_request, regrow_request};
use super::support::{
    Fault, SizedStruct, guard, guard_value, is_forked, last_fault, limit, node_of, out, out_optional, sized_optional,
    sized_out,
};
use super::types::{
    REGROW_LOG_SILENT, REGROW_LOG_WARNING, REGROW_MANUAL, REGROW_MONOTONIC, REGROW_NONE, REGROW_QUIET,
    REGROW_TIMER_SLEEP, REGROW_TIMER_SUPERVISION, REGROW_TIMER_USER, REGROW_WAITING, regrow_error, regrow_log_callback,
    regrow_pid, regrow_ref, regrow_run_callback, regrow_term, regrow_undelivered_callback,
};
use crate::clock::TimerKind;
use crate::process::{self, Error, LogLevel, Logger, Undelivered};
use crate::runtime::{self, Options, Settled};
use crate::supervisor::SupervisorSpec;
use crate::term::{Term, atoms};
use std::ffi::{CString, c_char, c_void};

/// How a runtime is made. A field left zero takes its default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_options {
    /// sizeof(regrow_options).
    pub size: usize,
    /// Threads that run processes; 0: one for each core.
    pub workers: u32,
    /// REGROW_MONOTONIC (0), or REGROW_MANUAL: time moves only by regrow_advance().
    pub clock: u32,
    /// Usable bytes of the stack that a waiting callback keeps, committed as it is touched; 0: 256 KiB.
    pub stack_size: u32,
    /// Most processes at one time; 0: 2^27.
    pub max_processes: u32,
    /// Restarts of the root's children before it gives up; 0: 3, REGROW_NONE: none.
    pub max_restarts: u32,
    /// Within this many milliseconds; 0: 5000.
    pub period_ms: u32,
    /// The least level that is logged; 0: REGROW_LOG_WARNING.
    pub log_level: u32,
    /// Zero.
    pub reserved: u32,
    /// Gets the log; NULL: it goes to stderr.
    pub log: regrow_log_callback,
    /// Passed to `log`.
    pub log_user: *mut c_void,
    /// Shown each message that ends unhandled and whose sender is not told: those in the mailbox of a process that ends
    /// (its reason), those that a mailbox with a limit drops (`mailbox_full`), those to a process that is not there
    /// (`noproc`), or to an alias that it has taken away (`noalias`). A function for an agent shows as the atom
    /// `request`. Not after regrow_shutdown() has returned REGROW_OK. NULL: they are counted only.
    pub undelivered: regrow_undelivered_callback,
    /// Passed to `undelivered`.
    pub undelivered_user: *mut c_void,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_options {}

/// What a quiet runtime waits for.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_settled {
    /// sizeof(regrow_settled).
    pub size: usize,
    /// REGROW_QUIET: no timer is pending. REGROW_WAITING: the next is due at `deadline_ms`.
    pub state: u32,
    /// What that timer is for: REGROW_TIMER_USER, REGROW_TIMER_SUPERVISION or REGROW_TIMER_SLEEP.
    pub kind: u32,
    /// The runtime's time, in milliseconds since it started.
    pub now_ms: u64,
    /// When the next timer is due, on the same clock, rounded up.
    pub deadline_ms: u64,
}

// SAFETY: as above.
unsafe impl SizedStruct for regrow_settled {}

/// Numbers about a runtime, each of the moment it was read.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_stats {
    /// sizeof(regrow_stats).
    pub size: usize,
    /// Processes alive, the root and entered threads included.
    pub processes: u64,
    /// Worker threads, relief included.
    pub workers: u64,
    /// Worker threads beyond the wanted number: others are, or were, stuck.
    pub relief_workers: u64,
    /// Workers that were in one callback for a whole tick of 10 ms, and did not only wait for a processor.
    pub stuck: u64,
    /// Dead processes whose callback has not returned.
    pub ghosts: u64,
    /// Stacks that were ever needed at one time, rounded up to the slab.
    pub stacks: u64,
    /// Busy tokens, and calls that host processes have not answered: what regrow_settle() waits for outside.
    pub busy: u64,
    /// Messages and requests that were sent, refused ones included; once all is at rest, the sum of the next three and
    /// of what lies in mailboxes. Not counted: signals, answers, what a system asks, calls to processes that are not
    /// there, and what is broadcast to subscriptions with max_messages.
    pub sent: u64,
    /// Of those, given to whom they were for: to a callback, by a receive, or flushed.
    pub handled: u64,
    /// Of those, told to their senders as an error: refused, or calls to a process that ended first.
    pub returned: u64,
    /// Of those, shown to `undelivered`.
    pub undelivered: u64,
    /// Processes that were ended by their `watchdog_ms`; those whose callback has not returned are `ghosts`.
    pub watchdog: u64,
}

// SAFETY: as above.
unsafe impl SizedStruct for regrow_stats {}

/// The library's binary interface, as a number that grows with each change: REGROW_ABI_VERSION of its own header. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_abi_version() -> u32 {
    super::types::REGROW_ABI_VERSION
}

/// The library's version, such as "0.1.0"; static. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Starts a runtime and returns its root supervisor, the handle to all of it. May wait.
///
/// @param options  borrowed; NULL takes every default.
/// @param root     out: the root: start children under it, stop everything with regrow_shutdown().
/// @return REGROW_ERR_LIMIT when no thread can be had.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_init(options: *const regrow_options, root: *mut regrow_pid) -> regrow_error {
    crate::sync::forked::watch();
    guard(|| {
        // SAFETY: the C caller's promises about pointers, as the header says them.
        let (given, root) = unsafe { (sized_optional(options)?, out(root)?) };
        // SAFETY: all zeroes is a regrow_options.
        let given = given.unwrap_or_else(|| unsafe { std::mem::zeroed::<regrow_options>() });
        if given.clock > REGROW_MANUAL || given.log_level > REGROW_LOG_SILENT || given.reserved != 0 {
            return Err(Fault::argument("an option has a value that this library does not know"));
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let defaulted = |value: u32, default: u32| if value == 0 { default } else { value };
        let options = Options {
            workers: if given.workers == 0 { cores } else { given.workers as usize },
            manual_clock: given.clock != REGROW_MONOTONIC,
            stack_size: defaulted(given.stack_size, 256 * 1024) as usize,
            max_processes: u64::from(defaulted(given.max_processes, 1 << 27)),
            log_level: defaulted(given.log_level, REGROW_LOG_WARNING),
            logger: logger(given.log, given.log_user),
            undelivered: undelivered(given.undelivered, given.undelivered_user),
        };
        let spec = SupervisorSpec {
            max_restarts: match given.max_restarts {
                0 => 3,
                REGROW_NONE => 0,
                many => many,
            },
            period_ms: defaulted(given.period_ms, 5_000),
            ..SupervisorSpec::default()
        };
        let node = runtime::start(options, &spec)?;
        root.set(node.root());
        Ok(())
    })
}

/// A pointer that is handed on to a callback.
struct Handed(*mut c_void);
// SAFETY: the header says that these callbacks may be called from any thread; the pointer is only handed on to them.
unsafe impl Send for Handed {}
// SAFETY: as above.
unsafe impl Sync for Handed {}

fn undelivered(hook: regrow_undelivered_callback, user: *mut c_void) -> Option<Undelivered> {
    let (hook, user) = (hook?, Handed(user));
    Some(Box::new(move |pid, message, reason| {
        let user = &user;
        let (message, reason) = (std::ptr::from_ref(message).cast(), std::ptr::from_ref(reason).cast());
        // SAFETY: the user's function, called as the header says.
        unsafe { hook(user.0, pid.into(), message, reason) }
    }))
}

fn logger(log: regrow_log_callback, user: *mut c_void) -> Logger {
    let user = Handed(user);
    match log {
        Some(log) => Box::new(move |level: LogLevel, text, report| {
            let user = &user;
            // A NUL cannot come out of a term's print, nor out of a name.
            let text = CString::new(text.replace('\0', "?")).unwrap_or_default();
            let report = report.map_or(std::ptr::null(), |term| std::ptr::from_ref(term).cast());
            // SAFETY: the user's function, called as the header says.
            unsafe { log(user.0, level as u32, text.as_ptr(), report) }
        }),
        None => Box::new(|level, text, _| {
            let level = match level {
                LogLevel::Debug => "debug",
                LogLevel::Info => "info",
                LogLevel::Warning => "warning",
                LogLevel::Error => "error",
            };
            eprintln!("regrow {level}: {text}");
        }),
    }
}

/// Stops a runtime: every process, children last to first, then the threads. Waits; not in a callback.
///
/// After REGROW_OK no callback runs and none will. At REGROW_ERR_TIMEOUT everything has been killed, and what is still
/// inside a callback is stuck: call again to go on waiting. A thread that entered this runtime leaves it.
///
/// @param timeout_ms  also what the children's shutdown times are cut off at; REGROW_INFINITY: none.
/// @param stuck       out, also at REGROW_ERR_TIMEOUT: a list of the pids whose callbacks have not returned, or
///                    whose ends are not over; yours. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_shutdown(root: regrow_pid, timeout_ms: u32, stuck: *mut regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let stuck = unsafe { out_optional(stuck) };
        match runtime::shutdown(root.into(), limit(timeout_ms)) {
            Ok(()) => {
                stuck.set(Term::nil());
                Ok(())
            }
            Err((error, pids)) => {
                let list = Term::list(pids.into_iter().map(Term::pid).collect());
                let mut fault = Fault::from(error);
                if fault.code == regrow_error::REGROW_ERR_TIMEOUT {
                    fault.reason = Term::tuple_of([Term::atom_named("stuck"), list.clone()]);
                    stuck.set(list);
                }
                Err(fault)
            }
        }
    })
}

/// Makes the calling thread a process of the runtime, until it leaves or ends: it may link, monitor and receive. Any
/// thread that is none yet.
///
/// @param runtime  the root, or any other process, of the runtime.
/// @param pid      out. NULL: not wanted.
/// @return REGROW_ERR_EXISTS when it is one already, or runs a callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_enter(runtime: regrow_pid, pid: *mut regrow_pid) -> regrow_error {
    guard(|| {
        let node = node_of(runtime)?;
        // SAFETY: as the header says.
        let pid = unsafe { out_optional(pid) };
        pid.set(process::enter_thread(&node)?);
        Ok(())
    })
}

/// Ends the calling thread's process, with reason normal; the thread goes on without an identity. Entered threads.
///
/// @return REGROW_ERR_CONTEXT when it did not enter.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_leave() -> regrow_error {
    guard(|| Ok(process::leave_thread(Term::atom(atoms::NORMAL))?))
}

/// An eventfd that is readable when a message, or the answer to a request of this thread, has come. For event loops:
/// read it, then take with time limit 0 until there is nothing. It stays regrow's: do not close it. Entered threads.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_thread_fd(fd: *mut i32) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let fd = unsafe { out(fd) }?;
        fd.set(process::thread_event_fd()?);
        Ok(())
    })
}

/// Waits until the runtime is quiet: nothing runs, no signal is under way, and only a timer, or a call from outside,
/// could change that. Not in a callback (REGROW_ERR_WOULD_DEADLOCK). A dead process's callback does not count.
///
/// Work outside counts where regrow is told of it: by a busy token (regrow_busy()), and by a call to a host process
/// that is not answered. A call that a server has put off with regrow_defer() does not count by itself.
///
/// @param timeout_ms  real time, whatever the clock.
/// @param settled     in-out: `.size` set; filled in. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_settle(
    runtime: regrow_pid, timeout_ms: u32, settled: *mut regrow_settled,
) -> regrow_error {
    guard(|| {
        let node = node_of(runtime)?;
        let found = runtime::settle(&node, limit(timeout_ms))?;
        if settled.is_null() {
            return Ok(());
        }
        // SAFETY: as the header says.
        unsafe { sized_out(settled, settled_struct(&found)) }
    })
}

fn settled_struct(found: &Settled) -> regrow_settled {
    let (state, kind, deadline) = match found.next {
        None => (REGROW_QUIET, 0, 0),
        Some((due, TimerKind::User)) => (REGROW_WAITING, REGROW_TIMER_USER, due),
        Some((due, TimerKind::Supervision)) => (REGROW_WAITING, REGROW_TIMER_SUPERVISION, due),
        Some((due, TimerKind::Sleep)) => (REGROW_WAITING, REGROW_TIMER_SLEEP, due),
    };
    regrow_settled { size: 0, state, kind, now_ms: found.now / 1_000_000, deadline_ms: deadline.div_ceil(1_000_000) }
}

/// As regrow_settle(), to be collected later: `quiet`, or `{waiting, DeadlineMs, user | supervision | sleep}`. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_settle_async(runtime: regrow_pid, pending: *mut *mut regrow_request) -> regrow_error {
    guard(|| {
        let node = node_of(runtime)?;
        // SAFETY: as the header says.
        let pending = unsafe { out(pending) }?;
        process::identity()?;
        pass_request(pending, runtime::settle_request(&node)?);
        Ok(())
    })
}

/// Tells the runtime that work for it goes on where it cannot see that: until the token is given back with
/// regrow_done(), regrow_settle() and regrow_advance() wait. Any thread, also in a callback.
///
/// Take it before the work is handed out, such as a call put off with regrow_defer() that a thread of yours answers;
/// give it back after the last call that the work makes. regrow_shutdown() does not wait for tokens.
///
/// @param runtime  the root, or any other process of the runtime.
/// @param token    out: a plain value, good on any thread; to be given back once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_busy(runtime: regrow_pid, token: *mut regrow_ref) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let token = unsafe { out(token) }?;
        process::identity()?;
        token.set(node_of(runtime)?.take_busy());
        Ok(())
    })
}

/// Gives a busy token back. Any thread, also in a callback, and in that of a killed process.
///
/// @param runtime  the root, or any other process of the runtime that the token is from.
/// @return REGROW_ERR_NOT_FOUND when it was given back before, or is none of this runtime's.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_done(runtime: regrow_pid, token: regrow_ref) -> regrow_error {
    guard(|| if node_of(runtime)?.give_busy(token.into()) { Ok(()) } else { Err(Error::NotFound.into()) })
}

/// Runs a function in which nothing waits: what would is REGROW_ERR_WOULD_BLOCK. For threads that may not be held up,
/// such as those of an event loop or of another language's scheduler. Any thread.
///
/// As in a drop function there is no identity in it, whoever the caller is.
///
/// @param run   called once, before this returns.
/// @param user  passed to it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_without_waiting(run: regrow_run_callback, user: *mut c_void) -> regrow_error {
    guard(|| {
        let run = run.ok_or(Fault::argument("the function is NULL"))?;
        process::identity()?;
        // SAFETY: the user's function, called as the header says.
        process::without_waiting(|| unsafe { run(user) });
        Ok(())
    })
}

/// Moves a manual clock on by `ms`, from deadline to deadline, and lets the runtime come to rest at each. Time stands
/// still while work goes on outside, as regrow_settle() sees it. Waits; not in a callback.
///
/// @return REGROW_ERR_ARGUMENT when the clock is not manual.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_advance(runtime: regrow_pid, ms: u64) -> regrow_error {
    guard(|| {
        let node = node_of(runtime)?;
        Ok(runtime::advance(&node, ms.saturating_mul(1_000_000))?)
    })
}

/// The runtime's time, in milliseconds since it started. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_now(runtime: regrow_pid, ms: *mut u64) -> regrow_error {
    guard(|| {
        let node = node_of(runtime)?;
        // SAFETY: as the header says.
        unsafe { out(ms) }?.set(node.clock.now() / 1_000_000);
        Ok(())
    })
}

/// Reads the runtime's numbers. Any thread.
///
/// @param stats  in-out: `.size` set; filled in.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_stats_read(runtime: regrow_pid, stats: *mut regrow_stats) -> regrow_error {
    guard(|| {
        let node = node_of(runtime)?;
        let scheduler = node.scheduler();
        let [sent, handled, returned, undelivered] = node.message_counts();
        let numbers = regrow_stats {
            size: 0,
            processes: node.process_count(),
            workers: scheduler.live() as u64,
            relief_workers: scheduler.relief() as u64,
            stuck: scheduler.stuck() as u64,
            ghosts: node.ghosts().len() as u64,
            stacks: scheduler.stacks().made(),
            busy: node.busy_count() as u64,
            sent,
            handled,
            returned,
            undelivered,
            watchdog: node.watchdog_count(),
        };
        // SAFETY: as the header says.
        unsafe { sized_out(stats, numbers) }
    })
}

/// The name of an error, such as "REGROW_ERR_TIMEOUT"; static, never NULL. Any thread, also in a forked child.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_error_name(error: i32) -> *const c_char {
    const NAMES: [&std::ffi::CStr; 26] = [
        c"REGROW_OK",
        c"REGROW_ERR_ARGUMENT",
        c"REGROW_ERR_VERSION",
        c"REGROW_ERR_NO_PROCESS",
        c"REGROW_ERR_TIMEOUT",
        c"REGROW_ERR_EXITED",
        c"REGROW_ERR_START",
        c"REGROW_ERR_EXISTS",
        c"REGROW_ERR_NOT_FOUND",
        c"REGROW_ERR_INTERNAL",
        c"REGROW_ERR_KILLED",
        c"REGROW_ERR_NOT_ALIVE",
        c"REGROW_ERR_SELF_CALL",
        c"REGROW_ERR_WOULD_BLOCK",
        c"REGROW_ERR_WOULD_DEADLOCK",
        c"REGROW_ERR_WRONG_KIND",
        c"REGROW_ERR_LIMIT",
        c"REGROW_ERR_FORKED",
        c"REGROW_ERR_OTHER_RUNTIME",
        c"REGROW_ERR_CONTEXT",
        c"REGROW_ERR_IGNORED",
        c"REGROW_ERR_RUNNING",
        c"REGROW_ERR_RESTARTING",
        c"REGROW_ERR_NO_TABLE",
        c"REGROW_ERR_ACCESS",
        c"REGROW_ERR_FILE",
    ];
    let name = usize::try_from(error).ok().and_then(|index| NAMES.get(index));
    name.copied().unwrap_or(c"REGROW_ERR_UNKNOWN").as_ptr()
}

/// Tells what the caller's last failed call complained of. The last error belongs to the process in whose callback it
/// happened, or else to the thread; calls that succeed leave it alone. Any thread.
///
/// @param text  out: a sentence, cut to `size` bytes with its NUL. NULL: not wanted.
/// @return the last error's code; REGROW_OK when there was none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_last_error(text: *mut c_char, size: usize) -> regrow_error {
    let last = || last_fault().map_or((regrow_error::REGROW_OK, "".into()), |fault| (fault.code, fault.text));
    let (code, sentence) = if is_forked() {
        (regrow_error::REGROW_ERR_FORKED, "this is the child of a fork".into())
    } else {
        guard_value((regrow_error::REGROW_ERR_INTERNAL, "".into()), last)
    };
    if !text.is_null() && size > 0 {
        let most = sentence.len().min(size - 1);
        let length = (0..=most).rev().find(|&length| sentence.is_char_boundary(length)).unwrap_or(0);
        // SAFETY: the header asks for `size` writable bytes.
        unsafe {
            std::ptr::copy_nonoverlapping(sentence.as_ptr().cast(), text, length);
            text.add(length).write(0);
        }
    }
    code
}

/// OTP's term for the caller's last error: `noproc`, `{already_started, Pid}`, the reason of the process that ended.
/// Any thread.
///
/// @param reason  out; yours.
/// @return REGROW_ERR_NOT_FOUND when there was no error yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_last_reason(reason: *mut regrow_term) -> regrow_error {
    if is_forked() {
        return regrow_error::REGROW_ERR_FORKED;
    }
    guard_value(regrow_error::REGROW_ERR_INTERNAL, || {
        // Without `guard`: a complaint of this call must not take the place of the error asked for.
        // SAFETY: as the header says.
        let Ok(reason) = (unsafe { out(reason) }) else { return regrow_error::REGROW_ERR_ARGUMENT };
        match last_fault() {
            Some(fault) => {
                reason.set(fault.reason);
                regrow_error::REGROW_OK
            }
            None => regrow_error::REGROW_ERR_NOT_FOUND,
        }
    })
}
