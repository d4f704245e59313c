#include "base/writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

struct writer wr_init(size_t ceiling)
{
	return (struct writer){.ceiling = ceiling};
}

void wr_done(struct writer *wr)
{
	if (wr->ptr)
		explicit_bzero(wr->ptr, wr->capacity);
	free(wr->ptr);
	*wr = (struct writer){.ceiling = wr->ceiling};
}

/* realloc may leave a copy of secret bytes behind, so the old block is wiped by hand. */
static enum tobi_err grow(struct writer *wr, size_t need)
{
	size_t capacity = wr->capacity ? wr->capacity : 256;
	uint8_t *ptr;

	while (capacity < need)
		capacity = capacity > wr->ceiling / 2 ? wr->ceiling : capacity * 2;
	ptr = malloc(capacity);
	if (!ptr)
		return TOBI_E_MEMORY;
	if (wr->ptr) {
		memcpy(ptr, wr->ptr, wr->size);
		explicit_bzero(wr->ptr, wr->capacity);
		free(wr->ptr);
	}
	wr->ptr = ptr;
	wr->capacity = capacity;
	return TOBI_OK;
}

uint8_t *wr_reserve(struct writer *wr, size_t size)
{
	uint8_t *at;

	if (wr->err)
		return NULL;
	if (size > wr->ceiling - wr->size) {
		wr->err = TOBI_E_LIMIT;
		return NULL;
	}
	if (!wr->ptr || wr->size + size > wr->capacity) {
		wr->err = grow(wr, wr->size + size);
		if (wr->err)
			return NULL;
	}
	at = wr->ptr + wr->size;
	memset(at, 0, size);
	wr->size += size;
	return at;
}

void wr_u8(struct writer *wr, uint8_t value)
{
	wr_bytes(wr, &value, 1);
}

void wr_uint_be(struct writer *wr, uint64_t value, size_t size)
{
	uint8_t *at = wr_reserve(wr, size);

	if (at)
		store_be(at, size, value);
}

void wr_bytes(struct writer *wr, const void *ptr, size_t size)
{
	uint8_t *at = wr_reserve(wr, size);

	if (at && size)
		memcpy(at, ptr, size);
}

void wr_printf(struct writer *wr, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int size;

	va_start(args, format);
	size = vasprintf(&text, format, args);
	va_end(args);
	if (size < 0) {
		if (!wr->err)
			wr->err = TOBI_E_MEMORY;
		return;
	}
	wr_bytes(wr, text, (size_t)size);
	free(text);
}

enum tobi_err wr_err(const struct writer *wr)
{
	return wr->err;
}

struct tobi_bytes wr_view(const struct writer *wr)
{
	return (struct tobi_bytes){wr->ptr, wr->err ? 0 : wr->size};
}
