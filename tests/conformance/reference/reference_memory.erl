%% What the operations of a scenario remember under a name: monitors, timers, tables, processes that help.
-module(reference_memory).
-export([start/0, put/3, forget/2, get/2, name/1, all/1]).

-define(TABLE, 'reference memory').

start() ->
    ets:new(?TABLE, [named_table, public]).

%% Hides what had that name; name/1 still knows it.
put(Kind, Name, Value) ->
    ets:insert(?TABLE, [{{Kind, Name}, Value}, {{name, Value}, Name}]).

forget(Kind, Name) ->
    ets:delete(?TABLE, {Kind, Name}).

get(Kind, Name) ->
    value({Kind, Name}).

%% The name under which the value was put.
name(Value) ->
    value({name, Value}).

all(Kind) ->
    [Value || [Value] <- ets:match(?TABLE, {{Kind, '_'}, '$1'})].

value(Key) ->
    case ets:lookup(?TABLE, Key) of
        [{_, Value}] -> Value;
        [] -> none
    end.
