/* No gap at a restart: whoever waits for a name or a key through a crash loop is served, or hears how the server ended;
 * nobody hears that there is no such process. Restarts that wait, and children that are parked, from C. */
#include "tree.h"
#include <inttypes.h>

enum { CALLERS = 1000, CALLS = 5 };

static regrow_address address;
static atomic_int served, ended, lost, done;

static regrow_next call_again_and_again(regrow_context *context, void *user)
{
    for (int call = 0; call < CALLS; call++) {
        regrow_error error = regrow_call_at(&address, ATOM("hello"), REGROW_INFINITY, NULL);
        atomic_fetch_add(error == REGROW_OK ? &served : error == REGROW_ERR_EXITED ? &ended : &lost, 1);
        if (error != REGROW_OK && error != REGROW_ERR_EXITED)
            fprintf(stderr, "a call was lost: %s\n", regrow_error_name(error));
    }
    atomic_fetch_add(&done, 1);
    return REGROW_DONE;
}

/* Every twentieth call ends the server, which had others queued. */
static regrow_next answer_or_crash(regrow_context *context, void *state, const regrow_term *request)
{
    static atomic_int calls;
    if (atomic_fetch_add(&calls, 1) % 20 == 19)
        return regrow_stop_self(context, ATOM("crash"));
    return regrow_reply(context, ATOM("ok"));
}

static regrow_next start_slowly(regrow_context *context, actor *actor)
{
    regrow_sleep(1); /* it may be killed in it */
    return REGROW_READY;
}

static void call_through_crashes(bool by_key, const regrow_backoff_spec *backoff)
{
    static tree tree;
    regrow_term key = ATOM("key");
    regrow_pid registry;
    regrow_registry_spec registry_spec = { .size = sizeof registry_spec };
    regrow_child_spec child = { .size = sizeof child, .kind = REGROW_REGISTRY, .spec = &registry_spec };
    CHECK_OK(regrow_start(root, &child, &registry));
    address = by_key ? (regrow_address){ .size = sizeof address, .registry = registry, .key = &key }
                     : (regrow_address){ .size = sizeof address, .runtime = root, .name = "server" };
    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    tree.actors[1].silent = true;
    tree.actors[1].traps = false;
    tree.actors[1].on_init = start_slowly;
    tree.servers[0].handle_call = answer_or_crash;
    if (by_key)
        tree.children[0].via = &address;
    else
        tree.children[0].name = "server";
    tree.children[0].backoff = backoff;
    tree.spec.max_restarts = 2000000000;
    start_tree(&tree);
    address.wait_ms = REGROW_INFINITY;
    served = ended = lost = done = 0;
    regrow_process_spec caller = { .size = sizeof caller, .body = call_again_and_again };
    for (int count = 0; count < CALLERS; count++)
        CHECK_OK(regrow_spawn(root, &caller, NULL));
    /* And it is killed besides. */
    while (atomic_load(&done) < CALLERS) {
        regrow_pid pid;
        CHECK_OK(regrow_whereis_at(&address, &pid));
        CHECK_OK(regrow_sleep(5));
        CHECK_OK(regrow_exit(pid, ATOM("kill")));
    }
    CHECK(lost == 0);
    CHECK(served + ended == CALLERS * CALLS && served > ended);
    stop_tree(&tree);
    CHECK_OK(regrow_stop(registry, ATOM("normal"), LIMIT_MS));
}

static void a_thousand_calls_by_name_wait_through_a_crash_loop(void)
{
    call_through_crashes(false, NULL);
}

static void a_thousand_calls_by_key_wait_through_a_crash_loop(void)
{
    call_through_crashes(true, NULL);
}

static void they_wait_through_a_backoff_too(void)
{
    regrow_backoff_spec backoff = { .size = sizeof backoff, .initial_ms = 1, .max_ms = 2, .jitter_percent = 50 };
    call_through_crashes(false, &backoff);
}

/* ---- the backoff as C has it ---- */

/* When the child of that number is started again, on the runtime's clock, as the tree shows it; -1: it does not say. */
static int64_t next_start(regrow_pid supervisor, int64_t number)
{
    regrow_term dump, children = ATOM("children"), key = ATOM("next_at_ms");
    int64_t next = -1;
    CHECK_OK(regrow_tree(supervisor, REGROW_TREE_TERM, REGROW_INFINITY, &dump));
    const regrow_term *each = regrow_map_get(&dump, &children);
    while (--number > 0)
        each = regrow_list_tail(each);
    const regrow_term *found = regrow_map_get(regrow_list_head(each), &key);
    if (!regrow_as_int(found, &next))
        CHECK_SHOWN(found, "undefined");
    regrow_term_free(&dump);
    return next;
}

/* What is in the tree as text: a format with a time. */
static void check_dump(regrow_pid supervisor, uint32_t form, const char *format, uint64_t ms)
{
    regrow_term dump;
    const char *text;
    char part[100];
    CHECK_OK(regrow_tree(supervisor, form, REGROW_INFINITY, &dump));
    snprintf(part, sizeof part, format, ms);
    CHECK(regrow_as_text(&dump, &text) && strstr(text, part));
    regrow_term_free(&dump);
}

static void a_child_with_a_backoff_waits_and_parks(void)
{
    tree tree;
    uint64_t now;
    regrow_backoff_spec backoff = { .size = sizeof backoff, .initial_ms = 100, .max_restarts = 3,
                                    .period_ms = 60000, .at_limit = REGROW_PARK };
    regrow_pid pid;
    plant(&tree, 3, REGROW_ONE_FOR_ONE);
    tree.children[1].backoff = &backoff;
    start_tree(&tree);
    CHECK_LOG("S1 S2 S3");
    for (uint32_t wait = 100; wait <= 400; wait *= 2) {
        end_child(tree.pid, 2, "boom");
        CHECK_CHILDREN(tree.pid, "3 restarting:2 1");
        CHECK_ERROR(REGROW_ERR_RESTARTING, regrow_supervisor_restart_child(tree.pid, number_id(2), NULL));
        CHECK_OK(regrow_now(root, &now));
        CHECK(next_start(tree.pid, 2) == (int64_t)now + wait);
        check_dump(tree.pid, REGROW_TREE_TEXT, "restarting at %" PRIu64 " ms, restarts", now + wait);
        check_dump(tree.pid, REGROW_TREE_JSON, "\"next_at_ms\":%" PRIu64 ",", now + wait);
        CHECK_OK(regrow_advance(root, wait - 1));
        CHECK_LOG("T2");
        CHECK_OK(regrow_advance(root, 1));
        CHECK_LOG("S2");
        CHECK(next_start(tree.pid, 2) == -1);
        CHECK_OK(regrow_advance(root, 7));
    }
    end_child(tree.pid, 2, "boom");
    CHECK_CHILDREN(tree.pid, "3 parked:2 1");
    CHECK(next_start(tree.pid, 2) == -1);
    CHECK_OK(regrow_supervisor_lookup(tree.pid, number_id(2), &pid));
    CHECK(pid.id == 0);
    regrow_term failures;
    size_t length;
    CHECK_OK(regrow_supervisor_history(tree.pid, &failures));
    CHECK(regrow_list_length(&failures, &length) && length == 4);
    const regrow_term *first = regrow_list_head(&failures);
    regrow_term verdict = ATOM("verdict"), time = ATOM("time_ms"), count = ATOM("count");
    regrow_term uptime = ATOM("uptime_ms");
    CHECK_SHOWN(regrow_map_get(first, &verdict), "{restart,100}");
    CHECK_SHOWN(regrow_map_get(first, &time), "0");
    CHECK_SHOWN(regrow_map_get(first, &count), "1");
    CHECK_SHOWN(regrow_map_get(first, &uptime), "0");
    CHECK_SHOWN(regrow_map_get(regrow_list_head(regrow_list_tail(&failures)), &uptime), "7");
    regrow_term_free(&failures);
    CHECK_OK(regrow_supervisor_restart_child(tree.pid, number_id(2), &pid));
    CHECK(pid.id == child_pid(tree.pid, 2).id);
    stop_tree(&tree);
}

static void a_backoff_out_of_range_is_refused(void)
{
    actor actor = { .number = 1 };
    regrow_server_spec server = actor_spec(&actor);
    const regrow_backoff_spec good = { .size = sizeof good };
    regrow_backoff_spec backoff;
    regrow_child_spec child = server_child(1, &server);
    child.backoff = &backoff;
#define REFUSED(spoil)                                                                       \
    do {                                                                                     \
        backoff = good;                                                                      \
        spoil;                                                                               \
        CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_supervisor_start_child(root, &child, NULL)); \
    } while (0)
    REFUSED(backoff.size = 0);
    REFUSED(backoff.size = 4);
    REFUSED(backoff.jitter_percent = 101);
    REFUSED(backoff.factor_percent = 99);
    REFUSED(backoff.at_limit = 2);
    CHECK(actor.starts == 0);
    backoff = good;
    CHECK_OK(regrow_supervisor_start_child(root, &child, NULL));
    CHECK_OK(regrow_supervisor_terminate_child(root, number_id(1)));
}

int main(void)
{
    TEST(a_thousand_calls_by_name_wait_through_a_crash_loop);
    TEST(a_thousand_calls_by_key_wait_through_a_crash_loop);
    TEST(they_wait_through_a_backoff_too);
    TEST_MANUAL(a_child_with_a_backoff_waits_and_parks);
    TEST(a_backoff_out_of_range_is_refused);
    return 0;
}
