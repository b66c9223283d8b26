//! One slot of the wheel: the timers of one span of time, as deadlines that lie side by side.
//! An entry has a deadline and the number of its timer, which knows its place here; so putting one in, dealing a slot out
//! and ordering it read memory in a row, where a list through the timers themselves would fetch each of a million from
//! somewhere else, and its neighbours with it to take one out. What is cancelled leaves a hole, and the holes go when
//! they are many.
//!
//! Promises: entries of the same deadline stand in the order they were put in; the last entry is no hole. Touched only
//! under the lock of `Timers`.

use super::slab::NIL;

#[derive(Copy, Clone)]
pub(super) struct Entry {
    pub due_ns: u64,
    /// NIL: a hole.
    pub index: u32,
}

/// Entries that an empty slot keeps room for; what a burst left goes back.
const KEPT: usize = 256;
/// Holes that are not worth closing.
const FEW: usize = 1024;
/// Searches for the earliest of a slot in no order, after which it is ordered instead.
const SEARCHES: u8 = 3;

/// Entries that are looked at without a thought.
const LOOK: usize = 32;

fn earliest_of(entries: &[Entry]) -> Option<Entry> {
    #[cfg(test)]
    looks::add(entries.len());
    let alive = entries.iter().filter(|entry| entry.index != NIL);
    alive.copied().reduce(|best, entry| if entry.due_ns < best.due_ns { entry } else { best })
}

/// What a slot has in it after one was taken out.
#[derive(Copy, Clone)]
pub(super) enum Left {
    Some,
    /// More holes than are worth keeping: to be closed.
    Sparse,
    Nothing,
}

pub(super) struct Slot {
    entries: Vec<Entry>,
    /// What is before this has been taken from the front.
    first: u32,
    /// Timers in here: of the entries from `first` on, those that are no holes.
    alive: u32,
    searches: u8,
    is_sorted: bool,
}

impl Slot {
    pub const EMPTY: Slot = Slot { entries: Vec::new(), first: 0, alive: 0, searches: 0, is_sorted: true };

    /// Puts a timer behind those of the same deadline; its place in here.
    #[inline]
    pub fn push(&mut self, due_ns: u64, index: u32) -> u32 {
        self.is_sorted &= self.entries.last().is_none_or(|last| last.due_ns <= due_ns);
        self.entries.push(Entry { due_ns, index });
        self.alive += 1;
        self.entries.len() as u32 - 1
    }

    /// Takes the timer at a place out.
    #[inline(always)]
    pub fn remove(&mut self, position: u32) -> Left {
        self.alive -= 1;
        if self.alive == 0 {
            return Left::Nothing;
        }
        if position as usize + 1 == self.entries.len() {
            // As a rule of what begins and ends with a call: the last one put in is the first taken out.
            self.entries.pop();
            while self.entries.last().is_some_and(|last| last.index == NIL) {
                self.entries.pop();
            }
            return Left::Some;
        }
        self.entries[position as usize].index = NIL;
        let places = self.entries.len() - self.first as usize;
        if places > FEW + 5 * self.alive as usize { Left::Sparse } else { Left::Some }
    }

    /// The earliest; of those of one deadline the first that was put in. None: the slot is empty.
    pub fn earliest(&mut self, moved: impl FnMut(u32, u32)) -> Option<Entry> {
        if !self.is_sorted && self.searches < SEARCHES {
            self.searches += 1;
            return earliest_of(&self.entries[self.first as usize..]);
        }
        self.sort(moved);
        self.front()
    }

    /// As [`Slot::earliest`], of a slot that few are put into; None: there are many, or none.
    pub fn earliest_of_few(&self) -> Option<Entry> {
        let entries = &self.entries[self.first as usize..];
        if entries.len() > LOOK {
            return None;
        }
        earliest_of(entries)
    }

    /// The first, of a slot in order or not.
    #[inline]
    pub fn front(&mut self) -> Option<Entry> {
        loop {
            let entry = *self.entries.get(self.first as usize)?;
            if entry.index != NIL {
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
    pub fn sort(&mut self, mut moved: impl FnMut(u32, u32)) {
        if self.is_sorted {
            return;
        }
        #[cfg(test)]
        looks::add(self.entries.len());
        self.close_holes(|_, _| ());
        self.entries.sort_by_key(|entry| entry.due_ns);
        self.is_sorted = true;
        for (position, entry) in self.entries.iter().enumerate() {
            moved(entry.index, position as u32);
        }
    }

    /// `moved` hears of each timer's place.
    pub fn close_holes(&mut self, mut moved: impl FnMut(u32, u32)) {
        self.entries.drain(..std::mem::take(&mut self.first) as usize);
        self.entries.retain(|entry| entry.index != NIL);
        for (position, entry) in self.entries.iter().enumerate() {
            moved(entry.index, position as u32);
        }
    }

    /// Has no entries any more; gives them back, alive ones and holes.
    pub fn take(&mut self) -> Vec<Entry> {
        let mut taken = std::mem::replace(self, Slot::EMPTY);
        taken.entries.drain(..taken.first as usize);
        taken.entries
    }

    /// Empties a slot; memory that it is not to keep is given back, to be freed outside the lock.
    #[inline]
    pub fn clear(&mut self) -> Option<Vec<Entry>> {
        let mut entries = std::mem::take(&mut self.entries);
        entries.clear();
        *self = Slot::EMPTY;
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
