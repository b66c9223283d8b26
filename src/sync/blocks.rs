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

struct Free {
    next: *mut Free,
}

/// A list of free blocks.
struct List {
    head: *mut Free,
    count: usize,
}

#[derive(Default)]
struct Store {
    batches: Vec<List>,
    /// For threads that keep none.
    loose: Vec<NonNull<u8>>,
    /// Slabs that nothing is cut from.
    whole: Vec<NonNull<u8>>,
    /// All regions ever made, so that they are never lost sight of.
    regions: Vec<NonNull<u8>>,
}

// SAFETY: free memory, and regions that are only remembered.
unsafe impl Send for Store {}

static STORE: Mutex<Store> =
    Mutex::new(Store { batches: Vec::new(), loose: Vec::new(), whole: Vec::new(), regions: Vec::new() });

struct Local {
    /// Whether this thread keeps blocks.
    keeps: Cell<bool>,
    head: Cell<*mut Free>,
    count: Cell<usize>,
}

thread_local! {
    static LOCAL: Local =
        const { Local { keeps: Cell::new(false), head: Cell::new(ptr::null_mut()), count: Cell::new(0) } };
}

/// From now on this thread keeps the blocks it frees; it calls [`give_back`] before it ends.
pub fn keep() {
    LOCAL.with(|local| local.keeps.set(true));
}

/// A block.
#[inline]
pub fn take() -> NonNull<u8> {
    LOCAL.with(|local| {
        let head = local.head.get();
        match NonNull::new(head) {
            Some(block) => {
                // SAFETY: the list holds free blocks of this thread's.
                local.head.set(unsafe { block.as_ref() }.next);
                local.count.set(local.count.get() - 1);
                block.cast()
            }
            None => refill(local),
        }
    })
}

#[cold]
fn refill(local: &Local) -> NonNull<u8> {
    let mut store = STORE.lock();
    if !local.keeps.get() {
        if let Some(block) = store.loose.pop() {
            return block;
        }
        let list = store.batch();
        let mut at = list.head;
        while let Some(block) = NonNull::new(at) {
            // SAFETY: the blocks of a batch are free and ours.
            at = unsafe { block.as_ref() }.next;
            store.loose.push(block.cast());
        }
        return store.loose.pop().expect("a batch is not empty");
    }
    let list = store.batch();
    drop(store);
    let first = NonNull::new(list.head).expect("a batch is not empty");
    // SAFETY: as above.
    local.head.set(unsafe { first.as_ref() }.next);
    local.count.set(list.count - 1);
    first.cast()
}

impl Store {
    /// A batch that was given back, or a new slab.
    fn batch(&mut self) -> List {
        if let Some(list) = self.batches.pop() {
            return list;
        }
        let slab = self.whole.pop().unwrap_or_else(|| self.region());
        let mut head = ptr::null_mut();
        for index in (0..BATCH).rev() {
            // SAFETY: within the slab, and nobody else's.
            unsafe {
                let block = slab.as_ptr().add(index * BLOCK).cast::<Free>();
                block.write(Free { next: head });
                head = block;
            }
        }
        List { head, count: BATCH }
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
}

/// Calls `look` with each block of a list; it may write to the block.
fn for_each(list: &List, mut look: impl FnMut(NonNull<Free>)) {
    let mut at = list.head;
    while let Some(block) = NonNull::new(at) {
        // SAFETY: the blocks of a list are free, and ours.
        at = unsafe { block.as_ref() }.next;
        look(block);
    }
}

/// Gives the memory of slabs that are free as a whole back to the system; how many bytes. Blocks that threads keep are
/// not free here. Slow, when there are many.
pub fn trim() -> usize {
    let (batches, loose) = {
        let mut store = STORE.lock();
        (std::mem::take(&mut store.batches), std::mem::take(&mut store.loose))
    };
    let slab_of = |block: NonNull<Free>| block.as_ptr() as usize & !(SLAB - 1);
    let mut lists = batches;
    let mut head = ptr::null_mut();
    for block in &loose {
        // SAFETY: a free block, and ours.
        unsafe { block.cast::<Free>().write(Free { next: head }) };
        head = block.cast().as_ptr();
    }
    lists.push(List { head, count: loose.len() });
    let mut free: HashMap<usize, usize> = HashMap::new();
    for list in &lists {
        for_each(list, |block| *free.entry(slab_of(block)).or_default() += 1);
    }
    free.retain(|_, count| *count == BATCH);
    // What else there is makes new batches.
    let mut kept = Vec::new();
    let mut list = List { head: ptr::null_mut(), count: 0 };
    for old in &lists {
        for_each(old, |block| {
            if free.contains_key(&slab_of(block)) {
                return;
            }
            // SAFETY: a free block, and ours.
            unsafe { block.write(Free { next: list.head }) };
            list = List { head: block.as_ptr(), count: list.count + 1 };
            if list.count == BATCH {
                kept.push(std::mem::replace(&mut list, List { head: ptr::null_mut(), count: 0 }));
            }
        });
    }
    if list.count > 0 {
        kept.push(list);
    }
    let mut slabs: Vec<usize> = free.into_keys().collect();
    slabs.sort_unstable();
    for neighbours in slabs.chunk_by(|low, high| low + SLAB == *high) {
        // SAFETY: whole slabs, of which nobody has a block; they are written to before they are read.
        unsafe { libc::madvise(neighbours[0] as *mut libc::c_void, neighbours.len() * SLAB, libc::MADV_DONTNEED) };
    }
    let mut store = STORE.lock();
    store.batches.append(&mut kept);
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
    LOCAL.with(|local| {
        if !local.keeps.get() {
            STORE.lock().loose.push(block);
            return;
        }
        let block = block.cast::<Free>().as_ptr();
        // SAFETY: the block is ours and large enough.
        unsafe { (*block).next = local.head.get() };
        local.head.set(block);
        local.count.set(local.count.get() + 1);
        if local.count.get() >= 2 * BATCH {
            store(local);
        }
    });
}

#[cold]
fn store(local: &Local) {
    let first = local.head.get();
    let mut last = first;
    for _ in 1..BATCH {
        // SAFETY: the list is at least 2 * BATCH long.
        last = unsafe { (*last).next };
    }
    // SAFETY: as above.
    unsafe {
        local.head.set((*last).next);
        (*last).next = ptr::null_mut();
    }
    local.count.set(local.count.get() - BATCH);
    STORE.lock().batches.push(List { head: first, count: BATCH });
}

/// Gives everything this thread keeps to the others; for its end.
pub fn give_back() {
    LOCAL.with(|local| {
        local.keeps.set(false);
        let head = local.head.replace(ptr::null_mut());
        let count = local.count.replace(0);
        if count > 0 {
            STORE.lock().batches.push(List { head, count });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_freed_on_another_thread_come_back_through_the_store() {
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
        // Alone with its store: those of other tests come and go.
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
