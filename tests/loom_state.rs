//! Models of the state word: `RUSTFLAGS="--cfg loom" cargo test --release --test loom_state`. The steps carry the names
//! of `process/mod.rs`.
#![cfg(loom)]

use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;
use regrow::mailbox::{Mailbox, Packed, Pop, Pushed};
use regrow::process::state::{CALLBACK, DEAD, EXIT, IDLE, READY, RESUMING, RUNNING, State, Struck, Unqueued};

struct Process {
    state: State,
    mailbox: Mailbox<Box<u32>>,
    scheduled: AtomicU32,
}

impl Process {
    fn new() -> Arc<Process> {
        Arc::new(Process { state: State::new(IDLE), mailbox: Mailbox::new(), scheduled: AtomicU32::new(0) })
    }

    /// push, then look at the word: `Process::deliver`.
    fn send(&self, message: u32) {
        if self.mailbox.push(Box::new(message)) == Pushed::First && self.state.make_ready() {
            assert_eq!(self.scheduled.fetch_add(1, Ordering::SeqCst), 0, "scheduled twice at once");
        }
    }

    /// One turn, up to rest: `run::work`.
    fn turn(&self, seen: &mut u32) {
        self.scheduled.fetch_sub(1, Ordering::SeqCst);
        if !self.state.begin_turn() {
            assert_eq!(self.state.unqueue(), Unqueued::Ready);
            if self.state.shift(READY, RUNNING, 0, 0).is_err() {
                return;
            }
        }
        loop {
            // SAFETY: RUNNING.
            match unsafe { self.mailbox.pop() } {
                Pop::Message(_) => *seen += 1,
                Pop::Busy | Pop::Priority => thread::yield_now(),
                Pop::Empty => {
                    assert!(self.state.rest());
                    if self.mailbox.is_empty() || self.state.shift(IDLE, RUNNING, 0, 0).is_err() {
                        return;
                    }
                }
            }
        }
    }
}

#[test]
fn a_message_that_comes_as_it_rests_is_not_forgotten_and_nobody_schedules_twice() {
    loom::model(|| {
        let process = Process::new();
        let senders: Vec<_> = (0..2)
            .map(|n| {
                let process = process.clone();
                thread::spawn(move || process.send(n))
            })
            .collect();
        let mut seen = 0;
        while seen < 2 {
            if process.scheduled.load(Ordering::SeqCst) > 0 {
                process.turn(&mut seen);
            } else {
                thread::yield_now();
            }
        }
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
}

/// `home::run_thread`: the thread itself stands for the queue.
fn on_its_own_thread(process: &Process, token: &AtomicBool) -> u32 {
    let mut retired = 0;
    loop {
        retired += u32::from(process.state.unqueue() == Unqueued::Retire);
        if process.state.shift(READY, RUNNING, 0, 0).is_ok() {
            loop {
                // SAFETY: RUNNING.
                match unsafe { process.mailbox.pop() } {
                    Pop::Message(message) if *message == 1 => {
                        process.state.shift(RUNNING, DEAD, 0, 0).unwrap();
                        retired += u32::from(process.state.gone());
                        break;
                    }
                    Pop::Message(_) => {}
                    Pop::Busy | Pop::Priority => thread::yield_now(),
                    Pop::Empty => {
                        assert!(process.state.rest());
                        if process.mailbox.is_empty() || process.state.shift(IDLE, RUNNING, 0, 0).is_err() {
                            break;
                        }
                    }
                }
            }
        }
        match process.state.phase() {
            DEAD => break,
            READY => {}
            _ => {
                while !token.load(Ordering::SeqCst) {
                    thread::yield_now();
                }
                token.store(false, Ordering::SeqCst);
            }
        }
    }
    retired + u32::from(process.state.unqueue() == Unqueued::Retire)
}

#[test]
fn a_process_on_its_own_thread_is_retired_once_whenever_its_last_message_comes() {
    loom::model(|| {
        let process = Process::new();
        let token = Arc::new(AtomicBool::new(true));
        let (their_process, their_token) = (process.clone(), token.clone());
        let sender = thread::spawn(move || {
            their_process.mailbox.push(Box::new(1));
            if their_process.state.make_ready() {
                their_token.store(true, Ordering::SeqCst);
            }
        });
        assert_eq!(on_its_own_thread(&process, &token), 1);
        sender.join().unwrap();
    });
}

/// `inline`: a caller runs an idle process, while somebody sends to it.
#[test]
fn what_comes_during_an_inline_call_is_heard_of_by_one() {
    loom::model(|| {
        let process = Process::new();
        let other = process.clone();
        let sender = thread::spawn(move || other.send(1));
        let took = process.state.shift(IDLE, CALLBACK, 0, 0).is_ok();
        if took {
            assert!(process.state.rest_at_return());
            if !process.mailbox.is_empty() && process.state.make_ready() {
                assert_eq!(process.scheduled.fetch_add(1, Ordering::SeqCst), 0, "scheduled twice at once");
            }
        }
        sender.join().unwrap();
        let mut seen = 0;
        assert_eq!(process.scheduled.load(Ordering::SeqCst), 1);
        process.turn(&mut seen);
        assert_eq!(seen, 1);
    });
}

/// `inline`, steps *take*, *answer* and *detach*, while somebody ends the callee: `0` is no call at hand, `1` a desk, and
/// `2` the slot.
#[test]
fn the_call_of_an_inline_caller_is_answered_once_whenever_its_callee_is_struck() {
    for kill in [true, false] {
        for waits in [true, false] {
            loom::model(move || {
                let state = Arc::new(State::new(IDLE));
                let at_hand = Arc::new(AtomicU32::new(0));
                let take_slot = |at_hand: &AtomicU32| {
                    u32::from(at_hand.load(Ordering::SeqCst) == 2 && at_hand.swap(0, Ordering::SeqCst) == 2)
                };
                let (their_state, their_call) = (state.clone(), at_hand.clone());
                let striker = thread::spawn(move || match their_state.strike(kill) {
                    Struck::Ours | Struck::Ghost { .. } => (true, take_slot(&their_call)),
                    Struck::Theirs => (false, 0),
                    Struck::Nothing => panic!("nobody else ends it"),
                });
                let (mut answers, mut ended) = (0, false);
                let took = state.shift(IDLE, CALLBACK, 0, 0).is_ok();
                if took {
                    at_hand.store(1, Ordering::Relaxed);
                    let mut rests = false;
                    if !waits {
                        at_hand.store(0, Ordering::Relaxed);
                        rests = state.rest_at_return();
                        if !rests {
                            at_hand.store(1, Ordering::Relaxed);
                        }
                    }
                    if rests {
                        answers += 1;
                    } else {
                        at_hand.store(2, Ordering::SeqCst);
                        if state.is_dead() {
                            answers += take_slot(&at_hand);
                        }
                        match state.shift(CALLBACK, RUNNING, 0, 0) {
                            // The end of the one who runs it, or its answer.
                            Ok(word) => {
                                answers += take_slot(&at_hand);
                                ended = word & EXIT != 0;
                            }
                            Err(word) => assert_eq!(word & 0xf, DEAD),
                        }
                    }
                }
                let (theirs, their_answers) = striker.join().unwrap();
                assert_eq!(answers + their_answers, u32::from(took));
                assert!(!(theirs && ended));
            });
        }
    }
}

/// A sender, and one who has just left it alone (`run::lie_down`, `start::spawn`).
#[test]
fn of_two_who_find_it_idle_one_schedules_it() {
    loom::model(|| {
        let state = Arc::new(State::new(IDLE));
        let other = state.clone();
        let sender = thread::spawn(move || u32::from(other.make_ready()));
        let mine = u32::from(state.make_ready());
        assert_eq!(mine + sender.join().unwrap(), 1);
    });
}

impl Process {
    /// One turn in which each message is for user code, which may be killed: `run::work` of what `Flow::Returned` says.
    /// Gives whether it has become a ghost.
    fn turn_of_callbacks(&self, seen: &mut u32) -> bool {
        self.scheduled.fetch_sub(1, Ordering::SeqCst);
        if !self.state.begin_turn() {
            assert_eq!(self.state.unqueue(), Unqueued::Ready);
            return false;
        }
        loop {
            // SAFETY: RUNNING.
            match unsafe { self.mailbox.pop_if(|_| true) } {
                Some(words) => {
                    // SAFETY: taken out just now.
                    drop::<Box<u32>>(unsafe { Box::unpack(words) });
                    *seen += 1;
                    if !self.state.enter_callback() {
                        return false;
                    }
                    if self.mailbox.is_empty() && self.state.rest_at_return() {
                        if self.mailbox.is_empty() || self.state.shift(IDLE, RUNNING, 0, 0).is_err() {
                            return false;
                        }
                    } else if self.state.shift(CALLBACK, RUNNING, 0, 0).is_err() {
                        return true;
                    }
                }
                None if self.mailbox.is_empty() => {
                    if !self.state.rest() {
                        return false;
                    }
                    if self.mailbox.is_empty() || self.state.shift(IDLE, RUNNING, 0, 0).is_err() {
                        return false;
                    }
                }
                None => thread::yield_now(),
            }
        }
    }
}

#[test]
fn a_message_that_comes_as_a_callback_returns_is_not_forgotten() {
    loom::model(|| {
        let process = Process::new();
        let senders: Vec<_> = (0..2)
            .map(|n| {
                let process = process.clone();
                thread::spawn(move || process.send(n))
            })
            .collect();
        let mut seen = 0;
        while seen < 2 {
            if process.scheduled.load(Ordering::SeqCst) > 0 {
                assert!(!process.turn_of_callbacks(&mut seen));
            } else {
                thread::yield_now();
            }
        }
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
}

#[test]
fn a_kill_as_a_callback_returns_leaves_exactly_one_to_carry_out_the_exit() {
    loom::model(|| {
        let process = Process::new();
        process.send(1);
        let theirs = process.clone();
        let killer = thread::spawn(move || theirs.state.strike(true));
        let mut seen = 0;
        let ghost = process.turn_of_callbacks(&mut seen);
        match killer.join().unwrap() {
            Struck::Ours => assert!(!ghost),
            Struck::Ghost { resume, between } => assert!(ghost && !resume && between),
            Struck::Theirs => assert!(!ghost),
            Struck::Nothing => panic!("nobody else struck it"),
        }
    });
}

#[test]
fn one_of_many_strikes_carries_out_the_exit() {
    loom::model(|| {
        let process = Process::new();
        let strikers: Vec<_> = (0..2)
            .map(|_| {
                let process = process.clone();
                thread::spawn(move || u32::from(process.state.strike(true) == Struck::Ours))
            })
            .collect();
        let ours: u32 = strikers.into_iter().map(|striker| striker.join().unwrap()).sum();
        assert_eq!(ours, 1);
    });
}

#[test]
fn a_kill_during_a_callback_leaves_exactly_one_to_carry_out_the_exit() {
    loom::model(|| {
        let process = Arc::new(State::new(RUNNING));
        let other = process.clone();
        let striker = thread::spawn(move || match other.strike(true) {
            Struck::Ghost { resume, between } => {
                assert!(!resume && between);
                1
            }
            Struck::Theirs => 0,
            struck => panic!("{struck:?}"),
        });
        // The runner: enter callback, leave it, look for EXIT.
        let mine = if process.enter_callback() {
            match process.shift(CALLBACK, RUNNING, 0, 0) {
                Err(_) => 0,
                Ok(_) => 1,
            }
        } else {
            1
        };
        let theirs: u32 = striker.join().unwrap();
        // Fenced from outside: theirs. Else the runner sees EXIT at its next step, and it is ours.
        assert_eq!(mine + theirs, 1);
    });
}

#[test]
fn an_end_at_return_is_either_its_own_or_that_of_who_struck_it() {
    for kill in [false, true] {
        loom::model(move || {
            let process = Arc::new(State::new(CALLBACK));
            let other = process.clone();
            let striker = thread::spawn(move || other.strike(kill));
            let mine = process.end_at_return();
            match striker.join().unwrap() {
                Struck::Nothing => assert!(mine),
                // Of the striker, or, told to, of the runner.
                Struck::Ghost { .. } => assert!(!mine && kill),
                Struck::Theirs => assert!(!mine && !kill && process.load() & EXIT != 0),
                Struck::Ours => panic!("nobody runs it"),
            }
        });
    }
}

/// `process::awaited`: *await* and then the park, whose first look at what was given is left out; and *hand*.
#[test]
fn what_is_handed_over_is_not_slept_through() {
    #[derive(Default)]
    struct Owner {
        awaited: bool,
        given: bool,
        message: bool,
    }
    loom::model(|| {
        let owner = Arc::new((State::new(CALLBACK), Mutex::new(Owner::default())));
        let other = owner.clone();
        let task = thread::spawn(move || {
            let (state, inner) = &*other;
            let mut inner = inner.lock().unwrap();
            let awaited = inner.awaited;
            (inner.given, inner.message) = (awaited, !awaited);
            drop(inner);
            if awaited {
                state.unpark();
            }
        });
        let (state, inner) = &*owner;
        inner.lock().unwrap().awaited = true;
        // What was a message before that is seen at the first look.
        if !inner.lock().unwrap().message {
            let mut is_first = true;
            while std::mem::take(&mut is_first) || !inner.lock().unwrap().given {
                if state.park(true) {
                    while state.phase() != RESUMING {
                        thread::yield_now();
                    }
                    assert!(state.shift(RESUMING, CALLBACK, 0, 0).is_ok());
                }
            }
        }
        task.join().unwrap();
    });
}
