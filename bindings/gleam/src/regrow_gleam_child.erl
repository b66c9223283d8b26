%% Child specs: from regrow/child to those of regrow_supervisor; and what a start function does.
-module(regrow_gleam_child).

-export([spec/1, shutdown/1, shutdown_of/1, apply/3, data/3, behaviour/2]).
-export([start/1]).

spec({child, Id, Start, Restart, Shutdown, Significant, Kind, Backoff}) ->
    Common = #{id => Id, restart => Restart, shutdown => shutdown(Shutdown), significant => Significant},
    backoff(Backoff, maps:merge(Common, start_of(Start, Kind))).

start_of({on_beam, Run}, Kind) -> #{start => {?MODULE, start, [Run]}, type => Kind};
start_of({native, Spec, _}, _) when is_map(Spec) -> Spec;
start_of({native, Other, _}, _) -> #{kind => Other}.

behaviour(Name, Argument) -> #{kind => behaviour, behaviour => Name, arg => Argument}.

shutdown({within, Milliseconds}) -> regrow_gleam_process:timeout(Milliseconds);
shutdown(Shutdown) -> Shutdown.

%% The way back.
shutdown_of(Milliseconds) when is_integer(Milliseconds) -> {within, Milliseconds};
shutdown_of(Shutdown) -> Shutdown.

backoff(at_once, Spec) ->
    Spec;
backoff({waiting, Initial, Most}, Spec) ->
    Times = #{initial_ms => regrow_gleam_process:timeout(Initial), max_ms => regrow_gleam_process:timeout(Most)},
    Spec#{backoff => Times}.

%% The start function that the supervisor knows. What the function gives beside the pid goes along.
start(Run) ->
    case Run() of
        {ok, {started, Pid, Data}} -> {ok, Pid, Data};
        {error, ignored} -> ignore;
        {error, Error} -> {error, regrow_gleam_start:reason(Error)}
    end.

apply(Module, Name, Arguments) ->
    case regrow_gleam_dynamic:existing_atom(Name) of
        {ok, Function} ->
            case erlang:function_exported(Module, Function, length(Arguments)) of
                true -> started(erlang:apply(Module, Function, Arguments));
                false -> {error, {not_started, undef}}
            end;
        {error, nil} ->
            {error, {not_started, undef}}
    end.

started({ok, Pid}) when is_pid(Pid) -> {ok, {started, Pid, nil}};
started({ok, Pid, _}) when is_pid(Pid) -> {ok, {started, Pid, nil}};
started(ignore) -> {error, ignored};
started({error, Reason}) -> {error, regrow_gleam_start:start_error(Reason)};
started(Other) -> {error, {not_started, Other}}.

%% What a child gives that was started: what its start function gave beside the pid, or what is made of a native one.
data(_, Pid, [Data]) -> {started, Pid, Data};
data({child, _, {native, _, Make}, _, _, _, _, _}, Pid, []) -> {started, Pid, Make(Pid)}.
