//! Supervisors: their spec, and what can be asked of them.
#![allow(non_camel_case_types)]

use super::child::{child_spec, child_specs, regrow_child_spec};
use super::context::context_pointer;
use super::request::{User, pass_request, regrow_request};
use super::support::{Fault, SizedStruct, borrow, borrow_optional, guard, out, out_optional, sized, sized_out};
use super::types::{
    REGROW_ALL_SIGNIFICANT, REGROW_ANY_SIGNIFICANT, REGROW_NEVER, REGROW_NONE, REGROW_ONE_FOR_ALL, REGROW_ONE_FOR_ONE,
    REGROW_PARALLEL_START, REGROW_REST_FOR_ONE, REGROW_SIMPLE_ONE_FOR_ONE, regrow_children, regrow_drop_callback,
    regrow_error, regrow_pid, regrow_ref, regrow_supervisor_init_callback, regrow_term,
};
use crate::process::{self, Startable};
use crate::server::Context;
use crate::supervisor::{self, AutoShutdown, ChildSpec, InitHook, Strategy, SupervisorSpec};
use crate::term::{Pid, Term};
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
    /// REGROW_SIMPLE_ONE_FOR_ONE: nobody else; the one child here is the template of all children, and none is started
    /// before regrow_supervisor_start_instance(). They are started and stopped side by side, as those of a
    /// regrow_dynamic_supervisor_spec.
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
    /// Runs before its children are started, at each start; can add children, made from `arg`. NULL: nothing.
    pub init: regrow_supervisor_init_callback,
    /// Passed to `init`.
    pub user: *mut c_void,
    /// Gives `user` back, once for each call that took this struct, also when the call failed. NULL: nothing.
    pub drop_user: regrow_drop_callback,
    /// Whether the supervisor ends, with reason `shutdown`, when significant children have ended by themselves:
    /// REGROW_NEVER (0), REGROW_ANY_SIGNIFICANT or REGROW_ALL_SIGNIFICANT.
    pub auto_shutdown: u32,
    /// REGROW_PARALLEL_START: children that are started together, at first and when a group is restarted, are started
    /// all at once, and the start is over when the last of them is up. They are stopped one after the other.
    pub flags: u32,
    /// Borrowed: passed to `init`. NULL: [].
    pub arg: *const regrow_term,
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
        let arg = borrow_optional(given.arg)?.cloned().unwrap_or(Term::nil());
        let strategy = strategy(given.strategy)?;
        let auto_shutdown = match given.auto_shutdown {
            REGROW_NEVER => AutoShutdown::Never,
            REGROW_ANY_SIGNIFICANT => AutoShutdown::AnySignificant,
            REGROW_ALL_SIGNIFICANT => AutoShutdown::AllSignificant,
            _ => return Err(Fault::argument("a supervisor's auto_shutdown is unknown")),
        };
        if given.reserved != 0 || given.flags & !REGROW_PARALLEL_START != 0 {
            return Err(Fault::argument("a supervisor spec has a field that this library does not know"));
        }
        let defaults = SupervisorSpec::default();
        Ok(Arc::new(SupervisorSpec {
            strategy,
            max_restarts: max_restarts(given.max_restarts, defaults.max_restarts),
            period_ms: if given.period_ms == 0 { defaults.period_ms } else { given.period_ms },
            children,
            auto_shutdown,
            parallel_start: given.flags & REGROW_PARALLEL_START != 0,
            init: hook(given.init, user),
            arg,
        }))
    }
}

/// `strategy` of a spec.
pub(super) fn strategy(given: u32) -> Result<Strategy, Fault> {
    match given {
        REGROW_ONE_FOR_ONE => Ok(Strategy::OneForOne),
        REGROW_ONE_FOR_ALL => Ok(Strategy::OneForAll),
        REGROW_REST_FOR_ONE => Ok(Strategy::RestForOne),
        REGROW_SIMPLE_ONE_FOR_ONE => Ok(Strategy::SimpleOneForOne),
        _ => Err(Fault::argument("a supervisor's strategy is unknown")),
    }
}

/// `max_restarts` of a spec.
pub(super) fn max_restarts(given: u32, default: u32) -> u32 {
    match given {
        0 => default,
        REGROW_NONE => 0,
        many => many,
    }
}

/// `init` of a spec.
pub(super) fn hook(init: regrow_supervisor_init_callback, user: User) -> Option<Arc<InitHook>> {
    let init = init?;
    Some(Arc::new(move |context: &mut Context, arg: &Term, children: Option<&mut Vec<ChildSpec>>| {
        let user = &user;
        let children = children.map_or(std::ptr::null_mut(), |children| std::ptr::from_mut(children).cast());
        // SAFETY: the user's function, called as the header says.
        unsafe { init(context_pointer(context), user.user, std::ptr::from_ref(arg).cast(), children) }
    }))
}

/// In the init of a supervisor: adds a child behind those that are there. Never waits.
///
/// Ids, names and arguments may come from what the init got: so a REGROW_SIMPLE_ONE_FOR_ONE can have a tree of its own
/// for each argument. That ids are unique is checked when the init has returned.
///
/// @param children  what the init got.
/// @param child     borrowed, and copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_children_add(
    children: *mut regrow_children, child: *const regrow_child_spec,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says. Read first: what belongs to it is given back on every path.
        let child = unsafe { child_spec(child) }?;
        // SAFETY: `hook` made the pointer of a vector that stays while the callback runs, and is its alone.
        let children = unsafe { children.cast::<Vec<ChildSpec>>().as_mut() };
        process::identity()?;
        children.ok_or(Fault::argument("there are no children to add to"))?.push(child);
        Ok(())
    })
}

/// Starts one more child, waits until it is up, and keeps its spec. May wait; any thread.
///
/// @param child  borrowed, and copied: it may live on the stack.
/// @param pid    out: the child's present pid, a restart gives it another: keep a name or the id rather than this. Zero
///               when its init answered ignore: the spec is kept, unless it is temporary. NULL: not wanted.
/// @return REGROW_ERR_EXISTS when there is a child of that id (`{already_started, Pid}`, or `already_present` if it
///         does not run) or the name is taken; REGROW_ERR_START when its init stopped: nothing is kept;
///         REGROW_ERR_WOULD_DEADLOCK from an init that this supervisor waits for, and from who answers a call of such
///         an init; REGROW_ERR_ARGUMENT with `{bad_combination, ...}` for a significant child that cannot be one. Of a
///         dynamic supervisor also REGROW_ERR_IGNORED: nothing is kept; REGROW_ERR_LIMIT with `max_children`.
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

/// Starts one more instance of a REGROW_SIMPLE_ONE_FOR_ONE's template, and waits until it is up. May wait; any thread.
///
/// @param extra  borrowed: one more argument, at each of its starts. A server's init gets the template's `arg` and this
///               one appended, each taken as a list (what is no list is a list of one); so do the `init` of a
///               supervisor of any kind but the next, that of an agent (`initial`), and a task (`argument`). A
///               partition supervisor hands it on to its partitions. What would get it nowhere, another kind, or one of
///               these without an init, is refused with REGROW_ERR_ARGUMENT, unless it is `[]`.
/// @param pid    out: zero when its init answered ignore: it is forgotten. NULL: not wanted.
/// @return REGROW_ERR_WRONG_KIND for a supervisor of another kind; REGROW_ERR_START; REGROW_ERR_EXISTS when its name is
///         taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_supervisor_start_instance(
    supervisor: regrow_pid, extra: *const regrow_term, pid: *mut regrow_pid,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (extra, pid) = unsafe { (borrow(extra)?, out_optional(pid)) };
        let started = supervisor::start_instance(supervisor.into(), extra)?;
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
/// @param id  borrowed. A child of a dynamic supervisor goes by its id (of several with that id the one started last)
///            or its pid, one of a REGROW_SIMPLE_ONE_FOR_ONE by its pid; it is forgotten. One that is being started is
///            stopped when it is up, and its init gets no more time than a shutdown.
/// @return REGROW_ERR_NOT_FOUND when there is no such child, or its start failed; REGROW_ERR_WRONG_KIND with
///         `simple_one_for_one` when that needs a pid; REGROW_ERR_WOULD_DEADLOCK in the start that is to be stopped.
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

/// Starts a child again that does not run. One that was parked brings the siblings up with it that went down with it;
/// of a dynamic supervisor only parked children can be started again. Where one is being started or stopped, this waits
/// for that. May wait; any thread.
///
/// @param id   borrowed; as in regrow_supervisor_terminate_child().
/// @param pid  out: zero when its init answered ignore. NULL: not wanted.
/// @return REGROW_ERR_RUNNING, REGROW_ERR_RESTARTING, REGROW_ERR_NOT_FOUND, REGROW_ERR_EXISTS when its name is taken;
///         REGROW_ERR_START when its init stopped, which is not tried again; REGROW_ERR_WOULD_DEADLOCK as in
///         regrow_supervisor_start_child(), of a dynamic supervisor where this would wait for a start.
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

/// Forgets a child that does not run. Where one is being started or stopped, this waits for that. May wait; any thread.
///
/// @param id  borrowed.
/// @return REGROW_ERR_RUNNING, REGROW_ERR_RESTARTING or REGROW_ERR_NOT_FOUND; REGROW_ERR_WOULD_DEADLOCK as in
///         regrow_supervisor_restart_child().
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
/// In place of a pid there is `undefined` for a child that does not run, `restarting` for one whose restart failed and
/// is about to be tried again or waits for its time, `parked` for one that failed too often (see regrow_backoff_spec).
/// The Id of a REGROW_SIMPLE_ONE_FOR_ONE's children, and of tasks, is `undefined`. Type is `worker` or `supervisor`;
/// Kind is what the constant is called: `server`, `supervisor`, `registry`, ...
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
/// @param count  in-out: `.size` set; filled in.
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

/// What a child was started with: `#{id, restart, shutdown, significant, type, kind}`. May wait; any thread.
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

/// The pid that a child has now. May wait; any thread.
///
/// @param id   borrowed; as in regrow_supervisor_terminate_child().
/// @param pid  out: zero when it does not run.
/// @return REGROW_ERR_NOT_FOUND when there is no child of that id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_supervisor_lookup(
    supervisor: regrow_pid, id: *const regrow_term, pid: *mut regrow_pid,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (id, pid) = unsafe { (borrow(id)?, out(pid)?) };
        pid.set(supervisor::lookup(supervisor.into(), id)?.as_pid().unwrap_or(Pid::NONE));
        Ok(())
    })
}

/// Has the caller told of each change of the supervisor's children from now on, in order. Needs an identity; may wait.
///
/// Each message is `{child, Ref, Supervisor, Event}`; Event is a map with the key `event` and others: `started` (id,
/// pid); `restarted`, for a child that had failed (id, pid, old, reason, count); `terminated`, for one that was up (id,
/// pid, reason); `parked` and `limit`, for one that failed too often and stays down or ends the supervisor (id, old,
/// reason, count). `old` is the pid it had, or `undefined`; `count` how often it was to be restarted. The subscription
/// ends with the supervisor, of which nothing tells but a monitor, or with the caller.
///
/// @param subscription  out: the Ref.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_supervisor_subscribe(
    supervisor: regrow_pid, subscription: *mut regrow_ref,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let subscription = unsafe { out(subscription) }?;
        subscription.set(supervisor::subscribe(supervisor.into())?);
        Ok(())
    })
}

/// Ends a subscription: no message of it is sent after this. May wait; any thread.
///
/// @return REGROW_ERR_NOT_FOUND when it has ended already, or never was.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_supervisor_unsubscribe(supervisor: regrow_pid, subscription: regrow_ref) -> regrow_error {
    guard(|| Ok(supervisor::unsubscribe(supervisor.into(), subscription.into())?))
}

/// The last 100 failures of its children, oldest first: `[#{id, pid, reason, count, time_ms, uptime_ms, verdict}]`. May
/// wait; any thread.
///
/// An entry is made each time that a child was to be restarted: the pid that it had (`undefined` if none), why it ended
/// or did not start, how often this child was to be restarted so far, when that was on the runtime's clock, how long
/// it had been up (0 when it did not start), and what became of it: `{restart, DelayMs}`, `parked`, or `shutdown` when
/// the supervisor ended.
///
/// @param failures  out; yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_supervisor_history(supervisor: regrow_pid, failures: *mut regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let failures = unsafe { out(failures) }?;
        failures.set(supervisor::history(supervisor.into())?);
        Ok(())
    })
}
