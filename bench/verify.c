/*
 * What appraising soft evidence costs beside its two bare signature checks (P-384, of the
 * platform's certificate and of the token) with the same OpenSSL.
 *
 * Usage: verify ROUNDS COUNT    prints for each round the microseconds of both
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

	*bare = (struct bare){.ca_key = platform->ca_key,
			      .key = platform->key,
			      .size = sizeof(bare->signature)};
	assert_int_equal(chain_read_certificate(wr_view(&platform->certificate),
						"platform", &bare->certificate, NULL),
			 0);
	assert_int_equal(EVP_DigestSignInit(md, NULL, EVP_sha384(), NULL, bare->key), 1);
	assert_int_equal(EVP_DigestSign(md, bare->signature, &bare->size, bare->message,
					sizeof(bare->message)),
			 1);
	EVP_MD_CTX_free(md);
}

static void bare_check(const struct bare *bare)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	assert_int_equal(X509_verify(bare->certificate, bare->ca_key), 1);
	assert_int_equal(EVP_DigestVerifyInit(md, NULL, EVP_sha384(), NULL, bare->key),
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

int main(int argc, char **argv)
{
	struct writer yaml = wr_init(LIMIT_POLICY), evidence = wr_init(LIMIT_EVIDENCE);
	long rounds = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
	long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	struct tobi_policy *policy = NULL;
	struct test_scene scene;
	struct bare bare;

	if (rounds < 1 || count < 1)
		return 2;
	test_scene_make(&scene);
	test_scene_policy(&scene, &yaml);
	test_scene_evidence(&scene, &evidence);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "bench", &policy, NULL), 0);
	bare_make(&bare, &scene.platform);
	for (long round = 0; round < rounds; round++) {
		double start = seconds(), middle, end;

		for (long i = 0; i < count; i++)
			appraise(policy, &scene, wr_view(&evidence));
		middle = seconds();
		for (long i = 0; i < count; i++)
			bare_check(&bare);
		end = seconds();
		printf("%.1f %.1f\n", (middle - start) * 1e6 / (double)count,
		       (end - middle) * 1e6 / (double)count);
	}
	X509_free(bare.certificate);
	tobi_policy_free(policy);
	test_scene_done(&scene);
	wr_done(&yaml);
	wr_done(&evidence);
	return 0;
}
