#include "appraise/policy_reference.h"

#include <inttypes.h>

#include "appraise/policy_section.h"
#include "base/hex.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "corim/match.h"
#include "tee/measure.h"

#define POLICY "Tobichi policy, reference-values"
#define DRAFT "draft-ietf-rats-corim, section "

static const struct check check_given = {
    "POLICY-REFERENCE-GIVEN",
    "every document of reference values that the policy names is there", POLICY ".files",
    "Put the files where the policy names them, beside it; a program gives them with "
    "tobi_policy_give_reference()."};
static const struct check check_signature = {
    "POLICY-REFERENCE-SIGNATURE", "the reference values are as their signer signed them",
    DRAFT "4.2; RFC 9052, section 4.4",
    "Get the document again from who publishes it; `tobichi corim sign` signs your own. "
    "What nobody signed counts only with unsigned: allowed."};
static const struct check check_signer = {
    "POLICY-REFERENCE-SIGNER",
    "whoever signed the reference values is one whom the policy names", POLICY ".signers",
    "Do not use the document, or name its signer after you have looked at it: `tobichi "
    "corim show` prints whose key it is."};
static const struct check check_validity = {
    "POLICY-REFERENCE-VALIDITY",
    "the reference values and their signature are valid at this time",
    DRAFT "4.1 (rim-validity), 4.2.3 (signature-validity)",
    "Get the present document from who publishes it; check the clock."};
static const struct check check_profile = {
    "POLICY-REFERENCE-PROFILE",
    "the reference values are written by rules that are known here", DRAFT "4.1.4",
    "Name the profile under reference-values.profiles if you know that it changes "
    "nothing of what is compared; docs/PROTOCOL.md lists those that are known."};
static const struct check check_match = {
    "POLICY-REFERENCE-MATCH", "what was measured is what a reference value says",
    DRAFT "5.1.5 and 8.6",
    "Something else runs than whoever signed the reference values has released, or the "
    "document is of another product: `tobichi corim show` lists what it speaks of."};
static const struct check check_image = {
    "POLICY-REFERENCE-IMAGE",
    "the reference values that match speak of what was launched, not of its platform "
    "alone",
    "Tobichi protocols, section 16.4",
    "Add a document with reference values of the image, or name the image under images."};
static const struct check check_endorsed = {
    "POLICY-REFERENCE-ENDORSED", "each name that the policy asks for is endorsed for it",
    POLICY ".endorsed; " DRAFT "5.1.6 to 5.1.8",
    "Ask who signs the endorsements which of their conditions does not hold; the result "
    "lists what is endorsed."};

const struct check *const policy_reference_rows[] = {
    &check_given,    &check_signature, &check_signer,
    &check_validity, &check_profile,   &check_match,
    &check_image,    &check_endorsed,  NULL,
};

/* Profiles whose values are compared as they say: OIDs' content octets, or URIs. */
static const char *const known_uris[] = {
    "tag:amd.com,2025:snp-corim-profile",
    "tag:arm.com,2025:psa#1.0.0",
    "tag:arm.com,2025:cca_platform#1.0.0",
    "tag:arm.com,2025:cca_realm#1.0.0",
    "http://arm.com/psa/iot/1",
    "http://arm.com/cca/ssd/1",
    "http://arm.com/cca/realm/1",
    CORIM_PROFILE,
};
/* 2.16.840.1.113741.1.16.1 */
static const uint8_t intel_profile[] = {0x60, 0x86, 0x48, 0x01, 0x86,
					0xf8, 0x4d, 0x01, 0x10, 0x01};

void policy_reference_owe(struct tobi_result *result, const struct tobi_policy *policy)
{
	for (size_t i = 0; policy->reference && policy_reference_rows[i]; i++) {
		if (policy_reference_rows[i] != &check_endorsed ||
		    policy->reference->endorsed.count)
			check_owe(&result->list, policy_reference_rows[i]);
	}
}

static void run_given(struct tobi_result *result,
		      const struct policy_reference *reference)
{
	const char *missing = NULL;

	for (size_t i = 0; i < reference->count && !missing; i++) {
		if (!reference->documents[i].document)
			missing = reference->documents[i].name;
	}
	check_record(&result->list, &check_given, !missing, missing,
		     missing ? "nothing" : "");
}

/* The first document that fails is named. */
static void fail(struct tobi_result *result, const struct check *check,
		 const struct reference_document *one, const char *expected,
		 const char *found)
{
	check_record(&result->list, check, false, expected,
		     arena_printf(&result->arena, "%s: %s", one->name, found));
}

static void run_signature(struct tobi_result *result,
			  const struct policy_reference *reference)
{
	bool any = false, is_open = false;

	for (size_t i = 0; i < reference->count; i++) {
		const struct reference_document *one = &reference->documents[i];

		if (!one->document)
			continue;
		if (!one->document->is_signed && reference->allow_unsigned) {
			is_open = true;
			continue;
		}
		any = true;
		if (!one->document->is_signed)
			fail(result, &check_signature, one, "a signature", "not signed");
		else if (!one->proof.holds)
			fail(result, &check_signature, one, "a signature that holds",
			     one->proof.has_signer
				 ? "it was changed after it was signed"
				 : "no key that the policy names has signed it, and it "
				   "carries none");
	}
	if (any)
		check_record(&result->list, &check_signature, true, NULL, NULL);
	else
		check_waive(&result->list, &check_signature,
			    "nothing is signed, and the policy allows that (unsigned)");
	if (is_open)
		tee_warn(
		    &result->claims,
		    "UNSIGNED REFERENCE VALUES: whoever can write their file decides "
		    "what is accepted, and the policy allows that");
}

static void run_signer(struct tobi_result *result,
		       const struct policy_reference *reference)
{
	bool any = false;

	for (size_t i = 0; i < reference->count; i++) {
		const struct reference_document *one = &reference->documents[i];
		char hex[2 * SHA384_SIZE + 1];

		if (!one->document || !one->proof.has_signer)
			continue;
		any = true;
		hex_write((struct tobi_bytes){one->proof.signer, SHA384_SIZE}, hex,
			  sizeof(hex));
		if (!corim_signer_is_named(one->document, &reference->signers,
					   &one->proof, result->time))
			fail(result, &check_signer, one, "a signer that the policy names",
			     hex);
	}
	if (any)
		check_record(&result->list, &check_signer, true, NULL, NULL);
	else
		check_waive(&result->list, &check_signer, "no signer is known");
}

static void run_validity(struct tobi_result *result,
			 const struct policy_reference *reference)
{
	for (size_t i = 0; i < reference->count; i++) {
		const struct corim_document *document = reference->documents[i].document;
		const struct corim_validity *bad = NULL;

		if (document &&
		    !corim_validity_has(&document->corim->validity, result->time))
			bad = &document->corim->validity;
		if (document &&
		    !corim_validity_has(&document->signature_validity, result->time))
			bad = &document->signature_validity;
		if (bad)
			fail(result, &check_validity, &reference->documents[i],
			     arena_printf(&result->arena, "a time within it: %" PRId64,
					  result->time),
			     arena_printf(&result->arena, "from %" PRId64 " to %" PRId64,
					  bad->has_start ? bad->start : 0, bad->end));
	}
	check_record(&result->list, &check_validity, true, NULL, NULL);
}

static bool is_known_profile(const struct policy_reference *reference,
			     const struct corim_id *profile)
{
	if (profile->kind == CORIM_ID_NONE)
		return true;
	if (profile->kind == CORIM_ID_OID)
		return bytes_equal(
		    profile->bytes,
		    (struct tobi_bytes){intel_profile, sizeof(intel_profile)});
	for (size_t i = 0; i < sizeof(known_uris) / sizeof(known_uris[0]); i++) {
		if (bytes_equal_text(profile->bytes, known_uris[i]))
			return true;
	}
	return bytes_list_has(&reference->profiles, profile->bytes);
}

static const char *escaped(struct tobi_result *result, struct tobi_bytes text)
{
	CLEANUP(wr_done) struct writer shown = wr_init(8192);

	utf8_write_escaped(&shown, text);
	return arena_printf(&result->arena, "%.*s", (int)shown.size,
			    shown.size ? (const char *)shown.ptr : "");
}

static void run_profile(struct tobi_result *result,
			const struct policy_reference *reference)
{
	for (size_t i = 0; i < reference->count; i++) {
		const struct corim_document *document = reference->documents[i].document;
		const struct corim_id *profile =
		    document ? &document->corim->profile : NULL;

		if (profile && !is_known_profile(reference, profile))
			fail(result, &check_profile, &reference->documents[i],
			     "a profile that is known",
			     profile->kind == CORIM_ID_OID
				 ? policy_hex(result, profile->bytes)
				 : escaped(result, profile->bytes));
	}
	check_record(&result->list, &check_profile, true, NULL, NULL);
}

/* Documents that hold and whose signer counts; of others nothing is compared. */
static size_t choose_sources(const struct tobi_result *result,
			     const struct policy_reference *reference,
			     struct corim_source *sources)
{
	size_t count = 0;

	for (size_t i = 0; i < reference->count; i++) {
		const struct reference_document *one = &reference->documents[i];

		if (!one->document)
			continue;
		if (one->document->is_signed
			? !one->proof.holds ||
			      !corim_signer_is_named(one->document, &reference->signers,
						     &one->proof, result->time)
			: !reference->allow_unsigned)
			continue;
		sources[count++] =
		    (struct corim_source){one->document->corim, one->proof.key};
	}
	return count;
}

static void show_endorsed(struct tobi_result *result, const struct corim_outcome *outcome)
{
	for (size_t i = 0; i < outcome->claim_count; i++) {
		const struct tee_measurement *measurement =
		    &outcome->claims[i].measurement;
		char svn[32] = "";

		if (!outcome->claims[i].endorsed)
			continue;
		if (measurement->has_svn)
			snprintf(svn, sizeof(svn), " svn %" PRIu64, measurement->svn);
		tee_fact(&result->claims, &result->arena, "endorsed", "%s%s%s%s",
			 measurement->name
			     ? escaped(result, bytes_of_text(measurement->name))
			     : "without a name",
			 measurement->version ? " version " : "",
			 measurement->version
			     ? escaped(result, bytes_of_text(measurement->version))
			     : "",
			 svn);
	}
}

static void show_left_out(struct tobi_result *result, const struct corim_outcome *outcome)
{
	if (outcome->left_out)
		tee_fact(&result->claims, &result->arena, "endorsed",
			 "more than %d, and the rest is left out", CORIM_CLAIMS_MAX);
}

static void run_endorsed(struct tobi_result *result,
			 const struct policy_reference *reference,
			 const struct corim_outcome *outcome)
{
	for (size_t i = 0; i < reference->endorsed.count; i++) {
		bool found = false;

		for (size_t j = 0; j < outcome->claim_count; j++) {
			const struct corim_claim *claim = &outcome->claims[j];

			found |= claim->endorsed && claim->measurement.name &&
				 bytes_equal_text(reference->endorsed.items[i],
						  claim->measurement.name);
		}
		if (!found)
			check_record(&result->list, &check_endorsed, false,
				     escaped(result, reference->endorsed.items[i]),
				     outcome->claim_count ? "not endorsed" : "nothing");
	}
	if (reference->endorsed.count)
		check_record(&result->list, &check_endorsed, true, NULL, NULL);
}

static void run_match(struct tobi_result *result,
		      const struct policy_reference *reference)
{
	struct tee_claims *claims = &result->claims;
	struct corim_evidence evidence;
	struct corim_source sources[LIMIT_CORIM_DOCUMENTS];
	size_t count = choose_sources(result, reference, sources);
	struct corim_outcome outcome = {0};
	const struct corim_difference *difference = &outcome.difference;

	tee_measure(claims, &result->arena);
	evidence = (struct corim_evidence){&claims->environment, claims->measurements,
					   claims->measurement_count};
	/* Without memory nothing is recorded, and so all is refused. */
	if (corim_match(sources, count, &evidence, &result->arena, &outcome, NULL))
		return;
	if (!outcome.reference_count)
		check_record(&result->list, &check_match, false, "a reference value",
			     "no document that counts has one");
	else
		check_record(&result->list, &check_match, outcome.matched > 0,
			     outcome.matched ? NULL : difference->expected,
			     outcome.matched ? NULL : difference->found);
	if (outcome.matched)
		check_record(&result->list, &check_image,
			     corim_covers_image(&outcome, &evidence),
			     "a digest of what was launched",
			     evidence.count ? "" : "the evidence measures nothing");
	else
		check_waive(&result->list, &check_image, "no reference value matches");
	run_endorsed(result, reference, &outcome);
	show_endorsed(result, &outcome);
	show_left_out(result, &outcome);
}

void policy_reference_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	const struct policy_reference *reference = policy->reference;

	if (!reference)
		return;
	run_given(result, reference);
	run_signature(result, reference);
	run_signer(result, reference);
	run_validity(result, reference);
	run_profile(result, reference);
	run_match(result, reference);
}
