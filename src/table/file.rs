//! Tables in files.
//!
//! ```text
//! "regrow table 1\n"                                         15 bytes
//! frame, frame, ...     length (4 bytes), checksum (4), the number of the frame (4), then a term in the
//!                                                           external format
//! ```
//!
//! Numbers are little-endian. The first frame's term is `{Name, Type, Protection, KeyPosition}`, the next ones' are
//! lists of objects, the last one's is how many objects there are. The checksum (CRC-32) covers length, number and
//! term. So a file that was cut at any byte, or changed anywhere, is refused as a whole: nothing of it is loaded.
//!
//! A file is written beside its place, flushed to the disk, and then takes the place of what was there: it is the old
//! one or the new one, whenever the machine stops.

use super::select::{Cursor, part};
use super::{Access, Error, Kind, TableSpec, delete, insert, reading};
use crate::pattern::{Gives, Spec};
use crate::term::etf::{self, Limits};
use crate::term::{Ref, Term};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

const MAGIC: &[u8] = b"regrow table 1\n";
/// Objects in a frame.
const FRAME_OBJECTS: usize = 1000;

/// CRC-32 as in zip and PNG, a byte at a time.
fn checksum(parts: [&[u8]; 3]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let (mut value, mut bit) = (byte as u32, 0);
            while bit < 8 {
                value = if value & 1 == 1 { value >> 1 ^ 0xedb8_8320 } else { value >> 1 };
                bit += 1;
            }
            table[byte] = value;
            byte += 1;
        }
        table
    };
    let bytes = parts.into_iter().flatten();
    !bytes.fold(!0, |sum, byte| TABLE[usize::from(sum as u8 ^ byte)] ^ sum >> 8)
}

fn failed(error: &io::Error) -> Error {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "enoent",
        io::ErrorKind::PermissionDenied => "eacces",
        io::ErrorKind::StorageFull => "enospc",
        io::ErrorKind::IsADirectory => "eisdir",
        _ => "io_error",
    };
    Error::File(Term::atom_named(reason), error.to_string())
}

fn bad(text: &str) -> Error {
    Error::File(Term::atom_named("bad_file"), text.into())
}

struct Writer {
    file: BufWriter<File>,
    number: u32,
}

impl Writer {
    fn frame(&mut self, term: &Term) -> Result<(), Error> {
        let bytes = etf::encode(term).map_err(|error| {
            Error::File(Term::atom_named("badarg"), format!("an object has no external form: {error}"))
        })?;
        let length = u32::try_from(bytes.len()).map_err(|_| Error::Limit)?.to_le_bytes();
        let number = self.number.to_le_bytes();
        self.number = self.number.checked_add(1).ok_or(Error::Limit)?;
        let sum = checksum([&length, &number, &bytes]).to_le_bytes();
        let mut write = || -> io::Result<()> {
            self.file.write_all(&length)?;
            self.file.write_all(&sum)?;
            self.file.write_all(&number)?;
            self.file.write_all(&bytes)
        };
        write().map_err(|error| failed(&error))
    }
}

/// Writes a table to a file. Objects that are there all the time are in it; one that has no external form (a resource)
/// is an error, and the file stays as it was. Blocks.
pub fn to_file(table: Ref, path: &Path) -> Result<(), Error> {
    let header = reading(table, |table| {
        let name = table.meta.lock().name.clone();
        Ok(Term::tuple_of([
            name.as_deref().map_or_else(Term::nil, Term::text),
            Term::atom(table.kind.atom()),
            Term::atom(table.access.atom()),
            Term::int(table.position as i64 + 1),
        ]))
    })?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = path.file_name().ok_or(Error::Argument("the path names no file"))?.to_owned();
    beside.push(format!(".{}-{:x}.part", std::process::id(), Ref::fresh().0));
    let beside = directory.join(beside);
    let written = write(table, &header, &beside).and_then(|()| {
        fs::rename(&beside, path).map_err(|error| failed(&error))?;
        // The name's own way to the disk; not every file system lets a directory be flushed.
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
        Ok(())
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write(table: Ref, header: &Term, path: &Path) -> Result<(), Error> {
    let file = File::options().write(true).create_new(true).open(path).map_err(|error| failed(&error))?;
    let mut writer = Writer { file: BufWriter::new(file), number: 0 };
    writer.file.write_all(MAGIC).map_err(|error| failed(&error))?;
    writer.frame(header)?;
    let all = Spec::pattern(&Term::atom_named("_"), Gives::Object)?;
    let mut cursor = Some(Cursor::Start);
    let mut count = 0;
    while let Some(from) = cursor {
        let (objects, next) = part(table, &all, from, FRAME_OBJECTS)?;
        count += objects.len();
        writer.frame(&Term::list(objects))?;
        cursor = next;
    }
    writer.frame(&Term::int(count as i64))?;
    let file = writer.file.into_inner().map_err(|error| failed(error.error()))?;
    file.sync_all().map_err(|error| failed(&error))
}

struct Reader<'a> {
    rest: &'a [u8],
    number: u32,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| bad("the file is cut off"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<(u32, &'a [u8]), Error> {
        let bytes = self.take(4)?;
        Ok((bytes.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte)), bytes))
    }

    fn frame(&mut self) -> Result<Term, Error> {
        let (length, length_bytes) = self.number()?;
        let (sum, _) = self.number()?;
        let (number, number_bytes) = self.number()?;
        let bytes = self.take(length as usize)?;
        if checksum([length_bytes, number_bytes, bytes]) != sum || number != self.number {
            return Err(bad("a checksum is wrong"));
        }
        self.number += 1;
        // What was written is read again, however large: its terms take room as its bytes do, and nothing unpacks.
        let limits = Limits {
            max_bytes: bytes.len() + 1,
            max_depth: usize::MAX,
            max_new_atoms: usize::MAX,
            max_integer_bytes: usize::MAX,
        };
        etf::decode(bytes, &limits).map_err(|error| bad(&format!("a frame is no term: {error}")))
    }
}

/// Makes a table of the calling process from a file, as it was: with its name, which must be free, type, protection and
/// key position, without its heir. All of it or nothing. Blocks.
pub fn from_file(path: &Path) -> Result<Ref, Error> {
    let mut file = File::open(path).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    // What is no table is not read to its end, which a device may not have.
    Read::by_ref(&mut file).take(MAGIC.len() as u64).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    if bytes != MAGIC {
        return Err(bad("not a table"));
    }
    bytes.clear();
    file.read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    let mut reader = Reader { rest: &bytes, number: 0 };
    let header = reader.frame()?;
    let (spec, mut frames) = (read_header(&header).ok_or_else(|| bad("the header is unknown"))?, Vec::new());
    let mut count = 0;
    loop {
        let frame = reader.frame()?;
        if let Some(total) = frame.as_int() {
            if usize::try_from(total) != Ok(count) || !reader.rest.is_empty() {
                return Err(bad("the end is not where it should be"));
            }
            break;
        }
        count += frame.list_len().ok_or_else(|| bad("a frame is no list"))?;
        let is_object = |object: &Term| object.as_tuple().is_some_and(|object| object.len() > spec.position);
        if !frame.list_iter().all(is_object) {
            return Err(bad("an object has no key"));
        }
        frames.push(frame);
    }
    // Nobody finds it by its name before it is whole.
    let name = spec.name.clone();
    let table = super::new(TableSpec { name: None, ..spec })?;
    let filled = frames.into_iter().try_for_each(|frame| insert(table, frame));
    let named = filled.and_then(|()| match name {
        Some(name) => super::owners::name(table, name),
        None => Ok(()),
    });
    match named {
        Ok(()) => Ok(table),
        Err(error) => {
            let _ = delete(table);
            Err(error)
        }
    }
}

fn read_header(header: &Term) -> Option<TableSpec> {
    let [name, kind, access, position] = header.as_tuple()? else { return None };
    let name = if name.is_nil() { None } else { Some(name.as_text()?.into()) };
    let position = usize::try_from(position.as_int()?).ok()?.checked_sub(1)?;
    Some(TableSpec {
        name,
        kind: Kind::named(kind.as_atom()?.as_str())?,
        access: Access::named(access.as_atom()?.as_str())?,
        position,
        heir: None,
    })
}
