%% Supervisors, as OTP's supervisor, over a native one: the order, the limits and the restarts are regrow's. A module's
%% init/1 and the child specs are as there; beside them a child spec may have `backoff`, a map as regrow.h describes
%% regrow_backoff_spec, and a child may be native: a spec as regrow:start/2 takes it, with an id.
%%
%% What start_link/3,4 return is the pid of the supervisor's shadow, a process of the BEAM: it is the children's
%% parent, can stand under another supervisor, and takes the calls of OTP's supervisor too. Where the functions take a
%% supervisor they also take a native one, for native children.
%%
%% Different from OTP: no auto_shutdown of a simple_one_for_one supervisor, no code change.
-module(regrow_supervisor).

-export([start_link/3, start_link/4, start_child/2, terminate_child/2, restart_child/2, delete_child/2,
         which_children/1, count_children/1, get_childspec/2, native/1, history/1, tree/1]).
-export_type([sup_ref/0]).

-type sup_ref() :: pid() | atom() | {global, term()} | {via, module(), term()} | {atom(), node()}.

-callback init(Args :: term()) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec() | regrow:spec()]}} | ignore.

%% Starts a supervisor in a runtime, linked with the caller. Errors are those of supervisor:start_link/2.
-spec start_link(regrow:runtime(), module(), term()) -> supervisor:startlink_ret().
start_link(Runtime, Module, Args) when is_atom(Module) ->
    regrow_shadow:start_link({static, Runtime, Module, Args});
start_link(_, _, _) ->
    erlang:error(badarg).

-spec start_link(regrow:runtime(), {local, atom()} | {global, term()} | {via, module(), term()}, module(), term()) ->
    supervisor:startlink_ret().
start_link(Runtime, Name, Module, Args) when is_tuple(Name), is_atom(Module) ->
    regrow_shadow:start_named(Name, {static, Runtime, Module, Args});
start_link(_, _, _, _) ->
    erlang:error(badarg).

%% Starts one more child. As supervisor:start_child/2; of a native supervisor {error, Reason} has the reason alone.
-spec start_child(sup_ref(), supervisor:child_spec() | regrow:spec()) ->
    {ok, pid() | undefined} | {ok, pid(), term()} | {error, term()}.
start_child(Supervisor, Spec) ->
    request(Supervisor, {start_child, Spec}, supervisor_start_child, {Spec}).

-spec terminate_child(sup_ref(), term()) -> ok | {error, term()}.
terminate_child(Supervisor, Id) ->
    plain(request(Supervisor, {terminate_child, Id}, supervisor_terminate_child, {Id})).

-spec restart_child(sup_ref(), term()) -> {ok, pid() | undefined} | {ok, pid(), term()} | {error, term()}.
restart_child(Supervisor, Id) ->
    request(Supervisor, {restart_child, Id}, supervisor_restart_child, {Id}).

-spec delete_child(sup_ref(), term()) -> ok | {error, term()}.
delete_child(Supervisor, Id) ->
    plain(request(Supervisor, {delete_child, Id}, supervisor_delete_child, {Id})).

%% [{Id, Pid | undefined | restarting | parked, worker | supervisor, Modules}]; of a native child the last is its kind.
-spec which_children(sup_ref()) -> [tuple()] | {error, term()}.
which_children(Supervisor) ->
    case request(Supervisor, which_children, supervisor_which_children, {}) of
        {ok, Children} -> Children;
        Children -> Children
    end.

-spec count_children(sup_ref()) -> [{specs | active | supervisors | workers, non_neg_integer()}] | {error, term()}.
count_children(Supervisor) ->
    case request(Supervisor, count_children, supervisor_count_children, {}) of
        {ok, Counts} -> [{Name, maps:get(Name, Counts)} || Name <- [specs, active, supervisors, workers]];
        Counts -> Counts
    end.

-spec get_childspec(sup_ref(), term()) -> {ok, map()} | {error, not_found | term()}.
get_childspec(Supervisor, Id) ->
    request(Supervisor, {get_childspec, Id}, supervisor_get_childspec, {Id}).

%% The native supervisor of a shadow; a native one itself.
-spec native(sup_ref()) -> pid().
native(Supervisor) ->
    case is_native(Supervisor) of
        true -> Supervisor;
        false -> gen_server:call(Supervisor, native, infinity)
    end.

%% The last failures of its children: see regrow_supervisor_history() in regrow.h.
-spec history(sup_ref()) -> {ok, [map()]} | {error, term()}.
history(Supervisor) ->
    regrow_nif:await(supervisor_history, native(Supervisor), {}).

%% It and all below it, as nested maps: see regrow_tree() in regrow.h. Children of the BEAM show as their keepers.
-spec tree(sup_ref()) -> {ok, map()} | {error, term()}.
tree(Supervisor) ->
    regrow_nif:await(supervisor_tree, native(Supervisor), {0, 5000}).

request(Supervisor, Request, Operation, Items) ->
    case is_native(Supervisor) of
        true -> regrow_nif:await(Operation, Supervisor, Items);
        false -> gen_server:call(Supervisor, Request, infinity)
    end.

is_native(Supervisor) -> is_pid(Supervisor) andalso regrow:is_native(Supervisor).

plain({ok, ok}) -> ok;
plain(Outcome) -> Outcome.
