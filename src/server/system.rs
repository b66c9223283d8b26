//! The requests that every kind answers: what OTP's `sys` asks.

use crate::process::{self, Error, Flow, Message, Outcome, Process, ReplyTo, SystemRequest};
use crate::term::{Pid, Term};

/// Says that this kind has no such request.
pub fn wrong_kind(reply: Option<ReplyTo>) {
    if let Some(reply) = reply {
        reply.fail(Error::WrongKind);
    }
}

/// For the kinds without callbacks: stops when asked to, and has nothing to show.
pub fn handle_plain(me: &Process, request: SystemRequest, reply: ReplyTo) -> Flow {
    match request {
        SystemRequest::Stop(reason) => {
            process::owe(me, reply);
            Flow::Stop(reason)
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
