/* Open Enclave's headers, and the claims that its programs write. */
#include "token/oe_evidence.h"

#include "base/endian.h"
#include "base/writer.h"
#include "tests/bytes.h"

static const uint8_t sgx_uuid[16] = {0xa3, 0xa2, 0x1e, 0x87, 0x1b, 0x4d, 0x40, 0x14,
				     0xb7, 0x0a, 0xa1, 0x25, 0xd2, 0xfb, 0xcd, 0x8c};
static const uint8_t raw_uuid[16] = {0x19, 0x23, 0xd9, 0x1e, 0x12, 0xd2, 0x4c, 0x72,
				     0xb2, 0x20, 0x25, 0xcd, 0x8d, 0xac, 0xe8, 0x71};
static const uint8_t legacy_uuid[16] = {0xc8, 0x30, 0x34, 0x54, 0xd9, 0x23, 0x4c, 0x2c,
					0xa6, 0x91, 0xdf, 0x7d, 0xef, 0x46, 0x0a, 0x76};
static const uint8_t local_uuid[16] = {0x09, 0x26, 0x8c, 0x33, 0x6e, 0x0b, 0x45, 0xe5,
				       0x8a, 0x27, 0x15, 0x64, 0x4d, 0x0e, 0xf8, 0x9a};

static void put_le(struct writer *out, uint64_t value, size_t size)
{
	uint8_t bytes[8];

	store_le(bytes, size, value);
	wr_bytes(out, bytes, size);
}

/* 432 bytes, the size of what follows, and so much of it. */
static void put_quote(struct writer *out, uint32_t says, size_t follows)
{
	memset(wr_reserve(out, 432), 3, 432);
	put_le(out, says, 4);
	memset(wr_reserve(out, follows), 0x51, follows);
}

static void put_header(struct writer *out, const uint8_t uuid[static 16], uint64_t size)
{
	put_le(out, 3, 4);
	wr_bytes(out, uuid, 16);
	put_le(out, size, 8);
}

static enum tobi_err parse(struct writer *bytes, struct oe_evidence *evidence)
{
	struct tobi_fault fault = {0};
	enum tobi_err err = oe_evidence_parse(wr_view(bytes), evidence, &fault);

	assert_int_equal(err, fault.code);
	return err;
}

static void test_oe_evidence__quote_and_claims__are_split(void **state)
{
	struct writer out = wr_init(4096);
	struct oe_evidence evidence;

	(void)state;
	put_header(&out, sgx_uuid, 436 + 10 + 3);
	put_quote(&out, 10, 10);
	wr_bytes(&out, "abc", 3);
	assert_int_equal(oe_evidence_format(wr_view(&out)), OE_SGX_ECDSA);
	assert_int_equal(parse(&out, &evidence), 0);
	assert_int_equal(evidence.quote.size, 446);
	assert_true(evidence.has_claims);
	assert_int_equal(evidence.claims.size, 3);
	assert_int_equal(evidence.claims.ptr[0], 'a');
	/* Each length that is too short for what it says. */
	for (size_t size = 0; size < out.size; size++) {
		struct tobi_bytes cut = {out.ptr, size};

		assert_int_not_equal(oe_evidence_parse(cut, &evidence, NULL), 0);
	}
	wr_u8(&out, 0);
	assert_int_equal(parse(&out, &evidence), TOBI_E_TRAILING);
	wr_done(&out);
}

static void test_oe_evidence__signature_longer_than_all__truncated(void **state)
{
	static const uint32_t sizes[] = {11, 0x7fffffff, UINT32_MAX};
	struct oe_evidence evidence;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct writer out = wr_init(4096);

		put_header(&out, sgx_uuid, 446);
		put_quote(&out, sizes[i], 10);
		assert_int_equal(parse(&out, &evidence), TOBI_E_TRUNCATED);
		wr_done(&out);
	}
}

static void test_oe_evidence__data_size__is_exact(void **state)
{
	static const struct {
		uint64_t size;
		enum tobi_err err;
	} sizes[] = {{445, TOBI_E_TRAILING},
		     {447, TOBI_E_TRUNCATED},
		     {UINT64_MAX, TOBI_E_TRUNCATED},
		     {0, TOBI_E_TRAILING}};
	struct oe_evidence evidence;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct writer out = wr_init(4096);

		put_header(&out, sgx_uuid, sizes[i].size);
		put_quote(&out, 10, 10);
		assert_int_equal(parse(&out, &evidence), sizes[i].err);
		wr_done(&out);
	}
}

static void test_oe_evidence__other_formats(void **state)
{
	struct writer out = wr_init(4096);
	struct oe_evidence evidence;

	(void)state;
	put_header(&out, raw_uuid, 446);
	put_quote(&out, 10, 10);
	assert_int_equal(parse(&out, &evidence), 0);
	assert_int_equal(evidence.quote.size, 446);
	assert_false(evidence.has_claims);
	wr_done(&out);

	out = wr_init(4096);
	put_header(&out, legacy_uuid, 16 + 446);
	put_le(&out, 1, 4);
	put_le(&out, 2, 4);
	put_le(&out, 446, 8);
	put_quote(&out, 10, 10);
	assert_int_equal(parse(&out, &evidence), 0);
	assert_int_equal(evidence.quote.size, 446);
	assert_int_equal(evidence.quote.ptr[0], 3);
	wr_done(&out);

	out = wr_init(4096);
	put_header(&out, local_uuid, 446);
	put_quote(&out, 10, 10);
	assert_int_equal(oe_evidence_format(wr_view(&out)), OE_LOCAL);
	assert_int_equal(parse(&out, &evidence), TOBI_E_UNSUPPORTED);
	/* Of another version, or of an id of nobody's. */
	out.ptr[0] = 2;
	assert_int_equal(oe_evidence_format(wr_view(&out)), OE_UNKNOWN);
	assert_int_equal(parse(&out, &evidence), TOBI_E_MALFORMED);
	out.ptr[0] = 3;
	out.ptr[4] ^= 1;
	assert_int_equal(oe_evidence_format(wr_view(&out)), OE_UNKNOWN);
	wr_done(&out);
}

static void test_oe_report__only_of_its_size(void **state)
{
	struct writer out = wr_init(4096);

	(void)state;
	put_le(&out, 1, 4);
	put_le(&out, 2, 4);
	put_le(&out, 446, 8);
	put_quote(&out, 10, 10);
	assert_int_equal(oe_report_quote(wr_view(&out)).size, 446);
	/* Local, of another version, of another size. */
	out.ptr[4] = 1;
	assert_int_equal(oe_report_quote(wr_view(&out)).size, out.size);
	out.ptr[4] = 2;
	out.ptr[0] = 2;
	assert_int_equal(oe_report_quote(wr_view(&out)).size, out.size);
	out.ptr[0] = 1;
	out.ptr[8] ^= 1;
	assert_int_equal(oe_report_quote(wr_view(&out)).size, out.size);
	assert_int_equal(oe_report_quote((struct tobi_bytes){out.ptr, 15}).size, 15);
	wr_done(&out);
}

static void put_claim(struct writer *out, struct tobi_bytes name, const char *value)
{
	put_le(out, name.size, 8);
	put_le(out, strlen(value), 8);
	wr_bytes(out, name.ptr, name.size);
	wr_bytes(out, value, strlen(value));
}

static void test_oe_claims__a_list(void **state)
{
	struct writer out = wr_init(4096);
	struct oe_claim claims[OE_CLAIMS_MAX];

	(void)state;
	put_le(&out, 1, 8);
	put_le(&out, 2, 8);
	put_claim(&out, BYTES('n', 'o', 'n', 'c', 'e', 0), "12345678");
	put_claim(&out, BYTES('k', 0), "");
	assert_int_equal(oe_claims_read(wr_view(&out), claims), 2);
	assert_bytes_equal(claims[0].name, text_bytes("nonce"));
	assert_bytes_equal(claims[0].value, text_bytes("12345678"));
	assert_int_equal(claims[1].value.size, 0);
	for (size_t size = 0; size < out.size; size++)
		assert_int_equal(
		    oe_claims_read((struct tobi_bytes){out.ptr, size}, claims), 0);
	wr_u8(&out, 0);
	assert_int_equal(oe_claims_read(wr_view(&out), claims), 0);
	wr_done(&out);
}

static void test_oe_claims__what_is_none(void **state)
{
	static const uint64_t heads[][4] = {
	    {2, 1, 2, 0},		  /* another version */
	    {1, OE_CLAIMS_MAX + 1, 2, 0}, /* too many */
	    {1, 1, 0, 0},		  /* without a name */
	    {1, 1, UINT64_MAX, 0},	  /* sizes whose sum is small */
	    {1, 1, 2, UINT64_MAX},
	};
	struct oe_claim claims[OE_CLAIMS_MAX];
	struct writer out;

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		out = wr_init(4096);
		for (size_t j = 0; j < 4; j++)
			put_le(&out, heads[i][j], 8);
		wr_bytes(&out, "a", 2);
		assert_int_equal(oe_claims_read(wr_view(&out), claims), 0);
		wr_done(&out);
	}
	/* A name that does not end. */
	out = wr_init(4096);
	put_le(&out, 1, 8);
	put_le(&out, 1, 8);
	put_claim(&out, BYTES('a', 'b'), "x");
	assert_int_equal(oe_claims_read(wr_view(&out), claims), 0);
	wr_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_oe_evidence__quote_and_claims__are_split),
	    cmocka_unit_test(test_oe_evidence__signature_longer_than_all__truncated),
	    cmocka_unit_test(test_oe_evidence__data_size__is_exact),
	    cmocka_unit_test(test_oe_evidence__other_formats),
	    cmocka_unit_test(test_oe_report__only_of_its_size),
	    cmocka_unit_test(test_oe_claims__a_list),
	    cmocka_unit_test(test_oe_claims__what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
