defmodule Regrow.Registry do
  @moduledoc """
  Elixir's `Registry`, over a native one: the same functions, options, results and errors.

      children = [{Regrow.Registry, keys: :unique, name: MyApp.Registry}]

  What is different:

    * No answer is stale: an entry is gone before anybody can see that its process has ended, in duplicate registries
      too. `count/1`, `select/2` and `count_select/2` alone may count, for a moment, one whose end is on its way.
    * Native processes are entries too: those that native code, or `:regrow_registry`, registers in `native/1`.
    * `:runtime` names the runtime that the registry is in; see `Regrow.Runtime`.

  A registry is a process of the BEAM, which has the name, and the native registry that it stands for; and one for each
  of its `:partitions`, with which those are linked who register. They end together; then those who have registered get its exit signal, as with Elixir's, and one more of the native registry:
  who traps exits gets two messages.

  ## Examples

      iex> {:ok, _} = Regrow.Registry.start_link(keys: :unique, name: Regrow.Registry.Example)
      iex> {:ok, _} = Regrow.Registry.register(Regrow.Registry.Example, "hello", :world)
      iex> Regrow.Registry.lookup(Regrow.Registry.Example, "hello")
      [{self(), :world}]

  As a name:

      iex> {:ok, _} = Regrow.Registry.start_link(keys: :unique, name: Regrow.Registry.ViaExample)
      iex> name = {:via, Regrow.Registry, {Regrow.Registry.ViaExample, "agent"}}
      iex> {:ok, _} = Agent.start_link(fn -> 0 end, name: name)
      iex> Agent.update(name, &(&1 + 1))
      iex> Agent.get(name, & &1)
      1
  """

  alias Regrow.Registry.Partition

  defmodule Known do
    @moduledoc false
    # What is known of a registry; `owners` are the processes with which those are linked who have entries.
    @enforce_keys [:native, :owners, :keys, :partitions, :listeners]
    defstruct @enforce_keys
  end

  # Where a registry's number is in its table: of any, and of a unique one.
  @number Regrow.Registry.Number
  @unique Regrow.Registry.Unique

  @type registry :: atom
  @type keys :: :unique | :duplicate
  @type key :: term
  @type value :: term
  @type meta_key :: atom | tuple
  @type meta_value :: term
  @type match_pattern :: atom | term
  @type guard :: atom | tuple
  @type guards :: [guard]
  @type body :: [term]
  @type spec :: [{match_pattern, guards, body}]

  @type start_option ::
          {:keys, keys}
          | {:name, registry}
          | {:partitions, pos_integer}
          | {:listeners, [atom]}
          | {:meta, [{meta_key, meta_value}]}
          | {:compressed, boolean}
          | {:runtime, Regrow.Runtime.t()}

  @doc """
  Starts a registry, linked with the caller.

  Options: `:keys` (`:unique` or `:duplicate`) and `:name` (an atom), which must be given; `:partitions` (1),
  `:listeners` (names of processes, which get `{:register, registry, key, pid, value}` and `{:unregister, registry, key,
  pid}` from who does so), `:meta`, `:runtime`. `:compressed` is taken, and says nothing here.

  Raises `ArgumentError` for a wrong option.
  """
  @spec start_link([start_option]) :: {:ok, pid} | {:error, term}
  def start_link(options) do
    keys = Keyword.get(options, :keys)
    valid!(keys in [:unique, :duplicate], ":keys to be given and be one of :unique or :duplicate", keys)

    unless Keyword.has_key?(options, :name), do: raise(ArgumentError, "expected :name option to be present")
    name = options[:name]
    valid!(is_atom(name), ":name to be an atom", name)

    meta = Keyword.get(options, :meta, [])
    valid!(Keyword.keyword?(meta), ":meta to be a keyword list", meta)

    partitions = Keyword.get(options, :partitions, 1)
    valid!(is_integer(partitions) and partitions >= 1, ":partitions to be a positive integer", partitions)

    listeners = Keyword.get(options, :listeners, [])
    named = is_list(listeners) and Enum.all?(listeners, &is_atom/1)
    valid!(named, ":listeners to be a list of named processes", listeners)

    compressed = Keyword.get(options, :compressed, false)
    valid!(is_boolean(compressed), ":compressed to be a boolean", compressed)

    {root, _} = Regrow.Runtime.pop(options)
    spec = %{kind: :registry, keys: keys, partitions: partitions, meta: Map.new(meta)}

    # In its process.
    known = fn native ->
      owners = for _ <- 1..partitions, {:ok, pid} <- [Partition.start_link()], do: pid
      owned = List.to_tuple(owners)
      known = %Known{native: native, owners: owned, keys: keys, partitions: partitions, listeners: listeners}
      number = :regrow_nif.number(native)
      {known, [{@number, number} | for(:unique <- [keys], do: {@unique, number})], owners}
    end

    Regrow.Native.start_link(root, name, spec, known)
  end

  defp valid!(true, _, _), do: :ok
  defp valid!(false, what, given), do: raise(ArgumentError, "expected #{what}, got: #{inspect(given)}")

  @doc false
  @deprecated "Use Registry.start_link/1 instead"
  def start_link(keys, name, options \\ []) when keys in [:unique, :duplicate] and is_atom(name) do
    start_link([keys: keys, name: name] ++ options)
  end

  @doc "A specification to start a registry under a supervisor; its id is its name."
  @spec child_spec([start_option]) :: Supervisor.child_spec()
  def child_spec(options) do
    %{
      id: Keyword.get(options, :name, Regrow.Registry),
      start: {Regrow.Registry, :start_link, [options]},
      type: :supervisor
    }
  end

  @doc "The native registry, for `:regrow_registry` and native code."
  @spec native(registry) :: pid
  def native(registry) when is_atom(registry), do: fetch!(registry).native

  # ---- what a process does with its own entries ----

  @doc """
  Gives the caller an entry, and links it with the registry. `{:error, {:already_registered, pid}}`: the key of a unique
  registry is taken.
  """
  @spec register(registry, key, value) :: {:ok, pid} | {:error, {:already_registered, pid}}
  def register(registry, key, value) when is_atom(registry) do
    %Known{native: native, listeners: listeners} = known = fetch!(registry)
    Process.link(owner(known))

    case :regrow_registry.register(native, key, value) do
      :ok ->
        tell(listeners, {:register, registry, key, self(), value})
        {:ok, owner(known)}

      {:error, {:already_registered, _}} = error ->
        unlink_if_unregistered(known)
        error

      {:error, _} ->
        unknown!(registry)
    end
  end

  @doc """
  Takes the caller's entries under a key away.

      iex> {:ok, _} = Regrow.Registry.start_link(keys: :unique, name: Regrow.Registry.Unregister)
      iex> {:ok, _} = Regrow.Registry.register(Regrow.Registry.Unregister, "hello", :world)
      iex> Regrow.Registry.unregister(Regrow.Registry.Unregister, "hello")
      :ok
      iex> Regrow.Registry.keys(Regrow.Registry.Unregister, self())
      []
  """
  @spec unregister(registry, key) :: :ok
  def unregister(registry, key) when is_atom(registry) do
    %Known{native: native, listeners: listeners} = known = fetch!(registry)
    alive!(:regrow_registry.unregister(native, key), registry)
    unlink_if_unregistered(known)
    tell(listeners, {:unregister, registry, key, self()})
    :ok
  end

  @doc """
  Takes those of the caller's entries under a key away whose values match. Listeners hear of it once none is left under
  the key.
  """
  @spec unregister_match(registry, key, match_pattern, guards) :: :ok
  def unregister_match(registry, key, pattern, guards \\ []) when is_atom(registry) and is_list(guards) do
    %Known{native: native, listeners: listeners} = known = fetch!(registry)
    alive!(:regrow_registry.unregister_match(native, key, pattern, guards), registry)

    if found!(:regrow_registry.values(native, key, self()), registry) == [] do
      unlink_if_unregistered(known)
      tell(listeners, {:unregister, registry, key, self()})
    end

    :ok
  end

  @doc """
  Gives the caller's own entry in a unique registry the value that a function makes of the one before. `:error`: the
  caller has no such entry. Raises `ArgumentError` for a duplicate registry.

      iex> {:ok, _} = Regrow.Registry.start_link(keys: :unique, name: Regrow.Registry.Update)
      iex> {:ok, _} = Regrow.Registry.register(Regrow.Registry.Update, "hello", 1)
      iex> Regrow.Registry.update_value(Regrow.Registry.Update, "hello", &(&1 + 1))
      {2, 1}
  """
  @spec update_value(registry, key, (value -> value)) :: {value, value} | :error
  def update_value(registry, key, callback) when is_atom(registry) and is_function(callback, 1) do
    native = unique!(registry, "Registry.update_value/3")

    case :regrow_registry.update_value(native, key, callback) do
      {:ok, both} -> both
      {:error, :not_found} -> :error
      {:error, _} -> unknown!(registry)
    end
  end

  # ---- what anybody may ask ----

  @doc """
  The entries of a key, in the order in which they were registered.

      iex> {:ok, _} = Regrow.Registry.start_link(keys: :duplicate, name: Regrow.Registry.Lookup)
      iex> {:ok, _} = Regrow.Registry.register(Regrow.Registry.Lookup, "hello", 1)
      iex> {:ok, _} = Regrow.Registry.register(Regrow.Registry.Lookup, "hello", 2)
      iex> Regrow.Registry.lookup(Regrow.Registry.Lookup, "hello")
      [{self(), 1}, {self(), 2}]
  """
  @spec lookup(registry, key) :: [{pid, value}]
  def lookup(registry, key) when is_atom(registry) do
    found!(:regrow_nif.registry_lookup(number!(registry), key), registry)
  end

  @doc """
  The entries of a key whose values match; patterns and guards are those of match specifications.

      iex> {:ok, _} = Regrow.Registry.start_link(keys: :duplicate, name: Regrow.Registry.Match)
      iex> {:ok, _} = Regrow.Registry.register(Regrow.Registry.Match, "hello", {1, :atom})
      iex> {:ok, _} = Regrow.Registry.register(Regrow.Registry.Match, "hello", {2, :atom})
      iex> Regrow.Registry.match(Regrow.Registry.Match, "hello", {:"$1", :_}, [{:>, :"$1", 1}])
      [{self(), {2, :atom}}]
  """
  @spec match(registry, key, match_pattern, guards) :: [{pid, value}]
  def match(registry, key, pattern, guards \\ []) when is_atom(registry) and is_list(guards) do
    found!(:regrow_registry.match(native!(registry), key, pattern, guards), registry)
  end

  @doc "How many entries `match/4` would give."
  @spec count_match(registry, key, match_pattern, guards) :: non_neg_integer
  def count_match(registry, key, pattern, guards \\ []) when is_atom(registry) and is_list(guards) do
    # Counted here: what `match/4` gives was checked against processes that have just ended.
    length(match(registry, key, pattern, guards))
  end

  @doc """
  What a match specification makes of the entries; its heads are `{key, pid, value}`.

      iex> {:ok, _} = Regrow.Registry.start_link(keys: :unique, name: Regrow.Registry.Select)
      iex> {:ok, _} = Regrow.Registry.register(Regrow.Registry.Select, "hello", :world)
      iex> Regrow.Registry.select(Regrow.Registry.Select, [{{:"$1", :_, :"$2"}, [], [{{:"$1", :"$2"}}]}])
      [{"hello", :world}]
  """
  @spec select(registry, spec) :: [term]
  def select(registry, spec) when is_atom(registry) and is_list(spec) do
    heads!(spec, "select/2")
    found!(:regrow_registry.select(native!(registry), spec), registry)
  end

  @doc "How many entries a match specification gives `true` for."
  @spec count_select(registry, spec) :: non_neg_integer
  def count_select(registry, spec) when is_atom(registry) and is_list(spec) do
    heads!(spec, "count_select/2")
    found!(:regrow_registry.count_select(native!(registry), spec), registry)
  end

  defp heads!(spec, function) do
    unless Enum.all?(spec, &match?({{_, _, _}, _, _}, &1)) do
      raise ArgumentError, "invalid match specification in Registry.#{function}: #{inspect(spec)}"
    end
  end

  @doc """
  The keys of a process, in no order; those of a duplicate registry as often as they were registered.

      iex> {:ok, _} = Regrow.Registry.start_link(keys: :unique, name: Regrow.Registry.Keys)
      iex> {:ok, _} = Regrow.Registry.register(Regrow.Registry.Keys, "hello", :world)
      iex> Regrow.Registry.keys(Regrow.Registry.Keys, self())
      ["hello"]
  """
  @spec keys(registry, pid) :: [key]
  def keys(registry, pid) when is_atom(registry) and is_pid(pid) do
    found!(:regrow_registry.keys(native!(registry), pid), registry)
  end

  @doc "The values of a process under a key."
  @spec values(registry, key, pid) :: [value]
  def values(registry, key, pid) when is_atom(registry) and is_pid(pid) do
    found!(:regrow_registry.values(native!(registry), key, pid), registry)
  end

  @doc "How many entries there are."
  @spec count(registry) :: non_neg_integer
  def count(registry) when is_atom(registry) do
    found!(:regrow_registry.count(native!(registry)), registry)
  end

  @doc """
  Calls a function, or a module's with the entries as its first argument, with the entries of a key; not at all when
  there are none.

  As in Elixir's, a duplicate registry with partitions has it called once for each partition in which there are some:
  in the caller, or, with `parallel: true`, each in a task of its own.
  """
  @spec dispatch(registry, key, ([{pid, value}] -> term) | {module, atom, [term]}, keyword) :: :ok
  def dispatch(registry, key, function, options \\ [])

  def dispatch(registry, key, function, options)
      when is_atom(registry) and (is_function(function, 1) or tuple_size(function) == 3) do
    %Known{native: native, keys: keys, partitions: partitions} = fetch!(registry)
    entries = found!(:regrow_registry.lookup(native, key), registry)

    cond do
      entries == [] -> :ok
      keys == :unique or partitions == 1 -> run(function, entries)
      options[:parallel] -> entries |> parts(partitions) |> run_parallel(function)
      true -> entries |> parts(partitions) |> Enum.each(&run(function, &1))
    end

    :ok
  end

  defp parts(entries, partitions) do
    entries |> Enum.group_by(fn {pid, _} -> :erlang.phash2(pid, partitions) end) |> Map.values()
  end

  # A task is not linked any more once it is done, so that a caller that traps exits gets no message of it.
  defp run_parallel(parts, function) do
    caller = self()

    parts
    |> Enum.map(fn entries ->
      Task.async(fn ->
        run(function, entries)
        Process.unlink(caller)
      end)
    end)
    |> Enum.each(&Task.await(&1, :infinity))
  end

  defp run({module, function, arguments}, entries), do: apply(module, function, [entries | arguments])
  defp run(function, entries), do: function.(entries)

  # ---- metadata ----

  @doc """
  What the registry keeps under a key of its metadata.

      iex> {:ok, _} = Regrow.Registry.start_link(keys: :unique, name: Regrow.Registry.Meta, meta: [custom: "value"])
      iex> Regrow.Registry.meta(Regrow.Registry.Meta, :custom)
      {:ok, "value"}
      iex> Regrow.Registry.meta(Regrow.Registry.Meta, :other)
      :error
  """
  @spec meta(registry, meta_key) :: {:ok, meta_value} | :error
  def meta(registry, key) when is_atom(registry) and (is_atom(key) or is_tuple(key)) do
    # As Elixir's, which says more here than elsewhere.
    hint =
      ". Either the registry name is invalid or the registry is not running, " <>
        "possibly because its application isn't started"

    case :regrow_registry.meta(fetch!(registry, hint).native, key) do
      {:ok, value} -> {:ok, value}
      {:error, :not_found} -> :error
      {:error, _} -> unknown!(registry, hint)
    end
  end

  @doc "Keeps something under a key of the registry's metadata."
  @spec put_meta(registry, meta_key, meta_value) :: :ok
  def put_meta(registry, key, value) when is_atom(registry) and (is_atom(key) or is_tuple(key)) do
    alive!(:regrow_registry.put_meta(native!(registry), key, value), registry)
  end

  @doc "Deletes a key of the registry's metadata."
  @spec delete_meta(registry, meta_key) :: :ok
  def delete_meta(registry, key) when is_atom(registry) and (is_atom(key) or is_tuple(key)) do
    alive!(:regrow_registry.delete_meta(native!(registry), key), registry)
  end

  # ---- `{:via, Regrow.Registry, {registry, key}}`, and with a value ----

  @doc false
  def whereis_name({registry, key}), do: whereis(registry, key)
  def whereis_name({registry, key, _}), do: whereis(registry, key)

  defp whereis(registry, key) do
    case :regrow_nif.registry_whereis(unique_number!(registry, ":via"), key) do
      {:ok, pid} -> pid
      {:error, :not_found} -> :undefined
      {:error, _} -> unknown!(registry)
    end
  end

  @doc false
  def register_name({registry, key}, pid), do: register_name({registry, key, nil}, pid)

  def register_name({registry, key, value}, pid) when pid == self() do
    case register(registry, key, value) do
      {:ok, _} -> :yes
      {:error, _} -> :no
    end
  end

  @doc false
  def unregister_name({registry, key}), do: unregister(registry, key)
  def unregister_name({registry, key, _}), do: unregister(registry, key)

  @doc false
  def send({registry, key}, message), do: deliver(registry, key, message)
  def send({registry, key, _}, message), do: deliver(registry, key, message)

  defp deliver(registry, key, message) do
    case whereis(registry, key) do
      :undefined ->
        :erlang.error(:badarg, [{registry, key}, message])

      pid ->
        _ = :regrow.send(pid, message)
        message
    end
  end

  # ---- the rest ----

  # `hint` is put behind the error of one that is not there.
  defp fetch!(registry, hint \\ "") do
    case Regrow.Native.fetch(registry) do
      {:ok, known} -> known
      :error -> unknown!(registry, hint)
    end
  end

  defp native!(registry), do: fetch!(registry).native

  defp unique!(registry, what) do
    case fetch!(registry) do
      %Known{keys: :unique, native: native} -> native
      %Known{keys: keys} -> raise ArgumentError, "#{what} is not supported for #{keys} registries"
    end
  end

  # What is asked most needs of what is known the native registry's number alone.
  defp number!(registry) do
    :ets.lookup_element(registry, @number, 2)
  rescue
    ArgumentError -> unknown!(registry)
  end

  defp unique_number!(registry, what) do
    :ets.lookup_element(registry, @unique, 2)
  rescue
    # It is not there, or no unique one.
    ArgumentError -> :regrow_nif.number(unique!(registry, what))
  end

  # Whoever has no entry left need not end with the registry.
  defp unlink_if_unregistered(%Known{native: native} = known) do
    if match?({:ok, []}, :regrow_registry.keys(native, self())), do: Process.unlink(owner(known))
  end

  # The partition of the caller.
  defp owner(%Known{owners: owners}), do: elem(owners, :erlang.phash2(self(), tuple_size(owners)))

  defp tell(listeners, event), do: Enum.each(listeners, &Kernel.send(&1, event))

  # A native registry that is not there any more: its process is about to end.
  defp found!({:ok, found}, _), do: found
  defp found!({:error, _}, registry), do: unknown!(registry)

  defp alive!({:error, reason}, registry) when reason in [:noproc, :not_alive, :wrong_kind], do: unknown!(registry)
  defp alive!(_, _), do: :ok

  defp unknown!(registry, hint \\ ""), do: raise(ArgumentError, "unknown registry: #{inspect(registry)}#{hint}")
end
