//! Sends of what is moved in: the short way (`process::begin_send`), and what it leaves.

use super::support::{Fault, caught, guard, sound, take};
use super::types::{regrow_error, regrow_pid, regrow_term};
use crate::process::{self, Begun, Found, Message, Process};
use crate::term::{Pid, Term};

/// What is sent: a plain message, or a cast.
pub(super) const INFO: bool = false;
pub(super) const CAST: bool = true;

#[inline(always)]
fn wrap<const KIND: bool>(term: Term) -> Message {
    if KIND == CAST { Message::Cast(term) } else { Message::Info(term) }
}

/// A ghost is told so by every call; a foreign thread, a living process and an entered thread pass.
pub(super) fn not_a_ghost() -> Result<(), Fault> {
    process::identity().map(|_| ()).map_err(Fault::from)
}

/// Sends a message that is moved in. What is not on its short way is left to functions that do not unwind (`extern "C"`)
/// and are called last, so that it needs no frame.
#[inline(always)]
pub(super) fn send<const KIND: bool>(pid: regrow_pid, message: regrow_term) -> regrow_error {
    match sound(message).map(|message| process::begin_send(pid.into(), message, wrap::<KIND>)) {
        Ok(Begun::Sent) => regrow_error::REGROW_OK,
        Ok(Begun::Found(found, message)) => finish::<KIND>(found, message.into()),
        Ok(Begun::Nothing(message)) => send_in_full::<KIND>(pid, message.into()),
        Err(message) => send_in_full::<KIND>(pid, message),
    }
}

#[inline(never)]
extern "C" fn finish<const KIND: bool>(found: Found, message: regrow_term) -> regrow_error {
    // SAFETY: called with what was begun, at once; the term was sound.
    caught(|| unsafe {
        process::finish_send(found, wrap::<KIND>(Term::from_words(message.meta, message.value)));
        Ok(())
    })
}

#[inline(never)]
extern "C" fn send_in_full<const KIND: bool>(pid: regrow_pid, message: regrow_term) -> regrow_error {
    // Looked at before the guard, so that it stays in registers.
    let message = match take(message) {
        Ok(message) => message,
        Err(fault) => return guard(|| Err(fault)),
    };
    guard(|| {
        not_a_ghost()?;
        if KIND == CAST {
            Process::post(Pid::from(pid), Message::Cast(message))?;
        } else {
            process::send(pid.into(), message)?;
        }
        Ok(())
    })
}
