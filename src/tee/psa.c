#include "tee/psa.h"

#include "base/fault.h"
#include "base/secret.h"
#include "tee/arm_facts.h"
#include "tee/psa_token.h"

static const struct check check_algorithm = {
    "PSA-ALGORITHM",
    "the token is signed with ECDSA, or has a MAC of HMAC, and what is signed says which",
    "RFC 9783 section 5.2; RFC 9052 section 3.1",
    "Ask the device for a token whose algorithm is in its protected header."};
static const struct check check_claims = {
    "PSA-CLAIMS", "the token has the claims of its profile, each of its type and size",
    "RFC 9783 section 4; Tobichi protocols, section 14.9",
    "Ask the device for the token again; if it stays so, its firmware makes another kind "
    "of token."};
static const struct check check_signature = {
    "PSA-SIGNATURE", "a key that is trusted for this device signed exactly this token",
    "RFC 9783 section 5.2; RFC 9052 sections 4.4 and 6.3",
    "Name the device's public key (IAK) in the policy's roots, tier psa; of a token with "
    "a MAC give the shared key (--secret), and no roots."};
static const struct check check_binding = {
    "PSA-BINDING", "the token was made for exactly these claims",
    "Tobichi protocols, section 14.9",
    "The evidence belongs to another request. Ask for it again with your own nonce."};

static const struct check *const checks[] = {&check_algorithm, &check_claims,
					     &check_signature, &check_binding, NULL};

/* Whom the policy names, and nobody else: a shared key counts only where it names no
 * other, so that nobody can make a MAC under a public key. */
static void examine_mac(const struct tee_request *request, const struct arm_token *token,
			struct checklist *list, struct tee_claims *claims)
{
	bool has_anchors =
	    request->anchors_pem.size || arm_device_keys(request, &claims->environment);
	bool holds = !has_anchors &&
		     cose_mac_holds(&token->sign1, request->secret, token->sign1.payload);
	const char *found = "the MAC was not made with this key over this token";

	if (has_anchors)
		found = "a MAC of a shared key, and the policy names public keys";
	else if (!request->secret.size)
		found = "a MAC of a shared key, which was not given";
	check_record(list, &check_signature, holds, "a MAC of the shared key",
		     holds ? "" : found);
	if (holds)
		tee_warn(claims, "SHARED KEY: whoever has the key that verifies this "
				 "token can make such tokens, too");
}

static void examine_signature(const struct tee_request *request,
			      const struct arm_token *token, struct checklist *list,
			      struct tee_claims *claims)
{
	const char *why = "";
	const uint8_t *spki = NULL;

	if (!arm_token_signer(token, request, &claims->environment, &spki, &why)) {
		check_record(list, &check_signature, false, "a key of the policy", why);
		return;
	}
	check_record(list, &check_signature, true, "", "");
	tee_fact_hex(claims, list->arena, "signed with",
		     (struct tobi_bytes){spki, SHA256_SIZE});
}

static void examine_binding(const struct tee_request *request, struct tobi_bytes nonce,
			    struct checklist *list)
{
	uint8_t hash[SHA256_SIZE];

	if (!request->claims_buffer.size)
		check_waive(list, &check_binding, "it came without claims");
	else if (!hash_sha256(request->claims_buffer, hash))
		check_record_equal(list, &check_binding,
				   (struct tobi_bytes){hash, sizeof(hash)}, nonce);
}

static void take_claims(const struct arm_claims *psa, struct arena *arena,
			struct tee_claims *out)
{
	out->tier = tee_psa.tier;
	out->root_kind = "hardware";
	out->psa = psa;
	out->timeless = true;
	out->nonce = psa->values[ARM_NONCE];
	out->hardware = psa->values[ARM_INSTANCE];
	out->debug = arm_lifecycle_is_debug(psa->numbers[ARM_LIFECYCLE]);
	out->environment = arm_environment(psa);
	arm_facts_device(psa, arena, out);
	arm_measurements(psa, arena, out);
}

static enum tobi_err examine(const struct tee_request *request, struct checklist *list,
			     struct tee_claims *ret_claims, struct tobi_fault *fault)
{
	struct arm_claims *claims = arena_alloc(list->arena, sizeof(*claims));
	struct arm_token token;
	bool known;
	enum tobi_err err;

	for (size_t i = 0; checks[i]; i++)
		check_owe(list, checks[i]);
	if (!claims)
		return fault_set(fault, TOBI_E_MEMORY, "PSA token", "", "out of memory");
	err = arm_token_parse(request->evidence, "PSA token", list->arena, &token, fault);
	if (!err)
		err = psa_claims_read(token.payload, claims, fault);
	if (err)
		return err;
	take_claims(claims, list->arena, ret_claims);
	known = token.is_mac ? token.sign1.alg != COSE_NONE : arm_token_is_ecdsa(&token);
	check_record(list, &check_algorithm, known,
		     token.is_mac ? "HMAC with SHA-2" : "ES256, ES384 or ES512",
		     known	       ? ""
		     : token.sign1.alg ? "another one"
				       : "none in the protected header, or another one");
	check_record(list, &check_claims, !claims->wrong[0], "the claims of its profile",
		     claims->wrong);
	if (token.is_mac)
		examine_mac(request, &token, list, ret_claims);
	else
		examine_signature(request, &token, list, ret_claims);
	tee_fact_hex(ret_claims, list->arena, "nonce", ret_claims->nonce);
	arm_facts_components(claims, list->arena, ret_claims);
	examine_binding(request, ret_claims->nonce, list);
	return TOBI_OK;
}

const struct tee_verifier tee_psa = {
    "psa",	  "psa-token", "application/vnd.tobichi.psa-token", 10003, checks,
    psa_token_is, examine};
