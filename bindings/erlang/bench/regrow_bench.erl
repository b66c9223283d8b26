%% What a call costs, beside OTP's own: one JSON line each, the best of several rounds in nanoseconds.
%%
%%   make bench
-module(regrow_bench).
-export([main/0]).

-define(ROUNDS, 15).

main() ->
    {ok, Runtime} = regrow:init(#{log_level => silent}),
    ok = regrow:load_plugin("build/test/counter.so"),
    {ok, Native} = regrow:start(Runtime, #{kind => behaviour, behaviour => <<"counter">>}),
    {ok, Quick} = regrow:start(Runtime, #{kind => behaviour, behaviour => <<"quick_counter">>}),
    {ok, Agent} = regrow:start(Runtime, #{kind => agent, initial => 0}),
    {ok, Beam} = regrow_agent:start(fun() -> 0 end),
    {ok, Registry} = regrow_registry:start(Runtime, #{}),
    {ok, Table} = regrow_table:new(Runtime, [public]),
    {ok, Pubsub} = regrow_pubsub:start(Runtime, #{}),
    Ets = ets:new(table, [public, {read_concurrency, true}]),
    ok = regrow_registry:register(Registry, key, Beam, []),
    ok = regrow_table:insert(Table, {key, value}),
    ets:insert(Ets, {key, value}),
    Get = fun(N) -> N end,
    [ok = regrow_pubsub:join(Pubsub, group, spawn(fun ignore/0)) || _ <- lists:seq(1, 10)],
    show([{"call_native", 10000, fun() -> {ok, 0} = regrow:call(Native, get) end},
          {"call_gen_server", 10000, fun() -> 0 = gen_server:call(Beam, {get, Get}) end},
          {"call_quick_native", 10000, fun() -> {ok, 0} = regrow:call(Quick, get) end},
          {"call_batch_native", 100, fun() -> batch(Native, 100) end},
          {"call_batch_quick_native", 100, fun() -> batch(Quick, 100) end},
          {"call_batch_gen_server", 100, fun() -> batch_beam(Beam, Get, 100) end},
          {"agent_get_native", 10000, fun() -> {ok, 0} = regrow:get_state(Agent) end},
          {"agent_get_erlang", 10000, fun() -> 0 = regrow_agent:get(Beam, Get) end},
          {"cast_native", 10000, fun() -> ok = regrow:cast(Native, other) end},
          {"registry_lookup", 10000, fun() -> {ok, [_]} = regrow_registry:lookup(Registry, key) end},
          {"registry_whereis", 10000, fun() -> {ok, _} = regrow_registry:whereis(Registry, key) end},
          {"table_lookup", 10000, fun() -> {ok, [_]} = regrow_table:lookup(Table, key) end},
          {"ets_lookup", 10000, fun() -> [_] = ets:lookup(Ets, key) end},
          {"table_insert", 10000, fun() -> ok = regrow_table:insert(Table, {key, value}) end},
          {"ets_insert", 10000, fun() -> true = ets:insert(Ets, {key, value}) end},
          {"group_send_10", 1000, fun() -> {ok, 10} = regrow_pubsub:send(Pubsub, group, hello) end},
          {"is_alive", 10000, fun() -> true = regrow:is_alive(Native) end}]),
    ok = regrow:shutdown(Runtime).

ignore() -> receive _ -> ignore() end.

%% Many requests on their way at once.
batch(Native, Count) ->
    [{ok, 0} = Outcome || Outcome <- regrow:call_all(Native, lists:duplicate(Count, get))].

batch_beam(Beam, Get, Count) ->
    Ids = [gen_server:send_request(Beam, {get, Get}) || _ <- lists:seq(1, Count)],
    [{reply, 0} = gen_server:receive_response(Id, 5000) || Id <- Ids].

show(Benches) ->
    [io:format("{\"bench\": \"erlang_~s\", \"ns\": ~b}~n", [Name, best(Count, Call)]) || {Name, Count, Call} <- Benches].

best(Count, Call) ->
    lists:min([element(1, timer:tc(fun() -> times(Count, Call) end)) * 1000 div Count || _ <- lists:seq(1, ?ROUNDS)]).

times(0, _) -> ok;
times(Count, Call) -> Call(), times(Count - 1, Call).
