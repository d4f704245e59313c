#include "tests/check.h"

#include <stdio.h>

#include "base/hex.h"
#include "base/limits.h"
#include "base/secret.h"
#include "token/claims_buffer.h"

/* The server's check value of attested TLS, section 4.2: SPKI is the ASCII "server-spki".
 */
#define NONCE "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SPKI_SHA256 "9ab5c8f3d33cf2e32ef4efb304674e2846a76b4cf2cd3fa67cf614b25369a9f4"
#define BINDER "00089ddbf8089d3d6089eeceb731fdd58e952958b907eb16d4fff277043a78e0"
#define SESSION                                                                          \
	"a3656e6f6e63655820" NONCE "6b7075626b65792d68617368582482015820" SPKI_SHA256    \
	"6c746f62696368692d61746c735825830102"                                           \
	"5820" BINDER

static uint8_t space[LIMIT_CLAIMS_BUFFER + 64];

static struct tobi_bytes unhex(const char *text)
{
	size_t size = strlen(text) / 2;

	assert_true(size <= sizeof(space));
	assert_true(hex_read(text, space, size));
	return (struct tobi_bytes){space, size};
}

static void test_session_is_the_check_value(void **state)
{
	struct writer out = wr_init(LIMIT_CLAIMS_BUFFER);
	uint8_t nonce[32], spki[32], binder[32];

	(void)state;
	assert_true(hex_read(NONCE, nonce, 32) && hex_read(SPKI_SHA256, spki, 32) &&
		    hex_read(BINDER, binder, 32));
	claims_buffer_write(&out, (struct tobi_bytes){nonce, 32}, spki, TOBI_ROLE_SERVER,
			    (struct tobi_bytes){binder, 32});
	assert_int_equal(wr_err(&out), TOBI_OK);
	assert_true(bytes_equal(wr_view(&out), unhex(SESSION)));
	wr_done(&out);
}

static void test_parse_gives_every_part(void **state)
{
	struct tobi_bytes bytes = unhex(SESSION);
	struct claims_buffer claims;
	uint8_t expected[32];

	(void)state;
	assert_int_equal(claims_buffer_parse(bytes, &claims, NULL), TOBI_OK);
	assert_true(hex_read(NONCE, expected, 32));
	assert_true(bytes_equal(claims.nonce, (struct tobi_bytes){expected, 32}));
	assert_true(hex_read(SPKI_SHA256, expected, 32));
	assert_true(bytes_equal(claims.pubkey_hash, (struct tobi_bytes){expected, 32}));
	assert_int_equal(claims.binding.size, 37);
}

static void test_without_nonce_or_binding(void **state)
{
	static const uint8_t spki[32] = {7};
	struct writer out = wr_init(LIMIT_CLAIMS_BUFFER);
	struct claims_buffer claims;

	(void)state;
	claims_buffer_write(&out, (struct tobi_bytes){0}, spki, TOBI_ROLE_SERVER,
			    (struct tobi_bytes){0});
	assert_int_equal(claims_buffer_parse(wr_view(&out), &claims, NULL), TOBI_OK);
	assert_int_equal(claims.nonce.size, 0);
	assert_int_equal(claims.binding.size, 0);
	assert_true(bytes_equal(claims.pubkey_hash, (struct tobi_bytes){spki, 32}));
	wr_done(&out);
}

/* CCC implementations add claims and do not sort: both are accepted. */
static void test_other_claims_and_order(void **state)
{
	struct claims_buffer claims;

	(void)state;
	assert_int_equal(
	    claims_buffer_parse(unhex("a36b7075626b65792d68617368582482015820" SPKI_SHA256
				      "656b65795f3041aa656b65795f3141bb"),
				&claims, NULL),
	    TOBI_OK);
	assert_int_equal(claims.nonce.size, 0);
}

/* CCC's verifiers know SHA-384 and SHA-512, too. */
static void test_other_hashes(void **state)
{
	static const struct {
		const char *head;
		size_t size;
		enum claims_hash hash;
	} hashes[] = {
	    {"a16b7075626b65792d68617368583482075830", 48, CLAIMS_SHA384},
	    {"a16b7075626b65792d68617368584482085840", 64, CLAIMS_SHA512},
	};
	char hex[256];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct claims_buffer claims;

		snprintf(hex, sizeof(hex), "%s%.*s", hashes[i].head,
			 (int)(2 * hashes[i].size), SPKI_SHA256 SPKI_SHA256);
		assert_int_equal(claims_buffer_parse(unhex(hex), &claims, NULL), TOBI_OK);
		assert_int_equal(claims.hash, hashes[i].hash);
		assert_int_equal(claims.pubkey_hash.size, hashes[i].size);
	}
}

static void expect(const char *hex, enum tobi_err err, const char *field, size_t offset)
{
	struct claims_buffer claims = {.nonce.size = 99};
	struct tobi_fault fault = {0};

	assert_int_equal(claims_buffer_parse(unhex(hex), &claims, &fault), err);
	assert_string_equal(fault.object, "claims-buffer");
	assert_string_equal(fault.field, field);
	assert_int_equal(fault.offset, offset);
	assert_int_equal(claims.nonce.size, 99);
}

static void test_refusals_name_field_and_offset(void **state)
{
	(void)state;
	expect("a1656e6f6e63654101", TOBI_E_MALFORMED, "pubkey-hash", 9);
	expect("a16b7075626b65792d68617368582482025820" SPKI_SHA256, TOBI_E_UNSUPPORTED,
	       "pubkey-hash algorithm", 17);
	/* SHA-384, and as short as SHA-256 */
	expect("a16b7075626b65792d68617368582482075820" SPKI_SHA256, TOBI_E_MALFORMED,
	       "pubkey-hash", 17);
	expect("a16b7075626b65792d686173684482014101", TOBI_E_MALFORMED, "pubkey-hash",
	       16);
	expect("a16b7075626b65792d68617368582582015820" SPKI_SHA256 "00", TOBI_E_TRAILING,
	       "end", 51);
	expect("a2656e6f6e63654101656e6f6e63654101", TOBI_E_MALFORMED, "claims", 9);
}

static void test_every_truncation_fails(void **state)
{
	struct tobi_bytes bytes = unhex(SESSION);
	struct claims_buffer claims;

	(void)state;
	for (size_t size = 0; size < bytes.size; size++) {
		enum tobi_err err = claims_buffer_parse(
		    (struct tobi_bytes){bytes.ptr, size}, &claims, NULL);

		assert_int_not_equal(err, TOBI_OK);
	}
}

static void test_trailing_byte_fails(void **state)
{
	struct claims_buffer claims;

	(void)state;
	assert_int_equal(claims_buffer_parse(unhex(SESSION "00"), &claims, NULL),
			 TOBI_E_TRAILING);
}

/* A flipped bit is refused or changes what is read: it is never unseen. */
static void test_bit_flips_are_seen(void **state)
{
	struct tobi_bytes bytes = unhex(SESSION);
	uint8_t original[256];

	(void)state;
	assert_true(bytes.size <= sizeof(original));
	bytes_copy(original, sizeof(original), bytes.ptr, bytes.size);
	for (size_t bit = 0; bit < bytes.size * 8; bit++) {
		struct tobi_bytes whole = {original, bytes.size};
		struct claims_buffer before, after;

		bytes_copy(space, sizeof(space), original, bytes.size);
		space[bit / 8] = (uint8_t)(space[bit / 8] ^ 1 << bit % 8);
		assert_int_equal(claims_buffer_parse(whole, &before, NULL), TOBI_OK);
		if (claims_buffer_parse(bytes, &after, NULL))
			continue;
		assert_false(bytes_equal(before.nonce, after.nonce) &&
			     bytes_equal(before.pubkey_hash, after.pubkey_hash) &&
			     bytes_equal(before.binding, after.binding));
	}
}

static void test_limit(void **state)
{
	struct claims_buffer claims;
	struct tobi_fault fault;

	(void)state;
	memset(space, 0, sizeof(space));
	assert_int_equal(
	    claims_buffer_parse((struct tobi_bytes){space, LIMIT_CLAIMS_BUFFER + 1},
				&claims, &fault),
	    TOBI_E_LIMIT);
	assert_int_not_equal(
	    claims_buffer_parse((struct tobi_bytes){space, LIMIT_CLAIMS_BUFFER}, &claims,
				&fault),
	    TOBI_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_session_is_the_check_value),
	    cmocka_unit_test(test_parse_gives_every_part),
	    cmocka_unit_test(test_without_nonce_or_binding),
	    cmocka_unit_test(test_other_claims_and_order),
	    cmocka_unit_test(test_other_hashes),
	    cmocka_unit_test(test_refusals_name_field_and_offset),
	    cmocka_unit_test(test_every_truncation_fails),
	    cmocka_unit_test(test_trailing_byte_fails),
	    cmocka_unit_test(test_bit_flips_are_seen),
	    cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
