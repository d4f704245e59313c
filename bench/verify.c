/*
 * What appraising soft evidence costs beside its bare signature checks with the same
 * OpenSSL. Cold: the platform is new to the policy, so its certificate is checked too.
 * Warm: the policy knows the platform's chain, so the evidence's own signature is left.
 *
 * Usage: verify p256|p384 ROUNDS COUNT    prints for each round the microseconds of:
 * cold, its two signature checks alone, warm, its one signature check alone
 */
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/x509.h>

#include "pki/chain.h"
#include "tests/evidence.h"
#include "tobichi/verify.h"

/* A signature over as many bytes as a token has. */
struct bare {
	X509 *certificate;
	EVP_PKEY *ca_key, *key;
	const EVP_MD *digest;
	uint8_t message[700], signature[256];
	size_t size;
};

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void bare_make(struct bare *bare, const struct test_platform *platform)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	*bare =
	    (struct bare){.ca_key = platform->ca_key,
			  .key = platform->key,
			  .digest = EVP_PKEY_get_bits(platform->key) > 256 ? EVP_sha384()
									   : EVP_sha256(),
			  .size = sizeof(bare->signature)};
	assert_int_equal(chain_read_certificate(wr_view(&platform->certificate),
						"platform", &bare->certificate, NULL),
			 0);
	assert_int_equal(EVP_DigestSignInit(md, NULL, bare->digest, NULL, bare->key), 1);
	assert_int_equal(EVP_DigestSign(md, bare->signature, &bare->size, bare->message,
					sizeof(bare->message)),
			 1);
	EVP_MD_CTX_free(md);
}

static void check_certificate(const struct bare *bare)
{
	assert_int_equal(X509_verify(bare->certificate, bare->ca_key), 1);
}

static void check_token(const struct bare *bare)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	assert_int_equal(EVP_DigestVerifyInit(md, NULL, bare->digest, NULL, bare->key),
			 1);
	assert_int_equal(EVP_DigestVerify(md, bare->signature, bare->size, bare->message,
					  sizeof(bare->message)),
			 1);
	EVP_MD_CTX_free(md);
}

static void appraise(const struct tobi_policy *policy, const struct test_scene *scene,
		     struct tobi_bytes evidence)
{
	struct tobi_verify_request request = {evidence, scene->given_nonce, scene->now};
	struct tobi_result *result = NULL;

	assert_int_equal(tobi_verify(policy, &request, &result, NULL), 0);
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	tobi_result_free(result);
}

static void use_platform(struct test_scene *scene, enum key_kind kind)
{
	test_platform_done(&scene->platform);
	test_platform_make_at(&scene->platform, kind, scene->now);
	scene->anchors_pem = (const char *)scene->platform.ca_pem.ptr;
}

static void measure(const struct writer *yaml, const struct test_scene *scene,
		    struct tobi_bytes evidence, const struct bare *bare, long count)
{
	double cold = 0, warm = 0, one = 0, two = 0, start;

	/* Interleaved, so that all four have the same neighbours. */
	for (long i = 0; i < count; i++) {
		struct tobi_policy *policy = NULL;

		assert_int_equal(tobi_policy_parse(wr_view(yaml), "bench", &policy, NULL),
				 0);
		start = seconds();
		appraise(policy, scene, evidence);
		cold += seconds() - start;
		start = seconds();
		check_certificate(bare);
		check_token(bare);
		two += seconds() - start;
		start = seconds();
		appraise(policy, scene, evidence);
		warm += seconds() - start;
		tobi_policy_free(policy);
		start = seconds();
		check_token(bare);
		one += seconds() - start;
	}
	printf("%.1f %.1f %.1f %.1f\n", cold * 1e6 / (double)count,
	       two * 1e6 / (double)count, warm * 1e6 / (double)count,
	       one * 1e6 / (double)count);
}

int main(int argc, char **argv)
{
	struct writer yaml = wr_init(LIMIT_POLICY), evidence = wr_init(LIMIT_EVIDENCE);
	long rounds = argc == 4 ? strtol(argv[2], NULL, 10) : 0;
	long count = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
	struct test_scene scene;
	struct bare bare;

	if (rounds < 1 || count < 1)
		return 2;
	test_scene_make(&scene);
	use_platform(&scene, strcmp(argv[1], "p256") == 0 ? KEY_P256 : KEY_P384);
	test_scene_policy(&scene, &yaml);
	test_scene_evidence(&scene, &evidence);
	bare_make(&bare, &scene.platform);
	for (long round = 0; round < rounds; round++)
		measure(&yaml, &scene, wr_view(&evidence), &bare, count);
	X509_free(bare.certificate);
	test_scene_done(&scene);
	wr_done(&yaml);
	wr_done(&evidence);
	return 0;
}
