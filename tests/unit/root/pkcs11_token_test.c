/* Finding the token among others, and its PIN. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/unit/root/token.h"

static void set_token(size_t at, const char *label, const char *serial)
{
	token.fake->tokens[at].label = label;
	token.fake->tokens[at].serial = serial;
	if (token.fake->token_count <= at)
		token.fake->token_count = at + 1;
}

static void test_token_labels_alike__the_serial_number_decides(void **state)
{
	(void)state;
	set_token(1, "plat", "0002");
	token_not_made(TOBI_E_ARGUMENT, "token", "2 tokens are called 'plat'");
	token.options.token = "0002";
	root_free(token_platform());
	token.fake->tokens[1].absent = true;
	token_refused(TOBI_E_MISMATCH, "token", "another serial number than 0002");
	token.fake->tokens[1].absent = false;
	/* In another slot it is still the same. */
	set_token(0, "plat", "0002");
	set_token(1, "plat", "0001");
	token_opens();
}

static void test_token_not_there__said_with_how_many_are(void **state)
{
	(void)state;
	token.options.token = "other";
	token_not_made(TOBI_E_SYSTEM, "token", "not there; the module shows 1 other");
	set_token(1, "another", "0002");
	token_not_made(TOBI_E_SYSTEM, "token", "not there; the module shows 2 others");
	set_token(0, "other", "");
	token_not_made(TOBI_E_UNSUPPORTED, "token", "no serial number");
}

static void test_token_slots__bounded(void **state)
{
	(void)state;
	token.fake->slot_count = 64;
	root_free(token_platform());
	token.fake->slot_count = 65;
	token_refused(TOBI_E_LIMIT, "slots", "more than 64");
	token.fake->slot_count = 0;
	token.fake->huge_count = true;
	token_refused(TOBI_E_LIMIT, "slots", "more than 64");
	token.fake->huge_count = false;
	token_fail(FAKE_SLOT_LIST, CKR_FUNCTION_FAILED, 1);
	token_refused(TOBI_E_SYSTEM, "slots", "cannot be listed");
	token_fail(FAKE_TOKEN_INFO, CKR_DEVICE_ERROR, 9);
	token_refused(TOBI_E_SYSTEM, "token", "not there");
}

/* ---- the PIN ---- */

static void refused_untried(enum tobi_err err, const char *field, const char *part)
{
	unsigned before = token.fake->calls[FAKE_LOGIN];

	token_refused(err, field, part);
	assert_int_equal(token.fake->calls[FAKE_LOGIN], before);
}

static void test_pin_wrong__tried_once_and_says_what_is_left(void **state)
{
	static const struct {
		ck_flags_t after;
		const char *said;
	} cases[] = {
	    {0, "tried once: the PIN is wrong"},
	    {CKF_USER_PIN_COUNT_LOW, "few tries are left"},
	    {CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY, "one try is left"},
	    {CKF_USER_PIN_LOCKED, "the token has locked it"},
	};

	(void)state;
	root_free(token_platform());
	token_write_pin("9999");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned before = token.fake->calls[FAKE_LOGIN];

		token.fake->flags = 0;
		token.fake->after_wrong = cases[i].after;
		token_refused(TOBI_E_DENIED, "PIN", cases[i].said);
		assert_int_equal(token.fake->calls[FAKE_LOGIN], before + 1);
	}
}

/* A service that is started again and again does not lock the token. */
static void test_pin_last_try_or_locked__is_not_tried(void **state)
{
	(void)state;
	root_free(token_platform());
	token.fake->flags = CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY;
	refused_untried(TOBI_E_DENIED, "PIN", "one try is left");
	token.fake->flags = CKF_USER_PIN_LOCKED;
	refused_untried(TOBI_E_DENIED, "PIN", "CKR_PIN_LOCKED");
	token.fake->flags = CKF_USER_PIN_COUNT_LOW;
	token_opens();
}

static void test_pin_answers_of_the_token__are_told(void **state)
{
	static const struct {
		ck_rv_t status;
		enum tobi_err err;
		const char *said;
	} cases[] = {
	    {CKR_PIN_LOCKED, TOBI_E_DENIED, "security officer"},
	    {CKR_PIN_EXPIRED, TOBI_E_DENIED, "has expired"},
	    {CKR_PIN_LEN_RANGE, TOBI_E_DENIED, "too short or too long"},
	    {CKR_USER_PIN_NOT_INITIALIZED, TOBI_E_DENIED, "no user PIN yet"},
	    {CKR_DEVICE_REMOVED, TOBI_E_SYSTEM, "has been removed"},
	};

	(void)state;
	root_free(token_platform());
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		token_fail(FAKE_LOGIN, cases[i].status, 1);
		token_refused(cases[i].err, "PIN", cases[i].said);
	}
	token_fail(FAKE_LOGIN, CKR_USER_ALREADY_LOGGED_IN, 1);
	/* Nobody is, in truth. */
	token_refused(TOBI_E_SYSTEM, "platform key", "login is lost");
	token_fail(FAKE_OPEN_SESSION, CKR_SESSION_COUNT, 1);
	token_refused(TOBI_E_SYSTEM, "session", "others have all sessions");
}

static void test_pin_file__only_this_users_own(void **state)
{
	char moved[128];

	(void)state;
	root_free(token_platform());
	assert_int_equal(chmod(token.pin_file, 0640), 0);
	{
		struct tobi_fault fault = {0};
		struct root *root = NULL;

		assert_int_equal(root_open(token.folder, &root, &fault), TOBI_E_DENIED);
		assert_string_equal(fault.object, "PIN file");
		assert_non_null(strstr(fault.message, "chmod 600"));
	}
	assert_int_equal(chmod(token.pin_file, 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(token.pin_file, 12345, 0), 0);
		refused_untried(TOBI_E_DENIED, "PIN file", "another user");
		assert_int_equal(chown(token.pin_file, 0, 0), 0);
	}
	snprintf(moved, sizeof(moved), "%s.moved", token.pin_file);
	assert_int_equal(rename(token.pin_file, moved), 0);
	/* There is a platform: "not found" would say that there is none. */
	refused_untried(TOBI_E_SYSTEM, "PIN file", "cannot look at");
	assert_int_equal(rename(moved, token.pin_file), 0);
}

static void test_pin_file__its_content(void **state)
{
	static const char *const good[] = {"1234", "1234\n", "1234\r\n"};
	static const char *const empty[] = {"", "\n", "\r\n"};
	static const char *const wrong[] = {" 1234", "1234 ", "1234\n\n", "1234\r"};
	char longest[258] = {0};

	(void)state;
	root_free(token_platform());
	for (size_t i = 0; i < 3; i++) {
		token_write_pin(good[i]);
		token_opens();
		token_write_pin(empty[i]);
		refused_untried(TOBI_E_ARGUMENT, "PIN file", "is empty");
	}
	for (size_t i = 0; i < 4; i++) {
		token_write_pin(wrong[i]);
		token_refused(TOBI_E_DENIED, "PIN", "the PIN is wrong");
	}
	memset(longest, '1', 257);
	token_write_pin(longest);
	refused_untried(TOBI_E_LIMIT, "", "over 256 bytes");
	longest[256] = 0;
	token_write_pin(longest);
	token.fake->pin = longest;
	token_opens();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, token_enter, token_leave)

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_token_labels_alike__the_serial_number_decides),
	    TEST(test_token_not_there__said_with_how_many_are),
	    TEST(test_token_slots__bounded),
	    TEST(test_pin_wrong__tried_once_and_says_what_is_left),
	    TEST(test_pin_last_try_or_locked__is_not_tried),
	    TEST(test_pin_answers_of_the_token__are_told),
	    TEST(test_pin_file__only_this_users_own),
	    TEST(test_pin_file__its_content),
	};

	token_module(count, arguments);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
