//! Control blocks that are used again.
//!
//! Starting and ending a process is too common to go to the general allocator for half a kilobyte each time. A block
//! that was freed stays with the thread that freed it, and what one has too many of goes to a common store.

use super::control::Process;
use super::spare;
use super::table;
use crate::sync::stir::stir;
use crate::sync::{Mutex, Ordering, fence};
use std::mem::MaybeUninit;
use std::sync::Arc;

/// Blocks a thread keeps; half of them change hands at once.
const KEPT: usize = 256;
/// Blocks the common store keeps; the rest is freed.
const STORED: usize = 16 * KEPT;

/// A block that holds no process, and nobody else counts on. So its one count need not be looked at again, which would
/// take a locked instruction; nobody has weak ones.
pub(super) type Blank = Arc<MaybeUninit<Process>>;

static STORE: Mutex<Vec<Blank>> = Mutex::new(Vec::new());

/// Makes a process in a block that was used before, if there is one.
///
/// # Safety
/// `make` writes a whole process to the place that it is given.
#[inline]
pub(super) unsafe fn place(make: impl FnOnce(*mut Process)) -> Arc<Process> {
    let blank = blank();
    make(Arc::as_ptr(&blank).cast_mut().cast());
    // SAFETY: written just now; the block is ours alone.
    unsafe { blank.assume_init() }
}

fn blank() -> Blank {
    spare::with(|spare| spare.blanks.pop()).flatten().unwrap_or_else(stored)
}

/// One of the common store, of which the thread takes some more, or a new one.
#[cold]
fn stored() -> Blank {
    let kept = spare::with(|spare| {
        let mut store = STORE.lock();
        let from = store.len().saturating_sub(KEPT / 2);
        spare.blanks.extend(store.drain(from..));
        spare.blanks.pop()
    });
    kept.flatten().unwrap_or_else(Arc::new_uninit)
}

/// Drops a process; keeps its block, if nobody else counts on it.
pub(super) fn recycle(process: Arc<Process>) {
    if Arc::strong_count(&process) != 1 {
        // A ghost holds it still; the last count frees it.
        return;
    }
    // Partner: the release of a ghost's count. Nobody is left who could make another one.
    fence(Ordering::Acquire);
    let process = Arc::into_raw(process).cast_mut();
    // SAFETY: the last count is ours. `MaybeUninit<Process>` has the layout of `Process`, so the Arc may be taken for
    // one of it; it holds no process from here on.
    let blank = unsafe {
        process.drop_in_place();
        Blank::from_raw(process.cast::<MaybeUninit<Process>>())
    };
    let spill = spare::with(|spare| {
        spare.blanks.push(blank);
        if spare.blanks.len() > KEPT { spare.blanks.split_off(KEPT / 2) } else { Vec::new() }
    });
    if let Some(spill) = spill
        && !spill.is_empty()
    {
        store(spill);
    }
}

#[cold]
fn store(mut spill: Vec<Blank>) {
    let bytes = spill.len() * size_of::<Process>();
    let mut store = STORE.lock();
    if store.len() < STORED {
        store.append(&mut spill);
    }
    drop(store);
    // What had no room there is freed.
    drop(spill);
    stir(bytes);
}

/// Gives what the calling thread keeps to the common store.
pub fn trim_thread() {
    // The counts of runtimes go when what was kept does.
    let Some(kept) = spare::with(std::mem::take) else { return };
    table::free_indexes(&kept.indexes);
    STORE.lock().extend(kept.blanks);
}

/// Frees the blocks of the common store, and has the table give back what nobody lives in; how many bytes.
pub fn trim() -> usize {
    let blanks = std::mem::take(&mut *STORE.lock());
    blanks.len() * size_of::<Process>() + table::trim()
}
