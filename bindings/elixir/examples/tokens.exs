# tokens: one server for each app keeps a token for it, gets another before it expires, and comes back when it crashes.
#
#     Tokens.Supervisor       supervisor, rest_for_one
#     |- Registry             which app has which app server
#     |- ETSOwner             owns the table of tokens, and does nothing that could end it
#     |- Task.Supervisor      tokens are written to the storage in tasks
#     `- DynamicSupervisor    20 restarts in 60 s
#        |- "my-app"          app servers, started when somebody asks for the app
#        `- ...
#
# Without the registry everybody would be lost, so all begin anew. Without the table every app server would have to, so
# they do; what they had is in the storage. An app server that ends ends alone. Every name is the user's: several of
# these trees live in one program.
#
# What it says of itself below are the claims of the C program, whose threads are processes here.
Code.require_file("drill.exs", __DIR__)
alias Regrow.{DynamicSupervisor, Registry, Supervisor, Table}
alias Regrow.Task.Supervisor, as: TaskSupervisor

defmodule Tokens.Supervisor do
  use Supervisor

  # `opts` is a map: the names :name, :registry, :ets_owner, :task_sup, :dynamic_sup and :ets_table; :max_restarts of
  # app servers; how long a token is good (:ttl_ms), and how long before its end it is replaced (:early_ms); and
  # :cmd_fn (app -> token), :load_fn (app -> row | nil) and :save_fn (row -> any). A row is {app, token, expires_ms}.
  def start_link(opts), do: Supervisor.start_link(__MODULE__, opts, name: opts.name)

  @impl Supervisor
  def init(opts) do
    children = [
      {Registry, keys: :unique, name: opts.registry},
      {Tokens.ETSOwner, opts},
      {TaskSupervisor, name: opts.task_sup},
      {DynamicSupervisor,
       name: opts.dynamic_sup, strategy: :one_for_one, max_restarts: opts.max_restarts, max_seconds: 60}
    ]

    Supervisor.init(children, strategy: :rest_for_one)
  end

  # The app server of an app; one is started if there is none. Of all who find nobody one starts it, and the others look
  # again. It is not the pid of {:already_started, pid} that they take: that one may have ended meanwhile.
  def resolve_app_server(app, opts) do
    with nil <- whereis_app_server(app, opts),
         :ignore <- DynamicSupervisor.start_child(opts.dynamic_sup, {Tokens.AppServer, {app, opts}}) do
      resolve_app_server(app, opts)
    else
      pid when is_pid(pid) -> {:ok, pid}
      other -> other
    end
  end

  # An entry is gone before anybody can see that its process is, so what is found was alive when it was found.
  def whereis_app_server(app, opts) do
    with [{pid, _}] <- Registry.lookup(opts.registry, app), do: pid, else: ([] -> nil)
  end

  # Nearly always the table has the token, and no process is asked.
  def get(app, opts) do
    with nil <- Tokens.AppServer.read(app, opts), {:ok, pid} <- resolve_app_server(app, opts) do
      GenServer.call(pid, :get, :infinity)
    else
      {^app, token, _} -> token
    end
  end

  # A new token in any case, after which nobody is given the old one.
  def refresh(app, opts) do
    {:ok, pid} = resolve_app_server(app, opts)
    GenServer.call(pid, :refresh, :infinity)
  end
end

defmodule Tokens.ETSOwner do
  use GenServer

  def start_link(opts), do: GenServer.start_link(__MODULE__, opts, name: opts.ets_owner)

  @impl GenServer
  def init(opts), do: {:ok, Table.new(opts.ets_table, [:public, :named_table])}
end

# Gets tokens for one app, one at a time. Whoever asks while it is at it waits, and then finds what it got.
defmodule Tokens.AppServer do
  use GenServer

  # One that comes second, be it started again after a crash, gives way to who has the app by then.
  def start_link({app, opts}) do
    with {:error, {:already_started, _}} <-
           GenServer.start_link(__MODULE__, {app, opts}, name: {:via, Registry, {opts.registry, app}}),
         do: :ignore
  end

  # The row of an app, if there is one that has not expired.
  def read(app, opts) do
    with [row] <- Table.lookup(Table.whereis(opts.ets_table), app), true <- left(row) > 0, do: row, else: (_ -> nil)
  end

  defp left({_, _, expires}), do: expires - :drill.now()

  # One that is started again finds the token of the one before in the table.
  @impl GenServer
  def init({app, opts}) do
    opts.started_fn.()
    state = %{app: app, opts: opts, timer: nil}
    {:ok, if(row = read(app, opts), do: start_timer(state, row), else: state)}
  end

  @impl GenServer
  def handle_call(:get, _from, %{app: app, opts: opts} = state) do
    cond do
      row = read(app, opts) -> {:reply, elem(row, 1), state}
      (row = opts.load_fn.(app)) && left(row) > 0 -> {:reply, elem(row, 1), write(state, row)}
      true -> acquire(state)
    end
  end

  # The old token is out of the table before the new one is asked for: who looks meanwhile asks this server.
  def handle_call(:refresh, _from, %{app: app, opts: opts} = state) do
    Table.delete(Table.whereis(opts.ets_table), app)
    acquire(state)
  end

  # The token is still good, and stays in the table until there is another.
  @impl GenServer
  def handle_info({:soft_expiry, timer}, %{timer: timer} = state) do
    {:reply, _, state} = acquire(state)
    {:noreply, state}
  end

  def handle_info({:soft_expiry, _}, state), do: {:noreply, state}

  # A new token, into the table and to the storage. The latter in a task: a slow storage keeps nobody waiting, and one
  # that fails ends only the task.
  defp acquire(%{app: app, opts: opts} = state) do
    token = opts.cmd_fn.(app)
    row = {app, token, :drill.now() + opts.ttl_ms}
    state = write(state, row)
    {:ok, _} = TaskSupervisor.start_child(opts.task_sup, fn -> opts.save_fn.(row) end)
    {:reply, token, state}
  end

  defp write(state, row) do
    Table.insert(Table.whereis(state.opts.ets_table), row)
    start_timer(state, row)
  end

  defp start_timer(state, row) do
    timer = make_ref()
    :drill.send_after(self(), {:soft_expiry, timer}, max(left(row) - state.opts.early_ms, 0))
    %{state | timer: timer}
  end
end

# A tree under names of its own, with a backend that is no more than a counter and a clock, and a storage that is a
# table.
defmodule Trio do
  @settings %{commands: 1, starts: 2, command_ms: 3, save_ms: 4, no_save: 5}
  @members [:registry, :ets_owner, :task_sup, :dynamic_sup]

  def start(prefix, opts \\ %{}) do
    settings = :atomics.new(map_size(@settings), [])
    storage = Table.new(:storage, [:public])

    backend = %{
      cmd_fn: fn app ->
        number = :atomics.add_get(settings, @settings.commands, 1)
        :drill.sleep(:atomics.get(settings, @settings.command_ms))
        "#{app}-token-#{number}"
      end,
      load_fn: fn app -> storage |> Table.lookup(app) |> List.first() end,
      save_fn: fn row ->
        :drill.sleep(:atomics.get(settings, @settings.save_ms))
        if :atomics.get(settings, @settings.no_save) == 1, do: exit(:not_saved)
        Table.insert(storage, row)
      end,
      started_fn: fn -> :atomics.add(settings, @settings.starts, 1) end
    }

    names = for part <- [:name, :ets_table | @members], into: %{}, do: {part, :"#{prefix}.#{part}"}
    defaults = %{ttl_ms: 3_600_000, early_ms: 60_000, max_restarts: 20}
    opts = Map.merge(defaults, opts) |> Map.merge(names) |> Map.merge(backend)
    {:ok, _} = Tokens.Supervisor.start_link(opts)
    Map.merge(opts, %{settings: settings, storage: storage})
  end

  def set(trio, setting, value), do: :atomics.put(trio.settings, @settings[setting], value)
  def get(trio, setting), do: :atomics.get(trio.settings, @settings[setting])
  def size(trio), do: trio.ets_table |> Table.whereis() |> Table.info(:size)
  def stored?(trio, app, token), do: match?([{_, ^token, _}], Table.lookup(trio.storage, app))

  def resolve(trio, app) do
    {:ok, pid} = Tokens.Supervisor.resolve_app_server(app, trio)
    pid
  end

  def members(trio) do
    :drill.settle()
    for member <- @members, do: {member, Process.whereis(trio[member])}
  end

  # Whether those from `first` on are new since `before`, and the others are not.
  def new_from?(trio, before, first) do
    now = members(trio)
    from = Enum.find_index(@members, &(&1 == first)) || length(@members)
    {old, new} = Enum.split(Enum.zip(before, now), from)
    Enum.all?(old, fn {same, now} -> same == now end) and Enum.all?(new, fn {gone, now} -> gone != now end)
  end

  # A client is a process that asks for a token and tells what it got. This returns when it waits for something.
  def client(trio, app, ask \\ &Tokens.Supervisor.get/2) do
    main = self()
    spawn(fn -> send(main, {:answer, ask.(app, trio)}) end)
    :drill.settle()
  end

  # The answers that there are since they were last looked at.
  def answers do
    receive do
      {:answer, token} -> [token | answers()]
    after
      0 -> []
    end
  end

  def gets?(trio, app, token) do
    client(trio, app)
    answers() == [token]
  end

  def kill(pid) do
    :drill.kill(pid)
    :drill.settle()
  end

  def claim(id, holds, sentence) do
    IO.puts("#{id} #{if holds, do: "ok", else: "FAILED"} #{sentence}")
    holds || Agent.update(Failures, &(&1 + 1))
  end
end

defmodule Claims do
  import Trio, only: [claim: 3, client: 2, client: 3, answers: 0, gets?: 3, kill: 1]

  defp at_once(function), do: 0..63 |> Enum.map(&Task.async(fn -> function.(&1) end)) |> Task.await_many(60_000)

  def resolve_at_once(prefix, apps, sentence) do
    trio = Trio.start(prefix)
    pids = at_once(fn n -> {rem(n, apps), Trio.resolve(trio, "app-#{rem(n, apps)}")} end)
    by_app = Enum.uniq(pids)
    pids_of_apps = Enum.uniq_by(by_app, &elem(&1, 1))
    claim("TS1", Trio.get(trio, :starts) == apps and length(by_app) == apps and by_app == pids_of_apps, sentence)
  end

  # Whoever has heard of an end finds nobody, or the next one.
  def look_after_ends do
    trio = Trio.start("ends", %{max_restarts: 6400})
    nobody = Tokens.Supervisor.whereis_app_server("app-0", trio) == nil and Trio.get(trio, :starts) == 0

    stale =
      at_once(fn n ->
        for _ <- 1..50, found <- end_and_look(trio, "app-#{n}"), do: found
      end)

    claim("TS2", nobody, "whereis finds nobody, and starts nobody")

    claim(
      "TS2",
      List.flatten(stale) == [],
      "64 threads x 50 ends: nobody who had heard of an end was given the one that had ended"
    )
  end

  defp end_and_look(trio, app) do
    ended = Trio.resolve(trio, app)
    :drill.kill(ended)
    found = [Tokens.Supervisor.whereis_app_server(app, trio), Trio.resolve(trio, app)]
    for pid <- found, pid, pid == ended or not Process.alive?(pid), do: pid
  end

  def who_falls_with_whom do
    trio = Trio.start("falls")
    before = if gets?(trio, "my-app", "my-app-token-1") and Trio.size(trio) == 1, do: Trio.members(trio)
    kill(before[:registry])
    holds = Trio.new_from?(trio, before, :registry) and Trio.size(trio) == 0
    nobody = Tokens.Supervisor.whereis_app_server("my-app", trio) == nil

    claim(
      "TS3",
      holds and nobody,
      "the registry is killed: all four are new, the table is empty, no app server is there"
    )

    before = if gets?(trio, "my-app", "my-app-token-1") and Trio.size(trio) == 1, do: Trio.members(trio)
    kill(before[:ets_owner])

    claim(
      "TS3",
      Trio.new_from?(trio, before, :ets_owner) and Trio.size(trio) == 0,
      "the owner of the table is killed: it and those behind it are new, the registry is not, the table is empty"
    )

    claim(
      "TS3",
      gets?(trio, "my-app", "my-app-token-1") and Trio.get(trio, :commands) == 1,
      "the first to ask then has the token from the storage, not from a command"
    )

    before = Trio.members(trio)
    [app, other] = Enum.map(["my-app", "other-app"], &Trio.resolve(trio, &1))
    kill(app)
    new = Trio.resolve(trio, "my-app") != app and Trio.resolve(trio, "other-app") == other

    claim(
      "TS3",
      new and Trio.new_from?(trio, before, nil) and Trio.size(trio) == 1,
      "an app server is killed: only it is new, the table is as it was"
    )

    # That one does not count any more.
    :drill.advance(60_001)
    for _ <- 1..20, do: kill(Trio.resolve(trio, "my-app"))

    claim("TS3", Trio.new_from?(trio, before, nil), "20 app servers are killed within 60 s: nobody else is new")
    kill(Trio.resolve(trio, "my-app"))

    claim(
      "TS3",
      Trio.new_from?(trio, before, :dynamic_sup),
      "the 21st: the dynamic supervisor is new, and nobody else"
    )

    claim("TS3", gets?(trio, "my-app", "my-app-token-1"), "the token outlived all of it")
  end

  def side_by_side_and_together do
    trio = Trio.start("slow")
    Trio.set(trio, :command_ms, 100)
    client(trio, "one")
    client(trio, "two")
    :drill.advance(99)
    early = answers()
    :drill.advance(1)

    claim(
      "TS4",
      early == [] and length(answers()) == 2 and Trio.size(trio) == 2,
      "two apps whose commands take 100 ms each have their tokens after 100 ms"
    )

    for _ <- 1..10, do: client(trio, "same")
    :drill.advance(100)

    claim(
      "TS4",
      answers() == List.duplicate("same-token-3", 10) and Trio.get(trio, :commands) == 3,
      "ten ask for one token at once: one command, and all have it after 100 ms"
    )
  end

  def new_tokens_for_old do
    refresh = &Tokens.Supervisor.refresh/2
    trio = Trio.start("fresh", %{ttl_ms: 1000, early_ms: 200})
    first = gets?(trio, "app", "app-token-1")
    Trio.set(trio, :command_ms, 100)
    client(trio, "app", refresh)
    for _ <- 1..5, do: client(trio, "app")
    early = answers()
    :drill.advance(100)

    claim(
      "TS5",
      first and early == [] and answers() == List.duplicate("app-token-2", 6) and Trio.get(trio, :commands) == 2,
      "a refresh, and five who ask meanwhile: all have the new token, by one command"
    )

    # That token came at this moment, and is good for 1,000 ms.
    Trio.set(trio, :command_ms, 0)
    :drill.advance(799)
    before = gets?(trio, "app", "app-token-2") and Trio.get(trio, :commands) == 2
    :drill.advance(1)

    claim(
      "TS5",
      before and Trio.get(trio, :commands) == 3 and gets?(trio, "app", "app-token-3"),
      "200 ms before its end a token is replaced, though nobody asks"
    )

    Trio.set(trio, :save_ms, 500)
    client(trio, "app", refresh)
    at_once = answers() == ["app-token-4"] and Trio.stored?(trio, "app", "app-token-3")
    :drill.advance(500)

    claim(
      "TS5",
      at_once and Trio.stored?(trio, "app", "app-token-4"),
      "a storage that takes 500 ms delays nobody, and has the token then"
    )

    Trio.set(trio, :save_ms, 0)
    Trio.set(trio, :no_save, 1)
    server = Trio.resolve(trio, "app")
    client(trio, "app", refresh)
    answered = answers() == ["app-token-5"]

    claim(
      "TS5",
      answered and Trio.stored?(trio, "app", "app-token-4") and Trio.resolve(trio, "app") == server,
      "a storage that fails costs nobody the token, and ends nobody but its task"
    )
  end

  def several do
    trios = for n <- 0..3, do: Trio.start("trio-#{n}")
    got = Enum.all?(trios, &gets?(&1, "my-app", "my-app-token-1"))
    pids = Enum.map(trios, &Trio.resolve(&1, "my-app"))
    own = Enum.all?(trios, &(Trio.get(&1, :commands) == 1 and Trio.size(&1) == 1))

    claim(
      "TS6",
      got and own and Enum.uniq(pids) == pids,
      "four trees: the same app has a server, a table and a token of its own in each"
    )

    before = Enum.map(trios, &Trio.members/1)
    kill(Enum.at(before, 2)[:registry])

    holds =
      for {{trio, pid, before}, n} <- Enum.with_index(Enum.zip([trios, pids, before])) do
        if n == 2,
          do: Trio.new_from?(trio, before, :registry) and Trio.size(trio) == 0,
          else: Trio.new_from?(trio, before, nil) and Trio.size(trio) == 1 and Trio.resolve(trio, "my-app") == pid
      end

    claim("TS6", Enum.all?(holds), "the registry of one is killed: the other three do not notice")
  end
end

{:ok, _} = Agent.start_link(fn -> 0 end, name: Failures)
Claims.resolve_at_once("one", 1, "64 threads resolve one app at once: one start, one pid, no error")
Claims.resolve_at_once("eight", 8, "64 threads resolve eight apps at once: eight starts, a pid for each")
Claims.look_after_ends()
Claims.who_falls_with_whom()
Claims.side_by_side_and_together()
Claims.new_tokens_for_old()
Claims.several()
if Agent.get(Failures, & &1) > 0, do: exit({:shutdown, 1})
