//! Waiting for work that was handed to other processes, until none of it runs any more.
//!
//! Each piece of work holds a [`Ticket`] until it has returned, also as a ghost's, or will never run. Who waits comes
//! back only then, even when it was killed, since the work may use what lies on its stack.

use super::current::{self, Identity};
use super::error::Error;
use super::node::Node;
use super::pool::Held;
use super::wait::{self, End, Till};
use crate::sync::parker::Parker;
use crate::sync::{AtomicUsize, Mutex, Ordering};
use crate::term::{Term, atoms};
use std::sync::Arc;

/// Who waits, woken even after its death.
enum Waits {
    Process(Held),
    Thread(Arc<Parker>),
}

pub struct Latch {
    left: AtomicUsize,
    waits: Waits,
    /// Of the first piece that was cut short.
    reason: Mutex<Option<Term>>,
}

/// One piece of work that is under way.
pub struct Ticket {
    latch: Arc<Latch>,
    is_done: bool,
}

impl Latch {
    /// For the caller, who may wait.
    pub fn new() -> Result<Arc<Latch>, Error> {
        let waits = match current::identity()? {
            Identity::Process(me) => {
                wait::may_wait(me)?;
                Waits::Process(Held::of(me))
            }
            Identity::Thread => {
                wait::thread_may_wait()?;
                Waits::Thread(wait::thread_parker())
            }
        };
        Ok(Arc::new(Latch { left: AtomicUsize::new(0), waits, reason: Mutex::new(None) }))
    }

    /// For one more piece of work; taken by who waits, before it does.
    pub fn ticket(self: &Arc<Latch>) -> Ticket {
        self.left.fetch_add(1, Ordering::Relaxed);
        Ticket { latch: self.clone(), is_done: false }
    }

    /// Waits until no ticket is left. `Exited`: a piece was cut short, and why. `Killed`: so was the caller; `stop` is
    /// called then, and the wait goes on.
    pub fn wait(&self, node: &Arc<Node>, stop: impl FnOnce()) -> Result<(), Error> {
        // Acquire, partner: the drop of a ticket.
        let over = || self.left.load(Ordering::Acquire) == 0;
        let end = wait::until(node, Till::Ever, false, over);
        if end == End::Killed {
            stop();
            wait::until_even_dead(over);
            return Err(Error::Killed);
        }
        let reason = self.reason.lock().take();
        reason.map_or(Ok(()), |reason| Err(Error::Exited(reason)))
    }
}

impl Ticket {
    /// The work is done, and not cut short.
    pub fn done(mut self) {
        self.is_done = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.is_done {
            // What never ran is dropped by anybody.
            let reason =
                current::current().filter(|me| me.state.is_dead()).and_then(|me| me.lock().exit_reason.clone());
            let reason = reason.unwrap_or(Term::atom(atoms::KILLED));
            let spare = {
                let mut first = self.latch.reason.lock();
                if first.is_none() { first.replace(reason) } else { Some(reason) }
            };
            drop(spare);
        }
        // Release, partner: the load in `wait`.
        if self.latch.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            match &self.latch.waits {
                Waits::Process(process) => process.unpark(),
                Waits::Thread(parker) => parker.unpark(),
            }
        }
    }
}
