%% The steward of a runtime: the process of the BEAM that does what a NIF cannot. It monitors each process that has a
%% proxy, so that the proxy ends with that process's reason; it sends the exit signals that come from native
%% processes; it looks how many messages a process has to read that native code sends many; it hands on the answers to
%% calls of native processes; it writes the runtime's log; and it has regrow_attention look at the processes that have
%% got something from native code.
%%
%% It never waits for anything but messages. It ends when the runtime has ended; if somebody kills it, the runtime
%% ends.
-module(regrow_steward).

-export([start/0, serve/2, give_up/1, gone/2]).
-export([init/1]).

-record(steward, {
    root :: pid(),
    attention :: pid(),
    %% The monitors of the processes that have a proxy.
    watched = #{} :: #{pid() => reference()},
    %% How many proxies it has heard of, and who waits until it has heard of more.
    count = 0 :: non_neg_integer(),
    waiting = [] :: [{non_neg_integer(), pid(), reference()}]
}).

%% Who has fewer messages to read than this gets more.
-define(UNREAD, 1000).

%% Starts one, which nobody is linked with.
-spec start() -> pid().
start() ->
    proc_lib:spawn(?MODULE, init, [self()]).

%% Tells it the runtime that it is for.
-spec serve(pid(), pid()) -> ok.
serve(Steward, Root) ->
    Steward ! {root, Root},
    ok.

%% There is no runtime after all.
-spec give_up(pid()) -> ok.
give_up(Steward) ->
    Steward ! {'$regrow', closed},
    ok.

%% Returns once nothing native is left of a local process that is dead.
-spec gone(pid(), pid()) -> ok.
gone(Native, Pid) ->
    case regrow_nif:steward(Native) of
        undefined ->
            ok;
        Steward ->
            Monitor = erlang:monitor(process, Steward),
            Steward ! {gone, Pid, self(), Monitor},
            receive
                {Monitor, gone} -> erlang:demonitor(Monitor, [flush]), ok;
                {'DOWN', Monitor, process, Steward, _} -> ok
            end
    end.

init(Starter) ->
    process_flag(trap_exit, true),
    Monitor = erlang:monitor(process, Starter),
    receive
        {root, Root} ->
            erlang:demonitor(Monitor, [flush]),
            loop(#steward{root = Root, attention = regrow_attention:start_link(Root)});
        {'$regrow', closed} ->
            ok;
        {'DOWN', Monitor, process, Starter, _} ->
            %% There may be a runtime all the same; it ends when its steward does, too.
            receive
                {'$regrow', closed} -> ok
            after 1000 -> ok
            end
    end.

loop(#steward{watched = Watched, attention = Attention} = State) ->
    receive
        {'$regrow', closed} ->
            exit(Attention, kill);
        {'EXIT', Attention, Reason} ->
            %% What the runtime is busy with would stay so.
            exit(Reason);
        {'$regrow', {busy, Pid, Token}} ->
            Attention ! {busy, Pid, Token},
            loop(State);
        {'$regrow', {monitor, Pid}} ->
            Watching = Watched#{Pid => erlang:monitor(process, Pid)},
            loop(synced(State#steward{watched = Watching, count = State#steward.count + 1}));
        {sync, Count, From, Ref} ->
            loop(synced(State#steward{waiting = [{Count, From, Ref} | State#steward.waiting]}));
        {'$regrow', {exit, Pid, Reason, Token}} ->
            exit(Pid, signal_of(Reason)),
            Attention ! {busy, Pid, Token},
            loop(State);
        {'$regrow', {signal, Pid, From, Reason, Token}} ->
            spawn(fun() -> signal(Pid, From, Reason), Attention ! {busy, Pid, Token} end),
            loop(State);
        {'$regrow', {credit, Pid}} ->
            Root = State#steward.root,
            spawn(fun() -> credit(Root, Pid, 1) end),
            loop(State);
        {'$regrow', {log, Level, Text}} ->
            logger:log(level(Level), "~ts", [Text], #{domain => [regrow]}),
            loop(State);
        {{'$regrow', Server, Call}, Reply} when is_integer(Server), is_integer(Call) ->
            _ = regrow_nif:answer(Server, Call, Reply),
            loop(State);
        {'DOWN', _, process, Pid, Reason} when is_map_key(Pid, Watched) ->
            loop(ended(Pid, Reason, State));
        {gone, Pid, From, Ref} when is_map_key(Pid, Watched) ->
            %% It is dead, so this is on its way.
            receive
                {'DOWN', _, process, Pid, Reason} ->
                    Left = ended(Pid, Reason, State),
                    From ! {Ref, gone},
                    loop(Left)
            end;
        {gone, _, From, Ref} ->
            From ! {Ref, gone},
            loop(State);
        _ ->
            loop(State)
    end.

%% Tells those who wait for so many proxies.
synced(#steward{count = Count, waiting = Waiting} = State) ->
    {Still, Done} = lists:partition(fun({Wanted, _, _}) -> Wanted > Count end, Waiting),
    [From ! {Ref, synced} || {_, From, Ref} <- Done],
    State#steward{waiting = Still}.

ended(Pid, Reason, #steward{root = Root, watched = Watched} = State) ->
    ok = regrow_nif:ended(Root, Pid, Reason),
    State#steward{watched = maps:remove(Pid, Watched)}.

%% What a process that traps exits gets as a message names who sent it; so it is made here, where a signal would be in
%% the name of the steward. In a process of its own: asking another may take as long as that is busy.
signal(Pid, From, Reason) ->
    case process_info(Pid, trap_exit) of
        {trap_exit, true} -> Pid ! {'EXIT', From, Reason};
        {trap_exit, false} when Reason =/= normal -> exit(Pid, Reason);
        _ -> ok
    end.

%% Has native code send to a process again as soon as that has read most of what it got. Looks, for nobody tells, and
%% ever more seldom. In a process of its own, as signal/3.
credit(Root, Pid, Wait) ->
    case process_info(Pid, message_queue_len) of
        {message_queue_len, Unread} when Unread < ?UNREAD ->
            regrow_nif:credit(Root, Pid, Unread);
        {message_queue_len, _} ->
            receive after Wait -> credit(Root, Pid, min(2 * Wait, 16)) end;
        undefined ->
            ok
    end.

signal_of(killed) -> kill;
signal_of(Reason) -> Reason.

level(1) -> debug;
level(2) -> info;
level(3) -> warning;
level(_) -> error.
