//! Atoms: constant names, each stored once per process of the operating system and never freed.
//!
//! Promises: reading (`new` of a known name, `existing`, `as_str`) takes no lock; the same name is the same index
//! for ever; there are never more than `ATOMS_MAX` of them. Names that come from outside must not be made into
//! atoms without a budget, since nothing gives one back; the decoder has one.
//!
//! The table is a tree that only grows: 4,096 roots, below each node four children chosen by two bits of the
//! name's hash after the other. The hash is seeded per process, so that nobody can aim at one branch.

use std::fmt;
use std::hash::BuildHasher;

use once_cell::sync::{Lazy, OnceCell};

use crate::sync::{AtomicU32, Ordering};

/// Longest name, in characters: Erlang's limit.
pub const ATOM_CHARACTERS_MAX: usize = 255;
/// Most atoms there can be: what OTP allows by default (`+t`).
pub const ATOMS_MAX: u32 = 1 << 20;

/// Why there is no such atom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermError {
    /// The name has more than 255 characters.
    AtomTooLong,
    /// `ATOMS_MAX` atoms exist.
    TooManyAtoms,
}

impl fmt::Display for TermError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TermError::AtomTooLong => "an atom has at most 255 characters",
            TermError::TooManyAtoms => "the atom table is full",
        })
    }
}

impl std::error::Error for TermError {}

/// An atom: an index into the table. Equal atoms have equal indexes; the order of names is `Term::cmp_erlang`'s.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Atom(u32);

impl Atom {
    /// The atom of that name, made if there is none.
    pub fn new(name: &str) -> Result<Atom, TermError> {
        if let Some(atom) = Atom::known(name.as_bytes()) {
            return Ok(atom);
        }
        TABLE.find_or_make(name)
    }

    /// The atom of a name, given as its bytes, if it is among those that are found fast; see [`Known`].
    #[inline]
    pub fn known(name: &[u8]) -> Option<Atom> {
        let node = KNOWN.at(name)?.get()?;
        (node.name.as_bytes() == name).then_some(Atom(node.index))
    }

    /// The atom of that name if somebody made it before.
    pub fn existing(name: &str) -> Option<Atom> {
        TABLE.find(name)
    }

    /// Its name, without quotes. In memory a zero follows.
    pub fn as_str(self) -> &'static str {
        TABLE.name(self.0).unwrap_or("")
    }

    pub(super) const fn index(self) -> u32 {
        self.0
    }

    /// The atom of an index that came from `index`.
    pub(super) const fn from_index(index: u32) -> Atom {
        Atom(index)
    }

    /// Whether a word is the index of an atom.
    pub(super) fn is_index(word: u64) -> bool {
        u32::try_from(word).is_ok_and(|index| TABLE.name(index).is_some())
    }
}

impl fmt::Debug for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::print::write_atom(f, self.as_str())
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::print::write_atom(f, self.as_str())
    }
}

struct Node {
    name: &'static str,
    index: u32,
    children: [OnceCell<Box<Node>>; 4],
}

const ROOTS: usize = 4096;
/// Page `p` holds the names of `FIRST_PAGE << p` atoms, so that an index is found without a lock or a move.
const FIRST_PAGE: u32 = 1024;
const PAGES: usize = 11;

type Page = OnceCell<Box<[OnceCell<&'static str>]>>;

/// Short names that are found by a hash of a few instructions. A program names its atoms again and again, `normal` at
/// each end, and the hash that nobody can aim at takes longer than a send. The first name at a place stays there, so
/// that no two threads write to it in turn; whoever aims at a place makes others as slow as they are without this.
struct Known([OnceCell<&'static Node>; 1024]);

static KNOWN: Known = Known([const { OnceCell::new() }; 1024]);

impl Known {
    /// The place of a name; none for one that is not short.
    #[inline]
    fn at(&self, name: &[u8]) -> Option<&OnceCell<&'static Node>> {
        let (first, last) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
            (Some(first), Some(last)) if name.len() <= 16 => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            (None, _) => match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
                (Some(first), Some(last)) => (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into()),
                _ => (name.iter().fold(0, |all, &byte| all << 8 | u64::from(byte)), 0),
            },
            _ => return None,
        };
        let hash = (first ^ last.rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0.get((hash >> 54) as usize)
    }
}

struct Table {
    seed: std::hash::RandomState,
    roots: Box<[OnceCell<Box<Node>>]>,
    pages: [Page; PAGES],
    next: AtomicU32,
}

static TABLE: Lazy<Table> = Lazy::new(|| {
    let table = Table {
        seed: std::hash::RandomState::new(),
        roots: (0..ROOTS).map(|_| OnceCell::new()).collect(),
        pages: [const { OnceCell::new() }; PAGES],
        next: AtomicU32::new(0),
    };
    for name in atoms::NAMES {
        // Their indexes are their places: the table is empty and nobody else sees it yet.
        let _ = table.node(name);
    }
    table
});

impl Table {
    fn find(&self, name: &str) -> Option<Atom> {
        let (mut cell, mut hash) = self.root(name);
        loop {
            let node = cell.get()?;
            if node.name == name {
                return Some(Atom(node.index));
            }
            (cell, hash) = below(node, hash);
        }
    }

    fn find_or_make(&'static self, name: &str) -> Result<Atom, TermError> {
        let node = self.node(name)?;
        if let Some(place) = KNOWN.at(name.as_bytes()) {
            let _ = place.set(node);
        }
        Ok(Atom(node.index))
    }

    fn node(&self, name: &str) -> Result<&Node, TermError> {
        // A name of at most 255 bytes has at most 255 characters.
        if name.len() > ATOM_CHARACTERS_MAX && name.chars().count() > ATOM_CHARACTERS_MAX {
            return Err(TermError::AtomTooLong);
        }
        let (mut cell, mut hash) = self.root(name);
        loop {
            // At most one thread makes this node; another name may have been first, then look below it.
            let node = cell.get_or_try_init(|| self.make(name))?;
            if node.name == name {
                return Ok(node);
            }
            (cell, hash) = below(node, hash);
        }
    }

    fn root(&self, name: &str) -> (&OnceCell<Box<Node>>, u64) {
        let hash = self.seed.hash_one(name);
        (&self.roots[hash as usize % ROOTS], hash.rotate_right(12))
    }

    fn make(&self, name: &str) -> Result<Box<Node>, TermError> {
        // Relaxed: the number publishes nothing; the node is published by its cell.
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        if index >= ATOMS_MAX {
            self.next.fetch_sub(1, Ordering::Relaxed);
            return Err(TermError::TooManyAtoms);
        }
        let length = name.len();
        let name: &'static str = &Box::leak(format!("{name}\0").into_boxed_str())[..length];
        let (page, place) = page_of(index);
        let names = self.pages[page].get_or_init(|| (0..FIRST_PAGE << page).map(|_| OnceCell::new()).collect());
        let _ = names[place].set(name);
        Ok(Box::new(Node { name, index, children: [const { OnceCell::new() }; 4] }))
    }

    fn name(&self, index: u32) -> Option<&'static str> {
        if index >= ATOMS_MAX {
            return None;
        }
        let (page, place) = page_of(index);
        self.pages[page].get()?[place].get().copied()
    }
}

/// The child to look at next. After all 64 bits of the hash the choice repeats, which only costs time.
fn below(node: &Node, hash: u64) -> (&OnceCell<Box<Node>>, u64) {
    (&node.children[hash as usize & 3], hash.rotate_right(2))
}

/// Page 0 holds indexes 0..1024, page 1 the next 2048, page 2 the next 4096, ...
fn page_of(index: u32) -> (usize, usize) {
    let shifted = index + FIRST_PAGE;
    let page = shifted.ilog2() - FIRST_PAGE.ilog2();
    (page as usize, (shifted - (FIRST_PAGE << page)) as usize)
}

const _: () = assert!((FIRST_PAGE as u64) * ((1 << PAGES) - 1) >= ATOMS_MAX as u64);

/// The atoms that the rooms name; their indexes are fixed, so that `message.is_atom(atoms::OK)` is one compare.
pub mod atoms {
    use super::Atom;

    macro_rules! named {
        ($($constant:ident = $name:literal,)*) => {
            #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
            enum Index { $($constant),* }
            $(#[doc = concat!("`", $name, "`")] pub const $constant: Atom = Atom(Index::$constant as u32);)*
            /// Their names, in the order of their indexes.
            pub(super) const NAMES: &[&str] = &[$($name),*];
        };
    }

    named! {
        OK = "ok",
        ERROR = "error",
        NORMAL = "normal",
        SHUTDOWN = "shutdown",
        KILL = "kill",
        KILLED = "killed",
        NOPROC = "noproc",
        NOCONNECTION = "noconnection",
        TIMEOUT = "timeout",
        TRUE = "true",
        FALSE = "false",
        UNDEFINED = "undefined",
        INFINITY = "infinity",
        EXIT = "EXIT",
        DOWN = "DOWN",
        PROCESS = "process",
        BAD_RETURN_VALUE = "bad_return_value",
        CALLING_SELF = "calling_self",
        ALREADY_STARTED = "already_started",
        ALREADY_PRESENT = "already_present",
        ALREADY_REGISTERED = "already_registered",
        NOT_FOUND = "not_found",
        RUNNING = "running",
        RESTARTING = "restarting",
        WORKER = "worker",
        SUPERVISOR = "supervisor",
        PERMANENT = "permanent",
        TRANSIENT = "transient",
        TEMPORARY = "temporary",
        BRUTAL_KILL = "brutal_kill",
        ONE_FOR_ONE = "one_for_one",
        ONE_FOR_ALL = "one_for_all",
        REST_FOR_ONE = "rest_for_one",
        SIMPLE_ONE_FOR_ONE = "simple_one_for_one",
        FAILED_TO_START_CHILD = "failed_to_start_child",
        START_SPEC = "start_spec",
        DUPLICATE_CHILD_NAME = "duplicate_child_name",
        BAD_COMBINATION = "bad_combination",
        ID = "id",
        RESTART = "restart",
        TYPE = "type",
        KIND = "kind",
        SIGNIFICANT = "significant",
        IGNORE = "ignore",
        BADARG = "badarg",
        FAILED_TO_START = "failed_to_start",
        REGISTRY = "registry",
        AGENT = "agent",
        SERVER = "server",
        TASK = "task",
        PUBSUB = "pubsub",
        TABLE = "table",
        POOL = "pool",
        QUEUE = "queue",
        HOST = "host",
        THREAD = "thread",
        NAME = "name",
        MESSAGES = "messages",
        STATUS = "status",
        SUSPENDED = "suspended",
        WAITING = "waiting",
        CRASH = "crash",
        PANIC = "panic",
        NO_REPLY = "no_reply",
        UNIQUE = "unique",
        DUPLICATE = "duplicate",
        SYSTEM_LIMIT = "system_limit",
        NOT_ALIVE = "not_alive",
        MAX_CHILDREN = "max_children",
        START_ERROR = "start_error",
        STRATEGY = "strategy",
        INTENSITY = "intensity",
        PERIOD = "period",
        AUTO_SHUTDOWN = "auto_shutdown",
        NEVER = "never",
        ANY_SIGNIFICANT = "any_significant",
        ALL_SIGNIFICANT = "all_significant",
        START = "start",
        STOP = "stop",
        STOPPED = "stopped",
        CALL = "call",
        CAST = "cast",
        INFO = "info",
        INIT = "init",
        CONTINUE = "continue",
        TERMINATE = "terminate",
        REPLY = "reply",
        NOREPLY = "noreply",
        SPECS = "specs",
        ACTIVE = "active",
        SUPERVISORS = "supervisors",
        WORKERS = "workers",
        PID = "pid",
        LINKS = "links",
        MONITORS = "monitors",
        PORT = "port",
        BADMATCH = "badmatch",
        FUNCTION_CLAUSE = "function_clause",
        NONODE_NOHOST = "nonode@nohost",
        NODE = "node",
        DYNAMIC_SUPERVISOR = "dynamic_supervisor",
        TASK_SUPERVISOR = "task_supervisor",
        PARTITION_SUPERVISOR = "partition_supervisor",
        FULL = "full",
        CLOSED = "closed",
        EMPTY = "empty",
        NIL = "nil",
        NONE = "none",
        EXISTS = "exists",
        KEY = "key",
        VALUE = "value",
        REASON = "reason",
        MESSAGE = "message",
        REFUSED = "refused",
        OVERLOAD = "overload",
        PARKED = "parked",
        IDLE = "idle",
        READY = "ready",
        EXITING = "exiting",
        REGISTERED_NAME = "registered_name",
        RUNTIME = "runtime",
        REGISTER = "register",
        UNREGISTER = "unregister",
        JOIN = "join",
        LEAVE = "leave",
        UP = "up",
        EXCEPTION = "exception",
        OUT_OF_MEMORY = "out_of_memory",
        CHILD = "child",
        EVENT = "event",
        OLD = "old",
        COUNT = "count",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_share_a_place_are_told_apart() {
        // Of each length up to one that has no place: alike but for one sign, and those that only begin with zeroes.
        let mut names: Vec<String> = (0..=20).map(|length| "x".repeat(length)).collect();
        names.extend((1..=3).map(|length| "\0".repeat(length)));
        for place in 0..16 {
            names.extend(('a'..='z').map(|sign| format!("{}{sign}{}", "y".repeat(place), "y".repeat(15 - place))));
        }
        let made: Vec<Atom> = names.iter().map(|name| Atom::new(name).unwrap()).collect();
        for (name, atom) in names.iter().zip(&made) {
            assert_eq!(atom.as_str(), name);
            assert_eq!(Atom::new(name), Ok(*atom));
            assert!(Atom::known(name.as_bytes()).is_none_or(|known| known == *atom));
        }
        assert!(names.iter().any(|name| Atom::known(name.as_bytes()).is_some()));
    }
}
