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
