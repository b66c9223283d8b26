//! Erlang's arithmetic: integers of any size, floats, and the errors of both, which are none here.
//!
//! Integers that fit 64 bits are computed in 128; only results and arguments beyond that take the long way. A result
//! of more than [`LIMIT_BITS`] bits fails, as Erlang's `system_limit`.

use crate::term::Term;
use std::cmp::Ordering;

/// Bits of the largest integer.
pub const LIMIT_BITS: u64 = 33_554_368;

/// A number of any kind.
enum Number {
    Small(i64),
    Big(Integer),
    Float(f64),
}

impl Number {
    fn of(term: &Term) -> Option<Number> {
        if let Some(small) = term.as_int() {
            return Some(Number::Small(small));
        }
        if let Some(float) = term.as_float() {
            return Some(Number::Float(float));
        }
        term.as_big().map(|(negative, bytes)| Number::Big(Integer::of_bytes(negative, bytes)))
    }

    fn float(&self) -> Option<f64> {
        match self {
            Number::Small(small) => Some(*small as f64),
            Number::Float(float) => Some(*float),
            Number::Big(integer) => integer.float(),
        }
    }
}

/// Sign and magnitude; limbs of 32 bits, the lowest first, none of zero at the end.
#[derive(Clone)]
struct Integer {
    negative: bool,
    limbs: Vec<u32>,
}

impl Integer {
    fn of(term: &Term) -> Option<Integer> {
        match Number::of(term)? {
            Number::Small(small) => {
                let magnitude = small.unsigned_abs();
                Some(Integer::new(small < 0, vec![magnitude as u32, (magnitude >> 32) as u32]))
            }
            Number::Big(integer) => Some(integer),
            Number::Float(_) => None,
        }
    }

    fn of_bytes(negative: bool, bytes: &[u8]) -> Integer {
        let limb = |chunk: &[u8]| {
            let mut limb = [0; 4];
            limb[..chunk.len()].copy_from_slice(chunk);
            u32::from_le_bytes(limb)
        };
        Integer::new(negative, bytes.chunks(4).map(limb).collect())
    }

    fn new(negative: bool, mut limbs: Vec<u32>) -> Integer {
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        Integer { negative: negative && !limbs.is_empty(), limbs }
    }

    fn bits(&self) -> u64 {
        self.limbs.last().map_or(0, |last| self.limbs.len() as u64 * 32 - u64::from(last.leading_zeros()))
    }

    fn term(self) -> Option<Term> {
        if self.bits() > LIMIT_BITS {
            return None;
        }
        let bytes: Vec<u8> = self.limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
        let term = Term::big(self.negative, &bytes);
        (!term.is_invalid()).then_some(term)
    }

    /// As Erlang does it: by digits of 64 bits, the lowest first.
    fn float(&self) -> Option<f64> {
        let (mut sum, mut base) = (0.0f64, 1.0f64);
        for digit in self.limbs.chunks(2) {
            let digit = u64::from(digit[0]) | u64::from(digit.get(1).copied().unwrap_or(0)) << 32;
            sum += digit as f64 * base;
            if !sum.is_finite() {
                return None;
            }
            base *= 18_446_744_073_709_551_616.0;
        }
        Some(if self.negative { -sum } else { sum })
    }

    fn negated(self) -> Integer {
        Integer::new(!self.negative, self.limbs)
    }

    fn plus(&self, other: &Integer) -> Integer {
        if self.negative == other.negative {
            return Integer::new(self.negative, sum(&self.limbs, &other.limbs));
        }
        match magnitudes(&self.limbs, &other.limbs) {
            Ordering::Less => Integer::new(other.negative, difference(&other.limbs, &self.limbs)),
            _ => Integer::new(self.negative, difference(&self.limbs, &other.limbs)),
        }
    }

    fn times(&self, other: &Integer) -> Option<Integer> {
        // Each has at most so many limbs that their product can be told to be too large before it is made.
        if self.bits() + other.bits() > LIMIT_BITS + 64 {
            return None;
        }
        let mut limbs = vec![0u32; self.limbs.len() + other.limbs.len()];
        for (at, &a) in self.limbs.iter().enumerate() {
            let mut carry = 0u64;
            for (place, &b) in limbs[at..].iter_mut().zip(&other.limbs) {
                let product = u64::from(a) * u64::from(b) + u64::from(*place) + carry;
                *place = product as u32;
                carry = product >> 32;
            }
            if let Some(place) = limbs.get_mut(at + other.limbs.len()) {
                *place = carry as u32;
            }
        }
        Some(Integer::new(self.negative != other.negative, limbs))
    }

    /// Quotient and remainder, cut off towards zero; none for a divisor of zero.
    fn divided(&self, by: &Integer) -> Option<(Integer, Integer)> {
        if by.limbs.is_empty() {
            return None;
        }
        let (quotient, remainder) = division(&self.limbs, &by.limbs);
        Some((Integer::new(self.negative != by.negative, quotient), Integer::new(self.negative, remainder)))
    }

    /// Two's complement, so many limbs.
    fn complement(&self, length: usize) -> Vec<u32> {
        let mut limbs = self.limbs.clone();
        limbs.resize(length, 0);
        if self.negative { complement(limbs) } else { limbs }
    }

    fn of_complement(limbs: Vec<u32>) -> Integer {
        match limbs.last() {
            Some(last) if last >> 31 == 1 => Integer::new(true, complement(limbs)),
            _ => Integer::new(false, limbs),
        }
    }

    fn combined(&self, other: &Integer, combine: fn(u32, u32) -> u32) -> Integer {
        let length = self.limbs.len().max(other.limbs.len()) + 1;
        let (a, b) = (self.complement(length), other.complement(length));
        Integer::of_complement(a.into_iter().zip(b).map(|(a, b)| combine(a, b)).collect())
    }

    fn shifted_left(&self, by: u64) -> Option<Integer> {
        if self.limbs.is_empty() {
            return Some(self.clone());
        }
        if self.bits().checked_add(by)? > LIMIT_BITS {
            return None;
        }
        let (whole, rest) = ((by / 32) as usize, (by % 32) as u32);
        let mut limbs = vec![0u32; whole];
        let mut carry = 0u64;
        for &limb in &self.limbs {
            let shifted = u64::from(limb) << rest | carry;
            limbs.push(shifted as u32);
            carry = shifted >> 32;
        }
        limbs.push(carry as u32);
        Some(Integer::new(self.negative, limbs))
    }

    /// Towards minus infinity.
    fn shifted_right(&self, by: u64) -> Integer {
        let whole = usize::try_from(by / 32).unwrap_or(usize::MAX).min(self.limbs.len());
        let rest = (by % 32) as u32;
        let (lost, kept) = self.limbs.split_at(whole);
        let next = kept.iter().skip(1).chain([&0]);
        let shift = |(&low, &high): (&u32, &u32)| ((u64::from(high) << 32 | u64::from(low)) >> rest) as u32;
        let limbs = kept.iter().zip(next).map(shift).collect();
        let below = lost.iter().any(|&limb| limb != 0)
            || kept.first().is_some_and(|&limb| rest > 0 && limb << (32 - rest) != 0);
        if !self.negative {
            return Integer::new(false, limbs);
        }
        // Minus the magnitude, rounded up.
        let limbs = if below { sum(&limbs, &[1]) } else { limbs };
        Integer::new(true, limbs)
    }
}

fn magnitudes(a: &[u32], b: &[u32]) -> Ordering {
    let trimmed = |limbs: &[u32]| limbs.iter().rposition(|&limb| limb != 0).map_or(0, |last| last + 1);
    let (a, b) = (&a[..trimmed(a)], &b[..trimmed(b)]);
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

fn sum(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut limbs = Vec::with_capacity(a.len().max(b.len()) + 1);
    let mut carry = 0u64;
    for at in 0..a.len().max(b.len()) {
        let limb = |limbs: &[u32]| u64::from(limbs.get(at).copied().unwrap_or(0));
        let total = limb(a) + limb(b) + carry;
        limbs.push(total as u32);
        carry = total >> 32;
    }
    limbs.push(carry as u32);
    limbs
}

/// Of a magnitude and one that is not greater.
fn difference(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut borrow = 0i64;
    let minus = |(at, &limb): (usize, &u32)| {
        let rest = i64::from(limb) - i64::from(b.get(at).copied().unwrap_or(0)) + borrow;
        borrow = rest >> 32;
        rest as u32
    };
    a.iter().enumerate().map(minus).collect()
}

fn complement(limbs: Vec<u32>) -> Vec<u32> {
    let mut carry = true;
    let turned = |limb: u32| {
        let (sum, over) = (!limb).overflowing_add(u32::from(carry));
        carry = over;
        sum
    };
    limbs.into_iter().map(turned).collect()
}

/// Long division, Knuth's algorithm D. The divisor is not zero and has none at its end.
fn division(a: &[u32], b: &[u32]) -> (Vec<u32>, Vec<u32>) {
    if magnitudes(a, b).is_lt() {
        return (Vec::new(), a.to_vec());
    }
    if let [divisor] = b {
        let mut rest = 0u64;
        let mut quotient = vec![0u32; a.len()];
        for (place, &limb) in quotient.iter_mut().zip(a).rev() {
            let part = rest << 32 | u64::from(limb);
            *place = (part / u64::from(*divisor)) as u32;
            rest = part % u64::from(*divisor);
        }
        return (quotient, vec![rest as u32]);
    }
    let shift = b[b.len() - 1].leading_zeros();
    let shifted = |limbs: &[u32]| {
        let mut carry = 0u64;
        let mut shifted: Vec<u32> = Vec::with_capacity(limbs.len() + 1);
        for &limb in limbs {
            let wide = u64::from(limb) << shift | carry;
            shifted.push(wide as u32);
            carry = wide >> 32;
        }
        shifted.push(carry as u32);
        shifted
    };
    let mut rest = shifted(a);
    let divisor = &shifted(b)[..b.len()];
    let (top, second) = (u64::from(divisor[b.len() - 1]), u64::from(divisor[b.len() - 2]));
    let mut quotient = vec![0u32; a.len() - b.len() + 1];
    for at in (0..quotient.len()).rev() {
        let high = u64::from(rest[at + b.len()]) << 32 | u64::from(rest[at + b.len() - 1]);
        let (mut digit, mut left) = (high / top, high % top);
        while digit >> 32 != 0 || digit * second > (left << 32 | u64::from(rest[at + b.len() - 2])) {
            digit -= 1;
            left += top;
            if left >> 32 != 0 {
                break;
            }
        }
        let (mut borrow, mut carry) = (0i64, 0u64);
        for (place, &limb) in rest[at..].iter_mut().zip(divisor) {
            carry += digit * u64::from(limb);
            let minus = i64::from(*place) - i64::from(carry as u32) + borrow;
            *place = minus as u32;
            borrow = minus >> 32;
            carry >>= 32;
        }
        let minus = i64::from(rest[at + b.len()]) - carry as i64 + borrow;
        rest[at + b.len()] = minus as u32;
        if minus < 0 {
            // One too many: add the divisor back.
            digit -= 1;
            let mut carry = 0u64;
            for (place, &limb) in rest[at..].iter_mut().zip(divisor) {
                carry += u64::from(*place) + u64::from(limb);
                *place = carry as u32;
                carry >>= 32;
            }
            let last = &mut rest[at + b.len()];
            *last = last.wrapping_add(carry as u32);
        }
        quotient[at] = digit as u32;
    }
    (quotient, Integer::new(false, rest).shifted_right(u64::from(shift)).limbs)
}

/// An integer of 128 bits as a term.
fn wide(value: i128) -> Option<Term> {
    match i64::try_from(value) {
        Ok(small) => Some(Term::int(small)),
        Err(_) => Some(Term::big(value < 0, &value.unsigned_abs().to_le_bytes())),
    }
}

fn finite(value: f64) -> Option<Term> {
    value.is_finite().then(|| Term::float(value))
}

fn compute(
    a: &Term, b: &Term, small: fn(i128, i128) -> i128, large: fn(&Integer, &Integer) -> Option<Integer>,
    float: fn(f64, f64) -> f64,
) -> Option<Term> {
    if let (Some(a), Some(b)) = (a.as_int(), b.as_int()) {
        return wide(small(a.into(), b.into()));
    }
    match (Number::of(a)?, Number::of(b)?) {
        (x, y) if matches!(x, Number::Float(_)) || matches!(y, Number::Float(_)) => {
            finite(float(x.float()?, y.float()?))
        }
        _ => large(&Integer::of(a)?, &Integer::of(b)?)?.term(),
    }
}

/// `A + B`.
#[inline]
pub fn add(a: &Term, b: &Term) -> Option<Term> {
    compute(a, b, |a, b| a + b, |a, b| Some(a.plus(b)), |a, b| a + b)
}

/// `A - B`.
pub fn subtract(a: &Term, b: &Term) -> Option<Term> {
    compute(a, b, |a, b| a - b, |a, b| Some(a.plus(&b.clone().negated())), |a, b| a - b)
}

/// `A * B`.
pub fn multiply(a: &Term, b: &Term) -> Option<Term> {
    compute(a, b, |a, b| a * b, Integer::times, |a, b| a * b)
}

/// `A / B`: always a float.
pub fn divide(a: &Term, b: &Term) -> Option<Term> {
    finite(Number::of(a)?.float()? / Number::of(b)?.float()?)
}

/// `A div B`.
pub fn quotient(a: &Term, b: &Term) -> Option<Term> {
    match (a.as_int(), b.as_int()) {
        (Some(a), Some(b)) => wide(i128::from(a).checked_div(b.into())?),
        _ => Integer::of(a)?.divided(&Integer::of(b)?)?.0.term(),
    }
}

/// `A rem B`.
pub fn remainder(a: &Term, b: &Term) -> Option<Term> {
    match (a.as_int(), b.as_int()) {
        (Some(a), Some(b)) => wide(i128::from(a).checked_rem(b.into())?),
        _ => Integer::of(a)?.divided(&Integer::of(b)?)?.1.term(),
    }
}

fn bitwise(a: &Term, b: &Term, small: fn(i64, i64) -> i64, limb: fn(u32, u32) -> u32) -> Option<Term> {
    match (a.as_int(), b.as_int()) {
        (Some(a), Some(b)) => Some(Term::int(small(a, b))),
        _ => Integer::of(a)?.combined(&Integer::of(b)?, limb).term(),
    }
}

/// `A band B`.
pub fn bit_and(a: &Term, b: &Term) -> Option<Term> {
    bitwise(a, b, |a, b| a & b, |a, b| a & b)
}

/// `A bor B`.
pub fn bit_or(a: &Term, b: &Term) -> Option<Term> {
    bitwise(a, b, |a, b| a | b, |a, b| a | b)
}

/// `A bxor B`.
pub fn bit_xor(a: &Term, b: &Term) -> Option<Term> {
    bitwise(a, b, |a, b| a ^ b, |a, b| a ^ b)
}

/// `bnot A`.
pub fn bit_not(a: &Term) -> Option<Term> {
    match a.as_int() {
        Some(a) => Some(Term::int(!a)),
        None => Integer::of(a)?.negated().plus(&Integer::new(true, vec![1])).term(),
    }
}

/// `A bsl B`; a negative `B` shifts the other way.
pub fn shift_left(a: &Term, b: &Term) -> Option<Term> {
    shift(a, b, false)
}

/// `A bsr B`.
pub fn shift_right(a: &Term, b: &Term) -> Option<Term> {
    shift(a, b, true)
}

fn shift(a: &Term, b: &Term, right: bool) -> Option<Term> {
    let (a, by) = (Integer::of(a)?, Integer::of(b)?);
    let right = right != by.negative;
    let count = match by.limbs[..] {
        [] => 0,
        [low] => low.into(),
        [low, high] => u64::from(high) << 32 | u64::from(low),
        _ => u64::MAX,
    };
    if right { a.shifted_right(count).term() } else { a.shifted_left(count)?.term() }
}

/// `+A`: fails for what is no number.
pub fn plus(a: &Term) -> Option<Term> {
    Number::of(a).map(|_| a.clone())
}

/// `-A`.
pub fn negate(a: &Term) -> Option<Term> {
    match Number::of(a)? {
        Number::Small(small) => wide(-i128::from(small)),
        Number::Float(float) => finite(-float),
        Number::Big(integer) => integer.negated().term(),
    }
}

/// `abs(A)`.
pub fn absolute(a: &Term) -> Option<Term> {
    match Number::of(a)? {
        Number::Small(small) => wide(i128::from(small).abs()),
        Number::Float(float) => finite(float.abs()),
        Number::Big(integer) => Integer::new(false, integer.limbs).term(),
    }
}

/// `float(A)`.
pub fn float(a: &Term) -> Option<Term> {
    finite(Number::of(a)?.float()?)
}

/// `trunc(A)`.
pub fn truncate(a: &Term) -> Option<Term> {
    whole(a, f64::trunc)
}

/// `round(A)`: halves away from zero.
pub fn round(a: &Term) -> Option<Term> {
    whole(a, f64::round)
}

fn whole(a: &Term, cut: fn(f64) -> f64) -> Option<Term> {
    let Some(float) = a.as_float() else { return plus(a) };
    let float = cut(float);
    if float.abs() < 9.0e18 {
        return Some(Term::int(float as i64));
    }
    // 53 bits, shifted to the left.
    let bits = float.to_bits();
    let exponent = (bits >> 52 & 0x7ff).checked_sub(1075)?;
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    let integer = Integer::new(float < 0.0, vec![mantissa as u32, (mantissa >> 32) as u32]);
    integer.shifted_left(exponent)?.term()
}
