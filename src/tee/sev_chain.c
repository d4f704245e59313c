#include "tee/sev_chain.h"

#include <string.h>

#include <openssl/err.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"

/* AMD's key ids of its roots, which the roots have signed themselves. */
static const struct {
	const char *name, *key_id;
} generations[] = {
    {"naples", "1bb987c359494606b174945601c9ea5b"},
    {"rome", "e6002122fb58419399d15fee7b131351"},
    {"milan", "94c38e4177d0479292a7ae671d083fb6"},
};

static enum tobi_err add_one(struct sev_certificates *out,
			     const struct sev_certificate *certificate,
			     struct tobi_fault *fault)
{
	struct sev_certificate *slot = NULL, *list = NULL;
	size_t *count = NULL;

	if (certificate->usage == SEV_ARK) {
		list = out->arks;
		count = &out->ark_count;
	} else if (certificate->usage == SEV_ASK) {
		list = out->asks;
		count = &out->ask_count;
	} else {
		slot = certificate->usage == SEV_CEK   ? &out->cek
		       : certificate->usage == SEV_PEK ? &out->pek
		       : certificate->usage == SEV_OCA ? &out->oca
						       : &out->pdh;
	}
	for (size_t i = 0; list && i < *count; i++) {
		if (bytes_equal(list[i].bytes, certificate->bytes))
			return TOBI_OK;
	}
	if (list && *count == SEV_AMD_MAX)
		return fault_set(fault, TOBI_E_LIMIT, "SEV certificates", "",
				 "more than %d of AMD's", SEV_AMD_MAX);
	if (slot && slot->bytes.size && !bytes_equal(slot->bytes, certificate->bytes))
		return fault_set(fault, TOBI_E_MALFORMED, "SEV certificates",
				 sev_usage_name(certificate->usage), "there are two");
	if (list)
		slot = &list[(*count)++];
	if (slot)
		*slot = *certificate;
	return TOBI_OK;
}

enum tobi_err sev_certificates_add(struct sev_certificates *certificates,
				   struct tobi_bytes bytes, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (size_t at = 0, number = 0; at < bytes.size && !err; number++) {
		struct tobi_bytes left = {bytes.ptr + at, bytes.size - at};
		struct sev_certificate certificate;
		size_t size = sev_certificate_size(left);

		if (size == 0)
			return fault_at(fault, at ? TOBI_E_TRAILING : TOBI_E_MALFORMED,
					"SEV certificates", "", at,
					"no certificate starts here, or it is cut off");
		if (number == SEV_CERTIFICATES_MAX)
			return fault_set(fault, TOBI_E_LIMIT, "SEV certificates", "",
					 "more than %d", SEV_CERTIFICATES_MAX);
		left.size = size;
		err = sev_certificate_parse(left, &certificate, fault);
		if (!err)
			err = add_one(certificates, &certificate, fault);
		at += size;
	}
	return err;
}

/* A key, or NULL for one that is no key. */
static EVP_PKEY *key_of(const struct sev_certificate *certificate)
{
	EVP_PKEY *key = NULL;

	if (certificate->bytes.size == 0 || sev_certificate_key(certificate, &key, NULL))
		return NULL;
	return key;
}

static bool slot_is_empty(const struct sev_signature *slot)
{
	for (size_t i = 0; i < slot->value.size; i++) {
		if (slot->value.ptr[i])
			return false;
	}
	return slot->usage == SEV_NONE && slot->algorithm == 0;
}

/* Who signed it, and nobody else: each signature is there once, in either slot, and a
 * slot that is not used is empty. second: SEV_NONE for a certificate with one signature.
 */
static const char *wrong_signers(const struct sev_certificate *certificate,
				 uint32_t first, uint32_t second)
{
	const struct sev_signature *slots = certificate->signatures;

	for (size_t i = 0; i < 2; i++) {
		if (slots[i].usage == first && slots[1 - i].usage == second)
			return second == SEV_NONE && !slot_is_empty(&slots[1 - i])
				   ? "a signature is there that is none"
				   : NULL;
	}
	return "it is not signed by those that must sign it";
}

static const char *wrong_link(EVP_PKEY *issuer, uint32_t usage,
			      const struct sev_certificate *certificate)
{
	for (size_t i = 0; issuer && i < 2; i++) {
		if (certificate->signatures[i].usage == usage)
			return sev_signature_holds(issuer, &certificate->signatures[i],
						   certificate->body)
				   ? NULL
				   : "the signature does not verify";
	}
	return issuer ? "there is no such signature"
		      : "the issuer's certificate, or its key, is not there";
}

/* AMD's own: of the one generation that has signed this chip's CEK. Where none has, any:
 * the link is then wrong. */
static const struct sev_certificate *find_ask(const struct sev_certificates *certificates)
{
	for (size_t i = 0; i < certificates->ask_count; i++) {
		CLEANUP(EVP_PKEY_freep)
		EVP_PKEY *key = key_of(&certificates->asks[i]);

		if (certificates->cek.bytes.size &&
		    !wrong_link(key, SEV_ASK, &certificates->cek))
			return &certificates->asks[i];
	}
	return &certificates->asks[0];
}

static const struct sev_certificate *find_ark(const struct sev_certificates *certificates,
					      const struct sev_certificate *ask)
{
	for (size_t i = 0; ask->bytes.size && i < certificates->ark_count; i++) {
		if (bytes_equal(certificates->arks[i].key_id, ask->certifying_id))
			return &certificates->arks[i];
	}
	return &certificates->arks[0];
}

static const char *generation_of(const struct sev_certificate *ark)
{
	uint8_t key_id[SEV_KEY_ID_SIZE];

	for (size_t i = 0; i < sizeof(generations) / sizeof(generations[0]); i++) {
		if (hex_read(generations[i].key_id, key_id, sizeof(key_id)) &&
		    bytes_equal(ark->key_id, (struct tobi_bytes){key_id, sizeof(key_id)}))
			return generations[i].name;
	}
	return "";
}

static const char *wrong_ark(const struct sev_certificate *ark, EVP_PKEY *key,
			     const struct key_pins *pins)
{
	uint8_t hash[SHA256_SIZE];

	if (!key || key_spki_sha256(key, hash, NULL))
		return "no root of AMD came with it: give its ASK and ARK file";
	if (!key_pins_have(pins, hash))
		return "the root is none that the policy trusts";
	if (!bytes_equal(ark->key_id, ark->certifying_id))
		return "it names another key as its issuer";
	return wrong_link(key, SEV_ARK, ark);
}

static const char *wrong_ask(const struct sev_certificate *ask,
			     const struct sev_certificate *ark, EVP_PKEY *ark_key)
{
	if (!ask->bytes.size)
		return "none came with it: give AMD's ASK and ARK file";
	if (!bytes_equal(ask->certifying_id, ark->key_id))
		return "it names another root as its issuer";
	return wrong_link(ark_key, SEV_ARK, ask);
}

static const char *either(const char *first, const char *second)
{
	return first ? first : second;
}

/* Of the platform's certificates each has a form of its own. */
static const char *wrong_platform(const struct sev_certificate *certificate,
				  EVP_PKEY *issuer, uint32_t usage, uint32_t second)
{
	if (!certificate->bytes.size)
		return "none came with it";
	return either(wrong_signers(certificate, usage, second),
		      wrong_link(issuer, usage, certificate));
}

bool sev_chain_verify(const struct sev_certificates *certificates,
		      const struct key_pins *pins, struct sev_chain *ret_chain)
{
	const struct sev_certificate *ask = find_ask(certificates);
	const struct sev_certificate *ark = find_ark(certificates, ask);
	const struct sev_certificate *pek = &certificates->pek;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *ark_key = key_of(ark);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *ask_key = key_of(ask);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *cek_key = key_of(&certificates->cek);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *pek_key = key_of(pek);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *oca_key = key_of(&certificates->oca);
	struct sev_chain chain = {.generation = generation_of(ark)};

	chain.wrong[SEV_LINK_ARK] = wrong_ark(ark, ark_key, pins);
	chain.wrong[SEV_LINK_ASK] = wrong_ask(ask, ark, ark_key);
	chain.wrong[SEV_LINK_CEK] =
	    wrong_platform(&certificates->cek, ask_key, SEV_ASK, SEV_NONE);
	chain.wrong[SEV_LINK_PEK] = wrong_platform(pek, cek_key, SEV_CEK, SEV_OCA);
	chain.wrong[SEV_LINK_OCA] =
	    wrong_platform(&certificates->oca, oca_key, SEV_OCA, SEV_NONE);
	chain.wrong[SEV_LINK_OWNER] = wrong_platform(pek, oca_key, SEV_OCA, SEV_CEK);
	chain.wrong[SEV_LINK_PDH] =
	    wrong_platform(&certificates->pdh, pek_key, SEV_PEK, SEV_NONE);
	chain.has_owner = certificates->oca.bytes.size > 0;
	chain.has_session = certificates->pdh.bytes.size > 0;
	ERR_clear_error();
	if ((cek_key && key_spki_sha256(cek_key, chain.chip, NULL)) ||
	    (oca_key && key_spki_sha256(oca_key, chain.owner, NULL)))
		return false;
	*ret_chain = chain;
	return true;
}

bool sev_chain_holds(const struct sev_chain *chain)
{
	for (size_t i = 0; i < SEV_LINKS; i++) {
		bool there = i == SEV_LINK_PDH ? chain->has_session
			     : i == SEV_LINK_OCA || i == SEV_LINK_OWNER ? chain->has_owner
									: true;

		if (there && chain->wrong[i])
			return false;
	}
	return true;
}
