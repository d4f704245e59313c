#include "codec/cose.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "codec/cose_alg.h"

enum { PROTECTED_MAX = 8 << 10 };

/* RFC 9052 §4.4: ["Signature1", protected, external_aad, payload]. */
void cose_to_be_signed(struct writer *out, struct tobi_bytes protected_bytes,
		       struct tobi_bytes external_aad, struct tobi_bytes payload)
{
	static const uint8_t empty_map[] = {0xa0};

	/* An empty protected map counts as a string of no bytes, however it was written.
	 */
	if (bytes_equal(protected_bytes, (struct tobi_bytes){empty_map, 1}))
		protected_bytes.size = 0;
	cbor_write_array(out, 4);
	cbor_write_text(out, "Signature1");
	cbor_write_bytes(out, protected_bytes);
	cbor_write_bytes(out, external_aad);
	cbor_write_bytes(out, payload);
}

static enum tobi_err sign_with_key(void *context, struct tobi_bytes message,
				   struct writer *ret_signature, struct tobi_fault *fault)
{
	EVP_PKEY *key = context;
	const struct cose_alg_row *row = cose_alg_for_key(key);
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t signature[256];
	size_t size = sizeof(signature);

	if (!row || !md ||
	    EVP_DigestSignInit_ex(md, NULL, row->digest, NULL, NULL, key, NULL) != 1 ||
	    EVP_DigestSign(md, signature, &size, message.ptr, message.size) != 1) {
		ERR_clear_error();
		return fault_set(fault, TOBI_E_CRYPTO, "signature", "", "cannot sign");
	}
	if (row->half)
		return cose_ecdsa_to_raw((struct tobi_bytes){signature, size}, row->half,
					 ret_signature, fault);
	wr_bytes(ret_signature, signature, size);
	return wr_err(ret_signature);
}

enum tobi_err cose_signer_for_key(EVP_PKEY *key, struct cose_signer *ret_signer,
				  struct tobi_fault *fault)
{
	const struct cose_alg_row *row = cose_alg_for_key(key);

	if (!row || row->alg == COSE_ES512)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "key", "alg",
				 "keys to sign with are P-256, P-384 or Ed25519");
	*ret_signer = (struct cose_signer){row->alg, sign_with_key, key};
	return TOBI_OK;
}

static void write_protected(struct writer *out, enum cose_alg alg,
			    const struct cose_headers *headers)
{
	cbor_write_map(out, (headers->content_type ? 2 : 1) + headers->extra_count);
	cbor_write_uint(out, COSE_HEADER_ALG);
	cbor_write_int(out, alg);
	if (headers->content_type) {
		cbor_write_uint(out, COSE_HEADER_CONTENT_TYPE);
		cbor_write_text(out, headers->content_type);
	}
	for (size_t i = 0; i < headers->extra_count; i++) {
		cbor_write_int(out, headers->extras[i].label);
		wr_bytes(out, headers->extras[i].item.ptr, headers->extras[i].item.size);
	}
}

static void write_unprotected(struct writer *out, const struct cose_headers *headers)
{
	cbor_write_map(out, (size_t)(headers->x5chain_count != 0) +
				(size_t)(headers->kid.size != 0));
	if (headers->kid.size) {
		cbor_write_uint(out, COSE_HEADER_KID);
		cbor_write_bytes(out, headers->kid);
	}
	if (!headers->x5chain_count)
		return;
	cbor_write_uint(out, COSE_HEADER_X5CHAIN);
	if (headers->x5chain_count > 1)
		cbor_write_array(out, headers->x5chain_count);
	for (size_t i = 0; i < headers->x5chain_count; i++)
		cbor_write_bytes(out, headers->x5chain[i]);
}

enum tobi_err cose_write(struct writer *out, const struct cose_signer *signer,
			 const struct cose_headers *headers, struct tobi_bytes payload,
			 bool detached, struct tobi_fault *fault)
{
	struct writer protected_map = wr_init(PROTECTED_MAX);
	struct writer message = wr_init(payload.size + 2 * PROTECTED_MAX);
	struct writer signature = wr_init(1024);
	enum tobi_err err;

	write_protected(&protected_map, signer->alg, headers);
	cose_to_be_signed(&message, wr_view(&protected_map), (struct tobi_bytes){0},
			  payload);
	err = wr_err(&protected_map) ? wr_err(&protected_map) : wr_err(&message);
	if (err)
		fault_set(fault, err, "signature", "", "no room for the headers");
	else
		err = signer->sign(signer->context, wr_view(&message), &signature, fault);
	if (!err) {
		cbor_write_tag(out, COSE_TAG_SIGN1);
		cbor_write_array(out, 4);
		cbor_write_bytes(out, wr_view(&protected_map));
		write_unprotected(out, headers);
		if (detached)
			cbor_write_null(out);
		else
			cbor_write_bytes(out, payload);
		cbor_write_bytes(out, wr_view(&signature));
		err = wr_err(out);
		if (err)
			fault_set(fault, err, "signature", "", "no room for the token");
	}
	wr_done(&protected_map);
	wr_done(&message);
	wr_done(&signature);
	return err;
}
