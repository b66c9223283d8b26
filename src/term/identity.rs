//! Pids and references: plain numbers that name something for ever and are never used twice.

use std::cell::Cell;

use once_cell::sync::Lazy;

use crate::sync::{AtomicU64, Ordering};

/// A process: 28 bits of index, 36 bits of generation above. All zero is no process.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(pub u64);

impl Pid {
    /// No process.
    pub const NONE: Pid = Pid(0);
    /// How many bits of a pid are its index.
    pub const INDEX_BITS: u32 = 28;
    /// Largest index.
    pub const INDEX_MAX: u32 = (1 << Self::INDEX_BITS) - 1;
    /// Largest generation.
    pub const GENERATION_MAX: u64 = (1 << 36) - 1;

    /// The pid of slot `index` in its `generation`; bits beyond 28 and 36 are cut off.
    #[inline]
    pub const fn new(index: u32, generation: u64) -> Pid {
        Pid(generation << Self::INDEX_BITS | (index & Self::INDEX_MAX) as u64)
    }

    /// Its place in the table of processes.
    #[inline]
    pub const fn index(self) -> u32 {
        self.0 as u32 & Self::INDEX_MAX
    }

    /// How often that place has been used.
    #[inline]
    pub const fn generation(self) -> u64 {
        self.0 >> Self::INDEX_BITS
    }
}

/// A reference: unique in this process of the operating system.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ref(pub u64);

/// Where the next block of ids begins. Zero is given to nobody.
static NEXT_BLOCK: Lazy<AtomicU64> = Lazy::new(|| AtomicU64::new(BLOCK));
/// Ids a thread takes at once, so that threads seldom meet at the counter.
const BLOCK: u64 = 1024;

thread_local! {
    /// The next id of this thread's block; a multiple of `BLOCK` means that the block is used up.
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

impl Ref {
    /// A reference that nobody has had before.
    #[inline]
    pub fn fresh() -> Ref {
        NEXT.with(|next| {
            let mut id = next.get();
            if id % BLOCK == 0 {
                // Relaxed: only the number must be unique, it orders nothing. 2^64 ids do not run out.
                id = NEXT_BLOCK.fetch_add(BLOCK, Ordering::Relaxed);
                // The first id of a block is the mark of an empty one, so it is left out.
                id += 1;
            }
            next.set(id + 1);
            Ref(id)
        })
    }
}
