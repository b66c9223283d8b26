//! Models of priority messages: `RUSTFLAGS="--cfg loom" cargo test --release --test loom_priority`. The steps carry the
//! names of `process/mod.rs`.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;
use regrow::mailbox::{Bounded, Mailbox, Offered, Packed, Pop, Pushed};
use regrow::process::state::{IDLE, READY, RUNNING, State, Unqueued};

/// Takes the next message, if one can be reached.
///
/// # Safety
/// The caller is the one consumer.
unsafe fn take(mailbox: &Mailbox<Box<u32>>) -> Pop<Box<u32>> {
    // SAFETY: the caller's promise.
    if let Some(words) = unsafe { mailbox.pop_if(|_| true) } {
        // SAFETY: taken out just now.
        return Pop::Message(unsafe { Box::unpack(words) });
    }
    // SAFETY: the caller's promise.
    match unsafe { mailbox.pop() } {
        // SAFETY: as above.
        Pop::Priority => match unsafe { mailbox.pop_priority() } {
            Pop::Empty | Pop::Priority => panic!("it was there"),
            found => found,
        },
        found => found,
    }
}

/// All messages, of which there are so many.
fn take_all(mailbox: &Mailbox<Box<u32>>, count: usize) -> Vec<u32> {
    let mut all = Vec::new();
    while all.len() < count {
        // SAFETY: this thread alone pops.
        match unsafe { take(mailbox) } {
            Pop::Message(message) => all.push(*message),
            _ => thread::yield_now(),
        }
    }
    assert!(mailbox.is_empty());
    all
}

#[test]
fn no_message_overtakes_a_priority_message_sent_before_it() {
    loom::model(|| {
        let mailbox = Arc::new(Mailbox::<Box<u32>>::new());
        let theirs = mailbox.clone();
        let sender = thread::spawn(move || {
            theirs.push_priority(Box::new(1));
            theirs.push(Box::new(2));
        });
        assert_eq!(take_all(&mailbox, 2), [1, 2]);
        sender.join().unwrap();
    });
}

#[test]
fn nor_where_others_send_and_ordinary_ones_wait() {
    loom::model(|| {
        let mailbox = Arc::new(Mailbox::<Box<u32>>::new());
        mailbox.push(Box::new(0));
        let senders = [1, 11].map(|first| {
            let mailbox = mailbox.clone();
            thread::spawn(move || {
                mailbox.push_priority(Box::new(first));
                mailbox.push(Box::new(first + 1));
            })
        });
        let all = take_all(&mailbox, 5);
        let at = |message| all.iter().position(|other| *other == message).unwrap();
        assert!(at(1) < at(2) && at(11) < at(12) && at(0) < at(2) && at(0) < at(12), "{all:?}");
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
}

#[test]
fn priority_messages_of_one_sender_keep_their_order_among_two() {
    loom::model(|| {
        let mailbox = Arc::new(Mailbox::<Box<u32>>::new());
        let theirs = mailbox.clone();
        let sender = thread::spawn(move || {
            theirs.push_priority(Box::new(1));
            theirs.push_priority(Box::new(2));
        });
        let theirs = mailbox.clone();
        let other = thread::spawn(move || {
            theirs.push_priority(Box::new(11));
        });
        let all = take_all(&mailbox, 3);
        let at = |message| all.iter().position(|other| *other == message).unwrap();
        assert!(at(1) < at(2), "{all:?}");
        sender.join().unwrap();
        other.join().unwrap();
    });
}

struct Process {
    state: State,
    mailbox: Mailbox<Box<u32>>,
    scheduled: AtomicU32,
}

impl Process {
    /// push, then look at the word: `Process::deliver`.
    fn notify(&self, pushed: Pushed) {
        if pushed == Pushed::First && self.state.make_ready() {
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
            match unsafe { take(&self.mailbox) } {
                Pop::Message(_) => *seen += 1,
                Pop::Busy => thread::yield_now(),
                Pop::Empty | Pop::Priority => {
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
fn a_priority_message_that_comes_as_it_rests_is_not_forgotten() {
    loom::model(|| {
        let process =
            Arc::new(Process { state: State::new(IDLE), mailbox: Mailbox::new(), scheduled: AtomicU32::new(0) });
        let theirs = process.clone();
        let sender = thread::spawn(move || theirs.notify(theirs.mailbox.push_priority(Box::new(1))));
        let theirs = process.clone();
        let other = thread::spawn(move || theirs.notify(theirs.mailbox.push(Box::new(2))));
        let mut seen = 0;
        while seen < 2 {
            if process.scheduled.load(Ordering::SeqCst) > 0 {
                process.turn(&mut seen);
            } else {
                thread::yield_now();
            }
        }
        sender.join().unwrap();
        other.join().unwrap();
    });
}

#[test]
fn a_limit_changes_nothing_in_the_order() {
    loom::model(|| {
        let mailbox = Arc::new((Mailbox::<Box<u32>>::new(), Bounded::<u32, ()>::new(1)));
        let theirs = mailbox.clone();
        let sender = thread::spawn(move || {
            theirs.0.push_priority(Box::new(1));
            assert!(matches!(theirs.1.offer(2, false), Offered::Taken));
        });
        let mut all = Vec::new();
        while all.len() < 2 {
            if let Some(popped) = mailbox.1.pop(|| mailbox.0.has_priority()) {
                all.push(popped.message);
            // SAFETY: this thread alone pops.
            } else if let Pop::Message(message) = unsafe { mailbox.0.pop_priority() } {
                all.push(*message);
            } else {
                thread::yield_now();
            }
        }
        assert_eq!(all, [1, 2]);
        sender.join().unwrap();
    });
}
