/* What is found by patterns and match specifications, and what supervisors tell, through the header: the values, where
 * tests/registry_events.rs, tests/table.rs and tests/supervisor_dynamic.rs look at the rooms behind it. */
#include "support.h"

#define TUPLE(...) \
    regrow_tuple((regrow_term[]){ __VA_ARGS__ }, sizeof((regrow_term[]){ __VA_ARGS__ }) / sizeof(regrow_term))
#define LIST(...) \
    regrow_list((regrow_term[]){ __VA_ARGS__ }, sizeof((regrow_term[]){ __VA_ARGS__ }) / sizeof(regrow_term))

/* Checks a term and gives it back. */
#define CHECK_AND_FREE(expected, term) (check_term(__FILE__, __LINE__, &(term), expected), regrow_term_free(&(term)))

static regrow_term parity(int number)
{
    return regrow_atom(number % 2 ? "odd" : "even");
}

static void entries_are_found_by_their_values(void)
{
    regrow_registry_spec spec = { .size = sizeof spec, .keys = REGROW_DUPLICATE };
    regrow_child_spec registry = child(REGROW_REGISTRY, &spec);
    regrow_pid pid;
    size_t count;
    CHECK_OK(regrow_start(root, &registry, &pid));
    for (int number = 0; number < 4; number++)
        CHECK_OK(regrow_registry_register(pid, regrow_atom("k"), self, TUPLE(regrow_int(number), parity(number))));

    regrow_term key = regrow_atom("k"), found;
    regrow_term odd = TUPLE(regrow_atom("$1"), regrow_atom("odd"));
    regrow_term above_1 = LIST(TUPLE(regrow_atom(">"), regrow_atom("$1"), regrow_int(1)));
    const regrow_term *entry;
    CHECK_OK(regrow_registry_match(pid, &key, &odd, &above_1, &found));
    entry = regrow_list_head(&found);
    CHECK(entry && regrow_is_nil(regrow_list_tail(&found)));
    CHECK_TERM("{3,odd}", regrow_tuple_get(entry, 1));
    regrow_term_free(&found);
    CHECK_OK(regrow_registry_count_match(pid, &key, &odd, NULL, &count));
    CHECK(count == 2);

    regrow_term numbers =
        LIST(TUPLE(TUPLE(regrow_atom("k"), regrow_atom("_"), TUPLE(regrow_atom("$1"), regrow_atom("odd"))),
                   LIST(TUPLE(regrow_atom(">"), regrow_atom("$1"), regrow_int(1))), LIST(regrow_atom("$1"))));
    regrow_term evens =
        LIST(TUPLE(TUPLE(regrow_atom("k"), regrow_atom("_"), TUPLE(regrow_atom("_"), regrow_atom("even"))),
                   regrow_nil(), LIST(regrow_atom("true"))));
    CHECK_OK(regrow_registry_select(pid, &numbers, &found));
    CHECK_AND_FREE("[3]", found);
    CHECK_OK(regrow_registry_count_select(pid, &evens, &count));
    CHECK(count == 2);
    regrow_term_free(&key);
    regrow_term_free(&odd);
    regrow_term_free(&above_1);
    regrow_term_free(&numbers);
    regrow_term_free(&evens);
    CHECK_OK(regrow_unlink(pid));
}

static void check_it_says_where(int line, const char *expected)
{
    char text[128];
    CHECK_LAST_REASON("badarg");
    regrow_last_error(text, sizeof text);
    if (strcmp(text, expected)) {
        fprintf(stderr, "line %d: %s, not %s\n", line, text, expected);
        _Exit(1);
    }
}

#define CHECK_SAYS_WHERE(expected, call)            \
    do {                                            \
        CHECK_ERROR(REGROW_ERR_ARGUMENT, call);     \
        check_it_says_where(__LINE__, expected);    \
    } while (0)

/* Of registries and tables alike: badarg, and the text says where. */
static void a_malformed_specification_says_where(void)
{
    regrow_registry_spec registry_spec = { .size = sizeof registry_spec };
    regrow_child_spec how = child(REGROW_REGISTRY, &registry_spec);
    regrow_table_spec table_spec = { .size = sizeof table_spec };
    regrow_table table;
    regrow_pid registry;
    size_t count;
    CHECK_OK(regrow_start(root, &how, &registry));
    CHECK_OK(regrow_table_new(&table_spec, &table));
    regrow_term any = regrow_atom("_"), found;
    regrow_term guards = LIST(TUPLE(regrow_atom("nope"), regrow_atom("_")));
    regrow_term spec = LIST(TUPLE(TUPLE(regrow_atom("_"), regrow_atom("_"), regrow_atom("_")),
                                  regrow_term_clone(&guards), LIST(regrow_atom("$_"))));
    const char *where = "clause 1, guard 1: there is no function nope/1";
    CHECK_SAYS_WHERE(where, regrow_table_select(table, &spec, &found));
    CHECK_SAYS_WHERE(where, regrow_registry_select(registry, &spec, &found));
    CHECK_SAYS_WHERE(where, regrow_registry_count_select(registry, &spec, &count));
    CHECK_SAYS_WHERE(where, regrow_registry_match(registry, &any, &any, &guards, &found));
    CHECK_SAYS_WHERE(where, regrow_registry_count_match(registry, &any, &any, &guards, &count));
    CHECK_SAYS_WHERE(where, regrow_registry_unregister_match(registry, &any, self, &any, &guards));
    regrow_term_free(&guards);
    regrow_term_free(&spec);
    CHECK_OK(regrow_table_delete(table));
}

static void objects_are_found_part_by_part(void)
{
    regrow_table_spec spec = { .size = sizeof spec, .kind = REGROW_ORDERED_SET };
    regrow_table table;
    size_t count;
    CHECK_OK(regrow_table_new(&spec, &table));
    for (int number = 0; number < 7; number++)
        CHECK_OK(regrow_table_insert(table, TUPLE(regrow_int(number), parity(number))));

    regrow_term odd = TUPLE(regrow_atom("$1"), regrow_atom("odd")), key = regrow_int(2);
    regrow_term keys = LIST(TUPLE(TUPLE(regrow_atom("$1"), regrow_atom("_")), regrow_nil(), LIST(regrow_atom("$1"))));
    regrow_term part, continuation, next;
    CHECK_OK(regrow_table_match_limit(table, &odd, 2, &part, &continuation));
    CHECK_AND_FREE("[[1],[3]]", part);
    CHECK_OK(regrow_table_select_next(&continuation, &part, &next));
    CHECK_AND_FREE("[[5]]", part);
    regrow_term_free(&next);
    regrow_term_free(&continuation);
    CHECK_OK(regrow_table_match_object_limit(table, &odd, 2, &part, &continuation));
    CHECK_AND_FREE("[{1,odd},{3,odd}]", part);
    regrow_term_free(&continuation);
    CHECK_OK(regrow_table_select_reverse_limit(table, &keys, 3, &part, &continuation));
    CHECK_AND_FREE("[6,5,4]", part);
    regrow_term_free(&continuation);
    CHECK_OK(regrow_table_match_object(table, &odd, &part));
    CHECK_AND_FREE("[{1,odd},{3,odd},{5,odd}]", part);
    CHECK_OK(regrow_table_match_delete(table, &odd, &count));
    CHECK(count == 3);
    CHECK_OK(regrow_table_get(table, &key, &part));
    CHECK_AND_FREE("{2,even}", part);
    regrow_term_free(&odd);
    regrow_term_free(&key);
    regrow_term_free(&keys);
    CHECK_OK(regrow_table_delete(table));
}

/* The next event of a subscription: its name, and the reason if it has one. */
static void check_event(regrow_ref subscription, const char *event, const char *reason)
{
    regrow_term message, key = regrow_atom("event"), reason_key = regrow_atom("reason");
    regrow_ref found;
    CHECK_OK(regrow_receive(LONG_MS, &message));
    CHECK(regrow_as_ref(regrow_tuple_get(&message, 1), &found) && found.id == subscription.id);
    const regrow_term *map = regrow_tuple_get(&message, 3);
    CHECK(regrow_is_atom(regrow_map_get(map, &key), event));
    CHECK(reason ? regrow_is_atom(regrow_map_get(map, &reason_key), reason) : !regrow_map_get(map, &reason_key));
    regrow_term_free(&message);
    regrow_term_free(&key);
    regrow_term_free(&reason_key);
}

static void a_subscriber_is_told_of_children_until_it_unsubscribes(void)
{
    regrow_process_spec spec = process(wait_for_the_end, NULL);
    regrow_child_spec one = child(REGROW_PROCESS, &spec);
    regrow_supervisor_spec supervisor_spec = { .size = sizeof supervisor_spec };
    regrow_child_spec supervisor = child(REGROW_SUPERVISOR, &supervisor_spec);
    regrow_term id = regrow_text("one");
    regrow_pid pid, child_pid;
    regrow_ref subscription;
    one.id = "one";
    CHECK_OK(regrow_start(root, &supervisor, &pid));
    CHECK_OK(regrow_supervisor_subscribe(pid, &subscription));
    CHECK_OK(regrow_supervisor_start_child(pid, &one, &child_pid));
    check_event(subscription, "started", NULL);
    CHECK_OK(regrow_exit(child_pid, regrow_atom("boom")));
    check_event(subscription, "terminated", "boom");
    check_event(subscription, "restarted", "boom");
    CHECK_OK(regrow_supervisor_unsubscribe(pid, subscription));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_supervisor_unsubscribe(pid, subscription));
    CHECK_OK(regrow_supervisor_terminate_child(pid, &id));
    CHECK_NO_MESSAGE();
    regrow_term_free(&id);
    CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LONG_MS));
}

int main(void)
{
    open_runtime((regrow_options){ .log_level = REGROW_LOG_SILENT });
    RUN(entries_are_found_by_their_values);
    RUN(a_malformed_specification_says_where);
    RUN(objects_are_found_part_by_part);
    RUN(a_subscriber_is_told_of_children_until_it_unsubscribes);
    close_runtime();
    return 0;
}
