//! The timing wheel: where a deadline is kept, and which comes next.
//! Eight levels of 64 slots; a slot of level 0 is a tick of 1 ms, a slot of each further level is 64 of the one below:
//! enough for every u64 of ns. A timer lies at the level of the highest 6-bit digit in which its tick differs from
//! `tick`, where the wheel stands. So all of a lower level comes before all of a higher one, slots of a level come in
//! order and never wrap, and timers of one tick share one slot.
//!
//! Promises: within a slot, timers of the same deadline stand in the order they were started; a slot marked sorted
//! stands by deadline. The wheel never moves past a slot that holds a timer; moving into one of a higher level deals it
//! out below. Touched only under the lock of `Timers`.

use super::TimerId;
use super::TimerKind;
use super::slab::{NIL, Slab, Surplus};

const LEVELS: usize = 8;
const DIGIT: u32 = 6;
const SLOTS: usize = 1 << DIGIT;
const TICK_NS: u64 = 1_000_000;
/// How far a timer is moved towards the head to keep a slot sorted; past that the slot is sorted when it is needed.
const REACH: usize = 8;

#[derive(Copy, Clone)]
struct Slot {
    head: u32,
    tail: u32,
}

const EMPTY: Slot = Slot { head: NIL, tail: NIL };

pub(super) struct Wheel<T> {
    slab: Slab<T>,
    slots: [Slot; LEVELS * SLOTS],
    /// One bit for each slot of a level: it holds a timer.
    filled: [u64; LEVELS],
    /// One bit for each slot of a level: it stands by deadline. Meaningless for an empty slot.
    sorted: [u64; LEVELS],
    tick: u64,
    /// The earliest timer, when it is known.
    earliest: Option<u32>,
    /// No timer is due before this; u64::MAX when there is none.
    bound_ns: u64,
    scratch: Vec<(u64, u32)>,
}

impl<T> Wheel<T> {
    pub fn new() -> Self {
        Wheel {
            slab: Slab::new(),
            slots: [EMPTY; LEVELS * SLOTS],
            filled: [0; LEVELS],
            sorted: [0; LEVELS],
            tick: 0,
            earliest: None,
            bound_ns: u64::MAX,
            scratch: Vec::new(),
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

    /// Adds a timer under the id of `next_id`. True: it is due before all that were promised.
    pub fn insert(&mut self, due_ns: u64, kind: TimerKind, payload: T) -> bool {
        let is_earliest = self.slab.len() == 0 || due_ns < self.bound_ns;
        let index = self.slab.insert(due_ns, kind, payload);
        self.link(index);
        if is_earliest {
            self.earliest = Some(index);
            self.bound_ns = due_ns;
        }
        is_earliest
    }

    /// Takes a timer out; None when the id is stale.
    pub fn remove(&mut self, id: TimerId) -> Option<(T, u64)> {
        let index = self.slab.find(id)?;
        let due_ns = self.slab.node(index).due_ns;
        self.unlink(index);
        Some((self.take(index), due_ns))
    }

    pub fn due_ns(&self, id: TimerId) -> Option<u64> {
        self.slab.find(id).map(|index| self.slab.node(index).due_ns)
    }

    /// The earliest timer; of those due at the same time, the first started.
    pub fn next_due(&mut self) -> Option<(u64, TimerKind)> {
        let index = match self.earliest {
            Some(index) => index,
            None => {
                let place = self.first_place()?;
                self.sort(place);
                self.slots[place].head
            }
        };
        let node = self.slab.node(index);
        let next = (node.due_ns, node.kind);
        self.earliest = Some(index);
        self.bound_ns = next.0;
        Some(next)
    }

    /// Moves up to `max` timers with a deadline of at most `now_ns` into `out`. True: more are due.
    pub fn fire(&mut self, now_ns: u64, max: usize, out: &mut Vec<(TimerId, u64, T)>) -> bool {
        if self.bound_ns > now_ns || self.slab.len() == 0 {
            return false;
        }
        let mut left = max;
        while self.enter_next(now_ns / TICK_NS) {
            let place = place(0, self.tick);
            self.sort(place);
            while self.slots[place].head != NIL {
                let index = self.slots[place].head;
                let due_ns = self.slab.node(index).due_ns;
                if due_ns > now_ns || left == 0 {
                    self.bound_ns = due_ns;
                    self.earliest = Some(index);
                    return due_ns <= now_ns;
                }
                let id = self.slab.id(index);
                self.unlink(index);
                out.push((id, due_ns, self.take(index)));
                left -= 1;
            }
        }
        // The bound only: sorting a big slot to know the exact one can wait until somebody asks.
        self.bound_ns = self.first_place().map_or(u64::MAX, |place| self.start_of(place).saturating_mul(TICK_NS));
        self.earliest = None;
        false
    }

    /// Memory that is not needed any more, to be dropped outside the lock.
    pub fn take_surplus(&mut self) -> Option<Surplus<T>> {
        let surplus = self.slab.take_surplus();
        if surplus.is_some() {
            self.scratch = Vec::new();
        }
        surplus
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
        let mut index = self.slots[place].head;
        self.slots[place] = EMPTY;
        self.filled[place / SLOTS] &= !(1 << (place % SLOTS));
        while index != NIL {
            let next = self.slab.node(index).next;
            self.link(index);
            index = next;
        }
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
    fn link(&mut self, index: u32) {
        let due_ns = self.slab.node(index).due_ns;
        // What is overdue joins the tick where the wheel stands: its place by deadline is found there.
        let tick = (due_ns / TICK_NS).max(self.tick);
        let level = ((tick ^ self.tick) | 1).ilog2() / DIGIT;
        let place = place(level as usize, tick);
        let (level, bit) = (place / SLOTS, 1u64 << (place % SLOTS));
        let tail = self.slots[place].tail;
        if tail == NIL {
            self.filled[level] |= bit;
            self.sorted[level] |= bit;
        }
        let mut after = tail;
        if self.sorted[level] & bit != 0 {
            match self.last_not_after(tail, due_ns) {
                Some(found) => after = found,
                None => self.sorted[level] &= !bit,
            }
        }
        self.link_after(place, after, index);
    }

    /// The last node of a sorted slot that is due at `due_ns` or before (NIL: put it first); None: too far to look.
    fn last_not_after(&self, tail: u32, due_ns: u64) -> Option<u32> {
        let mut at = tail;
        for _ in 0..REACH {
            if at == NIL || self.slab.node(at).due_ns <= due_ns {
                return Some(at);
            }
            at = self.slab.node(at).prev;
        }
        None
    }

    fn link_after(&mut self, place: usize, prev: u32, index: u32) {
        let next = if prev == NIL {
            std::mem::replace(&mut self.slots[place].head, index)
        } else {
            std::mem::replace(&mut self.slab.node_mut(prev).next, index)
        };
        if next == NIL {
            self.slots[place].tail = index;
        } else {
            self.slab.node_mut(next).prev = index;
        }
        let node = self.slab.node_mut(index);
        node.prev = prev;
        node.next = next;
        node.place = place as u16;
    }

    fn unlink(&mut self, index: u32) {
        let node = self.slab.node(index);
        let (prev, next, place) = (node.prev, node.next, node.place as usize);
        if prev == NIL {
            self.slots[place].head = next;
        } else {
            self.slab.node_mut(prev).next = next;
        }
        if next == NIL {
            self.slots[place].tail = prev;
        } else {
            self.slab.node_mut(next).prev = prev;
        }
        if self.slots[place].head == NIL {
            self.filled[place / SLOTS] &= !(1 << (place % SLOTS));
        }
    }

    /// Gives an unlinked node back.
    fn take(&mut self, index: u32) -> T {
        if self.earliest == Some(index) {
            self.earliest = None;
        }
        let payload = self.slab.remove(index);
        if self.slab.len() == 0 {
            self.bound_ns = u64::MAX;
        }
        payload
    }

    /// Orders a slot by deadline; those of the same deadline keep their order.
    fn sort(&mut self, place: usize) {
        let (level, bit) = (place / SLOTS, 1u64 << (place % SLOTS));
        if self.sorted[level] & bit != 0 {
            return;
        }
        self.sorted[level] |= bit;
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut index = self.slots[place].head;
        while index != NIL {
            let node = self.slab.node(index);
            scratch.push((node.due_ns, index));
            index = node.next;
        }
        scratch.sort_by_key(|(due_ns, _)| *due_ns);
        self.slots[place] = EMPTY;
        for (_, index) in scratch.drain(..) {
            self.link_after(place, self.slots[place].tail, index);
        }
        self.scratch = scratch;
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
