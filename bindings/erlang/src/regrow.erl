%% Runtimes, and what is done with any native process.
%%
%% A native process is a pid here: is_pid/1 is true, it can be compared, kept in messages and printed. What Erlang's own
%% functions do with pids of other nodes they do with it, which is nothing; the functions of this module are for it.
%% They take local pids too, and do what Erlang's do.
%%
%% A process of the BEAM is a process to native code as soon as its pid goes there: it can be registered, linked,
%% monitored, sent to and called, and comes back as the same pid.
-module(regrow).

-export([init/0, init/1, shutdown/1, shutdown/2, root/1, settle/1, settle/2, advance/2, now/1, stats/1]).
-export([start/2, start_link/2, stop/1, stop/3, call/2, call/3, call_all/2, call_all/3, cast/2, send/2, exit/2]).
-export([link/1, unlink/1, monitor/1, monitor/2, demonitor/2, demonitor/3, is_alive/1, is_native/1, info/1]).
-export([register/3, unregister/2, whereis/2, to_pid/1]).
-export([get_state/1, get_state/2, replace_state/2, replace_state/3, load_plugin/1]).
-export([ms/1]).
-export_type([runtime/0, spec/0, options/0]).

%% A runtime's handle, or any native process of it. A handle ends the runtime when it is collected.
-type runtime() :: reference() | pid().
%% See start/2.
-type spec() :: map().
-type options() ::
    #{workers => pos_integer(),
      clock => monotonic | manual,
      stack_size => pos_integer(),
      max_processes => pos_integer(),
      max_restarts => non_neg_integer(),
      period_ms => pos_integer(),
      log_level => debug | info | warning | error | silent,
      owner => pid()}.

-define(INFINITY, 16#FFFFFFFF).
-define(NONE, 16#FFFFFFFE).

%% ---- runtimes ----

-spec init() -> {ok, runtime()} | {error, term()}.
init() ->
    init(#{}).

%% Starts a runtime. It ends, and all of it, with its owner (the caller), with the last copy of its handle, or with
%% shutdown/1. Its log goes to logger, with the domain [regrow].
%%
%% Raises badarg for an option that is unknown or has a wrong value.
-spec init(options()) -> {ok, runtime()} | {error, term()}.
init(Options) when is_map(Options) ->
    Defaults = #{workers => 0, clock => monotonic, stack_size => 0, max_processes => 0, max_restarts => 3,
                 period_ms => 0, log_level => warning, owner => self()},
    All = maps:merge(Defaults, Options),
    maps:size(All) =:= maps:size(Defaults) orelse erlang:error(badarg),
    Numbers = {size(workers, All), clock(maps:get(clock, All)), size(stack_size, All), size(max_processes, All),
               restarts(maps:get(max_restarts, All)), size(period_ms, All), log_level(maps:get(log_level, All))},
    Owner = maps:get(owner, All),
    is_pid(Owner) orelse erlang:error(badarg),
    Steward = regrow_steward:start(),
    try regrow_nif:init(Numbers, Owner, Steward) of
        {ok, Runtime} ->
            regrow_steward:serve(Steward, regrow_nif:root(Runtime)),
            {ok, Runtime};
        {error, _} = Error ->
            regrow_steward:give_up(Steward),
            Error
    catch
        error:Reason ->
            regrow_steward:give_up(Steward),
            erlang:error(Reason)
    end;
init(_) ->
    erlang:error(badarg).

size(Name, Options) ->
    case maps:get(Name, Options) of
        Number when is_integer(Number), Number >= 0, Number < ?NONE -> Number;
        _ -> erlang:error(badarg)
    end.

clock(monotonic) -> 0;
clock(manual) -> 1;
clock(_) -> erlang:error(badarg).

restarts(0) -> ?NONE;
restarts(Number) when is_integer(Number), Number > 0, Number < ?NONE -> Number;
restarts(_) -> erlang:error(badarg).

log_level(debug) -> 1;
log_level(info) -> 2;
log_level(warning) -> 3;
log_level(error) -> 4;
log_level(silent) -> 5;
log_level(_) -> erlang:error(badarg).

-spec shutdown(runtime()) -> ok | {error, term()}.
shutdown(Runtime) ->
    shutdown(Runtime, infinity).

%% Ends a runtime: every process, children last to first, then its threads. {error, {stuck, Pids}}: the time is over,
%% everything was killed, and these are in callbacks that have not returned.
-spec shutdown(runtime(), timeout()) -> ok | {error, {stuck, [pid()]} | not_alive}.
shutdown(Runtime, Timeout) ->
    Ref = make_ref(),
    ok = regrow_nif:shutdown(Runtime, ms(Timeout), Ref),
    receive
        {Ref, {ok, ok}} -> ok;
        {Ref, Error} -> Error
    end.

%% The root supervisor of a runtime.
-spec root(runtime()) -> pid().
root(Runtime) ->
    regrow_nif:root(Runtime).

settle(Runtime) ->
    settle(Runtime, 5000).

%% Waits until nothing runs in a runtime, and the processes of the BEAM have dealt with what native code has sent them
%% and answered its calls: regrow_attention says how that is known. For tests.
-spec settle(runtime(), timeout()) ->
    {ok, quiet | {waiting, DeadlineMs :: integer(), user | supervision | sleep}} | {error, term()}.
settle(Runtime, Timeout) ->
    regrow_nif:await(runtime_settle, Runtime, {ms(Timeout)}).

%% Moves a manual clock on, from deadline to deadline; time stands still while a process of the BEAM deals with what
%% settle/2 waits for. For tests.
-spec advance(runtime(), non_neg_integer()) -> ok | {error, term()}.
advance(Runtime, Ms) when is_integer(Ms), Ms >= 0, Ms < ?NONE ->
    plain(regrow_nif:await(runtime_advance, Runtime, {Ms}));
advance(_, _) ->
    erlang:error(badarg).

%% A runtime's time, in milliseconds since it started.
-spec now(runtime()) -> {ok, non_neg_integer()} | {error, term()}.
now(Runtime) ->
    regrow_nif:now(runtime_now, Runtime, {}).

%% A runtime's numbers: processes, workers, messages sent and handled and so on; see regrow_stats in regrow.h.
-spec stats(runtime()) -> {ok, #{atom() => non_neg_integer()}} | {error, term()}.
stats(Runtime) ->
    regrow_nif:now(runtime_stats, Runtime, {}).

%% ---- starting and stopping ----

%% Starts a native process of any kind that needs no function, without parent or link.
%%
%% A spec is a map. All kinds have `kind`, and as children of a supervisor `id`, restart, shutdown, significant,
%% backoff; `name` (any term) or `via` ({Registry, Key} or {Registry, Key, Value}) is registered at each start.
%%   registry              keys (unique | duplicate), partitions, listeners ([binary()]), meta (a map)
%%   pubsub
%%   agent                 initial
%%   behaviour             behaviour (the name as a binary), arg
%%   supervisor            strategy, max_restarts, period_ms, auto_shutdown, parallel_start, children ([spec()])
%%   dynamic_supervisor    max_children, max_restarts, period_ms, unique_ids
%%   partition_supervisor  child (a spec()), partitions, strategy, max_restarts, period_ms, with_number
%%   task_supervisor       max_children, at_limit (refuse | queue), max_restarts, period_ms
%% A spec with an unknown key, or a value of a wrong type, raises badarg.
-spec start(runtime(), spec()) -> {ok, pid()} | {error, term()}.
start(Runtime, Spec) when is_map(Spec) ->
    regrow_nif:await(process_start, Runtime, {Spec});
start(_, _) ->
    erlang:error(badarg).

%% As start/2, linked with the caller, which is its parent: what traps exits, such as a registry, ends with that too.
-spec start_link(runtime(), spec()) -> {ok, pid()} | {error, term()}.
start_link(Runtime, Spec) when is_map(Spec) ->
    regrow_nif:await(process_start_link, Runtime, {Spec, self()});
start_link(_, _) ->
    erlang:error(badarg).

-spec stop(pid()) -> ok | {error, term()}.
stop(Pid) ->
    stop(Pid, normal, infinity).

%% Asks a process to end, and waits until it has. {error, timeout}: it goes on. {error, Other}: it ended with another
%% reason, or noproc.
-spec stop(pid(), term(), timeout()) -> ok | {error, term()}.
stop(Pid, Reason, Timeout) ->
    case kind(Pid) of
        native ->
            plain(regrow_nif:await(process_stop, Pid, {Reason, ms(Timeout)}));
        local ->
            try
                proc_lib:stop(Pid, Reason, Timeout)
            catch
                exit:Why -> {error, Why}
            end
    end.

%% ---- messages ----

-spec call(pid(), term()) -> {ok, term()} | {error, term()}.
call(Pid, Request) ->
    call(Pid, Request, 5000).

%% Asks a server and waits for its answer. {error, Reason} has the reason with which gen_server:call/3 exits: noproc,
%% timeout, calling_self, or that with which the server ended. The time is that of the runtime's clock; a late answer
%% is dropped.
-spec call(pid(), term(), timeout()) -> {ok, term()} | {error, term()}.
call(Pid, Request, Timeout) ->
    Ref = make_ref(),
    case regrow_nif:call(Pid, Request, ms(Timeout), Ref) of
        ok ->
            receive
                {Ref, Outcome} -> Outcome
            end;
        local ->
            try
                {ok, gen_server:call(Pid, Request, Timeout)}
            catch
                exit:{Reason, {gen_server, call, _}} -> {error, Reason};
                exit:Reason -> {error, Reason}
            end;
        Outcome ->
            Outcome
    end.

-spec call_all(pid(), [term()]) -> [{ok, term()} | {error, term()}].
call_all(Pid, Requests) ->
    call_all(Pid, Requests, 5000).

%% Asks a server many things at once, and waits for all answers: the outcomes of call/3 in the order of the requests,
%% which the server takes up in this order too. It costs much less than so many calls. The time is that of each.
-spec call_all(pid(), [term()], timeout()) -> [{ok, term()} | {error, term()}].
call_all(Pid, Requests, Timeout) when is_list(Requests) ->
    case kind(Pid) of
        native ->
            _ = length(Requests), % none of it is asked if that is no list to its end
            outcomes(Pid, Requests, ms(Timeout), []);
        local ->
            Deadline = deadline(Timeout),
            Ids = [gen_server:send_request(Pid, Request) || Request <- Requests],
            [response(gen_server:receive_response(Id, Deadline)) || Id <- Ids]
    end;
call_all(_, _, _) ->
    erlang:error(badarg).

%% A server that never waits has answered each when the next one is asked. At the first that has not, the rest goes at
%% once, by a process of regrow's.
outcomes(_, [], _, Known) ->
    lists:reverse(Known);
outcomes(Pid, [Request | Rest], TimeoutMs, Known) ->
    Ref = make_ref(),
    case regrow_nif:call_many(Pid, Request, TimeoutMs, Ref) of
        ok ->
            Later = later_outcomes(Pid, Rest, TimeoutMs),
            receive
                {Ref, Outcome} -> lists:reverse(Known, [Outcome | Later])
            end;
        Outcome ->
            outcomes(Pid, Rest, TimeoutMs, [Outcome | Known])
    end.

later_outcomes(_, [], _) ->
    [];
later_outcomes(Pid, Requests, TimeoutMs) ->
    case regrow_nif:await(process_call_all, Pid, {Requests, TimeoutMs}) of
        {ok, Outcomes} -> Outcomes;
        {error, _} = Error -> [Error || _ <- Requests]
    end.

deadline(infinity) -> infinity;
deadline(Timeout) -> {abs, erlang:monotonic_time(millisecond) + Timeout}.

response({reply, Reply}) -> {ok, Reply};
response({error, {Reason, _}}) -> {error, Reason};
response(timeout) -> {error, timeout}.

%% Tells a server something. ok means queued. {error, mailbox_full} where its mailbox has a limit; where that has
%% senders wait for room, this waits.
-spec cast(pid(), term()) -> ok | {error, term()}.
cast(Pid, Message) ->
    case regrow_nif:cast(Pid, Message) of
        wait -> plain(regrow_nif:await(process_cast, Pid, {Message}));
        local -> gen_server:cast(Pid, Message);
        Outcome -> Outcome
    end.

%% Sends a plain message, as cast/2.
-spec send(pid(), term()) -> ok | {error, term()}.
send(Pid, Message) ->
    case regrow_nif:send(Pid, Message) of
        wait -> plain(regrow_nif:await(process_send, Pid, {Message}));
        local -> Pid ! Message, ok;
        Outcome -> Outcome
    end.

%% Sends an exit signal, from the caller: what traps exits gets {'EXIT', Caller, Reason}. To a dead process nothing.
-spec exit(pid(), term()) -> true.
exit(Pid, Reason) ->
    case kind(Pid) of
        native -> _ = regrow_nif:await(process_exit, Pid, {Reason}), true;
        local -> erlang:exit(Pid, Reason)
    end.

%% ---- links and monitors ----

%% Links the caller with a process. {error, noproc}: it is dead. A caller that traps exits gets {'EXIT', Pid, Reason}.
-spec link(pid()) -> true | {error, term()}.
link(Pid) ->
    case kind(Pid) of
        native -> truth(regrow_nif:await(process_link, Pid, {}));
        local -> erlang:link(Pid)
    end.

-spec unlink(pid()) -> true | {error, term()}.
unlink(Pid) ->
    case kind(Pid) of
        native -> truth(regrow_nif:await(process_unlink, Pid, {}));
        local -> erlang:unlink(Pid)
    end.

%% Has the caller get {'DOWN', Ref, process, Pid, Reason} once the process ends; at once, with noproc, if it is dead.
-spec monitor(pid()) -> reference().
monitor(Pid) ->
    case kind(Pid) of
        native ->
            case regrow_nif:await(process_monitor, Pid, {}) of
                {ok, Ref} ->
                    Ref;
                {error, _} ->
                    Ref = make_ref(),
                    self() ! {'DOWN', Ref, process, Pid, noproc},
                    Ref
            end;
        local ->
            erlang:monitor(process, Pid)
    end.

%% The same of whoever has a name in a runtime now: {'DOWN', Ref, process, Name, Reason}. noproc: nobody has it.
%% When the runtime ends the message has the pid in place of the name.
-spec monitor(runtime(), term()) -> reference().
monitor(Runtime, Name) ->
    case regrow_nif:await(process_monitor_name, root(Runtime), {Name}) of
        {ok, Ref} ->
            Ref;
        {error, _} ->
            Ref = make_ref(),
            self() ! {'DOWN', Ref, process, Name, noproc},
            Ref
    end.

%% Takes a monitor of a process away, and its message.
-spec demonitor(pid(), reference()) -> true.
demonitor(Pid, Ref) ->
    _ = demonitor(Pid, Ref, [flush]),
    true.

%% As erlang:demonitor/2. flush: its message too, if it has come. info: tells whether there was a monitor; else true.
%% For a monitor by name the root of the runtime (root/1) stands for the process.
-spec demonitor(pid(), reference(), [flush | info]) -> boolean().
demonitor(Pid, Ref, Options) when is_reference(Ref), is_list(Options) ->
    Options -- [flush, info] =:= [] orelse erlang:error(badarg),
    case kind(Pid) of
        native ->
            Removed = regrow_nif:await(process_demonitor, Pid, {Ref}) =:= {ok, true},
            lists:member(flush, Options) andalso flush_down(Ref),
            Removed orelse not lists:member(info, Options);
        local ->
            erlang:demonitor(Ref, Options)
    end;
demonitor(_, _, _) ->
    erlang:error(badarg).

flush_down(Ref) ->
    receive
        {'DOWN', Ref, process, _, _} -> ok
    after 0 -> ok
    end.

-spec is_alive(pid()) -> boolean().
is_alive(Pid) ->
    case regrow_nif:is_alive(Pid) of
        local -> is_process_alive(Pid);
        Alive -> Alive
    end.

%% Whether a term is the pid of a native process, or a runtime's handle.
-spec is_native(term()) -> boolean().
is_native(Term) ->
    regrow_nif:is_native(Term).

%% A process of this node that stands for a native one, and ends with it: see regrow_relay. A local pid is itself.
-spec to_pid(pid()) -> {ok, pid()} | {error, term()}.
to_pid(Pid) ->
    case kind(Pid) of
        native -> regrow_relay:start(Pid);
        local -> {ok, Pid}
    end.

%% What can be said of a native process without asking it: see regrow_info() in regrow.h.
-spec info(pid()) -> {ok, map()} | {error, term()}.
info(Pid) ->
    regrow_nif:now(process_info, Pid, {}).

%% ---- names ----

%% Gives a process of either kind a name in a runtime, any term, until it ends. {error, {already_started, Pid}}.
-spec register(runtime(), term(), pid()) -> ok | {error, term()}.
register(Runtime, Name, Pid) when is_pid(Pid) ->
    regrow_registry:settling(Runtime, fun() -> plain(regrow_nif:now(process_register, Runtime, {Pid, Name})) end);
register(_, _, _) ->
    erlang:error(badarg).

-spec unregister(runtime(), term()) -> ok | {error, not_found}.
unregister(Runtime, Name) ->
    plain(regrow_nif:now(process_unregister, Runtime, {Name})).

-spec whereis(runtime(), term()) -> {ok, pid()} | {error, not_found}.
whereis(Runtime, Name) ->
    regrow_nif:now(process_whereis, Runtime, {Name}).

%% ---- states, plug-ins ----

get_state(Pid) ->
    get_state(Pid, 5000).

%% The state of a process, as it shows it: of an agent what it keeps.
-spec get_state(pid(), timeout()) -> {ok, term()} | {error, term()}.
get_state(Pid, Timeout) ->
    regrow_nif:await(process_get_state, Pid, {ms(Timeout)}).

replace_state(Pid, State) ->
    replace_state(Pid, State, 5000).

-spec replace_state(pid(), term(), timeout()) -> ok | {error, term()}.
replace_state(Pid, State, Timeout) ->
    plain(regrow_nif:await(process_replace_state, Pid, {State, ms(Timeout)})).

%% Loads a shared library whose function `regrow_error regrow_plugin(void)` registers behaviours, for specs of the kind
%% behaviour. It stays for good.
-spec load_plugin(file:filename_all()) -> ok | {error, {load_failed, binary()} | term()}.
load_plugin(Path) ->
    case unicode:characters_to_binary(Path) of
        Bytes when is_binary(Bytes) -> regrow_nif:load_plugin(Bytes);
        _ -> erlang:error(badarg)
    end.

%% ---- the rest ----

kind(Pid) when is_pid(Pid) ->
    case regrow_nif:is_native(Pid) of
        true -> native;
        false -> local
    end;
kind(_) ->
    erlang:error(badarg).

plain({ok, ok}) -> ok;
plain({error, _} = Error) -> Error.

truth({ok, ok}) -> true;
truth({error, _} = Error) -> Error.

%% For the other modules of this library: a time limit as native code takes it.
-spec ms(timeout()) -> non_neg_integer().
ms(infinity) -> ?INFINITY;
ms(Ms) when is_integer(Ms), Ms >= 0, Ms < ?NONE -> Ms;
ms(_) -> erlang:error(badarg).
