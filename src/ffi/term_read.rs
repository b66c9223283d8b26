//! Terms: what they are, what is in them, their order, their print, their external form.
//!
//! As in `term_make`, these functions touch nothing but terms.

use super::support::{Fault, borrow, guard, lent, out, out_optional};
use super::term_make::{INVALID, guard_term};
use super::types::{regrow_error, regrow_pid, regrow_ref, regrow_term};
use crate::term::etf::{self, EncodeError};
use crate::term::{Kind, Term};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::fmt::Write;

/// Reads a term: None for NULL, a spent and an invalid one, and on a panic.
///
/// # Safety
/// As [`borrow`].
#[inline]
unsafe fn read<'a, T>(term: *const regrow_term, body: impl FnOnce(&'a Term) -> Option<T>) -> Option<T> {
    // SAFETY: the caller's promise.
    guard_term(None, || body(unsafe { lent(term) }?))
}

/// As [`read`], into an out-parameter; false when there is nothing, or no place for it.
///
/// # Safety
/// As [`borrow`] and [`out`].
#[inline]
unsafe fn read_into<T>(term: *const regrow_term, place: *mut T, body: impl FnOnce(&Term) -> Option<T>) -> bool {
    // SAFETY: the caller's promise.
    guard_term(false, || match unsafe { (out(place), read(term, body)) } {
        (Ok(place), Some(value)) => {
            place.set(value);
            true
        }
        _ => false,
    })
}

/// Text that C can read in place: the bytes that a zero follows. None when one is among them.
#[inline]
fn c_text(text: &str) -> Option<*const c_char> {
    (!text.as_bytes().contains(&0)).then(|| text.as_ptr().cast())
}

/// Whether it is a term at all: not NULL, not spent, not invalid. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_is_valid(term: *const regrow_term) -> bool {
    // SAFETY: the caller's promise.
    unsafe { read(term, |_| Some(())) }.is_some()
}

/// Whether it is the empty list. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_is_nil(term: *const regrow_term) -> bool {
    // SAFETY: the caller's promise.
    unsafe { is_one_of(term, &[Kind::Nil]) }
}

/// Whether it is the atom of that name. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_is_atom(term: *const regrow_term, name: *const c_char) -> bool {
    // SAFETY: the caller's promise.
    let is_it = |term: &Term| Some(term.as_atom()?.as_str().as_bytes() == unsafe { CStr::from_ptr(name) }.to_bytes());
    // SAFETY: the caller's promise.
    !name.is_null() && unsafe { read(term, is_it) }.unwrap_or(false)
}

/// Whether a term is of one of these kinds.
///
/// # Safety
/// As [`borrow`].
#[inline]
unsafe fn is_one_of(term: *const regrow_term, kinds: &[Kind]) -> bool {
    // SAFETY: the caller's promise.
    unsafe { read(term, |term| Some(kinds.contains(&term.kind()))) }.unwrap_or(false)
}

/// Whether it is an integer, of any size. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_is_int(term: *const regrow_term) -> bool {
    // SAFETY: the caller's promise.
    unsafe { is_one_of(term, &[Kind::Int, Kind::Big]) }
}

/// Whether it is a float. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_is_float(term: *const regrow_term) -> bool {
    // SAFETY: the caller's promise.
    unsafe { is_one_of(term, &[Kind::Float]) }
}

/// Whether it is bytes or text. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_is_bytes(term: *const regrow_term) -> bool {
    // SAFETY: the caller's promise.
    unsafe { is_one_of(term, &[Kind::Bytes]) }
}

/// Whether it is a tuple. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_is_tuple(term: *const regrow_term) -> bool {
    // SAFETY: the caller's promise.
    unsafe { is_one_of(term, &[Kind::Tuple]) }
}

/// Whether it is a list, empty or not, proper or not. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_is_list(term: *const regrow_term) -> bool {
    // SAFETY: the caller's promise.
    unsafe { is_one_of(term, &[Kind::List, Kind::Nil]) }
}

/// Whether it is a map. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_is_map(term: *const regrow_term) -> bool {
    // SAFETY: the caller's promise.
    unsafe { is_one_of(term, &[Kind::Map]) }
}

/// Whether it is the pid of a regrow process. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_is_pid(term: *const regrow_term) -> bool {
    // SAFETY: the caller's promise.
    unsafe { is_one_of(term, &[Kind::Pid]) }
}

/// Whether it is a reference of regrow. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_is_ref(term: *const regrow_term) -> bool {
    // SAFETY: the caller's promise.
    unsafe { is_one_of(term, &[Kind::Reference]) }
}

/// Whether it is what regrow_resource() made. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_is_resource(term: *const regrow_term) -> bool {
    // SAFETY: the caller's promise.
    unsafe { is_one_of(term, &[Kind::Resource]) }
}

/// Reads an integer. False, and `value` untouched, when it is none or does not fit. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_as_int(term: *const regrow_term, value: *mut i64) -> bool {
    // SAFETY: the caller's promise.
    unsafe { read_into(term, value, Term::as_int) }
}

/// Reads a float. False, and `value` untouched, when it is none; an integer is none. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_as_float(term: *const regrow_term, value: *mut f64) -> bool {
    // SAFETY: the caller's promise.
    unsafe { read_into(term, value, Term::as_float) }
}

/// Reads the atom `true` or `false`. False, and `value` untouched, when it is neither. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_as_bool(term: *const regrow_term, value: *mut bool) -> bool {
    // SAFETY: the caller's promise.
    unsafe { read_into(term, value, Term::as_bool) }
}

/// Reads the name of an atom, which stays for ever. False, and `name` untouched, when it is none, or has a NUL in its
/// name. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_as_atom(term: *const regrow_term, name: *mut *const c_char) -> bool {
    // SAFETY: the caller's promise.
    unsafe { read_into(term, name, |term| c_text(term.as_atom()?.as_str())) }
}

/// Reads text or the name of an atom, NUL-terminated.
///
/// Good until this very variable is moved, freed or leaves its scope: short text lies inside it. False, and `utf8`
/// untouched, when it is neither, is not UTF-8, or has a NUL in it. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_as_text(term: *const regrow_term, utf8: *mut *const c_char) -> bool {
    let text = |term: &Term| match term.as_atom() {
        Some(atom) => c_text(atom.as_str()),
        None => c_text(term.as_text()?),
    };
    // SAFETY: the caller's promise.
    unsafe { read_into(term, utf8, text) }
}

/// Reads bytes or text.
///
/// Good until this very variable is moved, freed or leaves its scope: short bytes lie inside it. False, and nothing
/// written, when it is neither. Either out-parameter may be NULL: not wanted. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_as_bytes(term: *const regrow_term, data: *mut *const u8, size: *mut usize) -> bool {
    // SAFETY: the caller's promise.
    let place = unsafe { (out_optional(data), out_optional(size)) };
    // SAFETY: the caller's promise.
    unsafe { read(term, Term::as_bytes) }.is_some_and(|bytes| {
        place.0.set(bytes.as_ptr());
        place.1.set(bytes.len());
        true
    })
}

/// Reads a pid. False, and `pid` untouched, when it is none. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_as_pid(term: *const regrow_term, pid: *mut regrow_pid) -> bool {
    // SAFETY: the caller's promise.
    unsafe { read_into(term, pid, |term| term.as_pid().map(regrow_pid::from)) }
}

/// Reads a reference. False, and `reference` untouched, when it is none. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_as_ref(term: *const regrow_term, reference: *mut regrow_ref) -> bool {
    // SAFETY: the caller's promise.
    unsafe { read_into(term, reference, |term| term.as_reference().map(regrow_ref::from)) }
}

/// Reads the pointer of a resource; good as long as any clone of the term. False, and `pointer` untouched, when it is
/// none. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_as_resource(term: *const regrow_term, pointer: *mut *mut c_void) -> bool {
    // SAFETY: the caller's promise.
    unsafe { read_into(term, pointer, Term::as_resource) }
}

/// How many items a tuple has. False, and `size` untouched, when it is none. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_tuple_size(term: *const regrow_term, size: *mut usize) -> bool {
    // SAFETY: the caller's promise.
    unsafe { read_into(term, size, |term| term.as_tuple().map(<[Term]>::len)) }
}

/// What C sees of a term inside another.
fn lend(term: Option<&Term>) -> *const regrow_term {
    term.map_or(std::ptr::null(), |term| std::ptr::from_ref(term).cast())
}

/// An item of a tuple, from 0; borrowed, as long as the tuple lives. NULL beyond the last, and when it is no tuple. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_tuple_get(term: *const regrow_term, index: usize) -> *const regrow_term {
    // SAFETY: the caller's promise.
    lend(unsafe { read(term, |term| term.as_tuple()?.get(index)) })
}

/// The first term of a list; borrowed, as long as the list lives. NULL when it is empty, or no list. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_list_head(list: *const regrow_term) -> *const regrow_term {
    // SAFETY: the caller's promise.
    lend(unsafe { read(list, Term::as_cons) }.map(|(head, _)| head))
}

/// A list but for its first term; borrowed, as long as the list lives. NULL when it is empty, or no list. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_list_tail(list: *const regrow_term) -> *const regrow_term {
    // SAFETY: the caller's promise.
    lend(unsafe { read(list, Term::as_cons) }.map(|(_, tail)| tail))
}

/// How many terms a list has, which are counted one by one. False, and `length` untouched, when it is no list, or does
/// not end in `[]`. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_list_length(list: *const regrow_term, length: *mut usize) -> bool {
    // SAFETY: the caller's promise.
    unsafe { read_into(list, length, Term::list_len) }
}

/// How many keys a map has. False, and `size` untouched, when it is none. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_map_size(term: *const regrow_term, size: *mut usize) -> bool {
    // SAFETY: the caller's promise.
    unsafe { read_into(term, size, |term| term.as_map().map(|map| map.len())) }
}

/// The value of a key; borrowed, as long as the map lives. NULL when there is no such key, and when it is no map. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_map_get(map: *const regrow_term, key: *const regrow_term) -> *const regrow_term {
    // SAFETY: the caller's promise.
    lend(unsafe { read(map, |map| map.as_map()?.get(lent(key)?)) })
}

/// A key and its value by place, from 0, in Erlang's order of keys; both borrowed, as long as the map lives.
///
/// False, and nothing written, beyond the last, and when it is no map. Either out-parameter may be NULL: not wanted.
/// Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_map_at(
    map: *const regrow_term, index: usize, key: *mut *const regrow_term, value: *mut *const regrow_term,
) -> bool {
    // SAFETY: the caller's promise.
    let place = unsafe { (out_optional(key), out_optional(value)) };
    // SAFETY: the caller's promise.
    unsafe { read(map, |map| map.as_map()?.at(index)) }.is_some_and(|(key, value)| {
        place.0.set(lend(Some(key)));
        place.1.set(lend(Some(value)));
        true
    })
}

/// Erlang's order of terms: below 0, 0 (`==`) or above 0. What is NULL, spent or invalid comes before every term. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_term_compare(left: *const regrow_term, right: *const regrow_term) -> c_int {
    // SAFETY: the caller's promise.
    guard_term(0, || match unsafe { (lent(left), lent(right)) } {
        (Some(left), Some(right)) => left.cmp_erlang(right) as c_int,
        (left, right) => left.is_some() as c_int - right.is_some() as c_int,
    })
}

/// Whether two terms are the same (`=:=`): 1 and 1.0 are not. False when one is NULL, spent or invalid. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_term_equal(left: *const regrow_term, right: *const regrow_term) -> bool {
    // SAFETY: the caller's promise.
    unsafe { read(left, |left| Some(left.eq_exact(lent(right)?))) }.unwrap_or(false)
}

/// A buffer of C, and how long the text is that would have fit a larger one.
struct Buffer {
    place: *mut u8,
    /// Without the NUL.
    room: usize,
    used: usize,
    length: usize,
}

impl Write for Buffer {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        // Once something did not fit, nothing more is written.
        if self.used == self.length {
            let left = self.room - self.used;
            // Whole characters only.
            let part = (0..=left.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
            // SAFETY: whoever made the buffer promised a place for `room` bytes; `part` more fit.
            unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), self.place.add(self.used), part) };
            self.used += part;
        }
        self.length += text.len();
        Ok(())
    }
}

/// Writes a term as Erlang's `~w` does, cut to `size` bytes, NUL-terminated.
///
/// Returns the length of all of it, without the NUL, as snprintf does. `text` may be NULL when `size` is 0. What is
/// NULL, spent or invalid is written as the invalid term is. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_term_print(term: *const regrow_term, text: *mut c_char, size: usize) -> usize {
    guard_term(0, || {
        let ends = !text.is_null() && size != 0;
        let room = if ends { size - 1 } else { 0 };
        let mut buffer = Buffer { place: text.cast(), room, used: 0, length: 0 };
        // SAFETY: the caller's promise.
        let term = unsafe { lent(term) };
        let _ = write!(buffer, "{}", term.unwrap_or(&INVALID));
        if ends {
            // SAFETY: the caller's promise of `size` bytes; at most `size - 1` are used.
            unsafe { text.add(buffer.used).write(0) };
        }
        buffer.length
    })
}

/// Encodes a term in Erlang's External Term Format.
///
/// @param bytes  out: a bytes term.
/// @return REGROW_ERR_WRONG_KIND when the term is a resource or holds one; REGROW_ERR_LIMIT when something in it has
///         more than 2^32 - 1 bytes or items. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_term_encode(term: *const regrow_term, bytes: *mut regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: the caller's promise.
        let (term, place) = unsafe { (borrow(term)?, out(bytes)?) };
        let bytes = Term::bytes(&etf::encode(term)?);
        if bytes.is_invalid() {
            return Err(Fault::new(regrow_error::REGROW_ERR_LIMIT, "no memory"));
        }
        place.set(bytes);
        Ok(())
    })
}

impl From<EncodeError> for Fault {
    fn from(error: EncodeError) -> Fault {
        match error {
            EncodeError::Resource => {
                Fault::new(regrow_error::REGROW_ERR_WRONG_KIND, "a native resource has no external form")
            }
            EncodeError::Invalid => Fault::argument("the invalid term has no external form"),
            EncodeError::TooLarge => {
                Fault::new(regrow_error::REGROW_ERR_LIMIT, "more than 2^32 - 1 bytes or items have no external form")
            }
        }
    }
}
