//! The process of a task.
//!
//! It runs its function as its init, or, if it is *gated*, when its supervisor opens the gate: until then it lives, can
//! be linked, monitored and ended, keeps what is sent to it, and needs no stack.

use super::Work;
use crate::process::{self, Behaviour, Fenced, Flow, Init, Message, Process};
use crate::server::{self, Callback, Context};
use crate::sync::{Arc, AtomicU64, Ordering};
use crate::term::{Pid, Ref, Term, atoms};

/// Who gets the value.
pub(super) enum Answer {
    Nobody,
    Owner {
        owner: Pid,
        monitor: Ref,
    },
    /// A request, kept where the end of the process answers it.
    Owed(u64),
}

/// To a gated task: begin; the request that waits for the value, if one does.
pub(super) struct Go(pub Option<u64>);

pub(super) struct Body {
    work: Work,
    argument: Term,
    done: Option<Arc<AtomicU64>>,
    answer: Answer,
    gated: bool,
    /// What came before the gate was opened.
    early: Vec<Message>,
}

impl Body {
    pub fn new(work: Work, argument: Term, done: Option<Arc<AtomicU64>>, answer: Answer, gated: bool) -> Body {
        Body { work, argument, done, answer, gated, early: Vec::new() }
    }

    /// Runs the function; the reason that the process ends with.
    fn run(&mut self, me: &Process) -> Result<Term, Fenced> {
        let (work, argument, done) = (&self.work, &self.argument, &self.done);
        let made = me.user(|| {
            let result = work(&mut Context::new(Callback::Function), argument);
            // Not when it was ended meanwhile.
            if let (Some(done), Ok(me)) = (done, super::me()) {
                done.store(me.node().clock.now(), Ordering::Release);
            }
            result
        })?;
        let reason = match made {
            Ok(Ok(value)) => {
                self.tell(me, value);
                Term::atom(atoms::NORMAL)
            }
            Ok(Err(reason)) => reason,
            Err(panic) => server::panic_reason(&*panic),
        };
        server::report_crash(me, atoms::TASK, &reason, None);
        Ok(reason)
    }

    fn tell(&mut self, me: &Process, value: Term) {
        match std::mem::replace(&mut self.answer, Answer::Nobody) {
            Answer::Nobody => {}
            Answer::Owner { owner, monitor } => {
                let message = Term::tuple_of([Term::reference(monitor), value]);
                process::send_to_alias(owner, monitor, message);
            }
            Answer::Owed(id) => {
                if let Some(reply) = process::take_owed(me, id) {
                    me.answer_at_end(reply, value);
                }
            }
        }
    }
}

impl Behaviour for Body {
    fn init(&mut self, me: &Process) -> Init {
        // As with spawn: whoever starts it does not wait for what it does.
        me.ready();
        if self.gated {
            return Init::Ready;
        }
        match self.run(me) {
            Ok(reason) => Init::Stop(reason),
            Err(fenced) => Init::Fenced(fenced),
        }
    }

    fn message(&mut self, me: &Process, message: Message) -> Flow {
        match message {
            Message::Native { request, .. } if request.is::<Go>() => {
                if let Some(&Go(Some(owed))) = request.downcast_ref() {
                    self.answer = Answer::Owed(owed);
                }
                // As terms: a selective receive looks at nothing else.
                let early =
                    self.early.drain(..).map(|message| message.into_term().map_or_else(|other| other, Message::Info));
                me.put_back(early);
                match self.run(me) {
                    Ok(reason) => Flow::Stop(reason),
                    Err(fenced) => fenced.into(),
                }
            }
            Message::System { request, reply } => server::handle_plain(me, request, reply),
            other => {
                self.early.push(other);
                Flow::Continue
            }
        }
    }
}
