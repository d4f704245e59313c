#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

/* Many want less than a block's half; those that want more have it in two. */
enum { BLOCK_SIZE = 16 << 10, FIRST_SIZE = BLOCK_SIZE / 2, ALIGNMENT = 16 };

struct arena_block {
	struct arena_block *next;
	size_t size, used; /* of data */
	_Alignas(ALIGNMENT) uint8_t data[];
};

struct arena arena_init(size_t ceiling)
{
	return (struct arena){.ceiling = ceiling};
}

void arena_done(struct arena *arena)
{
	struct arena_block *block = arena->blocks;

	while (block) {
		struct arena_block *next = block->next;

		free(block);
		block = next;
	}
	arena->blocks = NULL;
	arena->used = 0;
}

/* What is in it is whatever was there. */
static void *take(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->blocks;
	size_t rounded;
	uint8_t *out;

	if (size > arena->ceiling || size > SIZE_MAX - ALIGNMENT - sizeof(*block))
		return NULL;
	rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (rounded > arena->ceiling - arena->used)
		return NULL;
	if (!block || rounded > block->size - block->used) {
		size_t room = arena->used < FIRST_SIZE ? FIRST_SIZE : BLOCK_SIZE;

		if (rounded > room)
			room = rounded;

		block = malloc(sizeof(*block) + room);
		if (!block)
			return NULL;
		*block = (struct arena_block){.next = arena->blocks, .size = room};
		arena->blocks = block;
	}
	out = block->data + block->used;
	block->used += rounded;
	arena->used += rounded;
	return out;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	void *out = take(arena, size);

	if (out)
		memset(out, 0, size);
	return out;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return arena_alloc(arena, total);
}

struct tobi_bytes arena_copy(struct arena *arena, struct tobi_bytes bytes)
{
	uint8_t *copy = take(arena, bytes.size ? bytes.size : 1);

	if (!copy)
		return (struct tobi_bytes){0};
	bytes_copy(copy, bytes.size, bytes.ptr, bytes.size);
	return (struct tobi_bytes){copy, bytes.size};
}

char *arena_text(struct arena *arena, struct tobi_bytes text)
{
	char *copy;

	if (text.size && memchr(text.ptr, 0, text.size))
		return NULL;
	if (text.size == SIZE_MAX)
		return NULL;
	copy = take(arena, text.size + 1);
	if (!copy)
		return NULL;
	bytes_copy(copy, text.size, text.ptr, text.size);
	copy[text.size] = 0;
	return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	struct arena_block *block = arena->blocks;
	char *spot = block ? (char *)block->data + block->used : NULL;
	size_t room = block ? block->size - block->used : 0;
	va_list args;
	int size;
	char *out;

	/* Where it is to be, if there it fits. */
	va_start(args, format);
	size = vsnprintf(spot, room, format, args);
	va_end(args);
	if (size < 0)
		return NULL;
	out = take(arena, (size_t)size + 1);
	if (!out || out == spot)
		return out;
	va_start(args, format);
	vsnprintf(out, (size_t)size + 1, format, args);
	va_end(args);
	return out;
}
