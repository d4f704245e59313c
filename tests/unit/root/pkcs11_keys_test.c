/* The objects in the token: making them, finding them, and what the token says of them.
 */
#include "tests/unit/root/token.h"

static const struct {
	ck_attribute_type_t type;
	bool of_made;
	const char *said;
} promises[] = {
    {CKA_TOKEN, false, "not kept in the token"},
    {CKA_PRIVATE, false, "without the PIN"},
    {CKA_SENSITIVE, false, "it can be read"},
    {CKA_EXTRACTABLE, false, "it can be exported"},
    {CKA_ALWAYS_SENSITIVE, true, "could once be read"},
    {CKA_NEVER_EXTRACTABLE, true, "could once be exported"},
};

enum { PROMISES = sizeof(promises) / sizeof(promises[0]) };

/* What such a module made is of no use, and is taken away again. */
static void test_keys_that_can_be_read__are_not_made(void **state)
{
	(void)state;
	for (size_t i = 0; i < PROMISES; i++) {
		token.fake->broken = promises[i].type;
		token.fake->broken_class = CKO_PRIVATE_KEY;
		token_not_made(TOBI_E_MISMATCH, "platform key", promises[i].said);
		token.fake->broken_class = CKO_SECRET_KEY;
		token_not_made(TOBI_E_MISMATCH, "seal root", promises[i].said);
	}
	token.fake->broken = CKA_VALUE;
	token.fake->gives_values = true;
	token.fake->broken_class = CKO_PRIVATE_KEY;
	token_not_made(TOBI_E_MISMATCH, "platform key", "gives it away");
	token.fake->broken_class = CKO_SECRET_KEY;
	token_not_made(TOBI_E_MISMATCH, "seal root", "gives it away");
}

static void test_keys_that_can_be_read_by_now__are_not_opened(void **state)
{
	(void)state;
	root_free(token_platform());
	for (size_t i = 0; i < PROMISES; i++) {
		token.fake->broken = promises[i].type;
		token.fake->broken_class = CKO_PRIVATE_KEY;
		token_refused(TOBI_E_MISMATCH, "platform key", promises[i].said);
		token.fake->broken_class = CKO_SECRET_KEY;
		/* An imported seal root was outside once. */
		if (!promises[i].of_made)
			token_refused(TOBI_E_MISMATCH, "seal root", promises[i].said);
	}
}

static void test_keys_imported__need_not_have_been_secret_always(void **state)
{
	static const uint8_t prk[32] = {1};

	(void)state;
	token.options.seal = (struct tobi_bytes){prk, 32};
	root_free(token_platform());
}

static void test_keys_not_made__says_which_and_leaves_nothing(void **state)
{
	static const uint8_t prk[32] = {1};

	(void)state;
	token_fail(FAKE_GENERATE_PAIR, CKR_DEVICE_MEMORY, 2);
	token_not_made(TOBI_E_SYSTEM, "platform key", "the token is full");
	token_fail(FAKE_GENERATE_PAIR, CKR_MECHANISM_INVALID, 2);
	token_not_made(TOBI_E_UNSUPPORTED, "platform key", "does not have this");
	token_fail(FAKE_GENERATE, CKR_TOKEN_WRITE_PROTECTED, 1);
	token_not_made(TOBI_E_DENIED, "seal root", "cannot be made");
	token.options.seal = (struct tobi_bytes){prk, 32};
	token_fail(FAKE_CREATE, CKR_TEMPLATE_INCONSISTENT, 1);
	token_not_made(TOBI_E_SYSTEM, "seal root", "cannot be imported");
}

static void test_keys_without_the_algorithms__are_not_made(void **state)
{
	(void)state;
	token.fake->no_hmac = true;
	token_not_made(TOBI_E_UNSUPPORTED, "seal root", "does not have this algorithm");
	token.fake->no_hmac = false;
	token_fail(FAKE_SIGN_INIT, CKR_MECHANISM_INVALID, 1);
	token_not_made(TOBI_E_UNSUPPORTED, "platform key", "does not have this");
}

static void test_keys_found__one_of_each_or_refused(void **state)
{
	(void)state;
	root_free(token_platform());
	token.fake->twice = true;
	token_refused(TOBI_E_MISMATCH, "platform key", "there are several");
	token.fake->twice = false;
	/* It says more than it was given room for. */
	token_fail(FAKE_FIND_INIT, CKR_DEVICE_ERROR, 1);
	token_refused(TOBI_E_SYSTEM, "platform key", "cannot be looked for");
	token_fail(FAKE_FIND, CKR_DEVICE_ERROR, 1);
	token_refused(TOBI_E_SYSTEM, "platform key", "cannot be looked for");
	/* Each of the three objects is missing once: a status that looks like none. */
	token_fail(FAKE_GET_ATTRIBUTE, CKR_OBJECT_HANDLE_INVALID, 1);
	token_refused(TOBI_E_SYSTEM, "platform key", "the object is gone");
}

static void test_keys_public_half__all_forms(void **state)
{
	(void)state;
	root_free(token_platform());
	token.fake->bare_point = true;
	token_opens();
	token.fake->bare_point = false;
	token.fake->odd_curve = true;
	token_refused(TOBI_E_UNSUPPORTED, "public key", "neither P-256 nor P-384");
	token.fake->odd_curve = false;
	token.fake->bad_point = true;
	{
		struct tobi_fault fault = {0};
		struct root *root = NULL;

		assert_int_not_equal(root_open(token.folder, &root, &fault), TOBI_OK);
		assert_string_equal(fault.object, "public key");
	}
	token.fake->bad_point = false;
	token.fake->huge_size = true;
	token_refused(TOBI_E_SYSTEM, "platform key", "cannot be looked at");
}

/* A point of the other curve is too long or too short for this one. */
static void test_keys_public_half__of_another_size__refused(void **state)
{
	(void)state;
	token.fake->no_p256 = true;
	root_free(token_platform());
	token.fake->short_point = true;
	token_refused(TOBI_E_MALFORMED, "public key", "bytes, not 97");
}

static void test_keys_gone_from_the_token__said(void **state)
{
	static const char *const names[] = {"platform key", "public key", "seal root"};
	static const ck_object_class_t classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY,
						    CKO_SECRET_KEY};

	(void)state;
	root_free(token_platform());
	for (size_t i = 0; i < 3; i++) {
		token.fake->hidden_class = classes[i];
		token.fake->hides = true;
		token_refused(TOBI_E_MISMATCH, names[i], "not there any more");
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, token_enter, token_leave)

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_keys_that_can_be_read__are_not_made),
	    TEST(test_keys_that_can_be_read_by_now__are_not_opened),
	    TEST(test_keys_imported__need_not_have_been_secret_always),
	    TEST(test_keys_not_made__says_which_and_leaves_nothing),
	    TEST(test_keys_without_the_algorithms__are_not_made),
	    TEST(test_keys_found__one_of_each_or_refused),
	    TEST(test_keys_public_half__all_forms),
	    TEST(test_keys_public_half__of_another_size__refused),
	    TEST(test_keys_gone_from_the_token__said),
	};

	token_module(count, arguments);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
