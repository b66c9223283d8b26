//! What a worker runs next, and how it sleeps when there is nothing.
//!
//! In this order: the job woken last, so that two processes that talk stay in its cache, but not for ever; its queue;
//! what is to begin here; what came from outside; what others have too much of. A worker that has run out looks around for a while, since
//! waking it costs as much as a job does, and then says that it sleeps.
//!
//! When a job may go before all these because its caller waits for it is told in `scheduler`, *handing over*.

use super::{FAIR, HandedOver, Local, Nest, Runnable, Worker};
use crate::sync::{Ordering, fence, retired};
use crossbeam::deque::Steal;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often in a row the job woken last may go first.
const SLOT_IN_A_ROW: u32 = 32;
/// A worker looks around this often before it sleeps, when another does so for longer.
const SPINS: u32 = 64;
/// A worker that was woken and had less than this to do was woken in vain: waking it costs as much.
const WORTH_WAKING: Duration = Duration::from_micros(30);
/// The most jobs that wait for their own worker before another is woken for them.
const MOST_WAITING: usize = 256;

impl Local {
    #[inline]
    pub(super) fn next_job(&self) -> Option<Runnable> {
        if self.slow {
            return self.next_slow();
        }
        let turn = self.turn.get().wrapping_add(1);
        self.turn.set(turn);
        if turn.is_multiple_of(FAIR)
            && let Some(job) = self.take_from_outside(turn)
        {
            return Some(job);
        }
        if self.in_a_row.get() < SLOT_IN_A_ROW
            && let Some(job) = self.take_slot()
        {
            self.in_a_row.set(self.in_a_row.get() + 1);
            return Some(job);
        }
        self.in_a_row.set(0);
        let own = self.queue.pop().or_else(|| self.take_slot()).or_else(|| self.take_assigned());
        own.or_else(|| self.take_injected()).or_else(|| self.steal())
    }

    /// What others gave it to run, and what they gave to all of them: each goes first every other time.
    fn take_from_outside(&self, turn: u32) -> Option<Runnable> {
        match turn.is_multiple_of(2 * FAIR) {
            true => self.take_assigned().or_else(|| self.take_injected()),
            false => self.take_injected().or_else(|| self.take_assigned()),
        }
    }

    fn take_assigned(&self) -> Option<Runnable> {
        if self.worker.assigned.is_empty() {
            return None;
        }
        // It was woken for one that is to stay, and not since others had too much to do: that teaches nothing.
        self.awake_since.set(None);
        self.worker.assigned.take()
    }

    #[cold]
    fn next_slow(&self) -> Option<Runnable> {
        if let Some(job) = self.scheduler.take_slow() {
            // SAFETY: who has taken it from a queue is the one who may run it.
            unsafe { job.0.as_ref() }.slow.begin_turn_apart();
            return Some(job);
        }
        // What it woke itself may find no other worker any more.
        let stopping = self.scheduler.stopping.load(Ordering::SeqCst);
        stopping.then(|| self.take_injected().or_else(|| self.queue.pop())).flatten()
    }

    #[inline]
    fn take_slot(&self) -> Option<Runnable> {
        self.worker.slot.take().map(Runnable)
    }

    /// Whether a job may go next that its caller hands this thread over to: `Ok` when it does.
    #[inline(always)]
    fn goes_next<'a>(&self, now: impl FnOnce() -> u64) -> Result<(), HandedOver<'a>> {
        let mut in_a_row = self.in_a_row.get();
        if in_a_row >= SLOT_IN_A_ROW {
            if !self.queue.is_empty() || !self.worker.assigned.is_empty() || !self.scheduler.injector.is_empty() {
                return Err(HandedOver::Not);
            }
            in_a_row = 0;
        }
        if self.has_resumed() && !self.goes_before_resumed(now()) {
            return Err(HandedOver::BehindResumed);
        }
        self.in_a_row.set(in_a_row + 1);
        Ok(())
    }

    /// See [`super::hand_over`]. What was woken before goes to the queue, as always.
    #[inline]
    pub(super) fn takes_over<'a>(&self, now: impl FnOnce() -> u64, nest: Nest<'a>) -> HandedOver<'a> {
        if let Err(not) = self.goes_next(now) {
            return not;
        }
        if let Some(before) = self.take_slot() {
            self.queue.push(before);
            self.share();
        }
        HandedOver::To(nest)
    }

    /// See [`super::hand_over_woken`].
    #[inline]
    pub(super) fn take_woken(&self, id: u64, now: impl FnOnce() -> u64) -> Option<Runnable> {
        // SAFETY: it was scheduled, and whoever did so keeps it alive until it has run.
        let job = self.worker.slot.take_if(|job| unsafe { job.as_ref() }.id == id)?;
        if self.goes_next(now).is_err() {
            self.worker.slot.put(job);
            return None;
        }
        Some(Runnable(job))
    }

    fn take_injected(&self) -> Option<Runnable> {
        loop {
            match self.scheduler.injector.steal_batch_and_pop(&self.queue) {
                Steal::Success(job) => {
                    // Whoever put the rest there woke nobody, since we were searching.
                    self.share();
                    return Some(job);
                }
                Steal::Empty => return None,
                Steal::Retry => {}
            }
        }
    }

    fn steal(&self) -> Option<Runnable> {
        for other in self.scheduler.others(self.worker.index) {
            while self.has_enough(other) {
                match other.stealer.steal_batch_and_pop(&self.queue) {
                    Steal::Success(job) => return Some(job),
                    Steal::Empty => break,
                    Steal::Retry => {}
                }
            }
            // What is the other's alone, as long as nobody is held up.
            if self.scheduler.is_held_up()
                && let Some(job) = other.slot.steal().map(Runnable).or_else(|| other.assigned.take())
            {
                return Some(job);
            }
        }
        None
    }

    /// Whether there is something that this worker could run, other than what it has itself.
    fn others_have_work(&self) -> bool {
        let scheduler = &*self.scheduler;
        if self.slow {
            return !scheduler.slow_jobs.is_empty();
        }
        let held_up = scheduler.is_held_up();
        let has = |other: &Arc<Worker>| self.has_enough(other) || (held_up && other.has_backlog());
        !scheduler.injector.is_empty() || scheduler.others(self.worker.index).any(has)
    }

    /// Looks around a little, then sleeps until woken.
    pub(super) fn sleep(&self) {
        let scheduler = &*self.scheduler;
        if let Some(since) = self.awake_since.take() {
            self.learn(since.elapsed());
        }
        // A slow worker looks for nothing that others wait for. Of the others one looks around for as long as it has
        // paid, the rest shortly.
        let searching = u32::from(!self.slow);
        let alone = scheduler.searching.fetch_add(searching, Ordering::SeqCst) == 0 && !self.slow;
        let mut looks = 0u32;
        let mut seen = || {
            looks += 1;
            let given = !self.slow && (!scheduler.injector.is_empty() || !self.worker.assigned.is_empty());
            self.has_resumed() || given || (looks % 8 == 1 && self.others_have_work())
        };
        let found = if alone {
            self.patience.look(seen)
        } else {
            (0..SPINS).any(|_| {
                std::hint::spin_loop();
                seen()
            })
        };
        scheduler.searching.fetch_sub(searching, Ordering::SeqCst);
        if found {
            // Not woken, but taken up as if: was it worth it?
            self.awake_since.set(Some(Instant::now()));
            return;
        }
        // Before the bit: what is freed here may run a user's drop, and that is work.
        retired::collect();
        let bit = 1u64 << self.worker.index;
        self.worker.sleeps.fetch_add(1, Ordering::SeqCst);
        scheduler.idle.fetch_or(bit, Ordering::SeqCst);
        // Partner: the fence in `wake_one`: either it sees the bit, or we see the job.
        fence(Ordering::SeqCst);
        let given = !self.worker.assigned.is_empty();
        if given || self.has_resumed() || self.others_have_work() || scheduler.stopping.load(Ordering::SeqCst) {
            if scheduler.idle.fetch_and(!bit, Ordering::SeqCst) & bit == 0 {
                // Somebody woke us meanwhile; the token is, or will be, there. Taking it late is harmless.
                self.worker.parker.take();
            }
            return;
        }
        while scheduler.idle.load(Ordering::SeqCst) & bit != 0 {
            self.worker.parker.park(None);
        }
        if scheduler.trimming.load(Ordering::SeqCst) & bit != 0 {
            scheduler.trimming.fetch_and(!bit, Ordering::SeqCst);
            // Nobody had work for it.
            return self.trim();
        }
        scheduler.watch.busy();
        self.awake_since.set(Some(Instant::now()));
    }

    /// Whether another worker has so much to do that one would be woken for it. Less is left to it: taking small jobs
    /// away as they come costs more than they do. At the next tick that finds some waiting, one is enough.
    fn has_enough(&self, other: &Worker) -> bool {
        let waiting = other.stealer.len();
        waiting > 0 && (self.scheduler.is_held_up() || waiting >= self.scheduler.share_at.load(Ordering::Relaxed))
    }

    /// Wakes another worker for what waits here, if there is enough of it.
    #[inline]
    pub(super) fn share(&self) {
        let scheduler = &*self.scheduler;
        if scheduler.idle.load(Ordering::Relaxed) != 0 && self.queue.len() >= scheduler.share_at.load(Ordering::Relaxed)
        {
            scheduler.wake_one();
        }
    }

    /// About to sleep, having been awake for `busy`: learns whether it was worth waking for.
    fn learn(&self, busy: Duration) {
        let share_at = &self.scheduler.share_at;
        let now = share_at.load(Ordering::Relaxed);
        let next = if busy < WORTH_WAKING { (now * 2).min(MOST_WAITING) } else { (now / 2).max(1) };
        share_at.store(next, Ordering::Relaxed);
    }
}
