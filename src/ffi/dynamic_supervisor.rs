//! Dynamic supervisors: their spec. What can be asked of them is in `supervisor`.
#![allow(non_camel_case_types)]

use super::request::User;
use super::supervisor::{hook, max_restarts};
use super::support::{Fault, SizedStruct, borrow_optional, sized};
use super::types::{
    REGROW_NONE, REGROW_UNIQUE_IDS, regrow_drop_callback, regrow_supervisor_init_callback, regrow_term,
};
use crate::process::Startable;
use crate::supervisor::DynamicSpec;
use crate::term::Term;
use std::ffi::c_void;
use std::sync::Arc;

/// A supervisor that starts empty: regrow_supervisor_start_child() gives it children of any kind, each with a spec of
/// its own, any number at a time. They are started, restarted and stopped side by side, and a child may start a sibling
/// from its init. One that has ended and is not restarted is forgotten. Copied when used.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_dynamic_supervisor_spec {
    /// sizeof(regrow_dynamic_supervisor_spec).
    pub size: usize,
    /// So many children at once, those that are being started or restarted included; one more is REGROW_ERR_LIMIT with
    /// reason `max_children`. 0: any number. REGROW_NONE: none.
    pub max_children: u32,
    /// More than this many restarts ...; 0: 3, REGROW_NONE: none is allowed.
    pub max_restarts: u32,
    /// ... within this many milliseconds end the supervisor itself, with reason `shutdown`; 0: 5000.
    pub period_ms: u32,
    /// REGROW_UNIQUE_IDS: an id that a child has is REGROW_ERR_EXISTS, told once that child is up (at once in a child's
    /// init and to who answers a call of one, which would be waited for); one that fails to start, or is being
    /// stopped, makes way. Else any number of children may have the same, and are told apart by their pids.
    pub flags: u32,
    /// Runs at each start. NULL: nothing.
    pub init: regrow_supervisor_init_callback,
    /// Passed to `init`.
    pub user: *mut c_void,
    /// Gives `user` back, once for each call that took this struct, also when the call failed. NULL: nothing.
    pub drop_user: regrow_drop_callback,
    /// Borrowed: passed to `init`. NULL: [].
    pub arg: *const regrow_term,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_dynamic_supervisor_spec {}

/// Reads a dynamic supervisor spec. `drop_user` runs once, however this ends.
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn startable(spec: *const c_void) -> Result<Arc<dyn Startable>, Fault> {
    // SAFETY: the caller's promise.
    let given = unsafe { sized(spec.cast::<regrow_dynamic_supervisor_spec>()) }?;
    let user = User { user: given.user, drop: given.drop_user };
    if given.flags & !REGROW_UNIQUE_IDS != 0 {
        return Err(Fault::argument("a dynamic supervisor's flags are unknown"));
    }
    // SAFETY: the caller's promise.
    let arg = unsafe { borrow_optional(given.arg) }?.cloned().unwrap_or(Term::nil());
    let defaults = DynamicSpec::default();
    Ok(Arc::new(DynamicSpec {
        max_restarts: max_restarts(given.max_restarts, defaults.max_restarts),
        period_ms: if given.period_ms == 0 { defaults.period_ms } else { given.period_ms },
        max_children: match given.max_children {
            0 => None,
            REGROW_NONE => Some(0),
            many => Some(many),
        },
        unique_ids: given.flags & REGROW_UNIQUE_IDS != 0,
        init: hook(given.init, user),
        arg,
    }))
}
