//// Tables in files: what is in one is written to a file, and read back into a table of the reader's.
////
//// ```gleam
//// let assert Ok(Nil) = table_file.save(scores, to: "scores.table")
//// let assert Ok(again) = table_file.load(from: "scores.table", in: runtime, key: decode.string, value: decode.int)
//// ```

import regrow/decode
import regrow/dynamic
import regrow/runtime
import regrow/table

/// Why a table was not written or read.
pub type FileError {
  /// There is no such file, or no such folder.
  NoFile
  /// It was written by something else, or is damaged.
  BadFile
  /// What is to be written cannot be read, or the name that the table had is taken, for example.
  TableError(error: table.TableError)
  /// What else a file may have, as an atom: `eacces` and so on; or a path that cannot be.
  Failed(reason: dynamic.Dynamic)
}

/// Writes a table to a file. That takes the place of what was there once it is whole.
@external(erlang, "regrow_gleam_table_file", "save")
pub fn save(table: table.Table(key, value), to path: String) -> Result(Nil, FileError)

/// Makes a table of the caller's from a file, of the kind, access and name that it had. What is in it is decoded when
/// it is looked at.
@external(erlang, "regrow_gleam_table_file", "load")
pub fn load(
  from path: String,
  in runtime: runtime.Runtime,
  key key: decode.Decoder(key),
  value value: decode.Decoder(value),
) -> Result(table.Table(key, value), FileError)
