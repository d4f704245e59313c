/* What Open Enclave puts around a quote, for tests. */
#ifndef TESTS_OE_H
#define TESTS_OE_H

#include <string.h>

#include "base/endian.h"
#include "base/writer.h"

static inline void oe_put_le(struct writer *out, uint64_t value, size_t size)
{
	uint8_t bytes[8];

	store_le(bytes, size, value);
	wr_bytes(out, bytes, size);
}

/* Evidence: of SGX with claims behind the quote, of TDX without. */
static inline void oe_evidence_write(struct tobi_bytes quote, struct tobi_bytes claims,
				     bool tdx, struct writer *out)
{
	static const uint8_t uuids[2][16] = {
	    {0xa3, 0xa2, 0x1e, 0x87, 0x1b, 0x4d, 0x40, 0x14, 0xb7, 0x0a, 0xa1, 0x25, 0xd2,
	     0xfb, 0xcd, 0x8c},
	    {0x8b, 0xa7, 0x02, 0x86, 0xc1, 0xcf, 0x11, 0xed, 0xaf, 0xa1, 0x02, 0x42, 0xac,
	     0x12, 0x00, 0x02}};

	oe_put_le(out, 3, 4);
	wr_bytes(out, uuids[tdx], 16);
	oe_put_le(out, quote.size + claims.size, 8);
	wr_bytes(out, quote.ptr, quote.size);
	wr_bytes(out, claims.ptr, claims.size);
}

static inline void oe_report_write(struct tobi_bytes quote, struct writer *out)
{
	oe_put_le(out, 1, 4);
	oe_put_le(out, 2, 4);
	oe_put_le(out, quote.size, 8);
	wr_bytes(out, quote.ptr, quote.size);
}

/* One custom claim, as oe_serialize_custom_claims() writes it. */
static inline void oe_claim_write(const char *name, struct tobi_bytes value,
				  struct writer *out)
{
	oe_put_le(out, 1, 8);
	oe_put_le(out, 1, 8);
	oe_put_le(out, strlen(name) + 1, 8);
	oe_put_le(out, value.size, 8);
	wr_bytes(out, name, strlen(name) + 1);
	wr_bytes(out, value.ptr, value.size);
}

#endif
