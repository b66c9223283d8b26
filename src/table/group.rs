//! What a key has: one object, or in bags any number, in the order in which they came.

use crate::term::Term;
use std::mem::ManuallyDrop;
use std::ptr;

/// Nothing, one object, or several.
///
/// Two words, those of the object when it is one: a shard of many rows is larger than the nearer caches, and every byte
/// that a lookup does not touch is one that is not fetched. (As an enum it would take three
/// words.) What other first words mean: zero, nothing; [`MANY`], the second word is the
/// address of a `Box<Vec<Term>>`.
#[derive(Default)]
#[repr(C)]
pub(super) struct Group {
    meta: u64,
    value: u64,
}

/// No kind of term.
const MANY: u64 = 0xff;

impl Group {
    pub const NONE: Group = Group { meta: 0, value: 0 };

    /// One object: a tuple, as all are, of which none is all zero.
    #[inline]
    pub fn one(row: Term) -> Group {
        debug_assert!(row.as_tuple().is_some());
        let (meta, value) = row.to_words();
        Group { meta, value }
    }

    fn many(rows: Vec<Term>) -> Group {
        Group { meta: MANY, value: Box::into_raw(Box::new(rows)).expose_provenance() as u64 }
    }

    /// Where several are.
    #[inline]
    fn place(&self) -> Option<*mut Vec<Term>> {
        (self.meta == MANY).then(|| ptr::with_exposed_provenance_mut(self.value as usize))
    }

    #[inline]
    pub fn rows(&self) -> &[Term] {
        if self.is_none() {
            return &[];
        }
        match self.place() {
            // SAFETY: made by `many`, and ours.
            Some(rows) => unsafe { &*rows },
            // SAFETY: the two words are a term's, which is the same two words.
            None => std::slice::from_ref(unsafe { &*ptr::from_ref(self).cast::<Term>() }),
        }
    }

    #[inline]
    pub fn rows_mut(&mut self) -> &mut [Term] {
        if self.is_none() {
            return &mut [];
        }
        match self.place() {
            // SAFETY: as in `rows`.
            Some(rows) => unsafe { &mut *rows },
            // SAFETY: as in `rows`.
            None => std::slice::from_mut(unsafe { &mut *ptr::from_mut(self).cast::<Term>() }),
        }
    }

    #[inline]
    pub fn is_none(&self) -> bool {
        self.meta == 0
    }

    /// Has the object brought closer, if it is one.
    #[inline]
    pub fn prefetch(&self) {
        if let (false, None, [row]) = (self.is_none(), self.place(), self.rows()) {
            row.prefetch();
        }
    }

    pub fn add(&mut self, row: Term) {
        match self.place() {
            // SAFETY: as in `rows`.
            Some(rows) => unsafe { &mut *rows }.push(row),
            None => {
                let mut rows = std::mem::take(self).into_rows();
                rows.push(row);
                *self = Group::of(rows);
            }
        }
    }

    fn of(mut rows: Vec<Term>) -> Group {
        match rows.len() {
            0 | 1 => rows.pop().map_or(Group::NONE, Group::one),
            _ => Group::many(rows),
        }
    }

    /// Takes out those that `leaves` says; gives them to `removed`. `NONE` when nothing is left.
    pub fn take_out(&mut self, mut leaves: impl FnMut(&Term) -> bool, removed: &mut Vec<Term>) {
        let mut kept = Vec::new();
        for row in std::mem::take(self).into_rows() {
            if leaves(&row) { removed.push(row) } else { kept.push(row) }
        }
        *self = Group::of(kept);
    }

    pub fn into_rows(self) -> Vec<Term> {
        let group = ManuallyDrop::new(self);
        if group.is_none() {
            return Vec::new();
        }
        match group.place() {
            // SAFETY: made by `many`, and nobody else's: the group is not dropped.
            Some(rows) => *unsafe { Box::from_raw(rows) },
            // SAFETY: the words of `one`, taken back once: the group is not dropped.
            None => vec![unsafe { Term::from_words(group.meta, group.value) }],
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
            // SAFETY: the words of `one`, taken back once.
            None => drop(unsafe { Term::from_words(self.meta, self.value) }),
        }
    }
}

/// The key of an object: element `position`, from 0. Objects in a table have one.
#[inline]
pub(super) fn key_of(row: &Term, position: usize) -> &Term {
    static NIL: Term = Term::nil();
    row.as_tuple().and_then(|elements| elements.get(position)).unwrap_or(&NIL)
}
