//! The mailbox from both sides: how a message gets in and is heard of, and how the receiver takes the next one out.
//!
//! There are up to three places: the queue (`mailbox::Mailbox`) with its lane for priority messages, the one with a
//! limit in place of it (`bound`), and what the receiver took out before and keeps (`reading`).

use super::bound::Refused;
use super::control::{BOUNDED, Process};
use super::message::Message;
use super::pace;
use super::packing;
use crate::mailbox::{Pop, Pushed};
use crate::sync::Ordering;
use crate::sync::inside::Inside;
use crate::sync::tally::What;
use crate::term::Term;

impl Process {
    /// Puts a message into the mailbox and sees to it that it is looked at; whatever the limit.
    #[inline(always)]
    pub(super) fn deliver(&self, message: Message) {
        if message.counts() {
            self.tally(What::Sent);
        }
        if self.flags & BOUNDED != 0 {
            return self.deliver_bounded(message);
        }
        if self.enqueue(message) == Pushed::First {
            self.notify();
        }
    }

    /// As [`Process::deliver`], for what a user sends: it counts against a limit.
    #[inline(always)]
    pub(super) fn offer(&self, message: Message, inside: &Inside) -> Result<(), Box<Refused>> {
        inside.tally(self.number, What::Sent);
        if self.flags & BOUNDED != 0 {
            return self.offer_bounded(message);
        }
        self.push(message);
        Ok(())
    }

    /// As [`Process::deliver`]; before all ordinary messages, if it has `priority`. No limit holds that up.
    pub(super) fn deliver_as(&self, message: Message, priority: bool) {
        if !priority {
            return self.deliver(message);
        }
        if message.counts() {
            self.tally(What::Sent);
        }
        let pushed = self.mailbox.push_priority(message);
        self.place.signal();
        if pushed == Pushed::First {
            self.notify();
        }
    }

    /// As [`Process::offer`], of a plain message, which is made at its place in the mailbox: moving it there would cost
    /// as much as the send.
    #[inline(always)]
    pub(super) fn offer_plain(&self, term: Term, inside: &Inside) -> Result<(), Box<Refused>> {
        inside.tally(self.number, What::Sent);
        if self.flags & BOUNDED != 0 {
            return self.offer_plain_bounded(term);
        }
        self.push(Message::Info(term));
        Ok(())
    }

    #[cold]
    fn offer_plain_bounded(&self, term: Term) -> Result<(), Box<Refused>> {
        self.offer_bounded(Message::Info(term))
    }

    /// Puts what a user sends into the mailbox, which has no limit, and sees to it that it is looked at.
    #[inline(always)]
    pub(super) fn push(&self, message: Message) {
        match self.enqueue(message) {
            Pushed::First => self.notify(),
            // Onto messages that were not looked at yet: the receiver is not at rest, or about to hear of them. The state
            // word, which it writes at each message, is left on its side of the machine.
            Pushed::Onto => {}
            Pushed::Further => pace::look(self),
        }
    }

    #[inline(always)]
    fn enqueue(&self, message: Message) -> Pushed {
        let pushed = self.mailbox.push(message);
        self.place.signal();
        pushed
    }

    /// A message came, into whichever mailbox.
    pub(super) fn arrived(&self) {
        self.place.signal();
        self.notify();
    }

    /// Whether nothing is left for the receiver but what it keeps or has put aside; from any thread.
    #[inline]
    pub(super) fn mailbox_is_empty(&self) -> bool {
        self.mailbox.is_empty() && self.bounded().is_none_or(|bounded| bounded.queue.is_empty())
    }

    /// As [`Process::mailbox_is_empty`], and nothing is put aside because of a limit.
    pub(super) fn mailbox_is_bare(&self) -> bool {
        self.mailbox.is_empty() && self.bounded().is_none_or(|bounded| bounded.queue.is_bare())
    }

    /// As [`Process::mailbox_is_bare`], and nobody waits for a place.
    pub(super) fn mailbox_is_free(&self) -> bool {
        self.mailbox.is_empty() && self.bounded().is_none_or(|bounded| bounded.queue.is_free())
    }

    /// Whether nothing is left for the receiver.
    ///
    /// # Safety
    /// As [`Process::reading`].
    pub(super) unsafe fn mailbox_is_drained(&self) -> bool {
        self.mailbox.is_empty() && self.bounded().is_none_or(|bounded| bounded.queue.is_drained())
    }

    /// Last: what comes too late is answered, and the process may be gone after that.
    #[inline(always)]
    fn notify(&self) {
        let word = self.state.load();
        match super::state::phase(word) {
            super::state::IDLE if self.state.make_ready() => self.place.schedule(self),
            super::state::PARKED if word & super::state::RECEIVES != 0 => self.unpark(),
            super::state::DEAD if word & super::state::GONE != 0 => super::exit::too_late(self),
            _ => {}
        }
    }

    /// Wakes it out of a wait, or out of the next one.
    pub(super) fn unpark(&self) {
        if self.state.unpark() {
            self.place.resume(self);
        }
    }

    /// As [`Process::take_message`], if the next is a plain message, which it is as a rule: that goes from its place in
    /// the mailbox to two registers. (Whole messages are copied from place to place, in parts that the processor cannot
    /// forward: that took 20 ns of each.) None also when the mailbox has a limit, or something is kept.
    ///
    /// # Safety
    /// As [`Process::reading`].
    #[inline(always)]
    pub(super) unsafe fn take_plain(&self) -> Option<Term> {
        // SAFETY: the caller's promise.
        let reading = unsafe { self.reading() };
        if self.flags & BOUNDED != 0 || reading.keeps() {
            return None;
        }
        // SAFETY: the caller is the consumer.
        let words = unsafe { self.mailbox.pop_if(packing::is_plain) }?;
        reading.priority = false;
        // SAFETY: a plain message's, taken out just now.
        Some(unsafe { packing::term(words) })
    }

    /// The next message while the word says `CALLBACK`, if it is a plain message or a cast, and which: to be handled at
    /// once ([`Process::user_next`]). None also when there is something else to see to first.
    ///
    /// For a behaviour, from within its own turn, when user code of it ran before and does not now.
    #[inline(always)]
    pub fn take_next(&self) -> Option<(Term, bool)> {
        if !self.mailbox.may_have_more()
            || self.flags & BOUNDED != 0
            || self.dog().is_some()
            || self.header.slow.is_slow()
        {
            return None;
        }
        self.between.take(&self.state, || {
            // SAFETY: the word says that nobody else is the consumer, and who changes it waits for us.
            let reading = unsafe { self.reading() };
            if reading.keeps() {
                return None;
            }
            let is_wanted = |mark| packing::is_bare(mark) && self.state.is_bare_callback();
            // SAFETY: as above.
            let words = unsafe { self.mailbox.pop_if(is_wanted) }?;
            reading.priority = false;
            // SAFETY: of such a message, taken out just now.
            Some((unsafe { packing::term(words) }, !packing::is_plain(words.mark)))
        })
    }

    /// Takes the next message: a priority message, then the saved ones, then the mailbox.
    ///
    /// # Safety
    /// As [`Process::reading`].
    #[inline]
    pub(super) unsafe fn take_message(&self) -> Option<Message> {
        // SAFETY: the caller's promise.
        if unsafe { self.reading() }.keeps() {
            // SAFETY: the caller's promise.
            return unsafe { self.take_kept().or_else(|| self.take_fresh()) };
        }
        // SAFETY: the caller is the consumer.
        unsafe { self.take_fresh() }
    }

    /// Takes the next message, if it is a priority message, or one of those that were kept.
    ///
    /// # Safety
    /// As [`Process::reading`].
    unsafe fn take_kept(&self) -> Option<Message> {
        // SAFETY: the caller's promise.
        let reading = unsafe { self.reading() };
        let message = match reading.next_saved_priority() {
            Some(message) => {
                reading.priority = true;
                message
            }
            // SAFETY: the caller is the consumer.
            None if self.mailbox.has_priority() => return unsafe { self.take_priority() },
            None => {
                let message = reading.next_saved()?;
                reading.priority = false;
                message
            }
        };
        // SAFETY: as above.
        unsafe { self.show_kept() };
        Some(message)
    }

    /// Lets others see how many messages are kept, after that has changed.
    ///
    /// # Safety
    /// As [`Process::reading`].
    pub(super) unsafe fn show_kept(&self) {
        // SAFETY: the caller's promise. Relaxed: a count for people.
        self.kept.store(unsafe { self.reading() }.kept_count(), Ordering::Relaxed);
    }

    /// How many messages wait to be handled: in the mailbox, or taken out of it and put aside.
    pub fn mailbox_length(&self) -> usize {
        let bounded = self.bounded().map_or(0, |bounded| bounded.queue.len());
        bounded + self.mailbox.len() + self.kept.load(Ordering::Relaxed)
    }

    /// Takes the next message that was not looked at yet.
    ///
    /// # Safety
    /// As [`Process::reading`].
    #[inline]
    pub(super) unsafe fn take_fresh(&self) -> Option<Message> {
        if self.flags & BOUNDED != 0 {
            // SAFETY: the caller is the consumer.
            return unsafe { self.take_bounded() };
        }
        loop {
            // SAFETY: the caller is the consumer.
            match unsafe { self.mailbox.pop() } {
                Pop::Message(message) => {
                    // SAFETY: the caller's promise.
                    unsafe { self.reading() }.priority = false;
                    return Some(message);
                }
                Pop::Empty => return None,
                // SAFETY: the caller is the consumer.
                Pop::Priority => return unsafe { self.take_priority() },
                // A sender is between two instructions, or was preempted there.
                Pop::Busy => std::thread::yield_now(),
            }
        }
    }

    /// Takes the priority message that is there.
    ///
    /// # Safety
    /// As [`Process::reading`].
    #[cold]
    pub(super) unsafe fn take_priority(&self) -> Option<Message> {
        loop {
            // SAFETY: the caller is the consumer.
            match unsafe { self.mailbox.pop_priority() } {
                Pop::Message(message) => {
                    // SAFETY: the caller's promise.
                    unsafe { self.reading() }.priority = true;
                    return Some(message);
                }
                Pop::Empty | Pop::Priority => return None,
                Pop::Busy => std::thread::yield_now(),
            }
        }
    }
}
