//! Carrying out an end, in the order that the module above gives. Exactly one thread does it for each process: the one
//! whose transition made the state word `DEAD`.
//!
//! An end may end others (links). They go onto a list of the thread, and the outermost end works it off, so that a
//! chain of any length needs no stack.

use super::control::{Process, Ties};
use super::message::{Message, StartResult};
use super::state::{CALLBACK, DEAD, EXIT, RUNNING, Struck};
use super::{current, signal, start, table, timer, wait};
use crate::sync::{Ordering, inside};
use crate::term::{Term, atoms};
use std::cell::Cell;
use std::collections::VecDeque;
use std::ptr::{self, NonNull};
use std::sync::Arc;

struct Ending {
    process: NonNull<Process>,
    /// User code still runs or waits there, and drops the state when it returns.
    ghost: bool,
}

thread_local! {
    /// The list of the outermost end on this thread's stack; null: no end is under way. It has no destructor: threads
    /// that entered end their process while their thread-locals go.
    static ENDINGS: Cell<*mut VecDeque<Ending>> = const { Cell::new(ptr::null_mut()) };
}

/// Notes that user code still runs or waits in a process that is dead from now on. Under its lock, since that code may
/// return at any moment, and its thread looks for the note.
pub(super) fn note_ghost(process: &Process) {
    // The ghost's own count, given back by `ghost_returns`.
    std::mem::forget(current::count(process));
    process.node.ghosts.lock().insert(process.pid());
}

/// Does what a strike asks of its sender.
pub(super) fn after(process: &Process, struck: Struck) {
    match struck {
        Struck::Ours => carry_out(process, false),
        Struck::Ghost { resume } => {
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

/// The end of a process by itself, on the thread that runs it: `RUNNING`, with the private parts in hand.
pub(super) fn end_running(process: &Process, reason: Term, start: Option<StartResult>) {
    let spare = {
        let mut inner = process.lock();
        if let Some(pending) = &mut inner.pending {
            pending.result = start.map(Box::new);
        }
        if inner.exit_reason.is_none() {
            inner.exit_reason = Some(reason);
            None
        } else {
            Some(reason)
        }
    };
    drop(spare);
    let ended = process.state.shift(RUNNING, DEAD, 0, EXIT);
    debug_assert!(ended.is_ok(), "nobody else leaves RUNNING");
    carry_out(process, false);
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

/// The last step of a ghost: its user code has returned, its behaviour was dropped. Nothing may touch the process
/// after this, but for the guard that the caller is inside of.
pub(super) fn ghost_returns(process: &Process) {
    // Whoever struck it notes the ghost before the lock is given back.
    drop(process.lock());
    process.node.ghosts.lock().remove(&process.pid());
    unsafe fn give_up(process: *mut ()) {
        // SAFETY: the ghost's own count, taken in `after`.
        unsafe { Arc::decrement_strong_count(process.cast::<Process>()) };
    }
    // Later, since the caller still looks at it.
    // SAFETY: processes are shared between threads, and the count is ours.
    unsafe { inside::retire(std::ptr::from_ref(process).cast_mut().cast(), give_up) };
}

fn carry_out(process: &Process, ghost: bool) {
    let _inside = inside::enter();
    let ending = Ending { process: NonNull::from(process), ghost };
    let outer = ENDINGS.get();
    // SAFETY: it leads to the list of a frame further up, which uses it only between the ends that it carries out.
    if let Some(list) = unsafe { outer.as_mut() } {
        list.push_back(ending);
        return;
    }
    /// Takes the list away, also when a bug unwinds.
    struct Done;
    impl Drop for Done {
        fn drop(&mut self) {
            ENDINGS.set(ptr::null_mut());
        }
    }
    let mut list = VecDeque::new();
    let list = &raw mut list;
    ENDINGS.set(list);
    let _done = Done;
    // What is dropped on the way may run the user's code: not as whoever sent the signal, and it may not wait here.
    wait::without_waiting(|| {
        let mut next = Some(ending);
        while let Some(ending) = next {
            // SAFETY: the table's count is given back by this very end, in its last step, and freed only after this
            // thread has left.
            carry_out_one(unsafe { ending.process.as_ref() }, ending.ghost);
            // SAFETY: our own list, and no reference to it is alive here.
            next = unsafe { (*list).pop_front() };
        }
    });
}

fn carry_out_one(process: &Process, ghost: bool) {
    let pid = process.pid();
    let node = process.node();

    // Fence: nothing can be added to what is taken here.
    let (reason, timers, name, owned, children) = {
        let mut inner = process.lock();
        inner.fenced = true;
        let reason = inner.exit_reason.get_or_insert(Term::atom(atoms::KILLED)).clone();
        let owned = inner.rare.as_mut().map(|rare| std::mem::take(&mut rare.owned)).unwrap_or_default();
        let children = inner.children();
        let timers = inner.tied().map(|ties| std::mem::take(&mut ties.timers)).unwrap_or_default();
        (reason, timers, inner.name.take(), owned, children)
    };
    timer::cancel_listed(node, timers);
    for what in &owned {
        what.release(pid);
    }
    if let Some(face) = &process.face {
        face.ends.release(pid);
    }
    if let Some(name) = name {
        node.names.release(&name, pid);
    }
    signal::fence_names(children);

    // Stale first, then closed: whoever finds it closed can say so.
    table::clear(pid);
    let (ties, pending, deferred, farewells) = {
        let mut inner = process.lock();
        inner.closed = true;
        let (deferred, farewells) = match &mut inner.rare {
            Some(rare) => (std::mem::take(&mut rare.deferred), std::mem::take(&mut rare.farewells)),
            None => Default::default(),
        };
        (inner.ties.take(), inner.pending.take(), deferred, farewells)
    };
    process.close_bounded();
    node.processes.fetch_sub(1, Ordering::SeqCst);
    if process.place.thread_home().is_some() {
        node.thread_pids.lock().remove(&pid);
    }

    if let Some(pending) = pending {
        let result = pending.result.map_or_else(|| StartResult::Failed(reason.clone()), |result| *result);
        start::acknowledge(pid, pending.ack, result);
    }
    for (reply, answer) in farewells {
        reply.answer(answer);
    }
    let Ties { links, watching, watchers, .. } = ties.map_or_else(Ties::default, |ties| *ties);
    for peer in links.into_keys() {
        table::with_process(peer, |peer| signal::link_broken(peer, pid, reason.clone()));
    }
    for (monitor, watcher) in watchers {
        table::with_process(watcher, |watcher| signal::down(watcher, monitor, reason.clone()));
    }
    for (monitor, watch) in watching {
        table::with_process(watch.target, |target| target.lock().unwatched(monitor));
    }

    // The state, then what nobody will read any more.
    if !ghost {
        // SAFETY: DEAD without a ghost: the private parts are ours.
        drop_behaviour(process, unsafe { process.behaviour() }.take());
    }
    if let Some(reply) = process.take_current_call() {
        reply.die(reason.clone());
    }
    for (call, reply) in deferred {
        reply.die(reason.clone());
        node.outside.answered(call);
    }
    empty_mailbox(process, &reason);
    process.place.wake();
    let last = process.state.gone();
    // Partner: the look at the word after a push, in `Process::notify`. Either that sees the word, or we see the message.
    too_late(process);
    if last {
        table::retire(process);
    }
}

fn empty_mailbox(process: &Process, reason: &Term) {
    // SAFETY: DEAD: the reading end is ours; a ghost is refused it by the state word.
    unsafe { process.reading() }.release();
    // SAFETY: as above.
    while let Some(message) = unsafe { process.take_message() } {
        discard(process, message, reason);
    }
}

/// Ends what came too late: its exit is over. Each that finds the mailbox empty comes here, and takes along what others
/// push meanwhile; one after the other, under the lock, since there is no receiver any more. Not under a lock.
#[cold]
pub(super) fn too_late(process: &Process) {
    let mut late = Vec::new();
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

fn discard(process: &Process, message: Message, reason: &Term) {
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
pub(super) fn drop_behaviour(process: &Process, behaviour: Option<Box<dyn super::run::Behaviour>>) {
    let Some(mut behaviour) = behaviour else { return };
    let reason = process.lock().exit_reason.clone().unwrap_or_default();
    let depth = inside::step_out();
    // A panic of the user's drop ends here: nothing may stop an end.
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wait::without_waiting(|| {
            behaviour.ended(process.pid(), &reason);
            drop(behaviour);
        })
    }));
    inside::re_enter(depth);
}
