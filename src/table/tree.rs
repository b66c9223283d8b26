//! The objects of an ordered set: a B-tree, by the order of Erlang's terms, where `1` and `1.0` are one key.

use super::group::{Group, key_of};
use crate::term::Term;
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;

/// A key, ordered by value.
#[repr(transparent)]
struct Key(Term);

/// The same, lent.
#[repr(transparent)]
struct KeyRef(Term);

impl KeyRef {
    #[inline]
    fn of(term: &Term) -> &KeyRef {
        // SAFETY: `KeyRef` is transparent over `Term`.
        unsafe { &*std::ptr::from_ref(term).cast() }
    }
}

impl Borrow<KeyRef> for Key {
    #[inline]
    fn borrow(&self) -> &KeyRef {
        KeyRef::of(&self.0)
    }
}

#[inline]
fn compare(a: &Term, b: &Term) -> Ordering {
    match (a.as_int(), b.as_int()) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.cmp_erlang(b),
    }
}

macro_rules! ordered {
    ($($name:ident)*) => {$(
        impl Ord for $name {
            #[inline]
            fn cmp(&self, other: &$name) -> Ordering {
                compare(&self.0, &other.0)
            }
        }
        impl PartialOrd for $name {
            #[inline]
            fn partial_cmp(&self, other: &$name) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
        impl PartialEq for $name {
            #[inline]
            fn eq(&self, other: &$name) -> bool {
                self.cmp(other).is_eq()
            }
        }
        impl Eq for $name {}
    )*};
}

ordered!(Key KeyRef);

#[derive(Default)]
pub(super) struct Tree {
    map: BTreeMap<Key, Group>,
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

impl Tree {
    #[inline]
    pub fn get(&self, key: &Term) -> &[Term] {
        self.map.get(KeyRef::of(key)).map_or(&[], Group::rows)
    }

    #[inline]
    pub fn get_mut(&mut self, key: &Term) -> Option<&mut Group> {
        self.map.get_mut(KeyRef::of(key))
    }

    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Adds the object of a key that has none. What counts as the key is always read from the object: the one in the
    /// tree may be another of the same value.
    pub fn insert(&mut self, row: Term, position: usize) {
        self.map.insert(Key(key_of(&row, position).clone()), Group::One(row));
    }

    /// Takes an object out; the key in the tree comes along, to be freed by the caller.
    pub fn remove(&mut self, key: &Term) -> Option<(Term, Group)> {
        self.map.remove_entry(KeyRef::of(key)).map(|(key, group)| (key.0, group))
    }

    pub fn iter(&self, from: From<'_>) -> impl Iterator<Item = &[Term]> {
        let bound = match from {
            From::Start => Bound::Unbounded,
            From::Beyond(key) => Bound::Excluded(KeyRef::of(key)),
        };
        self.map.range::<KeyRef, _>((bound, Bound::Unbounded)).map(|(_, group)| group.rows())
    }

    pub fn iter_back(&self, from: From<'_>) -> impl Iterator<Item = &[Term]> {
        let bound = match from {
            From::Start => Bound::Unbounded,
            From::Beyond(key) => Bound::Excluded(KeyRef::of(key)),
        };
        self.map.range::<KeyRef, _>((Bound::Unbounded, bound)).rev().map(|(_, group)| group.rows())
    }

    /// Takes everything out.
    pub fn clear(&mut self) -> Tree {
        Tree { map: std::mem::take(&mut self.map), closed: self.closed }
    }
}
