/* A message of go-tpm-tools, whatever it says, is read within its bounds: what it gives
 * lies in it or in the arena, and a report that was put together has a report's size. */
#include "fuzz/fuzz.h"
#include "tee/google_message.h"
#include "tee/snp_report.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct tpm_parts *parts = arena_alloc(&arena, sizeof(*parts));
	struct tobi_fault fault = {0};
	bool starts = google_message_starts(input);
	enum tobi_err err;

	must(parts != NULL);
	parts->arena = &arena;
	err = google_message_add(parts, input, &fault);
	must(err == fault.code);
	must_be_inside(parts->quote, input);
	must_be_inside(parts->log, input);
	must(parts->more_quotes.count <= TPM_PARTS_EACH);
	for (size_t i = 0; i < parts->more_quotes.count; i++)
		must_be_inside(parts->more_quotes.items[i], input);
	must(parts->hardware_pieces.count <= TPM_PARTS_EACH);
	must(parts->hardware_report.size == 0 ||
	     parts->hardware_report.size == SNP_REPORT_SIZE);
	arena_done(&arena);
	return starts && !err;
}

static void put(struct writer *out, unsigned number, const void *bytes, size_t size)
{
	wr_u8(out, (uint8_t)(number << 3 | 2));
	for (; size >= 0x80; size >>= 7)
		wr_u8(out, (uint8_t)(size | 0x80));
	wr_u8(out, (uint8_t)size);
	wr_bytes(out, bytes, size);
}

static void put_writer(struct writer *out, unsigned number, struct writer *inner)
{
	size_t size = inner->size;

	wr_u8(out, (uint8_t)(number << 3 | 2));
	for (; size >= 0x80; size >>= 7)
		wr_u8(out, (uint8_t)(size | 0x80));
	wr_u8(out, (uint8_t)size);
	wr_bytes(out, inner->ptr, inner->size);
	wr_done(inner);
}

/* TPMT_PUBLIC of a P-256 key; that the point is on no curve is not asked here. */
static void put_public(struct writer *out)
{
	struct writer public = wr_init(256);
	static const uint8_t zeros[32];

	wr_uint_be(&public, 0x0023, 2);
	wr_uint_be(&public, 0x000b, 2);
	wr_uint_be(&public, 0x00050072, 4);
	wr_uint_be(&public, 0, 2);
	wr_uint_be(&public, 0x0010, 2); /* no symmetric cipher */
	wr_uint_be(&public, 0x0018000b, 4);
	wr_uint_be(&public, 0x0003, 2);
	wr_uint_be(&public, 0x0010, 2);
	for (int i = 0; i < 2; i++) {
		wr_uint_be(&public, sizeof(zeros), 2);
		wr_bytes(&public, zeros, sizeof(zeros));
	}
	put_writer(out, 1, &public);
}

static void put_quote(struct writer *out, bool with_values)
{
	static const uint8_t statement[] = {0xff, 0x54, 0x43, 0x47, 0x80, 0x18, 0, 0};
	static const uint8_t value[32] = {1};
	struct writer quote = wr_init(512), bank = wr_init(256), entry = wr_init(64);

	put(&quote, 1, statement, sizeof(statement));
	put(&quote, 2, value, sizeof(value));
	if (with_values) {
		wr_uint_be(&bank, 0x080b, 2);
		wr_uint_be(&entry, 0x0807, 2);
		put(&entry, 2, value, sizeof(value));
		put_writer(&bank, 2, &entry);
		put_writer(&quote, 3, &bank);
	}
	put_writer(out, 2, &quote);
}

/* A report of two fields, and a certificate; a quote with a header only. */
static void put_hardware(struct writer *out, bool snp)
{
	static const uint8_t id[16] = {2}, certificate[] = {0x30, 0};
	struct writer report = wr_init(256), chain = wr_init(64), whole = wr_init(512);

	if (snp) {
		wr_uint_be(&report, 0x0803, 2);
		put(&report, 4, id, sizeof(id));
		put(&chain, 1, certificate, sizeof(certificate));
		put_writer(&whole, 1, &report);
		put_writer(&whole, 2, &chain);
	} else {
		wr_uint_be(&report, 0x0804, 2);
		put(&report, 6, id, sizeof(id));
		put_writer(&whole, 1, &report);
	}
	put_writer(out, snp ? 8 : 9, &whole);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	if (number >= 6)
		return FUZZ_NO_SEED;
	put_public(out);
	put_quote(out, number > 0);
	if (number > 1)
		put_quote(out, true);
	if (number == 2 || number == 3)
		put_hardware(out, number == 2);
	if (number == 4)
		put_public(out); /* twice */
	if (number == 5)
		wr_u8(out, 0x0b); /* a group */
	return number < 4 ? FUZZ_GOOD : FUZZ_BAD;
}
