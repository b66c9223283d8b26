defmodule Same.SupervisorTest do
  use ExUnit.Case, async: true
  alias Regrow.Supervisor

  defmodule Worker do
    use GenServer
    def start_link({:fail, reason}), do: {:error, reason}
    def start_link(:ignore), do: :ignore
    def start_link(:nonsense), do: :nonsense
    def start_link(:raise), do: raise("oops")
    def start_link({:info, arg}), do: with({:ok, pid} <- GenServer.start_link(__MODULE__, arg), do: {:ok, pid, :info})
    def start_link(arg), do: GenServer.start_link(__MODULE__, arg)

    @impl true
    def init(arg) do
      with {:tell, to, word} <- arg do
        Process.flag(:trap_exit, true)
        send(to, {:began, word, self()})
      end

      {:ok, arg}
    end

    @impl true
    def handle_call(:ancestors, _, state), do: {:reply, Process.get(:"$ancestors"), state}

    @impl true
    def terminate(reason, {:tell, to, word}), do: send(to, {:ended, word, reason})
    def terminate(_, _), do: :ok
  end

  defmodule Tree do
    use Supervisor, restart: :transient, id: :tree

    def start_link({answer, options}), do: Supervisor.start_link(__MODULE__, answer, options)

    @impl true
    def init({:children, children, options}), do: Supervisor.init(children, options)
    def init(answer), do: answer
  end

  defp child(id, arg \\ 0, more \\ %{}), do: Map.merge(%{id: id, start: {Worker, :start_link, [arg]}}, more)

  defp begin(children, options \\ []),
    do: Supervisor.start_link(children, Keyword.put_new(options, :strategy, :one_for_one))

  defp pid_of(supervisor, id),
    do: Enum.find_value(Supervisor.which_children(supervisor), &(elem(&1, 0) == id && elem(&1, 1)))

  defp eventually(holds) do
    unless holds.() do
      Process.sleep(1)
      eventually(holds)
    end
  end

  # Kills a child, and returns the pid of the next.
  defp kill(supervisor, id, reason \\ :kill) do
    pid = pid_of(supervisor, id)
    monitor = Process.monitor(pid)
    Process.exit(pid, reason)
    assert_receive {:DOWN, ^monitor, _, _, _}
    eventually(fn -> pid_of(supervisor, id) not in [pid, :undefined, :restarting] end)
    pid_of(supervisor, id)
  end

  setup do
    Process.flag(:trap_exit, true)
    :ok
  end

  test "children are started in their order, and end in the other" do
    me = self()
    {:ok, supervisor} = begin(for word <- [:a, :b, :c], do: child(word, {:tell, me, word}))
    for word <- [:a, :b, :c], do: assert_receive({:began, ^word, _})
    assert [{:c, c, :worker, [Worker]}, {:b, _, _, _}, {:a, _, _, _}] = Supervisor.which_children(supervisor)
    assert is_pid(c)
    assert [^supervisor | _] = GenServer.call(c, :ancestors)
    assert Supervisor.count_children(supervisor) == %{specs: 3, active: 3, supervisors: 0, workers: 3}
    assert Supervisor.stop(supervisor) == :ok
    ended = for _ <- 1..3, do: assert_receive({:ended, _, :shutdown}) |> elem(1)
    assert ended == [:c, :b, :a]
    assert_receive {:EXIT, ^supervisor, :normal}
    refute Process.alive?(c)
    assert {:noproc, {GenServer, :call, _}} = catch_exit(Supervisor.which_children(supervisor))
  end

  test "it ends as it is told, and with who it is linked with" do
    {:ok, supervisor} = begin([child(:a)])
    pid = pid_of(supervisor, :a)
    assert Supervisor.stop(supervisor, :shutdown, 30_000) == :ok
    assert_receive {:EXIT, ^supervisor, :shutdown}
    refute Process.alive?(pid)
    me = self()

    {parent, monitor} =
      spawn_monitor(fn ->
        {:ok, supervisor} = begin([child(:a)])
        send(me, {:pids, supervisor, pid_of(supervisor, :a)})
        receive do: (:end -> exit(:shutdown))
      end)

    assert_receive {:pids, supervisor, pid}
    ends = Watch.monitor(supervisor)
    send(parent, :end)
    assert_receive {:DOWN, ^monitor, _, _, :shutdown}
    assert_receive {:DOWN, ^ends, _, _, :shutdown}
    refute Process.alive?(pid)
  end

  test "who crashes is started again, with those that the strategy says" do
    for {strategy, others} <- [one_for_one: [], one_for_all: [:a, :b, :c], rest_for_one: [:b, :c]] do
      {:ok, supervisor} = begin([child(:a), child(:b), child(:c)], strategy: strategy)
      before = for id <- [:a, :b, :c], into: %{}, do: {id, pid_of(supervisor, id)}
      kill(supervisor, :b)
      eventually(fn -> Enum.all?(Map.keys(before), &is_pid(pid_of(supervisor, &1))) end)
      replaced = for {id, pid} <- before, pid_of(supervisor, id) != pid, do: id
      assert replaced == if(others == [], do: [:b], else: others)
      :ok = Supervisor.stop(supervisor)
    end
  end

  test "it gives up when too many have crashed" do
    {:ok, supervisor} = begin([child(:a)], max_restarts: 2, max_seconds: 60)
    kill(supervisor, :a)
    kill(supervisor, :a)
    Process.exit(pid_of(supervisor, :a), :kill)
    assert_receive {:EXIT, ^supervisor, :shutdown}
  end

  test "who has seen a child end finds it started again" do
    children = for id <- 1..3, do: %{id: id, start: {Agent, :start_link, [fn -> id end]}, restart: :transient}
    {:ok, supervisor} = Supervisor.start_link(children, strategy: :one_for_all, max_restarts: 1000)

    for _ <- 1..20 do
      before = Supervisor.which_children(supervisor)
      {2, pid, :worker, _} = List.keyfind(before, 2, 0)
      monitor = Process.monitor(pid)
      Process.exit(pid, :kill)
      assert_receive {:DOWN, ^monitor, _, _, :killed}
      now = Supervisor.which_children(supervisor)
      for {id, next, _, _} <- now, do: assert(is_pid(next) and next != elem(List.keyfind(before, id, 0), 1))
    end

    {3, pid, :worker, _} = List.keyfind(Supervisor.which_children(supervisor), 3, 0)
    Agent.stop(pid)
    assert {3, :undefined, :worker, [Agent]} in Supervisor.which_children(supervisor)
    assert Supervisor.count_children(supervisor) == %{specs: 3, active: 2, supervisors: 0, workers: 3}
    assert :supervisor.get_callback_module(supervisor) |> Module.split() |> List.last() == "Default"
    assert {:supervisor, _, 1} = :proc_lib.translate_initial_call(supervisor)
  end

  test "it gives up when one ends at once, again and again" do
    for _ <- 1..20 do
      child = %{id: 1, start: {Task, :start_link, [fn -> :ok end]}}
      {:ok, supervisor} = Supervisor.start_link([child], strategy: :one_for_one)
      assert_receive {:EXIT, ^supervisor, reason}
      assert reason == :shutdown
    end
  end

  test "what a child's restart says" do
    children = for restart <- [:permanent, :transient, :temporary], do: child(restart, 0, %{restart: restart})
    {:ok, supervisor} = begin(children, max_restarts: 10)
    transient = kill(supervisor, :transient)
    kill(supervisor, :permanent)
    :ok = GenServer.stop(pid_of(supervisor, :permanent))
    eventually(fn -> is_pid(pid_of(supervisor, :permanent)) end)
    :ok = GenServer.stop(transient)
    eventually(fn -> pid_of(supervisor, :transient) == :undefined end)
    Process.exit(pid_of(supervisor, :temporary), :kill)
    eventually(fn -> length(Supervisor.which_children(supervisor)) == 2 end)
    assert Supervisor.count_children(supervisor) == %{specs: 2, active: 1, supervisors: 0, workers: 2}
  end

  test "children come and go" do
    {:ok, supervisor} = begin([])
    assert {:ok, pid} = Supervisor.start_child(supervisor, {Worker, 1})
    assert {:error, {:already_started, ^pid}} = Supervisor.start_child(supervisor, {Worker, 1})
    assert {:error, :running} = Supervisor.restart_child(supervisor, Worker)
    assert {:error, :running} = Supervisor.delete_child(supervisor, Worker)
    assert :ok = Supervisor.terminate_child(supervisor, Worker)
    refute Process.alive?(pid)
    assert {:error, :already_present} = Supervisor.start_child(supervisor, {Worker, 1})
    assert [{Worker, :undefined, :worker, [Worker]}] = Supervisor.which_children(supervisor)
    assert {:ok, other} = Supervisor.restart_child(supervisor, Worker)
    assert other != pid
    assert :ok = Supervisor.terminate_child(supervisor, Worker)
    assert :ok = Supervisor.delete_child(supervisor, Worker)

    for call <- [:terminate_child, :delete_child, :restart_child],
        do: assert({:error, :not_found} = apply(Supervisor, call, [supervisor, Worker]))

    assert {:ok, _, :info} = Supervisor.start_child(supervisor, {Worker, {:info, 1}})
    assert {:ok, :undefined} = Supervisor.start_child(supervisor, child(:ignored, :ignore))
    assert [{:ignored, :undefined, :worker, [Worker]}, _] = Supervisor.which_children(supervisor)

    assert {:error, {:oops, {:child, :undefined, :failed, {Worker, :start_link, [{:fail, :oops}]}, _, _, _, _, _}}} =
             Supervisor.start_child(supervisor, child(:failed, {:fail, :oops}))

    assert {:error, {:nonsense, {:child, _, _, _, _, _, _, _, _}}} =
             Supervisor.start_child(supervisor, child(:failed, :nonsense))

    assert {:error, {{:EXIT, {%RuntimeError{message: "oops"}, [_ | _]}}, _}} =
             Supervisor.start_child(supervisor, child(:failed, :raise))

    assert length(Supervisor.which_children(supervisor)) == 2
  end

  test "a child that does not start ends those before it" do
    me = self()

    assert {:error, {:shutdown, {:failed_to_start_child, :b, :oops}}} =
             begin([child(:a, {:tell, me, :a}), child(:b, {:fail, :oops})])

    assert_receive {:ended, :a, :shutdown}
    assert {:error, {:shutdown, {:failed_to_start_child, :b, :nonsense}}} = begin([child(:b, :nonsense)])

    assert {:error, {:shutdown, {:failed_to_start_child, :b, {:EXIT, {%RuntimeError{}, _}}}}} =
             begin([child(:b, :raise)])

    assert {:ok, supervisor} = begin([child(:b, :ignore), child(:c)])
    assert [{:c, _, _, _}, {:b, :undefined, _, _}] = Supervisor.which_children(supervisor)
    assert {:error, {:start_spec, {:duplicate_child_name, :a}}} = begin([child(:a), child(:a)])
  end

  test "a module has an init, and a child_spec" do
    assert Tree.child_spec(1) == %{id: :tree, start: {Tree, :start_link, [1]}, type: :supervisor, restart: :transient}
    {:ok, tree} = Tree.start_link({{:children, [child(:a)], strategy: :one_for_one}, []})
    assert [{:a, _, :worker, [Worker]}] = Supervisor.which_children(tree)
    assert :ignore = Tree.start_link({:ignore, []})
    assert {:error, {:bad_return, {Tree, :init, :nonsense}}} = Tree.start_link({:nonsense, []})
    flags = %{strategy: :one_for_one, intensity: 1, period: 5}

    assert {:error, {:supervisor_data, {:invalid_strategy, :bad}}} =
             Tree.start_link({{:ok, {%{flags | strategy: :bad}, []}}, []})

    assert {:error, {:supervisor_data, {:invalid_intensity, -1}}} =
             Tree.start_link({{:ok, {%{flags | intensity: -1}, []}}, []})

    assert {:error, {:supervisor_data, {:invalid_period, 0}}} = Tree.start_link({{:ok, {%{flags | period: 0}, []}}, []})
    assert {:error, {:start_spec, _}} = Tree.start_link({{:ok, {flags, [%{id: 1}]}}, []})
    {:ok, outer} = begin([{Tree, {{:children, [child(:a)], strategy: :one_for_one}, []}}])
    assert [{:tree, inner, :supervisor, [Tree]}] = Supervisor.which_children(outer)
    assert Supervisor.count_children(outer).supervisors == 1
    pid = pid_of(inner, :a)
    :ok = Supervisor.stop(outer)
    refute Process.alive?(pid)
  end

  test "it has a name" do
    name = Module.concat(__MODULE__, Named)
    {:ok, supervisor} = begin([child(:a)], name: name)
    assert Process.whereis(name) == supervisor
    assert [{:a, _, _, _}] = Supervisor.which_children(name)
    assert {:error, {:already_started, ^supervisor}} = begin([], name: name)
    :ok = Supervisor.stop(name)
    {:ok, supervisor} = begin([], name: {:global, name})
    assert :global.whereis_name(name) == supervisor
    :ok = Supervisor.stop({:global, name})
    {:ok, supervisor} = begin([], name: {:via, :global, name})
    assert :global.whereis_name(name) == supervisor

    text =
      "expected :name option to be one of the following:\n\n  * nil\n  * atom\n  * {:global, term}\n  * {:via, module, term}\n\nGot: \"text\"\n"

    assert_raise ArgumentError, text, fn -> begin([], name: "text") end
  end

  test "what is wrong" do
    assert_raise ArgumentError, "expected :strategy option to be given", fn -> Supervisor.start_link([], []) end
    assert_raise ArgumentError, ~r/^supervisors expect each child to be one of the following/, fn -> begin(["text"]) end

    assert_raise ArgumentError, ~r/^The module Same.NoSuchModule was given as a child/, fn ->
      begin([Same.NoSuchModule])
    end

    assert {:error, {:supervisor_data, {:invalid_strategy, :bad}}} = begin([], strategy: :bad)
    {:ok, supervisor} = begin([])
    assert {:error, :missing_start} = Supervisor.start_child(supervisor, %{id: 1})

    assert {:error, {:invalid_restart_type, :often}} =
             Supervisor.start_child(supervisor, child(:a, 0, %{restart: :often}))

    assert {:error, {:invalid_mfa, 17}} = Supervisor.start_child(supervisor, %{id: 1, start: 17})
    assert_raise ArgumentError, fn -> Supervisor.start_child(supervisor, "text") end
    assert {:noproc, _} = catch_exit(Supervisor.stop(Same.NoSuchName))
    assert Supervisor.count_children(supervisor).specs == 0
  end

  test "a child specification is made of a module, and changed" do
    assert Supervisor.child_spec({Agent, 1}, id: :a, restart: :temporary) == %{
             id: :a,
             start: {Agent, :start_link, [1]},
             restart: :temporary
           }

    text = "unknown key :color in child specification override"
    assert_raise ArgumentError, text, fn -> Supervisor.child_spec({Agent, 1}, color: :red) end
    flags = %{strategy: :one_for_all, intensity: 3, period: 5}

    assert Supervisor.init([{Agent, 1}], strategy: :one_for_all) ==
             {:ok, {flags, [%{id: Agent, start: {Agent, :start_link, [1]}}]}}
  end

  test "it stands under another" do
    tree = %{
      id: :inner,
      start: {Supervisor, :start_link, [[child(:a)], [strategy: :one_for_one, max_restarts: 0]]},
      type: :supervisor
    }

    {:ok, outer} = begin([tree], max_restarts: 5)
    inner = pid_of(outer, :inner)
    Process.exit(pid_of(inner, :a), :kill)
    eventually(fn -> is_pid(pid_of(outer, :inner)) and pid_of(outer, :inner) != inner end)
    inner = pid_of(outer, :inner)
    pid = pid_of(inner, :a)
    Process.exit(inner, :kill)
    eventually(fn -> is_pid(pid_of(outer, :inner)) and pid_of(outer, :inner) != inner end)
    eventually(fn -> not Process.alive?(pid) end)
  end
end
