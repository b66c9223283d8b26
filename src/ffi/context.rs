//! The context of a callback, as C sees it.
#![allow(non_camel_case_types)]

use super::support::Fault;
use super::types::regrow_error;
use crate::server::Context;

/// The callback at hand: what it answers with, and how it says what comes next. Good until that callback returns.
pub struct regrow_context {
    _opaque: [u8; 0],
}

/// The pointer that a callback gets.
pub(super) fn context_pointer(context: &mut Context) -> *mut regrow_context {
    std::ptr::from_mut(context).cast()
}

/// What the pointer stands for.
///
/// # Safety
/// The pointer is null, or one that a callback got and has not returned from.
pub(super) unsafe fn context_of<'a>(context: *mut regrow_context) -> Result<&'a mut Context, Fault> {
    // SAFETY: the caller's promise; contexts are never touched by two at once, since a callback is one thread's.
    unsafe { context.cast::<Context>().as_mut() }
        .ok_or(Fault::new(regrow_error::REGROW_ERR_ARGUMENT, "the context is NULL"))
}
