%% What regrow/gleam_erlang cannot say in Gleam: in memory a subject of gleam_erlang is {subject, Pid, Tag} or
%% {named_subject, Name}.
-module(regrow_gleam_erlang_ffi).

-export([identity/1, to_subject/1, from_subject/1]).

identity(Value) -> Value.

to_subject({subject, _, _} = Subject) -> Subject;
to_subject({reply, Pid, Alias}) -> {subject, Pid, Alias}.

%% What is sent to a name has the name as its tag.
from_subject({subject, _, _} = Subject) ->
    {ok, Subject};
from_subject({named_subject, Name}) ->
    case erlang:whereis(Name) of
        Pid when is_pid(Pid) -> {ok, {subject, Pid, Name}};
        undefined -> {error, nil}
    end.
