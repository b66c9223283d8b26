//! Supervisor reports: OTP's "SUPERVISOR REPORT", in a line and as a term.

use super::children::{Child, Life};
use crate::process::{LogLevel, Process};
use crate::term::{Pid, Term, atoms};
use std::fmt::Write;

/// The contexts of a report.
pub(super) const START_ERROR: &str = "start_error";
pub(super) const CHILD_TERMINATED: &str = "child_terminated";
pub(super) const SHUTDOWN_ERROR: &str = "shutdown_error";
pub(super) const SHUTDOWN: &str = "shutdown";
/// Not OTP's: a child stays down where OTP's supervisor would end.
pub(super) const PARKED: &str = "parked";

/// The reason of a report that the restarts were too many.
pub(super) fn limit_reached() -> Term {
    Term::atom_named("reached_max_restart_intensity")
}

fn title(me: &Process) -> String {
    let mut title = format!("supervisor {}", Term::pid(me.pid()));
    if let Some(name) = me.name() {
        let _ = write!(title, " ({name})");
    }
    title
}

/// Something about a child: what happened, why, and to whom.
pub(super) fn child(me: &Process, context: &str, reason: &Term, child: &Child) {
    let node = me.node();
    if !node.logs(LogLevel::Error) {
        return;
    }
    let spec = &child.spec;
    let pid = match child.life() {
        Life::Running(pid) => Term::pid(pid),
        Life::Restarting(Pid::NONE) => Term::atom(atoms::RESTARTING),
        Life::Restarting(pid) => Term::tuple_of([Term::atom(atoms::RESTARTING), Term::pid(pid)]),
        Life::Parked(pid) => Term::pid(pid),
        Life::Stopped | Life::Starting => Term::atom(atoms::UNDEFINED),
    };
    let mut text = format!("{}: {context}, reason {reason}, child {} {pid}", title(me), spec.id);
    if let Some(name) = &spec.start.name {
        let _ = write!(text, " ({name})");
    }
    let undefined = || Term::atom(atoms::UNDEFINED);
    let entry = |key: &str, value: Term| (Term::atom_named(key), value);
    let report = Term::map(vec![
        entry("supervisor", Term::pid(me.pid())),
        entry("supervisor_name", me.name().map_or_else(undefined, |name| Term::text(&name))),
        entry("context", Term::atom_named(context)),
        entry("reason", reason.clone()),
        entry("pid", pid),
        entry("id", spec.id.clone()),
        entry("name", spec.start.name.as_ref().map_or_else(undefined, |name| Term::text(name))),
        entry("restart", spec.restart.term()),
        entry("shutdown", spec.shutdown.term()),
        entry("type", spec.type_term()),
        entry("kind", Term::atom(spec.start.what.kind())),
    ]);
    node.log(LogLevel::Error, &text, Some(&report));
}

/// A message that no supervisor understands; it lives on.
pub(super) fn unexpected(me: &Process, message: &Term) {
    if me.node().logs(LogLevel::Error) {
        let text = format!("{} received an unexpected message: {message}", title(me));
        me.node().log(LogLevel::Error, &text, Some(message));
    }
}
