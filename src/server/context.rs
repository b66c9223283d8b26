//! What a callback says about what comes next.
//!
//! A callback returns a number; the terms that belong to it (the answer, the reason, the argument of a continuation)
//! lie in the context. Every number that is not one of ours, zero included, is a bad return value: a forgotten return
//! is seen.

use crate::process::{self, Process};
use crate::term::{Atom, Pid, Pretty, Term, atoms};

/// What a callback returned.
pub type Next = i32;

/// init: the process is up.
pub const READY: Next = 0x5247_0001;
/// init: do not start it, and do not call that an error.
pub const IGNORE: Next = 0x5247_0002;
/// Go on; the answer of a call comes later.
pub const NOREPLY: Next = 0x5247_0003;
/// An agent's function or a body: ended well.
pub const DONE: Next = 0x5247_0004;
/// Answer the call.
pub const REPLY: Next = 0x5247_0005;
/// Answer the call, and end.
pub const REPLY_STOP: Next = 0x5247_0006;
/// End.
pub const STOP: Next = 0x5247_0007;
/// Added: handle the continuation before any message.
const WITH_CONTINUE: Next = 0x100;
/// Added: say so when no message comes in time.
const WITH_TIMEOUT: Next = 0x200;

/// Which callback is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callback {
    Init,
    Call,
    /// cast, info, continue.
    Other,
    Terminate,
    /// A body, or an agent's function.
    Function,
}

/// The context of one callback; lives on the stack of its caller.
pub struct Context {
    callback: Callback,
    answer: Option<Term>,
    reason: Option<Term>,
    continuation: Option<Term>,
    idle_ms: Option<u32>,
}

/// What a callback decided, in full.
#[derive(Debug, PartialEq)]
pub struct Decision {
    pub step: Step,
    pub continuation: Option<Term>,
    /// Milliseconds without a message after which the atom `timeout` comes.
    pub idle_ms: Option<u32>,
}

/// What to do first.
#[derive(Debug, PartialEq)]
pub enum Step {
    Go,
    Ignore,
    Reply(Term),
    ReplyStop(Term, Term),
    Stop(Term),
}

impl Context {
    pub fn new(callback: Callback) -> Context {
        Context { callback, answer: None, reason: None, continuation: None, idle_ms: None }
    }

    /// Which callback it is.
    pub fn callback(&self) -> Callback {
        self.callback
    }

    /// Drops what a callback that merely went on has left, for the next one of the same kind.
    #[inline(always)]
    pub fn forget(&mut self) {
        if self.answer.is_some() || self.reason.is_some() || self.continuation.is_some() || self.idle_ms.is_some() {
            *self = Context::new(self.callback);
        }
    }

    /// Whether no answer was given yet.
    #[inline]
    pub fn has_no_answer(&self) -> bool {
        self.answer.is_none()
    }

    /// Whether no reason was given yet.
    #[inline]
    pub fn has_no_reason(&self) -> bool {
        self.reason.is_none()
    }

    /// Answers the call at hand.
    #[inline]
    pub fn reply(&mut self, answer: Term) -> Next {
        self.answer = Some(answer);
        REPLY
    }

    pub fn reply_stop(&mut self, answer: Term, reason: Term) -> Next {
        self.answer = Some(answer);
        self.reason = Some(reason);
        REPLY_STOP
    }

    #[inline]
    pub fn stop(&mut self, reason: Term) -> Next {
        self.reason = Some(reason);
        STOP
    }

    pub fn with_continue(&mut self, next: Next, argument: Term) -> Next {
        self.continuation = Some(argument);
        next | WITH_CONTINUE
    }

    pub fn with_timeout(&mut self, next: Next, ms: u32) -> Next {
        self.idle_ms = Some(ms);
        next | WITH_TIMEOUT
    }

    /// Puts the call at hand off. None outside a call, or when it was answered or put off before.
    pub fn defer(&mut self) -> Option<(Pid, u64)> {
        let me = process::current()?;
        if self.callback != Callback::Call {
            return None;
        }
        process::defer(me).map(|id| (me.pid(), id))
    }

    /// Whether the callback merely went on: the commonest answer, read without building a decision.
    #[inline]
    pub fn is_plain_go(&self, next: Next) -> bool {
        next == NOREPLY && self.callback == Callback::Other
    }

    /// Whether a body merely ended well.
    #[inline]
    pub fn is_plain_done(&self, next: Next) -> bool {
        next == DONE && self.callback == Callback::Function
    }

    /// The answer, if that is all the callback gave.
    #[inline]
    pub fn plain_reply(&mut self, next: Next) -> Option<Term> {
        if next == REPLY && self.callback == Callback::Call { self.answer.take() } else { None }
    }

    /// As [`Context::plain_stop`], to look at, if nothing else is left that it was given.
    #[inline]
    pub fn only_stops(&self, next: Next) -> Option<&Term> {
        let has_more = self.answer.is_some() || self.continuation.is_some();
        if next == STOP && !has_more { self.reason.as_ref() } else { None }
    }

    /// The reason, if it ends and that is all.
    #[inline]
    pub fn plain_stop(&mut self, next: Next) -> Option<Term> {
        if next == STOP { self.reason.take() } else { None }
    }

    /// Reads what the callback returned, and takes it out. A number that this callback may not return is
    /// `bad_return_value`.
    pub fn decide(&mut self, next: Next) -> Decision {
        let continuation = if next & WITH_CONTINUE != 0 { self.continuation.take() } else { None };
        let idle_ms = if next & WITH_TIMEOUT != 0 { self.idle_ms.take() } else { None };
        let plain = next & !(WITH_CONTINUE | WITH_TIMEOUT);
        let extra = continuation.is_some() || idle_ms.is_some();
        let step = match (plain, self.callback, self.answer.take(), self.reason.take()) {
            (READY, Callback::Init, _, _) => Step::Go,
            (IGNORE, Callback::Init, _, _) if !extra => Step::Ignore,
            (NOREPLY, Callback::Call | Callback::Other, _, _) => Step::Go,
            (DONE, Callback::Function, _, _) if !extra => Step::Go,
            (REPLY, Callback::Call, Some(answer), _) => Step::Reply(answer),
            (REPLY_STOP, Callback::Call, Some(answer), Some(reason)) if !extra => Step::ReplyStop(answer, reason),
            (STOP, _, _, Some(reason)) if !extra => Step::Stop(reason),
            _ => Step::Stop(Term::atom(atoms::BAD_RETURN_VALUE)),
        };
        Decision { step, continuation, idle_ms }
    }
}

/// Whether an init that returned this made its state.
pub fn is_ready(next: Next) -> bool {
    next & !(WITH_CONTINUE | WITH_TIMEOUT) == READY
}

/// The reason of a process whose callback panicked: `{panic, Text}`.
pub fn panic_reason(payload: &(dyn std::any::Any + Send)) -> Term {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a text");
    Term::tuple_of([Term::atom(atoms::PANIC), Term::text(text)])
}

/// Whether a process that ends with this reason has not crashed: `normal`, `shutdown`, `{shutdown, _}`.
pub fn is_orderly(reason: &Term) -> bool {
    let is_shutdown = || {
        let tag = reason.as_tuple().filter(|parts| parts.len() == 2).map_or(reason, |parts| &parts[0]);
        tag.is_atom(atoms::SHUTDOWN)
    };
    reason.is_atom(atoms::NORMAL) || is_shutdown()
}

fn title(me: &Process, kind: Atom) -> String {
    let pid = Term::pid(me.pid());
    match me.name() {
        Some(name) => format!("{} {pid} ({name})", kind.as_str()),
        None => format!("{} {pid}", kind.as_str()),
    }
}

/// Writes that a message was dropped, since the server has no callback for it (OTP: `gen_server`, "Undefined
/// handle_info").
pub(super) fn report_dropped(me: &Process, message: Option<&Term>) {
    let node = me.node();
    if let Some(message) = message
        && node.logs(process::LogLevel::Warning)
    {
        let text = format!("{} has no callback for the message {}", title(me, me.kind()), Pretty(message));
        node.log(process::LogLevel::Warning, &text, Some(message));
    }
}

/// Writes a crash report, unless the end was orderly (OTP: `gen_server`, "terminating").
#[inline]
pub fn report_crash(me: &Process, kind: Atom, reason: &Term, last: Option<&Term>) {
    if !is_orderly(reason) && me.node().logs(process::LogLevel::Error) {
        report_crash_of(me, kind, reason, last);
    }
}

#[cold]
fn report_crash_of(me: &Process, kind: Atom, reason: &Term, last: Option<&Term>) {
    let node = me.node();
    let name = me.name();
    let mut text = format!("{} terminating, reason {}", title(me, kind), Pretty(reason));
    if let Some(last) = last {
        text.push_str(&format!(", last message {}", Pretty(last)));
    }
    let parent = me.parent();
    if parent.0 != 0 {
        text.push_str(&format!(", supervisor {}", Term::pid(parent)));
    }
    let undefined = || Term::atom(atoms::UNDEFINED);
    let entry = |key: &str, value: Term| (Term::atom_named(key), value);
    let report = Term::map(vec![
        entry("pid", Term::pid(me.pid())),
        entry("name", name.map_or_else(undefined, |name| name.term())),
        entry("kind", Term::atom(kind)),
        entry("reason", reason.clone()),
        entry("last_message", last.cloned().unwrap_or_else(undefined)),
        entry("supervisor", if parent.0 == 0 { undefined() } else { Term::pid(parent) }),
        entry("ancestors", me.ancestors()),
    ]);
    node.log(process::LogLevel::Error, &text, Some(&report));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_error_codes_are_bad_return_values() {
        for callback in [Callback::Init, Callback::Call, Callback::Other, Callback::Function] {
            for next in [0, 1, 5, -1, i32::MAX] {
                let decision = Context::new(callback).decide(next);
                assert_eq!(decision.step, Step::Stop(Term::atom(atoms::BAD_RETURN_VALUE)), "{callback:?} {next}");
            }
        }
    }

    #[test]
    fn a_reply_outside_a_call_is_a_bad_return_value() {
        let mut context = Context::new(Callback::Other);
        let next = context.reply(Term::int(1));
        assert_eq!(context.decide(next).step, Step::Stop(Term::atom(atoms::BAD_RETURN_VALUE)));
    }

    #[test]
    fn continuation_and_timeout_come_along_with_a_reply() {
        let mut context = Context::new(Callback::Call);
        let next = context.reply(Term::int(1));
        let next = context.with_continue(next, Term::int(2));
        let next = context.with_timeout(next, 30);
        let decision = context.decide(next);
        assert_eq!(decision.step, Step::Reply(Term::int(1)));
        assert_eq!(decision.continuation, Some(Term::int(2)));
        assert_eq!(decision.idle_ms, Some(30));
    }

    #[test]
    fn shutdown_with_a_detail_is_orderly_and_a_crash_is_not() {
        let detailed = Term::tuple_of([Term::atom(atoms::SHUTDOWN), Term::int(1)]);
        assert!(is_orderly(&detailed));
        assert!(!is_orderly(&Term::atom(atoms::KILLED)));
    }
}
