#include "tee/dcap_certificates.h"

#include "tests/bytes.h"
#include "tests/dcap_scene.h"

static enum tobi_err read(struct tobi_bytes bytes, size_t *ret_count)
{
	struct dcap_certificates list = {0};
	struct block block = block_new(bytes);
	struct tobi_fault fault = {0};
	enum tobi_err err =
	    dcap_certificates_read(block_view(block), "chain", &list, &fault);

	assert_int_equal(err, fault.code);
	*ret_count = list.count;
	dcap_certificates_done(&list);
	block_done(block);
	return err;
}

/* before, the root, between, the root, after. */
static enum tobi_err framed(const char *before, const char *between,
			    struct tobi_bytes after, size_t *ret_count)
{
	struct writer out = wr_init(LIMIT_PEM);
	struct dcap_scene scene;
	enum tobi_err err;

	dcap_scene_make(&scene);
	wr_bytes(&out, before, strlen(before));
	dcap_scene_pem(&scene, DCAP_ROOT, &out);
	wr_bytes(&out, between, strlen(between));
	dcap_scene_pem(&scene, DCAP_ROOT, &out);
	wr_bytes(&out, after.ptr, after.size);
	err = read(wr_view(&out), ret_count);
	wr_done(&out);
	return err;
}

static void test_dcap_certificates_read__pem__all_of_them(void **state)
{
	size_t count;

	(void)state;
	assert_int_equal(framed("", "", BYTES(0), &count), TOBI_OK);
	assert_int_equal(count, 2);
	assert_int_equal(framed("\n", "\r\n\n", BYTES('\n', 0, 0, '\n'), &count),
			 TOBI_OK);
	assert_int_equal(count, 2);
}

static void test_dcap_certificates_read__something_else_around_them__fails(void **state)
{
	size_t count;

	(void)state;
	assert_int_equal(framed(" ", "", BYTES(0), &count), TOBI_E_TRAILING);
	assert_int_equal(framed("", "x", BYTES(0), &count), TOBI_E_TRAILING);
	assert_int_equal(framed("", "", BYTES(0, 1), &count), TOBI_E_TRAILING);
	assert_int_equal(framed("", "", BYTES(' '), &count), TOBI_E_TRAILING);
	assert_int_equal(framed("", "-----BEGIN CERTIFICATE-----", BYTES(0), &count),
			 TOBI_E_MALFORMED);
}

/* Two certificates, of which one byte is another. */
static enum tobi_err spoiled(size_t at, uint8_t byte)
{
	struct writer out = wr_init(LIMIT_PEM);
	struct dcap_scene scene;
	size_t count;
	enum tobi_err err;

	dcap_scene_make(&scene);
	dcap_scene_pem(&scene, DCAP_ROOT, &out);
	dcap_scene_pem(&scene, DCAP_ROOT, &out);
	assert_int_equal(wr_err(&out), TOBI_OK);
	/* From the end where it is so far behind. */
	at = at < out.size ? at : out.size - (SIZE_MAX - at) - 1;
	assert_int_not_equal(out.ptr[at], byte);
	out.ptr[at] = byte;
	err = read(wr_view(&out), &count);
	wr_done(&out);
	return err;
}

static void test_dcap_certificates_read__mark_with_a_wrong_byte__fails(void **state)
{
	const size_t begin = strlen("-----BEGIN CERTIFICATE-----");
	const size_t end = strlen("-----END CERTIFICATE-----\n");

	(void)state;
	for (size_t i = 0; i < begin; i++)
		assert_int_not_equal(spoiled(i, '*'), TOBI_OK);
	for (size_t i = 1; i < end; i++)
		assert_int_not_equal(spoiled(SIZE_MAX - i, '*'), TOBI_OK);
}

static void test_dcap_certificates_read__no_base64__fails(void **state)
{
	static const uint8_t others[] = {'!', '-',  '_', ':',  '=',
					 ' ', '\t', 0,	 0x80, 0xff};
	const size_t line = strlen("-----BEGIN CERTIFICATE-----\n");

	(void)state;
	for (size_t i = 0; i < sizeof(others); i++) {
		if (!spoiled(line + 8, others[i]))
			fail_msg("taken: %02x", others[i]);
		if (!spoiled(line + 63, others[i]))
			fail_msg("taken at the end: %02x", others[i]);
	}
}

static void test_dcap_certificates_read__der__one(void **state)
{
	struct dcap_scene scene;
	X509 *root;
	uint8_t *der = NULL;
	int size;
	size_t count;

	(void)state;
	dcap_scene_make(&scene);
	root = dcap_scene_certificate(&scene, DCAP_ROOT);
	size = i2d_X509(root, &der);
	assert_true(size > 0);
	assert_int_equal(read((struct tobi_bytes){der, (size_t)size}, &count), TOBI_OK);
	assert_int_equal(count, 1);
	assert_int_equal(read((struct tobi_bytes){der, (size_t)size - 1}, &count),
			 TOBI_E_MALFORMED);
	/* A byte behind it. */
	der = OPENSSL_realloc(der, (size_t)size + 1);
	assert_non_null(der);
	der[size] = 0;
	assert_int_equal(read((struct tobi_bytes){der, (size_t)size + 1}, &count),
			 TOBI_E_TRAILING);
	OPENSSL_free(der);
	X509_free(root);
}

static void test_dcap_certificates_read__nothing__none(void **state)
{
	size_t count;

	(void)state;
	assert_int_equal(read((struct tobi_bytes){0}, &count), TOBI_OK);
	assert_int_equal(count, 0);
	assert_int_equal(read(BYTES(0, 0), &count), TOBI_OK);
	assert_int_equal(count, 0);
}

static void
test_dcap_certificates_read__every_truncation__fails_or_has_fewer(void **state)
{
	struct writer out = wr_init(LIMIT_PEM);
	struct dcap_scene scene;
	size_t first, count;

	(void)state;
	dcap_scene_make(&scene);
	dcap_scene_pem(&scene, DCAP_ROOT, &out);
	first = out.size;
	dcap_scene_pem(&scene, DCAP_ROOT, &out);
	for (size_t size = 1; size < out.size - 1; size++) {
		enum tobi_err err = read((struct tobi_bytes){out.ptr, size}, &count);

		/* Whole after the end mark of the first, with or without its newline. */
		if (size == first || size == first - 1)
			assert_true(!err && count == 1);
		else
			assert_true(err);
	}
	wr_done(&out);
}

static void test_dcap_certificates_read__more_than_the_limit__fails(void **state)
{
	struct writer out = wr_init(LIMIT_PEM);
	struct dcap_scene scene;
	size_t count;

	(void)state;
	dcap_scene_make(&scene);
	for (unsigned i = 0; i < PINNED_CERTIFICATES_MAX; i++)
		dcap_scene_pem(&scene, DCAP_ROOT, &out);
	assert_int_equal(read(wr_view(&out), &count), TOBI_OK);
	assert_int_equal(count, PINNED_CERTIFICATES_MAX);
	dcap_scene_pem(&scene, DCAP_ROOT, &out);
	assert_int_equal(read(wr_view(&out), &count), TOBI_E_LIMIT);
	wr_done(&out);
}

static void test_dcap_certificates_read__text_over_the_limit__fails(void **state)
{
	uint8_t *newlines = malloc(LIMIT_PEM + 1);
	size_t count;

	(void)state;
	assert_non_null(newlines);
	memset(newlines, '\n', LIMIT_PEM + 1);
	assert_int_equal(read((struct tobi_bytes){newlines, LIMIT_PEM}, &count), TOBI_OK);
	assert_int_equal(read((struct tobi_bytes){newlines, LIMIT_PEM + 1}, &count),
			 TOBI_E_LIMIT);
	free(newlines);
}

static void read_again(struct memo *memo, struct tobi_bytes pem,
		       struct dcap_certificates *list)
{
	*list = (struct dcap_certificates){.memo = memo};
	assert_int_equal(dcap_certificates_read(pem, "chain", list, NULL), TOBI_OK);
}

/* A CA's is the same object the next time; a platform's would push others out. */
static void test_dcap_certificates_read__with_a_memo__issuers_are_known(void **state)
{
	struct writer out = wr_init(LIMIT_PEM);
	struct dcap_certificates first, second;
	struct memo *memo = memo_new();
	struct dcap_scene scene;

	(void)state;
	assert_non_null(memo);
	dcap_scene_make(&scene);
	dcap_scene_pem(&scene, DCAP_ROOT, &out);
	dcap_scene_pem(&scene, DCAP_PCK, &out);
	read_again(memo, wr_view(&out), &first);
	read_again(memo, wr_view(&out), &second);
	assert_int_equal(second.count, 2);
	assert_ptr_equal(first.list[0], second.list[0]);
	assert_ptr_not_equal(first.list[1], second.list[1]);
	dcap_certificates_done(&first);
	memo_free(memo);
	assert_int_equal(X509_get_version(second.list[0]), X509_VERSION_3);
	dcap_certificates_done(&second);
	wr_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dcap_certificates_read__pem__all_of_them),
	    cmocka_unit_test(
		test_dcap_certificates_read__something_else_around_them__fails),
	    cmocka_unit_test(test_dcap_certificates_read__mark_with_a_wrong_byte__fails),
	    cmocka_unit_test(test_dcap_certificates_read__no_base64__fails),
	    cmocka_unit_test(test_dcap_certificates_read__der__one),
	    cmocka_unit_test(test_dcap_certificates_read__nothing__none),
	    cmocka_unit_test(
		test_dcap_certificates_read__every_truncation__fails_or_has_fewer),
	    cmocka_unit_test(test_dcap_certificates_read__more_than_the_limit__fails),
	    cmocka_unit_test(test_dcap_certificates_read__with_a_memo__issuers_are_known),
	    cmocka_unit_test(test_dcap_certificates_read__text_over_the_limit__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
