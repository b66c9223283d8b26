//! One shard of a hashed table: open addressing, kept in the order of the hashes.
//!
//! A group stands at its *home* (the upper bits of its hash) or behind it, with no gap in between, and hashes never
//! descend from slot to slot. So a search ends at the first larger hash; and the order does not change when the shard
//! grows, which makes a hash a place to go on from: a traversal neither misses nor repeats what stays in the table,
//! whatever comes and goes meanwhile.
//!
//! Where it is from: linear probing with ordered keys (Amble and Knuth, "Ordered hash tables", 1974).

use super::group::{Group, key_of};
use crate::term::Term;

#[derive(Default)]
struct Slot {
    hash: u64,
    group: Group,
}

/// Two slots share a cache line.
const _: () = assert!(size_of::<Slot>() == 32);

#[derive(Default)]
pub(super) struct Shard {
    /// `2^bits` homes, and room behind the last.
    slots: Vec<Slot>,
    bits: u32,
    /// Slots that are taken.
    groups: usize,
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

/// How many slots ahead of where a traversal is.
const AHEAD: usize = 12;

impl Shard {
    #[inline]
    fn home(&self, hash: u64) -> usize {
        // The uppermost bits chose the shard.
        let rest = hash << super::hashed::SHARD_BITS;
        if self.bits == 0 { 0 } else { (rest >> (64 - self.bits)) as usize }
    }

    /// Where the key is.
    #[inline]
    fn find(&self, hash: u64, key: &Term, position: usize) -> Option<usize> {
        let mut at = self.home(hash);
        while let Some(slot) = self.slots.get(at) {
            if slot.group.is_none() || slot.hash > hash {
                return None;
            }
            if slot.hash == hash && slot.group.rows().first().is_some_and(|row| key_of(row, position).eq_exact(key)) {
                return Some(at);
            }
            at += 1;
        }
        None
    }

    #[inline]
    pub fn get(&self, hash: u64, key: &Term, position: usize) -> &[Term] {
        self.find(hash, key, position).map_or(&[], |at| self.slots[at].group.rows())
    }

    /// The group of a key; whoever changes how many rows it has says so in `rows`, and never empties it.
    #[inline]
    pub fn get_mut(&mut self, hash: u64, key: &Term, position: usize) -> Option<&mut Group> {
        self.find(hash, key, position).map(|at| &mut self.slots[at].group)
    }

    /// Adds the first object of a key.
    pub fn insert(&mut self, hash: u64, row: Term) {
        if (self.groups + 1) * FULL.1 > (1 << self.bits) * FULL.0 || self.slots.is_empty() {
            self.resize((self.bits + 1).max(FIRST_BITS));
        }
        let mut at = self.home(hash);
        while self.slots.get(at).is_some_and(|slot| !slot.group.is_none() && slot.hash <= hash) {
            at += 1;
        }
        let free = |slots: &[Slot]| slots.iter().skip(at).position(|slot| slot.group.is_none());
        let free = match free(&self.slots) {
            Some(distance) => at + distance,
            None => {
                // Behind the last home all is taken.
                self.slots.resize_with(self.slots.len() + 64, Slot::default);
                at + free(&self.slots).unwrap_or(0)
            }
        };
        self.slots[at..=free].rotate_right(1);
        self.slots[at] = Slot { hash, group: Group::One(row) };
        self.groups += 1;
        self.rows += 1;
    }

    /// Takes a key with all its objects out.
    pub fn remove(&mut self, hash: u64, key: &Term, position: usize) -> Group {
        let Some(at) = self.find(hash, key, position) else { return Group::None };
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
        self.slots[at].group.take_out(leaves, removed);
        self.rows -= removed.len() - before;
        if self.slots[at].group.is_none() {
            self.take(at);
            self.shrink();
        }
    }

    /// Empties a slot, and moves what follows closer to its home.
    fn take(&mut self, at: usize) -> Group {
        let group = std::mem::take(&mut self.slots[at].group);
        self.groups -= 1;
        let mut hole = at;
        while self.slots.get(hole + 1).is_some_and(|slot| !slot.group.is_none() && self.home(slot.hash) <= hole) {
            self.slots.swap(hole, hole + 1);
            hole += 1;
        }
        group
    }

    fn shrink(&mut self) {
        if self.bits > FIRST_BITS + 2 && self.groups < (1 << self.bits) / 8 {
            self.resize(self.bits - 2);
        }
    }

    fn resize(&mut self, bits: u32) {
        let length = (1 << bits) + 8 + 4 * bits as usize;
        let old = std::mem::replace(&mut self.slots, std::iter::repeat_with(Slot::default).take(length).collect());
        self.bits = bits;
        let mut next = 0;
        // In order, so that each goes behind the one before.
        for slot in old.into_iter().filter(|slot| !slot.group.is_none()) {
            let at = self.home(slot.hash).max(next);
            if at >= self.slots.len() {
                self.slots.resize_with(at + 64, Slot::default);
            }
            self.slots[at] = slot;
            next = at + 1;
        }
    }

    /// The groups from a hash on, one of this shard's or 0, in order.
    pub fn iter_from(&self, hash: u64) -> impl Iterator<Item = (u64, &[Term])> {
        let rest = self.slots.get(self.home(hash)..).unwrap_or_default();
        // Objects lie anywhere in memory, so those that come soon are asked for early.
        let ahead = rest.iter().skip(AHEAD).map(Some).chain(std::iter::repeat(None));
        let slots = rest.iter().zip(ahead).map(|(slot, ahead)| {
            if let Some(Slot { group: Group::One(row), .. }) = ahead {
                row.prefetch();
            }
            slot
        });
        let taken = slots.filter(|slot| !slot.group.is_none());
        taken.skip_while(move |slot| slot.hash < hash).map(|slot| (slot.hash, slot.group.rows()))
    }

    /// The group behind that of a key; None: there is no such key.
    pub fn behind(&self, hash: u64, key: &Term, position: usize) -> Option<Option<&[Term]>> {
        let at = self.find(hash, key, position)?;
        let next = self.slots[at + 1..].iter().find(|slot| !slot.group.is_none());
        Some(next.map(|slot| slot.group.rows()))
    }

    /// Takes all objects out that `leaves` says.
    pub fn retain(&mut self, mut leaves: impl FnMut(&Term) -> bool, removed: &mut Vec<Term>) {
        let before = removed.len();
        let mut emptied = false;
        for slot in &mut self.slots {
            if !slot.group.is_none() {
                slot.group.take_out(&mut leaves, removed);
                if slot.group.is_none() {
                    self.groups -= 1;
                    emptied = true;
                }
            }
        }
        self.rows -= removed.len() - before;
        if emptied {
            // Closes the gaps, and gives memory back.
            let needed = (self.groups * 2).next_power_of_two().ilog2().max(FIRST_BITS);
            self.resize(self.bits.min(needed));
        }
    }

    /// Every object, to be replaced by one with the same key.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut Term> {
        self.slots.iter_mut().flat_map(|slot| slot.group.rows_mut())
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

    /// Every group, and the order of the hashes; that each is found; and that what is not there is not.
    fn check(shard: &Shard, model: &BTreeMap<(u64, i64), usize>) {
        let found: Vec<(u64, usize)> = shard.iter_from(0).map(|(hash, rows)| (hash, rows.len())).collect();
        assert!(found.is_sorted_by_key(|(hash, _)| *hash));
        assert_eq!(found.len(), model.len());
        assert_eq!(shard.rows, model.values().sum::<usize>());
        for (&(hash, key), &count) in model {
            assert_eq!(shard.get(hash, &Term::int(key), 0).len(), count);
            assert!(shard.get(hash, &Term::int(-1), 0).is_empty());
            assert!(shard.iter_from(hash).all(|(other, _)| other >= hash));
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
        for crowd in [1, 3, 1000] {
            let (mut shard, mut model) = (Shard::default(), BTreeMap::new());
            for step in 0..6000 {
                let key = draw(400) as i64;
                let hash = match key % 4 {
                    0 => top,
                    1 => top - draw(0x7fff_ffff) % crowd,
                    2 => key as u64 % crowd,
                    _ => (key as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) & top,
                };
                let key = key << 20 | (hash & 0xfffff) as i64;
                let term = Term::int(key);
                let row = Term::tuple_of([term.clone()]);
                match (draw(3), model.get_mut(&(hash, key))) {
                    (0, _) => {
                        let taken = shard.remove(hash, &term, 0).rows().len();
                        assert_eq!(taken, model.remove(&(hash, key)).unwrap_or(0));
                    }
                    (_, Some(count)) => {
                        shard.get_mut(hash, &term, 0).unwrap().add(row);
                        shard.rows += 1;
                        *count += 1;
                    }
                    (_, None) => {
                        shard.insert(hash, row);
                        model.insert((hash, key), 1);
                    }
                }
                if step % 50 == 0 {
                    check(&shard, &model);
                }
            }
            let mut removed = Vec::new();
            shard.retain(|row| key_of(row, 0).as_int().is_some_and(|key| key % 2 == 0), &mut removed);
            model.retain(|&(_, key), _| key % 2 != 0);
            check(&shard, &model);
            for (hash, key) in std::mem::take(&mut model).into_keys() {
                shard.remove(hash, &Term::int(key), 0);
            }
            check(&shard, &model);
        }
    }
}
