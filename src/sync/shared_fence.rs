//! A heavy fence that is one for everybody: who can wait goes by one that somebody else makes.
//!
//! **Protocol.** Who makes a fence counts it as begun, which gives it a number, makes it, and says that the one of that
//! number is over; older ones may still be under way. Who has stored something that all are to see reads how many have
//! *begun*, behind a fence of its own; once one that began later is *over*, everybody sees what was stored, and what
//! everybody stored before that fence is seen here, as if the fence had been made here.
//!
//! The fence of one's own is for the others' half, which may be no fence at all but a turn that the kernel gives to each
//! thread while the heavy one is made (`fences`): a reader might have its turn, come in, and find what is gone, before the
//! one who took it away has its turn and lets the others see that. Model: `tests/loom_fences.rs`.

use super::{AtomicU64, Ordering, fence};
use crossbeam::utils::CachePadded;

/// On lines of its own, since fences are seldom and what lies beside it may be read by all.
pub struct SharedFence {
    begun: CachePadded<AtomicU64>,
    /// The newest that is over.
    over: CachePadded<AtomicU64>,
}

impl SharedFence {
    #[cfg(not(loom))]
    pub const fn new() -> SharedFence {
        SharedFence { begun: CachePadded::new(AtomicU64::new(0)), over: CachePadded::new(AtomicU64::new(0)) }
    }

    #[cfg(loom)]
    pub fn new() -> SharedFence {
        SharedFence { begun: CachePadded::new(AtomicU64::new(0)), over: CachePadded::new(AtomicU64::new(0)) }
    }

    /// Makes one, by `heavy`; false: it was none.
    pub fn make(&self, heavy: impl FnOnce() -> bool) -> bool {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        fence(Ordering::SeqCst);
        let made = heavy();
        if made {
            // Release, partner: `is_over`.
            self.over.fetch_max(number, Ordering::Release);
        }
        made
    }

    /// How many have begun: what the caller stored before is seen by all before the next one begins.
    pub fn begun(&self) -> u64 {
        if !cfg!(broken_fences) {
            fence(Ordering::SeqCst);
        }
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether one that began after so many is over.
    pub fn is_over(&self, begun: u64) -> bool {
        // Acquire, partner: the end of `make`: what that has made visible is seen from here on.
        self.over.load(Ordering::Acquire) > begun
    }
}

impl Default for SharedFence {
    fn default() -> Self {
        Self::new()
    }
}
