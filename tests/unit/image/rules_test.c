#include "sample.h"

#include "image/rules.h"

#define REPEAT16(x) x x x x x x x x x x x x x x x x
#define NAME64 REPEAT16("abcd")

struct rule_case {
	const char *text;
	bool good;
};

static void run(bool (*rule)(struct tobi_bytes), const struct rule_case *cases,
		size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (rule(text(cases[i].text)) != cases[i].good)
			fail_msg("'%s' should be %s", cases[i].text,
				 cases[i].good ? "accepted" : "refused");
	}
}

#define RUN(rule, cases) run(rule, cases, sizeof(cases) / sizeof((cases)[0]))

static void test_rules_name(void **state)
{
	const struct rule_case cases[] = {
	    {"a", true},	 {"0", true},	       {"a.b_c-9", true}, {NAME64, true},
	    {NAME64 "a", false}, {"", false},	       {".a", false},	  {"-a", false},
	    {"_a", false},	 {"A", false},	       {"aB", false},	  {"a b", false},
	    {"a/b", false},	 {"a\xc3\xa9", false}, {"a\n", false},	  {"a:", false},
	    {"a`", false},	 {"a{", false},
	};

	(void)state;
	RUN(rule_name, cases);
	assert_false(rule_name((struct tobi_bytes){(const uint8_t *)"a\0b", 3}));
}

static void test_rules_path(void **state)
{
	const struct rule_case cases[] = {
	    {"/", true},      {"/a", true},    {"/a/b", true},	 {"/.a", true},
	    {"/..a", true},   {"/...", true},  {"", false},	 {"a", false},
	    {"./a", false},   {"//", false},   {"//a", false},	 {"/a//b", false},
	    {"/a/", false},   {"/.", false},   {"/..", false},	 {"/a/.", false},
	    {"/a/..", false}, {"/./a", false}, {"/../a", false}, {"/a/../b", false},
	};
	char longest[LIMIT_PATH + 2];

	(void)state;
	RUN(rule_path, cases);
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	assert_true(rule_path((struct tobi_bytes){(uint8_t *)longest, LIMIT_PATH}));
	assert_false(rule_path((struct tobi_bytes){(uint8_t *)longest, LIMIT_PATH + 1}));
	assert_false(rule_path((struct tobi_bytes){(const uint8_t *)"/a\0b", 4}));
}

static void test_rules_writable(void **state)
{
	const struct rule_case cases[] = {
	    {"/tmp", true},	  {"/devices", true},  {"/procedure", true},
	    {"/system", true},	  {"/", false},	       {"/proc", false},
	    {"/proc/sys", false}, {"/sys", false},     {"/sys/fs", false},
	    {"/dev", false},	  {"/dev/shm", false}, {"tmp", false},
	};

	(void)state;
	RUN(rule_writable, cases);
}

static void test_rules_variable(void **state)
{
	const struct rule_case cases[] = {
	    {"A", true},   {"_", true},	   {"a_Z9", true},
	    {"", false},   {"9A", false},  {"A-B", false},
	    {"A=", false}, {"A B", false}, {"\xc3\xa9", false},
	};
	char longest[257];

	(void)state;
	RUN(rule_variable, cases);
	memset(longest, 'A', sizeof(longest));
	assert_true(rule_variable((struct tobi_bytes){(uint8_t *)longest, 256}));
	assert_false(rule_variable((struct tobi_bytes){(uint8_t *)longest, 257}));
}

static void test_rules_egress(void **state)
{
	const struct rule_case cases[] = {
	    {"a:1", true},	 {"a.b-c:65535", true}, {"10.0.0.1:80", true},
	    {"[::1]:443", true}, {"a:0", false},	{"a:65536", false},
	    {"a:", false},	 {":80", false},	{"a", false},
	    {"", false},	 {"a:080", false},	{"a:8 ", false},
	    {"a:-1", false},	 {"-a:80", false},	{"a b:80", false},
	    {"[::1:80", false},	 {"[]:80", false},	{"::1:80", false},
	    {"[::g]:80", false}, {"a_b:80", false},	{"a:123456", false},
	    {"a@b:80", false},
	};
	char longest[300];

	(void)state;
	RUN(rule_egress, cases);
	memset(longest, 'a', sizeof(longest));
	longest[255] = ':';
	longest[256] = '1';
	assert_true(rule_egress((struct tobi_bytes){(uint8_t *)longest, 257}));
	longest[255] = 'a';
	longest[256] = ':';
	longest[257] = '1';
	assert_false(rule_egress((struct tobi_bytes){(uint8_t *)longest, 258}));
}

static void test_rules_secret_name(void **state)
{
	const struct rule_case cases[] = {
	    {"a", true},	 {"Key.pem", true}, {"-", true},    {NAME64, true},
	    {NAME64 "a", false}, {"", false},	    {".", false},   {"..", false},
	    {".a", false},	 {"a/b", false},    {"a b", false},
	};

	(void)state;
	RUN(secret_name_is_valid, cases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rules_name),
	    cmocka_unit_test(test_rules_path),
	    cmocka_unit_test(test_rules_writable),
	    cmocka_unit_test(test_rules_variable),
	    cmocka_unit_test(test_rules_egress),
	    cmocka_unit_test(test_rules_secret_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
