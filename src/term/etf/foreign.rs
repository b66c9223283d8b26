//! Atoms, pids, references, ports and funs in the external format: writing ours, and reading what passes through.
//!
//! The external form of an opaque term is *canonical*: what OTP 25 writes for it, whichever older form came in, so
//! that equal ones have equal bytes. Funs with an environment are the exception; they keep the bytes they came in.

use super::{CREATION, tags};
use crate::term::{Pid, Ref, atoms};

/// Bytes read from the front. Every reader gives None when there are too few.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(front)
    }

    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (front, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*front)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// An atom's name, in whichever of the four forms; None also for any other term. Not made into an atom.
    pub fn atom(&mut self) -> Option<AtomName<'a>> {
        let tag = self.u8()?;
        self.atom_after(tag)
    }

    /// The same, when the tag has been read.
    pub fn atom_after(&mut self, tag: u8) -> Option<AtomName<'a>> {
        let length = match tag {
            tags::ATOM | tags::ATOM_UTF8 => self.u16()? as usize,
            tags::SMALL_ATOM | tags::SMALL_ATOM_UTF8 => self.u8()? as usize,
            _ => return None,
        };
        let name = self.take(length)?;
        match tag {
            tags::ATOM_UTF8 | tags::SMALL_ATOM_UTF8 => {
                let name = std::str::from_utf8(name).ok()?;
                // Four bytes a character at most, so this looks at no more than about a thousand.
                let fits = length <= 4 * ATOM_MAX && name.chars().count() <= ATOM_MAX;
                fits.then_some(AtomName::Utf8(name))
            }
            _ => (length <= ATOM_MAX).then_some(AtomName::Latin1(name)),
        }
    }
}

use crate::term::atom::ATOM_CHARACTERS_MAX as ATOM_MAX;

/// The name of an atom as it came in.
#[derive(Clone, Copy)]
pub(super) enum AtomName<'a> {
    Utf8(&'a str),
    Latin1(&'a [u8]),
}

impl AtomName<'_> {
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        match self {
            AtomName::Utf8(name) => (*name).into(),
            AtomName::Latin1(name) if name.is_ascii() => String::from_utf8_lossy(name),
            AtomName::Latin1(name) => name.iter().map(|&byte| byte as char).collect::<String>().into(),
        }
    }
}

/// Writes an atom as OTP 25 does: in Latin-1 where that is possible.
pub(super) fn put_atom(out: &mut Vec<u8>, name: &str) {
    if name.chars().all(|character| character as u32 <= 0xff) {
        out.push(tags::ATOM);
        // At most 255 characters, by the atom table's limit.
        out.extend((name.chars().count() as u16).to_be_bytes());
        out.extend(name.chars().map(|character| character as u32 as u8));
    } else {
        match u8::try_from(name.len()) {
            Ok(length) => out.extend([tags::SMALL_ATOM_UTF8, length]),
            Err(_) => {
                out.push(tags::ATOM_UTF8);
                out.extend((name.len() as u16).to_be_bytes());
            }
        }
        out.extend(name.as_bytes());
    }
}

/// Writes a pid of ours. The index is Erlang's id, the generation its serial; the upper 4 bits of the generation
/// have only room above the index. So Erlang shows most pids of ours with our numbers.
pub(super) fn put_pid(out: &mut Vec<u8>, pid: Pid) {
    out.push(tags::NEW_PID);
    put_atom(out, atoms::NONODE_NOHOST.as_str());
    let (serial, high) = (pid.generation() as u32, (pid.generation() >> 32) as u32);
    for word in [pid.index() | high << Pid::INDEX_BITS, serial, CREATION] {
        out.extend(word.to_be_bytes());
    }
}

/// The pid whose id and serial these are.
pub(super) fn own_pid(id: u32, serial: u32) -> Pid {
    Pid::new(id, serial as u64 | ((id >> Pid::INDEX_BITS) as u64) << 32)
}

/// The words of a reference of ours, lowest first: 18 bits, which is all that Erlang takes in the first, 32, 14.
pub(in crate::term) fn reference_words(reference: Ref) -> [u32; 3] {
    [(reference.0 & 0x3_ffff) as u32, (reference.0 >> 18) as u32, (reference.0 >> 50) as u32]
}

pub(super) fn put_reference(out: &mut Vec<u8>, reference: Ref) {
    out.push(tags::NEWER_REFERENCE);
    out.extend(3u16.to_be_bytes());
    put_atom(out, atoms::NONODE_NOHOST.as_str());
    out.extend(CREATION.to_be_bytes());
    out.extend(reference_words(reference).iter().flat_map(|word| word.to_be_bytes()));
}

/// The reference of those words, if they can be one of ours.
pub(super) fn own_reference(words: &[u8]) -> Option<Ref> {
    let mut bytes = Bytes(words);
    let (low, middle, high) = (bytes.u32()?, bytes.u32()?, bytes.u32()?);
    (bytes.0.is_empty() && low >> 18 == 0 && high >> 14 == 0)
        .then_some(Ref(low as u64 | (middle as u64) << 18 | (high as u64) << 50))
}

/// What an opaque term shows when it is printed.
pub(in crate::term) enum Foreign {
    Pid { node: String, id: u32, serial: u32 },
    Port { node: String, id: u64 },
    Reference { node: String, words: Vec<u32> },
    Export { module: String, function: String, arity: u8 },
    Fun { module: String, index: i64, unique: i64 },
}

/// Reads the external form of an opaque term.
pub(in crate::term) fn read(external: &[u8]) -> Option<Foreign> {
    let mut bytes = Bytes(external);
    let name = |bytes: &mut Bytes<'_>| Some(bytes.atom()?.text().into_owned());
    Some(match bytes.u8()? {
        tags::NEW_PID => Foreign::Pid { node: name(&mut bytes)?, id: bytes.u32()?, serial: bytes.u32()? },
        tags::NEW_PORT => Foreign::Port { node: name(&mut bytes)?, id: bytes.u32()?.into() },
        tags::V4_PORT => Foreign::Port { node: name(&mut bytes)?, id: bytes.u64()? },
        tags::NEWER_REFERENCE => {
            let length = bytes.u16()?;
            let node = name(&mut bytes)?;
            let _creation = bytes.u32()?;
            Foreign::Reference { node, words: (0..length).map_while(|_| bytes.u32()).collect() }
        }
        tags::EXPORT => {
            let (module, function) = (name(&mut bytes)?, name(&mut bytes)?);
            bytes.take(1)?;
            Foreign::Export { module, function, arity: bytes.u8()? }
        }
        tags::NEW_FUN => {
            // Size, arity, checksum, index, number of free variables.
            bytes.take(4 + 1 + 16 + 4 + 4)?;
            Foreign::Fun { module: name(&mut bytes)?, index: small(&mut bytes)?, unique: small(&mut bytes)? }
        }
        tags::FUN => {
            bytes.take(4)?;
            skip(&mut bytes, 1)?;
            Foreign::Fun { module: name(&mut bytes)?, index: small(&mut bytes)?, unique: small(&mut bytes)? }
        }
        _ => return None,
    })
}

/// An integer of at most 32 bits, signed or not.
fn small(bytes: &mut Bytes<'_>) -> Option<i64> {
    match bytes.u8()? {
        tags::SMALL_INTEGER => bytes.u8().map(i64::from),
        tags::INTEGER => bytes.u32().map(|value| (value as i32).into()),
        tags::SMALL_BIG => {
            let (length, sign) = (bytes.u8()?, bytes.u8()?);
            let magnitude = bytes.take(length as usize)?;
            let value =
                (length <= 4).then(|| magnitude.iter().rev().fold(0, |value, &byte| value << 8 | byte as i64))?;
            Some(if sign == 0 { value } else { -value })
        }
        _ => None,
    }
}

/// Passes over so many terms, checking their shape but building nothing: for what funs carry. Needs no stack, since
/// only how many terms are still to come matters.
pub(super) fn skip(bytes: &mut Bytes<'_>, count: u64) -> Option<()> {
    let mut left = count;
    while left > 0 {
        left -= 1;
        let tag = bytes.u8()?;
        // What a term is followed by: plain bytes, then terms.
        let (plain, terms): (u64, u64) = match tag {
            tags::NIL => (0, 0),
            tags::SMALL_INTEGER => (1, 0),
            tags::INTEGER => (4, 0),
            tags::NEW_FLOAT => {
                let value = f64::from_bits(bytes.u64()?);
                if !value.is_finite() {
                    return None;
                }
                (0, 0)
            }
            tags::FLOAT => (31, 0),
            tags::ATOM | tags::SMALL_ATOM | tags::ATOM_UTF8 | tags::SMALL_ATOM_UTF8 => {
                bytes.atom_after(tag)?;
                (0, 0)
            }
            tags::SMALL_TUPLE => (0, bytes.u8()?.into()),
            tags::LARGE_TUPLE => (0, bytes.u32()?.into()),
            tags::LIST => (0, bytes.u32()? as u64 + 1),
            tags::MAP => (0, bytes.u32()? as u64 * 2),
            tags::STRING => (bytes.u16()?.into(), 0),
            tags::BINARY => (bytes.u32()?.into(), 0),
            tags::BIT_BINARY => {
                let length = bytes.u32()?;
                let used = bytes.u8()?;
                if used > 8 || (used == 0) != (length == 0) {
                    return None;
                }
                (length.into(), 0)
            }
            tags::SMALL_BIG => (bytes.u8()? as u64 + 1, 0),
            tags::LARGE_BIG => (bytes.u32()? as u64 + 1, 0),
            tags::PID | tags::NEW_PID | tags::PORT | tags::NEW_PORT | tags::V4_PORT | tags::REFERENCE => {
                bytes.atom()?;
                (identity_length(tag), 0)
            }
            tags::NEW_REFERENCE | tags::NEWER_REFERENCE => {
                let words = bytes.u16()?;
                if words > REFERENCE_WORDS_MAX {
                    return None;
                }
                bytes.atom()?;
                (words as u64 * 4 + if tag == tags::NEW_REFERENCE { 1 } else { 4 }, 0)
            }
            tags::EXPORT => {
                bytes.atom()?;
                bytes.atom()?;
                if bytes.u8()? != tags::SMALL_INTEGER {
                    return None;
                }
                (1, 0)
            }
            tags::NEW_FUN => {
                // Size, arity, checksum, index; then module, old index, old checksum, pid, and what is carried.
                bytes.take(4 + 1 + 16 + 4)?;
                (0, bytes.u32()? as u64 + 4)
            }
            // Pid, module, index, checksum, and what is carried.
            tags::FUN => (0, bytes.u32()? as u64 + 4),
            _ => return None,
        };
        bytes.take(usize::try_from(plain).ok()?)?;
        left += terms;
        // Each term is a byte at least, so this ends a lie early; it also keeps the sum from overflowing.
        if left > bytes.0.len() as u64 {
            return None;
        }
    }
    Some(())
}

/// Most words of a reference, since OTP 24.
pub(super) const REFERENCE_WORDS_MAX: u16 = 5;

/// How many bytes follow the node of a pid, port or old reference.
fn identity_length(tag: u8) -> u64 {
    match tag {
        tags::PID => 4 + 4 + 1,
        tags::NEW_PID | tags::V4_PORT => 12,
        tags::PORT | tags::REFERENCE => 4 + 1,
        _ => 8,
    }
}
