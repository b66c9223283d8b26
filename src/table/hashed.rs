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
    shards: Box<[CachePadded<RwLock<Shard>>; SHARDS]>,
}

impl Hashed {
    pub fn new() -> Hashed {
        Hashed {
            hasher: DefaultHashBuilder::default(),
            shards: Box::new(std::array::from_fn(|_| CachePadded::default())),
        }
    }

    #[inline]
    pub fn hash(&self, key: &Term) -> u64 {
        self.hasher.hash_one(key)
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
