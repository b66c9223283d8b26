//! The objects of sets and bags: thirty-two shards, each under its own lock.
//!
//! The upper bits of a key's hash choose the shard, so the order of all hashes is that of the shards and then of the
//! hashes within each. The hasher is seeded for each table.

use super::shard::Shard;
use crate::sync::RwLock;
use crate::term::Term;
use crossbeam::utils::CachePadded;
use hashbrown::DefaultHashBuilder;
use std::hash::BuildHasher;

pub(super) const SHARD_BITS: u32 = 5;
pub(super) const SHARDS: usize = 1 << SHARD_BITS;

pub(super) struct Hashed {
    hasher: DefaultHashBuilder,
    /// Of this table alone, as is what the hasher begins with.
    seeds: [u64; 2],
    shards: Box<[CachePadded<RwLock<Shard>>; SHARDS]>,
}

impl Hashed {
    pub fn new() -> Hashed {
        let hasher = DefaultHashBuilder::default();
        Hashed {
            seeds: [hasher.hash_one(1), hasher.hash_one(2)],
            hasher,
            shards: Box::new(std::array::from_fn(|_| CachePadded::default())),
        }
    }

    /// Of two integers of 64 bits never the same: each step can be undone.
    #[inline]
    pub fn hash(&self, key: &Term) -> u64 {
        let Some(integer) = key.as_int() else { return self.hasher.hash_one(key) };
        // The mixing of Java's SplittableRandom, with the seeds put in between; factors that are drawn too are bad ones
        // now and then, which leave shards empty.
        let mixed = integer as u64 ^ self.seeds[0];
        let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_add(self.seeds[1]).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    #[inline]
    pub fn shard_of(&self, hash: u64) -> &RwLock<Shard> {
        &self.shards[(hash >> (64 - SHARD_BITS)) as usize]
    }

    pub fn shards(&self) -> impl Iterator<Item = &RwLock<Shard>> {
        self.shards.iter().map(|shard| &**shard)
    }

    /// The shards from that of a hash on, each with the hash from which on its groups are meant.
    pub fn shards_from(&self, hash: u64) -> impl Iterator<Item = (&RwLock<Shard>, u64)> {
        let first = (hash >> (64 - SHARD_BITS)) as usize;
        let from = [hash].into_iter().chain(std::iter::repeat(0));
        self.shards().skip(first).zip(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_that_differ_anywhere_have_other_hashes_and_spread() {
        (0..200).for_each(|_| check(&Hashed::new()));
    }

    fn check(hashed: &Hashed) {
        let around = |value: i64| (-3..=3).map(move |by| value.wrapping_add(by));
        let mut values: Vec<i64> = (0..64).flat_map(|bit| around(1 << bit)).collect();
        for stride in [0, 32, 40, 48] {
            values.extend((0..4096).map(|value| value << stride));
        }
        values.sort_unstable();
        values.dedup();
        let mut hashes: Vec<u64> = values.iter().map(|value| hashed.hash(&Term::int(*value))).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), values.len());
        // Keys that lie together, or differ in their upper halves only, fall on all shards alike.
        for stride in [0, 32, 40, 48] {
            let mut counts = [0; SHARDS];
            (0..4096i64).for_each(|value| {
                counts[(hashed.hash(&Term::int(value << stride)) >> (64 - SHARD_BITS)) as usize] += 1;
            });
            assert!(counts.iter().all(|count| (32..512).contains(count)), "{stride}: {counts:?}");
        }
    }
}
