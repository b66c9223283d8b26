%% A supervisor with the same child so many times, one for each partition, as Elixir's PartitionSupervisor, over a native
%% supervisor. A key leads to its partition: an integer by remainder, any other by its hash. {Name, Key} is a name for
%% {via, regrow_partition_supervisor, {Name, Key}}.
%%
%% Who looks a partition up asks nobody: its supervisor keeps a table, of its own name. Of a native partition supervisor
%% (see regrow:start/2) the name is its pid.
-module(regrow_partition_supervisor).
-behaviour(supervisor).

-export([start_link/4, partitions/1, which_children/1, count_children/1]).
-export([whereis_name/1, send/2, register_name/2, unregister_name/1]).
-export([init/1, start_partition/4]).
-export_type([name/0]).

-type name() :: atom() | pid().

%% Starts one in a runtime, linked with the caller: the child spec is one of supervisor's, and its id says nothing.
%% Options: partitions (as many as there are schedulers), strategy (one_for_one), max_restarts (3), max_seconds (5);
%% with_arguments, a function that makes of the arguments of the start function, and the number of a partition, from 0,
%% those of that partition.
-spec start_link(regrow:runtime(), atom(), supervisor:child_spec(), map()) -> supervisor:startlink_ret().
start_link(Runtime, Name, #{start := {Module, Function, Arguments}} = Spec, Options)
  when is_atom(Name), is_list(Arguments), is_map(Options) ->
    Defaults = #{partitions => erlang:system_info(schedulers_online), strategy => one_for_one, max_restarts => 3,
                 max_seconds => 5, with_arguments => fun(Given, _) -> Given end},
    All = maps:merge(Defaults, Options),
    #{partitions := Count, with_arguments := WithArguments} = All,
    Good = maps:size(All) =:= maps:size(Defaults) andalso is_integer(Count) andalso Count > 0 andalso
        is_function(WithArguments, 2),
    Good orelse erlang:error(badarg),
    Children =
        [(maps:merge(#{modules => [Module]}, Spec))#{
             id => Number,
             start => {?MODULE, start_partition, [Name, Number, {Module, Function}, WithArguments(Arguments, Number)]}}
         || Number <- lists:seq(0, Count - 1)],
    #{strategy := Strategy, max_restarts := Restarts, max_seconds := Seconds} = All,
    Flags = #{strategy => Strategy, intensity => Restarts, period => Seconds},
    regrow_supervisor:start_link(Runtime, {local, Name}, ?MODULE, {Name, Count, Flags, Children});
start_link(_, _, _, _) ->
    erlang:error(badarg).

%% How many partitions there are. Exits with noproc when there is no supervisor of that name.
-spec partitions(name()) -> pos_integer().
partitions(Name) when is_atom(Name) ->
    try
        ets:lookup_element(Name, partitions, 2)
    catch
        error:badarg -> exit({noproc, {?MODULE, ?FUNCTION_NAME, [Name]}})
    end;
partitions(Native) when is_pid(Native) ->
    case regrow_nif:now(partition_count, Native, {}) of
        {ok, Count} -> Count;
        {error, Reason} -> exit({Reason, {?MODULE, ?FUNCTION_NAME, [Native]}})
    end;
partitions(_) ->
    erlang:error(badarg).

%% [{Partition, Pid | undefined | restarting, worker | supervisor, Modules}].
-spec which_children(name()) -> [tuple()] | {error, term()}.
which_children(Name) -> regrow_supervisor:which_children(Name).

-spec count_children(name()) -> [{atom(), non_neg_integer()}] | {error, term()}.
count_children(Name) -> regrow_supervisor:count_children(Name).

%% ---- as a `via` module ----

%% Whom a key leads to; undefined: that partition's child is not there now.
-spec whereis_name({name(), term()}) -> pid() | undefined.
whereis_name({Native, Key}) when is_pid(Native) ->
    case regrow_nif:now(partition_whereis, Native, {Key}) of
        {ok, Pid} -> Pid;
        {error, _} -> undefined
    end;
whereis_name({Name, Key}) ->
    Count = partitions(Name),
    Number = if is_integer(Key) -> abs(Key) rem Count; true -> erlang:phash2(Key, Count) end,
    case ets:lookup(Name, Number) of
        [{_, Pid}] -> case is_process_alive(Pid) of true -> Pid; false -> undefined end;
        [] -> undefined
    end.

-spec send({name(), term()}, term()) -> pid().
send(Name, Message) ->
    case whereis_name(Name) of
        undefined -> erlang:error(badarg);
        Pid -> ok = regrow:send(Pid, Message), Pid
    end.

-spec register_name(term(), pid()) -> no_return().
register_name(_, _) -> erlang:error(badarg).

-spec unregister_name(term()) -> no_return().
unregister_name(_) -> erlang:error(badarg).

%% ---- in the supervisor's shadow ----

init({Name, Count, Flags, Children}) ->
    Name = ets:new(Name, [named_table, protected, {read_concurrency, true}]),
    true = ets:insert(Name, {partitions, Count}),
    {ok, {Flags, Children}}.

start_partition(Name, Number, {Module, Function}, Arguments) ->
    case apply(Module, Function, Arguments) of
        {ok, Pid} = Started when is_pid(Pid) -> noted(Started, Name, Number, Pid);
        {ok, Pid, _} = Started when is_pid(Pid) -> noted(Started, Name, Number, Pid);
        Other -> Other
    end.

noted(Started, Name, Number, Pid) ->
    true = ets:insert(Name, {Number, Pid}),
    Started.
