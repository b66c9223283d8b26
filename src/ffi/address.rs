//! Addresses: a name, or a registry and a key, in place of a pid.
#![allow(non_camel_case_types)]

use super::request::{pass_request, read, regrow_request};
use super::support::{
    Fault, SizedStruct, answers_calls, borrow, borrow_optional, guard, limit, node_of, out, out_optional, sized, take,
    text_optional,
};
use super::types::{regrow_error, regrow_pid, regrow_ref, regrow_term};
use crate::process::{self, Error, Message, Name, Node, Outcome, Places, StartSpec, Turn};
use crate::registry::{self, Which};
use crate::supervisor;
use crate::term::{Pid, Term};
use std::ffi::c_char;
use std::sync::Arc;

/// Whom to talk to, by name or by registry and key, so that a restart is none of your business.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_address {
    /// sizeof(regrow_address).
    pub size: usize,
    /// The root, or any other process, of the runtime to look in. Zero: the caller's own, else that of `registry`.
    pub runtime: regrow_pid,
    /// A local name; or NULL, and `name_term`, or a registry and a key.
    pub name: *const c_char,
    /// The registry, by pid (or a partition supervisor: then the key's partition is meant) ...
    pub registry: regrow_pid,
    /// ... or by its own name.
    pub registry_name: *const c_char,
    /// Borrowed: the key in the registry.
    pub key: *const regrow_term,
    /// Borrowed: the value beside it, where the address is used to register; NULL: [].
    pub value: *const regrow_term,
    /// How long to wait for somebody to be there; 0: not at all. On the runtime's clock. Who waits for the same is
    /// served in the order in which they came.
    /// With the pid of a registry: on the clock of that one's runtime, and no longer than it lives.
    pub wait_ms: u32,
    /// Zero.
    pub reserved: u32,
    /// Borrowed: a local name that is any term, in place of `name`.
    pub name_term: *const regrow_term,
    /// Borrowed: the same in place of `registry_name`.
    pub registry_name_term: *const regrow_term,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_address {}

/// An address that was read and checked.
#[derive(Clone)]
pub(super) struct Address {
    node: Option<Arc<Node>>,
    place: Place,
    wait_ms: u32,
}

#[derive(Clone)]
enum Place {
    Name(Name),
    Key { registry: Which, key: Term, value: Term },
}

impl Place {
    /// Who is there; `whereis` finds names.
    fn look(&self, whereis: impl Fn(&Name) -> Result<Pid, Error>) -> Result<Pid, Error> {
        match self {
            Place::Name(name) => whereis(name),
            Place::Key { registry, key, .. } => {
                let pid = match registry {
                    Which::Pid(pid) => *pid,
                    Which::Name(name) => whereis(name)?,
                };
                if supervisor::is_partition_supervisor(pid) {
                    return supervisor::partition(pid, key);
                }
                registry::whereis(pid, key)?.ok_or(Error::NotFound)
            }
        }
    }

    /// What who waits for somebody there waits for.
    fn sought(&self, node: &Arc<Node>) -> Places {
        match self {
            Place::Name(name) => [Some(process::sought(node, name)), None],
            Place::Key { registry, key, .. } => {
                let (called, pid) = match registry {
                    Which::Pid(pid) => (None, Some(*pid)),
                    Which::Name(name) => (Some(process::sought(node, name)), process::whereis(node, name)),
                };
                let there = |pid| supervisor::sought(pid, key).or_else(|| registry::sought(pid, key));
                [called, pid.and_then(there)]
            }
        }
    }
}

/// Reads a name that is given as text or as a term; none when it is given in neither way.
///
/// # Safety
/// Each is NULL or leads to what it says.
pub(super) unsafe fn name_of(text: *const c_char, term: *const regrow_term) -> Result<Option<Name>, Fault> {
    // SAFETY: the caller's promise.
    match unsafe { (text_optional(text)?, borrow_optional(term)?) } {
        (Some(_), Some(_)) => Err(Fault::argument("a name is given twice, as text and as a term")),
        (Some(text), None) => Ok(Some(text.into())),
        (None, term) => Ok(term.cloned().map(Name::from)),
    }
}

/// Reads an address.
///
/// # Safety
/// As the header says of the struct.
pub(super) unsafe fn address(place: *const regrow_address) -> Result<Address, Fault> {
    // SAFETY: the caller's promise.
    unsafe {
        let given = sized(place)?;
        if given.reserved != 0 {
            return Err(Fault::argument("an address has a field that this library does not know"));
        }
        let node = if given.runtime.id == 0 { None } else { Some(node_of(given.runtime)?) };
        let name = name_of(given.name, given.name_term)?;
        let registry = match (given.registry.id, name_of(given.registry_name, given.registry_name_term)?) {
            (0, None) => None,
            (0, Some(name)) => Some(Which::Name(name)),
            (pid, None) => Some(Which::Pid(Pid(pid))),
            (_, Some(_)) => return Err(Fault::argument("an address names its registry twice")),
        };
        let place = match (name, registry) {
            (Some(name), None) => Place::Name(name),
            (None, Some(registry)) => {
                let value = borrow_optional(given.value)?.cloned().unwrap_or(Term::nil());
                Place::Key { registry, key: borrow(given.key)?.clone(), value }
            }
            _ => return Err(Fault::argument("an address is a name, or a registry and a key")),
        };
        Ok(Address { node, place, wait_ms: given.wait_ms })
    }
}

impl Address {
    fn node(&self) -> Result<Arc<Node>, Error> {
        match &self.node {
            Some(node) => Ok(node.clone()),
            None => match (process::current(), &self.place) {
                (Some(me), _) => Ok(me.node().clone()),
                (None, Place::Key { registry: Which::Pid(pid), .. }) => {
                    process::with_process(*pid, |registry| registry.node().clone()).ok_or(Error::NoProcess)
                }
                (None, _) => Err(Error::NoIdentity),
            },
        }
    }

    /// Where somebody arrives who is waited for, by whose clock: with a registry that is meant by its pid.
    fn home(&self) -> Result<Arc<Node>, Error> {
        let there = match self.place {
            Place::Key { registry: Which::Pid(pid), .. } => process::with_process(pid, |there| there.node().clone()),
            _ => None,
        };
        there.map_or_else(|| self.node(), Ok)
    }

    fn look(&self) -> Result<Pid, Error> {
        self.place.look(|name| process::whereis(&*self.node()?, name).ok_or(Error::NotFound))
    }

    /// Does `act` with whoever is there. Found dead or not found, it is looked for again until the wait is over.
    fn with<R>(&self, mut act: impl FnMut(Pid) -> Result<R, Error>) -> Result<R, Error> {
        self.with_turn(|pid, _| act(pid))
    }

    /// As [`Address::with`]: an `act` that waits gives the turn on before.
    fn with_turn<R>(&self, mut act: impl FnMut(Pid, &Turn<'_>) -> Result<R, Error>) -> Result<R, Error> {
        let node = self.home()?;
        let places = || self.place.sought(&node);
        process::until_arrival(&node, self.wait_ms, places, |turn| self.look().and_then(|pid| act(pid, turn)))
    }

    /// What the DOWN of a monitor by this address names.
    fn shown(&self) -> Term {
        match &self.place {
            Place::Name(name) => name.term(),
            Place::Key { key, .. } => key.clone(),
        }
    }

    /// For a start: registers under this address.
    pub(super) fn via(self, spec: &mut StartSpec) -> Result<(), Fault> {
        match self.place {
            Place::Name(_) => Err(Fault::argument("a name is given as the spec's name, not as its via")),
            Place::Key { registry, key, value } => {
                spec.via = Some(registry::via(registry, key, value));
                Ok(())
            }
        }
    }
}

/// The process that an address leads to now. May wait for one, as long as the address says; any thread.
///
/// @param address  borrowed.
/// @param pid      out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_whereis_at(address: *const regrow_address, pid: *mut regrow_pid) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (address, pid) = unsafe { (self::address(address)?, out(pid)?) };
        pid.set(address.with(Ok)?);
        Ok(())
    })
}

/// As regrow_call(). A process that ends before it takes the call up is looked for again while the address waits. May
/// wait; any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_call_at(
    address: *const regrow_address, request: regrow_term, timeout_ms: u32, reply: *mut regrow_term,
) -> regrow_error {
    let request = take(request);
    guard(|| {
        let request = request?;
        // SAFETY: as the header says.
        let (address, reply) = unsafe { (self::address(address)?, out_optional(reply)) };
        // Why the last one that was found ended without having seen the request.
        let mut ended = None;
        let outcome = address.with_turn(|pid, turn| {
            answers_calls(pid)?;
            let request = request.clone();
            match process::call_in_turn(pid, limit(timeout_ms), turn, |to| Message::Call { request, reply: to })? {
                Outcome::NotTaken(reason) => {
                    ended = Some(reason);
                    Err(Error::NoProcess)
                }
                outcome => Ok(outcome),
            }
        });
        let outcome = match (outcome, ended) {
            (Err(Error::NoProcess | Error::NotFound), Some(reason)) => return Err(Error::Exited(reason).into()),
            (outcome, _) => outcome?,
        };
        reply.set(read(outcome, None)?);
        Ok(())
    })
}

/// As regrow_call_async(), and as regrow_call_at() without waiting: the request follows a restart. Any thread.
///
/// While nobody is there it waits for somebody, as long as the address says, and when whoever has it ends before taking
/// it up, it goes to the next who is there. What cannot be done at once is an error here when the address waits for
/// nobody, and else the request's: REGROW_ERR_NOT_FOUND or REGROW_ERR_NO_PROCESS when nobody came, REGROW_ERR_EXITED
/// when the last one ended, REGROW_ERR_NOT_ALIVE when the runtime was shut down meanwhile.
///
/// @param timeout_ms  from when somebody has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_call_async_at(
    address: *const regrow_address, request: regrow_term, timeout_ms: u32, pending: *mut *mut regrow_request,
) -> regrow_error {
    let request = take(request);
    guard(|| {
        let request = request?;
        // SAFETY: as the header says.
        let (mut address, pending) = unsafe { (self::address(address)?, out(pending)?) };
        let node = address.home()?;
        let wait_ms = address.wait_ms;
        // Whoever looks later is not the caller, whose runtime is meant.
        address.node = Some(node.clone());
        let (place, seen_by) = (address.place.clone(), node.clone());
        let seek = Box::new(move || place.sought(&seen_by));
        let look = Box::new(move || {
            let pid = address.look()?;
            answers_calls(pid)?;
            if process::current_pid() == pid && pid != Pid::NONE { Err(Error::SelfCall) } else { Ok(pid) }
        });
        pass_request(pending, process::pursue(&node, wait_ms, limit(timeout_ms), look, seek, request)?);
        Ok(())
    })
}

/// As regrow_cast(), but REGROW_ERR_NOT_FOUND when nobody is there: nothing was told to anybody. May wait for somebody,
/// as long as the address says; any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_cast_at(address: *const regrow_address, message: regrow_term) -> regrow_error {
    let message = take(message);
    // SAFETY: as the header says.
    guard(|| unsafe { post_at(address, message?, Message::Cast) })
}

/// As regrow_send(), but REGROW_ERR_NOT_FOUND when nobody is there. May wait for somebody, as long as the address says;
/// any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_send_at(address: *const regrow_address, message: regrow_term) -> regrow_error {
    let message = take(message);
    // SAFETY: as the header says.
    guard(|| unsafe { post_at(address, message?, Message::Info) })
}

unsafe fn post_at(address: *const regrow_address, message: Term, wrap: impl Fn(Term) -> Message) -> Result<(), Fault> {
    // SAFETY: the caller's promise.
    let address = unsafe { self::address(address) }?;
    process::identity()?;
    Ok(address.with(|pid| {
        if process::Process::post_if_there(pid, wrap(message.clone()))? { Ok(()) } else { Err(Error::NoProcess) }
    })?)
}

/// As regrow_send_after(), to whoever is there when the time has come; then nobody is waited for, and without anybody
/// the message is dropped. Unlike a timer to a pid this one ends with nobody: it outlasts a restart. Any thread.
///
/// @param address  borrowed; its `wait_ms` means nothing here.
/// @param message  moved.
/// @param timer    out, for regrow_cancel_timer(). NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_send_after_at(
    address: *const regrow_address, ms: u32, message: regrow_term, timer: *mut regrow_ref,
) -> regrow_error {
    let message = take(message);
    guard(|| {
        let message = message?;
        // SAFETY: as the header says.
        let (address, timer) = unsafe { (self::address(address)?, out_optional(timer)) };
        process::identity()?;
        let node = address.node()?;
        let place = address.place;
        let find = Box::new(move |node: &Arc<Node>| {
            place.look(|name| process::whereis(node, name).ok_or(Error::NotFound)).ok()
        });
        timer.set(process::start_found_timer(&node, find, u64::from(ms), message));
        Ok(())
    })
}

/// As regrow_monitor(); the DOWN names the name or the key in place of the pid. When nobody is there, after the time
/// that the address waits, it comes at once, with `noproc`. Needs an identity; may wait.
///
/// @return REGROW_ERR_NO_PROCESS when the address has the pid of a registry that is dead.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_monitor_at(address: *const regrow_address, monitor: *mut regrow_ref) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (address, monitor) = unsafe { (self::address(address)?, out(monitor)?) };
        let pid = match address.with(Ok) {
            Ok(pid) => pid,
            Err(Error::NotFound) => Pid::NONE,
            Err(error) => return Err(error.into()),
        };
        monitor.set(process::monitor(pid, Some(address.shown()))?);
        Ok(())
    })
}

/// As regrow_stop(). May wait; any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_stop_at(
    address: *const regrow_address, reason: regrow_term, timeout_ms: u32,
) -> regrow_error {
    let reason = take(reason);
    guard(|| {
        let reason = reason?;
        // SAFETY: as the header says.
        let address = unsafe { self::address(address) }?;
        Ok(address.with_turn(|pid, turn| process::stop_in_turn(pid, reason.clone(), limit(timeout_ms), turn))?)
    })
}
