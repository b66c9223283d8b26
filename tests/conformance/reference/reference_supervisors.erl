%% Operations on supervisors and their children, through what is as OTP's `supervisor` and Elixir's `DynamicSupervisor`.
-module(reference_supervisors).
-export([perform/3]).

-include("reference.hrl").

-define(STATIC, (reference_system:api(supervisor))).
-define(DYNAMIC, (reference_system:api(dynamic_supervisor))).

perform("start", [Id], _) ->
    started(reference_specs:start(declaration(Id)));
perform(Name, [Supervisor | Arguments], _) ->
    Name =:= "start_child" andalso needs_declaration(reference_scenario:declaration(Supervisor), Arguments),
    try
        perform_at(Name, Arguments, reference_operation:attempt(Supervisor))
    catch
        exit:Failure -> reference_operation:failure(Failure)
    end.

%% Asked first, before it matters whether there is such a supervisor. An instance of a template needs none.
needs_declaration(#line{options = #{"strategy" := "simple_one_for_one"}}, _) -> true;
needs_declaration(_, [Id]) -> declaration(Id).

declaration(Id) ->
    case reference_scenario:declaration(Id) of
        none -> throw({result, "error unknown_id"});
        Declaration -> Declaration
    end.

%% ---- one child ----

perform_at("start_child", [Id], #attempt{kind = simple, pid = Pid}) ->
    started(?STATIC:start_child(Pid, [Id]));
perform_at("start_child", [Id], #attempt{kind = dynamic, pid = Pid}) ->
    started(?DYNAMIC:start_child(Pid, reference_specs:child(declaration(Id))));
perform_at("start_child", [Id], #attempt{pid = Pid}) ->
    started(?STATIC:start_child(Pid, reference_specs:child(declaration(Id))));

perform_at("terminate_child", [Child], #attempt{kind = dynamic, pid = Pid}) ->
    done(?DYNAMIC:terminate_child(Pid, reference_operation:process(Child)));
perform_at("terminate_child", ["id:" ++ Id], #attempt{kind = simple, pid = Pid}) ->
    done(?STATIC:terminate_child(Pid, list_to_atom(Id)));
perform_at("terminate_child", [Child], #attempt{kind = simple, pid = Pid}) ->
    done(?STATIC:terminate_child(Pid, reference_operation:process(Child)));
perform_at("terminate_child", [Id], #attempt{pid = Pid}) ->
    done(?STATIC:terminate_child(Pid, list_to_atom(Id)));

perform_at("restart_child", [Id], #attempt{pid = Pid}) ->
    started(?STATIC:restart_child(Pid, list_to_atom(Id)));
perform_at("delete_child", [Id], #attempt{pid = Pid}) ->
    done(?STATIC:delete_child(Pid, list_to_atom(Id)));
perform_at("get_childspec", [Id], #attempt{pid = Pid}) ->
    case (reference_system:api(childspecs)):get_childspec(Pid, list_to_atom(Id)) of
        {ok, Spec} -> ["spec", [[$\s, atom_to_list(Key), $=, reference_words:text(maps:get(Key, Spec))]
                                || Key <- [id, restart, shutdown, type, significant]]];
        {error, Reason} -> failed(Reason)
    end;

%% ---- all children ----

perform_at("which_children", [], #attempt{kind = static, pid = Pid}) ->
    ["children", [[$\s, child(Child)] || Child <- ?STATIC:which_children(Pid)]];
perform_at("which_children", [], #attempt{kind = simple, pid = Pid}) ->
    ["children", reference_words:sorted([child(Child) || Child <- ?STATIC:which_children(Pid)])];
perform_at("which_children", [], #attempt{kind = dynamic, pid = Pid}) ->
    ["children", reference_words:sorted([child(Child) || Child <- ?DYNAMIC:which_children(Pid)])];
perform_at("count_children", [], #attempt{kind = dynamic, pid = Pid}) ->
    counted(?DYNAMIC:count_children(Pid));
perform_at("count_children", [], #attempt{pid = Pid}) ->
    counted(?STATIC:count_children(Pid)).

child({Id, Pid, Type, _}) ->
    lists:flatten(lists:join("/", [reference_words:text(Part) || Part <- [Id, Pid, Type]])).

counted(Counts) when is_list(Counts) ->
    counted(maps:from_list(Counts));
counted(Counts) ->
    ["count", [[$\s, atom_to_list(Key), $=, integer_to_list(maps:get(Key, Counts))]
               || Key <- [specs, active, supervisors, workers]]].

%% ---- results ----

started({ok, undefined}) -> "ok undefined";
started({ok, Pid}) -> ["ok ", reference_recorder:label(Pid)];
started(ignore) -> "ignore";
started({error, {already_started, Pid}}) when is_pid(Pid) -> ["error already_started ", reference_recorder:label(Pid)];
started({error, {Reason, Child}}) when element(1, Child) =:= child -> failed(Reason); % its specification, for the log
started({error, Reason}) -> failed(Reason).

done(ok) -> "ok";
done({error, Reason}) -> failed(Reason).

failed(Reason) ->
    case reference_specs:is_refusal(Reason) of
        {true, Result} -> Result;
        false -> ["error ", reference_words:reason_text(Reason)]
    end.
