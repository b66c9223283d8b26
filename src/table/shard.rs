//! One shard of a hashed table: open addressing, kept in the order of the hashes.
//!
//! A group stands at its *home* (the upper bits of its hash) or behind it, with no gap in between, and hashes never
//! descend from slot to slot. So a search ends at the first larger hash; and the order does not change when the shard
//! grows, which makes a hash a place to go on from: a traversal neither misses nor repeats what stays in the table,
//! whatever comes and goes meanwhile.
//!
//! Where it is from: linear probing with ordered keys (Amble and Knuth, "Ordered hash tables", 1974).

use super::group::{Group, Part, Rows, key_of};
use crate::sync::stir::stir;
use crate::term::Term;

#[derive(Default)]
pub(super) struct Shard {
    /// Of each slot the bits of its hash around the end of those that choose the home; zero: it is free. A search reads
    /// these, of which 32 share a cache line, and then the one group. When they were whole hashes beside the groups, a
    /// lookup in 100,000 rows waited as long for them as for the object.
    tags: Vec<u16>,
    groups: Vec<Group>,
    /// The whole hashes, for those who add, take out, go through, or search for an integer, which they tell from
    /// others.
    hashes: Vec<u64>,
    /// There are `2^bits` homes, and room behind the last.
    bits: u32,
    /// Slots that are taken.
    taken: usize,
    /// A group was put so far from its home that the tags do not tell the order any more, only the hashes.
    is_crowded: bool,
    /// Objects.
    pub rows: usize,
    /// The table is gone: nothing is added any more.
    pub closed: bool,
}

/// How full a shard may be: with 13 of 16 homes taken a key that is there is found at the third or fourth slot, and
/// they are side by side.
const FULL: (usize, usize) = (13, 16);
/// Fewest homes of a shard that has any.
const FIRST_BITS: u32 = 3;

/// How many groups a traversal shows at a time.
const SHOWN: usize = 128;

/// How many bits below those of the home a tag has: of those above it has ten.
const BELOW: u32 = 5;
/// Of a tag that is not free.
const TAKEN: u16 = 1 << 15;
/// Tags are compared as numbers on a circle, of which half is `2^14`, or 512 homes: fewer may lie between two groups
/// that a search compares.
const FAR: usize = 500;

impl Shard {
    #[inline]
    fn home(&self, hash: u64) -> usize {
        // The uppermost bits chose the shard.
        let rest = hash << super::hashed::SHARD_BITS;
        if self.bits == 0 { 0 } else { (rest >> (64 - self.bits)) as usize }
    }

    #[inline]
    fn tag(&self, hash: u64) -> u16 {
        let rest = hash << super::hashed::SHARD_BITS;
        (rest >> (64 - BELOW - self.bits)) as u16 | TAKEN
    }

    /// Where the key is, for one who is going to look at the object.
    #[inline]
    fn find_object(&self, hash: u64, key: &Term, position: usize) -> Option<usize> {
        self.search(hash, |at| key_of(self.groups[at].rows().first()?, position).eq_exact(key).then_some(()))
    }

    /// Where the key is. An integer is told by its hash, so that the object, which is in no cache as a rule, is not
    /// looked at: an insertion does not need it at all, and a lookup only counts it.
    #[inline]
    fn find(&self, hash: u64, key: &Term, position: usize) -> Option<usize> {
        if key.as_int().is_none() {
            return self.find_object(hash, key, position);
        }
        if let Some(hash) = self.hashes.get(self.home(hash) + 1) {
            crate::sync::prefetch(hash);
        }
        self.search(hash, |at| (self.hashes[at] == hash && self.groups[at].has_integer_key()).then_some(()))
    }

    /// The first slot with the tag of a hash that `is_it` says.
    #[inline(always)]
    fn search(&self, hash: u64, is_it: impl Fn(usize) -> Option<()>) -> Option<usize> {
        let (mut at, wanted) = (self.home(hash), self.tag(hash));
        // Where the group most likely is comes while the tags are read.
        if let Some(group) = self.groups.get(at + 1) {
            crate::sync::prefetch(group);
        }
        while let Some(&tag) = self.tags.get(at) {
            if tag == 0 {
                return None;
            }
            let further = (tag.wrapping_sub(wanted) << 1).cast_signed();
            if further == 0 {
                if is_it(at).is_some() {
                    return Some(at);
                }
            } else if if self.is_crowded { self.hashes[at] > hash } else { further > 0 } {
                return None;
            }
            at += 1;
        }
        None
    }

    #[inline]
    pub fn get(&self, hash: u64, key: &Term, position: usize) -> Rows<'_> {
        self.find(hash, key, position).map_or(Rows::All(&[]), |at| self.groups[at].rows())
    }

    #[inline]
    pub fn has(&self, hash: u64, key: &Term, position: usize) -> bool {
        self.find(hash, key, position).is_some()
    }

    /// The group of a key, for one who is going to look at its first object; else as [`Shard::get_mut`].
    #[inline]
    pub fn object_mut(&mut self, hash: u64, key: &Term, position: usize) -> Option<&mut Group> {
        self.find_object(hash, key, position).map(|at| &mut self.groups[at])
    }

    /// The group of a key; whoever changes how many rows it has says so in `rows`, and never empties it.
    #[inline]
    pub fn get_mut(&mut self, hash: u64, key: &Term, position: usize) -> Option<&mut Group> {
        self.find(hash, key, position).map(|at| &mut self.groups[at])
    }

    /// Adds the first object of a key, a group of one.
    pub fn insert(&mut self, hash: u64, group: Group) {
        if (self.taken + 1) * FULL.1 > (1 << self.bits) * FULL.0 || self.tags.is_empty() {
            self.resize((self.bits + 1).max(FIRST_BITS));
        }
        let home = self.home(hash);
        let mut at = home;
        while self.tags.get(at).is_some_and(|tag| *tag != 0 && self.hashes[at] <= hash) {
            at += 1;
        }
        let free = |tags: &[u16]| tags.iter().skip(at).position(|tag| *tag == 0);
        let free = match free(&self.tags) {
            Some(distance) => at + distance,
            None => {
                // Behind the last home all is taken.
                self.extend(self.tags.len() + 64);
                at + free(&self.tags).unwrap_or(0)
            }
        };
        // What is moved has its home behind this one.
        self.is_crowded |= free - home > FAR;
        let tag = self.tag(hash);
        self.tags.copy_within(at..free, at + 1);
        self.hashes.copy_within(at..free, at + 1);
        self.groups[at..=free].rotate_right(1);
        (self.tags[at], self.hashes[at], self.groups[at]) = (tag, hash, group);
        self.taken += 1;
        self.rows += 1;
    }

    fn extend(&mut self, length: usize) {
        self.tags.resize(length, 0);
        self.hashes.resize(length, 0);
        self.groups.resize_with(length, Group::default);
    }

    /// Takes a key with all its objects out.
    pub fn remove(&mut self, hash: u64, key: &Term, position: usize) -> Group {
        let Some(at) = self.find(hash, key, position) else { return Group::NONE };
        let group = self.take(at);
        self.rows -= group.rows().len();
        self.shrink();
        group
    }

    /// Takes those objects of a key out that `leaves` says.
    pub fn take_out(
        &mut self, hash: u64, key: &Term, position: usize, leaves: impl FnMut(&Term) -> bool, removed: &mut Vec<Term>,
    ) {
        let Some(at) = self.find(hash, key, position) else { return };
        let before = removed.len();
        self.groups[at].take_out(position, leaves, removed);
        self.rows -= removed.len() - before;
        if self.groups[at].is_none() {
            self.take(at);
            self.shrink();
        }
    }

    /// Empties a slot, and moves what follows closer to its home.
    fn take(&mut self, at: usize) -> Group {
        let group = std::mem::take(&mut self.groups[at]);
        self.taken -= 1;
        let moves =
            |next: usize| self.tags.get(next).is_some_and(|tag| *tag != 0 && self.home(self.hashes[next]) < next);
        let mut end = at + 1;
        while moves(end) {
            end += 1;
        }
        self.tags.copy_within(at + 1..end, at);
        self.hashes.copy_within(at + 1..end, at);
        self.groups[at..end].rotate_left(1);
        self.tags[end - 1] = 0;
        group
    }

    fn shrink(&mut self) {
        if self.bits > FIRST_BITS + 2 && self.taken < (1 << self.bits) / 8 {
            let before = self.tags.len();
            self.resize(self.bits - 2);
            stir(before.saturating_sub(self.tags.len()) * (size_of::<Group>() + size_of::<u64>()));
        }
    }

    fn resize(&mut self, bits: u32) {
        let length = (1 << bits) + 8 + 4 * bits as usize;
        let (groups, hashes) = (std::mem::take(&mut self.groups), std::mem::take(&mut self.hashes));
        self.tags.clear();
        self.tags.shrink_to(length);
        self.extend(length);
        (self.bits, self.is_crowded) = (bits, false);
        let mut next = 0;
        // In order, so that each goes behind the one before.
        for (hash, group) in hashes.into_iter().zip(groups).filter(|(_, group)| !group.is_none()) {
            let home = self.home(hash);
            let at = home.max(next);
            if at >= self.tags.len() {
                self.extend(at + 64);
            }
            self.is_crowded |= at - home > FAR;
            (self.tags[at], self.hashes[at], self.groups[at]) = (self.tag(hash), hash, group);
            next = at + 1;
        }
    }

    /// The groups from a hash on, one of this shard's or 0, in order.
    pub fn iter_from(&self, hash: u64) -> impl Iterator<Item = (u64, Rows<'_>)> {
        let from = self.home(hash).min(self.groups.len());
        let slots = self.hashes[from..].iter().zip(&self.groups[from..]);
        let taken = slots.filter(|(_, group)| !group.is_none());
        taken.skip_while(move |(at, _)| **at < hash).map(|(hash, group)| (*hash, group.rows()))
    }

    /// Shows the groups from a hash on, as [`Shard::iter_from`], some at a time; until `show` says false.
    pub fn show_from(&self, hash: u64, mut show: impl for<'g> FnMut(&mut Part<'g>) -> bool) {
        let from = self.home(hash).min(self.groups.len());
        let slots = self.hashes[from..].iter().zip(&self.groups[from..]);
        let from = from + slots.take_while(|(at, group)| group.is_none() || **at < hash).count();
        let (hashes, groups) = (&self.hashes[from..], &self.groups[from..]);
        Part::begin(groups.iter());
        for (part, hashes) in hashes.chunks(SHOWN).enumerate() {
            let groups = &groups[part * SHOWN..];
            let lent: [Rows<'_>; SHOWN] =
                std::array::from_fn(|index| groups.get(index).map_or(Rows::All(&[]), Group::rows));
            if !show(&mut Part::forwards(hashes, &lent[..hashes.len()], groups)) {
                break;
            }
        }
    }

    /// The group behind that of a key; None: there is no such key.
    pub fn behind(&self, hash: u64, key: &Term, position: usize) -> Option<Option<Rows<'_>>> {
        let at = self.find(hash, key, position)?;
        Some(self.groups[at + 1..].iter().find(|group| !group.is_none()).map(Group::rows))
    }

    /// Takes all objects out that `leaves` says.
    pub fn retain(&mut self, position: usize, mut leaves: impl FnMut(&Term) -> bool, removed: &mut Vec<Term>) {
        let before = removed.len();
        let mut emptied = false;
        for (group, tag) in self.groups.iter_mut().zip(&mut self.tags) {
            if !group.is_none() {
                group.take_out(position, &mut leaves, removed);
                if group.is_none() {
                    *tag = 0;
                    self.taken -= 1;
                    emptied = true;
                }
            }
        }
        self.rows -= removed.len() - before;
        if emptied {
            // Closes the gaps, and gives memory back.
            let needed = (self.taken * 2).next_power_of_two().ilog2().max(FIRST_BITS);
            self.resize(self.bits.min(needed));
        }
    }

    /// Shows every object, to be replaced by one with the same key.
    pub fn for_each_mut(&mut self, mut change: impl FnMut(&mut Term)) {
        self.groups.iter_mut().for_each(|group| group.for_each_mut(&mut change));
    }

    /// Takes everything out.
    pub fn clear(&mut self) -> Shard {
        let closed = self.closed;
        std::mem::replace(self, Shard { closed, ..Shard::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// An integer only where no other has the same hash: a table's hashes are like that.
    fn term_of(key: i64) -> Term {
        if (key >> 20) % 4 == 3 { Term::int(key) } else { Term::tuple_of([Term::int(key)]) }
    }

    fn number_of(term: &Term) -> i64 {
        term.as_int().or_else(|| term.as_tuple()?.first()?.as_int()).unwrap()
    }

    /// Every group, and the order of the hashes; that each is found; and that what is not there is not.
    fn check(shard: &Shard, model: &BTreeMap<(u64, i64), usize>) {
        let found: Vec<(u64, usize)> = shard.iter_from(0).map(|(hash, rows)| (hash, rows.len())).collect();
        assert!(found.is_sorted_by_key(|(hash, _)| *hash));
        assert_eq!(found.len(), model.len());
        assert_eq!(shard.rows, model.values().sum::<usize>());
        // Whoever shares a home with thousands takes long to be looked for, as does what follows a key: some hundred do.
        let some = model.len() / 200 + 1;
        for (&(hash, key), &count) in model.iter().step_by(some) {
            assert_eq!(shard.get(hash, &term_of(key), 0).len(), count);
            assert!(shard.get(hash, &term_of(-1), 0).is_empty());
            assert!(shard.has(hash, &term_of(key), 0) && !shard.has(hash, &term_of(-1), 0));
            assert!(shard.iter_from(hash).all(|(other, _)| other >= hash));
            let (mut shown, expected) = (Vec::new(), shard.iter_from(hash).map(|(hash, rows)| (hash, rows.len())));
            shard.show_from(hash, |groups| {
                shown.extend(groups.map(|(hash, rows)| (hash, rows.len())));
                true
            });
            assert!(expected.eq(shown));
        }
    }

    #[test]
    fn whatever_the_hashes_everything_is_found_and_in_their_order() {
        // A generator as good as is needed; some hashes are equal, some crowd at the end.
        let mut seed = 7u64;
        let mut draw = move |below: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) % below
        };
        let top = u64::MAX >> super::super::hashed::SHARD_BITS;
        // With 2000 keys more than `FAR` have one home for sure.
        for (crowd, keys) in [(1, 400), (3, 400), (1000, 400), (3, 2000)] {
            let (mut shard, mut model) = (Shard::default(), BTreeMap::new());
            for step in 0..15 * keys {
                let key = draw(keys) as i64;
                let hash = match key % 4 {
                    0 => top,
                    1 => top - draw(0x7fff_ffff) % crowd,
                    2 => key as u64 % crowd,
                    _ => (key as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) & top,
                };
                let key = key << 20 | (hash & 0xfffff) as i64;
                let term = term_of(key);
                let row = Group::one(Term::tuple_of([term.clone()]), 0);
                match (draw(3), model.get_mut(&(hash, key))) {
                    (0, _) => {
                        let taken = shard.remove(hash, &term, 0).rows().len();
                        assert_eq!(taken, model.remove(&(hash, key)).unwrap_or(0));
                    }
                    (_, Some(count)) => {
                        let row = row.into_rows().pop().unwrap();
                        shard.get_mut(hash, &term, 0).unwrap().add(row, 0);
                        shard.rows += 1;
                        *count += 1;
                    }
                    (_, None) => {
                        shard.insert(hash, row);
                        model.insert((hash, key), 1);
                    }
                }
                if step % (keys / 8) == 0 {
                    check(&shard, &model);
                }
            }
            assert!(keys < 2000 || shard.is_crowded);
            let mut removed = Vec::new();
            shard.retain(0, |row| number_of(key_of(row, 0)) % 2 == 0, &mut removed);
            model.retain(|&(_, key), _| key % 2 != 0);
            check(&shard, &model);
            for (hash, key) in std::mem::take(&mut model).into_keys() {
                shard.remove(hash, &term_of(key), 0);
            }
            check(&shard, &model);
        }
    }
}
