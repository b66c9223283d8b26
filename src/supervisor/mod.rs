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
//! way. Messages that do not belong to the step wait in `waiting`, in their order, and are put back into the mailbox
//! when the job is done; so everything is handled in OTP's order. Two things are not left waiting:
//!
//! * The end of a child whose start is waited for, or its time running out: the start has failed.
//! * The parent's exit signal, or a request to stop. It is obeyed in its turn, as in OTP, but from its arrival on the
//!   supervisor is in a *hurry*: a child gets no more time for its init than for its shutdown, so that an init that
//!   hangs cannot hold up the tree.
//!
//! # Who touches what
//!
//! Only the thread that runs the process. The other files are pure or ask by message (`requests`).
//!
//! Where it is from: OTP 25 `supervisor`.
#![forbid(unsafe_code)]

mod children;
mod intensity;
mod job;
mod report;
mod requests;
mod spec;
mod strategy;

pub use children::ChildCount;
pub use intensity::Intensity;
pub use requests::{
    count_children, delete_child, get_childspec, restart_child, start_child, start_child_async, terminate_child,
    which_children, which_children_async,
};
pub use spec::{ChildSpec, InitHook, Restart, SHUTDOWN_MS, Shutdown, Strategy, SupervisorSpec};
pub use strategy::{Plan, plan, reach};

use crate::process::{
    Behaviour, ChildStart, Error, FLAG_SYSTEM, Flow, Init, Message, Process, ReplyTo, Startable, SystemRequest, owe,
};
use crate::server::{self, Callback, Context, Step};
use crate::term::{Atom, Pid, Term, atoms};
use children::{Children, Key, Life};
use job::{Job, Why};
use requests::Request;
use std::collections::VecDeque;

impl Startable for SupervisorSpec {
    fn build(&self) -> ChildStart {
        ChildStart { flags: FLAG_SYSTEM, kind: self.kind(), ..ChildStart::new(Box::new(Supervisor::new(self.clone()))) }
    }

    fn kind(&self) -> Atom {
        atoms::SUPERVISOR
    }
}

/// The process of a supervisor.
struct Supervisor {
    strategy: Strategy,
    intensity: Intensity,
    /// What it starts with; taken by its init.
    spec: Option<SupervisorSpec>,
    children: Children,
    /// What it is in the middle of.
    job: Option<Job>,
    /// What came meanwhile, or while it was suspended.
    waiting: VecDeque<Message>,
    /// Among what waits is something that will end it.
    hurry: bool,
    suspended: bool,
    /// The last token given to a start or a timer.
    token: u64,
}

/// To itself: try again to restart this child.
struct TryAgain(Key);

impl Supervisor {
    fn new(spec: SupervisorSpec) -> Supervisor {
        Supervisor {
            strategy: spec.strategy,
            intensity: Intensity::new(spec.max_restarts, spec.period_ms),
            spec: Some(spec),
            children: Children::default(),
            job: None,
            waiting: VecDeque::new(),
            hurry: false,
            suspended: false,
            token: 0,
        }
    }

    /// Handles a message while no job is under way.
    fn handle(&mut self, me: &Process, message: Message) -> Flow {
        match message {
            Message::Exit { from, reason } if from == me.parent() => self.end(me, reason),
            Message::Exit { from, reason } => self.child_ended(me, from, reason),
            Message::System { request, reply } => self.system(me, request, reply),
            Message::Native { request, reply } => match request.downcast::<Request>() {
                Ok(request) => self.request(me, *request, reply),
                Err(other) => match other.downcast::<TryAgain>() {
                    Ok(again) => self.try_again(me, again.0),
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
            // Of a step that is over.
            Message::Started(_) | Message::Down(_) | Message::Seen(_) | Message::Tick(_) => Flow::Continue,
        }
    }

    /// An exit signal that is not the parent's. Those of strangers mean nothing.
    fn child_ended(&mut self, me: &Process, from: Pid, reason: Term) -> Flow {
        let Some(key) = self.children.find_pid(from) else { return Flow::Continue };
        let Some(child) = self.children.get(key) else { return Flow::Continue };
        // Rule: OTP's `do_restart`.
        let restart = match child.spec.restart {
            Restart::Permanent => true,
            Restart::Transient => !server::is_orderly(&reason),
            Restart::Temporary => false,
        };
        if restart || !server::is_orderly(&reason) {
            report::child(me, report::CHILD_TERMINATED, &reason, child);
        }
        if restart {
            return self.restart(me, key);
        }
        self.children.gone(key);
        Flow::Continue
    }

    fn try_again(&mut self, me: &Process, key: Key) -> Flow {
        match self.children.get(key).map(|child| child.life()) {
            Some(Life::Restarting(_)) => self.restart(me, key),
            // It was stopped, or forgotten, in between.
            _ => Flow::Continue,
        }
    }

    /// Restarts a child that has ended, unless that is once too often.
    fn restart(&mut self, me: &Process, key: Key) -> Flow {
        let Some(child) = self.children.get(key) else { return Flow::Continue };
        if !self.intensity.add(me.node().clock.now()) {
            let reason = Term::atom_named("reached_max_restart_intensity");
            report::child(me, report::SHUTDOWN, &reason, child);
            self.children.gone(key);
            return self.end(me, Term::atom(atoms::SHUTDOWN));
        }
        let pid = match child.life() {
            Life::Running(pid) | Life::Restarting(pid) => pid,
            Life::Stopped => Pid::NONE,
        };
        self.children.set(key, Life::Stopped);
        let plan = self.children.plan(self.strategy, key);
        self.begin(me, Job::new(plan.stop, plan.start, Why::Restart { key, pid }))
    }

    /// Stops all children, the last started first, and then ends.
    fn end(&mut self, me: &Process, reason: Term) -> Flow {
        let all = self.children.keys().rev().collect();
        self.begin(me, Job::new(all, Vec::new(), Why::End(reason)))
    }

    fn system(&mut self, me: &Process, request: SystemRequest, reply: ReplyTo) -> Flow {
        let ok = |reply: ReplyTo| {
            reply.answer(Term::atom(atoms::OK));
        };
        match request {
            SystemRequest::Stop(reason) => {
                // Answered by the end itself.
                owe(me, reply);
                return self.end(me, reason);
            }
            SystemRequest::Suspend => {
                self.suspended = true;
                ok(reply);
            }
            SystemRequest::Resume => {
                self.suspended = false;
                me.put_back(self.waiting.drain(..));
                ok(reply);
            }
            SystemRequest::GetState => {
                reply.answer(self.state());
            }
            SystemRequest::GetStatus => {
                reply.answer(server::status(me, self.suspended, false, Some(self.state())));
            }
            SystemRequest::ReplaceState(_) | SystemRequest::Trace(_) => {
                reply.fail(Error::WrongKind);
            }
        }
        Flow::Continue
    }

    fn request(&mut self, me: &Process, request: Request, reply: Option<ReplyTo>) -> Flow {
        let Some(reply) = reply else { return Flow::Continue };
        match request {
            Request::StartChild(spec) => match self.children.find(&spec.id).and_then(|key| self.children.get(key)) {
                None => {
                    let key = self.children.add(*spec);
                    self.begin(me, Job::new(Vec::new(), vec![key], Why::StartChild { key, reply }))
                }
                Some(old) => {
                    reply.fail(match old.life() {
                        Life::Running(pid) => Error::already_started(pid),
                        _ => Error::Exists(Term::atom(atoms::ALREADY_PRESENT)),
                    });
                    Flow::Continue
                }
            },
            Request::RestartChild(id) => match self.stopped(&id) {
                Ok(key) => self.begin(me, Job::new(Vec::new(), vec![key], Why::RestartChild { key, reply })),
                Err(error) => {
                    reply.fail(error);
                    Flow::Continue
                }
            },
            Request::DeleteChild(id) => {
                match self.stopped(&id) {
                    Ok(key) => {
                        self.children.remove(key);
                        reply.answer(Term::atom(atoms::OK))
                    }
                    Err(error) => reply.fail(error),
                };
                Flow::Continue
            }
            Request::TerminateChild(id) => match self.children.find(&id) {
                Some(key) => self.begin(me, Job::new(vec![key], Vec::new(), Why::TerminateChild { reply })),
                None => {
                    reply.fail(Error::NotFound);
                    Flow::Continue
                }
            },
            Request::WhichChildren => {
                reply.answer(self.children.list());
                Flow::Continue
            }
            Request::CountChildren => {
                reply.answer_native(Box::new(self.children.count()));
                Flow::Continue
            }
            Request::GetChildspec(id) => {
                match self.children.find(&id).and_then(|key| self.children.get(key)) {
                    Some(child) => reply.answer(child.spec.term()),
                    None => reply.fail(Error::NotFound),
                };
                Flow::Continue
            }
        }
    }

    /// `#{strategy, max_restarts, period_ms, children}`, the children as `which_children` shows them.
    fn state(&self) -> Term {
        let (max_restarts, period_ms) = self.intensity.limits();
        let entries = [
            ("strategy", self.strategy.term()),
            ("max_restarts", Term::int(i64::from(max_restarts))),
            ("period_ms", Term::int(i64::from(period_ms))),
            ("children", self.children.list()),
        ];
        Term::map(entries.into_iter().map(|(key, value)| (Term::atom_named(key), value)).collect())
    }

    /// The child of that id, if it neither runs nor is being restarted.
    fn stopped(&self, id: &Term) -> Result<Key, Error> {
        let key = self.children.find(id).ok_or(Error::NotFound)?;
        match self.children.get(key).map(|child| child.life()) {
            Some(Life::Stopped) => Ok(key),
            Some(Life::Restarting(_)) => Err(Error::Refused(Term::atom(atoms::RESTARTING))),
            Some(Life::Running(_)) => Err(Error::Refused(Term::atom(atoms::RUNNING))),
            None => Err(Error::NotFound),
        }
    }

    /// Whether this message will end the supervisor when its turn comes.
    fn is_ending(me: &Process, message: &Message) -> bool {
        match message {
            Message::Exit { from, .. } => *from == me.parent(),
            Message::System { request, .. } => matches!(request, SystemRequest::Stop(_)),
            _ => false,
        }
    }
}

impl Behaviour for Supervisor {
    fn init(&mut self, me: &Process) -> Init {
        let Some(spec) = self.spec.take() else { return Init::Stop(Term::atom(atoms::BADARG)) };
        if let Some(hook) = &spec.init {
            let mut context = Context::new(Callback::Init);
            let next = match me.user(|| hook(&mut context)) {
                Err(fenced) => return Init::Fenced(fenced),
                Ok(Err(panic)) => return Init::Stop(server::panic_reason(&*panic)),
                Ok(Ok(next)) => next,
            };
            let decision = context.decide(next);
            match decision.step {
                Step::Go if decision.continuation.is_none() && decision.idle_ms.is_none() => {}
                Step::Ignore => return Init::Ignore,
                Step::Stop(reason) => return Init::Stop(reason),
                _ => return Init::Stop(Term::atom(atoms::BAD_RETURN_VALUE)),
            }
        }
        if let Err(reason) = spec.check() {
            return Init::Stop(reason);
        }
        let keys = spec.children.into_iter().map(|child| self.children.add(child)).collect();
        match self.begin(me, Job::new(Vec::new(), keys, Why::StartUp)) {
            Flow::Stop(reason) | Flow::StopStart(reason, _) => Init::Stop(reason),
            Flow::Fenced(fenced) => Init::Fenced(fenced),
            Flow::Continue => Init::Later,
        }
    }

    fn message(&mut self, me: &Process, message: Message) -> Flow {
        if self.job.is_some() {
            return self.in_job(me, message);
        }
        let for_suspended = matches!(message, Message::System { .. }) || Self::is_ending(me, &message);
        if self.suspended && !for_suspended {
            self.waiting.push_back(message);
            return Flow::Continue;
        }
        self.handle(me, message)
    }

    fn ended(&mut self, _pid: Pid, reason: &Term) {
        if let Some(reply) = self.job.take().and_then(Job::into_reply) {
            reply.die(reason.clone());
        }
        for message in self.waiting.drain(..) {
            match message {
                Message::Call { reply, .. }
                | Message::System { reply, .. }
                | Message::Native { reply: Some(reply), .. } => {
                    reply.die(reason.clone());
                }
                _ => {}
            }
        }
    }
}
