#include "tee/epid_parts.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/cbor.h"
#include "codec/json.h"

#define OBJECT "EPID report"
#define PEM_START "-----BEGIN"

enum { SIGNATURE_MIN = 256, SIGNATURE_MAX = 512, BUNDLE_MAX = 4 * LIMIT_EPID_REPORT };

static enum tobi_err no_memory(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
}

static bool is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct tobi_bytes trim(struct tobi_bytes text)
{
	while (text.size && is_space(text.ptr[0])) {
		text.ptr++;
		text.size--;
	}
	while (text.size && is_space(text.ptr[text.size - 1]))
		text.size--;
	return text;
}

static bool starts(struct tobi_bytes text, const char *prefix)
{
	size_t size = strlen(prefix);

	return text.size >= size &&
	       strncasecmp((const char *)text.ptr, prefix, size) == 0;
}

static bool has(struct tobi_bytes text, const char *part)
{
	return text.size && memmem(text.ptr, text.size, part, strlen(part));
}

static bool is_reply(struct tobi_bytes text)
{
	return starts(text, "HTTP/") || starts(text, "X-IASReport-");
}

bool epid_recognise(struct tobi_bytes evidence)
{
	struct tobi_bytes text = trim(evidence);

	if (is_reply(text))
		return has(text, "isvEnclaveQuoteBody");
	return text.size && text.ptr[0] == '{' &&
	       (has(text, "\"isvEnclaveQuoteBody\"") ||
		(has(text, "\"body\"") && has(text, "\"signature\"")));
}

/* %20 is a space, and so on; nothing else means anything else. */
static enum tobi_err url_decode(struct tobi_bytes text, struct arena *arena,
				struct tobi_bytes *ret_bytes, struct tobi_fault *fault)
{
	uint8_t *out = arena_alloc(arena, text.size + 1);
	size_t size = 0;

	if (!out)
		return no_memory(fault);
	for (size_t i = 0; i < text.size; i++) {
		char digits[3] = "";

		if (text.ptr[i] != '%') {
			out[size++] = text.ptr[i];
			continue;
		}
		if (text.size - i > 2)
			bytes_copy(digits, sizeof(digits) - 1, text.ptr + i + 1, 2);
		if (!hex_read(digits, &out[size++], 1))
			return fault_at(fault, TOBI_E_MALFORMED, OBJECT, "certificates",
					i, "%% without two hexadecimal digits");
		i += 2;
	}
	*ret_bytes = (struct tobi_bytes){out, size};
	return TOBI_OK;
}

/* False, and nothing is said, for what is no base64 of a signature. */
static bool read_signature(struct tobi_bytes text, struct arena *arena,
			   struct tobi_bytes *ret_signature)
{
	CLEANUP(wr_done) struct writer out = wr_init(SIGNATURE_MAX);

	if (base64_read(trim(text), OBJECT, &out, NULL) || out.size < SIGNATURE_MIN)
		return false;
	*ret_signature = arena_copy(arena, wr_view(&out));
	return ret_signature->ptr != NULL;
}

static enum tobi_err add_certificates(struct epid_parts *parts, struct arena *arena,
				      struct tobi_bytes text, struct tobi_fault *fault)
{
	if (parts->count == EPID_TEXTS_MAX)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "certificates",
				 "more than %d of them", EPID_TEXTS_MAX);
	if (starts(text, PEM_START "%20")) {
		enum tobi_err err = url_decode(text, arena, &text, fault);

		if (err)
			return err;
	}
	parts->certificates[parts->count++] = text;
	return TOBI_OK;
}

static struct tobi_bytes next_line(struct tobi_bytes *text)
{
	const uint8_t *end = memchr(text->ptr, '\n', text->size);
	size_t size = end ? (size_t)(end - text->ptr) : text->size;
	struct tobi_bytes line = {text->ptr, size};

	text->ptr += end ? size + 1 : size;
	text->size -= end ? size + 1 : size;
	return trim(line);
}

/* The value behind "Name:", in any case of its letters. */
static bool is_header(struct tobi_bytes line, const char *name,
		      struct tobi_bytes *ret_value)
{
	size_t size = strlen(name);

	if (!starts(line, name) || line.size == size || line.ptr[size] != ':')
		return false;
	*ret_value = trim((struct tobi_bytes){line.ptr + size + 1, line.size - size - 1});
	return true;
}

static enum tobi_err check_length(struct tobi_bytes value, size_t size,
				  struct tobi_fault *fault)
{
	uint64_t length = 0;

	for (size_t i = 0; i < value.size && length < LIMIT_EVIDENCE; i++) {
		if (value.ptr[i] < '0' || value.ptr[i] > '9')
			return fault_set(fault, TOBI_E_MALFORMED, OBJECT,
					 "Content-Length", "it is no number");
		length = 10 * length + (uint64_t)(value.ptr[i] - '0');
	}
	if (length == size)
		return TOBI_OK;
	return fault_set(fault, length < size ? TOBI_E_TRAILING : TOBI_E_TRUNCATED,
			 OBJECT, "Content-Length", "%llu, but the body has %zu bytes",
			 (unsigned long long)length, size);
}

/* A reply with its headers, or the headers alone. Its body is what follows the empty
 * line, to the end. */
static enum tobi_err read_reply(struct tobi_bytes text, struct arena *arena,
				struct epid_parts *parts, struct tobi_bytes *ret_body,
				struct tobi_fault *fault)
{
	struct tobi_bytes value, length = {0};
	enum tobi_err err = TOBI_OK;

	while (text.size && !err) {
		struct tobi_bytes line = next_line(&text);

		if (line.size == 0)
			break;
		if (is_header(line, "X-IASReport-Signature", &value)) {
			parts->signatures++;
			if (!read_signature(value, arena, &parts->signature))
				err = fault_set(fault, TOBI_E_MALFORMED, OBJECT,
						"X-IASReport-Signature",
						"it is not the base64 of a signature");
		} else if (is_header(line, "X-IASReport-Signing-Certificate", &value)) {
			err = add_certificates(parts, arena, value, fault);
		} else if (is_header(line, "Content-Length", &value)) {
			length = value;
		}
	}
	if (!err && length.size && text.size)
		err = check_length(length, text.size, fault);
	*ret_body = text;
	return err;
}

/* A member as it is, when it is a text of the kind that is meant, or the base64 of it. */
static enum tobi_err read_member(const json_t *json, const char *name, const char *form,
				 struct arena *arena, struct tobi_bytes *ret_bytes,
				 struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(BUNDLE_MAX);
	json_t *member = NULL;
	enum tobi_err err = json_member(json, name, JSON_STRING, OBJECT, &member, fault);
	struct tobi_bytes text;

	if (err)
		return err;
	text = (struct tobi_bytes){(const uint8_t *)json_string_value(member),
				   json_string_length(member)};
	if (!starts(text, form)) {
		err = base64_read(text, OBJECT, &out, fault);
		text = wr_view(&out);
	}
	if (err)
		return err;
	*ret_bytes = arena_copy(arena, text);
	return ret_bytes->ptr ? TOBI_OK : no_memory(fault);
}

/* {"body", "signature", "certificate_chain"}: Oasis's AVR bundle, whose members are the
 * base64 of what came; the texts themselves are taken, too. */
static enum tobi_err read_bundle(struct tobi_bytes text, struct arena *arena,
				 struct epid_parts *parts, struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	CLEANUP(wr_done) struct writer once = wr_init((size_t)2 * SIGNATURE_MAX);
	struct tobi_bytes signature, chain;
	enum tobi_err err = json_parse(text, BUNDLE_MAX, OBJECT, &json, fault);

	if (!err)
		err = read_member(json, "body", "{", arena, &parts->body, fault);
	if (!err)
		err = read_member(json, "signature", "", arena, &signature, fault);
	if (!err)
		err = read_member(json, "certificate_chain", PEM_START, arena, &chain,
				  fault);
	if (err)
		return err;
	parts->signatures++;
	/* The base64 of the header, or the header. */
	if (!base64_read(signature, OBJECT, &once, NULL) &&
	    read_signature(wr_view(&once), arena, &parts->signature))
		return add_certificates(parts, arena, chain, fault);
	if (!read_signature(signature, arena, &parts->signature))
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "signature",
				 "it is not the base64 of a signature");
	return add_certificates(parts, arena, chain, fault);
}

static bool is_der(struct tobi_bytes piece)
{
	return piece.size > 2 && piece.ptr[0] == 0x30 && piece.ptr[1] == 0x82;
}

bool epid_parts_takes(struct tobi_bytes piece)
{
	struct tobi_bytes text = trim(piece), signature;
	struct arena arena = arena_init(SIGNATURE_MAX + 64);
	bool takes = starts(text, PEM_START) || is_der(piece) || is_reply(text) ||
		     read_signature(text, &arena, &signature);

	arena_done(&arena);
	return takes;
}

static enum tobi_err take_piece(struct tobi_bytes piece, struct arena *arena,
				struct epid_parts *parts, struct tobi_fault *fault)
{
	struct tobi_bytes text = trim(piece), body;

	if (starts(text, PEM_START))
		return add_certificates(parts, arena, text, fault);
	if (is_der(piece))
		return add_certificates(parts, arena, piece, fault);
	if (is_reply(text))
		return read_reply(text, arena, parts, &body, fault);
	parts->signatures += read_signature(text, arena, &parts->signature);
	return TOBI_OK;
}

/* The members of the endorsements are pieces, too. */
static enum tobi_err take_endorsements(struct tobi_bytes bytes, struct arena *arena,
				       struct epid_parts *parts, struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct tobi_bytes list[LIMIT_PIECES];
	size_t count;
	enum tobi_err err;

	if (bytes.size == 0)
		return TOBI_OK;
	count = cbor_array(&cbor, LIMIT_PIECES, "endorsements");
	for (size_t i = 0; i < count; i++)
		list[i] = cbor_bytes(&cbor, LIMIT_CERTIFICATE, "endorsements");
	err = cbor_finish(&cbor, "endorsements", fault);
	for (size_t i = 0; i < count && !err; i++)
		err = take_piece(list[i], arena, parts, fault);
	return err;
}

enum tobi_err epid_parts_find(const struct tee_request *request, struct arena *arena,
			      struct epid_parts *ret_parts, struct tobi_fault *fault)
{
	struct tobi_bytes text = trim(request->evidence);
	struct epid_parts parts = {.body = request->evidence};
	enum tobi_err err = TOBI_OK;

	if (is_reply(text))
		err = read_reply(
		    (struct tobi_bytes){text.ptr,
					request->evidence.size -
					    (size_t)(text.ptr - request->evidence.ptr)},
		    arena, &parts, &parts.body, fault);
	else if (!has(text, "\"isvEnclaveQuoteBody\""))
		err = read_bundle(text, arena, &parts, fault);
	for (size_t i = 0; i < request->piece_count && !err; i++)
		err = take_piece(request->pieces[i], arena, &parts, fault);
	if (!err)
		err = take_endorsements(request->endorsements, arena, &parts, fault);
	if (!err)
		*ret_parts = parts;
	return err;
}
