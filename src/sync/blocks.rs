//! Memory for messages: blocks of one cache line, kept by the workers.
//!
//! A message is allocated by its sender and freed by its receiver, often on another thread, where a general allocator
//! pays for a lock or a remote free. Here a worker keeps the blocks it frees, and allocates from them; what one has too
//! many of goes in batches to a common store, from which those who have none take. Other threads use the store for
//! each block. Blocks are cut from slabs, which are kept for the life of the process and used again: what a burst of
//! messages took, the next one finds.
//!
//! Who may touch what: a thread's list only that thread; the store under its lock, by workers once in a batch.

use super::Mutex;
use std::alloc::{Layout, alloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{self, NonNull};

/// Bytes of a block, and their alignment.
pub const BLOCK: usize = 64;
/// Blocks that change hands at once, and those in a slab.
const BATCH: usize = 256;

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
    /// All slabs ever made, so that they are never lost sight of.
    slabs: Vec<NonNull<u8>>,
}

// SAFETY: free memory, and slabs that are only remembered.
unsafe impl Send for Store {}

static STORE: Mutex<Store> =
    Mutex::new(Store { full: Vec::new(), empty: Vec::new(), loose: Vec::new(), slabs: Vec::new() });

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
        let layout = Layout::from_size_align(BLOCK * BATCH, BLOCK).expect("64 is a power of two");
        // SAFETY: the layout is not of size zero.
        let slab = NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        self.slabs.push(slab);
        let mut magazine = self.empty.pop().unwrap_or_else(Magazine::empty);
        for index in (0..BATCH).rev() {
            // SAFETY: within the slab, and nobody else's.
            let block = unsafe { slab.add(index * BLOCK) };
            magazine.push(block);
        }
        magazine
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
}
