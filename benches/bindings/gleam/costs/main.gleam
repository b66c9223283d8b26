//// What things cost in Gleam, beside the BEAM's own: nanoseconds each, the best of several rounds, a JSON line for
//// each.
////
//// `make -C bindings/gleam bench`

import regrow/agent
import regrow/decode
import regrow/dynamic
import regrow/gen_server
import regrow/native_agent
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/server
import regrow/table

pub type Message {
  Ask(reply: process.Subject(Int))
}

/// Of the native counter.
type Request {
  Get
}

type Plain

const rounds = 15

const calls = 5000

const patience = 5000

pub fn main() -> Nil {
  let assert Ok(runtime) = runtime.new() |> runtime.log_level(runtime.Silent) |> runtime.start
  let plain = plain_server()

  let assert Ok(counter) =
    server.new(0)
    |> server.on_message(fn(count, message) {
      let Ask(reply) = message
      process.send(to: reply, message: count)
      server.Continue(count)
    })
    |> server.start
  measure("call", fn() { process.call(counter.data, sending: Ask, within: patience) })
  measure("call_plain", fn() { plain_call(plain) })
  let assert Ok(Nil) = gen_server.load_plugin(from: counter_path())
  let assert Ok(native) = gen_server.start_native(in: runtime, behaviour: "counter", with: dynamic.int(0))
  measure("call_native", fn() { gen_server.call(native, dynamic.from(Get), decode.int, within: patience) })

  let assert Ok(kept) = agent.start(fn() { 0 })
  measure("agent_get", fn() { agent.get(kept.data, with: fn(n) { n }, within: patience) })
  measure("agent_get_plain", fn() { plain_agent_get(plain, fn(n: Int) { n }) })
  let assert Ok(native_kept) =
    native_agent.new(0, encode: dynamic.int, decode: decode.int)
    |> native_agent.start(in: runtime)
  measure("native_agent_get", fn() { native_agent.get(native_kept, within: patience) })

  let assert Ok(counters) = registry.unique() |> registry.start(in: runtime)
  let assert Ok(Nil) = registry.register(in: counters, key: "key", subject: counter.data)
  let names = plain_table(counter.data)
  let name = plain_name()
  measure("registry_lookup", fn() { registry.lookup(in: counters, key: "key") })
  measure("registry_whereis", fn() { registry.whereis(in: counters, key: "key") })
  measure("lookup_plain", fn() { plain_lookup(names, "key") })
  measure("whereis_plain", fn() { plain_whereis(name) })

  let assert Ok(numbers) = table.new() |> table.access(table.Public) |> table.create(in: runtime)
  let assert Ok(Nil) = table.insert(into: numbers, key: "key", value: 7)
  measure("table_lookup", fn() { table.lookup(in: numbers, key: "key") })
  measure("table_insert", fn() { table.insert(into: numbers, key: "key", value: 7) })
  measure("insert_plain", fn() { plain_insert(names, "key", 7) })

  let assert Ok(Nil) = runtime.shutdown(runtime, within: patience)
  Nil
}

fn measure(name: String, call: fn() -> a) -> Nil {
  print("{\"bench\": \"gleam_" <> name <> "\", \"ns\": " <> to_string(best(rounds, call, -1)) <> "}\n")
}

/// The shortest time of so many rounds; below 0: none is known.
fn best(rounds: Int, call: fn() -> a, known: Int) -> Int {
  case rounds {
    0 -> known
    _ -> {
      let before = now()
      times(calls, call)
      let each = { now() - before } / calls
      case known < 0 || each < known {
        True -> best(rounds - 1, call, each)
        False -> best(rounds - 1, call, known)
      }
    }
  }
}

fn times(count: Int, call: fn() -> a) -> Nil {
  case count {
    0 -> Nil
    _ -> {
      call()
      times(count - 1, call)
    }
  }
}

@external(erlang, "regrow_gleam_costs", "plain_server")
fn plain_server() -> process.Pid

@external(erlang, "regrow_gleam_costs", "plain_call")
fn plain_call(server: process.Pid) -> Int

@external(erlang, "regrow_gleam_costs", "plain_agent_get")
fn plain_agent_get(server: process.Pid, function: fn(Int) -> a) -> a

@external(erlang, "regrow_gleam_costs", "plain_name")
fn plain_name() -> Plain

@external(erlang, "regrow_gleam_costs", "plain_whereis")
fn plain_whereis(name: Plain) -> process.Pid

@external(erlang, "regrow_gleam_costs", "plain_table")
fn plain_table(value: a) -> Plain

@external(erlang, "regrow_gleam_costs", "plain_lookup")
fn plain_lookup(table: Plain, key: String) -> dynamic.Dynamic

@external(erlang, "regrow_gleam_costs", "plain_insert")
fn plain_insert(table: Plain, key: String, value: a) -> Bool

@external(erlang, "regrow_gleam_costs", "counter_path")
fn counter_path() -> String

@external(erlang, "regrow_gleam_costs", "now")
fn now() -> Int

@external(erlang, "regrow_gleam_costs", "print")
fn print(text: String) -> Nil

@external(erlang, "erlang", "integer_to_binary")
fn to_string(number: Int) -> String
