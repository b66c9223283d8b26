%% What regrow/match is made of: {expression, Part of a match specification, Decoder of its value}; and what makes
%% specifications of that, for the modules that search.
-module(regrow_gleam_match).

-export([value/1, operation/3, element/3, field/3, decoded/2, decoder/1]).
-export([variable/2, specification/3, conditions/1, results/2]).

value(Value) -> {expression, {const, Value}, fun trusted/1}.

operation(Operator, Arguments, Decoder) ->
    {expression, part(Operator, [Part || {expression, Part, _} <- Arguments]), Decoder}.

part(pair, Parts) -> {list_to_tuple(Parts)};
part(Operator, Parts) -> list_to_tuple([name(Operator) | Parts]).

name(equal) -> '=:=';
name(unequal) -> '=/=';
name(less) -> '<';
name(at_most) -> '=<';
name(greater) -> '>';
name(at_least) -> '>=';
name(both) -> 'andalso';
name(either) -> 'orelse';
name(negated) -> 'not';
name(sum) -> '+';
name(difference) -> '-';
name(product) -> '*';
name(quotient) -> 'div';
name(remainder) -> 'rem'.

element({expression, Tuple, _}, Index, Decoder) -> {expression, {element, Index + 1, Tuple}, Decoder}.

field({expression, Map, _}, Key, Decoder) -> {expression, {map_get, {const, Key}, Map}, Decoder}.

decoded({expression, Part, _}, Decoder) -> {expression, Part, Decoder}.

decoder({expression, _, Decoder}) -> Decoder.

%% The variables of a head, by their numbers.
variable(1, Decoder) -> {expression, '$1', Decoder};
variable(2, Decoder) -> {expression, '$2', Decoder};
variable(3, Decoder) -> {expression, '$3', Decoder}.

specification(Head, {expression, Condition, _}, {expression, Result, _}) -> [{Head, [Condition], [Result]}].

conditions({expression, Condition, _}) -> [Condition].

%% {ok, What was found, decoded}, or {error, Errors of regrow/decode}.
results(Found, {expression, _, Decoder}) -> ('regrow@decode':list(Decoder))(Found).

trusted(Value) -> {ok, Value}.
