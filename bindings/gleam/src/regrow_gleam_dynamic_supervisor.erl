%% What regrow/dynamic_supervisor asks of regrow_dynamic_supervisor.
%%
%% Children go by ids here, which only the native supervisor knows; so a supervisor is both: the pid of its shadow,
%% which gives the children's own pids, and the native one.
-module(regrow_gleam_dynamic_supervisor).

-export([start/2, at/1, start_child/2, terminate_child/2, ids/1, pids/1, which_children/1, count_children/1,
         history/1, tree/1, pid/1]).
-export([flags/3]).

start(Initialise, Runtime) ->
    %% What regrow_dynamic_supervisor:start_link/2 starts, which has no unique ids.
    case regrow_gleam_start:link(regrow_shadow, {dynamic, Runtime, ?MODULE, fun() -> init(Initialise) end}, infinity) of
        {ok, Pid} -> started(Pid, at(Pid));
        Error -> Error
    end.

init(Initialise) ->
    case Initialise() of
        {ok, {builder, MaxChildren, Intensity, Period}} -> unique(flags(MaxChildren, Intensity, Period));
        {error, ignored} -> ignore;
        {error, Error} -> {stop, {start_error, Error}}
    end.

unique({ok, Native, Extra}) -> {ok, Native#{unique_ids => true}, Extra};
unique(Stop) -> Stop.

%% What regrow_shadow takes of a dynamic supervisor's init.
flags(MaxChildren, Intensity, Period) ->
    Most = case MaxChildren of {ok, Count} -> Count; {error, nil} -> infinity end,
    Good = is_atom(Most) orelse (Most >= 0 andalso Most < 16#FFFFFFFE),
    case Good andalso Intensity >= 0 andalso Intensity < 16#FFFFFFFE andalso Period > 0 andalso Period =< 4000000 of
        true ->
            {ok, #{max_children => Most, max_restarts => Intensity, period_ms => Period * 1000}, []};
        false ->
            {stop, badarg}
    end.

started(Pid, {ok, Supervisor}) -> {ok, {started, Pid, Supervisor}};
started(_, {error, dead_supervisor}) -> {error, runtime_is_over}.

at(Pid) ->
    case regrow_gleam_supervisor:asked(fun() -> regrow_supervisor:native(Pid) end) of
        {ok, Native} when is_pid(Native) -> {ok, {dynamic_supervisor, Pid, Native}};
        {ok, _} -> {error, not_found};
        Error -> Error
    end.

start_child({_, Pid, _}, Child) ->
    Spec = regrow_gleam_child:spec(Child),
    case regrow_gleam_supervisor:asked(fun() -> regrow_dynamic_supervisor:start_child(Pid, Spec) end) of
        {ok, {ok, Started}} -> {ok, regrow_gleam_child:data(Child, Started, [])};
        {ok, {ok, Started, Data}} -> {ok, regrow_gleam_child:data(Child, Started, [Data])};
        {ok, {error, {Reason, #{kind := _}}}} -> {error, regrow_gleam_start:start_error(Reason)};
        {ok, {error, Reason}} -> {error, regrow_gleam_start:start_error(Reason)};
        {ok, ignore} -> {error, ignored};
        {error, dead_supervisor} -> {error, runtime_is_over}
    end.

terminate_child({_, _, Native}, Id) -> regrow_gleam_supervisor:terminate_child(Native, Id).

ids({_, _, Native}) ->
    case regrow_gleam_supervisor:which_children(Native) of
        {ok, Children} -> {ok, [Id || {child_info, Id, _, _} <- Children, is_binary(Id)]};
        Error -> Error
    end.

pids({_, Pid, _}) ->
    case regrow_gleam_supervisor:which_children(Pid) of
        {ok, Children} -> {ok, [Child || {child_info, _, {running, Child}, _} <- Children]};
        Error -> Error
    end.

which_children({_, Pid, _}) -> regrow_gleam_supervisor:which_children(Pid).

count_children({_, Pid, _}) -> regrow_gleam_supervisor:count_children(Pid).

history({_, _, Native}) -> regrow_gleam_supervisor:history(Native).

tree({_, _, Native}) -> regrow_gleam_supervisor:tree(Native).

pid({_, Pid, _}) -> Pid.
