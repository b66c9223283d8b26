//! Messages that a supervisor has taken and not handled, in their order.
//!
//! Each goes in once and comes out once, however many others there are: when all of 100,000 children end at once, what
//! is told of the others waits while one of them is restarted. The reason of a child's end is found by its pid, for a
//! supervisor that stops a child wants it before its turn.

use crate::process::Message;
use crate::term::{Pid, Term};
use std::collections::{HashMap, VecDeque};

#[derive(Default)]
pub(super) struct Waiting {
    /// None: it was taken out before its turn.
    messages: VecDeque<Option<Message>>,
    /// The number of the first; those behind it count on.
    first: i64,
    /// The number of the last EXIT of each pid.
    exits: HashMap<Pid, i64>,
}

impl Waiting {
    /// Behind all others.
    pub fn push(&mut self, message: Message) {
        let number = self.first + self.messages.len() as i64;
        if let Message::Exit { from, .. } = &message {
            self.exits.insert(*from, number);
        }
        self.messages.push_back(Some(message));
    }

    /// The first.
    pub fn pop(&mut self) -> Option<Message> {
        while let Some(message) = self.messages.pop_front() {
            let number = self.first;
            self.first += 1;
            if let Some(message) = message {
                if let Message::Exit { from, .. } = &message
                    && self.exits.get(from) == Some(&number)
                {
                    self.exits.remove(from);
                }
                return Some(message);
            }
        }
        None
    }

    /// Those that come next are older than all that are here.
    pub fn put_before(&mut self, mut older: Waiting) {
        let front = self.first - older.messages.len() as i64;
        for (from, number) in older.exits.drain() {
            self.exits.entry(from).or_insert(front + number - older.first);
        }
        self.first = front;
        while let Some(message) = older.messages.pop_back() {
            self.messages.push_front(message);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// What that process ended with.
    pub fn reason_of(&self, pid: Pid) -> Option<&Term> {
        let number = self.exits.get(&pid)?;
        match self.messages.get(usize::try_from(number - self.first).ok()?)? {
            Some(Message::Exit { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    /// As [`Waiting::reason_of`]; the EXIT is taken out.
    pub fn take_exit(&mut self, pid: Pid) -> Option<Term> {
        let number = self.exits.remove(&pid)?;
        match self.messages.get_mut(usize::try_from(number - self.first).ok()?)?.take() {
            Some(Message::Exit { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    /// All of them, in their order.
    pub fn drain(&mut self) -> impl DoubleEndedIterator<Item = Message> + '_ {
        self.exits.clear();
        self.first = 0;
        self.messages.drain(..).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(pid: u64, reason: i64) -> Message {
        Message::Exit { from: Pid(pid), reason: Term::int(reason) }
    }

    fn reasons(waiting: &mut Waiting) -> Vec<i64> {
        std::iter::from_fn(|| waiting.pop())
            .filter_map(|message| match message {
                Message::Exit { reason, .. } => reason.as_int(),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn they_come_out_in_the_order_in_which_they_came() {
        let mut waiting = Waiting::default();
        (1..5).for_each(|at| waiting.push(exit(at, at as i64)));
        assert!(waiting.pop().is_some());
        waiting.push(exit(9, 9));
        let mut older = Waiting::default();
        older.push(exit(7, 7));
        older.push(exit(2, 20));
        waiting.put_before(older);
        // The later one of two is the one that is found.
        assert_eq!(waiting.reason_of(Pid(2)).and_then(Term::as_int), Some(2));
        assert_eq!(waiting.reason_of(Pid(7)).and_then(Term::as_int), Some(7));
        assert_eq!(reasons(&mut waiting), [7, 20, 2, 3, 4, 9]);
        assert!(waiting.is_empty() && waiting.exits.is_empty());
    }

    #[test]
    fn an_exit_that_is_taken_out_is_found_no_more() {
        let mut waiting = Waiting::default();
        (1..5).for_each(|at| waiting.push(exit(at, at as i64)));
        assert_eq!(waiting.take_exit(Pid(3)).and_then(|reason| reason.as_int()), Some(3));
        assert!(waiting.take_exit(Pid(3)).is_none() && waiting.reason_of(Pid(3)).is_none());
        waiting.pop();
        assert_eq!(waiting.take_exit(Pid(4)).and_then(|reason| reason.as_int()), Some(4));
        assert!(waiting.take_exit(Pid(1)).is_none());
        assert_eq!(reasons(&mut waiting), [2]);
    }
}
