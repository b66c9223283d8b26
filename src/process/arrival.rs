//! Waiting for somebody to be there: a call by name that outlasts a restart.
//!
//! Who waits is on a list of the runtime. Whenever a name or a registry entry is taken, everybody on the list is woken
//! and looks again; nobody is on it as a rule, and then an arrival costs one load.

use super::current::{self, Identity};
use super::error::Error;
use super::node::Node;
use super::pursuit::Pursuit;
use super::{table, wait};
use crate::sync::parker::Parker;
use crate::sync::{AtomicUsize, Mutex, Ordering};
use crate::term::Pid;
use std::sync::Arc;

/// Who waits for an arrival.
#[derive(Default)]
pub(super) struct Arrivals {
    count: AtomicUsize,
    waiting: Mutex<Vec<(u64, Waits)>>,
}

/// What is done to one who waits.
#[derive(Clone)]
pub(super) enum Waits {
    Process(Pid),
    Thread(Arc<Parker>),
    /// A call that nobody waits for.
    Pursuit(Arc<Pursuit>),
}

impl Node {
    /// Somebody can be found now who could not be before.
    pub fn arrived(&self) {
        // Partner: the count is raised before the waiter looks; either it sees the arrival, or we see it.
        if self.arrivals.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let waiting: Vec<Waits> = self.arrivals.waiting.lock().iter().map(|(_, waits)| waits.clone()).collect();
        for waits in waiting {
            match waits {
                Waits::Process(pid) => {
                    table::with_process(pid, |process| process.unpark());
                }
                Waits::Thread(parker) => parker.unpark(),
                Waits::Pursuit(pursuit) => pursuit.poke(),
            }
        }
    }
}

/// Puts somebody onto the list, who is to look once more after that; gives the place, for [`leave`].
pub(super) fn enlist(node: &Node, waits: Waits) -> u64 {
    let id = crate::term::Ref::fresh().0;
    node.arrivals.waiting.lock().push((id, waits));
    node.arrivals.count.fetch_add(1, Ordering::SeqCst);
    id
}

/// Takes a place off the list again; once.
pub(super) fn leave(node: &Node, place: u64) {
    let mut left = None;
    {
        let mut waiting = node.arrivals.waiting.lock();
        if let Some(at) = waiting.iter().position(|(id, _)| *id == place) {
            left = Some(waiting.remove(at));
        }
    }
    drop(left);
    node.arrivals.count.fetch_sub(1, Ordering::SeqCst);
}

/// Takes itself off the list.
struct Enlisted<'a>(&'a Node, u64);

impl Drop for Enlisted<'_> {
    fn drop(&mut self) {
        leave(self.0, self.1);
    }
}

/// Does `act` until it finds somebody (it fails with `NotFound` or `NoProcess` while it does not), at most `wait_ms`
/// milliseconds of the runtime's clock; 0 tries once, `u32::MAX` waits for ever. `NotAlive`: the runtime is shut down
/// meanwhile. May wait.
pub fn until_arrival<R>(node: &Arc<Node>, wait_ms: u32, mut act: impl FnMut() -> Result<R, Error>) -> Result<R, Error> {
    let missing = |done: &Result<R, Error>| matches!(done, Err(Error::NotFound | Error::NoProcess));
    let mut done = act();
    if wait_ms == 0 || !missing(&done) {
        return done;
    }
    let waits = match current::identity()? {
        Identity::Process(me) => {
            wait::may_wait(me)?;
            Waits::Process(me.pid())
        }
        Identity::Thread => {
            wait::thread_may_wait()?;
            Waits::Thread(wait::thread_parker())
        }
    };
    let enlisted = Enlisted(node, enlist(node, waits));
    let deadline = (wait_ms != u32::MAX).then(|| node.deadline(u64::from(wait_ms)));
    let end = wait::until(node, deadline, false, || {
        done = act();
        !missing(&done) || node.is_stopping()
    });
    drop(enlisted);
    match end {
        wait::End::Killed => Err(Error::Killed),
        _ if missing(&done) && node.is_stopping() => Err(Error::NotAlive),
        _ => done,
    }
}
