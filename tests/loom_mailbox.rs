//! Models of the mailbox: run with `RUSTFLAGS="--cfg loom" cargo test --release --test loom_mailbox`.
#![cfg(loom)]

use loom::sync::Arc;
use loom::thread;
use regrow::mailbox::{Mailbox, Pop};

#[test]
fn two_senders_and_a_receiver_lose_nothing_and_keep_each_senders_order() {
    loom::model(|| {
        let mailbox = Arc::new(Mailbox::<_>::new());
        let senders: Vec<_> = (0..2u32)
            .map(|sender| {
                let mailbox = mailbox.clone();
                thread::spawn(move || {
                    mailbox.push((sender, 0));
                    mailbox.push((sender, 1));
                })
            })
            .collect();
        let mut next = [0; 2];
        let mut seen = 0;
        while seen < 4 {
            // SAFETY: this thread alone pops.
            match unsafe { mailbox.pop() } {
                Pop::Message((sender, n)) => {
                    assert_eq!(n, next[sender as usize]);
                    next[sender as usize] += 1;
                    seen += 1;
                }
                Pop::Empty | Pop::Busy => thread::yield_now(),
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
            their_mailbox.push(());
        });
        loop {
            // SAFETY: this thread alone pops.
            if let Pop::Message(()) = unsafe { mailbox.pop() } {
                // SAFETY: the sender wrote it before its push.
                assert_eq!(place.with(|place| unsafe { *place }), 7);
                break;
            }
            thread::yield_now();
        }
        sender.join().unwrap();
    });
}
