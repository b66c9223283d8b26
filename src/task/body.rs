//! The process of a task.
//!
//! It runs its function as its init, or, if it is *gated*, when its supervisor opens the gate: until then it lives, can
//! be linked, monitored and ended, keeps what is sent to it, and needs no stack.

use super::{Done, Work};
use crate::process::{self, Behaviour, Fenced, Flow, Init, Message, Process};
use crate::server::{self, Callback, Context};
use crate::sync::Ordering;
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
    done: Done,
    answer: Answer,
    /// None: it has none.
    gate: Option<Box<Gate>>,
}

/// What came before it was opened.
#[derive(Default)]
struct Gate(Vec<Message>);

impl Body {
    pub fn new(work: Work, argument: Term, done: Done, answer: Answer, gated: bool) -> Body {
        Body { work, argument, done, answer, gate: gated.then(Box::default) }
    }

    /// Whether nobody is to hear that it is up: who starts it as its owner's goes on at once.
    pub fn is_up(&self) -> bool {
        matches!(self.answer, Answer::Owner { .. })
    }

    /// Runs the function; the reason that the process ends with.
    fn run(&mut self, me: &Process) -> Result<Term, Fenced> {
        let (work, argument, done) = (&self.work, &self.argument, &self.done);
        let made = me.user_staying(|| {
            let result = work.run(&mut Context::new(Callback::Function), argument);
            // Not when it was ended meanwhile.
            if let (Done::There(done), Ok(me)) = (done, super::me()) {
                done.store(me.node().clock.now(), Ordering::Release);
            }
            result
        })?;
        let made = match (made, &self.answer) {
            (Ok(Ok(value)), &Answer::Owner { owner, monitor }) => {
                let at = if let &Done::WithValue { deadline } = done { me.node().clock.now_for(deadline) } else { 0 };
                me.end_with(owner, monitor, value, at)?;
                return Ok(Term::atom(atoms::NORMAL));
            }
            (made, _) => made,
        };
        me.come_back()?;
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

    fn tell(&self, me: &Process, value: Term) {
        if let Answer::Owed(id) = self.answer
            && let Some(reply) = process::take_owed(me, id)
        {
            me.answer_at_end(reply, value);
        }
    }
}

impl Behaviour for Body {
    fn init(&mut self, me: &Process) -> Init {
        // As with spawn: whoever starts it does not wait for what it does.
        if !self.is_up() {
            me.ready();
        }
        if self.gate.is_some() {
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
                let early = self.gate.take().into_iter().flat_map(|gate| gate.0).collect::<Vec<_>>().into_iter();
                me.put_back(early.map(|message| message.into_term().map_or_else(|other| other, Message::Info)));
                match self.run(me) {
                    Ok(reason) => Flow::Stop(reason),
                    Err(fenced) => fenced.into(),
                }
            }
            Message::System { request, reply } => server::handle_plain(me, request, reply),
            other => {
                self.gate.get_or_insert_default().0.push(other);
                Flow::Continue
            }
        }
    }
}
