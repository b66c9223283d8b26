//! Trees as they show from outside: who is there, what each is doing, how much waits for it, how often it was
//! restarted.
//!
//! # What it promises
//!
//! Nobody is held up, and nobody is waited for beyond the limit. A process is looked at under its own lock and gets no
//! message. Supervisors alone are asked, all at the same time, for what only they know: ids, restarts, and children
//! that do not run. One that does not answer in time (it is suspended, or in the middle of a long start) is shown as
//! such, and its children are those that its links show. A tree that changes meanwhile gives what was found of it:
//! each process once, under one parent.
//!
//! # How it works
//!
//! A process is taken in with the children that its links show, theirs, and so on; each supervisor among them is asked
//! at once. The answers come into an inbox, from the threads that give them; whoever wants the tree waits for its bell.
//! An answer adds what it tells to the children that were found, and takes in those that were not.
//!
//! The asynchronous form is a process of its own that does the same.
//!
//! Nothing here recurses: a tree may be as deep as it likes. Who wants the tree does all the work, and no supervisor.
#![forbid(unsafe_code)]

mod dump;
mod json;
mod text;

pub use dump::{Branch, Tree};

use crate::process::{self, ChildStart, Error, Node, ReplyTo, Request, Snapshot};
use crate::server::{self, Body};
use crate::supervisor::{self, Observed};
use crate::sync::Mutex;
use crate::term::{Pid, Term, atoms};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The tree from that supervisor on. Waits at most `timeout` milliseconds (None: for ever) for answers; 0 asks nobody.
///
/// `NoProcess`; `WrongKind`: that is no supervisor; `WouldBlock`: the caller may not wait, and
/// the time is not 0.
pub fn tree(supervisor: Pid, timeout: Option<u32>) -> Result<Tree, Error> {
    let node = node_of(supervisor)?;
    if timeout != Some(0) {
        process::may_wait_here()?;
    }
    let deadline = timeout.map(|ms| node.deadline(u64::from(ms)));
    let mut walk = Walk {
        node,
        deadline,
        asks: timeout != Some(0),
        inbox: Arc::default(),
        awaited: 0,
        branches: Vec::new(),
        seen: HashSet::new(),
    };
    let snapshot = process::snapshot(supervisor).ok_or(Error::NoProcess)?;
    walk.seen.insert(supervisor);
    walk.take_in(None, supervisor, Some(snapshot), None);
    walk.collect()?;
    Ok(Tree::new(walk.branches))
}

/// As [`tree`], to be collected later: what `read` makes of it is the answer.
pub fn tree_async(
    supervisor: Pid, timeout: Option<u32>, read: impl FnOnce(&Tree) -> Term + Send + 'static,
) -> Result<Request, Error> {
    let node = node_of(supervisor)?;
    let pending = Request::new(&node, None);
    let reply = pending.reply_to();
    let body = Body::new(move |_| {
        match tree(supervisor, timeout) {
            Ok(tree) => reply.answer(read(&tree)),
            Err(error) => reply.fail(error),
        };
        server::DONE
    });
    process::spawn(&node, ChildStart { kind: atoms::PROCESS, ..ChildStart::new(body) })?;
    Ok(pending)
}

/// The runtime of a supervisor. `Killed`, for a ghost; `NoProcess`, `WrongKind`.
fn node_of(supervisor: Pid) -> Result<Arc<Node>, Error> {
    process::identity()?;
    supervisor::is_supervisor(supervisor)?;
    process::with_process(supervisor, |process| process.node().clone()).ok_or(Error::NoProcess)
}

/// Where the answers arrive.
#[derive(Default)]
struct Inbox(Mutex<Arrived>);

#[derive(Default)]
struct Arrived {
    /// By the place of the supervisor.
    answers: Vec<(usize, Option<Vec<Observed>>)>,
    /// Answered when there is something.
    bell: Option<ReplyTo>,
}

impl Inbox {
    fn put(&self, place: usize, answer: Option<Vec<Observed>>) {
        let bell = {
            let mut arrived = self.0.lock();
            arrived.answers.push((place, answer));
            arrived.bell.take()
        };
        if let Some(bell) = bell {
            bell.answer(Term::nil());
        }
    }

    fn take(&self) -> Vec<(usize, Option<Vec<Observed>>)> {
        std::mem::take(&mut self.0.lock().answers)
    }

    /// Has the bell rung by the next answer. False: one is there.
    fn hang(&self, bell: ReplyTo) -> bool {
        let mut bell = Some(bell);
        let mut arrived = self.0.lock();
        if !arrived.answers.is_empty() {
            return false;
        }
        // The old one was taken, or its owner has gone.
        std::mem::swap(&mut arrived.bell, &mut bell);
        drop(arrived);
        true
    }
}

/// A tree that is being looked at.
struct Walk {
    node: Arc<Node>,
    /// On the runtime's clock.
    deadline: Option<u64>,
    asks: bool,
    inbox: Arc<Inbox>,
    /// How many answers are to come.
    awaited: usize,
    /// Each stands behind its parent.
    branches: Vec<Branch>,
    seen: HashSet<Pid>,
}

impl Walk {
    /// The milliseconds that are left, the last one begun included.
    fn left(&self) -> Option<u32> {
        let left = self.deadline?.saturating_sub(self.node.clock.now());
        Some(left.div_ceil(1_000_000).min(u64::from(u32::MAX)) as u32)
    }

    /// Adds a process and all that its links show below it, and asks the supervisors among them.
    fn take_in(&mut self, parent: Option<usize>, pid: Pid, snapshot: Option<Snapshot>, child: Option<Observed>) {
        let mut found = vec![(parent, pid, snapshot, child)];
        while let Some((parent, pid, mut snapshot, child)) = found.pop() {
            let place = self.branches.len();
            let below = snapshot.as_mut().map(|snapshot| std::mem::take(&mut snapshot.children)).unwrap_or_default();
            self.branches.push(Branch { pid: Some(pid), snapshot, child, answered: None, children: Vec::new() });
            if let Some(parent) = parent {
                self.branches[parent].children.push(place);
            }
            self.ask(place, pid);
            // The last is taken first.
            for pid in below.into_iter().rev() {
                if self.seen.contains(&pid) {
                    continue;
                }
                // One that has just ended is no child any more.
                if let Some(snapshot) = process::snapshot(pid) {
                    self.seen.insert(pid);
                    found.push((Some(place), pid, Some(snapshot), None));
                }
            }
        }
    }

    fn ask(&mut self, place: usize, pid: Pid) {
        if supervisor::is_supervisor(pid).is_err() {
            return;
        }
        self.branches[place].answered = Some(false);
        if !self.asks {
            return;
        }
        let left = self.left();
        if left == Some(0) {
            return;
        }
        let inbox = self.inbox.clone();
        // Refused: it has ended, or waits for us.
        if supervisor::observe(pid, left, move |answer| inbox.put(place, answer)).is_ok() {
            self.awaited += 1;
        }
    }

    /// Waits for the answers.
    fn collect(&mut self) -> Result<(), Error> {
        while self.awaited > 0 {
            let answers = self.inbox.take();
            if answers.is_empty() {
                let bell = Request::new(&self.node, None);
                if self.inbox.hang(bell.reply_to()) {
                    match bell.wait(self.left()) {
                        Ok(_) => {}
                        Err(Error::Timeout) => return Ok(()),
                        Err(error) => return Err(error),
                    }
                }
            }
            for (place, answer) in answers {
                self.awaited -= 1;
                if let Some(children) = answer {
                    self.answered(place, children);
                }
            }
        }
        Ok(())
    }

    /// A supervisor has told of its children.
    fn answered(&mut self, place: usize, children: Vec<Observed>) {
        self.branches[place].answered = Some(true);
        let linked = std::mem::take(&mut self.branches[place].children);
        let by_pid = |&place: &usize| Some((self.branches[place].pid?, place));
        let mut by_pid: HashMap<Pid, usize> = linked.iter().filter_map(by_pid).collect();
        for child in children {
            match child.pid {
                None => {
                    let below = self.branches.len();
                    let branch =
                        Branch { pid: None, snapshot: None, child: Some(child), answered: None, children: Vec::new() };
                    self.branches.push(branch);
                    self.branches[place].children.push(below);
                }
                Some(pid) => match by_pid.remove(&pid) {
                    Some(known) => {
                        self.branches[known].child = Some(child);
                        self.branches[place].children.push(known);
                    }
                    // Started since its supervisor was looked at, or dead and its supervisor does not know yet.
                    None if self.seen.insert(pid) => {
                        self.take_in(Some(place), pid, process::snapshot(pid), Some(child));
                    }
                    None => {}
                },
            }
        }
        // What it does not count among its children, such as one that is just being started.
        let others = linked.into_iter().filter(|place| {
            let pid = self.branches[*place].pid;
            pid.is_some_and(|pid| by_pid.contains_key(&pid) && process::is_alive(pid))
        });
        let others: Vec<usize> = others.collect();
        self.branches[place].children.extend(others);
    }
}
