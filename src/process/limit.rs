//! What is left of the limit of a call, or of an await, when its caller begins to wait.
//!
//! A callback that runs on its caller's thread, or a task on its owner's, may take its time before it waits itself, and
//! only then does the caller wait for it: by then a part of the limit is over. Most never come to that, so the begin is
//! read off a clock that costs a few nanoseconds. It goes on once in a tick of the kernel's, some milliseconds, and the
//! wait ends that much late. It ends early only by as much as the tick itself came late when it began: where the
//! processor that has the tick was taken from the machine, which nobody can tell without a clock that costs more.

use super::node::Node;
use crate::sync::time;

pub(super) struct Limit {
    pub ms: Option<u32>,
    /// By the coarse clock; of a limit that is one.
    began: u64,
}

impl Limit {
    /// It begins now. None: there is none.
    #[inline]
    pub fn new(ms: Option<u32>) -> Limit {
        Limit { ms, began: if ms.is_some() { coarse_ns() } else { 0 } }
    }

    /// In milliseconds. While a callback runs a manual clock stands still.
    #[cold]
    pub fn left(&self, node: &Node) -> Option<u32> {
        let ms = self.ms?;
        if node.clock.is_manual() {
            return Some(ms);
        }
        Some(ms.saturating_sub(u32::try_from(passed(self.began, coarse_ns()) / 1_000_000).unwrap_or(u32::MAX)))
    }
}

/// Never too much while ticks are on time: the clock may have been behind when it was read first.
fn passed(began: u64, now: u64) -> u64 {
    now.saturating_sub(began).saturating_sub(coarse_step_ns())
}

/// Of a clock that costs a few nanoseconds.
#[inline]
pub(super) fn coarse_ns() -> u64 {
    time::ns_of(libc::CLOCK_MONOTONIC_COARSE)
}

/// By how much that clock goes on at once.
fn coarse_step_ns() -> u64 {
    time::step_ns_of(libc::CLOCK_MONOTONIC_COARSE)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn precise_ns() -> u64 {
        time::ns_of(libc::CLOCK_MONOTONIC)
    }

    /// What the clock says, between two readings of one that is never behind.
    fn read() -> (u64, u64, u64) {
        let before = precise_ns();
        let coarse = coarse_ns();
        (before, coarse, precise_ns())
    }

    #[test]
    fn what_a_callback_took_is_over_and_no_more_than_that_but_for_a_late_tick() {
        let step = coarse_step_ns();
        // Not so many steps, so that the two readings are anywhere between two ticks.
        for _ in 0..10 {
            let (before, began, after) = read();
            while precise_ns() < after + 3 * step / 2 {}
            let (from, now, to) = read();
            let passed = passed(began, now);
            let late = (after - began).saturating_sub(step);
            assert!(passed <= to - before + late, "{passed} of {} at most, {late} late", to - before);
            assert!(passed + step + (to - now) >= from - after, "{passed} of {} at least", from - after);
        }
    }
}
