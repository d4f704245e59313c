#include "sample.h"

#include <stdio.h>

#include "image/oci_digest.h"

/* of nothing */
#define EMPTY_256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define EMPTY_512                                                                        \
	"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2" \
	"b"                                                                              \
	"0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"

static void test_digest_parse__forms(void **state)
{
	static const char *const wrong[] = {"",
					    "sha256:",
					    "sha256",
					    "md5:d41d8cd98f00b204e9800998ecf8427e",
					    "sha384:" EMPTY_256,
					    "sha512:" EMPTY_256,
					    "sha256:" EMPTY_512,
					    "SHA256:" EMPTY_256,
					    "sha256:" EMPTY_256 "0",
					    "sha256:" EMPTY_256 "\n",
					    "sha256:../../../../../../etc/passwd",
					    "sha256:E3b0c44298fc1c149afbf4c8996fb92427ae"
					    "41e4649b934ca495991b7852b855",
					    "sha256:g3b0c44298fc1c149afbf4c8996fb92427ae"
					    "41e4649b934ca495991b7852b855"};
	struct oci_digest digest = {0};

	(void)state;
	assert_true(oci_digest_parse("sha256:" EMPTY_256, &digest));
	assert_int_equal(digest.size, 32);
	assert_true(oci_digest_parse("sha512:" EMPTY_512, &digest));
	assert_int_equal(digest.size, 64);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(oci_digest_parse(wrong[i], &digest));
}

static enum tobi_err compare(const char *digest_text, const char *content)
{
	struct oci_digest digest = {0};
	struct oci_hash hash;
	enum tobi_err err;

	if (digest_text)
		assert_true(oci_digest_parse(digest_text, &digest));
	assert_int_equal(oci_hash_init(&digest, &hash, NULL), TOBI_OK);
	assert_int_equal(oci_hash_add(&hash, text(content), NULL), TOBI_OK);
	err = oci_hash_finish(&hash, "blob", "digest", NULL);
	oci_hash_done(&hash);
	return err;
}

static void test_hash__equal_and_other_content(void **state)
{
	(void)state;
	assert_int_equal(compare("sha256:" EMPTY_256, ""), TOBI_OK);
	assert_int_equal(compare("sha512:" EMPTY_512, ""), TOBI_OK);
	assert_int_equal(compare("sha256:" EMPTY_256, "x"), TOBI_E_MISMATCH);
	assert_int_equal(compare("sha512:" EMPTY_512, "x"), TOBI_E_MISMATCH);
	/* None is known: nothing to compare. */
	assert_int_equal(compare(NULL, "x"), TOBI_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_digest_parse__forms),
	    cmocka_unit_test(test_hash__equal_and_other_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
