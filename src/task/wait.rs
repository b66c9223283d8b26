//! What an owner does with its tasks: wait for their values, give them up, end them.
//!
//! All of it looks for the two messages that a task can send, `{Ref, Value}` and the DOWN of the ref, and leaves every
//! other message where it is.

use super::{Task, me, supervisor};
use crate::process::{self, Awaiting, Error, Given, Process, Received};
use crate::supervisor::Shutdown;
use crate::term::{Ref, Term, atoms};
use hashbrown::{HashMap, HashSet};

/// How a task ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    Value(Term),
    Exit(Term),
}

/// The ref that a message is under, if a task sent it.
pub(super) fn ref_of(message: &Term) -> Option<Ref> {
    match message.as_tuple()? {
        [reference, _] => reference.as_reference(),
        [tag, reference, _, _, _] if tag.is_atom(atoms::DOWN) => reference.as_reference(),
        _ => None,
    }
}

impl From<Given> for End {
    fn from(given: Given) -> End {
        match given {
            Given::Value { value, .. } => End::Value(value),
            Given::Down(reason) => End::Exit(reason),
        }
    }
}

/// Reads such a message, and takes the rest of the task out of the way.
pub(super) fn read(message: &Term) -> Option<(Ref, End)> {
    match message.as_tuple()? {
        [reference, value] => {
            let monitor = reference.as_reference()?;
            // Its DOWN is on the way, or here.
            let _ = process::demonitor(monitor, true);
            Some((monitor, End::Value(value.clone())))
        }
        [_, reference, _, _, reason] => Some((reference.as_reference()?, End::Exit(reason.clone()))),
        _ => None,
    }
}

/// Gives a ref up: nothing comes under it any more, and what has come is dropped.
pub(super) fn forget(monitor: Ref) {
    let _ = process::demonitor(monitor, false);
    while process::receive(Some(0), |message| ref_of(message) == Some(monitor)).is_ok() {}
}

/// [`forget`], of many, and of what else `is_theirs` says: none of them has the mailbox looked through once more, and
/// none of what goes is in the way of the rest.
pub(super) fn forget_all(monitors: impl Iterator<Item = Ref>, is_theirs: impl Fn(&Term) -> bool) {
    let monitors: HashSet<Ref> = monitors.collect();
    for monitor in &monitors {
        let _ = process::demonitor(*monitor, false);
    }
    let goes =
        |message: &Term| ref_of(message).is_some_and(|monitor| monitors.contains(&monitor)) || is_theirs(message);
    while process::receive(Some(0), goes).is_ok() {}
}

/// Before the caller waits for tasks: those of its own supervisor may begin in its place.
fn lend(timeout: Option<u32>, tasks: &[Task]) -> Option<supervisor::Wait> {
    let me = process::current().filter(|_| timeout != Some(0))?;
    supervisor::Wait::once(me, tasks.iter().map(|task| task.pid))
}

/// Waits for the end of a task, at most `timeout` milliseconds; none: it runs. May wait. `NotFound`: nothing will ever
/// come under this ref.
pub fn wait(task: Task, timeout: Option<u32>) -> Result<Option<End>, Error> {
    let is_it = |message: &Term| ref_of(message) == Some(task.monitor);
    let received = if timeout == Some(0) {
        let can_come = me()?.watches(task.monitor);
        match process::receive(timeout, is_it) {
            Err(Error::Timeout) if !can_come => Err(Error::NotFound),
            received => received.map(Received::Message),
        }
    } else {
        let _lent = lend(timeout, &[task]);
        process::receive_awaited(task.monitor, timeout, is_it)
    };
    match received {
        Ok(Received::Given(_, given)) => Ok(Some(given.into())),
        Ok(Received::Message(message)) => Ok(read(&message).map(|(_, end)| end)),
        Err(Error::Timeout) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits for the value of a task. `Timeout`: the ref is given up, and the task runs on until its owner ends;
/// `Exited`: the task ended without a value.
pub fn wait_for(task: Task, timeout: Option<u32>) -> Result<Term, Error> {
    match wait(task, timeout)? {
        Some(End::Value(value)) => Ok(value),
        Some(End::Exit(reason)) => Err(Error::Exited(reason)),
        None => {
            forget(task.monitor);
            Err(Error::Timeout)
        }
    }
}

/// Waits until `enough` says so of what has ended, or the time is over.
fn gather(
    tasks: &[Task], timeout: Option<u32>, mut enough: impl FnMut(&End) -> bool,
) -> Result<HashMap<Ref, End>, Error> {
    let me = me()?;
    let deadline = timeout.map(|ms| if ms == 0 { 0 } else { me.node().deadline(u64::from(ms)) });
    let mut ended: HashMap<Ref, End> = HashMap::with_capacity(tasks.len());
    let monitors = || tasks.iter().map(|task| task.monitor);
    let mut awaiting = Awaiting::begin(me);
    if timeout != Some(0) && process::may_wait_here().is_ok() {
        awaiting.add(monitors());
    }
    let _lent = lend(timeout, tasks);
    let mut open: HashSet<Ref> = monitors().collect();
    // What is watched no more never is again: none of them is looked at twice.
    let mut watched = monitors().peekable();
    let over = loop {
        if open.is_empty() {
            break Ok(());
        }
        // What can never come is not waited for.
        while watched.next_if(|&monitor| !me.watches(monitor)).is_some() {}
        let can_come = watched.peek().is_some();
        let deadline = if can_come { deadline } else { Some(0) };
        let is_open = |monitor| open.contains(&monitor);
        let is_theirs = |message: &Term| ref_of(message).is_some_and(is_open);
        let (monitor, end) = match awaiting.receive(deadline, is_theirs) {
            // The end of one whose value came as a message.
            Ok(Received::Given(monitor, _)) if !is_open(monitor) => continue,
            Ok(Received::Given(monitor, given)) => (monitor, given.into()),
            Ok(Received::Message(message)) => match read(&message) {
                Some(read) => read,
                None => continue,
            },
            Err(Error::Timeout) if !can_come => break Err(Error::NotFound),
            Err(error) => break Err(error),
        };
        open.remove(&monitor);
        let done = enough(&end);
        ended.insert(monitor, end);
        if done {
            break Ok(());
        }
    };
    // All of them: what looks like the end of one may have been sent by anybody.
    awaiting.give_up(monitors());
    if let Err(Error::Timeout) = over {
        // In the meantime.
        let late = awaiting.rest().filter(|(monitor, _)| open.contains(monitor));
        ended.extend(late.map(|(monitor, given)| (monitor, given.into())));
        return Ok(ended);
    }
    over.map(|()| ended)
}

/// Waits for the values of all, in the order of `tasks`; `timeout` is for all together. When one ends without a value
/// (`Exited`) or the time runs out, all refs are given up.
pub fn wait_many(tasks: &[Task], timeout: Option<u32>) -> Result<Vec<Term>, Error> {
    let gathered = gather(tasks, timeout, |end| matches!(end, End::Exit(_)));
    let values = gathered.and_then(|ended| {
        let failed = ended.values().find_map(|end| match end {
            End::Exit(reason) => Some(reason.clone()),
            End::Value(_) => None,
        });
        if let Some(reason) = failed {
            return Err(Error::Exited(reason));
        }
        let value = |task: &Task| match ended.get(&task.monitor) {
            Some(End::Value(value)) => Ok(value.clone()),
            _ => Err(Error::Timeout),
        };
        tasks.iter().map(value).collect()
    });
    if values.is_err() {
        forget_all(tasks.iter().map(|task| task.monitor), |_| false);
    }
    values
}

/// How each has ended by then, in the order of `tasks`; none: it runs, and can be waited for again.
pub fn yield_many(tasks: &[Task], timeout: Option<u32>) -> Result<Vec<Option<End>>, Error> {
    let ended = gather(tasks, timeout, |_| false)?;
    Ok(tasks.iter().map(|task| ended.get(&task.monitor).cloned()).collect())
}

/// Ends a task and waits until it has; what it ended with if that was before, or not what it was told. None: it had
/// nothing to give.
pub fn shutdown(task: Task, how: Shutdown) -> Result<Option<End>, Error> {
    let me = me()?;
    // Whoever is alive there must be the caller's own task: a handle is only numbers.
    let is_mine =
        |task: &Process| task.kind() == atoms::TASK && task.callers().is_some_and(|callers| callers.pid == me.pid());
    if process::with_process(task.pid, is_mine) == Some(false) {
        return Err(Error::NotFound);
    }
    // A ref that was given up gives no DOWN; then another is asked for.
    let known = me.watches(task.monitor) || is_here(task.monitor);
    let monitor = if known { task.monitor } else { process::monitor(task.pid, None)? };
    me.unlink(task.pid);
    let (told, within) = how.parts();
    me.exit(task.pid, Term::atom(told));
    let is_down =
        |message: &Term| message.as_tuple().is_some_and(|parts| parts.len() == 5) && ref_of(message) == Some(monitor);
    let down = match process::receive(within, is_down) {
        Err(Error::Timeout) => {
            me.exit(task.pid, Term::atom(atoms::KILL));
            process::receive(None, is_down)
        }
        down => down,
    };
    let reason = match read(&down?) {
        Some((_, End::Exit(reason))) => reason,
        _ => return Err(Error::NotFound),
    };
    let value = process::receive(Some(0), |message| ref_of(message) == Some(task.monitor)).ok();
    if let Some(End::Value(value)) = value.and_then(|message| read(&message)).map(|(_, end)| end) {
        return Ok(Some(End::Value(value)));
    }
    let as_told = reason.is_atom(if how == Shutdown::BrutalKill { atoms::KILLED } else { atoms::SHUTDOWN });
    Ok((!as_told).then_some(End::Exit(reason)))
}

/// Whether something of that ref waits in the mailbox; it is left there.
fn is_here(monitor: Ref) -> bool {
    let mut here = false;
    let _ = process::receive(Some(0), |message| {
        here |= ref_of(message) == Some(monitor);
        false
    });
    here
}

/// Lets a task go: it runs on, unlinked, and nothing of it comes any more. What it ended with, if it has ended.
pub fn ignore(task: Task) -> Result<Option<End>, Error> {
    if let Some(end) = wait(task, Some(0))? {
        return Ok(Some(end));
    }
    process::unlink(task.pid)?;
    forget(task.monitor);
    Ok(None)
}
