//! Calls under way: collected later, or handed to a function.
#![allow(non_camel_case_types)]

use super::support::{Fault, Out, guard, guard_value, is_forked, limit, out_optional};
use super::types::{regrow_drop_callback, regrow_error, regrow_reply_callback, regrow_term};
use crate::process::{Error, Outcome, Request, StartResult};
use crate::term::{Term, atoms};
use std::ffi::c_void;

/// A call under way. Give it to regrow_on_reply() or to regrow_request_free(); used from one thread at a time.
pub struct regrow_request {
    request: Request,
    /// The reason a stop was asked for with: an end with that reason is success.
    wanted: Option<Term>,
}

pub(super) fn pass_request(place: Out<*mut regrow_request>, request: Request) {
    place.set(Box::into_raw(Box::new(regrow_request { request, wanted: None })));
}

pub(super) fn pass_stop_request(place: Out<*mut regrow_request>, request: Request, wanted: Term) {
    place.set(Box::into_raw(Box::new(regrow_request { request, wanted: Some(wanted) })));
}

/// What an outcome means to whoever asked.
pub(super) fn read(outcome: Outcome, wanted: Option<&Term>) -> Result<Term, Error> {
    match outcome {
        Outcome::Reply(term) => Ok(term),
        Outcome::Died(reason) if wanted == Some(&reason) => Ok(Term::atom(atoms::OK)),
        Outcome::Died(reason) | Outcome::NotTaken(reason) => Err(Error::Exited(reason)),
        Outcome::TimedOut => Err(Error::Timeout),
        Outcome::Started(StartResult::Failed(reason)) => Err(Error::Start(reason)),
        Outcome::Started(StartResult::Ignored) => Err(Error::Ignored),
        Outcome::Started(StartResult::Ready) => Ok(Term::atom(atoms::OK)),
        Outcome::Failed(error) => Err(error),
        Outcome::Native(_) => Err(Error::WrongKind),
    }
}

/// Waits for the outcome of a request. May wait; any thread.
///
/// @param pending  borrowed: free it afterwards, whatever this returned.
/// @param timeout_ms  of this wait: REGROW_ERR_TIMEOUT means "still under way", if the request has no limit of its own
///                    that has run out. 0 looks once.
/// @param result   out: the answer, a pid for a start, a list of children; yours. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_request_wait(
    pending: *mut regrow_request, timeout_ms: u32, result: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: the header: NULL, or a request that was not given away.
        let pending = unsafe { pending.as_ref() }.ok_or(Fault::argument("a request is NULL"))?;
        // SAFETY: as the header says.
        let result = unsafe { out_optional(result) };
        let outcome = pending.request.wait(limit(timeout_ms))?;
        result.set(read(outcome, pending.wanted.as_ref())?);
        Ok(())
    })
}

/// Has a function called with the outcome, once, from whatever thread it becomes known on; at once if it is. Any
/// thread.
///
/// Within such functions that is so eight deep; what comes to be told deeper is told, in its order, by the same thread
/// as soon as they have returned. So they may ask again and again.
///
/// @param pending  moved, also when the call fails.
/// @param drop     gives `user` back, exactly once, after `reply` or without it. NULL: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_on_reply(
    pending: *mut regrow_request, reply: regrow_reply_callback, user: *mut c_void, drop: regrow_drop_callback,
) -> regrow_error {
    let user = User { user, drop };
    guard(|| {
        if pending.is_null() {
            return Err(Fault::argument("a request is NULL"));
        }
        // SAFETY: the header: moved in, so it is ours; it came from a box.
        let pending = unsafe { Box::from_raw(pending) };
        let reply = reply.ok_or(Fault::argument("the function is NULL"))?;
        let wanted = pending.wanted;
        pending.request.on_reply(Box::new(move |outcome| {
            let (code, term) = match read(outcome, wanted.as_ref()) {
                Ok(term) => (regrow_error::REGROW_OK, term),
                Err(error) => {
                    let fault = Fault::from(error);
                    (fault.code, fault.reason)
                }
            };
            let user = user;
            // SAFETY: the user's function, called as the header says.
            unsafe { reply(user.user, code, std::ptr::from_ref(&term).cast()) };
        }));
        Ok(())
    })
}

/// A pointer of the user's with its drop.
pub(super) struct User {
    pub user: *mut c_void,
    pub drop: regrow_drop_callback,
}

// SAFETY: the header says that user pointers are handed from thread to thread.
unsafe impl Send for User {}
// SAFETY: as above; it is only handed on.
unsafe impl Sync for User {}

impl Drop for User {
    fn drop(&mut self) {
        if let Some(drop) = self.drop
            && !is_forked()
        {
            // SAFETY: the user's function, called once.
            unsafe { drop(self.user) };
        }
    }
}

/// Gives a request up: an answer that still comes is dropped. NULL: nothing. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_request_free(pending: *mut regrow_request) {
    if pending.is_null() || is_forked() {
        return;
    }
    guard_value((), || {
        // SAFETY: the header: a request that was not given away; it came from a box.
        drop(unsafe { Box::from_raw(pending) });
    });
}
