//! Where the things are that something keeps for one process, so that its end costs what it had and no more. A place is
//! a hash and a number, for ever.
//!
//! It lies with the process, under its lock, beside who keeps those things (`holdings`). Whoever ends goes through it
//! without taking anything out, and so may others meanwhile ([`Whereabouts::share`]): nobody takes what another was about
//! to release for released.

use crate::sync::Arc;
use crate::sync::stir::stir;
use std::collections::BTreeSet;
use std::ops::Bound;

/// A hash, and the number of the thing under it.
pub type Spot = (u64, u64);

#[derive(Default)]
pub enum Whereabouts {
    #[default]
    None,
    /// In a row of one.
    One(Spot),
    Row(Row),
    /// Where there may be any number under one hash, those are looked for together.
    Many(BTreeSet<Spot>),
    /// Nothing is added or taken out any more.
    Shared(Arc<Whereabouts>),
}

/// Each at a place that it keeps, of which who keeps the thing knows. What is taken out leaves a hole for the next one:
/// so neither costs a search. (In a hashed table the two took an eighth of the instructions to take a name away and give
/// it anew.)
pub struct Row {
    spots: Vec<Spot>,
    /// The first hole; each holds the next one.
    hole: u32,
    used: u32,
}

/// The number of what is nobody's.
const HOLE: u64 = u64::MAX;
const NO_HOLE: u32 = u32::MAX;
/// Of fewer entries than this the memory is kept.
const FEW: usize = 256;

impl Row {
    #[inline]
    fn add(&mut self, spot: Spot) -> Option<u32> {
        let at = if self.hole == NO_HOLE {
            let at = u32::try_from(self.spots.len()).ok().filter(|&at| at != NO_HOLE)?;
            self.spots.push(spot);
            at
        } else {
            let at = self.hole;
            let hole = self.spots.get_mut(at as usize)?;
            self.hole = hole.0 as u32;
            *hole = spot;
            at
        };
        self.used += 1;
        Some(at)
    }

    #[inline]
    fn remove(&mut self, at: u32, number: u64) {
        let Some(spot) = self.spots.get_mut(at as usize).filter(|spot| spot.1 == number) else { return };
        *spot = (u64::from(self.hole), HOLE);
        self.hole = at;
        self.used -= 1;
    }

    fn is_roomy(&self) -> bool {
        self.spots.len() > FEW && (self.used as usize) < self.spots.len() / 8
    }
}

impl Whereabouts {
    /// Notes a thing, whose place in the row is given back. `many`: those of one hash are to be found together. None: it
    /// holds as many as it can.
    #[inline]
    pub fn add(&mut self, spot: Spot, many: bool) -> Option<u32> {
        if let Whereabouts::Row(row) = self {
            return row.add(spot);
        }
        self.add_to_few(spot, many)
    }

    fn add_to_few(&mut self, spot: Spot, many: bool) -> Option<u32> {
        match self {
            Whereabouts::None if many => *self = Whereabouts::Many(BTreeSet::from([spot])),
            Whereabouts::None => *self = Whereabouts::One(spot),
            Whereabouts::One(first) => {
                *self = Whereabouts::Row(Row { spots: vec![*first, spot], hole: NO_HOLE, used: 2 });
                return Some(1);
            }
            Whereabouts::Row(row) => return row.add(spot),
            Whereabouts::Many(spots) => drop(spots.insert(spot)),
            // It is of one who may have nothing more.
            Whereabouts::Shared(_) => return None,
        }
        Some(0)
    }

    /// Forgets a thing; `at`: its place in the row.
    #[inline]
    pub fn remove(&mut self, at: u32, spot: Spot) {
        if let Whereabouts::Row(row) = self {
            return row.remove(at, spot.1);
        }
        self.remove_of_few(spot);
    }

    fn remove_of_few(&mut self, spot: Spot) {
        match self {
            Whereabouts::One(one) if *one == spot => *self = Whereabouts::None,
            Whereabouts::Many(spots) => drop(spots.remove(&spot)),
            Whereabouts::None | Whereabouts::One(_) | Whereabouts::Row(_) | Whereabouts::Shared(_) => {}
        }
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        // Of those with many entries, without a jump by a table.
        if let Whereabouts::Row(row) = self {
            return row.used == 0;
        }
        match self {
            Whereabouts::None => true,
            Whereabouts::One(_) | Whereabouts::Row(_) => false,
            Whereabouts::Many(spots) => spots.is_empty(),
            Whereabouts::Shared(shared) => shared.is_empty(),
        }
    }

    /// Whether most of it is holes: then it is to be closed up.
    #[inline]
    pub fn is_roomy(&self) -> bool {
        matches!(self, Whereabouts::Row(row) if row.is_roomy())
    }

    /// Gives the room of the holes back; `moved` hears of each where it is now.
    pub fn close_up(&mut self, mut moved: impl FnMut(Spot, u32)) {
        let Whereabouts::Row(row) = self else { return };
        let before = row.spots.capacity();
        row.spots.retain(|spot| spot.1 != HOLE);
        row.spots.shrink_to(row.spots.len() * 2);
        row.hole = NO_HOLE;
        for (at, &spot) in (0..).zip(&row.spots) {
            moved(spot, at);
        }
        stir((before - row.spots.capacity()) * size_of::<Spot>());
    }

    /// The numbers under that hash, in order, where those are to be found together.
    pub fn numbers(&self, hash: u64) -> Vec<u64> {
        match self {
            Whereabouts::Many(spots) => spots.range((hash, 0)..=(hash, u64::MAX)).map(|spot| spot.1).collect(),
            Whereabouts::Shared(shared) => shared.numbers(hash),
            _ => Vec::new(),
        }
    }

    pub fn to_vec(&self) -> Vec<Spot> {
        match self {
            Whereabouts::None => Vec::new(),
            Whereabouts::One(spot) => vec![*spot],
            Whereabouts::Row(row) => row.spots.iter().copied().filter(|spot| spot.1 != HOLE).collect(),
            Whereabouts::Many(spots) => spots.iter().copied().collect(),
            Whereabouts::Shared(shared) => shared.to_vec(),
        }
    }

    /// The same for another who goes through it. From now on nothing is added or taken out.
    pub fn share(&mut self) -> Whereabouts {
        let shared = match std::mem::take(self) {
            Whereabouts::None => return Whereabouts::None,
            Whereabouts::Shared(shared) => shared,
            own => Arc::new(own),
        };
        *self = Whereabouts::Shared(shared.clone());
        Whereabouts::Shared(shared)
    }
}

/// What is left of it for somebody who goes through it.
#[derive(Default)]
pub struct Left {
    whereabouts: Whereabouts,
    /// Of the row, how much is behind.
    at: usize,
    /// Where they lie in order: the last.
    last: Option<Spot>,
}

impl Left {
    pub fn of(whereabouts: Whereabouts) -> Left {
        Left { whereabouts, ..Left::default() }
    }

    fn all(&self) -> &Whereabouts {
        match &self.whereabouts {
            Whereabouts::Shared(shared) => shared,
            own => own,
        }
    }

    /// The next `limit`; fewer: those were the last.
    pub fn next(&mut self, limit: usize) -> Vec<Spot> {
        let (mut next, mut at) = (Vec::new(), self.at);
        match self.all() {
            Whereabouts::One(spot) if at == 0 && limit > 0 => {
                next.push(*spot);
                at = 1;
            }
            Whereabouts::Row(row) => {
                next.reserve(limit.min(row.used as usize));
                while next.len() < limit
                    && let Some(&spot) = row.spots.get(at)
                {
                    next.extend((spot.1 != HOLE).then_some(spot));
                    at += 1;
                }
            }
            Whereabouts::Many(spots) => next.extend(spots.range(self.after()).take(limit)),
            _ => {}
        }
        (self.at, self.last) = (at, next.last().copied().or(self.last));
        next
    }

    fn after(&self) -> (Bound<Spot>, Bound<Spot>) {
        (self.last.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
    }

    /// Whether any to come, of the hash of one that was given, is one that `wanted` takes, where those are to be found
    /// together.
    pub fn any_of(&self, hash: u64, mut wanted: impl FnMut(u64) -> bool) -> bool {
        match self.all() {
            Whereabouts::Many(spots) => {
                spots.range(self.after()).take_while(|spot| spot.0 == hash).any(|spot| wanted(spot.1))
            }
            _ => false,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn each_keeps_its_place_until_it_is_told_of_another() {
        let mut whereabouts = Whereabouts::default();
        // By number: its place.
        let mut model: BTreeMap<u64, u32> = BTreeMap::new();
        let mut random = 7u64;
        for number in 0..60_000u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // It grows, becomes nearly empty, and grows again.
            let grows = number % 20_000 < 10_000;
            if grows || model.is_empty() {
                let at = whereabouts.add((number * 31, number), false).expect("there is room");
                assert!(!model.values().any(|&taken| taken == at) || model.len() > 50);
                model.insert(number, at);
            }
            if !grows || random.is_multiple_of(3) {
                let (&which, &at) = model.range(random % 60_000..).next().or(model.iter().next()).expect("one");
                whereabouts.remove(at, (which * 31, which));
                model.remove(&which);
            }
            if whereabouts.is_roomy() {
                whereabouts.close_up(|spot, at| *model.get_mut(&spot.1).expect("there") = at);
            }
            assert_eq!(whereabouts.is_empty(), model.is_empty());
            if number % 1_000 == 0 {
                let mut all = whereabouts.to_vec();
                all.sort_unstable();
                assert!(all.iter().copied().eq(model.keys().map(|&number| (number * 31, number))));
            }
        }
        let Whereabouts::Row(row) = &whereabouts else { panic!("there were more than one") };
        assert!(row.spots.capacity() <= FEW.max(row.used as usize * 16));
    }

    #[test]
    fn two_that_go_through_it_see_everything() {
        for many in [false, true] {
            let mut whereabouts = Whereabouts::default();
            let spots: Vec<Spot> = (0..100).map(|number| (number / 4, number)).collect();
            let places: Vec<_> =
                spots.iter().map(|&spot| whereabouts.add(spot, many).expect("there is room")).collect();
            whereabouts.remove(places[50], spots[50]);
            let mut other = Left::of(whereabouts.share());
            let mut mine = Left::of(whereabouts);
            let wanted: Vec<Spot> = spots.iter().copied().filter(|spot| spot.1 != 50).collect();
            for left in [&mut other, &mut mine] {
                let mut seen: Vec<Spot> = Vec::new();
                loop {
                    let next = left.next(7);
                    seen.extend(&next);
                    let last = seen[seen.len() - 1];
                    let to_come = wanted.iter().any(|spot| spot.0 == last.0 && spot.1 > last.1);
                    assert_eq!(left.any_of(last.0, |_| true), many && to_come);
                    if next.len() < 7 {
                        break;
                    }
                }
                assert_eq!(seen, wanted);
            }
        }
    }
}
