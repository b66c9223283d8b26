import regrow/process
import regrow/pubsub
import regrow/runtime
import regrow/selector
import regrow/server
import regrow/start
import support/counter

fn with_news(body: fn(runtime.Runtime, pubsub.PubSub(Int)) -> a) -> Nil {
  let assert Ok(runtime) = runtime.start(runtime.new())
  let assert Ok(news) = pubsub.new() |> pubsub.named("news") |> pubsub.start(in: runtime)
  body(runtime, news)
  let assert Ok(Nil) = runtime.shutdown(runtime, within: 5000)
  Nil
}

pub fn who_is_subscribed_gets_the_message_test() {
  use _, news <- with_news
  let assert Ok(subject) = pubsub.subscribe(to: news, topic: "a")
  let assert Ok(_) = pubsub.subscribe(to: news, topic: "a")
  let assert Ok(1) = pubsub.subscriber_count(of: news, topic: "a")
  let assert Ok(Nil) = pubsub.broadcast(over: news, topic: "a", message: 1)
  let assert Ok(Nil) = pubsub.broadcast(over: news, topic: "b", message: 2)
  let assert Ok(Nil) = pubsub.broadcast_from(over: news, sender: process.self(), topic: "a", message: 3)
  let assert Ok(Nil) = pubsub.broadcast(over: news, topic: "a", message: 4)
  // In order; so nothing is on its way in between.
  let assert Ok(pubsub.Event("a", 1)) = process.receive(from: subject, within: 20_000)
  let assert Ok(pubsub.Event("a", 4)) = process.receive(from: subject, within: 20_000)
}

// FEATURES 0.16: glixir's subscribe spawns a process and sleeps 10 ms.
pub fn the_first_message_after_subscribing_is_not_missed_and_nothing_is_spawned_test() {
  use _, news <- with_news
  // What makes the first contact with a process is over.
  let assert Ok(_) = pubsub.subscribe(to: news, topic: "other")
  let before = process_count()
  thousand(news, 1000)
  let assert True = process_count() <= before
}

fn thousand(news: pubsub.PubSub(Int), left: Int) -> Nil {
  case left {
    0 -> Nil
    _ -> {
      let assert Ok(subject) = pubsub.subscribe(to: news, topic: "a")
      let assert Ok(Nil) = pubsub.broadcast(over: news, topic: "a", message: left)
      let assert Ok(Nil) = pubsub.unsubscribe(from: news, topic: "a", subject: subject)
      let assert Ok(pubsub.Event("a", number)) = process.receive(from: subject, within: 20_000)
      let assert True = number == left
      thousand(news, left - 1)
    }
  }
}

// FEATURES 0.16: glixir's unsubscribe, called from another process, takes nothing away.
pub fn anybody_takes_a_subscription_away_test() {
  use _, news <- with_news
  let assert Ok(subject) = pubsub.subscribe(to: news, topic: "a")
  let done = process.new_subject()
  let _ =
    process.spawn(running: fn() {
      process.send(to: done, message: pubsub.unsubscribe(from: news, topic: "a", subject: subject))
    })
  let assert Ok(Ok(Nil)) = process.receive(from: done, within: 20_000)
  let assert Ok(0) = pubsub.subscriber_count(of: news, topic: "a")
  let assert Ok(_) = pubsub.subscribe(to: news, topic: "b")
  let assert Ok(Nil) = pubsub.broadcast(over: news, topic: "a", message: 1)
  let assert Ok(Nil) = pubsub.broadcast(over: news, topic: "b", message: 2)
  let assert Ok(pubsub.Event("b", 2)) = process.receive(from: subject, within: 20_000)
  let assert Ok(Nil) = pubsub.unsubscribe(from: news, topic: "a", subject: subject)
}

pub fn who_is_dead_is_not_subscribed_before_native_code_knows_it_test() {
  use _, news <- with_news
  let pid = process.spawn_unlinked(running: fn() { process.sleep(60_000) })
  let assert Ok(_) = pubsub.subscribe_process(to: news, topic: "a", pid: pid)
  let assert Error(pubsub.DeadProcess) =
    uninformed(pubsub.pid(of: news), fn() {
      let monitor = process.monitor(pid)
      process.kill(pid)
      let assert Ok(_) = process.receive_down(from: monitor, within: 20_000)
      pubsub.subscribe_process(to: news, topic: "b", pid: pid)
    })
}

pub fn another_process_is_subscribed_and_goes_when_it_ends_test() {
  use _, news <- with_news
  let told = process.new_subject()
  let other =
    process.spawn_unlinked(running: fn() {
      let mine = process.new_subject()
      process.send(to: told, message: Error(mine))
      let assert Ok(subject) = process.receive(from: mine, within: 20_000)
      let event = process.receive(from: subject, within: 20_000)
      process.send(to: told, message: Ok(event))
      process.sleep(60_000)
    })
  let assert Ok(Error(its)) = process.receive(from: told, within: 20_000)
  let assert Ok(subject) = pubsub.subscribe_process(to: news, topic: "a", pid: other)
  process.send(to: its, message: subject)
  let assert Ok(Nil) = pubsub.broadcast(over: news, topic: "a", message: 7)
  let assert Ok(Ok(Ok(pubsub.Event("a", 7)))) = process.receive(from: told, within: 20_000)
  let monitor = process.monitor(other)
  process.kill(other)
  let assert Ok(_) = process.receive_down(from: monitor, within: 20_000)
  let assert Error(pubsub.DeadProcess) = pubsub.subscribe_process(to: news, topic: "a", pid: other)
  let assert Ok(Nil) = pubsub.broadcast(over: news, topic: "a", message: 8)
}

pub fn a_pattern_stands_for_many_topics_test() {
  use _, news <- with_news
  let assert Ok(one) = pubsub.subscribe(to: news, topic: "user.*")
  let assert Ok(Nil) = pubsub.broadcast(over: news, topic: "user.1", message: 1)
  let assert Ok(Nil) = pubsub.broadcast(over: news, topic: "user.1.page", message: 2)
  let assert Ok(Nil) = pubsub.broadcast(over: news, topic: "user.2", message: 3)
  let assert Ok(pubsub.Event("user.1", 1)) = process.receive(from: one, within: 20_000)
  let assert Ok(pubsub.Event("user.2", 3)) = process.receive(from: one, within: 20_000)
  let assert Error(pubsub.BadTopic) = pubsub.broadcast(over: news, topic: "user.*", message: 1)
  let assert Error(pubsub.BadTopic) = pubsub.subscribe(to: news, topic: ">.a")
}

pub fn a_queue_group_shares_the_messages_test() {
  use _, jobs <- with_news
  let shared = pubsub.subscription(to: "jobs.>") |> pubsub.queue("workers")
  let told = process.new_subject()
  let other = process.spawn(running: fn() { relay(told) })
  let assert Ok(its) = process.receive(from: told, within: 20_000)
  let assert Ok(mine) = pubsub.subscribe_as(shared, to: jobs)
  let assert Ok(subject) = shared |> pubsub.of_process(other) |> pubsub.subscribe_as(to: jobs)
  let assert True = process.owner(of: subject) == other
  process.send(to: its, message: subject)
  let assert Ok(Nil) = pubsub.broadcast(over: jobs, topic: "jobs.a", message: 1)
  let assert Ok(Nil) = pubsub.broadcast(over: jobs, topic: "jobs.a", message: 2)
  // One each.
  let assert Ok(pubsub.Event("jobs.a", here)) = process.receive(from: mine, within: 20_000)
  let assert Ok(pubsub.Event("jobs.a", there)) = process.receive(from: of_events(told), within: 20_000)
  let assert 3 = here + there
  let assert Ok(Nil) = pubsub.unsubscribe(from: jobs, topic: "jobs.>", subject: subject)
  let assert Ok(Nil) = pubsub.broadcast(over: jobs, topic: "jobs.b", message: 3)
  let assert Ok(Nil) = pubsub.broadcast(over: jobs, topic: "jobs.b", message: 4)
  let assert Ok(pubsub.Event("jobs.b", 3)) = process.receive(from: mine, within: 20_000)
  let assert Ok(pubsub.Event("jobs.b", 4)) = process.receive(from: mine, within: 20_000)
  process.unlink(from: other)
  process.kill(other)
}

/// Gives a subject for a subject, and sends on what comes to that.
fn relay(to: process.Subject(a)) -> Nil {
  let mine = process.new_subject()
  process.send(to: to, message: coerce(mine))
  let assert Ok(subject) = process.receive(from: mine, within: 20_000)
  let assert Ok(event) = process.receive(from: subject, within: 20_000)
  process.send(to: to, message: event)
  process.sleep(60_000)
}

type Flood {
  Came
  Missing(count: Int)
}

pub fn a_bounded_subscription_tells_what_is_missing_test() {
  use _, news <- with_news
  let assert Ok(subject) =
    pubsub.subscription(to: "a")
    |> pubsub.bounded(to: 1, dropping: pubsub.DropOldest)
    |> pubsub.subscribe_as(to: news)
  let inputs =
    selector.new()
    |> selector.add(subject: subject, wrapping: fn(_) { Came })
    |> pubsub.lags(of: "a", wrapping: fn(lag) { Missing(lag.count) })
  // Nobody is slow for sure: more are sent until somebody was.
  let assert True = flood(news, inputs, 100)
  let assert Error(process.NothingCame) = pubsub.receive_lag(of: "a", within: 0)
}

fn flood(news: pubsub.PubSub(Int), inputs: selector.Selector(Flood), rounds: Int) -> Bool {
  send_all(news, 1000)
  // Whatever was dropped is told, none twice.
  case count(inputs, 1000, False) {
    True -> True
    False -> rounds > 0 && flood(news, inputs, rounds - 1)
  }
}

fn send_all(news: pubsub.PubSub(Int), left: Int) -> Nil {
  case left {
    0 -> Nil
    _ -> {
      let assert Ok(Nil) = pubsub.broadcast(over: news, topic: "a", message: left)
      send_all(news, left - 1)
    }
  }
}

fn count(inputs: selector.Selector(Flood), left: Int, lagged: Bool) -> Bool {
  let assert True = left >= 0
  case left {
    0 -> lagged
    _ ->
      case selector.receive(from: inputs, within: 20_000) {
        Ok(Came) -> count(inputs, left - 1, lagged)
        Ok(Missing(missing)) -> count(inputs, left - missing, True)
        Error(_) -> panic
      }
  }
}

pub fn a_subscription_that_cannot_be_is_an_error_test() {
  use _, news <- with_news
  let it = pubsub.subscription(to: "a")
  let assert Error(pubsub.BadTopic) = pubsub.subscribe_as(pubsub.queue(it, zero()), to: news)
  let assert Error(pubsub.BadTopic) =
    pubsub.subscribe_as(pubsub.bounded(it, to: -1, dropping: pubsub.DropNewest), to: news)
  let assert Error(pubsub.BadTopic) = pubsub.subscribe_as(pubsub.subscription(to: ">.a"), to: news)
  let assert Ok(0) = pubsub.subscriber_count(of: news, topic: "a")
}

@external(erlang, "regrow_gleam_support", "zero")
fn zero() -> String

@external(erlang, "regrow_gleam_dynamic", "identity")
fn coerce(value: a) -> b

@external(erlang, "regrow_gleam_dynamic", "identity")
fn of_events(subject: process.Subject(a)) -> process.Subject(pubsub.Event(Int))

pub type Message {
  News(event: pubsub.Event(Int))
  Sum(reply: process.Subject(Int))
}

pub fn a_server_listens_to_a_topic_test() {
  use _, news <- with_news
  let assert Ok(started) =
    server.new_with_initialiser(within: 20_000, running: fn(_) {
      case pubsub.subscribe(to: news, topic: "a") {
        Ok(subject) -> Ok(server.initialised(0) |> server.listening(to: subject, wrapping: News))
        Error(_) -> Error("no news")
      }
    })
    |> server.on_message(fn(sum, message) {
      case message {
        News(pubsub.Event(_, number)) -> server.Continue(sum + number)
        Sum(reply) -> {
          process.send(to: reply, message: sum)
          server.Continue(sum)
        }
      }
    })
    |> server.start
  process.unlink(from: started.pid)
  let assert Ok(Nil) = pubsub.broadcast(over: news, topic: "a", message: 40)
  let assert Ok(Nil) = pubsub.broadcast(over: news, topic: "a", message: 2)
  counter.until(fn() { process.call(started.data, sending: Sum, within: 20_000) == Ok(42) })
  process.kill(started.pid)
}

pub fn it_is_found_by_its_name_and_a_dead_one_is_an_error_test() {
  use runtime, news <- with_news
  let assert Ok(found) = pubsub.find(in: runtime, named: "news")
  let assert True = found == news
  let assert Error(pubsub.NotFound) = pubsub.find(in: runtime, named: "nobody")
  let assert Error(start.NameInUse(_)) = pubsub.new() |> pubsub.named("news") |> pubsub.start(in: runtime)
  let monitor = process.monitor(pubsub.pid(of: news))
  process.kill(pubsub.pid(of: news))
  let assert Ok(_) = process.receive_down(from: monitor, within: 20_000)
  let assert Error(pubsub.DeadPubSub) = pubsub.subscribe(to: news, topic: "a")
  let assert Error(pubsub.DeadPubSub) = pubsub.broadcast(over: news, topic: "a", message: 1)
  let assert Error(pubsub.DeadPubSub) = pubsub.subscriber_count(of: news, topic: "a")
  let assert Error(pubsub.NotFound) = pubsub.find(in: runtime, named: "news")
}

@external(erlang, "regrow_gleam_support", "process_count")
fn process_count() -> Int

@external(erlang, "regrow_gleam_support", "uninformed")
fn uninformed(native: process.Pid, function: fn() -> a) -> a
