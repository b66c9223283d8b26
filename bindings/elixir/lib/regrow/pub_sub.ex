defmodule Regrow.PubSub do
  @moduledoc """
  One message to many processes, by topic or by group; native processes and those of the BEAM alike.

      children = [{Regrow.PubSub, name: MyApp.PubSub}]

      Regrow.PubSub.subscribe(MyApp.PubSub, "rooms.42")
      Regrow.PubSub.broadcast(MyApp.PubSub, "rooms.42", {:said, "hello"})

  The functions for topics are those that Phoenix.PubSub has: `subscribe/3`, `unsubscribe/2`, `broadcast/3`,
  `broadcast_from/4`, and with `!` or `local_`; there are no dispatchers and no other nodes. A topic is a string of pieces between dots; who subscribes to a pattern, with `*`
  for one piece, and `>` at the end for one or more, gets what is broadcast to any topic that it matches. The functions
  for groups are those of OTP's `:pg`, within this node: a group is any term. Who joins or leaves with a list of pids is
  told of one by one, and a scope that is not there is an `ArgumentError`.

  Who has ended is no subscriber and no member, as soon as anybody can see that.

  A pubsub is a process of the BEAM, which has the name, and a native one (`native/1`); they end together. `:runtime`
  names the runtime that it is in; see `Regrow.Runtime`. A name that nobody has is an `ArgumentError`, and so is a topic
  that is none.

  ## Examples

      iex> {:ok, _} = Regrow.PubSub.start_link(name: Regrow.PubSub.Example)
      iex> :ok = Regrow.PubSub.subscribe(Regrow.PubSub.Example, "rooms.*")
      iex> :ok = Regrow.PubSub.broadcast(Regrow.PubSub.Example, "rooms.42", :hello)
      iex> receive do: (message -> message)
      :hello
      iex> Regrow.PubSub.subscriber_count(Regrow.PubSub.Example, "rooms.42")
      1
      iex> Regrow.PubSub.join(Regrow.PubSub.Example, {:group, 1}, self())
      :ok
      iex> Regrow.PubSub.members(Regrow.PubSub.Example, {:group, 1})
      [self()]
  """

  @type t :: atom
  @type topic :: String.t()
  @type group :: term

  @typedoc """
  How a process is subscribed:

    * `:queue` - a string: each message goes to one of those who are in the same queue group;
    * `:max_messages` - so many are kept for who has not received them; then `{:lag, topic, count}` stands for those
      that are missing, which are the newest or, with `overflow: :drop_oldest`, the oldest;
    * `:once` - nothing happens when the process is subscribed to that topic;
    * `:pid` - who is subscribed, instead of the caller.
  """
  @type how ::
          {:queue, String.t()}
          | {:max_messages, non_neg_integer}
          | {:overflow, :drop_newest | :drop_oldest}
          | {:once, boolean}
          | {:pid, pid}

  @doc "A specification to start one under a supervisor; its id is its name."
  @spec child_spec(keyword) :: Supervisor.child_spec()
  def child_spec(options) do
    %{id: Keyword.get(options, :name, __MODULE__), start: {__MODULE__, :start_link, [options]}, type: :supervisor}
  end

  @doc """
  Starts one, linked with the caller. Options: `:name` (an atom), which must be given, `:runtime`.
  """
  @spec start_link(keyword) :: GenServer.on_start()
  def start_link(options) do
    name = Keyword.get(options, :name)

    unless is_atom(name) and name != nil do
      raise ArgumentError, "expected :name to be given and to be an atom, got: #{inspect(name)}"
    end

    {root, rest} = Regrow.Runtime.pop(options)
    unknown = Keyword.keys(rest) -- [:name]
    unless unknown == [], do: raise(ArgumentError, "unknown option of a pubsub: #{inspect(hd(unknown))}")
    Regrow.Native.start_link(root, name, %{kind: :pubsub}, &{&1, [], []})
  end

  @doc "The native pubsub, for `:regrow_pubsub` and native code."
  @spec native(t) :: pid
  def native(pubsub) when is_atom(pubsub) do
    case Regrow.Native.fetch(pubsub) do
      {:ok, native} -> native
      :error -> unknown!(pubsub)
    end
  end

  # ---- topics ----

  @doc "Subscribes the caller to a topic or a pattern; a second time, it gets each message twice."
  @spec subscribe(t, topic, [how]) :: :ok | {:error, term}
  def subscribe(pubsub, topic, how \\ []) when is_atom(pubsub) and is_binary(topic) and is_list(how) do
    :regrow_pubsub.subscribe(native(pubsub), topic, Map.new(how)) |> here!(pubsub)
  end

  @doc "Takes all subscriptions of a process to a topic, or a pattern, away."
  @spec unsubscribe(t, topic, pid) :: :ok
  def unsubscribe(pubsub, topic, pid \\ self()) when is_atom(pubsub) and is_binary(topic) and is_pid(pid) do
    :regrow_pubsub.unsubscribe(native(pubsub), topic, pid) |> here!(pubsub)
  end

  @doc "Sends a message to all who are subscribed to a topic."
  @spec broadcast(t, topic, term) :: :ok | {:error, term}
  def broadcast(pubsub, topic, message) when is_atom(pubsub) and is_binary(topic) do
    :regrow_pubsub.broadcast(native(pubsub), topic, message) |> here!(pubsub)
  end

  @doc "As `broadcast/3`, but for one process, which as a rule is the sender."
  @spec broadcast_from(t, pid, topic, term) :: :ok | {:error, term}
  def broadcast_from(pubsub, from, topic, message) when is_atom(pubsub) and is_pid(from) and is_binary(topic) do
    :regrow_pubsub.broadcast_from(native(pubsub), from, topic, message) |> here!(pubsub)
  end

  @doc "As `broadcast/3`: a pubsub is within one node."
  @spec local_broadcast(t, topic, term) :: :ok | {:error, term}
  def local_broadcast(pubsub, topic, message), do: broadcast(pubsub, topic, message)

  @doc "As `broadcast_from/4`: a pubsub is within one node."
  @spec local_broadcast_from(t, pid, topic, term) :: :ok | {:error, term}
  def local_broadcast_from(pubsub, from, topic, message), do: broadcast_from(pubsub, from, topic, message)

  @doc "The name of the node that a pubsub is within."
  @spec node_name(t) :: node
  def node_name(pubsub) when is_atom(pubsub) do
    _ = native(pubsub)
    node()
  end

  @doc "As `broadcast/3`; raises what would be an error."
  @spec broadcast!(t, topic, term) :: :ok
  def broadcast!(pubsub, topic, message), do: broadcast(pubsub, topic, message) |> ok!()

  @doc "As `broadcast_from/4`; raises what would be an error."
  @spec broadcast_from!(t, pid, topic, term) :: :ok
  def broadcast_from!(pubsub, from, topic, message), do: broadcast_from(pubsub, from, topic, message) |> ok!()

  defp ok!(:ok), do: :ok
  defp ok!({:error, reason}), do: raise("the broadcast failed: #{inspect(reason)}")

  @doc "How many subscriptions a broadcast meets; those of processes that have ended this moment may be counted still."
  @spec subscriber_count(t, topic) :: non_neg_integer
  def subscriber_count(pubsub, topic) when is_atom(pubsub) and is_binary(topic) do
    :regrow_pubsub.subscriber_count(native(pubsub), topic) |> found!(pubsub)
  end

  # ---- groups ----

  @doc "Makes a process, or each of a list, a member of a group; once more, if it is one."
  @spec join(t, group, pid | [pid]) :: :ok
  def join(pubsub, group, pids) when is_atom(pubsub) do
    native = native(pubsub)

    # As with :pg, one that is dead is a member no more, and no error.
    for pid <- pids!(pids) do
      with {:error, :noproc} <- :regrow_pubsub.join(native, group, pid) do
        :regrow.is_alive(native) || unknown!(pubsub)
      end
    end

    :ok
  end

  @doc "Takes a process, or each of a list, out of a group, once. `:not_joined`: none of them was a member."
  @spec leave(t, group, pid | [pid]) :: :ok | :not_joined
  def leave(pubsub, group, pids) when is_atom(pubsub) do
    native = native(pubsub)

    for pid <- pids!(pids), reduce: :not_joined do
      outcome ->
        case :regrow_pubsub.leave(native, group, pid) do
          :ok -> :ok
          {:error, :not_joined} -> outcome
          {:error, _} -> unknown!(pubsub)
        end
    end
  end

  defp pids!(pid) when is_pid(pid), do: [pid]

  defp pids!(pids) do
    if is_list(pids) and Enum.all?(pids, &is_pid/1) do
      pids
    else
      raise ArgumentError, "expected a pid or a list of pids, got: #{inspect(pids)}"
    end
  end

  @doc "The members of a group, in no order, each as often as it joined."
  @spec members(t, group) :: [pid]
  def members(pubsub, group) when is_atom(pubsub) do
    :regrow_pubsub.members(native(pubsub), group) |> found!(pubsub)
  end

  @doc "The groups that have members."
  @spec which_groups(t) :: [group]
  def which_groups(pubsub) when is_atom(pubsub), do: :regrow_pubsub.which_groups(native(pubsub)) |> found!(pubsub)

  @doc "Sends a message to all members of a group, and tells how many times it was sent."
  @spec send(t, group, term) :: non_neg_integer
  def send(pubsub, group, message) when is_atom(pubsub) do
    :regrow_pubsub.send(native(pubsub), group, message) |> found!(pubsub)
  end

  @doc """
  Has the caller get `{ref, :join, group, pids}` and `{ref, :leave, group, pids}`, and tells the members that there are.
  """
  @spec monitor(t, group) :: {reference, [pid]}
  def monitor(pubsub, group) when is_atom(pubsub) do
    :regrow_pubsub.monitor(native(pubsub), group) |> found!(pubsub)
  end

  @doc "Ends a monitor: nothing of it comes any more. `false`: there is none."
  @spec demonitor(t, reference) :: :ok | false
  def demonitor(pubsub, ref) when is_atom(pubsub) and is_reference(ref) do
    case :regrow_pubsub.demonitor(native(pubsub), ref) do
      :ok -> :ok
      {:error, :not_found} -> false
      {:error, _} -> unknown!(pubsub)
    end
  end

  # ---- the rest ----

  defp found!({:ok, found}, _), do: found
  defp found!({:error, _}, pubsub), do: unknown!(pubsub)

  # A subscriber that is dead is told as an error; a pubsub that is not there is none of the caller's making.
  defp here!({:error, reason} = error, pubsub) when reason in [:noproc, :not_alive] do
    if :regrow.is_alive(native(pubsub)), do: error, else: unknown!(pubsub)
  end

  defp here!(outcome, _), do: outcome

  defp unknown!(pubsub), do: raise(ArgumentError, "unknown pubsub: #{inspect(pubsub)}")
end
