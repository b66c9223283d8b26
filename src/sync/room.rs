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

/// Whether so many things of `size` bytes are less than an eighth of what has room.
#[inline(always)]
pub fn is_roomy(length: usize, capacity: usize, size: usize) -> bool {
    capacity * size > SMALL && length < capacity / 8
}

/// The places of a map of so many bytes. (Its capacity is less by those that were taken and left.)
#[inline(always)]
fn places(bytes: usize, size: usize) -> usize {
    bytes / (size + 1)
}

impl<K: Eq + Hash, V, S: BuildHasher> Room for HashMap<K, V, S> {
    #[inline(always)]
    fn tidy(&mut self) {
        let size = self.allocation_size();
        if is_roomy(self.len(), places(size, size_of::<(K, V)>()), size_of::<(K, V)>()) {
            self.shrink_to(self.len() * 2);
            stir::stir(size - self.allocation_size());
        }
    }
}

impl<K: Eq + Hash, S: BuildHasher> Room for HashSet<K, S> {
    #[inline(always)]
    fn tidy(&mut self) {
        let size = self.allocation_size();
        if is_roomy(self.len(), places(size, size_of::<K>()), size_of::<K>()) {
            self.shrink_to(self.len() * 2);
            stir::stir(size - self.allocation_size());
        }
    }
}

impl<T> Room for VecDeque<T> {
    #[inline(always)]
    fn tidy(&mut self) {
        let capacity = self.capacity();
        if is_roomy(self.len(), capacity, size_of::<T>()) {
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
        assert!(map.allocation_size() <= 2 * SMALL && queue.capacity() * size_of::<u32>() <= SMALL);
        assert!((99_990..100_000).all(|key| map.get(&key) == Some(&key)));
        assert!(queue.iter().copied().eq(99_990..100_000));
    }

    #[test]
    fn few_that_are_large_are_much_too() {
        let mut map: HashMap<u32, [u64; 16]> = (0..200).map(|key| (key, [7; 16])).collect();
        for key in 0..200 {
            map.remove(&key);
            map.tidy();
        }
        assert!(map.allocation_size() <= 2 * SMALL);
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
