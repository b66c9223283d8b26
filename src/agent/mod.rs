//! Agents: a process that keeps a term, and runs functions over it, in Elixir's `Agent`'s way.
//!
//! Functions come as messages and run in the agent, one after the other, in the order they came; each sees the state
//! that the one before it left. A function may wait, and may end the agent with a reason.
//!
//! Promises:
//! * a function that ends the agent, or panics (`{panic, Text}`), errors its caller with that reason, and when the
//!   caller hears of it nothing of the agent is left;
//! * `get`, `update` and `get_and_update` *lend*: they return only once the function has ended or never will run. The
//!   time limit bounds the wait until it begins; a call that ran out leaves the agent as it was, and its function never
//!   runs. That holds too when the caller or the agent is killed meanwhile, so a function may point into the caller's
//!   stack;
//! * a function that was given away (`cast`, `update_request`) is dropped exactly once, run or not.
//!
//! Messages of another sort: casts and plain messages are dropped, as in Elixir's `Agent.Server` (which crashes on a
//! cast that is not its own). A plain call is answered with "wrong kind".
//!
//! Where it is from: Elixir 1.14 `Agent`.
#![forbid(unsafe_code)]

use crate::process::{
    self, Behaviour, Bound, ChildStart, Desk, Error, Fenced, Flow, Init, Message, Outcome, Process, Question, ReplyTo,
    Request, Startable, SystemRequest, with_process,
};
use crate::server::{self, SysState};
use crate::term::{Atom, Pid, Term, atoms};
use std::any::Any;
use std::sync::Arc;

/// What a function makes of the state. `Err`: it ends the agent with that reason.
pub type Made = Result<Answer, Term>;

/// What a function answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The new state; none: as it was.
    pub state: Option<Term>,
    pub reply: Term,
}

/// A function over the state.
pub type Job = Box<dyn FnOnce(&Term) -> Made + Send>;

/// Makes the first state, in the agent. `Err`: the start is refused with that reason.
pub type Start = Arc<dyn Fn(&Term) -> Result<Term, Term> + Send + Sync>;

/// How an agent is made.
#[derive(Clone)]
pub struct AgentSpec {
    pub initial: Term,
    /// Gets `initial`; none: that is the state.
    pub start: Option<Start>,
    /// `process::FLAG_NO_PARK` or nothing.
    pub flags: u32,
    /// The limit of its mailbox.
    pub bound: Option<Bound>,
    /// How long a function may run without waiting, in milliseconds; 0: for ever.
    pub watchdog_ms: u32,
}

impl Startable for AgentSpec {
    fn build(&self) -> ChildStart {
        let agent =
            Agent { state: self.initial.clone(), start: self.start.clone(), sys: SysState::default(), last: None };
        let (flags, bound, watchdog_ms) = (self.flags, self.bound, self.watchdog_ms);
        ChildStart { flags, bound, watchdog_ms, ..ChildStart::new(agent) }
    }

    fn kind(&self) -> Atom {
        atoms::AGENT
    }

    /// For `start`; without it nobody would take a part of the state for an argument.
    fn with_argument(&self, extra: &Term) -> Option<Arc<dyn Startable>> {
        self.start.as_ref()?;
        Some(Arc::new(AgentSpec { initial: server::appended(&self.initial, extra), ..self.clone() }))
    }
}

/// What an agent is asked.
enum Ask {
    /// The state itself.
    Get,
    /// What its caller lent: not to be run when that has gone.
    Update(Job),
    /// As `Update`, and the caller gets its answer.
    GetAndUpdate(Job),
    /// As `GetAndUpdate`, but a state that it makes is dropped.
    Read(Job),
    /// What was given away: to be run in any case.
    Given(Job),
}

impl Ask {
    /// As Elixir's agent is asked it, for a trace; the function itself is no term.
    fn shown(&self, is_cast: bool) -> Term {
        Term::atom_named(match self {
            Ask::Get | Ask::Read(_) => "get",
            Ask::GetAndUpdate(_) => "get_and_update",
            Ask::Given(_) if is_cast => "cast",
            Ask::Update(_) | Ask::Given(_) => "update",
        })
    }
}

struct Agent {
    state: Term,
    start: Option<Start>,
    sys: SysState,
    /// What it crashed over, for the report.
    last: Option<&'static str>,
}

impl Behaviour for Agent {
    fn init(&mut self, me: &Process) -> Init {
        let Some(start) = self.start.take() else { return Init::Ready };
        match me.user(|| start(&self.state)) {
            Err(fenced) => Init::Fenced(fenced),
            Ok(Err(panic)) => Init::Stop(server::panic_reason(&*panic)),
            Ok(Ok(Err(reason))) => Init::Stop(reason),
            Ok(Ok(Ok(state))) => {
                self.state = state;
                Init::Ready
            }
        }
    }

    fn message(&mut self, me: &Process, message: Message) -> Flow {
        let Some(message) = self.sys.admit(me, message) else { return Flow::Continue };
        match message {
            Message::Native { request, reply } => match (request.downcast::<Ask>(), reply) {
                (Ok(ask), reply) if self.sys.traced => {
                    let shown = ask.shown(reply.is_none());
                    let reply = server::trace::asked(me, &shown, reply, |_| None);
                    let is_cast = reply.is_none();
                    let flow = self.answer(me, *ask, reply);
                    if is_cast && matches!(flow, Flow::Continue) {
                        server::trace::no_reply(me);
                    }
                    flow
                }
                (Ok(ask), reply) => self.answer(me, *ask, reply),
                (Err(_), reply) => {
                    server::wrong_kind(reply);
                    Flow::Continue
                }
            },
            Message::System { request, reply } => self.system(me, request, reply),
            Message::Call { reply, .. } => {
                server::wrong_kind(Some(reply));
                Flow::Continue
            }
            Message::Exit { from, reason } if me.obeys(from) => Flow::Stop(reason),
            other => {
                if self.sys.traced {
                    server::trace::came_in(me, &other);
                    server::trace::no_reply(me);
                }
                Flow::Continue
            }
        }
    }

    fn answers_now(&self) -> bool {
        !(self.sys.suspended || self.sys.traced)
    }

    fn answer_now(&mut self, me: &Process, question: &mut dyn Any, desk: &Desk) -> Option<Flow> {
        let asked = question.downcast_mut::<Option<Asking>>().and_then(Option::take);
        let ran = match asked.map(|Asking(ask)| ask) {
            Some(Ask::Update(job) | Ask::GetAndUpdate(job)) => desk.user(me, || run(&mut self.state, job, false)),
            Some(Ask::Read(job)) => desk.user(me, || run(&mut self.state, job, true)),
            Some(Ask::Get) => desk.user(me, || Ok(self.state.clone())),
            Some(Ask::Given(_)) | None => {
                let left = desk.leave(me);
                return Some(Flow::after(left, || {
                    server::wrong_kind(desk.lent().or_else(|| me.take_current_call()));
                    Flow::Continue
                }));
            }
        };
        let ran = match ran {
            Ok(Ok(answer)) => match desk.answer(me, answer) {
                Ok(()) => return None,
                Err(answer) => Ok(Ok(answer)),
            },
            other => other,
        };
        let ran = desk.leave(me).map(|()| ran);
        // Of who lent nothing it lies where every call at hand does; whoever fences takes it there.
        let reply = desk.lent().or_else(|| me.take_current_call());
        Some(self.after(me, reply, ran))
    }

    fn terminate(&mut self, me: &Process, reason: &Term) -> Result<(), Fenced> {
        let last = self.last.map(Term::atom_named);
        server::report_crash(me, atoms::AGENT, reason, last.as_ref());
        Ok(())
    }
}

/// Runs a function, and frees the state that it replaces where the user's code may run.
fn run(state: &mut Term, job: Job, reads: bool) -> Result<Term, Term> {
    let answer = job(state)?;
    let spare = match answer.state {
        Some(made) if reads => Some(made),
        Some(made) => Some(std::mem::replace(state, made)),
        None => None,
    };
    process::without_waiting(|| drop(spare));
    Ok(answer.reply)
}

impl Agent {
    fn answer(&mut self, me: &Process, ask: Ask, reply: Option<ReplyTo>) -> Flow {
        let reads = matches!(ask, Ask::Read(_));
        let job = match ask {
            Ask::Get => {
                if let Some(reply) = reply {
                    reply.answer(self.state.clone());
                }
                return Flow::Continue;
            }
            Ask::Update(job) | Ask::GetAndUpdate(job) | Ask::Read(job) => {
                if !reply.as_ref().is_some_and(ReplyTo::claim) {
                    return Flow::Continue;
                }
                job
            }
            Ask::Given(job) => job,
        };
        // The reply stays here while the function runs: an end from outside must not send a lender home before it.
        let state = &mut self.state;
        let ran = me.user(|| run(state, job, reads));
        self.after(me, reply, ran)
    }

    /// A function has run, or was not let run.
    fn after(
        &mut self, me: &Process, reply: Option<ReplyTo>, ran: Result<std::thread::Result<Result<Term, Term>>, Fenced>,
    ) -> Flow {
        let made = match ran {
            Err(fenced) => {
                let request = reply.is_none().then(|| Term::atom_named("request"));
                me.not_begun(request.as_ref());
                if let Some(reply) = reply {
                    process::owe(me, reply);
                }
                return fenced.into();
            }
            Ok(Err(panic)) => Err(server::panic_reason(&*panic)),
            Ok(Ok(made)) => made,
        };
        match made {
            Ok(answer) => {
                if let Some(reply) = reply {
                    reply.answer(answer);
                }
                Flow::Continue
            }
            Err(reason) => {
                // Answered by the end itself, with the reason.
                if let Some(reply) = reply {
                    process::owe(me, reply);
                }
                self.last = Some("function");
                Flow::Stop(reason)
            }
        }
    }

    fn system(&mut self, me: &Process, request: SystemRequest, reply: ReplyTo) -> Flow {
        let SystemRequest::ReplaceState(state) = request else {
            return self.sys.answer(me, request, reply, || Some(self.state.clone()));
        };
        let spare = std::mem::replace(&mut self.state, state);
        let freed = me.user(|| process::without_waiting(|| drop(spare)));
        reply.answer(Term::atom(atoms::OK));
        freed.map_or_else(Flow::from, |_| Flow::Continue)
    }
}

/// What its caller waits for.
struct Asking(Ask);

impl Question for Asking {
    fn into_message(self, reply: ReplyTo) -> Message {
        message(self.0, Some(reply))
    }
}

fn message(ask: Ask, reply: Option<ReplyTo>) -> Message {
    Message::Native { request: Box::new(ask), reply }
}

/// Reads how a request to an agent ended.
pub fn read(outcome: Outcome) -> Result<Term, Error> {
    match outcome {
        Outcome::Reply(term) => Ok(term),
        Outcome::Died(reason) if reason.is_atom(atoms::NOPROC) => Err(Error::NoProcess),
        Outcome::Died(reason) | Outcome::NotTaken(reason) => Err(Error::Exited(reason)),
        Outcome::TimedOut => Err(Error::Timeout),
        Outcome::Failed(error) => Err(error),
        Outcome::Native(_) | Outcome::Started(_) => Err(Error::WrongKind),
    }
}

fn ask(agent: Pid, ask: Ask, timeout: Option<u32>) -> Result<Term, Error> {
    let lends = !matches!(ask, Ask::Get | Ask::Given(_));
    read(process::ask(agent, timeout, lends, |_, _| true, Asking(ask))?)
}

/// The state. May wait.
pub fn state(agent: Pid, timeout: Option<u32>) -> Result<Term, Error> {
    ask(agent, Ask::Get, timeout)
}

/// Runs a function that only reads; a state that it answers with is dropped. May wait.
pub fn get(agent: Pid, job: Job, timeout: Option<u32>) -> Result<Term, Error> {
    ask(agent, Ask::Read(job), timeout)
}

/// Runs a function that makes a new state. May wait.
pub fn update(agent: Pid, job: Job, timeout: Option<u32>) -> Result<(), Error> {
    ask(agent, Ask::Update(job), timeout).map(drop)
}

/// Runs a function that makes a new state and an answer. May wait.
pub fn get_and_update(agent: Pid, job: Job, timeout: Option<u32>) -> Result<Term, Error> {
    ask(agent, Ask::GetAndUpdate(job), timeout)
}

/// As [`update`], to be collected later; see [`read`]. The function runs even if nobody waits any more.
pub fn update_request(agent: Pid, job: Job, timeout: Option<u32>) -> Result<Request, Error> {
    let node = with_process(agent, |process| process.node().clone()).ok_or(Error::NoProcess)?;
    let pending = Request::new(&node, timeout);
    let job: Job = Box::new(move |state| job(state).map(|made| Answer { reply: Term::atom(atoms::OK), ..made }));
    pending.queue(agent, |reply| message(Ask::Given(job), Some(reply)))?;
    Ok(pending)
}

/// Has a function make a new state, and does not wait. Nothing happens when the agent is dead.
pub fn cast(agent: Pid, job: Job) -> Result<(), Error> {
    Process::post(agent, message(Ask::Given(job), None)).map(drop)
}
