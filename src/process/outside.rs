//! Work that goes on outside: what a runtime is not quiet for, although none of its own threads is at work.
//!
//! Two kinds of it. A *busy token* is held by whoever handed work to a thread or a program that regrow knows nothing
//! of, and is given back when that is done. A *call to a host process* can be answered from outside only, so it counts
//! by itself: until it is answered, its caller has given up, or the host has ended.
//!
//! A deferred call of an ordinary server does not count: as a rule a timer, another process or nobody answers it, and
//! those are looked at in their own way. A server that hands such a call out of the runtime holds a token for it.

use super::control::Process;
use super::id_hash::IdHash;
use super::node::Node;
use super::reply::{ReplyTo, Slot, call_number, owe_as};
use crate::sync::room::Room;
use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::term::Ref;
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;

/// What goes on outside of one runtime.
#[derive(Default)]
pub(super) struct Outside {
    /// Counts whatever is added or taken away, so that nothing can come and go between two looks.
    changes: AtomicU64,
    work: Mutex<Work>,
    /// How many calls are listed; answering one takes no lock while it is 0.
    calls: AtomicU64,
}

#[derive(Default)]
struct Work {
    tokens: HashSet<Ref, IdHash>,
    /// By the number that they are answered under.
    calls: HashMap<u64, Arc<Slot>, IdHash>,
}

impl Outside {
    /// A call has been answered, or never will be.
    pub fn answered(&self, call: u64) {
        // Listed before anybody could know its number.
        if self.calls.load(Ordering::Acquire) == 0 {
            return;
        }
        // The slot goes after the lock.
        let slot = {
            let mut work = self.work.lock();
            let slot = work.calls.remove(&call);
            work.calls.tidy();
            if slot.is_some() {
                self.calls.fetch_sub(1, Ordering::Release);
                self.changes.fetch_add(1, Ordering::SeqCst);
            }
            slot
        };
        drop(slot);
    }
}

impl Node {
    /// Takes a busy token: the runtime is not quiet until it is given back.
    pub fn take_busy(&self) -> Ref {
        let token = Ref::fresh();
        let mut work = self.outside.work.lock();
        work.tokens.insert(token);
        self.outside.changes.fetch_add(1, Ordering::SeqCst);
        token
    }

    /// Gives a busy token back; false when it was given back before.
    pub fn give_busy(&self, token: Ref) -> bool {
        let mut work = self.outside.work.lock();
        let held = work.tokens.remove(&token);
        work.tokens.tidy();
        self.outside.changes.fetch_add(u64::from(held), Ordering::SeqCst);
        held
    }

    /// Busy tokens, and calls that a host process has not answered and somebody waits for.
    pub fn busy_count(&self) -> usize {
        let work = self.outside.work.lock();
        work.tokens.len() + work.calls.values().filter(|slot| slot.is_awaited()).count()
    }

    /// None while there is work outside; else a number that is another one if there was some in between. For settle.
    pub fn outside_stamp(&self) -> Option<u64> {
        let stamp = self.outside.changes.load(Ordering::SeqCst);
        (self.busy_count() == 0).then_some(stamp)
    }
}

/// As [`super::owe`], for a call that is answered from outside; the runtime is not quiet meanwhile.
pub fn owe_outside(process: &Process, reply: ReplyTo) -> Option<u64> {
    let outside = &process.node.outside;
    let (slot, call) = (reply.slot()?, call_number());
    {
        let mut work = outside.work.lock();
        work.calls.insert(call, slot);
        outside.calls.fetch_add(1, Ordering::Release);
        outside.changes.fetch_add(1, Ordering::SeqCst);
    }
    let owed = owe_as(process, reply, call);
    if owed.is_none() {
        outside.answered(call);
    }
    owed
}
