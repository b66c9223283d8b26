//! Why an operation on processes was refused.

use crate::term::{Pid, Term, atoms};

/// Why it failed; [`Error::reason`] gives OTP's term for it.
#[derive(Debug, Clone, PartialEq)]
pub enum Error {
    /// The arguments make no sense together.
    Argument(&'static str),
    /// A match specification or pattern is malformed; the text says where.
    Spec(String),
    /// Not alive, or never was.
    NoProcess,
    Timeout,
    /// The process ended before it answered, with this reason.
    Exited(Term),
    /// A start was refused, with this reason.
    Start(Term),
    /// Name, id or key is taken; the reason says by whom.
    Exists(Term),
    /// The thread is a process already, or runs this one; none: it runs a callback that is nobody's.
    ThreadTaken(Option<Pid>),
    NotFound,
    /// The caller itself is dead.
    Killed,
    /// The runtime is shut down.
    NotAlive,
    SelfCall,
    /// May not wait here.
    WouldBlock,
    /// May not wait here, since a C++ exception is in flight.
    InFlight,
    WouldDeadlock,
    WrongKind,
    Limit,
    /// No room for one more message.
    MailboxFull,
    OtherRuntime,
    /// Needs an identity.
    NoIdentity,
    Ignored,
    /// Another refusal, with OTP's reason for it.
    Refused(Term),
}

fn already_started(pid: Pid) -> Term {
    Term::tuple_of([Term::atom(atoms::ALREADY_STARTED), Term::pid(pid)])
}

impl Error {
    /// `{already_started, Pid}`.
    pub fn already_started(pid: Pid) -> Error {
        Error::Exists(already_started(pid))
    }

    /// OTP's term for this error, as a failed call exits with it or a start returns it.
    pub fn reason(&self) -> Term {
        match self {
            Error::Argument(_) | Error::Spec(_) | Error::WrongKind | Error::OtherRuntime | Error::NoIdentity => {
                Term::atom(atoms::BADARG)
            }
            Error::NoProcess => Term::atom(atoms::NOPROC),
            Error::Timeout => Term::atom(atoms::TIMEOUT),
            Error::Exited(reason) | Error::Start(reason) | Error::Exists(reason) | Error::Refused(reason) => {
                reason.clone()
            }
            Error::ThreadTaken(Some(pid)) => already_started(*pid),
            Error::ThreadTaken(None) => Term::atom(atoms::ALREADY_STARTED),
            Error::NotFound => Term::atom(atoms::NOT_FOUND),
            Error::Killed => Term::atom(atoms::KILLED),
            Error::NotAlive => Term::atom(atoms::NOT_ALIVE),
            Error::SelfCall => Term::atom(atoms::CALLING_SELF),
            Error::WouldBlock | Error::InFlight => Term::atom_named("would_block"),
            Error::WouldDeadlock => Term::atom_named("would_deadlock"),
            Error::MailboxFull => Term::atom_named("mailbox_full"),
            Error::Limit => Term::atom(atoms::SYSTEM_LIMIT),
            Error::Ignored => Term::atom(atoms::IGNORE),
        }
    }
}
