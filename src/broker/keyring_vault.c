/*
 * Vault's transit engine (or OpenBao's) wraps store keys: "vault:URL/[MOUNT/]KEY", with a
 * token in the pin file, which is read for each request, so that whoever renews the token
 * writes it there. "?ca=FILE" names the CA of Vault's certificate.
 *
 * Vault gets the store key under a pad that stays in the database: neither of the two has
 * it alone.
 */
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"
#include "broker/keyring_provider.h"
#include "broker/keyring_vault_answer.h"
#include "codec/base64.h"
#include "collateral/http.h"
#include "pki/key.h"

#define OBJECT "Vault"

enum {
	PART_MAX = 64, /* of mount and key */
	URL_MAX = 512,
	TOKEN_MAX = 4096,
	PAD_MAX = 255,
	TIMEOUT_MS = 15000,
	TRIES = 2,
	STATUS_OK = 200,
	STATUS_NO_CONTENT = 204,
	STATUS_BAD = 400,
	STATUS_FORBIDDEN = 403,
	STATUS_NOT_FOUND = 404,
	STATUS_SEALED = 503,
};

struct vault_provider {
	struct key_provider provider;
	struct http_client *client;
	char *pin_file, *ca;
	char server[URL_MAX + 1]; /* scheme and authority */
	char mount[PART_MAX + 1], key[PART_MAX + 1];
};

static void close_vault(struct key_provider *provider)
{
	struct vault_provider *vault = (struct vault_provider *)provider;

	http_client_free(vault->client);
	free(vault->pin_file);
	free(vault->ca);
	free(vault);
}

static bool take_part(const char *start, size_t size, char *ret_part)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789._-";

	if (!size || size > PART_MAX || *start == '.')
		return false;
	bytes_copy(ret_part, PART_MAX + 1, start, size);
	ret_part[size] = '\0';
	return strspn(ret_part, allowed) == size;
}

/* scheme://authority/[mount/]key[?ca=file] */
static bool take_place(struct vault_provider *vault, const char *place)
{
	const char *query = strchr(place, '?'), *end = query ? query : strchr(place, 0);
	const char *authority = strstr(place, "://"), *path, *last;

	if (!authority || authority > end)
		return false;
	path = memchr(authority + 3, '/', (size_t)(end - authority - 3));
	if (!path || path == authority + 3 || path - place > URL_MAX)
		return false;
	bytes_copy(vault->server, sizeof(vault->server), place, (size_t)(path - place));
	last = memrchr(path, '/', (size_t)(end - path));
	if (!take_part(last + 1, (size_t)(end - last - 1), vault->key))
		return false;
	snprintf(vault->mount, sizeof(vault->mount), "transit");
	if (last != path && !take_part(path + 1, (size_t)(last - path - 1), vault->mount))
		return false;
	if (query && strncmp(query, "?ca=", 4) != 0)
		return false;
	if (query)
		vault->ca = strdup(query + 4);
	return !query || vault->ca;
}

/* "X-Vault-Token: ...", for libcurl; wiped by the caller. */
static enum tobi_err token_line(const struct vault_provider *vault, struct writer *out,
				struct tobi_fault *fault)
{
	CLEANUP(secret_done) struct secret token = {0};
	enum tobi_err err =
	    file_read_secret(vault->pin_file, TOKEN_MAX, "Vault token", &token, fault);
	size_t size = token.size;

	if (err)
		return err;
	while (size && strchr("\r\n", token.ptr[size - 1]))
		size--;
	for (size_t i = 0; i < size; i++) {
		if (token.ptr[i] <= ' ' || token.ptr[i] > '~')
			size = 0;
	}
	if (!size)
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "token",
				 "%.200s has no token", vault->pin_file);
	wr_printf(out, "X-Vault-Token: ");
	wr_bytes(out, token.ptr, size);
	wr_u8(out, 0);
	return wr_err(out);
}

static enum tobi_err post(const struct vault_provider *vault, const char *operation,
			  struct tobi_bytes body, struct http_answer *ret_answer,
			  struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer token = wr_init(TOKEN_MAX + 64);
	char url[URL_MAX + 3 * PART_MAX];
	enum tobi_err err = token_line(vault, &token, fault);
	struct http_request request = {.url = url,
				       .ceiling = LIMIT_VAULT,
				       .body = body,
				       .any_status = true,
				       .lines = {(const char *)token.ptr,
						 "X-Vault-Request: true",
						 "Content-Type: application/json"}};

	snprintf(url, sizeof(url), "%s/v1/%s/%s/%s", vault->server, vault->mount,
		 operation, vault->key);
	return err ? err : http_get(vault->client, &request, ret_answer, fault);
}

/* What an answer other than 200 means, with Vault's own words. */
static enum tobi_err refused(const struct vault_provider *vault,
			     const struct http_answer *answer, bool opening,
			     struct tobi_fault *fault)
{
	struct writer words = wr_init(1024);
	enum tobi_err err = TOBI_E_SYSTEM;
	const char *what = "it does not answer as it should";
	bool no_key;

	vault_read_errors(wr_view(&answer->body), &words);
	no_key = words.size && memmem(words.ptr, words.size, "key not found", 13);
	if (answer->status == STATUS_FORBIDDEN) {
		err = TOBI_E_DENIED;
		what = "the token may not use the key, or has expired";
	} else if (answer->status == STATUS_NOT_FOUND ||
		   (answer->status == STATUS_BAD && no_key)) {
		err = TOBI_E_NOT_FOUND;
		what = "it has no such key";
	} else if (answer->status == STATUS_BAD && opening) {
		err = TOBI_E_MISMATCH;
		what = "it does not open what is in the database: its key of this name "
		       "is another one, or the database was changed";
	} else if (answer->status == STATUS_SEALED) {
		what = "it is sealed, or in maintenance";
	} else if (answer->status / 100 == 3) {
		what = "it redirects, which is not followed: name the active server";
	}
	fault_set(fault, err, OBJECT, vault->provider.id, "%.100s: %s (%ld%s%.*s)",
		  vault->server, what, answer->status, words.size ? ": " : "",
		  (int)(words.size > 100 ? 100 : words.size), (const char *)words.ptr);
	wr_done(&words);
	return err;
}

static enum tobi_err make_key(const struct vault_provider *vault,
			      struct tobi_fault *fault)
{
	static const char body[] = "{\"type\":\"aes256-gcm96\"}";
	struct http_answer answer = {0};
	enum tobi_err err = post(
	    vault, "keys", (struct tobi_bytes){(const uint8_t *)body, sizeof(body) - 1},
	    &answer, fault);

	/* Whoever may only use keys has one that somebody else made: wrapping tells. */
	if (!err && answer.status != STATUS_OK && answer.status != STATUS_NO_CONTENT &&
	    answer.status != STATUS_FORBIDDEN)
		err = refused(vault, &answer, false, fault);
	http_answer_done(&answer);
	return err;
}

static enum tobi_err open_vault(const char *place, const char *pin_file,
				const char *wanted, struct key_provider **ret_provider,
				struct tobi_fault *fault)
{
	struct vault_provider *vault;
	struct http_settings settings = {NULL, TIMEOUT_MS, TRIES};
	enum tobi_err err;

	if (!pin_file)
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "token",
				 "a file with Vault's token is needed");
	vault = calloc(1, sizeof(*vault));
	if (!vault)
		return TOBI_E_MEMORY;
	vault->provider.ops = &key_provider_vault;
	vault->pin_file = strdup(pin_file);
	err = !vault->pin_file ? TOBI_E_MEMORY
	      : take_place(vault, place)
		  ? TOBI_OK
		  : fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "",
			      "it is named vault:https://HOST[:PORT]/[MOUNT/]KEY"
			      "[?ca=FILE]");
	settings.ca_file = vault->ca;
	if (!err)
		err = http_client_new(&settings, &vault->client, fault);
	snprintf(vault->provider.id, sizeof(vault->provider.id), "%s/%s", vault->mount,
		 vault->key);
	if (!err && !wanted)
		err = make_key(vault, fault);
	if (err) {
		close_vault(&vault->provider);
		return err;
	}
	*ret_provider = &vault->provider;
	return TOBI_OK;
}

/* One byte with the pad's size, the pad, and Vault's text. */
static enum tobi_err wrap(struct key_provider *provider, struct tobi_bytes plain,
			  struct writer *out, struct tobi_fault *fault)
{
	const struct vault_provider *vault = (struct vault_provider *)provider;
	CLEANUP(wr_done) struct writer body = wr_init(2048);
	struct http_answer answer = {0};
	uint8_t pad[PAD_MAX], padded[PAD_MAX];
	enum tobi_err err;

	if (plain.size > PAD_MAX)
		return TOBI_E_LIMIT;
	if (RAND_priv_bytes(pad, (int)plain.size) != 1)
		return fault_openssl(fault, OBJECT, "", "no random bytes");
	for (size_t i = 0; i < plain.size; i++)
		padded[i] = plain.ptr[i] ^ pad[i];
	wr_printf(&body, "{\"plaintext\":\"");
	base64_write(&body, (struct tobi_bytes){padded, plain.size});
	wr_printf(&body, "\"}");
	err = wr_err(&body) ? wr_err(&body)
			    : post(vault, "encrypt", wr_view(&body), &answer, fault);
	if (!err && answer.status != STATUS_OK)
		err = refused(vault, &answer, false, fault);
	if (!err) {
		wr_u8(out, (uint8_t)plain.size);
		wr_bytes(out, pad, plain.size);
		err = vault_read_ciphertext(wr_view(&answer.body), out, fault);
	}
	http_answer_done(&answer);
	explicit_bzero(pad, sizeof(pad));
	return err;
}

static enum tobi_err unpad(const uint8_t *pad, size_t size, struct secret *plain,
			   struct tobi_fault *fault)
{
	if (plain->size != size)
		return fault_set(fault, TOBI_E_MISMATCH, OBJECT, "plaintext",
				 "it gives %zu bytes, not %zu", plain->size, size);
	for (size_t i = 0; i < size; i++)
		plain->ptr[i] ^= pad[i];
	return TOBI_OK;
}

static enum tobi_err unwrap(struct key_provider *provider, struct tobi_bytes wrapped,
			    struct secret *ret_plain, struct tobi_fault *fault)
{
	const struct vault_provider *vault = (struct vault_provider *)provider;
	CLEANUP(wr_done) struct writer body = wr_init(LIMIT_STORE_KEY_WRAPPED);
	const size_t size = wrapped.size ? wrapped.ptr[0] : 0;
	struct http_answer answer = {0};
	struct secret plain = {0};
	struct tobi_bytes text;
	enum tobi_err err;

	if (wrapped.size < 1 + size)
		return fault_set(fault, TOBI_E_TRUNCATED, OBJECT, "store key",
				 "it is too short");
	text = (struct tobi_bytes){wrapped.ptr + 1 + size, wrapped.size - 1 - size};
	if (!vault_is_ciphertext(text))
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "store key",
				 "it is nothing that Vault made");
	wr_printf(&body, "{\"ciphertext\":\"%.*s\"}", (int)text.size,
		  (const char *)text.ptr);
	err = wr_err(&body) ? wr_err(&body)
			    : post(vault, "decrypt", wr_view(&body), &answer, fault);
	if (!err && answer.status != STATUS_OK)
		err = refused(vault, &answer, true, fault);
	if (!err)
		err = vault_read_plaintext(wr_view(&answer.body), &plain, fault);
	http_answer_done(&answer);
	if (!err)
		err = unpad(wrapped.ptr + 1, size, &plain, fault);
	if (err)
		secret_done(&plain);
	else
		*ret_plain = plain;
	return err;
}

const struct key_provider_ops key_provider_vault = {
    .kind = "vault",
    .open = open_vault,
    .close = close_vault,
    .wrap = wrap,
    .unwrap = unwrap,
};
