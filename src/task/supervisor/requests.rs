//! What others ask of a task supervisor. Each request is a message.

use super::super::{Task, TaskSpec, callers, me};
use crate::process::{self, Callers, Error, Message, Outcome, Process, Request};
use crate::supervisor::Restart;
use crate::term::{Pid, Ref, Term, atoms};
use std::sync::Arc;

/// What is asked of a task supervisor.
pub(super) enum Ask {
    Start {
        spec: Box<TaskSpec>,
        owner: Option<Owner>,
        /// `Temporary` if it has an owner.
        restart: Restart,
        callers: Option<Arc<Callers>>,
    },
    /// The message's reply gets the task's value, and not the pid.
    Run {
        spec: Box<TaskSpec>,
        callers: Option<Arc<Callers>>,
    },
    Children,
    Terminate(Pid),
}

impl Ask {
    /// For a trace; the task itself is no term.
    pub(super) fn shown(&self) -> Term {
        match self {
            Ask::Start { .. } => Term::atom_named("start_task"),
            Ask::Run { .. } => Term::atom_named("run"),
            Ask::Children => Term::atom_named("which_children"),
            Ask::Terminate(pid) => Term::tuple_of([Term::atom_named("terminate_child"), Term::pid(*pid)]),
        }
    }
}

/// Whose task it is.
pub(super) struct Owner {
    pub pid: Pid,
    pub monitor: Ref,
    pub linked: bool,
}

/// Refuses what is no task supervisor: a process of another kind might never say so.
fn is_task_supervisor(pid: Pid) -> Result<(), Error> {
    process::identity()?;
    match process::with_process(pid, Process::kind) {
        Some(atoms::TASK_SUPERVISOR) => Ok(()),
        Some(_) => Err(Error::WrongKind),
        None => Err(Error::NoProcess),
    }
}

fn ask(supervisor: Pid, ask: Ask) -> Result<Term, Error> {
    is_task_supervisor(supervisor)?;
    let message = |reply| Message::Native { request: Box::new(ask), reply: Some(reply) };
    match process::call(supervisor, None, false, message)? {
        Outcome::Reply(term) => Ok(term),
        Outcome::Failed(error) => Err(error),
        Outcome::Died(reason) if reason.is_atom(atoms::NOPROC) => Err(Error::NoProcess),
        Outcome::Died(reason) | Outcome::NotTaken(reason) => Err(Error::Exited(reason)),
        Outcome::TimedOut => Err(Error::Timeout),
        Outcome::Started(_) | Outcome::Native(_) => Err(Error::WrongKind),
    }
}

fn ask_pid(supervisor: Pid, request: Ask) -> Result<Pid, Error> {
    ask(supervisor, request)?.as_pid().ok_or(Error::WrongKind)
}

/// Starts a task that nobody waits for. May wait, for the supervisor's turn. `Refused` with `max_children`.
pub fn start_child(supervisor: Pid, spec: TaskSpec, restart: Restart) -> Result<Pid, Error> {
    ask_pid(supervisor, Ask::Start { spec: Box::new(spec), owner: None, restart, callers: callers() })
}

/// Starts a task of the caller's; `linked`: with the caller too. May wait, for the supervisor's turn. `Refused` with
/// `max_children`.
pub fn start_under(supervisor: Pid, spec: TaskSpec, linked: bool) -> Result<Task, Error> {
    let me = me()?;
    match process::with_process(supervisor, |process| Arc::ptr_eq(process.node(), me.node())) {
        Some(true) => {}
        Some(false) => return Err(Error::OtherRuntime),
        None => return Err(Error::NoProcess),
    }
    let monitor = Ref::fresh();
    let owner = Some(Owner { pid: me.pid(), monitor, linked });
    let restart = Restart::Temporary;
    let pid = ask_pid(supervisor, Ask::Start { spec: Box::new(spec), owner, restart, callers: callers() })?;
    Ok(Task { pid, monitor })
}

/// Starts a task whose value, or end, is the outcome of a request: for threads without an identity, and for event
/// loops. The task runs on when nobody waits any more.
pub fn run_async(supervisor: Pid, spec: TaskSpec, timeout: Option<u32>) -> Result<Request, Error> {
    is_task_supervisor(supervisor)?;
    let node = process::with_process(supervisor, |process| process.node().clone()).ok_or(Error::NoProcess)?;
    let pending = Request::new(&node, timeout);
    let request = Box::new(Ask::Run { spec: Box::new(spec), callers: callers() });
    pending.queue(supervisor, |reply| Message::Native { request, reply: Some(reply) })?;
    Ok(pending)
}

/// The tasks that have not ended, queued ones among them, in no order: a list of pids.
pub fn children(supervisor: Pid) -> Result<Term, Error> {
    ask(supervisor, Ask::Children)
}

/// Ends a task, and waits until it has ended. `NotFound`: it is none of this supervisor's.
pub fn terminate_child(supervisor: Pid, pid: Pid) -> Result<(), Error> {
    ask(supervisor, Ask::Terminate(pid)).map(drop)
}
