/*
 * A certificate with evidence under a policy: the input is the policy, a byte of zero,
 * and the certificate. There is an error or a result, and an accepted one carries the
 * warning; the default channel accepts none.
 */
#include <string.h>

#include "base/hex.h"
#include "codec/cbor.h"
#include "fuzz/fuzz.h"
#include "tests/dcap_collateral.h"
#include "tests/ratls.h"
#include "tobichi/verify.h"

static bool appraise(const struct tobi_policy *policy, struct tobi_bytes file)
{
	struct tobi_verify_request request = {.evidence = file, .time = TEST_NOW};
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};
	bool accepted;

	if (tobi_verify(policy, &request, &result, &fault)) {
		must(result == NULL && fault.code != TOBI_OK);
		return false;
	}
	accepted = tobi_result_verdict(result) == TOBI_ACCEPT;
	must(tobi_result_check_count(result) > 0);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);

		must(!accepted || check->outcome == TOBI_PASSED ||
		     check->outcome == TOBI_NOT_ASKED);
	}
	must(!accepted || strstr(tobi_result_allowance(result, 0), "no session binding"));
	tobi_result_free(result);
	return accepted;
}

bool fuzz_one(struct tobi_bytes input)
{
	const uint8_t *end = input.size ? memchr(input.ptr, 0, input.size) : NULL;
	struct tobi_bytes yaml = {input.ptr,
				  end ? (size_t)(end - input.ptr) : input.size};
	struct tobi_policy *policy = NULL;
	bool accepted;

	/* An evidence file, a CBOR map, is for another target. */
	if (!end || end + 1 == input.ptr + input.size || end[1] >= 0x80 ||
	    tobi_policy_parse(yaml, "policy", &policy, NULL))
		return false;
	accepted =
	    appraise(policy, (struct tobi_bytes){end + 1, input.size - yaml.size - 1});
	must(!accepted || memmem(yaml.ptr, yaml.size, "ra-tls", 6));
	tobi_policy_free(policy);
	return accepted;
}

static void write_certificate(struct test_scene *scene, EVP_PKEY *key, bool legacy,
			      struct writer *out)
{
	static const uint8_t quote[600] = {3};
	struct writer token = wr_init(LIMIT_TOKEN), value = wr_init(LIMIT_CERTIFICATE);
	struct test_leaf leaf = {.key = key, .extension_count = legacy ? 2 : 1};
	struct ratls_evidence evidence = {.tag = RATLS_TAG_EAT};

	wr_done(&scene->claims_buffer);
	scene->claims_buffer = wr_init(LIMIT_CLAIMS_BUFFER);
	test_claims_write(key, &(struct test_claims){.hash = CLAIMS_SHA256},
			  &scene->claims_buffer);
	test_scene_token(scene, &token);
	evidence.evidence = wr_view(&token);
	evidence.claims_buffer = wr_view(&scene->claims_buffer);
	ratls_evidence_write(&value, &evidence);
	leaf.extensions[0] =
	    (struct test_extension){&ratls_evidence_name, wr_view(&value), false};
	leaf.extensions[1] =
	    (struct test_extension){&ratls_gramine_name, {quote, sizeof(quote)}, false};
	test_leaf_write(&leaf, out);
	wr_done(&token);
	wr_done(&value);
}

/* A quote of SGX with what it needs, under a root of the tests. */
struct quote_seed {
	struct dcap_scene scene;
	struct dcap_test_collateral collateral;
	struct tobi_collateral *set;
	struct writer claims, quote, value, endorsements;
};

static void write_part(struct quote_seed *seed, enum collateral_kind kind, bool chain)
{
	const struct collateral_item *item = collateral_find(seed->set, kind, NULL);

	must(item);
	cbor_write_bytes(&seed->endorsements, chain ? item->chain : item->data);
}

static void write_endorsements(struct quote_seed *seed)
{
	cbor_write_tag(&seed->endorsements, RATLS_TAG_QUOTE);
	cbor_write_array(&seed->endorsements, 1 + RATLS_COLLATERAL_MIN);
	cbor_write_uint(&seed->endorsements, 3);
	write_part(seed, COLLATERAL_SGX_TCB_INFO, false);
	write_part(seed, COLLATERAL_SGX_TCB_INFO, true);
	write_part(seed, COLLATERAL_PCK_CRL, false);
	write_part(seed, COLLATERAL_INTEL_ROOT_CRL, false);
	cbor_write_bytes(&seed->endorsements, (struct tobi_bytes){0});
	write_part(seed, COLLATERAL_SGX_QE_IDENTITY, false);
	write_part(seed, COLLATERAL_SGX_QE_IDENTITY, true);
}

static void write_quote_policy(const struct quote_seed *seed, struct writer *out)
{
	struct writer pem = wr_init(LIMIT_PEM);
	char image[2 * 32 + 1];

	hex_write((struct tobi_bytes){seed->scene.body + 64, 32}, image, sizeof(image));
	dcap_scene_pem(&seed->scene, DCAP_ROOT, &pem);
	wr_printf(out,
		  "version: 1\ntiers: [sgx]\nchannel: ra-tls\nimages: [%s]\nidentity:\n"
		  "  mode: any-instance\nroots:\n  - tier: sgx\n    anchors: |\n      ",
		  image);
	for (size_t i = 0; i < pem.size; i++)
		wr_printf(out, "%c%s", pem.ptr[i], pem.ptr[i] == '\n' ? "      " : "");
	wr_printf(out, "\n");
	wr_done(&pem);
}

static void write_quote(EVP_PKEY *key, bool bound, struct writer *out)
{
	struct quote_seed seed = {.set = tobi_collateral_new(),
				  .claims = wr_init(LIMIT_CLAIMS_BUFFER),
				  .quote = wr_init(LIMIT_EVIDENCE),
				  .value = wr_init(LIMIT_CERTIFICATE),
				  .endorsements = wr_init(LIMIT_CERTIFICATE)};
	struct test_leaf leaf = {.key = key, .extension_count = 2};
	struct ratls_evidence evidence = {.tag = RATLS_TAG_QUOTE};

	must(seed.set);
	dcap_scene_make(&seed.scene);
	test_claims_write(key, &(struct test_claims){.hash = CLAIMS_SHA256},
			  &seed.claims);
	if (bound) {
		for (size_t i = 0; i < 64; i++)
			seed.scene.body[320 + i] = 0;
		must(!hash_sha256(wr_view(&seed.claims), seed.scene.body + 320));
	}
	dcap_scene_quote(&seed.scene, &seed.quote);
	dcap_test_collateral_make(&seed.scene, &seed.collateral);
	dcap_test_put(&seed.scene, &seed.collateral, seed.set);
	evidence.evidence = wr_view(&seed.quote);
	evidence.claims_buffer = wr_view(&seed.claims);
	ratls_evidence_write(&seed.value, &evidence);
	write_endorsements(&seed);
	leaf.extensions[0] =
	    (struct test_extension){&ratls_evidence_name, wr_view(&seed.value), false};
	leaf.extensions[1] = (struct test_extension){&ratls_endorsements_name,
						     wr_view(&seed.endorsements), false};
	write_quote_policy(&seed, out);
	wr_u8(out, 0);
	test_leaf_write(&leaf, out);
	tobi_collateral_free(seed.set);
	wr_done(&seed.claims);
	wr_done(&seed.quote);
	wr_done(&seed.value);
	wr_done(&seed.endorsements);
}

static enum fuzz_seed quote_seed(unsigned number, struct writer *out)
{
	EVP_PKEY *key;

	if (number >= 2)
		return FUZZ_NO_SEED;
	key = test_key_make(TEST_P256);
	write_quote(key, number == 0, out);
	EVP_PKEY_free(key);
	return number == 0 ? FUZZ_GOOD : FUZZ_BAD;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct writer der = wr_init(LIMIT_CERTIFICATE);
	struct test_scene scene;
	EVP_PKEY *key;

	if (number >= 4)
		return quote_seed(number - 4, out);
	key = test_key_make(number == 1 ? TEST_P384 : TEST_P256);
	test_scene_make(&scene);
	scene.damage_signature = number == 3;
	scene.more = number == 2 ? "" : "channel: ra-tls\n";
	test_scene_policy(&scene, out);
	wr_u8(out, 0);
	write_certificate(&scene, key, number == 1, &der);
	if (number == 1)
		must(!chain_write_pem(wr_view(&der), out, NULL));
	else
		wr_bytes(out, der.ptr, der.size);
	test_scene_done(&scene);
	wr_done(&der);
	EVP_PKEY_free(key);
	return number < 2 ? FUZZ_GOOD : FUZZ_BAD;
}
