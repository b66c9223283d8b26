"""Drill 5: jobs are children that come when they are asked for, and go when they are done."""

import drill
import regrow
from regrow import DynamicSupervisorSpec, ServerSpec, Stop


class JobWorker(regrow.Server):
    def init(self, arg):
        self.id, data = arg
        print(f"   job {self.id} started with {data}")
        regrow.self_pid().send_after(5, "work_done")

    def handle_info(self, message):
        print(f"   job {self.id} completed")
        return Stop()


def start_job(job_id, data):
    """Temporary: a job that crashed halfway is not done again behind the back of whoever asked for it."""
    return jobs.start_child(ServerSpec(JobWorker, (job_id, data), id=job_id, restart="temporary"))


def print_count():
    count = jobs.count_children()
    print(f"   active {count.active}, specs {count.specs}, supervisors {count.supervisors}, workers {count.workers}")


with drill.begin() as runtime:
    print("1. A supervisor without children.")
    jobs = runtime.start_child(DynamicSupervisorSpec(name="JobSupervisor"))
    print_count()

    print("2. Five jobs, a second apart.")
    pids = []
    for job_id, data in enumerate(("process_data", "send_email", "resize_image", "write_report", "clean_up"), 1):
        if pids:
            runtime.advance(1)
        pids.append(start_job(job_id, data))

    print("3. How many there are. A child is a spec: as in Elixir there are as many.")
    print_count()

    print("4. Job 2 is stopped.")
    jobs.terminate_child(pids[1])
    print_count()

    print("5. The others complete; after five seconds there is none.")
    runtime.advance(5)
    print_count()

    print("6. Temporary: a job that is killed is not started again.")
    drill.kill(start_job(6, "crash_test"))
    drill.settle(runtime)
    print_count()
