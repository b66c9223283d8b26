/* callbacks.c - see callbacks.h. Included by the extension module. */
#include "callbacks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static int32_t rp_py_init(regrow_context *context, uint64_t user, rp_value *arg, uint64_t *state);
static int32_t rp_py_handle(regrow_context *context, uint64_t state, int32_t which, rp_value *message);
static void rp_py_terminate(regrow_context *context, uint64_t state, rp_value *reason);
static int32_t rp_py_get_state(uint64_t state, regrow_term *shown);
static int32_t rp_py_replace_state(uint64_t state, rp_value *given);
static int32_t rp_py_supervisor_init(regrow_context *context, uint64_t user, rp_value *arg, regrow_children *children);
static int32_t rp_py_body(regrow_context *context, uint64_t user);
static int32_t rp_py_task(regrow_context *context, uint64_t user, rp_value *argument, regrow_term *value);
static int32_t rp_py_agent(regrow_context *context, uint64_t user, int32_t which, rp_value *state, regrow_term *next,
                           regrow_term *reply);
static bool rp_py_match(uint64_t user, rp_value *message);
static void rp_py_each(uint64_t user, uint64_t pid, rp_value *value);
static void rp_py_run(uint64_t user);
static bool rp_py_source(uint64_t user, regrow_term *item);
static bool rp_py_result(uint64_t user, rp_value *result);
static void rp_py_deliver(uint64_t user, uint64_t pid, rp_value *message, regrow_caller *caller);
static void rp_py_host_exit(uint64_t user, uint64_t pid, rp_value *reason);
static void rp_py_drop(uint64_t user);
static void rp_py_object_drop(uint64_t object);

static atomic_bool rp_is_closed;

void rp_close(void)
{
  atomic_store(&rp_is_closed, true);
}

bool rp_closed(void)
{
  return atomic_load(&rp_is_closed);
}

/* A thread that asks for the interpreter's lock while the interpreter ends is ended by it, with pthread_exit(). Its
 * unwinding must not go on into regrow's frames, which would abort the program: it stays here until the program has
 * ended, as such threads do from CPython 3.14 on. Compiled with -fexceptions, this costs nothing while nobody ends. */
static void stay(void *nothing)
{
  (void)nothing;
  for (;;)
    pause();
}

#define IN_PYTHON(statement)         \
  do {                               \
    pthread_cleanup_push(stay, NULL) \
    statement;                       \
    pthread_cleanup_pop(0);          \
  } while (0)

/* A callback that waits on a worker is left in the middle by its thread, which goes on with others. The interpreter
 * keeps its frames for the thread, and does not survive that. This package's servers, tasks and processes have a thread
 * of their own or may not wait (REGROW_NO_PARK), and neither may its agents; regrow refuses them. In a callback that
 * regrow would let wait all the same, this is not 0, and guards.h refuses. */
static _Thread_local unsigned rp_may_not_wait;

/* Whether regrow would let this callback wait: an agent that a C program has started. Others may run before it returns. */
static bool could_wait(void)
{
  return regrow_sleep(0) != REGROW_ERR_WOULD_BLOCK;
}

static int64_t number_of(const void *user)
{
  return (int64_t)(intptr_t)user;
}

static regrow_next ends_with_python(regrow_context *context)
{
  return regrow_stop_self(context, regrow_atom("shutdown"));
}

/* ---- servers ---- */

static regrow_next server_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
  if (atomic_load(&rp_is_closed))
    return ends_with_python(context);
  rp_value value = rp_read(arg);
  uint64_t number = 0;
  volatile int32_t next = 0;
  IN_PYTHON(next = rp_py_init(context, (uint64_t)number_of(user), &value, &number));
  *state = (void *)(uintptr_t)number;
  return next;
}

static regrow_next server_handle(regrow_context *context, void *state, int32_t which, const regrow_term *message)
{
  if (atomic_load(&rp_is_closed))
    return ends_with_python(context);
  rp_value value = rp_read(message);
  volatile int32_t next = 0;
  IN_PYTHON(next = rp_py_handle(context, (uint64_t)number_of(state), which, &value));
  return next;
}

static regrow_next server_call(regrow_context *context, void *state, const regrow_term *message)
{
  return server_handle(context, state, RP_CALL, message);
}

static regrow_next server_cast(regrow_context *context, void *state, const regrow_term *message)
{
  return server_handle(context, state, RP_CAST, message);
}

static regrow_next server_info(regrow_context *context, void *state, const regrow_term *message)
{
  return server_handle(context, state, RP_INFO, message);
}

static regrow_next server_continue(regrow_context *context, void *state, const regrow_term *message)
{
  return server_handle(context, state, RP_CONTINUE, message);
}

static void server_terminate(regrow_context *context, void *state, const regrow_term *reason)
{
  if (atomic_load(&rp_is_closed))
    return;
  rp_value value = rp_read(reason);
  IN_PYTHON(rp_py_terminate(context, (uint64_t)number_of(state), &value));
}

static regrow_error server_get_state(void *state, regrow_term *shown)
{
  volatile int32_t error = REGROW_ERR_NOT_ALIVE;
  if (!atomic_load(&rp_is_closed))
    IN_PYTHON(error = rp_py_get_state((uint64_t)number_of(state), shown));
  return (regrow_error)error;
}

static regrow_error server_replace_state(void *state, const regrow_term *given)
{
  volatile int32_t error = REGROW_ERR_NOT_ALIVE;
  if (atomic_load(&rp_is_closed))
    return (regrow_error)error;
  rp_value value = rp_read(given);
  IN_PYTHON(error = rp_py_replace_state((uint64_t)number_of(state), &value));
  return (regrow_error)error;
}

static void drop(void *user)
{
  if (!atomic_load(&rp_is_closed))
    IN_PYTHON(rp_py_drop((uint64_t)number_of(user)));
}

static void rp_object_drop(void *object)
{
  if (!atomic_load(&rp_is_closed))
    IN_PYTHON(rp_py_object_drop((uint64_t)number_of(object)));
}

void rp_server_callbacks(regrow_server_spec *spec, uint64_t user, uint32_t which)
{
  spec->init = server_init;
  spec->handle_call = server_call;
  spec->handle_cast = server_cast;
  spec->handle_info = server_info;
  spec->handle_continue = server_continue;
  spec->terminate = server_terminate;
  spec->drop = drop;
  spec->get_state = which & RP_HAS_STATE ? server_get_state : NULL;
  spec->replace_state = which & RP_HAS_REPLACE ? server_replace_state : NULL;
  spec->user = (void *)(uintptr_t)user;
  spec->drop_user = drop;
}

/* ---- supervisors ---- */

static regrow_next supervisor_init(regrow_context *context, void *user, const regrow_term *arg,
                                   regrow_children *children)
{
  if (atomic_load(&rp_is_closed))
    return ends_with_python(context);
  rp_value value = rp_read(arg);
  volatile int32_t next = 0;
  rp_may_not_wait++;
  IN_PYTHON(next = rp_py_supervisor_init(context, (uint64_t)number_of(user), &value, children));
  rp_may_not_wait--;
  return next;
}

void rp_supervisor_callbacks(regrow_supervisor_spec *spec, uint64_t user)
{
  spec->init = supervisor_init;
  spec->user = (void *)(uintptr_t)user;
  spec->drop_user = drop;
}

void rp_dynamic_supervisor_callbacks(regrow_dynamic_supervisor_spec *spec, uint64_t user)
{
  spec->init = supervisor_init;
  spec->user = (void *)(uintptr_t)user;
  spec->drop_user = drop;
}

/* ---- plain processes and tasks ---- */

static regrow_next body(regrow_context *context, void *user)
{
  if (atomic_load(&rp_is_closed))
    return ends_with_python(context);
  volatile int32_t next = 0;
  IN_PYTHON(next = rp_py_body(context, (uint64_t)number_of(user)));
  return next;
}

void rp_process_callbacks(regrow_process_spec *spec, uint64_t user)
{
  spec->body = body;
  spec->user = (void *)(uintptr_t)user;
  spec->drop_user = drop;
}

static regrow_next run_task(regrow_context *context, void *user, const regrow_term *argument, regrow_term *result)
{
  if (atomic_load(&rp_is_closed))
    return ends_with_python(context);
  rp_value value = rp_read(argument);
  volatile int32_t next = 0;
  IN_PYTHON(next = rp_py_task(context, (uint64_t)number_of(user), &value, result));
  return next;
}

void rp_task_callbacks(regrow_task_spec *spec, uint64_t user)
{
  spec->run = run_task;
  spec->user = (void *)(uintptr_t)user;
  spec->drop_user = drop;
}

static bool stream_next(void *user, regrow_term *item)
{
  volatile bool more = false;
  if (!atomic_load(&rp_is_closed))
    IN_PYTHON(more = rp_py_source((uint64_t)number_of(user), item));
  return more;
}

static bool stream_result(void *user, const regrow_term *result)
{
  if (atomic_load(&rp_is_closed))
    return false;
  rp_value value = rp_read(result);
  volatile bool more = false;
  IN_PYTHON(more = rp_py_result((uint64_t)number_of(user), &value));
  return more;
}

void rp_stream_callbacks(regrow_stream_spec *spec, uint64_t user)
{
  spec->source = stream_next;
  spec->result = stream_result;
  spec->user = (void *)(uintptr_t)user;
}

/* ---- agents ---- */

static regrow_next agent(regrow_context *context, void *user, int32_t which, const regrow_term *state,
                         regrow_term *next_state, regrow_term *reply)
{
  if (atomic_load(&rp_is_closed))
    return ends_with_python(context);
  rp_value value = rp_read(state);
  volatile int32_t next = 0;
  unsigned is_guarded = could_wait();
  rp_may_not_wait += is_guarded;
  IN_PYTHON(next = rp_py_agent(context, (uint64_t)number_of(user), which, &value, next_state, reply));
  rp_may_not_wait -= is_guarded;
  return next;
}

static regrow_next agent_get(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                             regrow_term *reply)
{
  return agent(context, user, RP_GET, state, next, reply);
}

static regrow_next agent_update(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                                regrow_term *reply)
{
  return agent(context, user, RP_UPDATE, state, next, reply);
}

static regrow_next agent_get_and_update(regrow_context *context, void *user, const regrow_term *state,
                                        regrow_term *next, regrow_term *reply)
{
  return agent(context, user, RP_GET_AND_UPDATE, state, next, reply);
}

void rp_agent_callbacks(regrow_agent_spec *spec, uint64_t user)
{
  spec->init = agent_update;
  spec->user = (void *)(uintptr_t)user;
  spec->drop_user = drop;
}

/* ---- host processes ---- */

static void deliver(void *user, regrow_pid pid, const regrow_term *message, regrow_caller caller)
{
  if (atomic_load(&rp_is_closed))
    return;
  rp_value value = rp_read(message);
  rp_may_not_wait++;
  IN_PYTHON(rp_py_deliver((uint64_t)number_of(user), pid.id, &value, &caller));
  rp_may_not_wait--;
}

static void host_exit(void *user, regrow_pid pid, const regrow_term *reason)
{
  if (atomic_load(&rp_is_closed))
    return;
  rp_value value = rp_read(reason);
  rp_may_not_wait++;
  IN_PYTHON(rp_py_host_exit((uint64_t)number_of(user), pid.id, &value));
  rp_may_not_wait--;
}

void rp_host_callbacks(regrow_host_spec *spec, uint64_t user)
{
  spec->deliver = deliver;
  spec->exit = host_exit;
  spec->user = (void *)(uintptr_t)user;
  spec->drop_user = drop;
}

/* ---- what runs in its caller ---- */

static bool matches(void *user, const regrow_term *message)
{
  rp_value value = rp_read(message);
  volatile bool answer = false;
  IN_PYTHON(answer = rp_py_match((uint64_t)number_of(user), &value));
  return answer;
}

static void each(void *user, regrow_pid pid, const regrow_term *entry)
{
  rp_value value = rp_read(entry);
  IN_PYTHON(rp_py_each((uint64_t)number_of(user), pid.id, &value));
}

/* In a process of regrow's, beside others. */
static void each_beside(void *user, regrow_pid pid, const regrow_term *entry)
{
  if (atomic_load(&rp_is_closed))
    return;
  rp_may_not_wait++;
  each(user, pid, entry);
  rp_may_not_wait--;
}

static void run(void *user)
{
  IN_PYTHON(rp_py_run((uint64_t)number_of(user)));
}
