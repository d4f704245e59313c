#include "broker/csr.h"

#include <openssl/x509v3.h>

#include "tests/bytes.h"
#include "tests/csr_make.h"

#define NAMES "DNS:a.example,DNS:b.example,IP:192.0.2.7"

static EVP_PKEY *p256, *other;

static int group_enter(void **state)
{
	(void)state;
	p256 = csr_make_key("EC:P-256");
	other = csr_make_key("EC:P-256");
	return 0;
}

static int group_leave(void **state)
{
	(void)state;
	EVP_PKEY_free(p256);
	EVP_PKEY_free(other);
	return 0;
}

static struct csr_make good(void)
{
	return (struct csr_make){.key = p256, .names = NAMES};
}

static enum tobi_err read(const struct csr_make *make, struct tobi_fault *fault)
{
	struct writer out = wr_init(1 << 20);
	struct csr csr = {0};
	enum tobi_err err;

	csr_make(make, &out);
	err = csr_read(wr_view(&out), &csr, fault);
	csr_done(&csr);
	wr_done(&out);
	return err;
}

static void expect(const struct csr_make *make, enum tobi_err wanted, const char *field)
{
	struct tobi_fault fault = {0};

	if (read(make, &fault) != wanted || strcmp(fault.field, field) != 0)
		fail_msg("%s: %s (%d)", fault.field, fault.message, fault.code);
}

/* ---- good ones ---- */

static void test_csr_read__good__key_and_names(void **state)
{
	struct csr_make make = good();
	struct writer out = wr_init(1 << 20);
	struct csr csr = {0};
	uint8_t spki[SHA256_SIZE];

	(void)state;
	for (unsigned pem = 0; pem < 2; pem++) {
		make.pem = pem;
		out.size = 0;
		csr_make(&make, &out);
		assert_int_equal(csr_read(wr_view(&out), &csr, NULL), 0);
		assert_int_equal(EVP_PKEY_eq(csr.key, p256), 1);
		assert_int_equal(key_spki_sha256(p256, spki, NULL), 0);
		assert_memory_equal(csr.spki, spki, sizeof(spki));
		assert_int_equal(csr.name_count, 3);
		assert_string_equal(csr.names[0].text, "a.example");
		assert_string_equal(csr.names[2].text, "192.0.2.7");
		csr_done(&csr);
	}
	wr_done(&out);
}

static void test_csr_read__kinds_of_keys__the_strong_ones(void **state)
{
	static const struct {
		const char *kind;
		enum tobi_err err;
	} kinds[] = {
	    {"EC:P-256", TOBI_OK},
	    {"EC:P-384", TOBI_OK},
	    {"ED25519", TOBI_OK},
	    {"RSA:3072", TOBI_OK},
	    {"RSA:2048", TOBI_E_UNSUPPORTED},
	    {"EC:P-224", TOBI_E_UNSUPPORTED},
	    {"EC:P-521", TOBI_E_UNSUPPORTED},
	    {"EC:secp256k1", TOBI_E_UNSUPPORTED},
	    {"ED448", TOBI_E_UNSUPPORTED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct csr_make make = good();

		make.key = csr_make_key(kinds[i].kind);
		expect(&make, kinds[i].err, kinds[i].err ? "key" : "");
		EVP_PKEY_free(make.key);
	}
}

static void test_csr_read__usual_extensions__taken_and_passed_over(void **state)
{
	struct csr_make make = good();

	(void)state;
	make.common_name = "B.example";
	make.more[0].nid = NID_basic_constraints;
	make.more[0].value = "critical,CA:FALSE";
	make.more[1].nid = NID_key_usage;
	make.more[1].value = "digitalSignature,keyEncipherment";
	make.more[2].nid = NID_ext_key_usage;
	make.more[2].value = "serverAuth,clientAuth";
	expect(&make, TOBI_OK, "");
}

static void test_csr_read__a_name_twice__once(void **state)
{
	struct csr_make make = good();
	struct writer out = wr_init(1 << 20);
	struct csr csr = {0};

	(void)state;
	make.names = "DNS:a.example,DNS:A.EXAMPLE";
	csr_make(&make, &out);
	assert_int_equal(csr_read(wr_view(&out), &csr, NULL), 0);
	assert_int_equal(csr.name_count, 1);
	csr_done(&csr);
	wr_done(&out);
}

/* ---- who asks ---- */

static void test_csr_read__signed_by_another_key__refused(void **state)
{
	struct csr_make make = good();

	(void)state;
	make.signs = other;
	expect(&make, TOBI_E_SIGNATURE, "signature");
}

static void test_csr_read__weak_hash__refused(void **state)
{
	struct csr_make make = good();

	(void)state;
	make.digest = EVP_sha1();
	expect(&make, TOBI_E_UNSUPPORTED, "signature");
	make.digest = EVP_sha384();
	expect(&make, TOBI_OK, "");
}

/* ---- what is never given ---- */

static void test_csr_read__asks_for_more_than_tls__refused(void **state)
{
	static const struct {
		int nid;
		const char *value, *field;
	} bad[] = {
	    {NID_basic_constraints, "critical,CA:TRUE", "basicConstraints"},
	    {NID_basic_constraints, "CA:TRUE,pathlen:0", "basicConstraints"},
	    {NID_key_usage, "keyCertSign", "keyUsage"},
	    {NID_key_usage, "digitalSignature,cRLSign", "keyUsage"},
	    {NID_ext_key_usage, "codeSigning", "extendedKeyUsage"},
	    {NID_ext_key_usage, "serverAuth,anyExtendedKeyUsage", "extendedKeyUsage"},
	    {NID_ext_key_usage, "OCSPSigning", "extendedKeyUsage"},
	    {NID_name_constraints, "permitted;DNS:example", "extensions"},
	    {NID_policy_constraints, "requireExplicitPolicy:1", "extensions"},
	    {NID_tlsfeature, "status_request", "extensions"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct csr_make make = good();

		make.more[0].nid = bad[i].nid;
		make.more[0].value = bad[i].value;
		expect(&make, TOBI_E_UNSUPPORTED, bad[i].field);
	}
}

static void test_csr_read__extensions_twice__refused(void **state)
{
	struct csr_make make = good();

	(void)state;
	make.twice = true;
	expect(&make, TOBI_E_MALFORMED, "extensions");
	make.twice = false;
	make.more[0].nid = NID_subject_alt_name;
	make.more[0].value = "DNS:c.example";
	expect(&make, TOBI_E_MALFORMED, "subjectAltName");
}

/* ---- names ---- */

static void test_csr_read__names_that_are_none__refused(void **state)
{
	static const struct {
		const char *names;
		enum tobi_err err;
	} bad[] = {
	    {NULL, TOBI_E_UNSUPPORTED},
	    {"email:a@b.example", TOBI_E_UNSUPPORTED},
	    {"DNS:a.example,URI:https://b.example", TOBI_E_UNSUPPORTED},
	    {"RID:1.2.3", TOBI_E_UNSUPPORTED},
	    {"otherName:1.2.3;UTF8:a.example", TOBI_E_UNSUPPORTED},
	    {"DNS:a_b.example", TOBI_E_MALFORMED},
	    {"DNS:192.0.2.7", TOBI_E_MALFORMED},
	    {"DNS:*", TOBI_E_MALFORMED},
	    {"DNS:a.*.example", TOBI_E_MALFORMED},
	};
	struct csr_make make = good();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		make.names = bad[i].names;
		expect(&make, bad[i].err, "subjectAltName");
	}
	/* Whether a wildcard may be is the profile's. */
	make.names = "DNS:*.a.example";
	expect(&make, TOBI_OK, "");
}

static void test_csr_read__common_name__no_tricks(void **state)
{
	struct csr_make make = good();

	(void)state;
	make.common_name = "c.example";
	expect(&make, TOBI_E_UNSUPPORTED, "subject");
	make.common_name = "a.example ";
	expect(&make, TOBI_E_UNSUPPORTED, "subject");
	make.common_name = "a.example";
	make.another_name = "c.example";
	expect(&make, TOBI_E_UNSUPPORTED, "subject");
	make.another_name = "a.example";
	expect(&make, TOBI_E_UNSUPPORTED, "subject");
	make.another_name = NULL;
	expect(&make, TOBI_OK, "");
	make.common_name = "192.0.2.7";
	expect(&make, TOBI_OK, "");
	make.names = NULL;
	expect(&make, TOBI_E_UNSUPPORTED, "subjectAltName");
}

static void test_csr_read__many_names__limit(void **state)
{
	struct csr_make make = good();
	char names[2048] = "";

	(void)state;
	for (int i = 0; i < CSR_NAMES_MAX; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names),
			 "%sDNS:n%d.example", i ? "," : "", i);
	make.names = names;
	expect(&make, TOBI_OK, "");
	snprintf(names + strlen(names), sizeof(names) - strlen(names),
		 ",DNS:more.example");
	expect(&make, TOBI_E_LIMIT, "subjectAltName");
}

/* ---- form ---- */

static void test_csr_read__truncated_or_more__refused(void **state)
{
	struct csr_make make = good();
	struct writer out = wr_init(1 << 20);
	struct csr csr;

	(void)state;
	for (unsigned pem = 0; pem < 2; pem++) {
		struct tobi_bytes bytes;

		make.pem = pem;
		out.size = 0;
		csr_make(&make, &out);
		bytes = wr_view(&out);
		for (size_t size = 0; size < bytes.size - pem; size++)
			assert_int_not_equal(
			    csr_read((struct tobi_bytes){bytes.ptr, size}, &csr, NULL),
			    0);
		wr_u8(&out, 'x');
		assert_int_equal(csr_read(wr_view(&out), &csr, NULL), TOBI_E_MALFORMED);
	}
	/* Two of them. */
	out.size = 0;
	csr_make(&make, &out);
	csr_make(&make, &out);
	assert_int_equal(csr_read(wr_view(&out), &csr, NULL), TOBI_E_MALFORMED);
	wr_done(&out);
}

/* Each bit of it is under its signature, or makes it something else. */
static void test_csr_read__bit_flipped__refused(void **state)
{
	struct csr_make make = good();
	struct writer out = wr_init(1 << 20);
	struct csr csr;

	(void)state;
	csr_make(&make, &out);
	for (size_t i = 0; i < out.size; i++) {
		out.ptr[i] ^= (uint8_t)(1 << i % 8);
		assert_int_not_equal(csr_read(wr_view(&out), &csr, NULL), 0);
		out.ptr[i] ^= (uint8_t)(1 << i % 8);
	}
	assert_int_equal(csr_read(wr_view(&out), &csr, NULL), 0);
	csr_done(&csr);
	wr_done(&out);
}

static void test_csr_read__too_long__refused(void **state)
{
	uint8_t *bytes = calloc(1, CSR_MAX + 1);
	struct csr csr;

	(void)state;
	assert_int_equal(csr_read((struct tobi_bytes){bytes, CSR_MAX + 1}, &csr, NULL),
			 TOBI_E_LIMIT);
	assert_int_equal(csr_read((struct tobi_bytes){bytes, CSR_MAX}, &csr, NULL),
			 TOBI_E_MALFORMED);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_csr_read__good__key_and_names),
	    cmocka_unit_test(test_csr_read__kinds_of_keys__the_strong_ones),
	    cmocka_unit_test(test_csr_read__usual_extensions__taken_and_passed_over),
	    cmocka_unit_test(test_csr_read__a_name_twice__once),
	    cmocka_unit_test(test_csr_read__signed_by_another_key__refused),
	    cmocka_unit_test(test_csr_read__weak_hash__refused),
	    cmocka_unit_test(test_csr_read__asks_for_more_than_tls__refused),
	    cmocka_unit_test(test_csr_read__extensions_twice__refused),
	    cmocka_unit_test(test_csr_read__names_that_are_none__refused),
	    cmocka_unit_test(test_csr_read__common_name__no_tricks),
	    cmocka_unit_test(test_csr_read__many_names__limit),
	    cmocka_unit_test(test_csr_read__truncated_or_more__refused),
	    cmocka_unit_test(test_csr_read__bit_flipped__refused),
	    cmocka_unit_test(test_csr_read__too_long__refused),
	};

	return cmocka_run_group_tests(tests, group_enter, group_leave);
}
