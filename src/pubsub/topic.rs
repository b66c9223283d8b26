//! The subscribers of one topic or pattern.

use super::inbox::{Inbox, Item};
use crate::process::{self, IdHash, Redeem, Ticket};
use crate::sync::{AtomicUsize, Ordering};
use crate::term::{Pid, Term};
use hashbrown::HashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The bound of one subscription, with the name its lag is told by.
pub(super) struct Bound {
    pub inbox: Inbox<Term>,
    pub topic: Arc<str>,
}

impl Redeem for Bound {
    fn redeem(&self) -> Option<Term> {
        Some(match self.inbox.take()? {
            Item::Message(message) => message,
            Item::Lag(missing) => {
                let missing = Term::int(i64::try_from(missing).unwrap_or(i64::MAX));
                Term::tuple_of([Term::atom_named("lag"), Term::text(&self.topic), missing])
            }
        })
    }
}

/// One who gets messages.
#[derive(Clone)]
pub(super) struct Receiver {
    pub pid: Pid,
    pub bound: Option<Arc<Bound>>,
}

impl Receiver {
    /// False: it is dead.
    pub fn send(&self, message: &Term) -> bool {
        let Some(bound) = &self.bound else { return process::send_if_there(self.pid, message.clone()) };
        let pushed = bound.inbox.push(message.clone());
        if pushed.ticket {
            return process::hand(self.pid, Ticket::new(bound.clone()));
        }
        true
    }
}

/// Whom a message goes to.
pub(super) enum Target {
    One(Receiver),
    /// The first of them that lives.
    AnyOf(Vec<Receiver>),
}

impl Target {
    pub fn send(&self, message: &Term) {
        match self {
            Target::One(receiver) => {
                receiver.send(message);
            }
            Target::AnyOf(receivers) => {
                let _ = receivers.iter().any(|receiver| receiver.send(message));
            }
        }
    }
}

/// Whom a message goes to, as they are found in one topic after the other.
#[derive(Default)]
pub(super) struct Targets {
    found: Vec<Target>,
    /// The members of each queue group, whichever topic or pattern they are subscribed to, and whose turn it is.
    groups: HashMap<Arc<str>, (usize, Vec<Receiver>)>,
}

impl Targets {
    pub fn into_vec(mut self) -> Vec<Target> {
        self.found.extend(self.groups.into_values().map(|(turn, mut members)| {
            let first = turn % members.len();
            members.rotate_left(first);
            Target::AnyOf(members)
        }));
        self.found
    }
}

/// Members of a queue group: each message goes to one of them, in turn.
#[derive(Default)]
struct Queue {
    /// By number, so in the order in which they came.
    members: BTreeMap<u64, Receiver>,
    turn: AtomicUsize,
}

#[derive(Default)]
pub(super) struct Topic {
    plain: HashMap<Pid, Vec<Option<Arc<Bound>>>, IdHash>,
    queues: HashMap<Arc<str>, Queue>,
    /// Where a process is in them, so that its end costs what it had.
    queued: HashMap<Pid, Vec<(Arc<str>, u64)>, IdHash>,
    /// The number of the next member.
    next: u64,
    count: usize,
}

impl Topic {
    pub fn count(&self) -> usize {
        self.count
    }

    pub fn has(&self, pid: Pid) -> bool {
        self.plain.contains_key(&pid) || self.queued.contains_key(&pid)
    }

    pub fn add(&mut self, pid: Pid, queue: Option<Arc<str>>, bound: Option<Arc<Bound>>) {
        self.count += 1;
        match queue {
            None => self.plain.entry(pid).or_default().push(bound),
            Some(queue) => {
                let number = self.next;
                self.next += 1;
                self.queued.entry(pid).or_default().push((queue.clone(), number));
                self.queues.entry(queue).or_default().members.insert(number, Receiver { pid, bound });
            }
        }
    }

    /// Takes all subscriptions of a process out; how many they were. What they held is put into `removed`.
    pub fn remove(&mut self, pid: Pid, removed: &mut Vec<Arc<Bound>>) -> usize {
        let before = self.count;
        if let Some(bounds) = self.plain.remove(&pid) {
            self.count -= bounds.len();
            removed.extend(bounds.into_iter().flatten());
        }
        for (name, number) in self.queued.remove(&pid).into_iter().flatten() {
            let Some(queue) = self.queues.get_mut(&name) else { continue };
            if let Some(member) = queue.members.remove(&number) {
                self.count -= 1;
                removed.extend(member.bound);
            }
            if queue.members.is_empty() {
                self.queues.remove(&name);
            }
        }
        before - self.count
    }

    /// Adds whom a message of `from` goes to.
    pub fn collect(&self, from: Pid, targets: &mut Targets) {
        for (&pid, bounds) in self.plain.iter().filter(|(pid, _)| **pid != from) {
            targets.found.extend(bounds.iter().map(|bound| Target::One(Receiver { pid, bound: bound.clone() })));
        }
        for (name, queue) in &self.queues {
            let mut members = queue.members.values().filter(|member| member.pid != from).cloned().peekable();
            if members.peek().is_none() {
                continue;
            }
            // Relaxed: whose turn it is matters to nobody but the balance.
            let group = targets.groups.entry(name.clone());
            let (_, all) = group.or_insert_with(|| (queue.turn.fetch_add(1, Ordering::Relaxed), Vec::new()));
            all.extend(members);
        }
    }
}
