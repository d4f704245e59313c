#include "tee/nitro.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "tee/boot.h"
#include "tee/nitro_chain.h"
#include "tee/nitro_facts.h"
#include "token/claims_buffer.h"

#define AWS "AWS Nitro Enclaves attestation process, section "

enum { CLOCK_SKEW = 60 };

static const struct check check_algorithm = {
    "NITRO-ALGORITHM", "the document is signed with ECDSA on P-384, as AWS signs",
    AWS "3.1; RFC 9053 section 2.1", "Somebody else than AWS made it. Do not use it."};
static const struct check check_document = {
    "NITRO-DOCUMENT", "the document has the fields of its kind, each within its bounds",
    AWS "2.2 and 3.2.2",
    "Ask the enclave for the document again; if it stays so, update this verifier."};
static const struct check check_chain = {
    "NITRO-CHAIN",
    "the certificate goes back to a root that is trusted, valid when the document was "
    "made",
    AWS "3.2.3; RFC 5280 section 6",
    "A document of real hardware goes back to AWS's root; name another one in the "
    "policy's roots only for tests."};
static const struct check check_bundle = {
    "NITRO-BUNDLE",
    "the certificates that came are the way to the root, root first, and nothing else",
    AWS "3.2.3", "Give the document as the enclave gave it; nobody must reorder it."};
static const struct check check_profile = {
    "NITRO-PROFILE",
    "each certificate is of AWS's kind: P-384, and used for what it was issued for",
    AWS "3.2.3.3", "Somebody else than AWS made it. Do not use it."};
static const struct check check_module = {
    "NITRO-MODULE", "the certificate was issued to the module that the document names",
    "Tobichi protocols, section 14.5",
    "The document says of itself what AWS has not certified. Do not use it."};
static const struct check check_signature = {
    "NITRO-SIGNATURE", "the certificate's key signed exactly this document",
    AWS "3.2.1; RFC 9052 section 4.4",
    "The document was changed after it was signed. Do not use it."};
static const struct check check_time = {"NITRO-TIME",
					"the document's time is not in the future",
					AWS "2.2", "Set this machine's clock."};
static const struct check check_binding = {
    "NITRO-BINDING", "the document was made for exactly these claims",
    "Tobichi protocols, section 14.5",
    "The evidence belongs to another request. Ask for it again with your own nonce."};

static const struct check *const checks[] = {
    &check_algorithm, &check_document,	&check_chain, &check_bundle,  &check_profile,
    &check_module,    &check_signature, &check_time,  &check_binding, NULL,
};
/* Its PCRs are those that a TCG log is of. */
static const struct check *const tpm_checks[] = {
    &check_algorithm,
    &check_document,
    &check_chain,
    &check_bundle,
    &check_profile,
    &check_module,
    &check_signature,
    &check_time,
    &check_binding,
    BOOT_CHECKS,
    NULL,
};

static void chain_unref(struct nitro_chain **chain)
{
	if (*chain)
		memo_unref(&(*chain)->head);
}

/* "i-0123..-enc0123..." was issued "i-0123..-enc0123....us-east-1.aws": seen in every
 * document there is, of enclaves and TPMs. */
static bool is_module(const char *name, struct tobi_bytes module_id)
{
	struct tobi_bytes start = {(const uint8_t *)name, module_id.size};

	return module_id.size < strlen(name) && bytes_equal(start, module_id) &&
	       name[module_id.size] == '.';
}

static void examine_signer(const struct nitro_document *document,
			   const struct nitro_chain *chain, struct checklist *list)
{
	bool holds;

	check_record(list, &check_chain, !chain->path[0],
		     "a valid chain to a root of the tier", chain->path);
	if (chain->order)
		check_record(list, &check_bundle, !chain->order[0],
			     "the root, then each issuer, the leaf's last", chain->order);
	if (chain->profile)
		check_record(list, &check_profile, !chain->profile[0],
			     "certificates as AWS issues them", chain->profile);
	if (!chain->key)
		return; /* no record: refuses */
	check_record(list, &check_module, is_module(chain->name, document->module_id),
		     arena_text(list->arena, document->module_id),
		     arena_printf(list->arena, "%s", chain->name));
	if (document->sign1.alg != COSE_ES384)
		return;
	holds = !cose_verify(&document->sign1, chain->key, (struct tobi_bytes){0},
			     document->sign1.payload, "document", NULL);
	check_record(list, &check_signature, holds,
		     "a valid signature of the certificate's key",
		     holds ? "" : "the signature does not verify");
}

static void examine_time(const struct tee_request *request,
			 const struct nitro_document *document, struct checklist *list)
{
	int64_t latest = request->time + CLOCK_SKEW;
	char now[32], made[32];

	snprintf(now, sizeof(now), "at most %" PRId64, latest);
	snprintf(made, sizeof(made), "%" PRIu64, document->timestamp / 1000);
	check_record(list, &check_time, document->timestamp / 1000 <= (uint64_t)latest,
		     now, made);
}

/* Whether the key is the one of the claims; of a TPM it is its own, and none of ours. */
static bool is_claimed_key(struct tobi_bytes claims_buffer, struct tobi_bytes key)
{
	struct claims_buffer claims;
	uint8_t hash[SHA256_SIZE];

	return !claims_buffer_parse(claims_buffer, &claims, NULL) &&
	       claims.hash == CLAIMS_SHA256 && !hash_sha256(key, hash) &&
	       bytes_equal(claims.pubkey_hash, (struct tobi_bytes){hash, sizeof(hash)});
}

/* Attested TLS, section 5.3. The hash binds; what else is there must not say another
 * thing. */
static void examine_binding(const struct tee_request *request,
			    const struct nitro_document *document, enum nitro_kind kind,
			    struct checklist *list)
{
	struct tobi_bytes claims = request->claims_buffer;
	uint8_t hash[SHA256_SIZE];

	if (!claims.size) {
		check_not_asked(list, &check_binding, "it came without claims");
		return;
	}
	if (hash_sha256(claims, hash))
		return; /* no record: refuses */
	if (!check_record_equal(list, &check_binding,
				(struct tobi_bytes){hash, sizeof(hash)}, document->nonce))
		return;
	if (document->user_data.ptr && !bytes_equal(document->user_data, claims))
		check_record(list, &check_binding, false, "the claims, or no user data",
			     "other user data");
	else if (kind == NITRO_ENCLAVE && document->public_key.ptr &&
		 !is_claimed_key(claims, document->public_key))
		check_record(list, &check_binding, false,
			     "the key of the claims, or no public key", "another key");
}

static enum tobi_err examine_log(const struct tee_request *request,
				 const struct nitro_document *document,
				 struct checklist *list, struct tee_claims *claims,
				 struct tobi_fault *fault)
{
	struct boot_registers_shown shown = {.kind = BOOT_PCRS, .algorithm = TCG_SHA384};

	for (size_t i = 0; i < NITRO_TPM_PCRS; i++)
		shown.values[i] = document->pcrs[i];
	return boot_examine(request, &shown, list, claims, fault);
}

static enum tobi_err examine(const struct tee_request *request, enum nitro_kind kind,
			     struct checklist *list, struct tee_claims *ret_claims,
			     struct tobi_fault *fault)
{
	struct nitro_document document;
	CLEANUP(chain_unref) struct nitro_chain *chain = NULL;
	const char *wrong;
	enum tobi_err err;

	for (size_t i = 0; checks[i]; i++)
		check_owe(list, checks[i]);
	for (size_t i = 0; kind == NITRO_TPM && tpm_checks[i]; i++)
		check_owe(list, tpm_checks[i]);
	err = nitro_document_parse(request->evidence, &document, fault);
	if (!err)
		err = nitro_take_claims(&document, kind, list->arena, ret_claims, fault);
	if (err)
		return err;
	wrong = nitro_document_wrong(&document, kind);
	check_record(list, &check_algorithm, document.sign1.alg == COSE_ES384, "ES384",
		     "another algorithm");
	if (!check_record(list, &check_document, !wrong, "a whole document of its kind",
			  wrong))
		return TOBI_OK;
	ret_claims->tier = kind == NITRO_TPM ? tee_nitro_tpm.tier : tee_nitro.tier;
	err = nitro_chain_get(&document, &request->pins, request->memo, &chain, fault);
	if (err)
		return err;
	examine_signer(&document, chain, list);
	examine_time(request, &document, list);
	examine_binding(request, &document, kind, list);
	return kind == NITRO_TPM
		   ? examine_log(request, &document, list, ret_claims, fault)
		   : TOBI_OK;
}

static enum tobi_err examine_enclave(const struct tee_request *request,
				     struct checklist *list,
				     struct tee_claims *ret_claims,
				     struct tobi_fault *fault)
{
	return examine(request, NITRO_ENCLAVE, list, ret_claims, fault);
}

static enum tobi_err examine_tpm(const struct tee_request *request,
				 struct checklist *list, struct tee_claims *ret_claims,
				 struct tobi_fault *fault)
{
	return examine(request, NITRO_TPM, list, ret_claims, fault);
}

static bool recognise_enclave(struct tobi_bytes evidence)
{
	return nitro_document_kind(evidence) == NITRO_ENCLAVE;
}

static bool recognise_tpm(struct tobi_bytes evidence)
{
	return nitro_document_kind(evidence) == NITRO_TPM;
}

const struct tee_verifier tee_nitro = {
    "nitro",	       "nitro-doc",    "application/vnd.tobichi.nitro-doc", 0, checks,
    recognise_enclave, examine_enclave};
const struct tee_verifier tee_nitro_tpm = {
    "nitro-tpm", "nitro-tpm-doc", "application/vnd.tobichi.nitro-tpm-doc",
    0,		 tpm_checks,	  recognise_tpm,
    examine_tpm, boot_is_log};
