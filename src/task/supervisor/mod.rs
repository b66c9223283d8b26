//! Task supervisors: tasks as children, in Elixir's `Task.Supervisor`'s way, with a limit that may queue.
//!
//! # What it promises
//!
//! A task under a supervisor is linked with it: one that is killed takes its tasks along, one that stops tells them to
//! shut down, all at once, and kills those that take too long, each after its own time. No more than `max_children` run at once. One more is
//! refused (`max_children`), or, if the supervisor queues, is started all the same, with its pid, links and monitors,
//! but begins only when its turn has come, in the order of the starts. A task that waits for tasks of its own supervisor
//! lends its place to them (`lending`).
//!
//! A task that somebody owns is temporary: when it has ended it is forgotten, whatever it ended with. One that nobody
//! waits for may be permanent or transient: it is run again, as a new process, with the same function, argument and
//! callers, until the intensity is exceeded; then the supervisor ends with `shutdown`. It keeps its place: one that had
//! begun begins at once, whoever waits, and one that waited for its turn waits where it stood.
//!
//! # How it works
//!
//! It never parks: it is a state machine that gets messages. A queued task waits at its gate (see `body`); it needs no
//! stack, and ends as any other process does. Time limits are ticks. What a restart needs is kept with the child, and
//! with nobody else: once it is forgotten and its last process is gone, so is what belongs to its function.
//!
//! Only the thread that runs the process touches its state; others ask by message.

mod answers;
mod lending;
mod requests;
mod restarts;

pub use lending::Wait;
pub use requests::{children, run_async, start_child, start_under, terminate_child};

use super::TaskSpec;
use super::body::{Answer, Go};
use crate::clock::TimerKind;
use crate::process::{
    self, Behaviour, Callers, ChildStart, Error, FLAG_SYSTEM, Flow, Init, Message, Process, ReplyTo, Startable,
};
use crate::server::{self, SysState};
use crate::supervisor::{Events, History, Intensity, Restart, Shown, Shutdown};
use crate::term::{Atom, Pid, Term, atoms};
use hashbrown::HashMap;
use lending::Lending;
use requests::Owner;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a task supervisor is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskSupervisorSpec {
    /// So many tasks run at once; none: any number.
    pub max_children: Option<u32>,
    /// At the limit tasks wait for their turn; else they are refused.
    pub queues: bool,
    /// How a task is stopped whose own spec does not say it.
    pub shutdown: Shutdown,
    /// So many restarts ...
    pub max_restarts: u32,
    /// ... within so many milliseconds are allowed; one more ends the supervisor.
    pub period_ms: u32,
}

impl Startable for TaskSupervisorSpec {
    fn build(&self) -> ChildStart {
        ChildStart { flags: FLAG_SYSTEM, ..ChildStart::new(TaskSupervisor::new(*self)) }
    }

    fn kind(&self) -> Atom {
        atoms::TASK_SUPERVISOR
    }
}

struct TaskSupervisor {
    spec: TaskSupervisorSpec,
    intensity: Intensity,
    children: HashMap<Pid, Child>,
    /// How many places they hold: of those who have begun, but for who waits and has lent its own.
    running: usize,
    /// The others, by their places.
    waiting: BTreeMap<u64, Pid>,
    /// The last place given away.
    place: u64,
    /// It ends with this reason, once all tasks have.
    ending: Option<Term>,
    /// What came after that; answered by its end.
    late: Vec<ReplyTo>,
    /// Whose time to end is over with a tick, by its token.
    limits: HashMap<u64, Vec<Pid>>,
    token: u64,
    events: Events,
    history: History,
    sys: SysState,
}

struct Child {
    /// In the order of the starts; a restart keeps it.
    place: u64,
    has_begun: bool,
    lending: Lending,
    /// How it is stopped.
    shutdown: Shutdown,
    /// What is run again when it has ended; none: it is temporary.
    again: Option<Again>,
    /// When its last run was started: nanoseconds of the runtime's clock. Of those that are run again.
    up_since: u64,
    /// It has ended, its restart failed, and the next attempt is on its way. It goes by the pid that it had.
    is_down: bool,
    /// How often it was to be restarted.
    restarts: u64,
    /// The request that waits for its value.
    owed: Option<u64>,
    /// Who waits for its end.
    awaited: Vec<ReplyTo>,
}

/// What a restart needs.
struct Again {
    spec: Box<TaskSpec>,
    restart: Restart,
    callers: Option<Arc<Callers>>,
}

impl Again {
    fn never(spec: Box<TaskSpec>, callers: Option<Arc<Callers>>) -> Again {
        Again { spec, restart: Restart::Temporary, callers }
    }
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

impl Child {
    fn restart(&self) -> Restart {
        self.again.as_ref().map_or(Restart::Temporary, |again| again.restart)
    }

    /// As events and the history tell of it.
    fn shown(&self, pid: Pid) -> Shown<'static> {
        Shown { id: None, pid, restarts: self.restarts }
    }
}

impl TaskSupervisor {
    fn new(spec: TaskSupervisorSpec) -> TaskSupervisor {
        TaskSupervisor {
            intensity: Intensity::new(spec.max_restarts, spec.period_ms),
            spec,
            children: HashMap::new(),
            running: 0,
            waiting: BTreeMap::new(),
            place: 0,
            ending: None,
            late: Vec::new(),
            limits: HashMap::new(),
            token: 0,
            events: Events::default(),
            history: History::default(),
            sys: SysState::default(),
        }
    }

    fn take_up(&mut self, me: &Process, message: Message) -> Flow {
        match message {
            Message::Native { request, reply } => return self.asked(me, request, reply),
            Message::Exit { from, reason } if me.obeys(from) => return self.end(me, reason),
            Message::Exit { from, reason } => return self.child_ended(me, from, &reason),
            Message::Tick(token) => self.tick(me, token),
            Message::System { request, reply } => {
                let mut sys = self.sys;
                let flow = sys.answer(me, request, reply, || Some(self.state()));
                self.sys = sys;
                // What has ended meanwhile, told to, has made room.
                self.fill();
                self.pass_all_on();
                return match flow {
                    Flow::Stop(reason) => self.end(me, reason),
                    flow => flow,
                };
            }
            Message::Call { reply, .. } => server::wrong_kind(Some(reply)),
            Message::Down(down) => drop(self.events.forget(down.monitor)),
            _ => {}
        }
        Flow::Continue
    }

    fn has_room(&self) -> bool {
        self.spec.max_children.is_none_or(|max| self.running < max as usize)
    }

    /// A new child, if there is room for it.
    fn start(&mut self, me: &Process, what: Again, how: &Start) -> Result<Pid, Error> {
        let begins = self.has_room();
        if !begins && !self.spec.queues {
            return Err(Error::Refused(Term::atom(atoms::MAX_CHILDREN)));
        }
        let pid = self.spawn(me, &what, how, begins)?;
        self.place += 1;
        let shutdown = what.spec.shutdown.unwrap_or(self.spec.shutdown);
        let again = Some(what).filter(|what| what.restart != Restart::Temporary);
        let child = Child {
            place: self.place,
            has_begun: begins,
            lending: Lending::default(),
            shutdown,
            up_since: if again.is_some() { me.node().clock.now() } else { 0 },
            again,
            is_down: false,
            restarts: 0,
            owed: None,
            awaited: Vec::new(),
        };
        if begins {
            self.running += 1;
        } else {
            self.waiting.insert(child.place, pid);
        }
        self.events.came_up(me, &child.shown(pid), None);
        self.children.insert(pid, child);
        Ok(pid)
    }

    fn spawn(&self, me: &Process, what: &Again, how: &Start, begins: bool) -> Result<Pid, Error> {
        let (answer, owner) = match how {
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
            callers: what.callers.clone(),
            ..TaskSpec::clone(&what.spec).start_with(answer, gated)
        };
        Ok(process::spawn(me.node(), start)?.pid)
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

    /// Ends with `reason` once all tasks have ended.
    fn end(&mut self, me: &Process, reason: Term) -> Flow {
        if self.ending.is_some() {
            return Flow::Continue;
        }
        self.children.retain(|_, child| !child.is_down);
        if self.children.is_empty() {
            return Flow::Stop(reason);
        }
        // Its tasks' ends are what it waits for now.
        self.sys.go_on(me);
        self.ending = Some(reason);
        let mut limited: HashMap<u32, Vec<Pid>> = HashMap::new();
        for (&pid, child) in &self.children {
            let (told, within) = child.shutdown.parts();
            me.exit(pid, Term::atom(told));
            if let Some(ms) = within {
                limited.entry(ms).or_default().push(pid);
            }
        }
        limited.into_iter().for_each(|(ms, pids)| self.limit(me, ms, pids));
        Flow::Continue
    }

    /// Has those be killed that have not ended by then.
    fn limit(&mut self, me: &Process, ms: u32, pids: Vec<Pid>) {
        self.token += 1;
        self.limits.insert(self.token, pids);
        process::start_tick(me, u64::from(ms), TimerKind::Supervision, self.token);
    }

    /// `#{max_children, shutdown, max_restarts, period_ms, children, waiting}`: how many have begun, and how many wait
    /// for their turn.
    fn state(&self) -> Term {
        let max = self.spec.max_children;
        let entries = [
            ("max_children", max.map_or(Term::atom(atoms::INFINITY), |max| Term::int(i64::from(max)))),
            ("shutdown", self.spec.shutdown.term()),
            ("max_restarts", Term::int(i64::from(self.spec.max_restarts))),
            ("period_ms", Term::int(i64::from(self.spec.period_ms))),
            ("children", Term::int(self.running as i64)),
            ("waiting", Term::int(self.waiting.len() as i64)),
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
        let late = self.limits.remove(&token).into_iter().flatten();
        late.filter(|pid| self.children.contains_key(pid)).for_each(|pid| me.exit(pid, Term::atom(atoms::KILL)));
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
