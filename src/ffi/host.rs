//! Host processes: messages go to a function of the embedding program.
#![allow(non_camel_case_types)]

use super::request::User;
use super::support::{Fault, SizedStruct, bound_of, guard, sized, take, watchdog};
use super::types::{
    REGROW_NOT_BUSY, REGROW_TAG_CASTS, regrow_caller, regrow_deliver_callback, regrow_drop_callback, regrow_error,
    regrow_exit_callback, regrow_pid, regrow_term,
};
use crate::process::{self, Bound, ChildStart, Error, Startable};
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
    /// each is answered, or its caller has given up. REGROW_TAG_CASTS: casts come as {'$gen_cast', Message}.
    pub flags: u32,
    /// As in regrow_server_spec, of `deliver`; `exit` is called when that has returned.
    pub watchdog_ms: u32,
    /// As in regrow_server_spec, of messages that were not delivered yet. See regrow_host_hold().
    pub mailbox_limit: u32,
    /// REGROW_REJECT (0), REGROW_DROP_OLDEST, REGROW_DROP_NEWEST or REGROW_BLOCK.
    pub mailbox_policy: u32,
    /// As in regrow_server_spec.
    pub mailbox_wait_ms: u32,
    /// Zero.
    pub mailbox_reserved: u32,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_host_spec {}

struct Spec {
    given: regrow_host_spec,
    user: User,
    bound: Option<Bound>,
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
    if given.flags & !(REGROW_NOT_BUSY | REGROW_TAG_CASTS) != 0 {
        return Err(Fault::argument("a host's flags are unknown"));
    }
    let bound = bound_of(given.mailbox_limit, given.mailbox_policy, given.mailbox_wait_ms, given.mailbox_reserved)?;
    Ok(Arc::new(CHost(Arc::new(Spec { given, user, bound }))))
}

impl Startable for CHost {
    fn build(&self) -> ChildStart {
        let has = |flag| self.0.given.flags & flag != 0;
        let host = Host::new(Functions(self.0.clone()), !has(REGROW_NOT_BUSY), has(REGROW_TAG_CASTS));
        ChildStart {
            at_once: true,
            bound: self.0.bound,
            watchdog_ms: watchdog(self.0.given.watchdog_ms),
            ..ChildStart::new(host)
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

/// Says that what is behind a host process cannot keep up, or can again: while it is held, no message that counts fits
/// its mailbox, as if that were at its limit, and its policy has effect (with REGROW_DROP_OLDEST the sender is refused,
/// since what waits is yet to be delivered). What is there already is delivered, and what does not count as before.
/// Holding it twice is holding it once. Any thread.
///
/// @return REGROW_ERR_WRONG_KIND when it is no host process; REGROW_ERR_ARGUMENT when its mailbox has no limit.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_host_hold(host: regrow_pid, hold: bool) -> regrow_error {
    guard(|| {
        process::identity()?;
        let found =
            process::with_process(host.into(), |host| (host.kind() == atoms::HOST).then(|| host.hold_back(hold)));
        if found.ok_or(Error::NoProcess)?.ok_or(Error::WrongKind)? {
            Ok(())
        } else {
            Err(Fault::argument("a host without a mailbox_limit cannot be held"))
        }
    })
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
