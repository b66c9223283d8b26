//! What others ask of a supervisor.
//!
//! Each request is a message, handled in its turn: after what the supervisor is in the middle of. The waiting forms
//! refuse to wait for a supervisor that itself waits for the caller's start (`WouldDeadlock`).

use super::children::ChildCount;
use super::spec::{ChildSpec, is_supervisor_kind};
use crate::process::{self, Error, Identity, Message, Outcome};
use crate::term::{Atom, Pid, Ref, Term, atoms};
use std::sync::Arc;

/// The supervisor's child in whose start the caller is, and so cannot go on before this caller does.
pub type InStart = Option<Pid>;

/// What a supervisor is asked; a task supervisor knows what to say to some of it.
pub enum Request {
    StartChild {
        spec: Box<ChildSpec>,
        in_start: InStart,
    },
    /// Of a simple_one_for_one, with one more argument.
    StartInstance(Term),
    TerminateChild {
        id: Term,
        in_start: InStart,
    },
    RestartChild {
        id: Term,
        in_start: InStart,
    },
    DeleteChild {
        id: Term,
        in_start: InStart,
    },
    WhichChildren,
    CountChildren,
    /// For `observe`: each child with its restarts.
    Observe,
    GetChildspec(Term),
    Lookup(Term),
    History,
    /// That process, from now on.
    Subscribe(Pid),
    Unsubscribe(Ref),
}

/// `{Tag, What}`
pub(super) fn tagged(tag: &str, what: Term) -> Term {
    Term::tuple_of([Term::atom_named(tag), what])
}

impl Request {
    fn start_child(supervisor: Pid, spec: ChildSpec) -> Request {
        Request::StartChild { spec: Box::new(spec), in_start: in_start_of(supervisor) }
    }

    /// The id or pid of the child that something is to be done with.
    pub fn child(&self) -> Option<&Term> {
        match self {
            Request::TerminateChild { id, .. } | Request::RestartChild { id, .. } | Request::DeleteChild { id, .. } => {
                Some(id)
            }
            _ => None,
        }
    }

    /// As OTP's supervisor is asked it, for a trace. None: of a tool that looks at all of the tree.
    pub fn shown(&self) -> Option<Term> {
        Some(match self {
            Request::StartChild { spec, .. } => tagged("start_child", spec.term()),
            Request::StartInstance(extra) => tagged("start_child", extra.clone()),
            Request::TerminateChild { id, .. } => tagged("terminate_child", id.clone()),
            Request::RestartChild { id, .. } => tagged("restart_child", id.clone()),
            Request::DeleteChild { id, .. } => tagged("delete_child", id.clone()),
            Request::WhichChildren => Term::atom_named("which_children"),
            Request::CountChildren => Term::atom_named("count_children"),
            Request::Observe => return None,
            Request::GetChildspec(id) => tagged("get_childspec", id.clone()),
            Request::Lookup(id) => tagged("lookup", id.clone()),
            Request::History => Term::atom_named("history"),
            Request::Subscribe(pid) => tagged("subscribe", Term::pid(*pid)),
            Request::Unsubscribe(subscription) => tagged("unsubscribe", Term::reference(*subscription)),
        })
    }

    /// Whether a process of that kind answers it: supervisors all, a task supervisor what has a meaning for tasks.
    fn is_for(&self, kind: Atom) -> bool {
        use Request::*;
        let is_for_tasks = matches!(
            self,
            WhichChildren | CountChildren | Observe | TerminateChild { .. } | History | Subscribe(_) | Unsubscribe(_)
        );
        is_supervisor_kind(kind) && (kind != atoms::TASK_SUPERVISOR || is_for_tasks)
    }
}

/// Starts one more child, and keeps its spec. None: its init answered ignore (the spec of a temporary one is not kept).
///
/// `Exists` (`{already_started, Pid}`, `already_present`): there is a child of that id, or the name is taken. `Start`:
/// its init stopped; nothing is kept.
pub fn start_child(supervisor: Pid, spec: ChildSpec) -> Result<Option<Pid>, Error> {
    ask_term(supervisor, Request::start_child(supervisor, spec)).map(|term| term.as_pid())
}

/// As [`start_child`], to be collected later: the answer is the pid, or `undefined`.
pub fn start_child_async(supervisor: Pid, spec: ChildSpec) -> Result<process::Request, Error> {
    ask_later(supervisor, Request::start_child(supervisor, spec))
}

/// Starts one more instance of a simple_one_for_one's template, with `extra` as one more argument; `[]`: none. None:
/// its init answered ignore, and it is forgotten. `WrongKind`: a supervisor of another kind.
pub fn start_instance(supervisor: Pid, extra: &Term) -> Result<Option<Pid>, Error> {
    ask_term(supervisor, Request::StartInstance(extra.clone())).map(|term| term.as_pid())
}

/// The pid of a child, or `undefined`, `restarting`, `parked`. `NotFound`: no such id.
pub fn lookup(supervisor: Pid, id: &Term) -> Result<Term, Error> {
    ask_term(supervisor, Request::Lookup(id.clone()))
}

/// Has the caller told of each start, end and restart of the supervisor's children from now on: see `events`. The ref
/// is in each message. `NoIdentity`: there is nobody to be told.
pub fn subscribe(supervisor: Pid) -> Result<Ref, Error> {
    let Identity::Process(me) = process::identity()? else { return Err(Error::NoIdentity) };
    let here = process::with_process(supervisor, |process| Arc::ptr_eq(process.node(), me.node()));
    if here == Some(false) {
        return Err(Error::OtherRuntime);
    }
    ask_term(supervisor, Request::Subscribe(me.pid()))?.as_reference().ok_or(Error::WrongKind)
}

/// Ends a subscription: no message of it comes after this. `NotFound`: it has ended already, or never was.
pub fn unsubscribe(supervisor: Pid, subscription: Ref) -> Result<(), Error> {
    ask_term(supervisor, Request::Unsubscribe(subscription)).map(|_| ())
}

/// The last failures of its children, oldest first: `[#{id, pid, reason, count, time_ms, verdict}]`.
pub fn history(supervisor: Pid) -> Result<Term, Error> {
    ask_term(supervisor, Request::History)
}

/// Stops a child; its spec stays, unless it is temporary. Fine if it does not run. `NotFound`: no such id.
///
/// A child of a dynamic supervisor goes by its pid or its id, one of a simple_one_for_one by its pid, and is forgotten.
/// One that is being started is stopped when it is up, and has no more time for that than for its end. `WouldDeadlock`:
/// the caller is in that start.
pub fn terminate_child(supervisor: Pid, id: &Term) -> Result<(), Error> {
    ask_term(supervisor, Request::TerminateChild { id: id.clone(), in_start: in_start_of(supervisor) }).map(|_| ())
}

/// Starts a child that does not run. None: its init answered ignore.
///
/// `Refused` with `running` or `restarting`; `NotFound`; `Start`: its init stopped, which is not tried again.
pub fn restart_child(supervisor: Pid, id: &Term) -> Result<Option<Pid>, Error> {
    let request = Request::RestartChild { id: id.clone(), in_start: in_start_of(supervisor) };
    ask_term(supervisor, request).map(|term| term.as_pid())
}

/// Forgets a child that does not run. `Refused` with `running` or `restarting`; `NotFound`.
pub fn delete_child(supervisor: Pid, id: &Term) -> Result<(), Error> {
    ask_term(supervisor, Request::DeleteChild { id: id.clone(), in_start: in_start_of(supervisor) }).map(|_| ())
}

/// `[{Id, Pid | undefined | restarting, worker | supervisor, Kind}]`, the last started first.
pub fn which_children(supervisor: Pid) -> Result<Term, Error> {
    ask_term(supervisor, Request::WhichChildren)
}

/// As [`which_children`], to be collected later.
pub fn which_children_async(supervisor: Pid) -> Result<process::Request, Error> {
    ask_later(supervisor, Request::WhichChildren)
}

/// A child as its supervisor knows it.
pub struct Observed {
    /// `undefined` for a child of a simple_one_for_one.
    pub id: Term,
    /// None while it does not run.
    pub pid: Option<Pid>,
    /// Why it does not run: `undefined`, `restarting`, `{restarting, AtMs}` when it waits until then, or `parked`.
    pub down: Term,
    pub kind: Atom,
    /// How often it was to be restarted, as in [`history`].
    pub restarts: u64,
}

impl Observed {
    /// When its next start is, on the runtime's clock: of a child whose restart waits for its time.
    pub fn next_at_ms(&self) -> Option<i64> {
        self.down.as_tuple()?.get(1)?.as_int()
    }
}

/// Asks for the children, in the order of their starts, and has `answer` called once, on whatever thread: with None
/// when there is no answer within `timeout` milliseconds (None: for ever), or the supervisor ends.
///
/// `WouldDeadlock`: it cannot answer before the caller goes on.
pub fn observe(
    supervisor: Pid, timeout: Option<u32>, answer: impl FnOnce(Option<Vec<Observed>>) + Send + 'static,
) -> Result<(), Error> {
    is_supervisor(supervisor)?;
    if process::current_pid() == supervisor {
        return Err(Error::WouldDeadlock);
    }
    would_deadlock(supervisor)?;
    let node = process::with_process(supervisor, |process| process.node().clone()).ok_or(Error::NoProcess)?;
    let pending = process::Request::new(&node, timeout);
    let message = |reply| Message::Native { request: Box::new(Request::Observe), reply: Some(reply) };
    pending.queue(supervisor, message)?;
    pending.on_reply(Box::new(|outcome| {
        answer(match outcome {
            Outcome::Native(children) => children.downcast().ok().map(|children| *children),
            _ => None,
        });
    }));
    Ok(())
}

/// How many children there are.
pub fn count_children(supervisor: Pid) -> Result<ChildCount, Error> {
    match ask(supervisor, Request::CountChildren)? {
        Outcome::Native(count) => count.downcast().map(|count| *count).map_err(|_| Error::WrongKind),
        _ => Err(Error::WrongKind),
    }
}

/// `#{id, restart, shutdown, type, kind}` of a child. `NotFound`: no such id.
pub fn get_childspec(supervisor: Pid, id: &Term) -> Result<Term, Error> {
    ask_term(supervisor, Request::GetChildspec(id.clone()))
}

fn ask_term(supervisor: Pid, request: Request) -> Result<Term, Error> {
    match ask(supervisor, request)? {
        Outcome::Reply(term) => Ok(term),
        _ => Err(Error::WrongKind),
    }
}

fn ask(supervisor: Pid, request: Request) -> Result<Outcome, Error> {
    is_supervisor_for(supervisor, |kind| request.is_for(kind))?;
    would_deadlock(supervisor)?;
    let message = |reply| Message::Native { request: Box::new(request), reply: Some(reply) };
    match process::call(supervisor, None, false, message)? {
        Outcome::Failed(error) => Err(error),
        Outcome::Died(reason) => Err(Error::Exited(reason)),
        Outcome::TimedOut => Err(Error::Timeout),
        outcome => Ok(outcome),
    }
}

fn ask_later(supervisor: Pid, request: Request) -> Result<process::Request, Error> {
    is_supervisor_for(supervisor, |kind| request.is_for(kind))?;
    let node = process::with_process(supervisor, |process| process.node().clone()).ok_or(Error::NoProcess)?;
    let pending = process::Request::new(&node, None);
    pending.queue(supervisor, |reply| Message::Native { request: Box::new(request), reply: Some(reply) })?;
    Ok(pending)
}

/// Whether that process is a supervisor: `WrongKind`, `NoProcess`.
pub fn is_supervisor(pid: Pid) -> Result<(), Error> {
    is_supervisor_for(pid, is_supervisor_kind)
}

fn is_supervisor_for(pid: Pid, is_right: impl FnOnce(Atom) -> bool) -> Result<(), Error> {
    match process::with_process(pid, |process| is_right(process.kind())) {
        Some(true) => Ok(()),
        Some(false) => Err(Error::WrongKind),
        None => Err(Error::NoProcess),
    }
}

/// Whether the supervisor waits for the start that the caller is in. One that is concurrent waits for nobody, but has
/// those wait who ask for an id that is being started (`dynamic`).
fn would_deadlock(supervisor: Pid) -> Result<(), Error> {
    let concurrent = |process: &process::Process| process.flags() & process::FLAG_CONCURRENT != 0;
    if process::with_process(supervisor, concurrent) != Some(true) && in_start_of(supervisor).is_some() {
        return Err(Error::WouldDeadlock);
    }
    Ok(())
}

/// Whether the caller is being started by that supervisor, or by a process that is, and so on; or answers a call of
/// such a one, which goes on when it has the answer. One who is asked in another way is not seen to be waited for.
fn in_start_of(supervisor: Pid) -> InStart {
    let me = process::current()?;
    started_by(supervisor, me.pid()).or_else(|| started_by(supervisor, me.asked_by()?))
}

/// The child of that supervisor in whose start the process is.
fn started_by(supervisor: Pid, mut pid: Pid) -> InStart {
    loop {
        let parent = process::with_process(pid, |process| process.is_starting().then(|| process.parent())).flatten()?;
        if parent == supervisor {
            return Some(pid);
        }
        pid = parent;
    }
}
