//! The table of one registry, and what it has to do with processes: links, and ends.
//!
//! Its keys are in `book`, where no key is kept twice; where the entries of a process are, the process has noted.
//!
//! **Locks.** Owner's process lock, then that of a part of the book; never two of one sort. What is taken out is handed
//! back, to be freed outside.
//!
//! **The end of the registry.** The book is closed, and let go of in slices. The registry's side of its links is the
//! book: it is taken up at that moment only.

use super::RegistrySpec;
pub(super) use super::book::Refusal;
use super::book::{Book, Closing};
use super::listeners::Listeners;
use super::meta::Meta;
use super::query;
use super::shard::Removed;
use crate::pattern::Spec;
use crate::process::{self, Holding, Left, Owned, Whereabouts};
use crate::sync::Mutex;
use crate::term::{Pid, Term};
use std::ops::Deref;
use std::sync::{Arc, Weak};

/// Shards of keys, unless told otherwise: so many that two threads seldom meet at one.
const SHARDS: usize = 64;

pub(super) struct Store {
    me: Weak<Store>,
    pid: Pid,
    book: Book<Listeners>,
    /// What is left while the registry ends; of the one who carries that out.
    closing: Mutex<Option<Closing>>,
    meta: Meta,
}

/// Looking things up needs no process.
impl Deref for Store {
    type Target = Book<Listeners>;

    #[inline]
    fn deref(&self) -> &Book<Listeners> {
        &self.book
    }
}

impl Store {
    pub fn new(pid: Pid, spec: &RegistrySpec) -> Arc<Store> {
        let shards = if spec.partitions == 0 { SHARDS } else { spec.partitions.min(super::MAX_PARTITIONS) };
        Arc::new_cyclic(|me| Store {
            me: me.clone(),
            pid,
            book: Book::new(spec.unique, shards, Listeners::new(pid, &spec.listeners)),
            closing: Mutex::new(None),
            meta: Meta::new(&spec.meta),
        })
    }

    /// What is kept beside the entries.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Adds an entry for the process that `owner` shows, taking key and value. On a refusal they stay.
    pub fn insert(
        &self, hash: u64, key: &mut Term, owner: &mut process::Owner<'_>, value: &mut Term,
    ) -> Result<(), Refusal> {
        let pid = owner.pid();
        let Some(holding) = owner.holding(self) else { return self.insert_first(hash, key, owner, value) };
        self.book.insert(hash, key, pid, value, &mut holding.whereabouts)?;
        // As in Elixir, where each entry makes the link: one that was cut since is made anew.
        if pid != self.pid
            && owner.link(self.pid)
            && let Some(holding) = owner.holding(self)
        {
            holding.linked = true;
        }
        Ok(())
    }

    fn insert_first(
        &self, hash: u64, key: &mut Term, owner: &mut process::Owner<'_>, value: &mut Term,
    ) -> Result<(), Refusal> {
        let pid = owner.pid();
        let me = self.me.upgrade().ok_or(Refusal::Closed)?;
        let mut whereabouts = Whereabouts::default();
        self.book.insert(hash, key, pid, value, &mut whereabouts)?;
        let linked = pid != self.pid && owner.link(self.pid);
        owner.hold(me, whereabouts, linked);
        Ok(())
    }

    /// As [`Book::take`]; with its last entry the process is not the registry's any more.
    pub fn unregister(&self, key: &Term, pid: Pid, wanted: Option<&Spec>, removed: &mut Removed) {
        let hash = self.hash(key);
        self.prefetch(hash);
        let wanted = |value: &Term| wanted.is_none_or(|wanted| query::matches(wanted, value));
        let mut forgotten = None;
        let mut take = |owner: &mut process::Owner<'_>| {
            let Some(holding) = owner.holding(self) else { return };
            self.book.take(hash, key, pid, &mut holding.whereabouts, wanted, removed);
            if holding.whereabouts.is_empty() {
                forgotten = self.forget(owner);
            }
        };
        if process::with_process(pid, |process| process.own(&mut take)).flatten().is_none() {
            // It is ending, and its entries go with it; but the caller is promised that this one is gone now.
            self.book.take_of_ending(hash, key, pid, wanted, removed);
        }
    }

    /// The process has no entry left. What is to be dropped outside its lock.
    fn forget(&self, owner: &mut process::Owner<'_>) -> Option<Holding> {
        let holding = owner.remove(self)?;
        if holding.linked {
            owner.unlink(self.pid);
        }
        Some(holding)
    }

    /// The keys of a process, in no order; a key as often as the process has it.
    pub fn keys(&self, pid: Pid) -> Vec<Term> {
        let noted = process::with_process(pid, |process| process.whereabouts(self, Whereabouts::to_vec));
        self.book.keys(noted.flatten().unwrap_or_default())
    }

    /// The values of a process under a key, in the order they came.
    pub fn values(&self, key: &Term, pid: Pid) -> Vec<Term> {
        let look = |noted: &Whereabouts| self.book.values(key, pid, Some(noted));
        let values = process::with_process(pid, |process| process.whereabouts(self, look));
        // It has none, or is ending.
        values.flatten().unwrap_or_else(|| self.book.values(key, pid, None))
    }

    /// Ends it, about `limit` entries of it at a time: nothing is added any more, all entries go, and the registry takes
    /// up its links. How many it was.
    fn close(&self, limit: usize) -> usize {
        let under_way = self.closing.lock().take();
        let mut closing = under_way.unwrap_or_else(|| self.book.close());
        let (mut done, mut last) = (0, Pid::NONE);
        for pid in closing.by_ref().take(limit) {
            done += 1;
            // Who has many has them one after the other, if nobody else has any.
            if std::mem::replace(&mut last, pid) == pid {
                continue;
            }
            let holding = process::with_process(pid, |process| process.own(|owner| owner.remove(self)));
            drop(holding);
            if pid != self.pid {
                process::with_process(self.pid, |process| process.take_up_links(std::iter::once(pid)));
            }
        }
        if done == limit {
            *self.closing.lock() = Some(closing);
        }
        done
    }
}

impl Owned for Store {
    fn release(&self, pid: Pid) {
        while self.release_some(pid, &mut Left::default(), usize::MAX) == usize::MAX {}
    }

    fn release_some(&self, pid: Pid, left: &mut Left, limit: usize) -> usize {
        if pid == self.pid { self.close(limit) } else { self.book.take_some_of(pid, left, limit) }
    }
}
