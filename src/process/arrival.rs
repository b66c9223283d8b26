//! Waiting for somebody to be there: a call by name that outlasts a restart.
//!
//! Who waits is in the line of what it waits for (see `turns`), or of both when it waits for a key of a registry that
//! is called by its own name: each time its turn comes it looks, and when it has queued what it came with the next one
//! does. So whoever waited longest is the first to be heard. Who finds somebody there at once waits in no line, and who
//! has queued what it came with leaves them; when that comes back it stands again where it stood.
//!
//! Its own time limit and the end of the runtime let everybody look, turn or not. A line is held up only by one that
//! waits for room in a mailbox with a limit, for as long as that allows.

use super::error::Error;
use super::node::Node;
use super::pursuit::Pursuit;
use super::turns::{Turns, Waiter, Wakes};
use super::wait::{self, Till, Whom};
use crate::term::Pid;
use std::cell::Cell;
use std::sync::Arc;

/// What is waited for: a place, and a hash of what is to arrive there. What shares a hash is taken for the same: then
/// somebody looks for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sought {
    place: Pid,
    what: u64,
}

impl Sought {
    /// `place`: who keeps it; `Pid::NONE` for the names of the runtime.
    pub fn new(place: Pid, what: u64) -> Sought {
        Sought { place, what }
    }
}

/// What one waits for: a name or key, and the name of its registry, if that is called so. Nothing: nobody can ever
/// come, and the wait is over.
pub type Places = [Option<Sought>; 2];

/// Who waits for an arrival.
pub(super) struct Arrivals(Turns<Sought, Looks>);

impl Default for Arrivals {
    fn default() -> Arrivals {
        Arrivals(Turns::new())
    }
}

/// Who looks when its turn has come.
#[derive(Clone)]
pub(super) enum Looks {
    Caller(Whom),
    /// A call that nobody waits for.
    Pursuit(Arc<Pursuit>),
}

impl Wakes for Looks {
    fn wake(&self) -> bool {
        match self {
            Looks::Caller(whom) => whom.wake(),
            Looks::Pursuit(pursuit) => pursuit.poke(),
        }
    }
}

impl Node {
    /// Somebody can be found there now who could not be before.
    pub fn arrived(&self, what: Sought) {
        self.arrivals.0.arrive(what);
    }

    /// Nobody will come any more.
    pub(super) fn nobody_comes(&self) {
        self.arrivals.0.all().iter().for_each(|whom| {
            whom.wake();
        });
    }

    /// Whoever keeps that place is dead: nobody will be found there any more.
    pub(super) fn departed(&self, place: Pid) {
        self.arrivals.0.arrive_where(|sought| sought.place == place);
    }

    /// For how many different names and keys somebody waits.
    pub fn awaited(&self) -> usize {
        self.arrivals.0.places()
    }

    /// How many wait for that.
    pub fn waiting_for(&self, what: Sought) -> usize {
        self.arrivals.0.waiters(what)
    }
}

/// One who waits, and the lines it is in; it leaves them in the end.
pub(super) struct Enlisted {
    node: Arc<Node>,
    waiter: Arc<Waiter<Looks>>,
    /// None: it has left them, or not looked yet.
    places: Cell<Option<Places>>,
}

impl Enlisted {
    /// In no line yet; its place in each is that of one who comes now.
    pub fn new(node: &Arc<Node>, looks: Looks) -> Enlisted {
        Enlisted { node: node.clone(), waiter: node.arrivals.0.come(looks), places: Cell::new(None) }
    }

    pub fn stand_at(&self, places: Places) {
        self.move_to(Some(places));
    }

    fn move_to(&self, places: Option<Places>) {
        let turns = &self.node.arrivals.0;
        let before = self.places.replace(places).unwrap_or_default();
        let places = places.unwrap_or_default();
        let only =
            |these: Places, those: Places| these.into_iter().flatten().filter(move |it| !those.contains(&Some(*it)));
        only(places, before).for_each(|place| turns.join(place, &self.waiter));
        only(before, places).for_each(|place| turns.leave(place, &self.waiter));
    }

    /// What it came with is queued.
    pub fn leave(&self) {
        self.move_to(None);
    }

    /// It has looked.
    pub fn done(&self) {
        let places = self.places.get().unwrap_or_default();
        places.into_iter().flatten().for_each(|place| self.node.arrivals.0.done(place, &self.waiter));
    }

    /// Whether it is to look: it was given a turn, or has not looked since it came or left.
    pub fn is_to_look(&self) -> bool {
        self.waiter.take_turn() || self.places.get().is_none()
    }

    /// Whether it is in no line since there is none: who was to come keeps no place any more.
    pub fn is_in_vain(&self) -> bool {
        self.places.get() == Some([None; 2])
    }
}

impl Drop for Enlisted {
    fn drop(&mut self) {
        self.leave();
        self.node.arrivals.0.go();
    }
}

/// The turn of somebody who looks; none when it has not waited.
pub struct Turn<'a>(Option<&'a Enlisted>);

impl Turn<'_> {
    /// What it came with is queued: the next one may look. None: there is no turn, and no next one.
    pub fn give_on(&self) -> Option<impl Fn() + '_> {
        self.0.map(|enlisted| || enlisted.leave())
    }
}

/// Does `act` until it finds somebody (it fails with `NotFound` or `NoProcess` while it does not), at most `wait_ms`
/// milliseconds of the runtime's clock; 0 tries once, `u32::MAX` waits for ever. `places` says what is waited for; it
/// is asked before each look. An `act` that waits gives its turn on first. `NotAlive`: the runtime is shut down
/// meanwhile. May wait.
pub fn until_arrival<R>(
    node: &Arc<Node>, wait_ms: u32, places: impl Fn() -> Places, mut act: impl FnMut(&Turn<'_>) -> Result<R, Error>,
) -> Result<R, Error> {
    let missing = |done: &Result<R, Error>| matches!(done, Err(Error::NotFound | Error::NoProcess));
    let deadline = (wait_ms != u32::MAX).then(|| node.deadline(u64::from(wait_ms)));
    let mut done = act(&Turn(None));
    if wait_ms == 0 || !missing(&done) {
        return done;
    }
    let enlisted = Enlisted::new(node, Looks::Caller(Whom::me()?));
    let end = wait::until(node, deadline.map_or(Till::Ever, Till::At), false, || {
        let is_late = || deadline.is_some_and(|deadline| node.clock.now() >= deadline);
        let is_over = || node.is_stopping() || enlisted.is_in_vain() || is_late();
        let mut looks = enlisted.is_to_look() || is_over();
        // Its turn may come again while it looks, and the wake of that be taken by what it waits for meanwhile.
        while looks {
            enlisted.stand_at(places());
            done = act(&Turn(Some(&enlisted)));
            enlisted.done();
            looks = missing(&done) && enlisted.is_to_look() && !is_over();
        }
        !missing(&done) || node.is_stopping() || enlisted.is_in_vain()
    });
    drop(enlisted);
    match end {
        wait::End::Killed => Err(Error::Killed),
        _ if missing(&done) && node.is_stopping() => Err(Error::NotAlive),
        _ => done,
    }
}
