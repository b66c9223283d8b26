%% A supervised native counter, and an Erlang server beside it: it counts, crashes, and counts again from 1.
-module(hello).
-behaviour(regrow_supervisor).
-export([main/0, init/1]).

%% One tree: the counter is C (bindings/erlang/examples/counter.c), the agent is Erlang.
init([]) ->
    Counter = #{id => counter, kind => behaviour, behaviour => <<"counter">>, arg => 0, name => <<"counter">>},
    Agent = #{id => agent, start => {regrow_agent, start_link, [fun() -> [] end]}},
    {ok, {#{strategy => one_for_all, intensity => 3}, [Counter, Agent]}}.

main() ->
    process_flag(trap_exit, true),
    {ok, Runtime} = regrow:init(#{log_level => silent}),
    ok = regrow:load_plugin("./counter.so"),
    {ok, Tree} = regrow_supervisor:start_link(Runtime, ?MODULE, []),
    ask(Runtime, {add, 1}),
    ask(Runtime, {add, 1}),
    Agent = child(Tree, agent),
    ask(Runtime, crash),
    %% The agent went with it; both are new.
    wait(fun() -> is_pid(child(Tree, agent)) andalso child(Tree, agent) =/= Agent end),
    ask(Runtime, {add, 1}),
    ok = regrow:shutdown(Runtime).

ask(Runtime, Request) ->
    {ok, Counter} = regrow:whereis(Runtime, <<"counter">>),
    io:format("~p: ~p~n", [Request, regrow:call(Counter, Request)]).

child(Tree, Id) ->
    {Id, Pid, _, _} = lists:keyfind(Id, 1, regrow_supervisor:which_children(Tree)),
    Pid.

wait(Holds) ->
    Holds() orelse begin timer:sleep(1), wait(Holds) end.
