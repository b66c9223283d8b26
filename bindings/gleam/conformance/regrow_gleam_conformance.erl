%% What the conformance executor cannot say in Gleam: files, input and output, and what the other processes of the node
%% do.
-module(regrow_gleam_conformance).

-export([line/0, workers/0, read/1, print/1, 'end'/0, look/0, is_in_main_loop/1]).

%% The next line of standard input.
line() ->
    case io:get_line(standard_io, "") of
        eof -> {error, nil};
        Line -> {ok, string:trim(unicode:characters_to_binary(Line), trailing, "\n")}
    end.

%% How many threads the runtime is to have; 0: as many as there are processors.
workers() -> list_to_integer(os:getenv("REGROW_WORKERS", "0")).

read(Path) ->
    case file:read_file(Path) of
        {ok, Text} -> {ok, Text};
        {error, _} -> {error, nil}
    end.

print(Text) -> io:put_chars(Text), nil.

'end'() -> erlang:halt(0).

%% {ok, All that the other processes have done so far}, or {error, nil}: one of them is at work. Two looks that are the
%% same have nothing between them: who is sent something has to run to take it. One scheduler is assumed.
look() ->
    Others = [{Pid, process_info(Pid, [status, reductions])} || Pid <- erlang:processes(), Pid =/= self()],
    case erlang:statistics(run_queue) =:= 0 andalso lists:all(fun waits/1, Others) of
        true -> {ok, Others};
        false -> {error, nil}
    end.

waits({_, [{status, waiting}, _]}) -> true;
waits(_) -> false.

%% Neither in a callback nor behind with its messages.
is_in_main_loop(Pid) ->
    case process_info(Pid, [current_function, message_queue_len]) of
        [{current_function, {gen_server, loop, _}}, {message_queue_len, 0}] -> true;
        _ -> false
    end.
