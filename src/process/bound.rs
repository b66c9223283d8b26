//! Mailboxes with a limit: what counts, and what becomes of a message that does not fit.
//!
//! What a user sends counts: messages, casts, calls, functions for an agent. Signals, timers, answers and what `sys` asks
//! do not: they are always taken, and never dropped. The limit is exact (`mailbox::Bounded`).

use super::control::Process;
use super::current;
use super::error::Error;
use super::message::Message;
use super::table;
use super::wait::{self, End, Whom};
use crate::mailbox::{Bounded, Offered, Popped};
use crate::term::{Pid, Ref};

/// What becomes of the message that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Its sender gets an error.
    Reject,
    /// The oldest one goes in its place.
    DropOldest,
    /// It is dropped.
    DropNewest,
    /// Its sender waits for room, so many milliseconds at most, and then gets an error.
    Block(u32),
}

/// The limit of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// How many messages it takes; at least 1.
    pub limit: u32,
    pub policy: Policy,
}

/// A mailbox with a limit.
pub(super) struct BoundedMailbox {
    pub queue: Bounded<Message, Whom>,
    policy: Policy,
}

impl BoundedMailbox {
    pub fn new(bound: Bound) -> BoundedMailbox {
        BoundedMailbox { queue: Bounded::new(bound.limit as usize), policy: bound.policy }
    }
}

/// A message that was not taken.
#[allow(dead_code)] // To be dropped by whoever gets it, outside all locks.
pub(super) enum Refused {
    Full(Message),
    /// Its sender is to wait for room.
    Wait(Message),
}

impl Process {
    /// Adds a message that does not count.
    #[cold]
    pub(super) fn deliver_bounded(&self, message: Message) {
        if let Some(bounded) = &self.bounded {
            bounded.queue.push(message);
            self.arrived();
        }
    }

    /// Adds a message that counts, as the policy says.
    #[cold]
    pub(super) fn offer_bounded(&self, message: Message) -> Result<(), Refused> {
        let Some(bounded) = &self.bounded else { return Err(Refused::Full(message)) };
        match bounded.queue.offer(message, bounded.policy == Policy::DropOldest) {
            Offered::Taken => self.arrived(),
            Offered::Instead(old) => {
                self.arrived();
                drop_unheard(old);
            }
            Offered::Full(message) => match bounded.policy {
                Policy::Reject | Policy::DropOldest => return Err(Refused::Full(message)),
                Policy::DropNewest => drop_unheard(message),
                Policy::Block(_) => return Err(Refused::Wait(message)),
            },
        }
        Ok(())
    }

    /// Takes the oldest message out.
    #[cold]
    pub(super) fn pop_bounded(&self) -> Option<(Message, bool)> {
        let popped = self.bounded.as_ref()?.queue.pop()?;
        Some(out(popped))
    }

    /// Its mailbox takes everything from now on, and is about to be emptied; whoever waits for room looks again.
    pub(super) fn close_bounded(&self) {
        let Some(bounded) = &self.bounded else { return };
        bounded.queue.release();
        bounded.queue.close().into_iter().for_each(|who| who.wake());
    }
}

pub(super) fn out(popped: Popped<Message, Whom>) -> (Message, bool) {
    if let Some(who) = popped.wake {
        who.wake();
    }
    (popped.message, popped.counted)
}

/// Drops a message for which there is no room; whoever waits for an answer hears so.
fn drop_unheard(message: Message) {
    match message {
        Message::Call { reply, .. } | Message::Native { reply: Some(reply), .. } => {
            reply.fail(Error::MailboxFull);
        }
        other => drop(other),
    }
}

/// How a wait for room ended.
#[allow(dead_code)] // As above.
pub(super) enum Room {
    /// The message is there.
    Had { waited: u32 },
    /// Its receiver has ended.
    Gone(Message),
}

/// Waits until the mailbox of `to` has room, for as long as it says and at most `limit` milliseconds, and puts the message
/// there. Not in a look at a process.
pub(super) fn wait_for_room(to: Pid, message: Message, limit: Option<u32>) -> Result<Room, Error> {
    if current::current_pid() == to {
        return Err(Error::WouldDeadlock);
    }
    let who = Whom::me()?;
    let number = Ref::fresh().0;
    let found = table::with_process(to, |process| {
        let bounded = process.bounded.as_ref()?;
        let Policy::Block(ms) = bounded.policy else { return None };
        bounded.queue.wait(number, who);
        Some((process.node().clone(), ms))
    });
    let Some((node, ms)) = found.flatten() else { return Ok(Room::Gone(message)) };
    let begun = node.clock.now();
    let deadline = node.deadline(u64::from(limit.map_or(ms, |limit| limit.min(ms))));
    let mut message = Some(message);
    let end = wait::until(&node, Some(deadline), false, || {
        let alive = table::with_process(to, |process| process.offer_in_line(number, &mut message));
        alive.is_none() || message.is_none()
    });
    let Some(message) = message else {
        let waited = node.clock.now().saturating_sub(begun).div_ceil(1_000_000);
        return Ok(Room::Had { waited: u32::try_from(waited).unwrap_or(u32::MAX) });
    };
    let next = table::with_process(to, |process| process.bounded.as_ref()?.queue.give_up(number));
    if let Some(Some(who)) = next {
        who.wake();
    }
    match end {
        End::Ready => Ok(Room::Gone(message)),
        End::Killed => Err(Error::Killed),
        End::TimedOut if limit.is_some_and(|limit| limit < ms) => Err(Error::Timeout),
        End::TimedOut => Err(Error::MailboxFull),
    }
}

impl Process {
    fn offer_in_line(&self, number: u64, place: &mut Option<Message>) {
        let (Some(bounded), Some(message)) = (&self.bounded, place.take()) else { return };
        let (offered, wake) = bounded.queue.offer_in_line(number, message);
        if let Offered::Full(message) | Offered::Instead(message) = offered {
            *place = Some(message);
            return;
        }
        self.arrived();
        if let Some(who) = wake {
            who.wake();
        }
    }
}
