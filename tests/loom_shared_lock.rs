//! Models of the lock that many share or one has: `RUSTFLAGS="--cfg loom" cargo test --release --test loom_shared_lock`.
//! Who has it is alone, and nobody sleeps for ever (loom finds a thread that is never woken).
#![cfg(loom)]

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use regrow::sync::shared_lock::RawSharedLock;

struct Counted {
    lock: RawSharedLock,
    count: UnsafeCell<u32>,
}

// SAFETY: that nobody looks at the count while it is written is what the model is for.
unsafe impl Sync for Counted {}

impl Counted {
    fn new() -> Arc<Counted> {
        Arc::new(Counted { lock: RawSharedLock::new(), count: UnsafeCell::new(0) })
    }

    fn add(&self) {
        self.lock.take();
        // SAFETY: as above.
        self.count.with_mut(|count| unsafe { *count += 1 });
        self.lock.give_back();
    }

    fn look(&self) -> u32 {
        self.lock.share();
        // SAFETY: as above.
        let count = self.count.with(|count| unsafe { *count });
        self.lock.leave();
        count
    }
}

/// The calling thread adds; the others do as `others` say: true for who adds.
fn all_get_it(others: &'static [bool]) {
    loom::model(move || {
        let counted = Counted::new();
        let threads: Vec<_> = others
            .iter()
            .map(|&adds| {
                let counted = counted.clone();
                thread::spawn(move || if adds { counted.add() } else { assert!(counted.look() <= 3) })
            })
            .collect();
        counted.add();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(counted.look(), 1 + others.iter().filter(|&&adds| adds).count() as u32);
        assert!(counted.lock.try_take());
    });
}

#[test]
fn one_takes_it_and_one_shares_it() {
    all_get_it(&[false]);
}

#[test]
fn two_take_it() {
    all_get_it(&[true]);
}

#[test]
fn one_takes_it_and_two_share_it() {
    all_get_it(&[false, false]);
}

#[test]
fn two_take_it_and_one_shares_it() {
    all_get_it(&[true, false]);
}

#[test]
fn one_takes_it_twice_while_another_shares_it_twice() {
    loom::model(|| {
        let counted = Counted::new();
        let theirs = counted.clone();
        let other = thread::spawn(move || {
            let first = theirs.look();
            assert!(first <= theirs.look());
        });
        counted.add();
        counted.add();
        other.join().unwrap();
        assert_eq!(counted.look(), 2);
    });
}
