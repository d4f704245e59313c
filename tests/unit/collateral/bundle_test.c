#include "codec/cbor.h"
#include "codec/cose.h"
#include "collateral/bundle.h"
#include "tests/bytes.h"
#include "tests/vendor_scene.h"

enum { NOW = 1900000000, ROOM = 256 << 10 };

static const char content_type[] = "application/vnd.tobichi.collateral+cbor";

static struct vendor_scene scene;
static EVP_PKEY *key;
static struct writer good;

static struct tobi_collateral *make_set(void)
{
	const struct writer *const files[] = {&scene.sgx_tcb_info, &scene.tcb_chain,
					      &scene.root_crl,	   &scene.platform_crl,
					      &scene.amd_chain,	   &scene.vcek_der};
	struct tobi_collateral *set = tobi_collateral_new();

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert_int_equal(
		    tobi_collateral_add(set, wr_view(files[i]), "file", NULL), TOBI_OK);
	return set;
}

static int set_up(void **state)
{
	struct tobi_collateral *set;

	(void)state;
	vendor_scene_make(&scene, NOW);
	assert_int_equal(key_new(KEY_P384, &key, NULL), TOBI_OK);
	set = make_set();
	good = wr_init(ROOM);
	assert_int_equal(bundle_write(set, key, NOW, &good, NULL), TOBI_OK);
	tobi_collateral_free(set);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	vendor_scene_done(&scene);
	EVP_PKEY_free(key);
	wr_done(&good);
	return 0;
}

/* What is refused adds nothing. */
static enum tobi_err read_bytes(struct tobi_bytes bytes)
{
	struct tobi_collateral *set = tobi_collateral_new();
	struct block block = block_new(bytes);
	enum tobi_err err =
	    tobi_collateral_read_bundle(set, block_view(block), "it", NULL);

	if (err)
		assert_int_equal(collateral_count(set), 0);
	block_done(block);
	tobi_collateral_free(set);
	return err;
}

static void test_bundle__written__is_read(void **state)
{
	struct tobi_collateral *set = make_set(), *again = tobi_collateral_new();
	const struct collateral_item *item, *other;
	struct bundle_about about;
	uint8_t signer[SHA384_SIZE];

	(void)state;
	assert_true(bundle_is(wr_view(&good)));
	assert_int_equal(bundle_read(wr_view(&good), "it", again, &about, NULL), TOBI_OK);
	assert_int_equal(about.count, collateral_count(set));
	assert_int_equal(about.created, NOW);
	assert_int_equal(key_spki_sha384(key, signer, NULL), TOBI_OK);
	assert_memory_equal(about.signer, signer, SHA384_SIZE);
	assert_int_equal(collateral_count(again), collateral_count(set));
	for (size_t i = 0; (item = collateral_at(set, i)); i++) {
		other = collateral_find(again, item->kind, item->name);
		assert_non_null(other);
		assert_bytes_equal(other->data, item->data);
		assert_bytes_equal(other->chain, item->chain);
		assert_memory_equal(other->hash, item->hash, SHA256_SIZE);
		assert_string_equal(other->source, "file");
		assert_true(other->bundled && !item->bundled);
		assert_memory_equal(other->signer, signer, SHA384_SIZE);
	}
	tobi_collateral_free(set);
	tobi_collateral_free(again);
}

/* The same inputs make the same list, whatever their order. */
static void test_bundle__other_order__same_list(void **state)
{
	struct tobi_collateral *one = tobi_collateral_new(), *two = tobi_collateral_new();
	const struct collateral_list about = {.created = NOW};
	struct writer first = wr_init(ROOM), second = wr_init(ROOM);

	(void)state;
	assert_int_equal(tobi_collateral_add(one, wr_view(&scene.root_crl), "f", NULL),
			 0);
	assert_int_equal(tobi_collateral_add(one, wr_view(&scene.amd_crl), "f", NULL), 0);
	assert_int_equal(tobi_collateral_add(two, wr_view(&scene.amd_crl), "f", NULL), 0);
	assert_int_equal(tobi_collateral_add(two, wr_view(&scene.root_crl), "f", NULL),
			 0);
	assert_int_equal(list_write(one, &about, &first, NULL), TOBI_OK);
	assert_int_equal(list_write(two, &about, &second, NULL), TOBI_OK);
	assert_bytes_equal(wr_view(&first), wr_view(&second));
	wr_done(&first);
	wr_done(&second);
	tobi_collateral_free(one);
	tobi_collateral_free(two);
}

static void test_bundle__truncated_anywhere__fails(void **state)
{
	(void)state;
	for (size_t size = 0; size < good.size; size += size < 256 ? 1 : 61)
		assert_int_not_equal(read_bytes((struct tobi_bytes){good.ptr, size}),
				     TOBI_OK);
}

static void test_bundle__a_byte_behind__fails(void **state)
{
	struct writer longer = wr_init(ROOM);

	(void)state;
	wr_bytes(&longer, good.ptr, good.size);
	wr_u8(&longer, 0);
	assert_int_equal(read_bytes(wr_view(&longer)), TOBI_E_TRAILING);
	wr_done(&longer);
}

static void test_bundle__any_bit_changed__fails(void **state)
{
	struct writer changed = wr_init(ROOM);

	(void)state;
	wr_bytes(&changed, good.ptr, good.size);
	for (size_t i = 0; i < changed.size; i += i < 256 ? 1 : 97) {
		changed.ptr[i] ^= 0x10;
		assert_int_not_equal(read_bytes(wr_view(&changed)), TOBI_OK);
		changed.ptr[i] ^= 0x10;
	}
	changed.ptr[changed.size - 1] ^= 1;
	assert_int_equal(read_bytes(wr_view(&changed)), TOBI_E_SIGNATURE);
	wr_done(&changed);
}

/* How a list is signed that a test makes itself. */
struct envelope {
	const char *type;
	bool detached, certificate;
};
static const struct envelope right = {.type = content_type};

static enum tobi_err read_list(const struct writer *list, const struct envelope *envelope)
{
	const struct tobi_bytes certificate = text_bytes("a certificate");
	const struct cose_headers headers = {.content_type = envelope->type,
					     .x5chain = &certificate,
					     .x5chain_count = envelope->certificate};
	struct writer out = wr_init(ROOM);
	struct cose_signer signer;
	enum tobi_err err;

	assert_int_equal(cose_signer_for_key(key, &signer, NULL), TOBI_OK);
	assert_int_equal(
	    cose_write(&out, &signer, &headers, wr_view(list), envelope->detached, NULL),
	    TOBI_OK);
	err = read_bytes(wr_view(&out));
	wr_done(&out);
	return err;
}

/* What a test changes in it. */
struct odd {
	uint64_t version, kind;
	const char *name;
	bool twice, empty, more, no_spki, other_spki;
};

static void write_item(const struct odd *odd, struct writer *out)
{
	cbor_write_map(out, odd->more ? 7 : 6);
	cbor_write_uint(out, 1);
	cbor_write_uint(out, odd->kind);
	cbor_write_uint(out, 2);
	cbor_write_text(out, odd->name);
	cbor_write_uint(out, 3);
	cbor_write_bytes(out, odd->empty ? (struct tobi_bytes){0} : text_bytes("data"));
	cbor_write_uint(out, 4);
	cbor_write_bytes(out, (struct tobi_bytes){0});
	cbor_write_uint(out, 5);
	cbor_write_text(out, "");
	cbor_write_uint(out, 6);
	cbor_write_uint(out, 0);
	if (odd->more) {
		cbor_write_uint(out, 7);
		cbor_write_uint(out, 0);
	}
}

static enum tobi_err read_odd(const struct odd *odd, const struct envelope *envelope)
{
	struct writer list = wr_init(ROOM), spki = wr_init(512);
	EVP_PKEY *other = NULL;
	enum tobi_err err;

	assert_int_equal(key_new(KEY_P384, &other, NULL), TOBI_OK);
	assert_int_equal(key_spki(odd->other_spki ? other : key, &spki, NULL), TOBI_OK);
	cbor_write_map(&list, 4);
	cbor_write_uint(&list, 1);
	cbor_write_uint(&list, odd->version);
	cbor_write_uint(&list, 2);
	cbor_write_uint(&list, NOW);
	cbor_write_uint(&list, 3);
	cbor_write_bytes(&list, odd->no_spki ? (struct tobi_bytes){0} : wr_view(&spki));
	cbor_write_uint(&list, 4);
	cbor_write_array(&list, odd->twice ? 2 : 1);
	write_item(odd, &list);
	if (odd->twice)
		write_item(odd, &list);
	err = read_list(&list, envelope);
	wr_done(&list);
	wr_done(&spki);
	EVP_PKEY_free(other);
	return err;
}

static void test_bundle__rules__each_is_kept(void **state)
{
	const struct {
		struct odd odd;
		enum tobi_err err;
	} cases[] = {
	    {{1, 1, "00906EA10000"}, TOBI_OK},
	    {{1, 6, "platform"}, TOBI_OK},
	    {{1, 9, "Milan"}, TOBI_OK},
	    {{1, 11, ""}, TOBI_OK},
	    {{2, 11, ""}, TOBI_E_UNSUPPORTED},
	    {{1, 0, ""}, TOBI_E_MALFORMED},
	    {{1, 16, ""}, TOBI_E_LIMIT},
	    {{1, 1, "00906ea10000"}, TOBI_E_MALFORMED},
	    {{1, 1, ""}, TOBI_E_MALFORMED},
	    {{1, 6, "other"}, TOBI_E_MALFORMED},
	    {{1, 9, "../Milan"}, TOBI_E_MALFORMED},
	    {{1, 9, ""}, TOBI_E_MALFORMED},
	    {{1, 9, "AProductWhoseName"}, TOBI_E_LIMIT},
	    {{1, 13, "tls"}, TOBI_E_MALFORMED},
	    {{1, 11, "name"}, TOBI_E_MALFORMED},
	    {{1, 11, "", .twice = true}, TOBI_E_MALFORMED},
	    {{1, 11, "", .empty = true}, TOBI_E_MALFORMED},
	    {{1, 11, "", .more = true}, TOBI_E_LIMIT},
	    {{1, 11, "", .no_spki = true}, TOBI_E_MALFORMED},
	    {{1, 11, "", .other_spki = true}, TOBI_E_SIGNATURE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum tobi_err err = read_odd(&cases[i].odd, &right);

		if (err != cases[i].err)
			fail_msg("case %zu: %s instead of %s", i, tobi_err_name(err),
				 tobi_err_name(cases[i].err));
	}
}

static void test_bundle__another_envelope__fails(void **state)
{
	const struct envelope wrong[] = {{.type = "application/cbor"},
					 {.type = NULL},
					 {.type = content_type, .detached = true},
					 {.type = content_type, .certificate = true}};
	const struct odd odd = {1, 11, ""};

	(void)state;
	assert_int_equal(read_odd(&odd, &right), TOBI_OK);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(read_odd(&odd, &wrong[i]), TOBI_E_MALFORMED);
}

static void test_bundle__no_set__is_an_error(void **state)
{
	(void)state;
	assert_int_equal(tobi_collateral_read_bundle(NULL, wr_view(&good), NULL, NULL),
			 TOBI_E_ARGUMENT);
}

static void test_signed_by__only_those(void **state)
{
	struct tobi_collateral *set = tobi_collateral_new(), *chosen;
	uint8_t id[SHA384_SIZE], other[SHA384_SIZE] = {1};
	const struct tobi_bytes signers[] = {{other, SHA384_SIZE}, {id, SHA384_SIZE}};
	size_t bundled;

	(void)state;
	assert_int_equal(key_spki_sha384(key, id, NULL), TOBI_OK);
	assert_int_equal(tobi_collateral_add(set, wr_view(&good), "it", NULL), TOBI_OK);
	bundled = collateral_count(set);
	assert_int_equal(tobi_collateral_add(set, wr_view(&scene.amd_crl), "f", NULL), 0);
	chosen = collateral_signed_by(set, signers, 2);
	assert_int_equal(collateral_count(chosen), bundled);
	assert_null(collateral_find(chosen, COLLATERAL_SNP_CRL, NULL));
	tobi_collateral_free(chosen);
	chosen = collateral_signed_by(set, signers, 1);
	assert_int_equal(collateral_count(chosen), 0);
	tobi_collateral_free(chosen);
	/* What is in no bundle has no signer, not one of zeros. */
	other[0] = 0;
	chosen = collateral_signed_by(set, signers, 1);
	assert_int_equal(collateral_count(chosen), 0);
	tobi_collateral_free(chosen);
	tobi_collateral_free(set);
}

static void put_info(struct tobi_collateral *set, const struct vendor_scene *from,
		     bool bundled)
{
	const struct collateral_item item = {.kind = COLLATERAL_SGX_TCB_INFO,
					     .name = VENDOR_FMSPC,
					     .data = wr_view(&from->sgx_tcb_info),
					     .bundled = bundled};

	assert_int_equal(collateral_put(set, &item, NULL), TOBI_OK);
}

/* A loose document that is newer than both does not bring the older of them back. */
static void test_signed_by__newer_loose_one__newest_of_the_signer(void **state)
{
	struct tobi_collateral *set = tobi_collateral_new(), *chosen;
	const uint8_t id[SHA384_SIZE] = {0};
	const struct tobi_bytes signer = {id, SHA384_SIZE};
	struct vendor_scene dated[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		vendor_scene_make(&dated[i], NOW - i * 86400);
	for (int i = 0; i < 3; i++)
		put_info(set, &dated[i], i > 0);
	chosen = collateral_signed_by(set, &signer, 1);
	assert_int_equal(collateral_count(chosen), 2);
	assert_true(bytes_equal(
	    collateral_find(chosen, COLLATERAL_SGX_TCB_INFO, VENDOR_FMSPC)->data,
	    wr_view(&dated[1].sgx_tcb_info)));
	tobi_collateral_free(chosen);
	tobi_collateral_free(set);
	for (int i = 0; i < 3; i++)
		vendor_scene_done(&dated[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bundle__written__is_read),
	    cmocka_unit_test(test_bundle__other_order__same_list),
	    cmocka_unit_test(test_bundle__truncated_anywhere__fails),
	    cmocka_unit_test(test_bundle__a_byte_behind__fails),
	    cmocka_unit_test(test_bundle__any_bit_changed__fails),
	    cmocka_unit_test(test_bundle__rules__each_is_kept),
	    cmocka_unit_test(test_bundle__another_envelope__fails),
	    cmocka_unit_test(test_bundle__no_set__is_an_error),
	    cmocka_unit_test(test_signed_by__only_those),
	    cmocka_unit_test(test_signed_by__newer_loose_one__newest_of_the_signer),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
