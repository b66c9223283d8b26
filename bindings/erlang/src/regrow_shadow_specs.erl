%% What supervisors and their children are specified by: as OTP and Elixir have it, and as a native supervisor gets it.
-module(regrow_shadow_specs).

-export([as_list/1, is_native/1, flags/1, normal/1, of_elixir/2, native/2, record/1]).

-define(KEEPER, '$regrow_keeper').

-spec as_list(term()) -> [term()].
as_list(Specs) when is_list(Specs) -> Specs;
as_list(_) -> [].

%% Whether it is a native child's.
-spec is_native(term()) -> boolean().
is_native(#{kind := _, id := _}) -> true;
is_native(_) -> false.

%% OTP's defaults, which are not regrow's.
-spec flags(term()) -> {ok, map()} | {error, term()}.
flags({Strategy, Intensity, Period}) -> flags(#{strategy => Strategy, intensity => Intensity, period => Period});
flags(Given) when is_map(Given) ->
    All = maps:merge(#{strategy => one_for_one, intensity => 1, period => 5, auto_shutdown => never}, Given),
    Checks = [{strategy, invalid_strategy}, {intensity, invalid_intensity}, {period, invalid_period},
              {auto_shutdown, invalid_auto_shutdown}],
    case [{Reason, maps:get(Flag, All)} || {Flag, Reason} <- Checks, not is_flag(Flag, maps:get(Flag, All))] of
        [] when map_get(strategy, All) =:= simple_one_for_one, map_get(auto_shutdown, All) =/= never ->
            {error, {bad_combination, maps:to_list(maps:with([strategy, auto_shutdown], All))}};
        [] ->
            #{strategy := Strategy, intensity := Intensity, period := Period, auto_shutdown := Shutdown} = All,
            {ok, #{strategy => Strategy, max_restarts => Intensity, period_ms => Period * 1000,
                   auto_shutdown => Shutdown}};
        [Wrong | _] ->
            {error, Wrong}
    end;
flags(Given) ->
    {error, {invalid_type, Given}}.

is_flag(strategy, Strategy) -> lists:member(Strategy, [one_for_one, one_for_all, rest_for_one, simple_one_for_one]);
is_flag(intensity, Intensity) -> is_integer(Intensity) andalso Intensity >= 0 andalso Intensity < 16#FFFFFFFE;
is_flag(period, Period) -> is_integer(Period) andalso Period > 0 andalso Period =< 4000000;
is_flag(auto_shutdown, Shutdown) -> lists:member(Shutdown, [never, any_significant, all_significant]).

%% A child spec with all that OTP fills in.
-spec normal(tuple() | map()) -> map().
normal({Id, Start, Restart, Shutdown, Type, Modules}) ->
    #{id => Id, start => Start, restart => Restart, significant => false, shutdown => Shutdown, type => Type,
      modules => Modules};
normal(#{kind := _} = Native) ->
    Native;
normal(#{start := {Module, _, _}} = Spec) ->
    Type = maps:get(type, Spec, worker),
    Shutdown = case Type of worker -> 5000; supervisor -> infinity end,
    Defaults = #{restart => permanent, significant => false, shutdown => Shutdown, type => Type, modules => [Module]},
    maps:merge(Defaults, Spec).

%% As Elixir's DynamicSupervisor has checked it and sends it; Extra goes before the arguments of all children.
-spec of_elixir(tuple(), [term()]) -> map().
of_elixir({{Module, Function, Arguments}, Restart, Shutdown, Type, Modules}, Extra) ->
    #{id => undefined, start => {Module, Function, Extra ++ Arguments}, restart => Restart, significant => false,
      shutdown => Shutdown, type => Type, modules => Modules}.

%% As the native supervisor gets it: its keeper, which asks the caller to start, by that key.
-spec native(map(), integer()) -> map().
native(#{kind := _} = Native, _) ->
    Native;
native(#{id := Id, start := Start, restart := Restart, type := Type, modules := Modules} = Spec, Key) ->
    Arguments = {self(), Key, {Start, Id, Restart, Type, Modules}},
    Keeper = #{kind => behaviour, behaviour => atom_to_binary(?KEEPER), arg => Arguments},
    maps:merge(Keeper, maps:with([id, restart, significant, shutdown, backoff], Spec)).

%% OTP's record, which is in its errors.
-spec record(map()) -> tuple() | map().
record(#{id := Id, start := Start, restart := Restart, significant := Significant, shutdown := Shutdown, type := Type,
         modules := Modules}) ->
    {child, undefined, Id, Start, Restart, Significant, Shutdown, Type, Modules};
record(Native) ->
    Native.
