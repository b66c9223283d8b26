%% A scenario file, and carrying it out. Called in main's own process.
-module(reference_scenario).
-export([run/2, declaration/1, children/1]).

-include("reference.hrl").

-define(DECLARATIONS, {?MODULE, declarations}).

%% {trace, Text} | {unsupported, Text} | {failed, Text}
run(Noise, File) ->
    case file:read_file(File) of
        {ok, Bytes} -> run_lines(Noise, lines(Bytes));
        {error, Why} -> {failed, io_lib:format("~ts: ~p~n", [File, Why])}
    end.

lines(Bytes) ->
    [line(Text) || Text <- string:split(binary_to_list(Bytes), "\n", all), Text =/= "", hd(Text) =/= $#].

line(Text) ->
    {Options, Words} = lists:partition(fun(Token) -> lists:member($=, Token) end, string:split(Text, " ", all)),
    Pairs = [list_to_tuple(string:split(Option, "=")) || Option <- Options],
    #line{text = Text, words = Words, options = maps:from_list(Pairs)}.

run_lines(Noise, [#line{words = ["scenario", Name]} | Lines]) ->
    {Declarations, Steps} = lists:partition(fun is_declaration/1, Lines),
    persistent_term:put(?DECLARATIONS, Declarations),
    Unknown = [["no operation ", reference_operation:name(Step)]
               || Step <- Steps, not reference_operation:is_known(Step)],
    case Unknown ++ [Why || Line <- Lines, (Why = reference_system:refuses(Line)) =/= none] of
        [] -> {trace, ["scenario ", Name, $\n, carry_out(Noise, Steps)]};
        [First | _] -> {unsupported, [First, $\n]}
    end;
run_lines(_, _) ->
    {failed, "no scenario\n"}.

is_declaration(#line{words = [Word | _]}) ->
    lists:member(Word, ["sup", "dsup", "worker"]).

%% ---- declarations ----

%% The #line{} that declares the id, or none.
declaration(Id) ->
    case [Line || #line{words = [_, Declared | _]} = Line <- persistent_term:get(?DECLARATIONS), Declared =:= Id] of
        [Line | _] -> Line;
        [] -> none
    end.

%% The ids declared in a supervisor, in their order.
children(Supervisor) ->
    [Id || #line{words = [_, Id | _], options = #{"in" := In}} <- persistent_term:get(?DECLARATIONS),
           In =:= Supervisor].

%% ---- steps ----

carry_out(Noise, Steps) ->
    process_flag(trap_exit, true),
    reference_noise:start(Noise),
    reference_memory:start(),
    reference_recorder:start(self()),
    reference_system:begins(),
    Numbered = lists:zip(lists:seq(1, length(Steps)), Steps),
    Trace = [[carry_out_step(Number, Step) || {Number, Step} <- Numbered], reference_trace:final()],
    reference_system:ends(),
    Trace.

carry_out_step(Number, Step) ->
    Result = reference_operation:by_main(Step),
    reference_quiet:wait(),
    reference_tasks:stop_supervisor() andalso reference_quiet:wait(),
    forget_messages(),
    Lines = reference_trace:step(Result(), reference_recorder:step_is_over()),
    ["step ", integer_to_list(Number), $\s, Step#line.text, $\n | Lines].

%% What main receives is not recorded.
forget_messages() ->
    receive _ -> forget_messages() after 0 -> ok end.
