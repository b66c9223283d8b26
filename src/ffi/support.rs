//! What every exported function stands on: the guard, the checks of what comes in, the last error.

use super::types::{
    REGROW_BLOCK, REGROW_DROP_NEWEST, REGROW_DROP_OLDEST, REGROW_REJECT, regrow_error, regrow_pid, regrow_ref,
    regrow_table, regrow_term,
};
use crate::process::{self, Bound, Error, Policy};
pub(super) use crate::sync::forked::is_forked;
use crate::sync::inside;
use crate::term::{Atom, Pid, Ref, Term, atoms};
use std::borrow::Cow;
use std::cell::RefCell;
use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Why a function refuses: its code, OTP's reason, and a sentence.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub code: regrow_error,
    pub reason: Term,
    pub text: Cow<'static, str>,
}

impl Fault {
    pub fn new(code: regrow_error, text: impl Into<Cow<'static, str>>) -> Fault {
        Fault { code, reason: Term::atom(atoms::BADARG), text: text.into() }
    }

    pub fn argument(text: &'static str) -> Fault {
        Fault::new(regrow_error::REGROW_ERR_ARGUMENT, text)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        use regrow_error::*;
        let (code, text) = match &error {
            Error::Argument(text) => (REGROW_ERR_ARGUMENT, *text),
            Error::Spec(text) => return Fault::new(REGROW_ERR_ARGUMENT, text.clone()),
            Error::NoProcess => (REGROW_ERR_NO_PROCESS, "the process is not alive"),
            Error::Timeout => (REGROW_ERR_TIMEOUT, "the time given ran out"),
            Error::Exited(_) => (REGROW_ERR_EXITED, "the process ended before it answered"),
            Error::Start(_) => (REGROW_ERR_START, "the process refused to start"),
            Error::Exists(_) => (REGROW_ERR_EXISTS, "the id, name or key is taken"),
            Error::ThreadTaken(Some(_)) => (REGROW_ERR_EXISTS, "the thread has a process already"),
            Error::ThreadTaken(None) => (REGROW_ERR_EXISTS, "a callback cannot make its thread a process"),
            Error::NotFound => (REGROW_ERR_NOT_FOUND, "nothing goes by that id, name, key or ref"),
            Error::Killed => (REGROW_ERR_KILLED, "the calling process is dead: return from the callback"),
            Error::NotAlive => (REGROW_ERR_NOT_ALIVE, "the runtime is shut down, or the pid given leads to none"),
            Error::SelfCall => (REGROW_ERR_SELF_CALL, "a process cannot call itself"),
            Error::WouldBlock => (REGROW_ERR_WOULD_BLOCK, "this process may not wait here"),
            Error::InFlight => (REGROW_ERR_WOULD_BLOCK, "no process may wait while a C++ exception is in flight"),
            Error::WouldDeadlock => (REGROW_ERR_WOULD_DEADLOCK, "the process waited for waits for this one"),
            Error::WrongKind => (REGROW_ERR_WRONG_KIND, "a process or a term of another kind is needed"),
            Error::Limit => (REGROW_ERR_LIMIT, "a limit is reached"),
            Error::MailboxFull => (REGROW_ERR_LIMIT, "the mailbox is full"),
            Error::OtherRuntime => (REGROW_ERR_OTHER_RUNTIME, "the process lives in another runtime"),
            Error::NoIdentity => (REGROW_ERR_CONTEXT, "needs a callback, or a thread that has entered"),
            Error::Ignored => (REGROW_ERR_IGNORED, "its init answered ignore"),
            Error::Refused(reason) if reason.is_atom(atoms::RUNNING) => (REGROW_ERR_RUNNING, "the child is running"),
            Error::Refused(reason) if reason.is_atom(atoms::RESTARTING) => {
                (REGROW_ERR_RESTARTING, "the child is being restarted")
            }
            Error::Refused(reason) if reason.is_atom(atoms::MAX_CHILDREN) => {
                (REGROW_ERR_LIMIT, "the supervisor has as many children as it may have")
            }
            Error::Refused(reason) if reason.is_atom(atoms::SIMPLE_ONE_FOR_ONE) => {
                (REGROW_ERR_WRONG_KIND, "a simple_one_for_one supervisor does not do that")
            }
            Error::Refused(_) => (REGROW_ERR_ARGUMENT, "refused; regrow_last_reason() tells why"),
        };
        Fault { code, reason: error.reason(), text: text.into() }
    }
}

thread_local! {
    static LAST: RefCell<Option<Fault>> = const { RefCell::new(None) };
}

/// Keeps the fault as the caller's last error: the process's, or else the thread's.
fn remember(fault: Fault) {
    match process::current() {
        Some(process) => process.set_last_error(Box::new(fault)),
        None => {
            let old = LAST.try_with(|last| last.borrow_mut().replace(fault));
            drop(old);
        }
    }
}

/// The caller's last error, if it ever had one.
pub(super) fn last_fault() -> Option<Fault> {
    match process::current() {
        Some(process) => process.last_error(|error| error.downcast_ref::<Fault>().cloned()),
        None => LAST.try_with(|last| last.borrow().clone()).ok().flatten(),
    }
}

/// Runs the body of an exported function: inside the runtime, with a panic caught and told as INTERNAL, and a fault
/// kept as the last error.
#[inline]
pub(super) fn guard(body: impl FnOnce() -> Result<(), Fault>) -> regrow_error {
    if is_forked() {
        return regrow_error::REGROW_ERR_FORKED;
    }
    let _inside = inside::enter();
    caught(body)
}

/// The rest of [`guard`], for one who is inside.
#[inline]
pub(super) fn caught(body: impl FnOnce() -> Result<(), Fault>) -> regrow_error {
    // A number comes through the catch, and no fault: that is as a whole where the body's own values lay, and the
    // processor waited for those to be written before it moved all of it, though it was none.
    caught_told(|| match body() {
        Ok(()) => regrow_error::REGROW_OK,
        Err(fault) => {
            let code = fault.code;
            remember(fault);
            code
        }
    })
}

/// As [`guard`], for what [`tell`]s its faults itself, where that is out of the way of what takes a few nanoseconds.
#[inline]
pub(super) fn guard_told(body: impl FnOnce(&inside::Inside) -> regrow_error) -> regrow_error {
    if is_forked() {
        return regrow_error::REGROW_ERR_FORKED;
    }
    let inside = inside::enter();
    caught_told(|| body(&inside))
}

#[inline]
fn caught_told(body: impl FnOnce() -> regrow_error) -> regrow_error {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        let code = regrow_error::REGROW_ERR_INTERNAL;
        remember(Fault { code, reason: Term::atom(atoms::PANIC), text: "a bug in regrow was caught here".into() });
        code
    })
}

/// Keeps a fault as the last error; its code.
#[cold]
#[inline(never)]
pub(super) fn tell(fault: impl Into<Fault>) -> regrow_error {
    let fault = fault.into();
    let code = fault.code;
    remember(fault);
    code
}

/// As [`guard`], for functions that give a value and have no error code: `otherwise` on a panic.
#[inline]
pub(super) fn guard_value<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    let _inside = inside::enter();
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

/// A term that was moved in: freed on every path, unless this is a forked child. The fault tells that it was spent,
/// invalid, or no term at all.
#[inline(always)]
pub(super) fn take(term: regrow_term) -> Result<Term, Fault> {
    if is_forked() {
        return Err(Fault::new(regrow_error::REGROW_ERR_FORKED, "this is the child of a fork"));
    }
    // SAFETY: the words are checked first; a term that passes is the caller's, who gives it up here.
    unsafe {
        if !Term::check_words(term.meta, term.value) {
            return Err(no_term());
        }
        let term = Term::from_words(term.meta, term.value);
        if term.is_invalid() { Err(invalid()) } else { Ok(term) }
    }
}

/// As [`take`], for one who leaves to [`take`] what it gives back.
#[inline(always)]
pub(super) fn sound(term: regrow_term) -> Result<Term, regrow_term> {
    // SAFETY: as in `take`.
    unsafe {
        if is_forked() || !Term::check_words(term.meta, term.value) {
            return Err(term);
        }
        let term = Term::from_words(term.meta, term.value);
        if term.is_invalid() { Err(term.into()) } else { Ok(term) }
    }
}

/// As [`take`], for what is used where it lies: a fault has no room in it, so it is never moved as a whole, for which the
/// processor would wait until its parts are written.
pub(super) struct Moved {
    term: Term,
    is_term: bool,
}

#[inline(always)]
pub(super) fn moved(term: regrow_term) -> Moved {
    // SAFETY: as in `take`. In the child of a fork, which is refused everything, nothing is read nor freed.
    unsafe {
        let is_term = !is_forked() && Term::check_words(term.meta, term.value);
        Moved { term: if is_term { Term::from_words(term.meta, term.value) } else { Term::invalid() }, is_term }
    }
}

impl Moved {
    #[inline(always)]
    pub fn get(&mut self) -> Result<&mut Term, Fault> {
        match (self.is_term, self.term.is_invalid()) {
            (false, _) => Err(no_term()),
            (true, true) => Err(invalid()),
            (true, false) => Ok(&mut self.term),
        }
    }

    /// As [`Moved::get`], for one who leaves to that why there is none.
    #[inline(always)]
    pub fn peek(&self) -> Option<&Term> {
        (self.is_term && !self.term.is_invalid()).then_some(&self.term)
    }
}

// Made out of the way: they are large, and most calls make none.

#[cold]
fn no_term() -> Fault {
    Fault::argument("a term was spent, or was never made by regrow")
}

#[cold]
fn invalid() -> Fault {
    Fault::argument("a term is invalid")
}

#[cold]
fn null() -> Fault {
    Fault::argument("a term pointer is NULL")
}

/// A borrowed term. NULL, spent and invalid terms are refused.
///
/// # Safety
/// The pointer is null or leads to a `regrow_term` that stays for `'a`.
#[inline(always)]
pub(super) unsafe fn borrow<'a>(term: *const regrow_term) -> Result<&'a Term, Fault> {
    // SAFETY: the caller's promise.
    unsafe { lent(term) }.ok_or_else(|| not_lent(term))
}

/// As [`borrow`], for one who leaves to that why there is none.
///
/// # Safety
/// As [`borrow`].
#[inline(always)]
pub(super) unsafe fn lent<'a>(term: *const regrow_term) -> Option<&'a Term> {
    // SAFETY: the caller's promise; `Term` is the same two words.
    unsafe {
        let words = term.as_ref()?;
        let is_term = Term::check_words(words.meta, words.value);
        is_term.then(|| &*term.cast::<Term>()).filter(|term| !term.is_invalid())
    }
}

#[cold]
fn not_lent(term: *const regrow_term) -> Fault {
    // SAFETY: as in `borrow`, whose pointer it is.
    let is_term = unsafe { term.as_ref().map(|words| Term::check_words(words.meta, words.value)) };
    match is_term {
        None => null(),
        Some(true) => invalid(),
        Some(false) => no_term(),
    }
}

/// As [`borrow`], where NULL means none.
///
/// # Safety
/// As [`borrow`].
pub(super) unsafe fn borrow_optional<'a>(term: *const regrow_term) -> Result<Option<&'a Term>, Fault> {
    // SAFETY: the caller's promise.
    if term.is_null() { Ok(None) } else { unsafe { borrow(term) }.map(Some) }
}

/// An out-parameter, written only on success.
pub(super) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// Is there a place for it?
    pub fn is_wanted(&self) -> bool {
        !self.0.is_null()
    }

    /// Nothing is made that nobody takes: without a place `value` is dropped as what it is, a term for one.
    pub fn set(self, value: impl Into<T>) {
        if self.is_wanted() {
            // SAFETY: `out` promised a place for a T; it may be uninitialised, so nothing is dropped.
            unsafe { self.0.write(value.into()) };
        }
    }
}

/// An out-parameter that must be there.
///
/// # Safety
/// The pointer is null or leads to a place for a T.
pub(super) unsafe fn out<T>(place: *mut T) -> Result<Out<T>, Fault> {
    if place.is_null() { Err(Fault::argument("an out-parameter is NULL")) } else { Ok(Out(place)) }
}

/// An out-parameter that may be NULL: not wanted.
///
/// # Safety
/// As [`out`].
pub(super) unsafe fn out_optional<T>(place: *mut T) -> Out<T> {
    Out(place)
}

/// UTF-8 text, NUL-terminated.
///
/// # Safety
/// The pointer is null or leads to a NUL-terminated string that stays for `'a`.
pub(super) unsafe fn text<'a>(text: *const c_char) -> Result<&'a str, Fault> {
    // SAFETY: the caller's promise.
    unsafe { text_optional(text) }?.ok_or(Fault::argument("a string is NULL"))
}

/// As [`text`], where NULL means none.
///
/// # Safety
/// As [`text`].
pub(super) unsafe fn text_optional<'a>(text: *const c_char) -> Result<Option<&'a str>, Fault> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(text) }.to_bytes();
    if text.is_ascii() {
        // What names are as a rule; of a few bytes this takes a tenth of what UTF-8 in general does.
        // SAFETY: ASCII is UTF-8.
        return Ok(Some(unsafe { str::from_utf8_unchecked(text) }));
    }
    str::from_utf8(text).map(Some).map_err(|_| Fault::argument("a string is not UTF-8"))
}

/// A struct that starts with its size, all of whose fields may be zero.
///
/// # Safety
/// `repr(C)`, the first field is `size: usize`, there is no padding, and all zeroes is a value of it.
pub(super) unsafe trait SizedStruct: Copy {}

/// Reads a struct that may be older (smaller) or newer (larger) than ours. What an older one lacks is zero; what a
/// newer one has more must be zero, else `REGROW_ERR_VERSION`.
///
/// # Safety
/// The pointer is null or leads to as many readable bytes as its first field says.
pub(super) unsafe fn sized<T: SizedStruct>(place: *const T) -> Result<T, Fault> {
    // SAFETY: the caller's promise.
    unsafe { sized_optional(place) }?.ok_or(Fault::argument("a struct is NULL"))
}

/// As [`sized`], where NULL means none.
///
/// # Safety
/// As [`sized`].
#[inline]
pub(super) unsafe fn sized_optional<T: SizedStruct>(place: *const T) -> Result<Option<T>, Fault> {
    if place.is_null() {
        return Ok(None);
    }
    // SAFETY: the size comes first, and that many bytes are readable; all zeroes is a T.
    unsafe {
        let size = place.cast::<usize>().read_unaligned();
        if size == size_of::<T>() {
            return Ok(Some(place.read_unaligned()));
        }
        if size < size_of::<usize>() {
            return Err(Fault::argument("a struct's .size is not set"));
        }
        // Structs end where a size_t could begin: so did those of any older header, and will those of any newer one.
        if size > 1 << 16 || !size.is_multiple_of(align_of::<usize>()) {
            return Err(Fault::argument("a struct's .size is not a size"));
        }
        let bytes = place.cast::<u8>();
        let known = size.min(size_of::<T>());
        if (known..size).any(|index| *bytes.add(index) != 0) {
            return Err(Fault::new(regrow_error::REGROW_ERR_VERSION, "a struct is newer than this library"));
        }
        let mut value: T = std::mem::zeroed();
        std::ptr::copy_nonoverlapping(bytes, (&raw mut value).cast::<u8>(), known);
        Ok(Some(value))
    }
}

/// Writes an out-struct that starts with its size: as much of it as the caller has room for.
///
/// # Safety
/// The pointer is null or leads to as many writable bytes as its first field says.
pub(super) unsafe fn sized_out<T: SizedStruct>(place: *mut T, mut value: T) -> Result<(), Fault> {
    // SAFETY: the caller's promise.
    unsafe {
        let given = sized::<T>(place)?;
        let size = (&raw const given).cast::<usize>().read();
        (&raw mut value).cast::<usize>().write(size);
        let known = size.min(size_of::<T>());
        std::ptr::copy_nonoverlapping((&raw const value).cast::<u8>(), place.cast::<u8>(), known);
    }
    Ok(())
}

/// The runtime that a process belongs to; any process of it will do.
pub(super) fn node_of(pid: regrow_pid) -> Result<Arc<process::Node>, Fault> {
    process::with_process(pid.into(), |process| process.node().clone())
        .map_or_else(|| crate::runtime::node_of_root(pid.into()).ok_or(Fault::from(Error::NotAlive)), Ok)
}

/// As [`node_of`], for as long as `look` takes. The caller's own runtime is not counted for that.
pub(super) fn in_node<R>(
    pid: regrow_pid, look: impl FnOnce(&Arc<process::Node>) -> Result<R, Fault>,
) -> Result<R, Fault> {
    let mine = process::current().map(process::Process::node);
    let is_it = |node: &Arc<process::Node>| process::with_process(pid.into(), |it| Arc::ptr_eq(it.node(), node));
    match mine.filter(|node| is_it(node) == Some(true)) {
        Some(node) => look(node),
        None => look(&node_of(pid)?),
    }
}

/// Shows the runtime that a process belongs to, without counting a user of it: for what is short, and runs no code
/// of the user's, since `look` runs as in [`process::with_process`].
#[inline]
pub(super) fn with_node<R>(pid: regrow_pid, mut look: impl FnMut(&process::Node) -> R) -> Result<R, Fault> {
    match process::with_process(pid.into(), |process| look(process.node())) {
        Some(seen) => Ok(seen),
        None => Ok(look(&*node_of(pid)?)),
    }
}

/// Whether processes of that kind answer calls.
#[inline]
pub(super) fn answers(kind: Atom) -> bool {
    !matches!(kind, atoms::PROCESS | atoms::THREAD | atoms::REGISTRY | atoms::PUBSUB | atoms::TASK)
}

/// Refuses processes that answer no calls: they would be waited for until they end.
pub(super) fn answers_calls(pid: Pid) -> Result<(), Error> {
    let is_other = process::identity().map(|_| process::current_pid() != pid)?;
    match process::with_process(pid, process::Process::kind) {
        Some(kind) if is_other && !answers(kind) => Err(Error::WrongKind),
        Some(_) => Ok(()),
        None => Err(Error::NoProcess),
    }
}

/// Refuses what is no process of OTP's `sys`: its code does not look for such requests.
pub(super) fn answers_sys(pid: Pid) -> Result<(), Error> {
    let is_other = process::identity().map(|_| process::current_pid() != pid)?;
    match process::with_process(pid, process::Process::kind) {
        Some(atoms::PROCESS | atoms::THREAD | atoms::TASK) if is_other => Err(Error::WrongKind),
        Some(_) => Ok(()),
        None => Err(Error::NoProcess),
    }
}

/// The limit of a mailbox, as a spec's fields say it.
pub(super) fn bound_of(limit: u32, policy: u32, wait_ms: u32, reserved: u32) -> Result<Option<Bound>, Fault> {
    let refused = |text| Err(Fault::argument(text));
    if reserved != 0 {
        return refused("a spec has a field that this library does not know");
    }
    if limit == 0 {
        return if policy == 0 && wait_ms == 0 { Ok(None) } else { refused("a mailbox's policy needs a limit") };
    }
    let policy = match (policy, wait_ms) {
        (REGROW_REJECT, 0) => Policy::Reject,
        (REGROW_DROP_OLDEST, 0) => Policy::DropOldest,
        (REGROW_DROP_NEWEST, 0) => Policy::DropNewest,
        (REGROW_BLOCK, wait_ms) if wait_ms != 0 && wait_ms != u32::MAX => Policy::Block(wait_ms),
        (REGROW_BLOCK, _) => return refused("waiting for a mailbox needs a time limit"),
        (REGROW_REJECT | REGROW_DROP_OLDEST | REGROW_DROP_NEWEST, _) => {
            return refused("a mailbox's time limit is for REGROW_BLOCK");
        }
        _ => return refused("a mailbox's policy is unknown"),
    };
    Ok(Some(Bound { limit, policy }))
}

/// A watchdog in milliseconds, as a process has it: 0 is none, as is `REGROW_INFINITY`.
pub(super) fn watchdog(ms: u32) -> u32 {
    limit(ms).unwrap_or(0)
}

/// A limit in milliseconds; `REGROW_INFINITY` is none.
pub(super) fn limit(ms: u32) -> Option<u32> {
    (ms != u32::MAX).then_some(ms)
}

impl From<regrow_pid> for Pid {
    fn from(pid: regrow_pid) -> Pid {
        Pid(pid.id)
    }
}

impl From<Pid> for regrow_pid {
    fn from(pid: Pid) -> regrow_pid {
        regrow_pid { id: pid.0 }
    }
}

impl From<regrow_ref> for Ref {
    fn from(reference: regrow_ref) -> Ref {
        Ref(reference.id)
    }
}

impl From<Ref> for regrow_ref {
    fn from(reference: Ref) -> regrow_ref {
        regrow_ref { id: reference.0 }
    }
}

impl From<regrow_table> for Ref {
    fn from(table: regrow_table) -> Ref {
        Ref(table.id)
    }
}

impl From<Ref> for regrow_table {
    fn from(table: Ref) -> regrow_table {
        regrow_table { id: table.0 }
    }
}

impl From<Term> for regrow_term {
    fn from(term: Term) -> regrow_term {
        let (meta, value) = term.to_words();
        regrow_term { meta, value }
    }
}
