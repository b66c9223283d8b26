//! Erlang's portable hash: `erlang:phash2/1,2`, the same numbers on every machine and in every release.
//!
//! For what a program and a BEAM must agree on, such as which partition a key belongs to; `hash.rs` is faster where
//! nobody else looks. Terms of ours that Erlang has no equal of (pids, references, resources, and what is passed
//! through but for bitstrings) hash alike when they are equal, and that is all.
//!
//! Where it is from: the numbers of OTP 25, by the mixing function of Bob Jenkins ("A Hash Function for Hash Table
//! Lookup", 1997), which the ERTS uses; checked against a real Erlang in `tests/term_erlang.rs`.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use super::{Kind, Term, heap};

const GOLDEN: u32 = 0x9e37_79b9;

/// Which multiple of the golden ratio goes with which kind.
mod salt {
    pub const SMALL: u32 = 1;
    pub const NIL: u32 = 2;
    pub const ATOM: u32 = 3;
    pub const STRING: u32 = 4;
    pub const NEGATIVE: u32 = 10;
    pub const POSITIVE: u32 = 11;
    pub const FLOAT: u32 = 12;
    pub const BYTES: u32 = 13;
    pub const BITS: u32 = 15;
    pub const MAP: u32 = 16;
    pub const PAIRS: u32 = 19;
    pub const TUPLE: u32 = 9;
}

/// `[]` alone.
const NIL_ALONE: u32 = 3_468_870_702;
/// What `[]` counts as behind something else.
const NIL_WORD: u32 = 2;

fn salted(which: u32) -> u32 {
    GOLDEN.wrapping_mul(which)
}

fn mix(mut a: u32, mut b: u32, mut c: u32) -> (u32, u32, u32) {
    for (first, second, third) in [(13, 8, 13), (12, 16, 5), (3, 10, 15)] {
        a = a.wrapping_sub(b).wrapping_sub(c) ^ c >> first;
        b = b.wrapping_sub(c).wrapping_sub(a) ^ a << second;
        c = c.wrapping_sub(a).wrapping_sub(b) ^ b >> third;
    }
    (a, b, c)
}

fn with_two(hash: u32, first: u32, second: u32, which: u32) -> u32 {
    let salt = salted(which);
    mix(salt.wrapping_add(first), salt.wrapping_add(second), hash).2
}

fn with_one(hash: u32, word: u32, which: u32) -> u32 {
    with_two(hash, word, 0, which)
}

fn with_int(hash: u32, value: i64) -> u32 {
    // From 28 bits on as a big one.
    if !(-(1 << 27)..1 << 27).contains(&value) {
        let which = if value < 0 { salt::NEGATIVE } else { salt::POSITIVE };
        let size = value.unsigned_abs();
        return with_two(hash, size as u32, (size >> 32) as u32, which);
    }
    let hash = if value < 0 { with_one(hash, value.unsigned_abs() as u32, salt::SMALL) } else { hash };
    with_one(hash, value as u32, salt::SMALL)
}

fn with_big(mut hash: u32, negative: bool, magnitude: &[u8]) -> u32 {
    for digit in magnitude.chunks(8) {
        let word = |range: std::ops::Range<usize>| {
            range.rev().fold(0, |word, at| word << 8 | u32::from(digit.get(at).copied().unwrap_or(0)))
        };
        hash = with_two(hash, word(0..4), word(4..8), if negative { salt::NEGATIVE } else { salt::POSITIVE });
    }
    hash
}

/// An atom's own hash: P. J. Weinberger's, over its characters; those from U+0080 to U+00FF count as one byte.
fn of_atom(name: &str) -> u32 {
    let mut bytes = name.bytes().peekable();
    let mut hash = 0u32;
    while let Some(mut byte) = bytes.next() {
        if byte & 0xfe == 0xc2
            && let Some(next) = bytes.next_if(|next| next & 0xc0 == 0x80)
        {
            byte = byte << 6 | next & 0x3f;
        }
        hash = (hash << 4).wrapping_add(u32::from(byte));
        let high = hash & 0xf000_0000;
        hash = (hash ^ high >> 24) ^ high;
    }
    hash
}

/// The hash of a block, begun with `start`.
fn of_block(bytes: &[u8], start: u32) -> u32 {
    let word = |chunk: &[u8]| chunk.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte));
    let mut chunks = bytes.chunks_exact(12);
    let (mut a, mut b, mut c) = (GOLDEN, GOLDEN, start);
    for chunk in &mut chunks {
        let (first, second, third) = (word(&chunk[..4]), word(&chunk[4..8]), word(&chunk[8..]));
        (a, b, c) = mix(a.wrapping_add(first), b.wrapping_add(second), c.wrapping_add(third));
    }
    let mut rest = [0u8; 12];
    rest[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    // The lowest byte of the last word is the length's.
    c = c.wrapping_add(bytes.len() as u32).wrapping_add(word(&rest[8..]) << 8);
    mix(a.wrapping_add(word(&rest[..4])), b.wrapping_add(word(&rest[4..8])), c).2
}

fn with_bits(hash: u32, bytes: &[u8], used: u8) -> u32 {
    let start = salted(salt::BYTES).wrapping_add(hash);
    if bytes.is_empty() {
        return start;
    }
    if used == 8 {
        return of_block(bytes, start);
    }
    let (last, whole) = bytes.split_last().expect("it is not empty");
    with_two(of_block(whole, start), u32::from(used), u32::from(last >> (8 - used)), salt::BITS)
}

/// What is left to do.
enum Work<'a> {
    Term(&'a Term),
    /// The key and value before it are a pair of the map whose turn it is.
    Pair,
    /// The map is over: what there was before it.
    End {
        hash: u32,
        pairs: u32,
    },
}

impl Term {
    /// `erlang:phash2(Term, 4294967296)`: all 32 bits.
    pub fn phash2(&self) -> u32 {
        let (mut hash, mut pairs) = (0, 0);
        let mut todo = vec![Work::Term(self)];
        while let Some(work) = todo.pop() {
            match work {
                Work::Pair => {
                    pairs ^= hash;
                    hash = 0;
                }
                Work::End { hash: before, pairs: around } => {
                    hash = with_one(before, pairs, salt::PAIRS);
                    pairs = around;
                }
                Work::Term(term) => hash = with_term(hash, term, &mut pairs, &mut todo),
            }
        }
        hash
    }

    /// `erlang:phash2(Term, Range)`: from 0 to `range` - 1; 0 for a range of 0.
    pub fn phash2_in(&self, range: u32) -> u32 {
        self.phash2().checked_rem(range).unwrap_or(0)
    }
}

fn with_term<'a>(mut hash: u32, term: &'a Term, pairs: &mut u32, todo: &mut Vec<Work<'a>>) -> u32 {
    match term.kind() {
        Kind::Nil if hash == 0 => NIL_ALONE,
        Kind::Nil => with_one(hash, NIL_WORD, salt::NIL),
        Kind::Atom => {
            let own = term.as_atom().map_or(0, |atom| of_atom(atom.as_str()));
            if hash == 0 { own } else { with_one(hash, own, salt::ATOM) }
        }
        Kind::Int => with_int(hash, term.as_int().unwrap_or_default()),
        Kind::Big => {
            let (negative, magnitude) = term.as_big().unwrap_or_default();
            with_big(hash, negative, magnitude)
        }
        Kind::Float => {
            // 0.0 and -0.0 are equal.
            let bits = term.as_float().map_or(0, |value| (value + 0.0).to_bits());
            with_two(hash, (bits >> 32) as u32, bits as u32, salt::FLOAT)
        }
        Kind::Tuple => {
            let items = term.as_tuple().unwrap_or_default();
            todo.extend(items.iter().rev().map(Work::Term));
            with_one(hash, items.len() as u32, salt::TUPLE)
        }
        Kind::List => with_list(hash, term, todo),
        Kind::Map => {
            let map = term.as_map().map_or(0, |map| map.len());
            hash = with_one(hash, map as u32, salt::MAP);
            if map == 0 {
                return hash;
            }
            todo.push(Work::End { hash, pairs: std::mem::take(pairs) });
            for pair in heap::items(term).chunks_exact(2) {
                todo.extend([Work::Pair, Work::Term(&pair[1]), Work::Term(&pair[0])]);
            }
            0
        }
        _ => match term.as_bits() {
            Some((bytes, used)) => with_bits(hash, bytes, used),
            None => {
                let own = BuildHasherDefault::<DefaultHasher>::default().hash_one(term);
                with_two(hash, own as u32, (own >> 32) as u32, salt::SMALL)
            }
        },
    }
}

/// Bytes at the beginning of a list are taken four at a time; the rest follows element by element.
fn with_list<'a>(mut hash: u32, mut list: &'a Term, todo: &mut Vec<Work<'a>>) -> u32 {
    let (mut word, mut count) = (0u32, 0);
    while let Some((head, tail)) = list.as_cons() {
        let Some(byte) = head.as_int().filter(|byte| (0..256).contains(byte)) else {
            if count > 0 {
                hash = with_one(hash, word, salt::STRING);
            }
            todo.extend([Work::Term(tail), Work::Term(head)]);
            return hash;
        };
        word = word << 8 | byte as u32;
        count += 1;
        if count == 4 {
            hash = with_one(hash, word, salt::STRING);
            (word, count) = (0, 0);
        }
        list = tail;
    }
    if count > 0 {
        hash = with_one(hash, word, salt::STRING);
    }
    todo.push(Work::Term(list));
    hash
}
