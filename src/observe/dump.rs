//! A tree that was looked at, and as a term.

use crate::process::Snapshot;
use crate::supervisor::Observed;
use crate::term::{Pid, Term, atoms};

/// One child of a tree, or its top.
pub struct Branch {
    /// None for a child that does not run.
    pub pid: Option<Pid>,
    /// None when it is dead, or does not run.
    pub snapshot: Option<Snapshot>,
    /// As its supervisor knows it; none for one that only its links show, and for the top.
    pub child: Option<Observed>,
    /// Of a supervisor: whether it told of its children in time.
    pub answered: Option<bool>,
    /// Their places in the tree, each behind this one, in the order of their starts as far as it is known.
    pub children: Vec<usize>,
}

impl Branch {
    /// `waiting`, `runnable`, `running`, `parked`, `starting`, `exiting`, `dead`; of a child that does not run
    /// `stopped`, `restarting` or `given_up`: what which_children calls `parked`, the word for a process that waits
    /// here.
    pub fn status(&self) -> &'static str {
        match (&self.snapshot, self.pid, &self.child) {
            (Some(snapshot), _, _) => snapshot.status,
            (None, Some(_), _) => "dead",
            (None, None, Some(child)) if child.down.is_atom(atoms::RESTARTING) || child.next_at_ms().is_some() => {
                "restarting"
            }
            (None, None, Some(child)) if child.down.is_atom(atoms::PARKED) => "given_up",
            _ => "stopped",
        }
    }

    /// What it is, as an atom.
    pub fn kind(&self) -> Term {
        let kind = self.snapshot.as_ref().map(|snapshot| snapshot.kind);
        kind.or(self.child.as_ref().map(|child| child.kind)).map_or(undefined(), Term::atom)
    }
}

fn undefined() -> Term {
    Term::atom(atoms::UNDEFINED)
}

/// A tree. The first branch is the top.
pub struct Tree {
    branches: Vec<Branch>,
}

/// A step of a visit from the top down.
pub(super) enum Step {
    /// A branch, how deep it is, and whether it is the first of its parent's.
    Enter(usize, usize, bool),
    /// All its children were visited.
    Leave(usize),
}

impl Tree {
    pub(super) fn new(branches: Vec<Branch>) -> Tree {
        Tree { branches }
    }

    /// All branches; those that an answer left out are in no other's children.
    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }

    /// Visits each branch, its children after it.
    pub(super) fn visit(&self, mut step: impl FnMut(Step, &Branch)) {
        let mut open = vec![Step::Enter(0, 0, true)];
        while let Some(next) = open.pop() {
            match next {
                Step::Enter(place, depth, _) => {
                    let branch = &self.branches[place];
                    step(next, branch);
                    open.push(Step::Leave(place));
                    let below = branch.children.iter().enumerate().rev();
                    open.extend(below.map(|(at, &child)| Step::Enter(child, depth + 1, at == 0)));
                }
                Step::Leave(place) => step(next, &self.branches[place]),
            }
        }
    }

    /// As nested maps: `#{id, pid, kind, name, label, status, behind, message_queue_len, links, monitors, monitored_by,
    /// restarts, next_at_ms, answered, children}`; `undefined` for what is not known.
    pub fn term(&self) -> Term {
        // Children stand behind their parents.
        let mut made: Vec<Option<Term>> = Vec::new();
        made.resize_with(self.branches.len(), || None);
        for (place, branch) in self.branches.iter().enumerate().rev() {
            let children = branch.children.iter().filter_map(|&child| made[child].take()).collect();
            made[place] = Some(map(branch, children));
        }
        made.first_mut().and_then(Option::take).unwrap_or_default()
    }
}

fn map(branch: &Branch, children: Vec<Term>) -> Term {
    let (snapshot, child) = (branch.snapshot.as_ref(), branch.child.as_ref());
    let count = |count: Option<usize>| count.map_or(undefined(), |count| Term::int(count as i64));
    let name = snapshot.and_then(|snapshot| snapshot.name.as_ref());
    let label = snapshot.and_then(|snapshot| snapshot.label.clone());
    let pairs = [
        ("id", child.map_or(undefined(), |child| child.id.clone())),
        ("pid", branch.pid.map_or(undefined(), Term::pid)),
        ("kind", branch.kind()),
        ("name", name.map_or(undefined(), |name| name.term())),
        ("label", label.unwrap_or(undefined())),
        ("status", Term::atom_named(branch.status())),
        ("behind", snapshot.and_then(|snapshot| snapshot.behind).map_or(undefined(), Term::pid)),
        ("message_queue_len", count(snapshot.map(|snapshot| snapshot.mailbox_length))),
        ("links", count(snapshot.map(|snapshot| snapshot.links))),
        ("monitors", count(snapshot.map(|snapshot| snapshot.monitors))),
        ("monitored_by", count(snapshot.map(|snapshot| snapshot.monitored_by))),
        ("restarts", count(child.map(|child| child.restarts as usize))),
        ("next_at_ms", child.and_then(Observed::next_at_ms).map_or(undefined(), Term::int)),
        ("answered", branch.answered.map_or(undefined(), Term::bool)),
        ("children", Term::list(children)),
    ];
    Term::map(pairs.into_iter().map(|(key, value)| (Term::atom_named(key), value)).collect())
}
