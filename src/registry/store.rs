//! The table of one registry: who has which key.
//!
//! Two maps, both cut into shards: from key to entries, and from process to the places of its entries, so that an end
//! costs only what the process had. A place is the key's hash and a number; no key is kept twice.
//!
//! **Locks.** Owner's process lock, then the key's shard, then the shard of owners; never two of one sort. An entry is
//! added under the owner's process lock, so a fence finds it. What is taken out is handed back, to be freed outside.
//!
//! **The end of the registry.** `close` marks the shards of owners first, so that nothing is added any more, then takes
//! everything out, and lets go of it in slices. The registry's side of its links is this map: it is taken up at that
//! moment only.

use super::RegistrySpec;
use super::listeners::Listeners;
use super::meta::Meta;
use super::query;
use crate::pattern::Spec;
use crate::process::{self, IdHash, Owned};
use crate::sync::{Mutex, RwLock};
use crate::term::{Pid, Term};
use crossbeam::utils::CachePadded;
use hashbrown::hash_table::{Entry as Place, HashTable};
use hashbrown::{DefaultHashBuilder, HashMap, hash_map, hash_table};
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::{Arc, Weak};

/// Shards of keys, unless told otherwise: so many that two threads seldom meet at one.
const SHARDS: usize = 64;
const OWNER_SHARDS: usize = 16;

pub(super) struct Store {
    me: Weak<Store>,
    pid: Pid,
    unique: bool,
    hasher: DefaultHashBuilder,
    shards: Box<[CachePadded<RwLock<Shard>>]>,
    owners: Box<[CachePadded<Mutex<Owners>>]>,
    /// What is left while the registry ends; of the one who carries that out.
    closing: Mutex<Option<Closing>>,
    listeners: Option<Listeners>,
    meta: Meta,
}

/// What an ending registry still has to let go of: its owners first, then the keys.
struct Closing {
    owners: Vec<hash_map::IntoIter<Pid, Places>>,
    keys: Vec<hash_table::IntoIter<Key>>,
}

#[derive(Default)]
struct Shard {
    keys: HashTable<Key>,
    entries: usize,
    /// The number of the next entry: with the hash, its place for ever.
    next: u64,
}

/// A key and who has it: one cache line, so that a lookup misses the cache once here.
#[repr(align(64))]
struct Key {
    hash: u64,
    key: Term,
    held: Held,
}

const _: () = assert!(size_of::<Key>() == 64);

enum Held {
    One(Entry),
    /// By number, that is in the order they came; two at least.
    Many(BTreeMap<u64, Entry>),
}

struct Entry {
    number: u64,
    pid: Pid,
    value: Term,
}

#[derive(Default)]
struct Owners {
    closed: bool,
    places: HashMap<Pid, Places, IdHash>,
}

/// Where the entries of one process are, and whether its link with the registry is ours to take away.
struct Places {
    linked: bool,
    places: PlaceSet,
}

enum PlaceSet {
    One(u64, u64),
    Many(HashTable<(u64, u64)>),
}

/// Why nothing was added.
pub(super) enum Refusal {
    Taken(Pid),
    /// The registry is ending.
    Closed,
}

/// What was taken out, to be freed outside all locks.
pub(super) type Removed = Vec<Term>;

impl Held {
    fn iter(&self) -> impl Iterator<Item = &Entry> {
        let (one, many) = match self {
            Held::One(entry) => (Some(entry), None),
            Held::Many(entries) => (None, Some(entries.values())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    fn get(&self, number: u64) -> Option<&Entry> {
        match self {
            Held::One(entry) => (entry.number == number).then_some(entry),
            Held::Many(entries) => entries.get(&number),
        }
    }

    fn get_mut(&mut self, number: u64) -> Option<&mut Entry> {
        match self {
            Held::One(entry) => (entry.number == number).then_some(entry),
            Held::Many(entries) => entries.get_mut(&number),
        }
    }

    fn len(&self) -> usize {
        match self {
            Held::One(_) => 1,
            Held::Many(entries) => entries.len(),
        }
    }

    fn add(&mut self, entry: Entry) {
        match self {
            Held::Many(entries) => {
                entries.insert(entry.number, entry);
            }
            Held::One(_) => {
                if let Held::One(first) = std::mem::replace(self, Held::Many(BTreeMap::new())) {
                    self.add(first);
                }
                self.add(entry);
            }
        }
    }
}

impl Key {
    fn triples(&self) -> Vec<Term> {
        let triple = |entry: &Entry| Term::tuple_of([self.key.clone(), Term::pid(entry.pid), entry.value.clone()]);
        self.held.iter().map(triple).collect()
    }
}

impl PlaceSet {
    fn add(&mut self, hash: u64, number: u64) {
        match self {
            PlaceSet::One(first_hash, first_number) => {
                let mut table = HashTable::with_capacity(4);
                table.insert_unique(*first_hash, (*first_hash, *first_number), |&(hash, _)| hash);
                table.insert_unique(hash, (hash, number), |&(hash, _)| hash);
                *self = PlaceSet::Many(table);
            }
            PlaceSet::Many(table) => {
                table.insert_unique(hash, (hash, number), |&(hash, _)| hash);
            }
        }
    }

    /// Takes a place out; true when none is left.
    fn remove(&mut self, hash: u64, number: u64) -> bool {
        match self {
            PlaceSet::One(first_hash, first_number) => (*first_hash, *first_number) == (hash, number),
            PlaceSet::Many(table) => {
                if let Ok(place) = table.find_entry(hash, |&place| place == (hash, number)) {
                    place.remove();
                }
                if table.capacity() > 64 && table.len() < table.capacity() / 8 {
                    table.shrink_to(table.len() * 2, |&(hash, _)| hash);
                }
                table.is_empty()
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            PlaceSet::One(..) => 1,
            PlaceSet::Many(table) => table.len(),
        }
    }

    /// So many of them.
    fn first(&self, count: usize) -> Vec<(u64, u64)> {
        match self {
            PlaceSet::One(hash, number) => vec![(*hash, *number)],
            PlaceSet::Many(table) => table.iter().copied().take(count).collect(),
        }
    }

    fn to_vec(&self) -> Vec<(u64, u64)> {
        self.first(usize::MAX)
    }

    /// Whether any number under that hash is one that `wanted` takes.
    fn any_of(&self, hash: u64, mut wanted: impl FnMut(u64) -> bool) -> bool {
        match self {
            PlaceSet::One(first_hash, number) => *first_hash == hash && wanted(*number),
            PlaceSet::Many(table) => table.iter_hash(hash).any(|&(at, number)| at == hash && wanted(number)),
        }
    }

    /// The numbers under that hash, in the order they came.
    fn numbers(&self, hash: u64) -> Vec<u64> {
        match self {
            PlaceSet::One(first_hash, number) if *first_hash == hash => vec![*number],
            PlaceSet::One(..) => Vec::new(),
            PlaceSet::Many(table) => {
                let here = table.iter_hash(hash).filter(|place| place.0 == hash);
                let mut numbers: Vec<u64> = here.map(|&(_, number)| number).collect();
                numbers.sort_unstable();
                numbers
            }
        }
    }
}

impl Shard {
    fn find(&self, hash: u64, key: &Term) -> Option<&Key> {
        self.keys.find(hash, |known| known.hash == hash && known.key == *key)
    }

    fn holds(&self, hash: u64, key: &Term, number: u64) -> bool {
        self.find(hash, key).is_some_and(|known| known.held.get(number).is_some())
    }

    /// Takes one entry out, and its key with the last.
    fn remove(&mut self, hash: u64, number: u64, removed: &mut Removed) -> bool {
        let here = |known: &Key| known.hash == hash && known.held.get(number).is_some();
        let Ok(mut place) = self.keys.find_entry(hash, here) else { return false };
        self.entries -= 1;
        if place.get().held.len() > 1 {
            if let Held::Many(entries) = &mut place.get_mut().held {
                removed.extend(entries.remove(&number).map(|entry| entry.value));
            }
            return true;
        }
        let (known, _) = place.remove();
        removed.push(known.key);
        match known.held {
            Held::One(entry) => removed.push(entry.value),
            Held::Many(entries) => removed.extend(entries.into_values().map(|entry| entry.value)),
        }
        if self.keys.capacity() > 256 && self.keys.len() < self.keys.capacity() / 8 {
            self.keys.shrink_to(self.keys.len() * 2, |known| known.hash);
        }
        true
    }
}

impl Owners {
    /// Notes a place; true when it is the process's first.
    fn add(&mut self, pid: Pid, hash: u64, number: u64) -> bool {
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
    fn take(&mut self, pid: Pid, limit: usize) -> Vec<(u64, u64)> {
        let Some(known) = self.places.get_mut(&pid) else { return Vec::new() };
        if known.places.len() <= limit {
            return self.places.remove(&pid).map(|known| known.places.to_vec()).unwrap_or_default();
        }
        let places = known.places.first(limit);
        for &(hash, number) in &places {
            known.places.remove(hash, number);
        }
        places
    }

    /// Forgets a place. Some when it was the process's last: whether the link is ours.
    fn remove(&mut self, pid: Pid, hash: u64, number: u64) -> Option<bool> {
        if !self.places.get_mut(&pid)?.places.remove(hash, number) {
            return None;
        }
        self.places.remove(&pid).map(|known| known.linked)
    }
}

impl Store {
    pub fn new(pid: Pid, spec: &RegistrySpec) -> Arc<Store> {
        let shards = if spec.partitions == 0 { SHARDS } else { spec.partitions.min(super::MAX_PARTITIONS) };
        Arc::new_cyclic(|me| Store {
            me: me.clone(),
            pid,
            unique: spec.unique,
            hasher: DefaultHashBuilder::default(),
            shards: (0..shards).map(|_| CachePadded::default()).collect(),
            owners: (0..OWNER_SHARDS.min(shards)).map(|_| CachePadded::default()).collect(),
            closing: Mutex::new(None),
            listeners: Listeners::new(pid, &spec.listeners),
            meta: Meta::new(&spec.meta),
        })
    }

    /// What is kept beside the entries.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    pub fn partitions(&self) -> usize {
        self.shards.len()
    }

    pub fn is_unique(&self) -> bool {
        self.unique
    }

    #[inline]
    pub fn hash(&self, key: &Term) -> u64 {
        self.hasher.hash_one(key)
    }

    #[inline]
    fn shard(&self, hash: u64) -> &RwLock<Shard> {
        // Bits that the table below uses neither for the place nor for the tag.
        &self.shards[(hash >> 48) as usize % self.shards.len()]
    }

    fn owners(&self, pid: Pid) -> &Mutex<Owners> {
        &self.owners[pid.index() as usize % self.owners.len()]
    }

    fn owned(&self) -> Option<Arc<dyn Owned>> {
        self.me.upgrade().map(|me| me as Arc<dyn Owned>)
    }

    /// Adds an entry for the process that `owner` shows, taking key and value. On a refusal they stay.
    pub fn insert(
        &self, hash: u64, key: &mut Option<Term>, owner: &mut process::Owner<'_>, value: &mut Option<Term>,
    ) -> Result<(), Refusal> {
        let pid = owner.pid();
        let Some(wanted) = key.as_ref() else { return Err(Refusal::Closed) };
        let mut shard = self.shard(hash).write();
        let shard = &mut *shard;
        let number = shard.next;
        let same = |known: &Key| known.hash == hash && known.key == *wanted;
        let place = shard.keys.entry(hash, same, |known| known.hash);
        if let (true, Place::Occupied(place)) = (self.unique, &place)
            && let Some(holder) = place.get().held.iter().next()
        {
            return Err(Refusal::Taken(holder.pid));
        }
        let mut owners = self.owners(pid).lock();
        if owners.closed {
            return Err(Refusal::Closed);
        }
        let entry = Entry { number, pid, value: value.take().unwrap_or_default() };
        if let Some(listeners) = &self.listeners {
            listeners.registered(wanted, pid, &entry.value);
        }
        match place {
            // The key that is there stays; ours goes back to the caller with `key`.
            Place::Occupied(mut place) => place.get_mut().held.add(entry),
            Place::Vacant(place) => {
                place.insert(Key { hash, key: key.take().unwrap_or_default(), held: Held::One(entry) });
            }
        }
        shard.next += 1;
        shard.entries += 1;
        if owners.add(pid, hash, number)
            && let Some(owned) = self.owned()
        {
            owner.add(&owned);
            let linked = pid != self.pid && owner.link(self.pid);
            if let Some(known) = owners.places.get_mut(&pid) {
                known.linked = linked;
            }
        }
        Ok(())
    }

    /// Takes the entries of `pid` under `key` out, those whose value `wanted` matches. Some(link is ours) when the
    /// process has no entry left.
    fn take(&self, key: &Term, pid: Pid, wanted: Option<&Spec>, removed: &mut Removed) -> Option<bool> {
        let (hash, before) = (self.hash(key), removed.len());
        let mut shard = self.shard(hash).write();
        let mut owners = self.owners(pid).lock();
        let numbers = owners.places.get(&pid)?.places.numbers(hash);
        let mut last = None;
        for &number in &numbers {
            let known = shard.find(hash, key).and_then(|known| known.held.get(number));
            if known.is_some_and(|entry| wanted.is_none_or(|wanted| query::matches(wanted, &entry.value))) {
                shard.remove(hash, number, removed);
                last = owners.remove(pid, hash, number);
            }
        }
        if let Some(listeners) = &self.listeners
            && removed.len() > before
            && !numbers.iter().any(|&number| shard.holds(hash, key, number))
        {
            listeners.unregistered(key, pid);
        }
        last
    }

    /// As [`Store::take`]; with its last entry the process is not the registry's any more.
    pub fn unregister(&self, key: &Term, pid: Pid, wanted: Option<&Spec>) -> Removed {
        let mut removed = Vec::new();
        let owned = self.owned();
        let taken = process::with_process(pid, |process| {
            process.own(|owner| {
                if let Some(linked) = self.take(key, pid, wanted, &mut removed) {
                    if let Some(owned) = &owned {
                        owner.remove(owned);
                    }
                    if linked {
                        owner.unlink(self.pid);
                    }
                }
            })
        });
        if taken.flatten().is_none() {
            // It is ending, and its entries go with it; but the caller is promised that this one is gone now.
            self.take(key, pid, wanted, &mut removed);
        }
        removed
    }

    /// Who has the key of a unique registry.
    #[inline]
    pub fn holder<R>(&self, key: &Term, look: impl FnOnce(Pid, &Term) -> R) -> Option<R> {
        let hash = self.hash(key);
        let shard = self.shard(hash).read();
        shard.find(hash, key)?.held.iter().next().map(|entry| look(entry.pid, &entry.value))
    }

    /// All entries of a key, in the order they came.
    pub fn entries(&self, key: &Term) -> Vec<(Pid, Term)> {
        let hash = self.hash(key);
        let shard = self.shard(hash).read();
        let Some(known) = shard.find(hash, key) else { return Vec::new() };
        let mut entries = Vec::with_capacity(known.held.len());
        entries.extend(known.held.iter().map(|entry| (entry.pid, entry.value.clone())));
        entries
    }

    /// The entries of a key as `{Key, Pid, Value}`.
    pub fn triples(&self, key: &Term) -> Vec<Term> {
        let hash = self.hash(key);
        let shard = self.shard(hash).read();
        shard.find(hash, key).map(Key::triples).unwrap_or_default()
    }

    /// All entries as `{Key, Pid, Value}`, part by part.
    pub fn parts(&self) -> impl Iterator<Item = Vec<Term>> {
        self.shards.iter().map(|shard| shard.read().keys.iter().flat_map(Key::triples).collect())
    }

    /// The keys of a process, in no order; a key as often as the process has it.
    pub fn keys(&self, pid: Pid) -> Vec<Term> {
        let places = self.owners(pid).lock().places.get(&pid).map(|known| known.places.to_vec());
        let mut keys = Vec::new();
        for (hash, number) in places.unwrap_or_default() {
            let shard = self.shard(hash).read();
            let here = |known: &Key| known.hash == hash && known.held.get(number).is_some();
            keys.extend(shard.keys.find(hash, here).map(|known| known.key.clone()));
        }
        keys
    }

    /// The values of a process under a key, in the order they came.
    pub fn values(&self, key: &Term, pid: Pid) -> Vec<Term> {
        let hash = self.hash(key);
        let shard = self.shard(hash).read();
        let numbers = self.owners(pid).lock().places.get(&pid).map(|known| known.places.numbers(hash));
        let Some(known) = shard.find(hash, key) else { return Vec::new() };
        let entries = numbers.iter().flatten().filter_map(|&number| known.held.get(number));
        entries.map(|entry| entry.value.clone()).collect()
    }

    /// How many entries there are.
    pub fn count(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().entries).sum()
    }

    /// The entry of `pid` under a key of a unique registry: its number and value.
    pub fn own_entry(&self, key: &Term, pid: Pid) -> Option<(u64, Term)> {
        let hash = self.hash(key);
        let shard = self.shard(hash).read();
        let entry = shard.find(hash, key)?.held.iter().next()?;
        (entry.pid == pid).then(|| (entry.number, entry.value.clone()))
    }

    /// Gives that entry another value, if it is still the same one; the old value, or else the new one back.
    pub fn set_value(&self, key: &Term, number: u64, value: Term) -> Result<Term, Term> {
        let hash = self.hash(key);
        let mut shard = self.shard(hash).write();
        let known = shard.keys.find_mut(hash, |known| known.hash == hash && known.key == *key);
        match known.and_then(|known| known.held.get_mut(number)) {
            Some(entry) => Ok(std::mem::replace(&mut entry.value, value)),
            None => Err(value),
        }
    }

    /// Whether `pid`, which ends, has no more entries of that key but the one at hand: neither in what is left of this
    /// slice, nor in the slices to come.
    fn is_last_of_key(&self, shard: &Shard, key: &Term, pid: Pid, hash: u64, rest: &[(u64, u64)]) -> bool {
        let mut same = rest.iter().take_while(|place| place.0 == hash);
        if same.any(|&(_, number)| shard.holds(hash, key, number)) {
            return false;
        }
        let owners = self.owners(pid).lock();
        !owners.places.get(&pid).is_some_and(|known| known.places.any_of(hash, |number| shard.holds(hash, key, number)))
    }

    /// Ends it, about `limit` owners and keys of it at a time: nothing is added any more, all entries go, and the registry
    /// takes up its links. How many it was.
    fn close(&self, limit: usize) -> usize {
        let under_way = self.closing.lock().take();
        let mut closing = under_way.unwrap_or_else(|| self.begin_to_close());
        let mut done = 0;
        let owned = self.owned();
        while done < limit {
            let Some(owners) = closing.owners.last_mut() else { break };
            let Some((pid, _)) = owners.next() else {
                closing.owners.pop();
                continue;
            };
            if let Some(owned) = &owned {
                process::with_process(pid, |process| process.own(|owner| owner.remove(owned)));
            }
            if pid != self.pid {
                process::with_process(self.pid, |process| process.take_up_links(std::iter::once(pid)));
            }
            done += 1;
        }
        while done < limit {
            let Some(keys) = closing.keys.last_mut() else { break };
            match keys.next() {
                Some(key) => drop(key),
                None => drop(closing.keys.pop()),
            }
            done += 1;
        }
        if !closing.owners.is_empty() || !closing.keys.is_empty() {
            *self.closing.lock() = Some(closing);
        }
        done
    }

    fn begin_to_close(&self) -> Closing {
        let mut closing = Closing { owners: Vec::new(), keys: Vec::new() };
        for shard in &self.owners {
            let mut shard = shard.lock();
            shard.closed = true;
            closing.owners.push(std::mem::take(&mut shard.places).into_iter());
        }
        for shard in &self.shards {
            let mut shard = shard.write();
            shard.entries = 0;
            closing.keys.push(std::mem::take(&mut shard.keys).into_iter());
        }
        closing
    }
}

impl Owned for Store {
    fn release(&self, pid: Pid) {
        while self.release_some(pid, usize::MAX) == usize::MAX {}
    }

    fn release_some(&self, pid: Pid, limit: usize) -> usize {
        if pid == self.pid {
            return self.close(limit);
        }
        let mut places = self.owners(pid).lock().take(pid, limit);
        let mut removed = Vec::new();
        if self.listeners.is_some() {
            // Entries of one key one after the other, so that its last can be told.
            places.sort_unstable();
        }
        for (at, &(hash, number)) in places.iter().enumerate() {
            let mut shard = self.shard(hash).write();
            if let Some(listeners) = &self.listeners {
                let here = |known: &Key| known.hash == hash && known.held.get(number).is_some();
                let key = shard.keys.find(hash, here).map(|known| known.key.clone());
                if let Some(key) = key {
                    if self.is_last_of_key(&shard, &key, pid, hash, &places[at + 1..]) {
                        listeners.unregistered(&key, pid);
                    }
                    removed.push(key);
                }
            }
            shard.remove(hash, number, &mut removed);
            drop(shard);
            // Not gathered up: a process may hold a great many.
            removed.clear();
        }
        places.len()
    }
}
