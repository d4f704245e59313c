#include "collateral/intel.h"

#include <ctype.h>
#include <string.h>

#include "base/date.h"
#include "base/fault.h"
#include "base/hex.h"
#include "codec/json.h"

enum { FMSPC_SIZE = 6 };

/* Behind the string that starts at at. */
static size_t skip_string(struct tobi_bytes json, size_t at)
{
	for (at++; at < json.size && json.ptr[at] != '"'; at++) {
		if (json.ptr[at] == '\\')
			at++;
	}
	return at < json.size ? at + 1 : json.size;
}

static size_t skip_space(struct tobi_bytes json, size_t at)
{
	while (at < json.size && isspace(json.ptr[at]))
		at++;
	return at;
}

/* Behind the value that starts at at. */
static size_t skip_value(struct tobi_bytes json, size_t at)
{
	int depth = 0;

	while (at < json.size) {
		uint8_t c = json.ptr[at];

		if (c == '"') {
			at = skip_string(json, at);
		} else if (c == '{' || c == '[') {
			depth++;
			at++;
		} else if (c == '}' || c == ']') {
			if (depth == 0)
				return at;
			depth--;
			at++;
		} else if (depth == 0 && (c == ',' || isspace(c))) {
			return at;
		} else {
			at++;
			continue;
		}
		if (depth == 0)
			return at;
	}
	return at;
}

struct tobi_bytes intel_member_span(struct tobi_bytes json, const char *name)
{
	size_t at = skip_space(json, 0) + 1; /* the brace */

	while ((at = skip_space(json, at)) < json.size && json.ptr[at] == '"') {
		size_t key = at + 1, end = skip_string(json, at);
		size_t value;

		at = skip_space(json, end) + 1; /* the colon */
		value = skip_space(json, at);
		at = skip_value(json, value);
		if (end - key - 1 == strlen(name) && at <= json.size &&
		    memcmp(json.ptr + key, name, strlen(name)) == 0)
			return (struct tobi_bytes){json.ptr + value, at - value};
		at = skip_space(json, at) + 1; /* the comma */
	}
	return (struct tobi_bytes){0};
}

static int64_t date_of(const json_t *body, const char *name)
{
	const char *text = json_string_value(json_object_get(body, name));
	int64_t seconds = 0;

	return text && date_read(text, &seconds) ? seconds : 0;
}

/* Only what is signed says what it is. */
static enum tobi_err read_tcb_info(const json_t *body, const char *object,
				   struct intel_document *document,
				   struct tobi_fault *fault)
{
	const char *fmspc = json_string_value(json_object_get(body, "fmspc"));
	const char *id = json_string_value(json_object_get(body, "id"));
	uint8_t bytes[FMSPC_SIZE];

	if (!json_is_integer(json_object_get(body, "version")))
		return fault_set(fault, TOBI_E_MALFORMED, object, "tcbInfo.version",
				 "it is missing, or not a whole number");
	/* Version 2 is of SGX, and has none. */
	if (!json_object_get(body, "id") || (id && strcmp(id, "SGX") == 0))
		document->kind = COLLATERAL_SGX_TCB_INFO;
	else if (id && strcmp(id, "TDX") == 0)
		document->kind = COLLATERAL_TDX_TCB_INFO;
	else
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "tcbInfo.id",
				 "neither SGX nor TDX");
	if (!fmspc || !hex_read(fmspc, bytes, sizeof(bytes)))
		return fault_set(fault, TOBI_E_MALFORMED, object, "tcbInfo.fmspc",
				 "12 hexadecimal digits are needed");
	for (size_t i = 0; i < INTEL_FMSPC_TEXT; i++)
		document->fmspc[i] = (char)toupper((unsigned char)fmspc[i]);
	return TOBI_OK;
}

static enum tobi_err read_identity(const json_t *body, const char *object,
				   struct intel_document *document,
				   struct tobi_fault *fault)
{
	const char *id = json_string_value(json_object_get(body, "id"));

	if (id && strcmp(id, "QE") == 0)
		document->kind = COLLATERAL_SGX_QE_IDENTITY;
	else if (id && strcmp(id, "TD_QE") == 0)
		document->kind = COLLATERAL_TDX_QE_IDENTITY;
	else
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "enclaveIdentity.id",
				 "neither QE nor TD_QE");
	return TOBI_OK;
}

enum tobi_err intel_document_read(struct tobi_bytes bytes, const char *object,
				  struct intel_document *ret_document,
				  struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	struct intel_document document = {0};
	const char *name = "tcbInfo", *signature;
	const json_t *body;
	enum tobi_err err = json_parse(bytes, LIMIT_DOCUMENT, object, &json, fault);

	if (err)
		return err;
	if (!json_object_get(json, name))
		name = "enclaveIdentity";
	body = json_object_get(json, name);
	signature = json_string_value(json_object_get(json, "signature"));
	if (!json_is_object(body) || json_object_size(json) != 2)
		return fault_set(
		    fault, TOBI_E_UNSUPPORTED, object, "",
		    "neither Intel's TCB info nor its QE identity: tcbInfo or "
		    "enclaveIdentity, and signature");
	if (!signature ||
	    !hex_read(signature, document.signature, sizeof(document.signature)))
		return fault_set(fault, TOBI_E_MALFORMED, object, "signature",
				 "128 hexadecimal digits are needed");
	document.body = intel_member_span(bytes, name);
	document.issued = date_of(body, "issueDate");
	document.next = date_of(body, "nextUpdate");
	err = strcmp(name, "tcbInfo") == 0
		  ? read_tcb_info(body, object, &document, fault)
		  : read_identity(body, object, &document, fault);
	if (err)
		return err;
	if (!document.body.size)
		return fault_set(fault, TOBI_E_MALFORMED, object, name,
				 "its name is written with escapes");
	*ret_document = document;
	return TOBI_OK;
}
