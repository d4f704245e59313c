/* The policy file: what it may hold, and what becomes of each wrong one. */
#include <stdlib.h>

#include "appraise/policy.h"
#include "base/limits.h"
#include "tests/check.h"
#include "tests/evidence.h"

#define H48                                                                              \
	"000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"               \
	"000102030405060708090a0b0c0d0e0f"
#define HEAD "version: 1\ntiers: [tdx]\nimages: [" H48 "]\n"
#define ANY "identity:\n  mode: any-instance\n"

static enum tobi_err parse(const char *text, size_t size, struct tobi_policy **ret_policy,
			   struct tobi_fault *fault)
{
	char *copy = malloc(size ? size : 1);
	enum tobi_err err;

	memcpy(copy, text, size);
	err = tobi_policy_parse((struct tobi_bytes){(uint8_t *)copy, size}, "p.yaml",
				ret_policy, fault);
	free(copy);
	return err;
}

static void test_policy__good(void **state)
{
	static const char *const good[] = {
	    HEAD ANY,
	    "# a comment with a \\\n---\n" HEAD ANY,
	    "version: 1\r\ntiers: [tdx]\r\nsigners: [" H48 "]\r\n" ANY
	    "# \xe2\x80\xa6\r\n",
	    HEAD "channel: ra-tls\n" ANY,
	    HEAD "channel: tobichi-atls/1\n" ANY,
	    HEAD "identity: {mode: any-instance}\nallow: [debug, no-nonce]\n",
	    HEAD "identity:\n  mode: owner\n  owner: " H48 "\n",
	    HEAD "config-id: " H48 "\nidentity:\n  mode: config-id\n",
	    HEAD "max-age: 1\nproduct: 65535\nmin-svn: 65535\n" ANY,
	    HEAD "collateral: {baseline: 2026-05-17T12:00:00Z, grace: 1}\n" ANY,
	    HEAD "signers: [" H48 ", " H48 "]\nagents: [" H48 "]\n" ANY,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct tobi_policy *policy = NULL;
		struct tobi_fault fault = {0};

		if (parse(good[i], strlen(good[i]), &policy, &fault))
			fail_msg("%zu: %s: %s", i, fault.field, fault.message);
		tobi_policy_free(policy);
	}
}

/* Nothing but the policy's own word opens the lesser channel. */
static void test_policy_channel__default_is_attested_tls(void **state)
{
	static const struct {
		const char *text;
		enum policy_channel channel;
	} cases[] = {
	    {HEAD ANY, CHANNEL_ATLS},
	    {HEAD "channel: tobichi-atls/1\n" ANY, CHANNEL_ATLS},
	    {HEAD "channel: ra-tls\n" ANY, CHANNEL_RATLS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tobi_policy *policy = NULL;

		assert_int_equal(
		    parse(cases[i].text, strlen(cases[i].text), &policy, NULL), 0);
		assert_int_equal(policy->channel, cases[i].channel);
		tobi_policy_free(policy);
	}
}

static void test_policy__bad__named(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
	    {"", "empty"},
	    {"\n\n", "empty"},
	    {"# a comment alone\n", "empty"},
	    {"---\n", ""},
	    {"just words", ""},
	    {"[1, 2]", ""},
	    {"version: 1\n", "issing"},
	    {"version: 2\ntiers: [tdx]\nimages: [" H48 "]\n" ANY, "version 1"},
	    {"version: one\ntiers: [tdx]\nimages: [" H48 "]\n" ANY, "version"},
	    {"version: 1\ntiers: []\nimages: [" H48 "]\n" ANY, "tiers"},
	    {"version: 1\ntiers: [sfot]\nimages: [" H48 "]\n" ANY, "no such tier"},
	    {"version: 1\ntiers: [tdx]\n" ANY, "at least one image or one signer"},
	    {"version: 1\ntiers: [tdx]\nimages: [00]\n" ANY, "128 hexadecimal digits"},
	    {"version: 1\ntiers: [tdx]\nimages: [" H48 "00]\n" ANY, "128 hexadecimal"},
	    {"version: 1\ntiers: [soft]\nimages: [" H48 "]\n" ANY, "needs an anchor"},
	    {HEAD, "issing"},
	    {HEAD "identity:\n  mode: somebody\n", "the mode is one of"},
	    {HEAD "identity:\n  mode: owner\n", "needs it"},
	    {HEAD "identity:\n  mode: hardware\n", "needs it"},
	    {HEAD "identity:\n  mode: ca\n", "needs it"},
	    {HEAD "identity:\n  mode: config-id\n", "needs it"},
	    {HEAD "identity:\n  mode: any-instance\n  owner: " H48 "\n", "belongs to"},
	    {HEAD "identity:\n  mode: any-instance\n  name: a.example\n", "belongs to"},
	    {HEAD "identity:\n  mode: ca\n  ca: nonsense\n", ""},
	    {HEAD "allow: [everything]\n" ANY, "what may be allowed"},
	    {HEAD "channel: tls\n" ANY, "the channel is one of: tobichi-atls/1 ra-tls"},
	    {HEAD "channel: [ra-tls]\n" ANY, ""},
	    {HEAD "channel: RA-TLS\n" ANY, "the channel is one of"},
	    {HEAD "channel: ra-tls\nchannel: ra-tls\n" ANY, "already seen"},
	    {HEAD "allow: [ra-tls]\n" ANY, "what may be allowed"},
	    {HEAD "product: 65536\n" ANY, "65535"},
	    {HEAD "min-svn: 65536\n" ANY, "65535"},
	    {HEAD "min-svn: -1\n" ANY, ""},
	    {HEAD "max-age: 0\n" ANY, "2592000"},
	    {HEAD "max-age: 2592001\n" ANY, "2592000"},
	    {HEAD "config-id: 00\n" ANY, "64 or 96 or 128 hexadecimal"},
	    {HEAD "unknown: 1\n" ANY, "unknown"},
	    {HEAD "identity:\n  mode: any-instance\n  colour: red\n", "colour"},
	    {HEAD "roots:\n  - tier: soft\n    anchors: none\n" ANY, ""},
	    {HEAD "roots:\n  - tier: soft\n" ANY, "issing"},
	    {HEAD "images: [" H48 "]\n" ANY, "already seen"},
	    {HEAD ANY "identity:\n  mode: any-instance\n", "already seen"},
	    {"version: 1\ntiers: &t [tdx]\nimages: [" H48 "]\nsigners: *t\n" ANY, ""},
	    {HEAD ANY "--- \nversion: 1\n", "one document"},
	    {HEAD ANY "...\n---\nversion: 1\n", "one document"},
	    {"version: 1\ntiers: [tdx\n", ""},
	    {HEAD "collateral: {baseline: 2026-02-30T12:00:00Z}\n" ANY, "a time like"},
	    {HEAD "collateral: {baseline: 2026-02-03}\n" ANY, "a time like"},
	    {"\xff\xfe\xff", "plain text"},
	    /* Numbers that C reads, and people read otherwise. */
	    {HEAD "min-svn: 010\n" ANY, "decimal digits"},
	    {HEAD "min-svn: 0x10\n" ANY, "decimal digits"},
	    {HEAD "min-svn: +5\n" ANY, "decimal digits"},
	    {HEAD "min-svn: ' 5'\n" ANY, "decimal digits"},
	    {HEAD "min-svn: 5.0\n" ANY, "decimal digits"},
	    {HEAD "min-svn: 1e3\n" ANY, "decimal digits"},
	    {HEAD "min-svn: -18446744073709551615\n" ANY, "decimal digits"},
	    {HEAD "max-age: 18446744073709551617\n" ANY, "decimal digits"},
	    {"version: 01\ntiers: [tdx]\nimages: [" H48 "]\n" ANY, "version 1"},
	    /* Line ends and characters that hide a rule from a reader. */
	    {HEAD ANY "\r---\rmin-svn: 3\n", "plain text"},
	    {HEAD ANY "# \xc2\x85---\xc2\x85min-svn: 3\n", "plain text"},
	    {HEAD ANY "# \xe2\x80\xa8---\xe2\x80\xa8min-svn: 3\n", "plain text"},
	    {"\xef\xbb\xbf" HEAD ANY, "plain text"},
	    {HEAD "\tmin-svn: 3\n" ANY, "plain text"},
	    {HEAD "allow: [\"debug\\0x\"]\n" ANY, "backslash"},
	    {HEAD "name: \"\\e[2J\"\n" ANY, "backslash"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tobi_policy *policy = NULL;
		struct tobi_fault fault = {0};
		char said[512];

		if (!parse(bad[i].text, strlen(bad[i].text), &policy, &fault)) {
			tobi_policy_free(policy);
			fail_msg("accepted: %s", bad[i].text);
		}
		tobi_fault_print(&fault, said, sizeof(said));
		assert_string_equal(fault.object, "p.yaml");
		assert_true(fault.message[0]);
		if (!strstr(said, bad[i].says))
			fail_msg("'%s' is not in: %s", bad[i].says, said);
		for (const char *at = said; *at; at++)
			assert_true((uint8_t)*at >= 0x20);
	}
}

static void test_policy__truncated__fails_or_means_the_same(void **state)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct test_scene scene;
	size_t accepted = 0;

	(void)state;
	test_scene_make(&scene);
	test_scene_policy(&scene, &yaml);
	for (size_t size = 0; size < yaml.size; size++) {
		struct tobi_policy *policy = NULL;

		/* Only white space at the end may be missing. */
		if (parse((const char *)yaml.ptr, size, &policy, NULL) == 0) {
			accepted++;
			assert_true(size + 2 >= yaml.size);
		}
		tobi_policy_free(policy);
	}
	assert_true(accepted <= 2);
	test_scene_done(&scene);
	wr_done(&yaml);
}

/* UTF-16 holds a NUL in every other byte. */
static void test_policy__utf_16__fails(void **state)
{
	static const char text[] = HEAD ANY;
	uint8_t wide[2 * sizeof(text)] = {0};
	struct tobi_policy *policy = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		wide[2 * i] = (uint8_t)text[i];
	assert_int_equal(parse((const char *)wide, 2 * sizeof(text) - 2, &policy, NULL),
			 TOBI_E_MALFORMED);
}

static void test_policy__too_large__fails(void **state)
{
	char *large = malloc(LIMIT_POLICY + 1);
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};

	(void)state;
	memset(large, '#', LIMIT_POLICY + 1);
	assert_int_equal(parse(large, LIMIT_POLICY + 1, &policy, &fault), TOBI_E_LIMIT);
	free(large);
}

static void test_policy__too_many__fails(void **state)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;

	(void)state;
	wr_printf(&yaml, "version: 1\ntiers: [tdx]\n" ANY "images:\n");
	for (int i = 0; i < LIMIT_POLICY_ITEMS + 1; i++)
		wr_printf(&yaml, "  - " H48 "\n");
	assert_int_not_equal(parse((const char *)yaml.ptr, yaml.size, &policy, NULL),
			     TOBI_OK);
	wr_done(&yaml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy__good),
	    cmocka_unit_test(test_policy_channel__default_is_attested_tls),
	    cmocka_unit_test(test_policy__bad__named),
	    cmocka_unit_test(test_policy__truncated__fails_or_means_the_same),
	    cmocka_unit_test(test_policy__utf_16__fails),
	    cmocka_unit_test(test_policy__too_large__fails),
	    cmocka_unit_test(test_policy__too_many__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
