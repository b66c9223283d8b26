//! The queue itself; see the module for its rules.

#[cfg(not(loom))]
use crate::sync::AtomicUsize;
#[cfg(not(loom))]
use crate::sync::blocks::{self, Size};
use crate::sync::{AtomicPtr, Ordering, prefetch};
#[cfg(not(loom))]
use std::alloc::{Layout, handle_alloc_error};
use std::cell::UnsafeCell;
use std::ptr::{self, NonNull};

/// A message on its way, one cache line where `M` is 48 bytes or fewer.
#[repr(align(16))]
pub struct Node<M> {
    next: AtomicPtr<Node<M>>,
    message: Option<M>,
}

impl<M> Node<M> {
    /// Of the block that it lies in. Never one of those that lie across two cache lines.
    #[cfg(not(loom))]
    const fn size() -> Option<Size> {
        const { assert!(align_of::<Self>() <= 16) };
        match Size::of(size_of::<Self>()) {
            Some(Size::B32) => Some(Size::B32),
            Some(_) => Some(Size::B64),
            None => None,
        }
    }

    #[inline(always)]
    fn new(message: Option<M>) -> *mut Node<M> {
        #[cfg(not(loom))]
        if let Some(size) = const { Self::size() } {
            let Some(place) = blocks::take(size) else { handle_alloc_error(Layout::new::<Self>()) };
            let place = place.cast::<Self>().as_ptr();
            // SAFETY: a block is large enough, aligned, and nobody else's. Part by part: the message goes straight to
            // its place.
            unsafe {
                (&raw mut (*place).next).write(AtomicPtr::new(ptr::null_mut()));
                (&raw mut (*place).message).write(message);
            }
            return place;
        }
        Box::into_raw(Box::new(Node { next: AtomicPtr::new(ptr::null_mut()), message }))
    }

    /// Frees the node, whose message was read out.
    ///
    /// # Safety
    /// As [`Node::open`].
    #[inline(always)]
    unsafe fn close(node: *mut Node<M>) {
        #[cfg(not(loom))]
        if let Some(size) = const { Self::size() } {
            // SAFETY: the caller's promise.
            return unsafe { blocks::free(size, NonNull::new_unchecked(node.cast())) };
        }
        // SAFETY: the caller's promise; without the message, which is not dropped again.
        drop(unsafe { Box::from_raw(node.cast::<std::mem::ManuallyDrop<Node<M>>>()) });
    }

    /// Takes the message out and frees the node.
    ///
    /// # Safety
    /// `node` came from `new`, and nobody uses it any more.
    #[inline]
    unsafe fn open(node: *mut Node<M>) -> Option<M> {
        #[cfg(not(loom))]
        if let Some(size) = const { Self::size() } {
            // SAFETY: the caller's promise; the node is read out before its block goes.
            unsafe {
                let message = (&raw const (*node).message).read();
                blocks::free(size, NonNull::new_unchecked(node.cast()));
                return message;
            }
        }
        // SAFETY: the caller's promise.
        unsafe { Box::from_raw(node) }.message
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
pub struct Mailbox<M, B = ()> {
    head: AtomicPtr<Node<M>>,
    /// The stub, as senders know it.
    empty: *mut Node<M>,
    /// How often something was pushed onto a queue that was not empty: those pushes alone pay for being counted.
    #[cfg(not(loom))]
    piled: AtomicUsize,
    pub between: B,
    tail: UnsafeCell<*mut Node<M>>,
    /// Twice what was taken, less those that had been pushed onto the stub; and 1 while the stub is in the queue, since
    /// what is pushed onto it is not counted in `piled`. Written by the consumer, and read for the length.
    #[cfg(not(loom))]
    taken: AtomicUsize,
    /// The node that stands in the queue when there is none; never carries a message. Boxed on first use, so
    /// that the mailbox itself may move before it is shared.
    stub: NonNull<Node<M>>,
    /// The queue of priority messages; null until there is one. It has none of its own.
    priority: AtomicPtr<Mailbox<M>>,
}

// SAFETY: messages move between threads (M: Send); the head is atomic; the tail is touched by one consumer at a
// time, which the state word of the process hands over with acquire and release.
unsafe impl<M: Send, B: Send> Send for Mailbox<M, B> {}
// SAFETY: as above.
unsafe impl<M: Send, B: Sync> Sync for Mailbox<M, B> {}

impl<M, B: Default> Default for Mailbox<M, B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M, B: Default> Mailbox<M, B> {
    pub fn new() -> Self {
        let stub = Node::new(None);
        Mailbox {
            head: AtomicPtr::new(stub),
            empty: stub,
            #[cfg(not(loom))]
            piled: AtomicUsize::new(0),
            between: B::default(),
            tail: UnsafeCell::new(stub),
            #[cfg(not(loom))]
            taken: AtomicUsize::new(1),
            stub: NonNull::new(stub).expect("a box is never null"),
            priority: AtomicPtr::new(ptr::null_mut()),
        }
    }
}

impl<M, B> Mailbox<M, B> {
    /// Adds a message at the end; from any thread. True when the queue was empty: the caller has to see to it that the
    /// receiver looks. Else whoever pushed onto the empty queue does, or the receiver has not rested since.
    #[inline(always)]
    pub fn push(&self, message: M) -> bool {
        self.push_node(Node::new(Some(message))) == self.empty
    }

    /// As [`Mailbox::push`]; also tells how many had been pushed onto others before it, if it was.
    #[cfg(not(loom))]
    #[inline(always)]
    pub fn push_counting(&self, message: M) -> Option<usize> {
        let node = Node::new(Some(message));
        let previous = self.head.swap(node, Ordering::SeqCst);
        // As in `push_node`.
        let piled = (previous != self.empty).then(|| self.piled.fetch_add(1, Ordering::Relaxed));
        // SAFETY: as in `push_node`.
        unsafe { (*previous).next.store(node, Ordering::Release) };
        piled
    }

    /// As [`Mailbox::push`], for what goes before all ordinary messages.
    #[cold]
    pub fn push_priority(&self, message: M) -> bool {
        let mut queue = self.priority.load(Ordering::Acquire);
        if queue.is_null() {
            let made = Box::into_raw(Box::new(Mailbox::new()));
            // SeqCst: as the swap in `push_node`, which comes after it.
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

    #[cfg(not(loom))]
    fn ordinary(&self) -> usize {
        // Relaxed: nothing is read that these would guard.
        let taken = self.taken.load(Ordering::Relaxed);
        let piled = self.piled.load(Ordering::Relaxed);
        let first = usize::from(taken & 1 == 1 && !self.is_at_rest());
        let rest = (piled as isize).wrapping_sub(taken as isize >> 1);
        rest.max(0) as usize + first
    }

    /// The consumer has put the stub into the queue again.
    #[inline(always)]
    fn count_stub(&self) {
        #[cfg(not(loom))]
        self.taken.store(self.taken.load(Ordering::Relaxed) | 1, Ordering::Relaxed);
    }

    /// The consumer has gone past the stub: the message behind it had been pushed onto it.
    #[inline(always)]
    fn count_passed(&self) {
        #[cfg(not(loom))]
        self.taken.store((self.taken.load(Ordering::Relaxed) & !1).wrapping_sub(2), Ordering::Relaxed);
    }

    /// The consumer has taken a message.
    #[inline(always)]
    fn count_taken(&self) {
        #[cfg(not(loom))]
        self.taken.store(self.taken.load(Ordering::Relaxed).wrapping_add(2), Ordering::Relaxed);
    }

    /// Gives what was the head.
    #[inline]
    fn push_node(&self, node: *mut Node<M>) -> *mut Node<M> {
        // SeqCst, partners: the state word's loads and stores around it. A sender pushes and then looks whether the
        // receiver sleeps; the receiver says that it sleeps and then looks whether there is a message.
        let order = if cfg!(broken_mailbox) { Ordering::Relaxed } else { Ordering::SeqCst };
        let previous = self.head.swap(node, order);
        #[cfg(not(loom))]
        if previous != self.empty {
            // Relaxed: a count for people. Right after the swap, while the cache line is here: after the store below,
            // which may have to fetch its line from elsewhere, it would wait for that and find this one gone.
            self.piled.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: `previous` was the head, so its `next` is ours to write, and the consumer frees no node whose
        // `next` is still null while it is not the head.
        unsafe {
            (*previous).next.store(node, if cfg!(broken_mailbox) { Ordering::Relaxed } else { Ordering::Release })
        };
        previous
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

    /// Takes what `pick` finds in the oldest message, if it finds something there. None also when [`Mailbox::pop`] has
    /// no message to give.
    ///
    /// # Safety
    /// The caller is the one consumer. What `pick` finds is all of the message that has to be dropped.
    #[inline(always)]
    pub unsafe fn pop_if<R>(&self, pick: impl FnOnce(&M) -> Option<&R>) -> Option<R> {
        if cfg!(broken_priority) && self.has_priority() {
            return None;
        }
        // SAFETY: only the consumer reads and writes the tail.
        let tail_cell = unsafe { &mut *self.tail.get() };
        // SAFETY: as in `pop`, here and below.
        unsafe {
            let stub = self.stub.as_ptr();
            let mut tail = *tail_cell;
            let mut next = (*tail).next.load(Ordering::Acquire);
            let passes = tail == stub;
            if passes {
                if next.is_null() {
                    return None;
                }
                tail = next;
                next = (*tail).next.load(Ordering::Acquire);
            }
            // After the message was seen, as in `pop`.
            let found = std::ptr::from_ref(pick((*tail).message.as_ref()?)?);
            if !cfg!(broken_priority) && self.has_priority() {
                return None;
            }
            if passes {
                *tail_cell = tail;
                self.count_passed();
            }
            if next.is_null() {
                next = self.behind_last(tail);
                if next.is_null() {
                    return None;
                }
            }
            prefetch(next);
            *tail_cell = next;
            self.count_taken();
            let found = found.read();
            Node::close(tail);
            Some(found)
        }
    }

    /// What comes after the last message, which is to be taken: the stub takes its place, unless somebody has pushed onto
    /// it meanwhile. Null: that cannot be reached yet.
    ///
    /// # Safety
    /// The caller is the one consumer, and the stub is not in the queue.
    #[inline(always)]
    unsafe fn behind_last(&self, last: *mut Node<M>) -> *mut Node<M> {
        let stub = self.stub.as_ptr();
        // SAFETY: the stub is not in the queue now; the last is a live node.
        unsafe {
            (*stub).next.store(ptr::null_mut(), Ordering::Relaxed);
            // SeqCst: as the swap in `push_node`.
            match self.head.compare_exchange(last, stub, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => {
                    self.count_stub();
                    stub
                }
                Err(_) => (*last).next.load(Ordering::Acquire),
            }
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
        // SAFETY: only the consumer reads and writes the tail.
        let tail_cell = unsafe { &mut *self.tail.get() };
        let mut tail = *tail_cell;
        // SAFETY: the tail is always a live node.
        let mut next = unsafe { (*tail).next.load(Ordering::Acquire) };
        if tail == self.stub.as_ptr() {
            if next.is_null() {
                return match self.has_priority() {
                    true => Pop::Priority,
                    false if self.head.load(Ordering::SeqCst) == tail => Pop::Empty,
                    false => Pop::Busy,
                };
            }
            *tail_cell = next;
            self.count_passed();
            tail = next;
            // SAFETY: `next` was linked by a sender with release; acquire above.
            next = unsafe { (*tail).next.load(Ordering::Acquire) };
        }
        // The tail is a message, which was acquired now or by the last pop: what its sender did before is seen.
        if !cfg!(broken_priority) && self.has_priority() {
            return Pop::Priority;
        }
        if next.is_null() {
            // SAFETY: the caller's promise; the tail is a message.
            next = unsafe { self.behind_last(tail) };
            if next.is_null() {
                return Pop::Busy;
            }
        }
        // Written by its sender, elsewhere as a rule: it comes while this message is handled.
        prefetch(next);
        *tail_cell = next;
        self.count_taken();
        // SAFETY: the node was made by `push`, has been left by its sender (its next is set), and only the consumer
        // frees nodes.
        match unsafe { Node::open(tail) } {
            Some(message) => Pop::Message(message),
            None => unreachable!("only the stub has no message, and it was passed over"),
        }
    }

    /// Whether nothing is left for the receiver, and nothing under way; from any thread. The stub is in the queue alone,
    /// or before everything else.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.is_at_rest() && (cfg!(broken_priority) || self.priority().is_none_or(|queue| queue.is_at_rest()))
    }

    /// As [`Mailbox::is_empty`], of this queue alone.
    #[inline(always)]
    fn is_at_rest(&self) -> bool {
        self.head.load(Ordering::SeqCst) == self.empty
    }
}

impl<M, B> Drop for Mailbox<M, B> {
    fn drop(&mut self) {
        let priority = self.priority.load(Ordering::Relaxed);
        if !priority.is_null() {
            self.priority.store(ptr::null_mut(), Ordering::Relaxed);
            // SAFETY: made by `push_priority`, and led to from here only.
            drop(unsafe { Box::from_raw(priority) });
        }
        // SAFETY: `&mut self`: nobody else is here, so we are the consumer, and no sender is half way.
        while let Pop::Message(message) = unsafe { self.pop() } {
            drop(message);
        }
        // SAFETY: the stub is the only node left.
        drop(unsafe { Node::open(self.stub.as_ptr()) });
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
                        mailbox.push((sender, n));
                    }
                });
            }
            let mut next = [0u64; 4];
            let mut left = 40_000;
            while left > 0 {
                // SAFETY: this thread alone pops.
                if let Pop::Message((sender, n)) = unsafe { mailbox.pop() } {
                    assert_eq!(n, next[sender as usize]);
                    next[sender as usize] += 1;
                    left -= 1;
                }
            }
        });
        assert!(mailbox.is_empty());
    }

    #[test]
    fn its_length_is_what_was_pushed_and_not_taken() {
        let mailbox = Mailbox::<_>::new();
        let mut length = 0;
        for round in 0..40usize {
            for n in 0..round % 7 {
                mailbox.push(n);
                length += 1;
                assert_eq!(mailbox.len(), length);
            }
            for _ in 0..round % 5 {
                // SAFETY: this thread alone pops.
                if let Pop::Message(_) = unsafe { mailbox.pop() } {
                    length -= 1;
                }
                assert_eq!(mailbox.len(), length);
            }
        }
        assert!(length > 0);
    }

    fn all(mailbox: &Mailbox<u32>) -> Vec<u32> {
        let mut all = Vec::new();
        loop {
            // SAFETY: this thread alone pops.
            match unsafe { mailbox.pop() } {
                Pop::Message(message) => all.push(message),
                // SAFETY: as above.
                Pop::Priority => match unsafe { mailbox.pop_priority() } {
                    Pop::Message(message) => all.push(message),
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
        assert!(mailbox.push(1) && !mailbox.push(2));
        assert!(mailbox.push_priority(10) && !mailbox.push_priority(11));
        assert_eq!(mailbox.len(), 4);
        assert!(mailbox.has_priority() && !mailbox.is_empty());
        assert_eq!(all(&mailbox), [10, 11, 1, 2]);
        assert_eq!((mailbox.is_empty(), mailbox.len()), (true, 0));
        assert!(mailbox.push_priority(12));
        assert!(!mailbox.is_empty() && mailbox.len() == 1);
        // In the middle of the ordinary ones, too.
        assert!(mailbox.push(3) && !mailbox.push(4));
        assert_eq!(all(&mailbox), [12, 3, 4]);
        (5..8).for_each(|n| assert_eq!(mailbox.push(n), n == 5));
        // SAFETY: as above.
        assert!(matches!(unsafe { mailbox.pop() }, Pop::Message(5)));
        assert!(mailbox.push_priority(13));
        assert_eq!(mailbox.len(), 3);
        assert_eq!(all(&mailbox), [13, 6, 7]);
    }

    #[test]
    fn messages_left_behind_are_dropped_once_each() {
        let counted = std::sync::Arc::new(());
        let mailbox = Mailbox::<_>::new();
        // The first push finds it empty, the others do not.
        (0..10).for_each(|n| assert_eq!(mailbox.push(counted.clone()), n == 0));
        (0..10).for_each(|n| assert_eq!(mailbox.push_priority(counted.clone()), n == 0));
        drop(mailbox);
        assert_eq!(std::sync::Arc::strong_count(&counted), 1);
    }
}
