/* The hardware's own evidence, found in evidence that has it inside. */
#include "appraise/unwrap.h"

#include <openssl/pem.h>

#include "codec/cose.h"
#include "tests/azure_scene.h"
#include "tests/bytes.h"
#include "tests/check.h"
#include "tests/google_scene.h"
#include "tests/ratls.h"
#include "token/cmw.h"

static enum tobi_err find(struct tobi_bytes evidence, struct writer *ret_found)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct hardware_parts parts;
	enum tobi_err err = unwrap_hardware(evidence, &arena, &parts, NULL);

	*ret_found = wr_init(LIMIT_EVIDENCE);
	for (size_t i = 0; i < parts.count; i++)
		wr_bytes(ret_found, parts.list[i].ptr, parts.list[i].size);
	arena_done(&arena);
	return err;
}

static bool is_in(struct tobi_bytes part, const struct writer *whole)
{
	return part.size && memmem(whole->ptr, whole->size, part.ptr, part.size);
}

static void expect_report(struct azure_scene *scene, struct tobi_bytes evidence)
{
	struct writer found;

	assert_int_equal(find(evidence, &found), TOBI_OK);
	assert_int_equal(found.size, 1184);
	assert_memory_equal(found.ptr + 0x90, scene->snp.report + 0x90, 48);
	wr_done(&found);
}

static void test_unwrap_hardware__azure_on_snp__is_the_report(void **state)
{
	static const enum azure_form forms[] = {AZURE_JSON, AZURE_NUMBERS, AZURE_FILES};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct writer evidence = wr_init(LIMIT_EVIDENCE);
		struct azure_scene scene;

		azure_scene_make(&scene, false);
		scene.form = forms[i];
		azure_scene_evidence(&scene, &evidence);
		expect_report(&scene, wr_view(&evidence));
		azure_scene_done(&scene);
		wr_done(&evidence);
	}
}

static void test_unwrap_hardware__azure_on_tdx__is_the_quote(void **state)
{
	static const enum azure_form forms[] = {AZURE_JSON, AZURE_NUMBERS};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct writer evidence = wr_init(LIMIT_EVIDENCE), found;
		struct azure_scene scene;

		azure_scene_make(&scene, true);
		scene.form = forms[i];
		azure_scene_evidence(&scene, &evidence);
		assert_int_equal(find(wr_view(&evidence), &found), TOBI_OK);
		assert_true(is_in(text_bytes("-----BEGIN CERTIFICATE-----"), &found));
		assert_memory_equal(found.ptr + 48, scene.td.scene.body, 48);
		azure_scene_done(&scene);
		wr_done(&evidence);
		wr_done(&found);
	}
}

/* The quote comes beside the paravisor's report: in a collection it is found, alone not.
 */
static void test_unwrap_hardware__collection__is_looked_into(void **state)
{
	struct writer evidence = wr_init(LIMIT_CMW), outer = wr_init(LIMIT_CMW), found;
	struct cmw_record records[2] = {{.key = text_bytes("cpu"),
					 .media_type = text_bytes("application/eat+cwt"),
					 .value = text_bytes("a token"),
					 .indicator = CMW_EVIDENCE},
					{.key = text_bytes("guest"),
					 .media_type = text_bytes(CMW_TYPE_COLLECTION),
					 .indicator = CMW_EVIDENCE}};
	struct azure_scene scene;

	(void)state;
	azure_scene_make(&scene, true);
	scene.form = AZURE_FILES;
	scene.in_collection = true;
	scene.nonce = text_bytes("0123456789abcdef");
	azure_scene_evidence(&scene, &evidence);
	assert_int_equal(find(wr_view(&evidence), &found), TOBI_OK);
	assert_memory_equal(found.ptr + 48, scene.td.scene.body, 48);
	wr_done(&found);
	records[1].value = wr_view(&evidence);
	cmw_write(&outer, records, 2);
	assert_int_equal(find(wr_view(&outer), &found), TOBI_OK);
	assert_memory_equal(found.ptr + 48, scene.td.scene.body, 48);
	wr_done(&found);
	wr_done(&evidence);
	evidence = wr_init(LIMIT_CMW);
	scene.in_collection = false;
	azure_scene_evidence(&scene, &evidence);
	assert_int_equal(find(wr_view(&evidence), &found), TOBI_E_NOT_FOUND);
	wr_done(&found);
	azure_scene_done(&scene);
	wr_done(&evidence);
	wr_done(&outer);
}

static void test_unwrap_hardware__cut__is_an_error_or_as_it_is(void **state)
{
	struct writer evidence = wr_init(LIMIT_EVIDENCE), found;
	struct azure_scene scene;

	(void)state;
	azure_scene_make(&scene, false);
	scene.form = AZURE_JSON;
	azure_scene_evidence(&scene, &evidence);
	for (size_t size = 0; size + 1 < evidence.size; size += 7) {
		struct block block = block_new((struct tobi_bytes){evidence.ptr, size});

		if (!find(block_view(block), &found))
			assert_int_equal(found.size, size);
		wr_done(&found);
		block_done(block);
	}
	azure_scene_done(&scene);
	wr_done(&evidence);
}

static void test_unwrap_hardware__other_evidence__is_as_it_is(void **state)
{
	struct writer found;

	(void)state;
	assert_int_equal(find(text_bytes("a quote, or what it may be"), &found), TOBI_OK);
	assert_bytes_equal(wr_view(&found), text_bytes("a quote, or what it may be"));
	wr_done(&found);
}

/* ---- certificates, and wrappers of others ---- */

static void write_report(struct writer *out)
{
	struct snp_scene scene;

	snp_scene_make(&scene);
	snp_scene_report(&scene, out);
	snp_scene_done(&scene);
}

static void write_quote(struct writer *out)
{
	struct dcap_scene scene;

	dcap_scene_make(&scene);
	dcap_scene_quote(&scene, out);
}

static void write_pem(const struct writer *der, struct writer *out)
{
	const uint8_t *at = der->ptr;
	X509 *certificate = d2i_X509(NULL, &at, (long)der->size);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long size;

	assert_non_null(certificate);
	assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
	size = BIO_get_mem_data(bio, &text);
	wr_bytes(out, text, (size_t)size);
	BIO_free_all(bio);
	X509_free(certificate);
}

/* As Gramine has it, and as CCC has. */
static void test_unwrap_hardware__certificate__is_the_quote_in_it(void **state)
{
	EVP_PKEY *key = test_key_make(TEST_P256);

	(void)state;
	for (int ccc = 0; ccc < 2; ccc++) {
		struct writer quote = wr_init(LIMIT_EVIDENCE),
			      value = wr_init(LIMIT_EVIDENCE);
		struct writer der = wr_init(LIMIT_CERTIFICATE), pem = wr_init(LIMIT_PEM);
		struct writer found;
		struct test_leaf leaf = {.key = key, .extension_count = 1};

		write_quote(&quote);
		if (ccc)
			ratls_evidence_write(&value, &(struct ratls_evidence){
							 RATLS_TAG_QUOTE, wr_view(&quote),
							 text_bytes("\xa0")});
		leaf.extensions[0] = (struct test_extension){
		    ccc ? &ratls_evidence_name : &ratls_gramine_name,
		    ccc ? wr_view(&value) : wr_view(&quote), false};
		test_leaf_write(&leaf, &der);
		write_pem(&der, &pem);
		assert_int_equal(find(wr_view(&der), &found), TOBI_OK);
		assert_bytes_equal(wr_view(&found), wr_view(&quote));
		wr_done(&found);
		assert_int_equal(find(wr_view(&pem), &found), TOBI_OK);
		assert_bytes_equal(wr_view(&found), wr_view(&quote));
		wr_done(&found);
		for (size_t size = 2; size < der.size; size += 97) {
			struct block block =
			    block_new((struct tobi_bytes){der.ptr, size});

			assert_int_not_equal(find(block_view(block), &found), TOBI_OK);
			wr_done(&found);
			block_done(block);
		}
		wr_done(&quote);
		wr_done(&value);
		wr_done(&der);
		wr_done(&pem);
	}
	EVP_PKEY_free(key);
}

static void test_unwrap_hardware__ordinary_certificate__not_found(void **state)
{
	struct test_leaf leaf = {.key = test_key_make(TEST_P256)};
	struct writer der = wr_init(LIMIT_CERTIFICATE), found;

	(void)state;
	test_leaf_write(&leaf, &der);
	assert_int_equal(find(wr_view(&der), &found), TOBI_E_NOT_FOUND);
	wr_done(&found);
	wr_done(&der);
	EVP_PKEY_free(leaf.key);
}

static struct cmw_record record_of(const char *key, struct tobi_bytes value)
{
	return (struct cmw_record){.key = text_bytes(key),
				   .media_type = text_bytes("application/octet-stream"),
				   .value = value};
}

static void expect_quote(const struct writer *evidence, struct tobi_bytes quote)
{
	struct writer found;

	assert_int_equal(find(wr_view(evidence), &found), TOBI_OK);
	assert_bytes_equal(wr_view(&found), quote);
	wr_done(&found);
}

/* Whatever the record is called, and whoever has signed it. */
static void test_unwrap_hardware__wrapper_of_any_form__is_the_evidence_in_it(void **state)
{
	struct cose_headers headers = {.content_type = CMW_TYPE};
	struct cmw_record records[2];
	struct writer quote = wr_init(LIMIT_EVIDENCE);
	struct cose_signer signer;
	EVP_PKEY *key = test_key_make(TEST_P256);

	(void)state;
	write_quote(&quote);
	records[0] = record_of("it", wr_view(&quote));
	records[1] = record_of("other", text_bytes("another"));
	assert_int_equal(cose_signer_for_key(key, &signer, NULL), 0);
	for (unsigned form = 0; form < 5; form++) {
		struct writer out = wr_init(LIMIT_CMW), inner = wr_init(LIMIT_CMW);

		if (form < 2)
			cmw_write_record(&out, form ? CMW_JSON : CMW_CBOR, records);
		else if (form == 2)
			cmw_write(&out, records, 2);
		else if (form == 3)
			cmw_write_json(&out, records, 2);
		else
			cmw_write(&inner, records, 2);
		if (form == 4)
			assert_int_equal(cose_write(&out, &signer, &headers,
						    wr_view(&inner), false, NULL),
					 0);
		expect_quote(&out, wr_view(&quote));
		wr_done(&out);
		wr_done(&inner);
	}
	wr_done(&quote);
	EVP_PKEY_free(key);
}

static void test_unwrap_hardware__several_or_none__refused(void **state)
{
	struct writer out = wr_init(LIMIT_CMW), quote = wr_init(LIMIT_EVIDENCE);
	struct writer report = wr_init(LIMIT_EVIDENCE), found;
	struct cmw_record records[2];

	(void)state;
	write_quote(&quote);
	write_report(&report);
	records[0] = record_of("a", wr_view(&quote));
	records[1] = record_of("b", wr_view(&report));
	cmw_write(&out, records, 2);
	assert_int_equal(find(wr_view(&out), &found), TOBI_E_UNSUPPORTED);
	wr_done(&found);
	out.size = 0;
	records[0].value = records[1].value = text_bytes("neither");
	cmw_write(&out, records, 2);
	assert_int_equal(find(wr_view(&out), &found), TOBI_E_UNSUPPORTED);
	wr_done(&found);
	wr_done(&out);
	wr_done(&quote);
	wr_done(&report);
}

/* The hardware's, put together again; without it, the quote of the TPM. */
static void test_unwrap_hardware__googles_message__is_the_hardwares(void **state)
{
	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		struct writer message = wr_init(LIMIT_EVIDENCE), found;
		struct google_scene scene;

		google_scene_make(&scene);
		scene.with_snp = kind == 1;
		scene.with_td = kind == 2;
		google_scene_write(&scene, &message);
		assert_int_equal(find(wr_view(&message), &found), TOBI_OK);
		if (kind == 0)
			assert_bytes_equal(wr_view(&found), wr_view(&message));
		else if (kind == 1)
			assert_int_equal(found.ptr[0], scene.snp.report[0]);
		else
			assert_memory_equal(found.ptr + 48, scene.td.body, 48);
		wr_done(&found);
		wr_done(&message);
		google_scene_done(&scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unwrap_hardware__azure_on_snp__is_the_report),
	    cmocka_unit_test(test_unwrap_hardware__azure_on_tdx__is_the_quote),
	    cmocka_unit_test(test_unwrap_hardware__collection__is_looked_into),
	    cmocka_unit_test(test_unwrap_hardware__cut__is_an_error_or_as_it_is),
	    cmocka_unit_test(test_unwrap_hardware__other_evidence__is_as_it_is),
	    cmocka_unit_test(test_unwrap_hardware__certificate__is_the_quote_in_it),
	    cmocka_unit_test(test_unwrap_hardware__ordinary_certificate__not_found),
	    cmocka_unit_test(
		test_unwrap_hardware__wrapper_of_any_form__is_the_evidence_in_it),
	    cmocka_unit_test(test_unwrap_hardware__several_or_none__refused),
	    cmocka_unit_test(test_unwrap_hardware__googles_message__is_the_hardwares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
