//! Task supervisors: tasks as children.
#![allow(non_camel_case_types)]

use super::child::shutdown;
use super::request::{pass_request, regrow_request};
use super::supervisor::max_restarts;
use super::support::{Fault, SizedStruct, guard, limit, out, out_optional, sized};
use super::task::{regrow_task_spec, restarting_task_spec, task_spec};
use super::types::{REGROW_QUEUE, regrow_error, regrow_pid, regrow_task, regrow_term};
use crate::process::Startable;
use crate::supervisor::{DynamicSpec, SHUTDOWN_MS, Shutdown};
use crate::task::{self, TaskSupervisorSpec};
use std::ffi::c_void;
use std::sync::Arc;

/// A supervisor of tasks. They are temporary, but for those that were started to be restarted: see regrow_task_spec.
/// One that is restarted keeps its place, and begins at once if it had begun, whoever waits for a turn.
///
/// regrow_supervisor_which_children(), regrow_supervisor_count_children(), regrow_supervisor_terminate_child(),
/// regrow_supervisor_subscribe(), regrow_supervisor_unsubscribe() and regrow_supervisor_history() take one too; its
/// tasks have the id `undefined`, and go by their pids.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_task_supervisor_spec {
    /// sizeof(regrow_task_supervisor_spec).
    pub size: usize,
    /// So many tasks run at once; 0: any number.
    pub max_children: u32,
    /// What becomes of one too many: REGROW_REFUSE (0): REGROW_ERR_LIMIT. REGROW_QUEUE: it is started, and begins when
    /// its turn has come.
    pub at_limit: u32,
    /// The time that a task has to end when it is stopped, if its own spec does not say it; 0: 5000.
    /// REGROW_INFINITY. A supervisor that stops tells all of them at once.
    pub task_shutdown_ms: u32,
    /// Zero.
    pub reserved: u32,
    /// More than this many restarts ...; 0: 3, REGROW_NONE: none is allowed.
    pub max_restarts: u32,
    /// ... within this many milliseconds end the supervisor itself, with reason `shutdown`; 0: 5000.
    pub period_ms: u32,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_task_supervisor_spec {}

/// Reads a task supervisor spec.
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn startable(spec: *const c_void) -> Result<Arc<dyn Startable>, Fault> {
    // SAFETY: the caller's promise.
    let given = unsafe { sized(spec.cast::<regrow_task_supervisor_spec>()) }?;
    if given.at_limit > REGROW_QUEUE || given.reserved != 0 {
        return Err(Fault::argument("a task supervisor's at_limit is unknown"));
    }
    let defaults = DynamicSpec::default();
    Ok(Arc::new(TaskSupervisorSpec {
        max_children: (given.max_children != 0).then_some(given.max_children),
        queues: given.at_limit == REGROW_QUEUE,
        shutdown: shutdown(given.task_shutdown_ms).unwrap_or(Shutdown::Ms(SHUTDOWN_MS)),
        max_restarts: max_restarts(given.max_restarts, defaults.max_restarts),
        period_ms: if given.period_ms == 0 { defaults.period_ms } else { given.period_ms },
    }))
}

/// Starts a task that nobody waits for. May wait, for the supervisor's turn; any thread.
///
/// @param spec  borrowed. Its `restart` says whether the task is run again when it has ended.
/// @param pid   out: a restart gives it another. NULL: not wanted.
/// @return REGROW_ERR_LIMIT, reason max_children.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_task_supervisor_start_child(
    supervisor: regrow_pid, spec: *const regrow_task_spec, pid: *mut regrow_pid,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let ((spec, restart), pid) = unsafe { (restarting_task_spec(spec)?, out_optional(pid)) };
        pid.set(task::start_child(supervisor.into(), spec, restart)?);
        Ok(())
    })
}

/// As regrow_task_async(): the task is linked with the caller, its owner, and a child of the supervisor. May wait, for
/// the supervisor's turn; needs an identity.
///
/// @return REGROW_ERR_LIMIT, reason max_children.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_task_supervisor_async(
    supervisor: regrow_pid, spec: *const regrow_task_spec, task: *mut regrow_task,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (spec, task) = unsafe { (task_spec(spec)?, out(task)?) };
        task.set(task::start_under(supervisor.into(), spec, true)?);
        Ok(())
    })
}

/// As regrow_task_supervisor_async(), without the link with the caller: the owner outlives the task's crash, and the
/// task its owner. May wait, for the supervisor's turn; needs an identity.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_task_supervisor_async_nolink(
    supervisor: regrow_pid, spec: *const regrow_task_spec, task: *mut regrow_task,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (spec, task) = unsafe { (task_spec(spec)?, out(task)?) };
        task.set(task::start_under(supervisor.into(), spec, false)?);
        Ok(())
    })
}

/// Starts a task whose value is the result of a request, and does not wait: for threads without an identity, and for
/// event loops. Any thread.
///
/// @param timeout_ms  of the request; the task itself runs on.
/// @param pending     out: free it, or give it to regrow_on_reply(). REGROW_ERR_EXITED when the task ended without a
///                    value; REGROW_ERR_LIMIT, reason max_children.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_task_supervisor_run_async(
    supervisor: regrow_pid, spec: *const regrow_task_spec, timeout_ms: u32, pending: *mut *mut regrow_request,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (spec, pending) = unsafe { (task_spec(spec)?, out(pending)?) };
        pass_request(pending, task::run_async(supervisor.into(), spec, limit(timeout_ms))?);
        Ok(())
    })
}

/// The tasks that have not ended, those that wait for their turn among them. May wait; any thread.
///
/// @param pids  out: a list, in no order; yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_task_supervisor_children(
    supervisor: regrow_pid, pids: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let pids = unsafe { out(pids) }?;
        pids.set(task::children(supervisor.into())?);
        Ok(())
    })
}

/// Ends a task of a supervisor's, and waits until it has ended; it is not restarted. May wait; any thread.
///
/// @return REGROW_ERR_NOT_FOUND when the task is none of its.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_task_supervisor_terminate_child(supervisor: regrow_pid, task: regrow_pid) -> regrow_error {
    guard(|| Ok(task::terminate_child(supervisor.into(), task.into())?))
}
