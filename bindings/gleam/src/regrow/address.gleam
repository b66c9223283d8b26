//// Whom to talk to by a key, so that a restart is none of the caller's business.
////
//// ```gleam
//// let cache = address.of_key(in: services, key: "cache") |> address.waiting(up_to: 5000)
//// let assert Ok(7) = address.call(cache, sending: Get("a", _), within: 1000)
//// ```
////
//// An address that waits goes on when the key is registered; those who wait for the same one go on in the order in
//// which they came. The waiting is by the clock of the registry's runtime.

import regrow/decode
import regrow/dynamic
import regrow/process
import regrow/registry

/// Who is registered, as a subject, under a key of a unique registry.
pub type Address(message)

/// Why nobody was reached, or there is no answer.
pub type AddressError {
  /// Nobody is there, and nobody came in time; or the registry is dead.
  NobodyThere
  /// What is registered there is no subject of that process.
  Undecodable(errors: List(decode.DecodeError))
  /// Nobody answered in time.
  Timeout
  CallingSelf
  /// The process ended before it answered. It may have done what it was asked.
  Exited(reason: process.ExitReason)
  /// A key that cannot cross, or a registry with duplicate keys.
  Failed(reason: dynamic.Dynamic)
}

/// An address that does not wait.
@external(erlang, "regrow_gleam_address", "of_key")
pub fn of_key(in registry: registry.Registry(key, message), key key: key) -> Address(message)

/// Waits so long, at most, for somebody to be there.
@external(erlang, "regrow_gleam_address", "waiting")
pub fn waiting(address: Address(message), up_to milliseconds: Int) -> Address(message)

/// The subject that is there now, or comes in time.
@external(erlang, "regrow_gleam_address", "find")
pub fn find(address: Address(message)) -> Result(process.Subject(message), AddressError)

/// Sends a message to who is there, or comes in time. `Ok` means that somebody was there.
@external(erlang, "regrow_gleam_address", "send")
pub fn send(to address: Address(message), message message: message) -> Result(Nil, AddressError)

/// As `process.call`, to who is there, or comes in time; its time begins then. A process that is dead before it is
/// asked is waited for again; one that ends while it is asked is an `Error(Exited(_))`.
@external(erlang, "regrow_gleam_address", "call")
pub fn call(
  address: Address(message),
  sending make: fn(process.Subject(reply)) -> message,
  within milliseconds: Int,
) -> Result(reply, AddressError)
