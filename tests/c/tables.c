/* Tables: what ETS promises, through regrow.h. */
#include "tree.h"
#include <unistd.h>

static regrow_table new_table(uint32_t kind, uint32_t access, const char *name)
{
    regrow_table_spec spec = { .size = sizeof spec, .kind = kind, .access = access, .name = name };
    regrow_table table;
    CHECK_OK(regrow_table_new(&spec, &table));
    return table;
}

static void put(regrow_table table, regrow_term object)
{
    CHECK_OK(regrow_table_insert(table, object));
}

static regrow_term objects_of(regrow_table table, regrow_term key)
{
    regrow_term objects;
    CHECK_OK(regrow_table_lookup(table, &key, &objects));
    regrow_term_free(&key);
    return objects;
}

#define CHECK_OBJECTS(table, key, ...) check_given(__FILE__, __LINE__, objects_of(table, key), __VA_ARGS__)

static size_t size_of(regrow_table table)
{
    size_t size;
    CHECK_OK(regrow_table_size(table, &size));
    return size;
}

static int by_order(const void *left, const void *right)
{
    return regrow_term_compare(left, right);
}

/* A list in Erlang's order, since that of a set is none. */
static regrow_term sorted(regrow_term list)
{
    regrow_term items[64];
    size_t count = 0;
    for (const regrow_term *rest = &list; regrow_list_head(rest); rest = regrow_list_tail(rest))
        items[count++] = regrow_term_clone(regrow_list_head(rest));
    qsort(items, count, sizeof *items, by_order);
    regrow_term_free(&list);
    return regrow_list(items, count);
}

static regrow_term matches(regrow_table table, regrow_term pattern)
{
    regrow_term results;
    CHECK_OK(regrow_table_match(table, &pattern, &results));
    regrow_term_free(&pattern);
    return sorted(results);
}

#define CHECK_MATCHES(table, pattern, ...) check_given(__FILE__, __LINE__, matches(table, pattern), __VA_ARGS__)

/* ---- the table of bands that the project began with ---- */

static void the_fourteen_lines_give_what_they_gave_in_elixir(void)
{
    regrow_table table = new_table(REGROW_SET, REGROW_PRIVATE, "mum_faves");
    static const char *const rows[][2] = {
        { "Oat Pramote", "Pop" }, { "Bodyslam", "Rock" }, { "Potato", "Rock" }, { "Silly fool", "Rock" },
        { "GOT7", "K-Pop" } };
    for (size_t i = 0; i < 5; i++)
        put(table, TUPLE(regrow_text(rows[i][0]), INT(2025), regrow_text(rows[i][1])));
    CHECK(size_of(table) == 5);
    regrow_term all, key = regrow_text("GOT7");
    size_t length;
    CHECK_OK(regrow_table_to_list(table, &all));
    CHECK(regrow_list_length(&all, &length) && length == 5);
    regrow_term_free(&all);
    CHECK_OBJECTS(table, regrow_term_clone(&key), "[{<<71,79,84,55>>,2025,<<75,45,80,111,112>>}]");
    CHECK_OK(regrow_table_delete_key(table, &key));
    CHECK_OBJECTS(table, regrow_term_clone(&key), "[]");

    regrow_term results = matches(table, TUPLE(ATOM("$1"), INT(2025), ATOM("$2")));
    static const char *const pairs[][2] = {
        { "Bodyslam", "Rock" }, { "Oat Pramote", "Pop" }, { "Potato", "Rock" }, { "Silly fool", "Rock" } };
    const regrow_term *rest = &results;
    for (size_t i = 0; i < 4; i++, rest = regrow_list_tail(rest)) {
        const char *name, *genre;
        CHECK(regrow_as_text(regrow_list_head(regrow_list_head(rest)), &name));
        CHECK(regrow_as_text(regrow_list_head(regrow_list_tail(regrow_list_head(rest))), &genre));
        CHECK(!strcmp(name, pairs[i][0]) && !strcmp(genre, pairs[i][1]));
    }
    CHECK(regrow_is_nil(rest));
    regrow_term_free(&results);
    /* The same, by the numbers of the names: the genre first. */
    results = matches(table, TUPLE(ATOM("$2"), INT(2025), ATOM("$1")));
    const char *genre;
    CHECK(regrow_as_text(regrow_list_head(regrow_list_head(&results)), &genre) && !strcmp(genre, "Pop"));
    CHECK(regrow_list_length(&results, &length) && length == 4);
    regrow_term_free(&results);
    results = matches(table, TUPLE(ATOM("$1"), INT(2025), ATOM("_")));
    CHECK(regrow_list_length(&results, &length) && length == 4);
    CHECK(regrow_list_length(regrow_list_head(&results), &length) && length == 1);
    regrow_term_free(&results);
    CHECK_OK(regrow_table_delete(table));
    CHECK_ERROR(REGROW_ERR_NO_TABLE, regrow_table_size(table, &length));
    regrow_term_free(&key);
}

/* ---- kinds ---- */

static void each_kind_keeps_what_ets_keeps(void)
{
    regrow_table ordered = new_table(REGROW_ORDERED_SET, REGROW_PUBLIC, NULL);
    put(ordered, TUPLE(regrow_float(1.0), ATOM("f")));
    put(ordered, TUPLE(INT(1), ATOM("i")));
    CHECK_OBJECTS(ordered, regrow_float(1.0), "[{1,i}]");
    CHECK(size_of(ordered) == 1);
    regrow_table set = new_table(REGROW_SET, REGROW_PUBLIC, NULL);
    put(set, TUPLE(regrow_float(1.0), ATOM("f")));
    put(set, TUPLE(INT(1), ATOM("i")));
    CHECK(size_of(set) == 2);
    regrow_table bag = new_table(REGROW_BAG, REGROW_PUBLIC, NULL);
    regrow_table duplicates = new_table(REGROW_DUPLICATE_BAG, REGROW_PUBLIC, NULL);
    for (int i = 0; i < 2; i++) {
        put(bag, TUPLE(ATOM("k"), INT(1)));
        put(duplicates, TUPLE(ATOM("k"), INT(1)));
    }
    put(duplicates, TUPLE(ATOM("k"), INT(2)));
    CHECK_OBJECTS(bag, ATOM("k"), "[{k,1}]");
    CHECK_OBJECTS(duplicates, ATOM("k"), "[{k,1},{k,1},{k,2}]");
    regrow_term object = TUPLE(ATOM("k"), INT(1));
    CHECK_OK(regrow_table_delete_object(duplicates, &object));
    CHECK_OBJECTS(duplicates, ATOM("k"), "[{k,2}]");
    regrow_term_free(&object);
}

static void an_object_that_is_none_is_refused_and_nothing_of_its_list_is_inserted(void)
{
    regrow_table_spec spec = { .size = sizeof spec, .access = REGROW_PUBLIC, .key_position = 2 };
    regrow_table table;
    bool inserted = true;
    CHECK_OK(regrow_table_new(&spec, &table));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_table_insert(table, TUPLE(INT(1))));
    CHECK_REASON("badarg");
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_table_insert(table, ATOM("foo")));
    regrow_term list[] = { TUPLE(INT(1), INT(2)), TUPLE(INT(1)) };
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_table_insert(table, regrow_list(list, 2)));
    CHECK(size_of(table) == 0);
    put(table, TUPLE(INT(1), INT(2)));
    CHECK_OK(regrow_table_insert_new(table, TUPLE(INT(3), INT(2)), &inserted));
    CHECK(!inserted);
    CHECK_OBJECTS(table, INT(2), "[{1,2}]");
}

static void a_spec_with_something_unknown_makes_no_table(void)
{
    const regrow_term no_term = { 0xEE, 1 };
    regrow_table table = { 7 };
    regrow_table_spec specs[] = {
        { .kind = 4 }, { .access = 3 }, { .reserved = 1 }, { .name = "" }, { .name = "\xC3(" }, { .heir_data = &no_term } };
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        specs[i].size = sizeof *specs;
        CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_table_new(&specs[i], &table));
    }
    CHECK(table.id == 7);
}

/* ---- counters ---- */

enum { THREADS = 8 };

static void *count_up(void *data)
{
    regrow_table table = *(regrow_table *)data;
    regrow_term key = ATOM("hits"), start = TUPLE(ATOM("hits"), INT(0));
    for (size_t i = 0; i < rounds(20000); i++)
        CHECK_OK(regrow_table_update_counter(table, &key, INT(1), &start, NULL));
    regrow_term_free(&start);
    return NULL;
}

static void a_counter_counts_every_time_under_eight_threads(void)
{
    regrow_table table = new_table(REGROW_SET, REGROW_PUBLIC, NULL);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = start_thread(count_up, &table);
    for (int i = 0; i < THREADS; i++)
        join_thread(threads[i]);
    CHECK_OBJECTS(table, ATOM("hits"), "[{hits,%zu}]", THREADS * rounds(20000));
}

static void a_counter_has_limits_and_is_refused_where_there_is_none(void)
{
    regrow_table table = new_table(REGROW_SET, REGROW_PUBLIC, NULL);
    regrow_term key = ATOM("c"), value;
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_table_update_counter(table, &key, INT(1), NULL, &value));
    put(table, TUPLE(ATOM("c"), INT(0)));
    CHECK_OK(regrow_table_update_counter(table, &key, INT(5), NULL, &value));
    check_given(__FILE__, __LINE__, value, "5");
    CHECK_OK(regrow_table_update_counter(table, &key, TUPLE(INT(2), INT(1), INT(5), INT(0)), NULL, &value));
    check_given(__FILE__, __LINE__, value, "0");
    regrow_term both[] = { TUPLE(INT(2), INT(3)), TUPLE(INT(2), INT(-9), INT(-1), INT(7)) };
    CHECK_OK(regrow_table_update_counter(table, &key, regrow_list(both, 2), NULL, &value));
    check_given(__FILE__, __LINE__, value, "[3,7]");
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_table_update_counter(table, &key, TUPLE(INT(1), INT(1)), NULL, &value));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_table_update_counter(table, &key, TUPLE(INT(3), INT(1)), NULL, &value));
    CHECK_OK(regrow_table_update_counter(table, &key, INT(INT64_MAX), NULL, &value));
    check_given(__FILE__, __LINE__, value, "9223372036854775814");
    bool updated;
    CHECK_OK(regrow_table_update_element(table, &key, TUPLE(INT(2), ATOM("x")), &updated));
    CHECK(updated);
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_table_update_counter(table, &key, INT(1), NULL, &value));
    CHECK_OBJECTS(table, ATOM("c"), "[{c,x}]");
}

/* The usual counter takes a way of its own, which must know the same rules. */
static void a_small_counter_obeys_every_rule(void)
{
    regrow_table table = new_table(REGROW_SET, REGROW_PUBLIC, NULL);
    regrow_term key = INT(1), object = TUPLE(INT(1), INT(9)), no_object = INT(5), value, seen;
    put(table, TUPLE(INT(1), INT(10), INT(INT64_MAX), ATOM("x")));
    const int64_t refused[] = { 1, 0, -1, 4, 5, INT64_MAX, INT64_MIN };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        CHECK_ERROR(REGROW_ERR_ARGUMENT,
                    regrow_table_update_counter(table, &key, TUPLE(INT(refused[i]), INT(1)), NULL, &value));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_table_update_counter(table, &key, INT(1), &no_object, &value));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_table_update_counter(table, NULL, INT(1), NULL, &value));
    CHECK_OBJECTS(table, INT(1), "[{1,10,9223372036854775807,x}]");
    CHECK_OK(regrow_table_update_counter(table, &key, INT(-4), &object, &value));
    check_given(__FILE__, __LINE__, value, "6");
    CHECK_OK(regrow_table_update_counter(table, &key, TUPLE(INT(3), INT(1)), NULL, &value));
    check_given(__FILE__, __LINE__, value, "9223372036854775808");
    /* Who has looked the object up keeps what he saw. */
    CHECK_OK(regrow_table_get(table, &key, &seen));
    CHECK_OK(regrow_table_update_counter(table, &key, INT(1), NULL, NULL));
    check_given(__FILE__, __LINE__, seen, "{1,6,9223372036854775808,x}");
    CHECK_OBJECTS(table, INT(1), "[{1,7,9223372036854775808,x}]");
    CHECK_OK(regrow_table_delete(table));
    CHECK_ERROR(REGROW_ERR_NO_TABLE, regrow_table_update_counter(table, &key, INT(1), NULL, &value));
    for (uint32_t kind = REGROW_BAG; kind <= REGROW_DUPLICATE_BAG; kind++) {
        table = new_table(kind, REGROW_PUBLIC, NULL);
        put(table, TUPLE(INT(1), INT(10)));
        CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_table_update_counter(table, &key, INT(1), NULL, &value));
        CHECK_OBJECTS(table, INT(1), "[{1,10}]");
    }
    regrow_table_spec spec = { .size = sizeof spec, .kind = REGROW_ORDERED_SET, .key_position = 2 };
    regrow_term same = regrow_float(1.0);
    CHECK_OK(regrow_table_new(&spec, &table));
    put(table, TUPLE(INT(3), INT(1), INT(10)));
    CHECK_OK(regrow_table_update_counter(table, &same, INT(1), NULL, &value));
    check_given(__FILE__, __LINE__, value, "11");
    CHECK_OK(regrow_table_update_counter(table, &same, TUPLE(INT(1), INT(1)), NULL, &value));
    check_given(__FILE__, __LINE__, value, "4");
    CHECK_OBJECTS(table, INT(1), "[{4,1,11}]");
    regrow_term_free(&object);
}

/* ---- selecting ---- */

static regrow_term spec_of(regrow_term head, regrow_term guard, regrow_term body)
{
    regrow_term clause = TUPLE(head, regrow_list(&guard, 1), regrow_list(&body, 1));
    return regrow_list(&clause, 1);
}

static void a_select_gives_its_rows_also_in_parts_and_backwards(void)
{
    regrow_table table = new_table(REGROW_ORDERED_SET, REGROW_PUBLIC, NULL);
    for (int i = 1; i <= 10; i++)
        put(table, TUPLE(INT(i), INT(i * i)));
    regrow_term spec = spec_of(TUPLE(ATOM("$1"), ATOM("$2")), TUPLE(ATOM(">"), ATOM("$2"), INT(30)), ATOM("$1"));
    regrow_term results, continuation, next;
    CHECK_OK(regrow_table_select(table, &spec, &results));
    check_given(__FILE__, __LINE__, results, "[6,7,8,9,10]");
    CHECK_OK(regrow_table_select_reverse(table, &spec, &results));
    check_given(__FILE__, __LINE__, results, "[10,9,8,7,6]");
    CHECK_OK(regrow_table_select_limit(table, &spec, 2, &results, &continuation));
    check_given(__FILE__, __LINE__, results, "[6,7]");
    CHECK_OK(regrow_table_select_next(&continuation, &results, &next));
    check_given(__FILE__, __LINE__, results, "[8,9]");
    regrow_term_free(&continuation);
    CHECK_OK(regrow_table_select_next(&next, &results, &continuation));
    check_given(__FILE__, __LINE__, results, "[10]");
    check_given(__FILE__, __LINE__, continuation, "'$end_of_table'");
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_table_select_limit(table, &spec, 0, &results, &continuation));
    regrow_term number = INT(7);
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_table_select_next(&number, &results, &continuation));
    regrow_term_free(&spec);

    size_t count;
    spec = spec_of(TUPLE(ATOM("$1"), ATOM("_")), TUPLE(ATOM(">"), ATOM("$1"), INT(8)), regrow_bool(true));
    CHECK_OK(regrow_table_select_count(table, &spec, &count));
    CHECK(count == 2);
    CHECK_OK(regrow_table_select_delete(table, &spec, &count));
    CHECK(count == 2 && size_of(table) == 8);
    regrow_term_free(&spec);
    regrow_term made = TUPLE(ATOM("$1"), ATOM("small"));
    spec = spec_of(TUPLE(ATOM("$1"), ATOM("_")), TUPLE(ATOM("<"), ATOM("$1"), INT(3)), regrow_tuple(&made, 1));
    CHECK_OK(regrow_table_select_replace(table, &spec, &count));
    CHECK(count == 2);
    CHECK_OBJECTS(table, INT(2), "[{2,small}]");
    CHECK_OK(regrow_table_delete(table));
    CHECK_ERROR(REGROW_ERR_NO_TABLE, regrow_table_select_next(&next, &results, &continuation));
    regrow_term_free(&next);
    regrow_term_free(&spec);
}

static void a_malformed_specification_says_where(void)
{
    regrow_table table = new_table(REGROW_SET, REGROW_PUBLIC, NULL);
    regrow_term spec = spec_of(TUPLE(ATOM("$1")), TUPLE(ATOM("nope"), ATOM("$1")), ATOM("$1")), results;
    char text[128];
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_table_select(table, &spec, &results));
    CHECK_REASON("badarg");
    regrow_last_error(text, sizeof text);
    CHECK(!strcmp(text, "clause 1, guard 1: there is no function nope/1"));
    regrow_term_free(&spec);
}

/* ---- who may, and who has it ---- */

/* What an owner is to do, and the table it made. */
struct owner {
    const char *name;
    regrow_pid heir;
    regrow_table table;
};

static regrow_next make_and_wait(regrow_context *context, void *user)
{
    struct owner *owner = user;
    regrow_term data = ATOM("data"), message;
    regrow_table_spec spec = { .size = sizeof spec, .name = owner->name, .heir = owner->heir, .heir_data = &data };
    CHECK_OK(regrow_table_new(&spec, &owner->table));
    put(owner->table, TUPLE(INT(1), ATOM("content")));
    CHECK_OK(regrow_send(self, ATOM("made")));
    while (!regrow_receive(REGROW_INFINITY, &message)) {
        /* A table that it is given is no reason to end. */
        if (!regrow_is_tuple(&message))
            return regrow_stop_self(context, message);
        regrow_term_free(&message);
    }
    return REGROW_DONE;
}

static regrow_pid start_owner(struct owner *owner, regrow_ref *monitor)
{
    regrow_process_spec spec = { .size = sizeof spec, .body = make_and_wait, .user = owner };
    regrow_pid pid;
    regrow_term made;
    CHECK_OK(regrow_spawn_monitor(&spec, &pid, monitor));
    CHECK_OK(regrow_receive(LIMIT_MS, &made));
    CHECK(regrow_is_atom(&made, "made"));
    return pid;
}

static void no_table_is_left_when_its_owner_is_down(void)
{
    size_t stale = 0;
    for (size_t i = 0; i < rounds(20000); i++) {
        struct owner owner = { .name = "the table" };
        regrow_ref monitor;
        regrow_pid pid = start_owner(&owner, &monitor);
        regrow_term down, key = INT(1), objects;
        regrow_table found;
        size_t size;
        CHECK_OK(i % 2 ? regrow_send(pid, ATOM("boom")) : regrow_exit(pid, ATOM("kill")));
        CHECK_OK(regrow_receive(LIMIT_MS, &down));
        regrow_term_free(&down);
        stale += !regrow_table_size(owner.table, &size);
        stale += !regrow_table_lookup(owner.table, &key, &objects);
        stale += regrow_table_whereis(root, "the table", &found) != REGROW_ERR_NOT_FOUND;
    }
    CHECK(stale == 0);
}

static void an_heir_gets_the_table_and_is_told(void)
{
    struct owner owner = { .name = "inherited", .heir = self };
    regrow_ref monitor;
    regrow_pid pid = start_owner(&owner, &monitor);
    regrow_term transfer, down, table = regrow_from_table(owner.table);
    regrow_table read;
    CHECK_ERROR(REGROW_ERR_ACCESS, regrow_table_insert(owner.table, TUPLE(INT(2))));
    CHECK_OK(regrow_exit(pid, ATOM("kill")));
    /* Told before the end is. */
    CHECK_OK(regrow_receive(LIMIT_MS, &transfer));
    check_shown(__FILE__, __LINE__, &transfer, "{'ETS-TRANSFER',%s,%s,data}", show(&table), show_pid(pid));
    CHECK(regrow_as_table(regrow_tuple_get(&transfer, 1), &read) && read.id == owner.table.id);
    CHECK_OK(regrow_receive(LIMIT_MS, &down));
    CHECK_OBJECTS(owner.table, INT(1), "[{1,content}]");
    put(owner.table, TUPLE(INT(2)));
    CHECK_OK(regrow_table_whereis(root, "inherited", &read));
    CHECK_OK(regrow_table_delete(owner.table));
    regrow_term_free(&transfer);
    regrow_term_free(&down);
}

static void a_table_is_given_away_and_goes_with_its_new_owner(void)
{
    regrow_table table = new_table(REGROW_SET, REGROW_PROTECTED, NULL);
    struct owner owner = { 0 };
    regrow_ref monitor;
    regrow_pid pid = start_owner(&owner, &monitor);
    regrow_term down;
    size_t size;
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_table_give_away(table, self, ATOM("mine")));
    CHECK_ERROR(REGROW_ERR_ACCESS, regrow_table_give_away(owner.table, self, ATOM("yours")));
    CHECK_ERROR(REGROW_ERR_ACCESS, regrow_table_set_heir(owner.table, self, ATOM("yours")));
    CHECK_OK(regrow_table_give_away(table, pid, ATOM("yours")));
    CHECK_ERROR(REGROW_ERR_ACCESS, regrow_table_insert(table, TUPLE(INT(1))));
    CHECK_OK(regrow_exit(pid, ATOM("kill")));
    CHECK_OK(regrow_receive(LIMIT_MS, &down));
    regrow_term_free(&down);
    CHECK_ERROR(REGROW_ERR_NO_TABLE, regrow_table_size(table, &size));
    table = new_table(REGROW_SET, REGROW_PROTECTED, NULL);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_table_give_away(table, pid, ATOM("yours")));
    CHECK(size_of(table) == 0);
}

static void *use_from_outside(void *data)
{
    regrow_table *tables = data, made;
    regrow_table_spec spec = { .size = sizeof spec };
    regrow_term key = INT(1), objects;
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_table_new(&spec, &made));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_table_fix(tables[0], true));
    put(tables[0], TUPLE(INT(1), ATOM("from outside")));
    CHECK_OBJECTS(tables[1], INT(1), "[]");
    CHECK_ERROR(REGROW_ERR_ACCESS, regrow_table_insert(tables[1], TUPLE(INT(1))));
    CHECK_ERROR(REGROW_ERR_ACCESS, regrow_table_lookup(tables[2], &key, &objects));
    CHECK_REASON("badarg");
    key = INT(2);
    CHECK_OK(regrow_table_update_counter(tables[0], &key, INT(1), NULL, NULL));
    CHECK_ERROR(REGROW_ERR_ACCESS, regrow_table_update_counter(tables[1], &key, INT(1), NULL, NULL));
    CHECK_ERROR(REGROW_ERR_ACCESS, regrow_table_update_counter(tables[2], &key, INT(1), NULL, NULL));
    return NULL;
}

static void a_thread_that_has_not_entered_uses_tables_but_owns_none(void)
{
    regrow_table tables[] = { new_table(REGROW_SET, REGROW_PUBLIC, NULL), new_table(REGROW_SET, REGROW_PROTECTED, NULL),
                              new_table(REGROW_SET, REGROW_PRIVATE, NULL) };
    for (size_t i = 0; i < 3; i++)
        put(tables[i], TUPLE(INT(2), INT(5)));
    join_thread(start_thread(use_from_outside, tables));
    CHECK_OBJECTS(tables[0], INT(1), "[{1,'from outside'}]");
    for (size_t i = 0; i < 3; i++)
        CHECK_OBJECTS(tables[i], INT(2), i == 0 ? "[{2,6}]" : "[{2,5}]");
}

static void a_name_is_taken_once_and_a_stale_handle_is_told(void)
{
    regrow_table table = new_table(REGROW_SET, REGROW_PUBLIC, "name"), found = { 7 };
    regrow_table_spec spec = { .size = sizeof spec, .name = "name" };
    regrow_term info;
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_table_new(&spec, &found));
    CHECK(found.id == 7);
    CHECK_OK(regrow_table_rename(table, "another"));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_table_whereis(root, "name", &found));
    CHECK_OK(regrow_table_whereis(root, "another", &found));
    CHECK(found.id == table.id);
    CHECK_OK(regrow_table_info(table, &info));
    CHECK(strstr(show(&info), "{size,0}") && strstr(show(&info), "{type,set}"));
    regrow_term_free(&info);
    CHECK_OK(regrow_table_delete(table));
    CHECK_ERROR(REGROW_ERR_NO_TABLE, regrow_table_delete(table));
    CHECK_ERROR(REGROW_ERR_NO_TABLE, regrow_table_insert((regrow_table){ 0 }, TUPLE(INT(1))));
    /* Its place is used again, its handle is not. */
    CHECK(new_table(REGROW_SET, REGROW_PUBLIC, NULL).id != table.id);
    CHECK_ERROR(REGROW_ERR_NO_TABLE, regrow_table_insert(table, TUPLE(INT(1))));
}

static void a_table_stays_in_its_runtime(void)
{
    regrow_options options = { .size = sizeof options, .workers = 1, .log_level = REGROW_LOG_SILENT };
    regrow_table table = new_table(REGROW_SET, REGROW_PUBLIC, "here"), found;
    regrow_pid other;
    CHECK_OK(regrow_init(&options, &other));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_table_whereis(other, "here", &found));
    CHECK_ERROR(REGROW_ERR_OTHER_RUNTIME, regrow_table_give_away(table, other, ATOM("yours")));
    CHECK(size_of(table) == 0);
    CHECK_OK(regrow_table_delete(table));
    /* An heir there gets nothing. */
    struct owner owner = { .heir = other };
    regrow_ref monitor;
    regrow_pid pid = start_owner(&owner, &monitor);
    regrow_term down;
    size_t size;
    CHECK_OK(regrow_exit(pid, ATOM("kill")));
    CHECK_OK(regrow_receive(LIMIT_MS, &down));
    regrow_term_free(&down);
    CHECK_ERROR(REGROW_ERR_NO_TABLE, regrow_table_size(owner.table, &size));
    CHECK_OK(regrow_shutdown(other, LIMIT_MS, NULL));
}

static regrow_next orphan_body(regrow_context *context, void *user)
{
    regrow_table_spec spec = { .size = sizeof spec, .name = "orphan" };
    regrow_term message;
    regrow_table second;
    bool before;
    CHECK_OK(regrow_trap_exit(true, &before));
    CHECK_OK(regrow_table_new(&spec, user));
    CHECK_OK(regrow_send(self, ATOM("made")));
    /* Its supervisor's end. */
    CHECK_OK(regrow_receive(LIMIT_MS, &message));
    regrow_term_free(&message);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_table_new(&spec, &second));
    spec.name = NULL;
    CHECK_OK(regrow_table_new(&spec, &second));
    CHECK_OK(regrow_table_insert(*(regrow_table *)user, TUPLE(INT(1))));
    CHECK_OK(regrow_send(self, ATOM("made")));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(REGROW_INFINITY, &message));
    return REGROW_DONE;
}

static void whose_supervisor_was_killed_keeps_its_tables_and_loses_their_names(void)
{
    regrow_table table, found;
    regrow_process_spec process = { .size = sizeof process, .body = orphan_body, .user = &table };
    regrow_child_spec child = { .size = sizeof child, .id = "orphan", .kind = REGROW_PROCESS, .spec = &process,
                                .restart = REGROW_TEMPORARY };
    regrow_supervisor_spec supervisor = { .size = sizeof supervisor };
    regrow_child_spec above = { .size = sizeof above, .kind = REGROW_SUPERVISOR, .spec = &supervisor };
    regrow_pid top, orphan;
    regrow_ref monitor;
    regrow_term message;
    size_t size;
    CHECK_OK(regrow_start(root, &above, &top));
    CHECK_OK(regrow_supervisor_start_child(top, &child, &orphan));
    CHECK_OK(regrow_receive(LIMIT_MS, &message));
    CHECK_OK(regrow_table_whereis(root, "orphan", &found));
    CHECK(found.id == table.id);
    CHECK_OK(regrow_monitor(top, &monitor));
    CHECK_OK(regrow_exit(top, ATOM("kill")));
    CHECK_OK(regrow_receive(LIMIT_MS, &message));
    while (regrow_is_atom(&message, "made"))
        CHECK_OK(regrow_receive(LIMIT_MS, &message));
    regrow_term_free(&message);
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_table_whereis(root, "orphan", &found));
    CHECK(regrow_is_alive(orphan));
    settle();
    CHECK(size_of(table) == 1);
    CHECK_OK(regrow_monitor(orphan, &monitor));
    CHECK_OK(regrow_exit(orphan, ATOM("kill")));
    while (regrow_is_alive(orphan))
        sched_yield();
    CHECK_ERROR(REGROW_ERR_NO_TABLE, regrow_table_size(table, &size));
    CHECK_OK(regrow_flush(NULL));
}

/* ---- what is owned is dropped once ---- */

static atomic_int dropped;

static void count_drop(void *user)
{
    (void)user;
    atomic_fetch_add(&dropped, 1);
}

static void what_a_table_holds_is_dropped_once_whatever_ends_it(void)
{
    regrow_table table = new_table(REGROW_SET, REGROW_PUBLIC, NULL);
    put(table, TUPLE(INT(1), regrow_resource(NULL, count_drop)));
    put(table, TUPLE(INT(1), regrow_resource(NULL, count_drop)));
    CHECK(atomic_load(&dropped) == 1);
    put(table, TUPLE(INT(2), regrow_resource(NULL, count_drop)));
    regrow_term key = INT(2);
    CHECK_OK(regrow_table_delete_key(table, &key));
    CHECK(atomic_load(&dropped) == 2);
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_table_insert(table, regrow_resource(NULL, count_drop)));
    CHECK(atomic_load(&dropped) == 3);
    CHECK_OK(regrow_table_delete_all_objects(table));
    CHECK(atomic_load(&dropped) == 4);
    put(table, TUPLE(INT(1), regrow_resource(NULL, count_drop)));
    CHECK_OK(regrow_table_delete(table));
    CHECK(atomic_load(&dropped) == 5);
    CHECK_ERROR(REGROW_ERR_NO_TABLE, regrow_table_insert(table, TUPLE(INT(1), regrow_resource(NULL, count_drop))));
    CHECK(atomic_load(&dropped) == 6);
}

/* ---- files ---- */

static void a_file_cut_at_any_byte_is_refused(void)
{
    char path[64], whole[8192];
    snprintf(path, sizeof path, "/tmp/regrow-table-%d", (int)getpid());
    regrow_table table = new_table(REGROW_ORDERED_SET, REGROW_PUBLIC, "saved"), loaded;
    for (int i = 0; i < 50; i++)
        put(table, TUPLE(INT(i), regrow_text("some text that is long enough to be counted")));
    regrow_term before, after;
    CHECK_OK(regrow_table_to_list(table, &before));
    CHECK_OK(regrow_table_to_file(table, path));
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_table_from_file(path, &loaded));
    CHECK_OK(regrow_table_delete(table));
    FILE *file = fopen(path, "rb");
    CHECK(file);
    size_t size = fread(whole, 1, sizeof whole, file);
    fclose(file);
    CHECK(size > 1000 && size < sizeof whole);
    for (size_t length = 0; length < size; length++) {
        file = fopen(path, "wb");
        CHECK(file && fwrite(whole, 1, length, file) == length && fclose(file) == 0);
        CHECK_ERROR(REGROW_ERR_FILE, regrow_table_from_file(path, &loaded));
        CHECK_REASON("bad_file");
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_table_whereis(root, "saved", &loaded));
    }
    file = fopen(path, "wb");
    CHECK(file && fwrite(whole, 1, size, file) == size && fclose(file) == 0);
    CHECK_OK(regrow_table_from_file(path, &loaded));
    CHECK_OK(regrow_table_to_list(loaded, &after));
    CHECK(regrow_term_equal(&before, &after));
    CHECK(unlink(path) == 0);
    CHECK_ERROR(REGROW_ERR_FILE, regrow_table_from_file(path, &table));
    CHECK_REASON("enoent");
    regrow_term_free(&before);
    regrow_term_free(&after);
}

static void a_timer_is_no_table(void)
{
    regrow_ref timer;
    regrow_table table;
    CHECK_OK(regrow_send_after(root, 60000, regrow_nil(), &timer));
    regrow_term term = regrow_from_ref(timer);
    CHECK(!regrow_as_table(&term, &table));
    table.id = timer.id;
    CHECK_ERROR(REGROW_ERR_NO_TABLE, regrow_table_delete(table));
    regrow_term_free(&term);
    CHECK_OK(regrow_cancel_timer(root, timer, 0, NULL));
}

int main(void)
{
    TEST(the_fourteen_lines_give_what_they_gave_in_elixir);
    TEST(each_kind_keeps_what_ets_keeps);
    TEST(an_object_that_is_none_is_refused_and_nothing_of_its_list_is_inserted);
    TEST(a_spec_with_something_unknown_makes_no_table);
    TEST(a_counter_counts_every_time_under_eight_threads);
    TEST(a_counter_has_limits_and_is_refused_where_there_is_none);
    TEST(a_small_counter_obeys_every_rule);
    TEST(a_select_gives_its_rows_also_in_parts_and_backwards);
    TEST(a_malformed_specification_says_where);
    TEST(no_table_is_left_when_its_owner_is_down);
    TEST(an_heir_gets_the_table_and_is_told);
    TEST(a_table_is_given_away_and_goes_with_its_new_owner);
    TEST(a_thread_that_has_not_entered_uses_tables_but_owns_none);
    TEST(a_name_is_taken_once_and_a_stale_handle_is_told);
    TEST(a_table_stays_in_its_runtime);
    TEST(whose_supervisor_was_killed_keeps_its_tables_and_loses_their_names);
    TEST(what_a_table_holds_is_dropped_once_whatever_ends_it);
    TEST(a_file_cut_at_any_byte_is_refused);
    TEST(a_timer_is_no_table);
    return 0;
}
