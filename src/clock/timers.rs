//! Timers: the wheel behind its lock.
//! One lock, held for a few steps; payloads go in and come out by value, so no payload is dropped and no foreign code
//! runs under it (but `start_with`, which says so). `next_due_hint` needs no lock.
//!
//! Who sleeps until the next deadline: `fire_due`, then read `next_due_hint`, tell the others, look again, sleep. Who
//! starts a timer and reads `earliest` wakes the sleeper. The hint rises only by what `next_due` and `fire_due` found,
//! and a start below it always answers `earliest`, so nobody sleeps past a deadline.
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
    /// Due before everything that was promised: wake whoever sleeps until the old deadline.
    pub earliest: bool,
}

/// Deadlines, each with a payload, for any number of threads.
pub struct Timers<T> {
    wheel: Mutex<Wheel<T>>,
    /// The wheel's bound, written under the lock.
    hint_ns: AtomicU64,
}

impl<T: Send> Timers<T> {
    pub fn new() -> Self {
        Timers { wheel: Mutex::new(Wheel::new()), hint_ns: AtomicU64::new(u64::MAX) }
    }

    /// Starts a timer. A deadline that has passed is fired by the next `fire_due`.
    pub fn start(&self, due_ns: u64, kind: TimerKind, payload: T) -> Started {
        self.start_with(due_ns, kind, |_| payload)
    }

    /// Starts a timer whose payload knows its id. `make` runs under the lock: it must not use these timers.
    pub fn start_with(&self, due_ns: u64, kind: TimerKind, make: impl FnOnce(TimerId) -> T) -> Started {
        self.start_of(&mut { OwnerId::NONE }, false, due_ns, kind, make)
    }

    /// As [`Timers::start_with`], of an owner, who is made if it is none yet. It has its timer until that is cancelled or
    /// [`Timers::finish`]ed. Nobody else may start timers of the same owner meanwhile, nor cancel them all.
    #[inline]
    pub fn start_owned(
        &self, owner: &mut OwnerId, due_ns: u64, kind: TimerKind, make: impl FnOnce(TimerId) -> T,
    ) -> Started {
        self.start_of(owner, true, due_ns, kind, make)
    }

    #[inline]
    fn start_of(
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

    /// Stops a timer and returns its payload and deadline; None when it has fired or was cancelled. Not inlined: those who
    /// have thousands to stop do so by [`Timers::cancel_into`].
    #[inline(never)]
    pub fn cancel(&self, id: TimerId) -> Option<(T, u64)> {
        let mut payload = None;
        let due_ns = self.cancel_into(id, &mut payload)?;
        payload.map(|payload| (payload, due_ns))
    }

    /// As [`Timers::cancel`], in the caller's own code, with the payload moved once, to where the caller drops it: from
    /// one result into the next it took a quarter of the time.
    #[inline(always)]
    pub fn cancel_into(&self, id: TimerId, payload: &mut Option<T>) -> Option<u64> {
        let mut wheel = self.wheel.lock();
        let (due_ns, has_emptied) = wheel.remove(id, payload)?;
        if has_emptied {
            self.release(wheel);
        }
        Some(due_ns)
    }

    /// Stops up to `max` timers of an owner, and moves their payloads to the end of `out`. True: that were all, and the
    /// owner is none from now on. At the cost of as many timers as are stopped.
    pub fn cancel_owned(&self, owner: OwnerId, max: usize, out: &mut Vec<T>) -> bool {
        if owner.is_none() {
            return true;
        }
        let mut wheel = self.wheel.lock();
        let all = wheel.remove_of(owner, max, out);
        self.release(wheel);
        all
    }

    /// The deadline of a timer; None when it has fired or was cancelled.
    pub fn read(&self, id: TimerId) -> Option<u64> {
        self.wheel.lock().due_ns(id)
    }

    /// Moves up to `max` timers that are due at `now_ns` to the end of `out`, by deadline, then by order of start.
    /// True: more are due. Those of an owner are being fired until [`Timers::finish`].
    pub fn fire_due(&self, now_ns: u64, max: usize, out: &mut Vec<(TimerId, u64, T)>) -> bool {
        if self.next_due_hint() > now_ns {
            return false;
        }
        let mut wheel = self.wheel.lock();
        let more = wheel.fire(now_ns, max, out);
        self.release(wheel);
        more
    }

    /// What was fired has done its work; ids of timers without an owner do nothing here.
    pub fn finish(&self, fired: impl IntoIterator<Item = TimerId>) {
        let mut wheel = self.wheel.lock();
        fired.into_iter().for_each(|id| wheel.finish(id));
        self.release(wheel);
    }

    /// Whether that timer of that owner was taken out to be fired, and has not done its work.
    pub fn is_firing(&self, id: TimerId, owner: OwnerId) -> bool {
        self.wheel.lock().is_firing(id, owner)
    }

    /// The earliest deadline and its kind; of those at the same time, the first started. None: no timer is alive.
    pub fn next_due(&self) -> Option<(u64, TimerKind)> {
        let mut wheel = self.wheel.lock();
        let next = wheel.next_due();
        self.publish(&wheel);
        next
    }

    /// A time before which nothing is due, without the lock: `u64::MAX` when there is no timer. It may be earlier than
    /// the earliest deadline (which was cancelled, or is known only roughly), never later than one whose start this
    /// thread knows of. Later than the time of a `fire_due` that found no more.
    pub fn next_due_hint(&self) -> u64 {
        // Acquire, with the Release in `publish`.
        self.hint_ns.load(Ordering::Acquire)
    }

    /// How many timers are alive.
    pub fn len(&self) -> usize {
        self.wheel.lock().len()
    }

    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.wheel.lock().places()
    }

    /// Is no timer alive?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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

impl<T: Send> Default for Timers<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_at_its_last_generation_is_retired() {
        let timers = Timers::new();
        timers.wheel.lock().set_first_generation(crate::clock::slab::LAST_GENERATION);
        let last = timers.start(1, TimerKind::User, ()).id;
        assert_eq!(timers.cancel(last), Some(((), 1)));
        timers.wheel.lock().set_first_generation(1);
        let next = timers.start(1, TimerKind::User, ()).id;
        assert_ne!(next.index(), last.index());
        assert_eq!(timers.cancel(last), None);
        assert_eq!(timers.read(next), Some(1));
    }
}
