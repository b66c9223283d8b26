//! The objects of an ordered set: leaves of up to 128, in the order of Erlang's terms, where `1` and `1.0` are one key.
//!
//! Each object has beside it a number that stands for its key in that order ([`Term::order_prefix`]), so that a search
//! compares numbers that lie together (8 bytes each, where keys and objects would take 32), and looks at one key: that of
//! the object found, which is wanted anyway. Only keys with the same number are compared as terms.
//!
//! Above the leaves is one array with the number of each one's first object. It moves by one place when a leaf is split or
//! empty, which is once in 64 insertions.

use super::group::key_of;
use crate::term::Term;
use std::cmp::Ordering;
use std::slice;

/// Objects in a leaf at most.
const LEAF: usize = 128;
/// How many objects ahead of where a traversal is.
const AHEAD: usize = 12;

struct Leaf {
    length: usize,
    prefixes: [u64; LEAF],
    /// Behind the last: `[]`.
    rows: [Term; LEAF],
}

pub(super) struct Tree {
    /// Which element of an object is its key.
    position: usize,
    /// The prefix of each leaf's first object.
    firsts: Vec<u64>,
    /// None is empty.
    #[allow(clippy::vec_box)] // Leaves change places by their addresses; one is 3 KiB.
    leaves: Vec<Box<Leaf>>,
    length: usize,
    /// The table is gone: nothing is added any more.
    pub closed: bool,
}

/// Where an iteration begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum From<'a> {
    Start,
    /// Behind a key, or before it when going backwards.
    Beyond(&'a Term),
}

/// Where a key is, or would be: the leaf, and the place in it.
struct Place {
    leaf: usize,
    index: usize,
    is_there: bool,
}

#[inline]
fn compare(a: &Term, b: &Term) -> Ordering {
    match (a.as_int(), b.as_int()) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.cmp_erlang(b),
    }
}

/// How many of the ascending `prefixes` are less than, or stand for a key that is less than the one wanted; and whether
/// the one behind is that key. `compare` tells how the key of a place is to the one wanted.
#[inline]
fn search(prefixes: &[u64], wanted: u64, compare: impl Fn(usize) -> Ordering) -> (usize, bool) {
    let mut index = prefixes.partition_point(|prefix| *prefix < wanted);
    if prefixes.get(index) != Some(&wanted) {
        return (index, false);
    }
    // As a rule there is one of that number.
    match compare(index) {
        Ordering::Less => index += 1,
        order => return (index, order.is_eq()),
    }
    let mut end = index + prefixes[index..].partition_point(|prefix| *prefix == wanted);
    while index < end {
        let middle = index.midpoint(end);
        match compare(middle) {
            Ordering::Less => index = middle + 1,
            Ordering::Equal => return (middle, true),
            Ordering::Greater => end = middle,
        }
    }
    (index, false)
}

impl Leaf {
    fn new() -> Box<Leaf> {
        Box::new(Leaf { length: 0, prefixes: [0; LEAF], rows: [const { Term::nil() }; LEAF] })
    }

    fn insert(&mut self, index: usize, prefix: u64, row: Term) {
        self.prefixes.copy_within(index..self.length, index + 1);
        self.prefixes[index] = prefix;
        self.rows[index..=self.length].rotate_right(1);
        self.rows[index] = row;
        self.length += 1;
    }

    fn remove(&mut self, index: usize) -> Term {
        self.prefixes.copy_within(index + 1..self.length, index);
        self.rows[index..self.length].rotate_left(1);
        self.length -= 1;
        std::mem::take(&mut self.rows[self.length])
    }

    /// Moves what another has from `from` on behind what is here, where there is room.
    fn append(&mut self, other: &mut Leaf, from: usize) {
        let (to, count) = (self.length, other.length - from);
        self.prefixes[to..to + count].copy_from_slice(&other.prefixes[from..other.length]);
        self.rows[to..to + count].swap_with_slice(&mut other.rows[from..other.length]);
        self.length += count;
        other.length = from;
    }
}

impl Tree {
    pub fn new(position: usize) -> Tree {
        Tree { position, firsts: Vec::new(), leaves: Vec::new(), length: 0, closed: false }
    }

    #[inline]
    fn place(&self, key: &Term) -> Place {
        let prefix = key.order_prefix();
        let compare = |leaf: usize, index: usize| compare(key_of(&self.leaves[leaf].rows[index], self.position), key);
        let (behind, is_first) = search(&self.firsts, prefix, |leaf| compare(leaf, 0));
        if is_first {
            return Place { leaf: behind, index: 0, is_there: true };
        }
        let leaf = behind.saturating_sub(1);
        let Some(there) = self.leaves.get(leaf) else { return Place { leaf, index: 0, is_there: false } };
        let (index, is_there) = search(&there.prefixes[..there.length], prefix, |index| compare(leaf, index));
        Place { leaf, index, is_there }
    }

    #[inline]
    pub fn get(&self, key: &Term) -> &[Term] {
        let place = self.place(key);
        if place.is_there { slice::from_ref(&self.leaves[place.leaf].rows[place.index]) } else { &[] }
    }

    /// The object of a key; it may be replaced by one with an equal key.
    #[inline]
    pub fn get_mut(&mut self, key: &Term) -> Option<&mut Term> {
        let place = self.place(key);
        place.is_there.then(|| &mut self.leaves[place.leaf].rows[place.index])
    }

    pub fn len(&self) -> usize {
        self.length
    }

    /// Puts an object in; gives the one that had its key. What counts as the key is always read from the object.
    #[inline]
    pub fn insert(&mut self, row: Term) -> Option<Term> {
        let place = self.place(key_of(&row, self.position));
        if place.is_there {
            return Some(std::mem::replace(&mut self.leaves[place.leaf].rows[place.index], row));
        }
        self.insert_at(place, row);
        None
    }

    fn insert_at(&mut self, Place { mut leaf, mut index, .. }: Place, row: Term) {
        let prefix = key_of(&row, self.position).order_prefix();
        if self.leaves.is_empty() {
            self.add_leaf(0, Leaf::new());
        } else if self.leaves[leaf].length == LEAF {
            // Keys that come in order leave full leaves behind.
            let is_last = index == LEAF && leaf + 1 == self.leaves.len();
            if index == 0 {
                self.add_leaf(0, Leaf::new());
            } else {
                let middle = if is_last { LEAF } else { LEAF / 2 };
                let mut fresh = Leaf::new();
                fresh.append(&mut self.leaves[leaf], middle);
                self.add_leaf(leaf + 1, fresh);
                if is_last || index > middle {
                    (leaf, index) = (leaf + 1, index - middle);
                }
            }
        }
        self.leaves[leaf].insert(index, prefix, row);
        self.firsts[leaf] = self.leaves[leaf].prefixes[0];
        self.length += 1;
    }

    fn add_leaf(&mut self, at: usize, leaf: Box<Leaf>) {
        self.firsts.insert(at, leaf.prefixes[0]);
        self.leaves.insert(at, leaf);
    }

    /// Takes an object out.
    pub fn remove(&mut self, key: &Term) -> Option<Term> {
        let Place { leaf, index, is_there: true } = self.place(key) else { return None };
        let row = self.leaves[leaf].remove(index);
        self.length -= 1;
        self.firsts[leaf] = self.leaves[leaf].prefixes[0];
        let next = (leaf + 1).min(self.leaves.len() - 1);
        if self.leaves[leaf].length == 0 {
            self.remove_leaf(leaf);
        } else if next > 0 && self.leaves[next - 1].length + self.leaves[next].length <= LEAF / 2 {
            let mut joined = self.remove_leaf(next);
            self.leaves[next - 1].append(&mut joined, 0);
        }
        Some(row)
    }

    fn remove_leaf(&mut self, at: usize) -> Box<Leaf> {
        self.firsts.remove(at);
        self.leaves.remove(at)
    }

    pub fn iter(&self, from: From<'_>) -> impl Iterator<Item = &[Term]> {
        let (first, start) = match from {
            From::Start => (0, 0),
            From::Beyond(key) => {
                let place = self.place(key);
                (place.leaf, place.index + place.is_there as usize)
            }
        };
        let leaves = self.leaves.get(first..).unwrap_or_default().iter().enumerate();
        leaves.flat_map(move |(number, leaf)| {
            let start = if number == 0 { start } else { 0 };
            (start..leaf.length).map(|index| leaf.show(index, index + AHEAD))
        })
    }

    pub fn iter_back(&self, from: From<'_>) -> impl Iterator<Item = &[Term]> {
        let (last, end) = match from {
            From::Start => (self.leaves.len(), LEAF),
            From::Beyond(key) => {
                let place = self.place(key);
                (place.leaf, place.index)
            }
        };
        let leaves = self.leaves.get(..=last).unwrap_or(&self.leaves).iter().enumerate().rev();
        leaves.flat_map(move |(number, leaf)| {
            let end = if number == last { end } else { leaf.length };
            (0..end).rev().map(|index| leaf.show(index, index.wrapping_sub(AHEAD)))
        })
    }

    /// Takes everything out.
    pub fn clear(&mut self) -> Tree {
        let empty = Tree { closed: self.closed, ..Tree::new(self.position) };
        std::mem::replace(self, empty)
    }
}

impl Leaf {
    /// An object. Objects lie anywhere in memory, so one that comes soon is asked for early.
    #[inline]
    fn show(&self, index: usize, soon: usize) -> &[Term] {
        if let Some(row) = self.rows.get(soon) {
            row.prefetch();
        }
        slice::from_ref(&self.rows[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn whatever_comes_and_goes_everything_is_found_and_in_order() {
        let mut seed = 7u64;
        let mut draw = move |below: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) % below
        };
        // Keys whose prefixes differ; keys among which many have one prefix; all with the same.
        let kinds: [fn(i64) -> Term; 3] = [
            Term::int,
            |key| Term::tuple_of([Term::int(key / 500), Term::int(key)]),
            |key| Term::list(vec![Term::int(key)]),
        ];
        for make in kinds {
            let (mut tree, mut model) = (Tree::new(0), BTreeMap::new());
            // Up in order, down in order, anywhere, and mostly away.
            for step in 0..16_000 {
                let key = match step / 4000 {
                    0 => 10_000 + step,
                    1 => 14_000 - step,
                    _ => draw(16_000) as i64,
                };
                let term = make(key);
                if draw(8) < [0, 1, 4, 7][step as usize / 4000] {
                    let removed = tree.remove(&term).map(|row| row.as_tuple().unwrap()[1].clone());
                    assert_eq!(removed, model.remove(&key));
                } else {
                    let row = Term::tuple_of([term, Term::int(step)]);
                    let old = tree.insert(row).map(|row| row.as_tuple().unwrap()[1].clone());
                    assert_eq!(old, model.insert(key, Term::int(step)));
                }
                if step % 500 == 499 {
                    check(&mut tree, &model, make, draw(16_000) as i64);
                }
            }
            for key in model.clone().into_keys() {
                assert!(tree.remove(&make(key)).is_some());
                model.remove(&key);
            }
            check(&mut tree, &model, make, 1);
            assert!(tree.leaves.is_empty());
        }
    }

    fn check(tree: &mut Tree, model: &BTreeMap<i64, Term>, make: fn(i64) -> Term, near: i64) {
        let values = |rows: Vec<&[Term]>| rows.iter().map(|rows| rows[0].as_tuple().unwrap()[1].clone()).collect();
        let (all, back): (Vec<Term>, Vec<Term>) =
            (values(tree.iter(From::Start).collect()), values(tree.iter_back(From::Start).collect()));
        assert_eq!(tree.len(), model.len());
        assert!(all.iter().eq(model.values()) && back.iter().eq(model.values().rev()));
        for near in [near, near + 1, -1, i64::MAX] {
            let key = make(near);
            let behind: Vec<Term> = values(tree.iter(From::Beyond(&key)).collect());
            let before: Vec<Term> = values(tree.iter_back(From::Beyond(&key)).collect());
            assert!(behind.iter().eq(model.range(near..).filter(|(key, _)| **key != near).map(|(_, value)| value)));
            assert!(before.iter().eq(model.range(..near).rev().map(|(_, value)| value)));
            assert_eq!(tree.get_mut(&key).is_some(), model.contains_key(&near));
        }
    }
}
