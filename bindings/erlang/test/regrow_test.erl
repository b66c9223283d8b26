%% What the tests share.
-module(regrow_test).

-export([runtime/0, runtime/1, over/1, actor/1, actor/2, hold/1, let_go/1, gone/2, monitored/1, plugin/1, flush/0,
         receive_one/0, until/1, rounds/1, limit/1]).
-export([log/2]).

runtime() -> runtime(#{}).

runtime(Options) ->
    {ok, Runtime} = regrow:init(Options),
    Runtime.

over(Runtime) ->
    ok = regrow:shutdown(Runtime),
    flush().

%% Loads a plug-in, once.
plugin(Name) ->
    Path = filename:join(filename:dirname(code:which(?MODULE)), atom_to_list(Name) ++ ".so"),
    case regrow:load_plugin(Path) of
        ok -> ok;
        {error, already_started} -> ok
    end.

%% A native server that does what it is told: see actor.c. It tells `Told` of the messages that it gets.
actor(Runtime) -> actor(Runtime, self()).

actor(Runtime, Told) ->
    plugin(actor),
    {ok, Pid} = regrow:start(Runtime, #{kind => behaviour, behaviour => <<"actor">>, arg => Told}),
    Pid.

%% Keeps an actor in a callback, where it waits for an answer, until let_go/1.
hold(Actor) ->
    Test = self(),
    Holder = spawn_link(fun() ->
        receive
            {'$gen_call', From, hold} ->
                Test ! {held, self()},
                receive let_go -> gen_server:reply(From, let_go) end,
                receive {outcome, Outcome} -> Test ! {let_go, self(), Outcome} end
        end
    end),
    spawn_link(fun() -> Holder ! {outcome, regrow:call(Actor, {call, Holder, hold, 60000}, infinity)} end),
    receive {held, Holder} -> Holder end.

%% Returns once the callback has given its answer.
let_go(Holder) ->
    Holder ! let_go,
    receive {let_go, Holder, Outcome} -> {ok, {ok, let_go}} = Outcome end,
    ok.

%% Returns once all has come of the end of a process of the BEAM that is dead: its native heirs and monitors have heard.
gone(Runtime, Pid) ->
    ok = regrow_steward:gone(regrow:root(Runtime), Pid),
    {ok, _} = regrow:settle(Runtime, 60000),
    ok.

%% Monitors a process that another is to end, and returns once it is monitored. What goes to different processes comes
%% in no order: one who is told next may have ended it first, and then the monitor says noproc.
monitored(Pid) ->
    Monitor = erlang:monitor(process, Pid),
    true = until(fun() -> {monitored_by, Who} = process_info(Pid, monitored_by), lists:member(self(), Who) end),
    Monitor.

flush() ->
    receive
        _ -> flush()
    after 0 -> ok
    end.

receive_one() ->
    receive
        Message -> Message
    after 20000 -> nothing
    end.

%% Waits for what nobody tells of: the BEAM's collector, threads that end. At most thirty seconds.
until(Holds) -> until(Holds, 3000).

until(Holds, Left) ->
    case Holds() of
        true -> true;
        false when Left =:= 0 -> false;
        false -> timer:sleep(10), until(Holds, Left - 1)
    end.

%% Long counts, so many times (REGROW_ROUNDS) or a share of them (one in REGROW_SHARE).
rounds(Count) -> max(1, Count * number("REGROW_ROUNDS") div number("REGROW_SHARE")).

%% The seconds that a test may take: five times as long for a busy machine, and with the long counts so many times.
limit(Seconds) -> 5 * Seconds * number("REGROW_ROUNDS").

number(Variable) -> list_to_integer(os:getenv(Variable, "1")).

%% A handler of logger that sends what is logged.
log(Event, #{config := To}) -> To ! {log, Event}.
