//! The children of a supervisor, in the order they were added in, found by id and by pid.

use super::spec::{ChildSpec, Restart};
use super::strategy::{self, Plan};
use crate::process;
use crate::term::{Pid, Term, atoms};
use hashbrown::HashMap;
use std::collections::BTreeMap;

/// A child's place in the order; never used twice.
pub(super) type Key = u64;

/// What is known of a child's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Stopped,
    Running(Pid),
    /// An attempt to restart it failed, the next is on its way. The pid it had, or `Pid::NONE`.
    Restarting(Pid),
}

impl Life {
    /// As `which_children` shows it.
    pub fn term(self) -> Term {
        match self {
            Life::Stopped => Term::atom(atoms::UNDEFINED),
            Life::Running(pid) => Term::pid(pid),
            Life::Restarting(_) => Term::atom(atoms::RESTARTING),
        }
    }
}

pub(super) struct Child {
    pub spec: ChildSpec,
    life: Life,
}

impl Child {
    pub fn life(&self) -> Life {
        self.life
    }
}

/// How many there are of each sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChildCount {
    /// All children, running or not.
    pub specs: u64,
    /// Those that are alive.
    pub active: u64,
    pub supervisors: u64,
    pub workers: u64,
}

#[derive(Default)]
pub(super) struct Children {
    next: Key,
    by_key: BTreeMap<Key, Child>,
    by_id: HashMap<Term, Key>,
    by_pid: HashMap<Pid, Key>,
}

impl Children {
    /// Adds one that does not run yet, behind all others. Its id is not taken: the caller has looked.
    pub fn add(&mut self, spec: ChildSpec) -> Key {
        let key = self.next;
        self.next += 1;
        let old = self.by_id.insert(spec.id.clone(), key);
        debug_assert!(old.is_none());
        self.by_key.insert(key, Child { spec, life: Life::Stopped });
        key
    }

    pub fn get(&self, key: Key) -> Option<&Child> {
        self.by_key.get(&key)
    }

    pub fn find(&self, id: &Term) -> Option<Key> {
        self.by_id.get(id).copied()
    }

    pub fn find_pid(&self, pid: Pid) -> Option<Key> {
        self.by_pid.get(&pid).copied()
    }

    pub fn set(&mut self, key: Key, life: Life) {
        let Some(child) = self.by_key.get_mut(&key) else { return };
        if let Life::Running(old) = child.life {
            self.by_pid.remove(&old);
        }
        if let Life::Running(pid) = life {
            self.by_pid.insert(pid, key);
        }
        child.life = life;
    }

    pub fn remove(&mut self, key: Key) {
        self.set(key, Life::Stopped);
        if let Some(child) = self.by_key.remove(&key) {
            self.by_id.remove(&child.spec.id);
        }
    }

    /// Its process is gone: a temporary child is forgotten, another is kept (OTP: `del_child`).
    pub fn gone(&mut self, key: Key) {
        match self.get(key).map(|child| child.spec.restart) {
            Some(Restart::Temporary) => self.remove(key),
            _ => self.set(key, Life::Stopped),
        }
    }

    /// All, in the order they were added in.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = Key> + '_ {
        self.by_key.keys().copied()
    }

    /// What the restart of `failed` does.
    pub fn plan(&self, strategy: super::Strategy, failed: Key) -> Plan<Key> {
        let reached = self.by_key.range(strategy::reach(strategy, failed));
        strategy::plan(reached.map(|(&key, child)| (key, child.spec.restart)), failed)
    }

    /// `[{Id, Pid | undefined | restarting, worker | supervisor, Kind}]`, the last started first.
    pub fn list(&self) -> Term {
        let entry = |child: &Child| {
            let kind = Term::atom(child.spec.start.what.kind());
            Term::tuple_of([child.spec.id.clone(), child.life.term(), child.spec.type_term(), kind])
        };
        Term::list(self.by_key.values().rev().map(entry).collect())
    }

    pub fn count(&self) -> ChildCount {
        let mut count = ChildCount::default();
        for child in self.by_key.values() {
            count.specs += 1;
            // A child that unlinked itself may be dead without our having heard of it.
            if matches!(child.life, Life::Running(pid) if process::is_alive(pid)) {
                count.active += 1;
            }
            if child.spec.is_supervisor {
                count.supervisors += 1;
            } else {
                count.workers += 1;
            }
        }
        count
    }
}
