#include "seal/object.h"

#include "tests/bytes.h"

static const uint8_t key[SEAL_KEY_SIZE] = {1, 2, 3};

static struct seal_header sample(enum tobi_seal_to to, size_t size)
{
	struct seal_header header = {.to = to, .size = size};

	if (to == TOBI_SEAL_TO_SIGNER) {
		header.product = 0x0102;
		header.svn = 0x0304;
	}
	memset(header.id, 0xaa, sizeof(header.id));
	memset(header.salt, 0x55, sizeof(header.salt));
	return header;
}

/* The whole object; in parts, so that these make no difference. */
static struct block seal_with(const struct seal_header *header, const uint8_t *with,
			      struct tobi_bytes content, struct tobi_bytes associated)
{
	struct block object = {calloc(1, content.size + TOBI_SEAL_OVERHEAD),
			       content.size + TOBI_SEAL_OVERHEAD};
	CLEANUP(seal_pass_freep) struct seal_pass *pass = NULL;
	uint8_t *out = object.ptr + SEAL_HEADER_SIZE;
	size_t half = content.size / 2;

	seal_header_write(header, object.ptr);
	assert_int_equal(seal_pass_new(false, with, object.ptr, associated, &pass, NULL),
			 TOBI_OK);
	assert_int_equal(
	    seal_pass_update(pass, (struct tobi_bytes){content.ptr, half}, out, NULL),
	    TOBI_OK);
	assert_int_equal(
	    seal_pass_update(pass,
			     (struct tobi_bytes){content.ptr + half, content.size - half},
			     out + half, NULL),
	    TOBI_OK);
	assert_int_equal(seal_pass_tag(pass, out + content.size, NULL), TOBI_OK);
	return object;
}

static enum tobi_err open_with(const uint8_t *with, struct tobi_bytes object,
			       struct tobi_bytes associated, uint8_t *out)
{
	CLEANUP(seal_pass_freep) struct seal_pass *pass = NULL;
	struct seal_header header;
	enum tobi_err err = seal_header_parse(object, object.size, &header, NULL);

	if (err)
		return err;
	assert_int_equal(seal_pass_new(true, with, object.ptr, associated, &pass, NULL),
			 TOBI_OK);
	assert_int_equal(
	    seal_pass_update(
		pass,
		(struct tobi_bytes){object.ptr + SEAL_HEADER_SIZE, (size_t)header.size},
		out, NULL),
	    TOBI_OK);
	return seal_pass_check(pass, object.ptr + object.size - SEAL_TAG_SIZE, NULL);
}

static void test_seal_header__written__is_byte_for_byte(void **state)
{
	struct seal_header header = sample(TOBI_SEAL_TO_SIGNER, 0x123456);
	uint8_t out[SEAL_HEADER_SIZE];
	static const char start[] = "544f42495345414c" /* TOBISEAL */
				    "0001"	       /* version */
				    "01"	       /* to the signer */
				    "01"	       /* of a debug image */
				    "01020304";	       /* product, svn */
	struct block expected = block_unhex(start);

	(void)state;
	header.debug = true;
	seal_header_write(&header, out);
	assert_memory_equal(out, expected.ptr, 16);
	assert_memory_equal(out + 16, header.id, 48);
	assert_memory_equal(out + 64, header.salt, 32);
	assert_bytes_equal(((struct tobi_bytes){out + 96, 8}),
			   BYTES(0, 0, 0, 0, 0, 0x12, 0x34, 0x56));
	block_done(expected);
}

static void test_seal_header__parsed__is_what_was_written(void **state)
{
	struct seal_header header = sample(TOBI_SEAL_TO_SIGNER, 77), read;
	uint8_t out[SEAL_HEADER_SIZE];

	(void)state;
	seal_header_write(&header, out);
	assert_int_equal(seal_header_parse((struct tobi_bytes){out, sizeof(out)},
					   77 + TOBI_SEAL_OVERHEAD, &read, NULL),
			 TOBI_OK);
	assert_int_equal(read.to, TOBI_SEAL_TO_SIGNER);
	assert_false(read.debug);
	assert_int_equal(read.product, 0x0102);
	assert_int_equal(read.svn, 0x0304);
	assert_int_equal(read.size, 77);
	assert_memory_equal(read.id, header.id, sizeof(read.id));
	assert_memory_equal(read.salt, header.salt, sizeof(read.salt));
}

static void test_seal_pass__round_trip__gives_the_content(void **state)
{
	static const size_t sizes[] = {0, 1, 15, 16, 17, 4096, 100001};
	struct tobi_bytes associated = text_bytes("state of account 7");

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct seal_header header = sample(TOBI_SEAL_TO_IMAGE, sizes[i]);
		uint8_t *content = calloc(1, sizes[i] + 1);
		uint8_t *out = calloc(1, sizes[i] + 1);
		struct block object;

		memset(content, 'c', sizes[i]);
		object = seal_with(&header, key, (struct tobi_bytes){content, sizes[i]},
				   associated);
		assert_int_equal(open_with(key, block_view(object), associated, out),
				 TOBI_OK);
		assert_memory_equal(out, content, sizes[i] + 1);
		block_done(object);
		free(content);
		free(out);
	}
}

/* AES-256-GCM by OpenSSL's other door, HKDF by RFC 5869 with HMAC: the format is what the
 * document says, not only what this code reads back. */
static void test_seal_pass__by_hand__is_the_same(void **state)
{
	struct seal_header header = sample(TOBI_SEAL_TO_IMAGE, 5);
	struct block object =
	    seal_with(&header, key, text_bytes("hello"), text_bytes("aad"));
	static const uint8_t nonce[12];
	uint8_t own[32], info[21 + 32], out[16], tag[16];
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	int size;

	(void)state;
	memcpy(info, "tobichi-seal/1 object", 21);
	memset(info + 21, 0x55, 32);
	assert_int_equal(hkdf_sha256((struct tobi_bytes){key, sizeof(key)},
				     (struct tobi_bytes){info, sizeof(info)}, own, 32),
			 TOBI_OK);
	assert_int_equal(EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, own, nonce),
			 1);
	assert_int_equal(
	    EVP_EncryptUpdate(cipher, NULL, &size, object.ptr, SEAL_HEADER_SIZE), 1);
	assert_int_equal(
	    EVP_EncryptUpdate(cipher, NULL, &size, (const uint8_t *)"aad", 3), 1);
	assert_int_equal(
	    EVP_EncryptUpdate(cipher, out, &size, (const uint8_t *)"hello", 5), 1);
	assert_int_equal(EVP_EncryptFinal_ex(cipher, tag, &size), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, 16, tag), 1);
	EVP_CIPHER_CTX_free(cipher);
	assert_memory_equal(object.ptr + SEAL_HEADER_SIZE, out, 5);
	assert_memory_equal(object.ptr + SEAL_HEADER_SIZE + 5, tag, 16);
	block_done(object);
}

static void test_seal_header__truncated_at_every_byte__fails(void **state)
{
	struct seal_header header = sample(TOBI_SEAL_TO_SIGNER, 9), read;
	struct block object =
	    seal_with(&header, key, text_bytes("truncated"), (struct tobi_bytes){0});

	(void)state;
	for (size_t size = 0; size < object.size; size++) {
		struct block cut = block_new((struct tobi_bytes){object.ptr, size});

		assert_int_equal(seal_header_parse(block_view(cut), size, &read, NULL),
				 TOBI_E_TRUNCATED);
		block_done(cut);
	}
	assert_int_equal(seal_header_parse(block_view(object), object.size, &read, NULL),
			 TOBI_OK);
	assert_int_equal(
	    seal_header_parse(block_view(object), object.size + 1, &read, NULL),
	    TOBI_E_TRAILING);
	block_done(object);
}

/* Whatever one changes: the header is not accepted, or the tag is not. */
static void test_seal_pass__each_bit_changed__fails(void **state)
{
	struct tobi_bytes associated = text_bytes("a");
	struct seal_header header = sample(TOBI_SEAL_TO_SIGNER, 3);
	struct block object = seal_with(&header, key, text_bytes("abc"), associated);
	uint8_t out[3];

	(void)state;
	for (size_t bit = 0; bit < 8 * object.size; bit++) {
		object.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(open_with(key, block_view(object), associated, out),
				     TOBI_OK);
		object.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(open_with(key, block_view(object), associated, out), TOBI_OK);
	block_done(object);
}

static enum tobi_err parse_changed(size_t at, uint8_t value)
{
	struct seal_header header = sample(TOBI_SEAL_TO_IMAGE, 0), read;
	uint8_t out[SEAL_HEADER_SIZE];

	seal_header_write(&header, out);
	out[at] = value;
	return seal_header_parse((struct tobi_bytes){out, sizeof(out)},
				 TOBI_SEAL_OVERHEAD, &read, NULL);
}

static void test_seal_header__each_field_wrong__says_which(void **state)
{
	(void)state;
	assert_int_equal(parse_changed(0, 'T'), TOBI_OK);
	assert_int_equal(parse_changed(0, 't'), TOBI_E_MALFORMED);
	assert_int_equal(parse_changed(9, 2), TOBI_E_UNSUPPORTED);  /* version */
	assert_int_equal(parse_changed(10, 2), TOBI_E_UNSUPPORTED); /* policy */
	assert_int_equal(parse_changed(11, 2), TOBI_E_UNSUPPORTED); /* flags */
	assert_int_equal(parse_changed(13, 1), TOBI_E_MALFORMED);   /* product */
	assert_int_equal(parse_changed(15, 1), TOBI_E_MALFORMED);   /* svn */
}

static void test_seal_header__size_at_its_limit__is_accepted_and_above_not(void **state)
{
	struct seal_header header = sample(TOBI_SEAL_TO_IMAGE, TOBI_SEAL_CONTENT_MAX);
	struct seal_header read;
	uint8_t out[SEAL_HEADER_SIZE];
	struct tobi_bytes view = {out, sizeof(out)};

	(void)state;
	seal_header_write(&header, out);
	assert_int_equal(seal_header_parse(view, SEAL_OBJECT_MAX, &read, NULL), TOBI_OK);
	header.size++;
	seal_header_write(&header, out);
	assert_int_equal(seal_header_parse(view, SEAL_OBJECT_MAX + 1, &read, NULL),
			 TOBI_E_LIMIT);
	/* A sum that wraps around. */
	header.size = UINT64_MAX - 100;
	seal_header_write(&header, out);
	assert_int_equal(seal_header_parse(view, 19, &read, NULL), TOBI_E_LIMIT);
}

static void test_seal_pass__other_key_or_associated_data__fails(void **state)
{
	struct seal_header header = sample(TOBI_SEAL_TO_IMAGE, 4);
	struct block object =
	    seal_with(&header, key, text_bytes("abcd"), text_bytes("mine"));
	uint8_t other[SEAL_KEY_SIZE] = {1, 2, 4}, out[4];

	(void)state;
	assert_int_equal(open_with(key, block_view(object), text_bytes("mine"), out),
			 TOBI_OK);
	assert_int_equal(open_with(other, block_view(object), text_bytes("mine"), out),
			 TOBI_E_MISMATCH);
	assert_int_equal(open_with(key, block_view(object), text_bytes("min"), out),
			 TOBI_E_MISMATCH);
	assert_int_equal(open_with(key, block_view(object), text_bytes("minee"), out),
			 TOBI_E_MISMATCH);
	assert_int_equal(open_with(key, block_view(object), (struct tobi_bytes){0}, out),
			 TOBI_E_MISMATCH);
	block_done(object);
}

static void test_seal_pass__other_salt__is_another_key(void **state)
{
	struct seal_header one = sample(TOBI_SEAL_TO_IMAGE, 32), two = one;
	static const uint8_t zeros[32];
	struct tobi_bytes content = {zeros, sizeof(zeros)};
	struct block a, b;

	(void)state;
	two.salt[31] ^= 1;
	a = seal_with(&one, key, content, (struct tobi_bytes){0});
	b = seal_with(&two, key, content, (struct tobi_bytes){0});
	/* Of zeros the ciphertext is the key stream. */
	assert_memory_not_equal(a.ptr + SEAL_HEADER_SIZE, b.ptr + SEAL_HEADER_SIZE, 32);
	block_done(a);
	block_done(b);
}

static void test_seal_pass__associated_data_over_the_limit__fails(void **state)
{
	struct seal_header header = sample(TOBI_SEAL_TO_IMAGE, 0);
	struct seal_pass *pass = NULL;
	uint8_t out[SEAL_HEADER_SIZE];
	uint8_t *associated = calloc(1, TOBI_SEAL_ASSOCIATED_MAX + 1);

	(void)state;
	seal_header_write(&header, out);
	assert_int_equal(
	    seal_pass_new(true, key, out,
			  (struct tobi_bytes){associated, TOBI_SEAL_ASSOCIATED_MAX + 1},
			  &pass, NULL),
	    TOBI_E_LIMIT);
	assert_null(pass);
	assert_int_equal(
	    seal_pass_new(true, key, out,
			  (struct tobi_bytes){associated, TOBI_SEAL_ASSOCIATED_MAX},
			  &pass, NULL),
	    TOBI_OK);
	seal_pass_free(pass);
	free(associated);
}

static void test_seal_pass__wrong_end__fails(void **state)
{
	struct seal_header header = sample(TOBI_SEAL_TO_IMAGE, 0);
	uint8_t out[SEAL_HEADER_SIZE], tag[SEAL_TAG_SIZE];
	struct seal_pass *pass = NULL;

	(void)state;
	seal_header_write(&header, out);
	for (int opens = 0; opens < 2; opens++) {
		assert_int_equal(
		    seal_pass_new(opens, key, out, (struct tobi_bytes){0}, &pass, NULL),
		    TOBI_OK);
		assert_int_equal(opens ? seal_pass_tag(pass, tag, NULL)
				       : seal_pass_check(pass, tag, NULL),
				 TOBI_E_ARGUMENT);
		seal_pass_free(pass);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_seal_header__written__is_byte_for_byte),
	    cmocka_unit_test(test_seal_header__parsed__is_what_was_written),
	    cmocka_unit_test(test_seal_pass__round_trip__gives_the_content),
	    cmocka_unit_test(test_seal_pass__by_hand__is_the_same),
	    cmocka_unit_test(test_seal_header__truncated_at_every_byte__fails),
	    cmocka_unit_test(test_seal_pass__each_bit_changed__fails),
	    cmocka_unit_test(test_seal_header__each_field_wrong__says_which),
	    cmocka_unit_test(
		test_seal_header__size_at_its_limit__is_accepted_and_above_not),
	    cmocka_unit_test(test_seal_pass__other_key_or_associated_data__fails),
	    cmocka_unit_test(test_seal_pass__other_salt__is_another_key),
	    cmocka_unit_test(test_seal_pass__associated_data_over_the_limit__fails),
	    cmocka_unit_test(test_seal_pass__wrong_end__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
