#include "broker/kbs_init_data.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/secret.h"
#include "pki/key.h"

static const char object[] = "init-data";

static enum tobi_err wrong(struct tobi_fault *fault, const char *field, const char *what)
{
	return fault_set(fault, TOBI_E_MALFORMED, object, field, "%s", what);
}

/* ---- the head of the document ---- */

struct head {
	char version[16], algorithm[16]; /* empty: not there */
};

static size_t blanks(const char *line, size_t size)
{
	size_t count = 0;

	while (count < size && (line[count] == ' ' || line[count] == '\t'))
		count++;
	return count;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '-';
}

/* = "value", with blanks and a comment; no escapes. False for anything else. */
static bool read_value(const char *line, size_t size, char *ret_value, size_t room)
{
	size_t at = blanks(line, size), length = 0;
	char quote;

	if (at == size || line[at] != '=')
		return false;
	at++;
	at += blanks(line + at, size - at);
	quote = '\0';
	if (at < size)
		quote = line[at];
	if (quote != '"' && quote != '\'')
		return false;
	at++;
	while (at + length < size && is_plain(line[at + length]))
		length++;
	if (length == 0 || length >= room || at + length == size ||
	    line[at + length] != quote)
		return false;
	bytes_copy(ret_value, room, line + at, length);
	ret_value[length] = '\0';
	at += length + 1;
	at += blanks(line + at, size - at);
	return at == size || line[at] == '#';
}

static enum tobi_err read_line(const char *line, size_t size, struct head *head,
			       bool *ret_end, struct tobi_fault *fault)
{
	struct {
		const char *name;
		char *value;
	} known[] = {{"version", head->version}, {"algorithm", head->algorithm}};
	size_t at;

	if (size && line[size - 1] == '\r')
		size--;
	at = blanks(line, size);
	if (at == size || line[at] == '#')
		return TOBI_OK;
	if (line[at] == '[') {
		*ret_end = true;
		return TOBI_OK;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t length = strlen(known[i].name);

		if (size - at <= length || memcmp(line + at, known[i].name, length) != 0)
			continue;
		if (known[i].value[0])
			return wrong(fault, known[i].name, "it is there twice");
		if (!read_value(line + at + length, size - at - length, known[i].value,
				sizeof(head->version)))
			return wrong(fault, known[i].name, "it is no plain text");
		return TOBI_OK;
	}
	return wrong(fault, "body",
		     "before the first table only version and algorithm may stand");
}

static enum tobi_err read_head(const char *text, struct head *head,
			       struct tobi_fault *fault)
{
	bool end = false;
	enum tobi_err err = TOBI_OK;

	while (*text && !end && !err) {
		size_t size = strcspn(text, "\n");

		err = read_line(text, size, head, &end, fault);
		text += size;
		text += *text == '\n';
	}
	return err;
}

/* ---- its digest ---- */

static enum tobi_err digest(const struct head *head, struct tobi_bytes text,
			    struct kbs_init_data *ret_init_data, struct tobi_fault *fault)
{
	static const struct {
		const char *name;
		const EVP_MD *(*md)(void);
	} known[] = {
	    {"sha256", EVP_sha256}, {"sha384", EVP_sha384}, {"sha512", EVP_sha512}};
	unsigned size = 0;

	if (strcmp(head->version, "0.1.0") != 0)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "version",
				 "it is not 0.1.0");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(head->algorithm, known[i].name) != 0)
			continue;
		if (EVP_Digest(text.ptr, text.size, ret_init_data->digest, &size,
			       known[i].md(), NULL) != 1)
			return fault_openssl(fault, object, "", "cannot hash");
		ret_init_data->size = size;
		return TOBI_OK;
	}
	return fault_set(fault, TOBI_E_UNSUPPORTED, object, "algorithm",
			 "it is none of sha256, sha384, sha512");
}

enum tobi_err kbs_init_data_read(const json_t *json, struct kbs_init_data *ret_init_data,
				 struct tobi_fault *fault)
{
	const char *format, *body;
	struct head head = {0};
	enum tobi_err err;

	if (!json || json_is_null(json)) {
		*ret_init_data = (struct kbs_init_data){0};
		return TOBI_OK;
	}
	format = json_string_value(json_object_get(json, "format"));
	body = json_string_value(json_object_get(json, "body"));
	if (!format || !body)
		return wrong(fault, "", "format and body are needed, as texts");
	if (strcmp(format, "toml") != 0)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "format",
				 "it is not toml");
	if (strlen(body) > LIMIT_KBS_INIT_DATA)
		return fault_set(fault, TOBI_E_LIMIT, object, "body", "over %d bytes",
				 LIMIT_KBS_INIT_DATA);
	err = read_head(body, &head, fault);
	return err ? err : digest(&head, bytes_of_text(body), ret_init_data, fault);
}

bool kbs_init_data_is_in(const struct kbs_init_data *init_data, struct tobi_bytes field,
			 bool extends)
{
	uint8_t expected[KBS_DIGEST_MAX] = {0}, extended[2 * SHA256_SIZE] = {0};
	size_t size = init_data->size < field.size ? init_data->size : field.size;

	if (!init_data->size || !field.size || field.size > sizeof(expected))
		return false;
	bytes_copy(expected, sizeof(expected), init_data->digest, size);
	if (extends) {
		bytes_copy(extended + SHA256_SIZE, SHA256_SIZE, expected, SHA256_SIZE);
		if (field.size != SHA256_SIZE ||
		    hash_sha256((struct tobi_bytes){extended, sizeof(extended)},
				expected))
			return false;
	}
	return bytes_equal((struct tobi_bytes){expected, field.size}, field);
}
