//! A mailbox that takes a certain number of messages and no more.
//!
//! * **What counts** is said with each message. What counts fills the mailbox; what does not (signals, replies, timers,
//!   what a system asks) is always taken, and is never dropped for another.
//! * **Order**: all of it comes out in the order in which it came in. Two queues, so that the oldest message that
//!   counts is found at once; a number on each message says which of the two goes first.
//! * **Exact**: what the receiver has looked at and left here, and what it has put aside, counts as long as it is here.
//!   The n-th message is taken and the one after it is not, whoever sends. One who puts everything aside that counts
//!   says so first ([`Bounded::begin_holding`]): then a message keeps its place also on the way from here to there, and
//!   may be dropped for another even then.
//! * **Waiting for room** is first come, first served: while somebody waits nobody else is let in. Whoever makes room
//!   is given the first of those who wait, to be woken after the lock; and so is who was let in and leaves room, and
//!   who gives up. So a wake may come for nothing, and never fails to come.
//! * **Shut** it is full, whatever is in it: nothing that counts is let in, and nothing dropped for it.
//! * **Closed** it takes everything again: it is about to be emptied by the one who closed it.
//!
//! * **Priority messages** are not here: they lie in the queue beside it (`queue`), never count, and are never dropped
//!   for another. The receiver looks for them under the lock, having found the message that it would take else, for the
//!   reason that the module gives.
//!
//! Who may touch what: anybody, under the lock, which is held for a few moves; no message is dropped under it.

use crate::sync::{AtomicUsize, Mutex, Ordering};
use std::collections::VecDeque;

/// What became of a message that counts.
pub enum Offered<M> {
    Taken,
    /// Taken, and the oldest one that counts is out.
    Instead(M),
    /// Not taken.
    Full(M),
}

/// What was taken out.
pub struct Popped<M, W> {
    pub message: M,
    pub counted: bool,
    /// The first of those who wait for room, to be woken.
    pub wake: Option<W>,
}

/// The mailbox. `W` is how one who waits is woken.
pub struct Bounded<M, W> {
    limit: usize,
    /// How many can be taken out now; 0 also when the receiver has looked through them in vain. Written under the lock.
    ready: AtomicUsize,
    inner: Mutex<Inner<M, W>>,
}

struct Inner<M, W> {
    queue: Lanes<M>,
    /// Not to be looked at for now, and first in order.
    held: Lanes<M>,
    /// Everything that counts is put aside.
    holding: bool,
    /// Of a message that counts, while it is put aside.
    in_hand: Hand,
    /// The next message's number; there is room for as many that are put in front.
    next: u64,
    closed: bool,
    shut: bool,
    waiting: VecDeque<(u64, W)>,
}

/// What the receiver has taken out while it holds, and not put aside yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hand {
    Empty,
    /// A message that counts; it is older than all in the queue, and younger than what was put aside before.
    Full,
    /// One that was dropped for another.
    Dropped,
}

struct Lanes<M> {
    counted: VecDeque<(u64, M)>,
    free: VecDeque<(u64, M)>,
}

impl<M> Lanes<M> {
    fn new() -> Lanes<M> {
        Lanes { counted: VecDeque::new(), free: VecDeque::new() }
    }

    fn lane(&mut self, counted: bool) -> &mut VecDeque<(u64, M)> {
        if counted { &mut self.counted } else { &mut self.free }
    }

    fn len(&self) -> usize {
        self.counted.len() + self.free.len()
    }

    /// Whether the first of all counts; none: there is none.
    fn first(&self) -> Option<bool> {
        match (self.counted.front(), self.free.front()) {
            (Some((counted, _)), Some((free, _))) => Some(counted < free),
            (Some(_), None) => Some(true),
            (None, Some(_)) => Some(false),
            (None, None) => None,
        }
    }
}

impl<M, W: Clone> Inner<M, W> {
    fn count(&self) -> usize {
        self.queue.counted.len() + self.held.counted.len() + usize::from(self.in_hand == Hand::Full)
    }

    /// Takes the oldest message that counts out; none also when that is in the receiver's hand, who drops it then.
    fn drop_oldest(&mut self) -> Option<M> {
        if self.held.counted.is_empty() && self.in_hand == Hand::Full {
            self.in_hand = Hand::Dropped;
            return None;
        }
        let (_, oldest) = self.held.counted.pop_front().or_else(|| self.queue.counted.pop_front())?;
        Some(oldest)
    }

    fn has_room(&self, limit: usize) -> bool {
        self.closed || !self.shut && self.count() < limit
    }

    fn add(&mut self, counted: bool, message: M) {
        let number = self.next;
        self.next += 1;
        self.queue.lane(counted).push_back((number, message));
    }

    fn to_wake(&self, limit: usize) -> Option<W> {
        if !self.has_room(limit) {
            return None;
        }
        self.waiting.front().map(|(_, who)| who.clone())
    }
}

impl<M, W: Clone> Bounded<M, W> {
    /// One that takes `limit` messages that count; at least 1.
    pub fn new(limit: usize) -> Bounded<M, W> {
        Bounded {
            limit: limit.max(1),
            ready: AtomicUsize::new(0),
            inner: Mutex::new(Inner {
                queue: Lanes::new(),
                held: Lanes::new(),
                holding: false,
                in_hand: Hand::Empty,
                next: 0,
                closed: false,
                shut: false,
                waiting: VecDeque::new(),
            }),
        }
    }

    /// SeqCst, partner: as in `Mailbox::push`; a receiver says that it rests, and then looks here.
    fn publish(&self, inner: &Inner<M, W>) {
        self.ready.store(inner.queue.len(), Ordering::SeqCst);
    }

    /// Adds a message that does not count.
    pub fn push(&self, message: M) {
        let mut inner = self.inner.lock();
        inner.add(false, message);
        self.publish(&inner);
    }

    /// Adds a message that counts, if there is room and nobody waits for it. `drop_oldest`: makes room.
    pub fn offer(&self, message: M, drop_oldest: bool) -> Offered<M> {
        let mut inner = self.inner.lock();
        let fits = inner.has_room(self.limit) && (inner.closed || inner.waiting.is_empty());
        let mut old = None;
        if !fits {
            if !drop_oldest || inner.shut {
                return Offered::Full(message);
            }
            old = inner.drop_oldest();
        }
        inner.add(true, message);
        self.publish(&inner);
        match old {
            Some(old) => Offered::Instead(old),
            None => Offered::Taken,
        }
    }

    /// Gets into line for room, under a number of its own.
    pub fn wait(&self, number: u64, who: W) {
        self.inner.lock().waiting.push_back((number, who));
    }

    /// As [`Bounded::offer`], of one who is in line, and leaves it with this. Beside it whom to wake.
    pub fn offer_in_line(&self, number: u64, message: M) -> (Offered<M>, Option<W>) {
        let mut inner = self.inner.lock();
        let is_first = inner.waiting.front().is_some_and(|(first, _)| *first == number);
        let is_let_in = inner.closed || is_first && inner.has_room(self.limit);
        if !is_let_in {
            return (Offered::Full(message), None);
        }
        let gone = inner.waiting.iter().position(|(other, _)| *other == number).and_then(|at| inner.waiting.remove(at));
        inner.add(true, message);
        self.publish(&inner);
        let wake = inner.to_wake(self.limit);
        drop(inner);
        drop(gone);
        (Offered::Taken, wake)
    }

    /// Leaves the line without having been let in. Gives whom to wake in its place.
    pub fn give_up(&self, number: u64) -> Option<W> {
        let mut inner = self.inner.lock();
        let gone = inner.waiting.iter().position(|(other, _)| *other == number).and_then(|at| inner.waiting.remove(at));
        let wake = inner.to_wake(self.limit);
        drop(inner);
        drop(gone);
        if cfg!(broken_mailbox) { None } else { wake }
    }

    /// Takes the oldest message, unless `others` go first.
    pub fn pop(&self, others: impl Fn() -> bool) -> Option<Popped<M, W>> {
        let early = cfg!(broken_priority).then(&others);
        let mut inner = self.inner.lock();
        let counted = inner.queue.first()?;
        if early.unwrap_or_else(others) {
            return None;
        }
        let (_, message) = inner.queue.lane(counted).pop_front()?;
        self.publish(&inner);
        if counted && inner.holding {
            debug_assert!(inner.in_hand == Hand::Empty, "what counts is put aside before the next is taken");
            inner.in_hand = Hand::Full;
        }
        let wake = if counted { inner.to_wake(self.limit) } else { None };
        Some(Popped { message, counted, wake })
    }

    /// Shows `look` the messages from number `from` on, until it gives something: that, and the number of the message.
    /// They stay where they are. `look` is called under the lock.
    pub fn find<R>(&self, from: u64, mut look: impl FnMut(&M) -> Option<R>) -> Option<(u64, R)> {
        let inner = self.inner.lock();
        let mut at = [&inner.queue.counted, &inner.queue.free]
            .map(|lane| lane.range(lane.partition_point(|(number, _)| *number < from)..).peekable());
        let [counted, free] = &mut at;
        loop {
            let next = match (counted.peek(), free.peek()) {
                (Some((one, _)), Some((other, _))) if one < other => counted.next(),
                (_, Some(_)) => free.next(),
                (Some(_), None) => counted.next(),
                (None, None) => None,
            };
            let Some((number, message)) = next else {
                // Until something comes there is nothing here for who looks. SeqCst, partner: as in `publish`.
                self.ready.store(0, Ordering::SeqCst);
                return None;
            };
            if let Some(found) = look(message) {
                return Some((*number, found));
            }
        }
    }

    /// Takes the message of that number; none when it was dropped meanwhile.
    pub fn take(&self, number: u64) -> Option<Popped<M, W>> {
        let mut inner = self.inner.lock();
        for counted in [true, false] {
            let lane = inner.queue.lane(counted);
            if let Ok(at) = lane.binary_search_by_key(&number, |(number, _)| *number) {
                let (_, message) = lane.remove(at)?;
                self.publish(&inner);
                let wake = if counted { inner.to_wake(self.limit) } else { None };
                return Some(Popped { message, counted, wake });
            }
        }
        None
    }

    /// Has a message that does not count lie where the one of that number was, which the receiver has taken.
    pub fn put_back(&self, number: u64, message: M) {
        let mut inner = self.inner.lock();
        let at = inner.queue.free.partition_point(|(other, _)| *other < number);
        inner.queue.free.insert(at, (number, message));
        self.publish(&inner);
    }

    /// From now on the receiver puts aside whatever counts, until [`Bounded::release`].
    pub fn begin_holding(&self) {
        self.inner.lock().holding = true;
    }

    /// Puts a message that was taken out aside until [`Bounded::release`]. It counts as before; given back, it was
    /// dropped for another on the way.
    #[must_use]
    pub fn hold(&self, message: M, counted: bool) -> Option<M> {
        let mut inner = self.inner.lock();
        if counted && std::mem::replace(&mut inner.in_hand, Hand::Empty) == Hand::Dropped {
            return Some(message);
        }
        let number = inner.held.len() as u64 + inner.next;
        inner.held.lane(counted).push_back((number, message));
        None
    }

    /// Has what was put aside come before all else, in its order.
    pub fn release(&self) {
        let mut inner = self.inner.lock();
        inner.holding = false;
        if inner.held.len() == 0 {
            return;
        }
        let held = std::mem::replace(&mut inner.held, Lanes::new());
        let queue = std::mem::replace(&mut inner.queue, Lanes::new());
        // Numbered anew, one after the other: nobody looks through the messages while they are put aside.
        for mut lanes in [held, queue] {
            while let Some(counted) = lanes.first() {
                if let Some((_, message)) = lanes.lane(counted).pop_front() {
                    inner.add(counted, message);
                }
            }
        }
        self.publish(&inner);
    }

    /// Shuts it, or opens it again. Gives whom to wake.
    pub fn shut(&self, shut: bool) -> Option<W> {
        let mut inner = self.inner.lock();
        inner.shut = shut;
        inner.to_wake(self.limit)
    }

    /// From now on everything is taken. Gives those who wait, to be woken.
    pub fn close(&self) -> Vec<W> {
        let mut inner = self.inner.lock();
        inner.closed = true;
        inner.waiting.iter().map(|(_, who)| who.clone()).collect()
    }

    /// Whether nothing came since the receiver last found nothing, taking or looking through; from any thread.
    pub fn is_empty(&self) -> bool {
        self.ready.load(Ordering::SeqCst) == 0
    }

    /// Whether there is nothing to be taken out now.
    pub fn is_drained(&self) -> bool {
        self.inner.lock().queue.len() == 0
    }

    /// How many are here, or put aside.
    pub fn len(&self) -> usize {
        let inner = self.inner.lock();
        inner.queue.len() + inner.held.len()
    }

    /// Whether whoever comes now would be the next: nothing is here or put aside, and nobody waits to be let in.
    pub fn is_free(&self) -> bool {
        let inner = self.inner.lock();
        inner.queue.len() + inner.held.len() == 0 && inner.waiting.is_empty() && !inner.shut
    }

    /// Whether nothing is here, nor put aside.
    pub fn is_bare(&self) -> bool {
        let inner = self.inner.lock();
        inner.queue.len() + inner.held.len() == 0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn all(mailbox: &Bounded<u32, ()>) -> Vec<u32> {
        std::iter::from_fn(|| mailbox.pop(|| false)).map(|popped| popped.message).collect()
    }

    #[test]
    fn the_limit_is_exact_and_what_does_not_count_keeps_its_place() {
        let mailbox = Bounded::new(2);
        assert!(matches!(mailbox.offer(1, false), Offered::Taken));
        mailbox.push(2);
        assert!(matches!(mailbox.offer(3, false), Offered::Taken));
        assert!(matches!(mailbox.offer(4, false), Offered::Full(4)));
        mailbox.push(5);
        assert_eq!(all(&mailbox), [1, 2, 3, 5]);
    }

    #[test]
    fn the_oldest_that_counts_makes_room_also_where_it_was_put_aside() {
        let mailbox = Bounded::new(2);
        mailbox.push(0);
        mailbox.offer(1, true);
        mailbox.begin_holding();
        for _ in 0..2 {
            let popped = mailbox.pop(|| false).unwrap();
            assert!(mailbox.hold(popped.message, popped.counted).is_none());
        }
        assert!(mailbox.is_empty() && !mailbox.is_bare());
        mailbox.offer(2, true);
        mailbox.push(3);
        assert!(matches!(mailbox.offer(4, true), Offered::Instead(1)));
        assert!(matches!(mailbox.offer(5, true), Offered::Instead(2)));
        mailbox.release();
        assert_eq!(all(&mailbox), [0, 3, 4, 5]);
    }

    #[test]
    fn what_is_just_being_put_aside_keeps_its_place_and_is_the_oldest() {
        let mailbox = Bounded::new(1);
        mailbox.begin_holding();
        mailbox.offer(1, true);
        let one = mailbox.pop(|| false).unwrap();
        assert!(one.wake.is_none());
        assert!(matches!(mailbox.offer(9, false), Offered::Full(9)));
        assert!(matches!(mailbox.offer(2, true), Offered::Taken));
        assert_eq!(mailbox.hold(one.message, one.counted), Some(1));
        assert!(matches!(mailbox.offer(3, true), Offered::Instead(2)));
        let three = mailbox.pop(|| false).unwrap();
        assert_eq!(mailbox.hold(three.message, three.counted), None);
        assert!(matches!(mailbox.offer(9, false), Offered::Full(9)));
        mailbox.wait(10, "waits");
        mailbox.release();
        assert_eq!(mailbox.pop(|| false).unwrap().wake, Some("waits"));
    }

    #[test]
    fn a_message_from_the_middle_makes_room() {
        let mailbox = Bounded::<_, ()>::new(3);
        (1..=3).for_each(|n| assert!(matches!(mailbox.offer(n, false), Offered::Taken)));
        let (number, found) = mailbox.find(0, |n| (*n == 2).then_some(*n)).unwrap();
        assert_eq!(found, 2);
        assert_eq!(mailbox.take(number).unwrap().message, 2);
        assert!(mailbox.take(number).is_none());
        assert!(mailbox.find(number + 1, |n| (*n == 1).then_some(())).is_none());
        assert!(mailbox.is_empty() && !mailbox.is_drained());
        assert!(matches!(mailbox.offer(4, false), Offered::Taken));
        assert_eq!(all(&mailbox), [1, 3, 4]);
    }

    #[test]
    fn who_waits_is_let_in_before_who_comes_later() {
        let mailbox = Bounded::new(1);
        mailbox.offer(1, false);
        mailbox.wait(10, "first");
        mailbox.wait(20, "second");
        assert_eq!(mailbox.pop(|| false).unwrap().wake, Some("first"));
        assert!(mailbox.is_bare() && !mailbox.is_free(), "the first has not come yet, and is the next");
        assert!(matches!(mailbox.offer(9, false), Offered::Full(9)));
        assert!(matches!(mailbox.offer_in_line(20, 3), (Offered::Full(3), None)));
        assert_eq!(mailbox.give_up(10), Some("second"));
        assert!(matches!(mailbox.offer_in_line(20, 3), (Offered::Taken, None)));
        assert!(matches!(mailbox.offer(4, false), Offered::Full(4)));
        mailbox.wait(30, "third");
        assert_eq!(mailbox.close(), ["third"]);
        assert!(matches!(mailbox.offer(4, false), Offered::Taken));
    }
}
