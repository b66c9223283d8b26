/* tokens: see tokens.h. Shows what holds of it, TS1 to TS6; expected.txt has the lines. The status is 1 when one does
 * not hold.
 *
 * The clock is a manual one: a minute passes when regrow_advance() says so, and what takes 100 ms takes exactly that.
 * REGROW_WORKERS=N in the environment: so many threads run the processes, where otherwise there is one for each
 * processor. */
#include "trio.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static regrow_pid root, self;

/* ---- clients: processes that ask for a token and tell main what they got ---- */

struct client {
    const struct trio *trio;
    const char *app;
    bool refresh;
};

static regrow_next client(regrow_context *context, void *user)
{
    const struct client *client = user;
    regrow_term token = regrow_nil();
    regrow_error error = client->refresh ? tokens_refresh(&client->trio->tokens, client->app, &token)
                                         : tokens_get(&client->trio->tokens, client->app, &token);
    regrow_send(self, error ? regrow_text(regrow_error_name(error)) : token);
    return REGROW_DONE;
}

/* Until it waits for something. */
static void start_client(const struct client *client_spec)
{
    regrow_process_spec spec = { .size = sizeof spec, .body = client, .user = (void *)client_spec };
    must(regrow_spawn(root, &spec, NULL), "spawn");
    settle(root);
}

/* How many clients have got this token, or NULL: an answer of whatever kind, since somebody looked. */
static int count_answers(const char *token)
{
    int count = 0;
    regrow_term answer;
    const char *text;
    while (regrow_receive(0, &answer) == REGROW_OK) {
        count += !token || (regrow_as_text(&answer, &text) && strcmp(text, token) == 0);
        regrow_term_free(&answer);
    }
    return count;
}

static bool gets(const struct trio *trio, const char *app, const char *expected)
{
    struct client spec = { trio, app, false };
    start_client(&spec);
    return count_answers(expected) == 1;
}

static bool advance(uint64_t ms)
{
    return regrow_advance(root, ms) == REGROW_OK;
}

/* ---- TS3: who falls with whom ---- */

enum { REGISTRY, OWNER, TASKS, SERVERS, MEMBERS };

static void members(const struct trio *trio, regrow_pid *pids)
{
    const struct tokens *tokens = &trio->tokens;
    const char *const names[] = { tokens->registry, tokens->table_owner, tokens->task_supervisor,
                                  tokens->dynamic_supervisor };
    settle(root);
    for (int at = 0; at < MEMBERS; at++)
        must(regrow_whereis(root, names[at], &pids[at]), names[at]);
}

/* Whether those from `first` on are new since `before`, and the others are not. */
static bool are_new_from(const struct trio *trio, const regrow_pid *before, int first)
{
    regrow_pid after[MEMBERS];
    members(trio, after);
    for (int at = 0; at < MEMBERS; at++)
        if ((before[at].id != after[at].id) != (at >= first) || !regrow_is_alive(after[at]))
            return false;
    return true;
}

static void who_falls_with_whom(void)
{
    static struct trio trio;
    regrow_pid before[MEMBERS], app, again;
    trio_prepare(&trio, root, "falls");
    trio_start(&trio);

    bool ok = gets(&trio, "my-app", "my-app-token-1") && trio_size(&trio) == 1;
    members(&trio, before);
    kill_named(root, trio.tokens.registry);
    claim("TS3", ok && are_new_from(&trio, before, REGISTRY) && trio_size(&trio) == 0 &&
                 tokens_whereis(&trio.tokens, "my-app", &app) == REGROW_ERR_NOT_FOUND,
          "the registry is killed: all four are new, the table is empty, no app server is there");

    ok = gets(&trio, "my-app", "my-app-token-1") && trio_size(&trio) == 1;
    members(&trio, before);
    kill_named(root, trio.tokens.table_owner);
    claim("TS3", ok && are_new_from(&trio, before, OWNER) && trio_size(&trio) == 0,
          "the owner of the table is killed: it and those behind it are new, the registry is not, the table is empty");
    claim("TS3", gets(&trio, "my-app", "my-app-token-1") && atomic_load(&trio.commands) == 1,
          "the first to ask then has the token from the storage, not from a command");

    members(&trio, before);
    app = trio_resolve(&trio, "my-app");
    regrow_pid other = trio_resolve(&trio, "other-app");
    kill_process(root, app);
    again = trio_resolve(&trio, "my-app");
    claim("TS3", are_new_from(&trio, before, MEMBERS) && again.id != app.id && trio_size(&trio) == 1 &&
                 trio_resolve(&trio, "other-app").id == other.id,
          "an app server is killed: only it is new, the table is as it was");

    must(regrow_advance(root, 60001), "advance"); /* that one does not count any more */
    ok = true;
    for (int count = 0; count < 20; count++)
        kill_process(root, trio_resolve(&trio, "my-app"));
    claim("TS3", are_new_from(&trio, before, MEMBERS), "20 app servers are killed within 60 s: nobody else is new");
    kill_process(root, trio_resolve(&trio, "my-app"));
    claim("TS3", are_new_from(&trio, before, SERVERS), "the 21st: the dynamic supervisor is new, and nobody else");
    claim("TS3", gets(&trio, "my-app", "my-app-token-1"), "the token outlived all of it");
}

/* ---- TS4: side by side, and together ---- */

static void side_by_side_and_together(void)
{
    static struct trio trio;
    trio_prepare(&trio, root, "slow");
    trio_start(&trio);
    atomic_store(&trio.command_ms, 100);

    struct client one = { &trio, "one", false }, two = { &trio, "two", false };
    start_client(&one);
    start_client(&two);
    bool ok = advance(99) && count_answers(NULL) == 0;
    claim("TS4", ok && advance(1) && count_answers(NULL) == 2 && trio_size(&trio) == 2,
          "two apps whose commands take 100 ms each have their tokens after 100 ms");

    struct client same = { &trio, "same", false };
    for (int count = 0; count < 10; count++)
        start_client(&same);
    must(regrow_advance(root, 100), "advance");
    claim("TS4", count_answers("same-token-3") == 10 && atomic_load(&trio.commands) == 3,
          "ten ask for one token at once: one command, and all have it after 100 ms");
}

/* ---- TS5: new tokens for old ---- */

static bool is_stored(const struct trio *trio, const char *app, const char *token)
{
    regrow_term key = regrow_text(app), row;
    const char *text;
    must(regrow_table_get(trio->storage, &key, &row), "storage");
    bool is = regrow_as_text(regrow_tuple_get(&row, 1), &text) && strcmp(text, token) == 0;
    regrow_term_free(&row);
    regrow_term_free(&key);
    return is;
}

static void new_tokens_for_old(void)
{
    static struct trio trio;
    trio_prepare(&trio, root, "fresh");
    trio.tokens.ttl_ms = 1000;
    trio.tokens.early_ms = 200;
    trio_start(&trio);

    bool ok = gets(&trio, "app", "app-token-1");
    atomic_store(&trio.command_ms, 100);
    struct client refresh = { &trio, "app", true }, get = { &trio, "app", false };
    start_client(&refresh);
    for (int count = 0; count < 5; count++)
        start_client(&get);
    ok = ok && count_answers(NULL) == 0 && advance(100);
    claim("TS5", ok && count_answers("app-token-2") == 6 && atomic_load(&trio.commands) == 2,
          "a refresh, and five who ask meanwhile: all have the new token, by one command");

    /* That token came at this moment, and is good for 1,000 ms. */
    atomic_store(&trio.command_ms, 0);
    ok = advance(799) && gets(&trio, "app", "app-token-2") && atomic_load(&trio.commands) == 2;
    ok = ok && advance(1) && atomic_load(&trio.commands) == 3;
    claim("TS5", ok && gets(&trio, "app", "app-token-3"),
          "200 ms before its end a token is replaced, though nobody asks");

    atomic_store(&trio.save_ms, 500);
    start_client(&refresh);
    ok = count_answers("app-token-4") == 1 && is_stored(&trio, "app", "app-token-3");
    claim("TS5", ok && advance(500) && is_stored(&trio, "app", "app-token-4"),
          "a storage that takes 500 ms delays nobody, and has the token then");

    atomic_store(&trio.save_ms, 0);
    atomic_store(&trio.no_save, true);
    regrow_pid server = trio_resolve(&trio, "app");
    start_client(&refresh);
    claim("TS5", count_answers("app-token-5") == 1 && is_stored(&trio, "app", "app-token-4") &&
                 trio_resolve(&trio, "app").id == server.id,
          "a storage that fails costs nobody the token, and ends nobody but its task");
}

/* ---- TS6: several of it ---- */

static void several(void)
{
    enum { COUNT = 4 };
    static struct trio trios[COUNT];
    regrow_pid pids[COUNT], before[COUNT][MEMBERS];
    bool ok = true;
    for (int at = 0; at < COUNT; at++) {
        char prefix[20];
        snprintf(prefix, sizeof prefix, "trio-%d", at);
        trio_prepare(&trios[at], root, prefix);
        trio_start(&trios[at]);
        ok = ok && gets(&trios[at], "my-app", "my-app-token-1");
        pids[at] = trio_resolve(&trios[at], "my-app");
        for (int other = 0; other < at; other++)
            ok = ok && pids[at].id != pids[other].id;
    }
    for (int at = 0; at < COUNT; at++) {
        ok = ok && atomic_load(&trios[at].commands) == 1 && trio_size(&trios[at]) == 1;
        members(&trios[at], before[at]);
    }
    claim("TS6", ok, "four trees: the same app has a server, a table and a token of its own in each");

    kill_named(root, trios[2].tokens.registry);
    for (int at = 0; at < COUNT; at++) {
        ok = ok && are_new_from(&trios[at], before[at], at == 2 ? REGISTRY : MEMBERS);
        ok = ok && trio_size(&trios[at]) == (at == 2 ? 0 : 1);
        ok = ok && (at == 2 || trio_resolve(&trios[at], "my-app").id == pids[at].id);
    }
    claim("TS6", ok, "the registry of one is killed: the other three do not notice");
}

int main(void)
{
    const char *workers = getenv("REGROW_WORKERS");
    /* Much is killed here, and each death would be a report on stderr. */
    regrow_options options = {
        .size = sizeof options, .clock = REGROW_MANUAL, .workers = workers ? (uint32_t)atoi(workers) : 0,
        .log_level = REGROW_LOG_SILENT };
    must(regrow_init(&options, &root), "init");
    must(regrow_enter(root, &self), "enter");

    claims_of_threads(root);
    who_falls_with_whom();
    side_by_side_and_together();
    new_tokens_for_old();
    several();

    must(regrow_leave(), "leave");
    must(regrow_shutdown(root, REGROW_INFINITY, NULL), "shutdown");
    return all_claims_hold() ? EXIT_SUCCESS : EXIT_FAILURE;
}
