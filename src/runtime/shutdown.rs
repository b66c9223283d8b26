//! The end of a runtime.
//!
//! 1. The root is told to shut down, as by its parent: children last to first, each with its shutdown time.
//! 2. Nothing is started any more; what stands outside the tree is told to shut down, and killed if it does not. That
//!    is its parent's order to those who have none; only what a parent outside has, and plain processes, may trap it.
//! 3. Callbacks of dead processes are waited for, and ends that are jobs.
//! 4. The threads end.
//!
//! At the deadline everything that is left is killed; what is then still in a callback, or whose end is
//! not yet carried out, is *stuck*, and reported. The runtime stays as it is, and another call goes on waiting.

use super::{RUNTIMES, settle};
use crate::process::{self, Error, Node};
use crate::sync::{inside, retired};
use crate::term::{Pid, Term, atoms};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time that what stands outside the tree gets to end by itself.
const GRACE: Duration = Duration::from_millis(100);
/// Time that callbacks get to return after their process was killed at the deadline.
const LAST_LOOK: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_micros(200);

/// Stops the runtime of this root. `Err((Timeout, stuck))`: these processes' callbacks have not returned.
pub fn shutdown(root: Pid, timeout: Option<u32>) -> Result<(), (Error, Vec<Pid>)> {
    let node = super::node_of_root(root).ok_or((Error::NotAlive, Vec::new()))?;
    if process::in_callback() {
        return Err((Error::WouldDeadlock, Vec::new()));
    }
    // A thread that entered this runtime leaves it: it is about to be gone.
    if process::current().is_some_and(|me| Arc::ptr_eq(me.node(), &node)) {
        let _ = process::leave_thread(Term::atom(atoms::SHUTDOWN));
    }
    let depth = inside::step_out();
    let end = timeout.map(|ms| Instant::now() + Duration::from_millis(u64::from(ms)));
    // As nobody: an exit signal of a process of another runtime is not that of the root's parent.
    let stopped = process::without_waiting(|| stop(&node, root, end));
    inside::re_enter(depth);
    stopped.map_err(|stuck| (Error::Timeout, stuck))
}

fn stop(node: &Arc<Node>, root: Pid, end: Option<Instant>) -> Result<(), Vec<Pid>> {
    let _ = process::exit_signal(root, Term::atom(atoms::SHUTDOWN));
    let mut in_time = until(node, end, || !process::is_alive(root));

    node.stop_starting();
    for pid in node.all_processes() {
        let _ = process::exit_signal(pid, Term::atom(atoms::SHUTDOWN));
    }
    let grace = Instant::now() + GRACE;
    let grace = end.map_or(grace, |end| end.min(grace));
    in_time &= until(node, end, || node.process_count() == 0 || Instant::now() >= grace);
    for pid in node.all_processes() {
        node.kill(pid, Term::atom(atoms::KILLED));
    }
    let last_look = Instant::now() + LAST_LOOK;
    let end = if in_time { end } else { Some(end.map_or(last_look, |end| end.max(last_look))) };
    let at_rest = || node.process_count() == 0 && node.ghosts().is_empty() && node.unfinished().is_empty();
    if !until(node, end, at_rest) {
        return Err([node.ghosts(), node.unfinished()].concat());
    }

    node.scheduler().stop();
    let mut tries = 0;
    let joined = node.scheduler().join(|| {
        tries += 1;
        std::thread::sleep(PAUSE);
        end.is_none_or(|end| Instant::now() < end) || tries < 100
    });
    if !joined {
        return Err(Vec::new());
    }
    if !until(node, end, || node.close_hook()) {
        return Err(Vec::new());
    }
    node.drop_timers();
    RUNTIMES.lock().remove(&root);
    retired::collect();
    Ok(())
}

/// Waits until `done`; moves a manual clock on where only time is waited for. False at the deadline.
fn until(node: &Arc<Node>, end: Option<Instant>, done: impl Fn() -> bool) -> bool {
    loop {
        if done() {
            return true;
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            return false;
        }
        if node.clock.is_manual()
            && let Ok(settled) = settle::wait(node, Some(1), settle::Work::Inside)
            && let Some((due, _)) = settled.next
            && !done()
        {
            node.clock.advance_to(due);
            node.fire_due();
            continue;
        }
        std::thread::sleep(PAUSE);
    }
}
