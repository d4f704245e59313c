#include "codec/cbor.h"

#include <string.h>

static void write_head(struct writer *wr, unsigned major, uint64_t value)
{
	unsigned size = value < 24	  ? 0
			: value < 0x100	  ? 1
			: value < 0x10000 ? 2
			: value >> 32	  ? 8
					  : 4;
	unsigned info = size == 0   ? (unsigned)value
			: size == 1 ? 24
			: size == 2 ? 25
			: size == 4 ? 26
				    : 27;

	wr_u8(wr, (uint8_t)(major << 5 | info));
	if (size)
		wr_uint_be(wr, value, size);
}

void cbor_write_uint(struct writer *wr, uint64_t value)
{
	write_head(wr, 0, value);
}

void cbor_write_int(struct writer *wr, int64_t value)
{
	if (value < 0)
		write_head(wr, 1, (uint64_t)(-1 - value));
	else
		write_head(wr, 0, (uint64_t)value);
}

void cbor_write_bool(struct writer *wr, bool value)
{
	write_head(wr, 7, value ? 21 : 20);
}

void cbor_write_null(struct writer *wr)
{
	write_head(wr, 7, 22);
}

void cbor_write_tag(struct writer *wr, uint64_t tag)
{
	write_head(wr, 6, tag);
}

void cbor_write_bytes(struct writer *wr, struct tobi_bytes bytes)
{
	write_head(wr, 2, bytes.size);
	wr_bytes(wr, bytes.ptr, bytes.size);
}

void cbor_write_text(struct writer *wr, const char *text)
{
	cbor_write_text_bytes(wr,
			      (struct tobi_bytes){(const uint8_t *)text, strlen(text)});
}

void cbor_write_text_bytes(struct writer *wr, struct tobi_bytes text)
{
	write_head(wr, 3, text.size);
	wr_bytes(wr, text.ptr, text.size);
}

void cbor_write_array(struct writer *wr, size_t count)
{
	write_head(wr, 4, count);
}

void cbor_write_map(struct writer *wr, size_t count)
{
	write_head(wr, 5, count);
}
