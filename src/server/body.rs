//! Plain processes: a function that runs once, and may receive.

use super::context::{Callback, Context, Next, Step, panic_reason, report_crash};
use crate::process::{Behaviour, Flow, Init, Message, Process};
use crate::term::{Term, atoms};

/// The process of a function.
pub struct Body<F>(Option<F>);

impl<F: FnOnce(&mut Context) -> Next + Send> Body<F> {
    pub fn new(body: F) -> Body<F> {
        Body(Some(body))
    }
}

impl<F: FnOnce(&mut Context) -> Next + Send> Behaviour for Body<F> {
    fn init(&mut self, me: &Process) -> Init {
        // As with spawn: whoever starts it does not wait for what it does.
        me.ready();
        let Some(body) = self.0.take() else { return Init::Stop(Term::atom(atoms::NORMAL)) };
        let mut context = Context::new(Callback::Function);
        let reason = match me.user(|| body(&mut context)) {
            Err(fenced) => return Init::Fenced(fenced),
            Ok(Err(panic)) => panic_reason(&*panic),
            Ok(Ok(next)) if context.is_plain_done(next) => Term::atom(atoms::NORMAL),
            Ok(Ok(next)) => match context.decide(next).step {
                Step::Go => Term::atom(atoms::NORMAL),
                Step::Stop(reason) => reason,
                _ => Term::atom(atoms::BAD_RETURN_VALUE),
            },
        };
        report_crash(me, atoms::PROCESS, &reason, None);
        Init::Stop(reason)
    }

    fn message(&mut self, _me: &Process, _message: Message) -> Flow {
        // It ends with its body, which is its init.
        Flow::Continue
    }
}
