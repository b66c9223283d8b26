//// What a step gave, as the lines of a trace (FORMAT.md, section 3).

import executor/lists
import executor/recorder
import executor/text

pub fn step(result: String, step: recorder.Step) -> List(String) {
  let line = case result {
    "" -> "res"
    _ -> "res " <> result
  }
  case result {
    "error bad_spec" | "error duplicate_id " <> _ -> [line]
    _ -> lists.flatten([events(step), [line], downs(step), messages(step)])
  }
}

pub fn final(attempts: List(recorder.Attempt)) -> String {
  let living =
    attempts
    |> lists.filter(where: fn(attempt: recorder.Attempt) { attempt.is_up && attempt.ended == Error(Nil) })
    |> lists.map(with: fn(attempt) { attempt.label })
    |> lists.sort
  text.join(["final", ..living], with: " ")
}

// ---- events ----

fn events(step: recorder.Step) -> List(String) {
  let ordered = lists.filter(step.events, where: fn(event) { !is_concurrent(step, event) })
  let concurrent = lists.filter(step.events, where: fn(event) { is_concurrent(step, event) })
  let starters =
    concurrent
    |> lists.map(with: fn(event: recorder.Event) { label(starter(step, event)) })
    |> lists.sort_once
  let groups = lists.map(starters, with: fn(above) {
    concurrent
    |> lists.filter(where: fn(event) { label(starter(step, event)) == above })
    |> group(step, above, _)
  })
  lists.append(lists.map(ordered, with: fn(event: recorder.Event) { "ev " <> event.text }), lists.flatten(groups))
}

fn of(step: recorder.Step, event: recorder.Event) -> Result(recorder.Attempt, Nil) {
  lists.find(step.attempts, where: fn(attempt) { attempt.begun.pid == event.pid })
}

fn starter(step: recorder.Step, event: recorder.Event) -> Result(recorder.Attempt, Nil) {
  above(step, of(step, event))
}

fn above(step: recorder.Step, attempt: Result(recorder.Attempt, Nil)) -> Result(recorder.Attempt, Nil) {
  case attempt {
    Ok(recorder.Attempt(begun: recorder.Begun(starter: Ok(pid), ..), ..)) ->
      lists.find(step.attempts, where: fn(other) { other.begun.pid == pid })
    _ -> Error(Nil)
  }
}

fn label(attempt: Result(recorder.Attempt, Nil)) -> String {
  case attempt {
    Ok(attempt) -> attempt.label
    Error(Nil) -> ""
  }
}

/// Whether a process above it ended in this step in a way that leaves open in which order its descendants end.
fn is_concurrent(step: recorder.Step, event: recorder.Event) -> Bool {
  is_disorderly(step, starter(step, event))
}

fn is_disorderly(step: recorder.Step, attempt: Result(recorder.Attempt, Nil)) -> Bool {
  case attempt {
    Error(Nil) -> False
    Ok(found) ->
      case ended_now(step, found) {
        Ok(reason) ->
          found.begun.kind == recorder.Dynamic || reason == "killed" || is_disorderly(step, above(step, attempt))
        Error(Nil) -> is_disorderly(step, above(step, attempt))
      }
  }
}

fn group(step: recorder.Step, label: String, events: List(recorder.Event)) -> List(String) {
  let kind = case lists.find(step.attempts, where: fn(attempt) { attempt.label == label }) {
    Ok(attempt) -> attempt.begun.kind
    Error(Nil) -> recorder.Supervisor
  }
  let is_unordered = kind == recorder.Dynamic || lists.any(events, where: tells_of_a_kill)
  let lines = lists.map(events, with: fn(event: recorder.Event) { "par " <> label <> " " <> event.text })
  case is_unordered {
    True -> lists.sort(lines)
    False -> lines
  }
}

fn tells_of_a_kill(event: recorder.Event) -> Bool {
  case text.split(event.text, on: " ") {
    ["term", _, "killed"] -> True
    _ -> False
  }
}

// ---- ends and messages ----

fn ended_now(step: recorder.Step, attempt: recorder.Attempt) -> Result(String, Nil) {
  let now = step.number
  case attempt.ended {
    Ok(#(number, reason)) if number == now -> Ok(reason)
    _ -> Error(Nil)
  }
}

fn downs(step: recorder.Step) -> List(String) {
  step.attempts
  |> lists.map(with: fn(attempt: recorder.Attempt) {
    case ended_now(step, attempt), attempt.behaviour {
      _, "ignore" | _, "fail:" <> _ | Error(Nil), _ -> []
      Ok(reason), _ -> ["down " <> attempt.label <> " " <> reason]
    }
  })
  |> lists.flatten
  |> lists.sort
}

fn messages(step: recorder.Step) -> List(String) {
  step.messages
  |> lists.filter(where: fn(message) {
    case of(step, message) {
      Ok(attempt) -> ended_now(step, attempt) == Error(Nil)
      Error(Nil) -> False
    }
  })
  |> lists.map(with: fn(message: recorder.Event) { "msg " <> message.text })
  |> lists.sort
}
