//// Keys to processes: found by what they are for, and never when they are dead. The entries of a process are gone
//// before anybody can see that it has ended.
////
//// ```gleam
//// let assert Ok(users) = registry.unique() |> registry.start(in: runtime)
//// let assert Ok(Nil) = registry.register(in: users, key: "user_123", subject: subject)
//// let assert Ok(found) = registry.lookup(in: users, key: "user_123")
//// ```
////
//// An entry belongs to the subject's owner, whoever registers it, and goes with that owner. It is a link with the
//// registry: if that fails, or is ended before its runtime, so are those who are registered there, unless they trap
//// exits.
////
//// Beside subjects an entry may have any value (`register_value`, `values`), and so may those of native processes and
//// of modules of Erlang and Elixir in the same registry.

import regrow/child
import regrow/decode
import regrow/dynamic
import regrow/process
import regrow/runtime
import regrow/start

/// A registry whose keys are of one type, and whose subjects take messages of one type.
pub type Registry(key, message)

pub type RegistryError {
  /// A unique key is taken, by this process.
  AlreadyRegistered(by: process.Pid)
  NotFound
  /// The process that is to be registered is dead.
  DeadProcess
  /// The registry is dead, or this is none.
  DeadRegistry
  /// What is registered there is no subject of that process, or not what the decoder wants.
  Undecodable(errors: List(decode.DecodeError))
  Failed(reason: dynamic.Dynamic)
}

type Keys {
  Unique
  Duplicate
}

pub opaque type Builder {
  Builder(keys: Keys, partitions: Int, name: Result(String, Nil))
}

/// A key has one process at most.
pub fn unique() -> Builder {
  Builder(keys: Unique, partitions: 1, name: Error(Nil))
}

/// A key has any number of processes.
pub fn duplicate() -> Builder {
  Builder(keys: Duplicate, partitions: 1, name: Error(Nil))
}

/// In how many parts it is kept, from 1 on: more when many threads write to it.
pub fn partitions(builder: Builder, count: Int) -> Builder {
  Builder(..builder, partitions: count)
}

/// Has a name in its runtime, by which `find` and native code find it.
pub fn named(builder: Builder, name: String) -> Builder {
  Builder(..builder, name: Ok(name))
}

/// Starts a registry, which ends with its runtime.
pub fn start(builder: Builder, in runtime: runtime.Runtime) -> Result(Registry(key, message), start.StartError) {
  do_start(runtime, builder.keys, builder.partitions, builder.name)
}

/// A registry as a child of a supervisor. It comes before those who are registered there: if it fails they fail with
/// it, and register again when they are started again. Named, it is found after that too.
pub fn child(builder: Builder, id id: String) -> child.Child(Registry(key, message)) {
  child.native_kind(id: id, spec: do_spec(builder.keys, builder.partitions, builder.name), giving: of_pid)
}

/// The registry of that name. Its types are what the caller says; a subject is checked to be one when it is found.
@external(erlang, "regrow_gleam_registry", "find")
pub fn find(in runtime: runtime.Runtime, named name: String) -> Result(Registry(key, message), RegistryError)

/// The registry's own process.
@external(erlang, "regrow_gleam_dynamic", "identity")
pub fn pid(of registry: Registry(key, message)) -> process.Pid

/// Gives the owner of a subject an entry.
@external(erlang, "regrow_gleam_registry", "register")
pub fn register(
  in registry: Registry(key, message),
  key key: key,
  subject subject: process.Subject(message),
) -> Result(Nil, RegistryError)

/// Gives a process an entry with any value.
@external(erlang, "regrow_gleam_registry", "register_value")
pub fn register_value(
  in registry: Registry(key, message),
  key key: key,
  pid pid: process.Pid,
  value value: dynamic.Dynamic,
) -> Result(Nil, RegistryError)

/// Takes the entries of a key away, whoever they belong to. `Error(NotFound)`: there is none.
@external(erlang, "regrow_gleam_registry", "unregister")
pub fn unregister(in registry: Registry(key, message), key key: key) -> Result(Nil, RegistryError)

/// Takes the entries away that a process has under a key; nothing happens when it has none.
@external(erlang, "regrow_gleam_registry", "unregister_process")
pub fn unregister_process(
  in registry: Registry(key, message),
  key key: key,
  pid pid: process.Pid,
) -> Result(Nil, RegistryError)

/// The subject of a key; with duplicate keys that which was registered first.
@external(erlang, "regrow_gleam_registry", "lookup")
pub fn lookup(in registry: Registry(key, message), key key: key) -> Result(process.Subject(message), RegistryError)

/// The subjects of a key, in the order in which they were registered; none: an empty list.
@external(erlang, "regrow_gleam_registry", "lookup_all")
pub fn lookup_all(
  in registry: Registry(key, message),
  key key: key,
) -> Result(List(process.Subject(message)), RegistryError)

/// The processes of a key and their values, in the order in which they were registered; none: an empty list.
pub fn values(
  in registry: Registry(key, message),
  key key: key,
  decoder decoder: decode.Decoder(value),
) -> Result(List(#(process.Pid, value)), RegistryError) {
  case do_entries(registry, key) {
    Error(error) -> Error(error)
    Ok(entries) ->
      case decode.run(entries, decode.list(of: decode.pair(of: decode.pid, and: decoder))) {
        Ok(decoded) -> Ok(decoded)
        Error(errors) -> Error(Undecodable(errors))
      }
  }
}

/// The process of a key; with duplicate keys that which was registered first.
@external(erlang, "regrow_gleam_registry", "whereis")
pub fn whereis(in registry: Registry(key, message), key key: key) -> Result(process.Pid, RegistryError)

/// The keys that a process has, in no order.
@external(erlang, "regrow_gleam_registry", "keys")
pub fn keys(in registry: Registry(key, message), of pid: process.Pid) -> Result(List(key), RegistryError)

/// How many entries there are. Those of processes of the BEAM that have ended this moment may be counted still.
@external(erlang, "regrow_gleam_registry", "count")
pub fn count(in registry: Registry(key, message)) -> Result(Int, RegistryError)

/// Sends a message to all subjects of a key, and tells how many.
@external(erlang, "regrow_gleam_registry", "dispatch")
pub fn dispatch(
  in registry: Registry(key, message),
  key key: key,
  message message: message,
) -> Result(Int, RegistryError)

@external(erlang, "regrow_gleam_registry", "start")
fn do_start(
  runtime: runtime.Runtime,
  keys: Keys,
  partitions: Int,
  name: Result(String, Nil),
) -> Result(Registry(key, message), start.StartError)

@external(erlang, "regrow_gleam_registry", "entries")
fn do_entries(registry: Registry(key, message), key: key) -> Result(dynamic.Dynamic, RegistryError)

@external(erlang, "regrow_gleam_registry", "spec")
fn do_spec(keys: Keys, partitions: Int, name: Result(String, Nil)) -> dynamic.Dynamic

@external(erlang, "regrow_gleam_dynamic", "identity")
fn of_pid(pid: process.Pid) -> Registry(key, message)
