%% What regrow/group asks of regrow_pubsub: its groups. A message goes out with {group, Pubsub} as its tag, for the
%% subject that each member has; the pubsub itself is the tag of its topics.
-module(regrow_gleam_group).

-export([find/2, join/3, subject/1, leave/3, members/2, which/1, send/3, monitor/2, demonitor/1, changes/3]).

find(Runtime, Name) -> regrow_gleam_pubsub:find(Runtime, Name).

join(Groups, Name, Pid) ->
    Joined = asked(Groups, fun() -> regrow_pubsub:join(Groups, Name, Pid) end),
    case regrow_gleam_process:living(Pid, Joined) of
        {ok, nil} -> {ok, subject(Groups, Pid)};
        Error -> Error
    end.

subject(Groups) -> subject(Groups, self()).

subject(Groups, Pid) -> {subject, Pid, tag(Groups)}.

leave(Groups, Name, Pid) -> asked(Groups, fun() -> regrow_pubsub:leave(Groups, Name, Pid) end).

members(Groups, Name) -> asked(Groups, fun() -> regrow_pubsub:members(Groups, Name) end).

which(Groups) -> asked(Groups, fun() -> regrow_pubsub:which_groups(Groups) end).

send(Groups, Name, Message) -> asked(Groups, fun() -> regrow_pubsub:send(Groups, Name, {tag(Groups), Message}) end).

tag(Groups) -> {group, Groups}.

monitor(Groups, Name) ->
    case asked(Groups, fun() -> regrow_pubsub:monitor(Groups, Name) end) of
        {ok, {Ref, Members}} -> {ok, {monitored, {Groups, Ref}, Members}};
        Error -> Error
    end.

demonitor({Groups, Ref}) -> asked(Groups, fun() -> regrow_pubsub:demonitor(Groups, Ref) end).

changes(Selector, {_, Ref}, Wrap) ->
    Changing = regrow_gleam_selector:input(Selector, {group, Ref}, fun
        ({_, join, Name, Pids}) -> Wrap({joined, Name, Pids});
        ({_, leave, Name, Pids}) -> Wrap({left, Name, Pids})
    end),
    regrow_gleam_selector:down(Changing, Ref, fun({down, _, Reason}) -> Wrap({ended, Reason}) end).

asked(Groups, Ask) ->
    try Ask() of
        ok -> {ok, nil};
        {ok, Answer} -> {ok, Answer};
        {error, noproc} ->
            case regrow:is_alive(Groups) of
                true -> {error, dead_process};
                false -> {error, dead_groups}
            end;
        {error, Dead} when Dead =:= not_alive; Dead =:= wrong_kind -> {error, dead_groups};
        {error, None} when None =:= not_joined; None =:= not_found -> {error, not_joined};
        {error, Reason} -> {error, {failed, Reason}}
    catch
        error:badarg -> {error, {failed, badarg}}
    end.
