//// A metrics platform: a collector, and an actor for each user who is connected, 10,000 of them. They are found by
//// their users' ids, told of metrics, and come and go; at the end nothing is left.

import regrow/child
import regrow/dynamic_supervisor
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/server
import regrow/supervisor
import support/counter
import support/say

pub type UserMessage {
  Record(name: String, value: Int)
  Total(reply: process.Subject(Int))
}

pub type CollectorMessage {
  Collect(value: Int)
  Collected(reply: process.Subject(Int))
}

type Sessions =
  registry.Registry(String, UserMessage)

type Metrics =
  registry.Registry(String, CollectorMessage)

const users = 10_000

pub fn main() -> Nil {
  // The registries and the supervisor.
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(metrics) = registry.unique() |> registry.named("metric_actors") |> registry.start(in: runtime)
  let assert Ok(sessions) = registry.unique() |> registry.named("user_sessions") |> registry.start(in: runtime)
  let assert Ok(platform) =
    dynamic_supervisor.new()
    |> dynamic_supervisor.restart_tolerance(intensity: 100, period: 5)
    |> dynamic_supervisor.start(in: runtime)
  let platform = platform.data
  let assert Ok(_) = dynamic_supervisor.start_child(in: platform, child: collector(metrics))

  // Users connect: each gets an actor.
  connect(platform, sessions, metrics, users)
  let assert Ok(supervisor.Counts(active: active, ..)) = dynamic_supervisor.count_children(in: platform)
  let assert Ok(registered) = registry.count(in: sessions)
  say.line(say.number(active) <> " children, " <> say.number(registered) <> " sessions")

  // From anywhere: a metric to each user.
  record(sessions, users)
  let assert Ok(user) = registry.lookup(in: sessions, key: "user_123")
  let assert Ok(123) = process.call(user, sending: Total, within: 5000)
  counter.until(fn() { collected(metrics) == users * { users + 1 } / 2 })
  say.line("all metrics were collected")

  // One crashes: its supervisor starts another, which is found by the same id.
  let crashed = process.owner(of: user)
  process.send(to: user, message: Record("crash", -1))
  counter.until(fn() {
    case registry.whereis(in: sessions, key: "user_123") {
      Ok(pid) -> pid != crashed
      Error(_) -> False
    }
  })
  let assert Ok(user) = registry.lookup(in: sessions, key: "user_123")
  let assert Ok(0) = process.call(user, sending: Total, within: 5000)
  say.line("user_123 was started again")

  // Users leave, by their ids.
  disconnect(platform, users)
  let assert Error(registry.NotFound) = registry.lookup(in: sessions, key: "user_123")
  let assert Ok(Nil) = dynamic_supervisor.terminate_child(in: platform, id: "collector")
  let assert Ok(supervisor.Counts(0, 0, 0, 0)) = dynamic_supervisor.count_children(in: platform)
  counter.until(fn() { registry.count(in: sessions) == Ok(0) })
  say.line("nobody is left")
  process.unlink(from: dynamic_supervisor.pid(of: platform))
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 30_000)
  Nil
}

fn collector(metrics: Metrics) -> child.Child(process.Subject(CollectorMessage)) {
  let builder =
    server.new(0)
    |> server.on_message(fn(sum, message) {
      case message {
        Collect(value) -> server.Continue(sum + value)
        Collected(reply) -> {
          process.send(to: reply, message: sum)
          server.Continue(sum)
        }
      }
    })
    |> server.registered(in: metrics, under: "collector")
  child.worker(id: "collector", starting: fn() { server.start(builder) })
}

fn user(sessions: Sessions, metrics: Metrics, id: String) -> child.Child(process.Subject(UserMessage)) {
  let builder =
    server.new(0)
    |> server.on_message(fn(total, message) {
      case message {
        Record("crash", _) -> panic
        Record(_, value) -> {
          let assert Ok(collector) = registry.lookup(in: metrics, key: "collector")
          process.send(to: collector, message: Collect(value))
          server.Continue(total + value)
        }
        Total(reply) -> {
          process.send(to: reply, message: total)
          server.Continue(total)
        }
      }
    })
    |> server.registered(in: sessions, under: id)
  child.worker(id: id, starting: fn() { server.start(builder) })
}

fn user_id(number: Int) -> String {
  "user_" <> say.number(number)
}

fn connect(
  platform: dynamic_supervisor.DynamicSupervisor,
  sessions: Sessions,
  metrics: Metrics,
  left: Int,
) -> Nil {
  case left {
    0 -> Nil
    _ -> {
      let child = user(sessions, metrics, user_id(left))
      let assert Ok(_) = dynamic_supervisor.start_child(in: platform, child: child)
      connect(platform, sessions, metrics, left - 1)
    }
  }
}

fn record(sessions: Sessions, left: Int) -> Nil {
  case left {
    0 -> Nil
    _ -> {
      let assert Ok(user) = registry.lookup(in: sessions, key: user_id(left))
      process.send(to: user, message: Record("page_view", left))
      record(sessions, left - 1)
    }
  }
}

fn disconnect(platform: dynamic_supervisor.DynamicSupervisor, left: Int) -> Nil {
  case left {
    0 -> Nil
    _ -> {
      let assert Ok(Nil) = dynamic_supervisor.terminate_child(in: platform, id: user_id(left))
      disconnect(platform, left - 1)
    }
  }
}

fn collected(metrics: Metrics) -> Int {
  let assert Ok(collector) = registry.lookup(in: metrics, key: "collector")
  let assert Ok(sum) = process.call(collector, sending: Collected, within: 5000)
  sum
}
