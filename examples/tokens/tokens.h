/* tokens: one server for each app keeps a token for it, gets another before it expires, and comes back when it crashes.
 *
 *     Supervisor              supervisor, rest_for_one
 *     |- Registry             registry: which app has which app server
 *     |- ETSOwner             server: owns the table of tokens, and does nothing that could end it
 *     |- TaskSupervisor       task supervisor: tokens are written to the storage in tasks
 *     `- DynamicSupervisor    dynamic supervisor: 20 restarts in 60 s
 *        |- "my-app"          app servers, started when somebody asks for the app
 *        |- "other-app"
 *        `- ...
 *
 * Why rest_for_one: without the registry everybody would be lost, so all begin anew. Without the table every app server
 * would have to, so they do; what they had is in the storage. An app server that ends ends alone.
 *
 * Every name is the user's: several of these trees live in one program without knowing of each other. */
#ifndef TOKENS_H
#define TOKENS_H

#include <regrow.h>

/* A tree of the above: its names, and what its app servers do. Read by all of them, changed by none. */
struct tokens {
    regrow_pid root;                /* the runtime */
    const char *supervisor, *registry, *table_owner, *task_supervisor, *dynamic_supervisor; /* names of processes */
    const char *table;              /* name of the table: {App, Token, ExpiresMs} */
    uint32_t max_restarts;          /* of app servers, in 60 s; 0: 20 */
    uint32_t ttl_ms;                /* a token is good for so long ... */
    uint32_t early_ms;              /* ... and is replaced so long before its end */

    /* Asks whoever gives tokens. May wait; a failure is told to who asked for the token. */
    regrow_error (*command)(void *user, const char *app, regrow_term *token);
    /* The storage that outlives the program: rows as in the table. Both may wait. A row that cannot be saved is lost
     * to the storage and to nobody else. */
    regrow_error (*load)(void *user, const regrow_term *app, regrow_term *row);
    regrow_error (*save)(void *user, const regrow_term *row);
    void *user; /* passed to all three */
};

/* tree.c: starts the tree under the runtime's root. */
regrow_error tokens_start(const struct tokens *tokens);

/* tree.c: the app server of an app. Resolve starts one if there is none; whereis does not (REGROW_ERR_NOT_FOUND).
 * However many ask at once, one is started, and all get it. Neither gives one that has ended. */
regrow_error tokens_resolve(const struct tokens *tokens, const char *app, regrow_pid *pid);
regrow_error tokens_whereis(const struct tokens *tokens, const char *app, regrow_pid *pid);

/* app_server.c: the token of an app, from the table if it is there; or a new one in any case, after which nobody is
 * given the old one. The token is yours. */
regrow_error tokens_get(const struct tokens *tokens, const char *app, regrow_term *token);
regrow_error tokens_refresh(const struct tokens *tokens, const char *app, regrow_term *token);

extern const regrow_server_spec app_server; /* `user` is the struct tokens, `arg` the app */

#endif
