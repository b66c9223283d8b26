//! Starting: from a behaviour to a process that its starter hears of.
//!
//! The pid, the name, the link and the monitor are there before the first instruction of the process runs, so one that
//! ends at once still ends with its real reason. The starter hears exactly once: that it is up, that it does not want
//! to, or why it failed, and then everything of it is gone already.

use super::bound::Bound;
use super::callers::Callers;
use super::control::{Extras, FOR_PARENT, MakeFace, Parts, Process, SYSTEM};
use super::current;
use super::error::Error;
use super::exit;
use super::holdings::{Link, Watch};
use super::home::{self, Home, Place};
use super::lineage::{self, Lineage};
use super::message::{Message, StartResult, Started};
use super::names::{self, Name};
use super::node::Node;
use super::pool::Held;
use super::reply::{self, Outcome, ReplyTo};
use super::run::Behaviour;
use super::send;
use super::signal;
use super::spare;
use super::state::{IDLE, QUEUED, READY, Unqueued};
use super::table;
use crate::sync::blocks::Small;
use crate::sync::fences::light_fence;
use crate::sync::inside;
use crate::term::{Atom, Pid, Ref, Term, atoms};
use std::sync::Arc;

pub use super::control::{
    CONCURRENT as FLAG_CONCURRENT, ENTERED as FLAG_ENTERED, INLINE as FLAG_INLINE, NO_PARK as FLAG_NO_PARK,
    SYSTEM as FLAG_SYSTEM,
};

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
            send::deliver(to, Message::Started(Box::new(Started { token, pid, result })));
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
    /// That monitor is its parent's, and awaited (`awaited`).
    pub awaited: bool,
    /// On whose behalf it runs, nearest first (Elixir's `$callers`).
    pub callers: Option<Arc<Callers>>,
    /// It runs on its parent's behalf, in place of `callers`.
    pub for_parent: bool,
    /// What it shows to everybody from the moment its pid leads anywhere.
    pub face: Option<MakeFace>,
    /// Its init does nothing: it is up at once, and nobody is told.
    pub at_once: bool,
    /// It is up before its init has run, which says so no more, and nobody is told.
    pub up: bool,
    /// It may wait in the middle of what it does, for as long as it lives.
    pub waits: bool,
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
            behaviour: boxed(|| behaviour),
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
            awaited: false,
            callers: None,
            for_parent: false,
            face: None,
            at_once: false,
            up: false,
            waits: false,
            bound: None,
            watchdog_ms: 0,
            ack: Ack::Nobody,
        }
    }
}

/// A behaviour whose kind is not known any more.
#[inline(always)]
pub fn boxed<B: Behaviour + 'static>(make: impl FnOnce() -> B) -> Small<dyn Behaviour> {
    // SAFETY: only its type changes.
    unsafe { Small::made(make).seen_as(|behaviour| behaviour as *mut dyn Behaviour) }
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

/// Starts a process of which nobody is to hear, with no family or name, and which is up at once: as [`spawn`] of a
/// [`ChildStart`] that says nothing else.
#[inline]
pub fn spawn_alone(node: &Arc<Node>, behaviour: Small<dyn Behaviour>, kind: Atom, flags: u32) -> Result<Pid, Error> {
    let pid = node.reserve()?;
    let make = |at: *mut Process| {
        let place = Place { lineage: None, apart: None };
        let parts = Parts { flags, kind, phase: IDLE, behaviour: Some(behaviour) };
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
    let pid = node.reserve()?;
    // Nobody is to know its pid before this is over, and nothing can be refused: it is found as it is to be.
    let unknown = start.name.is_none() && start.via.is_none() && !start.link && start.link_with.is_none();
    let alone = unknown && start.at_once && start.home == Home::Shared;
    let monitor = start.monitor.map(|watcher| (start.monitor_as.unwrap_or_else(Ref::fresh), watcher));
    // Before it can end: whoever finds it may end it, and that is to be heard of. Who starts a child of its own makes its
    // end of the link with the same lock; it is looked at once more when the child can be found. (Who ends such a parent
    // from outside has either been seen by then, or finds the child: see `between`, step *shut out*.)
    let starter = current::current().filter(|me| me.pid() == start.parent);
    let (mut is_linked, by_starter) =
        (false, starter.is_some_and(|me| me.dog().is_none() && Arc::ptr_eq(me.node(), node)));
    let mut adopt = |parent: &Process| {
        let mut inner = parent.lock();
        if start.link && by_starter && !(inner.fenced || inner.nameless && start.child) {
            inner.ties().links.insert(pid, Link { child: start.child, ..Link::default() });
            is_linked = true;
        }
        if let Some((monitor, _)) = monitor.filter(|&(_, watcher)| watcher == start.parent) {
            let ties = inner.ties();
            let watch = if start.awaited { ties.awaited(pid) } else { Watch::of(pid) };
            ties.watching.insert(monitor, watch);
        }
        lineage::of_children(parent, inner, start.for_parent)
    };
    let lineage = match starter {
        Some(me) => Some(adopt(me)),
        None if start.parent == Pid::NONE => None,
        // A parent that has ended meanwhile refuses the link, if there is to be one.
        None => Some(table::with_process(start.parent, adopt).unwrap_or_else(|| Lineage::of_nobody(start.parent))),
    };
    if let Some((monitor, watcher)) = monitor.filter(|&(_, watcher)| watcher != start.parent) {
        watch(monitor, watcher, pid);
    }
    let mut ack = Some(start.ack);
    let place = Place::new(lineage, start.home, start.callers);
    let is_queued = !start.at_once && start.home == Home::Shared;
    let parts = Parts {
        flags: start.flags | if start.for_parent { FOR_PARENT } else { 0 },
        kind: start.kind,
        // Not yet ready: it is listed first. Nobody schedules what is READY already. Whoever ends it before it is put
        // into a queue leaves the last step to the queue.
        phase: if alone { IDLE } else { READY | if is_queued { QUEUED } else { 0 } },
        behaviour: Some(start.behaviour),
    };
    let extras = Extras { face: start.face.map(|make| make(pid)), bound: start.bound, watchdog_ms: start.watchdog_ms };
    let make = |at: *mut Process| {
        // SAFETY: it writes each part; after that it is a process, which nobody else knows yet.
        let (inner, reading) = unsafe {
            Process::make(at, pid, spare::count(node), place, parts);
            (*at).furnish(extras);
            (*at).hidden_parts()
        };
        reading.initialised = start.at_once;
        inner.trap_exit = start.flags & SYSTEM != 0;
        if !start.at_once && !start.up {
            inner.starting = true;
            inner.pending = ack.take_if(|ack| unknown && !matches!(ack, Ack::Nobody)).map(Pending::of);
        }
        if start.link || start.link_with.is_some() || monitor.is_some() {
            let ties = inner.ties();
            if start.link {
                ties.links.insert(start.parent, Link::default());
            }
            if let Some(peer) = start.link_with {
                ties.links.insert(peer, Link::default());
            }
            if let Some((monitor, watcher)) = monitor {
                ties.watchers.insert(monitor, watcher);
            }
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
            .and_then(|()| match start.link {
                true if is_linked => is_still_there(starter),
                true => link_back(node, process, start.parent, start.child),
                false => Ok(()),
            })
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
        home::run_thread(node, process)?;
    } else if start.at_once {
        let _ = process.state.shift(READY, IDLE, 0, 0);
        if !process.mailbox_is_empty() && process.state.make_ready() {
            process.place.schedule(process);
        }
    } else if start.waits {
        node.scheduler().begin(process.runnable());
    } else {
        process.place.schedule(process);
    }
    Ok(spawned)
}

/// Notes a monitor at the one who holds it.
fn watch(monitor: Ref, watcher: Pid, target: Pid) {
    table::with_process(watcher, |watcher| {
        watcher.lock().ties().watching.insert(monitor, Watch::of(target));
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

/// Whether the one who made its end of the link beforehand finds the other one when it ends.
fn is_still_there(starter: Option<&Process>) -> Result<(), Error> {
    // Partner: the heavy fence of who kills it in its callback, before it looks for those who are linked.
    light_fence();
    if starter.is_some_and(|me| !me.state.is_dead()) { Ok(()) } else { Err(Error::NoProcess) }
}

/// Takes back a process that was published and never ran; nobody hears of its end.
fn unlist(process: &Process) {
    let links = process.lock().tied().map(|ties| std::mem::take(&mut ties.links)).unwrap_or_default();
    for (peer, _) in links {
        table::with_process(peer, |peer| peer.lock().unlink(process.pid()));
    }
    exit::at_once(|| signal::kill(process.pid(), Term::atom(atoms::NORMAL)));
    // As if it had been in a queue.
    if process.state.unqueue() == Unqueued::Retire {
        table::retire(process);
    }
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
