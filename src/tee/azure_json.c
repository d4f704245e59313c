#include "tee/azure_json.h"

#include <string.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "tee/tpm_structs.h"

#define OBJECT "Azure evidence"

enum { PART_MAX = 32 << 10, PCR_SIZE = 32, VERSION = 1 };

struct source {
	struct arena *arena;
	struct tobi_fault *fault;
};

static enum tobi_err wrong(const struct source *source, const char *field,
			   const char *what)
{
	return fault_set(source->fault, TOBI_E_MALFORMED, OBJECT, field, "%s", what);
}

static enum tobi_err keep(const struct source *source, struct tobi_bytes bytes,
			  struct tobi_bytes *ret_bytes)
{
	*ret_bytes = arena_copy(source->arena, bytes);
	return ret_bytes->ptr
		   ? TOBI_OK
		   : fault_set(source->fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
}

/* ---- values: numbers in a list, or a text ---- */

static enum tobi_err read_numbers(const struct source *source, const json_t *list,
				  const char *field, struct tobi_bytes *ret_bytes)
{
	size_t count = json_array_size(list);
	uint8_t *bytes = count <= PART_MAX ? arena_alloc(source->arena, count + 1) : NULL;

	if (count > PART_MAX)
		return fault_set(source->fault, TOBI_E_LIMIT, OBJECT, field,
				 "over %d bytes", PART_MAX);
	if (!bytes)
		return fault_set(source->fault, TOBI_E_MEMORY, OBJECT, field,
				 "out of memory");
	for (size_t i = 0; i < count; i++) {
		const json_t *number = json_array_get(list, i);
		json_int_t value = json_integer_value(number);

		if (!json_is_integer(number) || value < 0 || value > UINT8_MAX)
			return wrong(source, field, "a number is no byte");
		bytes[i] = (uint8_t)value;
	}
	*ret_bytes = (struct tobi_bytes){bytes, count};
	return TOBI_OK;
}

static enum tobi_err read_hex(const struct source *source, const char *text,
			      const char *field, struct tobi_bytes *ret_bytes)
{
	size_t size = strlen(text) / 2;
	uint8_t *bytes = size <= PART_MAX ? arena_alloc(source->arena, size + 1) : NULL;

	if (!bytes)
		return fault_set(source->fault, TOBI_E_LIMIT, OBJECT, field,
				 "over %d bytes", PART_MAX);
	if (!hex_read(text, bytes, size))
		return wrong(source, field, "it is not hexadecimal");
	*ret_bytes = (struct tobi_bytes){bytes, size};
	return TOBI_OK;
}

/* base64url without padding: of either alphabet, but of one; the padding may be there,
 * but not be wrong. Empty when it is not so. */
static struct tobi_bytes plain_base64(const struct source *source, const char *text)
{
	size_t size = strlen(text), padding = 0;
	char *plain = arena_printf(source->arena, "%s", text);

	if (!plain || (strpbrk(text, "+/") && strpbrk(text, "-_")))
		return (struct tobi_bytes){0};
	while (padding < 2 && size > padding && text[size - 1 - padding] == '=')
		padding++;
	if (padding && (size % 4 || size == padding))
		return (struct tobi_bytes){0};
	for (char *c = plain; *c; c++) {
		if (*c == '+')
			*c = '-';
		else if (*c == '/')
			*c = '_';
	}
	return (struct tobi_bytes){(const uint8_t *)plain, size - padding};
}

static enum tobi_err read_base64(const struct source *source, const char *text,
				 const char *field, struct tobi_bytes *ret_bytes)
{
	struct writer bytes = wr_init(PART_MAX);
	struct tobi_bytes plain = plain_base64(source, text);
	enum tobi_err err =
	    plain.size ? base64url_read(plain, OBJECT, &bytes, NULL) : TOBI_E_MALFORMED;

	if (err)
		err = fault_set(source->fault, err, OBJECT, field,
				"it is no base64url, nor base64");
	else
		err = keep(source, wr_view(&bytes), ret_bytes);
	wr_done(&bytes);
	return err;
}

enum form { HEX, BASE64, BASE64_OR_PEM };

static enum tobi_err read_value(const struct source *source, const json_t *value,
				const char *field, enum form form,
				struct tobi_bytes *ret_bytes)
{
	const char *text = json_string_value(value);

	if (json_is_array(value))
		return read_numbers(source, value, field, ret_bytes);
	if (!text)
		return wrong(source, field, "it is missing, or of the wrong type");
	if (form == BASE64_OR_PEM && strstr(text, "-----BEGIN "))
		return keep(source, bytes_of_text(text), ret_bytes);
	return form == HEX ? read_hex(source, text, field, ret_bytes)
			   : read_base64(source, text, field, ret_bytes);
}

/* ---- the members ---- */

/* Of each part one name is of the first form, and one of the second. */
static enum tobi_err one_of(const struct source *source, const json_t *json,
			    const char *first, const char *second, const json_t **ret)
{
	const json_t *a = json_object_get(json, first),
		     *b = json_object_get(json, second);

	if (a && b)
		return wrong(source, first, "it is there under two names");
	*ret = a ? a : b;
	return *ret ? TOBI_OK : wrong(source, first, "it is missing");
}

static enum tobi_err read_pcrs(const struct source *source, const json_t *list,
			       struct azure_parts *parts)
{
	size_t count = json_array_size(list);
	enum tobi_err err = TOBI_OK;

	if (!json_is_array(list) || count > TPM_PCRS)
		return wrong(source, "pcrs", "a list of at most 24 is needed");
	for (size_t i = 0; i < count && !err; i++) {
		struct tobi_bytes value = {0};

		err = read_value(source, json_array_get(list, i), "pcrs", HEX, &value);
		if (!err && value.size != PCR_SIZE)
			err = wrong(source, "pcrs", "a value is not of 32 bytes");
		if (!err)
			tpm_parts_add_pcr(&parts->values, TPM_ALG_SHA256, i, value);
	}
	return err;
}

static enum tobi_err read_quote(const struct source *source, const json_t *json,
				struct azure_parts *parts)
{
	const json_t *quote = NULL;
	enum tobi_err err = one_of(source, json, "tpm_quote", "quote", &quote);

	if (!err && !json_is_object(quote))
		err = wrong(source, "tpm_quote", "it is no object");
	if (!err)
		err = read_value(source, json_object_get(quote, "message"), "message",
				 HEX, &parts->message);
	if (!err)
		err = read_value(source, json_object_get(quote, "signature"), "signature",
				 HEX, &parts->signature);
	return err ? err : read_pcrs(source, json_object_get(quote, "pcrs"), parts);
}

static enum tobi_err read_version(const struct source *source, const json_t *json)
{
	const json_t *version = json_object_get(json, "version");

	if (!version ||
	    (json_is_integer(version) && json_integer_value(version) == VERSION))
		return TOBI_OK;
	return fault_set(source->fault, TOBI_E_UNSUPPORTED, OBJECT, "version",
			 "version 1 alone is known");
}

/* The processor's certificate, and what Azure's metadata service gives beside it. */
static enum tobi_err read_certificates(const struct source *source, const json_t *json,
				       struct azure_parts *parts)
{
	static const char *const members[] = {"vcek", "vcekCert", "certificateChain"};
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]) && !err; i++) {
		const json_t *value = json_object_get(json, members[i]);

		if (value && !json_is_null(value))
			err = read_value(source, value, members[i], BASE64_OR_PEM,
					 &parts->pieces[parts->piece_count++]);
	}
	return err;
}

static enum tobi_err read_all(const struct source *source, const json_t *json,
			      struct azure_parts *parts)
{
	const json_t *hcl = NULL, *td_quote = json_object_get(json, "td_quote");
	enum tobi_err err = json_is_object(json) ? read_version(source, json)
						 : wrong(source, "", "it is no object");

	if (!err)
		err = one_of(source, json, "hcl_report", "report", &hcl);
	if (!err)
		err = read_value(source, hcl, "hcl_report", BASE64, &parts->hcl);
	if (!err)
		err = read_quote(source, json, parts);
	if (!err && td_quote)
		err = read_value(source, td_quote, "td_quote", BASE64, &parts->td_quote);
	return err ? err : read_certificates(source, json, parts);
}

static bool has(struct tobi_bytes bytes, const char *text)
{
	return bytes.ptr && bytes.size &&
	       memmem(bytes.ptr, bytes.size, text, strlen(text)) != NULL;
}

/* Blanks may be before it. */
static bool is_object(struct tobi_bytes bytes)
{
	size_t at = 0;

	while (at < bytes.size && at < 16 && strchr(" \t\r\n", bytes.ptr[at]) &&
	       bytes.ptr[at])
		at++;
	return at < bytes.size && bytes.ptr[at] == '{';
}

bool azure_json_recognise(struct tobi_bytes bytes, enum azure_report kind)
{
	return is_object(bytes) &&
	       (has(bytes, "\"hcl_report\"") || has(bytes, "\"report\"")) &&
	       (has(bytes, "\"tpm_quote\"") || has(bytes, "\"quote\"")) &&
	       has(bytes, "\"pcrs\"") &&
	       has(bytes, "\"td_quote\"") == (kind == AZURE_REPORT_TDX);
}

enum tobi_err azure_json_read(struct tobi_bytes bytes, struct arena *arena,
			      struct azure_parts *ret_parts, struct tobi_fault *fault)
{
	const struct source source = {arena, fault};
	CLEANUP(json_decrefp) json_t *json = NULL;
	enum tobi_err err = json_parse(bytes, LIMIT_AZURE_JSON, OBJECT, &json, fault);

	return err ? err : read_all(&source, json, ret_parts);
}
