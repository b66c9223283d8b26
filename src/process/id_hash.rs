//! A hasher for what is a number already, and drawn by us: pids, refs, tokens.

use std::hash::{BuildHasherDefault, Hasher};

/// Hashes what is a number already.
pub type IdHash = BuildHasherDefault<IdHasher>;

/// Fibonacci hashing of one 64-bit number.
#[derive(Default, Clone, Copy)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }
    fn write_u64(&mut self, number: u64) {
        // 2^64 divided by the golden ratio; the high half carries the mixing down.
        let mixed = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}
