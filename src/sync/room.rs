//! Containers that become smaller again. A map keeps the room that it once needed: a process that had a million
//! monitors would hold the table of them for as long as it lives.
//!
//! It is called after a removal, and costs two comparisons then. Less than an eighth is full when a container shrinks,
//! and half of it is afterwards, so that moving costs each removal a constant.

use super::stir;
use hashbrown::{HashMap, HashSet};
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash};

/// Bytes: what is no larger is not worth it. Of less than a page nothing goes back to the system.
const SMALL: usize = 4096;

/// Gives room back that a container has far too much of.
pub trait Room {
    fn tidy(&mut self);
}

/// Whether so many things of `size` bytes are less than an eighth of what has room in `bytes`. What a container of
/// hashbrown has is asked in bytes, for its capacity is what could be added: it shrinks with each place that was taken
/// and left, to nothing in a map that was full.
#[inline(always)]
pub fn is_roomy(length: usize, size: usize, bytes: usize) -> bool {
    bytes > SMALL && 8 * length * size < bytes
}

impl<K: Eq + Hash, V, S: BuildHasher> Room for HashMap<K, V, S> {
    #[inline(always)]
    fn tidy(&mut self) {
        let bytes = self.allocation_size();
        if is_roomy(self.len(), size_of::<(K, V)>(), bytes) {
            self.shrink_to(self.len() * 2);
            stir::stir(bytes - self.allocation_size());
        }
    }
}

impl<K: Eq + Hash, S: BuildHasher> Room for HashSet<K, S> {
    #[inline(always)]
    fn tidy(&mut self) {
        let bytes = self.allocation_size();
        if is_roomy(self.len(), size_of::<K>(), bytes) {
            self.shrink_to(self.len() * 2);
            stir::stir(bytes - self.allocation_size());
        }
    }
}

impl<T> Room for VecDeque<T> {
    #[inline(always)]
    fn tidy(&mut self) {
        let bytes = self.capacity() * size_of::<T>();
        if is_roomy(self.len(), size_of::<T>(), bytes) {
            self.shrink_to(self.len() * 2);
            stir::stir(bytes - self.capacity() * size_of::<T>());
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
        assert!(map.allocation_size() <= SMALL && queue.capacity() * size_of::<u32>() <= SMALL);
        assert!((99_990..100_000).all(|key| map.get(&key) == Some(&key)));
        assert!(queue.iter().copied().eq(99_990..100_000));
    }

    #[test]
    fn what_was_full_becomes_small_too() {
        let mut map: HashMap<u32, u32> = HashMap::with_capacity(10_000);
        let full = map.capacity() as u32;
        map.extend((0..full).map(|key| (key, key)));
        assert_eq!(map.capacity(), full as usize);
        for key in 0..full {
            map.remove(&key);
            map.tidy();
        }
        assert!(map.allocation_size() <= SMALL);
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
