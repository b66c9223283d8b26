//! Models of parking: `RUSTFLAGS="--cfg loom" cargo test --release --test loom_park`.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use loom::thread;
use regrow::process::state::{CALLBACK, PARKED, RESUMING, State, phase};
use regrow::sync::parker::{Parker, Seat};

#[test]
fn a_wake_between_the_look_and_the_park_is_not_lost() {
    loom::model(|| {
        let state = Arc::new(State::new(CALLBACK));
        let ready = Arc::new(AtomicBool::new(false));
        let resumed = Arc::new(AtomicBool::new(false));
        let (their_state, their_ready, their_resumed) = (state.clone(), ready.clone(), resumed.clone());
        let waker = thread::spawn(move || {
            their_ready.store(true, Ordering::SeqCst);
            if their_state.unpark() {
                their_resumed.store(true, Ordering::SeqCst);
            }
        });
        // wait::until
        while !ready.load(Ordering::SeqCst) {
            if state.park(false) {
                // suspend: until somebody has won the right to resume, and did.
                while !resumed.load(Ordering::SeqCst) {
                    thread::yield_now();
                }
                assert_eq!(phase(state.load()), RESUMING);
                assert!(state.shift(RESUMING, CALLBACK, 0, 0).is_ok());
            }
        }
        waker.join().unwrap();
        assert_ne!(phase(state.load()), PARKED);
    });
}

/// `wait::sit_down`, `wait::stand_up`: parked, and still on its stack. Each right to resume that somebody won is met, and
/// none is waited for that nobody has.
#[test]
fn who_is_parked_where_it_stands_meets_the_resume_that_it_was_given() {
    loom::model(|| {
        let state = Arc::new(State::new(CALLBACK));
        let resumes = Arc::new(AtomicU32::new(0));
        let wakers: Vec<_> = (0..2)
            .map(|_| {
                let (state, resumes) = (state.clone(), resumes.clone());
                thread::spawn(move || {
                    if state.unpark() {
                        resumes.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        if (state.park(false) || state.park(false)) && state.shift(PARKED, CALLBACK, 0, 0).is_err() {
            while resumes.load(Ordering::SeqCst) == 0 {
                thread::yield_now();
            }
            resumes.fetch_sub(1, Ordering::SeqCst);
            assert!(state.shift(RESUMING, CALLBACK, 0, 0).is_ok());
        }
        wakers.into_iter().for_each(|waker| waker.join().unwrap());
        assert_eq!((resumes.load(Ordering::SeqCst), phase(state.load())), (0, CALLBACK));
    });
}

#[test]
fn a_threads_token_is_not_lost() {
    loom::model(|| {
        let parker = Arc::new(Parker::new());
        let ready = Arc::new(AtomicBool::new(false));
        let (their_parker, their_ready) = (parker.clone(), ready.clone());
        let waker = thread::spawn(move || {
            their_ready.store(true, Ordering::SeqCst);
            their_parker.unpark();
        });
        while !ready.load(Ordering::SeqCst) {
            parker.park(None);
        }
        waker.join().unwrap();
    });
}

/// An inline call on a thread that is no worker: its parker is left tokens by others too, it sits down again at once, and
/// the seat goes when it is done.
#[test]
fn a_thread_in_a_seat_goes_on_once_for_each_resume_and_only_then() {
    loom::model(|| {
        let state = Arc::new(State::new(CALLBACK));
        let seat = Arc::new(Seat::new());
        let ready = Arc::new(AtomicBool::new(false));
        let parker = Arc::new(Parker::new());
        let (their_state, their_seat, their_ready) = (state.clone(), seat.clone(), ready.clone());
        let waker = thread::spawn(move || {
            for last in [false, true] {
                their_ready.store(last, Ordering::SeqCst);
                if their_state.unpark() {
                    // SAFETY: the right to resume was won just now.
                    unsafe { their_seat.resume() };
                }
            }
        });
        // wait::until and wait::park
        parker.unpark();
        while !ready.load(Ordering::SeqCst) {
            // SAFETY: not parked: nobody has the right to resume.
            unsafe { seat.sit(parker.clone()) };
            if state.park(false) {
                seat.wait();
                assert_eq!(phase(state.load()), RESUMING);
                assert!(state.shift(RESUMING, CALLBACK, 0, 0).is_ok());
            }
        }
        // SAFETY: as above.
        unsafe { seat.leave() };
        waker.join().unwrap();
        assert_eq!(phase(state.load()), CALLBACK);
    });
}
