//! The requests that every kind answers: what OTP's `sys` asks.

use crate::process::{self, Error, Flow, Message, Outcome, Process, ReplyTo, SystemRequest};
use crate::term::{Pid, Term, atoms};

/// Says that this kind has no such request.
pub fn wrong_kind(reply: Option<ReplyTo>) {
    if let Some(reply) = reply {
        reply.fail(Error::WrongKind);
    }
}

/// What `sys:get_status` tells of a process, as a map: `#{pid, kind, name, label, parent, sys_state, trace}`, and
/// `state` if there is one to be shown.
pub fn status(me: &Process, suspended: bool, traced: bool, state: Option<Term>) -> Term {
    let undefined = || Term::atom(atoms::UNDEFINED);
    let parent = me.parent();
    let entries = [
        ("pid", Term::pid(me.pid())),
        ("kind", Term::atom(me.kind())),
        ("name", me.name().map_or_else(undefined, |name| name.term())),
        ("label", me.label().unwrap_or_else(undefined)),
        ("parent", if parent == Pid::NONE { undefined() } else { Term::pid(parent) }),
        ("sys_state", Term::atom_named(if suspended { "suspended" } else { "running" })),
        ("trace", Term::bool(traced)),
    ];
    let state = state.map(|state| ("state", state));
    Term::map(entries.into_iter().chain(state).map(|(key, value)| (Term::atom_named(key), value)).collect())
}

/// For the kinds without callbacks: stops when asked to, tells its status, and has no state to show.
pub fn handle_plain(me: &Process, request: SystemRequest, reply: ReplyTo) -> Flow {
    match request {
        SystemRequest::Stop(reason) => {
            process::owe(me, reply);
            Flow::Stop(reason)
        }
        SystemRequest::GetStatus => {
            reply.answer(status(me, false, false, None));
            Flow::Continue
        }
        _ => {
            wrong_kind(Some(reply));
            Flow::Continue
        }
    }
}

/// Asks, and reads the answer.
pub fn ask(pid: Pid, request: SystemRequest, timeout: Option<u32>) -> Result<Term, Error> {
    match process::call(pid, timeout, false, |reply| Message::System { request, reply })? {
        Outcome::Died(reason) | Outcome::NotTaken(reason) => Err(Error::Exited(reason)),
        Outcome::TimedOut => Err(Error::Timeout),
        Outcome::Reply(term) => Ok(term),
        Outcome::Failed(error) => Err(error),
        Outcome::Started(_) | Outcome::Native(_) => Err(Error::WrongKind),
    }
}

/// The state of a server, as it describes it. `WrongKind`: it does not.
pub fn state(pid: Pid, timeout: Option<u32>) -> Result<Term, Error> {
    ask(pid, SystemRequest::GetState, timeout)
}

/// Gives a server another state. `WrongKind`: it takes none.
pub fn replace_state(pid: Pid, state: Term, timeout: Option<u32>) -> Result<(), Error> {
    ask(pid, SystemRequest::ReplaceState(state), timeout).map(|_| ())
}

/// Has it handle nothing until [`resume`]; what comes meanwhile is kept in order.
pub fn suspend(pid: Pid, timeout: Option<u32>) -> Result<(), Error> {
    ask(pid, SystemRequest::Suspend, timeout).map(|_| ())
}

pub fn resume(pid: Pid, timeout: Option<u32>) -> Result<(), Error> {
    ask(pid, SystemRequest::Resume, timeout).map(|_| ())
}

/// What there is to be known of a process that answers requests; see [`status`].
pub fn get_status(pid: Pid, timeout: Option<u32>) -> Result<Term, Error> {
    ask(pid, SystemRequest::GetStatus, timeout)
}

/// Has a server write to the log what comes in and what goes out, or no more. `WrongKind`: it is no server.
pub fn trace(pid: Pid, on: bool, timeout: Option<u32>) -> Result<(), Error> {
    ask(pid, SystemRequest::Trace(on), timeout).map(|_| ())
}
