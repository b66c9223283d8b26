//! Memory for messages: blocks of one cache line, kept by the workers.
//!
//! A message is allocated by its sender and freed by its receiver, often on another thread, where a general allocator
//! pays for a lock or a remote free. Here a worker keeps the blocks it frees, and allocates from them; what one has too
//! many of goes in batches to a common store, from which those who have none take. Other threads use the store for
//! each block. Blocks are cut from slabs, and those from regions, which are kept for the life of the process: what a
//! burst of messages took, the next one finds. When nothing runs for a while the memory of slabs that are free as a
//! whole goes back to the system ([`trim`]), and they are cut anew when they are needed.
//!
//! Who may touch what: a thread's list only that thread; the store under its lock, by workers once in a batch. Who
//! trims takes everything out of the store first, so that a slab of which all blocks are in its hands is nobody else's.

use super::Mutex;
use hashbrown::HashMap;
use std::alloc::{Layout, alloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{self, NonNull};

/// Bytes of a block, and their alignment.
pub const BLOCK: usize = 64;
/// Blocks that change hands at once, and those in a slab.
const BATCH: usize = 256;
/// Bytes of a slab, and their alignment: the address of a block tells its slab.
const SLAB: usize = BATCH * BLOCK;
/// Slabs in a region.
const SLABS: usize = 64;

/// Blocks that change hands together, by their addresses: a block that lies here is not touched, so that it does not
/// travel between the caches of those who free and those who take before it is written.
struct Magazine {
    count: usize,
    blocks: [*mut u8; BATCH],
}

impl Magazine {
    fn empty() -> Box<Magazine> {
        Box::new(Magazine { count: 0, blocks: [ptr::null_mut(); BATCH] })
    }

    #[inline]
    fn pop(&mut self) -> Option<NonNull<u8>> {
        self.count = self.count.checked_sub(1)?;
        if let Some(&soon) = self.blocks.get(self.count.wrapping_sub(AHEAD)) {
            fetch(soon);
        }
        NonNull::new(self.blocks[self.count])
    }

    #[inline]
    fn push(&mut self, block: NonNull<u8>) -> bool {
        let Some(place) = self.blocks.get_mut(self.count) else { return false };
        *place = block.as_ptr();
        self.count += 1;
        true
    }
}

impl Magazine {
    fn blocks(&self) -> impl Iterator<Item = NonNull<u8>> {
        self.blocks[..self.count].iter().filter_map(|&block| NonNull::new(block))
    }
}

/// A block this far down is fetched while others are written: it lies in the cache of the thread that freed it.
const AHEAD: usize = 4;

#[inline(always)]
fn fetch(block: *mut u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing that the program sees, whatever the address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(block.cast_const().cast())
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = block;
}

#[derive(Default)]
#[allow(clippy::vec_box)] // Magazines change hands by their address; one is 2 KiB.
struct Store {
    full: Vec<Box<Magazine>>,
    empty: Vec<Box<Magazine>>,
    /// For threads that keep none.
    loose: Vec<NonNull<u8>>,
    /// Slabs that nothing is cut from.
    whole: Vec<NonNull<u8>>,
    /// All regions ever made, so that they are never lost sight of.
    regions: Vec<NonNull<u8>>,
}

// SAFETY: free memory, and regions that are only remembered.
unsafe impl Send for Store {}

static STORE: Mutex<Store> = Mutex::new(Store {
    full: Vec::new(),
    empty: Vec::new(),
    loose: Vec::new(),
    whole: Vec::new(),
    regions: Vec::new(),
});

/// What a thread keeps: the magazine at hand and another, so that one who takes and frees in turn goes to the store
/// once in a magazine at most (Bonwick, "Magazines and Vmem").
struct Kept {
    hand: Box<Magazine>,
    other: Box<Magazine>,
}

thread_local! {
    /// Of a thread that keeps blocks; made by [`keep`], taken by [`give_back`].
    static KEPT: Cell<*mut Kept> = const { Cell::new(ptr::null_mut()) };
}

/// From now on this thread keeps the blocks it frees; it calls [`give_back`] before it ends.
pub fn keep() {
    if KEPT.get().is_null() {
        KEPT.set(Box::into_raw(Box::new(Kept { hand: Magazine::empty(), other: Magazine::empty() })));
    }
}

/// A block.
#[inline]
pub fn take() -> NonNull<u8> {
    // SAFETY: this thread's own, and no other reference to it is alive: nothing below calls anybody.
    match unsafe { KEPT.get().as_mut() } {
        Some(kept) => match kept.hand.pop() {
            Some(block) => block,
            None => refill(kept),
        },
        None => STORE.lock().loose_block(),
    }
}

#[cold]
fn refill(kept: &mut Kept) -> NonNull<u8> {
    if kept.other.count == 0 {
        let mut store = STORE.lock();
        let full = store.full();
        store.empty.push(std::mem::replace(&mut kept.other, full));
    }
    std::mem::swap(&mut kept.hand, &mut kept.other);
    kept.hand.pop().expect("a full magazine is not empty")
}

impl Store {
    /// A magazine that was given back, or a new slab.
    fn full(&mut self) -> Box<Magazine> {
        if let Some(magazine) = self.full.pop() {
            return magazine;
        }
        let slab = self.whole.pop().unwrap_or_else(|| self.region());
        let mut magazine = self.empty.pop().unwrap_or_else(Magazine::empty);
        for index in (0..BATCH).rev() {
            // SAFETY: within the slab, and nobody else's.
            let block = unsafe { slab.add(index * BLOCK) };
            magazine.push(block);
        }
        magazine
    }

    /// The first slab of a new region; the others are added.
    fn region(&mut self) -> NonNull<u8> {
        let layout = Layout::from_size_align(SLAB * SLABS, SLAB).expect("a power of two");
        // SAFETY: the layout is not of size zero.
        let region = NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        self.regions.push(region);
        // SAFETY: within the region.
        self.whole.extend((1..SLABS).rev().map(|index| unsafe { region.add(index * SLAB) }));
        region
    }

    fn loose_block(&mut self) -> NonNull<u8> {
        if let Some(block) = self.loose.pop() {
            return block;
        }
        let mut magazine = self.full();
        while let Some(block) = magazine.pop() {
            self.loose.push(block);
        }
        self.empty.push(magazine);
        self.loose.pop().expect("a full magazine is not empty")
    }
}

/// Gives the memory of slabs that are free as a whole back to the system; how many bytes. Blocks that threads keep are
/// not free here. Slow, when there are many.
pub fn trim() -> usize {
    let (full, loose) = {
        let mut store = STORE.lock();
        (std::mem::take(&mut store.full), std::mem::take(&mut store.loose))
    };
    let blocks = || full.iter().flat_map(|magazine| magazine.blocks()).chain(loose.iter().copied());
    let slab_of = |block: NonNull<u8>| block.as_ptr() as usize & !(SLAB - 1);
    let mut free: HashMap<usize, usize> = HashMap::new();
    blocks().for_each(|block| *free.entry(slab_of(block)).or_default() += 1);
    free.retain(|_, count| *count == BATCH);
    // What else there is fills magazines anew.
    let mut kept = Vec::new();
    let mut filling = Magazine::empty();
    for block in blocks().filter(|&block| !free.contains_key(&slab_of(block))) {
        if !filling.push(block) {
            kept.push(std::mem::replace(&mut filling, Magazine::empty()));
            filling.push(block);
        }
    }
    if filling.count > 0 {
        kept.push(filling);
    }
    let mut slabs: Vec<usize> = free.into_keys().collect();
    slabs.sort_unstable();
    for neighbours in slabs.chunk_by(|low, high| low + SLAB == *high) {
        // SAFETY: whole slabs, of which nobody has a block; they are written to before they are read.
        unsafe { libc::madvise(neighbours[0] as *mut libc::c_void, neighbours.len() * SLAB, libc::MADV_DONTNEED) };
    }
    let mut store = STORE.lock();
    store.full.append(&mut kept);
    store.empty.clear();
    // The lowest first out again.
    store.whole.extend(slabs.iter().rev().filter_map(|&slab| NonNull::new(slab as *mut u8)));
    slabs.len() * SLAB
}

/// Frees a block.
///
/// # Safety
/// It came from [`take`], on whatever thread, and nobody uses it any more.
#[inline]
pub unsafe fn free(block: NonNull<u8>) {
    // SAFETY: as in `take`.
    match unsafe { KEPT.get().as_mut() } {
        Some(kept) => {
            if !kept.hand.push(block) {
                store(kept, block);
            }
        }
        None => STORE.lock().loose.push(block),
    }
}

#[cold]
fn store(kept: &mut Kept, block: NonNull<u8>) {
    if kept.other.count > 0 {
        let mut store = STORE.lock();
        let empty = store.empty.pop().unwrap_or_else(Magazine::empty);
        store.full.push(std::mem::replace(&mut kept.other, empty));
    }
    std::mem::swap(&mut kept.hand, &mut kept.other);
    kept.hand.push(block);
}

/// Gives everything this thread keeps to the others; for its end.
pub fn give_back() {
    let kept = KEPT.replace(ptr::null_mut());
    if kept.is_null() {
        return;
    }
    // SAFETY: made by `keep`, taken from its place just now.
    let kept = unsafe { Box::from_raw(kept) };
    let mut store = STORE.lock();
    for magazine in [kept.hand, kept.other] {
        if magazine.count > 0 { store.full.push(magazine) } else { store.empty.push(magazine) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The store is everybody's: who trims it takes away for a moment what the other looks for.
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

    #[test]
    fn blocks_freed_on_another_thread_come_back_through_the_store() {
        let _alone = ALONE.lock();
        keep();
        let blocks: Vec<usize> = (0..4 * BATCH).map(|_| take().as_ptr() as usize).collect();
        let theirs = blocks.clone();
        std::thread::spawn(move || {
            keep();
            for block in theirs {
                // SAFETY: taken above, used by nobody.
                unsafe { free(NonNull::new(block as *mut u8).unwrap()) };
            }
            give_back();
        })
        .join()
        .unwrap();
        // Other tests take from the store too; some of them come back here.
        let again: Vec<_> = (0..4 * BATCH).map(|_| take()).collect();
        assert!(again.iter().any(|block| blocks.contains(&(block.as_ptr() as usize))));
        // SAFETY: taken just now.
        again.into_iter().for_each(|block| unsafe { free(block) });
        give_back();
    }

    #[test]
    fn slabs_that_are_free_as_a_whole_lose_their_memory_and_are_cut_anew() {
        let _alone = ALONE.lock();
        // Without keeping any: those of other tests come and go.
        let blocks: Vec<_> = (0..8 * BATCH).map(|_| take()).collect();
        // SAFETY: taken just now, and large enough.
        blocks.iter().for_each(|block| unsafe { block.cast::<[u8; BLOCK]>().write([7; BLOCK]) });
        let last = blocks.len() - 1;
        // SAFETY: taken above, used by nobody; the last is kept.
        blocks[..last].iter().for_each(|&block| unsafe { free(block) });
        assert!(trim() >= 4 * SLAB);
        // SAFETY: it was not freed.
        assert_eq!(unsafe { blocks[last].cast::<[u8; BLOCK]>().read() }, [7; BLOCK]);
        let again: Vec<_> = (0..8 * BATCH).map(|_| take()).collect();
        let mut places: Vec<_> = again.iter().chain([&blocks[last]]).map(|block| block.as_ptr()).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 8 * BATCH + 1);
        // SAFETY: as above.
        again.into_iter().chain([blocks[last]]).for_each(|block| unsafe { free(block) });
    }
}
