//! What can be said of a process without asking it.

use super::control::Process;
use super::table;
use crate::term::{Pid, Term, atoms};

/// A map of what is known; none when the process is dead.
pub fn info(pid: Pid) -> Option<Term> {
    table::with_process(pid, own).map(Term::map)
}

fn own(process: &Process) -> Vec<(Term, Term)> {
    let undefined = || Term::atom(atoms::UNDEFINED);
    let parent = process.parent();
    [
        ("pid", Term::pid(process.pid())),
        ("status", Term::atom_named(process.status())),
        ("name", process.name().map_or_else(undefined, |name| Term::text(&name))),
        ("label", process.label().unwrap_or_else(undefined)),
        ("parent", if parent == Pid::NONE { undefined() } else { Term::pid(parent) }),
        ("ancestors", process.ancestors()),
        ("links", Term::list(process.links().into_iter().map(Term::pid).collect())),
        ("callers", Term::list(process.callers().iter().flat_map(|callers| callers.pids()).map(Term::pid).collect())),
        ("trap_exit", Term::bool(process.is_trapping())),
    ]
    .into_iter()
    .map(|(key, value)| (Term::atom_named(key), value))
    .collect()
}
