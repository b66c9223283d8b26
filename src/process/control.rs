//! The control block: what there is of a process besides its behaviour.

use super::bound::{Bound, BoundedMailbox, Refused};
use super::lineage::Lineage;
use super::message::Message;
use super::names::Name;
use super::node::Node;
use super::reading::Reading;
use super::reply::{ReplyTo, Slot};
use super::run::Behaviour;
use super::start::{Pending, Place};
use super::state::State;
use super::timer::TimerRefs;
use super::watchdog::Dog;
use crate::mailbox::{Mailbox, Pop};
use crate::scheduler::{Header, ParkSlot, Runnable};
use crate::sync::inside::Inside;
use crate::sync::tally::What;
use crate::sync::{AtomicPtr, AtomicUsize, Mutex, Ordering};
use crate::term::{Atom, Pid, Ref, Term};
use hashbrown::{HashMap, HashSet};
use std::any::Any;
use std::cell::UnsafeCell;
use std::hash::{BuildHasherDefault, Hasher};
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
    /// The call being answered: an `Arc<Slot>` as a raw pointer, so that a fence can take it.
    pub(super) current_call: AtomicPtr<Slot>,
    behaviour: UnsafeCell<Option<Box<dyn Behaviour>>>,
    reading: UnsafeCell<Reading>,
    /// How many messages `reading` keeps, for others to see.
    kept: AtomicUsize,
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

/// One end of a link.
#[derive(Clone, Copy, Default)]
pub struct Link {
    /// The other end was started by this one and is its child.
    pub child: bool,
    /// What becomes of its end here is a priority message.
    pub priority: bool,
}

/// Something owned by processes that has to go when its owner does.
pub trait Owned: Send + Sync {
    /// Forgets everything of `pid`. Called outside all locks, before the death can be observed.
    fn release(&self, pid: Pid);
    /// Forgets about `limit` things of `pid`, at least one, and says how many; fewer than `limit`: nothing is left. For
    /// what may hold a great many, so that an end does not keep a worker; called again until nothing is left.
    fn release_some(&self, pid: Pid, limit: usize) -> usize {
        let _ = limit;
        self.release(pid);
        0
    }

    /// Forgets what `pid` can be found by, in the way of [`Owned::release_some`]: its supervisor died without stopping
    /// it, and it goes on. What it has comes to `release_some` when it ends.
    fn unname(&self, pid: Pid, limit: usize) -> usize {
        self.release_some(pid, limit)
    }
}

/// What a process shows to everybody while it lives, found by its pid and used without a message.
pub struct Face {
    pub what: Arc<dyn Any + Send + Sync>,
    /// Called with the process's own pid when it ends, as for what it owns; its links are taken after that.
    pub ends: Arc<dyn Owned>,
}

/// Makes the face of the process that is about to have that pid.
pub type MakeFace = Box<dyn FnOnce(Pid) -> Face + Send>;

/// A monitor held by a process.
pub(super) struct Watch {
    pub target: Pid,
    /// The name it was asked for by, if any.
    pub name: Option<Term>,
}

/// What the lock guards.
#[derive(Default)]
pub(super) struct Inner {
    /// Set by the first fatal thing; what the exit is carried out with.
    pub exit_reason: Option<Term>,
    /// No owned resource, name or timer can be added any more.
    pub fenced: bool,
    /// Its lists were taken: links and monitors find it dead.
    pub closed: bool,
    /// Its supervisor died without stopping it: it may hold no name or entry.
    pub nameless: bool,
    pub trap_exit: bool,
    pub name: Option<Name>,
    pub pending: Option<Pending>,
    /// None until the first of them: most idle processes have none. Read with `tied`.
    pub ties: Option<Box<Ties>>,
    pub rare: Option<Box<Rare>>,
}

/// Links, monitors and timers; and what its children share.
#[derive(Default)]
pub(super) struct Ties {
    pub lineage: Option<Arc<Lineage>>,
    pub links: HashMap<Pid, Link, IdHash>,
    pub watching: HashMap<Ref, Watch, IdHash>,
    pub watchers: HashMap<Ref, Pid, IdHash>,
    pub timers: TimerRefs,
}

impl Inner {
    /// To add one.
    pub fn ties(&mut self) -> &mut Ties {
        self.ties.get_or_insert_default()
    }

    /// To look for one, or to take one away.
    pub fn tied(&mut self) -> Option<&mut Ties> {
        self.ties.as_deref_mut()
    }

    /// Takes a link away.
    pub fn unlink(&mut self, peer: Pid) -> Option<Link> {
        self.tied()?.links.remove(&peer)
    }

    /// Takes a monitor away that it holds.
    pub fn unwatch(&mut self, monitor: Ref) -> Option<Watch> {
        let watch = self.tied()?.watching.remove(&monitor)?;
        if let Some(rare) = &mut self.rare {
            rare.priority.remove(&monitor);
        }
        Some(watch)
    }

    /// Whether what comes by this alias (if its sender says so) or monitor is a priority message.
    pub fn has_priority(&self, by: Ref) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.priority.contains(&by))
    }

    /// Takes a monitor away that another holds on it.
    pub fn unwatched(&mut self, monitor: Ref) {
        if let Some(ties) = self.tied() {
            ties.watchers.remove(&monitor);
        }
    }

    /// Takes a timer off its list.
    pub fn forget_timer(&mut self, timer: u64) {
        if let Some(ties) = self.tied() {
            ties.timers.remove(&timer);
        }
    }

    /// The processes that it started and is linked with.
    pub fn children(&self) -> Vec<Pid> {
        let links = self.ties.as_deref().into_iter().flat_map(|ties| &ties.links);
        links.filter(|(_, link)| link.child).map(|(&pid, _)| pid).collect()
    }
}

/// What few processes have.
#[derive(Default)]
pub(super) struct Rare {
    pub owned: Vec<Arc<dyn Owned>>,
    pub deferred: HashMap<u64, ReplyTo, IdHash>,
    pub label: Option<Term>,
    /// Refs that messages may be sent to without a monitor behind them.
    pub aliases: HashSet<Ref, IdHash>,
    /// Those aliases, and monitors, that priority messages may come by.
    pub priority: HashSet<Ref, IdHash>,
    /// Answers that are given once everything of it is released.
    pub farewells: Vec<(ReplyTo, Term)>,
}

/// On whose behalf a process runs, nearest first: a list that shares its tail with that process's own.
pub struct Callers {
    pub pid: Pid,
    above: Option<Arc<Callers>>,
    length: usize,
}

impl Callers {
    /// So many are kept of a chain of processes that start each other.
    const MOST: usize = 64;

    /// Those of a process that `pid` starts, whose own are `above`.
    pub fn new(pid: Pid, above: Option<&Arc<Callers>>) -> Arc<Callers> {
        let length = above.map_or(0, |above| above.length) + 1;
        if length <= Callers::MOST {
            return Arc::new(Callers { pid, above: above.cloned(), length });
        }
        // The furthest is left out.
        let mut kept: Vec<Pid> = above.into_iter().flat_map(|above| above.pids()).take(Callers::MOST - 1).collect();
        kept.reverse();
        let above = kept.into_iter().fold(None, |above, pid| Some(Callers::new(pid, above.as_ref())));
        Callers::new(pid, above.as_ref())
    }

    pub fn pids(&self) -> impl Iterator<Item = Pid> + '_ {
        std::iter::successors(Some(self), |callers| callers.above.as_deref()).map(|callers| callers.pid)
    }
}

/// Hashes what is a number already.
pub type IdHash = BuildHasherDefault<IdHasher>;

/// Fibonacci hashing of one 64-bit number.
#[derive(Default, Clone, Copy)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }
    fn write_u64(&mut self, number: u64) {
        // 2^64 divided by the golden ratio; the high half carries the mixing down.
        let mixed = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

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

    /// Puts a message into the mailbox and sees to it that it is looked at; whatever the limit.
    #[inline(always)]
    pub(super) fn deliver(&self, message: Message) {
        if message.counts() {
            self.tally(What::Sent);
        }
        if self.flags & BOUNDED != 0 {
            return self.deliver_bounded(message);
        }
        self.enqueue(message);
    }

    /// As [`Process::deliver`], for what a user sends: it counts against a limit.
    #[inline(always)]
    pub(super) fn offer(&self, message: Message, inside: &Inside) -> Result<(), Box<Refused>> {
        inside.tally(self.number, What::Sent);
        if self.flags & BOUNDED != 0 {
            return self.offer_bounded(message);
        }
        self.enqueue(message);
        Ok(())
    }

    /// As [`Process::deliver`]; before all ordinary messages, if it has `priority`. No limit holds that up.
    pub(super) fn deliver_as(&self, message: Message, priority: bool) {
        if !priority {
            return self.deliver(message);
        }
        if message.counts() {
            self.tally(What::Sent);
        }
        let is_first = self.mailbox.push_priority(message);
        self.place.signal();
        if is_first {
            self.notify();
        }
    }

    #[inline(always)]
    fn enqueue(&self, message: Message) {
        // Onto messages that were not looked at yet: the receiver is not at rest, or about to hear of them. The state
        // word, which it writes at each message, is left on its side of the machine.
        let is_first = self.mailbox.push(message);
        self.place.signal();
        if is_first {
            self.notify();
        }
    }

    /// A message came, into whichever mailbox.
    pub(super) fn arrived(&self) {
        self.place.signal();
        self.notify();
    }

    /// Whether nothing came since the receiver last found nothing; from any thread.
    #[inline]
    pub(super) fn mailbox_is_empty(&self) -> bool {
        self.mailbox.is_empty() && self.bounded.as_ref().is_none_or(|bounded| bounded.queue.is_empty())
    }

    /// As [`Process::mailbox_is_empty`], and nothing is put aside because of a limit.
    pub(super) fn mailbox_is_bare(&self) -> bool {
        self.mailbox.is_empty() && self.bounded.as_ref().is_none_or(|bounded| bounded.queue.is_bare())
    }

    /// Whether nothing is left for the receiver.
    ///
    /// # Safety
    /// As [`Process::reading`].
    pub(super) unsafe fn mailbox_is_drained(&self) -> bool {
        // SAFETY: the caller is the consumer.
        let drained = unsafe { self.mailbox.is_drained() };
        drained && self.bounded.as_ref().is_none_or(|bounded| bounded.queue.is_drained())
    }

    /// Last: what comes too late is answered, and the process may be gone after that.
    #[inline]
    fn notify(&self) {
        let word = self.state.load();
        match super::state::phase(word) {
            super::state::IDLE if self.state.make_ready() => self.place.schedule(self),
            super::state::PARKED if word & super::state::RECEIVES != 0 => self.unpark(),
            super::state::DEAD if word & super::state::GONE != 0 => super::exit::too_late(self),
            _ => {}
        }
    }

    /// Wakes it out of a wait, or out of the next one.
    pub(super) fn unpark(&self) {
        if self.state.unpark() {
            self.place.resume(self);
        }
    }

    /// Takes the next message: a priority message, then the saved ones, then the mailbox.
    ///
    /// # Safety
    /// As [`Process::reading`].
    #[inline]
    pub(super) unsafe fn take_message(&self) -> Option<Message> {
        // SAFETY: the caller's promise.
        if unsafe { self.reading() }.keeps() {
            // SAFETY: the caller's promise.
            return unsafe { self.take_kept().or_else(|| self.take_fresh()) };
        }
        // SAFETY: the caller is the consumer.
        unsafe { self.take_fresh() }
    }

    /// Takes the next message, if it is a priority message, or one of those that were kept.
    ///
    /// # Safety
    /// As [`Process::reading`].
    unsafe fn take_kept(&self) -> Option<Message> {
        // SAFETY: the caller's promise.
        let reading = unsafe { self.reading() };
        let message = match reading.next_saved_priority() {
            Some(message) => {
                reading.priority = true;
                message
            }
            // SAFETY: the caller is the consumer.
            None if unsafe { self.mailbox.has_priority() } => return unsafe { self.take_priority() },
            None => {
                let message = reading.next_saved()?;
                reading.priority = false;
                message
            }
        };
        // SAFETY: as above.
        unsafe { self.show_kept() };
        Some(message)
    }

    /// Lets others see how many messages are kept, after that has changed.
    ///
    /// # Safety
    /// As [`Process::reading`].
    pub(super) unsafe fn show_kept(&self) {
        // SAFETY: the caller's promise. Relaxed: a count for people.
        self.kept.store(unsafe { self.reading() }.kept_count(), Ordering::Relaxed);
    }

    /// How many messages wait to be handled: in the mailbox, or taken out of it and put aside.
    pub fn mailbox_length(&self) -> usize {
        let bounded = self.bounded.as_ref().map_or(0, |bounded| bounded.queue.len());
        bounded + self.mailbox.len() + self.kept.load(Ordering::Relaxed)
    }

    /// Takes the next message that was not looked at yet.
    ///
    /// # Safety
    /// As [`Process::reading`].
    #[inline]
    pub(super) unsafe fn take_fresh(&self) -> Option<Message> {
        if self.flags & BOUNDED != 0 {
            // SAFETY: the caller is the consumer.
            return unsafe { self.take_bounded() };
        }
        loop {
            // SAFETY: the caller is the consumer.
            match unsafe { self.mailbox.pop() } {
                Pop::Message(message) => {
                    // SAFETY: the caller's promise.
                    unsafe { self.reading() }.priority = false;
                    return Some(message);
                }
                Pop::Empty => return None,
                // SAFETY: the caller is the consumer.
                Pop::Priority => return unsafe { self.take_priority() },
                // A sender is between two instructions, or was preempted there.
                Pop::Busy => std::thread::yield_now(),
            }
        }
    }

    /// Takes the priority message that is there.
    ///
    /// # Safety
    /// As [`Process::reading`].
    #[cold]
    pub(super) unsafe fn take_priority(&self) -> Option<Message> {
        loop {
            // SAFETY: the caller is the consumer.
            match unsafe { self.mailbox.pop_priority() } {
                Pop::Message(message) => {
                    // SAFETY: the caller's promise.
                    unsafe { self.reading() }.priority = true;
                    return Some(message);
                }
                Pop::Empty | Pop::Priority => return None,
                Pop::Busy => std::thread::yield_now(),
            }
        }
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

    /// Takes the call at hand; none when it was answered, deferred, or taken by a fence.
    pub fn take_current_call(&self) -> Option<ReplyTo> {
        // SAFETY: as in `set_current_call`.
        unsafe { ReplyTo::from_raw(self.current_call.swap(std::ptr::null_mut(), Ordering::AcqRel)) }
    }

    /// Has a call answered when this process ends, as soon as its names and all it owns are free again. For one that is
    /// about to end.
    pub fn answer_at_end(&self, reply: ReplyTo, answer: Term) {
        self.mailbox.between.lock().rare.get_or_insert_default().farewells.push((reply, answer));
    }

    /// Runs `look` under this process's lock, to add something it owns. None when it is fenced.
    pub fn own<R>(&self, look: impl FnOnce(&mut Owner<'_>) -> R) -> Option<R> {
        let mut inner = self.mailbox.between.lock();
        if inner.fenced || inner.nameless {
            return None;
        }
        Some(look(&mut Owner { inner: &mut inner, pid: self.pid }))
    }

    /// As [`Process::own`], for what others do not find the process by: also for one that may hold no name any more.
    pub fn own_nameless<R>(&self, look: impl FnOnce(&mut Owner<'_>) -> R) -> Option<R> {
        let mut inner = self.lock();
        if inner.fenced {
            return None;
        }
        Some(look(&mut Owner { inner: &mut inner, pid: self.pid }))
    }

    /// Its face, if it has one of that type.
    #[inline]
    pub fn face<T: Any>(&self) -> Option<&T> {
        self.face.as_ref().and_then(|face| face.what.downcast_ref())
    }

    /// Links it, on its side only, with processes that have the link already: those hear of its end.
    ///
    /// For a process that ends and has kept count of who is linked to it in another way.
    pub fn take_up_links(&self, peers: impl Iterator<Item = Pid>) {
        let mut inner = self.mailbox.between.lock();
        if inner.closed {
            return;
        }
        for peer in peers {
            inner.ties().links.entry(peer).or_insert(Link::default());
        }
    }

    /// A copy of its links.
    pub fn links(&self) -> Vec<Pid> {
        self.lock().tied().map(|ties| ties.links.keys().copied().collect()).unwrap_or_default()
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

/// A process under its own lock, as [`Process::own`] shows it.
pub struct Owner<'a> {
    inner: &'a mut Inner,
    pid: Pid,
}

impl Owner<'_> {
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Has `what` released when the process ends; once, however often it is added.
    pub fn add(&mut self, what: &Arc<dyn Owned>) {
        let owned = &mut self.inner.rare.get_or_insert_default().owned;
        if !owned.iter().any(|other| std::ptr::addr_eq(Arc::as_ptr(other), Arc::as_ptr(what))) {
            owned.push(what.clone());
        }
    }

    /// Takes it off the list again.
    pub fn remove(&mut self, what: &Arc<dyn Owned>) {
        if let Some(rare) = &mut self.inner.rare {
            rare.owned.retain(|other| !std::ptr::addr_eq(Arc::as_ptr(other), Arc::as_ptr(what)));
        }
    }
    /// Links it with `peer` on its side only: it hears of the peer's end if that takes the link up
    /// ([`Process::take_up_links`]), the peer does not hear of its end. False when it was linked already.
    pub fn link(&mut self, peer: Pid) -> bool {
        let links = &mut self.inner.ties().links;
        if links.contains_key(&peer) {
            return false;
        }
        links.insert(peer, Link::default());
        true
    }

    /// Takes a link away again, on its side only.
    pub fn unlink(&mut self, peer: Pid) {
        self.inner.unlink(peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_callers_are_kept() {
        let start = |pid: u64, above: Option<Arc<Callers>>| Some(Callers::new(Pid(pid), above.as_ref()));
        let callers = (1..=1000).fold(None, |above, pid| start(pid, above)).expect("a thousand");
        let pids: Vec<u64> = callers.pids().map(|pid| pid.0).collect();
        assert_eq!(pids, (1000 - 63..=1000).rev().collect::<Vec<_>>());
    }

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
