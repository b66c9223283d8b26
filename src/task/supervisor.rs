//! Task supervisors: tasks as children, in Elixir's `Task.Supervisor`'s way, with a limit that may queue.
//!
//! # What it promises
//!
//! A task under a supervisor is linked with it: one that is killed takes its tasks along, one that stops tells them to
//! shut down, all at once, and kills those that take too long. Children are temporary: a task that has ended is
//! forgotten, whatever it ended with. No more than `max_children` run at once. One more is refused (`max_children`),
//! or, if the supervisor queues, is started all the same, with its pid, links and monitors, but begins only when its
//! turn has come, in the order of the starts.
//!
//! # How it works
//!
//! It never parks: it is a state machine that gets messages. A queued task waits at its gate (see `body`); it needs no
//! stack, and ends as any other process does. Time limits are ticks.
//!
//! Only the thread that runs the process touches its state; others ask by message.

use super::body::{Answer, Go};
use super::{Task, TaskSpec, callers, me};
use crate::clock::TimerKind;
use crate::process::{
    self, Behaviour, Callers, ChildStart, Error, FLAG_SYSTEM, Flow, Init, Message, Outcome, Process, ReplyTo, Request,
    Startable,
};
use crate::server::{self, SysState};
use crate::term::{Atom, Pid, Ref, Term, atoms};
use hashbrown::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;

/// How a task supervisor is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskSupervisorSpec {
    /// So many tasks run at once; none: any number.
    pub max_children: Option<u32>,
    /// At the limit tasks wait for their turn; else they are refused.
    pub queues: bool,
    /// The time that a task has to end when it is told to shut down; none: for ever.
    pub shutdown: Option<u32>,
}

impl Startable for TaskSupervisorSpec {
    fn build(&self) -> ChildStart {
        ChildStart { flags: FLAG_SYSTEM, ..ChildStart::new(Box::new(TaskSupervisor::new(*self))) }
    }

    fn kind(&self) -> Atom {
        atoms::TASK_SUPERVISOR
    }
}

/// What is asked of it.
enum Ask {
    Start {
        spec: Box<TaskSpec>,
        owner: Option<Owner>,
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
    fn shown(&self) -> Term {
        match self {
            Ask::Start { .. } => Term::atom_named("start_task"),
            Ask::Run { .. } => Term::atom_named("run"),
            Ask::Children => Term::atom_named("which_children"),
            Ask::Terminate(pid) => Term::tuple_of([Term::atom_named("terminate_child"), Term::pid(*pid)]),
        }
    }
}

/// Whose task it is.
struct Owner {
    pid: Pid,
    monitor: Ref,
    linked: bool,
}

struct TaskSupervisor {
    spec: TaskSupervisorSpec,
    children: HashMap<Pid, Child>,
    /// How many of them have begun.
    running: usize,
    /// The others, in the order of their starts; those that have ended meanwhile are passed over.
    waiting: VecDeque<Pid>,
    /// It ends with this reason, once all tasks have.
    ending: Option<Term>,
    /// What came after that; answered by its end.
    late: Vec<ReplyTo>,
    /// The child that a tick is about, by its token.
    limits: HashMap<u64, Pid>,
    token: u64,
    sys: SysState,
}

struct Child {
    has_begun: bool,
    /// The request that waits for its value.
    owed: Option<u64>,
    /// Who waits for its end.
    awaited: Vec<ReplyTo>,
}

/// Who wants a task's value.
enum Start {
    Alone,
    Owned(Owner),
    /// A request that it will owe an answer.
    Run,
}

/// Opens a task's gate. To one that has just ended it is nothing: its end is on the way to us.
fn begin(task: Pid, owed: Option<u64>) {
    let _ = Process::post(task, Message::Native { request: Box::new(Go(owed)), reply: None });
}

/// The tick of the end: whoever is left is killed.
const KILL_ALL: u64 = 0;

impl TaskSupervisor {
    fn new(spec: TaskSupervisorSpec) -> TaskSupervisor {
        TaskSupervisor {
            spec,
            children: HashMap::new(),
            running: 0,
            waiting: VecDeque::new(),
            ending: None,
            late: Vec::new(),
            limits: HashMap::new(),
            token: KILL_ALL,
            sys: SysState::default(),
        }
    }

    fn take_up(&mut self, me: &Process, message: Message) -> Flow {
        match message {
            Message::Native { request, reply } => match (request.downcast::<Ask>(), reply) {
                (Ok(ask), Some(reply)) if self.sys.traced => {
                    if let Some(reply) = server::trace::asked(me, &ask.shown(), Some(reply), |_| None) {
                        self.ask(me, *ask, reply);
                    }
                }
                (Ok(ask), Some(reply)) => self.ask(me, *ask, reply),
                (_, reply) => server::wrong_kind(reply),
            },
            Message::Exit { from, reason } if from == me.parent() && from != Pid::NONE => return self.end(me, reason),
            Message::Exit { from, .. } => return self.child_ended(from),
            Message::Tick(token) => self.tick(me, token),
            Message::System { request, reply } => {
                let mut sys = self.sys;
                let flow = sys.answer(me, request, reply, || Some(self.state()));
                self.sys = sys;
                return match flow {
                    Flow::Stop(reason) => self.end(me, reason),
                    flow => flow,
                };
            }
            Message::Call { reply, .. } => server::wrong_kind(Some(reply)),
            _ => {}
        }
        Flow::Continue
    }

    fn has_room(&self) -> bool {
        self.spec.max_children.is_none_or(|max| self.running < max as usize)
    }

    fn ask(&mut self, me: &Process, ask: Ask, reply: ReplyTo) {
        if self.ending.is_some() {
            self.late.push(reply);
            return;
        }
        match ask {
            Ask::Start { spec, owner, callers } => {
                match self.start(me, &spec, owner.map_or(Start::Alone, Start::Owned), callers) {
                    Ok(pid) => reply.answer(Term::pid(pid)),
                    Err(error) => reply.fail(error),
                };
            }
            Ask::Run { spec, callers } => match self.start(me, &spec, Start::Run, callers) {
                Ok(pid) => self.owe(pid, reply),
                Err(error) => {
                    reply.fail(error);
                }
            },
            Ask::Children => {
                reply.answer(Term::list(self.children.keys().copied().map(Term::pid).collect()));
            }
            Ask::Terminate(pid) => match self.children.get_mut(&pid) {
                Some(child) => {
                    child.awaited.push(reply);
                    me.exit(pid, Term::atom(atoms::SHUTDOWN));
                    if let Some(ms) = self.spec.shutdown {
                        self.token += 1;
                        self.limits.insert(self.token, pid);
                        process::start_tick(me, u64::from(ms), TimerKind::Supervision, self.token);
                    }
                }
                None => {
                    reply.fail(Error::NotFound);
                }
            },
        }
    }

    fn start(
        &mut self, me: &Process, spec: &TaskSpec, how: Start, callers: Option<Arc<Callers>>,
    ) -> Result<Pid, Error> {
        let begins = self.has_room();
        if !begins && !self.spec.queues {
            return Err(Error::Refused(Term::atom(atoms::MAX_CHILDREN)));
        }
        let (answer, owner) = match &how {
            Start::Owned(owner) => (Answer::Owner { owner: owner.pid, monitor: owner.monitor }, Some(owner)),
            Start::Alone | Start::Run => (Answer::Nobody, None),
        };
        // One that answers a request is told so once there is somebody to owe the answer.
        let gated = !begins || matches!(how, Start::Run);
        let start = ChildStart {
            parent: me.pid(),
            link: true,
            child: true,
            link_with: owner.filter(|owner| owner.linked).map(|owner| owner.pid),
            monitor: owner.map(|owner| owner.pid),
            monitor_as: owner.map(|owner| owner.monitor),
            callers,
            ..spec.build(answer, gated)
        };
        let pid = process::spawn(me.node(), start)?.pid;
        self.children.insert(pid, Child { has_begun: begins, owed: None, awaited: Vec::new() });
        if begins {
            self.running += 1;
        } else {
            self.waiting.push_back(pid);
        }
        Ok(pid)
    }

    /// Has a task that was started for it answer a request.
    fn owe(&mut self, pid: Pid, reply: ReplyTo) {
        // One that has just been killed has answered it so.
        let owed = process::with_process(pid, |task| process::owe(task, reply)).flatten();
        let Some(child) = self.children.get_mut(&pid) else { return };
        child.owed = owed;
        if child.has_begun {
            begin(pid, owed);
        }
    }

    fn child_ended(&mut self, pid: Pid) -> Flow {
        let Some(child) = self.children.remove(&pid) else { return Flow::Continue };
        for reply in child.awaited {
            reply.answer(Term::atom(atoms::OK));
        }
        if child.has_begun {
            self.running -= 1;
        }
        if self.children.is_empty() {
            self.waiting.clear();
            if let Some(reason) = self.ending.take() {
                return Flow::Stop(reason);
            }
        }
        while self.ending.is_none() && self.has_room() {
            let Some(next) = self.waiting.pop_front() else { break };
            let Some(child) = self.children.get_mut(&next) else { continue };
            child.has_begun = true;
            self.running += 1;
            begin(next, child.owed);
        }
        Flow::Continue
    }

    /// Ends with `reason` once all tasks have ended.
    fn end(&mut self, me: &Process, reason: Term) -> Flow {
        if self.ending.is_some() {
            return Flow::Continue;
        }
        if self.children.is_empty() {
            return Flow::Stop(reason);
        }
        // Its tasks' ends are what it waits for now.
        self.sys.go_on(me);
        self.ending = Some(reason);
        for &pid in self.children.keys() {
            me.exit(pid, Term::atom(atoms::SHUTDOWN));
        }
        if let Some(ms) = self.spec.shutdown {
            process::start_tick(me, u64::from(ms), TimerKind::Supervision, KILL_ALL);
        }
        Flow::Continue
    }

    /// `#{max_children, shutdown, children, waiting}`: how many have begun, and how many wait for their turn.
    fn state(&self) -> Term {
        let limit = |limit: Option<u32>| limit.map_or(Term::atom(atoms::INFINITY), |limit| Term::int(i64::from(limit)));
        let entries = [
            ("max_children", limit(self.spec.max_children)),
            ("shutdown", limit(self.spec.shutdown)),
            ("children", Term::int(self.running as i64)),
            ("waiting", Term::int((self.children.len() - self.running) as i64)),
        ];
        Term::map(entries.into_iter().map(|(key, value)| (Term::atom_named(key), value)).collect())
    }

    /// Whether it belongs to a stop that is under way: that goes on even while the supervisor is suspended.
    fn belongs_to_stop(&self, message: &Message) -> bool {
        match message {
            Message::Tick(_) => true,
            Message::Exit { from, .. } => self.children.get(from).is_some_and(|child| !child.awaited.is_empty()),
            _ => false,
        }
    }

    fn tick(&mut self, me: &Process, token: u64) {
        let kill = |pid| me.exit(pid, Term::atom(atoms::KILL));
        if token != KILL_ALL {
            self.limits.remove(&token).into_iter().filter(|pid| self.children.contains_key(pid)).for_each(kill);
        } else if self.ending.is_some() {
            self.children.keys().copied().for_each(kill);
        }
    }
}

impl Behaviour for TaskSupervisor {
    fn init(&mut self, _me: &Process) -> Init {
        Init::Ready
    }

    fn message(&mut self, me: &Process, message: Message) -> Flow {
        let message = if self.belongs_to_stop(&message) { Some(message) } else { self.sys.admit(me, message) };
        let Some(message) = message else { return Flow::Continue };
        let is_from_parent = matches!(&message, Message::Exit { from, .. } if *from == me.parent());
        let is_silent =
            matches!(message, Message::Info(_) | Message::Cast(_) | Message::Exit { .. }) && !is_from_parent;
        let is_shown = self.sys.traced && is_silent;
        if is_shown {
            server::trace::came_in(me, &message);
        }
        let flow = self.take_up(me, message);
        if is_shown && matches!(flow, Flow::Continue) {
            server::trace::no_reply(me);
        }
        flow
    }

    fn ended(&mut self, _pid: Pid, reason: &Term) {
        let awaited = self.children.drain().flat_map(|(_, child)| child.awaited);
        for reply in awaited.chain(self.late.drain(..)) {
            reply.die(reason.clone());
        }
    }
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
pub fn start_child(supervisor: Pid, spec: TaskSpec) -> Result<Pid, Error> {
    ask_pid(supervisor, Ask::Start { spec: Box::new(spec), owner: None, callers: callers() })
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
    let pid = ask_pid(supervisor, Ask::Start { spec: Box::new(spec), owner, callers: callers() })?;
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
