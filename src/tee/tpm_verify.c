#include "tee/tpm_verify.h"

#include <stdio.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/der.h"

enum { VALUES_MAX = TPM_BANKS_MAX * TPM_PCRS * TPM_HASH_MAX };

/* A number of ECDSA without the zero that keeps it positive. */
static struct tobi_bytes read_number(struct reader *rd)
{
	struct tobi_bytes number = der_bytes(rd, DER_INTEGER, "number");

	if (number.size && number.ptr[0] & 0x80)
		rd_fail(rd, TOBI_E_MALFORMED, "number");
	if (number.size > 1 && number.ptr[0] == 0)
		number = (struct tobi_bytes){number.ptr + 1, number.size - 1};
	if (number.size > TPM_HASH_MAX)
		rd_fail(rd, TOBI_E_LIMIT, "number");
	return number;
}

static enum tobi_err read_ecdsa(struct tobi_bytes bytes, struct tpm_signature *signature,
				struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	struct reader pair = der_enter(&rd, DER_SEQUENCE, "numbers");
	enum tobi_err err;

	signature->alg = TPM_ALG_ECDSA;
	signature->r = read_number(&pair);
	signature->s = read_number(&pair);
	err = rd_finish(&pair, "ECDSA signature", fault);
	return err ? err : rd_finish(&rd, "ECDSA signature", fault);
}

enum tobi_err tpm_signature_read(struct tobi_bytes bytes, EVP_PKEY *key, unsigned scheme,
				 unsigned hash, struct tpm_signature *ret_signature,
				 struct tobi_fault *fault)
{
	struct tpm_signature signature = {0};
	enum tobi_err err = TOBI_OK;

	/* A TPMT_SIGNATURE has six bytes more than the key, and begins with a zero. */
	if (key && bytes.size == (size_t)EVP_PKEY_get_size(key) &&
	    EVP_PKEY_is_a(key, "RSA")) {
		signature.alg = scheme ? scheme : TPM_ALG_RSASSA;
		signature.rsa = bytes;
	} else if (bytes.size && bytes.ptr[0] == DER_SEQUENCE) {
		err = read_ecdsa(bytes, &signature, fault);
	} else {
		return tpm_signature_parse(bytes, ret_signature, fault);
	}
	signature.hash = hash ? hash : TPM_ALG_SHA256;
	if (!err)
		*ret_signature = signature;
	return err;
}

static const struct tpm_bank *bank_of(const struct tpm_quoted *quoted, unsigned hash)
{
	for (size_t i = 0; i < quoted->bank_count; i++) {
		if (quoted->banks[i].hash == hash)
			return &quoted->banks[i];
	}
	return NULL;
}

static const char *wrong_bank(const struct tpm_quoted *quoted,
			      const struct tpm_selection *selection)
{
	size_t size = tpm_hash_size(selection->hash);
	const struct tpm_bank *bank = bank_of(quoted, selection->hash);

	if (size == 0)
		return "a bank of a hash that is not known here";
	if (selection->pcrs >> TPM_PCRS)
		return "PCRs beyond the 24 that a TPM of a PC has";
	for (unsigned i = 0; i < TPM_PCRS && !quoted->digest_alone; i++) {
		if (!(selection->pcrs >> i & 1))
			continue;
		if (!bank || !bank->pcrs[i].size)
			return "no value of a PCR that is quoted";
		if (bank->pcrs[i].size != size)
			return "a value that is not as long as its bank's hash";
	}
	return NULL;
}

/* A quote of nothing, or one that names a bank twice, could be read in two ways. */
static const char *wrong_selection(const struct tpm_quoted *quoted,
				   const struct tpm_attest *attest)
{
	const char *wrong = NULL;
	uint32_t any = 0;

	for (size_t i = 0; i < attest->selection_count && !wrong; i++) {
		wrong = wrong_bank(quoted, &attest->selections[i]);
		any |= attest->selections[i].pcrs;
		for (size_t j = 0; j < i; j++) {
			if (attest->selections[j].hash == attest->selections[i].hash)
				wrong = "a bank that is selected twice";
		}
	}
	return wrong ? wrong : any ? NULL : "no PCR at all";
}

/* Part 1, section 17.4: the selected PCRs, in the order of the selections and of their
 * numbers, by the hash of the signature. */
static bool digest_holds(const struct tpm_quoted *quoted, const struct tpm_attest *attest,
			 unsigned hash)
{
	uint8_t values[VALUES_MAX], digest[TPM_HASH_MAX];
	size_t size = 0;

	for (size_t i = 0; i < attest->selection_count; i++) {
		const struct tpm_selection *selection = &attest->selections[i];
		const struct tpm_bank *bank = bank_of(quoted, selection->hash);

		for (unsigned j = 0; j < TPM_PCRS; j++) {
			if (!(selection->pcrs >> j & 1))
				continue;
			bytes_copy(values + size, sizeof(values) - size,
				   bank->pcrs[j].ptr, bank->pcrs[j].size);
			size += bank->pcrs[j].size;
		}
	}
	return !tpm_hash(hash, (struct tobi_bytes){values, size}, digest) &&
	       bytes_equal(attest->pcr_digest,
			   (struct tobi_bytes){digest, tpm_hash_size(hash)});
}

/* What was quoted, whether its values came or not. There are no more known hashes than
 * banks. */
static void take_selections(const struct tpm_attest *attest, struct tpm_claims *claims)
{
	for (size_t i = 0; i < attest->selection_count; i++) {
		const struct tpm_selection *selection = &attest->selections[i];
		size_t bank = 0;

		if (!selection->pcrs || !tpm_hash_size(selection->hash))
			continue;
		while (bank < claims->bank_count &&
		       claims->banks[bank].hash != selection->hash)
			bank++;
		if (bank == TPM_BANKS_MAX)
			continue;
		claims->banks[bank].hash = selection->hash;
		claims->selected[bank] |= selection->pcrs;
		if (bank == claims->bank_count)
			claims->bank_count++;
	}
}

/* A PCR that two quotes give with two values is told. */
static const char *take_bank(const struct tpm_bank *from, uint32_t pcrs,
			     struct arena *arena, struct tpm_bank *to)
{
	for (unsigned i = 0; from && i < TPM_PCRS; i++) {
		if (!(pcrs >> i & 1))
			continue;
		if (to->pcrs[i].size && !bytes_equal(to->pcrs[i], from->pcrs[i]))
			return "another value of a PCR than an earlier quote's";
		to->pcrs[i] = arena_copy(arena, from->pcrs[i]);
	}
	return NULL;
}

static struct tpm_claims *claims_of(const struct tpm_attest *attest, unsigned hash,
				    struct arena *arena, struct tee_claims *claims)
{
	if (claims->tpm)
		return claims->tpm;
	claims->tpm = arena_alloc(arena, sizeof(*claims->tpm));
	if (claims->tpm)
		*claims->tpm = (struct tpm_claims){
		    .clock = attest->clock,
		    .resets = attest->resets,
		    .restarts = attest->restarts,
		    .safe = attest->safe,
		    .firmware = attest->firmware,
		    .extra = arena_copy(arena, attest->extra),
		    .signer = arena_copy(arena, attest->signer),
		    .digest = arena_copy(arena, attest->pcr_digest),
		    .digest_hash = hash,
		};
	return claims->tpm;
}

static const char *take_values(const struct tpm_quoted *quoted,
			       const struct tpm_attest *attest, struct arena *arena,
			       struct tee_claims *claims)
{
	const char *wrong = NULL;

	for (size_t i = 0; i < attest->selection_count && !wrong; i++) {
		const struct tpm_selection *selection = &attest->selections[i];

		for (size_t j = 0; j < claims->tpm->bank_count && !wrong; j++) {
			struct tpm_bank *bank = &claims->tpm->banks[j];

			if (bank->hash != selection->hash)
				continue;
			wrong = take_bank(bank_of(quoted, bank->hash), selection->pcrs,
					  arena, bank);
			for (unsigned k = 0; bank->hash == TPM_ALG_SHA256 && k < TPM_PCRS;
			     k++)
				claims->pcrs[k] = bank->pcrs[k];
		}
	}
	return wrong;
}

static void examine(const struct tpm_quoted *quoted, const struct tpm_quoted_rows *rows,
		    const struct tpm_attest *attest,
		    const struct tpm_signature *signature, struct checklist *list,
		    struct tee_claims *claims)
{
	bool holds = attest->magic == TPM_GENERATED && attest->type == TPM_ATTEST_QUOTE;
	const char *wrong;

	check_record(list, rows->type, holds, "a quote, made by a TPM",
		     holds ? "" : "another statement");
	holds =
	    quoted->key && !tpm_signature_verify(signature, quoted->key,
						 quoted->verifying, quoted->attest, NULL);
	if (quoted->key)
		check_record(list, rows->signature, holds,
			     "a valid signature of the attestation key",
			     holds ? "" : "the signature does not verify");
	if (quoted->expected_extra.size && rows->nonce)
		check_record_equal(list, rows->nonce, quoted->expected_extra,
				   attest->extra);
	take_selections(attest, claims->tpm);
	wrong = wrong_selection(quoted, attest);
	if (!wrong && !quoted->digest_alone) {
		holds = digest_holds(quoted, attest, signature->hash);
		check_record(list, rows->digest, holds, "the digest that the TPM quoted",
			     holds ? "" : "values with another digest");
	}
	if (!wrong)
		wrong = take_values(quoted, attest, list->arena, claims);
	if (wrong || !quoted->digest_alone)
		check_record(list, rows->selection, !wrong,
			     "a value of each PCR that is quoted", wrong ? wrong : "");
}

enum tobi_err tpm_quoted_verify(const struct tpm_quoted *quoted,
				const struct tpm_quoted_rows *rows,
				struct checklist *list, struct tee_claims *claims,
				struct tobi_fault *fault)
{
	struct tpm_attest attest;
	struct tpm_signature signature;
	enum tobi_err err = tpm_attest_parse(quoted->attest, &attest, fault);

	if (!err)
		err = tpm_signature_read(quoted->signature, quoted->key, quoted->scheme,
					 quoted->hash, &signature, fault);
	if (!err && !claims_of(&attest, signature.hash, list->arena, claims))
		err = fault_set(fault, TOBI_E_MEMORY, "TPM quote", "", "out of memory");
	if (err)
		return err;
	examine(quoted, rows, &attest, &signature, list, claims);
	return TOBI_OK;
}
