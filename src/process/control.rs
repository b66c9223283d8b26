//! The control block: what there is of a process besides its behaviour.

use super::bound::{Bound, BoundedMailbox};
use super::callers::Callers;
use super::holdings::{Inner, Owned};
use super::message::Message;
use super::names::Name;
use super::node::Node;
use super::reading::Reading;
use super::reply::{ReplyTo, Slot};
use super::run::Behaviour;
use super::start::Place;
use super::state::State;
use super::watchdog::Dog;
use crate::mailbox::Mailbox;
use crate::scheduler::{Header, ParkSlot, Runnable};
use crate::sync::{AtomicPtr, AtomicUsize, Mutex, Ordering};
use crate::term::{Atom, Pid, Ref, Term};
use std::any::Any;
use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::Arc;

/// A process's control block. `header` is first: the scheduler's pointer is the process's.
#[repr(C)]
pub struct Process {
    // What senders read, and the head of the mailbox, which they write; nothing that the receiver writes.
    pub(super) header: Header,
    pid: Pid,
    pub(super) flags: u32,
    /// The runtime's, that its messages are counted under.
    pub(super) number: u32,
    pub(super) node: Arc<Node>,
    pub(super) place: Place,
    /// What other threads use of it without asking it, such as a registry's table.
    pub(super) face: Option<Face>,
    /// In place of `mailbox`, where `flags` say `BOUNDED`.
    pub(super) bounded: Option<Box<BoundedMailbox>>,
    /// Its watchdog, if it was started with one.
    pub(super) dog: Option<Box<Dog>>,
    pub(super) mailbox: Mailbox<Message, Mutex<Inner>>,
    // From the mailbox's tail on: what the one who runs it writes.
    pub(super) state: State,
    /// Receives and inline calls since it last gave its worker back; of the thread that runs it.
    spent: std::cell::Cell<u32>,
    /// A message was taken up that counts, and no user code has run since; of the thread that runs it.
    pub(super) is_taking: std::cell::Cell<bool>,
    /// The call being answered: an `Arc<Slot>` as a raw pointer, so that a fence can take it; or a desk (`inline`).
    pub(super) current_call: AtomicPtr<Slot>,
    behaviour: UnsafeCell<Option<Box<dyn Behaviour>>>,
    reading: UnsafeCell<Reading>,
    /// How many messages `reading` keeps, for others to see.
    pub(super) kept: AtomicUsize,
    pub(super) park: ParkSlot,
    /// The last error of a call made from its callbacks, in the shape of the layer that made it.
    last_error: UnsafeCell<Option<Box<dyn Any + Send>>>,
}

/// The server runs on the worker's own stack and may not wait.
pub const NO_PARK: u32 = 1;
/// One of the runtime's own: EXIT messages come to it whoever sends them, and it never parks.
pub const SYSTEM: u32 = 2;
/// A call is answered there and then, on the caller's thread, when the process is idle.
pub const INLINE: u32 = 8;
/// A thread of the embedding program that entered.
pub const ENTERED: u32 = 4;
/// A supervisor that answers requests while it starts its children.
pub const CONCURRENT: u32 = 16;
/// Its mailbox has a limit.
pub(super) const BOUNDED: u32 = 32;

/// What a process shows to everybody while it lives, found by its pid and used without a message.
pub struct Face {
    pub what: Arc<dyn Any + Send + Sync>,
    /// Called with the process's own pid when it ends, as for what it owns; its links are taken after that.
    pub ends: Arc<dyn Owned>,
}

/// Makes the face of the process that is about to have that pid.
pub type MakeFace = Box<dyn FnOnce(Pid) -> Face + Send>;

// SAFETY: behaviour and reading end are touched only by the one whom the state word names (see the module), everything
// else is atomic, locked or immutable.
unsafe impl Send for Process {}
// SAFETY: as above.
unsafe impl Sync for Process {}

impl Process {
    #[allow(clippy::too_many_arguments)] // One caller for each kind of place, and each argument is a field.
    pub(super) fn new(
        header: Header, pid: Pid, node: Arc<Node>, place: Place, flags: u32, phase: u32,
        behaviour: Option<Box<dyn Behaviour>>, face: Option<Face>,
    ) -> Process {
        Process {
            header,
            pid,
            flags,
            number: node.number,
            node,
            place,
            face,
            bounded: None,
            dog: None,
            mailbox: Mailbox::new(),
            state: State::new(phase),
            spent: std::cell::Cell::new(0),
            is_taking: std::cell::Cell::new(false),
            park: ParkSlot::new(),
            current_call: AtomicPtr::new(std::ptr::null_mut()),
            behaviour: UnsafeCell::new(behaviour),
            reading: UnsafeCell::new(Reading::default()),
            kept: AtomicUsize::new(0),
            last_error: UnsafeCell::new(None),
        }
    }

    /// With a limit to its mailbox, before anybody knows it.
    pub(super) fn bounded(mut self, bound: Option<Bound>) -> Process {
        if let Some(bound) = bound {
            self.flags |= BOUNDED;
            self.bounded = Some(Box::new(BoundedMailbox::new(bound)));
        }
        self
    }

    /// With a watchdog, before anybody knows it; 0: without.
    pub(super) fn watched(mut self, watchdog_ms: u32) -> Process {
        if watchdog_ms != 0 {
            // Its callbacks run where they can be left behind: on no caller's thread.
            self.flags &= !INLINE;
            self.dog = Some(Box::new(Dog::new(watchdog_ms)));
        }
        self
    }

    #[inline]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The runtime it lives in.
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// What it is: `server`, `supervisor`, `registry`, ...
    pub fn kind(&self) -> Atom {
        self.place.kind
    }

    /// Whether it is one of the runtime's own, that never parks.
    pub fn is_system(&self) -> bool {
        self.flags & SYSTEM != 0
    }

    pub fn flags(&self) -> u32 {
        self.flags
    }

    pub(super) fn lock(&self) -> crate::sync::MutexGuard<'_, Inner> {
        self.mailbox.between.lock()
    }

    /// # Safety
    /// The caller is the one whom the state word allows the private parts, and holds no other reference to them.
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn reading(&self) -> &mut Reading {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.reading.get() }
    }

    /// # Safety
    /// The caller runs the process, or is its ghost, or carries out its exit while there is no ghost.
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn behaviour(&self) -> &mut Option<Box<dyn Behaviour>> {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.behaviour.get() }
    }

    /// As the scheduler knows it.
    pub(super) fn runnable(&self) -> Runnable {
        Runnable(NonNull::from(self).cast())
    }

    /// Whether it is run by its callers while it is idle, and never waits.
    pub(super) fn answers_at_once(&self) -> bool {
        self.flags & (INLINE | NO_PARK) == INLINE | NO_PARK
    }

    /// Counts one more thing done without giving the worker back; true when it is time to.
    #[inline]
    pub(super) fn spend(&self) -> bool {
        let spent = self.spent.get() + 1;
        let over = spent >= super::run::BUDGET;
        self.spent.set(if over { 0 } else { spent });
        over
    }

    /// Puts the call at hand where a fence finds it.
    pub fn set_current_call(&self, reply: ReplyTo) {
        let old = self.current_call.swap(reply.into_raw(), Ordering::AcqRel);
        // SAFETY: what stood there came from `into_raw`, and whoever swaps it out owns it.
        drop(unsafe { ReplyTo::from_raw(old) });
    }

    /// Takes the call at hand; none when it was answered, deferred, taken by a fence, or has no slot (`inline`).
    pub fn take_current_call(&self) -> Option<ReplyTo> {
        let call = self.current_call.load(Ordering::SeqCst);
        if call.is_null() || super::inline::is_desk(call) {
            return None;
        }
        // Whoever is quicker has it. Nobody marks one in between: that is done by who takes an idle process.
        // SAFETY: as in `set_current_call`.
        unsafe { ReplyTo::from_raw(self.current_call.swap(std::ptr::null_mut(), Ordering::AcqRel)) }
    }

    /// Has a call answered when this process ends, as soon as its names and all it owns are free again. For one that is
    /// about to end.
    pub fn answer_at_end(&self, reply: ReplyTo, answer: Term) {
        self.mailbox.between.lock().rare.get_or_insert_default().farewells.push((reply, answer));
    }

    /// Its face, if it has one of that type.
    #[inline]
    pub fn face<T: Any>(&self) -> Option<&T> {
        self.face.as_ref().and_then(|face| face.what.downcast_ref())
    }

    /// The name it is registered under.
    pub fn name(&self) -> Option<Name> {
        self.mailbox.between.lock().name.clone()
    }

    /// A word for people and tools.
    pub fn set_label(&self, label: Term) {
        let old = self.mailbox.between.lock().rare.get_or_insert_default().label.replace(label);
        drop(old);
    }

    pub fn label(&self) -> Option<Term> {
        self.mailbox.between.lock().rare.as_ref().and_then(|rare| rare.label.clone())
    }

    pub fn is_trapping(&self) -> bool {
        self.mailbox.between.lock().trap_exit
    }

    /// Keeps the last error of the calling callback. Only for the process that [`super::current`] gives: its thread
    /// alone touches this.
    pub fn set_last_error(&self, error: Box<dyn Any + Send>) {
        debug_assert!(super::current().is_some_and(|me| std::ptr::eq(me, self)));
        // SAFETY: only the thread that runs the process (or its ghost) gets here.
        let old = unsafe { (*self.last_error.get()).replace(error) };
        drop(old);
    }

    /// Looks at the last error; as [`Process::set_last_error`].
    pub fn last_error<R>(&self, look: impl FnOnce(&(dyn Any + Send)) -> Option<R>) -> Option<R> {
        debug_assert!(super::current().is_some_and(|me| std::ptr::eq(me, self)));
        // SAFETY: as above.
        unsafe { (*self.last_error.get()).as_deref() }.and_then(look)
    }

    /// On whose behalf it runs: who started it as a task, and on whose behalf that ran.
    pub fn callers(&self) -> Option<&Arc<Callers>> {
        self.place.callers.as_ref()
    }

    /// Whether it has a monitor of that ref which has not fired.
    pub fn watches(&self, monitor: Ref) -> bool {
        self.lock().tied().is_some_and(|ties| ties.watching.contains_key(&monitor))
    }

    /// Behind whose callback it waits: it could go on, but its stack's thread is in that one. A ghost's, for one.
    pub fn behind(&self) -> Option<Pid> {
        use super::state::RESUMING;
        let is_behind = || self.state.phase() == RESUMING;
        // Looked at on both sides: what runs in between is not itself.
        let pid = Some(self).filter(|_| is_behind()).map(|me| Pid(me.park.behind()))?;
        (pid != Pid::NONE && pid != self.pid && is_behind()).then_some(pid)
    }

    /// What it is doing, in a word.
    pub fn status(&self) -> &'static str {
        use super::state::*;
        match self.state.phase() {
            IDLE => "waiting",
            READY => "runnable",
            RUNNING | CALLBACK => "running",
            PARKED | RESUMING => "parked",
            _ => "exiting",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_block_stays_small() {
        // What an idle process takes in all, its state and its allocations included, is to stay below 700 bytes.
        let size = size_of::<Process>();
        assert!(size <= 448, "{size} bytes");
        // Nothing that both sides write at each message is on one cache line.
        let state = std::mem::offset_of!(Process, state);
        let mailbox = std::mem::offset_of!(Process, mailbox);
        assert!(state >= mailbox + 128, "{mailbox} {state}");
    }
}
