//! The table of one registry, and what it has to do with processes: links, and ends.
//!
//! The maps are in `book`, where no key is kept twice.
//!
//! **Locks.** Owner's process lock, then those of the book; never two of one sort. What is taken out is handed back, to
//! be freed outside.
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
use crate::process::{self, Owned};
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

    fn owned(&self) -> Option<Arc<dyn Owned>> {
        self.me.upgrade().map(|me| me as Arc<dyn Owned>)
    }

    /// Adds an entry for the process that `owner` shows, taking key and value. On a refusal they stay.
    pub fn insert(
        &self, hash: u64, key: &mut Option<Term>, owner: &mut process::Owner<'_>, value: &mut Option<Term>,
    ) -> Result<(), Refusal> {
        let pid = owner.pid();
        self.book.insert(hash, key, pid, value, || {
            let Some(owned) = self.owned() else { return false };
            owner.add(&owned);
            pid != self.pid && owner.link(self.pid)
        })
    }

    /// As [`Book::take`]; with its last entry the process is not the registry's any more.
    pub fn unregister(&self, key: &Term, pid: Pid, wanted: Option<&Spec>) -> Removed {
        let mut removed = Removed::default();
        let wanted = |value: &Term| wanted.is_none_or(|wanted| query::matches(wanted, value));
        let taken = process::with_process(pid, |process| {
            process.own(|owner| {
                if let Some(linked) = self.book.take(key, pid, wanted, &mut removed) {
                    if let Some(owned) = self.owned() {
                        owner.remove(&owned);
                    }
                    if linked {
                        owner.unlink(self.pid);
                    }
                }
            })
        });
        if taken.flatten().is_none() {
            // It is ending, and its entries go with it; but the caller is promised that this one is gone now.
            self.book.take_of_ending(key, pid, wanted, &mut removed);
        }
        removed
    }

    /// Ends it, about `limit` owners and keys of it at a time: nothing is added any more, all entries go, and the
    /// registry takes up its links. How many it was.
    fn close(&self, limit: usize) -> usize {
        let under_way = self.closing.lock().take();
        let mut closing = under_way.unwrap_or_else(|| self.book.close());
        let mut done = 0;
        let owned = self.owned();
        while done < limit {
            let Some(owners) = closing.owners.last_mut() else { break };
            let Some((pid, _)) = owners.next() else {
                closing.owners.pop();
                continue;
            };
            if let Some(owned) = &owned {
                process::with_process(pid, |process| process.own(|owner| owner.remove(owned)));
            }
            if pid != self.pid {
                process::with_process(self.pid, |process| process.take_up_links(std::iter::once(pid)));
            }
            done += 1;
        }
        while done < limit {
            let Some(keys) = closing.keys.last_mut() else { break };
            match keys.next() {
                Some(key) => drop(key),
                None => drop(closing.keys.pop()),
            }
            done += 1;
        }
        if !closing.owners.is_empty() || !closing.keys.is_empty() {
            *self.closing.lock() = Some(closing);
        }
        done
    }
}

impl Owned for Store {
    fn release(&self, pid: Pid) {
        while self.release_some(pid, usize::MAX) == usize::MAX {}
    }

    fn release_some(&self, pid: Pid, limit: usize) -> usize {
        if pid == self.pid { self.close(limit) } else { self.book.take_some_of(pid, limit) }
    }
}
