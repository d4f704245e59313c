#include "token/claims_buffer.h"

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/secret.h"
#include "codec/cbor.h"

enum {
	BINDING_VERSION = 1,
	MAX_KEYS = 32, /* a peer's own claims may stand beside those read here */
	MAX_NONCE = 1024,
};

static struct tobi_bytes hash_entry(const uint8_t hash[static 32], struct writer *inner)
{
	cbor_write_array(inner, 2);
	cbor_write_uint(inner, CLAIMS_SHA256);
	cbor_write_bytes(inner, (struct tobi_bytes){hash, 32});
	return wr_view(inner);
}

static struct tobi_bytes binding_entry(enum tobi_role role, struct tobi_bytes binder,
				       struct writer *inner)
{
	cbor_write_array(inner, 3);
	cbor_write_uint(inner, BINDING_VERSION);
	cbor_write_uint(inner, (uint64_t)role);
	cbor_write_bytes(inner, binder);
	return wr_view(inner);
}

/* An inner failure (memory) must not leave a shorter message behind. */
static void write_inner(struct writer *out, const char *key, struct tobi_bytes value,
			const struct writer *inner)
{
	enum tobi_err err = wr_err(inner);

	cbor_write_text(out, key);
	cbor_write_bytes(out, value);
	if (err && !out->err)
		out->err = err;
}

void claims_buffer_write(struct writer *out, struct tobi_bytes nonce,
			 const uint8_t spki_sha256[static 32], enum tobi_role role,
			 struct tobi_bytes binder)
{
	CLEANUP(wr_done) struct writer hash = wr_init(LIMIT_CLAIMS_BUFFER);
	CLEANUP(wr_done) struct writer binding = wr_init(LIMIT_CLAIMS_BUFFER);

	cbor_write_map(out, 1u + (nonce.size > 0) + (binder.size > 0));
	if (nonce.size) {
		cbor_write_text(out, "nonce");
		cbor_write_bytes(out, nonce);
	}
	write_inner(out, "pubkey-hash", hash_entry(spki_sha256, &hash), &hash);
	if (binder.size)
		write_inner(out, "tobichi-atls", binding_entry(role, binder, &binding),
			    &binding);
}

/* 0: not one that a verifier has to know. */
static size_t size_of_hash(uint64_t algorithm)
{
	switch (algorithm) {
	case CLAIMS_SHA256:
		return 32;
	case CLAIMS_SHA384:
		return 48;
	case CLAIMS_SHA512:
		return 64;
	default:
		return 0;
	}
}

/* The byte string's content starts offset bytes into the claims-buffer. */
static enum tobi_err parse_hash(struct tobi_bytes bytes, size_t offset,
				struct claims_buffer *claims, struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_PREFERRED);
	uint64_t algorithm;

	cbor.rd.origin = offset;
	if (cbor_array(&cbor, 2, "pubkey-hash") != 2)
		cbor_fail(&cbor, TOBI_E_MALFORMED, "pubkey-hash");
	algorithm = cbor_uint(&cbor, "pubkey-hash algorithm");
	if (!size_of_hash(algorithm))
		cbor_fail(&cbor, TOBI_E_UNSUPPORTED, "pubkey-hash algorithm");
	claims->hash = (enum claims_hash)algorithm;
	claims->pubkey_hash =
	    cbor_bytes_exact(&cbor, size_of_hash(algorithm), "pubkey-hash");
	return cbor_finish(&cbor, "claims-buffer", fault);
}

/* Offset of borrowed bytes in what they were borrowed from. */
static size_t offset_of(struct tobi_bytes whole, struct tobi_bytes part)
{
	return part.size ? (size_t)(part.ptr - whole.ptr) : 0;
}

enum tobi_err claims_buffer_parse(struct tobi_bytes bytes,
				  struct claims_buffer *ret_claims,
				  struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_PREFERRED);
	struct claims_buffer claims = {0};
	struct tobi_bytes key, hash = {0};
	bool has_hash = false;
	struct cbor_map map;
	enum tobi_err err;

	if (bytes.size > LIMIT_CLAIMS_BUFFER)
		return fault_set(fault, TOBI_E_LIMIT, "claims-buffer", "",
				 "it has %zu bytes; at most %d are read", bytes.size,
				 LIMIT_CLAIMS_BUFFER);
	map = cbor_map(&cbor, MAX_KEYS, "claims");
	while (cbor_map_text(&cbor, &map, &key, "key")) {
		if (bytes_equal_text(key, "nonce")) {
			claims.nonce = cbor_bytes(&cbor, MAX_NONCE, "nonce");
		} else if (bytes_equal_text(key, "pubkey-hash")) {
			hash = cbor_bytes(&cbor, LIMIT_CLAIMS_BUFFER, "pubkey-hash");
			has_hash = true;
		} else if (bytes_equal_text(key, "tobichi-atls")) {
			claims.binding =
			    cbor_bytes(&cbor, LIMIT_CLAIMS_BUFFER, "tobichi-atls");
		} else {
			cbor_skip(&cbor, "other claim");
		}
	}
	cbor_require(&cbor, has_hash, "pubkey-hash");
	err = cbor_finish(&cbor, "claims-buffer", fault);
	if (err)
		return err;
	err = parse_hash(hash, offset_of(bytes, hash), &claims, fault);
	if (err)
		return err;
	*ret_claims = claims;
	return TOBI_OK;
}
