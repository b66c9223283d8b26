/* The tree, and the way from an app to its server. */
#include "tokens.h"

/* ---- the owner of the table ---- */

static regrow_next owner_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    const struct tokens *tokens = user;
    regrow_table_spec spec = { .size = sizeof spec, .name = tokens->table, .access = REGROW_PUBLIC };
    regrow_table table;
    return regrow_table_new(&spec, &table) == REGROW_OK ? REGROW_READY
                                                        : regrow_stop_self(context, regrow_atom("no_table"));
}

/* ---- the tree ---- */

regrow_error tokens_start(const struct tokens *tokens)
{
    regrow_registry_spec registry = { .size = sizeof registry, .keys = REGROW_UNIQUE };
    regrow_server_spec owner = { .size = sizeof owner, .init = owner_init, .user = (void *)tokens };
    regrow_task_supervisor_spec tasks = { .size = sizeof tasks };
    regrow_dynamic_supervisor_spec servers = {
        .size = sizeof servers, .flags = REGROW_UNIQUE_IDS,
        .max_restarts = tokens->max_restarts ? tokens->max_restarts : 20, .period_ms = 60000 };
    regrow_child_spec children[] = {
        { .size = sizeof *children, .id = "Registry", .kind = REGROW_REGISTRY, .spec = &registry,
          .name = tokens->registry },
        { .size = sizeof *children, .id = "ETSOwner", .kind = REGROW_SERVER, .spec = &owner,
          .name = tokens->table_owner },
        { .size = sizeof *children, .id = "TaskSupervisor", .kind = REGROW_TASK_SUPERVISOR, .spec = &tasks,
          .name = tokens->task_supervisor },
        { .size = sizeof *children, .id = "DynamicSupervisor", .kind = REGROW_DYNAMIC_SUPERVISOR, .spec = &servers,
          .name = tokens->dynamic_supervisor },
    };
    regrow_supervisor_spec supervisor = {
        .size = sizeof supervisor, .strategy = REGROW_REST_FOR_ONE,
        .children = children, .child_count = sizeof children / sizeof *children };
    regrow_child_spec child = {
        .size = sizeof child, .id = tokens->supervisor, .kind = REGROW_SUPERVISOR, .spec = &supervisor,
        .name = tokens->supervisor };
    return regrow_supervisor_start_child(tokens->root, &child, NULL);
}

/* ---- from an app to its server ---- */

/* An entry is gone before anybody can see that its process is, so what is found here was alive when it was found. */
static regrow_error find(const struct tokens *tokens, const char *app, uint32_t wait_ms, regrow_pid *pid)
{
    regrow_term key = regrow_text(app);
    regrow_address address = {
        .size = sizeof address, .runtime = tokens->root, .registry_name = tokens->registry, .key = &key,
        .wait_ms = wait_ms };
    regrow_error error = regrow_whereis_at(&address, pid);
    regrow_term_free(&key);
    return error;
}

static regrow_error start(const struct tokens *tokens, const char *app, regrow_pid *pid)
{
    regrow_address supervisor = {
        .size = sizeof supervisor, .runtime = tokens->root, .name = tokens->dynamic_supervisor, .wait_ms = 5000 };
    regrow_pid dynamic_supervisor;
    regrow_error error = regrow_whereis_at(&supervisor, &dynamic_supervisor);
    if (error)
        return error;
    regrow_term key = regrow_text(app);
    regrow_address via = {
        .size = sizeof via, .runtime = tokens->root, .registry_name = tokens->registry, .key = &key };
    regrow_server_spec server = app_server;
    server.user = (void *)tokens;
    server.arg = &key;
    regrow_child_spec child = {
        .size = sizeof child, .id = app, .kind = REGROW_SERVER, .spec = &server, .via = &via };
    error = regrow_supervisor_start_child(dynamic_supervisor, &child, pid);
    regrow_term_free(&key);
    return error;
}

regrow_error tokens_whereis(const struct tokens *tokens, const char *app, regrow_pid *pid)
{
    return find(tokens, app, 0, pid);
}

/* Of all who find nobody one starts the server. The ids of the children are unique, so the others are told that the
 * app has one: it is being started, or started again after a crash. They wait until it can be found. It is not the pid
 * they are told that they take: that one may have ended meanwhile. */
regrow_error tokens_resolve(const struct tokens *tokens, const char *app, regrow_pid *pid)
{
    regrow_error error = REGROW_ERR_NOT_FOUND;
    for (int attempt = 0; attempt < 10 && error; attempt++) {
        error = find(tokens, app, 0, pid);
        if (error == REGROW_ERR_NOT_FOUND)
            error = start(tokens, app, pid);
        if (error == REGROW_ERR_EXISTS)
            error = find(tokens, app, 5000, pid);
        if (error != REGROW_ERR_NOT_FOUND && error != REGROW_ERR_NO_PROCESS)
            break;
    }
    return error;
}
