//! The children of a supervisor, in the order they were added in, found by id and by pid.

use super::backoff::{self, Backoff, Failures, Verdict};
use super::events::{Failed, Shown};
use super::intensity::Intensity;
use super::requests::Observed;
use super::spec::{ChildSpec, Restart, Strategy};
use super::strategy::{self, Plan};
use crate::clock::{TimerId, TimerKind};
use crate::process::{self, Process};
use crate::sync::room::Room;
use crate::term::{Pid, Term, atoms};
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// A child's place in the order; never used twice.
pub(super) type Key = u64;

/// What is known of a child's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Stopped,
    /// Its first start is under way, and nobody has been told of it: of dynamic supervisors only.
    Starting,
    Running(Pid),
    /// It failed, and the next attempt to restart it is on its way or waits for its time. The pid it had, or
    /// `Pid::NONE`.
    Restarting(Pid),
    /// It failed too often, and stays down until it is restarted by hand. The pid it had, or `Pid::NONE`.
    Parked(Pid),
}

impl Life {
    /// As `which_children` shows it.
    pub fn term(self) -> Term {
        match self {
            Life::Stopped | Life::Starting => Term::atom(atoms::UNDEFINED),
            Life::Running(pid) => Term::pid(pid),
            Life::Restarting(_) => Term::atom(atoms::RESTARTING),
            Life::Parked(_) => Term::atom(atoms::PARKED),
        }
    }

    /// The pid it has, or had when it failed.
    pub fn pid(self) -> Pid {
        match self {
            Life::Running(pid) | Life::Restarting(pid) | Life::Parked(pid) => pid,
            Life::Stopped | Life::Starting => Pid::NONE,
        }
    }
}

/// A child's restart waits for its time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    pub token: u64,
    pub timer: TimerId,
    /// When it is over, on the runtime's clock.
    pub until_ms: u64,
}

impl Wait {
    /// Begins now.
    pub fn begin(me: &Process, delay_ms: u64, token: u64) -> Wait {
        let timer = process::start_tick(me, delay_ms, TimerKind::Supervision, token);
        Wait { token, timer, until_ms: me.node().clock.now() / 1_000_000 + delay_ms }
    }
}

pub(super) struct Child {
    pub spec: ChildSpec,
    life: Life,
    failures: Option<Box<Failures>>,
    pub wait: Option<Wait>,
    /// How often it was to be restarted.
    pub restarts: u64,
    /// It has failed, and has not come up since.
    pub failed: Option<Box<Failed>>,
    /// When it came up last: nanoseconds of the runtime's clock.
    up_since: u64,
}

impl Child {
    pub fn life(&self) -> Life {
        self.life
    }

    /// As events and the history tell of it.
    pub fn shown(&self) -> Shown<'_> {
        Shown { id: Some(&self.spec.id), pid: self.life.pid(), restarts: self.restarts }
    }

    /// For how long it was up before it failed, at `now`; 0 when it has not come up since it failed the last time.
    pub fn uptime_ms(&self, now: u64) -> u64 {
        if self.failed.is_some() { 0 } else { now.saturating_sub(self.up_since) / 1_000_000 }
    }

    /// It is down, and comes up only when its time has come or somebody says so.
    pub fn is_held_back(&self) -> bool {
        self.wait.is_some() || matches!(self.life, Life::Parked(_))
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

impl ChildCount {
    /// `#{specs, active, supervisors, workers}`
    pub fn term(&self) -> Term {
        let counts = [
            ("specs", self.specs),
            ("active", self.active),
            ("supervisors", self.supervisors),
            ("workers", self.workers),
        ];
        Term::map(counts.into_iter().map(|(key, count)| (Term::atom_named(key), Term::int(count as i64))).collect())
    }
}

/// The children of one id. Most have an id of their own.
enum Same {
    One(Key),
    Many(BTreeSet<Key>),
}

#[derive(Default)]
pub(super) struct Children {
    next: Key,
    by_key: BTreeMap<Key, Child>,
    by_id: HashMap<Term, Same>,
    /// Also by the pid that they had when they failed, and by that of a start under way.
    by_pid: HashMap<Pid, Key>,
    /// How many significant children run, or are to run again.
    significant: usize,
}

impl Children {
    /// Adds one that does not run yet, behind all others.
    pub fn add(&mut self, spec: ChildSpec) -> Key {
        let key = self.next;
        self.next += 1;
        match self.by_id.entry(spec.id.clone()) {
            Entry::Vacant(vacant) => {
                vacant.insert(Same::One(key));
            }
            Entry::Occupied(mut same) => match same.get_mut() {
                Same::One(first) => {
                    let both = BTreeSet::from([*first, key]);
                    same.insert(Same::Many(both));
                }
                Same::Many(keys) => {
                    keys.insert(key);
                }
            },
        }
        self.insert(key, spec, Life::Stopped);
        key
    }

    /// Adds one that is not found by its id, and of which nobody is told before it is up.
    pub fn add_starting(&mut self, spec: ChildSpec, with_id: bool) -> Key {
        let key = if with_id {
            self.add(spec)
        } else {
            let key = self.next;
            self.next += 1;
            self.insert(key, spec, Life::Stopped);
            key
        };
        self.set(key, Life::Starting);
        key
    }

    fn insert(&mut self, key: Key, spec: ChildSpec, life: Life) {
        let failures = spec.backoff.as_deref().map(|backoff| Box::new(Failures::new(backoff)));
        self.by_key.insert(key, Child { spec, life, failures, wait: None, restarts: 0, failed: None, up_since: 0 });
    }

    pub fn get(&self, key: Key) -> Option<&Child> {
        self.by_key.get(&key)
    }

    pub fn get_mut(&mut self, key: Key) -> Option<&mut Child> {
        self.by_key.get_mut(&key)
    }

    /// All of them, those that are just being started included.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// The child of that id; of several the one that was added last.
    pub fn find(&self, id: &Term) -> Option<Key> {
        match self.by_id.get(id)? {
            Same::One(key) => Some(*key),
            Same::Many(keys) => keys.last().copied(),
        }
    }

    /// Its start is under way, and it goes by that pid too.
    pub fn begins(&mut self, key: Key, pid: Pid) {
        self.by_pid.insert(pid, key);
    }

    /// That start has failed.
    pub fn did_not_begin(&mut self, pid: Pid) {
        self.by_pid.remove(&pid);
        self.by_pid.tidy();
    }

    /// The child that has this pid, or had it when it failed, or is being started with it.
    pub fn find_pid(&self, pid: Pid) -> Option<Key> {
        self.by_pid.get(&pid).copied()
    }

    pub fn set(&mut self, key: Key, life: Life) {
        let Some(child) = self.by_key.get_mut(&key) else { return };
        let (before, after) = (child.life.pid(), life.pid());
        if before != after && before != Pid::NONE {
            self.by_pid.remove(&before);
            self.by_pid.tidy();
        }
        if after != Pid::NONE {
            self.by_pid.insert(after, key);
        }
        let is_up = |life| matches!(life, Life::Running(_) | Life::Restarting(_));
        if child.spec.significant {
            self.significant = self.significant + usize::from(is_up(life)) - usize::from(is_up(child.life));
        }
        child.life = life;
    }

    /// It came up at `now`, with that pid.
    pub fn came_up(&mut self, key: Key, pid: Pid, now: u64) {
        self.set(key, Life::Running(pid));
        let Some(child) = self.by_key.get_mut(&key) else { return };
        child.up_since = now;
        if let Some(failures) = &mut child.failures {
            failures.came_up(now);
        }
    }

    /// It failed: what becomes of it. `shared` is the supervisor's own count.
    pub fn judge(&mut self, key: Key, shared: &mut Intensity, now: u64) -> Verdict {
        let Some(child) = self.by_key.get_mut(&key) else { return Verdict::GiveUp };
        child.restarts += 1;
        let chance = backoff::chance(child.life.pid().0 ^ child.restarts << 48);
        match (&child.spec.backoff, &mut child.failures) {
            (Some(backoff), Some(failures)) => failures.judge(backoff, shared, now, chance),
            _ => Failures::new(&Backoff::default()).judge(&Backoff::default(), shared, now, chance),
        }
    }

    pub fn remove(&mut self, key: Key) {
        self.set(key, Life::Stopped);
        let Some(child) = self.by_key.remove(&key) else { return };
        let Entry::Occupied(mut same) = self.by_id.entry(child.spec.id.clone()) else { return };
        let is_last = match same.get_mut() {
            Same::One(one) => *one == key,
            Same::Many(keys) => {
                keys.remove(&key);
                keys.is_empty()
            }
        };
        if is_last {
            same.remove();
            self.by_id.tidy();
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

    /// Whether a significant child runs, or is to run again.
    pub fn has_significant(&self) -> bool {
        self.significant > 0
    }

    /// What the restart of `failed` does. Siblings that are held back stay down, and so do those that would come up
    /// after them: they follow when their turn has come.
    pub fn plan(&self, strategy: Strategy, failed: Key) -> Plan<Key> {
        let reached = self.by_key.range(strategy::reach(strategy, failed));
        let mut plan = strategy::plan(reached.map(|(&key, child)| (key, child.spec.restart)), failed);
        let held_back = |key: &Key| *key != failed && self.get(*key).is_some_and(Child::is_held_back);
        plan.stop.retain(|key| !held_back(key));
        if let Some(first) = plan.start.iter().position(held_back) {
            plan.start.truncate(if strategy == Strategy::OneForAll { 0 } else { first });
        }
        plan
    }

    fn shown(&self) -> impl DoubleEndedIterator<Item = &Child> {
        self.by_key.values().filter(|child| child.life != Life::Starting)
    }

    /// `[{Id, Pid | undefined | restarting | parked, worker | supervisor, Kind}]`, the last started first.
    pub fn list(&self, id: impl Fn(&Child) -> Term) -> Term {
        let entry = |child: &Child| {
            let kind = Term::atom(child.spec.start.what.kind());
            Term::tuple_of([id(child), child.life.term(), child.spec.type_term(), kind])
        };
        Term::list(self.shown().rev().map(entry).collect())
    }

    /// As [`Children::list`], the first started first, with their restarts.
    pub fn observed(&self, id: impl Fn(&Child) -> Term) -> Vec<Observed> {
        let observed = |child: &Child| {
            let (life, kind) = (child.life.term(), child.spec.start.what.kind());
            let down = match child.wait {
                Some(wait) => Term::tuple_of([life, Term::int(wait.until_ms as i64)]),
                None => life,
            };
            Observed { id: id(child), pid: down.as_pid(), down, kind, restarts: child.restarts }
        };
        self.shown().map(observed).collect()
    }

    /// `look`: whether each is looked at. A child that unlinked itself may be dead without our having heard of it; a
    /// static supervisor of OTP notices here, the others do not.
    pub fn count(&self, look: bool) -> ChildCount {
        let mut count = ChildCount::default();
        for child in self.shown() {
            count.specs += 1;
            if matches!(child.life, Life::Running(pid) if !look || process::is_alive(pid)) {
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
