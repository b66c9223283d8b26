//// Drill 7: which errors are answered, and which are a reason to crash.
////
//// The kernel keeps what must not be lost, so it does nothing risky itself: each request is worked at by a task, a
//// process of its own, which may crash. That stands in for try and catch, which Gleam has not. The worker keeps
//// nothing that is dear, so it expects what is to be expected and crashes over the rest.

import regrow/child
import regrow/dynamic
import regrow/process
import regrow/registry
import regrow/runtime
import regrow/server
import regrow/start
import regrow/supervisor
import regrow/task
import support/drill
import support/say

/// With where the answer goes: as a text, which is what is printed of it.
pub type Message {
  Message(request: Request, reply: process.Subject(String))
}

pub type Request {
  Take(number: Int)
  Rubbish
  Stock
  Divide(a: Int, b: Int)
  Read(path: String)
}

pub type Name {
  Kernel
  Worker
}

/// What the worker ends with.
pub type Reason {
  Badarith
  ReadFile(error: Posix)
  BadRequest
}

/// What may be wrong with a file: those that are met here.
pub type Posix {
  Enoent
  Eisdir
}

type Names =
  registry.Registry(Name, Message)

pub fn main() -> Nil {
  let runtime = drill.start()
  let assert Ok(names) = registry.unique() |> registry.start(in: runtime)
  let assert Ok(_) = start_system(runtime, names)

  say.line("The error kernel answers an error, and keeps its state.")
  ask(names, Kernel, "take 30", Take(30))
  ask(names, Kernel, "take 1000", Take(1000))
  ask(names, Kernel, "what is that", Rubbish)
  ask(names, Kernel, "the stock", Stock)
  ask(names, Kernel, "take 70", Take(70))

  say.line("The worker crashes, and the supervisor starts another.")
  ask(names, Worker, "7 by 2", Divide(7, 2))
  ask(names, Worker, "7 by 0", Divide(7, 0))
  ask(names, Worker, "8 by 2", Divide(8, 2))

  say.line("That a file is not there is to be expected; that it is a folder is not.")
  let path = "/tmp/drill_7_" <> process_number()
  write_file(path, "hello")
  ask(names, Worker, "a file", Read(path))
  delete_file(path)
  ask(names, Worker, "the same, deleted", Read(path))
  ask(names, Worker, "a folder", Read("/"))
  ask(names, Worker, "9 by 3", Divide(9, 3))
}

fn start_system(
  runtime: runtime.Runtime,
  names: Names,
) -> Result(start.Started(supervisor.Supervisor), start.StartError) {
  // Critical data: how much is in stock.
  let kernel = server.new(100) |> server.on_message(kernel) |> server.registered(in: names, under: Kernel)
  let worker = server.new(Nil) |> server.on_message(worker) |> server.registered(in: names, under: Worker)
  supervisor.new(supervisor.OneForOne)
  |> supervisor.add(child.worker(id: "kernel", starting: fn() { server.start(kernel) }))
  |> supervisor.add(child.worker(id: "worker", starting: fn() { server.start(worker) }))
  |> supervisor.start(in: runtime)
}

// ---- ErrorKernel ----

fn kernel(stock: Int, message: Message) -> server.Next(Int) {
  let Message(request, reply) = message
  case request {
    Stock -> {
      process.send(to: reply, message: say.number(stock))
      server.Continue(stock)
    }
    _ ->
      case task.await(task.async(fn() { process_request(request, stock) }), within: 20_000) {
        Ok(left) -> {
          process.send(to: reply, message: "{ok," <> say.number(left) <> "}")
          server.Continue(left)
        }
        Error(_) -> {
          process.send(to: reply, message: "{error,processing_failed}")
          server.Continue(stock)
        }
      }
  }
}

/// What is left. Any other request is not expected, and a crash.
fn process_request(request: Request, stock: Int) -> Int {
  case request {
    Take(number) if number <= stock -> stock - number
    _ -> panic
  }
}

// ---- NormalWorker ----

fn worker(state: Nil, message: Message) -> server.Next(Nil) {
  let Message(request, reply) = message
  case request {
    // What divides by zero gets 0 in Gleam, so that much is looked at; it is not handled.
    Divide(_, 0) -> server.StopWith(process.Abnormal(dynamic.from(Badarith)))
    Divide(a, b) -> {
      process.send(to: reply, message: say.number(a / b))
      server.Continue(state)
    }
    Read(path) ->
      case read_file(path) {
        Ok(contents) -> {
          process.send(to: reply, message: "{ok,\"" <> contents <> "\"}")
          server.Continue(state)
        }
        Error(Enoent) -> {
          process.send(to: reply, message: "{error,not_found}")
          server.Continue(state)
        }
        // Whatever else can be wrong with a file is a crash.
        Error(other) -> server.StopWith(process.Abnormal(dynamic.from(ReadFile(other))))
      }
    _ -> server.StopWith(process.Abnormal(dynamic.from(BadRequest)))
  }
}

// ---- asking them ----

fn ask(names: Names, whom: Name, what: String, request: Request) -> Nil {
  let assert Ok(server) = registry.lookup(in: names, key: whom)
  let answer = case process.call(server, sending: fn(reply) { Message(request, reply) }, within: 5000) {
    Ok(answer) -> answer
    Error(process.Exited(reason)) -> "REGROW_ERR_EXITED, " <> drill.reason(reason)
    Error(error) -> drill.show(error)
  }
  drill.settle()
  let again = case registry.whereis(in: names, key: whom) {
    Ok(pid) -> pid != process.owner(of: server)
    Error(_) -> False
  }
  let news = case again {
    True -> "; there is a new one"
    False -> ""
  }
  say.line("   " <> drill.pad(what, to: 22) <> " " <> answer <> news)
}

// ---- files ----

@external(erlang, "file", "read_file")
fn read_file(path: String) -> Result(String, Posix)

@external(erlang, "file", "write_file")
fn write_file(path: String, contents: String) -> dynamic.Dynamic

@external(erlang, "file", "delete")
fn delete_file(path: String) -> dynamic.Dynamic

/// This program's number among the processes of the machine.
fn process_number() -> String {
  to_string(getpid())
}

@external(erlang, "os", "getpid")
fn getpid() -> List(Int)

@external(erlang, "erlang", "list_to_binary")
fn to_string(characters: List(Int)) -> String
