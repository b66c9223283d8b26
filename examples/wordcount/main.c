/* wordcount: options, the run, the report. What the processes do is in wordcount.h. */
#include "wordcount.h"
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: wordcount [--workers N] [--chaos P] [--poison NAME] [--top K] [--seed S] PATH...\n"
    "\n"
    "Counts the words of the files, and of the text files below the folders, each exactly once.\n"
    "\n"
    "  --workers N    so many workers (one for each processor)\n"
    "  --chaos P      a worker dies over a file with probability P, at least 0 and below 1 (0)\n"
    "  --poison NAME  the file of that name kills its worker each time\n"
    "  --top K        prints the K commonest words (10)\n"
    "  --seed S       chooses where chaos strikes (the time of day)\n"
    "\n"
    "Without a PATH: the licences and documentation found on this machine.\n"
    "Exit status: 0 counted and verified, 1 it failed or the count was wrong, 2 wrong usage.\n";

static const char *const default_paths[] = { "/usr/share/common-licenses", "/usr/share/doc" };

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- options ---- */

static bool parse_count(const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
    char *end;
    *value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && *value >= least && *value <= most;
}

static bool parse_options(int argc, char **argv, struct job *job, const char **poison)
{
    static const struct option options[] = {
        { "workers", required_argument, NULL, 'w' }, { "chaos", required_argument, NULL, 'c' },
        { "poison", required_argument, NULL, 'p' },  { "top", required_argument, NULL, 't' },
        { "seed", required_argument, NULL, 's' },    { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    uint64_t workers = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN), top = 10;
    bool ok = true;
    char *end;
    job->seed = (uint64_t)time(NULL);
    for (int option; ok && (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (option) {
        case 'w': ok = parse_count(optarg, 1, 10000, &workers); break;
        case 't': ok = parse_count(optarg, 0, SIZE_MAX, &top); break;
        case 's': ok = parse_count(optarg, 0, UINT64_MAX, &job->seed); break;
        case 'p': *poison = optarg; break;
        case 'c':
            job->chaos = strtod(optarg, &end);
            ok = end != optarg && !*end && job->chaos >= 0 && job->chaos < 1;
            break;
        case 'h': fputs(usage, stdout); exit(EXIT_SUCCESS);
        default: ok = false;
        }
    }
    job->workers = (size_t)workers;
    job->top = (size_t)top;
    return ok;
}

/* A file goes by its path, or by the last part of it. */
static size_t file_named(const struct job *job, const char *name)
{
    for (size_t file = 0; file < job->file_count; file++) {
        const char *path = job->files[file].path, *slash = strrchr(path, '/');
        if (strcmp(path, name) == 0 || strcmp(slash ? slash + 1 : path, name) == 0)
            return file;
    }
    return NO_FILE;
}

static bool choose_files(struct job *job, char **paths, const char *poison)
{
    char *found[sizeof default_paths / sizeof *default_paths + 1];
    size_t count = 0;
    if (!*paths) {
        for (size_t at = 0; at < sizeof default_paths / sizeof *default_paths; at++)
            if (access(default_paths[at], R_OK) == 0)
                found[count++] = (char *)default_paths[at];
        found[count] = NULL;
        paths = found;
    }
    if (*paths && !files_find(job, paths))
        return false;
    if (!job->file_count)
        return fputs("wordcount: no text files there\n", stderr), false;
    job->poison = poison ? file_named(job, poison) : NO_FILE;
    if (poison && job->poison == NO_FILE)
        return fprintf(stderr, "wordcount: no file is called %s\n", poison), false;
    return true;
}

/* ---- the run ---- */

static void show_progress(const struct job *job, size_t files, size_t restarts)
{
    static double shown;
    if (!isatty(STDERR_FILENO) || seconds() - shown < 0.05)
        return;
    shown = seconds();
    fprintf(stderr, "\r%zu of %zu files, %zu restarts\033[K", files, job->file_count, restarts);
}

static void end_progress(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

/* Hears the feeder until it has finished. The only other thing main can be told is the tree's end. */
static regrow_error wait_until_finished(const struct job *job, size_t *restarts)
{
    size_t files;
    regrow_term term;
    for (;;) {
        regrow_error error = regrow_receive(REGROW_INFINITY, &term);
        if (error)
            return error;
        bool is_finished = is_message(&term, "finished", &files, restarts);
        bool is_progress = is_message(&term, "progress", &files, restarts);
        regrow_term_free(&term);
        if (is_finished)
            return REGROW_OK;
        if (!is_progress)
            return REGROW_ERR_EXITED;
        show_progress(job, files, *restarts);
    }
}

/* The term that the agent keeps, which holds the totals for as long as we hold the term. */
static regrow_error fetch_totals(const struct job *job, regrow_term *totals)
{
    regrow_pid agent;
    regrow_error error = regrow_whereis(job->root, "totals", &agent);
    return error ? error : regrow_agent_get(agent, NULL, NULL, REGROW_INFINITY, totals);
}

static regrow_error run(struct job *job, regrow_term *totals, size_t *restarts)
{
    /* With chaos, each death would be a report on stderr. */
    regrow_options options = { .size = sizeof options, .log_level = job->chaos > 0 ? REGROW_LOG_SILENT : 0 };
    regrow_pid tree;
    regrow_ref monitor;
    regrow_error error = regrow_init(&options, &job->root);
    if (error)
        return error;
    error = regrow_enter(job->root, &job->main);
    if (!error)
        error = tree_start(job, &tree);
    if (!error)
        error = regrow_monitor(tree, &monitor);
    if (!error)
        error = wait_until_finished(job, restarts);
    end_progress();
    if (!error)
        error = fetch_totals(job, totals);
    regrow_leave();
    regrow_error shutdown_error = regrow_shutdown(job->root, 10000, NULL);
    if (!error && shutdown_error) {
        regrow_term_free(totals);
        error = shutdown_error;
    }
    return error;
}

/* ---- the report ---- */

static void print_top(const struct job *job, const struct words *words)
{
    struct word *top;
    size_t count = words_top(words, job->top, &top);
    for (size_t at = 0; at < count; at++)
        printf("%10" PRIu64 "  %.*s\n", top[at].count, (int)top[at].length, top[at].text);
    free(top);
}

static size_t print_set_aside(const struct job *job, const struct totals *totals)
{
    size_t count = 0;
    for (size_t file = 0; file < job->file_count; file++)
        if (!totals->counted[file]) {
            printf("set aside, its worker died %d times: %s\n", STRIKES, job->files[file].path);
            count++;
        }
    return count;
}

/* Counts the same files again, plainly, and compares. */
static bool verify(const struct job *job, const struct totals *totals)
{
    struct words *plain = words_new();
    bool ok = plain != NULL;
    double start = seconds();
    for (size_t file = 0; ok && file < job->file_count; file++)
        if (totals->counted[file] && !plain_count(job->files[file].path, plain)) {
            fprintf(stderr, "wordcount: cannot read %s again\n", job->files[file].path);
            ok = false;
        }
    if (ok && !words_equal(plain, totals->words)) {
        fprintf(stderr, "wordcount: WRONG: a plain count has %" PRIu64 " words, %zu of them different\n",
                words_total(plain), words_distinct(plain));
        ok = false;
    }
    if (ok)
        printf("verified: a plain count of the same files says the same (%.2f s)\n", seconds() - start);
    words_free(plain);
    return ok;
}

static bool report(const struct job *job, const struct totals *totals, size_t restarts, double taken)
{
    print_top(job, totals->words);
    size_t set_aside = print_set_aside(job, totals);
    printf("%zu files, %" PRIu64 " words, %zu of them different, %zu restarts, %.2f s "
           "(%zu workers, chaos %g, seed %" PRIu64 ")\n",
           job->file_count - set_aside, words_total(totals->words), words_distinct(totals->words), restarts,
           taken, job->workers, job->chaos, job->seed);
    return verify(job, totals);
}

int main(int argc, char **argv)
{
    struct job job = { 0 };
    const char *poison = NULL;
    regrow_term state;
    void *totals;
    size_t restarts = 0;
    if (!parse_options(argc, argv, &job, &poison))
        return fputs(usage, stderr), 2;
    if (!choose_files(&job, argv + optind, poison))
        return files_free(&job), 2;

    double start = seconds();
    regrow_error error = run(&job, &state, &restarts);
    double taken = seconds() - start;
    if (error)
        fprintf(stderr, "wordcount: %s\n", regrow_error_name(error));
    bool ok = !error && regrow_as_resource(&state, &totals) && report(&job, totals, restarts, taken);
    if (!error)
        regrow_term_free(&state);
    files_free(&job);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
