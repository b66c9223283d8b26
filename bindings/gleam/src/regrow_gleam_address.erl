%% What regrow/address asks of regrow_address. An address is {address, Registry, Key, For how long it waits}.
-module(regrow_gleam_address).

-export([of_key/2, waiting/2, find/1, send/2, call/3]).

of_key(Registry, Key) -> {address, Registry, Key, 0}.

waiting({address, Registry, Key, _}, Milliseconds) ->
    {address, Registry, Key, regrow_gleam_process:timeout(Milliseconds)}.

find(Address) -> reach(Address, fun(Subject) -> {ok, Subject} end).

send(Address, Message) -> reach(Address, fun(Subject) -> {ok, regrow_gleam_process:send(Subject, Message)} end).

call(Address, Make, Timeout) -> reach(Address, fun(Subject) -> regrow_gleam_process:call(Subject, Make, Timeout) end).

%% What a function makes of the subject. If that finds nobody, since the process has ended meanwhile, the next one is
%% looked for, as long as the address waits.
reach({address, Registry, _, Wait} = Address, Function) ->
    case regrow:now(Registry) of
        {ok, Now} -> reach(Address, Function, Now + Wait);
        {error, _} -> {error, nobody_there}
    end.

reach({address, Registry, Key, _} = Address, Function, End) ->
    case regrow:now(Registry) of
        {ok, Now} ->
            case found(Registry, Key, max(0, End - Now)) of
                {ok, Subject} ->
                    case Function(Subject) of
                        {error, no_process} when Now < End -> reach(Address, Function, End);
                        {error, no_process} -> {error, nobody_there};
                        Outcome -> Outcome
                    end;
                {error, not_found} when Now < End ->
                    reach(Address, Function, End);
                {error, None} when None =:= not_found; None =:= dead_registry ->
                    {error, nobody_there};
                Error ->
                    Error
            end;
        {error, _} ->
            {error, nobody_there}
    end.

%% {error, not_found}, too, when the process that came has gone again.
found(Registry, Key, Wait) ->
    try regrow_address:whereis(#{registry => Registry, key => Key, wait_ms => Wait}) of
        {ok, _} -> regrow_gleam_registry:lookup(Registry, Key);
        {error, not_found} -> {error, not_found};
        {error, Dead} when Dead =:= noproc; Dead =:= not_alive -> {error, dead_registry};
        {error, Reason} -> {error, {failed, Reason}}
    catch
        error:badarg -> {error, {failed, badarg}}
    end.
