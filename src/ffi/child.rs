//! Child specs: how to start a process of any kind, and what to do when it ends.
#![allow(non_camel_case_types)]

use super::address::{address, name_of, regrow_address};
use super::support::{Fault, SizedStruct, borrow_optional, sized, text_optional};
use super::types::{
    REGROW_AGENT, REGROW_BEHAVIOUR, REGROW_BRUTAL_KILL, REGROW_DYNAMIC_SUPERVISOR, REGROW_END, REGROW_HOST,
    REGROW_INFINITY, REGROW_NONE, REGROW_PARK, REGROW_PARTITION_SUPERVISOR, REGROW_PERMANENT, REGROW_PROCESS,
    REGROW_PUBSUB, REGROW_REGISTRY, REGROW_SERVER, REGROW_SUPERVISOR, REGROW_TASK, REGROW_TASK_SUPERVISOR,
    REGROW_TEMPORARY, REGROW_TRANSIENT, regrow_term,
};
use crate::process::{Behaviour, ChildStart, Name, StartSpec, Startable};
use crate::supervisor::{Backoff, ChildSpec, Restart, Shutdown};
use crate::sync::blocks::Small;
use crate::term::Term;
use std::ffi::{c_char, c_void};
use std::sync::Arc;

/// When a child that failed is started again, and how often. Without it: at once, and as often as its supervisor's
/// max_restarts says. Copied when used.
///
/// Each failure that is followed by a restart, a start that fails included, waits longer than the one before. While it
/// waits the child shows as `restarting` (regrow_tree() tells until when), and regrow_supervisor_terminate_child() ends
/// the wait. With
/// REGROW_ONE_FOR_ALL and REGROW_REST_FOR_ONE the siblings that are restarted with it are stopped at once, and wait
/// too.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_backoff_spec {
    /// sizeof(regrow_backoff_spec).
    pub size: usize,
    /// The first wait; 0: none, ever.
    pub initial_ms: u32,
    /// The longest wait; 0: 30000.
    pub max_ms: u32,
    /// What a wait is to the one before, in percent, at least 100; 0: 200, twice as long.
    pub factor_percent: u32,
    /// Each wait is up to so many percent longer or shorter, by chance; at most 100.
    pub jitter_percent: u32,
    /// A child that was up for so long begins anew with the first wait; 0: as `max_ms`.
    pub reset_after_ms: u32,
    /// A limit of this child's own: more than this many restarts ...; 0: its supervisor counts them, with those of
    /// its siblings. REGROW_NONE: none is allowed.
    pub max_restarts: u32,
    /// ... within this many milliseconds; 0: 5000.
    pub period_ms: u32,
    /// What happens at the limit, its own or its supervisor's. REGROW_END (0): the supervisor ends. REGROW_PARK: the
    /// child stays down, shows as `parked`, and the siblings that are restarted with it stay down too, until
    /// regrow_supervisor_restart_child().
    pub at_limit: u32,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_backoff_spec {}

/// Reads a backoff.
///
/// # Safety
/// As the header says of the struct.
unsafe fn backoff(spec: *const regrow_backoff_spec) -> Result<Backoff, Fault> {
    // SAFETY: the caller's promise.
    let given = unsafe { sized(spec) }?;
    if given.jitter_percent > 100 || (1..100).contains(&given.factor_percent) || given.at_limit > REGROW_PARK {
        return Err(Fault::argument("a backoff's percentages or its at_limit are out of range"));
    }
    let or = |value: u32, default: u32| if value == 0 { default } else { value };
    let max_ms = or(given.max_ms, 30_000);
    let period_ms = or(given.period_ms, 5_000);
    Ok(Backoff {
        initial_ms: given.initial_ms,
        max_ms,
        factor_percent: or(given.factor_percent, 200),
        jitter_percent: given.jitter_percent,
        reset_after_ms: or(given.reset_after_ms, max_ms),
        limit: match given.max_restarts {
            0 => None,
            REGROW_NONE => Some((0, period_ms)),
            many => Some((many, period_ms)),
        },
        park: given.at_limit != REGROW_END,
    })
}

/// How to start a process of any kind, and, as a child, what to do when it ends. Copied when used.
///
/// In an array each has the same `.size`, which is also the distance from one to the next.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_child_spec {
    /// sizeof(regrow_child_spec).
    pub size: usize,
    /// What it goes by under its supervisor, where it is unique; becomes a text term.
    pub id: *const c_char,
    /// Borrowed: the same as any term. A child has one of the two.
    pub id_term: *const regrow_term,
    /// What `spec` is; has no default. REGROW_SERVER, REGROW_SUPERVISOR, REGROW_DYNAMIC_SUPERVISOR,
    /// REGROW_PARTITION_SUPERVISOR, REGROW_TASK_SUPERVISOR, REGROW_REGISTRY, REGROW_AGENT, REGROW_PROCESS, REGROW_TASK,
    /// REGROW_HOST, REGROW_PUBSUB or REGROW_BEHAVIOUR.
    pub kind: u32,
    /// REGROW_PERMANENT: restarted whenever it ends. REGROW_TRANSIENT: unless with `normal`, `shutdown` or
    /// `{shutdown, _}`. REGROW_TEMPORARY: never, and forgotten then. 0: a task is temporary, all others are permanent.
    pub restart: u32,
    /// Time it has to end when it is told to shut down, before it is killed; 0: 5000, for a supervisor
    /// REGROW_INFINITY. REGROW_BRUTAL_KILL: killed at once.
    pub shutdown_ms: u32,
    /// Zero.
    pub reserved: u32,
    /// Borrowed: the spec of that kind, such as a regrow_server_spec. That it is one cannot be checked: read as another
    /// kind's, its fields would be taken for functions.
    pub spec: *const c_void,
    /// A name that is registered for it before it runs, at each start. NULL: none, or `name_term`.
    pub name: *const c_char,
    /// Borrowed: a registry and a key that it is registered under likewise. NULL: none.
    pub via: *const regrow_address,
    /// 1: when it ends by itself its supervisor may end too, as that one's auto_shutdown says; not for a permanent one.
    pub significant: u32,
    /// Zero.
    pub reserved_2: u32,
    /// Borrowed: when and how often it is restarted. NULL: at once, and as its supervisor says.
    pub backoff: *const regrow_backoff_spec,
    /// Borrowed: a name that is any term, in place of `name`.
    pub name_term: *const regrow_term,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_child_spec {}

/// Reads what to start, once, from a child spec; its id, restart and shutdown are not looked at. `begin` gets the start,
/// and how long it may take. The kind's `drop_user` runs once, however this ends, if the struct and its kind can be
/// read. For a server, of which there may be a great many, nothing is made that the process itself does not need.
///
/// # Safety
/// As the header says of the struct.
#[inline]
pub(super) unsafe fn start_once<R>(
    spec: *const regrow_child_spec, begin: impl FnOnce(ChildStart, Option<u32>) -> Result<R, Fault>,
) -> Result<R, Fault> {
    // SAFETY: the caller's promise.
    unsafe {
        let given = sized(spec)?;
        if given.kind == REGROW_SERVER && given.via.is_null() {
            let server = super::server::server(given.spec)?;
            let name = name_given(&given)?;
            let timeout = server.init_timeout();
            return begin(ChildStart { name, ..server.start() }, timeout);
        }
        let spec = start_of(&given)?;
        begin(spec.build(), spec.what.init_timeout())
    }
}

/// A start that is a server's, and of a child spec that says nothing else; see [`super::server::alone`].
///
/// # Safety
/// As the header says of the struct.
#[inline]
pub(super) unsafe fn alone(spec: *const regrow_child_spec) -> Option<(Small<dyn Behaviour>, u32)> {
    if spec.is_null() {
        return None;
    }
    // SAFETY: the caller's promise: as many bytes as its size says.
    unsafe {
        if spec.cast::<usize>().read_unaligned() != size_of::<regrow_child_spec>() {
            return None;
        }
        let given = spec.read_unaligned();
        let has_no_name = given.via.is_null() && given.name.is_null() && given.name_term.is_null();
        let is_known = given.kind == REGROW_SERVER && given.reserved == 0 && given.reserved_2 == 0;
        if has_no_name && is_known { super::server::alone(given.spec) } else { None }
    }
}

unsafe fn start_of(given: &regrow_child_spec) -> Result<StartSpec, Fault> {
    // SAFETY: the caller's promise.
    unsafe {
        // The kind's spec first: once it is read, what belongs to it is given back on every path.
        let mut start = StartSpec { what: startable(given.kind, given.spec)?, name: None, via: None };
        start.name = name_given(given)?;
        if !given.via.is_null() {
            address(given.via)?.via(&mut start)?;
        }
        Ok(start)
    }
}

/// The name that a child spec gives, once what else it has is known to be known.
unsafe fn name_given(given: &regrow_child_spec) -> Result<Option<Name>, Fault> {
    if given.reserved != 0 || given.reserved_2 != 0 {
        return Err(Fault::argument("a child spec has a field that this library does not know"));
    }
    // SAFETY: the caller's promise.
    let name = unsafe { name_of(given.name, given.name_term) }?;
    if name.as_ref().is_some_and(Name::is_empty) {
        return Err(Fault::argument("a name is not empty"));
    }
    Ok(name)
}

unsafe fn startable(kind: u32, spec: *const c_void) -> Result<Arc<dyn Startable>, Fault> {
    // SAFETY: the caller's promise: the pointer is one to a spec of that kind.
    unsafe {
        match kind {
            REGROW_SERVER => super::server::startable(spec),
            REGROW_SUPERVISOR => super::supervisor::startable(spec),
            REGROW_DYNAMIC_SUPERVISOR => super::dynamic_supervisor::startable(spec),
            REGROW_PARTITION_SUPERVISOR => super::partition_supervisor::startable(spec),
            REGROW_REGISTRY => super::registry::startable(spec),
            REGROW_AGENT => super::agent::startable(spec),
            REGROW_PROCESS => super::process_body::startable(spec),
            REGROW_HOST => super::host::startable(spec),
            REGROW_PUBSUB => super::pubsub::startable(spec),
            REGROW_TASK => super::task::startable(spec),
            REGROW_TASK_SUPERVISOR => super::task_supervisor::startable(spec),
            REGROW_BEHAVIOUR => super::behaviour::startable(spec),
            0 => Err(Fault::argument("a child spec has no kind: say what its spec is, such as REGROW_SERVER")),
            _ => Err(Fault::argument("a child spec's kind is unknown")),
        }
    }
}

/// Reads a child spec.
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn child_spec(spec: *const regrow_child_spec) -> Result<ChildSpec, Fault> {
    // SAFETY: the caller's promise.
    unsafe {
        let child = child_template(spec)?;
        let given = sized(spec)?;
        let id = match (text_optional(given.id)?, borrow_optional(given.id_term)?) {
            (Some(text), None) => Term::text(text),
            (None, Some(term)) => term.clone(),
            _ => return Err(Fault::argument("a child has an id, as a text or as a term")),
        };
        Ok(ChildSpec { id, ..child })
    }
}

/// Reads a child spec but for its id.
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn child_template(spec: *const regrow_child_spec) -> Result<ChildSpec, Fault> {
    // SAFETY: the caller's promise.
    unsafe {
        let given = sized(spec)?;
        let start = start_of(&given)?;
        let mut child = ChildSpec::new(Term::nil(), start);
        child.restart = restart(given.restart, child.restart)?;
        child.shutdown = shutdown(given.shutdown_ms).unwrap_or(child.shutdown);
        if given.significant > 1 {
            return Err(Fault::argument("a child is significant, 1, or not, 0"));
        }
        child.significant = given.significant == 1;
        if !given.backoff.is_null() {
            child.backoff = Some(Arc::new(backoff(given.backoff)?));
        }
        Ok(child)
    }
}

/// `shutdown_ms` of a spec; none: it says nothing.
pub(super) fn shutdown(given_ms: u32) -> Option<Shutdown> {
    Some(match given_ms {
        0 => return None,
        REGROW_BRUTAL_KILL => Shutdown::BrutalKill,
        REGROW_INFINITY => Shutdown::Infinity,
        ms => Shutdown::Ms(ms),
    })
}

/// `restart` of a spec.
pub(super) fn restart(given: u32, default: Restart) -> Result<Restart, Fault> {
    match given {
        0 => Ok(default),
        REGROW_PERMANENT => Ok(Restart::Permanent),
        REGROW_TRANSIENT => Ok(Restart::Transient),
        REGROW_TEMPORARY => Ok(Restart::Temporary),
        _ => Err(Fault::argument("a spec's restart is unknown")),
    }
}

/// Reads an array of child specs; each lies the first one's `.size` behind the one before. All are read even when one
/// is refused, so that what belongs to them is given back.
///
/// # Safety
/// The pointer leads to `count` of them, or `count` is 0.
pub(super) unsafe fn child_specs(specs: *const regrow_child_spec, count: usize) -> Result<Vec<ChildSpec>, Fault> {
    if count == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the caller's promise; `sized` checks the first one's size before it becomes a distance, and each further
    // one's before anything else of it is looked at.
    unsafe {
        let size = sized(specs)?.size;
        let at = |index: usize| specs.byte_add(index * size);
        if (1..count).any(|index| at(index).cast::<usize>().read_unaligned() != size) {
            return Err(Fault::argument("the structs of an array have different sizes"));
        }
        let read: Vec<_> = (0..count).map(|index| child_spec(at(index))).collect();
        read.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::context::regrow_context;
    use super::super::process_body::regrow_process_spec;
    use super::super::supervisor::{regrow_supervisor_spec, startable};
    use super::super::types::{REGROW_NONE, REGROW_ONE_FOR_ALL, regrow_error, regrow_next};
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    unsafe extern "C-unwind" fn body(_: *mut regrow_context, _: *mut c_void) -> regrow_next {
        0
    }

    unsafe extern "C-unwind" fn count(user: *mut c_void) {
        // SAFETY: each test passes a counter that outlives its specs.
        unsafe { &*user.cast::<AtomicUsize>() }.fetch_add(1, Ordering::SeqCst);
    }

    fn zeroed<T: SizedStruct>() -> T {
        // SAFETY: the trait says that all zeroes is a value.
        unsafe { std::mem::zeroed() }
    }

    fn body_spec(drops: &AtomicUsize) -> regrow_process_spec {
        regrow_process_spec {
            size: size_of::<regrow_process_spec>(),
            body: Some(body),
            user: std::ptr::from_ref(drops).cast_mut().cast(),
            drop_user: Some(count),
            ..zeroed()
        }
    }

    fn child(id: &'static std::ffi::CStr, body: &regrow_process_spec) -> regrow_child_spec {
        regrow_child_spec {
            size: size_of::<regrow_child_spec>(),
            id: id.as_ptr(),
            kind: REGROW_PROCESS,
            spec: std::ptr::from_ref(body).cast(),
            ..zeroed()
        }
    }

    fn code<T>(read: Result<T, Fault>) -> Option<regrow_error> {
        read.err().map(|fault| fault.code)
    }

    const REFUSED: Option<regrow_error> = Some(regrow_error::REGROW_ERR_ARGUMENT);

    #[test]
    fn zero_takes_the_defaults_and_constants_say_the_rest() {
        let drops = AtomicUsize::new(0);
        let body = body_spec(&drops);
        let plain = child(c"a", &body);
        let low = regrow_supervisor_spec { size: size_of::<regrow_supervisor_spec>(), ..zeroed() };
        let low = regrow_child_spec { kind: REGROW_SUPERVISOR, spec: std::ptr::from_ref(&low).cast(), ..plain };
        let cases = [
            (plain, Restart::Permanent, Shutdown::Ms(5_000), false),
            (low, Restart::Permanent, Shutdown::Infinity, true),
            (regrow_child_spec { shutdown_ms: 7, ..low }, Restart::Permanent, Shutdown::Ms(7), true),
            (
                regrow_child_spec { shutdown_ms: REGROW_BRUTAL_KILL, restart: REGROW_TRANSIENT, ..plain },
                Restart::Transient,
                Shutdown::BrutalKill,
                false,
            ),
            (
                regrow_child_spec { shutdown_ms: REGROW_INFINITY, restart: REGROW_TEMPORARY, ..plain },
                Restart::Temporary,
                Shutdown::Infinity,
                false,
            ),
        ];
        for (given, restart, shutdown, is_supervisor) in cases {
            // SAFETY: a struct of this test.
            let read = unsafe { child_spec(&raw const given) }.expect("a good spec");
            assert_eq!((read.restart, read.shutdown, read.is_supervisor), (restart, shutdown, is_supervisor));
            assert_eq!(read.id, Term::text("a"));
        }
        assert_eq!(drops.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn what_is_refused_is_given_back_once() {
        let drops = AtomicUsize::new(0);
        let body = body_spec(&drops);
        let plain = child(c"a", &body);
        let id = regrow_term { meta: 0, value: 0 };
        let refused = [
            regrow_child_spec { id: std::ptr::null(), ..plain },
            regrow_child_spec { id_term: &raw const id, ..plain },
            regrow_child_spec { restart: 4, ..plain },
            regrow_child_spec { reserved: 1, ..plain },
            regrow_child_spec { name: c"".as_ptr(), ..plain },
            regrow_child_spec { name: c"b".as_ptr(), name_term: &raw const id, ..plain },
            regrow_child_spec { reserved_2: 1, ..plain },
            regrow_child_spec { significant: 2, ..plain },
        ];
        for (index, given) in refused.iter().enumerate() {
            // SAFETY: a struct of this test.
            assert_eq!(code(unsafe { child_spec(given) }), REFUSED, "{index}");
            assert_eq!(drops.load(Ordering::SeqCst), index + 1);
        }
        // Not known what its spec is.
        let given = regrow_child_spec { kind: 99, ..plain };
        // SAFETY: a struct of this test.
        assert_eq!(code(unsafe { child_spec(&raw const given) }), REFUSED);
        // A start needs no id.
        // SAFETY: a struct of this test.
        assert!(unsafe { start_once(&raw const refused[0], |_, _| Ok(())) }.is_ok());
    }

    #[test]
    fn children_lie_as_far_apart_as_the_first_ones_size_says() {
        // As an older program has them: without `via`; and as a newer one, with a field more.
        let known = size_of::<regrow_child_spec>();
        for size in [std::mem::offset_of!(regrow_child_spec, via), known, known + 8] {
            let drops = AtomicUsize::new(0);
            let body = body_spec(&drops);
            let mut array = vec![0u64; 3 * size / 8];
            for (index, id) in [c"a", c"b", c"c"].into_iter().enumerate() {
                let given = regrow_child_spec { size, ..child(id, &body) };
                // SAFETY: as many bytes as both have.
                unsafe {
                    let place = array.as_mut_ptr().byte_add(index * size).cast::<u8>();
                    std::ptr::copy_nonoverlapping((&raw const given).cast::<u8>(), place, size.min(known));
                }
            }
            let read = |array: &Vec<u64>| {
                // SAFETY: three structs of that size.
                unsafe { child_specs(array.as_ptr().cast(), 3) }
            };
            let specs = read(&array).expect("good specs");
            assert_eq!(specs.iter().map(|spec| spec.id.clone()).collect::<Vec<_>>(), ["a", "b", "c"].map(Term::text));
            drop(specs);
            assert_eq!(drops.load(Ordering::SeqCst), 3);
            // One of another size makes the array unreadable.
            array[size / 8] -= 8;
            assert_eq!(code(read(&array)), REFUSED);
        }
    }

    #[test]
    fn a_bad_child_has_all_that_a_supervisor_spec_holds_given_back() {
        let drops = AtomicUsize::new(0);
        let body = body_spec(&drops);
        let bad = regrow_child_spec { restart: 9, ..child(c"b", &body) };
        for (children, good) in
            [([child(c"a", &body), bad, child(c"c", &body)], false), ([child(c"a", &body); 3], true)]
        {
            drops.store(0, Ordering::SeqCst);
            let given = regrow_supervisor_spec {
                size: size_of::<regrow_supervisor_spec>(),
                strategy: REGROW_ONE_FOR_ALL,
                max_restarts: REGROW_NONE,
                children: children.as_ptr(),
                child_count: 3,
                user: std::ptr::from_ref(&drops).cast_mut().cast(),
                drop_user: Some(count),
                ..zeroed()
            };
            // SAFETY: structs of this test. That ids are used twice is told by the start.
            let read = unsafe { startable((&raw const given).cast()) };
            assert_eq!(read.is_ok(), good);
            drop(read);
            assert_eq!(drops.load(Ordering::SeqCst), 4);
        }
    }
}
