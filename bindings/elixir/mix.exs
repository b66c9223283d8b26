defmodule Mix.Tasks.Compile.RegrowNif do
  @moduledoc false
  # The NIF of ../erlang, by its Makefile. The Erlang modules there are compiled by Mix itself (erlc_paths).
  use Mix.Task.Compiler

  @erlang Path.expand("../erlang", __DIR__)

  @impl true
  def run(_) do
    case System.cmd("make", ["--no-print-directory", "-C", @erlang, "nif"], stderr_to_stdout: true) do
      {_, 0} ->
        _ = File.ln_s(Path.join(@erlang, "priv"), Path.join(__DIR__, "priv"))
        Mix.Project.build_structure()
        {:ok, []}

      {output, _} ->
        Mix.raise("the NIF cannot be built:\n" <> output)
    end
  end
end

defmodule Regrow.MixProject do
  use Mix.Project

  def project do
    [
      app: :regrow,
      version: "0.1.0",
      description: "OTP for native code: Elixir's Registry, Supervisor and so on, over libregrow",
      elixir: "~> 1.14",
      compilers: [:regrow_nif] ++ Mix.compilers(),
      erlc_paths: ["../erlang/src"],
      erlc_options: [:debug_info, :warnings_as_errors],
      elixirc_options: [warnings_as_errors: true],
      start_permanent: Mix.env() == :prod,
      deps: []
    ]
  end

  def application do
    [mod: {Regrow.Application, []}, extra_applications: [:logger]]
  end
end
