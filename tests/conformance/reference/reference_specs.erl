%% Declarations as child specifications and supervisor flags. Option values go to OTP as they are: it refuses what is
%% wrong.
-module(reference_specs).
-export([child/1, start/1, flags/1, children/1, kind/1, behaviours/1, is_refusal/1]).

-include("reference.hrl").

%% dynamic, simple, static or worker
kind(#line{words = ["dsup" | _]}) -> dynamic;
kind(#line{words = ["worker" | _]}) -> worker;
kind(#line{words = ["sup" | _], options = #{"strategy" := "simple_one_for_one"}}) -> simple;
kind(#line{words = ["sup" | _]}) -> static.

behaviours(#line{options = Options}) ->
    string:split(maps:get("init", Options, "ok"), ",", all).

%% ---- child specifications ----

child(#line{words = [_, Id | _], options = Options} = Declaration) ->
    IsWorker = kind(Declaration) =:= worker,
    #{id => list_to_atom(Id),
      start => {module(Declaration), start_link, [Id, Id]},
      restart => value("restart", Options, permanent),
      shutdown => value("shutdown", Options, if IsWorker -> 5000; true -> infinity end),
      significant => value("significant", Options, false),
      type => if IsWorker -> worker; true -> supervisor end}.

%% Starts it linked to the process that calls.
start(#line{words = [_, Id | _]} = Declaration) ->
    (module(Declaration)):start_link(Id, Id).

module(Declaration) ->
    reference_system:module(kind(Declaration)).

%% The initial children. The one of a simple_one_for_one supervisor is started with the id of the instance added.
children(#line{words = [_, Id | _]} = Declaration) ->
    Children = [child(reference_scenario:declaration(Child)) || Child <- reference_scenario:children(Id)],
    case kind(Declaration) of
        simple -> [as_template(Child) || Child <- Children];
        _ -> Children
    end.

as_template(#{start := {Module, Function, [Template, _]}} = Child) ->
    Child#{start := {Module, Function, [Template]}}.

%% ---- flags ----

flags(#line{options = Options} = Declaration) ->
    case kind(Declaration) of
        dynamic ->
            #{strategy => one_for_one, extra_arguments => [],
              intensity => value("intensity", Options, 3),
              period => value("period", Options, 5),
              max_children => value("max_children", Options, infinity)};
        _ ->
            #{strategy => value("strategy", Options, one_for_one),
              intensity => value("intensity", Options, 1),
              period => value("period", Options, 5),
              auto_shutdown => value("auto", Options, never)}
    end.

value(Key, Options, Default) ->
    case Options of
        #{Key := Word} -> reference_words:term(Word);
        #{} -> Default
    end.

%% ---- refusals ----

%% {true, Result} when a start failed since OTP refused a specification, at whatever depth.
is_refusal({shutdown, {failed_to_start_child, _, Reason}}) -> is_refusal(Reason);
is_refusal({start_spec, {duplicate_child_name, Id}}) -> {true, "error duplicate_id " ++ reference_words:text(Id)};
is_refusal({duplicate_child_name, Id}) -> {true, "error duplicate_id " ++ reference_words:text(Id)};
is_refusal({Kind, _}) when Kind =:= start_spec; Kind =:= supervisor_data; Kind =:= bad_combination ->
    {true, "error bad_spec"};
is_refusal(Reason) when is_tuple(Reason), is_atom(element(1, Reason)) ->
    case atom_to_list(element(1, Reason)) of
        "invalid_" ++ _ -> {true, "error bad_spec"};
        _ -> false
    end;
is_refusal(_) -> false.
