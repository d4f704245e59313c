#include "tee/tpm_quote.h"

#include <stdio.h>

#include "base/secret.h"
#include "pki/chain_cache.h"
#include "tee/tpm_checks.h"
#include "tee/tpm_verify.h"
#include "token/tpm_evidence.h"

#define SPEC "Tobichi protocols, section 3.5"
#define TPM2 "TPM 2.0 Library, part 2"

static const struct check check_format = {
    "TPM-FORMAT", "a TPM's quote came with the token, and can be read", SPEC,
    "The platform service is faulty; or the host has no TPM, and the policy asks for "
    "one."};
static const struct check check_nonce = {
    "TPM-QUOTE-NONCE", "the quote was made for this token and this platform key", SPEC,
    "The quote belongs to another token. Ask for the evidence again."};
static const struct check check_key = {
    "TPM-KEY",
    "the platform key was made in the same TPM and cannot leave it, says the attestation "
    "key",
    TPM2 ", section 10.12.3; " SPEC,
    "The platform's key is not where the token says that it is. Do not use it."};

const struct check *const tpm_quote_checks[] = {
    &check_format,	 &tpm_check_type, &tpm_check_signature,
    &check_nonce,	 &tpm_check_pcrs, &tpm_check_ak_key,
    &tpm_check_ak_chain, &check_key,	  NULL,
};

enum { PCRS_OWED = 0xff };

static const struct tpm_quoted_rows rows = {&tpm_check_type, &tpm_check_signature,
					    &check_nonce, &tpm_check_pcrs,
					    &tpm_check_pcrs};

/* The parts of the evidence, read. */
struct parts {
	struct tpm_evidence evidence;
	struct tpm_attest quote, certify;
	struct tpm_signature quote_signature, certify_signature;
	struct tpm_public ak, key;
	EVP_PKEY *ak_key; /* owned */
};

static void parts_done(struct parts *parts)
{
	EVP_PKEY_free(parts->ak_key);
}

void tpm_quote_owe(struct checklist *list)
{
	for (size_t i = 0; tpm_quote_checks[i]; i++)
		check_owe(list, tpm_quote_checks[i]);
}

static enum tobi_err read_parts(struct tobi_bytes bytes, struct parts *parts,
				struct tobi_fault *fault)
{
	struct tpm_evidence *evidence = &parts->evidence;
	enum tobi_err err = tpm_evidence_parse(bytes, evidence, fault);

	if (!err)
		err = tpm_attest_parse(evidence->quote, &parts->quote, fault);
	if (!err)
		err = tpm_signature_parse(evidence->quote_signature,
					  &parts->quote_signature, fault);
	if (!err)
		err = tpm_public_parse(evidence->ak, &parts->ak, fault);
	if (!err)
		err = tpm_public_key(&parts->ak, &parts->ak_key, fault);
	if (!err)
		err = tpm_public_parse(evidence->key, &parts->key, fault);
	if (!err)
		err = tpm_attest_parse(evidence->certify, &parts->certify, fault);
	if (!err)
		err = tpm_signature_parse(evidence->certify_signature,
					  &parts->certify_signature, fault);
	return err;
}

static bool is_genuine(const struct tpm_attest *attest, unsigned type)
{
	return attest->magic == TPM_GENERATED && attest->type == type;
}

/* extraData as it must be. */
static enum tobi_err expected_extra(const struct tpm_quote_request *request,
				    uint8_t ret_extra[static SHA256_SIZE])
{
	struct writer binding = wr_init(128);
	uint8_t spki[SHA256_SIZE];
	enum tobi_err err = key_spki_sha256(request->key, spki, NULL);

	tpm_evidence_binding(&binding, (struct tobi_bytes){spki, sizeof(spki)},
			     request->nonce);
	if (!err)
		err = wr_err(&binding);
	if (!err)
		err = hash_sha256(wr_view(&binding), ret_extra);
	wr_done(&binding);
	return err;
}

/* What this form asks beyond that the values are the quoted ones. */
static const char *wrong_pcrs(const struct parts *parts)
{
	const struct tpm_attest *quote = &parts->quote;
	uint32_t pcrs = quote->selections[0].pcrs, values = 0;

	if (quote->selection_count != 1 || quote->selections[0].hash != TPM_ALG_SHA256)
		return "another bank than that of SHA-256, or more than one";
	for (unsigned i = 0; i < TPM_EVIDENCE_PCRS; i++)
		values |= (uint32_t)(parts->evidence.pcrs[i].size != 0) << i;
	if (values != pcrs)
		return "values of other PCRs than those that were quoted";
	if ((pcrs & PCRS_OWED) != PCRS_OWED)
		return "PCRs 0 to 7 are not all among those that were quoted";
	/* The digest is of the signature's hash, not of the bank's. */
	return parts->quote_signature.hash == TPM_ALG_SHA256
		   ? NULL
		   : "a digest that is not of SHA-256";
}

static void examine_quote(const struct tpm_quote_request *request,
			  const struct parts *parts, struct checklist *list,
			  struct tee_claims *claims)
{
	struct tpm_bank bank = {.hash = TPM_ALG_SHA256};
	uint8_t extra[SHA256_SIZE];
	const struct tpm_quoted quoted = {
	    .attest = parts->evidence.quote,
	    .signature = parts->evidence.quote_signature,
	    .key = parts->ak_key,
	    .expected_extra = {extra, sizeof(extra)},
	    .banks = &bank,
	    .bank_count = 1,
	};
	const char *wrong = wrong_pcrs(parts);

	for (unsigned i = 0; i < TPM_EVIDENCE_PCRS; i++)
		bank.pcrs[i] = parts->evidence.pcrs[i];
	if (wrong)
		check_record(list, &tpm_check_pcrs, false, "the quoted values", wrong);
	if (expected_extra(request, extra) ||
	    tpm_quoted_verify(&quoted, &rows, list, claims, NULL))
		check_record(list, &tpm_check_signature, false,
			     "a quote that can be checked", "a library failed");
}

/* Each chain that came along; one of them must be trusted, and for this key. */
static void examine_chain(const struct tpm_quote_request *request,
			  const struct parts *parts, struct checklist *list,
			  struct tee_claims *claims)
{
	struct tobi_fault fault = {0};
	char text[512];
	bool trusted = false;

	for (size_t i = 0; i < parts->evidence.chain_count && !trusted; i++) {
		const struct chain_request chain = {
		    .certificates = parts->evidence.chains[i],
		    .count = parts->evidence.chain_sizes[i],
		    .anchors_pem = request->anchors_pem,
		    .time = request->time,
		    .purpose = CHAIN_AK};
		CLEANUP(EVP_PKEY_freep)
		EVP_PKEY *key = chain_cache_find(request->chains, &chain);

		if (!key && chain_cache_verify(request->chains, &chain, "attestation key",
					       &key, &fault))
			continue;
		trusted = EVP_PKEY_eq(key, parts->ak_key) == 1;
		if (!trusted)
			snprintf(fault.message, sizeof(fault.message),
				 "the certificate is for another key");
	}
	if (claims->tpm) {
		claims->tpm->has_ak = true;
		claims->tpm->certified = trusted;
	}
	tobi_fault_print(&fault, text, sizeof(text));
	check_record(list, &tpm_check_ak_chain, trusted,
		     "a valid chain to an anchor for attestation keys",
		     trusted				? ""
		     : parts->evidence.chain_count == 0 ? "no certificate came with it"
							: text);
}

/* The attestation key certifies an object by its Name, which is the hash of its public
 * area: with it come the attributes and the key itself. */
static const char *wrong_key(const struct tpm_quote_request *request,
			     const struct parts *parts)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	uint8_t name[TPM_STRUCT_NAME_MAX];
	size_t size = 0;

	if (!is_genuine(&parts->certify, TPM_ATTEST_CERTIFY))
		return "the statement about it is none of a TPM, or of another kind";
	if (tpm_signature_verify(&parts->certify_signature, parts->ak_key, NULL,
				 parts->evidence.certify, NULL))
		return "the signature of the statement about it does not verify";
	if (tpm_name(parts->evidence.key, parts->key.name_alg, name, &size, NULL) ||
	    !bytes_equal(parts->certify.name, (struct tobi_bytes){name, size}))
		return "the statement is about another key";
	if (!tpm_public_is_resident(&parts->key))
		return "it may leave the TPM, or was not made in it";
	if (tpm_public_key(&parts->key, &key, NULL) ||
	    EVP_PKEY_eq(key, request->key) != 1)
		return "it is not the key that signed the token";
	return NULL;
}

void tpm_quote_examine(const struct tpm_quote_request *request, struct checklist *list,
		       struct tee_claims *claims)
{
	CLEANUP(parts_done) struct parts parts = {0};
	struct tobi_fault fault = {0};
	const char *wrong;
	char text[512];

	if (!request->evidence.size) {
		check_record(list, &check_format, false, "a TPM's quote",
			     "there is none");
		return;
	}
	if (read_parts(request->evidence, &parts, &fault)) {
		tobi_fault_print(&fault, text, sizeof(text));
		check_record(list, &check_format, false, "a TPM's quote", text);
		return;
	}
	check_record(list, &check_format, true, "", "");
	examine_quote(request, &parts, list, claims);
	check_record(list, &tpm_check_ak_key, tpm_public_is_ak(&parts.ak),
		     "a restricted signing key, fixed in its TPM",
		     "a key that may sign anything, or may leave");
	examine_chain(request, &parts, list, claims);
	wrong = wrong_key(request, &parts);
	check_record(list, &check_key, !wrong, "the platform key, in the same TPM",
		     wrong);
}
