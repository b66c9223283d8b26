//! A task that waits for tasks of its own supervisor, which may be waiting for the very place that it holds.
//!
//! While it waits they have its place: the first of them that has not begun does, beside nobody but those who run
//! anyway, and when it has ended the next. So no more run than may, and a task that waits for what it has queued does not
//! wait for ever. Who only looks again from time to time (`yield`) has its place back meanwhile, beside the one that runs in it.
//!
//! Of a task that lends its place the supervisor knows to whom; a place that was lent is given back, or kept by the one
//! who has it if its owner has gone. `running` counts places.

use super::{Child, TaskSupervisor, begin};
use crate::process::{self, Message, Process};
use crate::term::{Pid, atoms};

/// From one that waits for these tasks, or waits no more.
pub(super) struct Lend {
    from: Pid,
    to: Vec<Pid>,
}

/// What a task does with its place.
#[derive(Default)]
pub(super) struct Lending {
    /// Whom it waits for.
    wanted: Vec<Pid>,
    /// Who has begun in its place.
    to: Option<Pid>,
    /// In whose place it has begun itself.
    from: Option<Pid>,
}

/// A wait for tasks of the supervisor that the caller is itself a task of.
pub struct Wait {
    me: Pid,
    supervisor: Pid,
}

impl Wait {
    /// Begins one; none: it is none of that kind.
    pub fn begin(me: &Process, tasks: impl Iterator<Item = Pid>) -> Option<Wait> {
        let supervisor = me.parent();
        if me.kind() != atoms::TASK || process::with_process(supervisor, Process::kind) != Some(atoms::TASK_SUPERVISOR)
        {
            return None;
        }
        let is_sibling = |task: &Pid| process::with_process(*task, Process::parent) == Some(supervisor);
        let to: Vec<Pid> = tasks.filter(is_sibling).collect();
        if to.is_empty() {
            return None;
        }
        let wait = Wait { me: me.pid(), supervisor };
        wait.tell(to);
        Some(wait)
    }

    fn tell(&self, to: Vec<Pid>) {
        let request = Box::new(Lend { from: self.me, to });
        let _ = Process::post(self.supervisor, Message::Native { request, reply: None });
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.tell(Vec::new());
    }
}

impl TaskSupervisor {
    pub(super) fn lend(&mut self, Lend { from, to }: Lend) {
        if let Some(child) = self.children.get_mut(&from).filter(|child| child.has_begun) {
            child.lending.wanted = to;
            self.pass_on(from);
        }
    }

    /// Has the next one begin that a task waits for, if that holds its place itself.
    fn pass_on(&mut self, from: Pid) {
        let Some(lender) = self.children.get(&from).filter(|lender| lender.lending.to.is_none()) else { return };
        if self.ending.is_some() || self.sys.suspended {
            return;
        }
        let has_not_begun = |pid: &&Pid| self.children.get(*pid).is_some_and(|child| !child.has_begun);
        let Some(&to) = lender.lending.wanted.iter().find(has_not_begun) else { return };
        let Some(child) = self.children.get_mut(&to) else { return };
        child.has_begun = true;
        child.lending.from = Some(from);
        self.waiting.remove(&child.place);
        begin(to, child.owed);
        if let Some(lender) = self.children.get_mut(&from) {
            lender.lending.to = Some(to);
        }
    }

    /// After a suspension: has those begin that could not meanwhile.
    pub(super) fn pass_all_on(&mut self) {
        let waits = |(&pid, child): (&Pid, &Child)| (!child.lending.wanted.is_empty()).then_some(pid);
        let lenders: Vec<Pid> = self.children.iter().filter_map(waits).collect();
        lenders.into_iter().for_each(|lender| self.pass_on(lender));
    }

    /// One that had begun is gone; whether its place is free.
    pub(super) fn gives_back(&mut self, lending: &Lending) -> bool {
        if let Some(heir) = lending.to.and_then(|to| self.children.get_mut(&to)) {
            // It goes on in a place of its own, or in that of the one before.
            heir.lending.from = lending.from;
            if let Some(lender) = lending.from.and_then(|from| self.children.get_mut(&from)) {
                lender.lending.to = lending.to;
            }
            return false;
        }
        match lending.from.filter(|from| self.children.contains_key(from)) {
            Some(from) => {
                if let Some(lender) = self.children.get_mut(&from) {
                    lender.lending.to = None;
                }
                self.pass_on(from);
                false
            }
            None => true,
        }
    }
}
