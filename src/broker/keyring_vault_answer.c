#include "broker/keyring_vault_answer.h"

#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "codec/base64.h"
#include "codec/json.h"

#define OBJECT "Vault's answer"

enum { CIPHERTEXT_MAX = 4096, ERROR_SHOWN = 160, PLAIN_MAX = 256 };

bool vault_is_ciphertext(struct tobi_bytes text)
{
	static const char start[] = "vault:v";
	size_t at = sizeof(start) - 1, digits = 0;

	if (text.size <= at || text.size > CIPHERTEXT_MAX ||
	    memcmp(text.ptr, start, at) != 0)
		return false;
	for (; at < text.size && text.ptr[at] >= '0' && text.ptr[at] <= '9'; at++)
		digits++;
	if (!digits || digits > 9 || at + 1 >= text.size || text.ptr[at++] != ':')
		return false;
	for (; at < text.size; at++) {
		const uint8_t c = text.ptr[at];

		if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
		    !(c >= '0' && c <= '9') && c != '+' && c != '/' && c != '=')
			return false;
	}
	return true;
}

/* A text of "data"; *ret_root is to be freed in any case. */
static enum tobi_err member_of_data(struct tobi_bytes body, const char *name,
				    json_t **ret_root, json_t **ret_text,
				    struct tobi_fault *fault)
{
	json_t *data = NULL;
	enum tobi_err err = json_parse(body, LIMIT_VAULT, OBJECT, ret_root, fault);

	if (!err)
		err = json_member(*ret_root, "data", JSON_OBJECT, OBJECT, &data, fault);
	if (!err)
		err = json_member(data, name, JSON_STRING, OBJECT, ret_text, fault);
	return err;
}

static struct tobi_bytes text_of(const json_t *text)
{
	return (struct tobi_bytes){(const uint8_t *)json_string_value(text),
				   json_string_length(text)};
}

enum tobi_err vault_read_ciphertext(struct tobi_bytes body, struct writer *out,
				    struct tobi_fault *fault)
{
	json_t *root = NULL, *text = NULL;
	enum tobi_err err = member_of_data(body, "ciphertext", &root, &text, fault);

	if (!err && !vault_is_ciphertext(text_of(text)))
		err = fault_set(fault, TOBI_E_MALFORMED, OBJECT, "ciphertext",
				"it is not of the form vault:v1:...");
	if (!err) {
		wr_bytes(out, text_of(text).ptr, text_of(text).size);
		err = wr_err(out);
	}
	json_decref(root);
	return err;
}

enum tobi_err vault_read_plaintext(struct tobi_bytes body, struct secret *ret_plain,
				   struct tobi_fault *fault)
{
	struct writer plain = wr_init(PLAIN_MAX);
	struct secret secret = {0};
	json_t *root = NULL, *text = NULL;
	enum tobi_err err = member_of_data(body, "plaintext", &root, &text, fault);

	if (!err)
		err = base64_read(text_of(text), OBJECT, &plain, fault);
	if (!err)
		err = secret_new(plain.size, &secret, fault);
	if (!err) {
		bytes_copy(secret.ptr, secret.size, plain.ptr, plain.size);
		*ret_plain = secret;
	}
	if (text) /* jansson frees without wiping */
		explicit_bzero((char *)(uintptr_t)json_string_value(text),
			       json_string_length(text));
	json_decref(root);
	wr_done(&plain);
	return err;
}

void vault_read_errors(struct tobi_bytes body, struct writer *out)
{
	json_t *root = NULL, *errors = NULL;
	const json_t *first;

	if (json_parse(body, LIMIT_VAULT, OBJECT, &root, NULL))
		return;
	if (!json_member(root, "errors", JSON_ARRAY, OBJECT, &errors, NULL)) {
		first = json_array_get(errors, 0);
		if (json_is_string(first)) {
			struct tobi_bytes text = text_of(first);

			if (text.size > ERROR_SHOWN)
				text.size = ERROR_SHOWN;
			utf8_write_escaped(out, text);
		}
	}
	json_decref(root);
}
