//! Links, monitors and exit signals.
//!
//! A signal is acted on by its sender, under the receiver's lock. What becomes of it as a message is in the mailbox
//! before the lock is given back, so that whoever finds the link or monitor gone finds the message too; an end comes
//! after that. What both ends must know (a link, a monitor) is written first at the end that asks,
//! then at the other; an end that died in between is found closed.

use super::awaited::Given;
use super::control::{ENTERED, Process};
use super::current::{self, Identity};
use super::error::Error;
use super::exit;
use super::holdings::{Inner, Link, Release, Watch, Watched};
use super::message::{Down, DownOf, Message};
use super::state::Struck;
use super::table;
use super::whereabouts::Left;
use crate::sync::blocks::Small;
use crate::term::{Pid, Ref, Term, atoms};
use std::sync::Arc;

/// Whether the process is alive. Answered with no only after everything it held was released.
pub fn is_alive(pid: Pid) -> bool {
    table::with_process(pid, |_| ()).is_some()
}

fn same_runtime(me: &Process, other: &Process) -> Result<(), Error> {
    if Arc::ptr_eq(me.node(), other.node()) { Ok(()) } else { Err(Error::OtherRuntime) }
}

/// Links the caller with `target`. If that is dead: `NoProcess`, or for a caller that traps exits an EXIT message with
/// `noproc`, as in OTP.
pub fn link(target: Pid) -> Result<(), Error> {
    link_opt(target, false)
}

/// As [`link`]; of a link that there is already it changes that much. `priority`: its EXIT is a priority message to the
/// caller.
pub fn link_opt(target: Pid, priority: bool) -> Result<(), Error> {
    let me = current::me()?;
    if target == me.pid() {
        return Ok(());
    }
    if let Some(Err(error)) = table::with_process(target, |other| same_runtime(me, other)) {
        return Err(error);
    }
    {
        let mut inner = me.lock();
        let links = &mut inner.ties().links;
        if let Some(link) = links.get_mut(&target) {
            link.priority = priority;
            return Ok(());
        }
        links.insert(target, Link { priority, ..Link::default() });
    }
    let linked = table::with_process(target, |other| {
        let mut inner = other.lock();
        if inner.closed {
            return false;
        }
        inner.ties().links.insert_new(me.pid(), Link::default());
        true
    });
    if linked == Some(true) {
        // Fenced meanwhile: our exit has signalled already, and will not again.
        if me.state.is_dead() {
            table::with_process(target, |other| other.lock().unlink(me.pid()));
            return Err(Error::Killed);
        }
        return Ok(());
    }
    let trapping = {
        let mut inner = me.lock();
        inner.unlink(target);
        inner.trap_exit
    };
    if trapping {
        me.deliver_as(Message::Exit { from: target, reason: Term::atom(atoms::NOPROC) }, priority);
        Ok(())
    } else {
        Err(Error::NoProcess)
    }
}

/// Takes the link away. Once this has returned no EXIT of it comes any more.
pub fn unlink(target: Pid) -> Result<(), Error> {
    let me = current::me()?;
    unlink_from(me, target);
    Ok(())
}

fn unlink_from(me: &Process, target: Pid) -> bool {
    let was_linked = me.lock().unlink(target).is_some();
    table::with_process(target, |other| other.lock().unlink(me.pid()));
    was_linked
}

impl Process {
    /// As [`unlink`], for one of the runtime's own. Whether they were linked: then no EXIT of it has come either.
    pub fn unlink(&self, target: Pid) -> bool {
        unlink_from(self, target)
    }

    /// As [`monitor`], for one of the runtime's own.
    pub fn monitor(&self, target: Pid) -> Ref {
        monitor_from(self, target, None, false)
    }

    /// As [`demonitor`], for one of the runtime's own.
    pub fn demonitor(&self, monitor: Ref) -> bool {
        demonitor_from(self, monitor)
    }

    /// Sends an exit signal as this process.
    pub fn exit(&self, target: Pid, reason: Term) {
        let _ = signal_exit(self.pid(), target, reason);
    }
}

/// Has the caller get one DOWN message when `target` ends, or at once (`noproc`) when it is dead. `name`: what the
/// message names instead of the pid.
pub fn monitor(target: Pid, name: Option<Term>) -> Result<Ref, Error> {
    monitor_opt(target, name, false)
}

/// As [`monitor`]. `priority`: its DOWN is a priority message.
pub fn monitor_opt(target: Pid, name: Option<Term>, priority: bool) -> Result<Ref, Error> {
    let me = current::me()?;
    if let Some(Err(error)) = table::with_process(target, |other| same_runtime(me, other)) {
        return Err(error);
    }
    Ok(monitor_from(me, target, name, priority))
}

fn monitor_from(me: &Process, target: Pid, name: Option<Term>, priority: bool) -> Ref {
    let monitor = Ref::fresh();
    if target == me.pid() {
        // As in OTP: a ref, and nothing behind it.
        return monitor;
    }
    {
        let mut inner = me.lock();
        inner.ties().watching.insert(monitor, Watch::named(target, name));
        if priority {
            inner.rare.get_or_insert_default().priority.insert(monitor);
        }
    }
    let set = table::with_process(target, |other| {
        let mut inner = other.lock();
        if !inner.closed {
            inner.ties().watchers.insert(monitor, me.pid());
        }
        !inner.closed
    }) == Some(true);
    if !set {
        down(me, monitor, Term::atom(atoms::NOPROC));
    }
    monitor
}

/// Tells the end of a process to who monitors it, if that is still wanted: by a DOWN, or as what it awaits.
pub(super) fn down(watcher: &Process, monitor: Ref, reason: Term) {
    let mut inner = watcher.lock();
    if inner.closed {
        return;
    }
    let priority = inner.has_priority(monitor);
    let Some(watch) = inner.unwatch(monitor) else { return };
    let of = match watch.kind {
        Watched::Plain => DownOf::Pid(watch.target),
        Watched::ByName(name) => DownOf::Name(name),
        Watched::Awaited(wait) => {
            inner.give(wait, monitor, Given::Down(reason));
            drop(inner);
            return watcher.unpark();
        }
    };
    watcher.deliver_as(Message::Down(Small::new(Down { monitor, of, reason })), priority);
}

/// Takes a monitor away; false when there was none (it has fired). With `flush` its DOWN goes from the mailbox too.
pub fn demonitor(monitor: Ref, flush: bool) -> Result<bool, Error> {
    let me = current::me()?;
    let removed = demonitor_from(me, monitor);
    if flush && !removed {
        let is_it = |term: &Term| {
            term.as_tuple().is_some_and(|parts| {
                parts.len() == 5 && parts[0].is_atom(atoms::DOWN) && parts[1].as_reference() == Some(monitor)
            })
        };
        let _ = super::receive::receive(Some(0), is_it);
    }
    Ok(removed)
}

fn demonitor_from(me: &Process, monitor: Ref) -> bool {
    let Some(watch) = me.lock().unwatch(monitor) else { return false };
    table::with_process(watch.target, |other| other.lock().unwatched(monitor));
    true
}

/// Whether exit signals to the caller become messages; gives the old value.
pub fn trap_exit(trap: bool) -> Result<bool, Error> {
    Ok(std::mem::replace(&mut current::me()?.lock().trap_exit, trap))
}

/// Sends an exit signal to `target`. Nothing happens when it is dead.
pub fn exit_signal(target: Pid, reason: Term) -> Result<(), Error> {
    let from = match current::identity()? {
        Identity::Process(process) => process.pid(),
        Identity::Thread => Pid::NONE,
    };
    signal_exit(from, target, reason)
}

/// `exit(Target, Reason)` by `from`. The rules are those of `erlang:exit/2`.
pub(super) fn signal_exit(from: Pid, target: Pid, reason: Term) -> Result<(), Error> {
    table::with_process(target, |process| signal_locked(process, from, reason, false, process.lock()));
    Ok(())
}

/// As [`signal_exit`], under the target's lock.
pub(super) fn signal_locked(
    process: &Process, from: Pid, reason: Term, priority: bool, inner: crate::sync::MutexGuard<'_, Inner>,
) {
    let kill = reason.is_atom(atoms::KILL);
    let reason = if kill { Term::atom(atoms::KILLED) } else { reason };
    strike_locked(process, from, reason, kill, priority, inner);
}

/// The end of a linked process reaches `process`.
pub(super) fn link_broken(process: &Process, from: Pid, reason: Term) {
    let mut inner = process.lock();
    if let Some(link) = inner.unlink(from) {
        strike_locked(process, from, reason, false, link.priority, inner);
    }
}

/// An exit signal arrives. `kill`: nothing stops it. `priority`: trapped, it is a priority message. The lock comes
/// last, and so is given back before the reason is dropped.
fn strike_locked(
    process: &Process, from: Pid, reason: Term, kill: bool, priority: bool, inner: crate::sync::MutexGuard<'_, Inner>,
) {
    if inner.exit_reason.is_some() {
        // It is ending already; a kill still hurries a callback that takes its time to end.
        if !kill {
            return;
        }
    }
    if !kill {
        if inner.trap_exit || process.is_system() {
            process.deliver_as(Message::Exit { from, reason }, priority);
            drop(inner);
            return;
        }
        if reason.is_atom(atoms::NORMAL) && from != process.pid() {
            return;
        }
    }
    let (struck, old) = fell(process, inner, reason, kill);
    exit::after(process, struck);
    drop(old);
}

/// Sets the reason, unless one is set, and strikes the state word; under the lock, so that the reason is there before
/// anybody can see the end.
fn fell(
    process: &Process, mut inner: crate::sync::MutexGuard<'_, Inner>, reason: Term, kill: bool,
) -> (Struck, Option<Term>) {
    let spare = if inner.exit_reason.is_none() {
        inner.exit_reason = Some(reason);
        None
    } else if kill && process.state.load() & super::state::EXIT == 0 {
        // It ends by itself (its terminate callback runs): the kill's reason wins, as in OTP.
        inner.exit_reason.replace(reason)
    } else {
        Some(reason)
    };
    // A thread that entered has no callback that would return: it is struck where it is.
    let struck = process.state.strike(kill || process.flags & ENTERED != 0);
    if matches!(struck, Struck::Ghost { .. }) {
        exit::note_ghost(process);
    }
    (struck, spare)
}

/// Ends a process from outside at once, whatever it traps. For shutdown.
pub(super) fn kill(pid: Pid, reason: Term) {
    table::with_process(pid, |process| {
        let inner = process.lock();
        let (struck, old) = fell(process, inner, reason.clone(), true);
        exit::after(process, struck);
        drop(old);
    });
}

/// Ends a process as if by itself, from outside: for one whose code is not ours.
pub fn end_outside(pid: Pid, reason: Term) {
    kill(pid, reason);
}

/// Takes its name from a descendant of a supervisor that died without stopping it, so that whoever hears of that death
/// can use it again. What it owns is added to `owned`, to be unnamed by the caller, and its children to `descendants`.
pub(super) fn fence_names(pid: Pid, descendants: &mut Vec<Pid>, owned: &mut Vec<Release>) {
    table::with_process(pid, |process| {
        let name = {
            let mut inner = process.lock();
            if inner.nameless || inner.closed {
                return;
            }
            inner.nameless = true;
            descendants.extend(inner.children());
            if let Some(rare) = &mut inner.rare {
                // It goes on, and its own end goes through all of it again: it may come at any time.
                let all = rare.owned.iter_mut().rev();
                owned.extend(all.map(|held| {
                    let left = Left::of(held.whereabouts.share());
                    Release { pid, what: held.what.clone(), left }
                }));
            }
            inner.name.take()
        };
        if let Some(name) = name {
            process.node().names.release(&name, pid);
        }
    });
}
