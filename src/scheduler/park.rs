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

use super::worker::{self, Switch, WorkerCoroutine};
use crate::sync::inside;
use std::cell::{Cell, UnsafeCell};
use std::ptr::NonNull;

/// Where a suspended stack is kept.
pub struct ParkSlot {
    pub(super) coroutine: UnsafeCell<Option<WorkerCoroutine>>,
    worker: Cell<Option<NonNull<worker::Worker>>>,
    scheduler: Cell<Option<NonNull<super::Scheduler>>>,
}

// SAFETY: the coroutine is touched only by the one worker thread that it is bound to; the two pointers are written
// by that thread before the state word says "parked" (release) and read by the one who won the right to resume
// (acquire).
unsafe impl Send for ParkSlot {}
// SAFETY: as above.
unsafe impl Sync for ParkSlot {}

impl Default for ParkSlot {
    fn default() -> Self {
        Self::new()
    }
}

impl ParkSlot {
    pub const fn new() -> Self {
        ParkSlot { coroutine: UnsafeCell::new(None), worker: Cell::new(None), scheduler: Cell::new(None) }
    }

    /// Prepares for [`suspend`]: binds the slot to this thread's worker. False when this thread is none, or when its
    /// stack cannot be left.
    pub fn bind(&self) -> bool {
        worker::with_local(|local| {
            self.worker.set(Some(NonNull::from(&*local.worker)));
            self.scheduler.set(Some(NonNull::from(&*local.scheduler)));
        })
        .is_some()
    }

    /// Step 3. The caller has won the right to do so, once.
    pub fn resume(&self) {
        let (Some(worker), Some(scheduler)) = (self.worker.get(), self.scheduler.get()) else {
            return;
        };
        // SAFETY: workers and their scheduler live until the runtime's last process is gone.
        let (worker, scheduler) = unsafe { (worker.as_ref(), scheduler.as_ref()) };
        worker.push_private(scheduler, NonNull::from(self));
    }
}

/// Steps 1 and 4: leaves this stack until somebody resumes the slot. `slot` is bound, and the state word says so.
pub fn suspend(slot: &ParkSlot) {
    let depth = inside::step_out();
    worker::switch_away(Switch::Parked(NonNull::from(slot)));
    inside::re_enter(depth);
}
