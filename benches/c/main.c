/* regrow-bench [workers=K] [inline=1] [timeout=MS] WORKLOAD[:N]...
 * Prints one line of JSON for each workload; see benches/peers/README.md. */
#include "harness.h"
#include <string.h>

static const struct { const char *name; workload *run; uint64_t n; } workloads[] = {
  { "pingpong", pingpong, 1000000 },
  { "call_actor", call_actor, 500000 },
  { "call_thread", call_thread, 100000 },
  { "call_thread_queued", call_thread_queued, 100000 },
  { "counting", counting, 5000000 },
  { "threadring", threadring, 1000000 },
  { "spawn", spawn, 1000000 },
  { "idle", idle, 1000000 },
  { "big", big, 2000 },
  { "chameneos", chameneos, 200000 },
  { "fanin", fanin, 500000 },
  { "large_list", large_list, 20000 },
  { "large_list_copy", large_list_copy, 20000 },
  { "large_bin", large_bin, 200000 },
  { "restart", restart, 2000 },
  { "dynsup", dynsup, 50000 },
  { "registry", registry, 500000 },
  { "table_set", table_set, 1000000 },
  { "table_set_conc", table_set, 1000000 },
  { "table_ordered", table_ordered, 1000000 },
  { "table_ordered_conc", table_ordered, 1000000 },
  { "table_select", table_select, 100000 },
  { "timers", timers, 1000000 },
  { "agent", agent, 300000 },
  { "task", task, 200000 },
};

static void run(char *word)
{
  char *size = strchr(word, ':');
  if (size)
    *size++ = '\0';
  for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
    if (strcmp(word, workloads[i].name) == 0) {
      workloads[i].run(word, size ? strtoull(size, NULL, 10) : workloads[i].n);
      return;
    }
  fprintf(stderr, "regrow: no such workload: %s\n", word);
}

int main(int count, char **words)
{
  regrow_options options = { .size = sizeof options, .log_level = REGROW_LOG_SILENT };
  int first = 1;
  for (; first < count && strchr(words[first], '='); first++) {
    const char *value = strchr(words[first], '=') + 1;
    uint32_t number = (uint32_t)strtoul(value, NULL, 10);
    if (strncmp(words[first], "workers=", 8) == 0)
      options.workers = number;
    else if (strncmp(words[first], "inline=", 7) == 0)
      server_flags = number ? REGROW_INLINE : 0;
    else if (strncmp(words[first], "timeout=", 8) == 0)
      call_timeout_ms = number;
    else
      fprintf(stderr, "regrow: no such option: %s\n", words[first]);
  }
  must(regrow_init(&options, &root));
  must(regrow_enter(root, &main_pid));
  for (int i = first; i < count; i++)
    run(words[i]);
  must(regrow_leave());
  must(regrow_shutdown(root, 30000, NULL));
  return 0;
}
