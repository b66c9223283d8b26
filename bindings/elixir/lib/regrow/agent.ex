defmodule Regrow.Agent do
  @moduledoc """
  Elixir's `Agent`, for agents of both kinds: the same functions, options, results and exits.

  What `start_link/2` and its like start is an agent of the BEAM, for its functions are code of the BEAM. It is a process
  as any other: it goes by a key of a `Regrow.Registry`, and is a child of all supervisors.

      children = [{Regrow.Agent, fn -> %{} end}]

  ## Native agents

  An agent that is native, and keeps a term for native code, is started as `:regrow.start/2` says, or as a child
  `%{id: :settings, kind: :agent, initial: %{}}` of a `Regrow.Supervisor`. The same functions are for it, by its pid or
  by a name that leads to it. No code of the BEAM runs in it, so that:

    * a function runs in the caller, and fails there; the agent goes on with the term that it had;
    * `update/3`, `get_and_update/3` and `cast/2` have the agent keep what the function made only if it still keeps what
      that was made of, and call the function again otherwise. So no update is lost, those of native code included; but
      a function may be called more than once, and should do nothing but make a term;
    * `cast/2` waits as well, so that what a process asks later finds the cast done;
    * a time limit is one of the runtime's clock, and holds for each question to the agent.

  ## Examples

      iex> {:ok, agent} = Regrow.Agent.start_link(fn -> %{} end)
      iex> Regrow.Agent.update(agent, &Map.put(&1, :hello, :world))
      :ok
      iex> Regrow.Agent.get(agent, Map, :get, [:hello])
      :world
      iex> Regrow.Agent.get_and_update(agent, &Map.pop(&1, :hello))
      :world
      iex> Regrow.Agent.stop(agent)
      :ok

      iex> {:ok, native} = :regrow.start_link(Regrow.Runtime.root(Regrow.Runtime), %{kind: :agent, initial: 40})
      iex> Regrow.Agent.update(native, &(&1 + 2))
      :ok
      iex> Regrow.Agent.get(native, & &1)
      42
  """

  alias Regrow.Server

  @type on_start :: Agent.on_start()
  @type name :: Agent.name()
  @type agent :: Agent.agent()
  @type state :: Agent.state()

  @doc false
  defmacro __using__(options) do
    # As in `Regrow.Server`.
    quote do
      require Agent, as: Original
      Original.__using__(unquote(options))
    end
  end

  @doc """
  A specification to start an agent under a supervisor; the argument is that of `start_link/1`.

      iex> make = fn -> 0 end
      iex> Regrow.Agent.child_spec(make) == %{id: Regrow.Agent, start: {Regrow.Agent, :start_link, [make]}}
      true
  """
  @spec child_spec(term) :: Supervisor.child_spec()
  def child_spec(arg), do: %{id: __MODULE__, start: {__MODULE__, :start_link, [arg]}}

  @doc """
  Starts an agent that keeps what a function gives, linked with the caller.

  Options are those of `GenServer.start_link/3`: `:name`, `:timeout`, `:debug`, `:spawn_opt`, `:hibernate_after`.
  `{:error, {exception, stack}}`: the function failed.

      iex> Process.flag(:trap_exit, true)
      iex> {:error, {exception, _stack}} = Regrow.Agent.start_link(fn -> raise "oops" end)
      iex> exception
      %RuntimeError{message: "oops"}
  """
  @spec start_link((() -> term), GenServer.options()) :: on_start
  defdelegate start_link(fun, options \\ []), to: Agent

  @doc "As `start_link/2`, with a function of a module."
  @spec start_link(module, atom, [term], GenServer.options()) :: on_start
  defdelegate start_link(module, fun, args, options \\ []), to: Agent

  @doc "As `start_link/2`, without the link."
  @spec start((() -> term), GenServer.options()) :: on_start
  defdelegate start(fun, options \\ []), to: Agent

  @doc "As `start/2`, with a function of a module."
  @spec start(module, atom, [term], GenServer.options()) :: on_start
  defdelegate start(module, fun, args, options \\ []), to: Agent

  @doc """
  What a function makes of the term that the agent keeps.

  Exits where `Agent.get/3` exits: with `:noproc`, `:timeout`, or the reason with which the agent ended.
  """
  @spec get(agent, (state -> value), timeout) :: value when value: var
  def get(agent, fun, timeout \\ 5000) when is_function(fun, 1) do
    case Server.native(agent) do
      nil -> Agent.get(agent, fun, timeout)
      pid -> native_get({pid, agent, {:get, fun}, timeout})
    end
  end

  @doc "As `get/3`, with a function of a module, whose first argument is the term."
  @spec get(agent, module, atom, [term], timeout) :: term
  def get(agent, module, fun, args, timeout \\ 5000) do
    case Server.native(agent) do
      nil -> Agent.get(agent, module, fun, args, timeout)
      pid -> native_get({pid, agent, {:get, {module, fun, args}}, timeout})
    end
  end

  @doc """
  Has the agent keep another term; a function makes of the one that it keeps `{value, new}`.

  Anything else that the function gives ends an agent of the BEAM, and is an exit with `{:bad_return_value, given}`.
  """
  @spec get_and_update(agent, (state -> {value, state}), timeout) :: value when value: var
  def get_and_update(agent, fun, timeout \\ 5000) when is_function(fun, 1) do
    case Server.native(agent) do
      nil -> Agent.get_and_update(agent, fun, timeout)
      pid -> native_get_and_update({pid, agent, {:get_and_update, fun}, timeout})
    end
  end

  @doc "As `get_and_update/3`, with a function of a module, whose first argument is the term."
  @spec get_and_update(agent, module, atom, [term], timeout) :: term
  def get_and_update(agent, module, fun, args, timeout \\ 5000) do
    case Server.native(agent) do
      nil -> Agent.get_and_update(agent, module, fun, args, timeout)
      pid -> native_get_and_update({pid, agent, {:get_and_update, {module, fun, args}}, timeout})
    end
  end

  @doc "Has the agent keep what a function makes of the term that it keeps."
  @spec update(agent, (state -> state), timeout) :: :ok
  def update(agent, fun, timeout \\ 5000) when is_function(fun, 1) do
    case Server.native(agent) do
      nil -> Agent.update(agent, fun, timeout)
      pid -> native_update({pid, agent, {:update, fun}, timeout})
    end
  end

  @doc "As `update/3`, with a function of a module, whose first argument is the term."
  @spec update(agent, module, atom, [term], timeout) :: :ok
  def update(agent, module, fun, args, timeout \\ 5000) do
    case Server.native(agent) do
      nil -> Agent.update(agent, module, fun, args, timeout)
      pid -> native_update({pid, agent, {:update, {module, fun, args}}, timeout})
    end
  end

  @doc "As `update/3`, and always `:ok`: nobody waits for an agent of the BEAM."
  @spec cast(agent, (state -> state)) :: :ok
  def cast(agent, fun) when is_function(fun, 1) do
    case Server.native_if_any(agent) do
      nil -> Agent.cast(agent, fun)
      pid -> native_cast(pid, fun)
    end
  end

  @doc "As `cast/2`, with a function of a module, whose first argument is the term."
  @spec cast(agent, module, atom, [term]) :: :ok
  def cast(agent, module, fun, args) do
    case Server.native_if_any(agent) do
      nil -> Agent.cast(agent, module, fun, args)
      pid -> native_cast(pid, {module, fun, args})
    end
  end

  @doc "Ends an agent, and waits until it has ended. Exits where `Agent.stop/3` exits."
  @spec stop(agent, reason :: term, timeout) :: :ok
  def stop(agent, reason \\ :normal, timeout \\ :infinity) do
    case Server.native(agent) do
      nil -> Agent.stop(agent, reason, timeout)
      pid -> with {:error, why} <- :regrow.stop(pid, reason, timeout), do: stop_failed(why, [agent, reason, timeout])
    end
  end

  defp stop_failed(why, arguments), do: exit({why, {GenServer, :stop, arguments}})

  # ---- native agents: `call` is {pid, what it was called, the request, the time limit} ----

  defp native_get({_, _, {:get, fun}, _} = call), do: run(fun, fetch(call))

  defp native_get_and_update({_, _, {:get_and_update, fun}, _} = call) do
    exchange(call, fn state ->
      case run(fun, state) do
        {value, new} -> {value, new}
        other -> failed(call, {:bad_return_value, other})
      end
    end)
  end

  defp native_update({_, _, {:update, fun}, _} = call), do: exchange(call, &{:ok, run(fun, &1)})

  # One that has ended is told nothing. What the function does itself is not caught.
  defp native_cast(pid, fun) do
    with {:ok, state} <- :regrow_agent.fetch(pid, :infinity),
         {:ok, false} <- :regrow_agent.exchange(pid, state, run(fun, state), :infinity) do
      native_cast(pid, fun)
    else
      _ -> :ok
    end
  end

  # `make` gives, of the term that is kept, what is returned and what is to be kept.
  defp exchange({pid, _, _, timeout} = call, make) do
    state = fetch(call)
    {value, new} = make.(state)

    case :regrow_agent.exchange(pid, state, new, timeout) do
      {:ok, true} -> value
      {:ok, false} -> exchange(call, make)
      {:error, reason} -> failed(call, reason)
    end
  end

  defp fetch({pid, _, _, timeout} = call) when (is_integer(timeout) and timeout >= 0) or timeout == :infinity do
    case :regrow_agent.fetch(pid, timeout) do
      {:ok, state} -> state
      {:error, reason} -> failed(call, reason)
    end
  end

  # As with an agent of the BEAM.
  @spec failed({pid, agent, term, timeout}, term) :: no_return
  defp failed({_, agent, request, timeout}, reason), do: exit({reason, {GenServer, :call, [agent, request, timeout]}})

  defp run({module, fun, args}, state), do: apply(module, fun, [state | args])
  defp run(fun, state), do: fun.(state)
end
