/* The extensions of RA-TLS certificates: their values, and which one a certificate has.
 */
#include "token/ratls.h"

#include "codec/cbor.h"
#include "tests/bytes.h"
#include "tests/ratls.h"

static EVP_PKEY *key;

/* ---- the evidence extension's value ---- */

/* 60000([h'aabb', h'cc']) */
static const char golden[] = "d9ea608242aabb41cc";

static enum tobi_err parse(const char *hex, struct tobi_fault *fault)
{
	struct block block = block_unhex(hex);
	struct ratls_evidence evidence = {.tag = 99};
	enum tobi_err err = ratls_evidence_parse(block_view(block), &evidence, fault);

	assert_true(err ? evidence.tag == 99 : evidence.tag != 99);
	block_done(block);
	return err;
}

static void test_ratls_evidence__golden__round_trip(void **state)
{
	struct block block = block_unhex(golden);
	struct writer out = wr_init(64);
	struct ratls_evidence evidence;

	(void)state;
	assert_int_equal(ratls_evidence_parse(block_view(block), &evidence, NULL), 0);
	assert_int_equal(evidence.tag, RATLS_TAG_QUOTE);
	assert_bytes_equal(evidence.evidence, BYTES(0xaa, 0xbb));
	assert_bytes_equal(evidence.claims_buffer, BYTES(0xcc));
	ratls_evidence_write(&out, &evidence);
	assert_bytes_equal(wr_view(&out), block_view(block));
	wr_done(&out);
	block_done(block);
}

static void test_ratls_evidence__each_tag__read_and_others_refused(void **state)
{
	static const uint64_t good[] = {60000,	  60001,    60002,     0x1a7504,
					0x1a7505, 0x1a7506, 1668547081};
	static const uint64_t bad[] = {0,	   18,	      59999, 60003,
				       0x1a7503,   0x1a7507,  55799, 1668547080,
				       1668547082, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct ratls_evidence evidence = {good[i], BYTES(1), BYTES(2)};
		struct writer out = wr_init(64);

		ratls_evidence_write(&out, &evidence);
		assert_int_equal(ratls_evidence_parse(wr_view(&out), &evidence, NULL), 0);
		assert_int_equal(evidence.tag, good[i]);
		wr_done(&out);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ratls_evidence evidence = {bad[i], BYTES(1), BYTES(2)};
		struct writer out = wr_init(64);

		ratls_evidence_write(&out, &evidence);
		assert_int_equal(ratls_evidence_parse(wr_view(&out), &evidence, NULL),
				 TOBI_E_UNSUPPORTED);
		wr_done(&out);
	}
}

static void test_ratls_evidence__wrong_shape__named(void **state)
{
	static const struct {
		const char *hex;
		enum tobi_err err;
		const char *field;
	} bad[] = {
	    {"8242aabb41cc", TOBI_E_MALFORMED, "tag"}, /* no tag */
	    {"d9ea608142aabb", TOBI_E_MALFORMED, "evidence"},
	    {"d9ea608342aabb41cc00", TOBI_E_LIMIT, "evidence"},
	    {"d9ea608262aabb41cc", TOBI_E_MALFORMED, "evidence"}, /* text */
	    {"d9ea608242aabba0", TOBI_E_MALFORMED, "claims-buffer"},
	    {"d9ea608242aabb41cc00", TOBI_E_TRAILING, "end"},
	    {"d9ea609f42aabb41ccff", TOBI_E_MALFORMED, "evidence"}, /* indefinite */
	    {"da0000ea608242aabb41cc", TOBI_E_MALFORMED, "tag"},    /* not shortest */
	    {"0448d9ea608242aabb41cc", TOBI_E_MALFORMED,
	     "tag"}, /* an extra OCTET STRING */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tobi_fault fault = {0};
		enum tobi_err err = parse(bad[i].hex, &fault);

		if (err != bad[i].err)
			fail_msg("%s: %d, %s", bad[i].hex, (int)err, fault.field);
		assert_string_equal(fault.field, bad[i].field);
	}
}

static void test_ratls_evidence__truncated__fails(void **state)
{
	char hex[sizeof(golden)];

	(void)state;
	for (size_t size = 0; size < sizeof(golden) - 1; size += 2) {
		snprintf(hex, sizeof(hex), "%.*s", (int)size, golden);
		assert_int_not_equal(parse(hex, NULL), TOBI_OK);
	}
}

static void test_ratls_evidence__over_limits__fails(void **state)
{
	static uint8_t zeros[LIMIT_TOKEN + 1];

	(void)state;
	for (size_t over = 0; over < 2; over++) {
		struct ratls_evidence sizes[] = {
		    {RATLS_TAG_EAT, {zeros, LIMIT_TOKEN + over}, {zeros, 1}},
		    {RATLS_TAG_EAT, {zeros, 1}, {zeros, LIMIT_CLAIMS_BUFFER + over}}};

		for (size_t i = 0; i < 2; i++) {
			struct writer out = wr_init(1 << 18);
			struct ratls_evidence evidence;

			ratls_evidence_write(&out, &sizes[i]);
			assert_int_equal(
			    ratls_evidence_parse(wr_view(&out), &evidence, NULL),
			    over ? TOBI_E_LIMIT : TOBI_OK);
			wr_done(&out);
		}
	}
}

/* ---- endorsements ---- */

/* 60000([1, 7 or 8 parts]) */
static void collateral(struct writer *out, uint64_t tag, unsigned parts, size_t size)
{
	static uint8_t zeros[LIMIT_COLLATERAL + 1];

	cbor_write_tag(out, tag);
	cbor_write_array(out, 1 + parts);
	cbor_write_uint(out, 1);
	for (unsigned i = 0; i < parts; i++)
		cbor_write_bytes(out, (struct tobi_bytes){zeros, i == 2 ? size : i});
}

static enum tobi_err parse_endorsements(struct writer *bytes,
					struct ratls_endorsements *ret)
{
	struct block block = block_new(wr_view(bytes));
	enum tobi_err err = ratls_endorsements_parse(block_view(block), ret, NULL);

	block_done(block);
	wr_done(bytes);
	return err;
}

static void test_ratls_endorsements__collateral__seven_or_eight(void **state)
{
	(void)state;
	for (unsigned parts = 0; parts < 12; parts++) {
		struct writer out = wr_init(1 << 17);
		struct ratls_endorsements got = {0};
		bool good = parts == 7 || parts == 8;

		collateral(&out, RATLS_TAG_QUOTE, parts, 9);
		assert_int_equal(parse_endorsements(&out, &got) == 0, good);
		assert_int_equal(got.collateral_count, good ? parts : 0);
		assert_int_equal(got.version, good);
		if (good)
			assert_int_equal(got.collateral[2].size, 9);
	}
}

static void test_ratls_endorsements__limits_and_tag(void **state)
{
	struct writer out = wr_init(1 << 17);
	struct ratls_endorsements got;

	(void)state;
	collateral(&out, RATLS_TAG_QUOTE, 7, LIMIT_COLLATERAL);
	assert_int_equal(parse_endorsements(&out, &got), TOBI_OK);
	out = wr_init(1 << 17);
	collateral(&out, RATLS_TAG_QUOTE, 7, LIMIT_COLLATERAL + 1);
	assert_int_equal(parse_endorsements(&out, &got), TOBI_E_LIMIT);
	out = wr_init(1 << 17);
	collateral(&out, 60003, 7, 9);
	assert_int_equal(parse_endorsements(&out, &got), TOBI_E_UNSUPPORTED);
}

static void test_ratls_endorsements__chain(void **state)
{
	struct block block = block_unhex("da637402098241aa41bb");
	struct ratls_endorsements got;
	struct writer out = wr_init(64);

	(void)state;
	assert_int_equal(ratls_endorsements_parse(block_view(block), &got, NULL), 0);
	assert_bytes_equal(got.chain, BYTES(0x82, 0x41, 0xaa, 0x41, 0xbb));
	ratls_endorsements_write(&out, got.chain);
	assert_bytes_equal(wr_view(&out), block_view(block));
	for (size_t size = 0; size < block.size; size++) {
		struct block cut = block_new((struct tobi_bytes){block.ptr, size});

		assert_int_not_equal(
		    ratls_endorsements_parse(block_view(cut), &got, NULL), TOBI_OK);
		block_done(cut);
	}
	wr_done(&out);
	block_done(block);
	/* Of no certificate; of nine. */
	out = wr_init(64);
	ratls_endorsements_write(&out, BYTES(0x80));
	assert_int_equal(parse_endorsements(&out, &got), TOBI_E_MALFORMED);
	out = wr_init(64);
	ratls_endorsements_write(
	    &out, BYTES(0x89, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40));
	assert_int_equal(parse_endorsements(&out, &got), TOBI_E_LIMIT);
}

/* ---- in a certificate ---- */

static enum tobi_err find(const struct test_leaf *leaf, enum ratls_form *ret_form,
			  struct tobi_fault *fault)
{
	struct ratls_carried carried = {0};
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct writer der = wr_init(LIMIT_CERTIFICATE);
	X509 *certificate = NULL;
	enum tobi_err err;

	test_leaf_write(leaf, &der);
	assert_int_equal(
	    chain_read_certificate(wr_view(&der), "leaf", &certificate, NULL), 0);
	err = ratls_find(certificate, &arena, &carried, fault);
	*ret_form = carried.form;
	arena_done(&arena);
	X509_free(certificate);
	wr_done(&der);
	return err;
}

#define EVIDENCE BYTES(0xd9, 0xea, 0x60, 0x82, 0x42, 0xaa, 0xbb, 0x41, 0xcc)
#define QUOTE BYTES(3, 0, 2, 0)
/* Open Enclave's headers around it; of its evidence the format of a raw quote. */
#define OE_REPORT BYTES(1, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 3, 0, 2, 0)
#define OE_EVIDENCE                                                                      \
	BYTES(3, 0, 0, 0, 0x19, 0x23, 0xd9, 0x1e, 0x12, 0xd2, 0x4c, 0x72, 0xb2, 0x20,    \
	      0x25, 0xcd, 0x8d, 0xac, 0xe8, 0x71, 4, 0, 0, 0, 0, 0, 0, 0, 3, 0, 2, 0)
#define PCK BYTES(0x30, 0x03, 0x02, 0x01, 0x00)

static void test_ratls_find__each_form(void **state)
{
	const struct test_extension ccc = {&ratls_evidence_name, EVIDENCE, false},
				    gramine = {&ratls_gramine_name, QUOTE, false},
				    intel = {&ratls_intel_name, QUOTE, false},
				    dotted = {&ratls_gramine_dotted_name, QUOTE, false},
				    report = {&ratls_oe_report_name, OE_REPORT, false},
				    old = {&ratls_oe_old_report_name, OE_REPORT, false},
				    oe = {&ratls_oe_evidence_name, OE_EVIDENCE, false},
				    old_oe = {&ratls_oe_old_evidence_name, OE_EVIDENCE,
					      false},
				    pck = {&ratls_intel_name, PCK, false};
	const struct {
		struct test_extension extensions[3];
		size_t count;
		enum ratls_form form;
	} good[] = {
	    {{ccc}, 1, RATLS_CCC},
	    {{gramine, ccc}, 2, RATLS_CCC},
	    {{ccc, gramine}, 2, RATLS_CCC},
	    {{intel, ccc}, 2, RATLS_CCC},
	    {{pck, ccc}, 2, RATLS_CCC},
	    {{gramine}, 1, RATLS_GRAMINE},
	    {{intel, gramine}, 2, RATLS_GRAMINE},
	    {{intel}, 1, RATLS_INTEL},
	    {{dotted}, 1, RATLS_GRAMINE},
	    {{report}, 1, RATLS_OE_REPORT},
	    {{intel, old}, 2, RATLS_OE_REPORT},
	    {{oe, report}, 2, RATLS_OE_EVIDENCE},
	    {{old_oe}, 1, RATLS_OE_EVIDENCE},
	    {{old_oe, ccc}, 2, RATLS_CCC},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		for (int first = 0; first < 2; first++) {
			struct test_leaf leaf = {.key = key,
						 .extensions_first = first,
						 .extension_count = good[i].count};
			enum ratls_form form;

			for (size_t n = 0; n < good[i].count; n++)
				leaf.extensions[n] = good[i].extensions[n];
			assert_int_equal(find(&leaf, &form, NULL), TOBI_OK);
			assert_int_equal(form, good[i].form);
		}
	}
}

static void test_ratls_find__wrong__named(void **state)
{
	const struct test_extension ccc = {&ratls_evidence_name, EVIDENCE, false};
	const struct {
		struct test_extension extensions[2];
		size_t count;
		enum tobi_err err;
		const char *says;
	} bad[] = {
	    {.count = 0, .err = TOBI_E_NOT_FOUND, .says = "no extension with evidence"},
	    {{ccc, ccc}, 2, TOBI_E_MALFORMED, "2 times"},
	    {{{&ratls_evidence_name, EVIDENCE, true}}, 1, TOBI_E_MALFORMED, "critical"},
	    {{{&ratls_gramine_name, QUOTE, true}}, 1, TOBI_E_MALFORMED, "critical"},
	    {{{&ratls_intel_name, PCK, false}}, 1, TOBI_E_NOT_FOUND, "PCK"},
	    {{{&ratls_intel_name, BYTES(2, 0, 2, 0), false}},
	     1,
	     TOBI_E_MALFORMED,
	     "no quote"},
	    {{{&ratls_gramine_name, BYTES(6, 0, 2, 0), false}},
	     1,
	     TOBI_E_MALFORMED,
	     "no quote"},
	    {{{&ratls_gramine_name, BYTES(3), false}}, 1, TOBI_E_MALFORMED, "no quote"},
	    {{{&ratls_oe_evidence_name, QUOTE, false}}, 1, TOBI_E_TRUNCATED, ""},
	    {{{&ratls_oe_report_name, BYTES(1, 0, 0, 0, 1, 0, 0, 0, 3, 0, 2, 0), false}},
	     1,
	     TOBI_E_MALFORMED,
	     "no quote"},
	    {{{&ratls_oe_report_name, OE_REPORT, true}}, 1, TOBI_E_MALFORMED, "critical"},
	    /* The better form decides, also where it cannot be read. */
	    {{{&ratls_evidence_name, BYTES(0xd9), false},
	      {&ratls_gramine_name, QUOTE, false}},
	     2,
	     TOBI_E_TRUNCATED,
	     ""},
	    {{ccc,
	      {&ratls_endorsements_name, BYTES(0xda, 0x63, 0x74, 0x02, 0x09, 0x81, 0x40),
	       false}},
	     2,
	     TOBI_E_MALFORMED,
	     "another kind"},
	    {{ccc, {&ratls_endorsements_name, BYTES(0x80), false}},
	     2,
	     TOBI_E_MALFORMED,
	     ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct test_leaf leaf = {.key = key, .extension_count = bad[i].count};
		struct tobi_fault fault = {0};
		enum ratls_form form;
		enum tobi_err err;

		for (size_t n = 0; n < bad[i].count; n++)
			leaf.extensions[n] = bad[i].extensions[n];
		err = find(&leaf, &form, &fault);
		if (err != bad[i].err || !strstr(fault.message, bad[i].says))
			fail_msg("%zu: %d, %s", i, (int)err, fault.message);
		assert_int_equal(form, 0);
	}
}

/* ---- kinds ---- */

static const uint8_t mark[64] = {[0 ... 63] = 0x77};

static void check_kind(uint64_t tag, const struct writer *evidence, const char *name,
		       bool has_data)
{
	/* Exactly as long: a read past the end is seen. */
	struct block block = block_new(wr_view(evidence));
	struct ratls_kind kind =
	    ratls_kind_of(&(struct ratls_evidence){tag, block_view(block), {0}});

	assert_string_equal(kind.name, name);
	if (has_data)
		assert_bytes_equal(kind.report_data, ((struct tobi_bytes){mark, 64}));
	else
		assert_int_equal(kind.report_data.size, 0);
	block_done(block);
}

static void test_ratls_kind__quotes(void **state)
{
	(void)state;
	for (unsigned version = 2; version < 7; version++) {
		for (int tdx = 0; tdx < 2; tdx++) {
			struct writer quote = wr_init(2000);
			bool known = version == 3 ? !tdx : version == 4 || version == 5;

			test_quote_write(version, tdx, mark, &quote);
			if (version != 3 || !tdx)
				check_kind(RATLS_TAG_QUOTE, &quote,
					   tdx && version >= 4 ? "tdx-quote"
							       : "sgx-quote",
					   known);
			wr_done(&quote);
		}
	}
}

static void test_ratls_kind__reports(void **state)
{
	static const struct {
		uint64_t tag;
		const char *name;
		size_t size, at;
		uint8_t first;
	} kinds[] = {
	    {RATLS_TAG_REPORT, "tdx-report", 1024, 128, 0x81},
	    {RATLS_TAG_REPORT, "sgx-report-2", 1024, 128, 0},
	    {RATLS_TAG_SGX_REPORT, "sgx-report", 432, 320, 9},
	    {RATLS_TAG_SNP, "snp-report", 1184, 0x50, 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct writer report = wr_init(2000);
		uint8_t *bytes = wr_reserve(&report, kinds[i].size);

		bytes[0] = kinds[i].first;
		bytes_copy(bytes + kinds[i].at, 64, mark, 64);
		check_kind(kinds[i].tag, &report, kinds[i].name, true);
		report.size--;
		check_kind(kinds[i].tag, &report, kinds[i].name, false);
		wr_done(&report);
	}
}

static void test_ratls_kind__truncated__no_report_data(void **state)
{
	static const uint64_t tags[] = {60000,	  60001,    60002,	  0x1a7504,
					0x1a7505, 0x1a7506, RATLS_TAG_EAT};
	struct writer quote = wr_init(2000);

	(void)state;
	test_quote_write(4, true, mark, &quote);
	for (size_t size = 0; size < 48 + 520 + 64; size++) {
		for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
			struct block cut =
			    block_new((struct tobi_bytes){quote.ptr, size});
			struct ratls_kind kind = ratls_kind_of(
			    &(struct ratls_evidence){tags[i], block_view(cut), {0}});

			assert_true(kind.name[0]);
			assert_true(kind.report_data.size == 0 ||
				    (tags[i] == 60002 && size == 432));
			block_done(cut);
		}
	}
	wr_done(&quote);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ratls_evidence__golden__round_trip),
	    cmocka_unit_test(test_ratls_evidence__each_tag__read_and_others_refused),
	    cmocka_unit_test(test_ratls_evidence__wrong_shape__named),
	    cmocka_unit_test(test_ratls_evidence__truncated__fails),
	    cmocka_unit_test(test_ratls_evidence__over_limits__fails),
	    cmocka_unit_test(test_ratls_endorsements__collateral__seven_or_eight),
	    cmocka_unit_test(test_ratls_endorsements__limits_and_tag),
	    cmocka_unit_test(test_ratls_endorsements__chain),
	    cmocka_unit_test(test_ratls_find__each_form),
	    cmocka_unit_test(test_ratls_find__wrong__named),
	    cmocka_unit_test(test_ratls_kind__quotes),
	    cmocka_unit_test(test_ratls_kind__reports),
	    cmocka_unit_test(test_ratls_kind__truncated__no_report_data),
	};
	int failed;

	key = test_key_make(TEST_P256);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	EVP_PKEY_free(key);
	return failed;
}
