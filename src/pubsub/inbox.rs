//! The bound of one subscription: what a publisher leaves and the subscriber has not taken yet.
//!
//! ```text
//!   publisher ── push ──► inbox: [lag 3, m4, m5]  at most `limit` messages
//!       │                                ▲
//!       └── a ticket for each item ──► mailbox ──► the subscriber takes a ticket, and with it the first item
//! ```
//!
//! A publisher never waits: at the limit a message is dropped and counted, and the count stands where the messages are
//! missing, as an item of its own. So there are always as many items as tickets, sent or about to be, and no ticket
//! finds nothing. The lock is held for a few instructions; nothing is freed under it.
//!
//! A loom model drives this file (`tests/loom_bound.rs`).

use crate::sync::Mutex;
use std::collections::VecDeque;

/// Which message goes when there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    DropNewest,
    DropOldest,
}

/// What a ticket stands for.
#[derive(Debug, PartialEq, Eq)]
pub enum Item<T> {
    Message(T),
    /// So many messages are missing here.
    Lag(u64),
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub struct Pushed<T> {
    /// Tell the subscriber that there is one item more.
    pub ticket: bool,
    /// The message that was dropped, to be freed.
    pub dropped: Option<T>,
}

pub struct Inbox<T> {
    limit: usize,
    overflow: Overflow,
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    items: VecDeque<Item<T>>,
    /// How many of them are messages.
    messages: usize,
}

impl<T> Inner<T> {
    fn add(&mut self, message: T) {
        self.items.push_back(Item::Message(message));
        self.messages += 1;
    }

    /// Takes the oldest message out; none is in front of it but a lag.
    fn drop_oldest(&mut self) -> Option<T> {
        let at = usize::from(matches!(self.items.front(), Some(Item::Lag(_))));
        match self.items.remove(at) {
            Some(Item::Message(message)) => {
                self.messages -= 1;
                Some(message)
            }
            _ => None,
        }
    }
}

impl<T> Inbox<T> {
    /// `limit` is at least 1.
    pub fn new(limit: usize, overflow: Overflow) -> Inbox<T> {
        let inner = Inner { items: VecDeque::new(), messages: 0 };
        Inbox { limit: limit.max(1), overflow, inner: Mutex::new(inner) }
    }

    /// Leaves a message, or counts that one is missing.
    pub fn push(&self, message: T) -> Pushed<T> {
        if cfg!(broken_bound) {
            // What a look and an addition do in place of one step: two may find the last place free.
            let is_full = self.inner.lock().messages >= self.limit;
            if !is_full {
                self.inner.lock().add(message);
                return Pushed { ticket: true, dropped: None };
            }
            return self.push_full(&mut self.inner.lock(), message);
        }
        let mut inner = self.inner.lock();
        if inner.messages < self.limit {
            inner.add(message);
            return Pushed { ticket: true, dropped: None };
        }
        self.push_full(&mut inner, message)
    }

    fn push_full(&self, inner: &mut Inner<T>, message: T) -> Pushed<T> {
        match self.overflow {
            Overflow::DropNewest => {
                if let Some(Item::Lag(missing)) = inner.items.back_mut() {
                    *missing += 1;
                    return Pushed { ticket: false, dropped: Some(message) };
                }
                inner.items.push_back(Item::Lag(1));
                Pushed { ticket: true, dropped: Some(message) }
            }
            Overflow::DropOldest => {
                let dropped = inner.drop_oldest();
                inner.add(message);
                if let Some(Item::Lag(missing)) = inner.items.front_mut() {
                    *missing += 1;
                    return Pushed { ticket: false, dropped };
                }
                inner.items.push_front(Item::Lag(1));
                Pushed { ticket: true, dropped }
            }
        }
    }

    /// Takes the first item, for a ticket.
    pub fn take(&self) -> Option<Item<T>> {
        let mut inner = self.inner.lock();
        let item = inner.items.pop_front();
        if matches!(item, Some(Item::Message(_))) {
            inner.messages -= 1;
        }
        item
    }

    /// Messages that wait.
    pub fn waiting(&self) -> usize {
        self.inner.lock().messages
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn run(overflow: Overflow, pushes: u32) -> (usize, Vec<Item<u32>>) {
        let inbox = Inbox::new(3, overflow);
        let tickets = (1..=pushes).filter(|&number| inbox.push(number).ticket).count();
        (tickets, std::iter::from_fn(|| inbox.take()).collect())
    }

    #[test]
    fn what_is_missing_is_told_where_it_is_missing() {
        let messages = |range: std::ops::RangeInclusive<u32>| range.map(Item::Message);
        for pushes in 0..=3 {
            for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
                assert_eq!(run(overflow, pushes), (pushes as usize, messages(1..=pushes).collect()));
            }
        }
        let newest = messages(1..=3).chain([Item::Lag(4)]).collect();
        assert_eq!(run(Overflow::DropNewest, 7), (4, newest));
        let oldest = [Item::Lag(4)].into_iter().chain(messages(5..=7)).collect();
        assert_eq!(run(Overflow::DropOldest, 7), (4, oldest));
    }

    #[test]
    fn room_that_is_made_is_used_again() {
        let inbox = Inbox::new(1, Overflow::DropNewest);
        assert!(inbox.push(1).ticket);
        assert_eq!(inbox.push(2), Pushed { ticket: true, dropped: Some(2) });
        assert_eq!(inbox.take(), Some(Item::Message(1)));
        assert!(inbox.push(3).ticket);
        assert_eq!(inbox.push(4), Pushed { ticket: true, dropped: Some(4) });
        assert_eq!(inbox.push(5), Pushed { ticket: false, dropped: Some(5) });
        assert_eq!(inbox.take(), Some(Item::Lag(1)));
        assert_eq!(inbox.take(), Some(Item::Message(3)));
        assert_eq!(inbox.take(), Some(Item::Lag(2)));
        assert_eq!(inbox.take(), None);
    }
}
