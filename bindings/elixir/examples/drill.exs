# What the drills share: a runtime whose clock stands still (`../../erlang/examples/drill.erl` moves it), and printing.
#
# Crashes are what these programs are about, so there are no reports of them.
defmodule Drill do
  alias Regrow.Table

  @doc "Has the application's runtime go by a clock that moves only when it is told to."
  def start do
    Logger.configure(level: :none)
    :ok = Application.stop(:regrow)
    Application.put_env(:regrow, :runtime, clock: :manual, log_level: :silent)
    {:ok, _} = Application.ensure_all_started(:regrow)
    {:ok, _} = :drill.start_link(Regrow.Runtime.root(Regrow.Runtime))
    Table.new(:begun, [:public, :named_table])
  end

  @doc """
  Asks whoever has a name, waiting while that is nobody; `{:error, reason}`: it ended over the request.

  The exit of a call does not say whether the server had begun with it, or whether it still lay in the mailbox. So these
  servers say what they begin with, and what nobody has begun with goes to the next who has the name. Native calls by
  name do that of themselves.
  """
  def ask(name, request) do
    id = make_ref()

    try do
      {:ok, GenServer.call(await(name), {id, request}, :infinity)}
    catch
      :exit, {reason, _call} ->
        if Table.member(Table.whereis(:begun), id), do: {:error, reason}, else: ask(name, request)
    end
  end

  @doc "Called by a server when it begins with a request of `ask/2`."
  def begin(id), do: Table.insert(Table.whereis(:begun), {id})

  # Without a sleep: whoever sleeps on the BEAM's time is quiet to :drill.settle/0.
  defp await(name) do
    with nil <- GenServer.whereis(name) do
      :erlang.yield()
      await(name)
    end
  end

  def yes_or_no(true), do: "yes"
  def yes_or_no(false), do: "no"

  @doc "A term as Erlang writes it; modules are called as in Elixir."
  def show(term), do: "~w" |> :io_lib.format([term]) |> to_string() |> String.replace("'Elixir.", "'")

  @doc "What regrow.h calls the errors that these programs meet; Elixir has reasons, and no codes."
  def code({:error, {already, pid}}) when already in [:already_registered, :already_started] and is_pid(pid),
    do: "REGROW_ERR_EXISTS"

  def code({:error, {reason, _}}) when reason in [:shutdown, :start_spec], do: "REGROW_ERR_START"
  def code({:error, :not_found}), do: "REGROW_ERR_NOT_FOUND"
  def code({:exit, _}), do: "REGROW_ERR_EXITED"
end

source = Path.expand("../../erlang/examples/drill.erl", __DIR__)
{:ok, module, code} = :compile.file(String.to_charlist(source), [:binary, :report])
{:module, ^module} = :code.load_binary(module, 'drill.erl', code)
Drill.start()
