//! What is asked of a process and waited for: calls, a stop, and what OTP's `sys` asks.
#![allow(non_camel_case_types)]

use super::request::{pass_request, pass_stop_request, read, regrow_request};
use super::support::{answers, answers_calls, answers_sys, guard, limit, out, out_optional, take};
use super::types::{regrow_error, regrow_pid, regrow_term};
use crate::process::{self, Asked, Error, Message, Request};
use crate::server;
use crate::term::{Pid, Term};

/// Asks a server and waits for its answer. May wait.
///
/// @param request     moved; `handle_call` gets it.
/// @param timeout_ms  how long to wait; the server goes on, and a late answer is dropped.
/// @param reply       out: the answer; yours. NULL: not wanted.
/// @return REGROW_ERR_NO_PROCESS, REGROW_ERR_TIMEOUT, REGROW_ERR_SELF_CALL, or REGROW_ERR_EXITED when the server ended
///         before it answered; regrow_last_reason() gives its reason. REGROW_ERR_WRONG_KIND: it is neither a server
///         nor a host process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_call(
    pid: regrow_pid, request: regrow_term, timeout_ms: u32, reply: *mut regrow_term,
) -> regrow_error {
    // Looked at before the guard, so that it stays in registers.
    let request = match take(request) {
        Ok(request) => request,
        Err(fault) => return guard(|| Err(fault)),
    };
    guard(|| {
        // SAFETY: as the header says.
        let reply = unsafe { out_optional(reply) };
        let suits = |kind, is_self| is_self || answers(kind);
        let outcome = process::ask(pid.into(), limit(timeout_ms), false, suits, Asked(request))?;
        reply.set(read(outcome, None)?);
        Ok(())
    })
}

/// As regrow_call(), to be collected later. REGROW_ERR_LIMIT when its mailbox is full: this does not wait for room. Any
/// thread.
///
/// A server that is REGROW_INLINE and REGROW_NO_PARK is asked there and then while it is idle, and has answered when
/// this returns; others are not, for this would wait when they do.
///
/// @param request     moved.
/// @param timeout_ms  the request's own limit.
/// @param pending     out: the request, for regrow_request_wait() or regrow_on_reply(); yours to free.
/// @return REGROW_ERR_NO_PROCESS, REGROW_ERR_SELF_CALL or REGROW_ERR_WRONG_KIND at once; then there is no request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_call_async(
    pid: regrow_pid, request: regrow_term, timeout_ms: u32, pending: *mut *mut regrow_request,
) -> regrow_error {
    let request = take(request);
    guard(|| {
        let request = request?;
        // SAFETY: as the header says.
        let pending = unsafe { out(pending) }?;
        pass_request(pending, call_request(pid.into(), request, timeout_ms)?);
        Ok(())
    })
}

fn call_request(pid: Pid, request: Term, timeout_ms: u32) -> Result<Request, Error> {
    answers_calls(pid)?;
    if process::current_pid() == pid && pid != Pid::NONE {
        return Err(Error::SelfCall);
    }
    Request::call(pid, limit(timeout_ms), |reply| Message::Call { request, reply })
}

/// Asks a process to end, after its `terminate`, and waits until it has. May wait.
///
/// A plain process and an entered thread are not asked: they do not look for it, so this waits until they end by
/// themselves, as gen_server:stop/3 does in OTP. regrow_exit() ends those.
///
/// @param reason  moved.
/// @return REGROW_ERR_NO_PROCESS; REGROW_ERR_EXITED when it ended with another reason; REGROW_ERR_TIMEOUT: it goes on.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_stop(pid: regrow_pid, reason: regrow_term, timeout_ms: u32) -> regrow_error {
    let reason = take(reason);
    guard(|| Ok(process::stop(pid.into(), reason?, limit(timeout_ms))?))
}

/// As regrow_stop(), to be collected later. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_stop_async(
    pid: regrow_pid, reason: regrow_term, timeout_ms: u32, pending: *mut *mut regrow_request,
) -> regrow_error {
    let reason = take(reason);
    guard(|| {
        let reason = reason?;
        // SAFETY: as the header says.
        let pending = unsafe { out(pending) }?;
        process::identity()?;
        if process::current_pid() == Pid::from(pid) && pid.id != 0 {
            return Err(Error::SelfCall.into());
        }
        let request = process::stop_request(pid.into(), reason.clone(), limit(timeout_ms))?;
        pass_stop_request(pending, request, reason);
        Ok(())
    })
}

/// The state of a process: of a server as its `get_state` shows it, of other kinds as in regrow_get_status(). May wait.
///
/// @param state  out; yours.
/// @return REGROW_ERR_WRONG_KIND when it is a server without that callback, or of a kind without a state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_get_state(pid: regrow_pid, timeout_ms: u32, state: *mut regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let state = unsafe { out(state) }?;
        answers_sys(pid.into())?;
        state.set(server::state(pid.into(), limit(timeout_ms))?);
        Ok(())
    })
}

/// What there is to be known of a process, asked of it itself, as by OTP's sys:get_status/1. Any kind but plain
/// processes, tasks and entered threads, which answer nothing: regrow_info() tells of those. May wait.
///
/// @param status  out: #{pid, kind, name, label, parent, sys_state, trace}, where `sys_state` is running or suspended;
///                and `state`, where there is one to be shown: what `get_state` shows of a server, what an agent keeps,
///                #{strategy, max_restarts, period_ms, children} of a supervisor, #{max_children, shutdown,
///                max_restarts, period_ms, children, waiting} of a task supervisor, #{keys, entries} of a registry,
///                #{groups} of a pubsub. Yours.
/// @return REGROW_ERR_WRONG_KIND; REGROW_ERR_EXITED when it ended before it answered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_get_status(pid: regrow_pid, timeout_ms: u32, status: *mut regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let status = unsafe { out(status) }?;
        answers_sys(pid.into())?;
        status.set(server::get_status(pid.into(), limit(timeout_ms))?);
        Ok(())
    })
}

/// Has a process write to the log whatever comes in and goes out, as OTP's sys:trace/2; `on` false: no more. Any kind
/// that regrow_suspend() takes. May wait.
///
/// Each event is a line of the level REGROW_LOG_DEBUG, which is written whatever the log's level; its report is #{pid,
/// name, event}. The events: {in, {'$gen_call', From, Request}}, {in, {'$gen_cast', Message}}, {in, Message}, {out,
/// Answer}, and noreply when nothing was answered. Answers given with regrow_answer() are not the server's doing.
///
/// The requests of the other kinds are OTP's: which_children, {start_child, Spec} and so on of a supervisor; get,
/// update, get_and_update, cast of an agent. A refusal goes out as {error, Reason}. What others read or write without
/// asking the process (a lookup in a registry, a broadcast) does not come in.
///
/// @return REGROW_ERR_WRONG_KIND.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_trace(pid: regrow_pid, on: bool, timeout_ms: u32) -> regrow_error {
    guard(|| {
        answers_sys(pid.into())?;
        Ok(server::set_trace(pid.into(), on, limit(timeout_ms))?)
    })
}

/// Gives a server another state, through its `replace_state`, or an agent. May wait.
///
/// @param state  moved.
/// @return REGROW_ERR_WRONG_KIND for any other kind, and for a server that has no such callback or does not take it.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_replace_state(pid: regrow_pid, state: regrow_term, timeout_ms: u32) -> regrow_error {
    let state = take(state);
    guard(|| {
        let state = state?;
        answers_sys(pid.into())?;
        Ok(server::replace_state(pid.into(), state, limit(timeout_ms))?)
    })
}

/// Has a process handle nothing until regrow_resume(), as OTP's sys:suspend/1; what comes meanwhile is kept in its
/// order, requests such as this one are answered, and its parent can still end it. Suspending it again changes nothing.
/// May wait.
///
/// Servers, agents, supervisors of every kind, registries and pubsubs. A suspended supervisor restarts nobody until it
/// is resumed, but goes on with starts and stops that are under way. What does not go through the process goes on:
/// finding and registering in a registry, broadcasts; what a registry's or pubsub's process does waits: locks,
/// listeners, monitors of groups.
///
/// @return REGROW_ERR_WRONG_KIND for plain processes, tasks, entered threads and host processes: their code is not ours
///         to hold.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_suspend(pid: regrow_pid, timeout_ms: u32) -> regrow_error {
    guard(|| {
        answers_sys(pid.into())?;
        Ok(server::suspend(pid.into(), limit(timeout_ms))?)
    })
}

/// Ends a suspension, however often it was asked for; fine when there is none. May wait.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_resume(pid: regrow_pid, timeout_ms: u32) -> regrow_error {
    guard(|| {
        answers_sys(pid.into())?;
        Ok(server::resume(pid.into(), limit(timeout_ms))?)
    })
}
