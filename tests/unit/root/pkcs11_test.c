/* The provider: a platform in a token, and tokens that fail while they are used. */
#include <openssl/hmac.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "pki/chain.h"
#include "tests/unit/root/token.h"

static enum tobi_err sign(struct root *root, struct tobi_fault *fault)
{
	struct writer signature = wr_init(256);
	enum tobi_err err = root_sign(root, text_bytes("message"), &signature, fault);

	if (!err)
		assert_int_equal(signature.size, 64);
	wr_done(&signature);
	return err;
}

static void test_pkcs11_platform__signs_with_the_key_of_its_certificate(void **state)
{
	struct root *root = token_platform();
	struct cose_signer signer = {.alg = COSE_ES256};
	struct cose_headers headers = {0};
	struct writer out = wr_init(1024);
	const struct tobi_bytes *chain;
	X509 *certificate = NULL;
	struct cose_sign1 sign1;
	struct stat st;
	char path[128];

	(void)state;
	assert_string_equal(root_kind(root), "pkcs11");
	assert_true(root_opens_files(root));
	assert_false(root_has_counter(root));
	assert_int_equal(root_chain(root, &chain), 2);
	assert_int_equal(chain_read_certificate(chain[0], "test", &certificate, NULL), 0);
	signer.context = root;
	signer.sign = (enum tobi_err(*)(void *, struct tobi_bytes, struct writer *,
					struct tobi_fault *))root_sign;
	assert_int_equal(
	    cose_write(&out, &signer, &headers, text_bytes("claims"), false, NULL), 0);
	assert_int_equal(
	    cose_parse(wr_view(&out), true, COSE_TAGGED, "test", &sign1, NULL), 0);
	assert_int_equal(cose_verify(&sign1, X509_get0_pubkey(certificate),
				     (struct tobi_bytes){0}, sign1.payload, "test", NULL),
			 0);
	/* Neither the CA's key nor the PIN is kept. */
	snprintf(path, sizeof(path), "%s/platform-ca.key", token.folder);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(path, sizeof(path), "%s/pkcs11.root", token.folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	X509_free(certificate);
	wr_done(&out);
	root_free(root);
}

static void test_pkcs11_p384__where_the_token_has_no_p256(void **state)
{
	struct writer signature = wr_init(256);
	struct root *root;

	(void)state;
	token.fake->no_p256 = true;
	root = token_platform();
	assert_int_equal(root_sign(root, text_bytes("message"), &signature, NULL),
			 TOBI_OK);
	assert_int_equal(signature.size, 96);
	wr_done(&signature);
	root_free(root);
}

/* What HKDF's extract step makes of a seal root without salt. */
static void extract(struct tobi_bytes secret, uint8_t ret_prk[static 32])
{
	static const uint8_t zeros[32];
	unsigned size = 32;

	assert_non_null(
	    HMAC(EVP_sha256(), zeros, 32, secret.ptr, secret.size, ret_prk, &size));
}

static void test_pkcs11_imported_seal_root__derives_what_a_file_derives(void **state)
{
	static const uint8_t secret[32] = {11, 12, 13};
	uint8_t prk[32], key[32], same[32], long_info[4096] = {7};
	const struct tobi_bytes infos[] = {
	    text_bytes(""), text_bytes("a"), {long_info, sizeof(long_info) - 1}};
	struct root *root;

	(void)state;
	extract((struct tobi_bytes){secret, 32}, prk);
	token.options.seal = (struct tobi_bytes){prk, 32};
	root = token_platform();
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(root_derive(root, infos[i], key, NULL), TOBI_OK);
		assert_int_equal(
		    hkdf_sha256((struct tobi_bytes){secret, 32}, infos[i], same, 32), 0);
		assert_memory_equal(key, same, 32);
	}
	assert_int_equal(
	    root_derive(root, (struct tobi_bytes){long_info, 4096}, key, NULL),
	    TOBI_E_LIMIT);
	root_free(root);
}

static void test_pkcs11_seal_root_of_another_size__is_not_imported(void **state)
{
	static const uint8_t prk[33];

	(void)state;
	token.options.seal = (struct tobi_bytes){prk, 31};
	token_not_made(TOBI_E_ARGUMENT, "seal root", "31 bytes");
	token.options.seal.size = 33;
	token_not_made(TOBI_E_ARGUMENT, "seal root", "33 bytes");
}

static void test_pkcs11_new_seal_roots__differ_and_stay(void **state)
{
	uint8_t first[32], again[32];
	struct root *root = token_platform();

	(void)state;
	assert_int_equal(root_derive(root, text_bytes("info"), first, NULL), TOBI_OK);
	root_free(root);
	assert_int_equal(root_open(token.folder, &root, NULL), TOBI_OK);
	assert_int_equal(root_derive(root, text_bytes("info"), again, NULL), TOBI_OK);
	assert_memory_equal(first, again, 32);
	root_free(root);
	snprintf(token.folder, sizeof(token.folder), "%s/second", token.base);
	root = token_platform();
	assert_int_equal(root_derive(root, text_bytes("info"), again, NULL), TOBI_OK);
	assert_memory_not_equal(first, again, 32);
	root_free(root);
}

/* ---- while it is used ---- */

static void test_pkcs11_session_lost__is_opened_again_once(void **state)
{
	static const ck_rv_t lost[] = {CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED,
				       CKR_USER_NOT_LOGGED_IN, CKR_DEVICE_REMOVED,
				       CKR_TOKEN_NOT_PRESENT};
	struct root *root = token_platform();
	struct tobi_fault fault = {0};
	uint8_t key[32];

	(void)state;
	token.fake->lose_session = true;
	assert_int_equal(sign(root, NULL), TOBI_OK);
	token.fake->lose_session = true;
	assert_int_equal(root_derive(root, text_bytes("info"), key, NULL), TOBI_OK);
	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
		unsigned before = token.fake->calls[FAKE_LOGIN];

		token_fail(FAKE_SIGN, lost[i], 1);
		assert_int_equal(sign(root, NULL), TOBI_OK);
		assert_int_equal(token.fake->calls[FAKE_LOGIN], before + 1);
		/* It stays lost: the second answer counts. */
		token_fail(FAKE_SIGN, lost[i], 2);
		assert_int_equal(sign(root, &fault), TOBI_E_SYSTEM);
		assert_string_equal(fault.field, "platform key");
		assert_int_equal(token.fake->calls[FAKE_LOGIN], before + 2);
		assert_int_equal(sign(root, NULL), TOBI_OK);
	}
	root_free(root);
}

static void test_pkcs11_other_failures__are_not_tried_again(void **state)
{
	struct root *root = token_platform();
	unsigned before = token.fake->calls[FAKE_SIGN];
	struct tobi_fault fault = {0};

	(void)state;
	token_fail(FAKE_SIGN, CKR_DEVICE_ERROR, 1);
	assert_int_equal(sign(root, &fault), TOBI_E_SYSTEM);
	assert_non_null(strstr(fault.message, "CKR_DEVICE_ERROR"));
	assert_int_equal(token.fake->calls[FAKE_SIGN], before + 1);
	assert_int_equal(sign(root, NULL), TOBI_OK);
	token_fail(FAKE_SIGN_INIT, 0x80000123, 1);
	assert_int_equal(sign(root, &fault), TOBI_E_SYSTEM);
	assert_non_null(strstr(fault.message, "0x80000123"));
	root_free(root);
}

static void test_pkcs11_token_removed__refused_until_it_is_back(void **state)
{
	struct root *root = token_platform();
	struct tobi_fault fault = {0};
	uint8_t key[32];

	(void)state;
	token.fake->tokens[0].absent = true;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(sign(root, &fault), TOBI_E_SYSTEM);
		assert_non_null(strstr(fault.message, "'plat' is not there"));
		assert_int_equal(root_derive(root, text_bytes("info"), key, &fault),
				 TOBI_E_SYSTEM);
	}
	token.fake->tokens[0].absent = false;
	assert_int_equal(sign(root, NULL), TOBI_OK);
	assert_int_equal(root_derive(root, text_bytes("info"), key, NULL), TOBI_OK);
	root_free(root);
}

static void test_pkcs11_another_token_in_its_place__is_not_taken(void **state)
{
	struct root *root = token_platform();
	struct tobi_fault fault = {0};

	(void)state;
	token.fake->tokens[0].serial = "0002";
	token.fake->lose_session = true;
	assert_int_equal(sign(root, &fault), TOBI_E_MISMATCH);
	assert_non_null(strstr(fault.message, "another serial number"));
	root_free(root);
	token_refused(TOBI_E_MISMATCH, "token", "another serial number than 0001");
}

/* A PIN that was changed meanwhile is tried once, not at each report. */
static void test_pkcs11_pin_changed_while_it_runs__is_tried_once(void **state)
{
	struct root *root = token_platform();
	struct tobi_fault fault = {0};
	unsigned before = token.fake->calls[FAKE_LOGIN];

	(void)state;
	token.fake->pin = "5678";
	token.fake->lose_session = true;
	assert_int_equal(sign(root, &fault), TOBI_E_DENIED);
	assert_non_null(strstr(fault.message, "the PIN is wrong"));
	for (int i = 0; i < 5; i++) {
		assert_int_equal(sign(root, &fault), TOBI_E_DENIED);
		assert_non_null(strstr(fault.message, "not tried again"));
	}
	assert_int_equal(token.fake->calls[FAKE_LOGIN], before + 1);
	root_free(root);
}

static void test_pkcs11_key_handle_lost__is_looked_for_again(void **state)
{
	struct root *root = token_platform();
	struct tobi_fault fault = {0};

	(void)state;
	token_fail(FAKE_SIGN_INIT, CKR_KEY_HANDLE_INVALID, 1);
	assert_int_equal(sign(root, NULL), TOBI_OK);
	token_fail(FAKE_SIGN_INIT, CKR_KEY_HANDLE_INVALID, 1);
	token.fake->twice = true;
	assert_int_equal(sign(root, &fault), TOBI_E_MISMATCH);
	assert_non_null(strstr(fault.message, "several"));
	token.fake->twice = false;
	assert_int_equal(sign(root, NULL), TOBI_OK);
	root_free(root);
}

/* ---- answers of a module that lies ---- */

static void test_pkcs11_wrong_sizes__are_refused(void **state)
{
	struct root *root = token_platform();
	struct tobi_fault fault = {0};
	uint8_t key[32] = {0};

	(void)state;
	token.fake->huge_size = true;
	assert_int_equal(sign(root, &fault), TOBI_E_LIMIT);
	assert_int_equal(root_derive(root, text_bytes("info"), key, &fault),
			 TOBI_E_LIMIT);
	token.fake->huge_size = false;
	token.fake->short_signature = true;
	assert_int_equal(sign(root, &fault), TOBI_E_CRYPTO);
	token.fake->short_signature = false;
	token.fake->wrong_hmac = true;
	assert_int_equal(root_derive(root, text_bytes("info"), key, &fault),
			 TOBI_E_CRYPTO);
	assert_non_null(strstr(fault.message, "31 bytes"));
	for (size_t i = 0; i < 32; i++)
		assert_int_equal(key[i], 0);
	root_free(root);
}

static void test_pkcs11_signatures_of_another_key__are_found_out(void **state)
{
	(void)state;
	root_free(token_platform());
	token.fake->other_key = true;
	token_refused(TOBI_E_MISMATCH, "platform key", "not that of its public key");
}

static void test_pkcs11_options__each_is_needed(void **state)
{
	const struct root_options good = token.options;
	char long_path[LIMIT_PATH + 2];

	(void)state;
	token.options.device = NULL;
	token_not_made(TOBI_E_ARGUMENT, "module", "--device");
	token.options = good;
	token.options.token = "";
	token_not_made(TOBI_E_ARGUMENT, "token", "--token");
	token.options.token = "a label of more than thirty-two bytes";
	token_not_made(TOBI_E_LIMIT, "token", "32 bytes");
	token.options = good;
	token.options.pin_file = NULL;
	token_not_made(TOBI_E_ARGUMENT, "PIN file", "--pin-file");
	token.options.pin_file = "pin";
	token_not_made(TOBI_E_ARGUMENT, "PIN file", "whole path");
	memset(long_path, '/', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = 0;
	token.options = good;
	token.options.device = long_path;
	token_not_made(TOBI_E_LIMIT, "module", "1024 bytes");
}

static void test_pkcs11_marker__others_may_not_read_it(void **state)
{
	struct tobi_fault fault = {0};
	struct root *root = NULL;
	char path[128];

	(void)state;
	root_free(token_platform());
	snprintf(path, sizeof(path), "%s/pkcs11.root", token.folder);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(root_open(token.folder, &root, &fault), TOBI_E_DENIED);
	assert_non_null(strstr(fault.message, "chmod 600"));
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(file_write(path, 0600, text_bytes("x"), "x", NULL), TOBI_OK);
	assert_int_not_equal(root_open(token.folder, &root, &fault), TOBI_OK);
	assert_string_equal(fault.object, "pkcs11.root");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, token_enter, token_leave)

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_pkcs11_platform__signs_with_the_key_of_its_certificate),
	    TEST(test_pkcs11_p384__where_the_token_has_no_p256),
	    TEST(test_pkcs11_imported_seal_root__derives_what_a_file_derives),
	    TEST(test_pkcs11_seal_root_of_another_size__is_not_imported),
	    TEST(test_pkcs11_new_seal_roots__differ_and_stay),
	    TEST(test_pkcs11_session_lost__is_opened_again_once),
	    TEST(test_pkcs11_other_failures__are_not_tried_again),
	    TEST(test_pkcs11_token_removed__refused_until_it_is_back),
	    TEST(test_pkcs11_another_token_in_its_place__is_not_taken),
	    TEST(test_pkcs11_pin_changed_while_it_runs__is_tried_once),
	    TEST(test_pkcs11_key_handle_lost__is_looked_for_again),
	    TEST(test_pkcs11_wrong_sizes__are_refused),
	    TEST(test_pkcs11_signatures_of_another_key__are_found_out),
	    TEST(test_pkcs11_options__each_is_needed),
	    TEST(test_pkcs11_marker__others_may_not_read_it),
	};

	token_module(count, arguments);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
