#include "tee/tpm_nitro.h"

#include "base/fault.h"
#include "base/secret.h"
#include "pki/signature.h"
#include "tee/nitro.h"
#include "tee/nitro_claims.h"
#include "tee/nitro_document.h"
#include "tee/tpm_structs.h"

enum { UNCOMPRESSED = 4, P256_SIZE = 32, P384_SIZE = 48, SPKI_MAX = 256 };

struct tobi_bytes tpm_nitro_key(struct tobi_bytes public_key, struct arena *arena)
{
	CLEANUP(wr_done) struct writer spki = wr_init(SPKI_MAX);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	struct tobi_bytes point = {public_key.ptr + 1, public_key.size - 1};

	if (point.size != (size_t)2 * P256_SIZE && point.size != (size_t)2 * P384_SIZE)
		return public_key;
	if (public_key.ptr[0] != UNCOMPRESSED ||
	    ec_key_read(point.size == (size_t)2 * P256_SIZE ? KEY_P256 : KEY_P384, point,
			"attestation key", &key, NULL) ||
	    key_spki(key, &spki, NULL))
		return (struct tobi_bytes){0};
	return arena_copy(arena, wr_view(&spki));
}

struct tobi_bytes tpm_nitro_named_key(struct tobi_bytes document, struct arena *arena)
{
	struct nitro_document parsed;

	if (document.size == 0 || nitro_document_parse(document, &parsed, NULL) ||
	    parsed.public_key.size == 0)
		return (struct tobi_bytes){0};
	return tpm_nitro_key(parsed.public_key, arena);
}

enum tobi_err tpm_nitro_examine(const struct tee_request *request,
				struct tobi_bytes document, struct checklist *list,
				struct tee_claims *claims,
				const struct nitro_claims **ret_nitro,
				struct tobi_fault *fault)
{
	const struct tee_request inner = {
	    .evidence = document,
	    .time = request->time,
	    .pins = request->pins,
	    .memo = request->memo,
	};
	struct tee_claims *said = arena_alloc(list->arena, sizeof(*said));
	enum tobi_err err;

	if (!said)
		return fault_set(fault, TOBI_E_MEMORY, "document", "", "out of memory");
	err = tee_nitro_tpm.examine(&inner, list, said, fault);
	if (err)
		return err;
	claims->issued = said->issued;
	claims->timeless = false;
	*ret_nitro = said->nitro;
	if (said->nitro)
		tee_fact(claims, list->arena, "NitroTPM", "%.*s",
			 (int)said->nitro->module_id.size,
			 (const char *)said->nitro->module_id.ptr);
	return TOBI_OK;
}

/* It has one bank, SHA-384. */
const char *tpm_nitro_wrong(const struct nitro_claims *nitro,
			    const struct tpm_claims *tpm)
{
	const struct tpm_bank *bank = tpm_claims_bank(tpm, TPM_ALG_SHA384);

	if (!bank || tpm->bank_count != 1)
		return "a quote of another bank than that of SHA-384 alone";
	for (unsigned i = 0; i < TPM_PCRS; i++) {
		if (bank->pcrs[i].size && !bytes_equal(bank->pcrs[i], nitro->pcrs[i]))
			return "another value of a PCR";
	}
	return NULL;
}
