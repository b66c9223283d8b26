//! Calls: a slot that is answered at most once, and never left without an answer.
//!
//! The steps are in `slot`. No monitor is made for a call: each process knows the
//! slots it owes (queued in its mailbox, the one at hand, the deferred ones), and its exit answers all of them with
//! its reason. A slot is counted, never on a stack.

use super::arrival::Turn;
use super::bound::{self, Room};
use super::control::Process;
use super::current::{self, Identity};
use super::error::Error;
use super::limit::Limit;
use super::message::{Message, StartResult, SystemRequest};
use super::node::Node;
use super::pool::Held;
use super::request::{Request, RequestState};
use super::run;
use super::slot::Cell;
use super::table;
use super::wait::{self, End};
use crate::sync::parker::Parker;
use crate::sync::room::Room as _;
use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::term::{Pid, Term, atoms};
use std::any::Any;
use std::sync::Arc;

/// How a call ended.
pub enum Outcome {
    Reply(Term),
    /// An answer in a shape the two sides agree on.
    Native(Box<dyn Any + Send>),
    /// The start that was waited for came to an end.
    Started(StartResult),
    /// There will be no answer: the process ended with this reason.
    Died(Term),
    /// Of a message to a server: the process ended with this reason before it took it up.
    NotTaken(Term),
    /// The call's own time ran out.
    TimedOut,
    /// The callee refuses, and lives on.
    Failed(Error),
}

/// Who waits for a slot.
pub(super) enum Waiter {
    Process(Pid),
    /// One that is woken even after it was killed, since it lent something.
    Held(Held),
    Thread(Arc<Parker>),
    Request(Arc<RequestState>),
    /// Whoever waits for another slot, which is answered once somebody has looked at the answer.
    Watched(Box<Watched>),
}

/// A slot in front of another.
pub(super) struct Watched {
    original: Arc<Slot>,
    look: Mutex<Option<Look>>,
}

/// Gets an answer shown before it is given.
type Look = Box<dyn FnOnce(&Outcome) + Send>;

impl Watched {
    /// Nothing is shown that nobody waits for any more.
    fn finish(&self, outcome: Outcome) -> bool {
        let Some(look) = self.look.lock().take() else { return false };
        if self.original.is_awaited() {
            look(&outcome);
        }
        self.original.finish(outcome)
    }
}

/// Where the answer of one call arrives.
pub struct Slot {
    pub(super) cell: Cell<Outcome>,
    waiter: Waiter,
}

impl Slot {
    pub(super) fn new(waiter: Waiter) -> Arc<Slot> {
        Arc::new(Slot { cell: Cell::default(), waiter })
    }

    /// Answers; false (and the outcome dropped) when it was answered or abandoned before.
    fn finish(&self, outcome: Outcome) -> bool {
        if let Waiter::Watched(watched) = &self.waiter {
            return watched.finish(outcome);
        }
        if !self.cell.fill(outcome) {
            return false;
        }
        match &self.waiter {
            Waiter::Process(pid) => {
                table::with_process(*pid, |process| process.unpark());
            }
            Waiter::Held(process) => process.unpark(),
            Waiter::Thread(parker) => parker.unpark(),
            Waiter::Request(request) => request.done(self),
            Waiter::Watched(_) => {}
        }
        true
    }

    /// Whether somebody waits, or may still look.
    pub(super) fn is_awaited(&self) -> bool {
        match &self.waiter {
            Waiter::Watched(watched) => watched.original.is_awaited(),
            _ => self.cell.is_awaited(),
        }
    }

    fn claim(&self) -> bool {
        match &self.waiter {
            Waiter::Watched(watched) => watched.original.claim(),
            _ => self.cell.claim(),
        }
    }

    /// The process that waits, if it is one.
    fn caller(&self) -> Pid {
        match &self.waiter {
            Waiter::Process(pid) => *pid,
            Waiter::Held(process) => process.pid(),
            Waiter::Watched(watched) => watched.original.caller(),
            Waiter::Thread(_) | Waiter::Request(_) => Pid::NONE,
        }
    }

    pub(super) fn time_out(&self) {
        self.finish(Outcome::TimedOut);
    }
}

/// The callee's end of a call. Dropped without an answer, the caller hears at once that there will be none.
pub struct ReplyTo(Option<Arc<Slot>>);

impl ReplyTo {
    /// Answers. False when nobody waits any more.
    pub fn answer(mut self, term: Term) -> bool {
        self.finish(Outcome::Reply(term))
    }

    /// Answers with something that is no term.
    pub fn answer_native(mut self, native: Box<dyn Any + Send>) -> bool {
        self.finish(Outcome::Native(native))
    }

    /// Refuses.
    pub fn fail(mut self, error: Error) -> bool {
        self.finish(Outcome::Failed(error))
    }

    pub(super) fn started(mut self, result: StartResult) -> bool {
        self.finish(Outcome::Started(result))
    }

    /// Says that the process which owes the answer ended with `reason`.
    pub fn die(mut self, reason: Term) -> bool {
        self.finish(Outcome::Died(reason))
    }

    /// Answers as another call was answered.
    pub(super) fn end(mut self, outcome: Outcome) -> bool {
        self.finish(outcome)
    }

    /// As [`ReplyTo::die`], where the process never saw the message.
    pub fn not_taken(mut self, reason: Term) -> bool {
        self.finish(Outcome::NotTaken(reason))
    }

    /// Takes up what the caller lent: from now on the caller waits, whatever happens. False when it is gone.
    pub fn claim(&self) -> bool {
        self.0.as_ref().is_some_and(|slot| slot.claim())
    }

    pub(super) fn slot(&self) -> Option<Arc<Slot>> {
        self.0.clone()
    }

    /// The process that asked, where it waits itself; `Pid::NONE` for a thread or a request.
    pub fn caller(&self) -> Pid {
        self.0.as_ref().map_or(Pid::NONE, |slot| slot.caller())
    }

    /// Whether the caller still waits.
    pub fn is_awaited(&self) -> bool {
        self.0.as_ref().is_some_and(|slot| slot.is_awaited())
    }

    /// Another end of the same call, which shows `look` the answer before it is given, if it is wanted still.
    pub fn watched(mut self, look: impl FnOnce(&Outcome) + Send + 'static) -> ReplyTo {
        let Some(original) = self.0.take() else { return self };
        let look = Mutex::new(Some(Box::new(look) as Look));
        ReplyTo(Some(Slot::new(Waiter::Watched(Box::new(Watched { original, look })))))
    }

    fn finish(&mut self, outcome: Outcome) -> bool {
        self.0.take().is_some_and(|slot| slot.finish(outcome))
    }

    pub(super) fn into_raw(mut self) -> *mut Slot {
        self.0.take().map_or(std::ptr::null_mut(), |slot| Arc::into_raw(slot).cast_mut())
    }

    /// # Safety
    /// The pointer is null or came from `into_raw`, and is given back once.
    pub(super) unsafe fn from_raw(raw: *mut Slot) -> Option<ReplyTo> {
        // SAFETY: the caller's promise.
        (!raw.is_null()).then(|| ReplyTo(Some(unsafe { Arc::from_raw(raw) })))
    }
}

impl Drop for ReplyTo {
    fn drop(&mut self) {
        self.finish(Outcome::Died(Term::atom(atoms::NOPROC)));
    }
}

/// Queues the message that `make` builds around the reply end, for `pid`.
pub(super) fn queue(pid: Pid, slot: &Arc<Slot>, make: impl FnOnce(ReplyTo) -> Message) -> Result<(), Error> {
    post(pid, slot, make(ReplyTo(Some(slot.clone()))), None).map(drop)
}

/// As [`queue`], around an end that is there already.
pub(super) fn queue_reply(pid: Pid, reply: ReplyTo, make: impl FnOnce(ReplyTo) -> Message) -> Result<(), Error> {
    let Some(slot) = reply.slot() else { return Err(Error::NoProcess) };
    post(pid, &slot, make(reply), None).map(drop)
}

/// `waits`: for room, if the mailbox has a limit and says so; within the caller's own limit. Gives the milliseconds
/// that it has waited.
pub(super) fn post(pid: Pid, slot: &Arc<Slot>, message: Message, waits: Option<Option<u32>>) -> Result<u32, Error> {
    let queued = table::with_process_or(
        pid,
        message,
        |process, message, inside| {
            if message.counts() {
                return Some(process.offer(message, inside));
            }
            process.deliver(message);
            Some(Ok(()))
        },
        |_| None,
    );
    let (refused, error) = match (queued, waits) {
        (Some(Ok(())), _) => return Ok(0),
        (None, _) => (None, Error::NoProcess),
        (Some(Err(refused)), Some(limit)) if refused.waits => match bound::wait_for_room(pid, *refused, limit) {
            Ok(Room::Had { waited }) => return Ok(waited),
            Ok(Room::Gone(refused)) => (Some(refused), Error::NoProcess),
            Err(error) => (None, error),
        },
        (Some(Err(refused)), _) => (Some(*refused), Error::MailboxFull),
    };
    slot.cell.abandon();
    if let Some(refused) = refused {
        refused.returned();
    }
    Err(error)
}

/// Asks `pid` and waits for what comes of it, at most `timeout` milliseconds (None: for ever).
///
/// `lends`: the request points into the caller's memory, so the call is withdrawn while it is queued, but once the
/// callee has claimed it, it is waited for to its end, even past its time and past the caller's own death.
pub fn call(
    pid: Pid, timeout: Option<u32>, lends: bool, make: impl FnOnce(ReplyTo) -> Message,
) -> Result<Outcome, Error> {
    call_then(pid, timeout, lends, make, None::<fn()>)
}

/// As [`call`], by one who has a turn: gives it on when the message is queued, and before it waits for the answer.
pub fn call_in_turn(
    pid: Pid, timeout: Option<u32>, turn: &Turn<'_>, make: impl FnOnce(ReplyTo) -> Message,
) -> Result<Outcome, Error> {
    call_then(pid, timeout, false, make, turn.give_on())
}

fn call_then(
    pid: Pid, timeout: Option<u32>, lends: bool, make: impl FnOnce(ReplyTo) -> Message, queued: Option<impl Fn()>,
) -> Result<Outcome, Error> {
    let waiter = match current::identity()? {
        Identity::Process(me) => {
            if me.pid() == pid {
                return Err(Error::SelfCall);
            }
            wait::may_wait(me)?;
            if me.spend() {
                wait::give_way(me)?;
            }
            if lends { Waiter::Held(Held::of(me)) } else { Waiter::Process(me.pid()) }
        }
        Identity::Thread => {
            wait::thread_may_wait()?;
            Waiter::Thread(wait::thread_parker())
        }
    };
    let node = table::with_process(pid, |process| process.node().clone()).ok_or(Error::NoProcess)?;
    let slot = Slot::new(waiter);
    let message = make(ReplyTo(Some(slot.clone())));
    let limit = Limit::new(timeout);
    let left;
    let ran = table::with_process_or(
        pid,
        message,
        |process, message, inside| {
            // A callback may take its time, and others wait for the turn.
            Some(if queued.is_some() { Err(message) } else { run::inline(process, message, inside) })
        },
        |_| None,
    );
    match ran {
        None => return Err(Error::NoProcess),
        Some(Err(message)) => {
            let waited = post(pid, &slot, message, Some(timeout))?;
            left = timeout.map(|ms| ms.saturating_sub(waited));
            if let Some(queued) = queued {
                queued();
            }
        }
        Some(Ok(())) => {
            if let Some(outcome) = slot.cell.take() {
                return Ok(outcome);
            }
            left = limit.left(&node);
        }
    }
    wait_for(&slot, &node, left, lends)
}

/// Waits for a slot that was queued by hand; see [`call`].
pub(super) fn wait_for(slot: &Slot, node: &Arc<Node>, timeout: Option<u32>, lends: bool) -> Result<Outcome, Error> {
    let end = wait::until(node, timeout.into(), false, || slot.cell.is_done());
    if let Some(outcome) = slot.cell.take() {
        return Ok(outcome);
    }
    if !slot.cell.abandon() {
        // The answer came at the last moment, or what we lent is in use.
        if lends {
            wait::until_even_dead(|| slot.cell.is_done());
        } else {
            while !slot.cell.is_done() {
                std::hint::spin_loop();
            }
        }
        if let Some(outcome) = slot.cell.take() {
            return Ok(outcome);
        }
    }
    match end {
        End::Killed => Err(Error::Killed),
        _ => Err(Error::Timeout),
    }
}

/// A slot for a start or call that the calling thread or process is about to wait for.
pub(super) fn slot_for_me() -> Result<Arc<Slot>, Error> {
    Ok(Slot::new(match current::identity()? {
        Identity::Process(me) => {
            wait::may_wait(me)?;
            Waiter::Process(me.pid())
        }
        Identity::Thread => {
            wait::thread_may_wait()?;
            Waiter::Thread(wait::thread_parker())
        }
    }))
}

pub(super) fn reply_to(slot: &Arc<Slot>) -> ReplyTo {
    ReplyTo(Some(slot.clone()))
}

/// Which deferred call is meant: the server's pid and a number of its own.
static DEFERRED: AtomicU64 = AtomicU64::new(1);

/// Puts the call at hand of `process` aside; answered by [`answer_deferred`], or by the process's exit.
pub fn defer(process: &Process) -> Option<u64> {
    process.detach();
    owe(process, process.take_current_call()?)
}

/// As [`defer`], for a call that was taken out of its message. None when the process has ended: answered already, and
/// by its end if that is still being carried out, so that the caller finds nothing of it.
pub fn owe(process: &Process, reply: ReplyTo) -> Option<u64> {
    owe_as(process, reply, call_number())
}

/// A number for a call that is about to be put aside.
pub(super) fn call_number() -> u64 {
    DEFERRED.fetch_add(1, Ordering::Relaxed)
}

/// As [`owe`], under a number that was given before.
pub(super) fn owe_as(process: &Process, reply: ReplyTo, id: u64) -> Option<u64> {
    let mut inner = process.lock();
    if inner.closed {
        let reason = inner.exit_reason.clone().unwrap_or(Term::atom(atoms::NOPROC));
        drop(inner);
        reply.die(reason);
        return None;
    }
    inner.rare.get_or_insert_default().deferred.insert(id, reply);
    Some(id)
}

/// Takes a call that [`owe`] put aside back; none when it was answered, or the process has ended.
pub fn take_owed(process: &Process, id: u64) -> Option<ReplyTo> {
    take_deferred(process, id)
}

fn take_deferred(process: &Process, id: u64) -> Option<ReplyTo> {
    let mut inner = process.lock();
    let deferred = &mut inner.rare.as_mut()?.deferred;
    let reply = deferred.remove(&id);
    deferred.tidy();
    reply
}

/// Answers a deferred call; from any thread, once. `Error::NotFound`: answered before, or its server ended.
pub fn answer_deferred(server: Pid, id: u64, answer: Term) -> Result<(), Error> {
    let found = table::with_process(server, |process| {
        let reply = take_deferred(process, id)?;
        Some((reply, process.node.clone()))
    });
    let (reply, node) = found.flatten().ok_or(Error::NotFound)?;
    reply.answer(answer);
    node.outside.answered(id);
    Ok(())
}

/// Asks `pid` to end with `reason`, and waits until it has. `Exited`: it ended with another reason.
pub fn stop(pid: Pid, reason: Term, timeout: Option<u32>) -> Result<(), Error> {
    stop_then(pid, reason, timeout, None::<fn()>)
}

/// As [`stop`], by one who has a turn; see [`call_in_turn`].
pub fn stop_in_turn(pid: Pid, reason: Term, timeout: Option<u32>, turn: &Turn<'_>) -> Result<(), Error> {
    stop_then(pid, reason, timeout, turn.give_on())
}

fn stop_then(pid: Pid, reason: Term, timeout: Option<u32>, queued: Option<impl Fn()>) -> Result<(), Error> {
    let wanted = reason.clone();
    let request = SystemRequest::Stop(reason);
    match call_then(pid, timeout, false, |reply| Message::System { request, reply }, queued)? {
        Outcome::Died(reason) if reason == wanted => Ok(()),
        Outcome::Died(reason) => Err(Error::Exited(reason)),
        _ => Err(Error::WrongKind),
    }
}

/// As [`stop`], to be collected later: the outcome is `Died` with the reason.
pub fn stop_request(pid: Pid, reason: Term, timeout: Option<u32>) -> Result<Request, Error> {
    current::identity()?;
    let node = table::with_process(pid, |process| process.node().clone()).ok_or(Error::NoProcess)?;
    let pending = Request::new(&node, timeout);
    let request = SystemRequest::Stop(reason);
    pending.queue(pid, |reply| Message::System { request, reply })?;
    Ok(pending)
}
