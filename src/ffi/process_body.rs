//! Plain processes: a function that runs once, and may receive.
#![allow(non_camel_case_types)]

use super::context::context_pointer;
use super::request::User;
use super::support::{Fault, SizedStruct, bound_of, guard, in_node, out_optional, sized, watchdog};
use super::types::{
    REGROW_NO_PARK, REGROW_SHARED, REGROW_THREAD, regrow_body_callback, regrow_drop_callback, regrow_error, regrow_pid,
    regrow_ref,
};
use crate::process::{self, Bound, ChildStart, Error, Home, Node, Spawned, Startable};
use crate::server::{Body, Context, Next};
use crate::term::{Atom, Pid, atoms};
use std::ffi::c_void;
use std::sync::Arc;

/// A plain process: a function that runs once, in a process of its own, and may receive.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_process_spec {
    /// sizeof(regrow_process_spec).
    pub size: usize,
    /// What it does.
    pub body: regrow_body_callback,
    /// Passed to it, at each start.
    pub user: *mut c_void,
    /// Gives `user` back, once for each call that took this struct, also when the call failed. NULL: nothing.
    pub drop_user: regrow_drop_callback,
    /// REGROW_SHARED (0) or REGROW_THREAD.
    pub home: u32,
    /// REGROW_NO_PARK: it never waits.
    pub flags: u32,
    /// As in regrow_server_spec; messages that regrow_receive_match() passes over count too.
    pub mailbox_limit: u32,
    /// REGROW_REJECT (0), REGROW_DROP_OLDEST, REGROW_DROP_NEWEST or REGROW_BLOCK.
    pub mailbox_policy: u32,
    /// As in regrow_server_spec.
    pub mailbox_wait_ms: u32,
    /// As in regrow_server_spec: how long it may run without waiting or receiving.
    pub watchdog_ms: u32,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_process_spec {}

struct Spec {
    given: regrow_process_spec,
    user: User,
    bound: Option<Bound>,
}

// SAFETY: function pointers and the user's, which the header says go from thread to thread.
unsafe impl Send for Spec {}
// SAFETY: as above.
unsafe impl Sync for Spec {}

impl Spec {
    /// Reads one. `drop_user` runs once, however this ends.
    ///
    /// # Safety
    /// As the header says of the struct.
    unsafe fn read(spec: *const c_void) -> Result<Spec, Fault> {
        // SAFETY: the caller's promise.
        let given = unsafe { sized(spec.cast::<regrow_process_spec>()) }?;
        let user = User { user: given.user, drop: given.drop_user };
        if given.body.is_none() {
            return Err(Fault::argument("a process needs a body"));
        }
        if given.home > REGROW_THREAD || given.flags & !REGROW_NO_PARK != 0 {
            return Err(Fault::argument("a process's home or flags are unknown"));
        }
        let bound = bound_of(given.mailbox_limit, given.mailbox_policy, given.mailbox_wait_ms, 0)?;
        Ok(Spec { given, user, bound })
    }

    fn run(&self, context: &mut Context) -> Next {
        match self.given.body {
            // SAFETY: the user's function, called as the header says.
            Some(body) => unsafe { body(context_pointer(context), self.user.user) },
            None => 0,
        }
    }
}

/// A start that runs `body`, in the way that the spec says.
fn start(
    given: &regrow_process_spec, bound: Option<Bound>, body: impl FnOnce(&mut Context) -> Next + Send + 'static,
) -> ChildStart {
    ChildStart {
        kind: atoms::PROCESS,
        home: if given.home == REGROW_SHARED { Home::Shared } else { Home::Thread },
        bound,
        watchdog_ms: watchdog(given.watchdog_ms),
        flags: if given.flags & REGROW_NO_PARK != 0 { process::FLAG_NO_PARK } else { 0 },
        waits: given.flags & REGROW_NO_PARK == 0,
        ..ChildStart::new(Body::new(body))
    }
}

/// A spec of a child, which may be started again and again.
struct CBody(Arc<Spec>);

/// Reads a process spec. `drop_user` runs once, however this ends.
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn startable(spec: *const c_void) -> Result<Arc<dyn Startable>, Fault> {
    // SAFETY: the caller's promise.
    Ok(Arc::new(CBody(Arc::new(unsafe { Spec::read(spec) }?))))
}

impl Startable for CBody {
    fn build(&self) -> ChildStart {
        let spec = self.0.clone();
        start(&self.0.given, self.0.bound, move |context| spec.run(context))
    }

    fn kind(&self) -> Atom {
        atoms::PROCESS
    }
}

/// Starts one that nobody will start again.
fn spawn(node: &Arc<Node>, spec: Spec, parent: Pid, monitor: Option<Pid>) -> Result<Spawned, Error> {
    let (given, bound) = (spec.given, spec.bound);
    let mut start = start(&given, bound, move |context| spec.run(context));
    (start.parent, start.link, start.monitor) = (parent, parent != Pid::NONE, monitor);
    process::spawn(node, start)
}

/// Runs a function in a process of its own, and does not wait. Any thread.
///
/// @param runtime  the root, or any other process, of the runtime to run it in.
/// @param spec     borrowed.
/// @param pid      out. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_spawn(
    runtime: regrow_pid, spec: *const regrow_process_spec, pid: *mut regrow_pid,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (spec, pid) = unsafe { (Spec::read(spec.cast())?, out_optional(pid)) };
        process::identity()?;
        pid.set(in_node(runtime, |node| Ok(spawn(node, spec, Pid::NONE, None)?))?.pid);
        Ok(())
    })
}

/// As regrow_spawn(), linked with the caller, which is its parent, before its first instruction. Needs an identity.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_spawn_link(spec: *const regrow_process_spec, pid: *mut regrow_pid) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (spec, pid) = unsafe { (Spec::read(spec.cast())?, out_optional(pid)) };
        let me = super::start::me()?;
        pid.set(spawn(me.node(), spec, me.pid(), None)?.pid);
        Ok(())
    })
}

/// As regrow_spawn(), monitored by the caller before its first instruction. Needs an identity.
///
/// @param monitor  out: the Ref that its DOWN carries. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_spawn_monitor(
    spec: *const regrow_process_spec, pid: *mut regrow_pid, monitor: *mut regrow_ref,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (spec, pid, monitor) = unsafe { (Spec::read(spec.cast())?, out_optional(pid), out_optional(monitor)) };
        let me = super::start::me()?;
        let spawned = spawn(me.node(), spec, Pid::NONE, Some(me.pid()))?;
        pid.set(spawned.pid);
        if let Some(reference) = spawned.monitor {
            monitor.set(reference);
        }
        Ok(())
    })
}
