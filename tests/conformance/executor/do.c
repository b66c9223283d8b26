#include "do.h"

#include "clock.h"
#include "places.h"
#include "worker.h"
#include "words.h"

/* The operation at hand. Main sets it before it asks, and asks one at a time. */
static struct arguments asked;

void do_carry_out(struct text *result)
{
  operation_callback carry_out = operation_named(line_word(asked.line, asked.first - 1), BY_PROCESS);
  struct arguments arguments = asked;
  if (carry_out)
    carry_out(&arguments, result);
}

/* Only workers can carry something out. */
static bool is_worker(const struct attempt *attempt)
{
  return attempt && attempt->place && !attempt->place->is_supervisor;
}

void op_do(const struct arguments *arguments, struct text *result)
{
  struct target target;
  regrow_term reply;
  if (!find_target(arguments, 0, &target, result))
    return;
  if (!is_worker(target.attempt)) {
    text_add(result, "error badarg");
    return;
  }
  if (attempt_is_over(target.attempt)) {
    text_add(result, "error noproc");
    return;
  }
  asked = (struct arguments){
      .line = arguments->line, .first = arguments->first + 2, .runtime = arguments->runtime};
  regrow_error error = regrow_call(target.pid, regrow_atom(TAG_DO), REGROW_INFINITY, &reply);
  if (error) {
    add_failure(result, error);
  } else {
    text_add_term(result, &reply);
    regrow_term_free(&reply);
  }
  /* Whether P is dead at the end of the step shows once the step is over. */
  clock_settle();
  if (attempt_is_over(target.attempt)) {
    text_clear(result);
    text_add(result, "died %s", attempt_reason(target.attempt));
  }
}
