//! What a supervisor is told about its children and about itself.

use crate::process::StartSpec;
use crate::server::{Context, Next};
use crate::term::{Term, atoms};
use std::collections::HashSet;
use std::sync::Arc;

/// Which end of a child is followed by a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Restart {
    /// Every one.
    #[default]
    Permanent,
    /// Any but `normal`, `shutdown` and `{shutdown, _}`.
    Transient,
    /// None; a child that has ended is forgotten.
    Temporary,
}

/// How a child is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Killed at once.
    BrutalKill,
    /// Told to shut down, and killed after so many milliseconds.
    Ms(u32),
    /// Told to shut down, and waited for.
    Infinity,
}

/// Who is stopped and started together with a child that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// Nobody.
    #[default]
    OneForOne,
    /// All children.
    OneForAll,
    /// Those that were started after it.
    RestForOne,
}

impl Strategy {
    /// OTP's atom for it.
    pub fn term(self) -> Term {
        Term::atom_named(match self {
            Strategy::OneForOne => "one_for_one",
            Strategy::OneForAll => "one_for_all",
            Strategy::RestForOne => "rest_for_one",
        })
    }
}

/// A worker's shutdown time if nothing else is said (OTP: `supervisor`, child specification).
pub const SHUTDOWN_MS: u32 = 5_000;

/// How to start a child, and what to do when it ends.
#[derive(Clone)]
pub struct ChildSpec {
    /// What it goes by; unique under its supervisor. Compared as `=:=` does.
    pub id: Term,
    pub start: StartSpec,
    pub restart: Restart,
    pub shutdown: Shutdown,
    pub is_supervisor: bool,
}

impl ChildSpec {
    /// One with OTP's defaults: permanent, and five seconds to shut down, or all the time for a supervisor.
    pub fn new(id: Term, start: StartSpec) -> ChildSpec {
        let is_supervisor = matches!(start.what.kind(), atoms::SUPERVISOR | atoms::TASK_SUPERVISOR);
        let shutdown = if is_supervisor { Shutdown::Infinity } else { Shutdown::Ms(SHUTDOWN_MS) };
        ChildSpec { id, start, restart: Restart::default(), shutdown, is_supervisor }
    }

    /// `worker` or `supervisor`.
    pub fn type_term(&self) -> Term {
        Term::atom(if self.is_supervisor { atoms::SUPERVISOR } else { atoms::WORKER })
    }

    /// `#{id, restart, shutdown, type, kind}`.
    pub fn term(&self) -> Term {
        let entry = |key, value| (Term::atom(key), value);
        Term::map(vec![
            entry(atoms::ID, self.id.clone()),
            entry(atoms::RESTART, self.restart.term()),
            entry(atoms::SHUTDOWN, self.shutdown.term()),
            entry(atoms::TYPE, self.type_term()),
            entry(atoms::KIND, Term::atom(self.start.what.kind())),
        ])
    }
}

impl Restart {
    pub fn term(self) -> Term {
        Term::atom(match self {
            Restart::Permanent => atoms::PERMANENT,
            Restart::Transient => atoms::TRANSIENT,
            Restart::Temporary => atoms::TEMPORARY,
        })
    }
}

impl Shutdown {
    pub fn term(self) -> Term {
        match self {
            Shutdown::BrutalKill => Term::atom(atoms::BRUTAL_KILL),
            Shutdown::Ms(ms) => Term::int(i64::from(ms)),
            Shutdown::Infinity => Term::atom(atoms::INFINITY),
        }
    }
}

/// User code that runs in the supervisor before its children are started, at each start; it may wait.
pub type InitHook = dyn Fn(&mut Context) -> Next + Send + Sync;

/// A supervisor and the children it starts with.
#[derive(Clone)]
pub struct SupervisorSpec {
    pub strategy: Strategy,
    /// So many restarts ...
    pub max_restarts: u32,
    /// ... within so many milliseconds are allowed; one more ends the supervisor.
    pub period_ms: u32,
    /// Started in this order, stopped in the other.
    pub children: Vec<ChildSpec>,
    pub init: Option<Arc<InitHook>>,
}

impl Default for SupervisorSpec {
    /// No children; three restarts within five seconds.
    fn default() -> SupervisorSpec {
        SupervisorSpec {
            strategy: Strategy::default(),
            max_restarts: 3,
            period_ms: 5_000,
            children: Vec::new(),
            init: None,
        }
    }
}

impl SupervisorSpec {
    /// Whether it can be started; else the reason that its start ends with (OTP: `init/1` of `supervisor`).
    pub fn check(&self) -> Result<(), Term> {
        if self.period_ms == 0 {
            let refused = Term::tuple_of([Term::atom_named("invalid_period"), Term::int(0)]);
            return Err(Term::tuple_of([Term::atom_named("supervisor_data"), refused]));
        }
        let mut ids = HashSet::with_capacity(self.children.len());
        match self.children.iter().find(|child| !ids.insert(&child.id)) {
            None => Ok(()),
            Some(child) => {
                let refused = Term::tuple_of([Term::atom(atoms::DUPLICATE_CHILD_NAME), child.id.clone()]);
                Err(Term::tuple_of([Term::atom(atoms::START_SPEC), refused]))
            }
        }
    }
}
