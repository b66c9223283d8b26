//! Trying something ever more seldom, as long as it is in vain.
//!
//! For what costs something and helps only at times: each thread learns for itself, by two numbers. Once it has helped,
//! it is tried each time again.

use std::cell::Cell;

/// The most occasions that pass before another try.
const MOST: u32 = 255;

/// What a thread has learnt of its tries.
#[derive(Default)]
pub struct Seldom {
    /// How many occasions pass after the last try, and how many of them are left.
    passes: Cell<u32>,
    left: Cell<u32>,
}

impl Seldom {
    pub const fn new() -> Seldom {
        Seldom { passes: Cell::new(0), left: Cell::new(0) }
    }

    /// Whether this is an occasion to try it; one that is not has passed.
    #[inline]
    pub fn is_time(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left == 0
    }

    /// What came of a try.
    #[inline]
    pub fn learn(&self, was_worth_it: bool) {
        let passes = if was_worth_it { 0 } else { (2 * self.passes.get() + 1).min(MOST) };
        self.passes.set(passes);
        self.left.set(passes);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn tries(seldom: &Seldom, occasions: u32, is_worth_it: bool) -> u32 {
        let mut tries = 0;
        for _ in 0..occasions {
            if seldom.is_time() {
                tries += 1;
                seldom.learn(is_worth_it);
            }
        }
        tries
    }

    #[test]
    fn in_vain_it_is_tried_ever_more_seldom_and_again_once_it_helps() {
        let seldom = Seldom::new();
        assert_eq!(tries(&seldom, 100, true), 100);
        // 1 + 2 + 4 + ... + 128 occasions for eight tries, and 256 for each after those.
        assert_eq!(tries(&seldom, 255, false), 8);
        assert_eq!(tries(&seldom, 256 * 10, false), 10);
        assert_eq!(tries(&seldom, 255, false), 0);
        assert!(seldom.is_time());
        seldom.learn(true);
        assert_eq!(tries(&seldom, 100, true), 100);
    }
}
