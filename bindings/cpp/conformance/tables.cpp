// Operations on tables. Every refusal is `error badarg`, as ETS has it.
#include "executor.hpp"

#include <algorithm>
#include <list>
#include <vector>

using namespace executor;

namespace {

using object = std::pair<regrow::term, regrow::term>;

// Every table that was made, to name it in traces; added to while main waits.
std::list<std::pair<std::string, regrow::table>> all;

// The table of an operation; tables have names, so that one that is gone is not found. Else one that never was.
regrow::table table_of(const arguments* arguments)
{
    return regrow::table::try_whereis(arguments->runtime, argument(arguments, 0)).value_or(regrow::table());
}

regrow::term key_of(const arguments* arguments)
{
    return word(argument(arguments, 1));
}

regrow::term object_of(const arguments* arguments)
{
    return regrow::tuple(key_of(arguments), word(argument(arguments, 2)));
}

void add_true(text* result, const regrow::result<void>& done)
{
    add(result, done ? "true" : "error badarg");
}

void add_bool(text* result, const regrow::result<bool>& answer)
{
    add(result, !answer ? "error badarg" : *answer ? "true" : "false");
}

void add_key(text* result, const regrow::result<std::optional<regrow::term>>& key)
{
    add(result, !key ? "error badarg" : *key ? print(**key) : "end_of_table");
}

void add_objects(text* result, const regrow::result<std::vector<object>>& objects, bool sorted = false)
{
    if (!objects)
        return add(result, "error badarg");
    std::vector<std::string> lines;
    for (const auto& [key, value] : *objects)
        lines.push_back(" " + print(key) + "/" + print(value));
    if (sorted)
        std::sort(lines.begin(), lines.end());
    add(result, "objects");
    for (const std::string& line : lines)
        add(result, line);
}

template <std::size_t count> std::uint32_t which(const char* word, const char* const (&words)[count])
{
    const auto* found = std::find_if(words, words + count, [&](const char* one) { return !std::strcmp(one, word); });
    return found == words + count ? 0 : static_cast<std::uint32_t>(found - words);
}

} // namespace

void tables_free(void)
{
    all.clear();
}

void add_table(text* text, const regrow_term* term)
{
    const auto wanted = regrow::term_view(term).as<regrow::table>();
    for (const auto& [name, table] : all) {
        if (wanted == table)
            return add(text, name);
    }
    add(text, "?");
}

void op_ets_new(const arguments* arguments, text* result)
{
    regrow::table_options how;
    how.name = argument(arguments, 0);
    how.kind = which(argument(arguments, 1), {"set", "ordered_set", "bag", "duplicate_bag"});
    how.access = which(argument(arguments, 2), {"protected", "public", "private"});
    how.heir_data = regrow::atom("inherited");
    const char* heir = line_option(arguments->line, "heir");
    regrow_pid main_pid{};
    if (heir && pid_of_main(heir, &main_pid)) {
        how.heir = main_pid;
    } else if (heir) {
        const attempt* attempt = attempt_named(heir);
        if (!attempt)
            return add(result, "error noproc");
        how.heir = attempt->pid;
    }
    const auto made = regrow::table::try_make(how);
    if (!made)
        return add(result, "error badarg");
    all.emplace_front(*how.name, *made);
    add(result, "ok");
}

void op_ets_drop(const arguments* arguments, text* result)
{
    add_true(result, table_of(arguments).try_drop());
}

void op_ets_give(const arguments* arguments, text* result)
{
    target target;
    if (find_target(arguments, 1, &target, result))
        add_true(result, table_of(arguments).try_give_away(target.pid, regrow::atom("given")));
}

void op_ets_setopts(const arguments* arguments, text* result)
{
    target target;
    if (find_target(arguments, 1, &target, result))
        add_true(result, table_of(arguments).try_set_heir(target.pid, regrow::atom("inherited")));
}

void op_ets_size(const arguments* arguments, text* result)
{
    const auto size = table_of(arguments).try_size();
    add(result, size ? std::to_string(*size) : "undefined");
}

void op_ets_owner(const arguments* arguments, text* result)
{
    const auto info = table_of(arguments).try_info();
    if (!info)
        return add(result, "undefined");
    for (const regrow::term_view item : info->items()) {
        if (item[0].is_atom("owner"))
            add(result, print(item[1]));
    }
}

void op_ets_insert(const arguments* arguments, text* result)
{
    add_true(result, table_of(arguments).try_insert(object_of(arguments)));
}

void op_ets_insert_new(const arguments* arguments, text* result)
{
    add_bool(result, table_of(arguments).try_insert_new(object_of(arguments)));
}

void op_ets_delete(const arguments* arguments, text* result)
{
    add_true(result, table_of(arguments).try_erase(key_of(arguments)));
}

void op_ets_delete_object(const arguments* arguments, text* result)
{
    add_true(result, table_of(arguments).try_erase_object(object_of(arguments)));
}

void op_ets_clear(const arguments* arguments, text* result)
{
    add_true(result, table_of(arguments).try_clear());
}

void op_ets_member(const arguments* arguments, text* result)
{
    add_bool(result, table_of(arguments).try_member(key_of(arguments)));
}

void op_ets_update(const arguments* arguments, text* result)
{
    add_bool(result, table_of(arguments).try_update_element(key_of(arguments), regrow::tuple(2, word(argument(arguments, 2)))));
}

void op_ets_lookup(const arguments* arguments, text* result)
{
    add_objects(result, table_of(arguments).try_lookup<object>(key_of(arguments)));
}

void op_ets_take(const arguments* arguments, text* result)
{
    add_objects(result, table_of(arguments).try_take<object>(key_of(arguments)));
}

void op_ets_lookup_element(const arguments* arguments, text* result)
{
    const auto value = table_of(arguments).try_element(key_of(arguments), 2);
    if (!value)
        return add(result, "error badarg");
    if (!value->is_list())
        return add(result, "element " + print(*value));
    add(result, "elements");
    for (const regrow::term_view one : value->items())
        add(result, " " + print(one));
}

void op_ets_list(const arguments* arguments, text* result)
{
    const regrow::table table = table_of(arguments);
    const auto objects = table.try_to_vector<object>();
    // Only an ordered set goes on from a key that it does not have.
    const bool is_ordered = table.try_next("not a key of any scenario").has_value();
    add_objects(result, objects, !is_ordered);
}

void op_ets_counter(const arguments* arguments, text* result)
{
    const char* fallback = line_option(arguments->line, "default");
    const char* threshold = line_option(arguments->line, "threshold");
    const char* set_value = line_option(arguments->line, "setvalue");
    regrow::term operation = word(argument(arguments, 2));
    if (threshold && set_value)
        operation = regrow::tuple(2, std::move(operation), word(threshold), word(set_value));
    std::optional<regrow::term> object;
    if (fallback)
        object = regrow::tuple(key_of(arguments), word(fallback));
    const auto value = table_of(arguments).try_update_counter<regrow::term>(key_of(arguments), std::move(operation), object);
    add(result, value ? print(*value) : "error badarg");
}

void op_ets_first(const arguments* arguments, text* result)
{
    add_key(result, table_of(arguments).try_first());
}

void op_ets_last(const arguments* arguments, text* result)
{
    add_key(result, table_of(arguments).try_last());
}

void op_ets_next(const arguments* arguments, text* result)
{
    add_key(result, table_of(arguments).try_next(key_of(arguments)));
}

void op_ets_prev(const arguments* arguments, text* result)
{
    add_key(result, table_of(arguments).try_prev(key_of(arguments)));
}
