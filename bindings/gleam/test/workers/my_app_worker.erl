%% A server as other languages have it, for the tests and examples: a counter with a configuration.
-module(my_app_worker).
-behaviour(gen_server).

-export([start_link/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_continue/2]).

start_link(Config) -> gen_server:start_link(?MODULE, Config, []).

init(refuse) -> {stop, refused};
init(<<"crash">>) -> error(crashed);
init(<<"exit">>) -> exit(normal);
init(<<"throw">>) -> throw(thrown);
init(<<"ignore">>) -> ignore;
init(<<"continue">>) -> {ok, 0, {continue, 41}};
init(Count) when is_integer(Count) -> {ok, Count};
init(_) -> {ok, 0}.

handle_continue(More, Count) -> {noreply, Count + More}.

handle_call(get_count, _, Count) -> {reply, Count, Count};
handle_call(<<"get">>, _, Count) -> {reply, Count, Count};
handle_call(crash, _, _) -> error(crashed);
handle_call(never, _, Count) -> {noreply, Count}.

handle_cast(<<"increment">>, Count) -> {noreply, Count + 1};
handle_cast(increment, Count) -> {noreply, Count + 1}.
