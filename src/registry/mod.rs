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
//!   reason `killed`; each entry makes that link, if it was cut, and with the last it goes, unless it was there before;
//! * no lock is held while anything of the user's runs;
//! * listeners hear of each entry that comes and goes in the order in which that happened, crashes included.
//!
//! Any thread may call anything here. Functions are given the registry's pid; one of a process of another kind is
//! `WrongKind`, one of a dead process `NoProcess`.
//!
//! Where it is from: Elixir 1.14 `Registry`; its `lock/3` is younger. Partitions are a matter of speed alone: what a
//! function gives does not depend on their number.
#![forbid(unsafe_code)]

mod book;
mod dispatch;
mod listeners;
mod locks;
mod meta;
mod query;
mod quick;
mod shard;
mod store;

use crate::pattern::Spec;
use crate::process::{
    self, Behaviour, ChildStart, Error, FLAG_SYSTEM, Face, Flow, Init, Message, Name, Outcome, Process, ReplyTo,
    Sought, Startable, with_process,
};
use crate::server::{self, SysState};
use crate::sync::inside;
use crate::term::{Atom, Pid, Term, atoms};
pub use dispatch::{dispatch, dispatch_in_parallel};
use listeners::Event;
use locks::Locks;
use shard::Removed;
use std::sync::Arc;
use store::{Refusal, Store};

/// How a registry is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistrySpec {
    /// One entry for each key; else any number.
    pub unique: bool,
    /// Into how many parts its table is cut, each with a lock of its own; 0: 64.
    pub partitions: usize,
    /// The names of those who are told what comes and goes; see `listeners`.
    pub listeners: Vec<Arc<str>>,
    /// What is kept beside the entries from the start.
    pub meta: Vec<(Term, Term)>,
}

/// The most partitions that make sense.
pub const MAX_PARTITIONS: usize = 4096;

impl Startable for RegistrySpec {
    fn build(&self) -> ChildStart {
        let spec = self.clone();
        let face = move |pid| {
            let store = Store::new(pid, &spec);
            Face::new(store.clone(), store)
        };
        let registry = Registry::default();
        ChildStart { flags: FLAG_SYSTEM, face: Some(Box::new(face)), ..ChildStart::new(registry) }
    }

    fn kind(&self) -> Atom {
        atoms::REGISTRY
    }
}

/// The process: it lives, tells the listeners, keeps the locks, and ends when told to.
#[derive(Default)]
struct Registry {
    locks: Locks,
    sys: SysState,
}

/// What the process itself is asked for.
enum Ask {
    Lock {
        key: Term,
        /// By whom: `Pid::NONE` for a thread without identity.
        by: Pid,
        /// Or else refused at once.
        waits: bool,
    },
    Unlock(Term, u64),
}

impl Ask {
    /// For a trace.
    fn shown(&self) -> Term {
        let (tag, key) = match self {
            Ask::Lock { key, .. } => ("lock", key),
            Ask::Unlock(key, _) => ("unlock", key),
        };
        Term::tuple_of([Term::atom_named(tag), key.clone()])
    }
}

impl Behaviour for Registry {
    fn init(&mut self, _me: &Process) -> Init {
        Init::Ready
    }

    fn message(&mut self, me: &Process, message: Message) -> Flow {
        // A lock that is to be had at once or not at all is not.
        if self.sys.suspended
            && let Message::Native { request, .. } = &message
            && let Some(Ask::Lock { waits: false, .. }) = request.downcast_ref()
        {
            if let Message::Native { reply: Some(reply), .. } = message {
                reply.fail(Error::Timeout);
            }
            return Flow::Continue;
        }
        let Some(message) = self.sys.admit(me, message) else { return Flow::Continue };
        match message {
            Message::System { request, reply } => return self.sys.answer(me, request, reply, || state(me)),
            Message::Exit { from, reason } if me.obeys(from) => return Flow::Stop(reason),
            Message::Native { request, reply } => match request.downcast::<Event>() {
                Ok(event) => self.announce(me, *event),
                Err(request) => match request.downcast::<Ask>() {
                    Ok(ask) => self.answer(me, *ask, reply),
                    Err(_) => server::wrong_kind(reply),
                },
            },
            other => {
                if self.sys.traced {
                    server::trace::came_in(me, &other);
                    server::trace::no_reply(me);
                }
                // A call ends without an answer; the rest is nothing to a registry.
                if let Message::Down(down) = other {
                    self.locks.down(me, down.monitor);
                }
            }
        }
        Flow::Continue
    }
}

/// `#{keys, entries}`
fn state(me: &Process) -> Option<Term> {
    me.face::<Store>().map(|store| {
        let keys = Term::atom_named(if store.is_unique() { "unique" } else { "duplicate" });
        let entries = Term::int(i64::try_from(store.count()).unwrap_or(i64::MAX));
        Term::map(vec![(Term::atom_named("keys"), keys), (Term::atom_named("entries"), entries)])
    })
}

impl Registry {
    fn announce(&mut self, me: &Process, event: Event) {
        if self.sys.traced {
            server::trace::asked(me, &event.term(me), None, |_| None);
        }
        event.announce(me);
        if self.sys.traced {
            server::trace::no_reply(me);
        }
    }

    fn answer(&mut self, me: &Process, ask: Ask, mut reply: Option<ReplyTo>) {
        let is_traced_cast = self.sys.traced && reply.is_none();
        if self.sys.traced {
            reply = server::trace::asked(me, &ask.shown(), reply, |_| None);
        }
        match (ask, reply) {
            (Ask::Lock { key, by, waits }, Some(reply)) => self.locks.acquire(me, key, by, waits, reply),
            (Ask::Unlock(key, token), _) => self.locks.release(me, &key, token),
            (Ask::Lock { .. }, None) => {}
        }
        if is_traced_cast {
            server::trace::no_reply(me);
        }
    }
}

/// Shows the store of a registry. `look` runs inside, as with [`with_process`].
#[inline]
fn with_store<R>(registry: Pid, look: impl FnOnce(&Process, &Store) -> R) -> Result<R, Error> {
    let shown = with_process(registry, |process| match process.face::<Store>() {
        Some(store) => Ok(look(process, store)),
        None => Err(Error::WrongKind),
    });
    // Not `unwrap_or`: to drop an error that nobody needs is a call.
    shown.unwrap_or_else(|| Err(Error::NoProcess))
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
/// the registry or `pid` is dead. `OtherRuntime`: they do not live in the same runtime. `Limit`: 2^32 entries of one
/// process.
pub fn register(registry: Pid, mut key: Term, pid: Pid, mut value: Term) -> Result<(), Error> {
    register_taking(registry, &mut key, pid, &mut value)
}

/// As [`register`], where key and value lie; taken is what is needed of them.
pub fn register_taking(registry: Pid, key: &mut Term, pid: Pid, value: &mut Term) -> Result<(), Error> {
    match enter(registry, key, pid, value) {
        Entered::Yes => Ok(()),
        Entered::Taken(holder) => {
            Err(Error::Exists(Term::tuple_of([Term::atom(atoms::ALREADY_REGISTERED), Term::pid(holder)])))
        }
        refused => Err(refused.error()),
    }
}

/// What became of a registration. Of few words: to pass errors on from closure to closure took time.
enum Entered {
    Yes,
    Taken(Pid),
    Full,
    OtherRuntime,
    NoProcess,
    OfNothing,
}

impl Entered {
    /// Of what was refused, but for a key that is taken: that has an error of its own.
    fn error(self) -> Error {
        match self {
            Entered::Full => Error::Limit,
            Entered::OtherRuntime => Error::OtherRuntime,
            Entered::OfNothing => Error::WrongKind,
            Entered::Yes | Entered::Taken(_) | Entered::NoProcess => Error::NoProcess,
        }
    }
}

/// What the store does not take stays with the caller, who frees it outside its locks.
fn enter(registry: Pid, key: &mut Term, pid: Pid, value: &mut Term) -> Entered {
    let entered = with_process(registry, |home| {
        let Some(store) = home.face::<Store>() else { return Entered::OfNothing };
        let hash = store.hash(key);
        store.prefetch(hash);
        let entered = with_process(pid, |process| {
            if !Arc::ptr_eq(process.node(), home.node()) {
                return Entered::OtherRuntime;
            }
            match process.own(|owner| store.insert(hash, key, owner, value)) {
                Some(Ok(())) => {
                    process.node().arrived(Sought::new(registry, hash));
                    Entered::Yes
                }
                Some(Err(Refusal::Taken(holder))) => Entered::Taken(holder),
                Some(Err(Refusal::Full)) => Entered::Full,
                Some(Err(Refusal::Closed)) | None => Entered::NoProcess,
            }
        });
        entered.unwrap_or(Entered::NoProcess)
    });
    entered.unwrap_or(Entered::NoProcess)
}

/// What who waits for a key of a registry waits for. None: that is no registry, or it is dead.
pub fn sought(registry: Pid, key: &Term) -> Option<Sought> {
    with_store(registry, |_, store| Sought::new(registry, store.hash(key))).ok()
}

/// A registry, or the name it will have.
#[derive(Debug, Clone, PartialEq)]
pub enum Which {
    Pid(Pid),
    Name(Name),
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
        match enter(registry, &mut key.clone(), pid, &mut value.clone()) {
            Entered::Yes => Ok(()),
            Entered::Taken(holder) => Err(Error::already_started(holder)),
            refused => Err(refused.error()),
        }
    })
}

/// Takes all entries of `pid` under `key` away; fine when there are none.
pub fn unregister(registry: Pid, key: &Term, pid: Pid) -> Result<(), Error> {
    let mut removed = Removed::default();
    with_store(registry, |_, store| store.unregister(key, pid, None, &mut removed))
}

/// As [`unregister`], only those whose value matches `pattern`, and `guards` where there are any; see `pattern`.
pub fn unregister_match(
    registry: Pid, key: &Term, pid: Pid, pattern: &Term, guards: Option<&Term>,
) -> Result<(), Error> {
    let spec = query::of_values(pattern, guards)?;
    let mut removed = Removed::default();
    with_store(registry, |_, store| store.unregister(key, pid, Some(&spec), &mut removed))
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
    // Of few words: to pass errors on from closure to closure took a tenth of a lookup.
    enum Holder {
        Is(Option<Pid>),
        OfMany,
        OfNothing,
    }
    let holder = with_process(registry, |process| match process.face::<Store>() {
        Some(store) if store.is_unique() => Holder::Is(store.who(key)),
        Some(_) => Holder::OfMany,
        None => Holder::OfNothing,
    });
    match holder {
        Some(Holder::Is(pid)) => Ok(pid),
        Some(Holder::OfMany) => Err(not_unique()),
        Some(Holder::OfNothing) => Err(Error::WrongKind),
        None => Err(Error::NoProcess),
    }
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

/// The entries of a key whose value matches, as a list of `{Pid, Value}` in the order of [`lookup`].
pub fn match_entries(registry: Pid, key: &Term, pattern: &Term, guards: Option<&Term>) -> Result<Term, Error> {
    let spec = query::of_values(pattern, guards)?;
    let mut entries = lookup(registry, key)?;
    entries.retain(|(_, value)| query::matches(&spec, value));
    let pair = |(pid, value)| Term::tuple_of([Term::pid(pid), value]);
    Ok(Term::list(entries.into_iter().map(pair).collect()))
}

/// How many entries of a key match.
pub fn count_match(registry: Pid, key: &Term, pattern: &Term, guards: Option<&Term>) -> Result<usize, Error> {
    let spec = query::of_values(pattern, guards)?;
    Ok(lookup(registry, key)?.iter().filter(|(_, value)| query::matches(&spec, value)).count())
}

/// What a match specification gives for the entries, each a triple `{Key, Pid, Value}`; in no order.
pub fn select(registry: Pid, spec: &Term) -> Result<Vec<Term>, Error> {
    let spec = query::of_entries(spec)?;
    let mut found = Vec::new();
    ask(registry, &spec, |value| found.push(value))?;
    Ok(found)
}

/// For how many entries a match specification gives `true`.
pub fn count_select(registry: Pid, spec: &Term) -> Result<usize, Error> {
    let spec = query::of_entries(spec)?;
    let mut count = 0;
    ask(registry, &spec, |value| count += usize::from(value.as_bool() == Some(true)))?;
    Ok(count)
}

fn ask(registry: Pid, spec: &Spec, found: impl FnMut(Term)) -> Result<(), Error> {
    let caller = Some(process::current_pid()).filter(|&pid| pid != Pid::NONE);
    with_store(registry, |_, store| query::select(store, spec, caller, found))
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

/// What is kept under `key` beside the entries.
pub fn meta(registry: Pid, key: &Term) -> Result<Option<Term>, Error> {
    with_store(registry, |_, store| store.meta().get(key))
}

/// Keeps `value` under `key` beside the entries.
pub fn put_meta(registry: Pid, key: Term, value: Term) -> Result<(), Error> {
    with_store(registry, |_, store| store.meta().put(key, value)).map(drop)
}

/// Forgets what is kept under `key`; fine when nothing is.
pub fn delete_meta(registry: Pid, key: &Term) -> Result<(), Error> {
    with_store(registry, |_, store| store.meta().delete(key)).map(drop)
}

/// Runs `work` in the caller while nobody else runs anything under the same key of the same registry. May wait, and so
/// may `work`. The keys of locks have nothing to do with those of entries.
///
/// The lock goes to the next when `work` returns, and when the caller dies. `Timeout`: it was not to be had in time
/// (with a time of 0: it was taken), and `work` was not run. `WouldDeadlock`: the caller has it already.
pub fn lock<R>(registry: Pid, key: &Term, timeout: Option<u32>, work: impl FnOnce() -> R) -> Result<R, Error> {
    with_store(registry, |_, _| ())?;
    let waits = timeout != Some(0);
    let ask = Ask::Lock { key: key.clone(), by: process::current_pid(), waits };
    let ask = |reply| Message::Native { request: Box::new(ask), reply: Some(reply) };
    let token = match process::call(registry, timeout.filter(|_| waits), false, ask)? {
        Outcome::Reply(token) => token.as_int().ok_or(Error::WrongKind)? as u64,
        Outcome::Failed(error) => return Err(error),
        Outcome::TimedOut => return Err(Error::Timeout),
        Outcome::Died(reason) | Outcome::NotTaken(reason) => return Err(Error::Exited(reason)),
        Outcome::Native(_) | Outcome::Started(_) => return Err(Error::WrongKind),
    };
    /// Gives the lock back, also when `work` unwinds.
    struct Held<'a>(Pid, &'a Term, u64);
    impl Drop for Held<'_> {
        fn drop(&mut self) {
            let ask = Ask::Unlock(self.1.clone(), self.2);
            let _ = Process::post(self.0, Message::Native { request: Box::new(ask), reply: None });
        }
    }
    let _held = Held(registry, key, token);
    // One that was killed while it waited does not get to run anything.
    process::identity()?;
    Ok(inside::outside(work))
}
