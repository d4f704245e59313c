#include "tee/ear.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "tee/token_signer.h"
#include "tee/token_time.h"
#include "token/claims_buffer.h"
#include "token/ear.h"

#define DRAFT "draft-ietf-rats-ear, section "

static const struct check check_profile = {
    "EAR-PROFILE", "the result follows a profile that this verifier knows",
    DRAFT "3.1; RFC 9711 section 6",
    "Update this verifier, or have the other one write a profile that both know."};
static const struct check check_format = {
    "EAR-FORMAT", "the result has what its profile asks for, each within its bounds",
    DRAFT "3", "The verifier that wrote it is faulty, or it is another kind of thing."};
static const struct check check_signer = {
    "EAR-SIGNER", "a verifier whom the policy trusts has the key that signed the result",
    "Tobichi protocols, section 17.3; RFC 7515 section 4.1",
    "If you trust that verifier, name its public key or its CA in the policy's roots, "
    "tier ear."};
static const struct check check_signature = {
    "EAR-SIGNATURE", "that verifier signed exactly this result",
    "RFC 7515 section 5.2; RFC 9052 section 4.4",
    "The result was changed after it was signed. Do not use it."};
static const struct check check_time = {
    "EAR-TIME", "the result's time is not in the future, and it has not expired",
    DRAFT "3; RFC 7519 section 4.1",
    "Ask the verifier for a new result; set the clocks of both machines."};
static const struct check check_status = {
    "EAR-STATUS", "no status of the result is better than the claims that it is made of",
    DRAFT "3.2; draft-ietf-rats-ar4si, section 2.3",
    "The verifier contradicts itself. Do not use the result."};

static const struct check check_binding = {
    "EAR-BINDING", "the result is about the key to which these claims belong",
    "Tobichi protocols, section 17.3; attested TLS, section 3",
    "The result is somebody else's. Ask its verifier to appraise this attester."};

static const struct check *const checks[] = {
    &check_profile, &check_format, &check_signer,  &check_signature,
    &check_time,    &check_status, &check_binding, NULL,
};

static void examine_status(const struct ear *ear, struct checklist *list)
{
	for (size_t i = 0; i < ear->appraisal_count; i++) {
		const struct ear_appraisal *appraisal = &ear->appraisals[i];
		enum ear_tier worst = ear_vector_worst(&appraisal->vector);

		if (appraisal->status < worst) {
			check_record(list, &check_status, false,
				     arena_printf(list->arena, "%s, or worse",
						  ear_tier_name(worst)),
				     arena_printf(list->arena, "%s: %s", appraisal->name,
						  ear_tier_name(appraisal->status)));
			return;
		}
	}
	check_record(list, &check_status, true, "", "");
}

/* In a session and in a certificate the claims have the hash of the peer's key, whose
 * possession TLS has shown; nothing else of the result is of this session. */
static void examine_binding(const struct tee_request *request, const struct ear *ear,
			    struct checklist *list)
{
	struct claims_buffer claims = {0};
	bool bound = false;

	if (!request->claims_buffer.size) {
		check_not_asked(list, &check_binding, "it came without claims");
		return;
	}
	if (claims_buffer_parse(request->claims_buffer, &claims, NULL) ||
	    claims.hash != CLAIMS_SHA256) {
		check_record(list, &check_binding, false, "claims with a SHA-256",
			     "others");
		return;
	}
	for (size_t i = 0; i < ear->key_count; i++)
		bound |= bytes_equal(claims.pubkey_hash,
				     (struct tobi_bytes){ear->keys[i].spki, SHA256_SIZE});
	check_record(list, &check_binding, bound, "the key of the claims",
		     ear->key_count ? "another key" : "the result names none");
}

/* ---- what it says, for people ---- */

static void show_appraisal(const struct ear_appraisal *appraisal, struct arena *arena,
			   struct tee_claims *claims)
{
	const char *name = appraisal->name;

	tee_fact(claims, arena, arena_printf(arena, "result: %s", name), "%s",
		 ear_tier_name(appraisal->status));
	for (size_t i = 0; i < AR4SI_CLAIMS; i++) {
		int value = appraisal->vector.values[i];

		if (appraisal->vector.has[i])
			tee_fact(
			    claims, arena,
			    arena_printf(arena, "claim: %s, %s", name, ar4si_name(i)),
			    "%s (%d): %s", ear_tier_name(ear_tier_of(value)), value,
			    ear_value_meaning((enum ar4si_claim)i, value));
	}
	for (size_t i = 0; i < appraisal->policy_count; i++)
		tee_fact(claims, arena,
			 arena_printf(arena, "verifier's policy: %s", name), "%s",
			 appraisal->policies[i]);
}

static void show_tobichi(const struct ear *ear, struct arena *arena,
			 struct tee_claims *claims)
{
	if (ear->tobichi.tier)
		tee_fact(claims, arena, "evidence, as the verifier says", "%s, tier %s",
			 ear->tobichi.evidence ? ear->tobichi.evidence : "unknown",
			 ear->tobichi.tier);
	if (ear->tobichi.image_id.size)
		tee_fact_hex(claims, arena, "image, as the verifier says",
			     ear->tobichi.image_id);
}

static void show(const struct ear *ear, struct arena *arena, struct tee_claims *claims)
{
	tee_fact(claims, arena, "verifier", "%s", ear->developer);
	tee_fact(claims, arena, "verifier's build", "%s", ear->build);
	if (ear->issuer)
		tee_fact(claims, arena, "issuer", "%s", ear->issuer);
	tee_fact(claims, arena, "profile of the result", "%s", ear->profile);
	tee_fact(claims, arena, "issued", "%s", token_time_text(arena, ear->issued));
	if (ear->expires)
		tee_fact(claims, arena, "expires", "%s",
			 token_time_text(arena, ear->expires));
	for (size_t i = 0; i < ear->appraisal_count; i++)
		show_appraisal(&ear->appraisals[i], arena, claims);
	show_tobichi(ear, arena, claims);
	for (size_t i = 0; i < ear->key_count; i++)
		tee_fact_hex(claims, arena,
			     arena_printf(arena, "bound to (%s)", ear->keys[i].where),
			     (struct tobi_bytes){ear->keys[i].spki, SHA256_SIZE});
	if (ear->raw_evidence)
		tee_fact(claims, arena, "evidence in the result", "%zu bytes, not read",
			 ear->raw_evidence);
}

/* --with: a public key, of the channel over which the result came. */
static void take_shown(const struct tee_request *request, struct ear *ear)
{
	for (size_t i = 0; i < request->caller_count; i++) {
		struct anchor_keys keys = {0};

		if (anchor_keys_read(request->callers[i], "key", &keys, NULL))
			continue;
		for (size_t j = 0; j < keys.count && ear->shown_count < EAR_KEYS_MAX; j++)
			bytes_copy(ear->shown[ear->shown_count++], SHA256_SIZE,
				   keys.spki[j], SHA256_SIZE);
		anchor_keys_done(&keys);
	}
}

static void take_claims(const struct ear *ear, struct arena *arena,
			struct tee_claims *claims)
{
	claims->tier = tee_ear.tier;
	claims->ear = ear;
	claims->issued = ear->issued;
	claims->root_kind = "verifier";
	claims->image_id = ear->tobichi.image_id;
	claims->signer_count = ear->tobichi.signer_count;
	for (size_t i = 0; i < ear->tobichi.signer_count; i++)
		claims->signers[i] = ear->tobichi.signers[i];
	claims->nonces = ear->nonces;
	claims->nonce_count = ear->nonce_count;
	if (ear->nonce_count)
		claims->nonce = ear->nonces[0];
	show(ear, arena, claims);
}

static enum tobi_err examine(const struct tee_request *request, struct checklist *list,
			     struct tee_claims *ret_claims, struct tobi_fault *fault)
{
	CLEANUP(signed_token_done) struct signed_token token = {0};
	struct ear *ear = arena_alloc(list->arena, sizeof(*ear));
	struct tobi_fault wrong = {0};
	char text[400];
	enum tobi_err err;

	for (size_t i = 0; checks[i]; i++)
		check_owe(list, checks[i]);
	if (!ear)
		return TOBI_E_MEMORY;
	err = signed_token_read(request->evidence, "result", &token, fault);
	if (err)
		return err;
	ret_claims->tier = tee_ear.tier;
	err = ear_read(token.tree, list->arena, ear, &wrong);
	tobi_fault_print(&wrong, text, sizeof(text));
	if (err == TOBI_E_UNSUPPORTED) {
		check_record(list, &check_profile, false, "a profile that is known here",
			     text);
		return TOBI_OK;
	}
	check_record(list, &check_profile, true, "", "");
	if (!check_record(list, &check_format, !err, "a whole result", err ? text : ""))
		return TOBI_OK;
	take_shown(request, ear);
	take_claims(ear, list->arena, ret_claims);
	signed_token_examine(request, &token, &check_signer, &check_signature, list);
	token_time_examine(
	    request, &(struct token_times){ear->issued, ear->not_before, ear->expires},
	    &check_time, list);
	examine_status(ear, list);
	examine_binding(request, ear, list);
	return TOBI_OK;
}

static bool recognise(struct tobi_bytes evidence)
{
	CLEANUP(signed_token_done) struct signed_token token = {0};

	return !signed_token_read(evidence, "result", &token, NULL) && ear_is(token.tree);
}

static bool takes(struct tobi_bytes piece)
{
	struct anchor_keys keys = {0};
	bool is = !anchor_keys_read(piece, "key", &keys, NULL) && keys.count;

	anchor_keys_done(&keys);
	return is;
}

const struct tee_verifier tee_ear = {
    "ear", "ear", "application/vnd.tobichi.ear", 0, checks, recognise, examine, takes};
