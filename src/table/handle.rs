//! From a handle to its table.
//!
//! A handle is 64 bits: the two highest are set, so that no reference of another kind is ever equal to it (a timer's has
//! the highest alone: `process/timer.rs`); 24 bits are a
//! place, the rest tells how often that place was used, so that a handle is never used again. Looking one up is two
//! loads and a comparison, inside a guard (`sync::inside`) that keeps the table from being freed.

use super::Table;
use crate::sync::stir::stir;
use crate::sync::{AtomicPtr, Mutex, Ordering, inside, retired};
use once_cell::sync::Lazy;
use std::ptr;

const MARK: u64 = 3 << 62;
const INDEX_BITS: u32 = 24;
const CHUNK: usize = 1024;
const CHUNKS: usize = (1 << INDEX_BITS) / CHUNK;
const LAST_GENERATION: u64 = (1 << (62 - INDEX_BITS)) - 1;

type Chunk = [AtomicPtr<Table>; CHUNK];

static PLACES: Lazy<Box<[AtomicPtr<Chunk>]>> =
    Lazy::new(|| (0..CHUNKS).map(|_| AtomicPtr::new(ptr::null_mut())).collect());
static FREE: Mutex<Free> = Mutex::new(Free { handles: Vec::new(), next: 0 });

struct Free {
    /// The next handle of each place that was given back.
    handles: Vec<u64>,
    next: u64,
}

#[inline]
fn place(handle: u64) -> Option<&'static AtomicPtr<Table>> {
    let index = (handle & ((1 << INDEX_BITS) - 1)) as usize;
    // SAFETY: a chunk is leaked when it is published.
    let chunk = unsafe { PLACES[index / CHUNK].load(Ordering::Acquire).as_ref() }?;
    (handle & MARK == MARK).then(|| &chunk[index % CHUNK])
}

/// A handle that leads nowhere until [`publish`]; none when there are 2^24 tables.
pub(super) fn reserve() -> Option<u64> {
    let mut free = FREE.lock();
    if let Some(handle) = free.handles.pop() {
        return Some(handle);
    }
    let index = free.next;
    let chunk = PLACES.get(index as usize / CHUNK)?;
    if chunk.load(Ordering::Acquire).is_null() {
        let fresh: Box<Chunk> = Box::new(std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())));
        // Never freed: handles are looked up without a lock.
        chunk.store(Box::into_raw(fresh), Ordering::Release);
    }
    free.next += 1;
    Some(MARK | index)
}

/// Gives a handle back that was never published, or whose table is freed.
pub(super) fn recycle(handle: u64) {
    let generation = (handle & !MARK) >> INDEX_BITS;
    if generation < LAST_GENERATION {
        FREE.lock().handles.push(handle + (1 << INDEX_BITS));
    }
}

/// Makes the table findable by its handle.
pub(super) fn publish(table: Box<Table>) {
    if let Some(place) = place(table.handle) {
        place.store(Box::into_raw(table), Ordering::SeqCst);
    }
}

/// Makes the handle stale, and has the table freed once nobody can be looking at it any more. Any number of times, by
/// anybody who is inside and looks at the table.
pub(super) fn clear(table: &Table) {
    unsafe fn free(table: *mut ()) {
        // SAFETY: made by `publish`, taken out of its place once, and nobody looks at it any more.
        let table = unsafe { Box::from_raw(table.cast::<Table>()) };
        let handle = table.handle;
        drop(table);
        stir(size_of::<Table>());
        recycle(handle);
    }
    let Some(place) = place(table.handle) else { return };
    let pointer = ptr::from_ref(table).cast_mut();
    if place.compare_exchange(pointer, ptr::null_mut(), Ordering::SeqCst, Ordering::SeqCst).is_ok() {
        // SAFETY: tables are shared between threads; the place is empty, so only those who are inside can see it.
        unsafe { retired::retire(pointer.cast(), free) };
    }
}

/// Shows the table of a handle. `look` runs inside: it keeps no reference.
#[inline]
pub(super) fn with<R>(handle: u64, look: impl FnOnce(&Table) -> R) -> Option<R> {
    let _inside = inside::enter();
    // SAFETY: non-null means published; the guard keeps it from being freed after we saw it.
    let table = unsafe { place(handle)?.load(Ordering::SeqCst).as_ref() }?;
    (table.handle == handle).then(|| look(table))
}
