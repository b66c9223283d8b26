//! Where the entries of each process are, so that its end costs what it had and no more.

#[cfg(not(loom))]
use crate::process::IdHash as ByPid;
use crate::sync::room::Room;
use crate::term::Pid;
use hashbrown::HashMap;
use hashbrown::hash_table::{self, HashTable};
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

/// Hashes of keys, with the numbers of entries under them.
pub enum PlaceSet {
    One(u64, u64),
    /// In a unique registry, where each hash has one number as a rule. (In a tree the places of 100,000 entries took two
    /// thirds of the time to give one up and take it again.)
    Apart(HashTable<(u64, u64)>),
    /// As above, of a process that ends: what is left.
    Ending(hash_table::IntoIter<(u64, u64)>),
    /// In a duplicate registry. In order, since a process may have any number under one key: by their hash alone those
    /// would all lie in one place.
    Many(BTreeSet<(u64, u64)>),
}

/// Places of fewer entries than this keep their memory.
const FEW: usize = 256;

impl Owners {
    /// Notes a place; true when it is the process's first.
    pub fn add(&mut self, pid: Pid, hash: u64, number: u64, unique: bool) -> bool {
        match self.places.get_mut(&pid) {
            Some(known) => {
                known.places.add(hash, number, unique);
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
            return self.forget(pid).map(|known| known.places.into_vec()).unwrap_or_default();
        }
        if let PlaceSet::Apart(places) = &mut known.places {
            known.places = PlaceSet::Ending(std::mem::take(places).into_iter());
        }
        if let PlaceSet::Ending(left) = &mut known.places {
            return left.take(limit).collect();
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
    pub fn add(&mut self, hash: u64, number: u64, unique: bool) {
        match self {
            PlaceSet::One(first_hash, first_number) => {
                let first = (*first_hash, *first_number);
                *self = match unique {
                    true => PlaceSet::Apart(HashTable::new()),
                    false => PlaceSet::Many(BTreeSet::new()),
                };
                self.add(first.0, first.1, unique);
                self.add(hash, number, unique);
            }
            PlaceSet::Apart(places) => {
                places.insert_unique(hash, (hash, number), |place| place.0);
            }
            PlaceSet::Many(places) => {
                places.insert((hash, number));
            }
            // Who ends adds none.
            PlaceSet::Ending(_) => {}
        }
    }

    /// Takes a place out; true when none is left.
    pub fn remove(&mut self, hash: u64, number: u64) -> bool {
        match self {
            PlaceSet::One(first_hash, first_number) => (*first_hash, *first_number) == (hash, number),
            PlaceSet::Apart(places) => {
                if let Ok(place) = places.find_entry(hash, |place| *place == (hash, number)) {
                    place.remove();
                }
                if places.capacity() > FEW && places.len() < places.capacity() / 8 {
                    places.shrink_to(places.len() * 2, |place| place.0);
                }
                places.is_empty()
            }
            PlaceSet::Many(places) => {
                places.remove(&(hash, number));
                places.is_empty()
            }
            // Its end goes through them.
            PlaceSet::Ending(_) => false,
        }
    }

    pub fn len(&self) -> usize {
        match self {
            PlaceSet::One(..) => 1,
            PlaceSet::Apart(places) => places.len(),
            PlaceSet::Ending(left) => left.len(),
            PlaceSet::Many(places) => places.len(),
        }
    }

    /// So many of them; none of one who ends, which is about to lose them.
    fn first(&self, count: usize) -> Vec<(u64, u64)> {
        match self {
            PlaceSet::One(hash, number) => vec![(*hash, *number)],
            PlaceSet::Apart(places) => places.iter().copied().take(count).collect(),
            PlaceSet::Ending(_) => Vec::new(),
            PlaceSet::Many(places) => places.iter().copied().take(count).collect(),
        }
    }

    fn into_vec(self) -> Vec<(u64, u64)> {
        match self {
            PlaceSet::Ending(left) => left.collect(),
            others => others.to_vec(),
        }
    }

    pub fn to_vec(&self) -> Vec<(u64, u64)> {
        self.first(usize::MAX)
    }

    /// Whether any number under that hash is one that `wanted` takes. In a unique registry the one at hand is the only
    /// one, and none is left of one who ends.
    pub fn any_of(&self, hash: u64, mut wanted: impl FnMut(u64) -> bool) -> bool {
        match self {
            PlaceSet::One(first_hash, number) => *first_hash == hash && wanted(*number),
            PlaceSet::Apart(places) => places.iter_hash(hash).any(|place| place.0 == hash && wanted(place.1)),
            PlaceSet::Ending(_) => false,
            PlaceSet::Many(places) => places.range((hash, 0)..=(hash, u64::MAX)).any(|&(_, number)| wanted(number)),
        }
    }

    /// The numbers under that hash; in a duplicate registry in the order they came.
    pub fn numbers(&self, hash: u64) -> Vec<u64> {
        let mut numbers = Vec::new();
        match self {
            PlaceSet::Many(places) => numbers.extend(places.range((hash, 0)..=(hash, u64::MAX)).map(|place| place.1)),
            others => {
                others.any_of(hash, |number| {
                    numbers.push(number);
                    false
                });
            }
        }
        numbers
    }
}
