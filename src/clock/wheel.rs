//! The timing wheel: where a deadline is kept, and which comes next.
//! Eight levels of 64 slots; a slot of level 0 is a tick of 1 ms, a slot of each further level is 64 of the one below:
//! enough for every u64 of ns. A timer lies at the level of the highest 6-bit digit in which its tick differs from
//! `tick`, where the wheel stands. So all of a lower level comes before all of a higher one, slots of a level come in
//! order and never wrap, and timers of one tick share one slot.
//!
//! Promises: within a slot, timers of the same deadline stand in the order they were started. The wheel never moves past
//! a slot that holds a timer; moving into one of a higher level deals it out below. Touched only under the lock of
//! `Timers`.

use super::owners::Owners;
use super::slab::{Chunks, NIL, Slab};
use super::slot::{Entry, Slot};
use super::{OwnerId, TimerId, TimerKind};

const LEVELS: usize = 8;
const DIGIT: u32 = 6;
const SLOTS: usize = 1 << DIGIT;
const TICK_NS: u64 = 1_000_000;

pub(super) struct Wheel<T> {
    slab: Slab<T>,
    slots: [Slot; LEVELS * SLOTS],
    /// One bit for each slot of a level: it holds a timer.
    filled: [u64; LEVELS],
    tick: u64,
    /// The earliest timer, when it is known.
    earliest: Option<u32>,
    /// No timer is due before this; u64::MAX when there is none.
    bound_ns: u64,
    owners: Owners,
    /// Memory of slots, to be freed outside the lock.
    unneeded: Vec<Vec<Entry>>,
}

/// Memory on its way back to the allocator.
pub(super) struct Surplus<T> {
    chunks: Option<Chunks<T>>,
    entries: Vec<Vec<Entry>>,
}

impl<T> Surplus<T> {
    pub fn bytes(&self) -> usize {
        let nodes = self.chunks.iter().flatten().map(|chunk| std::mem::size_of_val(&**chunk));
        let entries = self.entries.iter().map(|slot| slot.capacity() * size_of::<Entry>());
        nodes.chain(entries).sum()
    }
}

impl<T> Wheel<T> {
    pub fn new() -> Self {
        Wheel {
            slab: Slab::new(),
            slots: [Slot::EMPTY; LEVELS * SLOTS],
            filled: [0; LEVELS],
            tick: 0,
            earliest: None,
            bound_ns: u64::MAX,
            owners: Owners::new(),
            unneeded: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.slab.len()
    }

    /// No timer is due before this; cheap, and exact after `next_due`.
    pub fn bound_ns(&self) -> u64 {
        self.bound_ns
    }

    pub fn next_id(&self) -> TimerId {
        self.slab.next_id()
    }

    /// A new owner, without timers.
    pub fn make_owner(&mut self) -> OwnerId {
        self.owners.make()
    }

    /// Adds a timer under the id of `next_id`. True: it is due before all that were promised.
    #[inline]
    pub fn insert(&mut self, due_ns: u64, kind: TimerKind, owner: OwnerId, payload: T) -> bool {
        let is_earliest = self.slab.len() == 0 || due_ns < self.bound_ns;
        let index = self.slab.insert(due_ns, kind, payload);
        self.owners.link(&mut self.slab, owner, index);
        self.link(due_ns, index);
        if is_earliest {
            self.earliest = Some(index);
            self.bound_ns = due_ns;
        }
        is_earliest
    }

    /// Takes a timer out, its payload to `out`, and returns its deadline; None when the id is stale.
    #[inline]
    pub fn remove(&mut self, id: TimerId, out: &mut Option<T>) -> Option<u64> {
        let index = self.slab.find(id)?;
        let due_ns = self.slab.node(index).due_ns;
        self.take_out(index, out);
        Some(due_ns)
    }

    /// Takes up to `max` timers of an owner out. True: that were all, and there is no such owner any more.
    pub fn remove_of(&mut self, owner: OwnerId, max: usize, out: &mut Vec<T>) -> bool {
        let mut left = max;
        while let Some(index) = self.owners.first(owner) {
            if self.slab.is_live(index) {
                if left == 0 {
                    return false;
                }
                left -= 1;
                let mut payload = None;
                self.take_out(index, &mut payload);
                out.extend(payload);
            } else {
                // It is being fired: whoever does that gives the node back.
                self.owners.unlink(&mut self.slab, index);
            }
        }
        self.owners.forget(owner);
        true
    }

    pub fn due_ns(&self, id: TimerId) -> Option<u64> {
        self.slab.find(id).map(|index| self.slab.node(index).due_ns)
    }

    pub fn is_firing(&self, id: TimerId, owner: OwnerId) -> bool {
        self.slab.find_firing(id).is_some_and(|index| self.slab.node(index).owner == owner)
    }

    /// A timer that was fired has done its work.
    pub fn finish(&mut self, id: TimerId) {
        if let Some(index) = self.slab.find_firing(id) {
            self.owners.unlink(&mut self.slab, index);
            self.slab.finish(index);
        }
    }

    /// The earliest timer; of those due at the same time, the first started.
    pub fn next_due(&mut self) -> Option<(u64, TimerKind)> {
        let index = match self.earliest {
            Some(index) => index,
            None => {
                let place = self.first_place()?;
                let slab = &mut self.slab;
                self.slots[place].earliest(|index, position| slab.node_mut(index).position = position)?.index
            }
        };
        let node = self.slab.node(index);
        let next = (node.due_ns, node.kind);
        self.earliest = Some(index);
        self.bound_ns = next.0;
        Some(next)
    }

    /// Moves up to `max` timers with a deadline of at most `now_ns` into `out`; those with an owner are being fired until
    /// [`Wheel::finish`]. True: more are due.
    pub fn fire(&mut self, now_ns: u64, max: usize, out: &mut Vec<(TimerId, u64, T)>) -> bool {
        if self.bound_ns > now_ns || self.slab.len() == 0 {
            return false;
        }
        let mut left = max;
        while self.enter_next(now_ns / TICK_NS) {
            let place = place(0, self.tick);
            let slab = &mut self.slab;
            self.slots[place].sort(|index, position| slab.node_mut(index).position = position);
            while let Some(Entry { due_ns, index }) = self.slots[place].front() {
                if due_ns > now_ns || left == 0 {
                    self.bound_ns = due_ns;
                    self.earliest = Some(index);
                    return due_ns <= now_ns;
                }
                let id = self.slab.id(index);
                if self.slots[place].take_front() {
                    self.emptied(place);
                }
                self.forget_earliest(index);
                let is_owned = !self.slab.node(index).owner.is_none();
                let mut payload = None;
                if is_owned {
                    self.slab.begin_to_fire(index, &mut payload);
                } else {
                    self.slab.remove(index, &mut payload);
                }
                out.extend(payload.map(|payload| (id, due_ns, payload)));
                left -= 1;
            }
        }
        // The bound only: looking through a big slot for the exact one can wait until somebody asks.
        self.bound_ns = self.first_place().map_or(u64::MAX, |place| self.start_of(place).saturating_mul(TICK_NS));
        self.earliest = None;
        false
    }

    /// Memory that is not needed any more, to be dropped outside the lock.
    #[inline]
    pub fn take_surplus(&mut self) -> Option<Surplus<T>> {
        let chunks = self.slab.take_surplus();
        if chunks.is_none() && self.unneeded.is_empty() {
            return None;
        }
        Some(Surplus { chunks, entries: std::mem::take(&mut self.unneeded) })
    }

    /// Moves the wheel to the first tick, at most `now`, that holds timers. False: there is none, and it stands at
    /// `now`.
    fn enter_next(&mut self, now: u64) -> bool {
        loop {
            let next = self.first_place();
            match next {
                Some(place) if place < SLOTS && self.start_of(place) <= self.tick.max(now) => {
                    self.tick = self.start_of(place);
                    return true;
                }
                Some(place) if place >= SLOTS && self.start_of(place) <= now => {
                    self.tick = self.start_of(place);
                    self.deal_out(place);
                }
                _ => {
                    self.tick = self.tick.max(now);
                    return false;
                }
            }
        }
    }

    /// Spreads a slot that the wheel just moved into over the levels below, in order.
    fn deal_out(&mut self, place: usize) {
        let entries = self.slots[place].take();
        self.filled[place / SLOTS] &= !(1 << (place % SLOTS));
        for &Entry { due_ns, index } in &entries {
            if index != NIL {
                self.link(due_ns, index);
            }
        }
        self.unneeded.push(entries);
    }

    /// The slot that holds the earliest timers.
    fn first_place(&self) -> Option<usize> {
        let level = self.filled.iter().position(|filled| *filled != 0)?;
        Some(level * SLOTS + self.filled[level].trailing_zeros() as usize)
    }

    /// The first tick of a slot that holds timers.
    fn start_of(&self, place: usize) -> u64 {
        let shift = (place / SLOTS) as u32 * DIGIT;
        let above = self.tick >> (shift + DIGIT) << (shift + DIGIT);
        above | ((place % SLOTS) as u64) << shift
    }

    /// Puts a node where its deadline belongs, behind those of the same deadline.
    #[inline]
    fn link(&mut self, due_ns: u64, index: u32) {
        // What is overdue joins the tick where the wheel stands: its place by deadline is found there.
        let tick = (due_ns / TICK_NS).max(self.tick);
        let level = ((tick ^ self.tick) | 1).ilog2() / DIGIT;
        let place = place(level as usize, tick);
        self.filled[place / SLOTS] |= 1 << (place % SLOTS);
        let position = self.slots[place].push(due_ns, index);
        let node = self.slab.node_mut(index);
        node.place = place as u16;
        node.position = position;
    }

    /// Takes a timer out of its slot and off its owner's list, and gives its node back.
    #[inline]
    fn take_out(&mut self, index: u32, out: &mut Option<T>) {
        let node = self.slab.node(index);
        let (place, position) = (node.place as usize, node.position);
        let slab = &mut self.slab;
        if self.slots[place].remove(position, |index, position| slab.node_mut(index).position = position) {
            self.emptied(place);
        }
        self.owners.unlink(&mut self.slab, index);
        self.forget_earliest(index);
        self.slab.remove(index, out);
        if self.slab.len() == 0 {
            self.bound_ns = u64::MAX;
        }
    }

    fn emptied(&mut self, place: usize) {
        self.filled[place / SLOTS] &= !(1 << (place % SLOTS));
        self.unneeded.extend(self.slots[place].clear());
    }

    fn forget_earliest(&mut self, index: u32) {
        if self.earliest == Some(index) {
            self.earliest = None;
        }
    }

    #[cfg(test)]
    pub fn set_first_generation(&mut self, generation: u32) {
        self.slab.set_first_generation(generation);
    }
}

/// The slot of a tick at a level, as `level * 64 + slot`.
fn place(level: usize, tick: u64) -> usize {
    level * SLOTS + (tick >> (level as u32 * DIGIT)) as usize % SLOTS
}
