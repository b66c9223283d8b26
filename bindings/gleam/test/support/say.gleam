//// What the examples print with.

/// A line on standard output.
pub fn line(text: String) -> Nil {
  print(text <> "\n")
  Nil
}

pub fn number(number: Int) -> String {
  to_string(number)
}

@external(erlang, "io", "put_chars")
fn print(text: String) -> a

@external(erlang, "erlang", "integer_to_binary")
fn to_string(number: Int) -> String
