//! Models of giving memory back: `RUSTFLAGS="--cfg loom" cargo test --release --test loom_stir`. Who frees must not leave
//! anything to somebody who sleeps for good.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use loom::thread;
use regrow::sync::stir::Stir;

/// A watch thread, with the steps of `scheduler/watch.rs`: `deep` is its own flag.
#[derive(Default)]
struct Watch {
    deep: AtomicBool,
    woken: AtomicU32,
}

impl Watch {
    /// True: it sleeps.
    fn goes_to_sleep(&self, stir: &Stir, seen: u64) -> bool {
        self.deep.store(true, Ordering::SeqCst);
        if stir.listen(seen) {
            return true;
        }
        self.deep.store(false, Ordering::SeqCst);
        false
    }

    fn wake(&self) {
        if self.deep.load(Ordering::SeqCst) && self.deep.swap(false, Ordering::SeqCst) {
            self.woken.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn nobody_sleeps_over_what_was_freed(watches: usize, threads: usize) {
    loom::model(move || {
        let stir = Arc::new(Stir::new());
        let all: Arc<Vec<Watch>> = Arc::new((0..watches).map(|_| Watch::default()).collect());
        let stirrers: Vec<_> = (0..threads)
            .map(|_| {
                let (stir, all) = (stir.clone(), all.clone());
                thread::spawn(move || {
                    if stir.stir(64) {
                        all.iter().for_each(Watch::wake);
                    }
                })
            })
            .collect();
        let seen = stir.bytes();
        let asleep: Vec<bool> = all.iter().map(|watch| watch.goes_to_sleep(&stir, seen)).collect();
        stirrers.into_iter().for_each(|stirrer| stirrer.join().unwrap());
        if stir.bytes() != seen {
            // One that is awake gives back for all of them.
            let awake = |(watch, slept): (&Watch, bool)| !slept || watch.woken.load(Ordering::SeqCst) > 0;
            assert!(all.iter().zip(asleep).any(awake), "all of them sleep");
        }
    });
}

#[test]
fn one_who_sleeps_is_woken() {
    nobody_sleeps_over_what_was_freed(1, 2);
}

#[test]
fn of_two_who_sleep_one_is_woken() {
    nobody_sleeps_over_what_was_freed(2, 1);
}
