//! Servers: OTP's `gen_server` protocol over a process.
//!
//! A server is a set of callbacks ([`Callbacks`]) around a state of its own. This room runs them one at a time, answers
//! calls, carries out continuations before any message, keeps the idle timeout, and follows OTP's rules of ending:
//! `terminate` runs when the server stops by itself, when a callback crashed, on a synchronous stop, and on an exit
//! signal from its parent if it traps exits; not otherwise. The state is dropped exactly once, whatever ended it.
//!
//! Where it is from: OTP 25 `gen_server`, `proc_lib`, `sys`.

mod argument;
mod body;
mod context;
mod host;
mod system;
pub mod trace;

pub use argument::appended;
pub use body::Body;
pub use context::{
    Callback, Context, DONE, Decision, IGNORE, NOREPLY, Next, READY, REPLY, REPLY_STOP, STOP, Step, is_orderly,
    is_ready, panic_reason, report_crash,
};
pub use host::{Host, HostCallbacks};
pub use system::{
    SysState, ask, get_status, handle_plain, replace_state, resume, set_trace, state, status, suspend, wrong_kind,
};

use crate::clock::{TimerId, TimerKind};
use crate::process::{
    self, Asked, Behaviour, Desk, Error, Fenced, Flow, Init, Message, Process, ReplyTo, SystemRequest,
};
use crate::term::{Term, atoms};
use std::any::Any;

/// What a server answers with. Each callback may wait, unless the server was told not to.
pub trait Callbacks: Send {
    fn init(&mut self, context: &mut Context) -> Next;
    /// None: the server has no such callback.
    fn call(&mut self, context: &mut Context, request: &Term) -> Option<Next>;
    fn cast(&mut self, context: &mut Context, message: &Term) -> Option<Next>;
    fn info(&mut self, context: &mut Context, message: &Term) -> Option<Next>;
    fn resume(&mut self, context: &mut Context, argument: &Term) -> Option<Next>;
    fn terminate(&mut self, context: &mut Context, reason: &Term);
    /// Whether `terminate` does anything.
    fn terminates(&self) -> bool {
        true
    }
    /// The state as a term. None: it cannot be shown.
    fn state(&mut self) -> Option<Term>;
    /// Takes a state that was given as a term; false when it cannot.
    fn replace_state(&mut self, state: &Term) -> bool;
}

/// The process of a server.
pub struct Server<C> {
    callbacks: C,
    idle: Idle,
    /// Messages are held, but for a system's.
    suspended: bool,
    /// What comes and goes is written to the log.
    traced: bool,
    /// What it crashed over, for the report.
    last: Option<Box<Term>>,
}

/// How a callback went, if it was let run: what it returned, if there is such a one, or its panic.
type Ran = Result<std::thread::Result<Option<Next>>, Fenced>;

/// What came of a callback.
enum Settled {
    Flow(Flow),
    /// It is to be carried out.
    Decided(Next),
}

/// The idle timeout.
struct Idle {
    /// `TimerId::NONE`: it is not running.
    timer: TimerId,
    /// Counts idle timeouts, so that one that was cancelled too late is known.
    token: u32,
    /// The time that was asked for last, until a message comes; `u32::MAX`: none.
    ms: u32,
}

impl Idle {
    fn is_running(&self) -> bool {
        self.timer != TimerId::NONE
    }
}

impl<C: Callbacks> Server<C> {
    #[inline(always)]
    pub fn new(callbacks: C) -> Server<C> {
        let idle = Idle { timer: TimerId::NONE, token: 0, ms: u32::MAX };
        Server { callbacks, idle, suspended: false, traced: false, last: None }
    }

    /// Runs one callback, and what its decision asks for up to the next message.
    fn run(
        &mut self, me: &Process, callback: Callback, mut message: Term,
        code: impl FnOnce(&mut C, &mut Context, &Term) -> Option<Next>,
    ) -> Flow {
        let mut context = Context::new(callback);
        let callbacks = &mut self.callbacks;
        let ran = me.user_staying(|| code(callbacks, &mut context, &message));
        if let Ok(Ok(Some(next))) = ran
            && context.is_plain_go(next)
            && !self.traced
        {
            return Flow::Returned;
        }
        if let Ok(Ok(Some(next))) = ran
            && self.only_stops(&context, next)
            && me.ends_at_return()
        {
            // Not as who is dead: what a resource does as it goes would be refused.
            process::free(message);
            return Flow::Stop(context.plain_stop(next).unwrap_or_default());
        }
        let ran = ran.and_then(|ran| me.come_back().map(|()| ran));
        self.after(me, Some(&mut message), &mut context, ran)
    }

    /// Whether the server is to end with a reason that nothing is reported of, and has nothing to do before that.
    #[inline]
    fn only_stops(&self, context: &Context, next: Next) -> bool {
        context.only_stops(next).is_some_and(is_orderly) && !self.callbacks.terminates()
    }

    /// A callback has run, or was not let run. `last`: what it was given, to be taken. It and the context stay where they
    /// are: what was written there word by word is not ready to be moved as a whole for ten nanoseconds.
    fn after(&mut self, me: &Process, mut last: Option<&mut Term>, context: &mut Context, ran: Ran) -> Flow {
        let next = match self.settle(me, last.as_deref_mut(), context, ran) {
            Settled::Flow(flow) => return flow,
            Settled::Decided(next) => next,
        };
        if let Some(reason) = context.plain_stop(next) {
            // For the report, which an orderly end has none of.
            if !is_orderly(&reason) {
                self.keep(last);
            }
            return Flow::Stop(reason);
        }
        let decision = context.decide(next);
        let flow = self.follow(me, context, decision);
        if matches!(&flow, Flow::Stop(reason) if !is_orderly(reason)) {
            self.keep(last);
        }
        flow
    }

    /// As [`Server::after`], out of the way of the many before it.
    #[cold]
    fn after_some(&mut self, me: &Process, mut last: Term, mut context: Context, ran: Ran) -> Flow {
        self.after(me, Some(&mut last), &mut context, ran)
    }

    /// Keeps what it crashes over.
    #[cold]
    fn keep(&mut self, last: Option<&mut Term>) {
        self.last = last.map(|last| Box::new(std::mem::take(last)));
    }

    /// What comes of a callback, short of a decision that takes more than a reply.
    #[inline(always)]
    fn settle(&mut self, me: &Process, last: Option<&mut Term>, context: &mut Context, ran: Ran) -> Settled {
        let next = match ran {
            Err(fenced) => {
                me.not_begun(last.as_deref().filter(|_| context.callback() != Callback::Call));
                return Settled::Flow(fenced.into());
            }
            Ok(Err(panic)) => {
                self.keep(last);
                return Settled::Flow(Flow::Stop(panic_reason(&*panic)));
            }
            Ok(Ok(next)) => next,
        };
        let Some(next) = next else {
            // No such callback: calls are told that there is no answer, the rest is dropped.
            match me.take_current_call() {
                Some(reply) => {
                    reply.die(Term::atom(atoms::NO_REPLY));
                }
                None => context::report_dropped(me, last.as_deref()),
            }
            return Settled::Flow(Flow::Continue);
        };
        if context.is_plain_go(next) {
            if self.traced {
                trace::no_reply(me);
            }
            return Settled::Flow(Flow::Continue);
        }
        if let Some(answer) = context.plain_reply(next) {
            if self.traced {
                trace::went_out(me, &answer);
            }
            if let Some(reply) = me.take_current_call() {
                reply.answer(answer);
            }
            return Settled::Flow(Flow::Continue);
        }
        Settled::Decided(next)
    }

    /// Carries out a decision, and those of the callbacks that it has continue: any number of them, so one after the
    /// other and not one within the other.
    fn follow(&mut self, me: &Process, context: &mut Context, mut decision: Decision) -> Flow {
        loop {
            let mut argument = match self.carry_out(me, decision) {
                Ok(Some(argument)) => argument,
                Ok(None) => return Flow::Continue,
                Err(reason) => return Flow::Stop(reason),
            };
            *context = Context::new(Callback::Other);
            let callbacks = &mut self.callbacks;
            let ran = me.user_staying(|| callbacks.resume(context, &argument));
            let ran = ran.and_then(|ran| me.come_back().map(|()| ran));
            decision = match self.settle(me, Some(&mut argument), context, ran) {
                Settled::Flow(flow) => return flow,
                Settled::Decided(next) => context.decide(next),
            };
        }
    }

    /// What a decision says, up to what it has continue. `Err`: it is to end.
    fn carry_out(&mut self, me: &Process, decision: Decision) -> Result<Option<Term>, Term> {
        match decision.step {
            Step::Go => {
                if self.traced {
                    trace::no_reply(me);
                }
                // Neither answered nor put off: nobody can answer it any more.
                if let Some(reply) = me.take_current_call() {
                    reply.die(Term::atom(atoms::NO_REPLY));
                }
            }
            Step::Reply(answer) => {
                if self.traced {
                    trace::went_out(me, &answer);
                }
                if let Some(reply) = me.take_current_call() {
                    reply.answer(answer);
                }
            }
            Step::ReplyStop(answer, reason) => {
                if self.traced {
                    trace::went_out(me, &answer);
                }
                // OTP answers after terminate; the caller must find the name free once it has the answer (otp#4259),
                // so here the end itself comes first.
                if let Some(reply) = me.take_current_call() {
                    me.answer_at_end(reply, answer);
                }
                return Err(reason);
            }
            Step::Stop(reason) => return Err(reason),
            // Only init may say so.
            Step::Ignore => return Err(Term::atom(atoms::BAD_RETURN_VALUE)),
        }
        if let Some(ms) = decision.idle_ms {
            self.idle.ms = ms;
            self.start_idle(me);
        }
        Ok(decision.continuation)
    }

    fn start_idle(&mut self, me: &Process) {
        if self.idle.ms == u32::MAX {
            return;
        }
        self.idle.token = self.idle.token.wrapping_add(1);
        let (ms, token) = (u64::from(self.idle.ms), u64::from(self.idle.token));
        self.idle.timer = process::start_tick(me, ms, TimerKind::User, token);
    }

    fn stop_idle(&mut self, me: &Process) {
        if self.idle.is_running() {
            me.cancel_tick(std::mem::replace(&mut self.idle.timer, TimerId::NONE));
        }
    }

    fn plain(&mut self, me: &Process, message: Term) -> Flow {
        self.run(me, Callback::Other, message, C::info)
    }

    /// Has the user's code answer a system's request; meanwhile an end from outside finds whoever asked.
    fn ask_user(
        &mut self, me: &Process, reply: ReplyTo, code: impl FnOnce(&mut C) -> Option<Term>,
        answer: impl FnOnce(Option<Term>) -> Option<Term>,
    ) -> Flow {
        me.set_current_call(reply);
        let callbacks = &mut self.callbacks;
        let found = match me.user(|| code(callbacks)) {
            Err(fenced) => return fenced.into(),
            Ok(found) => found.ok().flatten(),
        };
        if let Some(reply) = me.take_current_call() {
            match answer(found) {
                Some(answer) => reply.answer(answer),
                None => reply.fail(Error::WrongKind),
            };
        }
        Flow::Continue
    }

    fn system(&mut self, me: &Process, request: SystemRequest, reply: ReplyTo) -> Flow {
        let ok = || Term::atom(atoms::OK);
        match request {
            SystemRequest::Stop(reason) => {
                // Answered by the end itself.
                process::owe(me, reply);
                return Flow::Stop(reason);
            }
            SystemRequest::GetState => return self.ask_user(me, reply, C::state, |state| state),
            SystemRequest::ReplaceState(state) => {
                let replace = |callbacks: &mut C| callbacks.replace_state(&state).then(ok);
                return self.ask_user(me, reply, replace, |replaced| replaced);
            }
            SystemRequest::GetStatus => {
                let (suspended, traced) = (self.suspended, self.traced);
                let status = |state| Some(system::status(me, suspended, traced, state));
                return self.ask_user(me, reply, C::state, status);
            }
            SystemRequest::Trace(on) => {
                self.traced = on;
                reply.answer(ok());
            }
            SystemRequest::Suspend => {
                self.suspended = true;
                me.begin_holding();
                reply.answer(ok());
            }
            SystemRequest::Resume => {
                self.suspended = false;
                me.release_held();
                reply.answer(ok());
            }
        }
        Flow::Continue
    }
}

impl<C: Callbacks> Behaviour for Server<C> {
    fn init(&mut self, me: &Process) -> Init {
        let mut context = Context::new(Callback::Init);
        let callbacks = &mut self.callbacks;
        let decision = match me.user(|| callbacks.init(&mut context)) {
            Err(fenced) => return Init::Fenced(fenced),
            Ok(Err(panic)) => Err(panic_reason(&*panic)),
            Ok(Ok(next)) => Ok(context.decide(next)),
        };
        let decision = match decision {
            Ok(Decision { step: Step::Ignore, .. }) => return Init::Ignore,
            Ok(Decision { step: Step::Stop(reason), .. }) | Err(reason) => {
                // As `proc_lib` does in OTP.
                report_crash(me, atoms::SERVER, &reason, None);
                return Init::Stop(reason);
            }
            Ok(decision) => decision,
        };
        // The starter goes on before the continuation runs, as in OTP.
        me.ready();
        match self.follow(me, &mut context, decision) {
            // `follow` comes back from what it runs.
            Flow::Continue | Flow::Returned => Init::Ready,
            Flow::Fenced(fenced) => Init::Fenced(fenced),
            Flow::Stop(reason) | Flow::StopStart(reason, _) => match self.terminate(me, &reason) {
                Ok(()) => Init::Stop(reason),
                Err(fenced) => Init::Fenced(fenced),
            },
        }
    }

    #[inline]
    fn answers_now(&self) -> bool {
        !(self.suspended || self.traced || self.idle.is_running())
    }

    fn answer_now(&mut self, me: &Process, question: &mut dyn Any, desk: &Desk) -> Option<Flow> {
        let Some(Asked(mut request)) = question.downcast_mut::<Option<Asked>>().and_then(Option::take) else {
            let left = desk.leave(me);
            return Some(Flow::after(left, || {
                system::wrong_kind(desk.lent().or_else(|| me.take_current_call()));
                Flow::Continue
            }));
        };
        let mut context = Context::new(Callback::Call);
        let callbacks = &mut self.callbacks;
        let ran = desk.user(me, || callbacks.call(&mut context, &request));
        if let Ok(Some(next)) = ran
            && let Some(answer) = context.plain_reply(next)
        {
            // Before others may run it.
            process::free(request);
            let answer = match desk.answer(me, answer) {
                Ok(()) => return None,
                Err(answer) => answer,
            };
            let next = context.reply(answer);
            let ran = desk.leave(me).map(|()| Ok(Some(next)));
            return Some(self.after(me, None, &mut context, ran));
        }
        let ran = desk.leave(me).map(|()| ran);
        Some(self.after(me, Some(&mut request), &mut context, ran))
    }

    #[inline]
    fn message(&mut self, me: &Process, message: Message) -> Flow {
        if !self.answers_now() {
            return self.any_message(me, message);
        }
        // The common ones first, each moved once.
        match message {
            Message::Info(term) => self.plain(me, term),
            Message::Cast(term) => self.cast(me, term),
            Message::Call { request, reply } => self.call(me, request, reply),
            other => self.any_message(me, other),
        }
    }

    #[inline]
    fn info(&mut self, me: &Process, message: Term) -> Flow {
        if self.suspended || self.traced || self.idle.is_running() {
            return self.any_message(me, Message::Info(message));
        }
        self.plain(me, message)
    }

    /// One context for all of them, and one frame: 212 instructions for a message in place of 85.
    fn go_on(&mut self, me: &Process, left: &mut u32) -> Flow {
        debug_assert!(self.answers_now());
        let mut context = Context::new(Callback::Other);
        while *left > 0
            && let Some((message, is_cast)) = me.take_next()
        {
            *left -= 1;
            let callbacks = &mut self.callbacks;
            let ran = me.user_next(|| match is_cast {
                true => callbacks.cast(&mut context, &message),
                false => callbacks.info(&mut context, &message),
            });
            if !matches!(ran, Ok(Some(next)) if context.is_plain_go(next)) {
                let ran = me.come_back().map(|()| ran);
                return self.after_some(me, message, context, ran);
            }
            context.forget();
        }
        Flow::Returned
    }

    fn terminate(&mut self, me: &Process, reason: &Term) -> Result<(), Fenced> {
        if self.callbacks.terminates() {
            let mut context = Context::new(Callback::Terminate);
            let callbacks = &mut self.callbacks;
            let ran = me.user(|| callbacks.terminate(&mut context, reason))?;
            let _ = ran;
        } else if me.is_told_to_end() {
            return Err(Fenced::Exit);
        }
        report_crash(me, atoms::SERVER, reason, self.last.as_deref());
        Ok(())
    }
}

impl<C: Callbacks> Server<C> {
    fn any_message(&mut self, me: &Process, message: Message) -> Flow {
        let from_parent = matches!(&message, Message::Exit { from, .. } if me.obeys(*from));
        match (self.suspended, message) {
            (_, Message::System { request, reply }) => {
                // The idle time begins anew after it, or after the suspension (OTP: `sys` loops back with it).
                self.stop_idle(me);
                let flow = self.system(me, request, reply);
                if matches!(flow, Flow::Continue) && !self.suspended {
                    self.start_idle(me);
                }
                flow
            }
            (true, message) if !from_parent => {
                me.hold(message);
                Flow::Continue
            }
            (_, message) => {
                if let Message::Tick(token) = &message {
                    if !self.idle.is_running() || u64::from(self.idle.token) != *token {
                        return Flow::Continue;
                    }
                    self.idle.timer = TimerId::NONE;
                    self.idle.ms = u32::MAX;
                    if self.traced {
                        trace::timed_out(me);
                    }
                    return self.plain(me, Term::atom(atoms::TIMEOUT));
                }
                // Any message ends the idle time.
                self.stop_idle(me);
                self.idle.ms = u32::MAX;
                // OTP shows the end that its parent sends as little as a system's requests.
                if self.traced && !from_parent {
                    trace::came_in(me, &message);
                }
                self.user_message(me, message, from_parent)
            }
        }
    }

    fn call(&mut self, me: &Process, request: Term, reply: ReplyTo) -> Flow {
        me.set_current_call(reply);
        self.run(me, Callback::Call, request, C::call)
    }

    fn cast(&mut self, me: &Process, message: Term) -> Flow {
        self.run(me, Callback::Other, message, C::cast)
    }

    fn user_message(&mut self, me: &Process, message: Message, from_parent: bool) -> Flow {
        match message {
            Message::Call { request, reply } => self.call(me, request, reply),
            Message::Cast(term) => self.cast(me, term),
            Message::Exit { reason, .. } if from_parent => Flow::Stop(reason),
            Message::Native { reply, .. } => {
                system::wrong_kind(reply);
                Flow::Continue
            }
            Message::Started(_) | Message::Tick(_) | Message::System { .. } => Flow::Continue,
            other => match other.into_term() {
                Ok(term) => self.plain(me, term),
                Err(_) => Flow::Continue,
            },
        }
    }
}
