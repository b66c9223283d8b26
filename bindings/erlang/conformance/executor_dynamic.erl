%% Supervisors of the declarations `dsup`, on regrow_dynamic_supervisor.
-module(executor_dynamic).
-export([start_link/2, init/1]).

start_link(Declared, Id) ->
    regrow_dynamic_supervisor:start_link(executor_runtime:get(), ?MODULE, {Declared, Id, self()}).

init(Given) ->
    case reference_dynamic:init(Given) of
        {ok, #{intensity := Intensity, period := Period, max_children := Most}} ->
            {ok, #{max_restarts => Intensity, max_seconds => Period, max_children => Most}};
        ignore ->
            ignore
    end.
