//! Models of taking turns: `RUSTFLAGS="--cfg loom" cargo test --release --test loom_turns`. The steps carry the names of
//! `src/process/turns.rs`; waiting is as in `arrival.rs`, without the rest.
#![cfg(loom)]

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use regrow::process::turns::{Turns, Wakes};

/// How a thread waits: with a token, as `Parker`, which has a model of its own.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    heard: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap() = true;
        self.heard.notify_one();
    }

    fn wait(&self) {
        let mut rung = self.rung.lock().unwrap();
        while !*rung {
            rung = self.heard.wait(rung).unwrap();
        }
        *rung = false;
    }
}

#[derive(Clone)]
enum Who {
    Alive(Arc<Bell>),
    Dead,
}

impl Wakes for Who {
    fn wake(&self) -> bool {
        match self {
            Who::Alive(bell) => {
                bell.ring();
                true
            }
            Who::Dead => false,
        }
    }
}

type Lines = Turns<u32, Who>;
const PLACE: u32 = 7;

/// `until_arrival` without a time limit. `look`: whether it was there; under a lock, as the names are.
fn wait_for(turns: &Lines, look: impl Fn() -> bool) {
    let bell = Arc::new(Bell::default());
    let waiter = turns.come(Who::Alive(bell.clone()));
    turns.join(PLACE, &waiter);
    let mut looks = true;
    loop {
        let mut there = false;
        while looks {
            there = look();
            turns.done(PLACE, &waiter);
            looks = !there && waiter.take_turn();
        }
        if there {
            break;
        }
        bell.wait();
        looks = waiter.take_turn();
    }
    turns.leave(PLACE, &waiter);
    turns.go();
}

#[test]
fn whoever_comes_while_it_arrives_finds_it() {
    loom::model(|| {
        let (turns, there) = (Arc::new(Lines::new()), Arc::new(Mutex::new(false)));
        let (their_turns, its_there) = (turns.clone(), there.clone());
        let arriving = thread::spawn(move || {
            *its_there.lock().unwrap() = true;
            their_turns.arrive(PLACE);
        });
        wait_for(&turns, || *there.lock().unwrap());
        arriving.join().unwrap();
        assert_eq!(turns.places(), 0);
    });
}

/// As a name that is found without a lock: nothing but the fences has one of the two see the other.
#[test]
fn whoever_looks_without_a_lock_finds_it_too() {
    use loom::sync::atomic::{AtomicBool, Ordering};
    loom::model(|| {
        let (turns, there) = (Arc::new(Lines::new()), Arc::new(AtomicBool::new(false)));
        let (their_turns, its_there) = (turns.clone(), there.clone());
        let arriving = thread::spawn(move || {
            its_there.store(true, Ordering::Release);
            their_turns.arrive(PLACE);
        });
        wait_for(&turns, || there.load(Ordering::Acquire));
        arriving.join().unwrap();
        assert_eq!(turns.places(), 0);
    });
}

/// Two things arrive, each for one: the second waiter must get the second, also when the first was woken twice.
#[test]
fn what_arrives_again_is_looked_for_again() {
    loom::model(|| {
        let (turns, there) = (Arc::new(Lines::new()), Arc::new(Mutex::new(0)));
        let take = |there: &Mutex<usize>| {
            let mut there = there.lock().unwrap();
            let left = there.checked_sub(1);
            *there = left.unwrap_or(0);
            left.is_some()
        };
        let (their_turns, their_there) = (turns.clone(), there.clone());
        let other = thread::spawn(move || wait_for(&their_turns, || take(&their_there)));
        for _ in 0..2 {
            *there.lock().unwrap() += 1;
            turns.arrive(PLACE);
        }
        wait_for(&turns, || take(&there));
        other.join().unwrap();
        assert_eq!(turns.places(), 0);
    });
}

/// One has the turn and leaves without looking, as who is out of time does: the turn is the next one's.
#[test]
fn a_turn_does_not_leave_with_who_has_it() {
    loom::model(|| {
        let (turns, there) = (Arc::new(Lines::new()), Arc::new(Mutex::new(false)));
        let early = turns.come(Who::Alive(Arc::new(Bell::default())));
        turns.join(PLACE, &early);
        let (their_turns, its_there) = (turns.clone(), there.clone());
        let arriving = thread::spawn(move || {
            *its_there.lock().unwrap() = true;
            their_turns.arrive(PLACE);
        });
        let leaving = turns.clone();
        let leaving = thread::spawn(move || {
            leaving.leave(PLACE, &early);
            leaving.go();
        });
        wait_for(&turns, || *there.lock().unwrap());
        arriving.join().unwrap();
        leaving.join().unwrap();
        assert_eq!(turns.places(), 0);
    });
}

/// Not in the broken variant: what gets stuck there, with who is to look, takes the whole program along.
#[cfg(not(broken_turns))]
#[test]
fn the_dead_are_passed_over_and_the_others_look_in_the_order_in_which_they_came() {
    loom::model(|| {
        let turns = Arc::new(Lines::new());
        let order = Arc::new(Mutex::new(Vec::new()));
        let dead = turns.come(Who::Dead);
        turns.join(PLACE, &dead);
        let bells: Vec<Arc<Bell>> = (0..2).map(|_| Arc::new(Bell::default())).collect();
        let waiters: Vec<_> = bells.iter().map(|bell| turns.come(Who::Alive(bell.clone()))).collect();
        // They are numbered as they come; in the line they stand by that.
        waiters.iter().rev().for_each(|waiter| turns.join(PLACE, waiter));
        let looking: Vec<_> = (0..2)
            .map(|at| {
                let (turns, order) = (turns.clone(), order.clone());
                let (bell, waiter) = (bells[at].clone(), waiters[at].clone());
                thread::spawn(move || {
                    while !waiter.take_turn() {
                        bell.wait();
                    }
                    order.lock().unwrap().push(at);
                    turns.leave(PLACE, &waiter);
                    turns.go();
                })
            })
            .collect();
        turns.arrive(PLACE);
        looking.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(*order.lock().unwrap(), [0, 1]);
        turns.leave(PLACE, &dead);
        assert_eq!(turns.places(), 0);
    });
}
