//! Models of the watchdog: `RUSTFLAGS="--cfg loom" cargo test --release --test loom_watchdog`. The steps carry the names
//! of `process/watchdog.rs`.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use regrow::process::state::{
    CALLBACK, DEAD, IDLE, PARKED, READY, RESUMING, RUNNING, SEEN, Sight, State, Struck, phase,
};

struct Process {
    state: State,
    /// The stretch of user code that runs at first is about to be over.
    leaves: AtomicBool,
    /// Another has begun, and runs.
    began: AtomicBool,
}

impl Process {
    fn in_a_callback() -> Arc<Process> {
        let process =
            Process { state: State::new(RUNNING), leaves: AtomicBool::new(false), began: AtomicBool::new(false) };
        assert!(process.state.enter_callback());
        Arc::new(process)
    }

    /// From the first stretch to the next one, by `step`; nothing becomes of it if the process is dead by then.
    fn go_on(&self, step: impl FnOnce(&State)) {
        self.leaves.store(true, Ordering::SeqCst);
        step(&self.state);
        if self.state.phase() == CALLBACK {
            self.began.store(true, Ordering::SeqCst);
        }
    }

    /// `Process::user`, its second half; false: a ghost returned.
    fn returns(&self) -> bool {
        self.state.shift(CALLBACK, RUNNING, 0, 0).is_ok()
    }

    /// Two looks of the watch thread, between which the time has passed. None: it ended nothing; else whether it saw the
    /// first stretch.
    fn watched(&self) -> Option<bool> {
        if self.state.see() == Sight::Nothing {
            return None;
        }
        let first = !self.leaves.load(Ordering::SeqCst);
        if self.state.see() != Sight::Same || !self.state.strike_seen() {
            return None;
        }
        assert_eq!(phase(self.state.load()), DEAD);
        Some(first)
    }
}

/// Goes on by `step` beside the watch thread: whoever saw the first stretch has not ended the next.
fn beside_the_watch(step: impl Fn(&State) + Send + Sync + Copy + 'static) {
    loom::model(move || {
        let process = Process::in_a_callback();
        let theirs = process.clone();
        let watch = thread::spawn(move || theirs.watched());
        process.go_on(step);
        let ended = watch.join().unwrap();
        let began = process.began.load(Ordering::SeqCst);
        assert!(!(ended == Some(true) && began), "a stretch was ended that had just begun");
    });
}

fn returns(state: &State) -> bool {
    state.shift(CALLBACK, RUNNING, 0, 0).is_ok()
}

#[test]
fn the_next_callback_is_not_ended_for_the_one_before() {
    beside_the_watch(|state| {
        if returns(state) {
            assert!(state.enter_callback());
        }
    });
}

#[test]
fn nor_is_one_that_comes_after_a_rest() {
    beside_the_watch(|state| {
        if returns(state) {
            assert!(state.rest());
            assert!(state.make_ready());
            state.shift(READY, RUNNING, 0, 0).unwrap();
            assert!(state.enter_callback());
        }
    });
}

#[test]
fn what_has_waited_is_not_ended_for_what_ran_before() {
    beside_the_watch(|state| {
        if state.park(false) {
            assert!(state.unpark());
            state.shift(RESUMING, CALLBACK, 0, 0).unwrap();
        }
    });
}

#[test]
fn nor_when_it_was_woken_before_it_parked() {
    beside_the_watch(|state| {
        state.unpark();
        assert!(!state.park(false));
    });
}

#[test]
fn nor_when_a_wait_was_over_at_once() {
    beside_the_watch(State::begin_stretch);
}

#[test]
fn nor_when_a_message_was_received() {
    beside_the_watch(|state| {
        if returns(state) {
            state.shift(RUNNING, CALLBACK, SEEN, 0).unwrap();
        }
    });
}

#[test]
fn what_rests_or_waits_is_left_alone() {
    loom::model(|| {
        let process = Process::in_a_callback();
        assert_eq!(process.state.see(), Sight::New);
        assert!(process.returns());
        assert!(!process.state.strike_seen());
        assert!(process.state.rest());
        assert!(!process.state.strike_seen() && process.state.phase() == IDLE);

        let process = Process::in_a_callback();
        assert_eq!(process.state.see(), Sight::New);
        assert!(process.state.park(true));
        assert!(!process.state.strike_seen() && process.state.phase() == PARKED);
    });
}

#[test]
fn one_of_a_kill_and_a_bite_carries_out_the_end_and_the_ghost_hears_of_it() {
    loom::model(|| {
        let process = Process::in_a_callback();
        let theirs = process.clone();
        let watch = thread::spawn(move || theirs.watched().is_some());
        let theirs = process.clone();
        let killer = thread::spawn(move || theirs.state.strike(true));
        let returned = process.returns();
        let bitten = watch.join().unwrap();
        let killed = killer.join().unwrap();
        let ghosts = u32::from(bitten) + u32::from(matches!(killed, Struck::Ghost { .. }));
        assert_eq!(ghosts, u32::from(!returned));
    });
}
