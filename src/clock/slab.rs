//! The memory of the timers: nodes that are found by a number and used again.
//! Nodes lie on shelves, so growing never moves one (moving a million under the lock would make every timer late).
//! A node's generation goes up each time it is given back, so that an old `TimerId` never names a new timer; at its
//! last generation a node is retired instead. Touched only under the lock of its part.
//!
//! A node is one cache line, which is all that most starts and cancels fetch of it: so a payload is at most four words.
//! And each looks it up once: what one has to know of a timer comes with it.

use super::{OwnerId, TimerId, TimerKind};
use crate::sync::prefetch;
use crate::sync::shelf::Shelf;

/// No node.
pub(super) const NIL: u32 = u32::MAX;

/// Nodes of a shelf: of 64 bytes, a huge page.
const SHELF: usize = 32 * 1024;
/// Nodes that are made together.
const AT_ONCE: u32 = 32;
const _: () = assert!(SHELF.is_multiple_of(AT_ONCE as usize));
/// So many nodes are kept for the next burst.
const KEPT: u32 = 16 * 1024;
/// 30 bits: the two highest of an id are free, for what makes references of it (`process/timer.rs`).
pub(super) const LAST_GENERATION: u32 = (1 << 30) - 1;

#[repr(align(64))]
pub(super) struct Node<T> {
    pub due_ns: u64,
    /// None: the node is free or retired, or its timer is being fired.
    payload: Option<T>,
    /// 0 is never used, so that no id is 0.
    generation: u32,
    /// Which slot of the wheel it is in, `level * 64 + slot`, and where in there.
    pub place: u16,
    pub position: u32,
    pub owner: OwnerId,
    pub owner_prev: u32,
    /// The next of the same owner, or the next free node.
    pub owner_next: u32,
    pub kind: TimerKind,
    /// Its payload was taken to be fired, and its owner still has it.
    is_firing: bool,
}

/// What a timer was that is taken out.
pub(super) struct Was {
    pub due_ns: u64,
    pub place: u16,
    pub position: u32,
    pub owner: OwnerId,
    pub owner_prev: u32,
    pub owner_next: u32,
}

pub(super) type Shelves<T> = Vec<Shelf<Node<T>>>;

/// The node of that number.
#[inline(always)]
fn at<T>(shelves: &mut Shelves<T>, index: u32) -> Option<&mut Node<T>> {
    shelves.get_mut(index as usize / SHELF)?.get_mut(index as usize % SHELF)
}

pub(super) struct Slab<T> {
    shelves: Shelves<T>,
    free: Free,
    /// How many nodes there are.
    made: u32,
    /// Those with a payload.
    live: usize,
    firing: usize,
    /// Nodes made from now on start here: above every generation of those that were given back.
    first_generation: u32,
}

/// The nodes that may be taken again.
struct Free {
    first: u32,
    /// Of all nodes that were ever given back.
    newest_generation: u32,
}

impl Free {
    /// A node of which the id is stale from here.
    #[inline(always)]
    fn push<T>(&mut self, node: &mut Node<T>, index: u32) {
        if node.generation < LAST_GENERATION {
            node.generation += 1;
            node.owner_next = std::mem::replace(&mut self.first, index);
        }
        self.newest_generation = self.newest_generation.max(node.generation);
    }
}

impl<T> Slab<T> {
    pub fn new() -> Self {
        let free = Free { first: NIL, newest_generation: 1 };
        Slab { shelves: Vec::new(), free, made: 0, live: 0, firing: 0, first_generation: 1 }
    }

    /// How many timers are alive.
    pub fn len(&self) -> usize {
        self.live
    }

    /// The id that the next `insert` will use.
    #[inline(always)]
    pub fn next_id(&mut self) -> TimerId {
        if self.free.first == NIL {
            self.refill();
        }
        self.id(self.free.first)
    }

    /// Takes the node of `id`, which `next_id` gave, for a timer that is alive from here on. All the rest of it is
    /// written where it lies: a whole node that is made and then moved is read as a whole while it is being written,
    /// and the processor waits for that.
    #[inline(always)]
    pub fn insert(&mut self, id: TimerId, payload: T) -> &mut Node<T> {
        self.live += 1;
        let node = at(&mut self.shelves, id.index()).expect("it was free");
        self.free.first = node.owner_next;
        // It has none, and so nothing is looked for that would have to be dropped.
        std::mem::forget(node.payload.replace(payload));
        node
    }

    /// Makes some new nodes: in a burst, one at a time took a tenth of the instructions of a start.
    #[cold]
    #[inline(never)]
    fn refill(&mut self) {
        assert!(self.made < NIL - AT_ONCE, "more timers than numbers for them");
        if (self.made as usize).is_multiple_of(SHELF) {
            // A small program has few timers: only who fills a shelf gets huge pages for the next.
            self.shelves.push(Shelf::new(SHELF, self.made > 0));
        }
        let shelf = self.shelves.last_mut().expect("a shelf was pushed for its first node");
        let (first, generation) = (self.made, self.first_generation);
        self.made += AT_ONCE;
        shelf.push_all(AT_ONCE as usize, |nth| Node {
            due_ns: 0,
            payload: None,
            generation,
            place: 0,
            position: 0,
            owner: OwnerId::NONE,
            owner_prev: NIL,
            owner_next: if nth + 1 < AT_ONCE as usize { first + nth as u32 + 1 } else { NIL },
            kind: TimerKind::User,
            is_firing: false,
        });
        self.free.first = first;
    }

    /// Moves the payload of a node that is in no slot any more to `out`; the node is kept until [`Slab::finish`].
    pub fn begin_to_fire(&mut self, index: u32, out: &mut Option<T>) {
        let node = self.node_mut(index);
        node.is_firing = true;
        *out = node.payload.take();
        debug_assert!(out.is_some(), "only live nodes are fired");
        self.live -= 1;
        self.firing += 1;
    }

    /// Gives a node back whose timer was fired, and which nobody owns any more; its id is stale from here.
    pub fn finish(&mut self, index: u32) {
        self.firing -= 1;
        let node = at(&mut self.shelves, index).expect("it is being fired");
        node.is_firing = false;
        self.free.push(node, index);
    }

    /// Moves the payload of a live timer to `out`, and gives its node back; its id is stale from here. None for `NONE`,
    /// stale and made-up ids.
    #[inline(always)]
    pub fn remove(&mut self, id: TimerId, out: &mut Option<T>) -> Option<Was> {
        let node = at(&mut self.shelves, id.index())?;
        if node.generation != id.generation() || node.payload.is_none() {
            return None;
        }
        // As in `insert`.
        debug_assert!(out.is_none());
        std::mem::forget(std::mem::replace(out, node.payload.take()));
        let &mut Node { due_ns, place, position, owner, owner_prev, owner_next, .. } = node;
        self.live -= 1;
        self.free.push(node, id.index());
        Some(Was { due_ns, place, position, owner, owner_prev, owner_next })
    }

    /// A live timer; None for `NONE`, stale and made-up ids.
    pub fn find(&self, id: TimerId) -> Option<&Node<T>> {
        self.get(id).filter(|node| node.payload.is_some())
    }

    /// A timer that is being fired, and has an owner.
    pub fn find_firing(&self, id: TimerId) -> Option<&Node<T>> {
        self.get(id).filter(|node| node.is_firing)
    }

    /// The node that has this id.
    fn get(&self, id: TimerId) -> Option<&Node<T>> {
        let index = id.index() as usize;
        self.shelves.get(index / SHELF)?.get(index % SHELF).filter(|node| node.generation == id.generation())
    }

    pub fn is_live(&self, index: u32) -> bool {
        self.node(index).payload.is_some()
    }

    /// Whether a timer with that number waits at that place of that slot.
    #[inline(always)]
    pub fn is_at(&self, index: u32, place: u16, position: u32) -> bool {
        let node = self.node(index);
        node.position == position && node.place == place && node.payload.is_some()
    }

    /// Asks for the memory of that node.
    #[inline(always)]
    pub fn fetch(&self, index: u32) {
        prefetch(self.node(index));
    }

    pub fn id(&self, index: u32) -> TimerId {
        TimerId::new(index, self.node(index).generation)
    }

    #[inline(always)]
    pub fn node(&self, index: u32) -> &Node<T> {
        &self.shelves[index as usize / SHELF][index as usize % SHELF]
    }

    #[inline(always)]
    pub fn node_mut(&mut self, index: u32) -> &mut Node<T> {
        &mut self.shelves[index as usize / SHELF][index as usize % SHELF]
    }

    /// Whether a burst is over and has left memory: no timer is alive, and so no payload.
    #[inline(always)]
    pub fn has_surplus(&self) -> bool {
        // Past half of the generations the nodes are kept: each time costs new nodes some of their generations.
        self.live == 0 && self.firing == 0 && self.made > KEPT && self.free.newest_generation <= LAST_GENERATION / 2
    }

    /// The memory then; the caller gives it back outside the lock.
    pub fn take_surplus(&mut self) -> Shelves<T> {
        self.first_generation = self.free.newest_generation;
        (self.free.first, self.made) = (NIL, 0);
        std::mem::take(&mut self.shelves)
    }

    #[cfg(test)]
    pub fn set_first_generation(&mut self, generation: u32) {
        self.first_generation = generation;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_one_cache_line() {
        enum Payload {
            _Large(Box<()>, [u64; 2]),
            _Small,
        }
        assert_eq!(size_of::<Option<Payload>>(), 32);
        assert_eq!(size_of::<Node<Payload>>(), 64);
    }
}
