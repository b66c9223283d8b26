//! The memory of the timers: nodes that are found by a number and used again.
//! Nodes lie in chunks, so growing never moves one (moving a million under the lock would make every timer late).
//! A node's generation goes up each time it is given back, so that an old `TimerId` never names a new timer; at its
//! last generation a node is retired instead. Touched only under the lock of `Timers`.
//!
//! A node is one cache line, which is all that most starts and cancels fetch of it: so a payload is at most four words.

use super::{OwnerId, TimerId, TimerKind};

/// No node.
pub(super) const NIL: u32 = u32::MAX;

const CHUNK: usize = 1024;
/// Below this much memory there is nothing to give back.
const KEPT_CHUNKS: usize = 16;
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

pub(super) type Chunks<T> = Vec<Vec<Node<T>>>;

pub(super) struct Slab<T> {
    chunks: Chunks<T>,
    free: u32,
    /// Those with a payload.
    live: usize,
    firing: usize,
    /// Nodes made from now on start here: above every generation of the chunks that were given back.
    first_generation: u32,
    newest_generation: u32,
}

impl<T> Slab<T> {
    pub fn new() -> Self {
        Slab { chunks: Vec::new(), free: NIL, live: 0, firing: 0, first_generation: 1, newest_generation: 1 }
    }

    /// How many timers are alive.
    pub fn len(&self) -> usize {
        self.live
    }

    /// The id that the next `insert` will use.
    #[inline]
    pub fn next_id(&self) -> TimerId {
        if self.free != NIL {
            return TimerId::new(self.free, self.node(self.free).generation);
        }
        let made = self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len());
        assert!(made < NIL as usize, "more than 2^32 - 1 timers");
        TimerId::new(made as u32, self.first_generation)
    }

    /// Takes a node, in no list yet, and returns its number: that of `next_id`.
    #[inline]
    pub fn insert(&mut self, due_ns: u64, kind: TimerKind, payload: T) -> u32 {
        self.live += 1;
        if self.free != NIL {
            let index = self.free;
            let node = self.node_mut(index);
            node.due_ns = due_ns;
            node.kind = kind;
            node.payload = Some(payload);
            self.free = node.owner_next;
            return index;
        }
        self.add(due_ns, kind, payload)
    }

    fn add(&mut self, due_ns: u64, kind: TimerKind, payload: T) -> u32 {
        let index = self.next_id().index();
        let generation = self.first_generation;
        if (index as usize).is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let last = self.chunks.last_mut().expect("a chunk was pushed for its first node");
        last.push(Node {
            due_ns,
            payload: Some(payload),
            generation,
            place: 0,
            position: 0,
            owner: OwnerId::NONE,
            owner_prev: NIL,
            owner_next: NIL,
            kind,
            is_firing: false,
        });
        index
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
        self.node_mut(index).is_firing = false;
        self.firing -= 1;
        self.free(index);
    }

    /// Moves the payload of a node that is in no slot and nobody's any more to `out`, and gives the node back; its id is
    /// stale from here.
    #[inline]
    pub fn remove(&mut self, index: u32, out: &mut Option<T>) {
        *out = self.node_mut(index).payload.take();
        debug_assert!(out.is_some(), "only live nodes are removed");
        self.live -= 1;
        self.free(index);
    }

    #[inline]
    fn free(&mut self, index: u32) {
        let free = self.free;
        let node = self.node_mut(index);
        let retired = node.generation == LAST_GENERATION;
        if !retired {
            node.generation += 1;
            node.owner_next = free;
        }
        let generation = node.generation;
        if !retired {
            self.free = index;
        }
        self.newest_generation = self.newest_generation.max(generation);
    }

    /// The number of a live timer; None for `NONE`, stale and made-up ids.
    #[inline]
    pub fn find(&self, id: TimerId) -> Option<u32> {
        let index = id.index();
        let node = self.chunks.get(index as usize / CHUNK)?.get(index as usize % CHUNK)?;
        (node.generation == id.generation() && node.payload.is_some()).then_some(index)
    }

    /// The number of a timer that is being fired, and has an owner.
    pub fn find_firing(&self, id: TimerId) -> Option<u32> {
        let index = id.index();
        let node = self.chunks.get(index as usize / CHUNK)?.get(index as usize % CHUNK)?;
        (node.generation == id.generation() && node.is_firing).then_some(index)
    }

    pub fn is_live(&self, index: u32) -> bool {
        self.node(index).payload.is_some()
    }

    pub fn id(&self, index: u32) -> TimerId {
        TimerId::new(index, self.node(index).generation)
    }

    #[inline(always)]
    pub fn node(&self, index: u32) -> &Node<T> {
        &self.chunks[index as usize / CHUNK][index as usize % CHUNK]
    }

    #[inline(always)]
    pub fn node_mut(&mut self, index: u32) -> &mut Node<T> {
        &mut self.chunks[index as usize / CHUNK][index as usize % CHUNK]
    }

    /// Memory to free after a burst, when no timer is alive: the caller drops it outside the lock.
    pub fn take_surplus(&mut self) -> Option<Chunks<T>> {
        // Past half of the generations the nodes are kept: each time costs new nodes some of their generations.
        if self.live > 0
            || self.firing > 0
            || self.chunks.len() <= KEPT_CHUNKS
            || self.newest_generation > LAST_GENERATION / 2
        {
            return None;
        }
        self.first_generation = self.newest_generation;
        self.free = NIL;
        Some(std::mem::take(&mut self.chunks))
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
