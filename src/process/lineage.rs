//! Whom a process descends from: its parent, that one's, and so on, as it was when it started.
//!
//! OTP keeps this as `$ancestors` in each process. Here it is a list that all children of one parent share, so that it
//! costs a process the pointer that leads to its parent, and outlives whoever is on it.

use super::callers::Callers;
use super::control::Process;
use super::holdings::Inner;
use super::names::Name;
use super::spare;
use crate::sync::MutexGuard;
use crate::term::{Pid, Term};
use std::sync::Arc;

/// Ancestors that are shown. A family may go on for ever, each of them starting the next.
const SHOWN: usize = 64;
/// Ancestors that are kept at most: now and then a list is cut to what is shown, by a copy.
const KEPT: usize = 2 * SHOWN;

/// One ancestor, and those before it.
pub(super) struct Lineage {
    pid: Pid,
    /// What it was registered as when it started this branch of the family.
    name: Option<Name>,
    /// How many there are, with this one.
    count: usize,
    before: Option<Arc<Lineage>>,
    /// On whose behalf those of its children run that run on its own; none: there was none of them.
    callers: Option<Arc<Callers>>,
}

impl Lineage {
    fn new(pid: Pid, name: Option<Name>, before: Option<Arc<Lineage>>) -> Arc<Lineage> {
        let count = before.as_ref().map_or(0, |before| before.count) + 1;
        if count <= KEPT {
            return Arc::new(Lineage { pid, name, count, before, callers: None });
        }
        let kept: Vec<&Lineage> = each(before.as_ref()).take(SHOWN).collect();
        let cut = |before, ancestor: &&Lineage| Some(Lineage::new(ancestor.pid, ancestor.name.clone(), before));
        Lineage::new(pid, name, kept.iter().rev().fold(None, cut))
    }

    /// What the children of one share that is not to be found any more.
    pub fn of_nobody(parent: Pid) -> Arc<Lineage> {
        Lineage::new(parent, None, None)
    }

    /// The parent.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    pub fn callers(&self) -> Option<&Arc<Callers>> {
        self.callers.as_ref()
    }
}

/// What the children of `parent` share. `for_parent`: those that run on its behalf, too.
pub(super) fn of_children(parent: &Process, mut inner: MutexGuard<'_, Inner>, for_parent: bool) -> Arc<Lineage> {
    let is_current = |lineage: &Arc<Lineage>| {
        let is_called_so = match (&lineage.name, &inner.name) {
            (Some(then), Some(now)) => then.is(now),
            (then, now) => then.is_none() && now.is_none(),
        };
        is_called_so && (!for_parent || lineage.callers.is_some())
    };
    if let Some(lineage) = inner.ties.as_ref().and_then(|ties| ties.lineage.as_ref()).filter(|known| is_current(known))
    {
        return spare::count_lineage(lineage);
    }
    let mut lineage = Lineage::new(parent.pid(), inner.name.clone(), parent.place.lineage.clone());
    if for_parent && let Some(lineage) = Arc::get_mut(&mut lineage) {
        lineage.callers = Some(Callers::new(parent.pid(), parent.callers()));
    }
    let old = inner.ties().lineage.replace(lineage.clone());
    drop(inner);
    // Perhaps the last owner of a name.
    drop(old);
    lineage
}

fn each(lineage: Option<&Arc<Lineage>>) -> impl Iterator<Item = &Lineage> {
    std::iter::successors(lineage.map(Arc::as_ref), |lineage| lineage.before.as_deref())
}

impl Process {
    /// Who started it as a child or linked; `Pid::NONE` for nobody.
    pub fn parent(&self) -> Pid {
        self.place.lineage.as_ref().map_or(Pid::NONE, |lineage| lineage.pid())
    }

    /// Whether an exit signal of `from` is an order to end, also to what traps exits: that of its parent, or, where
    /// there is none, that of its runtime, which sends as nobody once it ends what is outside its tree.
    pub fn obeys(&self, from: Pid) -> bool {
        from == self.parent() && (from != Pid::NONE || self.node().is_stopping())
    }

    /// Parent, grandparent and so on, dead or alive: a name where it had one, else the pid.
    pub fn ancestors(&self) -> Term {
        let shown = each(self.place.lineage.as_ref()).take(SHOWN);
        Term::list(shown.map(|one| one.name.as_ref().map_or(Term::pid(one.pid), |name| name.term())).collect())
    }
}
