#include "corim/signed.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "corim/key.h"
#include "corim/reader.h"
#include "pki/cose_key.h"
#include "pki/pinned.h"

enum {
	HEADER_META = 8,
	HEADER_CLAIMS = 15,
	CLAIM_ISSUER = 1,
	CLAIM_SUBJECT = 2,
	CLAIM_EXPIRES = 4,
	CLAIM_NOT_BEFORE = 5,
	CLAIM_CONFIRMATION = 8,
	CNF_COSE_KEY = 1,
	TAG_18 = 0xd2,
	SIGN1_ARRAY = 0x84,
	HEADER_ROOM = 96, /* in which the content type begins */
	MAP_MAX = 32,
};

bool corim_is_signed(struct tobi_bytes bytes)
{
	static const char type[] = CORIM_CONTENT_TYPE;
	size_t room = bytes.size < HEADER_ROOM ? bytes.size : HEADER_ROOM;

	return bytes.size > 2 && bytes.ptr[0] == TAG_18 && bytes.ptr[1] == SIGN1_ARRAY &&
	       memmem(bytes.ptr, room, type, sizeof(type) - 1);
}

void corim_document_free(struct corim_document *document)
{
	if (!document)
		return;
	corim_free(document->corim);
	EVP_PKEY_free(document->carried);
	arena_done(&document->arena);
	free(document);
}

/* Both that hold: the later start, and the earlier end. */
static void narrow(struct corim_validity *validity, const struct corim_validity *other)
{
	if (other->has_start && (!validity->has_start || other->start > validity->start))
		validity->start = other->start;
	if (other->has_end && (!validity->has_end || other->end < validity->end))
		validity->end = other->end;
	validity->has_start |= other->has_start;
	validity->has_end |= other->has_end;
}

static void read_signer(struct corim_reader *rd, struct corim_document *document)
{
	struct cbor_map map = cbor_map(&rd->cbor, MAP_MAX, "signer");
	int64_t key = 0;

	while (cbor_map_int(&rd->cbor, &map, &key, "signer")) {
		if (key == 0)
			document->signer_name =
			    cbor_text(&rd->cbor, CORIM_TEXT_MAX, "signer name");
		else if (key == 1)
			document->signer_uri = corim_read_uri(rd, "signer uri");
		else
			cbor_skip(&rd->cbor, "signer");
	}
	cbor_require(&rd->cbor, document->signer_name.ptr, "signer name");
}

static void read_meta(struct corim_reader *rd, struct corim_document *document)
{
	struct tobi_bytes bytes = cbor_bytes(&rd->cbor, LIMIT_TOKEN, "corim-meta");
	struct corim_reader inner = *rd;
	struct corim_validity validity = {0};
	struct cbor_map map;
	int64_t key = 0;
	bool has_signer = false;

	if (corim_failed(rd))
		return;
	inner.cbor.rd = rd_init(bytes);
	map = cbor_map(&inner.cbor, 2, "corim-meta");
	while (cbor_map_int(&inner.cbor, &map, &key, "corim-meta")) {
		if (key == 0) {
			has_signer = true;
			read_signer(&inner, document);
		} else if (key == 1) {
			validity = corim_read_validity(&inner);
		} else {
			corim_fail(&inner, TOBI_E_MALFORMED, "corim-meta");
		}
	}
	cbor_require(&inner.cbor, has_signer, "signer");
	if (!corim_failed(&inner) && rd_left(&inner.cbor.rd))
		corim_fail(&inner, TOBI_E_TRAILING, "corim-meta");
	if (corim_failed(&inner))
		corim_fail(rd, inner.cbor.rd.err, inner.cbor.rd.fail_field);
	narrow(&document->signature_validity, &validity);
	document->has_meta = true;
}

/* RFC 8747: {1: COSE_Key}; other ways to name a key are passed over. */
static struct tobi_bytes read_confirmation(struct cbor *cbor)
{
	struct cbor_map map = cbor_map(cbor, MAP_MAX, "cnf");
	struct tobi_bytes found = {0};
	int64_t key = 0;

	while (cbor_map_int(cbor, &map, &key, "cnf")) {
		struct tobi_bytes item = cbor_skip(cbor, "cnf");

		if (key == CNF_COSE_KEY)
			found = item;
	}
	return found;
}

static struct tobi_bytes read_claims(struct corim_reader *rd,
				     struct corim_document *document)
{
	struct cbor *cbor = &rd->cbor;
	struct cbor_map map = cbor_map(cbor, MAP_MAX, "CWT claims");
	struct corim_validity validity = {0};
	struct tobi_bytes key = {0};
	int64_t claim = 0;

	while (cbor_map_int(cbor, &map, &claim, "CWT claims")) {
		if (claim == CLAIM_ISSUER) {
			document->issuer = cbor_text(cbor, CORIM_TEXT_MAX, "iss");
		} else if (claim == CLAIM_SUBJECT) {
			document->subject = cbor_text(cbor, CORIM_TEXT_MAX, "sub");
		} else if (claim == CLAIM_EXPIRES) {
			validity.has_end = true;
			validity.end = corim_read_time(rd, "exp");
		} else if (claim == CLAIM_NOT_BEFORE) {
			validity.has_start = true;
			validity.start = corim_read_time(rd, "nbf");
		} else if (claim == CLAIM_CONFIRMATION) {
			key = read_confirmation(cbor);
		} else {
			cbor_skip(cbor, "CWT claims");
		}
	}
	cbor_require(cbor, document->issuer.ptr, "iss");
	narrow(&document->signature_validity, &validity);
	document->has_claims = true;
	return key;
}

/* The headers that cose_parse() leaves: CoRIM's own, and the claims. */
static enum tobi_err read_headers(struct corim_document *document, const char *object,
				  struct tobi_fault *fault)
{
	struct corim_reader rd = {.arena = &document->arena};
	struct tobi_bytes key = {0};
	struct cbor_map map;
	int64_t label = 0;
	enum tobi_err err;

	rd.cbor = cbor_init(document->sign1.protected_bytes, CBOR_PREFERRED);
	map = cbor_map(&rd.cbor, MAP_MAX, "header");
	while (cbor_map_int(&rd.cbor, &map, &label, "header")) {
		if (label == HEADER_META)
			read_meta(&rd, document);
		else if (label == HEADER_CLAIMS)
			key = read_claims(&rd, document);
		else
			cbor_skip(&rd.cbor, "header");
	}
	err = cbor_finish(&rd.cbor, object, fault);
	if (!err && !document->has_meta && !document->has_claims)
		err = fault_set(fault, TOBI_E_MALFORMED, object, "header",
				"neither corim-meta nor CWT claims say who signed it");
	if (!err && key.size)
		err = cose_key_read(key, object, &document->carried, fault);
	return err;
}

static enum tobi_err read_leaf(struct corim_document *document, const char *object,
			       struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *leaf = NULL;
	enum tobi_err err =
	    chain_read_certificate(document->sign1.x5chain[0], object, &leaf, fault);

	if (err)
		return err;
	EVP_PKEY_free(document->carried);
	document->carried = X509_get_pubkey(leaf);
	return document->carried ? TOBI_OK
				 : fault_openssl(fault, object, "x5chain",
						 "the certificate's key cannot be read");
}

static enum tobi_err read_envelope(struct tobi_bytes bytes, const char *object,
				   struct corim_document *document,
				   struct tobi_fault *fault)
{
	enum tobi_err err =
	    cose_parse(bytes, false, COSE_TAGGED, object, &document->sign1, fault);

	if (err)
		return err;
	if (!bytes_equal_text(document->sign1.content_type, CORIM_CONTENT_TYPE))
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "content-type",
				 "it must be " CORIM_CONTENT_TYPE
				 "; a signed hash of a CoRIM is not handled");
	if (!document->sign1.payload.ptr)
		return fault_set(
		    fault, TOBI_E_UNSUPPORTED, object, "payload",
		    "the CoRIM must be in it; a detached one is not handled");
	document->is_signed = true;
	err = read_headers(document, object, fault);
	/* A certificate that came with it is the signer's, whatever it claims. */
	if (!err && document->sign1.x5chain_count)
		err = read_leaf(document, object, fault);
	return err;
}

enum tobi_err corim_document_read(struct tobi_bytes bytes, const char *object,
				  struct corim_document **ret_document,
				  struct tobi_fault *fault)
{
	CLEANUP(corim_document_freep)
	struct corim_document *document = calloc(1, sizeof(*document));
	struct tobi_bytes copy;
	enum tobi_err err = TOBI_OK;

	if (!document)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	if (bytes.size > LIMIT_CORIM)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "over %d bytes",
				 LIMIT_CORIM);
	document->arena = arena_init(2 * LIMIT_CORIM);
	copy = arena_copy(&document->arena, bytes);
	if (!copy.ptr)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	if (copy.size && copy.ptr[0] == TAG_18) {
		err = read_envelope(copy, object, document, fault);
		copy = document->sign1.payload;
	}
	if (!err)
		err = corim_read(copy, object, &document->corim, fault);
	if (err)
		return err;
	*ret_document = TAKE(document);
	return TOBI_OK;
}
