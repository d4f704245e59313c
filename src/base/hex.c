#include "base/hex.h"

#include <string.h>

void hex_write(struct tobi_bytes bytes, char *out, size_t room)
{
	static const char digits[] = "0123456789abcdef";
	size_t at = 0;

	for (size_t i = 0; i < bytes.size && at + 2 < room; i++) {
		out[at++] = digits[bytes.ptr[i] >> 4];
		out[at++] = digits[bytes.ptr[i] & 15];
	}
	if (room)
		out[at] = 0;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_read(const char *text, uint8_t *ret_out, size_t size)
{
	if (strlen(text) / 2 != size || strlen(text) % 2)
		return false;
	for (size_t i = 0; i < 2 * size; i++) {
		if (digit_value(text[i]) < 0)
			return false;
	}
	for (size_t i = 0; i < size; i++)
		ret_out[i] = (uint8_t)((unsigned)digit_value(text[2 * i]) << 4 |
				       (unsigned)digit_value(text[2 * i + 1]));
	return true;
}
