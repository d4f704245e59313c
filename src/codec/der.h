/*
 * DER (ITU-T X.690), as far as extensions of certificates need it: tags of one byte,
 * definite lengths in their shortest form. On the bounded reader: failure is sticky, and
 * what is not DER fails with TOBI_E_MALFORMED.
 */
#ifndef TOBI_CODEC_DER_H
#define TOBI_CODEC_DER_H

#include "base/reader.h"

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_OCTETS = 0x04,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0a,
	DER_UTF8 = 0x0c,
	DER_SEQUENCE = 0x30,
	DER_EXPLICIT_0 = 0xa0,
	DER_EXPLICIT_1 = 0xa1,
};

/* The content of the next element, which must have this tag. */
struct reader der_enter(struct reader *rd, enum der_tag tag, const char *field);
struct tobi_bytes der_bytes(struct reader *rd, enum der_tag tag, const char *field);
/* An INTEGER or ENUMERATED from 0 to most, in its shortest form. */
uint32_t der_number(struct reader *rd, enum der_tag tag, uint32_t most,
		    const char *field);
/* 00 and ff only. */
bool der_boolean(struct reader *rd, const char *field);
/* An OCTET STRING of exactly size bytes, copied. Leaves to alone on failure. */
void der_octets(struct reader *rd, uint8_t *to, size_t size, const char *field);

#endif
