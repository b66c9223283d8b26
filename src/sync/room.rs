//! Containers that become smaller again. A map keeps the room that it once needed: a process that had a million
//! monitors would hold the table of them for as long as it lives.
//!
//! It is called after a removal, and costs two comparisons then. Less than an eighth is full when a container shrinks,
//! and half of it is afterwards, so that moving costs each removal a constant.

use super::stir;
use hashbrown::{HashMap, HashSet};
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash};

/// What is smaller than this is not worth it.
const SMALL: usize = 256;

/// Gives room back that a container has far too much of.
pub trait Room {
    fn tidy(&mut self);
}

#[inline(always)]
fn is_roomy(length: usize, capacity: usize) -> bool {
    capacity > SMALL && length < capacity / 8
}

impl<K: Eq + Hash, V, S: BuildHasher> Room for HashMap<K, V, S> {
    #[inline(always)]
    fn tidy(&mut self) {
        let capacity = self.capacity();
        if is_roomy(self.len(), capacity) {
            self.shrink_to(self.len() * 2);
            stir::stir((capacity - self.capacity()) * size_of::<(K, V)>());
        }
    }
}

impl<K: Eq + Hash, S: BuildHasher> Room for HashSet<K, S> {
    #[inline(always)]
    fn tidy(&mut self) {
        let capacity = self.capacity();
        if is_roomy(self.len(), capacity) {
            self.shrink_to(self.len() * 2);
            stir::stir((capacity - self.capacity()) * size_of::<K>());
        }
    }
}

impl<T> Room for VecDeque<T> {
    #[inline(always)]
    fn tidy(&mut self) {
        let capacity = self.capacity();
        if is_roomy(self.len(), capacity) {
            self.shrink_to(self.len() * 2);
            stir::stir((capacity - self.capacity()) * size_of::<T>());
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_nearly_empty_becomes_small_and_keeps_what_it_has() {
        let mut map: HashMap<u32, u32> = (0..100_000).map(|key| (key, key)).collect();
        let mut queue: VecDeque<u32> = (0..100_000).collect();
        for key in 0..99_990 {
            map.remove(&key);
            map.tidy();
            assert_eq!(queue.pop_front(), Some(key));
            queue.tidy();
        }
        assert!(map.capacity() <= SMALL && queue.capacity() <= SMALL);
        assert!((99_990..100_000).all(|key| map.get(&key) == Some(&key)));
        assert!(queue.iter().copied().eq(99_990..100_000));
    }

    #[test]
    fn what_grows_and_shrinks_by_one_is_not_moved_each_time() {
        let mut set: HashSet<u32> = (0..10_000).collect();
        set.retain(|key| *key < 1_000);
        set.tidy();
        // Not its capacity, which goes down by a place that was taken and left.
        let (mut moves, mut size) = (0, set.allocation_size());
        for round in 0..10_000 {
            set.insert(20_000 + round);
            set.remove(&(20_000 + round));
            set.tidy();
            moves += u32::from(set.allocation_size() != size);
            size = set.allocation_size();
        }
        assert!(moves <= 1);
    }
}
