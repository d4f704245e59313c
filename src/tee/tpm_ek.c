#include "tee/tpm_ek.h"

#include <string.h>

#include "base/endian.h"
#include "base/fault.h"
#include "codec/der.h"
#include "pki/anchor_keys.h"
#include "tee/tpm_structs.h"

static const char object[] = "endorsement key";

static enum tobi_err read_pem(struct tobi_bytes pem, EVP_PKEY **ret_key,
			      struct tobi_fault *fault)
{
	CLEANUP(anchor_keys_done) struct anchor_keys keys = {0};
	enum tobi_err err = anchor_keys_read(pem, object, &keys, fault);

	if (err)
		return err;
	if (keys.count != 1)
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "%zu public keys are in it; one is needed", keys.count);
	if (!tpm_key_is_supported(keys.keys[0]))
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
				 "it is neither RSA nor of P-256 or P-384");
	*ret_key = TAKE(keys.keys[0]);
	return TOBI_OK;
}

/* The templates hash P-384's Name by SHA-384, the other two by SHA-256. */
static enum tobi_err read_public(struct tobi_bytes bytes, EVP_PKEY **ret_key,
				 struct tobi_fault *fault)
{
	struct tpm_public public;
	unsigned expected;
	enum tobi_err err;

	if (bytes.size > 2 && load_be(bytes.ptr, 2) == bytes.size - 2)
		bytes = (struct tobi_bytes){bytes.ptr + 2, bytes.size - 2};
	err = tpm_public_parse(bytes, &public, fault);
	if (err)
		return err;
	if (!tpm_public_is_ek(&public))
		return fault_set(
		    fault, TOBI_E_UNSUPPORTED, object, "",
		    "this key is for something else: an endorsement key is "
		    "fixed in its TPM, restricted, and for decryption alone");
	expected = public.type == TPM_ALG_ECC && public.curve == TPM_CURVE_P384
		       ? TPM_ALG_SHA384
		       : TPM_ALG_SHA256;
	if (public.name_alg != expected)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
				 "it is of none of the TCG's templates L-1, L-2 and H-3");
	return tpm_public_key(&public, ret_key, fault);
}

enum tobi_err tpm_ek_read(struct tobi_bytes bytes, EVP_PKEY **ret_key,
			  struct tobi_fault *fault)
{
	static const char pem[] = "-----BEGIN";

	if (bytes.size >= sizeof(pem) - 1 && memcmp(bytes.ptr, pem, sizeof(pem) - 1) == 0)
		return read_pem(bytes, ret_key, fault);
	return bytes.size && bytes.ptr[0] == DER_SEQUENCE
		   ? tpm_spki_key(bytes, object, ret_key, fault)
		   : read_public(bytes, ret_key, fault);
}
