%% What regrow/table_file asks of regrow_table.
-module(regrow_gleam_table_file).

-export([save/2, load/4]).

save({table, Table, _, _}, Path) -> done(regrow_gleam_table:asked(fun() -> regrow_table:tab2file(Table, Path) end)).

load(Path, Runtime, Key, Value) ->
    case done(regrow_gleam_table:asked(fun() -> regrow_table:file2tab(Runtime, Path) end)) of
        {ok, Table} -> {ok, {table, Table, Key, Value}};
        Error -> Error
    end.

done({ok, Outcome}) -> {ok, Outcome};
done({error, {failed, enoent}}) -> {error, no_file};
done({error, {failed, bad_file}}) -> {error, bad_file};
done({error, {failed, Reason}}) -> {error, {failed, Reason}};
done({error, Error}) -> {error, {table_error, Error}}.
