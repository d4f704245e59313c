#include "appraise/policy_checks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "appraise/atls_checks.h"
#include "appraise/policy_reference.h"
#include "appraise/policy_section.h"
#include "appraise/policy_tdx.h"
#include "appraise/policy_tpm.h"
#include "base/hex.h"
#include "base/secret.h"
#include "tee/tpm_quote.h"
#include "token/claims_buffer.h"

#define POLICY "Tobichi policy, "

enum { INIT_DATA_PCR = 8 }; /* that Azure's guests extend */

static const struct check check_tier = {
    "POLICY-TIER", "the tier is one that the policy accepts", POLICY "tiers",
    "Run the enclave on hardware that the policy names; or, if its tier is enough for "
    "you, name "
    "that tier in the policy."};
static const struct check check_image = {
    "POLICY-IMAGE", "the program is one of the images that the policy names",
    POLICY "images",
    "Compare with `tobichi inspect IMAGE`, or with what the build for that hardware "
    "gave as measurement; name the new image id if you have reviewed it."};
static const struct check check_signer = {
    "POLICY-SIGNER", "a signer that the policy names has signed the image",
    POLICY "signers",
    "Have the publisher sign the image, or name the signer that you trust."};
static const struct check check_product = {
    "POLICY-PRODUCT", "the image is of the product that the policy names",
    POLICY "product", "Run the product's own image."};
static const struct check check_svn = {"POLICY-SVN",
				       "the image's security version is not too old",
				       POLICY "min-svn", "Update the image."};
static const struct check check_debug = {
    "POLICY-DEBUG", "the enclave cannot be debugged", POLICY "allow: [debug]",
    "Build the image without --debug; of hardware, launch it without debugging."};
static const struct check check_launcher = {
    "POLICY-LAUNCHER",
    "root launched the enclave, not a user whose other processes can look in",
    POLICY "allow: [user-launch]",
    "Launch it with root's platform service; or allow user-launch, if you trust that "
    "user "
    "with all that is inside."};
static const struct check check_freshness = {
    "POLICY-FRESHNESS", "the evidence is recent enough", POLICY "max-age",
    "Ask for new evidence; check both clocks."};
static const struct check check_config = {
    "POLICY-CONFIG", "what the host added at launch is what the policy names",
    POLICY "config-id",
    "Launch with the arguments, environment and owner that were agreed."};
static const struct check check_agent = {
    "POLICY-AGENT", "the agent inside is one that the policy names", POLICY "agents",
    "Install the agent that the policy names, or name the new one after review."};
static const struct check check_pcrs = {
    "POLICY-PCRS", "the TPM's PCRs have the values that the policy names",
    POLICY "tpm.pcrs",
    "The host started something else than was reviewed; name the new values after "
    "review."};
static const struct check check_collateral = {
    "POLICY-COLLATERAL",
    "the vendors' documents are from a bundle that a named signer chose",
    POLICY "collateral.signers",
    "Give a bundle that one of them signed (`tobichi collateral bundle`), or name its "
    "signer, which `tobichi collateral show` prints."};
const struct check check_policy_identity = {
    "POLICY-IDENTITY", "the enclave is the one that is meant", POLICY "identity",
    "Check the address, or the policy's identity."};
static const struct check check_claims_format = {
    "CLAIMS-FORMAT", "the claims that the evidence is bound to can be read",
    "Tobichi protocols, section 3.2", "Ask for the evidence again; it may be damaged."};
static const struct check check_claims_nonce = {
    "CLAIMS-NONCE", "the evidence was made for your nonce, so it is not an old one",
    "Tobichi protocols, section 3.2; " POLICY "allow: [no-nonce]",
    "Give `tobichi verify --nonce` what the evidence was asked for with (`tobichi attest "
    "--nonce`, or the hardware's own tool)."};

/* Debugging comes early: of what can be debugged the rest means little, and Nitro's PCRs
 * are zeros. */
const struct check *const policy_check_rows[] = {
    &check_tier, &check_debug,	    &check_image,	    &check_signer, &check_product,
    &check_svn,	 &check_launcher,   &check_freshness,	    &check_config, &check_agent,
    &check_pcrs, &check_collateral, &check_policy_identity, NULL,
};

const struct check *const claims_check_rows[] = {&check_claims_format,
						 &check_claims_nonce, NULL};

void policy_checks_owe_tier(struct tobi_result *result)
{
	check_owe(&result->list, &check_tier);
}

/* Its own verifier owes what there is to say of it. */
static bool is_quote(const struct tobi_result *result)
{
	return result->kind && strcmp(result->kind, "tpm-quote") == 0;
}

/* Where quotes are a tier of their own, hardware that brings none is another one. */
static bool is_spared(const struct tobi_result *result, const struct tobi_policy *policy)
{
	return !result->claims.tpm && !is_quote(result) && result->kind &&
	       strcmp(result->kind, "eat") != 0 && policy_names_tier(policy, "tpm");
}

void policy_checks_owe(struct tobi_result *result, const struct tobi_policy *policy,
		       bool in_session)
{
	bool is_file = !in_session && !result->certificate_borne && !result->of_guest;

	for (size_t i = 0; is_file && claims_check_rows[i]; i++) {
		if (claims_check_rows[i] != &check_claims_format || !result->raw)
			check_owe(&result->list, claims_check_rows[i]);
	}
	/* Only some kinds bring one; of the others it is owed, and so they are refused.
	 */
	if (policy->asks_for_tpm && !result->claims.tpm && !is_quote(result) &&
	    !is_spared(result, policy))
		tpm_quote_owe(&result->list);
	for (size_t i = 0; policy_check_rows[i]; i++) {
		/* A session has a row of its own for who it is. */
		if (policy_check_rows[i] == &check_policy_identity && in_session)
			check_owe(&result->list, &check_atls_identity);
		else
			check_owe(&result->list, policy_check_rows[i]);
	}
	policy_reference_owe(result, policy);
	for (size_t i = 0; policy_sections[i].take; i++)
		policy_sections[i].owe(result);
}

static void run_tier(struct tobi_result *result, const struct tobi_policy *policy)
{
	const char *tier = result->claims.tier ? result->claims.tier : "";
	struct writer names = wr_init(512);
	bool named = false;

	for (size_t i = 0; i < policy->tier_count; i++) {
		wr_printf(&names, "%s%s", i ? " or " : "", policy->tiers[i]);
		named |= strcmp(policy->tiers[i], tier) == 0;
	}
	wr_u8(&names, 0);
	check_record(&result->list, &check_tier, named,
		     wr_err(&names) ? "" : (char *)names.ptr, tier);
	wr_done(&names);
}

static void run_signer(struct tobi_result *result, const struct tobi_policy *policy)
{
	const struct tee_claims *claims = &result->claims;
	bool named = false;

	if (policy->signers.count == 0) {
		check_waive(&result->list, &check_signer, "the policy names none");
		return;
	}
	for (size_t i = 0; i < claims->signer_count; i++)
		named |= bytes_list_has(&policy->signers, claims->signers[i]);
	check_record(&result->list, &check_signer, named,
		     policy_hex(result, policy->signers.items[0]),
		     claims->signer_count ? policy_hex(result, claims->signers[0])
					  : "no signature");
}

static void run_state(struct tobi_result *result, const struct tobi_policy *policy)
{
	const struct tee_claims *claims = &result->claims;

	if (is_quote(result) && !claims->snp && !claims->tdx)
		check_waive(&result->list, &check_debug, "a TPM does not speak of it");
	else if (claims->ear)
		check_waive(&result->list, &check_debug,
			    "the verifier has judged that: see its claims");
	else if (claims->no_guest)
		check_waive(&result->list, &check_debug, "there is no guest");
	else
		check_record(&result->list, &check_debug,
			     !claims->debug || policy->allow_debug, "no debugging",
			     claims->debug ? "debugging is on" : "");
	if (result->kind && strcmp(result->kind, "eat") != 0)
		check_waive(&result->list, &check_launcher,
			    is_quote(result)
				? "a TPM tells what was started, and keeps nobody out"
			    : claims->ear || claims->eat
				? "a token does not speak of it"
				: "the hardware keeps out whoever launched it");
	else
		check_record(&result->list, &check_launcher,
			     !claims->by_user || policy->allow_user_launch,
			     "a launch by root",
			     claims->by_user ? "a launch by an ordinary user" : "");
}

/* A certificate's dates are no time of its evidence: whoever has the key, whom a limit
 * would be for, writes them anew. */
static const char *why_timeless(const struct tobi_result *result)
{
	if (!result->certificate_borne)
		return "this kind of evidence carries no time: the nonce shows it";
	if (result->nonce.size)
		return "this kind of evidence carries no time: the nonce in the "
		       "certificate shows it";
	return "this kind of evidence carries no time, and a certificate's dates are its "
	       "holder's own: nothing bounds its age but the vendor's documents";
}

static void run_freshness(struct tobi_result *result, const struct tobi_policy *policy)
{
	const struct tee_claims *claims = &result->claims;
	char expected[48], found[48];

	if (claims->timeless) {
		check_waive(&result->list, &check_freshness, why_timeless(result));
		return;
	}
	snprintf(expected, sizeof(expected), "at most %" PRId64 " s old",
		 policy->max_age);
	snprintf(found, sizeof(found), "%" PRId64 " s old",
		 result->time - claims->issued);
	check_record(&result->list, &check_freshness,
		     result->time <= claims->issued ||
			 result->time - claims->issued <= policy->max_age,
		     expected, found);
}

static void run_numbers(struct tobi_result *result, const struct tobi_policy *policy)
{
	const struct tee_claims *claims = &result->claims;
	char expected[48], found[48];

	if (policy->has_product) {
		snprintf(expected, sizeof(expected), "%" PRIu64, policy->product);
		snprintf(found, sizeof(found), "%" PRIu64, claims->product);
		/* Of a kind without products not even 0 is proven. */
		check_record(
		    &result->list, &check_product,
		    claims->has_product && claims->product == policy->product, expected,
		    claims->has_product ? found : "this kind of evidence names none");
	} else {
		check_waive(&result->list, &check_product, "the policy names none");
	}
	snprintf(expected, sizeof(expected), "at least %" PRIu64, policy->min_svn);
	snprintf(found, sizeof(found), "%" PRIu64, claims->svn);
	check_record(&result->list, &check_svn, claims->svn >= policy->min_svn, expected,
		     found);
}

static void run_identity(struct tobi_result *result, const struct tobi_policy *policy)
{
	const struct tee_claims *claims = &result->claims;
	struct checklist *list = &result->list;
	const struct check *check =
	    result->in_session ? &check_atls_identity : &check_policy_identity;

	switch (policy->identity) {
	case IDENTITY_ANY_INSTANCE:
		result->any_instance = true;
		result->identity = "any instance of this image";
		check_record(list, check, true, "", result->identity);
		return;
	case IDENTITY_HARDWARE:
		policy_run_list(result, check, &policy->hardware, claims->hardware, NULL);
		result->identity = arena_printf(&result->arena, "hardware %s",
						policy_hex(result, claims->hardware));
		return;
	case IDENTITY_CONFIG_ID:
		check_record_equal(list, check, policy->config_id, claims->config_id);
		result->identity = "the launch that the policy names";
		return;
	case IDENTITY_OWNER:
		check_record_equal(list, check, policy->owner, claims->owner);
		result->identity = "an enclave of the owner that the policy names";
		return;
	case IDENTITY_CA:
		result->identity = "the host name that the policy's CA certifies";
		if (!result->in_session && !result->certificate_borne)
			check_record(
			    list, check, false, "an attested TLS session",
			    "a file cannot show whose certificate the enclave has");
		/* Else who has the certificate records it. */
		return;
	}
}

static void run_pcrs(struct tobi_result *result, const struct tobi_policy *policy)
{
	const char *expected = "", *wrong;

	if (!policy_tpm_asks_pcrs(policy)) {
		check_waive(&result->list, &check_pcrs, "the policy names none");
		return;
	}
	if (is_spared(result, policy)) {
		check_waive(&result->list, &check_pcrs,
			    "this evidence is of another tier");
		return;
	}
	wrong = policy_tpm_wrong_pcr(result, policy->tpm, &expected);
	check_record(&result->list, &check_pcrs, !wrong, expected, wrong ? wrong : "");
}

/* Only those were shown to the verifier: what it owes beyond them, it does not find. */
static void run_collateral(struct tobi_result *result, const struct tobi_policy *policy)
{
	char found[64];

	if (policy->bundle_signers.count == 0 || result->collateral_given == 0) {
		check_not_asked(&result->list, &check_collateral,
				policy->bundle_signers.count
				    ? "none was given"
				    : "the policy names no signers");
		return;
	}
	snprintf(found, sizeof(found), "%zu of the %zu documents are",
		 result->collateral_counted, result->collateral_given);
	check_record(&result->list, &check_collateral, result->collateral_counted > 0,
		     "documents from such a bundle", found);
}

/* A field that is not zero, of which nobody has shown what it is of: the host may have
 * put anything there, so that the policy must say whether it minds. */
static bool config_is_named(const struct tobi_policy *policy,
			    const struct tee_claims *claims)
{
	return policy->allow_unknown_config ||
	       (claims->tdx && policy->tdx && policy->tdx->config_id.size) ||
	       (claims->azure && policy->pcrs[INIT_DATA_PCR].size);
}

static void run_config(struct tobi_result *result, const struct tobi_policy *policy)
{
	if (policy->config_id.size)
		check_record_equal(&result->list, &check_config, policy->config_id,
				   result->claims.config_id);
	else if (result->config_unknown && !config_is_named(policy, &result->claims))
		check_record(&result->list, &check_config, false,
			     "init-data that was shown, or config-id in the policy",
			     "a configuration that nobody has shown");
	else
		check_waive(&result->list, &check_config, "the policy names none");
	/* What is named is known. */
	result->config_unknown &= policy->allow_unknown_config && !policy->config_id.size;
}

void policy_checks_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	run_tier(result, policy);
	policy_run_list(result, &check_image, &policy->images, result->claims.image_id,
			NULL);
	run_signer(result, policy);
	run_numbers(result, policy);
	run_state(result, policy);
	run_freshness(result, policy);
	run_config(result, policy);
	policy_run_list(result, &check_agent, &policy->agents, result->claims.agent,
			NULL);
	run_pcrs(result, policy);
	run_collateral(result, policy);
	run_identity(result, policy);
	policy_reference_run(result, policy);
	for (size_t i = 0; policy_sections[i].take; i++)
		policy_sections[i].run(result, policy);
}

/* No nonce was given. */
static void no_nonce(struct tobi_result *result, const struct tobi_policy *policy)
{
	if (policy->allow_no_nonce)
		check_waive(&result->list, &check_claims_nonce,
			    "no nonce was given, and the policy allows that (no-nonce)");
	else
		check_record(&result->list, &check_claims_nonce, false,
			     "a nonce of yours", "no nonce was given");
}

void nonce_check_run(struct tobi_result *result, const struct tobi_policy *policy,
		     struct tobi_bytes nonce)
{
	struct tobi_bytes found = result->claims.nonce;

	if (!nonce.size) {
		no_nonce(result, policy);
		return;
	}
	/* Report data is of one size, and a nonce in it filled up with zeros. */
	while (result->claims.report_data.size && found.size > nonce.size &&
	       found.ptr[found.size - 1] == 0)
		found.size--;
	for (size_t i = 0; i < result->claims.nonce_count; i++) {
		if (bytes_equal(nonce, result->claims.nonces[i]))
			found = result->claims.nonces[i];
	}
	check_record_equal(&result->list, &check_claims_nonce, nonce, found);
}

void claims_checks_run(struct tobi_result *result, const struct tobi_policy *policy,
		       struct tobi_bytes claims_buffer, struct tobi_bytes nonce)
{
	struct claims_buffer claims = {0};
	struct tobi_fault fault = {0};
	char text[512];

	if (claims_buffer_parse(claims_buffer, &claims, &fault)) {
		tobi_fault_print(&fault, text, sizeof(text));
		check_record(&result->list, &check_claims_format, false, "", text);
		return;
	}
	check_record(&result->list, &check_claims_format, true, "", "");
	if (claims.hash == CLAIMS_SHA256)
		result->key_hash = arena_copy(&result->arena, claims.pubkey_hash);
	if (nonce.size)
		check_record(&result->list, &check_claims_nonce,
			     bytes_equal_secret(nonce, claims.nonce),
			     policy_hex(result, nonce), policy_hex(result, claims.nonce));
	else
		no_nonce(result, policy);
}
