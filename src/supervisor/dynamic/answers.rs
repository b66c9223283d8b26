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
                Ok(spec) => return self.add_child(me, spec, reply, false),
                Err(error) => drop(reply.fail(error)),
            },
            (Request::TerminateChild(id), template) => match (self.find(&id), id.as_pid()) {
                (Some(key), _) => self.stop(me, key, vec![reply]),
                (None, None) if template.is_some() => drop(reply.fail(simple())),
                // OTP's `find_child`: a process that is dead might have been a child.
                (None, Some(pid)) if template.is_some() && !process::is_alive(pid) => answer_ok(vec![reply]),
                _ => drop(reply.fail(Error::NotFound)),
            },
            (Request::RestartChild(id), template) => {
                let is_simple = template.is_some();
                let found = self.find(&id).and_then(|key| Some((key, self.children.get(key)?.life())));
                match found {
                    Some((key, Life::Parked(pid))) if !self.is_held(key) => {
                        return self.start(me, key, StartOf::ByHand(pid, reply));
                    }
                    _ if is_simple => drop(reply.fail(simple())),
                    Some((_, Life::Running(_))) => drop(reply.fail(Error::Refused(Term::atom(atoms::RUNNING)))),
                    Some(_) => drop(reply.fail(Error::Refused(Term::atom(atoms::RESTARTING)))),
                    None => drop(reply.fail(Error::NotFound)),
                }
            }
            (Request::DeleteChild(id), template) => {
                let is_simple = template.is_some();
                let found = self.find(&id).and_then(|key| Some((key, self.children.get(key)?.life())));
                match found {
                    _ if is_simple => drop(reply.fail(simple())),
                    Some((key, Life::Parked(_))) if !self.is_held(key) => {
                        self.children.remove(key);
                        answer_ok(vec![reply]);
                    }
                    Some((_, Life::Running(_))) => drop(reply.fail(Error::Refused(Term::atom(atoms::RUNNING)))),
                    Some(_) => drop(reply.fail(Error::Refused(Term::atom(atoms::RESTARTING)))),
                    None => drop(reply.fail(Error::NotFound)),
                }
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

    /// A child by its pid, or else by its id.
    pub(super) fn find(&self, id: &Term) -> Option<Key> {
        id.as_pid().and_then(|pid| self.children.find_pid(pid)).or_else(|| self.children.find(id))
    }
}
