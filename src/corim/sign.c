#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "corim/key.h"
#include "corim/reader.h"
#include "corim/signed.h"
#include "pki/cose_key.h"

enum { HEADER_CLAIMS = 15, HEADER_META = 8, HEADER_MAX = 4096 };

static void write_time(struct writer *out, int64_t time)
{
	cbor_write_tag(out, CORIM_TAG_TIME);
	cbor_write_int(out, time);
}

/* {0: {0: name, ? 1: uri}, ? 1: validity}, in a string. */
static enum tobi_err write_meta(const struct corim_sign_request *request,
				struct writer *out)
{
	const struct corim_validity *validity = &request->validity;
	CLEANUP(wr_done) struct writer meta = wr_init(HEADER_MAX);

	cbor_write_map(&meta, validity->has_end ? 2 : 1);
	cbor_write_uint(&meta, 0);
	cbor_write_map(&meta, request->uri ? 2 : 1);
	cbor_write_uint(&meta, 0);
	cbor_write_text(&meta, request->signer);
	if (request->uri) {
		cbor_write_uint(&meta, 1);
		cbor_write_tag(&meta, CORIM_TAG_URI);
		cbor_write_text(&meta, request->uri);
	}
	if (validity->has_end) {
		cbor_write_uint(&meta, 1);
		cbor_write_map(&meta, validity->has_start ? 2 : 1);
		if (validity->has_start) {
			cbor_write_uint(&meta, 0);
			write_time(&meta, validity->start);
		}
		cbor_write_uint(&meta, 1);
		write_time(&meta, validity->end);
	}
	cbor_write_bytes(out, wr_view(&meta));
	return wr_err(&meta);
}

/* {1: name, 8: {1: COSE_Key}}; the key is left out where a certificate has it. */
static enum tobi_err write_claims(const struct corim_sign_request *request,
				  struct writer *out, struct tobi_fault *fault)
{
	bool has_key = request->x5chain_count == 0;

	cbor_write_map(out, has_key ? 2 : 1);
	cbor_write_uint(out, 1);
	cbor_write_text(out, request->signer);
	if (!has_key)
		return TOBI_OK;
	cbor_write_uint(out, 8);
	cbor_write_map(out, 1);
	cbor_write_uint(out, 1);
	/* No room is told of for all the claims together. */
	return cose_key_write(out, request->key) && !wr_err(out)
		   ? fault_set(fault, TOBI_E_UNSUPPORTED, "key", "COSE_Key",
			       "this kind of key cannot be named in a signature")
		   : TOBI_OK;
}

static enum tobi_err check_leaf(const struct corim_sign_request *request,
				struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *leaf = NULL;
	enum tobi_err err;

	if (!request->x5chain_count)
		return TOBI_OK;
	err = chain_read_certificate(request->x5chain[0], "certificate", &leaf, fault);
	if (!err && EVP_PKEY_eq(X509_get0_pubkey(leaf), request->key) != 1)
		err = fault_set(fault, TOBI_E_ARGUMENT, "certificate", "",
				"it is not that of the key");
	return err;
}

enum tobi_err corim_sign(const struct corim_sign_request *request, struct writer *out,
			 struct tobi_fault *fault)
{
	CLEANUP(corim_freep) struct corim *corim = NULL;
	CLEANUP(wr_done) struct writer meta = wr_init(HEADER_MAX);
	CLEANUP(wr_done) struct writer claims = wr_init(HEADER_MAX);
	struct cose_extra extras[2];
	struct cose_headers headers = {.content_type = CORIM_CONTENT_TYPE,
				       .x5chain = request->x5chain,
				       .x5chain_count = request->x5chain_count,
				       .extras = extras,
				       .extra_count = 2};
	struct cose_signer signer;
	enum tobi_err err = corim_read(request->corim, "CoRIM", &corim, fault);

	if (!err)
		err = check_leaf(request, fault);
	if (!err)
		err = cose_signer_for_key(request->key, &signer, fault);
	if (err)
		return err;
	err = write_claims(request, &claims, fault);
	if (!err && (write_meta(request, &meta) || wr_err(&meta) || wr_err(&claims)))
		err = fault_set(fault, TOBI_E_LIMIT, "CoRIM", "signer",
				"the signer's name is too long");
	if (err)
		return err;
	extras[0] = (struct cose_extra){HEADER_META, wr_view(&meta)};
	extras[1] = (struct cose_extra){HEADER_CLAIMS, wr_view(&claims)};
	return cose_write(out, &signer, &headers, request->corim, false, fault);
}
