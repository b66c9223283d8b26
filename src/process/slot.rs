//! The heart of a call: a place for one value, filled at most once.
//!
//! ```text
//!   EMPTY ──► WRITING ──► DONE ──► TAKEN       filled, then taken
//!     │ └──► CLAIMED ──► WRITING               the one who fills it has begun with what the other lent
//!     └────► ABANDONED                         nobody waits any more; what still comes is dropped
//! ```
//!
//! One compare-and-swap out of `EMPTY` (or `CLAIMED`) decides. Only this file touches the word and the place; a loom
//! model drives it (`tests/loom_reply.rs`).

use crate::sync::{AtomicU32, Ordering};
use std::cell::UnsafeCell;

const EMPTY: u32 = 0;
const CLAIMED: u32 = 1;
const WRITING: u32 = 2;
const DONE: u32 = 3;
const TAKEN: u32 = 4;
const ABANDONED: u32 = 5;

/// A place for one value.
pub struct Cell<T> {
    state: AtomicU32,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: the value is written by the one who won the step to WRITING, and read by the one who won DONE to TAKEN.
unsafe impl<T: Send> Send for Cell<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Cell<T> {}

impl<T> Default for Cell<T> {
    fn default() -> Self {
        Cell { state: AtomicU32::new(EMPTY), value: UnsafeCell::new(None) }
    }
}

impl<T> Cell<T> {
    fn step(&self, from: u32, to: u32) -> bool {
        if cfg!(broken_reply) {
            // What a look and a store do in place of one step: two may win.
            let is = self.state.load(Ordering::SeqCst) == from;
            if is {
                self.state.store(to, Ordering::SeqCst);
            }
            return is;
        }
        // SeqCst: the waiter looks here, then says that it is parked; the one who fills looks there after this.
        self.state.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Fills it; false, and the value dropped, when it was filled or abandoned before.
    pub fn fill(&self, value: T) -> bool {
        if !self.step(EMPTY, WRITING) && !self.step(CLAIMED, WRITING) {
            return false;
        }
        // SAFETY: only the winner of WRITING gets here, and nobody reads before DONE.
        unsafe { *self.value.get() = Some(value) };
        self.state.store(DONE, Ordering::SeqCst);
        true
    }

    /// Takes up what the waiter lent: it cannot abandon any more.
    pub fn claim(&self) -> bool {
        self.step(EMPTY, CLAIMED)
    }

    pub fn is_done(&self) -> bool {
        self.state.load(Ordering::SeqCst) == DONE
    }

    /// Whether somebody waits, or may still look.
    pub fn is_awaited(&self) -> bool {
        matches!(self.state.load(Ordering::SeqCst), EMPTY | CLAIMED)
    }

    /// Takes the value; once.
    pub fn take(&self) -> Option<T> {
        // Looked at first: who looks again and again leaves the word to the one who fills.
        if !self.is_done() || !self.step(DONE, TAKEN) {
            return None;
        }
        // SAFETY: only the winner of TAKEN gets here, after DONE.
        unsafe { (*self.value.get()).take() }
    }

    /// Gives up waiting. False when the value is there or on its way, or what was lent is in use.
    pub fn abandon(&self) -> bool {
        self.step(EMPTY, ABANDONED)
    }
}
