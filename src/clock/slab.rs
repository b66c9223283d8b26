//! The memory of the timers: nodes that are found by a number and used again.
//! Nodes lie in chunks, so growing never moves one (moving a million under the lock would make every timer late).
//! A node's generation goes up each time it is given back, so that an old `TimerId` never names a new timer; at its
//! last generation a node is retired instead. Touched only under the lock of `Timers`.

use super::{TimerId, TimerKind};

/// No node.
pub(super) const NIL: u32 = u32::MAX;

const CHUNK: usize = 1024;
/// Below this much memory there is nothing to give back.
const KEPT_CHUNKS: usize = 16;
/// 30 bits: the two highest of an id are free, for what makes references of it (`process/timer.rs`).
pub(super) const LAST_GENERATION: u32 = (1 << 30) - 1;

pub(super) struct Node<T> {
    pub due_ns: u64,
    pub prev: u32,
    /// The next in the same list: a slot of the wheel, or the free nodes.
    pub next: u32,
    /// 0 is never used, so that no id is 0.
    generation: u32,
    /// Which list of the wheel it is in: `level * 64 + slot`.
    pub place: u16,
    pub kind: TimerKind,
    /// None: the node is free or retired.
    payload: Option<T>,
}

pub(super) struct Slab<T> {
    chunks: Vec<Vec<Node<T>>>,
    free: u32,
    live: usize,
    /// Nodes made from now on start here: above every generation of the chunks that were given back.
    first_generation: u32,
    newest_generation: u32,
}

impl<T> Slab<T> {
    pub fn new() -> Self {
        Slab { chunks: Vec::new(), free: NIL, live: 0, first_generation: 1, newest_generation: 1 }
    }

    /// How many timers are alive.
    pub fn len(&self) -> usize {
        self.live
    }

    /// The id that the next `insert` will use.
    pub fn next_id(&self) -> TimerId {
        if self.free != NIL {
            return TimerId::new(self.free, self.node(self.free).generation);
        }
        let made = self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len());
        assert!(made < NIL as usize, "more than 2^32 - 1 timers");
        TimerId::new(made as u32, self.first_generation)
    }

    /// Takes a node, in no list yet, and returns its number: that of `next_id`.
    pub fn insert(&mut self, due_ns: u64, kind: TimerKind, payload: T) -> u32 {
        self.live += 1;
        if self.free != NIL {
            let index = self.free;
            let node = self.node_mut(index);
            node.due_ns = due_ns;
            node.kind = kind;
            node.payload = Some(payload);
            self.free = node.next;
            return index;
        }
        let index = self.next_id().index();
        let generation = self.first_generation;
        if (index as usize).is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let last = self.chunks.last_mut().expect("a chunk was pushed for its first node");
        last.push(Node { due_ns, prev: NIL, next: NIL, generation, place: 0, kind, payload: Some(payload) });
        index
    }

    /// Gives a node back that is in no list any more; its id is stale from here.
    pub fn remove(&mut self, index: u32) -> T {
        let free = self.free;
        let node = self.node_mut(index);
        let payload = node.payload.take().expect("only live nodes are removed");
        let retired = node.generation == LAST_GENERATION;
        if !retired {
            node.generation += 1;
            node.next = free;
        }
        let generation = node.generation;
        if !retired {
            self.free = index;
        }
        self.newest_generation = self.newest_generation.max(generation);
        self.live -= 1;
        payload
    }

    /// The number of a live timer; None for `NONE`, stale and made-up ids.
    pub fn find(&self, id: TimerId) -> Option<u32> {
        let index = id.index();
        let node = self.chunks.get(index as usize / CHUNK)?.get(index as usize % CHUNK)?;
        (node.generation == id.generation() && node.payload.is_some()).then_some(index)
    }

    pub fn id(&self, index: u32) -> TimerId {
        TimerId::new(index, self.node(index).generation)
    }

    pub fn node(&self, index: u32) -> &Node<T> {
        &self.chunks[index as usize / CHUNK][index as usize % CHUNK]
    }

    pub fn node_mut(&mut self, index: u32) -> &mut Node<T> {
        &mut self.chunks[index as usize / CHUNK][index as usize % CHUNK]
    }

    /// Memory to free after a burst, when no timer is alive: the caller drops it outside the lock.
    pub fn take_surplus(&mut self) -> Option<Surplus<T>> {
        // Past half of the generations the nodes are kept: each time costs new nodes some of their generations.
        if self.live > 0 || self.chunks.len() <= KEPT_CHUNKS || self.newest_generation > LAST_GENERATION / 2 {
            return None;
        }
        self.first_generation = self.newest_generation;
        self.free = NIL;
        Some(Surplus { chunks: std::mem::take(&mut self.chunks) })
    }

    #[cfg(test)]
    pub fn set_first_generation(&mut self, generation: u32) {
        self.first_generation = generation;
    }
}

/// Empty nodes on their way back to the allocator.
pub(super) struct Surplus<T> {
    chunks: Vec<Vec<Node<T>>>,
}

impl<T> Surplus<T> {
    pub fn bytes(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<Node<T>>()
    }
}
