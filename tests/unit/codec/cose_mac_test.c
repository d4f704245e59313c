/* COSE_Mac0, where it is asked for. */
#include "codec/cose.h"
#include "codec/cose_alg.h"
#include "tests/bytes.h"
#include "tests/check.h"

/* HMAC-SHA-256 with a key of 32 bytes 5e over "claims", made with Python's hmac. */
static const char right[] =
    "d18443a10105a046636c61696d735820"
    "f3d89af6a1caecacd811d0e910742e6571e4742bd68a1896a64195d55dedf846";

static struct tobi_bytes read_hex(const char *hex)
{
	static uint8_t bytes[512];
	size_t size = strlen(hex) / 2;

	assert_true(size <= sizeof(bytes) && hex_read(hex, bytes, size));
	return (struct tobi_bytes){bytes, size};
}

static struct tobi_bytes secret(uint8_t value)
{
	static uint8_t bytes[32];

	memset(bytes, value, sizeof(bytes));
	return (struct tobi_bytes){bytes, sizeof(bytes)};
}

static enum tobi_err parse(const char *hex, bool *is_mac, struct cose_sign1 *sign1)
{
	struct tobi_fault fault = {0};
	enum tobi_err err =
	    cose_parse_either(read_hex(hex), "token", is_mac, sign1, &fault);

	assert_int_equal(err, fault.code);
	return err;
}

static void test_cose_mac__right_key__holds(void **state)
{
	struct cose_sign1 mac0;
	bool is_mac = false;

	(void)state;
	assert_int_equal(parse(right, &is_mac, &mac0), 0);
	assert_true(is_mac);
	assert_int_equal(mac0.alg, COSE_HMAC256);
	assert_true(cose_mac_holds(&mac0, secret(0x5e), mac0.payload));
	assert_false(cose_mac_holds(&mac0, secret(0x5f), mac0.payload));
	assert_false(cose_mac_holds(&mac0, (struct tobi_bytes){0}, mac0.payload));
	assert_false(cose_mac_holds(&mac0, secret(0x5e), text_bytes("claimz")));
	mac0.signature.size = 31;
	assert_false(cose_mac_holds(&mac0, secret(0x5e), mac0.payload));
	mac0.signature.size = 32;
	mac0.alg = COSE_ES256;
	assert_false(cose_mac_holds(&mac0, secret(0x5e), mac0.payload));
}

/* Anybody can make one with a key of no bytes: that is no key. */
static void test_cose_mac__made_without_a_key__does_not_hold(void **state)
{
	static const char nobody[] =
	    "d18443a10105a046636c61696d735820"
	    "0fe5a84d7d46348bfc958f743e9a4863070571a1fe0e4b0e2b2d880959a4f2aa";
	struct cose_sign1 mac0;
	bool is_mac;

	(void)state;
	assert_int_equal(parse(nobody, &is_mac, &mac0), 0);
	assert_false(cose_mac_holds(&mac0, (struct tobi_bytes){0}, mac0.payload));
	assert_false(cose_mac_holds(&mac0, (struct tobi_bytes){(const uint8_t *)"", 0},
				    mac0.payload));
}

/* A signature's algorithm counts for no MAC, and the reverse; and neither unprotected. */
static void test_cose_mac__algorithm__must_be_its_own(void **state)
{
	struct cose_sign1 sign1;
	bool is_mac;

	(void)state;
	assert_int_equal(parse("d18443a10126a0416141ff", &is_mac, &sign1), 0);
	assert_int_equal(sign1.alg, COSE_NONE);
	assert_int_equal(parse("d28443a10105a0416141ff", &is_mac, &sign1), 0);
	assert_int_equal(sign1.alg, COSE_NONE);
	assert_false(is_mac);
	assert_int_equal(parse("d28440a10126416141ff", &is_mac, &sign1), 0);
	assert_int_equal(sign1.alg, COSE_NONE);
	assert_int_equal(parse("d28443a10126a0416141ff", &is_mac, &sign1), 0);
	assert_int_equal(sign1.alg, COSE_ES256);
	assert_int_equal(parse("d28445a101616161a0416141ff", &is_mac, &sign1),
			 TOBI_E_TRAILING);
	assert_int_equal(parse("d28444a1016161a0416141ff", &is_mac, &sign1), 0);
	assert_int_equal(sign1.alg, COSE_NONE);
}

static void test_cose_mac__tag__must_be_there(void **state)
{
	struct cose_sign1 sign1;
	bool is_mac;

	(void)state;
	assert_int_equal(parse("8443a10105a0416141ff", &is_mac, &sign1),
			 TOBI_E_MALFORMED);
	assert_int_equal(parse("d3"
			       "8443a10105a0416141ff",
			       &is_mac, &sign1),
			 TOBI_E_MALFORMED);
	assert_int_equal(parse("d83dd3"
			       "8443a10105a0416141ff",
			       &is_mac, &sign1),
			 TOBI_E_MALFORMED);
	assert_int_equal(parse("d83dd83dd1"
			       "8443a10105a0416141ff",
			       &is_mac, &sign1),
			 TOBI_E_MALFORMED);
	assert_int_equal(parse("d83dd1"
			       "8443a10105a0416141ff",
			       &is_mac, &sign1),
			 0);
	assert_true(is_mac);
}

/* Who asks for a signature gets none of these. */
static void test_cose_mac__where_a_signature_is_expected__refuses(void **state)
{
	struct cose_sign1 sign1;

	(void)state;
	assert_int_equal(
	    cose_parse(read_hex(right), false, COSE_TAG_OPTIONAL, "token", &sign1, NULL),
	    TOBI_E_MALFORMED);
	assert_int_equal(cose_parse(read_hex(right + 2), false, COSE_TAG_OPTIONAL,
				    "token", &sign1, NULL),
			 TOBI_E_UNSUPPORTED);
}

static void test_cose_mac__sizes(void **state)
{
	(void)state;
	assert_int_equal(cose_mac_size(COSE_HMAC256), 32);
	assert_int_equal(cose_mac_size(COSE_HMAC384), 48);
	assert_int_equal(cose_mac_size(COSE_HMAC512), 64);
	assert_int_equal(cose_mac_size(4), 0); /* HMAC 256/64: cut short */
	assert_int_equal(cose_mac_size(COSE_ES256), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cose_mac__right_key__holds),
	    cmocka_unit_test(test_cose_mac__made_without_a_key__does_not_hold),
	    cmocka_unit_test(test_cose_mac__algorithm__must_be_its_own),
	    cmocka_unit_test(test_cose_mac__tag__must_be_there),
	    cmocka_unit_test(test_cose_mac__where_a_signature_is_expected__refuses),
	    cmocka_unit_test(test_cose_mac__sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
