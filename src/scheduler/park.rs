//! Leaving a stack where it is, and coming back to it.
//!
//! A [`ParkSlot`] lies in what waits (the process). Steps, with their owner:
//!
//! 1. *suspend* (the job, on its worker): the job says in its state word that it is parked, then switches away;
//! 2. *keep* (the worker, on its own stack): puts the coroutine into the slot;
//! 3. *resume* (anybody, once for each suspend, decided by a compare-and-swap in the state word): the slot goes to
//!    the private queue of the worker it is bound to, and that worker is woken;
//! 4. *switch back* (the worker): takes the coroutine out and runs it on.
//!
//! 3 may come before 2 is done: only the worker itself takes from its private queue, and it does 2 first.
//!
//! A thread that is no worker can run a job too (an inline call from outside). It has no other loop to go on with, so
//! it waits where it is: the slot is bound to a seat (`sync::parker`), 2 and 4 fall away, and 3 lets that thread go on.

use super::exceptions::Kept;
use super::worker::{self, Switch, WorkerCoroutine};
use crate::sync::inside;
use crate::sync::parker::{Parker, Seat};
use crate::sync::{AtomicPtr, Ordering};
use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::Arc;

/// Where a suspended stack is kept.
pub struct ParkSlot {
    pub(super) coroutine: UnsafeCell<Option<WorkerCoroutine>>,
    /// Null while it is bound to none. Who resumes reads it after the state word, and needs no order; others only look.
    worker: AtomicPtr<worker::Worker>,
    /// Taken when the slot is bound to a thread that is no worker.
    seat: Seat,
}

// SAFETY: the coroutine is touched only by the one worker thread that it is bound to.
unsafe impl Send for ParkSlot {}
// SAFETY: as above.
unsafe impl Sync for ParkSlot {}

impl Default for ParkSlot {
    fn default() -> Self {
        Self::new()
    }
}

impl ParkSlot {
    pub fn new() -> Self {
        ParkSlot { coroutine: UnsafeCell::new(None), worker: AtomicPtr::new(std::ptr::null_mut()), seat: Seat::new() }
    }

    /// Prepares for [`suspend`], by the one who runs the job: binds the slot to this thread's worker, or to the thread
    /// itself, by its parker, when it is none.
    pub fn bind(&self, parker: impl FnOnce() -> Arc<Parker>) {
        let on_worker = worker::with_local(|local| {
            // Partner: the load in `behind`, which looks at the worker.
            self.worker.store(NonNull::from(&*local.worker).as_ptr(), Ordering::Release);
        });
        // SAFETY: the job runs on this thread, so it is not parked, and nobody can have the right to resume it.
        unsafe {
            match on_worker {
                Some(()) => self.seat.leave(),
                None => {
                    self.worker.store(std::ptr::null_mut(), Ordering::Relaxed);
                    self.seat.sit(parker());
                }
            }
        }
    }

    /// Step 3. The caller has won the right to do so, once. `lives`: the job is no ghost, so that the runtime is not
    /// quiet before it has gone on.
    pub fn resume(&self, lives: bool) {
        // SAFETY: the caller's right; the seat was left or taken before the job said that it parks.
        if unsafe { self.seat.is_taken() } {
            // SAFETY: as above.
            return unsafe { self.seat.resume() };
        }
        let Some(worker) = NonNull::new(self.worker.load(Ordering::Relaxed)) else { return };
        // SAFETY: workers live until the runtime's last process is gone.
        let worker = unsafe { worker.as_ref() };
        worker.push_private(NonNull::from(self), lives);
    }
}

impl ParkSlot {
    /// The id of what runs on the thread that the slot is, or was last, bound to; 0 for nothing, or when that is no
    /// worker. From any thread that keeps the slot's process.
    pub fn behind(&self) -> u64 {
        let worker = NonNull::new(self.worker.load(Ordering::Acquire));
        // SAFETY: workers live until the runtime's last process is gone.
        worker.map_or(0, |worker| unsafe { worker.as_ref() }.current())
    }
}

/// Steps 1 and 4: leaves this stack until somebody resumes the slot. `slot` is bound, and the state word says so.
pub fn suspend(slot: &ParkSlot) {
    let depth = inside::step_out();
    // SAFETY: the job that parks here is the owner.
    if unsafe { slot.seat.is_taken() } {
        slot.seat.wait();
    } else {
        let exceptions = Kept::leave();
        worker::switch_away(Switch::Parked(NonNull::from(slot)));
        exceptions.come_back();
    }
    inside::re_enter(depth);
}
