%% When a step is over (FORMAT.md, section 4).
%%
%% On one scheduler, and with main asking, an empty run queue means that no process runs and no signal is under way.
%% Then only those are not quiet who wait for time to pass: a callback that sleeps, a supervisor that waits for it, a
%% timer. Those are found by where they wait.
-module(reference_quiet).
-export([wait/0, nothing_runs/0]).

-include("reference.hrl").

-define(SHORT_TIMER_MS, 100).

%% Found quiet twice in a row, and nothing beside this node in between: time may have passed while the processes were
%% asked.
wait() ->
    case quiet_stamp() of
        busy -> receive after 1 -> wait() end;
        Stamp -> quiet_stamp() =:= Stamp orelse wait()
    end.

quiet_stamp() ->
    Stamp = reference_system:stamp(),
    until_nothing_runs(),
    case is_quiet() of
        true -> Stamp;
        false -> busy
    end.

until_nothing_runs() ->
    case nothing_runs() of
        true -> ok;
        false -> erlang:yield(), until_nothing_runs()
    end.

%% Nobody but the process that asks.
nothing_runs() ->
    erlang:statistics(run_queue) =:= 0.

is_quiet() ->
    not lists:any(fun is_pending/1, reference_memory:all(timer))
        andalso lists:all(fun rests/1, reference_recorder:living())
        andalso lists:all(fun is_in_main_loop/1, reference_memory:all(helper)).

%% {Timer, Milliseconds}
is_pending({Timer, Ms}) ->
    Ms =< ?SHORT_TIMER_MS andalso erlang:read_timer(Timer) =/= false.

rests(#attempt{kind = task, pid = Pid}) ->
    process_info(Pid, status) =/= undefined;
rests(#attempt{pid = Pid}) ->
    is_in_main_loop(Pid).

is_in_main_loop(Pid) ->
    process_info(Pid, [current_function, message_queue_len])
        =:= [{current_function, {gen_server, loop, 7}}, {message_queue_len, 0}].
