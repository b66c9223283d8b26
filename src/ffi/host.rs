//! Host processes: messages go to a function of the embedding program.
#![allow(non_camel_case_types)]

use super::request::User;
use super::support::{Fault, SizedStruct, guard, sized, take, watchdog};
use super::types::{
    REGROW_NOT_BUSY, regrow_caller, regrow_deliver_callback, regrow_drop_callback, regrow_error, regrow_exit_callback,
    regrow_pid, regrow_term,
};
use crate::process::{self, ChildStart, Error, Startable};
use crate::server::{Host, HostCallbacks};
use crate::term::{Atom, Pid, Term, atoms};
use std::ffi::c_void;
use std::sync::Arc;

/// A host process: its messages go to a function of the embedding program, one at a time, on some worker. For event
/// loops and other runtimes, whose objects become processes that way: named, linked, monitored, supervised.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_host_spec {
    /// sizeof(regrow_host_spec).
    pub size: usize,
    /// Gets each message.
    pub deliver: regrow_deliver_callback,
    /// Told of the end. NULL: nothing.
    pub exit: regrow_exit_callback,
    /// Passed to both.
    pub user: *mut c_void,
    /// Gives `user` back, once for each call that took this struct, also when the call failed. NULL: nothing.
    pub drop_user: regrow_drop_callback,
    /// REGROW_NOT_BUSY: calls to it may stay unanswered for long. Else regrow_settle() and regrow_advance() wait until
    /// each is answered, or its caller has given up.
    pub flags: u32,
    /// As in regrow_server_spec, of `deliver`; `exit` is called when that has returned.
    pub watchdog_ms: u32,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_host_spec {}

struct Spec {
    given: regrow_host_spec,
    user: User,
}

// SAFETY: function pointers and the user's, which the header says go from thread to thread.
unsafe impl Send for Spec {}
// SAFETY: as above.
unsafe impl Sync for Spec {}

struct CHost(Arc<Spec>);

/// Reads a host spec. `drop_user` runs once, however this ends.
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn startable(spec: *const c_void) -> Result<Arc<dyn Startable>, Fault> {
    // SAFETY: the caller's promise.
    let given = unsafe { sized(spec.cast::<regrow_host_spec>()) }?;
    let user = User { user: given.user, drop: given.drop_user };
    if given.deliver.is_none() {
        return Err(Fault::argument("a host process needs a function to deliver to"));
    }
    if given.flags & !REGROW_NOT_BUSY != 0 {
        return Err(Fault::argument("a host's flags are unknown"));
    }
    Ok(Arc::new(CHost(Arc::new(Spec { given, user }))))
}

impl Startable for CHost {
    fn build(&self) -> ChildStart {
        let busy = self.0.given.flags & REGROW_NOT_BUSY == 0;
        ChildStart {
            at_once: true,
            watchdog_ms: watchdog(self.0.given.watchdog_ms),
            ..ChildStart::new(Box::new(Host::new(Functions(self.0.clone()), busy)))
        }
    }

    fn kind(&self) -> Atom {
        atoms::HOST
    }
}

struct Functions(Arc<Spec>);

impl HostCallbacks for Functions {
    fn deliver(&mut self, me: Pid, message: &Term, call: u64) {
        if let Some(deliver) = self.0.given.deliver {
            let server = if call == 0 { 0 } else { me.0 };
            let caller = regrow_caller { server, call };
            // SAFETY: the user's function, called as the header says.
            unsafe { deliver(self.0.user.user, me.into(), std::ptr::from_ref(message).cast(), caller) }
        }
    }

    fn exit(&mut self, me: Pid, reason: &Term) {
        if let Some(exit) = self.0.given.exit {
            // SAFETY: the user's function, called as the header says.
            unsafe { exit(self.0.user.user, me.into(), std::ptr::from_ref(reason).cast()) }
        }
    }
}

/// Ends a host process, as if it had ended by itself: what it stands for is gone. Any thread.
///
/// @param reason  moved.
/// @return REGROW_ERR_WRONG_KIND when it is none.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_host_exit(host: regrow_pid, reason: regrow_term) -> regrow_error {
    let reason = take(reason);
    guard(|| {
        let reason = reason?;
        process::identity()?;
        let kind = process::with_process(host.into(), process::Process::kind).ok_or(Error::NoProcess)?;
        if kind != atoms::HOST {
            return Err(Error::WrongKind.into());
        }
        // It has no code of its own that could be interrupted, so this is its own end.
        process::end_outside(host.into(), reason);
        Ok(())
    })
}
