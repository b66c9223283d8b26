%% Supervisors whose children come and go, as Elixir's DynamicSupervisor, over a native one. Children have no ids, and
%% go by their pids; those that have ended and are not restarted are forgotten.
-module(regrow_dynamic_supervisor).

-export([start_link/1, start_link/2, start_link/3, start_child/2, terminate_child/2, which_children/1, count_children/1]).

start_link(Runtime) -> start_link(Runtime, #{}).

%% Starts one in a runtime, linked with the caller. Options: max_children (infinity), max_restarts (3), max_seconds (5),
%% name, as gen_server takes it.
-spec start_link(regrow:runtime(), map()) -> {ok, pid()} | {error, term()}.
start_link(Runtime, Options) when is_map(Options) ->
    Native = native(maps:remove(name, Options)),
    is_map(Native) orelse erlang:error(badarg),
    case maps:get(name, Options, undefined) of
        undefined -> regrow_shadow:start_link({dynamic, Runtime, Native});
        Name when is_tuple(Name) -> regrow_shadow:start_named(Name, {dynamic, Runtime, Native});
        _ -> erlang:error(badarg)
    end;
start_link(_, _) ->
    erlang:error(badarg).

%% The same with the options that Module:init(Args) gives, in the supervisor itself: {ok, Options} | ignore. An option
%% that is none, or has a wrong value, is {error, {supervisor_data, {bad_option, Options}}}.
-spec start_link(regrow:runtime(), module(), term()) -> {ok, pid()} | ignore | {error, term()}.
start_link(Runtime, Module, Args) when is_atom(Module) ->
    regrow_shadow:start_link({dynamic, Runtime, Module, fun() -> begun(Module, Args) end});
start_link(_, _, _) ->
    erlang:error(badarg).

begun(Module, Args) ->
    case Module:init(Args) of
        {ok, Options} when is_map(Options) ->
            case native(Options) of
                error -> {stop, {supervisor_data, {bad_option, Options}}};
                Native -> {ok, Native, []}
            end;
        ignore ->
            ignore;
        Other ->
            {stop, {bad_return, {Module, init, Other}}}
    end.

native(Options) ->
    Defaults = #{max_children => infinity, max_restarts => 3, max_seconds => 5},
    All = maps:merge(Defaults, Options),
    #{max_children := Most, max_restarts := Restarts, max_seconds := Seconds} = All,
    Good = maps:size(All) =:= maps:size(Defaults) andalso is_count(Most) andalso is_count(Restarts) andalso
        Restarts =/= infinity andalso is_integer(Seconds) andalso Seconds > 0 andalso Seconds =< 4000000,
    case Good of
        true -> #{max_children => Most, max_restarts => Restarts, period_ms => Seconds * 1000};
        false -> error
    end.

is_count(infinity) -> true;
is_count(Number) -> is_integer(Number) andalso Number >= 0 andalso Number < 16#FFFFFFFE.

%% Starts a child from a spec of supervisor's, whose id says nothing, nor whether it is significant; or from a native one.
%% ignore: its start function said so. {error, max_children}.
-spec start_child(regrow_supervisor:sup_ref(), supervisor:child_spec() | regrow:spec()) ->
    {ok, pid()} | {ok, pid(), term()} | ignore | {error, term()}.
start_child(Supervisor, #{significant := _, start := _} = Spec) ->
    start_child(Supervisor, maps:remove(significant, Spec));
start_child(Supervisor, Spec) ->
    case regrow_supervisor:start_child(Supervisor, Spec) of
        {error, ignore} -> ignore;
        {error, {Reason, {child, _, _, _, _, _, _, _, _}}} -> {error, Reason};
        Outcome -> Outcome
    end.

%% Ends a child, by its pid.
-spec terminate_child(regrow_supervisor:sup_ref(), pid()) -> ok | {error, not_found | term()}.
terminate_child(Supervisor, Pid) when is_pid(Pid) -> regrow_supervisor:terminate_child(Supervisor, Pid);
terminate_child(_, _) -> erlang:error(badarg).

-spec which_children(regrow_supervisor:sup_ref()) -> [tuple()] | {error, term()}.
which_children(Supervisor) -> regrow_supervisor:which_children(Supervisor).

-spec count_children(regrow_supervisor:sup_ref()) -> [{atom(), non_neg_integer()}] | {error, term()}.
count_children(Supervisor) -> regrow_supervisor:count_children(Supervisor).
