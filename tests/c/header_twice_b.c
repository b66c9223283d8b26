#include <regrow.h>

int header_twice_b(void);

int header_twice_b(void)
{
    return regrow_abi_version() != 0;
}
