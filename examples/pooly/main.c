/* pooly: see pooly.h. Prints what each line gives; expected.txt has all of it.
 *
 * REGROW_WORKERS=N in the environment: so many threads run the processes, where otherwise there is one for each
 * processor. What is printed does not depend on it. */
#include "pooly.h"
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    const char *workers = getenv("REGROW_WORKERS");
    /* Much is killed here, and each death would be a report on stderr. */
    regrow_options options = {
        .size = sizeof options, .clock = REGROW_MANUAL, .workers = workers ? (uint32_t)atoi(workers) : 0,
        .log_level = REGROW_LOG_SILENT };
    regrow_pid root, self;
    must(regrow_init(&options, &root), "init");
    must(regrow_enter(root, &self), "enter"); /* main is a process, too: it links, monitors, receives, owns tables */

    printf("-- a worker supervisor\n");
    console_workers(root);
    printf("-- a table\n");
    console_table(root);
    printf("-- a monitor\n");
    console_monitor(root);
    printf("-- the pool\n");
    struct pool pool = { .root = root, .size = 5 };
    pool_lines(&pool);

    must(regrow_leave(), "leave");
    must(regrow_shutdown(root, REGROW_INFINITY, NULL), "shutdown");
    return EXIT_SUCCESS;
}
