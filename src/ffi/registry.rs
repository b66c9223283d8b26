//! Registries: processes found by keys of any kind.
#![allow(non_camel_case_types)]

use super::agent::run;
use super::request::User;
use super::support::{
    Fault, SizedStruct, borrow, borrow_optional, guard, limit, moved, out, out_optional, sized, take, text,
};
use super::types::{
    REGROW_DUPLICATE, REGROW_UNIQUE, regrow_agent_callback, regrow_each_callback, regrow_error, regrow_pid,
    regrow_run_callback, regrow_term,
};
use crate::process::{self, Error, Startable};
use crate::registry::{self, RegistrySpec};
use crate::term::Term;
use std::ffi::{c_char, c_void};
use std::sync::Arc;

/// A registry. Whoever enters it is linked with it by each entry, if it is not already, until it has none: one that is
/// killed takes them along.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_registry_spec {
    /// sizeof(regrow_registry_spec).
    pub size: usize,
    /// REGROW_UNIQUE (0): one entry for each key. REGROW_DUPLICATE: any number.
    pub keys: u32,
    /// Into how many parts its table is cut, each with a lock of its own; no function's result depends on it. 0: 64.
    pub partitions: u32,
    /// The names of processes that are told what comes and goes, by messages in the order in which it happened:
    /// {register, Registry, Key, Pid, Value} for each entry, and {unregister, Registry, Key, Pid} once Pid has no
    /// entry left under Key, for whatever reason, a crash included: the entry is gone then, but not yet all else
    /// of a process that ends. Registry is the registry's name as text, or its pid. A name that nobody has at that moment
    /// misses the event.
    pub listeners: *const *const c_char,
    /// How many listeners.
    pub listener_count: usize,
    /// Borrowed: a map of what is kept beside the entries at each start; see regrow_registry_put_meta(). NULL: nothing.
    pub meta: *const regrow_term,
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
    if given.keys > REGROW_DUPLICATE {
        return Err(Fault::argument("a registry's keys are unknown"));
    }
    if given.partitions as usize > registry::MAX_PARTITIONS {
        return Err(Fault::argument("a registry has too many partitions"));
    }
    if given.listeners.is_null() && given.listener_count > 0 {
        return Err(Fault::argument("the listeners are NULL"));
    }
    let mut listeners: Vec<Arc<str>> = Vec::new();
    for at in 0..given.listener_count {
        // SAFETY: the caller's promise: that many names.
        listeners.push(unsafe { text(*given.listeners.add(at)) }?.into());
    }
    // SAFETY: as above.
    let meta = match unsafe { borrow_optional(given.meta) }? {
        Some(meta) => {
            let meta = meta.as_map().ok_or(Fault::argument("a registry's meta is no map"))?;
            meta.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
        }
        None => Vec::new(),
    };
    let (unique, partitions) = (given.keys == REGROW_UNIQUE, given.partitions as usize);
    Ok(Arc::new(RegistrySpec { unique, partitions, listeners, meta }))
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
    let (mut key, mut value) = (moved(key), moved(value));
    guard(|| {
        process::identity()?;
        let (key, value) = (key.get()?, value.get()?);
        Ok(registry::register_taking(registry.into(), key, pid.into(), value)?)
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

/// As regrow_registry_unregister(), only the entries whose value matches. Any thread.
///
/// @param pattern  borrowed. Matches what is exactly equal; in it the atom _ matches anything, '$1', '$2', ... match
///                 anything and name it for the guards.
/// @param guards   borrowed: a list of conditions as in a match specification, such as {'>', '$1', 3}. NULL: none.
/// @return REGROW_ERR_ARGUMENT when they are malformed; regrow_last_error() says where.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_unregister_match(
    registry: regrow_pid, key: *const regrow_term, pid: regrow_pid, pattern: *const regrow_term,
    guards: *const regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (key, pattern, guards) = unsafe { (borrow(key)?, borrow(pattern)?, borrow_optional(guards)?) };
        process::identity()?;
        Ok(registry::unregister_match(registry.into(), key, pid.into(), pattern, guards)?)
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
        let Some(holder) = registry::whereis(registry.into(), key)? else { return Err(Error::NotFound.into()) };
        pid.set(holder);
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

/// The entries of a key whose value matches, in the order in which they were registered. Any thread.
///
/// @param key               borrowed.
/// @param pattern, guards   as regrow_registry_unregister_match() takes them.
/// @param entries           out: a list of {Pid, Value}; yours.
/// @return as regrow_registry_unregister_match().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_match(
    registry: regrow_pid, key: *const regrow_term, pattern: *const regrow_term, guards: *const regrow_term,
    entries: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (key, pattern, guards) = unsafe { (borrow(key)?, borrow(pattern)?, borrow_optional(guards)?) };
        // SAFETY: as above.
        let entries = unsafe { out(entries) }?;
        entries.set(registry::match_entries(registry.into(), key, pattern, guards)?);
        Ok(())
    })
}

/// How many entries of a key have a value that matches. Any thread. As regrow_registry_match().
///
/// @param count  out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_count_match(
    registry: regrow_pid, key: *const regrow_term, pattern: *const regrow_term, guards: *const regrow_term,
    count: *mut usize,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (key, pattern, guards) = unsafe { (borrow(key)?, borrow(pattern)?, borrow_optional(guards)?) };
        // SAFETY: as above.
        let count = unsafe { out(count) }?;
        count.set(registry::count_match(registry.into(), key, pattern, guards)?);
        Ok(())
    })
}

/// What a match specification makes of the entries, in no order. Any thread.
///
/// Entries that come and go meanwhile may be seen or not; the others are seen once. A specification whose heads name
/// their keys looks at these alone.
///
/// @param spec     borrowed: a list of {Head, Guards, Body}, as for ets:select; each head is a {Key, Pid, Value}.
/// @param results  out: a list; yours.
/// @return as regrow_registry_unregister_match().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_select(
    registry: regrow_pid, spec: *const regrow_term, results: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (spec, results) = unsafe { (borrow(spec)?, out(results)?) };
        results.set(Term::list(registry::select(registry.into(), spec)?));
        Ok(())
    })
}

/// For how many entries a match specification gives `true`. Any thread. As regrow_registry_select().
///
/// @param count  out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_count_select(
    registry: regrow_pid, spec: *const regrow_term, count: *mut usize,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (spec, count) = unsafe { (borrow(spec)?, out(count)?) };
        count.set(registry::count_select(registry.into(), spec)?);
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

/// As regrow_registry_dispatch(), with the entries cut up by their processes into as many parts as the registry has
/// partitions, and each part that has any in a process of its own: there `each` runs, and may wait, at the same time as
/// for other parts. May wait, for all of them; any thread. A unique registry, or one with a single partition, is not
/// cut up: then `each` runs in the caller.
///
/// Once this has returned, whatever it returns, `each` does not run any more. Waiting in it for the caller is to wait
/// for ever.
///
/// @param key   borrowed.
/// @param each  regrow_self() in it is the part's process; that one's end leaves out the rest of its part, and nothing
///              of the others.
/// @return REGROW_ERR_EXITED when such a process was ended: its reason. REGROW_ERR_LIMIT, REGROW_ERR_NOT_ALIVE when one
///         could not be started. REGROW_ERR_KILLED: the caller was killed, and they with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_dispatch_parallel(
    registry: regrow_pid, key: *const regrow_term, each: regrow_each_callback, user: *mut c_void,
) -> regrow_error {
    guard(|| {
        let each = each.ok_or(Fault::argument("the function is NULL"))?;
        // SAFETY: as the header says.
        let key = unsafe { borrow(key) }?;
        process::identity()?;
        let user = User { user, drop: None };
        let each = move |pid: crate::term::Pid, value: &Term| {
            // All of it goes along, and not the bare pointer alone.
            let user: &User = &user;
            // SAFETY: the user's function, called as the header says.
            unsafe { each(user.user, pid.into(), std::ptr::from_ref(value).cast()) };
        };
        Ok(registry::dispatch_in_parallel(registry.into(), key, each)?)
    })
}

/// What is kept under a key beside the entries. Any thread.
///
/// @param key    borrowed.
/// @param value  out; yours.
/// @return REGROW_ERR_NOT_FOUND when nothing is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_meta(
    registry: regrow_pid, key: *const regrow_term, value: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (key, value) = unsafe { (borrow(key)?, out(value)?) };
        value.set(registry::meta(registry.into(), key)?.ok_or(Error::NotFound)?);
        Ok(())
    })
}

/// Keeps a value under a key beside the entries, instead of what was there; until the registry ends. Any thread.
///
/// @param key, value  moved. These keys have nothing to do with those of entries.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_registry_put_meta(registry: regrow_pid, key: regrow_term, value: regrow_term) -> regrow_error {
    let (key, value) = (take(key), take(value));
    guard(|| {
        process::identity()?;
        Ok(registry::put_meta(registry.into(), key?, value?)?)
    })
}

/// Forgets what regrow_registry_put_meta() kept under a key. REGROW_OK also when nothing was. Any thread.
///
/// @param key  borrowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_delete_meta(registry: regrow_pid, key: *const regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let key = unsafe { borrow(key) }?;
        process::identity()?;
        Ok(registry::delete_meta(registry.into(), key)?)
    })
}

/// Runs a function in the caller while nobody else runs one under the same key of the same registry. May wait.
///
/// The lock is given on in the order in which it was asked for: when `run` returns, and when the process that has it
/// dies. Locks of several keys may be nested; two processes that take them in different orders wait for each other,
/// until a time limit.
///
/// @param key         borrowed. The keys of locks have nothing to do with those of entries.
/// @param run         may wait.
/// @param timeout_ms  how long to wait for the lock; 0: not at all, if somebody has it.
/// @return REGROW_ERR_TIMEOUT: `run` was not called. REGROW_ERR_WOULD_DEADLOCK: the calling process has that lock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_registry_lock(
    registry: regrow_pid, key: *const regrow_term, run: regrow_run_callback, user: *mut c_void, timeout_ms: u32,
) -> regrow_error {
    guard(|| {
        let run = run.ok_or(Fault::argument("the function is NULL"))?;
        // SAFETY: as the header says.
        let key = unsafe { borrow(key) }?;
        // SAFETY: the user's function, called as the header says.
        registry::lock(registry.into(), key, limit(timeout_ms), || unsafe { run(user) })?;
        Ok(())
    })
}
