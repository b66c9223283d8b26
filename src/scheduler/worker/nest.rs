//! Jobs that run within others: on a stack of their own, so that they can wait without those who called them.
//!
//! There is one stack for each depth, used where it lies: it waits for the next job where it has ended the last.
//! Beginning on a fresh one would cost three times as much as the two switches. One whose job has parked goes with it,
//! and comes back to whatever depth has none.

use super::{Local, Switch, WorkerCoroutine, local};
use crate::scheduler::exceptions::Kept;
use crate::scheduler::{Runnable, Scheduler};
use crate::sync::{Ordering, inside};
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::cell::Cell;

/// Jobs that may be nested in each other on one thread.
const DEEPEST: u32 = 8;

/// The stacks of one worker, and how deep it is in them.
#[derive(Default)]
pub(super) struct Nests {
    /// Jobs that run within others now.
    depth: Cell<u32>,
    /// One for each depth; gone from there while its job is parked.
    stacks: [Cell<Option<WorkerCoroutine>>; DEEPEST as usize],
    /// For the nest that is entered next; none: it ends.
    job: Cell<Option<NestedJob>>,
}

impl Nests {
    /// The place of the next depth; there is one.
    #[inline]
    fn next(&self) -> &Cell<Option<WorkerCoroutine>> {
        &self.stacks[self.depth.get() as usize]
    }
}

/// A stack for a job that runs within another: that of the next depth.
#[derive(Clone, Copy)]
pub struct Nest<'a> {
    local: &'a Local,
}

/// What is run on such a stack: it takes the job off the pointer first of all.
type NestedJob = (unsafe fn(*mut ()), *mut ());

/// A stack on which a job can wait without its caller. None on a thread that is no worker of `scheduler`, when too many
/// jobs are nested already, or when no stack is left.
#[inline]
pub fn nest<'a>(scheduler: &Scheduler) -> Option<Nest<'a>> {
    let local = local();
    // SAFETY: set by `run` for as long as its frame lives, on this thread only; a nest is used by the frame that asks.
    let local = unsafe { local.as_ref() }?;
    if !local.takes_from(scheduler) || local.nests.depth.get() >= DEEPEST {
        return None;
    }
    // SAFETY: a look; nothing else uses this place now, since the nest of that depth does not run.
    if unsafe { (*local.nests.next().as_ptr()).is_none() } {
        local.make_nest()?;
    }
    Some(Nest { local })
}

/// What becomes of a job that its caller would hand its thread over to.
pub enum HandedOver<'a> {
    /// It is next, on such a stack.
    To(Nest<'a>),
    /// Enough of them went before those who were resumed here: the caller is to go behind these, and may ask again then.
    BehindResumed,
    /// It is to be scheduled as any other.
    Not,
}

/// As [`nest`], for a job that its caller waits for, if it is its turn (`scheduler`, *handing over*).
/// `now`: a clock in nanoseconds, which may be behind.
#[inline]
pub fn hand_over<'a>(scheduler: &Scheduler, now: impl FnOnce() -> u64) -> HandedOver<'a> {
    match nest(scheduler) {
        Some(nest) => nest.local.takes_over(now, nest),
        None => HandedOver::Not,
    }
}

/// As [`hand_over`], for a job that waits for a worker already: if it is the one woken last on this thread, and so the
/// next here anyway. It is the caller's to run then, by [`Nest::run_job`].
#[inline]
pub fn hand_over_woken<'a>(scheduler: &Scheduler, id: u64, now: impl FnOnce() -> u64) -> Option<(Nest<'a>, Runnable)> {
    let nest = nest(scheduler)?;
    let job = nest.local.take_woken(id, now)?;
    Some((nest, job))
}

impl Nest<'_> {
    /// Runs a job that was in a queue, as [`Nest::run`].
    pub fn run_job(self, job: Runnable) {
        // SAFETY: the job was scheduled, and whoever did so keeps it alive until it has run.
        let (id, run) = unsafe { (job.0.as_ref().id, job.0.as_ref().run) };
        // SAFETY: as above; it runs once.
        self.run(id, move || unsafe { run(job.0) });
    }

    /// Runs `job` now: returns when it has ended, or when it has parked. `job` does not unwind, and begins and ends
    /// inside, at depth 1; `id` is what it is known by.
    pub fn run<F: FnOnce()>(self, id: u64, job: F) {
        unsafe fn start<F: FnOnce()>(job: *mut ()) {
            // SAFETY: the caller's job, which it gives away: moved to this stack before it can be left.
            let job = unsafe { job.cast::<F>().read() };
            job();
        }
        let local = self.local;
        let mut job = std::mem::ManuallyDrop::new(job);
        let nests = &local.nests;
        nests.job.set(Some((start::<F>, (&raw mut job).cast())));
        let yielder = local.yielder.get();
        let current = local.worker.current.load(Ordering::Relaxed);
        let depth = inside::begin_nest();
        let place = nests.next();
        nests.depth.set(nests.depth.get() + 1);
        // Who calls one after the other is not stuck in any of them. First: whoever sees the callee at work sees that it
        // has just begun.
        local.worker.bump();
        local.worker.current.store(id, Ordering::Release);
        let exceptions = Kept::leave();
        // SAFETY: made by `nest`; whatever runs within it is deeper, and uses the places of its own depth.
        let Some(coroutine) = (unsafe { &mut *place.as_ptr() }) else { unreachable!("made before") };
        match coroutine.resume(()) {
            CoroutineResult::Yield(Switch::Done) => {}
            // SAFETY: as in the worker's `run`: the slot is bound to this thread, and lives while it is parked.
            CoroutineResult::Yield(Switch::Parked(slot)) => unsafe {
                *slot.as_ref().coroutine.get() = place.take();
                local.worker.count_parked(1);
            },
            CoroutineResult::Yield(Switch::Aside) | CoroutineResult::Return(()) => {
                unreachable!("only a loop steps aside, and it ends when there is no job")
            }
        }
        exceptions.come_back();
        nests.depth.set(nests.depth.get() - 1);
        local.yielder.set(yielder);
        local.worker.current.store(current, Ordering::Relaxed);
        inside::end_nest(depth);
    }
}

impl Local {
    /// Makes the stack for jobs of the next depth, which runs one after the other.
    #[cold]
    fn make_nest(&self) -> Option<()> {
        let stack = self.scheduler.stacks.take()?;
        let nest = Coroutine::with_stack(stack, |yielder: &Yielder<(), Switch>, ()| {
            loop {
                // SAFETY: a nest only ever runs on its worker's thread, within `run`.
                let local = unsafe { &*local() };
                let Some((start, job)) = local.nests.job.take() else { return };
                local.yielder.set(yielder);
                // SAFETY: whoever entered this stack for a job left it there, and waits.
                unsafe { start(job) };
                yielder.suspend(Switch::Done);
            }
        });
        self.nests.next().set(Some(nest));
        Some(())
    }

    /// Keeps one whose job went on without its caller, and has ended: at a depth that has none. Else its stack goes back.
    pub(super) fn keep_nest(&self, nest: WorkerCoroutine) {
        let mut nest = Some(nest);
        for place in &self.nests.stacks {
            let kept = place.take().or_else(|| nest.take());
            place.set(kept);
        }
        nest.into_iter().for_each(|nest| self.end_nest(nest));
    }

    /// Without a job it returns.
    fn end_nest(&self, mut nest: WorkerCoroutine) {
        self.nests.job.set(None);
        nest.resume(());
    }

    /// Between jobs.
    pub(super) fn end_nests(&self) {
        debug_assert_eq!(self.nests.depth.get(), 0);
        self.nests.stacks.iter().filter_map(Cell::take).for_each(|nest| self.end_nest(nest));
    }
}
