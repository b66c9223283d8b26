//! Sends: how a message gets from its sender into the mailbox, the short way and the long one.
//!
//! **The short way.** Most messages go to a process of the runtime that the thread counts for already, whose mailbox has
//! no limit, and room in its last block. Then a send is a look into the table, one step of the mailbox's head, and the
//! two words of the message. None of that unwinds, waits, or runs anybody else's code, so [`begin`] does it without a
//! guard and in registers. As soon as it meets anything else it gives the message back, and nothing has happened; where
//! only the push is more than that, it gives the receiver too, for [`finish`].
//!
//! **The long way** ([`send`] and the like) is for all that there is: limits, a wait for room, who is not there.

use super::bound::{self, Refused, Room};
use super::control::{BOUNDED, Process};
use super::current;
use super::error::Error;
use super::message::{Message, Ticket};
use super::table;
use super::undelivered::nobody_there;
use crate::sync::inside::{self, Inside};
use crate::sync::tally::What;
use crate::term::{Pid, Term};
use std::ptr::NonNull;

/// How far [`begin`] came.
pub enum Begun {
    Sent,
    /// It is counted as sent, and to be pushed. The thread has stayed inside, which [`finish`] ends.
    Found(Found, Term),
    /// Nothing has happened.
    Nothing(Term),
}

/// A receiver, for one who is inside.
#[repr(transparent)]
pub struct Found(NonNull<Process>);

/// The short way, for a plain message or a cast, which `wrap` makes of the term. For one who is outside.
#[inline(always)]
pub fn begin(to: Pid, term: Term, wrap: impl FnOnce(Term) -> Message) -> Begun {
    if current::is_ghost() {
        return Begun::Nothing(term);
    }
    let Some(stay) = inside::enter_briefly() else { return Begun::Nothing(term) };
    let Some(process) = table::look_up(to, &stay) else {
        stay.leave();
        return Begun::Nothing(term);
    };
    if process.flags & BOUNDED != 0 || !stay.tally(process.number, What::Sent) {
        stay.leave();
        return Begun::Nothing(term);
    }
    // What a process has apart may be a descriptor that is to be made readable.
    let slot = if process.place.apart.is_none() { process.mailbox.claim_behind() } else { None };
    let Some(slot) = slot else {
        let found = Found(NonNull::from(process));
        stay.go_on();
        return Begun::Found(found, term);
    };
    slot.fill(wrap(term));
    stay.leave();
    Begun::Sent
}

/// Ends what [`begin`] has begun, and the stay inside with it.
///
/// # Safety
/// Right after that, on the same thread, with what it gave.
#[inline(always)]
pub unsafe fn finish(found: Found, message: Message) {
    // SAFETY: the caller's promise: the thread has been inside since it was found.
    let (_inside, process) = unsafe { (Inside::resume(), found.0.as_ref()) };
    process.push(message);
}

/// Sends a plain message. False when nobody is there: it is dropped. `MailboxFull` and what a wait can end with: the
/// mailbox has a limit, and it was not taken.
#[inline]
pub fn send(to: Pid, message: Term) -> Result<bool, Error> {
    let sent = table::with_process_or(
        to,
        message,
        |process, message, inside| Some(process.offer_plain(message, inside)),
        |message| {
            nobody_there(to, Message::Info(message));
            None
        },
    );
    how_it_went(to, sent, true)
}

/// As [`send`], and never waits, nor tells: what is refused counts as undelivered.
pub fn send_now(to: Pid, message: Term) {
    table::with_process_or(to, message, offer_now, |message| nobody_there(to, Message::Info(message)));
}

/// As [`send_now`], for one who looks for another receiver when nobody is there (false): the message is not counted
/// then.
pub fn send_if_there(to: Pid, message: Term) -> bool {
    let there = |process: &Process, message, inside: &Inside| {
        offer_now(process, message, inside);
        true
    };
    table::with_process_or(to, message, there, |_| false)
}

fn offer_now(process: &Process, message: Term, inside: &Inside) {
    if let Err(refused) = process.offer_plain(message, inside) {
        process.lost(refused.message.term_of_user(), false, &Error::MailboxFull.reason());
    }
}

#[inline]
fn how_it_went(to: Pid, sent: Option<Result<(), Box<Refused>>>, waits: bool) -> Result<bool, Error> {
    match sent {
        Some(Ok(())) => Ok(true),
        Some(Err(refused)) => refused_by(to, *refused, waits),
        None => Ok(false),
    }
}

/// As [`send`], of the runtime itself: no limit of the receiver's holds it up. False when nobody is there.
pub fn tell(to: Pid, message: Term) -> bool {
    deliver(to, Message::Info(message))
}

/// Has a process fetch a message that lies within a limit of its own, so that no other holds it up. False when nobody
/// is there: that message is dropped.
pub fn hand(to: Pid, ticket: Ticket) -> bool {
    deliver(to, Message::Ticket(ticket))
}

#[cold]
fn refused_by(to: Pid, refused: Refused, waits: bool) -> Result<bool, Error> {
    if !refused.waits || !waits {
        refused.returned();
        return Err(Error::MailboxFull);
    }
    match bound::wait_for_room(to, refused, None)? {
        Room::Had { .. } => Ok(true),
        Room::Gone(refused) => {
            refused.lost(to);
            Ok(false)
        }
    }
}

pub(super) fn deliver(to: Pid, message: Message) -> bool {
    table::with_process(to, move |process| process.deliver(message)).is_some()
}

impl Process {
    /// As [`send`], for any message, the runtime's own included.
    #[inline]
    pub fn post(to: Pid, message: Message) -> Result<bool, Error> {
        let sent = table::with_process_or(
            to,
            message,
            |process, message, inside| Some(process.offer(message, inside)),
            |message| {
                nobody_there(to, message);
                None
            },
        );
        how_it_went(to, sent, true)
    }

    /// As [`tell`], any message: neither a limit of the receiver's nor a crowd that waits there holds the sender up, who
    /// may have a lock.
    pub fn tell(to: Pid, message: Message) -> bool {
        deliver(to, message)
    }

    /// As [`Process::post`], for one who looks for another receiver when nobody is there: the message is not counted
    /// then.
    pub fn post_if_there(to: Pid, message: Message) -> Result<bool, Error> {
        let sent = table::with_process_or(
            to,
            message,
            |process, message, inside| Some(process.offer(message, inside)),
            |_| None,
        );
        how_it_went(to, sent, true)
    }
}
