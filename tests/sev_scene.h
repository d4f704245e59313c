/* A platform of AMD SEV under a root of the tests' own, one launch on it, and a policy
 * that accepts it. A test changes what it likes, and signs again what it changed. */
#ifndef TESTS_SEV_SCENE_H
#define TESTS_SEV_SCENE_H

#include "tee/sev_certificate.h"
#include "tee/sev_launch.h"
#include "tobichi/verify.h"

enum { SEV_TEST_NOW = 1900000000 };

/* AMD's part, whose keys take long to make: once for many scenes. */
struct test_amd {
	EVP_PKEY *ark_key, *ask_key;
	size_t size; /* of each certificate */
	uint8_t ark[SEV_AMD_4096_SIZE], ask[SEV_AMD_4096_SIZE];
	struct writer anchor; /* the root's key in an X.509 certificate, PEM, as text */
};
/* key_id: of the root, 32 hexadecimal digits. ark_key and ask_key may be given, or NULL.
 */
void test_amd_make(struct test_amd *amd, int bits, const char *key_id);
void test_amd_done(struct test_amd *amd);
/* Signs a certificate of AMD's again. */
void test_amd_sign(uint8_t *certificate, size_t size, EVP_PKEY *signer);

#define TEST_KEY_ID_ROME "e6002122fb58419399d15fee7b131351"

struct test_sev {
	const struct test_amd *amd;
	EVP_PKEY *cek_key, *pek_key, *oca_key, *pdh_key;
	uint8_t cek[SEV_CERTIFICATE_SIZE], pek[SEV_CERTIFICATE_SIZE],
	    oca[SEV_CERTIFICATE_SIZE], pdh[SEV_CERTIFICATE_SIZE];
	struct sev_launch launch;
	uint8_t tik[SEV_TIK_SIZE], digest[SEV_DIGEST_SIZE];
	/* What is left out. */
	bool no_amd, no_cek, no_pek, no_oca, no_pdh, no_launch, no_tik;
	/* Of the policy. */
	const char *section, *allow, *anchors, *images;
};
void test_sev_make(struct test_sev *sev, const struct test_amd *amd);
void test_sev_done(struct test_sev *sev);
/* The body of a certificate, with no signature. */
void test_sev_certificate(uint8_t out[static SEV_CERTIFICATE_SIZE], uint32_t usage,
			  uint32_t algorithm, EVP_PKEY *key);
/* Slot 0 or 1. */
void test_sev_sign(uint8_t certificate[static SEV_CERTIFICATE_SIZE], size_t slot,
		   uint32_t usage, uint32_t algorithm, EVP_PKEY *signer);
/* PEK, OCA, CEK, PDH, ASK, ARK, as far as they are there. */
void test_sev_chain(const struct test_sev *sev, struct writer *out);
/* As QEMU answers: one object for both questions. */
void test_sev_launch(const struct test_sev *sev, struct writer *out);
void test_sev_policy(const struct test_sev *sev, struct writer *out);
/* Some evidence and pieces, under the scene's policy. */
enum tobi_err test_sev_verify(const struct test_sev *sev, struct tobi_bytes evidence,
			      const struct tobi_bytes *pieces, size_t count,
			      struct tobi_result **ret_result, struct tobi_fault *fault);
/* The chain in one file, the launch beside it. tobi_result_free() it. */
struct tobi_result *test_sev_appraise(const struct test_sev *sev);

#endif
