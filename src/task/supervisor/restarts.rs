//! What a task supervisor does when a task has ended.

use super::{Child, Start, TaskSupervisor, begin};
use crate::process::{Flow, Message, Process};
use crate::server;
use crate::supervisor::{self, Failed, Verdict};
use crate::sync::room::Room;
use crate::term::{Pid, Term, atoms};

/// To itself: try again to restart the task that had this pid, and ended with this reason.
pub(super) struct TryAgain(Pid, Term);

impl TaskSupervisor {
    pub(super) fn child_ended(&mut self, me: &Process, pid: Pid, reason: &Term) -> Flow {
        let Some(child) = self.children.get_mut(&pid) else { return Flow::Continue };
        let awaited = std::mem::take(&mut child.awaited);
        let child = &*child;
        // One that was told to end has, whatever it said.
        let was_told = self.ending.is_some() || !awaited.is_empty();
        let restarts = !was_told && child.restart().follows(reason);
        if was_told && !supervisor::is_proper_end(child.shutdown, child.restart(), reason) {
            report(me, pid, child, supervisor::SHUTDOWN_ERROR, reason);
        } else if !was_told && (restarts || !server::is_orderly(reason)) {
            report(me, pid, child, supervisor::CHILD_TERMINATED, reason);
        }
        self.events.ended(me, &child.shown(pid), reason);
        let flow = if restarts {
            self.restart(me, pid, reason)
        } else {
            self.forget(pid);
            match self.ending.take_if(|_| self.children.is_empty()) {
                Some(reason) => Flow::Stop(reason),
                None => Flow::Continue,
            }
        };
        for reply in awaited {
            reply.answer(Term::atom(atoms::OK));
        }
        flow
    }

    /// Runs a task again that has ended, in its place, unless that is once too often.
    fn restart(&mut self, me: &Process, old: Pid, reason: &Term) -> Flow {
        let Some(mut child) = self.children.remove(&old) else { return Flow::Continue };
        self.waiting.remove(&child.place);
        if child.has_begun && !self.gives_back(&std::mem::take(&mut child.lending)) {
            // What it had lent is another's now.
            self.running += 1;
        }
        child.restarts += 1;
        let now = me.node().clock.now();
        let is_allowed = self.intensity.add(now);
        let uptime_ms = if child.is_down { 0 } else { now.saturating_sub(child.up_since) / 1_000_000 };
        let verdict = if is_allowed { Verdict::Restart(0) } else { Verdict::GiveUp };
        self.history.add(&child.shown(old), uptime_ms, reason, verdict, now);
        let failed = Failed { old, reason: reason.clone() };
        let place = child.place;
        let begins = child.has_begun;
        match child.again.as_ref().filter(|_| is_allowed).map(|again| self.spawn(me, again, &Start::Alone, begins)) {
            None => {
                report(me, old, &child, supervisor::SHUTDOWN, &supervisor::limit_reached());
                self.events.gave_up(me, &child.shown(old), false, &failed);
                // Its place stays taken: nobody begins any more.
                return self.end(me, Term::atom(atoms::SHUTDOWN));
            }
            Some(Ok(pid)) => {
                (child.is_down, child.up_since) = (false, now);
                self.events.came_up(me, &child.shown(pid), Some(failed));
                self.children.insert(pid, child);
                if !begins {
                    self.waiting.insert(place, pid);
                }
            }
            Some(Err(_)) => {
                // By a message, so that others get their turn between the attempts.
                child.is_down = true;
                self.children.insert(old, child);
                let again = TryAgain(old, reason.clone());
                let _ = Process::post(me.pid(), Message::Native { request: Box::new(again), reply: None });
            }
        }
        self.fill();
        Flow::Continue
    }

    pub(super) fn try_again(&mut self, me: &Process, TryAgain(old, reason): &TryAgain) -> Flow {
        match self.children.get(old) {
            Some(child) if child.is_down => self.restart(me, *old, reason),
            // It was stopped in between.
            _ => Flow::Continue,
        }
    }

    /// A child is no more: its place is another's.
    pub(super) fn forget(&mut self, pid: Pid) {
        let Some(child) = self.children.remove(&pid) else { return };
        self.children.tidy();
        self.waiting.remove(&child.place);
        if child.has_begun && self.gives_back(&child.lending) {
            self.running -= 1;
        }
        self.fill();
    }

    /// Lets begin who waits, as far as there is room; nobody while the supervisor is suspended.
    pub(super) fn fill(&mut self) {
        while !self.sys.suspended && self.ending.is_none() && self.has_room() {
            let Some((_, next)) = self.waiting.pop_first() else { break };
            let Some(child) = self.children.get_mut(&next) else { continue };
            child.has_begun = true;
            self.running += 1;
            begin(next, child.owed);
        }
    }
}

fn report(me: &Process, pid: Pid, child: &Child, context: &str, reason: &Term) {
    supervisor::report_task(me, context, reason, pid, child.restart(), child.shutdown);
}
