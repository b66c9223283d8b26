%% The lines of a step (FORMAT.md, section 3).
-module(reference_trace).
-export([step/2, final/0]).

-include("reference.hrl").

step(Result, Step) ->
    Line = ["res", [[$\s, Result] || Result =/= ""], $\n],
    case is_refusal(Result) of
        true -> Line;
        false -> [events(Step), Line, downs(Step), messages(Step)]
    end.

is_refusal("error bad_spec") -> true;
is_refusal("error duplicate_id " ++ _) -> true;
is_refusal(_) -> false.

final() ->
    Labels = [Label || #attempt{label = Label, is_up = true} <- reference_recorder:living()],
    ["final", reference_words:sorted(Labels), $\n].

%% ---- events ----

events(Step) ->
    Ended = maps:from_list([{Pid, Attempt} || #attempt{pid = Pid} = Attempt <- Step#step.ended]),
    {Concurrent, Ordered} = lists:partition(fun(Event) -> is_concurrent(Event, Ended) end, Step#step.events),
    [[["ev ", text(Event), $\n] || Event <- Ordered], [group(Group) || Group <- groups(Concurrent)]].

text(#event{kind = Kind, pid = Pid, text = Text}) ->
    lists:append([Kind, " ", reference_recorder:label(Pid), " ", Text]).

is_concurrent(#event{pid = Pid}, Ended) ->
    lists:any(fun(Ancestor) -> is_disorderly(maps:get(Ancestor, Ended, none)) end, ancestors(Pid)).

ancestors(Pid) ->
    case reference_recorder:attempt(Pid) of
        #attempt{starter = Starter} when Starter =/= none -> [Starter | ancestors(Starter)];
        _ -> []
    end.

%% An ancestor that ended in this step and whose descendants then end in any order.
is_disorderly(none) -> false;
is_disorderly(#attempt{reason = killed}) -> true;
is_disorderly(#attempt{kind = Kind}) -> stops_all_at_once(Kind).

stops_all_at_once(Kind) ->
    lists:member(Kind, [dynamic, simple]).

%% [{Label, Kind, Events}] of the supervisors that started the processes, sorted.
groups(Events) ->
    Pairs = [{starter(Event), Event} || Event <- Events],
    [{Label, Kind, [Event || {{Other, _}, Event} <- Pairs, Other =:= Label]}
     || {Label, Kind} <- lists:usort([Starter || {Starter, _} <- Pairs])].

starter(#event{pid = Pid}) ->
    #attempt{starter = Starter} = reference_recorder:attempt(Pid),
    #attempt{label = Label, kind = Kind} = reference_recorder:attempt(Starter),
    {Label, Kind}.

group({Supervisor, Kind, Events}) ->
    IsDisorderly = stops_all_at_once(Kind) orelse [killed || #event{kind = "term", text = "killed"} <- Events] =/= [],
    Texts = [text(Event) || Event <- Events],
    [["par ", Supervisor, $\s, Text, $\n] || Text <- if IsDisorderly -> lists:sort(Texts); true -> Texts end].

%% ---- ends and messages ----

downs(#step{ended = Ended}) ->
    lists:sort([lists:append(["down ", Label, " ", reference_words:reason_text(Reason), "\n"])
                || #attempt{label = Label, reason = Reason} = Attempt <- Ended, was_process(Attempt)]).

%% An attempt that ended in ignore or fail was none.
was_process(#attempt{behaviour = "ignore"}) -> false;
was_process(#attempt{behaviour = "fail:" ++ _}) -> false;
was_process(_) -> true.

messages(#step{messages = Messages, ended = Ended}) ->
    Dead = [Pid || #attempt{pid = Pid} <- Ended],
    lists:sort([lists:append(["msg ", reference_recorder:label(Pid), " ", Text, "\n"])
                || #event{pid = Pid, text = Text} <- Messages, not lists:member(Pid, Dead)]).
