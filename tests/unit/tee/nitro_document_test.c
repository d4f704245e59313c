#include <stdlib.h>

#include "codec/cbor.h"
#include "tests/bytes.h"
#include "tests/nitro_scene.h"

struct scene {
	struct test_nitro nitro;
	struct writer document;
};

static void make(struct scene *scene, enum nitro_kind kind)
{
	test_nitro_make(&scene->nitro, kind);
	scene->document = wr_init(LIMIT_TOKEN);
}

static void done(struct scene *scene)
{
	wr_done(&scene->document);
	test_nitro_done(&scene->nitro);
}

static void test_nitro_document_parse__right_ones__gives_all_fields(void **state)
{
	struct nitro_document document;
	struct scene scene;

	(void)state;
	make(&scene, NITRO_TPM);
	scene.nitro.public_key = text_bytes("key");
	test_nitro_document(&scene.nitro, &scene.document);
	assert_int_equal(nitro_document_parse(wr_view(&scene.document), &document, NULL),
			 0);
	assert_bytes_equal(document.module_id, text_bytes("i-0123-tpm0000"));
	assert_int_equal(document.timestamp, (uint64_t)NITRO_NOW * 1000 - 2500);
	assert_true(document.has_tpm_pcrs && !document.has_pcrs);
	assert_int_equal(document.pcr_count, 24);
	assert_int_equal(document.pcrs[23].size, 48);
	assert_null(document.pcrs[24].ptr);
	assert_int_equal(document.bundle_count, 4);
	assert_bytes_equal(document.certificate,
			   wr_view(&scene.nitro.certificates[NITRO_LEAF].der));
	assert_bytes_equal(document.bundle[0],
			   wr_view(&scene.nitro.certificates[NITRO_ROOT].der));
	assert_bytes_equal(document.public_key, text_bytes("key"));
	assert_null(document.user_data.ptr);
	assert_null(nitro_document_wrong(&document, NITRO_TPM));
	assert_non_null(nitro_document_wrong(&document, NITRO_ENCLAVE));
	done(&scene);
}

static void test_nitro_document_parse__every_truncation__fails(void **state)
{
	(void)state;
	for (int form = 0; form < 4; form++) {
		struct scene scene;

		make(&scene, form & 1 ? NITRO_TPM : NITRO_ENCLAVE);
		scene.nitro.tagged = form & 2;
		scene.nitro.indefinite = form & 1;
		test_nitro_document(&scene.nitro, &scene.document);
		for (size_t size = 0; size < scene.document.size; size++) {
			struct tobi_bytes part = {scene.document.ptr, size};
			struct block block = block_new(part);
			struct nitro_document document;

			assert_int_equal(
			    nitro_document_parse(block_view(block), &document, NULL),
			    TOBI_E_TRUNCATED);
			nitro_document_kind(block_view(block));
			block_done(block);
		}
		done(&scene);
	}
}

static void test_nitro_document_parse__a_byte_more__trailing(void **state)
{
	struct nitro_document document;
	struct scene scene;

	(void)state;
	make(&scene, NITRO_ENCLAVE);
	test_nitro_document(&scene.nitro, &scene.document);
	wr_u8(&scene.document, 0);
	assert_int_equal(nitro_document_parse(wr_view(&scene.document), &document, NULL),
			 TOBI_E_TRAILING);
	done(&scene);
}

static void test_nitro_document_parse__limit__and_one_over(void **state)
{
	static uint8_t bytes[LIMIT_NITRO + 1];
	struct nitro_document document;
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(nitro_document_parse((struct tobi_bytes){bytes, LIMIT_NITRO},
					      &document, &fault),
			 TOBI_E_MALFORMED);
	assert_int_equal(nitro_document_parse((struct tobi_bytes){bytes, LIMIT_NITRO + 1},
					      &document, &fault),
			 TOBI_E_LIMIT);
	assert_true(fault.has_offset);
}

/* An envelope without a signature that would verify, around a payload. */
static void wrap(struct tobi_bytes payload, struct writer *out)
{
	static const uint8_t signature[96];

	*out = wr_init(LIMIT_TOKEN);
	cbor_write_array(out, 4);
	cbor_write_bytes(out, BYTES(0xa1, 0x01, 0x38, 0x22));
	cbor_write_map(out, 0);
	cbor_write_bytes(out, payload);
	cbor_write_bytes(out, (struct tobi_bytes){signature, sizeof(signature)});
}

static void parses_as(const char *hex, enum tobi_err expected)
{
	struct block block = block_unhex(hex);
	struct nitro_document document;
	struct writer out;

	wrap(block_view(block), &out);
	assert_int_equal(nitro_document_parse(wr_view(&out), &document, NULL), expected);
	wr_done(&out);
	block_done(block);
}

/* "digest": "SHA384" */
#define DIGEST                                                                           \
	"66646967657374"                                                                 \
	"66534841333834"

static void test_nitro_document_parse__other_encodings__one_rule_each(void **state)
{
	(void)state;
	/* The map may be of indefinite length, as a NitroTPM's is. */
	parses_as("a1" DIGEST, TOBI_OK);
	parses_as("bf" DIGEST "ff", TOBI_OK);
	parses_as("bf" DIGEST, TOBI_E_TRUNCATED);
	/* Nothing else may. */
	parses_as("a1"
		  "66646967657374"
		  "7f"
		  "66534841333834"
		  "ff",
		  TOBI_E_MALFORMED);
	parses_as("a1"
		  "6470637273"
		  "bf"
		  "00"
		  "4100"
		  "ff",
		  TOBI_E_MALFORMED);
	parses_as("a1"
		  "68636162756e646c65"
		  "9f"
		  "4100"
		  "ff",
		  TOBI_E_MALFORMED);
	/* Each key once. */
	parses_as("a2" DIGEST DIGEST, TOBI_E_MALFORMED);
	parses_as("bf" DIGEST DIGEST "ff", TOBI_E_MALFORMED);
	parses_as("a1"
		  "6470637273"
		  "a2"
		  "00"
		  "4100"
		  "00"
		  "4101",
		  TOBI_E_MALFORMED);
	/* The shortest form only. */
	parses_as("b801" DIGEST, TOBI_E_MALFORMED);
	parses_as("a1"
		  "7806646967657374"
		  "66534841333834",
		  TOBI_E_MALFORMED);
	parses_as("a1"
		  "6974696d657374616d70"
		  "1805",
		  TOBI_E_MALFORMED);
	parses_as("a1"
		  "6974696d657374616d70"
		  "05",
		  TOBI_OK);
	/* Nothing behind it. */
	parses_as("a1" DIGEST "00", TOBI_E_TRAILING);
	parses_as("bf" DIGEST "ff00", TOBI_E_TRAILING);
	/* Types. */
	parses_as("80", TOBI_E_MALFORMED);
	parses_as("a10001", TOBI_E_MALFORMED);
	parses_as("a1"
		  "66646967657374"
		  "46534841333834",
		  TOBI_E_MALFORMED);
	parses_as("a1"
		  "6974696d657374616d70"
		  "24",
		  TOBI_E_MALFORMED);
	parses_as("a1"
		  "6470637273"
		  "80",
		  TOBI_E_MALFORMED);
	parses_as("a1"
		  "6470637273"
		  "a1"
		  "20"
		  "4100",
		  TOBI_E_MALFORMED);
	parses_as("a1"
		  "6470637273"
		  "a1"
		  "1820"
		  "4100",
		  TOBI_E_MALFORMED);
	parses_as("a1"
		  "656e6f6e6365"
		  "f6",
		  TOBI_OK);
	parses_as("a1"
		  "656e6f6e6365"
		  "f7",
		  TOBI_E_MALFORMED);
	/* A value that is null, or not of its type, is no value that is left out. */
	parses_as("a1"
		  "66646967657374"
		  "f6",
		  TOBI_E_MALFORMED);
	parses_as("a1"
		  "6974696d657374616d70"
		  "f6",
		  TOBI_E_MALFORMED);
	parses_as("a1"
		  "6b6365727469666963617465"
		  "f6",
		  TOBI_E_MALFORMED);
	parses_as("a1"
		  "6470637273"
		  "f6",
		  TOBI_E_MALFORMED);
	parses_as("a1"
		  "6470637273"
		  "a1"
		  "00"
		  "f6",
		  TOBI_E_MALFORMED);
	parses_as("a1"
		  "6470637273"
		  "a1"
		  "00"
		  "6100",
		  TOBI_E_MALFORMED);
	parses_as("a1"
		  "6470637273"
		  "a1"
		  "6130"
		  "4100",
		  TOBI_E_MALFORMED);
	parses_as("a1"
		  "68636162756e646c65"
		  "82"
		  "4100"
		  "182a",
		  TOBI_E_MALFORMED);
	parses_as("a1"
		  "68636162756e646c65"
		  "81"
		  "f6",
		  TOBI_E_MALFORMED);
	/* More certificates than any chain has. */
	parses_as("a1"
		  "68636162756e646c65"
		  "87"
		  "40404040404040",
		  TOBI_OK);
	parses_as("a1"
		  "68636162756e646c65"
		  "88"
		  "4040404040404040",
		  TOBI_E_LIMIT);
}

static struct nitro_document parsed(struct scene *scene, enum nitro_kind kind)
{
	struct nitro_document document;

	make(scene, kind);
	test_nitro_document(&scene->nitro, &scene->document);
	assert_int_equal(nitro_document_parse(wr_view(&scene->document), &document, NULL),
			 0);
	assert_null(nitro_document_wrong(&document, kind));
	return document;
}

#define WRONG(kind, ...)                                                                 \
	do {                                                                             \
		struct scene scene_;                                                     \
		struct nitro_document document = parsed(&scene_, (kind));                \
                                                                                         \
		__VA_ARGS__;                                                             \
		assert_non_null(nitro_document_wrong(&document, (kind)));                \
		done(&scene_);                                                           \
	} while (0)

/* A field alone, of documents that are right but for it. */
static void test_nitro_document_wrong__missing_or_out_of_bounds__is_named(void **state)
{
	static const size_t sizes[] = {0, 20, 31, 33, 47, 49, 63, 65};
	const struct tobi_bytes none = {0};

	(void)state;
	WRONG(NITRO_ENCLAVE, document.module_id = none);
	WRONG(NITRO_ENCLAVE, document.digest = none);
	WRONG(NITRO_ENCLAVE, document.digest = text_bytes("SHA256"));
	WRONG(NITRO_ENCLAVE, document.digest = text_bytes("SHA3840"));
	WRONG(NITRO_ENCLAVE, document.timestamp = 0);
	WRONG(NITRO_ENCLAVE, document.certificate = none);
	WRONG(NITRO_ENCLAVE, document.certificate.size = 1025);
	WRONG(NITRO_ENCLAVE, document.bundle_count = 0);
	WRONG(NITRO_ENCLAVE, document.bundle[0].size = 0);
	WRONG(NITRO_ENCLAVE, document.bundle[3].size = 0);
	WRONG(NITRO_ENCLAVE, document.bundle[3].size = 1025);
	WRONG(NITRO_ENCLAVE, document.has_pcrs = false);
	WRONG(NITRO_TPM, document.has_tpm_pcrs = false);
	WRONG(NITRO_TPM, document.pcrs[0] = none; document.pcr_count--);
	WRONG(NITRO_TPM, document.pcrs[23] = none; document.pcr_count--);
	for (size_t i = 0; i < 3; i++)
		WRONG(NITRO_ENCLAVE, document.pcrs[i] = none; document.pcr_count--);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		WRONG(NITRO_ENCLAVE, document.pcrs[15].size = sizes[i]);
}

static void test_nitro_document_parse__detached__malformed(void **state)
{
	struct nitro_document document;
	struct scene scene;

	(void)state;
	make(&scene, NITRO_ENCLAVE);
	scene.nitro.detached = true;
	test_nitro_document(&scene.nitro, &scene.document);
	assert_int_equal(nitro_document_parse(wr_view(&scene.document), &document, NULL),
			 TOBI_E_MALFORMED);
	done(&scene);
}

static void is_kind(const char *hex, enum nitro_kind kind)
{
	struct block block = block_unhex(hex);

	assert_int_equal(nitro_document_kind(block_view(block)), kind);
	block_done(block);
}

static void test_nitro_document_kind__by_its_start(void **state)
{
	(void)state;
	/* [h'a1013822', {}, h'{"pcrs": {}}', h''], whatever the size of the payload says
	 */
	is_kind("8444a1013822a046a16470637273a040", NITRO_ENCLAVE);
	is_kind("d28444a1013822a046a16470637273a040", NITRO_ENCLAVE);
	is_kind("8444a1013822a05910eea16470637273", NITRO_ENCLAVE);
	is_kind("8444a1013822a04fa16d6e6974726f74706d5f70637273a040", NITRO_TPM);
	is_kind("8444a1013822a05910eebf6d6e6974726f74706d5f70637273", NITRO_TPM);
	/* The algorithm is a check's to judge. */
	is_kind("8443a10126a046a16470637273a040", NITRO_ENCLAVE);
	/* Other COSE: with another tag, with integer keys (PSA), with other names. */
	is_kind("d18444a1013822a046a16470637273a040", NITRO_NONE);
	is_kind("d28443a10126a044a119095c0140", NITRO_NONE);
	is_kind("8444a1013822a043a1616180", NITRO_NONE);
	is_kind("8444a1013822a040", NITRO_NONE);
	is_kind("8344a1013822a046a16470637273a0", NITRO_NONE);
	is_kind("8444a101382280", NITRO_NONE);
	is_kind("a1636370758218", NITRO_NONE);
	is_kind("00", NITRO_NONE);
	assert_int_equal(nitro_document_kind((struct tobi_bytes){0}), NITRO_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nitro_document_parse__right_ones__gives_all_fields),
	    cmocka_unit_test(test_nitro_document_parse__every_truncation__fails),
	    cmocka_unit_test(test_nitro_document_parse__a_byte_more__trailing),
	    cmocka_unit_test(test_nitro_document_parse__limit__and_one_over),
	    cmocka_unit_test(test_nitro_document_parse__other_encodings__one_rule_each),
	    cmocka_unit_test(
		test_nitro_document_wrong__missing_or_out_of_bounds__is_named),
	    cmocka_unit_test(test_nitro_document_parse__detached__malformed),
	    cmocka_unit_test(test_nitro_document_kind__by_its_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
