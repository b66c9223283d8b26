//! Registries: processes found by keys of any kind.
#![allow(non_camel_case_types)]

use super::agent::run;
use super::support::{Fault, SizedStruct, borrow, guard, out, out_optional, sized, take};
use super::types::{
    REGROW_DUPLICATE, REGROW_UNIQUE, regrow_agent_callback, regrow_each_callback, regrow_error, regrow_pid, regrow_term,
};
use crate::process::{self, Error, Startable};
use crate::registry::{self, RegistrySpec};
use crate::term::Term;
use std::ffi::c_void;
use std::sync::Arc;

/// A registry. Whoever has an entry in it is linked with it: one that is killed takes them along.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_registry_spec {
    /// sizeof(regrow_registry_spec).
    pub size: usize,
    /// REGROW_UNIQUE (0): one entry for each key. REGROW_DUPLICATE: any number.
    pub keys: u32,
    /// Zero.
    pub reserved: u32,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_registry_spec {}

/// Reads a registry spec.
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn startable(spec: *const c_void) -> Result<Arc<dyn Startable>, Fault> {
    // SAFETY: the caller's promise.
    let given = unsafe { sized(spec.cast::<regrow_registry_spec>()) }?;
    if given.keys > REGROW_DUPLICATE || given.reserved != 0 {
        return Err(Fault::argument("a registry's keys are unknown"));
    }
    Ok(Arc::new(RegistrySpec { unique: given.keys == REGROW_UNIQUE }))
}

/// Gives a process an entry: gone again, at the latest, before anybody can see that it has ended. Any thread.
///
/// @param key    moved. Compared exactly: 1 is not 1.0.
/// @param pid    who is found by it; needs not be the caller.
/// @param value  moved; what is kept beside it.
/// @return REGROW_ERR_EXISTS when the key of a unique registry is taken: {already_registered, Pid}.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_registry_register(
    registry: regrow_pid, key: regrow_term, pid: regrow_pid, value: regrow_term,
) -> regrow_error {
    let (key, value) = (take(key), take(value));
    guard(|| {
        process::identity()?;
        Ok(registry::register(registry.into(), key?, pid.into(), value?)?)
    })
}

/// Takes the entries of a process under a key away. REGROW_OK also when there were none. Any thread.
///
/// @param key  borrowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_unregister(
    registry: regrow_pid, key: *const regrow_term, pid: regrow_pid,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let key = unsafe { borrow(key) }?;
        process::identity()?;
        Ok(registry::unregister(registry.into(), key, pid.into())?)
    })
}

/// As regrow_registry_unregister(), only the entries whose value is exactly this one.
///
/// @param value  borrowed. The atom _ matches anything, also within tuples and lists.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_unregister_match(
    registry: regrow_pid, key: *const regrow_term, value: *const regrow_term, pid: regrow_pid,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (key, value) = unsafe { (borrow(key)?, borrow(value)?) };
        process::identity()?;
        Ok(registry::unregister_match(registry.into(), key, value, pid.into())?)
    })
}

/// Gives the caller's own entry in a unique registry another value. Needs an identity.
///
/// @param key        borrowed.
/// @param update     makes the new value, `next`, from the old, `state`; runs in the caller, and must not wait.
/// @param old_value  out: the value until now. NULL: not wanted.
/// @return REGROW_ERR_NOT_FOUND when the caller does not have the key. REGROW_ERR_ARGUMENT when `update` did not return
///         REGROW_DONE: the value stays, and regrow_last_reason() gives what it returned regrow_stop_self() with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_update(
    registry: regrow_pid, key: *const regrow_term, update: regrow_agent_callback, user: *mut c_void,
    old_value: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        let update = update.ok_or(Fault::argument("the function is NULL"))?;
        // SAFETY: as the header says.
        let (key, old_value) = unsafe { (borrow(key)?, out_optional(old_value)) };
        let me = super::start::me()?.pid();
        let old = registry::update(registry.into(), key, me, |value| {
            // SAFETY: the user's function, called as the header says.
            let made = unsafe { run(update, user, value) }.map_err(Error::Refused)?;
            Ok(made.state.unwrap_or_else(|| value.clone()))
        })?;
        old_value.set(old);
        Ok(())
    })
}

/// Who has a key of a unique registry. Any thread.
///
/// @param key  borrowed.
/// @param pid  out.
/// @return REGROW_ERR_NOT_FOUND when nobody has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_whereis(
    registry: regrow_pid, key: *const regrow_term, pid: *mut regrow_pid,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (key, pid) = unsafe { (borrow(key)?, out(pid)?) };
        pid.set(registry::whereis(registry.into(), key)?.ok_or(Error::NotFound)?);
        Ok(())
    })
}

/// All entries of a key, in the order in which they were registered. Any thread.
///
/// @param key      borrowed.
/// @param entries  out: a list of {Pid, Value}; yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_lookup(
    registry: regrow_pid, key: *const regrow_term, entries: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (key, entries) = unsafe { (borrow(key)?, out(entries)?) };
        entries.set(registry::lookup_term(registry.into(), key)?);
        Ok(())
    })
}

/// The keys that a process has, in no order; in a duplicate registry each as often as it has it. Any thread.
///
/// @param keys  out: a list; yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_keys(
    registry: regrow_pid, pid: regrow_pid, keys: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let keys = unsafe { out(keys) }?;
        keys.set(Term::list(registry::keys(registry.into(), pid.into())?));
        Ok(())
    })
}

/// The values that a process has under a key, in the order in which they were registered. Any thread.
///
/// @param key     borrowed.
/// @param values  out: a list; yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_values(
    registry: regrow_pid, key: *const regrow_term, pid: regrow_pid, values: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (key, values) = unsafe { (borrow(key)?, out(values)?) };
        values.set(Term::list(registry::values(registry.into(), key, pid.into())?));
        Ok(())
    })
}

/// How many entries there are. Any thread.
///
/// @param count  out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_count(registry: regrow_pid, count: *mut usize) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let count = unsafe { out(count) }?;
        count.set(registry::count(registry.into())?);
        Ok(())
    })
}

/// Calls a function for every entry that a key has now; in the caller, without a lock, so that it may register and
/// unregister. Not called for a process that has ended meanwhile. Any thread; waits when `each` does.
///
/// @param key  borrowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_dispatch(
    registry: regrow_pid, key: *const regrow_term, each: regrow_each_callback, user: *mut c_void,
) -> regrow_error {
    guard(|| {
        let each = each.ok_or(Fault::argument("the function is NULL"))?;
        // SAFETY: as the header says.
        let key = unsafe { borrow(key) }?;
        process::identity()?;
        // SAFETY: the user's function, called as the header says.
        let each = |pid: crate::term::Pid, value: &Term| unsafe {
            each(user, pid.into(), std::ptr::from_ref(value).cast());
        };
        Ok(registry::dispatch(registry.into(), key, each)?)
    })
}
