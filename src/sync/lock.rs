//! A lock that is given back without a locked instruction, since that was half of what most locks here cost.
//!
//! Two bytes: `held` is taken by compare-and-swap and given back by a plain store; `awaited` says that somebody sleeps.
//!
//! 1. *take*: `held` from 0 to 1;
//! 2. *give back*: `held` is 0; then, behind a light fence, a look at `awaited`: who finds it set wakes one;
//! 3. *sleep*, after some looking around: among the sleepers, says that it is `awaited`, makes a heavy fence, and looks at
//!    `held` once more. After the fence that is free already, or whoever gives it back finds `awaited` set. The heavy fence
//!    is 10 us and more, but a sleep is as long;
//! 4. *wake*: among the sleepers, who say whether more sleep, which `awaited` says from then on. Who was woken tries
//!    anew; now and then it is handed the lock, if that is free still, so that as a rule nobody waits for long beside
//!    those who come and go.
//!
//! Where the kernel has no heavy fence (`fences`, strict) a sleep ends by itself after a millisecond, so that it does not
//! matter whether the fences of those who were on their way when that came out were any.
//!
//! **The last who looks.** The look in 2 comes after others may have taken the lock: what a lock lies in must not be freed
//! before the guard is gone, as Rust asks for anyway; what is reached by a bare pointer goes only when all who are inside
//! have left (`inside`).
//!
//! Where threads sleep is `sleepers`, the guard `lock_api`'s. Model: `tests/loom_lock.rs`.

use super::fences::{heavy_fence, light_fence};
use super::sleepers::{Look, Sleepers, Slept};
use super::{AtomicU8, Ordering};

pub struct RawLock {
    held: AtomicU8,
    awaited: AtomicU8,
    sleepers: Sleepers,
}

impl RawLock {
    #[cfg(not(loom))]
    pub const fn new() -> RawLock {
        RawLock { held: AtomicU8::new(0), awaited: AtomicU8::new(0), sleepers: Sleepers::new() }
    }

    #[cfg(loom)]
    pub fn new() -> RawLock {
        RawLock { held: AtomicU8::new(0), awaited: AtomicU8::new(0), sleepers: Sleepers::new() }
    }

    #[inline(always)]
    pub fn take(&self) {
        if !self.try_take() {
            self.take_in_time();
        }
    }

    #[inline(always)]
    pub fn try_take(&self) -> bool {
        // Acquire, partner: the store in `give_back`.
        self.held.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// For the one who has it.
    #[inline(always)]
    pub fn give_back(&self) {
        // Release, partner: the step in `try_take`: what was done under the lock is seen under it.
        self.held.store(0, Ordering::Release);
        // Partner: the heavy fence in `say_awaited`.
        light_fence();
        if self.awaited.load(Ordering::Relaxed) != NOBODY {
            self.wake_one();
        }
    }

    #[cold]
    fn take_in_time(&self) {
        let mut look = Look::new();
        loop {
            if self.held.load(Ordering::Relaxed) == 0 && self.try_take() {
                return;
            }
            // Where others sleep already nobody looks around: that would be before them.
            if self.awaited.load(Ordering::Relaxed) == NOBODY && look.around() {
                continue;
            }
            match self.sleep() {
                Slept::AndHasIt => return,
                Slept::AndTries => look = Look::new(),
            }
        }
    }

    fn sleep(&self) -> Slept {
        let is_needed = |is_limited| say_awaited(&self.awaited, is_limited, || self.held.load(Ordering::Relaxed) != 0);
        self.sleepers.sleep(&self.held, is_needed, || self.awaited.store(NOBODY, Ordering::Relaxed))
    }

    #[cold]
    fn wake_one(&self) {
        self.sleepers.wake_one(&self.held, |has_found, has_more, is_its_turn| {
            if !has_more {
                self.awaited.store(NOBODY, Ordering::Relaxed);
            }
            has_found && is_its_turn && self.try_take()
        });
    }
}

/// Nobody sleeps.
pub(super) const NOBODY: u8 = 0;
/// Somebody sleeps, or is about to.
const SAID: u8 = 1;
/// Since that was said a heavy fence has been made.
const FENCED: u8 = 2;

/// Step *sleep*, among the sleepers: whether to sleep for a lock, which `is_held` looks at. What others have said, and made
/// a fence for, holds as long as it stands there: so of many who sleep for one lock one makes the fence. What is said in
/// vain is taken back, or the next who want the lock would take it for somebody who sleeps.
pub(super) fn say_awaited(awaited: &AtomicU8, is_limited: bool, is_held: impl FnOnce() -> bool) -> bool {
    let before = awaited.load(Ordering::Relaxed);
    let mut is_safe = before == FENCED;
    if !is_safe {
        awaited.store(SAID, Ordering::Relaxed);
        if cfg!(any(broken_lock, broken_shared_lock)) || heavy_fence() {
            awaited.store(FENCED, Ordering::Relaxed);
            is_safe = true;
        }
    }
    let is_needed = (is_safe || is_limited) && is_held();
    if !is_needed {
        awaited.store(before, Ordering::Relaxed);
    }
    is_needed
}

impl Default for RawLock {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: one at a time has `held` at 1 by its own step, or was handed it by the one who made that step; and gives it back.
#[cfg(not(loom))]
unsafe impl lock_api::RawMutex for RawLock {
    #[allow(clippy::declare_interior_mutable_const)]
    const INIT: RawLock = RawLock::new();

    type GuardMarker = lock_api::GuardNoSend;

    #[inline(always)]
    fn lock(&self) {
        self.take();
    }

    #[inline(always)]
    fn try_lock(&self) -> bool {
        self.try_take()
    }

    #[inline(always)]
    unsafe fn unlock(&self) {
        self.give_back();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::fences::tests::refuse;
    use crate::sync::{AtomicU32, Mutex};
    use std::thread;

    fn sleeps(lock: &RawLock) -> bool {
        lock.awaited.load(Ordering::Relaxed) != NOBODY
    }

    #[test]
    fn one_at_a_time_has_it() {
        let count = Mutex::new(0u32);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50_000 {
                        let mut count = count.lock();
                        let before = *count;
                        std::hint::spin_loop();
                        *count = before + 1;
                    }
                });
            }
        });
        assert_eq!(*count.lock(), 200_000);
    }

    /// Who sleeps is woken, each of them: a lock that is given back once wakes the first, who wakes the next.
    #[test]
    fn all_who_sleep_are_woken() {
        for _ in 0..100 {
            let (lock, through) = (RawLock::new(), AtomicU32::new(0));
            lock.take();
            thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        lock.take();
                        through.fetch_add(1, Ordering::Relaxed);
                        lock.give_back();
                    });
                }
                while !sleeps(&lock) {
                    thread::yield_now();
                }
                assert_eq!(through.load(Ordering::Relaxed), 0, "it has not been given back");
                lock.give_back();
            });
            assert_eq!(through.load(Ordering::Relaxed), 3);
            assert!(!sleeps(&lock) && lock.try_take());
        }
    }

    #[test]
    fn where_the_kernel_refuses_nobody_sleeps_for_ever() {
        let lock = RawLock::new();
        let is_woken = |meanwhile: &dyn Fn()| {
            lock.take();
            thread::scope(|scope| {
                scope.spawn(|| {
                    lock.take();
                    lock.give_back();
                });
                while !sleeps(&lock) {
                    thread::yield_now();
                }
                meanwhile();
                // As from one who was on its way when the kernel began to refuse: nobody is told.
                lock.held.store(0, Ordering::Release);
            });
        };
        let refused = refuse();
        is_woken(&|| {});
        is_woken(&|| refused.end_doubt());
        is_woken(&|| {});
    }
}
