#include "base/utf8.h"

/* Bytes of the well-formed sequence at p (RFC 3629 §4), or zero; sets the code point. */
static size_t sequence(const uint8_t *p, size_t left, uint32_t *ret_point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t size = p[0] < 0x80	? 1
		      : p[0] >> 5 == 6	? 2
		      : p[0] >> 4 == 14 ? 3
		      : p[0] >> 3 == 30 ? 4
					: 0;
	uint32_t point;

	if (size == 0 || size > left)
		return 0;
	point = size == 1 ? p[0] : p[0] & (0xffu >> (size + 1));
	for (size_t i = 1; i < size; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		point = point << 6 | (p[i] & 0x3f);
	}
	if (point < least[size] || point > 0x10ffff ||
	    (point >= 0xd800 && point <= 0xdfff))
		return 0;
	*ret_point = point;
	return size;
}

static bool is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

bool utf8_is_text(struct tobi_bytes bytes)
{
	for (size_t i = 0; i < bytes.size;) {
		uint32_t point = 0;
		size_t size = sequence(bytes.ptr + i, bytes.size - i, &point);

		if (size == 0 || is_control(point))
			return false;
		i += size;
	}
	return true;
}

bool utf8_is_valid(struct tobi_bytes bytes)
{
	for (size_t i = 0; i < bytes.size;) {
		uint32_t point = 0;
		size_t size = sequence(bytes.ptr + i, bytes.size - i, &point);

		if (size == 0 || point == 0)
			return false;
		i += size;
	}
	return true;
}

void utf8_write_escaped(struct writer *out, struct tobi_bytes bytes)
{
	for (size_t i = 0; i < bytes.size;) {
		uint32_t point = 0;
		size_t size = sequence(bytes.ptr + i, bytes.size - i, &point);

		if (size == 0 || is_control(point)) {
			wr_printf(out, "\\x%02x", bytes.ptr[i]);
			i++;
			continue;
		}
		wr_bytes(out, bytes.ptr + i, size);
		i += size;
	}
}
