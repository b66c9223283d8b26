/* The header twice in a file, and in two files of one program: nothing in it is defined twice. */
#include <regrow.h>
#include <regrow.h>

int header_twice_b(void);

int main(void)
{
    return regrow_version() && header_twice_b() ? 0 : 1;
}
