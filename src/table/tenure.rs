//! Who owns a table, decided in one word.
//!
//! The owner's end, a give-away and a deletion may come together. Each is one compare-and-swap on this word, so one of
//! them wins, and the others see what became of the table. The order around it, which `tests/loom_table.rs` checks:
//!
//! 1. *give*: under the new owner's process lock (so that its end comes after) the table is put on the new owner's
//!    list, then the word passes; if it does not, the list loses it again. Then the old owner's list loses it.
//! 2. *end*: the list is taken; for each table on it the word ends or passes to the heir. A table that has ended
//!    already is still cleared away, by everybody who finds it so: whoever ended it may not be done.
//! 3. *fix*: under the fixer's process lock (so that its end comes after) and the table's own, with which the word is
//!    looked at: a table that has ended is refused. Else the fixer is put down with the table, and the table on the
//!    fixer's list. Whoever clears away takes, after the word has ended, all who are put down with the table, and then
//!    takes the table off their lists; who comes later is refused. A fixer's end takes its list, and takes the fixer
//!    away from the tables on it. So neither keeps anything of the other's.

use crate::sync::{AtomicU64, Ordering};

/// The owner's pid; zero: the table is gone.
pub struct Tenure(AtomicU64);

impl Tenure {
    pub fn new(owner: u64) -> Tenure {
        Tenure(AtomicU64::new(owner))
    }

    /// Who owns it now; zero when it is gone.
    #[inline]
    pub fn owner(&self) -> u64 {
        // Acquire, partner: the release of `pass` and `end`: whoever sees the new owner sees what it was given.
        self.0.load(Ordering::Acquire)
    }

    /// From one owner to another; false when it is not that one's any more.
    pub fn pass(&self, from: u64, to: u64) -> bool {
        #[cfg(broken_table)]
        {
            let is_his = self.0.load(Ordering::Acquire) == from;
            if is_his {
                self.0.store(to, Ordering::Release);
            }
            is_his
        }
        #[cfg(not(broken_table))]
        // AcqRel, partner: `owner`, and each other.
        self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The table is gone; false when it is not that one's any more.
    pub fn end(&self, from: u64) -> bool {
        self.pass(from, 0)
    }
}
