//! Terms as Erlang's `~w` prints them: `{ok,[97,98],<<1,2>>,#{a => 1.0e22}}`. [`Pretty`]: as `~0tp` does, with what is
//! text printed as text: `{ok,"ab",<<1,2>>,<<"name">>}`.
//!
//! What has no words in Erlang: a pid or reference of another node is printed with the node's name where Erlang has
//! a number that only it knows (`<a@b.1.0>`), a resource as `#Resource<0x...>`, the invalid term as `#Invalid`.

use std::fmt::{self, Write};

use super::etf::foreign::{self, Foreign};
use super::{ListIter, Pid, Ref, Term, digits, kinds};

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_term(f, self, false)
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_term(f, self, false)
    }
}

/// A term for people to read, on one line: as Erlang's `~0tp`, where every printable character of Unicode counts as
/// text (`erl +pc unicode`).
pub struct Pretty<'a>(pub &'a Term);

impl fmt::Display for Pretty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_term(f, self.0, true)
    }
}

/// A container of which something is still to be printed.
enum Open<'a> {
    Tuple(std::slice::Iter<'a, Term>),
    List(ListIter<'a>),
    /// The items of a map; an even number left means that a key comes next.
    Map(std::slice::Iter<'a, Term>),
    /// The tail of an improper list has been printed: the bracket is missing.
    Tail,
}

/// Prints without recursion: containers that are not finished wait on a stack.
fn write_term(out: &mut dyn Write, term: &Term, pretty: bool) -> fmt::Result {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut term = term;
    loop {
        // Begins with what the term begins with; a container is left open after its bracket and first element.
        let first = match term.tag() {
            kinds::TUPLE => {
                out.write_char('{')?;
                let mut items = term.as_tuple().unwrap_or_default().iter();
                let first = items.next();
                open.push(Open::Tuple(items));
                first
            }
            kinds::CONS if pretty && string(term).is_some() => {
                write_text(out, string(term).unwrap_or_default().chars())?;
                None
            }
            kinds::CONS => {
                out.write_char('[')?;
                let mut elements = term.list_iter();
                let first = elements.next();
                open.push(Open::List(elements));
                first
            }
            kinds::MAP => {
                out.write_str("#{")?;
                let mut items = term.as_map().map_or(&[][..], |map| map.items()).iter();
                let first = items.next();
                open.push(Open::Map(items));
                first
            }
            kinds::SHORT_BYTES | kinds::BYTES if pretty => {
                write_bytes(out, term.as_bytes().unwrap_or_default())?;
                None
            }
            kinds::ATOM if pretty => {
                write_name(out, term.as_atom().map_or("", |atom| atom.as_str()), is_printable)?;
                None
            }
            _ => {
                write_flat(out, term)?;
                None
            }
        };
        term = match first {
            Some(first) => first,
            None => match next(out, &mut open)? {
                Some(next) => next,
                None => return Ok(()),
            },
        };
    }
}

/// Closes what is finished, and finds the next term to print, after its comma.
fn next<'a>(out: &mut dyn Write, open: &mut Vec<Open<'a>>) -> Result<Option<&'a Term>, fmt::Error> {
    loop {
        let Some(container) = open.last_mut() else { return Ok(None) };
        let (next, separator, close) = match container {
            Open::Tuple(items) => (items.next(), ",", "}"),
            Open::Map(items) => {
                let separator = if items.len() % 2 == 0 { "," } else { " => " };
                (items.next(), separator, "}")
            }
            Open::List(elements) => match elements.next() {
                None if !elements.tail().is_nil() => {
                    let tail = elements.tail();
                    *container = Open::Tail;
                    (Some(tail), "|", "]")
                }
                next => (next, ",", "]"),
            },
            Open::Tail => (None, "", "]"),
        };
        if next.is_some() {
            out.write_str(separator)?;
            return Ok(next);
        }
        out.write_str(close)?;
        open.pop();
    }
}

/// Prints a term that holds no other.
fn write_flat(out: &mut dyn Write, term: &Term) -> fmt::Result {
    match term.tag() {
        kinds::NIL => out.write_str("[]"),
        kinds::INT => write!(out, "{}", term.value as i64),
        kinds::FLOAT => digits::write_float(out, f64::from_bits(term.value)),
        kinds::BIG => {
            let (negative, magnitude) = term.as_big().unwrap_or((false, &[]));
            digits::write_big(out, negative, magnitude)
        }
        kinds::ATOM => write_atom(out, term.as_atom().map_or("", |atom| atom.as_str())),
        kinds::PID => {
            let pid = Pid(term.value);
            write!(out, "<0.{}.{}>", pid.index(), pid.generation())
        }
        kinds::REFERENCE => {
            let [low, middle, high] = foreign::reference_words(Ref(term.value));
            write!(out, "#Ref<0.{high}.{middle}.{low}>")
        }
        kinds::EMPTY_TUPLE => out.write_str("{}"),
        kinds::EMPTY_MAP => out.write_str("#{}"),
        kinds::SHORT_BYTES | kinds::BYTES => write_bits(out, term.as_bytes().unwrap_or_default(), 8),
        kinds::RESOURCE => write!(out, "#Resource<{:#x}>", term.value),
        kinds::OPAQUE => match term.as_bits() {
            Some((bytes, used)) => write_bits(out, bytes, used),
            None => write_foreign(out, term),
        },
        _ => out.write_str("#Invalid"),
    }
}

/// The text that a list is, if all of it is printable (`io_lib:printable_unicode_list/1`).
fn string(list: &Term) -> Option<String> {
    let mut elements = list.list_iter();
    let text: Option<String> = elements
        .by_ref()
        .map(|element| char::from_u32(u32::try_from(element.as_int()?).ok()?).filter(|&c| is_printable(c)))
        .collect();
    text.filter(|_| elements.tail().is_nil())
}

/// Bytes as text: of UTF-8, else of Latin-1, else as numbers.
fn write_bytes(out: &mut dyn Write, bytes: &[u8]) -> fmt::Result {
    let latin1 = || bytes.iter().map(|&byte| char::from(byte));
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && text.chars().all(is_printable) => {
            out.write_str("<<")?;
            write_text(out, text.chars())?;
            out.write_str(if text.is_ascii() { ">>" } else { "/utf8>>" })
        }
        Err(_) if latin1().all(is_printable) => {
            out.write_str("<<")?;
            write_text(out, latin1())?;
            out.write_str(">>")
        }
        _ => write_bits(out, bytes, 8),
    }
}

/// Rule: `io_lib:printable_unicode_list/1`.
fn is_printable(character: char) -> bool {
    match character {
        '\n' | '\r' | '\t' | '\x0b' | '\x08' | '\x0c' | '\x1b' | ' '..='~' => true,
        // Surrogates are no `char`.
        '\u{fffe}' | '\u{ffff}' => false,
        _ => character >= '\u{a0}',
    }
}

fn write_text(out: &mut dyn Write, text: impl Iterator<Item = char>) -> fmt::Result {
    out.write_char('"')?;
    for character in text {
        match character {
            '"' | '\\' => write!(out, "\\{character}")?,
            _ => match escape(character) {
                Some(letter) => write!(out, "\\{letter}")?,
                None => out.write_char(character)?,
            },
        }
    }
    out.write_char('"')
}

/// The letter of a character that is written by one, after a backslash.
fn escape(character: char) -> Option<char> {
    Some(match character {
        '\n' => 'n',
        '\t' => 't',
        '\r' => 'r',
        '\x0b' => 'v',
        '\x08' => 'b',
        '\x0c' => 'f',
        '\x1b' => 'e',
        '\x7f' => 'd',
        _ => return None,
    })
}

fn write_bits(out: &mut dyn Write, bytes: &[u8], used: u8) -> fmt::Result {
    out.write_str("<<")?;
    for (index, byte) in bytes.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        if used < 8 && index + 1 == bytes.len() {
            write!(out, "{comma}{}:{used}", byte >> (8 - used))?;
        } else {
            write!(out, "{comma}{byte}")?;
        }
    }
    out.write_str(">>")
}

fn write_foreign(out: &mut dyn Write, term: &Term) -> fmt::Result {
    match foreign::read(term.as_opaque().unwrap_or_default()) {
        Some(Foreign::Pid { node, id, serial }) => {
            out.write_char('<')?;
            write_node(out, &node)?;
            write!(out, ".{id}.{serial}>")
        }
        Some(Foreign::Port { node, id }) => {
            out.write_str("#Port<")?;
            write_node(out, &node)?;
            write!(out, ".{id}>")
        }
        Some(Foreign::Reference { node, words }) => {
            out.write_str("#Ref<")?;
            write_node(out, &node)?;
            words.iter().rev().try_for_each(|word| write!(out, ".{word}"))?;
            out.write_char('>')
        }
        Some(Foreign::Export { module, function, arity }) => {
            out.write_str("fun ")?;
            write_atom(out, &module)?;
            out.write_char(':')?;
            write_atom(out, &function)?;
            write!(out, "/{arity}")
        }
        Some(Foreign::Fun { module, index, unique }) => {
            out.write_str("#Fun<")?;
            write_atom(out, &module)?;
            write!(out, ".{index}.{unique}>")
        }
        None => out.write_str("#Opaque"),
    }
}

/// The node `nonode@nohost` is this one, or was once: 0, as Erlang prints it.
fn write_node(out: &mut dyn Write, node: &str) -> fmt::Result {
    if node == super::atoms::NONODE_NOHOST.as_str() { out.write_char('0') } else { out.write_str(node) }
}

/// Words that need quotes to be atoms (`erl_scan:reserved_word/1`).
const RESERVED: [&str; 27] = [
    "after", "and", "andalso", "band", "begin", "bnot", "bor", "bsl", "bsr", "bxor", "case", "catch", "cond", "div",
    "end", "fun", "if", "let", "not", "of", "or", "orelse", "receive", "rem", "try", "when", "xor",
];

/// An atom, in quotes where Erlang wants them. As `~w`: beyond Latin-1, characters are written by number.
pub(super) fn write_atom(out: &mut (impl Write + ?Sized), name: &str) -> fmt::Result {
    write_name(out, name, |character| matches!(character, ' '..='~' | '\u{a0}'..='\u{ff}'))
}

/// As [`write_atom`]; within quotes, characters stand for themselves where `plain` says so.
fn write_name(out: &mut (impl Write + ?Sized), name: &str, plain: impl Fn(char) -> bool) -> fmt::Result {
    // Lower case, Latin-1; 247 is the division sign.
    let starts = |c: char| c.is_ascii_lowercase() || matches!(c as u32, 0xdf..=0xff if c as u32 != 0xf7);
    // 215 is the multiplication sign.
    let goes_on = |c: char| {
        starts(c)
            || c.is_ascii_alphanumeric()
            || c == '_'
            || c == '@'
            || matches!(c as u32, 0xc0..=0xde if c as u32 != 0xd7)
    };
    let is_reserved = RESERVED.binary_search(&name).is_ok();
    if name.chars().next().is_some_and(starts) && name.chars().all(goes_on) && !is_reserved {
        return out.write_str(name);
    }
    out.write_char('\'')?;
    for character in name.chars() {
        match character {
            '\'' | '\\' => write!(out, "\\{character}")?,
            _ => match escape(character) {
                Some(letter) => write!(out, "\\{letter}")?,
                None if plain(character) => out.write_char(character)?,
                None if character <= '\u{9f}' => write!(out, "\\{:03o}", character as u32)?,
                None => write!(out, "\\x{{{:X}}}", character as u32)?,
            },
        }
    }
    out.write_char('\'')
}
