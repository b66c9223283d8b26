/* Drill 5: jobs are children that come when they are asked for, and go when they are done. */
#include "drill.h"

enum { JOB_MS = 5000 };

/* ---- JobWorker ---- */

struct job {
    int64_t id;
};

static regrow_next job_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    struct job *job = malloc(sizeof *job);
    regrow_pid self;
    if (!job)
        return regrow_stop_self(context, regrow_atom("no_memory"));
    job->id = int_at(arg, 0);
    *state = job;
    printf("   job %" PRId64 " started with %s\n", job->id, text_at(arg, 1));
    MUST(regrow_self(&self));
    MUST(regrow_send_after(self, JOB_MS, regrow_atom("work_done"), NULL));
    return REGROW_READY;
}

static regrow_next job_info(regrow_context *context, void *state, const regrow_term *message)
{
    const struct job *job = state;
    if (!regrow_is_atom(message, "work_done"))
        return REGROW_NOREPLY;
    printf("   job %" PRId64 " completed\n", job->id);
    return regrow_stop_self(context, regrow_atom("normal"));
}

/* ---- JobSupervisor ---- */

static regrow_pid jobs;

/* Temporary: a job that crashed halfway is not done again behind the back of whoever asked for it. */
static regrow_pid start_job(int64_t id, const char *data)
{
    regrow_term arg = TUPLE(regrow_int(id), regrow_text(data)), number = regrow_int(id);
    regrow_server_spec worker = { .size = sizeof worker, .init = job_init, .handle_info = job_info, .drop = free,
                                  .arg = &arg };
    regrow_child_spec child = { .size = sizeof child, .id_term = &number, .kind = REGROW_SERVER, .spec = &worker,
                                .restart = REGROW_TEMPORARY };
    regrow_pid pid;
    MUST(regrow_supervisor_start_child(jobs, &child, &pid));
    regrow_term_free(&arg);
    return pid;
}

static void stop_job(regrow_pid pid)
{
    regrow_term id = regrow_from_pid(pid);
    MUST(regrow_supervisor_terminate_child(jobs, &id));
    regrow_term_free(&id);
}

static void print_count(void)
{
    regrow_child_count count = count_children(jobs);
    printf("   active %" PRIu64 ", specs %" PRIu64 ", supervisors %" PRIu64 ", workers %" PRIu64 "\n", count.active,
           count.specs, count.supervisors, count.workers);
}

int main(void)
{
    regrow_dynamic_supervisor_spec supervisor = { .size = sizeof supervisor };
    regrow_pid pids[5];
    begin();

    printf("1. A supervisor without children.\n");
    jobs = start_tree("JobSupervisor", REGROW_DYNAMIC_SUPERVISOR, &supervisor);
    print_count();

    printf("2. Five jobs, a second apart.\n");
    const char *const data[] = { "process_data", "send_email", "resize_image", "write_report", "clean_up" };
    for (int at = 0; at < 5; at++) {
        pids[at] = start_job(at + 1, data[at]);
        advance(at < 4 ? 1000 : 0);
    }

    printf("3. How many there are. A child is a spec: as in Elixir there are as many.\n");
    print_count();

    printf("4. Job 2 is stopped.\n");
    stop_job(pids[1]);
    print_count();

    printf("5. The others complete; after five seconds there is none.\n");
    advance(JOB_MS);
    print_count();

    printf("6. Temporary: a job that is killed is not started again.\n");
    regrow_pid pid = start_job(6, "crash_test");
    kill_and_wait(pid);
    settle();
    print_count();
    return finish();
}
