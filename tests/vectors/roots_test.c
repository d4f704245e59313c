/*
 * The roots of the field are those that this build knows, by their keys; and what is
 * below them is none.
 */
#include <stdio.h>

#include <openssl/x509v3.h>

#include "pki/chain.h"
#include "pki/vendor_roots.h"
#include "tee/sev_certificate.h"
#include "tests/check.h"
#include "tests/vectors/manifest.h"

enum { MANY = 8 };

/* Rows whose path starts so, and the tiers of their vendor; NULL at the end. */
static const struct {
	const char *start, *tiers[3];
} vendors[] = {
    {"roots/intel-sgx/", {"sgx", "tdx"}}, {"roots/amd-snp/", {"snp"}},
    {"roots/amd-sev/", {"sev", "snp"}},	  {"roots/aws-nitro/", {"nitro", "nitro-tpm"}},
    {"roots/google-vtpm/", {"tpm"}},	  {"roots/nvidia/", {"nvidia-gpu", "nvidia-rim"}},
};

static struct vectors vectors;

static bool is_known(const char *const *tiers, EVP_PKEY *key)
{
	uint8_t hash[SHA256_SIZE];
	unsigned char *der = NULL;
	int size = i2d_PUBKEY(key, &der);

	assert_true(size > 0);
	assert_int_equal(hash_sha256((struct tobi_bytes){der, (size_t)size}, hash), 0);
	OPENSSL_free(der);
	for (; *tiers; tiers++) {
		struct key_pins pins = vendor_root_pins(*tiers);

		if (key_pins_have(&pins, hash))
			return true;
	}
	return false;
}

static size_t check_x509(const struct vector_row *row, const char *const *tiers,
			 struct tobi_bytes der)
{
	X509 *certificate = NULL;
	bool root, known;

	assert_int_equal(chain_read_certificate(der, row->path, &certificate, NULL), 0);
	root = X509_get_extension_flags(certificate) & EXFLAG_SS;
	known = is_known(tiers, X509_get0_pubkey(certificate));
	X509_free(certificate);
	print_message("%s: %s\n", row->path,
		      root    ? "a root"
		      : known ? "a CA"
			      : "a CA, not trusted by itself");
	return root != known;
}

static size_t check_sev(const struct vector_row *row, const char *const *tiers,
			struct tobi_bytes bytes)
{
	struct sev_certificate certificate;
	EVP_PKEY *key = NULL;
	bool root, known;

	assert_int_equal(sev_certificate_parse(bytes, &certificate, NULL), 0);
	assert_int_equal(sev_certificate_key(&certificate, &key, NULL), 0);
	root = certificate.usage == SEV_ARK;
	known = is_known(tiers, key);
	EVP_PKEY_free(key);
	print_message("%s: %s\n", row->path,
		      root ? "a root" : "a CA, not trusted by itself");
	return root != known;
}

static size_t check_row(struct vector_row *row, const char *const *tiers)
{
	struct tobi_bytes bytes = vectors_bytes(&vectors, row), list[MANY];
	struct writer der = wr_init(LIMIT_PEM);
	size_t count = 0, wrong = 0;

	if (sev_certificate_size(bytes))
		return check_sev(row, tiers, bytes);
	if (bytes.ptr[0] == 0x30)
		return check_x509(row, tiers, bytes);
	assert_int_equal(chain_read_pem(bytes, row->path, &der, list, MANY, &count, NULL),
			 0);
	for (size_t i = 0; i < count; i++)
		wrong += check_x509(row, tiers, list[i]);
	wr_done(&der);
	return wrong;
}

static void test_vectors__roots__are_those_of_this_build(void **state)
{
	size_t wrong = 0, count = 0;

	(void)state;
	for (size_t i = 0; i < vectors.count; i++) {
		for (size_t k = 0; k < sizeof(vendors) / sizeof(vendors[0]); k++) {
			struct vector_row *row = &vectors.rows[i];

			if (strncmp(row->path, vendors[k].start,
				    strlen(vendors[k].start)) != 0)
				continue;
			count++;
			if (check_row(row, vendors[k].tiers)) {
				print_message("%s is not as it should be\n", row->path);
				wrong++;
			}
		}
	}
	assert_true(count > 0);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors__roots__are_those_of_this_build),
	};
	int failed = vectors_run(&vectors, tests);

	vectors_close(&vectors);
	return failed;
}
