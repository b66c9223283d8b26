%% The process of a server that regrow/server describes.
-module(regrow_gleam_server).
-behaviour(gen_server).
-include_lib("kernel/include/logger.hrl").

-export([start/6]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

%% `inputs`: a selector, of the subjects that it listens to and whatever else it waits for.
-record(server, {state, inputs, on_message, on_request, on_terminate}).

%% `Registrations`: functions that take the server's subject, called before anybody knows that it has started.
start(Initialise, OnMessage, OnRequest, OnTerminate, Registrations, Timeout) ->
    Tag = make_ref(),
    Handlers = #server{on_message = OnMessage, on_request = OnRequest, on_terminate = OnTerminate},
    Arguments = {Tag, Initialise, Handlers, lists:reverse(Registrations)},
    case regrow_gleam_start:link(?MODULE, Arguments, regrow_gleam_process:timeout(Timeout)) of
        {ok, Pid} -> {ok, {started, Pid, {subject, Pid, Tag}}};
        Error -> Error
    end.

init({Tag, Initialise, Handlers, Registrations}) ->
    Subject = {subject, self(), Tag},
    case Initialise(Subject) of
        {ok, {initialised, State, Inputs}} ->
            case registered(Registrations, Subject) of
                {ok, nil} ->
                    All = regrow_gleam_selector:add(Inputs, Subject, fun(Message) -> Message end),
                    {ok, Handlers#server{state = State, inputs = All}};
                {error, Error} ->
                    {stop, {start_error, Error}}
            end;
        {ok, unwanted} ->
            ignore;
        {error, Text} ->
            {stop, {start_error, {init_failed, Text}}}
    end.

registered([], _) ->
    {ok, nil};
registered([Register | Rest], Subject) ->
    case Register(Subject) of
        {ok, nil} -> registered(Rest, Subject);
        Error -> Error
    end.

handle_call(Request, _, #server{on_request = {ok, Handle}, state = State} = Server) ->
    {Reply, New} = Handle(State, Request),
    {reply, Reply, Server#server{state = New}};
handle_call(_, _, Server) ->
    {reply, {error, not_supported}, Server}.

handle_cast(Message, Server) -> handle_info(Message, Server).

handle_info(Given, #server{inputs = Inputs} = Server) ->
    case regrow_gleam_selector:match(Inputs, Given) of
        {ok, Message} ->
            handle(Message, Server);
        error ->
            ?LOG_WARNING("server ~p: nobody handles ~tp", [self(), Given], #{domain => [regrow]}),
            {noreply, Server}
    end.

handle(Message, #server{on_message = Handle, state = State} = Server) ->
    case Handle(State, Message) of
        {continue, New} -> {noreply, Server#server{state = New}};
        stop -> {stop, normal, Server};
        {stop_with, Reason} -> {stop, regrow_gleam_process:exit_reason(Reason), Server}
    end.

terminate(Reason, #server{on_terminate = Handle, state = State}) ->
    Handle(State, regrow_gleam_process:reason(Reason)).
