//! Who is calling: the process whose callback this thread runs, the process that this thread entered as, or a
//! thread without an identity.

use super::control::Process;
use super::error::Error;
use super::home::ThreadHome;
use crate::sync::own::own;
use crate::term::Pid;
use std::sync::Arc;

/// Who is calling.
pub enum Identity<'a> {
    Process(&'a Process),
    Thread,
}

/// The process that runs on this thread. The reference is good until the callback returns: whoever fences it from
/// outside keeps the block alive for the ghost.
#[inline]
pub fn current<'a>() -> Option<&'a Process> {
    // SAFETY: set around a run of the process, or between enter and leave, and kept alive for as long.
    unsafe { own().process.get().cast::<Process>().as_ref() }
}

/// Its pid; `Pid::NONE` on a foreign thread.
pub fn current_pid() -> Pid {
    current().map_or(Pid::NONE, Process::pid)
}

/// Who is calling. `Error::Killed` for a ghost.
#[inline]
pub fn identity<'a>() -> Result<Identity<'a>, Error> {
    match current() {
        Some(process) if process.state.is_dead() => Err(Error::Killed),
        Some(process) => Ok(Identity::Process(process)),
        None => Ok(Identity::Thread),
    }
}

/// Whether the caller is a ghost, and to be told so.
#[inline(always)]
pub fn is_ghost() -> bool {
    current().is_some_and(|process| process.state.is_dead())
}

/// The calling process. `Error::NoIdentity` on a foreign thread.
pub(super) fn me<'a>() -> Result<&'a Process, Error> {
    match identity()? {
        Identity::Process(process) => Ok(process),
        Identity::Thread => Err(Error::NoIdentity),
    }
}

/// Whether this thread is in a callback, be it of some process or nobody's (a drop), and not merely entered.
pub fn in_callback() -> bool {
    own().may_not_wait.get() || current().is_some_and(|process| process.flags & super::control::ENTERED == 0)
}

#[inline]
pub(super) fn set(process: *const Process) -> *const Process {
    own().process.replace(process.cast()).cast()
}

/// The home of the calling thread, if it is that of a process.
pub(super) fn thread_home() -> Option<Arc<ThreadHome>> {
    current().and_then(|process| process.place.thread_home().cloned())
}
