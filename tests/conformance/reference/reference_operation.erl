%% The operations by name: who may issue each, and which module carries it out.
%%
%% A module's perform/3 gets the name, the words behind it and the line's options, acts for the process that calls it,
%% and returns the result as text.
-module(reference_operation).
-export([is_known/1, name/1, names/0, by_main/1, by_process/1, target/1, process/1, attempt/1, failure/1]).

-include("reference.hrl").

%% ---- names ----

module(Who, Name) ->
    case [Module || {Module, Names} <- reference_system:operations(Who), lists:member(Name, Names)] of
        [Module] -> Module;
        [] -> none
    end.

name(#line{words = ["do", _, Name | _]}) -> Name;
name(#line{words = [Name | _]}) -> Name.

%% All of them, and what has a process carry one out.
names() ->
    lists:usort(["do" | [Name || Who <- [main, process], {_, Names} <- reference_system:operations(Who), Name <- Names]]).

is_known(#line{words = ["do", _, Name | _]}) -> module(process, Name) =/= none;
is_known(#line{words = [Name | _]}) -> module(main, Name) =/= none.

%% ---- carrying out ----

%% Returns a function that gives the result once the step is over: what a dead process answered does not count.
by_main(#line{words = ["do", Whom | Words]} = Line) ->
    case reference_recorder:find(Whom) of
        none -> fun() -> "error noproc" end;
        Pid -> by(Pid, reference_recorder:is_dead(Pid), Line#line{words = Words})
    end;
by_main(#line{} = Line) ->
    Result = perform(main, Line),
    fun() -> Result end.

by(_, true, _) ->
    fun() -> "error noproc" end;
by(Pid, false, Operation) ->
    Result = try reference_worker:do(Pid, Operation) catch exit:_ -> "no result, and alive" end,
    fun() ->
        case reference_recorder:is_dead(Pid) of
            true -> "died " ++ reference_words:reason_text(reference_recorder:reason(Pid));
            false -> Result
        end
    end.

by_process(Operation) ->
    perform(process, Operation).

perform(Who, #line{words = [Name | Arguments], options = Options}) ->
    Module = module(Who, Name),
    try
        lists:flatten(Module:perform(Name, Arguments, Options))
    catch
        throw:{result, Result} -> Result
    end.

%% ---- whom it is about ----

%% A process, or a name.
target("@" ++ Name) -> reference_system:named(Name);
target(Word) -> process(Word).

%% Ends the operation when there never was one.
process(Word) ->
    case reference_recorder:find(Word) of
        none -> throw({result, "error noproc"});
        Pid -> Pid
    end.

attempt(Word) ->
    reference_recorder:attempt(process(Word)).

%% ---- how it failed ----

%% What a call exited with: the reason, and the call.
failure({Reason, {_, _, _}}) -> "error " ++ reference_words:reason_text(Reason);
failure(Reason) -> "error " ++ reference_words:reason_text(Reason).
