/*
 * The wrap key in a file: one line, "tobichi-wrap-key-1 " and 64 hexadecimal digits, mode
 * 0600. For a broker that trusts its machine's disk, apart from the database and its
 * backups.
 */
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "broker/keyring_aead.h"
#include "broker/keyring_provider.h"
#include "pki/key.h"

#define OBJECT "wrap key"

static const char prefix[] = "tobichi-wrap-key-1 ";

enum {
	PREFIX = sizeof(prefix) - 1,
	LINE = PREFIX + 2 * AEAD_KEY + 1,
	FILE_MAX = 4096,
	ID_SIZE = 8,
};

struct file_provider {
	struct key_provider provider;
	struct secret key;
};

static const struct tobi_bytes bound = {(const uint8_t *)"tobichi store key", 17};

static enum tobi_err make_file(const char *path, struct tobi_fault *fault)
{
	uint8_t key[AEAD_KEY];
	char line[LINE + 1];
	enum tobi_err err;

	if (RAND_priv_bytes(key, sizeof(key)) != 1)
		return fault_openssl(fault, OBJECT, "", "no random bytes");
	bytes_copy(line, sizeof(line), prefix, PREFIX);
	hex_write((struct tobi_bytes){key, sizeof(key)}, line + PREFIX,
		  sizeof(line) - PREFIX);
	line[LINE - 1] = '\n';
	err = file_write_new(path, 0600, (struct tobi_bytes){(const uint8_t *)line, LINE},
			     OBJECT, fault);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(line, sizeof(line));
	return err;
}

static enum tobi_err read_line(const struct secret *file, const char *path,
			       struct secret *ret_key, struct tobi_fault *fault)
{
	char digits[2 * AEAD_KEY + 1] = "";
	struct secret key = {0};
	enum tobi_err err;

	if (file->size != LINE || memcmp(file->ptr, prefix, PREFIX) != 0 ||
	    file->ptr[LINE - 1] != '\n')
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "",
				 "%s is no file with a wrap key", path);
	err = secret_new(AEAD_KEY, &key, fault);
	if (err)
		return err;
	bytes_copy(digits, sizeof(digits), file->ptr + PREFIX, 2 * AEAD_KEY);
	if (!hex_read(digits, key.ptr, AEAD_KEY))
		err = fault_set(fault, TOBI_E_MALFORMED, OBJECT, "",
				"%s is no file with a wrap key", path);
	explicit_bzero(digits, sizeof(digits));
	if (err)
		secret_done(&key);
	else
		*ret_key = key;
	return err;
}

static enum tobi_err read_file(const char *path, struct secret *ret_key,
			       struct tobi_fault *fault)
{
	CLEANUP(secret_done) struct secret file = {0};
	enum tobi_err err = file_read_secret(path, FILE_MAX, OBJECT, &file, fault);

	return err ? err : read_line(&file, path, ret_key, fault);
}

/* A key is told from another by a hash of it: 256 random bits are not guessed by it. */
static enum tobi_err set_id(struct file_provider *file, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer text = wr_init(128);
	uint8_t hash[SHA256_SIZE];
	char hex[2 * ID_SIZE + 1];

	wr_printf(&text, "tobichi wrap key id");
	wr_bytes(&text, file->key.ptr, file->key.size);
	if (wr_err(&text))
		return wr_err(&text);
	if (hash_sha256(wr_view(&text), hash))
		return fault_openssl(fault, OBJECT, "", "no hash");
	hex_write((struct tobi_bytes){hash, ID_SIZE}, hex, sizeof(hex));
	snprintf(file->provider.id, sizeof(file->provider.id), "%s", hex);
	return TOBI_OK;
}

static void close_file(struct key_provider *provider)
{
	struct file_provider *file = (struct file_provider *)provider;

	secret_done(&file->key);
	free(file);
}

static enum tobi_err open_file(const char *place, const char *pin_file,
			       const char *wanted, struct key_provider **ret_provider,
			       struct tobi_fault *fault)
{
	struct file_provider *file = calloc(1, sizeof(*file));
	enum tobi_err err;

	(void)pin_file;
	if (!file)
		return TOBI_E_MEMORY;
	file->provider.ops = &key_provider_file;
	err = read_file(place, &file->key, fault);
	if (err == TOBI_E_NOT_FOUND && !wanted) {
		err = make_file(place, fault);
		if (!err)
			err = read_file(place, &file->key, fault);
	}
	if (!err)
		err = set_id(file, fault);
	if (err) {
		close_file(&file->provider);
		return err;
	}
	*ret_provider = &file->provider;
	return TOBI_OK;
}

static enum tobi_err wrap(struct key_provider *provider, struct tobi_bytes plain,
			  struct writer *out, struct tobi_fault *fault)
{
	const struct file_provider *file = (struct file_provider *)provider;

	return aead_seal(file->key.ptr, bound, plain, out, fault);
}

static enum tobi_err unwrap(struct key_provider *provider, struct tobi_bytes wrapped,
			    struct secret *ret_plain, struct tobi_fault *fault)
{
	const struct file_provider *file = (struct file_provider *)provider;
	struct secret plain = {0};
	enum tobi_err err;

	if (wrapped.size < AEAD_MORE)
		return fault_set(fault, TOBI_E_TRUNCATED, "store key", "",
				 "it is too short");
	err = secret_new(wrapped.size - AEAD_MORE, &plain, fault);
	if (err)
		return err;
	err = aead_open(file->key.ptr, bound, wrapped, plain.ptr, fault);
	if (err)
		secret_done(&plain);
	else
		*ret_plain = plain;
	return err;
}

const struct key_provider_ops key_provider_file = {
    .kind = "file",
    .open = open_file,
    .close = close_file,
    .wrap = wrap,
    .unwrap = unwrap,
};
