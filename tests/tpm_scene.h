/* A TPM made of OpenSSL, which says what a test wants: quotes for the evidence of a
 * test_scene, right ones and others. */
#ifndef TESTS_TPM_SCENE_H
#define TESTS_TPM_SCENE_H

#include "tests/evidence.h"
#include "token/tpm_evidence.h"

struct test_tpm {
	EVP_PKEY *ak, *other_key;
	struct writer certificate;	 /* of the AK, under the scene's platform CA */
	struct writer other_certificate; /* of another key, under it too */
	uint32_t magic, ak_attributes, key_attributes, selected;
	unsigned type, bank;
	bool for_another_nonce, for_another_platform;
	bool damage_quote, damage_certify; /* the signature's last byte */
	bool shows_another_value, shows_more_values;
	bool certifies_another_key, is_about_another_key, says_certify_wrongly;
	bool without_chain, chain_of_another_key, unreadable, twice_selected;
};
/* All is right. */
void test_tpm_make(struct test_tpm *tpm, const struct test_platform *platform);
void test_tpm_done(struct test_tpm *tpm);
/* The submodule for a token with this nonce, of that platform. */
void test_tpm_quote(const struct test_tpm *tpm, const struct test_platform *platform,
		    struct tobi_bytes nonce, struct writer *out);
/* A TPMT_PUBLIC of a P-256 or P-384 key. */
void test_tpm_public(EVP_PKEY *key, uint32_t attributes, struct writer *out);

#endif
