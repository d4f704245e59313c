/* What a leaf was issued for decides what it may vouch for. */
#include "pki/cert.h"
#include "tests/check.h"
#include "tests/extension.h"

enum { NOW = 1900000000 };

struct stage {
	EVP_PKEY *ca_key, *key;
	X509 *ca;
	struct writer anchor;
};

static void stage_make(struct stage *stage)
{
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_CERTIFICATE);
	struct cert_request request = {.role = CERT_CA,
				       .common_name = "a CA for everything",
				       .not_before = NOW - 100,
				       .not_after = NOW + 100};

	*stage = (struct stage){.anchor = wr_init(LIMIT_PEM)};
	assert_int_equal(key_new(KEY_P256, &stage->ca_key, NULL), 0);
	assert_int_equal(key_new(KEY_P256, &stage->key, NULL), 0);
	request.key = stage->ca_key;
	assert_int_equal(cert_make(&request, NULL, NULL, &der, NULL), 0);
	assert_int_equal(chain_read_certificate(wr_view(&der), "ca", &stage->ca, NULL),
			 0);
	assert_int_equal(chain_write_pem(wr_view(&der), &stage->anchor, NULL), 0);
}

static void stage_done(struct stage *stage)
{
	EVP_PKEY_free(stage->ca_key);
	EVP_PKEY_free(stage->key);
	X509_free(stage->ca);
	wr_done(&stage->anchor);
}

/* A leaf with these extensions, by OpenSSL alone. Each may be NULL. */
struct usages {
	const char *basic, *key, *extended, *names;
};

static void issue(const struct stage *stage, const struct usages *usages,
		  struct writer *out)
{
	const struct {
		int nid;
		const char *value;
	} all[] = {{NID_basic_constraints, usages->basic},
		   {NID_key_usage, usages->key},
		   {NID_ext_key_usage, usages->extended},
		   {NID_subject_alt_name, usages->names},
		   {NID_subject_key_identifier, "hash"},
		   {NID_authority_key_identifier, "keyid"}};
	X509 *leaf = X509_new();
	unsigned char *der = NULL;
	int size;

	X509_set_version(leaf, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(leaf), 7);
	ASN1_TIME_set(X509_getm_notBefore(leaf), NOW - 50);
	ASN1_TIME_set(X509_getm_notAfter(leaf), NOW + 50);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(leaf), "CN", MBSTRING_UTF8,
				   (const unsigned char *)"host.example", -1, -1, 0);
	X509_set_issuer_name(leaf, X509_get_subject_name(stage->ca));
	X509_set_pubkey(leaf, stage->key);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		add_extension(leaf, stage->ca, all[i].nid, all[i].value);
	assert_true(X509_sign(leaf, stage->ca_key, EVP_sha256()) > 0);
	size = i2d_X509(leaf, &der);
	wr_bytes(out, der, (size_t)size);
	OPENSSL_free(der);
	X509_free(leaf);
}

static enum tobi_err verify(const struct stage *stage, const struct usages *usages,
			    enum chain_purpose purpose, const char *name)
{
	CLEANUP(wr_done) struct writer leaf = wr_init(LIMIT_CERTIFICATE);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	struct tobi_bytes list[1];
	struct chain_request request = {.certificates = list,
					.count = 1,
					.anchors_pem = wr_view(&stage->anchor),
					.time = NOW,
					.purpose = purpose,
					.host_name = name};
	enum tobi_err err;

	issue(stage, usages, &leaf);
	list[0] = wr_view(&leaf);
	err = chain_verify(&request, "test", &key, NULL);
	assert_int_equal(key != NULL, err == TOBI_OK);
	return err;
}

#define LEAF "critical,CA:FALSE"
#define SIGNS "critical,digitalSignature"
#define PLATFORM CERT_PLATFORM_PURPOSE

static void test_chain_purpose__platform(void **state)
{
	static const struct usages good[] = {
	    {LEAF, SIGNS, PLATFORM, NULL},
	    {LEAF, "critical,digitalSignature,keyAgreement", "codeSigning," PLATFORM,
	     NULL},
	    {NULL, SIGNS, PLATFORM, NULL},
	};
	static const struct usages bad[] = {
	    {LEAF, SIGNS, NULL, NULL},
	    {LEAF, SIGNS, "serverAuth,clientAuth", NULL},
	    {LEAF, SIGNS, "codeSigning", NULL},
	    {LEAF, SIGNS, "timeStamping", NULL},
	    {LEAF, SIGNS, "anyExtendedKeyUsage", NULL},
	    {LEAF, "critical,keyAgreement", PLATFORM, NULL},
	    {LEAF, NULL, PLATFORM, NULL},
	    {"critical,CA:TRUE", "critical,digitalSignature,keyCertSign", PLATFORM, NULL},
	};
	struct stage stage;

	(void)state;
	stage_make(&stage);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(verify(&stage, &good[i], CHAIN_PLATFORM, NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(verify(&stage, &bad[i], CHAIN_PLATFORM, NULL),
				 TOBI_E_CERTIFICATE);
	stage_done(&stage);
}

static void test_chain_purpose__tls(void **state)
{
	static const struct {
		struct usages usages;
		bool server, client;
	} rows[] = {
	    {{LEAF, SIGNS, "serverAuth", NULL}, true, false},
	    {{LEAF, SIGNS, "clientAuth", NULL}, false, true},
	    {{LEAF, SIGNS, "serverAuth,clientAuth", NULL}, true, true},
	    {{LEAF, SIGNS, NULL, NULL}, true, true},
	    {{LEAF, NULL, NULL, NULL}, true, true},
	    {{LEAF, SIGNS, PLATFORM, NULL}, false, false},
	    {{LEAF, SIGNS, "codeSigning", NULL}, false, false},
	    {{LEAF, "critical,keyEncipherment", "serverAuth,clientAuth", NULL},
	     false,
	     false},
	    {{"critical,CA:TRUE", "critical,digitalSignature,keyCertSign",
	      "serverAuth,clientAuth", NULL},
	     false,
	     false},
	};
	struct stage stage;

	(void)state;
	stage_make(&stage);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(verify(&stage, &rows[i].usages, CHAIN_TLS_SERVER, NULL),
				 rows[i].server ? TOBI_OK : TOBI_E_CERTIFICATE);
		assert_int_equal(verify(&stage, &rows[i].usages, CHAIN_TLS_CLIENT, NULL),
				 rows[i].client ? TOBI_OK : TOBI_E_CERTIFICATE);
	}
	stage_done(&stage);
}

static void test_chain_purpose__none__refused(void **state)
{
	static const struct usages usages = {LEAF, SIGNS, PLATFORM, NULL};
	struct stage stage;

	(void)state;
	stage_make(&stage);
	assert_int_equal(verify(&stage, &usages, 0, NULL), TOBI_E_ARGUMENT);
	assert_int_equal(verify(&stage, &usages, CHAIN_EK + 1, NULL), TOBI_E_ARGUMENT);
	stage_done(&stage);
}

static void test_chain_host__names(void **state)
{
	static const struct {
		const char *names, *host;
		enum tobi_err expected;
	} rows[] = {
	    {"DNS:a.example", "a.example", TOBI_OK},
	    {"DNS:a.example", "A.EXAMPLE", TOBI_OK},
	    {"DNS:*.example.org", "a.example.org", TOBI_OK},
	    {"DNS:a.example", "b.example", TOBI_E_CERTIFICATE},
	    {"DNS:*.example.org", "a.b.example.org", TOBI_E_CERTIFICATE},
	    {"DNS:f*.example.org", "foo.example.org", TOBI_E_CERTIFICATE},
	    /* The common name, host.example, is nobody's name. */
	    {NULL, "host.example", TOBI_E_CERTIFICATE},
	    {"IP:127.0.0.1", "host.example", TOBI_E_CERTIFICATE},
	    {"IP:127.0.0.1", "127.0.0.1", TOBI_OK},
	    {"IP:::1", "::1", TOBI_OK},
	    {"IP:127.0.0.2", "127.0.0.1", TOBI_E_CERTIFICATE},
	    {"DNS:127.0.0.1", "127.0.0.1", TOBI_E_CERTIFICATE},
	    {"DNS:a.example", "", TOBI_E_ARGUMENT},
	    {"DNS:a.example", ".example", TOBI_E_ARGUMENT},
	};
	struct stage stage;

	(void)state;
	stage_make(&stage);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct usages usages = {LEAF, SIGNS, "serverAuth", rows[i].names};

		if (verify(&stage, &usages, CHAIN_TLS_SERVER, rows[i].host) !=
		    rows[i].expected)
			fail_msg("%s for %s", rows[i].names ? rows[i].names : "no name",
				 rows[i].host);
	}
	stage_done(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_chain_purpose__platform),
	    cmocka_unit_test(test_chain_purpose__tls),
	    cmocka_unit_test(test_chain_purpose__none__refused),
	    cmocka_unit_test(test_chain_host__names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
