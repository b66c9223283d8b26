//! Processes: sending, receiving, links, monitors, names, timers.
#![allow(non_camel_case_types)]

use super::send::{CAST, INFO, not_a_ghost, send};
use super::support::{
    Fault, borrow, guard, guard_told, guard_value, limit, node_of, out, out_optional, take, tell, text, with_node,
};
use super::types::{REGROW_FLUSH, regrow_error, regrow_match_callback, regrow_pid, regrow_ref, regrow_term};
use crate::process::{self, Error, Name};
use crate::term::{Ref, Term};
use std::ffi::{c_char, c_void};

/// The calling process: the one whose callback this is, or that this thread entered as. Needs an identity.
///
/// @return REGROW_ERR_CONTEXT on a thread that is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_self(pid: *mut regrow_pid) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let pid = unsafe { out(pid) }?;
        let me = process::current().ok_or(Error::NoIdentity)?;
        pid.set(me.pid());
        Ok(())
    })
}

/// The root of the runtime that a process lives in. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_root(pid: regrow_pid, root: *mut regrow_pid) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let root = unsafe { out(root) }?;
        root.set(node_of(pid)?.root());
        Ok(())
    })
}

/// Whether the process is alive. It says no only once everything the process held is released. Any thread.
///
/// Never waits, as OTP's is_process_alive/1 may: one that was told to end while its code runs, or that has much to
/// release, is alive until it has ended. Its DOWN tells when that is.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_is_alive(pid: regrow_pid) -> bool {
    !super::support::is_forked() && guard_value(false, || process::is_alive(pid.into()))
}

/// Sends a plain message, which a server gets in `handle_info`, and others with regrow_receive(). Any thread.
///
/// REGROW_OK also when the process is dead: the message is dropped. A process whose mailbox has a limit may refuse it
/// (regrow_server_spec.mailbox_limit): REGROW_ERR_LIMIT, `mailbox_full`. With REGROW_BLOCK, and only then, this may
/// wait: REGROW_ERR_WOULD_BLOCK where that is not allowed, REGROW_ERR_WOULD_DEADLOCK when it is the caller's own
/// mailbox.
///
/// @param message  moved.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_send(pid: regrow_pid, message: regrow_term) -> regrow_error {
    send::<INFO>(pid, message)
}

/// Sends the same message to many. Any thread. A mailbox that is full is passed over, whatever its policy: this does
/// not wait, and is REGROW_OK.
///
/// @param message  borrowed; nothing is copied but the handle.
/// @param pids     borrowed; `count` of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_broadcast(
    message: *const regrow_term, pids: *const regrow_pid, count: usize,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let message = unsafe { borrow(message) }?;
        if pids.is_null() && count > 0 {
            return Err(Fault::argument("an array is NULL"));
        }
        not_a_ghost()?;
        for index in 0..count {
            // SAFETY: the header asks for `count` pids.
            let pid = unsafe { pids.add(index).read() };
            // One that is full is passed over; the others get theirs.
            process::send_now(pid.into(), message.clone());
        }
        Ok(())
    })
}

/// Takes the oldest message, waiting for one if there is none; a priority message (regrow_alias_opt()) before the
/// others. May wait; needs an identity.
///
/// EXIT and DOWN come as {'EXIT', Pid, Reason} and {'DOWN', Ref, process, Pid, Reason}.
///
/// @param timeout_ms  0 looks once and never waits.
/// @param message     out; yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_receive(timeout_ms: u32, message: *mut regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let message = unsafe { out(message) }?;
        message.set(process::receive_first(limit(timeout_ms))?);
        Ok(())
    })
}

/// Takes the oldest message that `matches` takes; the others stay, in their order. May wait; needs an identity.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_receive_match(
    matches: regrow_match_callback, user: *mut c_void, timeout_ms: u32, message: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        let matches = matches.ok_or(Fault::argument("the function is NULL"))?;
        // SAFETY: as the header says.
        let message = unsafe { out(message) }?;
        let wanted = |term: &Term| {
            // Not as this process, which is in the middle of looking: what would wait or receive is refused.
            // SAFETY: the user's function, called as the header says.
            process::without_waiting(|| unsafe { matches(user, std::ptr::from_ref(term).cast()) })
        };
        message.set(process::receive(limit(timeout_ms), wanted)?);
        Ok(())
    })
}

/// Drops the messages that are there now. Needs an identity.
///
/// @param count  out: how many. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_flush(count: *mut usize) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let count = unsafe { out_optional(count) };
        count.set(process::flush()?);
        Ok(())
    })
}

/// Does nothing for `ms` milliseconds of the runtime's clock (real time on a thread without identity); 0 lets others
/// run first. May wait.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_sleep(ms: u32) -> regrow_error {
    guard(|| Ok(process::sleep(None, ms)?))
}

/// Sends an exit signal, by the rules of OTP's exit/2. REGROW_OK also when the process is dead. Any thread.
///
/// `kill` ends any process at once, with reason `killed`. `normal` does nothing to another process, and ends the caller
/// itself. Any other reason ends a process that does not trap exits, and becomes {'EXIT', From, Reason} in one that
/// does.
///
/// @param reason  moved.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_exit(pid: regrow_pid, reason: regrow_term) -> regrow_error {
    let reason = take(reason);
    guard(|| Ok(process::exit_signal(pid.into(), reason?)?))
}

/// Links the caller with another process: the end of either is an exit signal to the other. Once, however often it is
/// asked for. Needs an identity.
///
/// @return REGROW_ERR_NO_PROCESS when it is dead; a caller that traps exits gets an EXIT with `noproc` instead.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_link(pid: regrow_pid) -> regrow_error {
    guard(|| Ok(process::link(pid.into())?))
}

/// Takes the link away; no EXIT of it comes after this. Needs an identity.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_unlink(pid: regrow_pid) -> regrow_error {
    guard(|| Ok(process::unlink(pid.into())?))
}

/// Has the caller get {'DOWN', Ref, process, Pid, Reason} once the process ends; at once, with `noproc`, if it is dead.
/// Each monitor gives one message. Needs an identity.
///
/// @param monitor  out: the Ref.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_monitor(pid: regrow_pid, monitor: *mut regrow_ref) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let monitor = unsafe { out(monitor) }?;
        monitor.set(process::monitor(pid.into(), None)?);
        Ok(())
    })
}

/// Takes a monitor away. Needs an identity.
///
/// @param flags    REGROW_FLUSH: takes its DOWN out of the mailbox too.
/// @param removed  out: false when it had fired, or never was. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_demonitor(monitor: regrow_ref, flags: u32, removed: *mut bool) -> regrow_error {
    guard(|| {
        if flags & !REGROW_FLUSH != 0 {
            return Err(Fault::argument("a flag that this library does not know"));
        }
        // SAFETY: as the header says.
        let removed = unsafe { out_optional(removed) };
        removed.set(process::demonitor(monitor.into(), flags & REGROW_FLUSH != 0)?);
        Ok(())
    })
}

/// Makes a Ref that others can send to with regrow_send_alias(), until it is taken away or the caller ends: for answers
/// that are not wanted for ever. Needs an identity.
///
/// The Ref of a monitor (or task) is an alias too, until its DOWN has come or it was taken away.
///
/// @param alias  out: the Ref.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_alias(alias: *mut regrow_ref) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let alias = unsafe { out(alias) }?;
        alias.set(process::alias()?);
        Ok(())
    })
}

/// Takes an alias of the caller's away: what is sent to it from now on is dropped before it comes to the mailbox. Needs
/// an identity.
///
/// @param removed  out: false when it was none. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_unalias(alias: regrow_ref, removed: *mut bool) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let removed = unsafe { out_optional(removed) };
        removed.set(process::unalias(alias.into())?);
        Ok(())
    })
}

/// As regrow_send(), to an alias of a process, and never waits: no limit of its mailbox holds this up. REGROW_OK also
/// when the alias has been taken away: the message is dropped, and shown to regrow_options.undelivered. Any thread.
///
/// @param message  moved.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_send_alias(pid: regrow_pid, alias: regrow_ref, message: regrow_term) -> regrow_error {
    let message = take(message);
    guard(|| {
        let message = message?;
        not_a_ghost()?;
        process::send_alias(pid.into(), alias.into(), message, false);
        Ok(())
    })
}

/// Says whether exit signals to the caller become messages. Needs an identity.
///
/// @param previous  out: how it was. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_trap_exit(trap: bool, previous: *mut bool) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let previous = unsafe { out_optional(previous) };
        previous.set(process::trap_exit(trap)?);
        Ok(())
    })
}

/// Gives a process a name, until it ends. One name for each process. Any thread.
///
/// @param name  not empty.
/// @return REGROW_ERR_EXISTS when somebody has the name, or the process has one; REGROW_ERR_NO_PROCESS when it is dead.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_register(pid: regrow_pid, name: *const c_char) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let name = unsafe { text(name) }?;
        Ok(register(pid, name.into())?)
    })
}

fn register(pid: regrow_pid, name: Name) -> Result<(), Error> {
    process::identity()?;
    let node = process::with_process(pid.into(), |process| process.node().clone()).ok_or(Error::NoProcess)?;
    process::register(&node, pid.into(), name)
}

/// As regrow_register(), with a name of any kind; compared exactly: 1 is not 1.0. One that is text is the same as with
/// regrow_register(). Any thread.
///
/// @param name  moved.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_register_term(pid: regrow_pid, name: regrow_term) -> regrow_error {
    let name = take(name);
    guard(|| Ok(register(pid, name?.into())?))
}

/// Takes a name away. Any thread.
///
/// @param runtime  the root, or any other process, of the runtime meant.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_unregister(runtime: regrow_pid, name: *const c_char) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let name = unsafe { text(name) }?;
        not_a_ghost()?;
        Ok(process::unregister(&node_of(runtime)?, name)?)
    })
}

/// As regrow_unregister(), with a name of any kind. Any thread.
///
/// @param name  borrowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_unregister_term(runtime: regrow_pid, name: *const regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let name = unsafe { borrow(name) }?;
        not_a_ghost()?;
        Ok(process::unregister(&node_of(runtime)?, name)?)
    })
}

/// The process that goes by a name now. Any thread.
///
/// @param runtime  the root, or any other process, of the runtime to look in.
/// @param pid      out.
/// @return REGROW_ERR_NOT_FOUND also while the process is between two lives.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_whereis(
    runtime: regrow_pid, name: *const c_char, pid: *mut regrow_pid,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (name, pid) = unsafe { (text(name)?, out(pid)?) };
        let found = process::whereis(&*node_of(runtime)?, name).ok_or(Error::NotFound)?;
        pid.set(found);
        Ok(())
    })
}

/// As regrow_whereis(), with a name of any kind. Any thread.
///
/// @param name  borrowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_whereis_term(
    runtime: regrow_pid, name: *const regrow_term, pid: *mut regrow_pid,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (name, pid) = unsafe { (borrow(name)?, out(pid)?) };
        pid.set(process::whereis(&*node_of(runtime)?, name).ok_or(Error::NotFound)?);
        Ok(())
    })
}

/// Sends a message after a while; never early. The timer ends with the process it is for. Any thread.
///
/// REGROW_OK also when the process is dead: the timer is one that has fired.
///
/// @param message  moved.
/// @param timer    out, for regrow_cancel_timer(). NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_send_after(
    pid: regrow_pid, ms: u32, message: regrow_term, timer: *mut regrow_ref,
) -> regrow_error {
    // Looked at before the guard, as in regrow_send().
    match take(message) {
        // SAFETY: as the header says.
        Ok(message) => unsafe { start_timer(pid, ms, message, timer, false) },
        Err(fault) => guard(|| Err(fault)),
    }
}

/// As regrow_send_after(); the message comes as {timeout, Ref, Message}. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_start_timer(
    pid: regrow_pid, ms: u32, message: regrow_term, timer: *mut regrow_ref,
) -> regrow_error {
    match take(message) {
        // SAFETY: as the header says.
        Ok(message) => unsafe { start_timer(pid, ms, message, timer, true) },
        Err(fault) => guard(|| Err(fault)),
    }
}

#[inline(never)]
unsafe fn start_timer(pid: regrow_pid, ms: u32, message: Term, timer: *mut regrow_ref, wrap: bool) -> regrow_error {
    guard_told(|inside| {
        // SAFETY: the caller's promise.
        let timer = unsafe { out_optional(timer) };
        if let Err(error) = process::identity() {
            return tell(error);
        }
        timer.set(process::start_message_timer(inside, pid.into(), u64::from(ms), message, wrap));
        regrow_error::REGROW_OK
    })
}

/// Sends a message every `ms` milliseconds, the k-th at k times `ms`, without drift; after a standstill it catches up.
/// Ends with the process it is for. Any thread.
///
/// @param ms       at least 1.
/// @param message  moved.
/// @param timer    out. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_send_interval(
    pid: regrow_pid, ms: u32, message: regrow_term, timer: *mut regrow_ref,
) -> regrow_error {
    let message = take(message);
    guard(|| {
        let message = message?;
        // SAFETY: as the header says.
        let timer = unsafe { out_optional(timer) };
        not_a_ghost()?;
        if ms == 0 {
            return Err(Fault::argument("an interval is at least one millisecond"));
        }
        let started = match process::with_process(pid.into(), |process| process.node().clone()) {
            Some(node) => process::send_interval(&node, pid.into(), u64::from(ms), message)?,
            None => Ref::fresh(), // as in start_timer
        };
        timer.set(started);
        Ok(())
    })
}

/// Cancels a timer. Any thread.
///
/// @param runtime  the root, or any other process, of the runtime it was started in.
/// @param flags    REGROW_FLUSH: when it has fired, takes its message out of the caller's mailbox (only of timers made
///                 by regrow_start_timer(), whose message names the timer).
/// @param left_ms  out: the milliseconds that were left, rounded up. NULL: not wanted.
/// @return REGROW_ERR_NOT_FOUND when it has fired, even if its message waits in the mailbox, or was cancelled before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_cancel_timer(
    runtime: regrow_pid, timer: regrow_ref, flags: u32, left_ms: *mut u64,
) -> regrow_error {
    guard_told(|inside| {
        if flags & !REGROW_FLUSH != 0 {
            return tell(Fault::argument("a flag that this library does not know"));
        }
        // SAFETY: as the header says.
        let left = unsafe { out_optional(left_ms) };
        if let Err(error) = process::identity() {
            return tell(error);
        }
        let (wanted, mut alarm) = (left.is_wanted(), None);
        let here = |process: &process::Process| cancel(process.node(), timer, wanted, &mut alarm);
        let ns = match process::look_inside(inside, runtime.into(), here) {
            Some(ns) => ns,
            None => match cancel_after(runtime, timer, wanted, &mut alarm) {
                Ok(ns) => ns,
                Err(fault) => return tell(fault),
            },
        };
        match ns {
            Some(ns) => {
                left.set(ns.div_ceil(1_000_000));
                process::free_alarm(alarm);
                regrow_error::REGROW_OK
            }
            None => {
                if flags & REGROW_FLUSH != 0 {
                    process::flush_timer(timer.into());
                }
                tell(Error::NotFound)
            }
        }
    })
}

/// The nanoseconds that were left, if they are wanted: the clock takes as long as the cancel.
#[inline(always)]
fn cancel(node: &process::Node, timer: regrow_ref, wanted: bool, alarm: &mut Option<process::Alarm>) -> Option<u64> {
    let due = process::cancel_timer(node, timer.into(), alarm)?;
    Some(if wanted { node.left(due) } else { 0 })
}

/// As [`cancel`], in the runtime of a process that has ended.
#[cold]
#[inline(never)]
fn cancel_after(
    ended: regrow_pid, timer: regrow_ref, wanted: bool, alarm: &mut Option<process::Alarm>,
) -> Result<Option<u64>, Fault> {
    Ok(cancel(&*node_of(ended)?, timer, wanted, alarm))
}

/// The time a timer has left. Any thread.
///
/// @return REGROW_ERR_NOT_FOUND when it has fired or was cancelled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_read_timer(runtime: regrow_pid, timer: regrow_ref, left_ms: *mut u64) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let left = unsafe { out(left_ms) }?;
        let ns = with_node(runtime, |node| process::read_timer(node, timer.into()))?.ok_or(Error::NotFound)?;
        left.set(ns.div_ceil(1_000_000));
        Ok(())
    })
}

/// Gives the calling process a label, for people and tools. Needs an identity.
///
/// @param label  borrowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_set_label(label: *const regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let label = unsafe { borrow(label) }?;
        super::start::me()?.set_label(label.clone());
        Ok(())
    })
}

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
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_info(pid: regrow_pid, map: *mut regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let map = unsafe { out(map) }?;
        map.set(process::info(pid.into()).ok_or(Error::NoProcess)?);
        Ok(())
    })
}

/// Tells a server something. REGROW_OK means queued, not handled; also when the process is dead. It waits, or is
/// refused, only where the mailbox has a limit: as regrow_send(). Any thread.
///
/// @param message  moved; `handle_cast` gets it. A plain process, a task and an entered thread drop it: regrow_send()
///                 is for those.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_cast(pid: regrow_pid, message: regrow_term) -> regrow_error {
    send::<CAST>(pid, message)
}
