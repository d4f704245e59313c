#include "codec/base64.h"

#include <stdbool.h>

#include "base/fault.h"

/* The two alphabets of RFC 4648 (sections 4 and 5) differ in their last two digits, and
 * here in whether the last group is filled up. */
struct base {
	const char *name;
	uint8_t digit_62, digit_63;
	bool padded;
};

static const struct base standard = {"base64", '+', '/', true};
static const struct base url = {"base64url", '-', '_', false};

static void write_digit(struct writer *out, const struct base *base, uint32_t value)
{
	static const char common[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	value &= 63;
	wr_u8(out, value < 62	 ? (uint8_t)common[value]
		   : value == 62 ? base->digit_62
				 : base->digit_63);
}

static void encode(struct writer *out, struct tobi_bytes bytes, const struct base *base)
{
	for (size_t i = 0; i < bytes.size; i += 3) {
		size_t left = bytes.size - i;
		uint32_t group = (uint32_t)bytes.ptr[i] << 16;

		if (left > 1)
			group |= (uint32_t)bytes.ptr[i + 1] << 8;
		if (left > 2)
			group |= bytes.ptr[i + 2];
		write_digit(out, base, group >> 18);
		write_digit(out, base, group >> 12);
		if (left > 1)
			write_digit(out, base, group >> 6);
		else if (base->padded)
			wr_u8(out, '=');
		if (left > 2)
			write_digit(out, base, group);
		else if (base->padded)
			wr_u8(out, '=');
	}
}

/* 64 for what is no digit. */
static unsigned digit(uint8_t byte, const struct base *base)
{
	if (byte >= 'A' && byte <= 'Z')
		return (unsigned)byte - 'A';
	if (byte >= 'a' && byte <= 'z')
		return (unsigned)byte - 'a' + 26;
	if (byte >= '0' && byte <= '9')
		return (unsigned)byte - '0' + 52;
	if (byte == base->digit_62)
		return 62;
	return byte == base->digit_63 ? 63 : 64;
}

static enum tobi_err decode(struct tobi_bytes text, const struct base *base,
			    const char *object, struct writer *out,
			    struct tobi_fault *fault)
{
	size_t digits = text.size;
	uint32_t group = 0;
	unsigned bits = 0;
	uint8_t *at;

	if (base->padded ? text.size % 4 != 0 : text.size % 4 == 1)
		return fault_at(fault, TOBI_E_MALFORMED, object, base->name, text.size,
				"no text has this length");
	while (base->padded && digits + 2 > text.size && digits &&
	       text.ptr[digits - 1] == '=')
		digits--;
	at = wr_reserve(out, digits * 3 / 4);
	if (!at)
		return fault_set(fault, wr_err(out), object, base->name, "no room");
	for (size_t i = 0; i < digits; i++) {
		unsigned value = digit(text.ptr[i], base);

		if (value == 64)
			return fault_at(fault, TOBI_E_MALFORMED, object, base->name, i,
					"not a character of %s", base->name);
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
		return fault_at(fault, TOBI_E_MALFORMED, object, base->name, text.size,
				"stray bits at the end");
	return TOBI_OK;
}

void base64_write(struct writer *out, struct tobi_bytes bytes)
{
	encode(out, bytes, &standard);
}

enum tobi_err base64_read(struct tobi_bytes text, const char *object, struct writer *out,
			  struct tobi_fault *fault)
{
	return decode(text, &standard, object, out, fault);
}

void base64url_write(struct writer *out, struct tobi_bytes bytes)
{
	encode(out, bytes, &url);
}

enum tobi_err base64url_read(struct tobi_bytes text, const char *object,
			     struct writer *out, struct tobi_fault *fault)
{
	return decode(text, &url, object, out, fault);
}
