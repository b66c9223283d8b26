//! Who owns which tables; names; what becomes of a table when its owner ends.
//!
//! Each process has a list of its tables and of those it has fixed. It is changed only under the process's lock while
//! it is not fenced, or by its end; so an end finds everything. The order of a change of owners is in `tenure.rs`.

use super::hashed::Hashed;
use super::tenure::Tenure;
use super::tree::Tree;
use super::{Error, Kind, Meta, Objects, Table, TableSpec, caller, handle, with};
use crate::process::{self, IdHash, Identity, Left, Node, Owned, Owner, with_process};
use crate::sync::room::Room;
use crate::sync::{Mutex, RwLock};
use crate::term::{Pid, Ref, Term};
use hashbrown::{HashMap, HashSet};
use once_cell::sync::Lazy;
use std::sync::Arc;

const SHARDS: usize = 16;

/// What a process has.
#[derive(Default)]
struct Held {
    tables: HashSet<u64, IdHash>,
    /// How often it has fixed which table.
    fixed: HashMap<u64, u32, IdHash>,
}

struct Owners {
    lists: [Mutex<HashMap<Pid, Held, IdHash>>; SHARDS],
}

static OWNERS: Lazy<Arc<Owners>> =
    Lazy::new(|| Arc::new(Owners { lists: std::array::from_fn(|_| Mutex::new(HashMap::default())) }));
static OWNED: Lazy<Arc<dyn Owned>> = Lazy::new(|| OWNERS.clone());

/// The names of one runtime, by its address: no table outlives its runtime's processes.
type Names = HashMap<(usize, Arc<str>), u64>;
static NAMES: Lazy<RwLock<Names>> = Lazy::new(|| RwLock::new(HashMap::new()));

fn node_id(node: &Arc<Node>) -> usize {
    Arc::as_ptr(node).addr()
}

impl Owners {
    fn change<R>(&self, pid: Pid, change: impl FnOnce(&mut Held) -> R) -> R {
        let mut list = self.lists[pid.index() as usize % SHARDS].lock();
        let held = list.entry(pid).or_default();
        let result = change(held);
        held.tables.tidy();
        held.fixed.tidy();
        if held.tables.is_empty() && held.fixed.is_empty() {
            list.remove(&pid);
            list.tidy();
        }
        result
    }

    fn take(&self, pid: Pid) -> Held {
        self.lists[pid.index() as usize % SHARDS].lock().remove(&pid).unwrap_or_default()
    }

    fn tables(&self, pid: Pid) -> Vec<u64> {
        let list = self.lists[pid.index() as usize % SHARDS].lock();
        list.get(&pid).map(|held| held.tables.iter().copied().collect()).unwrap_or_default()
    }
}

impl Owned for Owners {
    fn release(&self, pid: Pid) {
        let held = self.take(pid);
        for table in held.tables {
            handle::with(table, |table| table.owner_ends(pid));
        }
        for table in held.fixed.into_keys() {
            handle::with(table, |table| table.meta.lock().fixed.remove(&pid));
        }
    }

    /// It goes on, and keeps its tables; their names are free, except where an heir is about to have the table, name
    /// and all.
    fn unname(&self, pid: Pid, _left: &mut Left, _limit: usize) -> usize {
        for table in self.tables(pid) {
            handle::with(table, |table| {
                let heir = table.meta.lock().heir.as_ref().map(|(heir, _)| *heir);
                if !heir.is_some_and(|heir| heir != pid && process::is_alive(heir)) {
                    table.unname();
                }
            });
        }
        0
    }
}

/// Runs `change` under the lock of a process that is to have the table; a named one is not for processes that may hold
/// no name.
fn own<R>(pid: Pid, named: bool, change: impl FnOnce(&mut Owner<'_>) -> R) -> Result<R, Error> {
    let owned = with_process(pid, |process| if named { process.own(change) } else { process.own_nameless(change) });
    owned.flatten().ok_or(Error::Process(process::Error::NoProcess))
}

pub(super) fn create(spec: TableSpec) -> Result<Ref, Error> {
    let Identity::Process(me) = process::identity()? else {
        return Err(process::Error::NoIdentity.into());
    };
    let me = me.pid();
    if spec.name.as_deref().is_some_and(str::is_empty) {
        return Err(Error::Argument("a name is not empty"));
    }
    let node = with_process(me, |me| me.node().clone()).ok_or(process::Error::Killed)?;
    let handle = handle::reserve().ok_or(Error::Limit)?;
    let objects = match spec.kind {
        Kind::OrderedSet => Objects::Ordered(RwLock::new(Tree::new(spec.position))),
        _ => Objects::Hashed(Hashed::new()),
    };
    let table = Table {
        handle,
        node: node.clone(),
        kind: spec.kind,
        access: spec.access,
        position: spec.position,
        tenure: Tenure::new(me.0),
        meta: Mutex::new(Meta { name: spec.name.clone(), heir: spec.heir, ..Meta::default() }),
        objects,
    };
    handle::publish(Box::new(table));
    let is_named = spec.name.is_some();
    let entered = own(me, is_named, |owner| {
        if let Some(name) = spec.name {
            let mut names = NAMES.write();
            let key = (node_id(&node), name);
            if names.contains_key(&key) {
                return Err(Error::Exists);
            }
            names.insert(key, handle);
        }
        OWNERS.change(me, |held| held.tables.insert(handle));
        owner.add(&OWNED);
        Ok(())
    });
    let entered = entered.and_then(|entered| entered);
    if entered.is_err() {
        handle::with(handle, |table| {
            // It never had the name.
            table.meta.lock().name = None;
            table.tenure.end(me.0);
            table.clear_away();
        });
    }
    entered.map(|()| Ref(handle))
}

/// Gives a table of the caller's that has no name one.
pub(super) fn name(table: Ref, name: Arc<str>) -> Result<(), Error> {
    owning(table, |table, me| {
        own(me, true, |_| {
            let mut meta = table.meta.lock();
            let mut names = NAMES.write();
            let key = (node_id(&table.node), name.clone());
            if table.tenure.owner() != me.0 {
                return Err(Error::NoTable);
            }
            if names.contains_key(&key) {
                return Err(Error::Exists);
            }
            names.insert(key, table.handle);
            meta.name = Some(name);
            Ok(())
        })?
    })
}

/// The table with a name.
pub fn whereis(node: &Arc<Node>, name: &str) -> Option<Ref> {
    // The key is looked up by its parts, without making one.
    #[derive(Hash)]
    struct Wanted<'a>(usize, &'a str);
    impl hashbrown::Equivalent<(usize, Arc<str>)> for Wanted<'_> {
        fn equivalent(&self, key: &(usize, Arc<str>)) -> bool {
            self.0 == key.0 && *self.1 == *key.1
        }
    }
    NAMES.read().get(&Wanted(node_id(node), name)).map(|&handle| Ref(handle))
}

/// Deletes a table: for everybody who may write to it.
pub fn delete(table: Ref) -> Result<(), Error> {
    super::writing(table, |table| {
        loop {
            let owner = table.tenure.owner();
            if owner == 0 {
                return Err(Error::NoTable);
            }
            if table.tenure.end(owner) {
                table.clear_away();
                OWNERS.change(Pid(owner), |held| held.tables.remove(&table.handle));
                return Ok(());
            }
        }
    })
}

impl Table {
    /// Frees the name, if it has one.
    fn unname(&self) {
        let name = self.meta.lock().name.take();
        if let Some(name) = name {
            let key = (node_id(&self.node), name);
            let mut names = NAMES.write();
            if names.get(&key) == Some(&self.handle) {
                names.remove(&key);
                names.tidy();
            }
        }
    }

    /// Takes away what there is of a table whose tenure has ended. By everybody who finds it so: when this returns it
    /// can be found neither by handle nor by name.
    fn clear_away(&self) {
        self.unname();
        handle::clear(self);
        let (heir, fixed) = {
            let mut meta = self.meta.lock();
            (meta.heir.take(), std::mem::take(&mut meta.fixed))
        };
        drop(heir);
        for fixer in fixed.into_keys() {
            OWNERS.change(fixer, |held| held.fixed.remove(&self.handle));
        }
        self.empty(true);
    }

    /// The process that has the table ends.
    fn owner_ends(&self, pid: Pid) {
        let heir = self.meta.lock().heir.clone();
        if let Some((heir, data)) = heir
            && heir != pid
            && self.pass(pid, heir) == Ok(true)
        {
            self.tell(heir, pid, data);
            return;
        }
        if self.tenure.end(pid.0) || self.tenure.owner() == 0 {
            self.clear_away();
        }
    }

    /// Makes the table another process's. False: it is not `from`'s any more.
    fn pass(&self, from: Pid, to: Pid) -> Result<bool, Error> {
        let is_here = with_process(to, |process| Arc::ptr_eq(process.node(), &self.node));
        match is_here {
            Some(true) => {}
            Some(false) => return Err(process::Error::OtherRuntime.into()),
            None => return Err(process::Error::NoProcess.into()),
        }
        let is_named = self.meta.lock().name.is_some();
        own(to, is_named, |owner| {
            OWNERS.change(to, |held| held.tables.insert(self.handle));
            owner.add(&OWNED);
            let passed = self.tenure.pass(from.0, to.0);
            if !passed && self.tenure.owner() != to.0 {
                OWNERS.change(to, |held| held.tables.remove(&self.handle));
            }
            passed
        })
    }

    /// `{'ETS-TRANSFER', Table, From, Data}`.
    fn tell(&self, to: Pid, from: Pid, data: Term) {
        let table = Term::reference(Ref(self.handle));
        process::tell(to, Term::tuple_of([Term::atom_named("ETS-TRANSFER"), table, Term::pid(from), data]));
    }

    /// Takes all objects out and frees them; `close`: for good.
    pub(super) fn empty(&self, close: bool) {
        match &self.objects {
            Objects::Hashed(hashed) => {
                // All at once, so that nobody sees a part of it.
                let mut shards: Vec<_> = hashed.shards().map(RwLock::write).collect();
                let taken: Vec<_> = shards
                    .iter_mut()
                    .map(|shard| {
                        shard.closed |= close;
                        shard.clear()
                    })
                    .collect();
                drop(shards);
                drop(taken);
            }
            Objects::Ordered(tree) => {
                let taken = {
                    let mut tree = tree.write();
                    tree.closed |= close;
                    tree.clear()
                };
                drop(taken);
            }
        }
    }
}

/// For the owner alone.
fn owning<R>(table: Ref, look: impl FnOnce(&Table, Pid) -> Result<R, Error>) -> Result<R, Error> {
    let me = caller()?;
    with(table, |table| match me {
        None => Err(process::Error::NoIdentity.into()),
        Some(me) if table.is_owned_by(Some(me)) => look(table, me),
        Some(_) => Err(Error::Access),
    })
}

/// Gives a table of the caller's to another process of its runtime, which is told with
/// `{'ETS-TRANSFER', Table, From, Data}`.
pub fn give_away(table: Ref, to: Pid, data: Term) -> Result<(), Error> {
    owning(table, |table, me| {
        if to == me {
            return Err(Error::Argument("the table is that process's already"));
        }
        if !table.pass(me, to)? {
            return Err(Error::NoTable);
        }
        OWNERS.change(me, |held| held.tables.remove(&table.handle));
        table.tell(to, me, data);
        Ok(())
    })
}

/// Sets who gets a table of the caller's when the caller ends, and what it is told then.
pub fn set_heir(table: Ref, heir: Option<(Pid, Term)>) -> Result<(), Error> {
    owning(table, |table, _| {
        let old = std::mem::replace(&mut table.meta.lock().heir, heir);
        drop(old);
        Ok(())
    })
}

/// Gives a named table another name; everybody who may write to it.
pub fn rename(table: Ref, name: Arc<str>) -> Result<(), Error> {
    super::writing(table, |table| {
        if name.is_empty() {
            return Err(Error::Argument("a name is not empty"));
        }
        let mut meta = table.meta.lock();
        let Some(old) = meta.name.clone() else {
            return Err(Error::Argument("the table has no name"));
        };
        let mut names = NAMES.write();
        let (old, new) = ((node_id(&table.node), old), (node_id(&table.node), name.clone()));
        if names.get(&old) != Some(&table.handle) || table.tenure.owner() == 0 {
            return Err(Error::NoTable);
        }
        if names.contains_key(&new) {
            return Err(Error::Exists);
        }
        names.remove(&old);
        names.insert(new, table.handle);
        meta.name = Some(name);
        Ok(())
    })
}

pub(super) fn fix(table: &Table, fix: bool) -> Result<(), Error> {
    let Some(me) = caller()? else { return Err(process::Error::NoIdentity.into()) };
    // Step *fix*, under the caller's lock, so that its end finds it.
    own(me, false, |owner| {
        let mut meta = table.meta.lock();
        if table.tenure.owner() == 0 {
            // Who clears it away may have taken the fixations already.
            return Err(Error::NoTable);
        }
        if fix {
            *meta.fixed.entry(me).or_default() += 1;
            OWNERS.change(me, |held| *held.fixed.entry(table.handle).or_default() += 1);
            owner.add(&OWNED);
        } else if let Some(count) = meta.fixed.get_mut(&me) {
            *count -= 1;
            let is_last = *count == 0;
            if is_last {
                meta.fixed.remove(&me);
            }
            OWNERS.change(me, |held| match held.fixed.get_mut(&table.handle) {
                Some(count) if *count > 1 => *count -= 1,
                _ => {
                    held.fixed.remove(&table.handle);
                }
            });
        }
        Ok(())
    })?
}
