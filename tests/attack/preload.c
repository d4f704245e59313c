/* Loaded into a program by LD_PRELOAD, it runs before the program does. */
#include <unistd.h>

static __attribute__((constructor)) void say(void)
{
	const char text[] = "worked\tcode of its own in the program\n";

	if (write(1, text, sizeof(text) - 1) < 0)
		_exit(1);
}
