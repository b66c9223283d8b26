//! A part of the timers: a wheel behind its lock.
//! One lock, held for a few steps; payloads go in and come out by value, so no payload is dropped and no foreign code
//! runs under it (but what makes a payload, which `Timers::start_with` says). `next_due_hint` needs no lock.
//!
//! What a wake costs does not depend on how many wait: the hint is the exact deadline where few are near it, and the
//! begin of the wheel's next slot where there are many, who are dealt out then. So one wakes for nothing once in a slot
//! that has many, or when what the hint was for is cancelled. `next_due` is exact, and may look through a slot: it is
//! for those who ask when that will be (settle, a manual clock).

use super::wheel::Wheel;
use super::{OwnerId, TimerId, TimerKind};
use crate::sync::stir::stir;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering};

/// What `start` answers.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Started {
    pub id: TimerId,
    /// Due before everything that was promised of its part: wake whoever sleeps until a later deadline.
    pub earliest: bool,
}

/// See `Timers`, whose functions these are; the ids are those of the part.
pub(super) struct Part<T> {
    wheel: Mutex<Wheel<T>>,
    /// The wheel's bound, written under the lock.
    hint_ns: AtomicU64,
}

impl<T: Send> Part<T> {
    pub fn new() -> Self {
        Part { wheel: Mutex::new(Wheel::new()), hint_ns: AtomicU64::new(u64::MAX) }
    }

    #[inline]
    pub fn start(
        &self, owner: &mut OwnerId, is_owned: bool, due_ns: u64, kind: TimerKind, make: impl FnOnce(TimerId) -> T,
    ) -> Started {
        let mut wheel = self.wheel.lock();
        let id = wheel.next_id();
        let payload = make(id); // before anything changed: it may panic
        if is_owned && owner.is_none() {
            *owner = wheel.make_owner();
        }
        let earliest = wheel.insert(id, due_ns, kind, *owner, payload);
        self.publish(&wheel);
        Started { id, earliest }
    }

    #[inline(always)]
    pub fn cancel_into(&self, id: TimerId, payload: &mut Option<T>) -> Option<u64> {
        let mut wheel = self.wheel.lock();
        let (due_ns, has_emptied) = wheel.remove(id, payload)?;
        if has_emptied {
            self.release(wheel);
        }
        Some(due_ns)
    }

    pub fn cancel_owned(&self, owner: OwnerId, max: usize, out: &mut Vec<T>) -> bool {
        if owner.is_none() {
            return true;
        }
        let mut wheel = self.wheel.lock();
        let all = wheel.remove_of(owner, max, out);
        self.release(wheel);
        all
    }

    pub fn read(&self, id: TimerId) -> Option<u64> {
        self.wheel.lock().due_ns(id)
    }

    pub fn fire_due(&self, now_ns: u64, max: usize, out: &mut Vec<(TimerId, u64, T)>) -> bool {
        if self.next_due_hint() > now_ns {
            return false;
        }
        let mut wheel = self.wheel.lock();
        let more = wheel.fire(now_ns, max, out);
        self.release(wheel);
        more
    }

    pub fn finish(&self, fired: impl Iterator<Item = TimerId>) {
        let mut wheel = self.wheel.lock();
        fired.for_each(|id| wheel.finish(id));
        self.release(wheel);
    }

    pub fn is_firing(&self, id: TimerId, owner: OwnerId) -> bool {
        self.wheel.lock().is_firing(id, owner)
    }

    pub fn next_due(&self) -> Option<(u64, TimerKind)> {
        let mut wheel = self.wheel.lock();
        let next = wheel.next_due();
        self.publish(&wheel);
        next
    }

    pub fn next_due_hint(&self) -> u64 {
        // Acquire, with the Release in `publish`.
        self.hint_ns.load(Ordering::Acquire)
    }

    pub fn len(&self) -> usize {
        self.wheel.lock().len()
    }

    #[cfg(test)]
    pub fn places(&self) -> usize {
        self.wheel.lock().places()
    }

    #[cfg(test)]
    pub fn set_first_generation(&self, generation: u32) {
        self.wheel.lock().set_first_generation(generation);
    }

    /// Makes the bound visible to those without the lock.
    #[inline(always)]
    fn publish(&self, wheel: &Wheel<T>) {
        // Relaxed: written only under the lock, which the caller holds.
        if self.hint_ns.load(Ordering::Relaxed) != wheel.bound_ns() {
            // Release, with the Acquire in `next_due_hint`.
            self.hint_ns.store(wheel.bound_ns(), Ordering::Release);
        }
    }

    /// Publishes, unlocks, and only then frees what a burst left.
    #[inline]
    fn release(&self, wheel: MutexGuard<'_, Wheel<T>>) {
        self.publish(&wheel);
        if wheel.has_surplus() {
            give_back(wheel);
        }
    }
}

#[cold]
fn give_back<T>(mut wheel: MutexGuard<'_, Wheel<T>>) {
    let surplus = wheel.take_surplus();
    drop(wheel);
    stir(surplus.free());
}
