%% Drill 6: who is started again after which end.
-module(drill_6_restarts).
-behaviour(gen_server).
-export([main/0]).
-export([init/1, handle_call/3, handle_cast/2]).

main() ->
    {ok, Demo} = regrow_supervisor:start_link(drill:start(), ?MODULE, supervisor),
    Types = [permanent, transient, temporary],
    print(["ends with" | Types]),
    [print([io_lib:format("~w", [Reason]) | [outcome(Demo, Type, Reason) || Type <- Types]])
     || Reason <- [normal, shutdown, {shutdown, done}, error, killed]].

%% What becomes of a child of that type that ends with that reason.
outcome(Demo, Type, Reason) ->
    Spec = #{id => worker, start => {gen_server, start_link, [?MODULE, worker, []]}, restart => Type},
    {ok, Before} = regrow_supervisor:start_child(Demo, Spec),
    case Reason of
        killed -> exit(Before, kill); % that comes from outside
        _ -> gen_server:cast(Before, Reason)
    end,
    drill:settle(),
    Outcome =
        case regrow_supervisor:which_children(Demo) of
            [] -> "not restarted";
            [{worker, undefined, _, _}] -> "not restarted, kept";
            [{worker, Pid, _, _}] when Pid =/= Before -> "restarted"
        end,
    _ = regrow_supervisor:terminate_child(Demo, worker),
    _ = regrow_supervisor:delete_child(Demo, worker),
    %% So that restarts are not counted together.
    drill:advance(10000),
    Outcome.

print(Columns) -> io:format("~-16s ~-12s ~-21s ~s~n", Columns).

init(supervisor) -> {ok, {#{}, []}};
init(worker) -> {ok, []}.

handle_call(_, _, State) -> {noreply, State}.

%% It ends as it is told.
handle_cast(Reason, State) -> {stop, Reason, State}.
