#include "cli/broker_client.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "appraise/policy_files.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "codec/base64.h"
#include "collateral/http.h"
#include "token/request_token.h"

enum {
	TIMEOUT_MS = 60000,
	ANSWER_MAX = 8 << 20,
	HEADER_MAX = 8 << 10,
};

DEFINE_CLEANUP(struct tobi_policy *, tobi_policy_free)

bool broker_option(struct broker_options *options, int option)
{
	switch (option) {
	case 'b':
		options->url = optarg;
		return true;
	case 'k':
		options->key = optarg;
		return true;
	case 'c':
		options->ca = optarg;
		return true;
	case 'j':
		options->json = true;
		return true;
	default:
		return false;
	}
}

/* ---- whom to ask ---- */

/* The port of the scheme is not part of the name: HTTP leaves it out, too. */
static void drop_port(char *audience, bool is_https)
{
	char *colon = strrchr(audience, ':');

	if (colon && strcmp(colon, is_https ? ":443" : ":80") == 0)
		*colon = 0;
}

static enum tobi_err read_url(const char *url, struct broker_client *client,
			      struct tobi_fault *fault)
{
	bool is_https = strncasecmp(url, "https://", 8) == 0;
	const char *host = is_https				 ? url + 8
			   : strncasecmp(url, "http://", 7) == 0 ? url + 7
								 : NULL;
	size_t size = host ? strcspn(host, "/?#") : 0;

	if (!size || size > LIMIT_TARGET || strlen(url) >= sizeof(client->origin) ||
	    (host[size] && strcmp(host + size, "/") != 0))
		return fault_set(fault, TOBI_E_ARGUMENT, "broker", "address",
				 "https://HOST:PORT is needed");
	snprintf(client->origin, sizeof(client->origin), "%.*s", (int)(host + size - url),
		 url);
	snprintf(client->audience, sizeof(client->audience), "%.*s", (int)size, host);
	drop_port(client->audience, is_https);
	return TOBI_OK;
}

enum tobi_err broker_client_open(const struct broker_options *options,
				 struct broker_client *ret_client,
				 struct tobi_fault *fault)
{
	const char *url = options->url ? options->url : getenv("TOBICHI_BROKER");
	const struct http_settings settings = {
	    .ca_file = options->ca, .timeout_ms = TIMEOUT_MS, .tries = 1};
	enum tobi_err err;

	if (!url || !*url)
		return fault_set(fault, TOBI_E_ARGUMENT, "broker", "address",
				 "give --broker URL, or set TOBICHI_BROKER");
	if (!options->key)
		return fault_set(fault, TOBI_E_ARGUMENT, "broker", "key",
				 "give --key FILE: the private key that the broker knows "
				 "you by");
	err = read_url(url, ret_client, fault);
	if (!err)
		err = cli_read_private_key(options->key, &ret_client->key, fault);
	return err ? err : http_client_new(&settings, &ret_client->http, fault);
}

void broker_client_done(struct broker_client *client)
{
	EVP_PKEY_free(client->key);
	http_client_free(client->http);
}

/* ---- one request ---- */

static enum tobi_err code_of(const char *name)
{
	static const enum tobi_err codes[] = {
#define X(code, short_name, text) code,
	    TOBI_ERRORS(X)
#undef X
	};

	for (size_t i = 1; name && i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(tobi_err_name(codes[i]), name) == 0)
			return codes[i];
	}
	return TOBI_E_PROTOCOL;
}

/* What it says, or, where that is not JSON, its status. */
static enum tobi_err read_refusal(long status, const json_t *answer,
				  struct tobi_fault *fault)
{
	const char *message = json_string_value(json_object_get(answer, "message"));
	const char *detail = json_string_value(json_object_get(answer, "detail"));
	enum tobi_err err = code_of(json_string_value(json_object_get(answer, "error")));

	if (status == 401 || status == 403)
		err = TOBI_E_DENIED;
	else if (status == 404)
		err = TOBI_E_NOT_FOUND;
	/* Its server says it in another form than its handlers. */
	if (message || detail)
		return fault_set(fault, err, "broker", "", "%.250s",
				 message ? message : detail);
	return fault_set(fault, err, "broker", "", "it answers %ld", status);
}

static enum tobi_err read_answer(const struct http_answer *http, json_t **ret_answer,
				 struct tobi_fault *fault)
{
	json_t *answer = NULL;
	enum tobi_err err;

	if (json_parse(wr_view(&http->body), ANSWER_MAX, "answer", &answer, NULL))
		answer = NULL;
	if (http->status / 100 == 2 && json_is_object(answer)) {
		*ret_answer = answer;
		return TOBI_OK;
	}
	err = http->status / 100 == 2 ? fault_set(fault, TOBI_E_PROTOCOL, "broker", "",
						  "its answer is no JSON object")
				      : read_refusal(http->status, answer, fault);
	json_decref(answer);
	return err;
}

enum tobi_err broker_ask(struct broker_client *client, const char *method,
			 const char *target, struct tobi_bytes body, json_t **ret_answer,
			 struct tobi_fault *fault)
{
	char url[3 * LIMIT_PATH];
	CLEANUP(wr_done) struct writer header = wr_init(HEADER_MAX);
	const struct request_token token = {.method = method,
					    .target = target,
					    .audience = client->audience,
					    .body = body,
					    .now = time(NULL)};
	struct http_request request = {.url = url,
				       .ceiling = ANSWER_MAX,
				       .body = body,
				       .method = method,
				       .any_status = true};
	struct http_answer answer = {0};
	enum tobi_err err;

	if (snprintf(url, sizeof(url), "%s%s", client->origin, target) >=
	    (int)sizeof(url))
		return fault_set(fault, TOBI_E_LIMIT, "broker", "", "a name is too long");
	wr_printf(&header, "Authorization: Bearer ");
	err = request_token_write(&token, client->key, &header, fault);
	wr_u8(&header, 0);
	if (!err)
		err = wr_err(&header);
	if (err)
		return err;
	request.lines[0] = (const char *)header.ptr;
	request.lines[1] = "Content-Type: application/json";
	/* No waiting for a word before a large body. */
	request.lines[2] = "Expect:";
	err = http_get(client->http, &request, &answer, fault);
	if (!err)
		err = read_answer(&answer, ret_answer, fault);
	http_answer_done(&answer);
	return err;
}

enum tobi_err broker_ask_json(struct broker_client *client, const char *method,
			      const char *target, json_t *body, json_t **ret_answer,
			      struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer text = wr_init(LIMIT_BROKER_BODY);
	enum tobi_err err =
	    body ? json_write(body, false, &text, fault)
		 : fault_set(fault, TOBI_E_MEMORY, "request", "", "out of memory");

	json_decref(body);
	return err ? err
		   : broker_ask(client, method, target, wr_view(&text), ret_answer,
				fault);
}

enum tobi_err broker_ask_list(struct broker_client *client, const char *path,
			      const char *name, json_t *list, struct tobi_fault *fault)
{
	char target[LIMIT_PATH];
	enum tobi_err err = TOBI_OK;
	bool more = true;

	snprintf(target, sizeof(target), "%s", path);
	while (more && !err) {
		json_t *answer = NULL;
		const char *next;

		err = broker_ask(client, "GET", target, (struct tobi_bytes){0}, &answer,
				 fault);
		if (!err && json_array_extend(list, json_object_get(answer, name)))
			err = fault_set(fault, TOBI_E_PROTOCOL, "broker", "",
					"its answer has no list");
		next = json_string_value(json_object_get(answer, "next"));
		more = next != NULL;
		if (next && (!broker_is_name(next, 1, 3) ||
			     snprintf(target, sizeof(target), "%s?after=%s", path,
				      next) >= (int)sizeof(target)))
			err = fault_set(fault, TOBI_E_PROTOCOL, "broker", "",
					"its answer goes on at what is no name");
		json_decref(answer);
	}
	return err;
}

bool broker_is_name(const char *text, size_t least, size_t most)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789._-";
	size_t parts = 0;

	for (;;) {
		size_t size = strspn(text, allowed);

		if (!size || text[0] == '.' || (text[size] && text[size] != '/'))
			return false;
		parts++;
		if (!text[size])
			return parts >= least && parts <= most;
		text += size + 1;
	}
}

int broker_fail(const struct tobi_fault *fault)
{
	int status = cli_fail(fault);

	return fault->code == TOBI_E_DENIED && strcmp(fault->object, "broker") == 0
		   ? EXIT_REFUSED
		   : status;
}

/* ---- policies ---- */

static enum tobi_err out_of_memory(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MEMORY, "policy", "", "out of memory");
}

/* Relative to the policy, as policy_read_file() has read it before. */
static enum tobi_err add_file(json_t *files, const char *policy, const char *name,
			      struct tobi_fault *fault)
{
	const char *slash = strrchr(policy, '/');
	int folder = slash && name[0] != '/' ? (int)(slash - policy) + 1 : 0;
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_CORIM);
	CLEANUP(wr_done) struct writer text = wr_init(2 * LIMIT_CORIM);
	char whole[2 * LIMIT_PATH];
	enum tobi_err err;

	snprintf(whole, sizeof(whole), "%.*s%s", folder, policy, name);
	err = file_read(whole, LIMIT_CORIM, "reference values", &bytes, fault);
	base64_write(&text, wr_view(&bytes));
	if (!err &&
	    (wr_err(&text) ||
	     json_array_append_new(
		 files, json_pack("{s:s, s:s%}", "name", name, "content",
				  text.size ? (const char *)text.ptr : "", text.size))))
		err = out_of_memory(fault);
	return err;
}

enum tobi_err broker_add_policy(json_t *body, const char *path, struct tobi_fault *fault)
{
	CLEANUP(tobi_policy_freep) struct tobi_policy *policy = NULL;
	CLEANUP(wr_done) struct writer text = wr_init(LIMIT_POLICY);
	json_t *files;
	enum tobi_err err = policy_read_file(path, &policy, fault);

	if (!err)
		err = file_read(path, LIMIT_POLICY, "policy", &text, fault);
	if (!err && json_object_set_new(body, "policy",
					json_stringn((const char *)text.ptr, text.size)))
		err = fault_set(fault, TOBI_E_MALFORMED, path, "", "it is not UTF-8");
	if (err || !tobi_policy_reference_file(policy, 0))
		return err;
	files = json_array();
	for (size_t i = 0; !err && tobi_policy_reference_file(policy, i); i++)
		err = add_file(files, path, tobi_policy_reference_file(policy, i), fault);
	if (json_object_set_new(body, "files", files) && !err)
		err = out_of_memory(fault);
	return err;
}
