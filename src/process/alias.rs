//! Aliases: refs that stand for a process until it takes them away; and priority messages, which come by them (EEP 76).
//!
//! A receiver opts in for each alias, link or monitor by itself. By an alias that is a *priority alias* others send it
//! priority messages and exit signals, if they say so; the end of what is linked or monitored so becomes a priority
//! message. It goes before all ordinary messages that are in the mailbox when it comes, and behind all priority
//! messages. That is all there is to it: no callback is interrupted, nobody can tell it from an ordinary message, and
//! an exit signal that is not trapped acts as ever.
//!
//! As any signal, what is sent is acted on by its sender, under the receiver's lock. The mailbox takes it there, before
//! the receiver is closed: after that it would have to be dropped at once, which is not done under a lock.

use super::control::Process;
use super::current::{self, Identity};
use super::error::Error;
use super::holdings::Inner;
use super::message::Message;
use super::signal;
use super::table;
use super::undelivered::{nobody_there, undelivered};
use crate::sync::room::Room;
use crate::sync::tally::What;
use crate::term::{Pid, Ref, Term};

impl Inner {
    /// Whether that is an alias of its, or a monitor that has not fired. Some(true): a priority alias, which a
    /// monitor's ref never is.
    pub(super) fn goes_by(&self, alias: Ref) -> Option<bool> {
        if self.closed {
            return None;
        }
        if self.rare.as_ref().is_some_and(|rare| rare.aliases.contains(&alias)) {
            return Some(self.has_priority(alias));
        }
        self.ties.as_ref().is_some_and(|ties| ties.watches(alias)).then_some(false)
    }
}

/// Makes a ref that others can send to ([`send_alias`]) until the caller takes it away.
pub fn alias() -> Result<Ref, Error> {
    alias_opt(false)
}

/// As [`alias`]. `priority`: for priority messages, too.
pub fn alias_opt(priority: bool) -> Result<Ref, Error> {
    let me = current::me()?;
    let alias = Ref::fresh();
    let mut inner = me.lock();
    let rare = inner.rare.get_or_insert_default();
    rare.aliases.insert(alias);
    if priority {
        rare.priority.insert(alias);
    }
    Ok(alias)
}

/// Takes an alias away; false when there was none. What is sent to it from now on is dropped.
pub fn unalias(alias: Ref) -> Result<bool, Error> {
    let me = current::me()?;
    let mut inner = me.lock();
    let Some(rare) = &mut inner.rare else { return Ok(false) };
    let removed = rare.aliases.remove(&alias);
    if removed {
        rare.aliases.tidy();
        rare.priority.remove(&alias);
        rare.priority.tidy();
    }
    Ok(removed)
}

/// Sends a message to `owner`, if it still has that alias, or a monitor of that ref which has not fired: what is
/// answered to a ref that was given up is dropped before it reaches the mailbox. False: it was dropped.
///
/// For what nobody misses; for messages of users there is [`send_alias`].
pub fn send_to_alias(owner: Pid, alias: Ref, message: Term) -> bool {
    table::with_process(owner, |owner| offer(owner, alias, message, false).is_ok()) == Some(true)
}

/// As [`send_to_alias`]; a message that is dropped is undelivered. `priority`: as a priority message, if the alias is
/// for those.
pub fn send_alias(owner: Pid, alias: Ref, message: Term, priority: bool) {
    let there = |process: &Process, message, _: &_| {
        if let Err(message) = offer(process, alias, message, priority) {
            process.tally(What::Sent);
            undelivered(process.node(), owner, &message, &Term::atom_named("noalias"));
        }
    };
    table::with_process_or(owner, message, there, |message| nobody_there(owner, Message::Info(message)));
}

/// Gives the message back when it is not wanted, to be dropped after the lock.
fn offer(owner: &Process, alias: Ref, message: Term, priority: bool) -> Result<(), Term> {
    let inner = owner.lock();
    let Some(is_priority) = inner.goes_by(alias) else { return Err(message) };
    owner.deliver_as(Message::Info(message), priority && is_priority);
    Ok(())
}

/// As [`signal::exit_signal`], to an alias, if `owner` still has it. `priority`: where the signal becomes a message,
/// that is a priority message, if the alias is for those.
pub fn exit_alias(owner: Pid, alias: Ref, reason: Term, priority: bool) -> Result<(), Error> {
    let from = match current::identity()? {
        Identity::Process(process) => process.pid(),
        Identity::Thread => Pid::NONE,
    };
    table::with_process(owner, |process| {
        let inner = process.lock();
        if let Some(is_priority) = inner.goes_by(alias) {
            signal::signal_locked(process, from, reason, priority && is_priority, inner);
        }
    });
    Ok(())
}
