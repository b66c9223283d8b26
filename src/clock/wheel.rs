//! The timing wheel: where a deadline is kept, and which comes next.
//! Eight levels of 64 slots; a slot of level 0 is a tick of 1 ms, a slot of each further level is 64 of the one below:
//! enough for every u64 of ns. A timer lies at the level of the highest 6-bit digit in which its tick differs from
//! `tick`, where the wheel stands. So all of a lower level comes before all of a higher one, slots of a level come in
//! order and never wrap, and timers of one tick share one slot.
//!
//! Promises: within a slot, timers of the same deadline stand in the order they were started. The wheel never moves past
//! a slot that holds a timer; moving into one of a higher level deals it out below. Touched only under the lock of
//! its part.

use super::owners::Owners;
use super::slab::{NIL, Shelves, Slab, Was};
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
    shelves: Shelves<T>,
    entries: Vec<Vec<Entry>>,
}

impl<T> Surplus<T> {
    /// Gives it back; how many bytes.
    pub fn free(self) -> usize {
        let mut bytes = self.entries.iter().map(|slot| slot.capacity() * size_of::<Entry>()).sum();
        for shelf in self.shelves {
            bytes += shelf.bytes();
            // Without a look at each node: none has a payload.
            shelf.forget();
        }
        bytes
    }
}

impl<T> Wheel<T> {
    pub fn new() -> Self {
        Wheel {
            slab: Slab::new(),
            slots: std::array::from_fn(|place| Slot::new(place as u16)),
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

    #[inline(always)]
    pub fn next_id(&mut self) -> TimerId {
        self.slab.next_id()
    }

    /// A new owner, without timers.
    pub fn make_owner(&mut self) -> OwnerId {
        self.owners.make()
    }

    /// Adds a timer under `id`, which `next_id` gave. True: it is due before all that were promised.
    #[inline(always)]
    pub fn insert(&mut self, id: TimerId, due_ns: u64, kind: TimerKind, owner: OwnerId, payload: T) -> bool {
        let is_earliest = self.slab.len() == 0 || due_ns < self.bound_ns;
        let index = id.index();
        let owner_next = self.owners.link(&mut self.slab, owner, index);
        let (place, position) = self.put(due_ns, index);
        let node = self.slab.insert(id, payload);
        (node.due_ns, node.kind, node.place, node.position) = (due_ns, kind, place, position);
        (node.owner, node.owner_prev, node.owner_next) = (owner, NIL, owner_next);
        if is_earliest {
            self.earliest = Some(index);
            self.bound_ns = due_ns;
        }
        is_earliest
    }

    /// Takes a timer out, its payload to `out`, and returns its deadline; None when the id is stale. And whether that
    /// emptied a slot: only then the bound may be another, or memory not needed any more.
    #[inline(always)]
    pub fn remove(&mut self, id: TimerId, out: &mut Option<T>) -> Option<(u64, bool)> {
        let Was { due_ns, place, position, owner, owner_prev, owner_next } = self.slab.remove(id, out)?;
        self.owners.unlink(&mut self.slab, owner, owner_prev, owner_next);
        self.forget_earliest(id.index());
        let has_emptied = self.slots[place as usize].remove(position);
        if has_emptied {
            self.emptied(place as usize);
        }
        Some((due_ns, has_emptied))
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
                self.remove(self.slab.id(index), &mut payload);
                out.extend(payload);
            } else {
                // It is being fired: whoever does that gives the node back.
                self.owners.part(&mut self.slab, index);
            }
        }
        self.owners.forget(owner);
        true
    }

    pub fn due_ns(&self, id: TimerId) -> Option<u64> {
        self.slab.find(id).map(|node| node.due_ns)
    }

    pub fn is_firing(&self, id: TimerId, owner: OwnerId) -> bool {
        self.slab.find_firing(id).is_some_and(|node| node.owner == owner)
    }

    /// A timer that was fired has done its work.
    pub fn finish(&mut self, id: TimerId) {
        if self.slab.find_firing(id).is_some() {
            self.owners.part(&mut self.slab, id.index());
            self.slab.finish(id.index());
        }
    }

    /// The earliest timer; of those due at the same time, the first started.
    pub fn next_due(&mut self) -> Option<(u64, TimerKind)> {
        let index = match self.earliest {
            Some(index) => index,
            None => {
                let place = self.first_place()?;
                self.slots[place].earliest(&mut self.slab)?.index
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
            self.slots[place].sort(&mut self.slab);
            while let Some(Entry { due_ns, index }) = self.slots[place].front(&self.slab) {
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
                    self.slab.remove(id, &mut payload);
                }
                out.extend(payload.map(|payload| (id, due_ns, payload)));
                left -= 1;
            }
        }
        self.look_ahead();
        false
    }

    /// The bound, when nothing is due before the wheel's next slot: the earliest deadline if few are in there. Else its
    /// begin, by which it is dealt out, so that nobody looks through many of them twice.
    fn look_ahead(&mut self) {
        (self.earliest, self.bound_ns) = match self.first_place() {
            None => (None, u64::MAX),
            Some(place) => match self.slots[place].earliest_of_few(&self.slab) {
                Some(Entry { due_ns, index }) => (Some(index), due_ns),
                None => (None, self.start_of(place).saturating_mul(TICK_NS)),
            },
        };
    }

    /// Whether there is memory that is not needed any more.
    #[inline(always)]
    pub fn has_surplus(&self) -> bool {
        !self.unneeded.is_empty() || self.slab.has_surplus()
    }

    /// That memory, to be given back outside the lock.
    pub fn take_surplus(&mut self) -> Surplus<T> {
        let shelves = if self.slab.has_surplus() { self.slab.take_surplus() } else { Vec::new() };
        Surplus { shelves, entries: std::mem::take(&mut self.unneeded) }
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
        let slot = self.slots[place].take();
        self.filled[place / SLOTS] &= !(1 << (place % SLOTS));
        for position in slot.positions() {
            slot.fetch_ahead(&self.slab, position as usize);
            let Entry { due_ns, index } = slot.at(position);
            if self.slab.is_at(index, place as u16, position) {
                let (place, position) = self.put(due_ns, index);
                let node = self.slab.node_mut(index);
                (node.place, node.position) = (place, position);
            }
        }
        self.unneeded.push(slot.into_entries());
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

    /// Puts an entry where its deadline belongs, behind those of the same deadline; its slot, and the place in there.
    #[inline]
    fn put(&mut self, due_ns: u64, index: u32) -> (u16, u32) {
        // What is overdue joins the tick where the wheel stands: its place by deadline is found there.
        let tick = (due_ns / TICK_NS).max(self.tick);
        let level = ((tick ^ self.tick) | 1).ilog2() / DIGIT;
        let place = place(level as usize, tick);
        self.filled[place / SLOTS] |= 1 << (place % SLOTS);
        (place as u16, self.slots[place].push(&mut self.slab, due_ns, index))
    }

    #[inline(never)]
    fn emptied(&mut self, place: usize) {
        self.filled[place / SLOTS] &= !(1 << (place % SLOTS));
        self.unneeded.extend(self.slots[place].clear());
        if self.slab.len() == 0 {
            self.bound_ns = u64::MAX;
        }
    }

    fn forget_earliest(&mut self, index: u32) {
        if self.earliest == Some(index) {
            self.earliest = None;
        }
    }

    /// For how many entries there is room in all slots.
    #[cfg(test)]
    pub fn places(&self) -> usize {
        self.slots.iter().map(Slot::room).sum()
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
