/* do.h - `do P OP ...`: P carries the operation out itself, in its handle_call. */
#ifndef EXECUTOR_DO_H
#define EXECUTOR_DO_H

#include "operation.h"

void op_do(const struct arguments *arguments, struct text *result);

/* To be called in the process that op_do() asked. */
void do_carry_out(struct text *result);

#endif
