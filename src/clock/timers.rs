//! Timers: in parts, so that threads which start and cancel them at once do not wait for each other.
//!
//! A part is a wheel behind a lock (`part`). A thread starts timers in the part of its seat (`sync::own`): so workers have
//! a part each. An owner's timers are all in one part, that of its first one. The number of the part is in each id.
//!
//! Of one part all fire by deadline, then by order of start; that is what there is with a manual clock, and for one
//! worker. Of several that holds for those of one owner; of others what one look takes out is given by deadline.
//!
//! Who sleeps until the next deadline: `fire_due`, then read `next_due_hint`, tell the others, look again, sleep. Who
//! starts a timer and reads `earliest` wakes the sleeper, unless that wakes before. The hint of a part rises only by what
//! `next_due` and `fire_due` found there, and a start below it always answers `earliest`, so nobody sleeps past a
//! deadline. (One that is the earliest of its part only answers so, too.)

use super::part::{Part, Started};
use super::{OwnerId, TimerId, TimerKind};
use crate::sync::own::own;
use crossbeam::utils::CachePadded;

/// Deadlines, each with a payload, for any number of threads.
pub struct Timers<T> {
    /// The first part, which lies here: where there is one it is found without a load. (Else a cancel took 2 ns more.)
    first: CachePadded<Part<T>>,
    /// The others: with the first a power of two.
    others: Box<[CachePadded<Part<T>>]>,
    /// How many bits of a number say which part.
    bits: u32,
}

/// More parts than this are not made: a wheel is 20 KB.
const MOST: usize = 64;

impl<T: Send> Timers<T> {
    /// In one part.
    pub fn new() -> Self {
        Timers::for_threads(1)
    }

    /// In a part for each of so many threads.
    pub fn for_threads(threads: usize) -> Self {
        let parts = threads.clamp(1, MOST).next_power_of_two();
        let make = || CachePadded::new(Part::new());
        Timers { first: make(), others: (1..parts).map(|_| make()).collect(), bits: parts.ilog2() }
    }

    /// A number of a part, as one of all.
    #[inline(always)]
    fn outer(&self, number: u32, part: usize) -> u32 {
        assert!(number <= u32::MAX >> self.bits, "more timers than numbers for them");
        number << self.bits | part as u32
    }

    #[inline(always)]
    fn part_of(&self, number: u32) -> usize {
        number as usize & self.others.len()
    }

    #[inline(always)]
    fn part(&self, part: usize) -> &Part<T> {
        if part == 0 { &self.first } else { &self.others[part - 1] }
    }

    fn parts(&self) -> impl Iterator<Item = &Part<T>> {
        std::iter::once(&self.first).chain(&self.others).map(|part| &**part)
    }

    #[inline(always)]
    fn outer_id(&self, id: TimerId, part: usize) -> TimerId {
        TimerId::new(self.outer(id.index(), part), id.generation())
    }

    /// The part in which a timer is, and its id there.
    #[inline(always)]
    fn find(&self, id: TimerId) -> (&Part<T>, TimerId) {
        (self.part(self.part_of(id.index())), TimerId::new(id.index() >> self.bits, id.generation()))
    }

    /// The part in which an owner has its timers, and who it is there.
    #[inline(always)]
    fn find_owner(&self, owner: OwnerId) -> (&Part<T>, OwnerId) {
        (self.part(self.part_of(owner.number())), OwnerId::of(owner.number() >> self.bits))
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
        let part = self.part_of(if owner.is_none() { own().seat() } else { owner.number() });
        let mut there = OwnerId::of(owner.number() >> self.bits);
        let mut outer = TimerId::NONE;
        let make = |id| {
            outer = self.outer_id(id, part);
            make(outer)
        };
        let started = self.part(part).start(&mut there, is_owned, due_ns, kind, make);
        if is_owned && owner.is_none() {
            *owner = OwnerId::of(self.outer(there.number(), part));
        }
        Started { id: outer, ..started }
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
        let (part, id) = self.find(id);
        part.cancel_into(id, payload)
    }

    /// Stops up to `max` timers of an owner, and moves their payloads to the end of `out`. True: that were all, and the
    /// owner is none from now on. At the cost of as many timers as are stopped.
    pub fn cancel_owned(&self, owner: OwnerId, max: usize, out: &mut Vec<T>) -> bool {
        let (part, owner) = self.find_owner(owner);
        part.cancel_owned(owner, max, out)
    }

    /// The deadline of a timer; None when it has fired or was cancelled.
    pub fn read(&self, id: TimerId) -> Option<u64> {
        let (part, id) = self.find(id);
        part.read(id)
    }

    /// Moves up to `max` timers that are due at `now_ns` to the end of `out`, by deadline, then by order of start. True:
    /// more are due. Those of an owner are being fired until [`Timers::finish`]. Of several parts in which some are due
    /// each gives as many, rounded up.
    pub fn fire_due(&self, now_ns: u64, max: usize, out: &mut Vec<(TimerId, u64, T)>) -> bool {
        let share = match self.parts().filter(|part| part.next_due_hint() <= now_ns).count() {
            0 => return false,
            parts => max.div_ceil(parts),
        };
        let (begin, mut more) = (out.len(), false);
        for (number, part) in self.parts().enumerate() {
            let first = out.len();
            more |= part.fire_due(now_ns, share, out);
            out[first..].iter_mut().for_each(|(id, ..)| *id = self.outer_id(*id, number));
        }
        if !self.others.is_empty() {
            out[begin..].sort_by_key(|(_, due_ns, _)| *due_ns);
        }
        more
    }

    /// What was fired has done its work; ids of timers without an owner do nothing here.
    pub fn finish(&self, fired: &[TimerId]) {
        let parts = fired.iter().fold(0u64, |parts, id| parts | 1 << self.part_of(id.index()));
        for (number, part) in self.parts().enumerate().filter(|(number, _)| parts >> number & 1 == 1) {
            let here = fired.iter().filter(|id| self.part_of(id.index()) == number);
            part.finish(here.map(|&id| self.find(id).1));
        }
    }

    /// Whether that timer of that owner was taken out to be fired, and has not done its work.
    pub fn is_firing(&self, id: TimerId, owner: OwnerId) -> bool {
        let (part, id) = self.find(id);
        let (of_owner, owner) = self.find_owner(owner);
        std::ptr::eq(part, of_owner) && part.is_firing(id, owner)
    }

    /// The earliest deadline and its kind; of those at the same time in one part, the first started. None: no timer is
    /// alive. Of several parts, looked at one after the other, while others start and cancel timers: as of about now.
    pub fn next_due(&self) -> Option<(u64, TimerKind)> {
        self.parts().filter_map(|part| part.next_due()).min_by_key(|(due_ns, _)| *due_ns)
    }

    /// A time before which nothing is due, without a lock: `u64::MAX` when there is no timer. It may be earlier than
    /// the earliest deadline (which was cancelled, or is known only roughly), never later than one whose start this
    /// thread knows of. Later than the time of a `fire_due` that found no more.
    pub fn next_due_hint(&self) -> u64 {
        self.parts().map(|part| part.next_due_hint()).min().unwrap_or(u64::MAX)
    }

    /// How many timers are alive.
    pub fn len(&self) -> usize {
        self.parts().map(|part| part.len()).sum()
    }

    /// Is no timer alive?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.parts().map(|part| part.places()).sum()
    }
}

impl<T: Send> Default for Timers<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, HashSet};

    #[test]
    fn a_slot_at_its_last_generation_is_retired() {
        let timers = Timers::new();
        timers.first.set_first_generation(crate::clock::slab::LAST_GENERATION);
        let last = timers.start(1, TimerKind::User, ()).id;
        assert_eq!(timers.cancel(last), Some(((), 1)));
        timers.first.set_first_generation(1);
        let next = timers.start(1, TimerKind::User, ()).id;
        assert_ne!(next.index(), last.index());
        assert_eq!(timers.cancel(last), None);
        assert_eq!(timers.read(next), Some(1));
    }

    /// As `timers_do_what_a_sorted_map_does` in `tests/clock.rs`, from several seats.
    #[test]
    fn in_several_parts_they_do_what_a_sorted_map_does() {
        const SEATS: u64 = 5;
        let timers = Timers::for_threads(3);
        assert_eq!(timers.parts().count(), 4);
        let mut model: BTreeMap<(u64, u64), TimerId> = BTreeMap::new();
        let mut started: Vec<(TimerId, u64)> = Vec::new();
        let mut owners = [OwnerId::NONE; 3];
        let (mut now, mut asleep_until, mut random) = (0, u64::MAX, 7u64);
        for name in 0..60_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let draw = |bits: u32, below: u64| (random >> bits) % below;
            own().sit(draw(60, SEATS) as u32);
            // Some have passed already; many have the same deadline.
            let due = now + draw(20, 50) * 100_000 - now.min(1_000_000);
            let answer = match draw(50, 4) as usize {
                owner @ 0..3 => timers.start_owned(&mut owners[owner], due, TimerKind::User, |_| (name, owner)),
                nobody => timers.start(due, TimerKind::User, (name, nobody)),
            };
            // Who sleeps is woken for whatever comes before.
            if due < asleep_until {
                assert!(answer.earliest);
                asleep_until = due;
            }
            started.push((answer.id, due));
            assert!(model.insert((due, name), answer.id).is_none());
            let (id, due) = started[draw(13, started.len() as u64) as usize];
            assert_eq!(timers.read(id).is_some(), model.values().any(|known| *known == id));
            if draw(5, 3) == 0
                && let Some(((name, _), at)) = timers.cancel(id)
            {
                assert_eq!((at, model.remove(&(at, name))), (due, Some(id)));
            }
            if draw(35, 40) == 0 {
                let owner = draw(28, 3) as usize;
                let mut out = Vec::new();
                let gone = timers.cancel_owned(owners[owner], 8, &mut out);
                for (name, whose) in &out {
                    assert!(*whose == owner && model.remove(&(started[*name as usize].1, *name)).is_some());
                }
                if gone {
                    owners[owner] = OwnerId::NONE;
                } else {
                    assert_eq!(out.len(), 8);
                }
            }
            if draw(42, 10) == 0 {
                now += draw(8, 40) * 50_000;
                let max = draw(46, 6) as usize;
                let mut out = Vec::new();
                let more = timers.fire_due(now, max, &mut out);
                assert!(out.is_sorted_by_key(|(_, due, _)| *due) && out.len() <= max + timers.parts().count());
                // Of one owner, as of one part, by deadline and then by order of start.
                for owner in 0..3 {
                    let fired = out.iter().filter(|(.., (_, whose))| *whose == owner).map(|(_, due, it)| (*due, it.0));
                    assert!(fired.is_sorted());
                }
                for (id, due, (name, owner)) in &out {
                    assert!(*due <= now && model.remove(&(*due, *name)) == Some(*id));
                    assert_eq!(timers.is_firing(*id, owners[*owner % 3]), *owner < 3);
                    assert!(!timers.is_firing(*id, owners[(*owner + 1) % 3]));
                }
                timers.finish(&out.iter().map(|(id, ..)| *id).collect::<Vec<_>>());
                assert!(out.iter().all(|(id, _, (_, owner))| !timers.is_firing(*id, owners[*owner % 3])));
                assert_eq!(more, model.range(..=(now, u64::MAX)).next().is_some());
                asleep_until = timers.next_due_hint();
            }
            let earliest = model.keys().next().map_or(u64::MAX, |(due, _)| *due);
            assert_eq!(timers.next_due().map_or(u64::MAX, |(due, _)| due), earliest);
            assert!(timers.next_due_hint() <= earliest);
            assert_eq!(timers.len(), model.len());
        }
        let all: HashSet<u64> = started.iter().map(|(id, _)| id.to_bits()).collect();
        assert_eq!(all.len(), started.len());
        assert!((0..4).all(|part| all.iter().any(|id| id % 4 == part)));
    }
}
