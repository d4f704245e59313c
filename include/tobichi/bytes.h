/*
 * Borrowed bytes: a pointer and a size that somebody else owns.
 */
#ifndef TOBICHI_BYTES_H
#define TOBICHI_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct tobi_bytes {
	const uint8_t *ptr;
	size_t size; /* bytes */
};

#endif
