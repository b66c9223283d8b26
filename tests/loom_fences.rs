//! Models of fences that are one for many: `RUSTFLAGS="--cfg loom" cargo test --release --test loom_fences`. Nobody may
//! look at what is freed behind a fence that somebody else has made. Both halves are full fences here, as where the kernel
//! has no `membarrier`.
#![cfg(loom)]

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use loom::thread;
use regrow::sync::fences::{heavy_fence, light_fence};
use regrow::sync::shared_fence::SharedFence;

/// A thing that readers find, and the counter of the one who reads, with the steps of `sync/inside.rs`.
struct Shared {
    fence: SharedFence,
    is_gone: AtomicBool,
    thing: UnsafeCell<u32>,
    counter: AtomicU64,
}

// SAFETY: that nobody touches the thing while it is written is what the model is for.
unsafe impl Sync for Shared {}

impl Shared {
    fn new() -> Arc<Shared> {
        Arc::new(Shared {
            fence: SharedFence::new(),
            is_gone: AtomicBool::new(false),
            thing: UnsafeCell::new(1),
            counter: AtomicU64::new(0),
        })
    }

    fn read(&self) {
        self.counter.store(1, Ordering::Relaxed);
        light_fence();
        if !self.is_gone.load(Ordering::Relaxed) {
            // SAFETY: as above.
            self.thing.with(|thing| assert_eq!(unsafe { *thing }, 1));
        }
        self.counter.store(2, Ordering::Release);
    }

    /// The steps of `sync/retired.rs`: seal, close, look whether the readers have gone on.
    fn free_if_somebody_makes_a_fence(&self) {
        self.is_gone.store(true, Ordering::Release);
        let begun = self.fence.begun();
        thread::yield_now();
        if !self.fence.is_over(begun) {
            return;
        }
        let count = self.counter.load(Ordering::SeqCst);
        if count % 2 == 0 || self.counter.load(Ordering::Acquire) != count {
            // SAFETY: as above.
            self.thing.with_mut(|thing| unsafe { *thing = 0 });
        }
    }
}

fn nobody_looks_at_what_is_freed(makers: usize) {
    loom::model(move || {
        let shared = Shared::new();
        let reader = shared.clone();
        let mut others = vec![thread::spawn(move || reader.read())];
        for _ in 0..makers {
            let maker = shared.clone();
            others.push(thread::spawn(move || assert!(maker.fence.make(heavy_fence))));
        }
        shared.free_if_somebody_makes_a_fence();
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

#[test]
fn a_fence_of_somebody_elses_is_as_good_as_ones_own() {
    nobody_looks_at_what_is_freed(1);
}

#[test]
fn of_two_at_once_the_one_that_began_later_counts() {
    nobody_looks_at_what_is_freed(2);
}

#[test]
fn one_that_is_over_before_it_began_does_not_count() {
    loom::model(|| {
        let fence = SharedFence::new();
        assert!(fence.make(heavy_fence));
        let begun = fence.begun();
        assert!(!fence.is_over(begun));
        assert!(!fence.make(|| false));
        assert!(!fence.is_over(begun), "it was none");
        assert!(fence.make(heavy_fence));
        assert!(fence.is_over(begun));
    });
}
