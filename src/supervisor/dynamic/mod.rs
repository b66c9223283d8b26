//! Supervisors whose children come and go: Elixir's DynamicSupervisor, and OTP's `simple_one_for_one`.
//!
//! # What it promises
//!
//! Children are started and stopped side by side: a start or a stop that takes its time holds up nobody else, and a
//! child may start a sibling from its init. When the supervisor ends all children are stopped at once, each with the
//! time its own spec gives it. A child that has ended and is not restarted is forgotten. Nothing here takes longer for
//! each child the more children there are, but what lists or counts them.
//!
//! # How it works
//!
//! Each start and each stop is a *step* of its own, found by its token, with those who wait for it. A child has one
//! step at most. Whoever wants a child that has one waits for its end, as OTP's supervisor would have them wait: see
//! `line`. A supervisor that is to end waits for the starts under way, which get no more time than a shutdown, and then
//! begins all stops.
//!
//! Where it is from: Elixir 1.14 `DynamicSupervisor`, OTP 25 `supervisor`; there starts are one after the other.

mod answers;
mod line;
mod restarts;

use super::children::{Child, Children, Key, Life};
use super::events::Events;
use super::history::History;
use super::intensity::Intensity;
use super::requests::{InStart, Request};
use super::spec::{AutoShutdown, ChildSpec, DynamicSpec, InitHook, Strategy, SupervisorSpec};
use super::steps::{Began, Starting, Stopping, is_proper_end};
use super::waiting::Waiting;
use super::{TryAgain, answer_end, answer_system, before_children, is_ending, manners, report};
use crate::process::{
    Behaviour, ChildStart, Down, Error, FLAG_CONCURRENT, FLAG_SYSTEM, Flow, Init, Message, Process, ReplyTo,
    StartResult, Startable, SystemRequest,
};
use crate::server::{self, SysState};
use crate::sync::room::Room;
use crate::term::{Atom, Pid, Ref, Term, atoms};
use hashbrown::HashMap;
use line::Line;
use std::sync::Arc;

impl Startable for DynamicSpec {
    fn build(&self) -> ChildStart {
        let flags = FLAG_SYSTEM | FLAG_CONCURRENT;
        ChildStart { flags, kind: self.kind(), ..ChildStart::new(Dynamic::new(self.clone())) }
    }

    fn kind(&self) -> Atom {
        atoms::DYNAMIC_SUPERVISOR
    }

    fn with_argument(&self, extra: &Term) -> Option<Arc<dyn Startable>> {
        self.init.as_ref()?;
        Some(Arc::new(DynamicSpec { arg: server::appended(&self.arg, extra), ..self.clone() }))
    }
}

/// Who waits for a start.
enum StartOf {
    /// A new child.
    Child(ReplyTo),
    /// A child that had this pid.
    Restart(Pid),
    /// The same, because somebody asked for it.
    ByHand(Pid, ReplyTo),
}

/// What is under way with one child.
enum Step {
    Start {
        starting: Starting,
        of: StartOf,
        line: Line,
    },
    Stop {
        stopping: Stopping,
        /// Of its EXIT message, which is truer than a monitor's that found it dead.
        reason: Option<Term>,
        asked: Option<ReplyTo>,
        line: Line,
    },
}

impl Step {
    /// All who wait for it.
    fn replies(self) -> impl Iterator<Item = ReplyTo> {
        let (first, line) = match self {
            Step::Start { of: StartOf::Child(reply) | StartOf::ByHand(_, reply), line, .. } => (Some(reply), line),
            Step::Start { line, .. } => (None, line),
            Step::Stop { asked, line, .. } => (asked, line),
        };
        first.into_iter().chain(line.replies())
    }

    fn line(&mut self) -> &mut Line {
        match self {
            Step::Start { line, .. } | Step::Stop { line, .. } => line,
        }
    }
}

/// The process of such a supervisor.
pub(super) struct Dynamic {
    /// What a simple_one_for_one's children are made from.
    template: Option<ChildSpec>,
    auto_shutdown: AutoShutdown,
    max_children: Option<u32>,
    unique_ids: bool,
    hook: Option<Arc<InitHook>>,
    arg: Term,
    /// Of a simple_one_for_one: what it starts with; taken by its init, which makes the template from it.
    simple: Option<SupervisorSpec>,
    intensity: Intensity,
    history: History,
    events: Events,
    children: Children,
    steps: HashMap<u64, Step>,
    /// How many of them are starts.
    starts: usize,
    /// The step of a child.
    busy: HashMap<Key, u64>,
    /// The stop of a monitor.
    monitors: HashMap<Ref, u64>,
    /// Children that failed and wait for their time, by the token of the timer.
    waits: HashMap<u64, Key>,
    /// It ends, with this reason.
    ending: Option<Term>,
    /// All its children have been told to end.
    stops_all: bool,
    /// What came while it was suspended, or since it ends.
    waiting: Waiting,
    sys: SysState,
    /// The last token given to a step or a timer.
    token: u64,
}

impl Dynamic {
    fn new(spec: DynamicSpec) -> Dynamic {
        Dynamic {
            template: None,
            auto_shutdown: AutoShutdown::Never,
            max_children: spec.max_children,
            unique_ids: spec.unique_ids,
            hook: spec.init,
            arg: spec.arg,
            simple: None,
            intensity: Intensity::new(spec.max_restarts, spec.period_ms),
            history: History::default(),
            events: Events::default(),
            children: Children::default(),
            steps: HashMap::new(),
            starts: 0,
            busy: HashMap::new(),
            monitors: HashMap::new(),
            waits: HashMap::new(),
            ending: None,
            stops_all: false,
            waiting: Waiting::default(),
            sys: SysState::default(),
            token: 0,
        }
    }

    /// A simple_one_for_one.
    pub fn simple(spec: SupervisorSpec) -> Dynamic {
        let SupervisorSpec { max_restarts, period_ms, .. } = spec;
        Dynamic {
            auto_shutdown: spec.auto_shutdown,
            simple: Some(spec),
            ..Dynamic::new(DynamicSpec { max_restarts, period_ms, ..DynamicSpec::default() })
        }
    }

    fn handle(&mut self, me: &Process, message: Message) -> Flow {
        if !self.sys.traced {
            return self.take_up(me, message);
        }
        let id = |key| self.children.get(key).map(|child| child.spec.id.clone());
        let (message, is_silent) = manners::trace(me, message, id);
        let flow = self.take_up(me, message);
        if is_silent && matches!(flow, Flow::Continue) {
            server::trace::no_reply(me);
        }
        flow
    }

    fn take_up(&mut self, me: &Process, message: Message) -> Flow {
        match message {
            Message::Exit { from, reason } if from == me.parent() => self.end(me, reason),
            Message::Exit { from, reason } => self.child_ended(me, from, reason),
            Message::Started(started) => self.started(me, started.token, started.result),
            Message::Down(down) => self.down(me, down.into_inner()),
            Message::Tick(token) => self.tick(me, token),
            Message::Ticket(_) | Message::Seen(_) => Flow::Continue,
            Message::System { request, reply } => {
                let strategy = if self.template.is_some() { Strategy::SimpleOneForOne } else { Strategy::OneForOne };
                let state = || manners::state(strategy, &self.intensity, &self.children);
                if matches!(request, SystemRequest::Resume) {
                    me.put_back(self.waiting.drain());
                }
                match answer_system(me, request, reply, &mut self.sys, state) {
                    Some(reason) => self.end(me, reason),
                    None => Flow::Continue,
                }
            }
            Message::Native { request, reply } => match request.downcast::<Request>() {
                Ok(request) => self.request(me, *request, reply),
                Err(other) => match other.downcast::<TryAgain>() {
                    Ok(again) => self.try_again(me, *again),
                    Err(_) => {
                        server::wrong_kind(reply);
                        Flow::Continue
                    }
                },
            },
            Message::Call { reply, .. } => {
                server::wrong_kind(Some(reply));
                Flow::Continue
            }
            Message::Info(term) | Message::Cast(term) => {
                report::unexpected(me, &term);
                Flow::Continue
            }
        }
    }

    // ---- starting ----

    fn add_child(&mut self, me: &Process, spec: ChildSpec, reply: ReplyTo, in_start: InStart) -> Flow {
        if self.max_children.is_some_and(|max| self.children.len() >= max as usize) {
            reply.fail(Error::Refused(Term::atom(atoms::MAX_CHILDREN)));
            return Flow::Continue;
        }
        if self.unique_ids
            && let Some(key) = self.children.find(&spec.id)
        {
            self.is_taken(key, spec, reply, in_start);
            return Flow::Continue;
        }
        let key = self.children.add_starting(spec, self.template.is_none());
        self.start(me, key, StartOf::Child(reply))
    }

    /// There is a child of that id. What becomes of one with a step shows when the step is over; only who is in a start
    /// himself cannot wait for that, for it may wait for his.
    fn is_taken(&mut self, key: Key, spec: ChildSpec, reply: ReplyTo, in_start: InStart) {
        let step = self.busy.get(&key).and_then(|token| self.steps.get_mut(token));
        let error = match (step, self.children.get(key).map(Child::life)) {
            (Some(step), _) if in_start.is_none() => {
                return step.line().push(Request::StartChild { spec: Box::new(spec), in_start }, reply);
            }
            (Some(Step::Start { starting, .. }), _) => Error::already_started(starting.pid),
            (Some(Step::Stop { stopping, .. }), _) => Error::already_started(stopping.pid),
            (None, Some(Life::Running(pid))) => Error::already_started(pid),
            (None, _) => Error::Exists(Term::atom(atoms::ALREADY_PRESENT)),
        };
        reply.fail(error);
    }

    fn start(&mut self, me: &Process, key: Key, of: StartOf) -> Flow {
        let Some(child) = self.children.get(key) else { return Flow::Continue };
        self.token += 1;
        match Starting::begin(me, &child.spec, key, self.token) {
            Ok(Began::UnderWay(starting)) => {
                self.starts += 1;
                self.busy.insert(key, self.token);
                self.children.begins(key, starting.pid);
                self.steps.insert(self.token, Step::Start { starting, of, line: Line::default() });
            }
            Ok(Began::Up(pid)) => self.start_is_over(me, key, of, Ok(Some(pid))),
            Err(error) => self.start_is_over(me, key, of, Err(error)),
        }
        Flow::Continue
    }

    fn started(&mut self, me: &Process, token: u64, result: StartResult) -> Flow {
        let Some(step) = self.steps.remove(&token) else { return Flow::Continue };
        self.steps.tidy();
        let Step::Start { starting, of, mut line } = step else {
            self.steps.insert(token, step);
            return Flow::Continue;
        };
        let (key, pid, was_hurried) = (starting.key, starting.pid, starting.was_hurried());
        self.starts -= 1;
        self.busy.remove(&key);
        self.busy.tidy();
        let over = starting.over(me, result, |pid| _ = me.unlink(pid));
        if !matches!(over, Ok(Some(_))) {
            self.children.did_not_begin(pid);
        }
        self.start_is_over(me, key, of, over);
        if was_hurried && self.children.get(key).is_none() {
            line.has_stopped(pid);
        }
        self.ask_again(me, key, line);
        self.go_on_ending(me)
    }

    fn start_is_over(&mut self, me: &Process, key: Key, of: StartOf, over: Result<Option<Pid>, Error>) {
        if let Ok(Some(pid)) = over {
            self.children.came_up(key, pid, me.node().clock.now());
            if let Some(child) = self.children.get_mut(key) {
                let failed = child.failed.take().map(|failed| *failed);
                report::progress(me, child);
                self.events.came_up(me, &child.shown(), failed);
            }
        }
        match (of, over) {
            (StartOf::Child(reply) | StartOf::ByHand(_, reply), Ok(Some(pid))) => {
                reply.answer(Term::pid(pid));
            }
            (StartOf::Restart(_), Ok(Some(_))) => {}
            (StartOf::Child(reply) | StartOf::ByHand(_, reply), Ok(None)) => {
                self.children.remove(key);
                if self.template.is_some() {
                    reply.answer(Term::atom(atoms::UNDEFINED));
                } else {
                    reply.fail(Error::Ignored);
                }
            }
            (StartOf::Restart(_), Ok(None)) => self.children.remove(key),
            (StartOf::Child(reply), Err(error)) => {
                self.children.remove(key);
                reply.fail(error);
            }
            (StartOf::ByHand(pid, reply), Err(error)) => {
                self.children.set(key, Life::Parked(pid));
                reply.fail(error);
            }
            (StartOf::Restart(pid), Err(error)) => {
                self.children.set(key, Life::Restarting(pid));
                let reason = error.reason();
                if let Some(child) = self.children.get(key) {
                    report::child(me, report::START_ERROR, &reason, child);
                }
                let _ = Process::post(
                    me.pid(),
                    Message::Native { request: Box::new(TryAgain { key, reason }), reply: None },
                );
            }
        }
    }

    // ---- stopping ----

    /// Stops a child that nothing is under way with, and forgets it; `asked` hears of that.
    fn stop(&mut self, me: &Process, key: Key, asked: Option<ReplyTo>) {
        let Some(child) = self.children.get(key) else { return };
        let Life::Running(pid) = child.life() else {
            self.stop_waiting(me, key);
            self.children.remove(key);
            return answer_ok(asked);
        };
        self.token += 1;
        let stopping = Stopping::begin(me, &child.spec, key, pid, self.token);
        self.busy.insert(key, self.token);
        self.monitors.insert(stopping.monitor, self.token);
        // What it ended with while the supervisor was suspended.
        let reason = self.waiting.reason_of(pid).cloned();
        self.steps.insert(self.token, Step::Stop { stopping, reason, asked, line: Line::default() });
    }

    fn down(&mut self, me: &Process, down: Down) -> Flow {
        let Some(token) = self.monitors.remove(&down.monitor) else {
            self.events.forget(down.monitor);
            return Flow::Continue;
        };
        let Some(Step::Stop { stopping, reason, asked, line }) = self.steps.remove(&token) else {
            return Flow::Continue;
        };
        let (key, pid) = (stopping.key, stopping.pid);
        self.busy.remove(&key);
        self.busy.tidy();
        me.unlink(pid);
        stopping.over(me);
        let reason = reason.unwrap_or(down.reason);
        if let Some(child) = self.children.get(key) {
            if !is_proper_end(child.spec.shutdown, child.spec.restart, &reason) {
                report::child(me, report::SHUTDOWN_ERROR, &reason, child);
            }
            self.events.ended(me, &child.shown(), &reason);
        }
        self.children.remove(key);
        answer_ok(asked);
        self.ask_again(me, key, line);
        self.go_on_ending(me)
    }

    /// Ends, once no start is under way and all children have ended.
    fn end(&mut self, me: &Process, reason: Term) -> Flow {
        for (&token, step) in &mut self.steps {
            step.line().refuse(&reason);
            if let Step::Start { starting, .. } = step
                && let Some(child) = self.children.get(starting.key)
            {
                starting.hurry(me, &child.spec, token);
            }
        }
        if self.starts > 0 {
            self.refuse_those_in_a_start(&reason);
        }
        self.ending = Some(reason);
        self.go_on_ending(me)
    }

    /// What was asked while it was suspended may have been asked from an init, which waits for us, and we for it.
    fn refuse_those_in_a_start(&mut self, reason: &Term) {
        let messages: Vec<Message> = self.waiting.drain().collect();
        for message in messages {
            match message {
                Message::Native { request, reply: Some(reply) } if request.is::<Request>() => {
                    reply.die(reason.clone());
                }
                other => self.waiting.push(other),
            }
        }
    }

    fn go_on_ending(&mut self, me: &Process) -> Flow {
        if self.ending.is_none() || self.starts > 0 {
            return Flow::Continue;
        }
        if !std::mem::replace(&mut self.stops_all, true) {
            let keys: Vec<Key> = self.children.keys().rev().filter(|key| !self.busy.contains_key(key)).collect();
            for key in keys {
                self.stop(me, key, None);
            }
        }
        match self.ending.take_if(|_| self.steps.is_empty()) {
            Some(reason) => Flow::Stop(reason),
            None => Flow::Continue,
        }
    }

    // ---- its own end ----

    /// While it ends: what belongs to a step goes on, the rest hears of the end.
    fn while_ending(&mut self, me: &Process, message: Message) -> Flow {
        match message {
            Message::Started(_) | Message::Down(_) => self.handle(me, message),
            Message::Tick(token) if self.steps.contains_key(&token) => self.tick(me, token),
            Message::Tick(_) => Flow::Continue,
            Message::Exit { from, reason } if from != me.parent() => {
                let stop = self.children.find_pid(from).and_then(|key| self.busy.get(&key));
                if let Some(Step::Stop { reason: known, .. }) = stop.and_then(|token| self.steps.get_mut(token)) {
                    *known = Some(reason);
                }
                Flow::Continue
            }
            // A child that starts a sibling from its init would wait for us, and we for it.
            Message::Native { request, reply: Some(reply) } if self.starts > 0 && request.is::<Request>() => {
                reply.die(self.ending.clone().unwrap_or_default());
                Flow::Continue
            }
            other => {
                self.waiting.push(other);
                Flow::Continue
            }
        }
    }
}

fn answer_ok(asked: Option<ReplyTo>) {
    if let Some(reply) = asked {
        reply.answer(Term::atom(atoms::OK));
    }
}

impl Behaviour for Dynamic {
    fn init(&mut self, me: &Process) -> Init {
        let Some(mut simple) = self.simple.take() else {
            return before_children(me, self.hook.as_deref(), &self.arg, None).err().unwrap_or(Init::Ready);
        };
        let hook = simple.init.take();
        if let Err(end) = before_children(me, hook.as_deref(), &simple.arg, Some(&mut simple.children)) {
            return end;
        }
        if let Err(reason) = simple.check() {
            return Init::Stop(reason);
        }
        self.template = simple.children.pop();
        Init::Ready
    }

    fn message(&mut self, me: &Process, message: Message) -> Flow {
        if self.ending.is_some() {
            return self.while_ending(me, message);
        }
        let belongs_to_step = match &message {
            Message::Started(_) | Message::Down(_) => true,
            Message::Tick(token) => self.steps.contains_key(token),
            _ => false,
        };
        let for_suspended = matches!(message, Message::System { .. }) || is_ending(me, &message) || belongs_to_step;
        if self.sys.suspended && !for_suspended {
            self.waiting.push(message);
            return Flow::Continue;
        }
        self.handle(me, message)
    }

    fn ended(&mut self, _pid: Pid, reason: &Term) {
        for (_, step) in self.steps.drain() {
            for reply in step.replies() {
                reply.die(reason.clone());
            }
        }
        answer_end(&mut self.waiting, reason);
    }
}
