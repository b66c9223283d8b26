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
//! In a unique registry the keys that are asked for most, those that lie in their two words, are in a row of their own, in
//! which their holders are found without a lock (`quick`); it is changed under the lock of the key's part. All others are
//! in a hashed table (`shard`).

use super::quick::{self, Place, Quick, Rest};
pub use super::shard::Removed;
use super::shard::{Entry, Held, Key, Shard};
use crate::process::{Left, Spot, Whereabouts};
use crate::sync::RwLock;
use crate::term::{Pid, Term};
use crossbeam::utils::CachePadded;
use hashbrown::DefaultHashBuilder;
use hashbrown::hash_table;
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

/// As many lines as one pads it to.
#[cfg(not(loom))]
const _: () = assert!(size_of::<Part>() <= 128);

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
    /// The process, or a part of the registry, holds as many as it can.
    Full,
}

/// What an ending registry still has to let go of, entry by entry: who had it.
#[derive(Default)]
pub struct Closing {
    parts: Vec<(quick::Taken, hash_table::IntoIter<Key>)>,
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
            let (taken, keys) = self.parts.last_mut()?;
            if let Some(pid) = taken.next() {
                return Some(pid);
            }
            match keys.next().map(|key| key.held) {
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

    /// Of a key that lies in the quick row of its part.
    #[inline]
    fn words(&self, key: &Term) -> Option<[u64; 2]> {
        if self.unique { key.words() } else { None }
    }

    /// Asks for the memory that a key of that hash is looked for in.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        self.part(hash).quick.prefetch(hash);
    }

    /// Adds an entry for `pid`, under whose lock this is called, taking key and value, and notes where; on a refusal they
    /// stay.
    pub fn insert(
        &self, hash: u64, key: &mut Term, pid: Pid, value: &mut Term, whereabouts: &mut Whereabouts,
    ) -> Result<(), Refusal> {
        let wanted = &*key;
        #[cfg(broken_registry)]
        if self.shard(hash).read().is_closed() {
            return Err(Refusal::Closed);
        }
        let part = self.part(hash);
        let mut shard = part.shard.write();
        let shard = &mut *shard;
        #[cfg(not(broken_registry))]
        if shard.is_closed() {
            return Err(Refusal::Closed);
        }
        if shard.is_full() {
            return Err(Refusal::Full);
        }
        let number = shard.next;
        if let Some(words) = self.words(wanted) {
            let make = || {
                let noted = whereabouts.add((hash, number), false)?;
                let value = std::mem::take(value);
                if let Some(hears) = &self.hears {
                    hears.registered(wanted, pid, &value);
                }
                Some(Rest { value, noted })
            };
            let inserted = part.quick.insert(&mut shard.quick, hash, words, pid, number, make);
            inserted.map_err(|holder| holder.map_or(Refusal::Full, Refusal::Taken))?;
        } else {
            let same = |known: &Key| known.hash == hash && known.key == *wanted;
            let place = shard.keys.entry(hash, same, |known| known.hash);
            if let (true, hash_table::Entry::Occupied(place)) = (self.unique, &place)
                && let Some(holder) = place.get().held.iter().next()
            {
                return Err(Refusal::Taken(holder.pid));
            }
            let at = whereabouts.add((hash, number), !self.unique).ok_or(Refusal::Full)?;
            let entry = Entry { number, pid, value: std::mem::take(value) };
            if let Some(hears) = &self.hears {
                hears.registered(wanted, pid, &entry.value);
            }
            match place {
                // The key that is there stays; ours goes back to the caller with `key`.
                hash_table::Entry::Occupied(mut place) => place.get_mut().held.add(entry),
                hash_table::Entry::Vacant(place) => {
                    place.insert(Key { hash, key: std::mem::take(key), held: Held::One(at, entry) });
                }
            }
        }
        shard.next += 1;
        shard.quick.entries += 1;
        Ok(())
    }

    /// Takes the entries of `pid`, under whose lock this is called, under `key` out, those whose value is `wanted`, and
    /// has them forgotten where they are noted.
    pub fn take(
        &self, hash: u64, key: &Term, pid: Pid, whereabouts: &mut Whereabouts, wanted: impl Fn(&Term) -> bool,
        removed: &mut Removed,
    ) {
        if self.unique {
            return self.take_unique(hash, key, pid, whereabouts, wanted, removed);
        }
        let mut terms = Vec::new();
        let mut shard = self.shard(hash).write();
        let numbers = whereabouts.numbers(hash);
        for &number in &numbers {
            let known = shard.find(hash, key).and_then(|known| known.held.get(number));
            if known.is_some_and(|entry| wanted(&entry.value)) {
                shard.remove(hash, number, &mut terms);
                whereabouts.remove(0, (hash, number));
            }
        }
        if let Some(hears) = &self.hears
            && !terms.is_empty()
            && !numbers.iter().any(|&number| shard.holds(hash, key, number))
        {
            hears.unregistered(key, pid);
        }
        removed.more = terms;
    }

    /// As [`Book::take`], where a key has one entry.
    fn take_unique(
        &self, hash: u64, key: &Term, pid: Pid, whereabouts: &mut Whereabouts, wanted: impl Fn(&Term) -> bool,
        removed: &mut Removed,
    ) {
        {
            let mut shard = self.shard(hash).write();
            let taken = self.take_one(&mut shard, hash, key, pid, wanted, removed);
            let Some((noted, number)) = taken else { return };
            whereabouts.remove(noted, (hash, number));
        }
        if whereabouts.is_roomy() {
            self.close_up(whereabouts);
        }
    }

    /// Takes the entry of `pid` under `key` out, if its value is `wanted`: where it was noted, and its number.
    #[inline]
    fn take_one(
        &self, shard: &mut Shard, hash: u64, key: &Term, pid: Pid, wanted: impl Fn(&Term) -> bool,
        removed: &mut Removed,
    ) -> Option<(u32, u64)> {
        let taken = if let Some(words) = key.words() {
            let is_it = |holder, value: &Term| holder == pid && wanted(value);
            let (rest, number) = self.part(hash).quick.remove_if(&mut shard.quick, hash, words, is_it)?;
            shard.quick.entries -= 1;
            removed.value = rest.value;
            (rest.noted, number)
        } else {
            let here = |known: &Key| known.hash == hash && known.key == *key;
            let place = shard.keys.find_entry(hash, here).ok()?;
            let Held::One(noted, entry) = &place.get().held else { return None };
            if entry.pid != pid || !wanted(&entry.value) {
                return None;
            }
            let (noted, number) = (*noted, entry.number);
            let known = place.remove().0;
            shard.removed_one();
            removed.key = known.key;
            if let Held::One(_, entry) = known.held {
                removed.value = entry.value;
            }
            (noted, number)
        };
        if let Some(hears) = &self.hears {
            hears.unregistered(key, pid);
        }
        Some(taken)
    }

    /// Gives room back where a process once had many more entries.
    #[cold]
    fn close_up(&self, whereabouts: &mut Whereabouts) {
        whereabouts.close_up(|(hash, number), now| {
            let part = self.part(hash);
            let mut shard = part.shard.write();
            if let Some(at) = self.quick_place(part, &shard, hash, number) {
                shard.quick.rest_mut(at).noted = now;
            } else if let Some(Key { held: Held::One(noted, _), .. }) = shard.keys.find_mut(hash, here(hash, number)) {
                *noted = now;
            }
        });
    }

    /// Where that entry is, if it is in the quick row.
    fn quick_place(&self, part: &Part, shard: &Shard, hash: u64, number: u64) -> Option<Place> {
        if self.unique { part.quick.place_of(&shard.quick, hash, number) } else { None }
    }

    /// As [`Book::take`], of a process that adds none any more: it is ending, and whoever carries that out has its note. So
    /// they are looked for under the key.
    pub fn take_of_ending(
        &self, hash: u64, key: &Term, pid: Pid, wanted: impl Fn(&Term) -> bool, removed: &mut Removed,
    ) {
        let mut shard = self.shard(hash).write();
        if self.unique {
            self.take_one(&mut shard, hash, key, pid, wanted, removed);
            return;
        }
        let Some(known) = shard.find(hash, key) else { return };
        let (gone, left): (Vec<&Entry>, Vec<&Entry>) =
            known.held.iter().filter(|entry| entry.pid == pid).partition(|entry| wanted(&entry.value));
        let numbers: Vec<u64> = gone.iter().map(|entry| entry.number).collect();
        let was_last = left.is_empty() && !numbers.is_empty();
        let mut terms = Vec::new();
        for number in numbers {
            shard.remove(hash, number, &mut terms);
        }
        if let Some(hears) = &self.hears
            && was_last
        {
            hears.unregistered(key, pid);
        }
        removed.more = terms;
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
            let part = self.part(hash);
            let mut shard = part.shard.write();
            if let Some(at) = self.quick_place(part, &shard, hash, number) {
                if let Some(hears) = &self.hears {
                    hears.unregistered(&part.quick.key(at), pid);
                }
                removed.push(part.quick.remove(&mut shard.quick, at).value);
                shard.quick.entries -= 1;
            } else {
                if let Some(hears) = &self.hears {
                    let key = shard.keys.find(hash, here(hash, number)).map(|known| known.key.clone());
                    if let Some(key) = key {
                        if is_last_of_key(&shard, &key, hash, &places[at + 1..], left) {
                            hears.unregistered(&key, pid);
                        }
                        removed.push(key);
                    }
                }
                shard.remove(hash, number, &mut removed);
            }
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
            let taken = part.quick.take_all(&mut shard.quick);
            closing.parts.push((taken, shard.close().into_iter()));
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

    /// Shows the entries of a key, in the order they came.
    fn look<R>(&self, key: &Term, look: impl FnOnce(&mut dyn Iterator<Item = Seen<'_>>) -> R) -> R {
        let hash = self.hash(key);
        let part = self.part(hash);
        let shard = part.shard.read();
        if let Some(words) = self.words(key) {
            let at = part.quick.search(&shard.quick, hash, words);
            return look(&mut at.map(|at| Seen::quick(part, &shard, at)).into_iter());
        }
        look(&mut shard.find(hash, key).into_iter().flat_map(|known| known.held.iter()).map(Seen::of))
    }

    /// Who has the key of a unique registry, and with what value.
    #[inline]
    pub fn holder<R>(&self, key: &Term, look: impl FnOnce(Pid, &Term) -> R) -> Option<R> {
        let hash = self.hash(key);
        let part = self.part(hash);
        let shard = part.shard.read();
        if let Some(words) = self.words(key) {
            let at = part.quick.search(&shard.quick, hash, words)?;
            return Some(look(part.quick.pid(at), &shard.quick.rest(at).value));
        }
        shard.find(hash, key)?.held.iter().next().map(|entry| look(entry.pid, &entry.value))
    }

    /// All entries of a key, in the order they came.
    pub fn entries(&self, key: &Term) -> Vec<(Pid, Term)> {
        if self.unique {
            return self.holder(key, |pid, value| (pid, value.clone())).into_iter().collect();
        }
        let hash = self.hash(key);
        let shard = self.shard(hash).read();
        let Some(known) = shard.find(hash, key) else { return Vec::new() };
        let mut entries = Vec::with_capacity(known.held.len());
        entries.extend(known.held.iter().map(|entry| (entry.pid, entry.value.clone())));
        entries
    }

    /// The entries of a key as `{Key, Pid, Value}`.
    pub fn triples(&self, key: &Term) -> Vec<Term> {
        self.look(key, |entries| entries.map(|entry| entry.triple(key)).collect())
    }

    /// All entries as `{Key, Pid, Value}`, part by part.
    pub fn parts(&self) -> impl Iterator<Item = Vec<Term>> {
        self.parts.iter().map(|part| {
            let shard = part.shard.read();
            let quick = shard.quick.places();
            let quick = quick.map(|at| Seen::quick(part, &shard, at).triple(&part.quick.key(at)));
            let triples = |known: &Key| known.held.iter().map(|entry| Seen::of(entry).triple(&known.key)).collect();
            quick.chain(shard.keys.iter().flat_map(|known| -> Vec<Term> { triples(known) })).collect()
        })
    }

    /// The keys of the entries that are noted, in no order; a key as often as it has entries there.
    pub fn keys(&self, noted: Vec<Spot>) -> Vec<Term> {
        let key = |(hash, number): Spot| {
            let part = self.part(hash);
            let shard = part.shard.read();
            if let Some(at) = self.quick_place(part, &shard, hash, number) {
                return Some(part.quick.key(at));
            }
            shard.keys.find(hash, here(hash, number)).map(|known| known.key.clone())
        };
        noted.into_iter().filter_map(key).collect()
    }

    /// The values of a process under a key, in the order they came; `noted`: where its entries are, when that is known.
    pub fn values(&self, key: &Term, pid: Pid, noted: Option<&Whereabouts>) -> Vec<Term> {
        if let (false, Some(noted)) = (self.unique, noted) {
            let hash = self.hash(key);
            let shard = self.shard(hash).read();
            let Some(known) = shard.find(hash, key) else { return Vec::new() };
            let entries = noted.numbers(hash).into_iter().filter_map(|number| known.held.get(number));
            return entries.map(|entry| entry.value.clone()).collect();
        }
        self.look(key, |entries| entries.filter(|entry| entry.pid == pid).map(|entry| entry.value.clone()).collect())
    }

    /// How many entries there are.
    pub fn count(&self) -> usize {
        self.parts.iter().map(|part| part.shard.read().count()).sum()
    }

    /// The entry of `pid` under a key of a unique registry: its number and value.
    pub fn own_entry(&self, key: &Term, pid: Pid) -> Option<(u64, Term)> {
        let entry = |entry: Seen<'_>| (entry.pid == pid).then(|| (entry.number, entry.value.clone()));
        self.look(key, |entries| entries.next().and_then(entry))
    }

    /// Gives that entry another value, if it is still the same one; the old value, or else the new one back.
    pub fn set_value(&self, key: &Term, number: u64, value: Term) -> Result<Term, Term> {
        let hash = self.hash(key);
        let part = self.part(hash);
        let mut shard = part.shard.write();
        let known = if let Some(at) = self.quick_place(part, &shard, hash, number) {
            Some(&mut shard.quick.rest_mut(at).value)
        } else {
            let known = shard.keys.find_mut(hash, |known| known.hash == hash && known.key == *key);
            known.and_then(|known| known.held.get_mut(number)).map(|entry| &mut entry.value)
        };
        match known {
            Some(known) => Ok(std::mem::replace(known, value)),
            None => Err(value),
        }
    }
}

/// An entry, wherever it lies.
struct Seen<'a> {
    number: u64,
    pid: Pid,
    value: &'a Term,
}

impl<'a> Seen<'a> {
    #[inline]
    fn quick(part: &Part, shard: &'a Shard, at: Place) -> Seen<'a> {
        Seen { number: part.quick.number(at), pid: part.quick.pid(at), value: &shard.quick.rest(at).value }
    }

    fn of(entry: &'a Entry) -> Seen<'a> {
        Seen { number: entry.number, pid: entry.pid, value: &entry.value }
    }

    fn triple(&self, key: &Term) -> Term {
        Term::tuple_of([key.clone(), Term::pid(self.pid), self.value.clone()])
    }
}

/// Whether a key has the entry of that number.
fn here(hash: u64, number: u64) -> impl Fn(&Key) -> bool {
    move |known| known.hash == hash && known.held.get(number).is_some()
}

/// Whether a process that ends has no more entries of that key but the one at hand: neither in the rest of this slice,
/// nor in the slices to come. In a unique registry it never has.
fn is_last_of_key(shard: &Shard, key: &Term, hash: u64, rest: &[Spot], left: &Left) -> bool {
    let mut same = rest.iter().take_while(|spot| spot.0 == hash);
    !same.any(|&(_, number)| shard.holds(hash, key, number))
        && !left.any_of(hash, |number| shard.holds(hash, key, number))
}
