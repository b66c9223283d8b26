%% What regrow/factory_supervisor asks of regrow_supervisor: simple_one_for_one. A supervisor is the pid of its shadow.
-module(regrow_gleam_factory_supervisor).
-behaviour(regrow_supervisor).

-export([start/2, start_child/2]).
-export([init/1, start_template/2]).

start(Initialise, Runtime) ->
    %% What regrow_supervisor:start_link/3 starts; see regrow_gleam_start for why not that.
    case regrow_gleam_start:link(regrow_shadow, {static, Runtime, ?MODULE, Initialise}, infinity) of
        {ok, Pid} -> {ok, {started, Pid, Pid}};
        Error -> Error
    end.

init(Initialise) ->
    case Initialise() of
        {ok, {builder, Run, Restart, Shutdown, Kind, Intensity, Period}} ->
            Type = case Kind of worker -> worker; supervising -> supervisor end,
            Template = #{id => template, start => {?MODULE, start_template, [Run]}, restart => Restart,
                         shutdown => regrow_gleam_child:shutdown(Shutdown), type => Type},
            {ok, {#{strategy => simple_one_for_one, intensity => Intensity, period => Period}, [Template]}};
        {error, ignored} ->
            ignore;
        {error, Error} ->
            %% For regrow_gleam_start, as in regrow_gleam_supervisor.
            throw({stop, {start_error, Error}})
    end.

%% The start function that the supervisor knows.
start_template(Run, Argument) -> regrow_gleam_child:start(fun() -> Run(Argument) end).

start_child(Supervisor, Argument) ->
    case regrow_gleam_supervisor:asked(fun() -> regrow_supervisor:start_child(Supervisor, [Argument]) end) of
        {ok, {ok, undefined}} -> {error, ignored};
        {ok, {ok, Pid, Data}} -> {ok, {started, Pid, Data}};
        {ok, {error, Reason}} -> {error, regrow_gleam_start:start_error(Reason)};
        {error, dead_supervisor} -> {error, runtime_is_over}
    end.
