# Drill 3: how far an error goes is decided by the tree. Each answer below is read off the pids.
#
#     System               supervisor, one_for_one
#     |- Registry          where the database's workers are
#     |- Database          supervisor, one_for_one
#     |  |- 1, 2, 3        servers, registered as {db_worker, N}
#     |- Cache             server
#     `- API               server
Code.require_file("drill.exs", __DIR__)
alias Regrow.{Registry, Supervisor}

defmodule Component do
  use GenServer

  def start_link({name, key}), do: GenServer.start_link(__MODULE__, key, name: name)

  # The database's workers register as {:db_worker, n}, so there must be a registry when they start.
  @impl GenServer
  def init(nil), do: {:ok, nil}

  def init(key) do
    {:ok, _} = Registry.register(:Registry, key, nil)
    {:ok, key}
  rescue
    # Elixir's registries raise that they are unknown; this is what a call to one that is not there exits with.
    ArgumentError -> {:stop, :noproc}
  end
end

defmodule MyApp do
  @names [:System, :Registry, :Database, :Worker1, :Worker2, :Worker3, :Cache, :API]

  def component(name, key \\ nil), do: Supervisor.child_spec({Component, {name, key}}, id: name)
  def registry, do: {Registry, keys: :unique, name: :Registry}
  def workers, do: for(n <- 1..3, do: component(:"Worker#{n}", {:db_worker, n}))

  def database do
    %{
      id: :Database,
      type: :supervisor,
      start: {Supervisor, :start_link, [workers(), [strategy: :one_for_one, name: :Database]]}
    }
  end

  def start_system(children), do: Supervisor.start_link(children, strategy: :one_for_one, name: :System)

  # Children are told the last started first; drawn they are in the order of their start. Of what kind a child is C is
  # told by which_children; here it is seen from its module.
  def draw(supervisor, depth) do
    for {id, pid, type, modules} <- Enum.reverse(Supervisor.which_children(supervisor)) do
      kind = if modules == [Registry], do: :registry, else: if(type == :worker, do: :server, else: :supervisor)
      IO.puts([String.duplicate("   ", depth), Drill.show(id), ", ", Drill.show(kind)])
      if kind == :supervisor, do: draw(pid, depth + 1)
    end
  end

  # Kills who has that name, so many times, and tells who has another pid than before, and who has none.
  def crash(name, times) do
    # Earlier restarts do not count any more.
    :drill.advance(10_000)
    before = look()

    for _ <- 1..times do
      :drill.kill(Process.whereis(name))
      :drill.settle()
    end

    changes =
      for {{name, old}, {name, now}} <- Enum.zip(before, look()), old != now do
        " #{if now, do: "new", else: "no"} #{name},"
      end

    IO.puts("   #{name} is killed #{if times == 1, do: "once", else: "four times"}:#{changes} all else as before")
  end

  defp look, do: for(name <- @names, do: {name, Process.whereis(name)})
end

# The end of a system is to be looked at, and not to be shared.
Process.flag(:trap_exit, true)
children = [MyApp.registry(), MyApp.database(), MyApp.component(:Cache), MyApp.component(:API)]

IO.puts("1. The tree:")
{:ok, _} = MyApp.start_system(children)
IO.puts("   System")
MyApp.draw(:System, 2)

IO.puts("2. A database worker crashes:")
MyApp.crash(:Worker2, 1)
IO.puts("3. The database crashes:")
MyApp.crash(:Database, 1)
IO.puts("4. The cache crashes:")
MyApp.crash(:Cache, 1)
Supervisor.stop(:System)

IO.puts("5. The registry before the database, because the other way round the workers find none:")

{:error, reason} =
  error = MyApp.start_system([MyApp.database(), MyApp.registry(), MyApp.component(:Cache), MyApp.component(:API)])

IO.puts(["   ", Drill.code(error), "\n   ", Drill.show(reason)])

IO.puts("6. A supervisor of its own for the database: what is too much for it is one restart for the system.")
{:ok, _} = MyApp.start_system(children)
MyApp.crash(:Worker1, 4)
Supervisor.stop(:System)
IO.puts("   With the workers directly under the system it is the system's end:")
{:ok, _} = MyApp.start_system([MyApp.registry()] ++ MyApp.workers() ++ [MyApp.component(:Cache), MyApp.component(:API)])
MyApp.crash(:Worker1, 4)
