//! Who has what: the places of each process in the tables, so that an end costs only what the process had.
//!
//! **Locks.** A process's lock, then a table's, then a shard of this; never two of one sort.

use crate::process::IdHash;
use crate::sync::Mutex;
use crate::sync::room::Room;
use crate::term::{Pid, Ref, Term};
use crossbeam::utils::CachePadded;
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;

const SHARDS: usize = 16;

/// Where something of a process is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Member(Term),
    /// A monitor of a group.
    Monitor(Term, Ref),
    /// Subscribed to exactly this topic, or to this pattern.
    Topic(Arc<str>),
    Pattern(Arc<str>),
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
        let mut places = shard.places.get(&pid)?.iter();
        places.find(|place| matches!(place, Place::Monitor(_, other) if *other == monitor)).cloned()
    }

    /// Nothing is added any more; who had something, and what, to be freed outside.
    pub fn close(&self) -> Vec<(Pid, HashSet<Place>)> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.closed = true;
            all.extend(std::mem::take(&mut shard.places));
        }
        all
    }
}
