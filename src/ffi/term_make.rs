//! Terms: making them, decoding them, and giving them back.
//!
//! These functions touch nothing but terms, so they run in `guard_term`: outside the runtime, which must not wait for
//! the drop functions of resources.

use super::support::{Fault, guard, is_forked, lent, moved, out, take};
use super::types::{regrow_drop_callback, regrow_error, regrow_pid, regrow_ref, regrow_term};
use crate::term::etf::{self, DecodeError};
use crate::term::{Atom, Term};
use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the body of a function of terms, with a panic caught: then `otherwise`.
#[inline]
pub(super) fn guard_term<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

pub(super) const INVALID: Term = Term::invalid();

/// Runs the body of a constructor: in a forked child, on a fault and on a panic the term is invalid.
#[inline]
fn make(body: impl FnOnce() -> Result<Term, Fault>) -> regrow_term {
    if is_forked() {
        return INVALID.into();
    }
    guard_term(Err(()), || body().map_err(drop)).unwrap_or(INVALID).into()
}

/// Terms that lie in an array, taken out of it; `[]` stays there. None, and nothing kept, when one was spent or there
/// is no array.
///
/// # Safety
/// The pointer is null or leads to so many terms.
unsafe fn take_all<'a>(items: *mut regrow_term, count: usize) -> Option<&'a mut [Term]> {
    if count == 0 {
        return Some(&mut []);
    }
    if items.is_null() || !items.is_aligned() || count > isize::MAX as usize / size_of::<regrow_term>() {
        return None;
    }
    // SAFETY: the caller's promise; the size of the array was checked.
    let items = unsafe { std::slice::from_raw_parts_mut(items, count) };
    let mut spent = false;
    for item in &mut *items {
        // SAFETY: the words are the caller's; a spent term is overwritten without a drop.
        if !unsafe { Term::check_words(item.meta, item.value) } {
            *item = Term::nil().into();
            spent = true;
        }
    }
    // SAFETY: all of them are terms now, the caller's to give; `Term` is the same two words.
    let items = unsafe { &mut *(std::ptr::from_mut(items) as *mut [Term]) };
    if spent {
        items.fill_with(Term::nil);
        return None;
    }
    Some(items)
}

/// The empty list, `[]`, which is also what a zeroed regrow_term is. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_nil() -> regrow_term {
    Term::nil().into()
}

/// An integer. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_int(value: i64) -> regrow_term {
    make(|| Ok(Term::int(value)))
}

/// A float. Infinities and NaN, which Erlang has not, give the invalid term. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_float(value: f64) -> regrow_term {
    make(|| Ok(Term::float(value)))
}

/// The atom `true` or `false`. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_bool(value: bool) -> regrow_term {
    make(|| Ok(Term::bool(value)))
}

/// An atom: a constant name of at most 255 characters, such as "ok".
///
/// Atoms are never freed; a name that comes from outside the program is better a text. Invalid for NULL, for what is
/// not UTF-8, and when there are 1,048,576 atoms. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_atom(name: *const c_char) -> regrow_term {
    make(|| {
        if name.is_null() {
            return Err(Fault::argument("a string is NULL"));
        }
        // SAFETY: the caller's promise.
        let known = Atom::known(unsafe { CStr::from_ptr(name) }.to_bytes());
        if let Some(atom) = known {
            return Ok(Term::atom(atom));
        }
        // SAFETY: as above.
        Ok(Term::atom_named(unsafe { super::support::text(name) }?))
    })
}

/// Text; a binary in Erlang. Invalid for NULL and for what is not UTF-8. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_text(utf8: *const c_char) -> regrow_term {
    // SAFETY: the caller's promise.
    make(|| Ok(Term::text(unsafe { super::support::text(utf8) }?)))
}

/// Bytes; a binary in Erlang. Invalid for NULL, unless `size` is 0. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_bytes(data: *const c_void, size: usize) -> regrow_term {
    // SAFETY: the caller's promise.
    make(|| Ok(Term::bytes(unsafe { bytes(data, size) }?)))
}

/// Bytes that are lent.
///
/// # Safety
/// The pointer is null or leads to so many readable bytes.
unsafe fn bytes<'a>(data: *const c_void, size: usize) -> Result<&'a [u8], Fault> {
    if size == 0 {
        return Ok(&[]);
    }
    if data.is_null() || size > isize::MAX as usize {
        return Err(Fault::argument("the bytes are NULL"));
    }
    // SAFETY: the caller's promise; the size was checked.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), size) })
}

/// A tuple of `count` terms.
///
/// The items are moved out of the array, which is left nil, also when the tuple is invalid: because an item is, or
/// beyond 16,777,215 items. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_tuple(items: *mut regrow_term, count: usize) -> regrow_term {
    // SAFETY: the caller's promise.
    make(|| Ok(unsafe { take_all(items, count) }.map_or(INVALID, Term::tuple_taking)))
}

/// A list of `count` terms. The items are moved out of the array, which is left nil, also when one of them is invalid
/// and so the list is. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_list(items: *mut regrow_term, count: usize) -> regrow_term {
    // SAFETY: the caller's promise.
    make(|| Ok(unsafe { take_all(items, count) }.map_or(INVALID, Term::list_taking)))
}

/// `[Head | Tail]`: a list with one more term in front. Both are moved. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_cons(head: regrow_term, tail: regrow_term) -> regrow_term {
    make(|| {
        let (head, tail) = (take(head), take(tail));
        Ok(Term::cons(head?, tail?))
    })
}

/// A map of `count` keys and their values; of equal keys the last one wins.
///
/// Keys and values are moved out of the arrays, which are left nil, also when one is invalid and so the map is. Keys
/// are equal as regrow_term_equal() says: 1 and 1.0 are two. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_map(keys: *mut regrow_term, values: *mut regrow_term, count: usize) -> regrow_term {
    make(|| {
        // One array after the other, so that the two may overlap. A spent key must not keep the values.
        // SAFETY: the caller's promise.
        let keys: Option<Vec<Term>> =
            unsafe { take_all(keys, count) }.map(|keys| keys.iter_mut().map(std::mem::take).collect());
        // SAFETY: the caller's promise.
        let values: Option<Vec<Term>> =
            unsafe { take_all(values, count) }.map(|values| values.iter_mut().map(std::mem::take).collect());
        Ok(match (keys, values) {
            (Some(keys), Some(values)) => Term::map(keys.into_iter().zip(values).collect()),
            _ => INVALID,
        })
    })
}

/// A process, to be sent inside a message. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_from_pid(pid: regrow_pid) -> regrow_term {
    make(|| Ok(Term::pid(pid.into())))
}

/// A reference, to be sent inside a message. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_from_ref(reference: regrow_ref) -> regrow_term {
    make(|| Ok(Term::reference(reference.into())))
}

/// A pointer of yours, to be sent inside a message.
///
/// `drop` is called with it once the last clone of the term is freed, by the thread that frees it; also when the term
/// could not be made. NULL: nothing is to be done. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_resource(pointer: *mut c_void, drop: regrow_drop_callback) -> regrow_term {
    // SAFETY: the caller's promise.
    make(|| Ok(unsafe { Term::resource(pointer, drop) }))
}

/// Another owner of the same value; yours. Nothing is copied. Invalid when the term is NULL, spent or invalid. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_term_clone(term: *const regrow_term) -> regrow_term {
    if is_forked() {
        return INVALID.into();
    }
    // SAFETY: the caller's promise.
    guard_term(INVALID, || unsafe { lent(term) }.map_or(INVALID, Term::clone)).into()
}

/// Gives a term back. The variable is left nil, so that freeing it twice is harmless; NULL does nothing. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_term_free(term: *mut regrow_term) {
    // SAFETY: the caller's promise.
    let Some(place) = (unsafe { term.as_mut() }) else { return };
    if is_forked() {
        return;
    }
    // The variable first: a drop function may look at it.
    let words = std::mem::replace(place, Term::nil().into());
    guard_term((), || drop(moved(words)));
}

/// Decodes a term from Erlang's External Term Format; the bytes need not be trusted.
///
/// @param term  out.
/// @return REGROW_ERR_ARGUMENT when the bytes are no term, or more than one; REGROW_ERR_LIMIT when they unpack to more
///         than 64 MiB, hold more than 1,000 new atoms, or an integer of more than 128 KiB. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_term_decode(data: *const c_void, size: usize, term: *mut regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: the caller's promise.
        let (data, place) = unsafe { (bytes(data, size)?, out(term)?) };
        place.set(etf::decode(data, &etf::Limits::default())?);
        Ok(())
    })
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Fault {
        let limit = |text| Fault::new(regrow_error::REGROW_ERR_LIMIT, text);
        match error {
            DecodeError::Truncated => Fault::argument("the bytes end inside a term"),
            DecodeError::Version => Fault::argument("an external term begins with 131"),
            DecodeError::UnknownTag(_) => Fault::argument("the bytes hold an unknown kind of term"),
            DecodeError::Malformed => Fault::argument("a term has an impossible part"),
            DecodeError::DuplicateKey => Fault::argument("a map has a key twice"),
            DecodeError::Trailing => Fault::argument("bytes are left after the term"),
            DecodeError::TooLarge => limit("the bytes unpack to more than the limit"),
            DecodeError::TooDeep => limit("nested deeper than the limit"),
            DecodeError::TooManyAtoms => limit("more new atoms than the limit"),
            DecodeError::NoMemory => limit("no memory"),
        }
    }
}
