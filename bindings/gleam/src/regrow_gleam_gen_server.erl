%% What regrow/gen_server asks of regrow and of gen_server.
-module(regrow_gleam_gen_server).

-export([module/1, start/2, load_plugin/1, start_native/3, call/3, call_named/5, cast/2, send/2]).

%% Loaded from its file, and not by its name: the atom comes with the code, and there is none without.
module(Name) ->
    case regrow_gleam_dynamic:existing_atom(Name) of
        {ok, Module} ->
            case code:ensure_loaded(Module) of
                {module, Module} -> {ok, Module};
                {error, _} -> {error, nil}
            end;
        {error, nil} ->
            File = unicode:characters_to_list(<<Name/binary, ".beam">>),
            case code:where_is_file(File) of
                Path when is_list(Path) ->
                    case code:load_abs(filename:rootname(Path)) of
                        {module, Module} -> {ok, Module};
                        {error, _} -> {error, nil}
                    end;
                non_existing ->
                    {error, nil}
            end
    end.

start(Module, Argument) -> regrow_gleam_start:link(Module, Argument, infinity).

load_plugin(Path) ->
    try regrow:load_plugin(Path) of
        ok -> {ok, nil};
        {error, already_started} -> {ok, nil};
        {error, Reason} -> {error, Reason}
    catch
        error:badarg -> {error, badarg}
    end.

start_native(Runtime, Behaviour, Argument) ->
    regrow_gleam_runtime:start_native(Runtime, regrow_gleam_child:behaviour(Behaviour, Argument)).

call(Server, Request, Timeout) ->
    answered(fun() -> regrow:call(Server, Request, regrow_gleam_process:timeout(Timeout)) end).

call_named(Runtime, Name, Wait, Request, Timeout) ->
    Address = #{runtime => Runtime, name => Name, wait_ms => regrow_gleam_process:timeout(Wait)},
    answered(fun() -> regrow_address:call(Address, Request, regrow_gleam_process:timeout(Timeout)) end).

answered(Call) ->
    try Call() of
        {ok, Reply} -> {ok, Reply};
        {error, not_found} -> {error, no_process};
        {error, Reason} -> {error, regrow_gleam_process:call_error(Reason)}
    catch
        error:badarg -> {error, cannot_cross}
    end.

cast(Server, Message) -> sent(Server, fun() -> regrow:cast(Server, Message) end).

send(Server, Message) -> sent(Server, fun() -> regrow:send(Server, Message) end).

sent(Server, Send) ->
    try regrow:is_alive(Server) andalso Send() of
        ok -> {ok, nil};
        false -> {error, no_process};
        {error, Reason} -> {error, regrow_gleam_process:call_error(Reason)}
    catch
        error:badarg -> {error, cannot_cross}
    end.
