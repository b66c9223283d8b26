//! What became of the children that failed: the last failures of a supervisor, for whoever asks.
//!
//! One entry for each time that a child was to be restarted, whether it was or not. It outlives the children and not
//! the supervisor.

use super::backoff::Verdict;
use super::events::Shown;
use crate::term::{Pid, Term, atoms};
use std::collections::VecDeque;

/// So many failures are remembered.
const LONGEST: usize = 100;

struct Failure {
    id: Term,
    /// The pid that it had; none when it failed on its way up and never had one.
    pid: Pid,
    reason: Term,
    /// How often this child was to be restarted, this time included.
    count: u64,
    time_ms: u64,
    uptime_ms: u64,
    verdict: Verdict,
}

/// The failures, oldest first.
#[derive(Default)]
pub struct History(VecDeque<Failure>);

impl History {
    /// A child that was up for so long, 0 when it did not start, is to be restarted. `now`: nanoseconds of the
    /// runtime's clock.
    pub fn add(&mut self, child: &Shown, uptime_ms: u64, reason: &Term, verdict: Verdict, now: u64) {
        if self.0.len() == LONGEST {
            self.0.pop_front();
        }
        self.0.push_back(Failure {
            id: child.id(),
            pid: child.pid,
            reason: reason.clone(),
            count: child.restarts,
            time_ms: now / 1_000_000,
            uptime_ms,
            verdict,
        });
    }

    /// `[#{id, pid, reason, count, time_ms, uptime_ms, verdict}]`, oldest first; the verdict is `parked`, `shutdown`,
    /// or `{restart, DelayMs}`.
    pub fn term(&self) -> Term {
        Term::list(self.0.iter().map(Failure::term).collect())
    }
}

impl Failure {
    fn term(&self) -> Term {
        let pid = if self.pid == Pid::NONE { Term::atom(atoms::UNDEFINED) } else { Term::pid(self.pid) };
        let verdict = match self.verdict {
            Verdict::Restart(delay_ms) => Term::tuple_of([Term::atom(atoms::RESTART), Term::int(delay_ms as i64)]),
            Verdict::Park => Term::atom(atoms::PARKED),
            Verdict::GiveUp => Term::atom(atoms::SHUTDOWN),
        };
        Term::map(vec![
            (Term::atom(atoms::ID), self.id.clone()),
            (Term::atom(atoms::PID), pid),
            (Term::atom(atoms::REASON), self.reason.clone()),
            (Term::atom_named("count"), Term::int(self.count as i64)),
            (Term::atom_named("time_ms"), Term::int(self.time_ms as i64)),
            (Term::atom_named("uptime_ms"), Term::int(self.uptime_ms as i64)),
            (Term::atom_named("verdict"), verdict),
        ])
    }
}
