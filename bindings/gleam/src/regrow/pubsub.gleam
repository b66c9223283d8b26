//// Topics: one message to all who subscribe, wherever they are. Nothing is spawned for a subscriber and nothing
//// sleeps: who is subscribed when `subscribe` returns gets all that is broadcast from then on, and who can see that a
//// subscriber has ended finds it subscribed no more.
////
//// ```gleam
//// let assert Ok(news) = pubsub.new() |> pubsub.start(in: runtime)
//// let assert Ok(subject) = pubsub.subscribe(to: news, topic: "metrics.user_123")
//// let assert Ok(Nil) = pubsub.broadcast(over: news, topic: "metrics.user_123", message: 1.0)
//// let assert Ok(pubsub.Event("metrics.user_123", 1.0)) = process.receive(from: subject, within: 1000)
//// ```
////
//// Messages of one pubsub come in the order in which they were broadcast; between them and what the same sender sends
//// directly there is no order.
////
//// A subscription may be to a pattern: `*` stands for one piece between dots, and `>` at the end for one or more. It
//// may share the messages with others (`queue`), and have a bound (`bounded`):
////
//// ```gleam
//// pubsub.subscription(to: "jobs.>") |> pubsub.queue("workers") |> pubsub.subscribe_as(to: jobs)
//// ```
////
//// What native code broadcasts has no subject to come to: `selector.other` has it, as it was sent.

import regrow/child
import regrow/dynamic
import regrow/process
import regrow/runtime
import regrow/selector
import regrow/start

/// Topics whose messages are of one type.
pub type PubSub(message)

/// A message, and the topic over which it came.
pub type Event(message) {
  Event(topic: String, message: message)
}

/// So many messages of a bounded subscription are missing at this place.
pub type Lag {
  Lag(topic: String, count: Int)
}

/// Which messages are dropped when a subscription is at its bound.
pub type Overflow {
  DropNewest
  DropOldest
}

/// Why something was not done.
pub type PubSubError {
  NotFound
  /// The process that is to be subscribed is dead.
  DeadProcess
  /// The pubsub is dead, or this is none.
  DeadPubSub
  /// A pattern that cannot be, or one to broadcast over; a bound or queue group that cannot be; or a message that
  /// cannot cross.
  BadTopic
  Failed(reason: dynamic.Dynamic)
}

/// How a process is subscribed, for `subscribe_as`.
pub opaque type Subscription {
  Subscription(topic: String, queue: Result(String, Nil), most: Int, overflow: Overflow, pid: process.Pid)
}

/// What a pubsub is to be, for `start` and `child`.
pub opaque type Builder {
  Builder(name: Result(String, Nil))
}

/// A pubsub without a name.
pub fn new() -> Builder {
  Builder(name: Error(Nil))
}

/// Has a name in its runtime, by which `find` finds it.
pub fn named(_: Builder, name: String) -> Builder {
  Builder(name: Ok(name))
}

/// Starts a pubsub, which ends with its runtime.
pub fn start(builder: Builder, in runtime: runtime.Runtime) -> Result(PubSub(message), start.StartError) {
  do_start(runtime, builder.name)
}

/// A pubsub as a child of a supervisor. If it fails nobody fails with it, and all subscriptions are gone.
pub fn child(builder: Builder, id id: String) -> child.Child(PubSub(message)) {
  child.native_kind(id: id, spec: do_spec(builder.name), giving: of_pid)
}

/// The pubsub of that name. Of which type its messages are is what the caller says.
@external(erlang, "regrow_gleam_pubsub", "find")
pub fn find(in runtime: runtime.Runtime, named name: String) -> Result(PubSub(message), PubSubError)

/// Subscribes this process to a topic or pattern. All that it is subscribed to comes to the same subject; subscribing
/// twice changes nothing.
pub fn subscribe(
  to pubsub: PubSub(message),
  topic topic: String,
) -> Result(process.Subject(Event(message)), PubSubError) {
  subscribe_process(to: pubsub, topic: topic, pid: process.self())
}

/// Subscribes another process: the subject is that one's.
@external(erlang, "regrow_gleam_pubsub", "subscribe")
pub fn subscribe_process(
  to pubsub: PubSub(message),
  topic topic: String,
  pid pid: process.Pid,
) -> Result(process.Subject(Event(message)), PubSubError)

/// A subscription of this process to a topic or pattern, for `subscribe_as`: alone, without a bound.
pub fn subscription(to topic: String) -> Subscription {
  Subscription(topic: topic, queue: Error(Nil), most: 0, overflow: DropNewest, pid: process.self())
}

/// Shares the messages with all subscriptions of the same queue group: each goes to one of them, in turn.
pub fn queue(subscription: Subscription, name: String) -> Subscription {
  Subscription(..subscription, queue: Ok(name))
}

/// Keeps so many messages for a process that is slower than those who broadcast, and drops others: `lags` and
/// `receive_lag` tell of it. What has come to the mailbox of a process of the BEAM is not counted any more: that has no
/// bound. 0: none.
pub fn bounded(subscription: Subscription, to most: Int, dropping overflow: Overflow) -> Subscription {
  Subscription(..subscription, most: most, overflow: overflow)
}

/// Of another process than this.
pub fn of_process(subscription: Subscription, pid: process.Pid) -> Subscription {
  Subscription(..subscription, pid: pid)
}

/// Subscribes as a subscription says. Nothing changes if the process is subscribed to that topic in whatever way.
pub fn subscribe_as(
  subscription: Subscription,
  to pubsub: PubSub(message),
) -> Result(process.Subject(Event(message)), PubSubError) {
  do_subscribe_as(
    pubsub,
    subscription.topic,
    subscription.pid,
    subscription.queue,
    subscription.most,
    subscription.overflow,
  )
}

/// Adds what is told of missing messages of a topic to a selector: of any pubsub, for it does not say of which.
@external(erlang, "regrow_gleam_pubsub", "lags")
pub fn lags(
  selector: selector.Selector(message),
  of topic: String,
  wrapping wrap: fn(Lag) -> message,
) -> selector.Selector(message)

/// Takes the next that is told of missing messages of a topic, as it was subscribed to.
pub fn receive_lag(of topic: String, within milliseconds: Int) -> Result(Lag, process.ReceiveError) {
  selector.new()
  |> lags(of: topic, wrapping: fn(lag) { lag })
  |> selector.receive(within: milliseconds)
}

/// Takes a subscription away, whoever asks for it: the subject says whose. Nothing happens if there is none. What was
/// broadcast before may still be on its way.
@external(erlang, "regrow_gleam_pubsub", "unsubscribe")
pub fn unsubscribe(
  from pubsub: PubSub(message),
  topic topic: String,
  subject subject: process.Subject(Event(message)),
) -> Result(Nil, PubSubError)

/// Sends a message to all who are subscribed.
@external(erlang, "regrow_gleam_pubsub", "broadcast")
pub fn broadcast(
  over pubsub: PubSub(message),
  topic topic: String,
  message message: message,
) -> Result(Nil, PubSubError)

/// Sends a message to all who are subscribed but one, as a rule the sender.
@external(erlang, "regrow_gleam_pubsub", "broadcast_from")
pub fn broadcast_from(
  over pubsub: PubSub(message),
  sender pid: process.Pid,
  topic topic: String,
  message message: message,
) -> Result(Nil, PubSubError)

/// How many subscriptions a broadcast meets. Those of processes of the BEAM that have ended this moment may be counted
/// still.
@external(erlang, "regrow_gleam_pubsub", "subscriber_count")
pub fn subscriber_count(of pubsub: PubSub(message), topic topic: String) -> Result(Int, PubSubError)

/// The pubsub's own process.
@external(erlang, "regrow_gleam_dynamic", "identity")
pub fn pid(of pubsub: PubSub(message)) -> process.Pid

@external(erlang, "regrow_gleam_pubsub", "subscribe_as")
fn do_subscribe_as(
  pubsub: PubSub(message),
  topic: String,
  pid: process.Pid,
  queue: Result(String, Nil),
  most: Int,
  overflow: Overflow,
) -> Result(process.Subject(Event(message)), PubSubError)

@external(erlang, "regrow_gleam_pubsub", "start")
fn do_start(runtime: runtime.Runtime, name: Result(String, Nil)) -> Result(PubSub(message), start.StartError)

@external(erlang, "regrow_gleam_pubsub", "spec")
fn do_spec(name: Result(String, Nil)) -> dynamic.Dynamic

@external(erlang, "regrow_gleam_dynamic", "identity")
fn of_pid(pid: process.Pid) -> PubSub(message)
