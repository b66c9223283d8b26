%% What regrow/agent asks of regrow_agent.
-module(regrow_gleam_agent).

-export([start/1, get/3, update/3, get_and_update/3, cast/2]).

start(Make) ->
    case regrow_gleam_start:link(regrow_agent, Make, infinity) of
        {ok, Pid} -> {ok, {started, Pid, Pid}};
        Error -> Error
    end.

get(Agent, Function, Timeout) ->
    regrow_gleam_process:asking(fun() -> regrow_agent:get(Agent, Function, regrow_gleam_process:timeout(Timeout)) end).

update(Agent, Function, Timeout) ->
    regrow_gleam_process:asking(fun() ->
        ok = regrow_agent:update(Agent, Function, regrow_gleam_process:timeout(Timeout)),
        nil
    end).

get_and_update(Agent, Function, Timeout) ->
    Most = regrow_gleam_process:timeout(Timeout),
    regrow_gleam_process:asking(fun() -> regrow_agent:get_and_update(Agent, Function, Most) end).

cast(Agent, Function) ->
    ok = regrow_agent:cast(Agent, Function),
    nil.
