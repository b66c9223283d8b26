//// What is regrow's as that of gleam_erlang, and back: processes, subjects, values without a type, decoders.
////
//// ```gleam
//// let assert Ok(subject) = gleam_erlang.from_subject(actor.data)
//// let assert Ok(Nil) = registry.register(in: users, key: "user_123", subject: subject)
//// ```
////
//// Nothing is copied, and nothing runs in between: a process is the same process to both.

import gleam/dynamic as gleam_dynamic
import gleam/dynamic/decode as gleam_decode
import gleam/erlang/process as gleam_process
import gleam/list
import regrow/decode
import regrow/dynamic
import regrow/process

/// A process. gleam_erlang's functions do nothing with one that is native: see
/// `regrow/process.is_native`.
@external(erlang, "regrow_gleam_erlang_ffi", "identity")
pub fn to_pid(pid: process.Pid) -> gleam_process.Pid

/// A process.
@external(erlang, "regrow_gleam_erlang_ffi", "identity")
pub fn from_pid(pid: gleam_process.Pid) -> process.Pid

/// A subject. That of an answer to a call goes to its process directly: an
/// answer that comes too late lies in the mailbox.
@external(erlang, "regrow_gleam_erlang_ffi", "to_subject")
pub fn to_subject(
  subject: process.Subject(message),
) -> gleam_process.Subject(message)

/// A subject. `Error(Nil)`: it goes by a name that no process has. One that
/// goes by a name becomes that of the process that has the name now, and does
/// not lead to its successor.
@external(erlang, "regrow_gleam_erlang_ffi", "from_subject")
pub fn from_subject(
  subject: gleam_process.Subject(message),
) -> Result(process.Subject(message), Nil)

/// A value without a type.
@external(erlang, "regrow_gleam_erlang_ffi", "identity")
pub fn to_dynamic(value: dynamic.Dynamic) -> gleam_dynamic.Dynamic

/// A value without a type.
@external(erlang, "regrow_gleam_erlang_ffi", "identity")
pub fn from_dynamic(value: gleam_dynamic.Dynamic) -> dynamic.Dynamic

/// A decoder of the standard library, for regrow's functions.
pub fn from_decoder(decoder: gleam_decode.Decoder(a)) -> decode.Decoder(a) {
  fn(value) {
    case gleam_decode.run(to_dynamic(value), decoder) {
      Ok(decoded) -> Ok(decoded)
      Error(errors) ->
        Error(
          list.map(errors, fn(error) {
            decode.DecodeError(error.expected, error.found, error.path)
          }),
        )
    }
  }
}
