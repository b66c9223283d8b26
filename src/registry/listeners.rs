//! Telling listeners what comes and goes.
//!
//! An event is put into the registry's own mailbox while the shard of its key is locked, so the mailbox has the events
//! of a key in the order in which they happened, whoever made them. The registry's process then sends them on, in that
//! order. (Elixir sends from whoever registers, and says nothing of a crash.)
//!
//! Events, as messages: `{register, Registry, Key, Pid, Value}` for each entry, and `{unregister, Registry, Key, Pid}`
//! once `Pid` has no entry left under `Key`, for whatever reason. `Registry` is the registry's name as text, or its pid
//! when it has none. Names of listeners are resolved when an event is sent: one that is being restarted misses it.

use super::book::Hears;
use crate::process::{self, Message, Process};
use crate::term::{Pid, Term, atoms};
use std::sync::Arc;

/// Where the events of one registry go.
pub(super) struct Listeners {
    registry: Pid,
    names: Arc<[Arc<str>]>,
}

/// What happened to an entry.
pub(super) struct Event {
    key: Term,
    pid: Pid,
    /// Registered with that; none: unregistered.
    value: Option<Term>,
    names: Arc<[Arc<str>]>,
}

impl Listeners {
    /// None when nobody listens.
    pub fn new(registry: Pid, names: &[Arc<str>]) -> Option<Listeners> {
        (!names.is_empty()).then(|| Listeners { registry, names: names.into() })
    }

    fn note(&self, key: &Term, pid: Pid, value: Option<Term>) {
        let event = Event { key: key.clone(), pid, value, names: self.names.clone() };
        // Under the part's lock.
        Process::tell(self.registry, Message::Native { request: Box::new(event), reply: None });
    }
}

impl Hears for Listeners {
    fn registered(&self, key: &Term, pid: Pid, value: &Term) {
        self.note(key, pid, Some(value.clone()));
    }

    fn unregistered(&self, key: &Term, pid: Pid) {
        self.note(key, pid, None);
    }
}

impl Event {
    /// As listeners get it.
    pub fn term(&self, registry: &Process) -> Term {
        let home = match registry.name() {
            Some(name) => name.term(),
            None => Term::pid(registry.pid()),
        };
        let (key, pid) = (self.key.clone(), Term::pid(self.pid));
        match &self.value {
            Some(value) => Term::tuple_of([Term::atom(atoms::REGISTER), home, key, pid, value.clone()]),
            None => Term::tuple_of([Term::atom(atoms::UNREGISTER), home, key, pid]),
        }
    }

    /// Sends it on, as the registry's process.
    pub fn announce(self, registry: &Process) {
        let message = self.term(registry);
        for name in self.names.iter() {
            if let Some(listener) = process::whereis(registry.node(), &**name) {
                process::tell(listener, message.clone());
            }
        }
    }
}
