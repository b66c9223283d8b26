%% What makes regrow:settle/2, and a native regrow_settle(), wait for work that native code has handed to processes of
%% the BEAM. One such process for each runtime, started by its steward.
%%
%% A call is waited for by the runtime itself: until it is answered, its caller has given up, or the process has ended.
%% Everything else that native code sends is a message which nobody answers (a DOWN, what is published, a plain
%% message). So it is like this:
%%
%%   1. The NIF (c_src/attention.c) sends the message on, takes a busy token and tells {busy, Pid, Token}. What comes
%%      after that does so too only when a look has begun meanwhile.
%%   2. Here the process is looked at: regrow_nif:look/2, so that what it gets from now on is told anew, and then its
%%      status. A message that is not received yet, and was not looked at and passed over, makes it runnable.
%%   3. If it waits, it is at rest, and the tokens go back. If it waits in a gen_server:call/2,3 or the like, the
%%      processes that it has monitored for that must wait too: it may have handed its work on.
%%   4. If not, it is looked at again, after 1 ms, then 2, 4, up to 32: a process that runs does not say when it stops.
%%   5. Who waits for an answer of native code goes on when that has come: the NIF then tells {busy, Pid, Token} again.
%%      A process that has only asked by itself is not watched in that way, and pays nothing.
%%   6. An exit signal is sent by the steward, with a token of its own, and then this process is told, as in 1.
%%   7. If it is dead, the tokens go back once nothing native is left of it: after its DOWN at those who monitor it.
%%
%% One that never comes to rest keeps the runtime from being quiet, and settle/2 says timeout. One that waits for
%% something, in the middle of a callback too, is at rest, as a native process that waits is. What it does later, for a
%% timer of the BEAM or since another process of the BEAM sends it something, is not seen; nor what others do whom it
%% has sent a plain message. When this process ends, so does the runtime, and with it all tokens.
-module(regrow_attention).

-export([start_link/1]).
-export([init/1]).

-define(FIRST_MS, 1).
-define(LAST_MS, 32).

%% Linked with the caller, the steward of that runtime.
-spec start_link(pid()) -> pid().
start_link(Root) ->
    proc_lib:spawn_link(?MODULE, init, [Root]).

init(Root) ->
    loop(Root, #{}).

%% `Busy` has of each process that was not at rest its tokens, and after how long it is looked at again.
loop(Root, Busy) ->
    receive
        {busy, Pid, Token} ->
            {Tokens, Ms} = maps:get(Pid, Busy, {[], none}),
            %% One for which there is a time gets its look then.
            loop(Root, looked(Root, Pid, [Token | Tokens], Ms, Busy));
        {look, Pid} ->
            #{Pid := {Tokens, Ms}} = Busy,
            loop(Root, looked(Root, Pid, Tokens, {over, Ms}, Busy));
        _ ->
            loop(Root, Busy)
    end.

looked(_, Pid, Tokens, Ms, Busy) when is_integer(Ms) ->
    Busy#{Pid => {Tokens, Ms}};
looked(Root, Pid, Tokens, Before, Busy) ->
    ok = regrow_nif:look(Root, Pid),
    case what_it_does(Pid) of
        works ->
            Ms = case Before of none -> ?FIRST_MS; {over, Last} -> min(2 * Last, ?LAST_MS) end,
            _ = erlang:send_after(Ms, self(), {look, Pid}),
            Busy#{Pid => {Tokens, Ms}};
        asks_native ->
            rests(Root, Pid, Tokens, Busy);
        waits ->
            ok = regrow_nif:at_rest(Root, Pid),
            rests(Root, Pid, Tokens, Busy);
        dead ->
            ok = regrow_steward:gone(Root, Pid),
            ok = regrow_nif:at_rest(Root, Pid),
            rests(Root, Pid, Tokens, Busy)
    end.

rests(Root, Pid, Tokens, Busy) ->
    [ok = regrow_nif:done(Root, Token) || Token <- Tokens],
    maps:remove(Pid, Busy).

%% ---- a look ----

what_it_does(Pid) ->
    case process_info(Pid, [status, current_function]) of
        undefined -> dead;
        [{status, waiting}, {current_function, {gen, do_call, _}}] -> what_they_do(Pid);
        [{status, waiting}, {current_function, {Module, _, _}}]
          when Module =:= regrow; Module =:= regrow_nif; Module =:= regrow_shadow -> asks_native;
        [{status, waiting}, _] -> waits;
        _ -> works
    end.

%% Those whom it may have asked; then itself once more, for one that has answered meanwhile has made it go on.
what_they_do(Pid) ->
    Asked = case process_info(Pid, monitors) of
        {monitors, Monitors} -> [Each || {process, Each} <- Monitors, is_pid(Each), node(Each) =:= node()];
        undefined -> []
    end,
    case lists:all(fun(Each) -> process_info(Each, status) =:= {status, waiting} end, Asked) andalso
         process_info(Pid, [status, current_function]) of
        [{status, waiting}, {current_function, {gen, do_call, _}}] -> waits;
        _ -> works
    end.
