%% Aliases: references that native code sends to in place of a pid, until they are taken away; and the sending of
%% messages, and exit signals, to those of native processes. What comes by an alias no limit of a mailbox holds up.
%%
%% With `priority` (EEP 76) an alias takes priority messages, which come before all others in a native mailbox; on the
%% BEAM, which has no such thing before OTP 28, they come before what still waits at the receiver's proxy.
-module(regrow_alias).

-export([new/1, new/2, remove/2, send/3, send/4, exit/3, exit/4]).

new(Runtime) -> new(Runtime, []).

%% An alias of the caller in a runtime.
-spec new(regrow:runtime(), [priority]) -> {ok, reference()} | {error, term()}.
new(Runtime, Options) -> regrow_nif:await(alias_new, Runtime, {priority(Options)}).

%% Takes one of the caller's away: what is sent to it from now on is dropped. False: it was none.
-spec remove(regrow:runtime(), reference()) -> {ok, boolean()} | {error, term()}.
remove(Runtime, Alias) when is_reference(Alias) -> regrow_nif:await(alias_remove, Runtime, {Alias});
remove(_, _) -> erlang:error(badarg).

send(Pid, Alias, Message) -> send(Pid, Alias, Message, []).

%% Sends a message to an alias of a native process. ok also when it has been taken away.
-spec send(pid(), reference(), term(), [priority]) -> ok | {error, term()}.
send(Pid, Alias, Message, Options) when is_reference(Alias) ->
    plain(regrow_nif:now(alias_send, Pid, {Alias, Message, priority(Options)}));
send(_, _, _, _) ->
    erlang:error(badarg).

exit(Pid, Alias, Reason) -> exit(Pid, Alias, Reason, []).

%% Sends an exit signal of the caller's, as regrow:exit/2.
-spec exit(pid(), reference(), term(), [priority]) -> ok | {error, term()}.
exit(Pid, Alias, Reason, Options) when is_reference(Alias) ->
    plain(regrow_nif:await(alias_exit, Pid, {Alias, Reason, priority(Options)}));
exit(_, _, _, _) ->
    erlang:error(badarg).

priority([]) -> false;
priority([priority]) -> true;
priority(_) -> erlang:error(badarg).

plain({ok, ok}) -> ok;
plain({error, _} = Error) -> Error.
