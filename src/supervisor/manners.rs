//! What both kinds of supervisor do alike with what is not about a child: their init, `sys` requests, their end.

use super::TryAgain;
use super::children::{ChildCount, Children, Key};
use super::intensity::Intensity;
use super::requests::{Request, tagged};
use super::spec::{ChildSpec, InitHook, Strategy};
use super::waiting::Waiting;
use crate::process::{Flow, Init, Message, Outcome, Process, ReplyTo, SystemRequest};
use crate::server::{self, Callback, Context, Step, SysState};
use crate::term::{Term, atoms};

/// What a supervisor's init does before its children: runs the hook. Err: it ends there.
pub(super) fn before_children(
    me: &Process, hook: Option<&InitHook>, arg: &Term, children: Option<&mut Vec<ChildSpec>>,
) -> Result<(), Init> {
    let Some(hook) = hook else { return Ok(()) };
    let mut context = Context::new(Callback::Init);
    let next = match me.user(|| hook(&mut context, arg, children)) {
        Err(fenced) => return Err(Init::Fenced(fenced)),
        Ok(Err(panic)) => return Err(Init::Stop(server::panic_reason(&*panic))),
        Ok(Ok(next)) => next,
    };
    let decision = context.decide(next);
    match decision.step {
        Step::Go if decision.continuation.is_none() && decision.idle_ms.is_none() => Ok(()),
        Step::Ignore => Err(Init::Ignore),
        Step::Stop(reason) => Err(Init::Stop(reason)),
        _ => Err(Init::Stop(Term::atom(atoms::BAD_RETURN_VALUE))),
    }
}

/// What OTP's `sys` asks of any process. Some: the supervisor is to end with that reason.
pub(super) fn answer_system(
    me: &Process, request: SystemRequest, reply: ReplyTo, sys: &mut SysState, state: impl FnOnce() -> Term,
) -> Option<Term> {
    match sys.answer(me, request, reply, || Some(state())) {
        Flow::Stop(reason) => Some(reason),
        _ => None,
    }
}

/// Writes what comes in, as OTP's supervisor is asked it; `id` is that of a child to be restarted. Gives the message
/// back, its answer watched, and whether nothing will be answered.
pub(super) fn trace(me: &Process, message: Message, id: impl FnOnce(Key) -> Option<Term>) -> (Message, bool) {
    let Message::Native { request, reply } = message else {
        let is_shown = match &message {
            Message::Info(_) | Message::Cast(_) => true,
            Message::Exit { from, .. } => *from != me.parent(),
            _ => false,
        };
        if is_shown {
            server::trace::came_in(me, &message);
        }
        return (message, is_shown);
    };
    let shown = match (request.downcast_ref::<Request>(), request.downcast_ref::<TryAgain>()) {
        (Some(request), _) => request.shown(),
        (_, Some(again)) => id(again.key).map(|id| tagged("try_again_restart", id)),
        _ => None,
    };
    let Some(shown) = shown else { return (Message::Native { request, reply }, false) };
    let is_cast = reply.is_none();
    let reply = server::trace::asked(me, &shown, reply, |outcome| match outcome {
        Outcome::Native(native) => native.downcast_ref::<ChildCount>().map(|count| count.term()),
        _ => None,
    });
    (Message::Native { request, reply }, is_cast)
}

/// `#{strategy, max_restarts, period_ms, children}`, the children as `which_children` shows them.
pub(super) fn state(strategy: Strategy, intensity: &Intensity, children: &Children) -> Term {
    let (max_restarts, period_ms) = intensity.limits();
    let entries = [
        ("strategy", strategy.term()),
        ("max_restarts", Term::int(i64::from(max_restarts))),
        ("period_ms", Term::int(i64::from(period_ms))),
        ("children", children.list(|child| child.spec.id.clone())),
    ];
    Term::map(entries.into_iter().map(|(key, value)| (Term::atom_named(key), value)).collect())
}

/// Whether this message will end the supervisor when its turn comes.
pub(super) fn is_ending(me: &Process, message: &Message) -> bool {
    match message {
        Message::Exit { from, .. } => *from == me.parent(),
        Message::System { request, .. } => matches!(request, SystemRequest::Stop(_)),
        _ => false,
    }
}

/// Answers everybody in `waiting` that the supervisor has ended.
pub(super) fn answer_end(waiting: &mut Waiting, reason: &Term) {
    for message in waiting.drain() {
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
