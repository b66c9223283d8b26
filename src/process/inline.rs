//! Inline calls that leave nothing behind.
//!
//! A call that is answered there and then (`run`, inline calls) needs neither a message nor a slot: who asked stands
//! still on this very thread until the callback returns or waits. So the caller keeps a [`Frame`] on its stack, where
//! the answer is put by a plain store, and the callee a [`Desk`] on its own, which knows the frame. The callee's word
//! goes from `IDLE` straight to `CALLBACK`, and back in one step when nothing came meanwhile; two compare-and-swaps are
//! all that other threads have to do with it. (With a slot it took fourteen locked instructions, of some 20 cycles.)
//!
//! **Detaching.** The two part as soon as the callee waits, puts the call off, was struck, has received a message or
//! been sent one, or returns anything but an answer: then the desk makes the slot that a queued call has from the
//! beginning, leaves one end in the frame, for the caller to wait for, and the other where every call at hand lies
//! (`current_call`), or keeps it when the caller lent something. From there on nothing differs from a queued call.
//!
//! Steps, and who takes them:
//!
//! 1. *take* (the caller): `IDLE` to `CALLBACK`, by compare-and-swap; then the desk's address, marked, in
//!    `current_call`. Only the thread that runs the callee reads or changes a marked one; an end from outside passes it
//!    over, since this thread finds itself struck before the caller goes on.
//! 2. *answer* (the callee's runner): unmarks, then `CALLBACK` to `IDLE`, which fails when it was struck; then looks at
//!    the mailbox, as whoever leaves a process alone does.
//! 3. *detach* (the same, in place of 2): the slot's end into `current_call`, then a look at the word. Either whoever
//!    carries out an end from outside finds it there, or we see `DEAD`, and owe the answer by ourselves.
//!
//! **Handing over.** The same is done for a server that is not `INLINE`, by a process on a worker of its runtime: it
//! parks (`wait::sit_beneath`), as for a queued call, so that whoever looks at it, kills it or ends its time meets what they
//! always meet; but its stack stays where it is, and the callee runs on one of its own above it. As a queued call goes
//! the callee would come next on this worker (it is the job woken last), and the caller's stack, which does not leave
//! its thread, behind it: so nobody waits for anybody that it had not waited for, and a callback that does not return
//! holds up whom it held up before. Nor does it go more often in a row than the job woken last does while jobs wait,
//! and before those who were resumed on this thread it goes only so often: then the caller *steps aside*, that is parks,
//! goes behind them, and asks when its turn has come (`scheduler`, handing over). It does not queue its call for them:
//! whoever found the callee busy then would queue his, too, and soon all of them did.
//!
//! What handing over saves is the slot, the message, the way through the queues and the timer, which nobody needs while
//! the callee runs: it could not have woken the caller any sooner.
//!
//! The frame outlives the desk's knowledge of it: a callee that waits has detached before its stack is left, and until
//! then the caller stands still. One thread touches both, one after the other.

use super::control::{ENTERED, INLINE, Process};
use super::current::{self, Identity};
use super::error::Error;
use super::limit::{self, Limit};
use super::message::Message;
use super::node::Node;
use super::pool::Held;
use super::reply::{self, Outcome, ReplyTo, Slot, Waiter};
use super::run::{self, DEEPEST, Fenced, Flow, GUESTS};
use super::state::{CALLBACK, EXIT, IDLE, RUNNING, SEEN};
use super::{table, wait};
use crate::scheduler::{self, HandedOver};
use crate::sync::Ordering;
use crate::sync::inside::{self, Inside};
use crate::sync::tally::What;
use crate::term::{Atom, Pid, Term};
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// What is asked; shown to the callee as an `Option` of it, which it empties.
pub trait Question: Any {
    /// As it is queued.
    fn into_message(self, reply: ReplyTo) -> Message;
}

/// The question of `call`.
pub struct Request(pub Term);

impl Question for Request {
    fn into_message(self, reply: ReplyTo) -> Message {
        Message::Call { request: self.0, reply }
    }
}

/// The caller's end of a call that is under way on its thread.
struct Frame<'a> {
    caller: Option<&'a Process>,
    /// The question points into the caller's memory.
    lends: bool,
    answer: Cell<Option<Term>>,
    /// What to wait for, once it was detached.
    slot: Cell<Option<(Arc<Slot>, Arc<Node>)>>,
}

impl Frame<'_> {
    /// On the thread that the frame is on.
    fn make_slot(&self) -> Arc<Slot> {
        let slot = Slot::new(match self.caller {
            Some(caller) if self.lends => Waiter::Held(Held::of(caller)),
            Some(caller) => Waiter::Process(caller.pid()),
            None => Waiter::Thread(wait::thread_parker()),
        });
        if self.lends {
            // It is in use.
            slot.cell.claim();
        }
        slot
    }
}

/// The callee's end; on its stack.
pub struct Desk {
    /// Null once it is detached.
    frame: Cell<*const Frame<'static>>,
    /// The callee's end of the slot, where the caller lent something.
    lent: Cell<Option<ReplyTo>>,
}

/// Set in the address of a desk.
const MARK: usize = 1;

fn mark(desk: &Desk) -> *mut Slot {
    ptr::from_ref(desk).map_addr(|address| address | MARK).cast_mut().cast()
}

/// Whether that is a desk's address, and no slot's.
pub(super) fn is_desk(call: *mut Slot) -> bool {
    call.addr() & MARK != 0
}

/// Who stands still at that desk, if it is a process. For the thread that runs the callee.
pub(super) fn caller_at(call: *mut Slot) -> Option<Pid> {
    // SAFETY: a marked address is that of a desk on the stack that runs the callee, which is ours.
    let desk = unsafe { &*call.map_addr(|address| address & !MARK).cast::<Desk>() };
    // SAFETY: set and unset with the mark.
    unsafe { desk.frame.get().as_ref() }?.caller.map(Process::pid)
}

impl Desk {
    /// Runs user code as the callee.
    pub fn user<R>(&self, me: &Process, code: impl FnOnce() -> R) -> std::thread::Result<R> {
        let depth = inside::step_out_counting(Some(me.number));
        let result = catch_unwind(AssertUnwindSafe(code));
        inside::re_enter(depth);
        result
    }

    /// Step *answer*: the callee rests then, and nothing of it may be touched. The answer comes back when there is more
    /// to do than that: see [`Desk::leave`].
    pub fn answer(&self, me: &Process, answer: Term) -> Result<(), Term> {
        // SAFETY: not detached, so the frame is there: its owner stands still.
        let Some(frame) = (unsafe { self.frame.get().as_ref() }) else { return Err(answer) };
        // What it has received and put back is only looked at by who runs it.
        let keeps = me.kept.load(Ordering::Relaxed) != 0;
        if keeps || me.bounded().is_some_and(|bounded| !bounded.queue.is_bare()) {
            return Err(answer);
        }
        me.current_call.store(ptr::null_mut(), Ordering::Relaxed);
        if !me.state.rest_at_return() {
            // Struck. Whoever carries that out looks for slots only.
            me.current_call.store(mark(self), Ordering::Relaxed);
            return Err(answer);
        }
        // Partner: the look at the state word after a push. Either the sender sees IDLE, or we see its message.
        if !me.mailbox_is_empty() && me.state.make_ready() {
            me.place.schedule(me);
        }
        frame.answer.set(Some(answer));
        Ok(())
    }

    /// No user code runs any more, and there is more to do than to answer: from here on this is the turn of a queued
    /// call, which is at hand.
    pub fn leave(&self, me: &Process) -> Result<(), Fenced> {
        me.detach();
        match me.state.shift(CALLBACK, RUNNING, 0, 0) {
            Ok(word) if word & EXIT != 0 => Err(Fenced::Exit),
            Ok(_) => {
                // SAFETY: RUNNING, and this is the thread that made it so.
                let reading = unsafe { me.reading() };
                (reading.counted, reading.priority) = (true, false);
                Ok(())
            }
            Err(_) => Err(Fenced::Ghost),
        }
    }

    /// The callee's end of the call, once it is detached, where the caller lent something.
    pub fn lent(&self) -> Option<ReplyTo> {
        self.lent.take()
    }
}

impl Process {
    /// Step *detach*, if a caller stands still for what this process does. For the thread that runs it.
    #[inline]
    pub(super) fn detach(&self) {
        let call = self.current_call.load(Ordering::Relaxed);
        if is_desk(call) {
            self.detach_from(call);
        }
    }

    #[cold]
    fn detach_from(&self, call: *mut Slot) {
        // SAFETY: a marked address is that of a desk on the stack that runs this process, which is ours.
        let desk = unsafe { &*call.map_addr(|address| address & !MARK).cast::<Desk>() };
        // SAFETY: set and unset with the mark.
        let Some(frame) = (unsafe { desk.frame.get().as_ref() }) else { return };
        let slot = frame.make_slot();
        desk.frame.set(ptr::null());
        frame.slot.set(Some((slot.clone(), self.node().clone())));
        let reply = reply::reply_to(&slot);
        if frame.lends {
            // An end from outside must not send the lender home before its function has ended.
            self.current_call.store(ptr::null_mut(), Ordering::Relaxed);
            desk.lent.set(Some(reply));
            return;
        }
        // Partner: `take_current_call` in the end from outside, which comes after the word was made DEAD.
        self.current_call.store(reply.into_raw(), Ordering::SeqCst);
        if self.state.is_dead()
            && let Some(reply) = self.take_current_call()
        {
            reply::owe(self, reply);
        }
    }
}

/// Asks `pid` and waits for what comes of it, as [`reply::call`]; on the caller's thread, if that is allowed and it is
/// idle. `suits`: whether a process of that kind is asked such things, or is the caller itself.
pub fn ask<Q: Question>(
    pid: Pid, timeout: Option<u32>, lends: bool, suits: impl Fn(Atom, bool) -> bool, question: Q,
) -> Result<Outcome, Error> {
    ask_within(pid, Limit::new(timeout), lends, suits, question)
}

fn ask_within<Q: Question>(
    pid: Pid, limit: Limit, lends: bool, suits: impl Fn(Atom, bool) -> bool, question: Q,
) -> Result<Outcome, Error> {
    let caller = match current::identity()? {
        Identity::Process(me) => Some(me),
        Identity::Thread => None,
    };
    let frame = Frame { caller, lends, answer: Cell::new(None), slot: Cell::new(None) };
    let mut question = Some(question);
    let look = |process: &Process, question: &mut Option<Q>, inside: &Inside| -> Result<Next, Error> {
        let is_self = caller.is_some_and(|caller| ptr::eq(caller, process));
        if !suits(process.kind(), is_self) {
            return Err(Error::WrongKind);
        }
        match caller {
            _ if is_self => return Err(Error::SelfCall),
            Some(me) => wait::may_wait(me)?,
            None => wait::thread_may_wait()?,
        }
        // One that is not `INLINE` is asked for its answer within the limit, and 0 leaves it none.
        let how = match (process.flags & INLINE != 0, caller) {
            (true, _) => How::Inline,
            (false, Some(me)) if limit.ms != Some(0) => How::HandedOver(me),
            _ => return Ok(Next::GoOn),
        };
        if caller.is_some_and(Process::spend) {
            return Ok(Next::GiveWay);
        }
        Ok(serve(process, &frame, how, question, inside))
    };
    let next = table::with_process_or(pid, &mut question, look, |_| Err(Error::NoProcess))?;
    match question {
        None => match (frame.answer.take(), frame.slot.take()) {
            (Some(answer), _) => Ok(Outcome::Reply(answer)),
            (None, Some((slot, node))) => reply::wait_for(&slot, &node, limit.left(&node), lends),
            (None, None) => unreachable!("it answers, or is detached"),
        },
        Some(question) => {
            match (next, caller) {
                (Next::StepAside, Some(me)) => return ask_behind_resumed(me, pid, limit, lends, suits, question),
                (Next::GiveWay, Some(me)) => wait::give_way(me)?,
                _ => {}
            }
            reply::call(pid, limit.ms, lends, |reply| question.into_message(reply))
        }
    }
}

/// As [`ask_within`], when those who were resumed before the caller have gone on.
#[cold]
#[inline(never)]
fn ask_behind_resumed<Q: Question>(
    me: &Process, pid: Pid, limit: Limit, lends: bool, suits: impl Fn(Atom, bool) -> bool, question: Q,
) -> Result<Outcome, Error> {
    wait::step_aside(me)?;
    ask_within(pid, limit, lends, suits, question)
}

/// What comes after a look at who is asked.
enum Next {
    /// It was asked, or is to be asked by a message.
    GoOn,
    /// The caller has done enough for one turn.
    GiveWay,
    /// Others wait for this thread: the caller goes behind them, and looks again.
    StepAside,
}

/// How a process comes to answer now.
enum How<'a> {
    /// It may run on its callers' threads.
    Inline,
    /// Its caller waits for it.
    HandedOver(&'a Process),
}

/// Has the process answer now, if that is possible: then the question is gone.
fn serve<Q: Question>(
    process: &Process, frame: &Frame<'_>, how: How<'_>, question: &mut Option<Q>, inside: &Inside,
) -> Next {
    let possible = process.state.phase() == IDLE
        && process.mailbox_is_free()
        && process.place.thread_home().is_none()
        && !process.header.slow.is_slow();
    if !possible {
        return Next::GoOn;
    }
    let (callee, caller) = (NonNull::from(process), frame.caller.map_or(ptr::null(), ptr::from_ref));
    let frame_pointer = ptr::from_ref(frame).cast::<Frame<'static>>();
    let asked = NonNull::from(&mut *question);
    // SAFETY: the callee is CALLBACK by us from `take` on, and its stack is entered while this frame stands still; the
    // question is taken before that can change.
    let work = move || unsafe { attend(callee.as_ref(), frame_pointer, &mut *asked.as_ptr()) };
    if let How::HandedOver(me) = how {
        if process.dog().is_some() {
            return Next::GoOn;
        }
        let nest = match scheduler::hand_over(process.node().scheduler(), limit::coarse_ns) {
            HandedOver::To(nest) => nest,
            HandedOver::BehindResumed => return Next::StepAside,
            HandedOver::Not => return Next::GoOn,
        };
        if !take(process) {
            return Next::GoOn;
        }
        let above = || {
            inside.tally(process.number, What::Sent);
            nest.run(process.pid().0, work);
        };
        if !wait::sit_beneath(me, above) {
            give_back(process);
        }
        return Next::GoOn;
    }
    if scheduler::is_worker() {
        // What runs here while a caller with a watchdog waits would count as the caller's.
        let watched = frame.caller.is_some_and(|caller| caller.dog().is_some());
        if watched {
            return Next::GoOn;
        }
        let Some(nest) = scheduler::nest(process.node().scheduler()) else { return Next::GoOn };
        if take(process) {
            let saved = wait::Saved::now();
            inside.tally(process.number, What::Sent);
            nest.run(process.pid().0, work);
            current::set(caller);
            saved.restore();
        }
        return Next::GoOn;
    }
    let may = frame.caller.is_none_or(|caller| {
        caller.flags & ENTERED != 0
            || caller.place.thread_home().is_none() && Arc::ptr_eq(caller.node(), process.node())
    });
    if !may || GUESTS.get() >= DEEPEST || !take(process) {
        return Next::GoOn;
    }
    inside.tally(process.number, What::Sent);
    let saved = wait::Saved::now();
    GUESTS.set(GUESTS.get() + 1);
    let shown = inside::show(process.pid().0);
    work();
    current::set(caller);
    inside::show(shown);
    GUESTS.set(GUESTS.get() - 1);
    saved.restore();
    Next::GoOn
}

/// Step *take*, of one that would answer there and then.
fn take(process: &Process) -> bool {
    if process.state.shift(IDLE, CALLBACK, SEEN, 0).is_err() {
        return false;
    }
    // SAFETY: CALLBACK, and this is the thread that made it so.
    let would = unsafe { process.behaviour() }.as_ref().is_some_and(|behaviour| behaviour.answers_now());
    if !would {
        give_back(process);
    }
    would
}

/// In place of what comes after step *take*: nothing was asked.
#[cold]
fn give_back(process: &Process) {
    match process.state.shift(CALLBACK, RUNNING, 0, 0) {
        Ok(word) if word & EXIT != 0 => run::end_fenced(process, Fenced::Exit),
        Ok(_) => run::lie_down(process),
        Err(_) => run::end_fenced(process, Fenced::Ghost),
    }
}

/// Runs the callee, on the stack that is its own.
fn attend(process: &Process, frame: *const Frame<'static>, question: &mut dyn Any) {
    current::set(process);
    let desk = Desk { frame: Cell::new(frame), lent: Cell::new(None) };
    process.current_call.store(mark(&desk), Ordering::Relaxed);
    let worked = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: as in `take`.
        let slot = unsafe { process.behaviour() };
        let flow = slot.as_deref_mut().and_then(|behaviour| behaviour.answer_now(process, question, &desk));
        if let Some(flow) = flow {
            run::follow(process, flow);
        }
    }));
    if worked.is_err() {
        process.detach();
        run::recover(process, true);
    }
    if desk.frame.get().is_null() {
        current::set(ptr::null());
    }
}

impl Flow {
    /// What is left to do after [`Desk::leave`].
    pub fn after(left: Result<(), Fenced>, go_on: impl FnOnce() -> Flow) -> Flow {
        left.map_or_else(Flow::from, |()| go_on())
    }
}
