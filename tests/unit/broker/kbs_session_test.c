#include "broker/kbs_session.h"

#include <stdio.h>

#include "tests/bytes.h"

enum { NOW = 1900000000 };

static struct kbs_session make(void)
{
	struct kbs_session session;

	assert_int_equal(kbs_session_new(KBS_TEE_TDX, NOW, &session, NULL), 0);
	return session;
}

static void test_kbs_session_new__read_back__the_same(void **state)
{
	struct kbs_session session = make(), again;

	(void)state;
	assert_true(kbs_session_read(session.text, &again));
	assert_memory_equal(again.id, session.id, KBS_SESSION_SIZE);
	assert_string_equal(again.text, session.text);
	assert_int_equal(again.issued, NOW);
	assert_int_equal(again.tee, KBS_TEE_TDX);
}

static void test_kbs_session_new__many__each_its_own(void **state)
{
	struct kbs_session a = make(), b = make();

	(void)state;
	assert_string_not_equal(a.text, b.text);
	assert_memory_equal(a.text, b.text, 12);
}

static void test_kbs_session_new__time_far_off__argument(void **state)
{
	struct kbs_session session;

	(void)state;
	assert_int_equal(kbs_session_new(KBS_TEE_SNP, -1, &session, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(kbs_session_new(KBS_TEE_SNP, INT64_C(1) << 40, &session, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(
	    kbs_session_new(KBS_TEE_SNP, (INT64_C(1) << 40) - 1, &session, NULL), 0);
}

static void test_kbs_session_read__other_texts__false(void **state)
{
	struct kbs_session session = make(), again;
	char text[64];

	(void)state;
	for (size_t size = 0; size < strlen(session.text); size++) {
		snprintf(text, sizeof(text), "%.*s", (int)size, session.text);
		assert_false(kbs_session_read(text, &again));
	}
	snprintf(text, sizeof(text), "%s0", session.text);
	assert_false(kbs_session_read(text, &again));
	snprintf(text, sizeof(text), "%s ", session.text);
	assert_false(kbs_session_read(text, &again));
	snprintf(text, sizeof(text), "%s", session.text);
	text[31] = 'G';
	assert_false(kbs_session_read(text, &again));
	text[31] = 'A'; /* there is one way to write it */
	assert_false(kbs_session_read(text, &again));
	/* No platform, and one that there is not. */
	assert_false(kbs_session_read("000000000000000000000000000000aa", &again));
	assert_false(kbs_session_read("0000000000ff000000000000000000aa", &again));
}

static void test_kbs_session_cookie__among_others__found(void **state)
{
	static const char *const forms[] = {
	    "kbs-session-id=%s",      "a=b; kbs-session-id=%s",
	    "kbs-session-id=%s; a=b", "x=kbs-session-id;kbs-session-id=%s;y=",
	    " \tkbs-session-id=%s",   ";;; kbs-session-id=%s;"};
	struct kbs_session session = make(), again;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		snprintf(text, sizeof(text), forms[i], session.text);
		assert_true(kbs_session_cookie(text, &again));
		assert_string_equal(again.text, session.text);
	}
}

static void test_kbs_session_cookie__abuse__false(void **state)
{
	static const char *const forms[] = {"",
					    "kbs-session-id",
					    "kbs-session-id=",
					    "kbs-session-id=\"%s\"",
					    "kbs-session-id= %s",
					    "kbs-session-id=%s0",
					    "kbs-session-id=%s ; a=b",
					    "Kbs-Session-Id=%s",
					    "xkbs-session-id=%s",
					    "a=b kbs-session-id=%s",
					    "a=b, kbs-session-id=%s",
					    "kbs-session-id=%s; kbs-session-id=%s",
					    "kbs-session-id=; kbs-session-id=%s",
					    "kbs-session-id=%s; kbs-session-id="};
	struct kbs_session session = make(), again;
	char text[256];

	(void)state;
	assert_false(kbs_session_cookie(NULL, &again));
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		snprintf(text, sizeof(text), forms[i], session.text, session.text);
		assert_false(kbs_session_cookie(text, &again));
	}
}

static void test_kbs_session_lives__its_time__and_no_longer(void **state)
{
	struct kbs_session session = make();

	(void)state;
	assert_true(kbs_session_lives(&session, 300, NOW));
	assert_true(kbs_session_lives(&session, 300, NOW + 299));
	assert_false(kbs_session_lives(&session, 300, NOW + 300));
	assert_true(kbs_session_lives(&session, 300, NOW - KBS_CLOCKS_SECONDS));
	assert_false(kbs_session_lives(&session, 300, NOW - KBS_CLOCKS_SECONDS - 1));
}

/* HMAC-SHA-256 of 16 bytes, by the openssl command. */
static void test_kbs_session_nonce__known_answer__base64_of_the_mac(void **state)
{
	static const uint8_t key[32] = "0123456789abcdef0123456789abcde";
	struct kbs_session session;
	char nonce[KBS_NONCE_TEXT];

	(void)state;
	assert_true(kbs_session_read("0071000000010102030405060708090a", &session));
	assert_int_equal(kbs_session_nonce(&session, key, nonce, NULL), 0);
	assert_string_equal(nonce, "81dlpQW9cpF8nRMMejpXuu2MqFYKq+hJyC5Sf1Ua6sI=");
}

static void test_kbs_session_nonce__other_key_or_session__another(void **state)
{
	uint8_t key[32] = {1};
	struct kbs_session a = make(), b = make();
	char first[KBS_NONCE_TEXT], second[KBS_NONCE_TEXT];

	(void)state;
	assert_int_equal(kbs_session_nonce(&a, key, first, NULL), 0);
	assert_int_equal(strlen(first), 44);
	assert_int_equal(kbs_session_nonce(&b, key, second, NULL), 0);
	assert_string_not_equal(first, second);
	key[31] = 1;
	assert_int_equal(kbs_session_nonce(&a, key, second, NULL), 0);
	assert_string_not_equal(first, second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kbs_session_new__read_back__the_same),
	    cmocka_unit_test(test_kbs_session_new__many__each_its_own),
	    cmocka_unit_test(test_kbs_session_new__time_far_off__argument),
	    cmocka_unit_test(test_kbs_session_read__other_texts__false),
	    cmocka_unit_test(test_kbs_session_cookie__among_others__found),
	    cmocka_unit_test(test_kbs_session_cookie__abuse__false),
	    cmocka_unit_test(test_kbs_session_lives__its_time__and_no_longer),
	    cmocka_unit_test(test_kbs_session_nonce__known_answer__base64_of_the_mac),
	    cmocka_unit_test(test_kbs_session_nonce__other_key_or_session__another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
