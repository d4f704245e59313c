/* AES-256-GCM against a vector of its designers, and the bounds around it. */
#include "broker/keyring_aead.h"
#include "tests/bytes.h"

/* McGrew and Viega, The Galois/Counter Mode of Operation, test case 14: nonce of zeros,
 * sixteen zeros. */
static void test_aead_open__known_vector__opens(void **state)
{
	static const uint8_t key[AEAD_KEY];
	struct block sealed =
	    block_unhex("000000000000000000000000cea7403d4d606b6e074ec5d3baf39d18"
			"d0d1c8a799996bf0265b98b5d48ab919");
	uint8_t plain[16] = {1}, zeros[16] = {0};

	(void)state;
	assert_int_equal(
	    aead_open(key, (struct tobi_bytes){0}, block_view(sealed), plain, NULL),
	    TOBI_OK);
	assert_memory_equal(plain, zeros, sizeof(plain));
	sealed.ptr[43] ^= 1;
	plain[0] = 1;
	assert_int_equal(
	    aead_open(key, (struct tobi_bytes){0}, block_view(sealed), plain, NULL),
	    TOBI_E_SIGNATURE);
	/* Nothing that did not verify is left. */
	assert_memory_equal(plain, zeros, sizeof(plain));
	block_done(sealed);
}

static void test_aead_open__too_short__truncated(void **state)
{
	static const uint8_t key[AEAD_KEY];
	struct block sealed = block_unhex("00000000000000000000000000000000000000"
					  "0000000000000000");

	(void)state;
	assert_int_equal(sealed.size, AEAD_MORE - 1);
	assert_int_equal(
	    aead_open(key, (struct tobi_bytes){0}, block_view(sealed), NULL, NULL),
	    TOBI_E_TRUNCATED);
	block_done(sealed);
}

static void test_aead_seal__no_room__limit(void **state)
{
	static const uint8_t key[AEAD_KEY];
	struct writer out = wr_init(4 + AEAD_MORE);

	(void)state;
	assert_int_equal(aead_seal(key, text_bytes("b"), text_bytes("12345"), &out, NULL),
			 TOBI_E_LIMIT);
	wr_done(&out);
	out = wr_init(5 + AEAD_MORE);
	assert_int_equal(aead_seal(key, text_bytes("b"), text_bytes("12345"), &out, NULL),
			 TOBI_OK);
	wr_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_aead_open__known_vector__opens),
	    cmocka_unit_test(test_aead_open__too_short__truncated),
	    cmocka_unit_test(test_aead_seal__no_room__limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
