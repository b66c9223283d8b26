//! Calling a function for each entry of a key: in the caller, one after the other, or in parallel.
//!
//! In parallel the entries are cut up by their processes, as a duplicate registry of Elixir's is cut into partitions;
//! each part that has any is seen to by a process of its own, and the caller waits for all of them. A process that is
//! ended meanwhile leaves out the rest of its part, and no other's.
//!
//! Where it is from: Elixir 1.14 `Registry.dispatch/4`. There a function that fails in one part ends the caller, and
//! with it the others.

use super::{lookup, with_store};
use crate::process::{self, Callers, ChildStart, Error, Latch, with_process};
use crate::server::{Body, Context, DONE};
use crate::sync::inside;
use crate::term::{Pid, Term, atoms};
use std::sync::Arc;

/// Calls `each` for every entry that the key has now, in the caller, but not for one whose process has ended meanwhile.
pub fn dispatch(registry: Pid, key: &Term, mut each: impl FnMut(Pid, &Term)) -> Result<(), Error> {
    for (pid, value) in lookup(registry, key)? {
        if process::is_alive(pid) {
            inside::outside(|| each(pid, &value));
        }
    }
    Ok(())
}

/// As [`dispatch`], in parallel; waits until `each` has returned everywhere. One after the other where there is nothing
/// to cut up: in a unique registry, or with one partition.
///
/// `Limit`, `NotAlive`: not all of these could be started, and entries were left out.
/// `Exited`: one of the processes was ended, for this reason, and has left entries out. `Killed`: the caller was; so
/// the others are ended too.
pub fn dispatch_in_parallel(
    registry: Pid, key: &Term, each: impl Fn(Pid, &Term) + Send + Sync + 'static,
) -> Result<(), Error> {
    let parts = with_store(registry, |_, store| if store.is_unique() { 1 } else { store.partitions() })?;
    if parts == 1 {
        return dispatch(registry, key, each);
    }
    let latch = Latch::new()?;
    let node = with_process(registry, |process| process.node().clone()).ok_or(Error::NoProcess)?;
    let mut cut: Vec<Vec<(Pid, Term)>> = vec![Vec::new(); parts];
    for entry in lookup(registry, key)? {
        cut[entry.0.index() as usize % parts].push(entry);
    }
    let each = Arc::new(each);
    let mut started = Vec::new();
    for part in cut.into_iter().filter(|part| !part.is_empty()) {
        let (ticket, each) = (latch.ticket(), each.clone());
        let work = move |_: &mut Context| {
            if see_to(&part, &*each) {
                ticket.done();
            }
            DONE
        };
        let callers = process::current().map(|me| Callers::new(me.pid(), me.callers()));
        let start = ChildStart {
            kind: atoms::TASK,
            parent: process::current_pid(),
            callers,
            ..ChildStart::new(Body::new(work))
        };
        started.push(process::spawn(&node, start).map(|spawned| spawned.pid));
    }
    // What cannot be started, for a limit or since the runtime is about to end, is left out.
    let refused = started.iter().find_map(|start| start.as_ref().err().cloned());
    let ended = latch.wait(&node, || {
        started.iter().flatten().for_each(|&pid| node.kill(pid, Term::atom(atoms::KILLED)));
    });
    match (ended, refused) {
        (Err(Error::Killed), _) => Err(Error::Killed),
        (_, Some(refused)) => Err(refused),
        (ended, None) => ended,
    }
}

/// One part; false when its process was ended, and the rest is left out.
fn see_to(part: &[(Pid, Term)], each: &impl Fn(Pid, &Term)) -> bool {
    for (pid, value) in part {
        // Told to end, it ends between two calls.
        if process::may_wait_here() == Err(Error::Killed) {
            return false;
        }
        if process::is_alive(*pid) {
            each(*pid, value);
        }
    }
    process::identity().is_ok()
}
