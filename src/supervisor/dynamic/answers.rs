//! What a dynamic supervisor answers to requests.

use super::{Dynamic, StartOf, answer_ok};
use crate::process::{self, Error, Flow, Process, ReplyTo};
use crate::supervisor::children::{Child, Key, Life};
use crate::supervisor::requests::Request;
use crate::supervisor::spec::AutoShutdown;
use crate::term::{Term, atoms};

impl Dynamic {
    pub(super) fn request(&mut self, me: &Process, request: Request, reply: Option<ReplyTo>) -> Flow {
        let Some(reply) = reply else { return Flow::Continue };
        let simple = || Error::Refused(Term::atom(atoms::SIMPLE_ONE_FOR_ONE));
        match (request, &self.template) {
            (Request::StartChild { .. }, Some(_)) => drop(reply.fail(simple())),
            (Request::StartChild { spec, in_start }, None) => match spec.check(AutoShutdown::Never) {
                Ok(()) => return self.add_child(me, *spec, reply, in_start),
                Err(refused) => drop(reply.fail(Error::Refused(refused))),
            },
            (Request::StartInstance(_), None) => drop(reply.fail(Error::WrongKind)),
            (Request::StartInstance(extra), Some(template)) => match template.instance(&extra) {
                Ok(spec) => return self.add_child(me, spec, reply, None),
                Err(error) => drop(reply.fail(error)),
            },
            (
                request @ (Request::TerminateChild { .. } | Request::RestartChild { .. } | Request::DeleteChild { .. }),
                _,
            ) => {
                let found = request.child().and_then(|id| self.find(id));
                return self.of_child(me, found, request, reply);
            }
            (Request::WhichChildren, template) => {
                let anonymous = template.is_some();
                let id = |child: &Child| if anonymous { Term::atom(atoms::UNDEFINED) } else { child.spec.id.clone() };
                reply.answer(self.children.list(id));
            }
            (Request::Observe, template) => {
                let anonymous = template.is_some();
                let id = |child: &Child| if anonymous { Term::atom(atoms::UNDEFINED) } else { child.spec.id.clone() };
                reply.answer_native(Box::new(self.children.observed(id)));
            }
            (Request::CountChildren, template) => {
                let mut count = self.children.count(false);
                if template.is_some() {
                    count.specs = 1;
                }
                reply.answer_native(Box::new(count));
            }
            (Request::GetChildspec(id), template) => {
                let found = self.find(&id).and_then(|key| self.children.get(key)).map(|child| &child.spec);
                let found = found.or(template.as_ref().filter(|template| match id.as_pid() {
                    Some(pid) => !process::is_alive(pid),
                    None => template.id == id,
                }));
                match found {
                    Some(spec) => drop(reply.answer(spec.term())),
                    None => drop(reply.fail(Error::NotFound)),
                }
            }
            (Request::Lookup(id), _) => match self.find(&id).and_then(|key| self.children.get(key)) {
                Some(child) if child.life() != Life::Starting => drop(reply.answer(child.life().term())),
                _ => drop(reply.fail(Error::NotFound)),
            },
            (Request::History, _) => drop(reply.answer(self.history.term())),
            (Request::Subscribe(pid), _) => {
                let subscription = self.events.subscribe(me, pid);
                reply.answer(Term::reference(subscription));
            }
            (Request::Unsubscribe(subscription), _) => {
                if self.events.unsubscribe(me, subscription) {
                    reply.answer(Term::atom(atoms::OK));
                } else {
                    reply.fail(Error::NotFound);
                }
            }
        }
        Flow::Continue
    }

    /// Something is to be done with the child that was found.
    pub(super) fn of_child(&mut self, me: &Process, found: Option<Key>, request: Request, reply: ReplyTo) -> Flow {
        let is_simple = self.template.is_some();
        let stops = matches!(request, Request::TerminateChild { .. });
        if let Some(key) = found.filter(|key| self.busy.contains_key(key))
            // The other two are refused to a simple one's, whatever becomes of it.
            && (stops || !is_simple)
        {
            self.wait(me, key, request, reply);
            return Flow::Continue;
        }
        let pid = request.child().and_then(Term::as_pid);
        let restarts = matches!(request, Request::RestartChild { .. });
        let simple = || Error::Refused(Term::atom(atoms::SIMPLE_ONE_FOR_ONE));
        match (found.and_then(|key| Some((key, self.children.get(key)?.life()))), pid) {
            (Some((key, _)), _) if stops => self.stop(me, key, Some(reply)),
            (None, None) if stops && is_simple => drop(reply.fail(simple())),
            // OTP's `find_child`: a process that is dead might have been a child.
            (None, Some(pid)) if stops && is_simple && !process::is_alive(pid) => answer_ok(Some(reply)),
            (None, _) if stops => drop(reply.fail(Error::NotFound)),
            (Some((key, Life::Parked(pid))), _) if restarts && !self.is_held(key) => {
                return self.start(me, key, StartOf::ByHand(pid, reply));
            }
            _ if is_simple => drop(reply.fail(simple())),
            (Some((key, Life::Parked(_))), _) => {
                self.children.remove(key);
                answer_ok(Some(reply));
            }
            (Some((_, Life::Running(_))), _) => drop(reply.fail(Error::Refused(Term::atom(atoms::RUNNING)))),
            (Some(_), _) => drop(reply.fail(Error::Refused(Term::atom(atoms::RESTARTING)))),
            (None, _) => drop(reply.fail(Error::NotFound)),
        }
        Flow::Continue
    }

    /// A child by its pid, or else by its id.
    pub(super) fn find(&self, id: &Term) -> Option<Key> {
        id.as_pid().and_then(|pid| self.children.find_pid(pid)).or_else(|| self.children.find(id))
    }
}
