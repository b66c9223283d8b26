//! Whose timers there are: a list through the timers of each owner, so that all of them go at the cost of their number,
//! and one at that of its neighbours, which as a rule were started just before and after it. (A set for each owner took
//! more than half of what a start and a cancel cost with a million timers: it is another place in memory for each.)
//! Touched only under the lock of its part.

use super::slab::{NIL, Slab};

/// Names an owner of timers. `Default` is none; one is made with its first timer, and is gone once all its timers were
/// cancelled together.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct OwnerId(u32);

impl OwnerId {
    /// Who has never had a timer.
    pub const NONE: OwnerId = OwnerId(0);

    pub(super) fn of(number: u32) -> OwnerId {
        OwnerId(number)
    }

    pub(super) fn number(self) -> u32 {
        self.0
    }

    /// Is it nobody?
    pub fn is_none(self) -> bool {
        self == OwnerId::NONE
    }
}

/// The first timer of each owner; of a number that is free the next free one.
pub(super) struct Owners {
    heads: Vec<u32>,
    free: u32,
    alive: usize,
}

impl Owners {
    pub fn new() -> Self {
        // Number 0 is nobody's.
        Owners { heads: vec![NIL], free: NIL, alive: 0 }
    }

    pub fn make(&mut self) -> OwnerId {
        self.alive += 1;
        if self.free == NIL {
            self.heads.push(NIL);
            return OwnerId(self.heads.len() as u32 - 1);
        }
        let owner = self.free;
        self.free = std::mem::replace(&mut self.heads[owner as usize], NIL);
        OwnerId(owner)
    }

    /// Gives the number of an owner without timers back.
    pub fn forget(&mut self, owner: OwnerId) {
        self.alive -= 1;
        if self.alive == 0 {
            *self = Owners::new();
            return;
        }
        self.heads[owner.0 as usize] = std::mem::replace(&mut self.free, owner.0);
    }

    /// The timer that was started last.
    pub fn first(&self, owner: OwnerId) -> Option<u32> {
        let head = self.heads[owner.0 as usize];
        (head != NIL).then_some(head)
    }

    /// Puts the timer with the number `index`, which is about to be made, before the others of its owner; the next.
    #[inline]
    pub fn link<T>(&mut self, slab: &mut Slab<T>, owner: OwnerId, index: u32) -> u32 {
        if owner.is_none() {
            return NIL;
        }
        let next = std::mem::replace(&mut self.heads[owner.0 as usize], index);
        if next != NIL {
            slab.node_mut(next).owner_prev = index;
        }
        next
    }

    /// Takes a timer out from between its neighbours.
    #[inline]
    pub fn unlink<T>(&mut self, slab: &mut Slab<T>, owner: OwnerId, prev: u32, next: u32) {
        if owner.is_none() {
            return;
        }
        if prev == NIL {
            self.heads[owner.0 as usize] = next;
        } else {
            slab.node_mut(prev).owner_next = next;
        }
        if next != NIL {
            slab.node_mut(next).owner_prev = prev;
        }
    }

    /// Takes a timer that is being fired off its owner's list: from here on it is nobody's.
    pub fn part<T>(&mut self, slab: &mut Slab<T>, index: u32) {
        let node = slab.node_mut(index);
        let (owner, prev, next) = (std::mem::take(&mut node.owner), node.owner_prev, node.owner_next);
        self.unlink(slab, owner, prev, next);
    }
}
