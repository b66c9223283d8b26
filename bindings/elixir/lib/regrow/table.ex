defmodule Regrow.Table do
  @moduledoc """
  Tables, as OTP's `:ets` has them, shared with native code: the same functions, options and results.

  A table belongs to the process that makes it, and is gone as soon as anybody can see that this has ended, or is its
  heir's. What only the owner may do costs a message each way: a table that one process writes to often is better
  `:public`.

  What is different from `:ets`:

    * A table is what `new/2` and `whereis/2` give; with `:named_table` it is found by its name, and is not that name.
    * `:runtime` in the options of `new/2` names the runtime that it is in; see `Regrow.Runtime`.
    * A continuation goes on from its place whatever was inserted and deleted meanwhile, and may be used twice; no table
      needs to be fixed for it.
    * A file of `tab2file/2` is for `file2tab/2` here, and for native code; what is wrong with a file is said plainly, as
      in `{:error, :enoent}`.
    * The ref in `{:"ETS-TRANSFER", ref, from, data}` is made a table by `of_ref/2`.

  What `:ets` raises is an `ArgumentError` here too, which says why: there is no such table, it is another's, an
  argument is wrong.

  ## Examples

      iex> table = Regrow.Table.new(:words, [:ordered_set, :public])
      iex> Regrow.Table.insert(table, [{"b", 2}, {"a", 1}])
      true
      iex> Regrow.Table.lookup(table, "a")
      [{"a", 1}]
      iex> Regrow.Table.update_counter(table, "a", 41)
      42
      iex> Regrow.Table.select(table, [{{:"$1", :"$2"}, [{:>, :"$2", 2}], [:"$1"]}])
      ["a"]
      iex> Regrow.Table.tab2list(table)
      [{"a", 42}, {"b", 2}]
      iex> Regrow.Table.delete(table)
      true
  """

  @opaque t :: :regrow_table.table()
  @type option ::
          :set
          | :ordered_set
          | :bag
          | :duplicate_bag
          | :protected
          | :public
          | :private
          | :named_table
          | {:keypos, pos_integer}
          | {:heir, pid, term}
          | {:heir, :none}
          | {:runtime, Regrow.Runtime.t()}

  @doc "Makes a table of the caller's; options as `:ets.new/2` takes them, those for speed too, which say nothing here."
  @spec new(atom, [option]) :: t
  def new(name, options \\ []) when is_atom(name) and is_list(options) do
    {runtime, options} = Enum.split_with(options, &match?({:runtime, _}, &1))
    {root, _} = Regrow.Runtime.pop(runtime)

    options =
      Enum.flat_map(options, fn
        :named_table -> [name: Atom.to_string(name)]
        :compressed -> []
        {speed, _} when speed in [:read_concurrency, :write_concurrency, :decentralized_counters] -> []
        {:name, _} = option -> wrong!("new", {:option, option})
        option -> [option]
      end)

    given!("new", fn -> :regrow_table.new(root, options) end)
  end

  @doc "The table with a name, in a runtime; `:undefined`: there is none."
  @spec whereis(atom, Regrow.Runtime.t()) :: t | :undefined
  def whereis(name, runtime \\ Regrow.Runtime) when is_atom(name) do
    case :regrow_table.whereis(Regrow.Runtime.root(runtime), Atom.to_string(name)) do
      {:ok, table} -> table
      {:error, :not_found} -> :undefined
    end
  end

  @doc "The table that native code, or `{:\"ETS-TRANSFER\", ref, from, data}`, tells of."
  @spec of_ref(reference, Regrow.Runtime.t()) :: t
  def of_ref(ref, runtime \\ Regrow.Runtime) when is_reference(ref) do
    :regrow_table.of_ref(Regrow.Runtime.root(runtime), ref)
  end

  @doc "What native code knows a table by."
  @spec ref(t) :: reference
  defdelegate ref(table), to: :regrow_table

  @doc "Deletes a table."
  @spec delete(t) :: true
  def delete(table), do: done!("delete", fn -> :regrow_table.delete(table) end)

  @doc "Gives a table of the caller's to a process, which gets `{:\"ETS-TRANSFER\", ref, from, data}`."
  @spec give_away(t, pid, term) :: true
  def give_away(table, pid, data), do: done!("give_away", fn -> :regrow_table.give_away(table, pid, data) end)

  @doc "What can be said of a table; `:undefined`: there is none."
  @spec info(t) :: keyword | :undefined
  def info(table) do
    case :regrow_table.info(table) do
      {:ok, info} -> info
      {:error, _} -> :undefined
    end
  end

  @doc "One thing of `info/1`, as `:size` or `:owner`; `:undefined`: there is no such table, or no such thing."
  @spec info(t, atom) :: term
  def info(table, item) when is_atom(item) do
    with [_ | _] = info <- info(table), do: Keyword.get(info, item, :undefined)
  end

  @doc "Gives a table with a name another; raises when that is taken."
  @spec rename(t, atom) :: t
  def rename(table, name) when is_atom(name) do
    done!("rename", fn -> :regrow_table.rename(table, Atom.to_string(name)) end)
    table
  end

  @doc "Has a table of the caller's go to a process at its end (`{:heir, pid, data}`), or to nobody (`{:heir, :none}`)."
  @spec setopts(t, heir | [heir]) :: true when heir: {:heir, pid, term} | {:heir, :none}
  def setopts(table, options) do
    for option <- List.wrap(options), do: done!("setopts", fn -> :regrow_table.setopts(table, option) end)
    true
  end

  @doc """
  Fixes a table for the caller, or takes one fixation away. While it is fixed, `next/2` goes on from a key that was
  deleted.
  """
  @spec safe_fixtable(t, boolean) :: true
  def safe_fixtable(table, fix) when is_boolean(fix) do
    done!("safe_fixtable", fn -> :regrow_table.safe_fixtable(table, fix) end)
  end

  # ---- files ----

  @doc """
  Writes a table to a file, which takes the place of what was there once it is whole. Options are taken as
  `:ets.tab2file/3` takes them, and say nothing here: a file is always checked and synced. `{:error, :badtab}`: there is
  no such table.
  """
  @spec tab2file(t, Path.t(), keyword) :: :ok | {:error, term}
  def tab2file(table, file, options \\ []) when is_list(options) do
    with {:error, :no_table} <- :regrow_table.tab2file(table, file), do: {:error, :badtab}
  end

  @doc """
  Makes a table of the caller's from such a file, with its name, kind and access. Options: `:runtime`, and `:verify`,
  which says nothing here. `{:error, :bad_file}`: it was written by something else, or is damaged.
  """
  @spec file2tab(Path.t(), keyword) :: {:ok, t} | {:error, term}
  def file2tab(file, options \\ []) when is_list(options) do
    {root, _} = Regrow.Runtime.pop(options)
    :regrow_table.file2tab(root, file)
  end

  # ---- objects ----

  @doc "Inserts an object, or a list of them, all at once."
  @spec insert(t, tuple | [tuple]) :: true
  def insert(table, objects), do: done!("insert", fn -> :regrow_table.insert(table, objects) end)

  @doc "As `insert/2`, unless there is an object of one of their keys."
  @spec insert_new(t, tuple | [tuple]) :: boolean
  def insert_new(table, objects), do: given!("insert_new", fn -> :regrow_table.insert_new(table, objects) end)

  @doc "The objects of a key."
  @spec lookup(t, term) :: [tuple]
  def lookup(table, key), do: given!("lookup", fn -> :regrow_table.lookup(table, key) end)

  @doc "An element of the object of a key; of all of them, where there can be more. Raises when there is none."
  @spec lookup_element(t, term, pos_integer) :: term
  def lookup_element(table, key, position) do
    given!("lookup_element", fn -> :regrow_table.lookup_element(table, key, position) end)
  end

  @doc "Whether there is an object of a key."
  @spec member(t, term) :: boolean
  def member(table, key), do: given!("member", fn -> :regrow_table.member(table, key) end)

  @doc "The objects of a key, which are deleted."
  @spec take(t, term) :: [tuple]
  def take(table, key), do: given!("take", fn -> :regrow_table.take(table, key) end)

  @doc "Deletes the objects of a key."
  @spec delete(t, term) :: true
  def delete(table, key), do: done!("delete", fn -> :regrow_table.delete(table, key) end)

  @doc "Deletes an object."
  @spec delete_object(t, tuple) :: true
  def delete_object(table, object), do: done!("delete_object", fn -> :regrow_table.delete_object(table, object) end)

  @doc "Deletes all objects."
  @spec delete_all_objects(t) :: true
  def delete_all_objects(table), do: done!("delete_all_objects", fn -> :regrow_table.delete_all_objects(table) end)

  @doc "Adds to a number in the object of a key, as `:ets.update_counter/3`."
  @spec update_counter(t, term, term) :: integer | [integer]
  def update_counter(table, key, operation) do
    given!("update_counter", fn -> :regrow_table.update_counter(table, key, operation) end)
  end

  @doc "As `update_counter/3`, with the object that is inserted first when there is none of that key."
  @spec update_counter(t, term, term, tuple) :: integer | [integer]
  def update_counter(table, key, operation, default) when is_tuple(default) do
    given!("update_counter", fn -> :regrow_table.update_counter(table, key, operation, default) end)
  end

  @doc "Replaces elements of the object of a key. `false`: there is none."
  @spec update_element(t, term, {pos_integer, term} | [{pos_integer, term}]) :: boolean
  def update_element(table, key, elements) do
    given!("update_element", fn -> :regrow_table.update_element(table, key, elements) end)
  end

  # ---- many objects ----

  @doc "The first key, or `:\"$end_of_table\"`."
  @spec first(t) :: term
  def first(table), do: given!("first", fn -> :regrow_table.first(table) end)

  @doc "The last key, or `:\"$end_of_table\"`."
  @spec last(t) :: term
  def last(table), do: given!("last", fn -> :regrow_table.last(table) end)

  @doc "The key after another, or `:\"$end_of_table\"`."
  @spec next(t, term) :: term
  def next(table, key), do: given!("next", fn -> :regrow_table.next(table, key) end)

  @doc "The key before another, or `:\"$end_of_table\"`."
  @spec prev(t, term) :: term
  def prev(table, key), do: given!("prev", fn -> :regrow_table.prev(table, key) end)

  @doc "All objects."
  @spec tab2list(t) :: [tuple]
  def tab2list(table), do: given!("tab2list", fn -> :regrow_table.tab2list(table) end)

  @doc "What the variables of a pattern stand for, in each object that matches."
  @spec match(t, tuple | atom) :: [[term]]
  def match(table, pattern), do: given!("match", fn -> :regrow_table.match(table, pattern) end)

  @doc "The objects that match."
  @spec match_object(t, tuple | atom) :: [tuple]
  def match_object(table, pattern), do: given!("match_object", fn -> :regrow_table.match_object(table, pattern) end)

  @doc "Deletes the objects that match."
  @spec match_delete(t, tuple | atom) :: true
  def match_delete(table, pattern) do
    _ = given!("match_delete", fn -> :regrow_table.match_delete(table, pattern) end)
    true
  end

  @doc "What a match specification makes of the objects."
  @spec select(t, :ets.match_spec()) :: [term]
  def select(table, spec), do: given!("select", fn -> :regrow_table.select(table, spec) end)

  @doc "How many objects a match specification gives `true` for."
  @spec select_count(t, :ets.match_spec()) :: non_neg_integer
  def select_count(table, spec), do: given!("select_count", fn -> :regrow_table.select_count(table, spec) end)

  @doc "Deletes the objects that a match specification gives `true` for, and tells how many."
  @spec select_delete(t, :ets.match_spec()) :: non_neg_integer
  def select_delete(table, spec), do: given!("select_delete", fn -> :regrow_table.select_delete(table, spec) end)

  @doc "What a specification gives in place of each object that it matches, with the same key; tells how many."
  @spec select_replace(t, :ets.match_spec()) :: non_neg_integer
  def select_replace(table, spec), do: given!("select_replace", fn -> :regrow_table.select_replace(table, spec) end)

  @doc "As `select/2`, from the last object of an ordered set to the first."
  @spec select_reverse(t, :ets.match_spec()) :: [term]
  def select_reverse(table, spec), do: given!("select_reverse", fn -> :regrow_table.select_reverse(table, spec) end)

  @doc """
  Calls a function with each object and what it gave before. Objects that are deleted meanwhile are not among them,
  unless it was their turn before.

      iex> table = Regrow.Table.new(:numbers, [:ordered_set])
      iex> Regrow.Table.insert(table, [{1, "a"}, {2, "b"}])
      iex> Regrow.Table.foldl(fn {_, text}, before -> before <> text end, "", table)
      "ab"
  """
  @spec foldl((tuple, acc -> acc), acc, t) :: acc when acc: term
  def foldl(function, acc, table) when is_function(function, 2) do
    fold(table, acc, first(table), &next(table, &1), &List.foldl(&1, &2, function))
  end

  @doc "As `foldl/3`, from the last object of an ordered set to the first."
  @spec foldr((tuple, acc -> acc), acc, t) :: acc when acc: term
  def foldr(function, acc, table) when is_function(function, 2) do
    fold(table, acc, last(table), &prev(table, &1), &List.foldr(&1, &2, function))
  end

  defp fold(table, acc, from, step, function) do
    true = safe_fixtable(table, true)

    try do
      fold_from(table, acc, from, step, function)
    after
      safe_fixtable(table, false)
    end
  end

  defp fold_from(_, acc, :"$end_of_table", _, _), do: acc

  defp fold_from(table, acc, key, step, function) do
    acc = function.(lookup(table, key), acc)
    fold_from(table, acc, step.(key), step, function)
  end

  # ---- many objects, part by part ----

  @typedoc "Where a search goes on."
  @opaque continuation :: :regrow_table.continuation()
  @type part(found) :: {[found], continuation | :"$end_of_table"} | :"$end_of_table"

  @doc "As `match/2`, so many at a time; `match/1` goes on."
  @spec match(t, tuple | atom, pos_integer) :: part([term])
  def match(table, pattern, limit), do: given!("match", fn -> :regrow_table.match(table, pattern, limit) end)

  @doc "The next of what `match/3` found."
  @spec match(continuation | :"$end_of_table") :: part([term])
  def match(continuation), do: given!("match", fn -> :regrow_table.match(continuation) end)

  @doc "As `match_object/2`, so many at a time; `match_object/1` goes on."
  @spec match_object(t, tuple | atom, pos_integer) :: part(tuple)
  def match_object(table, pattern, limit) do
    given!("match_object", fn -> :regrow_table.match_object(table, pattern, limit) end)
  end

  @doc "The next of what `match_object/3` found."
  @spec match_object(continuation | :"$end_of_table") :: part(tuple)
  def match_object(continuation), do: given!("match_object", fn -> :regrow_table.match_object(continuation) end)

  @doc """
  As `select/2`, so many at a time; `select/1` goes on.

      iex> table = Regrow.Table.new(:numbers, [:ordered_set])
      iex> Regrow.Table.insert(table, for(n <- 1..3, do: {n}))
      iex> {first, more} = Regrow.Table.select(table, [{{:"$1"}, [], [:"$1"]}], 2)
      iex> {first, Regrow.Table.select(more)}
      {[1, 2], {[3], :"$end_of_table"}}
  """
  @spec select(t, :ets.match_spec(), pos_integer) :: part(term)
  def select(table, spec, limit), do: given!("select", fn -> :regrow_table.select(table, spec, limit) end)

  @doc "The next of what `select/3` found."
  @spec select(continuation | :"$end_of_table") :: part(term)
  def select(continuation), do: given!("select", fn -> :regrow_table.select(continuation) end)

  @doc "As `select_reverse/2`, so many at a time; `select_reverse/1` goes on."
  @spec select_reverse(t, :ets.match_spec(), pos_integer) :: part(term)
  def select_reverse(table, spec, limit) do
    given!("select_reverse", fn -> :regrow_table.select_reverse(table, spec, limit) end)
  end

  @doc "The next of what `select_reverse/3` found."
  @spec select_reverse(continuation | :"$end_of_table") :: part(term)
  def select_reverse(continuation), do: given!("select_reverse", fn -> :regrow_table.select_reverse(continuation) end)

  # ---- the rest ----

  defp given!(function, operation) do
    case operation.() do
      {:ok, given} -> given
      {:error, reason} -> wrong!(function, reason)
    end
  end

  defp done!(function, operation) do
    case operation.() do
      :ok -> true
      {:error, reason} -> wrong!(function, reason)
    end
  end

  defp wrong!(function, reason), do: raise(ArgumentError, "Regrow.Table.#{function}: #{why(reason)}")

  defp why(:no_table), do: "there is no such table"
  defp why(:access), do: "the table is another's"
  defp why(:not_found), do: "there is no such key"
  defp why(:exists), do: "the name is taken"
  defp why({:option, option}), do: "unknown option: #{inspect(option)}"
  defp why(reason), do: inspect(reason)
end
