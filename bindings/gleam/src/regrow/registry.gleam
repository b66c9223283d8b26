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
//// of modules of Erlang and Elixir in the same registry. Entries are searched by what `regrow/match` has:
////
//// ```gleam
//// // Who has more than 5 points.
//// registry.select(
////   in: users,
////   where: fn(entry) { match.greater(match.decoded(entry.value, decoder: decode.int), than: match.value(5)) },
////   giving: fn(entry) { match.pair(entry.key, and: entry.pid) },
//// )
//// ```

import regrow/child
import regrow/decode
import regrow/dynamic
import regrow/match
import regrow/process
import regrow/runtime
import regrow/selector
import regrow/start

/// A registry whose keys are of one type, and whose subjects take messages of one type.
pub type Registry(key, message)

/// Why something was not found or done.
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

/// The parts of an entry, for searches.
pub type Entry(key) {
  Entry(
    key: match.Expression(key),
    pid: match.Expression(process.Pid),
    value: match.Expression(dynamic.Dynamic),
  )
}

/// What comes from one registry to its listeners.
pub type Listener(key)

/// What a listener is told: of each entry that comes, and when a process has no entry under a key any more, for
/// whatever reason.
pub type Change(key) {
  Registered(key: key, pid: process.Pid, value: dynamic.Dynamic)
  Unregistered(key: key, pid: process.Pid)
}

/// A value as it is now, and as it was.
pub type Updated(value) {
  Updated(new: value, old: value)
}

type Keys {
  Unique
  Duplicate
}

/// What a registry is to be, for `start` and `child`.
pub opaque type Builder {
  Builder(
    keys: Keys,
    partitions: Int,
    name: Result(String, Nil),
    listeners: List(String),
    meta: List(#(dynamic.Dynamic, dynamic.Dynamic)),
  )
}

/// A key has one process at most.
pub fn unique() -> Builder {
  Builder(keys: Unique, partitions: 1, name: Error(Nil), listeners: [], meta: [])
}

/// A key has any number of processes.
pub fn duplicate() -> Builder {
  Builder(keys: Duplicate, partitions: 1, name: Error(Nil), listeners: [], meta: [])
}

/// In how many parts it is kept, from 1 on: more when many threads write to it.
pub fn partitions(builder: Builder, count: Int) -> Builder {
  Builder(..builder, partitions: count)
}

/// Has a name in its runtime, by which `find` and native code find it.
pub fn named(builder: Builder, name: String) -> Builder {
  Builder(..builder, name: Ok(name))
}

/// Has a process told of all changes, in the order in which they happen: whoever has that name in the runtime at that
/// moment (`runtime.register`). `listen` is how it takes what it is told.
pub fn listener(builder: Builder, named name: String) -> Builder {
  Builder(..builder, listeners: [name, ..builder.listeners])
}

/// Keeps a value beside the entries, from each start on: see `meta`.
pub fn with_meta(builder: Builder, key key: meta_key, value value: value) -> Builder {
  Builder(..builder, meta: [#(dynamic.from(key), dynamic.from(value)), ..builder.meta])
}

/// Starts a registry, which ends with its runtime.
pub fn start(builder: Builder, in runtime: runtime.Runtime) -> Result(Registry(key, message), start.StartError) {
  do_start(runtime, do_spec(builder))
}

/// A registry as a child of a supervisor. It comes before those who are registered there: if it fails they fail with
/// it, and register again when they are started again. Named, it is found after that too.
pub fn child(builder: Builder, id id: String) -> child.Child(Registry(key, message)) {
  child.native_kind(id: id, spec: do_spec(builder), giving: of_pid)
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
  pairs(do_entries(registry, key), decoder)
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

// ---- searches ----

/// What the entries give for which a condition holds, in no order.
pub fn select(
  in registry: Registry(key, message),
  where condition: fn(Entry(key)) -> match.Expression(Bool),
  giving result: fn(Entry(key)) -> match.Expression(result),
) -> Result(List(result), RegistryError) {
  let entry = do_entry()
  do_select(registry, condition(entry), result(entry))
}

/// For how many entries a condition holds.
pub fn select_count(
  in registry: Registry(key, message),
  where condition: fn(Entry(key)) -> match.Expression(Bool),
) -> Result(Int, RegistryError) {
  do_select_count(registry, condition(do_entry()))
}

/// The processes of a key and their values, where a condition holds for the value, in the order in which they were
/// registered.
pub fn matching(
  in registry: Registry(key, message),
  key key: key,
  where condition: fn(match.Expression(value)) -> match.Expression(Bool),
  decoder decoder: decode.Decoder(value),
) -> Result(List(#(process.Pid, value)), RegistryError) {
  pairs(do_matching(registry, key, condition(do_value(decoder))), decoder)
}

/// For how many entries of a key a condition holds.
pub fn matching_count(
  in registry: Registry(key, message),
  key key: key,
  where condition: fn(match.Expression(dynamic.Dynamic)) -> match.Expression(Bool),
) -> Result(Int, RegistryError) {
  do_matching_count(registry, key, condition(do_value(decode.dynamic)))
}

/// Takes those of this process's entries under a key away for whose value a condition holds.
pub fn unregister_matching(
  in registry: Registry(key, message),
  key key: key,
  where condition: fn(match.Expression(dynamic.Dynamic)) -> match.Expression(Bool),
) -> Result(Nil, RegistryError) {
  do_unregister_matching(registry, key, condition(do_value(decode.dynamic)))
}

// ---- values ----

/// The values that a process has under a key, in the order in which they were registered; none: an empty list.
pub fn values_of(
  in registry: Registry(key, message),
  key key: key,
  pid pid: process.Pid,
  decoder decoder: decode.Decoder(value),
) -> Result(List(value), RegistryError) {
  case do_values_of(registry, key, pid) {
    Error(error) -> Error(error)
    Ok(values) -> decoded(values, decode.list(of: decoder))
  }
}

/// Gives this process's entry under a key of a unique registry another value, made from the old one. A value that is
/// none for the decoder stays. `Error(NotFound)`: this process has no such entry.
@external(erlang, "regrow_gleam_registry", "update_value")
pub fn update_value(
  in registry: Registry(key, message),
  key key: key,
  decoder decoder: decode.Decoder(value),
  with update: fn(value) -> value,
) -> Result(Updated(value), RegistryError)

// ---- what is kept beside the entries ----

/// What is kept beside the entries under a key of its own.
pub fn meta(
  in registry: Registry(key, message),
  key key: meta_key,
  decoder decoder: decode.Decoder(value),
) -> Result(value, RegistryError) {
  case do_meta(registry, key) {
    Error(error) -> Error(error)
    Ok(value) -> decoded(value, decoder)
  }
}

/// Keeps a value beside the entries, in place of another.
@external(erlang, "regrow_gleam_registry", "put_meta")
pub fn put_meta(
  in registry: Registry(key, message),
  key key: meta_key,
  value value: value,
) -> Result(Nil, RegistryError)

/// Nothing happens when there is none.
@external(erlang, "regrow_gleam_registry", "delete_meta")
pub fn delete_meta(in registry: Registry(key, message), key key: meta_key) -> Result(Nil, RegistryError)

// ---- listeners ----

/// What this process is told as a listener of a registry, of which it must have one of the names.
@external(erlang, "regrow_gleam_registry", "listen")
pub fn listen(to registry: Registry(key, message)) -> Result(Listener(key), RegistryError)

/// Takes the next change that this process is told.
pub fn receive_change(
  from listener: Listener(key),
  within milliseconds: Int,
) -> Result(Change(key), process.ReceiveError) {
  selector.new()
  |> changes(of: listener, wrapping: fn(change) { change })
  |> selector.receive(within: milliseconds)
}

/// Adds what this process is told to a selector.
@external(erlang, "regrow_gleam_registry", "changes")
pub fn changes(
  selector: selector.Selector(message),
  of listener: Listener(key),
  wrapping wrap: fn(Change(key)) -> message,
) -> selector.Selector(message)

fn pairs(
  outcome: Result(dynamic.Dynamic, RegistryError),
  decoder: decode.Decoder(value),
) -> Result(List(#(process.Pid, value)), RegistryError) {
  case outcome {
    Error(error) -> Error(error)
    Ok(entries) -> decoded(entries, decode.list(of: decode.pair(of: decode.pid, and: decoder)))
  }
}

fn decoded(value: dynamic.Dynamic, decoder: decode.Decoder(a)) -> Result(a, RegistryError) {
  case decode.run(value, decoder) {
    Ok(decoded) -> Ok(decoded)
    Error(errors) -> Error(Undecodable(errors))
  }
}

@external(erlang, "regrow_gleam_registry", "start")
fn do_start(
  runtime: runtime.Runtime,
  spec: dynamic.Dynamic,
) -> Result(Registry(key, message), start.StartError)

@external(erlang, "regrow_gleam_registry", "entries")
fn do_entries(registry: Registry(key, message), key: key) -> Result(dynamic.Dynamic, RegistryError)

@external(erlang, "regrow_gleam_registry", "entry")
fn do_entry() -> Entry(key)

@external(erlang, "regrow_gleam_registry", "value")
fn do_value(decoder: decode.Decoder(value)) -> match.Expression(value)

@external(erlang, "regrow_gleam_registry", "select")
fn do_select(
  registry: Registry(key, message),
  condition: match.Expression(Bool),
  result: match.Expression(result),
) -> Result(List(result), RegistryError)

@external(erlang, "regrow_gleam_registry", "select_count")
fn do_select_count(
  registry: Registry(key, message),
  condition: match.Expression(Bool),
) -> Result(Int, RegistryError)

@external(erlang, "regrow_gleam_registry", "matching")
fn do_matching(
  registry: Registry(key, message),
  key: key,
  condition: match.Expression(Bool),
) -> Result(dynamic.Dynamic, RegistryError)

@external(erlang, "regrow_gleam_registry", "matching_count")
fn do_matching_count(
  registry: Registry(key, message),
  key: key,
  condition: match.Expression(Bool),
) -> Result(Int, RegistryError)

@external(erlang, "regrow_gleam_registry", "unregister_matching")
fn do_unregister_matching(
  registry: Registry(key, message),
  key: key,
  condition: match.Expression(Bool),
) -> Result(Nil, RegistryError)

@external(erlang, "regrow_gleam_registry", "values_of")
fn do_values_of(
  registry: Registry(key, message),
  key: key,
  pid: process.Pid,
) -> Result(dynamic.Dynamic, RegistryError)

@external(erlang, "regrow_gleam_registry", "meta")
fn do_meta(registry: Registry(key, message), key: meta_key) -> Result(dynamic.Dynamic, RegistryError)

@external(erlang, "regrow_gleam_registry", "spec")
fn do_spec(builder: Builder) -> dynamic.Dynamic

@external(erlang, "regrow_gleam_dynamic", "identity")
fn of_pid(pid: process.Pid) -> Registry(key, message)
