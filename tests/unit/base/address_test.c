#include "base/address.h"

#include <arpa/inet.h>

#include "tests/check.h"

static void expect(int family, const char *given, const char *shown)
{
	struct sockaddr_storage address = {.ss_family = (sa_family_t)family};
	struct sockaddr_in6 *six = (void *)&address;
	struct sockaddr_in *four = (void *)&address;
	char text[INET6_ADDRSTRLEN] = "x";

	if (family == AF_INET)
		assert_int_equal(inet_pton(family, given, &four->sin_addr), 1);
	if (family == AF_INET6)
		assert_int_equal(inet_pton(family, given, &six->sin6_addr), 1);
	address_write((struct sockaddr *)&address, text);
	assert_string_equal(text, shown);
}

static void test_address_write__each_family__as_it_is(void **state)
{
	(void)state;
	expect(AF_INET, "192.0.2.1", "192.0.2.1");
	expect(AF_INET6, "2001:db8::1", "2001:db8::1");
	expect(AF_INET6, "::ffff:192.0.2.1", "192.0.2.1");
	expect(AF_INET6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	expect(AF_UNIX, "", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_address_write__each_family__as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
