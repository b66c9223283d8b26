/* support.h - what this executor can carry out: all of FORMAT.md but dynamic and simple_one_for_one supervisors,
 * significant children and tables. */
#ifndef EXECUTOR_SUPPORT_H
#define EXECUTOR_SUPPORT_H

#include "scenario.h"

bool is_supported(const struct scenario *scenario);

#endif
