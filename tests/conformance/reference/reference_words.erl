%% Words of a scenario as terms, and terms as words.
-module(reference_words).
-export([term/1, reason/1, number/1, text/1, reason_text/1, sorted/1]).

%% An integer, a float, or else an atom.
term(Word) ->
    case re:run(Word, "^-?[0-9]+(\\.[0-9]+)?$", [{capture, all, list}]) of
        {match, [_]} -> list_to_integer(Word);
        {match, [_, _]} -> list_to_float(Word);
        nomatch -> list_to_atom(Word)
    end.

%% An atom, or parts joined by `:`, each the pair of itself and the rest.
reason(Word) ->
    case string:split(Word, ":") of
        [Only] -> list_to_atom(Only);
        [First, Rest] -> {list_to_atom(First), reason(Rest)}
    end.

number(Word) ->
    list_to_integer(Word).

text(Atom) when is_atom(Atom) -> atom_to_list(Atom);
text(Integer) when is_integer(Integer) -> integer_to_list(Integer);
text(Float) when is_float(Float) -> float_text(Float, 1);
text(Pid) when is_pid(Pid) -> reference_recorder:label(Pid);
text(Other) -> reason_text(Other).

%% The fewest digits behind the point, at least one, that read back the same.
float_text(Float, Digits) ->
    Text = float_to_list(Float, [{decimals, Digits}]),
    case list_to_float(Text) == Float of
        true -> Text;
        false -> float_text(Float, Digits + 1)
    end.

%% What OTP adds for the log, a stack or the bad value, is no part of a reason.
reason_text({bad_return_value, _}) ->
    "bad_return_value";
reason_text({Reason, [{_, _, _, _} | _]}) ->
    reason_text(Reason);
reason_text(Tuple) when is_tuple(Tuple) ->
    lists:append(lists:join(":", [reason_text(Part) || Part <- tuple_to_list(Tuple)]));
reason_text(Simple) when is_atom(Simple); is_number(Simple); is_pid(Simple) ->
    text(Simple);
reason_text(Other) ->
    lists:flatten(io_lib:format("~0p", [Other])).

%% Words with a space before each, sorted by bytes.
sorted(Words) ->
    [[$\s, Word] || Word <- lists:sort(Words)].
