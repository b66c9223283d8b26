//! Who has which key: from key to entries, cut into parts with a lock of their own. Where the entries of a process are is
//! noted with the process, under its lock (`process::Whereabouts`).
//!
//! What keeps an entry from outliving its process, or the registry, is the order of the steps, which
//! `tests/loom_registry.rs` checks:
//!
//! 1. *insert* runs under the owner's process lock while that is not fenced, and takes the key's part. Both are held
//!    until the entry is in the part and noted with the process. So an end, which fences first, finds everything.
//! 2. *an end* has the process's note, then takes each entry out at its place: by number, so that whoever took the key
//!    meanwhile keeps it. Nobody is told of the end before that. Two may go through the same note (a supervisor that died
//!    without stopping the process frees its names too): each goes through all of it before it says that it has.
//! 3. *the registry's end* closes each part and takes out what is in it, under the part's lock, and has the processes
//!    forget their notes last: until an entry is gone, its process finds it when it ends.
//!
//! Of the keys that are asked for most there is a second index, which is read without a lock (`quick`); it is changed
//! together with the first, under the lock of the key's part.

use super::quick::Quick;
pub use super::shard::Removed;
use super::shard::{Entry, Held, Key, Shard};
use crate::process::{Left, Spot, Whereabouts};
use crate::sync::RwLock;
use crate::term::{Pid, Term};
use crossbeam::utils::CachePadded;
use hashbrown::DefaultHashBuilder;
use hashbrown::hash_table::{self, Entry as Place};
use std::collections::btree_map;
use std::hash::BuildHasher;

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
    /// The process holds as many as it can.
    Full,
}

/// What an ending registry still has to let go of, entry by entry: who had it.
#[derive(Default)]
pub struct Closing {
    parts: Vec<hash_table::IntoIter<Key>>,
    /// The rest of one key.
    rest: btree_map::IntoIter<u64, Entry>,
}

impl Iterator for Closing {
    type Item = Pid;

    fn next(&mut self) -> Option<Pid> {
        loop {
            if let Some((_, entry)) = self.rest.next() {
                return Some(entry.pid);
            }
            match self.parts.last_mut()?.next().map(|key| key.held) {
                Some(Held::One(_, entry)) => return Some(entry.pid),
                Some(Held::Many(entries)) => self.rest = entries.into_iter(),
                None => drop(self.parts.pop()),
            }
        }
    }
}

impl<H: Hears> Book<H> {
    pub fn new(unique: bool, shards: usize, hears: Option<H>) -> Book<H> {
        let hasher = DefaultHashBuilder::default();
        // A model goes the same way each time.
        let seeds = if cfg!(loom) { [1, 2] } else { [hasher.hash_one(1), hasher.hash_one(2)] };
        Book { unique, seeds, hasher, parts: (0..shards).map(|_| CachePadded::new(Part::new())).collect(), hears }
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

    /// Adds an entry for `pid`, under whose lock this is called, taking key and value, and notes where; on a refusal they
    /// stay.
    pub fn insert(
        &self, hash: u64, key: &mut Option<Term>, pid: Pid, value: &mut Option<Term>, whereabouts: &mut Whereabouts,
    ) -> Result<(), Refusal> {
        let Some(wanted) = key.as_ref() else { return Err(Refusal::Closed) };
        #[cfg(broken_registry)]
        if self.shard(hash).read().closed {
            return Err(Refusal::Closed);
        }
        let part = self.part(hash);
        let mut shard = part.shard.write();
        let shard = &mut *shard;
        #[cfg(not(broken_registry))]
        if shard.closed {
            return Err(Refusal::Closed);
        }
        let number = shard.next;
        let same = |known: &Key| known.hash == hash && known.key == *wanted;
        let place = shard.keys.entry(hash, same, |known| known.hash);
        if let (true, Place::Occupied(place)) = (self.unique, &place)
            && let Some(holder) = place.get().held.iter().next()
        {
            return Err(Refusal::Taken(holder.pid));
        }
        let at = whereabouts.add((hash, number), !self.unique).ok_or(Refusal::Full)?;
        let entry = Entry { number, pid, value: value.take().unwrap_or_default() };
        if let Some(hears) = &self.hears {
            hears.registered(wanted, pid, &entry.value);
        }
        match place {
            // The key that is there stays; ours goes back to the caller with `key`.
            Place::Occupied(mut place) => place.get_mut().held.add(entry),
            Place::Vacant(place) => {
                if let (true, Some(words)) = (self.unique, wanted.words()) {
                    part.quick.insert(hash, words, pid);
                }
                place.insert(Key { hash, key: key.take().unwrap_or_default(), held: Held::One(at, entry) });
            }
        }
        shard.next += 1;
        shard.entries += 1;
        Ok(())
    }

    /// Takes the entries of `pid`, under whose lock this is called, under `key` out, those whose value is `wanted`, and
    /// has them forgotten where they are noted.
    pub fn take(
        &self, key: &Term, pid: Pid, whereabouts: &mut Whereabouts, wanted: impl Fn(&Term) -> bool,
        removed: &mut Removed,
    ) {
        if self.unique {
            return self.take_unique(key, pid, whereabouts, wanted, removed);
        }
        let removed = &mut removed.terms;
        let (hash, before) = (self.hash(key), removed.len());
        let mut shard = self.shard(hash).write();
        let numbers = whereabouts.numbers(hash);
        for &number in &numbers {
            let known = shard.find(hash, key).and_then(|known| known.held.get(number));
            if known.is_some_and(|entry| wanted(&entry.value)) {
                shard.remove(hash, number, removed, |key| self.is_gone(hash, key));
                whereabouts.remove(0, (hash, number));
            }
        }
        if let Some(hears) = &self.hears
            && removed.len() > before
            && !numbers.iter().any(|&number| shard.holds(hash, key, number))
        {
            hears.unregistered(key, pid);
        }
    }

    /// As [`Book::take`], where a key has one entry.
    fn take_unique(
        &self, key: &Term, pid: Pid, whereabouts: &mut Whereabouts, wanted: impl Fn(&Term) -> bool,
        removed: &mut Removed,
    ) {
        let hash = self.hash(key);
        let part = self.part(hash);
        let mut shard = part.shard.write();
        let Ok(place) = shard.keys.find_entry(hash, |known| known.hash == hash && known.key == *key) else { return };
        let Held::One(at, entry) = &place.get().held else { return };
        if entry.pid != pid || !wanted(&entry.value) {
            return;
        }
        whereabouts.remove(*at, (hash, entry.number));
        removed.one = Some(place.remove().0);
        shard.removed_one();
        if let Some(words) = key.words() {
            part.quick.remove(hash, words);
        }
        if let Some(hears) = &self.hears {
            hears.unregistered(key, pid);
        }
        drop(shard);
        if whereabouts.is_roomy() {
            self.close_up(whereabouts);
        }
    }

    /// Gives room back where a process once had many more entries.
    #[cold]
    fn close_up(&self, whereabouts: &mut Whereabouts) {
        whereabouts.close_up(|(hash, number), now| {
            let here = |known: &Key| known.hash == hash && known.held.get(number).is_some();
            if let Some(Key { held: Held::One(at, _), .. }) = self.shard(hash).write().keys.find_mut(hash, here) {
                *at = now;
            }
        });
    }

    /// As [`Book::take`], of a process that adds none any more: it is ending, and whoever carries that out has its note. So
    /// they are looked for under the key.
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
    pub fn take_some_of(&self, pid: Pid, left: &mut Left, limit: usize) -> usize {
        let mut places = left.next(limit);
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
                    if is_last_of_key(&shard, &key, hash, &places[at + 1..], left) {
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
        let mut closing = Closing::default();
        for part in &self.parts {
            let mut shard = part.shard.write();
            shard.closed = true;
            part.quick.clear();
            shard.entries = 0;
            closing.parts.push(std::mem::take(&mut shard.keys).into_iter());
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

    /// The keys of the entries that are noted, in no order; a key as often as it has entries there.
    pub fn keys(&self, noted: Vec<Spot>) -> Vec<Term> {
        let key = |(hash, number): Spot| {
            let shard = self.shard(hash).read();
            let here = |known: &Key| known.hash == hash && known.held.get(number).is_some();
            shard.keys.find(hash, here).map(|known| known.key.clone())
        };
        noted.into_iter().filter_map(key).collect()
    }

    /// The values of a process under a key, in the order they came; `noted`: where its entries are, when that is known.
    pub fn values(&self, key: &Term, pid: Pid, noted: Option<&Whereabouts>) -> Vec<Term> {
        let hash = self.hash(key);
        let shard = self.shard(hash).read();
        let Some(known) = shard.find(hash, key) else { return Vec::new() };
        match noted {
            Some(noted) if !self.unique => {
                let entries = noted.numbers(hash).into_iter().filter_map(|number| known.held.get(number));
                entries.map(|entry| entry.value.clone()).collect()
            }
            _ => {
                let entries = known.held.iter().filter(|entry| entry.pid == pid);
                entries.map(|entry| entry.value.clone()).collect()
            }
        }
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
}

/// Whether a process that ends has no more entries of that key but the one at hand: neither in the rest of this slice,
/// nor in the slices to come. In a unique registry it never has.
fn is_last_of_key(shard: &Shard, key: &Term, hash: u64, rest: &[Spot], left: &Left) -> bool {
    let mut same = rest.iter().take_while(|spot| spot.0 == hash);
    !same.any(|&(_, number)| shard.holds(hash, key, number))
        && !left.any_of(hash, |number| shard.holds(hash, key, number))
}
