# Exercise 3: a pool of database connections, each in the hands of a worker that may crash.
#
#     DatabaseSystem       supervisor, one_for_one
#     |- Registry          where worker N is: {:db_worker, N}
#     `- DatabasePool      supervisor, one_for_one: a query leads to the worker phash2(query, 3) + 1
#        `- 1, 2, 3        servers
#
# A query asks for whoever is there now, and waits while that is nobody: a restart is none of its business.
Code.require_file("drill.exs", __DIR__)
alias Regrow.{Registry, Supervisor, Table}

defmodule DatabaseSystem do
  use Supervisor

  def start_link, do: Supervisor.start_link(__MODULE__, nil, name: __MODULE__)

  @impl Supervisor
  def init(_) do
    children = [{Registry, keys: :unique, name: DB.Registry}, DatabasePool]
    Supervisor.init(children, strategy: :one_for_one)
  end
end

defmodule DatabasePool do
  use Supervisor

  @pool_size 3

  def start_link(_), do: Supervisor.start_link(__MODULE__, nil, name: __MODULE__)

  @impl Supervisor
  def init(_) do
    children = for i <- 1..@pool_size, do: Supervisor.child_spec({DatabaseWorker, i}, id: {:db_worker, i})
    Supervisor.init(children, strategy: :one_for_one)
  end

  def query(sql), do: sql |> choose_worker() |> DatabaseWorker.query(sql)

  defp choose_worker(sql), do: :erlang.phash2(sql, @pool_size) + 1
end

defmodule DatabaseWorker do
  use GenServer

  def start_link(worker_id), do: GenServer.start_link(__MODULE__, worker_id, name: via_tuple(worker_id))
  def query(worker_id, sql), do: Drill.ask(via_tuple(worker_id), {:query, sql})
  def via_tuple(worker_id), do: {:via, Registry, {DB.Registry, {:db_worker, worker_id}}}

  ## Callbacks

  # The table counts the connections that each worker has had, over all its lives.
  @impl GenServer
  def init(worker_id) do
    IO.puts("   db worker #{worker_id} is connecting")
    connection = Table.update_counter(Table.whereis(:connections), worker_id, 1, {worker_id, 0})
    {:ok, %{id: worker_id, connection: connection, query_count: 0}}
  end

  @impl GenServer
  def handle_call({id, {:query, sql}}, _from, state) do
    Drill.begin(id)
    # Simulate query, by the clock of these programs.
    :drill.sleep(50)

    case sql do
      "SELECT " <> _ ->
        new_state = %{state | query_count: state.query_count + 1}
        {:reply, {"Result for: #{sql}", new_state}, new_state}

      # Let process crash
      _ ->
        exit(:syntax_error)
    end
  end
end

# A query goes on by itself while this process moves the clock.
send_query = fn sql ->
  query = Task.async(fn -> DatabasePool.query(sql) end)
  :drill.settle()
  query
end

finish = fn query ->
  fn -> Task.yield(query, 0) || :drill.advance(50) end
  |> Stream.repeatedly()
  |> Enum.find_value(&with {:ok, outcome} <- &1, do: outcome, else: (_ -> nil))
end

print_outcome = fn sql, query ->
  case finish.(query) do
    {:ok, {result, worker}} ->
      IO.puts("   #{result} (worker #{worker.id}, its connection #{worker.connection}, query #{worker.query_count})")

    {:error, reason} ->
      IO.puts("   #{sql}: the worker ended, #{reason}")
  end
end

query = fn sql -> print_outcome.(sql, send_query.(sql)) end
kill_worker = fn worker_id -> :drill.kill(GenServer.whereis(DatabaseWorker.via_tuple(worker_id))) end

IO.puts("1. Three workers, each with its connection.")
Table.new(:connections, [:public, :named_table])
{:ok, _} = DatabaseSystem.start_link()
query.("SELECT * FROM users")
query.("SELECT * FROM posts")

IO.puts("2. {db_worker, 2} is killed. Queries go on, also the next one to it, over a fresh connection.")
kill_worker.(2)
query.("SELECT * FROM users")
query.("SELECT * FROM posts")

IO.puts("3. A query that fails is its worker's end, and nobody else's.")
query.("DROP EVERYTHING")
query.("SELECT * FROM users")
query.("SELECT * FROM posts")

IO.puts("4. What a worker was at when it was killed is lost; it may have had its effect. What waited is not.")
# The restarts until now do not count any more.
:drill.advance(10_000)
first = send_query.("SELECT * FROM users")
second = send_query.("SELECT * FROM users")
:drill.advance(25)
kill_worker.(2)
:drill.settle()
print_outcome.("SELECT * FROM users", first)
print_outcome.("SELECT * FROM users", second)

IO.puts("5. Four kills within five seconds are the pool's end too, and the system starts another.")
:drill.advance(10_000)
before = Process.whereis(DatabasePool)

outcomes =
  for _ <- 1..4 do
    kill_worker.(2)
    {outcome, _} = "SELECT * FROM users" |> send_query.() |> finish.()
    outcome
  end

IO.puts(
  "   a new pool: #{Drill.yes_or_no(Process.whereis(DatabasePool) != before)}; " <>
    "queries: #{Enum.count(outcomes, &(&1 == :ok))} answered, #{Enum.count(outcomes, &(&1 == :error))} errors"
)
