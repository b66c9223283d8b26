//! Homes: where a process runs, on the workers or on an operating system thread that is its alone.
//!
//! Such a thread is made for the process and ends with it; or it was there before and enters, and is a process until it
//! leaves or ends. No run queue ever holds its process: the thread waits at a parker of its own, which hears what the
//! queue would hear, and an event loop may have an eventfd for it.

use super::bound::BoundedMailbox;
use super::callers::Callers;
use super::control::{self, Parts, Process};
use super::current;
use super::error::Error;
use super::exit;
use super::lineage::Lineage;
use super::node::Node;
use super::pool::Held;
use super::run;
use super::signal;
use super::spare;
use super::state::{CALLBACK, DEAD, READY, Unqueued};
use super::table;
use super::watchdog::Dog;
use crate::sync::blocks::Small;
use crate::sync::own::own;
use crate::sync::parker::Parker;
use crate::sync::{AtomicI32, Ordering, forked, inside, retired};
use crate::term::{Pid, Term, atoms};
use std::cell::RefCell;
use std::sync::Arc;

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
    pub fn new(lineage: Option<Arc<Lineage>>, home: Home, callers: Option<Arc<Callers>>) -> Place {
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

/// Has a process run on a thread of its own, which is made here. An error: it is dead.
pub(super) fn run_thread(node: &Arc<Node>, process: &Process) -> Result<(), Error> {
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
        retired::collect();
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

/// Makes the calling thread a process. `ThreadTaken`: it is one already, or runs a callback.
pub fn enter_thread(node: &Arc<Node>) -> Result<Pid, Error> {
    if let Some(process) = current::current() {
        return Err(Error::ThreadTaken(Some(process.pid())));
    }
    if current::in_callback() {
        // A drop: the thread is a worker's, or in the middle of something.
        return Err(Error::ThreadTaken(None));
    }
    // Nobody would end that process.
    if own().ending.get() {
        return Err(Error::NoIdentity);
    }
    let pid = node.reserve()?;
    let place = Place::new(None, Home::Thread, None);
    let parts = Parts { flags: control::ENTERED, kind: atoms::THREAD, phase: CALLBACK, behaviour: None };
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
