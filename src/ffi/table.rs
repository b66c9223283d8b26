//! Tables: terms by key, shared by threads, owned by a process.
#![allow(non_camel_case_types)]

use super::support::{
    Fault, Moved, SizedStruct, borrow, borrow_optional, guard, guard_told, guard_value, is_forked, lent, moved,
    node_of, out, out_optional, sized, take, tell, text, text_optional,
};
use super::types::{
    REGROW_BAG, REGROW_DUPLICATE_BAG, REGROW_ORDERED_SET, REGROW_PRIVATE, REGROW_PROTECTED, REGROW_PUBLIC, REGROW_SET,
    regrow_error, regrow_pid, regrow_table, regrow_term,
};
use crate::table::{self, Access, Error, Kind, TableSpec};
use crate::term::{Pid, Term, atoms};
use std::ffi::c_char;
use std::path::Path;

/// A table. All zero: an unnamed, protected set, whose objects have their key in front.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct regrow_table_spec {
    /// sizeof(regrow_table_spec).
    pub size: usize,
    /// The name by which regrow_table_whereis() finds it, one of its own in the runtime. NULL: none.
    pub name: *const c_char,
    /// Who gets the table when its owner ends. Zero: nobody, and the table goes.
    pub heir: regrow_pid,
    /// Borrowed: the data of the message that tells the heir. NULL: [].
    pub heir_data: *const regrow_term,
    /// REGROW_SET (0), REGROW_ORDERED_SET, REGROW_BAG or REGROW_DUPLICATE_BAG.
    pub kind: u32,
    /// REGROW_PROTECTED (0), REGROW_PUBLIC or REGROW_PRIVATE.
    pub access: u32,
    /// Which element of an object is its key, from 1. Zero: the first.
    pub key_position: u32,
    /// Zero.
    pub reserved: u32,
}

// SAFETY: repr(C), size first, no padding, zero is a value.
unsafe impl SizedStruct for regrow_table_spec {}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        use regrow_error::*;
        match error {
            Error::NoTable => Fault::new(REGROW_ERR_NO_TABLE, "there is no such table"),
            Error::Access => Fault::new(REGROW_ERR_ACCESS, "the table is private or protected, and not the caller's"),
            Error::Argument(text) => Fault::argument(text),
            Error::Spec(text) => Fault::new(REGROW_ERR_ARGUMENT, text),
            Error::NoKey => Fault::new(REGROW_ERR_NOT_FOUND, "no object has that key"),
            Error::Exists => Fault::new(REGROW_ERR_EXISTS, "a table has that name"),
            Error::Limit => Fault {
                reason: Term::atom(atoms::SYSTEM_LIMIT),
                ..Fault::new(REGROW_ERR_LIMIT, "too many tables, or too large a number")
            },
            Error::Process(error) => error.into(),
            Error::File(reason, text) => Fault { reason, ..Fault::new(REGROW_ERR_FILE, text) },
        }
    }
}

/// Makes a table of the calling process. Needs an identity.
///
/// It goes when its owner ends, before anybody can see that, or becomes its heir's, which gets the message
/// {'ETS-TRANSFER', Table, OldOwner, Data}.
///
/// @param spec   borrowed.
/// @param table  out.
/// @return REGROW_ERR_EXISTS when the name is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_new(spec: *const regrow_table_spec, table: *mut regrow_table) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (spec, table) = unsafe { (sized(spec)?, out(table)?) };
        // SAFETY: as the header says.
        let (name, data) = unsafe { (text_optional(spec.name)?, borrow_optional(spec.heir_data)?) };
        if spec.reserved != 0 {
            return Err(Fault::argument("a table's reserved field is not zero"));
        }
        let kind = match spec.kind {
            REGROW_SET => Kind::Set,
            REGROW_ORDERED_SET => Kind::OrderedSet,
            REGROW_BAG => Kind::Bag,
            REGROW_DUPLICATE_BAG => Kind::DuplicateBag,
            _ => return Err(Fault::argument("a table's kind is unknown")),
        };
        let access = match spec.access {
            REGROW_PROTECTED => Access::Protected,
            REGROW_PUBLIC => Access::Public,
            REGROW_PRIVATE => Access::Private,
            _ => return Err(Fault::argument("a table's access is unknown")),
        };
        let heir = Pid::from(spec.heir);
        let made = table::new(TableSpec {
            name: name.map(Into::into),
            kind,
            access,
            position: (spec.key_position as usize).saturating_sub(1),
            heir: (heir != Pid::NONE).then(|| (heir, data.cloned().unwrap_or_default())),
        })?;
        table.set(made);
        Ok(())
    })
}

/// The table with a name. Any thread.
///
/// @param runtime  the root, or any other process, of the runtime to look in.
/// @param table    out.
/// @return REGROW_ERR_NOT_FOUND when no table has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_whereis(
    runtime: regrow_pid, name: *const c_char, table: *mut regrow_table,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (name, table) = unsafe { (text(name)?, out(table)?) };
        let found = table::whereis(&node_of(runtime)?, name);
        table.set(found.ok_or(crate::process::Error::NotFound)?);
        Ok(())
    })
}

/// A table as a term, to be sent inside a message: a reference. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_from_table(table: regrow_table) -> regrow_term {
    if is_forked() {
        return Term::invalid().into();
    }
    guard_value(Term::invalid(), || Term::reference(table.into())).into()
}

/// Reads a table out of a term, such as {'ETS-TRANSFER', Table, OldOwner, Data} has. False, and `table` untouched, when
/// it is none; true also for a table that is gone. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_as_table(term: *const regrow_term, table: *mut regrow_table) -> bool {
    // SAFETY: as the header says.
    guard_value(false, || unsafe {
        let (Ok(term), Ok(table)) = (borrow(term), out(table)) else { return false };
        let reference = term.as_reference().filter(|reference| reference.0 >> 62 == 3);
        reference.map(|reference| table.set(reference)).is_some()
    })
}

/// Deletes a table. Any thread, if it may write to it.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_table_delete(table: regrow_table) -> regrow_error {
    guard(|| Ok(table::delete(table.into())?))
}

/// Gives a named table another name. Any thread, if it may write to it.
///
/// @return REGROW_ERR_EXISTS when that name is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_rename(table: regrow_table, name: *const c_char) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let name = unsafe { text(name) }?;
        Ok(table::rename(table.into(), name.into())?)
    })
}

/// Gives a table of the caller's to another process of its runtime, which gets {'ETS-TRANSFER', Table, From, Data}.
/// Needs an identity.
///
/// @param data  moved.
/// @return REGROW_ERR_ACCESS when it is not the caller's, REGROW_ERR_NO_PROCESS when that process is dead.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_table_give_away(table: regrow_table, pid: regrow_pid, data: regrow_term) -> regrow_error {
    let data = take(data);
    guard(|| Ok(table::give_away(table.into(), pid.into(), data?)?))
}

/// Sets who gets a table of the caller's when the caller ends. Needs an identity.
///
/// @param heir  zero: nobody.
/// @param data  moved.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_table_set_heir(table: regrow_table, heir: regrow_pid, data: regrow_term) -> regrow_error {
    let data = take(data);
    guard(|| {
        let (heir, data) = (Pid::from(heir), data?);
        Ok(table::set_heir(table.into(), (heir != Pid::NONE).then_some((heir, data)))?)
    })
}

/// Fixes a table for the caller, or takes one fixation away: while it is fixed, regrow_table_next() goes on from a key
/// that was deleted. Fixations are counted, and end with the caller at the latest. Needs an identity.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_table_fix(table: regrow_table, fix: bool) -> regrow_error {
    guard(|| Ok(table::fix(table.into(), fix)?))
}

/// What is known of a table: a list of {Item, Value}, with the items id, owner, heir, name, named_table, size, type,
/// keypos, protection and fixed, as in ets:info/1; a name is text. Any thread, whatever the access.
///
/// @param info  out: yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_info(table: regrow_table, info: *mut regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let info = unsafe { out(info) }?;
        info.set(table::info(table.into())?);
        Ok(())
    })
}

/// How many objects a table has. Any thread, whatever the access.
///
/// @param size  out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_size(table: regrow_table, size: *mut usize) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let size = unsafe { out(size) }?;
        size.set(table::size(table.into())?);
        Ok(())
    })
}

/// Inserts an object, a tuple that has a key, or a list of them, all at once. What had that key goes, but in bags. Any
/// thread.
///
/// @param objects  moved.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_table_insert(table: regrow_table, objects: regrow_term) -> regrow_error {
    let mut objects = moved(objects);
    guard(|| Ok(table::insert(table.into(), std::mem::take(objects.get()?))?))
}

/// As regrow_table_insert(), but only when none of the keys is there. Any thread.
///
/// @param objects   moved.
/// @param inserted  out: false when one was there. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_insert_new(
    table: regrow_table, objects: regrow_term, inserted: *mut bool,
) -> regrow_error {
    let objects = take(objects);
    guard(|| {
        // SAFETY: as the header says.
        let inserted = unsafe { out_optional(inserted) };
        inserted.set(table::insert_new(table.into(), objects?)?);
        Ok(())
    })
}

/// The objects of a key, in the order in which they came; [] when there is none. Any thread.
///
/// @param key      borrowed.
/// @param objects  out: a list; yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_lookup(
    table: regrow_table, key: *const regrow_term, objects: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (key, objects) = unsafe { (borrow(key)?, out(objects)?) };
        objects.set(table::lookup(table.into(), key)?);
        Ok(())
    })
}

/// The object of a key, or the first of a bag's. Any thread.
///
/// @param key     borrowed.
/// @param object  out: yours.
/// @return REGROW_ERR_NOT_FOUND when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_get(
    table: regrow_table, key: *const regrow_term, object: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (key, object) = unsafe { (borrow(key)?, out(object)?) };
        object.set(table::get(table.into(), key)?);
        Ok(())
    })
}

/// One element of the object of a key; in bags a list of that of each. Any thread.
///
/// @param key       borrowed.
/// @param position  from 1.
/// @param element   out: yours.
/// @return REGROW_ERR_NOT_FOUND when there is no such key, REGROW_ERR_ARGUMENT when an object has no such element.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_lookup_element(
    table: regrow_table, key: *const regrow_term, position: usize, element: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (key, element) = unsafe { (borrow(key)?, out(element)?) };
        let position = position.checked_sub(1).ok_or(Fault::argument("positions begin at 1"))?;
        element.set(table::lookup_element(table.into(), key, position)?);
        Ok(())
    })
}

/// Whether there is an object with a key. Any thread.
///
/// @param key     borrowed.
/// @param member  out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_member(
    table: regrow_table, key: *const regrow_term, member: *mut bool,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (key, member) = unsafe { (borrow(key)?, out(member)?) };
        member.set(table::member(table.into(), key)?);
        Ok(())
    })
}

/// Takes the objects of a key out. Any thread.
///
/// @param key      borrowed.
/// @param objects  out: a list, as regrow_table_lookup() gives it; yours. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_take(
    table: regrow_table, key: *const regrow_term, objects: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (key, objects) = unsafe { (borrow(key)?, out_optional(objects)) };
        objects.set(table::take(table.into(), key)?);
        Ok(())
    })
}

/// Deletes the objects of a key. REGROW_OK also when there were none. Any thread.
///
/// @param key  borrowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_delete_key(table: regrow_table, key: *const regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let key = unsafe { borrow(key) }?;
        Ok(table::delete_key(table.into(), key)?)
    })
}

/// Deletes every object that is exactly this one. REGROW_OK also when there was none. Any thread.
///
/// @param object  borrowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_delete_object(table: regrow_table, object: *const regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let object = unsafe { borrow(object) }?;
        Ok(table::delete_object(table.into(), object)?)
    })
}

/// Deletes all objects at once. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn regrow_table_delete_all_objects(table: regrow_table) -> regrow_error {
    guard(|| Ok(table::delete_all_objects(table.into())?))
}

/// Counts, in the object of a key, at once. Not in bags. Any thread.
///
/// @param key        borrowed.
/// @param operation  moved: an increment, of the element behind the key; {Position, Increment}; {Position, Increment,
///                   Limit, Value}, where a sum beyond the limit (below it, for a negative increment) becomes the
///                   value; or a list of the latter two.
/// @param fallback   borrowed: the object that is inserted first, with that key, when there is none. NULL: none.
/// @param value      out: the new value, or a list of them; yours. NULL: not wanted.
/// @return REGROW_ERR_NOT_FOUND when there is no such key, REGROW_ERR_ARGUMENT when an element is no integer. Then
///         nothing was changed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_update_counter(
    table: regrow_table, key: *const regrow_term, operation: regrow_term, fallback: *const regrow_term,
    value: *mut regrow_term,
) -> regrow_error {
    let mut operation = moved(operation);
    guard_told(|_| {
        let counted = || {
            // SAFETY: as the header says.
            let (key, fallback) =
                unsafe { (lent(key)?, if fallback.is_null() { None } else { Some(lent(fallback)?) }) };
            table::count_up(table.into(), key, operation.peek()?, fallback)
        };
        match counted() {
            Some(sum) => {
                // SAFETY: as the header says.
                unsafe { out_optional(value) }.set(Term::int(sum));
                regrow_error::REGROW_OK
            }
            // SAFETY: as the header says.
            None => unsafe { update_counter(table, key, &mut operation, fallback, value) },
        }
    })
}

/// Whatever can be counted, and why the rest cannot.
#[cold]
unsafe fn update_counter(
    table: regrow_table, key: *const regrow_term, operation: &mut Moved, fallback: *const regrow_term,
    value: *mut regrow_term,
) -> regrow_error {
    let mut count = || -> Result<(), Fault> {
        let operation = operation.get()?;
        // SAFETY: the caller's promise.
        let (key, fallback, value) = unsafe { (borrow(key)?, borrow_optional(fallback)?, out_optional(value)) };
        value.set(table::update_counter(table.into(), key, operation, fallback)?);
        Ok(())
    };
    match count() {
        Ok(()) => regrow_error::REGROW_OK,
        Err(fault) => tell(fault),
    }
}

/// Sets elements of the object of a key, at once. Not in bags. Any thread.
///
/// @param key       borrowed.
/// @param elements  moved: {Position, Value}, or a list of them.
/// @param updated   out: false when there is no such key. NULL: not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_update_element(
    table: regrow_table, key: *const regrow_term, elements: regrow_term, updated: *mut bool,
) -> regrow_error {
    let elements = take(elements);
    guard(|| {
        let elements = elements?;
        // SAFETY: as the header says.
        let (key, updated) = unsafe { (borrow(key)?, out_optional(updated)) };
        updated.set(table::update_element(table.into(), key, &elements)?);
        Ok(())
    })
}

/// The first key, in an ordered set the least; the atom '$end_of_table' when there is none. Any thread.
///
/// @param key  out: yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_first(table: regrow_table, key: *mut regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let key = unsafe { out(key) }?;
        key.set(table::first(table.into())?);
        Ok(())
    })
}

/// The last key of an ordered set; of other tables the first. Any thread.
///
/// @param key  out: yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_last(table: regrow_table, key: *mut regrow_term) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let key = unsafe { out(key) }?;
        key.set(table::last(table.into())?);
        Ok(())
    })
}

/// The key behind another, or '$end_of_table'. Keys that are there all the time come once each, whatever else is
/// inserted and deleted meanwhile. Any thread.
///
/// @param key   borrowed.
/// @param next  out: yours.
/// @return REGROW_ERR_NOT_FOUND when the key is not there, but in an ordered set or a table that is fixed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_next(
    table: regrow_table, key: *const regrow_term, next: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (key, next) = unsafe { (borrow(key)?, out(next)?) };
        next.set(table::next(table.into(), key)?);
        Ok(())
    })
}

/// The key in front of another in an ordered set; in other tables as regrow_table_next(). Any thread.
///
/// @param key       borrowed.
/// @param previous  out: yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_prev(
    table: regrow_table, key: *const regrow_term, previous: *mut regrow_term,
) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (key, previous) = unsafe { (borrow(key)?, out(previous)?) };
        previous.set(table::prev(table.into(), key)?);
        Ok(())
    })
}

/// Writes a table to a file, which takes the place of what was there once it is whole on the disk. Any thread, which it
/// blocks.
///
/// @return REGROW_ERR_FILE: the file is as it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_to_file(table: regrow_table, path: *const c_char) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let path = unsafe { text(path) }?;
        Ok(table::to_file(table.into(), Path::new(path))?)
    })
}

/// Makes a table of the caller's from a file, as it was written, with its name, kind, access and key position, without
/// an heir. Needs an identity; blocks the thread.
///
/// @param table  out.
/// @return REGROW_ERR_FILE when it cannot be read, is cut off or was changed: then there is no table.
///         REGROW_ERR_EXISTS when its name is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn regrow_table_from_file(path: *const c_char, table: *mut regrow_table) -> regrow_error {
    guard(|| {
        // SAFETY: as the header says.
        let (path, table) = unsafe { (text(path)?, out(table)?) };
        super::start::me()?;
        table.set(table::from_file(Path::new(path))?);
        Ok(())
    })
}
