//! What a thread keeps of processes that have ended, for those it will start: indexes of the table, and counts of the
//! runtime and of what siblings share. (Their control blocks it keeps as it does all blocks.)
//!
//! A worker that starts and ends processes all the time would else go to a shared lock or to a counter that others write
//! for each of them. It is found by a word of the thread's own, and given back when the thread ends;
//! what comes after that finds none.

use super::lineage::Lineage;
use super::node::Node;
use super::table;
use crate::scheduler;
use crate::sync::forked;
use crate::sync::own::own;
use crate::sync::retired;
use crate::sync::{AtomicU32, Ordering};
use std::ptr;
use std::sync::Arc;

/// Counts of its runtime that a worker keeps: those of all that come back at once, and some.
const COUNTS: usize = retired::MOST + 256;
/// Counts of what siblings share that a worker keeps.
const LINEAGES: usize = COUNTS;
/// Places of its runtime that a worker keeps.
const PLACES: u32 = 64;
/// So many are given back at once, where one worker starts what another ends.
const HALF: u32 = PLACES / 2;

#[derive(Default)]
pub(super) struct Spare {
    pub indexes: Vec<u32>,
    /// All of one runtime.
    nodes: Vec<Arc<Node>>,
    /// All of the siblings of the last of these processes.
    lineages: Vec<Arc<Lineage>>,
    /// Of a worker.
    places: Option<Places>,
}

/// Places of processes that have ended, which their runtime counts as if they lived: whoever takes one needs not count
/// in, nor did they count out, in a number that all workers write.
struct Places {
    node: Arc<Node>,
    /// Written by this thread, read by whoever counts.
    kept: Arc<AtomicU32>,
}

impl Places {
    /// Takes one, if there is one.
    #[inline]
    fn take(&self) -> bool {
        let kept = self.kept.load(Ordering::Relaxed);
        if kept > 0 {
            self.kept.store(kept - 1, Ordering::Release);
        }
        kept > 0
    }

    #[inline]
    fn keep(&self) {
        let kept = self.kept.load(Ordering::Relaxed);
        // Release, partner: the load of who counts, after that of the number they are taken from. What is given back is
        // not kept any more before it is: so nobody counts fewer than there are.
        if kept < PLACES {
            self.kept.store(kept + 1, Ordering::Release);
        } else {
            self.kept.store(kept + 1 - HALF, Ordering::Release);
            self.node.uncount(HALF);
        }
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        self.node.take_back(&self.kept);
    }
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
    let is_kept = with(|spare| {
        let has_more = !spare.nodes.is_empty() && spare.nodes.len() < COUNTS;
        let keeps = has_more && node.as_ref().is_some_and(|node| Arc::ptr_eq(node, &spare.nodes[0]));
        if keeps {
            spare.nodes.extend(node.take());
        }
        keeps
    });
    if is_kept == Some(true) {
        return;
    }
    if node.as_ref().is_some_and(|node| scheduler::on_worker_of(node.scheduler())) {
        with(|spare| {
            if spare.nodes.len() < COUNTS {
                spare.nodes.extend(node.take());
            }
        });
    }
}

/// Takes a place in a runtime, if the thread keeps one.
#[inline]
pub(super) fn take_place(node: &Arc<Node>) -> bool {
    let take = |spare: &mut Spare| match &spare.places {
        Some(places) => Arc::ptr_eq(&places.node, node) && places.take(),
        None => begin_to_keep_places(spare, node).is_some_and(|places| places.take()),
    };
    with(take).unwrap_or(false)
}

/// Keeps the place of a process that has ended. False: the thread keeps none of that runtime.
#[inline]
pub(super) fn keep_place(node: &Arc<Node>) -> bool {
    let keep = |spare: &mut Spare| match &spare.places {
        Some(places) => {
            let is_of_it = Arc::ptr_eq(&places.node, node);
            if is_of_it {
                places.keep();
            }
            is_of_it
        }
        None => begin_to_keep_places(spare, node).map(|places| places.keep()).is_some(),
    };
    with(keep).unwrap_or(false)
}

#[cold]
fn begin_to_keep_places<'a>(spare: &'a mut Spare, node: &Arc<Node>) -> Option<&'a Places> {
    if !node.lends_places() || !scheduler::on_worker_of(node.scheduler()) {
        return None;
    }
    Some(spare.places.insert(Places { node: node.clone(), kept: node.lend_places() }))
}

/// One more count of what siblings share. Two locked instructions of each task that one process starts after the other
/// were those of this count.
#[inline]
pub(super) fn count_lineage(lineage: &Arc<Lineage>) -> Arc<Lineage> {
    let kept = with(|spare| match spare.lineages.last() {
        Some(last) if Arc::ptr_eq(last, lineage) => spare.lineages.pop(),
        _ => None,
    });
    kept.flatten().unwrap_or_else(|| lineage.clone())
}

/// Gives one back: perhaps the last, and then that of a name. Not under a lock. Only the workers of the runtime keep
/// any, as with [`uncount`]: what a name is made of may be the user's, and a thread of theirs may live for long.
#[inline]
pub(super) fn uncount_lineage(lineage: Arc<Lineage>, node: &Arc<Node>) {
    if !scheduler::on_worker_of(node.scheduler()) {
        return drop(lineage);
    }
    let mut lineage = Some(lineage);
    let other = with(|spare| match spare.lineages.last() {
        // Those of others go one by one, until they are out of the way.
        Some(last) if !lineage.as_ref().is_some_and(|lineage| Arc::ptr_eq(last, lineage)) => spare.lineages.pop(),
        _ => {
            if spare.lineages.len() < LINEAGES {
                spare.lineages.extend(lineage.take());
            }
            None
        }
    });
    // Not in there, for the same reason.
    drop((lineage, other));
}

/// Gives what the calling thread keeps to all.
pub fn trim_thread() {
    // The counts of runtimes go when what was kept does.
    let Some(kept) = with(std::mem::take) else { return };
    table::free_indexes(&kept.indexes);
}
