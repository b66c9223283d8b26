//! One part of a registry's table: its keys, and under each the entries in the order in which they came. Of a unique
//! registry's keys those that lie in their two words are in `quick`, of which what is under the lock is here.
//!
//! An entry's place is the hash of its key and a number, for ever; so whoever holds many finds each at once. Where in its
//! holder's row that is noted lies with it, so that neither is searched for. What is taken out is handed back, to be freed
//! outside the lock that the part lies under.

use super::quick::Locked;
use crate::sync::room::is_roomy;
use crate::sync::stir::stir;
use crate::term::{Pid, Term};
use hashbrown::hash_table::HashTable;
use std::collections::BTreeMap;

/// What was taken out, to be freed outside all locks.
#[derive(Default)]
pub struct Removed {
    /// Where it is one entry, which is the rule, nothing is allocated for it.
    pub key: Term,
    pub value: Term,
    pub more: Vec<Term>,
}

/// So many entries are all that one part can have.
const MOST: u32 = u32::MAX - 1;
/// In place of their number: the registry ends, and nothing is added any more.
const CLOSED: u32 = u32::MAX;

#[derive(Default)]
pub struct Shard {
    pub keys: HashTable<Key>,
    pub quick: Locked,
    /// The number of the next entry: with the hash, its place for ever.
    pub next: u64,
}

/// A key and who has it: one cache line, so that a lookup misses the cache once here.
#[repr(align(64))]
pub struct Key {
    pub hash: u64,
    pub key: Term,
    pub held: Held,
}

const _: () = assert!(size_of::<Key>() == 64);

pub enum Held {
    /// With where its holder has noted it; so, and not in the entry, it takes no room.
    One(u32, Entry),
    /// By number, that is in the order they came; two at least.
    Many(BTreeMap<u64, Entry>),
}

pub struct Entry {
    pub number: u64,
    pub pid: Pid,
    pub value: Term,
}

impl Held {
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        let (one, many) = match self {
            Held::One(_, entry) => (Some(entry), None),
            Held::Many(entries) => (None, Some(entries.values())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    pub fn get(&self, number: u64) -> Option<&Entry> {
        match self {
            Held::One(_, entry) => (entry.number == number).then_some(entry),
            Held::Many(entries) => entries.get(&number),
        }
    }

    pub fn get_mut(&mut self, number: u64) -> Option<&mut Entry> {
        match self {
            Held::One(_, entry) => (entry.number == number).then_some(entry),
            Held::Many(entries) => entries.get_mut(&number),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Held::One(..) => 1,
            Held::Many(entries) => entries.len(),
        }
    }

    pub fn add(&mut self, entry: Entry) {
        match self {
            Held::Many(entries) => {
                entries.insert(entry.number, entry);
            }
            Held::One(..) => {
                if let Held::One(_, first) = std::mem::replace(self, Held::Many(BTreeMap::new())) {
                    self.add(first);
                }
                self.add(entry);
            }
        }
    }
}

impl Shard {
    pub fn is_closed(&self) -> bool {
        self.quick.entries == CLOSED
    }

    pub fn is_full(&self) -> bool {
        self.quick.entries == MOST
    }

    /// How many entries there are.
    pub fn count(&self) -> usize {
        if self.is_closed() { 0 } else { self.quick.entries as usize }
    }

    /// Closes it for good, once what `quick` has was taken out. Gives the other keys.
    pub fn close(&mut self) -> HashTable<Key> {
        self.quick.entries = CLOSED;
        std::mem::take(&mut self.keys)
    }

    #[inline]
    pub fn find(&self, hash: u64, key: &Term) -> Option<&Key> {
        self.keys.find(hash, |known| known.hash == hash && known.key == *key)
    }

    pub fn holds(&self, hash: u64, key: &Term, number: u64) -> bool {
        self.find(hash, key).is_some_and(|known| known.held.get(number).is_some())
    }

    /// Takes one entry out, and its key with the last.
    pub fn remove(&mut self, hash: u64, number: u64, removed: &mut Vec<Term>) {
        let here = |known: &Key| known.hash == hash && known.held.get(number).is_some();
        let Ok(mut place) = self.keys.find_entry(hash, here) else { return };
        if place.get().held.len() > 1 {
            if let Held::Many(entries) = &mut place.get_mut().held {
                removed.extend(entries.remove(&number).map(|entry| entry.value));
            }
            self.quick.entries -= 1;
            return;
        }
        let (known, _) = place.remove();
        self.removed_one();
        removed.push(known.key);
        match known.held {
            Held::One(_, entry) => removed.push(entry.value),
            Held::Many(entries) => removed.extend(entries.into_values().map(|entry| entry.value)),
        }
    }

    /// A key was taken out with its one entry.
    pub fn removed_one(&mut self) {
        self.quick.entries -= 1;
        let capacity = self.keys.capacity();
        if is_roomy(self.keys.len(), capacity, size_of::<Key>()) {
            self.keys.shrink_to(self.keys.len() * 2, |known| known.hash);
            stir((capacity - self.keys.capacity()) * size_of::<Key>());
        }
    }
}
