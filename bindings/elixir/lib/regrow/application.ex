defmodule Regrow.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_, _) do
    options = Application.get_env(:regrow, :runtime, [])
    children = [{Regrow.Runtime, [name: Regrow.Runtime] ++ options}]
    Supervisor.start_link(children, strategy: :one_for_one, name: Regrow.Application.Supervisor)
  end
end
