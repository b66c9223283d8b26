//! Stopping and starting children, one after the other.
//!
//! ```text
//!   begin ─► advance ─► stop the next ──► DOWN ────────────────────► advance
//!              │           └─► its time is over: kill ──► DOWN ───┘
//!              ├──────► start the next ─► Started: up, ignored ────► advance
//!              │           ├─► its time is over: kill ─┐
//!              │           └─► Started: failed ────────┴─► failed: what the job's reason says
//!              └──────► nothing left ─► done
//! ```

use super::children::{Key, Life};
use super::spec::{Restart, SHUTDOWN_MS, Shutdown};
use super::{Supervisor, TryAgain, report};
use crate::clock::{TimerId, TimerKind};
use crate::process::{self, Ack, Error, Flow, Message, Process, ReplyTo, StartResult};
use crate::term::{Pid, Ref, Term, atoms};
use std::collections::VecDeque;

/// Why children are stopped and started, and so what comes after it.
pub(super) enum Why {
    StartUp,
    /// `key` had failed, and had this pid.
    Restart {
        key: Key,
        pid: Pid,
    },
    StartChild {
        key: Key,
        reply: ReplyTo,
    },
    RestartChild {
        key: Key,
        reply: ReplyTo,
    },
    TerminateChild {
        reply: ReplyTo,
    },
    /// The supervisor ends with this reason.
    End(Term),
}

/// What is waited for.
enum Step {
    Stop { key: Key, pid: Pid, monitor: Ref },
    Start { key: Key, pid: Pid, timed_out: bool, told_to_hurry: bool },
}

/// What the supervisor is in the middle of.
pub(super) struct Job {
    stop: VecDeque<Key>,
    start: VecDeque<Key>,
    why: Why,
    step: Option<Step>,
    /// The token of the step at hand.
    token: u64,
    timers: Vec<TimerId>,
}

impl Job {
    pub fn new(stop: Vec<Key>, start: Vec<Key>, why: Why) -> Job {
        Job { stop: stop.into(), start: start.into(), why, step: None, token: 0, timers: Vec::new() }
    }

    /// The caller that waits for it.
    pub fn into_reply(self) -> Option<ReplyTo> {
        match self.why {
            Why::StartChild { reply, .. } | Why::RestartChild { reply, .. } | Why::TerminateChild { reply } => {
                Some(reply)
            }
            Why::StartUp | Why::Restart { .. } | Why::End(_) => None,
        }
    }

    fn time(&mut self, me: &Process, ms: u32) {
        self.timers.push(process::start_tick(me, u64::from(ms), TimerKind::Supervision, self.token));
    }

    fn over(&mut self, me: &Process) -> Option<Step> {
        for timer in self.timers.drain(..) {
            me.cancel_tick(timer);
        }
        self.step.take()
    }
}

impl Supervisor {
    pub(super) fn begin(&mut self, me: &Process, job: Job) -> Flow {
        debug_assert!(self.job.is_none());
        self.advance(me, job)
    }

    /// Goes on until something has to be waited for, or the job is done.
    fn advance(&mut self, me: &Process, mut job: Job) -> Flow {
        loop {
            if let Some(key) = job.stop.pop_front() {
                if self.stop_child(me, &mut job, key) {
                    self.job = Some(job);
                    return Flow::Continue;
                }
            } else if let Some(key) = job.start.pop_front() {
                match self.start_child(me, &mut job, key) {
                    Ok(true) => {
                        self.job = Some(job);
                        return Flow::Continue;
                    }
                    Ok(false) => {}
                    Err(error) => match self.failed(me, job, key, error) {
                        Ok(next) => job = next,
                        Err(flow) => return flow,
                    },
                }
            } else {
                return self.done(me, job);
            }
        }
    }

    /// A message while a job is under way.
    pub(super) fn in_job(&mut self, me: &Process, message: Message) -> Flow {
        let Some(mut job) = self.job.take() else { return Flow::Continue };
        match (&mut job.step, message) {
            (Some(Step::Stop { monitor, .. }), Message::Down(down)) if *monitor == down.monitor => {
                let reason = down.reason;
                self.stopped_child(me, &mut job, reason);
                return self.advance(me, job);
            }
            (Some(Step::Stop { pid, .. }), Message::Tick(token)) if token == job.token => {
                me.exit(*pid, Term::atom(atoms::KILL));
            }
            (Some(Step::Start { .. }), Message::Started(started)) if started.token == job.token => {
                let result = started.result;
                return self.started_child(me, job, result);
            }
            (Some(Step::Start { pid, timed_out, .. }), Message::Tick(token)) if token == job.token => {
                *timed_out = true;
                me.exit(*pid, Term::atom(atoms::KILL));
            }
            // Of a step that is over.
            (_, Message::Tick(_) | Message::Down(_) | Message::Started(_)) => {}
            (_, message) => {
                if Self::is_ending(me, &message) {
                    self.hurry = true;
                    self.hurry_start(me, &mut job);
                }
                self.waiting.push_back(message);
            }
        }
        self.job = Some(job);
        Flow::Continue
    }

    /// Tells a child to end. False: it does not run.
    fn stop_child(&mut self, me: &Process, job: &mut Job, key: Key) -> bool {
        let Some(child) = self.children.get(key) else { return false };
        let Life::Running(pid) = child.life() else {
            self.children.gone(key);
            return false;
        };
        self.token += 1;
        job.token = self.token;
        // The monitor, because a child may have cut its link.
        let monitor = me.monitor(pid);
        job.step = Some(Step::Stop { key, pid, monitor });
        match child.spec.shutdown {
            Shutdown::BrutalKill => me.exit(pid, Term::atom(atoms::KILL)),
            Shutdown::Ms(ms) => {
                me.exit(pid, Term::atom(atoms::SHUTDOWN));
                job.time(me, ms);
            }
            Shutdown::Infinity => me.exit(pid, Term::atom(atoms::SHUTDOWN)),
        }
        true
    }

    fn stopped_child(&mut self, me: &Process, job: &mut Job, reason: Term) {
        let Some(Step::Stop { key, pid, .. }) = job.over(me) else { return };
        let reason = self.unlink(me, pid).unwrap_or(reason);
        if let Some(child) = self.children.get(key)
            && !is_proper_end(child.spec.shutdown, child.spec.restart, &reason)
        {
            report::child(me, report::SHUTDOWN_ERROR, &reason, child);
        }
        self.children.gone(key);
    }

    /// Cuts the link; the reason of the EXIT message, if one had come: it is taken out, and is truer than a monitor's
    /// that found the process dead.
    fn unlink(&mut self, me: &Process, pid: Pid) -> Option<Term> {
        me.unlink(pid);
        let is_it = |message: &Message| matches!(message, Message::Exit { from, .. } if *from == pid);
        let at = self.waiting.iter().rposition(is_it)?;
        match self.waiting.remove(at) {
            Some(Message::Exit { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    /// Starts a child. `Ok(false)`: there is nothing to wait for.
    fn start_child(&mut self, me: &Process, job: &mut Job, key: Key) -> Result<bool, Error> {
        let Some(child) = self.children.get(key) else { return Ok(false) };
        self.token += 1;
        let start = process::ChildStart {
            parent: me.pid(),
            link: true,
            child: true,
            ack: Ack::Message { to: me.pid(), token: self.token },
            ..child.spec.start.build()
        };
        let limit = child.spec.start.what.init_timeout();
        let at_once = start.at_once;
        let pid = process::spawn(me.node(), start)?.pid;
        if at_once {
            self.is_up(me, key, pid);
            return Ok(false);
        }
        job.token = self.token;
        job.step = Some(Step::Start { key, pid, timed_out: false, told_to_hurry: false });
        if let Some(ms) = limit {
            job.time(me, ms);
        }
        if self.hurry {
            self.hurry_start(me, job);
        }
        Ok(true)
    }

    fn is_up(&mut self, me: &Process, key: Key, pid: Pid) {
        self.children.set(key, Life::Running(pid));
        if let Some(child) = self.children.get(key) {
            report::progress(me, child);
        }
    }

    /// The supervisor is about to be stopped: an init that is waited for has no more time than a shutdown.
    fn hurry_start(&self, me: &Process, job: &mut Job) {
        let Some(Step::Start { key, pid, told_to_hurry, .. }) = &mut job.step else { return };
        if std::mem::replace(told_to_hurry, true) {
            return;
        }
        let Some(child) = self.children.get(*key) else { return };
        if child.spec.is_supervisor {
            // It comes up as if nothing had happened, but hurries its own children, and then stops.
            me.exit(*pid, Term::atom(atoms::SHUTDOWN));
        }
        match child.spec.shutdown {
            Shutdown::BrutalKill => job.time(me, SHUTDOWN_MS),
            Shutdown::Ms(ms) => job.time(me, ms),
            Shutdown::Infinity => {}
        }
    }

    fn started_child(&mut self, me: &Process, mut job: Job, result: StartResult) -> Flow {
        let Some(Step::Start { key, pid, timed_out, .. }) = job.over(me) else { return self.advance(me, job) };
        let error = match result {
            _ if timed_out => {
                // It may have come up at the last moment; it is dead in any case.
                self.unlink(me, pid);
                Error::Start(Term::atom(atoms::TIMEOUT))
            }
            StartResult::Failed(reason) => Error::Start(reason),
            StartResult::Ready => {
                self.is_up(me, key, pid);
                return self.advance(me, job);
            }
            StartResult::Ignored => {
                // A temporary child that does not want to be started is forgotten, another waits for `restart_child`.
                self.children.gone(key);
                return self.advance(me, job);
            }
        };
        match self.failed(me, job, key, error) {
            Ok(job) => self.advance(me, job),
            Err(flow) => flow,
        }
    }

    /// A child could not be started. `Ok`: the job to go on with.
    fn failed(&mut self, me: &Process, job: Job, key: Key, error: Error) -> Result<Job, Flow> {
        let reason = error.reason();
        let to_report = matches!(job.why, Why::StartUp | Why::Restart { .. });
        if let Some(child) = self.children.get(key).filter(|_| to_report) {
            report::child(me, report::START_ERROR, &reason, child);
        }
        match job.why {
            Why::StartUp => {
                let id = self.children.get(key).map_or(Term::nil(), |child| child.spec.id.clone());
                let detail = Term::tuple_of([Term::atom(atoms::FAILED_TO_START_CHILD), id, reason]);
                let reason = Term::tuple_of([Term::atom(atoms::SHUTDOWN), detail]);
                return Ok(Job::new(self.children.keys().rev().collect(), Vec::new(), Why::End(reason)));
            }
            Why::Restart { key: first, pid } => {
                // OTP's `restart_multiple_children`: what came up stays, and the next attempt goes on from this one.
                let pid = if key == first { pid } else { Pid::NONE };
                self.children.set(key, Life::Restarting(pid));
                let _ = Process::post(me.pid(), Message::Native { request: Box::new(TryAgain(key)), reply: None });
            }
            Why::StartChild { reply, .. } => {
                self.children.remove(key);
                reply.fail(error);
            }
            Why::RestartChild { reply, .. } => {
                reply.fail(error);
            }
            Why::TerminateChild { .. } | Why::End(_) => {}
        }
        self.rest(me);
        Err(Flow::Continue)
    }

    fn done(&mut self, me: &Process, job: Job) -> Flow {
        match job.why {
            Why::StartUp => me.ready(),
            Why::Restart { .. } => {}
            Why::StartChild { key, reply } | Why::RestartChild { key, reply } => {
                let life = self.children.get(key).map_or(Life::Stopped, |child| child.life());
                reply.answer(life.term());
            }
            Why::TerminateChild { reply } => {
                reply.answer(Term::atom(atoms::OK));
            }
            Why::End(reason) => {
                self.rest(me);
                return Flow::Stop(reason);
            }
        }
        self.rest(me);
        Flow::Continue
    }

    /// The job is done: what came meanwhile has its turn, before what comes now.
    fn rest(&mut self, me: &Process) {
        me.put_back(self.waiting.drain(..));
    }
}

/// Whether a child ended as it was told to (OTP: `shutdown/1` of `supervisor`).
fn is_proper_end(shutdown: Shutdown, restart: Restart, reason: &Term) -> bool {
    if shutdown == Shutdown::BrutalKill {
        return reason.is_atom(atoms::KILLED) || restart != Restart::Permanent && crate::server::is_orderly(reason);
    }
    reason.is_atom(atoms::SHUTDOWN) || restart != Restart::Permanent && crate::server::is_orderly(reason)
}
