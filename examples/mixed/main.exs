# One supervisor, five children, five languages: C, C++, Elixir, Gleam and Python. Each counts how often it was asked.
# One after another they are killed: who was killed counts from 1 again, and nobody else notices.
#
#   make mixed        at the top of the tree
alias Regrow.{Server, Supervisor}

# What is told of the killed.
Logger.configure_backend(:console, device: :standard_error)

# Plug-ins: libraries that give servers names, by which specifications start them.
built = Path.expand("../../build/mixed", __DIR__)
for plugin <- ["c.so", "cpp.so", "python.so"], do: :ok = :regrow.load_plugin(Path.join(built, plugin))
Code.prepend_path(Path.join(built, "ebin"))
Code.require_file("counter.ex", __DIR__)

children = [
  %{id: "C", kind: :behaviour, behaviour: "counter in C"},
  %{id: "C++", kind: :behaviour, behaviour: "counter in C++"},
  Supervisor.child_spec({Mixed.Counter, 0}, id: "Elixir"),
  %{id: "Gleam", start: {:mixed@counter, :start_link, []}},
  %{id: "Python", kind: :behaviour, behaviour: "counter in Python"}
]

defmodule Mixed do
  # The children as they stand, in the order of their specifications.
  def children(supervisor), do: supervisor |> Supervisor.which_children() |> Enum.reverse()

  def ask_all(supervisor, what) do
    counts = for {_, pid, _, _} <- children(supervisor), do: Server.call(pid, :next)
    row([what | counts])
  end

  # Ends when another child stands in the place of the one that was killed.
  def kill(supervisor, language) do
    old = child(supervisor, language)
    :regrow.exit(old, :kill)
    regrown(supervisor, language, old)
  end

  def row([first | cells]) do
    cells = for cell <- cells, do: String.pad_leading(to_string(cell), 8)
    IO.puts(String.pad_trailing(first, 15) <> Enum.join(cells))
  end

  defp regrown(supervisor, language, old) do
    case child(supervisor, language) do
      new when is_pid(new) and new != old -> new
      _ -> regrown(supervisor, language, old)
    end
  end

  defp child(supervisor, language) do
    {_, pid, _, _} = List.keyfind(children(supervisor), language, 0)
    pid
  end
end

{:ok, supervisor} = Supervisor.start_link(children, strategy: :one_for_one, max_restarts: 5)
languages = for {language, _, _, _} <- Mixed.children(supervisor), do: language

Mixed.row(["" | languages])
Mixed.ask_all(supervisor, "started")

for language <- languages do
  Mixed.kill(supervisor, language)
  Mixed.ask_all(supervisor, "#{language} killed")
end

Supervisor.stop(supervisor)
