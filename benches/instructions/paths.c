/* The hot paths whose instructions are counted: `paths NAME COUNT` goes one of them COUNT times, on one worker.
 * Two counts, one run each, tell what one time costs (scripts/instructions.sh). */
#include <regrow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(regrow_error error)
{
  if (error != REGROW_OK) {
    fprintf(stderr, "%s\n", regrow_error_name(error));
    exit(1);
  }
}

static regrow_pid root;
static uint64_t count;

/* ---- in a process ---- */

/* To itself, which runs: one message at a time, so that the mailbox stays as short as it is as a rule. */
static void send_running(void)
{
  regrow_pid self;
  must(regrow_self(&self));
  for (uint64_t i = 0; i < count; i++) {
    regrow_term message;
    must(regrow_send(self, regrow_int((int64_t)i)));
    must(regrow_receive(0, &message));
    regrow_term_free(&message);
  }
}

static regrow_next echo(regrow_context *context, void *state, const regrow_term *request)
{
  return regrow_reply(context, regrow_term_clone(request));
}

static void call(uint32_t flags)
{
  regrow_server_spec spec = { .size = sizeof spec, .handle_call = echo, .flags = flags };
  regrow_child_spec child = { .size = sizeof child, .kind = REGROW_SERVER, .spec = &spec };
  regrow_pid server;
  must(regrow_start(root, &child, &server));
  for (uint64_t i = 0; i < count; i++) {
    regrow_term reply;
    must(regrow_call(server, regrow_int((int64_t)i), REGROW_INFINITY, &reply));
    regrow_term_free(&reply);
  }
}

static void call_inline(void)
{
  call(REGROW_INLINE);
}

static void call_queued(void)
{
  call(0);
}

/* Four at once: each is resumed now and then, while another calls. */
static regrow_next call_many(regrow_context *context, void *user)
{
  for (uint64_t i = 0; i < count / 4; i++)
    must(regrow_call(*(regrow_pid *)user, regrow_nil(), REGROW_INFINITY, NULL));
  return REGROW_DONE;
}

static void call_by_four(void)
{
  regrow_server_spec spec = { .size = sizeof spec, .handle_call = echo };
  regrow_child_spec child = { .size = sizeof child, .kind = REGROW_SERVER, .spec = &spec };
  regrow_pid server;
  must(regrow_start(root, &child, &server));
  regrow_process_spec caller = { .size = sizeof caller, .body = call_many, .user = &server };
  for (int i = 0; i < 4; i++)
    must(regrow_spawn_monitor(&caller, NULL, NULL));
  for (int i = 0; i < 4; i++) {
    regrow_term down;
    must(regrow_receive(REGROW_INFINITY, &down));
    regrow_term_free(&down);
  }
}

static regrow_next count_up(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                            regrow_term *reply)
{
  int64_t number = 0;
  regrow_as_int(state, &number);
  *next = regrow_int(number + 1);
  return REGROW_DONE;
}

static void agent_update(void)
{
  regrow_term zero = regrow_int(0);
  regrow_agent_spec spec = { .size = sizeof spec, .initial = &zero };
  regrow_child_spec child = { .size = sizeof child, .kind = REGROW_AGENT, .spec = &spec };
  regrow_pid agent;
  must(regrow_start(root, &child, &agent));
  for (uint64_t i = 0; i < count; i++)
    must(regrow_agent_update(agent, count_up, NULL, REGROW_INFINITY));
}

static regrow_next end(regrow_context *context, void *user)
{
  return REGROW_DONE;
}

static void spawn_exit(void)
{
  regrow_process_spec spec = { .size = sizeof spec, .body = end };
  for (uint64_t i = 0; i < count; i++) {
    regrow_ref monitor;
    regrow_term down;
    must(regrow_spawn_monitor(&spec, NULL, &monitor));
    must(regrow_receive(REGROW_INFINITY, &down));
    regrow_term_free(&down);
  }
}

/* ---- on a thread ---- */

enum { KEYS = 1000 };

static void registry_lookup(void)
{
  static regrow_term keys[KEYS];
  regrow_registry_spec spec = { .size = sizeof spec, .keys = REGROW_UNIQUE };
  regrow_child_spec child = { .size = sizeof child, .kind = REGROW_REGISTRY, .spec = &spec };
  regrow_pid registry, self, pid;
  must(regrow_self(&self));
  must(regrow_start(root, &child, &registry));
  for (int i = 0; i < KEYS; i++) {
    char text[16];
    snprintf(text, sizeof text, "actor-%04d", i);
    keys[i] = regrow_text(text);
    must(regrow_registry_register(registry, regrow_term_clone(&keys[i]), self, regrow_nil()));
  }
  for (uint64_t i = 0; i < count; i++)
    must(regrow_registry_whereis(registry, &keys[i % KEYS], &pid));
}

static void table_lookup(void)
{
  regrow_table_spec spec = { .size = sizeof spec, .kind = REGROW_SET, .access = REGROW_PUBLIC };
  regrow_table table;
  must(regrow_table_new(&spec, &table));
  for (int64_t i = 0; i < KEYS; i++)
    must(regrow_table_insert(table, regrow_tuple((regrow_term[]){ regrow_int(i), regrow_text("value") }, 2)));
  for (uint64_t i = 0; i < count; i++) {
    regrow_term key = regrow_int((int64_t)(i % KEYS)), objects;
    must(regrow_table_lookup(table, &key, &objects));
    regrow_term_free(&objects);
  }
}

/* ---- which ---- */

static const struct path {
  const char *name;
  void (*go)(void);
  int in_process;
} paths[] = {
  { "send_running", send_running, 1 },   { "call_inline", call_inline, 1 },   { "call_queued", call_queued, 1 },
  { "call_by_four", call_by_four, 1 },   { "call_thread", call_inline, 0 },   { "agent_update", agent_update, 1 },
  { "registry_lookup", registry_lookup, 0 }, { "table_lookup", table_lookup, 0 }, { "spawn_exit", spawn_exit, 1 },
};

static regrow_next go(regrow_context *context, void *path)
{
  ((const struct path *)path)->go();
  return REGROW_DONE;
}

static void in_process(const struct path *path)
{
  regrow_process_spec spec = { .size = sizeof spec, .body = go, .user = (void *)path };
  regrow_ref monitor;
  regrow_term down;
  must(regrow_spawn_monitor(&spec, NULL, &monitor));
  must(regrow_receive(REGROW_INFINITY, &down));
  regrow_term_free(&down);
}

int main(int argc, char **argv)
{
  enum { PATHS = sizeof paths / sizeof *paths };
  if (argc == 2 && !strcmp(argv[1], "names")) {
    for (int at = 0; at < PATHS; at++)
      puts(paths[at].name);
    return 0;
  }
  if (argc != 3)
    return fprintf(stderr, "usage: %s names | NAME COUNT\n", *argv), 2;
  count = strtoull(argv[2], NULL, 10);
  regrow_options options = { .size = sizeof options, .workers = 1 };
  must(regrow_init(&options, &root));
  must(regrow_enter(root, NULL));
  for (int at = 0; at < PATHS; at++) {
    if (strcmp(paths[at].name, argv[1]))
      continue;
    if (paths[at].in_process)
      in_process(&paths[at]);
    else
      paths[at].go();
    must(regrow_shutdown(root, 10000, NULL));
    return 0;
  }
  return fprintf(stderr, "no path is called %s\n", argv[1]), 2;
}
