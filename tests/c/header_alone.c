/* The header stands alone: nothing is included before it. */
#include <regrow.h>

/* ISO C wants a declaration in every file. */
typedef regrow_pid header_alone;
