# Drill 1: registries find processes by keys of any shape, and forget them before anyone can know of their end.
Code.require_file("drill.exs", __DIR__)
alias Regrow.Registry

defmodule Worker do
  def start_link(id) do
    spawn(fn ->
      {:ok, _} = Registry.register(:my_registry, {:task, id}, {:priority, 10 - id})
      loop(id)
    end)
  end

  defp loop(id) do
    receive do
      {:work, data} ->
        IO.puts("   task #{id} works at: #{data}")
        loop(id)

      # What belongs to nobody but the sender: it wants the caller to have an entry.
      {:register, registry, key} ->
        {:ok, _} = Registry.register(registry, key, nil)
        loop(id)

      {:claim, key, from} ->
        send(from, {:claimed, Registry.register(:my_registry, key, nil)})
        loop(id)

      :stop ->
        :ok
    end
  end
end

look_up = fn id ->
  case Registry.lookup(:my_registry, {:task, id}) do
    [] ->
      IO.puts("   {task,#{id}}: 0 found")

    [{pid, value}] ->
      IO.puts("   {task,#{id}}: 1 found, beside it #{Drill.show(value)}")
      pid
  end
end

{:ok, _} = Registry.start_link(name: :my_registry, keys: :unique)

IO.puts("1. Five processes register as {task, Number}.")
[first, second, third, fourth, fifth] = Enum.map(1..5, &Worker.start_link/1)
# A spawn does not wait for what the process does first.
:drill.settle()
IO.puts("   my_registry: #{Registry.count(:my_registry)} entries")

IO.puts("2. One is found by its key, and gets a message.")
send(look_up.(2), {:work, "important task"})
:drill.settle()

IO.puts("3. A second process for the same key is refused.")
send(first, {:claim, {:task, 2}, self()})

receive do
  {:claimed, {:error, {already, holder}} = error} ->
    IO.puts(
      "   #{Drill.code(error)}, {already_registered, Pid}: #{Drill.yes_or_no(already == :already_registered)}; " <>
        "Pid is who has it: #{Drill.yes_or_no(holder == second)}"
    )
end

IO.puts("4. Who ends is not found any more, neither killed nor by itself.")
:drill.kill(third)
look_up.(3)
:drill.end_by(&send(&1, :stop), fourth)
look_up.(4)
# A lookup is never stale; a count may be, for a moment.
:drill.settle()
IO.puts("   my_registry: #{Registry.count(:my_registry)} entries")

IO.puts("5. In a duplicate registry many processes have one key, and one may have it twice.")
{:ok, _} = Registry.start_link(name: :crowd, keys: :duplicate)
for pid <- [first, second, fifth, fifth], do: send(pid, {:register, :crowd, :workers})
:drill.settle()
IO.puts("   crowd: #{Registry.count(:crowd)} entries")
:drill.kill(fifth)

Registry.dispatch(:crowd, :workers, fn entries ->
  IO.puts("   one of them ends, and #{length(entries)} entries are left to dispatch to")
end)
