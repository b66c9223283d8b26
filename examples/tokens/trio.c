#include "trio.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the backend ---- */

static regrow_error command(void *user, const char *app, regrow_term *token)
{
    struct trio *trio = user;
    char text[100];
    snprintf(text, sizeof text, "%s-token-%d", app, 1 + atomic_fetch_add(&trio->commands, 1));
    regrow_error error = regrow_sleep(atomic_load(&trio->command_ms)); /* its thread runs others meanwhile */
    if (!error)
        *token = regrow_text(text);
    return error;
}

static regrow_error load(void *user, const regrow_term *app, regrow_term *row)
{
    const struct trio *trio = user;
    return regrow_table_get(trio->storage, app, row);
}

static regrow_error save(void *user, const regrow_term *row)
{
    struct trio *trio = user;
    regrow_error error = regrow_sleep(atomic_load(&trio->save_ms));
    if (error)
        return error;
    return atomic_load(&trio->no_save) ? REGROW_ERR_FILE
                                       : regrow_table_insert(trio->storage, regrow_term_clone(row));
}

/* ---- the tree ---- */

void trio_prepare(struct trio *trio, regrow_pid root, const char *prefix)
{
    static const char *const parts[] = { "Supervisor",        "Registry", "ETSOwner", "TaskSupervisor",
                                         "DynamicSupervisor", "tokens" };
    regrow_table_spec storage = { .size = sizeof storage, .access = REGROW_PUBLIC };
    memset(trio, 0, sizeof *trio);
    for (size_t at = 0; at < sizeof parts / sizeof *parts; at++)
        snprintf(trio->names[at], sizeof trio->names[at], "%s.%s", prefix, parts[at]);
    must(regrow_table_new(&storage, &trio->storage), "the storage");
    trio->tokens = (struct tokens){
        .root = root, .supervisor = trio->names[0], .registry = trio->names[1], .table_owner = trio->names[2],
        .task_supervisor = trio->names[3], .dynamic_supervisor = trio->names[4], .table = trio->names[5],
        .ttl_ms = 3600000, .early_ms = 60000, .command = command, .load = load, .save = save, .user = trio };
}

void trio_start(struct trio *trio)
{
    must(tokens_start(&trio->tokens), trio->tokens.supervisor);
}

regrow_pid trio_resolve(const struct trio *trio, const char *app)
{
    regrow_pid pid;
    must(tokens_resolve(&trio->tokens, app, &pid), app);
    return pid;
}

size_t trio_size(const struct trio *trio)
{
    regrow_table table;
    size_t size;
    must(regrow_table_whereis(trio->tokens.root, trio->tokens.table, &table), trio->tokens.table);
    must(regrow_table_size(table, &size), trio->tokens.table);
    return size;
}

void settle(regrow_pid root)
{
    must(regrow_settle(root, REGROW_INFINITY, NULL), "settle");
}

void kill_process(regrow_pid root, regrow_pid pid)
{
    must(regrow_exit(pid, regrow_atom("kill")), "kill");
    settle(root);
}

void kill_named(regrow_pid root, const char *name)
{
    regrow_pid pid;
    must(regrow_whereis(root, name, &pid), name);
    kill_process(root, pid);
}

/* ---- what is claimed ---- */

static bool failed;

void claim(const char *id, bool holds, const char *sentence)
{
    printf("%s %s %s\n", id, holds ? "ok" : "FAILED", sentence);
    failed |= !holds;
}

bool all_claims_hold(void)
{
    return !failed;
}

void must(regrow_error error, const char *what)
{
    if (!error)
        return;
    fflush(stdout);
    fprintf(stderr, "tokens: %s: %s\n", what, regrow_error_name(error));
    exit(EXIT_FAILURE);
}
