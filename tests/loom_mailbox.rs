//! Models of the mailbox: run with `RUSTFLAGS="--cfg loom" cargo test --release --test loom_mailbox`.
#![cfg(loom)]

use loom::sync::Arc;
use loom::thread;
use regrow::mailbox::{Bounded, Mailbox, Offered, Pop};

/// As a process sends: in one step, if it is but that.
fn send<M: Send>(mailbox: &Mailbox<Box<M>>, message: M) {
    match mailbox.claim_behind() {
        Some(slot) => slot.fill(Box::new(message)),
        None => _ = mailbox.push(Box::new(message)),
    }
}

#[test]
fn two_senders_and_a_receiver_lose_nothing_and_keep_each_senders_order() {
    loom::model(|| {
        let mailbox = Arc::new(Mailbox::<_>::new());
        let senders: Vec<_> = (0..2u32)
            .map(|sender| {
                let mailbox = mailbox.clone();
                thread::spawn(move || {
                    send(&mailbox, (sender, 0));
                    send(&mailbox, (sender, 1));
                })
            })
            .collect();
        let mut next = [0; 2];
        let mut seen = 0;
        while seen < 4 {
            // SAFETY: this thread alone pops.
            match unsafe { mailbox.pop() } {
                Pop::Message(message) => {
                    let (sender, n) = *message;
                    assert_eq!(n, next[sender as usize]);
                    next[sender as usize] += 1;
                    seen += 1;
                }
                Pop::Empty | Pop::Busy | Pop::Priority => thread::yield_now(),
            }
        }
        assert!(mailbox.is_empty());
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
}

#[test]
fn what_is_published_is_seen_by_whoever_pops_it() {
    loom::model(|| {
        let mailbox = Arc::new(Mailbox::<_>::new());
        let place = Arc::new(loom::cell::UnsafeCell::new(0));
        let (their_mailbox, their_place) = (mailbox.clone(), place.clone());
        let sender = thread::spawn(move || {
            // SAFETY: the receiver looks only after the message.
            their_place.with_mut(|place| unsafe { *place = 7 });
            their_mailbox.push(Box::new(()));
        });
        loop {
            // SAFETY: this thread alone pops.
            if let Pop::Message(_) = unsafe { mailbox.pop() } {
                // SAFETY: the sender wrote it before its push.
                assert_eq!(place.with(|place| unsafe { *place }), 7);
                break;
            }
            thread::yield_now();
        }
        sender.join().unwrap();
    });
}

/// Waits until it is woken; a wake that came before counts.
#[derive(Clone)]
struct Sleeper(Arc<loom::sync::Notify>);

impl Sleeper {
    fn new() -> Sleeper {
        Sleeper(Arc::new(loom::sync::Notify::new()))
    }
    fn wake(&self) {
        self.0.notify();
    }
}

/// As a sender with the policy to wait: into line, and in as soon as there is room.
fn send_with_patience(mailbox: &Bounded<u32, Sleeper>, number: u64, mut message: u32) {
    match mailbox.offer(message, false) {
        Offered::Taken => return,
        Offered::Full(back) | Offered::Instead(back) => message = back,
    }
    let me = Sleeper::new();
    mailbox.wait(number, me.clone());
    loop {
        let (offered, wake) = mailbox.offer_in_line(number, message);
        match offered {
            Offered::Taken => {
                if let Some(other) = wake {
                    other.wake();
                }
                return;
            }
            Offered::Full(back) | Offered::Instead(back) => message = back,
        }
        me.0.wait();
    }
}

#[test]
fn who_waits_for_room_is_woken_and_the_limit_holds() {
    loom::model(|| {
        let mailbox = Arc::new(Bounded::<u32, Sleeper>::new(1));
        let senders: Vec<_> = (1..3u32)
            .map(|message| {
                let mailbox = mailbox.clone();
                thread::spawn(move || send_with_patience(&mailbox, u64::from(message), message))
            })
            .collect();
        let mut sum = 0;
        while sum < 3 {
            match mailbox.pop(|| false) {
                Some(popped) => {
                    sum += popped.message;
                    if let Some(who) = popped.wake {
                        who.wake();
                    }
                }
                None => thread::yield_now(),
            }
        }
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        assert!(mailbox.is_bare());
    });
}

#[test]
fn who_gives_up_leaves_its_wake_to_the_next() {
    loom::model(|| {
        let mailbox = Arc::new(Bounded::<u32, Sleeper>::new(1));
        assert!(matches!(mailbox.offer(1, false), Offered::Taken));
        // In line first, and about to give up; the other comes after it.
        mailbox.wait(10, Sleeper::new());
        let theirs = mailbox.clone();
        let next = thread::spawn(move || send_with_patience(&theirs, 20, 2));
        let theirs = mailbox.clone();
        let receiver = thread::spawn(move || {
            if let Some(who) = theirs.pop(|| false).and_then(|popped| popped.wake) {
                who.wake();
            }
        });
        if let Some(who) = mailbox.give_up(10) {
            who.wake();
        }
        receiver.join().unwrap();
        next.join().unwrap();
        assert_eq!(mailbox.pop(|| false).map(|popped| popped.message), Some(2));
    });
}

#[test]
fn a_closed_one_lets_all_in_and_is_emptied() {
    loom::model(|| {
        let mailbox = Arc::new(Bounded::<u32, Sleeper>::new(1));
        assert!(matches!(mailbox.offer(1, false), Offered::Taken));
        let theirs = mailbox.clone();
        let sender = thread::spawn(move || send_with_patience(&theirs, 20, 2));
        mailbox.close().into_iter().for_each(|who| who.wake());
        sender.join().unwrap();
        let all: Vec<_> = std::iter::from_fn(|| mailbox.pop(|| false)).map(|popped| popped.message).collect();
        assert_eq!(all, [1, 2]);
    });
}

/// Two senders, and a receiver that puts aside what it takes. Gives how many were taken, and how many dropped.
fn put_aside(drop_oldest: bool) -> (usize, usize) {
    let mailbox = Arc::new(Bounded::<u32, Sleeper>::new(1));
    mailbox.begin_holding();
    let senders: Vec<_> = (1..3)
        .map(|message| {
            let mailbox = mailbox.clone();
            thread::spawn(move || match mailbox.offer(message, drop_oldest) {
                Offered::Taken => (1, 0),
                Offered::Instead(_) => (1, 1),
                Offered::Full(_) => (0, 0),
            })
        })
        .collect();
    let (mut taken, mut dropped) = (0, 0);
    for _ in 0..2 {
        if let Some(popped) = mailbox.pop(|| false) {
            dropped += usize::from(mailbox.hold(popped.message, popped.counted).is_some());
        }
    }
    for sender in senders {
        let theirs = sender.join().unwrap();
        (taken, dropped) = (taken + theirs.0, dropped + theirs.1);
    }
    assert_eq!(mailbox.len(), 1);
    (taken, dropped)
}

#[test]
fn what_is_put_aside_has_its_place_on_the_way_too() {
    loom::model(|| assert_eq!(put_aside(false), (1, 0)));
    loom::model(|| assert_eq!(put_aside(true), (2, 1)));
}
