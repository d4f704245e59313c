#include "codec/cbor.h"
#include "codec/cose.h"
#include "log/head.h"
#include "tests/bytes.h"

#define TYPE "application/tobichi-log-head"

static EVP_PKEY *key, *stranger;
static uint8_t id[SHA384_SIZE];

static struct log_head plain_head(void)
{
	return (struct log_head){.name = text_bytes("https://kbs.example/log"),
				 .size = 42,
				 .root = {{1, 2, 3}},
				 .time = 1795000000};
}

static struct writer sign(const struct log_head *head, EVP_PKEY *with)
{
	struct writer out = wr_init(LOG_HEAD_MAX);

	assert_int_equal(log_head_sign(head, with, &out, NULL), 0);
	return out;
}

static void test_log_head_read__what_was_signed__the_same(void **state)
{
	const enum key_kind kinds[] = {KEY_P256, KEY_P384, KEY_ED25519};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct log_head head = plain_head(), again;
		EVP_PKEY *own = NULL;
		uint8_t hash[SHA384_SIZE];
		struct writer out;

		assert_int_equal(key_new(kinds[i], &own, NULL), 0);
		assert_int_equal(key_spki_sha384(own, hash, NULL), 0);
		out = sign(&head, own);
		assert_int_equal(log_head_read(wr_view(&out), hash, &again, NULL), 0);
		assert_bytes_equal(again.name, head.name);
		assert_int_equal(again.size, head.size);
		assert_int_equal(again.time, head.time);
		assert_true(log_hash_equal(&again.root, &head.root));
		assert_memory_equal(again.key, hash, SHA384_SIZE);
		again = (struct log_head){0};
		assert_int_equal(
		    log_head_read_own(wr_view(&out), own, hash, &again, NULL), 0);
		assert_bytes_equal(again.name, head.name);
		assert_true(log_hash_equal(&again.root, &head.root));
		assert_memory_equal(again.key, hash, SHA384_SIZE);
		wr_done(&out);
		EVP_PKEY_free(own);
	}
}

static void test_log_head_read__another_key__signature(void **state)
{
	struct log_head head = plain_head(), again = {.size = 77};
	struct writer out = sign(&head, stranger);

	(void)state;
	assert_int_equal(log_head_read(wr_view(&out), id, &again, NULL),
			 TOBI_E_SIGNATURE);
	assert_int_equal(again.size, 77);
	assert_int_equal(log_head_read_own(wr_view(&out), key, id, &again, NULL),
			 TOBI_E_SIGNATURE);
	assert_int_equal(again.size, 77);
	/* Whoever knows no key gets to know whose it is. */
	assert_int_equal(log_head_read(wr_view(&out), NULL, &again, NULL), 0);
	assert_memory_not_equal(again.key, id, SHA384_SIZE);
	wr_done(&out);
}

/* Signed by a stranger, and the log's key in it. */
static void
test_log_head_read__key_of_the_log_but_not_its_signature__refused(void **state)
{
	struct log_head head = plain_head(), again;
	struct writer good = sign(&head, key), forged = wr_init(LOG_HEAD_MAX);
	const struct cose_headers headers = {.content_type = TYPE};
	struct cose_sign1 sign1;
	struct cose_signer signer;

	(void)state;
	assert_int_equal(
	    cose_parse(wr_view(&good), true, COSE_TAGGED, "head", &sign1, NULL), 0);
	assert_int_equal(cose_signer_for_key(stranger, &signer, NULL), 0);
	assert_int_equal(
	    cose_write(&forged, &signer, &headers, sign1.payload, false, NULL), 0);
	assert_int_equal(log_head_read(wr_view(&forged), id, &again, NULL),
			 TOBI_E_SIGNATURE);
	assert_int_equal(log_head_read(wr_view(&forged), NULL, &again, NULL),
			 TOBI_E_SIGNATURE);
	assert_int_equal(log_head_read_own(wr_view(&forged), key, id, &again, NULL),
			 TOBI_E_SIGNATURE);
	/* Nor is a stranger's key with the log's id the log's. */
	assert_int_equal(log_head_read_own(wr_view(&good), stranger, id, &again, NULL),
			 TOBI_E_SIGNATURE);
	wr_done(&good);
	wr_done(&forged);
}

static void test_log_head_read__each_byte_changed__refused(void **state)
{
	struct log_head head = plain_head(), again;
	struct writer out = sign(&head, key);

	(void)state;
	for (size_t i = 0; i < out.size; i++) {
		struct block block = block_new(wr_view(&out));

		block.ptr[i] ^= 1;
		assert_int_not_equal(log_head_read(block_view(block), id, &again, NULL),
				     0);
		assert_int_not_equal(
		    log_head_read_own(block_view(block), key, id, &again, NULL), 0);
		block_done(block);
	}
	wr_done(&out);
}

static void test_log_head_read__cut_or_longer__refused(void **state)
{
	struct log_head head = plain_head(), again;
	struct writer out = sign(&head, key);

	(void)state;
	for (size_t size = 0; size < out.size; size++) {
		struct block block = block_new((struct tobi_bytes){out.ptr, size});

		assert_int_equal(log_head_read(block_view(block), id, &again, NULL),
				 TOBI_E_TRUNCATED);
		block_done(block);
	}
	wr_u8(&out, 0);
	assert_int_equal(log_head_read(wr_view(&out), id, &again, NULL), TOBI_E_TRAILING);
	wr_done(&out);
}

static void test_log_head_read__over_the_limit__limit(void **state)
{
	uint8_t bytes[LOG_HEAD_MAX + 1] = {0xd2};
	struct log_head again;

	(void)state;
	assert_int_equal(
	    log_head_read((struct tobi_bytes){bytes, sizeof(bytes)}, id, &again, NULL),
	    TOBI_E_LIMIT);
	assert_int_equal(
	    log_head_read((struct tobi_bytes){bytes, LOG_HEAD_MAX}, id, &again, NULL),
	    TOBI_E_MALFORMED);
}

/* What the log's own key has signed, and is no head. */
static void signed_refused(const char *type, struct tobi_bytes payload, bool detached,
			   enum tobi_err err)
{
	const struct cose_headers headers = {.content_type = type};
	struct writer out = wr_init(4096);
	struct cose_signer signer;
	struct log_head again;

	assert_int_equal(cose_signer_for_key(key, &signer, NULL), 0);
	assert_int_equal(cose_write(&out, &signer, &headers, payload, detached, NULL), 0);
	assert_int_equal(log_head_read(wr_view(&out), id, &again, NULL), err);
	wr_done(&out);
}

static void test_log_head_read__signed_but_no_head__refused(void **state)
{
	struct log_head head = plain_head();
	struct writer good = sign(&head, key);
	struct cose_sign1 sign1;

	(void)state;
	assert_int_equal(
	    cose_parse(wr_view(&good), true, COSE_TAGGED, "head", &sign1, NULL), 0);
	signed_refused(TYPE, sign1.payload, false, TOBI_OK);
	signed_refused(NULL, sign1.payload, false, TOBI_E_MALFORMED);
	signed_refused("application/eat+cwt", sign1.payload, false, TOBI_E_MALFORMED);
	signed_refused(TYPE, sign1.payload, true, TOBI_E_MALFORMED);
	for (size_t size = 0; size < sign1.payload.size; size++)
		signed_refused(TYPE, (struct tobi_bytes){sign1.payload.ptr, size}, false,
			       TOBI_E_TRUNCATED);
	signed_refused(TYPE, BYTES(0xa0), false, TOBI_E_MALFORMED);
	signed_refused(TYPE, BYTES(0xa1, 0, 1), false, TOBI_E_MALFORMED);
	wr_done(&good);
}

/* A head with one field written otherwise. */
static void field_refused(int field, enum tobi_err err)
{
	struct writer payload = wr_init(512), spki = wr_init(128);
	char name[LOG_NAME_MAX + 2] = "log";

	if (field == 2)
		name[0] = 0;
	for (size_t i = 0; field == 3 && i <= LOG_NAME_MAX; i++)
		name[i] = 'x';
	if (field == 4)
		name[1] = '\n';
	assert_int_equal(key_spki(key, &spki, NULL), 0);
	cbor_write_map(&payload, field == 9 ? 7 : 6);
	cbor_write_uint(&payload, 0);
	cbor_write_uint(&payload, field == 1 ? 2 : 1);
	cbor_write_uint(&payload, 1);
	cbor_write_text(&payload, name);
	cbor_write_uint(&payload, 2);
	cbor_write_uint(&payload, field == 5 ? LOG_SIZE_MAX + 1 : LOG_SIZE_MAX);
	cbor_write_uint(&payload, 3);
	cbor_write_bytes(&payload, (struct tobi_bytes){spki.ptr, field == 6 ? 31 : 32});
	cbor_write_uint(&payload, 4);
	cbor_write_uint(&payload, field == 7 ? UINT64_C(1) << 63 : INT64_MAX);
	cbor_write_uint(&payload, 5);
	cbor_write_bytes(&payload,
			 (struct tobi_bytes){spki.ptr, field == 8 ? 40 : spki.size});
	if (field == 9) {
		cbor_write_uint(&payload, 6);
		cbor_write_uint(&payload, 0);
	}
	assert_int_equal(wr_err(&payload), 0);
	signed_refused(TYPE, wr_view(&payload), false, err);
	wr_done(&payload);
	wr_done(&spki);
}

static void test_log_head_read__wrong_field__refused(void **state)
{
	(void)state;
	field_refused(0, TOBI_OK);
	field_refused(1, TOBI_E_UNSUPPORTED);
	field_refused(2, TOBI_E_MALFORMED);
	field_refused(3, TOBI_E_LIMIT);
	field_refused(4, TOBI_E_MALFORMED);
	field_refused(5, TOBI_E_LIMIT);
	field_refused(6, TOBI_E_MALFORMED);
	field_refused(7, TOBI_E_LIMIT);
	field_refused(8, TOBI_E_MALFORMED);
	field_refused(9, TOBI_E_LIMIT);
}

static void test_log_head_sign__what_no_log_has__argument(void **state)
{
	struct log_head head = plain_head();
	struct writer out = wr_init(LOG_HEAD_MAX);
	char name[LOG_NAME_MAX + 2] = "";

	(void)state;
	head.name = (struct tobi_bytes){0};
	assert_int_equal(log_head_sign(&head, key, &out, NULL), TOBI_E_ARGUMENT);
	for (size_t i = 0; i <= LOG_NAME_MAX; i++)
		name[i] = 'x';
	head.name = text_bytes(name);
	assert_int_equal(log_head_sign(&head, key, &out, NULL), TOBI_E_ARGUMENT);
	head.name = text_bytes("a\nb");
	assert_int_equal(log_head_sign(&head, key, &out, NULL), TOBI_E_ARGUMENT);
	head = plain_head();
	head.time = -1;
	assert_int_equal(log_head_sign(&head, key, &out, NULL), TOBI_E_ARGUMENT);
	head = plain_head();
	head.size = LOG_SIZE_MAX + 1;
	assert_int_equal(log_head_sign(&head, key, &out, NULL), TOBI_E_ARGUMENT);
	assert_int_equal(out.size, 0);
	name[LOG_NAME_MAX] = 0;
	head = plain_head();
	head.name = text_bytes(name);
	assert_int_equal(log_head_sign(&head, key, &out, NULL), 0);
	wr_done(&out);
}

static int make_keys(void **state)
{
	(void)state;
	return key_new(KEY_P256, &key, NULL) || key_new(KEY_P256, &stranger, NULL) ||
	       key_spki_sha384(key, id, NULL);
}

static int drop_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	EVP_PKEY_free(stranger);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_log_head_read__what_was_signed__the_same),
	    cmocka_unit_test(test_log_head_read__another_key__signature),
	    cmocka_unit_test(
		test_log_head_read__key_of_the_log_but_not_its_signature__refused),
	    cmocka_unit_test(test_log_head_read__each_byte_changed__refused),
	    cmocka_unit_test(test_log_head_read__cut_or_longer__refused),
	    cmocka_unit_test(test_log_head_read__over_the_limit__limit),
	    cmocka_unit_test(test_log_head_read__signed_but_no_head__refused),
	    cmocka_unit_test(test_log_head_read__wrong_field__refused),
	    cmocka_unit_test(test_log_head_sign__what_no_log_has__argument),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
