//! Supervisor reports: OTP's "SUPERVISOR REPORT" and "PROGRESS REPORT", in a line and as a term.

use super::children::{Child, Life};
use super::spec::{Restart, Shutdown};
use crate::process::{LogLevel, Name, Process};
use crate::term::{Atom, Pid, Pretty, Term, atoms};
use std::fmt::Write;

/// The contexts of a report.
pub(super) const START_ERROR: &str = "start_error";
pub const CHILD_TERMINATED: &str = "child_terminated";
pub const SHUTDOWN_ERROR: &str = "shutdown_error";
pub const SHUTDOWN: &str = "shutdown";
const PROGRESS: &str = "progress";
/// Not OTP's: a child stays down where OTP's supervisor would end.
pub(super) const PARKED: &str = "parked";

/// The reason of a report that the restarts were too many.
pub fn limit_reached() -> Term {
    Term::atom_named("reached_max_restart_intensity")
}

fn title(me: &Process) -> String {
    let mut title = format!("supervisor {}", Term::pid(me.pid()));
    if let Some(name) = me.name() {
        let _ = write!(title, " ({name})");
    }
    title
}

/// What a report says of a child.
struct Subject<'a> {
    id: &'a Term,
    pid: Term,
    name: Option<&'a Name>,
    restart: Restart,
    shutdown: Shutdown,
    type_term: Term,
    kind: Atom,
}

impl<'a> Subject<'a> {
    fn of(child: &'a Child) -> Subject<'a> {
        let spec = &child.spec;
        let pid = match child.life() {
            Life::Running(pid) => Term::pid(pid),
            Life::Restarting(Pid::NONE) => Term::atom(atoms::RESTARTING),
            Life::Restarting(pid) => Term::tuple_of([Term::atom(atoms::RESTARTING), Term::pid(pid)]),
            Life::Parked(pid) => Term::pid(pid),
            Life::Stopped | Life::Starting => Term::atom(atoms::UNDEFINED),
        };
        Subject {
            id: &spec.id,
            pid,
            name: spec.start.name.as_ref(),
            restart: spec.restart,
            shutdown: spec.shutdown,
            type_term: spec.type_term(),
            kind: spec.start.what.kind(),
        }
    }
}

/// Something about a child that is no good: what happened, why, and to whom.
pub(super) fn child(me: &Process, context: &str, reason: &Term, child: &Child) {
    if me.node().logs(LogLevel::Error) {
        bad(me, context, reason, &Subject::of(child));
    }
}

/// As [`child`], of a task supervisor's task, which has no id.
pub fn task(me: &Process, context: &str, reason: &Term, pid: Pid, restart: Restart, shutdown: Shutdown) {
    if me.node().logs(LogLevel::Error) {
        let (id, type_term) = (&Term::atom(atoms::UNDEFINED), Term::atom(atoms::WORKER));
        let pid = Term::pid(pid);
        bad(me, context, reason, &Subject { id, pid, name: None, restart, shutdown, type_term, kind: atoms::TASK });
    }
}

/// A child is up.
pub(super) fn progress(me: &Process, child: &Child) {
    if me.node().logs(LogLevel::Info) {
        write(me, LogLevel::Info, PROGRESS, "started child", None, &Subject::of(child));
    }
}

fn bad(me: &Process, context: &str, reason: &Term, subject: &Subject) {
    let what = format!("{context}, reason {}, child", Pretty(reason));
    write(me, LogLevel::Error, context, &what, Some(reason), subject);
}

fn write(me: &Process, level: LogLevel, context: &str, what: &str, reason: Option<&Term>, child: &Subject) {
    let mut text = format!("{}: {what} {} {}", title(me), Pretty(child.id), child.pid);
    if let Some(name) = child.name {
        let _ = write!(text, " ({name})");
    }
    let undefined = || Term::atom(atoms::UNDEFINED);
    let entries = [
        ("supervisor", Term::pid(me.pid())),
        ("supervisor_name", me.name().map_or_else(undefined, |name| name.term())),
        ("context", Term::atom_named(context)),
        ("pid", child.pid.clone()),
        ("id", child.id.clone()),
        ("name", child.name.map_or_else(undefined, Name::term)),
        ("restart", child.restart.term()),
        ("shutdown", child.shutdown.term()),
        ("type", child.type_term.clone()),
        ("kind", Term::atom(child.kind)),
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
