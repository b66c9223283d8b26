//! Where the entries of each process are, so that its end costs what it had and no more.

#[cfg(not(loom))]
use crate::process::IdHash as ByPid;
use crate::sync::room::Room;
use crate::term::Pid;
use hashbrown::HashMap;
use std::collections::BTreeSet;
/// A model has no processes, and not their hash either.
#[cfg(loom)]
type ByPid = hashbrown::DefaultHashBuilder;

#[derive(Default)]
pub struct Owners {
    /// The registry ends: nothing is added any more.
    pub closed: bool,
    pub places: HashMap<Pid, Places, ByPid>,
}

/// Where the entries of one process are, and whether its link with the registry is ours to take away.
pub struct Places {
    pub linked: bool,
    pub places: PlaceSet,
}

/// Hashes of keys, with the numbers of entries under them. In order, since a process may have any number under one key:
/// by their hash alone those would all lie in one place.
pub enum PlaceSet {
    One(u64, u64),
    Many(BTreeSet<(u64, u64)>),
}

impl Owners {
    /// Notes a place; true when it is the process's first.
    pub fn add(&mut self, pid: Pid, hash: u64, number: u64) -> bool {
        match self.places.get_mut(&pid) {
            Some(known) => {
                known.places.add(hash, number);
                false
            }
            None => {
                self.places.insert(pid, Places { linked: false, places: PlaceSet::One(hash, number) });
                true
            }
        }
    }

    /// Takes out places of a process that adds none any more, `limit` at most; the process with the last.
    pub fn take(&mut self, pid: Pid, limit: usize) -> Vec<(u64, u64)> {
        let Some(known) = self.places.get_mut(&pid) else { return Vec::new() };
        if known.places.len() <= limit {
            return self.forget(pid).map(|known| known.places.to_vec()).unwrap_or_default();
        }
        let places = known.places.first(limit);
        for &(hash, number) in &places {
            known.places.remove(hash, number);
        }
        places
    }

    /// Forgets a place. Some when it was the process's last: whether the link is ours.
    pub fn remove(&mut self, pid: Pid, hash: u64, number: u64) -> Option<bool> {
        if !self.places.get_mut(&pid)?.places.remove(hash, number) {
            return None;
        }
        self.forget(pid).map(|known| known.linked)
    }

    fn forget(&mut self, pid: Pid) -> Option<Places> {
        let known = self.places.remove(&pid);
        self.places.tidy();
        known
    }
}

impl PlaceSet {
    pub fn add(&mut self, hash: u64, number: u64) {
        match self {
            PlaceSet::One(first_hash, first_number) => {
                *self = PlaceSet::Many(BTreeSet::from([(*first_hash, *first_number), (hash, number)]));
            }
            PlaceSet::Many(places) => {
                places.insert((hash, number));
            }
        }
    }

    /// Takes a place out; true when none is left.
    pub fn remove(&mut self, hash: u64, number: u64) -> bool {
        match self {
            PlaceSet::One(first_hash, first_number) => (*first_hash, *first_number) == (hash, number),
            PlaceSet::Many(places) => {
                places.remove(&(hash, number));
                places.is_empty()
            }
        }
    }

    pub fn len(&self) -> usize {
        match self {
            PlaceSet::One(..) => 1,
            PlaceSet::Many(places) => places.len(),
        }
    }

    /// So many of them.
    pub fn first(&self, count: usize) -> Vec<(u64, u64)> {
        match self {
            PlaceSet::One(hash, number) => vec![(*hash, *number)],
            PlaceSet::Many(places) => places.iter().copied().take(count).collect(),
        }
    }

    pub fn to_vec(&self) -> Vec<(u64, u64)> {
        self.first(usize::MAX)
    }

    /// Whether any number under that hash is one that `wanted` takes.
    pub fn any_of(&self, hash: u64, mut wanted: impl FnMut(u64) -> bool) -> bool {
        match self {
            PlaceSet::One(first_hash, number) => *first_hash == hash && wanted(*number),
            PlaceSet::Many(places) => places.range((hash, 0)..=(hash, u64::MAX)).any(|&(_, number)| wanted(number)),
        }
    }

    /// The numbers under that hash, in the order they came.
    pub fn numbers(&self, hash: u64) -> Vec<u64> {
        match self {
            PlaceSet::One(first_hash, number) if *first_hash == hash => vec![*number],
            PlaceSet::One(..) => Vec::new(),
            PlaceSet::Many(places) => places.range((hash, 0)..=(hash, u64::MAX)).map(|&(_, number)| number).collect(),
        }
    }
}
