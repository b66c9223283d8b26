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
    /// All slabs ever made, so that they are never lost sight of.
    slabs: Vec<NonNull<u8>>,
}

// SAFETY: free memory, and slabs that are only remembered.
unsafe impl Send for Store {}

static STORE: Mutex<Store> = Mutex::new(Store { batches: Vec::new(), loose: Vec::new(), slabs: Vec::new() });

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
        let layout = Layout::from_size_align(BLOCK * BATCH, BLOCK).expect("64 is a power of two");
        // SAFETY: the layout is not of size zero.
        let slab = NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        self.slabs.push(slab);
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
}
