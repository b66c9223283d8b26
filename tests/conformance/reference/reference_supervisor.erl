%% Supervisors of the declarations `sup`, on OTP's.
-module(reference_supervisor).
-behaviour(supervisor).
-export([start_link/2, init/1]).

%% Id is what its label is made of; it behaves as Declared does.
start_link(Declared, Id) ->
    supervisor:start_link(?MODULE, {Declared, Id, self()}).

init({Declared, Id, Starter}) ->
    Declaration = reference_scenario:declaration(Declared),
    Kind = reference_specs:kind(Declaration),
    case reference_recorder:begins(Id, Kind, Starter, reference_specs:behaviours(Declaration)) of
        "ignore" ->
            ignore;
        "ok" ->
            reference_recorder:came_up(),
            {ok, {reference_specs:flags(Declaration), reference_specs:children(Declaration)}}
    end.
