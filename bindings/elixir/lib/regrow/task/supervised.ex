defmodule Regrow.Task.Supervised do
  @moduledoc false
  # The streams of `Regrow.Task`. They are Elixir's, whose exits name an Elixir module, `{reason, {Task.Supervised, :stream,
  # [timeout]}}`; to who has `alias Regrow.Task` that is this one.

  @doc "A stream of Elixir's `Task`, with that difference."
  @spec stream(Enumerable.t()) :: Enumerable.t()
  def stream(elixirs), do: &run(fn -> Enumerable.reduce(elixirs, &1, &2) end)

  defp run(reduce) do
    case reduce.() do
      {:suspended, accumulator, continue} ->
        {:suspended, accumulator, fn command -> run(fn -> continue.(command) end) end}

      outcome ->
        outcome
    end
  catch
    :exit, {reason, {Task.Supervised, :stream, arguments}} -> exit({reason, {__MODULE__, :stream, arguments}})
  end
end
