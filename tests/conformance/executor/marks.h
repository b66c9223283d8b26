/* marks.h - the names that a scenario gives to its monitors and timers (`as=M`, `timer M`). */
#ifndef EXECUTOR_MARKS_H
#define EXECUTOR_MARKS_H

#include "regrow.h"

void mark_set(const char *mark, regrow_ref ref);   /* the name is for this one from now on */
bool mark_find(const char *mark, regrow_ref *ref);
const char *mark_of_ref(regrow_ref ref);           /* `?` when it has none */
void marks_free(void);

#endif
