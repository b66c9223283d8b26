/* recorder.h - a server that monitors every process of the scenario and notes how each ended. */
#ifndef EXECUTOR_RECORDER_H
#define EXECUTOR_RECORDER_H

#include "regrow.h"

void recorder_start(regrow_pid runtime);

/* Returns once the monitor is set. To be called in the process itself, before it does anything else. */
void recorder_watch(regrow_pid pid);

#endif
