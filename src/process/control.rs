//! The control block: what there is of a process besides its behaviour.

use super::between::Between;
use super::bound::{Bound, BoundedMailbox};
use super::callers::Callers;
use super::holdings::{Inner, Owned};
use super::home::Place;
use super::message::Message;
use super::names::Name;
use super::node::Node;
use super::reading::Reading;
use super::reply::{ReplyTo, Slot};
use super::run::Behaviour;
use super::spare;
use super::state::State;
use super::watchdog::Dog;
use crate::mailbox::Mailbox;
use crate::scheduler::{Header, OnTrial, ParkSlot, Runnable};
use crate::sync::blocks::Small;
use crate::sync::{AtomicPtr, AtomicU32, AtomicUsize, Mutex, Ordering};
use crate::term::{Atom, Pid, Ref, Term};
use std::any::{Any, TypeId};
use std::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::Arc;

/// A process's control block. `header` is first: the scheduler's pointer is the process's.
///
/// Four cache lines. Two of them are what processors fetch together, and so what senders write and what the receiver
/// writes lies in different twos.
#[repr(C, align(128))]
pub struct Process {
    // What senders read, and the head of the mailbox, which they write; nothing that the receiver writes.
    // Its id is the pid.
    pub(super) header: Header,
    pub(super) flags: u32,
    /// The runtime's, that its messages are counted under.
    pub(super) number: u32,
    /// Dropped by hand: as a rule the worker keeps the count (`spare`).
    pub(super) node: ManuallyDrop<Arc<Node>>,
    pub(super) place: Place,
    kind: Atom,
    /// How many count on it: `Held`.
    pub(super) counts: AtomicU32,
    /// What other threads use of it without asking it, such as a registry's table.
    pub(super) face: Option<Small<Face>>,
    pub(super) mailbox: Mailbox<Message, Mutex<Inner>>,
    // From the mailbox's tail on: what the one who runs it writes.
    pub(super) state: State,
    /// Receives and inline calls since it last gave its worker back; of the thread that runs it.
    spent: std::cell::Cell<u8>,
    pub(super) on_trial: OnTrial,
    /// A message was taken up that counts, and no user code has run since; of the thread that runs it.
    pub(super) is_taking: std::cell::Cell<bool>,
    pub(super) between: Between,
    /// The call being answered: an `Arc<Slot>` as a raw pointer, so that a fence can take it; or a desk (`inline`).
    pub(super) current_call: AtomicPtr<Slot>,
    behaviour: UnsafeCell<Option<Small<dyn Behaviour>>>,
    reading: UnsafeCell<Reading>,
    /// How many messages `reading` keeps, for others to see.
    pub(super) kept: AtomicUsize,
    /// What has to do with the calls made from its callbacks; null until one of them waits or fails.
    calls: AtomicPtr<Calls>,
}

#[derive(Default)]
struct Calls {
    /// Where its stack is kept while it waits. See [`Process::park`].
    park: ParkSlot,
    /// The last error, in the shape of the layer that made the call.
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
/// It runs on its parent's behalf.
pub(super) const FOR_PARENT: u32 = 64;

/// What a process shows to everybody while it lives, found by its pid and used without a message.
pub struct Face {
    kind: TypeId,
    /// Where it lies. With the kind beside it, it is found without asking it what it is: that answer comes in two words,
    /// and a processor waits for both to be written before it compares them as one.
    at: *const (),
    _what: Arc<dyn Any + Send + Sync>,
    /// Called with the process's own pid when it ends, as for what it owns; its links are taken after that.
    pub ends: Arc<dyn Owned>,
}

// SAFETY: the pointer leads to what it counts on itself, which is both.
unsafe impl Send for Face {}
// SAFETY: as above.
unsafe impl Sync for Face {}

impl Face {
    pub fn new<T: Any + Send + Sync>(what: Arc<T>, ends: Arc<dyn Owned>) -> Face {
        Face { kind: TypeId::of::<T>(), at: Arc::as_ptr(&what).cast(), _what: what, ends }
    }

    #[inline]
    fn get<T: Any>(&self) -> Option<&T> {
        // SAFETY: made from a `T` by `new`, which stays as long as the count that is kept here.
        (self.kind == TypeId::of::<T>()).then(|| unsafe { &*self.at.cast::<T>() })
    }
}

/// Makes the face of the process that is about to have that pid.
pub type MakeFace = Box<dyn FnOnce(Pid) -> Face + Send>;

/// What is given to a process that is made.
pub(super) struct Parts {
    pub flags: u32,
    pub kind: Atom,
    pub phase: u32,
    pub behaviour: Option<Small<dyn Behaviour>>,
}

/// What few have.
pub(super) struct Extras {
    pub face: Option<Face>,
    /// The limit of its mailbox.
    pub bound: Option<Bound>,
    /// 0: without a watchdog.
    pub watchdog_ms: u32,
}

// SAFETY: behaviour and reading end are touched only by the one whom the state word names (see the module), everything
// else is atomic, locked or immutable.
unsafe impl Send for Process {}
// SAFETY: as above.
unsafe impl Sync for Process {}

impl Process {
    /// Makes a process at its place, part by part: as a value it would be moved there as a whole at each step.
    ///
    /// # Safety
    /// `at` is memory for a process, the caller's alone.
    #[inline(always)]
    pub(super) unsafe fn make(at: *mut Process, pid: Pid, node: Arc<Node>, place: Place, parts: Parts) {
        // SAFETY: the caller's promise; each part is written once, and `all_parts_are_made` counts them.
        unsafe {
            (&raw mut (*at).header).write(Header::new(super::run::on_worker, pid.0));
            (&raw mut (*at).flags).write(parts.flags);
            (&raw mut (*at).number).write(node.number);
            (&raw mut (*at).node).write(ManuallyDrop::new(node));
            (&raw mut (*at).place).write(place);
            (&raw mut (*at).kind).write(parts.kind);
            (&raw mut (*at).counts).write(AtomicU32::new(1));
            (&raw mut (*at).face).write(None);
            (&raw mut (*at).mailbox).write(Mailbox::new());
            (&raw mut (*at).state).write(State::new(parts.phase));
            (&raw mut (*at).spent).write(std::cell::Cell::new(0));
            (&raw mut (*at).on_trial).write(OnTrial::default());
            (&raw mut (*at).is_taking).write(std::cell::Cell::new(false));
            (&raw mut (*at).between).write(Between::default());
            (&raw mut (*at).current_call).write(AtomicPtr::new(std::ptr::null_mut()));
            (&raw mut (*at).behaviour).write(UnsafeCell::new(parts.behaviour));
            (&raw mut (*at).reading).write(UnsafeCell::new(Reading::default()));
            (&raw mut (*at).kept).write(AtomicUsize::new(0));
            (&raw mut (*at).calls).write(AtomicPtr::new(std::ptr::null_mut()));
        }
    }

    /// Gives it what few have; while nobody knows it yet.
    pub(super) fn furnish(&mut self, extras: Extras) {
        self.face = extras.face.map(Small::new);
        if let Some(bound) = extras.bound {
            self.flags |= BOUNDED;
            self.place.apart.get_or_insert_default().bounded = Some(Box::new(BoundedMailbox::new(bound)));
        }
        if extras.watchdog_ms != 0 {
            // Its callbacks run where they can be left behind: on no caller's thread.
            self.flags &= !INLINE;
            self.place.apart.get_or_insert_default().dog = Some(Box::new(Dog::new(extras.watchdog_ms)));
        }
    }

    /// What is else found under the lock, and by the one who runs it; of a process that nobody knows yet.
    pub(super) fn hidden_parts(&mut self) -> (&mut Inner, &mut Reading) {
        (self.mailbox.between.get_mut(), self.reading.get_mut())
    }

    #[inline]
    pub fn pid(&self) -> Pid {
        Pid(self.header.id())
    }

    /// The runtime it lives in.
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// What it is: `server`, `supervisor`, `registry`, ...
    pub fn kind(&self) -> Atom {
        self.kind
    }

    /// In place of `mailbox`, where the flags say `BOUNDED`.
    #[inline]
    pub(super) fn bounded(&self) -> Option<&BoundedMailbox> {
        self.place.apart.as_ref()?.bounded.as_deref()
    }

    /// Its watchdog, if it was started with one.
    #[inline]
    pub(super) fn dog(&self) -> Option<&Dog> {
        self.place.apart.as_ref()?.dog.as_deref()
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
    /// The caller runs the process, or is its ghost, or carries out its exit while there is no ghost, or none any more.
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn behaviour(&self) -> &mut Option<Small<dyn Behaviour>> {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.behaviour.get() }
    }

    /// For the one who runs it: made now if there is none yet.
    fn calls(&self) -> &Calls {
        let mut calls = self.calls.load(Ordering::Relaxed);
        if calls.is_null() {
            calls = Small::into_raw(Small::default());
            // Release, partner: the load in `parked`.
            self.calls.store(calls, Ordering::Release);
        }
        // SAFETY: made above, now or earlier, and there as long as the process.
        unsafe { &*calls }
    }

    /// Where its stack is kept while it waits. For the one who runs it.
    pub(super) fn park(&self) -> &ParkSlot {
        &self.calls().park
    }

    /// The same for others; none: it has never waited.
    pub(super) fn parked(&self) -> Option<&ParkSlot> {
        // SAFETY: as above.
        unsafe { self.calls.load(Ordering::Acquire).as_ref() }.map(|calls| &calls.park)
    }

    /// As the scheduler knows it.
    pub(super) fn runnable(&self) -> Runnable {
        Runnable(NonNull::from(self).cast())
    }

    /// Whether it is run by its callers while it is idle, and never waits.
    pub(super) fn answers_at_once(&self) -> bool {
        self.flags & (INLINE | NO_PARK) == INLINE | NO_PARK
    }

    /// Whether it has nothing beside its behaviour and its mailbox that others would have to hear of, or to wait for.
    #[inline]
    pub(super) fn is_bare(&self) -> bool {
        self.face.is_none() && self.bounded().is_none() && self.place.thread_home().is_none()
    }

    /// Counts one more thing done without giving the worker back; true when it is time to.
    #[inline]
    pub(super) fn spend(&self) -> bool {
        const { assert!(super::run::BUDGET == 1 << u8::BITS, "it begins anew when it is spent") };
        let spent = self.spent.get().wrapping_add(1);
        self.spent.set(spent);
        spent == 0
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

    /// The process that waits for the answer to the call at hand. For the thread that runs this one.
    pub fn asked_by(&self) -> Option<Pid> {
        let call = self.current_call.load(Ordering::SeqCst);
        if super::inline::is_desk(call) {
            return super::inline::caller_at(call);
        }
        let reply = self.take_current_call()?;
        let caller = Some(reply.caller()).filter(|&caller| caller != Pid::NONE && reply.is_awaited());
        // Put back as a call is put there that is detached: partner is the end from outside.
        self.current_call.store(reply.into_raw(), Ordering::SeqCst);
        if self.state.is_dead()
            && let Some(reply) = self.take_current_call()
        {
            super::reply::owe(self, reply);
        }
        caller
    }

    /// Has a call answered when this process ends, as soon as its names and all it owns are free again. For one that is
    /// about to end.
    pub fn answer_at_end(&self, reply: ReplyTo, answer: Term) {
        self.mailbox.between.lock().rare.get_or_insert_default().farewells.push((reply, answer));
    }

    /// Its face, if it has one of that type.
    #[inline]
    pub fn face<T: Any>(&self) -> Option<&T> {
        self.face.as_ref().and_then(|face| face.get())
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
        let old = unsafe { (*self.calls().last_error.get()).replace(error) };
        drop(old);
    }

    /// Looks at the last error; as [`Process::set_last_error`].
    pub fn last_error<R>(&self, look: impl FnOnce(&(dyn Any + Send)) -> Option<R>) -> Option<R> {
        debug_assert!(super::current().is_some_and(|me| std::ptr::eq(me, self)));
        // SAFETY: as above, and made by this thread, if it is there.
        let calls = unsafe { self.calls.load(Ordering::Relaxed).as_ref() }?;
        // SAFETY: as above.
        unsafe { (*calls.last_error.get()).as_ref() }.and_then(|error| look(&**error))
    }

    /// On whose behalf it runs: who started it as a task, and on whose behalf that ran.
    pub fn callers(&self) -> Option<&Arc<Callers>> {
        if self.flags & FOR_PARENT != 0 {
            return self.place.lineage.as_ref().and_then(|lineage| lineage.callers());
        }
        self.place.callers()
    }

    /// Whether it has a monitor of that ref which has not fired.
    pub fn watches(&self, monitor: Ref) -> bool {
        self.lock().tied().is_some_and(|ties| ties.watches(monitor))
    }

    /// Behind whose callback it waits: it could go on, but its stack's thread is in that one. A ghost's, for one.
    pub fn behind(&self) -> Option<Pid> {
        use super::state::RESUMING;
        let is_behind = || self.state.phase() == RESUMING;
        // Looked at on both sides: what runs in between is not itself.
        let pid = Some(self).filter(|_| is_behind()).and_then(Process::parked).map(|park| Pid(park.behind()))?;
        (pid != Pid::NONE && pid != self.pid() && is_behind()).then_some(pid)
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

impl Drop for Process {
    fn drop(&mut self) {
        // SAFETY: once, and not used after this.
        let node = unsafe { ManuallyDrop::take(&mut self.node) };
        if let Some(lineage) = self.place.lineage.take() {
            spare::uncount_lineage(lineage, &node);
        }
        spare::uncount(node);
        let calls = *self.calls.get_mut();
        if !calls.is_null() {
            // SAFETY: made in `calls`, and nobody waits there any more.
            drop(unsafe { Small::from_raw(calls) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::blocks::Size;

    /// A field that is added is to be written in `Process::make` too: this does not compile without it.
    #[allow(dead_code)]
    fn all_parts_are_made(process: &Process) {
        let Process {
            header: _,
            flags: _,
            number: _,
            node: _,
            place: _,
            kind: _,
            counts: _,
            face: _,
            mailbox: _,
            state: _,
            spent: _,
            on_trial: _,
            is_taking: _,
            between: _,
            current_call: _,
            behaviour: _,
            reading: _,
            kept: _,
            calls: _,
        } = process;
    }

    #[test]
    fn a_control_block_stays_small() {
        // What an idle process takes in all, its state and its allocations included, is to stay below 384 bytes.
        let size = size_of::<Process>();
        assert!(size <= 256, "{size} bytes");
        assert_eq!(Size::of_life(size), Some(Size::L256));
        // Nothing that both sides write at each message is on one cache line, or on two that are fetched together.
        let align = align_of::<Process>();
        let between =
            std::mem::offset_of!(Process, mailbox) + std::mem::offset_of!(Mailbox<Message, Mutex<Inner>>, between);
        let tail = between + size_of::<Mutex<Inner>>();
        assert!(align == 128 && between <= 128 && tail >= 128, "{align} {between} {tail}");
    }
}
