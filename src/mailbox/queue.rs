//! The queue itself; see the module for its rules.

#[cfg(not(loom))]
use crate::sync::AtomicUsize;
#[cfg(not(loom))]
use crate::sync::blocks::{self, BLOCK};
use crate::sync::{AtomicPtr, Ordering};
use std::cell::UnsafeCell;
use std::ptr::{self, NonNull};

/// A message on its way, one cache line where `M` is 48 bytes or fewer.
#[repr(align(16))]
pub struct Node<M> {
    next: AtomicPtr<Node<M>>,
    message: Option<M>,
}

impl<M> Node<M> {
    #[inline(always)]
    fn new(message: Option<M>) -> *mut Node<M> {
        #[cfg(not(loom))]
        if const { size_of::<Self>() <= BLOCK && align_of::<Self>() <= BLOCK } {
            let place = blocks::take().cast::<Self>().as_ptr();
            // SAFETY: a block is large enough, aligned, and nobody else's. Part by part: the message goes straight to its
            // place.
            unsafe {
                (&raw mut (*place).next).write(AtomicPtr::new(ptr::null_mut()));
                (&raw mut (*place).message).write(message);
            }
            return place;
        }
        Box::into_raw(Box::new(Node { next: AtomicPtr::new(ptr::null_mut()), message }))
    }

    /// Takes the message out and frees the node.
    ///
    /// # Safety
    /// `node` came from `new`, and nobody uses it any more.
    #[inline]
    unsafe fn open(node: *mut Node<M>) -> Option<M> {
        #[cfg(not(loom))]
        if const { size_of::<Self>() <= BLOCK && align_of::<Self>() <= BLOCK } {
            // SAFETY: the caller's promise; the node is read out before its block goes.
            unsafe {
                let message = (&raw const (*node).message).read();
                blocks::free(NonNull::new_unchecked(node.cast()));
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
        }
    }
}

impl<M, B> Mailbox<M, B> {
    /// Adds a message at the end; from any thread. True when the queue was empty: the caller has to see to it that the
    /// receiver looks. Else whoever pushed onto the empty queue does, or the receiver has not rested since.
    #[inline(always)]
    pub fn push(&self, message: M) -> bool {
        self.push_node::<true>(Node::new(Some(message))) == self.empty
    }

    /// How many messages wait, from any thread: exact while nobody pushes or takes, else as of about now.
    #[cfg(not(loom))]
    pub fn len(&self) -> usize {
        // Relaxed: nothing is read that these would guard.
        let taken = self.taken.load(Ordering::Relaxed);
        let piled = self.piled.load(Ordering::Relaxed);
        let first = usize::from(taken & 1 == 1 && !self.is_empty());
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
    fn push_node<const COUNTS: bool>(&self, node: *mut Node<M>) -> *mut Node<M> {
        // SeqCst, partners: the state word's loads and stores around it. A sender pushes and then looks whether the
        // receiver sleeps; the receiver says that it sleeps and then looks whether there is a message.
        let order = if cfg!(broken_mailbox) { Ordering::Relaxed } else { Ordering::SeqCst };
        let previous = self.head.swap(node, order);
        #[cfg(not(loom))]
        if COUNTS && previous != self.empty {
            // Relaxed: a count for people. Right after the swap, while the cache line is here: after the store below, which
            // may have to fetch its line from elsewhere, it would wait for that and find this one gone.
            self.piled.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: `previous` was the head, so its `next` is ours to write, and the consumer frees no node whose
        // `next` is still null while it is not the head.
        unsafe {
            (*previous).next.store(node, if cfg!(broken_mailbox) { Ordering::Relaxed } else { Ordering::Release })
        };
        previous
    }

    /// Takes the oldest message.
    ///
    /// # Safety
    /// The caller is the one consumer.
    #[inline]
    pub unsafe fn pop(&self) -> Pop<M> {
        // SAFETY: only the consumer reads and writes the tail.
        let tail_cell = unsafe { &mut *self.tail.get() };
        let mut tail = *tail_cell;
        // SAFETY: the tail is always a live node.
        let mut next = unsafe { (*tail).next.load(Ordering::Acquire) };
        if tail == self.stub.as_ptr() {
            if next.is_null() {
                return if self.head.load(Ordering::SeqCst) == tail { Pop::Empty } else { Pop::Busy };
            }
            *tail_cell = next;
            self.count_passed();
            tail = next;
            // SAFETY: `next` was linked by a sender with release; acquire above.
            next = unsafe { (*tail).next.load(Ordering::Acquire) };
        }
        if next.is_null() {
            if self.head.load(Ordering::SeqCst) != tail {
                return Pop::Busy;
            }
            // The last node: put the stub behind it, so that it can be taken out.
            // SAFETY: the stub is not in the queue now.
            unsafe { self.stub.as_ref().next.store(ptr::null_mut(), Ordering::Relaxed) };
            self.push_node::<false>(self.stub.as_ptr());
            self.count_stub();
            // SAFETY: the tail is a live node.
            next = unsafe { (*tail).next.load(Ordering::Acquire) };
            if next.is_null() {
                return Pop::Busy;
            }
        }
        *tail_cell = next;
        self.count_taken();
        // SAFETY: the node was made by `push`, has been left by its sender (its next is set), and only the consumer
        // frees nodes.
        match unsafe { Node::open(tail) } {
            Some(message) => Pop::Message(message),
            None => unreachable!("only the stub has no message, and it was passed over"),
        }
    }

    /// Whether nothing was pushed since the receiver last found nothing; from any thread. While the receiver is in the
    /// middle of the queue the stub may be the head with a message still before it: see [`Mailbox::is_drained`].
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::SeqCst) == self.empty
    }

    /// Whether nothing is left for the receiver, and nothing under way.
    ///
    /// # Safety
    /// The caller is the one consumer.
    pub unsafe fn is_drained(&self) -> bool {
        // SAFETY: only the consumer writes the tail.
        unsafe { *self.tail.get() == self.stub.as_ptr() && self.is_empty() }
    }
}

impl<M, B> Drop for Mailbox<M, B> {
    fn drop(&mut self) {
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

    #[test]
    fn messages_left_behind_are_dropped_once_each() {
        let counted = std::sync::Arc::new(());
        let mailbox = Mailbox::<_>::new();
        // The first push finds it empty, the others do not.
        (0..10).for_each(|n| assert_eq!(mailbox.push(counted.clone()), n == 0));
        drop(mailbox);
        assert_eq!(std::sync::Arc::strong_count(&counted), 1);
    }
}
