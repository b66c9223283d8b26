//! No message ends unseen: each is handled, or returned to its sender as an error, or shown to the runtime's hook.
//!
//! A message is *handled* once it was given to the one it is for: its callback runs, a receive took it, or it was
//! flushed. It is *returned* when its sender hears that it was not: a call that fails, a send that is refused. All
//! others are *undelivered*: those that lie in the mailbox of a process that ends, those that a mailbox with a limit
//! drops, those to a process that is not there, or to an alias that it has taken away. Each is counted once, so that
//! what was sent is the sum of the three and of what lies in mailboxes.
//!
//! Counted are messages of users, requests to agents and the runtime's own included; not signals, nor what `sys` asks,
//! nor tickets: of what they stand for, and is dropped, a subscriber hears otherwise (`pubsub/inbox.rs`).

use super::control::Process;
use super::error::Error;
use super::message::Message;
use super::node::Node;
use super::{table, wait};
use crate::sync::inside;
use crate::sync::tally::What;
use crate::term::{Pid, Term, atoms};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Shown what was not delivered: to whom, the message, and why.
pub type Undelivered = Box<dyn Fn(Pid, &Term, &Term) + Send + Sync>;

impl Process {
    #[inline]
    pub(super) fn tally(&self, what: What) {
        inside::tally(self.number, what, 1);
    }

    /// It will be handled later, but was counted.
    pub(super) fn untally_handled(&self, message: &Message) {
        if message.counts() {
            inside::tally(self.number, What::Handled, -1);
        }
    }

    /// For a behaviour whose callback was not let run: what becomes of its message. None: a call, whose caller hears.
    pub fn not_begun(&self, message: Option<&Term>) {
        if !self.is_taking.replace(false) {
            return;
        }
        match message {
            Some(term) => {
                let reason = self.lock().exit_reason.clone().unwrap_or(Term::atom(atoms::KILLED));
                undelivered(self.node(), self.pid(), term, &reason);
            }
            None => self.tally(What::Returned),
        }
    }

    /// A receive took it, and its process ended before it could be given to it.
    pub(super) fn not_received(&self, term: &Term) {
        inside::tally(self.number, What::Handled, -1);
        let reason = self.lock().exit_reason.clone().unwrap_or(Term::atom(atoms::KILLED));
        undelivered(self.node(), self.pid(), term, &reason);
    }

    /// Ends a message that nobody will handle; `heard`: its sender has been told.
    pub(super) fn lost(&self, message: Option<&Term>, heard: bool, reason: &Term) {
        if heard {
            return self.tally(What::Returned);
        }
        let request = Term::atom_named("request");
        undelivered(self.node(), self.pid(), message.unwrap_or(&request), reason);
    }
}

/// Counts a message as undelivered, and shows it. Outside all locks.
pub(super) fn undelivered(node: &Node, to: Pid, message: &Term, reason: &Term) {
    inside::tally(node.number, What::Undelivered, 1);
    let Some(hook) = node.undelivered.get() else { return };
    let Some(_running) = node.enter_hook() else { return };
    let depth = inside::step_out();
    // A panic of the hook ends here: nothing may stop an end.
    let _ = catch_unwind(AssertUnwindSafe(|| wait::without_waiting(|| hook(to, message, reason))));
    inside::re_enter(depth);
}

/// A message to a process that is not there. Of a runtime that is no more nobody hears.
#[cold]
pub(super) fn nobody_there(to: Pid, message: Message) {
    let Some(node) = table::last_node(to) else { return };
    if !message.counts() {
        return;
    }
    inside::tally(node.number, What::Sent, 1);
    let reason = Error::NoProcess.reason();
    match message {
        Message::Info(term) | Message::Cast(term) => undelivered(&node, to, &term, &reason),
        // Nobody waits for an answer: calls find out before.
        other => {
            drop(other);
            undelivered(&node, to, &Term::atom_named("request"), &reason);
        }
    }
}
