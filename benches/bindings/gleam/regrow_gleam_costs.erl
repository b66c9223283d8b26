%% What is measured beside the package: servers, names and tables of the BEAM itself; and the time.
-module(regrow_gleam_costs).
-behaviour(gen_server).

-export([plain_server/0, plain_call/1, plain_agent_get/2, plain_name/0, plain_whereis/1, plain_table/1, plain_lookup/2,
         plain_insert/3, now/0, print/1, counter_path/0]).
-export([init/1, handle_call/3, handle_cast/2]).

%% A gen_server that answers with a number, and with what a function makes of it.
plain_server() ->
    {ok, Pid} = gen_server:start(?MODULE, 0, []),
    Pid.

plain_call(Pid) -> gen_server:call(Pid, get).

plain_agent_get(Pid, Function) -> gen_server:call(Pid, {get, Function}).

init(State) -> {ok, State}.

handle_call(get, _, State) -> {reply, State, State};
handle_call({get, Function}, _, State) -> {reply, Function(State), State}.

handle_cast(_, State) -> {noreply, State}.

plain_name() ->
    true = register(?MODULE, self()),
    ?MODULE.

plain_whereis(Name) -> whereis(Name).

plain_table(Value) ->
    Table = ets:new(?MODULE, [public, {read_concurrency, true}]),
    true = ets:insert(Table, {<<"key">>, Value}),
    Table.

plain_lookup(Table, Key) ->
    [{_, Value}] = ets:lookup(Table, Key),
    Value.

plain_insert(Table, Key, Value) -> ets:insert(Table, {Key, Value}).

now() -> erlang:monotonic_time(nanosecond).

print(Text) -> io:put_chars(Text), nil.

%% The plug-in of the Erlang binding's tests, which has the native server "counter".
counter_path() -> unicode:characters_to_binary(filename:join(os:getenv("REGROW_PLUGINS"), "counter.so")).
