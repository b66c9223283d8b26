defmodule Regrow.Server do
  @moduledoc """
  Elixir's `GenServer`, for servers of both kinds: the same functions, callbacks, results and exits.

  A server whose code is Elixir is an ordinary process of the BEAM, with the callbacks of `GenServer`. One that is
  native, as `:regrow.start/2` and specifications with `:kind` start them, is called, told and stopped the same way, by
  its pid or by a name that leads to it, as `{:via, Regrow.Registry, {registry, key}}`. So a module does not know which
  kind it talks to:

      alias Regrow.Server, as: GenServer

  The time limit of a call to a native server is kept by the clock of its runtime. There is no `multi_call/4` and no
  `abcast/3`, for native servers are of one node.

  ## Examples

      iex> defmodule Stack do
      ...>   use Regrow.Server
      ...>
      ...>   def init(stack), do: {:ok, stack}
      ...>   def handle_call(:pop, _from, [top | rest]), do: {:reply, top, rest}
      ...>   def handle_cast({:push, top}, stack), do: {:noreply, [top | stack]}
      ...> end
      iex> {:ok, pid} = Regrow.Server.start_link(Stack, [:hello])
      iex> Regrow.Server.cast(pid, {:push, :world})
      :ok
      iex> Regrow.Server.call(pid, :pop)
      :world
  """

  @type server :: GenServer.server()
  @type from :: GenServer.from()

  @doc false
  defmacro __using__(options) do
    # Not by `use`: for the rest of the module that would undo `alias Regrow.Server, as: GenServer`.
    quote do
      require GenServer, as: Original
      Original.__using__(unquote(options))
    end
  end

  @doc "Starts a module's server, linked with the caller; options as `GenServer.start_link/3` takes them."
  @spec start_link(module, term, GenServer.options()) :: GenServer.on_start()
  defdelegate start_link(module, init_arg, options \\ []), to: GenServer

  @doc "Starts a module's server."
  @spec start(module, term, GenServer.options()) :: GenServer.on_start()
  defdelegate start(module, init_arg, options \\ []), to: GenServer

  @doc "Answers a call later."
  @spec reply(from, term) :: :ok
  defdelegate reply(client, reply), to: GenServer

  @doc "The pid of a server of either kind; `nil`: there is none now."
  @spec whereis(server) :: pid | {atom, node} | nil
  defdelegate whereis(server), to: GenServer

  @doc """
  Asks a server, and waits for its answer.

  Exits with `{reason, {Regrow.Server, :call, [server, request, timeout]}}` where `GenServer.call/3` exits: `:noproc`,
  `:timeout`, `:calling_self`, or the reason with which the server ended.
  """
  @spec call(server, term, timeout) :: term
  def call(server, request, timeout \\ 5000)
      when (is_integer(timeout) and timeout >= 0) or timeout == :infinity do
    case native(server) do
      nil ->
        try do
          GenServer.call(server, request, timeout)
        catch
          :exit, {reason, {GenServer, :call, arguments}} -> exit({reason, {__MODULE__, :call, arguments}})
        end

      pid ->
        case :regrow.call(pid, request, timeout) do
          {:ok, answer} -> answer
          {:error, reason} -> exit({reason, {__MODULE__, :call, [server, request, timeout]}})
        end
    end
  end

  @doc "Tells a server something. Always `:ok`."
  @spec cast(server, term) :: :ok
  def cast(server, message) do
    case native_if_any(server) do
      nil -> GenServer.cast(server, message)
      pid -> with {:error, _} <- :regrow.cast(pid, message), do: :ok
    end
  end

  @doc """
  Asks a server to end, and waits until it has. Exits where `GenServer.stop/3` exits: `:noproc`, `:timeout`, or the
  reason with which it ended where that is another.
  """
  @spec stop(server, term, timeout) :: :ok
  def stop(server, reason \\ :normal, timeout \\ :infinity) do
    case native(server) do
      nil ->
        try do
          GenServer.stop(server, reason, timeout)
        catch
          :exit, {why, {GenServer, :stop, arguments}} -> exit({why, {__MODULE__, :stop, arguments}})
        end

      pid ->
        with {:error, why} <- :regrow.stop(pid, reason, timeout) do
          exit({why, {__MODULE__, :stop, [server, reason, timeout]}})
        end
    end
  end

  @doc false
  # The pid of a server that is native; nil: it is none, or nobody has that name.
  def native(pid) when is_pid(pid), do: if(:regrow.is_native(pid), do: pid)
  def native({:via, module, name}), do: native(module.whereis_name(name))
  def native(_), do: nil

  @doc false
  # For casts, which fail for no reason, a wrong name included.
  def native_if_any(server) do
    native(server)
  catch
    _, _ -> nil
  end
end
