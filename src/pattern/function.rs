//! What guards and bodies may call: the guard functions that ETS allows.

use super::arithmetic;
use super::run::Value;
use crate::term::{Atom, Kind, Pid, Term, atoms};
use std::ops::RangeInclusive;

macro_rules! functions {
    ($($variant:ident = $name:literal / $arity:literal,)*) => {
        /// A function and the number of its arguments.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(clippy::enum_variant_names)] // They are named after what they are in Erlang.
        pub(super) enum Function { $($variant),* }

        impl Function {
            /// How many arguments it takes.
            #[inline]
            pub fn arguments(self) -> usize {
                match self { $(Function::$variant => $arity),* }
            }
        }

        /// The function of that name with so many arguments.
        pub(super) fn named(name: &str, arguments: usize) -> Option<Function> {
            match (name, arguments) {
                $(($name, $arity) => Some(Function::$variant),)*
                _ => None,
            }
        }
    };
}

functions! {
    IsAtom = "is_atom" / 1,
    IsFloat = "is_float" / 1,
    IsInteger = "is_integer" / 1,
    IsList = "is_list" / 1,
    IsNumber = "is_number" / 1,
    IsPid = "is_pid" / 1,
    IsPort = "is_port" / 1,
    IsReference = "is_reference" / 1,
    IsTuple = "is_tuple" / 1,
    IsMap = "is_map" / 1,
    IsMapKey = "is_map_key" / 2,
    IsBinary = "is_binary" / 1,
    IsFunction = "is_function" / 1,
    IsRecord = "is_record" / 3,
    Not = "not" / 1,
    Xor = "xor" / 2,
    Abs = "abs" / 1,
    Element = "element" / 2,
    Head = "hd" / 1,
    Length = "length" / 1,
    MapGet = "map_get" / 2,
    MapSize = "map_size" / 1,
    Node = "node" / 0,
    NodeOf = "node" / 1,
    Round = "round" / 1,
    Size = "size" / 1,
    BitSize = "bit_size" / 1,
    ByteSize = "byte_size" / 1,
    Tail = "tl" / 1,
    Truncate = "trunc" / 1,
    Float = "float" / 1,
    BinaryPart = "binary_part" / 2,
    BinaryPartOf = "binary_part" / 3,
    Plus = "+" / 1,
    Minus = "-" / 1,
    Add = "+" / 2,
    Subtract = "-" / 2,
    Multiply = "*" / 2,
    Divide = "/" / 2,
    Quotient = "div" / 2,
    Remainder = "rem" / 2,
    BitAnd = "band" / 2,
    BitOr = "bor" / 2,
    BitXor = "bxor" / 2,
    BitNot = "bnot" / 1,
    ShiftLeft = "bsl" / 2,
    ShiftRight = "bsr" / 2,
    Greater = ">" / 2,
    GreaterOrEqual = ">=" / 2,
    Less = "<" / 2,
    LessOrEqual = "=<" / 2,
    Same = "=:=" / 2,
    NotSame = "=/=" / 2,
    Equal = "==" / 2,
    NotEqual = "/=" / 2,
    Myself = "self" / 0,
}

impl Function {
    /// Whether it compares two terms, which never fails.
    pub fn compares(self) -> bool {
        use Function::*;
        matches!(self, Greater | GreaterOrEqual | Less | LessOrEqual | Equal | NotEqual | Same | NotSame)
    }
}

/// Whether a comparison holds.
#[inline]
pub(super) fn holds(comparison: Function, a: &Term, b: &Term) -> bool {
    let order = || match (a.as_int(), b.as_int()) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.cmp_erlang(b),
    };
    match comparison {
        Function::Greater => order().is_gt(),
        Function::GreaterOrEqual => order().is_ge(),
        Function::Less => order().is_lt(),
        Function::LessOrEqual => order().is_le(),
        Function::Equal => order().is_eq(),
        Function::NotEqual => order().is_ne(),
        Function::Same => a == b,
        _ => a != b,
    }
}

/// Calls a function; none when it fails. Arguments may be taken out of their places.
pub(super) fn call<'a>(function: Function, arguments: &mut [Value<'a>], caller: Option<Pid>) -> Option<Value<'a>> {
    let made = |term: Option<Term>| term.map(Value::Made);
    match (function, arguments) {
        (Function::Node, []) => Some(Value::Made(Term::atom(atoms::NONODE_NOHOST))),
        (Function::Myself, []) => caller.map(|pid| Value::Made(Term::pid(pid))),
        (Function::Head, [list]) => part(list, |list| list.as_cons().map(|(head, _)| head)),
        (Function::Tail, [list]) => part(list, |list| list.as_cons().map(|(_, tail)| tail)),
        (Function::Element, [index, tuple]) => {
            let index = usize::try_from(index.as_int()?).ok()?.checked_sub(1)?;
            part(tuple, |tuple| tuple.as_tuple()?.get(index))
        }
        (Function::MapGet, [key, map]) => {
            let key: &Term = key;
            part(map, |map| map.as_map()?.get(key))
        }
        (function, [a]) => made(one(function, a)),
        (function, [a, b]) => made(two(function, a, b)),
        (Function::BinaryPartOf, [bytes, start, length]) => made(binary_part(bytes, start, length)),
        (Function::IsRecord, [record, name, size]) => made(is_record(record, name, size)),
        _ => None,
    }
}

/// A part of a value: lent when the value is, else its own.
fn part<'a>(value: &Value<'a>, find: impl Fn(&Term) -> Option<&Term>) -> Option<Value<'a>> {
    match value {
        Value::Of(term) => find(term).map(Value::Of),
        Value::Made(term) => find(term).cloned().map(Value::Made),
    }
}

fn one(function: Function, a: &Term) -> Option<Term> {
    let is = |kinds: &[Kind]| Some(Term::bool(kinds.contains(&a.kind())));
    match function {
        Function::IsAtom => is(&[Kind::Atom]),
        Function::IsFloat => is(&[Kind::Float]),
        Function::IsInteger => is(&[Kind::Int, Kind::Big]),
        Function::IsList => is(&[Kind::List, Kind::Nil]),
        Function::IsNumber => is(&[Kind::Int, Kind::Big, Kind::Float]),
        Function::IsPid => Some(Term::bool(a.kind() == Kind::Pid || foreign(a) == Some(Foreign::Pid))),
        Function::IsPort => Some(Term::bool(foreign(a) == Some(Foreign::Port))),
        Function::IsReference => {
            let ours = matches!(a.kind(), Kind::Reference | Kind::Resource);
            Some(Term::bool(ours || foreign(a) == Some(Foreign::Reference)))
        }
        Function::IsTuple => is(&[Kind::Tuple]),
        Function::IsMap => is(&[Kind::Map]),
        Function::IsBinary => is(&[Kind::Bytes]),
        Function::IsFunction => Some(Term::bool(foreign(a) == Some(Foreign::Fun))),
        Function::Not => a.as_bool().map(|value| Term::bool(!value)),
        Function::Abs => arithmetic::absolute(a),
        Function::Length => size(a.list_len()?),
        Function::MapSize => size(a.as_map()?.len()),
        Function::NodeOf => {
            matches!(a.kind(), Kind::Pid | Kind::Reference | Kind::Resource).then(|| Term::atom(atoms::NONODE_NOHOST))
        }
        Function::Round => arithmetic::round(a),
        Function::Truncate => arithmetic::truncate(a),
        Function::Float => arithmetic::float(a),
        Function::Size => match (a.as_tuple(), bits(a)) {
            (Some(elements), _) => size(elements.len()),
            (None, Some(bits)) => size(bits / 8),
            (None, None) => None,
        },
        Function::BitSize => size(bits(a)?),
        Function::ByteSize => size(bits(a)?.div_ceil(8)),
        Function::Plus => arithmetic::plus(a),
        Function::Minus => arithmetic::negate(a),
        Function::BitNot => arithmetic::bit_not(a),
        _ => None,
    }
}

fn two(function: Function, a: &Term, b: &Term) -> Option<Term> {
    match function {
        _ if function.compares() => Some(Term::bool(holds(function, a, b))),
        Function::Xor => Some(Term::bool(a.as_bool()? != b.as_bool()?)),
        Function::IsMapKey => Some(Term::bool(b.as_map()?.get(a).is_some())),
        Function::Add => arithmetic::add(a, b),
        Function::Subtract => arithmetic::subtract(a, b),
        Function::Multiply => arithmetic::multiply(a, b),
        Function::Divide => arithmetic::divide(a, b),
        Function::Quotient => arithmetic::quotient(a, b),
        Function::Remainder => arithmetic::remainder(a, b),
        Function::BitAnd => arithmetic::bit_and(a, b),
        Function::BitOr => arithmetic::bit_or(a, b),
        Function::BitXor => arithmetic::bit_xor(a, b),
        Function::ShiftLeft => arithmetic::shift_left(a, b),
        Function::ShiftRight => arithmetic::shift_right(a, b),
        Function::BinaryPart => match b.as_tuple()? {
            [start, length] => binary_part(a, start, length),
            _ => None,
        },
        _ => None,
    }
}

fn size(count: usize) -> Option<Term> {
    i64::try_from(count).ok().map(Term::int)
}

/// The integers that Erlang calls small, of 60 bits: the only ones that it takes for a size.
const SMALL: RangeInclusive<i64> = -(1 << 59)..=(1 << 59) - 1;

/// `is_record(Term, Name, Size)`.
fn is_record(record: &Term, name: &Term, size: &Term) -> Option<Term> {
    let name: Atom = name.as_atom()?;
    let size = size.as_int().filter(|size| SMALL.contains(size))?;
    let elements = record.as_tuple().unwrap_or_default();
    let is = elements.first().is_some_and(|first| first.is_atom(name)) && usize::try_from(size) == Ok(elements.len());
    Some(Term::bool(is))
}

/// `binary_part(Bytes, Start, Length)`; a negative length counts back from the start.
fn binary_part(bytes: &Term, start: &Term, length: &Term) -> Option<Term> {
    let bytes = bytes.as_bytes()?;
    let (start, length) = (start.as_int()?, length.as_int()?);
    let end = start.checked_add(length)?;
    let (first, last) = (usize::try_from(start.min(end)).ok()?, usize::try_from(start.max(end)).ok()?);
    bytes.get(first..last).map(Term::bytes)
}

/// How many bits bytes have, or what passes for bytes that are not whole.
fn bits(term: &Term) -> Option<usize> {
    match (term.as_bytes(), term.as_opaque()) {
        (Some(bytes), _) => bytes.len().checked_mul(8),
        // BIT_BINARY_EXT: a length of four bytes, the bits used in the last byte, the bytes.
        (None, Some([77, _, _, _, _, used, bytes @ ..])) => {
            (bytes.len().checked_sub(1)?).checked_mul(8)?.checked_add(usize::from(*used))
        }
        _ => None,
    }
}

#[derive(PartialEq, Eq)]
enum Foreign {
    Pid,
    Port,
    Reference,
    Fun,
}

/// What a term that is passed through is, by the tag of its external form.
fn foreign(term: &Term) -> Option<Foreign> {
    match term.as_opaque()?.first()? {
        88 | 103 => Some(Foreign::Pid),
        89 | 102 | 120 => Some(Foreign::Port),
        90 | 101 | 114 => Some(Foreign::Reference),
        112 | 113 | 117 => Some(Foreign::Fun),
        _ => None,
    }
}
