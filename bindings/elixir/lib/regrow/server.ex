defmodule Regrow.Server do
  @moduledoc """
  Elixir's `GenServer`, for servers of both kinds: the same functions, callbacks, results and exits.

  A server whose code is Elixir is an ordinary process of the BEAM, with the callbacks of `GenServer`. One that is
  native, as `:regrow.start/2` and specifications with `:kind` start them, is called, told and stopped the same way, by
  its pid or by a name that leads to it, as `{:via, Regrow.Registry, {registry, key}}`. So a module does not know which
  kind it talks to:

      alias Regrow.Server, as: GenServer

  The time limit of a call to a native server is kept by the clock of its runtime. `multi_call/4` and `abcast/3` are for
  servers of the BEAM that have a local name, on this node and others.

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
  @type name :: GenServer.name()
  @type on_start :: GenServer.on_start()
  @type option :: GenServer.option()
  @type options :: GenServer.options()
  @type debug :: GenServer.debug()

  @typedoc "What `init/1` and the callbacks may return behind the state."
  @type next :: timeout | :hibernate | {:continue, continue_arg :: term}

  @callback init(init_arg :: term) ::
              {:ok, state} | {:ok, state, next} | :ignore | {:stop, reason :: any}
            when state: any
  @callback handle_call(request :: term, from, state :: term) ::
              {:reply, reply, new_state}
              | {:reply, reply, new_state, next}
              | {:noreply, new_state}
              | {:noreply, new_state, next}
              | {:stop, reason, reply, new_state}
              | {:stop, reason, new_state}
            when reply: term, new_state: term, reason: term
  @callback handle_cast(request :: term, state :: term) ::
              {:noreply, new_state} | {:noreply, new_state, next} | {:stop, reason :: term, new_state}
            when new_state: term
  @callback handle_info(message :: :timeout | term, state :: term) ::
              {:noreply, new_state} | {:noreply, new_state, next} | {:stop, reason :: term, new_state}
            when new_state: term
  @callback handle_continue(continue_arg :: term, state :: term) ::
              {:noreply, new_state} | {:noreply, new_state, next} | {:stop, reason :: term, new_state}
            when new_state: term
  @callback terminate(reason, state :: term) :: term when reason: :normal | :shutdown | {:shutdown, term} | term
  @callback code_change(old, state :: term, extra :: term) :: {:ok, new_state :: term} | {:error, reason :: term}
            when old: term | {:down, term}
  @callback format_status(reason, pdict_and_state :: list) :: term when reason: :normal | :terminate

  @optional_callbacks code_change: 3,
                      terminate: 2,
                      handle_info: 2,
                      handle_cast: 2,
                      handle_call: 3,
                      format_status: 2,
                      handle_continue: 2

  @doc false
  defmacro __using__(options) do
    # Not by `use`: for the rest of the module that would undo `alias Regrow.Server, as: GenServer`. With that alias,
    # `@impl GenServer` is about the behaviour here.
    quote do
      require GenServer, as: Original
      Original.__using__(unquote(options))
      behaviours = Module.get_attribute(__MODULE__, :behaviour) -- [Original]
      Module.delete_attribute(__MODULE__, :behaviour)
      for behaviour <- [Regrow.Server | behaviours], do: Module.put_attribute(__MODULE__, :behaviour, behaviour)
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

  @doc "Tells the servers with a local name on several nodes something."
  @spec abcast([node], atom, term) :: :abcast
  defdelegate abcast(nodes \\ [node() | Node.list()], name, request), to: GenServer

  @doc "Asks the servers with a local name on several nodes; gives their answers, and the nodes that gave none."
  @spec multi_call([node], atom, term, timeout) :: {[{node, term}], [node]}
  defdelegate multi_call(nodes \\ [node() | Node.list()], name, request, timeout \\ :infinity), to: GenServer

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
