#include <stdio.h>

#include "codec/cose.h"
#include "tests/bytes.h"

/* A signature of 64 bytes: what it says does not matter here. */
#define SIGNATURE                                                                        \
	"5840"                                                                           \
	"00000000000000000000000000000000000000000000000000000000000000000000"           \
	"000000000000000000000000000000000000000000000000000000000000"

static enum tobi_err parse(const char *hex, enum cose_tagging tagging,
			   struct tobi_fault *fault)
{
	struct block block = block_unhex(hex);
	struct cose_sign1 sign1 = {.alg = COSE_PS384};
	enum tobi_err err =
	    cose_parse(block_view(block), true, tagging, "token", &sign1, fault);

	if (err)
		assert_int_equal(sign1.alg, COSE_PS384);
	block_done(block);
	return err;
}

static void refused(const char *hex, enum tobi_err err, const char *field, size_t offset)
{
	struct tobi_fault fault = {0};

	assert_int_equal(parse(hex, COSE_TAGGED, &fault), err);
	assert_string_equal(fault.object, "token");
	assert_string_equal(fault.field, field);
	assert_int_equal(fault.offset, offset);
}

static void test_cose_parse__every_header__read(void **state)
{
	/* {1: -7, 3: "a/b"}, {4: 'id', 33: [h'01', h'0203']}, 'hi' */
	struct block block =
	    block_unhex("d28448a2012603632f2f62a2044269641821824101420203"
			"426869" SIGNATURE);
	struct cose_sign1 sign1;

	(void)state;
	assert_int_equal(
	    cose_parse(block_view(block), true, COSE_TAGGED, "token", &sign1, NULL),
	    TOBI_OK);
	assert_int_equal(sign1.alg, COSE_ES256);
	assert_bytes_equal(sign1.content_type, text_bytes("//b"));
	assert_bytes_equal(sign1.kid, text_bytes("id"));
	assert_int_equal(sign1.x5chain_count, 2);
	assert_bytes_equal(sign1.x5chain[0], BYTES(1));
	assert_bytes_equal(sign1.x5chain[1], BYTES(2, 3));
	assert_bytes_equal(sign1.payload, text_bytes("hi"));
	assert_int_equal(sign1.signature.size, 64);
	assert_int_equal(sign1.protected_bytes.size, 8);
	block_done(block);
}

static void test_cose_parse__payload_empty_or_detached__told_apart(void **state)
{
	struct block empty = block_unhex("d28443a10126a040" SIGNATURE);
	struct block detached = block_unhex("d28443a10126a0f6" SIGNATURE);
	struct cose_sign1 sign1;

	(void)state;
	assert_int_equal(
	    cose_parse(block_view(empty), true, COSE_TAGGED, "token", &sign1, NULL), 0);
	assert_non_null(sign1.payload.ptr);
	assert_int_equal(sign1.payload.size, 0);
	assert_int_equal(
	    cose_parse(block_view(detached), true, COSE_TAGGED, "token", &sign1, NULL),
	    0);
	assert_null(sign1.payload.ptr);
	block_done(empty);
	block_done(detached);
}

static void test_cose_parse__one_certificate__a_string_of_its_own(void **state)
{
	struct block block =
	    block_unhex("d28443a10126a118214201024568656c6c6f" SIGNATURE);
	struct cose_sign1 sign1;

	(void)state;
	assert_int_equal(
	    cose_parse(block_view(block), true, COSE_TAGGED, "token", &sign1, NULL), 0);
	assert_int_equal(sign1.x5chain_count, 1);
	assert_bytes_equal(sign1.x5chain[0], BYTES(1, 2));
	block_done(block);
}

static void test_cose_parse__tag__only_of_sign1(void **state)
{
	(void)state;
	refused("8443a10126a040" SIGNATURE, TOBI_E_MALFORMED, "tag", 0);
	assert_int_equal(parse("8443a10126a040" SIGNATURE, COSE_TAG_OPTIONAL, NULL), 0);
	assert_int_equal(parse("d28443a10126a040" SIGNATURE, COSE_TAG_OPTIONAL, NULL), 0);
	/* COSE_Mac0, COSE_Sign, COSE_Encrypt0; a tag around the tag */
	refused("d18443a10126a040" SIGNATURE, TOBI_E_MALFORMED, "tag of COSE_Sign1", 1);
	refused("d8628443a10126a040" SIGNATURE, TOBI_E_MALFORMED, "tag of COSE_Sign1", 2);
	refused("d08443a10126a040" SIGNATURE, TOBI_E_MALFORMED, "tag of COSE_Sign1", 1);
	refused("d2d28443a10126a040" SIGNATURE, TOBI_E_MALFORMED, "COSE_Sign1", 1);
	assert_int_equal(parse("d18443a10126a040" SIGNATURE, COSE_TAG_OPTIONAL, NULL),
			 TOBI_E_MALFORMED);
}

static void test_cose_parse__wrong_shape__malformed(void **state)
{
	(void)state;
	refused("d28343a10126a040", TOBI_E_MALFORMED, "COSE_Sign1", 2);
	refused("d28543a10126a040" SIGNATURE "00", TOBI_E_LIMIT, "COSE_Sign1", 1);
	refused("d2a0", TOBI_E_MALFORMED, "COSE_Sign1", 1);
	refused("d284a10126a040" SIGNATURE, TOBI_E_MALFORMED, "protected header", 2);
	refused("d28443a10126f640" SIGNATURE, TOBI_E_MALFORMED, "header", 6);
	refused("d28443a10126a060" SIGNATURE, TOBI_E_MALFORMED, "payload", 7);
	refused("d28443a10126a040f6", TOBI_E_MALFORMED, "signature", 8);
	refused("d28443a10126a040" SIGNATURE "00", TOBI_E_TRAILING, "end", 74);
	refused("d2844180a040" SIGNATURE, TOBI_E_MALFORMED, "header", 3);
}

/* Of the two headers alone: the protected one starts at byte 3. */
static void headers(const char *protected_map, const char *unprotected_map,
		    enum tobi_err err, const char *field, size_t offset)
{
	char hex[400];

	assert_true(strlen(protected_map) / 2 < 24);
	snprintf(hex, sizeof(hex), "d284%02zx%s%s40%s", 0x40 + strlen(protected_map) / 2,
		 protected_map, unprotected_map, SIGNATURE);
	if (err)
		refused(hex, err, field, offset);
	else
		assert_int_equal(parse(hex, COSE_TAGGED, NULL), TOBI_OK);
}

static void test_cose_parse__bytes_after_the_protected_map__trailing(void **state)
{
	(void)state;
	headers("a1012600", "a0", TOBI_E_TRAILING, "protected header", 6);
	headers("a101", "a0", TOBI_E_TRUNCATED, "header", 4);
}

/* Both ways to write an empty protected header; neither has an algorithm. */
static void test_cose_parse__empty_protected_header__lacks_alg(void **state)
{
	(void)state;
	headers("", "a0", TOBI_E_MALFORMED, "alg", 71);
	headers("a0", "a0", TOBI_E_MALFORMED, "alg", 72);
	headers("a1044101", "a0", TOBI_E_MALFORMED, "alg", 75);
}

static void test_cose_parse__alg_unprotected__malformed(void **state)
{
	(void)state;
	headers("", "a10126", TOBI_E_MALFORMED, "alg outside the protected header", 5);
	headers("a0", "a10126", TOBI_E_MALFORMED, "alg outside the protected header", 6);
}

static void test_cose_parse__label_in_both_headers__malformed(void **state)
{
	(void)state;
	headers("a10126", "a10126", TOBI_E_MALFORMED, "label in both headers", 8);
	headers("a20126044101", "a1044101", TOBI_E_MALFORMED, "label in both headers",
		11);
	/* one that means nothing here */
	headers("a20126186300", "a1186300", TOBI_E_MALFORMED, "label in both headers",
		12);
}

static void test_cose_parse__label_twice_in_a_header__malformed(void **state)
{
	(void)state;
	headers("a201260126", "a0", TOBI_E_MALFORMED, "header label", 6);
	headers("a10126", "a2044101044102", TOBI_E_MALFORMED, "header label", 10);
}

static void test_cose_parse__text_label__malformed(void **state)
{
	(void)state;
	headers("a20126616100", "a0", TOBI_E_MALFORMED, "header label", 6);
	headers("a10126", "a1616100", TOBI_E_MALFORMED, "header label", 7);
}

static void test_cose_parse__unknown_algorithm__unsupported(void **state)
{
	(void)state;
	headers("a10105", "a0", TOBI_E_UNSUPPORTED, "alg", 6);	   /* HMAC 256 */
	headers("a101390100", "a0", TOBI_E_UNSUPPORTED, "alg", 8); /* RS256 */
	headers("a1013826", "a0", TOBI_E_UNSUPPORTED, "alg", 7);   /* PS512 */
	headers("a10100", "a0", TOBI_E_UNSUPPORTED, "alg", 6);
	headers("a101654553323536", "a0", TOBI_E_UNSUPPORTED, "alg", 5); /* "ES256" */
}

static void test_cose_parse__critical_labels__protected_and_understood(void **state)
{
	(void)state;
	headers("a30126028104044101", "a0", TOBI_OK, "", 0);
	headers("a3012602820103036161", "a0", TOBI_OK, "", 0);
	/* unknown, text, none at all, no array */
	headers("a3012602811863186300", "a0", TOBI_E_UNSUPPORTED, "crit", 10);
	headers("a2012602816161", "a0", TOBI_E_UNSUPPORTED, "crit", 8);
	headers("a201260280", "a0", TOBI_E_MALFORMED, "crit", 8);
	headers("a201260204", "a0", TOBI_E_MALFORMED, "crit", 7);
	headers("a10126", "a1028101", TOBI_E_MALFORMED,
		"crit outside the protected header", 8);
	/* one that is understood, but is not protected (RFC 9052 section 3.1) */
	headers("a20126028104", "a0", TOBI_E_MALFORMED, "critical label", 9);
	headers("a20126028104", "a1044101", TOBI_E_MALFORMED, "critical label", 9);
}

static void test_cose_parse__header_of_the_wrong_type__malformed(void **state)
{
	(void)state;
	headers("a1014126", "a0", TOBI_E_MALFORMED, "alg", 5);
	headers("a20126034161", "a0", TOBI_E_MALFORMED, "content type", 7);
	headers("a10126", "a1046161", TOBI_E_MALFORMED, "kid", 8);
	headers("a10126", "a11821f5", TOBI_E_MALFORMED, "x5chain", 9);
	headers("a10126", "a118218100", TOBI_E_MALFORMED, "x5chain", 10);
}

static void test_cose_parse__chain_over_limit__limit(void **state)
{
	(void)state;
	headers("a10126", "a11821884040404040404040", TOBI_OK, "", 0);
	headers("a10126", "a1182189404040404040404040", TOBI_E_LIMIT, "x5chain", 9);
}

static void test_cose_parse__each_truncation__an_error_with_its_place(void **state)
{
	struct block whole = block_unhex("d28448a2012603632f2f62a20442696418218241014202"
					 "03426869" SIGNATURE);

	(void)state;
	for (size_t size = 0; size < whole.size; size++) {
		struct block cut = block_new((struct tobi_bytes){whole.ptr, size});
		struct cose_sign1 sign1;
		struct tobi_fault fault = {0};

		assert_int_equal(cose_parse(block_view(cut), true, COSE_TAGGED, "token",
					    &sign1, &fault),
				 TOBI_E_TRUNCATED);
		assert_true(fault.has_offset && fault.offset <= size);
		assert_true(fault.field[0]);
		block_done(cut);
	}
	block_done(whole);
}

static void test_cose_parse__unsorted_header__only_where_allowed(void **state)
{
	struct block block = block_unhex("d28446a20441010126a040" SIGNATURE);
	struct cose_sign1 sign1;

	(void)state;
	assert_int_equal(
	    cose_parse(block_view(block), true, COSE_TAGGED, "token", &sign1, NULL),
	    TOBI_E_MALFORMED);
	assert_int_equal(
	    cose_parse(block_view(block), false, COSE_TAGGED, "token", &sign1, NULL), 0);
	assert_int_equal(sign1.alg, COSE_ES256);
	block_done(block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cose_parse__every_header__read),
	    cmocka_unit_test(test_cose_parse__payload_empty_or_detached__told_apart),
	    cmocka_unit_test(test_cose_parse__one_certificate__a_string_of_its_own),
	    cmocka_unit_test(test_cose_parse__tag__only_of_sign1),
	    cmocka_unit_test(test_cose_parse__wrong_shape__malformed),
	    cmocka_unit_test(test_cose_parse__bytes_after_the_protected_map__trailing),
	    cmocka_unit_test(test_cose_parse__empty_protected_header__lacks_alg),
	    cmocka_unit_test(test_cose_parse__alg_unprotected__malformed),
	    cmocka_unit_test(test_cose_parse__label_in_both_headers__malformed),
	    cmocka_unit_test(test_cose_parse__label_twice_in_a_header__malformed),
	    cmocka_unit_test(test_cose_parse__text_label__malformed),
	    cmocka_unit_test(test_cose_parse__unknown_algorithm__unsupported),
	    cmocka_unit_test(test_cose_parse__critical_labels__protected_and_understood),
	    cmocka_unit_test(test_cose_parse__header_of_the_wrong_type__malformed),
	    cmocka_unit_test(test_cose_parse__chain_over_limit__limit),
	    cmocka_unit_test(test_cose_parse__each_truncation__an_error_with_its_place),
	    cmocka_unit_test(test_cose_parse__unsorted_header__only_where_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
