/* Which files: every path as it is named, and below a folder every file that looks like text. */
#include "wordcount.h"
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* No NUL byte at the beginning: what compressed files and pictures do not manage. */
static bool looks_like_text(const char *path)
{
    char start[1024];
    FILE *in = fopen(path, "rb");
    if (!in)
        return false;
    size_t size = fread(start, 1, sizeof start, in);
    fclose(in);
    return !memchr(start, 0, size);
}

static bool append(struct job *job, size_t *room, const char *path, off_t size)
{
    if (job->file_count == *room) {
        size_t larger = *room ? *room * 2 : 256;
        struct file *files = realloc(job->files, larger * sizeof *files);
        if (!files)
            return false;
        job->files = files;
        *room = larger;
    }
    char *copy = strdup(path);
    if (!copy)
        return false;
    job->files[job->file_count++] = (struct file){ copy, (size_t)size };
    return true;
}

static int by_path(const void *left, const void *right)
{
    return strcmp(((const struct file *)left)->path, ((const struct file *)right)->path);
}

/* A file that two of the paths lead to is one file. */
static void sort_and_unite(struct job *job)
{
    size_t kept = 0;
    if (job->file_count)
        qsort(job->files, job->file_count, sizeof *job->files, by_path);
    for (size_t at = 0; at < job->file_count; at++) {
        if (kept && strcmp(job->files[kept - 1].path, job->files[at].path) == 0)
            free(job->files[at].path);
        else
            job->files[kept++] = job->files[at];
    }
    job->file_count = kept;
}

bool files_find(struct job *job, char *const *paths)
{
    size_t room = 0;
    bool ok = true;
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    if (!tree)
        return perror("wordcount"), false;
    for (FTSENT *entry; ok && (errno = 0, entry = fts_read(tree));) {
        bool is_named = entry->fts_level == FTS_ROOTLEVEL;
        if (entry->fts_info == FTS_F && (is_named || looks_like_text(entry->fts_path)))
            ok = append(job, &room, entry->fts_path, entry->fts_statp->st_size);
        else if (is_named && (entry->fts_info == FTS_NS || entry->fts_info == FTS_DNR)) {
            fprintf(stderr, "wordcount: %s: %s\n", entry->fts_path, strerror(entry->fts_errno));
            fts_close(tree);
            return false;
        }
    }
    if (!ok || errno)
        perror("wordcount"), ok = false;
    fts_close(tree);
    sort_and_unite(job);
    return ok;
}

void files_free(struct job *job)
{
    for (size_t at = 0; at < job->file_count; at++)
        free(job->files[at].path);
    free(job->files);
}
