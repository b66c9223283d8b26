%% The claims of token_server.erl: those of the C program, whose threads are processes here.
-module(tokens).
-export([main/0]).

-define(MEMBERS, [registry, table_owner, task_supervisor, dynamic_supervisor]).
-define(COMMANDS, 1).
-define(STARTS, 2).
-define(COMMAND_MS, 3).
-define(SAVE_MS, 4).
-define(NO_SAVE, 5).

main() ->
    _ = drill:start(),
    process_flag(trap_exit, true),
    resolve_at_once(<<"one">>, 1, "64 threads resolve one app at once: one start, one pid, no error"),
    resolve_at_once(<<"eight">>, 8, "64 threads resolve eight apps at once: eight starts, a pid for each"),
    look_after_ends(),
    who_falls_with_whom(),
    side_by_side_and_together(),
    new_tokens_for_old(),
    several().

claim(Id, Holds, Sentence) ->
    io:format("~s ~s ~s~n", [Id, case Holds of true -> "ok"; false -> "FAILED" end, Sentence]).

%% ---- a tree under names of its own, with a backend that is a counter and a clock, and a storage that is a table ----

start(Prefix) -> start(Prefix, #{}).

start(Prefix, Changes) ->
    {ok, Storage} = regrow_table:new(drill:runtime(), [public]),
    Settings = atomics:new(5, []),
    Backend = #{
        command => fun(App) ->
            Number = atomics:add_get(Settings, ?COMMANDS, 1),
            drill:sleep(atomics:get(Settings, ?COMMAND_MS)),
            iolist_to_binary(io_lib:format("~s-token-~b", [App, Number]))
        end,
        load => fun(App) ->
            case regrow_table:lookup(Storage, App) of
                {ok, [Row]} -> Row;
                {ok, []} -> none
            end
        end,
        save => fun(Row) ->
            drill:sleep(atomics:get(Settings, ?SAVE_MS)),
            atomics:get(Settings, ?NO_SAVE) =:= 1 andalso exit(not_saved),
            ok = regrow_table:insert(Storage, Row)
        end,
        started => fun() -> atomics:add(Settings, ?STARTS, 1) end
    },
    Defaults = #{prefix => Prefix, ttl => 3600000, early => 60000, max_restarts => 20},
    Tokens = maps:merge(maps:merge(Defaults, Backend), Changes),
    {ok, _} = token_server:start_link(Tokens),
    Tokens#{settings => Settings, storage => Storage}.

get(#{settings := Settings}, Setting) -> atomics:get(Settings, Setting).

set(#{settings := Settings}, Setting, Value) -> atomics:put(Settings, Setting, Value).

row_count(Trio) ->
    {ok, Size} = regrow_table:size(token_server:rows(Trio)),
    Size.

is_stored(#{storage := Storage}, App, Token) ->
    case regrow_table:lookup(Storage, App) of
        {ok, [{App, Token, _}]} -> true;
        {ok, _} -> false
    end.

members(Trio) ->
    drill:settle(),
    [token_server:member(Trio, Member) || Member <- ?MEMBERS].

%% Whether those behind the first so many are new since before, and the others are not.
are_new_behind(Trio, Count, Before) ->
    {Old, New} = lists:split(Count, lists:zip(Before, members(Trio))),
    lists:all(fun({Was, Is}) -> Was =:= Is end, Old) andalso
        lists:all(fun({Was, Is}) -> Was =/= Is andalso regrow:is_alive(Is) end, New).

kill(Pid) ->
    drill:kill(Pid),
    drill:settle().

kill_member(Trio, Member) -> kill(token_server:member(Trio, Member)).

%% ---- clients: processes that ask for a token and tell what they got ----

%% Until it waits for something.
client(Trio, App) -> client(Trio, App, fun token_server:get/2).

client(Trio, App, Ask) ->
    Main = self(),
    spawn(fun() -> Main ! {answer, Ask(Trio, App)} end),
    drill:settle().

%% The answers that there are since they were last looked at.
answers() ->
    receive
        {answer, Token} -> [Token | answers()]
    after 0 -> []
    end.

gets(Trio, App, Token) ->
    client(Trio, App),
    answers() =:= [Token].

at_once(Function) ->
    Tasks = [regrow_task:async(fun() -> Function(N) end) || N <- lists:seq(0, 63)],
    regrow_task:await_many(Tasks, infinity).

app(N) -> iolist_to_binary(io_lib:format("app-~b", [N])).

%% ---- TS1, TS2 ----

resolve_at_once(Prefix, Apps, Sentence) ->
    Trio = start(Prefix),
    Found = lists:usort(at_once(fun(N) -> {N rem Apps, token_server:resolve(Trio, app(N rem Apps))} end)),
    Pids = lists:usort([Pid || {_, Pid} <- Found]),
    claim("TS1", get(Trio, ?STARTS) =:= Apps andalso length(Found) =:= Apps andalso length(Pids) =:= Apps, Sentence).

look_after_ends() ->
    Trio = start(<<"ends">>, #{max_restarts => 6400}),
    Nobody = token_server:whereis(Trio, app(0)) =:= undefined andalso get(Trio, ?STARTS) =:= 0,
    Stale = at_once(fun(N) -> [end_and_look(Trio, app(N)) || _ <- lists:seq(1, 50)] end),
    claim("TS2", Nobody, "whereis finds nobody, and starts nobody"),
    claim("TS2", lists:flatten(Stale) =:= [],
          "64 threads x 50 ends: nobody who had heard of an end was given the one that had ended").

%% Whoever has heard of an end finds nobody, or the next one. Gives those for whom that is not so.
end_and_look(Trio, App) ->
    Ended = token_server:resolve(Trio, App),
    drill:kill(Ended),
    Found = [token_server:whereis(Trio, App), token_server:resolve(Trio, App)],
    [Pid || Pid <- Found, Pid =/= undefined, Pid =:= Ended orelse not is_process_alive(Pid)].

%% ---- TS3: who falls with whom ----

who_falls_with_whom() ->
    Trio = start(<<"falls">>),
    First = fun() -> gets(Trio, <<"my-app">>, <<"my-app-token-1">>) end,
    Held = First() andalso row_count(Trio) =:= 1,
    Before = members(Trio),
    kill_member(Trio, registry),
    claim("TS3", Held andalso are_new_behind(Trio, 0, Before) andalso row_count(Trio) =:= 0
                 andalso token_server:whereis(Trio, <<"my-app">>) =:= undefined,
          "the registry is killed: all four are new, the table is empty, no app server is there"),

    Again = First() andalso row_count(Trio) =:= 1,
    Now = members(Trio),
    kill_member(Trio, table_owner),
    claim("TS3", Again andalso are_new_behind(Trio, 1, Now) andalso row_count(Trio) =:= 0,
          "the owner of the table is killed: it and those behind it are new, the registry is not, the table is empty"),
    claim("TS3", First() andalso get(Trio, ?COMMANDS) =:= 1,
          "the first to ask then has the token from the storage, not from a command"),

    Later = members(Trio),
    [App, Other] = [token_server:resolve(Trio, Name) || Name <- [<<"my-app">>, <<"other-app">>]],
    kill(App),
    Only = token_server:resolve(Trio, <<"my-app">>) =/= App
        andalso token_server:resolve(Trio, <<"other-app">>) =:= Other,
    claim("TS3", Only andalso are_new_behind(Trio, 4, Later) andalso row_count(Trio) =:= 1,
          "an app server is killed: only it is new, the table is as it was"),

    %% That one does not count any more.
    drill:advance(60001),
    [kill(token_server:resolve(Trio, <<"my-app">>)) || _ <- lists:seq(1, 20)],
    claim("TS3", are_new_behind(Trio, 4, Later), "20 app servers are killed within 60 s: nobody else is new"),
    kill(token_server:resolve(Trio, <<"my-app">>)),
    claim("TS3", are_new_behind(Trio, 3, Later), "the 21st: the dynamic supervisor is new, and nobody else"),
    claim("TS3", First(), "the token outlived all of it").

%% ---- TS4: side by side, and together ----

side_by_side_and_together() ->
    Trio = start(<<"slow">>),
    set(Trio, ?COMMAND_MS, 100),
    client(Trio, <<"one">>),
    client(Trio, <<"two">>),
    drill:advance(99),
    Early = answers(),
    drill:advance(1),
    claim("TS4", Early =:= [] andalso length(answers()) =:= 2 andalso row_count(Trio) =:= 2,
          "two apps whose commands take 100 ms each have their tokens after 100 ms"),

    [client(Trio, <<"same">>) || _ <- lists:seq(1, 10)],
    drill:advance(100),
    claim("TS4", answers() =:= lists:duplicate(10, <<"same-token-3">>) andalso get(Trio, ?COMMANDS) =:= 3,
          "ten ask for one token at once: one command, and all have it after 100 ms").

%% ---- TS5: new tokens for old ----

new_tokens_for_old() ->
    Trio = start(<<"fresh">>, #{ttl => 1000, early => 200}),
    Refresh = fun() -> client(Trio, <<"app">>, fun token_server:refresh/2) end,
    First = gets(Trio, <<"app">>, <<"app-token-1">>),
    set(Trio, ?COMMAND_MS, 100),
    Refresh(),
    [client(Trio, <<"app">>) || _ <- lists:seq(1, 5)],
    Early = answers(),
    drill:advance(100),
    claim("TS5", First andalso Early =:= [] andalso answers() =:= lists:duplicate(6, <<"app-token-2">>)
                 andalso get(Trio, ?COMMANDS) =:= 2,
          "a refresh, and five who ask meanwhile: all have the new token, by one command"),

    %% That token came at this moment, and is good for 1,000 ms.
    set(Trio, ?COMMAND_MS, 0),
    drill:advance(799),
    Before = gets(Trio, <<"app">>, <<"app-token-2">>) andalso get(Trio, ?COMMANDS) =:= 2,
    drill:advance(1),
    claim("TS5", Before andalso get(Trio, ?COMMANDS) =:= 3 andalso gets(Trio, <<"app">>, <<"app-token-3">>),
          "200 ms before its end a token is replaced, though nobody asks"),

    set(Trio, ?SAVE_MS, 500),
    Refresh(),
    AtOnce = answers() =:= [<<"app-token-4">>] andalso is_stored(Trio, <<"app">>, <<"app-token-3">>),
    drill:advance(500),
    claim("TS5", AtOnce andalso is_stored(Trio, <<"app">>, <<"app-token-4">>),
          "a storage that takes 500 ms delays nobody, and has the token then"),

    set(Trio, ?SAVE_MS, 0),
    set(Trio, ?NO_SAVE, 1),
    Server = token_server:resolve(Trio, <<"app">>),
    Refresh(),
    Answered = answers() =:= [<<"app-token-5">>],
    claim("TS5", Answered andalso is_stored(Trio, <<"app">>, <<"app-token-4">>)
                 andalso token_server:resolve(Trio, <<"app">>) =:= Server,
          "a storage that fails costs nobody the token, and ends nobody but its task").

%% ---- TS6: several of it ----

several() ->
    Trios = [start(<<"trio-", Digit>>) || Digit <- "0123"],
    Got = lists:all(fun(Trio) -> gets(Trio, <<"my-app">>, <<"my-app-token-1">>) end, Trios),
    Pids = [token_server:resolve(Trio, <<"my-app">>) || Trio <- Trios],
    Own = lists:all(fun(Trio) -> get(Trio, ?COMMANDS) =:= 1 andalso row_count(Trio) =:= 1 end, Trios),
    claim("TS6", Got andalso Own andalso length(lists:usort(Pids)) =:= 4,
          "four trees: the same app has a server, a table and a token of its own in each"),

    Before = [members(Trio) || Trio <- Trios],
    kill_member(lists:nth(3, Trios), registry),
    Holds = fun
        ({#{prefix := <<"trio-2">>} = Trio, _, Was}) ->
            are_new_behind(Trio, 0, Was) andalso row_count(Trio) =:= 0;
        ({Trio, Pid, Was}) ->
            are_new_behind(Trio, 4, Was) andalso row_count(Trio) =:= 1
                andalso token_server:resolve(Trio, <<"my-app">>) =:= Pid
    end,
    claim("TS6", lists:all(Holds, lists:zip3(Trios, Pids, Before)),
          "the registry of one is killed: the other three do not notice").
