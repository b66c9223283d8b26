//! Trees as they show from outside.
#![allow(non_camel_case_types)]

use super::request::{pass_request, regrow_request};
use super::support::{Fault, guard, limit, out};
use super::types::{REGROW_TREE_JSON, REGROW_TREE_TERM, REGROW_TREE_TEXT, regrow_error, regrow_pid, regrow_term};
use crate::observe::{self, Tree};
use crate::term::Term;

/// A supervisor and all below it: who is there, what each is doing, how much waits for it, how often it was restarted.
/// May wait, but with a time limit of 0; any thread.
///
/// No process is held up: the supervisors alone get a message, and are asked all at once. One that does not answer in
/// time, being suspended or in the middle of a start, is shown so; its children are then what its links show. What is
/// below other processes is what their links show, too.
///
/// @param supervisor  of any kind, the root included.
/// @param format      REGROW_TREE_TERM: nested maps #{id, pid, kind, name, label, status, behind, message_queue_len,
///                    links, monitors, monitored_by, restarts, next_at_ms, answered, children}. `status` is that of
///                    regrow_info(), or `starting`, `dead`, or of a child that does not run `stopped`, `restarting` or
///                    `given_up` (parked by its backoff); `behind` is as in regrow_info(); `restarts` how often its
///                    supervisor was to restart it, as its history counts; `next_at_ms` when one whose restart waits
///                    for its backoff is started, on the runtime's clock (regrow_now()); `answered` whether a
///                    supervisor answered in time; `children` a list in the order of the starts. `undefined` stands for
///                    what is not known or not there. REGROW_TREE_TEXT: text with a line for each. REGROW_TREE_JSON:
///                    text, with the keys of the maps; pids and other terms are strings.
/// @param timeout_ms  of the whole call, by the runtime's clock; 0 asks nobody. REGROW_INFINITY waits for every
///                    supervisor.
/// @param dump        out; yours.
/// @return REGROW_ERR_WRONG_KIND for what is no supervisor. Never REGROW_ERR_TIMEOUT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_tree(
    supervisor: regrow_pid, format: u32, timeout_ms: u32, dump: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let dump = unsafe { out(dump) }?;
        let read = reader(format)?;
        dump.set(read(&observe::tree(supervisor.into(), limit(timeout_ms))?));
        Ok(())
    })
}

/// As regrow_tree(), to be collected later. Any thread.
///
/// @param pending  out: free it, or give it to regrow_on_reply().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_tree_async(
    supervisor: regrow_pid, format: u32, timeout_ms: u32, pending: *mut *mut regrow_request,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let pending = unsafe { out(pending) }?;
        let read = reader(format)?;
        pass_request(pending, observe::tree_async(supervisor.into(), limit(timeout_ms), read)?);
        Ok(())
    })
}

/// What gives a tree in that format.
fn reader(format: u32) -> Result<fn(&Tree) -> Term, Fault> {
    match format {
        REGROW_TREE_TERM => Ok(Tree::term),
        REGROW_TREE_TEXT => Ok(|tree| Term::text(&tree.text())),
        REGROW_TREE_JSON => Ok(|tree| Term::text(&tree.json())),
        _ => Err(Fault::argument("a tree's format is unknown")),
    }
}
