//! Servers: their callbacks, and what a callback returns. Calls to them are in `ask`.
#![allow(non_camel_case_types)]

use super::context::{context_of, context_pointer, regrow_context};
use super::request::User;
use super::support::{
    Fault, SizedStruct, borrow_optional, bound_of, guard, guard_value, is_forked, limit, out, sized, take, watchdog,
};
use super::types::{
    REGROW_INLINE, REGROW_NO_PARK, REGROW_SHARED, REGROW_THREAD, regrow_caller, regrow_drop_callback, regrow_error,
    regrow_handle_callback, regrow_init_callback, regrow_next, regrow_term, regrow_terminate_callback,
};
use crate::process::{self, Behaviour, Bound, ChildStart, Error, Home, Startable};
use crate::server::{self, Callbacks, Context, Next, READY, Server};
use crate::sync::blocks::Small;
use crate::term::{Atom, Pid, Term, atoms};
use std::cell::RefCell;
use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::sync::Arc;

/// Shows a server's state as a term: write it to `*shown`, which is yours to make and the caller's to free.
pub type regrow_get_state_callback =
    Option<unsafe extern "C-unwind" fn(state: *mut c_void, shown: *mut regrow_term) -> regrow_error>;
/// Takes over a state that was given as a term; borrowed.
pub type regrow_replace_state_callback =
    Option<unsafe extern "C-unwind" fn(state: *mut c_void, given: *const regrow_term) -> regrow_error>;

/// A server: the callbacks it answers with. Copied when used.
///
/// Each start makes a state of its own by `init`, which the other callbacks get. They run one at a time. What they
/// return says what comes next: see regrow_reply() and its neighbours. Zero is no answer: a forgotten return ends the
/// server with `bad_return_value`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_server_spec {
    /// sizeof(regrow_server_spec).
    pub size: usize,
    /// Makes the state, before the starter goes on. NULL: the state is NULL, and the server is up at once.
    pub init: regrow_init_callback,
    /// A question from regrow_call(): return regrow_reply(). NULL: the caller gets REGROW_ERR_EXITED, `no_reply`.
    pub handle_call: regrow_handle_callback,
    /// A message from regrow_cast(). NULL: dropped.
    pub handle_cast: regrow_handle_callback,
    /// Any other message: regrow_send(), timers, DOWN, EXIT. NULL: dropped.
    pub handle_info: regrow_handle_callback,
    /// The argument of regrow_continue(), before any message. NULL: dropped.
    pub handle_continue: regrow_handle_callback,
    /// The server ends by itself, crashed, is stopped, or its parent told it to and it traps exits. Not called on other
    /// ends. NULL: nothing.
    pub terminate: regrow_terminate_callback,
    /// Frees the state: once for each `init` that answered REGROW_READY, whatever ended the server. It runs on any
    /// thread, and may not wait. NULL: nothing.
    pub drop: regrow_drop_callback,
    /// For regrow_get_state(). NULL: that is refused.
    pub get_state: regrow_get_state_callback,
    /// For regrow_replace_state(). NULL: that is refused.
    pub replace_state: regrow_replace_state_callback,
    /// Borrowed and cloned: passed to `init` at each start; NULL: [].
    pub arg: *const regrow_term,
    /// Passed to `init` at each start.
    pub user: *mut c_void,
    /// Gives `user` back, once for each call that took this struct, also when the call failed. NULL: nothing.
    pub drop_user: regrow_drop_callback,
    /// REGROW_SHARED (0): on the workers. REGROW_THREAD: on a thread of its own, for code that blocks.
    pub home: u32,
    /// REGROW_NO_PARK: it never waits: calls that would are REGROW_ERR_WOULD_BLOCK. REGROW_INLINE: while it is idle, a
    /// call is answered there and then, on the caller's thread. From a process on the workers: on a stack of its own,
    /// so that the caller's limit holds when the callback waits. From a thread that is no worker, entered or not: on
    /// that thread's stack; a callback that waits then blocks that thread, and the limit is not kept. A server with a
    /// thread of its own, and calls from one, are queued as without it.
    pub flags: u32,
    /// How long `init` may take before the start fails with `timeout`; 0: no limit.
    pub init_timeout_ms: u32,
    /// How long a callback, `init` and `terminate` included, may run without waiting; 0: for ever. The time begins with
    /// the callback, and anew each time that it has waited or received; real time, whatever the clock. After that the
    /// process ends with the reason {watchdog, Ms}, as if it were killed: what the callback then asks of regrow is
    /// REGROW_ERR_KILLED, its state is dropped when it returns, and its thread is replaced. Calls are not answered
    /// inline.
    pub watchdog_ms: u32,
    /// How many messages its mailbox takes; 0: no limit. What users send counts (regrow_send(), regrow_cast(), calls,
    /// broadcasts), as long as it has not been taken up; what is broadcast to a subscription with max_messages counts
    /// against that instead. Exit signals, DOWN, timers, answers, what supervisors, registries, tables and groups tell
    /// of themselves, and what a system asks (regrow_stop(), regrow_suspend() and the like) are always taken, and never
    /// dropped.
    pub mailbox_limit: u32,
    /// What becomes of the message after that. REGROW_REJECT (0): its sender gets REGROW_ERR_LIMIT, `mailbox_full`.
    /// REGROW_DROP_OLDEST: the oldest one that counts is dropped for it. REGROW_DROP_NEWEST: it is dropped.
    /// REGROW_BLOCK: its sender waits for room, and gets REGROW_ERR_LIMIT when there is none in time; calls that are
    /// collected later do not wait. A call that is dropped fails at once with REGROW_ERR_LIMIT.
    pub mailbox_policy: u32,
    /// REGROW_BLOCK: how long a sender waits, at least 1 and not REGROW_INFINITY; a call no longer than its own limit,
    /// and then it is REGROW_ERR_TIMEOUT. Else 0.
    pub mailbox_wait_ms: u32,
    /// Zero.
    pub mailbox_reserved: u32,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_server_spec {}

/// The flags of a spec, as a process has them.
pub(super) fn process_flags(flags: u32) -> u32 {
    let flag = |given: u32, ours: u32| if flags & given != 0 { ours } else { 0 };
    flag(REGROW_NO_PARK, process::FLAG_NO_PARK) | flag(REGROW_INLINE, process::FLAG_INLINE)
}

/// What is kept of a spec: shared by all starts of it. Not the struct itself, since a program with a million servers
/// may have a million of these.
struct Spec {
    init: regrow_init_callback,
    handle_call: regrow_handle_callback,
    handle_cast: regrow_handle_callback,
    handle_info: regrow_handle_callback,
    handle_continue: regrow_handle_callback,
    terminate: regrow_terminate_callback,
    drop: regrow_drop_callback,
    get_state: regrow_get_state_callback,
    replace_state: regrow_replace_state_callback,
    user: User,
    home: u32,
    flags: u32,
    init_timeout_ms: u32,
    watchdog_ms: u32,
    bound: Option<Bound>,
}

/// A C server as the supervisor starts it.
pub(super) struct CServer {
    spec: Arc<Spec>,
    arg: Term,
}

/// Reads a server spec. `drop_user` runs once, however this ends.
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn startable(spec: *const c_void) -> Result<Arc<dyn Startable>, Fault> {
    // SAFETY: the caller's promise.
    Ok(Arc::new(unsafe { server(spec) }?))
}

/// As [`startable`].
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn server(spec: *const c_void) -> Result<CServer, Fault> {
    // SAFETY: the caller's promise.
    unsafe {
        let place = spec.cast::<regrow_server_spec>();
        if let Some((spec, arg)) = Spec::known(place) {
            return Ok(CServer { spec, arg: borrow_optional(arg)?.cloned().unwrap_or(Term::nil()) });
        }
        let mut given = sized(place)?;
        let user = User { user: given.user, drop: given.drop_user };
        let arg = borrow_optional(std::mem::replace(&mut given.arg, std::ptr::null()))?;
        let arg = arg.cloned().unwrap_or(Term::nil());
        if given.home > REGROW_THREAD || given.flags & !(REGROW_NO_PARK | REGROW_INLINE) != 0 {
            return Err(Fault::argument("a server's home or flags are unknown"));
        }
        let bound = bound_of(given.mailbox_limit, given.mailbox_policy, given.mailbox_wait_ms, given.mailbox_reserved)?;
        let regrow_server_spec { init, handle_call, handle_cast, handle_info, handle_continue, terminate, .. } = given;
        let regrow_server_spec { drop, get_state, replace_state, home, flags, init_timeout_ms, .. } = given;
        let spec = Spec {
            init,
            handle_call,
            handle_cast,
            handle_info,
            handle_continue,
            terminate,
            drop,
            get_state,
            replace_state,
            user,
            home,
            flags,
            init_timeout_ms,
            watchdog_ms: watchdog(given.watchdog_ms),
            bound,
        };
        let spec = Arc::new(spec);
        spec.remember(&given);
        Ok(CServer { spec, arg })
    }
}

/// What a thread read last, without the argument, and what it became. Who starts a million alike, one by one, has one of
/// it, and not a block of memory for each; and it need not be looked at again whether it may be.
struct Last {
    given: regrow_server_spec,
    spec: Arc<Spec>,
    /// Counts of it that lives have given back on this thread, for the next ones: the count itself is everybody's.
    counts: Vec<Arc<Spec>>,
}

/// Counts that a thread keeps.
const COUNTS: usize = 256;

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

impl Spec {
    /// What the same struct became before, and its argument. Not of one with a `drop_user`, which runs once for each.
    ///
    /// # Safety
    /// As the header says of the struct.
    unsafe fn known(given: *const regrow_server_spec) -> Option<(Arc<Spec>, *const regrow_term)> {
        const WORDS: usize = size_of::<regrow_server_spec>() / size_of::<usize>();
        const ARG: usize = std::mem::offset_of!(regrow_server_spec, arg) / size_of::<usize>();
        const { assert!(size_of::<regrow_server_spec>().is_multiple_of(size_of::<usize>())) };
        // SAFETY: null, or as many bytes as its size says. Such structs have no padding.
        let words = unsafe {
            if given.is_null() || given.cast::<usize>().read_unaligned() != size_of::<regrow_server_spec>() {
                return None;
            }
            given.cast::<[usize; WORDS]>().read_unaligned()
        };
        let known = LAST.try_with(|last| {
            let mut last = last.borrow_mut();
            let last = last.as_mut()?;
            // SAFETY: as above.
            let known = unsafe { &*(&raw const last.given).cast::<[usize; WORDS]>() };
            // The argument is another one each time; all else is to be the same.
            let differs = |word| if word == ARG { 0 } else { words[word] ^ known[word] };
            if (0..WORDS).fold(0, |all, word| all | differs(word)) != 0 {
                return None;
            }
            Some(last.counts.pop().unwrap_or_else(|| last.spec.clone()))
        });
        known.ok().flatten().map(|spec| (spec, words[ARG] as *const regrow_term))
    }

    fn remember(self: &Arc<Self>, given: &regrow_server_spec) {
        if given.drop_user.is_none() {
            let last = Last { given: *given, spec: self.clone(), counts: Vec::new() };
            let old = LAST.try_with(|known| known.replace(Some(last)));
            drop(old);
        }
    }

    /// Gives a count back.
    fn uncount(self: Arc<Self>) {
        let mut count = Some(self);
        let _ = LAST.try_with(|last| {
            if let Ok(mut last) = last.try_borrow_mut()
                && let Some(last) = last.as_mut()
                && count.as_ref().is_some_and(|count| Arc::ptr_eq(count, &last.spec))
                && last.counts.len() < COUNTS
            {
                last.counts.extend(count.take());
            }
        });
    }

    /// Whether a process of it is up at once, on any worker, and has nothing but its callbacks.
    fn is_alone(&self) -> bool {
        self.init.is_none() && self.home == REGROW_SHARED && self.watchdog_ms == 0 && self.bound.is_none()
    }
}

/// A start of the server that this thread read last, if it needs nothing that [`process::spawn_alone`] does not have. Else
/// it is to be read by [`server`].
///
/// # Safety
/// As the header says of the struct.
#[inline]
pub(super) unsafe fn alone(spec: *const c_void) -> Option<(Small<dyn Behaviour>, u32)> {
    // SAFETY: the caller's promise.
    let (spec, arg) = unsafe { Spec::known(spec.cast()) }?;
    let arg = match spec.is_alone() {
        true if arg.is_null() => Some(None),
        // SAFETY: as above.
        true => unsafe { borrow_optional(arg) }.ok().map(|arg| arg.cloned().and_then(kept)),
        false => None,
    };
    match arg {
        Some(arg) => {
            let flags = process_flags(spec.flags);
            Some((process::boxed(|| Server::new(CCallbacks::new(spec, arg))), flags))
        }
        None => {
            spec.uncount();
            None
        }
    }
}

impl CServer {
    /// The same with another argument.
    pub(super) fn with_arg(&self, arg: Term) -> CServer {
        CServer { spec: self.spec.clone(), arg }
    }

    /// One start of it.
    #[inline]
    pub(super) fn start(self) -> ChildStart {
        let CServer { spec, arg } = self;
        let (home, flags, bound, watchdog_ms) = (spec.home, process_flags(spec.flags), spec.bound, spec.watchdog_ms);
        let at_once = spec.init.is_none() && home == REGROW_SHARED;
        ChildStart {
            home: if home == REGROW_SHARED { Home::Shared } else { Home::Thread },
            flags,
            bound,
            watchdog_ms,
            at_once,
            ..ChildStart::new(Server::new(CCallbacks::new(spec, kept(arg))))
        }
    }
}

impl Startable for CServer {
    fn build(&self) -> ChildStart {
        self.with_arg(self.arg.clone()).start()
    }

    fn kind(&self) -> Atom {
        atoms::SERVER
    }

    fn init_timeout(&self) -> Option<u32> {
        limit(self.spec.init_timeout_ms).filter(|&ms| ms != 0)
    }

    fn with_argument(&self, extra: &Term) -> Option<Arc<dyn Startable>> {
        Some(Arc::new(CServer { spec: self.spec.clone(), arg: server::appended(&self.arg, extra) }))
    }
}

/// The callbacks of one life, around its state.
struct CCallbacks {
    /// Dropped by hand: as a rule the thread keeps the count.
    spec: ManuallyDrop<Arc<Spec>>,
    /// None: [], as of most.
    arg: Option<Small<Term>>,
    state: *mut c_void,
    /// `init` answered that it is ready: the state is there to be dropped.
    made: bool,
}

// SAFETY: the state is the user's, and goes from thread to thread with the process, one at a time.
unsafe impl Send for CCallbacks {}

/// An argument as a life keeps it.
fn kept(arg: Term) -> Option<Small<Term>> {
    (!arg.is_nil()).then(|| Small::new(arg))
}

impl CCallbacks {
    #[inline(always)]
    fn new(spec: Arc<Spec>, arg: Option<Small<Term>>) -> CCallbacks {
        CCallbacks { spec: ManuallyDrop::new(spec), arg, state: std::ptr::null_mut(), made: false }
    }

    fn handle(&self, callback: regrow_handle_callback, context: &mut Context, message: &Term) -> Option<Next> {
        let callback = callback?;
        // SAFETY: the user's function, called as the header says.
        Some(unsafe { callback(context_pointer(context), self.state, std::ptr::from_ref(message).cast()) })
    }
}

impl Callbacks for CCallbacks {
    fn init(&mut self, context: &mut Context) -> Next {
        let Some(init) = self.spec.init else { return READY };
        let none = Term::nil();
        let arg = std::ptr::from_ref(self.arg.as_deref().unwrap_or(&none)).cast();
        // SAFETY: the user's function, called as the header says.
        let next = unsafe { init(context_pointer(context), self.spec.user.user, arg, &raw mut self.state) };
        self.made = server::is_ready(next);
        next
    }

    fn call(&mut self, context: &mut Context, request: &Term) -> Option<Next> {
        self.handle(self.spec.handle_call, context, request)
    }

    fn cast(&mut self, context: &mut Context, message: &Term) -> Option<Next> {
        self.handle(self.spec.handle_cast, context, message)
    }

    fn info(&mut self, context: &mut Context, message: &Term) -> Option<Next> {
        self.handle(self.spec.handle_info, context, message)
    }

    fn resume(&mut self, context: &mut Context, argument: &Term) -> Option<Next> {
        self.handle(self.spec.handle_continue, context, argument)
    }

    fn terminate(&mut self, context: &mut Context, reason: &Term) {
        if let Some(terminate) = self.spec.terminate {
            // SAFETY: the user's function, called as the header says.
            unsafe { terminate(context_pointer(context), self.state, std::ptr::from_ref(reason).cast()) }
        }
    }

    fn terminates(&self) -> bool {
        self.spec.terminate.is_some()
    }

    fn state(&mut self) -> Option<Term> {
        let show = self.spec.get_state?;
        let mut shown = regrow_term { meta: 0, value: 0 };
        // SAFETY: the user's function, called as the header says.
        let error = unsafe { show(self.state, &raw mut shown) };
        (error == regrow_error::REGROW_OK).then(|| take(shown).ok()).flatten()
    }

    fn replace_state(&mut self, state: &Term) -> bool {
        let Some(replace) = self.spec.replace_state else { return false };
        // SAFETY: the user's function, called as the header says.
        unsafe { replace(self.state, std::ptr::from_ref(state).cast()) == regrow_error::REGROW_OK }
    }
}

impl Drop for CCallbacks {
    fn drop(&mut self) {
        // SAFETY: once, and not used after this.
        let spec = unsafe { ManuallyDrop::take(&mut self.spec) };
        if let Some(drop) = spec.drop
            && self.made
            && !is_forked()
        {
            // SAFETY: the user's function, called once for a state that init made.
            unsafe { drop(self.state) };
        }
        spec.uncount();
    }
}

/// What a misused constructor gives: no callback may return it.
const MISUSED: regrow_next = 0;

/// Callback only: answers the call at hand. Write `return regrow_reply(context, answer);`
///
/// @param answer  moved.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_reply(context: *mut regrow_context, answer: regrow_term) -> regrow_next {
    let answer = take(answer).ok();
    // As a rule it is put where there is none, and that needs no guard: nothing is freed, and nothing can panic.
    let answer = match (unsafe_context(context), answer) {
        (Some(context), Some(answer)) if context.has_no_answer() => return context.reply(answer),
        (_, answer) => answer,
    };
    guard_value(MISUSED, || match (unsafe_context(context), answer) {
        (Some(context), Some(answer)) => context.reply(answer),
        _ => MISUSED,
    })
}

fn unsafe_context<'a>(context: *mut regrow_context) -> Option<&'a mut Context> {
    // SAFETY: the header: NULL, or the context of the callback that calls.
    unsafe { context_of(context) }.ok()
}

/// Callback only: answers the call at hand and ends the server. The caller gets the answer once the server's names are
/// free again.
///
/// @param answer, reason  moved.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_reply_stop(
    context: *mut regrow_context, answer: regrow_term, reason: regrow_term,
) -> regrow_next {
    let (answer, reason) = (take(answer), take(reason));
    guard_value(MISUSED, || match (unsafe_context(context), answer, reason) {
        (Some(context), Ok(answer), Ok(reason)) => context.reply_stop(answer, reason),
        _ => MISUSED,
    })
}

/// Callback only: ends this process. Any reason but `normal`, `shutdown` and `{shutdown, _}` is a crash to its
/// supervisor. Write `return regrow_stop_self(context, regrow_atom("why"));`
///
/// @param reason  moved.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_stop_self(context: *mut regrow_context, reason: regrow_term) -> regrow_next {
    let reason = take(reason).ok();
    // As in regrow_reply().
    let reason = match (unsafe_context(context), reason) {
        (Some(context), Some(reason)) if context.has_no_reason() => return context.stop(reason),
        (_, reason) => reason,
    };
    guard_value(MISUSED, || match (unsafe_context(context), reason) {
        (Some(context), Some(reason)) => context.stop(reason),
        _ => MISUSED,
    })
}

/// Callback only: has `handle_continue` called with `argument` before any message. Wraps what the callback would have
/// returned: `return regrow_continue(context, REGROW_READY, regrow_atom("load"));`
///
/// @param argument  moved.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_continue(
    context: *mut regrow_context, next: regrow_next, argument: regrow_term,
) -> regrow_next {
    let argument = take(argument);
    guard_value(MISUSED, || match (unsafe_context(context), argument) {
        (Some(context), Ok(argument)) => context.with_continue(next, argument),
        _ => MISUSED,
    })
}

/// Callback only: has `handle_info` get the atom `timeout` when no message comes for `timeout_ms`; any message ends the
/// wait. Wraps what the callback would have returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_idle_timeout(
    context: *mut regrow_context, next: regrow_next, timeout_ms: u32,
) -> regrow_next {
    guard_value(MISUSED, || unsafe_context(context).map_or(MISUSED, |context| context.with_timeout(next, timeout_ms)))
}

/// Callback only: puts the answer to the call at hand off, to be given with regrow_answer(); return REGROW_NOREPLY
/// then. A call that is neither answered nor put off ends at once, with `no_reply`. One that is put off does not keep
/// regrow_settle() waiting: where the answer comes from outside the runtime, take a token with regrow_busy().
///
/// @param caller  out: whom to answer; a plain value, good on any thread.
/// @return REGROW_ERR_CONTEXT when there is no call at hand, or it was put off before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_defer(context: *mut regrow_context, caller: *mut regrow_caller) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (context, caller) = unsafe { (context_of(context)?, out(caller)?) };
        process::identity()?;
        let (server, call) = context.defer().ok_or(Error::NoIdentity)?;
        caller.set(regrow_caller { server: server.0, call });
        Ok(())
    })
}

/// Answers a call that was put off. Any thread, at most once.
///
/// @param answer  moved.
/// @return REGROW_ERR_NOT_FOUND when it was answered before, or its server has ended: the caller knows.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_answer(caller: regrow_caller, answer: regrow_term) -> regrow_error {
    let answer = take(answer);
    guard(|| {
        let answer = answer?;
        process::identity()?;
        Ok(process::answer_deferred(Pid(caller.server), caller.call, answer)?)
    })
}
