//! Priority messages: what goes before all that waits in a mailbox already.
#![allow(non_camel_case_types)]

use super::support::{Fault, guard, out, take};
use super::types::{REGROW_PRIORITY, regrow_error, regrow_pid, regrow_ref, regrow_term};
use crate::process;

fn priority(flags: u32) -> Result<bool, Fault> {
    if flags & !REGROW_PRIORITY != 0 {
        return Err(Fault::argument("a flag that this library does not know"));
    }
    Ok(flags & REGROW_PRIORITY != 0)
}

/// As regrow_alias(). With REGROW_PRIORITY it is a priority alias: by it others can send priority messages to the
/// caller, if they say so. Needs an identity.
///
/// A priority message comes before all ordinary messages that are in the mailbox, and after the priority messages
/// there; for its receiver it is a message as any other. No limit of a mailbox holds it up. Use it for what cannot wait
/// behind a long queue, and little else: it has no place in code that sends much.
///
/// @param flags  0 or REGROW_PRIORITY.
/// @param alias  out: the Ref, to be given to those who may.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_alias_opt(flags: u32, alias: *mut regrow_ref) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let alias = unsafe { out(alias) }?;
        alias.set(process::alias_opt(priority(flags)?)?);
        Ok(())
    })
}

/// As regrow_send_alias(). With REGROW_PRIORITY, and to a priority alias, it is a priority message: to any other alias,
/// or without the flag, an ordinary one. Any thread.
///
/// @param message  moved.
/// @param flags    0 or REGROW_PRIORITY.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_send_alias_opt(
    pid: regrow_pid, alias: regrow_ref, message: regrow_term, flags: u32,
) -> regrow_error {
    let message = take(message);
    guard(|| {
        let (message, priority) = (message?, priority(flags)?);
        process::identity()?;
        process::send_alias(pid.into(), alias.into(), message, priority);
        Ok(())
    })
}

/// As regrow_exit(), to an alias of a process. REGROW_OK also when it has been taken away: nothing happens. Any thread.
///
/// With REGROW_PRIORITY, and to a priority alias, the {'EXIT', From, Reason} of a process that traps exits is a
/// priority message. To one that does not trap them the flag makes no difference.
///
/// @param reason  moved.
/// @param flags   0 or REGROW_PRIORITY.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_exit_alias(
    pid: regrow_pid, alias: regrow_ref, reason: regrow_term, flags: u32,
) -> regrow_error {
    let reason = take(reason);
    guard(|| Ok(process::exit_alias(pid.into(), alias.into(), reason?, priority(flags)?)?))
}

/// As regrow_link(). With REGROW_PRIORITY the EXIT that the link gives the caller, if it traps exits, is a priority
/// message; the other end notices nothing. Needs an identity.
///
/// Where there is a link already (to the parent, to a process that was started), it is made one of that kind, or
/// without the flag, and by regrow_link(), one that is ordinary again.
///
/// @param flags  0 or REGROW_PRIORITY.
/// @return REGROW_ERR_NO_PROCESS when it is dead; a caller that traps exits gets an EXIT with `noproc` instead.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_link_opt(pid: regrow_pid, flags: u32) -> regrow_error {
    guard(|| Ok(process::link_opt(pid.into(), priority(flags)?)?))
}

/// As regrow_monitor(). With REGROW_PRIORITY its DOWN is a priority message; what is sent to its Ref, as to an alias,
/// is ordinary. Needs an identity.
///
/// @param flags    0 or REGROW_PRIORITY.
/// @param monitor  out: the Ref.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_monitor_opt(pid: regrow_pid, flags: u32, monitor: *mut regrow_ref) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let monitor = unsafe { out(monitor) }?;
        monitor.set(process::monitor_opt(pid.into(), None, priority(flags)?)?);
        Ok(())
    })
}
