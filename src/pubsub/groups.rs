//! Groups: who is a member of what, as OTP's `pg` has it.
//!
//! A process is a member as often as it joined. Who monitors a group is told of each change after the moment it asked,
//! in the order of the changes: a change is put into the queue of events under the lock that makes it, and the pubsub's
//! process, alone, sends what is in the queue.
//!
//! That a process has left since it ends is put into the queue once it has ended: whoever hears of it finds nothing of
//! the process any more, as with `pg`, which hears of an end by a signal itself. A member it is no more before that; so
//! who asks to be told in between has not seen it, and does not hear of it.

use crate::process::IdHash;
use crate::sync::room::Room;
use crate::sync::{Mutex, RwLock};
use crate::term::{Pid, Ref, Term};
use crossbeam::utils::CachePadded;
use hashbrown::{DefaultHashBuilder, HashMap};
use std::collections::VecDeque;
use std::hash::BuildHasher;

const SHARDS: usize = 64;

type Shard = CachePadded<RwLock<HashMap<Term, Group>>>;

#[derive(Default)]
struct Group {
    /// How often each has joined.
    members: HashMap<Pid, usize, IdHash>,
    joins: usize,
    monitors: HashMap<Ref, Pid, IdHash>,
}

/// A change, and who is to hear of it.
pub(super) struct Event {
    pub group: Term,
    pub joined: bool,
    /// Joined or left once.
    pub pid: Pid,
    pub watchers: Vec<(Ref, Pid)>,
}

#[derive(Default)]
pub(super) struct Groups {
    hasher: DefaultHashBuilder,
    shards: Box<[Shard]>,
    events: Mutex<VecDeque<Event>>,
    /// Of those who are about to end.
    ending: Mutex<HashMap<Pid, Vec<Event>, IdHash>>,
}

/// Why a process is taken out of a group, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    Once,
    /// As often as it is there.
    All,
    /// As often, since it ends.
    Ends,
}

/// What a change leaves: keys to be freed outside, and whether somebody is to be told.
#[derive(Default)]
pub(super) struct Changed {
    pub removed: Option<Term>,
    pub has_events: bool,
}

impl Groups {
    pub fn new() -> Groups {
        Groups { shards: (0..SHARDS).map(|_| CachePadded::default()).collect(), ..Groups::default() }
    }

    fn shard(&self, group: &Term) -> &RwLock<HashMap<Term, Group>> {
        &self.shards[(self.hasher.hash_one(group) >> 48) as usize % SHARDS]
    }

    /// Whether there is something to be told now.
    fn tell(&self, name: &Term, group: &Group, pid: Pid, times: usize, left: Option<Leave>) -> bool {
        if group.monitors.is_empty() {
            return false;
        }
        let watchers: Vec<_> = group.monitors.iter().map(|(&monitor, &pid)| (monitor, pid)).collect();
        let joined = left.is_none();
        // As in OTP: each time is told by itself, also those of a process that has ended.
        let events = (0..times).map(|_| Event { group: name.clone(), joined, pid, watchers: watchers.clone() });
        if left == Some(Leave::Ends) {
            self.ending.lock().entry(pid).or_default().extend(events);
            return false;
        }
        self.events.lock().extend(events);
        true
    }

    /// Whether there is something to be told once this process has ended.
    pub fn has_news(&self, pid: Pid) -> bool {
        self.ending.lock().contains_key(&pid)
    }

    /// It has ended; whether there is something to be told now.
    pub fn ended(&self, pid: Pid) -> bool {
        let news = {
            let mut ending = self.ending.lock();
            let news = ending.remove(&pid);
            ending.tidy();
            news
        };
        let Some(news) = news else { return false };
        self.events.lock().extend(news);
        true
    }

    /// Adds a member; `note` runs under the group's lock, and may refuse.
    pub fn join(&self, name: &Term, pid: Pid, note: impl FnOnce() -> bool) -> Option<Changed> {
        let mut shard = self.shard(name).write();
        if !note() {
            return None;
        }
        let group = shard.entry(name.clone()).or_default();
        *group.members.entry(pid).or_default() += 1;
        group.joins += 1;
        Some(Changed { removed: None, has_events: self.tell(name, group, pid, 1, None) })
    }

    /// Takes a member out; none: it is no member. `last` runs under the group's lock once the process is no member any
    /// more.
    pub fn leave(&self, name: &Term, pid: Pid, how: Leave, last: impl FnOnce()) -> Option<Changed> {
        let mut shard = self.shard(name).write();
        let group = shard.get_mut(name)?;
        let joined = group.members.get_mut(&pid)?;
        let times = if how == Leave::Once { 1 } else { *joined };
        *joined -= times;
        if *joined == 0 {
            group.members.remove(&pid);
            group.members.tidy();
            last();
        }
        group.joins -= times;
        let has_events = self.tell(name, group, pid, times, Some(how));
        let is_empty = group.joins == 0 && group.monitors.is_empty();
        let removed = if is_empty { take_out(&mut shard, name) } else { None };
        Some(Changed { removed, has_events })
    }

    /// The members, each as often as it joined.
    pub fn members(&self, name: &Term) -> Vec<Pid> {
        let shard = self.shard(name).read();
        shard.get(name).map(Group::list).unwrap_or_default()
    }

    /// The groups that have members.
    pub fn names(&self) -> Vec<Term> {
        let mut names = Vec::new();
        for shard in &self.shards {
            names.extend(shard.read().iter().filter(|(_, group)| group.joins > 0).map(|(name, _)| name.clone()));
        }
        names
    }

    /// Has `pid` told of all that changes from now on; who is a member now. `note` as in [`Groups::join`].
    pub fn monitor(&self, name: &Term, monitor: Ref, pid: Pid, note: impl FnOnce() -> bool) -> Option<Vec<Pid>> {
        let mut shard = self.shard(name).write();
        if !note() {
            return None;
        }
        let group = shard.entry(name.clone()).or_default();
        group.monitors.insert(monitor, pid);
        Some(group.list())
    }

    /// The key of a group that nobody needs any more, to be freed outside.
    pub fn demonitor(&self, name: &Term, monitor: Ref) -> Option<Term> {
        let mut shard = self.shard(name).write();
        let group = shard.get_mut(name)?;
        group.monitors.remove(&monitor);
        group.monitors.tidy();
        let is_empty = group.joins == 0 && group.monitors.is_empty();
        if is_empty { take_out(&mut shard, name) } else { None }
    }

    /// What is to be told, in order.
    pub fn next_event(&self) -> Option<Event> {
        let mut events = self.events.lock();
        let event = events.pop_front();
        events.tidy();
        event
    }

    pub fn clear(&self) {
        for shard in &self.shards {
            let groups = std::mem::take(&mut *shard.write());
            drop(groups);
        }
        let (events, ending) = (std::mem::take(&mut *self.events.lock()), std::mem::take(&mut *self.ending.lock()));
        drop((events, ending));
    }
}

/// A group that nobody needs any more; its name is to be freed outside.
fn take_out(groups: &mut HashMap<Term, Group>, name: &Term) -> Option<Term> {
    let removed = groups.remove_entry(name);
    groups.tidy();
    removed.map(|(name, _)| name)
}

impl Group {
    fn list(&self) -> Vec<Pid> {
        let mut pids = Vec::with_capacity(self.joins);
        for (&pid, &times) in &self.members {
            pids.extend(std::iter::repeat_n(pid, times));
        }
        pids
    }
}
