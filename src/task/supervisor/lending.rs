//! A task that waits for tasks of its own supervisor, which may be waiting for the very place that it holds.
//!
//! While it waits they have its place: the first of them that has not begun does, beside nobody but those who run
//! anyway, and when it has ended the next. So no more run than may, and a task that waits for what it has queued does not
//! wait for ever. Who only looks again from time to time (`yield`) has its place back meanwhile, beside the one that runs in it.
//!
//! Of a task that lends its place the supervisor knows to whom; a place that was lent is given back, or kept by the one
//! who has it if its owner has gone. `running` counts places.
//!
//! The supervisor is told of each task once, however often it is waited for (a stream waits for each of its results),
//! and looks at each once: what has begun has begun for good. A wait may lie within another, of a stream whose caller
//! waits for something else between two results; the outer one pauses meanwhile, and what it wanted is kept.

use super::{Child, TaskSupervisor, begin};
use crate::process::{self, Message, Process};
use crate::term::{Pid, Ref, atoms};
use std::collections::VecDeque;

/// From a task, about one of its waits.
pub(super) struct Lend {
    from: Pid,
    wait: Ref,
    now: Now,
}

enum Now {
    /// It waits, also for these.
    Waits(Vec<Pid>),
    /// It does something else, and will go on waiting.
    Pauses,
    Over,
}

/// What a task does with its place.
#[derive(Default)]
pub(super) struct Lending {
    /// Whom each of its waits may still have begin, the innermost last.
    wanted: Vec<(Ref, VecDeque<Pid>)>,
    /// In which it is.
    waits: Option<Ref>,
    /// Who has begun in its place.
    to: Option<Pid>,
    /// In whose place it has begun itself.
    from: Option<Pid>,
}

impl Lending {
    fn wanted(&mut self, wait: Ref) -> &mut VecDeque<Pid> {
        let place = self.wanted.iter().rposition(|(other, _)| *other == wait).unwrap_or_else(|| {
            self.wanted.push((wait, VecDeque::new()));
            self.wanted.len() - 1
        });
        &mut self.wanted[place].1
    }

    /// The next one that it waits for, which it is then told of no more.
    fn next(&mut self) -> Option<Pid> {
        self.waits.and_then(|wait| self.wanted(wait).pop_front())
    }
}

/// Waits for tasks of the supervisor that the caller is itself a task of.
pub struct Wait {
    me: Pid,
    supervisor: Pid,
    id: Ref,
    /// Whom the supervisor has not been told of.
    fresh: Vec<Pid>,
    /// It has been told something.
    is_known: bool,
}

/// The caller waits; it does something else once this is dropped.
pub struct Waiting<'a>(&'a Wait);

impl Wait {
    /// For the tasks of [`Wait::add`]; none: the caller is no such task.
    pub fn new(me: &Process) -> Option<Wait> {
        let supervisor = me.parent();
        let is_task = me.kind() == atoms::TASK
            && process::with_process(supervisor, Process::kind) == Some(atoms::TASK_SUPERVISOR);
        is_task.then(|| Wait { me: me.pid(), supervisor, id: Ref::fresh(), fresh: Vec::new(), is_known: false })
    }

    /// Has it wait for this one too, if that is of the same supervisor.
    pub fn add(&mut self, task: Pid) {
        if process::with_process(task, Process::parent) == Some(self.supervisor) {
            self.fresh.push(task);
        }
    }

    /// Begins to wait; none: there is nobody who could have its place.
    pub fn begin(&mut self) -> Option<Waiting<'_>> {
        self.tell_fresh().then_some(Waiting(self))
    }

    /// A wait for these tasks alone, which has begun and is over once it is dropped.
    pub fn once(me: &Process, tasks: impl Iterator<Item = Pid>) -> Option<Wait> {
        let mut wait = Wait::new(me)?;
        tasks.for_each(|task| wait.add(task));
        wait.tell_fresh().then_some(wait)
    }

    fn tell_fresh(&mut self) -> bool {
        if self.fresh.is_empty() && !self.is_known {
            return false;
        }
        self.is_known = true;
        let fresh = std::mem::take(&mut self.fresh);
        self.tell(Now::Waits(fresh));
        true
    }

    fn tell(&self, now: Now) {
        let request = Box::new(Lend { from: self.me, wait: self.id, now });
        let _ = Process::post(self.supervisor, Message::Native { request, reply: None });
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.tell(Now::Pauses);
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if self.is_known {
            self.tell(Now::Over);
        }
    }
}

impl TaskSupervisor {
    pub(super) fn lend(&mut self, Lend { from, wait, now }: Lend) {
        let Some(child) = self.children.get_mut(&from).filter(|child| child.has_begun) else { return };
        let lending = &mut child.lending;
        lending.waits = None;
        match now {
            Now::Waits(fresh) => {
                lending.wanted(wait).extend(fresh);
                lending.waits = Some(wait);
                self.pass_on(from);
            }
            Now::Pauses => {}
            Now::Over => lending.wanted.retain(|(other, _)| *other != wait),
        }
    }

    /// Has the next one begin that a task waits for, if that holds its place itself.
    fn pass_on(&mut self, from: Pid) {
        if self.ending.is_some() || self.sys.suspended {
            return;
        }
        loop {
            let lender = self.children.get_mut(&from).filter(|lender| lender.lending.to.is_none());
            let Some(to) = lender.and_then(|lender| lender.lending.next()) else { return };
            let Some(child) = self.children.get_mut(&to).filter(|child| !child.has_begun) else { continue };
            child.has_begun = true;
            child.lending.from = Some(from);
            self.waiting.remove(&child.place);
            begin(to, child.owed);
            if let Some(lender) = self.children.get_mut(&from) {
                lender.lending.to = Some(to);
            }
            return;
        }
    }

    /// After a suspension: has those begin that could not meanwhile.
    pub(super) fn pass_all_on(&mut self) {
        let waits = |(&pid, child): (&Pid, &Child)| child.lending.waits.is_some().then_some(pid);
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
