#include "codec/base64.h"

#include "base/fault.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_write(struct writer *out, struct tobi_bytes bytes)
{
	for (size_t i = 0; i < bytes.size; i += 3) {
		size_t left = bytes.size - i;
		uint32_t group = (uint32_t)bytes.ptr[i] << 16;

		if (left > 1)
			group |= (uint32_t)bytes.ptr[i + 1] << 8;
		if (left > 2)
			group |= bytes.ptr[i + 2];
		wr_u8(out, (uint8_t)alphabet[group >> 18]);
		wr_u8(out, (uint8_t)alphabet[group >> 12 & 63]);
		wr_u8(out, left > 1 ? (uint8_t)alphabet[group >> 6 & 63] : '=');
		wr_u8(out, left > 2 ? (uint8_t)alphabet[group & 63] : '=');
	}
}

/* 64 for what is no digit. */
static unsigned digit(uint8_t byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return (unsigned)byte - 'A';
	if (byte >= 'a' && byte <= 'z')
		return (unsigned)byte - 'a' + 26;
	if (byte >= '0' && byte <= '9')
		return (unsigned)byte - '0' + 52;
	if (byte == '+')
		return 62;
	return byte == '/' ? 63 : 64;
}

enum tobi_err base64_read(struct tobi_bytes text, const char *object, struct writer *out,
			  struct tobi_fault *fault)
{
	size_t digits = text.size;
	uint32_t group = 0;
	unsigned bits = 0;
	uint8_t *at;

	if (text.size % 4)
		return fault_at(fault, TOBI_E_MALFORMED, object, "base64", text.size,
				"no text has this length");
	while (digits + 2 > text.size && digits && text.ptr[digits - 1] == '=')
		digits--;
	at = wr_reserve(out, digits * 3 / 4);
	if (!at)
		return fault_set(fault, wr_err(out), object, "base64", "no room");
	for (size_t i = 0; i < digits; i++) {
		unsigned value = digit(text.ptr[i]);

		if (value == 64)
			return fault_at(fault, TOBI_E_MALFORMED, object, "base64", i,
					"not a character of base64");
		group = group << 6 | value;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*at++ = (uint8_t)(group >> bits);
			group &= (1u << bits) - 1;
		}
	}
	/* Bits that belong to no byte must be zero, or two texts would mean the same. */
	if (group)
		return fault_at(fault, TOBI_E_MALFORMED, object, "base64", text.size,
				"stray bits at the end");
	return TOBI_OK;
}
