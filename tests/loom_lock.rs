//! Models of the lock that is given back by a plain store: `RUSTFLAGS="--cfg loom" cargo test --release --test loom_lock`.
//! One at a time has it, and nobody sleeps for ever (loom finds a thread that is never woken).
#![cfg(loom)]

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use regrow::sync::lock::RawLock;

struct Counted {
    lock: RawLock,
    count: UnsafeCell<u32>,
}

// SAFETY: that one at a time touches the count is what the model is for.
unsafe impl Sync for Counted {}

impl Counted {
    fn add(&self) {
        self.lock.take();
        // SAFETY: as above.
        self.count.with_mut(|count| unsafe { *count += 1 });
        self.lock.give_back();
    }
}

/// So many threads, each so many times.
fn all_get_it(threads: u32, times: u32) {
    loom::model(move || {
        let counted = Arc::new(Counted { lock: RawLock::new(), count: UnsafeCell::new(0) });
        let others: Vec<_> = (1..threads)
            .map(|_| {
                let counted = counted.clone();
                thread::spawn(move || (0..times).for_each(|_| counted.add()))
            })
            .collect();
        (0..times).for_each(|_| counted.add());
        others.into_iter().for_each(|other| other.join().unwrap());
        assert!(counted.lock.try_take());
        // SAFETY: as above.
        counted.count.with(|count| assert_eq!(unsafe { *count }, threads * times));
    });
}

#[test]
fn two_who_take_it_twice_get_it() {
    all_get_it(2, 2);
}

#[test]
fn three_who_take_it_get_it() {
    all_get_it(3, 1);
}
