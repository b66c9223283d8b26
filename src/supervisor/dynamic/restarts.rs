//! What a dynamic supervisor does when a child has failed.

use super::{Dynamic, StartOf, Step};
use crate::process::{Flow, Process};
use crate::server;
use crate::supervisor::backoff::Verdict;
use crate::supervisor::children::{Key, Life, Wait};
use crate::supervisor::events::Failed;
use crate::supervisor::spec::AutoShutdown;
use crate::supervisor::{TryAgain, report};
use crate::term::{Pid, Term, atoms};

impl Dynamic {
    /// An exit signal that is not the parent's. Those of strangers mean nothing.
    pub(super) fn child_ended(&mut self, me: &Process, from: Pid, ended_with: Term) -> Flow {
        let Some(key) = self.children.find_pid(from) else { return Flow::Continue };
        if let Some(Step::Stop { reason, .. }) = self.busy.get(&key).and_then(|token| self.steps.get_mut(token)) {
            *reason = Some(ended_with);
            return Flow::Continue;
        }
        let Some(child) = self.children.get(key).filter(|child| child.life() == Life::Running(from)) else {
            return Flow::Continue;
        };
        let restart = child.spec.restart.follows(&ended_with);
        if restart || !server::is_orderly(&ended_with) {
            report::child(me, report::CHILD_TERMINATED, &ended_with, child);
        }
        self.events.ended(me, &child.shown(), &ended_with);
        if restart {
            return self.restart(me, key, ended_with);
        }
        let significant = child.spec.significant;
        self.children.remove(key);
        let shuts_down = match self.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => significant,
            AutoShutdown::AllSignificant => significant && self.children.len() == 0,
        };
        if shuts_down { self.end(me, Term::atom(atoms::SHUTDOWN)) } else { Flow::Continue }
    }

    pub(super) fn try_again(&mut self, me: &Process, again: TryAgain) -> Flow {
        match self.children.get(again.key) {
            Some(child) if matches!(child.life(), Life::Restarting(_)) && !self.is_held(again.key) => {
                self.restart(me, again.key, again.reason)
            }
            // It was stopped in between.
            _ => Flow::Continue,
        }
    }

    /// Whether something is under way with that child, or it waits for its time.
    pub(super) fn is_held(&self, key: Key) -> bool {
        self.busy.contains_key(&key) || self.children.get(key).is_some_and(|child| child.wait.is_some())
    }

    /// A child has failed, with this reason: it is restarted now or later, unless that is once too often.
    pub(super) fn restart(&mut self, me: &Process, key: Key, reason: Term) -> Flow {
        let now = me.node().clock.now();
        let verdict = self.children.judge(key, &mut self.intensity, now);
        let Some(child) = self.children.get(key) else { return Flow::Continue };
        let pid = child.life().pid();
        self.history.add(&child.shown(), child.uptime_ms(now), &reason, verdict, now);
        let failed = Failed { old: pid, reason };
        match verdict {
            Verdict::GiveUp => {
                report::child(me, report::SHUTDOWN, &report::limit_reached(), child);
                self.events.gave_up(me, &child.shown(), false, &failed);
                self.children.remove(key);
                return self.end(me, Term::atom(atoms::SHUTDOWN));
            }
            Verdict::Park => {
                report::child(me, report::PARKED, &report::limit_reached(), child);
                self.events.gave_up(me, &child.shown(), true, &failed);
                self.fail(key, failed);
                self.children.set(key, Life::Parked(pid));
            }
            Verdict::Restart(0) => {
                self.fail(key, failed);
                self.children.set(key, Life::Restarting(pid));
                return self.start(me, key, StartOf::Restart(pid));
            }
            Verdict::Restart(delay_ms) => {
                self.fail(key, failed);
                self.children.set(key, Life::Restarting(pid));
                self.token += 1;
                self.waits.insert(self.token, key);
                if let Some(child) = self.children.get_mut(key) {
                    child.wait = Some(Wait::begin(me, delay_ms, self.token));
                }
            }
        }
        Flow::Continue
    }

    pub(super) fn fail(&mut self, key: Key, failed: Failed) {
        if let Some(child) = self.children.get_mut(key) {
            child.failed = Some(Box::new(failed));
        }
    }

    /// It does not wait for its time any more.
    pub(super) fn stop_waiting(&mut self, me: &Process, key: Key) {
        if let Some(wait) = self.children.get_mut(key).and_then(|child| child.wait.take()) {
            self.waits.remove(&wait.token);
            me.cancel_tick(wait.timer);
        }
    }

    pub(super) fn tick(&mut self, me: &Process, token: u64) -> Flow {
        match self.steps.get_mut(&token) {
            Some(Step::Start { starting, .. }) => starting.time_is_over(me),
            Some(Step::Stop { stopping, .. }) => stopping.time_is_over(me),
            None => {
                if let Some(key) = self.waits.remove(&token)
                    && let Some(child) = self.children.get_mut(key)
                {
                    child.wait = None;
                    let pid = child.life().pid();
                    return self.start(me, key, StartOf::Restart(pid));
                }
            }
        }
        Flow::Continue
    }
}
