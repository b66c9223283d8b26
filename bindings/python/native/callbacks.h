/* callbacks.h - regrow's callbacks, handed on to Python.
 *
 * Each takes the interpreter's lock (cffi's `extern "Python"`), unless Python is on its way out: then none of its code
 * may be run, and the callback gives up in its own way. `user` and `state` are numbers of Python's (regrow/_handles.py). */
#ifndef REGROW_PYTHON_CALLBACKS_H
#define REGROW_PYTHON_CALLBACKS_H

#include "value.h"

/* What a server is asked: `which` of rp_py_handle(). */
enum { RP_CALL, RP_CAST, RP_INFO, RP_CONTINUE };

/* What an agent is asked: `which` of rp_py_agent(). */
enum { RP_GET, RP_UPDATE, RP_GET_AND_UPDATE };

/* From now on no callback enters Python. */
void rp_close(void);
/* Whether that has been: for good, in this program. */
bool rp_closed(void);

/* Fill in the callbacks of a spec that are Python's; `which` has a bit for each that the class has. */
enum { RP_HAS_STATE = 1, RP_HAS_REPLACE = 2 };
void rp_server_callbacks(regrow_server_spec *spec, uint64_t user, uint32_t which);
void rp_process_callbacks(regrow_process_spec *spec, uint64_t user);
void rp_task_callbacks(regrow_task_spec *spec, uint64_t user);
void rp_agent_callbacks(regrow_agent_spec *spec, uint64_t user);
void rp_host_callbacks(regrow_host_spec *spec, uint64_t user);
void rp_stream_callbacks(regrow_stream_spec *spec, uint64_t user);
void rp_supervisor_callbacks(regrow_supervisor_spec *spec, uint64_t user);
void rp_dynamic_supervisor_callbacks(regrow_dynamic_supervisor_spec *spec, uint64_t user);

#endif
