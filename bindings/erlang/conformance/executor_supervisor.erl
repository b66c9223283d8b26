%% Supervisors of the declarations `sup`: modules for regrow_supervisor.
-module(executor_supervisor).
-behaviour(regrow_supervisor).
-export([start_link/2, init/1]).

start_link(Declared, Id) ->
    regrow_supervisor:start_link(executor_runtime:get(), ?MODULE, {Declared, Id, self()}).

init(Given) ->
    reference_supervisor:init(Given).
