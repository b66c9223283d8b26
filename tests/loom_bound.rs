//! Models of a subscription's bound: `RUSTFLAGS="--cfg loom" cargo test --release --test loom_bound`.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use regrow::pubsub::inbox::{Inbox, Item, Overflow};

/// Two publishers and a subscriber that takes what it has tickets for, while they are at it and afterwards.
fn no_ticket_finds_nothing_and_none_is_lost(overflow: Overflow) {
    loom::model(move || {
        let inbox = Arc::new(Inbox::<u32>::new(1, overflow));
        let tickets = Arc::new(AtomicUsize::new(0));
        let publishers: Vec<_> = (1..3)
            .map(|value| {
                let (inbox, tickets) = (inbox.clone(), tickets.clone());
                thread::spawn(move || {
                    let pushed = inbox.push(value);
                    assert!(inbox.waiting() <= 1);
                    if pushed.ticket {
                        tickets.fetch_add(1, Ordering::SeqCst);
                    }
                    usize::from(pushed.dropped.is_some())
                })
            })
            .collect();
        let (mut taken, mut missing) = (0, 0);
        let mut take_all = || {
            while tickets.load(Ordering::SeqCst) > 0 {
                tickets.fetch_sub(1, Ordering::SeqCst);
                match inbox.take().expect("a ticket stands for an item") {
                    Item::Message(_) => taken += 1,
                    Item::Lag(count) => missing += count as usize,
                }
            }
        };
        take_all();
        let dropped: usize = publishers.into_iter().map(|publisher| publisher.join().unwrap()).sum();
        take_all();
        assert_eq!(missing, dropped);
        assert_eq!(taken + missing, 2);
        assert_eq!(inbox.take(), None);
    });
}

#[test]
fn with_the_newest_dropped_every_message_is_taken_or_counted() {
    no_ticket_finds_nothing_and_none_is_lost(Overflow::DropNewest);
}

#[test]
fn with_the_oldest_dropped_every_message_is_taken_or_counted() {
    no_ticket_finds_nothing_and_none_is_lost(Overflow::DropOldest);
}
