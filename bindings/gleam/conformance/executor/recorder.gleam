//// What happened: every process of the scenario with its label and its end, and what the step under way gave. A server
//// that monitors them all; those who record wait for it, so that events stand in the order in which callbacks began.

import executor/lists
import executor/message
import executor/text
import executor/words
import regrow/agent
import regrow/dynamic
import regrow/dynamic_supervisor
import regrow/factory_supervisor
import regrow/process
import regrow/selector
import regrow/server
import regrow/supervisor

pub type Kind {
  Worker
  Supervisor
  Dynamic
  Agent
  Task
}

/// By what a process is talked to.
pub type Handle {
  None
  Talks(to: process.Subject(message.Message))
  Supervises(supervisor: supervisor.Supervisor)
  SupervisesMany(supervisor: dynamic_supervisor.DynamicSupervisor)
  /// Children by their ids, which are all that they are made from.
  SupervisesAlike(supervisor: factory_supervisor.FactorySupervisor(String, process.Pid))
  Keeps(agent: agent.Agent(Int))
}

/// What is known of a process when its init begins. `child_id`: by which a dynamic supervisor knows it.
pub type Begun {
  Begun(
    id: String,
    kind: Kind,
    pid: process.Pid,
    starter: Result(process.Pid, Nil),
    behaviours: List(String),
    child_id: String,
    handle: Handle,
  )
}

/// A process that has a label; `ended`: in which step, and why.
pub type Attempt {
  Attempt(
    begun: Begun,
    number: Int,
    label: String,
    behaviour: String,
    handle: Handle,
    is_up: Bool,
    ended: Result(#(Int, String), Nil),
  )
}

pub type Event {
  Event(pid: process.Pid, text: String)
}

/// What a step gave; `attempts` are all there ever were.
pub type Step {
  Step(number: Int, events: List(Event), messages: List(Event), attempts: List(Attempt))
}

pub type Recorder =
  process.Subject(Message)

pub type Message {
  Begins(begun: Begun, reply: process.Subject(String))
  CameUp(pid: process.Pid, reply: process.Subject(Nil))
  HasHandle(pid: process.Pid, handle: Handle, reply: process.Subject(Nil))
  Happens(pid: process.Pid, what: String, reply: process.Subject(Nil))
  Hears(pid: process.Pid, what: String, reply: process.Subject(Nil))
  Attempts(reply: process.Subject(List(Attempt)))
  IsOver(reply: process.Subject(Step))
  Ended(monitor: process.Monitor, down: process.Down)
}

/// Attempts, events and messages, newest first.
type State {
  State(main: process.Pid, step: Int, attempts: List(Attempt), events: List(Event), messages: List(Event))
}

const patience = 20_000

// ---- for the processes of the scenario ----

/// To be called first in an init; tells how this attempt is to behave.
pub fn begins(recorder: Recorder, begun: Begun) -> String {
  ask(recorder, fn(reply) { Begins(begun, reply) })
}

/// The init is about to succeed.
pub fn came_up(recorder: Recorder, pid: process.Pid) -> Nil {
  ask(recorder, fn(reply) { CameUp(pid, reply) })
}

pub fn has_handle(recorder: Recorder, pid: process.Pid, handle: Handle) -> Nil {
  ask(recorder, fn(reply) { HasHandle(pid, handle, reply) })
}

pub fn happens(recorder: Recorder, pid: process.Pid, what: String) -> Nil {
  ask(recorder, fn(reply) { Happens(pid, what, reply) })
}

pub fn hears(recorder: Recorder, pid: process.Pid, what: String) -> Nil {
  ask(recorder, fn(reply) { Hears(pid, what, reply) })
}

// ---- questions ----

/// All of them, newest first.
pub fn attempts(recorder: Recorder) -> List(Attempt) {
  ask(recorder, Attempts)
}

/// The newest process of an id that came to live, or the one with that label.
pub fn named(recorder: Recorder, name: String) -> Result(Attempt, Nil) {
  attempts(recorder)
  |> lists.find(where: fn(attempt: Attempt) { attempt.is_up && { attempt.begun.id == name || attempt.label == name } })
}

pub fn of_pid(recorder: Recorder, pid: process.Pid) -> Result(Attempt, Nil) {
  lists.find(attempts(recorder), where: fn(attempt: Attempt) { attempt.begun.pid == pid })
}

/// `main` or a label; a process that has none is printed.
pub fn label(recorder: Recorder, main: process.Pid, pid: process.Pid) -> String {
  case pid == main, of_pid(recorder, pid) {
    True, _ -> "main"
    False, Ok(attempt) -> attempt.label
    False, Error(Nil) -> dynamic.inspect(dynamic.from(pid))
  }
}

/// What the step gave; begins the next one.
pub fn is_over(recorder: Recorder) -> Step {
  ask(recorder, IsOver)
}

fn ask(recorder: Recorder, sending make: fn(process.Subject(a)) -> Message) -> a {
  let assert Ok(answer) = process.call(recorder, sending: make, within: patience)
  answer
}

// ---- the server ----

/// Starts one, for the process that is main.
pub fn start() -> Recorder {
  let main = process.self()
  let assert Ok(started) =
    server.new_with_initialiser(within: patience, running: fn(_) {
      server.initialised(State(main: main, step: 1, attempts: [], events: [], messages: []))
      |> server.selecting(selector.new() |> selector.monitors(wrapping: Ended))
      |> Ok
    })
    |> server.on_message(fn(state, message) { server.Continue(handle(state, message)) })
    |> server.start
  started.data
}

fn handle(state: State, message: Message) -> State {
  case message {
    Begins(begun, reply) -> {
      let attempt = attempt(state, begun)
      process.monitor(begun.pid)
      process.send(to: reply, message: attempt.behaviour)
      let begins = Event(begun.pid, "init " <> attempt.label <> " " <> attempt.behaviour)
      let events = case begun.kind {
        Agent | Task -> state.events
        _ -> [begins, ..state.events]
      }
      State(..state, attempts: [attempt, ..state.attempts], events: events)
    }
    CameUp(pid, reply) -> done(changed(state, pid, fn(attempt) { Attempt(..attempt, is_up: True) }), reply)
    HasHandle(pid, handle, reply) ->
      done(changed(state, pid, fn(attempt) { Attempt(..attempt, handle: handle) }), reply)
    Happens(pid, what, reply) -> done(State(..state, events: [Event(pid, what), ..state.events]), reply)
    Hears(pid, what, reply) -> done(State(..state, messages: [Event(pid, what), ..state.messages]), reply)
    Attempts(reply) -> {
      process.send(to: reply, message: state.attempts)
      state
    }
    IsOver(reply) -> {
      process.send(
        to: reply,
        message: Step(
          number: state.step,
          events: lists.reverse(state.events),
          messages: lists.reverse(state.messages),
          attempts: state.attempts,
        ),
      )
      State(..state, step: state.step + 1, events: [], messages: [])
    }
    Ended(_, process.Down(pid, reason)) -> {
      let ended = #(state.step, words.show_reason(reason, fn(other) { label_in(state, other) }))
      changed(state, pid, fn(attempt) { Attempt(..attempt, ended: Ok(ended)) })
    }
  }
}

fn done(state: State, reply: process.Subject(Nil)) -> State {
  process.send(to: reply, message: Nil)
  state
}

fn attempt(state: State, begun: Begun) -> Attempt {
  let before = lists.filter(state.attempts, where: fn(attempt: Attempt) { attempt.begun.id == begun.id })
  let number = lists.length(before) + 1
  Attempt(
    begun: begun,
    number: number,
    label: begun.id <> "#" <> text.from_int(number),
    behaviour: lists.at_most(begun.behaviours, number, "ok"),
    handle: begun.handle,
    is_up: False,
    ended: Error(Nil),
  )
}

fn changed(state: State, pid: process.Pid, change: fn(Attempt) -> Attempt) -> State {
  State(
    ..state,
    attempts: lists.map(state.attempts, with: fn(attempt) {
      case attempt.begun.pid == pid {
        True -> change(attempt)
        False -> attempt
      }
    }),
  )
}

fn label_in(state: State, pid: process.Pid) -> String {
  case pid == state.main, lists.find(state.attempts, where: fn(attempt: Attempt) { attempt.begun.pid == pid }) {
    True, _ -> "main"
    False, Ok(attempt) -> attempt.label
    False, Error(Nil) -> dynamic.inspect(dynamic.from(pid))
  }
}
