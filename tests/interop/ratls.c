/*
 * The three certificates of CCC-Attestation/interoperable-ra-tls: Gramine's, Intel SGX
 * SDK's and rats-tls'. They are not part of this tree. TOBICHI_RATLS_VECTORS names a
 * folder that has them (interoperability-tests/ of that repository); what is known of
 * them stands here.
 */
#include <stdio.h>
#include <stdlib.h>

#include "appraise/ratls.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "pki/chain.h"
#include "tests/bytes.h"
#include "token/claims_buffer.h"
#include "token/ratls.h"

enum { SKIP = 77 };

/* Of one file. */
static const struct vector {
	const char *name, *file_sha256, *claims_sha256;
	const struct extension_name *legacy; /* beside the evidence; NULL: none */
	const char *curve;
	size_t claims; /* entries of the claims-buffer */
	int64_t valid; /* a time within its validity, and one behind it */
	int64_t expired;
} vectors[] = {
    {"gramine-cert.pem",
     "fdab033991d7e36434ad1abd1880fbfa45a329301a2630f725af55716f6ecf32",
     "d8673446fe0f6842d4af0d182c8751d7e967039116deff5f85a43b2ca90c2831",
     &ratls_gramine_name, "secp384r1", 1, 1700000000, 1924992000},
    {"intel-sgxsdk-cert.pem",
     "40160bc4d8651fef3877e986798ff53764e9d3bd535eae43d3c6854dd45b0a55",
     "e551b081d5079ad7565b5f20a45f276c2f5a6152c1802c0688e15a02e87a74c9",
     &ratls_intel_name, "secp384r1", 1, 1700000000, 2556144000},
    {"rats-tls-cert.pem",
     "9425d828bd9b9952a84e4fa8b5ef156c701f7a02c02a97d4aef7bcc641b04a83",
     "3ef61b935603341747b96c602397da1c4761afe4eeed2cdc08cbf5f4ff61c533", NULL,
     "prime256v1", 3, 1690000000, 1710000000},
};
enum { VECTORS = sizeof(vectors) / sizeof(vectors[0]) };

static const char *folder;

struct sample {
	const struct vector *vector;
	struct writer pem, der;
	X509 *certificate;
	struct ratls_carried carried;
	struct arena arena;
};

static bool find_file(const char *name, char *ret_path, size_t room)
{
	FILE *file;

	snprintf(ret_path, room, "%s/%s", folder, name);
	file = fopen(ret_path, "rb");
	if (file)
		fclose(file);
	return file;
}

static void sample_open(struct sample *sample, const struct vector *vector)
{
	struct tobi_bytes list[1];
	char path[1024];
	size_t count = 0;

	*sample = (struct sample){.vector = vector,
				  .pem = wr_init(LIMIT_PEM),
				  .der = wr_init(LIMIT_PEM),
				  .arena = arena_init(LIMIT_APPRAISAL)};
	assert_true(find_file(vector->name, path, sizeof(path)));
	assert_int_equal(file_read(path, LIMIT_PEM, "certificate", &sample->pem, NULL),
			 0);
	assert_int_equal(chain_read_pem(wr_view(&sample->pem), "certificate",
					&sample->der, list, 1, &count, NULL),
			 0);
	assert_int_equal(
	    chain_read_certificate(list[0], "certificate", &sample->certificate, NULL),
	    0);
	assert_int_equal(
	    ratls_find(sample->certificate, &sample->arena, &sample->carried, NULL), 0);
}

static void sample_close(struct sample *sample)
{
	X509_free(sample->certificate);
	arena_done(&sample->arena);
	wr_done(&sample->der);
	wr_done(&sample->pem);
}

static void assert_sha256(struct tobi_bytes bytes, const char *hex)
{
	uint8_t hash[SHA256_SIZE];
	char text[2 * SHA256_SIZE + 1];

	assert_int_equal(hash_sha256(bytes, hash), 0);
	hex_write((struct tobi_bytes){hash, sizeof(hash)}, text, sizeof(text));
	assert_string_equal(text, hex);
}

static struct tobi_bytes legacy_of(const struct sample *sample)
{
	struct extension extension = {0};

	assert_int_equal(
	    extension_find(sample->certificate, sample->vector->legacy, &extension), 1);
	assert_false(extension.critical);
	return extension.value;
}

/* The keys of the claims-buffer, in their order. */
static void assert_claims(const struct sample *sample)
{
	static const char *const names[] = {"pubkey-hash", "key_0", "key_1"};
	struct cbor cbor =
	    cbor_init(sample->carried.evidence.claims_buffer, CBOR_PREFERRED);
	struct cbor_map map = cbor_map(&cbor, 8, "claims");
	struct tobi_bytes key;
	size_t count = 0;

	while (cbor_map_text(&cbor, &map, &key, "key")) {
		assert_true(count < sample->vector->claims);
		assert_true(bytes_equal_text(key, names[count++]));
		cbor_bytes(&cbor, LIMIT_CLAIMS_BUFFER, "value");
	}
	assert_int_equal(cbor_finish(&cbor, "claims-buffer", NULL), 0);
	assert_int_equal(count, sample->vector->claims);
}

static void assert_key(const struct sample *sample)
{
	EVP_PKEY *key = X509_get0_pubkey(sample->certificate);
	struct claims_buffer claims;
	uint8_t hash[SHA384_SIZE] = {0};
	char curve[32];

	assert_int_equal(EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL), 1);
	assert_string_equal(curve, sample->vector->curve);
	assert_int_equal(
	    claims_buffer_parse(sample->carried.evidence.claims_buffer, &claims, NULL),
	    0);
	assert_int_equal(claims.nonce.size, 0);
	assert_true(claims.hash == CLAIMS_SHA256 || claims.hash == CLAIMS_SHA384);
	assert_int_equal(claims.hash == CLAIMS_SHA256 ? key_spki_sha256(key, hash, NULL)
						      : key_spki_sha384(key, hash, NULL),
			 0);
	assert_bytes_equal(claims.pubkey_hash,
			   ((struct tobi_bytes){hash, claims.pubkey_hash.size}));
}

static void test_ratls_vectors__facts__hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		uint8_t hash[64] = {0}; /* with its zeros */
		struct ratls_kind kind;
		struct sample sample;

		sample_open(&sample, &vectors[i]);
		assert_sha256(wr_view(&sample.pem), vectors[i].file_sha256);
		assert_int_equal(sample.carried.form, RATLS_CCC);
		assert_int_equal(sample.carried.evidence.tag, RATLS_TAG_QUOTE);
		assert_false(sample.carried.has_endorsements);
		assert_sha256(sample.carried.evidence.claims_buffer,
			      vectors[i].claims_sha256);
		assert_claims(&sample);
		assert_key(&sample);
		kind = ratls_kind_of(&sample.carried.evidence);
		assert_string_equal(kind.name, "sgx-quote");
		assert_int_equal(kind.report_data.size, 64);
		assert_int_equal(hash_sha256(sample.carried.evidence.claims_buffer, hash),
				 0);
		assert_bytes_equal(kind.report_data,
				   ((struct tobi_bytes){hash, sizeof(hash)}));
		sample_close(&sample);
	}
}

/* A certificate without the evidence extension has only these. */
static void test_ratls_vectors__legacy_extensions__are_quotes(void **state)
{
	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		struct ratls_evidence evidence = {.tag = RATLS_TAG_QUOTE};
		struct ratls_kind kind;
		struct sample sample;

		if (!vectors[i].legacy)
			continue;
		sample_open(&sample, &vectors[i]);
		evidence.evidence = legacy_of(&sample);
		kind = ratls_kind_of(&evidence);
		assert_string_equal(kind.name, "sgx-quote");
		assert_int_equal(kind.report_data.size, 64);
		/* Gramine's is over the key itself; Intel's is the same quote again. */
		if (vectors[i].legacy == &ratls_gramine_name) {
			uint8_t hash[64] = {0};

			assert_int_equal(
			    key_spki_sha256(X509_get0_pubkey(sample.certificate), hash,
					    NULL),
			    0);
			assert_memory_equal(kind.report_data.ptr, hash, 64);
		} else {
			assert_bytes_equal(evidence.evidence,
					   sample.carried.evidence.evidence);
		}
		sample_close(&sample);
	}
}

/* ---- the whole appraisal ---- */

static const char policy_text[] =
    "version: 1\ntiers: [sgx, tdx]\nchannel: ra-tls\nimages: [" /* any image */
    "000000000000000000000000000000000000000000000000"
    "000000000000000000000000000000000000000000000000]\n"
    "identity:\n  mode: any-instance\n";

static enum tobi_outcome outcome_of(const struct tobi_result *result, const char *code)
{
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *line = tobi_result_check(result, i);

		if (strcmp(line->code, code) == 0)
			return line->outcome;
	}
	fail_msg("%s is not on the list", code);
	return TOBI_NOT_RUN;
}

static void test_ratls_vectors__appraised__all_but_collateral(void **state)
{
	static const char *const good[] = {"RATLS-MODE",      "RATLS-EXTENSION",
					   "RATLS-CLAIMS",    "RATLS-KEY",
					   "RATLS-KIND",      "RATLS-BINDING",
					   "SGX-FORMAT",      "DCAP-QE-SIGNATURE",
					   "DCAP-QE-BINDING", "DCAP-QUOTE-SIGNATURE",
					   "SGX-REPORT-DATA"};
	struct tobi_policy *policy = NULL;

	(void)state;
	assert_int_equal(tobi_policy_parse(text_bytes(policy_text), "p", &policy, NULL),
			 0);
	for (size_t i = 0; i < 2 * VECTORS; i++) {
		const struct vector *vector = &vectors[i / 2];
		struct tobi_verify_request request = {.time = i % 2 ? vector->expired
								    : vector->valid};
		struct tobi_result *result = NULL;
		struct sample sample;

		sample_open(&sample, vector);
		request.evidence = wr_view(&sample.pem);
		assert_int_equal(tobi_verify(policy, &request, &result, NULL), 0);
		assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
		for (size_t n = 0; n < sizeof(good) / sizeof(good[0]); n++)
			assert_int_equal(outcome_of(result, good[n]), TOBI_PASSED);
		assert_int_equal(outcome_of(result, "RATLS-CERTIFICATE"),
				 i % 2 ? TOBI_FAILED : TOBI_PASSED);
		/* No collateral came: whether the platform is revoked is not known. */
		assert_int_not_equal(outcome_of(result, "DCAP-PCK-REVOCATION"),
				     TOBI_PASSED);
		tobi_result_free(result);
		sample_close(&sample);
	}
	tobi_policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ratls_vectors__facts__hold),
	    cmocka_unit_test(test_ratls_vectors__legacy_extensions__are_quotes),
	    cmocka_unit_test(test_ratls_vectors__appraised__all_but_collateral),
	};
	char path[1024];

	folder = getenv("TOBICHI_RATLS_VECTORS");
	for (size_t i = 0; i < VECTORS; i++) {
		if (!folder || !find_file(vectors[i].name, path, sizeof(path))) {
			printf("skipped: TOBICHI_RATLS_VECTORS names no folder with %s "
			       "(github.com/CCC-Attestation/interoperable-ra-tls)\n",
			       vectors[i].name);
			return SKIP;
		}
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
