/* Integers to and from bytes, by shifts: the only place that knows byte order. */
#ifndef TOBI_BASE_ENDIAN_H
#define TOBI_BASE_ENDIAN_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t load_be(const uint8_t *p, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | p[i];
	return value;
}

static inline uint64_t load_le(const uint8_t *p, size_t size)
{
	uint64_t value = 0;

	for (size_t i = size; i > 0; i--)
		value = value << 8 | p[i - 1];
	return value;
}

static inline void store_be(uint8_t *p, size_t size, uint64_t value)
{
	for (size_t i = size; i > 0; i--, value >>= 8)
		p[i - 1] = (uint8_t)value;
}

static inline void store_le(uint8_t *p, size_t size, uint64_t value)
{
	for (size_t i = 0; i < size; i++, value >>= 8)
		p[i] = (uint8_t)value;
}

static inline uint16_t load_u16be(const uint8_t *p)
{
	return (uint16_t)load_be(p, 2);
}
static inline uint32_t load_u32be(const uint8_t *p)
{
	return (uint32_t)load_be(p, 4);
}
static inline uint64_t load_u64be(const uint8_t *p)
{
	return load_be(p, 8);
}
static inline uint16_t load_u16le(const uint8_t *p)
{
	return (uint16_t)load_le(p, 2);
}
static inline uint32_t load_u32le(const uint8_t *p)
{
	return (uint32_t)load_le(p, 4);
}
static inline uint64_t load_u64le(const uint8_t *p)
{
	return load_le(p, 8);
}

#endif
