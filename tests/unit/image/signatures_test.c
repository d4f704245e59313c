#include <openssl/x509.h>

#include "sample.h"

#include "codec/cbor.h"
#include "image/signatures.h"

static const struct tobi_bytes manifest = {(const uint8_t *)"the manifest", 12};

static struct writer sign(EVP_PKEY *key, struct tobi_bytes bytes)
{
	struct writer out = wr_init(LIMIT_SIGNATURES);

	assert_int_equal(signatures_write(NULL, 0, key, bytes, &out, NULL), TOBI_OK);
	return out;
}

static enum tobi_err parse(struct tobi_bytes bytes, size_t *ret_count,
			   struct tobi_fault *fault)
{
	struct signature list[LIMIT_SIGNERS];

	return signatures_parse(bytes, manifest, list, ret_count, fault);
}

/* Adds one by key to those in all. */
static enum tobi_err add(struct writer *all, EVP_PKEY *key, struct tobi_fault *fault)
{
	struct signature list[LIMIT_SIGNERS];
	struct writer out = wr_init(LIMIT_SIGNATURES);
	size_t count = 0;
	enum tobi_err err;

	assert_int_equal(signatures_parse(wr_view(all), manifest, list, &count, NULL),
			 TOBI_OK);
	err = signatures_write(list, count, key, manifest, &out, fault);
	if (err) {
		wr_done(&out);
		return err;
	}
	wr_done(all);
	*all = out;
	return TOBI_OK;
}

static void test_signatures_none__one_byte(void **state)
{
	struct writer out = sign(NULL, manifest);
	size_t count = 7;

	(void)state;
	assert_int_equal(out.size, 1);
	assert_int_equal(out.ptr[0], 0x80);
	assert_int_equal(parse(wr_view(&out), &count, NULL), TOBI_OK);
	assert_int_equal(count, 0);
	wr_done(&out);
}

static void test_signatures_of_every_kind__verify(void **state)
{
	static const enum key_kind kinds[] = {KEY_P256, KEY_P384, KEY_ED25519};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		EVP_PKEY *key = sample_key(kinds[i]);
		struct writer out = sign(key, manifest);
		struct signature list[LIMIT_SIGNERS];
		uint8_t id[SHA384_SIZE];
		size_t count = 0;

		assert_int_equal(
		    signatures_parse(wr_view(&out), manifest, list, &count, NULL),
		    TOBI_OK);
		assert_int_equal(count, 1);
		assert_int_equal(key_spki_sha384(key, id, NULL), TOBI_OK);
		assert_memory_equal(list[0].signer, id, SHA384_SIZE);
		wr_done(&out);
		EVP_PKEY_free(key);
	}
}

static void test_signatures_over_another_manifest__refused(void **state)
{
	EVP_PKEY *key = sample_key(KEY_P384);
	struct writer out = sign(key, text("another manifest"));
	struct tobi_fault fault = {0};
	size_t count = 7;

	(void)state;
	assert_int_equal(parse(wr_view(&out), &count, &fault), TOBI_E_SIGNATURE);
	assert_string_equal(fault.object, "signatures");
	assert_int_equal(count, 7);
	wr_done(&out);
	EVP_PKEY_free(key);
}

static void test_signatures_truncated_trailing_flipped__refused(void **state)
{
	static const enum key_kind kinds[] = {KEY_P256, KEY_ED25519};
	size_t count;

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		EVP_PKEY *key = sample_key(kinds[k]);
		struct writer out = sign(key, manifest);
		struct tobi_fault fault = {0};

		for (size_t size = 0; size < out.size; size++) {
			assert_int_not_equal(
			    parse((struct tobi_bytes){out.ptr, size}, &count, &fault),
			    TOBI_OK);
			assert_true(fault.has_offset && fault.field[0]);
		}
		for (size_t bit = 0; bit < out.size * 8; bit++) {
			out.ptr[bit / 8] = (uint8_t)(out.ptr[bit / 8] ^ 1 << bit % 8);
			assert_int_not_equal(parse(wr_view(&out), &count, NULL), TOBI_OK);
			out.ptr[bit / 8] = (uint8_t)(out.ptr[bit / 8] ^ 1 << bit % 8);
		}
		wr_u8(&out, 0);
		assert_int_equal(parse(wr_view(&out), &count, &fault), TOBI_E_TRAILING);
		wr_done(&out);
		EVP_PKEY_free(key);
	}
}

static void test_signatures_by_eight_keys__a_ninth_is_refused(void **state)
{
	struct writer all = sign(NULL, manifest);
	struct tobi_fault fault = {0};
	EVP_PKEY *first = NULL, *key;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < LIMIT_SIGNERS; i++) {
		key = sample_key(KEY_P256);
		assert_int_equal(add(&all, key, NULL), TOBI_OK);
		if (i)
			EVP_PKEY_free(key);
		else
			first = key;
	}
	assert_int_equal(parse(wr_view(&all), &count, NULL), TOBI_OK);
	assert_int_equal(count, LIMIT_SIGNERS);
	/* A second one by a key replaces its first, also when there is no room for more.
	 */
	assert_int_equal(add(&all, first, NULL), TOBI_OK);
	assert_int_equal(parse(wr_view(&all), &count, NULL), TOBI_OK);
	assert_int_equal(count, LIMIT_SIGNERS);
	key = sample_key(KEY_P256);
	assert_int_equal(add(&all, key, &fault), TOBI_E_LIMIT);
	assert_string_equal(fault.field, "count");
	EVP_PKEY_free(key);
	EVP_PKEY_free(first);
	wr_done(&all);
}

/* The list in the order given, without the writer's own order and limit. */
static struct writer raw(const struct signature *list, const size_t *order, size_t count)
{
	struct writer out = wr_init(1 << 20);

	cbor_write_array(&out, count);
	for (size_t i = 0; i < count; i++) {
		cbor_write_array(&out, 2);
		cbor_write_bytes(&out, list[order[i]].spki);
		cbor_write_bytes(&out, list[order[i]].cose);
	}
	return out;
}

static void test_signatures_order_twice_and_count__refused(void **state)
{
	static const size_t orders[][9] = {
	    {1, 0}, {0, 0}, {0, 1}, {0, 1, 0, 1, 0, 1, 0, 1, 0}};
	static const size_t sizes[] = {2, 2, 2, 9};
	static const enum tobi_err want[] = {TOBI_E_MALFORMED, TOBI_E_MALFORMED, TOBI_OK,
					     TOBI_E_LIMIT};
	struct writer all = sign(NULL, manifest);
	struct signature list[LIMIT_SIGNERS];
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		EVP_PKEY *key = sample_key(KEY_P256);

		assert_int_equal(add(&all, key, NULL), TOBI_OK);
		EVP_PKEY_free(key);
	}
	assert_int_equal(signatures_parse(wr_view(&all), manifest, list, &count, NULL),
			 TOBI_OK);
	for (size_t i = 0; i < 4; i++) {
		struct writer out = raw(list, orders[i], sizes[i]);
		struct tobi_fault fault = {0};

		assert_int_equal(parse(wr_view(&out), &count, &fault), want[i]);
		if (want[i])
			assert_string_equal(fault.field, i == 3 ? "count" : "entry");
		wr_done(&out);
	}
	wr_done(&all);
}

/* Signed well, but not as section 1.2 says. */
static void refuse_form(const char *content_type, bool detached, bool chain,
			enum tobi_err err, const char *field)
{
	const struct tobi_bytes certificate = text("not looked at");
	const struct cose_headers headers = {content_type, chain ? &certificate : NULL,
					     chain};
	struct writer cose = wr_init(4096), spki = wr_init(512), out;
	EVP_PKEY *key = sample_key(KEY_P384);
	struct tobi_fault fault = {0};
	struct signature one;
	struct cose_signer signer;
	size_t count, order = 0;

	assert_int_equal(cose_signer_for_key(key, &signer, NULL), TOBI_OK);
	assert_int_equal(cose_write(&cose, &signer, &headers, manifest, detached, NULL),
			 TOBI_OK);
	assert_int_equal(key_spki(key, &spki, NULL), TOBI_OK);
	one = (struct signature){wr_view(&spki), wr_view(&cose), {0}};
	out = raw(&one, &order, 1);
	assert_int_equal(parse(wr_view(&out), &count, &fault), err);
	if (err)
		assert_string_equal(fault.field, field);
	wr_done(&cose);
	wr_done(&spki);
	wr_done(&out);
	EVP_PKEY_free(key);
}

static void test_signatures_of_another_form__refused(void **state)
{
	static const char type[] = "application/vnd.tobichi.manifest+cbor";

	(void)state;
	refuse_form(type, true, false, TOBI_OK, "");
	refuse_form(NULL, true, false, TOBI_E_MALFORMED, "content-type");
	refuse_form("text/plain", true, false, TOBI_E_MALFORMED, "content-type");
	refuse_form(type, false, false, TOBI_E_MALFORMED, "payload");
	refuse_form(type, true, true, TOBI_E_MALFORMED, "unprotected");
}

/* The key in the entry is the one that signs. */
static void test_signatures_under_another_key__refused(void **state)
{
	EVP_PKEY *one = sample_key(KEY_P384), *two = sample_key(KEY_P384);
	struct writer bytes = sign(one, manifest), spki = wr_init(512), out;
	struct signature list[LIMIT_SIGNERS];
	size_t count = 0, order = 0;

	(void)state;
	assert_int_equal(signatures_parse(wr_view(&bytes), manifest, list, &count, NULL),
			 TOBI_OK);
	assert_int_equal(key_spki(two, &spki, NULL), TOBI_OK);
	list[0].spki = wr_view(&spki);
	out = raw(list, &order, 1);
	assert_int_equal(parse(wr_view(&out), &count, NULL), TOBI_E_SIGNATURE);
	wr_done(&bytes);
	wr_done(&spki);
	wr_done(&out);
	EVP_PKEY_free(one);
	EVP_PKEY_free(two);
}

/* As OpenSSL writes it, with the point in the form that the key was given. */
static void other_spki(EVP_PKEY *key, struct writer *out)
{
	unsigned char *der = NULL;
	int size = i2d_PUBKEY(key, &der);

	assert_true(size > 0);
	wr_bytes(out, der, (size_t)size);
	OPENSSL_free(der);
}

/* The same key in another encoding would be another signer id. */
static void test_signatures_by_a_key_in_another_encoding__refused(void **state)
{
	static const char *const forms[] = {"compressed", "hybrid"};
	size_t count = 0, order = 0;

	(void)state;
	for (size_t form = 0; form < 3; form++) {
		EVP_PKEY *key = sample_key(KEY_P256);
		struct writer bytes = sign(key, manifest), spki = wr_init(512), out;
		struct signature list[LIMIT_SIGNERS];
		struct tobi_fault fault = {0};

		assert_int_equal(
		    signatures_parse(wr_view(&bytes), manifest, list, &count, NULL),
		    TOBI_OK);
		if (form < 2)
			assert_int_equal(EVP_PKEY_set_utf8_string_param(
					     key, "point-format", forms[form]),
					 1);
		other_spki(key, &spki);
		/* A last bit that is said to be unused, where it is zero anyway. */
		if (form == 2 && spki.ptr[spki.size - 1] & 1) {
			form--; /* with another key */
		} else {
			if (form == 2)
				spki.ptr[25] = 1;
			list[0].spki = wr_view(&spki);
			out = raw(list, &order, 1);
			assert_int_equal(parse(wr_view(&out), &count, &fault),
					 TOBI_E_MALFORMED);
			assert_string_equal(fault.field, "key");
			wr_done(&out);
		}
		wr_done(&bytes);
		wr_done(&spki);
		EVP_PKEY_free(key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_signatures_none__one_byte),
	    cmocka_unit_test(test_signatures_of_every_kind__verify),
	    cmocka_unit_test(test_signatures_over_another_manifest__refused),
	    cmocka_unit_test(test_signatures_truncated_trailing_flipped__refused),
	    cmocka_unit_test(test_signatures_by_eight_keys__a_ninth_is_refused),
	    cmocka_unit_test(test_signatures_order_twice_and_count__refused),
	    cmocka_unit_test(test_signatures_of_another_form__refused),
	    cmocka_unit_test(test_signatures_under_another_key__refused),
	    cmocka_unit_test(test_signatures_by_a_key_in_another_encoding__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
