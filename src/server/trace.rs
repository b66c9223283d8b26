//! Tracing a server: a line of the log for whatever comes in and goes out, as OTP's `sys:trace` prints them.
//!
//! It was asked for one process, so it is written whatever the level of the log. Each event is also a term, in OTP's
//! shape: `{in, {'$gen_call', From, Request}}`, `{in, {'$gen_cast', Message}}`, `{in, Message}`, `{out, Answer}`,
//! `noreply`.

use crate::process::{Message, Process};
use crate::term::{Pid, Pretty, Term, atoms};

fn write(me: &Process, text: &str, event: Term) {
    let name = me.name();
    let who = name.as_ref().map_or_else(|| Term::pid(me.pid()).to_string(), |name| name.to_string());
    let undefined = || Term::atom(atoms::UNDEFINED);
    let report = Term::map(vec![
        (Term::atom_named("pid"), Term::pid(me.pid())),
        (Term::atom_named("name"), name.map_or_else(undefined, |name| name.term())),
        (Term::atom_named("event"), event),
    ]);
    me.node().trace(&format!("*DBG* {who} {text}"), &report);
}

fn pair(tag: &str, second: Term) -> Term {
    Term::tuple_of([Term::atom_named(tag), second])
}

/// A message came in, and is about to be handled.
pub(super) fn came_in(me: &Process, message: &Message) {
    match message {
        Message::Call { request, reply } => {
            let from = match reply.caller() {
                Pid::NONE => Term::atom(atoms::UNDEFINED),
                caller => Term::pid(caller),
            };
            let text = format!("got call {} from {from}", Pretty(request));
            let event = Term::tuple_of([Term::atom_named("$gen_call"), from, request.clone()]);
            write(me, &text, pair("in", event));
        }
        Message::Cast(term) => {
            write(me, &format!("got cast {}", Pretty(term)), pair("in", pair("$gen_cast", term.clone())));
        }
        other => {
            if let Some(term) = other.term() {
                write(me, &format!("got {}", Pretty(&term)), pair("in", term));
            }
        }
    }
}

/// No message came in time.
pub(super) fn timed_out(me: &Process) {
    write(me, "got timeout", pair("in", Term::atom(atoms::TIMEOUT)));
}

/// An answer is about to be given.
pub(super) fn went_out(me: &Process, answer: &Term) {
    write(me, &format!("sent {}", Pretty(answer)), pair("out", answer.clone()));
}

/// A message was handled, and nothing is answered.
pub(super) fn no_reply(me: &Process) {
    write(me, "noreply", Term::atom_named("noreply"));
}
