//! Behaviours that go by a name, for whoever cannot name a function: other languages, and configuration.
#![allow(non_camel_case_types)]

use super::server::{self, CServer};
use super::support::{Fault, SizedStruct, borrow_optional, guard, sized, text};
use super::types::{regrow_error, regrow_term};
use crate::process::{self, Error, Startable};
use crate::sync::Mutex;
use crate::term::{Term, atoms};
use once_cell::sync::Lazy;
use std::collections::HashMap;
use std::ffi::{c_char, c_void};
use std::sync::Arc;

/// A server whose callbacks were registered under a name. Copied when used.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_behaviour_spec {
    /// sizeof(regrow_behaviour_spec).
    pub size: usize,
    /// What it was registered as, by regrow_behaviour_register().
    pub name: *const c_char,
    /// Borrowed and cloned: passed to `init` at each start, in place of what was registered; NULL: that.
    pub arg: *const regrow_term,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_behaviour_spec {}

/// The behaviours of this program, by name; shared by its runtimes, and kept until it ends.
static BEHAVIOURS: Lazy<Mutex<HashMap<String, Arc<CServer>>>> = Lazy::new(|| Mutex::new(HashMap::new()));

/// Reads a behaviour spec. `NotFound`: nothing was registered under that name.
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn startable(spec: *const c_void) -> Result<Arc<dyn Startable>, Fault> {
    // SAFETY: the caller's promise.
    let (name, arg) = unsafe {
        let given = sized(spec.cast::<regrow_behaviour_spec>())?;
        (text(given.name)?, borrow_optional(given.arg)?.cloned())
    };
    let found = BEHAVIOURS.lock().get(name).cloned().ok_or(Error::NotFound)?;
    Ok(match arg {
        Some(arg) => Arc::new(found.with_arg(arg)),
        None => found,
    })
}

/// Gives the callbacks of a server a name, by which child specs of the kind REGROW_BEHAVIOUR start such servers. For
/// good, in all runtimes of the program: a library that registers some is not to be unloaded. Any thread.
///
/// @param name  not empty.
/// @param spec  borrowed, and copied; its `arg` is for those that give none. `drop_user` runs if the call fails.
/// @return REGROW_ERR_EXISTS when the name is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_behaviour_register(
    name: *const c_char, spec: *const super::server::regrow_server_spec,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let server = unsafe { server::server(spec.cast()) }?;
        // SAFETY: as the header says.
        let name = unsafe { text(name) }?;
        process::identity()?;
        if name.is_empty() {
            return Err(Fault::argument("a name is not empty"));
        }
        let mut behaviours = BEHAVIOURS.lock();
        if behaviours.contains_key(name) {
            // Dropped by the user's function, so not under the lock.
            drop(behaviours);
            return Err(Error::Exists(Term::atom(atoms::ALREADY_STARTED)).into());
        }
        behaviours.insert(name.into(), Arc::new(server));
        Ok(())
    })
}
