//! Stacks that wait for one worker's thread: they were parked there, and have been resumed.
//!
//! Those that the thread resumed itself stand in its own line at once. Those that others resumed are handed over under a
//! lock, and join the line behind them when its thread looks.

use super::{FAIR, Local, ParkSlot, Worker, with_local};
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ptr::{self, NonNull};

/// How many jobs that their callers wait for may go before those who were resumed.
const BEFORE_RESUMED: u32 = 8;

#[derive(Clone, Copy)]
pub(super) struct ResumedSlot {
    pub slot: NonNull<ParkSlot>,
    /// No ghost, when it was resumed.
    lives: bool,
}
// SAFETY: only handed on to the worker that the slot is bound to.
unsafe impl Send for ResumedSlot {}

/// What was resumed from elsewhere.
#[derive(Default)]
pub(super) struct Handed {
    stacks: Mutex<VecDeque<ResumedSlot>>,
    has_some: AtomicBool,
    /// How many stacks of the living were ever handed over, counted under the lock.
    count: AtomicU64,
    /// How many stacks of the living its thread ever took up, less those that it handed to itself. The same as `count`:
    /// nobody who lives waits for this thread.
    taken: AtomicU64,
}

impl Handed {
    /// Only the owner counts, so two plain steps will do. Partner: the load in `is_waited_for`.
    #[inline]
    fn take_up(&self, stacks: u64) {
        self.taken.store(self.taken.load(Ordering::Relaxed).wrapping_add(stacks), Ordering::Release);
    }
}

/// Those whose turn comes on this thread.
#[derive(Default)]
pub(super) struct Line {
    stacks: RefCell<VecDeque<ResumedSlot>>,
    /// How many of them went in a row.
    streak: Cell<u32>,
    /// Jobs that were handed this thread over to since somebody in the line waits for it, and when that began.
    before: Cell<u32>,
    waited_since: Cell<u64>,
}

impl Worker {
    /// Hands a resumed stack to its thread.
    pub(in crate::scheduler) fn push_private(&self, slot: NonNull<ParkSlot>, lives: bool) {
        let resumed = ResumedSlot { slot, lives };
        let here = with_local(|local| {
            let mine = ptr::eq(&*local.worker, self);
            if mine {
                // They came before.
                local.line_up();
                local.line.stacks.borrow_mut().push_back(resumed);
                self.handed.take_up(u64::from(lives).wrapping_neg());
            }
            mine
        });
        if here == Some(true) {
            return;
        }
        let handed = &self.handed;
        {
            let mut stacks = handed.stacks.lock();
            stacks.push_back(resumed);
            handed.count.store(handed.count.load(Ordering::Relaxed) + u64::from(lives), Ordering::SeqCst);
        }
        // SeqCst, partner: the look at it after the idle bit was set, in `sleep`.
        handed.has_some.store(true, Ordering::SeqCst);
        // SAFETY: the scheduler keeps its workers, and is itself kept by the runtime that the slot's process lives in.
        unsafe { self.scheduler.load(Ordering::Relaxed).as_ref() }.expect("set when it was made").wake(self.index);
    }

    /// Whether somebody alive waits for this very thread. What it runs is to be looked at afterwards: whoever was taken
    /// up when this says no is no longer hidden behind what ran before.
    pub(in crate::scheduler) fn is_waited_for(&self) -> bool {
        // Taken first: what is handed over and taken up between the two is seen as waiting, and not missed.
        let taken = self.handed.taken.load(Ordering::Acquire);
        taken != self.handed.count.load(Ordering::SeqCst)
    }
}

impl Local {
    /// The next, unless too many of them went in a row.
    pub(super) fn take_resumed(&self) -> Option<ResumedSlot> {
        let line = &self.line;
        if line.streak.get() >= FAIR {
            return None;
        }
        let resumed = self.next_resumed()?;
        line.streak.set(line.streak.get() + 1);
        line.before.set(0);
        self.worker.bump();
        self.worker.handed.take_up(u64::from(resumed.lives));
        Some(resumed)
    }

    fn next_resumed(&self) -> Option<ResumedSlot> {
        if let Some(slot) = self.line.stacks.borrow_mut().pop_front() {
            return Some(slot);
        }
        self.line_up();
        self.line.stacks.borrow_mut().pop_front()
    }

    /// Puts what was resumed from elsewhere behind what was resumed here.
    #[inline]
    fn line_up(&self) {
        let handed = &self.worker.handed;
        if handed.has_some.load(Ordering::Acquire) {
            let mut stacks = handed.stacks.lock();
            handed.has_some.store(false, Ordering::SeqCst);
            self.line.stacks.borrow_mut().append(&mut stacks);
        }
    }

    #[inline]
    pub(super) fn has_resumed(&self) -> bool {
        !self.line.stacks.borrow().is_empty() || self.worker.handed.has_some.load(Ordering::SeqCst)
    }

    /// Whether one of them goes before what the queues hold.
    #[inline]
    pub(super) fn is_turn_of_resumed(&self) -> bool {
        self.line.streak.get() < FAIR && self.has_resumed()
    }

    /// It is the turn of the queues.
    #[inline]
    pub(super) fn end_streak(&self) {
        self.line.streak.set(0);
    }

    /// Whether one more job may go before them that its caller hands this thread over to.
    pub(super) fn goes_before_resumed(&self, now: u64) -> bool {
        let line = &self.line;
        let before = line.before.get();
        if before == 0 {
            line.waited_since.set(now);
        } else if before >= BEFORE_RESUMED || now > line.waited_since.get() {
            return false;
        }
        line.before.set(before + 1);
        true
    }

    /// Gives back the room of those that are gone.
    pub(super) fn trim_resumed(&self) {
        self.line.stacks.borrow_mut().shrink_to_fit();
        self.worker.handed.stacks.lock().shrink_to_fit();
    }
}
