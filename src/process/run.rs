//! A turn: what the one who runs a process does.
//!
//! # Inline calls
//!
//! A process that allows it (`INLINE`), is idle and has nothing in its mailbox is run by its caller, for that one
//! request. The step is made by compare-and-swap, as a worker's: `IDLE` to `RUNNING`, and for a call that leaves
//! nothing behind (`inline`) straight to `CALLBACK`. The state word knows nothing of who runs it, so fences, kills and
//! messages meet what they always meet. Afterwards the process rests, and what came meanwhile goes to a worker: the
//! caller never drains the mailbox, so no two callers can keep it from others.
//!
//! * **On a worker of the same runtime** it runs on a pooled stack: it can park, and its caller goes on, with its
//!   limit.
//! * **On a thread that is no worker** (a foreign one, or one that entered) it runs on that thread's own stack. A
//!   pooled one would be of no use, since there is no other loop that the thread could go on with: whatever waits in
//!   there blocks the thread, and the caller's limit begins only when the callback has returned. So:
//!   - *Parking*: the word says `PARKED` as ever; the thread waits in the process's park slot, which it has bound to a
//!     seat in place of a worker (`scheduler::park`), and who resumes the slot lets that thread go on.
//!   - *Identity*: `current` is the server until it returns, then again the caller: nobody, the process that entered,
//!     or the server around it. What a thread entered as is not the server's to leave. The last error is kept by the
//!     process, errno and the floating-point control words are the caller's and put back.
//!   - *A kill, or an expired shutdown* meets `CALLBACK`: whoever kills carries out the exit, the caller's answer
//!     included; the thread has a ghost until the callback returns, which shutdown waits for, and only then returns.
//!   - *Quiet*: the thread shows the pid of the innermost process it runs (`inside::show`); settle asks that one's
//!     word.
//!   - *A fork* inside: as in any callback, the child ends when it returns.
//! * **With a watchdog** of its own no process is `INLINE`: the thread must be nobody else's that is left to a callback
//!   that never returns. From a caller with one, on a worker, the request is queued, since the caller would count as
//!   running while it waits; who hands over (`inline`) is parked, and does not.
//! * **Elsewhere** (a worker of another runtime, a process with a thread of its own, a caller of another runtime within
//!   an inline call) the request is queued: there others, or the caller's own limit and death, would have to wait.

use super::control::{BOUNDED, ENTERED, Process};
use super::current;
use super::exit;
use super::inline::Desk;
use super::message::{Message, StartResult};
use super::start;
use super::state::{CALLBACK, DEAD, EXIT, IDLE, QUEUED, READY, RUNNING, Unqueued, phase};
use super::{table, wait};
use crate::scheduler::{self, Header};
use crate::sync::Ordering;
use crate::sync::inside::{self, Inside};
use crate::sync::tally::What;
use crate::term::{Pid, Term, atoms};
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;

/// Messages a process handles before it gives its worker back.
pub(super) const BUDGET: u32 = 256;
/// Inline calls within each other on a thread that is no worker.
pub(super) const DEEPEST: u32 = 8;

/// What a process does; run by one thread at a time. The runtime's own rooms implement it.
pub trait Behaviour: Send {
    /// The first thing that runs in the process.
    fn init(&mut self, me: &Process) -> Init;
    /// Handles one message.
    fn message(&mut self, me: &Process, message: Message) -> Flow;
    /// Handles a plain message: as [`Behaviour::message`] does.
    fn info(&mut self, me: &Process, message: Term) -> Flow {
        self.message(me, Message::Info(message))
    }
    /// Handles the plain messages and casts that are there already ([`Process::take_next`]) in the same stretch of user
    /// code, and counts them off `left`: the state word says CALLBACK. For a behaviour that has returned
    /// [`Flow::Returned`], and nothing has happened since.
    fn go_on(&mut self, _me: &Process, _left: &mut u32) -> Flow {
        Flow::Returned
    }
    /// Whether a call that comes now can be answered by [`Behaviour::answer_now`].
    fn answers_now(&self) -> bool {
        false
    }
    /// Answers what a caller asks, who stands still meanwhile (`inline`): an `Option` of a [`super::Question`], to be
    /// taken in any case. None: answered, and nothing of the process may be touched any more. Else as with a message.
    fn answer_now(&mut self, _me: &Process, _question: &mut dyn Any, _desk: &Desk) -> Option<Flow> {
        None
    }
    /// The process has ended, however; the last that is called before it is dropped. It may not wait.
    fn ended(&mut self, _pid: Pid, _reason: &Term) {}
    /// The process ends by itself, with this reason; not called when it is ended from outside.
    fn terminate(&mut self, _me: &Process, _reason: &Term) -> Result<(), Fenced> {
        Ok(())
    }
}

/// How an init ended.
pub enum Init {
    /// It is up; its starter hears so.
    Ready,
    /// It is on the way; it will call [`Process::ready`] or stop.
    Later,
    /// It does not want to be started.
    Ignore,
    Stop(Term),
    Fenced(Fenced),
}

/// What comes after a message.
pub enum Flow {
    Continue,
    /// As `Continue`, right out of user code: the state word still says CALLBACK (see [`Process::user_staying`]).
    Returned,
    /// Ends the process, after `terminate`, or at once if that is decided ([`Process::ends_at_return`]).
    Stop(Term),
    /// Ends it with a reason, answering its starter with another.
    StopStart(Term, StartResult),
    Fenced(Fenced),
}

/// The process was struck while user code ran: nothing of it may be touched any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fenced {
    /// Dead: somebody else carried out the exit. Only the state is left, and it is ours to drop.
    Ghost,
    /// It has been told to end, and is still alive: end it.
    Exit,
}

impl From<Fenced> for Flow {
    fn from(fenced: Fenced) -> Flow {
        Flow::Fenced(fenced)
    }
}

/// Runs a job of the scheduler.
///
/// # Safety
/// `header` is that of a process that a run queue held.
pub(super) unsafe fn on_worker(header: NonNull<Header>) {
    // SAFETY: the header is the process's first field; the queue's hold keeps it alive, and then the guard.
    let process = unsafe { header.cast::<Process>().as_ref() };
    if process.state.begin_turn() {
        return run(process);
    }
    match process.state.unqueue() {
        Unqueued::Retire => table::retire(process),
        // Perhaps between its look and its park, on another worker: then the wake waits for it there.
        Unqueued::GaveWay => process.unpark(),
        Unqueued::Ready => turn(process),
    }
}

/// Runs a ready process until it rests, ends, or has used up its turn.
pub(super) fn turn(process: &Process) {
    if process.state.shift(READY, RUNNING, 0, 0).is_ok() {
        run(process);
    }
}

fn run(process: &Process) {
    let before = current::set(process);
    let worked = catch_unwind(AssertUnwindSafe(|| work(process)));
    current::set(before);
    recover(process, worked.is_err());
}

/// Handles one request on the caller's thread, as the process, on a stack of its own: for one that is idle, has nothing
/// in its mailbox, and allows it. Gives the message back when it has to be queued.
pub(super) fn inline(process: &Process, message: Message, inside: &Inside) -> Result<(), Message> {
    let counts = message.counts();
    let ran = on_caller(process, message);
    if counts && ran.is_ok() {
        inside.tally(process.number, What::Sent);
    }
    ran
}

/// [`inline`], by pid; one that is not alive takes nothing.
pub(super) fn inline_now(pid: Pid, message: Message) -> Result<(), Message> {
    table::with_process_or(pid, message, inline, Err)
}

fn on_caller(process: &Process, message: Message) -> Result<(), Message> {
    let possible = process.flags & super::control::INLINE != 0
        && process.place.thread_home().is_none()
        && process.mailbox_is_free()
        && process.state.phase() == IDLE
        && !process.header.slow.is_slow();
    if !possible {
        return Err(message);
    }
    if scheduler::is_worker() {
        // What runs here while a caller with a watchdog waits would count as the caller's.
        if current::current().is_some_and(|caller| caller.dog().is_some()) {
            return Err(message);
        }
    } else {
        return on_this_thread(process, message);
    }
    let Some(nest) = scheduler::nest(process.node().scheduler()) else { return Err(message) };
    if process.state.shift(IDLE, RUNNING, 0, 0).is_err() {
        return Err(message);
    }
    let pointer = NonNull::from(process);
    let mut message = Some(message);
    let taken = NonNull::from(&mut message);
    let saved = wait::Saved::now();
    // Nobody in between: the stack may be left, and go on later, where the caller is not.
    let caller = current::set(std::ptr::null());
    nest.run(process.pid().0, move || {
        // SAFETY: the process is RUNNING, which this stack now is; the guard of the nest keeps it, and a fence
        // counts it for the ghost. The message is taken before this stack can park, while the caller's frame waits.
        let (process, message) = unsafe { (pointer.as_ref(), (*taken.as_ptr()).take()) };
        let Some(message) = message else { return };
        current::set(process);
        let worked = catch_unwind(AssertUnwindSafe(|| one(process, message)));
        current::set(std::ptr::null());
        recover(process, worked.is_err());
    });
    current::set(caller);
    saved.restore();
    match message {
        Some(message) => Err(message),
        None => Ok(()),
    }
}

thread_local! {
    /// How many processes run within each other on this thread, which is no worker.
    pub(super) static GUESTS: Cell<u32> = const { Cell::new(0) };
}

/// [`inline`], on a thread that is no worker.
fn on_this_thread(process: &Process, message: Message) -> Result<(), Message> {
    let may = match current::current() {
        None => true,
        Some(caller) if caller.flags & ENTERED != 0 => true,
        Some(caller) => caller.place.thread_home().is_none() && Arc::ptr_eq(caller.node(), process.node()),
    };
    if !may || GUESTS.get() >= DEEPEST || process.state.shift(IDLE, RUNNING, 0, 0).is_err() {
        return Err(message);
    }
    let saved = wait::Saved::now();
    GUESTS.set(GUESTS.get() + 1);
    let shown = inside::show(process.pid().0);
    let caller = current::set(process);
    let worked = catch_unwind(AssertUnwindSafe(|| one(process, message)));
    // The caller's guard, which it is back in, keeps the block also when the process has ended.
    current::set(caller);
    recover(process, worked.is_err());
    inside::show(shown);
    GUESTS.set(GUESTS.get() - 1);
    saved.restore();
    Ok(())
}

fn one(process: &Process, message: Message) {
    // SAFETY: RUNNING, and this is the thread that made it so; as in `work`.
    let slot = unsafe { process.behaviour() };
    let Some(behaviour) = slot.as_deref_mut() else { return };
    // SAFETY: as above.
    let reading = unsafe { process.reading() };
    (reading.counted, reading.priority) = (true, false);
    process.is_taking.set(message.counts());
    let flow = behaviour.message(process, message);
    process.has_taken();
    follow(process, flow);
}

/// What comes after an inline call's message.
pub(super) fn follow(process: &Process, flow: Flow) {
    match flow {
        Flow::Continue => lie_down(process),
        Flow::Returned => match process.come_back() {
            Ok(()) => lie_down(process),
            Err(fenced) => end_fenced(process, fenced),
        },
        Flow::Stop(reason) => stop(process, reason, None),
        Flow::StopStart(reason, start) => stop(process, reason, Some(start)),
        Flow::Fenced(fenced) => end_fenced(process, fenced),
    }
}

/// Leaves the process alone; what came meanwhile goes to a worker.
pub(super) fn lie_down(process: &Process) {
    // SAFETY: RUNNING, and this is the thread that made it so.
    let more = unsafe { process.reading().has_saved() || !process.mailbox_is_drained() };
    if more && process.state.shift(RUNNING, READY, 0, QUEUED).is_ok() {
        // Looked at in a receive and not wanted, put back, or not looked at yet.
        return process.place.schedule(process);
    }
    if !process.state.rest() {
        return end_fenced(process, Fenced::Exit);
    }
    // Partner: as in `work`.
    if !process.mailbox_is_empty() && process.state.make_ready() {
        process.place.schedule(process);
    }
}

pub(super) fn recover(process: &Process, bug: bool) {
    if !bug {
        return;
    }
    // A bug in regrow. The process is taken out of the way; its state is dropped with it.
    log_bug(process);
    if process.state.phase() == CALLBACK {
        let _ = process.state.shift(CALLBACK, RUNNING, 0, 0);
    }
    if process.state.phase() == RUNNING {
        exit::end_running(process, Term::atom(atoms::PANIC), None);
    }
}

fn log_bug(process: &Process) {
    let text = format!("regrow: a bug was caught while {} ran; it is ended", Term::pid(process.pid()));
    process.node().log(super::node::LogLevel::Error, &text, None);
}

fn work(process: &Process) {
    // SAFETY: RUNNING, and this is the thread that made it so. User code that runs below leaves RUNNING, and whoever
    // fences it there leaves the behaviour to us (the ghost).
    let slot = unsafe { process.behaviour() };
    let Some(behaviour) = slot.as_deref_mut() else { return };
    // SAFETY: as above; used only while RUNNING.
    if !unsafe { process.reading() }.initialised {
        // SAFETY: as above.
        unsafe { process.reading() }.initialised = true;
        match behaviour.init(process) {
            Init::Ready => process.ready(),
            Init::Later => {}
            Init::Ignore => {
                let reason = Term::atom(atoms::NORMAL);
                return exit::end_running(process, reason, Some(StartResult::Ignored));
            }
            Init::Stop(reason) => {
                return exit::end_running(process, reason.clone(), Some(StartResult::Failed(reason)));
            }
            Init::Fenced(fenced) => return end_fenced(process, fenced),
        }
    }
    let is_on_trial = process.on_trial.begin_turn();
    let mut left = BUDGET;
    while left > 0 {
        left -= 1;
        if process.state.load() & EXIT != 0 {
            return end_fenced(process, Fenced::Exit);
        }
        // SAFETY: RUNNING.
        let mut flow = if let Some(term) = unsafe { process.take_plain() } {
            process.is_taking.set(true);
            behaviour.info(process, term)
        // SAFETY: RUNNING.
        } else if let Some(message) = unsafe { process.take_message() } {
            process.is_taking.set(message.counts());
            behaviour.message(process, message)
        } else {
            // Partner: the look at the state word after a push. Either the sender sees IDLE, or we see its message.
            if process.state.rest() && process.stays_at_rest() {
                return;
            }
            continue;
        };
        process.has_taken();
        if is_on_trial && process.on_trial.takes_long() {
            process.header.slow.mark();
        }
        // Looked at here first: as a rule there is no more, and to be told so costs a call.
        if matches!(flow, Flow::Returned) && !is_on_trial && process.mailbox.may_have_more() {
            flow = behaviour.go_on(process, &mut left);
        }
        match flow {
            // Partner: as above. One step of the word in place of two, and no look into a mailbox that is empty.
            Flow::Returned if process.has_nothing_left() && process.state.rest_at_return() => {
                if process.stays_at_rest() {
                    return;
                }
            }
            Flow::Returned => match process.come_back() {
                Ok(()) if process.header.slow.is_slow() => break,
                Ok(()) => {}
                Err(fenced) => return end_fenced(process, fenced),
            },
            // Its next message is handled where that holds nobody up.
            Flow::Continue if process.header.slow.is_slow() => break,
            Flow::Continue => {}
            Flow::Stop(reason) => return stop(process, reason, None),
            Flow::StopStart(reason, start) => return stop(process, reason, Some(start)),
            Flow::Fenced(fenced) => return end_fenced(process, fenced),
        }
    }
    if process.state.shift(RUNNING, READY, 0, QUEUED).is_ok() {
        process.place.give_back(process);
    }
}

fn stop(process: &Process, reason: Term, start: Option<StartResult>) {
    // SAFETY: RUNNING, or DEAD by its own step, and on the thread that runs it.
    if unsafe { process.reading() }.told & super::awaited::told::ENDED != 0 {
        return exit::end_running(process, reason, start);
    }
    process.begins_to_end();
    // SAFETY: RUNNING; the reference of `work` is not used after this.
    let slot = unsafe { process.behaviour() };
    let ended = slot.as_deref_mut().map_or(Ok(()), |behaviour| behaviour.terminate(process, &reason));
    match ended {
        Ok(()) => exit::end_running(process, reason, start),
        Err(fenced) => end_fenced(process, fenced),
    }
}

pub(super) fn end_fenced(process: &Process, fenced: Fenced) {
    match fenced {
        // The reason was set by the signal.
        Fenced::Exit => exit::end_running(process, Term::atom(atoms::KILLED), None),
        Fenced::Ghost => {
            debug_assert_eq!(phase(process.state.load()), DEAD);
            exit::ghost_returns(process);
        }
    }
}

impl Process {
    /// Tells the starter that the process is up.
    pub fn ready(&self) {
        self.answer_start(StartResult::Ready);
    }

    /// Tells the starter how the start ended; once.
    pub fn answer_start(&self, result: StartResult) {
        let pending = self.lock().end_start();
        if let Some(pending) = pending {
            start::acknowledge(self.pid(), pending.into_inner().ack, result);
        }
    }

    /// Whether it has been told to end, by a signal: what it is about to do of its own is left out.
    pub fn is_told_to_end(&self) -> bool {
        self.state.load() & EXIT != 0
    }

    /// Whether its start is still going on.
    pub fn is_starting(&self) -> bool {
        self.lock().starting
    }

    /// The behaviour is through with a message: one that no user code had to do with was handled by us.
    #[inline(always)]
    fn has_taken(&self) {
        if self.is_taking.get() {
            self.is_taking.set(false);
            self.tally(What::Handled);
        }
    }

    /// Runs user code as this process. A panic in it is given back as such. `Err`: the process was struck; return.
    ///
    /// What the code of a process that was told to end gives back does not count: in OTP it would not have got so far.
    #[inline]
    pub fn user<R>(&self, code: impl FnOnce() -> R) -> Result<std::thread::Result<R>, Fenced> {
        let result = self.user_staying(code)?;
        self.come_back()?;
        Ok(result)
    }

    /// As [`Process::user`], and leaves the state word where it is, as if user code ran still: for a behaviour that has
    /// nothing more to do with the process, and says so ([`Flow::Returned`]), or else calls [`Process::come_back`]. A
    /// kill may strike meanwhile, as it may while user code runs; what is the behaviour's own may be touched.
    #[inline]
    pub fn user_staying<R>(&self, code: impl FnOnce() -> R) -> Result<std::thread::Result<R>, Fenced> {
        if !self.state.enter_callback() {
            return Err(Fenced::Exit);
        }
        Ok(self.user_still(code))
    }

    #[inline]
    fn user_still<R>(&self, code: impl FnOnce() -> R) -> std::thread::Result<R> {
        let handled = self.is_taking.replace(false).then_some(self.number);
        let depth = inside::step_out_counting(handled);
        let result = catch_unwind(AssertUnwindSafe(code));
        inside::re_enter(depth);
        result
    }

    /// As [`Process::user_staying`], for a message from [`Process::take_next`].
    #[inline(always)]
    pub fn user_next<R>(&self, code: impl FnOnce() -> R) -> std::thread::Result<R> {
        let depth = inside::step_out_counting(Some(self.number));
        let result = catch_unwind(AssertUnwindSafe(code));
        inside::re_enter(depth);
        result
    }

    /// The second half of [`Process::user`].
    #[inline]
    pub fn come_back(&self) -> Result<(), Fenced> {
        match self.state.shift(CALLBACK, RUNNING, 0, 0) {
            Ok(word) if word & EXIT != 0 => Err(Fenced::Exit),
            Ok(_) => Ok(()),
            Err(_) => Err(Fenced::Ghost),
        }
    }

    /// Whether it may rest as it is. While user code runs, or has just returned.
    #[inline]
    fn has_nothing_left(&self) -> bool {
        self.flags & BOUNDED == 0 && self.mailbox.is_empty() && self.kept.load(Ordering::Relaxed) == 0
    }

    /// User code has returned, and with that the process ends by itself, if nobody has told it to end: for a behaviour
    /// that has nothing to do before, and returns [`Flow::Stop`] then.
    #[inline]
    pub fn ends_at_return(&self) -> bool {
        if self.place.apart.is_some() || !self.state.end_at_return() {
            return false;
        }
        // SAFETY: DEAD by that step, without a ghost, and this is the thread that runs it.
        unsafe { self.reading() }.told = super::awaited::told::ENDED;
        true
    }

    /// Whether nothing came as it said that it rests; else it runs on, unless somebody else has seen to it.
    #[inline]
    fn stays_at_rest(&self) -> bool {
        self.mailbox_is_empty() || self.state.shift(IDLE, RUNNING, 0, 0).is_err()
    }

    /// Puts messages back in front of all others but priority messages, in this order.
    ///
    /// For a behaviour, from within its own turn.
    pub fn put_back(&self, messages: impl DoubleEndedIterator<Item = Message>) {
        debug_assert_eq!(self.state.phase(), RUNNING);
        // SAFETY: RUNNING, in a behaviour's turn, which is the thread that runs it.
        let reading = unsafe { self.reading() };
        for message in messages.rev() {
            self.untally_handled(&message);
            reading.saved().push_front(message);
        }
        // SAFETY: as above.
        unsafe { self.show_kept() };
    }

    /// From now on whatever counts for a limit is put aside, until [`Process::release_held`]. As [`Process::hold`].
    pub fn begin_holding(&self) {
        if let Some(bounded) = self.bounded() {
            bounded.queue.begin_holding();
        }
    }

    /// Puts a message aside until [`Process::release_held`]; should the process end before, it is answered for.
    ///
    /// For a behaviour, from within its own turn.
    pub fn hold(&self, message: Message) {
        debug_assert_eq!(self.state.phase(), RUNNING);
        // SAFETY: as in `put_back`.
        let reading = unsafe { self.reading() };
        self.is_taking.set(false);
        match self.bounded() {
            Some(bounded) if !reading.priority => {
                if let Some(dropped) = bounded.queue.hold(message, reading.counted) {
                    self.drop_unheard(dropped);
                }
            }
            _ => {
                reading.hold(message);
                // SAFETY: as above.
                unsafe { self.show_kept() };
            }
        }
    }

    /// Has what was put aside handled before all else of its sort, in its order. As [`Process::hold`].
    pub fn release_held(&self) {
        debug_assert_eq!(self.state.phase(), RUNNING);
        // SAFETY: as in `put_back`.
        unsafe { self.reading() }.release();
        if let Some(bounded) = self.bounded() {
            bounded.queue.release();
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        matches!(phase(self.state.load()), READY | RUNNING | CALLBACK | super::state::RESUMING)
    }
}
