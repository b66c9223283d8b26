//! What lies in a mailbox.

use super::reply::ReplyTo;
use crate::sync::blocks::Small;
use crate::term::{Pid, Ref, Term, atoms};
use std::any::Any;
use std::sync::Arc;

/// A message. Those that the runtime itself looks at keep their parts; [`Message::into_term`] gives OTP's shape.
pub enum Message {
    /// A plain message.
    Info(Term),
    /// A signal's message that a receive has looked at, in OTP's shape.
    Seen(Term),
    /// From `cast`.
    Cast(Term),
    /// From `call`; dropping it without an answer tells the caller that there will be none.
    Call {
        request: Term,
        reply: ReplyTo,
    },
    /// An exit signal that was trapped, or that is for one of the runtime's own.
    Exit {
        from: Pid,
        reason: Term,
    },
    Down(Small<Down>),
    /// A timer of the behaviour itself, by its token.
    Tick(u64),
    /// A child's start came to an end.
    Started(Box<Started>),
    /// What every kind answers: stop, suspend and the like.
    System {
        request: SystemRequest,
        reply: ReplyTo,
    },
    /// A message that lies elsewhere, and is fetched when its turn has come.
    Ticket(Ticket),
    /// A request in a shape of the receiver's own; not visible to users.
    Native {
        request: Box<dyn Any + Send>,
        reply: Option<ReplyTo>,
    },
}

/// Where a ticket's message lies.
pub trait Redeem: Send + Sync {
    /// Fetches it. None: a ticket too many.
    fn redeem(&self) -> Option<Term>;
}

/// Stands for one message in a [`Redeem`]; dropped, it drops that one.
pub struct Ticket(Option<Arc<dyn Redeem>>);

impl Ticket {
    pub fn new(place: Arc<dyn Redeem>) -> Ticket {
        Ticket(Some(place))
    }

    fn redeem(mut self) -> Option<Term> {
        self.0.take().and_then(|place| place.redeem())
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(place) = self.0.take() {
            drop(place.redeem());
        }
    }
}

/// What OTP's `sys` and `gen:stop` ask of any process that follows its rules.
pub enum SystemRequest {
    /// End with this reason, after `terminate`. Answered by the end itself.
    Stop(Term),
    GetState,
    ReplaceState(Term),
    /// Its state, and what the runtime knows of it.
    GetStatus,
    /// Write what comes in and what goes out to the log, or no more.
    Trace(bool),
    /// Handle nothing but these requests and the parent's exit until `Resume`.
    Suspend,
    Resume,
}

/// A monitored process ended.
#[derive(Clone)]
pub struct Down {
    pub monitor: Ref,
    pub of: DownOf,
    pub reason: Term,
}

/// A child's start came to an end.
pub struct Started {
    pub token: u64,
    pub pid: Pid,
    pub result: StartResult,
}

/// Whom a DOWN message names.
#[derive(Clone)]
pub enum DownOf {
    Pid(Pid),
    /// The name that the monitor was asked for by.
    Name(Term),
}

/// How a start ended.
#[derive(Debug, Clone, PartialEq)]
pub enum StartResult {
    Ready,
    Ignored,
    Failed(Term),
}

impl Message {
    /// Whether it is a user's, and fills a mailbox that has a limit (unless a timer sends it). A ticket does not: what it
    /// stands for counts where it lies, and the one who put it there never waits.
    #[inline(always)]
    pub(super) fn counts(&self) -> bool {
        matches!(self, Message::Info(_) | Message::Cast(_) | Message::Call { .. } | Message::Native { .. })
    }

    /// `{'EXIT', Pid, Reason}`, `{'DOWN', Ref, process, Pid, Reason}`, or the term itself. None for what no user
    /// sees: calls, casts and the runtime's own.
    pub fn into_term(self) -> Result<Term, Message> {
        Ok(match self {
            Message::Info(term) | Message::Seen(term) => term,
            Message::Exit { from, reason } => exit_term(from, reason),
            Message::Down(down) => down_term(down.into_inner()),
            Message::Ticket(ticket) => ticket.redeem().ok_or(Message::Ticket(Ticket(None)))?,
            other => return Err(other),
        })
    }

    /// Of a plain message or a cast.
    pub(super) fn term_of_user(&self) -> Option<&Term> {
        match self {
            Message::Info(term) | Message::Cast(term) => Some(term),
            _ => None,
        }
    }

    /// As [`Message::into_term`], and the message stays.
    pub fn term(&self) -> Option<Term> {
        Some(match self {
            Message::Info(term) | Message::Seen(term) => term.clone(),
            Message::Exit { from, reason } => exit_term(*from, reason.clone()),
            Message::Down(down) => down_term((**down).clone()),
            _ => return None,
        })
    }
}

fn exit_term(from: Pid, reason: Term) -> Term {
    Term::tuple_of([Term::atom(atoms::EXIT), Term::pid(from), reason])
}

fn down_term(down: Down) -> Term {
    let of = match down.of {
        DownOf::Pid(pid) => Term::pid(pid),
        DownOf::Name(name) => name,
    };
    let (tag, monitor) = (Term::atom(atoms::DOWN), Term::reference(down.monitor));
    Term::tuple_of([tag, monitor, Term::atom(atoms::PROCESS), of, down.reason])
}
