//! Stopping and starting children of a static supervisor, one after the other.
//!
//! ```text
//!   begin ─► advance ─► stop the next ──► DOWN ────────────────────► advance
//!              │           └─► its time is over: kill ──► DOWN ───┘
//!              ├──────► start the next ─► Started: up, ignored ────► advance
//!              │           ├─► its time is over: kill ─┐
//!              │           └─► Started: failed ────────┴─► failed: what the job's reason says
//!              └──────► nothing left ─► done
//! ```
//!
//! With `parallel_start` all children of the job are started before the first is waited for, and a failure is dealt
//! with when the last of them has come to an end.

use super::children::{Key, Life};
use super::steps::{Began, Starting, Stopping, is_proper_end};
use super::{Supervisor, TryAgain, is_ending, partition, report};
use crate::process::{Error, Flow, Message, Process, ReplyTo, StartResult};
use crate::term::{Pid, Term, atoms};
use std::collections::{BTreeMap, VecDeque};

/// Why children are stopped and started, and so what comes after it.
pub(super) enum Why {
    StartUp,
    /// `key` had failed, and had this pid.
    Restart {
        key: Key,
        pid: Pid,
    },
    /// A child has failed and is not started yet: its siblings wait with it.
    HoldBack,
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

/// What the supervisor is in the middle of.
pub(super) struct Job {
    stop: VecDeque<Key>,
    start: VecDeque<Key>,
    why: Why,
    /// The stop that is waited for, with its token.
    stopping: Option<(u64, Stopping)>,
    /// The starts that are waited for, by their tokens; one at most, unless they are parallel.
    starting: BTreeMap<u64, Starting>,
    /// Starts that failed.
    failures: Vec<(Key, Error)>,
}

impl Job {
    pub fn new(stop: Vec<Key>, start: Vec<Key>, why: Why) -> Job {
        Job {
            stop: stop.into(),
            start: start.into(),
            why,
            stopping: None,
            starting: BTreeMap::new(),
            failures: Vec::new(),
        }
    }

    /// The caller that waits for it.
    pub fn into_reply(self) -> Option<ReplyTo> {
        match self.why {
            Why::StartChild { reply, .. } | Why::RestartChild { reply, .. } | Why::TerminateChild { reply } => {
                Some(reply)
            }
            Why::StartUp | Why::Restart { .. } | Why::HoldBack | Why::End(_) => None,
        }
    }

    /// Whether a start has to be waited for before the next.
    fn waits(&self, parallel: bool) -> bool {
        !self.starting.is_empty() && (!parallel || self.start.is_empty() || !self.failures.is_empty())
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
            if job.stopping.is_some() || job.stop.is_empty() && job.waits(self.parallel_start) {
                self.job = Some(job);
                return Flow::Continue;
            }
            if let Some(key) = job.stop.pop_front() {
                self.stop_child(me, &mut job, key);
            } else if !job.failures.is_empty() {
                match self.failed(me, job) {
                    Ok(next) => job = next,
                    Err(flow) => return flow,
                }
            } else if let Some(key) = job.start.pop_front() {
                if let Err(error) = self.start_child(me, &mut job, key) {
                    job.failures.push((key, error));
                }
            } else {
                return self.done(me, job);
            }
        }
    }

    /// A message while a job is under way.
    pub(super) fn in_job(&mut self, me: &Process, message: Message) -> Flow {
        let Some(mut job) = self.job.take() else { return Flow::Continue };
        match (&mut job.stopping, message) {
            (Some((_, stopping)), Message::Down(down)) if stopping.monitor == down.monitor => {
                let reason = down.into_inner().reason;
                self.stopped_child(me, &mut job, reason);
                return self.advance(me, job);
            }
            (Some((token, stopping)), Message::Tick(tick)) if tick == *token => stopping.time_is_over(me),
            (_, Message::Started(started)) => {
                if let Some(starting) = job.starting.remove(&started.token) {
                    self.started_child(me, &mut job, starting, started.result);
                    return self.advance(me, job);
                }
            }
            (_, Message::Tick(token)) => {
                if let Some(starting) = job.starting.get_mut(&token) {
                    starting.time_is_over(me);
                } else if self.waits.contains_key(&token) {
                    self.waiting.push(Message::Tick(token));
                }
            }
            // Of a step that is over, or a subscriber's.
            (_, Message::Down(down)) => drop(self.events.forget(down.monitor)),
            (_, message) => {
                if is_ending(me, &message) {
                    self.hurry = true;
                    self.hurry_starts(me, &mut job);
                }
                self.waiting.push(message);
            }
        }
        self.job = Some(job);
        Flow::Continue
    }

    /// Tells a child to end, if it runs.
    fn stop_child(&mut self, me: &Process, job: &mut Job, key: Key) {
        let Some(child) = self.children.get(key) else { return };
        let Life::Running(pid) = child.life() else {
            self.stop_waiting(me, key);
            self.children.gone(key);
            return;
        };
        self.token += 1;
        job.stopping = Some((self.token, Stopping::begin(me, &child.spec, key, pid, self.token)));
    }

    fn stopped_child(&mut self, me: &Process, job: &mut Job, reason: Term) {
        let Some((_, stopping)) = job.stopping.take() else { return };
        let (key, pid) = (stopping.key, stopping.pid);
        let reason = self.unlink(me, pid).unwrap_or(reason);
        stopping.over(me);
        if let Some(child) = self.children.get(key) {
            if !is_proper_end(child.spec.shutdown, child.spec.restart, &reason) {
                report::child(me, report::SHUTDOWN_ERROR, &reason, child);
            }
            self.events.ended(me, &child.shown(), &reason);
        }
        self.children.gone(key);
    }

    /// Cuts the link; the reason of the EXIT message, if one had come: it is taken out, and is truer than a monitor's
    /// that found the process dead.
    fn unlink(&mut self, me: &Process, pid: Pid) -> Option<Term> {
        me.unlink(pid);
        self.waiting.take_exit(pid).or_else(|| self.held.take_exit(pid))
    }

    fn start_child(&mut self, me: &Process, job: &mut Job, key: Key) -> Result<(), Error> {
        self.stop_waiting(me, key);
        let Some(child) = self.children.get(key) else { return Ok(()) };
        self.token += 1;
        match Starting::begin(me, &child.spec, key, self.token)? {
            Began::Up(pid) => self.came_up(me, key, pid),
            Began::UnderWay(starting) => {
                job.starting.insert(self.token, starting);
                if self.hurry {
                    self.hurry_starts(me, job);
                }
            }
        }
        Ok(())
    }

    fn came_up(&mut self, me: &Process, key: Key, pid: Pid) {
        self.children.came_up(key, pid, me.node().clock.now());
        if let Some(child) = self.children.get_mut(key) {
            let failed = child.failed.take().map(|failed| *failed);
            report::progress(me, child);
            self.events.came_up(me, &child.shown(), failed);
        }
        if let Some(partitions) = &self.partitions {
            // The children of a partition supervisor are all there are, and their keys count from 0.
            partitions.set(key, pid);
            me.node().arrived(partition::arrival(me.pid(), key));
        }
    }

    /// The supervisor is about to be stopped: an init that is waited for has no more time than a shutdown.
    fn hurry_starts(&self, me: &Process, job: &mut Job) {
        for (&token, starting) in &mut job.starting {
            if let Some(child) = self.children.get(starting.key) {
                starting.hurry(me, &child.spec, token);
            }
        }
    }

    fn started_child(&mut self, me: &Process, job: &mut Job, starting: Starting, result: StartResult) {
        let key = starting.key;
        let over = starting.over(me, result, |pid| {
            self.unlink(me, pid);
        });
        match over {
            Ok(Some(pid)) => self.came_up(me, key, pid),
            // A temporary child that does not want to be started is forgotten, another waits for `restart_child`.
            Ok(None) => self.children.gone(key),
            Err(error) => job.failures.push((key, error)),
        }
    }

    /// Children could not be started, and no other start is under way. `Ok`: the job to go on with.
    fn failed(&mut self, me: &Process, mut job: Job) -> Result<Job, Flow> {
        job.failures.sort_by_key(|(key, _)| *key);
        let to_report = matches!(job.why, Why::StartUp | Why::Restart { .. });
        for (key, error) in job.failures.iter().filter(|_| to_report) {
            if let Some(child) = self.children.get(*key) {
                report::child(me, report::START_ERROR, &error.reason(), child);
            }
        }
        // Those behind it in the order follow from the first.
        let (key, error) = job.failures.remove(0);
        let reason = error.reason();
        match job.why {
            Why::StartUp => {
                let id = self.children.get(key).map_or(Term::nil(), |child| child.spec.id.clone());
                let detail = Term::tuple_of([Term::atom(atoms::FAILED_TO_START_CHILD), id, reason]);
                let reason = Term::tuple_of([Term::atom(atoms::SHUTDOWN), detail]);
                return Ok(Job::new(self.children.keys().rev().collect(), Vec::new(), Why::End(reason)));
            }
            Why::Restart { key: first, pid } => {
                // OTP's `restart_multiple_children`: what came up stays, and the next attempt goes on from this one.
                self.try_later(key, if key == first { pid } else { Pid::NONE }, reason, me);
            }
            Why::StartChild { reply, .. } => {
                self.children.remove(key);
                reply.fail(error);
            }
            Why::RestartChild { key: wanted, reply } => {
                if key == wanted {
                    reply.fail(error);
                } else {
                    // It was parked, and brought its siblings up with it; one of them has failed now.
                    self.try_later(key, Pid::NONE, reason, me);
                    let life = self.children.get(wanted).map_or(Life::Stopped, |child| child.life());
                    reply.answer(life.term());
                }
            }
            Why::TerminateChild { .. } | Why::HoldBack | Why::End(_) => {}
        }
        self.go_on(me);
        Err(Flow::Continue)
    }

    fn try_later(&mut self, key: Key, pid: Pid, reason: Term, me: &Process) {
        self.children.set(key, Life::Restarting(pid));
        let _ = Process::post(me.pid(), Message::Native { request: Box::new(TryAgain { key, reason }), reply: None });
    }

    fn done(&mut self, me: &Process, job: Job) -> Flow {
        match job.why {
            Why::StartUp => me.ready(),
            Why::Restart { .. } | Why::HoldBack => {}
            Why::StartChild { key, reply } | Why::RestartChild { key, reply } => {
                let life = self.children.get(key).map_or(Life::Stopped, |child| child.life());
                reply.answer(life.term());
            }
            Why::TerminateChild { reply } => {
                reply.answer(Term::atom(atoms::OK));
            }
            Why::End(reason) => {
                // Whoever ends is asked nothing any more: as if nothing of it had been taken.
                self.waiting.put_before(std::mem::take(&mut self.held));
                me.put_back(self.waiting.drain());
                return Flow::Stop(reason);
            }
        }
        self.go_on(me);
        Flow::Continue
    }
}
