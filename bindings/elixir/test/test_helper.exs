# Crashes are looked for here, not read about. The limits are for what hangs: a busy machine may take its time.
ExUnit.start(capture_log: true, assert_receive_timeout: 30_000, timeout: 180_000)

# What goes to different processes comes in no order: one who is told next to end another may have done it before that
# gets the monitor, which then says noproc.
defmodule Watch do
  # Returns once the process is monitored.
  def monitor(pid) do
    monitor = Process.monitor(pid)
    await(pid)
    monitor
  end

  # Looks again and again; what never comes true ends with the test's time.
  def until(condition) do
    condition.() || until(condition)
  end

  defp await(pid) do
    {:monitored_by, who} = Process.info(pid, :monitored_by)
    self() in who || await(pid)
  end
end

# What is in test/same holds of Elixir's own modules as well: the line that makes the difference is left out, and the
# installed Elixir is asked the same.
for file <- Path.wildcard(Path.join(__DIR__, "same/*_test.exs")) do
  file
  |> File.read!()
  |> String.replace(~r/^ *alias Regrow\..*$/m, "")
  |> String.replace(~r/^defmodule Same\./m, "defmodule Elixirs.")
  |> Code.compile_string(file)
end
