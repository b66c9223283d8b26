//! Events: who asked for it is told what becomes of the children, one message for each change, in order.
//!
//! A message is `{child, Ref, Supervisor, Event}`; `Event` is a map with the key `event`:
//!
//! | event | when | other keys |
//! | --- | --- | --- |
//! | `started` | a child has come up that had not failed | `id`, `pid` |
//! | `restarted` | a child that had failed has come up again | `id`, `pid`, `old`, `reason`, `count` |
//! | `terminated` | a child that was up has ended, by itself or because it was stopped | `id`, `pid`, `reason` |
//! | `parked` | it failed too often, and stays down | `id`, `old`, `reason`, `count` |
//! | `limit` | it failed too often, and its supervisor ends | `id`, `old`, `reason`, `count` |
//!
//! Nothing is told before somebody asks. A subscription ends with the supervisor or with the subscriber.

use crate::process::{self, Process};
use crate::term::{Atom, Pid, Ref, Term, atoms};

/// A child, as far as it is told of.
pub struct Shown<'a> {
    /// None: `undefined`.
    pub id: Option<&'a Term>,
    /// The pid that it has, or had; `Pid::NONE` if it never did.
    pub pid: Pid,
    /// How often it was to be restarted.
    pub restarts: u64,
}

impl Shown<'_> {
    pub(super) fn id(&self) -> Term {
        self.id.cloned().unwrap_or(Term::atom(atoms::UNDEFINED))
    }
}

struct Subscriber {
    pid: Pid,
    /// What its messages carry; also the monitor that tells of its end.
    reference: Ref,
}

#[derive(Default)]
pub struct Events(Vec<Subscriber>);

/// Why a child is down that is to come up again.
pub struct Failed {
    /// The pid that it had, or `Pid::NONE`.
    pub old: Pid,
    pub reason: Term,
}

impl Events {
    /// From now on `pid` is told.
    pub fn subscribe(&mut self, me: &Process, pid: Pid) -> Ref {
        let reference = me.monitor(pid);
        self.0.push(Subscriber { pid, reference });
        reference
    }

    /// False: there is no such subscription.
    pub fn unsubscribe(&mut self, me: &Process, reference: Ref) -> bool {
        let known = self.forget(reference);
        if known {
            me.demonitor(reference);
        }
        known
    }

    /// A DOWN has come; whether it was a subscriber's.
    pub fn forget(&mut self, monitor: Ref) -> bool {
        let before = self.0.len();
        self.0.retain(|subscriber| subscriber.reference != monitor);
        self.0.len() < before
    }

    /// A child has come up; it had failed before, or not.
    pub fn came_up(&self, me: &Process, child: &Shown, failed: Option<Failed>) {
        let pid = (atoms::PID, Term::pid(child.pid));
        match failed {
            None => self.tell(me, "started", child, || vec![pid]),
            Some(failed) => self.tell(me, "restarted", child, || [vec![pid], failed.entries(child)].concat()),
        }
    }

    /// A child that was up has ended.
    pub fn ended(&self, me: &Process, child: &Shown, reason: &Term) {
        self.tell(me, "terminated", child, || {
            vec![(atoms::PID, Term::pid(child.pid)), (atoms::REASON, reason.clone())]
        });
    }

    /// A child stays down.
    pub fn gave_up(&self, me: &Process, child: &Shown, parked: bool, failed: &Failed) {
        self.tell(me, if parked { "parked" } else { "limit" }, child, || failed.entries(child));
    }

    fn tell(&self, me: &Process, event: &str, child: &Shown, more: impl FnOnce() -> Vec<(Atom, Term)>) {
        if self.0.is_empty() {
            return;
        }
        let first = [(atoms::ID, child.id()), (atoms::EVENT, Term::atom_named(event))];
        let entries = first.into_iter().chain(more()).map(|(key, value)| (Term::atom(key), value));
        let event = Term::map(entries.collect());
        for subscriber in &self.0 {
            let reference = Term::reference(subscriber.reference);
            let message = [Term::atom(atoms::CHILD), reference, Term::pid(me.pid()), event.clone()];
            process::tell(subscriber.pid, Term::tuple_of(message));
        }
    }
}

impl Failed {
    fn entries(&self, child: &Shown) -> Vec<(Atom, Term)> {
        let old = if self.old == Pid::NONE { Term::atom(atoms::UNDEFINED) } else { Term::pid(self.old) };
        let count = Term::int(child.restarts as i64);
        vec![(atoms::OLD, old), (atoms::REASON, self.reason.clone()), (atoms::COUNT, count)]
    }
}
