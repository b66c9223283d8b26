//! Who has which key, for those who look without a lock: the keys of one part of a unique registry that lie in their two
//! words (integers, atoms, pids, short text), once more beside the part itself.
//!
//! A lookup takes no lock and writes nothing that others read, so that it waits for nobody, and the memory of the next
//! one is fetched meanwhile: behind a lock's atomic steps nothing is. All changes are made under the lock of the part:
//!
//! * *begin*: the version becomes odd; *change*; *end*: the version becomes even again, two more than it was;
//! * a lookup reads the version, which must be even, then the slots, then the version again. If that is another one by
//!   then, what was seen may belong to different times, and it looks again under the lock.
//!
//! Slots are written with Release and read with Acquire: who sees something of a change sees that it has begun. So
//! whoever looks after a change that they know of finds it, as behind the lock, and a lookup is as if made at one moment.
//! `tests/loom_registry.rs` has this as one model with the rest.
//!
//! The table is of one row, without tags or pointers, and what is taken out leaves no mark: those behind it move up.

use crate::sync::replaced::Replaced;
use crate::sync::room::is_roomy;
use crate::sync::{AtomicU64, AtomicUsize, Ordering};
use crate::term::Pid;

/// Half a cache line.
#[derive(Default)]
#[cfg_attr(not(loom), repr(align(32)))]
struct Slot {
    /// 0: nobody's, and the end of a search.
    pid: AtomicU64,
    meta: AtomicU64,
    value: AtomicU64,
    /// Of those who write.
    hash: AtomicU64,
}

#[cfg(not(loom))]
const LEAST: usize = 16;
#[cfg(loom)]
const LEAST: usize = 4;

pub struct Quick {
    version: AtomicU64,
    /// Under the lock.
    used: AtomicUsize,
    /// A power of two, or none at all.
    slots: Replaced<Slot>,
}

fn row(len: usize) -> Box<[Slot]> {
    (0..len).map(|_| Slot::default()).collect()
}

impl Slot {
    fn put(&self, hash: u64, [meta, value]: [u64; 2], pid: u64) {
        // Release, partner: the loads in `find`.
        self.meta.store(meta, Ordering::Release);
        self.value.store(value, Ordering::Release);
        self.hash.store(hash, Ordering::Release);
        self.pid.store(pid, Ordering::Release);
    }

    /// For those who write.
    fn read(&self) -> (u64, [u64; 2], u64) {
        let words = [self.meta.load(Ordering::Relaxed), self.value.load(Ordering::Relaxed)];
        (self.hash.load(Ordering::Relaxed), words, self.pid.load(Ordering::Relaxed))
    }
}

impl Quick {
    pub fn new() -> Quick {
        Quick { version: AtomicU64::new(0), used: AtomicUsize::new(0), slots: Replaced::new(row(0)) }
    }

    /// Who has that key, if anybody. None: it changes just now, look under the lock.
    #[inline]
    pub fn find(&self, hash: u64, [meta, value]: [u64; 2]) -> Option<Option<Pid>> {
        // Acquire, partner: the Release of *end*.
        let version = self.version.load(Ordering::Acquire);
        let holder = self.slots.look(|slots| {
            let mask = slots.len().wrapping_sub(1);
            let mut at = hash as usize & mask;
            for _ in 0..slots.len() {
                let slot = &slots[at];
                // Acquire, partner: the stores in `Slot::put`.
                let pid = slot.pid.load(Ordering::Acquire);
                if pid == 0 {
                    break;
                }
                if slot.meta.load(Ordering::Acquire) == meta && slot.value.load(Ordering::Acquire) == value {
                    return Some(Pid(pid));
                }
                at = (at + 1) & mask;
            }
            None
        });
        #[cfg(broken_registry)]
        return Some(holder);
        // Relaxed: the loads of the slots are Acquire, so it is read after them.
        #[cfg(not(broken_registry))]
        (version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version).then_some(holder)
    }

    /// Adds a key that is not there. Under the part's lock, as all below.
    pub fn insert(&self, hash: u64, words: [u64; 2], pid: Pid) {
        let used = self.used.load(Ordering::Relaxed) + 1;
        self.used.store(used, Ordering::Relaxed);
        self.change(|| {
            let len = self.slots.look(|slots| slots.len());
            // Fuller, and those who write go through rows of twenty and more; emptier, and lookups find less in the caches.
            if used * 16 > len * 13 {
                self.move_to((len * 2).max(LEAST));
            }
            self.slots.look(|slots| put(slots, hash, words, pid.0));
        });
    }

    /// Takes a key out.
    pub fn remove(&self, hash: u64, words: [u64; 2]) {
        let len = self.slots.look(|slots| {
            let mask = slots.len().wrapping_sub(1);
            let mut at = hash as usize & mask;
            for _ in 0..slots.len() {
                let (_, known, pid) = slots[at].read();
                if pid == 0 {
                    return None;
                }
                if known == words {
                    self.change(|| close_up(slots, at));
                    return Some(slots.len());
                }
                at = (at + 1) & mask;
            }
            None
        });
        let Some(len) = len else { return };
        let used = self.used.load(Ordering::Relaxed) - 1;
        self.used.store(used, Ordering::Relaxed);
        if is_roomy(used, len, size_of::<Slot>()) {
            self.change(|| self.move_to((used * 2).next_power_of_two()));
        }
    }

    /// Takes everything out.
    pub fn clear(&self) {
        self.used.store(0, Ordering::Relaxed);
        self.change(|| self.slots.replace(row(0)));
    }

    fn change(&self, make: impl FnOnce()) {
        let version = self.version.load(Ordering::Relaxed);
        // *begin*. Relaxed: what follows is Release, and takes it along.
        self.version.store(version + 1, Ordering::Relaxed);
        make();
        // *end*. Release, partner: the first load in `find`.
        self.version.store(version + 2, Ordering::Release);
    }

    fn move_to(&self, len: usize) {
        let larger = row(len);
        self.slots.look(|slots| {
            for slot in slots.iter() {
                let (hash, words, pid) = slot.read();
                if pid != 0 {
                    put(&larger, hash, words, pid);
                }
            }
        });
        self.slots.replace(larger);
    }
}

/// Into the first slot that is nobody's, from where it belongs.
fn put(slots: &[Slot], hash: u64, words: [u64; 2], pid: u64) {
    let mask = slots.len() - 1;
    let mut at = hash as usize & mask;
    while slots[at].pid.load(Ordering::Relaxed) != 0 {
        at = (at + 1) & mask;
    }
    slots[at].put(hash, words, pid);
}

/// Has those behind a slot move up that may: a search for them begins at it or before.
fn close_up(slots: &[Slot], gone: usize) {
    let mask = slots.len() - 1;
    let (mut hole, mut at) = (gone, gone);
    loop {
        at = (at + 1) & mask;
        let slot = &slots[at];
        if slot.pid.load(Ordering::Relaxed) == 0 {
            break;
        }
        // As far from where it belongs as from the hole, or farther. Of most slots nothing else is looked at.
        let from_home = at.wrapping_sub(slot.hash.load(Ordering::Relaxed) as usize) & mask;
        if from_home >= at.wrapping_sub(hole) & mask {
            let (hash, words, pid) = slot.read();
            slots[hole].put(hash, words, pid);
            hole = at;
        }
    }
    // Release, partner: as in `put`.
    slots[hole].pid.store(0, Ordering::Release);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn it_finds_what_a_map_finds() {
        let quick = Quick::new();
        let mut model: HashMap<u64, u64> = HashMap::new();
        let mut random = 7u64;
        for round in 1..200_000u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Few homes, so that many meet; it grows, and shrinks again.
            let key = (random >> 33) % if round % 40_000 < 20_000 { 3_000 } else { 40 };
            let hash = key % 97 * 31;
            if model.remove(&key).is_some() {
                quick.remove(hash, [1, key]);
            } else if !(random >> 50).is_multiple_of(4) {
                quick.insert(hash, [1, key], Pid(round));
                model.insert(key, round);
            }
            let asked = (random >> 20) % 3_000;
            let found = quick.find(asked % 97 * 31, [1, asked]);
            assert_eq!(found, Some(model.get(&asked).map(|&pid| Pid(pid))));
        }
        quick.clear();
        assert_eq!(quick.find(0, [1, 0]), Some(None));
    }
}
