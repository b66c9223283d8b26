%% What regrow/native_agent asks of regrow_agent.
-module(regrow_gleam_native_agent).

-export([spec/2, get/2, get_and_update/3]).

spec(Initial, {ok, Name}) -> (spec(Initial, {error, nil}))#{name => Name};
spec(Initial, {error, nil}) -> #{kind => agent, initial => Initial}.

get(Agent, Timeout) ->
    case regrow:is_native(Agent) of
        true -> asked(fun() -> regrow_agent:fetch(Agent, regrow_gleam_process:timeout(Timeout)) end);
        false -> {error, no_agent}
    end.

get_and_update(Agent, Function, Timeout) ->
    End = erlang:monotonic_time(millisecond) + regrow_gleam_process:timeout(Timeout),
    update(Agent, Function, End).

%% The function sees what the agent keeps, and what it gives takes the place of that alone.
update(Agent, Function, End) ->
    case get(Agent, left(End)) of
        {ok, Old} ->
            case Function(Old) of
                {ok, {Given, New}} ->
                    case asked(fun() -> regrow_agent:exchange(Agent, Old, New, left(End)) end) of
                        {ok, true} -> {ok, Given};
                        {ok, false} -> update(Agent, Function, End);
                        Error -> Error
                    end;
                Error ->
                    Error
            end;
        Error ->
            Error
    end.

left(End) -> max(0, End - erlang:monotonic_time(millisecond)).

asked(Ask) ->
    try Ask() of
        ok -> {ok, nil};
        {ok, Answer} -> {ok, Answer};
        {error, wrong_kind} -> {error, no_agent};
        {error, Reason} -> {error, regrow_gleam_process:call_error(Reason)}
    catch
        error:badarg -> {error, cannot_cross}
    end.
