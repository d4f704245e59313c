/* What is written is read again as the same, in both generations and both encodings. */
#include "base/limits.h"
#include "codec/cbor.h"
#include "tests/bytes.h"
#include "token/ear.h"

static EVP_PKEY *key;
static struct arena arena;
static json_t *own;

static int enter(void **state)
{
	(void)state;
	arena = arena_init(4 << 20);
	own = json_pack("{s:s, s:b, s:[s], s:s}", "image", "0102", "ok", 1, "signers",
			"0304", "tier", "soft");
	return key_new(KEY_P256, &key, NULL) || !own ? -1 : 0;
}

static int leave(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	arena_done(&arena);
	json_decref(own);
	return 0;
}

static struct ear_content content_of(bool old)
{
	struct ear_content content = {.old = old,
				      .issued = 1000,
				      .expires = 2000,
				      .nonce = text_bytes("noncenonce"),
				      .developer = "developer",
				      .build = "build",
				      .submod = "enclave",
				      .status = EAR_WARNING,
				      .policy = "policy",
				      .key = key,
				      .tobichi = own};

	content.vector.has[AR4SI_HARDWARE] = true;
	content.vector.values[AR4SI_HARDWARE] = 2;
	content.vector.has[AR4SI_RUNTIME] = true;
	content.vector.values[AR4SI_RUNTIME] = -33;
	return content;
}

/* As who gets it would. */
static struct ear read_back(const struct ear_content *content, bool cbor)
{
	struct writer bytes = wr_init(LIMIT_TOKEN);
	json_t *tree = NULL;
	struct ear ear;

	if (cbor) {
		assert_int_equal(ear_write_cbor(content, &bytes, NULL), 0);
		assert_int_equal(claims_tree_read(wr_view(&bytes), "x", &tree, NULL), 0);
	} else {
		tree = ear_tree(content);
	}
	assert_non_null(tree);
	assert_int_equal(ear_read(tree, &arena, &ear, NULL), 0);
	json_decref(tree);
	wr_done(&bytes);
	return ear;
}

static void test_ear_write__each_form__reads_as_it_was(void **state)
{
	uint8_t spki[SHA256_SIZE];

	(void)state;
	assert_int_equal(key_spki_sha256(key, spki, NULL), 0);
	for (int form = 0; form < 4; form++) {
		const struct ear_content content = content_of(form & 1);
		struct ear ear = read_back(&content, form & 2);

		assert_int_equal(ear.old, form & 1);
		assert_string_equal(ear.profile,
				    form & 1 ? EAR_PROFILE_VERAISON : EAR_PROFILE_NEW);
		assert_true(ear.issued == 1000 && ear.expires == 2000);
		assert_string_equal(ear.developer, "developer");
		assert_string_equal(ear.build, "build");
		assert_bytes_equal(ear.nonces[1], text_bytes("noncenonce"));
		assert_int_equal(ear.appraisal_count, 1);
		assert_string_equal(ear.appraisals[0].name, "enclave");
		assert_int_equal(ear.appraisals[0].status, EAR_WARNING);
		assert_memory_equal(&ear.appraisals[0].vector, &content.vector,
				    sizeof(content.vector));
		assert_string_equal(ear.appraisals[0].policies[0], "policy");
		/* Old: also as the key attestation. */
		assert_int_equal(ear.key_count, form & 1 ? 2 : 1);
		for (size_t i = 0; i < ear.key_count; i++)
			assert_memory_equal(ear.keys[i].spki, spki, sizeof(spki));
		assert_bytes_equal(ear.tobichi.image_id, BYTES(1, 2));
		assert_bytes_equal(ear.tobichi.signers[0], BYTES(3, 4));
		assert_string_equal(ear.tobichi.tier, "soft");
	}
}

static void test_ear_write__what_is_left_out__is_not_there(void **state)
{
	static const uint8_t name[SHA256_SIZE] = {7};

	(void)state;
	for (int form = 0; form < 4; form++) {
		struct ear_content content = content_of(form & 1);
		struct ear ear;

		content.expires = 0;
		content.nonce = (struct tobi_bytes){0};
		content.key = NULL;
		content.tobichi = NULL;
		ear = read_back(&content, form & 2);
		assert_true(ear.expires == 0 && ear.nonce_count == 0 &&
			    ear.key_count == 0 && !ear.tobichi.found);
		/* A key of which only the hash is known. */
		content.key_spki = name;
		ear = read_back(&content, form & 2);
		assert_int_equal(ear.key_count, 1);
		assert_memory_equal(ear.keys[0].spki, name, sizeof(name));
	}
}

static void test_ear_write_cbor__encoding__is_deterministic(void **state)
{
	(void)state;
	for (int old = 0; old < 2; old++) {
		const struct ear_content content = content_of(old);
		struct writer out = wr_init(LIMIT_TOKEN);
		struct cbor cbor;

		assert_int_equal(ear_write_cbor(&content, &out, NULL), 0);
		cbor = cbor_init(wr_view(&out), CBOR_DETERMINISTIC);
		cbor_skip(&cbor, "result");
		assert_int_equal(cbor_finish(&cbor, "result", NULL), 0);
		wr_done(&out);
	}
}

static void test_ear_write_cbor__without_room__fails(void **state)
{
	const struct ear_content content = content_of(true);
	struct writer all = wr_init(LIMIT_TOKEN);

	(void)state;
	assert_int_equal(ear_write_cbor(&content, &all, NULL), 0);
	for (size_t size = 1; size < all.size; size++) {
		struct writer out = wr_init(size);

		assert_int_equal(ear_write_cbor(&content, &out, NULL), TOBI_E_LIMIT);
		wr_done(&out);
	}
	wr_done(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ear_write__each_form__reads_as_it_was),
	    cmocka_unit_test(test_ear_write__what_is_left_out__is_not_there),
	    cmocka_unit_test(test_ear_write_cbor__encoding__is_deterministic),
	    cmocka_unit_test(test_ear_write_cbor__without_room__fails),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
