#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/fault.h"
#include "base/secret.h"
#include "corim/signed.h"
#include "pki/pinned.h"

/* The keys of certificates count as keys, too, beside what chains to them. */
static enum tobi_err add_certificate(struct corim_signers *signers, struct tobi_bytes der,
				     const char *object, struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *certificate = NULL;
	struct anchor_keys *keys = &signers->keys;
	enum tobi_err err = chain_read_certificate(der, object, &certificate, fault);
	EVP_PKEY *key;

	if (err)
		return err;
	if (keys->count == ANCHOR_KEYS_MAX || signers->pins.count == KEY_PINS_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "signers",
				 "too many certificates");
	key = X509_get_pubkey(certificate);
	if (!key)
		return fault_openssl(fault, object, "signers",
				     "the certificate's key cannot be read");
	err = key_spki_sha256(key, keys->spki[keys->count], fault);
	if (!err)
		err =
		    key_spki_sha256(key, signers->pins.keys[signers->pins.count], fault);
	if (err) {
		EVP_PKEY_free(key);
		return err;
	}
	keys->keys[keys->count++] = key;
	signers->certificates[signers->pins.count++] = TAKE(certificate);
	return TOBI_OK;
}

enum tobi_err corim_signers_add_pem(struct corim_signers *signers, struct tobi_bytes pem,
				    const char *object, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_PEM);
	struct tobi_bytes list[KEY_PINS_MAX];
	struct anchor_keys read = {0};
	size_t count = 0;
	enum tobi_err err = anchor_keys_read(pem, object, &read, fault);

	if (!err && signers->keys.count + read.count > ANCHOR_KEYS_MAX)
		err = fault_set(fault, TOBI_E_LIMIT, object, "signers", "too many keys");
	for (size_t i = 0; i < read.count && !err; i++) {
		struct anchor_keys *keys = &signers->keys;

		EVP_PKEY_up_ref(read.keys[i]);
		bytes_copy(keys->spki[keys->count], SHA256_SIZE, read.spki[i],
			   SHA256_SIZE);
		keys->keys[keys->count++] = read.keys[i];
	}
	if (!err)
		err =
		    chain_read_pem(pem, object, &der, list, KEY_PINS_MAX, &count, fault);
	for (size_t i = 0; i < count && !err; i++)
		err = add_certificate(signers, list[i], object, fault);
	if (!err && count == 0 && read.count == 0)
		err = fault_set(fault, TOBI_E_MALFORMED, object, "signers",
				"there is no public key and no certificate in it");
	anchor_keys_done(&read);
	return err;
}

void corim_signers_done(struct corim_signers *signers)
{
	anchor_keys_done(&signers->keys);
	for (size_t i = 0; i < signers->pins.count; i++)
		X509_free(signers->certificates[i]);
	*signers = (struct corim_signers){0};
}

static bool holds(const struct corim_document *document, EVP_PKEY *key)
{
	return cose_verify(&document->sign1, key, (struct tobi_bytes){0},
			   document->sign1.payload, "CoRIM", NULL) == TOBI_OK;
}

enum tobi_err corim_document_prove(const struct corim_document *document,
				   const struct corim_signers *signers,
				   struct corim_proof *ret_proof,
				   struct tobi_fault *fault)
{
	struct corim_proof proof = {.key = document->carried};
	enum tobi_err err = TOBI_OK;

	if (!document->is_signed) {
		*ret_proof = (struct corim_proof){0};
		return TOBI_OK;
	}
	if (proof.key)
		proof.holds = holds(document, proof.key);
	for (size_t i = 0; !document->carried && !proof.holds && i < signers->keys.count;
	     i++) {
		proof.holds = holds(document, signers->keys.keys[i]);
		proof.key = proof.holds ? signers->keys.keys[i] : NULL;
	}
	proof.has_signer = proof.key != NULL;
	if (proof.key)
		err = key_spki_sha384(proof.key, proof.signer, fault);
	if (!err)
		*ret_proof = proof;
	return err;
}

/* A certificate that says what its key is for must say: for signatures. */
static bool may_sign(X509 *certificate)
{
	return !X509_check_ca(certificate) &&
	       X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE;
}

static bool chains(const struct corim_document *document,
		   const struct corim_signers *signers, int64_t time)
{
	const struct cose_sign1 *sign1 = &document->sign1;
	X509 *certificates[LIMIT_COSE_CHAIN + KEY_PINS_MAX] = {NULL};
	struct pinned_chain chain = {0};
	size_t count = sign1->x5chain_count;
	bool good = count > 0 && signers->pins.count > 0;

	for (size_t i = 0; i < count && good; i++)
		good = !chain_read_certificate(sign1->x5chain[i], "x5chain",
					       &certificates[i], NULL);
	for (size_t i = 0; i < signers->pins.count; i++)
		certificates[count + i] = signers->certificates[i];
	good = good && may_sign(certificates[0]) &&
	       !pinned_chain_verify(
		   &(struct pinned_request){.leaf = certificates[0],
					    .others = certificates,
					    .count = count + signers->pins.count,
					    .pins = &signers->pins,
					    .time = time,
					    .strict = true},
		   "x5chain", &chain, NULL);
	pinned_chain_done(&chain);
	for (size_t i = 0; i < count; i++)
		X509_free(certificates[i]);
	ERR_clear_error();
	return good;
}

bool corim_signer_is_named(const struct corim_document *document,
			   const struct corim_signers *signers,
			   const struct corim_proof *proof, int64_t time)
{
	const struct tobi_bytes signer = {proof->signer, SHA384_SIZE};
	uint8_t spki[SHA256_SIZE];

	if (!proof->has_signer || key_spki_sha256(proof->key, spki, NULL))
		return false;
	for (size_t i = 0; i < signers->hash_count; i++) {
		if (bytes_equal(signers->hashes[i], signer))
			return true;
	}
	return anchor_keys_find(&signers->keys, spki) != NULL ||
	       chains(document, signers, time);
}
