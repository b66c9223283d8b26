//! Host processes: each message is handed to a function of the embedding program.
//!
//! For event loops and other runtimes: the function passes the message on and returns; whoever gets it there answers
//! calls when it likes. Until then the runtime is not quiet (unless it was told not to mind): only the outside can
//! answer. The process can be linked, monitored, named, registered and supervised as any other.

use super::system;
use crate::process::{Behaviour, Flow, Init, Message, Process, owe, owe_outside};
use crate::term::{Pid, Term, atoms};

/// What a host process hands on.
pub trait HostCallbacks: Send {
    /// A message; `call` is the number to answer it under, or 0 when it is none.
    fn deliver(&mut self, me: Pid, message: &Term, call: u64);
    /// The process has ended; called once, and nothing comes after it.
    fn exit(&mut self, me: Pid, reason: &Term);
}

/// The process of a host.
pub struct Host<C> {
    callbacks: C,
    /// Whether a call that waits for its answer keeps the runtime from being quiet.
    busy: bool,
    /// Whether casts are told from plain messages.
    tags_casts: bool,
}

impl<C: HostCallbacks> Host<C> {
    pub fn new(callbacks: C, busy: bool, tags_casts: bool) -> Host<C> {
        Host { callbacks, busy, tags_casts }
    }
}

impl<C: HostCallbacks> Behaviour for Host<C> {
    fn init(&mut self, _me: &Process) -> Init {
        Init::Ready
    }

    fn message(&mut self, me: &Process, message: Message) -> Flow {
        let (term, call) = match message {
            Message::Call { request, reply } => {
                let owed = if self.busy { owe_outside(me, reply) } else { owe(me, reply) };
                match owed {
                    Some(call) => (request, call),
                    None => return Flow::Continue,
                }
            }
            Message::Cast(term) if self.tags_casts => (Term::tuple(vec![Term::atom_named("$gen_cast"), term]), 0),
            Message::Cast(term) => (term, 0),
            Message::System { request, reply } => return system::handle_plain(me, request, reply),
            Message::Native { reply, .. } => {
                system::wrong_kind(reply);
                return Flow::Continue;
            }
            Message::Exit { from, reason } if me.obeys(from) => return Flow::Stop(reason),
            other => match other.into_term() {
                Ok(term) => (term, 0),
                Err(_) => return Flow::Continue,
            },
        };
        let pid = me.pid();
        match me.user(|| self.callbacks.deliver(pid, &term, call)) {
            Err(fenced) => {
                me.not_begun((call == 0).then_some(&term));
                fenced.into()
            }
            Ok(Ok(())) => Flow::Continue,
            Ok(Err(_)) => Flow::Stop(Term::atom(atoms::PANIC)),
        }
    }

    fn ended(&mut self, me: Pid, reason: &Term) {
        self.callbacks.exit(me, reason);
    }
}
