//! What can be said of a process without asking it.

use super::control::Process;
use super::names::Name;
use super::table;
use crate::term::{Atom, Pid, Term, atoms};

/// A process at one moment, as it shows from outside.
pub struct Snapshot {
    pub kind: Atom,
    /// As in [`info`], or `starting` before it is up.
    pub status: &'static str,
    /// Behind whose stuck callback it waits, as in [`info`].
    pub behind: Option<Pid>,
    pub name: Option<Name>,
    pub label: Option<Term>,
    /// How many messages wait to be handled.
    pub mailbox_length: usize,
    /// How many links there are.
    pub links: usize,
    /// How many processes it monitors.
    pub monitors: usize,
    /// How many monitors others have on it.
    pub monitored_by: usize,
    /// Those that it started as its children and is linked with, in the order of their pids.
    pub children: Vec<Pid>,
}

/// Takes a snapshot; none when the process is dead.
pub fn snapshot(pid: Pid) -> Option<Snapshot> {
    table::with_process(pid, |process| {
        let (status, behind) = (process.status(), process.behind());
        let inner = process.lock();
        let ties = inner.ties.as_deref();
        let mut children = inner.children();
        children.sort_unstable();
        Snapshot {
            kind: process.kind(),
            status: if inner.starting { "starting" } else { status },
            behind,
            name: inner.name.clone(),
            label: inner.rare.as_ref().and_then(|rare| rare.label.clone()),
            mailbox_length: process.mailbox_length(),
            links: ties.map_or(0, |ties| ties.links.len()),
            monitors: ties.map_or(0, |ties| ties.watching.len()),
            monitored_by: ties.map_or(0, |ties| ties.watchers.len()),
            children,
        }
    })
}

/// A map of what is known; none when the process is dead.
pub fn info(pid: Pid) -> Option<Term> {
    table::with_process(pid, own).map(Term::map)
}

fn own(process: &Process) -> Vec<(Term, Term)> {
    let undefined = || Term::atom(atoms::UNDEFINED);
    let parent = process.parent();
    [
        ("pid", Term::pid(process.pid())),
        ("kind", Term::atom(process.kind())),
        ("status", Term::atom_named(process.status())),
        ("behind", process.behind().map_or_else(undefined, Term::pid)),
        ("message_queue_len", Term::int(process.mailbox_length() as i64)),
        ("name", process.name().map_or_else(undefined, |name| name.term())),
        ("label", process.label().unwrap_or_else(undefined)),
        ("parent", if parent == Pid::NONE { undefined() } else { Term::pid(parent) }),
        ("ancestors", process.ancestors()),
        ("links", Term::list(process.links().into_iter().map(Term::pid).collect())),
        ("callers", Term::list(process.callers().iter().flat_map(|callers| callers.pids()).map(Term::pid).collect())),
        ("trap_exit", Term::bool(process.is_trapping())),
    ]
    .into_iter()
    .chain(process.watchdog_ms().map(|ms| ("watchdog_ms", Term::int(i64::from(ms)))))
    .map(|(key, value)| (Term::atom_named(key), value))
    .collect()
}
