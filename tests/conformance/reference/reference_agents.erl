%% Operations on Elixir's agents, whose state is a number.
-module(reference_agents).
-export([perform/3]).

-define(AGENT, (reference_system:api(agent))).

%% It begins itself, from the function that gives the first state.
perform("agent_start", [Id, Number], _) ->
    {ok, Pid} = ?AGENT:start(fun() ->
        reference_recorder:begins(Id, agent, none, ["ok"]),
        reference_recorder:came_up(),
        reference_words:number(Number)
    end),
    ["ok ", reference_recorder:label(Pid)];
perform(Name, [Whom | Arguments], _) ->
    Pid = reference_operation:process(Whom),
    try reference_words:text(perform_at(Name, Pid, Arguments))
    catch exit:Failure -> reference_operation:failure(Failure)
    end.

perform_at("agent_get", Pid, []) ->
    ?AGENT:get(Pid, fun(State) -> State end);
perform_at("agent_add", Pid, [Number]) ->
    ?AGENT:update(Pid, fun(State) -> State + reference_words:number(Number) end);
perform_at("agent_cast_add", Pid, [Number]) ->
    ?AGENT:cast(Pid, fun(State) -> State + reference_words:number(Number) end);
perform_at("agent_fetch_add", Pid, [Number]) ->
    ?AGENT:get_and_update(Pid, fun(State) -> {State, State + reference_words:number(Number)} end);
perform_at("agent_crash", Pid, [Reason]) ->
    ?AGENT:update(Pid, fun(_) -> exit(reference_words:reason(Reason)) end);
perform_at("agent_stop", Pid, [Reason]) ->
    ?AGENT:stop(Pid, reference_words:reason(Reason), infinity).
