/*
 * Scope cleanup. `CLEANUP(thing_freep) struct thing *t = NULL;` frees t on every way out;
 * `return TAKE(t)` hands it over instead. Destructors accept NULL and half-built objects.
 */
#ifndef TOBI_BASE_CLEANUP_H
#define TOBI_BASE_CLEANUP_H

#define CLEANUP(destructor) __attribute__((cleanup(destructor)))

/* The pointer's value; the pointer itself becomes NULL. */
#define TAKE(pointer)                                                                    \
	({                                                                               \
		__typeof__(pointer) taken_ = (pointer);                                  \
		(pointer) = NULL;                                                        \
		taken_;                                                                  \
	})

/* Defines static void NAMEp(TYPE **) that calls NAME, for use with CLEANUP. */
#define DEFINE_CLEANUP(type, name)                                                       \
	static inline void name##p(type *pointer)                                        \
	{                                                                                \
		name(*pointer);                                                          \
	}

#include <stdlib.h>

static inline void freep(void *pointer)
{
	free(*(void **)pointer);
}

/* close() that keeps errno and accepts -1; sets *fd to -1. */
void fd_close(int *fd);

/* Says that a must-use result is deliberately not used. */
#define IGNORE(expression)                                                               \
	do {                                                                             \
		if (expression) {                                                        \
		}                                                                        \
	} while (0)

#endif
