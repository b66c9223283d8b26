//! Those who want a child that something is under way with: they wait for the end of its step.
//!
//! OTP's supervisor is in the middle of a start or a stop as a whole, so that whoever asks meanwhile is answered when
//! it is over, one after the other. Here that holds for each child by itself: what is asked about one that has a step
//! is put in the *line* of that step (a stop, a restart, a deletion, and where ids are unique a start), and asked
//! again, in its turn, when the step is over. When one of them begins the next step with the child the rest waits for
//! that. What only looks is answered at once.
//!
//! * Whoever wants a child stopped that is being started has it hurry: its init gets no more time than a shutdown. If
//!   it is killed for that, it is stopped; if it fails by itself, there is none to be stopped, as in OTP.
//! * A pid means who has it when the step is over: that of a start nobody if it failed, and that of an earlier life
//!   nobody if the restart succeeded. An id that several children may have means the one that had the step.
//! * Who is in a start under this supervisor cannot wait for a start, which may wait for his: he is refused at once.
//!   Only to have a child stopped he waits, since that hurries it; but not for his own start. Whoever answers a call of
//!   such a one is in his place. One who was asked in another way is not known to be waited for, and waits: until the
//!   limit of whoever waits for him, or the end of that start, frees both.
//! * A supervisor that is to end still stops whom it was asked to stop, for that may be asked from an init that it
//!   waits for. The others hear of its end.

use super::{Dynamic, Step};
use crate::process::{Error, Message, Process, ReplyTo};
use crate::supervisor::children::Key;
use crate::supervisor::requests::Request;
use crate::term::{Pid, Term, atoms};
use std::collections::VecDeque;

/// Who waits for one step.
#[derive(Default)]
pub(super) struct Line {
    asked: VecDeque<(Request, ReplyTo)>,
    /// How many of them want the child stopped, whatever its pid.
    stops: usize,
}

fn is_stop(request: &Request) -> bool {
    matches!(request, Request::TerminateChild { .. })
}

/// Whether it is to stop the child that has this pid.
fn stops(request: &Request, pid: Pid) -> bool {
    matches!(request, Request::TerminateChild { id, .. } if id.as_pid().is_none_or(|of| of == pid))
}

fn stops_any(request: &Request) -> bool {
    matches!(request, Request::TerminateChild { id, .. } if id.as_pid().is_none())
}

impl Line {
    /// Behind all others.
    pub fn push(&mut self, request: Request, reply: ReplyTo) {
        self.stops += usize::from(stops_any(&request));
        self.asked.push_back((request, reply));
    }

    fn pop(&mut self) -> Option<(Request, ReplyTo)> {
        let (request, reply) = self.asked.pop_front()?;
        self.stops -= usize::from(stops_any(&request));
        Some((request, reply))
    }

    /// Those of `other` come behind all that are here.
    fn append(&mut self, other: &mut Line) {
        self.asked.append(&mut other.asked);
        self.stops += std::mem::take(&mut other.stops);
    }

    /// The start of that pid was killed since somebody wanted it stopped: the first of them hears that it is.
    pub fn has_stopped(&mut self, pid: Pid) {
        if let Some(at) = self.asked.iter().position(|(request, _)| stops(request, pid))
            && let Some((request, reply)) = self.asked.remove(at)
        {
            self.stops -= usize::from(stops_any(&request));
            reply.answer(Term::atom(atoms::OK));
        }
    }

    /// The supervisor is to end: only those stay that want the child stopped.
    pub fn refuse(&mut self, reason: &Term) {
        for (request, reply) in std::mem::take(self).asked {
            if is_stop(&request) {
                self.push(request, reply);
            } else {
                reply.die(reason.clone());
            }
        }
    }

    pub fn replies(self) -> impl Iterator<Item = ReplyTo> {
        self.asked.into_iter().map(|(_, reply)| reply)
    }
}

impl Dynamic {
    /// What is asked about one child waits for the end of its step.
    pub(super) fn wait(&mut self, me: &Process, key: Key, request: Request, reply: ReplyTo) {
        let Some((&token, child)) = self.busy.get(&key).zip(self.children.get(key)) else { return };
        match self.steps.get_mut(&token) {
            Some(Step::Start { starting, line, .. }) => {
                let never = match &request {
                    Request::TerminateChild { in_start, .. } => *in_start == Some(starting.pid),
                    Request::RestartChild { in_start, .. } | Request::DeleteChild { in_start, .. } => {
                        in_start.is_some()
                    }
                    _ => false,
                };
                if never {
                    reply.fail(Error::WouldDeadlock);
                    return;
                }
                if stops(&request, starting.pid) {
                    starting.hurry(me, &child.spec, token);
                }
                line.push(request, reply);
            }
            Some(Step::Stop { line, .. }) => line.push(request, reply),
            None => {}
        }
    }

    /// The step of a child is over: what was asked meanwhile.
    pub(super) fn ask_again(&mut self, me: &Process, key: Key, mut line: Line) {
        let mut held = false;
        while let Some((request, reply)) = line.pop() {
            if let Some(reason) = self.ending.as_ref().filter(|_| !is_stop(&request)) {
                reply.die(reason.clone());
                continue;
            }
            // What is to be stopped is stopped all the same, unless that is behind something that waits.
            if self.ending.is_none() && self.sys.suspended && (held || !is_stop(&request)) {
                held = true;
                self.waiting.push(Message::Native { request: Box::new(request), reply: Some(reply) });
                continue;
            }
            let id = match &request {
                Request::StartChild { spec, .. } => Some(&spec.id),
                other => other.child(),
            };
            let id = id.cloned().unwrap_or_default();
            if let Request::StartChild { spec, in_start } = request {
                self.add_child(me, *spec, reply, in_start);
            } else {
                let is_same = !self.unique_ids && id.as_pid().is_none();
                let same = || Some(key).filter(|&key| self.children.get(key).is_some());
                let found = if is_same { same() } else { self.find(&id) };
                self.of_child(me, found, request, reply);
            }
            if self.unique_ids && self.goes_on_waiting(me, &id, &mut line) {
                return;
            }
        }
    }

    /// Puts a line at the step that was begun with the child of that id, if one was.
    fn goes_on_waiting(&mut self, me: &Process, id: &Term, line: &mut Line) -> bool {
        let Some(key) = self.find(id) else { return false };
        let Some((&token, child)) = self.busy.get(&key).zip(self.children.get(key)) else { return false };
        let Some(step) = self.steps.get_mut(&token) else { return false };
        if line.stops > 0
            && let Step::Start { starting, .. } = step
        {
            starting.hurry(me, &child.spec, token);
        }
        line.append(step.line());
        std::mem::swap(line, step.line());
        true
    }
}
