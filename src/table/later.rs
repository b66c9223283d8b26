//! Small objects that were replaced, freed a few insertions later.
//!
//! What an insertion replaces is in no cache as a rule, and neither are the bytes it holds: to free it at once is to
//! wait for memory twice, one after the other, which was more than half of an insertion over one of 100,000 rows. So a
//! thread asks for the object's memory, and some insertions later for that of its elements, and frees it when all of it
//! is there.
//!
//! Only objects that hold nothing but integers and the like and a few short bytes (`Group::is_small`): nobody can see
//! when such a one is freed, and a thread keeps a few kilobytes at most. What it keeps goes when it ends.

use super::group::Group;
use std::cell::RefCell;

/// How many insertions it takes for memory to come.
const STEP: usize = 4;
/// How many objects a thread keeps.
const KEPT: usize = 2 * STEP;

struct Later {
    kept: [Group; KEPT],
    /// Where the oldest is.
    next: usize,
}

thread_local! {
    static LATER: RefCell<Later> = const { RefCell::new(Later { kept: [const { Group::NONE }; KEPT], next: 0 }) };
}

/// Frees a small object, some time after this. Not under a lock.
#[inline]
pub(super) fn free(group: Group) {
    group.prefetch();
    let mut group = Some(group);
    // What a thread that ends replaces, once this is gone, is freed here.
    let _ = LATER.try_with(|later| {
        let later = &mut *later.borrow_mut();
        later.kept[(later.next + STEP) % KEPT].prefetch_elements();
        let oldest = &mut later.kept[later.next];
        later.next = (later.next + 1) % KEPT;
        // Freeing a small object calls nobody, who might come here again.
        *oldest = group.take().unwrap_or_default();
    });
}
