//! What a task supervisor answers to requests: its own, and those that any supervisor gets.

use super::lending::Lend;
use super::requests::Ask;
use super::restarts::TryAgain;
use super::{Again, Child, Start, TaskSupervisor};
use crate::process::{Error, Flow, Outcome, Process, ReplyTo};
use crate::server;
use crate::supervisor::{ChildCount, Observed, Request};
use crate::term::{Pid, Term, atoms};
use std::any::Any;
use std::cmp::Reverse;

impl TaskSupervisor {
    pub(super) fn asked(&mut self, me: &Process, request: Box<dyn Any + Send>, reply: Option<ReplyTo>) -> Flow {
        let request = match request.downcast::<TryAgain>() {
            Ok(again) => return self.try_again(me, &again),
            Err(request) => request,
        };
        let request = match request.downcast::<Lend>() {
            Ok(lend) => {
                self.lend(*lend);
                return Flow::Continue;
            }
            Err(request) => request,
        };
        let reply = if self.sys.traced { traced(me, &*request, reply) } else { reply };
        let Some(reply) = reply else { return Flow::Continue };
        match request.downcast::<Ask>() {
            Ok(ask) => self.ask(me, *ask, reply),
            Err(request) => match request.downcast::<Request>() {
                Ok(request) => self.ask_supervisor(me, *request, reply),
                Err(_) => server::wrong_kind(Some(reply)),
            },
        }
        Flow::Continue
    }

    fn ask(&mut self, me: &Process, ask: Ask, reply: ReplyTo) {
        if self.ending.is_some() {
            self.late.push(reply);
            return;
        }
        match ask {
            Ask::Start { spec, owner, restart, callers } => {
                let how = owner.map_or(Start::Alone, Start::Owned);
                match self.start(me, Again { spec, restart, callers }, &how) {
                    Ok(pid) => reply.answer(Term::pid(pid)),
                    Err(error) => reply.fail(error),
                };
            }
            Ask::Run { spec, callers } => match self.start(me, Again::never(spec, callers), &Start::Run) {
                Ok(pid) => self.owe(pid, reply),
                Err(error) => {
                    reply.fail(error);
                }
            },
            Ask::Children => {
                let alive = self.children.iter().filter(|(_, child)| !child.is_down);
                reply.answer(Term::list(alive.map(|(&pid, _)| Term::pid(pid)).collect()));
            }
            Ask::Terminate(pid) => self.terminate(me, pid, reply),
        }
    }

    /// What is asked of any supervisor, as far as it has a meaning here.
    fn ask_supervisor(&mut self, me: &Process, request: Request, reply: ReplyTo) {
        if self.ending.is_some() {
            self.late.push(reply);
            return;
        }
        match request {
            Request::WhichChildren => drop(reply.answer(self.which_children())),
            Request::CountChildren => {
                let specs = self.children.len() as u64;
                let active = self.children.values().filter(|child| !child.is_down).count() as u64;
                reply.answer_native(Box::new(ChildCount { specs, active, supervisors: 0, workers: specs }));
            }
            Request::Observe => drop(reply.answer_native(Box::new(self.observed()))),
            Request::TerminateChild { id, .. } => match id.as_pid() {
                Some(pid) => self.terminate(me, pid, reply),
                None => drop(reply.fail(Error::NotFound)),
            },
            Request::History => drop(reply.answer(self.history.term())),
            Request::Subscribe(pid) => drop(reply.answer(Term::reference(self.events.subscribe(me, pid)))),
            Request::Unsubscribe(reference) => {
                if self.events.unsubscribe(me, reference) {
                    reply.answer(Term::atom(atoms::OK));
                } else {
                    reply.fail(Error::NotFound);
                }
            }
            _ => drop(reply.fail(Error::WrongKind)),
        }
    }

    fn terminate(&mut self, me: &Process, pid: Pid, reply: ReplyTo) {
        match self.children.get_mut(&pid) {
            Some(child) if child.is_down => {
                self.forget(pid);
                reply.answer(Term::atom(atoms::OK));
            }
            Some(child) => {
                child.awaited.push(reply);
                let (told, within) = child.shutdown.parts();
                me.exit(pid, Term::atom(told));
                if let Some(ms) = within {
                    self.limit(me, ms, vec![pid]);
                }
            }
            None => {
                reply.fail(Error::NotFound);
            }
        }
    }

    /// The last started first.
    fn in_order(&self) -> Vec<(Pid, &Child)> {
        let mut all: Vec<_> = self.children.iter().map(|(&pid, child)| (pid, child)).collect();
        all.sort_unstable_by_key(|(_, child)| Reverse(child.place));
        all
    }

    /// `[{undefined, Pid | restarting, worker, task}]`, the last started first.
    fn which_children(&self) -> Term {
        let shown = |(pid, child): (Pid, &Child)| {
            let pid = if child.is_down { Term::atom(atoms::RESTARTING) } else { Term::pid(pid) };
            let (id, worker, kind) = (atoms::UNDEFINED, atoms::WORKER, atoms::TASK);
            Term::tuple_of([Term::atom(id), pid, Term::atom(worker), Term::atom(kind)])
        };
        Term::list(self.in_order().into_iter().map(shown).collect())
    }

    /// In the order of the starts.
    fn observed(&self) -> Vec<Observed> {
        let observed = |(pid, child): (Pid, &Child)| Observed {
            id: Term::atom(atoms::UNDEFINED),
            pid: (!child.is_down).then_some(pid),
            down: Term::atom(atoms::RESTARTING),
            kind: atoms::TASK,
            restarts: child.restarts,
        };
        self.in_order().into_iter().rev().map(observed).collect()
    }
}

/// Writes what is asked, and has its answer written.
fn traced(me: &Process, request: &dyn Any, reply: Option<ReplyTo>) -> Option<ReplyTo> {
    let own = request.downcast_ref::<Ask>().map(Ask::shown);
    let shown = own.or_else(|| request.downcast_ref::<Request>()?.shown());
    let Some(shown) = shown else { return reply };
    server::trace::asked(me, &shown, reply, |outcome| match outcome {
        Outcome::Native(native) => native.downcast_ref::<ChildCount>().map(|count| count.term()),
        _ => None,
    })
}
