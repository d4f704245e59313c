#include "tests/event_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/secret.h"
#include "pki/key.h"

/* Also for programs without cmocka. */
static void must(bool holds)
{
	if (!holds)
		abort();
}

static void le(struct writer *out, size_t size, uint64_t value)
{
	store_le(wr_reserve(out, size), size, value);
}

void test_log_start(struct writer *out, bool sha256)
{
	le(out, 4, 1);
	le(out, 4, EVENT_NO_ACTION);
	wr_reserve(out, 20);
	le(out, 4, sha256 ? 37 : 33);
	wr_bytes(out, "Spec ID Event03", 16);
	le(out, 4, 0);
	wr_bytes(out, "\0\2\0\2", 4);
	le(out, 4, sha256 ? 2 : 1);
	if (sha256) {
		le(out, 2, TCG_SHA256);
		le(out, 2, 32);
	}
	le(out, 2, TCG_SHA384);
	le(out, 2, 48);
	wr_u8(out, 0);
}

void test_log_event(struct writer *out, bool sha256, uint32_t index, uint32_t type,
		    struct tobi_bytes data)
{
	uint8_t small[32], large[48];

	must(!hash_sha256(data, small) && !hash_sha384(data, large));
	if (!sha256) {
		test_log_digest(out, index, type, large, data);
		return;
	}
	le(out, 4, index);
	le(out, 4, type);
	le(out, 4, 2);
	le(out, 2, TCG_SHA256);
	wr_bytes(out, small, sizeof(small));
	le(out, 2, TCG_SHA384);
	wr_bytes(out, large, sizeof(large));
	le(out, 4, data.size);
	wr_bytes(out, data.ptr, data.size);
}

void test_log_digest(struct writer *out, uint32_t index, uint32_t type,
		     const uint8_t digest[static 48], struct tobi_bytes data)
{
	le(out, 4, index);
	le(out, 4, type);
	le(out, 4, 1);
	le(out, 2, TCG_SHA384);
	wr_bytes(out, digest, 48);
	le(out, 4, data.size);
	wr_bytes(out, data.ptr, data.size);
}

void test_log_extend(uint8_t reg[static 48], const uint8_t digest[static 48])
{
	uint8_t both[96];

	memcpy(both, reg, 48);
	memcpy(both + 48, digest, 48);
	must(!hash_sha384((struct tobi_bytes){both, sizeof(both)}, reg));
}

void test_log_table(uint8_t table[static CCEL_TABLE_SIZE], uint8_t type,
		    uint64_t log_size)
{
	uint8_t sum = 0;

	memset(table, 0, CCEL_TABLE_SIZE);
	memcpy(table, "CCEL", 4);
	store_le(table + 4, 4, CCEL_TABLE_SIZE);
	table[8] = 1;
	table[36] = type;
	store_le(table + 40, 8, log_size);
	store_le(table + 48, 8, 0xbe0000);
	for (size_t i = 0; i < CCEL_TABLE_SIZE; i++)
		sum = (uint8_t)(sum + table[i]);
	table[9] = (uint8_t)-sum;
}
