%% The shadow of a native supervisor whose children are modules of the BEAM: the process that starts them, is their
%% parent, and sends them their exit signals, as the native supervisor orders it. It is the pid that start_link returns.
%%
%% The supervisor decides: it has a native child for each, a keeper (c_src/keeper.c), which asks this process to start,
%% stop and kill. Shadow and supervisor end together. Requests of users come as OTP's supervisor takes them, so its
%% functions work on this pid too. This process waits in a child's start function, as OTP's supervisor does, and nowhere
%% else.
-module(regrow_shadow).
-behaviour(gen_server).

-import(regrow_shadow_specs, [as_list/1, is_native/1, flags/1, normal/1, of_elixir/2, native/2, record/1]).
-export([start_link/1, start_named/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2, format_status/2]).

%% A process that runs. Its end is noticed by its link, as in OTP: that of one which has unlinked itself is not. Whoever
%% is told to end is monitored as well. `stopping`: whom to answer when it has ended.
-record(child, {pid, monitor, keeper, id, restart, type, modules, stopping}).
%% One that has ended and is to be started again. `tried`: that was tried, and failed.
-record(down, {child :: #child{}, tried :: boolean()}).

-record(state, {
    runtime :: pid(),
    %% Whose init/1 it was.
    module :: module(),
    supervisor :: pid() | undefined,
    monitor :: reference() | undefined,
    kind :: static | dynamic,
    %% Of a static supervisor: which children may be significant depends on it.
    auto_shutdown :: never | any_significant | all_significant | undefined,
    %% Of a dynamic supervisor: what goes before the arguments of each start function that Elixir's asks for.
    extra = [] :: [term()],
    %% Of a simple_one_for_one supervisor, which is a dynamic one natively: what all children are started by.
    template :: map() | undefined,
    %% Of a dynamic supervisor: whether it has had children that this process cannot speak for.
    mixed = false :: boolean(),
    %% Those that run, by their keys; a key stays the same over restarts.
    live = #{} :: #{integer() => #child{}},
    by_pid = #{} :: #{pid() => integer()},
    by_keeper = #{} :: #{pid() => integer()},
    %% Of a static supervisor: the specs by id, each with its key.
    specs = #{} :: #{term() => {map(), integer()}},
    %% Requests to the native side that are not answered: what is to be done with the answer.
    pending = #{} :: #{reference() => fun((term(), #state{}) -> #state{})},
    %% Keys whose start somebody waits for, and what it gave.
    awaited = #{} :: #{integer() => undefined | {pid(), [term()]}},
    %% Calls to keepers, and the keys of their processes. Once one is answered, the keeper is up, or has ended, and what
    %% its supervisor is asked from then on comes after that.
    calls = #{} :: #{reference() => integer()},
    %% Of a dynamic supervisor: those that are to be started again.
    down = #{} :: #{integer() => #down{}},
    %% What users ask, the first first, with what is to come before: of `calls`, and keys of `down`.
    waiting = [] :: [{term(), gen_server:from(), [reference()], [integer()]}]
}).

-define(KEEPER, '$regrow_keeper').

%% ---- starting ----

start_link(What) -> gen_server:start_link(?MODULE, What, []).

start_named(Name, What) -> gen_server:start_link(Name, ?MODULE, What, []).

init({static, Runtime, Module, Args}) ->
    begin_as(Module),
    case Module:init(Args) of
        {ok, {Flags, Specs}} ->
            case flags(Flags) of
                {ok, #{auto_shutdown := Shutdown} = Native} ->
                    case supervisor:check_childspecs([Spec || Spec <- as_list(Specs), not is_native(Spec)], Shutdown) of
                        ok when map_get(strategy, Native) =:= simple_one_for_one ->
                            begin_simple(Runtime, Module, Native, Specs);
                        ok when is_list(Specs) -> begin_static(Runtime, Module, Native, Specs);
                        ok -> {stop, {start_spec, Specs}};
                        {error, Reason} -> {stop, {start_spec, Reason}}
                    end;
                {error, Reason} ->
                    {stop, {supervisor_data, Reason}}
            end;
        ignore ->
            ignore;
        Other ->
            {stop, {bad_return, {Module, init, Other}}}
    end;
init({dynamic, Runtime, Native}) when is_map(Native) ->
    init({dynamic, Runtime, fun() -> {ok, Native, []} end});
init({dynamic, Runtime, Init}) ->
    init({dynamic, Runtime, regrow_dynamic_supervisor, Init});
init({dynamic, Runtime, Module, Init}) ->
    begin_as(Module),
    case Init() of
        {ok, Native, Extra} ->
            State = #state{runtime = regrow:root(Runtime), module = Module, kind = dynamic, extra = Extra},
            begin_native(State, Native#{kind => dynamic_supervisor});
        Other ->
            Other
    end.

%% Tools know a supervisor by that.
begin_as(Module) ->
    process_flag(trap_exit, true),
    put('$initial_call', {supervisor, Module, 1}).

begin_static(Runtime, Module, Native, Given) ->
    Specs = [{Spec, key()} || Spec <- [normal(Spec) || Spec <- Given]],
    ById = maps:from_list([{maps:get(id, Spec), Both} || {Spec, _} = Both <- Specs]),
    State = #state{runtime = regrow:root(Runtime), module = Module, kind = static, specs = ById,
                   auto_shutdown = maps:get(auto_shutdown, Native)},
    Children = [native(Spec, Key) || {Spec, Key} <- Specs],
    begin_native(State, Native#{kind => supervisor, children => Children}).

begin_simple(Runtime, Module, Native, [Given]) when is_tuple(Given) orelse not is_map_key(kind, Given) ->
    State = #state{runtime = regrow:root(Runtime), module = Module, kind = dynamic, template = normal(Given)},
    begin_native(State#state{mixed = is_mixed(Given, State)},
                 (maps:with([max_restarts, period_ms], Native))#{kind => dynamic_supervisor});
begin_simple(_, _, _, Specs) ->
    {stop, {bad_start_spec, Specs}}.

begin_native(State, Native) ->
    case ask(process_start_link, State#state.runtime, {Native, self()}, State) of
        {{ok, Supervisor}, Started} ->
            Monitor = regrow:monitor(Supervisor),
            {ok, Started#state{supervisor = Supervisor, monitor = Monitor}};
        {{error, Reason}, Failed} ->
            kill_all(Failed),
            {stop, Reason}
    end.

%% ---- what users ask ----

handle_call({?KEEPER, _, _, _, _} = Asked, From, State) -> {noreply, settle(keeper_asks(Asked, From, State))};
handle_call({?KEEPER, _, _, _} = Asked, From, State) -> {noreply, settle(keeper_asks(Asked, From, State))};
handle_call(native, _, State) ->
    {reply, State#state.supervisor, State};
handle_call(Asked, From, #state{waiting = Waiting, calls = Calls} = State) ->
    %% Who has seen a process end finds it restarted, or gone, as with OTP's supervisors.
    case {maps:keys(Calls), [Key || Key <- maps:keys(State#state.down), is_untried(Key, State)]} of
        {[], []} when Waiting =:= [] -> user_asks(Asked, From, State);
        {Now, Keys} -> {noreply, State#state{waiting = Waiting ++ [{Asked, From, Now, Keys}]}}
    end.

%% What waits and need not any more.
settle(#state{waiting = [{Asked, From, Then, Keys} | Rest], calls = Calls} = State) ->
    Waits = lists:any(fun(Call) -> is_map_key(Call, Calls) end, Then) orelse
        lists:any(fun(Key) -> is_untried(Key, State) end, Keys),
    case Waits orelse user_asks(Asked, From, State#state{waiting = Rest}) of
        true -> State;
        {reply, Answer, Now} -> settle(reply(From, Answer, Now));
        {noreply, Now} -> settle(Now)
    end;
settle(State) ->
    State.

is_untried(Key, #state{down = Down}) ->
    case Down of
        #{Key := #down{tried = Tried}} -> not Tried;
        _ -> false
    end.

user_asks({start_child, Extra}, From, #state{template = #{start := {Module, Function, Fixed}} = Template} = State) ->
    {noreply, start_child(Template#{start := {Module, Function, Fixed ++ Extra}}, fun to_simple/2, From, State)};
user_asks({Ask, Id}, _, #state{template = #{}} = State)
  when Ask =:= restart_child; Ask =:= delete_child; Ask =:= terminate_child, not is_pid(Id) ->
    {reply, {error, simple_one_for_one}, State};
user_asks({get_childspec, Id}, _, #state{template = #{id := Known} = Template} = State) ->
    IsThere = Id =:= Known orelse is_map_key(Id, State#state.by_pid) orelse is_dead(Id),
    {reply, case IsThere of true -> {ok, Template}; false -> {error, not_found} end, State};
user_asks(count_children, _, #state{template = #{}, mixed = false} = State) ->
    Counted = counted(dynamic_children(State), fun is_active/1),
    {reply, lists:keyreplace(specs, 1, Counted, {specs, 1}), State};
user_asks({start_child, {{_, _, _}, _, _, _, _} = Given}, From, #state{kind = dynamic} = State) ->
    {noreply, start_child(of_elixir(Given, State#state.extra), fun to_elixir/2, From, State)};
user_asks({start_task, Arguments, Restart, Shutdown}, From, #state{kind = dynamic} = State) ->
    %% Of Elixir's Task.Supervisor, whose init/1 has left there what holds for all.
    case get('Elixir.Task.Supervisor') of
        {ForAll, TimeForAll} ->
            Given = {{'Elixir.Task.Supervised', start_link, Arguments}, given(Restart, ForAll), given(Shutdown, TimeForAll),
                     worker, ['Elixir.Task.Supervised']},
            {noreply, start_child(of_elixir(Given, State#state.extra), fun to_elixir/2, From, State)};
        undefined ->
            {reply, {error, not_supported}, State}
    end;
user_asks({start_child, Given}, From, State) ->
    case is_native(Given) orelse supervisor:check_childspecs([Given], State#state.auto_shutdown) of
        {error, Reason} -> {reply, {error, Reason}, State};
        _ ->
            Mixed = State#state{mixed = is_mixed(Given, State)},
            {noreply, start_child(normal(Given), fun with_spec/2, From, Mixed)}
    end;
user_asks({terminate_child, Id}, From, State) ->
    case native_id(Id, State) of
        {ok, Native} ->
            Key = key_of(Id, State),
            Terminated = fun(Outcome, Now) ->
                %% One whose keeper was killed may have a moment to live.
                After = case Outcome of {ok, ok} -> make_sure_it_is_dead(Key, Now); _ -> Now end,
                reply(From, plain(Outcome), forgotten(Key, After))
            end,
            {noreply, later(supervisor_terminate_child, {Native}, Terminated, State)};
        error when State#state.template =/= undefined ->
            {reply, case is_dead(Id) of true -> ok; false -> {error, not_found} end, State};
        error ->
            {reply, {error, not_found}, State}
    end;
user_asks({restart_child, Id}, From, #state{kind = static} = State) ->
    Key = case State#state.specs of #{Id := {_, Known}} -> Known; _ -> 0 end,
    Restarted = fun(Outcome, Now) -> {Answer, After} = started(Outcome, Key, Now), reply(From, Answer, After) end,
    {noreply, later(supervisor_restart_child, {Id}, Restarted, await_start(Key, State))};
user_asks({delete_child, Id}, From, #state{kind = static} = State) ->
    Deleted = fun(Outcome, Now) ->
        Left = case Outcome of {ok, ok} -> Now#state{specs = maps:remove(Id, Now#state.specs)}; _ -> Now end,
        reply(From, plain(Outcome), Left)
    end,
    {noreply, later(supervisor_delete_child, {Id}, Deleted, State)};
user_asks({get_childspec, Id}, From, #state{kind = static} = State) ->
    %% The native side knows whether it is there, for a temporary one is forgotten; here is how it was given.
    Show = fun
        ({ok, Native}, Now) ->
            {Spec, _} = maps:get(Id, Now#state.specs, {Native, none}),
            reply(From, {ok, Spec}, Now);
        (Error, Now) ->
            reply(From, Error, Now)
    end,
    {noreply, later(supervisor_get_childspec, {Id}, Show, State)};
user_asks(which_children, _, #state{kind = dynamic, mixed = false} = State) ->
    {reply, dynamic_children(State), State};
user_asks(count_children, _, #state{kind = dynamic, mixed = false} = State) ->
    {reply, counted(dynamic_children(State), fun is_pid/1), State};
user_asks(which_children, From, State) ->
    Show = fun(Outcome, Now) -> reply(From, shown(Outcome, Now), Now) end,
    {noreply, later(supervisor_which_children, {}, Show, State)};
user_asks(count_children, From, State) ->
    Count = fun(Outcome, Now) -> reply(From, counted(shown(Outcome, Now), fun is_active/1), Now) end,
    {noreply, later(supervisor_which_children, {}, Count, State)};
user_asks(_, _, State) ->
    {reply, {error, not_supported}, State}.

%% With simple_one_for_one OTP takes anybody who is dead for a child that was.
is_dead(Pid) -> is_pid(Pid) andalso node(Pid) =:= node() andalso not is_process_alive(Pid).

given(nil, ForAll) -> ForAll;
given(Given, _) -> Given.

start_child(Spec, Show, From, State) ->
    Key = key(),
    Done = fun(Outcome, Now) ->
        {Answer, After} = started(Outcome, Key, Now),
        reply(From, Show(Answer, Spec), kept(Answer, Spec, Key, After))
    end,
    later(supervisor_start_child, {native(Spec, Key)}, Done, await_start(Key, State)).

await_start(Key, State) -> State#state{awaited = (State#state.awaited)#{Key => undefined}}.

key() -> erlang:unique_integer([positive]).

%% The answer to who has a child started, with its pid on the BEAM.
started(Outcome, Key, State) ->
    Begun = maps:get(Key, State#state.awaited, undefined),
    Rest = State#state{awaited = maps:remove(Key, State#state.awaited)},
    Answer =
        case {Outcome, Begun} of
            {{ok, undefined}, _} -> {ok, undefined};
            {{ok, _}, {Pid, Info}} -> list_to_tuple([ok, Pid | Info]);
            {{ok, Native}, undefined} -> {ok, Native};
            {{error, {already_started, Native}}, _} -> {error, {already_started, beam(Native, State)}};
            {{error, _} = Error, _} -> Error
        end,
    {Answer, Rest}.

with_spec({error, {already_started, _}} = Error, _) -> Error;
with_spec({error, Reason}, _)
  when Reason =:= already_present; Reason =:= max_children; Reason =:= noproc; Reason =:= ignore ->
    {error, Reason};
with_spec({error, Reason}, Spec) -> {error, {Reason, record(Spec)}};
with_spec(Answer, _) -> Answer.

%% What that gives.
to_elixir({error, ignore}, _) -> ignore;
to_elixir({error, {'EXIT', Reason}}, _) -> {error, Reason};
to_elixir({ok, undefined}, _) -> ignore;
to_elixir(Answer, _) -> Answer.

to_simple({error, ignore}, _) -> {ok, undefined};
to_simple(Answer, _) -> Answer.

kept({error, _}, _, _, State) -> State;
kept(_, #{restart := temporary}, Key, #state{live = Live} = State) when not is_map_key(Key, Live) -> State;
kept(_, #{id := Id} = Spec, Key, #state{kind = static} = State) ->
    State#state{specs = (State#state.specs)#{Id => {Spec, Key}}};
kept(_, _, _, State) -> State.

%% What a child goes by natively: in a static supervisor its id, in a dynamic one its keeper.
native_id(Id, #state{kind = static}) ->
    {ok, Id};
native_id(Pid, #state{live = Live, by_pid = Keys} = State) when is_pid(Pid) ->
    case Keys of
        #{Pid := Key} ->
            {ok, (maps:get(Key, Live))#child.keeper};
        _ ->
            case {down_key(Pid, State), regrow:is_native(Pid)} of
                {0, true} -> {ok, Pid};
                {0, false} -> error;
                {Key, _} -> {ok, (maps:get(Key, State#state.down))#down.child#child.keeper}
            end
    end;
native_id(_, _) ->
    error.

%% The key that goes with that; 0: it has none, for it does not run, or is native.
key_of(Id, #state{kind = static, specs = Specs}) ->
    case Specs of
        #{Id := {_, Key}} -> Key;
        _ -> 0
    end;
key_of(Pid, #state{by_pid = Keys} = State) ->
    case Keys of
        #{Pid := Key} -> Key;
        _ -> down_key(Pid, State)
    end.

%% Of one that is restarting, by the pid that it had.
down_key(Pid, #state{down = Down}) ->
    case [Key || {Key, #down{child = #child{pid = Had}}} <- maps:to_list(Down), Had =:= Pid] of
        [Key] -> Key;
        [] -> 0
    end.

beam(Keeper, State) ->
    case State#state.by_keeper of
        #{Keeper := Key} -> (maps:get(Key, State#state.live))#child.pid;
        _ -> Keeper
    end.

shown({ok, Children}, State) -> [show(Child, State) || Child <- Children];
shown({error, _}, _) -> [].

show({Id, Native, Type, Kind}, #state{kind = static} = State) ->
    case State#state.specs of
        #{Id := {#{start := _, type := OfBeam, modules := Modules}, _}} -> {Id, running(Native, State), OfBeam, Modules};
        _ -> {Id, Native, Type, [Kind]}
    end;
show({_, Native, Type, Kind}, State) ->
    case State#state.by_keeper of
        #{Native := Key} ->
            #child{pid = Pid, type = OfBeam, modules = Modules} = maps:get(Key, State#state.live),
            {undefined, Pid, OfBeam, Modules};
        _ ->
            {undefined, running(Native, State), Type, [Kind]}
    end.

%% The process behind a native pid. A keeper whose process has ended, or is about to be started, is none.
running(Native, State) when is_pid(Native) ->
    case beam(Native, State) of
        Native ->
            case regrow:info(Native) of
                {ok, #{label := ?KEEPER}} -> restarting;
                {ok, _} -> Native;
                {error, _} -> restarting
            end;
        Pid ->
            Pid
    end;
running(NotRunning, _) ->
    NotRunning.

%% Of a dynamic supervisor, as Elixir's sorts them: by the pids that they have, or had.
dynamic_children(#state{live = Live, down = Down}) ->
    All = [{Pid, Pid, Child} || #child{pid = Pid} = Child <- maps:values(Live)] ++
        [{Pid, restarting, Child} || #down{child = #child{pid = Pid} = Child} <- maps:values(Down)],
    [{undefined, Shown, Child#child.type, Child#child.modules} || {_, Shown, Child} <- lists:keysort(1, All)].

%% The native supervisor alone knows of native children, and who is parked.
is_mixed(#{backoff := _}, _) -> true;
is_mixed(Given, State) -> State#state.mixed orelse is_native(Given).

counted(Children, IsActive) ->
    Supervisors = length([supervisor || {_, _, supervisor, _} <- Children]),
    [{specs, length(Children)}, {active, length([Pid || {_, Pid, _, _} <- Children, IsActive(Pid)])},
     {supervisors, Supervisors}, {workers, length(Children) - Supervisors}].

is_active(Pid) -> is_pid(Pid) andalso regrow:is_alive(Pid).

reply(From, Answer, State) ->
    gen_server:reply(From, Answer),
    State.

plain({ok, ok}) -> ok;
plain(Error) -> Error.

%% ---- what the native side asks and tells ----

handle_cast(_, State) -> {noreply, State}.

handle_info({'DOWN', Monitor, process, _, noproc}, #state{monitor = Monitor} = State) ->
    %% It ended before it was monitored: its children gave it reason to give up at once.
    {stop, shutdown, State#state{supervisor = undefined}};
handle_info({'DOWN', Monitor, process, _, Reason}, #state{monitor = Monitor} = State) ->
    {stop, Reason, State#state{supervisor = undefined}};
handle_info({'EXIT', Pid, Reason}, #state{by_pid = Pids} = State) when is_map_key(Pid, Pids) ->
    {noreply, child_down(Pid, Reason, State)};
handle_info({'DOWN', _, process, Pid, Reason}, #state{by_pid = Pids} = State) when is_map_key(Pid, Pids) ->
    {noreply, child_down(Pid, Reason, State)};
handle_info({?KEEPER, kill, Keeper, Key}, State) ->
    {noreply, keeper_killed(Keeper, Key, State)};
handle_info({Ref, Outcome}, #state{pending = Pending} = State) when is_map_key(Ref, Pending) ->
    {Then, Rest} = maps:take(Ref, Pending),
    {noreply, settle(Then(Outcome, State#state{pending = Rest}))};
handle_info({Call, _}, #state{calls = Calls} = State) when is_map_key(Call, Calls) ->
    {Key, Rest} = maps:take(Call, Calls),
    {noreply, settle(keeper_gone(Key, State#state{calls = Rest}))};
handle_info(_, State) ->
    {noreply, State}.

keeper_asks({?KEEPER, start, Keeper, Key, {Start, Id, Restart, Type, Modules}}, From, Given) ->
    State = make_sure_it_is_dead(Key, Given),
    Child = #child{keeper = Keeper, id = Id, restart = Restart, type = Type, modules = Modules},
    case apply_start(Start, State) of
        {ok, Pid} when is_pid(Pid) -> begun(Child#child{pid = Pid}, [], Key, From, State);
        {ok, Pid, Info} when is_pid(Pid) -> begun(Child#child{pid = Pid}, [Info], Key, From, State);
        ignore -> _ = answer(From, ignore), forgotten(Key, State);
        {error, Reason} -> _ = answer(From, {error, Reason}), tried(Key, State);
        Other -> _ = answer(From, {error, Other}), tried(Key, State)
    end;
keeper_asks({?KEEPER, stop, Keeper, Key}, From, State) ->
    case State#state.live of
        #{Key := #child{keeper = Keeper, pid = Pid} = Child} ->
            Stopping = (monitored(Child))#child{stopping = From},
            exit(Pid, shutdown),
            State#state{live = (State#state.live)#{Key := Stopping}};
        _ ->
            _ = answer(From, ok),
            State
    end;
keeper_asks(_, From, State) ->
    _ = answer(From, {error, badarg}),
    State.

%% OTP's supervisor takes what a start function throws for what it returns, Elixir's dynamic one for a crash.
apply_start({Module, Function, Arguments}, #state{kind = Kind, template = Template})
  when Kind =:= static; Template =/= undefined ->
    catch apply(Module, Function, Arguments);
apply_start({Module, Function, Arguments}, #state{kind = dynamic}) ->
    try
        apply(Module, Function, Arguments)
    catch
        throw:Thrown:Stack -> {'EXIT', {{nocatch, Thrown}, Stack}};
        error:Reason:Stack -> {'EXIT', {Reason, Stack}};
        exit:Reason -> {'EXIT', Reason}
    end.

begun(#child{pid = Pid, keeper = Keeper} = Child, Info, Key, From, Given) ->
    State = case Given#state.down of
        #{Key := _} -> call_keeper(Keeper, started, Key, forgotten(Key, Given));
        _ -> Given
    end,
    Awaited = case State#state.awaited of #{Key := _} = All -> All#{Key := {Pid, Info}}; All -> All end,
    Begun = State#state{live = (State#state.live)#{Key => Child},
                        by_pid = (State#state.by_pid)#{Pid => Key},
                        by_keeper = (State#state.by_keeper)#{Keeper => Key}, awaited = Awaited},
    %% The keeper has no use for the pid, which would get a proxy.
    case answer(From, started) of
        ok -> Begun;
        {error, _} -> keeper_killed(Keeper, Key, Begun)
    end.

%% Its keeper was killed, and so is it.
keeper_killed(Keeper, Key, State) ->
    case State#state.live of
        #{Key := #child{keeper = Keeper, pid = Pid} = Child} ->
            Killed = monitored(Child),
            exit(Pid, kill),
            State#state{live = (State#state.live)#{Key := Killed}};
        _ ->
            State
    end.

monitored(#child{pid = Pid, monitor = undefined} = Child) -> Child#child{monitor = erlang:monitor(process, Pid)};
monitored(Child) -> Child.

%% The one before, whose keeper was killed a moment ago: its names must be free.
make_sure_it_is_dead(Key, State) ->
    case State#state.live of
        #{Key := #child{pid = Pid} = Child} ->
            #child{monitor = Monitor} = Killed = monitored(Child),
            exit(Pid, kill),
            receive
                {'DOWN', Monitor, process, Pid, Reason} ->
                    child_down(Pid, Reason, State#state{live = (State#state.live)#{Key := Killed}})
            end;
        _ ->
            State
    end.

%% Told by its EXIT or its DOWN, whichever comes first.
child_down(Pid, Reason, State) ->
    {Key, Pids} = maps:take(Pid, State#state.by_pid),
    {#child{keeper = Keeper, stopping = From} = Child, Live} = maps:take(Key, State#state.live),
    Child#child.monitor =:= undefined orelse erlang:demonitor(Child#child.monitor, [flush]),
    Left = State#state{live = Live, by_pid = Pids, by_keeper = maps:remove(Keeper, State#state.by_keeper)},
    Known = case Child of
        #child{restart = temporary, id = Id} -> Left#state{specs = without(Id, Key, Left#state.specs)};
        _ -> Left
    end,
    case From of
        undefined -> to_be_started_again(Child, Key, Reason, call_keeper(Keeper, {exited, Reason}, Key, Known));
        _ -> _ = answer(From, ok), Known
    end.

%% The native supervisor has forgotten it too; another may have the id by now.
without(Id, Key, Specs) ->
    case Specs of
        #{Id := {_, Key}} -> maps:remove(Id, Specs);
        _ -> Specs
    end.

%% What a keeper is told. Its process has ended by itself: the call is answered once the keeper has ended, too, and its
%% supervisor knows.
call_keeper(Keeper, What, Key, #state{calls = Calls} = State) ->
    Call = make_ref(),
    try regrow_nif:call(Keeper, What, regrow:ms(infinity), Call) of
        ok -> State#state{calls = Calls#{Call => Key}};
        {error, _} -> self() ! {Call, gone}, State#state{calls = Calls#{Call => Key}}
    catch
        %% A reason that is too large for native code.
        error:badarg -> call_keeper(Keeper, {exited, undecodable}, Key, State)
    end.

to_be_started_again(#child{restart = Restart} = Child, Key, Reason, #state{kind = dynamic, down = Down} = State) ->
    case Restart =:= permanent orelse Restart =:= transient andalso not is_orderly(Reason) of
        true ->
            %% Among those with a backoff nobody waits for one to be tried.
            State#state{down = Down#{Key => #down{child = Child, tried = State#state.mixed}}};
        false ->
            State
    end;
to_be_started_again(_, _, _, State) ->
    State.

is_orderly(normal) -> true;
is_orderly(shutdown) -> true;
is_orderly({shutdown, _}) -> true;
is_orderly(_) -> false.

%% Its supervisor is about to start another, unless somebody has had the child stopped at that moment.
keeper_gone(Key, #state{down = Down} = State) ->
    case is_untried(Key, State) of
        true ->
            #{Key := #down{child = #child{keeper = Keeper}}} = Down,
            Looked = fun(Outcome, Now) ->
                case {Outcome, Now#state.down} of
                    {{error, _}, #{Key := #down{child = #child{keeper = Keeper}}}} -> forgotten(Key, Now);
                    %% It is there, or was started meanwhile.
                    _ -> Now
                end
            end,
            later(supervisor_lookup, {Keeper}, Looked, State);
        false ->
            State
    end.

%% It runs again, or never will.
forgotten(Key, #state{down = Down} = State) -> State#state{down = maps:remove(Key, Down)}.

tried(Key, #state{down = Down} = State) ->
    case Down of
        #{Key := Failed} -> State#state{down = Down#{Key := Failed#down{tried = true}}};
        _ -> State
    end.

%% Answers a keeper itself and not by the steward, to know whether it was there to be told.
answer({_, {'$regrow', Server, Call}}, Answer) -> regrow_nif:answer(Server, Call, Answer);
answer(_, _) -> {error, not_found}.

%% ---- requests to the native side ----

later(Operation, Items, Then, State) ->
    Ref = make_ref(),
    case regrow_nif:later(Operation, State#state.supervisor, Items, Ref) of
        ok -> State#state{pending = (State#state.pending)#{Ref => Then}};
        {error, _} = Error -> Then(Error, State)
    end.

%% Asks and waits, and does meanwhile what keepers ask: where there is no loop of gen_server's yet, or no more.
ask(Operation, Pid, Items, State) ->
    Ref = make_ref(),
    case regrow_nif:later(Operation, Pid, Items, Ref) of
        ok -> serve_until(Ref, State);
        {error, _} = Error -> {Error, State}
    end.

serve_until(Ref, #state{by_pid = Pids} = State) ->
    receive
        {Ref, Outcome} ->
            {Outcome, State};
        {'$gen_call', From, Asked} when element(1, Asked) =:= ?KEEPER ->
            serve_until(Ref, keeper_asks(Asked, From, State));
        {?KEEPER, kill, Keeper, Key} ->
            serve_until(Ref, keeper_killed(Keeper, Key, State));
        {'EXIT', Pid, Reason} when is_map_key(Pid, Pids) ->
            serve_until(Ref, child_down(Pid, Reason, State));
        {'DOWN', _, process, Pid, Reason} when is_map_key(Pid, Pids) ->
            serve_until(Ref, child_down(Pid, Reason, State))
    end.

%% ---- the end ----

%% Told by its parent, or by the end of the supervisor: then that has ended all its children, or was killed.
terminate(_, #state{supervisor = undefined} = State) ->
    kill_all(State);
terminate(_, #state{supervisor = Supervisor} = State) ->
    {_, Left} = ask(process_stop, Supervisor, {shutdown, 16#FFFFFFFF}, State),
    kill_all(Left).

%% As OTP's supervisors: supervisor:get_callback_module/1 looks there.
format_status(terminate, [_, State]) -> State;
format_status(normal, [_, State]) -> [{data, [{"State", State}]}, {supervisor, [{"Callback", State#state.module}]}].

kill_all(#state{live = Live}) ->
    Killed = [monitored(Child) || Child <- maps:values(Live)],
    [exit(Pid, kill) || #child{pid = Pid} <- Killed],
    [receive {'DOWN', Monitor, process, _, _} -> ok end || #child{monitor = Monitor} <- Killed],
    ok.
