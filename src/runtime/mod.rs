//! A runtime: its workers, its clock, its root supervisor; starting, settling, stopping.
//!
//! The handle of a runtime is its root's pid, which stays good for these calls after the root has died, until the
//! runtime is shut down. A program may have several; they share nothing but the table of pids and the atoms.

mod settle;
mod shutdown;

pub use settle::{Settled, advance, settle, settle_request};
pub use shutdown::shutdown;

use crate::clock::Clock;
use crate::process::{self, ChildStart, Error, LogLevel, Logger, Node, Startable, Undelivered, spawn_and_wait};
use crate::scheduler::{Keeper, MAX_WORKERS, Scheduler, StackPool, Ticked, Watched};
use crate::sync::Mutex;
use crate::term::Pid;
use hashbrown::HashMap;
use once_cell::sync::Lazy;
use std::sync::{Arc, Weak};

/// How a runtime is made.
pub struct Options {
    pub workers: usize,
    pub manual_clock: bool,
    /// Usable bytes of a callback's stack.
    pub stack_size: usize,
    pub max_processes: u64,
    pub log_level: u32,
    pub logger: Logger,
    /// Shown messages that nobody gets.
    pub undelivered: Option<Undelivered>,
}

/// Stacks that a runtime may need at once; beyond, waiting is refused. 256 KiB each are 256 GiB of address space.
const MAX_STACKS: u64 = 1 << 20;

static RUNTIMES: Lazy<Mutex<HashMap<Pid, Arc<Node>>>> = Lazy::new(|| Mutex::new(HashMap::new()));

/// A runtime, as its scheduler knows it.
struct House {
    node: Weak<Node>,
    manual: bool,
}

impl Keeper for House {
    fn tick(&self) -> Ticked {
        match self.node.upgrade() {
            Some(node) if !self.manual => {
                let next = node.fire_due();
                Ticked { now: node.clock.now(), next }
            }
            _ => Ticked { now: 0, next: None },
        }
    }

    fn stuck(&self, id: u64) {
        Node::mark_slow(Pid(id));
    }

    fn watch(&self, running: &[u64]) -> Watched {
        self.node.upgrade().map_or_else(Watched::default, |node| process::watch(&node, running))
    }

    fn is_watching(&self) -> bool {
        self.node.upgrade().is_some_and(|node| node.is_watching())
    }

    fn at_the_cap(&self) {
        if let Some(node) = self.node.upgrade() {
            let text =
                format!("regrow: {MAX_WORKERS} workers are stuck in callbacks or cannot be had; no relief is left");
            node.log(LogLevel::Warning, &text, None);
        }
    }

    fn trim(&self) -> usize {
        if let Some(node) = self.node.upgrade() {
            node.trim();
        }
        process::trim()
    }

    fn trim_thread(&self) {
        process::trim_thread();
    }
}

/// Starts a runtime with `root` as its root, and waits until that is up.
pub fn start(options: Options, root: &dyn Startable) -> Result<Arc<Node>, Error> {
    let clock = if options.manual_clock { Clock::manual() } else { Clock::monotonic() };
    let node = Node::new(clock, options.workers, options.max_processes, options.log_level, options.logger);
    if let Some(hook) = options.undelivered {
        node.set_undelivered(hook);
    }
    let keeper = Box::new(House { node: Arc::downgrade(&node), manual: options.manual_clock });
    let stacks = StackPool::new(options.stack_size, MAX_STACKS);
    let scheduler = Scheduler::start(options.workers, stacks, keeper).map_err(|_| Error::Limit)?;
    node.set_scheduler(scheduler);
    let start = ChildStart { parent: Pid::NONE, ..root.build() };
    match spawn_and_wait(&node, start, None) {
        Ok(spawned) => {
            node.set_root(spawned.pid);
            RUNTIMES.lock().insert(spawned.pid, node.clone());
            Ok(node)
        }
        Err(error) => {
            node.scheduler().stop();
            Err(error)
        }
    }
}

/// The runtime whose root had this pid, also after the root died, until it is shut down.
pub fn node_of_root(root: Pid) -> Option<Arc<Node>> {
    RUNTIMES.lock().get(&root).cloned()
}
