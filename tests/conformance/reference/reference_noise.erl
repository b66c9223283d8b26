%% Other schedules: with a seed, processes of the scenario get priorities by chance and give their turn away at any
%% point, so that two recordings of a scenario that is not determined are likely to differ.
-module(reference_noise).
-export([start/1, begins/0, here/0]).

-define(KEY, {?MODULE, seed}).

%% To be called by main. 0 is no noise.
start(Seed) ->
    persistent_term:put(?KEY, Seed).

%% A process of the scenario begins. Never a high priority: who waits for others by giving its turn away would have them
%% wait for ever.
begins() ->
    case persistent_term:get(?KEY) of
        0 ->
            ok;
        Seed ->
            rand:seed(exsss, {Seed, erlang:unique_integer(), erlang:phash2(self())}),
            process_flag(priority, lists:nth(rand:uniform(2), [low, normal])),
            here()
    end.

here() ->
    case persistent_term:get(?KEY) of
        0 -> ok;
        _ -> give_way(rand:uniform(6) - 2)
    end.

give_way(Times) when Times =< 0 -> ok;
give_way(Times) -> erlang:yield(), give_way(Times - 1).
