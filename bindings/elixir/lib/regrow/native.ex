defmodule Regrow.Native do
  @moduledoc false
  # Native processes that a process of the BEAM stands for: registries, groups and topics.

  @doc """
  Starts a native process that ends with the caller, whatever ends that; the caller, which traps exits, hears of its end.

  A link is not enough: who keeps entries for others outlives those that it is linked with.
  """
  @spec start_link(pid, map) :: {:ok, pid} | {:error, term}
  def start_link(root, spec) do
    with {:ok, native} <- :regrow.start_link(root, spec) do
      owner = self()
      spawn(fn -> guard(owner, native) end)
      {:ok, native}
    end
  end

  defp guard(owner, native) do
    monitor = Process.monitor(owner)
    end_of_native = :regrow.monitor(native)

    receive do
      {:DOWN, ^monitor, _, _, _} -> :regrow.exit(native, :kill)
      {:DOWN, ^end_of_native, _, _, _} -> :ok
    end
  end
end
