//! Looking around a little before going to sleep, where that pays.
//!
//! A sleep and a wake through the system cost some 40 µs where the processor went idle; what is waited for is often
//! there after one. So who is about to sleep looks for it first, at most [`MOST`] pauses. Each place where something
//! sleeps learns for itself:
//!
//! * it came meanwhile: next time twice as long;
//! * it did not: half as long, and in the end not at all, but for a try after more and more sleeps. So a program that
//!   has gone quiet costs nothing;
//! * it came while the processor was offered to others, so whoever brings it is on this very one: next time that is
//!   offered to them at once. Two threads that the system has put side by side took 4 µs each, to the first offer;
//! * somebody else wants the processor, which a `sched_yield` that took its time shows: not at all from now on, as
//!   above. On a machine with one processor nobody ever looks.
//!
//! Who may touch what: the one that sleeps there, one thread at a time. The numbers are atomic because they lie in what
//! is shared, and a race would cost a guess.

use super::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Pauses, of some 50 ns each.
const MOST: u32 = 2_000;
/// Fewer are not worth it; also what a try takes.
const LEAST: u32 = 200;
/// Pauses between two offers of the processor to others.
const BETWEEN_OFFERS: u32 = 100;
/// An offer that took longer was taken.
const TAKEN: Duration = Duration::from_micros(10);
/// The most sleeps before another try.
const LONGEST_REST: u32 = 1_024;

/// What one sleeper has learnt.
pub struct Patience {
    /// How long to look next time; 0: not at all, for `rest` sleeps.
    pauses: AtomicU32,
    rest: AtomicU32,
    /// How many sleeps `rest` was set to last.
    rested: AtomicU32,
    /// What it waited for came last time while it offered the processor to others.
    shares: AtomicBool,
}

impl Default for Patience {
    fn default() -> Self {
        Self::new()
    }
}

impl Patience {
    pub fn new() -> Patience {
        Patience {
            pauses: AtomicU32::new(MOST),
            rest: AtomicU32::new(0),
            rested: AtomicU32::new(0),
            shares: AtomicBool::new(false),
        }
    }

    /// Looks until `seen`, for as long as it is worth; whether it was.
    pub fn look(&self, mut seen: impl FnMut() -> bool) -> bool {
        if seen() {
            return true;
        }
        let pauses = match self.pauses.load(Ordering::Relaxed) {
            0 => {
                let rest = self.rest.load(Ordering::Relaxed);
                if rest > 0 {
                    self.rest.store(rest - 1, Ordering::Relaxed);
                    return false;
                }
                LEAST
            }
            pauses => pauses,
        };
        if !several_processors() {
            return false;
        }
        let mut next_offer = if self.shares.load(Ordering::Relaxed) { 1 } else { BETWEEN_OFFERS };
        for pause in 1..=pauses {
            std::hint::spin_loop();
            let mut came = seen();
            let offers = !came && pause == next_offer;
            if offers {
                next_offer += BETWEEN_OFFERS;
                let before = Instant::now();
                std::thread::yield_now();
                came = seen();
                if before.elapsed() > TAKEN {
                    self.give_up();
                    return came;
                }
            }
            if came {
                self.shares.store(offers, Ordering::Relaxed);
                self.pauses.store((2 * pauses).min(MOST), Ordering::Relaxed);
                self.rested.store(0, Ordering::Relaxed);
                return true;
            }
        }
        if pauses / 2 >= LEAST {
            self.pauses.store(pauses / 2, Ordering::Relaxed)
        } else {
            self.give_up()
        }
        false
    }

    fn give_up(&self) {
        let rest = (2 * self.rested.load(Ordering::Relaxed)).clamp(16, LONGEST_REST);
        self.rested.store(rest, Ordering::Relaxed);
        self.rest.store(rest, Ordering::Relaxed);
        self.pauses.store(0, Ordering::Relaxed);
    }
}

/// Whether whoever is waited for can run while we look. A model has no time to lose.
fn several_processors() -> bool {
    static SEVERAL: once_cell::sync::OnceCell<bool> = once_cell::sync::OnceCell::new();
    !cfg!(loom) && *SEVERAL.get_or_init(|| std::thread::available_parallelism().is_ok_and(|count| count.get() > 1))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn looking_in_vain_ends_and_is_tried_again_ever_more_seldom() {
        let patience = Patience::new();
        let mut looks = 0;
        let mut sleeps_looked_in = 0;
        for _ in 0..10_000 {
            let before = looks;
            assert!(!patience.look(|| {
                looks += 1;
                false
            }));
            sleeps_looked_in += u32::from(looks - before > 1);
        }
        assert!(sleeps_looked_in < 30, "{sleeps_looked_in}");
    }

    #[test]
    fn what_is_there_is_seen_whatever_was_learnt() {
        let patience = Patience::new();
        for n in 0..1_000 {
            assert_eq!(patience.look(|| n % 2 == 0), n % 2 == 0);
        }
    }
}
