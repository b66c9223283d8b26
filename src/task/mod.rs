//! Tasks: a function that runs in a process of its own, and whose value somebody waits for, in Elixir's `Task`'s way.
//!
//! A task that is started by [`start`] is linked with its owner and monitored by it. Its value comes to the owner as
//! the message `{Ref, Value}`, its end as the DOWN of that ref; [`wait`] takes them. A server that does not wait finds
//! them among its messages.
//!
//! Promises:
//! * the link, the monitor and the ref are there before the first instruction of the task;
//! * a value is sent before the task's end can be observed;
//! * once a ref was given up (an await that ran out, a shutdown, [`ignore`]), nothing of the task comes to the owner's
//!   mailbox any more, and nothing of it is left there;
//! * a handle is two numbers: dropping it leaks nothing. A linked task ends with its owner, unless by `normal`;
//! * a task knows on whose behalf it runs ([`Process::callers`]).
//!
//! Where it is from: Elixir 1.14 `Task`, `Task.Supervisor`. Otherwise than there, waiting for a ref that nothing can
//! come for any more (waited for before, or another process's) is `NotFound` at once, where Elixir waits in vain.
#![forbid(unsafe_code)]

mod body;
mod stream;
mod supervisor;
mod wait;

pub use stream::{OnTimeout, Place, StreamSpec, stream};
pub use supervisor::{TaskSupervisorSpec, children, run_async, start_child, start_under, terminate_child};
pub use wait::{End, ignore, shutdown, wait, wait_for, wait_many, yield_many};

use crate::process::{self, Callers, ChildStart, Error, Home, Identity, Process, Startable};
use crate::server::{self, Context};
use crate::supervisor::Shutdown;
use crate::sync::{Arc, AtomicU64};
use crate::term::{Atom, Pid, Ref, Term, atoms};
use body::{Answer, Body};

/// What a task does with its argument: its value, or the reason that it ends with.
#[derive(Clone)]
pub enum Work {
    Shared(Arc<SharedWork>),
    /// A function, and what it is given besides: nothing is to be given back, so nobody counts who uses it.
    Plain(PlainWork, [usize; 2]),
}

/// See [`Work::Shared`].
pub type SharedWork = dyn Fn(&mut Context, &Term) -> Result<Term, Term> + Send + Sync;

/// See [`Work::Plain`].
pub type PlainWork = fn([usize; 2], &mut Context, &Term) -> Result<Term, Term>;

impl Work {
    fn run(&self, context: &mut Context, argument: &Term) -> Result<Term, Term> {
        match self {
            Work::Shared(work) => work(context, argument),
            Work::Plain(work, with) => work(*with, context, argument),
        }
    }
}

/// What to run, and where.
#[derive(Clone)]
pub struct TaskSpec {
    pub work: Work,
    pub argument: Term,
    pub home: Home,
    /// `process::FLAG_NO_PARK` or nothing.
    pub flags: u32,
    /// How long it may run without waiting, in milliseconds; 0: for ever.
    pub watchdog_ms: u32,
    /// How a task supervisor stops it; none: as its own spec says.
    pub shutdown: Option<Shutdown>,
    pub done: Done,
}

/// Where a task notes when its function was done, on its runtime's clock.
#[derive(Clone, Default)]
pub enum Done {
    #[default]
    Nowhere,
    /// For who gets its value as a message.
    There(Arc<AtomicU64>),
    /// With its value, which is awaited from the beginning. What the value has to be there by is `deadline`.
    WithValue { deadline: u64 },
}

/// A task as its owner knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task {
    pub pid: Pid,
    /// The owner's monitor of it; its value comes under the same ref.
    pub monitor: Ref,
}

impl TaskSpec {
    #[inline(always)]
    fn start_with(self, answer: Answer, gated: bool) -> ChildStart {
        let body = Body::new(self.work, self.argument, self.done, answer, gated);
        let up = body.is_up();
        // In its place: it is large, and would be moved.
        let mut start = ChildStart::new(body);
        (start.kind, start.home, start.flags) = (atoms::TASK, self.home, self.flags);
        (start.watchdog_ms, start.up, start.waits) = (self.watchdog_ms, up, self.flags & process::FLAG_NO_PARK == 0);
        start
    }
}

/// As a child of any supervisor, which is on whose behalf it runs. Nobody waits for its value.
impl Startable for TaskSpec {
    fn build(&self) -> ChildStart {
        ChildStart { callers: callers(), ..self.clone().start_with(Answer::Nobody, false) }
    }

    fn kind(&self) -> Atom {
        atoms::TASK
    }

    fn with_argument(&self, extra: &Term) -> Option<Arc<dyn Startable>> {
        Some(Arc::new(TaskSpec { argument: server::appended(&self.argument, extra), ..self.clone() }))
    }
}

/// The calling process.
fn me<'a>() -> Result<&'a Process, Error> {
    match process::identity()? {
        Identity::Process(me) => Ok(me),
        Identity::Thread => Err(Error::NoIdentity),
    }
}

/// On whose behalf a task of the caller's runs; none: on nobody's.
fn callers() -> Option<Arc<Callers>> {
    process::current().map(|me| Callers::new(me.pid(), me.callers()))
}

/// Starts a task that is linked with the caller, which owns it.
#[inline]
pub fn start(spec: TaskSpec) -> Result<Task, Error> {
    start_awaited(spec, false)
}

/// As [`start`]. `awaited`: of its value and its end no message is to come, but what [`process::Awaiting`] gives.
fn start_awaited(spec: TaskSpec, awaited: bool) -> Result<Task, Error> {
    let me = me()?;
    let monitor = Ref::fresh();
    let mut start = spec.start_with(Answer::Owner { owner: me.pid(), monitor }, false);
    (start.parent, start.link, start.for_parent) = (me.pid(), true, true);
    (start.monitor, start.monitor_as, start.awaited) = (Some(me.pid()), Some(monitor), awaited);
    let pid = process::spawn(me.node(), start)?.pid;
    Ok(Task { pid, monitor })
}
