//! Starting: from a behaviour to a process that its starter hears of.
//!
//! The pid, the name, the link and the monitor are there before the first instruction of the process runs, so one that
//! ends at once still ends with its real reason. The starter hears exactly once: that it is up, that it does not want
//! to, or why it failed, and then everything of it is gone already.

use super::bound::{Bound, BoundedMailbox};
use super::callers::Callers;
use super::control::{MakeFace, Parts, Process, SYSTEM};
use super::current;
use super::error::Error;
use super::exit;
use super::holdings::{Link, Watch};
use super::lineage::Lineage;
use super::message::{Message, StartResult, Started};
use super::names::{self, Name};
use super::node::Node;
use super::pool::Held;
use super::reply::{self, Outcome, ReplyTo};
use super::run::{self, Behaviour};
use super::signal;
use super::spare;
use super::state::{CALLBACK, DEAD, IDLE, QUEUED, READY, Unqueued};
use super::table;
use super::watchdog::Dog;
use crate::sync::blocks::Small;
use crate::sync::own::own;
use crate::sync::parker::Parker;
use crate::sync::{AtomicI32, Ordering, forked, inside};
use crate::term::{Atom, Pid, Ref, Term, atoms};
use std::cell::RefCell;
use std::sync::Arc;

pub use super::control::{
    CONCURRENT as FLAG_CONCURRENT, ENTERED as FLAG_ENTERED, INLINE as FLAG_INLINE, NO_PARK as FLAG_NO_PARK,
    SYSTEM as FLAG_SYSTEM,
};

/// Where a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Home {
    /// On the workers.
    #[default]
    Shared,
    /// On an operating system thread of its own.
    Thread,
}

/// A thread that is one process's home.
pub struct ThreadHome {
    pub(super) parker: Arc<Parker>,
    event_fd: AtomicI32,
}

impl ThreadHome {
    fn new() -> Arc<ThreadHome> {
        Arc::new(ThreadHome { parker: Arc::new(Parker::new()), event_fd: AtomicI32::new(-1) })
    }

    /// Makes the eventfd readable, if somebody asked for it.
    pub(super) fn signal(&self) {
        let fd = self.event_fd.load(Ordering::Acquire);
        if fd >= 0 {
            let one = 1u64;
            // SAFETY: writes eight bytes of a local. A counter that is full stays readable, which is all that counts.
            unsafe { libc::write(fd, (&raw const one).cast(), 8) };
        }
    }
}

impl Drop for ThreadHome {
    fn drop(&mut self) {
        let fd = *self.event_fd.get_mut();
        if fd >= 0 {
            // SAFETY: the descriptor is ours alone.
            unsafe { libc::close(fd) };
        }
    }
}

/// Home and family.
pub(super) struct Place {
    /// Parent and grandparents; none: nobody's child.
    pub lineage: Option<Arc<Lineage>>,
    pub apart: Option<Small<Apart>>,
}

/// What few have from their start.
#[derive(Default)]
pub(super) struct Apart {
    home: Option<Arc<ThreadHome>>,
    /// On whose behalf it runs, nearest first.
    callers: Option<Arc<Callers>>,
    /// In place of the mailbox, where the flags say `BOUNDED`.
    pub bounded: Option<Box<BoundedMailbox>>,
    pub dog: Option<Box<Dog>>,
}

impl Place {
    fn new(lineage: Option<Arc<Lineage>>, home: Home, callers: Option<Arc<Callers>>) -> Place {
        let home = match home {
            Home::Shared => None,
            Home::Thread => Some(ThreadHome::new()),
        };
        let is_common = home.is_none() && callers.is_none();
        let apart = || Small::new(Apart { home, callers, ..Apart::default() });
        Place { lineage, apart: if is_common { None } else { Some(apart()) } }
    }

    #[inline]
    pub fn thread_home(&self) -> Option<&Arc<ThreadHome>> {
        self.apart.as_ref().and_then(|apart| apart.home.as_ref())
    }

    pub fn callers(&self) -> Option<&Arc<Callers>> {
        self.apart.as_ref().and_then(|apart| apart.callers.as_ref())
    }

    /// It has become ready.
    pub fn schedule(&self, process: &Process) {
        match self.thread_home() {
            None => process.node.scheduler().schedule(process.runnable()),
            Some(home) => home.parker.unpark(),
        }
    }

    /// It has used up its turn.
    pub fn give_back(&self, process: &Process) {
        match self.thread_home() {
            None => process.node.scheduler().yield_back(process.runnable()),
            Some(home) => home.parker.unpark(),
        }
    }

    /// What is parked goes on.
    pub fn resume(&self, process: &Process) {
        match self.thread_home() {
            None => {
                if let Some(park) = process.parked() {
                    park.resume(!process.state.is_dead());
                }
            }
            Some(home) => home.parker.unpark(),
        }
    }

    /// Has a thread look at the state word.
    pub fn wake(&self) {
        if let Some(home) = self.thread_home() {
            home.parker.unpark();
        }
    }

    pub fn signal(&self) {
        if let Some(home) = self.thread_home() {
            home.signal();
        }
    }
}

/// Who hears how a start ended.
pub enum Ack {
    Nobody,
    Reply(ReplyTo),
    /// A process gets `Message::Started` with this token.
    Message {
        to: Pid,
        token: u64,
    },
}

/// Who hears of a start that is not over.
pub(super) struct Pending {
    pub ack: Ack,
    /// Only of a start that failed or was ignored.
    pub result: Option<Box<StartResult>>,
}

impl Pending {
    fn of(ack: Ack) -> Small<Pending> {
        Small::new(Pending { ack, result: None })
    }
}

pub(super) fn acknowledge(pid: Pid, ack: Ack, result: StartResult) {
    match ack {
        Ack::Nobody => {}
        Ack::Reply(reply) => {
            reply.started(result);
        }
        Ack::Message { to, token } => {
            signal::deliver(to, Message::Started(Box::new(Started { token, pid, result })));
        }
    }
}

/// Enters a process somewhere under a name of another kind, before it runs.
pub type Via = Box<dyn FnOnce(Pid) -> Result<(), Error> + Send>;

/// What to start, and how.
pub struct ChildStart {
    pub behaviour: Small<dyn Behaviour>,
    pub home: Home,
    pub flags: u32,
    /// What it is; see [`Startable::kind`].
    pub kind: Atom,
    pub name: Option<Name>,
    pub via: Option<Via>,
    /// Who started it; for `parent()` and the rules about the parent's exit. `Pid::NONE`: nobody.
    pub parent: Pid,
    /// Link it with its parent.
    pub link: bool,
    /// It is its parent's child: it loses its names when that dies.
    pub child: bool,
    /// Have this process linked with it too.
    pub link_with: Option<Pid>,
    /// Have this process monitor it.
    pub monitor: Option<Pid>,
    /// The ref of that monitor, if the process has to know it beforehand.
    pub monitor_as: Option<Ref>,
    /// On whose behalf it runs, nearest first (Elixir's `$callers`).
    pub callers: Option<Arc<Callers>>,
    /// It runs on its parent's behalf, in place of `callers`.
    pub for_parent: bool,
    /// What it shows to everybody from the moment its pid leads anywhere.
    pub face: Option<MakeFace>,
    /// Its init does nothing: it is up at once, and nobody is told.
    pub at_once: bool,
    /// The limit of its mailbox.
    pub bound: Option<Bound>,
    /// How long its callbacks may run without waiting, in milliseconds; 0: for ever.
    pub watchdog_ms: u32,
    pub ack: Ack,
}

impl ChildStart {
    /// One without name, parent or anybody who waits.
    #[inline(always)]
    pub fn new(behaviour: impl Behaviour + 'static) -> ChildStart {
        ChildStart {
            behaviour: boxed(behaviour),
            home: Home::Shared,
            flags: 0,
            kind: atoms::SERVER,
            name: None,
            via: None,
            parent: Pid::NONE,
            link: false,
            child: false,
            link_with: None,
            monitor: None,
            monitor_as: None,
            callers: None,
            for_parent: false,
            face: None,
            at_once: false,
            bound: None,
            watchdog_ms: 0,
            ack: Ack::Nobody,
        }
    }
}

/// A behaviour whose kind is not known any more.
#[inline(always)]
pub fn boxed(behaviour: impl Behaviour + 'static) -> Small<dyn Behaviour> {
    // SAFETY: only its type changes.
    unsafe { Small::new(behaviour).seen_as(|behaviour| behaviour as *mut dyn Behaviour) }
}

/// A kind of process that can be started again and again. The rooms above implement it, so that the supervisor can
/// start kinds that it does not know.
pub trait Startable: Send + Sync {
    /// A fresh one, as it is before its first start. Family, names and ack are the starter's to fill in.
    fn build(&self) -> ChildStart;
    /// What it is called in specs and reports: `server`, `supervisor`, `registry`, ...
    fn kind(&self) -> Atom;
    /// The same with one more argument for its init, as OTP appends it to a template's arguments. None: a kind that
    /// takes no arguments.
    fn with_argument(&self, _extra: &Term) -> Option<Arc<dyn Startable>> {
        None
    }
    /// How long its init may take, in milliseconds; none: for ever.
    fn init_timeout(&self) -> Option<u32> {
        None
    }
}

/// Enters a process somewhere under a name of another kind, at each start.
pub type Registers = Arc<dyn Fn(Pid) -> Result<(), Error> + Send + Sync>;

/// What to start, and what it is to be called.
#[derive(Clone)]
pub struct StartSpec {
    pub what: Arc<dyn Startable>,
    pub name: Option<Name>,
    pub via: Option<Registers>,
}

impl StartSpec {
    /// For [`spawn`], without a family yet.
    pub fn build(&self) -> ChildStart {
        let mut start = self.what.build();
        start.kind = self.what.kind();
        start.name = self.name.clone();
        start.via = self.via.clone().map(|via| Box::new(move |pid| via(pid)) as Via);
        start
    }
}

/// A process on its way.
pub struct Spawned {
    pub pid: Pid,
    pub monitor: Option<Ref>,
}

/// Counts one more process, and gives it a pid.
#[inline]
fn reserve(node: &Node) -> Result<Pid, Error> {
    if node.is_stopping() {
        return Err(Error::NotAlive);
    }
    if !node.count_in() {
        return Err(Error::Limit);
    }
    table::reserve().ok_or_else(|| {
        node.processes.fetch_sub(1, Ordering::SeqCst);
        Error::Limit
    })
}

/// Starts a process of which nobody is to hear, with no family or name, and which is up at once: as [`spawn`] of a
/// [`ChildStart`] that says nothing else.
#[inline]
pub fn spawn_alone(node: &Arc<Node>, behaviour: Small<dyn Behaviour>, kind: Atom, flags: u32) -> Result<Pid, Error> {
    let pid = reserve(node)?;
    let place = Place { lineage: None, apart: None };
    let parts = Parts { behaviour: Some(behaviour), ..Parts::new(kind, flags, IDLE) };
    let make = |at: *mut Process| {
        // SAFETY: it writes each part; after that it is a process, which nobody else knows yet.
        let (inner, reading) = unsafe {
            Process::make(at, pid, spare::count(node), place, parts);
            (*at).hidden_parts()
        };
        reading.initialised = true;
        inner.trap_exit = flags & SYSTEM != 0;
    };
    // SAFETY: it makes a process there.
    let process = unsafe { Held::make(make) };
    let _inside = inside::enter();
    table::publish(process);
    Ok(pid)
}

/// Starts a process. What is refused here (a name that is taken, a limit) leaves nothing behind, and `ack` hears
/// nothing; after `Ok` it hears once, unless `at_once`.
pub fn spawn(node: &Arc<Node>, start: ChildStart) -> Result<Spawned, Error> {
    let pid = reserve(node)?;
    // Nobody is to know its pid before this is over, and nothing can be refused: it is found as it is to be.
    let unknown = start.name.is_none() && start.via.is_none() && !start.link && start.link_with.is_none();
    let alone = unknown && start.at_once && start.home == Home::Shared;
    let monitor = start.monitor.map(|watcher| (start.monitor_as.unwrap_or_else(Ref::fresh), watcher));
    // Before it can end: whoever finds it may end it, and that is to be heard of.
    let mut callers = start.callers;
    let lineage = Lineage::of_children(start.parent, |parent, inner| {
        if let Some((monitor, _)) = monitor.filter(|&(_, watcher)| watcher == start.parent) {
            inner.ties().watching.insert(monitor, Watch { target: pid, name: None });
        }
        if start.for_parent {
            let shared = inner.ties().callers.get_or_insert_with(|| Callers::new(start.parent, parent.callers()));
            callers = Some(shared.clone());
        }
    });
    if let Some((monitor, watcher)) = monitor.filter(|&(_, watcher)| watcher != start.parent) {
        watch(monitor, watcher, pid);
    }
    let mut ack = Some(start.ack);
    let place = Place::new(lineage, start.home, callers);
    let parts = Parts {
        flags: start.flags,
        kind: start.kind,
        // Not yet ready: it is listed first. Nobody schedules what is READY already.
        phase: if alone { IDLE } else { READY },
        behaviour: Some(start.behaviour),
        face: start.face.map(|make| make(pid)),
        bound: start.bound,
        watchdog_ms: start.watchdog_ms,
    };
    let make = |at: *mut Process| {
        // SAFETY: it writes each part; after that it is a process, which nobody else knows yet.
        let (inner, reading) = unsafe {
            Process::make(at, pid, spare::count(node), place, parts);
            (*at).hidden_parts()
        };
        reading.initialised = start.at_once;
        inner.trap_exit = start.flags & SYSTEM != 0;
        if !start.at_once {
            inner.starting = true;
            inner.pending = ack.take_if(|ack| unknown && !matches!(ack, Ack::Nobody)).map(Pending::of);
        }
        if start.link {
            inner.ties().links.insert(start.parent, Link::default());
        }
        if let Some(peer) = start.link_with {
            inner.ties().links.insert(peer, Link::default());
        }
        if let Some((monitor, watcher)) = monitor {
            inner.ties().watchers.insert(monitor, watcher);
        }
    };
    // SAFETY: it makes a process there.
    let process = unsafe { Held::make(make) };
    node.watchdogs.add(&process);
    let _inside = inside::enter();
    let process = table::publish(process);
    let spawned = Spawned { pid, monitor: monitor.map(|(monitor, _)| monitor) };
    if alone {
        return Ok(spawned);
    }
    if !unknown {
        let listed = list(process, start.name, start.via)
            .and_then(|()| if start.link { link_back(node, process, start.parent, start.child) } else { Ok(()) })
            .and_then(|()| start.link_with.map_or(Ok(()), |peer| link_back(node, process, peer, false)));
        if let Err(error) = listed {
            // Known to nobody: it ends as if it had never been, and neither the ack nor the monitor is told.
            drop(ack);
            if let Some((monitor, watcher)) = monitor {
                table::with_process(watcher, |watcher| watcher.lock().unwatch(monitor));
            }
            unlist(process);
            return Err(error);
        }
        if let Some(ack) = ack.filter(|ack| !start.at_once && !matches!(ack, Ack::Nobody)) {
            expect(process, ack);
        }
    }
    if start.home == Home::Thread {
        run_thread(node, process)?;
    } else if start.at_once {
        let _ = process.state.shift(READY, IDLE, 0, 0);
        if !process.mailbox_is_empty() && process.state.make_ready() {
            process.place.schedule(process);
        }
    } else if process.state.shift(READY, READY, 0, QUEUED).is_ok() {
        process.place.schedule(process);
    }
    Ok(spawned)
}

/// Notes a monitor at the one who holds it.
fn watch(monitor: Ref, watcher: Pid, target: Pid) {
    table::with_process(watcher, |watcher| {
        watcher.lock().ties().watching.insert(monitor, Watch { target, name: None });
    });
}

/// Notes who hears of the start. If it was struck already (its name was known for a moment), they hear now.
fn expect(process: &Process, ack: Ack) {
    let pending = Pending::of(ack);
    let mut inner = process.lock();
    if inner.starting {
        inner.pending = Some(pending);
        return;
    }
    let reason = inner.exit_reason.clone().unwrap_or(Term::atom(atoms::KILLED));
    drop(inner);
    acknowledge(process.pid(), pending.into_inner().ack, StartResult::Failed(reason));
}

fn list(process: &Process, name: Option<Name>, via: Option<Via>) -> Result<(), Error> {
    if let Some(name) = name {
        names::claim(process, name)?;
    }
    match via {
        Some(via) => via(process.pid()),
        None => Ok(()),
    }
}

/// Makes the other end of a link that the process was made with.
fn link_back(node: &Arc<Node>, process: &Process, peer: Pid, child: bool) -> Result<(), Error> {
    let linked = table::with_process(peer, |peer| {
        if !Arc::ptr_eq(peer.node(), node) {
            return Err(Error::OtherRuntime);
        }
        let mut inner = peer.lock();
        if inner.fenced || inner.nameless && child {
            return Err(Error::NoProcess);
        }
        inner.ties().links.insert(process.pid(), Link { child, ..Link::default() });
        Ok(())
    });
    linked.unwrap_or(Err(Error::NoProcess))
}

/// Takes back a process that was published and never ran; nobody hears of its end.
fn unlist(process: &Process) {
    let links = process.lock().tied().map(|ties| std::mem::take(&mut ties.links)).unwrap_or_default();
    for (peer, _) in links {
        table::with_process(peer, |peer| peer.lock().unlink(process.pid()));
    }
    exit::at_once(|| signal::kill(process.pid(), Term::atom(atoms::NORMAL)));
}

/// As [`spawn`], and waits until the start is over; `Error::Start`: its init stopped, with that reason.
pub fn spawn_and_wait(node: &Arc<Node>, mut start: ChildStart, timeout: Option<u32>) -> Result<Spawned, Error> {
    if start.at_once {
        current::identity()?;
        return spawn(node, start);
    }
    let slot = reply::slot_for_me()?;
    start.ack = Ack::Reply(reply::reply_to(&slot));
    let spawned = spawn(node, start)?;
    match reply::wait_for(&slot, node, timeout, false) {
        Ok(Outcome::Started(StartResult::Ready)) => Ok(spawned),
        Ok(Outcome::Started(StartResult::Ignored)) => Err(Error::Ignored),
        Ok(Outcome::Started(StartResult::Failed(reason)) | Outcome::Died(reason)) => Err(Error::Start(reason)),
        Ok(_) => Err(Error::Start(Term::atom(atoms::BADARG))),
        Err(Error::Timeout) => {
            exit::at_once(|| signal::kill(spawned.pid, Term::atom(atoms::KILLED)));
            Err(Error::Start(Term::atom(atoms::TIMEOUT)))
        }
        // As in OTP, who is killed while it waits leaves the start alone; if they are linked, that link tells of it,
        // and a supervisor stops its children in order.
        Err(Error::Killed) => Err(Error::Killed),
        Err(error) => {
            exit::at_once(|| signal::kill(spawned.pid, Term::atom(atoms::KILLED)));
            Err(error)
        }
    }
}

fn run_thread(node: &Arc<Node>, process: &Process) -> Result<(), Error> {
    node.thread_pids.lock().insert(process.pid());
    let mine = Held::of(process);
    let thread = std::thread::Builder::new().name("regrow-process".into()).spawn(move || {
        let Some(home) = mine.place.thread_home().cloned() else { return };
        loop {
            {
                let _inside = inside::enter();
                // What a worker's queue holds elsewhere is held by this thread.
                if mine.state.unqueue() == Unqueued::Retire {
                    table::retire(&mine);
                }
                mine.wake_watchdog();
                run::turn(&mine);
            }
            match mine.state.phase() {
                DEAD => break,
                READY => {}
                _ => {
                    home.parker.wait();
                }
            }
        }
        // A message that came between the look at the queue and the last turn left its mark too, and the end of that
        // turn left the rest to whoever takes it away.
        {
            let _inside = inside::enter();
            if mine.state.unqueue() == Unqueued::Retire {
                table::retire(&mine);
            }
        }
        drop(mine);
        inside::collect();
    });
    if thread.is_err() {
        signal::kill(process.pid(), Term::atom(atoms::SYSTEM_LIMIT));
        return Err(Error::Limit);
    }
    Ok(())
}

struct Entered(RefCell<Option<Held>>);

impl Drop for Entered {
    fn drop(&mut self) {
        own().ending.set(true);
        let Some(process) = self.0.borrow_mut().take() else { return };
        if forked::is_forked() {
            // Alive in the parent, and nobody's here.
            std::mem::forget(process);
        } else {
            end_entered(&process, Term::atom(atoms::NORMAL));
        }
    }
}

thread_local! {
    static ENTERED: Entered = const { Entered(RefCell::new(None)) };
}

/// Makes the calling thread a process. `Exists`: it is one already, or runs one.
pub fn enter_thread(node: &Arc<Node>) -> Result<Pid, Error> {
    if let Some(process) = current::current() {
        return Err(Error::already_started(process.pid()));
    }
    if current::in_callback() {
        // A drop: the thread is a worker's, or in the middle of something.
        return Err(Error::Exists(Term::atom(atoms::ALREADY_STARTED)));
    }
    // Nobody would end that process.
    if own().ending.get() {
        return Err(Error::NoIdentity);
    }
    let pid = reserve(node)?;
    let place = Place::new(None, Home::Thread, None);
    let parts = Parts::new(atoms::THREAD, FLAG_ENTERED, CALLBACK);
    // SAFETY: it writes each part.
    let process = unsafe { Held::make(|at| Process::make(at, pid, spare::count(node), place, parts)) };
    let _inside = inside::enter();
    current::set(table::publish(Held::of(&process)));
    ENTERED.with(|entered| *entered.0.borrow_mut() = Some(process));
    Ok(pid)
}

/// Ends the calling thread's process, as if it had returned. `NoIdentity`: it did not enter.
pub fn leave_thread(reason: Term) -> Result<(), Error> {
    // A process that runs on this thread in an inline call did not enter it, and leaves it by returning.
    if current::in_callback() {
        return Err(Error::NoIdentity);
    }
    // A thread that ends has left, or does so by itself.
    if own().ending.get() {
        return Err(Error::NoIdentity);
    }
    let process = ENTERED.with(|entered| entered.0.borrow_mut().take()).ok_or(Error::NoIdentity)?;
    end_entered(&process, reason);
    Ok(())
}

fn end_entered(process: &Process, reason: Term) {
    current::set(std::ptr::null());
    let _inside = inside::enter();
    exit::at_once(|| exit::end_entered(process, reason));
}

/// The eventfd of the calling thread: readable when a message or an answer has come. It is regrow's: do not close it.
pub fn thread_event_fd() -> Result<i32, Error> {
    let home = current::thread_home().ok_or(Error::NoIdentity)?;
    let known = home.event_fd.load(Ordering::Acquire);
    if known >= 0 {
        return Ok(known);
    }
    // SAFETY: makes a descriptor, and touches nothing.
    let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
    if fd < 0 {
        return Err(Error::Limit);
    }
    home.event_fd.store(fd, Ordering::Release);
    // What came before is not missed.
    home.signal();
    Ok(fd)
}
