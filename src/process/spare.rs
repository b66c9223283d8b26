//! What a thread keeps of processes that have ended, for those it will start: indexes of the table, and counts of the
//! runtime. (Their control blocks it keeps as it does all blocks.)
//!
//! A worker that starts and ends processes all the time would else go to a shared lock or to a counter that others write
//! for each of them. It is found by a word of the thread's own, and given back when the thread ends;
//! what comes after that finds none.

use super::node::Node;
use super::table;
use crate::scheduler;
use crate::sync::forked;
use crate::sync::own::own;
use std::ptr;
use std::sync::Arc;

/// Counts of its runtime that a worker keeps.
const COUNTS: usize = 256;

#[derive(Default)]
pub(super) struct Spare {
    pub indexes: Vec<u32>,
    /// All of one runtime.
    nodes: Vec<Arc<Node>>,
}

/// Gives back what the thread keeps when that ends.
struct Leaving;

impl Drop for Leaving {
    fn drop(&mut self) {
        let spare = own().spare.replace(ptr::null_mut()).cast::<Spare>();
        if spare.is_null() {
            return;
        }
        // SAFETY: made by `keep`, taken from its place just now.
        let spare = unsafe { Box::from_raw(spare) };
        if forked::is_forked() {
            // Locks may be held for ever here.
            std::mem::forget(spare);
            return;
        }
        table::free_indexes(&spare.indexes);
    }
}

thread_local! {
    static LEAVING: Leaving = const { Leaving };
}

/// Shows what the calling thread keeps; none when it ends. `look` comes to no other.
#[inline(always)]
pub(super) fn with<R>(look: impl FnOnce(&mut Spare) -> R) -> Option<R> {
    let mut spare = own().spare.get().cast::<Spare>();
    if spare.is_null() {
        spare = keep();
    }
    // SAFETY: this thread's own, and nobody has another reference to it: `look` calls nobody who would.
    unsafe { spare.as_mut() }.map(look)
}

/// From now on this thread keeps something; null: it ends.
#[cold]
fn keep() -> *mut Spare {
    if LEAVING.try_with(|_| ()).is_err() {
        return ptr::null_mut();
    }
    let spare = Box::into_raw(Box::<Spare>::default());
    own().spare.set(spare.cast());
    spare
}

/// One more count of a runtime.
#[inline]
pub(super) fn count(node: &Arc<Node>) -> Arc<Node> {
    let kept = with(|spare| match spare.nodes.last() {
        Some(last) if Arc::ptr_eq(last, node) => spare.nodes.pop(),
        _ => None,
    });
    kept.flatten().unwrap_or_else(|| node.clone())
}

/// Gives one back. Only the workers of a runtime keep counts of it, and they end with it: nobody else's keep it alive.
#[inline]
pub(super) fn uncount(node: Arc<Node>) {
    let mut node = Some(node);
    if node.as_ref().is_some_and(|node| scheduler::on_worker_of(node.scheduler())) {
        with(|spare| {
            if spare.nodes.len() < COUNTS {
                spare.nodes.extend(node.take());
            }
        });
    }
}

/// Gives what the calling thread keeps to all.
pub fn trim_thread() {
    // The counts of runtimes go when what was kept does.
    let Some(kept) = with(std::mem::take) else { return };
    table::free_indexes(&kept.indexes);
}
