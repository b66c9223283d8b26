//! Servers: OTP's `gen_server` protocol over a process.
//!
//! A server is a set of callbacks ([`Callbacks`]) around a state of its own. This room runs them one at a time, answers
//! calls, carries out continuations before any message, keeps the idle timeout, and follows OTP's rules of ending:
//! `terminate` runs when the server stops by itself, when a callback crashed, on a synchronous stop, and on an exit
//! signal from its parent if it traps exits; not otherwise. The state is dropped exactly once, whatever ended it.
//!
//! Where it is from: OTP 25 `gen_server`, `proc_lib`, `sys`.

mod body;
mod context;
mod host;
mod system;

pub use body::Body;
pub use context::{
    Callback, Context, DONE, Decision, IGNORE, NOREPLY, Next, READY, REPLY, REPLY_STOP, STOP, Step, is_orderly,
    is_ready, panic_reason, report_crash,
};
pub use host::{Host, HostCallbacks};
pub use system::{ask, handle_plain, replace_state, resume, state, suspend, wrong_kind};

use crate::clock::{TimerId, TimerKind};
use crate::process::{Behaviour, Error, Fenced, Flow, Init, Message, Process, ReplyTo, SystemRequest};
use crate::term::{Pid, Term, atoms};
use std::collections::VecDeque;

/// What a server answers with. Each callback may wait, unless the server was told not to.
pub trait Callbacks: Send {
    fn init(&mut self, context: &mut Context) -> Next;
    /// None: the server has no such callback.
    fn call(&mut self, context: &mut Context, request: &Term) -> Option<Next>;
    fn cast(&mut self, context: &mut Context, message: &Term) -> Option<Next>;
    fn info(&mut self, context: &mut Context, message: &Term) -> Option<Next>;
    fn resume(&mut self, context: &mut Context, argument: &Term) -> Option<Next>;
    fn terminate(&mut self, context: &mut Context, reason: &Term);
    /// The state as a term. None: it cannot be shown.
    fn state(&mut self) -> Option<Term>;
    /// Takes a state that was given as a term; false when it cannot.
    fn replace_state(&mut self, state: &Term) -> bool;
}

/// The process of a server.
pub struct Server<C> {
    callbacks: C,
    idle: Option<(TimerId, u64)>,
    /// The idle time that was asked for last, until a message comes.
    idle_ms: Option<u32>,
    /// Counts idle timeouts, so that one that was cancelled too late is known.
    idle_token: u64,
    /// Messages that came while it was suspended.
    suspended: Option<VecDeque<Message>>,
    last: Option<Term>,
}

impl<C: Callbacks> Server<C> {
    pub fn new(callbacks: C) -> Server<C> {
        Server { callbacks, idle: None, idle_ms: None, idle_token: 0, suspended: None, last: None }
    }

    /// Runs one callback, and what its decision asks for up to the next message.
    fn run(
        &mut self, me: &Process, callback: Callback, last: Option<Term>,
        code: impl FnOnce(&mut C, &mut Context, Option<&Term>) -> Option<Next>,
    ) -> Flow {
        let mut context = Context::new(callback);
        let callbacks = &mut self.callbacks;
        let ran = me.user(|| code(callbacks, &mut context, last.as_ref()));
        let next = match ran {
            Err(fenced) => return fenced.into(),
            Ok(Err(panic)) => {
                self.last = last;
                return Flow::Stop(panic_reason(&*panic));
            }
            Ok(Ok(next)) => next,
        };
        let Some(next) = next else {
            // No such callback: calls are told that there is no answer, the rest is dropped.
            if let Some(reply) = me.take_current_call() {
                reply.die(Term::atom(atoms::NO_REPLY));
            }
            return Flow::Continue;
        };
        if context.is_plain_go(next) {
            return Flow::Continue;
        }
        if let Some(answer) = context.plain_reply(next) {
            if let Some(reply) = me.take_current_call() {
                reply.answer(answer);
            }
            return Flow::Continue;
        }
        let decision = context.decide(next);
        let flow = self.follow(me, decision);
        if matches!(flow, Flow::Stop(_)) {
            self.last = last;
        }
        flow
    }

    fn follow(&mut self, me: &Process, decision: Decision) -> Flow {
        match decision.step {
            Step::Go => {
                // Neither answered nor put off: nobody can answer it any more.
                if let Some(reply) = me.take_current_call() {
                    reply.die(Term::atom(atoms::NO_REPLY));
                }
            }
            Step::Reply(answer) => {
                if let Some(reply) = me.take_current_call() {
                    reply.answer(answer);
                }
            }
            Step::ReplyStop(answer, reason) => {
                // OTP answers after terminate; the caller must find the name free once it has the answer (otp#4259),
                // so here the end itself comes first.
                if let Some(reply) = me.take_current_call() {
                    me.answer_at_end(reply, answer);
                }
                return Flow::Stop(reason);
            }
            Step::Stop(reason) => return Flow::Stop(reason),
            // Only init may say so.
            Step::Ignore => return Flow::Stop(Term::atom(atoms::BAD_RETURN_VALUE)),
        }
        if let Some(ms) = decision.idle_ms {
            self.idle_ms = Some(ms);
            self.start_idle(me);
        }
        match decision.continuation {
            Some(argument) => self.run(me, Callback::Other, Some(argument), |callbacks, context, argument| {
                argument.and_then(|argument| callbacks.resume(context, argument))
            }),
            None => Flow::Continue,
        }
    }

    fn start_idle(&mut self, me: &Process) {
        let Some(ms) = self.idle_ms.filter(|&ms| ms != u32::MAX) else { return };
        self.idle_token += 1;
        let timer = crate::process::start_tick(me, u64::from(ms), TimerKind::User, self.idle_token);
        self.idle = Some((timer, self.idle_token));
    }

    fn stop_idle(&mut self, me: &Process) {
        if let Some((timer, _)) = self.idle.take() {
            me.cancel_tick(timer);
        }
    }

    fn info(&mut self, me: &Process, message: Term) -> Flow {
        self.run(me, Callback::Other, Some(message), |callbacks, context, message| {
            message.and_then(|message| callbacks.info(context, message))
        })
    }

    fn system(&mut self, me: &Process, request: SystemRequest, reply: ReplyTo) -> Flow {
        let ok = || Term::atom(atoms::OK);
        match request {
            SystemRequest::Stop(reason) => {
                // Answered by the end itself.
                crate::process::owe(me, reply);
                return Flow::Stop(reason);
            }
            SystemRequest::GetState => {
                let callbacks = &mut self.callbacks;
                match me.user(|| callbacks.state()) {
                    Err(fenced) => return fenced.into(),
                    Ok(Ok(Some(state))) => reply.answer(state),
                    Ok(_) => reply.fail(Error::WrongKind),
                };
            }
            SystemRequest::ReplaceState(state) => {
                let callbacks = &mut self.callbacks;
                match me.user(|| callbacks.replace_state(&state)) {
                    Err(fenced) => return fenced.into(),
                    Ok(Ok(true)) => reply.answer(ok()),
                    Ok(_) => reply.fail(Error::WrongKind),
                };
            }
            SystemRequest::Suspend => {
                self.suspended.get_or_insert_default();
                reply.answer(ok());
            }
            SystemRequest::Resume => {
                let waiting = self.suspended.take().unwrap_or_default();
                me.put_back(waiting.into_iter());
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
        let next = match me.user(|| callbacks.init(&mut context)) {
            Err(fenced) => return Init::Fenced(fenced),
            Ok(Err(panic)) => return Init::Stop(panic_reason(&*panic)),
            Ok(Ok(next)) => next,
        };
        let decision = context.decide(next);
        match decision.step {
            Step::Ignore => return Init::Ignore,
            Step::Stop(reason) => return Init::Stop(reason),
            _ => {}
        }
        // The starter goes on before the continuation runs, as in OTP.
        me.ready();
        match self.follow(me, decision) {
            Flow::Continue => Init::Ready,
            Flow::Fenced(fenced) => Init::Fenced(fenced),
            Flow::Stop(reason) | Flow::StopStart(reason, _) => match self.terminate(me, &reason) {
                Ok(()) => Init::Stop(reason),
                Err(fenced) => Init::Fenced(fenced),
            },
        }
    }

    #[inline]
    fn message(&mut self, me: &Process, message: Message) -> Flow {
        if self.suspended.is_some() || self.idle.is_some() {
            return self.any_message(me, message);
        }
        // The common ones first, each moved once.
        match message {
            Message::Info(term) => self.info(me, term),
            Message::Cast(term) => self.cast(me, term),
            Message::Call { request, reply } => self.call(me, request, reply),
            other => self.any_message(me, other),
        }
    }

    fn ended(&mut self, _pid: Pid, reason: &Term) {
        for message in self.suspended.take().into_iter().flatten() {
            match message {
                Message::Call { reply, .. } => {
                    reply.not_taken(reason.clone());
                }
                Message::System { reply, .. } | Message::Native { reply: Some(reply), .. } => {
                    reply.die(reason.clone());
                }
                _ => {}
            }
        }
    }

    fn terminate(&mut self, me: &Process, reason: &Term) -> Result<(), Fenced> {
        let mut context = Context::new(Callback::Terminate);
        let callbacks = &mut self.callbacks;
        let ran = me.user(|| callbacks.terminate(&mut context, reason))?;
        let _ = ran;
        report_crash(me, atoms::SERVER, reason, self.last.as_ref());
        Ok(())
    }
}

impl<C: Callbacks> Server<C> {
    fn any_message(&mut self, me: &Process, message: Message) -> Flow {
        let from_parent = matches!(&message, Message::Exit { from, .. } if *from == me.parent() && from.0 != 0);
        match (&mut self.suspended, message) {
            (_, Message::System { request, reply }) => {
                // The idle time begins anew after it, or after the suspension (OTP: `sys` loops back with it).
                self.stop_idle(me);
                let flow = self.system(me, request, reply);
                if matches!(flow, Flow::Continue) && self.suspended.is_none() {
                    self.start_idle(me);
                }
                flow
            }
            (Some(waiting), message) if !from_parent => {
                waiting.push_back(message);
                Flow::Continue
            }
            (_, message) => {
                if let Message::Tick(token) = &message {
                    if self.idle.is_none_or(|(_, current)| current != *token) {
                        return Flow::Continue;
                    }
                    self.idle = None;
                    self.idle_ms = None;
                    return self.info(me, Term::atom(atoms::TIMEOUT));
                }
                // Any message ends the idle time.
                self.stop_idle(me);
                self.idle_ms = None;
                self.user_message(me, message, from_parent)
            }
        }
    }

    fn call(&mut self, me: &Process, request: Term, reply: ReplyTo) -> Flow {
        me.set_current_call(reply);
        self.run(me, Callback::Call, Some(request), |callbacks, context, request| {
            request.and_then(|request| callbacks.call(context, request))
        })
    }

    fn cast(&mut self, me: &Process, message: Term) -> Flow {
        self.run(me, Callback::Other, Some(message), |callbacks, context, message| {
            message.and_then(|message| callbacks.cast(context, message))
        })
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
                Ok(term) => self.info(me, term),
                Err(_) => Flow::Continue,
            },
        }
    }
}
