//// What is searched for in registries and tables, and what is given of what is found: conditions and values that are
//// evaluated where the entries are, and not by functions of the program.
////
//// ```gleam
//// // The names of those who have more than 5 points.
//// table.select(
////   in: scores,
////   where: fn(_, points) { match.greater(points, than: match.value(5)) },
////   giving: fn(name, _) { name },
//// )
//// ```
////
//// In memory they are parts of Erlang's match specifications. An expression that has no value, since there is no such
//// element, or since something is no number, is a condition that does not hold.

import regrow/decode
import regrow/dynamic

/// Something that has a value of one type for each entry. What others may have written is decoded when it is given.
pub type Expression(value)

type Operator {
  Equal
  Unequal
  Less
  AtMost
  Greater
  AtLeast
  Both
  Either
  Negated
  Sum
  Difference
  Product
  Quotient
  Remainder
  Pair
}

/// The same value for all entries.
@external(erlang, "regrow_gleam_match", "value")
pub fn value(value: a) -> Expression(a)

// ---- conditions ----

/// All entries.
pub fn always() -> Expression(Bool) {
  value(True)
}

/// 1 and 1.0 are not equal.
pub fn equal(first: Expression(a), to second: Expression(a)) -> Expression(Bool) {
  condition(Equal, [erase(first), erase(second)])
}

/// 1 and 1.0 are unequal.
pub fn unequal(first: Expression(a), to second: Expression(a)) -> Expression(Bool) {
  condition(Unequal, [erase(first), erase(second)])
}

/// Less, in Erlang's order.
pub fn less(first: Expression(a), than second: Expression(a)) -> Expression(Bool) {
  condition(Less, [erase(first), erase(second)])
}

/// Less, or equal; in Erlang's order.
pub fn at_most(first: Expression(a), most second: Expression(a)) -> Expression(Bool) {
  condition(AtMost, [erase(first), erase(second)])
}

/// Greater, in Erlang's order.
pub fn greater(first: Expression(a), than second: Expression(a)) -> Expression(Bool) {
  condition(Greater, [erase(first), erase(second)])
}

/// Greater, or equal; in Erlang's order.
pub fn at_least(first: Expression(a), least second: Expression(a)) -> Expression(Bool) {
  condition(AtLeast, [erase(first), erase(second)])
}

/// The second one is not looked at where the first does not hold.
pub fn both(first: Expression(Bool), and second: Expression(Bool)) -> Expression(Bool) {
  condition(Both, [erase(first), erase(second)])
}

/// The second one is not looked at where the first holds.
pub fn either(first: Expression(Bool), or second: Expression(Bool)) -> Expression(Bool) {
  condition(Either, [erase(first), erase(second)])
}

/// Holds where the other does not. Where that has no value neither holds.
pub fn negated(expression: Expression(Bool)) -> Expression(Bool) {
  condition(Negated, [erase(expression)])
}

// ---- numbers ----

/// The sum of two numbers.
pub fn add(first: Expression(Int), second: Expression(Int)) -> Expression(Int) {
  operation(Sum, [erase(first), erase(second)], decode.int)
}

/// What is left of the first number.
pub fn subtract(first: Expression(Int), second: Expression(Int)) -> Expression(Int) {
  operation(Difference, [erase(first), erase(second)], decode.int)
}

/// The product of two numbers.
pub fn multiply(first: Expression(Int), second: Expression(Int)) -> Expression(Int) {
  operation(Product, [erase(first), erase(second)], decode.int)
}

/// Has no value for a divisor of 0, where Gleam gives 0; neither has `remainder`.
pub fn divide(first: Expression(Int), by second: Expression(Int)) -> Expression(Int) {
  operation(Quotient, [erase(first), erase(second)], decode.int)
}

/// What is left by a division; of the same sign as what was divided.
pub fn remainder(first: Expression(Int), by second: Expression(Int)) -> Expression(Int) {
  operation(Remainder, [erase(first), erase(second)], decode.int)
}

// ---- parts, and what is put together ----

/// Two values at once.
pub fn pair(first: Expression(a), and second: Expression(b)) -> Expression(#(a, b)) {
  operation(Pair, [erase(first), erase(second)], decode.pair(of: decoder(first), and: decoder(second)))
}

/// An element of a tuple, counted from 0. A record is a tuple whose first element is its constructor: the first field
/// of `User(name, age)` is element 1.
@external(erlang, "regrow_gleam_match", "element")
pub fn element(of tuple: Expression(a), at index: Int, decoder decoder: decode.Decoder(b)) -> Expression(b)

/// The value of a key in a map.
@external(erlang, "regrow_gleam_match", "field")
pub fn field(of map: Expression(a), named key: key, decoder decoder: decode.Decoder(b)) -> Expression(b)

/// The same as something of another type, which it is decoded to when it is given.
@external(erlang, "regrow_gleam_match", "decoded")
pub fn decoded(expression: Expression(a), decoder decoder: decode.Decoder(b)) -> Expression(b)

fn condition(operator: Operator, arguments: List(Expression(dynamic.Dynamic))) -> Expression(Bool) {
  operation(operator, arguments, decode.bool)
}

@external(erlang, "regrow_gleam_match", "operation")
fn operation(
  operator: Operator,
  arguments: List(Expression(dynamic.Dynamic)),
  decoder: decode.Decoder(a),
) -> Expression(a)

@external(erlang, "regrow_gleam_match", "decoder")
fn decoder(expression: Expression(a)) -> decode.Decoder(a)

@external(erlang, "regrow_gleam_dynamic", "identity")
fn erase(expression: Expression(a)) -> Expression(dynamic.Dynamic)
