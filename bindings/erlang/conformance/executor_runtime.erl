%% The runtime of the scenario under way; for the executor of Elixir's modules too.
-module(executor_runtime).
-export([use/1, get/0, named/1, stamp/0]).

-define(KEY, {?MODULE, runtime}).
-define(REST_MS, 20000).
%% Longer timers never fire within a scenario.
-define(LONGEST_TIMER_MS, 100).

use(Runtime) -> persistent_term:put(?KEY, Runtime).

get() -> persistent_term:get(?KEY).

%% Who has a name in it.
named(Name) ->
    case regrow:whereis(?MODULE:get(), list_to_atom(Name)) of
        {ok, Pid} -> Pid;
        {error, not_found} -> undefined
    end.

%% Nothing native runs, and no time limit is waited for; then what has been done by now.
stamp() ->
    {ok, Rest} = regrow:settle(?MODULE:get(), ?REST_MS),
    {ok, Now} = regrow:now(?MODULE:get()),
    case Rest of
        {waiting, Deadline, Kind} when Kind =/= user; Deadline - Now =< ?LONGEST_TIMER_MS ->
            busy;
        _ ->
            {ok, #{sent := Sent, handled := Handled}} = regrow:stats(?MODULE:get()),
            {Sent, Handled}
    end.
