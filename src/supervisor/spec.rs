//! What a supervisor is told about its children and about itself.

use super::backoff::Backoff;
use crate::process::{Error, StartSpec};
use crate::server::{self, Context, Next};
use crate::term::{Atom, Term, atoms};
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
    /// Nobody; and all children are instances of one template, started on request.
    SimpleOneForOne,
}

/// Whether a supervisor ends when its significant children have ended by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AutoShutdown {
    /// It does not; and it has no significant children.
    #[default]
    Never,
    /// When the first of them has.
    AnySignificant,
    /// When the last of them has.
    AllSignificant,
}

impl Strategy {
    /// OTP's atom for it.
    pub fn term(self) -> Term {
        Term::atom_named(match self {
            Strategy::OneForOne => "one_for_one",
            Strategy::OneForAll => "one_for_all",
            Strategy::RestForOne => "rest_for_one",
            Strategy::SimpleOneForOne => "simple_one_for_one",
        })
    }
}

/// A worker's shutdown time if nothing else is said (OTP: `supervisor`, child specification).
pub const SHUTDOWN_MS: u32 = 5_000;

const NO_ARGUMENT: &str =
    "servers and tasks take an argument, and supervisors and agents that have an init: others would get it nowhere";

/// How to start a child, and what to do when it ends.
#[derive(Clone)]
pub struct ChildSpec {
    /// What it goes by; unique under its supervisor. Compared as `=:=` does.
    pub id: Term,
    pub start: StartSpec,
    pub restart: Restart,
    pub shutdown: Shutdown,
    pub is_supervisor: bool,
    /// Its end may end the supervisor: see [`AutoShutdown`].
    pub significant: bool,
    /// When it is started again, and how often; none: at once, and as its supervisor says.
    pub backoff: Option<Arc<Backoff>>,
}

impl ChildSpec {
    /// One with OTP's defaults: permanent, and five seconds to shut down, or all the time for a supervisor. A task is
    /// temporary.
    pub fn new(id: Term, start: StartSpec) -> ChildSpec {
        let is_supervisor = is_supervisor_kind(start.what.kind());
        let shutdown = if is_supervisor { Shutdown::Infinity } else { Shutdown::Ms(SHUTDOWN_MS) };
        // Elixir: `Task.child_spec/1`.
        let is_task = start.what.kind() == atoms::TASK;
        let restart = if is_task { Restart::Temporary } else { Restart::default() };
        ChildSpec { id, start, restart, shutdown, is_supervisor, significant: false, backoff: None }
    }

    /// Whether a supervisor with that shutdown of its own may have it; else OTP's reason (`validSignificant`).
    pub fn check(&self, auto_shutdown: AutoShutdown) -> Result<(), Term> {
        let pair = |key, value| Term::tuple_of([Term::atom(key), value]);
        let clash = match (self.significant, auto_shutdown, self.restart) {
            (false, ..) => return Ok(()),
            (true, AutoShutdown::Never, _) => pair(atoms::AUTO_SHUTDOWN, Term::atom(atoms::NEVER)),
            (true, _, Restart::Permanent) => pair(atoms::RESTART, Term::atom(atoms::PERMANENT)),
            (true, ..) => return Ok(()),
        };
        let both = Term::list(vec![clash, pair(atoms::SIGNIFICANT, Term::bool(true))]);
        Err(Term::tuple_of([Term::atom(atoms::BAD_COMBINATION), both]))
    }

    /// The child that a template makes with one more argument; `[]`: without.
    pub fn instance(&self, extra: &Term) -> Result<ChildSpec, Error> {
        let mut spec = self.clone();
        if !extra.is_nil() {
            let what = spec.start.what.with_argument(extra);
            spec.start.what = what.ok_or(Error::Argument(NO_ARGUMENT))?;
        }
        Ok(spec)
    }

    /// `worker` or `supervisor`.
    pub fn type_term(&self) -> Term {
        Term::atom(if self.is_supervisor { atoms::SUPERVISOR } else { atoms::WORKER })
    }

    /// `#{id, restart, shutdown, significant, type, kind}`.
    pub fn term(&self) -> Term {
        let entry = |key, value| (Term::atom(key), value);
        Term::map(vec![
            entry(atoms::ID, self.id.clone()),
            entry(atoms::RESTART, self.restart.term()),
            entry(atoms::SHUTDOWN, self.shutdown.term()),
            entry(atoms::SIGNIFICANT, Term::bool(self.significant)),
            entry(atoms::TYPE, self.type_term()),
            entry(atoms::KIND, Term::atom(self.start.what.kind())),
        ])
    }
}

/// Whether processes of that kind are supervisors in their parent's eyes.
pub fn is_supervisor_kind(kind: Atom) -> bool {
    matches!(kind, atoms::SUPERVISOR | atoms::DYNAMIC_SUPERVISOR | atoms::PARTITION_SUPERVISOR | atoms::TASK_SUPERVISOR)
}

impl Restart {
    /// Whether an end with that reason is followed by a restart. Rule: OTP's `do_restart`.
    pub fn follows(self, reason: &Term) -> bool {
        match self {
            Restart::Permanent => true,
            Restart::Transient => !server::is_orderly(reason),
            Restart::Temporary => false,
        }
    }

    pub fn term(self) -> Term {
        Term::atom(match self {
            Restart::Permanent => atoms::PERMANENT,
            Restart::Transient => atoms::TRANSIENT,
            Restart::Temporary => atoms::TEMPORARY,
        })
    }
}

impl Shutdown {
    /// What the child is told, and how long it has before it is killed; none: for ever.
    pub fn parts(self) -> (Atom, Option<u32>) {
        match self {
            Shutdown::BrutalKill => (atoms::KILL, None),
            Shutdown::Ms(ms) => (atoms::SHUTDOWN, Some(ms)),
            Shutdown::Infinity => (atoms::SHUTDOWN, None),
        }
    }

    pub fn term(self) -> Term {
        match self {
            Shutdown::BrutalKill => Term::atom(atoms::BRUTAL_KILL),
            Shutdown::Ms(ms) => Term::int(i64::from(ms)),
            Shutdown::Infinity => Term::atom(atoms::INFINITY),
        }
    }
}

/// User code that runs in the supervisor before its children are started, at each start; it may wait. It gets the
/// argument, and, but for a dynamic supervisor's, the children, to add to them.
pub type InitHook = dyn Fn(&mut Context, &Term, Option<&mut Vec<ChildSpec>>) -> Next + Send + Sync;

/// A supervisor and the children it starts with.
#[derive(Clone)]
pub struct SupervisorSpec {
    pub strategy: Strategy,
    /// So many restarts ...
    pub max_restarts: u32,
    /// ... within so many milliseconds are allowed; one more ends the supervisor.
    pub period_ms: u32,
    /// Started in this order, stopped in the other. With `SimpleOneForOne` it is one: the template.
    pub children: Vec<ChildSpec>,
    pub auto_shutdown: AutoShutdown,
    /// Children that are started together are so all at once; the next step waits for all of them.
    pub parallel_start: bool,
    pub init: Option<Arc<InitHook>>,
    /// For `init`.
    pub arg: Term,
}

impl Default for SupervisorSpec {
    /// No children; three restarts within five seconds.
    fn default() -> SupervisorSpec {
        SupervisorSpec {
            strategy: Strategy::default(),
            max_restarts: 3,
            period_ms: 5_000,
            children: Vec::new(),
            auto_shutdown: AutoShutdown::default(),
            parallel_start: false,
            init: None,
            arg: Term::nil(),
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
        if self.strategy == Strategy::SimpleOneForOne && self.children.len() != 1 {
            let ids = self.children.iter().map(|child| child.id.clone()).collect();
            return Err(Term::tuple_of([Term::atom_named("bad_start_spec"), Term::list(ids)]));
        }
        let mut ids = HashSet::with_capacity(self.children.len());
        for child in &self.children {
            let refused = match child.check(self.auto_shutdown) {
                Err(refused) => refused,
                Ok(()) if ids.insert(&child.id) => continue,
                Ok(()) => Term::tuple_of([Term::atom(atoms::DUPLICATE_CHILD_NAME), child.id.clone()]),
            };
            return Err(Term::tuple_of([Term::atom(atoms::START_SPEC), refused]));
        }
        Ok(())
    }
}

/// A supervisor that starts empty, and is given children of any kind while it runs.
#[derive(Clone)]
pub struct DynamicSpec {
    /// As in [`SupervisorSpec`].
    pub max_restarts: u32,
    pub period_ms: u32,
    /// So many children at once; none: any number. Those that are just being started or restarted count.
    pub max_children: Option<u32>,
    /// No two children have the same id.
    pub unique_ids: bool,
    pub init: Option<Arc<InitHook>>,
    /// For `init`.
    pub arg: Term,
}

impl Default for DynamicSpec {
    /// Any number of children; three restarts within five seconds.
    fn default() -> DynamicSpec {
        DynamicSpec {
            max_restarts: 3,
            period_ms: 5_000,
            max_children: None,
            unique_ids: false,
            init: None,
            arg: Term::nil(),
        }
    }
}
