//! Tracing a process: a line of the log for whatever comes in and goes out, as OTP's `sys:trace` prints them.
//!
//! It was asked for one process, so it is written whatever the level of the log. Each event is also a term, in OTP's
//! shape: `{in, {'$gen_call', From, Request}}`, `{in, {'$gen_cast', Message}}`, `{in, Message}`, `{out, Answer}`,
//! `noreply`. What is asked of the runtime's own kinds is shown as OTP's are asked it, as far as it is a term.

use crate::process::{Message, Name, Node, Outcome, Process, ReplyTo};
use crate::term::{Pid, Pretty, Term, atoms};
use std::sync::Arc;

/// Who is traced.
struct Who {
    node: Arc<Node>,
    pid: Pid,
    name: Option<Name>,
}

impl Who {
    fn new(me: &Process) -> Who {
        Who { node: me.node().clone(), pid: me.pid(), name: me.name() }
    }

    fn write(&self, text: &str, event: Term) {
        let who = self.name.as_ref().map_or_else(|| Term::pid(self.pid).to_string(), |name| name.to_string());
        let undefined = || Term::atom(atoms::UNDEFINED);
        let report = Term::map(vec![
            (Term::atom_named("pid"), Term::pid(self.pid)),
            (Term::atom_named("name"), self.name.as_ref().map_or_else(undefined, |name| name.term())),
            (Term::atom_named("event"), event),
        ]);
        self.node.trace(&format!("*DBG* {who} {text}"), &report);
    }

    fn went_out(&self, answer: &Term) {
        self.write(&format!("sent {}", Pretty(answer)), pair("out", answer.clone()));
    }
}

fn pair(tag: &str, second: Term) -> Term {
    Term::tuple_of([Term::atom_named(tag), second])
}

/// A message came in, and is about to be handled.
pub fn came_in(me: &Process, message: &Message) {
    match message {
        Message::Call { request, reply } => called(me, request, reply),
        Message::Cast(term) => cast(me, term),
        other => {
            if let Some(term) = other.term() {
                Who::new(me).write(&format!("got {}", Pretty(&term)), pair("in", term));
            }
        }
    }
}

fn called(me: &Process, request: &Term, reply: &ReplyTo) {
    let from = match reply.caller() {
        Pid::NONE => Term::atom(atoms::UNDEFINED),
        caller => Term::pid(caller),
    };
    let text = format!("got call {} from {from}", Pretty(request));
    let event = Term::tuple_of([Term::atom_named("$gen_call"), from, request.clone()]);
    Who::new(me).write(&text, pair("in", event));
}

fn cast(me: &Process, message: &Term) {
    Who::new(me).write(&format!("got cast {}", Pretty(message)), pair("in", pair("$gen_cast", message.clone())));
}

/// A request in a shape of the process's own came in, shown as `request`; without a reply it is a cast. Its answer is
/// written when it is given: a refusal is `{error, Reason}`, and `native` shows what is no term.
pub fn asked(
    me: &Process, request: &Term, reply: Option<ReplyTo>, native: fn(&Outcome) -> Option<Term>,
) -> Option<ReplyTo> {
    let Some(reply) = reply else {
        cast(me, request);
        return None;
    };
    called(me, request, &reply);
    let who = Who::new(me);
    Some(reply.watched(move |outcome| {
        let answer = match outcome {
            Outcome::Reply(answer) => Some(answer.clone()),
            Outcome::Failed(error) => Some(pair("error", error.reason())),
            other => native(other),
        };
        if let Some(answer) = answer {
            who.went_out(&answer);
        }
    }))
}

/// No message came in time.
pub(super) fn timed_out(me: &Process) {
    Who::new(me).write("got timeout", pair("in", Term::atom(atoms::TIMEOUT)));
}

/// An answer is about to be given.
pub(super) fn went_out(me: &Process, answer: &Term) {
    Who::new(me).went_out(answer);
}

/// A message was handled, and nothing is answered.
pub fn no_reply(me: &Process) {
    Who::new(me).write("noreply", Term::atom_named("noreply"));
}
