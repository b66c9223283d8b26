//! Calls that are collected later and follow a restart: to whoever has a name, now or in a while.
//!
//! The same as a call that waits does (`arrival`, and the C face's calls by address), without anybody who waits. A
//! pursuit looks for the process, and asks it; when that ends without having taken the request up, it looks again. While
//! nobody is there it is on the runtime's list of those who wait for an arrival, with a timer for the end of that.
//!
//! ```text
//!   LOOKING ──► found ──► ASKED ──► answered, timed out, died over it ──► OVER
//!      ▲ └────► nobody, and the wait is over, or refused ───────────────► OVER
//!      │ └────► nobody ──► WAITING ──► an arrival ─┐
//!      └────────────────────────────────────────────┴──── ASKED: ended without having seen it
//! ```
//!
//! Whatever happens to it (an arrival, an outcome, its timer) *pokes* it; pokes are carried out one after the other, by
//! whoever came first, and under no lock. A request that is freed calls it off: nothing of it is left.

use super::arrival;
use super::error::Error;
use super::message::Message;
use super::node::Node;
use super::reply::{self, Outcome, ReplyTo, Request};
use super::timer::{self, Alarm};
use super::wait;
use crate::clock::{TimerId, TimerKind};
use crate::sync::{AtomicU32, Mutex, Ordering};
use crate::term::{Pid, Term};
use std::sync::Arc;

/// Finds who is to be asked: `NotFound` or `NoProcess` when nobody is there. Calls no code of the user's, and waits for
/// nothing.
pub type Look = Box<dyn Fn() -> Result<Pid, Error> + Send + Sync>;

/// A call under way.
pub struct Pursuit {
    node: Arc<Node>,
    look: Look,
    request: Term,
    /// Of each call, from when it is queued.
    timeout: Option<u32>,
    /// When nobody is looked for any more, in the node's nanoseconds; none: never.
    end: Option<u64>,
    /// Pokes that are not carried out yet.
    pokes: AtomicU32,
    stage: Mutex<Stage>,
}

#[derive(Default)]
struct Stage {
    /// None: it is over.
    reply: Option<ReplyTo>,
    asked: Option<Request>,
    /// What came of it.
    outcome: Option<Outcome>,
    waiting: Option<Waiting>,
    /// Why the last one that was asked ended without having seen the request.
    ended: Option<Term>,
}

/// A place on the list of those who wait, and the timer for the end of that.
struct Waiting {
    node: Arc<Node>,
    place: u64,
    timer: Option<TimerId>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        arrival::leave(&self.node, self.place);
        if let Some(timer) = self.timer {
            drop(self.node.timers.cancel(timer));
        }
    }
}

fn is_missing(error: &Error) -> bool {
    matches!(error, Error::NotFound | Error::NoProcess)
}

/// Sends a request to whoever `look` finds within `wait_ms` milliseconds of the runtime's clock (`u32::MAX`: ever), and
/// once more when that ends before it takes the request up; `timeout` is the limit of each call. Does not wait.
///
/// What stands in the way of the first call at once is an error here, and an outcome later. `NotAlive`: the runtime is
/// shut down before anybody comes. For `wait_ms` of 0 it is a plain call.
pub fn pursue(
    node: &Arc<Node>, wait_ms: u32, timeout: Option<u32>, look: Look, request: Term,
) -> Result<Request, Error> {
    super::current::identity()?;
    let mut pending = Request::new(node, None);
    let stage = Stage { reply: Some(pending.reply_to()), ..Stage::default() };
    let pursuit = Arc::new(Pursuit {
        node: node.clone(),
        look,
        request,
        timeout,
        end: (wait_ms != u32::MAX).then(|| node.deadline(u64::from(wait_ms))),
        pokes: AtomicU32::new(0),
        stage: Mutex::new(stage),
    });
    // By the caller itself, whose mistakes are told it here.
    if let Err(error) = pursuit.ask() {
        if wait_ms == 0 || !is_missing(&error) {
            return Err(error);
        }
        pursuit.poke();
    }
    pending.pursue(pursuit);
    Ok(pending)
}

impl Pursuit {
    /// Something has happened.
    pub fn poke(self: &Arc<Self>) {
        if self.pokes.fetch_add(1, Ordering::SeqCst) != 0 {
            // Whoever carries out another sees that there is one more.
            return;
        }
        let mut seen = 1;
        loop {
            // As nobody: it is not done by whoever happens to come along.
            wait::without_waiting(|| self.step());
            match self.pokes.compare_exchange(seen, 0, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    fn step(self: &Arc<Self>) {
        let (outcome, asked) = {
            let mut stage = self.stage.lock();
            if stage.reply.is_none() {
                return;
            }
            match stage.outcome.take() {
                Some(outcome) => (Some(outcome), stage.asked.take()),
                // An arrival, or the time, has come too late: somebody is asked.
                None if stage.asked.is_some() => return,
                None => (None, None),
            }
        };
        drop(asked);
        match outcome {
            Some(Outcome::NotTaken(reason)) if self.is_late() => return self.finish(Outcome::Died(reason)),
            Some(Outcome::NotTaken(reason)) => {
                let before = self.stage.lock().ended.replace(reason);
                drop(before);
            }
            Some(outcome) => return self.finish(outcome),
            None => {}
        }
        let error = match self.ask() {
            Ok(()) => {
                let waiting = self.stage.lock().waiting.take();
                drop(waiting);
                return;
            }
            Err(error) => error,
        };
        let ended = self.stage.lock().ended.clone();
        if !is_missing(&error) {
            self.finish(Outcome::Failed(error));
        } else if self.node.is_stopping() {
            self.finish(Outcome::Failed(Error::NotAlive));
        } else if self.is_late() {
            self.finish(ended.map_or(Outcome::Failed(error), Outcome::Died));
        } else {
            self.wait();
        }
    }

    fn is_late(&self) -> bool {
        self.end.is_some_and(|end| self.node.clock.now() >= end)
    }

    /// Looks, and asks whoever is there.
    fn ask(self: &Arc<Self>) -> Result<(), Error> {
        let pid = (self.look)()?;
        let request = self.request.clone();
        let asked = Request::unsignalled(&self.node, self.timeout);
        let reply = asked.reply_to();
        let place = {
            let mut stage = self.stage.lock();
            // Called off meanwhile.
            if stage.reply.is_none() { Some(asked) } else { stage.asked.replace(asked) }
        };
        drop(place);
        if let Err(error) = reply::queue_reply(pid, reply, |reply| Message::Call { request, reply }) {
            let asked = self.stage.lock().asked.take();
            drop(asked);
            return Err(error);
        }
        let me = self.clone();
        let told = Box::new(move |outcome| {
            let spare = me.stage.lock().outcome.replace(outcome);
            drop(spare);
            me.poke();
        });
        let state = self.stage.lock().asked.as_ref().map(Request::listener);
        if let Some(state) = state {
            state.tell(told);
        }
        Ok(())
    }

    /// Gets onto the list, if it is not there, and then looks once more.
    fn wait(self: &Arc<Self>) {
        if self.stage.lock().waiting.is_some() {
            return;
        }
        let place = arrival::enlist(&self.node, arrival::Waits::Pursuit(self.clone()));
        let alarm = || Alarm::Pursuit(self.clone());
        let timer = self.end.map(|end| timer::start(&self.node, end, TimerKind::Sleep, alarm()));
        let waiting = Waiting { node: self.node.clone(), place, timer };
        let spare = {
            let mut stage = self.stage.lock();
            if stage.reply.is_none() { Some(waiting) } else { stage.waiting.replace(waiting) }
        };
        drop(spare);
        self.poke();
    }

    fn finish(&self, outcome: Outcome) {
        let reply = self.close().reply.take();
        if let Some(reply) = reply {
            reply.end(outcome);
        }
    }

    /// Nobody wants to know any more.
    pub fn call_off(&self) {
        drop(self.close());
    }

    /// It is over; what is left of it is the caller's to drop, outside the lock.
    fn close(&self) -> Stage {
        std::mem::take(&mut self.stage.lock())
    }
}
