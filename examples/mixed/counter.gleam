//// The child in Gleam: a server that counts for whoever asks, in whatever language.

import regrow/decode
import regrow/dynamic
import regrow/process
import regrow/server
import regrow/start

/// In other languages the atom `next`.
pub type Request {
  Next
}

/// What a child specification of any language calls.
pub fn start_link() -> Result(process.Pid, start.StartError) {
  case server.new(0) |> server.on_request(answer) |> server.start {
    Ok(started) -> Ok(started.pid)
    Error(error) -> Error(error)
  }
}

fn answer(count: Int, request: dynamic.Dynamic) -> #(dynamic.Dynamic, Int) {
  let assert Ok(Next) = decode.run(request, decode.exactly(Next))
  #(dynamic.int(count + 1), count + 1)
}
