//! Registries: processes found by keys of any kind, in Elixir's `Registry`'s way.
//!
//! A registry is a process that does nothing but live; what it knows is its [`process::Face`], which everybody reads
//! and writes directly. In a *unique* registry a key has one entry, in a *duplicate* one any number, also of the same
//! process. Keys are compared exactly: `1` is not `1.0`. An entry is a pid and a value.
//!
//! Promises:
//! * an entry is gone before anybody can observe that its process has ended (by a DOWN, an EXIT, or by asking), so a
//!   key whose holder just died can be taken at once;
//! * what a process registered under goes at the cost of its own entries, however many others there are;
//! * whoever has an entry is linked with the registry, as in Elixir: a registry that is killed takes them along, with
//!   reason `killed`; with the last entry that link goes, unless it was there before;
//! * no lock is held while anything of the user's runs.
//!
//! Any thread may call anything here. Functions are given the registry's pid; one of a process of another kind is
//! `WrongKind`, one of a dead process `NoProcess`.
//!
//! Where it is from: Elixir 1.14 `Registry`, without partitions, listeners and match specifications.
#![forbid(unsafe_code)]

mod pattern;
mod store;

use crate::process::{
    self, Behaviour, ChildStart, Error, FLAG_SYSTEM, Face, Flow, Init, Message, Process, Startable, SystemRequest,
    with_process,
};
use crate::server;
use crate::sync::inside;
use crate::term::{Atom, Pid, Term, atoms};
use std::sync::Arc;
use store::{Refusal, Store};

/// How a registry is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrySpec {
    /// One entry for each key; else any number.
    pub unique: bool,
}

impl Startable for RegistrySpec {
    fn build(&self) -> ChildStart {
        let unique = self.unique;
        let face = move |pid| {
            let store = Store::new(pid, unique);
            Face { what: store.clone(), ends: store }
        };
        ChildStart { flags: FLAG_SYSTEM, face: Some(Box::new(face)), ..ChildStart::new(Box::new(Registry)) }
    }

    fn kind(&self) -> Atom {
        atoms::REGISTRY
    }
}

/// The process: it lives, and ends when told to.
struct Registry;

impl Behaviour for Registry {
    fn init(&mut self, _me: &Process) -> Init {
        Init::Ready
    }

    fn message(&mut self, me: &Process, message: Message) -> Flow {
        match message {
            Message::System { request: SystemRequest::GetStatus, reply } => {
                let state = me.face::<Store>().map(|store| {
                    let keys = Term::atom_named(if store.is_unique() { "unique" } else { "duplicate" });
                    let entries = Term::int(i64::try_from(store.count()).unwrap_or(i64::MAX));
                    Term::map(vec![(Term::atom_named("keys"), keys), (Term::atom_named("entries"), entries)])
                });
                reply.answer(server::status(me, false, false, state));
                Flow::Continue
            }
            Message::System { request, reply } => server::handle_plain(me, request, reply),
            Message::Exit { from, reason } if from == me.parent() && from != Pid::NONE => Flow::Stop(reason),
            Message::Native { reply, .. } => {
                server::wrong_kind(reply);
                Flow::Continue
            }
            // A call ends without an answer; the rest is nothing to a registry.
            _ => Flow::Continue,
        }
    }
}

/// Shows the store of a registry. `look` runs inside, as with [`with_process`].
#[inline]
fn with_store<R>(registry: Pid, look: impl FnOnce(&Process, &Store) -> R) -> Result<R, Error> {
    with_process(registry, |process| match process.face::<Store>() {
        Some(store) => Ok(look(process, store)),
        None => Err(Error::WrongKind),
    })
    .unwrap_or(Err(Error::NoProcess))
}

fn with_unique<R>(registry: Pid, look: impl FnOnce(&Process, &Store) -> R) -> Result<R, Error> {
    with_store(registry, |process, store| if store.is_unique() { Ok(look(process, store)) } else { Err(not_unique()) })?
}

/// What only makes sense where a key has one entry was asked of a duplicate registry.
fn not_unique() -> Error {
    Error::Refused(Term::atom_named("duplicate_registry"))
}

/// Gives `pid` an entry.
///
/// `Exists`, `{already_registered, Holder}`: the key of a unique registry is taken, be it by `pid` itself. `NoProcess`:
/// the registry or `pid` is dead. `OtherRuntime`: they do not live in the same runtime.
pub fn register(registry: Pid, key: Term, pid: Pid, value: Term) -> Result<(), Error> {
    enter(registry, key, pid, value).map_err(|refusal| match refusal {
        Refused::Taken(holder) => {
            Error::Exists(Term::tuple_of([Term::atom(atoms::ALREADY_REGISTERED), Term::pid(holder)]))
        }
        Refused::Error(error) => error,
    })
}

enum Refused {
    Taken(Pid),
    Error(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused::Error(error)
    }
}

fn enter(registry: Pid, key: Term, pid: Pid, value: Term) -> Result<(), Refused> {
    // What the store does not take is freed here, outside its locks.
    let (mut key, mut value) = (Some(key), Some(value));
    let entered = with_store(registry, |home, store| {
        let hash = key.as_ref().map_or(0, |key| store.hash(key));
        with_process(pid, |process| {
            if !Arc::ptr_eq(process.node(), home.node()) {
                return Err(Refused::Error(Error::OtherRuntime));
            }
            match process.own(|owner| store.insert(hash, &mut key, owner, &mut value)) {
                Some(Ok(())) => {
                    process.node().arrived();
                    Ok(())
                }
                Some(Err(Refusal::Taken(holder))) => Err(Refused::Taken(holder)),
                Some(Err(Refusal::Closed)) | None => Err(Refused::Error(Error::NoProcess)),
            }
        })
    });
    entered?.unwrap_or(Err(Refused::Error(Error::NoProcess)))
}

/// A registry, or the name it will have.
#[derive(Debug, Clone, PartialEq)]
pub enum Which {
    Pid(Pid),
    Name(Arc<str>),
}

/// For `StartSpec::via`: enters whatever starts under `key` before it runs.
///
/// Its start fails with `{already_started, Holder}` when the key is taken, with `duplicate_registry` when the registry
/// is not a unique one, with `noproc` when there is none.
pub fn via(registry: Which, key: Term, value: Term) -> Arc<dyn Fn(Pid) -> Result<(), Error> + Send + Sync> {
    Arc::new(move |pid| {
        let registry = match &registry {
            Which::Pid(registry) => *registry,
            Which::Name(name) => {
                let node = with_process(pid, |process| process.node().clone()).ok_or(Error::NoProcess)?;
                process::whereis(&node, name).ok_or(Error::NoProcess)?
            }
        };
        with_unique(registry, |_, _| ())?;
        enter(registry, key.clone(), pid, value.clone()).map_err(|refusal| match refusal {
            Refused::Taken(holder) => Error::already_started(holder),
            Refused::Error(error) => error,
        })
    })
}

/// Takes all entries of `pid` under `key` away; fine when there are none.
pub fn unregister(registry: Pid, key: &Term, pid: Pid) -> Result<(), Error> {
    with_store(registry, |_, store| store.unregister(key, pid, None)).map(drop)
}

/// As [`unregister`], only those whose value equals `value` exactly; the atom `_` in it matches anything.
pub fn unregister_match(registry: Pid, key: &Term, value: &Term, pid: Pid) -> Result<(), Error> {
    with_store(registry, |_, store| store.unregister(key, pid, Some(value))).map(drop)
}

/// Gives the entry of `pid` in a unique registry another value, made from the old one, which is returned.
///
/// `make` runs in the caller, without a lock: meant for the holder itself. `NotFound`: `pid` does not have the key, or
/// does not any more when `make` is done.
pub fn update(
    registry: Pid, key: &Term, pid: Pid, make: impl FnOnce(&Term) -> Result<Term, Error>,
) -> Result<Term, Error> {
    let (number, old) = with_unique(registry, |_, store| store.own_entry(key, pid))?.ok_or(Error::NotFound)?;
    let value = inside::outside(|| make(&old))?;
    let set = with_store(registry, |_, store| store.set_value(key, number, value))?;
    set.map_err(|_| Error::NotFound)
}

/// Who has the key of a unique registry.
#[inline]
pub fn whereis(registry: Pid, key: &Term) -> Result<Option<Pid>, Error> {
    with_unique(registry, |_, store| store.holder(key, |pid, _| pid))
}

/// Who has the key of a unique registry, and with what value.
pub fn holder(registry: Pid, key: &Term) -> Result<Option<(Pid, Term)>, Error> {
    with_unique(registry, |_, store| store.holder(key, |pid, value| (pid, value.clone())))
}

/// All entries of a key, in the order in which they were registered.
pub fn lookup(registry: Pid, key: &Term) -> Result<Vec<(Pid, Term)>, Error> {
    with_store(registry, |_, store| store.entries(key))
}

/// As [`lookup`], as a list of `{Pid, Value}`.
pub fn lookup_term(registry: Pid, key: &Term) -> Result<Term, Error> {
    let pair = |pid: Pid, value: Term| Term::tuple_of([Term::pid(pid), value]);
    let found = with_store(registry, |_, store| {
        if store.is_unique() {
            Ok(store.holder(key, |pid, value| (pid, value.clone())))
        } else {
            Err(store.entries(key))
        }
    })?;
    Ok(match found {
        Ok(None) => Term::nil(),
        Ok(Some((pid, value))) => Term::cons(pair(pid, value), Term::nil()),
        Err(entries) => Term::list(entries.into_iter().map(|(pid, value)| pair(pid, value)).collect()),
    })
}

/// The keys of a process, in no order; in a duplicate registry as often as it has them.
pub fn keys(registry: Pid, pid: Pid) -> Result<Vec<Term>, Error> {
    with_store(registry, |_, store| store.keys(pid))
}

/// The values of a process under a key, in the order in which they were registered.
pub fn values(registry: Pid, key: &Term, pid: Pid) -> Result<Vec<Term>, Error> {
    with_store(registry, |_, store| store.values(key, pid))
}

/// How many entries there are.
pub fn count(registry: Pid) -> Result<usize, Error> {
    with_store(registry, |_, store| store.count())
}

/// Calls `each` for every entry that the key has now, in the caller, but not for one whose process has ended meanwhile.
pub fn dispatch(registry: Pid, key: &Term, mut each: impl FnMut(Pid, &Term)) -> Result<(), Error> {
    for (pid, value) in lookup(registry, key)? {
        if process::is_alive(pid) {
            inside::outside(|| each(pid, &value));
        }
    }
    Ok(())
}
