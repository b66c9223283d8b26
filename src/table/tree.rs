//! The objects of an ordered set: leaves of up to 128, in the order of Erlang's terms, where `1` and `1.0` are one key.
//!
//! Each object has beside it a number that stands for its key in that order ([`Term::order_prefix`]), so that a search
//! compares numbers that lie together (8 bytes each, where keys and objects would take 32), and looks at one key: that
//! of the object found, which is wanted anyway; or at none, when an integer is searched for and its number is its own.
//! Only keys with the same number are compared as terms.
//!
//! A search asks for all prefixes of a leaf at once: they are 16 cache lines, of which a binary search would wait for
//! three or four, one after the other.
//!
//! Above the leaves is one array with the number of each one's first object. It moves by one place when a leaf is split
//! or empty, which is once in 64 insertions.

use super::group::{First, Group, Part, Rows};
use crate::sync::prefetch;
use crate::term::Term;
use std::cmp::Ordering;

/// Objects in a leaf at most.
const LEAF: usize = 128;
/// Prefixes, or objects, in a cache line.
const LINE: usize = 8;

struct Leaf {
    length: usize,
    prefixes: [u64; LEAF],
    /// Behind the last: none.
    rows: [Group; LEAF],
}

pub(super) struct Tree {
    /// Which element of an object is its key.
    position: usize,
    /// The prefix of each leaf's first object.
    firsts: Vec<u64>,
    /// None is empty.
    #[allow(clippy::vec_box)] // Leaves change places by their addresses; one is 2 KiB.
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

/// What is searched for.
struct Wanted<'a> {
    key: &'a Term,
    prefix: u64,
    /// The key is an integer, and no other integer has its prefix.
    is_exact: bool,
}

impl<'a> Wanted<'a> {
    #[inline]
    fn new(key: &'a Term) -> Wanted<'a> {
        // Those beyond 2^59 share the prefix of the last.
        const EXACT: i64 = (1 << 59) - 1;
        let is_exact = key.as_int().is_some_and(|value| -EXACT < value && value < EXACT);
        Wanted { key, prefix: key.order_prefix(), is_exact }
    }

    /// How the key of a group with the same prefix is to the one wanted.
    #[inline]
    fn order(&self, group: &Group, position: usize) -> Ordering {
        if self.is_exact && group.has_integer_key() {
            return Ordering::Equal;
        }
        group.key(position).cmp_erlang(self.key)
    }
}

/// How many of the ascending `prefixes` are less than, or stand for a key that is less than the one wanted; and whether
/// the one behind is that key. `order` tells how the key of a place is to the one wanted.
#[inline]
fn settle(prefixes: &[u64], mut index: usize, wanted: u64, order: impl Fn(usize) -> Ordering) -> (usize, bool) {
    if prefixes.get(index) != Some(&wanted) {
        return (index, false);
    }
    // As a rule there is one of that number.
    match order(index) {
        Ordering::Less => index += 1,
        order => return (index, order.is_eq()),
    }
    let mut end = index + prefixes[index..].partition_point(|prefix| *prefix == wanted);
    while index < end {
        let middle = index.midpoint(end);
        match order(middle) {
            Ordering::Less => index = middle + 1,
            Ordering::Equal => return (middle, true),
            Ordering::Greater => end = middle,
        }
    }
    (index, false)
}

impl Leaf {
    fn new() -> Box<Leaf> {
        Box::new(Leaf { length: 0, prefixes: [0; LEAF], rows: [const { Group::NONE }; LEAF] })
    }

    /// How many prefixes are less.
    #[inline]
    fn count_less(&self, wanted: u64) -> usize {
        let prefixes = &self.prefixes[..self.length];
        prefixes.iter().step_by(LINE).for_each(|line| prefetch(line));
        let (mut from, mut rest) = (0, prefixes);
        while rest.len() > 2 * LINE {
            let middle = rest.len() / 2;
            let is_less = rest[middle] < wanted;
            from += if is_less { middle } else { 0 };
            rest = if is_less { &rest[middle..] } else { &rest[..middle] };
        }
        // The object's place comes while the last steps are taken.
        prefetch(&self.rows[from]);
        prefetch(&self.rows[(from + LINE).min(LEAF - 1)]);
        from + rest.partition_point(|prefix| *prefix < wanted)
    }

    fn insert(&mut self, index: usize, prefix: u64, row: Group) {
        self.prefixes.copy_within(index..self.length, index + 1);
        self.prefixes[index] = prefix;
        self.rows[index..=self.length].rotate_right(1);
        self.rows[index] = row;
        self.length += 1;
    }

    fn remove(&mut self, index: usize) -> Group {
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
    fn place(&self, wanted: &Wanted<'_>) -> Place {
        let order = |leaf: usize, index: usize| wanted.order(&self.leaves[leaf].rows[index], self.position);
        let behind = self.firsts.partition_point(|first| *first < wanted.prefix);
        let (behind, is_first) = settle(&self.firsts, behind, wanted.prefix, |leaf| order(leaf, 0));
        if is_first {
            return Place { leaf: behind, index: 0, is_there: true };
        }
        let leaf = behind.saturating_sub(1);
        let Some(there) = self.leaves.get(leaf) else { return Place { leaf, index: 0, is_there: false } };
        let index = there.count_less(wanted.prefix);
        let (index, is_there) =
            settle(&there.prefixes[..there.length], index, wanted.prefix, |index| order(leaf, index));
        Place { leaf, index, is_there }
    }

    #[inline]
    pub fn get(&self, key: &Term) -> Rows<'_> {
        let place = self.place(&Wanted::new(key));
        if place.is_there { self.leaves[place.leaf].rows[place.index].rows() } else { Rows::All(&[]) }
    }

    #[inline]
    pub fn has(&self, key: &Term) -> bool {
        self.place(&Wanted::new(key)).is_there
    }

    /// The object of a key, to be changed or replaced by one with an equal key; `is_inline` as for
    /// [`Group::first_mut`].
    #[inline]
    pub fn first_mut(&mut self, key: &Term, is_inline: bool) -> Option<First<'_>> {
        let place = self.place(&Wanted::new(key));
        if place.is_there { self.leaves[place.leaf].rows[place.index].first_mut(is_inline) } else { None }
    }

    pub fn len(&self) -> usize {
        self.length
    }

    /// Puts an object in, a group of one; gives the one that had its key. What counts as the key is always read from
    /// the object.
    #[inline]
    pub fn insert(&mut self, fresh: Group) -> Option<Group> {
        let wanted = Wanted::new(fresh.key(self.position));
        let (place, prefix) = (self.place(&wanted), wanted.prefix);
        if place.is_there {
            return Some(std::mem::replace(&mut self.leaves[place.leaf].rows[place.index], fresh));
        }
        self.insert_at(place, prefix, fresh);
        None
    }

    fn insert_at(&mut self, Place { mut leaf, mut index, .. }: Place, prefix: u64, fresh: Group) {
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
        self.leaves[leaf].insert(index, prefix, fresh);
        self.firsts[leaf] = self.leaves[leaf].prefixes[0];
        self.length += 1;
    }

    fn add_leaf(&mut self, at: usize, leaf: Box<Leaf>) {
        self.firsts.insert(at, leaf.prefixes[0]);
        self.leaves.insert(at, leaf);
    }

    /// Takes an object out.
    pub fn remove(&mut self, key: &Term) -> Option<Group> {
        let Place { leaf, index, is_there: true } = self.place(&Wanted::new(key)) else { return None };
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

    /// Where the first object from `from` on is.
    fn start(&self, from: From<'_>) -> (usize, usize) {
        match from {
            From::Start => (0, 0),
            From::Beyond(key) => {
                let place = self.place(&Wanted::new(key));
                (place.leaf, place.index + place.is_there as usize)
            }
        }
    }

    /// Behind the last object before `from`: the leaf, and the place in it.
    fn end(&self, from: From<'_>) -> (usize, usize) {
        match from {
            From::Start => (self.leaves.len(), 0),
            From::Beyond(key) => {
                let place = self.place(&Wanted::new(key));
                (place.leaf, place.index)
            }
        }
    }

    /// The first object.
    pub fn first(&self, from: From<'_>) -> Option<Rows<'_>> {
        let (leaf, index) = self.start(from);
        let behind = || Some(&self.leaves.get(leaf + 1)?.rows[0]);
        let here = self.leaves.get(leaf)?;
        let group = if index < here.length { Some(&here.rows[index]) } else { behind() };
        group.map(Group::rows)
    }

    /// The last object.
    pub fn last(&self, from: From<'_>) -> Option<Rows<'_>> {
        let (leaf, index) = self.end(from);
        let group = match index.checked_sub(1) {
            Some(before) => self.leaves.get(leaf)?.rows.get(before),
            None => self.leaves.get(leaf.checked_sub(1)?).and_then(|leaf| leaf.rows[..leaf.length].last()),
        };
        group.map(Group::rows)
    }

    /// Shows so many objects from `from` on, or backwards from before it, some at a time; until `show` says false. The
    /// key to go on beyond, if there is more; none also when `show` said false.
    pub fn show_from(
        &self, from: From<'_>, reverse: bool, limit: usize, mut show: impl for<'g> FnMut(&mut Part<'g>) -> bool,
    ) -> Option<Term> {
        let (mut leaf, mut edge) = if reverse { self.end(from) } else { self.start(from) };
        let mut left = limit;
        loop {
            let length = self.leaves.get(leaf).map_or(0, |leaf| leaf.length);
            let all = if reverse { 0..edge } else { edge.min(length)..length };
            let part = if reverse {
                all.end - all.len().min(left)..all.end
            } else {
                all.start..all.start + all.len().min(left)
            };
            if let (Some(leaf), false) = (self.leaves.get(leaf), part.is_empty()) {
                if !leaf.show(&leaf.rows[part.clone()], reverse, &mut show) {
                    return None;
                }
                left -= part.len();
                if left == 0 {
                    let last = if reverse { part.start } else { part.end - 1 };
                    return Some(leaf.rows[last].key(self.position).clone());
                }
            }
            if reverse {
                leaf = leaf.checked_sub(1)?;
                edge = self.leaves.get(leaf).map_or(0, |leaf| leaf.length);
            } else {
                (leaf, edge) = (leaf + 1, 0);
                if leaf >= self.leaves.len() {
                    return None;
                }
            }
        }
    }

    /// Takes everything out.
    pub fn clear(&mut self) -> Tree {
        let empty = Tree { closed: self.closed, ..Tree::new(self.position) };
        std::mem::replace(self, empty)
    }
}

impl Leaf {
    /// Shows some of its objects.
    fn show(&self, groups: &[Group], reverse: bool, show: &mut impl for<'g> FnMut(&mut Part<'g>) -> bool) -> bool {
        let lent: [Rows<'_>; LEAF] = std::array::from_fn(|index| groups.get(index).map_or(Rows::All(&[]), Group::rows));
        let lent = &lent[..groups.len()];
        if reverse {
            Part::begin(groups.iter().rev());
            show(&mut Part::backwards(lent, groups))
        } else {
            Part::begin(groups.iter());
            show(&mut Part::forwards(&[], lent, groups))
        }
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
                    let removed = tree.remove(&term).map(value);
                    assert_eq!(removed, model.remove(&key));
                } else {
                    let row = Term::tuple_of([term, Term::int(step)]);
                    let old = tree.insert(Group::one(row, 0)).map(value);
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

    fn value(group: Group) -> Term {
        group.rows()[0].as_tuple().unwrap()[1].clone()
    }

    /// What is shown, in parts of so many objects.
    fn shown(tree: &Tree, from: From<'_>, reverse: bool, limit: usize) -> Vec<Term> {
        let mut values = Vec::new();
        let mut behind = None;
        loop {
            let from = behind.as_ref().map_or(from, From::Beyond);
            behind = tree.show_from(from, reverse, limit, |groups| {
                values.extend(groups.map(|(_, rows)| rows[0].as_tuple().unwrap()[1].clone()));
                true
            });
            if behind.is_none() {
                return values;
            }
        }
    }

    fn check(tree: &mut Tree, model: &BTreeMap<i64, Term>, make: fn(i64) -> Term, near: i64) {
        let edge = |rows: Option<Rows<'_>>| rows.map(|rows| rows[0].as_tuple().unwrap()[1].clone());
        assert_eq!(tree.len(), model.len());
        for limit in [usize::MAX, 1000, 61] {
            assert!(shown(tree, From::Start, false, limit).iter().eq(model.values()));
            assert!(shown(tree, From::Start, true, limit).iter().eq(model.values().rev()));
        }
        assert_eq!(edge(tree.first(From::Start)).as_ref(), model.values().next());
        assert_eq!(edge(tree.last(From::Start)).as_ref(), model.values().next_back());
        for near in [near, near + 1, -1, i64::MAX] {
            let key = make(near);
            let behind = || model.range(near..).filter(|(key, _)| **key != near).map(|(_, value)| value);
            let before = || model.range(..near).rev().map(|(_, value)| value);
            assert!(shown(tree, From::Beyond(&key), false, 1000).iter().eq(behind()));
            assert!(shown(tree, From::Beyond(&key), true, 1000).iter().eq(before()));
            assert_eq!(edge(tree.first(From::Beyond(&key))).as_ref(), behind().next());
            assert_eq!(edge(tree.last(From::Beyond(&key))).as_ref(), before().next());
            assert_eq!(tree.first_mut(&key, true).is_some(), model.contains_key(&near));
            assert_eq!(
                (tree.has(&key), tree.get(&key).len()),
                match model.contains_key(&near) {
                    true => (true, 1),
                    false => (false, 0),
                }
            );
        }
    }
}
