//! Requests: calls under way whose outcome is waited for later, or told to a function.
//!
//! A request is a slot (`reply`) whose waiter is the request itself: the outcome goes to whoever waits for it then, to
//! its callback, or stays in the slot until it is asked for.
//!
//! **Callbacks within callbacks.** One may ask again, and hand what comes of it to another, which is called at once
//! where the outcome is there already: by a server that is run by its callers, by an answer that it gives itself, by an
//! end that it brings about. So a chain of them would be as deep as it is long. Beyond [`DEEPEST`] they wait, in their
//! order, until those that they are within have returned: the outermost calls them then ([`Level`]). What a process does
//! that is run by its caller within such a callback is a level of its own, so that its callbacks do not outlast it;
//! these are bounded as inline calls are (`run`).
//!
//! A panic of one ends there: it is not that of those around it, nor of whoever brought the outcome about (who answered
//! or ended, or fires the timers), and those that wait behind it are called as if it had returned.

use super::current::{self, Identity};
use super::error::Error;
use super::home::ThreadHome;
use super::message::Message;
use super::node::Node;
use super::pursuit::Pursuit;
use super::reply::{self, Outcome, ReplyTo, Slot, Waiter};
use super::run::{self, DEEPEST};
use super::wait::{self, End};
use super::{table, timer};
use crate::sync::{AtomicBool, Mutex, Ordering, inside};
use crate::term::Pid;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;

/// Told the outcome of a request.
type Callback = Box<dyn FnOnce(Outcome) + Send>;

/// What it keeps besides its slot.
pub(super) struct RequestState {
    inner: Mutex<RequestInner>,
}

#[derive(Default)]
struct RequestInner {
    waiter: Option<Waiter>,
    callback: Option<Callback>,
    /// Signalled when the answer is there: the eventfd of the thread that asked.
    signal: Option<Arc<ThreadHome>>,
}

impl RequestState {
    pub(super) fn done(&self, slot: &Slot) {
        let (waiter, callback, signal) = {
            let mut inner = self.inner.lock();
            (inner.waiter.take(), inner.callback.take(), inner.signal.take())
        };
        match waiter {
            Some(Waiter::Process(pid)) => {
                table::with_process(pid, |process| process.unpark());
            }
            Some(Waiter::Held(process)) => process.unpark(),
            Some(Waiter::Thread(parker)) => parker.unpark(),
            Some(Waiter::Request(_) | Waiter::Watched(_)) | None => {}
        }
        if let Some(signal) = signal {
            signal.signal();
        }
        if let Some(callback) = callback
            && let Some(outcome) = slot.cell.take()
        {
            run_callback(callback, outcome);
        }
    }
}

/// Callbacks that run within each other on this thread; on the stack of the outermost one's caller.
#[derive(Default)]
struct Level {
    depth: Cell<u32>,
    /// What was too deep.
    waiting: RefCell<VecDeque<(Callback, Outcome)>>,
}

thread_local! {
    /// The innermost; null outside of all callbacks.
    static LEVEL: Cell<*const Level> = const { Cell::new(ptr::null()) };
}

fn run_callback(callback: Callback, outcome: Outcome) {
    // SAFETY: set below for as long as that frame lives, on this thread only; a callback never leaves its stack.
    let level = unsafe { LEVEL.get().as_ref() };
    match level {
        // Callbacks are nobody's: somebody's is that of a process which one of them has run.
        Some(level) if current::current().is_none() => {
            if level.depth.get() >= DEEPEST {
                return level.waiting.borrow_mut().push_back((callback, outcome));
            }
            level.depth.set(level.depth.get() + 1);
            run_now(callback, outcome);
            level.depth.set(level.depth.get() - 1);
        }
        _ => {
            let level = Level::default();
            level.depth.set(1);
            let around = LEVEL.replace(ptr::from_ref(&level));
            run_now(callback, outcome);
            loop {
                let next = level.waiting.borrow_mut().pop_front();
                let Some((callback, outcome)) = next else { break };
                run_now(callback, outcome);
            }
            LEVEL.set(around);
        }
    }
}

fn run_now(callback: Callback, outcome: Outcome) {
    let depth = inside::step_out();
    // A panic of the user's function ends here: others are still to be told.
    let _ = catch_unwind(AssertUnwindSafe(|| wait::without_waiting(|| callback(outcome))));
    inside::re_enter(depth);
}

/// A call under way, to be collected later, by anybody.
pub struct Request {
    slot: Arc<Slot>,
    state: Arc<RequestState>,
    node: Arc<Node>,
    timer: Option<crate::clock::TimerId>,
    /// A callback waits for the outcome: the handle may go.
    detached: bool,
    /// Somebody was told that its time has run out, which is what it stays.
    timed_out: AtomicBool,
    /// What sees to it that it is answered; called off with it.
    pursuit: Option<Arc<Pursuit>>,
}

/// Where the outcome of a request is told.
pub(super) struct Listener {
    slot: Arc<Slot>,
    state: Arc<RequestState>,
}

impl Listener {
    /// Has `callback` called with the outcome, once, on whatever thread it becomes known; at once if it is.
    pub fn tell(&self, callback: Callback) {
        self.state.inner.lock().callback = Some(callback);
        // Whoever takes the callback also takes the outcome: this, or `done`.
        if self.slot.cell.is_done() {
            let callback = self.state.inner.lock().callback.take();
            if let Some(callback) = callback
                && let Some(outcome) = self.slot.cell.take()
            {
                run_callback(callback, outcome);
            }
        }
    }
}

impl Request {
    /// Prepares one; `timeout` is the call's own limit, after which it ends as timed out.
    pub fn new(node: &Arc<Node>, timeout: Option<u32>) -> Request {
        Request::signalling(node, timeout, current::thread_home())
    }

    /// As [`Request::new`], of nobody's: no thread's eventfd tells of it.
    pub(super) fn unsignalled(node: &Arc<Node>, timeout: Option<u32>) -> Request {
        Request::signalling(node, timeout, None)
    }

    fn signalling(node: &Arc<Node>, timeout: Option<u32>, signal: Option<Arc<ThreadHome>>) -> Request {
        let mut request = Request::untimed(node, signal);
        request.limit(timeout);
        request
    }

    fn untimed(node: &Arc<Node>, signal: Option<Arc<ThreadHome>>) -> Request {
        let inner = RequestInner { signal, ..RequestInner::default() };
        let state = Arc::new(RequestState { inner: Mutex::new(inner) });
        let slot = Slot::new(Waiter::Request(state.clone()));
        let timed_out = AtomicBool::new(false);
        Request { slot, state, node: node.clone(), timer: None, detached: false, timed_out, pursuit: None }
    }

    fn limit(&mut self, timeout: Option<u32>) {
        let due = timeout.map(|ms| self.node.deadline(u64::from(ms)));
        self.timer = due.map(|due| timer::start_slot_timer(&self.node, due, &self.slot));
    }

    /// A call of `pid`, to be collected later. A process that never waits, and is run by its callers while it is idle,
    /// has answered when this returns; others are not, for this would wait when they do.
    pub fn call(pid: Pid, timeout: Option<u32>, make: impl FnOnce(ReplyTo) -> Message) -> Result<Request, Error> {
        let over = match current::identity()? {
            // It is time for others: the request is queued, and what comes of it is waited for.
            Identity::Process(me) => me.spend(),
            Identity::Thread => false,
        };
        let found = table::with_process(pid, |process| (process.node().clone(), !over && process.answers_at_once()));
        let (node, at_once) = found.ok_or(Error::NoProcess)?;
        let mut pending = Request::untimed(&node, current::thread_home());
        let mut message = make(pending.reply_to());
        if at_once {
            match run::inline_now(pid, message) {
                // It may have put the answer off.
                Ok(()) if pending.slot.cell.is_done() => return Ok(pending),
                Ok(()) => {
                    pending.limit(timeout);
                    return Ok(pending);
                }
                Err(refused) => message = refused,
            }
        }
        pending.limit(timeout);
        reply::post(pid, &pending.slot, message, None)?;
        Ok(pending)
    }

    /// Has `pursuit` called off when it is given up.
    pub(super) fn pursue(&mut self, pursuit: Arc<Pursuit>) {
        self.pursuit = Some(pursuit);
    }

    pub(super) fn listener(&self) -> Listener {
        Listener { slot: self.slot.clone(), state: self.state.clone() }
    }

    /// The callee's end, to be put into a message.
    pub fn reply_to(&self) -> ReplyTo {
        reply::reply_to(&self.slot)
    }

    /// Sends it off; not for a ghost.
    pub fn queue(&self, pid: Pid, make: impl FnOnce(ReplyTo) -> Message) -> Result<(), Error> {
        current::identity()?;
        reply::queue(pid, &self.slot, make)
    }

    /// Waits for the outcome, at most `timeout` milliseconds of this wait. `Error::Timeout`: still under way.
    pub fn wait(&self, timeout: Option<u32>) -> Result<Outcome, Error> {
        if let Some(outcome) = self.take() {
            return Ok(outcome);
        }
        if timeout == Some(0) {
            return Err(Error::Timeout);
        }
        let waiter = match current::identity()? {
            Identity::Process(me) => {
                wait::may_wait(me)?;
                Waiter::Process(me.pid())
            }
            Identity::Thread => {
                wait::thread_may_wait()?;
                Waiter::Thread(wait::thread_parker())
            }
        };
        self.state.inner.lock().waiter = Some(waiter);
        let end = wait::until(&self.node, timeout.into(), false, || self.slot.cell.is_done());
        let waiter = self.state.inner.lock().waiter.take();
        drop(waiter);
        match (self.take(), end) {
            (Some(outcome), _) => Ok(outcome),
            (None, End::Killed) => Err(Error::Killed),
            (None, _) => Err(Error::Timeout),
        }
    }

    fn take(&self) -> Option<Outcome> {
        let outcome = self.slot.cell.take();
        if matches!(outcome, Some(Outcome::TimedOut)) {
            // Relaxed: whoever hands the request on to another thread does more than that.
            self.timed_out.store(true, Ordering::Relaxed);
        }
        outcome
    }

    /// Has `callback` called with the outcome, once, on whatever thread it becomes known; at once if it is.
    pub fn on_reply(mut self, callback: Callback) {
        if self.timed_out.load(Ordering::Relaxed) {
            return run_callback(callback, Outcome::TimedOut);
        }
        let (node, timer) = (self.node.clone(), self.timer);
        let callback = Box::new(move |outcome| {
            if let Some(timer) = timer {
                drop(node.timers.cancel(timer));
            }
            callback(outcome);
        });
        self.listener().tell(callback);
        self.detached = true;
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if self.detached {
            return;
        }
        if let Some(timer) = self.timer {
            drop(self.node.timers.cancel(timer));
        }
        // Whatever comes now is dropped before it reaches anybody.
        if !self.slot.cell.abandon() {
            drop(self.slot.cell.take());
        }
        if let Some(pursuit) = self.pursuit.take() {
            pursuit.call_off();
        }
    }
}
