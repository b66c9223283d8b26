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

/// What `sys` has asked of a process of a kind without callbacks of the user's.
#[derive(Debug, Default, Clone, Copy)]
pub struct SysState {
    pub suspended: bool,
    pub traced: bool,
}

impl SysState {
    /// The message, if it is to be handled now. While the process is suspended only these requests and the parent's
    /// exit are; the rest is put aside, in its order.
    pub fn admit(self, me: &Process, message: Message) -> Option<Message> {
        if self.suspended && !is_for_suspended(me, &message) {
            me.hold(message);
            return None;
        }
        Some(message)
    }

    /// Answers a request; `state` is what there is to be shown. It takes no other state.
    pub fn answer(
        &mut self, me: &Process, request: SystemRequest, reply: ReplyTo, state: impl FnOnce() -> Option<Term>,
    ) -> Flow {
        let ok = || Term::atom(atoms::OK);
        match request {
            SystemRequest::Stop(reason) => {
                // Answered by the end itself.
                process::owe(me, reply);
                return Flow::Stop(reason);
            }
            SystemRequest::GetState => match state() {
                Some(state) => drop(reply.answer(state)),
                None => wrong_kind(Some(reply)),
            },
            SystemRequest::ReplaceState(_) => wrong_kind(Some(reply)),
            SystemRequest::GetStatus => drop(reply.answer(status(me, self.suspended, self.traced, state()))),
            SystemRequest::Trace(on) => {
                self.traced = on;
                reply.answer(ok());
            }
            SystemRequest::Suspend => {
                self.suspended = true;
                me.begin_holding();
                reply.answer(ok());
            }
            SystemRequest::Resume => {
                self.go_on(me);
                reply.answer(ok());
            }
        }
        Flow::Continue
    }

    /// The suspension is over: what was put aside comes before all else.
    pub fn go_on(&mut self, me: &Process) {
        self.suspended = false;
        me.release_held();
    }
}

/// Whether a process handles this even while it is suspended (OTP: `sys:suspend_loop`).
fn is_for_suspended(me: &Process, message: &Message) -> bool {
    match message {
        Message::System { .. } => true,
        Message::Exit { from, .. } => me.obeys(*from),
        _ => false,
    }
}

/// For what is no process of OTP's `sys`: stops when asked to, tells its status, and has no state to show.
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

/// The state of a process, as its kind shows it. `WrongKind`: it does not.
pub fn state(pid: Pid, timeout: Option<u32>) -> Result<Term, Error> {
    ask(pid, SystemRequest::GetState, timeout)
}

/// Gives a server or an agent another state. `WrongKind`: it takes none.
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

/// Has a process write to the log what comes in and what goes out, or no more. `WrongKind`: see [`handle_plain`].
pub fn set_trace(pid: Pid, on: bool, timeout: Option<u32>) -> Result<(), Error> {
    ask(pid, SystemRequest::Trace(on), timeout).map(|_| ())
}
