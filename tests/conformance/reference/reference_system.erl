%% What the scenarios are carried out on: OTP (reference_otp), or a binding that has an executor of its own
%% (bindings/erlang/conformance, bindings/elixir/conformance). All else here is the same for each.
-module(reference_system).
-export([use/1, operations/1, module/1, api/1, table_ref/1, named/1, refuses/1, begins/0, ends/0, stamp/0]).

-include("reference.hrl").

-define(KEY, {?MODULE, system}).

%% The operations by the module that carries them out: see reference_operation.
-callback operations(main | process) -> [{module(), [string()]}].
%% The module with start_link/2 for a declaration of that kind.
-callback module(worker | static | simple | dynamic) -> module().
%% The module that is as gen_server, supervisor, supervisor for its get_childspec/2, ets, and Elixir's DynamicSupervisor,
%% Agent, Task, Task.Supervisor and Registry.
-callback api(server | supervisor | childspecs | dynamic_supervisor | agent | task | task_supervisor | registry |
              table) -> module().
%% What a transfer message has of a table of reference_tables'.
-callback table_ref(term()) -> term().
%% Who is called and told under a name of the scenario.
-callback named(string()) -> pid() | atom().
%% Why a line of the file cannot be carried out, although its operation is known; none: it can.
-callback refuses(#line{}) -> none | string().
%% To be called by main before the first step and after the last.
-callback begins() -> ok.
-callback ends() -> ok.
%% Waits until nothing runs beside the processes of this node; busy: time has to pass. Otherwise equal stamps say that
%% nothing did between them.
-callback stamp() -> busy | term().

use(System) -> persistent_term:put(?KEY, System).

operations(Who) -> (system()):operations(Who).
module(Kind) -> (system()):module(Kind).
api(Which) -> (system()):api(Which).
table_ref(Table) -> (system()):table_ref(Table).
named(Name) -> (system()):named(Name).
refuses(Line) -> (system()):refuses(Line).
begins() -> (system()):begins().
ends() -> (system()):ends().
stamp() -> (system()):stamp().

system() -> persistent_term:get(?KEY).
