//! The entries of one part of a unique registry whose keys lie in their two words (integers, atoms, pids, short text).
//! Who has such a key is found without a lock.
//!
//! Who has which key is in a slot of half a cache line, which lookups go through. Those who change something first go
//! through the *marks*, under the lock of the part: 32 bits of each hash, and where the *rest* of the entry is, eight
//! bytes for each slot. So to find out how far the keys of one neighbourhood reach costs a line or two in place of
//! five, and slot and rest, of which the one does not lead to the other, are waited for at the same time. What is taken
//! out last is where the next rest goes: who takes a key away and gives it anew has it in the cache.
//!
//! A lookup takes no lock and writes nothing that others read, so that it waits for nobody, and the memory of the next
//! one is fetched meanwhile: behind a lock's atomic steps nothing is. All changes are made under the lock of the part:
//!
//! * *begin*: the version becomes odd; *change*; *end*: the version becomes even again, two more than it was;
//! * a lookup reads the version, which must be even, then the slots, then the version again. If that is another one by
//!   then, what was seen may belong to different times, and it looks again under the lock.
//!
//! Slots are written with Release and read with Acquire: who sees something of a change sees that it has begun. So
//! whoever looks after a change that they know of finds it, as behind the lock, and a lookup is as if made at one
//! moment. `tests/loom_registry.rs` has this as one model with the rest.
//!
//! The slots are one row, without tags or pointers, and what is taken out leaves nothing: those behind it move up. But
//! whoever takes a name away often gives it anew at once. So one that is taken away by its key, and has others behind
//! it, leaves a *gap*, which is nobody's and stops no search, until that key, or another that is looked for there,
//! comes; or until the next gap is left, when those behind the older one move up. There is one in a part at most. (To
//! move up, and to find the end of the row again, was a third of the cache lines that a name taken away and given anew
//! touches.) A gap keeps its key: a search for that comes to it first, and ends there, since nobody has that key as long
//! as the gap is there. (To go on to the end of the row took 60 instructions
//! with 100,000 names.)

use crate::sync::replaced::{Before, Replaced};
use crate::sync::room::is_roomy;
use crate::sync::stir::stir;
use crate::sync::{AtomicPtr, AtomicU64, Ordering, prefetch};
use crate::term::{Pid, Term};
use std::mem::take;
use std::ptr::null_mut;
use std::vec;

/// Half a cache line.
#[derive(Default)]
#[repr(align(32))]
struct Slot {
    /// 0: nobody's, and the end of a search; `GAP`: nobody's.
    pid: AtomicU64,
    meta: AtomicU64,
    value: AtomicU64,
    /// Of those who write: the entry's.
    number: AtomicU64,
}

/// What those who write go through.
#[derive(Clone, Copy)]
struct Mark {
    hash: u32,
    /// Where the rest of the entry is; `NOTHING`: the slot is nobody's; `NO_REST`: it is the gap.
    rest: u32,
}

const NOTHING: u32 = u32::MAX;
const NO_REST: u32 = NOTHING - 1;

/// What a gap has in place of a pid and a number, and neither can be.
const GAP: u64 = u64::MAX;

/// What else there is of an entry.
#[derive(Default)]
pub struct Rest {
    pub value: Term,
    /// Where its holder has noted it. In what is nobody's: the next such one.
    pub noted: u32,
}

/// What of it lies under the lock of the part.
pub struct Locked {
    /// As many as slots.
    marks: Box<[Mark]>,
    rests: Vec<Rest>,
    /// The first of the rests that is nobody's, or `NOTHING`.
    hole: u32,
    used: u32,
    /// The slot of the gap, or `NOTHING`.
    gap: u32,
    /// Of the whole part, elsewhere too (`shard`, whose it is): here, where there is room for it, since a part is two
    /// lines.
    pub entries: u32,
}

/// Where an entry is: its slot, and its rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    slot: usize,
    rest: usize,
}

#[cfg(not(loom))]
const LEAST: usize = 16;
#[cfg(loom)]
const LEAST: usize = 4;

pub struct Quick {
    version: AtomicU64,
    /// A power of two, or none at all.
    slots: Replaced<Slot>,
    /// Where the marks are, to ask for the memory alone: to look at them one needs the lock.
    marks: AtomicPtr<Mark>,
}

fn row(len: usize) -> Box<[Slot]> {
    (0..len).map(|_| Slot::default()).collect()
}

impl Slot {
    #[inline]
    fn put(&self, [meta, value]: [u64; 2], pid: u64, number: u64) {
        // Release, partner: the loads in `find`.
        self.meta.store(meta, Ordering::Release);
        self.value.store(value, Ordering::Release);
        self.number.store(number, Ordering::Release);
        self.pid.store(pid, Ordering::Release);
    }

    // For those who write.

    #[inline]
    fn words(&self) -> [u64; 2] {
        [self.meta.load(Ordering::Relaxed), self.value.load(Ordering::Relaxed)]
    }

    #[inline]
    fn pid(&self) -> u64 {
        self.pid.load(Ordering::Relaxed)
    }

    #[inline]
    fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }
}

impl Quick {
    pub fn new() -> Quick {
        Quick { version: AtomicU64::new(0), slots: Replaced::new(row(0)), marks: AtomicPtr::new(null_mut()) }
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
                    return (pid != GAP).then_some(Pid(pid));
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

    /// Asks for the memory that a key of that hash is looked for in, before the lock is taken: behind that it would be
    /// waited for, the marks first and then the slot. (Of 100,000 names that was a third of the time to take one away
    /// and give it anew.)
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        let at = self.slots.prefetch(hash as usize);
        prefetch(self.marks.load(Ordering::Relaxed).wrapping_add(at));
    }

    // Under the part's lock, as all below.

    /// Where that key is.
    pub fn search(&self, locked: &Locked, hash: u64, words: [u64; 2]) -> Option<Place> {
        self.slots.look(|slots| locked.search(hash, |at| slots[at].words() == words)).ok()
    }

    /// Where the entry of that number is.
    pub fn place_of(&self, locked: &Locked, hash: u64, number: u64) -> Option<Place> {
        self.slots.look(|slots| locked.search(hash, |at| slots[at].number() == number)).ok()
    }

    pub fn pid(&self, place: Place) -> Pid {
        Pid(self.slots.look(|slots| slots[place.slot].pid()))
    }

    pub fn number(&self, place: Place) -> u64 {
        self.slots.look(|slots| slots[place.slot].number())
    }

    pub fn key(&self, place: Place) -> Term {
        Term::of_words(self.slots.look(|slots| slots[place.slot].words()))
    }

    /// Adds an entry with the rest that `make` gives, unless that gives none, and who has the key instead.
    #[inline]
    pub fn insert(
        &self, locked: &mut Locked, hash: u64, words: [u64; 2], pid: Pid, number: u64,
        make: impl FnOnce() -> Option<Rest>,
    ) -> Result<(), Option<Pid>> {
        // One look for all of it: each is a step in and out again.
        self.slots.look(|slots| {
            let free = match locked.search(hash, |at| slots[at].words() == words) {
                Ok(place) => return Err(Some(Pid(slots[place.slot].pid()))),
                Err(free) => free,
            };
            let rest = make().ok_or(None)?;
            let in_gap = locked.gap_is_met(hash, free);
            if !in_gap && locked.is_full() {
                self.grow(locked, hash, words, pid, number);
            } else {
                let at = if in_gap { std::mem::replace(&mut locked.gap, NOTHING) as usize } else { free };
                self.change(|| slots[at].put(words, pid.0, number));
                locked.marks[at] = Mark { hash: hash as u32, rest: locked.hole() };
            }
            locked.keep(rest);
            Ok(())
        })
    }

    #[cold]
    fn grow(&self, locked: &mut Locked, hash: u64, words: [u64; 2], pid: Pid, number: u64) {
        self.change(|| {
            self.move_to(locked, (locked.marks.len() * 2).max(LEAST));
            let free = locked.free_slot(hash as u32);
            self.slots.look(|slots| slots[free].put(words, pid.0, number));
            locked.marks[free] = Mark { hash: hash as u32, rest: locked.hole() };
        });
    }

    /// Takes the entry of a key out, if it is the one by who has it and with what value: its rest and its number. It
    /// may leave a gap.
    #[inline]
    pub fn remove_if(
        &self, locked: &mut Locked, hash: u64, words: [u64; 2], is_it: impl FnOnce(Pid, &Term) -> bool,
    ) -> Option<(Rest, u64)> {
        self.slots.look(|slots| {
            let place = locked.search(hash, |at| slots[at].words() == words).ok()?;
            let slot = &slots[place.slot];
            let number = slot.number();
            if !is_it(Pid(slot.pid()), &locked.rest(place).value) {
                return None;
            }
            Some((self.take_out(locked, slots, place, Locked::leave_gap), number))
        })
    }

    /// Takes out what is there, which leaves no gap.
    pub fn remove(&self, locked: &mut Locked, place: Place) -> Rest {
        self.slots.look(|slots| self.take_out(locked, slots, place, Locked::close_up))
    }

    #[inline]
    fn take_out(
        &self, locked: &mut Locked, slots: &[Slot], place: Place, clear: impl FnOnce(&mut Locked, &[Slot], usize),
    ) -> Rest {
        let rest = locked.give_up(place.rest);
        self.change(|| clear(locked, slots, place.slot));
        if is_roomy(locked.used as usize, slots.len(), size_of::<Slot>() + size_of::<Mark>()) {
            self.shrink(locked);
        }
        rest
    }

    #[cold]
    fn shrink(&self, locked: &mut Locked) {
        let before = locked.bytes();
        self.change(|| self.move_to(locked, (locked.used as usize * 2).next_power_of_two()));
        locked.gather();
        stir(before - locked.bytes());
    }

    /// Takes everything out, which is gone then, as is the number of `entries`; who had it is given one by one.
    pub fn take_all(&self, locked: &mut Locked) -> Taken {
        let slots = self.change(|| {
            self.slots.look(|slots| locked.close_gap(slots));
            self.slots.replace(row(0))
        });
        Taken { slots, at: 0, rests: take(locked).rests.into_iter() }
    }

    #[inline]
    fn change<R>(&self, make: impl FnOnce() -> R) -> R {
        let version = self.version.load(Ordering::Relaxed);
        // *begin*. Relaxed: what follows is Release, and takes it along.
        self.version.store(version + 1, Ordering::Relaxed);
        let made = make();
        // *end*. Release, partner: the first load in `find`.
        self.version.store(version + 2, Ordering::Release);
        made
    }

    fn move_to(&self, locked: &mut Locked, len: usize) {
        let next = row(len);
        let before = std::mem::replace(&mut locked.marks, vec![Mark::default(); len].into());
        locked.gap = NOTHING;
        self.slots.look(|slots| {
            for (slot, mark) in slots.iter().zip(before).filter(|(_, mark)| mark.is_entry()) {
                let at = locked.free_slot(mark.hash);
                next[at].put(slot.words(), slot.pid(), slot.number());
                locked.marks[at] = mark;
            }
        });
        self.slots.replace(next);
        self.marks.store(locked.marks.as_mut_ptr(), Ordering::Relaxed);
    }
}

impl Mark {
    #[inline]
    fn is_entry(&self) -> bool {
        self.rest < NO_REST
    }
}

impl Default for Mark {
    fn default() -> Mark {
        Mark { hash: 0, rest: NOTHING }
    }
}

impl Default for Locked {
    fn default() -> Locked {
        Locked { marks: Box::default(), rests: Vec::new(), hole: NOTHING, used: 0, gap: NOTHING, entries: 0 }
    }
}

impl Locked {
    #[inline]
    pub fn rest(&self, place: Place) -> &Rest {
        &self.rests[place.rest]
    }

    pub fn rest_mut(&mut self, place: Place) -> &mut Rest {
        &mut self.rests[place.rest]
    }

    /// Where there are entries.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        let marks = self.marks.iter().enumerate().filter(|(_, mark)| mark.is_entry());
        marks.map(|(slot, mark)| Place { slot, rest: mark.rest as usize })
    }

    /// Where the entry of that hash is that is the one, or the slot where it is to be: the gap, if that was its own, or
    /// the first one that is nobody's.
    #[inline]
    fn search(&self, hash: u64, is_it: impl Fn(usize) -> bool) -> Result<Place, usize> {
        let (hash, mask) = (hash as u32, self.marks.len().wrapping_sub(1));
        let mut slot = hash as usize & mask;
        // Some are nobody's, if there are any.
        while let Some(mark) = self.marks.get(slot).filter(|mark| mark.rest != NOTHING) {
            if mark.hash == hash && is_it(slot) {
                return if mark.is_entry() { Ok(Place { slot, rest: mark.rest as usize }) } else { Err(slot) };
            }
            slot = (slot + 1) & mask;
        }
        Err(slot)
    }

    /// The first slot that is nobody's, from where that hash belongs.
    fn free_slot(&self, hash: u32) -> usize {
        self.search(u64::from(hash), |_| false).map_or_else(|slot| slot, |place| place.slot)
    }

    /// Whether there is no room for one more. (Fuller, and those who write go through rows of twenty and more; emptier,
    /// and lookups find less in the caches.)
    #[inline]
    fn is_full(&self) -> bool {
        // The gap takes a slot as well.
        (self.used as usize + 1 + usize::from(self.gap != NOTHING)) * 16 > self.marks.len() * 13
    }

    /// Whether the gap is met by a search from where that hash belongs that ends at that slot.
    #[inline]
    fn gap_is_met(&self, hash: u64, last: usize) -> bool {
        let from_home = |slot: usize| slot.wrapping_sub(hash as usize) & (self.marks.len() - 1);
        self.gap != NOTHING && from_home(self.gap as usize) <= from_home(last)
    }

    /// Has a slot be the gap, if a search may go on behind it, and closes up the one there was.
    #[inline]
    fn leave_gap(&mut self, slots: &[Slot], gone: usize) {
        if self.marks[(gone + 1) & (self.marks.len() - 1)].rest == NOTHING {
            return self.close_up(slots, gone);
        }
        let slot = &slots[gone];
        slot.put(slot.words(), GAP, GAP);
        // With its hash: it moves up as what was there would.
        self.marks[gone].rest = NO_REST;
        let before = std::mem::replace(&mut self.gap, gone as u32);
        if before != NOTHING {
            self.close_up(slots, before as usize);
        }
    }

    fn close_gap(&mut self, slots: &[Slot]) {
        let gap = std::mem::replace(&mut self.gap, NOTHING);
        if gap != NOTHING {
            self.close_up(slots, gap as usize);
        }
    }

    /// Has those behind a slot move up that may: a search for them begins at it or before.
    #[inline]
    fn close_up(&mut self, slots: &[Slot], gone: usize) {
        let mask = self.marks.len() - 1;
        let (mut hole, mut at) = (gone, gone);
        loop {
            at = (at + 1) & mask;
            let mark = self.marks[at];
            if mark.rest == NOTHING {
                break;
            }
            // As far from where it belongs as from the hole, or farther.
            if at.wrapping_sub(mark.hash as usize) & mask >= at.wrapping_sub(hole) & mask {
                let slot = &slots[at];
                slots[hole].put(slot.words(), slot.pid(), slot.number());
                self.marks[hole] = mark;
                if mark.rest == NO_REST {
                    self.gap = hole as u32;
                }
                hole = at;
            }
        }
        self.marks[hole].rest = NOTHING;
        // Release, partner: as in `put`.
        slots[hole].pid.store(0, Ordering::Release);
    }

    /// Where the next rest goes.
    #[inline]
    fn hole(&self) -> u32 {
        if self.hole == NOTHING { self.rests.len() as u32 } else { self.hole }
    }

    #[inline]
    fn keep(&mut self, rest: Rest) {
        self.used += 1;
        match self.rests.get_mut(self.hole as usize) {
            Some(hole) => {
                self.hole = hole.noted;
                *hole = rest;
            }
            None => self.rests.push(rest),
        }
    }

    #[inline]
    fn give_up(&mut self, at: usize) -> Rest {
        self.used -= 1;
        // The next line: what came one after the other as a rule goes so, too, and nobody else knows by then where it is.
        prefetch(self.rests.as_ptr().wrapping_add(at + 3));
        let rest = std::mem::replace(&mut self.rests[at], Rest { value: Term::nil(), noted: self.hole });
        self.hole = at as u32;
        rest
    }

    /// Has no hole between the rests any more.
    fn gather(&mut self) {
        let mut rests = Vec::with_capacity(self.used as usize * 2);
        for mark in self.marks.iter_mut().filter(|mark| mark.is_entry()) {
            rests.push(take(&mut self.rests[mark.rest as usize]));
            mark.rest = rests.len() as u32 - 1;
        }
        (self.rests, self.hole) = (rests, NOTHING);
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.marks) + self.rests.capacity() * size_of::<Rest>()
    }
}

/// What was taken out: those who had it.
pub struct Taken {
    slots: Before<Slot>,
    at: usize,
    rests: vec::IntoIter<Rest>,
}

impl Iterator for Taken {
    type Item = Pid;

    fn next(&mut self) -> Option<Pid> {
        let left = self.slots.iter().enumerate().skip(self.at);
        let (at, pid) = left.map(|(at, slot)| (at, Pid(slot.pid()))).find(|&(_, pid)| pid != Pid::NONE)?;
        self.at = at + 1;
        // One after the other: they may be large.
        drop(self.rests.next());
        Some(pid)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn it_finds_what_a_map_finds() {
        let (quick, mut locked) = (Quick::new(), Locked::default());
        let mut model: HashMap<u64, u64> = HashMap::new();
        let (mut random, mut gaps_seen) = (7u64, 0);
        for round in 1..200_000u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Few homes, so that many meet; it grows, and shrinks again.
            let key = (random >> 33) % if round % 40_000 < 20_000 { 3_000 } else { 40 };
            let hash = key % 97 * 31;
            let found = quick.search(&locked, hash, [1, key]);
            if let Some(number) = model.remove(&key) {
                let at = found.expect("it is there");
                assert_eq!(quick.place_of(&locked, hash, number), Some(at));
                assert_eq!((quick.pid(at), quick.number(at)), (Pid(number), number));
                assert!(quick.remove_if(&mut locked, hash, [1, key], |_, _| false).is_none());
                let (rest, known) = if (random >> 40).is_multiple_of(4) {
                    (quick.remove(&mut locked, at), number)
                } else {
                    let removed = quick.remove_if(&mut locked, hash, [1, key], |pid, _| pid == Pid(number));
                    removed.expect("it is there")
                };
                assert_eq!((rest.value.as_int(), rest.noted, known), (Some(key as i64), number as u32, number));
                assert_eq!(quick.place_of(&locked, hash, number), None);
            } else {
                assert_eq!(found, None);
                let rest = || Some(Rest { value: Term::int(key as i64), noted: round as u32 });
                if !(random >> 50).is_multiple_of(4) {
                    assert_eq!(quick.insert(&mut locked, hash, [1, key], Pid(round), round, rest), Ok(()));
                    assert_eq!(quick.insert(&mut locked, hash, [1, key], Pid(7), 7, rest), Err(Some(Pid(round))));
                    model.insert(key, round);
                }
            }
            let asked = (random >> 20) % 3_000;
            let found = quick.find(asked % 97 * 31, [1, asked]);
            assert_eq!(found, Some(model.get(&asked).map(|&pid| Pid(pid))));
            if round % 1_000 == 0 {
                assert_eq!(locked.places().count(), model.len());
                let gaps = locked.marks.iter().filter(|mark| mark.rest == NO_REST).count();
                assert_eq!(gaps, usize::from(locked.gap != NOTHING));
                gaps_seen += gaps;
                assert!(
                    locked.rests.capacity() <= (16 * model.len()).max(LEAST * 16)
                        && locked.marks.len() <= (16 * model.len()).max(256)
                );
            }
        }
        assert!(gaps_seen > 100, "{gaps_seen}");
        let mut taken: Vec<u64> = quick.take_all(&mut locked).map(|pid| pid.0).collect();
        let mut wanted: Vec<u64> = model.into_values().collect();
        taken.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(taken, wanted);
        assert_eq!(quick.find(0, [1, 0]), Some(None));
        assert_eq!(locked.places().count(), 0);
    }
}
