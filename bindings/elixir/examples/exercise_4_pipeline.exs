# Exercise 4: a pipeline whose stages depend on the ones before, so rest_for_one: whoever crashes takes along what comes
# after it.
#
#     Pipeline             supervisor, rest_for_one
#     |- input             5 becomes {:validated, 5}
#     |- process           {:validated, 5} becomes {:processed, 10}
#     `- output            prints it
Code.require_file("drill.exs", __DIR__)
alias Regrow.Supervisor

defmodule Pipeline do
  use Supervisor

  # `ids` are what the stages go by under their supervisor.
  def start_link(ids), do: Supervisor.start_link(__MODULE__, ids, name: __MODULE__)

  @impl Supervisor
  def init(ids) do
    stages = [{:input, nil}, {:process, :input}, {:output, :process}]
    children = for {id, stage} <- Enum.zip(ids, stages), do: Supervisor.child_spec({Stage, stage}, id: id)
    # If upstream crashes, downstream should restart
    Supervisor.init(children, strategy: :rest_for_one)
  end

  def submit(data), do: Stage.submit(:input, data)
end

defmodule Stage do
  use GenServer

  def start_link({name, upstream}), do: GenServer.start_link(__MODULE__, {name, upstream}, name: name)
  def submit(stage, data), do: GenServer.cast(stage, {:data, data})

  ## Callbacks

  @impl GenServer
  def init({name, upstream}) do
    IO.puts("   stage #{name} started (upstream: #{upstream || "none"})")
    {:ok, %{name: name, upstream: upstream, processed: 0}}
  end

  @impl GenServer
  def handle_cast({:data, data}, state) do
    IO.puts("   #{state.name} is processing: #{Drill.show(data)}")
    processed = transform(state.name, data)

    # Pass to next stage
    if downstream = next_stage(state.name), do: submit(downstream, processed)
    {:noreply, %{state | processed: state.processed + 1}}
  end

  defp transform(:input, data), do: {:validated, data}
  defp transform(:process, {:validated, data}), do: {:processed, data * 2}
  defp transform(:output, {:processed, data}), do: IO.puts("   Output: #{data}")

  defp next_stage(:input), do: :process
  defp next_stage(:process), do: :output
  defp next_stage(:output), do: nil
end

stages = [:input, :process, :output]

kill = fn victim ->
  before = Enum.map(stages, &Process.whereis/1)
  IO.puts("#{victim} is killed.")
  :drill.kill(Process.whereis(victim))
  :drill.settle()

  for {stage, before} <- Enum.zip(stages, before) do
    IO.puts("   #{stage}: #{if Process.whereis(stage) == before, do: "as before", else: "new"}")
  end
end

submit = fn number ->
  IO.puts("#{number} is submitted.")
  Pipeline.submit(number)
  :drill.settle()
end

# A supervisor that does not start ends who is linked with it.
Process.flag(:trap_exit, true)

IO.puts("Three stages of one id are refused.")
{:error, reason} = error = Pipeline.start_link([Stage, Stage, Stage])
IO.puts("   #{Drill.code(error)}: #{Drill.show(reason)}")

IO.puts("Each has an id of its own.")
{:ok, _} = Pipeline.start_link(stages)
submit.(5)
Enum.each([:process, :output, :input], kill)
submit.(21)
