//! A task for each item of a source, so many at a time.
//!
//! All of it runs in the caller, which owns the tasks. The source is asked for the next item only when a task may be
//! started for it. The caller hears of no task but by its result: what a task's end left in the mailbox is taken out.
//!
//! While the caller is in the source, or with a result, nobody looks after the tasks. So each notes when it was done:
//! one that was late counts as late, though its value lies in the mailbox by then.

use super::{Done, Task, TaskSpec, me, start_awaited, supervisor, wait};
use crate::process::{self, Awaiting, Error, Given, IdHash, Process, Received};
use crate::sync::{Arc, AtomicU64, Ordering, inside};
use crate::term::{Pid, Ref, Term, atoms};
use hashbrown::{HashMap, HashSet};
use std::collections::VecDeque;

/// What an item's time running out means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnTimeout {
    /// The stream ends, with an error.
    Exit,
    /// That task is killed; its result is the exit `timeout`.
    KillTask,
}

/// Who the tasks are children of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Nobody's; linked with the caller.
    Caller,
    Supervisor {
        supervisor: Pid,
        linked: bool,
    },
}

pub struct StreamSpec {
    /// Its argument is the item.
    pub task: TaskSpec,
    pub place: Place,
    /// At least 1.
    pub max_concurrency: usize,
    /// Results come in the order of the items; else as they are ready.
    pub ordered: bool,
    /// Of each task, in milliseconds; none: for ever.
    pub timeout: Option<u32>,
    pub on_timeout: OnTimeout,
}

struct Running {
    task: Task,
    index: u64,
    /// When it has to be done.
    deadline: Option<u64>,
    /// When it was, if that does not come with its value.
    done: Option<Arc<AtomicU64>>,
}

impl Running {
    /// `at`: as its value says.
    fn was_late(&self, at: u64) -> bool {
        let done = || self.done.as_ref().map_or(at, |done| done.load(Ordering::Acquire));
        self.deadline.is_some_and(|deadline| done() > deadline)
    }
}

/// Results that came before others that go first.
#[derive(Default)]
struct Ready {
    /// How many were given on.
    given: u64,
    results: VecDeque<Option<Result<Term, Term>>>,
}

impl Ready {
    /// `index`: its place; none: it has none, and is next.
    fn add(&mut self, index: Option<u64>, result: Result<Term, Term>) {
        let Some(index) = index else { return self.results.push_back(Some(result)) };
        let at = (index - self.given) as usize;
        while self.results.len() <= at {
            self.results.push_back(None);
        }
        self.results[at] = Some(result);
    }

    /// The next one, if it is here.
    fn next(&mut self) -> Option<Result<Term, Term>> {
        let result = self.results.front_mut()?.take()?;
        self.results.pop_front();
        self.given += 1;
        Some(result)
    }
}

/// Whose end a message tells that was linked.
fn exit_of(message: &Term) -> Option<Pid> {
    match message.as_tuple()? {
        [tag, pid, _] if tag.is_atom(atoms::EXIT) => pid.as_pid(),
        _ => None,
    }
}

/// The tasks under way; ended with the stream, however that ends.
struct Crowd<'a> {
    me: &'a Process,
    /// The tasks are linked with it.
    linked: bool,
    running: HashMap<Ref, Running, IdHash>,
    awaiting: Awaiting<'a>,
    /// When each has to be done, the first first: all have the same time.
    deadlines: VecDeque<(u64, Ref)>,
}

impl Crowd<'_> {
    /// Takes what a task that has ended left behind.
    fn tidy(&self, task: Task) {
        // While they are linked no EXIT has come, and the mailbox is not looked through for it.
        if self.linked && !self.me.unlink(task.pid) && self.me.is_trapping() {
            let _ = process::receive(Some(0), |message| exit_of(message) == Some(task.pid));
        }
    }

    /// Ends these tasks, and takes out what they have left.
    fn end(&self, tasks: &[Task]) {
        let mut gone = HashSet::new();
        for task in tasks {
            if self.linked && !self.me.unlink(task.pid) && self.me.is_trapping() {
                gone.insert(task.pid);
            }
            self.me.exit(task.pid, Term::atom(atoms::KILL));
        }
        let is_exit = |message: &Term| !gone.is_empty() && exit_of(message).is_some_and(|pid| gone.contains(&pid));
        wait::forget_all(tasks.iter().map(|task| task.monitor), is_exit);
    }

    fn next_deadline(&mut self) -> Option<u64> {
        while let Some(&(deadline, monitor)) = self.deadlines.front() {
            if self.running.contains_key(&monitor) {
                return Some(deadline);
            }
            self.deadlines.pop_front();
        }
        None
    }
}

impl Drop for Crowd<'_> {
    fn drop(&mut self) {
        let left: Vec<Task> = self.running.values().map(|running| running.task).collect();
        self.end(&left);
    }
}

/// Runs a task for each item that `next` gives, and gives each result to `each`, until that says false. Both run in the
/// caller, and may wait. `Ok(false)`: `each` has ended it. `Timeout`: a task took too long, and `OnTimeout::Exit`. An
/// error of `next` ends the stream.
///
/// `Err` of a result: the task ended with that reason. One that is linked with a caller that does not trap exits ends
/// the caller too.
pub fn stream(
    spec: &StreamSpec, mut next: impl FnMut() -> Result<Option<Term>, Error>,
    mut each: impl FnMut(Result<Term, Term>) -> bool,
) -> Result<bool, Error> {
    let me = me()?;
    if spec.max_concurrency == 0 {
        return Err(Error::Argument("max_concurrency is at least 1"));
    }
    let linked = !matches!(spec.place, Place::Supervisor { linked: false, .. });
    let awaiting = Awaiting::begin(me);
    let mut crowd = Crowd { me, linked, running: HashMap::default(), awaiting, deadlines: VecDeque::new() };
    let mut ready = Ready::default();
    let (mut started, mut is_dry) = (0u64, false);
    // Once for the whole stream, so that none is looked at again for each result of another.
    let mut lending = supervisor::Wait::new(me);
    loop {
        while !is_dry && crowd.running.len() < spec.max_concurrency {
            let Some(item) = inside::outside(&mut next)? else {
                is_dry = true;
                break;
            };
            let deadline = spec.timeout.map(|ms| me.node().deadline(u64::from(ms)));
            let done = match (deadline, spec.place) {
                (None, _) => Done::Nowhere,
                (Some(deadline), Place::Caller) => Done::WithValue { deadline },
                (Some(_), Place::Supervisor { .. }) => Done::There(Arc::default()),
            };
            let noted = if let Done::There(done) = &done { Some(done.clone()) } else { None };
            let mut task = spec.task.clone();
            (task.argument, task.done) = (item, done);
            let task = match spec.place {
                Place::Caller => start_awaited(task, true)?,
                Place::Supervisor { supervisor, linked } => {
                    let task = supervisor::start_under(supervisor, task, linked)?;
                    crowd.awaiting.add(std::iter::once(task.monitor));
                    task
                }
            };
            if let Some(deadline) = deadline {
                crowd.deadlines.push_back((deadline, task.monitor));
            }
            if let Some(lending) = &mut lending {
                lending.add(task.pid);
            }
            crowd.running.insert(task.monitor, Running { task, index: started, deadline, done: noted });
            started += 1;
        }
        if crowd.running.is_empty() {
            return Ok(true);
        }
        let deadline = crowd.next_deadline();
        let running = &crowd.running;
        let is_ours = |message: &Term| wait::ref_of(message).is_some_and(|monitor| running.contains_key(&monitor));
        let waiting = lending.as_mut().and_then(supervisor::Wait::begin);
        let received = crowd.awaiting.receive(deadline, is_ours);
        drop(waiting);
        let (mut unlinked, mut at) = (false, 0);
        let (monitor, result) = match received {
            Ok(Received::Given(monitor, Given::Value { value, unlinked: is_unlinked, at: done })) => {
                (unlinked, at) = (is_unlinked, done);
                (monitor, Ok(value))
            }
            Ok(Received::Given(monitor, Given::Down(reason))) => (monitor, Err(reason)),
            Ok(Received::Message(message)) => match wait::read(&message) {
                Some((monitor, wait::End::Value(value))) => (monitor, Ok(value)),
                Some((monitor, wait::End::Exit(reason))) => {
                    // Anybody may have sent what looks like it.
                    crowd.awaiting.give_up(std::iter::once(monitor));
                    (monitor, Err(reason))
                }
                None => continue,
            },
            Err(Error::Timeout) => match crowd.deadlines.pop_front() {
                Some((_, monitor)) if spec.on_timeout == OnTimeout::KillTask => {
                    if let Some(late) = crowd.running.get(&monitor) {
                        crowd.end(&[late.task]);
                    }
                    (monitor, Err(Term::atom(atoms::TIMEOUT)))
                }
                _ => return Err(Error::Timeout),
            },
            Err(error) => return Err(error),
        };
        // None: the end of one whose value came as a message, or whose time was over.
        let Some(done) = crowd.running.remove(&monitor) else { continue };
        if !unlinked {
            crowd.tidy(done.task);
        }
        let result = match (done.was_late(at), spec.on_timeout) {
            (false, _) => result,
            (true, OnTimeout::KillTask) => Err(Term::atom(atoms::TIMEOUT)),
            (true, OnTimeout::Exit) => return Err(Error::Timeout),
        };
        ready.add(spec.ordered.then_some(done.index), result);
        while let Some(result) = ready.next() {
            if !inside::outside(|| each(result)) {
                return Ok(false);
            }
        }
    }
}
