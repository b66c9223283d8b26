//! Locks by key: one holder at a time, the others in the order in which they came.
//!
//! They belong to the registry's process and are touched by it alone; asking for one is a call to it. The keys are a
//! space of their own, next to the keys of entries. A holder that dies gives its locks back by its DOWN, even while its
//! code still runs on as a ghost. A waiter that is gone (its time ran out, or it died) is passed over, since its call
//! takes no answer any more.
//!
//! Where it is from: Elixir's `Registry.lock/3`.

use crate::process::{Error, Process, ReplyTo};
use crate::term::{Pid, Ref, Term};
use std::collections::{HashMap, VecDeque};

#[derive(Default)]
pub(super) struct Locks {
    held: HashMap<Term, Held>,
    /// Which key a holder's monitor is for.
    monitors: HashMap<Ref, Term>,
    /// Tells one holding from the next of the same key.
    next: u64,
}

struct Held {
    token: u64,
    /// `Pid::NONE`: a thread without identity, which gives it back itself.
    holder: Pid,
    monitor: Option<Ref>,
    waiting: VecDeque<(Pid, ReplyTo)>,
}

impl Locks {
    /// `pid` wants the lock; answered with its token when it has it. Unless it `waits`, it is refused one that is
    /// taken.
    pub fn acquire(&mut self, me: &Process, key: Term, pid: Pid, waits: bool, reply: ReplyTo) {
        if let Some(held) = self.held.get_mut(&key) {
            if pid != Pid::NONE && held.holder == pid {
                reply.fail(Error::WouldDeadlock);
            } else if !waits {
                reply.fail(Error::Timeout);
            } else {
                // Those who have given up go before the list grows: a lock may be held for as long as they ask for it.
                if held.waiting.len() == held.waiting.capacity() {
                    held.waiting.retain(|(_, reply)| reply.is_awaited());
                }
                held.waiting.push_back((pid, reply));
            }
            return;
        }
        self.grant(me, key, VecDeque::from([(pid, reply)]));
    }

    /// Gives it back; nothing happens when `token` does not hold it any more.
    pub fn release(&mut self, me: &Process, key: &Term, token: u64) {
        if self.held.get(key).is_some_and(|held| held.token == token)
            && let Some((key, held)) = self.held.remove_entry(key)
        {
            if let Some(monitor) = held.monitor {
                me.demonitor(monitor);
                self.monitors.remove(&monitor);
            }
            self.grant(me, key, held.waiting);
        }
    }

    /// A holder has died. Its DOWN may also come after it gave the lock back: then there is nothing to do.
    pub fn down(&mut self, me: &Process, monitor: Ref) {
        if let Some(key) = self.monitors.remove(&monitor)
            && let Some(held) = self.held.remove(&key)
        {
            self.grant(me, key, held.waiting);
        }
    }

    /// Gives the lock to the first that still wants it.
    fn grant(&mut self, me: &Process, key: Term, mut waiting: VecDeque<(Pid, ReplyTo)>) {
        while let Some((holder, reply)) = waiting.pop_front() {
            self.next += 1;
            let token = self.next;
            // Before the answer, after which it may be given back at any time.
            let monitor = (holder != Pid::NONE).then(|| me.monitor(holder));
            if !reply.answer(Term::int(token as i64)) {
                if let Some(monitor) = monitor {
                    me.demonitor(monitor);
                }
                continue;
            }
            if let Some(monitor) = monitor {
                self.monitors.insert(monitor, key.clone());
            }
            self.held.insert(key, Held { token, holder, monitor, waiting });
            return;
        }
    }
}
