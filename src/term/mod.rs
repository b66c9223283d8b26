//! Terms: the values that processes send each other and programs build and read.
//!
//! A [`Term`] is 16 bytes by value: a *kind* and a word. Small things (integers, floats, atoms, pids, references,
//! up to 13 bytes of text, everything empty) live inside it; the rest is an immutable, counted *payload*
//! (`heap.rs`) that clones share. All-zero words are the empty list.
//!
//! Promises: comparing, hashing, printing, encoding, decoding and freeing never recurse and never panic, whatever
//! the depth and whatever the bytes; equality and order are Erlang's, OTP 25's where releases differ
//! (`0.0 =:= -0.0`, atom keys of maps in alphabetical order); a payload is freed, and a resource dropped, exactly
//! once, by the thread that gives up its last owner.
//!
//! Any thread may hold, clone, read and drop terms. Dropping one may run the drop function of a resource, so it
//! must not happen under a lock.
//!
//! | file | what |
//! | --- | --- |
//! | `atom.rs` | the process-wide table of atoms, and the atoms with a name here |
//! | `identity.rs` | pids and references |
//! | `heap.rs` | payloads: their layout, their count, freeing them |
//! | `make.rs`, `read.rs` | constructors and readers |
//! | `number.rs`, `order.rs`, `hash.rs` | Erlang's order, both its equalities, a hash for the exact one |
//! | `phash2.rs` | Erlang's portable hash |
//! | `print.rs`, `digits.rs` | `~w`; for people, `~0tp` |
//! | `etf/` | Erlang's External Term Format |

#[cfg(target_endian = "big")]
compile_error!("short bytes live inside the two words of a term in little-endian order");

mod atom;
mod digits;
pub mod etf;
mod hash;
mod heap;
mod identity;
mod make;
mod number;
mod order;
mod phash2;
mod print;
mod read;

pub use atom::{Atom, TermError, atoms};
pub use identity::{Pid, Ref};
pub use make::ListBuilder;
pub use print::Pretty;
pub use read::{Kind, ListIter, MapIter, MapView};

/// A value. See the module's page.
///
/// Two scalar words, so that C passes it by value in registers. The low byte of `meta` is the kind; what else
/// `meta` and `value` hold, the constants in `kinds` say.
#[repr(C)]
pub struct Term {
    meta: u64,
    value: u64,
}

const _: () = assert!(size_of::<Term>() == 16 && align_of::<Term>() == 8);

/// The low byte of `meta`. From `FIRST_COUNTED` on, `value` is the address of a payload that this term owns a
/// share of, the second byte is a detail, and the upper half of `meta` is the payload's check value.
mod kinds {
    /// `[]`; the rest is zero.
    pub const NIL: u8 = 0;
    /// What a constructor that fails gives.
    pub const INVALID: u8 = 1;
    /// `value` as an `i64`.
    pub const INT: u8 = 2;
    /// `value` as the bits of a finite `f64`.
    pub const FLOAT: u8 = 3;
    /// `value` is an index into the atom table.
    pub const ATOM: u8 = 4;
    pub const PID: u8 = 5;
    pub const REFERENCE: u8 = 6;
    /// Second byte: the length, at most 13; the bytes follow in the other 14, zeros after them.
    pub const SHORT_BYTES: u8 = 7;
    pub const EMPTY_TUPLE: u8 = 8;
    pub const EMPTY_MAP: u8 = 9;

    pub const FIRST_COUNTED: u8 = 0x80;
    /// Two items: the tail, then the head.
    pub const CONS: u8 = 0x80;
    pub const TUPLE: u8 = 0x81;
    /// Key, value, key, value, ...; keys ascend strictly in exact order.
    pub const MAP: u8 = 0x82;
    /// More than 13 bytes; a zero follows them.
    pub const BYTES: u8 = 0x83;
    /// The magnitude, little-endian, without zeros at the end; never fits an `i64`. Detail: 1 when negative.
    pub const BIG: u8 = 0x84;
    /// The external form (without 131) of what is passed through. Detail: one of `read::class`.
    pub const OPAQUE: u8 = 0x85;
    pub const RESOURCE: u8 = 0x86;
    pub const LAST_COUNTED: u8 = 0x86;
}

const _: () = assert!((kinds::EMPTY_MAP as u64 | kinds::LAST_COUNTED as u64) & Term::SPARE == 0);

impl Term {
    /// Bits of the first word that are 0 in every term, for whoever keeps one as two words.
    pub const SPARE: u64 = 0x70;

    /// The kind byte, one of `kinds`.
    #[inline(always)]
    const fn tag(&self) -> u8 {
        self.meta as u8
    }

    #[inline(always)]
    const fn is_counted(&self) -> bool {
        self.tag() >= kinds::FIRST_COUNTED
    }

    /// The second byte of `meta`.
    #[inline(always)]
    const fn detail(&self) -> u8 {
        (self.meta >> 8) as u8
    }

    /// A term without a payload.
    #[inline(always)]
    const fn inline(tag: u8, value: u64) -> Term {
        debug_assert!(tag < kinds::FIRST_COUNTED);
        Term { meta: tag as u64, value }
    }

    /// Gives the term away as two words; `from_words` takes it back. Dropping the words leaks the payload.
    #[inline]
    pub fn to_words(self) -> (u64, u64) {
        let term = std::mem::ManuallyDrop::new(self);
        (term.meta, term.value)
    }

    /// Takes back what `to_words` gave away.
    ///
    /// # Safety
    /// The words come from `to_words`, and each pair is taken back once. `check_words` finds most breaches.
    #[inline]
    pub unsafe fn from_words(meta: u64, value: u64) -> Term {
        Term { meta, value }
    }

    /// Reads words that stay where they are, as a C variable that is lent.
    ///
    /// # Safety
    /// As for `from_words`, but that the words may be read any number of times until they are taken back; the
    /// term returned is not to be dropped (it is wrapped so that it is not).
    #[inline]
    pub unsafe fn lent_words(meta: u64, value: u64) -> std::mem::ManuallyDrop<Term> {
        std::mem::ManuallyDrop::new(Term { meta, value })
    }

    /// Gives a tuple that is not empty away as one word, the address of its payload, of which the lowest three bits are
    /// zero; [`Term::lent_tuple`] reads it. Zero for any other term, which is dropped.
    #[inline]
    pub fn into_tuple_address(self) -> u64 {
        if self.tag() == kinds::TUPLE { self.to_words().1 } else { 0 }
    }

    /// The tuple of an address that `into_tuple_address` gave, which is not zero.
    ///
    /// # Safety
    /// As for `lent_words`: it may be read any number of times until it is taken back, which is once.
    #[inline]
    pub unsafe fn lent_tuple(address: u64) -> std::mem::ManuallyDrop<Term> {
        // SAFETY: the caller's promise: a payload is there.
        let meta = unsafe { heap::tuple_meta(address) };
        std::mem::ManuallyDrop::new(Term { meta, value: address })
    }

    /// Whether it owns a share of something outside its two words.
    #[inline]
    pub const fn has_payload(&self) -> bool {
        self.is_counted()
    }

    /// Whether two words can be a term: a known kind, nothing where nothing belongs, and a payload that has not been
    /// freed. Best effort: memory that was freed and given to somebody else who wrote the very same check value there
    /// is not noticed, which in release builds is any payload of that kind; a payload with other owners is alive,
    /// however often it was taken.
    ///
    /// # Safety
    /// The payload's header is read, so `value` must be what `to_words` once gave for that `meta`, if the kind is a
    /// counted one. Other kinds may be any two words.
    #[inline]
    pub unsafe fn check_words(meta: u64, value: u64) -> bool {
        // The commonest, without a call.
        if meta == kinds::INT as u64 {
            return true;
        }
        if meta as u8 >= kinds::FIRST_COUNTED {
            // SAFETY: the caller's promise is the one asked for.
            return meta as u8 <= kinds::LAST_COUNTED && unsafe { heap::check(meta, value) };
        }
        let one_of = |all: &[u8]| all.iter().any(|kind| meta == u64::from(*kind));
        if one_of(&[kinds::PID, kinds::REFERENCE]) {
            return true;
        }
        if one_of(&[kinds::NIL, kinds::INVALID, kinds::EMPTY_TUPLE, kinds::EMPTY_MAP]) {
            return value == 0;
        }
        let rest = meta >> 8;
        match meta as u8 {
            kinds::FLOAT => rest == 0 && f64::from_bits(value).is_finite(),
            kinds::ATOM => rest == 0 && Atom::is_index(value),
            kinds::SHORT_BYTES => rest as u8 <= make::SHORT_MAX as u8,
            _ => false,
        }
    }
}

impl Clone for Term {
    #[inline]
    fn clone(&self) -> Term {
        if self.is_counted() {
            heap::share(self);
        }
        Term { meta: self.meta, value: self.value }
    }
}

impl Drop for Term {
    #[inline]
    fn drop(&mut self) {
        if self.is_counted() {
            heap::give_up(self.meta, self.value);
        }
    }
}

impl Default for Term {
    /// `[]`, which is what "nil" means here.
    #[inline]
    fn default() -> Term {
        Term::nil()
    }
}
