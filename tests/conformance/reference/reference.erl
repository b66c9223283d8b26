%% The reference: carries out scenarios (FORMAT.md) on the Erlang/OTP and Elixir it runs on, and says their traces.
%%
%%   erl -noshell +S 1:1 ... -s reference start reference_otp      (reference.py starts it so)
%%
%% With another system in place of reference_otp it is the executor of a binding.
%%
%% Standard input has a line `NOISE FILE` for each scenario, NOISE being 0 or the seed of reference_noise. The answer is
%% a line `KIND BYTES` and that many bytes: the trace (KIND `trace`), or what went wrong (`unsupported`, `failed`). A
%% line `operations` is answered with the names of all operations that are known (KIND `operations`).
%%
%% How it hangs together:
%%   reference_system      what they are carried out on; reference_otp is OTP and Elixir
%%   reference_scenario    the file, and one scenario from its first step to its last
%%   reference_specs       declarations as child specifications
%%   reference_supervisor, reference_dynamic, reference_worker    the callback modules
%%   reference_operation   the operations by name; reference_processes, _supervisors, _registries, _tables, _groups,
%%                         _agents, _tasks carry them out
%%   reference_recorder    labels, events, messages, ends
%%   reference_trace       a step's lines
%%   reference_quiet       when a step is over
%%   reference_words       words as terms, terms as words
%%   reference_noise       other schedules, to find scenarios that are not determined
%%
%% One scenario at a time, on one scheduler: then an empty run queue means that nothing runs, and what is there
%% afterwards and was not before belongs to the scenario and is killed. For more speed start more nodes.
-module(reference).
-export([start/1]).

-define(LONGEST_RUN_MS, 40000).

start([System]) ->
    logger:set_primary_config(level, none),
    reference_system:use(System),
    io:setopts(standard_io, [binary, {encoding, latin1}]),
    serve().

serve() ->
    case io:get_line(standard_io, "") of
        eof ->
            halt(0);
        <<"operations\n">> ->
            answer({operations, [[Name, $\n] || Name <- reference_operation:names()]}),
            serve();
        Line ->
            [Noise, File] = binary:split(string:trim(Line, trailing, "\n"), <<" ">>),
            answer(run(binary_to_integer(Noise), File)),
            serve()
    end.

answer({Kind, Data}) ->
    Text = iolist_to_binary(Data),
    io:put_chars(standard_io, [atom_to_list(Kind), $\s, integer_to_list(byte_size(Text)), $\n, Text]).

run(Noise, File) ->
    Before = processes(),
    {Main, Monitor} = spawn_monitor(fun() -> exit({done, reference_scenario:run(Noise, File)}) end),
    receive
        {'DOWN', Monitor, process, Main, {done, Answer}} ->
            kill_all_but(Before),
            Answer;
        {'DOWN', Monitor, process, Main, Reason} ->
            kill_all_but(Before),
            {failed, io_lib:format("the executor ended: ~p~n", [Reason])}
    after ?LONGEST_RUN_MS ->
        Where = [{Process, process_info(Process, [current_stacktrace, message_queue_len])}
                 || Process <- processes() -- Before],
        exit(Main, kill),
        kill_all_but(Before),
        {failed, io_lib:format("hangs:~n~p~n", [Where])}
    end.

%% Supervisors start new ones while theirs are killed, so until there is none.
kill_all_but(Before) ->
    case processes() -- Before of
        [] ->
            ok;
        Left ->
            lists:foreach(fun(Process) -> exit(Process, kill) end, Left),
            erlang:yield(),
            kill_all_but(Before)
    end.
