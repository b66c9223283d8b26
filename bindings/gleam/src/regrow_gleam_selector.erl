%% Selectors: {selector, Owners, Inputs}. Inputs are by the key that a message has here, each with what makes something
%% of the whole message; owners are those of the subjects in it, as the keys of a map.
-module(regrow_gleam_selector).

-export([new/0, add/3, down/3, monitors/2, exits/2, other/2, merge/2, map/2, 'receive'/2]).
-export([input/3, match/2]).

new() -> {selector, #{}, #{}}.

add({selector, Owners, Inputs}, {_, Owner, Tag}, Wrap) ->
    input({selector, Owners#{Owner => subject}, Inputs}, {tag, Tag}, fun({_, Message}) -> Wrap(Message) end).

down(Selector, Monitor, Wrap) ->
    input(Selector, {down, Monitor}, fun({_, _, _, Pid, Reason}) ->
        Wrap({down, Pid, regrow_gleam_process:reason(Reason)})
    end).

monitors(Selector, Wrap) ->
    input(Selector, down, fun({_, Monitor, _, Pid, Reason}) ->
        Wrap(Monitor, {down, Pid, regrow_gleam_process:reason(Reason)})
    end).

exits(Selector, Wrap) ->
    input(Selector, exit, fun({_, Pid, Reason}) -> Wrap({down, Pid, regrow_gleam_process:reason(Reason)}) end).

other(Selector, Wrap) -> input(Selector, other, Wrap).

merge({selector, Owners, Inputs}, {selector, MoreOwners, More}) ->
    {selector, maps:merge(Owners, MoreOwners), maps:merge(Inputs, More)}.

map({selector, Owners, Inputs}, Function) ->
    {selector, Owners, maps:map(fun(_, Wrap) -> fun(Message) -> Function(Wrap(Message)) end end, Inputs)}.

%% For the modules whose messages have a key below.
input({selector, Owners, Inputs}, Key, Wrap) -> {selector, Owners, Inputs#{Key => Wrap}}.

'receive'({selector, Owners, Inputs}, Timeout) ->
    case maps:keys(Owners) of
        Subjects when Subjects =:= []; Subjects =:= [self()] -> take(Inputs, regrow_gleam_process:timeout(Timeout));
        _ -> {error, not_the_owner}
    end.

%% As key/1 below, in guards.
take(Inputs, Timeout) ->
    receive
        {Tag, _} = Message when is_map_key({tag, Tag}, Inputs) ->
            made({tag, Tag}, Inputs, Message);
        {'DOWN', Ref, process, _, _} = Message when is_map_key({down, Ref}, Inputs) ->
            made({down, Ref}, Inputs, Message);
        {'DOWN', _, process, _, _} = Message when is_map_key(down, Inputs) ->
            made(down, Inputs, Message);
        {'EXIT', _, _} = Message when is_map_key(exit, Inputs) ->
            made(exit, Inputs, Message);
        {Ref, Change, _, _} = Message when Change =:= join orelse Change =:= leave, is_map_key({group, Ref}, Inputs) ->
            made({group, Ref}, Inputs, Message);
        {lag, Topic, _} = Message when is_map_key({lag, Topic}, Inputs) ->
            made({lag, Topic}, Inputs, Message);
        {register, Home, _, _, _} = Message when is_map_key({registry, Home}, Inputs) ->
            made({registry, Home}, Inputs, Message);
        {unregister, Home, _, _} = Message when is_map_key({registry, Home}, Inputs) ->
            made({registry, Home}, Inputs, Message);
        {'ETS-TRANSFER', _, _, _} = Message when is_map_key(transfer, Inputs) ->
            made(transfer, Inputs, Message);
        Message when is_map_key(other, Inputs) ->
            made(other, Inputs, Message)
    after Timeout -> {error, nothing_came}
    end.

%% {ok, What is made of a message}, or error: nobody waits for it.
match({selector, _, Inputs}, Message) ->
    Key = key(Message),
    if
        is_map_key(Key, Inputs) -> made(Key, Inputs, Message);
        element(1, Key) =:= down, is_map_key(down, Inputs) -> made(down, Inputs, Message);
        is_map_key(other, Inputs) -> made(other, Inputs, Message);
        true -> error
    end.

key({Tag, _}) -> {tag, Tag};
key({'DOWN', Ref, process, _, _}) -> {down, Ref};
key({'EXIT', _, _}) -> exit;
key({Ref, Change, _, _}) when Change =:= join; Change =:= leave -> {group, Ref};
key({lag, Topic, _}) -> {lag, Topic};
key({register, Home, _, _, _}) -> {registry, Home};
key({unregister, Home, _, _}) -> {registry, Home};
key({'ETS-TRANSFER', _, _, _}) -> transfer;
key(_) -> other.

made(Key, Inputs, Message) -> {ok, (map_get(Key, Inputs))(Message)}.
