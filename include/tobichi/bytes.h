/*
 * Borrowed bytes: a pointer and a size that somebody else owns.
 *
 * Empty is size 0; ptr may then be NULL. Nothing is freed through it, and nothing is
 * written. How long the bytes must stay is said where they are taken or given. Text in
 * it is not terminated. Threads: a plain value.
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
