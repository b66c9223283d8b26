//! Which jobs are slow: those that a worker was stuck in, until they have been brief often enough.
//!
//! A slow job is run by slow workers only, for its next [`PROBATION`] turns, of which each has to be brief: the watch
//! thread sees it in none of them for a whole tick. Then it is *on trial* among the others for [`TRIAL`] turns. Apart
//! it handled one message in each turn, and who always has more to do keeps an ordinary worker for so many that it is
//! stuck again. So it is marked anew as soon as one takes longer than [`BRIEF_NS`], and not after the next tick. (Four
//! that always have 50 us to do held their workers up for a tick and more ten times a second each: who waited beside
//! them for a message had it after 7 to 37 ms in one of a hundred cases, from run to run, and has it after 7 to 9:
//! `bench-latency`.)
//!
//! Who may touch what: marks are the watch thread's, and of a job on trial also of who runs it, who counts its turns.
//! When two meet one may be lost; the watch thread's is made again at the next tick.

use super::worker;
use crate::sync::time::ns_of;
use crate::sync::{AtomicU32, Ordering};
use std::cell::Cell;

/// Turns on slow workers. A turn there costs up to some tens of microseconds more, which is the waking of a thread.
const PROBATION: u32 = 1000;
/// Turns among the others after that, and how long one may take.
const TRIAL: u8 = 100;
const BRIEF_NS: u64 = 1_000_000;

/// Of one job: the turns that it has to be brief in; 0: it is not slow.
pub struct Slow(AtomicU32);

impl Slow {
    pub const fn new() -> Slow {
        Slow(AtomicU32::new(0))
    }

    #[inline]
    pub fn is_slow(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    pub fn mark(&self) {
        self.0.store(PROBATION, Ordering::Relaxed);
    }

    /// A slow worker takes it up.
    pub fn begin_turn_apart(&self) {
        let left = self.0.load(Ordering::Relaxed);
        self.0.store(left.saturating_sub(1), Ordering::Relaxed);
    }
}

/// The turns that a job is on trial for. It is of who runs the job, and lies with what that one writes anyway: one more
/// line for each turn took 2 ns of it.
#[derive(Default)]
pub struct OnTrial(Cell<u8>);

impl OnTrial {
    /// A turn begins: whether it is one on trial.
    #[inline]
    pub fn begin_turn(&self) -> bool {
        if worker::runs_apart() {
            self.0.set(TRIAL);
            return false;
        }
        self.0.get() > 0 && {
            self.begin_trial();
            true
        }
    }

    #[cold]
    fn begin_trial(&self) {
        self.0.set(self.0.get() - 1);
        worker::with_local(|local| local.trial.begin(local.beat()));
    }

    /// Of a turn on trial, after each message: whether it has kept its worker for long.
    #[cold]
    pub fn takes_long(&self) -> bool {
        worker::with_local(|local| local.trial.takes_long(local.beat())) == Some(true)
    }
}

/// The turn on trial that a worker runs.
#[derive(Default)]
pub(super) struct Trial {
    begun_ns: Cell<u64>,
    /// The worker's then: it changes whenever another job runs there.
    beat: Cell<u64>,
}

impl Trial {
    fn begin(&self, beat: u64) {
        self.begun_ns.set(ns_of(libc::CLOCK_MONOTONIC));
        self.beat.set(beat);
    }

    /// Whether it takes long, since it was last others' turn there: as it waited, or called one.
    fn takes_long(&self, beat: u64) -> bool {
        if self.beat.get() != beat {
            self.begin(beat);
            return false;
        }
        ns_of(libc::CLOCK_MONOTONIC) - self.begun_ns.get() > BRIEF_NS
    }
}
