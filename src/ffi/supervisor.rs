//! Supervisors: their spec, and what can be asked of them.
#![allow(non_camel_case_types)]

use super::child::{child_spec, child_specs, regrow_child_spec};
use super::context::context_pointer;
use super::request::{User, pass_request, regrow_request};
use super::support::{Fault, SizedStruct, borrow, guard, out, out_optional, sized, sized_out};
use super::types::{
    REGROW_NONE, REGROW_ONE_FOR_ALL, REGROW_ONE_FOR_ONE, REGROW_REST_FOR_ONE, regrow_body_callback,
    regrow_drop_callback, regrow_error, regrow_pid, regrow_term,
};
use crate::process::{self, Startable};
use crate::server::Context;
use crate::supervisor::{self, InitHook, Strategy, SupervisorSpec};
use crate::term::Pid;
use std::ffi::c_void;
use std::sync::Arc;

/// A supervisor, and the children it starts with. Copied when used.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_supervisor_spec {
    /// sizeof(regrow_supervisor_spec).
    pub size: usize,
    /// Who is stopped and started again with a child that ended: REGROW_ONE_FOR_ONE (0): nobody else.
    /// REGROW_ONE_FOR_ALL: all children. REGROW_REST_FOR_ONE: those that were started after it.
    pub strategy: u32,
    /// More than this many restarts ...; 0: 3, REGROW_NONE: none is allowed.
    pub max_restarts: u32,
    /// ... within this many milliseconds end the supervisor itself, with reason `shutdown`; 0: 5000.
    pub period_ms: u32,
    /// Zero.
    pub reserved: u32,
    /// Borrowed: started in this order, each when the one before is up, and stopped in the other.
    pub children: *const regrow_child_spec,
    /// How many they are.
    pub child_count: usize,
    /// Runs in the supervisor, before its children are started, at each start; it may wait. REGROW_READY, REGROW_IGNORE
    /// or regrow_stop_self(). NULL: nothing.
    pub init: regrow_body_callback,
    /// Passed to `init`.
    pub user: *mut c_void,
    /// Gives `user` back, once for each call that took this struct, also when the call failed. NULL: nothing.
    pub drop_user: regrow_drop_callback,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_supervisor_spec {}

/// How many children a supervisor has.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_child_count {
    /// sizeof(regrow_child_count).
    pub size: usize,
    /// All children, running or not.
    pub specs: u64,
    /// Those that are alive.
    pub active: u64,
    /// Those that are supervisors, running or not.
    pub supervisors: u64,
    /// Those that are not.
    pub workers: u64,
}

// SAFETY: as above.
unsafe impl SizedStruct for regrow_child_count {}

/// Reads a supervisor spec, with its children. `drop_user` runs once, however this ends.
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn startable(spec: *const c_void) -> Result<Arc<dyn Startable>, Fault> {
    // SAFETY: the caller's promise.
    unsafe {
        let given = sized(spec.cast::<regrow_supervisor_spec>())?;
        let user = User { user: given.user, drop: given.drop_user };
        let children = child_specs(given.children, given.child_count)?;
        let strategy = match given.strategy {
            REGROW_ONE_FOR_ONE => Strategy::OneForOne,
            REGROW_ONE_FOR_ALL => Strategy::OneForAll,
            REGROW_REST_FOR_ONE => Strategy::RestForOne,
            _ => return Err(Fault::argument("a supervisor's strategy is unknown")),
        };
        if given.reserved != 0 {
            return Err(Fault::argument("a supervisor spec has a field that this library does not know"));
        }
        let defaults = SupervisorSpec::default();
        Ok(Arc::new(SupervisorSpec {
            strategy,
            max_restarts: match given.max_restarts {
                0 => defaults.max_restarts,
                REGROW_NONE => 0,
                many => many,
            },
            period_ms: if given.period_ms == 0 { defaults.period_ms } else { given.period_ms },
            children,
            init: hook(given.init, user),
        }))
    }
}

fn hook(init: regrow_body_callback, user: User) -> Option<Arc<InitHook>> {
    let init = init?;
    Some(Arc::new(move |context: &mut Context| {
        let user = &user;
        // SAFETY: the user's function, called as the header says.
        unsafe { init(context_pointer(context), user.user) }
    }))
}

/// Starts one more child, waits until it is up, and keeps its spec. May wait; any thread.
///
/// @param child  borrowed, and copied: it may live on the stack.
/// @param pid    out: the child's present pid, a restart gives it another: keep a name or the id rather than this. Zero
///               when its init answered ignore: the spec is kept, unless it is temporary. NULL: not wanted.
/// @return REGROW_ERR_EXISTS when there is a child of that id (`{already_started, Pid}`, or `already_present` if it does
///         not run) or the name is taken; REGROW_ERR_START when its init stopped: nothing is kept;
///         REGROW_ERR_WOULD_DEADLOCK from an init that this supervisor waits for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_supervisor_start_child(
    supervisor: regrow_pid, child: *const regrow_child_spec, pid: *mut regrow_pid,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (child, pid) = unsafe { (child_spec(child)?, out_optional(pid)) };
        let started = supervisor::start_child(supervisor.into(), child)?;
        pid.set(started.unwrap_or(Pid::NONE));
        Ok(())
    })
}

/// As regrow_supervisor_start_child(), to be collected later: the result is the pid, or `undefined`. Any thread.
///
/// @param pending  out: free it, or give it to regrow_on_reply().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_supervisor_start_child_async(
    supervisor: regrow_pid, child: *const regrow_child_spec, pending: *mut *mut regrow_request,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (child, pending) = unsafe { (child_spec(child)?, out(pending)?) };
        process::identity()?;
        pass_request(pending, supervisor::start_child_async(supervisor.into(), child)?);
        Ok(())
    })
}

/// Stops a child, as its shutdown time says, and waits until it has ended. Its spec is kept, unless it is temporary.
/// REGROW_OK also when it did not run. May wait; any thread.
///
/// @param id  borrowed.
/// @return REGROW_ERR_NOT_FOUND when there is no child of that id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_supervisor_terminate_child(
    supervisor: regrow_pid, id: *const regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let id = unsafe { borrow(id) }?;
        Ok(supervisor::terminate_child(supervisor.into(), id)?)
    })
}

/// Starts a child again that does not run. May wait; any thread.
///
/// @param id   borrowed.
/// @param pid  out: zero when its init answered ignore. NULL: not wanted.
/// @return REGROW_ERR_RUNNING, REGROW_ERR_RESTARTING, REGROW_ERR_NOT_FOUND, REGROW_ERR_EXISTS when its name is taken;
///         REGROW_ERR_START when its init stopped, which is not tried again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_supervisor_restart_child(
    supervisor: regrow_pid, id: *const regrow_term, pid: *mut regrow_pid,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (id, pid) = unsafe { (borrow(id)?, out_optional(pid)) };
        let started = supervisor::restart_child(supervisor.into(), id)?;
        pid.set(started.unwrap_or(Pid::NONE));
        Ok(())
    })
}

/// Forgets a child that does not run. May wait; any thread.
///
/// @param id  borrowed.
/// @return REGROW_ERR_RUNNING, REGROW_ERR_RESTARTING or REGROW_ERR_NOT_FOUND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_supervisor_delete_child(
    supervisor: regrow_pid, id: *const regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let id = unsafe { borrow(id) }?;
        Ok(supervisor::delete_child(supervisor.into(), id)?)
    })
}

/// The children, the last started first: `[{Id, Pid, Type, Kind}]`. May wait; any thread.
///
/// In place of a pid there is `undefined` for a child that does not run, `restarting` for one whose restart failed and is
/// about to be tried again. Type is `worker` or `supervisor`; Kind is `server`, `supervisor`, `registry` and so on.
///
/// @param children  out; yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_supervisor_which_children(
    supervisor: regrow_pid, children: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let children = unsafe { out(children) }?;
        children.set(supervisor::which_children(supervisor.into())?);
        Ok(())
    })
}

/// As regrow_supervisor_which_children(), to be collected later. Any thread.
///
/// @param pending  out: free it, or give it to regrow_on_reply().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_supervisor_which_children_async(
    supervisor: regrow_pid, pending: *mut *mut regrow_request,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let pending = unsafe { out(pending) }?;
        process::identity()?;
        pass_request(pending, supervisor::which_children_async(supervisor.into())?);
        Ok(())
    })
}

/// How many children there are. May wait; any thread.
///
/// @param count  out; its `.size` says how much of it there is room for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_supervisor_count_children(
    supervisor: regrow_pid, count: *mut regrow_child_count,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        unsafe { sized(count) }?;
        let counted = supervisor::count_children(supervisor.into())?;
        let counted = regrow_child_count {
            size: size_of::<regrow_child_count>(),
            specs: counted.specs,
            active: counted.active,
            supervisors: counted.supervisors,
            workers: counted.workers,
        };
        // SAFETY: as the header says.
        unsafe { sized_out(count, counted) }
    })
}

/// What a child was started with: `#{id, restart, shutdown, type, kind}`. May wait; any thread.
///
/// @param id   borrowed.
/// @param map  out; yours.
/// @return REGROW_ERR_NOT_FOUND when there is no child of that id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_supervisor_get_childspec(
    supervisor: regrow_pid, id: *const regrow_term, map: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (id, map) = unsafe { (borrow(id)?, out(map)?) };
        map.set(supervisor::get_childspec(supervisor.into(), id)?);
        Ok(())
    })
}
