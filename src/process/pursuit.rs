//! Calls that are collected later and follow a restart: to whoever has a name, now or in a while.
//!
//! The same as a call that waits does (`arrival`, and the C face's calls by address), without anybody who waits. A
//! pursuit looks for the process, and asks it; when that ends without having taken the request up, it looks again.
//! While nobody is there it stands in line with all who wait for an arrival, with a timer for the end of that.
//!
//! ```text
//!   LOOKING ──► found ──► ASKED ──► answered, timed out, died over it ──► OVER
//!      ▲ └────► nobody, and the wait is over, or refused ───────────────► OVER
//!      │ └────► nobody ──► WAITING ──► an arrival ─┐
//!      └────────────────────────────────────────────┴──── ASKED: ended without having seen it
//! ```
//!
//! Whatever happens to it (its turn, an outcome, its timer) *pokes* it; pokes are carried out one after the other, by
//! whoever came first, and under no lock. Its place in the line is in the hands of whoever carries one out. A request
//! that is freed calls it off: nothing of it is left.

use super::arrival::{Enlisted, Looks, Places};
use super::error::Error;
use super::message::Message;
use super::node::Node;
use super::reply::{self, Outcome, ReplyTo};
use super::request::Request;
use super::timer::{self, Alarm};
use super::wait;
use crate::clock::{TimerId, TimerKind};
use crate::sync::{AtomicU32, Mutex, Ordering};
use crate::term::{Pid, Term};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;

/// Finds who is to be asked: `NotFound` or `NoProcess` when nobody is there. Calls no code of the user's, and waits for
/// nothing.
pub type Look = Box<dyn Fn() -> Result<Pid, Error> + Send + Sync>;

/// What is waited for when nobody is there; asked before each look.
pub type Seek = Box<dyn Fn() -> Places + Send + Sync>;

/// A call under way.
pub struct Pursuit {
    node: Arc<Node>,
    look: Look,
    seek: Seek,
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

/// A place in the line, and the timer for the end of the wait.
struct Waiting {
    enlisted: Enlisted,
    timer: Option<TimerId>,
    node: Arc<Node>,
}

impl Waiting {
    fn stop_timer(&mut self) {
        if let Some(timer) = self.timer.take() {
            drop(self.node.timers.cancel(timer));
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.stop_timer();
    }
}

/// Those that are poked while this thread carries out another's poke: they come after it, not within it, or a long line
/// would need as deep a stack.
#[derive(Default)]
struct Poked {
    carries_out: Cell<bool>,
    queue: RefCell<VecDeque<Arc<Pursuit>>>,
}

thread_local! {
    static POKED: Poked = Poked::default();
}

impl Poked {
    /// True: it has its turn later. False: this thread carries out none, and does now.
    fn push(&self, pursuit: &Arc<Pursuit>) -> bool {
        let later = self.carries_out.replace(true);
        if later {
            self.queue.borrow_mut().push_back(pursuit.clone());
        }
        later
    }

    fn pop(&self) -> Option<Arc<Pursuit>> {
        let next = self.queue.borrow_mut().pop_front();
        self.carries_out.set(next.is_some());
        next
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
    node: &Arc<Node>, wait_ms: u32, timeout: Option<u32>, look: Look, seek: Seek, request: Term,
) -> Result<Request, Error> {
    super::current::identity()?;
    let mut pending = Request::new(node, None);
    let stage = Stage { reply: Some(pending.reply_to()), ..Stage::default() };
    let pursuit = Arc::new(Pursuit {
        node: node.clone(),
        look,
        seek,
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
    /// Something has happened. False: it is over, and nothing more will.
    pub fn poke(self: &Arc<Self>) -> bool {
        if self.stage.lock().reply.is_none() {
            return false;
        }
        if self.pokes.fetch_add(1, Ordering::SeqCst) != 0 {
            // Whoever carries out another sees that there is one more.
            return true;
        }
        if POKED.try_with(|poked| poked.push(self)).unwrap_or(false) {
            return true;
        }
        self.carry_out();
        while let Ok(Some(next)) = POKED.try_with(Poked::pop) {
            next.carry_out();
        }
        true
    }

    /// All its pokes, one after the other.
    fn carry_out(self: &Arc<Self>) {
        let mut seen = self.pokes.load(Ordering::SeqCst);
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
        let (outcome, asked, waiting) = {
            let mut stage = self.stage.lock();
            if stage.reply.is_none() {
                return;
            }
            match stage.outcome.take() {
                Some(outcome) => (Some(outcome), stage.asked.take(), stage.waiting.take()),
                // The time is over too late: somebody is asked.
                None if stage.asked.is_some() => return,
                None => (None, None, stage.waiting.take()),
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
        let waiting = waiting.unwrap_or_else(|| Waiting {
            enlisted: Enlisted::new(&self.node, Looks::Pursuit(self.clone())),
            timer: None,
            node: self.node.clone(),
        });
        if let Some(waiting) = self.look_from(waiting) {
            // Called off meanwhile: it goes, outside the lock.
            let spare = {
                let mut stage = self.stage.lock();
                if stage.reply.is_none() { Some(waiting) } else { stage.waiting.replace(waiting) }
            };
            drop(spare);
        }
    }

    /// Looks, if it is to: its turn has come, or its time is over. None: it is over.
    fn look_from(self: &Arc<Self>, mut waiting: Waiting) -> Option<Waiting> {
        while waiting.enlisted.is_to_look() || self.is_late() || self.node.is_stopping() {
            waiting.enlisted.stand_at((self.seek)());
            match self.ask() {
                Ok(()) => {
                    waiting.enlisted.leave();
                    waiting.stop_timer();
                    return Some(waiting);
                }
                Err(error) => {
                    waiting.enlisted.done();
                    let ended = self.stage.lock().ended.clone();
                    if !is_missing(&error) {
                        self.finish(Outcome::Failed(error));
                        return None;
                    } else if self.node.is_stopping() {
                        self.finish(Outcome::Failed(Error::NotAlive));
                        return None;
                    } else if self.is_late() || waiting.enlisted.is_in_vain() {
                        self.finish(ended.map_or(Outcome::Failed(error), Outcome::Died));
                        return None;
                    }
                }
            }
        }
        if waiting.timer.is_none() {
            let alarm = || Alarm::Pursuit(self.clone());
            waiting.timer = self.end.map(|end| timer::start(&self.node, end, TimerKind::Sleep, alarm()));
        }
        Some(waiting)
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
