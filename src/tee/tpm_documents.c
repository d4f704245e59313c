/* Documents that carry a quote with what belongs to it (docs/PROTOCOL.md, section 14.10).
 */
#include <string.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/cbor.h"
#include "codec/json.h"
#include "tee/tpm_parts.h"
#include "tee/tpm_structs.h"

enum { PARSEC_KEYS = 8, PARSEC_ITEM = 4096, KEYLIME_PARTS = 3 };

static const char keylime_start[] = "r/1RDR4AY"; /* base64 of a quote's first bytes */

static bool has_text(struct tobi_bytes bytes, const char *text)
{
	return bytes.ptr && memmem(bytes.ptr, bytes.size, text, strlen(text));
}

static struct tobi_bytes text_of(const json_t *json)
{
	return json_is_string(json)
		   ? (struct tobi_bytes){(const uint8_t *)json_string_value(json),
					 json_string_length(json)}
		   : (struct tobi_bytes){0};
}

/* In the arena; empty, and a note, when it cannot be read. */
static struct tobi_bytes decode(struct tpm_parts *parts, struct tobi_bytes text)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_EVIDENCE);
	struct tobi_bytes bytes = {0};

	if (!base64_read(text, "TPM evidence", &out,
			 parts->unread.code ? NULL : &parts->unread))
		bytes = arena_copy(parts->arena, wr_view(&out));
	return bytes.ptr ? bytes : (struct tobi_bytes){0};
}

static struct tobi_bytes decode_hex(struct tpm_parts *parts, const json_t *json)
{
	size_t size = json_is_string(json) ? json_string_length(json) / 2 : 0;
	uint8_t *bytes = size ? arena_alloc(parts->arena, size) : NULL;

	if (bytes && hex_read(json_string_value(json), bytes, size))
		return (struct tobi_bytes){bytes, size};
	return (struct tobi_bytes){0};
}

static enum tobi_err wrong(const char *field, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MALFORMED, "TPM evidence", field,
			 "it cannot be read");
}

static enum tobi_err add_base64(struct tpm_parts *parts, const json_t *json,
				const char *name, struct tobi_fault *fault)
{
	const json_t *member = json_object_get(json, name);
	struct tobi_bytes bytes;

	if (!member)
		return TOBI_OK;
	bytes = decode(parts, text_of(member));
	if (!bytes.size)
		return wrong(name, fault);
	tpm_parts_add(parts, bytes);
	return TOBI_OK;
}

static unsigned hash_of_size(size_t size)
{
	static const unsigned hashes[] = {TPM_ALG_SHA1, TPM_ALG_SHA256, TPM_ALG_SHA384,
					  TPM_ALG_SHA512};

	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		if (tpm_hash_size(hashes[i]) == size)
			return hashes[i];
	}
	return TPM_ALG_NULL;
}

/* An index: one or two digits, no zero before another. */
static unsigned index_of(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	unsigned value = 0;

	if (digits == 0 || digits > 2 || text[digits] || (text[0] == '0' && digits > 1))
		return TPM_PCRS;
	for (size_t i = 0; i < digits; i++)
		value = 10 * value + (unsigned)(text[i] - '0');
	return value;
}

/* {"sha256": {"0": "hex"}} */
static enum tobi_err add_banks(struct tpm_parts *parts, json_t *banks,
			       struct tobi_fault *fault)
{
	const char *name, *index;
	json_t *bank, *json;

	json_object_foreach(banks, name, bank)
	{
		unsigned hash = tpm_hash_named(name);

		json_object_foreach(bank, index, json)
		{
			struct tobi_bytes value = decode_hex(parts, json);

			if (index_of(index) >= TPM_PCRS || !value.size ||
			    value.size != tpm_hash_size(hash))
				return wrong("pcrs", fault);
			tpm_parts_add_pcr(parts, hash, index_of(index), value);
		}
	}
	return TOBI_OK;
}

/* ["hex"], from PCR 0 on: the bank by their length. */
static enum tobi_err add_list(struct tpm_parts *parts, json_t *list,
			      struct tobi_fault *fault)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct tobi_bytes value = decode_hex(parts, json_array_get(list, i));
		unsigned hash = hash_of_size(value.size);

		if (i >= TPM_PCRS || hash == TPM_ALG_NULL)
			return wrong("pcrs", fault);
		tpm_parts_add_pcr(parts, hash, i, value);
	}
	return TOBI_OK;
}

static enum tobi_err add_pcrs(struct tpm_parts *parts, const json_t *json,
			      struct tobi_fault *fault)
{
	json_t *pcrs = json_object_get(json, "pcrs");

	return json_is_array(pcrs) ? add_list(parts, pcrs, fault)
				   : add_banks(parts, pcrs, fault);
}

/* Tobichi's own. */
static enum tobi_err add_own(struct tpm_parts *parts, const json_t *json,
			     struct tobi_fault *fault)
{
	static const char *const members[] = {
	    "tpm2-quote", "signature",	       "ak",
	    "certify",	  "certify-signature", "certified-key"};
	const json_t *certificates = json_object_get(json, "certificates");
	const json_t *log = json_object_get(json, "event-log");
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]) && !err; i++)
		err = add_base64(parts, json, members[i], fault);
	for (size_t i = 0; i < json_array_size(certificates) && !err; i++) {
		struct tobi_bytes bytes =
		    decode(parts, text_of(json_array_get(certificates, i)));

		if (!bytes.size)
			err = wrong("certificates", fault);
		tpm_parts_add(parts, bytes);
	}
	if (!err && log) {
		parts->log = decode(parts, text_of(log));
		if (!parts->log.size)
			err = wrong("event-log", fault);
	}
	return err;
}

/* Of Confidential Containers' Trustee. */
static enum tobi_err add_trustee(struct tpm_parts *parts, const json_t *json,
				 struct tobi_fault *fault)
{
	const json_t *quote = json_object_get(json, "tpm_quote");
	enum tobi_err err = add_base64(parts, quote, "message", fault);

	if (!err)
		err = add_base64(parts, quote, "signature", fault);
	if (!err)
		err = add_pcrs(parts, quote, fault);
	return err ? err : add_base64(parts, json, "ak_public", fault);
}

static enum tobi_err add_hex(struct tpm_parts *parts, const json_t *json,
			     const char *name, struct tobi_fault *fault)
{
	struct tobi_bytes bytes = decode_hex(parts, json_object_get(json, name));

	if (!bytes.size)
		return wrong(name, fault);
	tpm_parts_add(parts, bytes);
	return TOBI_OK;
}

/* Of vaportpm: one quote, by whichever kind of key. */
static enum tobi_err add_vaportpm(struct tpm_parts *parts, const json_t *json,
				  struct tobi_fault *fault)
{
	json_t *attestation = json_object_get(json, "attestation");
	const json_t *gcp = json_object_get(attestation, "gcp");
	const json_t *nitro = json_object_get(attestation, "nitro");
	const char *kind;
	json_t *quote;
	enum tobi_err err = TOBI_OK;

	json_object_foreach(json_object_get(attestation, "tpm"), kind, quote)
	{
		if (!err)
			err = add_hex(parts, quote, "attest_data", fault);
		if (!err)
			err = add_hex(parts, quote, "signature", fault);
	}
	if (!err && nitro)
		err = add_hex(parts, nitro, "document", fault);
	tpm_parts_add_pem(parts, text_of(json_object_get(gcp, "ak_cert_chain")));
	return err ? err : add_pcrs(parts, json, fault);
}

bool tpm_json_starts(struct tobi_bytes bytes)
{
	/* Azure's has a quote in it, too: its own kind reads that (azure_json.h). */
	return bytes.size && bytes.ptr[0] == '{' && !has_text(bytes, "\"hcl_report\"") &&
	       (has_text(bytes, "\"tpm2-quote\"") || has_text(bytes, "\"tpm_quote\"") ||
		has_text(bytes, "\"attest_data\""));
}

enum tobi_err tpm_json_add(struct tpm_parts *parts, struct tobi_bytes bytes,
			   struct tobi_fault *fault)
{
	json_t *json = NULL;
	enum tobi_err err = json_parse(bytes, LIMIT_JSON, "TPM evidence", &json, fault);

	if (err)
		return err;
	if (json_object_get(json, "tpm_quote"))
		err = add_trustee(parts, json, fault);
	else if (json_object_get(json, "attestation"))
		err = add_vaportpm(parts, json, fault);
	else
		err = add_own(parts, json, fault);
	if (!err && !json_object_get(json, "attestation"))
		err = add_pcrs(parts, json, fault);
	json_decref(json);
	return err;
}

/* Of Parsec, as Veraison takes it: {"kat": {..}, "pat": {..}}, in CBOR. */
bool tpm_parsec_starts(struct tobi_bytes bytes)
{
	static const uint8_t kat[] = {0xa2, 0x63, 'k', 'a', 't'};
	static const uint8_t pat[] = {0xa2, 0x63, 'p', 'a', 't'};

	return bytes.size > sizeof(kat) && (memcmp(bytes.ptr, kat, sizeof(kat)) == 0 ||
					    memcmp(bytes.ptr, pat, sizeof(pat)) == 0);
}

static void read_token(struct cbor *cbor, struct tpm_parts *parts)
{
	struct cbor_map map = cbor_map(cbor, PARSEC_KEYS, "token");
	struct tobi_bytes key;

	while (cbor_map_text(cbor, &map, &key, "token")) {
		if (bytes_equal_text(key, "tpmVer")) {
			if (!bytes_equal_text(cbor_text(cbor, 16, "tpmVer"), "2.0"))
				cbor_fail(cbor, TOBI_E_UNSUPPORTED, "tpmVer");
		} else if (bytes_equal_text(key, "kid")) {
			cbor_bytes(cbor, TPM_STRUCT_NAME_MAX, "kid");
		} else if (bytes_equal_text(key, "sig") ||
			   bytes_equal_text(key, "pubArea") ||
			   bytes_equal_text(key, "certInfo") ||
			   bytes_equal_text(key, "attestInfo")) {
			struct tobi_bytes item = cbor_bytes(cbor, PARSEC_ITEM, "token");

			if (!cbor_failed(cbor))
				tpm_parts_add(parts, item);
		} else {
			cbor_fail(cbor, TOBI_E_MALFORMED, "unknown key");
		}
	}
}

enum tobi_err tpm_parsec_add(struct tpm_parts *parts, struct tobi_bytes bytes,
			     struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_PREFERRED);
	struct cbor_map map = cbor_map(&cbor, 2, "tokens");
	struct tobi_bytes key;

	while (cbor_map_text(&cbor, &map, &key, "tokens")) {
		if (bytes_equal_text(key, "kat") || bytes_equal_text(key, "pat"))
			read_token(&cbor, parts);
		else
			cbor_fail(&cbor, TOBI_E_MALFORMED, "unknown key");
	}
	return cbor_finish(&cbor, "TPM evidence", fault);
}

/* Of Keylime's agent: r, then quote:signature:PCRs, each in base64; the PCRs as
 * tpm2_quote writes them. */
bool tpm_keylime_starts(struct tobi_bytes bytes)
{
	return bytes.size > sizeof(keylime_start) &&
	       memcmp(bytes.ptr, keylime_start, sizeof(keylime_start) - 1) == 0;
}

enum tobi_err tpm_keylime_add(struct tpm_parts *parts, struct tobi_bytes text,
			      struct tobi_fault *fault)
{
	struct tobi_bytes rest = {text.ptr + 1, text.size - 1};
	size_t count = 0;

	while (rest.size && rest.ptr[rest.size - 1] == '\n')
		rest.size--;
	for (; rest.size && count < KEYLIME_PARTS; count++) {
		const uint8_t *colon = memchr(rest.ptr, ':', rest.size);
		size_t size = colon ? (size_t)(colon - rest.ptr) : rest.size;
		struct tobi_bytes part =
		    decode(parts, (struct tobi_bytes){rest.ptr, size});

		if (!part.size)
			return wrong("Keylime's quote", fault);
		tpm_parts_add(parts, part);
		size += colon != NULL;
		rest = (struct tobi_bytes){rest.ptr + size, rest.size - size};
	}
	return rest.size || count != KEYLIME_PARTS ? wrong("Keylime's quote", fault)
						   : TOBI_OK;
}
