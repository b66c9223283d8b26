//! Models of what a process does between two messages: `RUSTFLAGS="--cfg loom" cargo test --release --test
//! loom_between`. The steps carry the names of `process/between.rs`.
#![cfg(loom)]

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use regrow::mailbox::{Mailbox, Packed, Pop};
use regrow::process::between::Between;
use regrow::process::state::{CALLBACK, DEAD, EXIT, IDLE, READY, RUNNING, State, Struck};

struct Process {
    state: State,
    mailbox: Mailbox<Box<u32>>,
    between: Between,
    /// What only the one consumer touches; loom finds two at once.
    reading: UnsafeCell<()>,
}

// SAFETY: `reading` is only touched where loom watches it.
unsafe impl Sync for Process {}
// SAFETY: as above.
unsafe impl Send for Process {}

impl Process {
    /// One whose first callback has just returned.
    fn new() -> Arc<Process> {
        Arc::new(Process {
            state: State::new(CALLBACK),
            mailbox: Mailbox::new(),
            between: Between::default(),
            reading: UnsafeCell::new(()),
        })
    }

    /// `Process::take_next`.
    fn take_next(&self) -> Option<u32> {
        self.between.take(&self.state, || {
            self.reading.with_mut(|_| {
                // SAFETY: step *take*.
                let words = unsafe { self.mailbox.pop_if(|_| self.state.is_bare_callback()) }?;
                // SAFETY: taken out just now.
                Some(*unsafe { Box::unpack(words) })
            })
        })
    }

    /// `Process::take_message`, by who may.
    fn take(&self) -> Option<u32> {
        loop {
            // SAFETY: as the callers say; loom looks.
            match self.reading.with_mut(|_| unsafe { self.mailbox.pop() }) {
                Pop::Message(message) => return Some(*message),
                Pop::Empty => return None,
                Pop::Busy | Pop::Priority => thread::yield_now(),
            }
        }
    }

    /// From a callback that has returned to rest or to the end: `run::work`. What it handled; None: a ghost.
    fn work(&self, seen: &mut Vec<u32>) -> Option<()> {
        loop {
            while let Some(message) = self.take_next() {
                seen.push(message);
            }
            let word = self.state.shift(CALLBACK, RUNNING, 0, 0).ok()?;
            if word & EXIT != 0 {
                return Some(());
            }
            match self.take() {
                Some(message) => {
                    if !self.state.enter_callback() {
                        // Not begun.
                        return Some(());
                    }
                    seen.push(message);
                }
                None => {
                    if self.state.rest() && (self.mailbox.is_empty() || self.state.shift(IDLE, RUNNING, 0, 0).is_err())
                    {
                        return Some(());
                    }
                    if !self.state.enter_callback() {
                        return Some(());
                    }
                }
            }
        }
    }
}

#[test]
fn a_kill_finds_one_consumer_and_no_message_is_taken_after_it() {
    loom::model(|| {
        let process = Process::new();
        process.mailbox.push(Box::new(1));
        process.mailbox.push(Box::new(2));
        let theirs = process.clone();
        let killer = thread::spawn(move || {
            let mut left = Vec::new();
            match theirs.state.strike(true) {
                Struck::Ghost { between, .. } => {
                    assert!(between);
                    theirs.between.shut_out();
                }
                // It ends itself.
                Struck::Theirs => return left,
                Struck::Ours => {}
                Struck::Nothing => panic!("it lived"),
            }
            while let Some(message) = theirs.take() {
                left.push(message);
            }
            left
        });
        let mut seen = Vec::new();
        let is_ghost = process.work(&mut seen).is_none();
        let left = killer.join().unwrap();
        assert!(!is_ghost || process.state.phase() == DEAD);
        if is_ghost || process.state.phase() == DEAD {
            let all: Vec<u32> = seen.iter().chain(&left).copied().collect();
            assert_eq!(all, [1, 2], "each is with one of them, in their order");
        }
    });
}

#[test]
fn who_sends_a_signal_and_then_a_message_finds_that_unheard() {
    loom::model(|| {
        let process = Process::new();
        process.mailbox.push(Box::new(1));
        let theirs = process.clone();
        let sender = thread::spawn(move || {
            let struck = theirs.state.strike(false);
            theirs.mailbox.push(Box::new(2));
            struck
        });
        let mut seen = Vec::new();
        process.work(&mut seen).expect("no kill, no ghost");
        sender.join().unwrap();
        assert!(seen.is_empty() || seen == [1], "{seen:?}");
    });
}

#[test]
fn a_message_that_comes_between_is_not_forgotten() {
    loom::model(|| {
        let process = Process::new();
        let theirs = process.clone();
        let sender = thread::spawn(move || {
            theirs.mailbox.push(Box::new(1));
            theirs.state.make_ready()
        });
        let mut seen = Vec::new();
        process.work(&mut seen).expect("nobody kills it");
        if sender.join().unwrap() {
            process.state.shift(READY, RUNNING, 0, 0).expect("it was scheduled");
            assert!(process.state.enter_callback());
            process.work(&mut seen).expect("nobody kills it");
        }
        assert_eq!(seen, [1]);
    });
}
