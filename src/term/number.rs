//! Numbers compared by value, whatever holds them: 64 bits, more, or a float. No comparison rounds.
//!
//! OTP compares an integer with a float exactly too (`erts/emulator/beam/utils.c`, `erts_cmp_compound`): as floats
//! while the float is below 2^53, as integers above.

use std::cmp::Ordering;

use super::{Term, kinds};

/// A number, lent.
#[derive(Clone, Copy)]
pub(super) enum Number<'a> {
    Int(i64),
    /// Negative or not, and a magnitude that does not fit an `i64`.
    Big(bool, &'a [u8]),
    Float(f64),
}

/// 2^63.
const TWO_63: f64 = 9_223_372_036_854_775_808.0;

impl<'a> Number<'a> {
    /// The number in a term; zero for what is none, which callers have excluded.
    pub fn of(term: &'a Term) -> Number<'a> {
        match term.tag() {
            kinds::FLOAT => Number::Float(f64::from_bits(term.value)),
            kinds::BIG => {
                term.as_big().map_or(Number::Int(0), |(negative, magnitude)| Number::Big(negative, magnitude))
            }
            _ => Number::Int(term.value as i64),
        }
    }

    /// By value; with `exact`, integers are less than floats, as keys of maps are ordered.
    pub fn compare(self, other: Number<'_>, exact: bool) -> Ordering {
        use Number::*;
        if exact {
            match (self, other) {
                (Float(_), Int(_) | Big(..)) => return Ordering::Greater,
                (Int(_) | Big(..), Float(_)) => return Ordering::Less,
                _ => {}
            }
        }
        match (self, other) {
            (Int(a), Int(b)) => a.cmp(&b),
            // -0.0 equals 0.0 (in OTP up to 26 also exactly); there is no NaN.
            (Float(a), Float(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Big(a, x), Big(b, y)) => big_big(a, x, b, y),
            // A big one is beyond every 64-bit one.
            (Big(negative, _), Int(_)) => sign(negative),
            (Int(_), Big(negative, _)) => sign(negative).reverse(),
            (Int(a), Float(b)) => int_float(a, b),
            (Float(a), Int(b)) => int_float(b, a).reverse(),
            (Big(negative, x), Float(b)) => big_float(negative, x, b),
            (Float(a), Big(negative, y)) => big_float(negative, y, a).reverse(),
        }
    }
}

/// How a number of that sign, farther from zero than the other, compares with it.
fn sign(negative: bool) -> Ordering {
    if negative { Ordering::Less } else { Ordering::Greater }
}

fn big_big(a_negative: bool, a: &[u8], b_negative: bool, b: &[u8]) -> Ordering {
    if a_negative != b_negative {
        return sign(a_negative);
    }
    let farther = a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()));
    if a_negative { farther.reverse() } else { farther }
}

fn int_float(a: i64, b: f64) -> Ordering {
    if b >= TWO_63 {
        Ordering::Less
    } else if b < -TWO_63 {
        Ordering::Greater
    } else {
        // Exact: the whole part of `b` is within 64 bits, and the difference to it is a float itself.
        let whole = b as i64;
        a.cmp(&whole).then_with(|| 0.0.partial_cmp(&(b - whole as f64)).unwrap_or(Ordering::Equal))
    }
}

fn big_float(negative: bool, a: &[u8], b: f64) -> Ordering {
    // Also when the signs differ: then the big one is as far out as its own sign says.
    if b.abs() < TWO_63 || (b < 0.0) != negative {
        return sign(negative);
    }
    // From 2^63 on a float is a whole number: 53 bits, shifted.
    let exponent = (b.to_bits() >> 52 & 0x7ff) as usize - 1075;
    let mantissa = b.to_bits() & ((1 << 52) - 1) | 1 << 52;
    let mut magnitude = [0u8; 144];
    let shifted = (mantissa as u128) << (exponent % 8);
    magnitude[exponent / 8..exponent / 8 + 16].copy_from_slice(&shifted.to_le_bytes());
    let length = magnitude.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    big_big(negative, a, negative, &magnitude[..length])
}
