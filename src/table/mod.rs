//! Tables: terms by key, kept by a process and shared with all, as ETS.
//!
//! An object is a tuple, and one of its elements is its key. A *set* has one object for each key, an *ordered set* too,
//! in the order of the keys, of which `1` and `1.0` are one there; elsewhere keys are compared exactly. A *bag* has any
//! number of different objects for a key, a *duplicate bag* also equal ones, both in the order in which they came.
//!
//! A table belongs to a process. *Private*: only that reads and writes; *protected*: only that writes; *public*:
//! everybody does, any thread.
//!
//! Promises:
//! * an operation on one object is atomic, and so is the insertion of a list and `delete_all_objects`; what goes
//!   through a whole table (matching, selecting, listing) sees each object that is there all the time exactly once,
//!   whatever is added and deleted meanwhile, also across the chunks of a select with a limit, and also with `first`
//!   and `next` while the table is fixed;
//! * the table goes, or is its heir's, before anybody can observe that its owner has ended;
//! * a handle is never used again, and a stale one is refused;
//! * no lock is held while a term is freed, a message sent or a process looked up.
//!
//! **Locks.** Owner's process lock, then names and lists of owners (`owners.rs`); the locks of objects are taken alone,
//! several of one table only by an insertion of many and by `delete_all_objects`, in the order of the shards.
//!
//! Where it is from: `ets` of OTP 25, without `read_concurrency` and its kin: one design serves all.
//!
//! | file | what |
//! | --- | --- |
//! | `shard.rs`, `hashed.rs`, `tree.rs`, `group.rs` | where objects are |
//! | `object.rs` | operations on a key and its objects |
//! | `later.rs` | freeing what was replaced |
//! | `update.rs` | counters, elements |
//! | `select.rs` | matching and selecting; going through a table |
//! | `handle.rs` | from handle to table |
//! | `tenure.rs`, `owners.rs` | who owns a table; names, heirs, ends |
//! | `file.rs` | tables in files |

mod error;
mod file;
mod group;
mod handle;
mod hashed;
mod later;
mod object;
mod owners;
mod select;
mod shard;
mod tenure;
mod tree;
mod update;

use crate::process::{self, IdHash, Identity, Node};
use crate::sync::{Mutex, RwLock};
use crate::term::{Atom, Pid, Ref, Term};
use hashbrown::HashMap;
use hashed::Hashed;
use std::sync::Arc;
use tenure::Tenure;
use tree::Tree;

pub use error::Error;
pub use file::{from_file, to_file};
pub use object::{
    delete_all_objects, delete_key, delete_object, first, get, insert, insert_new, last, lookup, lookup_element,
    member, next, prev, take,
};
pub use owners::{delete, give_away, rename, set_heir, whereis};
pub use select::{
    Chunk, Form, go_on, match_delete, select, select_count, select_delete, select_limit, select_replace, to_list,
};
pub use update::{count_up, update_counter, update_element};

/// What a table does with objects of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Set,
    OrderedSet,
    Bag,
    DuplicateBag,
}

/// Who may use it beside its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody reads.
    Protected,
    /// Everybody reads and writes.
    Public,
    /// Nobody.
    Private,
}

/// How a table is made.
#[derive(Debug, Clone)]
pub struct TableSpec {
    pub name: Option<Arc<str>>,
    pub kind: Kind,
    pub access: Access,
    /// Which element of an object is its key, from 0.
    pub position: usize,
    /// Who gets the table when its owner ends, and what it is told then.
    pub heir: Option<(Pid, Term)>,
}

/// A table.
struct Table {
    handle: u64,
    node: Arc<Node>,
    kind: Kind,
    access: Access,
    position: usize,
    tenure: Tenure,
    meta: Mutex<Meta>,
    objects: Objects,
}

#[derive(Default)]
struct Meta {
    name: Option<Arc<str>>,
    heir: Option<(Pid, Term)>,
    /// Who fixed it, and how often.
    fixed: HashMap<Pid, u32, IdHash>,
}

enum Objects {
    Hashed(Hashed),
    Ordered(RwLock<Tree>),
}

/// Makes a table of the calling process.
pub fn new(spec: TableSpec) -> Result<Ref, Error> {
    owners::create(spec)
}

/// The calling process; none for a thread that has not entered.
fn caller() -> Result<Option<Pid>, Error> {
    match process::identity()? {
        Identity::Process(process) => Ok(Some(process.pid())),
        Identity::Thread => Ok(None),
    }
}

/// Shows a table.
#[inline]
fn with<R>(table: Ref, look: impl FnOnce(&Table) -> Result<R, Error>) -> Result<R, Error> {
    handle::with(table.0, look).unwrap_or_else(|| Err(Error::NoTable))
}

/// Shows a table that the caller may read.
#[inline]
fn reading<R>(table: Ref, look: impl FnOnce(&Table) -> Result<R, Error>) -> Result<R, Error> {
    let caller = caller()?;
    with(table, |table| if table.is_readable(caller) { look(table) } else { Err(Error::Access) })
}

/// Shows a table that the caller may write to.
#[inline]
fn writing<R>(table: Ref, look: impl FnOnce(&Table) -> Result<R, Error>) -> Result<R, Error> {
    let caller = caller()?;
    with(table, |table| if table.is_writable(caller) { look(table) } else { Err(Error::Access) })
}

impl Table {
    #[inline]
    fn is_owned_by(&self, caller: Option<Pid>) -> bool {
        caller.is_some_and(|caller| self.tenure.owner() == caller.0)
    }

    #[inline]
    fn is_readable(&self, caller: Option<Pid>) -> bool {
        self.access != Access::Private || self.is_owned_by(caller)
    }

    #[inline]
    fn is_writable(&self, caller: Option<Pid>) -> bool {
        self.access == Access::Public || self.is_owned_by(caller)
    }

    fn size(&self) -> usize {
        match &self.objects {
            Objects::Hashed(hashed) => hashed.shards().map(|shard| shard.read().rows).sum(),
            Objects::Ordered(tree) => tree.read().len(),
        }
    }

    fn is_fixed(&self) -> bool {
        !self.meta.lock().fixed.is_empty()
    }

    /// Whether an object may be put in: a tuple that has a key.
    fn takes(&self, object: &Term) -> bool {
        object.as_tuple().is_some_and(|elements| elements.len() > self.position)
    }
}

/// How many objects there are. Anybody may ask.
pub fn size(table: Ref) -> Result<usize, Error> {
    with(table, |table| Ok(table.size()))
}

/// Fixes a table for the caller, or takes one fixation away again: while a table is fixed, `next` goes on from a key
/// that was deleted. Ends with the caller at the latest.
pub fn fix(table: Ref, fix: bool) -> Result<(), Error> {
    reading(table, |table| owners::fix(table, fix))
}

/// What is known of a table: a list of `{Item, Value}`, the items as in `ets:info`. Anybody may ask.
pub fn info(table: Ref) -> Result<Term, Error> {
    with(table, |table| {
        let (name, heir, fixed) = {
            let meta = table.meta.lock();
            (meta.name.clone(), meta.heir.as_ref().map(|(heir, _)| *heir), !meta.fixed.is_empty())
        };
        let atom = Term::atom_named;
        let owner = table.tenure.owner();
        if owner == 0 {
            return Err(Error::NoTable);
        }
        let item = |name: &str, value: Term| Term::tuple_of([atom(name), value]);
        Ok(Term::list(vec![
            item("id", Term::reference(Ref(table.handle))),
            item("owner", Term::pid(Pid(owner))),
            item("heir", heir.map_or_else(|| atom("none"), Term::pid)),
            item("name", name.as_deref().map_or_else(|| atom("undefined"), Term::text)),
            item("named_table", Term::bool(name.is_some())),
            item("size", Term::int(table.size() as i64)),
            item("type", Term::atom(table.kind.atom())),
            item("keypos", Term::int(table.position as i64 + 1)),
            item("protection", Term::atom(table.access.atom())),
            item("fixed", Term::bool(fixed)),
        ]))
    })
}

/// The atom of a name that is short and fixed.
fn known(name: &str) -> Atom {
    Atom::new(name).unwrap_or(crate::term::atoms::UNDEFINED)
}

impl Kind {
    const ALL: [(Kind, &'static str); 4] = [
        (Kind::Set, "set"),
        (Kind::OrderedSet, "ordered_set"),
        (Kind::Bag, "bag"),
        (Kind::DuplicateBag, "duplicate_bag"),
    ];

    fn atom(self) -> Atom {
        known(Kind::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name))
    }

    fn named(name: &str) -> Option<Kind> {
        Kind::ALL.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }

    fn is_bag(self) -> bool {
        matches!(self, Kind::Bag | Kind::DuplicateBag)
    }
}

impl Access {
    const ALL: [(Access, &'static str); 3] =
        [(Access::Protected, "protected"), (Access::Public, "public"), (Access::Private, "private")];

    fn atom(self) -> Atom {
        known(Access::ALL.iter().find(|(access, _)| *access == self).map_or("", |(_, name)| name))
    }

    fn named(name: &str) -> Option<Access> {
        Access::ALL.iter().find(|(_, known)| *known == name).map(|(access, _)| *access)
    }
}
