//! What regrow has to know of C++.
#![allow(non_camel_case_types)]

use super::support::{Fault, guard};
use super::types::{regrow_error, regrow_globals_callback};
use crate::scheduler;
use crate::term::{Term, atoms};

/// Tells where C++ keeps what it knows of a thread's exceptions: `__cxa_get_globals` of the program's C++ runtime, as
/// regrow.hpp does by itself. Once for the program, for ever; the same again changes nothing. Any thread.
///
/// From then on a callback may wait in a handler (`catch`) while others throw and catch on its thread. What runs while
/// an exception is in flight, a destructor that is, may not wait in processes on the workers: REGROW_ERR_WOULD_BLOCK.
///
/// @param globals  called on any thread; gives that thread's `__cxa_eh_globals`. It may neither wait nor call
///                 regrow.
/// @return REGROW_ERR_EXISTS when it is another one than before: two C++ runtimes are in the program. Callbacks of the
///         second one must not wait in a handler.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_exception_globals(globals: regrow_globals_callback) -> regrow_error {
    guard(|| {
        let globals = globals.ok_or(Fault::argument("a function is NULL"))?;
        if scheduler::register_exceptions(globals) {
            return Ok(());
        }
        let text = "the exceptions of another C++ runtime are kept already";
        Err(Fault {
            code: regrow_error::REGROW_ERR_EXISTS,
            reason: Term::atom(atoms::ALREADY_PRESENT),
            text: text.into(),
        })
    })
}
