%% What regrow/pubsub asks of regrow_pubsub. A message goes out with the pubsub as its tag, so that it comes to the
%% subject that each subscriber has for that pubsub.
-module(regrow_gleam_pubsub).

-export([start/2, spec/1, find/2, subscribe/3, subscribe_as/6, lags/3, unsubscribe/3, broadcast/3, broadcast_from/4,
         subscriber_count/2]).

start(Runtime, Name) -> regrow_gleam_runtime:start_native(Runtime, spec(Name)).

spec({ok, Name}) -> #{kind => pubsub, name => Name};
spec({error, nil}) -> #{kind => pubsub}.

find(Runtime, Name) ->
    case regrow:whereis(Runtime, Name) of
        {ok, Pid} ->
            case regrow:is_native(Pid) andalso regrow_pubsub:subscriber_count(Pid, <<>>) of
                {ok, _} -> {ok, Pid};
                _ -> {error, not_found}
            end;
        {error, _} ->
            {error, not_found}
    end.

subscribe(Pubsub, Topic, Pid) -> subscribe_as(Pubsub, Topic, Pid, {error, nil}, 0, drop_newest).

subscribe_as(Pubsub, Topic, Pid, Queue, Most, Overflow) ->
    Alone = #{pid => Pid, once => true, max_messages => Most, overflow => Overflow},
    How = case Queue of {ok, Name} -> Alone#{queue => Name}; {error, nil} -> Alone end,
    Subscribed = asked(Pubsub, fun() -> regrow_pubsub:subscribe(Pubsub, Topic, How) end),
    case regrow_gleam_process:living(Pid, Subscribed) of
        {ok, nil} -> {ok, {subject, Pid, Pubsub}};
        Error -> Error
    end.

lags(Selector, Topic, Wrap) -> regrow_gleam_selector:input(Selector, {lag, Topic}, Wrap).

unsubscribe(Pubsub, Topic, {_, Pid, _}) -> asked(Pubsub, fun() -> regrow_pubsub:unsubscribe(Pubsub, Topic, Pid) end).

broadcast(Pubsub, Topic, Message) ->
    asked(Pubsub, fun() -> regrow_pubsub:broadcast(Pubsub, Topic, event(Pubsub, Topic, Message)) end).

broadcast_from(Pubsub, Pid, Topic, Message) ->
    asked(Pubsub, fun() -> regrow_pubsub:broadcast_from(Pubsub, Pid, Topic, event(Pubsub, Topic, Message)) end).

event(Pubsub, Topic, Message) -> {Pubsub, {event, Topic, Message}}.

subscriber_count(Pubsub, Topic) -> asked(Pubsub, fun() -> regrow_pubsub:subscriber_count(Pubsub, Topic) end).

asked(Pubsub, Ask) ->
    try Ask() of
        ok -> {ok, nil};
        {ok, Answer} -> {ok, Answer};
        {error, noproc} ->
            case regrow:is_alive(Pubsub) of
                true -> {error, dead_process};
                false -> {error, dead_pub_sub}
            end;
        {error, Dead} when Dead =:= not_alive; Dead =:= wrong_kind -> {error, dead_pub_sub};
        {error, Reason} -> {error, {failed, Reason}}
    catch
        error:badarg -> {error, bad_topic}
    end.
