%% Groups and topics: one message to many processes, native ones and those of the BEAM alike. Whoever can see that a
%% process has ended finds it a member no more.
-module(regrow_pubsub).

-export([start/2, start_link/2, join/2, join/3, leave/2, leave/3, members/2, which_groups/1, send/3, monitor/2,
         demonitor/2]).
-export([subscribe/2, subscribe/3, unsubscribe/2, unsubscribe/3, broadcast/3, broadcast_from/4, subscriber_count/2]).
-export_type([how/0]).

%% queue: each message goes to one of those who are in the same queue group. max_messages: so many are kept for who has
%% not received them, then {lag, Topic, Count} stands for those that are missing. once: nothing happens when the
%% process is subscribed to that topic. pid: who is subscribed; the caller.
-type how() ::
    #{queue => binary(), max_messages => non_neg_integer(), overflow => drop_newest | drop_oldest, once => boolean(),
      pid => pid()}.

%% Starts one. Options: name.
-spec start(regrow:runtime(), map()) -> {ok, pid()} | {error, term()}.
start(Runtime, Options) when is_map(Options) ->
    regrow:start(Runtime, Options#{kind => pubsub});
start(_, _) ->
    erlang:error(badarg).

-spec start_link(regrow:runtime(), map()) -> {ok, pid()} | {error, term()}.
start_link(Runtime, Options) when is_map(Options) ->
    regrow:start_link(Runtime, Options#{kind => pubsub});
start_link(_, _) ->
    erlang:error(badarg).

%% ---- groups ----

join(Pubsub, Group) ->
    join(Pubsub, Group, self()).

%% Makes a process a member of a group (any term), once more if it is one.
-spec join(pid(), term(), pid()) -> ok | {error, noproc | term()}.
join(Pubsub, Group, Pid) when is_pid(Pid) ->
    plain(regrow_nif:now(group_join, Pubsub, {Group, Pid}));
join(_, _, _) ->
    erlang:error(badarg).

leave(Pubsub, Group) ->
    leave(Pubsub, Group, self()).

-spec leave(pid(), term(), pid()) -> ok | {error, not_joined | term()}.
leave(Pubsub, Group, Pid) when is_pid(Pid) ->
    plain(regrow_nif:now(group_leave, Pubsub, {Group, Pid}));
leave(_, _, _) ->
    erlang:error(badarg).

%% The members, in no order, each as often as it joined.
-spec members(pid(), term()) -> {ok, [pid()]} | {error, term()}.
members(Pubsub, Group) ->
    regrow_nif:now(group_members, Pubsub, {Group}).

-spec which_groups(pid()) -> {ok, [term()]} | {error, term()}.
which_groups(Pubsub) ->
    regrow_nif:now(group_which, Pubsub, {}).

%% Sends a message to all members, and tells how many times it was sent.
-spec send(pid(), term(), term()) -> {ok, non_neg_integer()} | {error, term()}.
send(Pubsub, Group, Message) ->
    regrow_nif:now(group_send, Pubsub, {Group, Message}).

%% Has the caller get {Ref, join, Group, Pids} and {Ref, leave, Group, Pids}, in the order of the changes, and
%% {'DOWN', Ref, process, Pubsub, Reason} when the pubsub ends.
-spec monitor(pid(), term()) -> {ok, {reference(), [pid()]}} | {error, term()}.
monitor(Pubsub, Group) ->
    regrow_nif:await(group_monitor, Pubsub, {Group}).

%% Nothing of the monitor comes after this.
-spec demonitor(pid(), reference()) -> ok | {error, not_found | term()}.
demonitor(Pubsub, Ref) ->
    Outcome = plain(regrow_nif:await(group_demonitor, Pubsub, {Ref})),
    flush(Ref),
    Outcome.

flush(Ref) ->
    receive
        {Ref, Change, _, _} when Change =:= join; Change =:= leave -> flush(Ref)
    after 0 -> ok
    end.

%% ---- topics ----

subscribe(Pubsub, Topic) ->
    subscribe(Pubsub, Topic, #{}).

%% Subscribes to a topic, a binary; or to a pattern, with * for one piece between dots, and > at the end for one or
%% more. Messages come as they were broadcast.
-spec subscribe(pid(), binary(), how()) -> ok | {error, term()}.
subscribe(Pubsub, Topic, How) when is_binary(Topic), is_map(How) ->
    Defaults = #{queue => [], max_messages => 0, overflow => drop_newest, once => false, pid => self()},
    #{queue := Queue, max_messages := Most, overflow := Overflow, once := Once, pid := Pid} = All =
        maps:merge(Defaults, How),
    maps:size(All) =:= maps:size(Defaults) andalso is_pid(Pid) orelse erlang:error(badarg),
    plain(regrow_nif:now(pubsub_subscribe, Pubsub, {Topic, Pid, Queue, Most, overflow(Overflow), Once}));
subscribe(_, _, _) ->
    erlang:error(badarg).

overflow(drop_oldest) -> 1;
overflow(drop_newest) -> 2;
overflow(_) -> erlang:error(badarg).

unsubscribe(Pubsub, Topic) ->
    unsubscribe(Pubsub, Topic, self()).

%% Takes all subscriptions of a process to a topic away, also when somebody else asks for it.
-spec unsubscribe(pid(), binary(), pid()) -> ok | {error, term()}.
unsubscribe(Pubsub, Topic, Pid) when is_binary(Topic), is_pid(Pid) ->
    plain(regrow_nif:now(pubsub_unsubscribe, Pubsub, {Topic, Pid}));
unsubscribe(_, _, _) ->
    erlang:error(badarg).

-spec broadcast(pid(), binary(), term()) -> ok | {error, term()}.
broadcast(Pubsub, Topic, Message) when is_binary(Topic) ->
    plain(regrow_nif:now(pubsub_broadcast, Pubsub, {Topic, Message}));
broadcast(_, _, _) ->
    erlang:error(badarg).

%% To all but one, as a rule the sender.
-spec broadcast_from(pid(), pid(), binary(), term()) -> ok | {error, term()}.
broadcast_from(Pubsub, From, Topic, Message) when is_pid(From), is_binary(Topic) ->
    plain(regrow_nif:now(pubsub_broadcast_from, Pubsub, {From, Topic, Message}));
broadcast_from(_, _, _, _) ->
    erlang:error(badarg).

%% How many subscriptions a broadcast meets; those of processes that have ended this moment may be counted still.
-spec subscriber_count(pid(), binary()) -> {ok, non_neg_integer()} | {error, term()}.
subscriber_count(Pubsub, Topic) when is_binary(Topic) ->
    regrow_nif:now(pubsub_count, Pubsub, {Topic});
subscriber_count(_, _) ->
    erlang:error(badarg).

plain({ok, ok}) -> ok;
plain({error, _} = Error) -> Error.
