//! Carrying out an end, in the order that the module above gives. Exactly one thread does it at a time for each
//! process: the one whose transition made the state word `DEAD`, and then whoever runs the job that it handed the rest
//! to.
//!
//! An end may end others (links). They go onto a list of the thread, and the outermost end works it off, so that a
//! chain of any length needs no stack.
//!
//! # The rest is a job
//!
//! Who ends a process (a supervisor, a callback, a foreign thread) is not to be held up by all it owns, nor is a
//! worker. So an end is a small machine: a [`Step`] and what is left of the lists. It goes on where it is for one
//! slice, which is enough for nearly all; that is fast, and the killer finds the process dead when its call returns.
//! What is left after that, the list of further ends included, becomes a job: it does one slice at a time, and gives
//! its worker back in between. The steps and their order stay the same, and so does what others see: the pid is stale
//! (and "not alive" the answer) only when everything is released, and nobody hears of the end before that.
//!
//! * *Settle* sees the job as it sees any: a worker is awake, or a queue is not empty. Its id is nobody's, so that it
//!   is never taken for a ghost.
//! * *Shutdown* waits for the processes whose ends are unfinished (`Node::unfinished`), and reports them. From a thread
//!   that is no worker nothing is handed over once a runtime is stopping: its workers may be gone.
//! * *Plain* is the end of a process that has nothing to be released, and of which few are to hear: of most that live
//!   briefly. Its steps are the same, in the same order, but the lists are not made, and what is under the process's
//!   lock, from the fence to the pid's end, is done in one go. The whole end costs half the instructions so.
//! * *At once*, in one piece, ends a process whose own thread carries it out (it holds nobody else up), and one whose
//!   start has failed, since the starter is promised that nothing of it is left.

use super::awaited::told;
use super::control::Process;
use super::ending::{self, Exit};
use super::holdings::{Inner, Ties};
use super::message::{Message, StartResult};
use super::node::Node;
use super::pool::Held;
use super::run::Behaviour;
use super::state::{CALLBACK, DEAD, EXIT, RUNNING, Struck};
use super::watchdog::Stuck;
use super::{current, signal, table, wait};
use crate::scheduler::{self, Header, Runnable};
use crate::sync::blocks::Small;
use crate::sync::own::own;
use crate::sync::{MutexGuard, Ordering, inside, retired};
use crate::term::{Pid, Term, atoms};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// What one slice may do: entries of lists, each worth about a tenth of a microsecond.
const SLICE: usize = 1024;
/// What an end costs besides its lists, in these units.
const EACH: usize = 8;
/// The id of the job: no pid, so nobody's ghost.
const NOBODY: u64 = u64::MAX;

pub(super) struct Ending {
    pub process: NonNull<Process>,
    /// User code still runs or waits there, and drops the state when it returns, if nothing is to be done before that.
    pub ghost: bool,
}

/// The list of the outermost end on this thread's stack; null: no end is under way. Not a thread-local with a
/// destructor: threads that entered end their process while theirs go.
fn endings() -> *mut VecDeque<Ending> {
    own().endings.get().cast()
}

/// Notes that user code still runs or waits in a process that is dead from now on. Under its lock, since that code may
/// return at any moment, and its thread looks for the note.
pub(super) fn note_ghost(process: &Process) {
    // The ghost's own count, given back by `ghost_ends`.
    Held::of(process).into_raw();
    process.node.ghosts.lock().insert(process.pid());
}

/// Does what a strike asks of its sender.
pub(super) fn after(process: &Process, struck: Struck) {
    match struck {
        Struck::Ours => carry_out(process, false),
        Struck::Ghost { resume, between } => {
            if between {
                process.between.shut_out();
            }
            carry_out(process, true);
            if resume {
                process.place.resume(process);
            } else {
                // A thread that waits in one of our calls looks at the state word.
                process.place.wake();
            }
        }
        Struck::Theirs | Struck::Nothing => {}
    }
}

/// The end of a process by itself, on the thread that runs it: `RUNNING`, with the private parts in hand. The caller is
/// inside.
pub(super) fn end_running(process: &Process, reason: Term, start: Option<StartResult>) {
    // Then it is `DEAD` already, and what struck it since came too late.
    // SAFETY: RUNNING, or this, and on the thread that runs it.
    let is_decided = unsafe { process.reading() }.told & told::ENDED != 0;
    let end = || {
        let ended = is_decided || process.state.shift(RUNNING, DEAD, 0, EXIT).is_ok();
        debug_assert!(ended, "nobody else leaves RUNNING");
    };
    let spare = {
        let mut inner = process.lock();
        let spare = match inner.exit_reason.is_some() {
            // Written where it stays, word by word, and moved nowhere (`sync/blocks`, made).
            false => {
                inner.exit_reason = Some(reason);
                None
            }
            true if is_decided => inner.exit_reason.replace(reason),
            true => Some(reason),
        };
        if is_plain(process, &inner) && endings().is_null() {
            // A thread that is no worker may run it, inline.
            let _unseen = Unseen::of(process, false);
            end();
            end_plainly(process, inner);
            drop(spare);
            return;
        }
        if let Some(pending) = &mut inner.pending {
            pending.result = start.map(Box::new);
        }
        spare
    };
    drop(spare);
    end();
    carry_out(process, false);
}

/// Those who hear of a plain end, at most.
const HEARERS: usize = 8;

/// Whether there is nothing to be released but its state, and few are to be told.
#[inline]
fn is_plain(process: &Process, inner: &Inner) -> bool {
    let is_loose = |ties: &Ties| {
        ties.timers.is_none()
            && ties.watching.len() == 0
            && ties.links.len() + ties.watchers.len() <= HEARERS
            && !ties.links.iter().any(|(_, link)| link.child)
    };
    inner.name.is_none()
        && !inner.starting
        && inner.rare.is_none()
        && inner.ties.as_deref().is_none_or(is_loose)
        && process.is_bare()
}

/// The end of who is plain, and `DEAD`, from the fence on; see the module.
fn end_plainly(process: &Process, mut inner: MutexGuard<'_, Inner>) {
    let reason = inner.exit_reason.get_or_insert(Term::atom(atoms::KILLED)).clone();
    inner.fenced = true;
    let (pid, node) = (process.pid(), process.node());
    table::clear(pid);
    inner.closed = true;
    let ties = inner.ties.take();
    drop(inner);
    node.count_out();
    let mut list = VecDeque::new();
    let is_over = {
        let _done = Done;
        own().endings.set((&raw mut list).cast());
        wait::without_waiting(|| {
            if let Some(mut ties) = ties {
                // The only one of them is the one that is gone at the other end.
                // SAFETY: as below.
                let told = unsafe { process.reading() }.told;
                if ties.links.len() != 1 || told & told::LINK == 0 {
                    for (peer, _) in std::mem::take(&mut ties.links) {
                        table::with_process(peer, |peer| signal::link_broken(peer, pid, reason.clone()));
                    }
                }
                if ties.watchers.len() != 1 || told & told::MONITOR == 0 {
                    for (monitor, watcher) in std::mem::take(&mut ties.watchers) {
                        table::with_process(watcher, |watcher| signal::down(watcher, monitor, reason.clone()));
                    }
                }
            }
            // SAFETY: DEAD without a ghost: the private parts are ours.
            drop_now(process, unsafe { process.behaviour() }.take(), &reason);
            if let Some(reply) = process.take_current_call() {
                reply.die(reason.clone());
            }
            // SAFETY: as above.
            process.mailbox_is_bare() && !unsafe { process.reading() }.keeps()
        })
    };
    if is_over && list.is_empty() {
        drop(reason);
        return ending::gone(process);
    }
    let ending = Ending { process: NonNull::from(process), ghost: false };
    let mut rest = Exit::of_mailbox(ending, reason);
    rest.at_once = own().ends_at_once.get();
    go_through(Series { exit: Some(rest), list });
}

/// The end of an entered thread's process by itself.
pub(super) fn end_entered(process: &Process, reason: Term) {
    process.lock().exit_reason.get_or_insert(reason);
    if process.state.shift(CALLBACK, DEAD, 0, EXIT).is_ok() {
        carry_out(process, false);
    } else {
        ghost_returns(process);
    }
}

/// The end of a process that was told to end, while it is in a callback and must go on waiting there: it is a ghost
/// from now on.
pub(super) fn end_in_callback(process: &Process) {
    if process.state.shift(CALLBACK, DEAD, 0, EXIT).is_ok() {
        note_ghost(process);
        carry_out(process, true);
    }
}

/// The user code of a ghost has returned. It drops the state, unless the pid leads to it still: then whoever carries
/// out the end does, in its turn. Nothing may touch the process after this, but for the guard that the caller is inside
/// of.
pub(super) fn ghost_returns(process: &Process) {
    // Whoever struck it notes the ghost before the lock is given back.
    let mut inner = process.lock();
    if !inner.closed {
        inner.returned = true;
        return;
    }
    drop(inner);
    ghost_ends(process);
}

/// The last step of a ghost, after its user code has returned and its pid is stale.
pub(super) fn ghost_ends(process: &Process) {
    // SAFETY: the ghost's, whose code has returned; or handed over by it under the lock.
    drop_behaviour(process, unsafe { process.behaviour() }.take());
    process.node.ghosts.lock().remove(&process.pid());
    unsafe fn give_up(process: *mut ()) {
        // SAFETY: the ghost's own count, taken in `note_ghost`.
        drop(unsafe { Held::from_raw(process.cast()) });
    }
    // Later, since the caller still looks at it.
    // SAFETY: processes are shared between threads, and the count is ours.
    unsafe { retired::retire(std::ptr::from_ref(process).cast_mut().cast(), give_up) };
}

/// Runs `end`, which ends a process, and has that carried out in one piece.
pub(super) fn at_once(end: impl FnOnce()) {
    let before = own().ends_at_once.replace(true);
    end();
    own().ends_at_once.set(before);
}

fn carry_out(process: &Process, ghost: bool) {
    let _inside = inside::enter();
    let ending = Ending { process: NonNull::from(process), ghost };
    let outer = endings();
    // SAFETY: it leads to the list of a frame further up, which uses it only between the ends that it carries out.
    if let Some(list) = unsafe { outer.as_mut() } {
        list.push_back(ending);
        return;
    }
    let _unseen = Unseen::of(process, ghost);
    if !ghost {
        let inner = process.lock();
        if is_plain(process, &inner) {
            return end_plainly(process, inner);
        }
    }
    let mut exit = Exit::new(ending);
    if own().ends_at_once.get() || !ghost && is_own_thread(process) {
        exit.at_once = true;
    }
    go_through(Series { exit: Some(exit), list: VecDeque::new() });
}

fn go_through(mut series: Series) {
    if !series.go_on(SLICE) {
        Job::queue(Box::new(Job { header: Header::new(Job::run, NOBODY), series, noted: None }));
    }
}

/// Carries out the end of a ghost, from its first step on a worker, for a thread that has no time for it.
pub(super) fn carry_out_elsewhere(process: &Process, stuck: Stuck) {
    let _inside = inside::enter();
    let mut exit = Exit::new(Ending { process: NonNull::from(process), ghost: true });
    exit.stuck = Some(stuck);
    let series = Series { exit: Some(exit), list: VecDeque::new() };
    Job::queue(Box::new(Job { header: Header::new(Job::run, NOBODY), series, noted: None }));
}

/// Has a runtime that settles wait for a thread that it would not see: one that carries out ends is outside while a
/// state is dropped, and more ends, and answers, come after that.
pub(super) struct Unseen(Arc<Node>);

impl Unseen {
    /// For who carries out the end of that process here. None: the thread is seen to be at work, as a worker of its
    /// runtime that runs what is no ghost.
    #[inline]
    fn of(process: &Process, ghost: bool) -> Option<Unseen> {
        let node = process.node();
        let is_seen = match scheduler::runs_here(node.scheduler()) {
            None => false,
            Some(id) if id == process.pid().0 => !ghost,
            Some(id) => !node.is_ghost(Pid(id)),
        };
        if is_seen { None } else { Some(Unseen::on(node)) }
    }

    #[cold]
    pub fn on(node: &Arc<Node>) -> Unseen {
        node.unseen.fetch_add(1 << 32 | 1, Ordering::SeqCst);
        Unseen(node.clone())
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        self.0.unseen.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whether the process ends by itself on a thread of its own.
fn is_own_thread(process: &Process) -> bool {
    process.place.thread_home().is_some() && current::current().is_some_and(|me| ptr::eq(me, process))
}

/// Takes the list of the thread away, also when a bug unwinds.
struct Done;

impl Drop for Done {
    fn drop(&mut self) {
        own().endings.set(ptr::null_mut());
    }
}

/// Ends that are carried out one after the other: one that has begun, and those that came of it.
struct Series {
    exit: Option<Exit>,
    list: VecDeque<Ending>,
}

impl Series {
    /// Goes on for about `left` entries; true when all is over.
    fn go_on(&mut self, mut left: usize) -> bool {
        let list = &raw mut self.list;
        own().endings.set(list.cast());
        let _done = Done;
        // What is dropped on the way may run the user's code: not as whoever sent the signal, and it may not wait here.
        wait::without_waiting(|| {
            while let Some(exit) = &mut self.exit {
                let whole = exit.at_once;
                if !exit.go_on(if whole { usize::MAX } else { left }, &mut left) {
                    return false;
                }
                left = left.saturating_sub(EACH);
                // SAFETY: our own list, and no reference to it is alive here.
                self.exit = unsafe { (*list).pop_front() }.map(Exit::new);
            }
            true
        })
    }
}

/// A series that did not fit into one slice, on its way through the run queues.
#[repr(C)]
struct Job {
    header: Header,
    series: Series,
    /// The process whose end is under way, as its runtime knows it.
    noted: Option<(Arc<Node>, Pid)>,
}

impl Job {
    /// Puts it behind what waits already.
    fn queue(mut job: Box<Job>) {
        let Some(exit) = &job.series.exit else { return };
        let node = exit.process().node().clone();
        let pid = exit.process().pid();
        if job.noted.as_ref().is_none_or(|(_, known)| *known != pid) {
            node.unfinished.lock().insert(pid);
            job.forget();
            job.noted = Some((node.clone(), pid));
        }
        // Partner: the look at `unfinished` in shutdown, after it has said that the runtime is stopping: either that
        // sees our note, and the workers stay until it is gone, or we see that it is stopping.
        if node.is_stopping() && !scheduler::on_worker_of(node.scheduler()) {
            job.series.go_on(usize::MAX);
            return;
        }
        node.scheduler().yield_back(Runnable(NonNull::from(Box::leak(job)).cast()));
    }

    /// One slice.
    ///
    /// # Safety
    /// `header` is that of a leaked `Job`, which is this call's alone.
    unsafe fn run(header: NonNull<Header>) {
        // SAFETY: the caller's promise.
        let mut job = unsafe { Box::from_raw(header.cast::<Job>().as_ptr()) };
        match catch_unwind(AssertUnwindSafe(|| job.series.go_on(SLICE))) {
            Ok(true) => {}
            Ok(false) => Job::queue(job),
            Err(_) => {
                // A bug in regrow: the ends behind it go on.
                job.series.exit = job.series.list.pop_front().map(Exit::new);
                Job::queue(job);
            }
        }
    }

    fn forget(&mut self) {
        if let Some((node, pid)) = self.noted.take() {
            node.unfinished.lock().remove(&pid);
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Ends what came too late: its exit is over. Each that finds the mailbox empty comes here, and takes along what others
/// push meanwhile; one after the other, under the lock, since there is no receiver any more. Whoever pushes from then
/// on sees the word, and comes here. Not under a lock.
#[cold]
pub(super) fn too_late(process: &Process) {
    let mut late = Vec::new();
    // Who is answered may run the user's code, outside; only the caller's guard keeps the process.
    let _held = Held::of(process);
    let reason = {
        let inner = process.lock();
        // SAFETY: GONE: the reading end is that of whoever has the lock.
        while let Some(message) = unsafe { process.take_message() } {
            late.push(message);
        }
        inner.exit_reason.clone().unwrap_or(Term::atom(atoms::NOPROC))
    };
    if !late.is_empty() {
        wait::without_waiting(|| late.into_iter().for_each(|message| discard(process, message, &reason)));
    }
}

pub(super) fn discard(process: &Process, message: Message, reason: &Term) {
    match message {
        Message::Call { reply, request } => {
            let heard = reply.not_taken(reason.clone());
            process.lost(Some(&request), heard, reason);
        }
        Message::System { reply, .. } => {
            reply.die(reason.clone());
        }
        Message::Native { reply, request } => {
            let heard = reply.is_some_and(|reply| reply.die(reason.clone()));
            drop(request);
            process.lost(None, heard, reason);
        }
        Message::Info(term) | Message::Cast(term) => process.lost(Some(&term), false, reason),
        // A child that came up for a dead supervisor is linked to it, and hears of its end that way.
        other => drop(other),
    }
}

/// Drops a behaviour, which may run the user's `drop`: outside all locks, without an identity, and it may not wait.
pub(super) fn drop_behaviour(process: &Process, behaviour: Option<Small<dyn Behaviour>>) {
    if behaviour.is_some() {
        let reason = process.lock().exit_reason.clone().unwrap_or_default();
        wait::without_waiting(|| drop_now(process, behaviour, &reason));
    }
}

/// As [`drop_behaviour`], where nothing may wait.
fn drop_now(process: &Process, behaviour: Option<Small<dyn Behaviour>>, reason: &Term) {
    let Some(mut behaviour) = behaviour else { return };
    let depth = inside::step_out();
    // A panic of the user's drop ends here: nothing may stop an end.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        behaviour.ended(process.pid(), reason);
        drop(behaviour);
    }));
    inside::re_enter(depth);
}
