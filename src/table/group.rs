//! What a key has: one object, or in bags any number, in the order in which they came.

use crate::sync::prefetch;
use crate::term::Term;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::{ptr, slice};

/// Nothing, one object, or several.
///
/// One word, since all that tells one object from another is where it is: that of 100,000 groups fits in one megabyte,
/// which stays in a near cache while the objects do not, and a search waits for one object only. Zero: nothing. The
/// lowest three bits, which no address has, are the marks below; the rest is the address of the object's payload, or,
/// with [`MANY`], of a `Box<Vec<Term>>`.
#[derive(Default)]
pub(super) struct Group(u64);

/// There are several.
const MANY: u64 = 1;
/// The key is an integer of 64 bits, so that equal hashes mean equal keys.
const INTEGER: u64 = 2;
/// The object holds nothing but what lies inside it and a few short bytes: nobody notices when it is freed.
const SMALL: u64 = 4;
const MARKS: u64 = MANY | INTEGER | SMALL;

/// Longest bytes of an object that is small, and how many elements it has at most.
const SMALL_BYTES: usize = 64;
const SMALL_ELEMENTS: usize = 8;

/// The objects of a group, lent.
pub(super) enum Rows<'a> {
    One(ManuallyDrop<Term>),
    All(&'a [Term]),
}

impl Deref for Rows<'_> {
    type Target = [Term];

    #[inline]
    fn deref(&self) -> &[Term] {
        match self {
            Rows::One(row) => slice::from_ref(row),
            Rows::All(rows) => rows,
        }
    }
}

/// How many groups ahead of where a traversal is.
const AHEAD: usize = 16;

/// Groups that are shown together, each with its hash, of which an ordered set has none; the last first when it is
/// `reverse`.
pub(super) struct Part<'g> {
    hashes: &'g [u64],
    rows: &'g [Rows<'g>],
    reverse: bool,
    /// The groups that follow those `AHEAD` of `rows`.
    ahead: &'g [Group],
}

impl<'g> Part<'g> {
    /// Of all groups that will be shown the first so many, lent as `rows`.
    pub fn forwards(hashes: &'g [u64], rows: &'g [Rows<'g>], all: &'g [Group]) -> Part<'g> {
        Part { hashes, rows, reverse: false, ahead: all.get(AHEAD..).unwrap_or_default() }
    }

    /// As `forwards`, but the last so many; without hashes.
    pub fn backwards(rows: &'g [Rows<'g>], all: &'g [Group]) -> Part<'g> {
        let ahead = all.get(..all.len().saturating_sub(AHEAD)).unwrap_or_default();
        Part { hashes: &[], rows, reverse: true, ahead }
    }

    /// Has those brought closer with which a traversal begins.
    pub fn begin<'a>(groups: impl Iterator<Item = &'a Group>) {
        groups.take(AHEAD).for_each(Group::prefetch);
    }
}

impl<'g> Iterator for Part<'g> {
    type Item = (u64, &'g [Term]);

    #[inline]
    fn next(&mut self) -> Option<(u64, &'g [Term])> {
        loop {
            // Objects lie anywhere in memory, so those that come soon are asked for early; all of a part at once would
            // be more than the processor can wait for.
            let ahead = if self.reverse { self.ahead.split_last() } else { self.ahead.split_first() };
            if let Some((ahead, rest)) = ahead {
                ahead.prefetch();
                self.ahead = rest;
            }
            let (rows, rest) = if self.reverse { self.rows.split_last() } else { self.rows.split_first() }?;
            self.rows = rest;
            let hash = match self.hashes.split_first() {
                Some((hash, rest)) => {
                    self.hashes = rest;
                    *hash
                }
                None => 0,
            };
            if !rows.is_empty() {
                return Some((hash, rows));
            }
        }
    }
}

/// The first object of a group, to be changed or replaced by one with the same key.
pub(super) struct First<'a> {
    group: &'a mut Group,
    row: ManuallyDrop<Term>,
}

impl Deref for First<'_> {
    type Target = Term;

    #[inline]
    fn deref(&self) -> &Term {
        &self.row
    }
}

impl DerefMut for First<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Term {
        &mut self.row
    }
}

impl Drop for First<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this is the only place where it is taken.
        let row = unsafe { ManuallyDrop::take(&mut self.row) };
        if let Some(rows) = self.group.place() {
            // SAFETY: as in `Group::rows`. What was lent comes back over the words it came from.
            unsafe { ptr::write((*rows).as_mut_ptr(), row) };
        } else {
            self.group.0 = row.into_tuple_address() | self.group.0 & MARKS;
        }
    }
}

impl Group {
    pub const NONE: Group = Group(0);

    /// One object, a tuple with a key, which is element `position`.
    #[inline]
    pub fn one(row: Term, position: usize) -> Group {
        let marks = marks(&row, position);
        Group(row.into_tuple_address() | marks)
    }

    fn many(rows: Vec<Term>) -> Group {
        Group(Box::into_raw(Box::new(rows)).expose_provenance() as u64 | MANY)
    }

    /// Where several are.
    #[inline]
    fn place(&self) -> Option<*mut Vec<Term>> {
        (self.0 & MANY != 0).then(|| ptr::with_exposed_provenance_mut((self.0 & !MARKS) as usize))
    }

    #[inline]
    pub fn rows(&self) -> Rows<'_> {
        if self.is_none() {
            return Rows::All(&[]);
        }
        match self.place() {
            // SAFETY: made by `many`, and ours.
            Some(rows) => Rows::All(unsafe { &*rows }),
            // SAFETY: the address of `one`, whose term this group is; it stays as long as it is lent.
            None => Rows::One(unsafe { Term::lent_tuple(self.0 & !MARKS) }),
        }
    }

    /// The key that its objects have; `[]` for none.
    #[inline]
    pub fn key(&self, position: usize) -> &Term {
        let rows = self.rows();
        let key = ptr::from_ref(rows.first().map_or(&NIL, |row| key_of(row, position)));
        // SAFETY: it lies in the payload of an object, which this group keeps, or is `NIL`; not in what is lent.
        unsafe { &*key }
    }

    /// The first object; it may be changed, but not its key. `is_inline`: what is put into it, if anything, lies inside
    /// the two words of its term; else the object is not known to be small any more.
    #[inline]
    pub fn first_mut(&mut self, is_inline: bool) -> Option<First<'_>> {
        if self.is_none() {
            return None;
        }
        if !is_inline {
            self.0 &= !SMALL;
        }
        let row = match self.place() {
            // SAFETY: as in `rows`; `First` gives it back when it is dropped.
            Some(rows) => ManuallyDrop::new(unsafe { ptr::read((*rows).as_ptr()) }),
            // SAFETY: as in `rows`.
            None => unsafe { Term::lent_tuple(self.0 & !MARKS) },
        };
        Some(First { group: self, row })
    }

    /// Shows each object, to be replaced by one with the same key.
    pub fn for_each_mut(&mut self, mut change: impl FnMut(&mut Term)) {
        match self.place() {
            // SAFETY: as in `rows`.
            Some(rows) => unsafe { &mut *rows }.iter_mut().for_each(change),
            None => {
                if let Some(mut row) = self.first_mut(false) {
                    change(&mut row);
                }
            }
        }
    }

    #[inline]
    pub fn is_none(&self) -> bool {
        self.0 == 0
    }

    /// Whether the key of its objects is an integer of 64 bits.
    #[inline]
    pub fn has_integer_key(&self) -> bool {
        self.0 & INTEGER != 0
    }

    /// Whether it is one object, whose end nobody notices.
    #[inline]
    pub fn is_small(&self) -> bool {
        self.0 & SMALL != 0
    }

    /// Has the object brought closer, if it is one: its head and its first three elements, which as a rule lie in two
    /// cache lines.
    #[inline]
    pub fn prefetch(&self) {
        // What leads nowhere is looked up in vain, which takes long.
        if !self.is_none() {
            let address = (self.0 & !MARKS) as usize;
            prefetch(ptr::with_exposed_provenance::<u8>(address));
            prefetch(ptr::with_exposed_provenance::<u8>(address + 56));
        }
    }

    /// Has what lies outside the objects brought closer.
    #[inline]
    pub fn prefetch_elements(&self) {
        self.rows().iter().flat_map(|row| row.as_tuple().unwrap_or_default()).for_each(Term::prefetch);
    }

    pub fn add(&mut self, row: Term, position: usize) {
        match self.place() {
            // SAFETY: as in `rows`.
            Some(rows) => unsafe { &mut *rows }.push(row),
            None => {
                let mut rows = std::mem::take(self).into_rows();
                rows.push(row);
                *self = Group::of(rows, position);
            }
        }
    }

    fn of(mut rows: Vec<Term>, position: usize) -> Group {
        match rows.len() {
            0 | 1 => rows.pop().map_or(Group::NONE, |row| Group::one(row, position)),
            _ => {
                let is_integer = rows.first().is_some_and(|row| key_of(row, position).as_int().is_some());
                let mut group = Group::many(rows);
                group.0 |= if is_integer { INTEGER } else { 0 };
                group
            }
        }
    }

    /// Takes out those that `leaves` says; gives them to `removed`. `NONE` when nothing is left.
    pub fn take_out(&mut self, position: usize, mut leaves: impl FnMut(&Term) -> bool, removed: &mut Vec<Term>) {
        let mut kept = Vec::new();
        for row in std::mem::take(self).into_rows() {
            if leaves(&row) { removed.push(row) } else { kept.push(row) }
        }
        *self = Group::of(kept, position);
    }

    pub fn into_rows(self) -> Vec<Term> {
        let group = ManuallyDrop::new(self);
        if group.is_none() {
            return Vec::new();
        }
        match group.place() {
            // SAFETY: made by `many`, and nobody else's: the group is not dropped.
            Some(rows) => *unsafe { Box::from_raw(rows) },
            // SAFETY: the address of `one`, taken back once: the group is not dropped.
            None => vec![ManuallyDrop::into_inner(unsafe { Term::lent_tuple(group.0 & !MARKS) })],
        }
    }
}

impl Drop for Group {
    #[inline]
    fn drop(&mut self) {
        if self.is_none() {
            return;
        }
        match self.place() {
            // SAFETY: made by `many`, dropped once.
            Some(rows) => drop(unsafe { Box::from_raw(rows) }),
            // SAFETY: the address of `one`, taken back once.
            None => drop(ManuallyDrop::into_inner(unsafe { Term::lent_tuple(self.0 & !MARKS) })),
        }
    }
}

static NIL: Term = Term::nil();

/// What the lowest bits of the group of one object are.
#[inline]
fn marks(row: &Term, position: usize) -> u64 {
    let elements = row.as_tuple().unwrap_or_default();
    let is_small =
        |element: &Term| !element.has_payload() || element.as_bytes().is_some_and(|bytes| bytes.len() <= SMALL_BYTES);
    let is_small = elements.len() <= SMALL_ELEMENTS && elements.iter().all(is_small);
    let is_integer = elements.get(position).is_some_and(|key| key.as_int().is_some());
    (if is_small { SMALL } else { 0 }) | (if is_integer { INTEGER } else { 0 })
}

/// The key of an object: element `position`, from 0. Objects in a table have one.
#[inline]
pub(super) fn key_of(row: &Term, position: usize) -> &Term {
    row.as_tuple().and_then(|elements| elements.get(position)).unwrap_or(&NIL)
}
