//! The watch thread: timers of the real clock, and workers that are stuck.
//!
//! It sleeps until the next timer, and for no longer than one tick while some worker was busy lately. A worker whose
//! beat did not change over a whole tick, and which is not asleep, is stuck; if jobs wait then, one more worker is
//! let run: a spare one that sleeps, or a new one up to the cap.

use super::{MAX_WORKERS, Scheduler, Tick, Ticked};
use crate::sync::parker::Parker;
use crate::sync::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a worker may be in one callback before others get relief (DESIGN.md, decision 5).
const TICK: Duration = Duration::from_millis(10);
/// Ticks without a busy worker after which only timers are waited for.
const LINGER: u32 = 100;

pub(super) struct Watch {
    parker: Parker,
    /// The time, on the clock of the timers, until which the thread sleeps; an alarm before it wakes the thread. Calls
    /// with a limit of seconds come and go while the thread ticks, and must not cost a futex each.
    until: AtomicU64,
    /// True while the thread does not tick.
    deep: AtomicBool,
}

impl Watch {
    pub(super) fn new() -> Self {
        Watch { parker: Parker::new(), until: AtomicU64::new(0), deep: AtomicBool::new(false) }
    }

    #[inline]
    pub(super) fn alarm(&self, due: u64) {
        if due < self.until.load(Ordering::SeqCst) {
            self.parker.unpark();
        }
    }

    pub(super) fn wake(&self) {
        self.parker.unpark();
    }

    /// A worker woke up: tick again.
    pub(super) fn busy(&self) {
        if self.deep.load(Ordering::Relaxed) && self.deep.swap(false, Ordering::SeqCst) {
            self.parker.unpark();
        }
    }
}

pub(super) fn run(scheduler: &std::sync::Arc<Scheduler>, tick: Tick) {
    let watch = &scheduler.watch;
    let mut beats = [0u64; MAX_WORKERS];
    let (mut calm, mut exhausted) = (0, false);
    let mut looked = Instant::now();
    while !scheduler.stopping.load(Ordering::SeqCst) {
        // From here to the sleep every alarm wakes us: `until` is the end of time, so none is missed between the
        // look at the timers and the park.
        watch.until.store(u64::MAX, Ordering::SeqCst);
        let Ticked { now, next } = tick();
        // An alarm may come at any time: only a whole tick tells a worker that is stuck from one that is at work.
        if looked.elapsed() >= TICK {
            calm = if look(scheduler, &mut beats, &mut exhausted) { 0 } else { calm + 1 };
            looked = Instant::now();
        }
        let deep = calm > LINGER;
        watch.deep.store(deep, Ordering::SeqCst);
        let limit = match (next, deep) {
            (None, true) => None,
            (None, false) => Some(TICK),
            (Some(ns), true) => Some(Duration::from_nanos(ns)),
            (Some(ns), false) => Some(TICK.min(Duration::from_nanos(ns))),
        };
        if let Some(limit) = limit {
            // An alarm that looked before this store has left its token; one that looks after it is as it says.
            watch.until.store(now.saturating_add(limit.as_nanos() as u64), Ordering::SeqCst);
        }
        if limit != Some(Duration::ZERO) {
            watch.parker.park(limit);
        }
    }
}

/// Counts stuck workers and sees to relief; whether any worker is awake.
fn look(scheduler: &std::sync::Arc<Scheduler>, beats: &mut [u64; MAX_WORKERS], exhausted: &mut bool) -> bool {
    let live = scheduler.live();
    let idle = scheduler.idle.load(Ordering::SeqCst);
    let mut awake = 0;
    let mut stuck = 0;
    let mut backlog = !scheduler.injector.is_empty();
    for (index, beat) in beats.iter_mut().enumerate().take(live) {
        let Some(worker) = scheduler.worker(index) else { continue };
        backlog |= worker.has_backlog();
        let now = worker.beat.load(Ordering::Relaxed);
        if idle >> index & 1 == 0 {
            awake += 1;
            stuck += u32::from(*beat == now);
        }
        *beat = now;
    }
    scheduler.stuck.store(stuck, Ordering::SeqCst);
    if backlog && idle != 0 {
        scheduler.share_at.store(1, Ordering::Relaxed);
        scheduler.wake_one();
    }
    if stuck > 0 && backlog && awake < scheduler.wanted + stuck as usize {
        if idle != 0 {
            scheduler.wake_one();
        } else {
            // No thread to be had: a stuck callback has to end first.
            let refused = !matches!(scheduler.add_worker(), Ok(true));
            if refused && !*exhausted {
                scheduler.exhausted.store(true, Ordering::Relaxed);
            }
            *exhausted |= refused;
        }
    }
    *exhausted &= stuck > 0;
    awake > 0
}
