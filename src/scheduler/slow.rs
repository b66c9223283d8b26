//! Which jobs are slow: those that a worker was stuck in, until they have been brief often enough.
//!
//! A slow job is run by slow workers only, for its next [`PROBATION`] turns, of which each has to be brief: the watch thread
//! sees it in none of them for a whole tick. Then it is *on trial* among the others for [`TRIAL`] turns. Apart it handled
//! one message in each turn, and who always has more to do keeps an ordinary worker for so many that it is stuck again. So it
//! is marked anew as soon as one takes longer than [`BRIEF_NS`], and not after the next tick. (Four that always have 50 us to
//! do held their workers up for a tick and more ten times a second each: who waited beside them for a message had it after 17
//! to 34 ms in one of a hundred cases, and has it after 7 to 9: `bench-latency`.)
//!
//! Who may touch what: marks are the watch thread's, and of a job on trial also of who runs it, who counts its turns. When
//! two meet one may be lost; the watch thread's is made again at the next tick.

use super::worker;
use crate::sync::time::ns_of;
use crate::sync::{AtomicU32, Ordering};

/// Turns on slow workers. A turn there costs up to some tens of microseconds more, which is the waking of a thread.
const PROBATION: u32 = 1000;
/// Turns among the others after that, and how long one may take.
const TRIAL: u32 = 100;
const BRIEF_NS: u64 = 1_000_000;
/// One turn on trial is so much more than one apart.
const ON_TRIAL: u32 = 1 << 16;

/// Of one job: the turns that it has to be brief in, and in the upper half those on trial after that; 0: it is as any other.
#[derive(Default)]
pub struct Slow(AtomicU32);

impl Slow {
    pub const fn new() -> Slow {
        Slow(AtomicU32::new(0))
    }

    #[inline]
    pub fn is_slow(&self) -> bool {
        !self.0.load(Ordering::Relaxed).is_multiple_of(ON_TRIAL)
    }

    pub fn mark(&self) {
        self.0.store(PROBATION, Ordering::Relaxed);
    }

    /// A slow worker takes it up.
    pub fn begin_turn_apart(&self) {
        let left = match self.0.load(Ordering::Relaxed) {
            1 => TRIAL * ON_TRIAL,
            left => left.saturating_sub(1),
        };
        self.0.store(left, Ordering::Relaxed);
    }

    /// Who runs it takes it up. Some: it is on trial.
    #[inline]
    pub fn begin_turn(&self) -> Option<Trial> {
        let word = self.0.load(Ordering::Relaxed);
        if word < ON_TRIAL { None } else { Some(self.begin_trial(word)) }
    }

    #[cold]
    fn begin_trial(&self, word: u32) -> Trial {
        self.0.store(word - ON_TRIAL, Ordering::Relaxed);
        Trial { begun_ns: now_ns(), beat: worker::beat() }
    }
}

/// A turn on trial.
pub struct Trial {
    begun_ns: u64,
    beat: Option<u64>,
}

impl Trial {
    /// Whether it has kept its worker for long, since it was last others' turn there: as it waited, or called one.
    #[cold]
    pub fn takes_long(&mut self) -> bool {
        let (now, beat) = (now_ns(), worker::beat());
        if beat != self.beat {
            *self = Trial { begun_ns: now, beat };
        }
        now - self.begun_ns > BRIEF_NS
    }
}

fn now_ns() -> u64 {
    ns_of(libc::CLOCK_MONOTONIC)
}
