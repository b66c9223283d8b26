//! Numbers that many threads add to and somebody reads now and then.
//!
//! Each thread adds to numbers of its own ([`super::inside::tally`]): a load and a store on a cache line that it has
//! anyway. They are for one runtime at a time; a thread that turns to another adds them to the totals first, under a
//! lock. Whoever reads them adds everything up; the sum is exact once all is at rest.

use super::{AtomicU32, AtomicU64, Mutex, Ordering};
use std::collections::BTreeMap;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Sent,
    Handled,
    Returned,
    Undelivered,
}

/// One number for each of [`What`].
pub type Numbers = [u64; 4];

/// A thread's own.
pub struct Tally {
    of: AtomicU32,
    numbers: [AtomicU64; 4],
}

static TOTALS: Mutex<BTreeMap<u32, Numbers>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicU32 = AtomicU32::new(1);

impl Tally {
    pub(super) const fn new() -> Tally {
        Tally { of: AtomicU32::new(0), numbers: [const { AtomicU64::new(0) }; 4] }
    }

    /// Adds; for the thread that it belongs to.
    #[inline]
    pub(super) fn add(&self, of: u32, what: What, by: i64) {
        if !self.try_add(of, what, by) {
            self.turn_to(of);
            self.try_add(of, what, by);
        }
    }

    /// As [`Tally::add`]; false when the numbers are of another runtime, and are left as they are.
    #[inline(always)]
    pub(super) fn try_add(&self, of: u32, what: What, by: i64) -> bool {
        let is_of = self.of.load(Ordering::Relaxed) == of;
        if is_of {
            let number = &self.numbers[what as usize];
            number.store(number.load(Ordering::Relaxed).wrapping_add_signed(by), Ordering::Relaxed);
        }
        is_of
    }

    #[cold]
    fn turn_to(&self, of: u32) {
        let mut totals = TOTALS.lock();
        let old = totals.get_mut(&self.of.load(Ordering::Relaxed));
        let mut spare = Numbers::default();
        let total = old.unwrap_or(&mut spare);
        for (total, number) in total.iter_mut().zip(&self.numbers) {
            *total = total.wrapping_add(number.load(Ordering::Relaxed));
            number.store(0, Ordering::Relaxed);
        }
        self.of.store(of, Ordering::Relaxed);
    }

    fn add_to(&self, of: u32, sum: &mut Numbers) {
        if self.of.load(Ordering::Relaxed) == of {
            for (sum, number) in sum.iter_mut().zip(&self.numbers) {
                *sum = sum.wrapping_add(number.load(Ordering::Relaxed));
            }
        }
    }
}

/// A number for a new runtime, which nothing was counted for; given back with [`close`].
pub fn open() -> u32 {
    let of = NEXT.fetch_add(1, Ordering::Relaxed);
    TOTALS.lock().insert(of, Numbers::default());
    of
}

/// Forgets what was counted.
pub fn close(of: u32) {
    TOTALS.lock().remove(&of);
}

/// What was counted for `of` until now.
pub fn read(of: u32) -> Numbers {
    // Under the lock no thread moves its numbers from one place to the other.
    let totals = TOTALS.lock();
    let mut sum = totals.get(&of).copied().unwrap_or_default();
    super::inside::for_each_tally(|tally| tally.add_to(of, &mut sum));
    sum
}

#[cfg(test)]
mod tests {
    use super::super::inside::tally;
    use super::*;

    #[test]
    fn nothing_is_lost_when_threads_turn_to_another_runtime_and_end() {
        let (one, other) = (open(), open());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..1000 {
                        tally(one, What::Sent, 1);
                        tally(if n % 2 == 0 { one } else { other }, What::Handled, 1);
                        tally(other, What::Handled, -1);
                    }
                });
            }
        });
        assert_eq!(read(one), [4000, 2000, 0, 0]);
        assert_eq!(read(other), [0, 0u64.wrapping_sub(2000), 0, 0]);
        close(one);
        close(other);
    }
}
