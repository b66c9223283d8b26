//! Erlang's order of terms, and its two equalities.
//!
//! number < atom < reference < fun < port < pid < tuple < map < nil < list < bitstring, by value within each.
//! Two modes: *value* (`==`, `<`), where `1` equals `1.0`; and *exact* (`=:=`, and the order of a map's keys),
//! where integers come before floats. Keys of maps are compared exactly in both.
//!
//! A resource is a reference, as in Erlang, and equal only to itself. Invalid terms come first, all equal.
//! Opaque terms of one type compare by their external form, after those of that type that are ours.

use std::cmp::Ordering;

use super::number::Number;
use super::read::class;
use super::{Atom, Term, kinds};

impl Term {
    /// Erlang's order: `Equal` is `==`.
    pub fn cmp_erlang(&self, other: &Term) -> Ordering {
        compare(self, other, false)
    }

    /// `==`: `1` equals `1.0`.
    pub fn eq_value(&self, other: &Term) -> bool {
        compare(self, other, false).is_eq()
    }

    /// `=:=`: `1` differs from `1.0`.
    #[inline]
    pub fn eq_exact(&self, other: &Term) -> bool {
        if self.meta == other.meta && self.value == other.value {
            return true;
        }
        // Of the kinds that live in the two words, only floats are equal when their words are not: -0.0 and 0.0.
        if !self.is_counted() && !other.is_counted() && self.tag() != kinds::FLOAT {
            return false;
        }
        compare(self, other, true).is_eq()
    }

    /// As [`Term::eq_exact`], for tuples of which most differ in an element that lies in its two words.
    pub fn eq_row(&self, other: &Term) -> bool {
        let differ = |(mine, other): (&Term, &Term)| !mine.is_counted() && !other.is_counted() && mine != other;
        match (self.as_tuple(), other.as_tuple()) {
            (Some(mine), Some(others)) if mine.len() != others.len() || mine.iter().zip(others).any(differ) => false,
            _ => self.eq_exact(other),
        }
    }
}

impl Term {
    /// A number that stands for the term in Erlang's order: terms that are `==` have the same, and of two terms with
    /// different ones the lesser has the lesser. Those with the same have to be compared.
    ///
    /// Integers below 2^59 and text that differs in its first seven bytes differ; tuples of one size are told apart by
    /// their first elements, less finely.
    #[inline]
    pub fn order_prefix(&self) -> u64 {
        match self.as_int() {
            Some(value) => (Rank::Number as u64) << PREFIX_BITS | around_zero(value, PREFIX_BITS),
            None => prefix(self),
        }
    }
}

/// How many bits of a prefix come after the rank.
const PREFIX_BITS: u32 = 60;

/// An integer as an unsigned one of so many bits; those too large become the largest, or the least.
#[inline]
fn around_zero(value: i64, bits: u32) -> u64 {
    let middle = 1 << (bits - 1);
    (value.clamp(-middle, middle - 1) + middle) as u64
}

fn prefix(term: &Term) -> u64 {
    /// Of a tuple's prefix, for its size.
    const SIZE_BITS: u32 = 8;
    const FIRST_BITS: u32 = PREFIX_BITS - SIZE_BITS - 4;
    let below = |bits| (1u64 << bits) - 1;
    let mut result = (rank(term) as u64) << PREFIX_BITS;
    match term.as_tuple() {
        Some(elements) => {
            let size = (elements.len() as u64).min(below(SIZE_BITS));
            result |= size << (PREFIX_BITS - SIZE_BITS);
            if let (Some(first), true) = (elements.first(), size < below(SIZE_BITS)) {
                result |= (rank(first) as u64) << FIRST_BITS | within_rank(first, FIRST_BITS);
            }
        }
        None => result |= within_rank(term, PREFIX_BITS),
    }
    result
}

/// So many bits that tell terms of one rank apart.
fn within_rank(term: &Term, bits: u32) -> u64 {
    let most = (1u64 << bits) - 1;
    let text = |bytes: &[u8]| {
        let mut first = [0; 8];
        let length = bytes.len().min(8);
        first[..length].copy_from_slice(&bytes[..length]);
        u64::from_be_bytes(first) >> (64 - bits)
    };
    match rank(term) {
        Rank::Number => match Number::of(term) {
            Number::Int(value) => around_zero(value, bits),
            Number::Float(value) => around_zero(value.floor() as i64, bits),
            Number::Big(true, _) => 0,
            Number::Big(false, _) => most,
        },
        Rank::Atom => text(term.as_atom().map_or("", Atom::as_str).as_bytes()),
        Rank::Bits => text(term.as_bits().map_or(&[], |(bytes, _)| bytes)),
        Rank::Reference | Rank::Fun | Rank::Port | Rank::Pid if term.is_counted() => most,
        Rank::Reference | Rank::Fun | Rank::Port | Rank::Pid => term.value.min(most),
        Rank::Tuple => (term.as_tuple().map_or(0, <[Term]>::len) as u64).min(most),
        Rank::Map => (term.as_map().map_or(0, |map| map.items().len()) as u64).min(most),
        Rank::Invalid | Rank::Nil | Rank::List => 0,
    }
}

impl PartialEq for Term {
    #[inline]
    fn eq(&self, other: &Term) -> bool {
        self.eq_exact(other)
    }
}

impl Eq for Term {}

/// Compares without recursion: what is still to be compared waits on a stack.
pub(super) fn compare(a: &Term, b: &Term, exact: bool) -> Ordering {
    let mut waiting: Vec<Work> = Vec::new();
    // The innermost work is kept apart, so that flat containers, the usual keys, cost no allocation.
    let mut work: Option<Work> = None;
    let (mut a, mut b, mut exact) = (a, b, exact);
    loop {
        match step(a, b, exact) {
            Step::Known(Ordering::Equal) => {}
            Step::Known(order) => return order,
            Step::Deep(inner) => {
                // What is done need not wait: so what nests to the right needs no more stack.
                waiting.extend(work.replace(inner).filter(|outer| !outer.is_done()));
            }
        }
        (a, b, exact) = loop {
            let Some(current) = &mut work else { return Ordering::Equal };
            match current.next() {
                Some(pair) => break pair,
                None => work = waiting.pop(),
            }
        };
    }
}

enum Step<'a> {
    Known(Ordering),
    Deep(Work<'a>),
}

/// Pairs still to be compared.
enum Work<'a> {
    /// The elements of two tuples of the same length.
    Elements { a: &'a [Term], b: &'a [Term], next: usize, exact: bool },
    /// Two lists: heads as long as both have them, then what is left.
    Lists { a: &'a Term, b: &'a Term, exact: bool, done: bool },
    /// Two maps of the same size: all keys, exactly, then all values. `next` counts keys, then values.
    Maps { a: &'a [Term], b: &'a [Term], next: usize, exact: bool },
}

impl<'a> Work<'a> {
    fn next(&mut self) -> Option<(&'a Term, &'a Term, bool)> {
        match self {
            Work::Elements { a, b, next, exact } => {
                *next += 1;
                Some((a.get(*next - 1)?, b.get(*next - 1)?, *exact))
            }
            Work::Lists { a, b, exact, done } => {
                let exact = *exact;
                if *done || same(a, b) {
                    *done = true;
                    return None;
                }
                let (Some((a_head, a_tail)), Some((b_head, b_tail))) = (a.as_cons(), b.as_cons()) else {
                    *done = true;
                    return Some((a, b, exact));
                };
                (*a, *b) = (a_tail, b_tail);
                Some((a_head, b_head, exact))
            }
            Work::Maps { a, b, next, exact } => {
                let pairs = a.len() / 2;
                let (index, exact) = if *next < pairs { (2 * *next, true) } else { (2 * (*next - pairs) + 1, *exact) };
                *next += 1;
                Some((a.get(index)?, b.get(index)?, exact))
            }
        }
    }

    fn is_done(&self) -> bool {
        match self {
            Work::Elements { a, next, .. } | Work::Maps { a, next, .. } => *next >= a.len(),
            Work::Lists { done, .. } => *done,
        }
    }
}

/// Whether two terms are the same payload, or the same words.
#[inline]
fn same(a: &Term, b: &Term) -> bool {
    a.meta == b.meta && a.value == b.value
}

/// Compares what can be compared at once, and says what is to be looked into.
#[inline]
fn step<'a>(a: &'a Term, b: &'a Term, exact: bool) -> Step<'a> {
    use Step::{Deep, Known};
    if same(a, b) {
        return Known(Ordering::Equal);
    }
    let rank = rank(a);
    let by_type = rank.cmp(&self::rank(b));
    if by_type.is_ne() {
        return Known(by_type);
    }
    Known(match rank {
        Rank::Number => match (a.as_int(), b.as_int()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => Number::of(a).compare(Number::of(b), exact),
        },
        Rank::Atom => {
            let name = |term: &Term| term.as_atom().map_or("", Atom::as_str);
            name(a).cmp(name(b))
        }
        Rank::Reference | Rank::Fun | Rank::Port | Rank::Pid => identity(a, b),
        Rank::Tuple => {
            let (a, b) = (a.as_tuple().unwrap_or_default(), b.as_tuple().unwrap_or_default());
            match a.len().cmp(&b.len()) {
                Ordering::Equal => return Deep(Work::Elements { a, b, next: 0, exact }),
                order => order,
            }
        }
        Rank::Map => {
            let items = |term: &'a Term| term.as_map().map_or(&[][..], |map| map.items());
            let (a, b) = (items(a), items(b));
            match a.len().cmp(&b.len()) {
                Ordering::Equal => return Deep(Work::Maps { a, b, next: 0, exact }),
                order => order,
            }
        }
        Rank::List => return Deep(Work::Lists { a, b, exact, done: false }),
        Rank::Bits => bits(a, b),
        Rank::Invalid | Rank::Nil => Ordering::Equal,
    })
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Invalid,
    Number,
    Atom,
    Reference,
    Fun,
    Port,
    Pid,
    Tuple,
    Map,
    Nil,
    List,
    Bits,
}

fn rank(term: &Term) -> Rank {
    match term.tag() {
        kinds::INT | kinds::FLOAT | kinds::BIG => Rank::Number,
        kinds::ATOM => Rank::Atom,
        kinds::REFERENCE | kinds::RESOURCE => Rank::Reference,
        kinds::PID => Rank::Pid,
        kinds::EMPTY_TUPLE | kinds::TUPLE => Rank::Tuple,
        kinds::EMPTY_MAP | kinds::MAP => Rank::Map,
        kinds::NIL => Rank::Nil,
        kinds::CONS => Rank::List,
        kinds::SHORT_BYTES | kinds::BYTES => Rank::Bits,
        kinds::OPAQUE => match term.detail() {
            class::REFERENCE => Rank::Reference,
            class::FUN => Rank::Fun,
            class::PORT => Rank::Port,
            class::PID => Rank::Pid,
            _ => Rank::Bits,
        },
        _ => Rank::Invalid,
    }
}

/// Pids, references, funs and ports: ours by number, then opaque ones by their bytes, then resources by address.
fn identity(a: &Term, b: &Term) -> Ordering {
    let group = |term: &Term| match term.tag() {
        kinds::OPAQUE => 1,
        kinds::RESOURCE => 2,
        _ => 0,
    };
    group(a).cmp(&group(b)).then_with(|| match (a.as_opaque(), b.as_opaque()) {
        (Some(a), Some(b)) => a.cmp(b),
        _ => a.value.cmp(&b.value),
    })
}

/// Bit by bit; of two where one begins with the other, the shorter is less.
fn bits(a: &Term, b: &Term) -> Ordering {
    let ((a, a_used), (b, b_used)) = (a.as_bits().unwrap_or((&[], 8)), b.as_bits().unwrap_or((&[], 8)));
    if a_used == 8 && b_used == 8 {
        return a.cmp(b);
    }
    let length = |bytes: &[u8], used: u8| bytes.len() as u64 * 8 - (8 - used as u64);
    let common = length(a, a_used).min(length(b, b_used));
    let (whole, rest) = ((common / 8) as usize, (common % 8) as u32);
    let order = a[..whole].cmp(&b[..whole]).then_with(|| match rest {
        0 => Ordering::Equal,
        rest => (a[whole] >> (8 - rest)).cmp(&(b[whole] >> (8 - rest))),
    });
    order.then(length(a, a_used).cmp(&length(b, b_used)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::{Pid, Ref};

    #[test]
    fn prefixes_ascend_where_terms_do_and_are_equal_where_terms_are() {
        let mut terms = vec![Term::nil(), Term::invalid(), Term::tuple(vec![]), Term::map(vec![])];
        for power in [0, 1, 31, 44, 47, 48, 52, 53, 58, 59, 60, 62] {
            for near in [-1, 0, 1] {
                for value in [(1i64 << power) + near, -(1i64 << power) + near] {
                    terms.extend([Term::int(value), Term::float(value as f64), Term::float(value as f64 + 0.5)]);
                }
            }
        }
        for exponent in [63, 64, 80, 1000] {
            terms.extend([1.0, -1.0].map(|sign: f64| Term::float(sign * 2f64.powi(exponent))));
        }
        terms.extend([i64::MIN, i64::MAX].map(Term::int));
        terms.extend([false, true].map(|negative| Term::big(negative, &[0, 0, 0, 0, 0, 0, 0, 0, 1])));
        terms.extend([u64::MAX, 1 << 63].map(Term::uint));
        terms.extend([0.0, -0.0, 0.5, -0.5].map(Term::float));
        for text in ["", "a", "a\0", "abcdefg", "abcdefgh", "abcdefgi", "abcdefghijklmnopq", "é", "\u{10ffff}"] {
            terms.extend([Term::text(text), Term::atom_named(text)]);
        }
        terms.extend([Term::bytes(&[0xff; 9]), Term::bits(&[0x61, 0x80], 1), Term::bits(&[0x80], 1)]);
        terms.extend([1, 2, 1 << 59, u64::MAX].map(|id| Term::pid(Pid(id))));
        terms.extend([1, 2, 1 << 59, u64::MAX].map(|id| Term::reference(Ref(id))));
        terms.push(Term::resource_with(std::ptr::null_mut(), Box::new(drop)));
        let flat = terms.clone();
        terms.extend(flat.iter().filter(|term| !term.is_invalid()).flat_map(|term| {
            let pair = Term::tuple_of([term.clone(), Term::int(1)]);
            [Term::tuple_of([term.clone()]), Term::tuple_of([pair]), Term::list(vec![term.clone()])]
        }));
        for size in [254, 255, 256] {
            terms.extend([0, 1].map(|value| Term::tuple(vec![Term::int(value); size])));
        }
        terms.extend([0, 1].map(|key| Term::map(vec![(Term::int(key), Term::nil())])));
        for a in &terms {
            for b in &terms {
                match a.order_prefix().cmp(&b.order_prefix()) {
                    Ordering::Equal => {}
                    order => assert_eq!(a.cmp_erlang(b), order, "{a:?} {b:?}"),
                }
            }
        }
    }
}
