//! Readers. Each gives None for a term that is something else; what they lend lives as long as the term.

use std::ffi::c_void;

use super::{Atom, Pid, Ref, Term, heap, kinds, order};

/// What a term is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `[]`.
    Nil,
    /// What a constructor that fails gives.
    Invalid,
    /// An integer of 64 bits.
    Int,
    /// A larger integer.
    Big,
    /// A float.
    Float,
    /// An atom.
    Atom,
    /// A pid of ours.
    Pid,
    /// A reference of ours.
    Reference,
    /// Bytes or text.
    Bytes,
    /// A tuple.
    Tuple,
    /// A list that is not empty, proper or not.
    List,
    /// A map.
    Map,
    /// A native object.
    Resource,
    /// Passed through: a fun, a port, a pid or reference of elsewhere, bits that are not whole bytes.
    Opaque,
}

/// What an opaque term is; the detail byte.
pub(super) mod class {
    pub const REFERENCE: u8 = 1;
    pub const FUN: u8 = 2;
    pub const PORT: u8 = 3;
    pub const PID: u8 = 4;
    pub const BITS: u8 = 5;
}

impl Term {
    /// What it is.
    pub fn kind(&self) -> Kind {
        match self.tag() {
            kinds::NIL => Kind::Nil,
            kinds::INT => Kind::Int,
            kinds::FLOAT => Kind::Float,
            kinds::ATOM => Kind::Atom,
            kinds::PID => Kind::Pid,
            kinds::REFERENCE => Kind::Reference,
            kinds::SHORT_BYTES | kinds::BYTES => Kind::Bytes,
            kinds::EMPTY_TUPLE | kinds::TUPLE => Kind::Tuple,
            kinds::EMPTY_MAP | kinds::MAP => Kind::Map,
            kinds::CONS => Kind::List,
            kinds::BIG => Kind::Big,
            kinds::RESOURCE => Kind::Resource,
            kinds::OPAQUE => Kind::Opaque,
            _ => Kind::Invalid,
        }
    }

    /// Whether a constructor failed.
    #[inline]
    pub const fn is_invalid(&self) -> bool {
        self.tag() == kinds::INVALID
    }

    /// Whether it is `[]`.
    #[inline]
    pub const fn is_nil(&self) -> bool {
        self.tag() == kinds::NIL
    }

    /// Whether it is that atom.
    #[inline]
    pub const fn is_atom(&self, atom: Atom) -> bool {
        self.tag() == kinds::ATOM && self.value == atom.index() as u64
    }

    /// An integer that fits 64 bits.
    #[inline]
    pub const fn as_int(&self) -> Option<i64> {
        if self.tag() == kinds::INT { Some(self.value as i64) } else { None }
    }

    /// An integer that does not fit 64 bits: whether it is negative, and its magnitude as little-endian bytes.
    pub fn as_big(&self) -> Option<(bool, &[u8])> {
        (self.tag() == kinds::BIG).then(|| (self.detail() != 0, heap::data(self)))
    }

    /// A float.
    #[inline]
    pub const fn as_float(&self) -> Option<f64> {
        if self.tag() == kinds::FLOAT { Some(f64::from_bits(self.value)) } else { None }
    }

    /// An atom.
    #[inline]
    pub const fn as_atom(&self) -> Option<Atom> {
        if self.tag() == kinds::ATOM { Some(Atom::from_index(self.value as u32)) } else { None }
    }

    /// `true` or `false`.
    pub fn as_bool(&self) -> Option<bool> {
        match self.as_atom()? {
            super::atoms::TRUE => Some(true),
            super::atoms::FALSE => Some(false),
            _ => None,
        }
    }

    /// A pid of ours.
    #[inline]
    pub const fn as_pid(&self) -> Option<Pid> {
        if self.tag() == kinds::PID { Some(Pid(self.value)) } else { None }
    }

    /// A reference of ours.
    #[inline]
    pub const fn as_reference(&self) -> Option<Ref> {
        if self.tag() == kinds::REFERENCE { Some(Ref(self.value)) } else { None }
    }

    /// Bytes or text. Short ones lie inside this very variable: they go when it moves. In memory a zero follows.
    #[inline]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self.tag() {
            kinds::SHORT_BYTES => {
                let length = (self.detail() as usize).min(super::make::SHORT_MAX);
                let start = std::ptr::from_ref(self).cast::<u8>();
                // SAFETY: a term is 16 bytes without padding; 2 + 13 of them are read at most.
                Some(unsafe { std::slice::from_raw_parts(start.add(2), length) })
            }
            kinds::BYTES => Some(heap::data(self)),
            _ => None,
        }
    }

    /// Bytes that are UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        std::str::from_utf8(self.as_bytes()?).ok()
    }

    /// The elements of a tuple.
    #[inline]
    pub fn as_tuple(&self) -> Option<&[Term]> {
        match self.tag() {
            kinds::TUPLE => Some(heap::items(self)),
            kinds::EMPTY_TUPLE => Some(&[]),
            _ => None,
        }
    }

    /// Has what the term holds brought closer, for one who goes through many terms and knows which come soon.
    #[inline]
    pub fn prefetch(&self) {
        heap::prefetch(self);
    }

    /// The elements of a tuple that nobody else has, to be set in place; None when somebody has.
    #[inline]
    pub fn as_tuple_mut(&mut self) -> Option<&mut [Term]> {
        if self.tag() != kinds::TUPLE || !heap::is_only_owner(self) {
            return None;
        }
        // SAFETY: this is the only owner, and it is borrowed for as long: nobody can get another share meanwhile.
        Some(unsafe { heap::items_mut(self) })
    }

    /// Head and tail of a list that is not empty.
    #[inline]
    pub fn as_cons(&self) -> Option<(&Term, &Term)> {
        match heap::items(self) {
            [tail, head] if self.tag() == kinds::CONS => Some((head, tail)),
            _ => None,
        }
    }

    /// The elements of a list, up to its end; see `ListIter::tail` for what is there.
    #[inline]
    pub fn list_iter(&self) -> ListIter<'_> {
        ListIter { rest: self }
    }

    /// How many elements a proper list has; None for an improper one, and for what is no list.
    pub fn list_len(&self) -> Option<usize> {
        let mut elements = self.list_iter();
        let length = elements.by_ref().count();
        elements.tail().is_nil().then_some(length)
    }

    /// A view of a map.
    #[inline]
    pub fn as_map(&self) -> Option<MapView<'_>> {
        match self.tag() {
            kinds::MAP => Some(MapView { items: heap::items(self) }),
            kinds::EMPTY_MAP => Some(MapView { items: &[] }),
            _ => None,
        }
    }

    /// The pointer of a native object. It lives as long as some owner of the term.
    pub fn as_resource(&self) -> Option<*mut c_void> {
        heap::pointer(self)
    }

    /// What [`Term::keeping`] put there.
    pub fn kept(&self) -> Option<&Term> {
        heap::kept(self)
    }

    /// The external form, without its leading 131, of a term that is passed through.
    pub fn as_opaque(&self) -> Option<&[u8]> {
        (self.tag() == kinds::OPAQUE).then(|| heap::data(self))
    }

    /// The bytes and the number of bits used in the last of them, for what Erlang calls a bitstring.
    pub(super) fn as_bits(&self) -> Option<(&[u8], u8)> {
        if self.tag() != kinds::OPAQUE {
            return self.as_bytes().map(|bytes| (bytes, 8));
        }
        match heap::data(self) {
            [_, _, _, _, _, used, bytes @ ..] if self.detail() == class::BITS => Some((bytes, *used)),
            _ => None,
        }
    }
}

/// The elements of a list.
#[derive(Clone)]
pub struct ListIter<'a> {
    rest: &'a Term,
}

impl<'a> ListIter<'a> {
    /// What is left: after the last element `[]`, or the tail of an improper list.
    pub fn tail(&self) -> &'a Term {
        self.rest
    }
}

impl<'a> Iterator for ListIter<'a> {
    type Item = &'a Term;

    #[inline]
    fn next(&mut self) -> Option<&'a Term> {
        let (head, tail) = self.rest.as_cons()?;
        self.rest = tail;
        Some(head)
    }
}

/// A map, lent.
#[derive(Clone, Copy)]
pub struct MapView<'a> {
    items: &'a [Term],
}

impl<'a> MapView<'a> {
    /// How many keys it has.
    pub fn len(self) -> usize {
        self.items.len() / 2
    }

    /// Whether it has none.
    pub fn is_empty(self) -> bool {
        self.items.is_empty()
    }

    /// The value of a key; keys are equal exactly.
    pub fn get(self, key: &Term) -> Option<&'a Term> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match order::compare(&self.items[2 * middle], key, true) {
                std::cmp::Ordering::Equal => return Some(&self.items[2 * middle + 1]),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The key and value at a place in that order, from zero.
    pub fn at(self, index: usize) -> Option<(&'a Term, &'a Term)> {
        match self.items.get(index.checked_mul(2)?..)? {
            [key, value, ..] => Some((key, value)),
            _ => None,
        }
    }

    /// Keys and values, in the order of the keys: Erlang's, integers before floats.
    pub fn iter(self) -> MapIter<'a> {
        MapIter { items: self.items.chunks_exact(2) }
    }

    pub(super) fn items(self) -> &'a [Term] {
        self.items
    }
}

impl<'a> IntoIterator for MapView<'a> {
    type Item = (&'a Term, &'a Term);
    type IntoIter = MapIter<'a>;

    fn into_iter(self) -> MapIter<'a> {
        self.iter()
    }
}

/// Keys and values of a map.
#[derive(Clone)]
pub struct MapIter<'a> {
    items: std::slice::ChunksExact<'a, Term>,
}

impl<'a> Iterator for MapIter<'a> {
    type Item = (&'a Term, &'a Term);

    fn next(&mut self) -> Option<Self::Item> {
        self.items.next().map(|pair| (&pair[0], &pair[1]))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl ExactSizeIterator for MapIter<'_> {}
