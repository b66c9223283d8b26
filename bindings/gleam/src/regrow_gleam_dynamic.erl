%% What regrow/dynamic and regrow/decode cannot say in Gleam.
-module(regrow_gleam_dynamic).

-export([identity/1, existing_atom/1, classify/1, mismatch/2, inspect/1]).
-export([int/1, float/1, string/1, bits/1, bool/1, nil/1, pid/1, subject/1, list/1, element/2, value/2]).

identity(Value) -> Value.

existing_atom(Name) ->
    try
        {ok, binary_to_existing_atom(Name)}
    catch
        error:_ -> {error, nil}
    end.

classify(nil) -> <<"Nil">>;
classify(Value) when is_boolean(Value) -> <<"Bool">>;
classify(Value) when is_atom(Value) -> <<"Atom">>;
classify(Value) when is_integer(Value) -> <<"Int">>;
classify(Value) when is_float(Value) -> <<"Float">>;
classify(Value) when is_binary(Value) ->
    case is_text(Value) of
        true -> <<"String">>;
        false -> <<"Bytes">>
    end;
classify(Value) when is_bitstring(Value) -> <<"Bits">>;
classify(Value) when is_list(Value) -> <<"List">>;
classify(Value) when is_tuple(Value) -> <<"Tuple of ", (integer_to_binary(tuple_size(Value)))/binary>>;
classify(Value) when is_map(Value) -> <<"Map">>;
classify(Value) when is_pid(Value) -> <<"Pid">>;
classify(Value) when is_function(Value) -> <<"Function">>;
classify(Value) when is_reference(Value) -> <<"Reference">>;
classify(_) -> <<"Port">>.

%% One of regrow/decode's errors.
mismatch(Expected, Value) -> {decode_error, Expected, classify(Value), []}.

inspect(Value) -> unicode:characters_to_binary(io_lib:format("~0tp", [Value])).

%% {ok, Value}, or {error, What it is}.
int(Value) -> checked(is_integer(Value), Value).
float(Value) -> checked(is_float(Value), Value).
string(Value) -> checked(is_binary(Value) andalso is_text(Value), Value).
bits(Value) -> checked(is_bitstring(Value), Value).
bool(Value) -> checked(is_boolean(Value), Value).
nil(Value) -> checked(Value =:= nil, Value).
pid(Value) -> checked(is_pid(Value), Value).

subject({subject, Pid, _} = Subject) when is_pid(Pid) -> {ok, Subject};
subject({reply, Pid, Alias} = Subject) when is_pid(Pid), is_reference(Alias) -> {ok, Subject};
subject(Other) -> {error, classify(Other)}.

%% Proper ones only: an improper list would end whoever walks along it.
list(Value) -> checked(is_list(Value) andalso is_proper(Value), Value).

element(Index, Value) when is_tuple(Value), Index >= 0, Index < tuple_size(Value) ->
    {ok, erlang:element(Index + 1, Value)};
element(_, Value) ->
    {error, classify(Value)}.

value(Key, Map) when is_map(Map) ->
    case Map of
        #{Key := Value} -> {ok, Value};
        _ -> {error, <<"nothing">>}
    end;
value(_, Other) ->
    {error, classify(Other)}.

checked(true, Value) -> {ok, Value};
checked(false, Value) -> {error, classify(Value)}.

is_text(Bytes) -> is_binary(unicode:characters_to_binary(Bytes)).

is_proper([]) -> true;
is_proper([_ | Rest]) -> is_proper(Rest);
is_proper(_) -> false.
