#include "codec/jose.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/cose_alg.h"
#include "codec/json.h"

/* RFC 7518 section 3.1, RFC 8037, RFC 9864. */
static const struct {
	const char *name;
	enum cose_alg alg;
} algorithms[] = {
    {"ES256", COSE_ES256}, {"ES384", COSE_ES384},   {"ES512", COSE_ES512},
    {"EdDSA", COSE_EDDSA}, {"Ed25519", COSE_EDDSA}, {"PS256", COSE_PS256},
    {"PS384", COSE_PS384}, {"RS256", COSE_RS256},
};

static const struct cose_alg_row *row_of(enum cose_alg alg)
{
	return alg == COSE_RS256 ? &cose_alg_rs256 : cose_alg_find(alg);
}

static enum cose_alg find_algorithm(const char *name)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (strcmp(algorithms[i].name, name) == 0)
			return algorithms[i].alg;
	}
	return COSE_NONE;
}

struct parts {
	struct tobi_bytes header, payload, signature;
};

static bool is_digit(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Three parts of base64url, none of them empty. */
static bool split(struct tobi_bytes bytes, struct parts *ret_parts)
{
	size_t dots[2] = {0}, count = 0;

	for (size_t i = 0; i < bytes.size; i++) {
		if (bytes.ptr[i] == '.' && count < 2)
			dots[count++] = i;
		else if (!is_digit(bytes.ptr[i]))
			return false;
	}
	if (count != 2 || dots[0] == 0 || dots[1] == dots[0] + 1 ||
	    dots[1] + 1 == bytes.size)
		return false;
	ret_parts->header = (struct tobi_bytes){bytes.ptr, dots[0]};
	ret_parts->payload =
	    (struct tobi_bytes){bytes.ptr + dots[0] + 1, dots[1] - dots[0] - 1};
	ret_parts->signature =
	    (struct tobi_bytes){bytes.ptr + dots[1] + 1, bytes.size - dots[1] - 1};
	return true;
}

bool jws_is(struct tobi_bytes bytes)
{
	struct parts parts;

	/* '{' and what may follow it begin so. */
	return bytes.size > 2 && bytes.ptr[0] == 'e' &&
	       strchr("wyo", bytes.ptr[1] ? bytes.ptr[1] : 'x') && split(bytes, &parts);
}

static enum tobi_err wrong(const char *object, const char *field, const char *what,
			   struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MALFORMED, object, field, "%s", what);
}

static enum tobi_err take_text(const json_t *header, const char *name, const char *object,
			       const char **ret_text, struct tobi_fault *fault)
{
	json_t *member = json_object_get(header, name);

	if (member && !json_is_string(member))
		return wrong(object, name, "it is no text", fault);
	*ret_text = json_string_value(member);
	return TOBI_OK;
}

/* RFC 7515 section 4.1.6: base64, not base64url. Trustee has it in the jwk. */
static enum tobi_err take_chain(struct jws *jws, const json_t *chain, const char *object,
				struct tobi_fault *fault)
{
	size_t sizes[LIMIT_COSE_CHAIN], count = json_array_size(chain), at = 0;

	if (!json_is_array(chain) || !count || count > LIMIT_COSE_CHAIN)
		return wrong(object, "x5c", "it is no list of at most 8 certificates",
			     fault);
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(chain, i));
		size_t before = jws->chain_bytes.size;
		enum tobi_err err;

		if (!text)
			return wrong(object, "x5c", "a certificate is no text", fault);
		err = base64_read(bytes_of_text(text), object, &jws->chain_bytes, fault);
		if (err)
			return err;
		sizes[i] = jws->chain_bytes.size - before;
	}
	for (size_t i = 0; i < count; at += sizes[i++])
		jws->x5chain[i] =
		    (struct tobi_bytes){jws->chain_bytes.ptr + at, sizes[i]};
	jws->x5chain_count = count;
	return TOBI_OK;
}

static enum tobi_err take_keys(struct jws *jws, const char *object,
			       struct tobi_fault *fault)
{
	json_t *chain = json_object_get(jws->header, "x5c");
	json_t *key = json_object_get(jws->header, "jwk");
	enum tobi_err err = TOBI_OK;

	if (key && !json_is_object(key))
		return wrong(object, "jwk", "it is no object", fault);
	if (key)
		err = jwk_read(key, object, &jws->jwk, fault);
	chain = chain ? chain : json_object_get(key, "x5c");
	return err || !chain ? err : take_chain(jws, chain, object, fault);
}

static enum tobi_err read_header(struct jws *jws, const char *object,
				 struct tobi_fault *fault)
{
	/* What changes how the rest is read. */
	static const char *const unknown[] = {"crit", "b64", "enc", "zip"};
	const char *alg = NULL;
	enum tobi_err err;

	if (!json_is_object(jws->header))
		return wrong(object, "header", "it is no object", fault);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		if (json_object_get(jws->header, unknown[i]))
			return fault_set(fault, TOBI_E_UNSUPPORTED, object, unknown[i],
					 "this header is not understood here");
	}
	err = take_text(jws->header, "alg", object, &alg, fault);
	if (!err && !alg)
		err = wrong(object, "alg", "it is missing", fault);
	if (!err) {
		jws->alg = find_algorithm(alg);
		if (jws->alg == COSE_NONE)
			err = fault_set(fault, TOBI_E_UNSUPPORTED, object, "alg",
					"it is not one of: ES256 ES384 ES512 EdDSA PS256 "
					"PS384 RS256");
	}
	if (!err)
		err = take_text(jws->header, "typ", object, &jws->typ, fault);
	if (!err)
		err = take_text(jws->header, "cty", object, &jws->cty, fault);
	if (!err)
		err = take_text(jws->header, "kid", object, &jws->kid, fault);
	return err ? err : take_keys(jws, object, fault);
}

enum tobi_err jws_parse(struct tobi_bytes bytes, const char *object, struct jws *ret_jws,
			struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer header = wr_init(LIMIT_JWS_HEADER);
	CLEANUP(jws_done)
	struct jws jws = {.payload_bytes = wr_init(LIMIT_EVIDENCE),
			  .signature_bytes = wr_init(1024),
			  .chain_bytes = wr_init(LIMIT_JWS_HEADER)};
	struct parts parts;
	enum tobi_err err;

	if (!split(bytes, &parts))
		return wrong(object, "", "it is not three parts of base64url with dots",
			     fault);
	err = base64url_read(parts.header, object, &header, fault);
	if (!err)
		err = base64url_read(parts.payload, object, &jws.payload_bytes, fault);
	if (!err)
		err =
		    base64url_read(parts.signature, object, &jws.signature_bytes, fault);
	if (!err)
		err = json_parse(wr_view(&header), LIMIT_JWS_HEADER, object, &jws.header,
				 fault);
	if (!err)
		err = read_header(&jws, object, fault);
	if (err)
		return err;
	jws.payload = wr_view(&jws.payload_bytes);
	jws.signature = wr_view(&jws.signature_bytes);
	jws.signed_bytes =
	    (struct tobi_bytes){bytes.ptr, (size_t)(parts.signature.ptr - bytes.ptr) - 1};
	*ret_jws = jws;
	jws = (struct jws){0};
	return TOBI_OK;
}

void jws_done(struct jws *jws)
{
	json_decref(jws->header);
	EVP_PKEY_free(jws->jwk);
	wr_done(&jws->payload_bytes);
	wr_done(&jws->signature_bytes);
	wr_done(&jws->chain_bytes);
}

enum tobi_err jws_verify(const struct jws *jws, EVP_PKEY *key, const char *object,
			 struct tobi_fault *fault)
{
	return cose_alg_verify(row_of(jws->alg), key, jws->signature, jws->signed_bytes,
			       object, fault);
}

/* ---- writing ---- */

static json_t *chain_of(const struct jws_headers *headers)
{
	json_t *chain = json_array();

	for (size_t i = 0; chain && i < headers->x5chain_count; i++) {
		struct writer text = wr_init(LIMIT_JWS_HEADER);

		base64_write(&text, headers->x5chain[i]);
		json_array_append_new(chain,
				      json_stringn((const char *)text.ptr, text.size));
		wr_done(&text);
	}
	return chain;
}

static json_t *header_of(enum cose_alg alg, const struct jws_headers *headers)
{
	json_t *header = json_object();
	size_t row = 0;

	while (algorithms[row].alg != alg)
		row++;
	if (!header)
		return NULL;
	json_object_set_new(header, "alg", json_string(algorithms[row].name));
	if (headers->typ)
		json_object_set_new(header, "typ", json_string(headers->typ));
	if (headers->cty)
		json_object_set_new(header, "cty", json_string(headers->cty));
	if (headers->jwk)
		json_object_set(header, "jwk", headers->jwk);
	if (headers->x5chain_count)
		json_object_set_new(header, "x5c", chain_of(headers));
	return header;
}

enum tobi_err jws_write(struct writer *out, const struct cose_signer *signer,
			const struct jws_headers *headers, struct tobi_bytes payload,
			struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer header = wr_init(LIMIT_JWS_HEADER);
	CLEANUP(wr_done) struct writer message = wr_init(2 * LIMIT_EVIDENCE);
	CLEANUP(wr_done) struct writer signature = wr_init(1024);
	json_t *json = header_of(signer->alg, headers);
	enum tobi_err err =
	    json ? json_write(json, false, &header, fault)
		 : fault_set(fault, TOBI_E_MEMORY, "token", "header", "out of memory");

	json_decref(json);
	if (err)
		return err;
	base64url_write(&message, wr_view(&header));
	wr_u8(&message, '.');
	base64url_write(&message, payload);
	if (wr_err(&message))
		return fault_set(fault, wr_err(&message), "token", "",
				 "no room for the token");
	err = signer->sign(signer->context, wr_view(&message), &signature, fault);
	if (err)
		return err;
	wr_bytes(out, message.ptr, message.size);
	wr_u8(out, '.');
	base64url_write(out, wr_view(&signature));
	return wr_err(out)
		   ? fault_set(fault, wr_err(out), "token", "", "no room for the token")
		   : TOBI_OK;
}
