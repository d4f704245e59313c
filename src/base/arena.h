/* An arena with a ceiling: many small allocations, freed at once. */
#ifndef TOBI_BASE_ARENA_H
#define TOBI_BASE_ARENA_H

#include "tobichi/bytes.h"
#include "tobichi/error.h"

struct arena_block;
struct arena {
	struct arena_block *blocks;
	size_t used;
	size_t ceiling;
};

struct arena arena_init(size_t ceiling);
void arena_done(struct arena *arena);

/* Zeroed, aligned for any type; NULL over the ceiling or out of memory. */
void *arena_alloc(struct arena *arena, size_t size);
/* count * size, checked. */
void *arena_array(struct arena *arena, size_t count, size_t size);
/* A copy; ptr is NULL on failure (an empty input gives a non-NULL ptr). */
struct tobi_bytes arena_copy(struct arena *arena, struct tobi_bytes bytes);
/* A terminated copy of text without NUL bytes; NULL on failure or on a NUL byte. */
char *arena_text(struct arena *arena, struct tobi_bytes text);
char *arena_printf(struct arena *arena, const char *format, ...) TOBI_PRINTF(2, 3);

#endif
