//! Constructors. One that fails gives the invalid term; a container of an invalid term is invalid.

use std::ffi::c_void;
use std::mem::ManuallyDrop;

use super::heap::{self, Dropper};
use super::{Atom, Pid, Ref, Term, atoms, kinds, order, read};

/// Most bytes that live inside a term; the byte after them stays zero, so that C reads text in place.
pub(super) const SHORT_MAX: usize = 13;
/// Most elements of a tuple: Erlang's limit.
pub const TUPLE_MAX: usize = (1 << 24) - 1;

impl Term {
    /// The empty list, `[]`.
    #[inline]
    pub const fn nil() -> Term {
        Term::inline(kinds::NIL, 0)
    }

    /// What a constructor that fails gives; every reader says no to it.
    #[inline]
    pub const fn invalid() -> Term {
        Term::inline(kinds::INVALID, 0)
    }

    /// An integer.
    #[inline]
    pub const fn int(value: i64) -> Term {
        Term::inline(kinds::INT, value as u64)
    }

    /// A float. Erlang has no infinities and no NaN: these give the invalid term.
    #[inline]
    pub fn float(value: f64) -> Term {
        if value.is_finite() { Term::inline(kinds::FLOAT, value.to_bits()) } else { Term::invalid() }
    }

    /// An atom.
    #[inline]
    pub const fn atom(atom: Atom) -> Term {
        Term::inline(kinds::ATOM, atom.index() as u64)
    }

    /// The atom of that name, made if there is none. Invalid when the name is too long or the table full.
    pub fn atom_named(name: &str) -> Term {
        Atom::new(name).map_or(Term::invalid(), Term::atom)
    }

    /// The atom `true` or `false`.
    #[inline]
    pub const fn bool(value: bool) -> Term {
        Term::atom(if value { atoms::TRUE } else { atoms::FALSE })
    }

    /// A pid.
    #[inline]
    pub const fn pid(pid: Pid) -> Term {
        Term::inline(kinds::PID, pid.0)
    }

    /// A reference.
    #[inline]
    pub const fn reference(reference: Ref) -> Term {
        Term::inline(kinds::REFERENCE, reference.0)
    }

    /// Bytes, a binary in Erlang; copied.
    pub fn bytes(bytes: &[u8]) -> Term {
        if bytes.len() > SHORT_MAX {
            return heap::bytes(kinds::BYTES, 0, [bytes, &[]]);
        }
        let mut words = [0u8; 16];
        words[0] = kinds::SHORT_BYTES;
        words[1] = bytes.len() as u8;
        words[2..2 + bytes.len()].copy_from_slice(bytes);
        let words = u128::from_le_bytes(words);
        Term { meta: words as u64, value: (words >> 64) as u64 }
    }

    /// Text: bytes that are UTF-8.
    #[inline]
    pub fn text(text: &str) -> Term {
        Term::bytes(text.as_bytes())
    }

    /// A tuple. Invalid beyond 16,777,215 elements.
    pub fn tuple(mut elements: Vec<Term>) -> Term {
        Term::tuple_taking(&mut elements)
    }

    /// A tuple of so many elements; one allocation.
    #[inline]
    pub fn tuple_of<const N: usize>(mut elements: [Term; N]) -> Term {
        Term::tuple_taking(&mut elements)
    }

    /// A tuple that takes its elements out of their places, leaving `[]` there, also when it fails.
    pub fn tuple_taking(elements: &mut [Term]) -> Term {
        if elements.is_empty() {
            return Term::inline(kinds::EMPTY_TUPLE, 0);
        }
        if elements.len() > TUPLE_MAX || elements.iter().any(Term::is_invalid) {
            return refuse(elements);
        }
        let tuple = heap::take_items(kinds::TUPLE, elements);
        if tuple.is_invalid() { refuse(elements) } else { tuple }
    }

    /// A proper list.
    pub fn list(elements: Vec<Term>) -> Term {
        Term::list_with_tail(elements, Term::nil())
    }

    /// A proper list that takes its elements out of their places, leaving `[]` there, also when it fails.
    pub fn list_taking(elements: &mut [Term]) -> Term {
        elements.iter_mut().rev().fold(Term::nil(), |tail, head| Term::cons(std::mem::take(head), tail))
    }

    /// `[A, B, ... | Tail]`.
    pub fn list_with_tail(elements: Vec<Term>, tail: Term) -> Term {
        elements.into_iter().rev().fold(tail, |tail, head| Term::cons(head, tail))
    }

    /// `[Head | Tail]`.
    #[inline]
    pub fn cons(head: Term, tail: Term) -> Term {
        if head.is_invalid() || tail.is_invalid() { Term::invalid() } else { heap::cons(head, tail) }
    }

    /// A map; of equal keys the last one wins. Keys are equal exactly: `1` and `1.0` are two.
    pub fn map(mut pairs: Vec<(Term, Term)>) -> Term {
        if pairs.iter().any(|(key, value)| key.is_invalid() || value.is_invalid()) {
            return Term::invalid();
        }
        // A stable sort, so that among equal keys the last is the last given.
        pairs.sort_by(|(a, _), (b, _)| order::compare(a, b, true));
        let mut items: Vec<Term> = Vec::with_capacity(pairs.len().saturating_mul(2));
        for (key, value) in pairs {
            match items.len().checked_sub(2) {
                Some(last) if items[last].eq_exact(&key) => items[last + 1] = value,
                _ => items.extend([key, value]),
            }
        }
        if items.is_empty() { Term::inline(kinds::EMPTY_MAP, 0) } else { heap::take_items(kinds::MAP, &mut items) }
    }

    /// An integer of any size: its magnitude as little-endian bytes. One that fits 64 bits becomes `int`.
    pub fn big(negative: bool, magnitude: &[u8]) -> Term {
        let length = magnitude.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let magnitude = &magnitude[..length];
        if length <= 8 {
            let mut low = [0; 8];
            low[..length].copy_from_slice(magnitude);
            let low = u64::from_le_bytes(low);
            if negative && low <= 1 << 63 {
                return Term::int((low as i64).wrapping_neg());
            }
            if let (false, Ok(low)) = (negative, i64::try_from(low)) {
                return Term::int(low);
            }
        }
        heap::bytes(kinds::BIG, negative as u8, [magnitude, &[]])
    }

    /// An unsigned integer.
    pub fn uint(value: u64) -> Term {
        Term::big(false, &value.to_le_bytes())
    }

    /// A native object: a pointer, and what drops it when the last owner goes.
    ///
    /// `drop` is called exactly once, on the thread that gives the last owner up, also when this fails. It may
    /// use terms, but not wait. NULL for the pointer is allowed and dropped like any other.
    ///
    /// # Safety
    /// `drop` may be called with `pointer` on any thread, and terms may be read on several at once.
    pub unsafe fn resource(pointer: *mut c_void, drop: Option<unsafe extern "C-unwind" fn(*mut c_void)>) -> Term {
        heap::resource(pointer, drop.map_or(Dropper::Nothing, Dropper::Foreign))
    }

    /// A native object dropped by a closure; else as `resource`.
    pub fn resource_with(pointer: *mut c_void, drop: Box<dyn FnOnce(*mut c_void) + Send>) -> Term {
        heap::resource(pointer, Dropper::Boxed(drop))
    }

    /// A resource that keeps a term, which nobody but we can look into ([`Term::kept`]): it takes no longer to hand on
    /// to another system, however large that is.
    pub fn keeping(term: Term) -> Term {
        if term.is_invalid() {
            return term;
        }
        heap::resource(std::ptr::null_mut(), Dropper::Keeps(term))
    }

    /// Bits that are not whole bytes: `bytes` without the last byte's low bits, of which `used` (1 to 7) count.
    pub(super) fn bits(bytes: &[u8], used: u8) -> Term {
        let Some((last, body)) = bytes.split_last() else { return Term::invalid() };
        let Ok(length) = u32::try_from(bytes.len()) else { return Term::invalid() };
        if !(1..=7).contains(&used) {
            return Term::invalid();
        }
        let mut start = [0; 6];
        start[0] = super::etf::tags::BIT_BINARY;
        start[1..5].copy_from_slice(&length.to_be_bytes());
        start[5] = used;
        let mut rest = body.to_vec();
        rest.push(last & (0xff << (8 - used)));
        Term::opaque(read::class::BITS, [&start, &rest])
    }

    /// Something passed through: its canonical external form without the leading 131, in two parts.
    pub(super) fn opaque(class: u8, external: [&[u8]; 2]) -> Term {
        heap::bytes(kinds::OPAQUE, class, external)
    }
}

/// A proper list that is made from its first element on, without a vector of them.
#[derive(Debug, Default)]
pub struct ListBuilder {
    list: Term,
    /// The last cell: a share that is not counted, so that the list owns it alone.
    last: ManuallyDrop<Term>,
    /// There was no memory for a cell, or an element was invalid.
    is_refused: bool,
}

impl ListBuilder {
    /// Adds an element behind the others. One that cannot be added makes the list invalid; those that are in it stay
    /// until its end, since this may be called under a lock.
    #[inline]
    pub fn push(&mut self, element: Term) {
        let cell = Term::cons(element, Term::nil());
        if cell.is_invalid() {
            self.is_refused = true;
            return;
        }
        // SAFETY: the list owns its cells alone and keeps each; the last is not dropped through this.
        let last = unsafe { Term::lent_words(cell.meta, cell.value) };
        let mut before = std::mem::replace(&mut self.last, last);
        if before.is_nil() {
            self.list = cell;
        } else {
            // SAFETY: nobody else has the list, and its cells are not shared: it is still being made. The first item of
            // a cell is its tail.
            unsafe { heap::items_mut(&mut before)[0] = cell };
        }
    }

    /// The list.
    pub fn finish(self) -> Term {
        if self.is_refused { Term::invalid() } else { self.list }
    }
}

/// Drops the elements of a tuple that cannot be.
#[cold]
fn refuse(elements: &mut [Term]) -> Term {
    elements.fill_with(Term::nil);
    Term::invalid()
}

macro_rules! from {
    ($($type:ty: $value:ident => $term:expr,)*) => {
        $(impl From<$type> for Term {
            #[inline]
            fn from($value: $type) -> Term { $term }
        })*
    };
}

from! {
    i64: value => Term::int(value),
    i32: value => Term::int(value.into()),
    u64: value => Term::uint(value),
    f64: value => Term::float(value),
    bool: value => Term::bool(value),
    Atom: value => Term::atom(value),
    Pid: value => Term::pid(value),
    Ref: value => Term::reference(value),
    &str: value => Term::text(value),
    &[u8]: value => Term::bytes(value),
}
