//! A map that has one entry as a rule. The first lies in it, so that a process with one link or one monitor has no
//! table of its own: what is spawned, monitored and gone again would spend a tenth of its time on them.

use super::id_hash::IdHash;
use crate::sync::room::Room;
use hashbrown::{HashMap, hash_map};
use std::hash::Hash;

/// Keys to values, both small.
#[derive(Default)]
pub(super) enum Few<K, V> {
    #[default]
    None,
    One(K, V),
    /// Since the second came; it may have become empty again.
    Many(HashMap<K, V, IdHash>),
}

impl<K: Copy + Eq + Hash, V> Few<K, V> {
    /// Adds an entry, or replaces its value.
    #[inline]
    pub fn insert(&mut self, key: K, value: V) {
        match self {
            Few::None => *self = Few::One(key, value),
            _ => self.insert_beside(key, value),
        }
    }

    fn insert_beside(&mut self, key: K, value: V) {
        match self {
            Few::None => *self = Few::One(key, value),
            Few::One(known, old) if *known == key => *old = value,
            Few::One(..) => {
                let mut many = HashMap::with_capacity_and_hasher(3, IdHash::default());
                many.insert(key, value);
                if let Few::One(known, old) = std::mem::replace(self, Few::None) {
                    many.insert(known, old);
                }
                *self = Few::Many(many);
            }
            Few::Many(many) => {
                many.insert(key, value);
            }
        }
    }

    /// Adds an entry; nothing changes when there is one.
    pub fn insert_new(&mut self, key: K, value: V) {
        if !self.contains_key(&key) {
            self.insert(key, value);
        }
    }

    #[inline]
    pub fn get(&self, key: &K) -> Option<&V> {
        match self {
            Few::None => None,
            Few::One(known, value) => (known == key).then_some(value),
            Few::Many(many) => many.get(key),
        }
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        match self {
            Few::None => None,
            Few::One(known, value) => (known == key).then_some(value),
            Few::Many(many) => many.get_mut(key),
        }
    }

    #[inline]
    pub fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        match self {
            Few::Many(many) => {
                let value = many.remove(key);
                many.tidy();
                value
            }
            Few::One(known, _) if known == key => match std::mem::replace(self, Few::None) {
                Few::One(_, value) => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Few::None => 0,
            Few::One(..) => 1,
            Few::Many(many) => many.len(),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let (one, many) = match self {
            Few::None => (None, None),
            Few::One(key, value) => (Some((key, value)), None),
            Few::Many(many) => (None, Some(many)),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

/// What was in one, entry by entry.
pub(super) enum IntoIter<K, V> {
    One(Option<(K, V)>),
    Many(hash_map::IntoIter<K, V>),
}

impl<K, V> IntoIterator for Few<K, V> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    fn into_iter(self) -> IntoIter<K, V> {
        match self {
            Few::None => IntoIter::One(None),
            Few::One(key, value) => IntoIter::One(Some((key, value))),
            Few::Many(many) => IntoIter::Many(many.into_iter()),
        }
    }
}

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        match self {
            IntoIter::One(one) => one.take(),
            IntoIter::Many(many) => many.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_map_whatever_the_number() {
        let mut few = Few::default();
        let mut model = std::collections::HashMap::new();
        let mut random = 7u64;
        for round in 0..20_000u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let key = (random >> 33) % 4;
            match (random >> 40) % 4 {
                0 => {
                    few.insert(key, round);
                    model.insert(key, round);
                }
                1 => {
                    few.insert_new(key, round);
                    model.entry(key).or_insert(round);
                }
                _ => assert_eq!(few.remove(&key), model.remove(&key)),
            }
            assert_eq!(few.len(), model.len());
            assert_eq!(few.get(&key), model.get(&key));
            let mut seen: Vec<_> = few.iter().map(|(key, value)| (*key, *value)).collect();
            let mut wanted: Vec<_> = model.clone().into_iter().collect();
            seen.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(seen, wanted);
            // Now and then it begins anew, which it does not by itself once there were two.
            if random.is_multiple_of(17) {
                let mut taken: Vec<_> = std::mem::take(&mut few).into_iter().collect();
                taken.sort_unstable();
                assert_eq!(taken, wanted);
                model.clear();
            }
        }
    }
}
