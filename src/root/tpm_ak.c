#include "root/tpm_ak.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "root/folder.h"
#include "root/tpm_keys.h"
#include "root/tpm_quote.h"

#define OWN_CHAIN "ak.pem"
#define OWNER_CHAIN "ak-owner.pem"

static enum tobi_err ak_key(const struct tpm_record *record, EVP_PKEY **ret_key,
			    struct tobi_fault *fault)
{
	struct tpm_public public;
	enum tobi_err err =
	    tpm_public_parse(tpm_blob_view(&record->ak_public), &public, fault);

	return err ? err : tpm_public_key(&public, ret_key, fault);
}

static enum tobi_err load_one(const char *folder, const char *name, EVP_PKEY *ak,
			      struct tpm_ak_chains *chains, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(X509_freep) X509 *leaf = NULL;
	size_t at = chains->count;
	enum tobi_err err =
	    file_read(root_in_folder(folder, name).text, LIMIT_PEM, name, &pem, fault);

	chains->bytes[at] = wr_init(LIMIT_PEM);
	if (!err)
		err = chain_read_pem(wr_view(&pem), name, &chains->bytes[at],
				     chains->list[at], LIMIT_COSE_CHAIN,
				     &chains->sizes[at], fault);
	if (!err && !chains->sizes[at])
		err = fault_set(fault, TOBI_E_MALFORMED, name, "",
				"there is no certificate in it");
	if (!err)
		err = chain_read_certificate(chains->list[at][0], name, &leaf, fault);
	if (!err && EVP_PKEY_eq(X509_get0_pubkey(leaf), ak) != 1)
		err = fault_set(fault, TOBI_E_MISMATCH, name, "",
				"it certifies another key than the TPM's attestation "
				"key");
	chains->count++;
	return err;
}

enum tobi_err tpm_ak_load(const char *folder, const struct tpm_record *record,
			  struct tpm_ak_chains *ret_chains, struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *ak = NULL;
	enum tobi_err err = ak_key(record, &ak, fault);

	if (!err)
		err = load_one(folder, OWN_CHAIN, ak, ret_chains, fault);
	if (!err && access(root_in_folder(folder, OWNER_CHAIN).text, F_OK) == 0)
		err = load_one(folder, OWNER_CHAIN, ak, ret_chains, fault);
	return err;
}

void tpm_ak_done(struct tpm_ak_chains *chains)
{
	for (size_t i = 0; i < chains->count; i++)
		wr_done(&chains->bytes[i]);
}

/* Has the TPM open a challenge: the chain in it. */
static enum tobi_err open_challenge(struct tpm *tpm, const struct tpm_record *record,
				    const struct tpm_ek *ek,
				    const struct ak_challenge *challenge,
				    struct writer *ret_pem, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer secret = wr_init(64);
	struct tobi_bytes ak_public = tpm_blob_view(&record->ak_public);
	ESYS_TR ak = ESYS_TR_NONE;
	enum tobi_err err =
	    tpm_use_object(tpm, record, &record->ak, "attestation key", &ak, fault);

	if (!err)
		err = tpm_activate(tpm, ek, ak, challenge, &secret, fault);
	if (!err)
		err = ak_challenge_open(challenge, wr_view(&secret), ak_public, ret_pem,
					fault);
	return err;
}

enum tobi_err tpm_ak_issue(const char *folder, struct tpm *tpm,
			   const struct tpm_record *record, EVP_PKEY *ca, int64_t now,
			   struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer ca_pem = wr_init(LIMIT_PEM);
	CLEANUP(wr_done) struct writer challenge = wr_init(LIMIT_AK_CHALLENGE);
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(tpm_ek_done) struct tpm_ek ek = {0};
	struct ak_challenge parsed;
	enum tobi_err err = tpm_ek_find(tpm, &ek, fault);

	if (!err)
		err = file_read(root_in_folder(folder, "platform-ca.pem").text, LIMIT_PEM,
				"platform-ca.pem", &ca_pem, fault);
	if (!err)
		err = ak_challenge_make(ek.key, tpm_blob_view(&record->ak_public),
					wr_view(&ca_pem), ca, now, &challenge, fault);
	if (!err)
		err = ak_challenge_parse(wr_view(&challenge), &parsed, fault);
	if (!err)
		err = open_challenge(tpm, record, &ek, &parsed, &pem, fault);
	if (!err)
		err = file_write(root_in_folder(folder, OWN_CHAIN).text, 0600,
				 wr_view(&pem), "platform", fault);
	return err;
}

enum tobi_err tpm_ak_request(struct tpm *tpm, const struct tpm_record *record,
			     struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(tpm_ek_done) struct tpm_ek ek = {0};
	struct ak_request request = {.ak_public = tpm_blob_view(&record->ak_public)};
	enum tobi_err err = tpm_ek_find(tpm, &ek, fault);

	if (err)
		return err;
	request.ek_certificate = wr_view(&ek.certificate);
	ak_request_write(out, &request);
	return wr_err(out);
}

enum tobi_err tpm_ak_accept(const char *folder, struct tpm *tpm,
			    const struct tpm_record *record, struct tobi_bytes challenge,
			    struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(tpm_ek_done) struct tpm_ek ek = {0};
	struct ak_challenge parsed;
	enum tobi_err err = ak_challenge_parse(challenge, &parsed, fault);

	if (!err)
		err = tpm_ek_for(tpm, parsed.encrypted.size, &ek, fault);
	if (!err)
		err = open_challenge(tpm, record, &ek, &parsed, &pem, fault);
	if (!err)
		err = file_write(root_in_folder(folder, OWNER_CHAIN).text, 0600,
				 wr_view(&pem), "platform", fault);
	return err;
}

static void take_quote(const struct tpm_quote *quote, struct tpm_evidence *evidence)
{
	evidence->quote = tpm_blob_view(&quote->attest);
	evidence->quote_signature = tpm_blob_view(&quote->signature);
	for (size_t i = 0; i < TPM_PCR_COUNT; i++) {
		if (quote->pcrs >> i & 1)
			evidence->pcrs[i] = (struct tobi_bytes){quote->values[i],
								sizeof(quote->values[i])};
	}
}

static void take_chains(const struct tpm_ak_chains *chains, struct tpm_evidence *evidence)
{
	evidence->chain_count = chains->count;
	for (size_t i = 0; i < chains->count; i++) {
		evidence->chain_sizes[i] = chains->sizes[i];
		for (size_t j = 0; j < chains->sizes[i]; j++)
			evidence->chains[i][j] = chains->list[i][j];
	}
}

enum tobi_err tpm_ak_evidence(const struct tpm_record *record,
			      const struct tpm_ak_chains *chains,
			      struct tobi_bytes spki_hash, struct tobi_bytes nonce,
			      struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer binding = wr_init(128);
	struct tpm_evidence evidence = {.ak = tpm_blob_view(&record->ak_public),
					.key = tpm_blob_view(&record->key_public),
					.certify = tpm_blob_view(&record->certify),
					.certify_signature =
					    tpm_blob_view(&record->certify_signature)};
	struct tpm_quote quote = {0};
	uint8_t extra[SHA256_SIZE];
	enum tobi_err err;

	tpm_evidence_binding(&binding, spki_hash, nonce);
	if (wr_err(&binding) || hash_sha256(wr_view(&binding), extra))
		return fault_set(fault, TOBI_E_CRYPTO, "TPM", "quote",
				 "cannot be bound to the token");
	err = tpm_quote(record, (struct tobi_bytes){extra, sizeof(extra)}, &quote, fault);
	if (err)
		return err;
	take_quote(&quote, &evidence);
	take_chains(chains, &evidence);
	tpm_evidence_write(out, &evidence);
	return wr_err(out) ? fault_set(fault, wr_err(out), "TPM", "evidence", "too large")
			   : TOBI_OK;
}
