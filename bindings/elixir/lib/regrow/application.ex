defmodule Regrow.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_, _) do
    options = Application.get_env(:regrow, :runtime, [])

    children = [
      {Regrow.Runtime, [name: Regrow.Runtime] ++ options},
      # Where partition supervisors are that have no atom for a name.
      {Regrow.Registry, keys: :unique, name: Regrow.PartitionSupervisor.Registry}
    ]

    Supervisor.start_link(children, strategy: :rest_for_one, name: Regrow.Application.Supervisor)
  end
end
