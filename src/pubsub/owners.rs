//! Who has what: the places of each process in the tables, so that an end costs only what the process had.
//!
//! **Locks.** A process's lock, then a table's, then a shard of this; never two of one sort.

use crate::process::IdHash;
use crate::sync::Mutex;
use crate::sync::room::Room;
use crate::term::{Pid, Ref, Term};
use crossbeam::utils::CachePadded;
use hashbrown::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

const SHARDS: usize = 16;

/// Where something of a process is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Member(Term),
    /// A monitor of a group. One is told from others by its ref alone, so that it is found by that.
    Monitor(Term, Ref),
    /// Subscribed to exactly this topic, or to this pattern.
    Topic(Arc<str>),
    Pattern(Arc<str>),
}

impl PartialEq for Place {
    fn eq(&self, other: &Place) -> bool {
        match (self, other) {
            (Place::Member(group), Place::Member(other)) => group == other,
            (Place::Monitor(_, monitor), Place::Monitor(_, other)) => monitor == other,
            (Place::Topic(name), Place::Topic(other)) | (Place::Pattern(name), Place::Pattern(other)) => name == other,
            _ => false,
        }
    }
}

impl Eq for Place {}

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Place::Member(group) => group.hash(state),
            Place::Monitor(_, monitor) => monitor.hash(state),
            Place::Topic(name) | Place::Pattern(name) => name.hash(state),
        }
    }
}

#[derive(Default)]
struct Shard {
    closed: bool,
    places: HashMap<Pid, HashSet<Place>, IdHash>,
}

#[derive(Default)]
pub(super) struct Owners {
    shards: [CachePadded<Mutex<Shard>>; SHARDS],
}

impl Owners {
    fn shard(&self, pid: Pid) -> &Mutex<Shard> {
        &self.shards[pid.index() as usize % SHARDS]
    }

    /// Notes a place. None: nothing is added any more; else whether it is the process's first.
    pub fn add(&self, pid: Pid, place: Place) -> Option<bool> {
        let mut shard = self.shard(pid).lock();
        if shard.closed {
            return None;
        }
        let places = shard.places.entry(pid).or_default();
        places.insert(place);
        Some(places.len() == 1)
    }

    /// Forgets a place; true when the process has none left. The place as it was kept is handed back, to be freed
    /// outside.
    pub fn remove(&self, pid: Pid, place: &Place) -> (bool, Option<Place>) {
        let mut shard = self.shard(pid).lock();
        let Some(places) = shard.places.get_mut(&pid) else { return (true, None) };
        let kept = places.take(place);
        let is_last = places.is_empty();
        places.tidy();
        if is_last {
            shard.places.remove(&pid);
            shard.places.tidy();
        }
        (is_last, kept)
    }

    /// Takes all places of a process that ends.
    pub fn take(&self, pid: Pid) -> Option<HashSet<Place>> {
        let mut shard = self.shard(pid).lock();
        let places = shard.places.remove(&pid);
        shard.places.tidy();
        places
    }

    /// The monitor of that ref, if the process has it.
    pub fn monitor(&self, pid: Pid, monitor: Ref) -> Option<Place> {
        let shard = self.shard(pid).lock();
        shard.places.get(&pid)?.get(&Place::Monitor(Term::nil(), monitor)).cloned()
    }

    /// From now on nothing is added.
    pub fn close(&self) {
        for shard in &self.shards {
            shard.lock().closed = true;
        }
    }

    /// Who has something, and what, to be freed outside.
    pub fn take_all(&self) -> Vec<(Pid, HashSet<Place>)> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(std::mem::take(&mut shard.lock().places));
        }
        all
    }
}
