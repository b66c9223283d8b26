//! Models of giving way: `RUSTFLAGS="--cfg loom" cargo test --release --test loom_giveway`. A process in a callback puts
//! itself into a run queue and parks until a worker has taken it out.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use loom::thread;
use regrow::process::state::{CALLBACK, DEAD, READY, RESUMING, RUNNING, State, Struck, Unqueued, phase};

struct Process {
    state: State,
    /// How often the run queue holds it.
    entries: AtomicU32,
    /// The right to go on with the parked stack was won, and used.
    resumed: AtomicBool,
    retired: AtomicU32,
    turns: AtomicU32,
}

impl Process {
    fn in_a_callback() -> Arc<Process> {
        Arc::new(Process {
            state: State::new(CALLBACK),
            entries: AtomicU32::new(0),
            resumed: AtomicBool::new(false),
            retired: AtomicU32::new(0),
            turns: AtomicU32::new(0),
        })
    }

    fn push(&self) {
        assert_eq!(self.entries.fetch_add(1, Ordering::SeqCst), 0, "in the queue twice");
    }

    fn unpark(&self) {
        if self.state.unpark() {
            self.resumed.store(true, Ordering::SeqCst);
        }
    }

    /// The first half of `wait::give_way`. False: it was killed, and runs as a ghost.
    fn queue(&self) -> bool {
        let queued = self.state.queue_in_callback();
        if queued {
            self.push();
        }
        queued
    }

    /// Its second half. False: as above.
    fn wait(&self) -> bool {
        loop {
            let word = self.state.load();
            if phase(word) == DEAD {
                return false;
            }
            if word & regrow::process::state::QUEUED == 0 {
                return true;
            }
            if self.state.park(false) {
                while !self.resumed.load(Ordering::SeqCst) {
                    thread::yield_now();
                }
                self.resumed.store(false, Ordering::SeqCst);
                let _ = self.state.shift(RESUMING, CALLBACK, 0, 0);
            }
        }
    }

    fn retire(&self) {
        assert_eq!(self.retired.fetch_add(1, Ordering::SeqCst), 0, "retired twice");
    }

    /// `run::on_worker`, for what the queue holds now; false: nothing.
    fn on_worker(&self) -> bool {
        if self.entries.load(Ordering::SeqCst) == 0 {
            return false;
        }
        self.entries.fetch_sub(1, Ordering::SeqCst);
        assert_eq!(self.retired.load(Ordering::SeqCst), 0, "the queue holds what may be freed");
        match self.state.unqueue() {
            Unqueued::Retire => self.retire(),
            Unqueued::GaveWay => self.unpark(),
            Unqueued::Ready => {
                if self.state.shift(READY, RUNNING, 0, 0).is_ok() {
                    assert_eq!(self.entries.load(Ordering::SeqCst), 0, "runs, and a queue holds it for this turn");
                    self.turns.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
        true
    }

    /// `exit::after` and `exit::carry_out`, on the thread that struck.
    fn kill(&self) {
        let Struck::Ghost { resume, .. } = self.state.strike(true) else { panic!("it is in a callback") };
        if self.state.gone() {
            self.retire();
        }
        if resume {
            self.resumed.store(true, Ordering::SeqCst);
        }
    }
}

fn worker(process: &Arc<Process>) -> thread::JoinHandle<bool> {
    let process = process.clone();
    thread::spawn(move || process.on_worker())
}

#[test]
fn the_turn_comes_also_between_the_look_and_the_park_and_beside_other_wakes() {
    loom::model(|| {
        let process = Process::in_a_callback();
        assert!(process.queue());
        let worker = worker(&process);
        let other = process.clone();
        let waker = thread::spawn(move || other.unpark());
        assert!(process.wait());
        assert!(worker.join().unwrap());
        waker.join().unwrap();
        assert_eq!(process.entries.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn whoever_took_it_out_leaves_its_next_turn_to_the_queue() {
    loom::model(|| {
        let process = Process::in_a_callback();
        assert!(process.queue());
        let worker = worker(&process);
        assert!(process.wait());
        // It returns from its callback, rests, and a message comes.
        process.state.shift(CALLBACK, RUNNING, 0, 0).unwrap();
        assert!(process.state.rest());
        assert!(process.state.make_ready());
        process.push();
        assert!(worker.join().unwrap());
        assert!(process.on_worker());
        assert_eq!(process.turns.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn one_that_is_killed_meanwhile_is_retired_once_by_its_last_holder() {
    loom::model(|| {
        let process = Process::in_a_callback();
        let theirs = process.clone();
        let killer = thread::spawn(move || theirs.kill());
        let worker = worker(&process);
        if process.queue() {
            process.wait();
        }
        killer.join().unwrap();
        worker.join().unwrap();
        process.on_worker();
        assert_eq!(process.entries.load(Ordering::SeqCst), 0);
        assert_eq!(process.retired.load(Ordering::SeqCst), 1);
    });
}
