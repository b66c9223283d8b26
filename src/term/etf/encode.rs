//! Terms to external bytes, as OTP 25's `term_to_binary/1` writes them.

use std::fmt;

use super::foreign::{self, put_atom};
use super::{CREATION, VERSION, tags};
use crate::term::{ListIter, Term, heap, kinds};

/// Why a term has no external form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// It is, or holds, a native object.
    Resource,
    /// It is the invalid term.
    Invalid,
    /// Something in it has more than 2^32 - 1 bytes or elements.
    TooLarge,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EncodeError::Resource => "a native resource has no external form",
            EncodeError::Invalid => "the invalid term has no external form",
            EncodeError::TooLarge => "more than 2^32 - 1 bytes or elements have no external form",
        })
    }
}

impl std::error::Error for EncodeError {}

/// The external form of a term.
pub fn encode(term: &Term) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    encode_into(term, &mut out)?;
    Ok(out)
}

/// Appends the external form of a term; on an error `out` is as it was.
pub fn encode_into(term: &Term, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let start = out.len();
    out.push(VERSION);
    put(term, out).inspect_err(|_| out.truncate(start))
}

/// What is still to be written of a container.
enum Open<'a> {
    Items(std::slice::Iter<'a, Term>),
    /// The elements, then the tail.
    List(ListIter<'a>),
}

fn put(term: &Term, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut term = term;
    loop {
        match term.tag() {
            kinds::TUPLE => {
                let items = heap::items(term);
                match u8::try_from(items.len()) {
                    Ok(length) => out.extend([tags::SMALL_TUPLE, length]),
                    Err(_) => put_long(out, tags::LARGE_TUPLE, items.len())?,
                }
                open.push(Open::Items(items.iter()));
            }
            kinds::MAP => {
                let items = heap::items(term);
                put_long(out, tags::MAP, items.len() / 2)?;
                open.push(Open::Items(items.iter()));
            }
            kinds::CONS => {
                if let Some(elements) = begin_list(term, out)? {
                    open.push(Open::List(elements));
                }
            }
            _ => put_flat(term, out)?,
        }
        term = loop {
            let Some(container) = open.last_mut() else { return Ok(()) };
            let (next, is_last) = match container {
                Open::Items(items) => (items.next(), items.len() == 0),
                Open::List(elements) => match elements.next() {
                    None => (Some(elements.tail()), true),
                    next => (next, false),
                },
            };
            // Given up before its last item is written: what nests to the right needs no more stack.
            if is_last {
                open.pop();
            }
            if let Some(next) = next {
                break next;
            }
        };
    }
}

/// Longest list of bytes that has a form of its own.
const STRING_MAX: usize = u16::MAX as usize;

/// Writes a list of bytes whole, or the beginning of another list, whose elements are then to follow.
fn begin_list<'a>(list: &'a Term, out: &mut Vec<u8>) -> Result<Option<ListIter<'a>>, EncodeError> {
    let mut elements = list.list_iter();
    let mut length = 0;
    let mut is_bytes = true;
    for element in elements.by_ref() {
        length += 1;
        is_bytes = is_bytes && byte(element).is_some();
    }
    if !is_bytes || length > STRING_MAX || !elements.tail().is_nil() {
        put_long(out, tags::LIST, length)?;
        return Ok(Some(list.list_iter()));
    }
    out.push(tags::STRING);
    out.extend((length as u16).to_be_bytes());
    out.extend(list.list_iter().filter_map(byte));
    Ok(None)
}

fn byte(term: &Term) -> Option<u8> {
    u8::try_from(term.as_int()?).ok()
}

/// A tag and a length of 32 bits.
fn put_long(out: &mut Vec<u8>, tag: u8, length: usize) -> Result<(), EncodeError> {
    let length = u32::try_from(length).map_err(|_| EncodeError::TooLarge)?;
    out.push(tag);
    out.extend(length.to_be_bytes());
    Ok(())
}

/// Writes a term that holds no other.
fn put_flat(term: &Term, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    match term.tag() {
        kinds::NIL => out.push(tags::NIL),
        kinds::INT => put_int(out, term.value as i64),
        kinds::FLOAT => {
            out.push(tags::NEW_FLOAT);
            out.extend(term.value.to_be_bytes());
        }
        kinds::BIG => {
            let (negative, magnitude) = term.as_big().unwrap_or_default();
            put_big(out, negative, magnitude)?;
        }
        kinds::ATOM => put_atom(out, term.as_atom().map_or("", |atom| atom.as_str())),
        kinds::PID => foreign::put_pid(out, crate::term::Pid(term.value)),
        kinds::REFERENCE => foreign::put_reference(out, crate::term::Ref(term.value)),
        kinds::EMPTY_TUPLE => out.extend([tags::SMALL_TUPLE, 0]),
        kinds::EMPTY_MAP => put_long(out, tags::MAP, 0)?,
        kinds::SHORT_BYTES | kinds::BYTES => {
            let bytes = term.as_bytes().unwrap_or_default();
            put_long(out, tags::BINARY, bytes.len())?;
            out.extend(bytes);
        }
        kinds::OPAQUE => out.extend(heap::data(term)),
        kinds::RESOURCE => return Err(EncodeError::Resource),
        _ => return Err(EncodeError::Invalid),
    }
    Ok(())
}

fn put_int(out: &mut Vec<u8>, value: i64) {
    if let Ok(value) = u8::try_from(value) {
        out.extend([tags::SMALL_INTEGER, value]);
    } else if let Ok(value) = i32::try_from(value) {
        out.push(tags::INTEGER);
        out.extend(value.to_be_bytes());
    } else {
        let magnitude = value.unsigned_abs().to_le_bytes();
        let length = 8 - value.unsigned_abs().leading_zeros() as usize / 8;
        out.extend([tags::SMALL_BIG, length as u8, (value < 0) as u8]);
        out.extend(&magnitude[..length]);
    }
}

fn put_big(out: &mut Vec<u8>, negative: bool, magnitude: &[u8]) -> Result<(), EncodeError> {
    match u8::try_from(magnitude.len()) {
        Ok(length) => out.extend([tags::SMALL_BIG, length]),
        Err(_) => put_long(out, tags::LARGE_BIG, magnitude.len())?,
    }
    out.push(negative as u8);
    out.extend(magnitude);
    Ok(())
}

const _: () = assert!(CREATION != 0, "creation 0 is Erlang's own nonode@nohost");
