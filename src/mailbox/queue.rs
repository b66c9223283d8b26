//! The queue itself; see the module for its rules.

use super::block::{Block, Place, Slot, TELLS};
#[cfg(not(loom))]
use super::block::{LARGE, SMALL};
use super::packed::{Packed, Words};
#[cfg(not(loom))]
use crate::sync::AtomicUsize;
use crate::sync::{AtomicPtr, Ordering};
use std::ptr;

/// What [`Mailbox::push`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The queue was empty: the caller has to see to it that the receiver looks. Else whoever pushed onto the empty
    /// queue does, or the receiver has not rested since.
    First,
    Onto,
    /// Onto others, and it took a new block, as each 31st does.
    Further,
}

/// A slot of a queue that is its sender's alone; see [`Mailbox::claim_behind`].
#[must_use]
pub struct Claimed<'q, M> {
    slot: &'q Slot,
    messages: std::marker::PhantomData<fn(M)>,
}

impl<M: Packed> Claimed<'_, M> {
    #[inline(always)]
    pub fn fill(self, message: M) {
        self.slot.fill(message.pack());
    }
}

/// What [`Mailbox::pop`] found.
pub enum Pop<M> {
    Message(M),
    Empty,
    /// A sender is between its two steps: there is a message, and in a moment it can be reached.
    Busy,
    /// There is a priority message: [`Mailbox::pop_priority`] comes first.
    Priority,
}

/// The queue. `M` moves through it unchanged.
///
/// Senders write the head, the receiver the tail. `B` is something of the owner's that lies between the two, seldom
/// used, so that they are on different cache lines and neither side takes the other's away at each message.
#[repr(C)]
pub struct Mailbox<M: Packed, B = ()> {
    /// The last block and its slots that nobody has taken; null: it is empty.
    head: AtomicPtr<Block>,
    /// The first block: written by whoever pushed it onto the empty queue, and taken from here by the receiver.
    first: AtomicPtr<Block>,
    /// How many blocks were put behind others.
    #[cfg(not(loom))]
    further: AtomicUsize,
    pub between: B,
    /// The block that is read and its slots that are not read yet; null: it is to be looked for. Written by the consumer.
    tail: AtomicPtr<Block>,
    /// How many of `further` the consumer has come to.
    #[cfg(not(loom))]
    reached: AtomicUsize,
    /// The queue of priority messages; null until there is one. It has none of its own.
    priority: AtomicPtr<Mailbox<M>>,
    messages: std::marker::PhantomData<M>,
}

// SAFETY: messages move between threads (M: Send), each taken out once; all fields are atomic; those of the receiving
// side are written by one consumer at a time, which the state word of the process hands over with acquire and release.
unsafe impl<M: Packed + Send, B: Send> Send for Mailbox<M, B> {}
// SAFETY: as above.
unsafe impl<M: Packed + Send, B: Sync> Sync for Mailbox<M, B> {}

impl<M: Packed, B: Default> Default for Mailbox<M, B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: Packed, B: Default> Mailbox<M, B> {
    pub fn new() -> Self {
        Mailbox {
            head: AtomicPtr::new(ptr::null_mut()),
            first: AtomicPtr::new(ptr::null_mut()),
            #[cfg(not(loom))]
            further: AtomicUsize::new(0),
            between: B::default(),
            tail: AtomicPtr::new(ptr::null_mut()),
            #[cfg(not(loom))]
            reached: AtomicUsize::new(0),
            priority: AtomicPtr::new(ptr::null_mut()),
            messages: std::marker::PhantomData,
        }
    }
}

impl<M: Packed, B> Mailbox<M, B> {
    /// Adds a message at the end; from any thread.
    #[inline(always)]
    pub fn push(&self, message: M) -> Pushed {
        let words = message.pack();
        let head = Place(self.head.load(Ordering::Relaxed));
        let pushed = match head.left() {
            0 if head == Place::NONE => self.push_first(words),
            0 => Err(head),
            _ => self.push_slot(head, words),
        };
        match pushed {
            Ok(pushed) => pushed,
            Err(head) => self.push_on(head, words),
        }
    }

    /// The next slot behind others, if it is to be had in one step, for a message that is there already: until it is
    /// filled the receiver waits.
    #[inline(always)]
    pub fn claim_behind(&self) -> Option<Claimed<'_, M>> {
        let head = Place(self.head.load(Ordering::Relaxed));
        if head.left() == 0 || self.move_head(head, head.next()).is_err() {
            return None;
        }
        // SAFETY: as in `push_slot`.
        Some(Claimed { slot: unsafe { head.slot() }, messages: std::marker::PhantomData })
    }

    /// Puts a block with a message into the empty queue. `Err`: another one was quicker.
    #[inline(always)]
    fn push_first(&self, words: Words) -> Result<Pushed, Place> {
        let place = Place::make(false, words);
        if let Err(other) = self.move_head(Place::NONE, place.next()) {
            // SAFETY: nobody has seen it.
            unsafe { place.free() };
            return Err(other);
        }
        self.first.store(place.0, TELLS);
        Ok(Pushed::First)
    }

    /// Puts a message into the next slot of the last block. `Err`: as above.
    #[inline(always)]
    fn push_slot(&self, head: Place, words: Words) -> Result<Pushed, Place> {
        self.move_head(head, head.next())?;
        // SAFETY: the step has made the slot ours, and the consumer waits for it before it frees the block.
        unsafe { head.slot() }.fill(words);
        Ok(Pushed::Onto)
    }

    /// Puts a block with a message behind the last one, which is full. `Err`: as above.
    fn push_block(&self, head: Place, words: Words) -> Result<Pushed, Place> {
        let place = Place::make(true, words);
        if let Err(other) = self.move_head(head, place.next()) {
            // SAFETY: nobody has seen it.
            unsafe { place.free() };
            return Err(other);
        }
        // Relaxed: a count for people.
        #[cfg(not(loom))]
        self.further.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the block was the last, and the step has left it to us to say what follows; the consumer keeps a block
        // that is not the last until it knows the next.
        unsafe { head.next_block() }.store(place.0, TELLS);
        Ok(Pushed::Further)
    }

    /// The rest of a push that needs a new block, or another try.
    #[inline(never)]
    fn push_on(&self, mut head: Place, words: Words) -> Pushed {
        loop {
            let pushed = match head.left() {
                0 if head == Place::NONE => self.push_first(words),
                0 => self.push_block(head, words),
                _ => self.push_slot(head, words),
            };
            match pushed {
                Ok(pushed) => return pushed,
                Err(other) => head = other,
            }
        }
    }

    /// The step that decides. `Err`: the head is elsewhere.
    ///
    /// SeqCst, partners: the state word's loads and stores around it. A sender pushes and then looks whether the
    /// receiver sleeps; the receiver says that it sleeps and then looks whether there is a message.
    #[inline(always)]
    fn move_head(&self, from: Place, to: Place) -> Result<(), Place> {
        let order = if cfg!(broken_mailbox) { Ordering::Relaxed } else { Ordering::SeqCst };
        self.head.compare_exchange(from.0, to.0, order, Ordering::Relaxed).map(drop).map_err(Place)
    }

    /// As [`Mailbox::push`], for what goes before all ordinary messages.
    #[cold]
    pub fn push_priority(&self, message: M) -> Pushed {
        let mut queue = self.priority.load(Ordering::Acquire);
        if queue.is_null() {
            let made = Box::into_raw(Box::new(Mailbox::new()));
            // SeqCst: as in `move_head`, which comes after it.
            queue = match self.priority.compare_exchange(queue, made, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => made,
                Err(other) => {
                    // SAFETY: made above, and shown to nobody.
                    drop(unsafe { Box::from_raw(made) });
                    other
                }
            };
        }
        // SAFETY: once it is there it stays as long as the mailbox.
        unsafe { &*queue }.push(message)
    }

    #[inline(always)]
    fn priority(&self) -> Option<&Mailbox<M>> {
        // SeqCst, partner: the step in `push_priority`; a receiver says that it rests, and then looks here.
        // SAFETY: as there.
        unsafe { self.priority.load(Ordering::SeqCst).as_ref() }
    }

    /// How many messages wait, from any thread: exact while nobody pushes or takes, else as of about now.
    #[cfg(not(loom))]
    pub fn len(&self) -> usize {
        self.ordinary() + self.priority().map_or(0, |queue| queue.ordinary())
    }

    /// A number that is another after each ordinary message that is taken; from any thread.
    #[cfg(not(loom))]
    pub fn position(&self) -> usize {
        self.tail.load(Ordering::Relaxed).addr()
    }

    /// How many blocks the consumer has read to their end, of 31 ordinary messages; it begins anew when it overflows.
    #[cfg(not(loom))]
    pub fn blocks_read(&self) -> usize {
        self.reached.load(Ordering::Relaxed)
    }

    #[cfg(not(loom))]
    fn ordinary(&self) -> usize {
        // Relaxed: nothing is read that these would guard.
        let (head, tail) = (self.head.load(Ordering::Relaxed), self.tail.load(Ordering::Relaxed));
        if head.is_null() {
            return 0;
        }
        let unread = if tail.is_null() { SMALL } else { Place(tail).left() };
        let blocks = self.further.load(Ordering::Relaxed).wrapping_sub(self.reached.load(Ordering::Relaxed)) as isize;
        let count = blocks.saturating_mul(LARGE as isize) + unread as isize - Place(head).left() as isize;
        count.max(0) as usize
    }

    /// Whether a priority message is there, or under way.
    #[inline(always)]
    pub fn has_priority(&self) -> bool {
        self.priority().is_some_and(|queue| !queue.is_at_rest())
    }

    /// Takes the oldest priority message.
    ///
    /// # Safety
    /// The caller is the one consumer.
    #[cold]
    pub unsafe fn pop_priority(&self) -> Pop<M> {
        // SAFETY: the caller's promise.
        self.priority().map_or(Pop::Empty, |queue| unsafe { queue.pop() })
    }

    /// The place of the oldest message that may be there, in a block that is not read to its end.
    ///
    /// # Safety
    /// The caller is the one consumer.
    #[inline(always)]
    unsafe fn reach(&self) -> Option<Place> {
        let tail = Place(self.tail.load(Ordering::Relaxed));
        if tail.left() > 0 {
            return Some(tail);
        }
        if tail == Place::NONE {
            let first = self.first.load(Ordering::Acquire);
            if first.is_null() {
                return None;
            }
            // Until the queue has been empty nobody writes there.
            self.first.store(ptr::null_mut(), Ordering::Relaxed);
            self.tail.store(first, Ordering::Relaxed);
            return Some(Place(first));
        }
        // SAFETY: the caller's promise.
        unsafe { self.reach_next(tail) }
    }

    /// As [`Mailbox::reach`], where a block is read to its end.
    ///
    /// # Safety
    /// As there.
    #[inline(never)]
    unsafe fn reach_next(&self, tail: Place) -> Option<Place> {
        // SAFETY: the consumer alone frees blocks.
        let next = unsafe { tail.next_block() }.load(Ordering::Acquire);
        if next.is_null() {
            return None;
        }
        self.tail.store(next, Ordering::Relaxed);
        #[cfg(not(loom))]
        self.reached.store(self.reached.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        // SAFETY: each slot of it was read, and whoever said what follows has left it: we know of it.
        unsafe { tail.free() };
        Some(Place(next))
    }

    /// Takes the message at `place` out, whose words were read; when it seems to be the last one, the queue is emptied.
    ///
    /// # Safety
    /// The caller is the one consumer, and `place` is from [`Mailbox::reach`].
    #[inline(always)]
    unsafe fn pass(&self, place: Place) {
        let rest = place.next();
        // Relaxed: what follows is looked at by the next pop. Where the message itself lies, as a rule: the head's line is
        // the senders'.
        // SAFETY: the consumer alone frees blocks.
        let seems_last = unsafe {
            match rest.left() {
                0 => rest.next_block().load(Ordering::Relaxed).is_null(),
                _ => rest.slot().seems_empty(),
            }
        };
        if seems_last && self.move_head(rest, Place::NONE).is_ok() {
            self.tail.store(ptr::null_mut(), Ordering::Relaxed);
            // SAFETY: each slot that anybody had was read, and the head leads there no more.
            return unsafe { rest.free() };
        }
        self.tail.store(rest.0, Ordering::Relaxed);
    }

    /// Takes the oldest message if it is there and its first word is wanted, as the words it lies in. None also when
    /// [`Mailbox::pop`] has no message to give.
    ///
    /// # Safety
    /// The caller is the one consumer, and unpacks what it is given.
    #[inline(always)]
    pub unsafe fn pop_if(&self, is_wanted: impl FnOnce(u64) -> bool) -> Option<Words> {
        if cfg!(broken_priority) && self.has_priority() {
            return None;
        }
        // SAFETY: the caller's promise; the consumer alone frees blocks.
        unsafe {
            let place = self.reach()?;
            let words = place.slot().words()?;
            // After the message was seen, as in `pop`.
            if !is_wanted(words.mark) || !cfg!(broken_priority) && self.has_priority() {
                return None;
            }
            self.pass(place);
            Some(words)
        }
    }

    /// Takes the oldest message, unless there is a priority message.
    ///
    /// # Safety
    /// The caller is the one consumer.
    #[inline]
    pub unsafe fn pop(&self) -> Pop<M> {
        if cfg!(broken_priority) && self.has_priority() {
            return Pop::Priority;
        }
        // SAFETY: the caller's promise; the consumer alone frees blocks.
        let found = unsafe { self.reach().and_then(|place| Some((place, place.slot().words()?))) };
        let Some((place, words)) = found else {
            return match self.has_priority() {
                true => Pop::Priority,
                false if self.is_at_rest() => Pop::Empty,
                false => Pop::Busy,
            };
        };
        // The message was acquired: what its sender did before is seen.
        if !cfg!(broken_priority) && self.has_priority() {
            return Pop::Priority;
        }
        // SAFETY: as above; the words of a slot that is passed are unpacked once.
        unsafe {
            self.pass(place);
            Pop::Message(M::unpack(words))
        }
    }

    /// Whether the block of the message taken last may have more. A hint for the consumer, that costs it nothing: it looks
    /// at what it has written itself.
    #[inline(always)]
    pub fn may_have_more(&self) -> bool {
        !self.tail.load(Ordering::Relaxed).is_null()
    }

    /// Whether nothing is left for the receiver, and nothing under way; from any thread.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.is_at_rest() && (cfg!(broken_priority) || self.priority().is_none_or(|queue| queue.is_at_rest()))
    }

    /// As [`Mailbox::is_empty`], of this queue alone.
    #[inline(always)]
    fn is_at_rest(&self) -> bool {
        self.head.load(Ordering::SeqCst).is_null()
    }
}

impl<M: Packed, B> Drop for Mailbox<M, B> {
    fn drop(&mut self) {
        let priority = self.priority.load(Ordering::Relaxed);
        if !priority.is_null() {
            self.priority.store(ptr::null_mut(), Ordering::Relaxed);
            // SAFETY: made by `push_priority`, and led to from here only.
            drop(unsafe { Box::from_raw(priority) });
        }
        // SAFETY: `&mut self`: nobody else is here, so we are the consumer, and no sender is half way. When it finds
        // nothing the last block is freed.
        while let Pop::Message(message) = unsafe { self.pop() } {
            drop(message);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn messages_of_one_sender_keep_their_order_among_four() {
        let mailbox = Mailbox::<_>::new();
        std::thread::scope(|scope| {
            for sender in 0..4u64 {
                let mailbox = &mailbox;
                scope.spawn(move || {
                    for n in 0..10_000u64 {
                        mailbox.push(Box::new((sender, n)));
                    }
                });
            }
            let mut next = [0u64; 4];
            let mut left = 40_000;
            while left > 0 {
                // SAFETY: this thread alone pops.
                if let Pop::Message(message) = unsafe { mailbox.pop() } {
                    let (sender, n) = *message;
                    assert_eq!(n, next[sender as usize]);
                    next[sender as usize] += 1;
                    left -= 1;
                }
            }
        });
        assert!(mailbox.is_empty());
        assert_eq!(mailbox.len(), 0);
    }

    #[test]
    fn its_length_is_what_was_pushed_and_not_taken() {
        let mailbox = Mailbox::<_>::new();
        let mut length = 0;
        for round in 0..4000usize {
            for n in 0..round * 7 % 41 {
                mailbox.push(Box::new(n));
                length += 1;
                assert_eq!(mailbox.len(), length);
            }
            // Now and then all of it.
            for _ in 0..if round % 100 == 99 { length } else { round * 5 % 40 } {
                // SAFETY: this thread alone pops.
                if let Pop::Message(_) = unsafe { mailbox.pop() } {
                    length -= 1;
                }
                assert_eq!(mailbox.len(), length);
                assert_eq!(mailbox.is_empty(), length == 0);
            }
        }
    }

    #[test]
    fn who_pushes_hears_what_was_there() {
        let mailbox = Mailbox::<_>::new();
        for _ in 0..2 {
            let pushed: Vec<_> = (0..SMALL + 2 * LARGE).map(|n| mailbox.push(Box::new(n))).collect();
            for (n, pushed) in pushed.into_iter().enumerate() {
                let begins = n >= SMALL && (n - SMALL).is_multiple_of(LARGE);
                let expected = if begins { Pushed::Further } else { Pushed::Onto };
                assert_eq!(pushed, if n == 0 { Pushed::First } else { expected });
                // SAFETY: this thread alone pops.
                assert!(matches!(unsafe { mailbox.pop() }, Pop::Message(message) if *message == n));
            }
            // SAFETY: as above.
            assert!(matches!(unsafe { mailbox.pop() }, Pop::Empty));
        }
    }

    fn all(mailbox: &Mailbox<Box<u32>>) -> Vec<u32> {
        let mut all = Vec::new();
        loop {
            // SAFETY: this thread alone pops.
            match unsafe { mailbox.pop() } {
                Pop::Message(message) => all.push(*message),
                // SAFETY: as above.
                Pop::Priority => match unsafe { mailbox.pop_priority() } {
                    Pop::Message(message) => all.push(*message),
                    _ => unreachable!("it was there"),
                },
                Pop::Empty => return all,
                Pop::Busy => unreachable!("nobody pushes"),
            }
        }
    }

    #[test]
    fn priority_messages_come_before_all_others_and_in_their_order() {
        let mailbox = Mailbox::<_>::new();
        let push = |message: u32| mailbox.push(Box::new(message));
        let push_priority = |message: u32| mailbox.push_priority(Box::new(message));
        assert_eq!((push(1), push(2)), (Pushed::First, Pushed::Onto));
        assert_eq!((push_priority(10), push_priority(11)), (Pushed::First, Pushed::Onto));
        assert_eq!(mailbox.len(), 4);
        assert!(mailbox.has_priority() && !mailbox.is_empty());
        assert_eq!(all(&mailbox), [10, 11, 1, 2]);
        assert_eq!((mailbox.is_empty(), mailbox.len()), (true, 0));
        assert_eq!(push_priority(12), Pushed::First);
        assert!(!mailbox.is_empty() && mailbox.len() == 1);
        // In the middle of the ordinary ones, too.
        assert_eq!((push(3), push(4)), (Pushed::First, Pushed::Onto));
        assert_eq!(all(&mailbox), [12, 3, 4]);
        (5..8).for_each(|n| assert_eq!(push(n) == Pushed::First, n == 5));
        // SAFETY: as above.
        assert!(matches!(unsafe { mailbox.pop() }, Pop::Message(message) if *message == 5));
        assert_eq!(push_priority(13), Pushed::First);
        assert_eq!(mailbox.len(), 3);
        assert_eq!(all(&mailbox), [13, 6, 7]);
    }

    #[test]
    fn messages_left_behind_are_dropped_once_each() {
        let counted = std::sync::Arc::new(());
        for count in [1, SMALL, SMALL + 1, SMALL + 2 * LARGE] {
            let mailbox = Mailbox::<_>::new();
            (0..count).for_each(|_| _ = mailbox.push(Box::new(counted.clone())));
            (0..count).for_each(|_| _ = mailbox.push_priority(Box::new(counted.clone())));
            assert_eq!(std::sync::Arc::strong_count(&counted), 1 + 2 * count);
            drop(mailbox);
            assert_eq!(std::sync::Arc::strong_count(&counted), 1);
        }
    }
}
