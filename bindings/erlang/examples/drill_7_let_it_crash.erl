%% Drill 7: which errors are answered, and which are a reason to crash.
%%
%% The kernel keeps what must not be lost, so it catches whatever a request may do: the state before it is still there.
%% The worker keeps nothing that is dear, so it expects what is to be expected and crashes over the rest.
-module(drill_7_let_it_crash).
-behaviour(gen_server).
-export([main/0]).
-export([init/1, handle_call/3, handle_cast/2]).

main() ->
    {ok, _} = regrow_supervisor:start_link(drill:start(), ?MODULE, supervisor),

    io:format("The error kernel answers an error, and keeps its state.~n"),
    ask(kernel, "take 30", {take, 30}),
    ask(kernel, "take 1000", {take, 1000}),
    ask(kernel, "what is that", rubbish),
    ask(kernel, "the stock", stock),
    ask(kernel, "take 70", {take, 70}),

    io:format("The worker crashes, and the supervisor starts another.~n"),
    ask(worker, "7 by 2", {divide, 7, 2}),
    ask(worker, "7 by 0", {divide, 7, 0}),
    ask(worker, "8 by 2", {divide, 8, 2}),

    io:format("That a file is not there is to be expected; that it is a folder is not.~n"),
    Path = "/tmp/drill_7_" ++ os:getpid(),
    ok = file:write_file(Path, "hello"),
    ask(worker, "a file", {read_file, Path}),
    ok = file:delete(Path),
    ask(worker, "the same, deleted", {read_file, Path}),
    ask(worker, "a folder", {read_file, "/"}),
    ask(worker, "9 by 3", {divide, 9, 3}).

ask(Whom, What, Request) ->
    Before = whereis(Whom),
    Answer =
        try gen_server:call(Whom, Request) of
            {ok, Text} when is_binary(Text) -> io_lib:format("{ok,\"~s\"}", [Text]);
            Reply -> io_lib:format("~w", [Reply])
        catch
            exit:{Reason, {gen_server, call, _}} ->
                io_lib:format("~s, ~w", [drill:code({'EXIT', Reason}), without_stack(Reason)])
        end,
    drill:settle(),
    Again = case whereis(Whom) of Before -> ""; _ -> "; there is a new one" end,
    io:format("   ~-22s ~s~s~n", [What, Answer, Again]).

without_stack({Reason, Stack}) when is_list(Stack) -> Reason;
without_stack(Reason) -> Reason.

%% ---- callbacks: of the supervisor, the kernel (whose state is the stock, which is critical) and the worker ----

init(supervisor) ->
    {ok, {#{intensity => 3}, [#{id => Name, start => {gen_server, start_link, [{local, Name}, ?MODULE, Name, []]}}
                              || Name <- [kernel, worker]]}};
init(kernel) ->
    process_flag(trap_exit, true),
    {ok, 100};
init(worker) ->
    {ok, worker}.

%% Will crash if B is 0: that is all right.
handle_call({divide, A, B}, _, worker) ->
    {reply, A div B, worker};
%% Whatever else can be wrong with a file is a crash.
handle_call({read_file, Path}, _, worker) ->
    case file:read_file(Path) of
        {ok, Contents} -> {reply, {ok, Contents}, worker};
        {error, enoent} -> {reply, {error, not_found}, worker};
        {error, Reason} -> {stop, {read_file, Reason}, worker}
    end;
handle_call(stock, _, Stock) ->
    {reply, Stock, Stock};
handle_call(Request, _, Stock) ->
    try process_request(Request, Stock) of
        Left -> {reply, {ok, Left}, Left}
    catch
        _:_ -> {reply, {error, processing_failed}, Stock}
    end.

handle_cast(_, State) -> {noreply, State}.

%% Any other request is not expected, and a crash.
process_request({take, Number}, Stock) when Number =< Stock -> Stock - Number.
