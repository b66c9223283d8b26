//! A lock that many share or one has, which the one gives back without a locked instruction (`lock` says how, and why).
//!
//! A word: how many share it, and whether somebody *has* it, or is about to; and a byte: whether it is *awaited*.
//!
//! 1. *share*: one more, by compare-and-swap, while nobody has it; and later one less. Whoever is the last to leave while
//!    somebody waits for that wakes him;
//! 2. *take*: says that he has it, by compare-and-swap, while nobody else does. From there on nobody new shares it, and
//!    the word changes only by those who leave; when it says that nobody shares it any more, it is his;
//! 3. *give back*: 0 is stored, which loses nothing, since nobody but him changes the word then; behind a light fence, a
//!    look at `awaited`: who finds it set wakes all, and now and then lets one of them have it before he takes it anew;
//! 4. *sleep*, for who finds that somebody has it: as in `lock`.
//!
//! Who has said that he takes it comes before those who would share it anew: so he waits for those alone who are in there.
//! A thread that shares it must not share it once more: it would wait for who waits for it.
//!
//! Model: `tests/loom_shared_lock.rs`.

use super::fences::light_fence;
use super::lock::{NOBODY, say_awaited};
use super::sleepers::{Look, Sleepers};
use super::{AtomicU8, AtomicU32, Ordering};

/// Somebody has it, or is about to; the rest of the word is how many share it.
const HELD: u32 = 1 << 31;

pub struct RawSharedLock {
    word: AtomicU32,
    awaited: AtomicU8,
    sleepers: Sleepers,
}

impl RawSharedLock {
    #[cfg(not(loom))]
    pub const fn new() -> RawSharedLock {
        RawSharedLock { word: AtomicU32::new(0), awaited: AtomicU8::new(0), sleepers: Sleepers::new() }
    }

    #[cfg(loom)]
    pub fn new() -> RawSharedLock {
        RawSharedLock { word: AtomicU32::new(0), awaited: AtomicU8::new(0), sleepers: Sleepers::new() }
    }

    #[inline(always)]
    pub fn take(&self) {
        if !self.try_take() {
            self.take_in_time();
        }
    }

    #[inline(always)]
    pub fn try_take(&self) -> bool {
        // Acquire, partners: the stores in `give_back` and `leave`.
        self.word.compare_exchange(0, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// For the one who has it.
    #[inline(always)]
    pub fn give_back(&self) {
        // Release, partners: the steps in `try_take` and `try_share`.
        self.word.store(0, Ordering::Release);
        // Partner: the heavy fence in `say_awaited`.
        light_fence();
        if self.awaited.load(Ordering::Relaxed) != NOBODY {
            self.wake_all();
        }
    }

    #[inline(always)]
    pub fn share(&self) {
        if !self.try_share() {
            self.share_in_time();
        }
    }

    /// False also when somebody else has come to share it, or has left, in that very moment.
    #[inline(always)]
    pub fn try_share(&self) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        word & HELD == 0 && self.share_beside(word)
    }

    /// One more, of what the word says; false: it says something else.
    #[inline(always)]
    fn share_beside(&self, word: u32) -> bool {
        // Acquire, partner: the store in `give_back`.
        self.word.compare_exchange(word, word + 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// For one who shares it.
    #[inline(always)]
    pub fn leave(&self) {
        // Release, partners: the steps of who takes it.
        if self.word.fetch_sub(1, Ordering::Release) == HELD | 1 {
            self.wake_who_takes_it();
        }
    }

    #[cold]
    fn take_in_time(&self) {
        let mut look = Look::new();
        loop {
            let word = self.word.load(Ordering::Relaxed);
            if word & HELD != 0 {
                self.wait(&mut look);
            // Acquire, partner: the store in `give_back`.
            } else if self.word.compare_exchange(word, word | HELD, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                return self.let_them_leave();
            }
        }
    }

    /// Waits until nobody shares it.
    fn let_them_leave(&self) {
        let mut look = Look::new();
        // Acquire, partner: the step in `leave`.
        while self.word.load(Ordering::Acquire) != HELD {
            if !look.around() {
                // Who leaves last does so before he comes among the sleepers of this place: no fence is needed.
                let is_needed = |_| self.word.load(Ordering::Relaxed) != HELD;
                self.sleepers.sleep(&self.awaited, is_needed, || {});
            }
        }
    }

    #[cold]
    fn share_in_time(&self) {
        let (mut look, mut beside) = (Look::new(), Look::new());
        loop {
            let word = self.word.load(Ordering::Relaxed);
            if word & HELD != 0 {
                self.wait(&mut look);
            } else if self.share_beside(word) {
                return;
            } else {
                // Who tries again at once takes the line from those who leave: a third more for two who do nothing else.
                beside.shortly();
            }
        }
    }

    /// Somebody has it.
    fn wait(&self, look: &mut Look) {
        if self.awaited.load(Ordering::Relaxed) != NOBODY || !look.around() {
            let is_held = || self.word.load(Ordering::Relaxed) & HELD != 0;
            let is_needed = |is_limited| say_awaited(&self.awaited, is_limited, is_held);
            self.sleepers.sleep(&self.word, is_needed, || self.awaited.store(NOBODY, Ordering::Relaxed));
            *look = Look::new();
        }
    }

    #[cold]
    fn wake_all(&self) {
        let mut is_their_turn = false;
        self.sleepers.wake_all(&self.word, |is_time| {
            self.awaited.store(NOBODY, Ordering::Relaxed);
            is_their_turn = is_time;
        });
        // Now and then one of them has it before we can take it anew: who goes through a table in many parts gives it
        // back for less time than a thread needs to wake up.
        let mut look = Look::new();
        while is_their_turn && self.word.load(Ordering::Relaxed) == 0 && look.around() {}
    }

    #[cold]
    fn wake_who_takes_it(&self) {
        self.sleepers.wake_all(&self.awaited, |_| {});
    }
}

impl Default for RawSharedLock {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: one at a time has made the word `HELD` by his own step and has seen that nobody shares it, and gives it back;
// while somebody shares it, it is more than that.
#[cfg(not(loom))]
unsafe impl lock_api::RawRwLock for RawSharedLock {
    #[allow(clippy::declare_interior_mutable_const)]
    const INIT: RawSharedLock = RawSharedLock::new();

    type GuardMarker = lock_api::GuardNoSend;

    #[inline(always)]
    fn lock_shared(&self) {
        self.share();
    }

    fn try_lock_shared(&self) -> bool {
        // Others who come to share it, or leave, are no reason.
        while !self.try_share() {
            if self.word.load(Ordering::Relaxed) & HELD != 0 {
                return false;
            }
        }
        true
    }

    #[inline(always)]
    unsafe fn unlock_shared(&self) {
        self.leave();
    }

    #[inline(always)]
    fn lock_exclusive(&self) {
        self.take();
    }

    #[inline(always)]
    fn try_lock_exclusive(&self) -> bool {
        self.try_take()
    }

    #[inline(always)]
    unsafe fn unlock_exclusive(&self) {
        self.give_back();
    }

    fn is_locked(&self) -> bool {
        self.word.load(Ordering::Relaxed) != 0
    }

    fn is_locked_exclusive(&self) -> bool {
        self.word.load(Ordering::Relaxed) & HELD != 0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::fences::tests::refuse;
    use crate::sync::{AtomicU32, RwLock};
    use std::thread;

    #[test]
    fn who_shares_it_sees_nothing_half_done() {
        let pair = RwLock::new((0u32, 0u32));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..30_000 {
                        let mut pair = pair.write();
                        pair.0 += 1;
                        std::hint::spin_loop();
                        pair.1 += 1;
                    }
                });
                scope.spawn(|| {
                    for _ in 0..30_000 {
                        let pair = pair.read();
                        assert_eq!(pair.0, pair.1);
                    }
                });
            }
        });
        assert_eq!(*pair.read(), (60_000, 60_000));
    }

    fn is_awaited(lock: &RawSharedLock) -> bool {
        lock.awaited.load(Ordering::Relaxed) != NOBODY
    }

    fn yield_until(holds: impl Fn() -> bool) {
        while !holds() {
            thread::yield_now();
        }
    }

    #[test]
    fn all_who_sleep_are_woken_when_it_is_given_back() {
        for _ in 0..100 {
            let (lock, through) = (RawSharedLock::new(), AtomicU32::new(0));
            lock.take();
            thread::scope(|scope| {
                for is_shared in [false, true, true, false] {
                    let (lock, through) = (&lock, &through);
                    scope.spawn(move || {
                        if is_shared {
                            lock.share()
                        } else {
                            lock.take()
                        }
                        through.fetch_add(1, Ordering::Relaxed);
                        if is_shared { lock.leave() } else { lock.give_back() }
                    });
                }
                yield_until(|| is_awaited(&lock));
                assert_eq!(through.load(Ordering::Relaxed), 0, "it has not been given back");
                lock.give_back();
            });
            assert_eq!(through.load(Ordering::Relaxed), 4);
            assert!(lock.try_take());
        }
    }

    #[test]
    fn who_takes_it_waits_for_those_who_share_it_and_comes_before_others() {
        for _ in 0..100 {
            let lock = RawSharedLock::new();
            lock.share();
            lock.share();
            assert!(!lock.try_take());
            thread::scope(|scope| {
                let taker = scope.spawn(|| lock.take());
                yield_until(|| lock.word.load(Ordering::Relaxed) == HELD | 2);
                assert!(!lock.try_share() && !taker.is_finished());
                lock.leave();
                assert!(!lock.try_share() && !taker.is_finished());
                lock.leave();
                taker.join().unwrap();
            });
            assert!(!lock.try_share() && !lock.try_take());
            lock.give_back();
            assert!(lock.try_share());
        }
    }

    #[test]
    fn where_the_kernel_refuses_nobody_sleeps_for_ever() {
        let lock = RawSharedLock::new();
        let is_woken = |meanwhile: &dyn Fn()| {
            lock.take();
            thread::scope(|scope| {
                scope.spawn(|| {
                    lock.share();
                    lock.leave();
                });
                yield_until(|| is_awaited(&lock));
                meanwhile();
                // As from one who was on his way when the kernel began to refuse: nobody is told.
                lock.word.store(0, Ordering::Release);
            });
        };
        let refused = refuse();
        is_woken(&|| {});
        is_woken(&|| refused.end_doubt());
        is_woken(&|| {});
    }
}
