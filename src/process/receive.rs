//! Receiving: a process takes the message that it wants out of its mailbox, and waits for it.
//!
//! The reading end belongs to whoever runs the process while the word says `RUNNING`; user code is `CALLBACK`. So each
//! look goes from the one to the other and back, and what struck the process meanwhile is found at the way back. What
//! was looked at and is not wanted is kept (`reading`), in its order, and not looked at again by the same receive.

use super::control::Process;
use super::current::{self, Identity};
use super::error::Error;
use super::message::Message;
use super::state::{CALLBACK, EXIT, RUNNING, SEEN};
use super::wait::{self, End, Till};
use crate::sync::inside;
use crate::sync::room::Room;
use crate::sync::tally::What;
use crate::term::Term;
use std::collections::VecDeque;

/// Takes the first message that `wanted` takes, waiting up to `timeout` milliseconds; 0 looks once, None waits for
/// ever. Others stay, in their order. Calls and casts to a process without callbacks are not messages: calls end.
pub fn receive(timeout: Option<u32>, mut wanted: impl FnMut(&Term) -> bool) -> Result<Term, Error> {
    let Identity::Process(me) = current::identity()? else { return Err(Error::NoIdentity) };
    // SAFETY: of `look`, which calls this while the word says RUNNING.
    receive_by(me, timeout, |looked| unsafe { scan(me, looked, &mut wanted) })
}

/// As [`receive`], of whatever comes first.
pub fn receive_first(timeout: Option<u32>) -> Result<Term, Error> {
    let Identity::Process(me) = current::identity()? else { return Err(Error::NoIdentity) };
    receive_by(me, timeout, |looked| {
        // SAFETY: as in `receive`.
        if me.bounded().is_some() || unsafe { me.reading() }.keeps() {
            // SAFETY: as above.
            return unsafe { scan(me, looked, &mut |_| true) };
        }
        // SAFETY: as above.
        if let Some(term) = unsafe { me.take_plain() } {
            me.tally(What::Handled);
            return Some((term, true));
        }
        // Nothing lies between it and the mailbox: what is wanted is the first that is no call and no cast.
        // SAFETY: as above.
        while let Some(message) = unsafe { me.take_fresh() } {
            let counts = message.counts();
            match message.into_term() {
                Ok(term) => {
                    if counts {
                        me.tally(What::Handled);
                    }
                    return Some((term, counts));
                }
                // SAFETY: as above.
                Err(other) => unsafe {
                    me.reading().save(other);
                    me.show_kept();
                },
            }
        }
        None
    })
}

/// Takes what `find` gives, which is called with the reading end in hand.
#[inline(always)]
fn receive_by(me: &Process, timeout: Option<u32>, mut find: impl FnMut(&mut Looked) -> Found) -> Result<Term, Error> {
    let mut looked = Looked::default();
    let mut found = None;
    let mut look = |me: &Process| -> bool {
        // The reading end is ours while the word says RUNNING: a fence from outside waits for that short moment.
        if me.state.shift(CALLBACK, RUNNING, 0, 0).is_err() {
            return false;
        }
        found = find(&mut looked);
        let received = if found.is_some() { SEEN } else { 0 };
        let back = me.state.shift(RUNNING, CALLBACK, received, 0);
        debug_assert!(back.is_ok());
        // What struck it meanwhile left the end to us.
        if back.is_ok_and(|word| word & EXIT != 0) {
            wait::ends_here(me);
            not_received(me, found.take());
        }
        found.is_some()
    };
    if look(me) {
        if me.spend()
            && wait::may_wait(me).is_ok()
            && let Err(error) = wait::give_way(me)
        {
            not_received(me, found);
            return Err(error);
        }
        return received(found);
    }
    if timeout == Some(0) {
        return if me.state.is_dead() { Err(Error::Killed) } else { Err(Error::Timeout) };
    }
    wait::may_wait(me)?;
    let node = me.node();
    match wait::until(node, timeout.into(), true, || look(me)) {
        End::Ready => received(found),
        End::TimedOut => Err(Error::Timeout),
        End::Killed => Err(Error::Killed),
    }
}

/// As [`receive`], for a caller that may wait, and waits for something else beside: none, when `beside` says that this
/// has come. Whoever has something for it unparks the caller.
pub(super) fn receive_beside(
    me: &Process, till: Till, mut beside: impl FnMut() -> bool, mut wanted: impl FnMut(&Term) -> bool,
) -> Result<Option<Term>, Error> {
    let (mut looked, mut message) = (Looked::default(), None);
    let look = || {
        if beside() {
            return true;
        }
        if me.has_messages() {
            // SAFETY: as in `receive`.
            message = receive_by(me, Some(0), |_| unsafe { scan(me, &mut looked, &mut wanted) }).ok();
        }
        message.is_some()
    };
    match wait::until(me.node(), till, true, look) {
        End::Ready => Ok(message),
        End::TimedOut => Err(Error::Timeout),
        End::Killed => Err(Error::Killed),
    }
}

/// A message on its way to who receives it, and whether it counts.
type Found = Option<(Term, bool)>;

fn received(found: Found) -> Result<Term, Error> {
    found.map(|(term, _)| term).ok_or(Error::Killed)
}

fn not_received(me: &Process, found: Found) {
    if let Some((term, true)) = found {
        me.not_received(&term);
    }
}

/// How far a receive has looked: what it has passed over stays so, whatever comes.
#[derive(Default)]
struct Looked {
    /// Among the priority messages that were kept.
    priority: usize,
    /// Among the others; where the mailbox has a limit, the next message's number.
    at: usize,
}

/// # Safety
/// The caller runs the process and the word says RUNNING.
unsafe fn scan(me: &Process, looked: &mut Looked, wanted: &mut impl FnMut(&Term) -> bool) -> Found {
    // SAFETY: the caller's promise.
    unsafe {
        let found = find(me, looked, wanted);
        me.show_kept();
        found
    }
}

/// What a look at a mailbox with a limit meets.
enum Next {
    /// Others, which go first.
    Priority,
    /// It lies elsewhere.
    Ticket,
    Plain(Term),
}

/// # Safety
/// As [`scan`].
unsafe fn find(me: &Process, looked: &mut Looked, wanted: &mut impl FnMut(&Term) -> bool) -> Found {
    // Counted there and then, in a look at the thread's numbers that is taken anyway.
    let mut wants = |term: &Term, counts: bool| {
        let depth = inside::step_out();
        let yes = wanted(term);
        inside::re_enter_counting(depth, (yes && counts).then_some(me.number));
        yes
    };
    // SAFETY: the caller's promise, here and below.
    let reading = unsafe { me.reading() };
    if reading.saved_priority_count() > looked.priority
        && let Some(found) = look_through(reading.saved_priority(), &mut looked.priority, &mut wants)
    {
        return Some(found);
    }
    loop {
        while me.mailbox.has_priority() {
            // SAFETY: as above.
            let Some(message) = (unsafe { me.take_priority() }) else { break };
            // SAFETY: as above.
            if let Some(found) = unsafe { look_at(me, message, looked, &mut wants) } {
                return Some(found);
            }
        }
        let Some(bounded) = me.bounded() else { break };
        // What is not wanted stays where it is, and counts. The look for priority messages: as in `take_bounded`.
        let next = bounded.queue.find(looked.at as u64, |message| match message {
            _ if me.mailbox.has_priority() => Some(Next::Priority),
            Message::Ticket(_) => Some(Next::Ticket),
            message => message.term().map(Next::Plain),
        });
        match next {
            None => return None,
            Some((_, Next::Priority)) => {}
            Some((number, Next::Ticket)) => {
                looked.at = number as usize + 1;
                // What it stands for shows when it is fetched, and lies in its place from then on.
                match bounded.queue.take(number).map(|popped| popped.message.into_term()) {
                    Some(Ok(term)) if wants(&term, false) => return Some((term, false)),
                    Some(Ok(term)) => bounded.queue.put_back(number, Message::Seen(term)),
                    Some(Err(_)) | None => {}
                }
            }
            Some((number, Next::Plain(term))) => {
                looked.at = number as usize + 1;
                if wants(&term, false)
                    && let Some(popped) = bounded.queue.take(number)
                {
                    let (message, _) = super::bound::out(popped);
                    if message.counts() {
                        me.tally(What::Handled);
                    }
                    return Some((term, message.counts()));
                }
            }
        }
    }
    // SAFETY: as above.
    let reading = unsafe { me.reading() };
    if reading.saved_count() > looked.at
        && let Some(found) = look_through(reading.saved(), &mut looked.at, &mut wants)
    {
        return Some(found);
    }
    // SAFETY: as above.
    while let Some(message) = unsafe { me.take_fresh() } {
        // SAFETY: as above.
        if let Some(found) = unsafe { look_at(me, message, looked, &mut wants) } {
            return Some(found);
        }
    }
    None
}

/// Looks through messages that were kept, from `at` on.
fn look_through(saved: &mut VecDeque<Message>, at: &mut usize, wants: &mut impl FnMut(&Term, bool) -> bool) -> Found {
    while let Some(message) = saved.get(*at) {
        if let Message::Info(term) | Message::Seen(term) = message
            && wants(term, message.counts())
        {
            let found = saved.remove(*at);
            saved.tidy();
            return match found {
                Some(Message::Info(term)) => Some((term, true)),
                Some(Message::Seen(term)) => Some((term, false)),
                _ => None,
            };
        }
        *at += 1;
    }
    None
}

/// Looks at the message that was taken last; it is kept if it is not wanted.
///
/// # Safety
/// As [`scan`].
unsafe fn look_at(
    me: &Process, message: Message, looked: &mut Looked, wants: &mut impl FnMut(&Term, bool) -> bool,
) -> Found {
    let counts = message.counts();
    let left = match message.into_term() {
        Ok(term) if wants(&term, counts) => return Some((term, counts)),
        Ok(term) if counts => Message::Info(term),
        Ok(term) => Message::Seen(term),
        // A server in the middle of a callback keeps them for its loop; a plain process has no use for them.
        Err(other) => other,
    };
    // SAFETY: the caller's promise.
    let reading = unsafe { me.reading() };
    reading.save(left);
    looked.priority = reading.saved_priority_count();
    if me.bounded().is_none() {
        looked.at = if reading.priority { looked.at } else { reading.saved_count() };
    }
    None
}

/// Drops the messages that are there now, and says how many. Calls among them end without an answer.
pub fn flush() -> Result<usize, Error> {
    let Identity::Process(me) = current::identity()? else { return Err(Error::NoIdentity) };
    let mut dropped = Vec::new();
    if me.state.shift(CALLBACK, RUNNING, 0, 0).is_err() {
        return Err(Error::Killed);
    }
    // SAFETY: RUNNING, on the thread that runs it.
    unsafe {
        if me.reading().has_saved() {
            me.reading().take_saved(&mut dropped);
            me.show_kept();
        }
        while let Some(message) = me.take_fresh() {
            dropped.push(message);
        }
    }
    let _ = me.state.shift(RUNNING, CALLBACK, 0, 0);
    dropped.iter().filter(|message| message.counts()).for_each(|_| me.tally(What::Handled));
    if wait::ends_here(me) { Err(Error::Killed) } else { Ok(dropped.len()) }
}
