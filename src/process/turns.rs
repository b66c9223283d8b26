//! Turns: who waits at a place is let through one after the other, in the order in which they came.
//!
//! A place has a line. What comes there *arrives*: the first of the line has the turn and is woken, and when it has
//! looked it gives the turn to the next, whether it found what it came for or not. So nobody is woken for another
//! place, nobody passes whoever came before, and a thousand that wait do not wake all at once.
//!
//! The steps, which `tests/loom_turns.rs` checks:
//!
//! 1. *join* (the waiter): counted, and in the line; then it looks for itself. Either it sees what arrived, or the one
//!    who brought it sees the count.
//! 2. *arrive*: the turn goes to the first of the line, also when somebody has it: after an arrival all look.
//! 3. *done* (who has the turn, and has looked): the turn goes on, unless it was given to the same one anew meanwhile.
//! 4. *leave* (found, out of time, or dead): out of the line; who has the turn takes it nowhere.
//!
//! The turn is given under the lock, and told outside it; one that is dead when it is told has its turn passed over. A
//! line is there as long as somebody is in it.

use crate::sync::fences::{heavy_fence, light_fence};
use crate::sync::{Arc, AtomicBool, AtomicUsize, Mutex, Ordering};
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// How somebody in a line is told to look.
pub trait Wakes {
    /// False: it is dead.
    fn wake(&self) -> bool;
}

/// Somebody who waits, at as many places as it likes.
pub struct Waiter<W> {
    number: u64,
    whom: W,
    turn: AtomicBool,
}

impl<W> Waiter<W> {
    /// Whether it was given a turn since the last look.
    pub fn has_turn(&self) -> bool {
        self.turn.load(Ordering::SeqCst)
    }

    /// Takes the turn up: it looks now.
    pub fn take_turn(&self) -> bool {
        self.turn.swap(false, Ordering::SeqCst)
    }
}

/// All lines of a runtime.
pub struct Turns<P, W> {
    /// Who waits anywhere: as a rule nobody, and then an arrival costs this load.
    count: AtomicUsize,
    lines: Mutex<Lines<P, W>>,
}

struct Lines<P, W> {
    /// Of the next that comes.
    next: u64,
    lines: HashMap<P, Line<W>>,
}

/// By number, so in the order in which they came, and who of them looks.
struct Line<W> {
    waiters: BTreeMap<u64, Arc<Waiter<W>>>,
    turn: Option<u64>,
}

impl<W> Line<W> {
    /// Gives the turn to the first behind that number; it is to be told outside the lock.
    fn give_after(&mut self, number: u64) -> Option<Arc<Waiter<W>>> {
        let next = self.waiters.range(number + 1..).next().map(|(_, next)| next.clone());
        self.turn = next.as_ref().map(|next| next.number);
        if let Some(next) = &next {
            // Partner: `take_turn` before it parks. The wake comes later, and ends a park that did not see this.
            next.turn.swap(true, Ordering::SeqCst);
        }
        next
    }
}

impl<P: Copy + Eq + Hash, W: Wakes + Clone> Turns<P, W> {
    pub fn new() -> Turns<P, W> {
        Turns { count: AtomicUsize::new(0), lines: Mutex::new(Lines { next: 0, lines: HashMap::new() }) }
    }

    /// One more who waits, in no line yet.
    pub fn come(&self, whom: W) -> Arc<Waiter<W>> {
        // Partner: the load in `arrive`.
        self.count.fetch_add(1, Ordering::SeqCst);
        // What it looks at next may lie under no lock. It pays for those who arrive too: of them there are many more.
        while !heavy_fence() {
            #[cfg(not(loom))]
            std::thread::yield_now();
            #[cfg(loom)]
            loom::thread::yield_now();
        }
        let mut lines = self.lines.lock();
        lines.next += 1;
        Arc::new(Waiter { number: lines.next, whom, turn: AtomicBool::new(false) })
    }

    /// It waits no more, and has left every line.
    pub fn go(&self) {
        self.count.fetch_sub(1, Ordering::SeqCst);
    }

    /// Step *join*. Its place in the line is by when it came, not by when it joined.
    pub fn join(&self, place: P, waiter: &Arc<Waiter<W>>) {
        let mut lines = self.lines.lock();
        let line = lines.lines.entry(place).or_insert_with(|| Line { waiters: BTreeMap::new(), turn: None });
        line.waiters.insert(waiter.number, waiter.clone());
    }

    /// Step *arrive*.
    #[inline]
    pub fn arrive(&self, place: P) {
        // Partner: the count is raised before the waiter looks. What arrives is put and looked for under a lock, or
        // without one, with a fence on either side; so one of the two sees the other. For those who are inside: as a
        // rule nobody waits, and a fence here was one of five locked instructions to register a key.
        light_fence();
        if self.count.load(Ordering::SeqCst) != 0 {
            self.let_look(place);
        }
    }

    #[cold]
    fn let_look(&self, place: P) {
        let next = self.lines.lock().lines.get_mut(&place).and_then(|line| line.give_after(0));
        self.tell(place, next);
    }

    /// Step *arrive* at each place that `is_meant`. For what is rare: it looks at all lines.
    pub fn arrive_where(&self, is_meant: impl Fn(&P) -> bool) {
        // Partner: as in `arrive`.
        if self.count.load(Ordering::SeqCst) != 0 {
            let places: Vec<P> = self.lines.lock().lines.keys().filter(|place| is_meant(place)).copied().collect();
            places.into_iter().for_each(|place| self.arrive(place));
        }
    }

    /// Step *done*.
    pub fn done(&self, place: P, waiter: &Waiter<W>) {
        let next = {
            let mut lines = self.lines.lock();
            let line = lines.lines.get_mut(&place).filter(|line| line.turn == Some(waiter.number));
            line.filter(|_| !waiter.has_turn()).and_then(|line| line.give_after(waiter.number))
        };
        self.tell(place, next);
    }

    /// Step *leave*.
    pub fn leave(&self, place: P, waiter: &Waiter<W>) {
        let next = {
            let mut lines = self.lines.lock();
            let Some(line) = lines.lines.get_mut(&place) else { return };
            line.waiters.remove(&waiter.number);
            let next = if line.turn == Some(waiter.number) { line.give_after(waiter.number) } else { None };
            if line.waiters.is_empty() {
                lines.lines.remove(&place);
                if lines.lines.is_empty() {
                    lines.lines = HashMap::new();
                }
            }
            next
        };
        #[cfg(not(broken_turns))]
        self.tell(place, next);
        #[cfg(broken_turns)]
        drop(next);
    }

    /// Wakes who was given the turn, or whoever is behind the dead.
    fn tell(&self, place: P, mut next: Option<Arc<Waiter<W>>>) {
        while let Some(one) = next {
            if one.whom.wake() {
                return;
            }
            let mut lines = self.lines.lock();
            let line = lines.lines.get_mut(&place).filter(|line| line.turn == Some(one.number));
            next = line.and_then(|line| line.give_after(one.number));
        }
    }

    /// Everybody, wherever they wait.
    pub fn all(&self) -> Vec<W> {
        let lines = self.lines.lock();
        lines.lines.values().flat_map(|line| line.waiters.values()).map(|waiter| waiter.whom.clone()).collect()
    }

    /// How many wait at that place.
    pub fn waiters(&self, place: P) -> usize {
        self.lines.lock().lines.get(&place).map_or(0, |line| line.waiters.len())
    }

    /// At how many places somebody waits.
    pub fn places(&self) -> usize {
        self.lines.lock().lines.len()
    }
}
