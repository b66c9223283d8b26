//! Tasks: functions in processes of their own, whose values are waited for.
#![allow(non_camel_case_types)]

use super::agent::{unwritten, written};
use super::child::{restart, shutdown};
use super::context::{context_pointer, regrow_context};
use super::request::User;
use super::support::{Fault, SizedStruct, borrow_optional, guard, limit, out, out_optional, sized, watchdog};
use super::types::{
    REGROW_EXIT_STREAM, REGROW_KILL_TASK, REGROW_NO_PARK, REGROW_ORDERED, REGROW_SHARED, REGROW_THREAD,
    REGROW_UNLINKED, REGROW_UNORDERED, regrow_drop_callback, regrow_error, regrow_next, regrow_pid,
    regrow_result_callback, regrow_source_callback, regrow_task, regrow_task_callback, regrow_term,
};
use crate::process::{self, Error, Home, Startable};
use crate::server::{Context, Step};
use crate::supervisor::{Restart, Shutdown};
use crate::task::{self, Done, End, OnTimeout, Place, StreamSpec, Task, TaskSpec, Work};
use crate::term::{Pid, Term, atoms};
use std::ffi::c_void;
use std::sync::Arc;

/// A task: a function that runs once, in a process of its own, for its value.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_task_spec {
    /// sizeof(regrow_task_spec).
    pub size: usize,
    /// What it does.
    pub run: regrow_task_callback,
    /// Passed to it, each time it runs.
    pub user: *mut c_void,
    /// Gives `user` back, once for each call that took this struct, also when the call failed: after the last run of a
    /// task that is restarted. NULL: nothing.
    pub drop_user: regrow_drop_callback,
    /// Borrowed: passed to it, each time it runs. NULL: [].
    pub argument: *const regrow_term,
    /// REGROW_SHARED (0) or REGROW_THREAD.
    pub home: u32,
    /// REGROW_NO_PARK: it never waits.
    pub flags: u32,
    /// As in regrow_server_spec: how long it may run without waiting or receiving. Not the time that its owner waits.
    pub watchdog_ms: u32,
    /// Only for regrow_task_supervisor_start_child(): REGROW_TEMPORARY (also 0): it runs once. REGROW_TRANSIENT: it is
    /// run again unless it ended with `normal`, `shutdown` or `{shutdown, _}`. REGROW_PERMANENT: whenever it has ended.
    /// Each run is a process of its own, and gets the same `user` and `argument`. As a child of another supervisor its
    /// regrow_child_spec says it. Elsewhere a task runs once: its value is waited for.
    pub restart: u32,
    /// As a task supervisor's: the time it has to end when it is told to shut down; 0: as that supervisor's spec says.
    /// REGROW_BRUTAL_KILL, REGROW_INFINITY. As a child of another supervisor its regrow_child_spec says it.
    pub shutdown_ms: u32,
    /// Zero.
    pub reserved: u32,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_task_spec {}

/// A task for each item of a source.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_stream_spec {
    /// sizeof(regrow_stream_spec).
    pub size: usize,
    /// Borrowed: what each task does; its `argument` is the item.
    pub task: *const regrow_task_spec,
    /// Gives the items: asked for the next one only when a task may be started for it.
    pub source: regrow_source_callback,
    /// Gets the results.
    pub result: regrow_result_callback,
    /// Passed to both; used only during the call.
    pub user: *mut c_void,
    /// The task supervisor that the tasks are children of. Zero: none.
    pub supervisor: regrow_pid,
    /// REGROW_LINKED (0): a task that crashes ends the caller too, unless that traps exits. REGROW_UNLINKED: it does
    /// not; needs a supervisor.
    pub place: u32,
    /// So many tasks run at once; 0: as many as the runtime has workers.
    pub max_concurrency: u32,
    /// Of each task, in milliseconds; 0: 5000. REGROW_INFINITY.
    pub timeout_ms: u32,
    /// REGROW_EXIT_STREAM (0) or REGROW_KILL_TASK.
    pub on_timeout: u32,
    /// REGROW_ORDERED (0) or REGROW_UNORDERED.
    pub order: u32,
    /// Zero.
    pub reserved: u32,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_stream_spec {}

/// The time of each task of a stream if nothing else is said (Elixir: `Task.async_stream/3`).
const STREAM_MS: u32 = 5_000;

impl From<Task> for regrow_task {
    fn from(task: Task) -> regrow_task {
        regrow_task { pid: task.pid.into(), monitor: task.monitor.into() }
    }
}

impl From<regrow_task> for Task {
    fn from(task: regrow_task) -> Task {
        Task { pid: task.pid.into(), monitor: task.monitor.into() }
    }
}

/// Reads the spec of a task that runs once. `drop_user` runs once, however this ends.
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn task_spec(spec: *const regrow_task_spec) -> Result<TaskSpec, Fault> {
    // SAFETY: the caller's promise.
    match unsafe { restarting_task_spec(spec) }? {
        (spec, Restart::Temporary) => Ok(spec),
        _ => Err(Fault::argument("a task that is waited for runs once: it is temporary")),
    }
}

/// Reads the spec of a task that is somebody's child, who says when it is restarted.
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn startable(spec: *const c_void) -> Result<Arc<dyn Startable>, Fault> {
    // SAFETY: the caller's promise.
    unsafe {
        let (task, _) = restarting_task_spec(spec.cast())?;
        let given = sized(spec.cast::<regrow_task_spec>())?;
        if given.restart != 0 || given.shutdown_ms != 0 {
            return Err(Fault::argument("the restart and shutdown_ms of a task that is a child are its child spec's"));
        }
        Ok(Arc::new(task))
    }
}

/// Reads a task spec. `drop_user` runs once, however this ends.
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn restarting_task_spec(spec: *const regrow_task_spec) -> Result<(TaskSpec, Restart), Fault> {
    // SAFETY: the caller's promise.
    let given = unsafe { sized(spec) }?;
    let user = User { user: given.user, drop: given.drop_user };
    // SAFETY: as above.
    let argument = unsafe { borrow_optional(given.argument) }?.cloned().unwrap_or(Term::nil());
    let run = given.run.ok_or(Fault::argument("a task needs a function"))?;
    if given.home > REGROW_THREAD || given.flags & !REGROW_NO_PARK != 0 || given.reserved != 0 {
        return Err(Fault::argument("a task's home or flags are unknown"));
    }
    let restart = restart(given.restart, Restart::Temporary)?;
    let work = work(run, user);
    let home = if given.home == REGROW_SHARED { Home::Shared } else { Home::Thread };
    let flags = if given.flags & REGROW_NO_PARK != 0 { process::FLAG_NO_PARK } else { 0 };
    let watchdog_ms = watchdog(given.watchdog_ms);
    let shutdown = shutdown(given.shutdown_ms);
    Ok((TaskSpec { work, argument, home, flags, watchdog_ms, shutdown, done: Done::Nowhere }, restart))
}

type Run =
    unsafe extern "C-unwind" fn(*mut regrow_context, *mut c_void, *const regrow_term, *mut regrow_term) -> regrow_next;

/// What calls the user's function.
fn work(run: Run, user: User) -> Work {
    if user.drop.is_none() {
        return Work::Plain(run_plain, [(run as *const ()).expose_provenance(), user.user.expose_provenance()]);
    }
    // SAFETY: as the header says of the struct; `user` is given back with the last of it.
    Work::Shared(Arc::new(move |context: &mut Context, argument: &Term| unsafe {
        let user = &user;
        run_user(run, user.user, context, argument)
    }))
}

/// Of a function and its `user`, as [`work`] gives them.
fn run_plain([run, user]: [usize; 2], context: &mut Context, argument: &Term) -> Result<Term, Term> {
    let run = std::ptr::with_exposed_provenance::<()>(run);
    // SAFETY: a `Run`, and called as the header says of the struct.
    unsafe {
        run_user(
            std::mem::transmute::<*const (), Run>(run),
            std::ptr::with_exposed_provenance_mut(user),
            context,
            argument,
        )
    }
}

/// # Safety
/// As the header says of the struct that both are from.
unsafe fn run_user(run: Run, user: *mut c_void, context: &mut Context, argument: &Term) -> Result<Term, Term> {
    let mut value = unwritten();
    let argument = std::ptr::from_ref(argument).cast();
    // SAFETY: the caller's promise.
    let returned = unsafe { run(context_pointer(context), user, argument, &raw mut value) };
    // Taken whatever comes of it: it is ours to free.
    let value = written(value);
    if context.is_plain_done(returned) {
        return Ok(value?.unwrap_or(Term::nil()));
    }
    match context.decide(returned).step {
        Step::Go => Ok(value?.unwrap_or(Term::nil())),
        Step::Stop(reason) => Err(reason),
        _ => Err(Term::atom(atoms::BAD_RETURN_VALUE)),
    }
}

/// Copies an array of tasks.
///
/// # Safety
/// NULL, or `count` tasks.
unsafe fn tasks_of(tasks: *const regrow_task, count: usize) -> Result<Vec<Task>, Fault> {
    if tasks.is_null() && count > 0 {
        return Err(Fault::argument("an array is NULL"));
    }
    // SAFETY: the caller's promise.
    Ok((0..count).map(|index| unsafe { tasks.add(index).read() }.into()).collect())
}

/// What an await that failed would exit with in Elixir: `{timeout, {task, Function, [Ms]}}`.
fn timed_out(error: Error, function: &str, ms: u32) -> Fault {
    let mut fault = Fault::from(error);
    if fault.code == regrow_error::REGROW_ERR_TIMEOUT {
        let arguments = Term::cons(Term::int(i64::from(ms)), Term::nil());
        let called = Term::tuple_of([Term::atom(atoms::TASK), Term::atom_named(function), arguments]);
        fault.reason = Term::tuple_of([Term::atom(atoms::TIMEOUT), called]);
    }
    fault
}

fn value_of(end: Option<End>, otherwise: Error) -> Result<Term, Fault> {
    match end {
        Some(End::Value(value)) => Ok(value),
        Some(End::Exit(reason)) => Err(Error::Exited(reason).into()),
        None => Err(otherwise.into()),
    }
}

fn end_term(end: Option<End>) -> Term {
    match end {
        Some(End::Value(value)) => Term::tuple_of([Term::atom(atoms::OK), value]),
        Some(End::Exit(reason)) => Term::tuple_of([Term::atom_named("exit"), reason]),
        None => Term::atom(atoms::NIL),
    }
}

/// Starts a task that is linked with the caller, its owner. Needs an identity.
///
/// The link, the monitor and the Ref are there before its first instruction. If it crashes, so does the owner, unless
/// that traps exits; and if the owner ends with another reason than normal, so does it. Who does not wait for it
/// gets its value as {Ref, Value}, and its end as the DOWN of the same Ref, among the messages. regrow_info() of it
/// tells its callers: the owner, the one on whose behalf that runs, ...
///
/// @param spec  borrowed.
/// @param task  out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_task_async(spec: *const regrow_task_spec, task: *mut regrow_task) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (spec, task) = unsafe { (task_spec(spec)?, out(task)?) };
        task.set(task::start(spec)?);
        Ok(())
    })
}

/// Waits for the value of a task of the caller's. May wait; needs an identity.
///
/// @param value  out; yours. NULL: not wanted.
/// @return REGROW_ERR_TIMEOUT: the task runs on, ends with its owner if they are linked, and its value will be dropped;
///         REGROW_ERR_EXITED when it ended without one: regrow_last_reason(); REGROW_ERR_NOT_FOUND when nothing will
///         ever come: the caller does not own it, or has taken its value, or has given it up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_task_await(
    task: regrow_task, timeout_ms: u32, value: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let value = unsafe { out_optional(value) };
        let got = task::wait_for(task.into(), limit(timeout_ms));
        value.set(got.map_err(|error| timed_out(error, "await", timeout_ms))?);
        Ok(())
    })
}

/// Waits for the values of all. May wait; needs an identity. As regrow_task_await(), which see.
///
/// When one ends without a value (REGROW_ERR_EXITED), or the time for all together runs out, all are given up.
///
/// @param tasks   borrowed; `count` of them.
/// @param values  out: a list, in the order of `tasks`; yours. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_task_await_many(
    tasks: *const regrow_task, count: usize, timeout_ms: u32, values: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (tasks, values) = unsafe { (tasks_of(tasks, count)?, out_optional(values)) };
        let got = task::wait_many(&tasks, limit(timeout_ms));
        values.set(Term::list(got.map_err(|error| timed_out(error, "await_many", timeout_ms))?));
        Ok(())
    })
}

/// As regrow_task_await(), but after REGROW_ERR_TIMEOUT the task can be waited for again. May wait; needs an identity.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_task_yield(
    task: regrow_task, timeout_ms: u32, value: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let value = unsafe { out_optional(value) };
        value.set(value_of(task::wait(task.into(), limit(timeout_ms))?, Error::Timeout)?);
        Ok(())
    })
}

/// Waits until all have ended, or the time is over. May wait; needs an identity.
///
/// @param tasks  borrowed; `count` of them.
/// @param ends   out: a list, in the order of `tasks`: {ok, Value}, {exit, Reason}, or nil for one that runs, and can
///               be waited for again; yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_task_yield_many(
    tasks: *const regrow_task, count: usize, timeout_ms: u32, ends: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (tasks, ends) = unsafe { (tasks_of(tasks, count)?, out(ends)?) };
        let got = task::yield_many(&tasks, limit(timeout_ms))?;
        ends.set(Term::list(got.into_iter().map(end_term).collect()));
        Ok(())
    })
}

/// Unlinks a task, ends it, and waits until it has ended. May wait; needs an identity.
///
/// @param timeout_ms  the time it has once it was told to shut down; then it is killed. REGROW_BRUTAL_KILL: at once.
/// @param value       out: what it had been before; yours. NULL: not wanted.
/// @return REGROW_ERR_NOT_FOUND when it ended as it was told, and without a value, or is not the caller's;
///         REGROW_ERR_EXITED when it ended, or had ended, in another way: regrow_last_reason().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_task_shutdown(
    task: regrow_task, timeout_ms: u32, value: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let value = unsafe { out_optional(value) };
        let how = shutdown(timeout_ms).unwrap_or(Shutdown::Ms(0));
        value.set(value_of(task::shutdown(task.into(), how)?, Error::NotFound)?);
        Ok(())
    })
}

/// Lets a task go: it runs on, unlinked from the caller, and nothing of it comes any more. Needs an identity.
///
/// @param value  out: its value, if it has ended; yours. NULL: not wanted.
/// @return REGROW_ERR_TIMEOUT when it runs on; REGROW_ERR_EXITED when it has ended without a value;
///         REGROW_ERR_NOT_FOUND as regrow_task_await().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_task_ignore(task: regrow_task, value: *mut regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let value = unsafe { out_optional(value) };
        value.set(value_of(task::ignore(task.into())?, Error::Timeout)?);
        Ok(())
    })
}

/// Runs a task for each item of a source, so many at a time, and hands on their results. Waits; needs an identity.
///
/// The tasks are the caller's; when this returns none of them runs, and nothing of them is left among the messages.
///
/// @param spec      borrowed.
/// @param finished  out: false when `result` wanted no more. NULL: not wanted.
/// @return REGROW_ERR_TIMEOUT when a task took too long and on_timeout is REGROW_EXIT_STREAM; REGROW_ERR_LIMIT when its
///         supervisor has no room; REGROW_ERR_ARGUMENT when the source gave an invalid term.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_task_stream(spec: *const regrow_stream_spec, finished: *mut bool) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (given, finished) = unsafe { (sized(spec)?, out_optional(finished)) };
        // SAFETY: as above. First: what belongs to it is given back on every path.
        let task = unsafe { task_spec(given.task) }?;
        let (Some(source), Some(result)) = (given.source, given.result) else {
            return Err(Fault::argument("a stream needs a source and a function for results"));
        };
        let stream = stream_spec(&given, task)?;
        let next = || {
            let mut item = unwritten();
            // SAFETY: the user's function, called as the header says.
            let is_there = unsafe { source(given.user, &raw mut item) };
            // Taken in any case: it is ours to free.
            match written(item) {
                _ if !is_there => Ok(None),
                Ok(item) => Ok(Some(item.unwrap_or(Term::nil()))),
                Err(_) => Err(Error::Argument("the source gave a term that is invalid")),
            }
        };
        let each = |end: Result<Term, Term>| {
            let term = end_term(Some(end.map_or_else(End::Exit, End::Value)));
            // SAFETY: the user's function, called as the header says.
            unsafe { result(given.user, std::ptr::from_ref(&term).cast()) }
        };
        let ended = task::stream(&stream, next, each);
        let ms = stream.timeout.unwrap_or(u32::MAX);
        finished.set(ended.map_err(|error| timed_out(error, "stream", ms))?);
        Ok(())
    })
}

fn stream_spec(given: &regrow_stream_spec, task: TaskSpec) -> Result<StreamSpec, Fault> {
    let me = super::start::me()?;
    if given.place > REGROW_UNLINKED || given.order > REGROW_UNORDERED || given.on_timeout > REGROW_KILL_TASK {
        return Err(Fault::argument("a stream's place, order or on_timeout is unknown"));
    }
    if given.reserved != 0 {
        return Err(Fault::argument("a stream spec has a field that this library does not know"));
    }
    let supervisor = Pid::from(given.supervisor);
    let place = match (supervisor != Pid::NONE, given.place == REGROW_UNLINKED) {
        (false, false) => Place::Caller,
        (true, unlinked) => Place::Supervisor { supervisor, linked: !unlinked },
        (false, true) => return Err(Fault::argument("tasks that are not linked need a supervisor")),
    };
    Ok(StreamSpec {
        task,
        place,
        max_concurrency: match given.max_concurrency {
            0 => me.node().scheduler().wanted(),
            many => many as usize,
        },
        ordered: given.order == REGROW_ORDERED,
        timeout: if given.timeout_ms == 0 { Some(STREAM_MS) } else { limit(given.timeout_ms) },
        on_timeout: if given.on_timeout == REGROW_EXIT_STREAM { OnTimeout::Exit } else { OnTimeout::KillTask },
    })
}
