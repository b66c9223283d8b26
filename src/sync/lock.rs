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
//! Where threads sleep is `parking_lot_core`'s, the guard `lock_api`'s. Model: `tests/loom_lock.rs`.

use super::fences::{heavy_fence, light_fence};
use super::{AtomicU8, Ordering};
use sleepers::{Sleepers, Slept};

pub struct RawLock {
    held: AtomicU8,
    awaited: AtomicU8,
    sleepers: Sleepers,
}

impl RawLock {
    #[cfg(not(loom))]
    pub const fn new() -> RawLock {
        RawLock { held: AtomicU8::new(0), awaited: AtomicU8::new(0), sleepers: Sleepers }
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
        // Partner: the heavy fence in `sleep`.
        light_fence();
        if self.awaited.load(Ordering::Relaxed) != 0 {
            self.wake_one();
        }
    }

    #[cold]
    fn take_in_time(&self) {
        let mut look = sleepers::Look::new();
        loop {
            if self.held.load(Ordering::Relaxed) == 0 && self.try_take() {
                return;
            }
            // Where others sleep already nobody looks around: that would be before them.
            if self.awaited.load(Ordering::Relaxed) == 0 && look.around() {
                continue;
            }
            match self.sleep() {
                Slept::AndHasIt => return,
                Slept::AndTries => look = sleepers::Look::new(),
            }
        }
    }

    fn sleep(&self) -> Slept {
        let is_needed = |is_limited: bool| {
            self.awaited.store(1, Ordering::Relaxed);
            let is_safe = cfg!(broken_lock) || heavy_fence() || is_limited;
            is_safe && self.held.load(Ordering::Relaxed) != 0
        };
        self.sleepers.sleep(&self.held, is_needed, || self.awaited.store(0, Ordering::Relaxed))
    }

    #[cold]
    fn wake_one(&self) {
        self.sleepers.wake_one(&self.held, |has_found, has_more, is_its_turn| {
            self.awaited.store(u8::from(has_more), Ordering::Relaxed);
            has_found && is_its_turn && self.try_take()
        });
    }
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

/// Where threads sleep for a lock.
#[cfg(not(loom))]
mod sleepers {
    use crate::sync::fences;
    use parking_lot_core::{DEFAULT_PARK_TOKEN, ParkResult, SpinWait, UnparkResult, UnparkToken, park, unpark_one};
    use std::time::{Duration, Instant};

    /// How a sleep ended.
    pub enum Slept {
        /// Whoever gave the lock back has left it to the sleeper.
        AndHasIt,
        AndTries,
    }

    const TRY: UnparkToken = UnparkToken(0);
    const HAVE: UnparkToken = UnparkToken(1);

    /// They are found by an address of the lock's, `place`.
    pub struct Sleepers;

    impl Sleepers {
        /// Sleeps if it `is_needed`, which is told whether the sleep ends by itself; of the last who leaves by itself
        /// `nobody_is_left`. Both are called among the sleepers, where nobody else comes or goes meanwhile: they take no
        /// lock.
        pub fn sleep<T>(
            &self, place: &T, is_needed: impl FnOnce(bool) -> bool, nobody_is_left: impl FnOnce(),
        ) -> Slept {
            fences::set_up();
            let until = fences::are_strict().then(|| Instant::now() + Duration::from_millis(1));
            let leaves = |_, is_last: bool| {
                if is_last {
                    nobody_is_left();
                }
            };
            // SAFETY: the address is the lock's, and what is called neither panics nor parks.
            match unsafe {
                park(address(place), || is_needed(until.is_some()), || {}, leaves, DEFAULT_PARK_TOKEN, until)
            } {
                ParkResult::Unparked(HAVE) => Slept::AndHasIt,
                ParkResult::Unparked(_) | ParkResult::Invalid | ParkResult::TimedOut => Slept::AndTries,
            }
        }

        /// Wakes one, if one is found. `how`: has one been found, do more sleep, is it time to hand it the lock; whether it
        /// has been handed that.
        pub fn wake_one<T>(&self, place: &T, how: impl FnOnce(bool, bool, bool) -> bool) {
            let how = |found: UnparkResult| {
                if how(found.unparked_threads > 0, found.have_more_threads, found.be_fair) { HAVE } else { TRY }
            };
            // SAFETY: as above.
            unsafe { unpark_one(address(place), how) };
        }
    }

    fn address<T>(place: &T) -> usize {
        std::ptr::from_ref(place).addr()
    }

    /// A look around before a sleep.
    pub struct Look(SpinWait);

    impl Look {
        pub fn new() -> Look {
            Look(SpinWait::new())
        }

        /// False: that was long enough.
        pub fn around(&mut self) -> bool {
            self.0.spin()
        }
    }
}

/// The same for a model. Every second who is woken is handed the lock.
#[cfg(loom)]
mod sleepers {
    use loom::sync::{Condvar, Mutex};

    pub enum Slept {
        AndHasIt,
        AndTries,
    }

    #[derive(Default)]
    struct Bed {
        sleeping: usize,
        woken: Vec<bool>,
        count: usize,
    }

    pub struct Sleepers(Mutex<Bed>, Condvar);

    impl Sleepers {
        pub fn new() -> Sleepers {
            Sleepers(Mutex::new(Bed::default()), Condvar::new())
        }

        pub fn sleep<T>(
            &self, _place: &T, is_needed: impl FnOnce(bool) -> bool, _nobody_is_left: impl FnOnce(),
        ) -> Slept {
            let mut bed = self.0.lock().unwrap();
            if !is_needed(false) {
                return Slept::AndTries;
            }
            bed.sleeping += 1;
            loop {
                bed = self.1.wait(bed).unwrap();
                if let Some(has_it) = bed.woken.pop() {
                    return if has_it { Slept::AndHasIt } else { Slept::AndTries };
                }
            }
        }

        pub fn wake_one<T>(&self, _place: &T, how: impl FnOnce(bool, bool, bool) -> bool) {
            let mut bed = self.0.lock().unwrap();
            let has_found = bed.sleeping > 0;
            bed.sleeping -= usize::from(has_found);
            bed.count += 1;
            let has_it = how(has_found, bed.sleeping > 0, bed.count % 2 == 0);
            if has_found {
                bed.woken.push(has_it);
                self.1.notify_one();
            }
        }
    }

    pub struct Look;

    impl Look {
        pub fn new() -> Look {
            Look
        }

        pub fn around(&mut self) -> bool {
            false
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::fences::tests::refuse;
    use crate::sync::{AtomicU32, Mutex};
    use std::thread;

    fn sleeps(lock: &RawLock) -> bool {
        lock.awaited.load(Ordering::Relaxed) != 0
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
