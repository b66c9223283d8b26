/* Drill 1: registries find processes by keys of any shape, and forget them before anyone can know of their end. */
#include "drill.h"

static regrow_pid registry;

/* Registers itself under {task, Number}, and does what it is sent. */
static regrow_next worker(regrow_context *context, void *user)
{
    const int64_t *number = user;
    regrow_pid self;
    regrow_term message;
    MUST(regrow_self(&self));
    MUST(regrow_registry_register(registry, numbered("task", *number), self, numbered("priority", 10 - *number)));
    while (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK) {
        bool is_stop = regrow_is_atom(&message, "stop");
        if (is_tagged(&message, "work"))
            printf("   task %" PRId64 " works at: %s\n", *number, text_at(&message, 1));
        regrow_term_free(&message);
        if (is_stop)
            return REGROW_DONE;
    }
    return regrow_stop_self(context, regrow_atom("shutdown"));
}

/* The process that has {task, Number}, zero for none; prints the entry. */
static regrow_pid look_up(int64_t number)
{
    regrow_pid pid = { 0 };
    regrow_term entries, key = numbered("task", number);
    size_t count;
    MUST(regrow_registry_lookup(registry, &key, &entries));
    regrow_list_length(&entries, &count);
    printf("   {task,%" PRId64 "}: %zu found", number, count);
    if (count) {
        const regrow_term *entry = regrow_list_head(&entries);
        regrow_as_pid(regrow_tuple_get(entry, 0), &pid);
        printf(", beside it ");
        print_term(regrow_tuple_get(entry, 1));
    }
    printf("\n");
    regrow_term_free(&entries);
    regrow_term_free(&key);
    return pid;
}

static void print_count(const char *what, regrow_pid of)
{
    size_t count;
    MUST(regrow_registry_count(of, &count));
    printf("   %s: %zu entries\n", what, count);
}

static void count_one(void *user, regrow_pid pid, const regrow_term *value)
{
    ++*(int *)user;
}

int main(void)
{
    static int64_t numbers[] = { 1, 2, 3, 4, 5 };
    regrow_registry_spec unique = { .size = sizeof unique, .keys = REGROW_UNIQUE };
    regrow_registry_spec duplicate = { .size = sizeof duplicate, .keys = REGROW_DUPLICATE };
    regrow_pid pids[LENGTH(numbers)], holder = { 0 };
    begin();
    registry = start_tree("my_registry", REGROW_REGISTRY, &unique);

    printf("1. Five processes register as {task, Number}.\n");
    for (size_t at = 0; at < LENGTH(numbers); at++) {
        regrow_process_spec body = { .size = sizeof body, .body = worker, .user = &numbers[at] };
        MUST(regrow_spawn(root, &body, &pids[at]));
    }
    settle(); /* a spawn does not wait for what the process does first */
    print_count("my_registry", registry);

    printf("2. One is found by its key, and gets a message.\n");
    regrow_pid found = look_up(2);
    MUST(regrow_send(found, TUPLE(regrow_atom("work"), regrow_text("important task"))));
    settle();

    printf("3. A second process for the same key is refused.\n");
    regrow_error error = regrow_registry_register(registry, numbered("task", 2), pids[0], regrow_nil());
    bool named = last_reason_names("already_registered", &holder);
    printf("   %s, {already_registered, Pid}: %s; Pid is who has it: %s\n", regrow_error_name(error), yes_or_no(named),
           yes_or_no(same(holder, pids[1])));

    printf("4. Who ends is not found any more, neither killed nor by itself.\n");
    kill_and_wait(pids[2]);
    look_up(3);
    end_by(regrow_send, pids[3], "stop");
    look_up(4);
    print_count("my_registry", registry);

    printf("5. In a duplicate registry many processes have one key, and one may have it twice.\n");
    regrow_pid crowd = start_tree("crowd", REGROW_REGISTRY, &duplicate);
    regrow_pid members[] = { pids[0], pids[1], pids[4], pids[4] };
    int called = 0;
    for (size_t at = 0; at < LENGTH(members); at++)
        MUST(regrow_registry_register(crowd, regrow_atom("workers"), members[at], regrow_nil()));
    print_count("crowd", crowd);
    kill_and_wait(pids[4]);
    regrow_term workers = regrow_atom("workers");
    MUST(regrow_registry_dispatch(crowd, &workers, count_one, &called));
    printf("   one of them ends, and %d entries are left to dispatch to\n", called);
    return finish();
}
