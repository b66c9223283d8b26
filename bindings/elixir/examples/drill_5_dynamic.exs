# Drill 5: jobs are children that come when they are asked for, and go when they are done.
Code.require_file("drill.exs", __DIR__)
alias Regrow.DynamicSupervisor

defmodule JobSupervisor do
  use DynamicSupervisor

  def start_link, do: DynamicSupervisor.start_link(__MODULE__, nil, name: __MODULE__)

  @impl DynamicSupervisor
  def init(_), do: DynamicSupervisor.init(strategy: :one_for_one)

  def start_job(job_id, job_data), do: DynamicSupervisor.start_child(__MODULE__, {JobWorker, {job_id, job_data}})
  def stop_job(pid), do: DynamicSupervisor.terminate_child(__MODULE__, pid)
  def count_children, do: DynamicSupervisor.count_children(__MODULE__)
end

defmodule JobWorker do
  # Temporary: a job that crashed halfway is not done again behind the back of whoever asked for it.
  use GenServer, restart: :temporary

  def start_link({job_id, job_data}), do: GenServer.start_link(__MODULE__, {job_id, job_data})

  @impl GenServer
  def init({job_id, job_data}) do
    IO.puts("   job #{job_id} started with #{job_data}")
    # As Process.send_after/3, by the clock of these programs.
    :drill.send_after(self(), :work_done, 5000)
    {:ok, %{job_id: job_id, data: job_data}}
  end

  @impl GenServer
  def handle_info(:work_done, state) do
    IO.puts("   job #{state.job_id} completed")
    {:stop, :normal, state}
  end
end

print_count = fn ->
  count = JobSupervisor.count_children()

  IO.puts("   active #{count.active}, specs #{count.specs}, supervisors #{count.supervisors}, workers #{count.workers}")
end

IO.puts("1. A supervisor without children.")
{:ok, _} = JobSupervisor.start_link()
print_count.()

IO.puts("2. Five jobs, a second apart.")
data = ["process_data", "send_email", "resize_image", "write_report", "clean_up"]

[_, second | _] =
  for {data, id} <- Enum.with_index(data, 1) do
    if id > 1, do: :drill.advance(1000)
    {:ok, pid} = JobSupervisor.start_job(id, data)
    pid
  end

IO.puts("3. How many there are. A child is a spec: as in Elixir there are as many.")
print_count.()

IO.puts("4. Job 2 is stopped.")
:ok = JobSupervisor.stop_job(second)
print_count.()

IO.puts("5. The others complete; after five seconds there is none.")
:drill.advance(5000)
print_count.()

IO.puts("6. Temporary: a job that is killed is not started again.")
{:ok, pid} = JobSupervisor.start_job(6, "crash_test")
:drill.kill(pid)
:drill.settle()
print_count.()
