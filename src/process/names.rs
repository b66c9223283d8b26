//! Local names: any term to pid, unique in a runtime, gone before the death of their holder can be observed.
//!
//! A name is compared exactly, and one that is text is the same whether it came as text or as a term. No atom is made
//! of it: what is free again leaves nothing behind.

use super::arrival::Sought;
use super::control::Process;
use super::error::Error;
use super::node::Node;
use super::table;
use crate::sync::RwLock;
use crate::sync::room::Room;
use crate::term::{Pid, Pretty, Term};
use hashbrown::{DefaultHashBuilder, Equivalent, HashMap};
use std::borrow::Borrow;
use std::fmt::{self, Display};
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

/// A name. Like any term it is not dropped under a lock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(Arc<Term>);

impl Name {
    pub fn term(&self) -> Term {
        Term::clone(&self.0)
    }

    /// Empty text is no name: who has none says so in another way.
    pub fn is_empty(&self) -> bool {
        self.0.as_bytes().is_some_and(<[u8]>::is_empty)
    }

    /// Whether it is one and the same, and not only equal.
    pub(super) fn is(&self, other: &Name) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl From<Term> for Name {
    fn from(term: Term) -> Name {
        Name(Arc::new(term))
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Name {
        Name::from(Term::text(text))
    }
}

impl Borrow<Term> for Name {
    fn borrow(&self) -> &Term {
        &self.0
    }
}

/// For people: text as it is.
impl Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_text() {
            Some(text) => f.write_str(text),
            None => Pretty(&self.0).fmt(f),
        }
    }
}

/// A name that is looked for.
#[derive(Debug, Clone, Copy)]
pub enum Called<'a> {
    Text(&'a str),
    Term(&'a Term),
}

impl<'a> From<&'a str> for Called<'a> {
    fn from(text: &'a str) -> Called<'a> {
        Called::Text(text)
    }
}

impl<'a> From<&'a Term> for Called<'a> {
    fn from(term: &'a Term) -> Called<'a> {
        Called::Term(term)
    }
}

impl<'a> From<&'a Name> for Called<'a> {
    fn from(name: &'a Name) -> Called<'a> {
        Called::Term(&name.0)
    }
}

impl Hash for Called<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Called::Text(text) => Term::hash_bytes(text.as_bytes(), state),
            Called::Term(term) => term.hash(state),
        }
    }
}

impl Equivalent<Name> for Called<'_> {
    fn equivalent(&self, name: &Name) -> bool {
        match self {
            Called::Text(text) => name.0.as_bytes() == Some(text.as_bytes()),
            Called::Term(term) => *name.0 == **term,
        }
    }
}

/// The names of one runtime.
#[derive(Default)]
pub(super) struct Names {
    by_name: RwLock<HashMap<Name, Pid>>,
    hasher: DefaultHashBuilder,
}

impl Names {
    /// Called with the holder's lock held: owner lock before bucket lock.
    pub(super) fn claim(&self, name: &Name, pid: Pid) -> Result<(), Pid> {
        let mut names = self.by_name.write();
        match names.get(name) {
            Some(&holder) => Err(holder),
            None => {
                names.insert(name.clone(), pid);
                Ok(())
            }
        }
    }

    /// The caller's own name: what is freed is not its last owner.
    pub(super) fn release(&self, name: &Name, pid: Pid) {
        let mut names = self.by_name.write();
        if names.get(name) == Some(&pid) {
            names.remove(name);
            names.tidy();
        }
    }

    fn get(&self, name: Called<'_>) -> Option<Pid> {
        self.by_name.read().get(&name).copied()
    }
}

/// Registers a process. `Exists`: somebody has the name, or the process has one already; `NoProcess`: it is dead.
pub fn register(node: &Arc<Node>, pid: Pid, name: impl Into<Name>) -> Result<(), Error> {
    let name = name.into();
    if name.is_empty() {
        return Err(Error::Argument("a name is not empty"));
    }
    table::with_process(pid, |process| {
        if !Arc::ptr_eq(process.node(), node) {
            return Err(Error::OtherRuntime);
        }
        claim(process, name)
    })
    .unwrap_or(Err(Error::NoProcess))
}

/// Gives a process its name, under its lock: a fence that comes later takes it away again.
pub(super) fn claim(process: &Process, name: Name) -> Result<(), Error> {
    let mut inner = process.lock();
    if inner.fenced || inner.nameless {
        return Err(Error::NoProcess);
    }
    if inner.name.is_some() {
        return Err(Error::already_started(process.pid()));
    }
    process.node().names.claim(&name, process.pid()).map_err(Error::already_started)?;
    let what = sought(process.node(), &name);
    inner.name = Some(name);
    drop(inner);
    process.node().arrived(what);
    Ok(())
}

/// Takes a name away. `NotFound`: nobody has it.
pub fn unregister<'a>(node: &Arc<Node>, name: impl Into<Called<'a>>) -> Result<(), Error> {
    let name = name.into();
    let pid = node.names.get(name).ok_or(Error::NotFound)?;
    let taken = table::with_process(pid, |process| {
        let mut inner = process.lock();
        let taken = inner.name.take_if(|held| name.equivalent(held));
        if let Some(name) = &taken {
            process.node().names.release(name, pid);
        }
        taken
    });
    // Freed here, outside the locks.
    if taken.flatten().is_some() { Ok(()) } else { Err(Error::NotFound) }
}

/// What who waits for a name waits for.
pub fn sought<'a>(node: &Node, name: impl Into<Called<'a>>) -> Sought {
    Sought::new(Pid::NONE, node.names.hasher.hash_one(name.into()))
}

/// Who has the name now.
pub fn whereis<'a>(node: &Node, name: impl Into<Called<'a>>) -> Option<Pid> {
    node.names.get(name.into())
}
