//! Local names: text to pid, unique in a runtime, gone before the death of their holder can be observed.

use super::arrival::Sought;
use super::control::Process;
use super::error::Error;
use super::node::Node;
use super::table;
use crate::sync::RwLock;
use crate::term::Pid;
use hashbrown::{DefaultHashBuilder, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;

/// The names of one runtime.
#[derive(Default)]
pub(super) struct Names {
    by_name: RwLock<HashMap<Arc<str>, Pid>>,
    hasher: DefaultHashBuilder,
}

impl Names {
    /// Called with the holder's lock held: owner lock before bucket lock.
    pub(super) fn claim(&self, name: &Arc<str>, pid: Pid) -> Result<(), Pid> {
        let mut names = self.by_name.write();
        match names.get(name) {
            Some(&holder) => Err(holder),
            None => {
                names.insert(name.clone(), pid);
                Ok(())
            }
        }
    }

    pub(super) fn release(&self, name: &str, pid: Pid) {
        let mut names = self.by_name.write();
        if names.get(name) == Some(&pid) {
            names.remove(name);
            if names.is_empty() && names.capacity() > 1024 {
                names.shrink_to_fit();
            }
        }
    }

    fn get(&self, name: &str) -> Option<Pid> {
        self.by_name.read().get(name).copied()
    }
}

/// Registers a process. `Exists`: somebody has the name, or the process has one already; `NoProcess`: it is dead.
pub fn register(node: &Arc<Node>, pid: Pid, name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::Argument("a name is not empty"));
    }
    let name: Arc<str> = name.into();
    table::with_process(pid, |process| {
        if !Arc::ptr_eq(process.node(), node) {
            return Err(Error::OtherRuntime);
        }
        claim(process, name)
    })
    .unwrap_or(Err(Error::NoProcess))
}

/// Gives a process its name, under its lock: a fence that comes later takes it away again.
pub(super) fn claim(process: &Process, name: Arc<str>) -> Result<(), Error> {
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
pub fn unregister(node: &Arc<Node>, name: &str) -> Result<(), Error> {
    let pid = node.names.get(name).ok_or(Error::NotFound)?;
    let taken = table::with_process(pid, |process| {
        let mut inner = process.lock();
        if inner.name.as_deref() != Some(name) {
            return false;
        }
        inner.name = None;
        process.node().names.release(name, pid);
        true
    });
    if taken == Some(true) { Ok(()) } else { Err(Error::NotFound) }
}

/// What who waits for a name waits for.
pub fn sought(node: &Node, name: &str) -> Sought {
    Sought::new(Pid::NONE, node.names.hasher.hash_one(name))
}

/// Who has the name now.
pub fn whereis(node: &Node, name: &str) -> Option<Pid> {
    node.names.get(name)
}
