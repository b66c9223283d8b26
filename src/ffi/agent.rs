//! Agents: a process that keeps a term, and runs functions over it.
#![allow(non_camel_case_types)]

use super::context::{context_pointer, regrow_context};
use super::request::{User, pass_request, regrow_request};
use super::support::{
    Fault, SizedStruct, borrow_optional, bound_of, guard, limit, out, out_optional, sized, take, watchdog,
};
use super::types::{
    REGROW_INLINE, REGROW_NO_PARK, regrow_agent_callback, regrow_drop_callback, regrow_error, regrow_next, regrow_pid,
    regrow_term,
};
use crate::agent::{self, AgentSpec, Answer, Job, Made, Start};
use crate::process::{self, Error, Startable};
use crate::server::{Callback, Context, Step};
use crate::term::{Term, atoms};
use std::ffi::c_void;
use std::sync::Arc;

/// An agent: keeps a term, and runs functions over it one after the other.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_agent_spec {
    /// sizeof(regrow_agent_spec).
    pub size: usize,
    /// Borrowed: the state at each start. NULL: [].
    pub initial: *const regrow_term,
    /// Makes the state, `next`, from `initial`, in the agent; its start waits for that. NULL: `initial` is the state.
    pub init: regrow_agent_callback,
    /// Passed to `init`.
    pub user: *mut c_void,
    /// Gives `user` back, once for each call that took this struct, also when the call failed. NULL: nothing.
    pub drop_user: regrow_drop_callback,
    /// REGROW_NO_PARK: its functions never wait. REGROW_INLINE: as in regrow_server_spec.
    pub flags: u32,
    /// As in regrow_server_spec, of `init` and of each function. Whoever lent a function that is ended so still waits
    /// until it has returned.
    pub watchdog_ms: u32,
    /// As in regrow_server_spec; functions count.
    pub mailbox_limit: u32,
    /// REGROW_REJECT (0), REGROW_DROP_OLDEST, REGROW_DROP_NEWEST or REGROW_BLOCK.
    pub mailbox_policy: u32,
    /// As in regrow_server_spec.
    pub mailbox_wait_ms: u32,
    /// Zero.
    pub mailbox_reserved: u32,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_agent_spec {}

type Function = unsafe extern "C-unwind" fn(
    *mut regrow_context,
    *mut c_void,
    *const regrow_term,
    *mut regrow_term,
    *mut regrow_term,
) -> regrow_next;

/// What stands in a place that the user may write to: no term that could come from anywhere, so that a term that
/// could not be made is told from none.
pub(super) fn unwritten() -> regrow_term {
    let invalid: regrow_term = Term::invalid().into();
    regrow_term { meta: invalid.meta | 1 << 8, value: 0 }
}

/// What stands there now.
pub(super) fn written(place: regrow_term) -> Result<Option<Term>, Term> {
    let before = unwritten();
    if place.meta == before.meta && place.value == before.value {
        return Ok(None);
    }
    take(place).map(Some).map_err(|fault| fault.reason)
}

/// Runs a function of the user's over a state.
///
/// # Safety
/// The function and its pointer are the user's, and may be used here.
pub(super) unsafe fn run(function: Function, user: *mut c_void, state: &Term) -> Made {
    let mut context = Context::new(Callback::Function);
    let (mut next, mut reply) = (unwritten(), unwritten());
    let state = std::ptr::from_ref(state).cast();
    // SAFETY: the caller's promise.
    let returned = unsafe { function(context_pointer(&mut context), user, state, &raw mut next, &raw mut reply) };
    // Both are taken whatever comes of it: they are ours to free.
    let (next, reply) = (written(next), written(reply));
    if context.is_plain_done(returned) {
        // As below, without a decision: building one took a third of an update's instructions.
        return Ok(Answer { state: next?, reply: reply?.unwrap_or(Term::nil()) });
    }
    match context.decide(returned).step {
        Step::Go => Ok(Answer { state: next?, reply: reply?.unwrap_or(Term::nil()) }),
        Step::Stop(reason) => Err(reason),
        _ => Err(Term::atom(atoms::BAD_RETURN_VALUE)),
    }
}

/// A function that its caller lent.
struct Lent {
    function: Function,
    user: *mut c_void,
}

// SAFETY: the caller waits until the function has ended or never will run; the header says that it runs elsewhere.
unsafe impl Send for Lent {}

impl Lent {
    fn new(function: regrow_agent_callback, user: *mut c_void) -> Result<Lent, Fault> {
        Ok(Lent { function: function.ok_or(Fault::argument("the function is NULL"))?, user })
    }

    fn job(self) -> Job {
        Box::new(move |state| {
            let lent = self;
            // SAFETY: the user's function, called as the header says.
            unsafe { run(lent.function, lent.user, state) }
        })
    }
}

/// A function that was given away, with what it is to be given.
struct Given {
    function: Function,
    user: User,
}

impl Given {
    fn new(function: regrow_agent_callback, user: User) -> Result<Given, Fault> {
        Ok(Given { function: function.ok_or(Fault::argument("the function is NULL"))?, user })
    }

    fn job(self) -> Job {
        Box::new(move |state| {
            let Given { function, user } = self;
            // SAFETY: the user's function, called as the header says.
            let made = unsafe { run(function, user.user, state) };
            process::without_waiting(|| drop(user));
            made
        })
    }
}

/// Reads an agent spec. `drop_user` runs once, however this ends.
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn startable(spec: *const c_void) -> Result<Arc<dyn Startable>, Fault> {
    // SAFETY: the caller's promise.
    let given = unsafe { sized(spec.cast::<regrow_agent_spec>()) }?;
    let user = User { user: given.user, drop: given.drop_user };
    // SAFETY: as above.
    let initial = unsafe { borrow_optional(given.initial) }?.cloned().unwrap_or(Term::nil());
    if given.flags & !(REGROW_NO_PARK | REGROW_INLINE) != 0 {
        return Err(Fault::argument("an agent's flags are unknown"));
    }
    let bound = bound_of(given.mailbox_limit, given.mailbox_policy, given.mailbox_wait_ms, given.mailbox_reserved)?;
    // Without an init nobody gets the user: it is given back here.
    let start = given.init.map(|init| -> Start {
        Arc::new(move |initial: &Term| {
            let user = &user;
            // SAFETY: the user's function, called as the header says.
            let made = unsafe { run(init, user.user, initial) }?;
            Ok(made.state.unwrap_or_else(|| initial.clone()))
        })
    });
    let flags = super::server::process_flags(given.flags);
    let watchdog_ms = watchdog(given.watchdog_ms);
    Ok(Arc::new(AgentSpec { initial, start, flags, bound, watchdog_ms }))
}

/// Refuses what is no agent: a process of another kind might never say so.
fn is_agent(agent: regrow_pid) -> Result<(), Error> {
    process::identity()?;
    match process::with_process(agent.into(), process::Process::kind) {
        Some(atoms::AGENT) => Ok(()),
        Some(_) => Err(Error::WrongKind),
        None => Err(Error::NoProcess),
    }
}

/// Runs a function that reads an agent's state, in the agent. May wait; any thread.
///
/// It returns, even to a caller that was killed, only once `get` has ended or never will run, so `user` may lie on the
/// stack. A function that ends with regrow_stop_self(), or panics, ends the agent too.
///
/// @param get         gives the answer in `reply`. NULL: the answer is the state itself.
/// @param timeout_ms  how long to wait for it to begin. The agent lives on.
/// @param value       out: the answer; yours. NULL: not wanted.
/// @return REGROW_ERR_EXITED when the agent ended first: regrow_last_reason(); REGROW_ERR_NO_PROCESS;
///         REGROW_ERR_TIMEOUT; REGROW_ERR_SELF_CALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_agent_get(
    agent: regrow_pid, get: regrow_agent_callback, user: *mut c_void, timeout_ms: u32, value: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let value = unsafe { out_optional(value) };
        is_agent(agent)?;
        let answer = match get {
            None => agent::state(agent.into(), limit(timeout_ms))?,
            Some(_) => agent::get(agent.into(), Lent::new(get, user)?.job(), limit(timeout_ms))?,
        };
        value.set(answer);
        Ok(())
    })
}

/// Runs a function that makes a new state, `next`, in the agent. May wait; any thread. As regrow_agent_get().
#[unsafe(no_mangle)]
pub extern "C" fn regrow_agent_update(
    agent: regrow_pid, update: regrow_agent_callback, user: *mut c_void, timeout_ms: u32,
) -> regrow_error {
    guard(|| {
        let job = Lent::new(update, user)?.job();
        is_agent(agent)?;
        Ok(agent::update(agent.into(), job, limit(timeout_ms))?)
    })
}

/// Runs a function that makes a new state, `next`, and an answer, `reply`. May wait; any thread. As regrow_agent_get().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_agent_get_and_update(
    agent: regrow_pid, update: regrow_agent_callback, user: *mut c_void, timeout_ms: u32, value: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let value = unsafe { out_optional(value) };
        let job = Lent::new(update, user)?.job();
        is_agent(agent)?;
        value.set(agent::get_and_update(agent.into(), job, limit(timeout_ms))?);
        Ok(())
    })
}

/// As regrow_agent_update(), without waiting. Any thread.
///
/// @param drop     gives `user` back, exactly once, after `update` or without it. NULL: nothing.
/// @param pending  out: the request; its result is the atom ok. The function runs also when nobody waits any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_agent_update_async(
    agent: regrow_pid, update: regrow_agent_callback, user: *mut c_void, drop: regrow_drop_callback, timeout_ms: u32,
    pending: *mut *mut regrow_request,
) -> regrow_error {
    let user = User { user, drop };
    guard(|| {
        // SAFETY: as the header says.
        let pending = unsafe { out(pending) }?;
        let job = Given::new(update, user)?.job();
        is_agent(agent)?;
        pass_request(pending, agent::update_request(agent.into(), job, limit(timeout_ms))?);
        Ok(())
    })
}

/// Has a function make a new state, and does not wait for that. REGROW_OK also when the agent is dead; refused, or
/// waiting for room, as regrow_send(). Any thread.
///
/// @param drop  gives `user` back, exactly once, after `update` or without it. NULL: nothing.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_agent_cast(
    agent: regrow_pid, update: regrow_agent_callback, user: *mut c_void, drop: regrow_drop_callback,
) -> regrow_error {
    let user = User { user, drop };
    guard(|| {
        process::identity()?;
        Ok(agent::cast(agent.into(), Given::new(update, user)?.job())?)
    })
}
