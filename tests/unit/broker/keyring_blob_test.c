/* Sealed secrets: written, cut at each byte, and changed. */
#include "broker/keyring_blob.h"
#include "tests/bytes.h"

static const uint8_t key[AEAD_KEY] = {1, 2, 3}, other_key[AEAD_KEY] = {1, 2, 4};

static struct writer sealed_with(uint64_t generation)
{
	struct writer out = wr_init(4096);

	assert_int_equal(keyring_blob_seal(generation, key, text_bytes("context"),
					   text_bytes("plain"), &out, NULL),
			 TOBI_OK);
	return out;
}

static void test_keyring_blob_parse__written__has_its_parts(void **state)
{
	struct writer out = sealed_with(0x0102030405060708);
	struct keyring_blob blob;
	struct secret plain = {0};

	(void)state;
	assert_int_equal(out.size, BLOB_MORE + 5);
	assert_int_equal(out.ptr[0], 1);
	assert_int_equal(keyring_blob_parse(wr_view(&out), &blob, NULL), TOBI_OK);
	assert_true(blob.generation == 0x0102030405060708);
	assert_int_equal(blob.header.size, 9);
	assert_int_equal(blob.wrapped.size, 60);
	assert_int_equal(blob.body.size, 5 + 28);
	assert_int_equal(
	    keyring_blob_open(&blob, key, text_bytes("context"), &plain, NULL), TOBI_OK);
	assert_bytes_equal(secret_view(&plain), text_bytes("plain"));
	secret_done(&plain);
	assert_int_equal(
	    keyring_blob_open(&blob, other_key, text_bytes("context"), &plain, NULL),
	    TOBI_E_SIGNATURE);
	wr_done(&out);
}

static void test_keyring_blob_parse__each_cut__refused(void **state)
{
	struct writer out = sealed_with(1);

	(void)state;
	for (size_t i = 0; i < out.size; i++) {
		struct block block = block_new((struct tobi_bytes){out.ptr, i});
		struct keyring_blob blob;
		struct secret plain = {0};
		enum tobi_err err = keyring_blob_parse(block_view(block), &blob, NULL);

		if (i < BLOB_MORE)
			assert_int_equal(err, TOBI_E_TRUNCATED);
		else
			assert_int_equal(keyring_blob_open(&blob, key,
							   text_bytes("context"), &plain,
							   NULL),
					 TOBI_E_SIGNATURE);
		block_done(block);
	}
	wr_done(&out);
}

static void test_keyring_blob_open__a_byte_more__signature(void **state)
{
	struct writer out = sealed_with(1);
	struct keyring_blob blob;
	struct secret plain = {0};

	(void)state;
	wr_u8(&out, 0);
	assert_int_equal(keyring_blob_parse(wr_view(&out), &blob, NULL), TOBI_OK);
	assert_int_equal(
	    keyring_blob_open(&blob, key, text_bytes("context"), &plain, NULL),
	    TOBI_E_SIGNATURE);
	wr_done(&out);
}

static void test_keyring_blob_parse__odd_header__refused(void **state)
{
	struct writer out = sealed_with(1);
	struct keyring_blob blob;

	(void)state;
	out.ptr[0] = 2;
	assert_int_equal(keyring_blob_parse(wr_view(&out), &blob, NULL),
			 TOBI_E_UNSUPPORTED);
	out.ptr[0] = 1;
	out.ptr[8] = 0; /* generation 0 seals nothing */
	assert_int_equal(keyring_blob_parse(wr_view(&out), &blob, NULL),
			 TOBI_E_MALFORMED);
	out.ptr[1] = 0x80; /* more than a database can number */
	assert_int_equal(keyring_blob_parse(wr_view(&out), &blob, NULL),
			 TOBI_E_MALFORMED);
	wr_done(&out);
}

/* The two parts of one blob do not make another with the parts of a second. */
static void test_keyring_blob_open__parts_of_two__signature(void **state)
{
	struct writer one = sealed_with(1), two = sealed_with(1);
	struct keyring_blob blob, second;
	struct secret plain = {0};

	(void)state;
	assert_int_equal(keyring_blob_parse(wr_view(&one), &blob, NULL), TOBI_OK);
	assert_int_equal(keyring_blob_parse(wr_view(&two), &second, NULL), TOBI_OK);
	blob.body = second.body;
	assert_int_equal(
	    keyring_blob_open(&blob, key, text_bytes("context"), &plain, NULL),
	    TOBI_E_SIGNATURE);
	wr_done(&one);
	wr_done(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keyring_blob_parse__written__has_its_parts),
	    cmocka_unit_test(test_keyring_blob_parse__each_cut__refused),
	    cmocka_unit_test(test_keyring_blob_open__a_byte_more__signature),
	    cmocka_unit_test(test_keyring_blob_parse__odd_header__refused),
	    cmocka_unit_test(test_keyring_blob_open__parts_of_two__signature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
