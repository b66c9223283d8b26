//! Supervisors: they start children, restart those that fail, and stop them, in order.
//!
//! # What it promises
//!
//! Children are started in the order of their specs, each when the one before is up, and stopped in the other order,
//! each when the one before has ended. A supervisor is up when all its first children are; if one of them fails, those
//! before it are stopped again. A child that ends is restarted as its spec and the strategy say, until the intensity
//! is exceeded: then the supervisor stops its children and ends with `shutdown`. A restart that fails is tried again
//! by a message to itself, so that requests are answered between the attempts.
//!
//! # How it works
//!
//! A supervisor never parks: it is a state machine that gets messages. What OTP's does in one go, while its mailbox
//! waits, is a *job* here (see `job`): a list of children to stop, one of children to start, and a step that is under
//! way. Messages that do not belong to the step wait in `waiting`, in their order, and have their turns when the job is
//! done, before what comes then; so everything is handled in OTP's order. They are not put back into the mailbox, from
//! which the next job would take all of them again: with each turn the supervisor puts one message to itself in front of
//! its mailbox, which stands for the first that waits. Two things are not left waiting:
//!
//! * The end of a child whose start is waited for, or its time running out: the start has failed.
//! * The parent's exit signal, or a request to stop. It is obeyed in its turn, as in OTP, but from its arrival on the
//!   supervisor is in a *hurry*: a child gets no more time for its init than for its shutdown, so that an init that
//!   hangs cannot hold up the tree.
//!
//! A child with a backoff may have to wait before it is restarted, or stays down (`backoff`). Its siblings, as far as
//! the strategy restarts them with it, are stopped at once and wait too; the wait itself is a timer and no job, so that
//! requests are answered meanwhile.
//!
//! Supervisors whose children come and go are another machine: `dynamic`. `partition` is a static one that shows where
//! its children are.
//!
//! # Who touches what
//!
//! Only the thread that runs the process. The other files are pure or ask by message (`requests`).
//!
//! Where it is from: OTP 25 `supervisor`.
#![forbid(unsafe_code)]

mod answers;
mod backoff;
mod children;
mod dynamic;
mod events;
mod history;
mod intensity;
mod job;
mod manners;
mod partition;
mod report;
mod requests;
mod spec;
mod steps;
mod strategy;
mod waiting;

pub use backoff::{Backoff, Failures, Verdict, delay};
pub use children::ChildCount;
pub use events::{Events, Failed, Shown};
pub use history::History;
pub use intensity::Intensity;
pub use partition::{PartitionSpec, is_partition_supervisor, partition, partition_of, partitions, sought};
pub use report::{CHILD_TERMINATED, SHUTDOWN, SHUTDOWN_ERROR, limit_reached, task as report_task};
pub use requests::{
    Observed, Request, count_children, delete_child, get_childspec, history, is_supervisor, lookup, observe,
    restart_child, start_child, start_child_async, start_instance, subscribe, terminate_child, unsubscribe,
    which_children, which_children_async,
};
pub use spec::{
    AutoShutdown, ChildSpec, DynamicSpec, InitHook, Restart, SHUTDOWN_MS, Shutdown, Strategy, SupervisorSpec,
};
pub use steps::is_proper_end;
pub use strategy::{Plan, plan, reach};

use crate::process::{
    Behaviour, ChildStart, FLAG_CONCURRENT, FLAG_SYSTEM, Flow, Init, Message, Process, Startable, SystemRequest,
};
use crate::server::{self, SysState};
use crate::term::{Atom, Pid, Term, atoms};
use children::{Children, Key, Life, Wait};
use dynamic::Dynamic;
use job::{Job, Why};
use manners::{answer_end, answer_system, before_children, is_ending};
use partition::Partitions;
use std::collections::HashMap;
use std::sync::Arc;
use waiting::Waiting;

impl Startable for SupervisorSpec {
    fn build(&self) -> ChildStart {
        let (start, concurrent) = match self.strategy {
            Strategy::SimpleOneForOne => (ChildStart::new(Dynamic::simple(self.clone())), FLAG_CONCURRENT),
            _ => (ChildStart::new(Supervisor::new(self.clone())), 0),
        };
        ChildStart { flags: FLAG_SYSTEM | concurrent, kind: self.kind(), ..start }
    }

    fn kind(&self) -> Atom {
        atoms::SUPERVISOR
    }

    fn with_argument(&self, extra: &Term) -> Option<Arc<dyn Startable>> {
        self.init.as_ref()?;
        Some(Arc::new(SupervisorSpec { arg: server::appended(&self.arg, extra), ..self.clone() }))
    }
}

/// The process of a supervisor.
struct Supervisor {
    strategy: Strategy,
    auto_shutdown: AutoShutdown,
    parallel_start: bool,
    intensity: Intensity,
    history: History,
    events: Events,
    /// Of a partition supervisor: where its children are found.
    partitions: Option<Arc<Partitions>>,
    /// What it starts with; taken by its init.
    spec: Option<SupervisorSpec>,
    children: Children,
    /// What it is in the middle of.
    job: Option<Job>,
    /// What came while a job was under way. When none is, and something is there, `NEXT` is in front of the mailbox.
    waiting: Waiting,
    /// `NEXT` is in the mailbox.
    goes_on: bool,
    /// What came while it was suspended.
    held: Waiting,
    /// Children that failed and wait for their time, by the token of the timer.
    waits: HashMap<u64, Key>,
    /// Among what waits is something that will end it.
    hurry: bool,
    sys: SysState,
    /// The last token given to a start or a timer.
    token: u64,
}

/// To itself, as the token of a tick: the first that waits has its turn. Steps count from 1.
const NEXT: u64 = 0;

/// To itself: try again to restart this child, which failed to start with that reason.
struct TryAgain {
    key: Key,
    reason: Term,
}

impl Supervisor {
    fn new(spec: SupervisorSpec) -> Supervisor {
        Supervisor {
            strategy: spec.strategy,
            auto_shutdown: spec.auto_shutdown,
            parallel_start: spec.parallel_start,
            history: History::default(),
            events: Events::default(),
            partitions: None,
            intensity: Intensity::new(spec.max_restarts, spec.period_ms),
            spec: Some(spec),
            children: Children::default(),
            job: None,
            waiting: Waiting::default(),
            goes_on: false,
            held: Waiting::default(),
            waits: HashMap::new(),
            hurry: false,
            sys: SysState::default(),
            token: 0,
        }
    }

    /// Handles a message while no job is under way.
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
            Message::System { request, reply } => {
                let state = || manners::state(self.strategy, &self.intensity, &self.children);
                if matches!(request, SystemRequest::Resume) {
                    self.waiting.put_before(std::mem::take(&mut self.held));
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
            Message::Tick(token) => self.wait_is_over(me, token),
            Message::Down(down) => {
                self.events.forget(down.monitor);
                Flow::Continue
            }
            // Of a step that is over.
            Message::Started(_) | Message::Ticket(_) | Message::Seen(_) => Flow::Continue,
        }
    }

    /// An exit signal that is not the parent's. Those of strangers mean nothing.
    fn child_ended(&mut self, me: &Process, from: Pid, reason: Term) -> Flow {
        let Some(key) = self.children.find_pid(from) else { return Flow::Continue };
        let Some(child) = self.children.get(key) else { return Flow::Continue };
        let restart = child.spec.restart.follows(&reason);
        if restart || !server::is_orderly(&reason) {
            report::child(me, report::CHILD_TERMINATED, &reason, child);
        }
        self.events.ended(me, &child.shown(), &reason);
        if restart {
            return self.restart(me, key, reason);
        }
        let significant = child.spec.significant;
        self.children.gone(key);
        let shuts_down = match self.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => significant,
            AutoShutdown::AllSignificant => significant && !self.children.has_significant(),
        };
        if shuts_down { self.end(me, Term::atom(atoms::SHUTDOWN)) } else { Flow::Continue }
    }

    fn try_again(&mut self, me: &Process, again: TryAgain) -> Flow {
        match self.children.get(again.key) {
            Some(child) if matches!(child.life(), Life::Restarting(_)) && child.wait.is_none() => {
                self.restart(me, again.key, again.reason)
            }
            // It was stopped, or forgotten, in between.
            _ => Flow::Continue,
        }
    }

    /// A child has failed, with this reason: it is restarted now or later, unless that is once too often.
    fn restart(&mut self, me: &Process, key: Key, reason: Term) -> Flow {
        let now = me.node().clock.now();
        let verdict = self.children.judge(key, &mut self.intensity, now);
        let Some(child) = self.children.get(key) else { return Flow::Continue };
        let pid = child.life().pid();
        self.history.add(&child.shown(), child.uptime_ms(now), &reason, verdict, now);
        let failed = Failed { old: pid, reason };
        match verdict {
            Verdict::GiveUp => {
                report::child(me, report::SHUTDOWN, &report::limit_reached(), child);
                self.events.gave_up(me, &child.shown(), false, &failed);
                self.children.gone(key);
                self.end(me, Term::atom(atoms::SHUTDOWN))
            }
            Verdict::Park => {
                report::child(me, report::PARKED, &report::limit_reached(), child);
                self.events.gave_up(me, &child.shown(), true, &failed);
                self.fail(key, failed);
                self.hold_back(me, key, Life::Parked(pid))
            }
            Verdict::Restart(0) => {
                self.fail(key, failed);
                self.children.set(key, Life::Stopped);
                let plan = self.children.plan(self.strategy, key);
                self.begin(me, Job::new(plan.stop, plan.start, Why::Restart { key, pid }))
            }
            Verdict::Restart(delay_ms) => {
                self.fail(key, failed);
                self.token += 1;
                self.waits.insert(self.token, key);
                self.set_wait(key, Some(Wait::begin(me, delay_ms, self.token)));
                self.hold_back(me, key, Life::Restarting(pid))
            }
        }
    }

    fn fail(&mut self, key: Key, failed: Failed) {
        if let Some(child) = self.children.get_mut(key) {
            child.failed = Some(Box::new(failed));
        }
    }

    /// A child stays down; the siblings that would be restarted with it are stopped, and stay down with it.
    fn hold_back(&mut self, me: &Process, key: Key, life: Life) -> Flow {
        self.children.set(key, life);
        let plan = self.children.plan(self.strategy, key);
        self.begin(me, Job::new(plan.stop, Vec::new(), Why::HoldBack))
    }

    fn set_wait(&mut self, key: Key, wait: Option<Wait>) -> Option<Wait> {
        self.children.get_mut(key).and_then(|child| std::mem::replace(&mut child.wait, wait))
    }

    /// It does not wait for its time any more.
    fn stop_waiting(&mut self, me: &Process, key: Key) {
        if let Some(wait) = self.set_wait(key, None) {
            self.waits.remove(&wait.token);
            me.cancel_tick(wait.timer);
        }
    }

    /// The time has come to restart a child.
    fn wait_is_over(&mut self, me: &Process, token: u64) -> Flow {
        let Some(key) = self.waits.remove(&token) else { return Flow::Continue };
        self.set_wait(key, None);
        let pid = self.children.get(key).map_or(Pid::NONE, |child| child.life().pid());
        self.children.set(key, Life::Stopped);
        let plan = self.children.plan(self.strategy, key);
        self.begin(me, Job::new(plan.stop, plan.start, Why::Restart { key, pid }))
    }

    /// Gives the first that waits its turn, before what comes now.
    fn go_on(&mut self, me: &Process) {
        if self.job.is_none() && !self.waiting.is_empty() && !std::mem::replace(&mut self.goes_on, true) {
            me.put_back(std::iter::once(Message::Tick(NEXT)));
        }
    }

    /// Stops all children, the last started first, and then ends.
    fn end(&mut self, me: &Process, reason: Term) -> Flow {
        let all = self.children.keys().rev().collect();
        self.begin(me, Job::new(all, Vec::new(), Why::End(reason)))
    }
}

impl Behaviour for Supervisor {
    fn init(&mut self, me: &Process) -> Init {
        let Some(mut spec) = self.spec.take() else { return Init::Stop(Term::atom(atoms::BADARG)) };
        if let Err(end) = before_children(me, spec.init.clone().as_deref(), &spec.arg, Some(&mut spec.children)) {
            return end;
        }
        if let Err(reason) = spec.check() {
            return Init::Stop(reason);
        }
        let keys = spec.children.into_iter().map(|child| self.children.add(child)).collect();
        match self.begin(me, Job::new(Vec::new(), keys, Why::StartUp)) {
            Flow::Stop(reason) | Flow::StopStart(reason, _) => Init::Stop(reason),
            Flow::Fenced(fenced) => Init::Fenced(fenced),
            Flow::Continue | Flow::Returned => Init::Later,
        }
    }

    fn message(&mut self, me: &Process, message: Message) -> Flow {
        let message = match message {
            Message::Tick(NEXT) => {
                self.goes_on = false;
                // A priority message has passed it and begun a job, whose end sees to what waits.
                if self.job.is_some() {
                    return Flow::Continue;
                }
                match self.waiting.pop() {
                    Some(message) => message,
                    None => return Flow::Continue,
                }
            }
            message => message,
        };
        if self.job.is_some() {
            return self.in_job(me, message);
        }
        let for_suspended = matches!(message, Message::System { .. }) || is_ending(me, &message);
        let flow = if self.sys.suspended && !for_suspended {
            self.held.push(message);
            Flow::Continue
        } else {
            self.handle(me, message)
        };
        if matches!(flow, Flow::Continue) {
            self.go_on(me);
        }
        flow
    }

    fn ended(&mut self, _pid: Pid, reason: &Term) {
        if let Some(reply) = self.job.take().and_then(Job::into_reply) {
            reply.die(reason.clone());
        }
        answer_end(&mut self.held, reason);
        answer_end(&mut self.waiting, reason);
    }
}
