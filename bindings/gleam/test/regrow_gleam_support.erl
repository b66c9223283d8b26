%% What the tests cannot say in Gleam.
-module(regrow_gleam_support).

-export([uninformed/2, atom_count/0, improper/2, mailbox/0, counter_path/0, actor_path/0, too_large/0, zero/0,
         collect/0, process_count/0, schedulers/0, of_process/2, is_waiting/1, path/1, write/2]).

atom_count() -> erlang:system_info(atom_count).

improper(Head, Tail) -> [Head | Tail].

%% How many messages lie in this process's mailbox.
mailbox() ->
    {message_queue_len, Count} = process_info(self(), message_queue_len),
    Count.

%% The plug-ins of the Erlang binding's tests: the behaviours "counter", and "actor", which does what it is told.
counter_path() -> plugin("counter.so").

actor_path() -> plugin("actor.so").

plugin(Name) -> unicode:characters_to_binary(filename:join(os:getenv("REGROW_PLUGINS"), Name)).

%% Collects what this process has no use for any more.
collect() ->
    true = garbage_collect(),
    nil.

process_count() -> erlang:system_info(process_count).

%% An integer that no native process takes.
too_large() -> 1 bsl (8 * 256 * 1024).

%% A string that is none in C.
zero() -> <<"a", 0, "b">>.

schedulers() -> erlang:system_info(schedulers_online).

%% The same subject, but another process's.
of_process({subject, _, Tag}, Pid) -> {subject, Pid, Tag}.

%% Whether a process waits for a message.
is_waiting(Pid) -> process_info(Pid, status) =:= {status, waiting}.

%% In a folder of this run's own.
path(Name) ->
    Folder = filename:join(["build", "files", os:getpid()]),
    ok = filelib:ensure_dir(filename:join(Folder, "x")),
    unicode:characters_to_binary(filename:join(Folder, Name)).

write(Name, Text) ->
    Path = path(Name),
    ok = file:write_file(Path, Text),
    Path.

%% Runs a function while a runtime hears nothing of the ends of the BEAM's processes.
uninformed(Native, Function) ->
    Steward = regrow_nif:steward(Native),
    true = erlang:suspend_process(Steward),
    try
        Function()
    after
        true = erlang:resume_process(Steward)
    end.
