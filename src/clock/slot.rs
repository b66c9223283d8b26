//! One slot of the wheel: the timers of one span of time, as deadlines that lie side by side.
//! An entry has a deadline and the number of its timer, which knows its place here; so putting one in, dealing a slot out
//! and ordering it read memory in a row, where a list through the timers themselves would fetch each of a million from
//! somewhere else, and its neighbours with it to take one out.
//!
//! What is cancelled leaves its entry behind as a hole, which nobody writes into: that would be one more place in
//! memory for each cancel, and with a million timers in 32 slots, cancelled in the order of their start, took as long
//! as all the rest. An entry is a hole when its timer says that it is not there: it is gone, or another that has its
//! number since. They go when room is needed and at least half of all are holes: so what is only cancelled is looked at
//! no more, and what comes and goes needs little more room than what waits.
//!
//! Promises: entries of the same deadline stand in the order they were put in; each timer that waits has one entry, at
//! the place it says. Touched only under the lock of its part.

use super::slab::Slab;

#[derive(Copy, Clone)]
pub(super) struct Entry {
    pub due_ns: u64,
    pub index: u32,
}

/// Entries that an empty slot keeps room for; what a burst left goes back.
const KEPT: usize = 256;
/// Searches for the earliest of a slot in no order, after which it is ordered instead.
const SEARCHES: u8 = 3;

/// How far ahead timers are asked for.
const AHEAD: usize = 16;
/// Entries that are looked at without a thought.
const LOOK: usize = 32;

fn earlier(best: Entry, other: Entry) -> Entry {
    if other.due_ns < best.due_ns { other } else { best }
}

pub(super) struct Slot {
    /// Its number, by which the timers know where they are.
    place: u16,
    entries: Vec<Entry>,
    /// What is before this has been taken from the front.
    first: u32,
    /// Of the entries from `first` on, those that are no holes.
    alive: u32,
    searches: u8,
    is_sorted: bool,
}

impl Slot {
    pub const fn new(place: u16) -> Slot {
        Slot { place, entries: Vec::new(), first: 0, alive: 0, searches: 0, is_sorted: true }
    }

    /// Puts a timer behind those of the same deadline; its place in here.
    #[inline(always)]
    pub fn push<T>(&mut self, slab: &mut Slab<T>, due_ns: u64, index: u32) -> u32 {
        if self.entries.len() == self.entries.capacity() {
            self.make_room(slab);
        }
        self.is_sorted &= self.entries.last().is_none_or(|last| last.due_ns <= due_ns);
        self.entries.push(Entry { due_ns, index });
        self.alive += 1;
        self.entries.len() as u32 - 1
    }

    #[cold]
    #[inline(never)]
    fn make_room<T>(&mut self, slab: &mut Slab<T>) {
        if self.entries.len() > 2 * self.alive as usize {
            self.close_holes(slab);
        }
        self.entries.reserve(1);
    }

    /// Takes the timer at a place out, which is there no more. True: the slot is empty now.
    #[inline(always)]
    pub fn remove(&mut self, position: u32) -> bool {
        self.alive -= 1;
        if position as usize + 1 == self.entries.len() {
            // As a rule of what begins and ends with a call: the last one put in is the first taken out.
            self.entries.pop();
        }
        self.alive == 0
    }

    /// Entries that have not been taken from the front.
    #[inline(always)]
    fn places(&self) -> usize {
        self.entries.len() - self.first as usize
    }

    /// The earliest; of those of one deadline the first that was put in. None: the slot is empty.
    pub fn earliest<T>(&mut self, slab: &mut Slab<T>) -> Option<Entry> {
        if self.is_sorted || self.searches == SEARCHES {
            self.sort(slab);
            return self.front(slab);
        }
        self.searches += 1;
        if self.places() > self.alive as usize {
            self.close_holes(slab);
        }
        #[cfg(test)]
        looks::add(self.places());
        self.entries[self.first as usize..].iter().copied().reduce(earlier)
    }

    /// As [`Slot::earliest`], of a slot that few are put into; None: there are many, or none.
    pub fn earliest_of_few<T>(&self, slab: &Slab<T>) -> Option<Entry> {
        if self.places() > LOOK {
            return None;
        }
        #[cfg(test)]
        looks::add(self.places());
        let is_waiting = |position: &u32| slab.is_at(self.at(*position).index, self.place, *position);
        self.positions().filter(is_waiting).map(|position| self.at(position)).reduce(earlier)
    }

    /// Where it has entries, holes among them.
    pub fn positions(&self) -> std::ops::Range<u32> {
        self.first..self.entries.len() as u32
    }

    pub fn at(&self, position: u32) -> Entry {
        self.entries[position as usize]
    }

    /// The first, of a slot in order or not.
    #[inline]
    pub fn front<T>(&mut self, slab: &Slab<T>) -> Option<Entry> {
        loop {
            let entry = *self.entries.get(self.first as usize)?;
            if slab.is_at(entry.index, self.place, self.first) {
                return Some(entry);
            }
            self.first += 1;
        }
    }

    /// Takes the one that `front` has shown. True: the slot is empty now.
    #[inline]
    pub fn take_front(&mut self) -> bool {
        self.first += 1;
        self.alive -= 1;
        self.alive == 0
    }

    /// Orders it by deadline.
    pub fn sort<T>(&mut self, slab: &mut Slab<T>) {
        if self.is_sorted {
            return;
        }
        #[cfg(test)]
        looks::add(self.places());
        self.close_holes(slab);
        self.entries.sort_by_key(|entry| entry.due_ns);
        self.is_sorted = true;
        for (position, entry) in self.entries.iter().enumerate() {
            slab.node_mut(entry.index).position = position as u32;
        }
    }

    /// Asks for the memory of a timer that is looked at soon. Those of one slot were started one after the other, but
    /// with others of other slots between them: so the processor does not guess where they are.
    #[inline(always)]
    pub fn fetch_ahead<T>(&self, slab: &Slab<T>, position: usize) {
        if let Some(entry) = self.entries.get(position + AHEAD) {
            slab.fetch(entry.index);
        }
    }

    fn close_holes<T>(&mut self, slab: &mut Slab<T>) {
        let mut kept = 0;
        for position in std::mem::take(&mut self.first) as usize..self.entries.len() {
            self.fetch_ahead(slab, position);
            let entry = self.entries[position];
            if slab.is_at(entry.index, self.place, position as u32) {
                slab.node_mut(entry.index).position = kept as u32;
                self.entries[kept] = entry;
                kept += 1;
            }
        }
        self.entries.truncate(kept);
        debug_assert_eq!(kept, self.alive as usize);
    }

    /// Has no entries any more, and is given back as it was.
    pub fn take(&mut self) -> Slot {
        std::mem::replace(self, Slot::new(self.place))
    }

    /// Its memory.
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    #[cfg(test)]
    pub fn room(&self) -> usize {
        self.entries.capacity()
    }

    /// Empties a slot; memory that it is not to keep is given back, to be freed outside the lock.
    #[inline]
    pub fn clear(&mut self) -> Option<Vec<Entry>> {
        let mut entries = std::mem::take(&mut self.entries);
        entries.clear();
        *self = Slot::new(self.place);
        if entries.capacity() > KEPT {
            return Some(entries);
        }
        self.entries = entries;
        None
    }
}

/// Entries that were looked at to find the earliest or to order a slot, on this thread: what tests count.
#[cfg(test)]
pub(crate) mod looks {
    use std::cell::Cell;

    thread_local!(static LOOKS: Cell<usize> = const { Cell::new(0) });

    pub fn add(entries: usize) {
        LOOKS.set(LOOKS.get() + entries);
    }

    pub fn take() -> usize {
        LOOKS.take()
    }
}

#[cfg(test)]
mod tests {
    use crate::clock::{TimerKind, Timers};
    use std::collections::VecDeque;

    /// Those of one slot come and go in their order, so that each leaves a hole: many more than ever wait at a time.
    #[test]
    fn what_comes_and_goes_takes_no_more_room_than_what_waits() {
        const WAIT: usize = 100;
        let timers = Timers::new();
        let mut waiting = VecDeque::new();
        for name in 0..100_000 {
            waiting.push_back((timers.start(1 << 50, TimerKind::User, name).id, name));
            if waiting.len() > WAIT {
                let (first, name) = waiting.pop_front().expect("they are many");
                assert_eq!(timers.cancel(first), Some((name, 1 << 50)));
            }
        }
        assert_eq!(timers.len(), WAIT);
        let places = timers.places();
        assert!(places <= 4 * WAIT, "{places} for {WAIT} timers");
    }
}
