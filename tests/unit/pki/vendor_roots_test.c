/* The table of vendors' roots: well formed, and the keys of the certificates that vendors
 * publish, where these are at hand (TOBICHI_VECTORS). */
#include <stdio.h>

#include <openssl/x509.h>

#include "base/file.h"
#include "pki/chain.h"
#include "pki/vendor_roots.h"
#include "tests/bytes.h"

static bool is_hash(const char *text)
{
	uint8_t hash[SHA256_SIZE];

	if (!hex_read(text, hash, sizeof(hash)))
		return false;
	for (; *text; text++) {
		if (*text >= 'A' && *text <= 'F')
			return false;
	}
	return true;
}

static void test_vendor_roots__every_row__is_well_formed_and_there_once(void **state)
{
	const struct vendor_root *root, *other;
	size_t count = 0;

	(void)state;
	for (; (root = vendor_root_at(count)); count++) {
		assert_true(is_hash(root->key));
		assert_true(is_hash(root->certificate));
		assert_string_not_equal(root->key, root->certificate);
		assert_true(root->name[0] && root->tier[0] && root->source[0]);
		for (size_t i = 0; i < count; i++) {
			other = vendor_root_at(i);
			assert_false(strcmp(other->tier, root->tier) == 0 &&
				     strcmp(other->key, root->key) == 0);
		}
	}
	assert_true(count > 0);
	assert_null(vendor_root_at(count + 1));
}

static void test_vendor_root_pins__tier__its_own_rows_and_no_other(void **state)
{
	const struct vendor_root *root;

	(void)state;
	for (size_t i = 0; (root = vendor_root_at(i)); i++) {
		struct key_pins pins = vendor_root_pins(root->tier);
		size_t rows = 0;

		for (size_t j = 0; vendor_root_at(j); j++) {
			const struct vendor_root *other = vendor_root_at(j);
			bool same = strcmp(other->tier, root->tier) == 0;
			uint8_t key[SHA256_SIZE];

			assert_true(hex_read(other->key, key, sizeof(key)));
			rows += same;
			if (same)
				assert_true(key_pins_have(&pins, key));
		}
		assert_int_equal(pins.count, rows);
	}
	assert_int_equal(vendor_root_pins("soft").count, 0);
	assert_int_equal(vendor_root_pins("").count, 0);
	assert_int_equal(vendor_root_pins("SNP").count, 0);
}

static void test_key_pins_have__other_keys__no(void **state)
{
	struct key_pins pins = vendor_root_pins("snp"), none = {0};
	uint8_t key[SHA256_SIZE];

	(void)state;
	bytes_copy(key, sizeof(key), pins.keys[pins.count - 1], sizeof(key));
	assert_true(key_pins_have(&pins, key));
	assert_false(key_pins_have(&none, key));
	/* Only as many as are counted. */
	pins.count--;
	assert_false(key_pins_have(&pins, key));
	pins.count++;
	for (size_t bit = 0; bit < 8 * sizeof(key); bit += 51) {
		key[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(key_pins_have(&pins, key));
		key[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* The last certificate of a file, and how the table calls its key. */
static const struct {
	const char *tier, *name, *path;
} published[] = {
    {"sgx", "Intel SGX Root CA", "roots/intel-sgx/root_ca.der"},
    {"tdx", "Intel SGX Root CA", "roots/intel-sgx/root_ca.der"},
    {"snp", "ARK-Milan", "roots/amd-snp/ask_ark_milan.pem"},
    {"snp", "ARK-Milan", "roots/amd-snp/ask_ark_milan_vlek.pem"},
    {"snp", "ARK-Genoa", "roots/amd-snp/ask_ark_genoa.pem"},
    {"snp", "ARK-Turin", "roots/amd-snp/ask_ark_turin_vcek.pem"},
    {"nitro", "aws.nitro-enclaves", "roots/aws-nitro/root_g1.pem"},
    {"nitro-tpm", "aws.nitro-enclaves", "roots/aws-nitro/root_g1.pem"},
    {"azure-snp", "ARK-Milan", "roots/amd-snp/ask_ark_milan.pem"},
    {"azure-snp", "ARK-Genoa", "roots/amd-snp/ask_ark_genoa.pem"},
    {"azure-snp", "ARK-Turin", "roots/amd-snp/ask_ark_turin_vcek.pem"},
    {"azure-tdx", "Intel SGX Root CA", "roots/intel-sgx/root_ca.der"},
};

static X509 *last_certificate(struct tobi_bytes bytes)
{
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_PEM);
	struct tobi_bytes list[LIMIT_COSE_CHAIN];
	size_t count = 0;
	X509 *certificate = NULL;

	if (bytes.ptr[0] == '-') {
		assert_int_equal(chain_read_pem(bytes, "file", &der, list,
						LIMIT_COSE_CHAIN, &count, NULL),
				 0);
		bytes = list[count - 1];
	}
	assert_int_equal(chain_read_certificate(bytes, "file", &certificate, NULL), 0);
	return certificate;
}

static void test_vendor_roots__published_certificates__have_these_keys(void **state)
{
	const char *folder = getenv("TOBICHI_VECTORS");

	(void)state;
	if (!folder) {
		print_message("TOBICHI_VECTORS names no folder of real certificates\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
		CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_PEM);
		struct key_pins pins = vendor_root_pins(published[i].tier);
		const struct vendor_root *root;
		uint8_t key[SHA256_SIZE];
		char path[512], hex[2 * SHA256_SIZE + 1];
		bool named = false;
		X509 *certificate;

		snprintf(path, sizeof(path), "%s/%s", folder, published[i].path);
		assert_int_equal(file_read(path, LIMIT_PEM, "file", &bytes, NULL), 0);
		certificate = last_certificate(wr_view(&bytes));
		assert_int_equal(
		    key_spki_sha256(X509_get0_pubkey(certificate), key, NULL), 0);
		X509_free(certificate);
		assert_true(key_pins_have(&pins, key));
		hex_write((struct tobi_bytes){key, sizeof(key)}, hex, sizeof(hex));
		for (size_t j = 0; (root = vendor_root_at(j)); j++)
			named |= strcmp(root->tier, published[i].tier) == 0 &&
				 strcmp(root->name, published[i].name) == 0 &&
				 strcmp(root->key, hex) == 0;
		assert_true(named);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vendor_roots__every_row__is_well_formed_and_there_once),
	    cmocka_unit_test(test_vendor_root_pins__tier__its_own_rows_and_no_other),
	    cmocka_unit_test(test_key_pins_have__other_keys__no),
	    cmocka_unit_test(test_vendor_roots__published_certificates__have_these_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
