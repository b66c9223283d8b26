//! What a key has: one object, or in bags any number, in the order in which they came.

use crate::term::Term;

#[derive(Debug, Default)]
pub(super) enum Group {
    #[default]
    None,
    One(Term),
    /// Two at least; in a box, so that a slot of a shard stays at half a cache line.
    #[allow(clippy::box_collection)]
    Many(Box<Vec<Term>>),
}

impl Group {
    #[inline]
    pub fn rows(&self) -> &[Term] {
        match self {
            Group::None => &[],
            Group::One(row) => std::slice::from_ref(row),
            Group::Many(rows) => rows,
        }
    }

    #[inline]
    pub fn rows_mut(&mut self) -> &mut [Term] {
        match self {
            Group::None => &mut [],
            Group::One(row) => std::slice::from_mut(row),
            Group::Many(rows) => rows,
        }
    }

    #[inline]
    pub fn is_none(&self) -> bool {
        matches!(self, Group::None)
    }

    pub fn add(&mut self, row: Term) {
        *self = match std::mem::take(self) {
            Group::None => Group::One(row),
            Group::One(first) => Group::Many(Box::new(vec![first, row])),
            Group::Many(mut rows) => {
                rows.push(row);
                Group::Many(rows)
            }
        };
    }

    /// Takes out those that `leaves` says; gives them to `removed`. `None` when nothing is left.
    pub fn take_out(&mut self, mut leaves: impl FnMut(&Term) -> bool, removed: &mut Vec<Term>) {
        match std::mem::take(self) {
            Group::Many(mut rows) => {
                let mut kept = Vec::with_capacity(rows.len());
                for row in rows.drain(..) {
                    if leaves(&row) { removed.push(row) } else { kept.push(row) }
                }
                *self = match kept.len() {
                    0 => Group::None,
                    1 => kept.pop().map_or(Group::None, Group::One),
                    _ => Group::Many(Box::new(kept)),
                };
            }
            Group::One(row) if leaves(&row) => removed.push(row),
            other => *self = other,
        }
    }

    pub fn into_rows(self) -> Vec<Term> {
        match self {
            Group::None => Vec::new(),
            Group::One(row) => vec![row],
            Group::Many(rows) => *rows,
        }
    }
}

/// The key of an object: element `position`, from 0. Objects in a table have one.
#[inline]
pub(super) fn key_of(row: &Term, position: usize) -> &Term {
    static NIL: Term = Term::nil();
    row.as_tuple().and_then(|elements| elements.get(position)).unwrap_or(&NIL)
}
