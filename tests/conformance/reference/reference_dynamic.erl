%% Supervisors of the declarations `dsup`, on Elixir's DynamicSupervisor.
-module(reference_dynamic).
-export([start_link/2, init/1]).

start_link(Declared, Id) ->
    'Elixir.DynamicSupervisor':start_link(?MODULE, {Declared, Id, self()}, []).

init({Declared, Id, Starter}) ->
    Declaration = reference_scenario:declaration(Declared),
    case reference_recorder:begins(Id, dynamic, Starter, reference_specs:behaviours(Declaration)) of
        "ignore" ->
            ignore;
        "ok" ->
            reference_recorder:came_up(),
            {ok, reference_specs:flags(Declaration)}
    end.
