#include "broker/certificate_name.h"

#include "tests/bytes.h"

static bool is_dns(const char *text)
{
	struct certificate_name name;

	return certificate_name_dns(text_bytes(text), &name);
}

static void test_certificate_name_dns__good__small_letters(void **state)
{
	struct certificate_name name;
	char label[64];

	(void)state;
	assert_true(certificate_name_dns(text_bytes("Web.Example.ORG"), &name));
	assert_string_equal(name.text, "web.example.org");
	assert_false(name.wildcard || name.address_size);
	assert_true(is_dns("a") && is_dns("a-b.c1") && is_dns("1a.x") && is_dns("1.2.x"));
	assert_true(certificate_name_dns(text_bytes("*.example.org"), &name));
	assert_true(name.wildcard);
	memset(label, 'a', 63);
	label[63] = 0;
	assert_true(is_dns(label));
}

static void test_certificate_name_dns__bad__refused(void **state)
{
	static const char *const bad[] = {
	    "",	       ".",	     "a.",   "a..b",	   ".a",      "-a.b",	"a-.b",
	    "a.b-",    "a_b.c",	     "*",    "*.org",	   "a.*.org", "*a.b.c", "a*.b.c",
	    "*.*.b.c", "a b.c",	     "a\tb", "192.0.2.1",  "1",	      "a.1",	"::1",
	    "a.b:80",  "http://a.b", "a/b",  "\xc3\xa4.b", "a\x7f.b", "a@b.c",	"*.",
	};
	char label[300];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (is_dns(bad[i]))
			fail_msg("'%s'", bad[i]);
	}
	memset(label, 'a', 64);
	label[64] = 0;
	assert_false(is_dns(label));
	for (size_t i = 0; i < 254; i++)
		label[i] = i % 50 == 49 ? '.' : 'a';
	label[253] = 0;
	assert_true(is_dns(label));
	label[253] = 'a';
	label[254] = 0;
	assert_false(is_dns(label));
}

/* The old trick: what one reads up to a zero byte, another reads to the end. */
static void test_certificate_name_dns__zero_byte__refused(void **state)
{
	static const uint8_t text[] = "bank.example\0.evil.example";
	struct certificate_name name;

	(void)state;
	assert_false(
	    certificate_name_dns((struct tobi_bytes){text, sizeof(text) - 1}, &name));
}

static void test_certificate_name_read__address__its_bytes(void **state)
{
	static const uint8_t v4[4] = {192, 0, 2, 7}, wrong[5] = {1};
	struct certificate_name name;

	(void)state;
	assert_true(certificate_name_read("192.0.2.7", &name));
	assert_bytes_equal(((struct tobi_bytes){name.address, name.address_size}),
			   ((struct tobi_bytes){v4, sizeof(v4)}));
	assert_true(certificate_name_read("2001:DB8:0:0::1", &name));
	assert_string_equal(name.text, "2001:db8::1");
	assert_int_equal(name.address_size, 16);
	assert_false(certificate_name_read("192.0.2", &name));
	assert_false(certificate_name_read("192.0.2.256", &name));
	assert_false(
	    certificate_name_address((struct tobi_bytes){wrong, sizeof(wrong)}, &name));
}

static bool allows(const char *allowed, bool wildcards, const char *asked)
{
	struct certificate_name one, two;

	assert_true(certificate_name_read(allowed, &one));
	assert_true(certificate_name_read(asked, &two));
	return certificate_name_allows(&one, wildcards, &two);
}

static void test_certificate_name_allows__only_what_it_says(void **state)
{
	(void)state;
	assert_true(allows("a.example", false, "A.Example"));
	assert_false(allows("a.example", true, "b.a.example"));
	assert_false(allows("a.example", true, "a.example.evil"));
	assert_false(allows("a.example", true, "xa.example"));
	assert_true(allows("*.a.example", false, "b.a.example"));
	assert_false(allows("*.a.example", true, "a.example"));
	assert_false(allows("*.a.example", true, "c.b.a.example"));
	assert_false(allows("*.a.example", true, "b.xa.example"));
	assert_false(allows("*.a.example", false, "*.a.example"));
	assert_true(allows("*.a.example", true, "*.a.example"));
	assert_false(allows("*.a.example", true, "*.b.a.example"));
	assert_false(allows("b.a.example", true, "*.a.example"));
	assert_true(allows("192.0.2.7", false, "192.0.2.7"));
	assert_false(allows("192.0.2.7", true, "192.0.2.8"));
	assert_true(allows("::1", false, "0:0::1"));
	assert_false(allows("::1", false, "0.0.0.1"));
	assert_false(allows("a.example", false, "192.0.2.7"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_certificate_name_dns__good__small_letters),
	    cmocka_unit_test(test_certificate_name_dns__bad__refused),
	    cmocka_unit_test(test_certificate_name_dns__zero_byte__refused),
	    cmocka_unit_test(test_certificate_name_read__address__its_bytes),
	    cmocka_unit_test(test_certificate_name_allows__only_what_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
