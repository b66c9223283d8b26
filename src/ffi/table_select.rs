//! Matching and selecting in tables.
//!
//! A pattern is a term in which the atom `_` matches anything, and `$1`, `$2`, ... too, which have to match equal
//! things wherever they stand. A match specification is that of ets:select/2.

use super::support::{Fault, borrow, guard, out, out_optional};
use super::types::{regrow_error, regrow_table, regrow_term};
use crate::table::{self, Chunk, Form};
use crate::term::Term;

type Place = *mut regrow_term;

/// Gives all that matches.
///
/// # Safety
/// As the header says of the pointers.
unsafe fn all(
    table: regrow_table, what: *const regrow_term, form: fn(&Term) -> Form<'_>, reverse: bool, results: Place,
) -> regrow_error {
    guard(|| {
        // SAFETY: the caller's promise.
        let (what, results) = unsafe { (borrow(what)?, out(results)?) };
        results.set(table::select(table.into(), form(what), reverse)?);
        Ok(())
    })
}

/// Gives a part of what matches.
///
/// # Safety
/// As the header says of the pointers.
unsafe fn some(
    table: regrow_table, what: *const regrow_term, form: fn(&Term) -> Form<'_>, reverse: bool, limit: usize,
    [results, continuation]: [Place; 2],
) -> regrow_error {
    // SAFETY: the caller's promise.
    unsafe {
        chunk([results, continuation], || Ok(table::select_limit(table.into(), form(borrow(what)?), reverse, limit)?))
    }
}

/// Writes a part and how to go on.
///
/// # Safety
/// As the header says of the pointers.
unsafe fn chunk([results, continuation]: [Place; 2], get: impl FnOnce() -> Result<Chunk, Fault>) -> regrow_error {
    guard(|| {
        // SAFETY: the caller's promise.
        let (results, continuation) = unsafe { (out(results)?, out(continuation)?) };
        let chunk = get()?;
        results.set(chunk.results);
        continuation.set(chunk.continuation);
        Ok(())
    })
}

/// All objects, as a list; of an ordered set in its order. Any thread.
///
/// @param objects  out: yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_to_list(table: regrow_table, objects: *mut regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let objects = unsafe { out(objects) }?;
        objects.set(table::to_list(table.into())?);
        Ok(())
    })
}

/// For each object that a pattern matches, the list of what $1, $2, ... stand for, in the order of their numbers. Any
/// thread.
///
/// @param pattern  borrowed: the atom _ matches anything, and so do $1, $2, ..., but the same one only equal things.
/// @param results  out: a list of lists; yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_match(
    table: regrow_table, pattern: *const regrow_term, results: *mut regrow_term,
) -> regrow_error {
    // SAFETY: as the header says.
    unsafe { all(table, pattern, |term| Form::Match(term), false, results) }
}

/// The objects that a pattern matches. Any thread.
///
/// @param pattern  borrowed.
/// @param objects  out: a list; yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_match_object(
    table: regrow_table, pattern: *const regrow_term, objects: *mut regrow_term,
) -> regrow_error {
    // SAFETY: as the header says.
    unsafe { all(table, pattern, |term| Form::Object(term), false, objects) }
}

/// Deletes the objects that a pattern matches. Any thread.
///
/// @param pattern  borrowed.
/// @param count    out: how many. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_match_delete(
    table: regrow_table, pattern: *const regrow_term, count: *mut usize,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (pattern, count) = unsafe { (borrow(pattern)?, out_optional(count)) };
        count.set(table::match_delete(table.into(), pattern)?);
        Ok(())
    })
}

/// What a match specification gives for the objects it matches, as ets:select/2; of an ordered set in its order. Any
/// thread.
///
/// @param spec     borrowed: a list of {Head, Guards, Body}.
/// @param results  out: a list; yours.
/// @return REGROW_ERR_ARGUMENT when it is malformed; regrow_last_error() says where.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_select(
    table: regrow_table, spec: *const regrow_term, results: *mut regrow_term,
) -> regrow_error {
    // SAFETY: as the header says.
    unsafe { all(table, spec, |term| Form::Spec(term), false, results) }
}

/// As regrow_table_select(), from the last object of an ordered set to the first. Any thread.
///
/// @param spec     borrowed.
/// @param results  out: a list; yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_select_reverse(
    table: regrow_table, spec: *const regrow_term, results: *mut regrow_term,
) -> regrow_error {
    // SAFETY: as the header says.
    unsafe { all(table, spec, |term| Form::Spec(term), true, results) }
}

/// How many objects a match specification gives true for. Any thread.
///
/// @param spec   borrowed.
/// @param count  out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_select_count(
    table: regrow_table, spec: *const regrow_term, count: *mut usize,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (spec, count) = unsafe { (borrow(spec)?, out(count)?) };
        count.set(table::select_count(table.into(), spec)?);
        Ok(())
    })
}

/// Deletes the objects that a match specification gives true for. Any thread.
///
/// @param spec   borrowed.
/// @param count  out: how many. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_select_delete(
    table: regrow_table, spec: *const regrow_term, count: *mut usize,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (spec, count) = unsafe { (borrow(spec)?, out_optional(count)) };
        count.set(table::select_delete(table.into(), spec)?);
        Ok(())
    })
}

/// Puts what a match specification gives in the place of each object that it matches; not in a REGROW_BAG. Any thread.
///
/// @param spec   borrowed. What it makes must have the same key, and show so: its last expression is '$_', or a tuple
///               with what stands in the head for the key, or {element, KeyPosition, '$_'}.
/// @param count  out: how many. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_select_replace(
    table: regrow_table, spec: *const regrow_term, count: *mut usize,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (spec, count) = unsafe { (borrow(spec)?, out_optional(count)) };
        count.set(table::select_replace(table.into(), spec)?);
        Ok(())
    })
}

/// As regrow_table_match(), part by part. Any thread.
///
/// @param pattern       borrowed.
/// @param limit         most results of a part; not 0.
/// @param results       out: the first part; yours.
/// @param continuation  out: for regrow_table_select_next(); yours. The atom '$end_of_table' when there is no more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_match_limit(
    table: regrow_table, pattern: *const regrow_term, limit: usize, results: *mut regrow_term,
    continuation: *mut regrow_term,
) -> regrow_error {
    // SAFETY: as the header says.
    unsafe { some(table, pattern, |term| Form::Match(term), false, limit, [results, continuation]) }
}

/// As regrow_table_match_object(), part by part: see regrow_table_match_limit(). Any thread.
///
/// @param pattern       borrowed.
/// @param results       out: yours.
/// @param continuation  out: yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_match_object_limit(
    table: regrow_table, pattern: *const regrow_term, limit: usize, results: *mut regrow_term,
    continuation: *mut regrow_term,
) -> regrow_error {
    // SAFETY: as the header says.
    unsafe { some(table, pattern, |term| Form::Object(term), false, limit, [results, continuation]) }
}

/// As regrow_table_select(), part by part: see regrow_table_match_limit(). Any thread.
///
/// @param spec          borrowed.
/// @param results       out: yours.
/// @param continuation  out: yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_select_limit(
    table: regrow_table, spec: *const regrow_term, limit: usize, results: *mut regrow_term,
    continuation: *mut regrow_term,
) -> regrow_error {
    // SAFETY: as the header says.
    unsafe { some(table, spec, |term| Form::Spec(term), false, limit, [results, continuation]) }
}

/// As regrow_table_select_reverse(), part by part: see regrow_table_match_limit(). Any thread.
///
/// @param spec          borrowed.
/// @param results       out: yours.
/// @param continuation  out: yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_select_reverse_limit(
    table: regrow_table, spec: *const regrow_term, limit: usize, results: *mut regrow_term,
    continuation: *mut regrow_term,
) -> regrow_error {
    // SAFETY: as the header says.
    unsafe { some(table, spec, |term| Form::Spec(term), true, limit, [results, continuation]) }
}

/// The next part of what a function with a limit began. An object that is in the table all the time is in exactly one
/// part, whatever else is inserted and deleted meanwhile. Any thread.
///
/// @param continuation  borrowed; it may be used again, and be kept.
/// @param results       out: yours; [] behind the end.
/// @param next          out: yours; the atom '$end_of_table' when there is no more. Not the variable that
///                      `continuation` points to, which is to be freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_select_next(
    continuation: *const regrow_term, results: *mut regrow_term, next: *mut regrow_term,
) -> regrow_error {
    // SAFETY: as the header says.
    unsafe { chunk([results, next], || Ok(table::go_on(borrow(continuation)?)?)) }
}
