/* A stack of anything that grows on the heap: conversions walk terms without recursion. */
#ifndef REGROW_STACK_H
#define REGROW_STACK_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Declares a stack of `type`, with its first few places inside it. */
#define STACK(name, type, few)                                                     \
  typedef struct name {                                                            \
    type *at;                                                                      \
    size_t count, room;                                                            \
    type first[few];                                                               \
  } name;                                                                          \
  static inline void name##_begin(name *stack) {                                   \
    stack->at = stack->first;                                                      \
    stack->count = 0;                                                              \
    stack->room = few;                                                             \
  }                                                                                \
  static inline bool name##_push(name *stack, type item) {                         \
    if (stack->count == stack->room) {                                             \
      type *old = stack->at == stack->first ? NULL : stack->at;                    \
      type *more = realloc(old, 2 * stack->room * sizeof(type));                   \
      if (more == NULL) return false;                                              \
      if (old == NULL) memcpy(more, stack->first, stack->count * sizeof(type));    \
      stack->at = more;                                                            \
      stack->room *= 2;                                                            \
    }                                                                              \
    stack->at[stack->count++] = item;                                              \
    return true;                                                                   \
  }                                                                                \
  static inline void name##_end(name *stack) {                                     \
    if (stack->at != stack->first) free(stack->at);                                \
  }

#endif
