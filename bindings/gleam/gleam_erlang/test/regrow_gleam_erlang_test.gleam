import gleam/dynamic as gleam_dynamic
import gleam/dynamic/decode as gleam_decode
import gleam/erlang/process as gleam_process
import regrow/decode
import regrow/dynamic
import regrow/gleam_erlang
import regrow/process

pub fn main() -> Nil {
  pids_are_the_same()
  subjects_lead_to_the_same_mailbox()
  names_lead_to_who_has_them()
  an_answer_comes_to_who_asked()
  decoders_decode()
}

fn pids_are_the_same() -> Nil {
  assert gleam_erlang.to_pid(process.self()) == gleam_process.self()
  assert gleam_erlang.from_pid(gleam_process.self()) == process.self()
}

fn subjects_lead_to_the_same_mailbox() -> Nil {
  let ours = process.new_subject()
  gleam_process.send(gleam_erlang.to_subject(ours), 1)
  assert process.receive(from: ours, within: 1000) == Ok(1)
  process.send(to: ours, message: 2)
  assert gleam_process.receive(gleam_erlang.to_subject(ours), 1000) == Ok(2)
  let theirs = gleam_process.new_subject()
  let assert Ok(same) = gleam_erlang.from_subject(theirs)
  process.send(to: same, message: 3)
  assert gleam_process.receive(theirs, 1000) == Ok(3)
  gleam_process.send(theirs, 4)
  assert process.receive(from: same, within: 1000) == Ok(4)
}

fn names_lead_to_who_has_them() -> Nil {
  let name = gleam_process.new_name("regrow")
  let named = gleam_process.named_subject(name)
  assert gleam_erlang.from_subject(named) == Error(Nil)
  let assert Ok(Nil) = gleam_process.register(gleam_process.self(), name)
  let assert Ok(subject) = gleam_erlang.from_subject(named)
  process.send(to: subject, message: 5)
  assert gleam_process.receive(named, 1000) == Ok(5)
  gleam_process.send(named, 6)
  assert process.receive(from: subject, within: 1000) == Ok(6)
}

fn an_answer_comes_to_who_asked() -> Nil {
  let told = process.new_subject()
  let _ =
    process.spawn(running: fn() {
      let asked = process.new_subject()
      process.send(to: told, message: asked)
      let assert Ok(reply) = process.receive(from: asked, within: 1000)
      gleam_process.send(gleam_erlang.to_subject(reply), 7)
    })
  let assert Ok(asked) = process.receive(from: told, within: 1000)
  assert process.call(asked, sending: fn(reply) { reply }, within: 1000)
    == Ok(7)
}

fn decoders_decode() -> Nil {
  let decoder = gleam_erlang.from_decoder(gleam_decode.list(gleam_decode.int))
  assert decode.run(dynamic.from([1, 2]), decoder) == Ok([1, 2])
  assert decode.run(dynamic.from(["a"]), decoder)
    == Error([decode.DecodeError("Int", "String", ["0"])])
  let value = gleam_dynamic.int(1)
  assert gleam_erlang.to_dynamic(gleam_erlang.from_dynamic(value)) == value
}
