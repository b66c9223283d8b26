//! Where blocks come from and go to in batches: the store of one size, its slabs, and the regions they are cut from.

use crate::sync::{Mutex, prefetch};
use hashbrown::HashMap;
use std::alloc::{Layout, alloc};
use std::ptr::NonNull;

/// A size of blocks. There are two sorts, which do not share slabs, since one block that stays keeps its slab: `B` are
/// for messages and terms, which come and go, and `L` for what lives as long as a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    B32,
    B48,
    /// A cache line, and aligned as one.
    B64,
    /// Eight of them.
    B512,
    /// Aligned as a cache line as well.
    L64,
    L80,
    L96,
    L112,
    L128,
    L144,
    /// Four cache lines, and aligned as they are together.
    L256,
}

pub const SIZES: [Size; 11] = [
    Size::B32,
    Size::B48,
    Size::B64,
    Size::B512,
    Size::L64,
    Size::L80,
    Size::L96,
    Size::L112,
    Size::L128,
    Size::L144,
    Size::L256,
];
/// From one size to the next.
const STEP: usize = 16;
/// Blocks that change hands at once, at most.
pub const BATCH: usize = 128;
/// Bytes of a slab: a small page of most machines. Each block that is kept or in use keeps a slab, and when those who free
/// go here and there (a table is emptied by its hashes), what one thread keeps lies in as many slabs.
const SLAB: usize = 4096;
/// Bytes of a region, and their alignment: the address of a block tells its region, and its slab in there. It is a huge
/// page of most machines.
const REGION: usize = 2 << 20;

impl Size {
    /// The smallest in which so many bytes have room, of those for terms; none when they are too many.
    #[inline]
    pub const fn of(bytes: usize) -> Option<Size> {
        match bytes {
            ..=32 => Some(Size::B32),
            33..=48 => Some(Size::B48),
            49..=64 => Some(Size::B64),
            _ => None,
        }
    }

    /// The same of what a process has. The smallest are for a moment, as messages are.
    #[inline]
    pub const fn of_life(bytes: usize) -> Option<Size> {
        match bytes {
            ..=48 => Size::of(bytes),
            49..=144 => Some(SIZES[Size::L64 as usize + (bytes - 49) / STEP]),
            // What is a little smaller than that is not to take so much.
            241..=256 => Some(Size::L256),
            _ => None,
        }
    }

    #[inline]
    pub const fn bytes(self) -> usize {
        match self {
            Size::B32 => 32,
            Size::B48 => 48,
            Size::B64 => 64,
            Size::B512 => 512,
            Size::L256 => 256,
            _ => 64 + STEP * (self as usize - Size::L64 as usize),
        }
    }

    /// How its blocks are aligned: slabs are at more than that.
    #[inline]
    pub const fn align(self) -> usize {
        1 << self.bytes().trailing_zeros()
    }

    #[inline]
    const fn is_life(self) -> bool {
        self as usize >= Size::L64 as usize
    }

    /// Blocks of that size that change hands at once.
    #[inline]
    pub const fn batch(self) -> usize {
        match self {
            Size::B32 | Size::B48 | Size::B64 => BATCH,
            // Of what is larger, or comes and goes less often, a thread keeps less.
            _ => BATCH / 2,
        }
    }

    /// Blocks in a slab.
    pub const fn in_a_slab(self) -> usize {
        SLAB / self.bytes()
    }
}

// A slab is cut as a whole.
const _: () = {
    let mut at = 0;
    while at < SIZES.len() {
        assert!(SIZES[at].in_a_slab() <= SIZES[at].batch());
        at += 1;
    }
};

fn slab_of(block: NonNull<u8>) -> usize {
    block.as_ptr() as usize & !(SLAB - 1)
}

/// Blocks that change hands together, by their addresses: a block that lies here is not touched, so that it does not
/// travel between the caches of those who free and those who take before it is written.
pub struct Magazine {
    pub count: usize,
    blocks: [*mut u8; BATCH],
}

impl Magazine {
    /// None: there is no memory.
    pub fn empty() -> Option<Box<Magazine>> {
        let layout = Layout::new::<Magazine>();
        // SAFETY: the layout is not of size zero; all zero is an empty magazine, and it is a box's from here on.
        unsafe {
            let magazine = std::alloc::alloc_zeroed(layout).cast::<Magazine>();
            (!magazine.is_null()).then(|| Box::from_raw(magazine))
        }
    }

    #[inline]
    pub fn pop(&mut self) -> Option<NonNull<u8>> {
        self.count = self.count.checked_sub(1)?;
        if let Some(&soon) = self.blocks.get(self.count.wrapping_sub(AHEAD)) {
            prefetch(soon.cast_const());
        }
        NonNull::new(self.blocks[self.count])
    }

    /// Adds one of that size, as all others here; false when it is full.
    #[inline]
    pub fn push(&mut self, size: Size, block: NonNull<u8>) -> bool {
        if self.count >= size.batch() {
            return false;
        }
        self.blocks[self.count] = block.as_ptr();
        self.count += 1;
        true
    }

    fn blocks(&self) -> impl Iterator<Item = NonNull<u8>> {
        self.blocks[..self.count].iter().filter_map(|&block| NonNull::new(block))
    }
}

/// A block this far down is fetched while others are written: it lies in the cache of the thread that freed it.
const AHEAD: usize = 4;

/// The free blocks of one size.
#[allow(clippy::vec_box)] // Magazines change hands by their address; one is 1 KiB.
pub struct Store {
    pub full: Vec<Box<Magazine>>,
    pub empty: Vec<Box<Magazine>>,
    /// For threads that keep none.
    pub loose: Vec<NonNull<u8>>,
    /// Slabs that nothing is cut from.
    whole: Vec<NonNull<u8>>,
    /// All regions ever made, so that they are never lost sight of.
    regions: Vec<NonNull<u8>>,
    /// Those that are not to be put on huge pages for now, by their addresses; the lowest last.
    cold: Vec<usize>,
}

// SAFETY: free memory, and regions that are only remembered.
unsafe impl Send for Store {}

impl Store {
    pub const fn new() -> Store {
        Store {
            full: Vec::new(),
            empty: Vec::new(),
            loose: Vec::new(),
            whole: Vec::new(),
            regions: Vec::new(),
            cold: Vec::new(),
        }
    }

    /// A magazine that was given back, or new slabs.
    pub fn full(&mut self, size: Size) -> Option<Box<Magazine>> {
        if let Some(magazine) = self.full.pop() {
            return Some(magazine);
        }
        let mut magazine = self.empty.pop().or_else(Magazine::empty)?;
        if self.whole.is_empty() && !self.region(size) {
            self.empty.push(magazine);
            return None;
        }
        let first = self.whole.len().saturating_sub(size.batch() / size.in_a_slab());
        // The lowest last: it is taken from first.
        for slab in self.whole.drain(first..) {
            warm(&mut self.cold, slab);
            for index in (0..size.in_a_slab()).rev() {
                // SAFETY: within the slab, and nobody else's.
                let block = unsafe { slab.add(index * size.bytes()) };
                magazine.push(size, block);
            }
        }
        Some(magazine)
    }

    /// The slabs of a new region; false: there is no memory.
    fn region(&mut self, size: Size) -> bool {
        // SAFETY: the layout is not of size zero.
        let region =
            Layout::from_size_align(REGION, REGION).ok().and_then(|layout| NonNull::new(unsafe { alloc(layout) }));
        let Some(region) = region else { return false };
        // Who has that many blocks reads them here and there, and most of that is the search for the pages of their
        // addresses: on huge ones a lookup in a table of 100,000 objects takes half as long. The first region, of which
        // a small program uses little, is not to be in memory as a whole.
        if !self.regions.is_empty() && !size.is_life() {
            advise_huge_pages(region.as_ptr() as usize, true);
        }
        self.regions.push(region);
        // SAFETY: within the region.
        self.whole.extend((0..REGION / SLAB).rev().map(|index| unsafe { region.add(index * SLAB) }));
        true
    }

    /// Slabs of these addresses are about to lose their memory. As long as nothing is cut from them their regions are on
    /// small pages: else the kernel makes a huge one of what is left there, and all of that is in memory again.
    fn cool(&mut self, size: Size, slabs: &[usize]) {
        if size.is_life() {
            return;
        }
        let first = self.regions.first().map_or(0, |region| region.as_ptr() as usize);
        let mut regions: Vec<usize> = slabs.iter().map(|slab| slab & !(REGION - 1)).collect();
        regions.dedup();
        regions.retain(|&region| region != first && !self.cold.contains(&region));
        regions.iter().for_each(|&region| advise_huge_pages(region, false));
        self.cold.append(&mut regions);
        self.cold.sort_unstable_by(|left, right| right.cmp(left));
    }

    pub fn loose_block(&mut self, size: Size) -> Option<NonNull<u8>> {
        if let Some(block) = self.loose.pop() {
            return Some(block);
        }
        let mut magazine = self.full(size)?;
        self.loose.extend(magazine.blocks());
        magazine.count = 0;
        self.empty.push(magazine);
        self.loose.pop()
    }
}

/// A slab is about to be cut, whose region may be one of those that are `cold`.
fn warm(cold: &mut Vec<usize>, slab: NonNull<u8>) {
    let region = slab.as_ptr() as usize & !(REGION - 1);
    if let Ok(at) = cold.binary_search_by(|cold| region.cmp(cold)) {
        cold.remove(at);
        advise_huge_pages(region, true);
    }
}

/// Gives the memory of slabs that are free as a whole back to the system; how many bytes. Slow, when there are many.
pub fn trim(size: Size, store: &Mutex<Store>) -> usize {
    let (full, loose) = {
        let mut store = store.lock();
        (std::mem::take(&mut store.full), std::mem::take(&mut store.loose))
    };
    let blocks = || full.iter().flat_map(|magazine| magazine.blocks()).chain(loose.iter().copied());
    let mut free: HashMap<usize, usize> = HashMap::new();
    blocks().for_each(|block| *free.entry(slab_of(block)).or_default() += 1);
    free.retain(|_, count| *count == size.in_a_slab());
    // What else there is fills magazines anew.
    let mut kept: Vec<Box<Magazine>> = Vec::new();
    let mut rest = Vec::new();
    for block in blocks().filter(|&block| !free.contains_key(&slab_of(block))) {
        if !kept.last_mut().is_some_and(|magazine| magazine.push(size, block)) {
            match Magazine::empty() {
                Some(mut magazine) => {
                    magazine.push(size, block);
                    kept.push(magazine);
                }
                None => rest.push(block),
            }
        }
    }
    let mut slabs: Vec<usize> = free.into_keys().collect();
    slabs.sort_unstable();
    store.lock().cool(size, &slabs);
    for neighbours in slabs.chunk_by(|low, high| low + SLAB == *high) {
        give_pages_back(neighbours[0], neighbours.len() * SLAB);
    }
    let mut store = store.lock();
    store.full.append(&mut kept);
    store.loose.append(&mut rest);
    store.empty.clear();
    // The lowest first out again.
    store.whole.extend(slabs.iter().rev().filter_map(|&slab| NonNull::new(slab as *mut u8)));
    slabs.len() * SLAB
}

/// Says whether a region is to be on huge pages.
#[cfg_attr(not(target_os = "linux"), allow(unused_variables))]
fn advise_huge_pages(region: usize, huge: bool) {
    #[cfg(target_os = "linux")]
    {
        let advice = if huge { libc::MADV_HUGEPAGE } else { libc::MADV_NOHUGEPAGE };
        // SAFETY: our own memory; advice that a system may not take.
        unsafe { libc::madvise(region as *mut libc::c_void, REGION, advice) };
    }
}

/// Gives the pages that lie within that memory back to the system.
fn give_pages_back(start: usize, bytes: usize) {
    // SAFETY: asks for a number.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(REGION).max(1);
    let (first, end) = (start.next_multiple_of(page), (start + bytes) / page * page);
    if first < end {
        // SAFETY: whole pages of slabs of which nobody has a block; they are written to before they are read.
        unsafe { libc::madvise(first as *mut libc::c_void, end - first, libc::MADV_DONTNEED) };
    }
}
