//! Numbers as Erlang writes them.

use std::fmt::{self, Write};

/// Below 2^53 every whole number is a float; from there on Erlang always writes an exponent.
const TWO_53: f64 = 9_007_199_254_740_992.0;

/// The shortest digits that read back as the same float, with a point or an exponent, whichever is shorter; a point
/// when they tie. Rule: `float_to_list(F, [short])` of OTP 25.
pub(super) fn write_float(out: &mut dyn Write, value: f64) -> fmt::Result {
    // Rust's form is `-d.ddde-x`, also with the fewest digits. Of two that are equally near it takes the larger,
    // Erlang the even one, as Rust does when it is told the number of digits.
    let shortest = format!("{value:e}");
    let fraction =
        shortest.split_once('e').map_or("", |(mantissa, _)| mantissa).split_once('.').map_or(0, |(_, rest)| rest.len());
    let even = format!("{value:.fraction$e}");
    let form = if even.parse() == Ok(value) { even } else { shortest };
    let (mantissa, exponent) = form.split_once('e').unwrap_or((&form, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(|&character| character != '.').collect();
    out.write_str(sign)?;

    let length = digits.len() as i32;
    // How many digits stand before the point.
    let place = exponent + 1;
    let exponent_cost = exponent.to_string().len() as i32 + 1 + if length == 1 { 2 } else { 1 };
    let plain = if place <= 0 {
        2 - place <= exponent_cost
    } else {
        value.abs() < TWO_53 && (place < length || place - length + 2 <= exponent_cost)
    };
    if !plain {
        let (first, rest) = digits.split_at(1);
        return write!(out, "{first}.{}e{exponent}", if rest.is_empty() { "0" } else { rest });
    }
    if place <= 0 {
        out.write_str("0.")?;
        (place..0).try_for_each(|_| out.write_char('0'))?;
        return out.write_str(&digits);
    }
    match digits.split_at_checked(place as usize) {
        Some((before, after)) if !after.is_empty() => write!(out, "{before}.{after}"),
        _ => {
            out.write_str(&digits)?;
            (length..place).try_for_each(|_| out.write_char('0'))?;
            out.write_str(".0")
        }
    }
}

/// Nine decimal digits at a time: the largest power of ten within 32 bits.
const CHUNK: u64 = 1_000_000_000;

/// A big integer in decimal. Takes time with the square of its length, as in Erlang; the decoder bounds that.
pub(super) fn write_big(out: &mut dyn Write, negative: bool, magnitude: &[u8]) -> fmt::Result {
    let mut limbs: Vec<u32> =
        magnitude.chunks(4).map(|chunk| chunk.iter().rev().fold(0, |limb, &byte| limb << 8 | byte as u32)).collect();
    let mut chunks = Vec::new();
    while !limbs.is_empty() {
        let mut rest = 0;
        for limb in limbs.iter_mut().rev() {
            let value = rest << 32 | *limb as u64;
            *limb = (value / CHUNK) as u32;
            rest = value % CHUNK;
        }
        chunks.push(rest);
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
    }
    if negative {
        out.write_char('-')?;
    }
    write!(out, "{}", chunks.pop().unwrap_or(0))?;
    chunks.iter().rev().try_for_each(|chunk| write!(out, "{chunk:09}"))
}
