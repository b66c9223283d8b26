//! Models of the reply slot: `RUSTFLAGS="--cfg loom" cargo test --release --test loom_reply`.
#![cfg(loom)]

use loom::sync::Arc;
use loom::thread;
use regrow::process::slot::Cell;

#[test]
fn of_an_answer_and_a_death_one_wins_and_it_is_taken_once() {
    loom::model(|| {
        let cell = Arc::new(Cell::<Box<u32>>::default());
        let fillers: Vec<_> = (1..3)
            .map(|value| {
                let cell = cell.clone();
                thread::spawn(move || cell.fill(Box::new(value)))
            })
            .collect();
        let won: u32 = fillers.into_iter().map(|filler| u32::from(filler.join().unwrap())).sum();
        assert_eq!(won, 1);
        assert!(cell.take().is_some());
        assert!(cell.take().is_none());
    });
}

#[test]
fn an_abandoned_slot_takes_nothing_and_a_claimed_one_cannot_be_abandoned() {
    loom::model(|| {
        let cell = Arc::new(Cell::<u32>::default());
        let theirs = cell.clone();
        let callee = thread::spawn(move || {
            let claimed = theirs.claim();
            (claimed, claimed && theirs.fill(1))
        });
        let abandoned = cell.abandon();
        let (claimed, filled) = callee.join().unwrap();
        assert_ne!(abandoned, claimed);
        assert_eq!(claimed, filled);
        assert_eq!(cell.take().is_some(), filled);
    });
}
