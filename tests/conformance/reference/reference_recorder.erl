%% What happened: every process of the scenario with its label and its end, and what the step under way gave.
%%
%% A process of its own that takes one request after the other, so that events stand in the order in which the callbacks
%% began. Those who record wait for it. What is asked often is in a table that only it writes.
-module(reference_recorder).
-export([start/1, begins/4, came_up/0, terminates/1, message/1, step_is_over/0]).
-export([label/1, find/1, newest/1, attempt/1, is_dead/1, reason/1, living/0]).

-include("reference.hrl").

-define(NAME, 'reference recorder'). % with a blank, as no name of a scenario is
-define(TABLE, 'reference attempts').

%% ---- for processes of the scenario ----

%% To be called first in an init callback. Starter is the process in whose context this one is started; Behaviours says
%% what each attempt does, the last one repeated. Returns what this attempt does.
begins(Id, Kind, Starter, Behaviours) ->
    reference_noise:begins(),
    Behaviour = ask({begins, Id, Kind, Starter, Behaviours}),
    reference_noise:here(),
    Behaviour.

%% The init callback is about to succeed.
came_up() ->
    ask(came_up).

terminates(Reason) ->
    ask({event, "term", reference_words:reason_text(Reason)}).

message(Text) ->
    ask({message, Text}).

ask(Request) ->
    Tag = make_ref(),
    ?NAME ! {self(), Tag, Request},
    receive {Tag, Answer} -> Answer end.

%% ---- for main ----

start(Main) ->
    Ready = make_ref(),
    spawn(fun() -> init(Main, Ready) end),
    receive Ready -> ok end.

%% Returns the #step{} and begins a new one.
step_is_over() ->
    ask(step_is_over).

%% ---- questions, answered from the table ----

label(Pid) ->
    case attempt(Pid) of
        none -> "?";
        #attempt{label = Label} -> Label
    end.

%% The newest process of an id that came to live, or the one with that label, or main.
find(IdOrLabel) ->
    case value({labelled, IdOrLabel}) of
        none -> newest(IdOrLabel);
        Pid -> Pid
    end.

newest(Id) ->
    value({newest, Id}).

attempt(Pid) ->
    value({process, Pid}).

is_dead(Pid) ->
    reason(Pid) =/= none.

%% `none` as long as it lives.
reason(Pid) ->
    case attempt(Pid) of
        none -> none;
        #attempt{reason = Reason} -> Reason
    end.

living() ->
    [Attempt || [Attempt] <- ets:match(?TABLE, {{process, '_'}, '$1'}),
                Attempt#attempt.reason =:= none, Attempt#attempt.kind =/= main].

value(Key) ->
    case ets:lookup(?TABLE, Key) of
        [{_, Value}] -> Value;
        [] -> none
    end.

%% ---- the process ----

init(Main, Ready) ->
    register(?NAME, self()),
    ets:new(?TABLE, [named_table, protected]),
    write(#attempt{pid = Main, label = "main", kind = main}),
    Main ! Ready,
    loop(#step{}).

loop(Step) ->
    receive
        {From, Tag, Request} ->
            {Answer, Next} = handle(Request, From, Step),
            From ! {Tag, Answer},
            loop(Next);
        {'DOWN', _, process, Pid, Reason} ->
            Ended = (attempt(Pid))#attempt{reason = Reason},
            write(Ended),
            loop(Step#step{ended = [Ended | Step#step.ended]})
    end.

handle({begins, Id, Kind, Starter, Behaviours}, From, Step) ->
    Number = case value({count, Id}) of none -> 1; Count -> Count + 1 end,
    ets:insert(?TABLE, {{count, Id}, Number}),
    Behaviour = lists:nth(min(Number, length(Behaviours)), Behaviours),
    write(#attempt{pid = From, label = Id ++ "#" ++ integer_to_list(Number), id = Id, kind = Kind, starter = Starter,
                   behaviour = Behaviour}),
    monitor(process, From),
    {Behaviour, with_event("init", Behaviour, From, Step)};
handle(came_up, From, Step) ->
    Attempt = attempt(From),
    write(Attempt#attempt{is_up = true}),
    ets:insert(?TABLE, {{newest, Attempt#attempt.id}, From}),
    {ok, Step};
handle({event, Kind, Text}, From, Step) ->
    {ok, with_event(Kind, Text, From, Step)};
handle({message, Text}, From, Step) ->
    {ok, Step#step{messages = [#event{pid = From, text = Text} | Step#step.messages]}};
handle(step_is_over, _, Step) ->
    {Step#step{events = lists:reverse(Step#step.events)}, #step{}}.

%% Tasks and agents have no events.
with_event(Kind, Text, From, Step) ->
    case attempt(From) of
        #attempt{kind = Other} when Other =:= task; Other =:= agent -> Step;
        _ -> Step#step{events = [#event{pid = From, kind = Kind, text = Text} | Step#step.events]}
    end.

write(#attempt{pid = Pid, label = Label} = Attempt) ->
    ets:insert(?TABLE, [{{process, Pid}, Attempt}, {{labelled, Label}, Pid}]).
