/* Ends that have a great deal to do: whoever brings one about goes on, and so does everybody else, in between.
 *
 * There is one worker, so "in between" is an order: the killer sends itself and a bystander a message after the kill,
 * and tells us of them, and of the DOWN, as they come. On a machine at its limits a worker that waits for a processor looks
 * stuck, and gets relief: then there are two, nothing is said of the order, and all of it is done again. */
#include "support.h"

static size_t many; /* 100,000 */

/* ---- the killer, the bystander ---- */

typedef struct murder {
    regrow_pid killer, bystander, victim, registry;
    size_t left_at_next, left_at_down;
    bool alive_at_next, alive_at_down;
    regrow_ref monitor;
} murder;

static size_t entries(regrow_pid registry)
{
    size_t count = 0;
    if (registry.id && regrow_registry_count(registry, &count))
        return 0;
    return count;
}

static regrow_next see_murder(regrow_context *context, void *state, const regrow_term *message)
{
    murder *mine = state;
    regrow_pid me;
    if (regrow_is_atom(message, "kill")) {
        CHECK_OK(regrow_self(&me));
        CHECK_OK(regrow_monitor(mine->victim, &mine->monitor));
        CHECK_OK(regrow_exit(mine->victim, regrow_atom("kill")));
        CHECK_OK(regrow_send(me, regrow_atom("next")));
        CHECK_OK(regrow_send(mine->bystander, regrow_atom("hello")));
    } else if (regrow_is_atom(message, "next")) {
        mine->left_at_next = entries(mine->registry);
        mine->alive_at_next = regrow_is_alive(mine->victim);
        CHECK_OK(regrow_send(self, regrow_atom("next")));
    } else if (is_down_of(&mine->monitor, message)) {
        mine->left_at_down = entries(mine->registry);
        mine->alive_at_down = regrow_is_alive(mine->victim);
        CHECK_OK(regrow_send(self, regrow_atom("down")));
    }
    return REGROW_NOREPLY;
}

static regrow_next pass_on(regrow_context *context, void *state, const regrow_term *message)
{
    CHECK_OK(regrow_send(self, regrow_term_clone(message)));
    return REGROW_NOREPLY;
}

static void plan(murder *mine, regrow_pid victim, regrow_pid registry)
{
    regrow_server_spec killer = { .size = sizeof killer, .init = take_user, .handle_info = see_murder, .user = mine };
    regrow_server_spec bystander = { .size = sizeof bystander, .handle_info = pass_on };
    *mine = (murder){ .victim = victim, .registry = registry };
    mine->killer = start_server(&killer);
    mine->bystander = start_server(&bystander);
}

/* What the two told us, in the order in which it came. */
typedef struct news {
    char told[80];
    int count;
} news;

static bool is_news(void *user, const regrow_term *message)
{
    return regrow_is_atom(message, "next") || regrow_is_atom(message, "hello") || regrow_is_atom(message, "down");
}

static void hear(news *news)
{
    regrow_term message;
    size_t length = strlen(news->told);
    CHECK_OK(regrow_receive_match(is_news, NULL, LONG_MS, &message));
    news->told[length++] = ' ';
    regrow_term_print(&message, news->told + length, sizeof news->told - length);
    news->count++;
}

/* The deed is done, and all have told of it: whether one worker did it alone. */
static bool was_alone(murder *mine)
{
    bool alone = stats().relief_workers == 0;
    CHECK(!mine->alive_at_down);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    kill_and_wait(mine->killer);
    kill_and_wait(mine->bystander);
    return alone;
}

static bool commit(murder *mine)
{
    news news = { 0 };
    CHECK_OK(regrow_send(mine->killer, regrow_atom("kill")));
    while (news.count < 3)
        hear(&news);
    if (!was_alone(mine))
        return false;
    CHECK(!strcmp(news.told, " next hello down"));
    CHECK(mine->alive_at_next);
    return true;
}

/* Until one worker did it alone. */
static void again_and_again(bool (*deed)(void))
{
    for (int again = 0; !deed(); again++) {
        CHECK(again < 50);
        EVENTUALLY(stats().relief_workers == 0);
    }
}

/* ---- what is owned ---- */

static regrow_pid start_registry(void)
{
    regrow_registry_spec spec = { .size = sizeof spec, .keys = REGROW_UNIQUE };
    regrow_child_spec how = child(REGROW_REGISTRY, &spec);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &how, &pid));
    return pid;
}

static regrow_server_spec quiet = { .size = sizeof quiet };

/* `owner` has so many entries; each counts in `given_back` when it goes. */
static void enter(regrow_pid registry, regrow_pid owner, size_t first, size_t count, atomic_int *given_back)
{
    for (size_t at = first; at < first + count; at++)
        CHECK_OK(regrow_registry_register(registry, regrow_int((int64_t)at), owner,
                                          regrow_resource(given_back, count_up)));
}

static bool entries_go(void)
{
    atomic_int given_back = 0;
    murder mine;
    regrow_pid registry = start_registry(), heir, found;
    plan(&mine, start_server(&quiet), registry);
    enter(registry, mine.victim, 0, many, &given_back);
    bool alone = commit(&mine);
    CHECK(!alone || (mine.left_at_next > 0 && mine.left_at_next < many));
    CHECK(mine.left_at_down == 0 && (size_t)given_back == many);

    heir = start_server(&quiet);
    regrow_term key = regrow_int(0);
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_registry_whereis(registry, &key, &found));
    enter(registry, heir, 0, 1, &given_back);
    kill_and_wait(heir);
    kill_and_wait(registry);
    regrow_term_free(&key);
    return alone;
}

static void a_killer_goes_on_while_100000_entries_go_and_its_down_comes_after(void)
{
    again_and_again(entries_go);
}

static bool a_registry_goes(void)
{
    enum { OWNERS = 1000 };
    atomic_int given_back = 0;
    regrow_ref last;
    regrow_pid registry = start_registry();
    uint64_t before = stats().processes;
    murder mine;
    plan(&mine, registry, (regrow_pid){ 0 });
    for (size_t at = 0; at < OWNERS; at++) {
        regrow_pid owner = start_server(&quiet);
        enter(registry, owner, at * many / OWNERS, many / OWNERS, &given_back);
        if (at == OWNERS - 1)
            last = monitored(owner);
    }
    news news = { 0 };
    CHECK_OK(regrow_send(mine.killer, regrow_atom("kill")));
    hear(&news);
    hear(&news);
    /* Whoever has an entry is linked with the registry. */
    CHECK_DOWN("killed", last);
    hear(&news);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK((size_t)given_back == many);
    CHECK(stats().processes == before + 2 - 1);
    if (!was_alone(&mine))
        return false;
    CHECK(!strcmp(news.told, " next hello down"));
    CHECK(mine.alive_at_next);
    return true;
}

static void a_killer_goes_on_while_a_registry_of_100000_entries_goes(void)
{
    again_and_again(a_registry_goes);
}

static pthread_t killer;
static atomic_int by_killer, by_others;

static void count_whose(void *user)
{
    count_up(pthread_equal(pthread_self(), killer) ? &by_killer : &by_others);
}

static void a_thread_that_kills_does_next_to_nothing_of_it(void)
{
    regrow_pid registry = start_registry(), victim = start_server(&quiet);
    regrow_ref monitor = monitored(victim);
    killer = pthread_self();
    for (size_t at = 0; at < many; at++)
        CHECK_OK(regrow_registry_register(registry, regrow_int((int64_t)at), victim,
                                          regrow_resource(NULL, count_whose)));
    CHECK_OK(regrow_exit(victim, regrow_atom("kill")));
    /* Settle sees that it goes on. */
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK(!regrow_is_alive(victim) && entries(registry) == 0);
    CHECK((size_t)by_killer + (size_t)by_others == many && (size_t)by_killer < many / 10);
    CHECK_DOWN("killed", monitor);
    kill_and_wait(registry);
}

static void a_message_queue_of_100000_goes_bit_by_bit(void)
{
    atomic_int given_back = 0;
    murder mine;
    plan(&mine, start_server(&quiet), (regrow_pid){ 0 });
    CHECK_OK(regrow_suspend(mine.victim, LONG_MS));
    for (size_t at = 0; at < many; at++)
        CHECK_OK(regrow_send(mine.victim, regrow_resource(&given_back, count_up)));
    CHECK_OK(regrow_send(mine.killer, regrow_atom("kill")));
    /* Names and links first: the DOWN comes before the messages go. */
    regrow_term message;
    for (int at = 0; at < 3; at++) {
        CHECK_OK(regrow_receive(LONG_MS, &message));
        regrow_term_free(&message);
    }
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK((size_t)given_back == many);
    kill_and_wait(mine.killer);
    kill_and_wait(mine.bystander);
}

/* ---- links and monitors ---- */

static regrow_next start_linked(regrow_context *context, void *state, const regrow_term *message)
{
    regrow_child_spec how = child(REGROW_SERVER, &quiet);
    regrow_ref monitor;
    regrow_pid pid;
    for (size_t at = 0; at < many; at++) {
        CHECK_OK(regrow_start_link(&how, &pid));
        CHECK_OK(regrow_monitor(pid, &monitor));
    }
    CHECK_OK(regrow_send(self, regrow_atom("linked")));
    return REGROW_NOREPLY;
}

static bool links_and_monitors_go(void)
{
    regrow_server_spec hub = { .size = sizeof hub, .handle_info = start_linked };
    uint64_t before = stats().processes;
    regrow_term down;
    regrow_ref monitor = { 0 };
    murder mine;
    plan(&mine, start_server(&hub), (regrow_pid){ 0 });
    CHECK_OK(regrow_send(mine.victim, regrow_nil()));
    CHECK_MESSAGE("linked");
    for (size_t at = 0; at < many; at++)
        CHECK_OK(regrow_monitor(mine.victim, &monitor));
    CHECK(stats().processes == before + many + 3);
    CHECK_OK(regrow_send(mine.killer, regrow_atom("kill")));
    /* Of the three "next" and "hello" come first, "down" among those that are for us. */
    bool next_first = false, hello_second = false, told = false;
    for (size_t at = 0; at < many + 3; at++) {
        CHECK_OK(regrow_receive(LONG_MS, &down));
        next_first |= at == 0 && regrow_is_atom(&down, "next");
        hello_second |= at == 1 && regrow_is_atom(&down, "hello");
        told |= regrow_is_atom(&down, "down");
        regrow_term_free(&down);
    }
    CHECK(told);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK(stats().processes == before + 2);
    if (!was_alone(&mine))
        return false;
    CHECK(next_first && hello_second);
    return true;
}

static void a_killer_goes_on_while_100000_links_and_monitors_go(void)
{
    again_and_again(links_and_monitors_go);
}

static regrow_next link_with(regrow_context *context, void *state, const regrow_term *message)
{
    regrow_pid next;
    CHECK(regrow_as_pid(message, &next));
    CHECK_OK(regrow_link(next));
    return REGROW_NOREPLY;
}

static void a_chain_of_100000_ends_to_its_last(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .handle_info = link_with };
    uint64_t before = stats().processes;
    regrow_pid first = start_server(&spec), last = first;
    murder mine;
    for (size_t at = 1; at < many; at++) {
        regrow_pid next = start_server(&spec);
        CHECK_OK(regrow_send(last, regrow_from_pid(next)));
        last = next;
    }
    plan(&mine, first, (regrow_pid){ 0 });
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    regrow_ref monitor = monitored(last);
    CHECK_OK(regrow_send(mine.killer, regrow_atom("kill")));
    regrow_term message;
    /* The first has nothing to do, and is dead at once; the last is a long way off. */
    for (int at = 0; at < 3; at++) {
        CHECK_OK(regrow_receive(LONG_MS, &message));
        CHECK(regrow_is_atom(&message, "down") || regrow_is_atom(&message, "next") || regrow_is_atom(&message, "hello"));
        regrow_term_free(&message);
    }
    CHECK_DOWN("killed", monitor);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK(stats().processes == before + 2);
    kill_and_wait(mine.killer);
    kill_and_wait(mine.bystander);
}

/* ---- in one piece ---- */

static void a_thread_that_leaves_has_given_everything_back(void)
{
    atomic_int given_back = 0;
    regrow_pid registry = start_registry();
    enter(registry, self, 0, many, &given_back);
    CHECK_OK(regrow_leave());
    CHECK((size_t)given_back == many && entries(registry) == 0);
    CHECK_OK(regrow_enter(root, &self));
    kill_and_wait(registry);
}

/* ---- shutdown ---- */

static void shutdown_waits_for_an_end_that_goes_on(void)
{
    for (int manual = 0; manual < 2; manual++) {
        atomic_int given_back = 0;
        regrow_pid mine = root;
        regrow_options options = { .size = sizeof options, .workers = 1, .log_level = REGROW_LOG_SILENT,
                                   .clock = manual ? REGROW_MANUAL : 0 };
        CHECK_OK(regrow_init(&options, &root));
        regrow_pid registry = start_registry(), victim = start_server(&quiet), sleeper = start_server(&quiet);
        enter(registry, victim, 0, many, &given_back);
        CHECK_OK(regrow_suspend(sleeper, LONG_MS));
        for (size_t at = 0; at < many; at++)
            CHECK_OK(regrow_send(sleeper, regrow_resource(&given_back, count_up)));
        CHECK_OK(regrow_exit(victim, regrow_atom("kill")));
        CHECK_OK(regrow_shutdown(root, LONG_MS, NULL));
        CHECK((size_t)given_back == 2 * many);
        root = mine;
    }
}

int main(void)
{
    many = rounds(100000);
    open_runtime((regrow_options){ .workers = 1 });
    RUN(a_killer_goes_on_while_100000_entries_go_and_its_down_comes_after);
    RUN(a_killer_goes_on_while_a_registry_of_100000_entries_goes);
    RUN(a_thread_that_kills_does_next_to_nothing_of_it);
    RUN(a_message_queue_of_100000_goes_bit_by_bit);
    RUN(a_killer_goes_on_while_100000_links_and_monitors_go);
    RUN(a_chain_of_100000_ends_to_its_last);
    RUN(a_thread_that_leaves_has_given_everything_back);
    RUN(shutdown_waits_for_an_end_that_goes_on);
    close_runtime();
    return 0;
}
