#include "codec/der.h"

#include "base/secret.h"

enum { LONG_FORM = 0x80, LENGTH_BYTES_MAX = 3, SHORT_MAX = 0x7f };

static size_t read_length(struct reader *rd, const char *field)
{
	uint8_t first = rd_u8(rd, field);
	unsigned count = first & SHORT_MAX;
	size_t length = 0;

	if (!(first & LONG_FORM))
		return first;
	if (count == 0 || count > LENGTH_BYTES_MAX) {
		rd_fail(rd, TOBI_E_MALFORMED, field);
		return 0;
	}
	for (unsigned i = 0; i < count; i++)
		length = length << 8 | rd_u8(rd, field);
	if (length <= SHORT_MAX || length >> (8 * (count - 1)) == 0)
		rd_fail(rd, TOBI_E_MALFORMED, field);
	return length;
}

struct reader der_enter(struct reader *rd, enum der_tag tag, const char *field)
{
	uint8_t found = rd_u8(rd, field);
	size_t length;

	if (found != tag)
		rd_fail(rd, TOBI_E_MALFORMED, field);
	length = read_length(rd, field);
	return rd_sub(rd, length, field);
}

struct tobi_bytes der_bytes(struct reader *rd, enum der_tag tag, const char *field)
{
	struct reader content = der_enter(rd, tag, field);

	return rd_bytes(&content, rd_left(&content), field);
}

uint32_t der_number(struct reader *rd, enum der_tag tag, uint32_t most, const char *field)
{
	struct tobi_bytes bytes = der_bytes(rd, tag, field);
	uint64_t value = 0;

	/* A set first bit is a sign; a zero byte is there only to hide one. */
	if (rd_failed(rd) || bytes.size == 0 || bytes.size > 5 || bytes.ptr[0] & 0x80 ||
	    (bytes.size > 1 && bytes.ptr[0] == 0 && !(bytes.ptr[1] & 0x80))) {
		rd_fail(rd, TOBI_E_MALFORMED, field);
		return 0;
	}
	for (size_t i = 0; i < bytes.size; i++)
		value = value << 8 | bytes.ptr[i];
	if (value > most) {
		rd_fail(rd, TOBI_E_MALFORMED, field);
		return 0;
	}
	return (uint32_t)value;
}

bool der_boolean(struct reader *rd, const char *field)
{
	struct tobi_bytes bytes = der_bytes(rd, DER_BOOLEAN, field);

	if (bytes.size != 1 || (bytes.ptr[0] != 0 && bytes.ptr[0] != 0xff)) {
		rd_fail(rd, TOBI_E_MALFORMED, field);
		return false;
	}
	return bytes.ptr[0] != 0;
}

void der_octets(struct reader *rd, uint8_t *to, size_t size, const char *field)
{
	struct tobi_bytes bytes = der_bytes(rd, DER_OCTETS, field);

	if (bytes.size != size)
		rd_fail(rd, TOBI_E_MALFORMED, field);
	else
		bytes_copy(to, size, bytes.ptr, size);
}
