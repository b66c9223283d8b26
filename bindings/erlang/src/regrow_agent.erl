%% Agents whose functions are Erlang's: processes of the BEAM that keep one term, since code of the BEAM runs on the
%% BEAM. They are children, registrants and members of regrow as any process.
%%
%% A native agent keeps a term of native code's: fetch/2 and exchange/4 are for it.
-module(regrow_agent).
-behaviour(gen_server).

-export([start/1, start/2, start_link/1, start_link/2, get/2, get/3, update/2, update/3, get_and_update/2,
         get_and_update/3, cast/2, stop/1, stop/3]).
-export([fetch/2, exchange/4]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, code_change/3]).

start(Make) -> start(Make, []).

%% Starts an agent whose first state Make() gives; options as in regrow_server:start/3.
-spec start(fun(() -> term()), [term()]) -> gen_server:start_ret().
start(Make, Options) when is_function(Make, 0) -> regrow_server:start(?MODULE, Make, Options);
start(_, _) -> erlang:error(badarg).

start_link(Make) -> start_link(Make, []).

-spec start_link(fun(() -> term()), [term()]) -> gen_server:start_ret().
start_link(Make, Options) when is_function(Make, 0) -> regrow_server:start_link(?MODULE, Make, Options);
start_link(_, _) -> erlang:error(badarg).

get(Agent, Function) -> get(Agent, Function, 5000).

%% What a function makes of the state, in the agent. A function that fails ends the agent.
-spec get(regrow_server:server(), fun((term()) -> Value), timeout()) -> Value.
get(Agent, Function, Timeout) when is_function(Function, 1) -> regrow_server:call(Agent, {get, Function}, Timeout);
get(_, _, _) -> erlang:error(badarg).

update(Agent, Function) -> update(Agent, Function, 5000).

-spec update(regrow_server:server(), fun((term()) -> term()), timeout()) -> ok.
update(Agent, Function, Timeout) when is_function(Function, 1) ->
    regrow_server:call(Agent, {update, Function}, Timeout);
update(_, _, _) ->
    erlang:error(badarg).

get_and_update(Agent, Function) -> get_and_update(Agent, Function, 5000).

%% The function gives {Value, NewState}; anything else ends the agent with {bad_return_value, _}.
-spec get_and_update(regrow_server:server(), fun((term()) -> {Value, term()}), timeout()) -> Value.
get_and_update(Agent, Function, Timeout) when is_function(Function, 1) ->
    regrow_server:call(Agent, {get_and_update, Function}, Timeout);
get_and_update(_, _, _) ->
    erlang:error(badarg).

%% As update/2, without waiting.
-spec cast(regrow_server:server(), fun((term()) -> term())) -> ok.
cast(Agent, Function) when is_function(Function, 1) -> regrow_server:cast(Agent, {update, Function});
cast(_, _) -> erlang:error(badarg).

stop(Agent) -> regrow_server:stop(Agent).

-spec stop(regrow_server:server(), term(), timeout()) -> ok.
stop(Agent, Reason, Timeout) -> regrow_server:stop(Agent, Reason, Timeout).

%% ---- native agents ----

%% What a native agent keeps.
-spec fetch(pid(), timeout()) -> {ok, term()} | {error, term()}.
fetch(Agent, Timeout) ->
    regrow_nif:await(agent_get, Agent, {regrow:ms(Timeout)}).

%% Has a native agent keep New, if it keeps Old: {ok, false} when it keeps another term, which stays. Terms are compared
%% exactly. Who makes the new term of the old one, and begins again when it was told false, loses nobody's update.
-spec exchange(pid(), Old :: term(), New :: term(), timeout()) -> {ok, boolean()} | {error, term()}.
exchange(Agent, Old, New, Timeout) ->
    regrow_nif:await(agent_exchange, Agent, {Old, New, regrow:ms(Timeout)}).

%% ---- the agent ----

init(Make) -> {ok, Make()}.

handle_call({get, Function}, _, State) ->
    {reply, Function(State), State};
handle_call({update, Function}, _, State) ->
    {reply, ok, Function(State)};
handle_call({get_and_update, Function}, _, State) ->
    case Function(State) of
        {Value, New} -> {reply, Value, New};
        Other -> {stop, {bad_return_value, Other}, State}
    end.

handle_cast({update, Function}, State) -> {noreply, Function(State)}.

handle_info(_, State) -> {noreply, State}.

code_change(_, State, _) -> {ok, State}.
