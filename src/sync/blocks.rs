//! Memory for messages: blocks of one cache line, kept by the workers.
//!
//! A message is allocated by its sender and freed by its receiver, often on another thread, where the general
//! allocator pays for a lock or a remote free. A worker keeps the blocks it frees, and allocates from them; what one
//! has too many of goes in batches to a common store, from which those who have none take. Threads that are no workers
//! use the general allocator, so that nothing is left behind by a thread that comes and goes.
//!
//! Who may touch what: a thread's list only that thread; the store under its lock, once in a batch.

use super::Mutex;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{self, NonNull};

/// Bytes of a block, and their alignment.
pub const BLOCK: usize = 64;
/// Blocks that change hands at once.
const BATCH: u32 = 128;
/// Batches that the common store keeps; the rest goes back to the allocator.
const STORED: usize = 512;

const LAYOUT: Layout = match Layout::from_size_align(BLOCK, BLOCK) {
    Ok(layout) => layout,
    Err(_) => panic!("64 is a power of two"),
};

struct Free {
    next: *mut Free,
}

/// A list of exactly `BATCH` blocks.
struct Batch(*mut Free);
// SAFETY: a batch is memory that nobody uses.
unsafe impl Send for Batch {}

static STORE: Mutex<Vec<Batch>> = Mutex::new(Vec::new());

struct Local {
    /// Whether this thread keeps blocks.
    keeps: Cell<bool>,
    head: Cell<*mut Free>,
    count: Cell<u32>,
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
        if head.is_null() {
            return refill(local);
        }
        // SAFETY: the list holds free blocks of this thread's.
        local.head.set(unsafe { (*head).next });
        local.count.set(local.count.get() - 1);
        // SAFETY: checked above.
        unsafe { NonNull::new_unchecked(head.cast()) }
    })
}

#[cold]
fn refill(local: &Local) -> NonNull<u8> {
    if local.keeps.get()
        && let Some(batch) = STORE.lock().pop()
    {
        // SAFETY: a batch is a list of BATCH free blocks, at least one.
        local.head.set(unsafe { (*batch.0).next });
        local.count.set(BATCH - 1);
        return NonNull::new(batch.0.cast()).expect("a batch is not empty");
    }
    // SAFETY: the layout is not of size zero.
    NonNull::new(unsafe { alloc(LAYOUT) }).unwrap_or_else(|| handle_alloc_error(LAYOUT))
}

/// Frees a block.
///
/// # Safety
/// It came from [`take`], on whatever thread, and nobody uses it any more.
#[inline]
pub unsafe fn free(block: NonNull<u8>) {
    LOCAL.with(|local| {
        if !local.keeps.get() {
            // SAFETY: the caller's promise.
            unsafe { dealloc(block.as_ptr(), LAYOUT) };
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
    let mut batches = STORE.lock();
    if batches.len() < STORED {
        batches.push(Batch(first));
        return;
    }
    drop(batches);
    release(first);
}

fn release(mut block: *mut Free) {
    while !block.is_null() {
        // SAFETY: a list of free blocks that nobody else has.
        unsafe {
            let next = (*block).next;
            dealloc(block.cast(), LAYOUT);
            block = next;
        }
    }
}

/// Gives everything this thread keeps back to the allocator; for its end.
pub fn give_back() {
    LOCAL.with(|local| {
        local.keeps.set(false);
        local.count.set(0);
        release(local.head.replace(ptr::null_mut()));
    });
}

/// Gives the common store back; for the end of a runtime.
pub fn trim() {
    let batches = std::mem::take(&mut *STORE.lock());
    batches.into_iter().for_each(|batch| release(batch.0));
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
        let again = take().as_ptr() as usize;
        assert!(blocks.contains(&again));
        // SAFETY: taken just now.
        unsafe { free(NonNull::new(again as *mut u8).unwrap()) };
        give_back();
        trim();
    }
}
