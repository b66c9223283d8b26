//! Mailboxes with a limit: what counts, and what becomes of a message that does not fit.
//!
//! What a user sends counts: messages, casts, calls, functions for an agent. Signals, timers, answers and what `sys`
//! asks do not: they are always taken, and never dropped. Nor do tickets, whose messages lie within a limit of their
//! own. The limit is exact (`mailbox::Bounded`).
//!
//! What comes by an alias does not count either, priority messages least of all: the receiver itself has asked for it,
//! and a full mailbox is what a priority message is there to go round.

use super::control::Process;
use super::current;
use super::error::Error;
use super::message::Message;
use super::node::node_of_number;
use super::pool::Held;
use super::table;
use super::undelivered::undelivered;
use super::wait::{self, End, Till, Whom};
use crate::mailbox::{Bounded, Offered, Popped};
use crate::sync::inside;
use crate::sync::tally::What;
use crate::term::{Pid, Ref, Term};

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

/// A message that was not taken. Handed on in a box, so that a send which is taken returns in a register.
pub(super) struct Refused {
    pub message: Message,
    /// Its sender is to wait for room.
    pub waits: bool,
    /// What it was counted under.
    number: u32,
}

impl Refused {
    /// Its sender hears of it: the message itself goes.
    pub fn returned(self) {
        inside::tally(self.number, What::Returned, 1);
        drop(self);
    }

    /// Nobody hears of it, and its receiver has ended meanwhile.
    pub fn lost(self, to: Pid) {
        let Some(node) = node_of_number(self.number) else { return };
        let request = Term::atom_named("request");
        let term = self.message.term_of_user().unwrap_or(&request);
        undelivered(&node, to, term, &Error::NoProcess.reason());
    }
}

impl Process {
    /// Adds a message that does not count.
    #[cold]
    pub(super) fn deliver_bounded(&self, message: Message) {
        if let Some(bounded) = self.bounded() {
            bounded.queue.push(message);
            self.arrived();
        }
    }

    /// Adds a message that counts, as the policy says.
    #[cold]
    pub(super) fn offer_bounded(&self, message: Message) -> Result<(), Box<Refused>> {
        let Some(bounded) = self.bounded() else { return Err(self.refuse(message, false)) };
        match bounded.queue.offer(message, bounded.policy == Policy::DropOldest) {
            Offered::Taken => self.arrived(),
            Offered::Instead(old) => {
                let _held = Held::of(self);
                self.arrived();
                self.drop_unheard(old);
            }
            Offered::Full(message) => match bounded.policy {
                Policy::Reject | Policy::DropOldest => return Err(self.refuse(message, false)),
                Policy::DropNewest => self.drop_unheard(message),
                Policy::Block(_) => return Err(self.refuse(message, true)),
            },
        }
        Ok(())
    }

    fn refuse(&self, message: Message, waits: bool) -> Box<Refused> {
        Box::new(Refused { message, waits, number: self.number })
    }

    /// Drops a message for which there is no room; whoever waits for an answer hears so.
    pub(super) fn drop_unheard(&self, message: Message) {
        // Who hears of it may run the user's code, and this process be gone after that.
        let _held = Held::of(self);
        let reason = Error::MailboxFull.reason();
        match message {
            Message::Call { reply, request } => {
                let heard = reply.fail(Error::MailboxFull);
                self.lost(Some(&request), heard, &reason);
            }
            Message::Native { reply, request } => {
                let heard = reply.is_some_and(|reply| reply.fail(Error::MailboxFull));
                drop(request);
                self.lost(None, heard, &reason);
            }
            other => self.lost(other.term_of_user(), false, &reason),
        }
    }

    /// Takes the next message out.
    ///
    /// # Safety
    /// As [`Process::reading`].
    #[cold]
    pub(super) unsafe fn take_bounded(&self) -> Option<Message> {
        let others = || self.mailbox.has_priority();
        let Some(popped) = self.bounded()?.queue.pop(others) else {
            // SAFETY: as above.
            return unsafe { self.take_priority() };
        };
        let (message, counted) = out(popped);
        // SAFETY: the caller's promise.
        let reading = unsafe { self.reading() };
        (reading.counted, reading.priority) = (counted, false);
        Some(message)
    }

    /// Has no message that counts fit, or lets them in again. False: its mailbox has no limit.
    pub fn hold_back(&self, hold: bool) -> bool {
        let Some(bounded) = self.bounded() else { return false };
        if let Some(who) = bounded.queue.shut(hold) {
            who.wake();
        }
        true
    }

    /// Its mailbox takes everything from now on, and is about to be emptied; whoever waits for room looks again.
    pub(super) fn close_bounded(&self) {
        let Some(bounded) = self.bounded() else { return };
        bounded.queue.release();
        bounded.queue.close().into_iter().for_each(|who| {
            who.wake();
        });
    }
}

pub(super) fn out(popped: Popped<Message, Whom>) -> (Message, bool) {
    if let Some(who) = popped.wake {
        who.wake();
    }
    (popped.message, popped.counted)
}

/// How a wait for room ended.
pub(super) enum Room {
    /// The message is there.
    Had { waited: u32 },
    /// Its receiver has ended.
    Gone(Refused),
}

/// Waits until the mailbox of `to` has room, for as long as it says and at most `limit` milliseconds, and puts the
/// message there; on an error its sender hears of it. Not in a look at a process.
pub(super) fn wait_for_room(to: Pid, refused: Refused, limit: Option<u32>) -> Result<Room, Error> {
    let number = refused.number;
    let ended = wait_in_line(to, refused, limit);
    if ended.is_err() {
        inside::tally(number, What::Returned, 1);
    }
    ended
}

fn wait_in_line(to: Pid, refused: Refused, limit: Option<u32>) -> Result<Room, Error> {
    if current::current_pid() == to {
        return Err(Error::WouldDeadlock);
    }
    let who = Whom::me()?;
    let number = Ref::fresh().0;
    let found = table::with_process(to, |process| {
        let bounded = process.bounded()?;
        let Policy::Block(ms) = bounded.policy else { return None };
        bounded.queue.wait(number, who);
        Some((process.node().clone(), ms))
    });
    let Some((node, ms)) = found.flatten() else { return Ok(Room::Gone(refused)) };
    let begun = node.clock.now();
    let deadline = node.deadline(u64::from(limit.map_or(ms, |limit| limit.min(ms))));
    let Refused { message, number: counted, .. } = refused;
    let mut message = Some(message);
    let end = wait::until(&node, Till::At(deadline), false, || {
        // The dead send nothing: this is a ghost, and its place in line is the next one's.
        if current::identity().is_err() {
            return false;
        }
        let alive = table::with_process(to, |process| process.offer_in_line(number, &mut message));
        alive.is_none() || message.is_none()
    });
    let Some(message) = message else {
        let waited = node.clock.now().saturating_sub(begun).div_ceil(1_000_000);
        return Ok(Room::Had { waited: u32::try_from(waited).unwrap_or(u32::MAX) });
    };
    let next = table::with_process(to, |process| process.bounded()?.queue.give_up(number));
    if let Some(Some(who)) = next {
        who.wake();
    }
    match end {
        End::Ready => Ok(Room::Gone(Refused { message, waits: true, number: counted })),
        End::Killed => Err(Error::Killed),
        End::TimedOut if limit.is_some_and(|limit| limit < ms) => Err(Error::Timeout),
        End::TimedOut => Err(Error::MailboxFull),
    }
}

impl Process {
    fn offer_in_line(&self, number: u64, place: &mut Option<Message>) {
        let (Some(bounded), Some(message)) = (self.bounded(), place.take()) else { return };
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
