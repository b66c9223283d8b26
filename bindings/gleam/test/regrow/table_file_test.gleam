import regrow/decode
import regrow/process
import regrow/runtime
import regrow/table
import regrow/table_file

fn with_runtime(body: fn(runtime.Runtime) -> a) -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  body(runtime)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

fn load(
  path: String,
  runtime: runtime.Runtime,
) -> Result(table.Table(String, Int), table_file.FileError) {
  table_file.load(from: path, in: runtime, key: decode.string, value: decode.int)
}

pub fn a_table_is_written_and_read_back_test() {
  use runtime <- with_runtime
  let path = path("scores.table")
  let assert Ok(scores) = table.new() |> table.ordered |> table.named("scores") |> table.create(in: runtime)
  let assert Ok(Nil) = table.insert_all(into: scores, entries: [#("anna", 7), #("bert", 8)])
  let assert Ok(Nil) = table_file.save(scores, to: path)
  let assert Error(table_file.TableError(table.NameTaken)) = load(path, runtime)
  let assert Ok(Nil) = table.drop(scores)
  let assert Error(table_file.TableError(table.NoTable)) = table_file.save(scores, to: path)
  let assert Ok(again) = load(path, runtime)
  let assert Ok([#("anna", 7), #("bert", 8)]) = table.to_list(again)
  let assert Ok(owner) = table.owner(of: again)
  let assert True = owner == process.self()
  // By a decoder that what is there is not for.
  let assert Ok(Nil) = table.drop(again)
  let assert Ok(texts) = table_file.load(from: path, in: runtime, key: decode.string, value: decode.string)
  let assert Error(table.Undecodable(_)) = table.lookup(in: texts, key: "anna")
}

pub fn what_cannot_be_read_or_written_is_an_error_test() {
  use runtime <- with_runtime
  let assert Error(table_file.NoFile) = load(path("nothing.table"), runtime)
  let assert Error(table_file.BadFile) = load(write("bad.table", "no table"), runtime)
  let assert Ok(scores) = table.create(table.new(), in: runtime)
  let assert Ok(Nil) = table.insert(into: scores, key: "anna", value: 7)
  let assert Error(table_file.NoFile) = table_file.save(scores, to: path("no/such/folder"))
  let assert Error(table_file.Failed(_)) = table_file.save(scores, to: path(""))
  let assert Error(_) = table_file.save(scores, to: zero())
  let assert Error(_) = load(zero(), runtime)
}

/// A path of this test's own.
@external(erlang, "regrow_gleam_support", "path")
fn path(name: String) -> String

/// Writes such a file.
@external(erlang, "regrow_gleam_support", "write")
fn write(name: String, text: String) -> String

@external(erlang, "regrow_gleam_support", "zero")
fn zero() -> String
