//! Where a job begins that may wait for as long as it lives: a stack stays on the thread that it began on.
//!
//! A server waits without a stack, and each of its messages may be handled on another worker. A plain process or a task
//! waits in the middle of its function, and from then on only one worker can run it. Those that are started one after
//! the other while little else goes on would all begin on the one worker that is awake, wait there, and stay: of 400
//! that waited for a message 399 were on one of two workers. So who starts such a job looks how many wait where:
//!
//! * *a worker* that has [`AHEAD`] more stacks than the next in turn *assigns* the job to that one. Should it not have
//!   stayed, that one was woken in vain: then this one assigns ever fewer.
//! * *another thread*, which has to wake somebody as a rule, looks at all workers, and assigns it to the one that has
//!   the fewest, where some other has so many more.
//!
//! Only to one that runs nothing: behind whoever is at work it would wait while others sleep. Those at work have their
//! queues shared anyway. And fewer stay together: processes that talk to each other are better off on one thread, where
//! a message wakes nobody, and two or three of them are more likely to talk than to work side by side.
//!
//! **What is assigned** lies in a queue of its worker's. Who assigns adds it there and then wakes the worker; that looks
//! into the queue when it has set its idle bit (`scheduler`, *sleeping*). Others take from it only while somebody is
//! held up, whoever that is: it may be this one, by what it took up at that very moment. It is assigned to workers that
//! are wanted, and not to spares, which end: so a queue has its owner until the scheduler stops.

use super::worker::{Local, Worker, with_local};
use super::{Runnable, Scheduler, take_from};
use crate::sync::seldom::Seldom;
use crate::sync::{Ordering, fence};
use crossbeam::deque::Injector;
use std::cell::Cell;

/// So many more stacks must wait here than there.
const AHEAD: usize = 2;

/// What was assigned to a worker.
#[derive(Default)]
pub(super) struct Assigned(Injector<Runnable>);

impl Assigned {
    /// From any thread.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As of about now.
    fn len(&self) -> usize {
        self.0.len()
    }

    /// For its owner; and for others while somebody is held up.
    pub fn take(&self) -> Option<Runnable> {
        take_from(&self.0)
    }
}

/// What a worker has seen of those that it assigned to others.
#[derive(Default)]
pub(super) struct Experience {
    /// Whose turn it is.
    next: Cell<usize>,
    /// To whom it assigned the last one, and how many waited there before.
    last: Cell<Option<(usize, usize)>>,
    /// Whether those stay.
    assigning: Seldom,
}

impl Scheduler {
    /// Runs `job` soon, as [`Scheduler::schedule`] does: one that begins, and may wait for as long as it lives.
    pub fn begin(&self, job: Runnable) {
        match self.elsewhere() {
            Some(worker) => self.assign(worker, job),
            None => self.schedule(job),
        }
    }

    /// The worker that it had better begin on, if it is another one than would take it anyway.
    fn elsewhere(&self) -> Option<&Worker> {
        if self.wanted < 2 {
            return None;
        }
        with_local(|local| local.takes_from(self).then(|| local.elsewhere(self)))
            .flatten()
            .unwrap_or_else(|| self.behind_all())
    }

    /// The one that has the fewest stacks, if it runs nothing and is far behind another.
    fn behind_all(&self) -> Option<&Worker> {
        let all = || (0..self.wanted).filter_map(|index| self.worker(index)).map(|worker| &**worker);
        let has = |worker: &&Worker| worker.stacks() + worker.assigned.len();
        let most = all().map(|worker| has(&worker)).max()?;
        let fewest = all().filter(|worker| worker.current() == 0).min_by_key(has)?;
        (most >= has(&fewest) + AHEAD).then_some(fewest)
    }

    fn assign(&self, worker: &Worker, job: Runnable) {
        worker.assigned.0.push(job);
        // Partner: the fence between setting the idle bit and the last look, in `worker::sleep`.
        fence(Ordering::SeqCst);
        self.wake(worker.index);
    }
}

impl Local {
    /// The next in turn, if it runs nothing, is far behind this one, and what was assigned before has stayed.
    fn elsewhere<'s>(&self, scheduler: &'s Scheduler) -> Option<&'s Worker> {
        let mine = self.worker.stacks();
        if mine < AHEAD {
            return None;
        }
        let experience = &self.experience;
        if !experience.assigning.is_time() {
            return None;
        }
        let mut next = (experience.next.get() + 1) % scheduler.wanted;
        if next == self.worker.index {
            next = (next + 1) % scheduler.wanted;
        }
        experience.next.set(next);
        let other = scheduler.worker(next)?;
        let (others, coming) = (other.stacks(), other.assigned.len());
        if mine < others + coming + AHEAD || other.current() != 0 {
            return None;
        }
        if coming > 0 {
            // It is on its way to those: one more costs no waking.
            return Some(other);
        }
        let last = experience.last.replace(Some((next, others)));
        if let Some(have_stayed) = last.and_then(|(last, before)| scheduler.worker(last)?.has_more_than(before)) {
            experience.assigning.learn(have_stayed);
        }
        Some(other)
    }
}

impl Worker {
    /// Whether more stacks wait there than `before` what was assigned. None: that has not gone so far yet.
    fn has_more_than(&self, before: usize) -> Option<bool> {
        (self.current() == 0 && self.assigned.is_empty()).then(|| self.stacks() > before)
    }
}
