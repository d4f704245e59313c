/* What Google's certificates say of an instance. */
#include "tee/gce_identity.h"

#include <openssl/x509.h>

#include "tests/bytes.h"

/* zone "z", project 5 "p", instance 300 "i", security { 2, production } */
static const uint8_t good[] = {0x30, 0x1e, 0x0c, 0x01, 'z',  0x02, 0x01, 0x05, 0x0c,
			       0x01, 'p',  0x02, 0x02, 0x01, 0x2c, 0x0c, 0x01, 'i',
			       0xa0, 0x0c, 0x30, 0x0a, 0xa0, 0x03, 0x02, 0x01, 0x02,
			       0xa1, 0x03, 0x01, 0x01, 0xff, 0x00};
enum { GOOD_SIZE = sizeof(good) - 1 };

static enum tobi_err read(struct tobi_bytes value, struct gce_identity *ret_identity)
{
	static const uint8_t oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01,
				      0xd6, 0x79, 0x02, 0x01, 0x15};
	static const struct extension_name name = {"instance", {oid, sizeof(oid)}};
	const struct extension extension = {value, false};
	X509 *certificate = X509_new();
	enum tobi_err err;

	assert_false(gce_identity_is(certificate));
	assert_int_equal(extension_add(certificate, &name, &extension, NULL), 0);
	assert_true(gce_identity_is(certificate));
	err = gce_identity_read(certificate, ret_identity, NULL);
	assert_int_equal(extension_add(certificate, &name, &extension, NULL), 0);
	assert_false(gce_identity_is(certificate));
	X509_free(certificate);
	return err;
}

static void test_gce_identity__right__is_read(void **state)
{
	struct gce_identity identity = {0};
	uint8_t without[18];

	(void)state;
	assert_int_equal(read((struct tobi_bytes){good, GOOD_SIZE}, &identity), 0);
	assert_string_equal(identity.zone, "z");
	assert_string_equal(identity.project, "p");
	assert_string_equal(identity.instance, "i");
	assert_int_equal(identity.project_number, 5);
	assert_int_equal(identity.instance_id, 300);
	assert_true(identity.has_security && identity.is_production);
	assert_int_equal(identity.security_version, 2);
	/* Those of before have no security. */
	bytes_copy(without, sizeof(without), good, sizeof(without));
	without[1] = 16;
	assert_int_equal(read((struct tobi_bytes){without, sizeof(without)}, &identity),
			 0);
	assert_false(identity.has_security || identity.is_production);
}

static void test_gce_identity__cut_or_longer__fails(void **state)
{
	struct gce_identity identity;
	uint8_t copy[GOOD_SIZE + 1];

	(void)state;
	for (size_t size = 1; size < GOOD_SIZE; size++)
		assert_int_not_equal(read((struct tobi_bytes){good, size}, &identity), 0);
	bytes_copy(copy, sizeof(copy), good, sizeof(copy));
	assert_int_not_equal(read((struct tobi_bytes){copy, sizeof(copy)}, &identity), 0);
	/* Inside, with all lengths in order. */
	copy[1]++;
	assert_int_not_equal(read((struct tobi_bytes){copy, sizeof(copy)}, &identity), 0);
}

static void test_gce_identity__wrong_bytes__fail(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} wrong[] = {
	    {2, 0x13},	/* another kind of text */
	    {4, 0x80},	/* no UTF-8 */
	    {7, 0x85},	/* a negative number */
	    {13, 0x00}, /* a number in a longer form: 0x002c */
	    {20, 0x31}, /* a set */
	    {24, 0x04}, /* a version that is no number */
	    {31, 0x01}, /* neither true nor false */
	};
	struct gce_identity identity;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint8_t copy[GOOD_SIZE];

		bytes_copy(copy, sizeof(copy), good, sizeof(copy));
		copy[wrong[i].at] = wrong[i].byte;
		assert_int_not_equal(
		    read((struct tobi_bytes){copy, sizeof(copy)}, &identity), 0);
	}
}

static void test_gce_identity__long_names__are_limited(void **state)
{
	uint8_t bytes[GCE_TEXT_MAX + 32] = {0x30, 0x81, 0, 0x0c, 0x81, 0};
	struct gce_identity identity;

	(void)state;
	for (size_t size = GCE_TEXT_MAX; size <= GCE_TEXT_MAX; size++) {
		size_t at = 6 + size;

		memset(bytes + 6, 'z', size);
		bytes_copy(bytes + at, sizeof(bytes) - at, good + 5, 13);
		bytes[2] = (uint8_t)(size + 3 + 13);
		bytes[5] = (uint8_t)size;
		assert_int_equal(read((struct tobi_bytes){bytes, at + 13}, &identity),
				 TOBI_E_LIMIT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_gce_identity__right__is_read),
	    cmocka_unit_test(test_gce_identity__cut_or_longer__fails),
	    cmocka_unit_test(test_gce_identity__wrong_bytes__fail),
	    cmocka_unit_test(test_gce_identity__long_names__are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
