//! Who has which key: the two maps of a registry, and in what order their locks are taken.
//!
//! From key to entries, and from process to the places of its entries; both are cut into parts with a lock of their
//! own.
//!
//! What keeps an entry from outliving its process, or the registry, is the order of the steps, which
//! `tests/loom_registry.rs` checks:
//!
//! 1. *insert* runs under the owner's process lock while that is not fenced, and takes the key's part, then the part of
//!    the owners, and holds both until the entry is in either map. So an end, which fences first, finds everything.
//! 2. *an end* takes the process's places, then each entry at its place: by number, so that whoever took the key
//!    meanwhile keeps it. Nobody is told of the end before that.
//! 3. *the registry's end* closes the owners' parts, then takes out all entries, and the places last: until an entry is
//!    gone, its process finds it when it ends.
//!
//! Of the keys that are asked for most there is a second index, which is read without a lock (`quick`); it is changed
//! together with the first, under the lock of the key's part.

use super::places::{Owners, Places};
use super::quick::Quick;
pub use super::shard::Removed;
use super::shard::{Entry, Held, Key, Shard};
use crate::sync::{Mutex, RwLock};
use crate::term::{Pid, Term};
use crossbeam::utils::CachePadded;
use hashbrown::DefaultHashBuilder;
use hashbrown::hash_map;
use hashbrown::hash_table::{self, Entry as Place};
use std::hash::BuildHasher;

const OWNER_SHARDS: usize = 16;

/// Who hears of entries that come and go, while the part of the key is locked.
pub trait Hears {
    fn registered(&self, key: &Term, pid: Pid, value: &Term);
    /// `pid` has no entry left under `key`.
    fn unregistered(&self, key: &Term, pid: Pid);
}

pub struct Book<H> {
    unique: bool,
    hasher: DefaultHashBuilder,
    /// For keys that lie in their two words; drawn for each registry, as that of the hasher is.
    seeds: [u64; 2],
    parts: Box<[CachePadded<Part>]>,
    owners: Box<[CachePadded<Mutex<Owners>>]>,
    hears: Option<H>,
}

/// Some of the keys, with what there is of them.
struct Part {
    quick: Quick,
    shard: RwLock<Shard>,
}

impl Part {
    fn new() -> Part {
        Part { quick: Quick::new(), shard: RwLock::new(Shard::default()) }
    }
}

/// Why nothing was added.
#[derive(Debug)]
pub enum Refusal {
    Taken(Pid),
    /// The registry is ending.
    Closed,
}

/// What an ending registry still has to let go of: its owners first, then the keys.
pub struct Closing {
    pub owners: Vec<hash_map::IntoIter<Pid, Places>>,
    pub keys: Vec<hash_table::IntoIter<Key>>,
}

impl<H: Hears> Book<H> {
    pub fn new(unique: bool, shards: usize, hears: Option<H>) -> Book<H> {
        let hasher = DefaultHashBuilder::default();
        // A model goes the same way each time.
        let seeds = if cfg!(loom) { [1, 2] } else { [hasher.hash_one(1), hasher.hash_one(2)] };
        Book {
            unique,
            seeds,
            hasher,
            parts: (0..shards).map(|_| CachePadded::new(Part::new())).collect(),
            owners: (0..OWNER_SHARDS.min(shards)).map(|_| CachePadded::new(Mutex::new(Owners::default()))).collect(),
            hears,
        }
    }

    pub fn partitions(&self) -> usize {
        self.parts.len()
    }

    pub fn is_unique(&self) -> bool {
        self.unique
    }

    #[inline]
    pub fn hash(&self, key: &Term) -> u64 {
        match key.words() {
            // One multiplication whose halves are folded, as the hasher does it too, without its steps for each part.
            Some([meta, value]) => {
                let product = u128::from(meta ^ self.seeds[0]) * u128::from(value ^ self.seeds[1]);
                (product as u64) ^ ((product >> 64) as u64)
            }
            None => self.hasher.hash_one(key),
        }
    }

    #[inline]
    fn shard(&self, hash: u64) -> &RwLock<Shard> {
        &self.part(hash).shard
    }

    #[inline]
    fn part(&self, hash: u64) -> &Part {
        // Bits that the table below uses neither for the place nor for the tag; a product, since a division took a tenth
        // of a lookup.
        let bits = (hash >> 32) as u16 as usize;
        &self.parts[(bits * self.parts.len()) >> 16]
    }

    /// A key was taken out of its part, which is locked.
    fn is_gone(&self, hash: u64, key: &Term) {
        if let (true, Some(words)) = (self.unique, key.words()) {
            self.part(hash).quick.remove(hash, words);
        }
    }

    fn owners(&self, pid: Pid) -> &Mutex<Owners> {
        &self.owners[pid.index() as usize % self.owners.len()]
    }

    /// Adds an entry for `pid`, under whose lock this is called, taking key and value; on a refusal they stay. With the
    /// first entry of the process `first` is called, which tells whether the process's link is ours.
    pub fn insert(
        &self, hash: u64, key: &mut Option<Term>, pid: Pid, value: &mut Option<Term>, first: impl FnOnce() -> bool,
    ) -> Result<(), Refusal> {
        let Some(wanted) = key.as_ref() else { return Err(Refusal::Closed) };
        #[cfg(broken_registry)]
        if self.owners(pid).lock().closed {
            return Err(Refusal::Closed);
        }
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
        #[cfg(not(broken_registry))]
        if owners.closed {
            return Err(Refusal::Closed);
        }
        let entry = Entry { number, pid, value: value.take().unwrap_or_default() };
        if let Some(hears) = &self.hears {
            hears.registered(wanted, pid, &entry.value);
        }
        match place {
            // The key that is there stays; ours goes back to the caller with `key`.
            Place::Occupied(mut place) => place.get_mut().held.add(entry),
            Place::Vacant(place) => {
                if let (true, Some(words)) = (self.unique, wanted.words()) {
                    self.part(hash).quick.insert(hash, words, pid);
                }
                place.insert(Key { hash, key: key.take().unwrap_or_default(), held: Held::One(entry) });
            }
        }
        shard.next += 1;
        shard.entries += 1;
        if owners.add(pid, hash, number, self.unique) {
            let linked = first();
            if let Some(known) = owners.places.get_mut(&pid) {
                known.linked = linked;
            }
        }
        Ok(())
    }

    /// Takes the entries of `pid` under `key` out, those whose value is `wanted`. Some(link is ours) when the process
    /// has no entry left.
    pub fn take(&self, key: &Term, pid: Pid, wanted: impl Fn(&Term) -> bool, removed: &mut Removed) -> Option<bool> {
        if self.unique {
            return self.take_unique(key, pid, wanted, removed);
        }
        let removed = &mut removed.terms;
        let (hash, before) = (self.hash(key), removed.len());
        let mut shard = self.shard(hash).write();
        let mut owners = self.owners(pid).lock();
        let numbers = owners.places.get(&pid)?.places.numbers(hash);
        let mut last = None;
        for &number in &numbers {
            let known = shard.find(hash, key).and_then(|known| known.held.get(number));
            if known.is_some_and(|entry| wanted(&entry.value)) {
                shard.remove(hash, number, removed, |key| self.is_gone(hash, key));
                last = owners.remove(pid, hash, number);
            }
        }
        if let Some(hears) = &self.hears
            && removed.len() > before
            && !numbers.iter().any(|&number| shard.holds(hash, key, number))
        {
            hears.unregistered(key, pid);
        }
        last
    }

    /// As [`Book::take`], where a key has one entry.
    fn take_unique(&self, key: &Term, pid: Pid, wanted: impl Fn(&Term) -> bool, removed: &mut Removed) -> Option<bool> {
        let hash = self.hash(key);
        let mut shard = self.shard(hash).write();
        let place = shard.keys.find_entry(hash, |known| known.hash == hash && known.key == *key).ok()?;
        let entry = place.get().held.iter().next()?;
        if entry.pid != pid || !wanted(&entry.value) {
            return None;
        }
        let mut owners = self.owners(pid).lock();
        // None: the registry is ending.
        owners.places.get(&pid)?;
        let last = owners.remove(pid, hash, entry.number);
        removed.one = Some(place.remove().0);
        shard.removed_one();
        self.is_gone(hash, key);
        if let Some(hears) = &self.hears {
            hears.unregistered(key, pid);
        }
        last
    }

    /// As [`Book::take`], of a process that adds none any more. It is ending, and may have given up its places before
    /// its entries; so they are looked for under the key.
    pub fn take_of_ending(&self, key: &Term, pid: Pid, wanted: impl Fn(&Term) -> bool, removed: &mut Removed) {
        let hash = self.hash(key);
        let mut shard = self.shard(hash).write();
        let Some(known) = shard.find(hash, key) else { return };
        let (gone, left): (Vec<&Entry>, Vec<&Entry>) =
            known.held.iter().filter(|entry| entry.pid == pid).partition(|entry| wanted(&entry.value));
        let numbers: Vec<u64> = gone.iter().map(|entry| entry.number).collect();
        let was_last = left.is_empty() && !numbers.is_empty();
        for number in numbers {
            shard.remove(hash, number, &mut removed.terms, |key| self.is_gone(hash, key));
        }
        if let Some(hears) = &self.hears
            && was_last
        {
            hears.unregistered(key, pid);
        }
    }

    /// Takes out about `limit` entries of a process that ends; how many there were. Fewer than `limit`: nothing is
    /// left.
    pub fn take_some_of(&self, pid: Pid, limit: usize) -> usize {
        let mut places = self.owners(pid).lock().take(pid, limit);
        let mut removed = Vec::new();
        if self.hears.is_some() {
            // Entries of one key one after the other, so that its last can be told.
            places.sort_unstable();
        }
        for (at, &(hash, number)) in places.iter().enumerate() {
            let mut shard = self.shard(hash).write();
            if let Some(hears) = &self.hears {
                let here = |known: &Key| known.hash == hash && known.held.get(number).is_some();
                let key = shard.keys.find(hash, here).map(|known| known.key.clone());
                if let Some(key) = key {
                    if self.is_last_of_key(&shard, &key, pid, hash, &places[at + 1..]) {
                        hears.unregistered(&key, pid);
                    }
                    removed.push(key);
                }
            }
            shard.remove(hash, number, &mut removed, |key| self.is_gone(hash, key));
            drop(shard);
            // Not gathered up: a process may hold a great many.
            removed.clear();
        }
        places.len()
    }

    /// From now on nothing is added; what there was is the caller's to let go of.
    pub fn close(&self) -> Closing {
        let mut closing = Closing { owners: Vec::new(), keys: Vec::new() };
        for shard in &self.owners {
            shard.lock().closed = true;
        }
        for part in &self.parts {
            let mut shard = part.shard.write();
            part.quick.clear();
            shard.entries = 0;
            closing.keys.push(std::mem::take(&mut shard.keys).into_iter());
        }
        for shard in &self.owners {
            closing.owners.push(std::mem::take(&mut shard.lock().places).into_iter());
        }
        closing
    }

    /// Who has the key of a unique registry.
    #[inline]
    pub fn who(&self, key: &Term) -> Option<Pid> {
        if let Some(words) = key.words() {
            let hash = self.hash(key);
            if let Some(known) = self.part(hash).quick.find(hash, words) {
                return known;
            }
        }
        self.holder(key, |pid, _| pid)
    }

    /// Who has the key of a unique registry, and with what value.
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
        self.parts.iter().map(|part| part.shard.read().keys.iter().flat_map(Key::triples).collect())
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
        self.parts.iter().map(|part| part.shard.read().entries).sum()
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
}
