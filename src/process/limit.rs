//! What is left of a call's limit when its caller begins to wait.
//!
//! A callback that runs on its caller's thread may take its time before it waits itself, and only then does the caller
//! wait for it: by then a part of the limit is over. Most such calls never come to that, so the begin is read off a
//! clock that costs a few nanoseconds and is behind by up to some milliseconds; a call ends that much late at most, and
//! never early.

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
        Some(ms.saturating_sub(u32::try_from(passed_since(self.began) / 1_000_000).unwrap_or(u32::MAX)))
    }
}

/// Never too much: the clock may have been behind when it was read first.
fn passed_since(began: u64) -> u64 {
    coarse_ns().saturating_sub(began).saturating_sub(coarse_step_ns())
}

/// Of a clock that costs a few nanoseconds.
#[inline]
pub(super) fn coarse_ns() -> u64 {
    time::ns_of(libc::CLOCK_MONOTONIC_COARSE)
}

/// By how much that clock may be behind.
fn coarse_step_ns() -> u64 {
    time::step_ns_of(libc::CLOCK_MONOTONIC_COARSE)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn what_a_callback_took_is_over_and_never_more_than_that() {
        let begun = coarse_ns();
        let before = Instant::now();
        while before.elapsed() < Duration::from_millis(50) {}
        let passed = passed_since(begun);
        assert!(passed <= before.elapsed().as_nanos() as u64);
        assert!(passed + 2 * coarse_step_ns() >= 50_000_000);
    }
}
