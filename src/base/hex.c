#include "base/hex.h"

#include <string.h>

void hex_write(struct tobi_bytes bytes, char *out, size_t room)
{
	static const char digits[] = "0123456789abcdef";
	size_t count = room ? (room - 1) / 2 : 0;

	if (count > bytes.size)
		count = bytes.size;
	for (size_t i = 0; i < count; i++) {
		out[2 * i] = digits[bytes.ptr[i] >> 4];
		out[2 * i + 1] = digits[bytes.ptr[i] & 15];
	}
	if (room)
		out[2 * count] = 0;
}

enum { IS_DIGIT = 0x10 };

static const uint8_t values[256] = {
    ['0'] = IS_DIGIT,	   ['1'] = IS_DIGIT | 1,  ['2'] = IS_DIGIT | 2,
    ['3'] = IS_DIGIT | 3,  ['4'] = IS_DIGIT | 4,  ['5'] = IS_DIGIT | 5,
    ['6'] = IS_DIGIT | 6,  ['7'] = IS_DIGIT | 7,  ['8'] = IS_DIGIT | 8,
    ['9'] = IS_DIGIT | 9,  ['a'] = IS_DIGIT | 10, ['b'] = IS_DIGIT | 11,
    ['c'] = IS_DIGIT | 12, ['d'] = IS_DIGIT | 13, ['e'] = IS_DIGIT | 14,
    ['f'] = IS_DIGIT | 15, ['A'] = IS_DIGIT | 10, ['B'] = IS_DIGIT | 11,
    ['C'] = IS_DIGIT | 12, ['D'] = IS_DIGIT | 13, ['E'] = IS_DIGIT | 14,
    ['F'] = IS_DIGIT | 15,
};

static unsigned value_of(char c)
{
	return values[(unsigned char)c];
}

bool hex_read(const char *text, uint8_t *ret_out, size_t size)
{
	size_t length = strlen(text);
	unsigned all = IS_DIGIT;

	if (length / 2 != size || length % 2)
		return false;
	/* Digits are of chance: a branch for each would be foreseen half the time. */
	for (size_t i = 0; i < length; i++)
		all &= value_of(text[i]);
	if (!all)
		return false;
	for (size_t i = 0; i < size; i++)
		ret_out[i] = (uint8_t)(value_of(text[2 * i]) << 4 |
				       (value_of(text[2 * i + 1]) & 15));
	return true;
}
