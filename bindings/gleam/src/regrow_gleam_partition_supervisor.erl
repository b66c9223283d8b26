%% What regrow/partition_supervisor asks of regrow_supervisor. One of regrow_partition_supervisor goes by an atom, which
%% nothing here makes; so a supervisor is {partition_supervisor, Pid, Table, Count}.
%%
%% The table is of the supervisor's shadow, where its children are started: {Number, Pid, Data} of the last start of
%% each, and {Number, Child} of a native one, whose pid the native supervisor knows.
-module(regrow_gleam_partition_supervisor).
-behaviour(regrow_supervisor).

-export([start/2, lookup/2, to_list/1, partition/2, count/1, pid/1]).
-export([init/1]).

start({builder, Make, Given, Strategy, Intensity, Period}, Runtime) when Given >= 0 ->
    Count = case Given of 0 -> erlang:system_info(schedulers_online); _ -> Given end,
    Flags = #{strategy => Strategy, intensity => Intensity, period => Period},
    Ref = make_ref(),
    Static = {static, Runtime, ?MODULE, {self(), Ref, Make, Count, Flags}},
    Started = regrow_gleam_start:link(regrow_shadow, Static, infinity),
    %% The table, whether it has started then or not.
    Table = receive {Ref, Made} -> Made after 0 -> none end,
    case Started of
        {ok, Pid} -> {ok, {started, Pid, {partition_supervisor, Pid, Table, Count}}};
        Error -> Error
    end;
start(_, _) ->
    {error, {not_started, badarg}}.

init({Starter, Ref, Make, Count, Flags}) ->
    Table = ets:new(?MODULE, [{read_concurrency, true}]),
    Starter ! {Ref, Table},
    {ok, {Flags, [spec(Table, Number, Make(Number)) || Number <- lists:seq(0, Count - 1)]}}.

spec(Table, Number, {child, _, {on_beam, Run}, Restart, Shutdown, Significant, Kind, Backoff}) ->
    Start = {on_beam, fun() -> recorded(Table, Number, Run()) end},
    regrow_gleam_child:spec({child, Number, Start, Restart, Shutdown, Significant, Kind, Backoff});
spec(Table, Number, Native) ->
    true = ets:insert(Table, {Number, Native}),
    regrow_gleam_child:spec(setelement(2, Native, Number)).

recorded(Table, Number, {ok, {started, Pid, Data}} = Started) ->
    true = ets:insert(Table, {Number, Pid, Data}),
    Started;
recorded(_, _, Error) ->
    Error.

lookup(Supervisor, Key) -> of_partition(Supervisor, partition(Supervisor, Key)).

to_list({_, _, _, Count} = Supervisor) -> gathered(Supervisor, lists:seq(0, Count - 1), []).

gathered(_, [], Found) ->
    {ok, lists:reverse(Found)};
gathered(Supervisor, [Number | Rest], Found) ->
    case of_partition(Supervisor, Number) of
        {ok, Data} -> gathered(Supervisor, Rest, [{Number, Data} | Found]);
        {error, not_running} -> gathered(Supervisor, Rest, Found);
        Error -> Error
    end.

of_partition({_, Supervisor, Table, _}, Number) ->
    try ets:lookup(Table, Number) of
        [{_, Pid, Data}] ->
            case regrow:is_alive(Pid) of
                true -> {ok, Data};
                false -> {error, not_running}
            end;
        [{_, Native}] ->
            of_native(Native, regrow_gleam_supervisor:status(Supervisor, Number));
        [] ->
            {error, not_running}
    catch
        error:badarg -> {error, dead_supervisor}
    end.

of_native(Child, {ok, {running, Pid}}) ->
    {started, Pid, Data} = regrow_gleam_child:data(Child, Pid, []),
    {ok, Data};
of_native(_, {ok, _}) ->
    {error, not_running};
of_native(_, {error, _}) ->
    {error, dead_supervisor}.

partition({_, _, _, Count}, Key) when is_integer(Key) -> abs(Key) rem Count;
partition({_, _, _, Count}, Key) -> erlang:phash2(Key, Count).

count({_, _, _, Count}) -> Count.

pid({_, Pid, _, _}) -> Pid.
