/* PCR values as tpm2-tools write them. */
#include "tee/tpm_parts.h"

#include "tee/tpm_structs.h"
#include "tests/bytes.h"

enum { LIST = 4 + 8 * 66, SELECTIONS = 4 + 16 * 8 };

static const uint8_t value_1[32] = {[0 ... 31] = 1}, value_9[32] = {[0 ... 31] = 9},
		     value_s[20] = {[0 ... 19] = 7}, zeros[64];

static void put_digest(struct writer *out, struct tobi_bytes value)
{
	wr_u8(out, (uint8_t)value.size);
	wr_u8(out, 0);
	wr_bytes(out, value.ptr, value.size);
	wr_bytes(out, zeros, 64 - value.size);
}

/* SHA-256: 1 and 9; SHA-1: 9. The digests in two lists. */
static void write_file(struct writer *out)
{
	wr_bytes(out, "\x02\0\0\0", 4);
	wr_bytes(out, "\x0b\0\x03\x02\x02\0\0\0", 8);
	wr_bytes(out, "\x04\0\x03\0\x02\0\0\0", 8);
	for (unsigned i = 2; i < 16; i++)
		wr_bytes(out, zeros, 8);
	wr_bytes(out, "\x02\0\0\0", 4);
	wr_bytes(out, "\x02\0\0\0", 4);
	put_digest(out, (struct tobi_bytes){value_1, 32});
	put_digest(out, (struct tobi_bytes){value_9, 32});
	for (unsigned i = 2; i < 8; i++)
		put_digest(out, (struct tobi_bytes){0});
	wr_bytes(out, "\x01\0\0\0", 4);
	put_digest(out, (struct tobi_bytes){value_s, 20});
	for (unsigned i = 1; i < 8; i++)
		put_digest(out, (struct tobi_bytes){0});
	assert_int_equal(out->size, SELECTIONS + 4 + 2 * LIST);
}

static void expect_values(const struct tpm_parts *parts)
{
	assert_int_equal(parts->bank_count, 2);
	assert_int_equal(parts->banks[0].hash, TPM_ALG_SHA256);
	assert_bytes_equal(parts->banks[0].pcrs[1], ((struct tobi_bytes){value_1, 32}));
	assert_bytes_equal(parts->banks[0].pcrs[9], ((struct tobi_bytes){value_9, 32}));
	assert_int_equal(parts->banks[0].pcrs[0].size, 0);
	assert_int_equal(parts->banks[1].hash, TPM_ALG_SHA1);
	assert_bytes_equal(parts->banks[1].pcrs[9], ((struct tobi_bytes){value_s, 20}));
}

static bool reads(struct tobi_bytes bytes)
{
	struct tpm_parts parts = {0};

	return tpm_pcrs_add_serialized(&parts, bytes);
}

static void test_tpm_pcrs__a_file_of_tpm2_quote__is_read(void **state)
{
	struct writer out = wr_init(4096);
	struct tpm_parts parts = {0};

	(void)state;
	write_file(&out);
	assert_true(tpm_pcrs_add_serialized(&parts, wr_view(&out)));
	expect_values(&parts);
	for (size_t size = 0; size < out.size; size++) {
		struct block cut = block_new((struct tobi_bytes){out.ptr, size});

		assert_false(reads(block_view(cut)));
		block_done(cut);
	}
	wr_u8(&out, 0);
	assert_false(reads(wr_view(&out)));
	wr_done(&out);
}

/* A byte of the file, and what it is then. */
static void test_tpm_pcrs__wrong_files__are_not_read(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} wrong[] = {
	    {0, 0},			/* no selection */
	    {0, 17},			/* more than there is room for */
	    {4, 0x12},			/* an unknown hash */
	    {6, 5},			/* a bitmap that is too long */
	    {7, 6},			/* three PCRs, and one digest too few for them */
	    {SELECTIONS, 0},		/* no digests */
	    {SELECTIONS + 8, 31},	/* a digest of another size */
	    {SELECTIONS + 4, 1},	/* one digest less */
	    {SELECTIONS + 4 + LIST, 0}, /* the last list is empty */
	};
	struct writer out = wr_init(4096);

	(void)state;
	write_file(&out);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint8_t before = out.ptr[wrong[i].at];

		out.ptr[wrong[i].at] = wrong[i].byte;
		assert_false(reads(wr_view(&out)));
		out.ptr[wrong[i].at] = before;
	}
	assert_true(reads(wr_view(&out)));
	wr_done(&out);
}

#define ONES "0101010101010101010101010101010101010101010101010101010101010101"
#define NINES "0909090909090909090909090909090909090909090909090909090909090909"
#define SEVENS "0707070707070707070707070707070707070707"

static bool reads_text(const char *text, struct tpm_parts *ret_parts, struct arena *arena)
{
	*ret_parts = (struct tpm_parts){.arena = arena};
	return tpm_pcrs_add_text(ret_parts, text_bytes(text));
}

static void test_tpm_pcrs__what_tools_print__is_read(void **state)
{
	struct arena arena = arena_init(1 << 16);
	struct tpm_parts parts;

	(void)state;
	assert_true(reads_text("  sha256:\n    1 : 0x" ONES "\n    9 : 0x" NINES
			       "\n  sha1:\n    9 : 0x" SEVENS "\n",
			       &parts, &arena));
	expect_values(&parts);
	/* With what tpm2_quote says beside them. */
	assert_true(
	    reads_text("quoted: ff54\nsignature:\n  alg: rsassa\n  sig: aa\npcrs:\n"
		       "  sha256:\r\n    1 : 0x" ONES "\r\n    9 : 0x" NINES
		       "\r\n  sha1:\r\n    9 : 0x" SEVENS "\r\ncalcDigest: 00\r\n",
		       &parts, &arena));
	expect_values(&parts);
	assert_false(reads_text("", &parts, &arena));
	assert_false(reads_text("sha256:\n", &parts, &arena));
	assert_false(reads_text("sha257:\n  1 : 0x" ONES "\n", &parts, &arena));
	assert_false(reads_text("  1 : 0x" ONES "\n", &parts, &arena));
	assert_false(reads_text("sha256:\n  1 : 0x00\n", &parts, &arena));
	assert_false(reads_text("sha256:\n  1 : " ONES "\n", &parts, &arena));
	assert_false(reads_text("sha256:\n  : 0x" ONES "\n", &parts, &arena));
	assert_false(reads_text("sha256:\n  1 : 0x" ONES "\n\x80", &parts, &arena));
	assert_false(reads_text("sha256:\n  24 : 0x" ONES "\n", &parts, &arena) &&
		     !parts.too_many);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tpm_pcrs__a_file_of_tpm2_quote__is_read),
	    cmocka_unit_test(test_tpm_pcrs__wrong_files__are_not_read),
	    cmocka_unit_test(test_tpm_pcrs__what_tools_print__is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
