//! External bytes to terms. What comes in may be hostile.
//!
//! How the memory is bounded: a container's header promises elements, each of which takes a byte at least. The sum
//! of what is promised and not yet there (`owed`) may never exceed the bytes that are left, so the room made for
//! elements is at most 16 bytes per byte of input; the worst are lists of bytes, 40 and an allocator's overhead.

use std::fmt;
use std::mem::ManuallyDrop;

use super::foreign::{self, AtomName, Bytes, put_atom};
use super::{CREATION, VERSION, tags};
use crate::term::read::class;
use crate::term::{Atom, Term, atoms, heap, kinds, make, order};

/// What a decoder puts up with.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest input, and what a compressed one may unpack to. Default: 64 MiB.
    pub max_bytes: usize,
    /// How deep containers may be nested; elements of a list are not deeper than it. Default: 16,777,216.
    pub max_depth: usize,
    /// How many names may become atoms that were none, since these stay for ever. Default: 1,000.
    pub max_new_atoms: usize,
    /// Longest integer, because printing takes time with the square of it. Default: 128 KiB.
    pub max_integer_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { max_bytes: 64 << 20, max_depth: 1 << 24, max_new_atoms: 1000, max_integer_bytes: 128 << 10 }
    }
}

/// Why bytes are no term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// They end too early, or promise more than is there.
    Truncated,
    /// They do not begin with 131.
    Version,
    /// No term begins with that byte.
    UnknownTag(u8),
    /// A term has a part that cannot be: a float without value, a node that is no atom, ...
    Malformed,
    /// A map has a key twice.
    DuplicateKey,
    /// Bytes are left after the term.
    Trailing,
    /// `Limits::max_bytes`, or `max_integer_bytes`.
    TooLarge,
    /// `Limits::max_depth`.
    TooDeep,
    /// `Limits::max_new_atoms`, or the atom table is full.
    TooManyAtoms,
    /// There was no memory for a term.
    NoMemory,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DecodeError::Truncated => "the bytes end inside a term",
            DecodeError::Version => "an external term begins with 131",
            DecodeError::UnknownTag(tag) => return write!(f, "no term begins with the byte {tag}"),
            DecodeError::Malformed => "a term has an impossible part",
            DecodeError::DuplicateKey => "a map has a key twice",
            DecodeError::Trailing => "bytes are left after the term",
            DecodeError::TooLarge => "more bytes than the limit allows",
            DecodeError::TooDeep => "nested deeper than the limit allows",
            DecodeError::TooManyAtoms => "more new atoms than the limit allows",
            DecodeError::NoMemory => "no memory",
        })
    }
}

impl std::error::Error for DecodeError {}

/// The term that all of the bytes are.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Term, DecodeError> {
    match decode_prefix(bytes, limits)? {
        (term, used) if used == bytes.len() => Ok(term),
        _ => Err(DecodeError::Trailing),
    }
}

/// The term that the bytes begin with, and how many bytes it took.
pub fn decode_prefix(bytes: &[u8], limits: &Limits) -> Result<(Term, usize), DecodeError> {
    let mut rest = Bytes(bytes);
    if rest.u8().ok_or(DecodeError::Truncated)? != VERSION {
        return Err(DecodeError::Version);
    }
    if bytes.get(1) == Some(&tags::COMPRESSED) {
        let (unpacked, used) = inflate(&bytes[2..], limits)?;
        let mut decoder = Decoder { bytes: Bytes(&unpacked), owed: 0, new_atoms: 0, limits };
        let term = decoder.term()?;
        return if decoder.bytes.0.is_empty() { Ok((term, 2 + used)) } else { Err(DecodeError::Malformed) };
    }
    // What follows may belong to somebody else, so the limit cuts it off rather than refuse it.
    let cut = rest.0.len() >= limits.max_bytes;
    if cut {
        rest.0 = &rest.0[..limits.max_bytes.saturating_sub(1)];
    }
    let mut decoder = Decoder { bytes: rest, owed: 0, new_atoms: 0, limits };
    let term = decoder.term().map_err(|error| match error {
        DecodeError::Truncated if cut => DecodeError::TooLarge,
        error => error,
    })?;
    let used = rest.0.len() - decoder.bytes.0.len() + 1;
    Ok((term, used))
}

/// Most that deflate can make of one byte.
const INFLATE_MAX: u64 = 1032;

/// Unpacks: four bytes that say how much it will be, then zlib's format. Also gives how many bytes it took.
fn inflate(bytes: &[u8], limits: &Limits) -> Result<(Vec<u8>, usize), DecodeError> {
    use miniz_oxide::inflate::TINFLStatus;
    use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags as flags};

    let mut rest = Bytes(bytes);
    let size = rest.u32().ok_or(DecodeError::Truncated)?;
    if size as usize > limits.max_bytes || bytes.len() > limits.max_bytes {
        return Err(DecodeError::TooLarge);
    }
    if size as u64 > (rest.0.len() as u64).saturating_mul(INFLATE_MAX) {
        return Err(DecodeError::Truncated);
    }
    let mut unpacked = Vec::new();
    unpacked.try_reserve_exact(size as usize).map_err(|_| DecodeError::NoMemory)?;
    unpacked.resize(size as usize, 0);
    let how = flags::TINFL_FLAG_PARSE_ZLIB_HEADER | flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let (status, used, written) = decompress(&mut DecompressorOxide::new(), rest.0, &mut unpacked, 0, how);
    match status {
        TINFLStatus::Done if written == unpacked.len() => Ok((unpacked, 4 + used)),
        TINFLStatus::FailedCannotMakeProgress | TINFLStatus::NeedsMoreInput => Err(DecodeError::Truncated),
        _ => Err(DecodeError::Malformed),
    }
}

struct Decoder<'a> {
    bytes: Bytes<'a>,
    /// Terms that have been promised and are still to come.
    owed: u64,
    new_atoms: usize,
    limits: &'a Limits,
}

/// What a term's first bytes give.
enum Begun {
    Whole(Term),
    Open(Open),
    /// Nothing yet: a list without elements is its tail, which follows.
    Nothing,
}

/// A container whose elements are still coming. It owns what it has; on an error that is dropped.
enum Open {
    /// A tuple or map with `[]` in the places from `next` on.
    Items { whole: Term, next: usize },
    /// A list, and another look at its last cell. `left` elements are to come, then the tail.
    List { first: Term, last: ManuallyDrop<Term>, left: u32 },
}

impl Decoder<'_> {
    fn term(&mut self) -> Result<Term, DecodeError> {
        let mut open: Vec<Open> = Vec::new();
        self.owe(1)?;
        loop {
            let mut value = match self.begin()? {
                Begun::Whole(term) => made(term)?,
                Begun::Nothing => continue,
                Begun::Open(container) => {
                    if open.len() >= self.limits.max_depth {
                        return Err(DecodeError::TooDeep);
                    }
                    open.push(container);
                    continue;
                }
            };
            // The value goes into the innermost container; one that is full with it is the next value.
            while let Some(container) = open.last_mut() {
                if !put(container, value)? {
                    value = Term::nil();
                    break;
                }
                value = match open.pop() {
                    Some(container) => close(container)?,
                    None => Term::nil(),
                };
            }
            if open.is_empty() {
                return Ok(value);
            }
        }
    }

    /// Notes that more terms must come, if there can be that many.
    fn owe(&mut self, terms: u64) -> Result<(), DecodeError> {
        self.owed += terms;
        if self.owed > self.bytes.0.len() as u64 { Err(DecodeError::Truncated) } else { Ok(()) }
    }

    fn take(&mut self, length: usize) -> Result<&[u8], DecodeError> {
        self.bytes.take(length).ok_or(DecodeError::Truncated)
    }

    fn u8(&mut self) -> Result<u8, DecodeError> {
        self.bytes.u8().ok_or(DecodeError::Truncated)
    }

    fn u16(&mut self) -> Result<u16, DecodeError> {
        self.bytes.u16().ok_or(DecodeError::Truncated)
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        self.bytes.u32().ok_or(DecodeError::Truncated)
    }

    fn u64(&mut self) -> Result<u64, DecodeError> {
        self.bytes.u64().ok_or(DecodeError::Truncated)
    }

    /// Reads the beginning of a term: all of it, or the header of a container.
    fn begin(&mut self) -> Result<Begun, DecodeError> {
        let start = self.bytes.0;
        let tag = self.u8()?;
        self.owed = self.owed.saturating_sub(1);
        Ok(Begun::Whole(match tag {
            tags::NIL => Term::nil(),
            tags::SMALL_INTEGER => Term::int(self.u8()?.into()),
            tags::INTEGER => Term::int((self.u32()? as i32).into()),
            tags::NEW_FLOAT => finite(f64::from_bits(self.u64()?))?,
            tags::FLOAT => old_float(self.take(31)?)?,
            tags::SMALL_BIG => {
                let length = self.u8()?;
                self.big(length as usize)?
            }
            tags::LARGE_BIG => {
                let length = self.u32()?;
                self.big(length as usize)?
            }
            tags::ATOM | tags::SMALL_ATOM | tags::ATOM_UTF8 | tags::SMALL_ATOM_UTF8 => {
                let name = self.bytes.atom_after(tag).ok_or(DecodeError::Malformed)?;
                self.atom(name)?
            }
            tags::SMALL_TUPLE => {
                let length = self.u8()?;
                return self.items(kinds::TUPLE, length as usize);
            }
            tags::LARGE_TUPLE => {
                let length = self.u32()? as usize;
                if length > make::TUPLE_MAX {
                    return Err(DecodeError::TooLarge);
                }
                return self.items(kinds::TUPLE, length);
            }
            tags::MAP => {
                let pairs = self.u32()? as usize;
                return self.items(kinds::MAP, pairs.saturating_mul(2));
            }
            tags::LIST => {
                let left = self.u32()?;
                self.owe(left as u64 + 1)?;
                if left == 0 {
                    return Ok(Begun::Nothing);
                }
                return Ok(Begun::Open(Open::List { first: Term::nil(), last: ManuallyDrop::new(Term::nil()), left }));
            }
            tags::STRING => {
                let length = self.u16()?;
                let bytes = self.take(length as usize)?;
                bytes.iter().rev().fold(Term::nil(), |tail, &byte| Term::cons(Term::int(byte.into()), tail))
            }
            tags::BINARY => {
                let length = self.u32()?;
                Term::bytes(self.take(length as usize)?)
            }
            tags::BIT_BINARY => {
                let (length, used) = (self.u32()?, self.u8()?);
                let bytes = self.take(length as usize)?;
                match used {
                    0 if bytes.is_empty() => Term::bytes(bytes),
                    8 if !bytes.is_empty() => Term::bytes(bytes),
                    1..=7 if !bytes.is_empty() => Term::bits(bytes, used),
                    _ => return Err(DecodeError::Malformed),
                }
            }
            tags::PID | tags::NEW_PID => self.pid(tag)?,
            tags::PORT | tags::NEW_PORT | tags::V4_PORT => self.port(tag)?,
            tags::REFERENCE | tags::NEW_REFERENCE | tags::NEWER_REFERENCE => self.reference(tag)?,
            tags::EXPORT => self.export()?,
            tags::FUN | tags::NEW_FUN => self.fun(start, tag)?,
            tag => return Err(DecodeError::UnknownTag(tag)),
        }))
    }

    fn items(&mut self, tag: u8, length: usize) -> Result<Begun, DecodeError> {
        self.owe(length as u64)?;
        if length == 0 {
            return Ok(Begun::Whole(if tag == kinds::MAP { Term::map(Vec::new()) } else { Term::tuple_of([]) }));
        }
        Ok(Begun::Open(Open::Items { whole: made(heap::blank(tag, length))?, next: 0 }))
    }

    fn big(&mut self, length: usize) -> Result<Term, DecodeError> {
        let sign = self.u8()?;
        let limit = self.limits.max_integer_bytes;
        let magnitude = self.take(length)?;
        if length > limit {
            return Err(DecodeError::TooLarge);
        }
        Ok(Term::big(sign != 0, magnitude))
    }

    fn atom(&mut self, name: AtomName<'_>) -> Result<Term, DecodeError> {
        let name = name.text();
        if let Some(atom) = Atom::existing(&name) {
            return Ok(Term::atom(atom));
        }
        if self.new_atoms >= self.limits.max_new_atoms {
            return Err(DecodeError::TooManyAtoms);
        }
        self.new_atoms += 1;
        // The length was checked when the name was read.
        Atom::new(&name).map(Term::atom).map_err(|_| DecodeError::TooManyAtoms)
    }

    /// The name of a node. Not made into an atom, so it costs no budget.
    fn name(&mut self) -> Result<AtomName<'_>, DecodeError> {
        self.bytes.atom().ok_or(DecodeError::Malformed)
    }

    /// The node of a pid, port or reference as OTP 25 writes it, after a tag; and whether it is ours, if its
    /// creation is, too.
    fn node(&mut self, out: &mut Vec<u8>) -> Result<bool, DecodeError> {
        let name = self.name()?;
        let name = name.text();
        put_atom(out, &name);
        Ok(name == atoms::NONODE_NOHOST.as_str())
    }

    /// The creation of a node, for which old forms have one byte.
    fn creation(&mut self, is_old: bool) -> Result<u32, DecodeError> {
        if is_old { self.u8().map(u32::from) } else { self.u32() }
    }

    fn pid(&mut self, tag: u8) -> Result<Term, DecodeError> {
        let mut out = vec![tags::NEW_PID];
        let local = self.node(&mut out)?;
        let (id, serial) = (self.u32()?, self.u32()?);
        let creation = self.creation(tag == tags::PID)?;
        if local && creation == CREATION {
            return Ok(Term::pid(foreign::own_pid(id, serial)));
        }
        for word in [id, serial, creation] {
            out.extend(word.to_be_bytes());
        }
        Ok(Term::opaque(class::PID, [&out, &[]]))
    }

    fn port(&mut self, tag: u8) -> Result<Term, DecodeError> {
        let mut out = vec![tags::NEW_PORT];
        self.node(&mut out)?;
        let id = if tag == tags::V4_PORT { self.u64()? } else { self.u32()?.into() };
        let creation = self.creation(tag == tags::PORT)?;
        // Up to 28 bits OTP 25 writes the shorter form.
        if id < 1 << 28 {
            out.extend((id as u32).to_be_bytes());
        } else {
            out[0] = tags::V4_PORT;
            out.extend(id.to_be_bytes());
        }
        out.extend(creation.to_be_bytes());
        Ok(Term::opaque(class::PORT, [&out, &[]]))
    }

    fn reference(&mut self, tag: u8) -> Result<Term, DecodeError> {
        let count = if tag == tags::REFERENCE { 1 } else { self.u16()? };
        if count > foreign::REFERENCE_WORDS_MAX {
            return Err(DecodeError::Malformed);
        }
        let mut out = vec![tags::NEWER_REFERENCE];
        out.extend(count.to_be_bytes());
        let local = self.node(&mut out)?;
        // The oldest form has the creation at the end.
        let first = if tag == tags::REFERENCE { Some(self.u32()?) } else { None };
        let creation = self.creation(tag != tags::NEWER_REFERENCE)?;
        let words = match first {
            Some(word) => word.to_be_bytes().to_vec(),
            None => self.take(count as usize * 4)?.to_vec(),
        };
        match foreign::own_reference(&words) {
            Some(reference) if local && creation == CREATION => Ok(Term::reference(reference)),
            _ => {
                out.extend(creation.to_be_bytes());
                Ok(Term::opaque(class::REFERENCE, [&out, &words]))
            }
        }
    }

    fn export(&mut self) -> Result<Term, DecodeError> {
        let mut out = vec![tags::EXPORT];
        put_atom(&mut out, &self.name()?.text());
        put_atom(&mut out, &self.name()?.text());
        let [tag, arity] = self.bytes.array().ok_or(DecodeError::Truncated)?;
        if tag != tags::SMALL_INTEGER {
            return Err(DecodeError::Malformed);
        }
        out.extend([tag, arity]);
        Ok(Term::opaque(class::FUN, [&out, &[]]))
    }

    /// A fun is kept as it came; what it carries is looked over, but not built.
    fn fun(&mut self, start: &[u8], tag: u8) -> Result<Term, DecodeError> {
        let before = self.bytes.0.len();
        let size = if tag == tags::NEW_FUN {
            let size = self.u32()?;
            self.take(1 + 16 + 4)?;
            Some(size)
        } else {
            None
        };
        let carried = self.u32()? as u64;
        foreign::skip(&mut self.bytes, carried + 4).ok_or(DecodeError::Malformed)?;
        let used = before - self.bytes.0.len();
        if size.is_some_and(|size| size as usize != used) {
            return Err(DecodeError::Malformed);
        }
        // What was promised elsewhere must still fit behind it; the next header checks that.
        Ok(Term::opaque(class::FUN, [start.get(..1 + used).unwrap_or_default(), &[]]))
    }
}

/// Puts the next element into a container; whether it is full now.
fn put(container: &mut Open, value: Term) -> Result<bool, DecodeError> {
    match container {
        Open::Items { whole, next } => {
            // SAFETY: the decoder made this payload and has shown it to nobody.
            let items = unsafe { heap::items_mut(whole) };
            if let Some(place) = items.get_mut(*next) {
                *place = value;
            }
            *next += 1;
            Ok(*next >= items.len())
        }
        Open::List { last, left: 0, .. } => {
            // SAFETY: the decoder made this cell and has shown it to nobody; `first` does not read it meanwhile.
            unsafe { heap::items_mut(last)[0] = value };
            Ok(true)
        }
        Open::List { first, last, left } => {
            let cell = made(heap::cons(value, Term::nil()))?;
            *left -= 1;
            let (meta, word) = (cell.meta, cell.value);
            if first.is_nil() {
                *first = cell;
            } else {
                // SAFETY: as above.
                unsafe { heap::items_mut(last)[0] = cell };
            }
            *last = ManuallyDrop::new(Term { meta, value: word });
            Ok(false)
        }
    }
}

/// A container that has all its elements, as a term.
fn close(container: Open) -> Result<Term, DecodeError> {
    match container {
        Open::List { first, .. } => Ok(first),
        Open::Items { mut whole, .. } => {
            if whole.tag() == kinds::MAP {
                // SAFETY: the decoder made this payload and has shown it to nobody.
                sort(unsafe { heap::items_mut(&mut whole) })?;
            }
            Ok(whole)
        }
    }
}

/// Brings the keys of a map into their order, in which small maps arrive. The same key twice is an error, as in OTP.
fn sort(items: &mut [Term]) -> Result<(), DecodeError> {
    let ascends = |pairs: &[Term]| {
        pairs.chunks_exact(2).zip(pairs[2..].chunks_exact(2)).all(|(a, b)| order::compare(&a[0], &b[0], true).is_lt())
    };
    if ascends(items) {
        return Ok(());
    }
    let mut pairs: Vec<[Term; 2]> =
        items.chunks_exact_mut(2).map(|pair| [std::mem::take(&mut pair[0]), std::mem::take(&mut pair[1])]).collect();
    pairs.sort_unstable_by(|a, b| order::compare(&a[0], &b[0], true));
    for (place, term) in items.iter_mut().zip(pairs.into_iter().flatten()) {
        *place = term;
    }
    if ascends(items) { Ok(()) } else { Err(DecodeError::DuplicateKey) }
}

fn made(term: Term) -> Result<Term, DecodeError> {
    if term.is_invalid() { Err(DecodeError::NoMemory) } else { Ok(term) }
}

fn finite(value: f64) -> Result<Term, DecodeError> {
    if value.is_finite() { Ok(Term::float(value)) } else { Err(DecodeError::Malformed) }
}

/// A float as text, such as `1.00000000000000000000e+00`, filled up with zeros.
fn old_float(text: &[u8]) -> Result<Term, DecodeError> {
    let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    let text = std::str::from_utf8(&text[..end]).map_err(|_| DecodeError::Malformed)?;
    finite(text.trim().parse().map_err(|_| DecodeError::Malformed)?)
}
