//! One start and one stop of one child: what both kinds of supervisor do alike.

use super::children::Key;
use super::spec::{ChildSpec, Restart, SHUTDOWN_MS, Shutdown};
use crate::clock::{TimerId, TimerKind};
use crate::process::{self, Ack, ChildStart, Error, Process, StartResult};
use crate::server;
use crate::term::{Pid, Ref, Term, atoms};

fn time(me: &Process, ms: u32, token: u64) -> TimerId {
    process::start_tick(me, u64::from(ms), TimerKind::Supervision, token)
}

/// A start that is waited for: `Started` and `Tick` come with its token.
pub(super) struct Starting {
    pub key: Key,
    pub pid: Pid,
    timed_out: bool,
    told_to_hurry: bool,
    timers: Vec<TimerId>,
}

/// What became of a start.
pub(super) enum Began {
    /// There was nothing to wait for.
    Up(Pid),
    UnderWay(Starting),
}

impl Starting {
    /// Spawns the child. What is refused here leaves nothing behind.
    pub fn begin(me: &Process, spec: &ChildSpec, key: Key, token: u64) -> Result<Began, Error> {
        let start = ChildStart {
            parent: me.pid(),
            link: true,
            child: true,
            ack: Ack::Message { to: me.pid(), token },
            ..spec.start.build()
        };
        let at_once = start.at_once;
        let pid = process::spawn(me.node(), start)?.pid;
        if at_once {
            return Ok(Began::Up(pid));
        }
        let timers = spec.start.what.init_timeout().map(|ms| time(me, ms, token)).into_iter().collect();
        Ok(Began::UnderWay(Starting { key, pid, timed_out: false, told_to_hurry: false, timers }))
    }

    /// The supervisor is about to stop it: its init has no more time than a shutdown.
    pub fn hurry(&mut self, me: &Process, spec: &ChildSpec, token: u64) {
        if std::mem::replace(&mut self.told_to_hurry, true) {
            return;
        }
        if spec.is_supervisor {
            // It comes up as if nothing had happened, but hurries its own children, and then stops.
            me.exit(self.pid, Term::atom(atoms::SHUTDOWN));
        }
        match spec.shutdown {
            Shutdown::BrutalKill => self.timers.push(time(me, SHUTDOWN_MS, token)),
            Shutdown::Ms(ms) => self.timers.push(time(me, ms, token)),
            Shutdown::Infinity => {}
        }
    }

    pub fn time_is_over(&mut self, me: &Process) {
        self.timed_out = true;
        me.exit(self.pid, Term::atom(atoms::KILL));
    }

    /// Whether it was killed, having been told to hurry.
    pub fn was_hurried(&self) -> bool {
        self.told_to_hurry && self.timed_out
    }

    /// The start is over; what is to be made of its result. `unlink` cuts the link and forgets the EXIT of that pid.
    pub fn over(self, me: &Process, result: StartResult, unlink: impl FnOnce(Pid)) -> Result<Option<Pid>, Error> {
        for timer in self.timers {
            me.cancel_tick(timer);
        }
        match result {
            _ if self.timed_out => {
                // It may have come up at the last moment; it is dead in any case.
                unlink(self.pid);
                Err(Error::Start(Term::atom(atoms::TIMEOUT)))
            }
            StartResult::Failed(reason) => Err(Error::Start(reason)),
            StartResult::Ready => Ok(Some(self.pid)),
            StartResult::Ignored => Ok(None),
        }
    }
}

/// A stop that is waited for: `Down` comes with its monitor, `Tick` with its token.
pub(super) struct Stopping {
    pub key: Key,
    pub pid: Pid,
    pub monitor: Ref,
    timer: Option<TimerId>,
}

impl Stopping {
    /// Tells a child to end, as its spec says.
    pub fn begin(me: &Process, spec: &ChildSpec, key: Key, pid: Pid, token: u64) -> Stopping {
        // The monitor, because a child may have cut its link.
        let monitor = me.monitor(pid);
        let (told, within) = spec.shutdown.parts();
        me.exit(pid, Term::atom(told));
        let timer = within.map(|ms| time(me, ms, token));
        Stopping { key, pid, monitor, timer }
    }

    pub fn time_is_over(&self, me: &Process) {
        me.exit(self.pid, Term::atom(atoms::KILL));
    }

    pub fn over(self, me: &Process) {
        if let Some(timer) = self.timer {
            me.cancel_tick(timer);
        }
    }
}

/// Whether a child ended as it was told to (OTP: `shutdown/1` of `supervisor`).
pub fn is_proper_end(shutdown: Shutdown, restart: Restart, reason: &Term) -> bool {
    let wanted = if shutdown == Shutdown::BrutalKill { atoms::KILLED } else { atoms::SHUTDOWN };
    reason.is_atom(wanted) || restart != Restart::Permanent && server::is_orderly(reason)
}
