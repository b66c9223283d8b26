%% Exercise 4: a pipeline whose stages depend on the ones before, so rest_for_one: whoever crashes takes along what
%% comes after it.
%%
%%     Pipeline             supervisor, rest_for_one
%%     |- input             5 becomes {validated, 5}
%%     |- process           {validated, 5} becomes {processed, 10}
%%     `- output            prints it
-module(exercise_4_pipeline).
-behaviour(gen_server).
-export([main/0]).
-export([init/1, handle_call/3, handle_cast/2]).

main() ->
    _ = drill:start(),
    %% A supervisor that does not start ends who is linked with it.
    process_flag(trap_exit, true),

    io:format("Three stages of one id are refused.~n"),
    {error, Reason} = Error = start_pipeline(['Stage', 'Stage', 'Stage']),
    io:format("   ~s: ~w~n", [drill:code(Error), Reason]),

    io:format("Each has an id of its own.~n"),
    {ok, _} = start_pipeline([input, process, output]),
    submit(5),
    [kill(Stage) || Stage <- [process, output, input]],
    submit(21).

%% What the stages go by under their supervisor.
start_pipeline(Ids) -> regrow_supervisor:start_link(drill:runtime(), ?MODULE, {supervisor, Ids}).

submit(Number) ->
    io:format("~b is submitted.~n", [Number]),
    gen_server:cast(input, {data, Number}),
    drill:settle().

kill(Victim) ->
    Stages = [input, process, output],
    Before = [whereis(Stage) || Stage <- Stages],
    io:format("~s is killed.~n", [Victim]),
    drill:kill(whereis(Victim)),
    drill:settle(),
    [io:format("   ~s: ~s~n", [Stage, case whereis(Stage) of Old -> "as before"; _ -> "new" end])
     || {Stage, Old} <- lists:zip(Stages, Before)].

%% ---- callbacks: of the supervisor, and of a stage ----

init({supervisor, Ids}) ->
    Stages = [{input, none}, {process, input}, {output, process}],
    {ok, {#{strategy => rest_for_one, intensity => 3},
          [#{id => Id, start => {gen_server, start_link, [{local, Name}, ?MODULE, Stage, []]}}
           || {Id, {Name, _} = Stage} <- lists:zip(Ids, Stages)]}};
init({Name, Upstream}) ->
    io:format("   stage ~s started (upstream: ~s)~n", [Name, Upstream]),
    {ok, Name}.

handle_call(_, _, Name) -> {noreply, Name}.

handle_cast({data, Data}, Name) ->
    io:format("   ~s is processing: ~w~n", [Name, Data]),
    Result = transform(Name, Data),
    %% To the next stage.
    case Name of
        input -> gen_server:cast(process, {data, Result});
        process -> gen_server:cast(output, {data, Result});
        output -> ok
    end,
    {noreply, Name}.

transform(input, Data) -> {validated, Data};
transform(process, {validated, Data}) -> {processed, Data * 2};
transform(output, {processed, Data}) -> io:format("   Output: ~b~n", [Data]).
