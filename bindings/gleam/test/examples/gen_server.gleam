//// A server of another language: started, asked with a decoder, told, stopped.

import regrow/decode
import regrow/dynamic
import regrow/gen_server
import support/say

pub fn main() -> Nil {
  // The module is there, or it is an error: no atom is made of a string.
  let assert Ok(module) = gen_server.module(named: "my_app_worker")
  let assert Ok(server) = gen_server.start(module, with: dynamic.int(0))

  let assert Ok(count) = gen_server.call(server, dynamic.string("get"), decode.int, within: 5000)
  say.line(say.number(count))

  let assert Ok(Nil) = gen_server.cast(server, dynamic.string("increment"))
  let assert Ok(count) = gen_server.call(server, dynamic.string("get"), decode.int, within: 5000)
  say.line(say.number(count))

  // The wrong decoder is an error, and the server goes on.
  let assert Error(gen_server.Undecodable(_)) =
    gen_server.call(server, dynamic.string("get"), decode.string, within: 5000)

  let assert Ok(Nil) = gen_server.stop(server, within: 5000)
  let assert Error(gen_server.NoProcess) = gen_server.call(server, dynamic.string("get"), decode.int, within: 5000)
  say.line("stopped")
}
