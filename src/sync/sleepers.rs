//! Where threads sleep for a lock (`lock`, `shared_lock`): `parking_lot_core`, which finds them by an address of the lock's,
//! so that a lock has no list of its own.
//!
//! What is asked *among the sleepers* of a place is asked where nobody else comes or goes there meanwhile: it takes no
//! lock, and does not panic.

#[cfg(not(loom))]
pub use machine::{Look, Sleepers};
#[cfg(loom)]
pub use modelled::{Look, Sleepers};

/// How a sleep ended.
pub enum Slept {
    /// Whoever gave the lock back has left it to the sleeper.
    AndHasIt,
    AndTries,
}

#[cfg(not(loom))]
mod machine {
    use super::Slept;
    use crate::sync::fences;
    use parking_lot_core as core;
    use parking_lot_core::{DEFAULT_PARK_TOKEN, FilterOp, ParkResult, SpinWait, UnparkResult, UnparkToken};
    use std::time::{Duration, Instant};

    const TRY: UnparkToken = UnparkToken(0);
    const HAVE: UnparkToken = UnparkToken(1);

    /// Of one lock; a place is an address of its own.
    pub struct Sleepers;

    impl Sleepers {
        pub const fn new() -> Sleepers {
            Sleepers
        }

        /// Sleeps if it `is_needed`, which is told whether the sleep ends by itself; of the last who leaves by itself
        /// `nobody_is_left`. Both are called among the sleepers.
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
            let is_needed = || is_needed(until.is_some());
            // SAFETY: the address is the lock's, and what is called neither panics nor parks.
            match unsafe { core::park(address(place), is_needed, || {}, leaves, DEFAULT_PARK_TOKEN, until) } {
                ParkResult::Unparked(HAVE) => Slept::AndHasIt,
                ParkResult::Unparked(_) | ParkResult::Invalid | ParkResult::TimedOut => Slept::AndTries,
            }
        }

        /// Wakes one, if one is found. `how`, among the sleepers: has one been found, do more sleep, is it time to hand it
        /// the lock; whether it has been handed that.
        pub fn wake_one<T>(&self, place: &T, how: impl FnOnce(bool, bool, bool) -> bool) {
            let how = |found: UnparkResult| {
                if how(found.unparked_threads > 0, found.have_more_threads, found.be_fair) { HAVE } else { TRY }
            };
            // SAFETY: as above.
            unsafe { core::unpark_one(address(place), how) };
        }

        /// Wakes all. `nobody_is_left` is called among the sleepers: whether it is time to see to it that one of them gets
        /// what they sleep for.
        pub fn wake_all<T>(&self, place: &T, nobody_is_left: impl FnOnce(bool)) {
            let left = |found: UnparkResult| {
                nobody_is_left(found.be_fair);
                TRY
            };
            // SAFETY: as above.
            unsafe { core::unpark_filter(address(place), |_| FilterOp::Unpark, left) };
        }
    }

    fn address<T>(place: &T) -> usize {
        std::ptr::from_ref(place).addr()
    }

    /// How often a thread gives way before it sleeps: a sleep, with its heavy fence, is 10 us and more for the sleeper and
    /// some of that for everybody, and who gives way in vain is back after a third of one.
    const GIVES_WAY: u32 = 32;

    /// A look around before a sleep.
    pub struct Look {
        spin: SpinWait,
        gave_way: u32,
    }

    impl Look {
        pub fn new() -> Look {
            Look { spin: SpinWait::new(), gave_way: 0 }
        }

        /// False: that was long enough.
        pub fn around(&mut self) -> bool {
            if self.spin.spin() {
                return true;
            }
            self.gave_way += 1;
            std::thread::yield_now();
            self.gave_way <= GIVES_WAY
        }

        /// Lets others have the line for a moment, which is longer each time.
        pub fn shortly(&mut self) {
            self.spin.spin_no_yield();
        }
    }
}

/// The same for a model. Every second who is woken alone is handed the lock.
#[cfg(loom)]
mod modelled {
    use super::Slept;
    use loom::sync::{Condvar, Mutex};
    use std::collections::HashMap;

    #[derive(Default)]
    struct Bed {
        sleeping: usize,
        woken: Vec<bool>,
    }

    #[derive(Default)]
    struct Beds {
        of: HashMap<usize, Bed>,
        count: usize,
    }

    pub struct Sleepers(Mutex<Beds>, Condvar);

    impl Sleepers {
        pub fn new() -> Sleepers {
            Sleepers(Mutex::new(Beds::default()), Condvar::new())
        }

        pub fn sleep<T>(
            &self, place: &T, is_needed: impl FnOnce(bool) -> bool, _nobody_is_left: impl FnOnce(),
        ) -> Slept {
            let place = std::ptr::from_ref(place).addr();
            let mut beds = self.0.lock().unwrap();
            if !is_needed(false) {
                return Slept::AndTries;
            }
            beds.of.entry(place).or_default().sleeping += 1;
            loop {
                beds = self.1.wait(beds).unwrap();
                if let Some(has_it) = beds.of.entry(place).or_default().woken.pop() {
                    return if has_it { Slept::AndHasIt } else { Slept::AndTries };
                }
            }
        }

        pub fn wake_one<T>(&self, place: &T, how: impl FnOnce(bool, bool, bool) -> bool) {
            let mut beds = self.0.lock().unwrap();
            beds.count += 1;
            let is_fair = beds.count % 2 == 0;
            let bed = beds.of.entry(std::ptr::from_ref(place).addr()).or_default();
            let has_found = bed.sleeping > 0;
            bed.sleeping -= usize::from(has_found);
            let has_it = how(has_found, bed.sleeping > 0, is_fair);
            if has_found {
                bed.woken.push(has_it);
                self.1.notify_all();
            }
        }

        pub fn wake_all<T>(&self, place: &T, nobody_is_left: impl FnOnce(bool)) {
            let mut beds = self.0.lock().unwrap();
            let bed = beds.of.entry(std::ptr::from_ref(place).addr()).or_default();
            let sleeping = std::mem::take(&mut bed.sleeping);
            bed.woken.extend((0..sleeping).map(|_| false));
            nobody_is_left(true);
            self.1.notify_all();
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

        pub fn shortly(&mut self) {}
    }
}
