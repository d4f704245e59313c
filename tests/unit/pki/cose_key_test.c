/* COSE_Key: each kind comes back as it was, and what is no key is refused. */
#include "pki/cose_key.h"

#include "tests/corim_scene.h"
#include "odd.h"

static void test_pki_cose_key__each_kind__comes_back(void **state)
{
	EVP_PKEY *const keys[] = {odd_key(KEY_P256), odd_key(KEY_P384),
				  EVP_EC_gen("P-521"), odd_key(KEY_ED25519)};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct writer item = wr_init(1024);
		EVP_PKEY *back = NULL;

		assert_int_equal(cose_key_write(&item, keys[i]), 0);
		assert_int_equal(cose_key_read(wr_view(&item), "test", &back, NULL), 0);
		assert_int_equal(EVP_PKEY_eq(keys[i], back), 1);
		for (size_t size = 0; size < item.size; size++) {
			EVP_PKEY *cut = NULL;

			assert_int_not_equal(
			    cose_key_read((struct tobi_bytes){item.ptr, size}, "test",
					  &cut, NULL),
			    0);
			assert_null(cut);
		}
		EVP_PKEY_free(keys[i]);
		EVP_PKEY_free(back);
		wr_done(&item);
	}
}

static void test_pki_cose_key__what_is_no_key__is_refused(void **state)
{
#define POINT "h000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"
	static const struct {
		const char *words;
		enum tobi_err err;
	} cases[] = {
	    {"m3 1 4 -1 1 -2 " POINT, TOBI_E_UNSUPPORTED},
	    {"m4 1 2 -1 8 -2 " POINT " -3 " POINT, TOBI_E_UNSUPPORTED},
	    {"m3 1 2 -1 1 -2 " POINT, TOBI_E_MALFORMED},
	    {"m4 1 2 -1 1 -2 " POINT " -3 T", TOBI_E_MALFORMED},      /* compressed */
	    {"m4 1 2 -1 1 -2 " POINT " -3 " POINT, TOBI_E_MALFORMED}, /* no point */
	    {"m4 1 2 -1 2 -2 " POINT " -3 " POINT, TOBI_E_MALFORMED},
	    {"m3 1 1 -1 6 -2 h00", TOBI_E_MALFORMED},
	    {"m4 1 1 3 -7 -1 6 -2 " POINT, TOBI_E_MALFORMED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct writer item = wr_init(1024);
		EVP_PKEY *key = NULL;

		corim_diag(&item, cases[i].words);
		assert_int_equal(cose_key_read(wr_view(&item), "test", &key, NULL),
				 cases[i].err);
		assert_null(key);
		wr_done(&item);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pki_cose_key__each_kind__comes_back),
	    cmocka_unit_test(test_pki_cose_key__what_is_no_key__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
