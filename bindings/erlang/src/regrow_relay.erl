%% Relays: a process of the BEAM that stands for a native one where a pid must be of this node: under OTP's supervisors,
%% in links and monitors of other people's code, behind gen_server:call/2.
%%
%% Messages, casts and calls go on to the native process, and its answers come back. They end together: the relay with
%% the reason of the native process, and that as the relay is told, by its parent or by an exit signal.
-module(regrow_relay).

-export([start/1, start_link/2]).
-export([init/2, init/3]).

%% A relay of a native process, linked with it and with nobody else. {error, noproc}.
-spec start(pid()) -> {ok, pid()} | {error, term()}.
start(Native) when is_pid(Native) ->
    regrow:is_native(Native) orelse erlang:error(badarg),
    proc_lib:start(?MODULE, init, [self(), Native]);
start(_) ->
    erlang:error(badarg).

%% Starts a native process from a spec, as regrow:start/2, and its relay, linked with the caller: what a child spec of
%% OTP's supervisors names.
-spec start_link(regrow:runtime(), regrow:spec()) -> {ok, pid()} | ignore | {error, term()}.
start_link(Runtime, Spec) when is_map(Spec) ->
    proc_lib:start_link(?MODULE, init, [self(), Runtime, Spec]);
start_link(_, _) ->
    erlang:error(badarg).

init(Starter, Native) ->
    process_flag(trap_exit, true),
    case regrow:link(Native) of
        true -> begin_loop(Starter, undefined, Native);
        {error, _} = Error -> proc_lib:init_ack(Starter, Error)
    end.

init(Parent, Runtime, Spec) ->
    process_flag(trap_exit, true),
    try regrow:start_link(Runtime, Spec) of
        {ok, Native} -> begin_loop(Parent, Parent, Native);
        {error, ignore} -> ended(Parent, ignore);
        {error, _} = Error -> ended(Parent, Error)
    catch
        error:badarg -> ended(Parent, {error, badarg})
    end.

%% The starter hears why; so its link with this process must not tell it again.
ended(Parent, Answer) ->
    unlink(Parent),
    proc_lib:init_ack(Parent, Answer).

begin_loop(Starter, Parent, Native) ->
    Monitor = regrow:monitor(Native),
    proc_lib:init_ack(Starter, {ok, self()}),
    loop(Parent, Native, Monitor, #{}).

%% `Calls` has who asked, by the request's Ref.
loop(Parent, Native, Monitor, Calls) ->
    receive
        {'DOWN', Monitor, process, Native, Reason} ->
            exit(Reason);
        {'EXIT', Native, _} ->
            loop(Parent, Native, Monitor, Calls);
        {'EXIT', Parent, Reason} ->
            _ = regrow:stop(Native, Reason, infinity),
            exit(Reason);
        {'EXIT', _, Reason} ->
            true = regrow:exit(Native, Reason),
            loop(Parent, Native, Monitor, Calls);
        {'$gen_call', From, Request} ->
            Ref = make_ref(),
            case regrow_nif:call(Native, Request, 16#FFFFFFFF, Ref) of
                ok -> loop(Parent, Native, Monitor, Calls#{Ref => From});
                {ok, Reply} -> gen_server:reply(From, Reply), loop(Parent, Native, Monitor, Calls);
                %% Its end is on its way; or it is no server, and the caller's time limit ends the call.
                {error, _} -> loop(Parent, Native, Monitor, Calls)
            end;
        {'$gen_cast', Message} ->
            _ = regrow:cast(Native, Message),
            loop(Parent, Native, Monitor, Calls);
        {Ref, Outcome} when is_map_key(Ref, Calls) ->
            {From, Rest} = maps:take(Ref, Calls),
            case Outcome of
                {ok, Reply} -> gen_server:reply(From, Reply);
                {error, _} -> ok
            end,
            loop(Parent, Native, Monitor, Rest);
        Message ->
            _ = regrow:send(Native, Message),
            loop(Parent, Native, Monitor, Calls)
    end.
