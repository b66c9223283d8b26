//! Supervisor reports: OTP's "SUPERVISOR REPORT" and "PROGRESS REPORT", in a line and as a term.

use super::children::{Child, Life};
use crate::process::{LogLevel, Process};
use crate::term::{Pid, Pretty, Term, atoms};
use std::fmt::Write;

/// The contexts of a report.
pub(super) const START_ERROR: &str = "start_error";
pub(super) const CHILD_TERMINATED: &str = "child_terminated";
pub(super) const SHUTDOWN_ERROR: &str = "shutdown_error";
pub(super) const SHUTDOWN: &str = "shutdown";
const PROGRESS: &str = "progress";
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

/// Something about a child that is no good: what happened, why, and to whom.
pub(super) fn child(me: &Process, context: &str, reason: &Term, child: &Child) {
    if me.node().logs(LogLevel::Error) {
        let text = format!("{context}, reason {}, child", Pretty(reason));
        write(me, LogLevel::Error, context, &text, Some(reason), child);
    }
}

/// A child is up.
pub(super) fn progress(me: &Process, child: &Child) {
    if me.node().logs(LogLevel::Info) {
        write(me, LogLevel::Info, PROGRESS, "started child", None, child);
    }
}

fn write(me: &Process, level: LogLevel, context: &str, what: &str, reason: Option<&Term>, child: &Child) {
    let spec = &child.spec;
    let pid = match child.life() {
        Life::Running(pid) => Term::pid(pid),
        Life::Restarting(Pid::NONE) => Term::atom(atoms::RESTARTING),
        Life::Restarting(pid) => Term::tuple_of([Term::atom(atoms::RESTARTING), Term::pid(pid)]),
        Life::Parked(pid) => Term::pid(pid),
        Life::Stopped | Life::Starting => Term::atom(atoms::UNDEFINED),
    };
    let mut text = format!("{}: {what} {} {pid}", title(me), Pretty(&spec.id));
    if let Some(name) = &spec.start.name {
        let _ = write!(text, " ({name})");
    }
    let undefined = || Term::atom(atoms::UNDEFINED);
    let entries = [
        ("supervisor", Term::pid(me.pid())),
        ("supervisor_name", me.name().map_or_else(undefined, |name| name.term())),
        ("context", Term::atom_named(context)),
        ("pid", pid),
        ("id", spec.id.clone()),
        ("name", spec.start.name.as_ref().map_or_else(undefined, |name| name.term())),
        ("restart", spec.restart.term()),
        ("shutdown", spec.shutdown.term()),
        ("type", spec.type_term()),
        ("kind", Term::atom(spec.start.what.kind())),
    ];
    let reason = reason.map(|reason| ("reason", reason.clone()));
    let report = entries.into_iter().chain(reason).map(|(key, value)| (Term::atom_named(key), value)).collect();
    me.node().log(level, &text, Some(&Term::map(report)));
}

/// A message that no supervisor understands; it lives on.
pub(super) fn unexpected(me: &Process, message: &Term) {
    if me.node().logs(LogLevel::Error) {
        let text = format!("{} received an unexpected message: {}", title(me), Pretty(message));
        me.node().log(LogLevel::Error, &text, Some(message));
    }
}
