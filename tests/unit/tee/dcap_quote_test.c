#include "tee/dcap_quote.h"

#include "base/endian.h"
#include "base/limits.h"
#include "tests/bytes.h"
#include "tests/dcap_scene.h"

/* A scene's quote, in a block of exactly its size. */
static struct block quote_of(const struct dcap_scene *scene)
{
	struct writer out = wr_init(LIMIT_EVIDENCE);
	struct block block;

	dcap_scene_quote(scene, &out);
	block = block_new(wr_view(&out));
	wr_done(&out);
	return block;
}

static enum tobi_err read(struct tobi_bytes bytes, struct dcap_quote *quote)
{
	struct tobi_fault fault = {0};
	enum tobi_err err = dcap_quote_read(bytes, "quote", quote, &fault);

	assert_int_equal(err, fault.code);
	return err;
}

static enum tobi_err read_scene(const struct dcap_scene *scene)
{
	struct block block = quote_of(scene);
	struct dcap_quote quote;
	enum tobi_err err = read(block_view(block), &quote);

	block_done(block);
	return err;
}

static const struct {
	unsigned version;
	enum dcap_body kind;
	size_t body_at, body_size;
} shapes[] = {{3, DCAP_SGX, 48, 384}, {4, DCAP_SGX, 48, 384},  {4, DCAP_TD10, 48, 584},
	      {5, DCAP_SGX, 54, 384}, {5, DCAP_TD10, 54, 584}, {5, DCAP_TD15, 54, 648}};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static void test_dcap_quote_read__each_version_and_body__spans(void **state)
{
	(void)state;
	for (size_t i = 0; i < SHAPES; i++) {
		struct dcap_scene scene;
		struct dcap_quote quote;
		struct block block;

		dcap_scene_make(&scene);
		dcap_scene_kind(&scene, shapes[i].version, shapes[i].kind);
		block = quote_of(&scene);
		assert_int_equal(read(block_view(block), &quote), TOBI_OK);
		assert_int_equal(quote.version, shapes[i].version);
		assert_int_equal(quote.body_kind, shapes[i].kind);
		assert_ptr_equal(quote.body.ptr, block.ptr + shapes[i].body_at);
		assert_int_equal(quote.body.size, shapes[i].body_size);
		assert_ptr_equal(quote.signed_part.ptr, block.ptr);
		assert_int_equal(quote.signed_part.size,
				 shapes[i].body_at + shapes[i].body_size);
		assert_ptr_equal(quote.signature.ptr,
				 quote.body.ptr + quote.body.size + 4);
		assert_ptr_equal(quote.attestation_key.ptr, quote.signature.ptr + 64);
		assert_ptr_equal(quote.key_part.ptr, quote.attestation_key.ptr);
		assert_ptr_equal(quote.key_part.ptr + quote.key_part.size,
				 block.ptr + block.size);
		assert_int_equal(quote.qe_report.size, 384);
		assert_int_equal(quote.qe_auth.size, 32);
		assert_int_equal(quote.certification, DCAP_PCK_CHAIN);
		assert_ptr_equal(quote.certification_data.ptr +
				     quote.certification_data.size,
				 block.ptr + block.size);
		assert_int_equal(quote.qe_svn, shapes[i].version == 3 ? 8 : 0);
		assert_int_equal(quote.pce_svn, shapes[i].version == 3 ? 0x11 : 0);
		block_done(block);
	}
}

static void test_dcap_quote_read__every_truncation__fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < SHAPES; i++) {
		struct dcap_scene scene;
		struct block block;

		dcap_scene_make(&scene);
		dcap_scene_kind(&scene, shapes[i].version, shapes[i].kind);
		block = quote_of(&scene);
		for (size_t size = 0; size < block.size; size++) {
			struct block cut =
			    block_new((struct tobi_bytes){block.ptr, size});
			struct dcap_quote quote;

			assert_int_equal(read(block_view(cut), &quote), TOBI_E_TRUNCATED);
			block_done(cut);
		}
		block_done(block);
	}
}

static void test_dcap_quote_read__zeros_behind__taken(void **state)
{
	static const uint8_t zeros[3065];
	struct dcap_scene scene;

	(void)state;
	dcap_scene_make(&scene);
	scene.padding = (struct tobi_bytes){zeros, sizeof(zeros)};
	assert_int_equal(read_scene(&scene), TOBI_OK);
}

static void test_dcap_quote_read__other_bytes_behind__fails(void **state)
{
	struct dcap_scene scene;

	(void)state;
	dcap_scene_make(&scene);
	scene.padding = BYTES(0, 0, '\n');
	assert_int_equal(read_scene(&scene), TOBI_E_TRAILING);
	scene.padding = BYTES(1);
	assert_int_equal(read_scene(&scene), TOBI_E_TRAILING);
}

/* A bit of a good quote is turned, and what comes of it is an error. */
static void flipped(unsigned version, enum dcap_body kind, size_t at, uint8_t by,
		    enum tobi_err expected)
{
	struct dcap_scene scene;
	struct dcap_quote quote = {.version = 77};
	struct block block;

	dcap_scene_make(&scene);
	dcap_scene_kind(&scene, version, kind);
	block = quote_of(&scene);
	block.ptr[at] ^= by;
	assert_int_equal(read(block_view(block), &quote), expected);
	assert_int_equal(quote.version, 77);
	block_done(block);
}

static void test_dcap_quote_read__header_that_is_not_known__fails(void **state)
{
	(void)state;
	flipped(3, DCAP_SGX, 0, 0x3 ^ 0x2, TOBI_E_UNSUPPORTED);
	flipped(5, DCAP_SGX, 0, 0x5 ^ 0x6, TOBI_E_UNSUPPORTED);
	flipped(3, DCAP_SGX, 1, 1, TOBI_E_UNSUPPORTED);
	flipped(3, DCAP_SGX, 2, 0x2 ^ 0x3, TOBI_E_UNSUPPORTED); /* P-384 */
	flipped(3, DCAP_SGX, 2, 0x2 ^ 0x1, TOBI_E_UNSUPPORTED); /* EPID */
	flipped(3, DCAP_SGX, 4, 0x81, TOBI_E_MALFORMED);	/* TDX has no version 3 */
	flipped(4, DCAP_SGX, 4, 1, TOBI_E_MALFORMED);
	flipped(4, DCAP_TD10, 7, 1, TOBI_E_MALFORMED);
}

static void test_dcap_quote_read__body_of_version_5_does_not_agree__fails(void **state)
{
	(void)state;
	flipped(5, DCAP_SGX, 48, 0x1 ^ 0x2, TOBI_E_MALFORMED); /* a TD under SGX */
	flipped(5, DCAP_TD10, 48, 0x2 ^ 0x1, TOBI_E_MALFORMED);
	flipped(5, DCAP_TD10, 48, 0x2 ^ 0x3, TOBI_E_MALFORMED); /* its size is another */
	flipped(5, DCAP_TD10, 48, 0x2 ^ 0x4, TOBI_E_MALFORMED);
	flipped(5, DCAP_TD10, 48, 2, TOBI_E_MALFORMED);
	flipped(5, DCAP_TD15, 50, 1, TOBI_E_MALFORMED);
	flipped(5, DCAP_TD15, 53, 0x80, TOBI_E_MALFORMED);
}

/* Type and size of the body agree, and are of another kind than the header's. */
static void test_dcap_quote_read__body_of_another_tee__fails(void **state)
{
	static const enum dcap_body kinds[] = {DCAP_SGX, DCAP_TD10, DCAP_TD15};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct dcap_scene scene;

		dcap_scene_make(&scene);
		dcap_scene_kind(&scene, 5, kinds[i]);
		assert_int_equal(read_scene(&scene), TOBI_OK);
		scene.tee ^= 0x81;
		assert_int_equal(read_scene(&scene), TOBI_E_MALFORMED);
	}
}

/* Adds to the size at an offset of a good quote. */
static enum tobi_err resized(unsigned version, size_t at, size_t size, int by)
{
	struct dcap_scene scene;
	struct dcap_quote quote;
	struct block block;
	enum tobi_err err;

	dcap_scene_make(&scene);
	dcap_scene_kind(&scene, version, DCAP_SGX);
	block = quote_of(&scene);
	store_le(block.ptr + at, size,
		 (uint64_t)((int64_t)load_le(block.ptr + at, size) + by));
	err = read(block_view(block), &quote);
	block_done(block);
	return err;
}

static void test_dcap_quote_read__sizes_do_not_agree__fails(void **state)
{
	const size_t data = 48 + 384, auth = data + 4 + 576, data4 = data + 4 + 128;

	(void)state;
	assert_int_equal(resized(3, data, 4, 1), TOBI_E_TRUNCATED);
	assert_int_equal(resized(3, data, 4, -1), TOBI_E_TRUNCATED);
	assert_int_equal(resized(3, data, 4, INT32_MAX), TOBI_E_TRUNCATED);
	assert_int_equal(resized(3, auth + 2 + 32 + 2, 4, 1), TOBI_E_TRUNCATED);
	assert_int_equal(resized(3, auth + 2 + 32 + 2, 4, -1), TOBI_E_TRAILING);
	assert_int_equal(resized(4, data4 + 2, 4, 1), TOBI_E_TRUNCATED);
	assert_int_equal(resized(4, data4 + 2, 4, -1), TOBI_E_TRAILING);
	assert_int_equal(resized(3, auth, 2, UINT16_MAX - 32), TOBI_E_LIMIT);
}

/* Whether that is what is wrong with a quote of so many bytes of it. */
static bool authentication_is_over(size_t size)
{
	const size_t at = 48 + 384 + 4 + 576;
	struct tobi_fault fault = {0};
	struct dcap_scene scene;
	struct dcap_quote quote;
	struct block block;

	dcap_scene_make(&scene);
	block = quote_of(&scene);
	store_le(block.ptr + at, 2, size);
	assert_int_not_equal(dcap_quote_read(block_view(block), "quote", &quote, &fault),
			     TOBI_OK);
	block_done(block);
	return strcmp(fault.field, "QE authentication data") == 0;
}

/* At the limit it is read; what is behind it is then in the midst of the certificates. */
static void test_dcap_quote_read__authentication_data__limited(void **state)
{
	(void)state;
	assert_false(authentication_is_over(LIMIT_DCAP_AUTH));
	assert_true(authentication_is_over(LIMIT_DCAP_AUTH + 1));
}

static void test_dcap_quote_read__authentication_data_of_other_sizes__read(void **state)
{
	struct dcap_scene scene;

	(void)state;
	dcap_scene_make(&scene);
	scene.qe_auth_size = 0;
	assert_int_equal(read_scene(&scene), TOBI_OK);
	scene.qe_auth_size = 64;
	assert_int_equal(read_scene(&scene), TOBI_OK);
}

static void test_dcap_quote_read__chain_at_and_over_the_limit(void **state)
{
	struct dcap_scene scene;

	(void)state;
	dcap_scene_make(&scene);
	scene.chain_count = 0;
	scene.nul = LIMIT_DCAP_CERTIFICATION;
	assert_int_equal(read_scene(&scene), TOBI_OK);
	scene.nul++;
	assert_int_equal(read_scene(&scene), TOBI_E_LIMIT);
}

static void test_dcap_quote_read__names_of_a_certificate__spans(void **state)
{
	static const size_t ppid[] = {0, 16, 256, 384};
	struct dcap_scene scene;

	(void)state;
	dcap_scene_make(&scene);
	scene.pck.pce_id[1] = 5;
	for (unsigned type = 1; type <= 3; type++) {
		struct dcap_quote quote;
		struct block block;

		scene.certification = type;
		block = quote_of(&scene);
		assert_int_equal(read(block_view(block), &quote), TOBI_OK);
		assert_int_equal(quote.certification, type);
		assert_int_equal(quote.ppid.size, ppid[type]);
		assert_bytes_equal(quote.cpusvn,
				   ((struct tobi_bytes){scene.pck.cpusvn, 16}));
		assert_bytes_equal(quote.pce_id,
				   ((struct tobi_bytes){scene.pck.pce_id, 2}));
		assert_int_equal(quote.pcesvn, scene.pck.pcesvn);
		block_done(block);
	}
}

/* The quote without its last bytes, and all sizes made to agree. */
static enum tobi_err shortened(unsigned certification, size_t by)
{
	struct dcap_scene scene;
	struct dcap_quote quote;
	struct block block;
	size_t inner = 48 + 384 + 4 + 576 + 2 + 32 + 2;
	enum tobi_err err;

	dcap_scene_make(&scene);
	scene.certification = certification;
	block = quote_of(&scene);
	block.size -= by;
	store_le(block.ptr + 432, 4, load_u32le(block.ptr + 432) - by);
	store_le(block.ptr + inner, 4, load_u32le(block.ptr + inner) - by);
	err = read(block_view(block), &quote);
	block_done(block);
	return err;
}

static void test_dcap_quote_read__name_of_another_size__fails(void **state)
{
	(void)state;
	for (unsigned type = 1; type <= 3; type++) {
		assert_int_equal(shortened(type, 1), TOBI_E_MALFORMED);
		assert_int_equal(shortened(type, 2), TOBI_OK); /* without a PCE-ID */
		assert_int_equal(shortened(type, 3), TOBI_E_MALFORMED);
		assert_int_equal(shortened(type, 36), TOBI_E_MALFORMED);
	}
}

static void test_dcap_quote_read__certification_that_is_not_known__fails(void **state)
{
	struct dcap_scene scene;

	(void)state;
	dcap_scene_make(&scene);
	scene.certification = DCAP_PCK_LEAF;
	assert_int_equal(read_scene(&scene), TOBI_OK);
	scene.certification = DCAP_PLATFORM_MANIFEST;
	assert_int_equal(read_scene(&scene), TOBI_OK);
	scene.certification = 0;
	assert_int_equal(read_scene(&scene), TOBI_E_UNSUPPORTED);
	scene.certification = DCAP_QE_REPORT;
	assert_int_equal(read_scene(&scene), TOBI_E_UNSUPPORTED);
	scene.certification = 8;
	assert_int_equal(read_scene(&scene), TOBI_E_UNSUPPORTED);
	dcap_scene_make(&scene);
	dcap_scene_kind(&scene, 4, DCAP_TD10);
	scene.outer = DCAP_PCK_CHAIN;
	assert_int_equal(read_scene(&scene), TOBI_E_UNSUPPORTED);
}

static void test_dcap_quote_starts__each_kind__known_and_no_other(void **state)
{
	(void)state;
	assert_true(dcap_quote_starts(BYTES(3, 0, 2, 0, 0, 0, 0, 0, 8, 0, 1, 0), false));
	assert_false(dcap_quote_starts(BYTES(3, 0, 2, 0, 0, 0, 0, 0, 8, 0, 1, 0), true));
	assert_true(
	    dcap_quote_starts(BYTES(4, 0, 2, 0, 0x81, 0, 0, 0, 0, 0, 0, 0), true));
	assert_false(
	    dcap_quote_starts(BYTES(4, 0, 2, 0, 0x81, 0, 0, 0, 0, 0, 0, 0), false));
	assert_false(dcap_quote_starts(BYTES(3, 0, 2, 0, 0, 0, 0, 0, 8, 0, 1), false));
	/* A report of SEV-SNP. */
	assert_false(dcap_quote_starts(BYTES(3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), false));
	assert_false(dcap_quote_starts(BYTES(6, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0), false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dcap_quote_read__each_version_and_body__spans),
	    cmocka_unit_test(test_dcap_quote_read__every_truncation__fails),
	    cmocka_unit_test(test_dcap_quote_read__zeros_behind__taken),
	    cmocka_unit_test(test_dcap_quote_read__other_bytes_behind__fails),
	    cmocka_unit_test(test_dcap_quote_read__header_that_is_not_known__fails),
	    cmocka_unit_test(
		test_dcap_quote_read__body_of_version_5_does_not_agree__fails),
	    cmocka_unit_test(test_dcap_quote_read__body_of_another_tee__fails),
	    cmocka_unit_test(test_dcap_quote_read__sizes_do_not_agree__fails),
	    cmocka_unit_test(test_dcap_quote_read__authentication_data__limited),
	    cmocka_unit_test(
		test_dcap_quote_read__authentication_data_of_other_sizes__read),
	    cmocka_unit_test(test_dcap_quote_read__chain_at_and_over_the_limit),
	    cmocka_unit_test(test_dcap_quote_read__names_of_a_certificate__spans),
	    cmocka_unit_test(test_dcap_quote_read__name_of_another_size__fails),
	    cmocka_unit_test(
		test_dcap_quote_read__certification_that_is_not_known__fails),
	    cmocka_unit_test(test_dcap_quote_starts__each_kind__known_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
