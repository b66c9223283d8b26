//! What a static supervisor answers to requests.

use super::Supervisor;
use super::children::{Key, Life};
use super::job::{Job, Why};
use super::requests::Request;
use super::spec::ChildSpec;
use super::strategy::Plan;
use crate::process::{Error, Flow, Process, ReplyTo};
use crate::term::{Term, atoms};

impl Supervisor {
    pub(super) fn request(&mut self, me: &Process, request: Request, reply: Option<ReplyTo>) -> Flow {
        let Some(reply) = reply else { return Flow::Continue };
        match request {
            // There are as many as there are partitions, always.
            Request::StartChild { .. } | Request::DeleteChild { .. } if self.partitions.is_some() => {
                reply.fail(Error::WrongKind);
                Flow::Continue
            }
            Request::StartChild { spec, .. } => match spec.check(self.auto_shutdown).err() {
                Some(refused) => {
                    reply.fail(Error::Refused(refused));
                    Flow::Continue
                }
                None => self.add_child(me, *spec, reply),
            },
            Request::StartInstance(_) => {
                reply.fail(Error::WrongKind);
                Flow::Continue
            }
            Request::RestartChild { id, .. } => match self.stopped(&id) {
                Ok(key) => {
                    let is_parked = matches!(self.children.get(key).map(|child| child.life()), Some(Life::Parked(_)));
                    // Its siblings had gone down with it.
                    let plan = is_parked.then(|| self.children.plan(self.strategy, key));
                    let plan = plan.unwrap_or(Plan { stop: Vec::new(), start: vec![key] });
                    self.begin(me, Job::new(plan.stop, plan.start, Why::RestartChild { key, reply }))
                }
                Err(error) => {
                    reply.fail(error);
                    Flow::Continue
                }
            },
            Request::DeleteChild { id, .. } => {
                match self.stopped(&id) {
                    Ok(key) => {
                        self.children.remove(key);
                        reply.answer(Term::atom(atoms::OK))
                    }
                    Err(error) => reply.fail(error),
                };
                Flow::Continue
            }
            Request::TerminateChild { id, .. } => match self.children.find(&id) {
                Some(key) => self.begin(me, Job::new(vec![key], Vec::new(), Why::TerminateChild { reply })),
                None => {
                    reply.fail(Error::NotFound);
                    Flow::Continue
                }
            },
            Request::WhichChildren => {
                reply.answer(self.children.list(|child| child.spec.id.clone()));
                Flow::Continue
            }
            Request::Observe => {
                reply.answer_native(Box::new(self.children.observed(|child| child.spec.id.clone())));
                Flow::Continue
            }
            Request::Lookup(id) => {
                match self.children.find(&id).and_then(|key| self.children.get(key)) {
                    Some(child) => reply.answer(child.life().term()),
                    None => reply.fail(Error::NotFound),
                };
                Flow::Continue
            }
            Request::History => {
                reply.answer(self.history.term());
                Flow::Continue
            }
            Request::Subscribe(pid) => {
                reply.answer(Term::reference(self.events.subscribe(me, pid)));
                Flow::Continue
            }
            Request::Unsubscribe(reference) => {
                if self.events.unsubscribe(me, reference) {
                    reply.answer(Term::atom(atoms::OK));
                } else {
                    reply.fail(Error::NotFound);
                }
                Flow::Continue
            }
            Request::CountChildren => {
                reply.answer_native(Box::new(self.children.count(true)));
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

    fn add_child(&mut self, me: &Process, spec: ChildSpec, reply: ReplyTo) -> Flow {
        match self.children.find(&spec.id).and_then(|key| self.children.get(key)) {
            None => {
                let key = self.children.add(spec);
                self.begin(me, Job::new(Vec::new(), vec![key], Why::StartChild { key, reply }))
            }
            Some(old) => {
                reply.fail(match old.life() {
                    Life::Running(pid) => Error::already_started(pid),
                    _ => Error::Exists(Term::atom(atoms::ALREADY_PRESENT)),
                });
                Flow::Continue
            }
        }
    }

    /// The child of that id, if it neither runs nor is being restarted.
    fn stopped(&self, id: &Term) -> Result<Key, Error> {
        let key = self.children.find(id).ok_or(Error::NotFound)?;
        match self.children.get(key).map(|child| child.life()) {
            Some(Life::Stopped | Life::Starting | Life::Parked(_)) => Ok(key),
            Some(Life::Restarting(_)) => Err(Error::Refused(Term::atom(atoms::RESTARTING))),
            Some(Life::Running(_)) => Err(Error::Refused(Term::atom(atoms::RUNNING))),
            None => Err(Error::NotFound),
        }
    }
}
